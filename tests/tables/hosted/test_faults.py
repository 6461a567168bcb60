"""No fault at any endpoint turns an outcome into met, and none passes in silence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev import config, controls, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.vault import Vault, writer
from tests.fakes.github import faults
from tests.fakes.github.faults import Fault
from tests.fakes.github.scenarios import SCENARIOS
from tests.fakes.github.server import GitHub

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
JUDGING = ("change-authorised-tested-approved", "deployment-traceable")
Outcomes = dict[tuple[str, str], str]


def road(folder: Path, scenario: str, broken: Sequence[Fault] = ()) -> tuple[Outcomes, bool, list[str]]:
    """Outcomes by item and letter, whether everything claims to be whole, and the endpoints that were asked."""
    folder.mkdir()
    story = SCENARIOS[scenario].build()
    with GitHub(story.world, faults=list(broken)) as host:
        source = f"{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: TOKEN}}}}"
        text = "version: 1\norganisation: Example Co\nregisters: null\nscope: [{repository: acme/api}]\n"
        (folder / "soc2ev.yaml").write_text(f"{text}sources: {{github: [{source}]}}\n", encoding="utf-8")
        found, month = config.load(folder / "soc2ev.yaml"), period.parse("2026-10", "UTC", now=NOW)
        with writer(folder / "evidence", origin="test", now=lambda: NOW, tool="test") as vault:
            known = {"TOKEN": story.secret}
            fetch = Fetch(vault, environment=known, sleep=lambda _: None, now=lambda: NOW, workers=1)
            whole = all(entry.complete for entry in sources.collect(fetch, found, month))
        asked = [f"{seen.method} {seen.path}" for seen in host.requests]
    judging = [one for one in controls.builtin() if one.id in JUDGING]
    with tables.load(Vault.open(folder / "evidence"), found, month) as loaded:
        findings = controls.judge_all(judging, loaded)
    outcomes = {
        (item.id, letter): result.outcome.value
        for finding in findings
        for item in finding.population.items
        for letter, result in item.outcomes.items()
    }
    return outcomes, whole, asked


def spots(asked: Sequence[str]) -> list[dict[str, Any]]:
    """Each REST endpoint for good, and each GraphQL request from there on."""
    rest = [{"on": one, "times": None} for one in dict.fromkeys(asked) if not one.endswith("/graphql")]
    return rest + [{"on": "POST /graphql", "at": place, "times": None} for place in range(1, 1 + _graphql(asked))]


def _graphql(asked: Sequence[str]) -> int:
    return sum(one.endswith("/graphql") for one in asked)


@pytest.mark.parametrize("scenario", ["matrix-clean", "matrix-stale-approval"])
@pytest.mark.parametrize(
    "fault", [lambda **at: faults.status(404, **at), faults.html, faults.truncated_gzip], ids=["404", "html", "gzip"]
)
def test_no_fault_is_met_or_silent(tmp_path: Path, scenario: str, fault: Callable[..., Fault]) -> None:
    """What fails for good can only take verdicts away, and then something says that it is not whole."""
    clean, whole, asked = road(tmp_path / "clean", scenario)
    assert whole
    met = {key for key, outcome in clean.items() if outcome == "met"}
    wrong = []
    for number, spot in enumerate(spots(asked)):
        outcomes, claimed, _ = road(tmp_path / str(number), scenario, [fault(**spot)])
        wrong += [(spot, key) for key, outcome in outcomes.items() if outcome == "met" and key not in met]
        wrong += [(spot, "silent")] if claimed and outcomes != clean else []
    assert [] == wrong
