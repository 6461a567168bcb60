"""What is asked beyond the lists: accounts of co-authors, deployed commits, gates, comparisons, old names, tickets."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from soc2ev.sources.github import along, documents, gates, notes, sizes
from soc2ev.sources.github.notes import Notes
from soc2ev.vault import Writer
from tests.fakes.github import faults, tokens
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.world import Approval
from tests.sources.github.runs import LATER, SECRET, collect


@pytest.fixture
def story() -> Story:
    """`acme/api` with rules, and an administrator's token."""
    made = Story()
    made.token(tokens.classic(SECRET, "cat"))
    return made


def another(folder: Path) -> Path:
    """A folder for a vault of its own."""
    made = folder / "another"
    made.mkdir()
    return made


def test_co_authors_are_asked_for_once_for_each_address(story: Story, tmp_path: Path) -> None:
    """One commit tells an address; whose account commits tell already, and numbered addresses, are not asked for."""
    words = [
        f"One\n\nCo-authored-by: Eve <{story.person('eve').email}>",
        f"Two\n\nco-authored-by: E <{story.person('eve').email}>",
    ]
    words += [
        f"Three\n\nCo-authored-by: Ann <{story.ann.email}>",
        "Four\n\nCo-authored-by: B <7+b@users.noreply.github.com>",
    ]
    for number, message in enumerate(words):
        story.open(title=f"ABC-{number}", message=message).merge(story.cat, "squash", result="bypass")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    rows = run.rows("github_commit_authors")
    assert [("ann", 0), ("eve", 1)] == [(row["account"], row["position"]) for row in rows]
    assert 1 == len({row["sha"] for row in rows})


