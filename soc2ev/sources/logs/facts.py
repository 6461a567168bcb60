"""Functions of the manifest language that belong to no system. Each is pure; unknown in, unknown out."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from soc2ev.model import Json
from soc2ev.sources.logs.paths import at

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_ISO = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_ISO_SECONDS = (31_536_000, 2_592_000, 604_800, 86_400, 3_600, 60, 1)
_DAY = 86_400
_OLDEST = 946_684_800
_MILLISECONDS = 100_000_000_000
"""Numbers above it are milliseconds since 1970: as seconds they would lie in the year 5138."""
_LONG = 10_000
"""Characters that a pattern is tried on at most."""


def days(value: Json) -> int | None:
    """
    Whole days in a duration, rounded down: 400d, 720h, 1y2w (Prometheus), P1Y (ISO 8601), or a number of seconds.

    None for anything else; a year has 365 days and a month 30, as these systems count.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return math.floor(value / _DAY) if math.isfinite(value) and value >= 0 else None
    if not isinstance(value, str):
        return None
    if value.startswith("P") and len(value) > 1 and (found := _ISO.fullmatch(value)):
        return sum(int(part or 0) * size for part, size in zip(found.groups(), _ISO_SECONDS, strict=True)) // _DAY
    parts = re.findall(r"(\d+)(ms|[smhdwy])", value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return None
    return math.floor(sum(int(number) * _SECONDS[unit] for number, unit in parts) / _DAY)


def lookup(rows: Json, key: str, value: Json) -> Json:
    """The first row whose `key` is the value: the join that JMESPath lacks. None when there is none."""
    if value is None:
        return None
    return next((row for row in rows or () if isinstance(row, dict) and row.get(key) == value), None)


def lookups(rows: Json, key: str, values: Json) -> list[Json]:
    """The rows whose `key` is one of the values, in the order of the rows."""
    wanted = values if isinstance(values, list) else []
    return [row for row in rows or () if isinstance(row, dict) and row.get(key) is not None and row[key] in wanted]


def named(entries: Json) -> list[Json]:
    """The members of an object as rows, for systems that list by name: `name`, `value`."""
    return [{"name": name, "value": value} for name, value in (entries or {}).items()]


def spread(rows: Json, path: str) -> list[Json]:
    """Each element of a list within the answers of a request with for_each, with what was asked about: `of`, `row`."""
    found = [(row.get("for"), at(row.get("answer"), path)) for row in rows or () if isinstance(row, dict)]
    return [{"of": of, "row": one} for of, many in found if isinstance(many, list) for one in many]


def longest(sinks: Json) -> Json:
    """`days` and `infinite` of the sink that keeps longest, from some that each say both; nulls are no sinks."""
    known = [sink for sink in sinks or () if isinstance(sink, dict)]
    infinite = any(sink.get("infinite") is True for sink in known)
    days_ = [sink["days"] for sink in known if isinstance(sink.get("days"), int)]
    if not known or (not infinite and len(days_) < len(known)):
        return {"days": None, "infinite": True if infinite else None}
    return {"days": None if infinite else max(days_), "infinite": infinite}


def regex(text: str | None, pattern: str) -> str | None:
    """The first group that the pattern finds in the text, or all that it finds; None when it finds nothing."""
    try:
        found = re.search(pattern, (text or "")[:_LONG])
    except re.error as problem:
        raise TypeError(f"{pattern!r} is no regular expression: {problem}") from None
    return None if found is None else found.group(found.lastindex or 0)


def per_second(count: Json, seconds: Json) -> float | None:
    """How often that is in one second; None unless both are numbers and the time is longer than nothing."""
    numbers = [value for value in (count, seconds) if isinstance(value, int | float) and not isinstance(value, bool)]
    return None if len(numbers) < 2 or numbers[1] <= 0 else numbers[0] / numbers[1]  # noqa: PLR2004  both


def unique(values: Json) -> list[Json]:
    """The values, each once, in order; without nulls."""
    found: list[Json] = []
    for value in values if isinstance(values, list) else ():
        if value is not None and value not in found:
            found.append(value)
    return found


def instant(value: Json) -> str | None:
    """
    An instant as ISO 8601 in UTC, from ISO text with a zone, or seconds or milliseconds since 1970; else None.

    A number of seconds before the year 2000 is none: what counts something else is small.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
            # Go writes the year 1 for "never".
            if moment.tzinfo is None or moment.year <= 1:
                return None
        elif isinstance(value, int | float) and not isinstance(value, bool) and value >= _OLDEST:
            moment = datetime.fromtimestamp(value / 1_000 if value > _MILLISECONDS else value, UTC)
        else:
            return None
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None
