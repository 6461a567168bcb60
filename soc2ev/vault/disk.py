"""
Durable files below one folder; nothing is reached through a symbolic link.

Every write is durable when the call returns, or a VaultError says that it is not. A failed fsync is never
tried again: after a failure the kernel may mark the lost pages clean, so that a second call reports success
(Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from soc2ev.errors import TamperedError, VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a folder. `kind` is `file`, `folder`, or `other` (symbolic link, device, socket, pipe)."""

    name: str
    kind: str


class Disk:
    """The files below `root`. Names are relative, with `/`; they come from this package, never from data."""

    def __init__(self, root: Path, what: str = "vault") -> None:
        """`what` is the word for the folder in messages."""
        self.root, self.what = root, what

    def open(self, name: str) -> BinaryIO:
        """The regular file, to read; FileNotFoundError when there is none, TamperedError for a link."""
        self._refuse_links(name)
        try:
            # Non-blocking, because opening a planted named pipe would otherwise wait for ever.
            handle = os.open(self.root / name, _READ)
        except FileNotFoundError:
            raise
        except OSError as problem:
            raise self._unreadable(name, problem) from None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise TamperedError(f"{self.what}: {name} is no regular file", hint="look who put it there")
        return os.fdopen(handle, "rb")

    def read(self, name: str) -> bytes:
        """All bytes of the file; errors as for `open`, VaultError when the disk fails."""
        with self.open(name) as file:
            try:
                return file.read()
            except OSError as problem:
                raise self._unreadable(name, problem) from None

    def line(self, file: BinaryIO, limit: int) -> bytes:
        """The next line of an open file with its line feed, cut at `limit` bytes; nothing at the end."""
        try:
            return file.readline(limit)
        except OSError as problem:
            raise self._unreadable("a journal segment", problem) from None

    def entries(self, folder: str = "") -> Iterator[Entry]:
        """What the folder holds, by name; nothing when it does not exist."""
        self._refuse_links(folder)
        try:
            with os.scandir(self.root / folder) as found:
                kinds = [Entry(entry.name, _kind(entry)) for entry in found]
        except FileNotFoundError:
            return
        except OSError as problem:
            raise self._unreadable(folder, problem) from None
        yield from sorted(kinds, key=lambda entry: entry.name)

    def make(self, folder: str) -> None:
        """See to it that the folder is there, durably."""
        self._refuse_links(folder)
        with self._writing(folder):
            with contextlib.suppress(FileExistsError):
                (self.root / folder).mkdir(0o755)
            self._sync_folder((self.root / folder).parent)

    def create(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Put a whole file there or none: temporary file, fsync, rename, fsync of the folder."""
        self._refuse_links(name)
        temporary = self.root / "tmp" / secrets.token_hex(16)
        with self._writing(name):
            try:
                self._write_new(temporary, data, mode)
                temporary.rename(self.root / name)
            except OSError:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise
            self._sync_folder((self.root / name).parent)

    def append(self, name: str, data: bytes) -> None:
        """Append with one write and fsync; a short write is an error, its bytes are a torn tail."""
        self._refuse_links(name)
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._writing(name):
            try:
                handle, made = os.open(self.root / name, flags), False
            except FileNotFoundError:
                handle, made = os.open(self.root / name, flags | os.O_CREAT | os.O_EXCL, 0o644), True
            try:
                if os.write(handle, data) != len(data):
                    raise OSError(errno.ENOSPC, "only part of it was written")
                os.fsync(handle)
            finally:
                os.close(handle)
            if made:
                self._sync_folder((self.root / name).parent)

    @contextlib.contextmanager
    def appending(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """As `append`, for many: the file stays open, and links are looked for once."""
        self.append(name, b"")
        with self._writing(name):
            handle = os.open(self.root / name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)

        def append(data: bytes) -> None:
            with self._writing(name):
                if os.write(handle, data) != len(data):
                    raise OSError(errno.ENOSPC, "only part of it was written")
                os.fsync(handle)

        try:
            yield append
        finally:
            os.close(handle)

    def cut(self, name: str, size: int) -> None:
        """Shorten the file to that many bytes."""
        self._refuse_links(name)
        with self._writing(name):
            handle = os.open(self.root / name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.ftruncate(handle, size)
                os.fsync(handle)
            finally:
                os.close(handle)

    def settle(self, name: str) -> None:
        """Make durable what a killed run may have left in the page cache only: the file and its name."""
        self._refuse_links(name)
        with self._writing(name):
            handle = os.open(self.root / name, _READ)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            self._sync_folder((self.root / name).parent)

    @contextlib.contextmanager
    def lock(self, *, wait: bool = False) -> Iterator[None]:
        """
        Be the only writer. The kernel drops the lock with the process, so that it is never stale.

        VaultError when another has it, unless the caller wants to `wait` for its turn.
        """
        with self._writing(""):
            handle = os.open(self.root, _FOLDER)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise VaultError(
                    f"another soc2ev is writing to this {self.what} ({self.root})",
                    hint="wait until it has finished; nothing was changed",
                ) from None
            except OSError as problem:
                raise VaultError(
                    f"the {self.what} {self.root} cannot be locked: {problem.strerror}",
                    hint="keep it on a local disk; network file systems may have no locks",
                ) from None
            yield
        finally:
            os.close(handle)

    def _refuse_links(self, name: str) -> None:
        """A link anywhere on the way would let somebody choose where we read and write."""
        path = self.root
        for part in name.split("/"):
            path = path / part
            if path.is_symlink():
                raise TamperedError(
                    f"{self.what}: {path.relative_to(self.root)} is a symbolic link",
                    hint=f"a {self.what} has none; look who put it there",
                )

    @staticmethod
    def _write_new(path: Path, data: bytes, mode: int) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        handle = os.open(folder, _FOLDER)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _unreadable(self, name: str, problem: OSError) -> VaultError:
        if problem.errno == errno.ELOOP:
            return TamperedError(
                f"{self.what}: {name} is a symbolic link", hint=f"a {self.what} has none; look who put it there"
            )
        return VaultError(
            f"{self.what}: {name or 'folder'} cannot be read: {problem.strerror}", hint="nothing was changed"
        )

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise VaultError(
                f"{self.what}: {name or 'folder'} cannot be written: {problem.strerror}",
                hint="what was acknowledged before is kept; make room or repair the disk, then run again",
            ) from problem


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):
        return "file"
    return "folder" if entry.is_dir(follow_symlinks=False) else "other"
