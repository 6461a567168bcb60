"""
G: whether the change is described, can be undone by a plan, and answers the questions of a high-risk change.

Template text is no answer: comments, headings, checkboxes and code say nothing, and neither do `n/a` without a reason
and `tbd`. What was written after the merge does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from soc2ev.tables.facts import answers, rulebook, ticket_history
from soc2ev.tables.facts.evidence import Change, PullRequest
from soc2ev.tables.facts.fact import Fact, no, together, unknown, yes

_EDITED = "BODY_EDITED_AFTER_MERGE"


@dataclass(frozen=True, slots=True)
class _Texts:
    """What was written for one request or push."""

    certain: tuple[str, ...]
    """As it stood at the merge."""
    edited: tuple[str, ...]
    """As it stands now, and was edited since."""
    unseen: bool
    """There is more that was not obtained."""


def judge(change: Change) -> Fact:
    """Attribute G of the change."""
    if not change.requests and change.integration in ("pr_merge", "queue_merge"):
        return unknown("The pull request that landed it was not obtained, so its description is not known.")
    if change.may_have_request:
        return unknown("Not all pull requests could be listed, so whether one describes it is not known.")
    several = len(change.requests) > 1
    asked = [(change.alone(one) if several and one else change, one) for one in change.requests or (None,)]
    answered = [fact for alone, request in asked for fact in _facts(alone, request)]
    if change.unseen_requests:
        answered.append(unknown(f"{change.unseen_requests} pull requests that landed with it were not obtained."))
    return together(answered)


def _facts(change: Change, request: PullRequest | None) -> Iterator[Fact]:
    own, tickets = _own(change, request), _of_tickets(change)
    all_texts = _Texts(own.certain + tickets.certain, own.edited + tickets.edited, own.unseen or tickets.unseen)
    undone = change.integration == "rollback"
    yield _found(answers.described, all_texts if undone else own, "a description of 15 characters or more")
    if not undone:
        yield _found(answers.rollback_planned, all_texts, "a rollback plan")
    if change.high_risk is None:
        yield unknown("Whether it is a high-risk change is not known.")
    elif change.high_risk:
        for name, pattern in answers.QUESTIONS.items():
            yield _found(partial(answers.answered, question=pattern), all_texts, f"an answer about {name}")


def _found(asked: Callable[[str], bool], texts: _Texts, what: str) -> Fact:
    if any(asked(text) for text in texts.certain):
        return yes(f"It has {what}.")
    if texts.edited:
        seen = "is there only in" if any(asked(text) for text in texts.edited) else "may have been removed from"
        return unknown(f"{what[0].upper()}{what[1:]} {seen} text that was edited after the merge.", _EDITED)
    if texts.unseen:
        return unknown(f"{what[0].upper()}{what[1:]} may stand in a text that was not obtained.")
    return no(f"It has no {what.removeprefix('a ').removeprefix('an ')}.")


def _own(change: Change, request: PullRequest | None) -> _Texts:
    """The description of the request; for a push what its commit messages say below their first line."""
    if request is None:
        bodies = tuple(one.message.partition("\n")[2] for one in change.commits)
        return _Texts(bodies, (), unseen=not change.commits and change.integration != "rollback")
    merged, edited = request.merged_at, request.edited_at
    if edited is None or (merged is not None and edited <= merged):
        return _Texts((request.body,), (), unseen=False)
    return _Texts((), (request.body,), unseen=False)


def _of_tickets(change: Change) -> _Texts:
    """The descriptions of its tickets at the merge."""
    at = rulebook.landed_at(change)
    links = change.tickets.links if change.tickets.configured else ()
    held = [one.ticket for one in links if one.ticket]
    then = [ticket_history.description_at(one, at) if at else None for one in held]
    unread = any(one.ticket is None and "missing" not in (one.reason or "").lower() for one in links)
    return _Texts(tuple(text for text in then if text is not None), (), unseen=unread or None in then)
