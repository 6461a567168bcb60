"""What the GitHub source reads of rules, bypasses, environments, people and switches, and how it says what it missed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soc2ev.sources.github import rule_versions
from soc2ev.sources.github.claims import SNAPSHOTS
from tests.fakes.github import tokens
from tests.fakes.github.faults import Fault, Wire, status
from tests.fakes.github.rules import DeployKey, Ruleset
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import LATER, SECRET, Run, collect


@pytest.fixture
def story() -> Story:
    """`acme/api` with a ruleset on `main`, and an administrator's token."""
    made = Story()
    made.token(tokens.classic(SECRET, "cat"))
    return made


def gaps(run: Run) -> dict[str, str]:
    """Reasons of the incomplete streams of acme/api."""
    found = run.coverages.items()
    return {name.removeprefix("github:acme/api:"): one.reason or "" for name, one in found if not one.complete}


def of(run: Run, origin: str, ref: str = "main") -> dict[str, Any]:
    """The row of one origin of rules."""
    (row,) = [row for row in run.rows("github_rules") if row["origin"].startswith(origin) and row["ref"] == ref]
    return row


def values(run: Run) -> dict[str, str | None]:
    """Settings by name."""
    return {row["name"]: row["value"] for row in run.rows("github_settings")}


def sights(run: Run) -> dict[str, str]:
    """Capabilities and whether they were visible."""
    return {row["capability"]: row["visible"] for row in run.rows("github_capabilities")}


def test_a_ruleset_is_read_with_what_it_asks_and_who_can_bypass_it(story: Story, tmp_path: Path) -> None:
    """One row: approvals, checks with their Apps, when it was changed, and its bypass actors for an editor."""
    story.rules.rules += [
        {"type": "non_fast_forward"},
        {"type": "deletion"},
        {"type": "merge_queue", "parameters": {"grouping_strategy": "HEADGREEN"}},
    ]
    story.rules.bypass = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    run = collect(tmp_path, story)
    row = of(run, "ruleset:")
    assert {} == gaps(run)
    assert f"ruleset:{story.rules.id}" == row["origin"]
    assert (1, ["test"], "Repository") == (row["approvals"], row["checks"], row["level"])
    assert [True, "HEADGREEN", True, True] == [
        row[name] for name in ("merge_queue", "grouping", "no_force_push", "no_deletion")
    ]
    assert (True, ["RepositoryRole:5:always"], False) == (
        row["bypass_visible"],
        row["bypass"],
        row["admins_included"],
    )
    assert story.rules.updated_at == datetime.fromisoformat(row["changed_at"])


def test_a_check_that_any_app_may_report_has_an_empty_app(story: Story, tmp_path: Path) -> None:
    """Without an App's number anybody with a token can forge the check: the row tells the two apart."""
    (rule,) = [rule for rule in story.rules.rules if rule["type"] == "required_status_checks"]
    rule["parameters"]["required_status_checks"] = [{"context": "free"}, {"context": "bound", "integration_id": 7}]
    row = of(collect(tmp_path, story), "ruleset:")
    assert (["free", "bound"], ["", "7"]) == (row["checks"], row["check_apps"])


def test_who_may_not_edit_a_ruleset_does_not_see_who_bypasses_it(story: Story, tmp_path: Path) -> None:
    """An absent list is not an empty one."""
    story.token(tokens.installation("installed", "collector"))
    run = collect(tmp_path, story, secret="installed")
    row = of(run, "ruleset:")
    assert (False, None, None) == (row["bypass_visible"], row["bypass"], row["admins_included"])
    assert "no" == sights(run)["bypass actors"]
    assert {} == gaps(run)


@pytest.mark.parametrize("enforcement", ["evaluate", "disabled"])
def test_a_ruleset_that_is_not_enforced_binds_nothing(story: Story, tmp_path: Path, enforcement: str) -> None:
    """It is named in the coverage, and the branch has the row that says that nothing binds it."""
    story.rules.enforcement = enforcement
    run = collect(tmp_path, story)
    assert ["none"] == [row["origin"] for row in run.rows("github_rules")]
    assert [f"main ({enforcement})"] == run.of("settings:rules").details["not enforced"]
    assert {} == gaps(run)


