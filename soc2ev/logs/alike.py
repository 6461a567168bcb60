"""The records of one format in a batch, whatever fields each of them has, by the columns on which answers depend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from soc2ev.logs.events.match import Rules
from soc2ev.logs.formats.columns import Columns
from soc2ev.logs.formats.layout import Tier, best, is_present, layout
from soc2ev.logs.formats.record import NAME, REQUEST, flatten
from soc2ev.logs.formats.roles import role
from soc2ev.logs.formats.stencil import Table
from soc2ev.logs.measured import Measured
from soc2ev.logs.measures import logins

_TELLING = ("action", "outcome", "status", "level", "method")
_NAMED = ("actor", "ip", "target", "path", "message")
_DECIDING = ("controller", "errorCode", "status_id")
FLAT = frozenset(("access", "syslog", "pairs", "text", "otlp"))
"""Formats whose readers give fields, not objects in which others may lie."""
_MOST_REMEMBERED = 20_000
_FEW = 3
Key = tuple[Any, ...]


Placed = tuple[Sequence[int], Table, Sequence[Any]]
"""Where the records of a table stand, the table, and when each was received if it is in a wrapper."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What all records with the same telling values tell."""

    shape: str
    events: tuple[str, ...]
    failed: bool | None
    named: tuple[str, ...]


class Plan:
    """Takes the records of one format, and remembers of batch to batch which fields count and what values told."""

    __slots__ = (
        "_counts",
        "_places",
        "_raw",
        "_received",
        "_rows",
        "_tables",
        "known",
        "raw",
        "rules",
        "shape",
        "wrapped",
    )

    def __init__(self, shaped: str, rules: Rules, *, wrapped: bool) -> None:
        self.shape, self.rules, self.wrapped = shaped, rules, wrapped
        self.known: dict[Key, dict[Key, Told]] = {}
        """What was told by values, for each choice of columns that the values are of."""
        self.raw = [one for one in (*rules.narrow, *_DECIDING) if not one.startswith("@")]
        """Fields by name whose values tell."""
        self._raw = frozenset((*self.raw, *rules.wide))
        self._counts: dict[str, bool] = {}
        self.clear()

    def clear(self) -> None:
        """Forget the records, not what they told."""
        self._rows: list[dict[str, Any]] = []
        self._places: list[int] = []
        self._received: list[Any] = []
        self._tables: list[Placed] = []

    def add(self, place: int, members: dict[str, Any]) -> None:
        """Take the record at that place of the batch, as fields or as the object of which they are made."""
        self._rows.append(members)
        self._places.append(place)

    def add_received(self, place: int, members: dict[str, Any], received: Any) -> None:
        """The same of a record in a wrapper that says when it was received."""
        self.add(place, members)
        self._received.append(received)

    def add_table(self, places: Sequence[int], table: Table, received: Sequence[Any] = ()) -> None:
        """Take records that were never apart; of a wrapped plan with what says when each was received."""
        self._tables.append((places, table, received))

    def parts(self) -> Iterator[Part]:
        """The records, all of them at once unless they have too many different fields."""
        return self._split(slice(0, len(self._rows)), self._tables)

    def _split(self, chosen: slice, tables: list[Placed]) -> Iterator[Part]:
        rows = self._rows[chosen]
        columns = Columns(rows, self.counts, flat=self.wrapped or self.shape in FLAT)
        if columns.crowded and tables:
            yield from self._split(chosen, [])
            yield from self._split(slice(0, 0), tables)
        elif columns.crowded and len(rows) >= _FEW:
            half = (chosen.start + chosen.stop) // 2
            yield from self._split(slice(chosen.start, half), [])
            yield from self._split(slice(half, chosen.stop), [])
        elif rows or tables:
            yield Part(self, columns, rows, self._places[chosen], self._received[chosen], tables)

    def counts(self, path: str) -> bool:
        """Whether anything that is measured depends on that field."""
        found = self._counts.get(path)
        if found is None:
            if len(self._counts) >= _MOST_REMEMBERED:
                self._counts.clear()
            found = self._counts[path] = (
                says(path) or path in self._raw or Measured.is_sensitive(path) or bool(logins.hows((path,)))
            )
        return found


def says(path: str) -> bool:
    """Whether the field's name has a meaning that is measured."""
    known = role(path)
    return known is not None and known.name != "latency"


