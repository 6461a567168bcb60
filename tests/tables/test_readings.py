"""What readings of a setting say about a period in which nobody, or somebody, looked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from soc2ev.period import parse
from soc2ev.tables.facts.fact import Fact, no, unknown, yes
from soc2ev.tables.logs.readings import named
from soc2ev.tables.readings import GONE, Seen, throughout

OCTOBER = parse("2026-10", "UTC")
GOOD, BAD, OPEN = yes("On."), no("Off."), unknown("Refused.")
LACKS = unknown("It was not there any more.", GONE)


def seen(month: int, day: int, fact: Fact) -> Seen:
    """A reading on that day, with a digest that names the day."""
    return Seen(datetime(2026, month, day, tzinfo=UTC), fact, (f"sha256:{month}-{day}",))


BEFORE, INSIDE, AFTER, LATE, EARLY = (9, 20), (10, 9), (11, 2), (12, 20), (7, 1)


@pytest.mark.parametrize(
    ("now", "others", "value"),
    [
        # The reading that answers lies inside.
        ((*INSIDE, GOOD), [], True),
        ((*INSIDE, BAD), [], False),
        ((*INSIDE, OPEN), [], None),
        # It lies outside, and says nothing by itself; what is wrong in it is told.
        ((*AFTER, GOOD), [], None),
        ((*BEFORE, GOOD), [], None),
        ((*AFTER, BAD), [], False),
        # One inside decides, whatever came later.
        ((*AFTER, GOOD), [(*INSIDE, GOOD)], True),
        ((*AFTER, GOOD), [(*INSIDE, BAD)], False),
        ((*AFTER, BAD), [(*INSIDE, GOOD)], True),
        ((*AFTER, OPEN), [(*INSIDE, GOOD)], True),
        # Of several inside, the one that denies.
        ((10, 30, GOOD), [(*INSIDE, BAD)], False),
        ((10, 30, OPEN), [(*INSIDE, GOOD)], True),
        # Both sides: near, and both affirm it.
        ((*AFTER, GOOD), [(*BEFORE, GOOD)], True),
        ((*AFTER, GOOD), [(*BEFORE, BAD)], None),
        ((*AFTER, GOOD), [(*BEFORE, OPEN)], None),
        ((*AFTER, GOOD), [(*EARLY, GOOD)], None),
        ((*LATE, GOOD), [(*BEFORE, GOOD)], None),
        ((*LATE, GOOD), [(*BEFORE, GOOD), (*AFTER, GOOD)], True),
        ((*LATE, GOOD), [(*BEFORE, GOOD), (*AFTER, BAD)], None),
        # One inside in which it is gone: neither those around it nor others inside speak for the whole period.
        ((*AFTER, GOOD), [(*BEFORE, GOOD), (*INSIDE, LACKS)], None),
        ((10, 30, GOOD), [(*INSIDE, LACKS)], None),
        ((10, 30, BAD), [(*INSIDE, LACKS)], False),
        ((*AFTER, GOOD), [(*BEFORE, LACKS), (*INSIDE, GOOD)], True),
    ],
)
def test_what_readings_say_of_october(now, others, value) -> None:
    """Met takes a reading inside, or near ones on both sides that agree."""
    told = throughout(seen(*now), [seen(*one) for one in others], OCTOBER)
    assert value is told.fact.value
    assert told.fact.reason


def test_the_first_instant_is_inside_and_the_last_is_not() -> None:
    """The period is half-open."""
    for moment, value in ((OCTOBER.start, True), (OCTOBER.end, None)):
        assert value is throughout(Seen(moment, GOOD), [], OCTOBER).fact.value


def test_a_reading_of_an_unknown_time_says_nothing() -> None:
    """Without a time, not even one that is right counts."""
    assert None is throughout(None, [], OCTOBER).fact.value


def test_the_answer_says_when_it_was_read_and_by_which_bodies() -> None:
    """Other readings than the one that is shown are named by time and digest."""
    told = throughout(seen(*AFTER, GOOD), [seen(*INSIDE, BAD)], OCTOBER)
    assert ("Off. So it was read 2026-10-09 00:00 UTC.", ("sha256:10-9",)) == (told.fact.reason, told.digests)
    around = throughout(seen(*AFTER, GOOD), [seen(*BEFORE, GOOD)], OCTOBER)
    assert (
        "On. So it was on both sides of the period, 2026-09-20 00:00 UTC and 2026-11-02 00:00 UTC."
        == around.fact.reason
    )
    assert ("sha256:9-20", "sha256:11-2") == around.digests
    alone = throughout(seen(*AFTER, GOOD), [], OCTOBER)
    assert alone.fact.reason.startswith("On. It was read 2026-11-02 00:00 UTC, after the period, which says nothing")


def test_entries_have_names_that_stay() -> None:
    """Neither a new entry before them nor one that is named like another takes their ids."""
    rows = [{"source_key": "p:a", "rule": name} for name in ("x", "x#2", "x", None, "x", None)]
    assert ["p:a/x", "p:a/x#2", "p:a/x#3", "p:a", "p:a/x#4", "p:a#2"] == named(rows, "rule")
    assert ["p:a/new", *named(rows[:2], "rule")] == named([{"source_key": "p:a", "rule": "new"}, *rows[:2]], "rule")


def test_two_readings_do_not_speak_for_a_year() -> None:
    """However near its ends they are: too much lies between."""
    year = parse("2026", "UTC")
    before, after = (Seen(datetime(*day, tzinfo=UTC), GOOD) for day in ((2025, 12, 31), (2027, 1, 2)))
    assert None is throughout(after, [before], year).fact.value
    assert True is throughout(after, [before, seen(6, 1, GOOD)], year).fact.value
