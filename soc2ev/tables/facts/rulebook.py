"""
What the rules of the production ref asked for when a change reached it.

Rules are read when evidence is collected. One that was changed after the change says nothing about it, unless its
history tells what it had been.
"""

from __future__ import annotations

from datetime import datetime

from soc2ev.config import Policy
from soc2ev.tables.facts.evidence import Change, Earlier, Rule

Demand = tuple[str, int | None]
"""A required check and the number of the App that must report it; None: any."""


def landed_at(change: Change) -> datetime | None:
    """When the change reached the ref, by a server's clock; None when no server told."""
    merged = [one.merged_at for one in change.requests]
    return change.at or (max(at for at in merged if at) if merged and all(merged) else None)


def in_force(rule: Rule, at: datetime | None) -> Rule | Earlier | None:
    """What the rule was then; None when it was changed since and nothing tells, or no time is known."""
    if rule.changed_at is None or (at is not None and rule.changed_at <= at):
        return rule
    if at is None:
        return None
    return next((one for one in rule.earlier if (one.since is None or one.since <= at) and at < one.until), None)


def settled(change: Change) -> bool:
    """Every rule that could bind the ref is known as it was at the change."""
    at = landed_at(change)
    return change.rules.visible and all(in_force(rule, at) is not None for rule in change.rules.rules)


def unruled(change: Change) -> bool:
    """No rule bound the ref at the change."""
    return settled(change) and not any(one.bound for one in _known(change))


def moved(change: Change) -> str:
    """When rules were changed that are not known as they were at the change."""
    at = landed_at(change)
    lost = [rule for rule in change.rules.rules if in_force(rule, at) is None]
    between = any(rule.changed_at == rule.observed_at for rule in lost)
    return "between two readings, before the merge or after it" if between else "after the merge"


def approvals(change: Change) -> int:
    """How many approvals the rules asked for that are known to have been in force."""
    return max((rule.approvals or 0 for rule in _known(change)), default=0)


def checks(change: Change) -> tuple[Demand, ...]:
    """The checks that they asked for, each once."""
    return tuple(dict.fromkeys(demand for rule in _known(change) for demand in rule.checks or ()))


def workflows(change: Change) -> tuple[str, ...]:
    """The workflows that had to pass by the rules that are known to have been in force, each once."""
    return tuple(dict.fromkeys(path for rule in _known(change) for path in rule.workflows))


def needed_approvals(change: Change, policy: Policy) -> int:
    """How many independent approvals the change needs; never none: attribute C asks for an independent person."""
    return max(1, policy.required_approvals, approvals(change))


def kept(change: Change) -> bool | None:
    """Whether the host says that its rules were kept: True or False by its ledger, None where that does not reach."""
    bypass, at = change.bypass, landed_at(change)
    if bypass.bypassed:
        return False
    if not bypass.visible or not bypass.covers:
        return None
    since = bypass.reaches_back_to
    return True if since is None or (at is not None and since <= at) else None


def _known(change: Change) -> list[Rule | Earlier]:
    at = landed_at(change)
    return [then for rule in change.rules.rules if (then := in_force(rule, at)) is not None]
