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
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes, streams
from soc2ev.sources.github.claims import Repository, Tallies
from soc2ev.sources.github.host import refused
from soc2ev.sources.github.merged import Merged, merged
from soc2ev.sources.github.moves import instant
from soc2ev.sources.github.notes import Notes

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.sources.github.host import Host

_SAYS = {
    documents.CHECKS: "GitHub refuses to show checks to this token, which needs Checks and Commit statuses (read)",
    documents.RUNS: "GitHub refuses to show workflow runs to this token, which needs Actions (read)",
    documents.STATUSES: "GitHub refuses to show commit statuses to this token, which needs Commit statuses (read)",
    documents.ISSUES: "GitHub refuses to show issues to this token, which needs Issues (read)",
}


class Capabilities:
    """The optional parts that a token has been granted so far in one repository; they only ever become fewer."""

    def __init__(self, granted: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self.granted = frozenset(granted)

    def narrow(self, answer: GraphAnswer, tallies: Tallies) -> None:
        """Leave out from now on what an answer refused."""
        with self._lock:
            lost = refused(answer) & self.granted
            self.granted -= lost
        for part in sorted(part for part in lost if part):
            self.say(part, tallies)

    def say(self, part: str, tallies: Tallies) -> None:
        """State what the missing part costs."""
        tally = tallies["pull-requests" if part == documents.ISSUES else "checks"]
        tally.denied = True
        tally.lacks(_SAYS[part])

    @property
    def reason(self) -> str | None:
        """Why the checks of commits are not whole, for their rows; None when the token may see them."""
        return None if documents.CHECKS in self.granted else _SAYS[documents.CHECKS]


@dataclass(frozen=True, slots=True)
class Commit:
    """What of a commit the collection itself needs."""

    sha: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What of a detailed request the collection itself needs."""

    number: int
    base: str
    head_ref: str
    head_sha: str
    merged_at: datetime
    created_at: datetime
    landed: Commit | None
    commits: tuple[Commit, ...]
    commit_count: int
    approved: bool
    pushed: bool
    """A check suite dates the push of its head."""
    base_sha: str
    """What the base held, as GitHub last compared."""
    approvals: tuple[tuple[datetime, str], ...]
    """When somebody approved which commit, as far as the first answer tells."""
    forced: tuple[tuple[datetime, str], ...]
    """When the branch was force-pushed, and what it held before."""
    again: bool
    """A check of its head ran after the merge, so that the attempt before it is not shown."""


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

    def ask(self, wanted: Iterable[Merged]) -> None:
        """Detail these requests, those not asked for before; the rest of their lists as well."""
        fresh = sorted({one.number: one for one in wanted if one.number not in self.asked}.values(), key=_newest)
        self.asked |= {one.number for one in fresh}
        tally = self.tallies["pull-requests"]
        tally.expected = len(self.asked)
        cut: list[_Cut] = []
        self.host.in_batches("details", fresh, lambda chunk: self._batch(chunk, cut), self._lose)
        self._rest(cut)
        tally.fetched = len(self.found)

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
        for value in answer.data["nodes"]:
            self._keep(value, cut)
        self._say()

    def _keep(self, value: Json, cut: list[_Cut]) -> None:
        try:
            made = _request(value, self.notes)
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise CollectError(f"a request is not understood: {problem!r}"[:300]) from None
        self.found[made.number] = made
        for part, name in documents.FIELDS.items():
            page = value[name]["pageInfo"]
            if page["hasNextPage"]:
                first = len(value[name]["nodes"])
                cut.append(_Cut(value["id"], made.number, part, page["endCursor"], 2, first))
            elif not shapes.ends(value[name], 0):
                self._say_cut(made.number, part)
        for name in shapes.missing(value):
            if name in ("labels", "issues") and documents.ISSUES in self.capabilities.granted:
                self.tallies["pull-requests"].lacks(f"#{made.number}: {name} were cut")
        self._note_tests(value, made)

    def _say_cut(self, number: int, part: str) -> None:
        self.tallies["pull-requests"].lacks(f"#{number}: GitHub does not list all its {part}")

    def _note_tests(self, value: Json, made: Request) -> None:
        tally = self.tallies["checks"]
        head = value["head"]["nodes"][0]["commit"] if value["head"]["nodes"] else None
        for part, commit in (("heads", head), ("merges", value.get("mergeCommit"))):
            if commit is None:
                continue
            tally.expected = (tally.expected or 0) + 1
            tally.fetched += 1
            rollup = commit.get("statusCheckRollup")
            if rollup and rollup["contexts"]["pageInfo"]["hasNextPage"]:
                cursor = rollup["contexts"]["pageInfo"]["endCursor"]
                self.cut_tests.append(TestCut(commit["oid"], part, made.number, cursor, 2))

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
        for one, (_, value) in zip(chunk, shapes.objects(answer.data, "p"), strict=True):
            self._continue(one, value[streams.PARTS[one.part][0]], following)

    def _continue(self, one: _Cut, connection: Json, following: list[_Cut]) -> None:
        page, held = connection["pageInfo"], len(connection["nodes"])
        if one.part == "commits":
            self._add_commits(one.number, connection["nodes"])
        if not page["hasNextPage"]:
            if not shapes.ends(connection, one.first):
                self._say_cut(one.number, one.part)
            return
        if not held or page["endCursor"] == one.cursor or one.page > _MOST_PAGES:
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


def _request(value: Json, notes: Notes) -> Request:
    notes.request(value)
    head = value["head"]["nodes"][0]["commit"] if value["head"]["nodes"] else {}
    checks = [one for one in shapes.contexts(head)[0] if one["__typename"] == "CheckRun"]
    landed = value.get("mergeCommit")
    merged_at = instant(value["mergedAt"])
    return Request(
        number=value["number"],
        base=value["baseRefName"],
        head_ref=value["headRefName"],
        head_sha=head.get("oid") or value["headRefOid"],
        merged_at=merged_at,
        created_at=instant(value["createdAt"]),
        landed=_commit(landed, notes) if landed else None,
        commits=tuple(_commit(node["commit"], notes) for node in value["commits"]["nodes"]),
        commit_count=value["commits"]["totalCount"],
        approved=any(one["state"] in ("APPROVED", "DISMISSED") for one in value["reviews"]["nodes"]),
        pushed=bool(checks),
        again=_ran_after(checks, merged_at),
        base_sha=value["baseRefOid"],
        approvals=tuple(_approvals(value)),
        forced=tuple(_forced(value)),
    )


def _approvals(value: Json) -> Iterator[tuple[datetime, str]]:
    for one in value["reviews"]["nodes"]:
        if one["state"] == "APPROVED" and one["commit"] and one["submittedAt"]:
            yield instant(one["submittedAt"]), one["commit"]["oid"]


def _forced(value: Json) -> Iterator[tuple[datetime, str]]:
    for one in value["timelineItems"]["nodes"]:
        if one["__typename"] == "HeadRefForcePushedEvent" and one["beforeCommit"]:
            yield instant(one["createdAt"]), one["beforeCommit"]["oid"]


def _ran_after(checks: Sequence[Json], merged_at: datetime) -> bool:
    times = [one[name] for one in checks for name in ("startedAt", "completedAt") if one[name]]
    return any(instant(time) > merged_at for time in times)


def _commit(value: Json, notes: Notes) -> Commit:
    row = shapes.commit(value)
    notes.commit(row)
    return Commit(row["sha"], tuple(row["parents"]))


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
