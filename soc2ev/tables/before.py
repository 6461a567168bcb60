"""
The month before, for scopes in which a production change is a deployment or a release.

What is deployed on the first days of a month was mostly merged in the month before. Where the vault holds that month
whole, its changes are judged as they are there, in tables of their own, and handed to the roll-up; nothing else of it
reaches the tables of the period.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from soc2ev.tables import bodies, hosted, plan, rule_readings
from soc2ev.tables.engine import Engine
from soc2ev.tables.rollup import Before
from soc2ev.tables.standard import DERIVED

if TYPE_CHECKING:
    from soc2ev.config import Settings
    from soc2ev.model import Coverage
    from soc2ev.period import Period
    from soc2ev.vault import Vault

_REGISTERS = "registers:"


@contextmanager
def opened(
    vault: Vault, settings: Settings, period: Period, claims: Sequence[Coverage], chosen: Sequence[Coverage]
) -> Iterator[Before]:
    """
    What was collected right before the period, while the context lasts.

    `claims` are the coverages of all runs; `chosen` answer for the period, and their registers hold for what came
    before too. Nothing is read where every change is a merge. TamperedError for a body that was altered.
    """
    span = _span(claims, period) if any(scope.mode != "merge" for scope in settings.config.scope) else None
    if span is None:
        yield Before()
        return
    engine = Engine()
    try:
        yield _read(engine, vault, settings, span, claims, chosen)
    finally:
        engine.close()


def _read(
    engine: Engine,
    vault: Vault,
    settings: Settings,
    span: Period,
    claims: Sequence[Coverage],
    chosen: Sequence[Coverage],
) -> Before:
    for table in (*bodies.base_tables(), *(table for table, _ in DERIVED.values())):
        engine.create(table)
    told = [one for one in plan.choose(claims, bodies.streams(), span, ()) if not one.stream.startswith(_REGISTERS)]
    told += [one for one in chosen if one.stream.startswith(_REGISTERS)]
    problems, _ = bodies.load(engine, vault, told)
    settled = [bodies.with_problems(one, problems.get((one.run, one.stream), ())) for one in told]
    settled = bodies.refuse_repeated_keys(engine, settled)
    readings = rule_readings.read(vault, claims, span)
    homes = hosted.homes(engine, settings.config, settled, readings)
    behind = {(one.run, one.stream) for one in told if one.run} | {one.key for one in readings}
    return Before(homes, engine, frozenset(behind) if homes else frozenset())


def _span(claims: Iterable[Coverage], period: Period) -> Period | None:
    """The longest span that was collected whole and ends where the period begins."""
    spans = [
        one.period
        for one in claims
        if one.complete and not one.provisional and one.period.end == period.start and _of_commits(one)
    ]
    return min(spans, key=lambda one: (one.start, one.name), default=None)


def _of_commits(one: Coverage) -> bool:
    return one.stream.startswith("github:") and one.stream.endswith(":commits")
