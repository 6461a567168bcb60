"""
Reading a whole log again: what of it holds, and what that proves.

Every line is spelled again, every hash computed again, every checkpoint compared. Verification never stops at the
first problem.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from soc2ev.errors import ConfigError, VaultError
from soc2ev.ledger import events, lines, marks
from soc2ev.ledger.nodes import NAME, Nodes
from soc2ev.vault import checkpoints
from soc2ev.vault.journal import FIRST, MAX_LINE
from soc2ev.vault.merkle import leaf_hash
from soc2ev.vault.note import Checkpoint, Note, VerifierKey
from soc2ev.vault.verdict import GRADES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk

_MOST = 100
_COMPARE = 4096
_OURS = re.compile(r"format|tree|index\.sqlite(-journal)?|access\.json|ledger\.yaml|hooks|journal|checkpoints|keys|tmp")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_COMMON = frozenset(("v", "log", "seq", "prev", "recorded_at", "type"))
_EVENT = frozenset((*_COMMON, *events.FIELDS, "source"))
KINDS: dict[str, frozenset[str]] = {
    "recovery": frozenset((*_COMMON, "cut", "bytes")),
    "retention": frozenset((*_COMMON, "months", "keep", "before")),
    "hold": frozenset((*_COMMON, "name", "change", "month", "filter", "reason")),
}
"""Fields of the lines that are no events."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading everything again found."""

    ok: bool
    grade: str
    problems: tuple[str, ...]
    """At most a hundred, the last of them says how many more there are."""
    notes: tuple[str, ...]
    lines: int
    events: int
    """Events whose content is here."""
    dropped: int
    """Lines of which retention left the leaf only."""
    covered: int
    """Lines that the newest checkpoint commits to."""
    root: str
    signed_by: tuple[str, ...]
    proves: str
    does_not_prove: str


def verify(disk: Disk, origin: str, keys: Sequence[VerifierKey] = (), pinned: bytes | None = None) -> Verdict:
    """See `Ledger.verify`."""
    audit = _Audit(disk, origin, tuple(keys))
    for look in (audit.names, audit.checkpoints, lambda: audit.pin(pinned), audit.journal, audit.retention):
        try:
            look()
        except (VaultError, FileNotFoundError) as damage:
            audit.problem(str(damage))
    return audit.verdict()


