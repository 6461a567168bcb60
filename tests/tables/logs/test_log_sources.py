"""The table log_sources: what platforms show beside the inventory, and what is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tables.logs.collected import claim, listed, source, tables

REGISTERS = [{"file": "log-sources.yaml", "record": "l", "kind": "log_sources", "status": "approved"}]


def one(*claims: Any, **rows: Any) -> dict[str, Any]:
    """The only row of log_sources."""
    (row,) = tables(rows, *claims)["log_sources"]
    return row


def judged(facts: dict[str, Any], **rows: Any) -> dict[str, Any]:
    """The row of a listed source with these facts."""
    return one(collected_log_sources=[source(**facts)], register_log_sources=[listed()], **rows)


REFUSED: dict[str, Any] = {"delivering": None, "unknown": ["delivering"], "reasons": "403"}


def test_a_source_that_is_listed_and_kept_is_ok() -> None:
    """Listed, logging, delivering and kept for longer than required: nothing is left to say."""
    row = judged({})
    assert ("ok", []) == (row["status"], row["reasons"])
    assert (True, "ann", 365, 400) == (row["in_inventory"], row["owner"], row["required_days"], row["retention_days"])


@pytest.mark.parametrize(
    ("facts", "column"),
    [
        ({"enabled": False}, "logs"),
        ({"delivering": False, "last_error": "AccessDenied"}, "arrives"),
        ({"last_event_at": datetime(2026, 9, 1, tzinfo=UTC)}, "arrives"),
        ({"retention_days": 30}, "kept"),
    ],
)
def test_what_is_off_broken_silent_or_short_is_a_deviation(facts: dict[str, Any], column: str) -> None:
    """Each alone makes the status a deviation, with a reason."""
    row = judged(facts)
    assert (False, "deviation", 1) == (row[column], row["status"], len(row["reasons"]))


@pytest.mark.parametrize(
    ("facts", "column"),
    [
        ({"enabled": None, "unknown": ["enabled"], "reasons": "403"}, "logs"),
        ({"delivering": None, "unknown": ["delivering"], "reasons": "403"}, "arrives"),
        ({**REFUSED, "last_event_at": datetime(2026, 10, 30, tzinfo=UTC)}, "arrives"),
        ({"last_event_at": datetime(2026, 10, 20, tzinfo=UTC)}, "arrives"),
        ({"retention_days": None, "unknown": ["retention_days"], "reasons": "403"}, "kept"),
        ({"retention_basis": "declared"}, "kept"),
    ],
)
def test_what_was_refused_is_neither_fine_nor_off(facts: dict[str, Any], column: str) -> None:
    """A refused fact, a week of quiet and a retention that somebody only declares leave the status unknown."""
    row = judged(facts)
    assert (None, "unknown", 1) == (row[column], row["status"], len(row["reasons"]))


def test_a_platform_that_never_tells_of_delivery_is_not_doubted_for_it() -> None:
    """Delivery that the system has no word for is NULL, and does not keep the status from ok."""
    row = judged({"delivering": None})
    assert (None, "ok") == (row["arrives"], row["status"])


def test_a_source_that_nobody_listed_is_a_deviation() -> None:
    """Found but not listed: in_inventory is false."""
    row = one(collected_log_sources=[source()], registers=REGISTERS)
    assert (False, "deviation", True) == (row["in_inventory"], row["status"], row["found"])


def test_an_inventory_that_cannot_be_read_lists_nobody_knows_what() -> None:
    """With an unreadable register, or a collection that was not whole, listing is not known."""
    broken = [{"file": "log-sources.yaml", "record": "log-sources.yaml", "problem": "not YAML"}]
    assert one(collected_log_sources=[source()], registers=broken)["in_inventory"] is None
    partly = claim("registers:files", complete=False)
    assert one(partly, collected_log_sources=[source()], registers=REGISTERS)["in_inventory"] is None


@pytest.mark.parametrize(
    ("claims", "found", "status"),
    [
        ([claim("logs:loki:prod:sources")], False, "deviation"),
        ([claim("logs:loki:prod:sources", complete=False)], None, "unknown"),
        ([claim("logs:okta:main:sources")], None, "unknown"),
    ],
)
def test_a_listed_source_that_is_not_shown(claims: list[Any], found: bool | None, status: str) -> None:
    """It is missing only where its platform was read whole; it is never off and never ok."""
    row = one(*claims, register_log_sources=[listed()])
    assert (found, None, True, status) == (row["found"], row["enabled"], row["in_inventory"], row["status"])


def test_a_platform_that_was_refused_as_a_whole_is_no_unlisted_source() -> None:
    """The row that stands for sources which could not be listed is neither found nor missing from the inventory."""
    row = one(
        collected_log_sources=[source("loki:entry", native=None, enabled=None, reasons="403", retention_days=None)]
    )
    assert (None, None, "unknown") == (row["in_inventory"], row["found"], row["status"])


def test_a_sink_of_a_part_of_the_events_says_nothing_of_the_whole() -> None:
    """A database keeps one kind of its logs for long and another one shortly: the source tells what is kept of all."""
    sinks = [
        {"source_key": "loki:prod", "retention_days": 500, "part": True},
        {"source_key": "loki:prod", "retention_days": 30, "part": True},
    ]
    assert 30 == judged({"retention_days": 30}, collected_log_sinks=sinks)["retention_days"]


def test_the_longest_sink_counts() -> None:
    """One copy that is kept long enough, or for ever, is enough."""
    sinks = [{"source_key": "loki:prod", "retention_days": 500}, {"source_key": "loki:prod", "retention_days": 7}]
    assert 500 == judged({"retention_days": 30}, collected_log_sinks=sinks)["retention_days"]
    row = judged({"retention_days": 30}, collected_log_sinks=[{"source_key": "loki:prod", "retention_infinite": True}])
    assert (True, None, True) == (row["retention_infinite"], row["retention_days"], row["kept"])


def test_a_sink_that_does_not_tell_may_keep_it_longer() -> None:
    """What is known to be too short is no deviation while one of the sinks is not known."""
    row = judged({"retention_days": 30}, collected_log_sinks=[{"source_key": "loki:prod"}])
    assert (None, "unknown") == (row["kept"], row["status"])


def test_promises_and_policy_raise_what_is_required() -> None:
    """The longest of inventory, policy in force and promises is required; a draft of a policy is not."""
    promise = [{"file": "c.yaml", "record": "c", "status": "approved", "customer": "Bank", "retention_days": 700}]
    row = judged({}, register_commitments=promise)
    assert (700, "the promise to Bank", False) == (row["required_days"], row["required_by"], row["kept"])
    policy = [{"file": "p.yaml", "record": "p", "class": "all", "archive_days": 800, "applies_to": ["loki:*"]}]
    approval = {"file": "p.yaml", "record": "p", "approved": True, "in_force": True}
    assert 800 == judged({}, register_retention=policy, register_approvals=[approval])["required_days"]
    draft = {**approval, "in_force": False}
    assert 365 == judged({}, register_retention=policy, register_approvals=[draft])["required_days"]


def test_sealed_and_encrypted_look_at_every_copy() -> None:
    """One write-once copy seals; one copy in the clear spoils encryption; one that does not tell leaves it open."""
    worm = [{"source_key": "loki:prod", "worm_mode": "COMPLIANCE", "encryption": "kms"}]
    row = judged({"integrity": "none"}, collected_log_sinks=worm)
    assert (True, True) == (row["sealed"], row["encrypted"])
    plain = [{"source_key": "loki:prod", "worm_mode": "none", "encryption": "none"}]
    row = judged({"integrity": "none", "encryption": "kms"}, collected_log_sinks=plain)
    assert (False, False) == (row["sealed"], row["encrypted"])
    row = judged({"integrity": "none", "encryption": "kms"}, collected_log_sinks=[{"source_key": "loki:prod"}])
    assert (None, None) == (row["sealed"], row["encrypted"])


def test_required_events_are_never_said_to_be_missing_while_it_logs() -> None:
    """What neither configuration nor sample shows is not known; when the source is off it is missing."""
    wanted = [listed(required_events=["auth.failure", "admin.action"])]
    events = [{"source_key": "loki:prod", "event": name} for name in ("auth.failure", "admin.action")]

    def covered(facts: dict[str, Any], shown: list[dict[str, Any]]) -> bool | None:
        rows = {"collected_log_sources": [source(**facts)], "register_log_sources": wanted}
        answer: bool | None = one(**rows, collected_log_events=shown)["events_covered"]
        return answer

    assert covered({}, events) is True
    assert covered({}, events[:1]) is None
    assert covered({"enabled": False}, events[:1]) is False


def test_sampling_and_exclusions_are_told() -> None:
    """A share below one and anything left out is no whole log; not told is not known."""
    assert judged({"sampling": 0.1})["whole"] is False
    assert judged({"exclusions": ["/health"]})["whole"] is False
    assert judged({"exclusions": []})["whole"] is True
    assert judged({})["whole"] is None


def test_of_several_entries_about_one_source_the_longest_binds() -> None:
    """Whichever is first: a second entry that requires less, or other events, takes nothing away."""
    for days in ((30, 500), (500, 30)):
        rows = [listed(days=one, file=f"{at}.yaml", required_events=[str(at)]) for at, one in enumerate(days)]
        row = one(collected_log_sources=[source()], register_log_sources=rows)
        assert (500, False, "deviation") == (row["required_days"], row["kept"], row["status"])
        assert "0 and 1" in row["events_reason"]


@pytest.mark.parametrize("kind", [None, "retention_policy", "customer_commitments", "log_sources"])
def test_a_register_that_cannot_be_read_may_require_more(kind: str | None) -> None:
    """What is long enough for the others is not known to be; what is too short for these stays too short."""
    broken = {"registers": [{"file": "b.yaml", "record": "b", "kind": kind, "problem": "line 3"}]}
    row = judged({}, **broken)
    assert (None, "unknown") == (row["kept"], row["status"])
    assert judged({"retention_days": 30}, **broken)["kept"] is False
    assert judged({}, registers=[{**broken["registers"][0], "kind": "people"}])["kept"] is True


def test_an_inventory_that_is_not_in_force_requires_nothing_that_counts() -> None:
    """A number that was lowered after the period, in a draft or an expired register, makes nothing long enough."""
    refused = {"file": "log-sources.yaml", "record": "l", "in_force": False, "reason": "Approved after the period."}
    row = judged({}, register_approvals=[refused])
    assert row["kept"] is None
    assert "Approved after the period." in row["kept_reason"]
    assert judged({"retention_days": 30}, register_approvals=[refused])["kept"] is False
    assert judged({}, register_approvals=[{**refused, "in_force": True}])["kept"] is True


@pytest.mark.parametrize(
    ("facts", "column"),
    [
        ({"last_event_at": datetime(9999, 12, 1, tzinfo=UTC)}, "arrives"),
        ({"last_event_at": datetime(2026, 11, 1, tzinfo=UTC)}, "arrives"),
        ({"retention_days": -1}, "kept"),
        ({"sampling": 1.0, "unknown": ["exclusions"], "reasons": "403"}, "whole"),
        ({"exclusions": [], "unknown": ["sampling"], "reasons": "403"}, "whole"),
        ({"sampling": 50.0, "exclusions": []}, "whole"),
        ({"sampling": -1.0, "exclusions": []}, "whole"),
    ],
)
def test_what_cannot_be_is_not_known(facts: dict[str, Any], column: str) -> None:
    """An event from after the reading, less than no days, more than all events; and half of an answer."""
    assert judged(facts)[column] is None


def test_events_of_a_sample_from_another_time_are_not_those_of_the_period() -> None:
    """A sample of 2024 does not show what was logged in October; one that touches it does."""
    need = [listed(required_events=["auth.failure"])]
    for year, covered in ((2024, None), (2026, True)):
        at = datetime(year, 10, 9, tzinfo=UTC)
        seen = [{"source": "loki:prod", "event": "auth.failure", "count": 1, "first_at": at, "last_at": at}]
        rows = {"collected_log_sources": [source()], "register_log_sources": need, "log_content_events": seen}
        assert covered is one(**rows)["events_covered"]
        logged = [row for row in tables(rows)["logged_events"] if row["event"] == "auth.failure"]
        assert [covered] == [row["logged"] for row in logged]
