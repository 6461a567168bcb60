"""Patterns of deviations: each marker, and where it does not show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from soc2ev import period
from soc2ev.controls import pattern
from soc2ev.model import Item, Outcome, Result

QUARTER = period.parse("2026-Q4")


def item(*bad: str, person: str = "", repository: str | None = None, at: str = "", untested: bool = False) -> Item:
    outcomes = {letter: Result(Outcome.DEVIATION, "r", ()) for letter in bad}
    outcomes["Z"] = Result(Outcome.NOT_TESTED if untested else Outcome.MET, "r", ())
    facts = {"makers": [person] if person else None, "repository": repository}
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC) if at else None
    return Item("i", "i", None, moment, facts, outcomes)


def markers(*items: Item, over: period.Period = QUARTER) -> tuple[str, ...]:
    return pattern.of(items, over).markers


def test_without_deviations_there_is_no_pattern() -> None:
    """Nothing, and nothing but met or untested items."""
    for items in ([], [item()] * 20, [item(untested=True)]):
        found = pattern.of(items, QUARTER)
        assert (0.0, (), {}) == (found.rate, found.markers, found.by)


def test_the_rate_is_of_items_tested() -> None:
    """Items that were not tested do not count; an item deviates once in however many attributes."""
    found = pattern.of([item("A", "B"), item(), item(), item(untested=True)], QUARTER)
    assert 0.3333 == found.rate
    assert {"A": 1, "B": 1} == found.by["attribute"]


def test_rates_mean_nothing_below_ten_items() -> None:
    """Above five percent of at least ten."""
    assert () == markers(item("A"), *[item()] * 8)
    assert ("rate: 10% of 10 items tested, above 5%",) == markers(item("A"), *[item()] * 9)
    assert () == markers(item("A"), *[item()] * 19)


def test_one_cause_in_several_items_recurs() -> None:
    """The same attribute twice, not two attributes once."""
    assert ("recurring cause: attribute A in 2 items",) == markers(item("A"), item("A"))
    assert () == markers(item("A"), item("B"))


@pytest.mark.parametrize("name", ["person", "repository"])
def test_concentration_in_one_of_several(name: str) -> None:
    """More than half of three or more, when there is anybody else at all."""
    said = f"concentration: 2 of 3 in {name} x"
    assert said in markers(item("A", **{name: "x"}), item("B", **{name: "x"}), item("C", **{name: "y"}))  # type: ignore[arg-type]
    assert () == markers(item("A", **{name: "x"}), item("B", **{name: "y"}), item("C", **{name: "z"}))  # type: ignore[arg-type]
    assert () == markers(item("A", **{name: "x"}), item("B", **{name: "x"}), item("C", **{name: "x"}))  # type: ignore[arg-type]
    assert () == markers(item("A", **{name: "x"}), item("B", **{name: "y"}))  # type: ignore[arg-type]


def test_persistence_over_months() -> None:
    """In more than half of the months of a period that has several."""
    two = [item("A", at="2026-10-05"), item("B", at="2026-12-05")]
    assert ("persistence: in 2 of 3 months",) == markers(*two)
    assert () == markers(two[0])
    assert () == markers(two[0], item("B", at="2026-10-06"))


@pytest.mark.parametrize(
    ("where", "at"),
    [
        ("Europe/Berlin", "2026-09-30T23:00"),
        ("America/New_York", "2026-11-01T03:00"),
        ("Pacific/Auckland", "2026-09-30T12:00"),
        ("Pacific/Honolulu", "2026-11-01T09:00"),
    ],
)
def test_months_are_those_of_the_period_s_zone(where: str, at: str) -> None:
    """A month in a zone is one month, though it touches two in UTC."""
    october = period.parse("2026-10", where)
    found = pattern.of([item("A", at=at), item("B", at="2026-10-05")], october)
    assert ({"2026-10": 2}, ()) == (found.by["month"], found.markers)
    two = [item("A", at="2026-11-05"), item("B", at="2026-12-31T12:00")]
    assert ("persistence: in 2 of 3 months",) == markers(*two, over=period.parse("2026-Q4", where))
