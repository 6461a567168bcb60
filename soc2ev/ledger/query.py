"""Events by time, actor, action, target and metadata, streamed; the lines are checked on the way."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, TamperedError
from soc2ev.ledger import lines, marks
from soc2ev.ledger.events import environment_of
from soc2ev.ledger.nodes import Nodes
from soc2ev.vault.journal import FIRST
from soc2ev.vault.merkle import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk
    from soc2ev.vault.note import Checkpoint

COLUMNS = (
    "seq", "timestamp", "recorded_at", "action", "actor_id", "actor_email", "target_type", "target_id", "metadata",
    "id", "source", "leaf",
)  # fmt: skip
"""The fields of a row, in this order."""
Row = dict[str, "Json"]


@dataclass(frozen=True)
class Filter:
    """
    Which events: those that fit everything that is given; without anything, all.

    `since` is inclusive, `until` exclusive, both about the event's own time (when it gave none: when it was
    recorded). `actor` is an id or an e-mail address. In `action` and `target` (`type` or `type:id`), `*` stands for
    any text, dots and colons included. A value in `metadata` is compared as text: `true`, `3`. `environment` leaves out
    what came with keys of other environments.
    """

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    target: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""

    def accepts(self, data: Mapping[str, Json]) -> bool:
        """Whether the stored event fits."""
        if self.environment and environment_of(data.get("source")) not in ("", self.environment):
            return False
        if self.actor and self.actor not in (data["actor_id"], data.get("actor_email")):
            return False
        if self.action and not self._action.fullmatch(data["action"]):
            return False
        if self.target and not self._fits_target(data):
            return False
        if any(name not in data["metadata"] or text(data["metadata"][name]) != value for name, value in self._wanted):
            return False
        return not (self.since or self.until) or self._fits_time(data)

    def said(self) -> dict[str, Json]:
        """What is asked, as JSON; only what was given."""
        times = {name: at and at.isoformat() for name, at in (("since", self.since), ("until", self.until))}
        asked = {**times, "actor": self.actor, "action": self.action, "target": self.target}
        return {name: value for name, value in {**asked, "metadata": dict(self.metadata)}.items() if value}

    @cached_property
    def needles(self) -> tuple[bytes, ...]:
        """What the line of an event that fits must hold: most lines need not be parsed."""
        found = [b'"type":"event"']
        if self.actor:
            found.append(_spelled(self.actor))
        if self.action:
            before, star, _ = self.action.partition("*")
            found.append(b'"action":' + (_spelled(before)[:-1] if star else _spelled(before)))
        found += [_spelled(name) for name, _ in self._wanted]
        return tuple(found)

    @cached_property
    def _action(self) -> re.Pattern[str]:
        return glob(self.action)

    @cached_property
    def _target(self) -> re.Pattern[str]:
        return glob(self.target)

    @cached_property
    def _wanted(self) -> tuple[tuple[str, str], ...]:
        return tuple(self.metadata.items())

    def _fits_target(self, data: Mapping[str, Json]) -> bool:
        kind, name = data.get("target_type", ""), data.get("target_id", "")
        pattern = self._target
        return bool(pattern.fullmatch(f"{kind}:{name}") or (":" not in self.target and pattern.fullmatch(kind)))

    def _fits_time(self, data: Mapping[str, Json]) -> bool:
        at = time_of(data)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


class Reading:
    """
    One pass over a log. After it, `count` says how many events were found and `dropped` which lines are no longer here.

    TamperedError, at the latest at the end, when the lines are not those of the newest checkpoint: what was found
    before is then nothing to rely on.
    """

    def __init__(self, disk: Disk, origin: str, wanted: Filter) -> None:
        self.count = 0
        self.size = 0
        self.dropped: list[tuple[int, int]] = []
        """First line, and the one behind the last, of every range that retention dropped."""
        self._disk, self._origin, self._wanted = disk, origin, wanted
        note = marks.newest(disk, origin)
        self.checkpoint: Checkpoint | None = note.checkpoint if note else None
        self._nodes = Nodes(disk)
        self._prev = FIRST
        self._whole = True
        self._begun = False

    def rows(self, *, after: int = -1, limit: int = 0) -> Iterator[Row]:
        """
        The events that fit, behind line `after`, at most `limit` of them (0: all).

        Lines far before `after` are not read: then only the lines that are read are known to follow one another.
        """
        accepts, needles = self._wanted.accepts, self._wanted.needles
        for raw in self._lines(after + 1):
            leaf = leaf_hash(raw)
            self._take(raw, leaf)
            if self.size - 1 <= after or not all(needle in raw for needle in needles):
                continue
            data = json.loads(raw)
            if data["type"] == "event" and accepts(data):
                self.count += 1
                yield row(data, leaf)
                if self.count == limit:
                    return
        if self.checkpoint and self.checkpoint.size > self.size:
            raise _damage(f"the log has {self.size} lines, its newest checkpoint covers {self.checkpoint.size}")
        if self._whole and self.dropped:
            self._recorded()

    def _recorded(self) -> None:
        """Every range that is not here was dropped by a line that says so."""
        said: dict[int, int] = {}
        for segment in lines.segments(self._disk):
            for raw in lines.read(self._disk, segment.name):
                if b'"type":"retention"' in raw and (data := json.loads(raw))["type"] == "retention":
                    with contextlib.suppress(LookupError, TypeError):  # a line that says nothing records nothing
                        said |= {month["first"]: month["end"] for month in data["months"]}
        for first, end in self.dropped:
            at = first
            while at < end and at in said:
                at = said[at]
            if at != end:
                raise _damage(f"lines {first} to {end - 1} are missing, and no retention was recorded for them")

    def _lines(self, first: int) -> Iterator[bytes]:
        known = [segment for segment in lines.segments(self._disk) if not segment.kept]
        for segment in self._from(known, first):
            offset = lines.seek(self._disk, segment.name, first) if first else 0
            self._begun = False
            for raw in lines.read(self._disk, segment.name, offset):
                if raw.endswith(b"\n"):
                    yield raw[:-1]
                elif segment is not known[-1]:
                    raise _damage(f"a line in {segment.name} is cut short or too long")

    def _from(self, known: list[lines.Segment], first: int) -> list[lines.Segment]:
        """The segments from the one on that has line `first`; where that is not the beginning, we start anew there."""
        while first and len(known) > 1 and self._begins(known[1]) <= first:
            known = known[1:]
        if known and first:
            offset = lines.seek(self._disk, known[0].name, first)
            for raw in lines.read(self._disk, known[0].name, offset):
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    data = lines.decode(raw.removesuffix(b"\n"))
                    self._whole, self.size, self._prev = False, int(data["seq"]), str(data["prev"])
                break
        return known

    def _begins(self, segment: lines.Segment) -> int:
        for raw in lines.read(self._disk, segment.name):
            with contextlib.suppress(ValueError, LookupError, TypeError):
                return int(lines.decode(raw.removesuffix(b"\n"))["seq"])
            break
        raise _damage(f"{segment.name} does not begin with a line")

    def _take(self, raw: bytes, leaf: bytes) -> None:
        if b'"seq":%d,' % self.size not in raw or b'"prev":"%s"' % self._prev.encode() not in raw:
            self._jump(raw)
        self._begun = True
        self.size += 1
        self._prev = hashlib.sha256(raw).hexdigest()
        if not self._whole:
            return
        self._nodes.append(leaf)
        self._nodes.drain()
        if self.checkpoint and self.size == self.checkpoint.size and self._nodes.newest_root() != self.checkpoint.root:
            raise _damage(f"the first {self.size} lines are not those of the newest checkpoint")

    def _jump(self, raw: bytes) -> None:
        """Over lines that retention dropped: the tree has their leaves."""
        seq = -1
        with contextlib.suppress(ValueError, LookupError, TypeError):
            data = lines.decode(raw)
            seq, self._prev = int(data["seq"]), str(data["prev"])
        # Retention drops whole months: within one, nothing may be missing.
        if seq <= self.size or self._begun:
            raise _damage(f"line {self.size} does not follow the line before it")
        self.dropped.append((self.size, seq))
        if not self._whole:
            self.size = seq
            return
        with Nodes(self._disk, seq).borrowed() as old:
            for number in range(self.size, seq):
                self._nodes.append(old.leaf(number))
                self._nodes.drain()
        self.size = seq


def row(data: Mapping[str, Json], leaf: bytes) -> Row:
    """The event of a line as callers see it, every field there; its time is that of recording when it gave none."""
    found = {name: data.get(name) for name in COLUMNS}
    return {**found, "timestamp": data.get("timestamp", data["recorded_at"]), "leaf": leaf.hex()}


def time_of(data: Mapping[str, Json]) -> datetime:
    """The event's own time; when it gave none, that of its recording."""
    return datetime.fromisoformat(str(data.get("timestamp", data["recorded_at"])).upper())


def moment(given: str, name: str) -> datetime | None:
    """The instant that a filter names: a day (its first moment in UTC) or a time, UTC unless it has a zone."""
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given.strip().upper())
    except ValueError:
        raise ConfigError(f"{name} {given!r:.60} is no time", hint="write 2026-10-01 or 2026-10-01T12:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def text(value: Json) -> str:
    """A value of metadata as a filter names it."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def glob(pattern: str) -> re.Pattern[str]:
    """The pattern in which `*` stands for any text."""
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)


def _spelled(value: str) -> bytes:
    # What a line cannot hold cannot be found; `replace` keeps half a surrogate pair from ending the search.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _damage(says: str) -> TamperedError:
    return TamperedError(f"ledger: {says}", hint="`soc2ev ledger verify` lists all damage; do not use what was found")