def test_a_ruleset_that_is_switched_off_while_it_is_read_is_a_gap(story: Story, tmp_path: Path) -> None:
    """Its detail contradicts what bound the branch a moment before."""
    off = Fault("off", lambda wire, _: _off(wire), on=f"GET */rulesets/{story.rules.id}", times=None)
    run = collect(tmp_path, story, faults=[off])
    assert "switched off" in gaps(run)["settings:rules"]
    assert [] == run.rows("github_rules")


def _off(wire: Any) -> Any:
    wire.body = wire.body.replace(b'"enforcement": "active"', b'"enforcement": "disabled"')
    return wire


def test_rulesets_of_the_organisation_reach_by_property(story: Story, tmp_path: Path) -> None:
    """One that its conditions lead to the repository counts; one that excludes the production branch does not."""
    story.api.it.properties = {"tier": "1"}
    at = story.now
    near = Ruleset(9001, "near", "Organization", "acme", at, at, [{"type": "deletion"}], properties={"tier": "1"})
    far = Ruleset(9002, "far", "Organization", "acme", at, at, [{"type": "deletion"}], exclude=("refs/heads/main",))
    story.world.rulesets += [near, far]
    run = collect(tmp_path, story)
    assert {f"ruleset:{story.rules.id}", "ruleset:9001"} == {row["origin"] for row in run.rows("github_rules")}
    assert "Organization" == of(run, "ruleset:9001")["level"]


def test_classic_protection_is_a_row_of_its_own(story: Story, tmp_path: Path) -> None:
    """Beside the ruleset, with administrators who are not included as those who can bypass it."""
    story.api.protect(checks=(("build", 7), ("lint", None)), approvals=2, strict=True, dismiss_stale=True)
    run = collect(tmp_path, story)
    row = of(run, "protection")
    assert (2, True, True, None) == (row["approvals"], row["strict"], row["dismiss_stale"], row["changed_at"])
    assert (["build", "lint"], ["7", ""]) == (row["checks"], row["check_apps"])
    assert (False, ["RepositoryRole:5:always"]) == (row["admins_included"], row["bypass"])
    assert (True, True) == (row["no_force_push"], row["no_deletion"])
    assert (2, 1) == (len(run.rows("github_rules")), len(run.rows("github_rulesets")))
    assert 3 == run.of("settings:rules").expected
    assert {"reaches_back_to": None} == run.of("rule-suites").details["ledger of protection"]


def test_branches_with_a_slash_and_several_of_them(story: Story, tmp_path: Path) -> None:
    """Each production ref has its rules; a ruleset that binds one says nothing of the other."""
    story.api.it.branches["release/1 #é"] = story.api.head()
    story.api.protect("release/*", approvals=1)
    run = collect(tmp_path, story, scope="[{repository: acme/api, branches: [main, 'release/1 #é']}]")
    assert {} == {name: reason for name, reason in gaps(run).items() if name.startswith("settings")}
    found = {(row["ref"], row["origin"]) for row in run.rows("github_rules")}
    assert {("main", f"ruleset:{story.rules.id}"), ("release/1 #é", "protection")} == found


def test_protection_that_is_hidden_is_a_gap_with_the_names_that_everybody_sees(story: Story, tmp_path: Path) -> None:
    """Without Administration 403 does not mean unprotected: the branch says that it is protected."""
    story.api.protect(checks=(("build", 7),))
    story.token(tokens.actions("limited", "acme/api"))
    run = collect(tmp_path, story, secret="limited")
    row = of(run, "protection")
    assert (None, False, None) == (row["approvals"], row["bypass_visible"], row["admins_included"])
    assert "Administration: read" in gaps(run)["settings:rules"]
    assert "missing" == run.of("settings:rules").scope["access"]
    assert "no" == sights(run)["protection"]


@pytest.mark.parametrize("with_rules", [True, False])
def test_an_open_branch_is_told_from_a_hidden_one(story: Story, tmp_path: Path, *, with_rules: bool) -> None:
    """For somebody who may not see protection `protected: false` settles it; a ruleset alone may set it to true."""
    if not with_rules:
        story.api.it.rulesets.clear()
    story.token(tokens.classic("writer", "ann"))
    run = collect(tmp_path, story, secret="writer")
    assert "settings:rules" not in gaps(run)
    assert [with_rules] == [row["origin"] != "none" for row in run.rows("github_rules")]