def test_co_authors_that_nobody_tells_are_a_gap(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question about co-authors that fails for good is stated, since a maker may be missing."""
    monkeypatch.setattr(documents, "authors", lambda _: "query authors { nonsense }")
    story.open(message=f"One\n\nCo-authored-by: Eve <{story.person('eve').email}>").merge(story.cat, "squash")
    run = collect(tmp_path, story)
    assert ["pull-requests"] == list(run.incomplete)
    assert "co-authors" in run.incomplete["pull-requests"]


def test_deployed_commits_that_landed_later_are_placed_side_by_side(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was merged after the period is asked about in several questions at once; no commit is told twice."""
    monkeypatch.setattr(along, "_MOST", 0)
    monkeypatch.setitem(sizes._STARTS, "parents", 2)
    story.clean()
    story.world.now = datetime(2026, 11, 2, tzinfo=UTC)
    later = [story.clean().it.merge_sha for _ in range(5)]
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    asked = [item for item, _ in run.stored if item.request.get("role") == "parents"]
    assert [2, 2, 1] == [len([name for name in item.request["variables"] if name[1:].isdigit()]) for item in asked]
    assert [False, True, True] == [bool(item.request["without"]) for item in asked]
    assert set(later) <= {row["sha"] for row in run.rows("github_parents")}


def test_parents_of_deployed_commits_that_nothing_tells_are_asked_for(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of another branch is placed by what it builds on; staging is not asked about, and there is a limit."""
    story.clean()
    shas = [story.api.push(story.cat, {"a": str(number)}, branch=f"release/{number}").sha for number in range(3)]
    story.deploy(shas[0], environment="staging")
    for sha in shas[1:]:
        story.deploy(sha)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    known = {row["sha"]: row["parents"] for row in run.rows("github_parents")}
    assert ({shas[1], shas[2]} <= set(known), shas[0] in known) == (True, False)
    monkeypatch.setattr("soc2ev.sources.github.placing._MOST", 1)
    few = collect(another(tmp_path), story)
    assert 1 == few.of("deployments").details["deployed commits that were not placed"]


def gated(story: Story) -> int:
    """A deployment that Bob let through the gate; its number."""
    change = story.reviewed()
    sha = change.merge(story.bob, "squash").sha
    story.api.environment("production", story.bob)
    run = story.api.run(sha, name="Deploy", actor=story.ann)
    run.approvals.append(Approval(("production",), "approved", story.bob, "fine"))
    return story.deploy(states=("waiting", "in_progress", "success"), run=run).id


ANSWER = ("bob", "APPROVED", ["production"], "fine")


def answers(run: Any) -> list[tuple[Any, ...]]:
    """What was answered at gates."""
    return [
        (row["approver"], row["state"], row["environments"], row["comment"]) for row in run.rows("github_gate_answers")
    ]


def test_answers_at_gates_are_asked_for_by_the_address_of_the_log(story: Story, tmp_path: Path) -> None:
    """Who approved stands with the deployment; one question for all, and none of REST."""
    number = gated(story)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert [(number, 1, True)] == [
        (row["deployment"], row["answers"], row["whole"]) for row in run.rows("github_gates")
    ]
    assert [ANSWER] == answers(run)
    assert not [route for route in run.asked if route.endswith("/approvals")]


def test_an_answer_of_an_account_that_is_gone_has_no_name(story: Story, tmp_path: Path) -> None:
    """Where null is not allowed GitHub puts its placeholder, which is nobody independent."""
    gated(story)
    story.bob.login = "ghost"
    assert [(None, *ANSWER[1:])] == answers(collect(tmp_path, story))


def test_a_host_that_cannot_be_asked_by_address_is_asked_run_by_run(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older Enterprise Server refuses the query: the lists of the runs tell the same."""
    gated(story)
    monkeypatch.setattr(documents, "gates", lambda _: "query gates { nonsense }")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert [ANSWER] == answers(run)


@pytest.mark.parametrize(("code", "gap"), [(401, True), (500, True), (404, False)])
def test_gates_that_fail_for_another_reason_are_a_gap(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, gap: bool
) -> None:
    """A service that is down, or a token that is not taken, is neither a right that lacks nor a run that is gone."""
    gated(story)
    monkeypatch.setattr(documents, "gates", lambda _: "query gates { nonsense }")
    run = collect(tmp_path, story, faults=[faults.status(code, on="GET */approvals", times=None)])
    assert gap == ("who let deployments through their gates" in run.incomplete.get("deployments", ""))
    assert gap != ("gates" in run.of("deployments").details)


def test_answers_at_gates_that_are_counted_and_not_listed(story: Story, tmp_path: Path) -> None:
    """What was said there is not known: a gap, rather than a gate that nobody can judge in silence."""
    gated(story)

    def counted(wire: faults.Wire, _: faults.Wire | None) -> faults.Wire:
        return faults.Wire(
            wire.status, wire.headers, re.sub(rb'("deploymentReviews".*?"totalCount": ?)1', rb"\g<1>2", wire.body)
        )

    run = collect(tmp_path, story, faults=[faults.Fault("counted", counted, on="POST /graphql", times=None)])
    assert "does not list all answers at the gates" in run.incomplete.get("deployments", "")


def test_gates_that_may_not_be_seen_are_not_taken_for_unanswered(story: Story, tmp_path: Path) -> None:
    """A token without Actions: no row says that the gate was asked about, and the coverage notes why."""
    gated(story)
    story.app("collector")
    secret = story.token(tokens.installation("narrow", "collector", "actions"))
    run = collect(tmp_path, story, secret=secret)
    assert ([], []) == (run.rows("github_gates"), answers(run))
    assert "not all could be read" in run.of("deployments").details["gates"]


def test_only_deployments_that_waited_are_asked_about_where_there_are_many() -> None:
    """Few runs are asked about in any case; of many, those that stood before a gate."""

    def deployed(number: int, *, waited: bool) -> SimpleNamespace:
        return SimpleNamespace(number=number, runs=(f"https://x/a/b/actions/runs/{number}",), waited=waited)

    few = [deployed(number, waited=False) for number in range(50)]
    many = [*few, deployed(50, waited=True)]
    assert (50, [50]) == (len(gates._runs(few)), [one.number for one in gates._runs(many)])


def test_a_branch_that_was_renamed_after_the_period_keeps_its_heads(story: Story, tmp_path: Path) -> None:
    """The record goes on under the old name; requests merged into that name are the branch's own."""
    change = story.clean()
    held = story.api.head()
    story.tick(days=30)
    story.api.move("trunk", held, story.cat)
    story.api.delete("main", story.cat)
    story.api.it.default_branch = "trunk"
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    (heads,) = run.rows("github_heads")
    assert ("trunk", held, 2) == (heads["ref"], heads["end_sha"], heads["commits"])
    assert {"trunk": ["main"]} == run.of("activity").details["renamed_from"]
    assert 1 == run.of("merged").details["reconciled"]["trunk"]["merged"]
    assert [change.it.number] == [row["number"] for row in run.rows("github_pull_requests")]


def renamed(story: Story, held: str = "") -> None:
    """The default branch is called trunk from now on, and the activity tells of no rename."""
    it = story.api.it
    it.branches["trunk"] = held or story.api.head()
    del it.branches["main"]
    it.default_branch = "trunk"
    story.tick(days=1)


@pytest.mark.parametrize("again", [True, False])
def test_a_rename_that_no_record_tells_of(story: Story, tmp_path: Path, *, again: bool) -> None:
    """A ref that was quiet until its record begins held what was made before the period; else another name brought it."""
    story.clean()
    held = story.api.push(story.ann, {"pushed.py": "1"}).sha
    renamed(story)
    if again:
        story.clean(title="ABC-2 After")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert {"trunk": ["main"]} == run.of("activity").details["renamed_from"]
    (heads,) = run.rows("github_heads")
    assert (None, 4 if again else 3) == (heads["start_sha"], heads["commits"])
    assert held in {row["after"] for row in run.rows("github_ref_updates")}


def test_two_renames_that_no_record_tells_of(story: Story, tmp_path: Path) -> None:
    """Every name is followed to the one before it."""
    it = story.api.it
    for name in ("mid", "trunk"):
        story.clean(title="ABC-1 Change")
        it.branches[name] = story.api.head()
        del it.branches[it.default_branch]
        it.default_branch = name
        story.tick(hours=3)
    run = collect(tmp_path, story)
    assert ({}, {"trunk": ["mid", "main"]}) == (run.incomplete, run.of("activity").details["renamed_from"])
    assert [1, 2] == sorted(row["number"] for row in run.rows("github_pull_requests"))


@pytest.mark.parametrize("refused", [404, 500])
def test_when_a_ref_begins_is_a_gap_where_it_cannot_be_told(story: Story, tmp_path: Path, refused: int) -> None:
    """Without the date of what the ref held nobody can tell whether its record is whole."""
    story.clean()
    renamed(story)
    story.clean(title="ABC-2 After")
    failing = faults.status(refused, on="GET /repos/acme/api/commits/*", times=None)
    run = collect(tmp_path, story, faults=[failing])
    assert "what trunk held when its record begins" in run.incomplete["activity"]


def test_a_rename_whose_old_records_are_gone_is_told(story: Story, tmp_path: Path) -> None:
    """What the ref holds from its first record on was made in the period, and nothing tells how it came there."""
    story.clean()
    renamed(story)
    story.api.it.activity = [row for row in story.api.it.activity if row.ref != "refs/heads/main"]
    story.clean(title="ABC-2 After")
    run = collect(tmp_path, story)
    assert "made in the period, when its record begins, and no record says how it came" in run.incomplete["activity"]
    assert "#1 merged into main in the period" in run.incomplete["merged"]


def test_a_backdated_push_before_a_rename_hides_no_request(story: Story, tmp_path: Path) -> None:
    """The client's clock hides when the ref's first commit was made; the requests below it do not."""
    story.clean()
    story.api.push(story.ann, {"pushed.py": "1"}, dated=datetime(2026, 8, 1, tzinfo=UTC))
    renamed(story)
    story.clean(title="ABC-2 After")
    run = collect(tmp_path, story)
    assert "#1 merged into main in the period" in run.incomplete["merged"]


def test_records_under_the_new_name_alone(story: Story, tmp_path: Path) -> None:
    """Requests keep the name that the branch had when they were merged, whatever its records are called since."""
    story.clean()
    renamed(story)
    for row in story.api.it.activity:
        row.ref = row.ref.replace("/main", "/trunk")
    story.clean(title="ABC-2 After")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert [1, 2] == sorted(row["number"] for row in run.rows("github_pull_requests"))


def test_two_names_that_may_have_been_the_refs_leave_it_open(story: Story, tmp_path: Path) -> None:
    """When two other refs moved to the commit that the ref begins with, nobody can tell which it was."""
    story.clean()
    story.api.move("twin", story.api.head("main"), story.cat, "push")
    renamed(story)
    story.clean(title="ABC-2 After")
    assert "which of main, twin it was before is not known" in collect(tmp_path, story).incomplete["activity"]


def test_two_branches_that_went_away_together_leave_the_old_name_open(story: Story, tmp_path: Path) -> None:
    """When two refs with the same commit were deleted as the new one came, nobody can tell which it was."""
    story.clean()
    held = story.api.head()
    story.api.move("twin", held, story.cat)
    story.api.move("trunk", held, story.cat)
    for name in ("main", "twin"):
        story.api.delete(name, story.cat)
    story.api.it.default_branch = "trunk"
    run = collect(tmp_path, story)
    assert "which of main, twin it was before is not known" in run.incomplete["activity"]


def test_comparisons_are_made_for_what_they_can_prove_and_within_the_budget(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two for each request whose base was merged after the approval; a request beyond the budget is counted."""
    changes = [story.reviewed(title=f"ABC-{number}") for number in (1, 2)]
    story.clean(title="ABC-9 Other")
    for change in changes:
        change.update_branch(story.ann)
        change.check()
        change.merge(story.bob)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert 4 == len(run.rows("github_compared"))
    assert all(row["whole"] for row in run.rows("github_compared"))
    monkeypatch.setattr("soc2ev.sources.github.comparing._LEAST", 3)
    few = collect(another(tmp_path), story)
    assert (2, 1) == (
        len(few.rows("github_compared")),
        few.of("pull-requests").details["requests that were not compared"],
    )


def test_what_was_approved_before_the_merge_is_compared_whatever_came_after_it(story: Story, tmp_path: Path) -> None:
    """An approval after the merge does not stand in its place, nor does a dismissal then take it away."""
    before = {}
    for name in ("late", "dismissed"):
        change = story.open(title=f"ABC-1 {name}")
        given = change.approve(story.bob)
        before[name] = change.it.head_sha
        change.rebase(story.ann)
        change.merge(story.bob)
        if name == "late":
            change.approve(story.cat)
        else:
            change.dismiss(given, story.cat)
    run = collect(tmp_path, story)
    assert set(before.values()) <= {row["head"] for row in run.rows("github_compared")}


def test_each_commit_that_was_approved_before_a_force_push_is_compared(story: Story, tmp_path: Path) -> None:
    """Who approved last may count for nothing: the one before is looked at as well."""
    change = story.open()
    replaced = []
    for reviewer in (story.bob, story.dan):
        change.approve(reviewer)
        replaced.append(change.it.head_sha)
        change.rebase(story.ann)
    change.merge(story.bob)
    run = collect(tmp_path, story)
    assert {*replaced, change.it.head_sha} == {row["head"] for row in run.rows("github_compared")}


def test_a_comparison_that_cannot_be_had_is_noted_and_proves_nothing(story: Story, tmp_path: Path) -> None:
    """The request itself is whole: what cannot be proven is not tested, and why stands in the details."""
    change = story.reviewed()
    story.clean(title="ABC-9 Other")
    change.update_branch(story.ann)
    change.merge(story.bob)
    run = collect(tmp_path, story, faults=[faults.status(404, on="GET /repos/*/compare/*", times=None)])
    assert {} == run.incomplete
    assert [] == run.rows("github_compared")
    assert "not all could be had" in run.of("pull-requests").details["comparisons"]


def noted(projects: frozenset[str] | None, branch: str = "feature/abc-2_fix") -> set[str]:
    """The tickets that a request and one of its commits mention."""
    found: set[str] = set()
    fetch = SimpleNamespace(mention=lambda kind, names: found.update(f"{kind} {name}" for name in names))
    made = Notes(SimpleNamespace(fetch=fetch), None, None, projects)  # type: ignore[arg-type]
    made.request(
        {
            "title": "ABC-1 Change",
            "body": "See OPS-3",
            "timelineItems": {"nodes": [{"previousTitle": "ABC-5 Before"}, {}, None]},
            "headRefName": branch,
        }
    )
    columns = dict.fromkeys(("author_id", "author_email", "committer_id", "committer_email"))
    made.commit({"sha": "a" * 40, "message": "Fix\n\nABC-4", **columns})
    return found


def test_tickets_are_mentioned_when_there_is_a_ticket_system() -> None:
    """Titles, also earlier ones, branches in lower case, bodies and messages; of the configured projects alone, and nothing without Jira."""
    assert {f"{notes.TICKET} ABC-{number}" for number in (1, 2, 4, 5)} == noted(frozenset({"ABC"}))
    assert {f"{notes.TICKET} {key}" for key in ("ABC-1", "OPS-3", "ABC-4", "ABC-5")} == noted(frozenset())
    assert set() == noted(None)


def test_a_run_that_never_ended_well_is_no_earlier_evidence(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an interrupted run stated is collected again, although nothing changed since."""
    story.clean()
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "finish", lambda *_, **__: None)
        collect(tmp_path, story, now=LATER)
    again = collect(tmp_path, story, now=LATER)
    assert "github: acme/api: unchanged since it was collected" not in again.said
    assert {} == again.incomplete
    third = collect(tmp_path, story, now=LATER)
    assert "github: acme/api: unchanged since it was collected" in third.said
