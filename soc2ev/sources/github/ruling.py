"""The tables of how a repository is governed: as it was when it was collected, but for the bypasses of a period."""

from __future__ import annotations

from soc2ev.model import Column, Table
from soc2ev.sources.github.columns import REPOSITORY as _REPOSITORY
from soc2ev.sources.github.columns import account as _account
from soc2ev.sources.github.columns import flag as _flag
from soc2ev.sources.github.columns import must as _must
from soc2ev.sources.github.columns import number as _number
from soc2ev.sources.github.columns import text as _text
from soc2ev.sources.github.columns import time as _time

_ASKED = (
    _number("approvals", "Approvals that it requires; NULL when it has no such rule."),
    _flag("dismiss_stale", "A push dismisses approvals."),
    _flag("code_owners", "A code owner has to approve."),
    _flag("last_push_approval", "Somebody else than the last pusher has to approve."),
    Column("checks", "TEXT[]", "Names of the required checks; NULL when it has no such rule."),
    Column("check_apps", "TEXT[]", "For each of them the number of the App that must report it, or an empty text."),
    Column("workflows", "TEXT[]", "Paths of the workflows that have to pass; NULL when it has no such rule."),
    _flag("strict", "The branch has to be up to date with its base."),
    _flag("merge_queue", "Merges go through a queue."),
    _text("grouping", "ALLGREEN or HEADGREEN for a merge queue."),
    _flag("no_force_push", "Force pushes are refused."),
    _flag("no_deletion", "The branch cannot be deleted."),
)
RULES = Table(
    "github_rules",
    "What the rules asked of a production ref when collected: rulesets of each level and protection, one row each.",
    (
        _REPOSITORY,
        _must("ref", "Production branch."),
        _must("origin", "ruleset:<number>, protection, or none when neither applies."),
        _text("name", "Name of the ruleset or pattern of the protection."),
        _text("level", "Repository, Organization or Enterprise."),
        _time("changed_at", "When the ruleset was last changed; NULL for protection, which does not tell."),
        *_ASKED,
        _flag("admins_included", "It binds administrators too; NULL when not told."),
        _flag("bypass_visible", "The token may see who can bypass it."),
        Column("bypass", "TEXT[]", "Who can bypass it: type:number:mode; NULL when not visible."),
    ),
    ("repository", "ref", "origin"),
)
RULESETS = Table(
    "github_rulesets",
    "The rulesets for branches that a repository had when collected, whether they bound anything or not.",
    (
        _REPOSITORY,
        _must("origin", "ruleset:<number>."),
        _text("name", "Its name."),
        _text("level", "Repository, Organization or Enterprise."),
        _text("enforcement", "active, evaluate or disabled."),
        _time("made_at", "When it was made."),
        _time("changed_at", "When it was last changed."),
    ),
    ("repository", "origin"),
)
RULE_VERSIONS = Table(
    "github_rule_versions",
    "What a ruleset had asked of a production ref before it was changed, by GitHub's history of it.",
    (
        _REPOSITORY,
        _must("ref", "Production branch."),
        _must("origin", "ruleset:<number>."),
        _must("version", "GitHub's number of the version.", "BIGINT"),
        _time("since", "From when on it was so."),
        _time("until", "When the next version took its place."),
        _flag("bound", "It was enforced and reached the ref; NULL when its conditions do not tell."),
        *_ASKED,
    ),
    ("repository", "ref", "origin", "version"),
)
BYPASSES = Table(
    "github_rule_suites",
    "Moves of a ref that the rules judged and that somebody bypassed.",
    (
        _REPOSITORY,
        _must("id", "GitHub's number of the evaluation.", "BIGINT"),
        _must("ref", "Branch, without refs/heads/."),
        _text("before", "What the ref held."),
        _text("after", "What it held afterwards."),
        *_account("actor", "Who pushed or merged"),
        _time("at", "When."),
        _text("result", "pass, fail or bypass."),
    ),
    ("repository", "id"),
)
OVERRIDES = Table(
    "github_overrides",
    "Merges and pushes for which an administrator overrode classic branch protection, by the audit log.",
    (
        _REPOSITORY,
        _must("id", "The event's name."),
        _text("ref", "Branch; NULL where the event does not name it, which is usual."),
        _text("actor", "Who did it: login."),
        _number("actor_id", "Number of the account; NULL when the event does not tell."),
        _time("at", "When."),
    ),
    ("repository", "id"),
)
ENVIRONMENTS = Table(
    "github_environments",
    "Environments and what protects them.",
    (
        _REPOSITORY,
        _must("name", "Name of the environment."),
        Column(
            "reviewers", "TEXT[]", "Who has to approve a deployment: User:<number> or Team:<number>; empty when nobody."
        ),
        _flag("prevent_self_review", "Who starts a deployment cannot approve it."),
        _flag("admins_bypass", "Administrators can skip the protection; NULL when not told."),
        _text("branches", "protected, custom, or NULL when any branch may deploy."),
        _time("updated_at", "When it or its protection was changed last; NULL when not told."),
    ),
    ("repository", "name"),
)
PERMISSIONS = Table(
    "github_permissions",
    "Who may do what in a repository.",
    (
        _REPOSITORY,
        *_account("account", "Who"),
        _must("role", "read, triage, write, maintain, admin or a custom role."),
        _flag("may_write", "It may push, by whatever role; NULL where GitHub does not tell."),
    ),
    ("repository", "account_id"),
)
SETTINGS = Table(
    "github_settings",
    "Further settings of a repository, one row each.",
    (_REPOSITORY, _must("name", "Name of the setting."), _text("value", "Its value now; NULL when GitHub tells none.")),
    ("repository", "name"),
)
CAPABILITIES = Table(
    "github_capabilities",
    "What the token could see of each repository: a capability that is not visible is never evidence of absence.",
    (
        _REPOSITORY,
        _must("capability", "activity, commits, pull requests, checks, deployments, rules, protection ..."),
        _text("visible", "yes, no or unknown."),
        _text("reason", "What GitHub answered when it is not yes."),
    ),
    ("repository", "capability"),
)
