"""One file, record by record: counted lines, events, fields, times and masked values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from soc2ev.logs import jsontext
from soc2ev.logs.events import Matcher
from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.instants import instant
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.masks import is_masked
from soc2ev.logs.measures import Fields, Timeline, Times
from soc2ev.logs.reading import Block, Problem, Told, blocks

_LARGEST_DOCUMENT = 64 << 20
_MOST_REMEMBERED = 20_000
# CloudTrail user guide, "log file name format": ..._YYYYMMDDTHHmmZ_UniqueString.json.gz, the time of delivery.
_DELIVERED = re.compile(r"_CloudTrail_[a-z0-9-]+_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_")
_MINUTE = 59
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
        for path, value in record.fields.items():
            if isinstance(value, str) and _is_sensitive(path) and value and is_masked(value):
                self.masked[path] += 1

    def merge(self, other: Measured) -> None:
        """Add another file; its timeline is left to the caller, who knows which files are one stream."""
        self.lines += other.lines
        self.unparsed += other.unparsed
        self.shapes.update(other.shapes)
        self.masked.update(other.masked)
        self.fields.merge(other.fields)
        self.times.merge(other.times)
        for kind, one in other.events.items():
            self.events.setdefault(kind, Seen()).add(one.count, one.first, one.last)


def measure(
    file: Path, now: float, matcher: Matcher, told: Told, on_progress: Callable[[Path, int], None] | None = None
) -> Measured:
    """What the file holds; what cannot be read is told, and lines that are not understood are counted."""
    made = Measured(now)
    delivered = _delivered(file)
    for lines, records in read(file, now, told):
        made.lines += lines
        made.unparsed += lines > 0 and records is None
        for record in records or ():
            if delivered is not None and record.shape == "cloudtrail" and record.arrival is None:
                record.arrival = delivered
            made.add(record, matcher.events(record))
        if on_progress and not made.lines % 20_000:
            on_progress(file, made.lines)
    return made


def read(file: Path, now: float, told: Told) -> Iterator[tuple[int, list[Record] | None]]:
    """(physical lines, records) for each line; records are None when the line is not understood, empty for a blank."""
    parser = Parser(_reference(file, now))
    source = blocks(file, told)
    first = next(source, None)
    if first is None:
        return
    if _opens_document(first):
        yield from _document(file, parser, [first], source, told)
        return
    yield from _of_block(parser, first)
    for block in source:
        yield from _of_block(parser, block)


def _of_block(parser: Parser, block: Block) -> Iterator[tuple[int, list[Record] | None]]:
    if block.record:
        yield 1, parser.records(block.data) or None
        return
    rows = block.data.removesuffix(b"\n").split(b"\n")
    if block.window or block.cut:
        # A line over 1 MiB is no record; its last window may have whole lines behind it.
        if not block.window:
            yield 1, None
        rows = [] if block.cut else rows[1:]
    for row in rows:
        yield 1, (parser.records(row) or None) if row.strip() else []


def _opens_document(block: Block) -> bool:
    """Whether the file is one JSON document over many lines: an array, or an object that its first line leaves open."""
    start = block.data.lstrip()[:1]
    if block.record or start not in (b"[", b"{"):
        return False
    line = block.data.lstrip().split(b"\n", 1)[0].strip()
    if start == b"[":
        return re.match(rb"\[\s*(?:[{\[]|$)", line) is not None
    return re.match(rb'\{\s*(?:"[^"]{0,100}"\s*:\s*(?:[\[{]\s*|[^{}]{0,200},\s*))?$', line) is not None or block.cut


def _document(
    file: Path, parser: Parser, held: list[Block], source: Iterator[Block], told: Told
) -> Iterator[tuple[int, list[Record] | None]]:
    size = len(held[0].data)
    for block in source:
        held.append(block)
        size += len(block.data) - block.window
        if size > _LARGEST_DOCUMENT:
            told(
                Problem(file, f"one JSON document over {_LARGEST_DOCUMENT >> 20} MiB: write one record a line instead")
            )
            break
    whole = b"".join(block.data[block.window :] for block in held)
    try:
        value = jsontext.loads(whole)
    except ValueError:
        for block in held:
            yield from _of_block(parser, block)
        for block in source:
            yield from _of_block(parser, block)
        return
    records = parser.documents(value)
    yield max(1, whole.count(b"\n") + (not whole.endswith(b"\n"))), records or None


def _reference(file: Path, now: float) -> float:
    try:
        return min(file.stat().st_mtime, now)
    except OSError:
        return now


def _delivered(file: Path) -> float | None:
    """The end of the minute in which CloudTrail delivered the file, by its name."""
    match = _DELIVERED.search(file.name)
    found = instant("{}-{}-{}T{}:{}:00Z".format(*match.groups()), 0.0) if match else None
    return found.at + _MINUTE if found else None


def _is_sensitive(path: str) -> bool:
    found = _sensitive.get(path)
    if found is None:
        if len(_sensitive) >= _MOST_REMEMBERED:
            _sensitive.clear()
        match = _LAST_KEY.search(path)
        found = _sensitive[path] = bool(match and kind_of(match.group(1)))
    return found
