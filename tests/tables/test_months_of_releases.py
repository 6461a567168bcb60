"""Releases over several months: tags that were moved, and pre-releases that became final."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.tables.test_months_of_deliveries import NOVEMBER, OCTOBER, Make, Months


@pytest.fixture
def months(tmp_path: Path) -> Make:
    """Makes a story in the test's folder."""
    return lambda *scope: Months(tmp_path, *scope)


def released(story: Months, tag: str, sha: str = "") -> None:
    """A release, an hour later."""
    story.tick(hours=1)
    story.api.release(tag, story.cat, sha)


def alone(story: Months, **facts: Any) -> str:
    """A push that nobody reviewed."""
    return story.api.push(story.cat, {"src/alone.py": "1"}, **facts).sha


@pytest.mark.parametrize("backdated", [False, True])
def test_a_tag_that_was_moved_hides_nothing(backdated: bool, months: Make) -> None:
    """A release of October whose tag names a push of November now does not keep it out of November's release."""
    story = months("mode: release")
    released(story, "v1")
    if backdated:
        story.at(11, 2)
        story.collect(OCTOBER)
    story.at(11, 3)
    story.api.it.tags["v1"] = alone(story, dated=datetime(2026, 10, 1, tzinfo=UTC) if backdated else None)
    released(story, "v2")
    story.at(12, 2)
    story.collect(NOVEMBER, *([] if backdated else [OCTOBER]))
    item = story.judged().item(0)
    assert ("acme/api#release-v2", "deviation") == (item.id, item.outcomes["C"].outcome.value)


def test_what_a_moved_tag_had_released_is_not_known(months: Make) -> None:
    """The content of a release whose tag names a younger commit is not tested, however well that one was made."""
    story = months("mode: release")
    released(story, "v0")
    story.at(11, 3)
    released(story, "v1", alone(story, branch="hidden"))
    story.reviewed().merge(story.bob, "squash")
    story.api.it.tags["v1"] = story.api.head()
    seen = story.over()
    assert {"C": "not tested", "D": "not tested"} == seen.letters(0, "CD")
    assert "tag was moved" in seen.item(0).outcomes["C"].reason


@pytest.mark.parametrize(("again", "ids"), [(False, ["v1", "v2"]), (True, ["v2"])])
def test_a_pre_release_that_became_final_in_the_next_month(again: bool, ids: list[str], months: Make) -> None:
    """It keeps the time of its publication, in a month that was read before: it is an item of the next one."""
    story = months("mode: release")
    released(story, "v0")
    alone(story)
    released(story, "v1")
    first = story.api.it.releases[-1]
    first.prerelease = True
    story.at(11, 2)
    story.collect(OCTOBER)
    story.at(11, 5)
    first.prerelease = False
    released(story, "v2")
    story.at(12, 2)
    story.collect(NOVEMBER, *([OCTOBER] if again else []))
    seen = story.judged()
    assert len(ids) == len(seen.finding.population.items)
    assert ids == [one.id.rpartition("-")[2] for one in map(seen.item, range(len(ids)))]
    held = story.judged(OCTOBER).letters(1, "C") if again else seen.letters(0, "C")
    assert {"C": "deviation"} == held
