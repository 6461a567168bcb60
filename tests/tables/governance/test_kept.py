"""Tickets that were done, access to repositories, and settings: what is known of each, and what is not."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from soc2ev.config import Config, TicketPolicy
from soc2ev.tables.governance import access, settings, tickets
from soc2ev.tables.governance.looks import Look
from tests.tables.governance.made import OCTOBER, at, coverage, table

CHANGES = [coverage("github:acme/api:commits"), coverage("github:acme/api:pull-requests")]
TICKET = {"site": "s", "ticket": "1", "key": "API-1", "type": "Change", "status": "Done", "status_category": "done"}
TICKET |= {"created_at": at(2), "updated_at": at(9), "resolved_at": at(9), "part": "list 1", "resolution": "Done"}
MOVE = {"site": "s", "ticket": "1", "position": 0, "field": "status"}
APPROVED = MOVE | {"event": "e1", "at": at(3), "before": "Open", "after": "Approved"}
DONE = MOVE | {"event": "e2", "at": at(9), "before": "Approved", "after": "Done"}
HISTORY = {"site": "s", "ticket": "1"}
CHANGE = {"item": "acme/api@1", "tickets": ["API-1"]}
TYPED = TicketPolicy(types=["change"])


def done(
    ticket: dict[str, Any] | None = None, policy: TicketPolicy = TYPED, claims: Any = CHANGES, **rows: Any
) -> dict[str, Any]:
    """The rows of finished_tickets for one ticket that was approved, done, and named by a change."""
    found = {"jira_tickets": [TICKET | (ticket or {})], "jira_events": [APPROVED, DONE], "jira_histories": [HISTORY]}
    found |= {"changes": [CHANGE], **rows}
    return table("finished_tickets", found, lambda engine: tickets.derive(engine, policy, OCTOBER, claims))


def test_a_ticket_that_was_approved_and_led_to_a_change() -> None:
    """Named by the change, approved before it was done."""
    row = done()["API-1"]
    assert (True, True, False, at(9), ["acme/api@1"]) == tuple(
        row[name] for name in ("named", "approved", "given_up", "done_at", "changes")
    )


@pytest.mark.parametrize(
    ("ticket", "rows", "when"),
    [
        ({}, {}, at(9)),
        ({"resolved_at": at(2, month=11)}, {}, "out"),
        ({"resolved_at": None}, {}, at(9)),
        ({"resolved_at": None, "status": "Closed", "created_at": at(2, month=9)}, {}, "out"),
        ({"resolved_at": None, "status": "Closed"}, {}, at(2)),
        ({"resolved_at": None}, {"jira_histories": []}, None),
        ({"resolved_at": None, "status_category": "indeterminate"}, {}, "out"),
        ({"type": "Bug"}, {}, "out"),
        ({"type": None}, {}, at(9)),
    ],
)
def test_which_tickets_were_done_in_the_period(
    ticket: dict[str, Any], rows: dict[str, Any], when: datetime | str | None
) -> None:
    """By the time of resolving, else of the last move to the present status; of the policy's types."""
    found = done(ticket, **rows)
    assert ([] if when == "out" else [when]) == [row["done_at"] for row in found.values()]


@pytest.mark.parametrize(
    ("ticket", "policy", "claims", "named"),
    [
        ({}, TYPED, CHANGES, False),
        ({}, TicketPolicy(), CHANGES, None),
        ({"created_at": at(30, month=9)}, TYPED, CHANGES, None),
        ({"created_at": None}, TYPED, CHANGES, None),
        ({}, TYPED, [], None),
        ({}, TYPED, [*CHANGES, coverage("github:acme/web:commits", complete=False)], None),
    ],
)
def test_a_ticket_that_no_change_names(
    ticket: dict[str, Any], policy: TicketPolicy, claims: list[Any], named: bool | None
) -> None:
    """It deviates where all changes of its whole life are known, and the policy says that it needs one."""
    assert named is done(ticket, policy, claims, changes=[])["API-1"]["named"]


