"""Deadlines in business days: Monday to Friday, in UTC, without holidays, which nobody told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SATURDAY = 5


def deadline(at: datetime, days: int) -> datetime:
    """
    The first instant after the deadline: the end of the given number of business days after the day of `at`.

    Zero days end with the day itself, or with the next business day when that is none.
    """
    moment = at.astimezone(UTC) if at.tzinfo else at
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    left = days
    while left or day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
        left -= left > 0 and day.weekday() < _SATURDAY
    return day + timedelta(days=1)
