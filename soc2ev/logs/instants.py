"""
Times as logs write them, as seconds since 1970-01-01T00:00:00Z.

ISO 8601 and RFC 3339 in their many spellings, Unix numbers in seconds to nanoseconds, the Common Log Format, nginx's
error log, and RFC 3164 stamps, which have neither year nor zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

_MONTHS = {
    name: at
    for at, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)
}
_COMMON = re.compile(r"^(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d)(?: ([+-]\d{4}))?$")
_BSD = re.compile(r"^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)$")
_NAMED_UTC = re.compile(r"\s*(?:UTC|GMT)$")
_SPACED_ZONE = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_SIGNS = ("+", "-")
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


T = TypeVar("T")


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
    if values and set(map(type, values)) == {str}:
        if values[0][4:5] == "-" and (found := _joined(values)):
            return found
        different = set(values)
        if 2 * len(different) <= len(values):
            known = {value: instant(value, reference) for value in different}
            return _told([known[value] for value in values])
    return _told([None if value is None else instant(value, reference) for value in values])


def _told(found: list[Instant | None]) -> tuple[list[float | None], int]:
    return [one and one.at for one in found], sum(one.zoned for one in found if one)


def _joined(values: list[str]) -> tuple[list[float | None], int] | None:
    """The same of texts that are all of the plain form of RFC 3339, of their remembered halves; None for others."""
    heads = _halves(_heads, [value[:_HEAD] for value in values], _head)
    tails = _halves(_tails, [value[_HEAD:] for value in values], _tail)
    if heads is None or tails is None:
        return None
    return [(head + tail) / _MICRO for head, (tail, _) in zip(heads, tails, strict=True)], sum(map(_ZONED, tails))


def _halves(known: dict[str, T], texts: list[str], read: Callable[[str], T | None]) -> list[T] | None:
    """What each text means, by what is known; None when one of them is no such half."""
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    found = list(map(known.get, texts))
    if None in found:
        for text in {text for text, one in zip(texts, found, strict=True) if one is None}:
            if (one := read(text)) is None:
                return None
            known[text] = one
        found = [known[text] for text in texts]
    return found  # type: ignore[return-value]  # none is left that is None


_PLAIN_HEAD = re.compile(r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_PLAIN_TAIL = re.compile(r"(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DIGITS = 6
_ZONED = itemgetter(1)
_SAMPLE = "2026-10-05T10:11:12"
_HEAD = len(_SAMPLE)
_MICRO = 1_000_000
_MOST_REMEMBERED = 5_000
_heads: dict[str, int] = {}
"""Microseconds since 1970 of a date and time as if it were UTC; far from both ends of what can be written."""
_tails: dict[str, tuple[int, bool]] = {}
"""Microseconds that a fraction and a zone add, and whether there is a zone."""


def _head(text: str) -> int | None:
    if not _PLAIN_HEAD.fullmatch(text):
        return None
    try:
        at = (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    except ValueError:
        return None
    return at if 2 * _DAY < at // _MICRO < _END - 2 * _DAY else None


def _tail(text: str) -> tuple[int, bool] | None:
    match = _PLAIN_TAIL.fullmatch(text)
    zone = _zone(match.group(2) or "") if match and len(_SAMPLE + text) <= _LONGEST else None
    if match is None or zone is None:
        return None
    # As `fromisoformat` does: what is finer than microseconds is cut off.
    fraction = int(f"{match.group(1) or ''}000000"[:_DIGITS])
    return zone[0] + fraction, zone[1]


@lru_cache(256)
def _zone(text: str) -> tuple[int, bool] | None:
    """Microseconds that a zone adds, and whether it is one; None for one that cannot be."""
    try:
        whole = datetime.fromisoformat(_SAMPLE + text)
    except ValueError:
        return None
    shown = whole if whole.tzinfo else whole.replace(tzinfo=UTC)
    return (shown - datetime.fromisoformat(_SAMPLE).replace(tzinfo=UTC)) // _MICROSECOND, whole.tzinfo is not None


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
    plain = _SPACED_ZONE.sub("", text) if text[-5:-4] in _SIGNS or text[-6:-5] in _SIGNS else text
    if plain[-1:] in ("C", "T"):
        plain = _NAMED_UTC.sub("+00:00", plain)
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
