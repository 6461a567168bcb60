"""Deployments that waited at a gate for longer than a week, over the end of a month."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.github.world import Approval, DeploymentStatus
from tests.tables.test_months_of_deliveries import Months


@pytest.mark.parametrize("others", [0, 120])
def test_a_gate_that_was_passed_in_the_next_month(others: int, tmp_path: Path) -> None:
    """Created on the 20th of October, let through in November: November's item, with who let it through."""
    story = Months(tmp_path)
    story.api.environment("production", story.bob, story.cat)
    story.at(10, 20)
    story.reviewed().merge(story.bob, "squash")
    run = story.api.run(story.api.head(), name="Deploy", path=".github/workflows/deploy.yml", actor=story.cat)
    waiting = story.deploy(states=("waiting",), run=run)
    for _ in range(others):
        story.deploy(environment="staging")
    story.at(11, 2)
    story.collect("2026-10")
    story.at(11, 4)
    run.approvals.append(Approval(("production",), "approved", story.bob))
    for state in ("in_progress", "success"):
        waiting.statuses.append(DeploymentStatus(story.world.fresh(), state, story.tick(), waiting.creator))
    story.at(12, 2)
    story.collect("2026-11")
    seen = story.judged("2026-11")
    assert [f"acme/api#deployment-{waiting.id}"] == [one.id for one in seen.finding.population.items]
    assert {"C": "met", "D": "met"} == seen.letters(0, "CD")


def test_nobody_let_it_through(tmp_path: Path) -> None:
    """The month that is collected alone tells of a gate at which only a maker answered."""
    story = Months(tmp_path)
    story.api.environment("production", story.bob, story.ann)
    story.at(10, 20)
    story.reviewed().merge(story.bob, "squash")
    run = story.api.run(story.api.head(), name="Deploy", path=".github/workflows/deploy.yml", actor=story.cat)
    waiting = story.deploy(states=("waiting",), run=run)
    story.at(11, 2)
    story.collect("2026-10")
    story.at(11, 4)
    run.approvals.append(Approval(("production",), "approved", story.ann))
    for state in ("in_progress", "success"):
        waiting.statuses.append(DeploymentStatus(story.world.fresh(), state, story.tick(), waiting.creator))
    story.at(12, 2)
    story.collect("2026-11")
    assert {"D": "deviation"} == story.judged("2026-11").letters(0, "D")
