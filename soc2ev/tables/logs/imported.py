"""
Aggregations that ran in an engine elsewhere and were imported: what they count in the period, hour by hour.

That the engine gave this result is somebody's word, so that their basis is declared: they are shown beside what was
observed, and no answer turns yes or no by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError
from soc2ev.logs import aggregate
from soc2ev.logs.events import KINDS
from soc2ev.logs.instants import instant
from soc2ev.model import EvidenceItem, Json
from soc2ev.period import Period
from soc2ev.tables.facts.fact import listed, shown
from soc2ev.tables.logs.declared import LOG_AGGREGATION_EVENTS, LOG_AGGREGATIONS

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine
    from soc2ev.vault import Vault

STREAM = "logs:import:"
BASIS = "declared"
CLAIM = "that the engine gave this result is declared, not observed."
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 2_932_895 * 24
"""The last day of the year 9999, behind which there are no instants."""
_OLD = "it was imported by a version that did not compare the query with the planned one"
SHARES = {
    "who": ("actor", "who"),
    "what": ("action", "what"),
    "where": ("ip", "place"),
    "correlation": ("id", "correlated"),
}
"""Of each share the field that has to be asked for, and the column that counts it."""
_KNOWN = """
    select lower(key) as key from register_log_sources where status is distinct from 'retired'
    union select lower(key) from collected_log_sources union select lower(source) from log_contents
"""
Row = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Import:
    """One import: whose logs it counts, by which run of which engine, and the hours in which it is the newest word."""

    item: EvidenceItem
    name: str
    source: str
    table: str
    engine: str
    query_id: str
    ran_at: datetime | None
    fields: frozenset[str]
    reason: str
    """Why it supports nothing; empty when the query is the planned one."""
    rows: Sequence[aggregate.Row] = ()
    hours: Sequence[aggregate.Row] = ()
    """Of the rows those that lie in the period and before the run, when no newer run
    over the same table has that hour."""

    def share(self, name: str) -> float | None:
        """Of the records in the period those that have it; None when the query did not ask for it, or without any."""
        asked, column = SHARES[name]
        records = count([self], "records")
        return count([self], column) / records if records and asked in self.fields else None

    @property
    def run(self) -> str:
        """The run, as the engine names it."""
        return f"{shown(self.engine)}, query {shown(self.query_id)}"


@dataclass(frozen=True, slots=True)
class Imports:
    """The imports that speak for the period, by the log source that they count."""

    by_source: Mapping[str, Sequence[Import]] = field(default_factory=dict)
    """Keys in lower case."""
    used: frozenset[tuple[str, str]] = frozenset()
    """Run and stream of every import that is in the tables."""

    def of(self, source: str) -> Sequence[Import]:
        """The imports of that source, whatever the case of its letters."""
        return self.by_source.get(source.lower(), ())

    def events(self, source: str) -> frozenset[str]:
        """The kinds of events that they count in the period."""
        return frozenset(kind for kind in KINDS if count(self.of(source), _column(kind)))

    def said(self, event: str) -> str:
        """The sentence on how often they count an event; empty when they do not."""
        told = [one for found in self.by_source.values() for one in found if count([one], _column(event))]
        if not told:
            return ""
        sources, runs = listed(shown(one.source) for one in told), listed(one.run for one in told)
        return f"Imported aggregations count {count(told, _column(event))} of {sources} ({runs}); {CLAIM}"


NONE = Imports()
"""Nothing was imported."""


def count(found: Iterable[Import], column: str) -> int:
    """The sum of a column over the hours in the period."""
    return sum(row[column] or 0 for one in found for row in one.hours)


def derive(engine: Engine, vault: Vault, period: Period) -> Imports:
    """
    Fill both tables; the imports that speak for the period.

    Only what finished runs imported counts, and of what has nothing to do with the period no body is read.
    TamperedError for a body that was altered.
    """
    finished = {line.data["run"] for line in vault.lines() if line.type == "finish"}
    items = [one for one in vault.items() if one.run in finished and _is_result(one) and _touches(one, period)]
    imports = _settled([_import(one, vault) for one in items], period)
    found: dict[str, list[Import]] = defaultdict(list)
    for one in imports:
        if not one.reason and one.hours:
            found[one.source.lower()].append(one)
    known = {row["key"] for row in engine.stream(_KNOWN)}
    engine.insert(LOG_AGGREGATIONS, [_aggregation(one, known) for one in imports])
    engine.insert(LOG_AGGREGATION_EVENTS, [row for key in sorted(found) for row in _events(found[key])])
    streams = ((one.item.run, stream) for one in imports for stream in (one.item.stream, f"{one.item.stream}:query"))
    return Imports(found, frozenset(streams))


def _is_result(item: EvidenceItem) -> bool:
    return item.stream.startswith(STREAM) and item.stream.count(":") == STREAM.count(":") and "digest" in item.request


def _touches(item: EvidenceItem, period: Period) -> bool:
    """Whether it has hours of the period; of an import that does not note its hours this is not known."""
    first, last = item.request.get("first_hour"), item.request.get("last_hour")
    if not isinstance(first, int) or not isinstance(last, int):
        return "first_hour" not in item.request
    return _start(first) < period.end and _start(last) + _HOUR > period.start


def _start(hour: int) -> datetime:
    return _EPOCH + _HOUR * max(0, min(hour, _LATEST))


def _import(item: EvidenceItem, vault: Vault) -> Import:
    asked = item.request
    ran = instant(str(asked.get("ran_at", "")), 0.0)
    reason = str(asked.get("reason") or "") if asked.get("planned") is not None else _OLD
    if not reason and asked.get("planned") is not True:
        reason = "it is not the planned query"
    rows: Sequence[aggregate.Row] = ()
    if not reason:
        rows, reason = _rows(vault.read(item.digest), asked.get("digest"))
    name = item.stream.removeprefix(STREAM)
    return Import(
        item,
        name,
        str(asked.get("log_source") or name),
        str(asked.get("table") or ""),
        str(asked.get("engine") or ""),
        str(asked.get("query_id") or ""),
        _EPOCH + timedelta(seconds=ran.at) if ran else None,
        frozenset(map(str, asked.get("fields") or ())),
        reason,
        rows,
    )


def _rows(body: bytes, noted: Json) -> tuple[Sequence[aggregate.Row], str]:
    """The rows of a result; none, and why, when it is not the one that was noted."""
    try:
        found = aggregate.rows(body)
        aggregate.refuse_impossible(found)
    except ConfigError as problem:
        return (), problem.message
    return (found, "") if aggregate.digest(found) == noted else ((), "its digest is not the one that was noted")


def _settled(imports: Sequence[Import], period: Period) -> list[Import]:
    """The imports with the hours for which each speaks; of one run that was imported twice only the later one."""
    runs = {(one.engine, one.query_id, one.item.request.get("digest")): one for one in imports}
    taken: dict[tuple[str, ...], set[int]] = defaultdict(set)
    hours: dict[int, list[aggregate.Row]] = {}
    newest = sorted((one for one in runs.values() if not one.reason), key=_age, reverse=True)
    for one in newest:
        mine = taken[one.source.lower(), one.engine, one.table]
        hours[one.item.seq] = [row for row in one.rows if _lies_in(row, one, period) and row["hour"] not in mine]
        mine |= {row["hour"] for row in one.rows if row["hour"] is not None}
    return [replace(one, hours=hours.get(one.item.seq, ())) for one in imports]


def _age(one: Import) -> tuple[datetime, int]:
    return one.ran_at or _EPOCH, one.item.seq


def _lies_in(row: aggregate.Row, one: Import, period: Period) -> bool:
    """Whether all of the hour's events lie in the period, and none after the run that counted them."""
    first, last = row["first_at"], row["last_at"]
    if first is None or last is None or one.ran_at is None or last >= _LATEST * 3600:
        return False
    start, end = _EPOCH + timedelta(seconds=first), _EPOCH + timedelta(seconds=last + 1)
    return period.start <= start and end <= period.end and start <= one.ran_at


