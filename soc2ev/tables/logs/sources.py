"""The table log_sources: what platforms show and what the inventory lists, merged by key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from soc2ev.model import Coverage, Json
from soc2ev.tables.facts.fact import Fact, moment, no, unknown, yes
from soc2ev.tables.logs import judged
from soc2ev.tables.logs.declared import LOG_SOURCES
from soc2ev.tables.logs.imported import NONE, Imports
from soc2ev.tables.logs.readings import MISSING, Reading, Readings
from soc2ev.tables.logs.required import Demand, Required
from soc2ev.tables.readings import Seen

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_TAKEN = (
    *("key", "connector", "title", "category", "enabled", "delivering", "integrity", "encryption", "account", "region"),
    *("searchable_days", "archive_days", "masking", "last_event_at", "last_error", "sampling", "exclusions"),
    *("unknown", "observed_at"),
)
_NAMED = (("logs", "logs"), ("arrives", "arrives"), ("kept", "kept"), ("kept_year", "kept_year"), ("sealed", "sealed"))
_NAMED_MORE = (("encrypted", "encrypted"), ("whole", "whole"))
_CONTENT = """
    select lower(source) as source, event, first_at, last_at from log_content_events where "count" > 0 order by all
"""
_AWAY = no("The platform did not show it, as it did before and after.")


def derive(engine: Engine, coverages: Sequence[Coverage], readings: Readings, imports: Imports = NONE) -> None:
    """
    Fill the table; `imports` are named where nothing else shows an event.

    What the platform has, and the status, are of the reading that answers for the period; each yes and no is of the
    period, from all its readings.
    """
    engine.insert(LOG_SOURCES, list(_rows(engine, coverages, readings, imports)))


def by_source(engine: Engine, table: str) -> dict[str, list[Row]]:
    """The rows of a collected list by the key of their source, in order."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in engine.stream(f"select * from {table} order by source_key, position"):  # noqa: S608  our own names
        found[row["source_key"]].append(row)
    return found


def _rows(
    engine: Engine, coverages: Sequence[Coverage], readings: Readings, imports: Imports
) -> Iterator[dict[str, Json]]:
    wanted = Required(engine, coverages)
    sinks, events = by_source(engine, "collected_log_sinks"), by_source(engine, "collected_log_events")
    seen: dict[str, set[str]] = defaultdict(set)
    for row in engine.stream(_CONTENT):
        if readings.touches(row["first_at"], row["last_at"]):
            seen[row["source"]].add(row["event"])
    shown = set()
    for row in list(engine.stream("select * from collected_log_sources order by key")):
        shown.add(row["key"])
        about = _about(row["key"], _listed(row, wanted), wanted, seen, imports)
        facts = judged.answered(row, sinks[row["key"]], (one["event"] for one in events[row["key"]]), about)
        yield _found(row, judged.kept_by(row, sinks[row["key"]]), wanted, _over(row, facts, about, readings))
    gone = readings.gone(shown)
    for key in sorted((wanted.listed.keys() | gone.keys()) - shown):
        where = _where(key, gone.get(key), wanted, coverages)
        about = _about(key, _kept_off(key, wanted), wanted, seen, imports)
        yield _missing(key, where, about, wanted, readings)


def _about(key: str, listed: Fact, wanted: Required, seen: Mapping[str, set[str]], imports: Imports) -> judged.About:
    observed = frozenset(seen.get(key.lower(), ()))
    return judged.About(wanted.of(key), listed, wanted.events(key), observed, imports.events(key))


def _kept_off(key: str, wanted: Required) -> Fact:
    """Whether a source that is gone is listed: its entry may have been retired with it."""
    if key in wanted.listed:
        return yes("It stands in the inventory.")
    return unknown("It is not in the inventory, and the platform does not show it any more.")


def _listed(row: Row, wanted: Required) -> Fact:
    if row["key"] in wanted.listed:
        return yes("It stands in the inventory.")
    if row["native"] is None:
        return unknown("The platform could not be read, so that it is not known which sources it has.")
    if not wanted.whole:
        return unknown("Not every register could be read; it may be listed.")
    return no("It is not in the inventory.")


class _Over(NamedTuple):
    """The answers of the reading, those for the period, and the digests of other readings behind these."""

    read: judged.Facts
    period: judged.Facts
    digests: tuple[str, ...]
    demand: Demand


def _over(row: Row, facts: judged.Facts, about: judged.About, readings: Readings) -> _Over:
    key = row["key"]
    others = [(one, source, judged.answered(source, *_lists(one, key), about)) for one, source in readings.of(key)]
    missed = list(readings.missed(key))
    found: dict[str, Fact] = {}
    digests: dict[str, None] = {}
    for name, _ in (*_NAMED, *_NAMED_MORE, ("events", "events_covered")):
        now = Seen(row["observed_at"], getattr(facts, name))
        told = readings.over(now, [*_seen(others, name), *_absent(missed, name, row["observed_at"])])
        found[name] = told.fact
        digests |= dict.fromkeys(told.digests)
    return _Over(facts, replace(facts, **found), tuple(digests), about.demand)


