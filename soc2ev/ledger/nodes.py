"""
The Merkle tree of a ledger in one file, so that a proof or a root reads some dozen hashes and not a million.

Hashes lie in the order in which they become known: each leaf, followed by every subtree that it completes. The place
of a hash follows from its level and number alone. While a month's lines are there, the file can be made again from
them; of a month that was dropped, it holds the only leaves, and every checkpoint still commits to them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError, VaultError
from soc2ev.vault.merkle import EMPTY, node_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from soc2ev.vault.disk import Disk

NAME = "tree"
_BYTES = hashlib.sha256().digest_size


def stored(size: int) -> int:
    """How many hashes a tree of that size has stored."""
    return 2 * size - size.bit_count()


class Nodes:
    """The hashes of a growing tree: those in the file, and behind them those that were added since."""

    def __init__(self, disk: Disk, size: int = 0) -> None:
        """The first `size` leaves are in the file; TamperedError when it is shorter."""
        self._path: Path = disk.root / NAME
        self._disk = disk
        self._flushed = stored(size)
        self._pending: list[bytes] = []
        self._handle: int | None = None
        self.size = size
        if size:
            self._handle = self._borrow(disk)
        self._stack = self._edge()

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Self]:
        """Use this tree; it is closed on leaving."""
        try:
            yield self
        finally:
            self.close()

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next line."""
        pending, stack = self._pending, self._stack
        pending.append(leaf)
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(stack.pop(), node)
            pending.append(node)
            size >>= 1
        stack.append(node)
        self.size += 1

    def leaf(self, seq: int) -> bytes:
        """The leaf hash of that line."""
        return self._node(0, seq)

    def root(self, size: int | None = None) -> bytes:
        """The tree hash of the first `size` lines, of all when it is None."""
        wanted = self.size if size is None else size
        return self._over(0, wanted) if wanted else EMPTY

    def inclusion(self, seq: int, size: int) -> list[bytes]:
        """The hashes from leaf `seq` up to the root of the first `size` lines (RFC 6962, 2.1.1)."""
        path, low, high = [], 0, size
        while high - low > 1:
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            if seq < middle:
                path.append(self._over(middle, high))
                high = middle
            else:
                path.append(self._over(low, middle))
                low = middle
        return path[::-1]

    def newest_root(self) -> bytes:
        """As `root`, without looking at the file."""
        if not self._stack:
            return EMPTY
        node = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            node = node_hash(left, node)
        return node

    def drain(self) -> bytes:
        """The hashes that were added since, as they lie in the file; they are forgotten here."""
        data = b"".join(self._pending)
        self._flushed, self._pending = stored(self.size), []
        return data

    @property
    def waiting(self) -> int:
        """How many hashes are not in the file yet."""
        return len(self._pending)

    def flush(self) -> None:
        """Put everything into the file, durably; VaultError when the disk fails."""
        self._disk.open(NAME).close() if self._path.exists() else None
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            handle = os.open(self._path, flags, 0o644)
            try:
                data, at = memoryview(b"".join(self._pending)), self._flushed * _BYTES
                while data:
                    done = os.pwrite(handle, data, at)
                    data, at = data[done:], at + done
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as problem:
            raise VaultError(
                f"ledger: {NAME} cannot be written: {problem.strerror}", hint="no event was lost; make room"
            ) from None
        self._flushed, self._pending = stored(self.size), []
        if self._handle is None:
            self._handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def _borrow(self, disk: Disk) -> int:
        try:
            with disk.open(NAME) as file:
                if os.fstat(file.fileno()).st_size >= self._flushed * _BYTES:
                    return os.dup(file.fileno())
        except FileNotFoundError:
            raise TamperedError(f"ledger: the file {NAME} is gone", hint="restore it from a copy") from None
        raise TamperedError(f"ledger: the file {NAME} is shorter than it was", hint="restore it from a copy")

    def _edge(self) -> list[bytes]:
        """The roots of the complete subtrees, largest first."""
        found, at = [], 0
        for level in reversed(range(self.size.bit_length())):
            if self.size >> level & 1:
                found.append(self._node(level, at >> level))
                at += 1 << level
        return found

    def _over(self, low: int, high: int) -> bytes:
        count = high - low
        if count & (count - 1) == 0:
            return self._node(count.bit_length() - 1, low // count)
        middle = low + (1 << (count - 1).bit_length() - 1)
        return node_hash(self._over(low, middle), self._over(middle, high))

    def _node(self, level: int, number: int) -> bytes:
        last_leaf = ((number + 1) << level) - 1
        at = stored(last_leaf) + level
        if at >= self._flushed:
            return self._pending[at - self._flushed]
        found = os.pread(self._handle, _BYTES, at * _BYTES) if self._handle is not None else b""
        if len(found) != _BYTES:
            raise TamperedError(f"ledger: the file {NAME} is shorter than it was", hint="restore it from a copy")
        return found
