"""
The SQL that compares two collections: written from what is compared and how the columns are declared.

Rows of the chosen collection stand in the sources' tables already. Those of the earlier one stand in tables of their
own, `earlier_...`, with only the columns that are needed; `stored_bodies` says which bodies the chosen one stored, and
`compared_streams` when each of the two was collected. All names are ours; runs are written as literals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from soc2ev.model import Column, Table
from soc2ev.period import Period
from soc2ev.tables.late_changes.compared import COMPARED, Compared

STREAMS = Table(
    "compared_streams",
    "Streams whose collections are compared.",
    (
        Column("stream", "TEXT", "the stream"),
        Column("first_at", "TIMESTAMP", "when the earlier one was collected"),
        Column("last_at", "TIMESTAMP", "when the chosen one was collected"),
        Column("closed", "BOOLEAN", "the earlier one was made after the period had closed"),
    ),
    ("stream",),
)
BODIES = Table(
    "stored_bodies",
    "Bodies that the chosen collections stored.",
    (
        Column("stream", "TEXT", "the stream"),
        Column("digest", "TEXT", "the body"),
        Column("same", "BOOLEAN", "the earlier collection got the same answer to the same question"),
    ),
    ("stream", "digest"),
)
FOUND = Table(
    "found_changes",
    "What differs, before the changes that it concerns are known.",
    (
        *(Column(name, "TEXT", "as in late_changes") for name in ("stream", "table", "key", "field", "kind", "run")),
        *(Column(name, "TEXT", "the value") for name in ("before", "after")),
        *(Column(name, "TIMESTAMP", "when it was collected") for name in ("first_at", "last_at")),
        Column("evidence", "TEXT[]", "bodies behind it"),
        *(Column(name, "TEXT", "what it belongs to") for name in ("repository", "sha", "site", "ticket")),
        *(Column(name, "BIGINT", "what it belongs to") for name in ("request", "deployment")),
    ),
    ("stream", "table", "key", "field", "kind", "run"),
)


@dataclass(frozen=True, slots=True)
class Runs:
    """The run that answers, the one before it, and the span that both were made for."""

    chosen: str
    before: str
    period: Period

    def fill(self, sql: str) -> str:
        """The text with `$run`, `$start` and `$end` as literals."""
        instants = {"$start": self.period.start, "$end": self.period.end}
        for name, moment in instants.items():
            sql = sql.replace(name, f"timestamp '{moment:%Y-%m-%d %H:%M:%S.%f}'")
        return sql.replace("$run", literal(self.chosen))


_LISTED = ", ".join(f'"{column.name}"' for column in FOUND.columns)
_BY_TABLE = {one.table: one for one in COMPARED}


def earlier(given: Compared, table: Table) -> Table:
    """The table for the earlier collection's rows: the columns of `table` that are compared, told or looked at."""
    looked_at = {"repository", "site", "number", "listed", "ticket", "key", "state"}
    wanted = {*given.key, *given.fields, *given.told, *looked_at, *(given.parent[1] if given.parent else ())}
    columns = tuple(column for column in table.columns if column.name in wanted)
    stream, evidence = Column("stream", "TEXT", "the stream"), Column("evidence", "TEXT", "the body")
    return Table(f"earlier_{table.name}", table.doc, (*columns, stream, evidence), given.key)


def keep_same(given: Compared, table: Table, runs: Runs) -> str:
    """Add the rows of bodies that both collections have, which nobody needs to read twice."""
    names = [column.name for column in earlier(given, table).columns if column.name not in ("stream", "evidence")]
    listed = ", ".join(f'"{name}"' for name in names)
    chosen = ", ".join(f'b."{name}"' for name in names)
    return (
        f'insert into "earlier_{table.name}" ({listed}, stream, evidence) '  # noqa: S608  our own names
        f'select {chosen}, s.stream, b.evidence from "{table.name}" b '
        f"join stored_bodies s on s.digest = b.evidence and s.same where b.run = {literal(runs.chosen)}"
    )


def compare(given: Compared, table: Table, runs: Runs) -> list[str]:
    """Statements that fill `found_changes`: what changed, vanished and appeared since the run before."""
    kinds = [_changed(given, table, runs), _gone(given, table, runs)]
    return [*kinds, _new(given, table, runs)] if given.appears else kinds


