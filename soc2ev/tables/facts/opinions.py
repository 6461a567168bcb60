"""
What each reviewer thought of a pull request when it was merged.

Reviews are read as they stood then: one that was dismissed later counted at the merge, and an approval that came later
did not. A comment takes nothing back; a later approval or request for changes of the same person does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from soc2ev.tables.facts.evidence import Event, PullRequest, Review
from soc2ev.tables.facts.people import Party, People

_OPINIONS = frozenset({"APPROVED", "CHANGES_REQUESTED"})


@dataclass(frozen=True, slots=True)
class Opinion:
    """The last opinion that somebody gave before the merge."""

    review: Review
    party: Party
    approves: bool | None
    """False: it asks for changes. None: it was dismissed and nobody told what it was."""
    standing: bool | None
    """Whether it was in force at the merge; None when that is not known."""
    dismissed: Event | None
    """The event that dismissed it, whenever that was."""


def at_merge(request: PullRequest, people: People) -> list[Opinion]:
    """The last opinion of each reviewer at or before the merge; those without a time may be anybody's last."""
    merged = request.merged_at
    found: dict[str, list[Opinion]] = {}
    for opinion in _opinions(request, people):
        at = opinion.review.submitted_at
        if merged is None or at is None or at <= merged:
            found.setdefault(opinion.party.key, []).append(opinion)
    return [last for mine in found.values() for last in _last(mine)]


def after_merge(request: PullRequest, people: People) -> list[Opinion]:
    """Approvals given after the merge that nobody took back since, oldest first."""
    given = [(at, one) for one in _opinions(request, people) if (at := one.review.submitted_at)]
    later = [(at, one) for at, one in given if request.merged_at and at > request.merged_at]
    objected = {one.party.key: at for at, one in sorted(later, key=_by_time) if one.approves is False}
    return [
        one
        for at, one in sorted(later, key=_by_time)
        if one.review.state == "APPROVED" and (one.party.key not in objected or at > objected[one.party.key])
    ]


def _by_time(given: tuple[datetime, Opinion]) -> tuple[datetime, str]:
    return given[0], given[1].review.id


def _opinions(request: PullRequest, people: People) -> Iterator[Opinion]:
    dismissals = {event.review: event for event in request.events if event.kind == "ReviewDismissedEvent"}
    for review in request.reviews:
        party = people.account(review.reviewer)
        if review.reviewer is None:
            party = Party(f"gone:{review.id}", party.name, known=False, machine=False)
        dismissed = dismissals.get(review.id) if review.state == "DISMISSED" else None
        state = (dismissed.state if dismissed else None) if review.state == "DISMISSED" else review.state
        if state in _OPINIONS or (state is None and review.state == "DISMISSED"):
            approves = None if state is None else state == "APPROVED"
            yield Opinion(review, party, approves, _stands(review, dismissed, request.merged_at), dismissed)


def _stands(review: Review, dismissed: Event | None, merged: datetime | None) -> bool | None:
    if merged is None or review.submitted_at is None:
        return None
    if review.state != "DISMISSED":
        return True
    return None if dismissed is None or dismissed.at is None else dismissed.at > merged


def _last(mine: list[Opinion]) -> list[Opinion]:
    """The newest; all of them, none certain, when one has no time."""
    timed = [(at, one) for one in mine if (at := one.review.submitted_at)]
    if len(timed) < len(mine):
        return [replace(one, standing=None) for one in mine]
    # Of two in the same second the objection wins.
    return [max(timed, key=lambda pair: (pair[0], pair[1].approves is not True, pair[1].review.id))[1]]
