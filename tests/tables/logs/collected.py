"""Collected log facts and registers of a few rows, and the standard tables that are made from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from soc2ev.model import Coverage, Table
from soc2ev.period import parse
from soc2ev.tables import documented
from soc2ev.tables.engine import Engine
from soc2ev.tables.logs import limits, registered, routes, samples, sources
from soc2ev.tables.logs.readings import Readings

OCTOBER = parse("2026-10", "UTC")
READ_AT = datetime(2026, 10, 30, tzinfo=UTC)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
_USED = (
    "collected_",
    "register",
    "log_",
    "logged_",
    "alert_",
    "rate_limits",
    "change",
    "jira_tickets",
    "alerts",
    "github_commits",
    "github_pull_requests",
    "git_commits",
)
_BLANK: Mapping[str, Any] = {"TEXT": "-", "TEXT[]": [], "BOOLEAN": False, "BIGINT": 0, "TIMESTAMP": READ_AT}


def claim(stream: str = "logs:loki:prod:sources", *, complete: bool = True) -> Coverage:
    """What a collection claims about itself."""
    return Coverage(stream, OCTOBER, None, 1, complete, None if complete else "denied", run="r1", collected_at=READ_AT)


def source(key: str = "loki:prod", **facts: Any) -> dict[str, Any]:
    """A source that logs and delivers, is kept for 400 days, and of which nothing was refused."""
    connector, _, native = key.partition(":")
    given = {"enabled": True, "delivering": True, "retention_days": 400, "retention_basis": "configured"}
    return {"key": key, "connector": connector, "entry": native, "native": native, "reasons": "", **given, **facts}


def listed(key: str = "loki:prod", days: int = 365, **more: Any) -> dict[str, Any]:
    """An entry of the inventory."""
    return {"file": "log-sources.yaml", "record": "l", "status": "approved", "key": key, "owner": "ann", **more} | {
        "required_retention_days": days
    }


def tables(rows: Rows, *claims: Coverage, readings: Readings | None = None) -> dict[str, list[dict[str, Any]]]:
    """Every standard table of log evidence, made from these rows of others."""
    return filled(rows, lambda engine: _fill(engine, claims or (claim(),), readings or Readings(OCTOBER)))


def filled(rows: Rows, fill: Callable[[Engine], object]) -> dict[str, list[dict[str, Any]]]:
    """The tables about logs after `fill` made them."""
    engine = Engine()
    try:
        # To make all tables for each test would take its time.
        known = {table.name: table for table in documented() if table.name.startswith(_USED)}
        for one in known.values():
            engine.create(one)
        for name, given in rows.items():
            engine.insert(known[name], [_blank(known[name], at) | dict(row) for at, row in enumerate(given)])
        fill(engine)
        made = ("log_sources", "alert_rules", "alert_coverage", "log_removals", "log_exceptions", "logged_events")
        return {
            name: [dict(row) for row in engine.select(f'select * from "{name}" order by all')]
            for name in (*made, "log_samples", "log_drift", "rate_limits", "log_webhooks", "alerts")
        }
    finally:
        engine.close()


def _blank(table: Table, position: int) -> dict[str, Any]:
    must = {column.name: column.type for column in table.columns if column.required or column.name in table.key}
    named = {name: _BLANK.get(kind, "-") for name, kind in must.items()}
    return named | {name: position for name in ("position", "entry") if must.get(name) == "BIGINT"}


def _fill(engine: Engine, claims: Sequence[Coverage], readings: Readings) -> None:
    sources.derive(engine, claims, readings)
    limits.derive(engine, readings)
    routes.derive(engine, readings)
    registered.derive(engine)
    samples.derive(engine, readings)
