"""The tables of how changes reached production: deployments, the gates that they passed, releases."""

from __future__ import annotations

from soc2ev.model import Column, Table
from soc2ev.sources.github.columns import REPOSITORY as _REPOSITORY
from soc2ev.sources.github.columns import account as _account
from soc2ev.sources.github.columns import flag as _flag
from soc2ev.sources.github.columns import must as _must
from soc2ev.sources.github.columns import text as _text
from soc2ev.sources.github.columns import time as _time

_SHA = _must("sha", "The full id of the commit.")
_POSITION = _must("position", "Place in the answer, from 0.", "BIGINT")

DEPLOYMENTS = Table(
    "github_deployments",
    "Deployments that GitHub recorded.",
    (
        _REPOSITORY,
        _must("id", "GitHub's number of the deployment.", "BIGINT"),
        _text("environment", "Where to, as first named."),
        _SHA,
        _text("ref", "What was asked to be deployed."),
        _text("task", "deploy, or another task."),
        *_account("creator", "Who or what created it"),
        _must("created_at", "When it was created.", "TIMESTAMP"),
        _text("url", "Where a person can look at it."),
        _flag("whole", "All its statuses arrived."),
    ),
    ("repository", "id"),
)
_DEPLOYMENT = _must("deployment", "GitHub's number of the deployment.", "BIGINT")
DEPLOYMENT_STATUSES = Table(
    "github_deployment_statuses",
    "What became of a deployment.",
    (
        _REPOSITORY,
        _DEPLOYMENT,
        _must("id", "GitHub's id of the status."),
        _must("state", "IN_PROGRESS, SUCCESS, FAILURE, ERROR, INACTIVE, WAITING ..."),
        _time("at", "When it was reported."),
        *_account("creator", "Who or what reported it"),
        _text("log_url", "Where the log is."),
    ),
    ("repository", "deployment", "id"),
)
PARENTS = Table(
    "github_parents",
    "Parents of commits that were deployed to production and are not known from the branch or its pull requests.",
    (_REPOSITORY, _SHA, Column("parents", "TEXT[]", "The parents, first parent first.")),
    ("repository", "sha"),
)
GATES = Table(
    "github_gates",
    "Deployments whose workflow run was asked who let it through the gates of its environments.",
    (
        _REPOSITORY,
        _DEPLOYMENT,
        _must("workflow_run", "GitHub's number of the workflow run.", "BIGINT"),
        _must("answers", "How many answers the run has, for whichever environment.", "BIGINT"),
        _must("whole", "All of them arrived.", "BOOLEAN"),
    ),
    ("repository", "deployment"),
)
GATE_ANSWERS = Table(
    "github_gate_answers",
    "What people answered at the gates of a deployment's workflow run. GitHub gives no time of an answer.",
    (
        _REPOSITORY,
        _DEPLOYMENT,
        _POSITION,
        *_account("approver", "Who answered"),
        _text("state", "APPROVED or REJECTED."),
        Column("environments", "TEXT[]", "Names of the environments that the answer is for."),
        _text("comment", "What was written with it."),
    ),
    ("repository", "deployment", "position"),
)
RELEASES = Table(
    "github_releases",
    "Published releases.",
    (
        _REPOSITORY,
        _must("id", "GitHub's id of the release."),
        _text("tag", "Its tag."),
        _text("sha", "The commit that the tag names now."),
        _text("name", "Its title."),
        _text("notes", "Its notes."),
        *_account("author", "Who made it"),
        # No document says so; https://github.com/Kong/kongctl/issues/1837 measured it.
        _time(
            "published_at",
            "When it was published; NULL for a draft. It stays when a pre-release is made final, and is new when a "
            "release was made a draft and published again.",
        ),
        _flag("draft", "Not published yet."),
        _flag("prerelease", "Marked as no final release."),
        _flag("immutable", "Its tag and files cannot be changed any more; NULL when not told."),
        _text("url", "Where a person can look at it."),
    ),
    ("repository", "id"),
)
