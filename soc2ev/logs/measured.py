"""What records add up to: counted lines, events, fields, times and masked values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from soc2ev.logs.formats import Record
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.masks import is_masked
from soc2ev.logs.measures import Fields, Timeline, Times, logins

_MOST_REMEMBERED = 20_000
_LAST_KEY = re.compile(r"([^.\[\]]+)(?:\[\d+\])*$")
_sensitive: dict[str, bool] = {}


@dataclass(slots=True)
class Seen:
    """How often an event was seen, and when first and last."""

    count: int = 0
    first: float | None = None
    last: float | None = None

    def add(self, count: int, first: float | None, last: float | None) -> None:
        """Count so many more, between those times."""
        self.count += count
        self.first = min((one for one in (self.first, first) if one is not None), default=None)
        self.last = max((one for one in (self.last, last) if one is not None), default=None)


class Measured:
    """What one file, or several after `merge`, holds."""

    def __init__(self, now: float) -> None:
        self.lines = 0
        self.unparsed = 0
        self.shapes: Counter[str] = Counter()
        self.events: dict[str, Seen] = {}
        self.masked: Counter[str] = Counter()
        self.fields = Fields()
        self.logins = logins.Logins()
        self.times = Times(now)
        self.timeline = Timeline()

    def count(self, kind: str) -> int:
        """How often that event was seen."""
        return self.events[kind].count if kind in self.events else 0

    def add(self, record: Record, events: tuple[str, ...]) -> None:
        """Count a record and the events that it tells of."""
        self.shapes[record.shape] += 1
        self.fields.add(record)
        self.times.add(record)
        if record.at is not None:
            self.timeline.add(record.at, record.failed)
        for kind in events:
            self.events.setdefault(kind, Seen()).add(1, record.at, record.at)
        self.logged_in(record, events)
        for path, value in record.fields.items():
            if isinstance(value, str) and _is_sensitive(path) and value and is_masked(value):
                self.masked[path] += 1

    def logged_in(self, record: Record, events: Collection[str]) -> None:
        """Count what a record says of a login, if its events are of one."""
        if not logins.EVENTS.isdisjoint(events) and (told := logins.said(record)) is not None:
            self.logins.add(told)

    def follow(self, other: Measured) -> None:
        """Add the next part of the same file."""
        self._sum(other)
        self.fields.follow(other.fields)
        self.times.follow(other.times)
        self.timeline.follow(other.timeline)

    @staticmethod
    def is_sensitive(path: str) -> bool:
        """Whether the field's name promises a secret."""
        return _is_sensitive(path)

    def saw(self, kind: str, count: int, first: float | None, last: float | None) -> None:
        """Count an event so many more times, seen between those times."""
        self.events.setdefault(kind, Seen()).add(count, first, last)

    def merge(self, other: Measured) -> None:
        """Add another file; its timeline is left to the caller, who knows which files are one stream."""
        self._sum(other)
        self.fields.merge(other.fields)
        self.times.merge(other.times)

    def _sum(self, other: Measured) -> None:
        self.lines += other.lines
        self.unparsed += other.unparsed
        self.shapes.update(other.shapes)
        self.masked.update(other.masked)
        self.logins.merge(other.logins)
        for kind, one in other.events.items():
            self.events.setdefault(kind, Seen()).add(one.count, one.first, one.last)


def _is_sensitive(path: str) -> bool:
    found = _sensitive.get(path)
    if found is None:
        if len(_sensitive) >= _MOST_REMEMBERED:
            _sensitive.clear()
        match = _LAST_KEY.search(path)
        found = _sensitive[path] = bool(match and kind_of(match.group(1)))
    return found
