"""
Merged requests with everything that belongs to them, many at once, and the rest of every list that one answer cuts.

What a token may not see is left out of the document and said once; a request that cannot be had is named, the others
go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch.crew import Pieces
from soc2ev.model import Json
from soc2ev.sources.github import documents, fragments, shapes, streams
from soc2ev.sources.github.capabilities import SAYS, Capabilities
from soc2ev.sources.github.claims import Repository, Tallies
from soc2ev.sources.github.merged import Merged
from soc2ev.sources.github.moves import instant
from soc2ev.sources.github.notes import Notes
from soc2ev.sources.github.pushers import Pushers
from soc2ev.sources.github.requested import Commit, Request

if TYPE_CHECKING:
    from soc2ev.sources.github.host import Host


@dataclass(frozen=True, slots=True)
class _Cut:
    """A list of a request that goes on."""

    id: str
    number: int
    part: str
    cursor: str
    page: int
    first: int


@dataclass
class Details:
    """The detailed requests of one repository."""

    host: Host
    repository: Repository
    tallies: Tallies
    capabilities: Capabilities
    notes: Notes
    found: dict[int, Request] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    cut_tests: list[TestCut] = field(default_factory=list)
    """Commits whose checks go on beyond the answer."""
    asked: set[int] = field(default_factory=set)
    bots: set[str] = field(default_factory=set)
    """Logins of bots that set commit statuses."""
    pushers: Pushers = field(init=False, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.pushers = Pushers(self.host, self.repository, self.tallies, self.capabilities)

    @property
    def landed(self) -> frozenset[str]:
        """The commits that landed them."""
        return frozenset(one.landed.sha for one in self.found.values() if one.landed)

    def ask(self, wanted: Iterable[Merged]) -> None:
        """Detail these requests, those not asked for before; the rest of their lists as well."""
        self.follow([sorted(wanted, key=_newest)])

    def take_cut_tests(self) -> list[TestCut]:
        """The commits whose checks go on; they are left to the caller."""
        taken, self.cut_tests = self.cut_tests, []
        return taken

    def follow(self, flow: Iterable[Iterable[Merged]]) -> None:
        """The same for requests that a list names bit by bit: those that came are asked for while it is read on."""
        cut: list[_Cut] = []
        said = {name: len(self.tallies[name].reasons) for name in ("pull-requests", "checks")}
        pieces: Pieces[Merged] = Pieces(lambda: self.host.sizes.of("details"), lambda chunk: self._piece(chunk, cut))
        self.host.fetch.together(pieces.cut(map(self._fresh, flow)), in_turn=True)
        # Whichever answer came first, what follows from them is the same.
        for name, first in said.items():
            told = self.tallies[name].reasons
            told[first:] = sorted(told[first:], key=lambda one: (one not in SAYS.values(), one))
        found = sorted(self.found.values(), key=lambda one: (-one.merged_at.timestamp(), one.number))
        self.found.clear()
        self.found |= {one.number: one for one in found}
        self.cut_tests.sort(key=lambda one: (one.number, one.part, one.sha))
        self._rest(sorted(cut, key=lambda one: (one.number, one.part)))
        self.tallies["pull-requests"].fetched = len(self.found)

    def _fresh(self, wanted: Iterable[Merged]) -> list[Merged]:
        fresh = list({one.number: one for one in wanted if one.number not in self.asked}.values())
        self.asked |= {one.number for one in fresh}
        self.tallies["pull-requests"].expected = len(self.asked)
        return fresh

    def _piece(self, chunk: Sequence[Merged], cut: list[_Cut]) -> bool:
        """Whether any of them could be had."""
        began, first = self.host.clock(), not self.found
        self.host.in_batches("details", chunk, lambda part: self._batch(part, cut), self._lose)
        seconds = self.host.clock() - began
        if first and _TELLING <= len(chunk) <= self.host.sizes.of("details"):
            # Twice as many would take twice as long: where that is still quick the size need not grow step by step.
            for _ in range(_STEPS):
                self.host.sizes.grow("details", 2 * seconds)
        return not self.lost.issuperset(one.number for one in chunk)

    def _batch(self, chunk: Sequence[Merged], cut: list[_Cut]) -> None:
        numbers, reason = [one.number for one in chunk], self.capabilities.reason
        asked: dict[str, Json] = {"repository": self.repository.name, "role": "details", "numbers": numbers}
        answer = self.host.query(
            documents.details(self.capabilities.granted),
            {"ids": [one.id for one in chunk]},
            stream=self.repository.stream("pull-requests"),
            asked={**asked, **({"reason": reason} if reason else {})},
            reuse=True,
            check=lambda data: _same(data, chunk),
        )
        self.capabilities.narrow(answer, self.tallies)
        with self.lock:
            for value in answer.data["nodes"]:
                self._keep(value, cut)
            self._say()

    def _keep(self, value: Json, cut: list[_Cut]) -> None:
        try:
            made = _request(value, self.notes)
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise CollectError(f"a request is not understood: {problem!r}"[:300]) from None
        self.found[made.number] = made
        self.pushers.note(made.number, [node["commit"] for node in (value.get("pushed") or {"nodes": ()})["nodes"]])
        for part, name in documents.FIELDS.items():
            page = value[name]["pageInfo"]
            if page["hasNextPage"]:
                first = len(value[name]["nodes"])
                cut.append(_Cut(value["id"], made.number, part, page["endCursor"], 2, first))
            elif not shapes.ends(value[name], 0):
                self._say_cut(made.number, part)
        for name in shapes.missing(value):
            if name in ("labels", "issues") and fragments.ISSUES in self.capabilities.granted:
                self.tallies["pull-requests"].lacks(f"#{made.number}: {name} were cut")
        self._note_tests(value, made)

    def _say_cut(self, number: int, part: str) -> None:
        self.tallies["pull-requests"].lacks(f"#{number}: GitHub does not list all its {part}")

    def _note_tests(self, value: Json, made: Request) -> None:
        tally = self.tallies["checks"]
        head = value["head"]["nodes"][0]["commit"] if value["head"]["nodes"] else None
        if head is None and value["commits"]["totalCount"]:
            tally.lacks(f"#{made.number}: GitHub does not tell its last commit")
        for part, commit in (("heads", head), ("merges", value.get("mergeCommit"))):
            if commit is None:
                continue
            tally.add(expected=1, fetched=1)
            contexts = shapes.contexts(commit)[0]
            creators = [one.get("creator") or {} for one in contexts if one["__typename"] == "StatusContext"]
            self.bots |= {one["login"] for one in creators if one.get("__typename") == "Bot"}
            rollup = commit.get("statusCheckRollup")
            if rollup and rollup["contexts"]["pageInfo"]["hasNextPage"]:
                cursor = rollup["contexts"]["pageInfo"]["endCursor"]
                self.cut_tests.append(TestCut(commit["oid"], part, made.number, cursor, 2))
            elif rollup and not shapes.ends(rollup["contexts"], 0):
                tally.lacks(f"GitHub does not list all checks of {commit['oid'][:12]} that it counts")
            if rollup and self._hides(rollup["contexts"]):
                tally.lacks(f"GitHub tells nothing of some checks of {commit['oid'][:12]} that it lists")

    def _hides(self, contexts: Json) -> bool:
        """Whether a check is null although the token may see checks."""
        return None in contexts["nodes"] and fragments.CHECKS in self.capabilities.granted

    def _rest(self, cut: list[_Cut]) -> None:
        """The next pages of cut lists, until every list has ended."""
        while cut:
            following: list[_Cut] = []
            self.host.in_batches("rest", cut, _bound(self._rest_batch, following), self._lose_rest)
            cut = following

    def _rest_batch(self, chunk: Sequence[_Cut], following: list[_Cut]) -> None:
        variables: dict[str, Json] = {f"i{n}": one.id for n, one in enumerate(chunk)}
        variables |= {f"c{n}": one.cursor for n, one in enumerate(chunk)}
        asked: dict[str, Json] = {"repository": self.repository.name, "role": "rest"}
        asked |= {"parts": [one.part for one in chunk], "pages": [one.page for one in chunk]}
        asked |= {"firsts": [one.first for one in chunk]}
        answer = self.host.query(
            documents.rest_of([one.part for one in chunk]),
            variables,
            stream=self.repository.stream("pull-requests"),
            asked=asked,
            reuse=True,
        )
        self.capabilities.narrow(answer, self.tallies)
        for one, (_, value) in zip(chunk, shapes.objects(answer.data, "p"), strict=True):
            self._continue(one, value[streams.PARTS[one.part][0]], following)

    def _continue(self, one: _Cut, connection: Json, following: list[_Cut]) -> None:
        page, held = connection["pageInfo"], len(connection["nodes"])
        if one.part == "commits":
            self._add_commits(one.number, connection["nodes"])
        if one.part == "replaced":
            self.notes.replaced(connection["nodes"])
        if not page["hasNextPage"]:
            if not shapes.ends(connection, one.first):
                self._say_cut(one.number, one.part)
            return
        counted = connection.get("totalCount")
        beyond = counted is not None and one.first >= counted
        if not held or beyond or page["endCursor"] == one.cursor or one.page > _MOST_PAGES:
            self.tallies["pull-requests"].lacks(f"#{one.number}: the pages of {one.part} repeat")
            return
        following.append(_Cut(one.id, one.number, one.part, page["endCursor"], one.page + 1, one.first + held))

    def _add_commits(self, number: int, nodes: Json) -> None:
        old = self.found[number]
        more = tuple(_commit(node["commit"], self.notes) for node in nodes)
        known = {name: getattr(old, name) for name in Request.__slots__}
        self.found[number] = Request(**{**known, "commits": (*old.commits, *more)})

    def _lose(self, chunk: Sequence[Merged], problem: CollectError) -> None:
        self.lost |= {one.number for one in chunk}
        named = ", ".join(f"#{one.number}" for one in chunk[:10]) + (" ..." if len(chunk) > 10 else "")  # noqa: PLR2004
        for stream in ("pull-requests", "checks"):
            self.tallies[stream].failed(problem, named)

    def _lose_rest(self, chunk: Sequence[_Cut], problem: CollectError) -> None:
        for one in chunk:
            self.tallies["pull-requests"].failed(problem, f"#{one.number}: the rest of {one.part}")

    def _say(self) -> None:
        done = len(self.found)
        if done and done % 500 < self.host.sizes.of("details"):
            self.host.fetch.say(
                f"github: {self.repository.name}: details of {done:,} of {len(self.asked):,} requests ..."
            )


_MOST_PAGES = 200
_TELLING = 50
"""So many requests in one answer tell how long a larger one would take."""
_STEPS = 10
"""So many quick answers make the largest size of the first one."""


@dataclass(frozen=True, slots=True)
class TestCut:
    """A commit whose checks go on beyond what arrived."""

    sha: str
    part: str
    number: int
    cursor: str
    page: int


def _bound(
    ask: Callable[[Sequence[_Cut], list[_Cut]], None], following: list[_Cut]
) -> Callable[[Sequence[_Cut]], None]:
    return lambda chunk: ask(chunk, following)


def _newest(one: Merged) -> tuple[float, int]:
    return -one.merged_at.timestamp(), one.number


def _same(data: Json, chunk: Sequence[Merged]) -> None:
    """ValueError unless the answer holds what was asked for, in order, or nothing at all, which has its own error."""
    numbers = [value and value.get("number") for value in data.get("nodes") or ()]
    if any(numbers) and numbers != [one.number for one in chunk]:
        raise ValueError("it holds other requests than were asked for")


def _tells_pusher(value: Json) -> bool:
    """Whether a suite of its head names the push that made it, with what was there before; some name none."""
    nodes = (value.get("pushed") or {"nodes": ()})["nodes"][-1:]
    return any((suite.get("push") or {}).get("pusher") for node in nodes for suite in shapes.pushes(node["commit"]))


def _request(value: Json, notes: Notes) -> Request:
    notes.request(value)
    notes.replaced(value["replaced"]["nodes"])
    head = value["head"]["nodes"][0]["commit"] if value["head"]["nodes"] else {}
    checks = [one for one in shapes.contexts(head)[0] if one["__typename"] == "CheckRun"]
    landed = value.get("mergeCommit")
    merged_at = instant(value["mergedAt"])
    tested = [(one["oid"], shapes.contexts(one)[0]) for one in (head, landed if _queued(value) else None) if one]
    return Request(
        number=value["number"],
        id=value["id"],
        by_machine=(value["author"] or {}).get("__typename") == "Bot",
        base=value["baseRefName"],
        head_ref=value["headRefName"],
        head_sha=head.get("oid") or value["headRefOid"],
        merged_at=merged_at,
        created_at=instant(value["createdAt"]),
        landed=_commit(landed, notes) if landed else None,
        commits=tuple(_commit(node["commit"], notes) for node in value["commits"]["nodes"]),
        commit_count=value["commits"]["totalCount"],
        approved=any(one["state"] in ("APPROVED", "DISMISSED") for one in value["reviews"]["nodes"]),
        pushed=bool(checks) and (value["isCrossRepository"] or _tells_pusher(value)),
        edited=value["lastEditedAt"] is not None and instant(value["lastEditedAt"]) > merged_at,
        again=tuple(sha for sha, found in tested if _ran_after(found, merged_at)),
        restated=tuple(sha for sha, found in tested if _set_after(found, merged_at)),
        base_sha=value["baseRefOid"],
        approvals=tuple(_approvals(value)),
        forced=tuple(_forced(value)),
    )


def _approvals(value: Json) -> Iterator[tuple[datetime, str]]:
    """Those from before the merge; one that was dismissed may have stood until then."""
    for one in value["reviews"]["nodes"]:
        approves = one["state"] in ("APPROVED", "DISMISSED") and one["commit"] and one["submittedAt"]
        if approves and instant(one["submittedAt"]) <= instant(value["mergedAt"]):
            yield instant(one["submittedAt"]), one["commit"]["oid"]


def _forced(value: Json) -> Iterator[tuple[datetime, str]]:
    """The force pushes of which GitHub tells what they replaced."""
    for one in value["timelineItems"]["nodes"]:
        if one["__typename"] == "HeadRefForcePushedEvent" and one["beforeCommit"]:
            yield instant(one["createdAt"]), one["beforeCommit"]["oid"]


def _queued(value: Json) -> bool:
    """Whether a merge queue may have tested what it landed; otherwise checks of that run after the merge anyway."""
    return any(one["__typename"] == "AddedToMergeQueueEvent" for one in value["timelineItems"]["nodes"])


def _set_after(contexts: Sequence[Json], merged_at: datetime) -> bool:
    return any(one["__typename"] == "StatusContext" and instant(one["createdAt"]) > merged_at for one in contexts)


def _ran_after(contexts: Sequence[Json], merged_at: datetime) -> bool:
    checks = [one for one in contexts if one["__typename"] == "CheckRun"]
    times = [one[name] for one in checks for name in ("startedAt", "completedAt") if one[name]]
    return any(instant(time) > merged_at for time in times)


def _commit(value: Json, notes: Notes) -> Commit:
    row = shapes.commit(value)
    notes.commit(row)
    return Commit(row["sha"], tuple(row["parents"]))
