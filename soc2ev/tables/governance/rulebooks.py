"""
On how many days the rules of a production ref are proven, from what every collection in the vault read of them.

A ruleset tells when it was last changed: read later, it held from then on, and its history tells what it was before,
to those who may read that. Classic protection does not; two equal
readings with nothing else between them speak for the days between. What was changed and changed back there, nobody
saw, so that such days are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from soc2ev.model import Json
from soc2ev.period import Period, midnight, zone
from soc2ev.tables.facts.fact import listed
from soc2ev.tables.governance.declared import RULE_DAYS
from soc2ev.tables.governance.switched import switched_off
from soc2ev.tables.rule_readings import Key, Reading, Rule, in_time

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Ref = tuple[str, str]
"""Repository and branch."""

_SAME = (
    *("changed_at", "approvals", "dismiss_stale", "code_owners", "last_push_approval", "checks", "check_apps"),
    *("workflows", "strict", "merge_queue", "no_force_push", "no_deletion"),
)
_REFS = "select repository, ref from github_heads union select repository, ref from github_rules order by all"


class Day(NamedTuple):
    """A day of the period, as instants."""

    name: date
    start: datetime
    end: datetime


def derive(engine: Engine, readings: Sequence[Reading], period: Period, zone_name: str, approvals: int) -> set[Key]:
    """
    Fill the table; the runs and streams whose bodies stand behind it.

    `readings` are those that have to do with the period; `approvals` is how many the policy asks for.
    """
    days = _days(period, zone_name)
    refs = [(row["repository"], row["ref"]) for row in engine.stream(_REFS)]
    engine.insert(RULE_DAYS, [_row(ref, readings, days, period, approvals) for ref in refs])
    return {one.key for one in readings if one.repository in {repository for repository, _ in refs}}


def _days(period: Period, zone_name: str) -> list[Day]:
    tz = zone(zone_name)
    day = period.start.astimezone(tz).date()
    found: list[Day] = []
    while (start := midnight(day, tz)) < period.end:
        after = day + timedelta(days=1)
        found.append(Day(day, max(start, period.start), min(midnight(after, tz), period.end)))
        day = after
    return [one for one in found if one.start < one.end]


def _row(ref: Ref, readings: Sequence[Reading], days: Sequence[Day], period: Period, wanted: int) -> dict[str, Json]:
    mine = [one for one in readings if one.repository == ref[0] and ref[1] in one.rules]
    last = _latest(mine, period)
    row: dict[str, Json] = {"item": f"{ref[0]}:{ref[1]}", "repository": ref[0], "ref": ref[1], "days": len(days)}
    book = _Book(ref[1], mine, wanted)
    less = [one.since for one in mine if period.start <= one.since and one.until < period.end and book.less(one)]
    off = switched_off(mine, ref[1], lambda found: _lacks(found, wanted), period)
    less = sorted([*less, *([off] if off else [])])
    proofs = {day.name: book.proof(day) for day in days}
    gaps = [name for name, proof in proofs.items() if proof is None]
    return row | {
        **_state(ref[1], last, wanted),
        "days_proven": len(days) - len(gaps),
        "days_between": sum(proof == _BETWEEN for proof in proofs.values()),
        "first_gap": gaps[0] if gaps else None,
        "shown_less": bool(less),
        "shown_less_at": less[0] if less else None,
        "evidence": sorted({item.digest for one in mine for item in one.items}),
    }


def _latest(readings: Sequence[Reading], period: Period) -> Reading | None:
    """The first reading at or after the period's end, a whole one before others; else the last one within it."""
    after = [one for one in readings if one.since >= period.end]
    within = [one for one in readings if period.start <= one.since < period.end]
    return min(after, key=lambda one: not one.whole) if after else max(within, key=in_time, default=None)


def _state(ref: str, last: Reading | None, wanted: int) -> dict[str, Json]:
    """What the reading shows of the rules, and whom they bind."""
    if last is None:
        return {"required_reason": "The rules were not read in the period or after it."}
    found = last.rules[ref]
    lacks, refused = _lacks(found, wanted), _refused(found, whole=last.whole)
    certain = [need for need in lacks if refused is not None or need != _NEEDS[-1]]
    guards = [rule for rule in found if _guards(rule)]
    reason = f"The rules ask for {listed(_asked(found)) or 'nothing'}."
    if lacks:
        reason = f"The rules lack {listed(lacks)}."
        reason = reason if last.whole else f"{reason} Not all of them could be read."
    return {
        "read_at": last.since,
        "approvals": max((rule["approvals"] or 0 for rule in found), default=0) if last.whole or guards else None,
        "checks": sorted({name for rule in found for name in rule["checks"] or ()}),
        "no_force_push": refused,
        "required": True if not lacks else (False if last.whole and certain else None),
        "required_reason": reason,
        "always_bypass": _always_bypass(guards, whole=last.whole),
        "admins_included": _admins(guards, whole=last.whole),
    }