def literal(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _changed(given: Compared, table: Table, runs: Runs) -> str:
    """A fact counts as unchanged when any of the chosen rows of that key has it: several answers may tell one check."""
    fields = ", ".join(
        f"{{field: {literal(name)}, before: {_text(table, 'r', name)}, after: {_text(table, 'h', name)}}}"
        for name in given.fields
    )
    same = " and ".join(
        f"{_text(table, 'r', name)} is not distinct from {_text(table, 'h', name)}" for name in given.fields
    )
    key = ", ".join(f'r."{name}"' for name in given.key)
    return f"""
        with h as ({_held(given, table, runs)}), pairs as (
            select r.*, [r.evidence, h.evidence] as behind, [{fields}] as facts
            from "earlier_{table.name}" r join h on {_equal("h", "r", given.key)}
            join compared_streams c on c.stream = r.stream
            where c.closed and ({runs.fill(given.of)})
            qualify row_number() over (partition by {key} order by ({same}) desc, r.evidence, h.evidence) = 1
        ), differing as (select r.*, unnest(facts) as fact from pairs r)
        insert into found_changes ({_LISTED})
        select {_context(given, table, runs, "fact.field", "'changed'", "fact.before", "fact.after", "behind")}
        from differing r join compared_streams c using (stream) where fact.before is distinct from fact.after
    """  # noqa: S608  our own names


def _gone(given: Compared, table: Table, runs: Runs) -> str:
    absent = f"not exists (select 1 from h where {_equal('h', 'r', given.key)})"  # noqa: S608  our own names
    asked = runs.fill(given.vanishes)
    return f"""
        with h as ({_held(given, table, runs)})
        insert into found_changes ({_LISTED})
        select {_context(given, table, runs, "'row'", "'vanished'", _told(given, table), "null", "[r.evidence]")}
        from "earlier_{table.name}" r join compared_streams c using (stream)
        where {absent} and ({runs.fill(given.of)}) and ({asked}) and {_asked_again(given, runs)}
        {_once(given)}
    """  # noqa: S608  our own names


def _new(given: Compared, table: Table, runs: Runs) -> str:
    absent = f'not exists (select 1 from "earlier_{table.name}" e where {_equal("e", "r", given.key)})'  # noqa: S608
    known = "true"
    if given.parent:
        parent, columns = given.parent
        known = f'exists (select 1 from "earlier_{parent}" p where {_on(parent, columns)})'  # noqa: S608
    return f"""
        with h as ({_held(given, table, runs)})
        insert into found_changes ({_LISTED})
        select {_context(given, table, runs, "'row'", "'appeared'", "null", _told(given, table), "[r.evidence]")}
        from h r join compared_streams c using (stream)
        where c.closed and {absent} and {known}
        {_once(given)}
    """  # noqa: S608  our own names


def _held(given: Compared, table: Table, runs: Runs) -> str:
    """The rows that the chosen collections of the compared streams hold."""
    return (
        f'select r.*, s.stream from "{table.name}" r join stored_bodies s on s.digest = r.evidence '  # noqa: S608
        f"where r.run = {literal(runs.chosen)} and ({runs.fill(given.of)})"
    )


def _asked_again(given: Compared, runs: Runs) -> str:
    """Whether the chosen collection has what the row belongs to; else that alone is gone."""
    if given.parent is None:
        return "true"
    parent, columns = given.parent
    held = f"p.run = {literal(runs.chosen)} and p.evidence in (select digest from stored_bodies)"  # noqa: S608  our own name
    return f'exists (select 1 from "{parent}" p where {held} and {_on(parent, columns)})'  # noqa: S608


def _on(parent: str, columns: Sequence[str]) -> str:
    pairs = zip(_BY_TABLE[parent].key, columns, strict=True)
    return " and ".join(f'p."{theirs}" = r."{ours}"' for theirs, ours in pairs)


def _equal(left: str, right: str, names: Sequence[str]) -> str:
    return " and ".join(f'{left}."{name}" = {right}."{name}"' for name in names)


def _once(given: Compared) -> str:
    key = ", ".join(f'r."{name}"' for name in given.key)
    return f"qualify row_number() over (partition by {key} order by r.evidence) = 1"


def _context(
    given: Compared, table: Table, runs: Runs, field: str, kind: str, before: str, after: str, evidence: str
) -> str:
    listed = ", ".join(f'r."{name}"' for name in given.key)
    key = given.named or f"concat_ws(' ', {listed})"
    places = {
        name: f"r.{name}" if any(one.name == name for one in table.columns) else "null"
        for name in ("repository", "site")
    }
    return ", ".join(
        (
            *("r.stream", literal(table.name), key, field, kind, literal(runs.before), before, after),
            *("c.first_at", "c.last_at", evidence, places["repository"], given.sha, places["site"], given.ticket),
            *(given.request, given.deployment),
        )
    )


def _told(given: Compared, table: Table) -> str:
    """What the row says, as one text."""
    parts = ", ".join(f"{literal(name + ' ')} || {_text(table, 'r', name)}" for name in given.told)
    return f"concat_ws('; ', {parts})"


def _text(table: Table, row: str, name: str) -> str:
    """The column as text: instants in ISO 8601, lists in the order of their letters."""
    kind = next(column.type for column in table.columns if column.name == name)
    value = f'{row}."{name}"'
    if kind == "TIMESTAMP":
        return f"strftime({value}, '%Y-%m-%dT%H:%M:%SZ')"
    if kind == "TEXT[]":
        return f"array_to_string(list_sort({value}), ', ')"
    return value if kind == "TEXT" else f"cast({value} as varchar)"
