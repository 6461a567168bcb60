"""What the audit log says of classic protection that somebody overrode, and what its absence leaves open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from soc2ev import controls, period, tables
from soc2ev.vault import Vault
from tests.fakes.github import faults, tokens
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story
from tests.fakes.github.server import GitHub
from tests.sources.github.runs import LATER, Run, collect, settings

TOKEN = "classic-secret"


@pytest.fixture
def story() -> Story:
    """`acme/api` under classic protection that administrators can override, and no ruleset."""
    made = Story()
    made.api.it.rulesets.clear()
    made.api.protect(checks=(("test", None),))
    return made


def merged(story: Story, *, green: bool) -> None:
    """Approved by Bob, merged by Cat."""
    change = story.open()
    change.check(conclusion="SUCCESS" if green else "FAILURE")
    change.approve(story.bob)
    change.merge(story.cat, "squash")


def overridden(story: Story, actor: str = "cat", **facts: Any) -> None:
    """An event of the audit log at the world's present time."""
    at = int((story.now + facts.pop("after", timedelta())).timestamp() * 1000)
    row = {"@timestamp": at, "created_at": at, "action": "protected_branch.policy_override", "actor": actor}
    row |= {"repo": "acme/api", "org": "acme", "_document_id": f"override-{len(story.world.audit)}", **facts}
    story.world.audit.append({name: value for name, value in row.items() if value is not None})


def duties(folder: Path, story: Story, secret: str = TOKEN, broken: list[Any] | None = None) -> tuple[str, str, Run]:
    """Outcome and reason of attribute E of the only request, and the run."""
    run = collect(folder, story, secret=secret, faults=broken or [], clock=max(LATER, story.world.now))
    with GitHub(story.world) as host:
        found = settings(folder, host)
    judging = [one for one in controls.builtin() if one.id == "change-authorised-tested-approved"]
    with tables.load(Vault.open(folder / "vault"), found, period.parse("2026-10", "UTC", now=LATER)) as loaded:
        (finding,) = controls.judge_all(judging, loaded)
    (item,) = [one for one in finding.population.items if one.facts["pull_requests"]]
    return item.outcomes["E"].outcome.value, item.outcomes["E"].reason, run


def test_an_override_by_the_one_who_merged_is_a_bypass(tmp_path: Path, story: Story) -> None:
    """Nobody declared it."""
    merged(story, green=False)
    overridden(story, after=timedelta(seconds=2))
    outcome, _, run = duties(tmp_path, story)
    assert DEVIATION == outcome
    (row,) = run.rows("github_overrides")
    assert ("cat", None, "override-0") == (row["actor"], row["ref"], row["id"])


def test_an_audit_log_without_overrides_shows_that_there_were_none(tmp_path: Path, story: Story) -> None:
    """It is asked for once, for the repository and the period."""
    merged(story, green=True)
    overridden(story, repo="acme/other")
    overridden(story, action="protected_branch.create")
    outcome, reason, run = duties(tmp_path, story)
    assert (MET, True) == (outcome, "The host recorded no bypass." in reason)
    assert 1 == run.asked["/orgs/{org}/audit-log"]
    assert {"reaches_back_to": None} == run.of("rule-suites").details["ledger of protection"]


@pytest.mark.parametrize(
    "facts",
    [{"actor": "dan"}, {"actor": "cat", "after": timedelta(hours=1)}, {"actor": "cat", "branch": "refs/heads/other"}],
    ids=["somebody else", "another time", "another branch"],
)
def test_overrides_of_others_are_no_bypass_of_this_change(tmp_path: Path, story: Story, facts: dict[str, Any]) -> None:
    """Somebody else's at that time leaves it to the evidence, which shows here that the rules were kept."""
    merged(story, green=True)
    overridden(story, **facts)
    assert MET == duties(tmp_path, story)[0]


def test_somebody_else_s_override_at_that_time_takes_the_ledger_away(tmp_path: Path, story: Story) -> None:
    """Whose change it was is not known, and the evidence does not show that the rules were kept."""
    merged(story, green=False)
    overridden(story, actor="dan")
    outcome, _, _ = duties(tmp_path, story)
    assert MET != outcome


def test_who_may_not_read_the_audit_log_has_no_gap(tmp_path: Path, story: Story) -> None:
    """The evidence decides then, as where organisations have none."""
    merged(story, green=True)
    story.token(tokens.classic("narrow", "cat", "repo", "read:org"))
    outcome, reason, run = duties(tmp_path, story, "narrow")
    assert (MET, False) == (outcome, "The host recorded no bypass." in reason)
    assert ["main"] == run.of("rule-suites").details["without a ledger"]
    assert run.of("rule-suites").complete


def test_an_audit_log_that_fails_is_a_gap(tmp_path: Path, story: Story) -> None:
    """A server that breaks is not one that has nothing."""
    merged(story, green=True)
    broken = [faults.status(500, on="GET /orgs/acme/audit-log", times=None)]
    _, reason, run = duties(tmp_path, story, broken=broken)
    assert not run.of("rule-suites").complete
    assert "The host recorded no bypass." not in reason


def test_what_the_audit_log_has_forgotten_it_does_not_deny(tmp_path: Path, story: Story) -> None:
    """It keeps the present month and six before it."""
    merged(story, green=True)
    story.world.now = LATER.replace(year=2027, month=5, day=2)
    outcome, reason, run = duties(tmp_path, story)
    assert {"reaches_back_to": "2026-11-01T00:00:00+00:00"} == run.of("rule-suites").details["ledger of protection"]
    assert (NOT_TESTED, False) == (outcome, "The host recorded no bypass." in reason)
