"""
What moved the refs of a repository: GitHub's own record (activity), with the server's time.

The record is a chain: what a ref held before a move is what it held after the move before. A break in the chain is a
move that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import shapes
from soc2ev.sources.github.claims import Repository, Tally

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host

_SPANS = (("day", 1), ("week", 7), ("month", 30), ("quarter", 90), ("year", 365))
PUSHES = ("push", "force_push", "branch_creation")
"""Kinds of moves that no button made."""
FEW = 5
"""So many branches are asked for one by one, however few requests there are."""
_MARGIN = timedelta(hours=2)
"""The span counts back from a clock that we read a moment ago."""
_NEAR = timedelta(hours=1)
_BEGINNING = timedelta(minutes=10)
"""So soon after its repository a branch is created for the first time."""
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Move:
    """A move of a ref. `before` and `after` are None where there was no commit."""

    ref: str
    before: str | None
    after: str | None
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """The moves of one production ref, newest first, back to the last one before the period."""

    ref: str
    moves: tuple[Move, ...]
    whole: bool
    """No move between the period's start and the collection is missing."""
    known: bool = True
    """The record could be read."""
    names: tuple[str, ...] = ()
    """What it was called since the period's start, the present name first."""

    def held(self, at: datetime, tip: str | None) -> str | None:
        """What the ref held at that instant, `tip` being what it holds now."""
        for move in self.moves:
            if move.at < at:
                return move.after
            tip = move.before
        return tip

    def within(self, period: Period) -> list[Move]:
        """The moves of the period, newest first."""
        return [move for move in self.moves if period.contains(move.at)]

    def rewritten(self, period: Period) -> bool:
        """Whether commits may have been removed from the ref in the period."""
        return any(move.kind in ("force_push", "branch_deletion") for move in self.within(period))


def read(host: Host, repository: Repository, ref: str, period: Period, tally: Tally) -> Line:
    """The line of a production ref; what could not be had is told to `tally`."""
    try:
        moves = list(_walk(host, repository, period, ref=ref))
        tally.fetched += len(moves)
        moves, names = _follow(host, repository, ref, moves, period, tally)
        moves, names = _begin(host, repository, moves, names, period, tally)
    except CollectError as problem:
        tally.failed(problem, ref)
        return Line(ref, (), whole=False, known=False, names=(ref,))
    gaps = _gaps(moves)
    if gaps:
        tally.lacks(f"{ref}: {gaps} moves of the ref are missing from the record")
    silent = not moves and _span(repository, period) is None and repository.tip is not None
    # The tip was read before the record: whatever moved the ref to it is in there, or the newest moves are not.
    behind = bool(moves) and ref == repository.default and repository.tip not in (None, *(one.after for one in moves))
    if behind:
        tally.lacks(f"{ref}: no move of the record leads to what the ref holds; collect again")
    begins = bool(moves) and moves[-1].at >= period.start and moves[-1].before is not None
    if silent:
        tally.lacks(f"{ref}: GitHub has no record of any move of it")
    elif begins and _span(repository, period) is None:
        tally.lacks(f"{ref}: the record begins at {moves[-1].at:%Y-%m-%d}, after the period's start")
    return Line(ref, tuple(moves), not gaps and not silent and not behind, names=tuple(names))


_BRINGING = ("branch_creation", "push", "force_push")
"""Moves that bring something to a head; merges and deletions, as many again, do not."""


def read_pushes(
    host: Host,
    repository: Repository,
    refs: Sequence[str],
    told: Sequence[str],
    most: int,
    since: datetime,
    tally: Tally,
) -> None:
    """
    When heads of requests were pushed, for those that no check suite dates: by branch up to `most`, else all refs at
    once, but for those refs that were `told`.

    The rows are evidence for whoever judges; nothing is decided here.
    """
    try:
        if len(refs) <= most:
            for ref in refs:
                tally.fetched += sum(1 for _ in _walk(host, repository, None, ref=ref))
        else:
            for kind in _BRINGING:
                walked = _walk(host, repository, None, without=told, since=since, kind=kind)
                tally.fetched += sum(move.ref not in told for move in walked)
    except CollectError as problem:
        tally.failed(problem, "pushes of the heads of requests")


def _walk(
    host: Host,
    repository: Repository,
    period: Period | None,
    *,
    ref: str | None = None,
    without: Sequence[str] = (),
    since: datetime | None = None,
    role: str = "moves",
    kind: str | None = None,
) -> Iterator[Move]:
    """Moves, newest first, until a page reaches back beyond the start."""
    asked: dict[str, Json] = {"repository": repository.name, "role": role}
    params = {"per_page": "100"}
    if ref is not None:
        params["ref"] = f"refs/heads/{ref}"
    if kind is not None:
        params["activity_type"] = kind
    if without:
        asked["without"] = list(without)
    edge = period.start if period else since
    if edge is not None and (span := span_for(repository.seen_at - edge)) is not None:
        params["time_period"] = span
    stream = repository.stream("activity")
    for page in host.walk(f"{repository.path}/activity", stream=stream, asked=asked, params=params):
        found = [_move(value) for value in host.fetch.json(page)]
        for move in found:
            yield move
            if period is not None and move.at < period.start:
                return
        if edge is not None and found and found[-1].at < edge:
            return


