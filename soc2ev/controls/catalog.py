"""
Reading control files. A control without its reasons, its remediation or its worked examples is refused.

One YAML file is one control and the file's name is its id, so that the same name stands in the file system, the docs,
the workbook and the findings.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from soc2ev import yamlfile
from soc2ev.config import Settings
from soc2ev.errors import ConfigError, ControlError
from soc2ev.model import Attribute, Control, Outcome

BUILTIN = Path(__file__).parent
AREAS = (
    "api-logging",
    "api-abuse-monitoring",
    "change-management",
    "emergency-changes",
    "processing-integrity",
    "incident-response",
    "corrective-actions",
    "audit-requests",
)
"""The eight areas of the pack, in its order."""

CHANGED = "not the shipped control of this id"
"""What the origin of a control says that was changed under a shipped id."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CRITERION = re.compile(r"(CC[1-9]|A1|PI1|C1|P[1-8])\.\d{1,2}")


def _written(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return " ".join(text.split())


def _criterion(text: str) -> str:
    if not _CRITERION.fullmatch(text):
        raise ValueError("a criterion is written as CC8.1, A1.2, PI1.3 or the like")
    return text


Text = Annotated[str, AfterValidator(_written)]
Sql = Annotated[str, AfterValidator(lambda text: text.strip().rstrip(";").rstrip())]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Attribute(_Strict):
    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    asks: Text
    sql: Sql = Field(min_length=1)
    met: str = ""
    deviation: Text
    unknown: Text
    applies_when: Sql | None = None
    not_applicable: str = ""
    evidence: Sql | None = None
    needs: list[str] | None = None

    @model_validator(mode="after")
    def _explains_when_it_does_not_apply(self) -> _Attribute:
        if self.applies_when is not None and not self.not_applicable.strip():
            raise ValueError("an attribute with applies_when says in not_applicable why it may not apply")
        return self


class _Example(_Strict):
    name: Text
    period: str = "2026-10"
    given: dict[str, list[dict[str, Any]]]
    expect: dict[str, dict[str, Literal["met", "deviation", "not tested", "not applicable"]]]


class _ControlFile(_Strict):
    """The form of a control file."""

    id: str
    title: Text
    statement: Text
    why: Text
    criteria: list[Annotated[str, AfterValidator(_criterion)]] = Field(min_length=1)
    area: Literal[AREAS]  # type: ignore[valid-type]
    owner: Text
    frequency: Text
    needs: list[str] = Field(min_length=1)
    population: Sql = Field(min_length=1)
    attributes: dict[str, _Attribute] = Field(min_length=1)
    remediation: Text
    not_covered: str = ""
    examples: list[_Example] = Field(min_length=1)

    @model_validator(mode="after")
    def _shows_each_outcome(self) -> _ControlFile:
        for letter in self.attributes:
            if not re.fullmatch(r"[A-Z]", letter):
                raise ValueError(f"attributes are lettered A to Z, not {letter!r}")
        shown = {outcome for example in self.examples for row in example.expect.values() for outcome in row.values()}
        if missing := {Outcome.MET, Outcome.DEVIATION, Outcome.NOT_TESTED} - shown:
            raise ValueError(f"no worked example shows: {', '.join(sorted(missing))}")
        return self


def load(settings: Settings) -> list[Control]:
    """
    The controls that the configuration names (`builtin` and folders), sorted by id.

    ControlError with file:line:column for a file that is no complete control, and for one id in two files.
    """
    found: dict[str, Control] = {}
    places: dict[str, str] = {}
    for entry in settings.config.controls:
        if entry in missing_folders(settings):
            continue
        for control in builtin() if entry == "builtin" else _folder(settings.path(entry)):
            if control.id in found:
                raise ControlError(
                    f"{entry}/{control.id}.yaml: the id {control.id} is taken by {places[control.id]}",
                    hint="give the file another name, or leave `builtin` out and copy the controls that you keep",
                )
            found[control.id] = control
            places[control.id] = entry
    return [found[name] for name in sorted(found)]


def missing_folders(settings: Settings) -> list[str]:
    """Folders of controls that the configuration names and that do not exist; whoever shows results says so."""
    return [entry for entry in settings.config.controls if entry != "builtin" and not settings.path(entry).is_dir()]


@lru_cache(maxsize=1)
def builtin() -> tuple[Control, ...]:
    """The controls that soc2ev ships, sorted by id."""
    return tuple(read(path, origin="builtin") for path in sorted(BUILTIN.glob("*.yaml")))


def read(path: Path, *, origin: str | None = None) -> Control:
    """The control in that file; ControlError with file:line:column when it is not complete."""
    try:
        body = path.read_bytes()
        return parse(body, path.stem, origin or path.name)
    except OSError as problem:
        raise ControlError(f"{path}: {problem.strerror}") from None


def parse(body: bytes, name: str, origin: str) -> Control:
    """The control in those bytes; `name` is the file's name without its ending."""
    shown = f"{name}.yaml"
    try:
        document = yamlfile.parse(body, shown)
        form = document.validate(_ControlFile)
    except ConfigError as problem:
        raise ControlError(problem.message, hint=problem.hint) from None
    if form.id != name or not _ID.fullmatch(form.id):
        raise ControlError(f"{document.place(('id',))}: the id is the file's name in lower-case-with-dashes: {name}")
    _refuse_unknown_tables(document, form)
    return Control(
        **form.model_dump(exclude={"attributes", "examples", "criteria", "needs"}),
        criteria=tuple(form.criteria),
        needs=tuple(form.needs),
        attributes=tuple(_attribute(letter, part, form.needs) for letter, part in sorted(form.attributes.items())),
        examples=tuple(example.model_dump() for example in form.examples),
        origin=origin,
        digest=f"sha256:{hashlib.sha256(body).hexdigest()}",
        text=body.decode("utf-8-sig"),
    )


def _attribute(letter: str, part: _Attribute, needs: Iterable[str]) -> Attribute:
    given = part.model_dump(exclude={"needs"})
    return Attribute(letter, **given, needs=tuple(needs if part.needs is None else part.needs))


def _folder(folder: Path) -> list[Control]:
    return folder_of(folder)


def folder_of(folder: Path) -> list[Control]:
    """
    The controls in that folder, sorted by file name.

    A copy of a shipped control is that control; one that was changed under its id says so in its origin. Nothing else
    of where the file lies is kept: in a pack it lies elsewhere, and must render the same.
    """
    shipped = {control.digest: control for control in builtin()}
    ids = {control.id for control in builtin()}
    found = []
    for path in sorted(folder.glob("*.yaml")):
        control = read(path)
        changed = control.id in ids and control.digest not in shipped
        mine = replace(control, origin=f"{path.name}, {CHANGED}") if changed else control
        found.append(shipped.get(control.digest, mine))
    return found


def _refuse_unknown_tables(document: yamlfile.Document, form: _ControlFile) -> None:
    from soc2ev.tables import documented

    known = sorted(table.name for table in documented())
    for at, name in enumerate(form.needs):
        if name not in known:
            raise ControlError(
                f"{document.place(('needs', at))}: there is no table {name!r}{yamlfile.suggest(name, known)}"
            )
    for letter, part in form.attributes.items():
        for at, name in enumerate(part.needs or ()):
            if name not in known:
                place = document.place(("attributes", letter, "needs", at))
                raise ControlError(f"{place}: there is no table {name!r}{yamlfile.suggest(name, known)}")
