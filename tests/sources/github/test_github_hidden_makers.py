"""What is asked so that nobody approves work that they made: pushes, assignees, Apps behind statuses, earlier statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc2ev.sources.github import documents, moves
from tests.fakes.github import faults, tokens
from tests.fakes.github.change import Change
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import SECRET, Run, collect


@pytest.fixture
def story() -> Story:
    """`acme/api` with rules, and an administrator's token."""
    made = Story()
    made.token(tokens.classic(SECRET, "cat"))
    return made


def asked(run: Run, ending: str) -> int:
    """How many requests went to routes with that ending."""
    return sum(times for route, times in run.asked.items() if route.endswith(ending))


def without_suites(wire: faults.Wire, _: faults.Wire | None) -> faults.Wire:
    """Answers about requests, in which GitHub refuses the check suites of the first commit."""
    body = wire.json
    for place, value in enumerate((body.get("data") or {}).get("nodes") or ()):
        if "pushes" in value.get("pushed", {"nodes": [{"commit": {}}]})["nodes"][0]["commit"]:
            value["pushed"]["nodes"][0]["commit"]["pushes"] = None
            path = ["nodes", place, "pushed", "nodes", 0, "commit", "pushes"]
            body.setdefault("errors", []).append(
                {"type": "FORBIDDEN", "path": path, "message": "Resource not accessible"}
            )
    return faults.Wire(200, wire.headers, json.dumps(body).encode())


def pushed_twice(story: Story, *, suites: bool = True) -> Change:
    """A request whose middle push of three was Bob's, under Ann's name; without `suites` none tells of that push."""
    change = story.open()
    change.push(story.bob, {"src/b.py": "b"}, "Change", author=story.ann)
    if not suites:
        del story.api.it.suites[change.it.head_sha]
    change.push(story.ann, {"src/c.py": "c"})
    change.check()
    change.approve(story.bob)
    change.merge(story.cat, "squash")
    return change


def test_check_suites_tell_who_pushed_each_commit(story: Story, tmp_path: Path) -> None:
    """Every commit of a request comes with its suites, at no further request."""
    change = pushed_twice(story)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    rows = {row["sha"]: row for row in run.rows("github_pushes")}
    assert ["bob", "ann"] == [rows[sha]["pusher"] for sha in change.it.commits[1:]]
    assert all(row["pushed"] and row["received_at"] for row in rows.values())


def test_a_push_without_a_suite_is_looked_up_in_the_record_of_the_branch(story: Story, tmp_path: Path) -> None:
    """Where a suite points at an earlier push that no suite tells of, the branch's own record of moves is asked for."""
    change = pushed_twice(story, suites=False)
    run = collect(tmp_path, story)
    moved = {row["after"]: row["actor"] for row in run.rows("github_ref_updates")}
    assert "bob" == moved[change.it.commits[1]]


def test_a_suite_without_a_push_is_not_told_twice(story: Story, tmp_path: Path) -> None:
    """A suite that a request started may name no push; the commit is looked up in the branch's record instead."""
    change = pushed_twice(story)
    for suite in story.api.it.suites[change.it.commits[1]]:
        suite.pusher = None
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    places = [(row["sha"], row["position"]) for row in run.rows("github_pushes")]
    assert len(places) == len(set(places))
    assert "bob" in {row["actor"] for row in run.rows("github_ref_updates") if row["after"] == change.it.commits[1]}


def test_who_pushed_a_head_is_asked_for_where_no_suite_tells(story: Story, tmp_path: Path) -> None:
    """For approved requests alone: Bob pushed Ann's commit and approved it."""
    change = story.open()
    made = change.push(story.bob, {"src/b.py": "b"}, "Change", author=story.ann)
    change.check()
    change.approve(story.bob)
    change.merge(story.cat, "squash")
    for suite in story.api.it.suites[made.sha]:
        suite.pusher = None
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert ["bob"] == [row["actor"] for row in run.rows("github_ref_updates") if row["after"] == made.sha]


def test_earlier_pushes_are_asked_for_at_once(story: Story, tmp_path: Path) -> None:
    """Suites come with the last commits alone; where they lead to earlier pushes, those cost one more question."""
    change = story.open()
    for number in range(25):
        change.push(story.ann, {f"src/{number}.py": "x"}, f"Step {number}")
    change.check()
    change.approve(story.bob)
    change.merge(story.cat, "squash")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert set(change.it.commits) == {row["sha"] for row in run.rows("github_pushes")}
    asked_by_name = [item for item, _ in run.stored if item.request.get("role") == "pushers"]
    assert 1 == len(asked_by_name)


