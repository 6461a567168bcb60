"""
Who pushed the commits of a request: the check suites of its last commits tell, and lead from push to push.

A suite names the push that made it, with what the branch held before. That may be an earlier push of the same request,
by somebody else, of a commit that names the author of another: whoever pushed it made a part of the request.
https://docs.github.com/en/graphql/reference/objects#push
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.sources.github import documents, shapes

if TYPE_CHECKING:
    from soc2ev.errors import CollectError
    from soc2ev.model import Json
    from soc2ev.sources.github.capabilities import Capabilities
    from soc2ev.sources.github.claims import Repository, Tallies
    from soc2ev.sources.github.host import Host
    from soc2ev.sources.github.requested import Request

_Place = tuple[int, str]
"""Number of the request, and commit."""


class Pushers:
    """The pushes of the requests of one repository."""

    def __init__(self, host: Host, repository: Repository, tallies: Tallies, capabilities: Capabilities) -> None:
        self.host, self.repository, self.tallies, self.capabilities = host, repository, tallies, capabilities
        self._before: dict[int, dict[str, set[str]]] = defaultdict(dict)
        """By request and commit that a push brought: what the branch held before."""
        self._asked: set[_Place] = set()
        """What was asked for, and what another answer had brought already, with a push or without."""

    def note(self, number: int, commits: Sequence[Json]) -> None:
        """Note the suites of commits in an answer."""
        for commit in commits:
            suites = shapes.pushes(commit)
            if suites:
                self._asked.add((number, commit["oid"]))
            pushes = [one["push"] for one in suites if one["push"]]
            if pushes:
                self._before[number].setdefault(commit["oid"], set()).update(one["previousSha"] for one in pushes)

    def ask(self, requests: Mapping[int, Request]) -> set[int]:
        """Ask about all commits where an earlier push is not told; the approved requests that still hide one."""
        approved = [one for one in requests.values() if one.approved]
        wanted = sorted(place for one in approved if self._hides(one) for place in self._untold(one))
        self._asked.update(wanted)
        self.host.in_batches("pushers", wanted, self._ask, self._lose)
        return {one.number for one in approved if self._hides(one)}

    def _hides(self, request: Request) -> bool:
        """Whether its branch held one of its commits before a push, and nothing tells of that one's own push."""
        told = self._before.get(request.number, {})
        before = {sha for found in told.values() for sha in found}
        return any(one.sha in before and one.sha not in told for one in request.commits)

    def _untold(self, request: Request) -> set[_Place]:
        told = self._before.get(request.number, {})
        return {(request.number, one.sha) for one in request.commits if one.sha not in told} - self._asked

    def _ask(self, chunk: Sequence[_Place]) -> None:
        variables = {**self.repository.variables, **{f"s{n}": sha for n, (_, sha) in enumerate(chunk)}}
        asked = {"repository": self.repository.name, "role": "pushers", "numbers": [number for number, _ in chunk]}
        stream = self.repository.stream("pull-requests")
        answer = self.host.query(documents.pushers(len(chunk)), variables, stream=stream, asked=asked, reuse=True)
        self.capabilities.narrow(answer, self.tallies)
        for (number, _), (_, value) in zip(chunk, shapes.objects(answer.data["repository"], "c"), strict=True):
            if value:
                self.note(number, [value])

    def _lose(self, chunk: Sequence[_Place], problem: CollectError) -> None:
        named = ", ".join(f"#{number}" for number in sorted({number for number, _ in chunk})[:10])
        self.tallies["pull-requests"].failed(problem, f"who pushed the commits of {named}")
