"""Alerts of a period from what systems remember: samples of Prometheus, changes of state of CloudWatch. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from soc2ev.model import Json

_UNNAMED = ("__name__", "alertname", "alertstate")
_CHANGED = re.compile(r"Alarm updated from (\w+) to (\w+)")
_ALARM = "ALARM"


def of_samples(series: Json, step: Json) -> list[Json]:
    """
    The times for which each series of Prometheus had samples, a `step` of seconds apart, each as one alert.

    Asked as last_over_time(...[step]), a sample at t says that the alert fired within the step before t. So it was
    raised between t - step and t, and `opened` is the former: one that straddles the end of a period is counted once.
    `closed` is null for one that still fires in the last sample of all. TypeError for anything but a matrix.
    """
    if not isinstance(step, int | float) or isinstance(step, bool) or step <= 0:
        raise TypeError("the step is no number of seconds")
    last = max((float(at) for one in series or () for at, _ in one["values"]), default=0.0)
    return [alert for one in series or () for alert in _episodes(one, float(step), last)]


def _episodes(series: Mapping[str, Json], step: float, last: float) -> Iterator[Json]:
    labels = series["metric"]
    spelled = json.dumps({name: labels[name] for name in sorted(labels) if name not in _UNNAMED})
    times = sorted(float(at) for at, _ in series["values"])
    runs: list[list[float]] = []
    for at in times:
        if runs and at - runs[-1][1] <= 1.5 * step:
            runs[-1][1] = at
        else:
            runs.append([at, at])
    mark = hashlib.sha256(spelled.encode()).hexdigest()[:12]
    for first, until in runs:
        opened, closed = _instant(first - step), None if until >= last else _instant(until)
        yield {
            "event": f"{labels.get('alertname')}/{mark}/{opened}",
            "name": labels.get("alertname"),
            "labels": labels,
            "opened": opened,
            "closed": closed,
        }


def of_changes(items: Json) -> list[Json]:
    """
    The times for which alarms of CloudWatch stood at ALARM, from the changes of state in their history.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html. One that was raised
    before the first change is not among them; TypeError for a change that is not understood.
    """
    open_: dict[str, dict[str, Json]] = {}
    found: list[Json] = []
    for item in sorted(items or (), key=lambda one: (str(one["Timestamp"]), str(one["AlarmName"]))):
        change = _CHANGED.match(str(item.get("HistorySummary")))
        if change is None:
            raise TypeError("a change of state of an alarm is not understood")
        name, at = str(item["AlarmName"]), str(item["Timestamp"])
        if change[1] == _ALARM != change[2] and name in open_:
            open_.pop(name)["closed"] = at
        elif change[2] == _ALARM and name not in open_:
            open_[name] = {"event": f"{name}/{at}", "name": name, "opened": at, "closed": None}
            found.append(open_[name])
    return found


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
