"""The table alerts: persons, tickets and ends, and what is not known of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from soc2ev.model import Coverage
from soc2ev.tables.logs import alerts
from tests.tables.logs.collected import OCTOBER, filled

KEY = "pagerduty:main"
GOOD = {
    "source_key": KEY,
    "event": "PONE111",
    "title": "Many failed logins",
    "opened_at": datetime(2026, 10, 5, 10, tzinfo=UTC),
    "acknowledged_by": "Ann",
    "closed_at": datetime(2026, 10, 5, 11, tzinfo=UTC),
    "people_known": True,
}
VERDICT = {"file": "a.yaml", "record": "a", "status": "approved", "alert": "PONE111", "verdict": "true_positive"}
SIGNED = {"file": "a.yaml", "record": "a", "approved": True, "in_force": True}
TICKET = {
    "site": "s",
    "ticket": "1",
    "key": "SEC-7",
    "project": "SEC",
    "part": "p",
    "status": "Done",
    "status_category": "done",
}


def made(verdict: dict[str, Any] | None = None, read: int = 3, **given: Any) -> dict[str, Any]:
    """The row of one alert, read on that day of November."""
    ticket, signed = given.pop("jira", None), given.pop("signed", SIGNED)
    more, registers = given.pop("more", []), given.pop("registers", [])
    rows = {
        "collected_alert_events": [GOOD | given],
        "register_alert_verdicts": [VERDICT | verdict, *more] if verdict is not None else [],
        "registers": registers,
        "register_approvals": [signed],
        "jira_tickets": [TICKET | ticket] if ticket is not None else [],
    }
    at = datetime(2026, 11, read, tzinfo=UTC)
    claim = Coverage(f"logs:{KEY}:history:alerts", OCTOBER, None, 1, complete=True, run="r", collected_at=at)
    (row,) = filled(rows, lambda engine: alerts.derive(engine, [claim]))["alerts"]
    return row


@pytest.mark.parametrize(
    ("given", "verdict", "answered"),
    [
        ({}, None, True),
        ({"acknowledged_by": None, "closed_by": "Bo"}, None, True),
        ({"acknowledged_by": None}, None, False),
        ({"acknowledged_by": None, "people_known": None}, None, None),
        ({"acknowledged_by": None}, {}, True),
    ],
)
def test_a_person_or_a_review_answers(given: Any, verdict: Any, answered: bool | None) -> None:
    """A system that does not tell who answered accuses nobody."""
    assert answered is made(verdict, **given)["answered"]


def test_a_verdict_of_a_draft_counts_for_nothing() -> None:
    """Two people have to have signed the review."""
    row = made({}, signed=SIGNED | {"approved": False}, acknowledged_by=None)
    assert (None, False) == (row["verdict"], row["answered"])


@pytest.mark.parametrize(
    ("verdict", "given", "basis", "ticketed"),
    [
        ({"ticket": "SEC-9"}, {}, "review", True),
        (None, {"jira": {"summary": "Logins", "description": "see PONE111"}}, "ticket", True),
        (None, {"url": "https://p.example/i/1", "jira": {"description": "https://p.example/i/1"}}, "ticket", True),
        (None, {"notes": "done in SEC-7", "jira": {}}, "alert", True),
        (None, {"notes": "done in SEC-9", "jira": {}}, "alert", None),
        (None, {"notes": "as SHA-256 says", "jira": {}}, None, None),
        ({}, {}, None, False),
        ({"verdict": "false_positive"}, {}, None, True),
        (None, {}, None, None),
    ],
)
def test_the_ticket_of_an_alert(verdict: Any, given: Any, basis: str | None, ticketed: bool | None) -> None:
    """Named by the review, by a ticket that names the alert, or in the alert's words; a true one without is a fault."""
    row = made(verdict, **given)
    assert (basis, ticketed) == (row["ticket_basis"], row["ticketed"])


def test_a_short_id_in_a_ticket_is_chance() -> None:
    """`12` stands in many texts."""
    assert None is made(event="12", jira={"description": "12 of 12"})["ticket"]


@pytest.mark.parametrize(("status", "done"), [("done", True), ("indeterminate", False)])
def test_the_end_of_the_ticket(status: str, done: bool) -> None:
    """Followed to its status; one that was not collected is not known."""
    assert done is made(notes="SEC-7", jira={"status_category": status})["followed_up"]
    assert None is made({"ticket": "SEC-9"})["followed_up"]


def test_an_alert_that_stays_open() -> None:
    """For a month nobody knows; then it is a fault."""
    assert None is made(closed_at=None)["ended"]
    assert False is made(closed_at=None, read=20)["ended"]
    assert True is made()["ended"]


def test_a_review_from_before_the_alert_is_none_of_it() -> None:
    """Nobody can have weighed what was yet to come; the day of the alert itself may be the day of the review."""
    for day, answered in ((date(2026, 9, 2), False), (date(2026, 10, 5), True)):
        registers = [{"file": "a.yaml", "record": "a", "reviewed_by": "Bo", "reviewed_on": day}]
        row = made({"verdict": "expected"}, registers=registers, acknowledged_by=None)
        assert (answered, answered or None) == (row["answered"], row["ticketed"])


def test_reviews_that_say_different_things_say_nothing() -> None:
    """A true alert in one and a false one in the other: neither is chosen; two that agree are as one."""
    for other, ticketed, verdict in (("true_positive", None, None), ("expected", True, "expected")):
        second = {**VERDICT, "entry": 2, "verdict": other}
        row = made({"verdict": "false_positive", "entry": 1}, more=[second], acknowledged_by=None)
        assert (ticketed, ticketed, verdict) == (row["answered"], row["ticketed"], row["verdict"])


@pytest.mark.parametrize("text", ["PONE1112 is open", "XPONE111", "https://example.com/PONE111-2"])
def test_a_longer_id_in_a_ticket_names_another_alert(text: str) -> None:
    """Ids are compared whole, as addresses are."""
    assert made(jira={"summary": text})["ticket"] is None
    assert "SEC-7" == made(jira={"summary": f"({text} and PONE111)"})["ticket"]
    assert made(url="https://example.com/a/1", jira={"summary": "https://example.com/a/12"})["ticket"] is None


@pytest.mark.parametrize("closed", [datetime(9999, 12, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_an_end_that_cannot_be_is_none(closed: datetime) -> None:
    """Before the beginning, or after the platform was asked."""
    assert made(closed_at=closed)["ended"] is None


def test_somebody_without_a_name_answers_nothing() -> None:
    """Spaces and signs that do not show are nobody's name."""
    assert made(acknowledged_by=" \u200b ")["answered"] is False
