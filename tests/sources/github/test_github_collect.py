"""What the GitHub source collects from small worlds, and how it says how complete that is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.github import faults, tokens
from tests.fakes.github.change import merge_queue
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.world import Issue
from tests.sources.github.runs import CHANGES, LATER, SECRET, Run, collect


@pytest.fixture
def story() -> Story:
    """`acme/api` with rules, and an administrator's token."""
    made = Story()
    made.token(tokens.classic(SECRET, "cat"))
    return made


def gained(run: Run) -> set[str]:
    """The commits above the start, by the rows alone."""
    return {row["sha"] for row in run.rows("github_commits")}


def test_a_small_month_is_whole(story: Story, tmp_path: Path) -> None:
    """Every stream is stated, complete, with as many commits as GitHub counts, in ten requests."""
    change = story.clean()
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert {*(f"github:acme/api:{name}" for name in CHANGES), "github:repositories"} <= set(run.coverages)
    assert (2, 2) == (run.of("commits").expected, run.of("commits").fetched)
    (request,) = run.rows("github_pull_requests")
    assert (change.it.number, "ann", change.it.merge_sha) == (request["number"], "ann", request["merge_sha"])
    (review,) = run.rows("github_reviews")
    assert ("APPROVED", story.bob.id, change.it.head_sha) == (
        review["state"],
        review["reviewer_id"],
        review["commit_sha"],
    )
    assert {change.it.head_sha: "heads"} == {row["sha"]: row["part"] for row in run.rows("github_checks")}
    assert 10 >= run.requests


@pytest.mark.parametrize("how", ["squash", "merge", "rebase"])
def test_every_way_to_merge_is_explained(story: Story, tmp_path: Path, how: str) -> None:
    """The commits that squash, merge and rebase leave are the request's, and none is left over."""
    change = story.open()
    change.push(story.ann)
    change.approve(story.bob)
    change.merge(story.bob, how)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert story.api.it.commits[story.api.head()].sha in gained(run)
    assert [] == run.of("commits").details["reconciled"]["main"]["by nothing"]
    expected = {"squash": 2, "merge": 4, "rebase": 3}[how]
    assert expected == run.of("commits").fetched
    assert [change.it.merge_sha] == [row["sha"] for row in run.rows("github_landed_commits")]


def test_a_queue_group_lands_in_one_move(story: Story, tmp_path: Path) -> None:
    """Three requests of a queue are detailed, although one record of the activity moved the branch."""
    changes = [story.reviewed(title=f"ABC-{number} Part") for number in (1, 2, 3)]
    for change in changes:
        change.enqueue(story.bob)
    merge_queue(changes)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert {1, 2, 3} == {row["number"] for row in run.rows("github_pull_requests")}
    tested = {(row["sha"], row["number"]) for row in run.rows("github_checks") if row["part"] == "merges"}
    assert {(change.it.merge_sha, change.it.number) for change in changes} == tested
    enqueued = [row for row in run.rows("github_events") if row["kind"] == "AddedToMergeQueueEvent"]
    assert [story.bob.id] * 3 == [row["actor_id"] for row in enqueued]


def test_a_direct_push_is_explained_by_its_move_and_its_checks_are_asked_for(story: Story, tmp_path: Path) -> None:
    """A push without a request is in the record with who did it, and what it left is tested as `pushes`."""
    pushed = story.api.push(story.ann, {"a": "b"}, "direct")
    story.api.check(pushed.sha)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    (move,) = [row for row in run.rows("github_ref_updates") if row["after"] == pushed.sha]
    assert ("push", story.ann.id, "main") == (move["kind"], move["actor_id"], move["ref"])
    assert ["pushes"] == [row["part"] for row in run.rows("github_checks") if row["sha"] == pushed.sha]


def test_a_force_push_explains_what_it_removed(story: Story, tmp_path: Path) -> None:
    """Merged commits that a force push removed are named as removed; the comparison counts the difference."""
    kept = story.api.head()
    story.tick(days=40)
    gone = story.clean()
    story.tick()
    story.api.move("main", kept, story.cat)
    story.api.push(story.ann, {"a": "b"}, "afterwards")
    run = collect(tmp_path, story, months="2026-11", now=story.now.replace(month=12))
    assert {} == run.incomplete
    assert [gone.it.number] == run.of("merged").details["reconciled"]["main"]["removed"]
    assert 1 == run.of("commits").expected
    assert 1 == run.rows("github_heads")[0]["commits"]


