"""JSON of checks, statuses, workflow runs, deployments and releases."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import world as w
from tests.fakes.github.names import node_id, opaque, when
from tests.fakes.github.resolvers.checks import suite_state
from tests.fakes.github.resolvers.deliveries import log_path
from tests.fakes.github.rest.shapes import Json, Shapes
from tests.fakes.github.rules import Environment


def _lower(word: str | None) -> str | None:
    return word and word.lower()


def check_run(shapes: Shapes, one: w.CheckRun) -> Json:
    """A `check-run`."""
    place = one.suite.repository.full_name
    html = f"{shapes.web}/{place}/runs/{one.id}"
    output: Json = dict.fromkeys(("title", "summary", "text"))
    output |= {"annotations_count": 0, "annotations_url": f"{shapes.api}/repos/{place}/check-runs/{one.id}/annotations"}
    return {
        "id": one.id,
        "node_id": node_id(one),
        "head_sha": one.suite.sha,
        "name": one.name,
        "external_id": "",
        "url": f"{shapes.api}/repos/{place}/check-runs/{one.id}",
        "html_url": html,
        "details_url": html,
        "status": one.status.lower(),
        "conclusion": _lower(one.conclusion),
        "started_at": when(one.started_at),
        "completed_at": when(one.completed_at),
        "output": output,
        "check_suite": {"id": one.suite.id},
        "app": shapes.app(one.suite.app),
        "pull_requests": [],
    }


def simple_commit(one: w.Commit) -> Json:
    """A `simple-commit`."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": when(one.committer.at),
        "author": {"name": one.author.name, "email": one.author.email},
        "committer": {"name": one.committer.name, "email": one.committer.email},
    }


def check_suite(shapes: Shapes, one: w.CheckSuite) -> Json:
    """A `check-suite`."""
    url = f"{shapes.api}/repos/{one.repository.full_name}/check-suites/{one.id}"
    status, conclusion = suite_state(one)
    return {
        "id": one.id,
        "node_id": node_id(one),
        "head_branch": one.branch,
        "head_sha": one.sha,
        "status": status.lower(),
        "conclusion": _lower(conclusion),
        "url": url,
        "before": one.before,
        "after": one.sha,
        "created_at": when(one.created_at),
        "updated_at": when(one.created_at),
        "app": shapes.app(one.app),
        "pull_requests": [],
        "head_commit": simple_commit(one.repository.commits[one.sha]),
        "repository": shapes.repository(one.repository),
        "latest_check_runs_count": len(one.runs),
        "check_runs_url": f"{url}/check-runs",
    }


def status(shapes: Shapes, one: w.CommitStatus) -> Json:
    """A `status`."""
    return {
        "url": f"{shapes.api}/repos/{one.repository.full_name}/statuses/{one.sha}",
        "avatar_url": None,
        "id": one.id,
        "node_id": node_id(one),
        "state": one.state.lower(),
        "description": None,
        "target_url": None,
        "context": one.context,
        "created_at": when(one.at),
        "updated_at": when(one.at),
        "creator": shapes.user(one.creator),
    }


def workflow_run(shapes: Shapes, one: w.WorkflowRun) -> Json:
    """A `workflow-run` at its newest attempt."""
    place = f"{shapes.api}/repos/{one.repository.full_name}"
    url = f"{place}/actions/runs/{one.id}"
    links = ("jobs", "logs", "cancel", "rerun", "artifacts")
    suite = one.suite.id if one.suite else one.id
    previous = f"{url}/attempts/{one.attempt - 1}" if one.attempt > 1 else None
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node_id(one),
        "check_suite_id": suite,
        "check_suite_url": f"{place}/check-suites/{suite}",
        "head_branch": one.branch,
        "head_sha": one.sha,
        "path": one.path,
        "run_number": one.number,
        "run_attempt": one.attempt,
        "previous_attempt_url": previous,
        "display_title": one.name,
        "event": one.event,
        "status": one.status,
        "conclusion": one.conclusion,
        "workflow_id": one.repository.id,
        "workflow_url": f"{place}/actions/workflows/{one.repository.id}",
        "url": url,
        "html_url": f"{shapes.web}/{one.repository.full_name}/actions/runs/{one.id}",
        **{f"{name}_url": f"{url}/{name}" for name in links},
        "created_at": when(one.created_at),
        "updated_at": when(one.updated_at),
        "run_started_at": when(one.started_at),
        "actor": shapes.user(one.actor),
        "triggering_actor": shapes.user(one.triggering or one.actor),
        "pull_requests": [],
        "head_commit": simple_commit(one.repository.commits[one.sha]),
        "repository": shapes.repository(one.repository),
        "head_repository": shapes.repository(one.repository),
    }


