"""The fictional company: planted deviations are found, and it is the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc2ev.demo import Built, build
from soc2ev.errors import ConfigError
from soc2ev.model import Conclusion, Outcome


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """One demo for all tests here."""
    return build(tmp_path_factory.mktemp("demo") / "company")


def _deviating(built: Built, control: str) -> dict[str, list[str]]:
    finding = next(one for one in built.findings if one.control.id == control)
    return {
        item.id: [letter for letter, result in item.outcomes.items() if result.outcome is Outcome.DEVIATION]
        for item in finding.population.items
        if any(result.outcome is Outcome.DEVIATION for result in item.outcomes.values())
    }


def test_planted_deviations_are_found_and_no_others(built: Built) -> None:
    """Each planted fault shows in its control, and nothing else deviates."""
    found = {one.control.id: _deviating(built, one.control.id) for one in built.findings}
    assert {
        "abuse-scenarios-covered": {"bulk_export": ["B", "C"]},
        "alerts-reviewed-monthly": {"2026-08": ["A"]},
        "log-access-reviewed": {"loki:payments": ["A"]},
        "log-retention-documented": {"loki:payments": ["B"]},
        "log-sources-inventoried": {"loki:payments": ["B"]},
        "logging-exceptions-in-force": {"exception/ret-001.yaml#RET-001": ["B"]},
        "procedures-approved-and-current": {"incident_response": ["B"]},
        "production-history-kept": {"harbour/payments:main": ["A"]},
    } == {control: items for control, items in found.items() if items}


def test_the_waived_exception_is_no_deviation_any_more(built: Built) -> None:
    """Its row stays, with the waiver beside it."""
    finding = next(one for one in built.findings if one.control.id == "logging-exceptions-in-force")
    assert Conclusion.NO_DEVIATIONS is finding.conclusion
    assert ["WAIVE-001"] == [item.waiver.id for item in finding.population.items if item.waiver]


def test_the_forgotten_month_is_a_gap(built: Built) -> None:
    """March was never collected, so the year is not complete, and says so."""
    finding = next(one for one in built.findings if one.control.id == "change-authorised-tested-approved")
    assert not finding.population.complete
    assert any("2026-03-01" in (entry.reason or "") for entry in finding.population.coverage)
    assert not any(item.at and item.at.month == 3 for item in finding.population.items)


def test_every_collected_commit_has_one_fate(built: Built) -> None:
    """No commit of the year is in two changes."""
    finding = next(one for one in built.findings if one.control.id == "change-authorised-tested-approved")
    commits = [sha for item in finding.population.items for sha in item.facts["commits"]]
    assert len(set(commits)) == len(commits)
    expected = sum(entry.expected or 0 for entry in finding.population.coverage if entry.stream.endswith(":commits"))
    assert expected == len(commits)


def test_nothing_that_git_cannot_know_is_met(built: Built) -> None:
    """With git alone no attribute of a change is met, and none deviates."""
    finding = next(one for one in built.findings if one.control.id == "change-authorised-tested-approved")
    assert {Outcome.NOT_TESTED} == {
        result.outcome for item in finding.population.items for result in item.outcomes.values()
    }


def test_twice_the_same(built: Built, tmp_path: Path) -> None:
    """A second demo gives the same pack, byte for byte."""
    again = build(tmp_path / "company")
    for first in sorted(path for path in built.pack.rglob("*") if path.is_file()):
        second = again.pack / first.relative_to(built.pack)
        assert first.read_bytes() == second.read_bytes(), first.name


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """The demo replaces only a demo."""
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError):
        build(tmp_path)
    assert "years of work" == (tmp_path / "thesis.txt").read_text(encoding="utf-8")


def test_a_month_that_was_never_collected_was_not_collected_in_time(built: Built) -> None:
    """Evidence with a gap is kept neither whole nor in time, whatever the months beside it show."""
    finding = next(one for one in built.findings if one.control.id == "change-evidence-kept")
    assert {Outcome.NOT_TESTED} == {
        result.outcome for item in finding.population.items for result in item.outcomes.values()
    }
