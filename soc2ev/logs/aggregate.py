"""
The small table to which logs of any size come down, hour by hour, whoever counts.

`aggregate` counts the records of files here; the query of `soc2ev.logs.plan` does so in another engine. The same
records give the same rows and the same digest.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from soc2ev.errors import ConfigError
from soc2ev.logs.events import KINDS, Matcher
from soc2ev.logs.formats import Record

HOUR = 3600
COUNTED = ("records", "who", "what", "who_what_when_where", "place", "correlated", "told", "errors")
COLUMNS = ("hour", *COUNTED, "ids_differ", "first_at", "last_at", *(kind.replace(".", "_") for kind in KINDS))
"""
`hour` in hours since 1970, NULL for records without a time; `place` is the address; `told` have a status, and of these
`errors` are 5xx; `ids_differ` is 1 when the correlation ids of the hour are not all the same; `first_at` and `last_at`
in whole seconds since 1970; then one column for each kind of event.
"""
_LARGEST = 64 << 20
Row = Mapping[str, int | None]


@dataclass(slots=True)
class _Hour:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS[1:], 0))
    first: int | None = None
    last: int | None = None
    id: str | None = None

    def row(self, hour: int | None) -> Row:
        return {"hour": hour, **self.counts, "first_at": self.first, "last_at": self.last}


def aggregate(records: Iterable[Record], matcher: Matcher) -> list[Row]:
    """The rows of the records, in order of hour; those without a time come first."""
    hours: dict[int | None, _Hour] = {}
    for record in records:
        hour = None if record.at is None else int(record.at // HOUR)
        _count(hours.setdefault(hour, _Hour()), record, matcher)
    return [one.row(hour) for hour, one in sorted(hours.items(), key=lambda pair: _order(pair[0]))]


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 over the rows in order of hour, one line of JSON each: equal for equal rows, whatever counted them."""
    made = hashlib.sha256()
    for row in sorted(rows, key=lambda one: _order(one["hour"])):
        made.update((json.dumps([row[name] for name in COLUMNS], separators=(",", ":")) + "\n").encode())
    return f"sha256:{made.hexdigest()}"


def rows(text: bytes) -> list[Row]:
    """
    The rows in an engine's result, CSV with a header, a JSON array or JSON lines; ConfigError when it is no such table.

    Names are compared without case, since some engines shout; counts may come as text.
    """
    if len(text) > _LARGEST:
        raise ConfigError(f"the result is larger than {_LARGEST >> 20} MiB: it is not the aggregation that was planned")
    try:
        listed = _listed(text.decode("utf-8-sig"))
        return [_row({str(name).lower(): value for name, value in one.items()}) for one in listed]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError, csv.Error) as problem:
        raise ConfigError(
            f"this is no result of the planned query: {problem!s:.200}",
            hint="export it as CSV with a header or as JSON, with the columns that `soc2ev logs plan` names",
        ) from None


def refuse_impossible(found: Iterable[Row]) -> None:
    """ConfigError for rows that the planned query cannot give: an hour twice, times outside it, more than there are."""
    hours: set[int | None] = set()
    for row in found:
        problem = "stands there twice" if row["hour"] in hours else _impossible(row)
        if problem:
            hour = "without a time" if row["hour"] is None else row["hour"]
            raise ConfigError(
                f"this is no result of the planned query: the hour {hour} {problem}",
                hint="give the engine's result as it is, of one run of the query and whole",
            )
        hours.add(row["hour"])


def _impossible(row: Row) -> str:
    """Why no records add up to that row; empty when some do."""
    count = {name: row[name] or 0 for name in COLUMNS}
    hour, first, last = row["hour"], row["first_at"], row["last_at"]
    if hour is None:
        timed = first is not None or last is not None or count["who_what_when_where"]
    else:
        timed = first is None or last is None or not hour * HOUR <= first <= last < (hour + 1) * HOUR
    if timed:
        return "has times that do not lie in it"
    parts = [name for name in COLUMNS if name not in ("hour", "ids_differ", "first_at", "last_at", "records")]
    if not count["records"] or any(count[name] > count["records"] for name in parts):
        return "counts more than its records"
    least = min(count["who"], count["what"], count["place"])
    within = count["who_what_when_where"] <= least and count["errors"] <= count["told"]
    return "" if within and count["ids_differ"] <= (count["correlated"] > 1) else "counts more than its parts"


def totals(found: Iterable[Row]) -> dict[str, int]:
    """The sum of each count."""
    made = dict.fromkeys(COLUMNS[1:], 0)
    for row in found:
        for name in made:
            made[name] += (row[name] or 0) if name not in ("first_at", "last_at") else 0
    return {name: value for name, value in made.items() if name not in ("first_at", "last_at", "ids_differ")}


def _count(hour: _Hour, record: Record, matcher: Matcher) -> None:
    known = {"who": record.actor, "what": record.action, "place": record.ip}
    present = [name for name, value in known.items() if value is not None]
    for name in ("records", *present, *(kind.replace(".", "_") for kind in matcher.events(record))):
        hour.counts[name] += 1
    hour.counts["who_what_when_where"] += len(present) == len(known) and record.at is not None
    if record.status is not None:
        hour.counts["told"] += 1
        hour.counts["errors"] += bool(record.failed)
    _count_id(hour, record)
    if record.at is not None:
        second = int(record.at // 1)
        hour.first = second if hour.first is None else min(hour.first, second)
        hour.last = second if hour.last is None else max(hour.last, second)


def _count_id(hour: _Hour, record: Record) -> None:
    given = next(iter(record.ids.values()), None)
    if given is not None:
        hour.counts["correlated"] += 1
        if hour.id is not None and hour.id != given:
            hour.counts["ids_differ"] = 1
        hour.id = given


def _order(hour: int | None) -> tuple[bool, int]:
    return hour is not None, hour or 0


def _listed(text: str) -> list[dict[str, Any]]:
    start = text.lstrip()[:1]
    if start == "[":
        return list(json.loads(text))
    if start == "{":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return list(csv.DictReader(io.StringIO(text), strict=True))


def _row(given: Mapping[str, Any]) -> Row:
    missing = [name for name in COLUMNS if name not in given]
    if missing:
        raise ValueError(f"the column {missing[0]} is missing")
    return {name: _number(name, given[name]) for name in COLUMNS}


def _number(name: str, value: Any) -> int | None:
    if value is None or value in ("", "NULL", "null", "\\N"):
        if name in ("hour", "first_at", "last_at"):
            return None
        raise ValueError(f"{name} is empty")
    number = float(value)
    if number != int(number) or number < 0:
        raise ValueError(f"{name} is {value!s:.40}, and not a count")
    return int(str(value)) if str(value).isdigit() else int(number)
