"""Checks, statuses, workflow runs, deployments, environments and releases over REST."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.github import graph
from tests.fakes.github import world as w
from tests.fakes.github.access import RefusedError
from tests.fakes.github.resolvers.checks import newest_statuses
from tests.fakes.github.rest import delivery_shapes as show
from tests.fakes.github.rest.asking import NOTHING, Ask, Listing, Route
from tests.fakes.github.rest.changes import commit_of

_RUN_LIMIT, _SUITE_LIMIT = 1000, 1000
_RUN_FILTERS = ("actor", "branch", "check_suite_id", "created", "event", "head_sha", "status")


def _suites(ask: Ask) -> list[w.CheckSuite]:
    # GitHub looks at the newest 1,000 suites of a ref only.
    return graph.suites(ask.world, ask.repository, commit_of(ask, ask.parts["ref"]).sha)[-_SUITE_LIMIT:]


def check_runs(ask: Ask) -> Listing:
    """Check runs of a commit: the latest of each name unless `filter=all`."""
    every = ask.query.get("filter", "latest") == "all"
    rows = [run for suite in _suites(ask) for run in (suite.runs if every else graph.latest(suite.runs))]
    if name := ask.query.get("check_name"):
        rows = [run for run in rows if run.name == name]
    if status := ask.query.get("status"):
        rows = [run for run in rows if run.status.lower() == status]
    if app := ask.query.get("app_id"):
        rows = [run for run in rows if str(run.suite.app.id) == app]
    return Listing(rows, lambda one: show.check_run(ask.shapes, one), "check_runs")


def check_suites(ask: Ask) -> Listing:
    """Check suites of a commit."""
    return Listing(_suites(ask), lambda one: show.check_suite(ask.shapes, one), "check_suites")


def _statuses(ask: Ask) -> list[w.CommitStatus]:
    rows = ask.repository.statuses.get(commit_of(ask, ask.parts["ref"]).sha, [])
    return sorted(rows, key=lambda one: (one.at, one.id), reverse=True)


def statuses(ask: Ask) -> Listing:
    """Every status of a commit, newest first."""
    return Listing(_statuses(ask), lambda one: show.status(ask.shapes, one))


def combined(ask: Ask) -> Listing:
    """The newest status of each context and what they add up to: `pending` when there are none."""
    found = commit_of(ask, ask.parts["ref"])
    rows = newest_statuses(_statuses(ask))
    words = {one.state for one in rows}
    state = "failure" if words & {"ERROR", "FAILURE"} else "success" if words == {"SUCCESS"} else "pending"
    url = f"{ask.shapes.api}/repos/{ask.repository.full_name}/commits/{found.sha}"
    whole: dict[str, Any] = {"state": state, "sha": found.sha, "commit_url": url, "url": f"{url}/status"}
    whole["repository"] = ask.shapes.repository(ask.repository)
    return Listing(rows, lambda one: show.status(ask.shapes, one), "statuses", whole)


def _kept_runs(ask: Ask) -> Sequence[w.WorkflowRun]:
    limit = timedelta(days=ask.repository.settings.retention_days)
    rows = [one for one in ask.repository.runs.values() if ask.world.now - one.created_at < limit]
    return sorted(rows, key=lambda one: (one.created_at, one.id), reverse=True)


def _created(at: datetime, words: str) -> bool:
    low, dots, high = words.partition("..")
    if dots:
        return datetime.fromisoformat(low).replace(tzinfo=UTC) <= at <= _end(high)
    sign = "".join(letter for letter in words if letter in "<>=")
    edge = datetime.fromisoformat(words.removeprefix(sign)).replace(tzinfo=UTC)
    return {">=": at >= edge, ">": at > edge, "<=": at <= edge, "<": at < edge}.get(sign, at.date() == edge.date())


def _end(text: str) -> datetime:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return at + timedelta(days=1, microseconds=-1) if len(text) == len("2026-01-01") else at


def runs(ask: Ask) -> Listing:
    """Workflow runs, newest first; with any filter at most 1,000 are ever listed."""
    wants = ask.query
    rows = [
        one
        for one in _kept_runs(ask)
        if wants.get("head_sha", one.sha) == one.sha
        and wants.get("event", one.event) == one.event
        and wants.get("branch", one.branch) == one.branch
        and wants.get("actor", one.actor.login) == one.actor.login
        and wants.get("status", one.status) in (one.status, one.conclusion)
        and ("created" not in wants or _created(one.created_at, wants["created"]))
        and ("check_suite_id" not in wants or (one.suite and str(one.suite.id) == wants["check_suite_id"]))
    ]
    most = _RUN_LIMIT if any(name in wants for name in _RUN_FILTERS) else None
    return Listing(rows, lambda one: show.workflow_run(ask.shapes, one), "workflow_runs", most=most)


def _run(ask: Ask) -> w.WorkflowRun:
    found = next((one for one in _kept_runs(ask) if str(one.id) == ask.parts["run"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


def approvals(ask: Ask) -> list[dict[str, Any]]:
    """Decisions about the environments of a run: one answer, no pages, no times."""
    run = _run(ask)
    return [show.approval(ask.shapes, run, one) for one in run.approvals]


def deployments(ask: Ask) -> Listing:
    """Deployments by sha, ref, task and environment, newest first."""
    wants = ask.query
    rows = [
        one
        for one in reversed(ask.repository.deployments)
        if wants.get("sha", one.sha) == one.sha
        and wants.get("environment", one.environment) == one.environment
        and wants.get("task", one.task) == one.task
        and wants.get("ref", one.ref).removeprefix("refs/heads/") == one.ref.removeprefix("refs/heads/")
    ]
    return Listing(rows, lambda one: show.deployment(ask.shapes, one))


def _deployment(ask: Ask) -> w.Deployment:
    found = next((one for one in ask.repository.deployments if str(one.id) == ask.parts["deployment"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


def deployment_statuses(ask: Ask) -> Listing:
    """Every status of a deployment, newest first."""
    found = _deployment(ask)
    return Listing(found.statuses[::-1], lambda one: show.deployment_status(ask.shapes, found, one))


def environments(ask: Ask) -> Listing:
    """The environments with their gates."""
    rows = ask.repository.environments
    return Listing(rows, lambda one: show.environment(ask.shapes, ask.repository, one), "environments")


def environment(ask: Ask) -> dict[str, Any]:
    """One environment by name."""
    found = next((one for one in ask.repository.environments if one.name == ask.parts["environment"]), None)
    if found is None:
        raise RefusedError(404, "Not Found")
    return show.environment(ask.shapes, ask.repository, found)


def releases(ask: Ask) -> Listing:
    """Releases, newest first; drafts only for those who can push."""
    drafts = ask.viewer.is_at_least(ask.repository, "write")
    rows = [one for one in reversed(ask.repository.releases) if drafts or not one.draft]
    return Listing(rows, lambda one: show.release(ask.shapes, one))


def _switch(ask: Ask) -> Any:
    if not ask.repository.settings.vulnerability_alerts:
        raise RefusedError(404, "Vulnerability alerts are disabled.")
    return NOTHING


def _code_scanning(ask: Ask) -> dict[str, Any]:
    state = ask.repository.settings.code_scanning
    if state == "disabled":
        raise RefusedError(403, "Advanced Security must be enabled for this repository to use code scanning.")
    return {"state": state, "languages": ["python"], "query_suite": "default", "updated_at": None, "schedule": "weekly"}


_R = "/repos/{owner}/{repo}"
ROUTES = (
    Route(f"{_R}/commits/{{ref}}/check-runs", "checks", check_runs),
    Route(f"{_R}/commits/{{ref}}/check-suites", "checks", check_suites),
    Route(f"{_R}/commits/{{ref}}/status", "statuses", combined),
    Route(f"{_R}/commits/{{ref}}/statuses", "statuses", statuses),
    Route(f"{_R}/actions/runs", "actions", runs),
    Route(f"{_R}/actions/runs/{{run}}", "actions", lambda ask: show.workflow_run(ask.shapes, _run(ask))),
    Route(f"{_R}/actions/runs/{{run}}/approvals", "actions", approvals),
    Route(f"{_R}/deployments", "deployments", deployments),
    Route(f"{_R}/deployments/{{deployment}}", "deployments", lambda ask: show.deployment(ask.shapes, _deployment(ask))),
    Route(f"{_R}/deployments/{{deployment}}/statuses", "deployments", deployment_statuses),
    Route(f"{_R}/environments", "actions", environments),
    Route(f"{_R}/environments/{{environment}}", "actions", environment),
    Route(f"{_R}/releases", "contents", releases),
    Route(f"{_R}/vulnerability-alerts", "administration", _switch),
    Route(
        f"{_R}/automated-security-fixes",
        "administration",
        lambda ask: {"enabled": ask.repository.settings.automated_security_fixes, "paused": False},
    ),
    Route(f"{_R}/code-scanning/default-setup", "administration", _code_scanning),
)
