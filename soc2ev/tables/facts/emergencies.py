"""
F: whether the change was an emergency, declared or shown by a bypass, and whether the procedure for one was followed.

A bypass that nobody declared is undocumented. A declared emergency needs a reason, and a review by somebody independent
within the policy's deadline, unless it was reviewed and tested like any other change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from soc2ev.tables.facts import answers, approvals, checks, opinions, rulebook, standard_changes
from soc2ev.tables.facts.business_days import deadline
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.declarations import declared
from soc2ev.tables.facts.evidence import Change
from soc2ev.tables.facts.fact import Fact, every, moment, no, shown, some, together, unknown, yes
from soc2ev.tables.facts.opinions import Opinion
from soc2ev.tables.facts.reviews import Reviewed

UNDOCUMENTED, UNKNOWN = "UNDOCUMENTED_BYPASS", "DECLARATION_NOT_KNOWN"


@dataclass(frozen=True, slots=True)
class Emergency:
    """What is known of a change as an emergency."""

    declared: bool | None
    bypassed: bool | None
    """The ordinary way was left, whoever declared what."""
    handled: Fact
    """Attribute F; its reason tells about an ordinary change too."""

    @property
    def happened(self) -> bool | None:
        """It was an emergency, by declaration or in fact."""
        return some((self.declared, self.bypassed))

    @property
    def undocumented(self) -> bool | None:
        """The ordinary way was left and nobody declared it."""
        return every((self.bypassed, None if self.declared is None else not self.declared))


def judge(case: Case) -> Emergency:
    """Attribute F of the case."""
    if approvals.brings_nothing(case.change):
        return Emergency(declared=True, bypassed=False, handled=_rolled_back(case))
    said = _declared(case)
    left = _bypassed(case)
    return Emergency(said.value, left.value, _handled(case, said, left))


def _declared(case: Case) -> Fact:
    """Of several requests that landed together one's emergency excuses no other one that was not approved either."""
    policy = case.policy.emergency
    said = declared(case.change, policy)
    if len(case.reviewed) < 2 or not said.value:  # noqa: PLR2004
        return said
    for one in case.reviewed:
        own = declared(case.change.alone(one.request), policy)
        if own.value is not True and one.fact.value is not True:
            told = f"{said.reason} #{one.request.number}, which landed with it, declared none"
            if own.value is False and one.fact.value is False:
                return no(f"{told} and was not approved.")
            return unknown(f"{told}, or was not approved, as far as is known.")
    return said


def _handled(case: Case, said: Fact, left: Fact) -> Fact:
    flags = said.flags | left.flags
    if said.value:
        return together([said, _reasoned(case), _reviewed(case)], flags)
    if said.value is False and left.value:
        return Fact(value=False, reason=f"{left.reason} {said.reason}", flags=flags | {UNDOCUMENTED})
    parts = [one.reason for one in (said, left) if one.value is None] or [said.reason, left.reason]
    if left.value:
        flags |= {UNKNOWN}
    return Fact(value=None, reason=" ".join(dict.fromkeys(parts)), flags=flags)


def _reasoned(case: Case) -> Fact:
    """Somebody wrote why: in the description, or in a ticket."""
    change = case.change
    if any(link.ticket for link in change.tickets.links):
        return yes("A ticket tells why.")
    edited = [
        one for one in change.requests if one.edited_at and (one.merged_at is None or one.edited_at > one.merged_at)
    ]
    texts = [one.body for one in change.requests] or [one.message.partition("\n")[2] for one in change.commits]
    if any(answers.described(text) for text in texts):
        return (
            unknown("The description that tells why was edited after the merge.")
            if edited
            else yes("Its description tells why.")
        )
    if edited or any("missing" not in (one.reason or "").lower() for one in change.tickets.links):
        return unknown("The text that could tell why was edited after the merge, or not obtained.")
    return no("Nobody wrote why it could not wait.")


def _reviewed(case: Case) -> Fact:
    """Reviewed and tested like any other change, or reviewed afterwards in time."""
    ordinary = every((case.review.value, case.tested.value))
    if ordinary:
        return yes("It was reviewed and tested before the merge like any other change.")
    # Of several that landed together those that were approved before need no look afterwards.
    left = [one for one in case.reviewed if one.fact.value is not True] or case.reviewed
    later = together([afterwards(case, one) for one in left]) if left else _pushed(case.change)
    if later.value is False and ordinary is None:
        return unknown(
            f"Whether it was reviewed and tested before the merge is not known. {later.reason}", *later.flags
        )
    return later


def _pushed(change: Change) -> Fact:
    if change.integration in ("pr_merge", "queue_merge") or change.unseen_requests:
        return unknown("The pull request that landed it was not obtained.")
    return no("It was pushed without a pull request, and no review afterwards is recorded.", "POST_REVIEW_MISSING")


