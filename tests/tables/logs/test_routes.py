"""Alert rules, whom they reach, and the high-risk events that they watch."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.tables.logs.collected import source, tables

GOOD = {"source_key": "loki:prod", "rule": "login-failures", "enabled": True, "reaches": "on-call", "event_kinds": []}

APPROVED = {"file": "a.yaml", "record": "a", "approved": True}


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
    for column in ("muted_until", "silence_doubt"):
        refused = {"unknown": [f"alert_rules.{column}"]}
        assert made(GOOD, facts=refused)["alert_rules"][0]["heard"] is None


@pytest.mark.parametrize(("until", "heard"), [(None, None), (1, None), (12, False)])
def test_a_silence_that_may_hide_a_rule_leaves_it_open(until: int | None, heard: bool | None) -> None:
    """One that is known to hide it decides; the reason is told as it was read."""
    told = {"silence_doubt": "a downtime may hide it"}
    told |= {"muted_until": datetime(2026, until, 1, tzinfo=UTC)} if until else {}
    (rule,) = made(GOOD | told)["alert_rules"]
    assert heard is rule["heard"]
    assert (heard is None) == ("A downtime may hide it." in rule["heard_reason"])


def test_a_rule_is_tried_by_firing_or_by_a_test_of_its_scenario() -> None:
    """Within a year; older is a deviation; nothing on record is not known."""
    scenario = {"file": "a.yaml", "record": "a", "status": "approved", "rule": "loki:login-failures"}
    assert made(GOOD)["alert_rules"][0]["tried"] is None
    assert made(GOOD | {"last_fired": datetime(2026, 9, 1, tzinfo=UTC)})["alert_rules"][0]["tried"] is True
    for day, tried in ((date(2026, 9, 1), True), (date(2024, 9, 1), False)):
        rows = {"register_abuse_scenarios": [scenario | {"tested_on": day}], "register_approvals": [APPROVED]}
        assert tried is made(GOOD, **rows)["alert_rules"][0]["tried"]


def test_a_rule_that_is_on_and_routed_covers_what_its_words_name() -> None:
    """The rule's name, its expression, the system, or the register tell what it watches."""
    assert covered("auth.failure", GOOD) is True
    trail = GOOD | {"rule": "x", "expression": "{ $.eventName = StopLogging }"}
    assert covered("logging.changed", trail) is True
    scenario = {"file": "a.yaml", "record": "a", "status": "approved", "rule": "x", "events": ["data.export"]}
    assert (
        covered("data.export", GOOD | {"rule": "x"}, register_abuse_scenarios=[scenario], register_approvals=[APPROVED])
        is True
    )


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


def test_one_person_alone_neither_tests_a_rule_nor_says_what_it_watches() -> None:
    """A draft counts for nothing; a register that cannot be read may say that a rule watches it."""
    scenario = {"file": "a.yaml", "record": "a", "status": "draft", "rule": "x", "events": ["data.export"]}
    rows = {"register_abuse_scenarios": [scenario | {"tested_on": date(2026, 9, 1)}]}
    draft = rows | {"register_approvals": [APPROVED | {"approved": False}]}
    assert made(GOOD | {"rule": "x"}, **draft)["alert_rules"][0]["tried"] is None
    assert covered("data.export", GOOD | {"rule": "x"}, **draft) is False
    broken = {"registers": [{"file": "b.yaml", "record": "b", "kind": "abuse_monitoring", "problem": "line 3"}]}
    assert covered("data.export", GOOD | {"rule": "x"}, **broken) is None


@pytest.mark.parametrize(
    ("days", "tried"),
    [
        ((date(2026, 10, 31),), True),
        ((date(2026, 11, 1),), None),
        ((date(2026, 9, 1), date(2026, 11, 5)), True),
        ((date(2024, 9, 1), date(2026, 11, 5)), None),
    ],
)
def test_a_test_after_the_period_neither_counts_nor_hides_one_before(
    days: tuple[date, ...], tried: bool | None
) -> None:
    """The period's last day counts, the day after it does not."""
    scenario = {"file": "a.yaml", "record": "a", "status": "approved", "rule": "login-failures"}
    rows = {"register_abuse_scenarios": [scenario | {"tested_on": day, "entry": at} for at, day in enumerate(days)]}
    assert tried is made(GOOD, register_approvals=[APPROVED], **rows)["alert_rules"][0]["tried"]
