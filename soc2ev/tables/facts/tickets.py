"""
A: whether a ticket of the right type asked for the change, and was approved before the merge by none of its makers.

The first key that the change names is the primary one and decides; any other one must not be rejected. Tickets are
read as they were at the merge. Requests that a queue landed together each name their own. One that does not exist and
one that cannot be read look alike, so neither is ever met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from soc2ev import ticket_keys
from soc2ev.config import Policy, TicketPolicy
from soc2ev.tables.facts import rulebook, ticket_history
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.evidence import Account, Change, PullRequest, Ticket, TicketApproval, TicketEvent, TicketLink
from soc2ev.tables.facts.fact import Fact, moment, no, shown, some, together, unknown, yes
from soc2ev.tables.facts.makers import Makers
from soc2ev.tables.facts.people import LIST_IT, Party, People
from soc2ev.tables.facts.ticket_history import folded

_AT_ONCE = timedelta(minutes=1)
"""What creates a ticket may set more of it right afterwards."""
_DECIDED = ("approved", "declined")
"""Final decisions of Service Management beside `pending`; it documents no other one."""
_REJECTED = frozenset({"rejected", "declined", "cancelled", "canceled", "won't do"})
BACKFILLED, BY_AUTOMATION, LATE = "TICKET_BACKFILLED", "TICKET_APPROVED_BY_AUTOMATION", "TICKET_APPROVED_LATE"
EDITED = "BODY_EDITED_AFTER_MERGE"


def judge(case: Case) -> Fact:
    """Attribute A of the change; of several requests that landed together each needs a ticket of its own."""
    change, policy, people = case.change, case.policy, case.people
    if len(case.reviewed) > 1:
        each = [(change.alone(one.request), one) for one in case.reviewed]
        answers = [_named(_judge(alone, policy, one.makers, people), one.request) for alone, one in each]
    else:
        answers = [_judge(change, policy, case.makers, people)]
    if change.unseen_requests and policy.ticket.mode != "none":
        answers.append(unknown(f"{change.unseen_requests} pull requests that landed with it were not obtained."))
    return together(answers)


def _named(fact: Fact, request: PullRequest) -> Fact:
    return replace(fact, reason=f"#{request.number}: {fact.reason}")


def _judge(change: Change, policy: Policy, makers: Makers, people: People) -> Fact:
    told, at = change.tickets, rulebook.landed_at(change)
    if policy.ticket.mode == "none":
        return unknown("The policy asks for no ticket.")
    if not told.configured:
        return unknown("No ticket system is configured, so nothing tells who asked for it.")
    if not told.visible:
        return unknown(f"The ticket system could not be read: {shown(told.reason) or 'no reason given'}.")
    if not told.links:
        return _none_named(change)
    if at is None:
        return unknown("When it was merged is not known, so neither is whether a ticket was approved by then.")
    primary, *others = told.links
    main = _unless_edited(_primary(primary, change, at, policy.ticket, makers, people), change)
    return together([main, *(_other(one, at) for one in others)], _ambiguous(told.links))


def _unless_edited(fact: Fact, change: Change) -> Fact:
    """What comes before a key, in the description or the title, may have named another ticket at the merge."""
    if fact.value is not True:
        return fact
    if any(one.title_then is None for one in change.requests):
        return unknown(f"{fact.reason} Which ticket the title named at the merge is not known.", *fact.flags)
    if not any(one.edited_since and one.lost_keys is not False for one in change.requests):
        return fact
    told = "The description was edited after the merge, so whether it named another ticket first is not known."
    return unknown(f"{fact.reason} {told}", *fact.flags, EDITED)


def _none_named(change: Change) -> Fact:
    whole = all("commits" not in one.missing for one in change.requests) and not change.unseen_requests
    landed = change.requests or change.integration not in ("pr_merge", "queue_merge")
    if any(one.edited_since and one.lost_keys is not False for one in change.requests):
        told = "the description was edited after the merge, and whether it named one before is not known"
        return unknown(f"No ticket is named now; {told}.", EDITED)
    if whole and landed and (change.requests or change.commits) and not change.may_have_request:
        return no("No ticket is named.")
    return unknown("No ticket is named in what was obtained of it, which is not all.")


def _ambiguous(links: Sequence[TicketLink]) -> set[str]:
    title, branch = ({one.key for one in links if one.source == where} for where in ("title", "branch"))
    return {"TICKET_AMBIGUOUS"} if title and branch and not title & branch else set()


def _primary(
    link: TicketLink, change: Change, at: datetime, policy: TicketPolicy, makers: Makers, people: People
) -> Fact:
    ticket, key = link.ticket, shown(link.key)
    named = _named_in_time(link, change)
    if named is False:
        return no(f"{key} was put into the title only after the merge.", "TICKET_NAMED_LATE")
    if ticket is None:
        return _unreadable(link)
    if ticket.created_at is not None and ticket.created_at > at:
        return no(f"{key} was created {moment(ticket.created_at)}, after the merge ({moment(at)}).", BACKFILLED)
    if named is None or ticket.created_at is None:
        return unknown(f"Whether the change named {key}, and {key} existed, before the merge is not known.")
    if not ticket.whole:
        return unknown(f"Not all of the history of {key} was obtained.")
    kind = ticket_history.type_at(ticket, at)
    if policy.types and kind is None:
        return unknown(f"Of which type {key} was is not known.")
    if policy.types and folded(kind) not in {folded(one) for one in policy.types}:
        return no(f"{key} was of type {shown(kind)}, which is not one that the policy names.", "TICKET_WRONG_TYPE")
    return _authorised(ticket, key, at, policy, makers, people)


def _unreadable(link: TicketLink) -> Fact:
    reason, key = shown(link.reason), shown(link.key)
    if "missing" in reason.lower():
        return no(f"{key} does not exist or cannot be read ({reason}).", "TICKET_MISSING")
    return unknown(f"{key} was not read: {reason or 'no reason given'}.")


def _authorised(ticket: Ticket, key: str, at: datetime, policy: TicketPolicy, makers: Makers, people: People) -> Fact:
    if policy.mode == "status":
        return _by_status(ticket, key, at, policy, makers, people)
    if policy.mode == "service_management":
        return _by_approval(ticket, key, at, policy, makers, people)
    status = ticket_history.status_at(ticket, at)
    if status is None:
        return unknown(f"The status of {key} at the merge is not known.")
    if folded(status) in _REJECTED:
        return no(f"{key} was {shown(status)} at the merge.", "TICKET_REJECTED")
    return yes(f"{key} existed before the merge and was {shown(status)} then.")


def _by_status(ticket: Ticket, key: str, at: datetime, policy: TicketPolicy, makers: Makers, people: People) -> Fact:
    wanted = frozenset(map(folded, policy.approved_statuses))
    status = ticket_history.status_at(ticket, at)
    if status is None:
        return unknown(f"The status of {key} at the merge is not known.")
    entries = list(ticket_history.entries(ticket, wanted))
    if folded(status) not in wanted:
        late = next((event for event in entries if event.at > at), None)
        after = f"; it was approved only {moment(late.at)}" if late else ""
        return no(f"{key} was {shown(status)} at the merge ({moment(at)}){after}.", *({LATE} if late else ()))
    entry = next((event for event in reversed(entries) if event.at <= at), None)
    if entry is None:
        # A ticket that was never moved there was created there, by its reporter.
        created = ticket.created_at or at
        if not ticket.events and ticket.updated_at and ticket.updated_at - created > _AT_ONCE:
            return unknown(f"{key} was changed since it was created, and no history tells who made it {shown(status)}.")
        entry = TicketEvent(created, ticket.reporter, "status", None, status)
    return _by(entry.actor, f"{key} was moved to {shown(entry.after)} ({moment(entry.at)}) by", policy, makers, people)


def _by(account: Account | None, said: str, policy: TicketPolicy, makers: Makers, people: People) -> Fact:
    """Whether whoever approved a ticket could."""
    party = people.account(account)
    if party.machine:
        return no(f"{said} {party.name}, by automation and not by a person.", BY_AUTOMATION)
    if not party.known:
        return unknown(f"{said} {party.name}, whom nobody can place.", "IDENTITY_UNRESOLVED")
    if policy.approval_by_maker_counts:
        return yes(f"{said} {party.name}.")
    made = makers.include(party)
    if made:
        return no(f"{said} {party.name}, who made a part of the change.", "TICKET_APPROVED_BY_MAKER")
    if twin := makers.namesake(party):
        return unknown(
            f"{said} {party.name}, which may be an account of {twin.name}: {LIST_IT}.", "IDENTITY_UNRESOLVED"
        )
    if made is None or not _comparable(party, makers, people):
        return unknown(f"{said} {party.name}; whether that is one of its makers is not known.", "IDENTITY_UNRESOLVED")
    return yes(f"{said} {party.name}, who made no part of it.")


def _comparable(party: Party, makers: Makers, people: People) -> bool:
    """Whether the register connects accounts of both systems: unconnected ones may be one person's."""
    if people.has_account(party, "github"):
        return True
    return all(people.has_account(one, "jira") for one in makers.parties if not one.machine)


