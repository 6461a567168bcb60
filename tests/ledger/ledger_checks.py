"""A second opinion: RFC 6962, tlog-proof and signed notes written again from the documents, and a clock."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Clock:
    """Each look is a millisecond after the one before; tests may set it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 10, 31, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


def stored_lines(path: Path) -> list[bytes]:
    """Every stored line without its line feed, in order."""
    return [raw for file in sorted((path / "journal").glob("*.jsonl")) for raw in file.read_bytes().split(b"\n")[:-1]]


def leaf(raw: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + raw).digest()


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, by its recursive definition."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def root_from(index: int, size: int, node: bytes, path: list[bytes]) -> bytes:
    """The root that an audit path leads to, by the recursion of RFC 6962, 2.1.1, from the top down."""
    if size == 1:
        assert path == []
        return node
    k = 1
    while k * 2 < size:
        k *= 2
    *below, top = path
    if index < k:
        return hashlib.sha256(b"\x01" + root_from(index, k, node, below) + top).digest()
    return hashlib.sha256(b"\x01" + top + root_from(index - k, size - k, node, below)).digest()


def check_proof(text: str, raw: bytes, origin: str, verifier_key: str | None = None) -> bool:
    """Whether a `.tlog-proof` shows that the line is in the log, signed by that key when one is given."""
    head, _, note = text.partition("\n\n")
    first, *rest = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    if rest[0].startswith("extra "):
        assert base64.b64decode(rest.pop(0).removeprefix("extra "), validate=True) == raw
    assert rest[0].startswith("index ")
    index = int(rest[0].removeprefix("index "))
    path = [base64.b64decode(one, validate=True) for one in rest[1:]]
    body, _, signatures = note.partition("\n\n")
    name, size, root = body.rstrip("\n").split("\n")
    if verifier_key is not None and not _signed(body.rstrip("\n") + "\n", signatures, verifier_key):
        return False
    return name == origin and base64.b64decode(root) == root_from(index, int(size), leaf(raw), path)


def _signed(body: str, signatures: str, verifier_key: str) -> bool:
    name, _, key = verifier_key.split("+", 2)
    public = base64.b64decode(key)
    identity = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    for line in signatures.splitlines():
        dash, signer, packed = line.split(" ")
        value = base64.b64decode(packed)
        if (dash, signer, value[:4]) == ("\u2014", name, identity):
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(value[4:], body.encode())
            return True
    return False


def event(number: int = 1, **more: object) -> dict[str, object]:
    """An event with everything in it."""
    return {
        "action": "user.role.updated",
        "actor_id": f"u{number}",
        "actor_email": f"u{number}@example.com",
        "target_type": "user",
        "target_id": f"t{number}",
        "metadata": {"role": "admin", "n": number},
        "timestamp": f"2026-10-{1 + number % 28:02}T10:00:00Z",
        **more,
    }
