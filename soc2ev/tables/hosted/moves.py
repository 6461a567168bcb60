"""
From the server's record of ref updates and the commit graph to moves of a production ref, each with what it brought.

The record is the population; the graph says what each move brought; merged pull requests say how. Where no record could
be had, the first-parent line stands in for it, and every such move says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Account

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.tables.hosted.graph import Graph

_KINDS = {"pr_merge": "pr_merge", "merge_queue_merge": "queue_merge", "force_push": "force_push"}
RECORDED = "the server's record of ref updates"
FROM_REQUEST = "the pull request that landed it; the server's record of ref updates was not obtained"
FROM_LINE = "inferred: the first-parent line of the branch; the server's record of ref updates was not obtained"


@dataclass(slots=True)
class Move:
    """One move of a production ref, and what it brought."""

    after: str
    before: str | None
    integration: str
    at: datetime | None
    basis: str
    actor: Account | None
    evidence: set[str]
    record: int | None = None
    """GitHub's number of the record; None when there is none."""
    brought: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Pull requests that landed with it."""
    ref: str | None = None
    """What the ref was called then, by its record; None when there is none."""

    @property
    def recorded(self) -> bool:
        """The server's own record of the move was obtained."""
        return self.record is not None


@dataclass(frozen=True, slots=True)
class Landing:
    """Where and when a pull request landed, by its own record."""

    number: int
    merge_sha: str
    merged_at: datetime | None
    base_ref: str
    messages: tuple[str, ...]
    """Messages of its commits, oldest first; a rebase keeps them."""
    merger: Account | None
    evidence: str


def continued(rows: Mapping[str, Sequence[Mapping[str, Json]]], names: Sequence[str]) -> list[Mapping[str, Json]]:
    """
    The records of a ref that was renamed, `names` being its names, the present one first.

    Its creation under a new name, and its deletion under the old one, moved nothing. Without a record of the rename
    the first one under the new name goes on where the last one under the old name ended.
    """
    found = sorted(rows.get(names[0], ()), key=_by_time)
    for name in names[1:]:
        made = next((place for place in reversed(range(len(found))) if found[place]["before"] is None), None)
        earlier = sorted(rows.get(name, ()), key=_by_time)
        if made is None and (held := _goes_on(earlier, found)):
            found = [*earlier[:held], *found]
            continue
        gone = [place for place, row in enumerate(earlier) if made is not None and _gave_way(row, found[made])]
        if made is None or not gone:
            break
        found = [*earlier[: gone[-1]], *found[made + 1 :]]
    return found


def _goes_on(earlier: Sequence[Mapping[str, Json]], later: Sequence[Mapping[str, Json]]) -> int:
    """How many of the earlier records end with what the later ones begin with; all of them when there is no later."""
    if not later:
        return len(earlier)
    ends = (place for place in reversed(range(len(earlier))) if earlier[place]["after"] == later[0]["before"])
    return next(ends, -1) + 1


def _by_time(row: Mapping[str, Json]) -> tuple[datetime, int]:
    return row["at"], row["id"]


def _gave_way(row: Mapping[str, Json], made: Mapping[str, Json]) -> bool:
    return row["after"] is None and row["before"] is not None and row["before"] == made["after"]


def held(rows: Sequence[Mapping[str, Json]], at: datetime | None, start: str | None) -> str | None:
    """What a ref held then, `start` before its first record; of one that was deleted, what it held until then."""
    past = [row for row in rows if at is None or row["at"] <= at]
    found: str | None = (past[-1]["after"] or past[-1]["before"]) if past else start
    return found


def recorded(rows: Iterable[Mapping[str, Json]]) -> list[Move]:
    """The moves that the server recorded, oldest first; a deletion of the ref brings nothing and is none."""
    moves = [_move(row) for row in rows if row["after"]]
    return sorted(moves, key=lambda move: (move.at, move.record))


def inferred(
    graph: Graph,
    tip: str | None,
    base: str | None,
    landings: Mapping[str, Sequence[Landing]],
    message: Callable[[str], str | None],
    elsewhere: Mapping[str, datetime | None],
) -> list[Move]:
    """
    Moves read off the first-parent line between two heads, oldest first.

    A commit that a pull request names as its merge is that request's, and so are those below it that carry the
    messages of its other commits, as a rebase leaves them. What landed a request that was not obtained, `elsewhere`
    with the time, is no push: the branch may have been called otherwise. Any other commit is a push of its own.
    """
    line = list(graph.line(tip, base))
    moves: list[Move] = []
    at = 0
    while at < len(line):
        landing = next((one for one in landings.get(line[at], ())), None)
        span = 1 if landing is None else _span([message(sha) for sha in line[at:]], landing)
        below = line[at + span] if at + span < len(line) else base
        if landing is None and line[at] in elsewhere:
            moves.append(Move(line[at], below, "pr_merge", elsewhere[line[at]], FROM_REQUEST, None, set()))
        elif landing is None:
            moves.append(Move(line[at], below, "direct_push", None, FROM_LINE, None, set()))
        else:
            how, merger = FROM_REQUEST, landing.merger
            moves.append(Move(line[at], below, "pr_merge", landing.merged_at, how, merger, {landing.evidence}))
        at += span
    return moves[::-1]


def _span(messages: Sequence[str | None], landing: Landing) -> int:
    """How many commits from the top carry the messages of all the request's commits; else it is the first alone."""
    wanted = landing.messages[::-1]
    return len(wanted) if wanted and tuple(messages[: len(wanted)]) == wanted else 1


def share_out(graph: Graph, moves: Sequence[Move], before: set[str]) -> set[str]:
    """
    Give each move, oldest first, the commits that it was the first to bring; all commits that were given.

    `before` are commits that the ref held before the period.
    """
    held = set(before)
    for move in moves:
        new = graph.reach([move.after], stop=held.__contains__)
        # A commit that nobody told about may lie before the period; the one that the ref moved to does not.
        move.brought = sorted(graph.known(new) | ({move.after} & new))
        held.update(move.brought)
    return held - before


def name_requests(
    graph: Graph, moves: Iterable[Move], landings: Mapping[str, Sequence[Landing]], refs: Collection[str]
) -> None:
    """Note for each move the pull requests into those refs whose merge lies on the first-parent line it added."""
    for move in moves:
        brought = set(move.brought)
        line = [sha for sha in graph.line(move.after, move.before) if sha in brought] or [move.after]
        named = [one for sha in reversed(line) for one in landings.get(sha, ())]
        move.numbers = list(dict.fromkeys(one.number for one in named if one.base_ref in refs))


def within(moves: Iterable[Move], start: datetime, end: datetime) -> Iterator[Move]:
    """Moves of that half-open span; one without a time is kept."""
    return (move for move in moves if move.at is None or start <= move.at < end)


def _move(row: Mapping[str, Json]) -> Move:
    integration = _KINDS.get(row["kind"] or "", "direct_push")
    actor = None if row["actor_id"] is None else Account(row["actor"], row["actor_id"], row["actor_type"])
    return Move(
        row["after"],
        row["before"],
        integration,
        row["at"],
        RECORDED,
        actor,
        {row["evidence"]},
        row["id"],
        ref=row["ref"],
    )
