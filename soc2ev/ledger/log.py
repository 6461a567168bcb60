"""
The write side of a ledger: many processes and threads, one writer at a time, and nothing said before it is durable.

A turn takes the lock, follows what others have appended, writes lines with one append and one fsync, and gives the
lock back. So a server, a shell loop and a Python program can share a log.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from soc2ev.errors import ConfigError, VaultError
from soc2ev.ledger import lines, marks
from soc2ev.ledger.events import ConflictError, Event, environment_of, fingerprint, key_of, pieces
from soc2ev.ledger.index import Place
from soc2ev.ledger.state import State
from soc2ev.vault import checkpoints
from soc2ev.vault.journal import segment_of
from soc2ev.vault.merkle import leaf_hash
from soc2ev.vault.note import Checkpoint, Note, Signer
from soc2ev.vault.records import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from soc2ev.ledger.index import Known
    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk

_FLUSH_AFTER = 200_000
_FLUSH_AT_CLOSE = 400
_MOST_TORN = 40_000

Source = dict[str, str]


class Receipt(NamedTuple):
    """An event is in the log, durably: its number, and the leaf that stands for its line in the tree."""

    seq: int
    leaf: str
    """Hexadecimal RFC 6962 leaf hash of the stored line."""
    known: bool = False
    """Whether it was there before, under the same id."""


@dataclass(slots=True)
class _Stage:
    """Lines that are about to be written, behind the end of the log."""

    place: Place
    at: str
    lines: list[tuple[bytes, bytes, Mapping[str, Json], Place, tuple[bytes, bytes] | None]]
    ids: dict[bytes, Known]
    keys: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What stands for each id that is asked for, by environment and id."""

    def add(self, origin: str, kind: str, fields: Mapping[str, Json]) -> Receipt:
        """The next line, of another kind than an event."""
        place = self.place
        common = {"v": 1, "log": origin, "seq": place.size, "prev": place.prev, "recorded_at": self.at, "type": kind}
        data = {**fields, **common}
        return self._add(lines.spell(data), data)

    def add_event(
        self,
        origin: str,
        fields: Mapping[str, Json],
        spelled: Mapping[str, str],
        source: Source | None = None,
        named: tuple[bytes, bytes] | None = None,
    ) -> Receipt:
        """The next line, of an event; `named` are key and fingerprint when it has an id."""
        common = {
            "v": "1",
            "log": f'"{origin}"',
            "seq": str(self.place.size),
            "prev": f'"{self.place.prev}"',
            "recorded_at": f'"{self.at}"',
            "type": '"event"',
        }
        if source:
            common["source"] = lines.spell(source).decode()
        data = {**fields, "recorded_at": self.at, "type": "event"}
        return self._add(lines.assemble({**spelled, **common}), data, named)

    def _add(self, raw: bytes, data: Mapping[str, Json], named: tuple[bytes, bytes] | None = None) -> Receipt:
        place, segment = self.place, segment_of(self.at)
        started = place.offset if place.segment == segment else 0
        prev = hashlib.sha256(raw).hexdigest()
        self.place = Place(place.size + 1, prev, self.at, segment, started, started + len(raw) + 1)
        leaf = leaf_hash(raw)
        self.lines.append((raw, leaf, data, self.place, named))
        return Receipt(place.size, leaf.hex())


