"""Deployments, environments, releases and rulesets."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import graph
from tests.fakes.github import world as w
from tests.fakes.github.names import opaque
from tests.fakes.github.resolvers.repositories import reference
from tests.fakes.github.resolvers.shared import Info, Resolver, connection, demand, ordered, session, url
from tests.fakes.github.rules import Environment, Ruleset

_CREATED = {
    "CREATED_AT": lambda one: (getattr(one, "at", None) or one.created_at, one.id),
    "NAME": lambda one: one.name,
}


def deployments(
    home: w.Repository | w.Commit,
    info: Info,
    *,
    environments: Any = None,
    order_by: Any = None,
    **page: Any,
) -> dict[str, Any]:
    """Deployments of a repository or of one commit; they need Deployments read."""
    repository = home if isinstance(home, w.Repository) else home.repository
    demand(info, repository, "deployments")
    found = [
        one
        for one in repository.deployments
        if (not environments or one.environment in environments)
        and (isinstance(home, w.Repository) or one.sha == home.sha)
    ]
    return connection(ordered(found, order_by, _CREATED), **page)


def state(deployment: w.Deployment) -> str:
    """What `Deployment.state` reads now: INACTIVE once a newer one took its place, ACTIVE after a success."""
    word = deployment.statuses[-1].state.upper() if deployment.statuses else "PENDING"
    return "ACTIVE" if word == "SUCCESS" else word


def log_path(run: w.WorkflowRun) -> str:
    """Where the log of a job of the run is."""
    return f"/{run.repository.full_name}/actions/runs/{run.id}/job/{run.id + 1}"


def status(deployment: w.Deployment, one: w.DeploymentStatus) -> dict[str, Any]:
    """A status as GraphQL shows it."""
    return {
        "__typename": "DeploymentStatus",
        "id": opaque("DeploymentStatus", one.id),
        "state": one.state.upper(),
        "createdAt": one.at,
        "updatedAt": one.at,
        "creator": one.creator,
        "description": None,
        "environment": deployment.environment,
        "environmentUrl": None,
        "logUrl": lambda info: None if deployment.run is None else url(info, log_path(deployment.run)),
        "deployment": deployment,
    }


def _statuses(one: w.Deployment, _: Any = None) -> list[dict[str, Any]]:
    return [status(one, entry) for entry in reversed(one.statuses)]


def protection_rules(environment: Environment, _: Info, **page: Any) -> dict[str, Any]:
    """The gates of an environment."""
    made: list[dict[str, Any]] = []
    if environment.wait_minutes:
        made.append({"type": "WAIT_TIMER", "timeout": environment.wait_minutes, "people": []})
    if environment.reviewers:
        people = list(environment.reviewers)
        made.append({"type": "REQUIRED_REVIEWERS", "timeout": 0, "people": people})
    for rule in made:
        people = rule["people"]
        rule |= {"databaseId": environment.id, "preventSelfReview": environment.prevent_self_review}
        rule["reviewers"] = lambda _, people=people, **inner: connection(people, **inner)
    return connection(made, **page)


def rules(ruleset: Ruleset, _: Info, **page: Any) -> dict[str, Any]:
    """The rules of a ruleset, with the parameters of the two kinds that bear on reviews and checks."""
    made = [
        {
            "__typename": "RepositoryRule",
            "id": opaque("RepositoryRule", ruleset.id, place),
            "type": rule["type"].upper(),
            "parameters": _parameters(rule),
        }
        for place, rule in enumerate(ruleset.rules)
    ]
    return connection(made, **page)


def _parameters(rule: dict[str, Any]) -> dict[str, Any] | None:
    given = rule.get("parameters") or {}
    if rule["type"] == "pull_request":
        return {
            "__typename": "PullRequestParameters",
            "requiredApprovingReviewCount": given["required_approving_review_count"],
            "dismissStaleReviewsOnPush": given["dismiss_stale_reviews_on_push"],
            "requireCodeOwnerReview": given["require_code_owner_review"],
            "requireLastPushApproval": given["require_last_push_approval"],
            "requiredReviewThreadResolution": given["required_review_thread_resolution"],
        }
    if rule["type"] == "required_status_checks":
        return {
            "__typename": "RequiredStatusChecksParameters",
            "strictRequiredStatusChecksPolicy": given["strict_required_status_checks_policy"],
            "requiredStatusChecks": [
                {"context": one["context"], "integrationId": one.get("integration_id")}
                for one in given["required_status_checks"]
            ],
        }
    return None


def bypass(ruleset: Ruleset, info: Info, **page: Any) -> dict[str, Any] | None:
    """Who may bypass; null without write access to the ruleset. People and `exempt` do not exist in GraphQL."""
    here = session(info)
    home = here.world.repository(ruleset.source)
    if home is None or not here.viewer.edits_rules(home):
        return None
    modes = {"always": "ALWAYS", "pull_request": "PULL_REQUEST"}
    made = [
        {
            "__typename": "RepositoryRulesetBypassActor",
            "id": opaque("RepositoryRulesetBypassActor", ruleset.id, place),
            "bypassMode": modes.get(one["bypass_mode"]),
            "deployKey": one["actor_type"] == "DeployKey",
            "organizationAdmin": one["actor_type"] == "OrganizationAdmin",
            "repositoryRoleDatabaseId": one["actor_id"] if one["actor_type"] == "RepositoryRole" else None,
            "repositoryRoleName": None,
        }
        for place, one in enumerate(ruleset.bypass)
    ]
    return connection(made, **page)


def rulesets(repository: w.Repository, info: Info, *, include_parents: bool = True, **page: Any) -> dict[str, Any]:
    """The rulesets of a repository and, unless refused, of its organisation."""
    shared = session(info).world.rulesets if include_parents else []
    return connection([*repository.rulesets, *shared], **page)


def _source(one: Ruleset, info: Info) -> Any:
    here = session(info).world
    return here.repository(one.source) if one.source_type == "Repository" else here.organisation


def _releases(repository: w.Repository, info: Info, *, order_by: Any = None, **page: Any) -> dict[str, Any]:
    demand(info, repository, "contents")
    shown = [
        one for one in repository.releases if not one.draft or session(info).viewer.is_at_least(repository, "write")
    ]
    return connection(ordered(shown, order_by, _CREATED), **page)


def _environments(repository: w.Repository, info: Info, **page: Any) -> dict[str, Any]:
    demand(info, repository, "actions")
    return connection(repository.environments, **page)


def _release_path(one: w.Release, _: Any = None) -> str:
    return f"/{one.repository.full_name}/releases/tag/{one.tag}"


RESOLVERS: dict[tuple[str, str], Resolver] = {
    ("Repository", "deployments"): deployments,
    ("Repository", "environments"): _environments,
    ("Repository", "releases"): _releases,
    ("Repository", "rulesets"): rulesets,
    ("Commit", "deployments"): deployments,
    ("Deployment", "databaseId"): lambda one, _: one.id,
    ("Deployment", "latestEnvironment"): lambda one, _: one.environment,
    ("Deployment", "originalEnvironment"): lambda one, _: one.original_environment or one.environment,
    ("Deployment", "state"): lambda one, _: state(one),
    ("Deployment", "description"): lambda *_: None,
    ("Deployment", "payload"): lambda *_: "{}",
    ("Deployment", "createdAt"): lambda one, _: one.at,
    ("Deployment", "updatedAt"): lambda one, _: one.statuses[-1].at if one.statuses else one.at,
    ("Deployment", "commit"): lambda one, _: one.repository.commits.get(one.sha),
    ("Deployment", "commitOid"): lambda one, _: one.sha,
    ("Deployment", "ref"): lambda one, _: reference(one.repository, one.ref),
    ("Deployment", "statuses"): lambda one, _, **page: connection(_statuses(one), **page),
    ("Deployment", "latestStatus"): lambda one, _: next(iter(_statuses(one)), None),
    ("Environment", "databaseId"): lambda one, _: one.id,
    ("Environment", "protectionRules"): protection_rules,
    ("Release", "databaseId"): lambda one, _: one.id,
    ("Release", "tagName"): lambda one, _: one.tag,
    ("Release", "tag"): lambda one, _: reference(one.repository, f"refs/tags/{one.tag}"),
    ("Release", "tagCommit"): lambda one, _: graph.find(one.repository, f"refs/tags/{one.tag}"),
    ("Release", "updatedAt"): lambda one, _: one.published_at or one.created_at,
    ("Release", "isDraft"): lambda one, _: one.draft,
    ("Release", "isPrerelease"): lambda one, _: one.prerelease,
    ("Release", "isLatest"): lambda one, _: one is one.repository.releases[-1],
    ("Release", "description"): lambda one, _: one.body,
    ("Release", "resourcePath"): _release_path,
    ("Release", "url"): lambda one, info: url(info, _release_path(one)),
    ("RepositoryRuleset", "databaseId"): lambda one, _: one.id,
    ("RepositoryRuleset", "enforcement"): lambda one, _: one.enforcement.upper(),
    ("RepositoryRuleset", "target"): lambda *_: "BRANCH",
    ("RepositoryRuleset", "source"): _source,
    ("RepositoryRuleset", "conditions"): lambda one, _: {
        "refName": {"include": list(one.include), "exclude": list(one.exclude)}
    },
    ("RepositoryRuleset", "rules"): rules,
    ("RepositoryRuleset", "bypassActors"): bypass,
}
