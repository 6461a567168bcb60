"""
Times as logs write them, as seconds since 1970-01-01T00:00:00Z.

ISO 8601 and RFC 3339 in their many spellings, Unix numbers in seconds to nanoseconds, the Common Log Format, nginx's
error log, Apache's, and RFC 3164 stamps, which have neither year nor zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

_MONTHS = {
    name: at
    for at, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)
}
_COMMON = re.compile(r"^(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d)(?: ([+-]\d{4}))?$")
_BSD = re.compile(r"^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)$")
_CTIME = re.compile(
    r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d(?:\.\d{1,6})?) (\d{4})$"
)
_NAMED_UTC = re.compile(r"\s*(?:UTC|GMT)$")
_SPACED_ZONE = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_SIGNS = ("+", "-")
_DIGITS_AT_LEAST, _DIGITS_AT_MOST = 9, 19
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
    kinds = set(map(type, values))
    if type(None) in kinds:
        found, zoned = stamps([value for value in values if value is not None], reference)
        given = iter(found)
        return [None if value is None else next(given) for value in values], zoned
    if kinds == {str}:
        return _of_texts(values, reference)
    if kinds and kinds <= {int, float} and (numbers := _of_numbers(values)):
        return list(numbers), len(numbers)
    found, zones = _told([instant(value, reference) for value in values])
    return found, sum(zones)


def _of_digits(values: list[str]) -> list[float] | None:
    """Numbers written as texts, as `_of_text` reads each of them; None when there is any other text."""
    if not (values[0].isdigit() and (whole := "".join(values)).isdigit() and whole.isascii()):
        return None
    sizes = set(map(len, values))
    known = min(sizes) >= _DIGITS_AT_LEAST and max(sizes) <= _DIGITS_AT_MOST
    return _of_numbers(list(map(float, values))) if known else None


def _told(found: list[Instant | None]) -> _Read:
    return [one and one.at for one in found], [one is not None and one.zoned for one in found]


def _of_numbers(values: list[float]) -> list[float] | None:
    """Numbers of one unit as `_of_number` reads each of them; None when there is any other, or one that is no time."""
    low, high = min(values), max(values)
    if not (low >= _EARLIEST and high <= _LARGEST and all(map(math.isfinite, values))):
        return None
    found = list(map(float, values))
    for _ in range(3):
        if high <= _LATEST:
            break
        if low <= _LATEST:
            return None
        found = [value / 1000 for value in found]
        low, high = min(found), max(found)
    return found if high <= _LATEST else None


_Read = tuple[list[float | None], list[bool]]
"""For each value its instant, None where it is none, and whether it named a zone."""


class _Form(NamedTuple):
    """A way to write times whose minute, second and rest lie at fixed places, so that each can be read apart."""

    seconds: int
    """Where the colon before the seconds is."""
    minute: Callable[[str, int], int | None]
    """Microseconds since 1970 of a date and time without seconds as if it were UTC; the second argument is today."""
    rest: Callable[[str], tuple[int, bool] | None]
    """Microseconds that what follows the seconds adds, and whether it names a zone."""


def _of_texts(values: list[str], reference: float) -> tuple[list[float | None], int]:
    """The `stamps` of texts; those that come often are read once."""
    if (numbers := _of_digits(values)) is not None:
        return list(numbers), len(numbers)
    different = set(values)
    if _OFTEN * len(different) > len(values):
        found, zones = _read(values, values[0], reference)
        return found, sum(zones)
    once = list(different)
    found, zones = _read(once, values[0], reference)
    known, zoned = dict(zip(once, found, strict=True)), dict(zip(once, zones, strict=True))
    return [known[value] for value in values], sum(map(zoned.__getitem__, values))


def _read(values: list[str], sample: str, reference: float) -> _Read:
    """The instants of texts: of those that are written as the sample is, of their parts."""
    form, today = _form(sample), int(reference // _DAY)
    if form is None:
        return _told([instant(value, reference) for value in values])
    colon, end = form.seconds, form.seconds + len(":00")
    minutes = [value[:colon] for value in values]
    known_minutes = {text: form.minute(text, today) for text in set(minutes)}
    starts = [known_minutes[text] for text in minutes]
    seconds = [_SECONDS.get(value[colon:end]) for value in values]
    rests = _rests(form, [value[end : _LONGEST + 1] for value in values])
    parts = zip(starts, seconds, rests, strict=True)
    if None not in starts and None not in seconds and None not in rests:
        # None of the parts is None, as was just asked, which a type cannot say.
        instants = [(start + second + rest[0]) / _MICRO for start, second, rest in parts]  # type: ignore[operator, index]
        return instants, list(map(_ZONED, rests))  # type: ignore[arg-type]
    return _told(
        [
            instant(value, reference)
            if start is None or second is None or rest is None
            else Instant((start + second + rest[0]) / _MICRO, rest[1])
            for value, (start, second, rest) in zip(values, parts, strict=True)
        ]
    )


def _form(sample: str) -> _Form | None:
    if sample[4:5] in ("-", "/"):
        return _ISO
    if sample[2:3] == "/":
        return _CLF
    return _RFC_3164 if sample[3:4] == " " else None


def _rests(form: _Form, texts: list[str]) -> list[tuple[int, bool] | None]:
    known = _known_rests.setdefault(form, {})
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    for text in set(texts):
        if text not in known:
            known[text] = form.rest(text)
    return [known[text] for text in texts]


_PLAIN_MINUTE = re.compile(r"\d{4}([-/])\d\d\1\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_PLAIN_TAIL = re.compile(r"(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_COMMON_MINUTE = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d", re.ASCII)
_COMMON_TAIL = re.compile(r"(?: ([+-]\d{4}))?", re.ASCII)
_OFTEN = 2
"""So often values come, on the average, when they are looked up among the different ones."""
_DIGITS = 6
_ZONED = itemgetter(1)
_SAMPLE = "2026-10-05T10:11:12"
_MICRO = 1_000_000
_SECONDS = {f":{second:02}": second * _MICRO for second in range(60)}
_MOST_REMEMBERED = 5_000
_known_rests: dict[_Form, dict[str, tuple[int, bool] | None]] = {}


@lru_cache(_MOST_REMEMBERED)
def _iso_minute(text: str, _: int) -> int | None:
    return _micro(_of_iso(text + ":00")) if _PLAIN_MINUTE.fullmatch(text) else None


@lru_cache(_MOST_REMEMBERED)
def _common_minute(text: str, _: int) -> int | None:
    return _micro(_of_common(text + ":00")) if _COMMON_MINUTE.fullmatch(text) else None


@lru_cache(_MOST_REMEMBERED)
def _bsd_minute(text: str, today: int) -> int | None:
    return _micro(_of_bsd(text + ":00", today))


def _micro(found: Instant | None) -> int | None:
    """Whole microseconds; None at both ends of what can be written, which a zone may cross."""
    return int(found.at) * _MICRO if found and 2 * _DAY < found.at < _END - 2 * _DAY else None


def _common_tail(text: str) -> tuple[int, bool] | None:
    match = _COMMON_TAIL.fullmatch(text)
    return _zone(match.group(1) or "") if match else None


def _no_tail(text: str) -> tuple[int, bool] | None:
    return None if text else (0, False)


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


_ISO, _CLF = _Form(16, _iso_minute, _tail), _Form(17, _common_minute, _common_tail)
_RFC_3164 = _Form(12, _bsd_minute, _no_tail)


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
    return _of_iso(text) or _of_common(text) or _of_bsd(text, today) or _of_ctime(text)


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


def _of_ctime(text: str) -> Instant | None:
    """As C's asctime writes it (C99 7.23.3.1), and Apache with microseconds."""
    match = _CTIME.match(text)
    if not match or match.group(1) not in _MONTHS:
        return None
    month, day, clock, year = match.groups()
    return _of_iso(f"{year}-{_MONTHS[month]:02}-{int(day):02}T{clock}")


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
