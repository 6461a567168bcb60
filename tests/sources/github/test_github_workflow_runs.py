"""Workflow runs in place of checks, for tokens that may see Actions and no Checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc2ev.sources.github import workflow_runs
from tests.fakes.github import faults, tokens
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import Run, collect

LIMITED = "limited-secret"


@pytest.fixture
def story() -> Story:
    """`acme/api` with rules, and a fine-grained token, which cannot see checks."""
    made = Story()
    made.token(tokens.fine_grained(LIMITED, "cat"))
    return made


def asked(run: Run) -> int:
    """How many pages of workflow runs were asked for."""
    return run.asked["/repos/{owner}/{repo}/actions/runs"]


def test_runs_on_heads_stand_in_for_checks(story: Story, tmp_path: Path) -> None:
    """Without checks the runs on the heads and merges of requests are kept, others are not, and the gap is stated."""
    change = story.clean()
    story.api.push(story.ann, {"src/other.py": "x"}, "Beside", branch="beside")
    story.api.check(story.api.it.branches["beside"])
    run = collect(tmp_path, story, secret=LIMITED)
    assert "checks" in run.incomplete
    rows = run.rows("github_workflow_runs")
    assert {change.it.head_sha} == {row["sha"] for row in rows}
    assert [("completed", "success", 1)] == [(row["status"], row["conclusion"], row["attempt"]) for row in rows]
    assert 1 == asked(run)


def test_no_runs_are_asked_for_where_checks_are_seen(story: Story, tmp_path: Path) -> None:
    """A token that sees checks does not pay for runs."""
    story.clean()
    run = collect(tmp_path, story, secret=story.secret)
    assert (0, {}) == (asked(run), run.incomplete)


def test_pages_of_runs_end(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are read back to the oldest request; where there are too many, that is stated."""
    for _ in range(101):
        story.api.check(story.api.push(story.ann, {"src/x.py": "x"}, "Old", branch="old").sha)
    story.clean()
    run = collect(tmp_path, story, secret=LIMITED)
    assert 1 == asked(run)
    monkeypatch.setattr(workflow_runs, "_MOST_PAGES", 1)
    early = Story()
    early.token(tokens.fine_grained(LIMITED, "cat"))
    change = early.reviewed()
    for _ in range(101):
        early.api.check(early.api.push(early.ann, {"src/x.py": "x"}, "New", branch="new").sha)
    change.merge(early.bob, "squash")
    (tmp_path / "cut").mkdir()
    cut = collect(tmp_path / "cut", early, secret=LIMITED)
    assert "only the newest 100 were read" in cut.incomplete["checks"]


def test_runs_that_cannot_be_had_are_a_gap(story: Story, tmp_path: Path) -> None:
    """A refused list of runs is stated, and the requests are there."""
    story.clean()
    refused = faults.status(403, on="GET /repos/*/actions/runs*", times=None)
    run = collect(tmp_path, story, secret=LIMITED, faults=[refused])
    assert "workflow runs that stand in for checks" in run.incomplete["checks"]
    assert 1 == len(run.rows("github_pull_requests"))
