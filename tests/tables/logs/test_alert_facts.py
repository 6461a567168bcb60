"""The table alerts: persons, tickets and ends, and what is not known of them."""

from __future__ import annotations

from datetime import UTC, datetime
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
    rows = {
        "collected_alert_events": [GOOD | given],
        "register_alert_verdicts": [VERDICT | verdict] if verdict is not None else [],
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
