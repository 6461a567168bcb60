"""
Which commits a deployment or release brought, and through which changes they came.

What was delivered is what its commit can reach and what was delivered before cannot. Commits that no known change
brought, and those from before the collected history, are never taken for judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.tables.facts.fact import short

if TYPE_CHECKING:
    from soc2ev.tables.hosted.graph import Graph

_BEFORE = (
    "It brought commits from before what was collected, or may have; "
    "collect the period before; where that is not enough, judge both together."
)


@dataclass(slots=True)
class History:
    """What is known of the production branches of one repository, over all collections that answer for the period."""

    graphs: list[Graph] = field(default_factory=list)
    items: dict[str, str] = field(default_factory=dict)
    """The change that brought a commit to a production branch, the first one where several did."""
    outside: set[str] = field(default_factory=set)
    """Commits that path rules leave out."""
    unexplained: set[str] = field(default_factory=set)
    """Commits that lie on a branch, and that no recorded move brought."""
    starts: set[str] = field(default_factory=set)
    """Where the branches stood when a collected span began."""
    tips: set[str] = field(default_factory=set)
    """Everything that a branch ever pointed at in those spans."""
    flaws: list[str] = field(default_factory=list)
    """Why the commits are not all known."""
    _since: dict[str, datetime] = field(default_factory=dict)

    def is_first(self, sha: str, at: datetime) -> bool:
        """Whether no production branch held the commit earlier, as far as was told; what came later is forgotten."""
        # What was fixed on one branch reaches others afterwards: the change that landed it first is the one to judge.
        if sha in self._since and self._since[sha] <= at:
            return False
        self._since[sha] = at
        self.items.pop(sha, None)
        self.outside.discard(sha)
        return True

    @property
    def edges(self) -> set[str]:
        """The starts that no collected change brought: what lies below them was not collected."""
        return {sha for sha in self.starts if sha not in self.items and sha not in self.outside}

    def knows(self, sha: str | None) -> bool:
        """Whether the commit can be placed at all."""
        return sha is not None and (sha in self.items or sha in self.starts or any(sha in one for one in self.graphs))

    def reach(self, tips: Iterable[str], held: Collection[str] = frozenset()) -> set[str]:
        """The commits that can be reached from the tips, tips included, not going through those that are held."""
        found: set[str] = set()
        waiting = [tip for tip in tips if tip not in held]
        while waiting:
            sha = waiting.pop()
            if sha not in found:
                found.add(sha)
                waiting += [one for one in self._parents(sha) if one not in found and one not in held]
        return found

    def known(self, sha: str) -> bool:
        """Whether its parents are known."""
        return any(sha in one for one in self.graphs)

    def _parents(self, sha: str) -> Sequence[str]:
        return next((one.parents(sha) for one in self.graphs if sha in one), ())


@dataclass(frozen=True, slots=True)
class Content:
    """What one delivery brought."""

    commits: frozenset[str] = frozenset()
    """Commits of known changes, and those that path rules leave out."""
    items: tuple[str, ...] = ()
    """The changes through which they came."""
    unjudged: tuple[str, ...] = ()
    """Why not all of it can be judged; empty when it can."""
    returns: bool = False
    """It went back to an older state."""


class Contents:
    """Tells what deliveries of one repository brought."""

    def __init__(self, history: History, order: Mapping[str, int]) -> None:
        """`order` is the place of each change in the order in which they landed."""
        self._history, self._order = history, order
        self._branches = history.reach([*history.tips, *history.starts])
        self._edges = history.edges
        self._flaws = tuple(dict.fromkeys(f"Not all commits are known: {one}." for one in history.flaws))

    def reachable(self, sha: str) -> set[str]:
        """Everything that the commit is known to descend from, itself included."""
        return self._history.reach([sha])

    def brought(self, sha: str | None, before: Collection[str]) -> Content:
        """What a delivery of that commit brought when the commits of `before` had been delivered."""
        history = self._history
        if sha is None or not history.knows(sha):
            return Content(unjudged=(f"Its commit {short(sha)} is none of those that were collected.",))
        lost = sorted(one for one in before if not history.knows(one))
        if lost:
            what = f"The commit {short(lost[0])}, which was delivered before it, is none of those that were collected."
            return Content(unjudged=(f"{what} {_BEFORE}",))
        held = history.reach(before)
        if sha in held:
            return Content(unjudged=self._flaws, returns=sha not in before)
        new = history.reach([sha], held)
        mine = frozenset(one for one in new if one in history.items or one in history.outside)
        items = sorted({history.items[one] for one in mine if one in history.items}, key=self._order.__getitem__)
        return Content(mine, tuple(items), (*self._doubts(new - mine, held), *self._flaws))

    def _doubts(self, rest: set[str], held: set[str]) -> Iterable[str]:
        """What the commits of no known change mean."""
        strays = [one for one in rest if one not in self._branches]
        if strays:
            known = sum(1 for one in strays if self._history.known(one))
            yield f"{known or len(strays)} commits came with it that no known change brought to a production branch."
        if lost := rest & self._history.unexplained:
            yield f"No recorded move of the branch brought {len(lost)} of its commits."
        # Where everything up to the start was delivered, what else is old was delivered with it.
        settled = bool(self._edges) and self._edges <= held
        if not settled and (rest & self._branches) - self._history.unexplained:
            yield _BEFORE
