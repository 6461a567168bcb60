"""Rules on a production ref, and what the host recorded of those that bypassed them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a ruleset asked of the production ref until it was changed."""

    since: datetime | None
    """None: ever before."""
    until: datetime
    approvals: int | None = None
    checks: tuple[tuple[str, int | None], ...] | None = None
    bound: bool = False
    """It was there, enforced, and reached the ref."""
    workflows: tuple[str, ...] = ()
    """Workflows that had to pass; which checks are theirs is not told."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one ruleset, or the branch protection, asked of the production ref when it was read."""

    origin: str
    changed_at: datetime | None
    """When it was last changed; None when that is not told."""
    approvals: int | None
    """None when it has no such rule."""
    last_push_approval: bool | None
    checks: tuple[tuple[str, int | None], ...] | None
    """Required checks and the App that must report each (None: any); None when it has no such rule."""
    observed_at: datetime | None = None
    earlier: tuple[Earlier, ...] = ()
    """What it had asked before, as far as that is known."""
    bound: bool = True
    """It reaches the ref; False: it may have done so before it was changed."""
    workflows: tuple[str, ...] = ()
    """Workflows that have to pass; which checks are theirs is not told."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules on a production ref, as far as they could be read."""

    rules: tuple[Rule, ...]
    visible: bool
    """Everything that can bind the ref was read; False: denied, failed or never asked."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bypass:
    """What the host recorded of bypassed rules for the change's move of the ref."""

    visible: bool
    """The host's ledger of bypasses was read."""
    bypassed: bool
    """It names this move."""
    reaches_back_to: datetime | None = None
    """The ledger says nothing about earlier moves; None when it has no such limit."""
    covers: bool = True
    """It records bypasses of all rules on the ref. GitHub records those of rulesets and none of branch protection."""