def test_a_branch_that_only_a_ruleset_protects_has_no_classic_protection(story: Story, tmp_path: Path) -> None:
    """GitHub calls it protected and enabled all the same: to an administrator the sentence of its 404 tells."""
    enabled = Fault("enabled", lambda wire, _: _enabled(wire), on="GET */branches/main", times=None)
    run = collect(tmp_path, story, faults=[enabled])
    assert [f"ruleset:{story.rules.id}"] == [row["origin"] for row in run.rows("github_rules")]
    assert {} == gaps(run)


def _enabled(wire: Any) -> Any:
    wire.body = wire.body.replace(b'"enabled": false', b'"enabled": true')
    return wire


def test_bypasses_are_listed_with_who_and_when(story: Story, tmp_path: Path) -> None:
    """The ledger names what was bypassed on a production ref; other results and branches stay out."""
    story.tick(days=25)
    pushed = story.api.push(story.cat, {"a": "b"}, "straight")
    (move,) = [row for row in story.api.it.activity if row.after == pushed.sha]
    story.api.judged(move, "bypass", "pull_request")
    story.api.judged(move, "pass")
    run = collect(tmp_path, story)
    (row,) = run.rows("github_rule_suites")
    assert ("main", pushed.sha, "cat", "bypass") == (row["ref"], row["after"], row["actor"], row["result"])
    assert story.cat.id == row["actor_id"]
    assert {} == gaps(run)


@pytest.mark.parametrize("day", [3, 27])
def test_the_ledger_says_how_far_back_it_reaches(story: Story, tmp_path: Path, day: int) -> None:
    """GitHub tells a month at most: before that nothing can be said, and the instant is in the details."""
    now = LATER.replace(day=day)
    run = collect(tmp_path, story, now=now, clock=now)
    assert (now - timedelta(days=28)).isoformat() == run.of("rule-suites").details["reaches_back_to"]


@pytest.mark.parametrize(("day", "span"), [(1, "day"), (4, "week"), (20, "month")])
def test_no_longer_span_is_asked_for_than_needed(story: Story, tmp_path: Path, day: int, span: str) -> None:
    """For a period that began lately the ledger reaches back to its start."""
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    run = collect(tmp_path, story, now=now, clock=now, months="2026-11")
    urls = [item.request["url"] for item, _ in run.stored if item.request.get("role") == "suites"]
    assert all(f"time_period={span}" in url and "ref=refs" in url for url in urls)
    assert 1 == len(urls)
    assert "reaches_back_to" not in run.of("rule-suites").details


def test_without_rulesets_no_ledger_is_asked_for(story: Story, tmp_path: Path) -> None:
    """There is nothing to bypass: the stream is complete and empty."""
    story.api.it.rulesets.clear()
    run = collect(tmp_path, story)
    assert (True, 0) == (run.of("rule-suites").complete, run.of("rule-suites").fetched)
    assert 0 == run.asked["/repos/{owner}/{repo}/rulesets/rule-suites"]


@pytest.mark.parametrize("edit", [{"enforcement": "disabled"}, {"include": ("refs/heads/release/*",)}])
def test_the_ledger_tells_of_a_ruleset_that_no_longer_binds(story: Story, tmp_path: Path, edit: dict[str, Any]) -> None:
    """It may have been bypassed while it did; one that was changed before the period binds nothing in it."""
    pushed = story.api.push(story.cat, {"a": "1"})
    (move,) = [row for row in story.api.it.activity if row.after == pushed.sha]
    story.api.judged(move, "bypass")
    story.api.edit_rules(story.rules, story.cat, **edit)
    run = collect(tmp_path, story)
    assert [pushed.sha] == [row["after"] for row in run.rows("github_rule_suites")]
    assert ["main"] == run.of("rule-suites").details["asked"]
    (tmp_path / "again").mkdir()
    story.rules.updated_at = story.rules.created_at = datetime(2026, 9, 1, tzinfo=UTC)
    story.rules.history.clear()
    assert [] == collect(tmp_path / "again", story).of("rule-suites").details["asked"]


