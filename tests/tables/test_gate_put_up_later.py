"""Gates that were put up after a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tables.test_months_of_deliveries import Months


@pytest.mark.parametrize("waited", [(), ("waiting",)])
@pytest.mark.parametrize(("day", "outcome"), [(10, "not tested"), (2, "deviation")])
def test_nobody_answers_at_a_gate_that_was_not_there(
    day: int, outcome: str, waited: tuple[str, ...], tmp_path: Path
) -> None:
    """
    A workflow deployed on the third of November, and nobody answered: a deviation where the gate was there by then.

    It may have waited for a timer, and for another deployment.
    """
    story = Months(tmp_path)
    story.at(11, 2)
    gate = story.api.environment("production", story.bob, story.cat)
    story.at(11, 3)
    story.reviewed().merge(story.bob, "squash")
    story.deploy(
        states=(*waited, "in_progress", "success"),
        run=story.api.run(story.api.head(), name="Deploy", path=".github/workflows/deploy.yml", actor=story.cat),
    )
    gate.at = gate.at.replace(day=day)
    assert {"C": "met", "D": outcome} == story.over().letters(0, "CD")
