"""Log settings read inside, after and around a period, through the front door: collect, check, query, pack, verify."""

from __future__ import annotations

import json
import random
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
BARE = "http {{ access_log {log}; }}"
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

    def read(self, moment: datetime, state: tuple[str, str | None], period: str = "2026-10") -> None:
        """Collect while the gateway is set like that; without any limit when `dry` is None."""
        log, dry = state
        text = CONF.format(log=log, dry=dry) if dry is not None else BARE.format(log=log).replace("{{", "{")
        (self.folder / "nginx.conf").write_text(text.replace("}}", "}"), encoding="utf-8")
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


def test_a_limit_that_was_taken_away_inside_is_not_met_by_readings_around(edge: Edge) -> None:
    """On in September and in November, and gone in October: it refused nothing then."""
    edge.read(SEPTEMBER, GOOD, "2026-09")
    edge.read(OCTOBER, (GOOD[0], None))
    edge.read(NOVEMBER, GOOD)
    ((outcome, reason),) = edge.outcomes(LIMITS)
    assert "deviation" == outcome
    assert "did not show it, as it did before and after" in reason


def test_a_limit_that_is_deleted_afterwards_stays_in_the_population(edge: Edge) -> None:
    """It only counted in October; that it is gone in November hides nothing, and the pack says the same."""
    edge.read(OCTOBER, OFF)
    edge.read(NOVEMBER, (GOOD[0], None))
    ((outcome, reason),) = edge.outcomes(LIMITS)
    assert ("deviation", True) == (outcome, "only counts" in reason)
    packed = edge.at(NOVEMBER, "pack", "--period", "2026-10", "--output", "packs", "--format", "json")
    verified = edge.at(NOVEMBER, "verify", json.loads(packed.out)["pack"], "--format", "json")
    assert json.loads(verified.out)["findings_reproduced"] is True


MANIFEST = """
id: own
title: Own
category: application
transport: python
docs: https://example.com
verified: by hand
requires: [nothing]
requests: [{id: all, call: all, keep: [sources]}]
sources:
  - each: =all.sources
    record:
      native: =item.name
      enabled: =item.on
      last_event_at: =item.last
      rate_limits: [{each: item.limits, scope: =entry.scope, burst: =entry.burst, enforced: =entry.on}]
"""


