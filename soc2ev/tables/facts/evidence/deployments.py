"""Deployments, who let them through, and who looked afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from soc2ev.tables.facts.evidence.requests import Account


@dataclass(frozen=True, slots=True)
class GateApproval:
    """What somebody answered when an environment asked before a deployment."""

    approver: Account | None
    approved: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody, or a check, looked at production after a deployment."""

    who: str
    at: datetime | None
    good: bool | None
    """What was seen is fine; None when that is not known, or it still runs."""
    what: str
    person: bool = False
    """A person, by the register; False: a check or a status."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that went wrong after a deployment, or was undone."""

    kind: str
    """failure, rollback, revert or incident."""
    at: datetime | None
    what: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of production after a deployment."""

    looks: tuple[Look, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    gaps: tuple[str, ...] = ()
    """What could tell of a look and was not read."""
    collected_at: datetime | None = None
    """When that was looked for; None when nobody knows."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment to a production environment that contains the change."""

    id: str
    environment: str
    sha: str
    creator: Account | None
    created_at: datetime
    statuses: tuple[tuple[str, datetime | None], ...]
    """State and time of each, oldest first."""
    gate: tuple[GateApproval, ...] | None = None
    """Answers at the gate of its environment; None when nobody asked for them."""
    asked: bool | None = None
    """Its environment asked somebody to approve it; None when that is not known."""
    watch: Watch | None = None
    """What came after it; None when nobody asked."""


@dataclass(frozen=True, slots=True)
class Deployments:
    """The production deployments of a change's repository, as far as they concern the change."""

    containing: tuple[Deployment, ...]
    """Those whose commit is the change's or descends from it, oldest first."""
    unplaced: int
    """Later deployments whose commit could not be placed in the history."""
    total: int
    """Production deployments of the repository between the period's start and the collection."""
    visible: bool
    reason: str | None = None
    gated: bool | None = None
    """A production environment asks for an approval before it is deployed to; None when that is not known."""
    collected_at: datetime | None = None
