"""Scopes in which a production change is a deployment or a release: the whole road, from a world to outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from soc2ev import config, controls, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.model import Control, Finding, Item
from soc2ev.vault import Vault, writer
from tests.fakes.github import faults, tokens
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import Approval
from tests.sources.github.runs import Clock

CONTROL = "change-authorised-tested-approved"


@dataclass(frozen=True)
class Seen:
    """What came out."""

    finding: Finding
    fates: dict[str, tuple[str | None, str, str | None]]
    """By commit: the item, its fate, the reason."""
    parts: dict[str, list[tuple[str | None, str]]]
    contained: list[str]

    def item(self, number: int) -> Item:
        """The item at that place in time."""
        return sorted(self.finding.population.items, key=lambda one: (one.at, one.id))[number]

    def letters(self, number: int, which: str = "BCDEFGH") -> dict[str, str]:
        """Outcomes of that item."""
        found = self.item(number).outcomes
        return {letter: found[letter].outcome.value for letter in which}


def control(name: str = CONTROL) -> Control:
    """A shipped control."""
    (file,) = Path(controls.__file__).parent.glob(f"{name}.yaml")
    return controls.read(file, origin="builtin")


def collect(
    folder: Path,
    story: Story,
    scope: str,
    month: str,
    policy: str = "{}",
    *,
    broken: Sequence[faults.Fault] = (),
    asked: list[str] | None = None,
    registers: Mapping[str, str] | None = None,
) -> config.Settings:
    """One run over the story's world as it is now; `asked` learns which questions there were."""
    clock = Clock(story.world.now)
    with GitHub(story.world, faults=list(broken)) as host:
        told = f"{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: TOKEN}}}}"
        text = f"version: 1\norganisation: Example Co\nregisters: {'./registers' if registers else 'null'}\n"
        for name, content in (registers or {}).items():
            (folder / "registers").mkdir(exist_ok=True)
            (folder / "registers" / f"{name}.yaml").write_text(content, encoding="utf-8")
        text += f"scope: [{{repository: 'acme/*', {scope}}}]\nsources: {{github: [{told}]}}\npolicy: {policy}\n"
        (folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        found = config.load(folder / "soc2ev.yaml")
        span = period.parse(month, "UTC", now=story.world.now)
        with writer(folder / "evidence", origin="soc2ev/example/evidence", now=clock.now, tool="tests 1") as vault:
            known = {"TOKEN": story.secret}
            fetch = Fetch(vault, environment=known, sleep=clock.sleep, now=clock.now, workers=1)
            for _ in sources.collect(fetch, found, span):
                pass
        if asked is not None:
            asked += [f"{seen.method} {seen.path}" for seen in host.requests]
    return found


def judge(folder: Path, found: config.Settings, span: str, story: Story, name: str = CONTROL) -> Seen:
    """The control's finding, and the tables behind it."""
    asked = period.parse(span, "UTC", now=story.world.now)
    with tables.load(Vault.open(folder / "evidence"), found, asked) as loaded:
        (finding,) = controls.judge_all([control(name)], loaded)
        fates = {
            row["sha"]: (row["item"], row["fate"], row["reason"])
            for row in loaded.select("select * from change_commits")
        }
        parts: dict[str, list[tuple[str | None, str]]] = {}
        for row in loaded.select("select * from change_parts order by item, position"):
            parts.setdefault(row["item"], []).append((row["part"], row["what"]))
        contained = [row["item"] for row in loaded.select("select item from contained_changes order by item")]
    return Seen(finding, fates, parts, contained)


def judged(
    folder: Path, tell: Callable[[Story], None], scope: str = "mode: deploy", policy: str = "{}", *, name: str = CONTROL
) -> Seen:
    """The outcomes of October in a world of its own, collected after the month."""
    story = Story()
    tell(story)
    story.tick(days=40)
    return judge(folder, collect(folder, story, scope, "2026-10", policy), "2026-10", story, name)


def founded(s: Story) -> None:
    """A first deployment of what the repository was founded with."""
    s.deploy()
    s.tick(hours=1)


def test_a_deployment_is_one_change_of_all_that_it_brought(tmp_path: Path) -> None:
    """Two merges and one deployment are one item, whose commits are those of both."""

    def tell(s: Story) -> None:
        founded(s)
        s.reviewed(title="ABC-1 One").merge(s.bob, "squash")
        s.reviewed(title="ABC-2 Two").merge(s.bob, "squash")
        s.deploy()

    seen = judged(tmp_path, tell)
    second = seen.item(1)
    assert ["deployment", "deployment"] == [seen.item(0).facts["integration"], second.facts["integration"]]
    assert ("acme/api#deployment-", 2, ["2", "1"][::-1]) == (
        second.id[:20],
        len(second.facts["commits"]),
        second.facts["pull_requests"],
    )
    assert {"B": "met", "C": "met", "D": "met", "E": "met", "F": "not applicable", "H": "met"} == seen.letters(
        1, "BCDEFH"
    )


def test_the_worst_contained_change_decides_and_is_named(tmp_path: Path) -> None:
    """One change of three without an approval makes the deployment deviate, and the reason names it."""

    def tell(s: Story) -> None:
        founded(s)
        s.reviewed(title="ABC-1 One").merge(s.bob, "squash")
        bad = s.open(title="ABC-2 Alone")
        bad.check()
        bad.merge(s.cat, "squash", result="bypass")
        s.reviewed(title="ABC-3 Three").merge(s.bob, "squash")
        s.deploy()

    seen = judged(tmp_path, tell)
    result = seen.item(1).outcomes["C"]
    assert ("deviation", True, False) == (
        result.outcome.value,
        "#2 ABC-2 Alone" in result.reason,
        "#1 " in result.reason,
    )


@pytest.mark.parametrize(("hours", "outcome"), [(1, "met"), (5, "deviation")])
def test_an_approval_between_merge_and_deployment_is_in_time_for_d(hours: int, outcome: str, tmp_path: Path) -> None:
    """D compares with the deployment: approved an hour after the merge it is met, after the deployment it is not."""

    def tell(s: Story) -> None:
        founded(s)
        late = s.open(title="ABC-1 Late")
        late.check()
        late.merge(s.cat, "squash", result="bypass")
        if hours == 1:
            s.tick(hours=1)
            late.approve(s.bob)
        s.tick(hours=2)
        s.deploy()
        if hours != 1:
            s.tick(hours=1)
            late.approve(s.bob)

    seen = judged(tmp_path, tell)
    assert {"C": "deviation", "D": outcome} == seen.letters(1, "CD")


def test_a_later_objection_keeps_an_approval_after_the_merge_from_counting(tmp_path: Path) -> None:
    """Bob approved after the merge and Cat asked for changes before the deployment: D stays a deviation."""

    def tell(s: Story) -> None:
        founded(s)
        late = s.open(title="ABC-1 Late")
        late.check()
        late.merge(s.cat, "squash", result="bypass")
        late.approve(s.bob)
        late.review(s.cat, "CHANGES_REQUESTED")
        s.tick(hours=2)
        s.deploy()

    assert {"D": "deviation"} == judged(tmp_path, tell).letters(1, "D")


def test_every_commit_is_in_one_item_or_outside(tmp_path: Path) -> None:
    """What was merged and never deployed is outside, with the reason; the sums add up to the commits of the branch."""

    def tell(s: Story) -> None:
        founded(s)
        s.clean(title="ABC-1 One")
        s.deploy(environment="prod-eu")
        s.reviewed(title="ABC-2 Waiting").merge(s.bob, "squash")

    seen = judged(tmp_path, tell, "mode: deploy, environments: ['prod*']")
    items = seen.finding.population.items
    listed = [sha for one in items for sha in one.facts["commits"]]
    waiting = [sha for sha, fate in seen.fates.items() if fate[1] == "outside"]
    assert (3, len(set(listed)), "not deployed in the period") == (
        len(seen.fates),
        len(listed),
        seen.fates[waiting[0]][2],
    )
    assert sorted(seen.fates) == sorted([*listed, *waiting])
    assert {sha: seen.fates[sha][0] for sha in listed} == {sha: one.id for one in items for sha in one.facts["commits"]}


def test_a_second_environment_is_judged_on_what_it_brought_there(tmp_path: Path) -> None:
    """A deployment of the same changes to another environment has no commits of its own, and the same outcomes."""

    def tell(s: Story) -> None:
        bad = s.open(title="ABC-1 Alone")
        bad.check()
        bad.merge(s.cat, "squash", result="bypass")
        s.deploy()
        s.deploy(environment="prod-eu")

    seen = judged(tmp_path, tell, "mode: deploy, environments: ['prod*']")
    assert (2, 0) == (len(seen.item(0).facts["commits"]), len(seen.item(1).facts["commits"]))
    assert [{"C": "deviation"}] * 2 == [seen.letters(0, "C"), seen.letters(1, "C")]


def test_a_failed_deployment_is_no_item_and_the_next_brings_its_content(tmp_path: Path) -> None:
    """The content of a failed deployment counts with the first that succeeded."""

    def tell(s: Story) -> None:
        founded(s)
        s.reviewed(title="ABC-1 One").merge(s.bob, "squash")
        s.deploy(states=("in_progress", "failure"))
        s.reviewed(title="ABC-2 Two").merge(s.bob, "squash")
        s.deploy()

    seen = judged(tmp_path, tell)
    assert (2, 2) == (len(seen.finding.population.items), len(seen.item(1).facts["commits"]))


def test_a_rollback_brings_nothing_and_is_judged_as_one(tmp_path: Path) -> None:
    """An older state deployed again after an incident, through the gate: no content to review, allowed at the gate."""

    def tell(s: Story) -> None:
        s.api.environment("production", s.bob, s.cat, prevent_self_review=True)
        first = s.clean()
        s.clean(title="ABC-2 Broken")
        s.tick(hours=1)
        assert first.it.merge_sha
        run = s.api.run(
            first.it.merge_sha,
            event="workflow_dispatch",
            name="Deploy",
            path=".github/workflows/deploy.yml",
            actor=s.cat,
        )
        run.approvals.append(Approval(("production",), "approved", s.bob, "INC-1"))
        s.deploy(first.it.merge_sha, states=("waiting", "in_progress", "success"), run=run)

    seen = judged(tmp_path, tell)
    last = seen.item(2)
    assert ("rollback", [], True) == (
        last.facts["integration"],
        last.facts["commits"],
        "ROLLBACK" in last.facts["flags"],
    )
    wanted = {"B": "met", "C": "not applicable", "D": "met", "E": "met", "F": "not tested", "H": "met"}
    assert wanted == seen.letters(2, "BCDEFH")


def test_the_same_commit_again_has_no_content_to_judge(tmp_path: Path) -> None:
    """A deployment of what is there already is an item whose questions about content do not apply."""

    def tell(s: Story) -> None:
        s.clean(title="ABC-1 One")
        s.deploy()

    seen = judged(tmp_path, tell)
    wanted = dict.fromkeys("ABCDEFG", "not applicable") | {"H": "met"}
    assert wanted == seen.letters(1, "ABCDEFGH")


def test_a_commit_off_the_branch_is_never_met(tmp_path: Path) -> None:
    """A hotfix branch that was deployed straight to production came through no known change: not tested."""

    def tell(s: Story) -> None:
        founded(s)
        made = s.api.push(s.cat, {"src/app.py": "fix"}, "Fix", branch="hotfix/x")
        s.deploy(made.sha, ref="refs/heads/hotfix/x")

    seen = judged(tmp_path, tell)
    assert dict.fromkeys("ABCDEFG", "not tested") == seen.letters(1, "ABCDEFG")
    assert "no known change brought" in seen.item(1).outcomes["C"].reason


def over_the_edge(*, approved: bool = True) -> Story:
    """A change merged in October and deployed in November, with one of November."""
    story = Story()
    founded(story)
    story.tick(days=24)
    late = story.open(title="ABC-1 Late October")
    late.check()
    if approved:
        late.approve(story.bob)
    late.merge(story.cat, "squash", result="pass" if approved else "bypass")
    story.tick(days=5)
    story.reviewed(title="ABC-2 November").merge(story.bob, "squash")
    story.deploy()
    story.tick(days=40)
    return story


def test_content_from_before_the_period_is_not_tested_until_it_was_collected(tmp_path: Path) -> None:
    """A change merged in October and deployed in November is judged when both months were collected."""
    story = over_the_edge()
    november = judge(tmp_path, collect(tmp_path, story, "mode: deploy", "2026-11"), "2026-11", story)
    outcome = november.item(0).outcomes["C"]
    assert ("not tested", True) == (outcome.outcome.value, "collect the period before" in outcome.reason)
    assert 1 == len(november.contained)
    found = collect(tmp_path, story, "mode: deploy", "2026-10")
    both = judge(tmp_path, found, "2026-10-01..2026-11-30", story)
    assert (["1", "2"], {"C": "met"}) == (both.item(1).facts["pull_requests"], both.letters(1, "C"))
    alone = judge(tmp_path, found, "2026-11", story)
    assert (1, ["1", "2"], {"C": "met"}) == (
        len(alone.finding.population.items),
        alone.item(0).facts["pull_requests"],
        alone.letters(0, "C"),
    )


@pytest.mark.parametrize("mode", ["deploy", "release"])
def test_the_month_before_is_judged_as_it_was_and_adds_nothing_else(tmp_path: Path, mode: str) -> None:
    """What October left unapproved spoils November's delivery; October's other rows stay out of November."""
    story = over_the_edge(approved=False)
    story.world.now -= timedelta(days=40)
    story.api.release("v1", story.cat)
    story.tick(days=40)
    collect(tmp_path, story, f"mode: {mode}", "2026-10")
    found = collect(tmp_path, story, f"mode: {mode}", "2026-11")
    seen = judge(tmp_path, found, "2026-11", story)
    (item,) = seen.finding.population.items
    assert ("deviation", True) == (item.outcomes["C"].outcome.value, "#1 ABC-1" in item.outcomes["C"].reason)
    held = {"deploy": 2, "release": 3}[mode]  # the first release holds what the repository was founded with, too
    assert (held, {item.id}) == (
        len(seen.contained),
        {one for one, fate, _ in seen.fates.values() if fate != "outside"},
    )
    assert {sha for sha, (_, fate, _) in seen.fates.items() if fate == "in a change"} == set(item.facts["commits"])


def test_a_month_before_that_is_not_whole_judges_nothing(tmp_path: Path) -> None:
    """Requests of October that GitHub would not show: what they brought stays not tested in November."""
    story = over_the_edge()
    whole, story.secret = story.secret, story.token(tokens.fine_grained("narrow", "cat", "pull_requests"))
    collect(tmp_path, story, "mode: deploy", "2026-10")
    story.secret = whole
    seen = judge(tmp_path, collect(tmp_path, story, "mode: deploy", "2026-11"), "2026-11", story)
    assert {"C": "not tested"} == seen.letters(0, "C")
    assert 1 == len(seen.contained)


def busy() -> Story:
    """A first deployment, then a good and a bad change deployed one after the other, and one that waits."""
    s = Story()
    founded(s)
    s.clean(title="ABC-1 Good")
    bad = s.open(title="ABC-2 Alone")
    bad.check()
    bad.merge(s.cat, "squash", result="bypass")
    s.deploy()
    s.reviewed(title="ABC-3 Waiting").merge(s.bob, "squash")
    s.tick(days=40)
    return s


def test_refused_deployments_leave_nothing_whole(tmp_path: Path) -> None:
    """Where deployments could not be read there are no items, and the population does not claim to be whole."""
    story = busy()
    story.secret = story.token(tokens.fine_grained("narrow", "cat", "deployments"))
    seen = judge(tmp_path, collect(tmp_path, story, "mode: deploy", "2026-10"), "2026-10", story)
    assert (False, ()) == (seen.finding.population.complete, seen.finding.population.items)
    assert all("deployments were not collected whole" in (reason or "") for _, _, reason in seen.fates.values())


def met(seen: Seen) -> set[tuple[str, str]]:
    """Items and letters that are met."""
    items = seen.finding.population.items
    return {(one.id, key) for one in items for key, got in one.outcomes.items() if got.outcome.value == "met"}


@pytest.mark.parametrize("mode", ["deploy", "release"])
def test_no_fault_makes_anything_met(mode: str, tmp_path: Path) -> None:
    """Whichever question fails for good, no item gains a letter that it had not, and something says so."""
    folder = tmp_path / "clean"
    folder.mkdir()
    story = busy()
    story.api.release("v1.0", story.cat)
    story.tick(days=40)
    asked: list[str] = []
    clean = judge(folder, collect(folder, story, f"mode: {mode}", "2026", asked=asked), "2026", story)
    total = sum(one.endswith("/graphql") for one in asked)
    wrong: list[tuple[int, object]] = []
    for place in range(1, total + 1):
        folder = tmp_path / str(place)
        folder.mkdir()
        broken = [faults.status(404, on="POST /graphql", at=place, times=None)]
        seen = judge(folder, collect(folder, story, f"mode: {mode}", "2026", broken=broken), "2026", story)
        wrong += [(place, key) for key in met(seen) - met(clean)]
        wrong += [(place, "silent")] if seen.finding.population.complete and met(seen) != met(clean) else []
    assert (True, []) == (total > 3, wrong)


def test_deployments_stay_traceable_to_the_changes_that_they_brought(tmp_path: Path) -> None:
    """The control of deployments judges what each brought by the contained changes."""

    def tell(s: Story) -> None:
        founded(s)
        bad = s.open(title="ABC-1 Alone")
        bad.check()
        bad.merge(s.cat, "squash", result="bypass")
        s.deploy()

    seen = judged(tmp_path, tell, name="deployment-traceable")
    assert "deviation" == seen.item(1).outcomes["B"].outcome.value


def test_bypasses_are_of_moves_in_every_mode(tmp_path: Path) -> None:
    """A rule is bypassed when a branch moves: the bypass of a contained change is an item of its own."""

    def tell(s: Story) -> None:
        founded(s)
        bad = s.open(title="ABC-1 Alone")
        bad.check()
        bad.merge(s.cat, "squash", result="bypass")
        s.deploy()

    seen = judged(tmp_path, tell, name="bypasses-declared-and-reviewed")
    bypassed = [one.id for one in seen.finding.population.items]
    assert (True, True) == (set(bypassed) <= set(seen.contained), bool(bypassed))


def test_a_release_holds_what_came_since_the_one_that_it_builds_on(tmp_path: Path) -> None:
    """Each published release is one item; a line of maintenance releases does not take what the other line brought."""

    def tell(s: Story) -> None:
        s.api.release("v1.0", s.cat, body="The first release of all")
        s.reviewed(title="ABC-1 One").merge(s.bob, "squash")
        s.api.release("v1.1", s.cat)
        bad = s.open(title="ABC-2 Alone")
        bad.check()
        bad.merge(s.cat, "squash", result="bypass")
        s.api.release("v1.2", s.cat)
        s.reviewed(title="ABC-3 Later").merge(s.bob, "squash")

    seen = judged(tmp_path, tell, "mode: release")
    ids = [seen.item(n).id for n in range(3)]
    assert [f"acme/api#release-v1.{n}" for n in range(3)] == ids
    assert [{"C": "met", "D": "met", "H": "met"}, {"C": "deviation", "D": "deviation", "H": "met"}] == [
        seen.letters(1, "CDH"),
        seen.letters(2, "CDH"),
    ]
    assert ["not released in the period"] == [reason for _, fate, reason in seen.fates.values() if fate == "outside"]


def test_merge_stays_the_default(tmp_path: Path) -> None:
    """Without a mode a change is a merge, and nothing is contained in anything."""
    seen = judged(tmp_path, founded, "branches: []")
    assert ({"direct_push"}, {}, []) == (
        {one.facts["integration"] for one in seen.finding.population.items},
        seen.parts,
        seen.contained,
    )


WATCHED = "{watch: {required: true, within_hours: 24, checks: ['smoke*']}}"


@pytest.mark.parametrize(("mode", "place"), [("merge", 1), ("deploy", 0)])
@pytest.mark.parametrize(("smoke", "outcome"), [("SUCCESS", "met"), ("FAILURE", "deviation"), (None, "deviation")])
def test_a_smoke_check_after_the_deployment_is_watching(
    mode: str, place: int, smoke: str | None, outcome: str, tmp_path: Path
) -> None:
    """A check by the policy's names that ended well on the deployed commit makes H met; without one H deviates."""

    def tell(s: Story) -> None:
        merged = s.reviewed(title="ABC-1 One")
        merged.merge(s.bob, "squash")
        s.deploy()
        assert merged.it.merge_sha
        if smoke:
            s.api.check(merged.it.merge_sha, "smoke-test", smoke)

    seen = judged(tmp_path, tell, f"mode: {mode}", WATCHED)
    assert {"H": outcome} == seen.letters(place, "H")
    again = tmp_path / "again"
    again.mkdir()
    traced = judged(again, tell, f"mode: {mode}", WATCHED, name="deployment-watched")
    assert outcome == traced.item(0).outcomes["A"].outcome.value


HEADER = """id: {kind}
kind: {kind}
schema: 1
title: Kept by hand
owner: Cleo
criteria: [CC8.1]
prepared_by: Cleo
reviewed_by: Dora
reviewed_on: 2026-11-01
status: {status}
"""


@pytest.mark.parametrize(("status", "outcome"), [("approved", "met"), ("draft", "deviation")])
def test_an_entry_of_the_register_is_watching(status: str, outcome: str, tmp_path: Path) -> None:
    """A person's look within the time counts when its register is approved."""
    story = Story()
    story.reviewed(title="ABC-1 One").merge(story.bob, "squash")
    made = story.deploy()
    look = f"{{id: L1, deployment: '{made.id}', looked_by: Cleo, looked_at: {story.now.isoformat()}, seen: all well, result: fine}}"
    text = HEADER.format(kind="post_deployment_check", status=status) + f"looks: [{look}]\n"
    story.tick(days=40)
    found = collect(tmp_path, story, "mode: deploy", "2026-10", "{watch: {required: true}}", registers={"looks": text})
    assert {"H": outcome} == judge(tmp_path, found, "2026-10", story).letters(0, "H")


@pytest.mark.parametrize("mode", ["merge", "deploy"])
@pytest.mark.parametrize(("status", "outcome"), [("in review", "met"), ("draft", "deviation")])
def test_a_self_review_of_the_register_compensates(mode: str, status: str, outcome: str, tmp_path: Path) -> None:
    """Where the only developer merged alone, a dated record makes I met and leaves C a deviation."""
    story = Story()
    alone = story.open(title="ABC-1 Alone", files={"src/a.py": "a"})
    alone.check()
    alone.merge(story.ann, "squash", result="bypass")
    story.tick(hours=1)
    note = f"{{id: S1, change: acme/api#1, reviewer: Ann, reviewed_at: {story.now.isoformat()}, checked: all of it, result: fine}}"
    text = HEADER.format(kind="self_review", status=status) + f"reviews: [{note}]\n"
    base = story.api.it.commits[story.api.head()].parents[0]
    story.deploy(base)
    story.deploy()
    story.tick(days=40)
    found = collect(tmp_path, story, f"mode: {mode}", "2026-10", "{team: solo}", registers={"notes": text})
    seen = judge(tmp_path, found, "2026-10", story)
    place = next(n for n in range(2) if "1" in seen.item(n).facts["pull_requests"])
    assert {"C": "deviation", "I": outcome} == seen.letters(place, "CI")