@pytest.fixture
def own(edge: Edge) -> Edge:
    """A platform of the team's own beside the gateway: a file answers."""
    (edge.folder / ".soc2ev" / "sources").mkdir(parents=True)
    (edge.folder / ".soc2ev" / "sources" / "own.yaml").write_text(MANIFEST, encoding="utf-8")
    text = (edge.folder / "soc2ev.yaml").read_text(encoding="utf-8")
    text = text.replace("{connector: nginx, name: edge, path: nginx.conf}", "{connector: own, name: main}")
    (edge.folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
    return edge


def told(own: Edge, moment: datetime, *sources: dict[str, object], period: str = "2026-10") -> None:
    """Collect while the platform shows these sources."""
    answer = f"print({json.dumps({'sources': sources})!r})"
    (own.folder / ".soc2ev" / "sources" / "own.py").write_text(answer, encoding="utf-8")
    assert 0 == own.at(moment, "collect", "--period", period).code


def logging(own: Edge) -> dict[str, str]:
    """Whether each source logged in October."""
    done = own.at(datetime(2026, 11, 25, tzinfo=UTC), "check", "--period", "2026-10", "--format", "json")
    (found,) = [one for one in json.loads(done.out)["findings"] if one["control"] == LOGGING[0]]
    return {item["id"]: item["outcomes"]["B"]["outcome"] for item in found["items"]}


def test_a_source_that_was_gone_inside_did_not_log(own: Edge) -> None:
    """Shown before and after the period, and not in it: two readings around it do not outvote the one inside."""
    api, web = {"name": "api", "on": True}, {"name": "web", "on": True}
    told(own, SEPTEMBER, api, web, period="2026-09")
    told(own, OCTOBER, web)
    told(own, NOVEMBER, api, web)
    assert {"own:api": "deviation", "own:web": "met"} == logging(own)


def test_a_source_that_is_deleted_afterwards_stays_in_the_population(own: Edge) -> None:
    """It was off in October; who deletes it before the month is collected does not hide that."""
    told(own, OCTOBER, {"name": "api", "on": False}, {"name": "old", "on": True}, {"name": "web", "on": True})
    told(own, NOVEMBER, {"name": "web", "on": True})
    assert {"own:api": "deviation", "own:old": "met", "own:web": "met"} == logging(own)


def test_of_limits_that_are_named_alike_the_one_that_is_left_takes_no_others_place(own: Edge) -> None:
    """One of two was off, and one of two is left: nobody can tell which."""
    two = [{"scope": "login", "on": True}, {"scope": "login", "on": False}]
    told(own, OCTOBER, {"name": "api", "on": True, "limits": two})
    told(own, NOVEMBER, {"name": "api", "on": True, "limits": two[:1]})
    assert ["deviation"] == [outcome for outcome, _ in own.outcomes(LIMITS)]


def test_times_and_numbers_that_no_table_holds_stop_nothing(own: Edge) -> None:
    """An instant before the year 1 of UTC and a burst of 31 digits: not known, and the command goes on."""
    odd = {"name": "api", "on": True, "last": "0001-01-01T00:00:00+14:00", "limits": [{"scope": "x", "burst": 10**31}]}
    told(own, OCTOBER, odd, {"name": "web", "on": True})
    assert {"own:api": "met", "own:web": "met"} == logging(own)


def test_a_sample_that_is_no_text_is_not_clean(edge: Edge) -> None:
    """An encrypted file under the name of a log: nothing can be found in it, so nothing is said of it."""
    text = (edge.folder / "soc2ev.yaml").read_text(encoding="utf-8")
    text += "  files: [{path: 'logs/*', format: auto, source: api}]\n"
    (edge.folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
    (edge.folder / "logs").mkdir()
    (edge.folder / "logs" / "api.log").write_bytes(random.Random(1).randbytes(20_000))
    (edge.folder / "nginx.conf").write_text(CONF.format(log="off", dry=""), encoding="utf-8")
    assert 5 == edge.at(OCTOBER, "collect", "--period", "2026-10").code
    ((outcome, _),) = edge.outcomes(("log-content-clean", "A"))
    assert "not tested" == outcome


def test_a_sample_of_which_one_file_cannot_be_opened_is_not_clean(edge: Edge) -> None:
    """What stands in the other file nobody saw, though nothing stands in this one."""
    text = (edge.folder / "soc2ev.yaml").read_text(encoding="utf-8")
    text += "  files: [{path: 'logs/*', format: auto, source: api}]\n"
    (edge.folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
    (edge.folder / "logs").mkdir()
    (edge.folder / "logs" / "a.log").write_text("2026-10-09T10:00:00Z nothing\n" * 20, encoding="utf-8")
    (edge.folder / "logs" / "b.log").symlink_to("missing.log")
    (edge.folder / "nginx.conf").write_text(CONF.format(log="off", dry=""), encoding="utf-8")
    assert 5 == edge.at(OCTOBER, "collect", "--period", "2026-10").code
    ((outcome, _),) = edge.outcomes(("log-content-clean", "A"))
    assert "not tested" == outcome


def test_entries_that_show_one_name_may_change_places(own: Edge) -> None:
    """What appears under one entry as it vanishes under the other is told of both, and stops no command."""
    text = (own.folder / "soc2ev.yaml").read_text(encoding="utf-8")
    one, two = "{connector: own, name: main}", "{connector: own, name: second}"
    for moment, first, second in ((datetime(2026, 10, 5, tzinfo=UTC), one, two), (OCTOBER, two, one)):
        (own.folder / "soc2ev.yaml").write_text(text.replace(one, f"{first}, {second}"), encoding="utf-8")
        told(own, moment, {"name": "api", "on": True})
    assert "own:api" in logging(own)
