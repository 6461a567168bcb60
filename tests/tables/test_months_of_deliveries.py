"""Deliveries over several months: what reached a branch and production in different months, or on several branches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc2ev import config, period, tables
from soc2ev.tables.facts.evidence import Deployment
from soc2ev.tables.rollup.home import Deployed, Home, with_gate
from soc2ev.vault import Vault
from tests.fakes.github import world as w
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.world import Approval, DeploymentStatus
from tests.tables.test_modes import Seen, collect, founded, judge

OCTOBER, NOVEMBER = "2026-10", "2026-11"
NOW = datetime(2026, 10, 20, tzinfo=UTC)


class Months(Story):
    """A story from October to December, collected whenever the test says so."""

    def __init__(self, folder: Path, scope: str = "mode: deploy") -> None:
        super().__init__()
        self.folder, self.scope = folder, scope
        self.settings: config.Settings | None = None
        founded(self)

    def at(self, month: int, day: int, hour: int = 0) -> None:
        """Let time pass until then."""
        self.world.now = datetime(2026, month, day, hour, tzinfo=UTC)

    def collect(self, *months: str) -> None:
        """One run for each of the months."""
        for month in months:
            self.settings = collect(self.folder, self, self.scope, month)

    def judged(self, span: str = NOVEMBER) -> Seen:
        """What comes out for that time."""
        assert self.settings
        return judge(self.folder, self.settings, span, self)

    def over(self) -> Seen:
        """November, when both months were collected in December."""
        self.at(12, 2)
        self.collect(OCTOBER, NOVEMBER)
        return self.judged()


Make = Callable[..., Months]


@pytest.fixture
def months(tmp_path: Path) -> Make:
    """Makes a story in the test's folder."""
    return lambda *scope: Months(tmp_path, *scope)


@pytest.mark.parametrize("mode", ["merge", "release"])
def test_releases_without_deployments_are_whole(mode: str, months: Make) -> None:
    """A repository that releases and never deploys lacks nothing."""
    story = months(f"mode: {mode}")
    story.api.it.deployments.clear()
    story.reviewed().merge(story.bob, "squash")
    story.api.release("v1", story.cat)
    story.at(11, 2)
    story.collect(OCTOBER)
    assert story.judged(OCTOBER).finding.population.complete


@pytest.mark.parametrize(("first", "outcome"), [("approve", "met"), ("deploy", "deviation")])
def test_what_is_deployed_before_its_merge_had_to_be_approved_by_then(first: str, outcome: str, months: Make) -> None:
    """D of a branch that goes to production before it is merged: approved in between is too late."""
    story = months()
    story.at(11, 3)
    change = story.open()
    change.check()
    for step in (first, "deploy" if first == "approve" else "approve"):
        story.tick(hours=1)
        if step == "approve":
            change.approve(story.bob)
        else:
            story.deploy(change.it.head_sha, ref=f"refs/heads/{change.it.head_ref}")
    change.merge(story.bob, "merge")
    story.deploy()
    seen = story.over()
    assert [{"C": "met", "D": outcome}, {"C": "met", "D": "met"}] == [seen.letters(n, "CD") for n in (0, 1)]


def test_a_look_before_its_deployment_that_is_not_the_last_decides_nothing(months: Make) -> None:
    """Deployed after one approval and merged after another, of more commits: whether the first one held nobody knows."""
    story = months()
    story.at(11, 3)
    change = story.reviewed()
    story.deploy(change.it.head_sha, ref=f"refs/heads/{change.it.head_ref}")
    change.push(story.ann)
    change.check()
    change.approve(story.bob)
    change.merge(story.bob, "merge")
    assert {"C": "met", "D": "not tested"} == story.over().letters(0, "CD")


def test_a_standing_approval_needs_no_time(months: Make) -> None:
    """Where the policy asks for no approval, what was deployed before its merge was approved as much as anything."""
    story = months("mode: deploy")
    story.rules.rules[0]["parameters"]["required_approving_review_count"] = 0
    story.at(11, 3)
    change = story.open()
    change.check()
    story.deploy(change.it.head_sha, ref=f"refs/heads/{change.it.head_ref}")
    change.merge(story.bob, "merge")
    story.at(12, 2)
    for month in (OCTOBER, NOVEMBER):
        story.settings = collect(story.folder, story, story.scope, month, "{required_approvals: 0}")
    assert "Deployed" not in story.judged().item(0).outcomes["D"].reason


@pytest.mark.parametrize(("again", "outcome"), [(False, "not tested"), (True, "met")])
def test_nobody_knows_of_approvals_after_the_month_was_read(again: bool, outcome: str, months: Make) -> None:
    """Merged in October, read, approved, deployed: D is a deviation only of what was looked for until the deployment."""
    story = months()
    story.at(10, 30)
    late = story.open()
    late.check()
    late.merge(story.cat, "squash", result="bypass")
    story.at(11, 1, 6)
    story.collect(OCTOBER)
    story.tick(days=1)
    late.approve(story.bob)
    story.tick(hours=1)
    story.deploy()
    story.at(12, 2)
    story.collect(NOVEMBER, *([OCTOBER] if again else []))
    assert {"C": "deviation", "D": outcome} == story.judged().letters(0, "CD")


