"""Check suites, check runs, commit statuses and what they add up to."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import graph
from tests.fakes.github import world as w
from tests.fakes.github.names import opaque, resolve
from tests.fakes.github.requirements import is_required, required_here
from tests.fakes.github.resolvers.repositories import reference
from tests.fakes.github.resolvers.shared import Info, Resolver, connection, demand, living, session, url

_BAD = ("FAILURE", "CANCELLED", "TIMED_OUT", "ACTION_REQUIRED", "STARTUP_FAILURE", "STALE", "ERROR")


def newest_statuses(statuses: list[w.CommitStatus]) -> list[w.CommitStatus]:
    """The newest status of each context."""
    return list({one.context: one for one in sorted(statuses, key=lambda one: one.at)}.values())


def rollup(commit: w.Commit, info: Info) -> dict[str, Any] | None:
    """
    All checks and statuses of a commit; null when there are none.

    It fails as a whole for a token that lacks Checks or Statuses: GitHub gives no partial roll-up.
    """
    demand(info, commit.repository, "checks", "statuses")
    suites = graph.suites(session(info).world, commit.repository, commit.sha)
    runs = [run for suite in suites for run in graph.latest(suite.runs)]
    contexts: list[Any] = [*runs, *newest_statuses(commit.repository.statuses.get(commit.sha, []))]
    if not contexts:
        return None
    made = {"__typename": "StatusCheckRollup", "id": opaque("StatusCheckRollup", commit.sha), "commit": commit}
    return {**made, "state": _state(contexts), "contexts": lambda _, **page: connection(contexts, **page)}


def _state(contexts: list[Any]) -> str:
    words = [one.state if isinstance(one, w.CommitStatus) else (one.conclusion or "PENDING") for one in contexts]
    if any(word in _BAD for word in words):
        return "FAILURE"
    return "PENDING" if "PENDING" in words else "SUCCESS"


def combined(commit: w.Commit, info: Info) -> dict[str, Any] | None:
    """The commit statuses alone, which need Statuses read; null when there are none."""
    demand(info, commit.repository, "statuses")
    found = newest_statuses(commit.repository.statuses.get(commit.sha, []))
    made = {"__typename": "Status", "id": opaque("Status", commit.sha), "commit": commit, "contexts": found}
    return {**made, "state": _state(found)} if found else None


def commit_suites(commit: w.Commit, info: Info, *, filter_by: Any = None, **page: Any) -> dict[str, Any]:
    """The check suites of a commit; they need Checks read."""
    demand(info, commit.repository, "checks")
    chosen = filter_by or {}
    found = [
        suite
        for suite in graph.suites(session(info).world, commit.repository, commit.sha)
        if chosen.get("appId") in (None, suite.app.id)
        and ("checkName" not in chosen or any(run.name == chosen["checkName"] for run in suite.runs))
    ]
    return connection(found, **page)


def suite_runs(suite: w.CheckSuite, _: Info, *, filter_by: Any = None, **page: Any) -> dict[str, Any]:
    """The runs of a suite: the latest of each name unless `checkType: ALL` asks for re-runs too."""
    chosen = filter_by or {}
    runs = suite.runs if chosen.get("checkType") == "ALL" else graph.latest(suite.runs)
    found = [
        run
        for run in runs
        if chosen.get("checkName") in (None, run.name)
        and ("conclusions" not in chosen or run.conclusion in chosen["conclusions"])
        and ("status" not in chosen or run.status == chosen["status"])
    ]
    return connection(found, **page)


def suite_state(suite: w.CheckSuite) -> tuple[str, str | None]:
    """The status and conclusion of a suite, from its latest runs."""
    runs = graph.latest(suite.runs)
    if any(run.status != "COMPLETED" for run in runs):
        return "IN_PROGRESS", None
    bad = next((run.conclusion for run in runs if run.conclusion in _BAD), None)
    return "COMPLETED", bad or "SUCCESS"


def push(suite: w.CheckSuite, _: Info) -> dict[str, Any] | None:
    """The push that made the suite; null when its actor is gone."""
    if living(suite.pusher) is None:
        return None
    made = {"__typename": "Push", "id": opaque("Push", suite.id), "pusher": suite.pusher, "nextSha": suite.sha}
    permalink = f"https://github.com/{suite.repository.full_name}/commit/{suite.sha}"
    return {**made, "previousSha": suite.before, "permalink": permalink, "repository": suite.repository}


def run_of(suite: w.CheckSuite, info: Info) -> w.WorkflowRun | None:
    """The workflow run behind a suite, which needs Actions read."""
    if suite.workflow_run is not None:
        demand(info, suite.repository, "actions")
    return suite.workflow_run


def _path(one: w.CheckRun, _: Any = None) -> str:
    return f"/{one.suite.repository.full_name}/runs/{one.id}"


def _workflow_path(one: w.WorkflowRun, _: Any = None) -> str:
    return f"/{one.repository.full_name}/actions/runs/{one.id}"


def _suite_path(one: w.CheckSuite, _: Any = None) -> str:
    return f"/{one.repository.full_name}/suites/{one.id}"


def _reviews(run: w.WorkflowRun, info: Info, **page: Any) -> dict[str, Any]:
    def environments(approval: w.Approval) -> Any:
        chosen = [one for one in run.repository.environments if one.name in approval.environments]
        return lambda _, **inner: connection(chosen, **inner)

    made = [
        {
            "__typename": "DeploymentReview",
            "id": opaque("DeploymentReview", run.id, place),
            "databaseId": place,
            "comment": approval.comment,
            "state": approval.state.upper(),
            "user": approval.user,
            "environments": environments(approval),
        }
        for place, approval in enumerate(run.approvals)
    ]
    return connection(made, **page)


def _asks(one: Any, info: Info, *, pull_request_number: int | None = None, pull_request_id: str | None = None) -> bool:
    # Judged by the rules of now, whatever they were when the pull request was merged.
    repository = one.repository if isinstance(one, w.CommitStatus) else one.suite.repository
    pull = (
        resolve(session(info).world, pull_request_id)
        if pull_request_id
        else repository.pulls.get(pull_request_number or 0)
    )
    name, app = (one.context, None) if isinstance(one, w.CommitStatus) else (one.name, one.suite.app.id)
    return is_required(required_here(repository, pull.base_ref if pull else repository.default_branch), name, app)


RESOLVERS: dict[tuple[str, str], Resolver] = {
    ("Commit", "statusCheckRollup"): rollup,
    ("Commit", "status"): combined,
    ("Commit", "checkSuites"): commit_suites,
    ("PullRequest", "statusCheckRollup"): lambda one, info: rollup(one.repository.commits[one.head_sha], info),
    ("CheckRun", "databaseId"): lambda one, _: one.id,
    ("CheckRun", "detailsUrl"): lambda one, info: url(info, _path(one)),
    ("CheckRun", "url"): lambda one, info: url(info, _path(one)),
    ("CheckRun", "permalink"): lambda one, info: url(info, _path(one)),
    ("CheckRun", "resourcePath"): _path,
    ("CheckRun", "isRequired"): _asks,
    ("CheckRun", "checkSuite"): lambda one, _: one.suite,
    ("CheckRun", "repository"): lambda one, _: one.suite.repository,
    ("CheckSuite", "databaseId"): lambda one, _: one.id,
    ("CheckSuite", "status"): lambda one, _: suite_state(one)[0],
    ("CheckSuite", "conclusion"): lambda one, _: suite_state(one)[1],
    ("CheckSuite", "updatedAt"): lambda one, _: one.created_at,
    ("CheckSuite", "branch"): lambda one, _: reference(one.repository, f"refs/heads/{one.branch}"),
    ("CheckSuite", "commit"): lambda one, _: one.repository.commits[one.sha],
    ("CheckSuite", "creator"): lambda one, _: one.pusher if one.pusher and one.pusher.kind == "User" else None,
    ("CheckSuite", "push"): push,
    ("CheckSuite", "workflowRun"): run_of,
    ("CheckSuite", "checkRuns"): suite_runs,
    ("CheckSuite", "url"): lambda one, info: url(info, _suite_path(one)),
    ("CheckSuite", "resourcePath"): _suite_path,
    ("StatusContext", "createdAt"): lambda one, _: one.at,
    ("StatusContext", "targetUrl"): lambda *_: None,
    ("StatusContext", "description"): lambda *_: None,
    ("StatusContext", "isRequired"): _asks,
    ("StatusContext", "creator"): lambda one, _: living(one.creator),
    ("StatusContext", "commit"): lambda one, _: one.repository.commits[one.sha],
    ("WorkflowRun", "databaseId"): lambda one, _: one.id,
    ("WorkflowRun", "runNumber"): lambda one, _: one.number,
    ("WorkflowRun", "workflow"): lambda one, _: {
        "__typename": "Workflow",
        "id": opaque("Workflow", one.path),
        "databaseId": None,
        "name": one.name,
    },
    ("WorkflowRun", "url"): lambda one, info: url(info, _workflow_path(one)),
    ("WorkflowRun", "resourcePath"): _workflow_path,
    ("WorkflowRun", "checkSuite"): lambda one, _: one.suite,
    ("WorkflowRun", "deploymentReviews"): _reviews,
}