def test_an_empty_repository_is_whole_without_rows(story: Story, tmp_path: Path) -> None:
    """Nothing was ever pushed: every stream is complete and holds nothing."""
    story.repository("void", empty=True)
    run = collect(tmp_path, story, scope="[{repository: acme/void}]")
    assert {} == run.incomplete
    assert {0} == {run.of(name, "acme/void").fetched for name in CHANGES}


def test_a_glob_takes_archived_repositories_and_leaves_forks_out(story: Story, tmp_path: Path) -> None:
    """The list of the owner answers a glob; what it left out is named."""
    story.repository("old", archived=True)
    story.repository("copy", fork=True)
    run = collect(tmp_path, story, scope="[{repository: 'acme/*'}]")
    assert {"acme/api", "acme/old"} == {row["repository"] for row in run.rows("github_repositories")}
    details = run.coverages["github:repositories"].details
    assert (["acme/copy"], ["acme/old"]) == (details["forks left out"], details["archived"])
    assert {} == run.incomplete


def test_a_fork_that_is_named_is_collected(story: Story, tmp_path: Path) -> None:
    """Forks are left out of globs only."""
    story.repository("copy", fork=True)
    run = collect(tmp_path, story, scope="[{repository: acme/copy}]")
    assert {} == run.incomplete
    assert [True] == [row["fork"] for row in run.rows("github_repositories")]


def test_a_renamed_repository_keeps_the_name_that_was_asked_for(story: Story, tmp_path: Path) -> None:
    """Rows carry the configured name; the present one stands in the details, and REST is asked with it."""
    story.clean()
    story.api.it.former = ("acme/before",)
    run = collect(tmp_path, story, scope="[{repository: acme/before}]")
    assert {} == {name: entry.reason for name, entry in run.coverages.items() if not entry.complete}
    assert {"acme/before"} == {row["repository"] for row in run.rows("github_ref_updates")}
    assert ["acme/api"] == [row["full_name"] for row in run.rows("github_repositories")]
    assert ["it is called acme/api now"] == run.of("commits", "acme/before").details["warnings"]


def test_a_missing_repository_is_stated_for_every_stream_and_stops_nobody(story: Story, tmp_path: Path) -> None:
    """A misspelt name is incomplete with access missing; the other repository is collected."""
    story.clean()
    run = collect(tmp_path, story, scope="[{repository: acme/apy}, {repository: acme/api}]")
    lost = [run.of(name, "acme/apy") for name in CHANGES]
    assert {"missing"} == {entry.scope["access"] for entry in lost}
    assert all("does not exist, or the token may not see it" in (entry.reason or "") for entry in lost)
    assert all(run.of(name).complete for name in CHANGES)
    assert not run.coverages["github:repositories"].complete


def test_a_token_without_single_sign_on_sees_nothing(story: Story, tmp_path: Path) -> None:
    """An organisation that the token is not authorised for looks as if it were not there: access is missing."""
    story.token(tokens.classic("unauthorised", "cat", sso_authorised=False))
    run = collect(tmp_path, story, secret="unauthorised")
    assert {"missing"} == {entry.scope["access"] for entry in run.coverages.values()}
    assert not any(entry.complete for entry in run.coverages.values())


def test_github_is_not_asked_for_everything(story: Story, tmp_path: Path) -> None:
    """Without a scope there is one coverage that says what to write, and no request."""
    run = collect(tmp_path, story, scope="[]")
    (entry,) = run.coverages.values()
    assert "name the repositories under `scope`" in (entry.reason or "")
    assert 0 == sum(run.asked.values())


def test_requests_within_a_request_are_followed(story: Story, tmp_path: Path) -> None:
    """What was merged into develop before develop was merged into main is detailed as well."""
    story.api.move("develop", story.api.head(), story.cat)
    inner = [story.reviewed(title=f"ABC-{number}", base="develop") for number in (1, 2)]
    for change in inner:
        change.merge(story.bob, "squash")
    outer = story.open(head=story.api.head("develop"), branch="develop")
    outer.approve(story.bob)
    outer.merge(story.cat, "merge")
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert {"main", "develop"} == {row["base_ref"] for row in run.rows("github_pull_requests")}
    assert 3 == run.of("pull-requests").fetched


