"""
Periods as auditors name them, as half-open intervals of UTC instants.

"October 2026" is a name in somebody's calendar: it begins when the clock in the named zone shows 2026-10-01 00:00,
whatever daylight saving does in between. The instants are UTC and half-open, so that neighbouring periods
share no instant and leave none out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from soc2ev.errors import ConfigError

_YEAR = re.compile(r"(\d{4})", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII | re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})", re.ASCII)
_FORMS = "2026-10, 2026-Q3, 2026, 2026-01-01..2026-06-30 (both days included), this-month or last-month"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A half-open interval [start, end) of aware UTC instants with the name that a person gave it."""

    start: datetime
    end: datetime
    name: str

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a period is made of aware UTC instants")
        if self.start >= self.end:
            raise ValueError("a period ends after it starts")

    def contains(self, instant: datetime) -> bool:
        """Whether the instant lies in [start, end)."""
        return self.start <= instant < self.end

    def overlaps(self, other: Period) -> bool:
        """Whether the two share an instant."""
        return self.start < other.end and other.start < self.end


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; ConfigError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"unknown time zone {name!r}",
            hint="use a name of the IANA database such as Europe/Berlin, America/New_York or UTC",
        ) from None


def parse(text: str, zone_name: str = "UTC", *, now: datetime | None = None) -> Period:
    """
    The period that `text` names in the calendar of `zone_name`.

    `now` (aware) is needed for `this-month` and `last-month` only. ConfigError for any other text, a day that
    does not exist, or a range that ends before it begins.
    """
    tz = zone(zone_name)
    first, after = _days(text.strip(), None if now is None else now.astimezone(tz).date())
    name = text.strip().upper() if _QUARTER.fullmatch(text.strip()) else text.strip()
    if name in ("this-month", "last-month"):
        name = _month_name(first)
    try:
        start, end = midnight(first, tz), midnight(after, tz)
    except OverflowError:
        raise ConfigError(f"period {name!r} begins or ends outside the years 1 to 9999 of UTC") from None
    if start == end:
        # Samoa had no 2011-12-30: it moved to the other side of the date line.
        raise ConfigError(f"period {name!r} does not exist in {zone_name}: its clocks skipped that day")
    return Period(start, end, name)


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """
    The first instant of that day in that zone, as UTC.

    Where the clocks jump over midnight (as in Cairo or Santiago) the day begins at the first time that exists:
    an imaginary local time converts to an instant at or after the jump, as PEP 495 lays down for fold=0.
    """
    return datetime.combine(day, time.min, tzinfo=tz).astimezone(UTC)


def months(period: Period, zone_name: str = "UTC") -> list[Period]:
    """The calendar months that the period touches, oldest first, each whole."""
    tz = zone(zone_name)
    day = period.start.astimezone(tz).date().replace(day=1)
    found = []
    while midnight(day, tz) < period.end:
        after = _month_after(day)
        found.append(Period(midnight(day, tz), midnight(after, tz), _month_name(day)))
        day = after
    return found


def _days(text: str, today: date | None) -> tuple[date, date]:
    """The first day of the period and the first day after it."""
    try:
        if text in ("this-month", "last-month"):
            if today is None:
                raise ConfigError(f"{text} has no meaning here", hint="name the month, for example 2026-10")
            first = today.replace(day=1)
            if text == "last-month":
                first = (first - timedelta(days=1)).replace(day=1)
            return first, _month_after(first)
        if match := _RANGE.fullmatch(text):
            first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
            if last < first:
                raise ConfigError(f"period {text!r} ends before it begins", hint="put the earlier day first")
            return first, last + timedelta(days=1)
        if match := _QUARTER.fullmatch(text):
            first = date(int(match[1]), 3 * int(match[2]) - 2, 1)
            return first, _month_after(_month_after(_month_after(first)))
        if match := _MONTH.fullmatch(text):
            first = date(int(match[1]), int(match[2]), 1)
            return first, _month_after(first)
        if match := _YEAR.fullmatch(text):
            return date(int(match[1]), 1, 1), date(int(match[1]) + 1, 1, 1)
    except (ValueError, OverflowError) as problem:
        raise ConfigError(f"period {text!r}: {problem}", hint=f"write {_FORMS}") from None
    raise ConfigError(f"{text!r} is no period", hint=f"write {_FORMS}")


def _month_name(day: date) -> str:
    """`2026-10`; strftime would not pad years below 1000."""
    return day.isoformat()[:7]


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
