"""
E: whether nobody carried a change alone, and no rule was bypassed without a record.

A stale approval of somebody independent still separates duties: who looked is another question than at what.
"""

from __future__ import annotations

from soc2ev.tables.facts import approvals, checks, rulebook
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.emergencies import UNDOCUMENTED, Emergency
from soc2ev.tables.facts.evidence import Bypass
from soc2ev.tables.facts.fact import Fact, listed, moment, no, shown, together, unknown, yes
from soc2ev.tables.facts.reviews import BY_MACHINE, IS_MAKER, UNRESOLVED, Reviewed


def judge(case: Case, emergency: Emergency) -> Fact:
    """Attribute E of the case."""
    if approvals.brings_nothing(case.change):
        gate = approvals.at_gate(case.change, case.makers, case.people)
        return gate or unknown("No gate asks before a deployment, so who allowed this one is not known.")
    if emergency.undocumented:
        return no(f"A bypass that nobody declared: {emergency.handled.reason}", UNDOCUMENTED)
    ledger = _ledger(case, emergency)
    if case.standard.value:
        tested = Fact(case.tested.value, f"{case.standard.reason} {case.tested.reason}")
        return together([tested, ledger])
    return together([*_people(case, emergency), ledger])


def _people(case: Case, emergency: Emergency) -> list[Fact]:
    """For each request, and each that it promotes, whether somebody independent approved it."""
    change = case.change
    found = [_independent(one, afterwards=False) for top in case.reviewed for part in top.parts for one in part.all()]
    if (along := approvals.pushed_along(change)) is not None:
        found.append(along)
    found += [_of_top(one, declared=emergency.declared) for one in case.reviewed]
    unseen = change.unseen_requests + sum(one.request.unseen_constituents for top in case.reviewed for one in top.all())
    if unseen or (not case.reviewed and change.integration in ("pr_merge", "queue_merge")):
        found.append(unknown("Not all pull requests that landed with it were obtained."))
    if not found and change.may_have_request:
        found.append(unknown(approvals.UNLISTED))
    if not found:
        who = listed(party.name for party in case.makers.parties) or "somebody"
        found.append(no(f"{who} brought it to {shown(change.ref)} without a review by anybody else."))
    return found


def _of_top(found: Reviewed, *, declared: bool | None) -> Fact:
    """A declared emergency may be approved afterwards."""
    before, after = (_independent(found, afterwards=later) for later in (False, True))
    if declared is None and before.value is False and after.value is not False:
        return unknown(
            f"Whether #{found.request.number} was an emergency, which may be approved afterwards, is not known."
        )
    return after if declared else before


def _independent(found: Reviewed, *, afterwards: bool) -> Fact:
    certain, perhaps = found.independents(afterwards=afterwards)
    number, names = found.request.number, found.makers.unresolved
    if certain and found.makers.certain and found.whole:
        made = listed(party.name for party in found.makers.parties)
        return yes(f"{listed(party.name for party in certain)} approved #{number}, made by {made}.")
    if certain or perhaps or not found.whole:
        who = f": nobody can place {names}" if names else ""
        flags = {UNRESOLVED} if names else set()
        return unknown(f"Whether somebody independent approved #{number} is not known{who}.", *flags)
    standing = [one for one in found.approvals if one.opinion.standing]
    flags = {flag for one in standing for flag in one.flags if flag == IS_MAKER}
    if standing and all(one.opinion.party.machine for one in standing):
        flags = {BY_MACHINE}
    given = listed(one.opinion.party.name for one in standing)
    only = (
        f"Only {given} approved #{number}, and none of them is independent" if given else f"Nobody approved #{number}"
    )
    return no(f"{only} (merged {moment(found.request.merged_at)}).", *flags)


def _ledger(case: Case, emergency: Emergency) -> Fact:
    """Whether no rule was bypassed without a record."""
    change = case.change
    kept = rulebook.kept(change)
    if kept and emergency.bypassed is None:
        return unknown("Whether a rule was bypassed is not known: what the host recorded and what happened differ.")
    if kept:
        return yes("The host recorded no bypass.")
    if kept is False or emergency.bypassed:
        if emergency.declared:
            return yes("Rules were bypassed for a declared emergency.")
        return (
            yes(case.standard.reason) if case.standard.value else unknown("Whether a bypass was declared is not known.")
        )
    if rulebook.unruled(change):
        return yes("The branch had no rules that could be bypassed.")
    why = _silent(change.bypass)
    if change.bypass.visible and _shown_kept(case):
        return yes(f"The record of bypasses {why}; the evidence shows that the rules were kept.")
    return unknown(f"The host's record of bypasses {why}, so whether a rule was bypassed is not known.")


def _silent(bypass: Bypass) -> str:
    """Why the host's record does not tell whether a rule was bypassed."""
    if not bypass.visible:
        return "could not be read"
    return "does not reach back that far" if bypass.covers else "leaves out branch protection"


def _shown_kept(case: Case) -> bool:
    change = case.change
    # As the host counts: a check that was running again at the merge holds it up, whatever it had said before.
    tested = not (rulebook.checks(change) or rulebook.workflows(change)) or (
        case.tested.value is True and checks.required_failed(change) is False
    )
    return rulebook.settled(change) and case.review.value is True and tested