class Part:
    """Records of one format as columns."""

    def __init__(
        self,
        plan: Plan,
        columns: Columns,
        rows: list[dict[str, Any]],
        places: list[int],
        received: list[Any],
        tables: list[Placed],
    ) -> None:
        self._plan, self._columns, self._rows, self._tables = plan, columns, rows, tables
        self.shape, self.wrapped, self.received = plan.shape, plan.wrapped, received
        self.places = places
        for at, _, others in tables:
            self.places += at
            self.received += others
        self._values: dict[str, list[Any]] = {}
        self._best: dict[str, list[Any]] = {}
        paths = {path for _, table, _ in tables for path in table.stencil.groups if plan.counts(path)}
        self.paths = frozenset(paths.union(columns.paths))
        """The fields on which anything depends that any of the records has."""
        self.layout = layout(self.paths)

    @property
    def few(self) -> bool:
        """Whether they are better counted one by one."""
        return self._columns.crowded or len(self.places) < _FEW

    def values(self, path: str) -> list[Any]:
        """A field of all records; what one of them, or the log, does not have is None."""
        found = self._values.get(path)
        if found is None:
            found = self._columns.values(path)
            for _, table, _ in self._tables:
                found += table.column(path)
            self._values[path] = found
        return found

    def best(self, name: str) -> list[Any]:
        """What is known by that name of all records."""
        if name not in self._best:
            found = best(self.values, self.layout.of(name), self._first)
            self._best[name] = [None] * len(self.places) if found is None else found
        return self._best[name]

    def _first(self, at: int, tier: Tier) -> Any:
        return next(value for path, value in self.fields(at).items() if path in tier and is_present(value))

    def fields(self, at: int) -> dict[str, Any]:
        """The fields of one record."""
        if at < len(self._rows):
            return flatten(self._rows[at])
        at -= len(self._rows)
        for places, table, _ in self._tables:
            if at < len(places):
                return table.fields(at)
            at -= len(places)
        raise IndexError(at)

    def keys(self) -> tuple[Key, list[Key]]:
        """Of what the keys are, and for each record everything that decides what it tells."""
        rules, texts = self._plan.rules, {name: self.best(name) for name in _NAMED}
        texts["path"], methods = self.requested()
        telling = [name for name in _TELLING if self.layout.of(name)]
        raw = [path for path in self._plan.raw if path in self.paths]
        masks = {name: texts[name[1:]] for name in rules.wide if name.startswith("@")}
        masks.update((path, self.values(path)) for path in rules.wide if path in self.paths)
        asked = [name for name in _NAMED[:-1] if name == "path" or self.layout.of(name)]
        columns: list[tuple[str, object, list[Any]]] = [
            *([("name", "", _names(texts["message"]))] if self.layout.of("message") else []),
            *([("request", "", methods)] if self.layout.of("request") else []),
            *((name, *_comparable(self.best(name))) for name in telling),
            *((path, *_comparable(self.values(path))) for path in raw),
            *((name, "", [value is None for value in texts[name]]) for name in asked),
            *((name, "", rules.masks(name, values)) for name, values in masks.items()),
        ]
        return tuple([one[:2] for one in columns]), list(zip(*[column for *_, column in columns], strict=True))

    def requested(self) -> tuple[list[Any], list[Any]]:
        """Paths, and the methods of requests such as `GET / HTTP/1.1` for records that have no field for them."""
        paths = self.best("path")
        if not self.layout.of("request"):
            return paths, [None] * len(paths)
        methods = self.best("method")
        if None not in paths and None not in methods:
            return paths, [None] * len(paths)
        matches = [REQUEST.match(str(one)) if one is not None else None for one in self.best("request")]
        found = [match.group(2) if match and path is None else path for match, path in zip(matches, paths, strict=True)]
        return found, [match.group(1) if match else None for match in matches]


def _comparable(column: list[Any]) -> tuple[object, list[Any]]:
    """What the values are, and the values so that no two are equal that differ, as 1, 1.0 and true would be."""
    kinds = set(map(type, column)) - {type(None)}
    if len(kinds) > 1 or float in kinds:
        return "written", list(map(repr, column))
    return next(iter(kinds), None), column


def _names(messages: list[Any]) -> list[str | None]:
    """Messages that are names of events: they are the action where no field gives one."""
    shown = [text if isinstance(text, str) else None if text is None else str(text) for text in messages]
    return [text if text is not None and " " not in text and NAME.match(text) else None for text in shown]
