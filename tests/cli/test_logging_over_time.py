"""Log settings read inside, after and around a period, through the front door: collect, check, query, pack, verify."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc2ev.cli import session
from tests.conftest import Result, Run

SEPTEMBER, OCTOBER, NOVEMBER = (datetime(2026, *day, tzinfo=UTC) for day in ((9, 25), (10, 20), (11, 3)))
CONF = """
http {{
  limit_req_zone $binary_remote_addr zone=login:10m rate=5r/s;
  access_log {log};
  server {{ location /login {{ limit_req zone=login; {dry} }} }}
}}
"""
GOOD, OFF = ("/var/log/nginx/access.log", ""), ("off", "limit_req_dry_run on;")
LOGGING, LIMITS = ("log-sources-complete", "B"), ("rate-limits-enforced", "A")


@dataclass
class Edge:
    """A gateway whose configuration changes, and somebody who collects at different times."""

    run: Run
    folder: Path
    patch: pytest.MonkeyPatch

    def at(self, moment: datetime, *words: str) -> Result:
        """The command at that time."""
        self.patch.setattr(session, "now", lambda: moment)
        return self.run(*words, cwd=self.folder)

    def read(self, moment: datetime, state: tuple[str, str], period: str = "2026-10") -> None:
        """Collect while the gateway is set like that."""
        log, dry = state
        (self.folder / "nginx.conf").write_text(CONF.format(log=log, dry=dry), encoding="utf-8")
        assert 0 == self.at(moment, "collect", "--period", period).code

    def outcomes(self, *attributes: tuple[str, str]) -> list[tuple[str, str]]:
        """Outcome and reason of the first item of each control and attribute for October."""
        done = self.at(datetime(2026, 11, 25, tzinfo=UTC), "check", "--period", "2026-10", "--format", "json")
        findings = {one["control"]: one for one in json.loads(done.out)["findings"]}
        told = [findings[control]["items"][0]["outcomes"][letter] for control, letter in attributes]
        return [(one["outcome"], one["reason"]) for one in told]


@pytest.fixture
def edge(tmp_path: Path, soc2ev: Run, monkeypatch: pytest.MonkeyPatch) -> Edge:
    """A gateway and nothing else."""
    (tmp_path / "soc2ev.yaml").write_text(
        "version: 1\norganisation: Example Co\nregisters: null\n"
        "sources:\n  logs: [{connector: nginx, name: edge, path: nginx.conf}]\n",
        encoding="utf-8",
    )
    return Edge(soc2ev, tmp_path, monkeypatch)


def test_a_setting_read_after_the_period_is_not_met(edge: Edge) -> None:
    """It says nothing about the month, and the reason says when it was read and what would help."""
    edge.read(NOVEMBER, GOOD)
    for outcome, reason in edge.outcomes(LOGGING, LIMITS):
        assert "not tested" == outcome
        assert "It was read 2026-11-03 00:00 UTC, after the period" in reason


def test_a_reading_inside_the_period_is_met_though_a_later_one_answers(edge: Edge) -> None:
    """The later one is taken for the tables, the earlier one for the period, and the pack carries both."""
    edge.read(OCTOBER, GOOD)
    edge.read(NOVEMBER, GOOD)
    assert ["met", "met"] == [outcome for outcome, _ in edge.outcomes(LOGGING, LIMITS)]
    packed = edge.at(NOVEMBER, "pack", "--period", "2026-10", "--output", "packs", "--format", "json")
    verified = edge.at(NOVEMBER, "verify", json.loads(packed.out)["pack"], "--format", "json")
    assert json.loads(verified.out)["findings_reproduced"] is True


def test_what_was_off_inside_the_period_deviates_though_it_is_on_again(edge: Edge) -> None:
    """Switched on before somebody asks: the reading from inside decides."""
    edge.read(OCTOBER, OFF)
    edge.read(NOVEMBER, GOOD)
    for outcome, reason in edge.outcomes(LOGGING, LIMITS):
        assert "deviation" == outcome
        assert "So it was read 2026-10-20 00:00 UTC" in reason


def test_what_was_switched_off_later_is_no_deviation_of_the_period(edge: Edge) -> None:
    """The reading from inside decides here too; the later one is the next month's."""
    edge.read(OCTOBER, GOOD)
    edge.read(NOVEMBER, OFF)
    assert ["met", "met"] == [outcome for outcome, _ in edge.outcomes(LOGGING, LIMITS)]


def test_two_equal_readings_around_the_period_speak_for_it(edge: Edge) -> None:
    """September's and November's collections, both good; with a bad one before, nobody knows."""
    edge.read(SEPTEMBER, GOOD, "2026-09")
    edge.read(NOVEMBER, GOOD)
    assert ["met", "met"] == [outcome for outcome, _ in edge.outcomes(LOGGING, LIMITS)]


def test_a_bad_reading_before_the_period_leaves_it_open(edge: Edge) -> None:
    """When it was mended is not known."""
    edge.read(SEPTEMBER, OFF, "2026-09")
    edge.read(NOVEMBER, GOOD)
    assert ["not tested", "not tested"] == [outcome for outcome, _ in edge.outcomes(LOGGING, LIMITS)]


def test_the_status_is_of_the_reading(edge: Edge) -> None:
    """`log_sources` shows what the platform has now, with the time of the reading beside it."""
    edge.read(NOVEMBER, OFF)
    sql = "select enabled, status, logs, observed_at from log_sources"
    rows = json.loads(edge.at(NOVEMBER, "query", sql, "--period", "2026-10", "--format", "json").out)
    assert [(False, "deviation", False)] == [(row["enabled"], row["status"], row["logs"]) for row in rows]
    assert rows[0]["observed_at"].startswith("2026-11-03")
