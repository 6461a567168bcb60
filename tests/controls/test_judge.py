"""Judging: outcomes from three-valued answers, evidence, coverage and waivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from soc2ev import controls, period, tables
from soc2ev.controls import judge, waivers
from soc2ev.errors import ControlError
from soc2ev.model import Attribute, Conclusion, Control, Coverage, Finding, Item, Outcome, Waiver, unwaived

OCTOBER = period.parse("2026-10")
COMMITS = Coverage(
    "git:a/b:main:commits",
    OCTOBER,
    None,
    1,
    complete=True,
    scope={"repository": "a/b", "ref": "main"},
    collected_at=OCTOBER.end + timedelta(days=5),
)
CUT = replace(COMMITS, complete=False, reason="denied")


class Collected:
    """Worked rows with a coverage of their own for every table."""

    def __init__(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], coverage: Sequence[Coverage]) -> None:
        self._tables = tables.example(rows, OCTOBER)
        self._coverage = tuple(coverage)
        self.period = OCTOBER
        self.outside: dict[str, tuple[Mapping[str, str], ...]] = {}

    def select(self, sql: str) -> Any:
        return self._tables.select(sql)

    def coverage(self, needs: Iterable[str] | None = None) -> tuple[Coverage, ...]:
        return self._coverage if needs is None or list(needs) else ()


def control(sql: str = "kept", population: str = "select * from history_checks", **more: Any) -> Control:
    asked = {"met": "", "deviation": "It is not.", "unknown": "Nobody knows.", "not_applicable": "Not here."}
    attribute = Attribute("A", "key", "Is it?", sql, **{"needs": ("changes",), **asked, **more})
    return replace(controls.builtin()[0], id="mine", population=population, needs=("changes",), attributes=(attribute,))


def row(item: str = "x", **values: Any) -> dict[str, Any]:
    return {"item": item, "repository": "a/b", "ref": "main", "evidence": ["sha256:1"], **values}


def finding(
    given: Control, *rows: dict[str, Any], coverage: Sequence[Coverage] = (COMMITS,), waived: Sequence[Waiver] = ()
) -> Finding:
    return judge(given, Collected({"history_checks": rows}, coverage), waived)  # type: ignore[arg-type]


def only(*given: Any, **more: Any) -> Item:
    (item,) = finding(*given, **more).population.items
    return item


@pytest.mark.parametrize(
    ("kept", "outcome", "reason"),
    [
        (True, Outcome.MET, ""),
        (False, Outcome.DEVIATION, "It is not."),
        (None, Outcome.NOT_TESTED, "Nobody knows."),
    ],
)
def test_three_answers(kept: bool | None, outcome: Outcome, reason: str) -> None:
    """True is met, false a deviation, NULL not tested, each with its words and the row's evidence."""
    result = only(control(), row(kept=kept)).outcomes["A"]
    assert (outcome, reason, ("sha256:1",)) == (result.outcome, result.reason, result.evidence)


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ("false", Outcome.NOT_APPLICABLE),
        ("true", Outcome.MET),
        ("null::boolean", Outcome.MET),
        ("tip = 'x'", Outcome.MET),
    ],
)
def test_an_unknown_condition_counts_as_fulfilled(condition: str, outcome: Outcome) -> None:
    """Only a condition that is false makes a question not applicable."""
    assert outcome is only(control(applies_when=condition), row(kept=True)).outcomes["A"].outcome


def test_a_reason_is_never_empty() -> None:
    """When its text comes out empty, the question itself stands there."""
    empty = {"deviation": "{tip}", "unknown": "{tip}", "not_applicable": "{tip}"}
    for condition, kept in (("true", False), ("true", None), ("false", True)):
        assert "Is it?" == only(control(applies_when=condition, **empty), row(kept=kept, tip="")).outcomes["A"].reason


def test_reasons_show_the_values_of_the_item() -> None:
    """A column stands for its value, an unknown one for itself; a value that looks like a column is a value."""
    text = "{tip} {earlier_tip} {kept} {evidence} {observed_at} {other} {}"
    result = only(control(deviation=text), row(kept=False, tip="{kept}", observed_at="2026-10-02 03:04:05")).outcomes[
        "A"
    ]
    assert "{kept} not known no sha256:1 2026-10-02 03:04Z {other} {}" == result.reason


def test_met_without_evidence_is_not_tested() -> None:
    """An answer behind which no stored body stands shows nothing; a deviation stands all the same."""
    result = only(control(), row(kept=True, evidence=[])).outcomes["A"]
    assert (Outcome.NOT_TESTED, "No stored evidence stands behind this answer.") == (result.outcome, result.reason)
    assert Outcome.DEVIATION is only(control(), row(kept=False, evidence=[])).outcomes["A"].outcome
    further = control(evidence="['sha256:2', null, '']")
    assert ("sha256:2",) == only(further, row(kept=True, evidence=[])).outcomes["A"].evidence
    assert ("sha256:1", "sha256:2") == only(further, row(kept=True)).outcomes["A"].evidence


