"""The read side of a vault: items, coverages, lines, bodies. What it returns was checked on the way."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError, VaultError
from soc2ev.vault import checkpoints, records
from soc2ev.vault.disk import Disk
from soc2ev.vault.journal import Line, Replay, scan
from soc2ev.vault.objects import FolderObjects, Objects, bare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from soc2ev.model import Coverage, EvidenceItem
    from soc2ev.vault.note import VerifierKey
    from soc2ev.vault.verdict import Verification

_FORMAT = "soc2ev vault 1"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands: what somebody outside should keep to notice a later rewrite."""

    size: int
    """Lines in the journal."""
    root: str
    """Hexadecimal tree hash of all of them."""
    recorded_at: datetime | None
    """Time of the last line; None when there is none."""
    checkpoint: int | None
    """Size of the newest checkpoint; None when there is none."""
    signed_by: tuple[str, ...]
    """Names of the keys that signed it, going by the keys in the vault: a claim. Empty: unsigned."""


class Vault:
    """
    An evidence vault, open for reading.

    Reading checks numbering, chain, spelling and the newest checkpoint of every line that it passes, and
    the hash of every body; whatever does not fit raises TamperedError. Only `verify` looks at everything.
    """

    def __init__(self, disk: Disk, origin: str, objects: Objects) -> None:
        self.path = disk.root
        self.origin = origin
        self._disk = disk
        self._objects = objects

    @classmethod
    def open(cls, path: Path, *, objects: Objects | None = None) -> Vault:
        """
        The vault in that folder; bodies come from `objects` when they are kept elsewhere.

        VaultError when there is none, or one of a version that we do not know.
        """
        disk = Disk(path.resolve())
        return cls(disk, read_format(disk), objects or FolderObjects(disk))

    def lines(self) -> Iterator[Line]:
        """Every line, in order. A torn tail, which was never acknowledged, is passed over."""
        newest = checkpoints.newest(self._disk, self.origin)
        replay = Replay(self.origin, newest.checkpoint if newest else None)
        for raw in scan(self._disk):
            if raw.last and not raw.ended:
                break
            yield replay.take(raw)
        replay.finish()

    def items(self, *, stream: str | None = None, run: str | None = None) -> Iterator[EvidenceItem]:
        """The evidence items in the order of the journal; all of them, or those of a stream, a run."""
        for line in self.lines():
            data = line.data
            if line.type == "exchange" and stream in (None, data["stream"]) and run in (None, data["run"]):
                yield records.item(data)

    def coverages(self) -> Iterator[Coverage]:
        """The coverages in the order of the journal, each with its run and the time of recording."""
        for line in self.lines():
            if line.type == "collection":
                yield records.coverage(line.data)

    def read(self, digest: str) -> bytes:
        """The body of that digest (`sha256:<hex>`); TamperedError when it is missing or differs."""
        wanted = bare(digest)
        try:
            body = self._objects.read(wanted)
        except KeyError:
            raise TamperedError(f"vault: object {wanted} is missing", hint="restore the vault from a copy") from None
        if hashlib.sha256(body).hexdigest() != wanted:
            raise TamperedError(
                f"vault: object {wanted} holds other bytes than its name says",
                hint="restore the vault from a copy",
            )
        return body

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of every file but the bodies: what a copy needs to be verified elsewhere."""
        yield "format", self._disk.read("format")
        for folder in ("checkpoints", "journal", "keys"):
            for entry in self._disk.entries(folder):
                if entry.kind == "file":
                    yield f"{folder}/{entry.name}", self._disk.read(f"{folder}/{entry.name}")

    def head(self) -> Head:
        """Where the log stands now; reads the whole journal."""
        newest = checkpoints.newest(self._disk, self.origin)
        replay = Replay(self.origin)
        for line in self.lines():
            replay.advance(line.raw, str(line.data["recorded_at"]))
        return Head(
            size=replay.tree.size,
            root=replay.tree.root().hex(),
            recorded_at=records.instant(replay.recorded_at) if replay.recorded_at else None,
            checkpoint=newest.checkpoint.size if newest else None,
            signed_by=self._signed_by(),
        )

    def verify(
        self,
        keys: Sequence[VerifierKey] = (),
        *,
        pinned: bytes | None = None,
        subset: Collection[str] | None = None,
    ) -> Verification:
        """
        Read everything again and say what holds; never raises for damage.

        `keys` are keys that the caller trusts, `pinned` the bytes of a checkpoint that was kept elsewhere,
        `subset` the digests that have to be here when the bodies of others were left out on purpose.
        """
        from soc2ev.vault.verify import verify

        return verify(self._disk, self.origin, self._objects, keys, pinned=pinned, subset=subset)

    def _signed_by(self) -> tuple[str, ...]:
        newest = checkpoints.newest(self._disk, self.origin)
        if newest is None or not newest.signatures:
            return ()
        try:
            return tuple(key.name for key in newest.signers(checkpoints.claimed_keys(self._disk)))
        except ValueError as problem:
            raise TamperedError(
                f"vault: checkpoint {newest.checkpoint.size}: {problem}", hint="restore the vault from a copy"
            ) from None


def format_text(origin: str) -> bytes:
    """The content of the file `format`."""
    return f"{_FORMAT}\n{origin}\n".encode()


def read_format(disk: Disk) -> str:
    """The origin that the vault was made for; VaultError when the folder is no vault of this version."""
    try:
        text = disk.read("format")
        first, origin, rest = text.decode("utf-8").split("\n")
    except FileNotFoundError:
        if any(disk.entries("journal")):
            raise _damaged(disk) from None
        raise VaultError(
            f"no vault in {disk.root}", hint="`soc2ev collect` makes one; check `vault:` in soc2ev.yaml"
        ) from None
    except ValueError:
        raise _damaged(disk) if any(disk.entries("journal")) else _not_ours(disk) from None
    if re.fullmatch(r"soc2ev vault [1-9]\d*", first) and first != _FORMAT:
        raise _not_ours(disk)
    if first != _FORMAT or rest or not origin or not origin.isprintable():
        raise _damaged(disk) if any(disk.entries("journal")) else _not_ours(disk)
    return origin


def _damaged(disk: Disk) -> TamperedError:
    return TamperedError(
        f"vault: the file format in {disk.root} is not the one that was written",
        hint="restore it from a copy; the journal beside it is untouched by this",
    )


def _not_ours(disk: Disk) -> VaultError:
    return VaultError(
        f"the folder {disk.root} is no vault of a version that we know",
        hint="use a newer soc2ev, or restore that file",
    )
