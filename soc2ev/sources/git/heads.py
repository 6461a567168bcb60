"""
What a branch held at an instant.

git does not record when a branch moved. What counts, in this order: what an earlier collection saw or laid
down for that instant; two sightings around it that agree; else an estimate by the committer dates along the
first-parent line, between the sightings on either side. An estimate stays labelled as one however often it
is used again, so that neighbouring periods share their boundary and nobody takes it for a record.

What was seen or laid down counts after a force push too, although it lies on no present line: else commits
would leave a month that was audited, or fall between two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.sources.git import parse, streams

if TYPE_CHECKING:
    from soc2ev.fetch import Answer
    from soc2ev.model import Coverage, Json
    from soc2ev.period import Period
    from soc2ev.sources.git.repository import Branch, Repository

RECORDED = "recorded"
ESTIMATE = "estimate: committer dates on the first-parent line"
PROVISIONAL = "the tip when collected; the period had not ended"
LOST = "not known: a commit that earlier collections recorded is no longer in the repository"
_LOOKED_BELOW = 1_000


@dataclass(frozen=True, slots=True)
class Boundary:
    """What the branch held at an edge of the period, and how that is known."""

    sha: str | None
    """None: the branch began later."""
    basis: str
    backwards: int = 0
    """Commits below an estimated head that are dated at or after the edge: then the estimate is doubtful."""
    lost: str | None = None
    """A recorded commit on which the boundary rests and which is no longer in the repository."""

    @property
    def estimated(self) -> bool:
        """Nobody saw it: it rests on the dates that clients set."""
        return self.basis == ESTIMATE


@dataclass(frozen=True, slots=True)
class Heads:
    """A branch at the three instants that matter: now, at the start and at the end of the period."""

    tip: str
    seen_at: datetime
    start: Boundary
    end: Boundary
    rewritten: tuple[str, str] | None
    """(old tip, tip) when the tip that the last collection saw is no longer part of the branch."""
    rows: int
    """Rows of git_heads that were stored."""

    @property
    def lost(self) -> str | None:
        """A recorded commit that is gone, so that the period's commits cannot be told; None when all are there."""
        return self.start.lost or self.end.lost


@dataclass(frozen=True, slots=True)
class Sighting:
    """A branch held that commit at that instant."""

    at: datetime
    head: str
    basis: str


def determine(repository: Repository, branch: Branch, period: Period) -> Heads:
    """
    The heads of the branch for the period, each backed by a stored answer.

    CollectError when git does not answer; the branch must have a ref.
    """
    asked = ("rev-parse", "--verify", f"{branch.ref}^{{commit}}")
    answer = repository.ask("heads", "tip", asked, branch=branch.name, count=lambda _body: 1)
    tip, seen_at = parse.full_id(answer.body), answer.item.received_at
    earlier = repository.fetch.earlier(repository.stream("heads", branch.name))
    asking = _Asking(repository, branch, {tip: True})
    sightings = [*remembered(earlier), Sighting(seen_at, tip, RECORDED)]
    start = _boundary(asking, "start", period.start, sightings)
    end = _boundary(asking, "end", period.end, sightings)
    old = next((found for found in map(witnessed, reversed(earlier)) if found is not None), None)
    kept = old is None or _kept(asking, old.head, tip)
    rows = 1 + (start.lost is None) + (end.lost is None) + (old is not None)
    return Heads(tip, seen_at, start, end, None if kept or old is None else (old.head, tip), rows)


def remembered(earlier: Iterable[Coverage]) -> Iterator[Sighting]:
    """
    What earlier collections of the branch know: the tip they saw, and boundaries of periods then over.

    In the order of the journal. One whose clone was cut off or lagged behind knows nothing.
    """
    for coverage in earlier:
        tip = witnessed(coverage)
        if tip is None:
            continue
        yield tip
        for role, at in (("start", coverage.period.start), ("end", coverage.period.end)):
            laid_down = coverage.details.get(role)
            if tip.at >= at and isinstance(laid_down, Mapping) and parse.is_id(laid_down.get("sha")):
                yield Sighting(at, laid_down["sha"], str(laid_down.get("basis")))


