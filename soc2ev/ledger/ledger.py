"""A ledger as callers use it: append, import, query, verify, prove."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from soc2ev.errors import ConfigError, TamperedError, VaultError
from soc2ev.ledger import marks, proof
from soc2ev.ledger.events import Event
from soc2ev.ledger.intake import Imported, Intake
from soc2ev.ledger.log import Log, Receipt
from soc2ev.ledger.query import Filter, Reading
from soc2ev.ledger.state import State
from soc2ev.vault.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from soc2ev.ledger.audit import Verdict
    from soc2ev.ledger.proof import Proof
    from soc2ev.ledger.query import Row
    from soc2ev.vault.note import Note, Signer, VerifierKey

_FORMAT = "soc2ev ledger 1"
_FOLDERS = ("tmp", "journal", "checkpoints", "keys")


def _clock() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """
    An append-only log of a team's own events, in a folder.

        with Ledger.open(Path("audit")) as ledger:
            receipt = ledger.append({"action": "user.role.updated", "actor_id": "u1"})

    Any number of threads, objects and processes may use one folder; writers take turns. On leaving the `with`, a
    checkpoint covers what was appended.
    """

    def __init__(self, disk: Disk, now: Callable[[], datetime], signer: Signer | None) -> None:
        self.path = disk.root
        self._disk, self._now, self._signer = disk, now, signer
        self._log: Log | None = None
        self._wrote = False

    @classmethod
    def open(cls, path: Path, *, signer: Signer | None = None, now: Callable[[], datetime] = _clock) -> Self:
        """
        The ledger in that folder, which the first append makes when it is missing.

        Checkpoints are signed when there is a signer. `now` gives aware instants.
        """
        return cls(Disk(path.resolve(), "ledger"), now, signer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._wrote:
                self.checkpoint()
        except VaultError as failed:
            if problem is None:
                raise
            problem.add_note(f"no checkpoint was written: {failed.message}")
        finally:
            self.close()

    @property
    def origin(self) -> str:
        """The log's name in its checkpoints; VaultError when there is no ledger yet."""
        return _origin(self._disk)

    def append(self, event: Mapping[str, Any] | Event, *, source: dict[str, str] | None = None) -> Receipt:
        """
        Append an event; durable when it returns.

        An event whose `id` is in the log is answered with the receipt of the first one, as long as it says the same;
        ConflictError otherwise. ConfigError when it is no event; VaultError when the disk fails, and TamperedError
        when the log turns out to be damaged: then nothing is acknowledged.
        """
        return self.append_all([event], source=source)[0]

    def append_all(
        self, events: Sequence[Mapping[str, Any] | Event], *, source: dict[str, str] | None = None
    ) -> list[Receipt]:
        """Append all of them or none, with one wait for the disk; errors as for `append`."""
        checked = [one if isinstance(one, Event) else Event.read(dict(one)) for one in events]
        (answer,) = self.log.write([checked], source)
        self._wrote = True
        if isinstance(answer, ConfigError):
            raise answer
        return answer

    def import_(
        self,
        path: Path,
        *,
        skip_bad: bool = False,
        source: dict[str, str] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Imported:
        """
        Append the events of a file of JSON lines, in its order.

        All lines are read before the first is appended: when one is bad, nothing is appended, unless `skip_bad`. What
        came in before an interruption is recognised when the file is imported again, also without ids. An id that is
        taken for another content counts as bad. `progress` hears how many lines are done.
        """
        intake = Intake(path)
        if intake.check() and not skip_bad:
            return intake.result()
        log = self.log
        self._wrote = True
        return intake.run(log, source, progress)

    def query(self, wanted: Filter | None = None) -> Iterator[Row]:
        """
        The events that fit, in the order of the log.

        TamperedError, at the latest at the end, when the lines are not those that were recorded.
        """
        return self.reading(wanted or Filter()).rows()

    def reading(self, wanted: Filter) -> Reading:
        """As `query`, with what can be said about it afterwards."""
        return Reading(self._disk, self.origin, wanted)

    def verify(self, keys: Sequence[VerifierKey] = (), *, pinned: bytes | None = None) -> Verdict:
        """
        Read everything again and say what holds; never raises for damage inside a ledger.

        `keys` are keys that the caller trusts, `pinned` the bytes of a checkpoint that was kept elsewhere.
        """
        from soc2ev.ledger.audit import verify

        return verify(self._disk, self.origin, keys, pinned)

    def prove(self, seq: int, *, with_event: bool = False) -> Proof:
        """
        The proof that line `seq` is in the log, against the newest checkpoint; one is made when none covers it.

        ConfigError when there is no such line. With the event, its line travels in the proof.
        """
        if self._log is None and (note := marks.newest(self._disk, self.origin)) and seq < note.checkpoint.size:
            state = State.load(self._disk, self.origin, write=False)
            try:
                return proof.make(state.nodes, self._number(seq, state), note, self._line(seq) if with_event else None)
            finally:
                state.close()
        with self.log.turn() as state:
            self._number(seq, state)
            return proof.make(state.nodes, seq, self.checkpoint(), self._line(seq) if with_event else None)

    def checkpoint(self) -> Note:
        """A checkpoint over everything, the one that is there when nothing is new."""
        return self.log.checkpoint()

    def latest(self) -> Note | None:
        """The newest checkpoint that is there; None when there is none."""
        return marks.newest(self._disk, self.origin)

    def close(self) -> None:
        """Let go of the files, without a checkpoint."""
        if self._log:
            self._log.close()
            self._log = None

    @property
    def disk(self) -> Disk:
        """The folder."""
        return self._disk

    @property
    def log(self) -> Log:
        """The write side; makes the ledger when there is none."""
        if self._log is None:
            log = Log(self._disk, _made(self._disk), self._now, self._signer)
            if (self._disk.root / "ledger.yaml").exists():
                from soc2ev.ledger import settings
                from soc2ev.ledger.alerts import Alerts

                alerts = Alerts(settings.load(self._disk).alerts)
                alerts.recall(self._disk, self._now())
                log.watch = alerts.see
            self._log = log
        return self._log

    @staticmethod
    def _number(seq: int, state: State) -> int:
        if not 0 <= seq < state.nodes.size:
            raise ConfigError(f"there is no event {seq}; the log has {state.nodes.size} lines")
        return seq

    def _line(self, seq: int) -> bytes | None:
        from soc2ev.ledger import lines

        wanted = b'"seq":%d,' % seq
        for segment in lines.segments(self._disk):
            for raw in lines.read(self._disk, segment.name):
                if wanted in raw and lines.decode(raw.rstrip(b"\n"))["seq"] == seq:
                    return raw.rstrip(b"\n")
        return None


def _origin(disk: Disk) -> str:
    try:
        first, origin, rest = disk.read("format").decode("utf-8").split("\n")
    except FileNotFoundError:
        if any(disk.entries("journal")):
            raise TamperedError(
                f"ledger: the file format in {disk.root} is gone", hint="restore it from a copy"
            ) from None
        raise VaultError(f"no ledger in {disk.root}", hint="`soc2ev ledger append` makes one; check --log") from None
    except ValueError:
        first, origin, rest = "", "", ""
    if first != _FORMAT or rest or not origin or not origin.isprintable() or " " in origin:
        raise TamperedError(
            f"ledger: the file format in {disk.root} is not one that we write",
            hint="use a newer soc2ev, or restore it from a copy",
        )
    return origin


def _made(disk: Disk) -> str:
    """The origin of the ledger there; made first when the folder is missing or empty."""
    try:
        disk.root.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise VaultError(f"the folder {disk.root} cannot be made: {problem.strerror}", hint="check --log") from None
    if not (disk.root / "format").exists():
        with disk.lock(wait=True):
            _make(disk)
    origin = _origin(disk)
    for folder in _FOLDERS:
        if not (disk.root / folder).is_dir():
            disk.make(folder)
    return origin


def _make(disk: Disk) -> None:
    if (disk.root / "format").exists():
        return
    # What people set up before the first event, and what an interrupted beginning left.
    if others := [one.name for one in disk.entries() if one.name not in (*_FOLDERS, "access.json", "ledger.yaml")]:
        raise VaultError(f"no ledger in {disk.root}, and it holds {others[0]}", hint="give an empty or a new folder")
    for folder in _FOLDERS:
        disk.make(folder)
    if any(disk.entries("journal")):
        _origin(disk)
    # A name that no other log has: a checkpoint of another log of the same folder's name must not fit this one.
    name = re.sub(r"[^a-z0-9]+", "-", disk.root.name.lower()).strip("-") or "log"
    disk.create("format", f"{_FORMAT}\nsoc2ev/ledger/{name}-{secrets.token_hex(8)}\n".encode())
