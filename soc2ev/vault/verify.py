"""
Reading everything again: what of a vault holds, and what that proves.

Verification never stops at the first problem and never trusts a name, a position or a digest that it has not
recomputed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, TamperedError, VaultError
from soc2ev.vault import checkpoints, inventory, records
from soc2ev.vault.journal import Replay, scan
from soc2ev.vault.note import Checkpoint, Note, VerifierKey
from soc2ev.vault.objects import FolderObjects, Objects, bare
from soc2ev.vault.verdict import GRADES, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk

_MOST = 100


def verify(
    disk: Disk,
    origin: str,
    objects: Objects,
    keys: Sequence[VerifierKey] = (),
    *,
    pinned: bytes | None = None,
    subset: Collection[str] | None = None,
) -> Verification:
    """See `Vault.verify`."""
    audit = _Audit(disk, origin, objects, tuple(keys))
    audit.attempt(audit.names)
    audit.attempt(audit.notes_of_log)
    kept = None if pinned is None else audit.pin(pinned)
    audit.attempt(lambda: audit.journal(kept))
    audit.attempt(lambda: audit.bodies(None if subset is None else {bare(digest) for digest in subset}))
    return audit.verdict(anchored=kept is not None)


class _Audit:
    """The state of one verification."""

    def __init__(self, disk: Disk, origin: str, objects: Objects, keys: tuple[VerifierKey, ...]) -> None:
        self._disk, self._origin, self._objects, self._keys = disk, origin, objects, keys
        self._problems: list[str] = []
        self._found = 0
        self._notes: list[str] = []
        self._checkpoints: dict[int, Note] = {}
        self._roots: dict[int, bytes] = {}
        self._sizes: dict[str, int] = {}
        self._replay = Replay(origin)
        self._hashed = 0
        self._signed_by: tuple[str, ...] = ()

    def attempt(self, look: Callable[[], None]) -> None:
        """Look; what cannot be looked at is a problem and not the end."""
        try:
            look()
        except VaultError as damage:
            self.problem(damage.message)

    def problem(self, says: str) -> None:
        """Count a problem, and keep it unless there are too many to read."""
        self._found += 1
        if self._found <= _MOST:
            self._problems.append(says)

    def names(self) -> None:
        """Every name in the folder is one that we would make."""
        for says in inventory.strangers(self._disk, with_objects=isinstance(self._objects, FolderObjects)):
            self.problem(says)
        self._notes += inventory.leftovers(self._disk)

    def notes_of_log(self) -> None:
        """Every checkpoint is written as we write them, for this log, with signatures that hold."""
        claimed = checkpoints.claimed_keys(self._disk)
        for size in checkpoints.sizes(self._disk):
            name = checkpoints.name_of(size)
            try:
                note = checkpoints.read(self._disk, size)
                signed = note.signers([*self._keys, *claimed])
            except (ValueError, VaultError) as damage:
                self.problem(f"{name}: {damage}")
                continue
            self._checkpoints[size] = note
            if note.checkpoint.origin != self._origin:
                self.problem(f"{name}: belongs to another log")
            known = {(key.name, key.key_id) for key in signed}
            for line in note.signatures:
                if (line.name, line.key_id) not in known:
                    self.problem(f"{name}: signed by a key that is neither given nor in the vault")
        self._newest(claimed)

    def pin(self, pinned: bytes) -> Checkpoint | None:
        """The checkpoint kept elsewhere, once its signature holds; None when it cannot be used."""
        try:
            note = Note.parse(pinned)
            signed = note.signers(self._keys)
        except ValueError as damage:
            self.problem(f"the checkpoint kept elsewhere cannot be used: {damage}")
            return None
        if note.checkpoint.origin != self._origin:
            self.problem("the checkpoint kept elsewhere belongs to another log")
            return None
        if self._keys and not signed:
            self.problem("the checkpoint kept elsewhere is not signed by a pinned key")
            return None
        return note.checkpoint

    def journal(self, kept: Checkpoint | None) -> None:
        """Every line, and the root of the tree at every size that somebody committed to."""
        wanted = {*self._checkpoints, *([kept.size] if kept else [])}
        replay = self._replay
        self._roots[0] = replay.tree.root()
        for raw in scan(self._disk):
            data, problems = replay.judge(raw)
            for says in problems:
                self.problem(f"line {replay.tree.size} in {raw.segment} {says}")
            if data is not None:
                self._refer(data)
            replay.advance(raw.bytes, data["recorded_at"] if data is not None else replay.recorded_at)
            if replay.tree.size in wanted:
                self._roots[replay.tree.size] = replay.tree.root()
        for size, note in sorted(self._checkpoints.items()):
            self._compare(checkpoints.name_of(size), note.checkpoint)
        if kept:
            self._compare("the checkpoint kept elsewhere", kept)
            self._notes.append(f"the first {kept.size} lines were compared with a checkpoint kept elsewhere")
        self._uncovered()

    def bodies(self, subset: set[str] | None) -> None:
        """Every body that is referenced is here, and every body that is here is what its name says."""
        present = set(self._objects.digests())
        for digest in sorted(present):
            self._body(digest)
        absent = set(self._sizes) - present
        for digest in sorted(absent if subset is None else absent & subset):
            self.problem(f"object {digest}: missing")
        for digest in sorted((subset or set()) - set(self._sizes)):
            self.problem(f"object {digest}: expected here, and no line names it")
        if subset is not None and absent - subset:
            self._notes.append(f"{len(absent - subset)} bodies were left out on purpose")

    def verdict(self, *, anchored: bool) -> Verification:
        """What all of it adds up to."""
        if self._found > _MOST:
            self._problems[-1] = f"... and {self._found - _MOST + 1} more"
        grade = "G0" if self._found else "G1"
        if not self._found and self._keys and self._signed_by:
            grade = "G3" if anchored else "G2"
        name, proves, does_not_prove = GRADES[grade]
        return Verification(
            ok=not self._found,
            grade=name,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            lines=self._replay.tree.size,
            objects=self._hashed,
            root=self._replay.tree.root().hex(),
            signed_by=self._signed_by,
            proves=proves,
            does_not_prove=does_not_prove,
        )

    def _newest(self, claimed: list[VerifierKey]) -> None:
        """Who signed the newest checkpoint; a pinned key must have, when there is one."""
        size = max(self._checkpoints, default=None)
        note = None if size is None else self._checkpoints[size]
        if note and self._keys:
            self._signed_by = tuple(key.name for key in note.signers(self._keys))
        elif note:
            self._signed_by = tuple(f"{key.name} (claimed)" for key in note.signers(claimed))
        if self._keys and not self._signed_by:
            self.problem("the newest checkpoint is not signed by a pinned key")
        if note and not note.signatures:
            self._notes.append(f"checkpoint {size}, the newest, is unsigned")

    def _refer(self, data: Mapping[str, Json]) -> None:
        """What the line points at: bodies, a coverage, the checkpoint and the key of a run."""
        if data["type"] == "exchange":
            self._sizes[data["body"]["sha256"]] = data["body"]["size"]
        elif data["type"] == "recovery" and data["cut"]:
            self._sizes[data["cut"]["sha256"]] = data["cut"]["size"]
        elif data["type"] == "collection":
            try:
                records.coverage(data)
            except TamperedError as damage:
                self.problem(damage.message)
        elif data["type"] == "run":
            self._run(data)

    def _run(self, data: Mapping[str, Json]) -> None:
        """A run names the checkpoint before it and its key, so that neither can be taken away."""
        at = self._replay.tree.size
        before = max((size for size in self._checkpoints if size <= at), default=None)
        here = None
        if before is not None:
            here = {"size": before, "root": self._checkpoints[before].checkpoint.root.hex()}
        if data["previous"] != here:
            self.problem(f"line {at}: the checkpoint before this run is not the one that it names")
        if data["key"] is not None:
            try:
                self._disk.read(checkpoints.key_file(VerifierKey.parse(data["key"])))
            except (ConfigError, FileNotFoundError):
                self.problem(f"line {at}: the key that this run names is not in the vault")

    def _compare(self, name: str, checkpoint: Checkpoint) -> None:
        lines = self._replay.tree.size
        if checkpoint.size > lines:
            self.problem(f"{name}: truncated, it covers {checkpoint.size} lines and the journal has {lines}")
        elif self._roots[checkpoint.size] != checkpoint.root:
            self.problem(f"{name}: rewritten, the first {checkpoint.size} lines have another root")

    def _uncovered(self) -> None:
        beyond = self._replay.tree.size - max(self._checkpoints, default=0)
        if beyond > 0:
            self.problem(
                f"{beyond} lines are not covered by a checkpoint: a run was interrupted before its"
                " checkpoint, or the checkpoint was deleted; the next collect settles it"
            )

    def _body(self, digest: str) -> None:
        try:
            body = self._objects.read(digest)
        except (KeyError, VaultError):
            self.problem(f"object {digest}: cannot be read")
            return
        self._hashed += 1
        if hashlib.sha256(body).hexdigest() != digest:
            self.problem(f"object {digest}: holds other bytes than its name says")
        elif digest not in self._sizes:
            self._notes.append(f"object {digest}: no line names it; left by an interrupted run")
        elif self._sizes[digest] != len(body):
            self.problem(f"object {digest}: has another size than the journal says")
