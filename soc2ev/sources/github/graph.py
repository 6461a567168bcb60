"""
Which commits a production ref gained: the difference of two heads in GitHub's commit graph.

The set is right when every parent of its commits is known, and when its size is what GitHub counts independently: a
commit that belongs to it can then be neither missing nor mistaken for an old one. Requests tell most commits of a
busy month already, so that only the others are asked for by name; otherwise the history is read page by page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, ref_documents, refusals, shapes
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.heads import Heads
from soc2ev.sources.github.notes import Notes
from soc2ev.sources.github.requested import Commit

if TYPE_CHECKING:
    from soc2ev.sources.github.host import Host

_PAGE = 100
_FEW_PAGES = 4
_PAGES_PER_REQUEST = 0.005
"""Above so many pages of history for each merged request, commits are asked for by name instead."""
_DEEP = 6
_MOST_NAMES = 1_200
"""The names already told stand in the request of every page after them, and a journal line has an end."""


class Graph:
    """The commits of one production ref."""

    def __init__(self, host: Host, repository: Repository, heads: Heads, tally: Tally, notes: Notes) -> None:
        self.host, self.repository, self.heads, self.tally = host, repository, heads, tally
        self.notes = notes
        self.known: dict[str, tuple[str, ...]] = {}
        self.told: list[str] = []
        """Commits whose rows stand in the stream already."""
        self._read: set[str] = set()
        """Those among them that earlier pages of the same history held."""
        self._has_old = False
        """The newest commits from before the period were read."""
        self._next: str | None = None
        """Where the history of the end goes on behind what came with the heads."""
        self._begin()

    def worth_naming(self, merged: int) -> bool:
        """Whether so many merged requests are likely to tell most commits."""
        pages = math.ceil((self.heads.commits or 0) / _PAGE)
        return pages > max(_FEW_PAGES, _PAGES_PER_REQUEST * merged)

    def read_old(self) -> None:
        """
        Read the newest commits of the start, if there is one; a failure is met again when they are needed.

        Branches begin at commits from before the period, so that these end the lines of what requests tell.
        """
        if not self._has_old and self.heads.below and self.heads.end != self.heads.start:
            with suppress(CollectError):
                self._take_old()

    def _take_old(self) -> None:
        if self.heads.below:
            self._take_page(self.heads.below, None)
            self._has_old = True

    def gained(self, commits: Iterable[Commit], *, by_name: bool) -> frozenset[str] | None:
        """
        The commits between the heads, `commits` being those that requests told; None when they cannot be settled.

        What is missing is told to the tally.
        """
        if self.heads.end is None or self.heads.end == self.heads.start:
            return frozenset()
        found: frozenset[str] | None = None
        try:
            found = self._by_name(commits) if by_name else None
            found = self._by_page() if found is None else found
        except CollectError as problem:
            found = self._by_comparison(problem)
        if found is not None:
            self.tally.fetched += len(found)
        return found

    def recover(self, tips: Iterable[str]) -> None:
        """
        Read commits that the ref held and lost again by force, with those that they stood on.

        Nothing reaches them any more; GitHub tells of them by name as long as it keeps them. What it no longer has
        stays unknown, and so does what goes deeper than a few questions.
        """
        tips = sorted(set(tips))
        for _ in range(_DEEP):
            _, unknown = self._reach(tips, self.old())
            wanted = sorted(set(unknown) - {self.heads.start, self.heads.below})
            if not wanted:
                return
            with suppress(CollectError):
                self._take_named(wanted[:_PAGE])
            if not self.known.keys() & set(wanted):
                return

    def settled(self) -> tuple[frozenset[str], list[str]]:
        """What lies above the old commits as far as commits are known, and the parents that are not known yet."""
        new, unknown = self._reach([self.heads.end] if self.heads.end else [], self.old())
        return new - frozenset(unknown), unknown

    def old(self) -> frozenset[str]:
        """What the start has, as far as commits are known."""
        return self._reach([self.heads.below] if self.heads.below else [], frozenset())[0]

    def _reach(self, tips: Sequence[str], stop: frozenset[str]) -> tuple[frozenset[str], list[str]]:
        seen, unknown, waiting = set(tips) - stop, [], [tip for tip in tips if tip not in stop]
        while waiting:
            sha = waiting.pop()
            parents = self.known.get(sha)
            if parents is None:
                unknown.append(sha)
            for parent in parents or ():
                if parent not in seen and parent not in stop:
                    seen.add(parent)
                    waiting.append(parent)
        return frozenset(seen), unknown

    def _whole(self) -> frozenset[str] | None:
        found, unknown = self.settled()
        return found if not unknown and self.heads.commits in (None, len(found)) else None

    def _by_name(self, commits: Iterable[Commit]) -> frozenset[str] | None:
        self.known |= {one.sha: one.parents for one in commits}
        allowed = math.ceil((self.heads.commits or 0) / _PAGE / 2) + 2
        while allowed > 0 and len(self.told) < _MOST_NAMES:
            unknown = self._open_ends()
            if not self.settled()[1]:
                break
            if self.told and not self._has_old and self.heads.below:
                self._take_old()
            else:
                self._take_named(unknown)
            allowed -= 1 + len(unknown) // _PAGE
        return self._whole()

    def _open_ends(self) -> list[str]:
        """Every parent that is not known yet, also of commits that are not reached yet: one question asks for all."""
        old = self.old() | ({self.heads.below} if self.heads.below else frozenset())
        ends = {parent for sha, parents in self.known.items() if sha not in old for parent in parents}
        tip = {self.heads.end} if self.heads.end else set()
        return sorted((ends | tip) - self.known.keys() - old)

    def _take_named(self, shas: Sequence[str]) -> None:
        def lose(_: Sequence[str], problem: CollectError) -> None:
            raise problem

        self.host.side_by_side("commits by name", sorted(shas), self._named, lose)

    def _named(self, chunk: Sequence[str]) -> None:
        variables = {**self.repository.variables, **{f"s{n}": sha for n, sha in enumerate(chunk)}}
        answer = self.host.query(
            documents.commits(len(chunk)),
            variables,
            stream=self.repository.stream("commits"),
            asked=self._asked("named"),
            reuse=True,
        )
        values = [value for _, value in shapes.objects(answer.data["repository"], "c")]
        if not all(values):
            raise CollectError("GitHub does not know a commit that another one has as its parent", hint="collect again")
        self._take(values)

    def _by_page(self) -> frozenset[str] | None:
        """The history of the end, page by page, until the difference is settled or the history ends."""
        counted = self.heads.commits is not None or self._next is None
        if counted and self.told and (found := self._whole()) is not None:
            return found
        after = self._next
        self._read = set(self._newest)
        while self.heads.end is not None:
            after = self._take_page(self.heads.end, after)
            if (found := self._whole()) is not None and (self.heads.commits is not None or after is None):
                return found
            self.host.fetch.say(f"github: {self.repository.name}: {len(self.known):,} commits read ...")
            if after is None:
                break
        found, unknown = self.settled()
        self.tally.lacks(
            f"{self.heads.ref}: {len(found):,} commits were found where GitHub counts {self.heads.commits}"
            + (f", and {len(unknown)} parents are unknown" if unknown else "")
        )
        return None

    def _take_page(self, tip: str, after: str | None) -> str | None:
        """One page of a history; the cursor of the next, None at its end."""
        variables = {**self.repository.variables, "from": tip, "after": after}
        self._read = self._read if after else set()

        def refuse(data: Json) -> None:
            home = data.get("repository")
            seen = {value["oid"] for value in _history(data)["nodes"]} & self._read if home else set()
            if seen:
                raise ValueError("it repeats commits of an earlier page")

        answer = self.host.page(
            ref_documents.HISTORY,
            variables,
            name="history",
            stream=self.repository.stream("commits"),
            asked={**self._asked("history"), "without": sorted(set(self.told) - self._read)},
            check=refuse,
            reuse=True,
        )
        return self._keep(_history(answer.data))

    def _begin(self) -> None:
        """Keep what came with the heads, where that can be had."""
        self._newest: frozenset[str] = frozenset()
        answer = self.heads.answer
        if answer is None or refusals.lacks(answer, "object"):
            return
        with suppress(CollectError):
            stream, asked = self.repository.stream("commits"), {**self._asked("history"), "without": []}
            self._next = self._keep(_history(self.host.again(answer, stream=stream, asked=asked).data))
            self._newest = frozenset(self._read)

    def _keep(self, found: Json) -> str | None:
        """Keep a page of a history; the cursor of the next, None at its end."""
        self._take(found["nodes"])
        self._read |= {value["oid"] for value in found["nodes"]}
        cursor: str | None = found["pageInfo"]["endCursor"]
        return cursor if found["pageInfo"]["hasNextPage"] else None

    def _by_comparison(self, problem: CollectError) -> frozenset[str] | None:
        """The commits as the REST comparison lists them, when the history cannot be had."""
        start, end = self.heads.start, self.heads.end
        if start is None:
            self.tally.failed(problem, self.heads.ref)
            return None
        asked = {**self._asked("compared"), "without": sorted(self.told)}
        listed: set[str] = set()
        try:
            for page in self.host.walk(
                f"{self.repository.path}/compare/{start}...{end}",
                stream=self.repository.stream("commits"),
                asked=asked,
                params={"per_page": "100", "page": "1"},
            ):
                listed |= {value["sha"] for value in self.host.fetch.json(page)["commits"]}
        except (CollectError, KeyError, TypeError) as second:
            self.tally.failed(problem, self.heads.ref)
            self.tally.lacks(f"{self.heads.ref}: the comparison failed as well: {second}"[:300])
            return None
        if len(listed) != self.heads.commits:
            self.tally.lacks(
                f"{self.heads.ref}: {len(listed)} commits were listed where GitHub counts {self.heads.commits}"
            )
            return None
        self.tally.details["route"] = "the comparison of the heads, since the history could not be read"
        return frozenset(listed)

    def _take(self, values: Iterable[Mapping[str, Json]]) -> None:
        try:
            for value in values:
                row = shapes.commit(value)
                self.known[row["sha"]] = tuple(row["parents"])
                self.told.append(row["sha"])
                self.notes.commit(row)
        except (AttributeError, KeyError, TypeError) as problem:
            raise CollectError(f"a commit is not understood: {problem!r}"[:300]) from None

    def _asked(self, role: str) -> dict[str, Json]:
        return {"repository": self.repository.name, "role": role, "ref": self.heads.ref}


def _history(data: Json) -> Json:
    found = (data.get("repository") or {}).get("object") or {}
    if "history" not in found:
        raise CollectError("GitHub answered without the history", hint="run again; the answer is stored")
    return found["history"]