def test_a_ticket_that_was_moved_is_named_by_its_old_key() -> None:
    """The key that a change names led to it."""
    lookup = {"site": "s", "asked": "OLD-5", "ticket": "1", "key": "API-1"}
    row = done(changes=[{"item": "acme/api@1", "tickets": ["OLD-5"]}], jira_lookups=[lookup])["API-1"]
    assert (True, ["acme/api@1"]) == (row["named"], row["changes"])


@pytest.mark.parametrize(
    ("events", "whole", "approved"),
    [
        ([APPROVED, DONE], False, True),
        ([DONE | {"before": "Open"}], True, False),
        ([DONE | {"before": "Open"}], False, None),
        ([DONE], True, True),
        ([APPROVED | {"at": at(10)}, DONE | {"before": "Open"}], True, False),
        ([APPROVED | {"at": None}, DONE | {"before": "Open"}], True, None),
        ([APPROVED | {"field": "summary"}, DONE | {"before": "Open"}], True, False),
    ],
)
def test_what_its_history_says_of_the_approval(
    events: list[dict[str, Any]], whole: bool, approved: bool | None
) -> None:
    """An approval before it was done, or at its creation; none in a history that is not whole is not known."""
    assert approved is done(jira_events=events, jira_histories=[HISTORY] if whole else [])["API-1"]["approved"]


def test_the_newest_of_several_answers_counts_and_sites_keep_apart() -> None:
    """Of one ticket the one that changed last; two sites may have the same key."""
    old = TICKET | {
        "part": "keys 1",
        "updated_at": at(5),
        "status": "Open",
        "status_category": "new",
        "resolved_at": None,
    }
    assert ["API-1"] == list(done(jira_tickets=[old, TICKET]))
    assert ["s/API-1", "t/API-1"] == list(done(jira_tickets=[TICKET, TICKET | {"site": "t"}]))
    assert True is done({"resolution": "Won't Do"})["API-1"]["given_up"]


GRANT = {"repository": "acme/api", "account": "ann", "account_id": 7, "account_type": "User", "role": "write"}
HOLDER = {"file": "p", "record": "p", "status": "approved", "system": "github", "account": "7", "person": "Ann Archer"}
PERSON = {"file": "p", "record": "p", "status": "approved", "entry": 1, "person": "Ann Archer", "machine": False}
PEOPLE = {"file": "p", "record": "p", "kind": "people", "status": "approved"}
FORCE = {"file": "p", "record": "p", "approved": True, "in_force": True}
REVIEW = {"file": "r", "record": "q4", "status": "approved", "period": "2026-Q4", "system": "GitHub"}
DECISION = {
    "file": "r",
    "record": "q4",
    "status": "approved",
    "entry": 1,
    "principal": "Ann Archer",
    "decision": "keep",
    "why": "x",
}
REVIEWED = {"file": "r", "record": "q4", "approved": True}


def granted(services: list[str] | None = None, claims: Any = None, **rows: Any) -> dict[str, Any]:
    """The rows of repository_access for Ann, who is known, employed and reviewed."""
    found = {"github_permissions": [GRANT], "accounts": [HOLDER], "people": [PERSON], "registers": [PEOPLE]}
    found |= {"register_approvals": [FORCE, REVIEWED], "register_access_reviews": [REVIEW]}
    found |= {"register_access_decisions": [DECISION], **rows}
    told = [coverage("registers:all")] if claims is None else claims
    return table("repository_access", found, lambda e: access.derive(e, OCTOBER, "UTC", services or [], told))


