"""Periods: what their names mean, and that neighbours share a boundary in every zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc2ev.errors import ConfigError
from soc2ev.period import Period, midnight, months, parse, zone

ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "name", "start", "end"),
    [
        ("2026", "2026", "2026-01-01", "2027-01-01"),
        ("2026-10", "2026-10", "2026-10-01", "2026-11-01"),
        ("2026-12", "2026-12", "2026-12-01", "2027-01-01"),
        ("2026-Q1", "2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026-q3", "2026-Q3", "2026-07-01", "2026-10-01"),
        ("2026-Q4", "2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-02-28..2026-02-28", "2026-02-28..2026-02-28", "2026-02-28", "2026-03-01"),
        (" 2026-01-01..2026-06-30 ", "2026-01-01..2026-06-30", "2026-01-01", "2026-07-01"),
        ("9999-11", "9999-11", "9999-11-01", "9999-12-01"),
        ("0001-01", "0001-01", "0001-01-01", "0001-02-01"),
    ],
)
def test_each_form_names_its_days(text: str, name: str, start: str, end: str) -> None:
    """A year, quarter, month or range of days, both included, becomes a half-open interval with that name."""
    assert Period(utc(start), utc(end), name) == parse(text)


@pytest.mark.parametrize(
    ("text", "now", "where", "name", "start"),
    [
        ("this-month", "2026-10-31T23:30:00", "Europe/Berlin", "2026-11", "2026-10-31T23:00:00"),
        ("last-month", "2026-10-31T23:30:00", "Europe/Berlin", "2026-10", "2026-09-30T22:00:00"),
        ("last-month", "2026-01-01T00:30:00", "America/New_York", "2025-11", "2025-11-01T04:00:00"),
        ("last-month", "2026-01-15T00:00:00", "UTC", "2025-12", "2025-12-01T00:00:00"),
    ],
)
def test_this_and_last_month_are_told_by_the_calendar_of_the_zone(
    text: str, now: str, where: str, name: str, start: str
) -> None:
    """Which month it is depends on the clock in the named zone, and the period carries the month's own name."""
    found = parse(text, where, now=utc(now))
    assert (name, utc(start)) == (found.name, found.start)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13",
        "2026-00",
        "2026-Q5",
        "2026-Q0",
        "2026-1",
        "26-10",
        "2026-02-29..2026-03-01",
        "2026-03-02..2026-03-01",
        "2026-10-01",
        "2026/10",
        "0000",
        "9999",
        "9999-12",
        "9999-Q4",
        "9999-12-31..9999-12-31",
        "٢٠٢٦-١٠",
        "last-month",
        "2026-10; rm",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """A day that does not exist, a range that runs backwards, another form or a month without now is a ConfigError."""
    with pytest.raises(ConfigError):
        parse(text)


def test_years_that_utc_cannot_hold_are_refused() -> None:
    """Year 1 in Tokyo begins before year 1 of UTC; that is said and does not crash."""
    with pytest.raises(ConfigError, match="outside the years"):
        parse("0001", "Asia/Tokyo")


def test_a_day_that_the_date_line_swallowed_is_refused() -> None:
    """Samoa had no 30 December 2011, so that no period can consist of it."""
    with pytest.raises(ConfigError, match="does not exist"):
        parse("2011-12-30..2011-12-30", "Pacific/Apia")
    assert timedelta(days=30) == parse("2011-12", "Pacific/Apia").end - parse("2011-12", "Pacific/Apia").start


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "UTC\0", "Europe"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    """A name that is none of the IANA database is a ConfigError, whatever path it looks like."""
    with pytest.raises(ConfigError, match="unknown time zone"):
        zone(name)


def test_daylight_saving_changes_the_length_of_a_month_both_ways() -> None:
    """March in Berlin lacks an hour and October has one more; the instants say so."""
    march, october = parse("2026-03", "Europe/Berlin"), parse("2026-10", "Europe/Berlin")
    assert timedelta(days=31, hours=-1) == march.end - march.start
    assert timedelta(days=31, hours=1) == october.end - october.start
    assert utc("2026-09-30T22:00:00") == october.start
    assert utc("2026-10-31T23:00:00") == october.end


@pytest.mark.parametrize(
    ("where", "day", "begins"),
    [
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00"),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00"),
        ("America/Asuncion", "2017-10-01", "2017-10-01T04:00:00"),
        ("America/Nuuk", "2026-03-29", "2026-03-29T01:00:00"),
    ],
)
def test_a_day_without_midnight_begins_when_the_clocks_jump(where: str, day: str, begins: str) -> None:
    """Where the clocks jump over 00:00 the day begins at the first time that exists."""
    first = midnight(datetime.fromisoformat(day).date(), zone(where))
    assert utc(begins) == first
    assert day == str(first.astimezone(zone(where)).date())
    assert day > str((first - timedelta(seconds=1)).astimezone(zone(where)).date())


def test_a_period_is_half_open() -> None:
    """The first instant belongs to it and the last to its neighbour."""
    october, november = parse("2026-10"), parse("2026-11")
    assert october.contains(october.start)
    assert not october.contains(october.end)
    assert november.contains(october.end)
    assert october.contains(october.end - timedelta(microseconds=1))
    assert not october.overlaps(november)
    assert not november.overlaps(october)
    assert october.overlaps(parse("2026-Q4"))
    assert parse("2026-Q4").overlaps(october)


def test_a_period_is_made_of_utc_and_ends_after_it_starts() -> None:
    """Naive instants, other offsets and empty intervals are refused."""
    start = utc("2026-10-01")
    other = start.astimezone(zone("Europe/Berlin"))
    for first, last in [(start, start), (start, start - timedelta(1)), (other, start + timedelta(9)), (start, other)]:
        with pytest.raises(ValueError, match="a period"):
            Period(first, last, "x")


def test_the_months_of_a_period_are_whole_and_in_order() -> None:
    """A range that cuts into two months touches both; years below 1000 keep four digits."""
    found = months(parse("2026-01-31..2026-03-01", "Europe/Berlin"), "Europe/Berlin")
    assert ["2026-01", "2026-02", "2026-03"] == [month.name for month in found]
    assert [parse(month.name, "Europe/Berlin") for month in found] == found
    assert ["0999-05"] == [month.name for month in months(parse("0999-05"))]
    assert 12 == len(months(parse("2026", "Asia/Kolkata"), "Asia/Kolkata"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ZONES), st.integers(1975, 2035), st.integers(1, 12), st.integers(0, 999_999))
def test_months_cover_every_instant_once(where: str, year: int, month: int, share: int) -> None:
    """In any zone neighbouring months share their boundary, and an instant lies in exactly one of a year's months."""
    here = parse(f"{year}-{month:02}", where)
    after = parse(f"{year + month // 12}-{month % 12 + 1:02}", where)
    assert here.end == after.start
    instant = here.start + (here.end - here.start) * share // 1_000_000
    whole = parse(str(year), where)
    listed = months(whole, where)
    assert (whole.start, whole.end) == (listed[0].start, listed[-1].end)
    assert [here.name] == [one.name for one in listed if one.contains(instant)]
