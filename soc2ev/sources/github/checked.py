"""The tables of what tested the commits: checks, statuses, workflow runs, and the Apps that reported them."""

from __future__ import annotations

from soc2ev.model import Table
from soc2ev.sources.github.columns import REPOSITORY as _REPOSITORY
from soc2ev.sources.github.columns import account as _account
from soc2ev.sources.github.columns import flag as _flag
from soc2ev.sources.github.columns import must as _must
from soc2ev.sources.github.columns import number as _number
from soc2ev.sources.github.columns import text as _text
from soc2ev.sources.github.columns import time as _time

_SHA = _must("sha", "The full id of the commit.")
_THROUGH = _must("number", "Pull request for which it was asked; 0 when for the commit alone.", "BIGINT")
_TEST_PAGE = _must("page", "Page of the commit's checks, from 1.", "BIGINT")

TESTED = Table(
    "github_tested_commits",
    "Commits whose checks were asked for, by page: a commit without checks stands here and has none.",
    (
        _REPOSITORY,
        _SHA,
        _must("part", "heads, merges, pushes, attempts or statuses: which question asked."),
        _THROUGH,
        _TEST_PAGE,
        _number("checks", "Checks and statuses that GitHub counted; NULL when it refused to tell."),
        _flag("whole", "With this page every one of them has arrived."),
        _text("reason", "Why not."),
    ),
    ("repository", "sha", "part", "number", "page"),
)
CHECKS = Table(
    "github_checks",
    "Check runs and commit statuses on tested commits, every attempt that was asked for.",
    (
        _REPOSITORY,
        _SHA,
        _must("part", "heads, merges, pushes, attempts or statuses: which question asked."),
        _THROUGH,
        _must("id", "check:<number>, status:<context> for the newest status, status:<number> for any."),
        _must("kind", "check or status."),
        _must("name", "Name of the check, or context of the status."),
        _text("app", "Slug of the App that reported it; NULL for a status."),
        _number("app_id", "Number of that App."),
        _text("status", "COMPLETED, IN_PROGRESS, QUEUED ...; for a status its state."),
        _text("conclusion", "SUCCESS, FAILURE, NEUTRAL, SKIPPED, CANCELLED, TIMED_OUT ...; NULL while it runs."),
        _time("started_at", "When it started."),
        _time("completed_at", "When it ended; for a status, when it was set."),
        _flag("required", "GitHub says now that this pull request required it; NULL when not asked."),
        _text("url", "Where a person can look at it."),
        _time("received_at", "When the server first made a suite for the commit: it had received the push by then."),
        *_account("pusher", "Who pushed the commit, as the suite says"),
        *_account("creator", "Who set the status; NULL for a check"),
        _number("run_id", "Number of the workflow run."),
        _text("event", "What started the workflow: push, pull_request, merge_group ..."),
    ),
    ("repository", "sha", "part", "number", "id"),
)
WORKFLOW_RUNS = Table(
    "github_workflow_runs",
    "Workflow runs on tested commits, asked for where the token may see no checks: they tell less, and prove nothing.",
    (
        _REPOSITORY,
        _SHA,
        _must("id", "GitHub's number of the run.", "BIGINT"),
        _text("name", "Name of the workflow."),
        _text("event", "What started it: push, pull_request, merge_group ..."),
        _number("attempt", "Number of the newest attempt, which the other columns describe."),
        _text("status", "completed, in_progress, queued ..."),
        _text("conclusion", "success, failure, cancelled, skipped ...; NULL while it runs."),
        _time("started_at", "When that attempt started."),
        _time("updated_at", "When it last changed, which for a completed one is about when it ended."),
        _text("url", "Where a person can look at it."),
    ),
    ("repository", "id"),
)
APPS = Table(
    "github_apps",
    "Apps behind bots that set commit statuses, where GitHub tells.",
    (
        _REPOSITORY,
        _must("slug", "The App's name in addresses: its bot's login without [bot]."),
        _must("id", "GitHub's number of the App, which rules name.", "BIGINT"),
    ),
    ("repository", "slug"),
)