def test_a_direct_push_waits_for_no_approval(months: Make) -> None:
    """A push has no review that could still come, so that it deviates whenever its month was read."""
    story = months()
    story.at(10, 30)
    story.api.push(story.cat, {"src/z.py": "1"})
    story.at(11, 1, 6)
    story.collect(OCTOBER)
    story.tick(days=1)
    story.deploy()
    story.at(12, 2)
    story.collect(NOVEMBER)
    assert {"D": "deviation"} == story.judged().letters(0, "D")


@pytest.mark.parametrize("good", [True, False])
def test_a_branch_that_goes_back_to_the_month_before(good: bool, months: Make) -> None:
    """Reset to a commit of October, the branch delivers the request that landed it, and no move is told as another."""
    story = months()
    story.at(10, 30)
    change = story.open()
    change.check()
    if good:
        change.approve(story.bob)
    change.merge(story.cat, "squash", result="pass" if good else "bypass")
    landed = story.api.head()
    story.at(11, 3)
    story.api.push(story.cat, {"src/z.py": "1"})
    story.tick()
    story.api.move("main", landed, story.cat)
    story.deploy()
    seen = story.over()
    assert ["1"] == seen.item(0).facts["pull_requests"]
    assert {"C": "met" if good else "deviation"} == seen.letters(0, "C")
    assert (3, 3) == (len(seen.contained), len(set(seen.contained)))


def test_a_commit_that_lands_anew_has_one_fate(months: Make) -> None:
    """Landed in October, taken back, and pushed in November: one fate, one item."""
    story = months()
    before = story.api.head()
    story.reviewed().merge(story.bob, "squash")
    landed = story.api.head()
    story.tick()
    story.api.move("main", before, story.cat)
    story.at(11, 3)
    story.api.move("main", landed, story.cat)
    story.deploy()
    seen = story.over()
    assert ["1"] == seen.item(0).facts["pull_requests"]
    span = period.parse(NOVEMBER, "UTC", now=story.now)
    assert story.settings
    with tables.load(Vault.open(story.folder / "evidence"), story.settings, span) as loaded:
        fates = Counter(row["sha"] for row in loaded.select("select sha from change_commits"))
    assert 1 == fates[landed]


def test_a_branch_that_was_renamed_since(months: Make) -> None:
    """What October knew as main is deployed again from trunk in November: nothing new, and an older state."""
    story = months()
    story.at(10, 29)
    story.clean()
    old = story.api.head()
    story.at(11, 1, 5)
    story.collect(OCTOBER)
    story.at(11, 3)
    story.api.move("trunk", old, story.cat)
    story.api.delete("main", story.cat)
    story.api.it.default_branch = "trunk"
    story.deploy(old)
    story.clean(title="ABC-2 November")
    story.deploy(old)
    story.at(12, 2)
    story.collect(NOVEMBER)
    seen = story.judged()
    assert ["not applicable", "met", "not applicable"] == [seen.letters(n, "C")["C"] for n in range(3)]


def test_a_gate_is_that_of_the_time_of_the_delivery(months: Make) -> None:
    """A gate that was put up in November is asked about for what October had merged, too."""
    story = months()
    story.at(10, 29)
    story.reviewed().merge(story.bob, "squash")
    story.at(11, 1, 5)
    story.collect(OCTOBER)
    story.at(11, 3)
    story.api.environment("production", story.bob, story.cat, prevent_self_review=True)
    story.deploy()
    story.at(12, 2)
    story.collect(NOVEMBER)
    assert {"C": "met", "D": "not tested"} == story.judged().letters(0, "CD")


def test_a_second_environment_in_the_next_month_tells_no_commit_again(months: Make) -> None:
    """Deployed to one environment in October, to another in November: the commit stays October's, judged in both."""
    story = months("mode: deploy, environments: ['prod*']")
    story.clean()
    story.at(11, 3)
    story.deploy(environment="prod-eu")
    story.at(12, 2)
    story.collect(OCTOBER, NOVEMBER)
    told = [story.judged(month).finding.population.items for month in (OCTOBER, NOVEMBER)]
    shas = Counter(sha for items in told for one in items for sha in one.facts["commits"])
    assert (2, {1}) == (len(shas), set(shas.values()))
    assert ["1"] == told[1][0].facts["pull_requests"]


def repaired(story: Months, month: int) -> None:
    """A fix that was pushed to the branch `stable` without a review, deployed, and reviewed on its way back to main."""
    story.at(month, 12)
    story.api.push(story.cat, {"src/fix.py": "1"}, branch="stable")
    if month == 11:
        story.deploy(story.api.head("stable"), ref="refs/heads/stable")
    story.at(11, 20)
    back = story.api.open(story.ann, "ABC-2 Back", head=story.api.head("stable"), branch="stable")
    back.check()
    back.approve(story.bob)
    back.merge(story.bob, "merge")


