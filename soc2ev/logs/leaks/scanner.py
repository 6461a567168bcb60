"""The scanner: one line, or a block of lines with a sieve before it."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import replace

from soc2ev.logs.colours import Plain, plain
from soc2ev.logs.leaks.below import value_below
from soc2ev.logs.leaks.beside import card_beside
from soc2ev.logs.leaks.columns import Columns
from soc2ev.logs.leaks.find import find
from soc2ev.logs.leaks.kinds import Hit, Leak, settle
from soc2ev.logs.leaks.mails import LONG_WAY
from soc2ev.logs.leaks.near import find_near
from soc2ev.logs.leaks.sieve import WORD, Chosen, Sieve


class Scanner:
    """
    Finds what leaks in lines; `key` keys the fingerprints, so that nobody without it can try values against them.

    An empty key is refused with ValueError. A scanner remembers words, never lines, and serves any number of files.
    """

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("fingerprints need a key")
        self._key = key
        self._sieve = Sieve()

    def __repr__(self) -> str:
        return "Scanner()"

    def scan(self, line: bytes, root: str = "$", table: Columns | None = None) -> Iterator[Leak]:
        """The leaks of a line in order of place; `root` is the path of a JSON line in its file, `table` its columns."""
        clear = plain(line)
        if clear:
            return (_at(leak, clear, 0, 0) for leak in self._read(clear.data, root, table))
        return self._read(line, root, table)

    def _read(self, line: bytes, root: str, table: Columns | None) -> Iterator[Leak]:
        text = line.decode("latin-1")
        hits = find(text, root)
        if table:
            hits = settle([*table.without_ids(text, hits), *table.hits(text)])
        return self._leaks(hits)

    def _leaks(self, hits: list[Hit]) -> Iterator[Leak]:
        seen: set[tuple[str, int, int, str]] = set()
        for hit in hits:
            leak = Leak(hit.kind, hit.path, hit.start, hit.end, self._fingerprint(hit))
            place = (leak.kind, leak.start, leak.end, leak.fingerprint)
            if place not in seen:
                seen.add(place)
                yield leak

    def scan_block(self, block: bytes, line: int = 1, *, table: Columns | None = None) -> Iterator[tuple[int, Leak]]:
        """The leaks of a block of whole lines with their line numbers; `line` is the number of its first."""
        clear = plain(block)
        if not clear:
            yield from self._scan(block, line, table)
            return
        start, number = 0, line
        for found, leak in self._scan(clear.data, line, table):
            for _ in range(found - number):
                start = clear.data.find(b"\n", start) + 1
            number = found
            yield number, _at(leak, clear, start, clear.place(start - 1) + 1 if start else 0)

    def _scan(self, block: bytes, line: int, table: Columns | None) -> Iterator[tuple[int, Leak]]:
        position, line_below = 0, line
        below: tuple[int, list[Hit]] | None = None
        chosen = self._sieve.chosen(block)
        for start, end, spots in _with_rows(chosen, block, table) if table else chosen:
            line += block.count(b"\n", position, start)
            position = start
            text = block[start:end].decode("latin-1")
            hits = (find_near(text, spots) if spots else []) or card_beside(block, start, end, text)
            if table:
                hits = settle([*table.without_ids(text, hits), *table.hits(text)])
            if below and below[0] != start:
                yield from ((line_below, leak) for leak in self._leaks(below[1]))
            elif below:
                hits = settle([*hits, *below[1]])
            below, line_below = value_below(block, end, text), line + 1
            for leak in self._leaks(hits):
                yield line, leak
        if below:
            yield from ((line_below, leak) for leak in self._leaks(below[1]))

    def _fingerprint(self, hit: Hit) -> str:
        value = f"{hit.kind}\0{hit.secret}".encode("utf-8", "surrogatepass")
        return "hmac:" + hmac.digest(self._key, value, "sha256").hex()[:16]


def _at(leak: Leak, clear: Plain, start: int, before: int) -> Leak:
    """The leak of a line that begins there without its colours, and there with them, at its place with them."""
    first, last = clear.place(start + leak.start), clear.place(start + leak.end - 1) + 1
    return replace(leak, start=first - before, end=last - before)


def _with_rows(chosen: list[Chosen], block: bytes, table: Columns) -> Iterator[Chosen]:
    """The lines that the sieve chose, and the rows in which a column that promises a secret has something; in order."""
    spots = {start: found for start, _, found in chosen}
    odd = [sign for sign in _BEYOND_SIEVE if sign in block]
    start = 0
    for row in block.split(b"\n"):
        end = start + len(row)
        if start in spots or not table.is_empty(row) or (odd and any(sign in row for sign in odd)):
            yield start, end, spots.get(start) or ([(0, WORD)] if odd else [])
        start = end + 1


_BEYOND_SIEVE = tuple(sign.encode() for sign in LONG_WAY)
"""A row with one of these is read whole: the second stage may find something of which no word or run tells."""
