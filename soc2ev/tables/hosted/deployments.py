"""Which production deployments contain a change, judged by the commit graph and never by equal ids alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Deployment, Deployments, Watch
from soc2ev.tables.hosted.requests import account

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.tables.hosted.collection import RefMoves
    from soc2ev.tables.hosted.environments import Environments
    from soc2ev.tables.hosted.gates import Gates
    from soc2ev.tables.hosted.graph import Graph

_NOT_ASKED = "deployments were not collected"


class Delivered:
    """The production deployments of one repository, placed on the line of one production ref."""

    def __init__(
        self,
        rows: Iterable[Mapping[str, Json]],
        statuses: Mapping[int, Sequence[Mapping[str, Json]]],
        environments: Sequence[str],
        graph: Graph,
        ref: RefMoves,
        gates: Gates,
        *,
        whole: bool = True,
    ) -> None:
        """`environments` are names or globs; `whole` is whether all commits of the ref are known."""
        line = list(graph.line(ref.tip))
        self._place = {sha: -place for place, sha in enumerate(line)}
        self._graph = graph
        self._history = graph.reach([ref.tip])
        self._young = ref.young
        self.found = [
            _deployment(row, statuses.get(row["id"], ()), gates)
            for row in rows
            if any(fnmatchcase(row["environment"] or "", pattern) for pattern in environments)
        ]
        self.found.sort(key=lambda one: (one.created_at, one.id))
        self._height = {one.id: self._height_of(one.sha) for one in self.found}
        self._started = [one.created_at for one in self.found]
        # Where commits are missing, what a deployment does not seem to contain it may contain all the same.
        self._lost = [one.created_at for one in self.found if not whole or self._height[one.id] is None]

    def watch(self, after: Mapping[str, Watch]) -> None:
        """Note what came after each deployment, by its id."""
        self.found = [replace(one, watch=after.get(one.id)) for one in self.found]

    def ask(self, environments: Environments) -> None:
        """Note which had to pass a gate; that nobody answered is forgotten where it may have been put up since."""
        self.found = [_asked(one, environments) for one in self.found]

    @property
    def heights(self) -> Mapping[str, int | None]:
        """By deployment its place on the line, the tip being highest; None when that is unknown."""
        return self._height

    def about(self, sha: str, at: datetime | None, coverage: Coverage | None, *, gated: bool | None) -> Deployments:
        """
        What they say of the change that left the ref at that commit.

        Of the deployments that contain it, those up to the first that succeeded in each environment.
        """
        visible = coverage is not None and coverage.complete
        reason = None if visible else (coverage.reason if coverage else None) or _NOT_ASKED
        containing = tuple(self._containing(sha, at))
        unplaced = len(self._lost) - (bisect_left(self._lost, at) if at else 0)
        when = coverage.collected_at if coverage else None
        return Deployments(containing, unplaced, len(self.found), visible, reason, gated, when)

    def height(self, deployment: Deployment) -> int | None:
        """The highest place on the ref's line that its commit descends from, the tip being 0; None when unknown."""
        return self._height[deployment.id]

    def height_of_change(self, sha: str) -> int | None:
        """The place of a commit on the ref's line; None beside it."""
        return self._place.get(sha)

    def placed(self, deployment: Deployment) -> bool | None:
        """Whether its commit is of the production ref's history; None when the graph cannot tell."""
        if deployment.sha in self._history:
            return True
        # What builds on a commit of the period, and is none of those, the branch cannot have had before either.
        return None if self._young.isdisjoint(self._graph.reach([deployment.sha])) else False

    def _containing(self, sha: str, at: datetime | None) -> Iterator[Deployment]:
        environments = {one.environment for one in self.found}
        # A deployment of the very commit may come before the merge; any other descends from the merge.
        first = bisect_left(self._started, at) if at else 0
        yield from (one for one in self.found[:first] if one.sha == sha)
        for one in self.found[first:]:
            if not environments:
                return
            if one.environment in environments and self._contains(one, sha):
                yield one
                if any(state.upper() == "SUCCESS" for state, _ in one.statuses):
                    environments.discard(one.environment)

    def _contains(self, deployment: Deployment, sha: str) -> bool:
        if deployment.sha == sha:
            return True
        height, wanted = self._height[deployment.id], self._place.get(sha)
        return height is not None and wanted is not None and wanted <= height

    def _height_of(self, sha: str) -> int | None:
        """The highest place on the line that the commit descends from; None when the graph does not know it."""
        if sha in self._place:
            return self._place[sha]
        if sha not in self._graph:
            return None
        reached = self._graph.reach([sha])
        return max((self._place[one] for one in reached if one in self._place), default=None)


def _asked(one: Deployment, environments: Environments) -> Deployment:
    asked = environments.asked(one.environment, one.created_at)
    # That it waited tells nothing: for a timer, a rule of its own or another deployment it would have done so, too.
    doubtful = one.gate == () and environments.uncertain(one.environment, one.created_at)
    return replace(one, asked=asked, gate=None if doubtful else one.gate)


def _deployment(row: Mapping[str, Json], statuses: Sequence[Mapping[str, Json]], gates: Gates) -> Deployment:
    told = sorted(statuses, key=lambda one: (one["at"] is not None, one["at"] or 0, one["id"]))
    states = tuple((one["state"], one["at"]) for one in told)
    who = account(row, "creator")
    place = row["environment"] or ""
    gate = gates.answers(row["id"], place, states)
    return Deployment(str(row["id"]), place, row["sha"], who, row["created_at"], states, gate)
