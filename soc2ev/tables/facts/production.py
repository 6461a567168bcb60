"""
D where a change reaches production by a deployment: approved before that, though perhaps after the merge.

An approval after the merge counts as any other does: independent, of the merged content, and not taken back; whoever
had asked for changes has to have approved since. What was deployed before it was merged had to be approved by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from soc2ev.tables.facts import approvals, opinions, rulebook
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.evidence import Change, Deployment, Rules, Tickets
from soc2ev.tables.facts.fact import Fact, moment, no, together, unknown, yes
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
    read_at: datetime | None = None
    """When approvals after the merge were looked for; None where none could count."""
    approved_at: datetime | None = None
    """From when it was approved, when that was before the merge; None when nobody can tell."""
    asked_at: datetime | None = None
    """When anybody approved it first; None when nobody did, or a time is not known."""
    standing: bool = False
    """No approval of its own was asked for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a delivery had to pass where it was delivered."""

    deployment: Deployment | None
    """None for a release."""
    gated: bool | None
    """A production environment asks for an approval; None when that is not known."""


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
    merged, late = _merged(case, approval_reason), _awaits(case)
    return Trail(
        light,
        case.makers,
        case.people,
        merged,
        _since(case) if late else None,
        case.change.collected_at if late else None,
        *_times(case),
        standing=bool(case.standard.value) or rulebook.needed_approvals(case.change, case.policy) < 1,
    )


def before_delivery(found: Trail, began: datetime, passed: Gate) -> Fact:
    """Attribute D of the change for a delivery that began then."""
    approved = _in_time(found, began)
    if passed.deployment is None:
        return approved
    told = found.change.deployments
    seen = replace(told, containing=(passed.deployment,), gated=passed.gated)
    gate = approvals.at_gate(replace(found.change, deployments=seen), found.makers, found.people)
    return together([approved, gate]) if gate else approved


def _in_time(found: Trail, began: datetime) -> Fact:
    """D without the gate."""
    merged, landed = found.merged, found.change.at
    if merged.value and not found.standing and landed is not None and began < landed:
        return _ahead(found, began)
    if merged.value is not True and found.since is not None and found.since < began:
        return yes(f"Approved after the merge, and before it was deployed ({moment(found.since)}).")
    if merged.value is False and found.read_at is not None and found.read_at < began:
        asked = f"whether it was before it was deployed is not known: that was read {moment(found.read_at)}"
        return unknown(f"{merged.reason} {asked[0].upper()}{asked[1:]}; collect the period in which it landed again.")
    return merged


def _ahead(found: Trail, began: datetime) -> Fact:
    """Of a change that was deployed before it was merged, and approved before the merge."""
    told = f"Deployed ({moment(began)}) before it was merged ({moment(found.change.at)}); "
    if found.approved_at is not None and found.approved_at < began:
        return yes(f"{told}approved before that ({moment(found.approved_at)}).")
    if found.approved_at is not None and found.asked_at is not None and began <= found.asked_at:
        return no(f"{told}approved only after it was deployed ({moment(found.asked_at)}).")
    return unknown(f"{told}whether what was deployed had been approved by then is not known.")


def _merged(case: Case, said: str) -> Fact:
    """D without the gate."""
    if case.standard.value:
        return yes(case.standard.reason)
    review = case.review
    if review.value is False and case.standard.value is None:
        return unknown(said)
    words = {True: "Approved before the merge: ", False: "Not approved before the merge: ", None: "Not known: "}
    return Fact(review.value, f"{words[review.value]}{review.reason}", review.flags)


def _awaits(case: Case) -> bool:
    """Whether an approval after the merge could count."""
    change = case.change
    return bool(case.reviewed) and not change.unseen_requests and approvals.pushed_along(change) is None


def _times(case: Case) -> tuple[datetime | None, datetime | None]:
    """From when it was approved before the merge, and when the first approval was given."""
    needed = rulebook.needed_approvals(case.change, case.policy)
    times = [_stood(one, needed, case.people) for one in case.reviewed]
    reviews = [one for found in case.reviewed for one in found.request.reviews]
    given = [one.submitted_at for one in reviews if one.state in ("APPROVED", "DISMISSED")]
    first = min((at for at in given if at), default=None) if all(given) else None
    return max((at for at in times if at), default=None) if all(times) else None, first


def _stood(found: Reviewed, needed: int, people: People) -> datetime | None:
    """From when enough people had approved the request before it was merged; None when nobody can tell."""
    objected = any(one.approves is not True for one in opinions.at_merge(found.request, people))
    if found.fact.value is not True or objected or found.parts or found.request.unseen_constituents:
        return None
    given: dict[str, list[datetime]] = {}
    for one in found.approvals:
        if one.counts and (at := one.opinion.review.submitted_at):
            given.setdefault(one.opinion.party.key, []).append(at)
    return sorted(min(times) for times in given.values())[needed - 1] if len(given) >= needed else None


def _since(case: Case) -> datetime | None:
    change = case.change
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
