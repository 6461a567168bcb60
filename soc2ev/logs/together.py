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
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
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


@dataclass
class _Going:
    """A file that is being read: its pieces, those that processes have, and what came of those before."""

    file: Path
    made: Measured
    pieces: Iterator[tuple[list[Block], Columns | None]]
    reference: float
    order: tuple[int, ...]
    counted: bool
    waiting: deque[tuple[_Piece, Future[_Outcome]]] = field(default_factory=deque)
    ended: bool = False
    """All of its pieces were handed out."""


class Together:
    """Checks files, several at a time; as a context it owns the processes, and ends them whatever happens."""

    def __init__(self, key: bytes, matcher: Matcher, now: float, workers: int) -> None:
        self._key, self._packs, self._now, self._matcher = key, matcher.packs, now, matcher
        self._here: _Worker | None = None
        self._most = 2 * workers
        self._going: deque[_Going] = deque()
        self._pool = ProcessPoolExecutor(workers, context(), initializer=_begin, initargs=(key, matcher.packs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def files(
        self, found: Iterable[Path], told: Told, on_progress: Progress | None
    ) -> Iterator[tuple[Path, Measured, Iterator[Found]]]:
        """
        Each file in order with what it holds, complete when its leaks were all taken, which has to be first.

        While one is waited for, the processes have pieces of the next ones: many small files keep them all busy.
        """
        left = (self._opened(file, told, on_progress) for file in found)
        self._fill(left)
        while self._going:
            going = self._going[0]
            yield going.file, going.made, self._leaks(going, left, on_progress)
            self._going.popleft()
            self._fill(left)

    def _opened(self, file: Path, told: Told, on_progress: Progress | None) -> _Going:
        source = blocks(file, told)
        first = next(source, None)
        document = first is not None and opens_document(first)
        made = measure(file, self._now, self._matcher, told, on_progress) if document else Measured(self._now)
        pieces = _pieces(chain([first] if first else (), source))
        written = reference(file, self._now)
        return _Going(file, made, pieces, written, Parser(written).order, counted=not document)

    def _fill(self, left: Iterator[_Going]) -> None:
        """Hand out pieces until the processes have enough, of the last file that was opened or of the next ones."""
        while sum(len(one.waiting) for one in self._going) < self._most:
            if not self._going or self._going[-1].ended:
                following = next(left, None)
                if following is None:
                    return
                self._going.append(following)
            self._hand_out(self._going[-1])

    def _hand_out(self, going: _Going) -> None:
        batch = next(going.pieces, None)
        if batch is None:
            going.ended = True
            return
        piece = _Piece(going.file, *batch, self._now, going.reference, going.order, going.counted)
        going.waiting.append((piece, self._pool.submit(_count, piece)))

    def _leaks(self, going: _Going, left: Iterator[_Going], on_progress: Progress | None) -> Iterator[Found]:
        while going.waiting or not going.ended:
            if going.waiting:
                outcome = self._settled(going, *going.waiting.popleft())
                if outcome.measured:
                    going.made.follow(outcome.measured)
                    if on_progress:
                        on_progress(going.file, going.made.lines)
                yield outcome.leaks
            self._fill(left)

    def _settled(self, going: _Going, piece: _Piece, future: Future[_Outcome]) -> _Outcome:
        """The outcome of the piece, counted again where it was counted after another order than it follows."""
        outcome = future.result()
        if outcome.ambiguous and piece.order != going.order:
            self._here = self._here or _Worker(self._key, self._packs)
            outcome = self._here.count(replace(piece, order=going.order, counted=True))
        going.order = (*outcome.used, *(at for at in going.order if at not in outcome.used))
        return outcome


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