def _move(value: Json) -> Move:
    try:
        row = shapes.move(value)
        return Move(row["ref"], row["before"], row["after"], row["kind"], instant(row["at"]))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise CollectError(f"a record of the activity is not understood: {problem!r}"[:300]) from None


def instant(text: str) -> datetime:
    """An instant as GitHub writes it; ValueError for anything else, such as one without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


def _span(repository: Repository, period: Period) -> str | None:
    return span_for(repository.seen_at - period.start)


def span_for(age: timedelta) -> str | None:
    """The shortest of GitHub's spans that surely reaches so far back; None when none does."""
    return next((name for name, days in _SPANS if age + _MARGIN <= timedelta(days=days)), None)


def _gaps(moves: Sequence[Move]) -> int:
    """How often the chain of a ref is broken; a deleted ref begins anew."""
    return sum(1 for newer, older in pairwise(moves) if newer.before != older.after)


def _follow(
    host: Host, repository: Repository, ref: str, moves: list[Move], period: Period, tally: Tally
) -> tuple[list[Move], list[str]]:
    """
    The moves with those of the ref's old names, and all names, the present one first.

    A ref that was created since the period began took the place of another one when that held the same commit and went
    away then. Neither the creation nor the deletion moves anything.
    """
    names = [ref]
    while len(names) < _MOST_NAMES and (made := _creation(moves, repository, period)):
        around = list(_walk(host, repository, None, since=made.at - _NEAR, role="around"))
        old = {one.ref for one in around if _gave_way(one, made)} - {*repository.branches, *names}
        if len(old) > 1:
            tally.lacks(f"{ref}: which of {', '.join(sorted(old))} it was before is not known")
        if len(old) != 1:
            break
        names += old
        before = list(_walk(host, repository, period, ref=names[-1]))
        tally.fetched += len(before)
        gone = next((place for place, one in enumerate(before) if _gave_way(one, made)), len(before))
        moves = [*moves[: moves.index(made)], *before[gone + 1 :]]
    return moves, names


def _begin(
    host: Host, repository: Repository, moves: list[Move], names: list[str], period: Period, tally: Tally
) -> tuple[list[Move], list[str]]:
    """
    The moves with those of the name that the ref had before its record begins, where nothing else tells of a rename.

    GitHub's documents do not say what the record holds of a renamed branch. A ref that was quiet until its first record
    held a commit from before the period then; one that was made since came to it under another name.
    """
    known = 0
    while known < len(names) < _MOST_NAMES and (held := _quiet(repository, moves, names, period)):
        known = len(names)
        try:
            if _made(host, repository, held) >= period.start:
                moves, names = _before(host, repository, held, moves, names, period, tally)
        except CollectError as problem:
            tally.failed(problem, f"what {names[0]} held when its record begins")
    if len(names) > 1:
        tally.details.setdefault("renamed_from", {})[names[0]] = names[1:]
    return moves, names


def _quiet(repository: Repository, moves: Sequence[Move], names: Sequence[str], period: Period) -> str | None:
    """What the ref held until a record that begins within the period; None when the record reaches further back."""
    if _span(repository, period) is None or (moves and moves[-1].at < period.start):
        return None
    if moves:
        return moves[-1].before
    return repository.tip if names[0] == repository.default else None


def _made(host: Host, repository: Repository, sha: str) -> datetime:
    """When a commit was made, by its committer's clock; GitHub's own for what its buttons made."""
    asked: dict[str, Json] = {"repository": repository.name, "role": "began"}
    path, stream = f"{repository.path}/commits/{sha}", repository.stream("activity")
    answer = host.get(path, params={"per_page": "1"}, stream=stream, asked=asked)
    try:
        return instant(host.fetch.json(answer)["commit"]["committer"]["date"])
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise CollectError(f"the commit {sha[:12]} is not understood: {problem!r}"[:300]) from None


def _before(
    host: Host, repository: Repository, held: str, moves: list[Move], names: list[str], period: Period, tally: Tally
) -> tuple[list[Move], list[str]]:
    around = list(_walk(host, repository, None, since=period.start, role="around"))
    until = moves[-1].at if moves else repository.seen_at
    # Branches that were cut there held that commit too, and did not bring it.
    brought = [one for one in around if one.after == held and one.at <= until and one.kind != "branch_creation"]
    old = {one.ref for one in brought} - {*names}
    if len(old) != 1:
        which = f"which of {', '.join(sorted(old))} it was before is not known" if old else "no record says how it came"
        tally.lacks(f"{names[0]}: it held {held[:12]}, made in the period, when its record begins, and {which}")
        return moves, names
    if old & {*repository.branches}:
        tally.details.setdefault("goes_on_from", {})[names[0]] = min(old)
        return moves, names
    earlier = list(_walk(host, repository, period, ref=min(old)))
    tally.fetched += len(earlier)
    last = next((place for place, one in enumerate(earlier) if one.after == held), len(earlier))
    return [*moves, *earlier[last:]], [*names, *old]


def _creation(moves: Sequence[Move], repository: Repository, period: Period) -> Move | None:
    """The last creation of the ref since the period began, other than that of the repository itself."""
    made = next((move for move in moves if move.before is None and move.after), None)
    first = made is None or made.at < period.start or made.at - repository.created_at <= _BEGINNING
    return None if first else made


def _gave_way(move: Move, made: Move) -> bool:
    gone = move.kind == "branch_deletion" and move.before == made.after and move.ref != made.ref
    return gone and abs(move.at - made.at) <= _NEAR
