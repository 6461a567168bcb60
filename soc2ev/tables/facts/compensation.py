"""
I: what stands in for a second pair of eyes where a team is too small for one.

It takes no deviation away from any other attribute: an auditor weighs it beside them. The required checks had to pass,
and somebody had to look at the change again in time: somebody else, or, with a dated record, its own maker.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from soc2ev.tables.facts import emergencies, rulebook
from soc2ev.tables.facts.business_days import deadline
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.fact import Fact, moment, no, shown, some, together, unknown, yes
from soc2ev.tables.facts.reviews import Reviewed

COMPENSATED, UNCOMPENSATED = "COMPENSATED", "UNCOMPENSATED"


def applies(case: Case, review: Fact, duties: Fact, *, reviewable: bool) -> bool | None:
    """
    Whether it is asked of a change whose C and E came out like that: of those that nobody independent looked at.

    None when that is not known. `reviewable` says whether C applied at all.
    """
    if case.policy.team == "normal" or (reviewable and review.value):
        return False
    unreviewed = None if review.value is None else True
    alone = None if duties.value is None else not duties.value
    return some((unreviewed if reviewable else False, alone))


def judge(case: Case, *, asked: bool | None) -> Fact:
    """Attribute I of the case; `asked` says whether it applies."""
    if case.policy.team == "normal":
        return unknown("The team is large enough for a second pair of eyes (policy.team is normal).")
    if asked is None:
        return unknown(
            "Whether somebody independent looked at it is not known, so neither is what has to make up for it."
        )
    if not asked:
        return unknown("Somebody independent looked at it, or nobody had to.")
    found = together([_tested(case), _looked_at(case)])
    flags = {True: {COMPENSATED}, False: {UNCOMPENSATED}, None: set[str]()}
    return Fact(found.value, found.reason, frozenset(flags[found.value]))


def _tested(case: Case) -> Fact:
    if case.tested.value:
        return yes("The required checks passed.")
    head = "Whether the required checks passed is not known" if case.tested.value is None else "The checks did not pass"
    return Fact(case.tested.value, f"{head}: {case.tested.reason}")


def _looked_at(case: Case) -> Fact:
    """Whether every part of it was looked at again in time, by whichever way counts for the team."""
    written = _written(case)
    if written.value:
        return written
    own = [_request(case, one) for one in case.reviewed]
    if case.change.unseen_requests or (not own and case.change.integration in ("pr_merge", "queue_merge")):
        own.append(unknown("Not all of its pull requests were obtained."))
    elif not own:
        own.append(no("It has no pull request that somebody could have reviewed afterwards."))
    told = together(own)
    value = some((told.value, written.value))
    return Fact(value, " ".join(dict.fromkeys(one.reason for one in (told, written) if one.value is value)))


def _request(case: Case, found: Reviewed) -> Fact:
    later = emergencies.afterwards(case, found)
    if later.value or case.policy.team != "solo":
        return later
    return _by_maker(case, found) or later


def _by_maker(case: Case, found: Reviewed) -> Fact | None:
    """A review that the only developer left on the request, by the deadline; None when there is none."""
    until = _until(found.request.merged_at, case)
    for one in found.request.reviews:
        party, at = case.people.account(one.reviewer), one.submitted_at
        if one.reviewer and not party.machine and at and until and at < until and found.makers.include(party):
            return yes(f"{party.name} reviewed the own change ({moment(at)}).")
    return None


def _written(case: Case) -> Fact:
    """A dated record of the register that its maker looked at it again."""
    landed = rulebook.landed_at(case.change)
    until = _until(landed, case)
    if case.change.self_reviews is None:
        return unknown("The register of self-reviews could not be read.")
    if landed is None or until is None:
        return unknown("When it landed is not known, so neither is until when a review was due.")
    if one := next(_timely(case, landed, until), None):
        return yes(f"{shown(one[0])} wrote down a review of the own change ({moment(one[1])}): {shown(one[2])}.")
    looked = case.change.collected_at
    if looked is None or looked < until:
        return unknown(f"There was time for a review until {moment(until)} when evidence was collected.")
    return no(f"No self-review is on record before {moment(until)}.")


def _timely(case: Case, landed: datetime, until: datetime) -> Iterator[tuple[str, datetime, str]]:
    for one in case.change.self_reviews or ():
        if one.at is not None and landed <= one.at < until:
            yield one.reviewer, one.at, one.checked


def _until(landed: datetime | None, case: Case) -> datetime | None:
    return deadline(landed, case.policy.emergency.review_within_business_days) if landed else None