def test_what_was_merged_into_develop_long_before_is_found_by_its_commits(story: Story, tmp_path: Path) -> None:
    """The index ends at the period's start; GitHub's index of commits knows older requests."""
    story.api.move("develop", story.api.head(), story.cat)
    inner = story.reviewed(title="ABC-1", base="develop")
    inner.merge(story.bob, "squash")
    story.tick(days=35)
    outer = story.open(head=story.api.head("develop"), branch="develop")
    outer.merge(story.cat, "merge")
    run = collect(tmp_path, story, months="2026-11", now=story.now.replace(month=12))
    assert {} == run.incomplete
    assert {inner.it.number, outer.it.number} == {row["number"] for row in run.rows("github_pull_requests")}


def test_a_renamed_branch_keeps_its_moves(story: Story, tmp_path: Path) -> None:
    """A production branch that was created in the period is followed to the branch that held its commit and went away."""
    story.tick(days=40)
    story.api.push(story.ann, {"a": "1"}, branch="trunk")
    story.api.move("live", story.api.head("trunk"), story.cat)
    story.api.delete("trunk", story.cat)
    run = collect(
        tmp_path,
        story,
        scope="[{repository: acme/api, branches: [live]}]",
        months="2026-11",
        now=story.now.replace(month=12),
    )
    assert {"live": ["trunk"]} == run.of("activity").details["renamed_from"]
    assert {"live", "trunk"} == {row["ref"] for row in run.rows("github_ref_updates")}


def test_long_lists_arrive_whole(story: Story, tmp_path: Path) -> None:
    """Every list of a request that one answer cuts is completed, and the completion is on record."""
    change = story.open(files={f"data/{number}.txt": "x" for number in range(120)})
    for number in range(25):
        change.push(story.ann, {"src/a.py": str(number)})
    for number in range(35):
        change.review(story.bob, "COMMENTED")
        change.label(f"label-{number}", story.bob)
        change.unlabel(f"label-{number}", story.bob)
        change.check(f"check-{number}", seconds=1)
    change.it.closes = [Issue(900 + number, number, "Bug", story.api.it) for number in range(12)]
    merged = change.merge(story.bob, "squash")
    for number in range(35):
        story.api.check(merged.sha, f"late-{number}", seconds=1)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    tables = run.tables()
    counts = {name: len(rows) for name, rows in tables.items()}
    assert (35, 26, 121 + 0) == (
        counts["github_reviews"],
        counts["github_pull_request_commits"],
        counts["github_files"],
    )
    assert 71 == counts["github_events"]
    assert [12] == [len(row["issues"]) for row in tables["github_pull_requests"]]
    by_part = [row["part"] for row in tables["github_checks"]]
    assert (35, 35) == (by_part.count("heads"), by_part.count("merges"))
    assert {"reviews", "commits", "files", "events"} == {row["part"] for row in tables["github_completions"]}
    assert ["reviews,commits,files,events"] == [row["missing"] for row in tables["github_pull_requests"]]
    assert list(range(26)) == sorted(row["position"] for row in tables["github_pull_request_commits"])


def test_a_list_that_github_itself_cuts_is_not_whole(story: Story, tmp_path: Path) -> None:
    """GitHub lists 250 commits of a request: the list ends there, its count does not, and the reason names it."""
    change = story.open()
    tip = change.it.head_sha
    for number in range(255):
        tip = story.api.commit(story.ann, {"src/a.py": str(number)}, [tip], f"Step {number}").sha
    change._land(tip, story.ann)
    change.merge(story.bob, "squash")
    run = collect(tmp_path, story)
    assert {"pull-requests": "#1: GitHub does not list all its commits"} == run.incomplete
    assert [] == [row for row in run.rows("github_completions") if row["part"] == "commits"]
    assert ["commits"] == [row["missing"] for row in run.rows("github_pull_requests")]


def test_statuses_of_a_deployment_arrive_whole(story: Story, tmp_path: Path) -> None:
    """More statuses than one answer holds are asked for by deployment."""
    states = ["in_progress"] * 14 + ["success"]
    story.api.deploy(story.api.head(), story.cat, states=states)
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    assert 15 == len(run.rows("github_deployment_statuses"))
    assert ["statuses"] == [row["part"] for row in run.rows("github_completions")]


def test_deployments_and_releases_are_told(story: Story, tmp_path: Path) -> None:
    """Deployments with what became of them, and releases with the commit of their tag."""
    change = story.clean()
    story.api.release("v1", story.cat)
    run = collect(tmp_path, story)
    (deployment,) = run.rows("github_deployments")
    assert ("production", change.it.merge_sha) == (deployment["environment"], deployment["sha"])
    assert {"IN_PROGRESS", "SUCCESS"} == {row["state"] for row in run.rows("github_deployment_statuses")}
    assert [("v1", story.api.head())] == [(row["tag"], row["sha"]) for row in run.rows("github_releases")]


