"""
When a route of Alertmanager holds its notifications back: its time intervals at an instant, and when that ends. Pure.

https://prometheus.io/docs/alerting/latest/configuration/#time_interval
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from soc2ev.model import Json

_LOOKS = 367
"""Days that are looked at for the end of a mute."""
_MOST = 200
"""Intervals of one route that are looked at."""
_LISTS = ("mute_time_intervals", "active_time_intervals")
_DEFINED = ("time_intervals", "mute_time_intervals")
"""Where a configuration defines intervals; the second is the older name."""
_MEMBERS = {"times", "days_of_month", "weekdays", "months", "years", "location"}
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
# calendar's week begins on Monday, Alertmanager's on Sunday: a range may not go over its end.
_WEEKDAYS = {name.lower(): (number + 1) % 7 for number, name in enumerate(calendar.day_name)}
_Ranges = tuple[tuple[int, int], ...] | None
"""First and last, both within; None where the interval says nothing of it."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Whether a route holds its notifications back."""

    now: bool | None = False
    """None when nobody can tell."""
    until: str | None = None
    """When that ends; None where it does not within a year, or does not hold now."""

    @property
    def always(self) -> bool:
        """Whether nothing will come through for at least a year."""
        return self.now is True and self.until is None


def mute_of(route: Mapping[str, Json], config: Mapping[str, Json], now: str) -> Mute:
    """
    The mute of a route by its own lists of intervals; neither list is inherited from the route above.

    It is held back within an interval of the one list, and outside all intervals of the other. TypeError for an
    interval that is not understood or not defined.
    """
    hiding, showing = (route.get(name) or [] for name in _LISTS)
    if not hiding and not showing:
        return Mute()
    known = {str(one.get("name")): one.get("time_intervals") or [] for key in _DEFINED for one in config.get(key) or ()}
    lists = [[_defined(known, str(name)) for name in names] for names in (hiding, showing)]
    return _mute(*(json.dumps([one for found in some for one in found]) for some in lists), bool(showing), now)


def mute_by(route: Json, intervals: Json, now: str) -> Json:
    """The mute of a route or rule by a list of named intervals: `now`, `until`, and `always`. TypeError as above."""
    found = mute_of(route or {}, {_DEFINED[0]: intervals or []}, now)
    return {"now": found.now, "until": found.until, "always": found.always}


def _defined(known: Mapping[str, Json], name: str) -> list[Json]:
    if name not in known:
        raise TypeError(f"the time interval {name!r} is not defined")
    return list(known[name])


@lru_cache(1_000)
def _mute(hiding: str, showing: str, limited: bool, now: str) -> Mute:  # noqa: FBT001  a key of the cache
    hide, show = ([_Interval.of(one) for one in json.loads(text)] for text in (hiding, showing))
    if len(hide) + len(show) > _MOST:
        return Mute(None)

    def muted(at: datetime) -> bool | None:
        active = _any(one.holds(at) for one in show) if limited else True
        return _any([_any(one.holds(at) for one in hide), None if active is None else not active])

    at = datetime.fromisoformat(now)
    held = muted(at)
    return Mute(held) if held is not True else _ended(muted, sorted(set(_changes([*hide, *show], at))))


def _ended(muted: Callable[[datetime], bool | None], changes: Sequence[datetime]) -> Mute:
    """A mute that holds now, with its end; not known where the way there is not."""
    for moment in changes:
        held = muted(moment)
        if held is not True:
            until = moment.isoformat().replace("+00:00", "Z")
            return Mute(None) if held is None else Mute(now=True, until=until)
    return Mute(now=True)


def _any(answers: Iterator[bool | None] | Sequence[bool | None]) -> bool | None:
    found = list(answers)
    return True if True in found else None if None in found else False


@dataclass(frozen=True, slots=True)
class _Interval:
    """One of the intervals of a name: every list that it has must hold."""

    times: _Ranges
    """Minutes of the day."""
    days: _Ranges
    """Days of the month; negative ones count from its end."""
    weekdays: _Ranges
    months: _Ranges
    years: _Ranges
    zone: ZoneInfo | None
    """None is not known: the zone of the machine, or one that is not known here."""

    @classmethod
    def of(cls, given: Json) -> _Interval:
        # Of one that says something else it is not known when it holds; one that says nothing holds always.
        if not isinstance(given, dict) or given.keys() - _MEMBERS:
            raise TypeError("a time interval is not understood")
        try:
            return cls(
                _times(given.get("times")),
                _ranges(given.get("days_of_month"), {}),
                _ranges(given.get("weekdays"), _WEEKDAYS),
                _ranges(given.get("months"), _MONTHS),
                _ranges(given.get("years"), {}),
                _zone(str(given.get("location") or "UTC")),
            )
        except (AttributeError, ValueError) as problem:
            raise TypeError(f"a time interval is not understood: {problem}") from None

    def holds(self, at: datetime) -> bool | None:
        if self.zone is None:
            lists = (self.times, self.days, self.weekdays, self.months, self.years)
            return None if any(one is not None for one in lists) else True
        here = at.astimezone(self.zone)
        length = calendar.monthrange(here.year, here.month)[1]
        days = self.days and [[day if day > 0 else length + day + 1 for day in pair] for pair in self.days]
        return (
            _within(self.times, here.hour * 60 + here.minute)
            and _within(days, here.day)
            and _within(self.weekdays, here.isoweekday() % 7)
            and _within(self.months, here.month)
            and _within(self.years, here.year)
        )

    def changes(self, at: datetime) -> Iterator[datetime]:
        """Every instant after `at` at which it may begin or cease to hold, and others."""
        if self.zone is None:
            return
        minutes = {0} | {edge for first, last in self.times or () for edge in (first, last + 1)}
        today = at.astimezone(self.zone).date()
        for number in range(_LOOKS):
            midnight = datetime.combine(today + timedelta(days=number), time(), self.zone)
            # On a day on which clocks are set the hours of the wall come twice, or not at all.
            even = midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset()
            start = midnight.astimezone(UTC)
            yield from (start + timedelta(minutes=one) for one in (minutes if even else range(26 * 60)))


def _changes(intervals: Sequence[_Interval], at: datetime) -> Iterator[datetime]:
    yield from (moment for one in intervals for moment in one.changes(at) if moment > at)


def _within(ranges: Sequence[Sequence[int]] | None, value: int) -> bool:
    return ranges is None or any(first <= value <= last for first, last in ranges)


def _times(given: Json) -> _Ranges:
    if given is None:
        return None
    edges = ((str(one.get("start_time")), str(one.get("end_time"))) for one in given)
    # The end is not within any more; 24:00 is the end of the day.
    return tuple((_minute(first), _minute(last) - 1) for first, last in edges)


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _ranges(given: Json, names: Mapping[str, int]) -> _Ranges:
    """Ranges such as `monday:friday`, `-3:-1` or `2030`."""
    if given is None:
        return None
    parts = (str(one).lower().partition(":") for one in given)
    return tuple((_number(first, names), _number(last or first, names)) for first, _, last in parts)


def _number(text: str, names: Mapping[str, int]) -> int:
    return names[text.strip()] if text.strip() in names else int(text)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return None if name == "Local" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