@pytest.mark.parametrize("renamed", [True, False])
def test_the_ledger_tells_of_a_ref_that_was_the_default_branch(story: Story, tmp_path: Path, renamed: bool) -> None:
    """The rulesets of the default branch bind its new name after a rename; of another ref they say nothing."""
    pushed = story.api.push(story.cat, {"a": "1"})
    story.api.judged(story.api.it.activity[-1], "bypass")
    story.api.move("trunk", story.api.head(), story.cat)
    if renamed:
        story.api.delete("main", story.cat)
        story.api.it.default_branch = "trunk"
    branches = "[main]" if renamed else "[main, trunk]"
    run = collect(tmp_path, story, scope=f"[{{repository: acme/api, branches: {branches}}}]")
    assert ["main"] == run.of("rule-suites").details["asked"]
    assert [pushed.sha] == [row["after"] for row in run.rows("github_rule_suites")]
    told = "there is no branch main now" in gaps(run).get("settings:rules", "")
    assert (renamed, renamed) == (told, "put its new name" in gaps(run).get("settings:rules", ""))


def test_a_ledger_that_is_refused_is_a_gap(story: Story, tmp_path: Path) -> None:
    """A fine-grained token is refused it: bypasses are then not known, never none."""
    story.token(tokens.fine_grained("fine", "cat"))
    run = collect(tmp_path, story, secret="fine")
    assert "403" in gaps(run)["rule-suites"]
    assert "missing" == run.of("rule-suites").scope["access"]
    assert "no" == sights(run)["rule suites"]


def test_404_is_a_refusal_to_somebody_who_may_not_know(story: Story, tmp_path: Path) -> None:
    """GitHub hides settings and ledger from a writer's classic token as if they were not there."""
    story.token(tokens.classic("writer", "ann"))
    run = collect(tmp_path, story, secret="writer")
    assert {"rule-suites", "settings:settings"} == set(gaps(run))
    assert {"missing"} == {run.of(name).scope.get("access") for name in gaps(run)}


def test_where_rules_are_not_known_the_ledger_is_asked_all_the_same(story: Story, tmp_path: Path) -> None:
    """That no ruleset could be read does not mean that none binds: bypasses count, and no row says `none`."""
    story.tick(days=25)
    pushed = story.api.push(story.cat, {"a": "b"}, "straight")
    (move,) = [row for row in story.api.it.activity if row.after == pushed.sha]
    story.api.judged(move, "bypass", "pull_request")
    run = collect(tmp_path, story, faults=[status(500, on="GET */rules/branches/*", times=None)])
    assert [pushed.sha] == [row["after"] for row in run.rows("github_rule_suites")]
    assert [] == run.rows("github_rules")


def test_environments_with_their_gates(story: Story, tmp_path: Path) -> None:
    """Reviewers by number, self-review, administrators, and which branches may deploy."""
    story.api.environment("production", story.bob, prevent_self_review=True, admins_bypass=False)
    story.api.environment("playground", protected_branches=False)
    rows = {row["name"]: row for row in collect(tmp_path, story).rows("github_environments")}
    gated, free = rows["production"], rows["playground"]
    assert ([f"User:{story.bob.id}"], True, False, "protected") == (
        gated["reviewers"],
        gated["prevent_self_review"],
        gated["admins_bypass"],
        gated["branches"],
    )
    assert ([], None) == (free["reviewers"], free["branches"])


def test_people_with_their_roles(story: Story, tmp_path: Path) -> None:
    """Everybody who may do something, by number; more than a page of them."""
    for number in range(120):
        story.api.it.collaborators[story.person(f"p{number:03}").login] = "triage"
    run = collect(tmp_path, story)
    roles = {row["account"]: row["role"] for row in run.rows("github_permissions")}
    assert ("admin", "write", "read", "triage") == tuple(roles[name] for name in ("cat", "ann", "dan", "p119"))
    assert len(roles) == run.of("settings:permissions").fetched


def test_switches_and_files(story: Story, tmp_path: Path) -> None:
    """Values as text; CODEOWNERS from the first of its places; deploy keys that can write one by one."""
    story.api.push(story.ann, {"CODEOWNERS": "* @bob\n", "docs/CODEOWNERS": "* @ann\n"})
    at = story.now
    story.api.it.keys += [DeployKey(1, "reader", at), DeployKey(2, "pusher", at, read_only=False)]
    story.api.it.settings.actions_can_approve = True
    told = values(collect(tmp_path, story))
    assert ("CODEOWNERS", "* @bob\n") == (told["codeowners_path"], told["codeowners"])
    assert ("true", "read", "90") == tuple(
        told[name]
        for name in (
            "can_approve_pull_request_reviews",
            "default_workflow_permissions",
            "artifact_and_log_retention_days",
        )
    )
    assert {"deploy_key_with_write:2": "pusher"} == {
        name: value for name, value in told.items() if name.startswith("deploy_key")
    }


