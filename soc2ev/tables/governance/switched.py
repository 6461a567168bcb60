"""
When rules of a production ref were switched off, by the histories that rulesets keep.

A ruleset that met what is needed, and then asked for less or bound nobody, was switched off then: whoever switched it
on again cannot undo that. What a ruleset was before its first known version is not known, and neither is what classic
protection had been, so that both accuse nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc2ev.period import Period
from soc2ev.tables.rule_readings import Reading, Rule

_JUST_BEFORE = timedelta(microseconds=1)
_ACTIVE, _NONE = "active", "none"


@dataclass(frozen=True, slots=True)
class _Version:
    since: datetime
    until: datetime | None
    rule: Rule | None
    """None when it bound nobody then."""
    known: bool = True


def switched_off(
    readings: Iterable[Reading], ref: str, lacks: Callable[[Sequence[Rule]], Sequence[str]], period: Period
) -> datetime | None:
    """The first instant of the period at which rules that had met all needs no longer did; None when none is shown."""
    found = [at for one in readings if one.whole for at in _moments(one, ref, lacks, period)]
    return min(found, default=None)


def _moments(
    reading: Reading, ref: str, lacks: Callable[[Sequence[Rule]], Sequence[str]], period: Period
) -> Iterable[datetime]:
    told = _versions(reading, ref)
    made = {one["origin"]: one["made_at"] for one in reading.rulesets or ()}
    changes = {one.since for versions in told.values() for one in versions if period.contains(one.since)}
    for at in sorted(changes):
        before, then = _state(told, made, at - _JUST_BEFORE), _state(told, made, at)
        if before is not None and then is not None and not lacks(before) and lacks(then):
            yield at


def _versions(reading: Reading, ref: str) -> Mapping[str, list[_Version]]:
    """By ruleset what it was, as far as its history and the reading itself tell."""
    told: dict[str, list[_Version]] = defaultdict(list)
    for one in reading.versions.get(ref, ()):
        if one["since"] is not None:
            bound = one["bound"]
            told[one["origin"]].append(_Version(one["since"], one["until"], one if bound else None, bound is not None))
    for rule in reading.rules.get(ref, ()):
        if rule["changed_at"] is not None:
            told[rule["origin"]].append(_Version(rule["changed_at"], None, rule))
        elif rule["origin"] != _NONE:
            told[rule["origin"]] = []
    for one in reading.rulesets or ():
        if one["origin"] in told and one["enforcement"] != _ACTIVE and one["changed_at"] is not None:
            told[one["origin"]].append(_Version(one["changed_at"], None, None))
    return told


def _state(
    told: Mapping[str, Sequence[_Version]], made: Mapping[str, datetime | None], at: datetime
) -> list[Rule] | None:
    """The rules that bound the ref then; None when one of them is not known."""
    found: list[Rule] = []
    for origin, versions in told.items():
        held = [one for one in versions if one.since <= at and (one.until is None or at < one.until)]
        if len(held) == 1 and held[0].known:
            found += [held[0].rule] if held[0].rule is not None else []
        elif held or (born := made.get(origin)) is None or born <= at:
            return None
    return found
