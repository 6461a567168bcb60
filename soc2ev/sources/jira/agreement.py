"""
Whether what Jira tells of a ticket agrees with what it tells of the ticket's past.

Both are answers of their own. Where they contradict each other, a change of the ticket is missing or belongs to another
one, and nobody knows what the ticket was at an instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

_AT_ONCE = timedelta(minutes=1)
"""What creates a ticket may set more of it right afterwards."""
_CLOCKS = timedelta(days=1)
"""Clocks and time zones of what imports tickets may differ by less."""


Status = tuple[str | None, str | None]
"""Id and name; names change, and ids are left out, or stay those of the site before, where tickets were imported."""


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket as Jira tells it: its status, and its times; None where it tells none."""

    status: Status
    created: datetime | None
    updated: datetime | None
    resolved: datetime | None

    @property
    def resolved_later(self) -> bool:
        """It was resolved after it was created, so that something changed."""
        return bool(self.created and self.resolved and self.resolved - self.created > _AT_ONCE)


@dataclass(frozen=True, slots=True)
class Moved:
    """A change of its status; `event` is Jira's number of the change."""

    at: datetime
    event: str
    before: Status
    after: Status


def disagreement(told: Told, changes: Sequence[datetime], moves: Sequence[Moved]) -> str | None:
    """How the ticket and its whole past, given as times of all changes and as moves, disagree; None when they agree."""
    if told.created and changes and min(changes) < told.created - _CLOCKS:
        return "tells of changes before it was created"
    ordered = sorted(moves, key=lambda one: (one.at, len(one.event), one.event))
    if any(_differ(one.after, next_.before) for one, next_ in pairwise(ordered)):
        return "has changes of its status that do not follow one another"
    if not ordered or not told.status[0]:
        return None
    last = ordered[-1]
    # What happened after the ticket was read is in its history already.
    since = told.updated is not None and last.at > told.updated
    return None if since or _agree(last.after, told.status) else "does not lead to the status that it has"


def _agree(one: Status, other: Status) -> bool:
    """Whether they are one status by their ids or by their names."""
    return any(mine and mine == its for mine, its in zip(one, other, strict=True))


def _differ(one: Status, other: Status) -> bool:
    """Whether they are two statuses by their ids and by their names."""
    return all(mine and its and mine != its for mine, its in zip(one, other, strict=True))
