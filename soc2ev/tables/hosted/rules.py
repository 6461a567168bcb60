"""
What the rules of a production ref were at a moment, from all that collections read of them.

The first whole reading after the moment speaks. A rule that the last reading before it shows, and that is gone or other
afterwards, was changed in between: whether before or after the moment nobody knows. Classic protection does not tell
when it was changed: read once, it is taken for what it had been.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Earlier, Rule, Rules
from soc2ev.tables.hosted.requests import listed

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.rule_readings import Reading
    from soc2ev.tables.rule_readings import Rule as Row

_UNPROTECTED, _PROTECTION = "none", "protection"
_ASKED = ("approvals", "checks", "check_apps", "workflows")
"""What facts are judged by."""


class RulesThen:
    """The rules of all production refs."""

    def __init__(
        self, engine: Engine, settings: Mapping[tuple[str, str], Coverage], readings: Sequence[Reading]
    ) -> None:
        """`settings` are the coverages that answer for the period; `readings` are in the order of time."""
        self._engine, self._settings, self._readings = engine, settings, readings

    def of(self, repository: str, ref: str) -> RefRules:
        """Those of one ref."""
        mine = [one for one in self._readings if one.repository == repository and one.whole and ref in one.rules]
        return RefRules(ref, self._now(repository, ref), mine)

    def _now(self, repository: str, ref: str) -> Rules:
        """From the reading that answers for the period."""
        coverage = self._settings.get((repository, "rules"))
        if coverage is None:
            return Rules((), visible=False, reason="the rules of the branch were not collected")
        sql = f"select * from github_rules where repository in {listed([repository])} and ref in {listed([ref])}"  # noqa: S608
        rows = [row for row in self._engine.stream(sql) if row["origin"] != _UNPROTECTED]
        found = tuple(_rule(row, coverage.collected_at) for row in rows)
        return Rules(found, visible=coverage.complete, reason=coverage.reason)


@dataclass
class RefRules:
    """The rules of one ref; `readings` are the whole ones that know it, in the order of time."""

    ref: str
    now: Rules
    readings: Sequence[Reading]
    _known: dict[tuple[datetime | None, datetime | None], Rules] = field(default_factory=dict)

    def at(self, moment: datetime | None) -> Rules:
        """The rules as they were then; as they were read for the period when the moment is not known."""
        if moment is None:
            return self.now
        after = next((one for one in self.readings if one.since >= moment), None)
        before = next((one for one in reversed(self.readings) if one.until <= moment), None)
        key = (before.since if before else None, after.since if after else None)
        if key not in self._known:
            self._known[key] = self._between(before, after)
        return self._known[key]

    def _between(self, before: Reading | None, after: Reading | None) -> Rules:
        if after is None:
            return self.now
        shown = {row["origin"]: row for row in after.rules[self.ref] if row["origin"] != _UNPROTECTED}
        found = {origin: _rule(row, after.since, _earlier(after, self.ref, origin)) for origin, row in shown.items()}
        found |= {one.origin: one for one in _beside(after, self.ref, set(shown))}
        if before is not None:
            earlier = {row["origin"]: row for row in before.rules[self.ref] if row["origin"] != _UNPROTECTED}
            found |= _changed(earlier, shown, found, after)
        return Rules(tuple(found.values()), visible=True)


def _changed(
    earlier: Mapping[str, Row], shown: Mapping[str, Row], found: Mapping[str, Rule], after: Reading
) -> Iterator[tuple[str, Rule]]:
    """Rules that two readings tell differently without saying when they were changed."""
    for origin in earlier:
        if origin not in found:
            yield origin, Rule(origin, after.since, None, None, None, after.since)
    if _PROTECTION in shown and not _alike(earlier.get(_PROTECTION), shown[_PROTECTION]):
        yield _PROTECTION, replace(found[_PROTECTION], changed_at=after.since)


def _alike(one: Row | None, other: Row) -> bool:
    return one is not None and all(one[name] == other[name] for name in _ASKED)


def _beside(reading: Reading, ref: str, bound: set[str]) -> Iterator[Rule]:
    """
    Rulesets that do not bind the ref: they may have done so until they were changed, and not before they were made.

    One that does not tell when it was changed may have been until it was read.
    """
    for row in reading.rulesets or ():
        if row["origin"] not in bound:
            unmade = [Earlier(None, row["made_at"])] if row["made_at"] is not None else []
            told = (*unmade, *_earlier(reading, ref, row["origin"]))
            changed = row["changed_at"] or reading.since
            yield Rule(row["origin"], changed, None, None, None, reading.since, told, bound=False)


def _earlier(reading: Reading, ref: str, origin: str) -> tuple[Earlier, ...]:
    """What a ruleset had asked of the ref, version by version; one of which nobody can tell is left out."""
    rows = [row for row in reading.versions.get(ref, ()) if row["origin"] == origin]
    return tuple(
        Earlier(row["since"], row["until"], row["approvals"], _checks(row), row["bound"], tuple(row["workflows"] or ()))
        for row in rows
        if row["bound"] is not None and None not in (row["since"], row["until"])
    )


def _rule(row: Mapping[str, Json], observed_at: datetime | None, earlier: tuple[Earlier, ...] = ()) -> Rule:
    return Rule(
        origin=row["origin"],
        changed_at=row["changed_at"],
        approvals=row["approvals"],
        last_push_approval=row["last_push_approval"],
        checks=_checks(row),
        observed_at=observed_at,
        earlier=earlier,
        workflows=tuple(row["workflows"] or ()),
    )


def _checks(row: Mapping[str, Json]) -> tuple[tuple[str, int | None], ...] | None:
    """Names and Apps; None without such a rule."""
    if row["checks"] is None:
        return None
    apps = row["check_apps"] or []
    named = zip(row["checks"], [*apps, *([""] * len(row["checks"]))], strict=False)
    return tuple((name, int(app) if app else None) for name, app in named)
