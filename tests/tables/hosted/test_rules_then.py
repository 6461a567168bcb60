"""What was required when a change landed: by the rules as they were then, or by nobody's guess."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from soc2ev.tables.facts.evidence import Rules
from soc2ev.tables.facts.rulebook import in_force
from soc2ev.tables.hosted.rules import RefRules
from soc2ev.tables.rule_readings import Reading
from tests.fakes.github import tokens
from tests.fakes.github.builder import rules
from tests.fakes.github.rules import Ruleset
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story
from tests.tables.hosted.watched import AFTER, Watched, landed

CHANGED = "so what was required then is not known"


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """`acme/api`, whose ruleset asks for one approval and the check `test`."""
    return Watched(tmp_path, Story())


def hidden(story: Story) -> None:
    """The token may read everything but the history of rulesets, which needs to write."""
    story.secret = story.token(tokens.installation("app-secret", "soc2ev"))


def relax(story: Story) -> None:
    """Nothing but another check is asked for from now on."""
    story.api.edit_rules(story.rules, story.cat, rules=rules(1, ("lint",)))


EDITS: dict[str, Callable[[Story], None]] = {
    "other check": relax,
    "disabled": lambda story: story.api.edit_rules(story.rules, story.cat, enforcement="disabled"),
    "evaluated": lambda story: story.api.edit_rules(story.rules, story.cat, enforcement="evaluate"),
    "other branches": lambda story: story.api.edit_rules(story.rules, story.cat, include=("refs/heads/release/*",)),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(("conclusion", "outcome"), [("SUCCESS", MET), ("FAILURE", DEVIATION)])
def test_history_tells_what_was_required(watched: Watched, edit: str, conclusion: str, outcome: str) -> None:
    """A ruleset that was changed after the merge asked then for the check that it named then."""
    landed(watched.story, conclusion, "lint")
    EDITS[edit](watched.story)
    assert outcome == watched.tested()[0]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("conclusion", ["SUCCESS", "FAILURE"])
def test_without_history_a_changed_ruleset_is_no_proof(watched: Watched, edit: str, conclusion: str) -> None:
    """Whether it binds the branch today or was switched off since: nobody can tell what it had asked for."""
    landed(watched.story, conclusion, "lint")
    EDITS[edit](watched.story)
    hidden(watched.story)
    watched.story.api.protect(checks=(("lint", None),))
    outcome, reason = watched.tested()
    assert NOT_TESTED == outcome
    assert CHANGED in reason


def test_what_was_never_asked_of_the_ledger_is_no_answer_of_it(watched: Watched) -> None:
    """A ruleset that an earlier collection saw and that is gone leaves no ledger to ask for."""
    story = watched.story
    landed(story)
    watched.collect()
    story.api.it.rulesets.clear()
    story.tick(days=1)
    outcome, reason = watched.judged("E")
    assert (NOT_TESTED, False) == (outcome, "recorded no bypass" in reason)


def test_several_versions_each_speak_for_their_time(watched: Watched) -> None:
    """A change that landed while the ruleset was off needed nothing of it, though it asked before and asks now."""
    story = watched.story
    story.api.protect(checks=(("lint", None),))
    story.api.edit_rules(story.rules, story.cat, enforcement="disabled")
    landed(story, "FAILURE", "lint")
    story.api.edit_rules(story.rules, story.cat, enforcement="active")
    assert MET == watched.tested()[0]


def test_a_ruleset_of_the_organisation_has_its_history_there(watched: Watched) -> None:
    """It is asked for where its owner keeps it."""
    story = watched.story
    shared = Ruleset(story.world.fresh(), "all", "Organization", "acme", story.now, story.now, rules(1, ("lint",)))
    story.world.rulesets.append(shared)
    landed(story)
    story.api.edit_rules(shared, story.cat, enforcement="disabled")
    assert DEVIATION == watched.tested()[0]


def test_conditions_that_tell_nothing_by_themselves_leave_it_open(watched: Watched) -> None:
    """Which properties a repository had then is not told."""
    story = watched.story
    story.api.it.properties = {"tier": "1"}
    shared = Ruleset(story.world.fresh(), "all", "Organization", "acme", story.now, story.now, rules(1, ("lint",)))
    shared.properties = {"tier": "1"}
    story.world.rulesets.append(shared)
    landed(story, "SUCCESS", "lint")
    story.api.edit_rules(shared, story.cat, enforcement="disabled")
    outcome, reason = watched.tested()
    assert (NOT_TESTED, True) == (outcome, CHANGED in reason)


def test_a_ruleset_that_was_made_later_asked_for_nothing(watched: Watched) -> None:
    """One that binds other branches and did not exist at the merge leaves no doubt."""
    story = watched.story
    landed(story)
    story.tick(days=1)
    story.api.ruleset(include=("refs/heads/release/*",), checks=("lint",))
    hidden(story)
    assert MET == watched.tested()[0]


@pytest.mark.parametrize(("made", "known"), [(None, False), (AFTER - timedelta(days=1), True)])
def test_a_ruleset_that_hides_when_it_was_changed_leaves_doubt(made: datetime | None, known: bool) -> None:
    """It may have bound the branch until it was read, unless it was made after the merge."""
    unbound = {"origin": "none"}
    beside = {"origin": "ruleset:9", "changed_at": None, "made_at": made}
    reading = Reading(("r", "s"), "acme/api", AFTER, AFTER, True, (), {"main": (unbound,)}, {}, (beside,))
    merged = AFTER - timedelta(days=9)
    (rule,) = RefRules("main", Rules((), visible=True), [reading]).at(merged).rules
    assert known == (in_force(rule, merged) is not None)


def test_protection_that_was_relaxed_between_two_readings_is_no_proof(watched: Watched) -> None:
    """It does not tell when it was changed: before the merge or after it."""
    story = watched.story
    protection = story.api.protect(checks=(("test", None), ("lint", None)))
    watched.collect()
    story.tick(days=1)
    landed(story)
    story.tick(days=1)
    protection.checks = (("test", None),)
    outcome, reason = watched.tested()
    assert NOT_TESTED == outcome
    assert f"Rules were changed between two readings, before the merge or after it, {CHANGED}" in reason


@pytest.mark.parametrize("gone", ["protection", "ruleset"])
def test_what_was_deleted_between_two_readings_is_no_proof(watched: Watched, gone: str) -> None:
    """The rules that are left do not tell what the deleted one asked for at the merge."""
    story = watched.story
    other = story.api.protect(checks=(("lint", None),)) if gone == "protection" else story.api.ruleset(checks=("lint",))
    watched.collect()
    story.tick(days=1)
    landed(story)
    story.tick(days=1)
    held: list[object] = [*story.api.it.protections, *story.api.it.rulesets]
    assert other in held
    story.api.it.protections = [one for one in story.api.it.protections if one is not other]
    story.api.it.rulesets = [one for one in story.api.it.rulesets if one is not other]
    outcome, reason = watched.tested()
    assert (NOT_TESTED, True) == (outcome, CHANGED in reason)


def test_the_first_reading_after_the_merge_speaks(watched: Watched) -> None:
    """What it shows was in force, whatever was done to the rules after that reading."""
    story = watched.story
    landed(story, "FAILURE", "lint")
    story.tick(hours=2)
    watched.collect()
    story.tick(days=1)
    relax(story)
    hidden(story)
    assert DEVIATION == watched.tested()[0]


def test_two_equal_readings_change_nothing(watched: Watched) -> None:
    """Protection that is the same before and after is what it was."""
    story = watched.story
    story.api.protect(checks=(("test", None),))
    watched.collect()
    story.tick(days=1)
    landed(story)
    story.world.now += timedelta(days=1)
    assert MET == watched.tested()[0]