@pytest.mark.parametrize(("only", "said"), [(frozenset({"acme/api"}), "selected repositories"), (None, "")])
def test_a_selection_is_not_all_of_an_owner(
    story: Story, tmp_path: Path, only: frozenset[str] | None, said: str
) -> None:
    """An App that is installed on some repositories lists these, and the list is whole in itself."""
    secret = story.token(tokens.installation("ghs_token", "soc2ev", repositories=only))
    coverage = collect(tmp_path, story, scope="[{repository: 'acme/*'}]", secret=secret).coverages[
        "github:repositories"
    ]
    assert (not said, said in (coverage.reason or "")) == (coverage.complete, True)


def test_what_a_fine_grained_token_lists_may_not_be_all(story: Story, tmp_path: Path) -> None:
    """GitHub does not tell which repositories it was given."""
    secret = story.token(tokens.fine_grained("github_pat_token", "cat"))
    coverage = collect(tmp_path, story, scope="[{repository: 'acme/*'}]", secret=secret).coverages[
        "github:repositories"
    ]
    assert "cannot be told" in str(coverage.details["warnings"])


def test_checks_that_are_null_one_by_one_are_refused(story: Story, tmp_path: Path) -> None:
    """Fine-grained tokens are told how many checks there are, and null for each that needs a permission they lack."""
    for _ in range(3):
        story.clean()

    def hidden(wire: faults.Wire, _: faults.Wire | None) -> faults.Wire:
        body = json.loads(wire.body)
        for at, one in enumerate((body.get("data") or {}).get("nodes") or ()):
            rollup = one["head"]["nodes"][0]["commit"].get("statusCheckRollup")
            for place in range(len(rollup["contexts"]["nodes"]) if rollup else 0):
                rollup["contexts"]["nodes"][place] = None
                path = ["nodes", at, "head", "nodes", 0, "commit", "statusCheckRollup", "contexts", "nodes", place]
                error = {
                    "type": "FORBIDDEN",
                    "message": "Resource not accessible by personal access token",
                    "path": path,
                }
                body.setdefault("errors", []).append(error)
        return replace(wire, body=json.dumps(body).encode())

    run = collect(tmp_path, story, faults=[faults.Fault("hidden", hidden, on="POST /graphql", times=None)])
    assert 3 == len(run.rows("github_pull_requests"))
    assert {"checks"} == run.incomplete.keys()
    assert "needs Checks" in run.incomplete["checks"]


@pytest.mark.parametrize("cut", [False, True])
def test_attempts_of_a_large_suite_arrive_whole(story: Story, tmp_path: Path, cut: bool) -> None:
    """A matrix has more jobs than one answer holds; a list that ends before its count is a gap."""
    change = story.open()
    for number in range(130):
        change.check(f"job {number}")
    change.check("job 7")
    change.approve(story.bob)
    change.merge(story.bob, "squash")
    story.tick(minutes=5)
    change.check("job 7", conclusion="FAILURE")

    def short(wire: faults.Wire, _: faults.Wire | None) -> faults.Wire:
        body = (
            wire.body.replace(b'"hasNextPage": true', b'"hasNextPage": false')
            if b'"checkSuites": {"totalCount"' in wire.body
            else wire.body
        )
        return replace(wire, body=body)

    run = collect(tmp_path, story, faults=[faults.Fault("short", short, on="POST /graphql", times=None)] if cut else [])
    found = {row["id"] for row in run.rows("github_checks") if row["part"] == "attempts"}
    assert (cut, cut) == ("checks" in run.incomplete, len(found) < 132)


def test_attempts_before_the_merge_are_seen_behind_later_ones(story: Story, tmp_path: Path) -> None:
    """A check that ran again after the merge hides the attempt that counted; all attempts are asked for then."""
    change = story.open()
    first = change.check(conclusion="FAILURE")
    change.approve(story.bob)
    change.merge(story.bob, "squash")
    second = change.check()
    run = collect(tmp_path, story)
    assert {} == run.incomplete
    found = {row["id"] for row in run.rows("github_checks") if row["part"] == "attempts"}
    assert {f"check:{first.id}", f"check:{second.id}"} == found


