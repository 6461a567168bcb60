"""One file, record by record: counted lines, events, fields, times and masked values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from soc2ev.logs import jsontext
from soc2ev.logs.bulk import Bulk
from soc2ev.logs.events import Matcher
from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.formats.parser import Entry
from soc2ev.logs.instants import instant
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.masks import is_masked
from soc2ev.logs.measures import Fields, Timeline, Times, logins
from soc2ev.logs.reading import Block, Problem, Told, blocks, whole_lines

_LARGEST_DOCUMENT = 64 << 20
_MOST_REMEMBERED = 20_000
# CloudTrail user guide, "log file name format": ..._YYYYMMDDTHHmmZ_UniqueString.json.gz, the time of delivery.
_DELIVERED = re.compile(r"_CloudTrail_[a-z0-9-]+_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_")
_MINUTE = 59
_LAST_KEY = re.compile(r"([^.\[\]]+)(?:\[\d+\])*$")
_sensitive: dict[str, bool] = {}
_BATCH = 1 << 20
Entries = list[Entry | Record] | None
"""What a line gave, before its fields are looked through; None when it was not understood."""


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


def measure(
    file: Path, now: float, matcher: Matcher, told: Told, on_progress: Callable[[Path, int], None] | None = None
) -> Measured:
    """What the file holds; what cannot be read is told, and lines that are not understood are counted."""
    made = Measured(now)
    parser = Parser(reference(file, now))
    bulk = Bulk(made, matcher, parser, delivered(file))
    source = blocks(file, told)
    first = next(source, None)
    if first is None:
        return made
    if opens_document(first):
        for lines, found in _document(file, parser, [first], source, told):
            made.lines += lines
            made.unparsed += lines > 0 and found is None
            bulk.entries(found or ())
        bulk.finish()
        return made
    for batch in batches(chain([first], source)):
        for block in batch:
            bulk.block(block)
        bulk.finish()
        if on_progress:
            on_progress(file, made.lines)
    return made


def read(file: Path, now: float, told: Told) -> Iterator[tuple[int, list[Record] | None]]:
    """(physical lines, records) for each line; records are None when the line is not understood, empty for a blank."""
    parser = Parser(reference(file, now))
    source = blocks(file, told)
    first = next(source, None)
    if first is None:
        return
    if opens_document(first):
        for lines, entries in _document(file, parser, [first], source, told):
            yield lines, None if entries is None else [parser.finished(one) for one in entries]
        return
    for block in chain([first], source):
        for lines, entries in _of_block(parser, block):
            yield lines, None if entries is None else [parser.finished(one) for one in entries]


def batches(source: Iterable[Block]) -> Iterator[list[Block]]:
    """The blocks in lots that are counted at once: enough to gain by it, and little enough to stay near."""
    batch: list[Block] = []
    size = 0
    for block in source:
        batch.append(block)
        size += len(block.data)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _of_block(parser: Parser, block: Block) -> Iterator[tuple[int, Entries]]:
    if block.record:
        yield 1, parser.entries(block.data) or None
        return
    lost, rows = whole_lines(block)
    if lost:
        yield lost, None
    for row in rows:
        yield 1, (parser.entries(row) or None) if row.strip() else []


def opens_document(block: Block) -> bool:
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
) -> Iterator[tuple[int, Entries]]:
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
    entries = list(parser.parsed(value))
    yield max(1, whole.count(b"\n") + (not whole.endswith(b"\n"))), entries or None


def reference(file: Path, now: float) -> float:
    """About when the file was written."""
    try:
        return min(file.stat().st_mtime, now)
    except OSError:
        return now


def delivered(file: Path) -> float | None:
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
