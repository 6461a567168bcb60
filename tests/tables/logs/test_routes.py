"""Alert rules, whom they reach, and the high-risk events that they watch."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.tables.logs.collected import source, tables

GOOD = {"source_key": "loki:prod", "rule": "login-failures", "enabled": True, "reaches": "on-call", "event_kinds": []}


def made(*rules: dict[str, Any], **rows: Any) -> dict[str, Any]:
    """The tables for these rules of one platform."""
    return tables({"collected_log_sources": [source(**rows.pop("facts", {}))], "collected_alert_rules": rules, **rows})


def covered(event: str, *rules: dict[str, Any], **rows: Any) -> bool | None:
    """Whether that kind of event is watched."""
    (answer,) = [row["covered"] for row in made(*rules, **rows)["alert_coverage"] if row["event"] == event]
    return answer


@pytest.mark.parametrize(("reaches", "routed"), [("team", True), ("none", False), (None, None)])
def test_a_dead_end_reaches_nobody(reaches: str | None, routed: bool | None) -> None:
    """`none` is a dead end; NULL is not known."""
    assert routed is made(GOOD | {"reaches": reaches})["alert_rules"][0]["routed"]


def test_a_silence_counts_while_it_lasts() -> None:
    """A silence that ended before the reading hides nothing; one that could not be read is not known."""
    later, earlier = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    assert made(GOOD | {"muted_until": later})["alert_rules"][0]["heard"] is False
    assert made(GOOD | {"muted_until": earlier})["alert_rules"][0]["heard"] is True
    refused = {"unknown": ["alert_rules.muted_until"]}
    assert made(GOOD, facts=refused)["alert_rules"][0]["heard"] is None


def test_a_rule_is_tried_by_firing_or_by_a_test_of_its_scenario() -> None:
    """Within a year; older is a deviation; nothing on record is not known."""
    scenario = {"file": "a.yaml", "record": "a", "status": "approved", "rule": "loki:login-failures"}
    assert made(GOOD)["alert_rules"][0]["tried"] is None
    assert made(GOOD | {"last_fired": datetime(2026, 9, 1, tzinfo=UTC)})["alert_rules"][0]["tried"] is True
    for day, tried in ((date(2026, 9, 1), True), (date(2024, 9, 1), False)):
        rows = {"register_abuse_scenarios": [scenario | {"tested_on": day}]}
        assert tried is made(GOOD, **rows)["alert_rules"][0]["tried"]


def test_a_rule_that_is_on_and_routed_covers_what_its_words_name() -> None:
    """The rule's name, its expression, the system, or the register tell what it watches."""
    assert covered("auth.failure", GOOD) is True
    trail = GOOD | {"rule": "x", "expression": "{ $.eventName = StopLogging }"}
    assert covered("logging.changed", trail) is True
    scenario = {"file": "a.yaml", "record": "a", "status": "approved", "rule": "x", "events": ["data.export"]}
    assert covered("data.export", GOOD | {"rule": "x"}, register_abuse_scenarios=[scenario]) is True


@pytest.mark.parametrize("fault", [{"enabled": False}, {"reaches": "none"}])
def test_a_rule_that_is_off_or_a_dead_end_covers_nothing(fault: dict[str, Any]) -> None:
    """It stands among the rules of the event, and does not count."""
    assert covered("auth.failure", GOOD | fault) is False


def test_what_is_not_known_of_rules_covers_nothing_and_accuses_nobody() -> None:
    """No rule collected, a rule that does not say what it watches, or whom it reaches: not known."""
    assert covered("auth.failure") is None
    assert covered("data.export", GOOD) is False
    assert covered("data.export", GOOD, GOOD | {"rule": "x", "event_kinds": None}) is None
    assert covered("auth.failure", GOOD | {"reaches": None}) is None
    assert covered("data.export", GOOD, facts={"unknown": ["alert_rules"]}) is None
