"""Alert, ticket, resolution: a PagerDuty on the loopback, through collect, query, check and the monthly review."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response

from soc2ev.cli import session
from tests.conftest import Result, Run

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

NOVEMBER = datetime(2026, 11, 3, tzinfo=UTC)
OCTOBER = ("--period", "2026-10")
ANN = {"type": "user_reference", "summary": "Ann Berg"}
ROBOT = {"type": "service_reference", "summary": "API"}


def incident(name: str, day: int, status: str = "resolved", **more: Any) -> dict[str, Any]:
    """An incident as PagerDuty's API documents it."""
    at = f"2026-10-{day:02}T10:00:00Z"
    return {
        "id": name,
        "incident_number": day,
        "title": "Many failed logins",
        "created_at": at,
        "status": status,
        "urgency": "high",
        "service": {"id": "S", "type": "service_reference", "summary": "API"},
        "last_status_change_at": f"2026-10-{day:02}T10:30:00Z",
        "html_url": f"https://example.pagerduty.com/incidents/{name}",
        **more,
    }


def step(of: str, kind: str, agent: dict[str, str], minute: int, content: str = "") -> dict[str, Any]:
    """A log entry."""
    at = f"2026-10-05T10:{minute:02}:00Z"
    channel = {"type": "note", "summary": content}
    return {
        "id": f"R{minute}",
        "type": kind,
        "created_at": at,
        "agent": agent,
        "incident": {"id": of},
        "channel": channel,
    }


@dataclass
class PagerDuty:
    """What it answers, two entries a page."""

    url: str
    incidents: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    without: dict[str, int] = field(default_factory=dict)
    """Lists with the status that is answered instead."""

    def answer(self, request: Request) -> Response:
        """One page of the list that was asked for."""
        name = request.path.strip("/")
        given = {"incidents": self.incidents, "log_entries": self.steps}.get(name, [])
        if name == "incidents":
            self.asked.append(request.args.to_dict())
        if name in self.without:
            return Response("{}", self.without[name], content_type="application/json")
        if self.status != 200 and name in ("incidents", "log_entries"):
            return Response("{}", self.status, content_type="application/json")
        at = int(request.args.get("offset", 0))
        page = {name: given[at : at + 2], "offset": at, "limit": 2, "more": at + 2 < len(given), "total": None}
        return Response(json.dumps(page), content_type="application/json")


