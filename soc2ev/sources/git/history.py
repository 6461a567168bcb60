"""
The commits of a period: which they are, what they say, who made them, what each integration changed.

The population is a difference of the graph, start..end, never a selection by date; after a force push or a merge
that swaps its parents the start is no ancestor on the line of the end, and the difference is the same. It is counted
several ways that do not share their weak spot: git's count of the range, whole-history counts (read from objects
only), the objects themselves (each hashed), the chain of first parents in them, and git's shortlog.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, TamperedError
from soc2ev.sources.git import parse, streams
from soc2ev.sources.git.repository import Branch, Repository, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


CHUNK = 2_000
"""Commits in one stored body: memory stays flat, whatever the population."""
_PEOPLE = "--format=%H%x00" + "".join(f"{part.decode()}%x00" for part in streams.PEOPLE)
_TRAILERS = "--format=%H%x00%(trailers:only,unfold)%x00"
_CHANGES = (
    "--root",
    "--always",
    "--name-status",
    "--no-renames",
    "--no-relative",
    "--ignore-submodules=none",
)


@dataclass(slots=True)
class Tally:
    """What one stream expected and fetched so far, and why it is not complete."""

    stream: str
    expected: int | None = None
    fetched: int = 0
    reasons: list[str] = field(default_factory=list)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn a failed command or an answer that cannot be believed into a reason; other streams go on."""
        try:
            yield
        except (CollectError, TamperedError) as problem:
            self.reasons.append(explain(problem))

    def check(self, *, same: bool, otherwise: str) -> None:
        """Note the reason unless the two things compared are the same."""
        if not same:
            self.reasons.append(otherwise)


