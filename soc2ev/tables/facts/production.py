"""
D where a change reaches production by a deployment: approved before that, though perhaps after the merge.

An approval after the merge counts as any other does: independent, of the merged content, and not taken back; whoever
had asked for changes has to have approved since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from soc2ev.tables.facts import approvals, opinions, rulebook
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.evidence import Change, Deployment, Rules, Tickets
from soc2ev.tables.facts.fact import Fact, moment, together, unknown, yes
from soc2ev.tables.facts.makers import Makers
from soc2ev.tables.facts.people import People
from soc2ev.tables.facts.reviews import Reviewed


@dataclass(frozen=True, slots=True)
class Trail:
    """What of a judged change is needed to compare its approval with a deployment."""

    change: Change
    """Without its requests, commits and tickets: some thousand trails are in memory at once."""
    makers: Makers
    people: People
    merged: Fact
    """Whether it had been approved when it was merged."""
    since: datetime | None
    """From when it was approved, when that was after the merge; None when it never was, or nobody can tell."""


def trail(case: Case, approval_reason: str) -> Trail:
    """The trail of a judged change; `approval_reason` is what attribute D says of its merge."""
    light = replace(
        case.change,
        requests=(),
        commits=(),
        tested=(),
        rules=Rules((), visible=False),
        tickets=Tickets((), configured=False, visible=False),
    )
    return Trail(light, case.makers, case.people, _merged(case, approval_reason), _since(case))


def before_deployment(found: Trail, began: datetime, deployment: Deployment | None) -> Fact:
    """Attribute D of the change for a delivery that began then; `deployment` is None for a release."""
    approved = found.merged
    if approved.value is not True and found.since is not None and found.since < began:
        approved = yes(f"Approved after the merge, and before it was deployed ({moment(found.since)}).")
    if deployment is None:
        return approved
    seen = replace(found.change.deployments, containing=(deployment,))
    gate = approvals.at_gate(replace(found.change, deployments=seen), found.makers, found.people)
    return together([approved, gate]) if gate else approved


def _merged(case: Case, said: str) -> Fact:
    """D without the gate."""
    if case.standard.value:
        return yes(case.standard.reason)
    review = case.review
    if review.value is False and case.standard.value is None:
        return unknown(said)
    words = {True: "Approved before the merge: ", False: "Not approved before the merge: ", None: "Not known: "}
    return Fact(review.value, f"{words[review.value]}{review.reason}", review.flags)


def _since(case: Case) -> datetime | None:
    change = case.change
    if not case.reviewed or change.unseen_requests or approvals.pushed_along(change) is not None:
        return None
    needed = rulebook.needed_approvals(change, case.policy)
    times = [_approved(one, needed, case.people) for one in case.reviewed if one.fact.value is not True]
    return max((at for at in times if at), default=None) if all(times) else None


def _approved(found: Reviewed, needed: int, people: People) -> datetime | None:
    """From when enough people had approved the request, with those who approved before the merge."""
    if not found.whole or not found.makers.certain or found.parts or found.request.unseen_constituents:
        return None
    objecting = {
        one.party.key
        for one in opinions.at_merge(found.request, people)
        if one.approves is not True and not one.party.machine
    }
    objecting |= _objected_later(found, people)
    given: dict[str, list[datetime]] = {}
    for one in (*found.approvals, *found.later):
        if one.counts and (at := one.opinion.review.submitted_at):
            given.setdefault(one.opinion.party.key, []).append(at)
    merged = found.request.merged_at
    settled = [max(given.get(key, ()), default=None) for key in sorted(objecting)]
    if merged is None or len(given) < needed or any(at is None or at <= merged for at in settled):
        return None
    return max(sorted(min(times) for times in given.values())[needed - 1], merged, *(at for at in settled if at))


def _objected_later(found: Reviewed, people: People) -> set[str]:
    """Who asked for changes after the merge, or may have, and approves nothing since."""
    merged = found.request.merged_at
    asked = [
        people.account(one.reviewer).key if one.reviewer else f"gone:{one.id}"
        for one in found.request.reviews
        if one.state == "CHANGES_REQUESTED"
        and (merged is None or one.submitted_at is None or one.submitted_at > merged)
    ]
    return set(asked)
