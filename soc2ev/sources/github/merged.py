"""
The index of merged requests: an independent route to what was merged.

GitHub lists requests by their last change, never by their merge. A merge is a change, so that everything merged in the
period stands before the first request whose last change is older. A request that changes during the walk jumps to the
front, which is why the front is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.moves import instant

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host
    from soc2ev.sources.github.opening import Opening

_PATH = ("repository", "pullRequests")
_FRONT = 3
"""How often the front is read again while requests keep changing."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged request as lists name it."""

    id: str
    number: int
    updated_at: datetime
    merged_at: datetime
    merge_sha: str | None
    base: str
    head: str


def merged(value: Json) -> Merged:
    """The entry of a list; CollectError when it is not one."""
    try:
        row = shapes.indexed(value)
        times = instant(row["updated_at"]), instant(row["merged_at"])
        return Merged(value["id"], row["number"], *times, row["merge_sha"], row["base_ref"], row["head_ref"])
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise CollectError(f"a merged request is not understood: {problem!r}"[:300]) from None


class Index:
    """The walk through the merged requests of one repository."""

    def __init__(self, opening: Opening, period: Period, tally: Tally) -> None:
        self.opening, self.host, self.repository = opening, opening.host, opening.repository
        self.period, self.tally = period, tally
        self.found: dict[int, Merged] = {}
        self._page, self._walked, self._ended = 0, False, False

    def read(self) -> Iterator[list[Merged]]:
        """
        Every merged request whose last change is not before the period, page by page as they come.

        All of them are `found` once the front was read again; what is missing is told to the tally.
        """
        try:
            with self.host.fetch.ahead():
                begun = self.opening.merged()
            yield from self._walk(set(), begun)
            self._walked = True
        except CollectError as problem:
            self.tally.failed(problem)

    def read_front(self) -> None:
        """Read again, once `read` has ended, what changed meanwhile: that seldom brings any."""
        try:
            if self._walked and self._page > 1:
                self._front()
        except CollectError as problem:
            self.tally.failed(problem)
        self.tally.fetched = len(self.found)
        total = self.tally.details.get("merged in all")
        if self._ended and total != len(self.found):
            self.tally.lacks(f"{len(self.found)} of {total} merged requests were listed")

    def _walk(self, known: set[tuple[int, datetime]], begun: GraphAnswer | None = None) -> Iterator[list[Merged]]:
        """Pages from the front to the period's start, or to something known."""
        walk = self.host.pages(
            documents.MERGED,
            self.repository.variables,
            _PATH,
            name="merged",
            stream=self.repository.stream("merged"),
            asked={"repository": self.repository.name, "role": "index"},
            key=lambda one: (one["number"], one["updatedAt"]),
            first_page=self._page + 1,
            begun=begun,
        )
        while (connection := self._next(walk)) is not None:
            self._page += 1
            self.tally.details["merged in all"] = connection["totalCount"]
            page = [merged(value) for value in connection["nodes"]]
            ended = self._take(page, known)
            yield page
            if ended:
                return
            self._say()
        self._ended = True

    def _next(self, walk: Iterator[tuple[GraphAnswer, Json]]) -> Json:
        """The next page of the list; None after the last. Everything else of the repository waits for this chain."""
        with self.host.fetch.ahead():
            return next((connection for _, connection in walk), None)

    def _take(self, page: list[Merged], known: set[tuple[int, datetime]]) -> bool:
        """Keep a page; whether the walk can end with it."""
        self.found |= {one.number: one for one in page}
        beyond = bool(page) and page[-1].updated_at < self.period.start
        return beyond or any((one.number, one.updated_at) in known for one in page)

    def _front(self) -> None:
        for _ in range(_FRONT):
            before = {(one.number, one.updated_at) for one in self.found.values()}
            for _ in self._walk(before):
                pass
            if before == {(one.number, one.updated_at) for one in self.found.values()}:
                return
        self.tally.lacks("requests kept changing while the list was read; collect again at a quieter time")

    def _say(self) -> None:
        if self._page % 5 == 0:
            inside = sum(self.period.contains(one.merged_at) for one in self.found.values())
            merged_ = f"{len(self.found):,} merged requests, {inside:,} in {self.period.name}"
            self.host.fetch.say(f"github: {self.repository.name}: {merged_} ...")


def named_requests(
    host: Host,
    repository: Repository,
    shas: Sequence[str],
    stream: str,
    lose: Callable[[Sequence[str], CollectError], None],
) -> dict[str, list[Merged]]:
    """By commit: the merged requests of this repository that GitHub's index connects with it, best first."""
    found: dict[str, list[Merged]] = {}

    def ask(chunk: Sequence[str]) -> None:
        variables = {**repository.variables, **{f"s{n}": sha for n, sha in enumerate(chunk)}}
        asked = {"repository": repository.name, "role": "associated"}
        document = documents.named_requests(len(chunk))
        answer = host.query(document, variables, stream=repository.stream(stream), asked=asked)
        for sha, (_, value) in zip(chunk, shapes.objects(answer.data["repository"], "c"), strict=True):
            nodes = ((value or {}).get("associatedPullRequests") or {}).get("nodes") or []
            here = [merged(one) for one in nodes if one["mergedAt"] and _is_here(one, repository)]
            # The index may connect several: the one that this very commit landed comes first.
            found[sha] = sorted(here, key=lambda one: (one.merge_sha != sha, one.merged_at))

    host.in_batches("named requests", shas, ask, lose)
    return found


def _is_here(value: Json, repository: Repository) -> bool:
    return bool(value["repository"]["nameWithOwner"] == repository.current)