@dataclass(slots=True)
class History:
    """
    One branch between two heads.

    `collect` fills the tallies in the order of the streams; what one of them misses, the later ones do not
    pretend to have.
    """

    repository: Repository
    branch: Branch
    start: str | None
    end: str | None
    ids: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    """The first-parent line, newest first."""
    parents: dict[str, str | None] = field(default_factory=dict)
    """First parents of the commits on the line, from their hashed objects."""
    mailmap: str = ""
    """The mailmap to resolve people with, as `commit:path`; empty for none."""

    def collect(self) -> list[Tally]:
        """A tally for each of integrations, commits, trailers, shortlog and paths."""
        tallies = {name: Tally(name) for name in ("integrations", "commits", "trailers", "shortlog", "paths")}
        if self.end is None:
            for tally in tallies.values():
                tally.expected = 0
            return list(tallies.values())
        with tallies["integrations"].guard():
            self._integrations(tallies["integrations"])
        with tallies["commits"].guard():
            self._commits(tallies["commits"])
        with tallies["integrations"].guard():
            self._check_line(tallies["integrations"])
        with tallies["trailers"].guard():
            self._find_mailmap(tallies["trailers"], tallies["shortlog"])
            self._trailers(tallies["trailers"], tallies["commits"])
        with tallies["shortlog"].guard():
            self._shortlog(tallies["shortlog"], tallies["commits"])
        with tallies["paths"].guard():
            self._paths(tallies["paths"], tallies["integrations"])
        return list(tallies.values())

    @property
    def _range(self) -> tuple[str, ...]:
        ends = (self.end or "",)
        return ends if self.start is None else (*ends, "--not", self.start)

    def _ask(
        self,
        stream: str,
        role: str,
        *arguments: str,
        count: Callable[[bytes], int] | None = None,
        stdin: Sequence[str] | None = None,
        cached_graph: bool = False,
    ) -> bytes:
        given = None if stdin is None else "".join(f"{line}\n" for line in stdin).encode("ascii")
        settings = (f"mailmap.blob={self.mailmap}",)
        return self.repository.ask(
            stream,
            role,
            ("--bare", *arguments),
            branch=self.branch.name,
            stdin=given,
            count=count,
            settings=settings,
            cached_graph=cached_graph,
        ).body

    def _integrations(self, tally: Tally) -> None:
        asked = ("rev-list", "--first-parent", *self._range)
        body = self._ask("integrations", "line", *asked, count=lambda body: body.count(b"\n"))
        self.line = parse.ids(body)
        tally.fetched = len(self.line)

    def _commits(self, tally: Tally) -> None:
        counted = self._ask("commits", "count", "rev-list", "--topo-order", "--count", *self._range, cached_graph=True)
        tally.expected = parse.number(counted)
        listed = self._ask("commits", "ids", "rev-list", "--topo-order", *self._range, cached_graph=True)
        self.ids = parse.ids(listed)
        on_line = set(self.line)
        for chunk in _chunks(self.ids):
            count = parse.count_objects
            body = self._ask("commits", "objects", "cat-file", "--batch", stdin=chunk, count=count)
            for sha, content in parse.objects(body):
                tally.fetched += 1
                self.repository.mention(content)
                if sha in on_line:
                    self.parents[sha] = next(iter(parse.commit(sha, content).parents), None)
        self._check_count(tally)

    def _check_count(self, tally: Tally) -> None:
        """
        Whole histories need no range walk, so that dates running backwards or a stale cache cannot mislead
        them.

        What both ends reach together, less what the start reaches, is the range, whether or not the start is an
        ancestor of the end. git's range walk follows committer dates and gives up after a few commits that look old
        (revision.c, SLOP).
        """
        both = (self.end or "",) if self.start is None else (self.end or "", self.start)
        whole = parse.number(self._ask("commits", "whole", "rev-list", "--count", *both))
        if self.start is not None:
            before = self._ask("commits", "before", "rev-list", "--count", self.start)
            whole -= parse.number(before)
        hint = "dates in it run backwards, or its commit-graph is stale: `git commit-graph write --reachable`"
        counts = f"git's range holds {tally.expected} commit(s), its whole-history counts differ by {whole}"
        otherwise = f"{counts} ({hint})"
        tally.check(same=whole == tally.expected, otherwise=otherwise)

    def _check_line(self, tally: Tally) -> None:
        """
        The hashed objects must lead, first parent by first parent, from the end along the same line to the first
        commit that the start had already reached: the start itself, unless the branch was rewritten or a merge swapped
        its parents.
        """
        chain, at = [], self.end
        while at is not None and at != self.start and at in self.parents:
            chain.append(at)
            at = self.parents[at]
        tally.expected = len(chain)
        same = chain == self.line and (at in (None, self.start) or self._had_reached(at))
        tally.check(same=same, otherwise="the first parents in the commits do not lead along git's first-parent line")

    def _had_reached(self, sha: str | None) -> bool:
        """Whether the start reaches that commit; nothing was reached before a branch began."""
        if self.start is None or sha is None:
            return False
        asked = ("--bare", "merge-base", "--is-ancestor", sha, self.start)
        answer = self.repository.ask("integrations", "reached", asked, branch=self.branch.name, ok=(0, 1, 128))
        return answer.status == 0

    def _find_mailmap(self, *tallies: Tally) -> None:
        """
        The mailmap committed at the end of the period: a file in a working tree is nobody's evidence.

        A clone that lacks trees or files may have one that cannot be read: people under two addresses would
        then pass for two, so that is a reason.
        """
        ask, named = self.repository.ask, f"{self.end}:.mailmap"
        there = ask("trailers", "mailmap", ("cat-file", "blob", named), branch=self.branch.name, ok=(0, 128))
        if there.status == 0:
            self.mailmap = named
        elif "does not exist" not in there.stderr:
            for tally in tallies:
                tally.reasons.append("the mailmap of the period's end cannot be read, names are as stated")

    def _trailers(self, tally: Tally, commits: Tally) -> None:
        tally.expected = 0
        for chunk in _chunks(self.ids):
            log = ("log", "--no-walk=unsorted", "--stdin", "--encoding=UTF-8")
            people = self._ask("trailers", "people", *log, _PEOPLE, stdin=chunk, count=_people)
            block = self._ask("trailers", "trailers", *log, _TRAILERS, stdin=chunk, count=_count_trailers)
            found = [parse.full_id(record[0]) for record in parse.fields(people, streams.PEOPLE_WIDTH)]
            blocks = [parse.full_id(record[0]) for record in parse.fields(block, streams.TRAILERS_WIDTH)]
            same = found == blocks == list(chunk)
            tally.check(same=same, otherwise="git log did not answer for every commit that it was asked about")
            rows = len(found) + _count_trailers(block)
            tally.expected, tally.fetched = tally.expected + rows, tally.fetched + rows
        listed, expected = len(self.ids), commits.expected
        tally.check(same=listed == expected, otherwise=f"made for {listed} of {_known(expected)} commits")

    def _shortlog(self, tally: Tally, commits: Tally) -> None:
        asked = ("shortlog", "-s", "-n", "-e", "--topo-order", *self._range)
        body = self._ask(
            "shortlog", "shortlog", *asked, cached_graph=True, count=lambda body: len(parse.shortlog(body))
        )
        people = parse.shortlog(body)
        tally.expected = tally.fetched = len(people)
        total = sum(people.values())
        otherwise = f"git's shortlog adds up to {total} commit(s), the range holds {_known(commits.expected)}"
        tally.check(same=total == commits.expected, otherwise=otherwise)
        commits.check(same=total == commits.expected, otherwise=otherwise)

    def _paths(self, tally: Tally, integrations: Tally) -> None:
        tally.check(same=not integrations.reasons, otherwise="the first-parent line itself is incomplete")
        tally.expected = 0
        for chunk in _chunks([sha for sha in self.line if sha in self.parents]):
            pairs = [f"{sha} {self.parents[sha] or ''}".rstrip() for sha in chunk]
            asked = ("-r", "-z", *_CHANGES)
            body = self._ask("paths", "paths", "diff-tree", "--stdin", *asked, stdin=pairs, count=_count_paths)
            found = dict(parse.changed(body))
            tally.fetched += _count_paths(body)
            tally.expected = tally.fetched
            same = list(found) == list(chunk)
            tally.check(
                same=same,
                otherwise="git diff-tree did not answer for every integration that it was asked about",
            )


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), CHUNK):
        yield items[at : at + CHUNK]


def _known(number: int | None) -> str:
    return "an unknown number" if number is None else str(number)


# Counters run before the body is stored: they take any bytes and raise nothing.


def _people(body: bytes) -> int:
    return body.count(b"\0") // streams.PEOPLE_WIDTH


def _count_trailers(body: bytes) -> int:
    return sum(1 for block in body.split(b"\0")[1::2] for _trailer in parse.trailers(block))


def _count_paths(body: bytes) -> int:
    """A row of git_paths is a field of one letter and the field after it; an id is longer than a letter."""
    parts, at, found = body.split(b"\0"), 0, 0
    while at < len(parts) - 1:
        record = len(parts[at]) == 1
        found, at = found + record, at + 1 + record
    return found
