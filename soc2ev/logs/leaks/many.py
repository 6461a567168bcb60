"""Whole sets of files: blocks through the scanner, in this process or in several."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from soc2ev.errors import CollectError
from soc2ev.logs.leaks.columns import Columns, columns
from soc2ev.logs.leaks.kinds import Leak
from soc2ev.logs.leaks.scanner import Scanner
from soc2ev.logs.reading import Block, Problem, blocks, files

Found = tuple[Path, int, Leak]
_BATCH = 2 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan has come: the file, and the bytes (inflated) and line ends of all files so far."""

    file: Path
    bytes: int
    lines: int


def scan_files(
    paths: Iterable[str | Path],
    key: bytes,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    workers: int = 1,
    problems: list[Problem] | None = None,
) -> Iterator[Found]:
    """
    (file, physical line, leak) for every leak of files, folders and globs, in order, in bounded memory.

    What could not be read is added to `problems`; without such a list it ends the scan with CollectError after
    everything that could be read, so that a partial scan never looks whole; so does a path that names nothing.
    With `workers` > 1 blocks are scanned in that many processes; the results and their order stay the same.
    """
    told: list[Problem] = [] if problems is None else problems
    batches = _batches(paths, told, on_progress)
    yield from _together(batches, key, workers) if workers > 1 else _alone(batches, key)
    if problems is None and told:
        first = told[0]
        raise CollectError(
            f"{len(told)} of the files could not be read whole; first {first.file}: {first.reason}",
            hint="the leaks in everything else were reported; what was not read may hold more",
        )


Batch = tuple[list[Block], Columns | None]


def _batches(
    paths: Iterable[str | Path], told: list[Problem], on_progress: Callable[[Progress], None] | None
) -> Iterator[Batch]:
    read = ends = 0
    for file in files(paths, told.append):
        batch: list[Block] = []
        table: Columns | None = None
        size = 0
        for block in blocks(file, told.append):
            if block.line == 1 and not block.record and not block.window:
                table = columns(block.data[:8192])
            batch.append(block)
            size += len(block.data)
            read, ends = read + len(block.data) - block.window, ends + block.data.count(b"\n")
            if size >= _BATCH:
                yield batch, table
                batch, size = [], 0
                if on_progress:
                    on_progress(Progress(file, read, ends))
        yield batch, table
        if on_progress:
            on_progress(Progress(file, read, ends))


def _alone(batches: Iterator[Batch], key: bytes) -> Iterator[Found]:
    scanner = Scanner(key)
    for batch, table in batches:
        yield from scan_piece(scanner, batch, table)


def scan_piece(scanner: Scanner, piece: Iterable[Block], table: Columns | None) -> Iterator[Found]:
    """The leaks of some blocks of a file; `table` is what its first line says of columns."""
    for block in piece:
        yield from _scan(scanner, block, table)


def _together(batches: Iterator[Batch], key: bytes, workers: int) -> Iterator[Found]:
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[Found]]] = deque()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(key,)) as pool:
        for batch in batches:
            waiting.append(pool.submit(_scan_batch, batch))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


_scanners: list[Scanner] = []


def _begin(key: bytes) -> None:
    _scanners[:] = [Scanner(key)]


def _scan_batch(batch: Batch) -> list[Found]:
    found, table = batch
    return list(scan_piece(_scanners[0], found, table))


def _scan(scanner: Scanner, block: Block, table: Columns | None) -> Iterator[Found]:
    for line, leak, end in _leaks(scanner, block, table):
        # Of two windows of one line, the one that has the whole value reports it.
        if block.cut and end >= len(block.data):
            continue
        if not (block.window and line == block.line and end <= block.window):
            yield block.file, line, leak


def _leaks(scanner: Scanner, block: Block, table: Columns | None) -> Iterator[tuple[int, Leak, int]]:
    if block.record:
        for leak in scanner.scan(block.data, block.root):
            yield block.line + block.data.count(b"\n", 0, leak.start), leak, leak.end
        return
    for line, leak in scanner.scan_block(block.data, block.line, table=table):
        yield line, leak, leak.end
