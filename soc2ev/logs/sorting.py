"""The lines of a block, sorted by kind: most lines of a log differ from others only in their values."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from itertools import compress
from operator import itemgetter, not_

from soc2ev.logs.formats.stencil import FIXED, Stencil, Table, stencil_of_json, stencil_of_pairs

_FEW = 8
_MOST_KINDS = 6
_PATIENCE, _BLOCKS_A_TRY = 6, 16
_RARE, _IDLE = 8, 16
_FIRST = itemgetter(0)
_CLASSES = bytes.maketrans(
    (string.digits + string.ascii_letters).encode(), b"0" * len(string.digits) + b"a" * len(string.ascii_letters)
)
_CHOOSING = {first: bytes(code == first for code in range(256)) for first in range(256)}
"""For each class what turns the classes of lines into flags."""
_LEARNT: dict[int, Callable[[str], Stencil | None]] = {ord("{"): stencil_of_json, ord("a"): stencil_of_pairs}


class _Kind:
    """A stencil, and how well it served so far."""

    __slots__ = ("alone", "idle", "stencil")

    def __init__(self, stencil: Stencil) -> None:
        self.stencil, self.alone, self.idle = stencil, False, 0

    def split(self, lines: list[str]) -> tuple[list[tuple[str, ...]], list[bool]]:
        """The matches of the lines that fit, and for each line whether it does; no flags when all do."""
        text = "\n".join(lines)
        if self.alone:
            found = self.stencil.whole.findall(text)
            if len(found) == len(lines):
                return found, []
        found = self.stencil.either.findall(text)
        fits = list(map(bool, map(_FIRST, found)))
        self.alone = all(fits)
        return (found, []) if self.alone else (list(compress(found, fits)), fits)


class Sorter:
    """Learns kinds of lines from the lines of one file, a bounded number of them."""

    def __init__(self) -> None:
        self._kinds: dict[int, list[_Kind]] = {
            ord("{"): [],
            ord("0"): [_Kind(one) for one in FIXED[:2]],
            ord("a"): [_Kind(FIXED[2])],
            ord("<"): [_Kind(FIXED[3])],
        }
        self._patience = _PATIENCE * _BLOCKS_A_TRY

    def sort(self, rows: list[bytes]) -> tuple[list[Table], list[int]]:
        """The lines that are of a known kind, and the places of all others in order."""
        self._patience += 1
        firsts = b"".join([row[:1] or b"\n" for row in rows]).translate(_CLASSES)
        tables: list[Table] = []
        rest: list[int] = []
        classes = set(firsts)
        for first in classes:
            at: Sequence[int] = range(len(rows))
            if len(classes) > 1:
                at = list(compress(at, firsts.translate(_CHOOSING[first])))
            if first in self._kinds and len(at) >= _FEW:
                made, at = self._sort(first, rows, at)
                tables += made
            rest += at
        return tables, sorted(rest) if len(classes) > 1 else rest

    def _sort(self, first: int, rows: list[bytes], at: Sequence[int]) -> tuple[list[Table], Sequence[int]]:
        lines = _shown(rows, at, strip=first != ord("{"))
        tables: list[Table] = []
        kinds = self._kinds[first]
        for kind in tuple(kinds):
            found = kind.split(lines) if lines else ([], [])
            kind.idle = 0 if len(found[0]) * _RARE > len(lines) else kind.idle + 1
            at, lines = _taken(tables, kind, found, at, lines)
        self._kinds[first] = [kind for kind in kinds if kind.idle < _IDLE or kind.stencil in FIXED]
        while len(lines) >= _FEW and (learnt := self._learn(first, lines[len(lines) // 2])):
            found = learnt.split(lines)
            if len(found[0]) * _RARE > len(lines):
                self._kinds[first].append(learnt)
                self._patience += _BLOCKS_A_TRY
            at, lines = _taken(tables, learnt, found, at, lines)
        return tables, at

    def _learn(self, first: int, line: str) -> _Kind | None:
        """The kind of a line that is of none that is known; making one takes as long as reading hundreds of lines."""
        if first not in _LEARNT or self._patience < _BLOCKS_A_TRY or len(self._kinds[first]) >= _MOST_KINDS:
            return None
        self._patience -= _BLOCKS_A_TRY
        made = _LEARNT[first](line)
        return _Kind(made) if made else None


def _shown(rows: list[bytes], at: Sequence[int], *, strip: bool) -> list[str]:
    """The lines as text; broken UTF-8 ends with its line."""
    chosen = rows if len(at) == len(rows) else [rows[one] for one in at]
    whole = b"\n".join([row.strip() for row in chosen] if strip else chosen)
    return whole.decode("utf-8", "replace").split("\n")


def _taken(
    tables: list[Table],
    kind: _Kind,
    found: tuple[list[tuple[str, ...]], list[bool]],
    at: Sequence[int],
    lines: list[str],
) -> tuple[Sequence[int], list[str]]:
    """Keep what a kind found; the places and texts of the lines that are left."""
    matches, fits = found
    if not matches:
        return at, lines
    if not fits:
        tables.append(Table(kind.stencil, at, matches))
        return [], []
    tables.append(Table(kind.stencil, list(compress(at, fits)), matches))
    left = list(map(not_, fits))
    return list(compress(at, left)), list(compress(lines, left))