def test_settings_that_nobody_may_see_are_null_and_named(story: Story, tmp_path: Path) -> None:
    """Never off, never absent: NULL, a reason in the details, and a gap."""
    story.token(tokens.actions("limited", "acme/api"))
    run = collect(tmp_path, story, secret="limited")
    told, coverage = values(run), run.of("settings:settings")
    assert told["can_approve_pull_request_reviews"] is told["deploy_key_with_write"] is None
    assert "true" == told["vulnerability_alerts"]
    assert {name for name, value in told.items() if value is None} == set(coverage.details["not_visible"])
    assert (False, "missing") == (coverage.complete, coverage.scope["access"])


def test_what_a_repository_is_not_offered_is_no_gap(story: Story, tmp_path: Path) -> None:
    """Code scanning without a licence is 403 for administrators too; older servers do not know the retention."""
    story.api.it.settings.code_scanning = "disabled"
    unknown = status(404, on="GET */artifact-and-log-retention", times=None)
    run = collect(tmp_path, story, faults=[unknown])
    told = values(run)
    assert {} == gaps(run)
    assert told["code_scanning_default_setup"] is told["artifact_and_log_retention_days"] is None
    assert "code_scanning_default_setup" in run.of("settings:settings").details["not offered"]


def test_what_every_repository_has_is_a_gap_when_it_is_refused(story: Story, tmp_path: Path) -> None:
    """An administrator's token that is refused the deploy keys does not know that there are none."""
    run = collect(tmp_path, story, faults=[status(403, on="GET */keys", times=None)])
    assert {"settings:settings"} == set(gaps(run))
    assert values(run)["deploy_key_with_write"] is None


@pytest.mark.parametrize("days", [None, {"0": 90}, [90], True])
def test_a_setting_that_is_null_is_a_gap(story: Story, tmp_path: Path, days: object) -> None:
    """It was asked for and answered, and nobody knows it; neither does what is no single value tell it."""

    def null(wire: Wire, _: Wire | None) -> Wire:
        return Wire(wire.status, wire.headers, json.dumps({**wire.json, "days": days}).encode())

    path = "GET /repos/acme/api/actions/permissions/artifact-and-log-retention"
    run = collect(tmp_path, story, faults=[Fault("null", null, on=path, times=None)])
    assert "does not tell artifact_and_log_retention_days" in gaps(run)["settings:settings"]


@pytest.mark.parametrize(("days", "warns"), [(90, True), (400, False)])
def test_a_short_retention_is_said_with_its_date(story: Story, tmp_path: Path, days: int, *, warns: bool) -> None:
    """Checks of the period's first day end so many days later: after that nobody can collect them."""
    story.api.it.settings.retention_days = days
    found = collect(tmp_path, story).of("settings:settings").details.get("warnings", [])
    assert warns == any("2026-12-30" in text for text in found)


def test_settings_are_read_again_only_after_half_a_day(story: Story, tmp_path: Path) -> None:
    """An unchanged repository costs nothing at first; later its settings alone."""
    story.clean()
    collect(tmp_path, story)
    soon = LATER + timedelta(hours=11)
    again = collect(tmp_path, story, now=soon, clock=soon)
    assert {"github:repositories"} == set(again.coverages)
    later = LATER + timedelta(hours=13)
    third = collect(tmp_path, story, now=later, clock=later)
    assert {"github:repositories", *(f"github:acme/api:{name}" for name in SNAPSHOTS)} == set(third.coverages)
    assert 0 == third.asked["/repos/{owner}/{repo}/rulesets/rule-suites"]
    assert ("unknown", "yes") == (sights(third)["activity"], sights(third)["rules"])


def test_the_history_of_a_ruleset_that_was_edited(story: Story, tmp_path: Path) -> None:
    """Each version that was in force in the period but the present one; those of one edited before are not asked for."""
    story.api.ruleset(include=("refs/heads/release/*",)).updated_at = datetime(2026, 9, 1, tzinfo=UTC)
    made = story.rules.created_at
    story.api.edit_rules(story.rules, story.cat, enforcement="disabled")
    off = story.now
    story.api.edit_rules(story.rules, story.cat, enforcement="active", include=("~ALL",))
    run = collect(tmp_path, story)
    found = [
        (row["version"], datetime.fromisoformat(row["since"]), datetime.fromisoformat(row["until"]), row["bound"])
        for row in run.rows("github_rule_versions")
    ]
    first, second, _ = story.rules.history
    assert [(first.id, made, off, True), (second.id, off, story.rules.updated_at, False)] == found
    assert ({}, "yes") == (gaps(run), sights(run)["ruleset history"])
    assert 1 == run.asked["/repos/{owner}/{repo}/rulesets/{ruleset}/history"]


