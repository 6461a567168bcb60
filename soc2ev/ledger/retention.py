"""
Retention: the content of old months goes, their leaves stay, and a line of the log says so.

Proofs and checkpoints go on to hold, because the tree has every leaf. Lines that are no events (holds, earlier
retention, recoveries) are kept word for word. A hold keeps months from being dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, VaultError
from soc2ev.ledger import lines
from soc2ev.ledger.query import Filter, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soc2ev.ledger.log import Log, Receipt
    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk


@dataclass(frozen=True, slots=True)
class Hold:
    """Why months may not be dropped: one month, or whichever hold an event that fits the filter."""

    name: str
    month: str | None
    filter: Mapping[str, Json] | None
    reason: str
    since: str


@dataclass(frozen=True, slots=True)
class Month:
    """What lies in a month: its first line, the one behind its last, how many are events, and the last hash."""

    month: str
    first: int
    end: int
    events: int
    last: str


@dataclass(frozen=True, slots=True)
class Retained:
    """What became of the months before the limit."""

    dropped: tuple[Month, ...]
    held: Mapping[str, str]
    """By month, the hold that keeps it."""


def holds(log: Log) -> list[Hold]:
    """The holds that are in force, by name."""
    found: dict[str, Hold] = {}
    with log.turn() as state:
        for _, data in state.marks():
            if data["type"] == "hold" and data["change"] == "added":
                found[data["name"]] = Hold(
                    data["name"], data["month"], data["filter"], data["reason"], data["recorded_at"]
                )
            elif data["type"] == "hold":
                found.pop(data["name"], None)
    return [found[name] for name in sorted(found)]


def hold(log: Log, name: str, *, month: str = "", wanted: Filter | None = None, reason: str = "") -> Receipt:
    """Keep that month, or every month with an event that fits; ConfigError when the name is taken."""
    said = wanted.said() if wanted else None
    if bool(month) == bool(said):
        raise ConfigError("a hold is about one month or about a filter", hint="give --month 2026-01 or a filter")
    if month:
        _first(month)
    with log.turn():
        if any(one.name == name for one in holds(log)):
            raise ConfigError(f"there is a hold {name!r:.60} already", hint="`soc2ev ledger hold list` shows it")
        body = {"name": name, "change": "added", "month": month or None, "filter": said, "reason": reason}
        return log.mark("hold", body)


def release(log: Log, name: str, reason: str = "") -> Receipt:
    """End a hold; ConfigError when there is none of that name."""
    with log.turn():
        if not any(one.name == name for one in holds(log)):
            raise ConfigError(f"there is no hold {name!r:.60}", hint="`soc2ev ledger hold list` shows them")
        return log.mark("hold", {"name": name, "change": "removed", "month": None, "filter": None, "reason": reason})


def retain(log: Log, disk: Disk, keep: timedelta, said: str, now: datetime, *, dry: bool = False) -> Retained:
    """
    Drop the events of every month that ended before `keep` ago and that no hold keeps.

    The order makes an interruption harmless: the tree is durable, then the line and its checkpoint say what will go,
    then it goes. A later call finishes what was interrupted. With `dry` nothing is changed.
    """
    before = now.astimezone(UTC) - keep
    with log.turn() as state:
        old = [one for one in lines.segments(disk) if not one.kept and _end(one.month) <= before]
        kept = {one.month: name for one in old if (name := _holding(disk, one, holds(log)))}
        going = [_survey(disk, one) for one in old if one.month not in kept]
        # The segment that the log stands in has its last line, on which everything goes on.
        standing = state.place.segment
        going = [one for one in going if f"journal/{one.month}.jsonl" != standing]
        if going and not dry:
            said_before = _said(state.marks())
            state.flush()
            if fresh := [one for one in going if one.month not in said_before]:
                months = [{"month": m.month, "first": m.first, "end": m.end, "last": m.last} for m in fresh]
                log.mark("retention", {"months": months, "keep": said, "before": f"{before:%Y-%m-%d}"})
                state.flush()
            log.checkpoint()
            for one in going:
                _drop(disk, one.month)
    return Retained(tuple(going), kept)


def _said(marks: list[tuple[int, dict[str, Json]]]) -> set[str]:
    return {one["month"] for _, data in marks if data["type"] == "retention" for one in data["months"]}


def _holding(disk: Disk, segment: lines.Segment, active: list[Hold]) -> str:
    """The name of a hold that keeps the month; empty when none does."""
    for one in active:
        if one.month == segment.month or (one.filter and _any(disk, segment, _filter(one.filter))):
            return one.name
    return ""


def _any(disk: Disk, segment: lines.Segment, wanted: Filter) -> bool:
    return any(data["type"] == "event" and wanted.accepts(data) for data in _contents(disk, segment))


def _filter(said: Mapping[str, Json]) -> Filter:
    return Filter(
        since=moment(said.get("since", ""), "since"),
        until=moment(said.get("until", ""), "until"),
        actor=said.get("actor", ""),
        action=said.get("action", ""),
        target=said.get("target", ""),
        metadata=said.get("metadata", {}),
    )


def _contents(disk: Disk, segment: lines.Segment) -> Iterator[dict[str, Json]]:
    for raw in lines.read(disk, segment.name):
        try:
            yield lines.decode(raw.removesuffix(b"\n"))
        except ValueError:
            raise VaultError(
                f"ledger: {segment.name} is damaged; nothing was dropped", hint="`soc2ev ledger verify` says where"
            ) from None


def _survey(disk: Disk, segment: lines.Segment) -> Month:
    import hashlib

    first, count, events, last = -1, 0, 0, b""
    for raw in lines.read(disk, segment.name):
        last = raw.removesuffix(b"\n")
        count += 1
        events += b'"type":"event"' in last
        if first < 0:
            first = int(lines.decode(last)["seq"])
    return Month(segment.month, first, first + count, events, hashlib.sha256(last).hexdigest())


def _drop(disk: Disk, month: str) -> None:
    """Leave the lines that are no events, then let the rest go."""
    segment = lines.Segment(f"journal/{month}.jsonl", month, kept=False)
    rest = [lines.spell(data) for data in _contents(disk, segment) if data["type"] != "event"]
    disk.create(f"journal/{month}.kept.jsonl", b"".join(raw + b"\n" for raw in rest))
    try:
        (disk.root / segment.name).unlink()
    except OSError as problem:
        raise VaultError(
            f"ledger: {segment.name} cannot be removed: {problem.strerror}", hint="run `soc2ev ledger retain` again"
        ) from None


def _first(month: str) -> datetime:
    try:
        return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"{month!r:.20} is no month", hint="write 2026-01") from None


def _end(month: str) -> datetime:
    return (_first(month) + timedelta(days=32)).replace(day=1)
