"""
Times as logs write them, as seconds since 1970-01-01T00:00:00Z.

ISO 8601 and RFC 3339 in their many spellings, Unix numbers in seconds to nanoseconds, the Common Log Format, nginx's
error log, and RFC 3164 stamps, which have neither year nor zone.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

_MONTHS = {
    name: at
    for at, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)
}
_COMMON = re.compile(r"^(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d)(?: ([+-]\d{4}))?$")
_BSD = re.compile(r"^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)$")
_NAMED_UTC = re.compile(r"\s*(?:UTC|GMT)$")
_SPACED_ZONE = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_NUMBER = re.compile(r"^\d{9,19}(?:\.\d+)?$")
_LATEST = 9_999_999_999
"""Numbers above it are in smaller units: 2286 in seconds is 1970-04 in milliseconds."""
_EARLIEST = 1_000_000
_LARGEST = 10**19
_END = 253_402_300_799
"""The last second of the year 9999, beyond which no date can be written."""
_DAY = 86_400
_LONGEST = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(NamedTuple):
    """Seconds since 1970 in UTC, and whether the text named a zone; without one UTC is assumed."""

    at: float
    zoned: bool


def instant(value: Any, reference: float) -> Instant | None:
    """The instant that a field's value means; None when it is none. `reference` gives RFC 3164 stamps their year."""
    if isinstance(value, str):
        return _of_text(value, int(reference // _DAY)) if len(value) <= _LONGEST else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    return None


def stamps(values: list[Any], reference: float) -> tuple[list[float | None], int]:
    """For each value the `at` of its `instant`, None where it is none; and how many of them named a zone."""
    found: list[float | None] = []
    zoned = 0
    for value in values:
        head, tail = (_heads.get(value[:_HEAD]), _tails.get(value[_HEAD:])) if isinstance(value, str) else (None, None)
        if head is not None and tail is not None:
            found.append((head + tail[0]) / _MICRO)
            zoned += tail[1]
        elif value is None:
            found.append(None)
        else:
            one = instant(value, reference)
            found.append(one.at if one else None)
            zoned += one is not None and one.zoned
            if one and isinstance(value, str) and value[4:5] == "-":
                _remember(value, one)
    return found, zoned


_PLAIN = re.compile(r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_HEAD = len("2026-10-05T10:11:12")
_MICRO = 1_000_000
_MOST_REMEMBERED = 5_000
_heads: dict[str, int] = {}
"""Microseconds since 1970 of a date and time as if it were UTC; far from both ends of what can be written."""
_tails: dict[str, tuple[int, bool]] = {}
"""Microseconds that a fraction and a zone add, and whether there is a zone."""


def _remember(text: str, one: Instant) -> None:
    """Keep both parts of a time, whose sum is exact in whole microseconds; only of the plain form of RFC 3339."""
    if not 2 * _DAY < one.at < _END - 2 * _DAY or not _PLAIN.fullmatch(text):
        return
    whole = datetime.fromisoformat(text)
    head = datetime.fromisoformat(text[:_HEAD]).replace(tzinfo=UTC)
    for kept in (_heads, _tails):
        if len(kept) >= _MOST_REMEMBERED:
            kept.clear()
    _heads[text[:_HEAD]] = (head - _EPOCH) // _MICROSECOND
    shown = whole if whole.tzinfo else whole.replace(tzinfo=UTC)
    _tails[text[_HEAD:]] = ((shown - head) // _MICROSECOND, one.zoned)


def iso(at: float | None) -> str | None:
    """The instant as RFC 3339 in UTC, whole seconds or milliseconds; None stays None."""
    if at is None:
        return None
    shown = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return shown.replace(".000Z", "Z")


def _of_number(value: float) -> Instant | None:
    # A whole number of hundreds of digits compares, and only then may become a float.
    if not _EARLIEST <= value <= _LARGEST or not math.isfinite(value):
        return None
    value = float(value)
    for _ in range(3):
        if value <= _LATEST:
            break
        value /= 1000
    return Instant(value, zoned=True) if value <= _LATEST else None


@lru_cache(4096)
def _of_text(text: str, today: int) -> Instant | None:
    text = text.strip().strip("[]")
    if _NUMBER.match(text):
        return _of_number(float(text))
    return _of_iso(text) or _of_common(text) or _of_bsd(text, today)


def _of_iso(text: str) -> Instant | None:
    plain = _NAMED_UTC.sub("+00:00", _SPACED_ZONE.sub("", text))
    if plain[4:5] == "/" and plain[7:8] == "/":
        plain = plain.replace("/", "-", 2)
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        return None
    return _instant(found) if len(plain) > len("2026-10-05") else None


def _of_common(text: str) -> Instant | None:
    match = _COMMON.match(text)
    if not match or match.group(2) not in _MONTHS:
        return None
    day, month, year, clock, zone = match.groups()
    return _of_iso(f"{year}-{_MONTHS[month]:02}-{int(day):02}T{clock}{zone or ''}")


def _of_bsd(text: str, today: int) -> Instant | None:
    """RFC 3164 4.1.2 has no year: the latest one that does not lie more than a day after the reference."""
    match = _BSD.match(text)
    if not match or match.group(1) not in _MONTHS:
        return None
    month, day, clock = match.groups()
    year = datetime.fromtimestamp(today * _DAY, UTC).year
    for candidate in (year + 1, year, year - 1):
        found = _of_iso(f"{candidate}-{_MONTHS[month]:02}-{int(day):02}T{clock}")
        if found and found.at < (today + 2) * _DAY:
            return found
    return None


def _instant(found: datetime) -> Instant | None:
    zoned = found.tzinfo is not None
    at = (found if zoned else found.replace(tzinfo=UTC)).timestamp()
    return Instant(at, zoned) if 0 <= at <= _END else None
