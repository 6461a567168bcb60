"""The checkpoints of a ledger: the newest of each day is kept for ever."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError
from soc2ev.vault.note import Checkpoint, Note, sign

if TYPE_CHECKING:
    from soc2ev.vault.disk import Disk
    from soc2ev.vault.note import Signer

_NAME = re.compile(r"\d{4}-\d\d-\d\d\.note")


def names(disk: Disk) -> list[str]:
    """The files of the checkpoints, oldest first."""
    found = [entry.name for entry in disk.entries("checkpoints") if _NAME.fullmatch(entry.name)]
    return [f"checkpoints/{name}" for name in sorted(found)]


def newest(disk: Disk, origin: str) -> Note | None:
    """The newest checkpoint, None when there is none yet; TamperedError when it cannot be one of this log."""
    known = names(disk)
    if not known:
        return None
    try:
        note = Note.parse(disk.read(known[-1]))
    except ValueError as problem:
        raise _tampered(known[-1], str(problem)) from None
    if note.checkpoint.origin != origin:
        raise _tampered(known[-1], "belongs to another log")
    return note


def write(disk: Disk, checkpoint: Checkpoint, signer: Signer | None, recorded_at: str) -> Note:
    """Keep the checkpoint as that of the day of its last line."""
    data = sign(checkpoint, signer)
    disk.create(f"checkpoints/{recorded_at[:10]}.note", data)
    return Note.parse(data)


def _tampered(name: str, says: str) -> TamperedError:
    return TamperedError(
        f"ledger: {name} is damaged: {says}", hint="`soc2ev ledger verify` lists all damage; restore it from a copy"
    )
