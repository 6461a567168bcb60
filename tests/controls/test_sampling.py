"""Samples are drawn again by anybody, hold every emergency, and have the sizes that their tables say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc2ev.controls import builtin, pattern
from soc2ev.controls.sampling import ALL_OF, Sample, draw, population_hash, sample_size, tables
from soc2ev.errors import ConfigError
from soc2ev.model import Finding, Item, Outcome, Population, Result, conclude
from soc2ev.period import parse

START = datetime(2026, 10, 1, tzinfo=UTC)


def item(number: int, *, outcome: Outcome = Outcome.MET, **facts: Any) -> Item:
    """One change of the period."""
    result = Result(outcome, "because", ("sha256:1",))
    known = {"integration": "pr_merge", "emergency": False, "flags": [], "repository": "acme/api", **facts}
    return Item(
        f"acme/api@{number:03}", f"Change {number}", None, START + timedelta(hours=number), known, {"A": result}
    )


def finding(items: list[Item]) -> Finding:
    """The finding of the change control over those items."""
    control = next(one for one in builtin() if one.id == "change-authorised-tested-approved")
    period = parse("2026-10", "UTC", now=START)
    whole = Population(tuple(items), ())
    return Finding(control, period, whole, conclude(items, complete=True), pattern.of(items, period))


def drawn(items: list[Item], size: str = "5", **how: Any) -> Sample:
    """A sample by the auditor's seed, unless said otherwise."""
    return draw(finding(items), size, **{"method": "seed", "seed": "4711", "engagement": "ENG-1", **how})


def ids(sample: Sample) -> list[str]:
    """Which items were drawn, in their order."""
    return [one.item.id for one in sample.drawn]


def test_the_same_seed_draws_the_same_items() -> None:
    """Nothing but population and seed decides, not even the order in which items come."""
    items = [item(number) for number in range(40)]
    assert ids(drawn(items)) == ids(drawn(items[::-1]))
    assert ids(drawn(items, seed="4712")) != ids(drawn(items))


def test_a_drawn_item_stays_drawn_when_the_sample_grows() -> None:
    """An auditor who asks for more keeps what has been looked at."""
    items = [item(number) for number in range(40)]
    assert set(ids(drawn(items, "5"))) <= set(ids(drawn(items, "9")))


def test_emergencies_and_bypasses_are_all_taken() -> None:
    """What went beside the process is a stratum of its own and never left to chance."""
    beside = [item(50, emergency=True), item(51, integration="direct_push"), item(52, flags=["UNDOCUMENTED_BYPASS"])]
    sample = drawn([item(number) for number in range(40)] + beside, "2")
    assert [one.id for one in beside] == [one.item.id for one in sample.drawn if one.stratum == ALL_OF]
    assert {ALL_OF: (3, 3), "standard": (40, 2)} == dict(sample.strata)


def test_the_population_hash_picks_one_item_a_run() -> None:
    """Without a seed the population is cut by date into runs, and nobody picks."""
    items = [item(number) for number in range(30)]
    places = [int(name[-3:]) for name in ids(drawn(items, "3", method="population-hash", seed=""))]
    assert [0, 1, 2] == [place // 10 for place in places]


def test_the_population_is_fixed_by_its_ids_and_dates() -> None:
    """Another item or another date is another population; an outcome that changed is not."""
    items = [item(number) for number in range(3)]
    assert population_hash(items) == population_hash([item(number, outcome=Outcome.DEVIATION) for number in range(3)])
    assert population_hash(items) != population_hash(items[:2])
    assert population_hash(items) != population_hash([*items[:2], item(4)])


def test_strata_share_the_sample_in_proportion() -> None:
    """Each stratum is there with at least one item."""
    items = [item(number) for number in range(18)] + [item(number, repository="acme/web") for number in range(18, 20)]
    sample = drawn(items, "10", stratify=["repository"])
    assert {"repository acme/api": (18, 9), "repository acme/web": (2, 1)} == dict(sample.strata)


@pytest.mark.parametrize(
    ("table", "population", "size"),
    [
        ("on-occurrence", 0, 0),
        ("on-occurrence", 10, 10),
        ("on-occurrence", 11, 8),
        ("on-occurrence", 250, 15),
        ("on-occurrence", 251, 25),
        ("ten-percent", 12, 3),
        ("ten-percent", 2, 2),
        ("ten-percent", 1000, 30),
        ("attest-95-10", 19, 19),
        ("attest-95-10", 66, 29),
        ("zero-90-10", 20, 14),
        ("zero-95-10", 250, 27),
        ("zero-90-5", 1000, 44),
        ("zero-95-5", 5000, 59),
        ("7", 5, 5),
        ("table:ten-percent", 100, 10),
    ],
)
def test_sizes_are_those_of_the_tables(table: str, population: int, size: int) -> None:
    """The numbers that were published, or that the hypergeometric distribution gives."""
    assert size == sample_size(table, population)


def test_every_table_says_where_it_comes_from() -> None:
    """A size without a source is no argument."""
    assert [] == [name for name, table in tables().items() if not (table["about"] and table["source"])]


@pytest.mark.parametrize(
    "wrong", [{"seed": " "}, {"method": "by hand"}, {"stratify": ["colour"]}, {"size": "0"}, {"size": "table:mine"}]
)
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, Any]) -> None:
    """A missing seed, an unknown method, fact or table stops with a hint."""
    size = wrong.pop("size", "2")
    with pytest.raises(ConfigError):
        drawn([item(1), item(2)], size, **wrong)


def test_the_chance_to_find_a_deviation_is_told() -> None:
    """One of four deviates and two are drawn: half of all samples hold it."""
    items = [item(0, outcome=Outcome.DEVIATION), *(item(number) for number in range(1, 4))]
    assert drawn(items, "2").finds_one == pytest.approx(0.5)


@settings(max_examples=60, deadline=None)
@given(population=st.integers(0, 60), size=st.integers(1, 70), emergencies=st.integers(0, 5))
def test_a_sample_holds_each_item_once(population: int, size: int, emergencies: int) -> None:
    """By either method no item is drawn twice, and no more than asked for beside the whole stratum."""
    items = [item(number, emergency=number < emergencies) for number in range(population)]
    for method in ("seed", "population-hash"):
        found = ids(drawn(items, str(size), method=method))
        ordinary = max(0, population - emergencies)
        assert len(found) == len(set(found)) == min(population, emergencies) + min(size, ordinary)