def answers(row: dict[str, Any]) -> tuple[bool | None, ...]:
    """Known, employed, reviewed."""
    assert all(row[f"{name}_reason"] for name in ("known", "employed", "reviewed"))
    return row["known"], row["employed"], row["reviewed"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({}, (True, True, True)),
        ({"people": [PERSON | {"employed_until": date(2026, 10, 30)}]}, (True, False, True)),
        ({"people": [PERSON | {"employed_until": date(2026, 10, 31)}]}, (True, True, True)),
        ({"people": [PERSON | {"machine": True}]}, (True, None, True)),
        ({"register_approvals": [FORCE | {"approved": False, "in_force": False}, REVIEWED]}, (None, None, True)),
        ({"register_approvals": [REVIEWED]}, (None, None, True)),
        ({"accounts": []}, (False, None, False)),
        ({"accounts": [], "registers": []}, (None, None, None)),
        ({"accounts": [], "registers": [PEOPLE, {"file": "x", "record": "x", "problem": "no"}]}, (None, None, None)),
        ({"accounts": [], "claims": [coverage("registers:all", complete=False)]}, (None, None, None)),
        ({"accounts": [HOLDER | {"system": "jira"}]}, (False, None, False)),
        ({"accounts": [], "services": ["ANN"]}, (True, None, False)),
        ({"register_access_reviews": []}, (True, True, None)),
        ({"register_access_reviews": [REVIEW | {"period": "2026-Q3"}]}, (True, True, None)),
        ({"register_access_reviews": [REVIEW | {"system": "loki"}]}, (True, True, None)),
        ({"register_access_reviews": [REVIEW | {"system": "acme/api"}]}, (True, True, True)),
        ({"register_access_reviews": [REVIEW | {"system": "github:acme"}]}, (True, True, True)),
        ({"register_approvals": [FORCE]}, (True, True, None)),
        ({"register_access_decisions": []}, (True, True, False)),
        ({"register_access_decisions": [DECISION | {"principal": "7"}]}, (True, True, True)),
        ({"register_access_decisions": [DECISION | {"decision": "remove"}]}, (True, True, None)),
        (
            {"register_access_decisions": [DECISION | {"decision": "remove", "done_on": date(2026, 10, 5)}]},
            (True, True, False),
        ),
        ({"register_access_decisions": [DECISION | {"decision": "reduce"}]}, (True, True, None)),
    ],
)
def test_who_may_write(rows: dict[str, Any], expected: tuple[bool | None, ...]) -> None:
    """Each part of the answer fails alone, and nothing that was not read accuses anybody."""
    assert expected == answers(granted(**rows)["acme/api#7"])


def test_who_may_only_read_is_left_out() -> None:
    """A custom role may be able to write."""
    roles = ["read", "triage", "release-manager", "admin"]
    grants = [GRANT | {"role": role, "account_id": at_} for at_, role in enumerate(roles)]
    assert ["release-manager", "admin"] == [row["role"] for row in granted(github_permissions=grants).values()]


def config(environments: str = "[prod*]") -> Config:
    """A configuration with that scope."""
    scope = [{"repository": "acme/*", "environments": environments.strip("[]").split(",")}]
    return Config.model_validate({"version": 1, "organisation": "Example Co", "scope": scope})


CHECKS = coverage("github:acme/api:checks")
PLACES = coverage("github:acme/api:settings:environments", seen=at(20))
VALUES = {
    "artifact_and_log_retention_days": "90",
    "can_approve_pull_request_reviews": "false",
    "vulnerability_alerts": "true",
}
PLACE = {"repository": "acme/api", "name": "production", "reviewers": ["Team:1"], "branches": None}
ADMINISTERS = {"repository": "acme/api", "capability": "workflow permissions", "visible": "yes"}


def set_(values: dict[str, Any] | None = None, claims: Any = None, looks: Any = None, **rows: Any) -> dict[str, Any]:
    """The row of repository_settings."""
    told = [
        {"repository": "acme/api", "name": name, "value": value} for name, value in (VALUES | (values or {})).items()
    ]
    found = {"github_settings": told, "github_environments": [PLACE], "github_capabilities": [ADMINISTERS], **rows}
    seen = [CHECKS, PLACES] if claims is None else claims
    made = table(
        "repository_settings", found, lambda engine: settings.derive(engine, config(), seen, looks or {}, OCTOBER)
    )
    return dict(made["acme/api"])


