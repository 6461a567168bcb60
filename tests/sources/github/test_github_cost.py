"""What a collection costs: requests, sizes that GitHub can answer, and documents that it accepts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from soc2ev.sources.github import documents, fragments, ref_documents
from soc2ev.sources.github.sizes import _STARTS
from tests.fakes.github import faults, tokens
from tests.fakes.github.cost import price
from tests.fakes.github.graphql import SCHEMA_FILE
from tests.fakes.github.large import large
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import SECRET, collect

EVERYTHING = frozenset((fragments.CHECKS, fragments.RUNS, fragments.STATUSES, fragments.ISSUES))
DOCUMENTS = {
    "repositories": documents.repositories(3, traces=True),
    "bare repositories": documents.repositories(1, traces=False),
    "owned": documents.owned(traces=True),
    "bare owned": documents.owned(traces=False),
    "heads": ref_documents.HEADS,
    "dated": ref_documents.DATED,
    "history": ref_documents.HISTORY,
    "heads and history": ref_documents.opened(0, 0, EVERYTHING),
    "heads with all": ref_documents.opened(2, 2, EVERYTHING),
    "heads with statuses": ref_documents.opened(1, 0, {fragments.STATUSES}),
    "heads with little": ref_documents.opened(1, 1, ()),
    "opening": documents.OPENING,
    "settings": documents.SETTINGS,
    "merged": documents.MERGED,
    "deployments": documents.DEPLOYMENTS,
    "releases": documents.RELEASES,
    "probe": documents.PROBE,
    "details": documents.details(EVERYTHING),
    "details without runs": documents.details(EVERYTHING - {fragments.RUNS}),
    "details with statuses": documents.details({fragments.STATUSES}),
    "bare details": documents.details(()),
    "details without suites": documents.details(EVERYTHING - {fragments.PUSHES}),
    "rest": documents.rest_of(list(documents.PARTS)),
    "rest of replaced": documents.rest_of(["replaced"]),
    "rest of events": documents.rest_of(["events"]),
    "rest of files": documents.rest_of(["files"]),
    "pushers": documents.pushers(2),
    "assigned": documents.assigned(2),
    "rest of statuses": documents.rest_of_statuses(2),
    "commits": documents.commits(2),
    "named requests": documents.named_requests(2),
    "tested": documents.tested(2, EVERYTHING),
    "tested by statuses": documents.tested(2, {fragments.STATUSES}),
    "more tested": documents.more_tested(2, EVERYTHING),
    "attempts": documents.attempts(2, EVERYTHING),
    "more attempts": documents.more_attempts(2, EVERYTHING),
    "authors": documents.authors(2),
    "parents": documents.parents(2),
    "gates": documents.gates(2),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_valid(name: str) -> None:
    """GitHub refuses a document with a field that it does not know, an unused fragment or variable."""
    schema = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert [] == validate(schema, parse(DOCUMENTS[name]))


def test_ten_thousand_requests_fit_into_the_points_of_an_hour() -> None:
    """A user has 5,000 points an hour; the details of 100 requests cost 45 at most, and the lists beside them few."""
    schema, ids = build_schema(SCHEMA_FILE.read_text(encoding="utf-8")), ["x"] * 100
    points = price(schema, parse(documents.details(EVERYTHING | {fragments.PUSHES})), {"ids": ids}, None).cost
    assert (True, points) == (30 < points <= 45, points)


def test_a_busy_month_stays_within_its_requests(tmp_path: Path) -> None:
    """2,000 requests in four repositories: at most 0.05 for each, and six for each repository; all commits settled."""
    story = large(2_000)
    story.token(tokens.classic(SECRET, "root"))
    run = collect(tmp_path, story, scope="[{repository: 'acme/*'}]")
    assert {} == run.incomplete
    merged = sum(entry.fetched for name, entry in run.coverages.items() if name.endswith(":pull-requests"))
    assert 1_800 < merged
    assert run.requests <= 0.05 * merged + 4 * 6
    named = [item for item, _ in run.stored if item.request.get("role") == "named"]
    assert 4 <= len(named) <= 8
    history = [item.request for item, _ in run.stored if item.request.get("role") == "history"]
    assert [True] * 4 == ["answered" in request for request in history]


@pytest.mark.parametrize("repositories", [1, 3])
def test_a_quiet_month_stays_within_its_requests(tmp_path: Path, repositories: int) -> None:
    """Thirty requests in each repository: at most 15 for it and 0.05 for each of them."""
    story = large(30 * repositories, 7, repositories)
    story.token(tokens.classic(SECRET, "root"))
    for repository in story.repos.values():
        repository.it.collaborators["root"] = "admin"
    run = collect(tmp_path, story, scope="[{repository: 'acme/*'}]")
    assert {} == run.incomplete
    merged = sum(entry.fetched for name, entry in run.coverages.items() if name.endswith(":pull-requests"))
    assert 25 * repositories < merged
    assert run.requests <= 0.05 * merged + 15 * repositories


def test_named_commits_do_not_come_twice_when_the_history_is_read_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where naming commits does not settle the difference, the pages of the history leave out what was told."""
    monkeypatch.setattr("soc2ev.sources.github.heads._with_history", lambda *_: None)
    monkeypatch.setattr("soc2ev.sources.github.graph._FEW_PAGES", 0)
    monkeypatch.setattr("soc2ev.sources.github.graph._PAGES_PER_REQUEST", 0.0)
    monkeypatch.setattr("soc2ev.sources.github.graph._MOST_NAMES", 1)
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    for number in range(3):
        change = story.open(title=f"ABC-{number}")
        change.push(story.ann)
        change.push(story.ann)
        change.merge(story.bob, "rebase")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert {"named", "history"} <= {item.request.get("role") for item, _ in run.stored}
    assert 10 == run.of("commits").fetched == len(run.rows("github_commits"))


