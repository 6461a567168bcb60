"""Which names may lie in a vault. A file that we would not have made is a problem: somebody put it there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, VaultError
from soc2ev.vault import checkpoints
from soc2ev.vault.journal import segments
from soc2ev.vault.note import VerifierKey
from soc2ev.vault.objects import HEX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soc2ev.vault.disk import Disk

_TEMPORARY = re.compile(r"tmp/[0-9a-f]{32}")


def strangers(disk: Disk, *, with_objects: bool) -> Iterator[str]:
    """One complaint for each name that does not belong; without `with_objects` a folder of objects is one."""
    yield from _top(disk, with_objects=with_objects)
    known = {*segments(disk), *map(checkpoints.name_of, checkpoints.sizes(disk))}
    for folder in ("journal", "checkpoints"):
        for name, kind in _below(disk, folder):
            if kind != "file" or name not in known:
                yield f"{name}: unknown {kind}"
    for name, kind in _below(disk, "tmp"):
        if kind != "file" or not _TEMPORARY.fullmatch(name):
            yield f"{name}: unknown {kind}"
    for name, _ in _below(disk, "keys"):
        yield from _key(disk, name)
    if with_objects:
        yield from _objects(disk)


def leftovers(disk: Disk) -> Iterator[str]:
    """A note for each temporary file that an interrupted run left."""
    for name, kind in _below(disk, "tmp"):
        if kind == "file" and _TEMPORARY.fullmatch(name):
            yield f"{name}: left by an interrupted run"


def _top(disk: Disk, *, with_objects: bool) -> Iterator[str]:
    folders = {"journal", "checkpoints", "keys", "tmp"} | ({"objects"} if with_objects else set())
    known = {("format", "file"), *((folder, "folder") for folder in folders)}
    for entry in disk.entries():
        if (entry.name, entry.kind) not in known:
            yield f"{entry.name}: unknown {entry.kind}"


def _key(disk: Disk, name: str) -> Iterator[str]:
    try:
        data = disk.read(name)
        key = VerifierKey.parse(data.decode("utf-8"))
    except (ConfigError, VaultError) as damage:
        yield f"{name}: {damage.message}"
    except ValueError:
        yield f"{name}: no text"
    else:
        if checkpoints.key_file(key) != name or data != f"{key.text()}\n".encode():
            yield f"{name}: not written as the vault writes keys"


def _objects(disk: Disk) -> Iterator[str]:
    for folder, kind in _below(disk, "objects"):
        if kind != "folder" or not re.fullmatch(r"objects/[0-9a-f]{2}", folder):
            yield f"{folder}: unknown {kind}"
            continue
        for name, inner in _below(disk, folder):
            digest = name.rsplit("/", 1)[1]
            if inner != "file" or not HEX.fullmatch(digest) or f"objects/{digest[:2]}" != folder:
                yield f"{name}: unknown {inner}"


def _below(disk: Disk, folder: str) -> list[tuple[str, str]]:
    """Names and kinds in the folder; nothing when it is a link, which its parent's listing reports."""
    try:
        return [(f"{folder}/{entry.name}", entry.kind) for entry in disk.entries(folder)]
    except VaultError:
        return []
