"""A few worlds come out as their stories say, and a story that says something else is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worlds_of_deliveries import oracle
from tests.worlds_of_deliveries.__main__ import world
from tests.worlds_of_deliveries.stories import MET, one_of


@pytest.mark.parametrize("seed", [2, 3])
def test_a_world(seed: int) -> None:
    """Every item, letter and commit is as the oracle says."""
    report = world(seed)
    assert [] == report.wrongs
    assert report.counts["decided"] > 10


def test_a_disagreement_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the oracle takes every change for a good one, the worlds disagree."""

    def good(*_: Any) -> dict[str, frozenset[str]]:
        return dict.fromkeys("ABCEFG", one_of(MET))

    monkeypatch.setattr(oracle, "verdicts", good)
    assert any(one.sort.startswith("C: deviation for met") for one in world(3).wrongs)
