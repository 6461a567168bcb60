"""Alerts out of samples of Prometheus and changes of state of CloudWatch."""

from __future__ import annotations

from typing import Any

import pytest

from soc2ev.sources.logs import episodes

START = 1_790_812_800
"""2026-10-01T00:00:00Z"""


def series(*minutes: int, **labels: str) -> dict[str, Any]:
    """Samples at these minutes after the start of October."""
    metric = {"__name__": "ALERTS", "alertname": "Down", "alertstate": "firing", **labels}
    return {"metric": metric, "values": [[START + 60 * at, "1"] for at in minutes]}


def told(*found: dict[str, Any]) -> list[tuple[str, str | None]]:
    """When each alert was raised and ended, by the hour and minute."""
    made = episodes.of_samples(list(found), 300)
    return [(one["opened"][5:16], one["closed"] and one["closed"][5:16]) for one in made]


def test_samples_in_a_row_are_one_alert() -> None:
    """A gap of a step ends it; it was raised within the step before its first sample."""
    other = series(60, job="b")
    assert [("10-01T00:05", "10-01T00:15"), ("10-01T00:25", "10-01T00:30"), ("10-01T00:55", None)] == told(
        series(10, 15, 30), other
    )


def test_one_that_still_fires_in_the_last_sample_is_open() -> None:
    """The last sample of all series is the end of what was asked."""
    assert [("10-01T00:05", None)] == told(series(10, 15))


def test_one_alert_over_the_end_of_a_period_is_counted_once() -> None:
    """The sample at the border belongs to the step before it: to the earlier period, and to no later one."""
    assert [("09-30T23:55", None)] == told(series(0, 5))


def test_labels_tell_alerts_of_one_rule_apart() -> None:
    """Two jobs are two alerts with ids of their own, and the same again next time."""
    one, two = episodes.of_samples([series(10, job="a"), series(10, job="b")], 300)
    assert one["event"] != two["event"]
    assert one == episodes.of_samples([series(10, job="a")], 300)[0]


def test_a_step_that_is_none_is_refused() -> None:
    """The fact is then unknown, and not an empty list."""
    for step in (0, None, "300", True):
        with pytest.raises(TypeError):
            episodes.of_samples([], step)


def change(minute: int, before: str, after: str, name: str = "cpu") -> dict[str, str]:
    """An item of the history of an alarm."""
    at = f"2026-10-05T10:{minute:02}:00Z"
    return {"AlarmName": name, "Timestamp": at, "HistorySummary": f"Alarm updated from {before} to {after}"}


def test_an_alarm_is_open_from_alarm_to_anything_else() -> None:
    """Also when it ends without data; the order of the answer does not matter; another alarm is another alert."""
    items = [
        change(9, "ALARM", "INSUFFICIENT_DATA"),
        change(1, "OK", "ALARM"),
        change(20, "INSUFFICIENT_DATA", "ALARM"),
        change(3, "OK", "ALARM", "disk"),
    ]
    found = [
        (one["name"], one["opened"][14:16], one["closed"] and one["closed"][14:16])
        for one in episodes.of_changes(items)
    ]
    assert [("cpu", "01", "09"), ("disk", "03", None), ("cpu", "20", None)] == found


def test_an_alarm_that_ends_without_having_begun_began_before_the_period() -> None:
    """It is the earlier period's."""
    assert [] == episodes.of_changes([change(1, "ALARM", "OK")])


def test_words_that_are_not_understood_are_no_empty_history() -> None:
    """Another language or a new wording leaves the alerts unknown."""
    with pytest.raises(TypeError):
        episodes.of_changes([{**change(1, "OK", "ALARM"), "HistorySummary": "Alarma actualizada"}])
