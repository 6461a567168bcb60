"""Testing controls: wrong expectations are named, and SQL that turns an unknown into an answer is caught."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from soc2ev.controls import builtin, examples
from soc2ev.model import Attribute, Control


def control(sql: str, population: str = "from history_checks", **example: Any) -> Control:
    given = {"history_checks": [{"item": "x", "kept": True, "tip": "1"}]}
    shown = {"name": "one", "period": "2026-10", "given": given, "expect": {"x": {"A": "met"}}, **example}
    attribute = Attribute("A", "key", "Is it?", sql, deviation="No.", unknown="Nobody knows.")
    return replace(builtin()[0], id="mine", population=population, needs=(), attributes=(attribute,), examples=(shown,))


def said(*given: Any, **example: Any) -> list[str]:
    return list(examples.test(control(*given, **example)))


def test_a_sound_control_is_passed_over_in_silence() -> None:
    """NULL stays NULL."""
    assert [] == said("kept")
    assert [] == said("true = any (select h.kept from history_checks h)")


def test_other_outcomes_than_expected_are_named() -> None:
    """The wrong outcome, an item more or fewer, an attribute that does not exist."""
    assert ["mine: one: x A is met, expected deviation"] == said("kept", expect={"x": {"A": "deviation"}})
    assert ["mine: one: x is in the population and not expected"] == said("kept", expect={})
    assert ["mine: one: there is no attribute B"] == said("kept", expect={"x": {"B": "met"}})
    both = said("kept", expect={"x": {"A": "met"}, "y": {"A": "met"}})
    assert ["mine: one: y is not in the population"] == both


def test_what_cannot_be_judged_is_named() -> None:
    """SQL that does not run, a table or period that does not exist, a value of another type."""
    assert "SQL does not run" in said("nonsense")[0]
    assert "there is no table x" in said("kept", given={"x": [{}]})[0]
    assert "holds no str" in said("kept", given={"history_checks": [{"item": "x", "kept": "yes"}]})[0]
    assert "is no period" in said("kept", period="autumn")[0]


def test_unknown_that_becomes_met_is_caught() -> None:
    """`not exists` takes an unknown answer for none: the deviation turns into met when the fact is erased."""
    rows = {"history_checks": [{"item": "x", "kept": False}]}
    sql = "not exists (select 1 from history_checks h where not h.kept)"
    assert [
        "mine: one: with history_checks.kept of row 1 erased, x A moved from deviation to met",
    ] == said(sql, given=rows, expect={"x": {"A": "deviation"}})


def test_unknown_that_becomes_a_deviation_is_caught() -> None:
    """`exists` accuses when the fact is not known."""
    (found,) = said("exists (select 1 from history_checks h where h.kept)")
    assert "x A moved from met to deviation" in found


def test_a_population_that_loses_an_item_is_caught() -> None:
    """A condition on a fact that may be unknown drops the item; `is not false` keeps it."""
    (found,) = said("tip is not null or null", "from history_checks where kept")
    assert "with history_checks.kept of row 1 erased, x left the population" in found
    assert [] == said("case when tip is not null then true end", "from history_checks where kept is not false")


def test_sql_that_fails_on_an_unknown_fact_is_caught() -> None:
    """An answer that only a known fact gives at all."""
    found = said("case when kept is null then error('x')::boolean else true end")
    assert any("not give the same answer" in line or "erased" in line for line in found)
    found = said("case when kept is null then ['a'][1]::boolean else true end")
    assert any(line.startswith("mine: one: with history_checks.kept erased: ") for line in found)


def test_every_fact_of_every_row_is_erased_in_turn() -> None:
    """The second row's fact is as good as the first's; keys and evidence are never erased."""
    rows = {"history_checks": [{"item": "w", "kept": True}, {"item": "x", "kept": True, "evidence": ["sha256:1"]}]}
    (found,) = said("item = 'w' or kept is not null", given=rows, expect={"w": {"A": "met"}, "x": {"A": "met"}})
    assert "with history_checks.kept of row 2 erased, x A moved from met to deviation" in found
