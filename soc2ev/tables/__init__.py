"""
Raw bodies become typed tables in memory, reconciled with what the collection counted, then locked.

Everything is rebuilt from the vault each time, so that a pack can be re-performed from its raw evidence alone: the
collections that answer are chosen, their bodies read, what is derived from them added, and the whole locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json, Table
from soc2ev.sources import SOURCES
from soc2ev.tables import (
    approvals,
    before,
    bodies,
    changes,
    first_sights,
    governance,
    hosted,
    late_changes,
    logs,
    plan,
    rule_readings,
    sightings,
)
from soc2ev.tables.bodies import streams
from soc2ev.tables.engine import Engine
from soc2ev.tables.opened import Tables, is_of
from soc2ev.tables.rollup import Before
from soc2ev.tables.standard import CHANGE_FACTS, COLLECTIONS, DERIVED, POLICY, RELEASES, SUPERSEDED

if TYPE_CHECKING:
    from soc2ev.config import Config, Settings
    from soc2ev.period import Period
    from soc2ev.tables.rule_readings import Reading
    from soc2ev.vault import Vault

_BY_SQL = (CHANGE_FACTS, RELEASES)
"""Derived tables that a file of their name fills."""


def load(vault: Vault, settings: Settings, period: Period) -> Tables:
    """
    The tables of the period from the collections in the vault that answer for it.

    TamperedError when a stored body is not what was stored.
    """
    expects = [prefix for source in SOURCES for prefix in source.expects(settings)]
    finished = {line.data["run"] for line in vault.lines() if line.type == "finish"}
    claims = [entry if entry.run in finished else _interrupted(entry) for entry in vault.coverages()]
    coverages = plan.choose(claims, streams(), period, expects)
    engine = Engine()
    for table in bodies.base_tables():
        engine.create(table)
    for table, _ in DERIVED.values():
        engine.create(table)
    problems, stored = bodies.load(engine, vault, coverages)
    engine.compact()
    settled = [bodies.with_problems(entry, problems.get((entry.run, entry.stream), ())) for entry in coverages]
    settled = bodies.refuse_repeated_keys(engine, settled)
    readings = rule_readings.read(vault, claims, period)
    recalled, settled = first_sights.recall(engine, vault, plan.pairs(claims, settled, streams()), claims, settled)
    with before.opened(vault, settings, period, claims, settled) as earlier:
        problems = _derive(engine, settings.config, settled, readings, earlier)
    engine.compact()
    settled = [bodies.with_problems(entry, problems.get((entry.run, entry.stream), ())) for entry in settled]
    seen = sightings.derive(engine, sightings.of(vault.coverages(), vault.items()), period)
    approvals.derive(engine, period, settings.config.timezone)
    settled = _refuse_unexplained(engine, settled)
    seen |= earlier.behind | recalled
    seen |= governance.derive(engine, vault, settings.config, period, settled, claims, readings)
    seen |= logs.derive(engine, vault, period, settled, claims)
    seen |= late_changes.derive(engine, vault, plan.pairs(claims, settled, streams()))
    answering = {(entry.run, entry.stream) for entry in coverages}
    others = [one for one in claims if one.period.overlaps(period) and (one.run, one.stream) not in answering]
    engine.insert(SUPERSEDED, [_superseded(entry) for entry in others])
    engine.insert(COLLECTIONS, [_collection(entry, stored[(entry.run, entry.stream)]) for entry in settled])
    engine.compact()
    engine.lock()
    return Tables(engine, period, settled, answering | seen)


def example(
    rows: Mapping[str, Sequence[Mapping[str, Json]]], period: Period, needs: Iterable[str] | None = None
) -> Tables:
    """
    Locked tables that hold just these rows, for a control's worked examples.

    With `needs` only those tables and the ones with rows exist, so that a control that names another fails here.
    ValueError for a table or column that does not exist or a value of another type.
    """
    engine = Engine()
    known = {table.name: table for table in documented()}
    wanted = set(known) if needs is None else {*needs, *rows}
    for table in (known[name] for name in sorted(wanted & set(known))):
        engine.create(table)
    for name, given in rows.items():
        if name not in known:
            raise ValueError(f"there is no table {name}")
        engine.insert(known[name], [_filled(known[name], row) for row in given])
    engine.lock()
    return Tables(engine, period, None)


def documented() -> list[Table]:
    """Every table that controls may query: the sources' own and the derived ones."""
    return [*bodies.base_tables(), *(table for table, _ in DERIVED.values())]


