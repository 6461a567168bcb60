"""
What deployed commits build on, when neither the production branch nor a request tells.

A deployment from a tag, a release branch or a feature branch names a commit that the branch need not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, refusals, shapes
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.deliveries import Deployed

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.sources.github.host import Host

_MOST = 60
_ALIAS = "d"
"""Under which aliases these came along with another question."""


class Placing:
    """Questions about the deployed commits of one repository."""

    def __init__(self, host: Host, repository: Repository, tally: Tally) -> None:
        self.host, self.repository, self.tally = host, repository, tally
        self._asked: set[str] = set()
        self._told: set[str] = set()
        """Commits that the answers so far tell of, so that no row comes twice."""
        self._along: tuple[GraphAnswer, list[str]] | None = None
        self._reserved: set[str] = set()

    def reserve(self, shas: Sequence[str]) -> list[str]:
        """Those that something else will ask for: `ask` leaves them out until `settle`."""
        self._reserved = set(shas)
        return sorted(self._reserved)

    def take(self, answer: GraphAnswer, shas: list[str]) -> None:
        """An answer that may tell what they build on, under aliases d0 and so on."""
        self._along = answer, shas

    def settle(self) -> None:
        """Keep what was taken, where it came whole; `ask` asks for the rest again."""
        self._reserved = set()
        if self._along is None:
            return
        answer, shas = self._along
        asked = {"repository": self.repository.name, "role": "parents", "alias": _ALIAS, **self._without()}
        if not refusals.lacks(answer, *(f"{_ALIAS}{n}" for n in range(len(shas)))):
            with suppress(CollectError):
                self.host.again(answer, stream=self.repository.stream("deployments"), asked=asked)
                self._keep(answer.data, _ALIAS)
                self._asked |= set(shas)

    def ask(self, deployed: Iterable[Deployed], known: frozenset[str]) -> None:
        """Ask for the parents of the newest deployed commits that are not `known`; failures are told to the tally."""
        placed = known | self._asked | self._reserved
        wanted = [sha for sha in dict.fromkeys(one.sha for one in deployed) if sha not in placed]
        room = _MOST - len(self._asked)
        self._asked |= set(wanted[:room])
        if skipped := wanted[room:]:
            self.tally.details["deployed commits that were not placed"] = len(skipped)
        self.host.side_by_side("parents", wanted[:room], self._ask, self._lose)

    def _lose(self, chunk: Sequence[str], problem: CollectError) -> None:
        self.tally.failed(problem, f"what {', '.join(sha[:12] for sha in chunk[:3])} builds on")

    def _ask(self, chunk: Sequence[str]) -> None:
        variables = {**self.repository.variables, **{f"s{n}": sha for n, sha in enumerate(chunk)}}
        asked = {"repository": self.repository.name, "role": "parents"}
        document, stream = documents.parents(len(chunk)), self.repository.stream("deployments")
        answer = self.host.query(document, variables, stream=stream, asked=asked, later=self._without, reuse=True)
        self._keep(answer.data, "c")

    def _keep(self, data: Json, alias: str) -> None:
        found = [value for _, value in shapes.objects(data["repository"], alias) if value]
        self._told.update(one["oid"] for value in found for one in value["history"]["nodes"])

    def _without(self) -> dict[str, Json]:
        return {"without": sorted(self._told)}
