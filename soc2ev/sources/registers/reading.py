"""
From the bytes of a register to its records, or to everything that is wrong with it.

A file holds one record, or several under `records:`; whatever stands beside `records` then holds for each
of them that does not say otherwise. A file with one wrong record gives no record at all: half a register
would look like a whole one. Pure: the same bytes give the same answer at collection, in the tables and in a
pack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, TypeVar, get_args

from pydantic import Field, model_validator

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.sources.registers.fields import Id, Strict, unique
from soc2ev.sources.registers.header import Register
from soc2ev.sources.registers.schemas import MODELS
from soc2ev.sources.registers.schemas.people import People

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_BYTES = 1024 * 1024
_MAX_RECORDS = 2000
_MAX_COMPLAINT = 300
_PLACE = re.compile(r":\d+:\d+")

R = TypeVar("R", bound=Register)


class Problem(NamedTuple):
    """Something wrong with a register: `place` is file:line:column (or the file), `message` says what."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says. With problems there are no records; `kind` and `record` are told when readable."""

    kind: str | None
    record: str | None
    records: tuple[Register, ...]
    problems: tuple[Problem, ...]


class _Several(Strict, Generic[R]):
    id: Id
    kind: str
    schema_: Literal[1] = Field(alias="schema")
    records: Annotated[list[R], unique("id")]

    @model_validator(mode="before")
    @classmethod
    def _share(cls, data: Any) -> Any:
        """Give each record what stands beside `records`; a key that no record knows is refused there."""
        if not isinstance(data, dict) or not isinstance(data["records"], list):
            return data
        if len(data["records"]) > _MAX_RECORDS:
            raise ValueError(f"more than {_MAX_RECORDS} records; use several files")
        (record,) = get_args(cls.model_fields["records"].annotation)
        known = {field.alias or name for name, field in record.model_fields.items()}
        shared = {key: value for key, value in data.items() if key in known and key != "id"}
        own = {key: value for key, value in data.items() if key not in shared or key in ("kind", "schema")}
        records = [{**shared, **one} if isinstance(one, dict) else one for one in data["records"]]
        return {**own, "records": records}


def read(body: bytes, name: str) -> Reading:
    """The records in those bytes; `name` stands in complaints. What is wrong is told, never raised."""
    if len(body) > _MAX_BYTES:
        return _wrong([Problem(name, f"larger than {_MAX_BYTES} bytes")])
    try:
        document = yamlfile.parse(body, name)
    except ConfigError as error:
        return _wrong(_problems(error, name))
    data = document.data
    if not isinstance(data, dict):
        return _wrong([Problem(f"{name}:1:1", "a register is a mapping that begins with id, kind and schema: 1")])
    _complete(data, name)
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in MODELS:
        return _wrong([Problem(document.place(["kind"]), _unknown_kind(data))], record=_readable(data.get("id")))
    try:
        records = _records(document, MODELS[kind])
    except ConfigError as error:
        return _wrong(_problems(error, name), kind=kind, record=_readable(data.get("id")))
    return Reading(kind, _readable(data.get("id")), records, ())


def _complete(data: dict[str, Any], name: str) -> None:
    """
    A file that is named after a kind and has no header is a draft of that kind, so that its entries are seen.

    A draft approves nothing: no answer turns better by what nobody signed.
    """
    stem = PurePosixPath(name).stem
    kind = stem.replace("-", "_")
    if "kind" not in data and kind in MODELS and not data.keys() & {"id", "schema", "status", "records"}:
        data.update({"id": stem, "kind": kind, "schema": 1, "status": "draft"})


def clashes(readings: Mapping[str, Reading]) -> list[Problem]:
    """What is wrong between files (by name): an id used twice, an account that two people claim."""
    owners: dict[tuple[str, ...], tuple[str, str]] = {}
    found = []
    for name, reading in readings.items():
        for key, owner in (claim for record in reading.records for claim in _claims(record)):
            first, where = owners.setdefault(key, (owner, name))
            if where != name and (first != owner or key[0] == "id"):
                found.append(Problem(name, f"{' '.join(key)} already stands in {where}"))
    return found


def printable(text: str, limit: int = _MAX_COMPLAINT) -> str:
    """Text from outside, fit for a terminal and for UTF-8: escapes for what cannot be seen, cut when long."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown if len(shown) <= limit else f"{shown[:limit]}..."


def _records(document: yamlfile.Document, model: type[Register]) -> tuple[Register, ...]:
    if "records" in document.data:
        # mypy cannot follow a class that is made while the program runs.
        several: type[_Several[Register]] = _Several[model]  # type: ignore[valid-type]
        return tuple(document.validate(several).records)
    return (document.validate(model),)


def _claims(record: Register) -> Iterator[tuple[tuple[str, ...], str]]:
    """What only one record (or person) may have, with the one who claims it."""
    yield ("id", record.id), record.id
    if isinstance(record, People):
        for person in record.people:
            for system, account, _ in person.accounts():
                yield (system, account), person.name


def _unknown_kind(data: Mapping[str, Any]) -> str:
    if "kind" not in data:
        return "kind: missing"
    kind = printable(str(data["kind"]))
    return f"kind: '{kind}' is no kind of register{yamlfile.suggest(kind, list(MODELS))}"


def _wrong(problems: list[Problem], *, kind: str | None = None, record: str | None = None) -> Reading:
    return Reading(kind, record, (), tuple(problems))


def _readable(value: Any) -> str | None:
    """The id of a file that is otherwise wrong, if it is one."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][ -~]{0,99}", value) else None


def _problems(error: ConfigError, name: str) -> list[Problem]:
    """One problem for each complaint; the lines of a complaint that runs over several are joined."""
    complaints: list[str] = []
    for line in error.message.split("\n"):
        if line.startswith(name) or not complaints:
            complaints.append(line)
        else:
            complaints[-1] += f" {line.strip()}"
    return [_problem(complaint, name) for complaint in complaints]


def _problem(complaint: str, name: str) -> Problem:
    rest = complaint.removeprefix(name)
    place = match[0] if (match := _PLACE.match(rest)) else ""
    return Problem(f"{name}{place}", printable(rest.removeprefix(place).removeprefix(":").strip()))
