"""Which collections answer for a period: the best run, tiles in a row, gaps with a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from soc2ev import period
from soc2ev.model import Coverage
from soc2ev.period import Period
from soc2ev.tables import plan, streams

MAIN = "git:acme/api:main"
EXPECTS = ["git:acme/api:"]
OCTOBER, QUARTER = period.parse("2026-10"), period.parse("2026-Q4")


def entry(
    run: str, months: str | Period = OCTOBER, stream: str = f"{MAIN}:commits", *, days: int = 1, reason: str = ""
) -> Coverage:
    """A claim recorded that many days after the period closed."""
    over = period.parse(months) if isinstance(months, str) else months
    at = over.end + timedelta(days=days)
    return Coverage(stream, over, None, 1, complete=not reason, reason=reason or None, run=run, collected_at=at)


def choose(*entries: Coverage, over: Period = OCTOBER, expects: list[str] | None = None) -> list[Coverage]:
    return plan.choose(entries, streams(), over, EXPECTS if expects is None else expects)


def runs(found: list[Coverage]) -> list[str]:
    return [one.run for one in found]


def test_the_exact_period_answers() -> None:
    """A run for just this period is taken before others that overlap it."""
    found = choose(entry("year", "2026"), entry("exact"), entry("part", "2026-10-01..2026-10-15"))
    assert [entry("exact")] == found


@pytest.mark.parametrize(
    ("attempts", "best"),
    [
        ([entry("a", days=1), entry("b", days=2)], "b"),
        ([entry("a", days=2), entry("b", days=1)], "a"),
        ([entry("a", days=1), entry("b", days=2, reason="denied")], "a"),
        ([entry("a", days=-1), entry("b", days=2, reason="denied")], "a"),
        ([entry("a", days=-1), entry("b", days=1)], "b"),
        ([entry("a", days=-1, reason="x"), entry("b", days=-2)], "b"),
        ([entry("a", days=1), entry("b", days=-5)], "a"),
        ([entry("a", days=1, reason="x"), entry("b", days=2, reason="y")], "b"),
    ],
)
def test_complete_and_settled_beats_newer_and_incomplete(attempts: list[Coverage], best: str) -> None:
    """Complete after the close, then complete, then the newest."""
    assert [best] == runs(choose(*attempts))
    assert [best] == runs(choose(*reversed(attempts)))


def test_streams_of_two_runs_are_never_mixed() -> None:
    """One run's commits and another's integrations would be a population of neither: a scope comes from one run."""
    both = [f"{MAIN}:commits", f"{MAIN}:integrations"]
    one = [entry("a", stream=both[0]), entry("a", stream=both[1], reason="cut")]
    two = [entry("b", stream=both[0], reason="cut", days=0), entry("b", stream=both[1], days=0)]
    assert {"a"} == set(runs(choose(*one, *two)))
    whole = [entry("c", stream=stream, days=0) for stream in both]
    assert ["c", "c"] == runs(choose(*one, *two, *whole))


def test_scopes_are_chosen_each_for_itself() -> None:
    """Another branch or repository may be answered by another run."""
    other = entry("b", stream="git:acme/api:release:commits")
    assert ["a", "b"] == runs(choose(entry("a"), other, entry("b", reason="cut")))


def test_months_in_a_row_answer_for_a_quarter() -> None:
    """Smaller periods without a gap between them stand together, in order."""
    found = choose(entry("n", "2026-11"), entry("d", "2026-12"), entry("o"), over=QUARTER)
    assert ["o", "n", "d"] == runs(found)


def test_a_missing_month_is_a_gap_with_its_name() -> None:
    """What nobody collected between two months is incomplete, and says what to collect."""
    found = choose(entry("o"), entry("d", "2026-12"), over=QUARTER)
    assert ["o", "", "d"] == runs(found)
    gap = found[1]
    assert (MAIN, False, 0, None) == (gap.stream, gap.complete, gap.fetched, gap.collected_at)
    assert (period.parse("2026-11").start, period.parse("2026-11").end) == (gap.period.start, gap.period.end)
    assert "--period 2026-11-01..2026-11-30`" in (gap.reason or "")


@pytest.mark.parametrize(
    "where", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Honolulu", "Pacific/Auckland", "Pacific/Chatham"]
)
def test_a_gap_has_the_days_of_the_zone(where: str) -> None:
    """The suggested range names the days of the calendar in which the periods were made, and collecting it fills the gap."""
    months = [period.parse(name, where) for name in ("2026-10", "2026-11", "2026-12")]
    over = period.parse("2026-Q4", where)
    gap = choose(entry("o", months[0]), entry("d", months[2]), over=over)[1]
    assert "2026-11-01..2026-11-30" == gap.period.name
    filled = period.parse(gap.period.name, where)
    assert ["o", "n", "d"] == runs(choose(entry("o", months[0]), entry("n", filled), entry("d", months[2]), over=over))


def test_gaps_at_both_ends_are_named() -> None:
    """A quarter of which only the middle was collected has a gap before and one after it."""
    found = choose(entry("n", "2026-11"), over=QUARTER)
    assert ["", "n", ""] == runs(found)
    assert (QUARTER.start, QUARTER.end) == (found[0].period.start, found[2].period.end)


def test_overlapping_runs_do_not_both_answer() -> None:
    """Of runs that overlap one is taken, and what it leaves open is a gap rather than a piece of the other."""
    found = choose(entry("a", "2026-10-01..2026-11-15"), entry("b", "2026-11"), entry("c", "2026-12"), over=QUARTER)
    assert ["a", "", "c"] == runs(found)
    spans = [(one.period.start, one.period.end) for one in found]
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_whole_months_are_better_than_a_bad_quarter() -> None:
    """A quarter that was collected badly gives way to its months, unless one of them is missing or bad as well."""
    bad = entry("q", "2026-Q4", reason="cut")
    months = [entry("o"), entry("n", "2026-11"), entry("d", "2026-12")]
    assert ["o", "n", "d"] == runs(choose(bad, *months, over=QUARTER))
    assert ["q"] == runs(choose(bad, *months[:2], over=QUARTER))
    assert ["q"] == runs(choose(bad, *months[:2], entry("d", "2026-12", reason="x"), over=QUARTER))
    assert ["q"] == runs(choose(entry("q", "2026-Q4"), *months, over=QUARTER))


def test_a_longer_period_says_nothing_about_a_month() -> None:
    """A year's collection has no first-parent line of its month, so that the month is a gap."""
    (gap,) = choose(entry("y", "2026"))
    assert ("", False) == (gap.run, gap.complete)


