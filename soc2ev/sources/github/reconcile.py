"""
Two routes to one population: what the commit graph gained, and what requests and moves explain.

Whatever one route has and the other has not is named, as a detail when something explains it and as a reason when
nothing does. Nothing is judged here: a direct push is explained by its own move.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.sources.github.claims import Repository, Tallies, Tally
from soc2ev.sources.github.details import Details
from soc2ev.sources.github.graph import Graph
from soc2ev.sources.github.merged import Merged
from soc2ev.sources.github.moves import PUSHES, Line, Move
from soc2ev.sources.github.requested import Request

if TYPE_CHECKING:
    from soc2ev.period import Period

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Explained:
    """The commits of one ref and what they are explained by."""

    line: Line
    gained: frozenset[str] | None
    """None when the difference could not be settled."""
    by_requests: frozenset[str]
    by_pushes: frozenset[str]
    pushed: frozenset[str]
    """What the ref held after each move that no detailed request made."""
    promoted: frozenset[str]
    """Commits of requests that bring in other branches, which no inner request explains."""
    old: frozenset[str]
    """What the ref held before the period, as far as commits are known."""

    @property
    def unexplained(self) -> frozenset[str]:
        """Commits that neither a request nor a push explains."""
        return (self.gained or frozenset()) - self.by_requests - self.by_pushes

    def promotes(self, one: Merged) -> bool:
        """Whether the request landed in one of the branches that were brought in."""
        return one.merge_sha in self.promoted

    @classmethod
    def of(
        cls,
        line: Line,
        graph: Graph,
        gained: frozenset[str] | None,
        details: Details,
        period: Period,
        named: Collection[str] = (),
    ) -> Explained:
        """What is known so far; `named` are commits that GitHub's index connects with a detailed request."""
        here = [one for one in details.found.values() if one.base in line.names]
        landed = details.landed
        brought = _brought(line, graph, period)
        by_merges = {sha for sha, move in brought.items() if move.kind not in PUSHES and move.after in landed}
        by_pushes = {sha for sha, move in brought.items() if move.kind in PUSHES}
        pushed = pushed_to(line, details, period)
        told = {sha for one in here for sha in _own(one)} | by_merges | set(named)
        inner = [one for one in details.found.values() if one.base not in line.names]
        wide = [one for one in here if any(one.head_ref == other.base for other in inner) or _is_wide(one)]
        promoted = {commit.sha for one in wide for commit in one.commits} - {sha for one in inner for sha in _own(one)}
        return cls(line, gained, frozenset(told), frozenset(by_pushes), pushed, frozenset(promoted), graph.old())


def pushed_to(line: Line, details: Details, period: Period) -> frozenset[str]:
    """What a ref held after each move of the period that no detailed request made."""
    return pushes(line, period) - details.landed


def pushes(line: Line, period: Period) -> frozenset[str]:
    """What a ref held after each push of the period."""
    return frozenset(one.after for one in line.within(period) if one.kind in PUSHES and one.after)


def rename(line: Line, index: Mapping[int, Merged], repository: Repository, period: Period, tally: Tally) -> Line:
    """The line with the names of the branch that its merged requests tell: a rename leaves those as they were."""
    merges = {one.after for one in line.within(period) if one.kind not in PUSHES}
    bases = {one.base for one in index.values() if one.merge_sha in merges}
    if not (more := sorted(bases - {*line.names, *repository.branches})):
        return line
    names = (*line.names, *more)
    tally.details.setdefault("renamed_from", {})[line.ref] = list(names[1:])
    return replace(line, names=names)


_WIDE = 20
_LONG_LIVED = ("develop", "dev", "staging", "release/", "release-", "next", "integration")


def _is_wide(one: Request) -> bool:
    """Whether the request is likely to bring in the work of other requests."""
    return one.commit_count > _WIDE or one.head_ref.startswith(_LONG_LIVED)


def _own(one: Request) -> set[str]:
    """The commits of a request, and the one that landed it; what a rebase made below that has no link to it."""
    return {commit.sha for commit in one.commits} | ({one.landed.sha} if one.landed else set())


def _brought(line: Line, graph: Graph, period: Period) -> dict[str, Move]:
    """By commit: the move that first brought it to the ref, as far as commits are known."""
    found: dict[str, Move] = {}
    old = graph.old()
    for move in reversed(line.within(period)):
        waiting = [move.after] if move.after else []
        while waiting:
            sha = waiting.pop()
            if sha not in found and sha not in old:
                found[sha] = move
                waiting += graph.known.get(sha, ())
    return found


