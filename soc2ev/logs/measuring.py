"""One file, block by block, into what its records add up to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from soc2ev.logs import jsontext
from soc2ev.logs.bulk import Bulk
from soc2ev.logs.events import Matcher
from soc2ev.logs.formats import Parser, Record
from soc2ev.logs.formats.parser import Given
from soc2ev.logs.instants import instant
from soc2ev.logs.measured import Measured
from soc2ev.logs.reading import Block, Problem, Told, blocks, whole_lines

_LARGEST_DOCUMENT = 64 << 20
# CloudTrail user guide, "log file name format": ..._YYYYMMDDTHHmmZ_UniqueString.json.gz, the time of delivery.
_DELIVERED = re.compile(r"_CloudTrail_[a-z0-9-]+_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_")
_MINUTE = 59
_BATCH = 1 << 20
Entries = list[Given] | None
"""What a line gave, before its fields are looked through; None when it was not understood."""


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