@dataclass
class Desk:
    """Somebody who collects."""

    run: Run
    folder: Path
    patch: pytest.MonkeyPatch
    pager: PagerDuty
    server: HTTPServer

    def at(self, moment: datetime, *words: str) -> Result:
        """The command at that time."""
        self.patch.setattr(session, "now", lambda: moment)
        return self.run(*words, cwd=self.folder)

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The rows of the table by event."""
        done = self.at(NOVEMBER, "query", "select * from alerts order by opened_at", *OCTOBER, "--format", "json")
        return {row["event"]: row for row in json.loads(done.out)}

    def outcomes(self, control: str) -> dict[str, dict[str, str]]:
        """Outcomes by item and letter."""
        done = self.at(NOVEMBER, "check", *OCTOBER, "--format", "json")
        (found,) = [one for one in json.loads(done.out)["findings"] if one["control"] == control]
        return {
            item["id"]: {letter: one["outcome"] for letter, one in item["outcomes"].items()} for item in found["items"]
        }


@pytest.fixture
def desk(tmp_path: Path, soc2ev: Run, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Desk:
    """A team with PagerDuty and registers."""
    pager = PagerDuty(httpserver.url_for("").rstrip("/"))
    httpserver.expect_request("/incidents").respond_with_handler(pager.answer)
    for name in (
        "services",
        "escalation_policies",
        "oncalls",
        "maintenance_windows",
        "webhook_subscriptions",
        "log_entries",
    ):
        httpserver.expect_request(f"/{name}").respond_with_handler(pager.answer)
    monkeypatch.setenv("PAGER", "S3NTINEL")
    (tmp_path / "registers").mkdir()
    (tmp_path / "soc2ev.yaml").write_text(
        "version: 1\norganisation: Example Co\nregisters: ./registers\nsources:\n"
        f"  logs: [{{connector: pagerduty, name: main, url: '{pager.url}', token: {{env: PAGER}}, alerts: true}}]\n",
        encoding="utf-8",
    )
    return Desk(soc2ev, tmp_path, monkeypatch, pager, httpserver)


def test_an_alert_is_followed_from_person_to_end(desk: Desk) -> None:
    """Three pages of incidents and steps: who answered first, who only a machine answered, what is open."""
    desk.pager.incidents = [incident("PONE111", 5), incident("PTWO222", 6), incident("PTHREE3", 7, "triggered")]
    desk.pager.steps = [
        step("PONE111", "resolve_log_entry", ANN, 30),
        step("PONE111", "annotate_log_entry", ANN, 20, "see SEC-7"),
        step("PONE111", "acknowledge_log_entry", {**ANN, "summary": "Bo Lind"}, 9),
        step("PONE111", "acknowledge_log_entry", ANN, 4),
        step("PTWO222", "resolve_log_entry", ROBOT, 31),
    ]
    assert 0 == desk.at(NOVEMBER, "collect", *OCTOBER).code
    one, two, three = desk.alerts().values()
    assert ("Ann Berg", 4, 30, "SEC-7", "alert") == tuple(
        one[name] for name in ("acknowledged_by", "minutes_to_answer", "minutes_to_end", "ticket", "ticket_basis")
    )
    assert [True, False, False] == [row["answered"] for row in (one, two, three)]
    assert [True, True, None] == [row["ended"] for row in (one, two, three)]
    assert ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z") == tuple(desk.pager.asked[0][k] for k in ("since", "until"))
    found = desk.outcomes("alerts-lead-to-action")
    assert {"A": "met", "B": "not tested", "C": "met", "D": "not tested"} == found["pagerduty:main/PONE111"]
    assert ("deviation", "not tested") == tuple(found["pagerduty:main/PTHREE3"][letter] for letter in "AC")
    packed = json.loads(desk.at(NOVEMBER, "pack", *OCTOBER, "--output", "packs", "--format", "json").out)["pack"]
    assert json.loads(desk.at(NOVEMBER, "verify", packed, "--format", "json").out)["findings_reproduced"] is True


def test_alerts_that_were_refused_are_not_tested(desk: Desk) -> None:
    """403 for the incidents alone: settings are there, alerts are incomplete, nothing is met, and a review is refused."""
    desk.pager.status = 403
    done = desk.at(NOVEMBER, "collect", *OCTOBER)
    assert 4 == done.code
    assert {"alerts": dict.fromkeys("ABCD", "not tested")} == desk.outcomes("alerts-lead-to-action")
    refused = desk.at(NOVEMBER, "registers", "new", "alert-review", *OCTOBER)
    assert 5 == refused.code
    assert "were not collected whole" in refused.err
    assert not (desk.folder / "registers" / "alert-review").exists()


@pytest.mark.parametrize(
    ("name", "member", "new"),
    [
        ("steps", "agent", None),
        ("steps", "agent", "Ann Berg"),
        ("steps", "agent", {"summary": "Ann Berg"}),
        ("steps", "type", None),
        ("steps", "incident", {}),
        ("steps", "created_at", 7),
        ("incidents", "status", "merged"),
        ("incidents", "status", None),
        ("incidents", "created_at", None),
        ("incidents", "last_status_change_at", None),
    ],
)
def test_entries_that_are_none_answer_nobody_and_end_nothing(desk: Desk, name: str, member: str, new: object) -> None:
    """A member that is gone or of another kind leaves the alerts untold: none is unanswered, and none still open."""
    desk.pager.incidents = [incident("PONE111", 5)]
    desk.pager.steps = [step("PONE111", "acknowledge_log_entry", ANN, 4), step("PONE111", "resolve_log_entry", ANN, 9)]
    for row in getattr(desk.pager, name):
        row.pop(member) if new is None else row.update({member: new})
    assert 5 == desk.at(NOVEMBER, "collect", *OCTOBER).code
    found = desk.outcomes("alerts-lead-to-action")
    assert {"not tested"} == {letters["A"] for letters in found.values()}
    assert "deviation" not in {word for letters in found.values() for word in letters.values()}


@pytest.mark.parametrize("status", [403, 404, 500])
def test_steps_that_were_not_had_leave_nobody_known(desk: Desk, status: int) -> None:
    """The incidents are there, and what people did about them is not: whether somebody answered is not known."""
    desk.pager.incidents = [incident("PONE111", 5), incident("PTHREE3", 7, "triggered")]
    desk.pager.without = {"log_entries": status}
    assert {403: 4}.get(status, 5) == desk.at(NOVEMBER, "collect", *OCTOBER).code
    assert {None} == {row["answered"] for row in desk.alerts().values()}
    found = desk.outcomes("alerts-lead-to-action")
    assert {"not tested"} == {letters["A"] for letters in found.values()}
    assert "deviation" not in {word for letters in found.values() for word in letters.values()}


def test_a_month_without_an_alert_is_no_occurrence(desk: Desk) -> None:
    """Asked and answered: there was none."""
    assert 0 == desk.at(NOVEMBER, "collect", *OCTOBER).code
    done = desk.at(NOVEMBER, "check", *OCTOBER, "--format", "json")
    (found,) = [one for one in json.loads(done.out)["findings"] if one["control"] == "alerts-lead-to-action"]
    assert ("no occurrence", []) == (found["conclusion"], found["items"])


def test_the_review_is_filled_with_its_population_and_judged_by_it(desk: Desk) -> None:
    """A draft with every alert; filled and signed it agrees with the platform; with one left out it deviates."""
    hostile = 'x\n- {alert: FORGED, verdict: expected} # "'
    desk.pager.incidents = [incident("PONE111", 5, title=hostile), incident("P'Q{}22", 6)]
    assert 0 == desk.at(NOVEMBER, "collect", *OCTOBER).code
    made = desk.at(NOVEMBER, "registers", "new", "alert-review", *OCTOBER)
    file = desk.folder / "registers" / "alert-review" / "2026-10.yaml"
    assert (0, f"{file}\n") == (made.code, made.out)
    text = file.read_text(encoding="utf-8")
    assert all(line.startswith("#") for line in text.splitlines() if "FORGED" in line)
    assert "alert: 'P''Q{}22'" in text
    assert 0 == desk.at(NOVEMBER, "registers", "lint").code
    assert 2 == desk.at(NOVEMBER, "registers", "new", "alert-review", *OCTOBER).code
    filled = [
        line.replace("#   - ", "  - ").replace("verdict: }", "verdict: expected}")
        for line in text.splitlines()
        if not line.startswith("#") or line.startswith("#   - ")
    ]
    signed = "\n".join(filled).replace("reviewed: []", "reviewed:").replace("status: draft", "status: approved")
    signed = signed.replace("prepared_by: null", "prepared_by: Ann Berg\nreviewed_by: Bo Lind\nreviewed_on: 2026-11-03")
    file.write_text(signed.replace("owner: null", "owner: security"), encoding="utf-8")
    assert 0 == desk.at(NOVEMBER, "registers", "lint").code
    assert 0 == desk.at(NOVEMBER + timedelta(hours=1), "collect", *OCTOBER).code
    assert {"B": "met", "C": "met"}.items() <= desk.outcomes("alerts-reviewed-monthly")["2026-10"].items()
    assert ["expected", "expected"] == [row["verdict"] for row in desk.alerts().values()]
    file.write_text(file.read_text(encoding="utf-8").replace("alerts: 2", "alerts: 1"), encoding="utf-8")
    assert 0 == desk.at(NOVEMBER + timedelta(hours=2), "collect", *OCTOBER).code
    assert "deviation" == desk.outcomes("alerts-reviewed-monthly")["2026-10"]["C"]


def test_a_connector_without_a_history_refuses(desk: Desk) -> None:
    """alerts: true beside a connector that cannot tell is a mistake in the configuration."""
    text = (desk.folder / "soc2ev.yaml").read_text(encoding="utf-8")
    (desk.folder / "soc2ev.yaml").write_text(text.replace("pagerduty, name", "okta, name"), encoding="utf-8")
    done = desk.at(NOVEMBER, "collect", *OCTOBER)
    assert 2 == done.code
    assert "okta cannot tell which alerts there were" in done.err


def test_two_months_make_a_quarter_of_alerts_with_a_gap(desk: Desk) -> None:
    """Months follow one another; the month that nobody collected is missed."""
    desk.pager.incidents = [incident("PONE111", 5)]
    assert 0 == desk.at(NOVEMBER, "collect", *OCTOBER).code
    desk.pager.incidents = [incident("PSEP999", 5, created_at="2026-09-05T10:00:00Z")]
    assert 0 == desk.at(NOVEMBER, "collect", "--period", "2026-09").code
    sql = "select event from alerts order by 1"
    done = desk.at(NOVEMBER, "query", sql, "--period", "2026-09-01..2026-10-31", "--format", "json")
    assert ["PONE111", "PSEP999"] == [row["event"] for row in json.loads(done.out)]
    told = "select complete from collections where stream like 'logs:%:history%' order by all"
    done = desk.at(NOVEMBER, "query", told, "--period", "2026-08-01..2026-10-31", "--format", "json")
    assert [False, True, True] == [row["complete"] for row in json.loads(done.out)]


def test_a_review_of_alerts_that_do_not_exist_is_no_review_of_those_that_do(desk: Desk) -> None:
    """The number is right and the names are not: the verdicts are nobody's, whatever the count says."""
    desk.pager.incidents = [incident("PONE111", 5), incident("PTWO222", 6)]
    file = desk.folder / "registers" / "alert-review.yaml"
    review = {"id": "a", "kind": "alert_review", "schema": 1, "title": "October", "owner": "Ann Berg"}
    review |= {"prepared_by": "Ann Berg", "reviewed_by": "Bo Lind", "reviewed_on": "2026-11-02", "status": "approved"}
    review |= {"criteria": ["CC7.2"], "period": "2026-10", "population": {"alerts": 2, "from": "PagerDuty"}}
    for hour, names, told in ((0, ("GHOST11", "GHOST22"), "not tested"), (1, ("PONE111", "PTWO222"), "met")):
        verdicts = [{"alert": name, "verdict": "expected"} for name in names]
        file.write_text(json.dumps({**review, "reviewed": verdicts}), encoding="utf-8")
        assert 0 == desk.at(NOVEMBER + timedelta(hours=hour), "collect", *OCTOBER).code
        assert {"B": told, "C": "met"}.items() <= desk.outcomes("alerts-reviewed-monthly")["2026-10"].items()


@pytest.mark.parametrize("wrong", [{"other": []}, {"incidents": None}])
def test_an_answer_without_the_list_is_no_month_without_alerts(desk: Desk, wrong: dict[str, Any]) -> None:
    """A list that is missing, or null, is not an empty one."""
    desk.pager.answer = lambda request: Response(  # type: ignore[method-assign]
        json.dumps(wrong if request.path == "/incidents" else {request.path.strip("/"): [], "more": False}),
        content_type="application/json",
    )
    desk.server.clear()
    desk.server.expect_request(re.compile("/.*")).respond_with_handler(desk.pager.answer)
    assert 5 == desk.at(NOVEMBER, "collect", *OCTOBER).code
    assert {"alerts": dict.fromkeys("ABCD", "not tested")} == desk.outcomes("alerts-lead-to-action")


def test_one_id_for_two_alerts_is_told(desk: Desk) -> None:
    """Which of the two stands there nobody knows: the month is incomplete."""
    desk.pager.incidents = [incident("PONE111", 5), incident("PONE111", 6)]
    done = desk.at(NOVEMBER, "collect", *OCTOBER)
    assert 5 == done.code
    assert "1 alerts have the id of another" in done.err + done.out
