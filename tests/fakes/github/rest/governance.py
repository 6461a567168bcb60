"""Rules, protection, bypasses, people and settings over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.fakes.github import codeowners, requirements
from tests.fakes.github.access import RefusedError
from tests.fakes.github.names import opaque, when
from tests.fakes.github.rest.asking import Ask, Listing, Route
from tests.fakes.github.rules import DeployKey, Protection, Ruleset, RuleSuite
from tests.fakes.github.tokens import CLASSIC, FINE_GRAINED
from tests.fakes.github.world import Account, Repository

_PERIODS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30}


def ruleset_shape(ask: Ask, one: Ruleset, *, whole: bool, editor: bool) -> dict[str, Any]:
    """A `repository-ruleset`; conditions and rules only in the whole one, bypass actors only for its editors."""
    made: dict[str, Any] = {
        "id": one.id,
        "node_id": opaque("RepositoryRuleset", one.id),
        "name": one.name,
        "target": "branch",
        "source_type": one.source_type,
        "source": one.source,
        "enforcement": one.enforcement,
        "created_at": when(one.created_at),
        "updated_at": when(one.updated_at),
        "_links": {"self": {"href": f"{ask.shapes.api}/rulesets/{one.id}"}},
    }
    if whole:
        made["conditions"] = {"ref_name": {"include": list(one.include), "exclude": list(one.exclude)}}
        made["rules"] = one.rules
        made["current_user_can_bypass"] = "never"
    return {**made, "bypass_actors": one.bypass} if whole and editor else made


def _rulesets(ask: Ask) -> list[Ruleset]:
    home = ask.repository
    shared = ask.world.rulesets if ask.query.get("includes_parents", "true") == "true" else []
    reaching = [
        one for one in shared if all(home.properties.get(name) == value for name, value in one.properties.items())
    ]
    return [*home.rulesets, *reaching]


def rulesets(ask: Ask) -> Listing:
    """Rulesets of the repository and, unless refused, those of the organisation."""
    return Listing(_rulesets(ask), lambda one: ruleset_shape(ask, one, whole=False, editor=False))


def _ruleset(ask: Ask) -> Ruleset:
    found = next((one for one in _rulesets(ask) if str(one.id) == ask.parts["ruleset"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


def ruleset(ask: Ask) -> dict[str, Any]:
    """One ruleset with its conditions and rules."""
    return ruleset_shape(ask, _ruleset(ask), whole=True, editor=ask.viewer.edits_rules(ask.repository))


def ruleset_history(ask: Ask) -> Listing:
    """The versions of a ruleset, newest first; Enterprise Server has them from 3.19 on."""
    version = ask.world.enterprise
    if version and tuple(map(int, version.split(".")[:2])) < (3, 19):
        raise RefusedError(404, "Not Found")
    if not ask.viewer.edits_rules(ask.repository):
        ask.viewer.refuse()

    return versions(_own(ask))


def _own(ask: Ask) -> Ruleset:
    """A ruleset of the repository itself: those of its owner have their history there."""
    found = _ruleset(ask)
    if found not in ask.repository.rulesets:
        raise RefusedError(404, "Not Found")
    return found


def versions(one: Ruleset) -> Listing:
    """The versions of a ruleset, newest first."""

    def show(one: Any) -> dict[str, Any]:
        return {"version_id": one.id, "actor": {"id": one.actor.id, "type": one.actor.kind}, "updated_at": when(one.at)}

    return Listing(one.history[::-1], show)


def ruleset_version(ask: Ask) -> dict[str, Any]:
    """One version with the ruleset as it then was."""
    return version_of(ask, ruleset_history(ask))


def version_of(ask: Ask, rows: Listing) -> dict[str, Any]:
    """The version that the address names, with the ruleset as it then was."""
    found = next((one for one in rows.rows if str(one.id) == ask.parts["version"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return {**rows.show(found), "state": found.state}


def branch_rules(ask: Ask) -> Listing:
    """The rules of every level that are in force for a branch now."""
    found = requirements.effective(ask.repository, ask.world.rulesets, ask.parts["branch"])

    def show(row: tuple[Ruleset, dict[str, Any]]) -> dict[str, Any]:
        owner, rule = row
        source = {"ruleset_source_type": owner.source_type, "ruleset_source": owner.source, "ruleset_id": owner.id}
        return {**rule, **source}

    return Listing(found, show)


def rule_suites(ask: Ask) -> Listing:
    """Evaluations of the rules in a repository. A fine-grained token is refused here, whatever it may read."""
    if ask.viewer.token.kind == FINE_GRAINED:
        ask.viewer.refuse()
    return _suites(ask, [(ask.repository, one) for one in ask.repository.rule_suites])


def organisation_suites(ask: Ask) -> Listing:
    """Evaluations of the rules in every repository of the organisation."""
    if not ask.viewer.owns_organisation():
        ask.viewer.refuse()
    homes = ask.world.repositories.values()
    return _suites(ask, [(home, one) for home in homes if ask.viewer.sees(home) for one in home.rule_suites])


def _suites(ask: Ask, rows: list[tuple[Repository, RuleSuite]]) -> Listing:
    wants = ask.query
    period = wants.get("time_period", "day")
    if period not in _PERIODS:
        raise RefusedError(422, "Validation Failed")
    since = ask.world.now - timedelta(days=_PERIODS[period])
    kept = [
        (home, one)
        for home, one in sorted(rows, key=lambda row: row[1].at, reverse=True)
        if one.at >= since
        and wants.get("rule_suite_result", "all") in ("all", one.result)
        and wants.get("ref", one.ref) == one.ref
        and wants.get("repository_name", home.name) == home.name
    ]
    return Listing(kept, lambda row: _suite(*row))


def _suite(home: Repository, one: RuleSuite) -> dict[str, Any]:
    return {
        "id": one.id,
        "actor_id": one.actor.id,
        "actor_name": one.actor.login,
        "before_sha": one.before,
        "after_sha": one.after,
        "ref": one.ref,
        "repository_id": home.id,
        "repository_name": home.name,
        "pushed_at": when(one.at),
        "result": one.result,
        "evaluation_result": "fail" if one.result == "bypass" else one.result,
    }


def rule_suite(ask: Ask) -> dict[str, Any]:
    """One evaluation with each rule that failed."""
    found = next((one for one in ask.repository.rule_suites if str(one.id) == ask.parts["suite"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    source = {"type": "ruleset", "id": found.id, "name": "main"}
    details = [
        {"rule_source": source, "enforcement": "active", "result": "fail", "rule_type": name, "details": None}
        for name in found.failed
    ]
    return {**_suite(ask.repository, found), "rule_evaluations": details}


def protection(ask: Ask) -> dict[str, Any]:
    """Classic protection of a branch. `Branch not protected` and no right to know are both 404 for a classic token."""
    name = ask.parts["branch"]
    if name not in ask.repository.branches:
        raise RefusedError(404, "Branch not found")
    found = requirements.protection(ask.repository, name)
    if found is None:
        raise RefusedError(404, "Branch not protected")
    return _protection(f"{ask.shapes.api}/repos/{ask.repository.full_name}/branches/{name}/protection", found)


def _protection(url: str, one: Protection) -> dict[str, Any]:
    made: dict[str, Any] = {"url": url}
    if one.approvals is not None:
        made["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "required_approving_review_count": one.approvals,
            "dismiss_stale_reviews": one.dismiss_stale,
            "require_code_owner_reviews": one.code_owners,
            "require_last_push_approval": one.last_push,
        }
    if one.checks:
        made["required_status_checks"] = {
            "url": f"{url}/required_status_checks",
            "contexts_url": f"{url}/required_status_checks/contexts",
            "strict": one.strict,
            "contexts": [context for context, _ in one.checks],
            "checks": [{"context": context, "app_id": app} for context, app in one.checks],
        }
    made["enforce_admins"] = {"url": f"{url}/enforce_admins", "enabled": one.admins}
    switches = {"allow_force_pushes": one.force_pushes, "allow_deletions": one.deletions, "lock_branch": False}
    switches |= {"required_linear_history": False, "required_conversation_resolution": False}
    signed = {"required_signatures": {"url": f"{url}/required_signatures", "enabled": False}}
    return {**made, **signed, **{name: {"enabled": value} for name, value in switches.items()}}


def collaborators(ask: Ask) -> Listing:
    """Who may do what here; the list needs push access from a user's token."""
    viewer = ask.viewer
    if viewer.token.kind == CLASSIC and not viewer.is_at_least(ask.repository, "write"):
        raise RefusedError(403, "Must have push access to view repository collaborators.")
    roles = ask.repository.collaborators
    people = [one for one in ask.world.accounts.values() if roles.get(one.login, "none") != "none"]

    def show(one: Account) -> dict[str, Any]:
        role = ask.repository.collaborators[one.login]
        name, _, base = role.partition(" on ")
        return {**(ask.shapes.user(one) or {}), "role_name": name, "permissions": _powers(base or name)}

    return Listing([one for one in people if not one.deleted], show)


