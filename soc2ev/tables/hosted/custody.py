"""The chain of custody of a change: every record about it, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from soc2ev.tables import commit_text

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.tables.facts.evidence import Account, Change, PullRequest, Tests, Ticket

_SHORT = 10
_EVENTS = {
    "HeadRefForcePushedEvent": ("push", "force-pushed the branch from {before} to {after}"),
    "BaseRefChangedEvent": ("push", "changed the base branch from {before} to {after}"),
    "ReviewDismissedEvent": ("review", "dismissed a review ({state})"),
    "LabeledEvent": ("rule", "added the label {name}"),
    "UnlabeledEvent": ("rule", "removed the label {name}"),
    "RenamedTitleEvent": ("rule", "changed the title from \u201c{before}\u201d to \u201c{after}\u201d"),
    "AddedToMergeQueueEvent": ("merge", "added it to the merge queue"),
    "RemovedFromMergeQueueEvent": ("merge", "took it out of the merge queue"),
    "AutoMergeEnabledEvent": ("merge", "switched on that it merges by itself"),
    "ReadyForReviewEvent": ("review", "marked it as ready for review"),
    "ConvertToDraftEvent": ("review", "made it a draft again"),
    "ReopenedEvent": ("review", "opened it again"),
}
_REVIEWS = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "asked for changes to",
    "COMMENTED": "commented on",
    "DISMISSED": "reviewed (dismissed since)",
}
Step = tuple[datetime | None, str, str | None, str, str]
"""When, which step, who, what, whose clock."""


def custody_rows(change: Change) -> Iterator[dict[str, Json]]:
    """Rows of `custody` for one change, oldest first."""
    steps = sorted(_steps(change), key=lambda step: step[0] or datetime.min.replace(tzinfo=UTC))
    for position, (at, step, who, what, clock) in enumerate(steps):
        row = {"item": change.item, "position": position, "at": at, "step": step}
        yield {**row, "who": who, "what": what, "clock": clock}


def _steps(change: Change) -> Iterator[Step]:
    for link in change.tickets.links:
        if link.ticket is not None:
            yield from _of_ticket(link.ticket)
    for request in change.requests:
        yield from _of_request(request)
    if not change.requests:
        for one in change.commits:
            who = one.author.login if one.author else one.author_name
            what = f"committed {one.sha[:_SHORT]}: {commit_text.title(one.message)}"
            yield one.committed_at, "commit", who, what, "client"
    for tests in change.tested:
        yield from _of_tests(tests)
    yield _landing(change)
    for deployment in change.deployments.containing:
        name = f"deployment {deployment.id} of {deployment.sha[:_SHORT]} to {deployment.environment}"
        yield deployment.created_at, "deployment", _login(deployment.creator), f"started {name}", "server"
        for state, at in deployment.statuses:
            yield at, "deployment", None, f"{name}: {state.lower()}", "server"


def _landing(change: Change) -> Step:
    words = {"pr_merge": "merged it into", "queue_merge": "merged it by the queue into", "force_push": "force-pushed"}
    what = f"{words.get(change.integration, 'pushed it to')} {change.ref} as {change.sha[:_SHORT]}"
    return change.at, "merge", _login(change.actor), what, "server"


def _of_request(request: PullRequest) -> Iterator[Step]:
    name = f"#{request.number}"
    yield request.created_at, "commit", _login(request.author), f"opened pull request {name}: {request.title}", "server"
    for one in request.commits:
        who = one.author.login if one.author else one.author_name
        what = f"committed {one.sha[:_SHORT]}: {commit_text.title(one.message)}"
        yield one.committed_at, "commit", who, what, "client"
        if one.sha in request.received:
            yield request.received[one.sha], "push", None, f"the server held {one.sha[:_SHORT]}", "server"
    for review in request.reviews:
        verb = _REVIEWS.get(review.state, review.state.lower())
        what = f"{verb} {name} at {(review.commit or 'an unknown commit')[:_SHORT]}"
        yield review.submitted_at, "review", _login(review.reviewer), what, "server"
    for event in request.events:
        if event.kind in _EVENTS:
            step, form = _EVENTS[event.kind]
            parts = {part: _brief(getattr(event, part)) for part in ("before", "after", "name", "state")}
            yield event.at, step, _login(event.actor), form.format(**parts), "server"


def _of_tests(tests: Tests) -> Iterator[Step]:
    for check in tests.checks:
        verdict = (check.conclusion or check.status or "unknown").lower()
        yield check.completed_at, "check", None, f"{check.name} on {tests.sha[:_SHORT]}: {verdict}", "server"


def _of_ticket(ticket: Ticket) -> Iterator[Step]:
    yield ticket.created_at, "ticket", _login(ticket.reporter), f"created {ticket.key}: {ticket.summary}", "server"
    for event in ticket.events:
        if event.field == "status":
            what = f"moved {ticket.key} from {event.before} to {event.after}"
            yield event.at, "ticket", _login(event.actor), what, "server"
    for approval in ticket.approvals or ():
        people = ", ".join(who.login or "" for who, said in approval.approvers if who and said == "approved")
        what = f"{approval.name or 'approval'} of {ticket.key}: {approval.decision}"
        yield approval.completed_at, "ticket", people or None, what, "server"


def _login(account: Account | None) -> str | None:
    return account.login if account else None


def _brief(text: str | None) -> str:
    """A commit in short; anything else as it is, without line breaks."""
    if text and len(text) in (40, 64) and all(letter in "0123456789abcdef" for letter in text):
        return text[:_SHORT]
    return " ".join((text or "nothing").split())