class _Audit:
    """The state of one verification."""

    def __init__(self, disk: Disk, origin: str, keys: tuple[VerifierKey, ...]) -> None:
        self._disk, self._origin, self._keys = disk, origin, keys
        self._problems: list[str] = []
        self._found = 0
        self._notes: list[str] = []
        self._wanted: dict[int, list[tuple[str, Checkpoint]]] = {}
        self._covered, self._anchored, self._signed_by = 0, False, ()  # type: tuple[int, bool, tuple[str, ...]]
        self._nodes = Nodes(disk)
        self._tree: BinaryIO | None = None
        self._left = 0
        self._prev, self._at = FIRST, ""
        self._events = 0
        self._gaps: list[tuple[int, int, str]] = []
        self._kept: list[tuple[int, bytes, str]] = []
        self._retained: list[Mapping[str, Json]] = []

    def problem(self, says: str) -> None:
        """Count a problem, and keep it unless there are too many to read."""
        self._found += 1
        if self._found <= _MOST:
            self._problems.append(says)

    def names(self) -> None:
        """What lies where lines and keys lie was made by us; what else lies in the folder is worth a word."""
        for entry in self._disk.entries():
            if entry.kind == "other":
                self.problem(f"{entry.name}: unknown {entry.kind}")
            elif not _OURS.fullmatch(entry.name):
                self._notes.append(f"{entry.name}: not a part of the ledger")
        known = {segment.name for segment in lines.segments(self._disk)} | set(marks.names(self._disk))
        for folder in ("journal", "checkpoints"):
            for entry in self._disk.entries(folder):
                if entry.kind != "file" or f"{folder}/{entry.name}" not in known:
                    self._stranger(folder, entry.name)
        for entry in self._disk.entries("keys"):
            self._key(f"keys/{entry.name}")

    def checkpoints(self) -> None:
        """Every checkpoint is written as we write them, for this log, with signatures that hold."""
        claimed = checkpoints.claimed_keys(self._disk)
        known, before = marks.names(self._disk), 0
        for name in known:
            try:
                note = Note.parse(self._disk.read(name))
                signers = note.signers([*self._keys, *claimed])
            except (ValueError, VaultError) as damage:
                self.problem(f"{name}: {damage}")
                continue
            if {(one.name, one.key_id) for one in note.signatures} - {(key.name, key.key_id) for key in signers}:
                self.problem(f"{name}: signed by a key that is neither given nor in the ledger")
            self._expect(name, note.checkpoint)
            if note.checkpoint.size < before:
                self.problem(f"{name}: smaller than the checkpoint of an earlier day")
            before = note.checkpoint.size
            if name == known[-1]:
                self._newest(note, signers)
        if self._keys and not known:
            self.problem("no checkpoint: nothing is signed by a pinned key")

    def pin(self, pinned: bytes | None) -> None:
        """The checkpoint kept elsewhere, once its signature holds."""
        if pinned is None:
            return
        try:
            note = Note.parse(pinned)
            signed = note.signers(self._keys)
        except ValueError as damage:
            self.problem(f"the checkpoint kept elsewhere cannot be used: {damage}")
            return
        if self._keys and not signed:
            self.problem("the checkpoint kept elsewhere is not signed by a pinned key")
            return
        self._anchored = True
        self._expect("the checkpoint kept elsewhere", note.checkpoint)
        self._notes.append(f"the first {note.checkpoint.size} lines were compared with a checkpoint kept elsewhere")

    def journal(self) -> None:
        """Every line, and the root of the tree at every size that somebody committed to."""
        known = lines.segments(self._disk)
        self._tree = self._opened_tree()
        self._compare()
        for segment in known:
            for raw in lines.read(self._disk, segment.name):
                if raw.endswith(b"\n"):
                    self._line(raw[:-1], segment)
                elif segment is known[-1] and len(raw) <= MAX_LINE:
                    self._notes.append(
                        f"{segment.name}: {len(raw)} bytes behind the last line; a writer was interrupted"
                    )
                else:
                    self.problem(f"line {self._nodes.size} in {segment.name} is cut short or too long")
        self._mirror(all_of_it=True)
        if self._tree:
            self._tree.close()
        for size, notes in sorted(self._wanted.items()):
            for name, _ in notes:
                self.problem(f"{name}: truncated, it covers {size} lines and the log has {self._nodes.size}")
        if (beyond := self._nodes.size - self._covered) > 0:
            self._notes.append(
                f"no checkpoint covers the last {beyond} lines yet; the next command that writes settles it"
            )

    def retention(self) -> None:
        """What is no longer here was dropped by a line of the log, and what was kept of it has its leaf."""
        said = {(one["first"], one["end"], one["last"]) for data in self._retained for one in data["months"]}
        for first, end, last in self._gaps:
            at, after = first, last
            for start, stop, digest in sorted(said):
                if start == at and stop <= end:
                    at, after = stop, digest
            if at != end or after != last:
                self.problem(f"lines {first} to {end - 1} are missing, and no retention was recorded for them")
            else:
                self._notes.append(
                    f"lines {first} to {end - 1} were dropped by retention; their leaves are in the tree"
                )
        if not self._kept:
            return
        with Nodes(self._disk, max(seq for seq, _, _ in self._kept) + 1).borrowed() as tree:
            for seq, raw, name in self._kept:
                if not any(first <= seq < end for first, end, _ in self._gaps) or tree.leaf(seq) != leaf_hash(raw):
                    self.problem(f"line {seq} in {name} is not the one that was recorded")

    def verdict(self) -> Verdict:
        """The outcome in words."""
        ok = self._found == 0
        trusted = ok and bool(self._keys)
        grade = GRADES["G0" if not ok else ("G3" if self._anchored else "G2") if trusted else "G1"]
        if self._found > _MOST:
            self._problems.append(f"and {self._found - _MOST} more")
        dropped = sum(end - first for first, end, _ in self._gaps)
        return Verdict(
            ok, grade[0], tuple(self._problems), tuple(self._notes), self._nodes.size, self._events, dropped,
            self._covered, self._nodes.newest_root().hex(), self._signed_by, grade[1], grade[2],
        )  # fmt: skip

    def _stranger(self, folder: str, name: str) -> None:
        month = name.removesuffix(".kept.jsonl")
        if folder == "journal" and month != name and (self._disk.root / "journal" / f"{month}.jsonl").is_file():
            self._notes.append(f"journal/{name}: a drop was interrupted; `soc2ev ledger retain` finishes it")
        else:
            self.problem(f"{folder}/{name}: not made by the ledger")

    def _key(self, name: str) -> None:
        try:
            data = self._disk.read(name)
            key = VerifierKey.parse(data.decode("utf-8"))
        except (ConfigError, VaultError, ValueError):
            self.problem(f"{name}: no verifier key")
            return
        if checkpoints.key_file(key) != name or data != f"{key.text()}\n".encode():
            self.problem(f"{name}: not written as the ledger writes keys")

    def _newest(self, note: Note, signers: tuple[VerifierKey, ...]) -> None:
        self._covered = note.checkpoint.size
        trusted = tuple(key.name for key in self._keys if key in signers)
        self._signed_by = trusted or tuple(f"{key.name} (claimed)" for key in signers)
        if self._keys and not trusted:
            self.problem("the newest checkpoint is not signed by a pinned key")
        if not note.signatures:
            self._notes.append(f"the newest checkpoint, of {note.checkpoint.size} lines, is unsigned")

    def _expect(self, name: str, checkpoint: Checkpoint) -> None:
        if checkpoint.origin != self._origin:
            self.problem(f"{name}: belongs to another log")
        else:
            self._wanted.setdefault(checkpoint.size, []).append((name, checkpoint))

    def _line(self, raw: bytes, segment: lines.Segment) -> None:
        try:
            data = lines.decode(raw)
            seq, prev, at, kind = data["seq"], data["prev"], data["recorded_at"], data["type"]
            wrong = self._wrong(data, segment)
        except (ValueError, LookupError, TypeError):
            self.problem(f"line {self._nodes.size} in {segment.name} is not spelled as the ledger spells lines")
            self._advance(raw)
            return
        if wrong:
            self.problem(f"line {self._nodes.size if not segment.kept else seq} in {segment.name} {wrong}")
        if kind == "retention" and not wrong:
            self._retained.append(data)
        if segment.kept:
            self._kept.append((seq, raw, segment.name))
            return
        if not wrong and seq > self._nodes.size:
            self._gap(seq, prev)
        if seq != self._nodes.size or prev != self._prev:
            self.problem(f"line {self._nodes.size} in {segment.name} does not follow the line before it")
        if at < self._at:
            self.problem(f"line {self._nodes.size} in {segment.name} is older than the line before it")
        self._at = at
        self._events += kind == "event"
        self._advance(raw)

    def _wrong(self, data: Mapping[str, Json], segment: lines.Segment) -> str:
        kind, at = data["type"], data["recorded_at"]
        allowed = _EVENT if kind == "event" else KINDS.get(kind)
        if data["log"] != self._origin or data["v"] != 1:
            return "belongs to another log"
        if not _STAMP.fullmatch(at) or at[:7] != segment.month:
            return "lies in the wrong segment"
        if type(data["seq"]) is not int or not isinstance(data["prev"], str):
            return "has no number"
        if allowed is None or not allowed.issuperset(data):
            return "has fields that no line has"
        if kind == "event" and not ("action" in data and "actor_id" in data and isinstance(data["metadata"], dict)):
            return "is no event"
        if kind == "retention" and not _is_retention(data):
            return "does not say what was dropped"
        return ""

    def _gap(self, seq: int, prev: str) -> None:
        try:
            old = Nodes(self._disk, seq)
        except (VaultError, FileNotFoundError):
            return
        with old.borrowed():
            self._gaps.append((self._nodes.size, seq, prev))
            for number in range(self._nodes.size, seq):
                self._advance_leaf(old.leaf(number))
        self._prev = prev

    def _advance(self, raw: bytes) -> None:
        self._prev = hashlib.sha256(raw).hexdigest()
        self._advance_leaf(leaf_hash(raw))

    def _advance_leaf(self, leaf: bytes) -> None:
        self._nodes.append(leaf)
        if self._nodes.size in self._wanted:
            self._compare()
        if self._nodes.waiting >= _COMPARE:
            self._mirror()

    def _compare(self) -> None:
        for name, checkpoint in self._wanted.pop(self._nodes.size, ()):
            if self._nodes.newest_root() != checkpoint.root:
                self.problem(f"{name}: rewritten, the first {checkpoint.size} lines have another root")

    def _opened_tree(self) -> BinaryIO | None:
        try:
            file = self._disk.open(NAME)
        except FileNotFoundError:
            return None
        # No further than now: a writer may add to it while we read.
        self._left = os.fstat(file.fileno()).st_size
        return file

    def _mirror(self, *, all_of_it: bool = False) -> None:
        """The file of hashes is a part of what was recorded: it alone has the leaves of what was dropped."""
        expected = self._nodes.drain()
        if self._tree is None:
            return
        found = self._tree.read(min(len(expected), self._left))
        self._left -= len(found)
        if found != expected[: len(found)]:
            self.problem(f"the file {NAME} holds other hashes than the lines have")
            self._tree.close()
            self._tree = None
        elif all_of_it and self._left:
            self.problem(f"the file {NAME} holds more hashes than there are lines")


def _is_retention(data: Mapping[str, Json]) -> bool:
    months = data.get("months")
    return isinstance(months, list) and all(
        isinstance(one, dict)
        and type(one.get("first")) is type(one.get("end")) is int
        and isinstance(one.get("last"), str)
        for one in months
    )
