"""
Tickets as they were at an instant, told from what they are now and what changed since.

Everything is None where the history is not whole: the change that is missing may be the one that matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from soc2ev.tables.facts.evidence import Ticket, TicketEvent


def value_at(ticket: Ticket, field: str, now: str | None, at: datetime) -> str | None:
    """What the field held then."""
    if not ticket.whole:
        return None
    later = [event for event in _changes(ticket, field) if event.at > at]
    return later[0].before if later else now


def status_at(ticket: Ticket, at: datetime) -> str | None:
    """Its status then."""
    return value_at(ticket, "status", ticket.status, at)


def type_at(ticket: Ticket, at: datetime) -> str | None:
    """Its type then."""
    return value_at(ticket, "issuetype", ticket.type, at)


def description_at(ticket: Ticket, at: datetime) -> str | None:
    """Its description then; Jira writes none as NULL."""
    later = [event for event in _changes(ticket, "description") if event.at > at]
    if not ticket.whole:
        return None
    return (later[0].before or "") if later else ticket.description


def entries(ticket: Ticket, statuses: frozenset[str]) -> Iterator[TicketEvent]:
    """Moves into one of those statuses (lower case) from outside of them, oldest first."""
    for event in _changes(ticket, "status"):
        if folded(event.after) in statuses and folded(event.before) not in statuses:
            yield event


def folded(text: str | None) -> str:
    """A name of Jira, for comparison."""
    return (text or "").strip().lower()


def _changes(ticket: Ticket, field: str) -> list[TicketEvent]:
    return sorted((event for event in ticket.events if folded(event.field) == field), key=lambda event: event.at)
