"""Whether a change was declared an emergency by the time it was merged: by a label, its branch or its ticket's type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from soc2ev.config import EmergencyPolicy
from soc2ev.tables.facts import rulebook, ticket_history
from soc2ev.tables.facts.evidence import Change, PullRequest, TicketLink
from soc2ev.tables.facts.fact import Fact, no, shown, unknown, yes
from soc2ev.tables.facts.ticket_history import folded

_LATE = "DECLARED_LATE"


def declared(change: Change, policy: EmergencyPolicy) -> Fact:
    """Whether anything declared it at or before the merge. What came only afterwards declares nothing."""
    at = rulebook.landed_at(change)
    signals = [one for request in change.requests for one in _of_request(request, policy)]
    links = change.tickets.links if policy.ticket_types and change.tickets.configured else ()
    signals += [_of_ticket(one, at, policy) for one in links]
    for wanted in (True, None):
        if found := next((one for one in signals if one.value is wanted), None):
            return found
    if not _seen(change):
        return unknown("The pull request that landed it was not obtained, so what it declared is not known.")
    late = next((one for one in signals if one.flags), None)
    return late or no("No label, branch or ticket declared an emergency.")


def _seen(change: Change) -> bool:
    """Whether every request that landed with it was obtained; a push may have landed none."""
    return not change.unseen_requests and bool(change.requests or change.integration not in ("pr_merge", "queue_merge"))


def _of_request(request: PullRequest, policy: EmergencyPolicy) -> Iterator[Fact]:
    if request.head_ref is None and policy.branches:
        yield unknown("From which branch it came is not known.")
    elif any(fnmatchcase(request.head_ref or "", glob) for glob in policy.branches):
        yield yes(f"The branch {shown(request.head_ref)} declared an emergency.")
    for label in policy.labels:
        yield _labelled(request, label)


def _labelled(request: PullRequest, label: str) -> Fact:
    merged, name = request.merged_at, shown(label)
    moves = [one for one in request.events if one.kind in ("LabeledEvent", "UnlabeledEvent") and _same(one.name, label)]
    if merged is None or "events" in request.missing or any(one.at is None for one in moves):
        return unknown(f"Whether it had the label {name} at the merge is not known.")
    moves.sort(key=lambda one: one.at or merged)
    before = [one for one in moves if one.at and one.at <= merged]
    # A label without a record of setting it was set when the request was opened.
    opened = bool(moves and moves[0].kind == "UnlabeledEvent") or (
        not moves and any(_same(one, label) for one in request.labels)
    )
    if before[-1].kind == "LabeledEvent" if before else opened:
        return yes(f"The label {name} declared an emergency.")
    if any(one.kind == "LabeledEvent" for one in moves[len(before) :]):
        return no(f"The label {name} was set only after the merge.", _LATE)
    return no(f"It did not have the label {name}.")


def _of_ticket(link: TicketLink, at: datetime | None, policy: EmergencyPolicy) -> Fact:
    ticket, key = link.ticket, shown(link.key)
    wanted = {folded(one) for one in policy.ticket_types}
    if ticket is None or at is None:
        gone = at is not None and "missing" in (link.reason or "").lower()
        return no(f"{key} does not exist.") if gone else unknown(f"Of which type {key} was is not known.")
    kind = ticket_history.type_at(ticket, at)
    if ticket.created_at is None or kind is None:
        return unknown(f"Of which type {key} was at the merge is not known.")
    if ticket.created_at <= at and folded(kind) in wanted:
        return yes(f"The ticket {key} ({shown(kind)}) declared an emergency.")
    if folded(ticket.type) in wanted:
        return no(f"The ticket {key} declared an emergency only after the merge.", _LATE)
    return no(f"The ticket {key} is no emergency.")


def _same(name: str | None, label: str) -> bool:
    return folded(name) == folded(label)