def test_pushes_that_cannot_be_followed_are_a_gap(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question about earlier pushes that fails for good is stated, since a maker may be missing."""
    monkeypatch.setattr(documents, "pushers", lambda _: "query pushers { nonsense }")
    change = story.open()
    for number in range(8):
        change.push(story.ann, {f"src/{number}.py": "x"}, f"Step {number}")
    change.check()
    change.approve(story.bob)
    change.merge(story.cat, "squash")
    run = collect(tmp_path, story)
    assert "who pushed the commits of #1" in run.incomplete["pull-requests"]


def test_suites_that_are_refused_are_said_once(story: Story, tmp_path: Path) -> None:
    """A token that may not see check suites still gets the requests, and the gap is stated."""
    pushed_twice(story)
    refused = faults.Fault("refused suites", without_suites, on="POST /graphql", times=None)
    run = collect(tmp_path, story, faults=[refused])
    assert ["checks"] == list(run.incomplete)
    assert "check suites" in run.incomplete["checks"]
    assert 1 == len(run.rows("github_pull_requests"))


def test_assignees_of_machines_requests_are_asked_for(story: Story, tmp_path: Path) -> None:
    """Only requests that machines opened and somebody approved cost a question about their assignees."""
    agent = story.bot("coding-agent[bot]")
    for by, reviewed in ((agent, True), (agent, False), (story.ann, True)):
        change = story.open(by)
        change.it.assignees = [story.bob, story.cat]
        change.check()
        if reviewed:
            change.approve(story.bob)
        change.merge(story.cat, "squash", result="pass" if reviewed else "bypass")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    (row,) = run.rows("github_assignees")
    assert (1, ["bob", "cat"], True) == (row["number"], row["logins"], row["whole"])


def test_assignees_that_cannot_be_had_are_a_gap(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question about assignees that fails for good is stated, since a maker may be missing."""
    monkeypatch.setattr(documents, "assigned", lambda _: "query assigned { nonsense }")
    story.reviewed(story.bot("coding-agent[bot]")).merge(story.cat, "squash")
    run = collect(tmp_path, story)
    assert ["pull-requests"] == list(run.incomplete)
    assert "assigned" in run.incomplete["pull-requests"]


def test_apps_behind_statuses(story: Story, tmp_path: Path) -> None:
    """The number of an App is asked for once by the slug of its bot; an App that cannot be seen is no gap."""
    story.app("circle-ci", 777)
    for _ in range(2):
        change = story.open()
        for login in ("circle-ci[bot]", "hidden[bot]"):
            story.api.status(change.it.head_sha, login, by=story.bot(login))
        story.api.status(change.it.head_sha, "by-hand", by=story.ann)
        change.merge(story.cat, "squash", result="bypass")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert [("circle-ci", 777)] == [(row["slug"], row["id"]) for row in run.rows("github_apps")]
    assert 2 == asked(run, "/apps/{slug}")


def test_earlier_statuses_are_asked_for_where_a_later_one_hides_them(story: Story, tmp_path: Path) -> None:
    """The list of all statuses costs a question for each commit whose status was set again after the merge."""
    hidden = story.open()
    clean = story.open()
    for change in (hidden, clean):
        story.api.status(change.it.head_sha, "ci/test", "FAILURE", by=story.ann)
        story.api.status(change.it.head_sha, "ci/test", by=story.ann)
        change.merge(story.cat, "squash", result="bypass")
    story.tick(hours=1)
    story.api.status(hidden.it.head_sha, "ci/test", by=story.ann)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    rows = [row for row in run.rows("github_checks") if row["part"] == "statuses"]
    assert [hidden.it.head_sha] * 3 == [row["sha"] for row in rows]
    assert ["FAILURE", "SUCCESS", "SUCCESS"] == sorted(row["conclusion"] for row in rows)
    (told,) = [row for row in run.rows("github_tested_commits") if row["part"] == "statuses"]
    assert (True, None) == (told["whole"], told["reason"])


def test_few_histories_of_statuses_are_asked_for(story: Story, tmp_path: Path) -> None:
    """A month in which every status was set again does not cost a question for each request."""
    changes = [story.open() for _ in range(moves.FEW + 3)]
    for change in changes:
        change.merge(story.cat, "squash", result="bypass")
    story.tick(hours=1)
    for change in changes:
        story.api.status(change.it.head_sha, "ci/test", by=story.ann)
    run = collect(tmp_path, story)
    assert moves.FEW == asked(run, "/statuses")


def test_earlier_statuses_that_are_refused_are_a_gap(story: Story, tmp_path: Path) -> None:
    """A history of statuses that cannot be had is stated."""
    change = story.open()
    change.merge(story.cat, "squash", result="bypass")
    story.tick(hours=1)
    story.api.status(change.it.head_sha, "ci/test", by=story.ann)
    run = collect(tmp_path, story, faults=[faults.status(403, on="GET /repos/*/statuses", times=None)])
    assert "earlier statuses" in run.incomplete["checks"]


def without_pusher(wire: faults.Wire, _: faults.Wire | None) -> faults.Wire:
    """Answers about requests in which the push of a head's suite has no pusher, which cannot be null: so it is null."""
    body = wire.json
    for place, value in enumerate((body.get("data") or {}).get("nodes") or ()):
        for number, node in enumerate(value.get("pushed", {"nodes": ()})["nodes"]):
            for at, suite in enumerate((node["commit"].get("pushes") or {"nodes": ()})["nodes"]):
                suite["push"] = None
                path = ["nodes", place, "pushed", "nodes", number, "commit", "pushes", "nodes", at, "push", "pusher"]
                message = "Cannot return null for non-nullable field Push.pusher."
                body.setdefault("errors", []).append({"path": path, "message": message})
    return faults.Wire(200, wire.headers, json.dumps(body).encode())


def test_a_push_of_an_account_that_is_gone_costs_no_request(story: Story, tmp_path: Path) -> None:
    """The rest of the answer counts, and the branch's record is asked for what it knows."""
    pushed_twice(story)
    gone = faults.Fault("no pusher", without_pusher, on="POST /graphql", times=None)
    run = collect(tmp_path, story, faults=[gone])
    assert {} == run.incomplete
    assert 1 == len(run.rows("github_pull_requests"))
    assert {"ann", "bob"} <= {row["actor"] for row in run.rows("github_ref_updates")}
