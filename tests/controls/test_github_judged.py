"""GitHub through the front door: rules proven over months, also from a pack, pushes past them, and settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc2ev import config, controls, pack, period
from soc2ev.checklist.assessment import Assessment, assess
from soc2ev.pack.reperform import verify_pack
from soc2ev.vault import Vault
from tests.fakes.github import tokens
from tests.fakes.github.scenarios import Story
from tests.sources.github.runs import SECRET, collect

IDS = ("bypasses-declared-and-reviewed", "rules-in-force", "github-access-reviewed", "evidence-settings-kept")
IN_USE = [one for one in controls.builtin() if one.id in IDS]
BETWEEN, AFTER = datetime(2026, 10, 30, 12, tzinfo=UTC), datetime(2026, 12, 3, 12, tzinfo=UTC)


@pytest.fixture
def story() -> Story:
    """`acme/api`, whose branch is protected the classic way, with an environment that nobody guards."""
    made = Story()
    made.token(tokens.classic(SECRET, "cat"))
    made.api.it.rulesets.clear()
    made.api.protect(approvals=1, checks=(("test", None),), admins=True)
    made.api.environment(protected_branches=False)
    return made


def outcomes(made: Assessment, control: str) -> list[dict[str, str]]:
    """By item, the outcomes by letter."""
    (found,) = (one for one in made.findings if one.control.id == control)
    return [{letter: one.outcome.value for letter, one in item.outcomes.items()} for item in found.population.items]


def test_classic_protection_is_proven_by_the_month_before(story: Story, tmp_path: Path) -> None:
    """Its reading of another period counts, and a pack of this period carries it and gives the same findings."""
    collect(tmp_path, story, months="2026-10", now=BETWEEN, clock=BETWEEN)
    collect(tmp_path, story, months="2026-11", now=AFTER, clock=AFTER)
    vault, settings = Vault.open(tmp_path / "vault"), config.load(tmp_path / "soc2ev.yaml")
    with assess(vault, settings, period.parse("2026-11"), IN_USE) as made:
        (row,) = made.tables.select("select * from rule_days")
        assert (30, 30, 30, None) == (row["days"], row["days_proven"], row["days_between"], row["first_gap"])
        assert [{"A": "met", "B": "met", "C": "met", "D": "met"}] == outcomes(made, "rules-in-force")
        assert [] == outcomes(made, "bypasses-declared-and-reviewed")
        assert "deviation" == outcomes(made, "evidence-settings-kept")[0]["C"]
        assert {"not tested"} == {one["C"] for one in outcomes(made, "github-access-reviewed")}
    with assess(vault, settings, period.parse("2026-11")) as made:
        written = pack.write(made, vault, tmp_path / "pack")
    verified = verify_pack(written.path)
    assert ((), True) == (verified.problems, verified.findings_reproduced)


def test_a_push_past_the_rules_is_found(story: Story, tmp_path: Path) -> None:
    """Nobody declared it; protection that was weakened before the period's end shows less."""
    story.api.push(story.cat, {"src/app.py": "print(3)"}, "Fix it now")
    story.api.it.protections[0].approvals = 0
    collect(tmp_path, story, months="2026-10", now=BETWEEN, clock=BETWEEN)
    vault, settings = Vault.open(tmp_path / "vault"), config.load(tmp_path / "soc2ev.yaml")
    with assess(vault, settings, period.parse("2026-10"), IN_USE) as made:
        found = outcomes(made, "bypasses-declared-and-reviewed")
        assert {"A": "deviation", "B": "deviation", "C": "deviation"} in found
        assert {"A": "deviation", "B": "deviation", "C": "met", "D": "met"} in outcomes(made, "rules-in-force")
