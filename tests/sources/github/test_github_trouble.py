"""Nothing that goes wrong between us and GitHub makes a gap that nobody states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import faults, tokens
from tests.fakes.github.faults import Fault
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import SECRET, Run, collect

GRAPH, REST = "POST /graphql", "GET /repos/*/activity"
ONLY_GRAPH = {"secondary_graphql", "primary_graphql", "partial", "resource_limits"}
LIMITS = {"too_many", "secondary", "status_401"}
SLOW = {"timeout"}
TABLES = ("github_commits", "github_pull_requests", "github_reviews", "github_checks", "github_deployments")


def world() -> Story:
    """A month with two requests, a push, deployments and a release."""
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    story.clean()
    story.clean(how="merge", title="ABC-2 Change")
    story.api.push(story.ann, {"a": "b"}, "direct")
    story.api.release("v1", story.cat)
    return story


def fault(name: str, **where: Any) -> Fault:
    """That fault; a page that comes too late is not waited for in tests, it is what a gateway makes of it."""
    return faults.status(504, **where) if name in SLOW else faults.ALL[name](**where)


def facts(run: Run) -> dict[str, list[str]]:
    """What the rows of the main tables are about, in no order."""
    tables = run.tables()
    keys = {"github_commits": "sha", "github_checks": "id", "github_reviews": "id", "github_deployments": "id"}
    return {name: sorted(str(row[keys.get(name, "number")]) for row in tables.get(name, [])) for name in TABLES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What a collection without trouble finds in that world."""
    run = collect(tmp_path_factory.mktemp("whole"), world())
    assert {} == run.incomplete
    return facts(run)


CASES = [(name, on) for name in faults.ALL for on in (GRAPH, REST) if on == GRAPH or name not in ONLY_GRAPH]


@pytest.mark.parametrize(("name", "on"), CASES)
def test_trouble_that_stays_is_stated(name: str, on: str, tmp_path: Path, whole: dict[str, list[str]]) -> None:
    """Whatever an endpoint does for good: no traceback, readable bodies, and a complete stream holds all that there is."""
    run = collect(tmp_path, world(), faults=[fault(name, on=on, times=None)])
    found = facts(run)
    streams = {"github_commits": "commits", "github_pull_requests": "pull-requests", "github_reviews": "pull-requests"}
    streams |= {"github_checks": "checks", "github_deployments": "deployments"}
    for table, stream in streams.items():
        entry = run.coverages.get(f"github:acme/api:{stream}")
        if entry is not None and entry.complete:
            assert whole[table] == found[table], (table, entry)
    if found != whole:
        assert run.incomplete
    # A limit holds for the whole token, so that it may cost other streams as well.
    if on == REST and name not in LIMITS:
        assert run.of("deployments").complete
        assert run.of("pull-requests").complete


@pytest.mark.parametrize(("name", "on"), CASES)
@pytest.mark.parametrize("at", [1, 4])
def test_trouble_that_passes_costs_nothing(
    name: str, on: str, at: int, tmp_path: Path, whole: dict[str, list[str]]
) -> None:
    """One bad answer is stored and asked again: the rows are those of a collection without it, or the gap is stated."""
    if at > 1 and on == REST:
        at = 2
    run = collect(tmp_path, world(), faults=[fault(name, on=on, at=at, times=1)], workers=1)
    if name in LASTING:
        assert facts(run) == whole or run.incomplete
        return
    assert {} == run.incomplete
    assert whole == facts(run)


LASTING = {"status_401", "status_403", "status_404", "status_410", "status_451", "elsewhere", "redirect"}
LASTING |= {"primary_graphql", "endless", "repeated_cursor"}
"""What trying again does not help against: a refusal, a limit of an hour, a list that says that it goes on elsewhere."""
