"""
What a branch held at an instant.

git does not record when a branch moved. What counts, in this order: what an earlier collection saw or laid
down for that instant; two sightings around it that agree; else an estimate by the committer dates along the
first-parent line, between the sightings on either side. An estimate stays labelled as one however often it
is used again, so that neighbouring periods share their boundary and nobody takes it for a record.
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
_LOOKED_BELOW = 1_000
_NONE_SUCH = (0, 128)  # git's exit code for an object that is not there


@dataclass(frozen=True, slots=True)
class Boundary:
    """What the branch held at an edge of the period, and how that is known."""

    sha: str | None
    """None: the branch began later."""
    basis: str
    backwards: int = 0
    """Commits below an estimated head that are dated at or after the edge: then the estimate is doubtful."""

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
    line = _Line(repository, branch, tip)
    sightings = [*remembered(earlier), Sighting(seen_at, tip, RECORDED)]
    start = _boundary(line, "start", period.start, sightings)
    end = _boundary(line, "end", period.end, sightings)
    old = next((found for found in map(_tip, reversed(earlier)) if found is not None), None)
    kept = old is None or _kept(line, old.head)
    return Heads(tip, seen_at, start, end, None if kept or old is None else (old.head, tip), 3 + (old is not None))


def remembered(earlier: Iterable[Coverage]) -> Iterator[Sighting]:
    """
    What complete earlier collections of the branch know: the tip they saw, and boundaries of periods then
    over.

    An incomplete one knows nothing: its clone was cut off or lagged behind.
    """
    for coverage in earlier:
        tip = _tip(coverage)
        if tip is None or not coverage.complete:
            continue
        yield tip
        for role, at in (("start", coverage.period.start), ("end", coverage.period.end)):
            laid_down = coverage.details.get(role)
            if tip.at >= at and isinstance(laid_down, Mapping) and parse.is_id(laid_down.get("sha")):
                yield Sighting(at, laid_down["sha"], str(laid_down.get("basis")))


@dataclass(slots=True)
class _Line:
    """The first-parent line that ends in the present tip."""

    repository: Repository
    branch: Branch
    tip: str
    _known: dict[str, bool] = field(default_factory=dict)

    def ask(self, role: str, *arguments: str, ok: Sequence[int] = (0,), **facts: Json) -> Answer:
        count = (lambda _body: 1) if role in streams.HEADS else None
        return self.repository.ask("heads", role, arguments, branch=self.branch.name, facts=facts, ok=ok, count=count)

    def holds(self, head: str) -> bool:
        """Whether that commit lies on the line; another answer means that history was rewritten."""
        if head not in self._known:
            self._known[head] = head == self.tip or self._place(head)
        return self._known[head]

    def _place(self, head: str) -> bool:
        """
        On the line, the commit stands as many steps below the tip as the line has commits that it cannot
        reach.
        """
        count = ("rev-list", "--first-parent", "--count", self.tip, "--not", head)
        steps = self.ask("distance", *count, ok=_NONE_SUCH, head=head)
        if steps.status != 0:
            return False
        named = f"{self.tip}~{parse.number(steps.body)}"
        place = self.ask("place", "rev-parse", "--verify", "--quiet", named, ok=(0, 1), head=head)
        return place.status == 0 and parse.full_id(place.body) == head


def _boundary(line: _Line, role: str, instant: datetime, sightings: Sequence[Sighting]) -> Boundary:
    lower = _nearest(line, [one for one in sightings if one.at <= instant], latest=True)
    upper = _nearest(line, [one for one in sightings if one.at > instant], latest=False)
    if lower is not None and (upper is None or lower.at == instant or lower.head == upper.head):
        return _confirm(line, role, lower.head, _basis(instant, lower, upper))
    # Without a lower sighting there is an upper one: the present tip is one or the other.
    last = line.tip if upper is None else upper.head
    return _walk(line, role, instant, last, None if lower is None else lower.head)


def _basis(instant: datetime, lower: Sighting, upper: Sighting | None) -> str:
    """The weaker of what the boundary rests on."""
    if upper is None and lower.at < instant:
        return PROVISIONAL
    if lower.at == instant or upper is None:
        return lower.basis
    return lower.basis if lower.basis != RECORDED else upper.basis


def _nearest(line: _Line, sightings: Iterable[Sighting], *, latest: bool) -> Sighting | None:
    """The latest (or earliest) sighting on the line; at one instant a record counts before an estimate."""
    if latest:
        ordered = sorted(sightings, key=lambda one: (one.at, one.basis == RECORDED), reverse=True)
    else:
        ordered = sorted(sightings, key=lambda one: (one.at, one.basis != RECORDED))
    return next((one for one in ordered if line.holds(one.head)), None)


def _confirm(line: _Line, role: str, sha: str, basis: str) -> Boundary:
    answer = line.ask(role, "rev-parse", "--verify", f"{sha}^{{commit}}", basis=basis)
    return Boundary(parse.full_id(answer.body), basis)


def _walk(line: _Line, role: str, instant: datetime, upper: str, lower: str | None) -> Boundary:
    """The first commit from `upper` down the line that was committed before the instant; else `lower`."""
    limit = f"--min-age={math.ceil(instant.timestamp()) - 1}"  # git compares whole seconds with <=
    stop = () if lower is None else ("--not", lower)
    asked = ("rev-list", "--first-parent", "-n", "1", limit, upper, *stop)
    answer = line.ask(role, *asked, basis=ESTIMATE, lower=lower)
    head = streams.boundary(answer.item.request, answer.body)
    return Boundary(head, ESTIMATE, 0 if head is None else _backwards(line, instant, head))


def _backwards(line: _Line, instant: datetime, head: str) -> int:
    """How many of the commits next below that head are dated at or after the instant."""
    limit = ("-n", str(_LOOKED_BELOW))
    answer = line.ask("below", "rev-list", "--first-parent", "--timestamp", *limit, head, head=head)
    dates = (parse.text(row.split(b" ")[0]) for row in answer.body.splitlines()[1:])
    return sum(not date.isdigit() or int(date) >= instant.timestamp() for date in dates)


def _kept(line: _Line, old: str) -> bool:
    """Whether the old tip is still part of the branch; one that is gone altogether is not (exit 128)."""
    asked = ("merge-base", "--is-ancestor", old, line.tip)
    return line.ask("kept", *asked, ok=(0, 1, 128), tip=line.tip, other=old).status == 0


def _tip(coverage: Coverage) -> Sighting | None:
    tip, seen_at = coverage.details.get("tip"), coverage.details.get("tip_seen_at")
    if not isinstance(tip, str) or not parse.is_id(tip) or not isinstance(seen_at, str):
        return None
    return Sighting(datetime.fromisoformat(seen_at), tip, RECORDED)
