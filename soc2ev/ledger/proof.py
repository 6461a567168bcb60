"""A proof that one line is in the log, as text that stands alone: C2SP tlog-proof, version 1."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError
from soc2ev.vault.merkle import check_inclusion

if TYPE_CHECKING:
    from soc2ev.ledger.nodes import Nodes
    from soc2ev.vault.note import Note


@dataclass(frozen=True, slots=True)
class Proof:
    """The way from a line's leaf to the root of a checkpoint."""

    seq: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    note: Note
    line: bytes | None = None
    """The line itself, to travel with the proof; None leaves it out."""

    def text(self) -> str:
        """The bytes of a `.tlog-proof` file."""
        extra = [f"extra {base64.b64encode(self.line).decode()}"] if self.line is not None else []
        hashes = [base64.b64encode(one).decode() for one in self.hashes]
        head = ["c2sp.org/tlog-proof@v1", *extra, f"index {self.seq}", *hashes]
        return "\n".join(head) + "\n\n" + self.note.data().decode()


def make(nodes: Nodes, seq: int, note: Note, line: bytes | None = None) -> Proof:
    """The proof of that line against the checkpoint, which must cover it; TamperedError when it does not hold."""
    point = note.checkpoint
    leaf, hashes = nodes.leaf(seq), nodes.inclusion(seq, point.size)
    if not check_inclusion(leaf, seq, point.size, hashes, point.root):
        raise TamperedError(
            f"ledger: line {seq} does not lead to the root of the newest checkpoint",
            hint="`soc2ev ledger verify` lists all damage",
        )
    return Proof(seq, leaf, tuple(hashes), note, line)
