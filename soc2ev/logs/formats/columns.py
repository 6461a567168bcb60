"""Objects of which each may have other members, as columns by the paths that `flatten` gives their leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, repeat
from typing import Any

from soc2ev.logs.formats.record import DEEPEST, MOST_ENTRIES, MOST_FIELDS, NESTED, flatten

Members = dict[str, Any]
_MOST = 256
_GONE = object()
_is_nested = NESTED.__contains__
_INDEXES = tuple(f"[{at}]" for at in range(MOST_ENTRIES))


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """Where a leaf is found: a member of objects that may lie within others, and of which records these are."""

    objects: list[Members] = field(repr=False)
    key: str
    at: Sequence[int]
    mixed: bool
    """Whether some have an object or a list there, which is no leaf."""

    def column(self, size: int, default: Any) -> list[Any]:
        """Its value for each record."""
        found: list[Any] = list(map(dict.get, self.objects, repeat(self.key), repeat(default)))
        if self.mixed:
            found = [default if type(one) in NESTED else one for one in found]
        if len(self.at) == size:
            return found
        spread = [default] * size
        for at, one in zip(self.at, found, strict=True):
            spread[at] = one
        return spread


class Columns:
    """The leaves of many objects that are wanted; what any of them lacks is None. Flat ones have nothing but leaves."""

    def __init__(self, rows: list[Members], wanted: Callable[[str], bool], *, flat: bool = False) -> None:
        self._rows, self._wanted, self._flat = rows, wanted, flat
        self._sources: dict[str, list[_Source]] = {}
        self._room = _MOST
        self._look(rows, range(len(rows)), "", 0)

    @property
    def crowded(self) -> bool:
        """Whether they have so many different members that columns of most are empty; not all are known then."""
        return self._room < 0

    @property
    def paths(self) -> list[str]:
        """The wanted leaves that any of them has."""
        return list(self._sources)

    def values(self, path: str) -> list[Any]:
        """One of the leaves, of each object."""
        sources, size = self._sources.get(path, ()), len(self._rows)
        if not sources:
            return [None] * size
        if len(sources) == 1:
            return sources[0].column(size, None)
        # `{"a.b": 1}` and `{"a": {"b": 1}}` have the same leaf; one object with both has the later one.
        columns = [source.column(size, _GONE) for source in sources]
        found = []
        for at, several in enumerate(zip(*columns, strict=True)):
            here = [one for one in several if one is not _GONE]
            found.append(here[0] if len(here) == 1 else flatten(self._rows[at])[path] if here else None)
        return found

    def _look(self, objects: list[Members], at: Sequence[int], prefix: str, depth: int) -> None:
        """Find the wanted leaves of objects whose members all have paths that begin so."""
        if max(map(len, objects), default=0) > MOST_FIELDS:
            objects = [dict(list(one.items())[:MOST_FIELDS]) for one in objects]
        nested: set[str] = set()
        if not self._flat and not NESTED.isdisjoint(map(type, chain.from_iterable(map(dict.values, objects)))):
            kinds = map(type, chain.from_iterable(map(dict.values, objects)))
            nested.update(compress(chain.from_iterable(objects), map(_is_nested, kinds)))
        for key in set().union(*objects):
            if self._wanted(path := prefix + key):
                self._room -= 1
                self._sources.setdefault(path, []).append(_Source(objects, key, at, key in nested))
        self._room -= len(nested)
        if depth + 1 < DEEPEST and self._room >= 0:
            for key in nested:
                self._look_into(objects, at, key, prefix + key, depth + 1)

    def _look_into(self, objects: list[Members], at: Sequence[int], key: str, path: str, depth: int) -> None:
        """The same of the objects and lists that are one member of objects; a list has its places as members."""
        column: list[Any] = list(map(dict.get, objects, repeat(key)))
        kinds = list(map(type, column))
        for kind in NESTED.intersection(kinds):
            chosen = [one is kind for one in kinds]
            below = column if all(chosen) else list(compress(column, chosen))
            places = at if below is column else list(compress(at, chosen))
            if kind is list:
                self._look([dict(zip(_INDEXES, one, strict=False)) for one in below], places, path, depth)
            else:
                self._look(below, places, f"{path}." if path else "", depth)