def approval(shapes: Shapes, run: w.WorkflowRun, one: w.Approval) -> Json:
    """An `environment-approvals`: it carries no time, neither here nor on GitHub."""
    chosen = [here for here in run.repository.environments if here.name in one.environments]
    rows = [
        {
            "id": here.id,
            "node_id": opaque("Environment", here.id),
            "name": here.name,
            "url": f"{shapes.api}/repos/{run.repository.full_name}/environments/{here.name}",
            "html_url": f"{shapes.web}/{run.repository.full_name}/deployments/{here.name}",
            "created_at": when(here.at),
            "updated_at": when(here.at),
        }
        for here in chosen
    ]
    return {"environments": rows, "state": one.state, "user": shapes.user(one.user), "comment": one.comment}


def deployment(shapes: Shapes, one: w.Deployment) -> Json:
    """A `deployment`."""
    place = f"{shapes.api}/repos/{one.repository.full_name}"
    url = f"{place}/deployments/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id(one),
        "url": url,
        "statuses_url": f"{url}/statuses",
        "repository_url": place,
        "sha": one.sha,
        "ref": one.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "task": one.task,
        "environment": one.environment,
        "original_environment": one.original_environment or one.environment,
        "production_environment": one.production,
        "transient_environment": one.transient,
        "creator": shapes.user(one.creator),
        "payload": {},
        "description": None,
        "performed_via_github_app": shapes.app(one.app) if one.app else None,
        "created_at": when(one.at),
        "updated_at": when(one.statuses[-1].at if one.statuses else one.at),
    }


def deployment_status(shapes: Shapes, home: w.Deployment, one: w.DeploymentStatus) -> Json:
    """A `deployment-status`."""
    place = f"{shapes.api}/repos/{home.repository.full_name}"
    return {
        "id": one.id,
        "node_id": opaque("DeploymentStatus", one.id),
        "url": f"{place}/deployments/{home.id}/statuses/{one.id}",
        "deployment_url": f"{place}/deployments/{home.id}",
        "repository_url": place,
        "state": one.state,
        "creator": shapes.user(one.creator),
        "description": "",
        "target_url": "",
        "log_url": shapes.web + log_path(home.run) if home.run else "",
        "environment": home.environment,
        "environment_url": "",
        "created_at": when(one.at),
        "updated_at": when(one.at),
    }


def environment(shapes: Shapes, home: w.Repository, one: Environment) -> Json:
    """An `environment` with its gates."""
    rules: list[dict[str, Any]] = []
    if one.wait_minutes:
        rules.append({"id": one.id, "node_id": opaque("Gate", one.id, 1), "type": "wait_timer", "wait_timer": one.wait_minutes})  # fmt: skip
    if one.reviewers:
        people = [{"type": "User", "reviewer": shapes.user(person)} for person in one.reviewers]
        gate = {"id": one.id, "node_id": opaque("Gate", one.id, 2), "type": "required_reviewers"}
        rules.append({**gate, "prevent_self_review": one.prevent_self_review, "reviewers": people})
    if one.protected_branches:
        rules.append({"id": one.id, "node_id": opaque("Gate", one.id, 3), "type": "branch_policy"})
    return {
        "id": one.id,
        "node_id": opaque("Environment", one.id),
        "name": one.name,
        "url": f"{shapes.api}/repos/{home.full_name}/environments/{one.name}",
        "html_url": f"{shapes.web}/{home.full_name}/deployments/activity_log?environments_filter={one.name}",
        "created_at": when(one.at),
        "updated_at": when(one.at),
        "can_admins_bypass": one.admins_bypass,
        "protection_rules": rules,
        "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}
        if one.protected_branches
        else None,
    }


def release(shapes: Shapes, one: w.Release) -> Json:
    """A `release`."""
    place = f"{shapes.api}/repos/{one.repository.full_name}"
    url = f"{place}/releases/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id(one),
        "url": url,
        "html_url": f"{shapes.web}/{one.repository.full_name}/releases/tag/{one.tag}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": f"{place}/tarball/{one.tag}",
        "zipball_url": f"{place}/zipball/{one.tag}",
        "tag_name": one.tag,
        "target_commitish": one.repository.default_branch,
        "name": one.name,
        "body": one.body,
        "draft": one.draft,
        "prerelease": one.prerelease,
        "created_at": when(one.created_at),
        "published_at": when(one.published_at),
        "author": shapes.user(one.author),
        "assets": [],
    }