def witnessed(coverage: Coverage) -> Sighting | None:
    """
    The tip that this collection of the stream `heads` saw; None when its clone did not show what the branch held.

    A collection that misses a recorded commit is incomplete, and saw the tip all the same.
    """
    details = coverage.details
    tip, seen_at = details.get("tip"), details.get("tip_seen_at")
    if not (coverage.complete or details.get("whole") is True):
        return None
    if not isinstance(tip, str) or not parse.is_id(tip) or not isinstance(seen_at, str):
        return None
    return Sighting(datetime.fromisoformat(seen_at), tip, RECORDED)


@dataclass(slots=True)
class _Asking:
    """Questions about one branch, each answer stored."""

    repository: Repository
    branch: Branch
    _there: dict[str, bool] = field(default_factory=dict)

    def ask(self, role: str, *arguments: str, ok: Sequence[int] = (0,), **facts: Json) -> Answer:
        count = (lambda _body: 1) if role in streams.HEADS else None
        return self.repository.ask("heads", role, arguments, branch=self.branch.name, facts=facts, ok=ok, count=count)

    def holds(self, head: str) -> bool:
        """Whether the repository still has that commit; after a force push a clean-up deletes it."""
        if head not in self._there:
            # 1 and 128 are git's exit codes for an object that is not there.
            asked = ("cat-file", "-e", f"{head}^{{commit}}")
            self._there[head] = self.ask("there", *asked, ok=(0, 1, 128), head=head).status == 0
        return self._there[head]


def _boundary(asking: _Asking, role: str, instant: datetime, sightings: Sequence[Sighting]) -> Boundary:
    # Both take the first of several at one instant: what was laid down first is what others have relied on.
    lower = max((one for one in sightings if one.at <= instant), key=lambda one: one.at, default=None)
    upper = min((one for one in sightings if one.at > instant), key=lambda one: one.at, default=None)
    if lower is not None and (upper is None or lower.at == instant or lower.head == upper.head):
        basis = _basis(instant, lower, upper)
        if not asking.holds(lower.head):
            return Boundary(lower.head, basis, lost=lower.head)
        return _confirm(asking, role, lower.head, basis)
    gone = next((one.head for one in (lower, upper) if one is not None and not asking.holds(one.head)), None)
    if gone is not None or upper is None:
        return Boundary(None, LOST, lost=gone)
    return _walk(asking, role, instant, upper.head, None if lower is None else lower.head)


def _basis(instant: datetime, lower: Sighting, upper: Sighting | None) -> str:
    """The weaker of what the boundary rests on."""
    if upper is None and lower.at < instant:
        return PROVISIONAL
    if lower.at == instant or upper is None:
        return lower.basis
    return lower.basis if lower.basis != RECORDED else upper.basis


def _confirm(asking: _Asking, role: str, sha: str, basis: str) -> Boundary:
    answer = asking.ask(role, "rev-parse", "--verify", f"{sha}^{{commit}}", basis=basis)
    return Boundary(parse.full_id(answer.body), basis)


def _walk(asking: _Asking, role: str, instant: datetime, upper: str, lower: str | None) -> Boundary:
    """The first commit from `upper` down the line, outside of `lower`, dated before the instant; else `lower`."""
    limit = f"--min-age={math.ceil(instant.timestamp()) - 1}"  # git compares whole seconds with <=
    stop = () if lower is None else ("--not", lower)
    asked = ("rev-list", "--first-parent", "-n", "1", limit, upper, *stop)
    answer = asking.ask(role, *asked, basis=ESTIMATE, lower=lower)
    head = streams.boundary(answer.item.request, answer.body)
    return Boundary(head, ESTIMATE, 0 if head is None else _backwards(asking, instant, head))


def _backwards(asking: _Asking, instant: datetime, head: str) -> int:
    """How many of the commits next below that head are dated at or after the instant."""
    limit = ("-n", str(_LOOKED_BELOW))
    answer = asking.ask("below", "rev-list", "--first-parent", "--timestamp", *limit, head, head=head)
    dates = (parse.text(row.split(b" ")[0]) for row in answer.body.splitlines()[1:])
    return sum(not date.isdigit() or int(date) >= instant.timestamp() for date in dates)


def _kept(asking: _Asking, old: str, tip: str) -> bool:
    """Whether the old tip is still part of the branch; one that is gone altogether is not (exit 128)."""
    asked = ("merge-base", "--is-ancestor", old, tip)
    return asking.ask("kept", *asked, ok=(0, 1, 128), tip=tip, other=old).status == 0
