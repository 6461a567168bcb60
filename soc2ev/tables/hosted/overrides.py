"""Which moves of a ref the audit log's overrides of classic protection belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.tables.hosted.moves import Move

_LEDGER = "ledger of protection"
_NEAR = timedelta(seconds=120)
"""An event names no commit: the same account in the same repository at about the same time is taken for the move."""


@dataclass(frozen=True, slots=True)
class Overridden:
    """What the audit log says of one move."""

    sure: bool
    """Its own actor overrode the protection."""
    unclear: bool
    """Somebody did so at about that time, and whether by this move is not known."""
    evidence: frozenset[str]


class Overrides:
    """The overrides of one repository, for one of its refs."""

    def __init__(self, rows: Iterable[Mapping[str, Json]], ledger: Coverage | None, ref: str) -> None:
        """`ledger` is the claim of the collection that asked for them."""
        self._rows = [row for row in rows if row["ref"] in (None, ref)]
        told = ledger.details.get(_LEDGER) if ledger and ledger.complete else None
        self.visible = isinstance(told, dict)
        """The audit log was read."""
        self.reaches_back_to = told.get("reaches_back_to") if isinstance(told, dict) else None

    def of(self, move: Move) -> Overridden:
        """What they say of that move."""
        near = [row for row in self._rows if _near(row, move)]
        own = [row for row in near if _is_actor(row, move)]
        return Overridden(bool(own), bool(near) and not own, frozenset(row["evidence"] for row in own))


def _near(row: Mapping[str, Json], move: Move) -> bool:
    return row["at"] is None or move.at is None or abs(row["at"] - move.at) <= _NEAR


def _is_actor(row: Mapping[str, Json], move: Move) -> bool:
    """Whether the event's account made the move; with a time on both sides only."""
    if move.actor is None or row["at"] is None or move.at is None:
        return False
    if row["actor_id"] is not None and move.actor.number is not None:
        return bool(row["actor_id"] == move.actor.number)
    return bool(row["actor"]) and str(row["actor"]).lower() == (move.actor.login or "").lower()
