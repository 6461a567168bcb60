"""The words of the field: invariants of outcomes, coverage, populations and conclusions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest

from soc2ev import period
from soc2ev.model import (
    Conclusion,
    Coverage,
    Item,
    Outcome,
    Population,
    Result,
    Waiver,
    conclude,
    unwaived,
)

OCTOBER = period.parse("2026-10")
WHOLE = Coverage("git:a:main:commits", OCTOBER, 3, 3, complete=True, collected_at=OCTOBER.end)


def item(waiver: Waiver | None = None, /, **outcomes: Outcome) -> Item:
    results = {letter: Result(outcome, "because", ()) for letter, outcome in outcomes.items()}
    return Item("a", "a", None, None, {}, results, waiver)


def waiver(*letters: str) -> Waiver:
    return Waiver("w", "c", ("*",), letters, "r", "boss", date(2026, 1, 1), date(2026, 12, 31))


def test_unknown_is_never_met() -> None:
    """True is met, false a deviation, NULL not tested."""
    assert [Outcome.MET, Outcome.DEVIATION, Outcome.NOT_TESTED] == [Outcome.of(one) for one in (True, False, None)]


@pytest.mark.parametrize("outcome", [Outcome.DEVIATION, Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE])
def test_only_met_may_go_without_a_reason(outcome: Outcome) -> None:
    """Whatever is not met says why."""
    assert "" == Result(Outcome.MET, "", ()).reason
    with pytest.raises(ValueError, match="has a reason"):
        Result(outcome, " ", ())


def test_a_coverage_is_complete_or_has_a_reason() -> None:
    """Complete with a reason, incomplete without one, and complete with fewer rows than expected cannot be said."""
    for change in ({"reason": "x"}, {"complete": False}, {"fetched": 2}):
        with pytest.raises(ValueError, match=r"a (complete )?coverage"):
            replace(WHOLE, **change)
    assert replace(WHOLE, expected=None, fetched=2).complete
    assert not replace(WHOLE, complete=False, reason="x", fetched=2).complete


def test_what_was_collected_before_the_close_is_provisional() -> None:
    """The period's end itself is late enough; a claim that nobody recorded is not provisional."""
    assert not WHOLE.provisional
    assert replace(WHOLE, collected_at=OCTOBER.end - timedelta(microseconds=1)).provisional
    assert not replace(WHOLE, collected_at=None).provisional


def test_a_population_is_complete_only_with_whole_settled_coverage() -> None:
    """No coverage claims nothing; one that is incomplete or provisional spoils the population."""
    early = replace(WHOLE, collected_at=OCTOBER.start)
    short = replace(WHOLE, complete=False, reason="x")
    assert Population((), (WHOLE, WHOLE)).complete
    assert [False] * 3 == [Population((), one).complete for one in ((), (WHOLE, early), (WHOLE, short))]
    assert [False, True] == [Population((), one).provisional for one in ((WHOLE,), (WHOLE, early))]


@pytest.mark.parametrize(("complete", "kinds"), list(product([True, False], range(16))))
def test_precedence_of_conclusions(complete: bool, kinds: int) -> None:
    """Unwaived deviation, then incomplete, then no occurrence, then no deviations: for every mixture of items."""
    possible = [
        item(A=Outcome.MET, B=Outcome.NOT_APPLICABLE),
        item(A=Outcome.DEVIATION, B=Outcome.NOT_TESTED),
        item(A=Outcome.NOT_TESTED),
        item(waiver("A"), A=Outcome.DEVIATION),
    ]
    items = [one for at, one in enumerate(possible) if kinds >> at & 1]
    if kinds & 2:
        expected = Conclusion.DEVIATIONS
    elif kinds & 4 or not complete:
        expected = Conclusion.INCOMPLETE
    else:
        expected = Conclusion.NO_DEVIATIONS if items else Conclusion.NO_OCCURRENCE
    assert expected is conclude(items, complete=complete)


def test_a_waiver_covers_the_letters_that_it_names() -> None:
    """Without letters it covers all deviations; one that names others leaves the deviation standing."""
    both = {"A": Outcome.DEVIATION, "B": Outcome.DEVIATION, "C": Outcome.MET}
    assert ("A", "B") == unwaived(item(**both))
    assert () == unwaived(item(waiver(), **both))
    assert ("B",) == unwaived(item(waiver("A", "C"), **both))
    assert Conclusion.DEVIATIONS is conclude([item(waiver("A"), **both)], complete=True)
    assert Conclusion.INCOMPLETE is conclude([item(waiver(), A=both["A"], B=Outcome.NOT_TESTED)], complete=True)
