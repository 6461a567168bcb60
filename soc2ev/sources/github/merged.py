"""
The index of merged requests: an independent route to what was merged.

GitHub lists requests by their last change, never by their merge. A merge is a change, so that everything merged in the
period stands before the first request whose last change is older. A request that changes during the walk jumps to the
front, which is why the front is read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.moves import instant

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host

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

    def __init__(self, host: Host, repository: Repository, period: Period, tally: Tally) -> None:
        self.host, self.repository, self.period, self.tally = host, repository, period, tally
        self.found: dict[int, Merged] = {}
        self._page = 0

    def read(self) -> dict[int, Merged]:
        """Every merged request whose last change is not before the period; what is missing is told to the tally."""
        try:
            if self._walk(set()) > 1:
                self._front()
        except CollectError as problem:
            self.tally.failed(problem)
        self.tally.fetched = len(self.found)
        return self.found

    def _walk(self, known: set[tuple[int, datetime]]) -> int:
        """Pages from the front to the period's start, or to something known; how many there were."""
        pages = 0
        walk = self.host.pages(
            documents.MERGED,
            self.repository.variables,
            _PATH,
            name="merged",
            stream=self.repository.stream("merged"),
            asked={"repository": self.repository.name, "role": "index"},
            key=lambda one: (one["number"], one["updatedAt"]),
            first_page=self._page + 1,
        )
        for _, connection in walk:
            pages += 1
            self._page += 1
            self.tally.details["merged in all"] = connection["totalCount"]
            if self._take([merged(value) for value in connection["nodes"]], known):
                break
            self._say()
        return pages

    def _take(self, page: list[Merged], known: set[tuple[int, datetime]]) -> bool:
        """Keep a page; whether the walk can end with it."""
        self.found |= {one.number: one for one in page}
        beyond = bool(page) and page[-1].updated_at < self.period.start
        return beyond or any((one.number, one.updated_at) in known for one in page)

    def _front(self) -> None:
        for _ in range(_FRONT):
            before = {(one.number, one.updated_at) for one in self.found.values()}
            self._walk(before)
            if before == {(one.number, one.updated_at) for one in self.found.values()}:
                return
        self.tally.lacks("requests kept changing while the list was read; collect again at a quieter time")

    def _say(self) -> None:
        if self._page % 5 == 0:
            inside = sum(self.period.contains(one.merged_at) for one in self.found.values())
            merged_ = f"{len(self.found):,} merged requests, {inside:,} in {self.period.name}"
            self.host.fetch.say(f"github: {self.repository.name}: {merged_} ...")
