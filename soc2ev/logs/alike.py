"""Plans: the records of one format with the same fields, and where what counts is found in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from soc2ev.logs.formats.layout import Layout, best
from soc2ev.logs.formats.stencil import Table

_TELLING = ("action", "outcome", "status", "level", "method")
_DECIDING = ("controller", "errorCode", "status_id")


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What all records with the same telling values tell."""

    shape: str
    events: tuple[str, ...]
    failed: bool | None
    named: tuple[str, ...]


class Plan:
    """Records of one format with the same names and types of fields, and where what counts is found in them."""

    __slots__ = ("_values", "known", "layout", "places", "rows", "sensitive", "shape", "slow", "tables", "telling")

    def __init__(self, shaped: str, laid: Layout, narrow: Iterable[str], sensitive: tuple[str, ...]) -> None:
        self.shape, self.layout, self.sensitive = shaped, laid, sensitive
        wanted = [path for role in _TELLING for path in laid.of(role)]
        wanted += [path for path in (*narrow, *_DECIDING) if path in laid.types]
        self.telling = tuple(dict.fromkeys(wanted))
        # Floats that are equal may be written differently; they hardly ever tell anything.
        self.slow = any(laid.types[path] is float for path in self.telling)
        self.known: dict[tuple[Any, ...], Told] = {}
        self.clear()

    def clear(self) -> None:
        """Forget the records, not what they told."""
        self.rows: list[dict[str, Any]] = []
        self.places: list[int] = []
        self.tables: list[tuple[Sequence[int], Table]] = []
        """Records that were never apart, with their places."""
        self._values: dict[str, list[Any]] = {}

    def close(self) -> None:
        """No more records come before `clear`."""
        for places, _ in self.tables:
            self.places += places

    def values(self, path: str) -> list[Any]:
        """A field of all records; what the log does not have is None."""
        found = self._values.get(path)
        if found is None:
            found = [row[path] for row in self.rows]
            for _, table in self.tables:
                found += table.column(path)
            self._values[path] = found
        return found

    def best(self, name: str) -> list[Any]:
        """What is known by that name of all records."""
        found = best(self.values, self.layout.of(name))
        return [None] * len(self.places) if found is None else found

    def fields(self, at: int) -> dict[str, Any]:
        """The fields of one record."""
        if at < len(self.rows):
            return self.rows[at]
        at -= len(self.rows)
        for places, table in self.tables:
            if at < len(places):
                return table.fields(at)
            at -= len(places)
        raise IndexError(at)
