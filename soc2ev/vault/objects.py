"""Bodies by content: a file's name is the SHA-256 of its bytes, so that it is never rewritten."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Protocol

from soc2ev.errors import TamperedError, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soc2ev.vault.disk import Disk

HEX = re.compile(r"[0-9a-f]{64}")


class Objects(Protocol):
    """Where bodies come from: the vault's folder, or a pack's."""

    def read(self, digest: str) -> bytes:
        """The body with that hexadecimal SHA-256; KeyError when it is not here. The caller hashes it."""
        ...

    def digests(self) -> Iterator[str]:
        """The hexadecimal SHA-256 of every body that is here."""
        ...


def bare(digest: str) -> str:
    """The hexadecimal part of `sha256:<hex>` or `<hex>`; VaultError for any other text."""
    found = digest.removeprefix("sha256:")
    if not HEX.fullmatch(found):
        raise VaultError("not a SHA-256 digest", hint="write it as sha256:<64 hexadecimal digits>")
    return found


class FolderObjects:
    """The bodies in `objects/ab/abcdef…` of a vault."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._durable: set[str] = set()

    def read(self, digest: str) -> bytes:
        """The stored bytes, unchecked; KeyError when there are none."""
        try:
            return self._disk.read(_name(digest))
        except FileNotFoundError:
            raise KeyError(digest) from None

    def digests(self) -> Iterator[str]:
        """Names that look like objects; `verify` reports everything else."""
        for folder in self._disk.entries("objects"):
            if folder.kind == "folder":
                for entry in self._disk.entries(f"objects/{folder.name}"):
                    if entry.kind == "file" and entry.name[:2] == folder.name and HEX.fullmatch(entry.name):
                        yield entry.name

    @staticmethod
    def digest(body: bytes) -> str:
        """The hexadecimal SHA-256 that `put` will store the body under."""
        return hashlib.sha256(body).hexdigest()

    def put(self, body: bytes) -> str:
        """
        Store the body durably and return its hexadecimal SHA-256.

        TamperedError when other bytes lie under its name already; they are left for inspection.
        """
        digest = self.digest(body)
        if digest in self._durable:
            return digest
        folder, name = f"objects/{digest[:2]}", _name(digest)
        self._disk.make(folder)
        try:
            same = self._disk.read(name) == body
        except FileNotFoundError:
            self._disk.create(name, body, 0o444)
        else:
            if not same:
                raise TamperedError(
                    f"vault: object {digest} holds other bytes than its name says",
                    hint="`soc2ev vault verify` lists all damage; restore the vault from a copy",
                )
            # A killed run may have renamed it without syncing the folder; our line must not outlive it.
            self._disk.settle(name)
        self._durable.add(digest)
        return digest


def _name(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"