def afterwards(case: Case, found: Reviewed) -> Fact:
    """Whether somebody independent reviewed the request after its merge, within the time of the policy."""
    merged, number = found.request.merged_at, found.request.number
    if merged is None:
        return unknown(f"When #{number} was merged is not known, so neither is the deadline of its review.")
    until = deadline(merged, case.policy.emergency.review_within_business_days)
    judged = [(_may_review(one.opinion, found), one.opinion) for one in found.later]
    timed = [(value, at, one.party.name) for value, one in judged if (at := one.review.submitted_at)]
    if done := next(((at, name) for value, at, name in timed if value and at < until), None):
        return yes(f"{done[1]} reviewed it afterwards ({moment(done[0])}), before {moment(until)}.", "POST_REVIEW")
    if not found.whole or any(value is None and at < until for value, at, _ in timed):
        return unknown(f"Whether somebody independent reviewed #{number} afterwards is not known.")
    late = next(((at, name) for value, at, name in timed if value), None)
    return _overdue(case.change.collected_at, until, late)


def _overdue(looked: datetime | None, until: datetime, late: tuple[datetime, str] | None) -> Fact:
    if late:
        return no(f"{late[1]} reviewed it only {moment(late[0])}; due before {moment(until)}.", "POST_REVIEW_LATE")
    if looked is None or looked < until:
        return unknown(
            f"The review afterwards was pending when evidence was collected; it is due before {moment(until)}."
        )
    return no(f"Nobody independent reviewed it afterwards; that was due before {moment(until)}.", "POST_REVIEW_MISSING")


def _may_review(opinion: Opinion, found: Reviewed) -> bool | None:
    maker = found.makers.include(opinion.party)
    if opinion.party.machine or maker or opinion.review.can_push is False:
        return False
    return None if maker is None else True


def _bypassed(case: Case) -> Fact:
    """Whether the ordinary way was left: a push past the requests, a recorded bypass, or rules that were not kept."""
    change = case.change
    automated = case.standard.value if standard_changes.covers_mover(change, case.policy, case.people) else False
    if change.integration in ("direct_push", "force_push") and automated is not True:
        said = f"It was {'force-' if change.integration == 'force_push' else ''}pushed past any pull request."
        if change.may_have_request:
            return unknown(approvals.UNLISTED)
        return yes(said) if automated is False else unknown(f"{said} {case.standard.reason}")
    kept = rulebook.kept(change)
    if kept is False and automated is not True:
        return yes("The host recorded that its rules were bypassed.")
    if case.standard.value:
        return no("The host recorded no bypass." if kept else case.standard.reason)
    if kept and checks.required_failed(change):
        return unknown("The host recorded no bypass, though a check that its rules asked for had not passed.")
    return no("The host recorded no bypass.") if kept else _rules_kept(case)


def _rules_kept(case: Case) -> Fact:
    """Without the host's ledger: whether the evidence shows that its rules were kept."""
    change = case.change
    if not change.rules.visible:
        why = shown(change.rules.reason) or "not obtained"
        return unknown(f"Neither the rules of the branch ({why}) nor bypasses of them could be read.")
    wanted = rulebook.approvals(change)
    broken = some((_short(case), checks.required_failed(change)))
    if broken and case.standard.value is False:
        return yes("Rules of the branch that were in force were not kept.")
    seen = rulebook.settled(change) and not change.unseen_requests and (case.reviewed or not wanted)
    if broken is False and seen:
        return no("What the rules of the branch asked for was done.")
    return unknown("Bypasses could not be read, and whether the rules of the branch were kept is not known.")


def _short(case: Case) -> bool | None:
    """Whether an approval was missing that its rules asked for, as the host counts approvals."""
    wanted, last_push = rulebook.approvals(case.change), any(one.last_push_approval for one in case.change.rules.rules)
    if not wanted:
        return False
    return some(_objected(one, case) or _short_of(wanted, one, last_push=last_push) for one in case.reviewed)


def _objected(found: Reviewed, case: Case) -> bool:
    """Whether a request for changes of somebody who may write was open, which the host waits for."""
    given = opinions.at_merge(found.request, case.people) if found.whole else []
    return any(one.approves is False and one.standing and one.review.can_push for one in given)


def _short_of(wanted: int, found: Reviewed, *, last_push: bool) -> bool | None:
    """The host counts whoever may write and did not open the request, whatever else that person made of it."""
    certain, _ = found.independents()
    if not found.whole or len(certain) >= wanted:
        return False if found.whole else None
    standing = [one.opinion for one in found.approvals if one.opinion.standing is not False]
    given = [one for one in standing if _may_have_counted(one) and not _opened(found, one)]
    sure = [one for one in given if one.standing and one.approves and one.review.can_push]
    if len(given) < wanted:
        return True
    return False if len(sure) >= wanted and not last_push else None


def _may_have_counted(opinion: Opinion) -> bool:
    """Whether that account may have been able to write; of one that is gone since, that it cannot now tells nothing."""
    return opinion.review.can_push is not False or opinion.review.reviewer is None


def _opened(found: Reviewed, opinion: Opinion) -> bool:
    author, reviewer = found.request.author, opinion.review.reviewer
    return author is not None and reviewer is not None and author.number == reviewer.number


def _rolled_back(case: Case) -> Fact:
    """A rollback is out of the ordinary: it needs an incident that tells why, and somebody who allowed it."""
    told = case.change.tickets
    if any(link.ticket for link in told.links):
        reason = yes("A ticket tells why.")
    elif told.links or not told.visible:
        reason = unknown("Whether a ticket tells why is not known.")
    else:
        reason = no("No ticket tells why an older state was deployed again.")
    gate = approvals.at_gate(case.change, case.makers, case.people)
    return together(
        [reason, gate or unknown("No gate asks before a deployment, so who allowed this one is not known.")]
    )