def test_a_snapshot_is_the_latest_good_one() -> None:
    """Settings and documents answer for every period that their run touches; the newest whole one is taken."""
    stream = "git:acme/api:repository"
    older, newer = entry("o", stream=stream), entry("n", "2026-11", stream=stream)
    found = choose(older, newer, over=QUARTER)
    assert (["n"], QUARTER) == (runs(found), found[0].period)
    assert found[0].provisional
    assert ["o"] == runs(choose(older, replace(newer, complete=False, reason="denied"), over=QUARTER))


def test_what_is_asked_for_and_was_not_collected_is_a_gap() -> None:
    """Each beginning of a stream's name that nothing answers becomes incomplete coverage."""
    found = choose(entry("a"), expects=["git:acme/api:", "git:acme/web:", "registers:"])
    assert [f"{MAIN}:commits", "git:acme/web", "registers"] == [one.stream for one in found]
    assert [True, False, False] == [one.complete for one in found]
    assert "soc2ev collect --period 2026-10" in (found[1].reason or "")
    assert ["git:acme/api", "registers"] == [one.stream for one in choose(expects=["git:acme/api:", "registers:"])]


def test_a_collection_of_another_period_answers_nothing() -> None:
    """Neighbouring periods share no instant."""
    (gap,) = choose(entry("n", "2026-11"))
    assert ("git:acme/api", "") == (gap.stream, gap.run)


FAILED = entry("bad", stream="git", reason="git cannot be run")


def test_a_failed_source_stands_for_all_that_was_asked_of_it() -> None:
    """It is incomplete under its bare name, and no second gap says the same."""
    assert [FAILED] == choose(FAILED)
    assert [FAILED] == choose(FAILED, expects=["git:acme/api:", "git:acme/web:"])
    assert [FAILED] == choose(FAILED, expects=[])


def test_another_run_that_had_everything_cures_a_failed_one() -> None:
    """One failed run does not spoil the period for ever; it does as long as something asked for is still missing."""
    assert ["good"] == runs(choose(FAILED, entry("good")))
    found = choose(FAILED, entry("good"), expects=["git:acme/api:", "git:acme/web:"])
    assert {"good", "bad"} == set(runs(found))


def test_a_source_that_failed_half_way_is_not_cured_by_its_own_half() -> None:
    """Streams of the failing run itself may lack the branch at which it failed."""
    assert {"bad"} == set(runs(choose(FAILED, entry("bad"))))
    assert 2 == len(choose(FAILED, entry("bad")))
    other = entry("bad", stream="git:acme/web:main:commits")
    assert 3 == len(choose(FAILED, entry("good"), other))


def test_a_branch_that_nobody_could_name_is_cured_by_its_name() -> None:
    """Streams of `HEAD` say that the repository could not be read; a later run that read the branch answers."""
    nameless = entry("bad", stream="git:acme/api:HEAD:commits", reason="no folder")
    assert [nameless] == choose(nameless)
    assert ["good"] == runs(choose(nameless, entry("good")))
    assert {"bad", "x"} == set(runs(choose(nameless, entry("x", stream="git:acme/api:repository"))))
    assert {"bad", "x"} == set(runs(choose(nameless, entry("x", stream="git:acme/web:main:commits"))))
    assert 2 == len(choose(replace(nameless, run="good"), entry("good")))


def test_gaps_say_their_instants_in_utc() -> None:
    """The reason names the interval whatever the zone."""
    (gap,) = choose(expects=["registers:"])
    assert "2026-10-01 00:00Z to 2026-11-01 00:00Z" in (gap.reason or "")
    assert gap.period.start == datetime(2026, 10, 1, tzinfo=UTC)
