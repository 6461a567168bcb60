"""The checkpoints of a vault: every one is kept for ever, and the newest is the one with the largest size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, TamperedError, VaultError
from soc2ev.vault.note import Note, VerifierKey, sign

if TYPE_CHECKING:
    from soc2ev.vault.disk import Disk
    from soc2ev.vault.note import Checkpoint, Signer


_NAME = re.compile(r"(0|[1-9][0-9]{0,17})\.note")


def sizes(disk: Disk) -> list[int]:
    """The sizes that have a checkpoint, smallest first; reading one that is no file is an error."""
    found = [_NAME.fullmatch(entry.name) for entry in disk.entries("checkpoints")]
    return sorted(int(match[1]) for match in found if match)


def read(disk: Disk, size: int) -> Note:
    """The checkpoint of that size; ValueError, with the reason, when the file holds anything else."""
    note = Note.parse(disk.read(name_of(size)))
    if note.checkpoint.size != size:
        raise ValueError(f"is named after size {size} and says {note.checkpoint.size}")
    return note


def newest(disk: Disk, origin: str) -> Note | None:
    """The newest checkpoint, None when there is none yet; TamperedError when it cannot be one of this log."""
    known = sizes(disk)
    if not known:
        return None
    try:
        note = read(disk, known[-1])
    except ValueError as problem:
        raise _tampered(known[-1], str(problem)) from None
    if note.checkpoint.origin != origin:
        raise _tampered(known[-1], "belongs to another log")
    return note


def write(disk: Disk, checkpoint: Checkpoint, signer: Signer | None) -> None:
    """Keep the checkpoint, signed when there is a signer."""
    disk.create(name_of(checkpoint.size), sign(checkpoint, signer))


def claimed_keys(disk: Disk) -> list[VerifierKey]:
    """The public keys in the vault. Whoever can write the vault can put one there: they prove nothing."""
    keys = []
    for entry in disk.entries("keys"):
        try:
            key = VerifierKey.parse(disk.read(f"keys/{entry.name}").decode("utf-8"))
        except (ConfigError, ValueError, VaultError):
            continue  # `verify` reports the file
        keys.append(key)
    return keys


def key_file(key: VerifierKey) -> str:
    """Where the vault keeps that public key; the id keeps two keys of one name apart."""
    from urllib.parse import quote

    return f"keys/{quote(key.name, safe='')}+{key.key_id.hex()}.vkey"


def name_of(size: int) -> str:
    """The file of the checkpoint of that size."""
    return f"checkpoints/{size}.note"


def _tampered(size: int, says: str) -> TamperedError:
    return TamperedError(
        f"vault: checkpoint {size} is damaged: {says}",
        hint="`soc2ev vault verify` lists all damage; restore the vault from a copy",
    )
