"""
Whether a production branch ever lost what was seen on it, over every collection in the vault.

A collection asks whether the tip that the one before it saw is still an ancestor. One such answer speaks for the time
between the two; whichever run answers for a month, and however often the month is collected again, a "no" stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.sources.git import heads
from soc2ev.tables.standard import HISTORY_CHECKS, SIGHTINGS

if TYPE_CHECKING:
    from soc2ev.model import Coverage, EvidenceItem, Json
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine

Ref = tuple[str, str]
"""Repository and branch."""
Key = tuple[str, str]
"""Run and stream."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A collection saw that commit at the tip, and may have asked about the tip that was seen before."""

    key: Key
    ref: Ref
    sha: str
    observed_at: datetime
    evidence: tuple[str, ...] = ()
    earlier: str | None = None
    """The tip seen before; None at a first collection."""
    kept: bool | None = None
    before: Sighting | None = None
    """The sighting of that earlier tip; None when no collection that is on record saw it."""

    def touches(self, period: Period) -> bool:
        """Whether the time between the two sightings shares an instant with the period."""
        since = self.observed_at if self.before is None else self.before.observed_at
        return since < period.end and self.observed_at >= period.start


def of(coverages: Iterable[Coverage], items: Iterable[EvidenceItem]) -> list[Sighting]:
    """
    The sightings of all collections whose clone showed what the branch held, each ref's in the order of time.

    They are read from the journal alone: a pack of one month need not carry the bodies of all others.
    """
    answers: dict[Key, dict[str, EvidenceItem]] = defaultdict(dict)
    for item in items:
        if item.source == "git" and item.stream.endswith(":heads") and item.count is not None:
            answers[(item.run, item.stream)][str(item.request.get("role"))] = item
    seen = [_sighting(entry, answers[(entry.run, entry.stream)]) for entry in coverages if _of_git(entry)]
    by_ref: dict[Ref, list[Sighting]] = defaultdict(list)
    # The sort is stable: at one instant the order of the journal stays.
    for one in sorted((one for one in seen if one is not None), key=lambda one: one.observed_at):
        before = [other for other in by_ref[one.ref] if other.sha == one.earlier]
        by_ref[one.ref].append(replace(one, before=replace(before[-1], before=None)) if before else one)
    return [one for ref in sorted(by_ref) for one in by_ref[ref]]


def derive(engine: Engine, sightings: Sequence[Sighting], period: Period) -> set[Key]:
    """
    Fill `git_sightings` and `history_checks`; the runs and streams whose bodies stand behind the latter.

    A pair counts for each period that the time between its sightings touches; a lost commit counts for the period to
    which it belongs, too, however late its loss was noticed.
    """
    engine.insert(SIGHTINGS, [_row(one) for one in sightings])
    lost = {one.earlier for one in sightings if one.kept is False}
    of_period = {(row["repository"], row["ref"], row["sha"]) for row in _commits(engine, lost)}
    counted: dict[Ref, list[Sighting]] = defaultdict(list)
    for one in sightings:
        if one.kept is not None and (one.touches(period) or (not one.kept and (*one.ref, one.earlier) in of_period)):
            counted[one.ref].append(one)
    tips = _tips(engine)
    engine.insert(HISTORY_CHECKS, [_check(ref, counted[ref], tips.get(ref)) for ref in sorted({*tips, *counted})])
    pairs = [one for found in counted.values() for one in found]
    return {one.key for one in pairs} | {one.before.key for one in pairs if one.before is not None}


def _of_git(entry: Coverage) -> bool:
    return entry.stream.startswith("git:") and entry.stream.endswith(":heads")


def _sighting(entry: Coverage, answers: Mapping[str, EvidenceItem]) -> Sighting | None:
    tip = heads.witnessed(entry)
    if tip is None:
        return None
    ref = (entry.scope.get("repository", ""), entry.scope.get("ref", ""))
    evidence = tuple(answers[role].digest for role in ("tip", "kept") if role in answers)
    found = Sighting((entry.run, entry.stream), ref, tip.head, tip.at, evidence)
    asked = answers.get("kept")
    if asked is None:
        return found
    return replace(found, earlier=asked.request.get("other"), kept=asked.response.get("exit") == 0)


def _row(one: Sighting) -> dict[str, Json]:
    return {
        "repository": one.ref[0],
        "ref": one.ref[1],
        "run": one.key[0],
        "sha": one.sha,
        "observed_at": one.observed_at,
        "earlier_sha": one.earlier,
        "seen_before": None if one.before is None else one.before.observed_at,
        "kept": one.kept,
        "evidence": list(one.evidence),
    }


def _commits(engine: Engine, lost: set[str | None]) -> Iterator[Mapping[str, Json]]:
    """Those of the lost commits that belong to the period."""
    if lost:
        for row in engine.stream("select repository, ref, sha from git_commits"):
            if row["sha"] in lost:
                yield row


def _tips(engine: Engine) -> dict[Ref, Mapping[str, Json]]:
    """The latest tip of each ref in the collections that answer for the period."""
    sql = "select * from git_heads where role = 'tip' and sha is not null order by observed_at"
    return {(row["repository"], row["ref"]): row for row in engine.stream(sql)}


def _check(ref: Ref, pairs: Sequence[Sighting], tip: Mapping[str, Json] | None) -> dict[str, Json]:
    """The row of a ref: the newest loss, else the newest pair, else the tip alone."""
    row: dict[str, Json] = {"item": f"{ref[0]}:{ref[1]}", "repository": ref[0], "ref": ref[1]}
    if not pairs:
        alone = tip or {}
        seen = {"tip": alone.get("sha"), "observed_at": alone.get("observed_at")}
        return row | seen | {"evidence": [alone["evidence"]] if alone else []}
    one = next((pair for pair in reversed(pairs) if pair.kept is False), pairs[-1])
    earlier = () if one.before is None else one.before.evidence[:1]
    return row | {
        "earlier_tip": one.earlier,
        "seen_before": None if one.before is None else one.before.observed_at,
        "tip": one.sha,
        "kept": one.kept,
        "observed_at": one.observed_at,
        "evidence": list(dict.fromkeys((*one.evidence, *earlier))),
    }