def _powers(role: str) -> dict[str, bool]:
    ranks = ("pull", "triage", "push", "maintain", "admin")
    height = ("read", "triage", "write", "maintain", "admin").index(role)
    return {name: place <= height for place, name in enumerate(ranks)}


def permission(ask: Ask) -> dict[str, Any]:
    """The permission of one user; 404 for somebody unknown."""
    account = ask.world.accounts.get(ask.parts["username"])
    if account is None or account.deleted:
        raise RefusedError(404, "Not Found")
    role = ask.repository.collaborators.get(account.login, "none")
    legacy = {"triage": "read", "maintain": "write"}.get(role, role)
    powers = dict.fromkeys(("pull", "triage", "push", "maintain", "admin"), False) if role == "none" else _powers(role)
    user = {**(ask.shapes.user(account) or {}), "permissions": powers, "role_name": role}
    return {"permission": legacy, "role_name": role, "user": user}


def keys(ask: Ask) -> Listing:
    """Deploy keys and whether they can write."""

    def show(one: DeployKey) -> dict[str, Any]:
        url = f"{ask.shapes.api}/repos/{ask.repository.full_name}/keys/{one.id}"
        made = {"id": one.id, "key": "ssh-ed25519 AAAA", "url": url, "title": one.title, "verified": True}
        return {**made, "created_at": when(one.at), "read_only": one.read_only}

    return Listing(ask.repository.keys, show)