def _aggregation(one: Import, known: Iterable[str]) -> dict[str, Json]:
    dated = [row for row in one.rows if row["hour"] is not None]
    records = count([one], "records")
    told = count([one], "told")
    row: dict[str, Json] = {"name": one.name, "imported_at": one.item.received_at, "source": one.source}
    row |= {"engine": one.engine, "query_id": one.query_id, "ran_at": one.ran_at, "basis": BASIS}
    row |= {"planned": not one.reason, "planned_reason": one.reason or "The query is the one that was planned."}
    row |= {"listed": one.source.lower() in known, "speaks": bool(one.hours), "hours": len(one.hours)}
    row |= {"records": records, "undated": _sum(one.rows, "records") - _sum(dated, "records")}
    row |= {"first_at": _edge(one.hours, "first_at", min), "last_at": _edge(one.hours, "last_at", max)}
    row |= {f"{name}_share": one.share(name) for name in SHARES}
    row |= {"error_share": count([one], "errors") / told if told and "status" in one.fields else None}
    return row | {"evidence": sorted({one.item.digest, str(one.item.request.get("query_sha256") or "")} - {""})}


def _events(found: Sequence[Import]) -> Iterator[dict[str, Json]]:
    for kind in KINDS:
        column = _column(kind)
        hours = [row for one in found for row in one.hours if row[column]]
        yield {
            "source": found[0].source,
            "event": kind,
            "count": count(found, column),
            "not_before": _edge(hours, "first_at", min),
            "not_after": _edge(hours, "last_at", max),
            "basis": BASIS,
            "evidence": sorted({one.item.digest for one in found}),
        }


def _sum(rows: Iterable[aggregate.Row], column: str) -> int:
    return sum(row[column] or 0 for row in rows)


def _edge(rows: Iterable[aggregate.Row], column: str, choose: Callable[[list[int]], int]) -> datetime | None:
    """The first or last second of these hours; None without any."""
    found = [at for row in rows if (at := row[column]) is not None]
    return _EPOCH + timedelta(seconds=choose(found)) if found else None


def _column(kind: str) -> str:
    return kind.replace(".", "_")


__all__ = ["BASIS", "CLAIM", "NONE", "SHARES", "Import", "Imports", "count", "derive"]
