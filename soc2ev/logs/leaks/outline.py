"""
JSON lines by their outline: most lines of a log have the same keys in the same places, and differ in their values.

What `leaves` says of the names and paths of a line is worked out once for each outline, and lent to the values of the
next line that has it. Names that are values themselves (`{"key": "...", "value": ...}`, entries of a list that name
the next one) are asked of each line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from operator import add

from soc2ev.logs.leaks.cookies import JARS
from soc2ev.logs.leaks.find import is_private_member, promised
from soc2ev.logs.leaks.keys import kind_of, squash
from soc2ev.logs.leaks.walk import NAMERS, VALUERS, Frame, Leaf, leaves, naming

_BARE = re.compile(r'[^\s{}\[\],:"]+')
_HIDDEN = "\0\0"
_LONGEST, _MOST_OUTLINES = 16_384, 1_024
_outlines: dict[tuple[object, ...], _Outline] = {}


def telling_leaves(text: str, root: str, key: str, places: Sequence[int]) -> Iterator[Leaf] | None:
    """
    Of `leaves(text, root, key)` those that may hold something, in order; None for a text that is no plain JSON.

    They are those that have one of the places, that stand under a telling name, or that have a `%` or an escape.
    """
    if len(text) > _LONGEST or "\n" in text or "\0" in text:
        return None
    # What is escaped is hidden in as many characters, so that every other quote begins or ends a string.
    shown = text.replace("\\\\", _HIDDEN).replace('\\"', _HIDDEN) if "\\" in text else text
    parts = shown.split('"')
    between = '"'.join(parts[::2])
    if len(parts) % 2 == 0 or "\\" in between or "\0" in between or "%" in between:
        return None
    sketch = _BARE.sub("x", between)
    names = _keys(sketch)(parts)
    made = _outlines.get((sketch, root, key, names))
    if made is None:
        if len(_outlines) >= _MOST_OUTLINES:
            _outlines.clear()
        made = _outlines[sketch, root, key, names] = _Outline(text, root, key, parts)
    return made.chosen(_Line(text, parts), places, coded="%" in text or "\\" in text)


@dataclass(slots=True)
class _Line:
    """A text, parted at its quotes: strings are at odd places, what stands between them at even ones."""

    text: str = field(repr=False)
    parts: list[str] = field(repr=False)
    _starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        if self._starts is None:
            self._starts = list(map(add, accumulate(map(len, self.parts), initial=0), range(len(self.parts) + 1)))
        return self._starts

    def raw(self, at: int) -> str:
        """The string at that place as it is written."""
        part = self.parts[at]
        return part if "\0" not in part else self.text[self.starts[at] : self.starts[at] + len(part)]


@lru_cache(2048)
def _keys(sketch: str) -> Callable[[list[str]], tuple[str, ...]]:
    """What gives the keys of a text of that sketch, all of them."""
    line = sketch.replace('"', '""')
    quotes = {match.start(): 2 * at + 1 for at, match in enumerate(re.finditer('""', line))}
    values = {leaf.start - 1 for leaf in leaves(line) if leaf.quoted}
    places = [at for start, at in quotes.items() if start not in values]
    return lambda parts: tuple([parts[at] for at in places])


class _Outline:
    """The leaves of one text, to be lent to others of the same outline."""

    def __init__(self, text: str, root: str, key: str, parts: list[str]) -> None:
        self._leaves = list(leaves(text, root, key))
        starts = {start: at for at, start in enumerate(_Line(text, parts).starts)}
        self._strings: dict[int, int] = {}
        """For each string that is a value, which of the leaves it is."""
        for which, leaf in enumerate(self._leaves):
            if leaf.quoted:
                self._strings[starts[leaf.start]] = which
        self._places: dict[int, int] = {which: at for at, which in self._strings.items()}
        self._segments = self._before(parts)
        self._namings = self._naming_strings()
        self._lists = self._telling_lists()
        moving = {which for listed in self._lists.values() for which in listed}
        moving |= {which for which, leaf in enumerate(self._leaves) if not leaf.key or leaf.key in VALUERS}
        self._moving = sorted(moving)
        self._telling = [which for which, leaf in enumerate(self._leaves) if which not in moving and is_telling(leaf)]

    def _before(self, parts: list[str]) -> list[int]:
        """For each part how many leaves begin before it."""
        counts = [len(_BARE.findall(part)) if at % 2 == 0 else at in self._strings for at, part in enumerate(parts)]
        return [0, *accumulate(map(int, counts))]

    def _naming_strings(self) -> list[tuple[Frame, int]]:
        """The objects that a string of their own gives a name, and which string: the last one counts."""
        found = {
            id(leaf.frame): (leaf.frame, at)
            for at, leaf in ((at, self._leaves[which]) for at, which in self._strings.items())
            if not leaf.frame.array and leaf.key in NAMERS
        }
        return list(found.values())

    def _telling_lists(self) -> dict[int, list[int]]:
        """The leaves of each list that has strings, in order."""
        listed: dict[int, list[int]] = {}
        for which, leaf in enumerate(self._leaves):
            if leaf.frame.array:
                listed.setdefault(id(leaf.frame), []).append(which)
        return {frame: found for frame, found in listed.items() if any(self._leaves[one].quoted for one in found)}

    def chosen(self, line: _Line, places: Sequence[int], *, coded: bool) -> Iterator[Leaf]:
        """The leaves of that line that may hold something."""
        for frame, at in self._namings:
            frame.naming = line.raw(at)
        for listed in self._lists.values():
            self._name_entries(line, listed)
        wanted = {*self._telling, *(which for which in self._moving if is_telling(self._leaves[which]))}
        if places:
            wanted.update(self._at(line, places))
        if coded:
            for at, part in enumerate(line.parts):
                if ("%" in part or "\\" in part or "\0" in part) and at in self._strings:
                    wanted.add(self._strings[at])
        return map(lambda which: self._lent(line, which), sorted(wanted))  # noqa: C417  no frame more for each

    def _name_entries(self, line: _Line, listed: list[int]) -> None:
        frame = self._leaves[listed[0]].frame
        frame.previous = ""
        for which in listed:
            leaf = self._leaves[which]
            leaf.key = frame.previous or frame.key
            frame.previous = naming(frame, line.raw(self._places[which]) if leaf.quoted else "")

    def _at(self, line: _Line, places: Sequence[int]) -> Iterator[int]:
        """The leaves that have one of the places."""
        starts = line.starts
        for place in places:
            at = bisect_right(starts, place) - 1
            if at < 0 or at >= len(line.parts):
                continue
            if at % 2 == 0:
                tokens = enumerate(_BARE.finditer(line.parts[at], 0))
                yield from (
                    self._segments[at] + nth
                    for nth, token in tokens
                    if token.start() <= place - starts[at] < token.end()
                )
            elif at in self._strings and place < starts[at] + len(line.parts[at]):
                yield self._strings[at]

    def _lent(self, line: _Line, which: int) -> Leaf:
        leaf = self._leaves[which]
        at = self._places.get(which)
        if at is None:
            at = bisect_right(self._segments, which) - 1
            token = list(_BARE.finditer(line.parts[at]))[which - self._segments[at]]
            start, raw = line.starts[at] + token.start(), token.group()
        else:
            start, raw = line.starts[at], line.raw(at)
        return Leaf(leaf.step, leaf.key, start, start + len(raw), raw, leaf.quoted, leaf.frame)


def is_telling(leaf: Leaf) -> bool:
    """Whether the names above a value say that it may be secret, whatever it is."""
    return kind_of(promised(leaf)) is not None or _is_jar(leaf.frame.key) or is_private_member(leaf)


@lru_cache(4096)
def _is_jar(name: str) -> bool:
    return squash(name) in JARS
