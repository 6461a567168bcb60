"""
The write side of a vault: one run of one writer.

The order is what makes a crash harmless. A body is durable before the line that names it, a line before `put`
returns, all lines before the checkpoint. So a reference never points at something that may be lost, and
whatever was acknowledged is found by the next run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError, VaultError
from soc2ev.model import Coverage, EvidenceItem, Json
from soc2ev.vault import checkpoints, records
from soc2ev.vault.disk import Disk
from soc2ev.vault.journal import Raw, Replay, encode, scan, segment_of, segments
from soc2ev.vault.note import Checkpoint, Signer
from soc2ev.vault.objects import FolderObjects
from soc2ev.vault.store import Vault, format_text, read_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_NOTHING: Mapping[str, Json] = MappingProxyType({})
_FOLDERS = ("tmp", "objects", "journal", "checkpoints", "keys")


class Writer(Vault):
    """A vault, open for appending. Made by `writer`."""

    def __init__(self, disk: Disk, origin: str, now: Callable[[], datetime], run: str | None) -> None:
        self._bodies = FolderObjects(disk)
        super().__init__(disk, origin, self._bodies)
        self._now = now
        self._replay = Replay(origin)
        self._counts = {"exchange": 0, "collection": 0}
        self._broken = False
        self.run = run or f"{now().astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"

    def put(
        self,
        body: bytes,
        *,
        source: str,
        stream: str,
        request: Mapping[str, Json],
        response: Mapping[str, Json] = _NOTHING,
        count: int | None = None,
    ) -> EvidenceItem:
        """
        Store a body with what was asked and answered; durable when it returns.

        VaultError when it cannot be stored (then nothing is acknowledged), TamperedError when the vault
        turns out to be damaged.
        """
        at, clamped = self._time()
        digest = self._bodies.digest(body)
        item = EvidenceItem(
            digest=f"sha256:{digest}",
            source=source,
            stream=stream,
            request=request,
            response=response,
            received_at=records.instant(at),
            size=len(body),
            count=count,
            run=self.run,
            seq=self._replay.tree.size,
        )
        line = self._spell("exchange", records.of_item(item), at, clamped=clamped)
        self._bodies.put(body)
        self._append(line, at)
        self._counts["exchange"] += 1
        return item

    def state(self, coverage: Coverage) -> Coverage:
        """Record a collection's claim to completeness; returned with its run and the time of recording."""
        at = self._record("collection", records.of_coverage(coverage))
        self._counts["collection"] += 1
        return dataclasses.replace(coverage, run=self.run, collected_at=records.instant(at))

    def begin(self, tool: str, signer: Signer | None) -> None:
        """Settle what an interrupted run left, and write the first line of this one, naming its key."""
        newest = checkpoints.newest(self._disk, self.origin)
        checkpoint = newest.checkpoint if newest else None
        tail = self._load(checkpoint)
        cut = None if tail is None else self._cut(tail)
        previous = checkpoint and {"size": checkpoint.size, "root": checkpoint.root.hex()}
        left = self._replay.tree.size - (checkpoint.size if checkpoint else 0)
        key = signer.verifier.text() if signer else None
        self._record("run", {"tool": tool, "previous": previous, "key": key})
        if cut or left:
            self._record("recovery", {"cut": cut, "uncheckpointed": left})

    def finish(self, signer: Signer | None, *, ok: bool) -> None:
        """Write the last line of this run and the checkpoint over everything."""
        self._record("finish", {"ok": ok, "counts": self._counts})
        tree = self._replay.tree
        checkpoints.write(self._disk, Checkpoint(self.origin, tree.size, tree.root()), signer)

    def _load(self, newest: Checkpoint | None) -> Raw | None:
        """Replay the journal; the torn tail beyond the newest checkpoint, if there is one."""
        self._replay = replay = Replay(self.origin, newest)
        covered = newest.size if newest else 0
        tail = None
        for raw in scan(self._disk):
            position = replay.tree.size
            try:
                replay.take(raw)
            except TamperedError:
                # An interruption leaves part of a last line. Inside the checkpointed range, with lines behind
                # it, or as a whole line that does not follow, it is damage.
                if not raw.last or position < covered or replay.judge(raw)[0] is not None:
                    raise
                tail = raw
        replay.finish()
        return tail

    def _cut(self, tail: Raw) -> dict[str, Json]:
        removed = tail.bytes + (b"\n" if tail.ended else b"")
        digest = self._bodies.put(removed)
        self._disk.cut(tail.segment, tail.offset)
        return {"sha256": digest, "size": len(removed)}

    def _record(self, kind: str, body: Mapping[str, Json]) -> str:
        at, clamped = self._time()
        self._append(self._spell(kind, body, at, clamped=clamped), at)
        return at

    def _time(self) -> tuple[str, bool]:
        """Now, or the time of the line before when the clock went back, and whether it did."""
        at, before = records.stamp(self._now()), self._replay.recorded_at
        return (before, True) if at < before else (at, False)

    def _spell(self, kind: str, body: Mapping[str, Json], at: str, *, clamped: bool) -> bytes:
        if self._broken:
            raise VaultError(
                "this run cannot write any more: an earlier line did not become durable",
                hint="run again; the next run settles what this one left",
            )
        common = {
            "v": 1,
            "log": self.origin,
            "seq": self._replay.tree.size,
            "prev": self._replay.prev,
            "recorded_at": at,
            "type": kind,
            "run": self.run,
        }
        return encode({**body, **common, **({"clock_clamped": True} if clamped else {})})

    def _append(self, line: bytes, at: str) -> None:
        # Broken until the disk has said otherwise: not even an interruption may leave us unsure of the last
        # line.
        self._broken = True
        self._disk.append(segment_of(at), line + b"\n")
        self._replay.advance(line, at)
        self._broken = False