def test_heads_without_a_check_suite_are_dated_by_the_record_of_their_branch(story: Story, tmp_path: Path) -> None:
    """An approved request without any check has its pushes asked for, so that an approval can be bound to them."""
    change = story.open()
    change.approve(story.bob)
    change.merge(story.bob, "squash")
    run = collect(tmp_path, story)
    pushed = [row for row in run.rows("github_ref_updates") if row["ref"] == change.it.head_ref]
    assert [change.it.head_sha] == [row["after"] for row in pushed]


@pytest.mark.parametrize(
    "token", [tokens.fine_grained("limited", "cat"), tokens.installation("limited", "collector", "checks")]
)
def test_checks_that_are_refused_are_missing_and_nothing_else_is(
    story: Story, tmp_path: Path, token: tokens.Token
) -> None:
    """One probe finds out; statuses are still had, and every commit says that its checks are not whole."""
    change = story.clean()
    story.api.status(change.it.head_sha, "ci/other")
    story.token(token)
    run = collect(tmp_path, story, secret="limited")
    assert ["checks"] == list(run.incomplete)
    assert "missing" == run.of("checks").scope["access"]
    assert "Checks" in (run.of("checks").reason or "")
    told = [row for row in run.rows("github_tested_commits") if row["part"] != "statuses"]
    assert {False} == {row["whole"] for row in told}
    assert {"ci/other"} == {row["name"] for row in run.rows("github_checks")}


def test_workflow_runs_that_are_refused_cost_only_themselves(story: Story, tmp_path: Path) -> None:
    """Without Actions the checks are there without the run behind them, and the coverage says so."""
    change = story.clean()
    story.token(tokens.installation("limited", "collector", "actions"))
    run = collect(tmp_path, story, secret="limited")
    assert ["checks"] == list(run.incomplete)
    assert "Actions" in (run.of("checks").reason or "")
    assert [change.it.head_sha] == [row["sha"] for row in run.rows("github_checks")]


@pytest.mark.parametrize(
    ("permission", "lost"),
    [
        ("deployments", {"deployments"}),
        ("pull_requests", {"merged", "pull-requests"}),
    ],
)
def test_a_permission_that_is_missing_costs_its_own_streams(
    story: Story, tmp_path: Path, permission: str, lost: set[str]
) -> None:
    """What is refused is incomplete with access missing; other streams stand."""
    story.clean()
    story.token(tokens.installation("limited", "collector", permission))
    run = collect(tmp_path, story, secret="limited")
    told = {name for name, entry in run.coverages.items() if entry.scope.get("access") == "missing"}
    assert lost & {name.rpartition(":")[2] for name in told}
    assert lost <= set(run.incomplete) | {"pull-requests"}
    assert run.of("activity").complete
    assert run.of("heads").complete


def test_without_the_record_of_moves_the_heads_are_estimated(story: Story, tmp_path: Path) -> None:
    """No activity: the merged requests tell the heads, the basis says so, and the record is incomplete."""
    story.clean()
    run = collect(tmp_path, story, faults=[faults.status(403, on="GET /repos/*/activity", times=None)])
    assert "missing" == run.of("activity").scope["access"]
    (row,) = run.rows("github_heads")
    assert "pull requests" == row["end_basis"]
    assert "estimated" in (run.of("heads").reason or "")
    assert not run.of("commits").complete
    assert run.of("pull-requests").complete


def test_an_unchanged_repository_costs_one_request(story: Story, tmp_path: Path) -> None:
    """The same period again: one question, nothing stated for the repository, and a line that says so."""
    story.clean()
    first = collect(tmp_path, story)
    assert {} == first.incomplete
    again = collect(tmp_path, story, now=None)
    assert {"/graphql": 1} == dict(again.asked)
    assert ["github:repositories"] == list(again.coverages)
    assert ["github: acme/api: unchanged since it was collected"] == again.said
    story.open()
    changed = collect(tmp_path, story, now=None)
    assert {*(f"github:acme/api:{name}" for name in CHANGES)} < set(changed.coverages)


def test_a_period_that_had_not_closed_is_collected_again(story: Story, tmp_path: Path) -> None:
    """What was collected before the period's end is provisional: unchanged or not, it is collected again."""
    story.clean()
    early = LATER.replace(month=10, day=20)
    collect(tmp_path, story, now=early, clock=early)
    again = collect(tmp_path, story, now=None)
    assert {f"github:acme/api:{name}" for name in CHANGES} < set(again.coverages)


def test_nothing_of_the_token_is_stored(story: Story, tmp_path: Path) -> None:
    """No body and no journal line holds the token."""
    story.clean()
    collect(tmp_path, story)
    files = [path.read_bytes() for path in (tmp_path / "vault").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in files)