def test_met_over_incomplete_coverage_is_not_tested() -> None:
    """Missing rows cannot be told from rows that do not exist: met and not applicable give way, a deviation stays."""
    result = only(control(), row(kept=True), coverage=[COMMITS, CUT]).outcomes["A"]
    assert (Outcome.NOT_TESTED, "Not collected whole: git:a/b:main:commits: denied") == (result.outcome, result.reason)
    aside = only(control(applies_when="false"), row(kept=True), coverage=[CUT]).outcomes["A"]
    assert Outcome.NOT_TESTED is aside.outcome
    assert Outcome.DEVIATION is only(control(), row(kept=False), coverage=[CUT]).outcomes["A"].outcome
    assert "Nobody knows." == only(control(), row(), coverage=[CUT]).outcomes["A"].reason


@pytest.mark.parametrize(
    ("scope", "outcome"),
    [
        ({"repository": "a/c", "ref": "main"}, Outcome.MET),
        ({"repository": "a/b", "ref": "release"}, Outcome.MET),
        ({"repository": "a/b"}, Outcome.NOT_TESTED),
        ({}, Outcome.NOT_TESTED),
    ],
)
def test_incomplete_coverage_elsewhere_does_not_matter_to_an_item(scope: dict[str, str], outcome: Outcome) -> None:
    """Of another repository or branch it leaves the item alone, and the finding incomplete."""
    found = finding(control(), row(kept=True), coverage=[COMMITS, replace(CUT, scope=scope)])
    assert outcome is found.population.items[0].outcomes["A"].outcome
    assert Conclusion.INCOMPLETE is found.conclusion


def test_an_item_without_repository_is_touched_by_every_shortfall() -> None:
    """What cannot be told apart counts."""
    given = control(population="select item, evidence, kept from history_checks")
    assert Outcome.NOT_TESTED is only(given, row(kept=True), coverage=[CUT]).outcomes["A"].outcome


def test_an_attribute_that_needs_nothing_is_not_touched() -> None:
    """A fact that is NULL where its evidence is missing needs no table to be whole."""
    assert Outcome.MET is only(control(needs=()), row(kept=True), coverage=[CUT]).outcomes["A"].outcome


@pytest.mark.parametrize(
    ("sql", "population", "says"),
    [
        ("kept", "select * from history_checks union all select * from history_checks", "the item x twice"),
        ("kept", "select * replace (null::text as item) from history_checks", "an item without an id"),
        ("kept", "select * replace ('' as item) from history_checks", "an item without an id"),
        ("kept", "select * replace (5 as item) from history_checks", "an item without an id"),
        ("kept", "select kept from history_checks", "item"),
        ("kept", 'select * exclude (item), item as "Item" from history_checks', "no column item"),
        ("kept", 'select *, observed_at::date as "at" from history_checks', "column at"),
        ("kept", "select *, 5 as url from history_checks", "column url"),
        ("1", "from history_checks", "answers 1"),
        ("'true'", "from history_checks", "answers 'true'"),
        ("nonsense", "from history_checks", "SQL does not run"),
        ("kept", "from nonsense", "SQL does not run"),
        ("now() > observed_at", "from history_checks", "now"),
        ("kept) from history_checks; drop table changes; select (1", "from history_checks", "exactly one SELECT"),
        ("kept", "with gone as (delete from history_checks returning *) select * from gone", "SQL"),
    ],
)
def test_sql_that_gives_no_judgement_names_its_control(sql: str, population: str, says: str) -> None:
    """An item twice or without id, an answer that is no boolean, SQL that does not run: an error with the control's name."""
    with pytest.raises(ControlError, match=r"^mine: ") as caught:
        finding(control(sql, population), row(kept=True, observed_at="2026-10-02 00:00:00"))
    assert says in caught.value.message


def test_a_condition_that_is_no_boolean_is_refused() -> None:
    """It would otherwise count as fulfilled for ever."""
    with pytest.raises(ControlError, match="applies_when of A"):
        finding(control(applies_when="0"), row(kept=True))


def test_comments_at_the_end_of_sql_are_harmless() -> None:
    """A comment in the last line does not swallow what follows."""
    given = control("kept -- as said", "from history_checks -- all", applies_when="true -- always")
    assert Outcome.MET is only(given, row(kept=True)).outcomes["A"].outcome


def test_items_are_sorted_and_carry_their_facts() -> None:
    """Title falls back to the id; columns of the item itself are no facts twice."""
    found = finding(control(), row("b", tip="1"), row("a"))
    assert ["a", "b"] == [item.id for item in found.population.items]
    item = found.population.items[1]
    assert ("b", None, None, "1") == (item.title, item.url, item.at, item.facts["tip"])
    assert {"item", "title", "evidence", "outcome A"}.isdisjoint(item.facts)


