"""The findings as a frozen JSON format."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

from soc2ev import controls, period
from soc2ev.controls import report
from soc2ev.model import (
    Conclusion,
    Coverage,
    Finding,
    Item,
    Outcome,
    Pattern,
    Population,
    Result,
    Waiver,
)

OCTOBER = period.parse("2026-10", "Europe/Berlin")
AT = datetime(2026, 11, 2, 4, 17, tzinfo=UTC)
COVERAGE = Coverage(
    "git:a/b:main:commits", OCTOBER, 2, 2, complete=True, scope={"ref": "main"}, details={"at": AT}, collected_at=AT
)
WAIVER = Waiver("w1", "c", ("x",), ("A",), "r", "boss", date(2026, 10, 1), date(2026, 12, 1))
ITEM = Item(
    "x", "Title \u202e", None, datetime(2026, 10, 4, 12, tzinfo=timezone(timedelta(hours=2))),
    {"on": date(2026, 10, 1), "tags": ("a",)}, {"A": Result(Outcome.DEVIATION, "No.", ("sha256:1",))}, WAIVER,
)  # fmt: skip


def made(*items: Item, outside: dict[str, tuple[dict[str, str], ...]] | None = None) -> Finding:
    population = Population(items, (COVERAGE,), outside or {})
    pattern = Pattern(0.5, ("m",), {"attribute": {"A": 1}})
    return Finding(controls.builtin()[0], OCTOBER, population, Conclusion.DEVIATIONS, pattern)


def test_a_finding_has_the_documented_form() -> None:
    """Names and values that others rely on; instants in UTC, tuples as lists."""
    found = report.findings([made(ITEM)], OCTOBER)
    assert "soc2ev.findings/1" == found["schema"]
    assert {"name": "2026-10", "start": "2026-09-30T22:00:00Z", "end": "2026-10-31T23:00:00Z"} == found["period"]
    (one,) = found["findings"]
    assert {"control", "title", "criteria", "conclusion", "lane", "pattern", "population", "items"} <= set(one)
    assert ("deviations", "census", 0.5, ["m"]) == (
        one["conclusion"], one["lane"], one["pattern"]["rate"], one["pattern"]["markers"],
    )  # fmt: skip
    assert (1, True, False) == tuple(one["population"][name] for name in ("size", "complete", "provisional"))
    (entry,) = one["population"]["coverage"]
    assert {
        "stream": "git:a/b:main:commits",
        "expected": 2,
        "fetched": 2,
        "complete": True,
        "reason": None,
    }.items() <= entry.items()
    assert ("2026-11-02T04:17:00Z", {"at": "2026-11-02T04:17:00Z"}) == (entry["collected_at"], entry["details"])
    assert "outside" not in entry


def test_an_item_has_the_documented_form() -> None:
    """Id, title, url, instant, facts, outcomes with reason and evidence, and its waiver."""
    (item,) = report.findings([made(ITEM)], OCTOBER)["findings"][0]["items"]
    assert ("x", None, "2026-10-04T10:00:00Z") == (item["id"], item["url"], item["at"])
    assert {"on": "2026-10-01", "tags": ["a"]} == item["facts"]
    assert {"A": {"outcome": "deviation", "reason": "No.", "evidence": ["sha256:1"]}} == item["outcomes"]
    assert ("w1", ["A"], "2026-12-01") == (
        item["waiver"]["id"],
        item["waiver"]["attributes"],
        item["waiver"]["expires_on"],
    )
    bare = replace(ITEM, at=None, waiver=None)
    (item,) = report.findings([made(bare)], OCTOBER)["findings"][0]["items"]
    assert (None, None) == (item["at"], item["waiver"])


def test_commits_outside_stand_with_their_stream() -> None:
    """Each with its reason, in the coverage entry that collected it."""
    left = ({"commit": "1", "reason": "docs"},)
    found = report.findings([made(outside={COVERAGE.stream: left, "git:a/c:main:commits": left})], OCTOBER)
    assert list(left) == found["findings"][0]["population"]["coverage"][0]["outside"]


def test_the_text_says_the_same() -> None:
    """In parts or as one value, with any number of findings and items."""
    for given in ([], [made()], [made(ITEM), made(ITEM, ITEM)]):
        assert report.findings(given, OCTOBER) == json.loads("".join(report.text(given, OCTOBER)))
        assert list(report.text(given, OCTOBER)) == list(report.text(given, OCTOBER))