def _by_approval(ticket: Ticket, key: str, at: datetime, policy: TicketPolicy, makers: Makers, people: People) -> Fact:
    if ticket.approvals is None:
        return unknown(f"The approvals of {key} were not obtained.")
    given = [one for one in ticket.approvals if folded(one.decision) != "pending"]
    odd = next((one.decision for one in given if folded(one.decision) not in _DECIDED), None)
    if odd is not None:
        return unknown(f"What {shown(odd) or 'nothing'} means as a decision on {key} is not known.")
    if any(one.completed_at is None for one in given):
        return unknown(f"When {key} was decided on is not known.")
    before = [(one.completed_at, folded(one.decision) != "approved", one) for one in given if _done(one, at)]
    if not before:
        after = "; it was decided on only afterwards" if given else ""
        after = after or ("" if ticket.approvals else "; Service Management lists no approval of it")
        return no(f"Nobody had approved {key} at the merge ({moment(at)}){after}.", *({LATE} if given else ()))
    when, declined, last = max(before, key=lambda one: one[:2])
    if declined:
        return no(f"{key} was {shown(last.decision)} at the merge ({moment(when)}).", "TICKET_REJECTED")
    signed = [account for account, decision in last.approvers if folded(decision) == "approved"]
    if not signed:
        return unknown(f"Who approved {key} ({moment(when)}) is not known.")
    return together([_by(one, f"{key} was approved ({moment(when)}) by", policy, makers, people) for one in signed])


