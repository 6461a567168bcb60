"""
A check on several processors: pieces of whole lines go to processes, and what they count is put together in order.

The answer is the same as that of one process. What one line leaves to the next (which text format fitted last, the
time before) is handed on when the pieces come together; a piece for which that was guessed wrongly is counted again.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Self

from soc2ev.logs.bulk import Bulk
from soc2ev.logs.events import Matcher
from soc2ev.logs.events.pack import Pack
from soc2ev.logs.formats import Parser
from soc2ev.logs.leaks.columns import Columns, columns
from soc2ev.logs.leaks.kinds import Leak
from soc2ev.logs.leaks.many import scan_piece
from soc2ev.logs.leaks.scanner import Scanner
from soc2ev.logs.measured import Measured
from soc2ev.logs.measures import Fields
from soc2ev.logs.measuring import batches, delivered, measure, opens_document, reference
from soc2ev.logs.reading import Block, Told, blocks

_PIECE = 4 << 20
_EVERY_ID = 1 << 30
_GARBAGE = 200_000
Found = list[tuple[Path, int, Leak]]
Progress = Callable[[Path, int], None]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines of a file, and what has to be known to count them."""

    file: Path
    blocks: list[Block] = field(repr=False)
    table: Columns | None
    now: float
    reference: float
    order: tuple[int, ...]
    counted: bool
    """False when only leaks are looked for, since the file is one document."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a piece holds; `ambiguous` says that the answer may be another one after another `order`."""

    leaks: Found
    measured: Measured | None
    ambiguous: bool
    used: tuple[int, ...]


class _Worker:
    """Counts pieces, here or in a process of its own; what it learns of a file serves the file's next pieces."""

    def __init__(self, key: bytes, packs: list[Pack]) -> None:
        self._scanner, self._matcher = Scanner(key), Matcher(packs)
        self._bulk: tuple[Path | None, Bulk | None] = (None, None)

    def count(self, piece: _Piece) -> _Outcome:
        """What the piece holds."""
        leaks = list(scan_piece(self._scanner, piece.blocks, piece.table))
        if not piece.counted:
            return _Outcome(leaks, None, ambiguous=False, used=())
        made = Measured(piece.now)
        made.fields = Fields(_EVERY_ID)
        file, bulk = self._bulk
        if bulk is None or file != piece.file:
            bulk = Bulk(made, self._matcher, Parser(piece.reference), delivered(piece.file))
            self._bulk = (piece.file, bulk)
        bulk.begin(made, piece.order)
        for batch in batches(piece.blocks):
            for block in batch:
                bulk.block(block)
            bulk.finish()
        return _Outcome(leaks, made, bulk.parser.ambiguous, bulk.parser.following(()))


def context() -> multiprocessing.context.BaseContext:
    """
    How processes are started: as copies of this one where that is safe, which takes no time; else anew.

    A copy has only the thread that made it, so that whatever another one held would be held for ever (fork(2)); other
    systems than Linux have libraries that do not survive it.
    """
    alone = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if alone else "spawn")


class Together:
    """Checks files one after the other; as a context it owns the processes, and ends them whatever happens."""

    def __init__(self, key: bytes, matcher: Matcher, now: float, workers: int) -> None:
        self._key, self._packs, self._now, self._matcher = key, matcher.packs, now, matcher
        self._here: _Worker | None = None
        self._most = 2 * workers
        self._pool = ProcessPoolExecutor(workers, context(), initializer=_begin, initargs=(key, matcher.packs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def file(self, file: Path, told: Told, on_progress: Progress | None) -> tuple[Measured, Iterator[Found]]:
        """What the file holds, complete when its leaks were all taken."""
        source = blocks(file, told)
        first = next(source, None)
        if first is None:
            return Measured(self._now), iter(())
        if opens_document(first):
            made = measure(file, self._now, self._matcher, told, on_progress)
            return made, self._join(file, Measured(self._now), chain([first], source), None, counted=False)
        made = Measured(self._now)
        return made, self._join(file, made, chain([first], source), on_progress, counted=True)

    def _join(
        self, file: Path, made: Measured, source: Iterator[Block], on_progress: Progress | None, *, counted: bool
    ) -> Iterator[Found]:
        written = reference(file, self._now)
        order = Parser(written).order
        waiting: deque[tuple[_Piece, Future[_Outcome]]] = deque()
        pieces = _pieces(source)
        more = True
        while more or waiting:
            while more and len(waiting) < self._most:
                batch = next(pieces, None)
                more = batch is not None
                if batch:
                    piece = _Piece(file, *batch, self._now, written, order, counted)
                    waiting.append((piece, self._pool.submit(_count, piece)))
            if waiting:
                outcome, order = self._settled(*waiting.popleft(), order)
                if outcome.measured:
                    made.follow(outcome.measured)
                    if on_progress:
                        on_progress(file, made.lines)
                yield outcome.leaks

    def _settled(
        self, piece: _Piece, future: Future[_Outcome], order: tuple[int, ...]
    ) -> tuple[_Outcome, tuple[int, ...]]:
        """The outcome of a piece that follows `order`, and the order that follows it."""
        outcome = future.result()
        if outcome.ambiguous and piece.order != order:
            self._here = self._here or _Worker(self._key, self._packs)
            outcome = self._here.count(
                _Piece(piece.file, piece.blocks, piece.table, piece.now, piece.reference, order, counted=True)
            )
        return outcome, (*outcome.used, *(at for at in order if at not in outcome.used))


def _pieces(source: Iterator[Block]) -> Iterator[tuple[list[Block], Columns | None]]:
    batch: list[Block] = []
    table: Columns | None = None
    size = 0
    for block in source:
        if block.line == 1 and not block.record and not block.window:
            table = columns(block.data[:8192])
        batch.append(block)
        size += len(block.data)
        if size >= _PIECE:
            yield batch, table
            batch, size = [], 0
    if batch:
        yield batch, table


_workers: list[_Worker] = []


def _begin(key: bytes, packs: list[Pack]) -> None:
    """A process begins; an interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(_GARBAGE)  # lines come by the million, and hardly anything that refers to itself
    _workers[:] = [_Worker(key, packs)]


def _count(piece: _Piece) -> _Outcome:
    return _workers[0].count(piece)