def _refused(rules: Sequence[Rule], *, whole: bool) -> bool | None:
    """Whether a rule refuses force pushes; None while one of them does not tell, or not all were read."""
    said = [rule["no_force_push"] for rule in rules]
    return True if any(said) else False if whole and None not in said else None


def _needs(rule: Rule, wanted: int) -> Iterator[str]:
    """Which of the three needs the rule meets."""
    if (rule["approvals"] or 0) >= wanted:
        yield "approvals"
    if rule["checks"] or rule["workflows"]:
        yield "checks"
    if rule["no_force_push"]:
        yield "a refusal of force pushes"


_NEEDS = ("approvals", "checks", "a refusal of force pushes")
_BETWEEN = "between"


def _lacks(found: Iterable[Rule], wanted: int) -> list[str]:
    met = {need for rule in found for need in _needs(rule, wanted)}
    return [need for need in _NEEDS if need not in met]


def _asked(found: Iterable[Rule]) -> list[str]:
    most = max((rule["approvals"] or 0 for rule in found), default=0)
    said = [f"{most} approvals"] if most else []
    said += (
        [f"checks ({listed(name for rule in found for name in rule['checks'] or ())})"]
        if any(rule["checks"] for rule in found)
        else []
    )
    return said + (["no force pushes"] if any(rule["no_force_push"] for rule in found) else [])


def _guards(rule: Rule) -> bool:
    return bool(rule["approvals"] or rule["checks"] or rule["workflows"] or rule["no_force_push"])


def _always_bypass(guards: Sequence[Rule], *, whole: bool) -> list[str] | None:
    """
    People who may pass a rule without a trace of their own; None when not everything is visible and none is seen.

    An allowance of classic protection is one for whole pull requests, so that it always passes.
    """
    people = {
        actor.rpartition(":")[0]
        for rule in guards
        for actor in rule["bypass"] or ()
        if actor.startswith("User:") and (rule["origin"] == "protection" or not actor.endswith(":pull_request"))
    }
    visible = whole and bool(guards) and all(rule["bypass_visible"] and rule["bypass"] is not None for rule in guards)
    return sorted(people) if people or visible else None


def _admins(guards: Sequence[Rule], *, whole: bool) -> bool | None:
    told = [rule["admins_included"] for rule in guards]
    if False in told:
        return False
    return True if told and whole and None not in told else None


class _Book:
    """All readings of one ref."""

    def __init__(self, ref: str, readings: Sequence[Reading], wanted: int) -> None:
        self._ref, self._readings, self._wanted = ref, readings, wanted

    def less(self, one: Reading) -> bool:
        """A whole reading that shows less than is needed."""
        return one.whole and bool(_lacks(one.rules[self._ref], self._wanted))

    def proof(self, day: Day) -> str | None:
        """How it is proven that all needs were asked for on that day; None when it is not."""
        within = [one for one in self._readings if day.start <= one.since and one.until < day.end]
        if any(self.less(one) for one in within):
            return None
        certain = [rule for one in within for rule in one.rules[self._ref]]
        later = [one for one in self._readings if one.since >= day.end]
        held = [(rule["changed_at"], day.end, rule) for one in later for rule in one.rules[self._ref]]
        held += [
            (rule["since"], rule["until"], rule)
            for one in later
            for rule in one.versions.get(self._ref, ())
            if rule["bound"] and rule["until"] is not None
        ]
        known = [(since, until, rule) for since, until, rule in held if since is not None]
        # Versions that follow each other on one day prove it together.
        edges = {day.start, *(since for since, _, _ in known if day.start < since < day.end)}
        edges |= {until for _, until, _ in known if day.start < until < day.end}
        parts = [[rule for since, until, rule in known if since <= at < until] for at in sorted(edges)]
        if not any(_lacks([*certain, *part], self._wanted) for part in parts):
            return "certain"
        certain += [rule for since, until, rule in known if since <= day.start and until >= day.end]
        return _BETWEEN if not _lacks([*certain, *self._between(day)], self._wanted) else None

    def _between(self, day: Day) -> list[Rule]:
        """Rules that are the same in the readings before, on and after the day."""
        before = [one for one in self._readings if one.until <= day.start]
        after = [one for one in self._readings if one.since >= day.end]
        if not before or not after:
            return []
        seen = [one for one in self._readings if before[-1].since <= one.since <= after[0].since]
        return [rule for rule in after[0].rules[self._ref] if all(_holds(one, self._ref, rule) for one in seen)]


def _holds(one: Reading, ref: str, rule: Rule) -> bool:
    return any(
        other["origin"] == rule["origin"]
        and all(other[name] == rule[name] for name in _SAME)
        and all(
            None in (other[name], rule[name]) or other[name] == rule[name] for name in ("admins_included", "bypass")
        )
        for other in one.rules[ref]
    )


__all__ = ["derive"]
