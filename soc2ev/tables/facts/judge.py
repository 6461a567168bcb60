"""
The facts about one change: attributes A-I, each true, false or not known, with a sentence that says why.

Pure: the same evidence, policy and register always give the same facts.
"""

from __future__ import annotations

from dataclasses import dataclass

from soc2ev.config import Policy
from soc2ev.model import Json
from soc2ev.tables.facts import approvals, case, compensation, deliveries, documents, duties, emergencies, tickets
from soc2ev.tables.facts.case import Case
from soc2ev.tables.facts.emergencies import Emergency
from soc2ev.tables.facts.evidence import Change
from soc2ev.tables.facts.fact import Fact, together, unknown, yes
from soc2ev.tables.facts.people import People


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of a change."""

    row: dict[str, Json]
    """Columns of change_facts, but for the item and its evidence."""
    makers: tuple[str, ...]
    """Who made a part of it: names of the register, else logins, else what clients claimed; sorted."""
    approvers: tuple[str, ...]
    """Whose approval stood at the merge, whatever it was worth; sorted."""
    flags: tuple[str, ...]
    """What a reader should know; sorted."""
    case: Case
    """What the letters were decided by."""


def judge(change: Change, policy: Policy, people: People) -> Judgement:
    """The facts about the change. What was denied, cut off or never asked makes them unknown, never true."""
    built = case.build(change, policy, people)
    emergency = emergencies.judge(built)
    letters = {
        "A": tickets.judge(built),
        "B": built.tested,
        "C": built.review,
        "D": approvals.before_production(change, built.review, built.makers, people),
        "E": duties.judge(built, emergency),
        "F": emergency.handled,
        "G": documents.judge(change),
        "H": deliveries.judge(change, policy.watch),
    }
    letters |= _pre_approved(built, letters)
    applies = _replaced(built, emergency, letters)
    asked = compensation.applies(built, letters["C"], letters["E"], reviewable=applies[0])
    letters["I"] = compensation.judge(built, asked=asked)
    return Judgement(
        _row(letters, emergency, applies) | _compensation(letters["I"], asked=asked),
        *_people(built),
        _flags(built, letters),
        built,
    )


def _pre_approved(built: Case, letters: dict[str, Fact]) -> dict[str, Fact]:
    """What a standard change turns its attributes into; an unknown one keeps them from being false."""
    standard, reason = built.standard, built.standard.reason
    if standard.value:
        asked = letters["A"] if letters["A"].value else yes(reason)
        gate = approvals.at_gate(built.change, built.makers, built.people)
        return {"A": asked, "C": unknown(reason), "D": together([yes(reason), gate]) if gate else yes(reason)}
    if standard.value is None:
        doubted = {key: letters[key] for key in "ACDE" if letters[key].value is False}
        return {key: unknown(f"{reason} {one.reason}", *one.flags) for key, one in doubted.items()}
    return {}


def _replaced(built: Case, emergency: Emergency, letters: dict[str, Fact]) -> tuple[bool, bool]:
    """
    Whether C and D apply: an emergency whose procedure was followed was reviewed by that instead.

    Its approval still came after the merge, which D says; a reader learns there that the procedure compensates it.
    Where it is not known whether it was followed, C is not known either.
    """
    if built.standard.value or approvals.brings_nothing(built.change):
        return False, True
    if emergency.declared and emergency.handled.value and letters["C"].value is not True:
        for key in "CD":
            said = f"{letters[key].reason} The emergency procedure, which was followed, compensates it."
            letters[key] = Fact(letters[key].value, said, letters[key].flags)
        return False, True
    if emergency.declared and emergency.handled.value is None and letters["C"].value is False:
        said = f"{letters['C'].reason} Whether the emergency procedure was followed instead is not known."
        letters["C"] = unknown(said, *letters["C"].flags)
    return True, True


def _row(letters: dict[str, Fact], emergency: Emergency, applies: tuple[bool, bool]) -> dict[str, Json]:
    return {
        "ticket_authorised": letters["A"].value,
        "ticket_reason": letters["A"].reason,
        "checks_passed": letters["B"].value,
        "checks_reason": letters["B"].reason,
        "final_content_approved": letters["C"].value,
        "review_applies": applies[0],
        "review_reason": letters["C"].reason,
        "approved_before_production": letters["D"].value,
        "approval_applies": applies[1],
        "approval_reason": letters["D"].reason,
        "duties_separated": letters["E"].value,
        "duties_reason": letters["E"].reason,
        "emergency": emergency.happened,
        "emergency_handled": letters["F"].value if emergency.happened else None,
        "emergency_reason": letters["F"].reason,
        "documented": letters["G"].value,
        "documentation_reason": letters["G"].reason,
        "deployed": letters["H"].value,
        "deployment_reason": letters["H"].reason,
        "content_applies": True,
    }


def _compensation(found: Fact, *, asked: bool | None) -> dict[str, Json]:
    return {"compensated": found.value, "compensation_applies": asked, "compensation_reason": found.reason}


def _people(built: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    makers = {party.name for party in built.makers.parties}
    given = [one for found in built.reviewed for one in found.approvals]
    approvers = {one.opinion.party.name for one in given if one.opinion.standing and one.opinion.approves}
    return tuple(sorted(makers)), tuple(sorted(approvers))


def _flags(built: Case, letters: dict[str, Fact]) -> tuple[str, ...]:
    found = frozenset[str]().union(built.standard.flags, *(one.flags for one in letters.values()))
    if built.makers.unresolved:
        found |= {"IDENTITY_UNRESOLVED"}
    return tuple(sorted(found | ({"ROLLBACK"} if built.change.integration == "rollback" else set())))
