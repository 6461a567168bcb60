"""The questions that several streams share: each part that does not come whole is asked for by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import faults, tokens
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import SECRET, Run, collect

PARTS = ("pullRequests", "deployments", "releases", "visibility", "hasVulnerabilityAlertsEnabled", "root", "probed")


def month() -> Story:
    """Three requests, a direct push with a check, a deployment and a release; then a request that is deployed after the month."""
    story = Story()
    story.token(tokens.classic(SECRET, "root"))
    for number in range(3):
        story.clean(title=f"ABC-{number}")
    story.api.check(story.api.push(story.ann, {"a": "1"}).sha)
    story.api.deploy(story.api.head(), story.cat, states=("success",))
    story.world.now = datetime(2026, 11, 2, tzinfo=UTC)
    story.clean(title="ABC-9")
    story.api.deploy(story.api.head(), story.cat, states=("success",))
    return story


def spoilt(folder: Path, spoil: Callable[[dict[str, Any]], None], *, of: tuple[str, ...]) -> Run:
    """A collection in which that happens to every answer that has these fields of a repository, of which there is one."""
    struck: list[bool] = []

    def change(wire: faults.Wire, _: faults.Wire | None) -> faults.Wire:
        body = json.loads(wire.body)
        home = (body.get("data") or {}).get("repository") or {}
        if not all(field in home for field in of):
            return wire
        spoil(body)
        struck.append(True)
        return replace(wire, body=json.dumps(body).encode())

    folder.mkdir()
    run = collect(folder, month(), faults=[faults.Fault("spoilt", change, on="POST /graphql", times=None)])
    assert struck
    return run


def told(run: Run) -> dict[str, list[str]]:
    """Everything that was told, but for what depends on the pages it came in and on the server's address."""
    names = ("merged_index", "deployments", "releases", "settings", "capabilities", "heads", "commits")
    names += ("tested_commits", "checks", "parents")
    return {
        name: sorted(
            json.dumps({**row, "page": 0, "url": ""}, sort_keys=True, default=str) for row in run.rows(f"github_{name}")
        )
        for name in names
    }


def test_one_answer_speaks_for_four_streams(tmp_path: Path) -> None:
    """It is asked once, and stored for each; so it is with the heads and the newest commits."""
    run = collect(tmp_path, month())
    assert {} == run.incomplete
    shared = {
        item.request["role"]: item.request["answered"].rpartition(":")[2]
        for item, _ in run.stored
        if "answered" in item.request
    }
    assert {
        "index": "merged",
        "deployments": "merged",
        "settings": "merged",
        "history": "heads",
        "tested": "heads",
        "parents": "heads",
    } == shared
    assert (4, 12) == (run.asked["/graphql"], sum(path.startswith("/repos") for path in run.asked))


@pytest.mark.parametrize("how", ["refused", "failed", "null", "nowhere"])
@pytest.mark.parametrize("part", PARTS)
def test_what_the_first_question_lacks_is_asked_for(tmp_path: Path, part: str, how: str) -> None:
    """Nothing is missing in the end, and nothing stands twice."""
    whole = told(collect(tmp_path, month()))

    def spoil(body: dict[str, Any]) -> None:
        body["data"]["repository"][part] = None
        error: dict[str, Any] = (
            {"message": "Something went wrong"}
            if how == "failed"
            else {"type": "FORBIDDEN", "message": "Resource not accessible by integration"}
        )
        if how != "null":
            body["errors"] = [{**error, "path": [] if how == "nowhere" else ["repository", part]}]

    run = spoilt(tmp_path / "again", spoil, of=("pullRequests", "deployments"))
    # A place without CODEOWNERS is null in any case.
    assert ({}, whole) == (run.incomplete, told(run))


@pytest.mark.parametrize("value", ["x", [], 7, {}])
def test_a_first_question_that_is_answered_with_something_else_costs_nothing(tmp_path: Path, value: object) -> None:
    """A text, a list, a number or nothing for the repository: all is asked for by itself."""
    whole = told(collect(tmp_path, month()))

    def spoil(body: dict[str, Any]) -> None:
        body["data"]["repository"] = value

    run = spoilt(tmp_path / "again", spoil, of=("pullRequests", "deployments"))
    assert ({}, whole) == (run.incomplete, told(run))


@pytest.mark.parametrize("page", [{"hasNextPage": True}, {"hasNextPage": True, "endCursor": None}, {}, None, "x"])
def test_checks_that_came_along_and_go_on_nowhere_are_missed(tmp_path: Path, page: object) -> None:
    """They are asked for by themselves, or it is said that they are not whole; nothing ends the collection."""

    def spoil(body: dict[str, Any]) -> None:
        home = body["data"]["repository"]
        (rollup,) = filter(None, (home[name]["statusCheckRollup"] for name in ("c0", "c1")))
        rollup["contexts"]["pageInfo"] = page

    whole = told(collect(tmp_path, month()))
    run = spoilt(tmp_path / "again", spoil, of=("end", "c1"))
    missed = {name.rpartition(":")[2] for name in run.incomplete}
    assert {"checks"} == missed or (set(), whole) == (missed, told(run))


@pytest.mark.parametrize("error", ["failed", "refused", None])
@pytest.mark.parametrize("part", ["object", "c0", "d0"])
def test_heads_without_what_came_along_are_heads(tmp_path: Path, part: str, error: str | None) -> None:
    """The history, the checks of pushes and what was deployed later are asked for by themselves then."""
    whole = told(collect(tmp_path, month()))

    def spoil(body: dict[str, Any]) -> None:
        body["data"]["repository"][part] = None
        denied = {"type": "FORBIDDEN", "message": "Resource not accessible by integration"}
        if error:
            said = denied if error == "refused" else {"message": "Something went wrong"}
            body["errors"] = [{**said, "path": ["repository", part, "history"]}]

    run = spoilt(tmp_path / "again", spoil, of=("end", part))
    assert ({}, whole) == (run.incomplete, told(run))


def test_a_first_question_that_breaks_the_server_costs_nothing(tmp_path: Path) -> None:
    """Each list is asked for in its own size then."""
    whole = told(collect(tmp_path, month()))
    broken = faults.Fault(
        "broken",
        lambda wire, _: (
            replace(wire, status=502, body=b"")
            if b'"deployments"' in wire.body and b'"pullRequests"' in wire.body and b"webCommit" in wire.body
            else wire
        ),
        on="POST /graphql",
        times=None,
    )
    (tmp_path / "again").mkdir()
    run = collect(tmp_path / "again", month(), faults=[broken])
    assert ({}, whole) == (run.incomplete, told(run))


def test_what_comes_along_comes_with_one_of_several_refs(tmp_path: Path) -> None:
    """The heads of the others are asked for bare, and take nothing of it away."""
    story = Story()
    story.token(tokens.classic(SECRET, "root"))
    for branch in ("main", "live"):
        story.api.check(story.api.push(story.ann, {branch: "1"}, branch=branch).sha)
    run = collect(tmp_path, story, scope="[{repository: acme/api, branches: [main, live]}]")
    assert {} == run.incomplete
    asked = [item.request for item, _ in run.stored if item.request.get("role") == "tested"]
    assert ["heads"] == [request.get("answered", "").rpartition(":")[2] for request in asked]
    assert 2 == sum(item.request.get("role") == "heads" for item, _ in run.stored)
