"""Requests and commits as far as the collection itself needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """What of a commit the collection itself needs."""

    sha: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What of a detailed request the collection itself needs."""

    number: int
    id: str
    by_machine: bool
    """Its author is no person's account."""
    base: str
    head_ref: str
    head_sha: str
    merged_at: datetime
    created_at: datetime
    landed: Commit | None
    commits: tuple[Commit, ...]
    commit_count: int
    approved: bool
    pushed: bool
    """A check suite dates the push of its head and tells who made it; for forks nothing else tells more."""
    base_sha: str
    """What the base held, as GitHub last compared."""
    approvals: tuple[tuple[datetime, str], ...]
    """When somebody approved which commit before the merge, as far as the first answer tells."""
    forced: tuple[tuple[datetime, str], ...]
    """When the branch was force-pushed, and what it held before."""
    edited: bool
    """Its description was edited after the merge."""
    again: tuple[str, ...]
    """Its head, and what a queue landed, where a check ran after the merge, which hides the attempt before it."""
    restated: tuple[str, ...]
    """The same for commit statuses."""
