"""
The pack as a BagIt 1.0 bag (RFC 8493): payload under `data/`, a manifest of it, and a manifest of the other files.

It is built in a folder beside its final place and moved there whole, so that a half-written pack is never taken
for one.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from soc2ev.errors import PackError
from soc2ev.pack.verify import BAGIT, UNLISTED


class Bag:
    """A bag being written. `payload` adds files below `data/`, `tag` beside it, `close` moves it into place."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._root = target.with_name(f".{target.name}.unfinished")
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True)
        self._payload: dict[str, str] = {}
        self._taken: set[str] = set()
        self._tags: dict[str, str] = {}
        self._size = 0

    def payload(self, path: str, body: bytes | Iterable[bytes]) -> None:
        """Add a file, whole or in parts; PackError when the path is taken, whatever the case, or leaves the bag."""
        if path.lower() in self._taken:
            raise PackError(f"two files of the pack are called {path}")
        self._taken.add(path.lower())
        self._payload[path], size = self._write(f"data/{path}", body)
        self._size += size

    def tag(self, path: str, body: bytes) -> None:
        """Add a file beside the payload."""
        self._tags[path], _ = self._write(path, body)

    def manifest(self, info: Mapping[str, str], when: datetime) -> str:
        """Write the manifests; the digest of the last one, which covers every file of the bag."""
        self.tag("bagit.txt", BAGIT)
        facts = {
            **info,
            "Bagging-Date": f"{when:%Y-%m-%d}",
            "Payload-Oxum": f"{self._size}.{len(self._payload)}",
        }
        self.tag(
            "bag-info.txt", "".join(f"{name}: {_one_line(value)}\n" for name, value in sorted(facts.items())).encode()
        )
        self.tag("manifest-sha256.txt", _listed({f"data/{path}": digest for path, digest in self._payload.items()}))
        digest, _ = self._write(UNLISTED[0], _listed(self._tags))
        return digest

    def close(self, note: str | None) -> Path | None:
        """
        Move the bag into place, with its signed note if there is one.

        A pack that stands there already is replaced when nobody has changed it; otherwise it is kept under another
        name, which is returned.
        """
        if note is not None:
            self._write(UNLISTED[1], note.encode())
        kept = None
        if self.target.exists():
            kept = _set_aside(self.target)
        self._root.replace(self.target)
        return kept

    def abandon(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self._root, ignore_errors=True)

    def _write(self, path: str, body: bytes | Iterable[bytes]) -> tuple[str, int]:
        """Digest and size of what was written."""
        place = self._root / path
        if ".." in Path(path).parts or not place.resolve().is_relative_to(self._root.resolve()):
            raise PackError(f"{path} leaves the pack")
        place.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        try:
            with place.open("wb") as file:
                for part in (body,) if isinstance(body, bytes) else body:
                    file.write(part)
                    digest.update(part)
                    size += len(part)
        except OSError as problem:
            raise PackError(
                f"cannot write {path}: {problem.strerror}", hint="free some space; the vault is unharmed"
            ) from None
        return digest.hexdigest(), size


def _listed(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _set_aside(target: Path) -> Path | None:
    """Make room: an untouched pack can be rendered again at any time, a touched one holds somebody's work."""
    from soc2ev.pack.verify import check

    if check(target, [])["ok"]:
        shutil.rmtree(target)
        return None
    number = 1
    while (kept := target.with_name(f"{target.name}.edited-{number}")).exists():
        number += 1
    target.replace(kept)
    return kept
