"""
One answer for several contained changes: the worst wins, and the reason names the change that decided.

Deviation > not tested > met; what does not apply to any part does not apply to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from soc2ev.model import Json
from soc2ev.tables.facts.fact import some

_NAMED = 3
APPLIES = {
    "final_content_approved": "review_applies",
    "approved_before_production": "approval_applies",
    "compensated": "compensation_applies",
}
REASONS = {
    "ticket_authorised": "ticket_reason",
    "checks_passed": "checks_reason",
    "final_content_approved": "review_reason",
    "approved_before_production": "approval_reason",
    "duties_separated": "duties_reason",
    "emergency_handled": "emergency_reason",
    "documented": "documentation_reason",
    "compensated": "compensation_reason",
}
"""The columns of change_facts that roll up, with those of their reasons."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a deployment or release contains."""

    name: str
    """What a reader calls it."""
    row: Mapping[str, Json]
    """Its columns of change_facts."""


def unjudged(reason: str) -> Part:
    """Content that nobody can judge: every answer about it is unknown."""
    row: dict[str, Json] = {
        "review_applies": True,
        "approval_applies": True,
        "emergency": None,
        "compensation_applies": None,
    }
    for value, told in REASONS.items():
        row |= {value: None, told: reason}
    return Part("", row)


def nothing_new(reason: str) -> dict[str, Json]:
    """Columns for what brought nothing: no question about content applies."""
    row: dict[str, Json] = {"content_applies": False, "review_applies": False, "approval_applies": False}
    row |= {"emergency": False, "compensation_applies": False}
    for value, told in REASONS.items():
        row |= {value: None, told: reason}
    return row


def worst(parts: Sequence[Part]) -> dict[str, Json]:
    """The columns of change_facts for the whole; there is at least one part."""
    row: dict[str, Json] = {"content_applies": True, "emergency": some(one.row["emergency"] for one in parts)}
    for value, told in REASONS.items():
        condition = "emergency" if value == "emergency_handled" else APPLIES.get(value)
        asked = [one for one in parts if condition is None or one.row[condition] is not False]
        if condition is not None and condition in APPLIES.values():
            row[condition] = bool(asked)
        row |= _answer(asked, parts, value, told)
    return row


def _answer(asked: Sequence[Part], parts: Sequence[Part], value: str, told: str) -> dict[str, Json]:
    if not asked:
        return {value: None, told: _said(parts, told)}
    verdicts = [one.row[value] for one in asked]
    verdict = False if False in verdicts else None if None in verdicts else True
    deciding = [one for one, found in zip(asked, verdicts, strict=True) if found is verdict]
    head = f"So for all {len(asked)} parts that it brought: " if verdict and len(asked) > 1 else ""
    return {value: verdict, told: head + _said(deciding, told)}


def _said(parts: Sequence[Part], told: str) -> str:
    """What decided, part by part; of many the first ones."""
    said = [f"{one.name}: {one.row[told]}" if one.name else str(one.row[told]) for one in parts]
    distinct = list(dict.fromkeys(said))
    more = f" And {len(distinct) - _NAMED} more." if len(distinct) > _NAMED else ""
    return " ".join(distinct[:_NAMED]) + more