@contextlib.contextmanager
def writer(
    path: Path,
    *,
    origin: str,
    now: Callable[[], datetime],
    tool: str,
    signer: Signer | None = None,
    run: str | None = None,
) -> Iterator[Writer]:
    """
    The vault in that folder, made when missing, open for one run.

    `now` gives aware instants; `tool` is name and version. On leaving, a finish line and a checkpoint
    (signed when there is a signer) are written, after an exception too as long as the disk works.
    VaultError when another writer is at it, the vault is of another origin, or the disk fails;
    TamperedError, and nothing written, when it is damaged.
    """
    if not origin or not origin.isprintable() or any(letter.isspace() for letter in origin):
        raise VaultError("a log's origin is not empty and has no spaces", hint="for example soc2ev/acme/evidence")
    disk = _folder(path)
    with disk.lock():
        _prepare(disk, origin)
        writing = Writer(disk, origin, now, run)
        if signer:
            _publish(disk, signer)
        writing.begin(tool, signer)
        try:
            yield writing
        except BaseException as problem:
            try:
                writing.finish(signer, ok=False)
            except VaultError as failed:
                problem.add_note(f"no checkpoint was written: {failed.message}")
            raise
        writing.finish(signer, ok=True)


def _folder(path: Path) -> Disk:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise VaultError(f"the folder {path} cannot be made: {problem.strerror}", hint="check `vault:`") from None
    return Disk(path.resolve())


def _prepare(disk: Disk, origin: str) -> None:
    """Make the vault, or check that it is ours."""
    try:
        found = read_format(disk)
    except VaultError:
        # `tmp` alone is what a run leaves that was killed before it could name the format.
        if [entry.name for entry in disk.entries() if entry.name != "tmp"]:
            raise
        disk.make("tmp")
        disk.create("format", format_text(origin))
        found = origin
    if found != origin:
        raise VaultError(f"this vault belongs to {found}, not to {origin}", hint="check `organisation:` and `vault:`")
    for folder in _FOLDERS:
        disk.make(folder)
    if known := segments(disk):
        disk.settle(known[-1])


def _publish(disk: Disk, signer: Signer) -> None:
    """Leave the public key where a reader finds it; it is a claim, not a proof."""
    name = checkpoints.key_file(signer.verifier)
    if name.removeprefix("keys/") not in {entry.name for entry in disk.entries("keys")}:
        disk.create(name, f"{signer.verifier.text()}\n".encode())