@pytest.mark.parametrize("begun", [0, 1, 2, 100])
@pytest.mark.parametrize("most", [1_200, 1])
def test_the_commits_of_a_later_month_come_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, begun: int
) -> None:
    """
    What the branch held before the month ends the lines of what requests tell; its rows do not come again, neither with
    the commits that are asked for by name nor, where that does not settle it, with the pages of the history.
    """
    monkeypatch.setattr("soc2ev.sources.github.graph._FEW_PAGES", 0)
    monkeypatch.setattr("soc2ev.sources.github.graph._PAGES_PER_REQUEST", 0.0)
    monkeypatch.setattr("soc2ev.sources.github.graph._MOST_NAMES", most)
    if begun:
        monkeypatch.setitem(_STARTS, "history", begun)
    else:
        monkeypatch.setattr("soc2ev.sources.github.heads._with_history", lambda *_: None)
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    for number in range(6):
        if number == 3:
            story.world.now = datetime(2026, 11, 2, tzinfo=UTC)
        change = story.open(title=f"ABC-{number}")
        change.push(story.ann)
        change.merge(story.bob, "rebase")
    run = collect(tmp_path, story, months="2026-11", now=datetime(2026, 11, 4, tzinfo=UTC))
    assert {} == run.incomplete
    assert "route" not in run.of("commits").details
    history = [item for item, _ in run.stored if item.request.get("role") == "history"]
    assert begun or (1 if most > 1 else 2) == len(history)
    assert 6 == run.of("commits").fetched
    rows = run.rows("github_commits")
    assert len({row["sha"] for row in rows}) == len(rows)
    assert begun or 6 <= len(rows)


def test_an_answer_that_is_too_large_is_asked_for_in_halves(tmp_path: Path) -> None:
    """A gateway that gives up on the details makes them smaller until they pass, and the size is remembered."""
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    for number in range(9):
        story.clean(title=f"ABC-{number}")
    refusing = faults.status(502, on="POST /graphql", at=5, times=4)
    run = collect(tmp_path, story, faults=[refusing], workers=1)
    assert {} == run.incomplete
    assert 9 == len(run.rows("github_pull_requests"))


def test_pages_of_every_list_are_followed(tmp_path: Path) -> None:
    """More merged requests, moves, commits and deployments than one page holds arrive whole."""
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    for number in range(130):
        story.api.push(story.ann, {"a": str(number)})
        story.api.deploy(story.api.head(), story.cat, states=("success",))
    run = collect(tmp_path, story, now=datetime(2026, 11, 3, tzinfo=UTC))
    assert {} == run.incomplete
    assert (131, 130) == (len(run.rows("github_commits")), len(run.rows("github_deployments")))
    assert 131 == len(run.rows("github_ref_updates"))