def codeowner_errors(ask: Ask) -> dict[str, Any]:
    """What is wrong with CODEOWNERS at a ref; 404 when there is no such file."""
    found = codeowners.errors(ask.world, ask.repository, ask.query.get("ref", ask.repository.default_branch))
    if found is None:
        raise RefusedError(404, "Not Found")
    return {"errors": found}


_R = "/repos/{owner}/{repo}"
ROUTES = (
    Route(f"{_R}/rulesets", "metadata", rulesets),
    Route(f"{_R}/rulesets/rule-suites", "administration", rule_suites),
    Route(f"{_R}/rulesets/rule-suites/{{suite}}", "administration", rule_suite),
    Route(f"{_R}/rulesets/{{ruleset}}", "metadata", ruleset),
    Route(f"{_R}/rulesets/{{ruleset}}/history", "administration=write", ruleset_history),
    Route(f"{_R}/rulesets/{{ruleset}}/history/{{version}}", "administration=write", ruleset_version),
    Route(f"{_R}/rules/branches/{{branch}}", "metadata", branch_rules),
    Route(f"{_R}/branches/{{branch}}/protection", "administration", protection),
    Route(f"{_R}/collaborators", "metadata", collaborators),
    Route(f"{_R}/collaborators/{{username}}/permission", "metadata", permission),
    Route(f"{_R}/keys", "administration", keys),
    Route(f"{_R}/codeowners/errors", "contents", codeowner_errors),
    Route(
        f"{_R}/actions/permissions/artifact-and-log-retention",
        "administration",
        lambda ask: {
            "days": ask.repository.settings.retention_days,
            "maximum_allowed_days": ask.repository.settings.maximum_retention_days,
        },
    ),
    Route(
        f"{_R}/actions/permissions/workflow",
        "administration",
        lambda ask: {
            "default_workflow_permissions": ask.repository.settings.default_workflow_permissions,
            "can_approve_pull_request_reviews": ask.repository.settings.actions_can_approve,
        },
    ),
    Route(
        f"{_R}/immutable-releases",
        "administration",
        lambda ask: {"enabled": ask.repository.settings.immutable_releases, "enforced_by_owner": False},
    ),
    Route("/orgs/{org}/rulesets/rule-suites", "organization_administration=write", organisation_suites),
)