def test_the_conclusion_follows_from_items_and_coverage() -> None:
    """Deviation, incomplete, no occurrence and no deviations, in this order; provisional is incomplete."""
    early = replace(COMMITS, collected_at=OCTOBER.start)
    cases = [
        ([row(kept=False), row("y")], [CUT], Conclusion.DEVIATIONS),
        ([row(kept=True), row("y")], [COMMITS], Conclusion.INCOMPLETE),
        ([row(kept=True)], [CUT], Conclusion.INCOMPLETE),
        ([row(kept=True)], [early], Conclusion.INCOMPLETE),
        ([row(kept=True)], [], Conclusion.INCOMPLETE),
        ([], [CUT], Conclusion.INCOMPLETE),
        ([], [COMMITS], Conclusion.NO_OCCURRENCE),
        ([row(kept=True)], [COMMITS], Conclusion.NO_DEVIATIONS),
    ]
    for rows, coverage, conclusion in cases:
        assert conclusion is finding(control(), *rows, coverage=coverage).conclusion


def waiver(**more: Any) -> Waiver:
    given = {"id": "w1", "control": "mine", "items": ("x",), "attributes": (), "reason": "r", "approver": "boss"}
    dates = {"approved_on": date(2026, 11, 6), "expires_on": date(2026, 11, 6)}
    return Waiver(**{**given, **dates, **more})


@pytest.mark.parametrize(
    ("change", "covers"),
    [
        ({}, True),
        ({"approved_on": date(2026, 11, 7), "expires_on": date(2026, 12, 1)}, False),
        ({"approved_on": date(2026, 10, 1), "expires_on": date(2026, 11, 5)}, False),
        ({"control": "other"}, False),
        ({"items": ("y",)}, False),
        ({"items": ("y", "*")}, True),
        ({"items": ("x*",)}, True),
        ({"items": ("?",)}, False),
        ({"items": ("[x]",)}, False),
        ({"attributes": ("A",)}, True),
        ({"attributes": ("B",)}, False),
    ],
)
def test_a_waiver_covers_what_it_names_while_it_holds(change: dict[str, Any], covers: bool) -> None:
    """Its days are included, `*` alone is special, and it never removes the row or changes the outcome."""
    found = finding(control(), row(kept=False), waived=[waiver(**change)])
    (item,) = found.population.items
    assert Outcome.DEVIATION is item.outcomes["A"].outcome
    assert (covers, not covers) == (item.waiver is not None, bool(unwaived(item)))
    assert (Conclusion.NO_DEVIATIONS if covers else Conclusion.DEVIATIONS) is found.conclusion


def test_brackets_in_a_waiver_are_brackets() -> None:
    """A branch called feat[1] is waived by its name."""
    assert only(control(), row("a:feat[1]@1", kept=False), waived=[waiver(items=("a:feat[1]@*",))]).waiver


def test_the_waiver_that_covers_most_is_taken() -> None:
    """Of several the one with more of the deviating letters; of equals the first."""
    given = control()
    both = replace(given, attributes=(given.attributes[0], replace(given.attributes[0], letter="B")))
    part, whole, again = (
        waiver(id=f"w{at}", attributes=letters) for at, letters in enumerate([("A",), ("A", "B"), ()])
    )
    found = finding(both, row(kept=False), waived=[part, whole, again])
    assert whole == found.population.items[0].waiver
    assert finding(given, row(kept=True), waived=[whole]).population.items[0].waiver is None


def test_without_a_day_of_collection_no_waiver_holds() -> None:
    """Nobody can say whether it had expired."""
    assert (
        only(control(), row(kept=False), coverage=[replace(COMMITS, collected_at=None)], waived=[waiver()]).waiver
        is None
    )


def test_only_approved_waivers_are_read() -> None:
    """Drafts, retired and undated ones are ignored."""
    dates = {"approved_on": "2026-10-01", "expires_on": "2026-12-01"}
    base = {"file": "w.yaml", "control": "mine", "items": ["x"], "approver": "boss", "reason": "r", **dates}
    rows = [{**base, "id": status, "status": status} for status in ("draft", "in review", "retired", "approved")]
    undated = {**base, "id": "undated", "status": "approved", "expires_on": None}
    with tables.example({"waivers": [*rows, undated]}, OCTOBER) as made:
        (found,) = waivers(made)
    assert ("approved", ("x",), date(2026, 12, 1)) == (found.id, found.items, found.expires_on)


def test_every_control_is_judged_in_the_order_given() -> None:
    """With the waivers of the registers."""
    given = [control(), replace(control(), id="other")]
    with tables.example({"history_checks": [row(kept=True)]}, OCTOBER) as made:
        assert ["mine", "other"] == [one.control.id for one in controls.judge_all(given, made)]


def test_what_path_rules_left_out_stands_with_the_population() -> None:
    """Only streams behind the control are named."""
    collected = Collected({"history_checks": [row(kept=True)]}, [COMMITS])
    left = ({"commit": "1", "reason": "docs"},)
    collected.outside = {COMMITS.stream: left, "git:a/c:main:commits": left}
    assert {COMMITS.stream: left} == judge(control(), collected).population.outside  # type: ignore[arg-type]