def test_a_history_that_may_not_be_read_is_no_gap(story: Story, tmp_path: Path) -> None:
    """What it would tell is not known for the changes that need it; the token's lack is noted."""
    story.token(tokens.installation("app", "soc2ev"))
    story.api.edit_rules(story.rules, story.cat, enforcement="disabled")
    run = collect(tmp_path, story, secret="app")
    assert (True, "no") == (run.of("settings:rules").complete, sights(run)["ruleset history"])
    assert ["main (disabled)"] == run.of("settings:rules").details["history not visible"]


@pytest.mark.parametrize("emptied", ["rules", "conditions"])
def test_a_version_without_any_rule_or_condition_tells_nothing(story: Story, tmp_path: Path, emptied: str) -> None:
    """It looks like an answer that was emptied, and a ruleset that asked for nothing is nobody's."""
    story.api.edit_rules(story.rules, story.cat, enforcement="disabled")
    story.rules.history[0].state[emptied] = type(story.rules.history[0].state[emptied])()
    (row,) = collect(tmp_path, story).rows("github_rule_versions")
    assert row["bound"] is None


def test_a_history_that_does_not_end_with_the_ruleset_speaks_for_nothing(story: Story, tmp_path: Path) -> None:
    """Its newest version is another one than what was read."""
    story.api.edit_rules(story.rules, story.cat, enforcement="disabled")
    story.rules.updated_at += timedelta(minutes=1)
    assert [] == collect(tmp_path, story).rows("github_rule_versions")


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["~ALL"], [], True),
        (["~DEFAULT_BRANCH"], [], False),
        (["refs/heads/release/1.0"], [], True),
        (["refs/heads/release/*"], [], True),
        (["refs/heads/*"], [], False),
        (["refs/heads/**/*"], [], True),
        (["refs/heads/**/1.0"], [], True),
        (["refs/heads/release/1.?"], [], True),
        (["refs/heads/release/1.[0-9]"], [], None),
        (["refs/heads/**"], [], None),
        (["~ALL"], ["refs/heads/release/*"], False),
        (["~ALL"], ["refs/heads/hotfix/*"], True),
        (["~ALL"], ["refs/heads/{a,b}"], None),
        (["refs/heads/main"], ["refs/heads/{a,b}"], False),
        ([], [], False),
    ],
)
def test_whether_conditions_reach_a_ref(include: list[str], exclude: list[str], expected: bool | None) -> None:
    """By GitHub's patterns; one that may mean several things tells nothing."""
    asked = {"default": "main", "current": "acme/api"}
    conditions = {"ref_name": {"include": include, "exclude": exclude}}
    assert expected == rule_versions.reaches(conditions, asked, "release/1.0")


def test_conditions_of_the_repository_count_too() -> None:
    """By name they can be told; by property, and without any, they cannot."""
    asked, ref = {"default": "main", "current": "acme/api"}, {"include": ["~DEFAULT_BRANCH"], "exclude": []}
    named = {"include": ["api*"], "exclude": []}
    assert rule_versions.reaches({"ref_name": ref, "repository_name": named}, asked, "main") is True
    named["exclude"] = ["api"]
    assert rule_versions.reaches({"ref_name": ref, "repository_name": named}, asked, "main") is False
    assert rule_versions.reaches({"ref_name": ref, "repository_property": {}}, asked, "main") is None
    assert rule_versions.reaches(None, asked, "main") is None


EMPTY = {
    "/rules/branches/*": ("settings:rules", "main (active) reaches main, and GitHub names none of its rules there"),
    "/rulesets": ("settings:rules", "binds main and is not in the list of rulesets"),
    "/collaborators": ("settings:permissions", "GitHub lists nobody who may do anything here"),
}


@pytest.mark.parametrize("path", EMPTY)
def test_a_list_that_came_back_empty_is_held_against_what_else_is_known(
    story: Story, tmp_path: Path, path: str
) -> None:
    """A list with 200 and nothing in it is no proof that there is nothing."""
    empty = Fault("empty", _emptied, on=f"GET /repos/acme/api{path}", times=None)
    run = collect(tmp_path, story, faults=[empty])
    stream, said = EMPTY[path]
    assert {stream} == set(gaps(run))
    assert said in gaps(run)[stream]


