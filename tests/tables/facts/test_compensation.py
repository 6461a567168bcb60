"""I: what stands in for a second pair of eyes where a team is too small for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from evidence_made import ANN, BOB, MERGED, ago, change, check, judged, letters, policy, pushed, request, review

from soc2ev.tables.facts.evidence import Change, SelfReview
from soc2ev.tables.facts.evidence import Tests as Checked

ALONE: dict[str, Any] = {"reviews": (), "merger": ANN}
DAY = 24 * 60
LATER = review(BOB, -DAY, id="later")
"""Bob looked at it a day after the merge; it was due within two business days."""
OWN = review(ANN, -60, state="COMMENTED", id="own")


def note(hours: float = 20) -> SelfReview:
    """A record of the register."""
    return SelfReview("Ann", MERGED + timedelta(hours=hours), "read it again")


def alone(*reviews: Any, **facts: Any) -> Change:
    """A change that Ann merged on her own, with what was said later."""
    return change(request(**(ALONE | {"reviews": reviews})), **facts)


def compensation(given: Change, team: str = "small") -> tuple[bool | None, bool | None]:
    """Whether I applies, and its answer."""
    row = judged(given, policy(team=team)).row
    return row["compensation_applies"], row["compensated"]


@pytest.mark.parametrize(
    ("given", "team", "answer"),
    [
        (alone(LATER), "small", True),
        (alone(LATER), "solo", True),
        (alone(OWN), "small", False),
        (alone(OWN), "solo", True),
        (alone(review(ANN, -8 * DAY, state="COMMENTED")), "solo", False),
        (alone(review(BOB, -8 * DAY)), "small", False),
        (alone(), "small", False),
        (alone(), "solo", False),
        (alone(self_reviews=(note(),)), "small", True),
        (alone(self_reviews=(note(),)), "solo", True),
        (alone(self_reviews=(note(-1),)), "small", False),
        (alone(self_reviews=(note(24 * 8),)), "small", False),
        (alone(self_reviews=(replace(note(), at=None),)), "small", False),
        (alone(self_reviews=None), "small", None),
        (alone(LATER, self_reviews=None), "small", True),
        (alone(collected_at=ago(-60)), "small", None),
        (alone(LATER, tested=(Checked("h1", (check("FAILURE"),), whole=True),)), "small", False),
        (alone(LATER, tested=(Checked("h1", (), whole=False),)), "small", None),
        (change(request(**ALONE, missing=frozenset({"reviews"})), unseen_requests=0), "small", None),
        (pushed(self_reviews=(note(),), tested=(Checked("m1", (check(),), whole=True),)), "small", True),
        (pushed(tested=(Checked("m1", (check(),), whole=True),)), "small", False),
    ],
)
def test_what_makes_up_for_a_missing_review(given: Change, team: str, answer: bool | None) -> None:
    """Checks that passed and a dated look in time, by somebody else or by the only developer; nothing unread counts."""
    assert answer == compensation(given, team)[1]


@pytest.mark.parametrize("team", ["small", "solo"])
def test_a_reviewed_change_needs_no_compensation(team: str) -> None:
    """Where C is met there is nothing to make up for."""
    assert (False, None) == compensation(change(), team)


def test_a_normal_team_is_never_asked() -> None:
    """The attribute is for small teams alone."""
    assert (False, None) == compensation(alone(LATER), "normal")


@pytest.mark.parametrize("given", [alone(), alone(LATER, OWN), alone(self_reviews=(note(),)), change(), pushed()])
def test_no_other_letter_changes(given: Change) -> None:
    """The size of the team turns no other outcome into anything else."""
    kept = [letters(judged(given, policy(team=team))) for team in ("normal", "small", "solo")]
    assert [kept[0]] * 3 == kept


def test_what_is_unknown_about_the_review_is_not_compensated() -> None:
    """Where nobody can tell whether it was reviewed, I is not tested either, whatever the register says."""
    unseen = change(request(**ALONE, missing=frozenset({"reviews"})), self_reviews=(note(),))
    assert (None, None) == compensation(unseen)


def test_the_flags_say_it() -> None:
    """A reader finds compensated and uncompensated changes by a flag."""
    flags = [judged(given, policy(team="small")).flags for given in (alone(LATER), alone())]
    assert [True, True] == ["COMPENSATED" in flags[0], "UNCOMPENSATED" in flags[1]]