def reconcile(
    explained: Sequence[Explained],
    unsettled: Sequence[str],
    details: Details,
    index: Mapping[int, Merged],
    period: Period,
    tallies: Tallies,
) -> None:
    """State on `commits` and `merged` how far the two routes agree; what nothing explains is a reason."""
    for one in explained:
        _commits(one, tallies)
        _requests(one, details, index, period, tallies)
        _elsewhere(one, index, period, tallies)
        _moves(one, period, tallies)
    for ref in unsettled:
        tallies["merged"].lacks(f"{ref}: its commits are not known, so that the list of requests cannot be reconciled")


def _commits(one: Explained, tallies: Tallies) -> None:
    if one.gained is None:
        return
    lost = sorted(one.unexplained)
    tallies["commits"].details.setdefault("reconciled", {})[one.line.ref] = {
        "commits": len(one.gained),
        "by requests": len(one.gained & one.by_requests),
        "by pushes": len((one.gained & one.by_pushes) - one.by_requests),
        "by nothing": lost[:_NAMED],
    }
    if lost and one.line.whole:
        tallies["commits"].lacks(
            f"{one.line.ref}: {len(lost)} commits belong to no request and no push: {_names(lost)}"
        )


def _requests(one: Explained, details: Details, index: Mapping[int, Merged], period: Period, tallies: Tallies) -> None:
    """Requests merged into the ref in the period whose commit the ref does not have."""
    if one.gained is None:
        tallies["merged"].lacks(f"{one.line.ref}: its commits are not known, so that the list cannot be reconciled")
        return
    landed = {r.landed.sha: r.number for r in details.found.values() if r.base in one.line.names and r.landed}
    inside = {
        entry.number for entry in index.values() if entry.base in one.line.names and period.contains(entry.merged_at)
    }
    gone = sorted(number for sha, number in landed.items() if number in inside and sha not in one.gained)
    moved = {move.after for move in one.line.moves if not period.contains(move.at)}
    late = [number for number in gone if any(sha in moved for sha, n in landed.items() if n == number)]
    gone = [number for number in gone if number not in late]
    made: dict[str, Json] = {"merged": len(inside), "reachable": len(inside) - len(gone) - len(late)}
    if late:
        made["moved the ref outside the period"] = late[:_NAMED]
    if gone:
        made["removed"] = gone[:_NAMED]
    tallies["merged"].details.setdefault("reconciled", {})[one.line.ref] = made
    if gone and not one.line.rewritten(period):
        tallies["merged"].lacks(
            f"{one.line.ref}: it does not have what {_requests_named(gone)} merged, and no force push says why"
        )


def _elsewhere(one: Explained, index: Mapping[int, Merged], period: Period, tallies: Tallies) -> None:
    """Requests merged in the period into another branch, below what this ref is said to have held before it."""
    inside = [entry for entry in index.values() if period.contains(entry.merged_at) and entry.merge_sha in one.old]
    lost = [entry for entry in inside if entry.base not in one.line.names]
    if lost:
        bases = ", ".join(sorted({entry.base for entry in lost})[:_NAMED])
        tallies["merged"].lacks(
            f"{one.line.ref}: it holds what {_requests_named(sorted(entry.number for entry in lost))} merged into "
            f"{bases} in the period, and no record says how it came there; was the branch renamed?"
        )


def _moves(one: Explained, period: Period, tallies: Tallies) -> None:
    """Merges that the record of moves has and no request explains: the list of requests is not whole then."""
    known = one.by_requests
    merges = {
        move.after for move in one.line.within(period) if move.kind in ("pr_merge", "merge_queue_merge") and move.after
    }
    lost = sorted(merges - known)
    if lost:
        tallies["merged"].lacks(
            f"{one.line.ref}: {len(lost)} merges are on record that no request explains: {_names(lost)}"
        )


def _names(shas: Sequence[str]) -> str:
    return ", ".join(sha[:12] for sha in shas[:_NAMED]) + (" ..." if len(shas) > _NAMED else "")


def _requests_named(numbers: Sequence[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers[:_NAMED]) + (" ..." if len(numbers) > _NAMED else "")
