r"""
Colours and marks of a wire that stand in the midst of lines, taken out before anything reads them.

A console writer puts `ESC[36m` between a name and its value (ECMA-48 section 8.3.117, SGR); JSON, nginx, rsyslog and
`cat -v` write the escape in their own ways. Apache's HttpClient ends each line of its wire log with `[\r][\n]`.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_ENDING = rb"(?:\[[0-9;:?]{0,20}[A-Za-z]|\(B)"
# Each of these begins with a single byte, so that what has none of those is passed over without trying any.
_COLOUR = re.compile(
    rb"\x1b"
    + _ENDING
    + rb"|\\(?:\\*+)(?:u001[Bb]|x1[Bb]|0?33|e)"
    + _ENDING
    + rb"|#033"
    + _ENDING
    + rb"|\^\["
    + _ENDING
    +
    # Of a wire; and of colours, since many a collector drops the escape itself and keeps the rest.
    rb"|\[\\+r\]\[\\+n\]|\[\\+n\]|"
    rb"\[(?:[0-9]|[1-4][0-9]|9[0-7]|10[0-7]|[34]8;5;\d{1,3}|[0-9]{1,2}(?:;[0-9]{1,3}){1,3})m(?=[^\n]{0,400}\[0m)|"
    rb"\[(?<!\w\[)0m|\[0m(?!\w)"
)
# Every such mark has one of these; a single byte is found ten times as fast as two.
_WRITTEN_SIGNS = (b"1b[", b"1B[", b"33[", b"\\n]")


class Plain:
    """A text without its colours, and where in the coloured one each of its places is."""

    __slots__ = ("_coloured", "_moved", "_places", "data")

    def __init__(self, data: bytes, coloured: bytes) -> None:
        self.data, self._coloured = data, coloured
        self._places: list[int] = []
        self._moved: list[int] = []

    def place(self, at: int) -> int:
        """The place in the coloured text of a place in this one."""
        if not self._places:
            self._find()
        which = bisect_right(self._places, at) - 1
        return at + self._moved[which] if which >= 0 else at

    def _find(self) -> None:
        """Where colours were; hardly any text is asked for it."""
        moved = 0
        for match in _COLOUR.finditer(self._coloured):
            self._places.append(match.start() - moved)
            moved += match.end() - match.start()
            self._moved.append(moved)


def plain(data: bytes) -> Plain | None:
    """The text without colours; None when it has none, which costs a few searches for single words."""
    known = _recent.get(id(data))
    if known and known[0] is data:
        return known[1]
    clear = _cleared(data) if _is_marked(data) else None
    if len(data) >= _LARGE:
        if len(_recent) >= _MOST_RECENT:
            _recent.pop(next(iter(_recent)))
        _recent[id(data)] = data, clear
    return clear


# The same blocks are asked for their leaks and for their records.
_LARGE, _MOST_RECENT = 16_384, 64
_recent: dict[int, tuple[bytes, Plain | None]] = {}


def _cleared(data: bytes) -> Plain | None:
    clear, count = _COLOUR.subn(b"", data)
    return Plain(clear, data) if count else None


def _is_marked(data: bytes) -> bool:
    if b"\x1b" in data or b"[0m" in data:
        return True
    if b"\\" in data:
        for sign in _WRITTEN_SIGNS:
            if sign in data:
                return True
    return b"#" in data and b"#033[" in data
