r"""
Names of git objects, computed as git computes them.

A blob, tree or commit is named by the SHA-1 of `<type> <size>\0<content>` (gitformat-pack and "Git Internals - Git
Objects" of the Git book). The fake's commits therefore have the names that git itself would give them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

ZERO = "0" * 40
"""What the ref-update records of GitHub say where a ref did not exist."""

SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nstandin\n-----END PGP SIGNATURE-----"
"""The text of every signature in a fake world: shaped like one, verifiable by nobody."""


def name(kind: str, content: bytes) -> str:
    """The object name of that content."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=65536)
def blob(text: str) -> str:
    """The object name of a file with that text."""
    return name("blob", text.encode())


def tree(files: Mapping[str, str]) -> str:
    """The object name of the tree that holds those files (path to text), folders included."""
    entries: dict[str, str | dict[str, str]] = {}
    for path, text in files.items():
        top, slash, rest = path.partition("/")
        if slash:
            folder = entries.setdefault(top, {})
            if isinstance(folder, dict):
                folder[rest] = text
        else:
            entries[top] = text
    # git sorts a folder as if its name ended with a slash.
    ordered = sorted(entries.items(), key=lambda entry: entry[0] + ("/" if isinstance(entry[1], dict) else ""))
    return name("tree", b"".join(_entry(label, value) for label, value in ordered))


def _entry(label: str, value: str | dict[str, str]) -> bytes:
    mode, sha = ("40000", tree(value)) if isinstance(value, dict) else ("100644", blob(value))
    return f"{mode} {label}\0".encode() + bytes.fromhex(sha)


def person(who: str, email: str, at: datetime) -> str:
    """A name, an address and a moment as commit headers write them."""
    return f"{who} <{email}> {int(at.timestamp())} +0000"


def raw_commit(
    tree: str, parents: Sequence[str], author: str, committer: str, message: str, signature: str | None = None
) -> bytes:
    """The bytes of a commit; `author` and `committer` as `person` writes them."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author}", f"committer {committer}"]
    if signature:
        lines.append("gpgsig " + signature.replace("\n", "\n "))
    return ("\n".join(lines) + "\n\n" + message).encode()
