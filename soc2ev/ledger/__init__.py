"""
The audit-event ledger: a team's own events in an append-only log that shows any later change.

    from soc2ev.ledger import Ledger

    with Ledger.open(path) as ledger:
        receipt = ledger.append({"action": "user.role.updated", "actor_id": "u1"})

The same journal, tree, checkpoints and keys as the vault's, for another log. docs/ledger.md has the format.
"""

from soc2ev.ledger.audit import Verdict
from soc2ev.ledger.events import ConflictError, Event
from soc2ev.ledger.intake import Imported
from soc2ev.ledger.ledger import Ledger
from soc2ev.ledger.log import Receipt
from soc2ev.ledger.proof import Proof
from soc2ev.ledger.query import Filter

__all__ = ["ConflictError", "Event", "Filter", "Imported", "Ledger", "Proof", "Receipt", "Verdict"]
