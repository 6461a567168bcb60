"""Who wrote what a force push replaced: a maker in disguise perhaps, or somebody of whose work nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.github.change import Change
from tests.fakes.github.gitobjects import ZERO
from tests.fakes.github.scenarios.story import Story
from tests.tables.test_modes import collect, judge, judged


def another(story: Story) -> None:
    """Bob's own change lands on main, so that its last commit is his."""
    change = story.open(story.bob, "ABC-9 Another")
    change.check()
    change.approve(story.ann)
    change.merge(story.ann, "rebase")


def reset_to_its_base(story: Story, change: Change) -> None:
    """Ann throws her branch away, up to what Bob landed on main, and begins anew on a newer base."""
    another(story)
    change.reset(story.ann, story.api.head())
    another(story)
    base = story.api.head()
    change.reset(story.ann, story.api.commit(story.ann, {"src/new.py": "1"}, [base], "Anew").sha)


def forced_again(story: Story, change: Change) -> None:
    """After that her branch leaves the base's commit behind by force."""
    another(story)
    change.reset(story.ann, story.api.head())
    older = story.api.it.commits[story.api.head()].parents[0]
    change.reset(story.ann, story.api.commit(story.ann, {"src/new.py": "1"}, [older], "Anew").sha)


def taken_back(story: Story, change: Change) -> None:
    """Bob pushes to the wrong branch, and Ann resets it to what it was."""
    was = change.it.head_sha
    change.push(story.bob, {"src/oops.py": "1"})
    change.reset(story.ann, was)


def folded(story: Story, change: Change) -> None:
    """Ann resets to before what Bob pushed, and pushes it as hers."""
    taken_back(story, change)
    change.push(story.ann, {"src/oops.py": "1"})


def updated_by_button(story: Story, change: Change) -> None:
    """Bob updates the branch by its button, and Ann rebases that away."""
    another(story)
    change.update_branch(story.bob)
    another(story)
    change.reset(story.ann, story.api.commit(story.ann, {"src/new.py": "1"}, [story.api.head()], "Anew").sha)


def stacked(story: Story, change: Change) -> None:
    """Ann's branch is put back to Bob's, from which nothing had landed, and then forced on."""
    change.reset(story.ann, story.api.commit(story.bob, {"src/bobs.py": "1"}, [story.api.head()], "Bobs").sha)
    change.reset(story.ann, story.api.commit(story.ann, {"src/bobs.py": "1"}, [story.api.head()], "Anew").sha)


@pytest.mark.parametrize(
    ("tell", "outcome"),
    [
        (reset_to_its_base, "met"),
        (forced_again, "met"),
        (taken_back, "met"),
        (updated_by_button, "met"),
        (folded, "not tested"),
        (stacked, "not tested"),
    ],
)
def test_only_what_may_live_on_makes_its_writer_a_maker(
    tell: Callable[[Story, Change], None], outcome: str, tmp_path: Path
) -> None:
    """Bob approves in the end: he counts unless something of his may have been taken into the change."""

    def whole(story: Story) -> None:
        change = story.open()
        tell(story, change)
        change.check()
        change.approve(story.bob)
        change.merge(story.cat, "squash")

    seen = judged(tmp_path, whole, "mode: merge")
    (found,) = (one for one in seen.finding.population.items if "1" in one.facts["pull_requests"])
    assert outcome == found.outcomes["C"].outcome.value


def test_a_branch_that_was_reset_to_before_the_start_of_the_month_is_known_whole(tmp_path: Path) -> None:
    """What lies between the reset and the start came before, and what it went on from as well."""
    s = Story()
    for number in range(4):
        s.clean(title=f"ABC-{number} October", how="rebase")
    below = s.api.it.commits[s.api.it.commits[s.api.head()].parents[0]].parents[0]
    s.tick(days=30)
    s.api.move("main", below, s.cat)
    s.clean(title="ABC-9 November")
    s.tick(days=40)
    seen = judge(tmp_path, collect(tmp_path, s, "mode: merge", "2026-11"), "2026-11", s)
    assert seen.finding.population.complete
    assert ["force_push", "pr_merge"] == sorted(one.facts["integration"] for one in seen.finding.population.items)


def reset_by_bypass() -> Story:
    """Two clean changes, and a reset to the first of them that bypassed the rules."""
    s = Story()
    # GitHub keeps the record of bypasses for a month.
    s.tick(days=22)
    s.clean()
    first = s.api.head()
    s.clean(title="ABC-2 Next")
    s.tick()
    s.api.judged(s.api.move("main", first, s.cat), "bypass", "non_fast_forward")
    s.tick(days=6)
    return s


def test_a_bypass_that_does_not_tell_what_was_there_before_may_be_of_any_push_that_ended_there(tmp_path: Path) -> None:
    """Only the change that ended elsewhere is known to have kept the rules."""
    s = reset_by_bypass()
    s.api.it.rule_suites[-1].before = ZERO
    seen = judge(tmp_path, collect(tmp_path, s, "mode: merge", "2026-10"), "2026-10", s)
    met = [one.title for one in seen.finding.population.items if one.outcomes["E"].outcome.value == "met"]
    assert ["ABC-2 Next"] == met


def test_a_bypass_is_of_the_push_that_made_it_and_of_no_other_that_ended_at_the_same_commit(tmp_path: Path) -> None:
    """A clean change stays clean when the branch is reset to it later, by somebody who bypasses the rules."""
    s = reset_by_bypass()
    seen = judge(tmp_path, collect(tmp_path, s, "mode: merge", "2026-10"), "2026-10", s)
    items = [one for one in seen.finding.population.items if one.facts["integration"] != "direct_push"]
    found = [[one.outcomes[name].outcome.value for name in "EF"] for one in items]
    assert [["met", "not applicable"], ["met", "not applicable"], ["deviation", "deviation"]] == found