def _emptied(wire: Any, _: Any) -> Any:
    wire.body = b"[]"
    return wire


def test_a_ruleset_that_hides_the_rules_by_which_it_binds_is_a_gap(story: Story, tmp_path: Path) -> None:
    """The rules of the branch name a kind that the ruleset itself does not show."""

    def stripped(wire: Any, _: Any) -> Any:
        wire.body = json.dumps({**json.loads(wire.body), "rules": []}).encode()
        return wire

    bare = Fault("bare", stripped, on=f"GET /repos/acme/api/rulesets/{story.rules.id}", times=None)
    found = gaps(collect(tmp_path, story, faults=[bare]))
    assert {"settings:rules"} == set(found)
    assert f"ruleset {story.rules.id} binds by pull_request and does not show that rule" in found["settings:rules"]


def test_a_ruleset_of_other_branches_contradicts_nothing(story: Story, tmp_path: Path) -> None:
    """It is read for its conditions, which do not reach the production branch."""
    story.rules.include = ("refs/heads/release/*",)
    assert {} == gaps(collect(tmp_path, story))


def test_what_it_costs(story: Story, tmp_path: Path) -> None:
    """Eleven questions over REST with a ruleset, one in GraphQL; one more for each further ruleset."""
    first = collect(tmp_path, story)
    story.api.ruleset()
    (tmp_path / "again").mkdir()
    second = collect(tmp_path / "again", story)
    assert 11 == _rest(first)
    assert 12 == _rest(second)
    assert 1 == sum(item.request.get("role") == "settings" for item, _ in first.stored)


def _rest(run: Run) -> int:
    return sum(times for route, times in run.asked.items() if not route.endswith(("/graphql", "/activity")))


ENDPOINTS = {
    "/rules/branches/*": {"settings:rules"},
    "/rulesets": {"settings:rules"},
    "/rulesets/[0-9]*": {"settings:rules"},
    "/branches/main/protection": {"settings:rules"},
    "/rulesets/rule-suites": {"rule-suites"},
    "/environments": {"settings:environments"},
    "/collaborators": {"settings:permissions"},
    "/keys": {"settings:settings"},
    "/actions/permissions/workflow": {"settings:settings"},
    "/actions/permissions/artifact-and-log-retention": {"settings:settings"},
    "/code-scanning/default-setup": {"settings:settings"},
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_that_fails_for_good_costs_its_own_stream(story: Story, tmp_path: Path, path: str) -> None:
    """Each stream that rests on it says so, and every other one is complete."""
    run = collect(tmp_path, story, faults=[status(500, on=f"GET /repos/acme/api{path}", times=None)])
    assert ENDPOINTS[path] == set(gaps(run))
    assert {None} == {run.of(name).scope.get("access") for name in ENDPOINTS[path]}


def test_the_last_question_failing_costs_settings_and_capabilities(story: Story, tmp_path: Path) -> None:
    """Without it nobody can tell a setting that is off from one that was not seen."""
    story.clean()
    failing = Fault("no settings", _without_settings, on="POST /graphql", times=None)
    run = collect(tmp_path, story, faults=[failing], workers=1)
    assert {"settings:settings", "settings:capabilities"} == set(gaps(run))


def _without_settings(wire: Any, _: Any) -> Any:
    """A server that breaks down over whatever asks for settings."""
    return replace(wire, status=500, body=b"") if b"webCommitSignoffRequired" in wire.body else wire


@pytest.mark.parametrize("path", [path for path in ENDPOINTS if path != "/branches/main/protection"])
def test_answers_of_another_shape_are_refused(story: Story, tmp_path: Path, path: str) -> None:
    """An object where a list belongs, and the other way round, is stored and never read as nothing."""
    odd = Fault("odd", lambda wire, _: _odd(wire), on=f"GET /repos/acme/api{path}", times=None)
    run = collect(tmp_path, story, faults=[odd])
    assert ENDPOINTS[path] == set(gaps(run))
    assert "none" not in [row["origin"] for row in run.rows("github_rules")]


def _odd(wire: Any) -> Any:
    wire.body = b'{"odd": 1}' if wire.body.startswith(b"[") else b'[["odd"]]'
    return wire