def _done(approval: TicketApproval, at: datetime) -> bool:
    return approval.completed_at is not None and approval.completed_at <= at


def _other(link: TicketLink, at: datetime) -> Fact:
    """A further ticket that the change names: it must not have been rejected."""
    key = shown(link.key)
    if link.ticket is None:
        return unknown(f"{key}, which it names too, was not read: {shown(link.reason) or 'no reason given'}.")
    status = ticket_history.status_at(link.ticket, at)
    if status is None:
        return unknown(f"The status of {key}, which it names too, is not known for the time of the merge.")
    if folded(status) in _REJECTED:
        return no(f"{key}, which it names too, was {shown(status)} at the merge.", "TICKET_REJECTED")
    return yes(f"{key}, which it names too, was {shown(status)} then.")


def _named_in_time(link: TicketLink, change: Change) -> bool | None:
    """Whether the change named the key before it was merged: titles and descriptions can be edited afterwards."""
    if any(link.key in _keys(one.message, link.key) for one in change.commits):
        return True
    return some(_in_request(link, one) for one in change.requests) if change.requests else True


def _in_request(link: TicketLink, request: PullRequest) -> bool | None:
    places = [request.head_ref or "", (request.head_ref or "").upper().replace("_", " ")]
    places += [one.message for one in request.commits]
    if any(link.key in _keys(text, link.key) for text in places):
        return True
    edited = request.merged_at is None or (request.edited_at is not None and request.edited_at > request.merged_at)
    in_body = link.key in _keys(request.body, link.key)
    title = _title(link.key, request)
    if title or (in_body and not edited):
        return True
    if title is None or in_body or "commits" in request.missing:
        return None
    # A key from elsewhere, as an issue that it closes, was never in the title.
    return False if link.source in ("title", "trailer", "body") or link.key in _keys(request.title, link.key) else None


def _title(key: str, request: PullRequest) -> bool | None:
    """Whether the title held the key at the merge."""
    then = request.title_then
    return None if then is None else key in _keys(then, key)


def _keys(text: str, key: str) -> set[str]:
    return ticket_keys.find(text, [key.rpartition("-")[0]])
