"""What earlier collections saw of facts that are told only as they are now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story
from tests.tables.hosted.test_overrides import overridden
from tests.tables.hosted.watched import AFTER, Watched, landed


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """`acme/api`, whose ruleset asks for one approval and the check `test`."""
    return Watched(tmp_path, Story())


def again(watched: Watched) -> None:
    """Something else changed in November, so that the month is read once more."""
    watched.story.tick(days=1)
    watched.story.open(title="Later")


def approved(story: Story, *, can_push: bool) -> None:
    """The account of the only approval may write now, or may not."""
    (review,) = [one for pull in story.api.it.pulls.values() for one in pull.reviews if pull.merged_at]
    review.can_push = can_push


@pytest.mark.parametrize(("could", "outcome"), [(True, MET), (False, DEVIATION)])
def test_who_could_write_is_told_by_the_first_reading(watched: Watched, could: bool, outcome: str) -> None:
    """An approver who leaves in November had approved all the same, and one who joins had not."""
    landed(watched.story)
    approved(watched.story, can_push=could)
    watched.story.world.now = AFTER
    watched.collect()
    approved(watched.story, can_push=not could)
    again(watched)
    assert outcome == watched.judged("C")[0]
    again(watched)
    watched.collect()
    assert outcome == watched.judged("C")[0]


def test_of_one_collection_its_own_reading_counts(watched: Watched) -> None:
    """There is no other."""
    landed(watched.story)
    approved(watched.story, can_push=False)
    assert DEVIATION == watched.judged("C")[0]


def test_an_approver_whose_account_is_gone_had_a_name(watched: Watched) -> None:
    """GitHub tells reviews of deleted accounts without one."""
    landed(watched.story)
    watched.story.world.now = AFTER
    watched.collect()
    watched.story.bob.deleted = True
    again(watched)
    assert MET == watched.judged("C")[0]


@pytest.mark.parametrize("letter", ["A", "C", "D", "E"])
@pytest.mark.parametrize("after", [True, False])
def test_makers_whose_accounts_are_gone_had_names(watched: Watched, letter: str, after: bool) -> None:
    """Whoever wrote, pushed and merged it left the company: each letter is as it was while they were there."""
    story = watched.story
    landed(story)
    story.world.now = AFTER
    watched.collect()
    told = watched.judged(letter)
    story.ann.deleted = story.bob.deleted = story.cat.deleted = after
    again(watched)
    assert told == watched.judged(letter)


@pytest.mark.parametrize(("conclusion", "outcome"), [("SUCCESS", MET), ("FAILURE", DEVIATION)])
def test_checks_that_were_deleted_had_run(watched: Watched, conclusion: str, outcome: str) -> None:
    """Whoever deletes a workflow run takes its checks along."""
    landed(watched.story, conclusion)
    watched.story.world.now = AFTER
    watched.collect()
    watched.story.api.it.suites.clear()
    again(watched)
    assert outcome == watched.judged("B")[0]


@pytest.mark.parametrize(("seen", "outcome"), [(True, DEVIATION), (False, MET)])
def test_the_ledger_reaches_back_as_far_as_it_was_ever_read(watched: Watched, seen: bool, outcome: str) -> None:
    """It reaches back 28 days; by itself the evidence shows that the rules were kept."""
    story = watched.story
    landed(story)
    story.api.judged(story.api.it.activity[-1], "bypass")
    story.tick(days=2)
    if seen:
        story.world.now = datetime(2026, 11, 1, 12, tzinfo=UTC)
        watched.collect()
    again(watched)
    story.world.now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert outcome == watched.judged("E")[0]


def test_ledgers_are_joined_one_by_one(watched: Watched) -> None:
    """That of the middle of the month and the last one leave days between them, which a third one tells."""
    story = watched.story
    landed(story)
    story.api.judged(story.api.it.activity[-1], "bypass")
    for day in (datetime(2026, 10, 16, 12, tzinfo=UTC), datetime(2026, 11, 5, 12, tzinfo=UTC)):
        again(watched)
        story.world.now = day
        watched.collect()
    again(watched)
    story.world.now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert DEVIATION == watched.judged("E")[0]


@pytest.mark.parametrize(("result", "outcome"), [("pass", MET), ("bypass", DEVIATION)])
def test_the_ledger_tells_of_a_ref_that_nothing_binds_any_more(watched: Watched, result: str, outcome: str) -> None:
    """The ruleset was deleted in November, so that the ledger is not asked again; October's was read before."""
    story = watched.story
    landed(story)
    story.api.judged(story.api.it.activity[-1], result)
    story.world.now = AFTER
    watched.collect()
    story.api.it.rulesets.clear()
    again(watched)
    assert outcome == watched.judged("E")[0]


def test_a_ledger_tells_nothing_of_protection_that_was_there_then(watched: Watched) -> None:
    """Classic protection asked for an approval until November; the record of bypasses of rulesets has none of it."""
    story = watched.story
    story.api.it.rulesets.clear()
    story.api.protect(approvals=1)
    change = story.open()
    change.check()
    change.merge(story.cat, "squash")
    overridden(story)
    story.world.now = AFTER
    watched.collect()
    story.api.it.protections.clear()
    again(watched)
    assert DEVIATION == watched.judged("F")[0]


@pytest.mark.parametrize("now", ["there", "open", "gone"])
def test_a_gate_is_as_it_was_first_read_after_the_deployment(watched: Watched, now: str) -> None:
    """Nobody answered at the gate, which is gone when October is collected again: D is a deviation for all that."""
    story = watched.story
    story.api.environment("production", story.bob)
    landed(story)
    story.deploy(run=story.api.run(story.api.head(), name="Deploy", actor=story.cat))
    story.world.now = AFTER
    watched.collect()
    if now != "there":
        story.api.it.environments.clear()
    if now == "open":
        story.tick()
        story.api.environment("production")
    again(watched)
    assert DEVIATION == watched.judged("D")[0]


@pytest.mark.parametrize("earlier", [True, False])
def test_a_gate_that_was_put_up_after_the_month_had_asked_nobody(watched: Watched, earlier: bool) -> None:
    """Where an earlier collection saw the environment without one, October's deployments passed none."""
    story = watched.story
    gate = story.api.environment("production")
    landed(story)
    story.deploy(states=("waiting", "in_progress", "success"), run=story.api.run(story.api.head(), actor=story.cat))
    story.world.now = AFTER
    if earlier:
        watched.collect()
    story.tick(hours=1)
    story.api.it.environments.remove(gate)
    story.api.environment("production", story.bob)
    again(watched)
    assert (MET if earlier else NOT_TESTED) == watched.judged("D")[0]


@pytest.mark.parametrize(("edited", "outcome"), [(False, DEVIATION), (True, NOT_TESTED)])
def test_a_gate_that_was_removed_at_an_unknown_time(watched: Watched, edited: bool, outcome: str) -> None:
    """Between a reading with a gate and one without, only the time of the last change tells which held."""
    story = watched.story
    gate = story.api.environment("production", story.bob)
    watched.collect()
    landed(story)
    story.deploy(run=story.api.run(story.api.head(), name="Deploy", actor=story.cat))
    story.tick(hours=1)
    if edited:
        story.api.it.environments.remove(gate)
        story.api.environment("production")
    story.world.now = AFTER
    assert outcome == watched.judged("D")[0]
