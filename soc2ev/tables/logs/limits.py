"""Rate limits and addresses of webhooks, each with what all readings of the period say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from soc2ev.model import Json, Table
from soc2ev.tables.facts.fact import Fact, no, unknown, yes
from soc2ev.tables.logs.declared import LOG_WEBHOOKS, RATE_LIMITS
from soc2ev.tables.logs.readings import MISSING, Judge, Readings, named

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_SOURCES = "select * from collected_log_sources order by key"
_AWAY = no("The platform did not show it, as it did before and after.")


def derive(engine: Engine, readings: Readings) -> None:
    """Fill both tables."""
    sources = {row["key"]: row for row in engine.stream(_SOURCES)}
    _fill(engine, RATE_LIMITS, "collected_rate_limits", "scope", {"refuses": _refuses}, sources, readings)
    facts: Mapping[str, Judge] = {"used": _used, "arrived": _arrived}
    _fill(engine, LOG_WEBHOOKS, "collected_log_webhooks", "endpoint", facts, sources, readings)


def _fill(
    engine: Engine,
    table: Table,
    base: str,
    naming: str,
    facts: Mapping[str, Judge],
    sources: Mapping[str, Row],
    readings: Readings,
) -> None:
    rows = list(engine.stream(f"select * from {base} order by source_key, position"))  # noqa: S608  our own names
    found = readings.entries(base, naming, rows, sources)
    told = {
        name: readings.over_entries(base, naming, found, judge, MISSING if name == "arrived" else _AWAY)
        for name, judge in facts.items()
    }
    columns, items = {column.name for column in table.columns}, named([row for row, _ in found], naming)
    for at, (row, source) in enumerate(found):
        made = {name: value for name, value in row.items() if name in columns} | {"item": items[at]}
        evidence = {row["evidence"]}
        for name, answers in told.items():
            made |= {name: answers[at].fact.value, f"{name}_reason": answers[at].fact.reason}
            evidence |= {*answers[at].digests}
        seen = source["observed_at"] if source else None
        engine.insert(table, [{**made, "observed_at": seen, "evidence": sorted(evidence)}])


def _refuses(row: Row, _: Row) -> Fact:
    if row["enforced"] is None:
        return unknown("No answer that was collected tells whether it is enforced (sources.logs).")
    rate = "" if row["limit_per_second"] is None else f": {row['limit_per_second']:g} requests a second"
    return yes(f"It is enforced{rate}.") if row["enforced"] else no(f"It only counts{rate}.")


def _used(row: Row, _: Row) -> Fact:
    if row["enabled"] is None:
        return unknown("No answer that was collected tells whether it is in use (sources.logs).")
    return yes("It is in use.") if row["enabled"] else no("It is switched off.")


def _arrived(row: Row, _: Row) -> Fact:
    if row["failures"] is None or row["failures"] < 0:
        return unknown("How many deliveries failed is not known.")
    of = "" if row["deliveries"] is None else f" of {row['deliveries']}"
    return no(f"{row['failures']}{of} deliveries failed.") if row["failures"] else yes(f"None{of} failed.")