class Log:
    """A log, open for writing. VaultError when the disk fails: then this object writes no more."""

    def __init__(self, disk: Disk, origin: str, now: Callable[[], datetime], signer: Signer | None) -> None:
        self._disk, self.origin, self._now, self._signer = disk, origin, now, signer
        self._mine = threading.RLock()
        self._depth = 0
        self._state: State | None = None
        self._note: Note | None = None
        self._broken = False
        self._files = contextlib.ExitStack()
        self._tail: tuple[str, Callable[[bytes], None]] | None = None
        self.watch: Callable[[Mapping[str, Json], int], list[Event]] | None = None
        """Looks at every event that is appended, and says what is to be appended because of it."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[State]:
        """Be the only writer, with everything that others wrote known. May be nested."""
        with self._mine:
            if self._depth and self._state:
                yield self._state
                return
            with self._disk.lock(wait=True):
                self._depth += 1
                try:
                    yield self._settled()
                finally:
                    self._depth -= 1

    def write(self, requests: Sequence[Sequence[Event]], source: Source | None) -> list[list[Receipt] | ConfigError]:
        """Append each request whole or not at all; durable when it returns. One answer for each request."""
        return self.write_from([(request, source) for request in requests])

    def write_from(
        self, requests: Sequence[tuple[Sequence[Event], Source | None]]
    ) -> list[list[Receipt] | ConfigError]:
        """As `write`, with a source for each request."""
        with self.turn() as state:
            stage = self._stage(state)
            named = {
                (environment_of(source), event.id)
                for events, source in requests
                for event in events
                if event.id is not None
            }
            stage.keys = {(where, name): key_of(name, where) for where, name in named}
            stage.ids.update(state.look_up(stage.keys.values()))
            answers = [self._try(state, stage, request, source) for request, source in requests]
            self._commit(state, stage)
        return answers

    def mark(self, kind: str, fields: Mapping[str, Json]) -> Receipt:
        """Append a line that is no event."""
        with self.turn() as state:
            stage = self._stage(state)
            receipt = stage.add(self.origin, kind, fields)
            self._commit(state, stage)
        return receipt

    def checkpoint(self) -> Note:
        """A checkpoint over everything, signed when there is a key; the one that is there when nothing is new."""
        with self.turn() as state:
            size = state.nodes.size
            note = marks.newest(self._disk, self.origin)
            if note and note.checkpoint.size == size and (note.signatures or not self._signer):
                return note
            if self._signer:
                self._publish(self._signer)
            day = state.place.recorded_at or stamp(self._now())
            return marks.write(self._disk, Checkpoint(self.origin, size, state.nodes.root()), self._signer, day)

    def flush(self) -> None:
        """Put tree and index on the disk."""
        with self.turn() as state:
            state.flush()

    def close(self) -> None:
        """Let go of everything; the index is brought up when the next opening would have much to read."""
        with self._mine:
            if self._state and not self._broken and self._state.waiting > _FLUSH_AT_CLOSE:
                self.flush()
            self._let_go()
            if self._state:
                self._state.close()
            self._state = None

    def _settled(self) -> State:
        if self._broken:
            raise VaultError(
                "this ledger cannot be written any more: an earlier line did not become durable",
                hint="open it again; what was acknowledged is kept",
            )
        if self._state is None:
            self._state = State.load(self._disk, self.origin, write=True)
            self._settle(self._state)
        elif self._state.changed():
            self._let_go()
            if not self._state.follow():
                self._state.close()
                self._state = State.load(self._disk, self.origin, write=True)
            self._settle(self._state)
        return self._state

    def _settle(self, state: State) -> None:
        """What others wrote may be in the page cache only; a torn tail was never acknowledged, and is cut."""
        if state.place.segment and (self._disk.root / state.place.segment).exists():
            self._disk.settle(state.place.segment)
        if state.torn is None:
            return
        segment, offset, raw = state.torn
        self._disk.cut(segment, offset)
        state.torn = None
        cut = {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
        stage = self._stage(state)
        kept = base64.b64encode(raw[:_MOST_TORN]).decode()
        stage.add(self.origin, "recovery", {"cut": cut, "bytes": kept})
        self._commit(state, stage)

    def _stage(self, state: State) -> _Stage:
        # Never earlier than the line before, even when the clock went back.
        return _Stage(state.place, max(stamp(self._now()), state.place.recorded_at), [], {})

    def _try(
        self, state: State, stage: _Stage, request: Sequence[Event], source: Source | None
    ) -> list[Receipt] | ConfigError:
        place, count = stage.place, len(stage.lines)
        added: list[bytes] = []
        try:
            receipts = [self._add(state, stage, event, source, added) for event in request]
        except ConfigError as problem:
            stage.place = place
            del stage.lines[count:]
            for key in added:
                del stage.ids[key]
            return problem
        if self.watch:
            for _, _, data, at, _ in stage.lines[count:]:
                for raised in self.watch(data, at.size - 1):
                    # Seen where what raised it is seen; no key made it.
                    where = environment_of(source)
                    told = {"environment": where} if where else None
                    stage.add_event(self.origin, raised.fields, pieces(raised.fields), told)
        return receipts

    def _add(self, state: State, stage: _Stage, event: Event, source: Source | None, added: list[bytes]) -> Receipt:
        spelled = pieces(event.fields)
        if event.id is None:
            return stage.add_event(self.origin, event.fields, spelled, source)
        key, content = stage.keys[environment_of(source), event.id], fingerprint(spelled)
        known = stage.ids.get(key)
        if known is None:
            receipt = stage.add_event(self.origin, event.fields, spelled, source, (key, content))
            stage.ids[key] = (receipt.seq, content)
            added.append(key)
            return receipt
        seq, before = known
        if before != content:
            raise ConflictError(
                f"the id {event.id!r:.80} is that of event {seq}, which says something else",
                hint="give another id; nothing was appended",
            )
        leaf = state.nodes.leaf(seq) if seq < state.nodes.size else stage.lines[seq - state.nodes.size][1]
        return Receipt(seq, leaf.hex(), known=True)

    def _commit(self, state: State, stage: _Stage) -> None:
        if not stage.lines:
            return
        data = b"".join(raw + b"\n" for raw, *_ in stage.lines)
        # Broken until the disk has said otherwise: not even an interruption may leave us unsure of the last line.
        self._broken = True
        self._append_to(stage.place.segment)(data)
        for raw, leaf, fields, place, named in stage.lines:
            state.advance(raw, leaf, fields, place, named)
        state.written()
        self._broken = False
        if state.waiting > _FLUSH_AFTER:
            state.flush()

    def _append_to(self, segment: str) -> Callable[[bytes], None]:
        """The segment stays open between turns, until somebody else has touched it."""
        if self._tail is None or self._tail[0] != segment:
            self._let_go()
            append = self._files.enter_context(self._disk.appending(segment))
            self._tail = (segment, append)
        return self._tail[1]

    def _let_go(self) -> None:
        self._tail = None
        self._files.close()

    def _publish(self, signer: Signer) -> None:
        """Leave the public key where a reader finds it; it is a claim, not a proof."""
        name = checkpoints.key_file(signer.verifier)
        if name.removeprefix("keys/") not in {entry.name for entry in self._disk.entries("keys")}:
            self._disk.create(name, f"{signer.verifier.text()}\n".encode())