def _interrupted(entry: Coverage) -> Coverage:
    """A run that did not end may have left out the next stream, and nothing in the vault would say so."""
    return bodies.with_problems(entry, ["the run that collected it was interrupted; collect again"])


def _collection(entry: Coverage, bodies: Sequence[str]) -> dict[str, Json]:
    source, _, rest = entry.stream.partition(":")
    return {
        "stream": entry.stream,
        "starts": entry.period.start,
        "ends": entry.period.end,
        "source": source,
        "kind": rest.rpartition(":")[2] or None,
        "repository": entry.scope.get("repository"),
        "ref": entry.scope.get("ref"),
        "expected": entry.expected,
        "fetched": entry.fetched,
        "complete": entry.complete,
        "provisional": entry.provisional,
        "reason": entry.reason,
        "collected_at": entry.collected_at,
        "evidence": sorted(set(bodies)),
    }


def _superseded(entry: Coverage) -> dict[str, Json]:
    return {
        "stream": entry.stream,
        "run": entry.run,
        "starts": entry.period.start,
        "ends": entry.period.end,
        "expected": entry.expected,
        "fetched": entry.fetched,
        "complete": entry.complete,
        "reason": entry.reason,
        "collected_at": entry.collected_at,
    }


def _derive(
    engine: Engine, config: Config, coverages: Sequence[Coverage], readings: Sequence[Reading], earlier: Before
) -> hosted.Problems:
    """Fill the derived tables; what does not add up, by run and stream."""
    policy = config.policy
    row = {
        "organisation": config.organisation,
        "required_approvals": policy.required_approvals,
        "ticket_mode": policy.ticket.mode,
        "team": policy.team,
        "review_within_business_days": policy.emergency.review_within_business_days,
        "ticket_types": policy.ticket.types,
        "ticket_statuses": policy.ticket.approved_statuses,
    }
    engine.insert(POLICY, [row])
    delivered, problems = hosted.derive(engine, config, coverages, readings, earlier)
    starts = {entry.run: entry.period.start for entry in coverages if entry.stream.endswith(":integrations")}
    changes.derive(engine, config, starts, delivered)
    for table in _BY_SQL:
        engine.derive((Path(__file__).parent / f"{table.name}.sql").read_text(encoding="utf-8"))
    return problems


def _refuse_unexplained(engine: Engine, coverages: list[Coverage]) -> list[Coverage]:
    """A commit without a fate means that the population is not closed."""
    sql = (
        "select repository, ref, count(*) as n from change_commits where fate = 'unexplained' group by all order by all"
    )
    for row in engine.stream(sql):
        problem = f"{row['n']} commits belong to no change of {row['ref']}"
        coverages = [
            bodies.with_problems(entry, [problem]) if is_of(entry, row["repository"], row["ref"]) else entry
            for entry in coverages
        ]
    return coverages


def _filled(table: Table, row: Mapping[str, Json]) -> dict[str, Json]:
    """An example names only what matters: required columns that it leaves out get a value that stands for nothing."""
    blank: dict[str, Json] = {"TEXT": "-", "TEXT[]": ["sha256:example"], "BOOLEAN": False, "BIGINT": 0}
    must = {*table.key, *(column.name for column in table.columns if column.required)}
    filled = {column.name: blank.get(column.type) for column in table.columns if column.name in must}
    return {**filled, **({"evidence": "sha256:example"} if filled.get("evidence") == "-" else {}), **row}


__all__ = ["Tables", "documented", "example", "load", "streams"]
