"""What a Jira holds: projects, people, tickets with their histories, approvals, and what each token may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

START = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


@dataclass
class Person:
    """An account; `kind` is atlassian or app."""

    name: str
    kind: str = "atlassian"

    @property
    def id(self) -> str:
        """The accountId of Cloud, the key of Data Center."""
        return f"id-{self.name}"


@dataclass
class Event:
    """A change of some fields at one moment; items are (field, from, from shown, to, to shown)."""

    id: int
    at: datetime
    by: Person | None
    items: list[tuple[str, str | None, str | None, str | None, str | None]]


@dataclass
class Approval:
    """An approval of Service Management."""

    id: int
    name: str
    asked_at: datetime
    done_at: datetime | None
    decision: str
    approvers: list[tuple[Person, str]]


STATUSES = {"Open": "new", "In Review": "indeterminate", "Approved": "indeterminate", "Done": "done"}


@dataclass
class Ticket:
    """A ticket as it is now."""

    id: int
    key: str
    created: datetime
    updated: datetime
    reporter: Person | None
    type: str = "Change"
    summary: str = "A change"
    description: Any = None
    status: str = "Open"
    assignee: Person | None = None
    labels: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    """Outward words and the key at the other end."""
    events: list[Event] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    request: bool = False
    """Whether it is a request of Service Management."""
    old_keys: list[str] = field(default_factory=list)

    @property
    def project(self) -> str:
        """Key of its project."""
        return self.key.rpartition("-")[0]


@dataclass
class Token:
    """A credential: `user` for Basic, else Bearer; `hidden` are projects that it may not see."""

    secret: str
    person: Person
    user: str | None = None
    zone: str = "UTC"
    hidden: set[str] = field(default_factory=set)
    agent: bool = True
    """Whether it may see approvals."""
    gateway: bool = False
    """Whether it is a scoped token, which only the gateway takes."""


@dataclass
class World:
    """One Jira; `cloud` or Data Center below `context`."""

    cloud: bool = True
    context: str = ""
    now: datetime = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
    tickets: list[Ticket] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    projects: list[str] = field(default_factory=lambda: ["API", "WEB"])
    page: int | None = None
    """The most tickets of one page, whatever is asked for; None for what Jira gives unless an administrator differs."""
    changes_page: int = 5_000
    window: int = 10_000
    strict_keys: bool = False
    """Data Center that answers 400 for a list with a key that it does not know, whatever `validateQuery` says."""
    expand: int = 100
    """The most changes that come with a ticket of Data Center."""
    paged_history: bool = True
    _ids: count[int] = field(default_factory=lambda: count(10_000))

    @property
    def most(self) -> int:
        """
        The most tickets of one page: 100 in Cloud when fields are asked for; in Data Center the default of the property
        `jira.search.views.default.max`.
        """
        return self.page or (100 if self.cloud else 1_000)

    def token(self, secret: str, **more: Any) -> Token:
        """A new token."""
        found = Token(secret, Person("collector"), **more)
        self.tokens.append(found)
        return found

    def ticket(self, key: str, *, at: datetime = START, **more: Any) -> Ticket:
        """A new ticket."""
        reporter = more.pop("reporter", Person("rita"))
        found = Ticket(next(self._ids), key, at, at, reporter, **more)
        self.tickets.append(found)
        return found

    def move(self, ticket: Ticket, status: str, by: Person | None, *, after: float = 1.0) -> None:
        """Move it to another status, so many hours after its last change."""
        at = ticket.updated + timedelta(hours=after)
        numbers = {name: str(number) for number, name in enumerate(STATUSES, 1)}
        item = ("status", numbers[ticket.status], ticket.status, numbers[status], status)
        ticket.events.append(Event(next(self._ids), at, by, [item]))
        ticket.status, ticket.updated = status, at

    def edit(self, ticket: Ticket, name: str, before: str, after: str, by: Person, *, hours: float = 1.0) -> None:
        """Change a field of text."""
        at = ticket.updated + timedelta(hours=hours)
        ticket.events.append(Event(next(self._ids), at, by, [(name, None, before, None, after)]))
        ticket.updated = at

    def rename(self, ticket: Ticket, key: str) -> None:
        """Give it another key; the old one goes on leading to it."""
        ticket.old_keys.append(ticket.key)
        ticket.key = key

    def approve(self, ticket: Ticket, decision: str, *people: tuple[Person, str], hours: float = 2.0) -> None:
        """An approval that was decided so many hours after the last change."""
        at = ticket.updated
        done = None if decision == "pending" else at + timedelta(hours=hours)
        ticket.request = True
        ticket.approvals.append(Approval(next(self._ids), "Change approval", at, done, decision, list(people)))

    def by_key(self, key: str) -> Ticket | None:
        """The ticket that the key leads to, in any case of letters; also by id."""
        wanted = key.upper()
        for ticket in self.tickets:
            if wanted in (ticket.key, str(ticket.id), *ticket.old_keys):
                return ticket
        return None