def _seen(others: Sequence[tuple[Reading, Row, judged.Facts]], name: str) -> list[Seen]:
    return [Seen(source["observed_at"], getattr(facts, name), one.digests) for one, source, facts in others]


def _absent(missed: Sequence[Reading], name: str, back: datetime | None) -> list[Seen]:
    """What readings say that lack it: before it came `back` it did not log, and of the rest nothing is known."""
    return [
        Seen(one.at, _AWAY if name == "logs" and back and one.at < back else MISSING, one.digests) for one in missed
    ]


def _lists(reading: Reading, key: str) -> tuple[Sequence[Row], list[str]]:
    """The sinks of that reading, and the kinds of events that its configuration logs."""
    events = reading.entries("collected_log_events", key)
    return reading.entries("collected_log_sinks", key), [one["event"] for one in events]


def _found(row: Row, kept: judged.Kept, wanted: Required, over: _Over) -> dict[str, Json]:
    entry, demand = wanted.listed.get(row["key"]), over.demand
    evidence = {row["evidence"], *over.digests, *demand.evidence, *({entry["evidence"]} if entry else ())}
    return {
        **{name: row[name] for name in _TAKEN},
        "retention_days": kept.days,
        "retention_infinite": kept.infinite,
        "retention_basis": kept.basis,
        "found": True if row["native"] is not None else None,
        "required_days": demand.days,
        "required_by": demand.by,
        "owner": entry["owner"] if entry else None,
        **_told(_asked(over.period, demand), _asked(over.read, demand) if demand.unread else over.read),
        "evidence": sorted(evidence),
    }


def _asked(facts: judged.Facts, demand: Demand) -> judged.Facts:
    """It is kept as long as required only if what is required is known."""
    if demand.doubt and facts.kept.value:
        return replace(facts, kept=unknown(f"{facts.kept.reason} {demand.doubt}"))
    return facts


def _where(key: str, last: Row | None, wanted: Required, coverages: Sequence[Coverage]) -> Fact:
    """Why a source has no row of its own in the reading that answers."""
    connector = key.partition(":")[0]
    if key not in wanted.listed:
        seen = moment(last["observed_at"]) if last else "earlier"
        return unknown(f"It was there {seen}, and the platform does not show it any more.")
    asked = [
        one
        for one in coverages
        if one.stream.startswith(f"logs:{connector}:") and ":history" not in one.stream and one.run
    ]
    if asked and all(one.complete for one in asked):
        return no("It is listed, and the platform does not show it.")
    if asked:
        return unknown("It is listed, and the platform was not read whole.")
    return unknown(f"It is listed, and no connector {connector} was collected (sources.logs).")


def _missing(key: str, where: Fact, about: judged.About, wanted: Required, readings: Readings) -> dict[str, Json]:
    """A row for a source that the reading which answers does not show: it is listed, or was there in the period."""
    read, entry = judged.absent(about.listed, where), wanted.listed.get(key)
    period, digests = _before(key, read, about, readings)
    return {
        "key": key,
        "connector": key.partition(":")[0],
        "title": entry["purpose"] if entry else None,
        "found": where.value,
        "owner": entry["owner"] if entry else None,
        "required_days": about.demand.days,
        "required_by": about.demand.by,
        "unknown": [],
        **_told(_asked(period, about.demand), read),
        "evidence": sorted({*digests, *about.demand.evidence, *({entry["evidence"]} if entry else ())}),
    }


def _before(
    key: str, read: judged.Facts, about: judged.About, readings: Readings
) -> tuple[judged.Facts, dict[str, None]]:
    """What the readings within the period say of it, and their digests; `read` where none shows it."""
    inside = [(one, source) for one, source in readings.of(key) if readings.period.contains(one.at)]
    others = [(one, source, judged.answered(source, *_lists(one, key), about)) for one, source in inside]
    if not others:
        return read, {}
    missed, found = list(readings.missed(key)), dict[str, Fact]()
    for name, _ in (*_NAMED, *_NAMED_MORE, ("events", "events_covered")):
        last = _seen(others, name)[-1]
        found[name] = readings.over(last, [*_seen(others, name), *_absent(missed, name, None)]).fact
    return replace(read, **found), dict.fromkeys(digest for one, _ in inside for digest in one.digests)


def _told(facts: judged.Facts, read: judged.Facts) -> dict[str, Json]:
    status, reasons = read.status()
    row: dict[str, Json] = {"status": status, "reasons": reasons}
    for name, column in (*_NAMED, *_NAMED_MORE):
        fact: Fact = getattr(facts, name)
        row |= {column: fact.value, f"{column}_reason": fact.reason}
    row |= {"in_inventory": facts.listed.value, "listed_reason": facts.listed.reason}
    return row | {"events_covered": facts.events.value, "events_reason": facts.events.reason}
