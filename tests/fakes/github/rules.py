"""What a repository demands: rulesets with their history, classic protection, environments, rule evaluations and switches."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.github.world import Account


@dataclass(slots=True)
class RulesetVersion:
    """A ruleset as it was from `at` on; `state` is the body that REST gave at that time."""

    id: int
    at: datetime
    actor: Account
    state: dict[str, Any]


@dataclass(slots=True, eq=False)
class Ruleset:
    """
    A ruleset of a repository or of the organisation.

    `rules` are REST rule objects (`type`, `parameters`); `enforcement` is active, evaluate or disabled; `include` and
    `exclude` are ref conditions (`~DEFAULT_BRANCH`, `~ALL` or patterns of full ref names); `properties` limits an
    organisation's ruleset to repositories with those property values.
    """

    id: int
    name: str
    source_type: str
    source: str
    created_at: datetime
    updated_at: datetime
    rules: list[dict[str, Any]] = field(default_factory=list)
    enforcement: str = "active"
    bypass: list[dict[str, Any]] = field(default_factory=list)
    include: tuple[str, ...] = ("~DEFAULT_BRANCH",)
    exclude: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    history: list[RulesetVersion] = field(default_factory=list)

    def reaches(self, branch: str, default: str, properties: dict[str, str]) -> bool:
        """Whether its conditions take in that branch of a repository with those properties."""
        if any(properties.get(name) != value for name, value in self.properties.items()):
            return False
        return self._any(self.include, branch, default) and not self._any(self.exclude, branch, default)

    @staticmethod
    def _any(patterns: tuple[str, ...], branch: str, default: str) -> bool:
        ref = f"refs/heads/{branch}"
        return any(
            pattern == "~ALL" or (pattern == "~DEFAULT_BRANCH" and branch == default) or fnmatch.fnmatch(ref, pattern)
            for pattern in patterns
        )


@dataclass(slots=True, eq=False)
class Protection:
    """Classic protection of the branches that match `pattern`; `checks` are (context, App id or None)."""

    id: int
    pattern: str
    approvals: int | None = 1
    dismiss_stale: bool = False
    code_owners: bool = False
    last_push: bool = False
    checks: tuple[tuple[str, int | None], ...] = ()
    strict: bool = False
    admins: bool = False
    force_pushes: bool = False
    deletions: bool = False


@dataclass(slots=True, eq=False)
class Environment:
    """An environment: who must approve a deployment to it, and what else it waits for."""

    id: int
    name: str
    at: datetime
    reviewers: tuple[Account, ...] = ()
    prevent_self_review: bool = False
    wait_minutes: int = 0
    protected_branches: bool = True
    admins_bypass: bool = True


@dataclass(slots=True, eq=False)
class RuleSuite:
    """One evaluation of the rules: `result` is pass, fail or bypass; `failed` are the types of the failed rules."""

    id: int
    ref: str
    before: str
    after: str
    at: datetime
    actor: Account
    result: str
    failed: tuple[str, ...] = ()


@dataclass(slots=True)
class Settings:
    """Switches of a repository that bear on evidence."""

    retention_days: int = 90
    maximum_retention_days: int = 400
    default_workflow_permissions: str = "read"
    actions_can_approve: bool = False
    vulnerability_alerts: bool = True
    automated_security_fixes: bool = True
    code_scanning: str = "configured"
    squash: bool = True
    merge: bool = True
    rebase: bool = True
    auto_merge: bool = False
    immutable_releases: bool = False


@dataclass(slots=True)
class DeployKey:
    """A deploy key; one that is not read-only can push past people."""

    id: int
    title: str
    at: datetime
    read_only: bool = True
