"""Tickets that changes name, with their history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from soc2ev.tables.facts.evidence.requests import Account


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """A change of a ticket's field."""

    at: datetime
    actor: Account | None
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class TicketApproval:
    """An approval of Jira Service Management; approvers have no times of their own."""

    name: str
    decision: str
    """approved, declined or pending."""
    completed_at: datetime | None
    approvers: tuple[tuple[Account | None, str], ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is now, with its history."""

    key: str
    """Its key now: a moved ticket has another than the change names."""
    type: str | None
    status: str | None
    created_at: datetime | None
    reporter: Account | None
    summary: str
    description: str
    events: tuple[TicketEvent, ...]
    approvals: tuple[TicketApproval, ...] | None
    """None when approvals were not asked for or refused."""
    whole: bool
    """All of its history is here."""
    updated_at: datetime | None = None
    """When anything about it last changed."""


@dataclass(frozen=True, slots=True)
class TicketLink:
    """A ticket key that the change names, and what the ticket system answered."""

    key: str
    source: str
    """trailer, title, branch, body, commit message, in order of precedence."""
    ticket: Ticket | None
    reason: str | None = None
    """Why there is no ticket: it does not exist or cannot be read (a client cannot tell), or was never asked for."""


@dataclass(frozen=True, slots=True)
class Tickets:
    """The tickets that a change names."""

    links: tuple[TicketLink, ...]
    """In order of precedence; the first is the primary one."""
    configured: bool
    """A ticket system is configured at all."""
    visible: bool
    """It answered; False: every answer about tickets is unknown."""
    reason: str | None = None
    of: Mapping[int, tuple[TicketLink, ...]] = field(default_factory=dict)
    """Where several requests landed together: by number, those that each of them names itself."""
