"""Where a log stands: followed line by line from what the index remembers to its end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError
from soc2ev.ledger import events, lines, marks
from soc2ev.ledger.index import NAME, Index, Known, Place
from soc2ev.ledger.nodes import Nodes
from soc2ev.vault.journal import MAX_LINE
from soc2ev.vault.merkle import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Self

    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk
    from soc2ev.vault.note import Note

_HINT = "`soc2ev ledger verify` lists all damage; restore the ledger from a copy, nothing was changed"


class State:
    """
    The end of the log, its tree and its ids, in memory as far as the index does not know them yet.

    Made by `load`; `follow` goes on to what others have appended since.
    """

    def __init__(self, disk: Disk, origin: str, index: Index | None, place: Place) -> None:
        self.place = place
        self.nodes = Nodes(disk, place.size)
        self.torn: tuple[str, int, bytes] | None = None
        """What lies behind the last whole line: segment, offset and bytes. It was never acknowledged."""
        self._disk, self._origin = disk, origin
        self._index = index
        self._ids: dict[bytes, Known] = {}
        self._marks: list[tuple[int, bytes]] = []
        self._seen: tuple[int, int, int] | None = None
        self._folder = disk.root / "journal"
        self._looked_at, self._path = "", disk.root / "journal"

    @classmethod
    def load(cls, disk: Disk, origin: str, *, write: bool) -> Self:
        """
        Everything up to the last whole line. With `write` the index is made when missing; the caller has the lock.

        TamperedError when the lines do not follow one another or are not those of the newest checkpoint.
        """
        # Looked up first: what is written while we read must not make the log look short.
        note = marks.newest(disk, origin)
        with contextlib.suppress(sqlite3.Error, TamperedError, FileNotFoundError):
            index = Index(disk.root / NAME, write=write)
            try:
                state = cls(disk, origin, index, _fitting(disk, index.place()))
                state.follow()
                state.check(note)
            except BaseException:
                index.close()
                raise
            return state
        if write:
            for name in (NAME, f"{NAME}-journal"):
                (disk.root / name).unlink(missing_ok=True)
        state = cls(disk, origin, Index(disk.root / NAME, write=True) if write else None, Place())
        state.follow()
        state.check(note)
        return state

    def close(self) -> None:
        """Let go of the files."""
        self.nodes.close()
        if self._index:
            self._index.close()

    def check(self, note: Note | None) -> None:
        """TamperedError unless the lines are those that the checkpoint committed to."""
        if note is None:
            return
        point = note.checkpoint
        if point.size > self.nodes.size:
            raise _damage(f"the log has {self.nodes.size} lines, its newest checkpoint covers {point.size}")
        if self.nodes.root(point.size) != point.root:
            raise _damage(f"the first {point.size} lines are not those of the newest checkpoint")

    def changed(self) -> bool:
        """Whether anybody else has written since `follow`, told by sizes and times alone."""
        return self._seen != self._look()

    def follow(self) -> bool:
        """Go on to the last whole line; False when the segment that we stood in is gone: then load again."""
        self.torn = None
        known = lines.segments(self._disk)
        if self.place.segment and self.place.segment not in {segment.name for segment in known}:
            return False
        for at, segment in enumerate(known):
            if segment.name >= self.place.segment:
                self._follow(segment, last=at == len(known) - 1)
        self._seen = self._look()
        return True

    def look_up(self, keys: Collection[bytes]) -> dict[bytes, Known]:
        """The events with these ids; ids that are not there are left out."""
        found = self._index.known_of([key for key in keys if key not in self._ids]) if self._index else {}
        return found | {key: self._ids[key] for key in keys if key in self._ids}

    def marks(self) -> list[tuple[int, dict[str, Json]]]:
        """Number and content of every line that is no event: retention, holds, recoveries."""
        found = dict(self._index.marks()) if self._index else {}
        return [(seq, lines.decode(raw)) for seq, raw in sorted({**found, **dict(self._marks)}.items())]

    def advance(
        self,
        raw: bytes,
        leaf: bytes,
        data: Mapping[str, Json],
        place: Place,
        named: tuple[bytes, bytes] | None = None,
    ) -> None:
        """Go on behind a line that was written or read; `named` are key and fingerprint, when they are known."""
        seq = self.nodes.size
        self.nodes.append(leaf)
        self.place = place
        if data["type"] != "event":
            self._marks.append((seq, raw))
        elif "id" in data:
            environment = events.environment_of(data.get("source"))
            key, content = named or (events.key_of(data["id"], environment), events.fingerprint(events.pieces(data)))
            self._ids[key] = (seq, content)

    def written(self) -> None:
        """Note that the change on the disk was ours: in the same file the size alone has grown, as we know."""
        if self._seen is None or self.place.segment != self._looked_at:
            self._seen = self._look()
        else:
            self._seen = (self._seen[0], self.place.offset, self._seen[2])

    @property
    def waiting(self) -> int:
        """How many hashes the files do not hold yet."""
        return self.nodes.waiting

    def flush(self) -> None:
        """Put tree and index on the disk; the caller has the lock. A full disk leaves the index behind, no more."""
        self.nodes.flush()
        if self._index is None:
            return
        try:
            self._index.store(self.place, self._ids, self._marks)
        except sqlite3.Error:
            # A cache: whoever opens the log next reads what it does not know. The ids stay in memory here.
            return
        self._ids, self._marks = {}, []

    def _look(self) -> tuple[int, int, int]:
        """Time of the folder, size and identity of the segment; another month makes another file."""
        if self.place.segment != self._looked_at:
            self._looked_at, self._path = self.place.segment, self._disk.root / self.place.segment
        try:
            file = self._path.stat()
            return self._folder.stat().st_mtime_ns, file.st_size, file.st_ino
        except FileNotFoundError:
            return 0, 0, 0

    def _follow(self, segment: lines.Segment, *, last: bool) -> None:
        offset = self.place.offset if segment.name == self.place.segment else 0
        for raw in lines.read(self._disk, segment.name, offset):
            if not raw.endswith(b"\n"):
                if not last or len(raw) > MAX_LINE:
                    raise _damage(f"a line in {segment.name} is cut short or too long")
                self.torn = (segment.name, offset, raw)
                return
            data = self._read(raw[:-1], segment, begins=offset == 0)
            seq, prev = data["seq"], hashlib.sha256(raw[:-1]).hexdigest()
            place = Place(seq + 1, prev, data["recorded_at"], segment.name, offset, offset + len(raw))
            if segment.kept:
                self._marks.append((seq, raw[:-1]))
            else:
                self.advance(raw[:-1], leaf_hash(raw[:-1]), data, place)
            offset += len(raw)

    def _read(self, raw: bytes, segment: lines.Segment, *, begins: bool) -> dict[str, Json]:
        at = f"line {self.place.size} in {segment.name}"
        try:
            data = lines.decode(raw)
            seq, recorded_at = int(data["seq"]), str(data["recorded_at"])
            data["type"]
        except (ValueError, LookupError, TypeError):
            raise _damage(f"{at} cannot be read") from None
        if data.get("log") != self._origin or recorded_at[:7] != segment.month:
            raise _damage(f"{at} belongs elsewhere")
        if segment.kept:
            return data
        # Retention drops whole months: within one, nothing may be missing.
        if seq > self.place.size and begins:
            self._jump(seq, str(data.get("prev")))
        if seq != self.place.size or data.get("prev") != self.place.prev or recorded_at < self.place.recorded_at:
            raise _damage(f"{at} does not follow the line before it")
        return data

    def _jump(self, seq: int, prev: str) -> None:
        """Over months that retention dropped: their leaves are in the tree; the checkpoint tells whether rightly."""
        with Nodes(self._disk, seq).borrowed() as old:
            for number in range(self.place.size, seq):
                self.nodes.append(old.leaf(number))
        self.place = Place(seq, prev, "", self.place.segment, 0, 0)


def _fitting(disk: Disk, place: Place) -> Place:
    """The place, once the line that it stands behind is there; TamperedError otherwise: then nothing is remembered."""
    if place.size == 0:
        return place
    with disk.open(place.segment) as file:
        raw = os.pread(file.fileno(), place.offset - place.started, place.started)
    if hashlib.sha256(raw[:-1]).hexdigest() != place.prev:
        raise _damage("the index does not fit the lines")
    return place


def _damage(says: str) -> TamperedError:
    return TamperedError(f"ledger: {says}", hint=_HINT)
