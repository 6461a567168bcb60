"""Named worlds: the rows of the acceptance matrix (`matrix-...`) and the edge cases (`edge-01-...` to `edge-55-...`)."""

from __future__ import annotations

from tests.fakes.github.scenarios import deliveries, landings, matrix, reporters, reviews, surroundings
from tests.fakes.github.scenarios.story import SCENARIOS, Scenario, Story

__all__ = ["SCENARIOS", "Scenario", "Story", "deliveries", "landings", "matrix", "reporters", "reviews", "surroundings"]
