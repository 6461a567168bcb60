"""
The vault: what sources answered, byte for byte, with a journal that shows any later change.

Four verbs: `put`, `items`, `read`, `verify`. Bodies are content-addressed objects; a line of the journal
says how each was obtained; the lines are the leaves of an RFC 6962 tree whose roots are kept as C2SP
checkpoints.
"""

from soc2ev.vault.journal import Line
from soc2ev.vault.note import Signer, VerifierKey, new_key
from soc2ev.vault.objects import Objects
from soc2ev.vault.store import Head, Vault
from soc2ev.vault.verdict import Verification
from soc2ev.vault.writer import Writer, writer

__all__ = [
    "Head",
    "Line",
    "Objects",
    "Signer",
    "Vault",
    "Verification",
    "VerifierKey",
    "Writer",
    "new_key",
    "writer",
]