def test_the_change_that_landed_a_commit_first_is_judged(months: Make) -> None:
    """What was deployed from one production branch was not reviewed by the merge that took it to another later."""
    story = months("mode: deploy, branches: [main, stable]")
    story.api.move("stable", story.api.head(), story.cat)
    repaired(story, 11)
    assert {"C": "deviation", "D": "deviation"} == story.over().letters(0, "CD")


@pytest.mark.parametrize(("held", "outcome"), [((NOVEMBER,), "not tested"), ((OCTOBER, NOVEMBER), "deviation")])
def test_what_another_branch_held_before_the_period(held: tuple[str, ...], outcome: str, months: Make) -> None:
    """A fix of October that November merged to main is not judged by that merge, though nobody knows what landed it."""
    story = months("mode: deploy, branches: [main, stable]")
    story.api.move("stable", story.api.head(), story.cat)
    repaired(story, 10)
    story.deploy()
    story.at(12, 2)
    story.collect(*held)
    assert {"C": outcome} == story.judged().letters(0, "C")


def through_the_gate(story: Months, *states: str) -> w.Deployment:
    """A deployment that Bob lets through the gate of production."""
    run = story.api.run(story.api.head(), name="Deploy", path=".github/workflows/deploy.yml", actor=story.cat)
    run.approvals.append(Approval(("production",), "approved", story.bob))
    return story.deploy(states=("waiting", *states), run=run)


def test_a_gate_that_one_of_two_readings_asked_about(months: Make) -> None:
    """October's deployment was superseded in November, whose reading tells more of it but not who let it through."""
    story = months()
    story.api.environment("production", story.bob, story.cat)
    story.reviewed().merge(story.bob, "squash")
    through_the_gate(story, "in_progress", "success")
    story.at(11, 2)
    story.collect(OCTOBER)
    story.at(11, 10)
    story.deploy()
    story.at(12, 2)
    story.collect(NOVEMBER)
    assert {"D": "met"} == story.judged("2026-10-01..2026-11-30").letters(1, "D")


@pytest.mark.parametrize("october", [2, 5])
def test_a_deployment_that_waits_over_the_end_of_the_month(october: int, months: Make) -> None:
    """Who let it through is asked with the month in which it began, whenever the month before was read."""
    story = months()
    story.api.environment("production", story.bob, story.cat)
    story.at(10, 31)
    story.reviewed().merge(story.bob, "squash")
    waiting = through_the_gate(story)
    run = story.api.it.runs[max(story.api.it.runs)]
    run.approvals.clear()
    for day in (2, 4, 5):
        story.at(11, day)
        if day == 4:
            run.approvals.append(Approval(("production",), "approved", story.bob))
            waiting.statuses += [DeploymentStatus(story.world.fresh(), state, story.tick(), waiting.creator) for state in ("in_progress", "success")]  # fmt: skip
        elif day == october:
            story.collect(OCTOBER)
    story.at(12, 2)
    story.collect(NOVEMBER)
    assert {"C": "met", "D": "met"} == story.judged().letters(0, "CD")


def test_an_answer_at_a_gate_counts_when_it_was_read_after_the_deployment_began() -> None:
    """A reading from while it still waited says nothing: somebody may have let it through afterwards."""

    def read(gate: tuple[()] | None, *states: str) -> Deployed:
        return Deployment("1", "production", "a", None, NOW, tuple((one, NOW) for one in states), gate), {}, frozenset()

    silent = read(None, "waiting", "success")
    assert [None, ()] == [
        with_gate(silent, read((), *states))[0].gate for states in (["waiting"], ["waiting", "success"])
    ]


@pytest.mark.parametrize("older", [False, True])
def test_an_environment_that_asks_nobody_has_no_gate(older: bool, months: Make) -> None:
    """The same or an older state deployed again where nobody is asked, beside an environment that asks: no gate."""
    story = months("mode: deploy, environments: ['prod-*']")
    story.api.environment("prod-eu", story.bob)
    story.api.environment("prod-us")
    before = story.api.head()
    story.at(11, 3)
    story.deploy(environment="prod-us")
    story.reviewed().merge(story.bob, "squash")
    story.deploy(environment="prod-us")
    run = story.api.run(story.api.head(), name="Deploy", path=".github/workflows/deploy.yml", actor=story.cat)
    story.deploy(before if older else "", environment="prod-us", run=run)
    assert {"D": "not tested" if older else "not applicable"} == story.over().letters(2, "D")


def test_deliveries_that_are_not_all_known_are_not_taken_for_the_last() -> None:
    """Of a month whose deployments were not whole the changes are used, and no delivery."""
    for flaws, expected in (([], {"1"}), (["deployments were not collected whole"], set())):
        earlier, home = Home("acme/api", "deploy"), Home("acme/api", "deploy")
        earlier.history.items["a"] = "acme/api@a"
        earlier.history.flaws += flaws
        earlier.deployments["1"] = (Deployment("1", "production", "a", None, NOW, ()), {}, frozenset())
        home.precede(earlier)
        assert ({"a": "acme/api@a"}, expected) == (home.history.items, set(home.deployments))
