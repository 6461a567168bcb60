"""Alerts: when events come in a pattern that somebody should hear of, another event says so."""

from __future__ import annotations

from bisect import insort
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

from soc2ev.ledger import lines
from soc2ev.ledger.events import Event
from soc2ev.ledger.query import glob, time_of
from soc2ev.ledger.settings import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soc2ev.ledger.settings import Alert
    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk

RAISED = "ledger.alert.raised"
_ACTOR = "soc2ev"
_MOST_KEYS = 50_000
_KEPT = 4
"""So many times the events of an alert are remembered: they may come in another order than they happened."""
_Window = list[tuple[datetime, int]]
"""Time and number of events, by time."""


class Alerts:
    """
    Windows over the events of a log, by the time that each gives, in whatever order they come.

    After an alert was raised its window is empty again, so that a burst raises one for every `count` events.
    """

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._rules = [(alert, glob(alert.action), duration(alert.within)) for alert in alerts]
        self._windows: dict[tuple[str, str], _Window] = {}

    def see(self, data: Mapping[str, Json], seq: int) -> list[Event]:
        """Take notice of an event; the alerts that it raises, as events to be appended."""
        action, raised = data["action"], []
        if action == RAISED:
            return []
        for alert, pattern, within in self._rules:
            who = "" if alert.by == "all" else data.get(alert.by)
            if who is None or not pattern.fullmatch(action):
                continue
            window = self._window(alert.name, who)
            if found := _burst(window, (time_of(data), seq), alert.count, within):
                raised.append(_event(alert, who, min(found), max(found), len(found)))
                window.clear()
        return raised

    def recall(self, disk: Disk, now: datetime) -> None:
        """Fill the windows with what was recorded of late."""
        if not self._rules:
            return
        oldest = now.astimezone(UTC) - max(within for _, _, within in self._rules)
        for segment in lines.segments(disk):
            if segment.month < f"{oldest:%Y-%m}" or segment.kept:
                continue
            for raw in lines.read(disk, segment.name):
                self._recall(raw, oldest)

    def _recall(self, raw: bytes, oldest: datetime) -> None:
        if not raw.endswith(b"\n") or b'"type":"event"' not in raw:
            return
        data = lines.decode(raw[:-1])
        if data["type"] != "event" or datetime.fromisoformat(data["recorded_at"]) < oldest:
            return
        # What is raised here was raised then: `see` empties the window as it did.
        self.see(data, data["seq"])

    def _window(self, name: str, who: str) -> _Window:
        if len(self._windows) > _MOST_KEYS:
            # Whoever invents actors must not fill the memory; the oldest windows are given up.
            for key in list(self._windows)[: _MOST_KEYS // 2]:
                del self._windows[key]
        return self._windows.setdefault((name, who), [])


def _burst(window: _Window, one: tuple[datetime, int], count: int, within: timedelta) -> list[int]:
    """The numbers of `count` events that lie closer together than `within`, this one among them; else none."""
    if len(window) >= _KEPT * count:
        # By number, not by time: an event that claims to be of another century must not drive out the others.
        window[:] = sorted(sorted(window, key=itemgetter(1))[-2 * count :])
    insort(window, one)
    at = window.index(one)
    for first in range(max(0, at - count + 1), min(at, len(window) - count) + 1):
        found = window[first : first + count]
        if found[-1][0] - found[0][0] < within:
            return [seq for _, seq in found]
    return []


def _event(alert: Alert, who: str, first: int, last: int, count: int) -> Event:
    metadata: dict[str, Json] = {
        "count": count,
        "first_seq": first,
        "last_seq": last,
        "by": alert.by,
        "value": who,
        "pattern": alert.action,
        "within": alert.within,
    }
    fields = {"action": RAISED, "actor_id": _ACTOR, "target_type": "alert", "target_id": alert.name}
    return Event({**fields, "metadata": metadata})
