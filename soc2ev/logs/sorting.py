"""The lines of a block, sorted by kind: most lines of a log differ from others only in their values."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from itertools import compress
from operator import itemgetter, not_

from soc2ev.logs.formats.accesses import stencil_of_access
from soc2ev.logs.formats.fixed import FIXED
from soc2ev.logs.formats.stencil import Stencil, Table, stencil_of_json, stencil_of_pairs
from soc2ev.logs.formats.trailing import stencil_of_trailing

_FEW = 8
_MOST_KINDS = 6
_PATIENCE, _BLOCKS_A_TRY = 3, 16
_RARE, _IDLE = 3, 16
_TIRED, _PAUSE = 4, 8
"""A fixed kind that was rare in so many blocks is looked for in one of so many."""
_FIRST = itemgetter(0)
_CLASSES = bytes.maketrans(
    (string.digits + string.ascii_letters).encode(), b"0" * len(string.digits) + b"a" * len(string.ascii_letters)
)
_CHOOSING = {first: bytes(code == first for code in range(256)) for first in range(256)}
"""For each class what turns the classes of lines into flags."""


def _stencil_of_words(line: str) -> Stencil | None:
    return stencil_of_pairs(line) or stencil_of_access(line)


def _stencil_of_digits(line: str) -> Stencil | None:
    return stencil_of_trailing(line) or stencil_of_access(line)


_LEARNT: dict[int, Callable[[str], Stencil | None]] = {
    ord("{"): stencil_of_json,
    ord("a"): _stencil_of_words,
    ord("0"): _stencil_of_digits,
    ord("["): stencil_of_trailing,
}


class _Kind:
    """A stencil, and how well it served so far."""

    __slots__ = ("alone", "fixed", "idle", "stencil")

    def __init__(self, stencil: Stencil, *, fixed: bool = True) -> None:
        self.stencil, self.alone, self.idle, self.fixed = stencil, False, 0, fixed

    def split(self, text: str, size: int) -> tuple[list[tuple[str, ...]], list[bool]]:
        """The matches of those of so many lines that fit, and for each line whether it does; no flags when all do."""
        if self.alone:
            found = self.stencil.whole.findall(text)
            if len(found) == size:
                return found, []
        found = self.stencil.either.findall(text)
        fits = list(map(bool, map(_FIRST, found)))
        self.alone = all(fits)
        return (found, []) if self.alone else (list(compress(found, fits)), fits)


class Sorter:
    """Learns kinds of lines from the lines of one file, a bounded number of them."""

    def __init__(self) -> None:
        self._kinds: dict[int, list[_Kind]] = {ord("{"): []}
        self._kinds.update((ord(first), [_Kind(one) for one in known]) for first, known in FIXED.items())
        self._patience = _PATIENCE * _BLOCKS_A_TRY
        self._blocks = 0

    def sort(self, rows: list[bytes]) -> tuple[list[Table], list[int]]:
        """The lines that are of a known kind, and the places of all others in order."""
        self._patience += 1
        self._blocks += 1
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
        awake = [
            kind for kind in self._kinds[first] if not kind.fixed or kind.idle < _TIRED or not self._blocks % _PAUSE
        ]
        if not awake and not self._may_learn(first):
            return [], at
        text = _shown(rows, at, strip=first != ord("{"))
        tables: list[Table] = []
        for kind in awake:
            if at:
                found = kind.split(text, len(at))
                kind.idle = 0 if len(found[0]) * _RARE > len(at) else kind.idle + 1
                at, text = _taken(tables, kind, found, at, text)
        self._kinds[first] = [kind for kind in self._kinds[first] if kind.idle < _IDLE or kind.fixed]
        while len(at) >= _FEW and (learnt := self._learn(first, text)):
            found = learnt.split(text, len(at))
            if len(found[0]) * _RARE > len(at):
                self._kinds[first].append(learnt)
                self._patience += _BLOCKS_A_TRY
            at, text = _taken(tables, learnt, found, at, text)
        return tables, at

    def _may_learn(self, first: int) -> bool:
        return first in _LEARNT and self._patience >= _BLOCKS_A_TRY and len(self._kinds[first]) < _MOST_KINDS

    def _learn(self, first: int, text: str) -> _Kind | None:
        """The kind of lines that are of none that is known; making one takes as long as reading hundreds of lines."""
        if not self._may_learn(first):
            return None
        self._patience -= _BLOCKS_A_TRY
        lines = text.split("\n")
        made = _LEARNT[first](lines[len(lines) // 2])
        return _Kind(made, fixed=False) if made else None


def _shown(rows: list[bytes], at: Sequence[int], *, strip: bool) -> str:
    """The lines as text; broken UTF-8 ends with its line."""
    chosen = rows if len(at) == len(rows) else [rows[one] for one in at]
    return b"\n".join([row.strip() for row in chosen] if strip else chosen).decode("utf-8", "replace")


def _taken(
    tables: list[Table], kind: _Kind, found: tuple[list[tuple[str, ...]], list[bool]], at: Sequence[int], text: str
) -> tuple[Sequence[int], str]:
    """Keep what a kind found; the places and the text of the lines that are left."""
    matches, fits = found
    if not matches:
        return at, text
    if not fits:
        tables.append(Table(kind.stencil, at, matches))
        return [], ""
    tables.append(Table(kind.stencil, list(compress(at, fits)), matches))
    left = list(map(not_, fits))
    return list(compress(at, left)), "\n".join(compress(text.split("\n"), left))
