"""Deployments and releases: what GitHub recorded of how changes reached production."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes
from soc2ev.sources.github.claims import Repository, Tallies
from soc2ev.sources.github.moves import instant

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host

_RUN = re.compile(r"https?://[^/\s]+/[^/\s]+/[^/\s]+/actions/runs/[0-9]{1,18}")
_WAITS = frozenset({"WAITING", "PENDING"})
_BEFORE = timedelta(days=7)
"""A deployment may have been created before the period and have ended in it."""
_AT_GATE = timedelta(days=31)
"""
It may have waited at a gate for 30 days, after which GitHub lets it fail
(https://docs.github.com/actions/managing-workflow-runs/reviewing-deployments). None of these can bring what was merged
in the period, so that so many are asked for only where deployments are the changes.
"""
_BEGUN = frozenset({"IN_PROGRESS", "SUCCESS"})
_OLD_TAG = timedelta(days=365)
"""A release counts as created when its tag's commit was made, which may be long before it is published."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What of a production deployment the collection itself needs."""

    number: int
    sha: str
    began_at: datetime
    """When it began; when it was created, where nothing says that it did."""
    waited: bool
    """It stood before a gate."""
    runs: tuple[str, ...]
    """Addresses of the workflow runs that its statuses lead to."""


@dataclass(frozen=True, slots=True)
class _Cut:
    id: str
    number: int
    cursor: str
    page: int


class Deliveries:
    """The deployments and releases of one repository from the period's start until now."""

    def __init__(self, host: Host, repository: Repository, period: Period, tallies: Tallies) -> None:
        self.host, self.repository, self.period, self.tallies = host, repository, period, tallies
        self.found: list[Deployed] = []
        """Those to production, newest first."""
        self._known: set[str] = set()
        self._releases: tuple[int, str | None] | None = None
        """Releases so far, and where the list goes on; None before any were seen."""

    def read(self, begun: GraphAnswer | None) -> None:
        """Both streams, of which `begun` may have the first pages; what is missing is told to their tallies."""
        self._guard("deployments", partial(self._deployments, begun))
        if self._releases is None or self._releases[1] is not None:
            self._guard("releases", self._read_releases)

    def _guard(self, stream: str, read: Callable[[], None]) -> None:
        try:
            read()
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            self.tallies[stream].lacks(f"an answer of GitHub is not understood: {problem!r}"[:300])
        except CollectError as problem:
            self.tallies[stream].failed(problem)

    def _deployments(self, begun: GraphAnswer | None) -> None:
        """All deployments since the period's start; the first question asks for the newest releases as well."""
        try:
            self._walk_deployments(begun, releases=True)
        except CollectError:
            if self.tallies["deployments"].fetched:
                raise
            # What is refused may be the releases: each is asked for alone before either is given up.
            self._walk_deployments(releases=False)

    def _walk_deployments(self, begun: GraphAnswer | None = None, *, releases: bool) -> None:
        tally = self.tallies["deployments"]
        edge = self.period.start - (_AT_GATE if self.repository.delivers else _BEFORE)
        cut: list[_Cut] = []
        rows, total = 0, None
        for answer, connection in self._pages(documents.DEPLOYMENTS, "deployments", releases=releases, begun=begun):
            rows, total = rows + len(connection["nodes"]), connection["totalCount"]
            tally.fetched = rows
            self.found += [made for value in connection["nodes"] if (made := self._deployed(value))]
            cut += [found for value in connection["nodes"] if (found := self._cut(value))]
            if "releases" in answer.data["repository"]:
                self._take_releases(answer.data["repository"]["releases"])
            if connection["nodes"] and instant(connection["nodes"][-1]["createdAt"]) < edge:
                total = rows
                break
        if rows != total:
            tally.lacks(f"{rows} of {total} deployments were listed")
        self._rest(cut)

    def _cut(self, value: Json) -> _Cut | None:
        """Where the rest of its statuses begins; None when there is none, although some may be kept back."""
        page = value["statuses"]["pageInfo"]
        if not page["hasNextPage"] and not shapes.ends(value["statuses"], 0):
            self.tallies["deployments"].lacks(f"GitHub does not list all statuses of deployment {value['databaseId']}")
        return _Cut(value["id"], value["databaseId"], page["endCursor"], 2) if page["hasNextPage"] else None

    def counts(self, value: Json) -> bool:
        """Whether that deployment is one to production."""
        place = value["originalEnvironment"] or value["environment"] or ""
        return any(fnmatchcase(place, pattern) for pattern in self.repository.environments)

    def _deployed(self, value: Json) -> Deployed | None:
        if not self.counts(value):
            return None
        statuses = value["statuses"]["nodes"]
        runs = dict.fromkeys(found[0] for one in statuses if (found := _RUN.match(one["logUrl"] or "")))
        waited = any(one["state"] in _WAITS for one in statuses)
        began = [instant(one["createdAt"]) for one in statuses if one["state"] in _BEGUN]
        at = min(began, default=instant(value["createdAt"]))
        return Deployed(value["databaseId"], value["commitOid"], at, waited, tuple(runs))

    def _take_releases(self, connection: Json) -> bool:
        """Keep a page of releases; whether more are needed."""
        tally = self.tallies["releases"]
        tally.fetched += len(connection["nodes"])
        self._known |= {value["id"] for value in connection["nodes"]}
        page = connection["pageInfo"]
        old = bool(connection["nodes"]) and instant(connection["nodes"][-1]["createdAt"]) < self.period.start - _OLD_TAG
        more = page["hasNextPage"] and not old
        if not page["hasNextPage"] and tally.fetched != connection["totalCount"]:
            tally.lacks(f"{tally.fetched} of {connection['totalCount']} releases were listed")
        self._releases = (tally.fetched, page["endCursor"] if more else None)
        return bool(more)

    def _read_releases(self) -> None:
        after = self._releases[1] if self._releases else None
        for _, connection in self._pages(documents.RELEASES, "releases", after=after):
            if not self._take_releases(connection):
                return

    def _rest(self, cut: list[_Cut]) -> None:
        tally = self.tallies["deployments"]

        def lose(chunk: Sequence[_Cut], problem: CollectError) -> None:
            for one in chunk:
                tally.failed(problem, f"the statuses of deployment {one.number}")

        while cut:
            following: list[_Cut] = []
            self._rest_once(cut, following, lose)
            cut = following

    def _rest_once(self, cut: list[_Cut], following: list[_Cut], lose: Lose) -> None:
        def ask(chunk: Sequence[_Cut]) -> None:
            variables: dict[str, Json] = {f"i{n}": one.id for n, one in enumerate(chunk)}
            variables |= {f"c{n}": one.cursor for n, one in enumerate(chunk)}
            asked = {"repository": self.repository.name, "role": "statuses", "pages": [one.page for one in chunk]}
            answer = self.host.query(
                documents.rest_of_statuses(len(chunk)),
                variables,
                stream=self.repository.stream("deployments"),
                asked=asked,
            )
            for one, (_, value) in zip(chunk, shapes.objects(answer.data, "p"), strict=True):
                page = value["statuses"]["pageInfo"]
                if page["hasNextPage"] and page["endCursor"] != one.cursor:
                    following.append(_Cut(one.id, one.number, page["endCursor"], one.page + 1))
                elif page["hasNextPage"]:
                    self.tallies["deployments"].lacks(f"the statuses of deployment {one.number} repeat")

        self.host.in_batches("rest", cut, ask, lose)

    def _pages(
        self,
        document: str,
        name: str,
        *,
        releases: bool | None = None,
        after: str | None = None,
        begun: GraphAnswer | None = None,
    ) -> Iterator[tuple[GraphAnswer, Json]]:
        optional = {} if releases is None else {"releases": False}
        return self.host.pages(
            document,
            {**self.repository.variables, **optional},
            ("repository", name),
            name=name,
            stream=self.repository.stream(name),
            asked={"repository": self.repository.name, "role": name},
            key=lambda one: one["id"],
            only_first={"releases": releases} if releases else {},
            after=after,
            known=self._known if name == "releases" else (),
            begun=begun,
        )


Lose = Callable[[Sequence[_Cut], CollectError], None]
