"""
The tables that registers become.

A table is declared once, by the form of its entries: each field is a column with the same meaning. Every
table also says the file, the record and its status, so that no draft is mistaken for a decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from soc2ev.model import Column, Json, Table
from soc2ev.sources.registers.fields import Attachment, Strict, identifies
from soc2ev.sources.registers.header import Register
from soc2ev.sources.registers.schemas import MODELS, described, part_of
from soc2ev.sources.registers.schemas.people import People

if TYPE_CHECKING:
    from soc2ev.sources.registers.reading import Reading

Row = tuple[str, Mapping[str, Json]]

_TYPES = {str: "TEXT", bool: "BOOLEAN", int: "BIGINT", date: "DATE", datetime: "TIMESTAMP"}
_FILE = Column("file", "TEXT", "file below the registers folder", required=True)
_RECORD = Column("record", "TEXT", "id of the record", required=True)
_ENTRY = Column("entry", "BIGINT", "position in its list, from 1", required=True)
_PERIOD = Column("period", "TEXT", "period that the record is about")
_STATUS = Column("status", "TEXT", "draft, in review, approved or retired", required=True)
_CAN_STOP = Column("can_stop", "BOOLEAN", "whether it is about stopping or deleting logs, not reading", required=True)

REGISTERS = Table(
    "registers",
    "One row for each record of a register; a file that cannot be used gives one row that says why.",
    (
        Column("record", "TEXT", "id of the record; the file's name when it cannot be read", required=True),
        Column("kind", "TEXT", "kind of register; NULL when it cannot be read"),
        _FILE,
        Column("title", "TEXT", "title for people"),
        Column("owner", "TEXT", "who keeps it current"),
        _PERIOD,
        Column("criteria", "TEXT[]", "related criteria"),
        Column("prepared_by", "TEXT", "who wrote it"),
        Column("reviewed_by", "TEXT", "who reviewed it, somebody else"),
        Column("reviewed_on", "DATE", "day of that review"),
        Column("valid_until", "DATE", "last day on which it holds; NULL when it does not expire"),
        Column("status", "TEXT", "draft, in review, approved or retired; NULL when the file cannot be used"),
        Column("tickets", "TEXT[]", "related tickets"),
        Column("problem", "TEXT", "why the file cannot be used; NULL when it can"),
    ),
    ("file", "record"),
)
ACCOUNTS = Table(
    "accounts",
    "Which account belongs to which person: GitHub accounts by number, addresses in lower case.",
    (
        _FILE,
        _RECORD,
        _STATUS,
        Column("person", "TEXT", "name in the table people", required=True),
        Column("system", "TEXT", "github, jira or email", required=True),
        Column("account", "TEXT", "number, account id or address", required=True),
        Column("login", "TEXT", "GitHub login when the register was written; NULL elsewhere"),
    ),
    ("file", "record", "system", "account"),
)


class _Leaf(NamedTuple):
    """A field that is a column: the way to its value, and the column."""

    way: tuple[str, ...]
    column: Column
    counts: bool
    """The value is a list of entries with a table of their own; the column says how many."""


_HEADER = tuple(column.name for column in REGISTERS.columns if column.name not in ("record", "file", "problem"))


def rows(file: str, reading: Reading) -> Iterator[Row]:
    """All rows of one file, in its order."""
    if reading.problems:
        yield REGISTERS.name, _unusable(file, reading)
    for record in reading.records:
        own = {name: _plain(getattr(record, name)) for name in _HEADER}
        yield REGISTERS.name, {"record": record.id, "file": file, **own, "problem": None}
        yield from _of_record(record, {"file": file, "record": record.id, "status": record.status})


def _unusable(file: str, reading: Reading) -> dict[str, Json]:
    empty: dict[str, Json] = dict.fromkeys(_HEADER)
    known = {"record": reading.record or file, "kind": reading.kind, "file": file}
    return {**empty, **known, "problem": "; ".join(str(problem) for problem in reading.problems[:10])}


def _of_record(record: Register, common: Mapping[str, Json]) -> Iterator[Row]:
    model = type(record)
    if model.table:
        row = {**common, "period": record.period, **_values(record, _leaves(model, own_only=True))}
        yield model.table, {"id": row.pop("record"), **row} if model.table == "waivers" else row
    for name, table in model.tables.items():
        extra = {"can_stop": name == "can_stop_logging"} if table == "register_access_decisions" else {}
        for at, entry in enumerate(getattr(record, name), 1):
            yield table, {**common, **extra, "entry": at, **_values(entry, _leaves(type(entry)))}
    if isinstance(record, People):
        yield from _accounts(record, common)


def _accounts(record: People, common: Mapping[str, Json]) -> Iterator[Row]:
    for person in record.people:
        logins = {(system, account): login for system, account, login in reversed(person.accounts())}
        for (system, account), login in reversed(logins.items()):
            yield (
                ACCOUNTS.name,
                {
                    **common,
                    "person": person.name,
                    "system": system,
                    "account": account,
                    "login": login,
                },
            )


def _values(part: Strict, leaves: tuple[_Leaf, ...]) -> dict[str, Json]:
    found = {}
    for leaf in leaves:
        value: Any = part
        for name in leaf.way:
            value = getattr(value, name)
        found[leaf.column.name] = len(value) if leaf.counts else _plain(value)
    return found


def _plain(value: Any) -> Json:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Attachment) else value


def _leaves(model: type[Strict], *, own_only: bool = False) -> tuple[_Leaf, ...]:
    """The columns of a form; a form inside it that is no list gives its fields."""
    found: list[_Leaf] = []
    for name, field in model.model_fields.items():
        if own_only and name in Register.model_fields:
            continue
        inner, many = part_of(field.annotation)
        extra = field.json_schema_extra
        shown = str(extra["column"]) if isinstance(extra, dict) else field.alias or name
        if not shown:
            continue
        if inner is not None and not many:
            found += [leaf._replace(way=(name, *leaf.way)) for leaf in _leaves(inner)]
            continue
        type_ = "BIGINT" if many else _sql_type(field.annotation)
        doc = f"{field.description}: how many" if many else str(field.description)
        found.append(_Leaf((name,), Column(shown, type_, doc, required=identifies(field)), many))
    return tuple(found)


def _sql_type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _sql_type(get_args(annotation)[0])
    if origin in (Union, UnionType):
        (inner,) = (one for one in get_args(annotation) if one is not NoneType)
        return _sql_type(inner)
    if origin is list:
        return "TEXT[]"
    return "TEXT" if origin is Literal else _TYPES[annotation]


def _tables() -> Iterator[Table]:
    yield REGISTERS
    for model in MODELS.values():
        if model.table:
            yield _record_table(model, model.table)
        # Two lists can share a table; then their entries have one form.
        for table, field in {table: field for field, table in model.tables.items()}.items():
            yield _entry_table(model, table, field)
    yield ACCOUNTS


def _record_table(model: type[Register], table: str) -> Table:
    record = replace(_RECORD, name="id") if table == "waivers" else _RECORD
    columns = (_FILE, record, _PERIOD, _STATUS, *(leaf.column for leaf in _leaves(model, own_only=True)))
    return Table(table, described(model), columns, ("file", record.name))


def _entry_table(model: type[Register], table: str, field: str) -> Table:
    inner, _ = part_of(model.model_fields[field].annotation)
    if inner is None:
        raise TypeError(f"{model.__name__}.{field} is no list of entries")
    extra = (_CAN_STOP,) if table == "register_access_decisions" else ()
    columns = (_FILE, _RECORD, _STATUS, *extra, _ENTRY, *(leaf.column for leaf in _leaves(inner)))
    return Table(table, described(inner), columns, ("file", "record", *(one.name for one in extra), "entry"))


TABLES: tuple[Table, ...] = tuple(_tables())
"""Every table that the files become."""