@pytest.mark.parametrize(
    ("days", "seen", "kept", "oldest"),
    [
        ("90", at(3, month=11), True, 34),
        ("30", at(3, month=11), False, 34),
        ("34", at(3, month=11), False, 34),
        ("100", None, True, None),
        ("90", None, None, None),
        (None, at(3, month=11), None, 34),
        ("many", at(3, month=11), None, 34),
    ],
)
def test_how_long_checks_are_kept(
    days: str | None, seen: datetime | None, kept: bool | None, oldest: int | None
) -> None:
    """Longer than the period's oldest had to wait for the collection; 1 October to 3 November is 33 and a half days."""
    claims = [coverage("github:acme/api:checks", seen=seen), PLACES] if seen else [PLACES]
    row = set_({"artifact_and_log_retention_days": days}, claims)
    assert (kept, oldest) == (row["kept"], row["oldest_days"])


@pytest.mark.parametrize(
    ("places", "whole", "gated", "names"),
    [
        ([PLACE], True, True, ["production"]),
        ([PLACE], False, None, ["production"]),
        ([PLACE | {"reviewers": []}], False, False, ["production"]),
        ([PLACE | {"reviewers": [], "branches": "protected"}], True, True, ["production"]),
        ([PLACE | {"reviewers": [], "branches": "custom"}], True, None, ["production"]),
        ([PLACE, PLACE | {"name": "prod-eu", "reviewers": []}], True, False, ["prod-eu", "production"]),
        ([PLACE | {"name": "staging", "reviewers": []}], True, None, []),
        ([], True, None, []),
        ([], False, None, None),
    ],
)
def test_what_guards_production(
    places: list[dict[str, Any]], whole: bool, gated: bool | None, names: list[str] | None
) -> None:
    """The environments that the scope calls production; a list that was cut never shows that all are guarded."""
    row = set_(claims=[CHECKS, coverage(PLACES.stream, complete=whole, seen=at(20))], github_environments=places)
    assert (gated, names) == (row["gated"], row["environments"])


def test_switches_that_are_not_visible_are_not_off() -> None:
    """To somebody who does not administer the repository GitHub says that alerts are off."""
    off = {"vulnerability_alerts": "false", "can_approve_pull_request_reviews": "true"}
    assert (False, True) == (set_(off)["alerts"], set_(off)["actions_may_approve"])
    assert None is set_(off, github_capabilities=[])["alerts"]
    assert True is set_(github_capabilities=[])["alerts"]
    assert None is set_({"can_approve_pull_request_reviews": None})["actions_may_approve"]


def look(day: int, month: int = 10, **told: str) -> Look:
    """What another collection read on that day; everything as it should be unless told otherwise."""
    return Look(
        at(day, month=month), VALUES | told, [PLACE], listed=True, administered=True, digests=(f"sha256:{day}",)
    )


def test_switches_that_were_read_after_the_period_are_not_known_of_it() -> None:
    """The table shows them, and the answers for the period stay open; what is wrong is told all the same."""
    late = [CHECKS, coverage(PLACES.stream, seen=at(3, month=11))]
    row = set_(claims=late)
    assert (False, True) == (row["actions_may_approve"], row["alerts"])
    assert [None, None, None] == [row[name] for name in ("machines_kept_out", "gated", "alerted")]
    assert "It was read 2026-11-03 12:00 UTC, after the period" in row["machines_kept_out_reason"]
    assert False is set_({"can_approve_pull_request_reviews": "true"}, late)["machines_kept_out"]


def test_another_reading_inside_the_period_speaks_for_it() -> None:
    """Good or bad, the reading from inside decides, and its body stands among the evidence."""
    late = [CHECKS, coverage(PLACES.stream, seen=at(3, month=11))]
    row = set_(claims=late, looks={"acme/api": [look(9)]})
    assert [True, True, True] == [row[name] for name in ("machines_kept_out", "gated", "alerted")]
    assert "sha256:9" in row["evidence"]
    worse = look(9, can_approve_pull_request_reviews="true")
    assert False is set_(claims=late, looks={"acme/api": [worse, look(20)]})["machines_kept_out"]
