"""
What changed at a source after it was first collected: the chosen observation against the complete ones before it.

The current observation is judged; nothing here changes an outcome. A review that is gone, a title that was edited or a
ticket that moved is shown, with both observations and the time of each.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.tables import bodies
from soc2ev.tables.late_changes import statements
from soc2ev.tables.late_changes.compared import COMPARED
from soc2ev.tables.late_changes.concerned import conclude

if TYPE_CHECKING:
    from soc2ev.model import EvidenceItem, Json, Table
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.plan import Pair
    from soc2ev.vault import Vault

_ROWS = 50_000
"""Rows of earlier collections that are held at once: a stream is never cut, so that one alone may have more."""
_BUFFER = 2_000
_WANTED = {one.table: one for one in COMPARED}
Key = tuple[str, str]
"""Run and stream."""


def derive(engine: Engine, vault: Vault, pairs: Sequence[Pair]) -> set[Key]:
    """
    Fill `late_changes`; the runs and streams of the earlier collections whose bodies stand behind it.

    Without pairs nothing is read. Changes, deployments and tickets are there already. A stream whose earlier bodies
    cannot be read is not compared. TamperedError when a stored body is not what was stored.
    """
    compared = [pair for pair in pairs if _tables_of(pair)]
    if not compared:
        return set()
    stored = _stored(vault, compared)
    differing = [pair for pair in compared if _questions(stored[_before(pair)]) != _questions(stored[_chosen(pair)])]
    if differing:
        comparison = _Comparison(engine, vault, stored)
        for listed in _by_runs(differing).values():
            comparison.add(listed)
        comparison.close()
    return {_before(pair) for pair in differing}


class _Comparison:
    """Tables for the rows of earlier collections, filled and compared a few streams at a time."""

    def __init__(self, engine: Engine, vault: Vault, stored: Mapping[Key, Sequence[EvidenceItem]]) -> None:
        self._engine, self._vault, self._stored = engine, vault, stored
        self._base = {table.name: table for table in bodies.base_tables() if table.name in _WANTED}
        self._earlier = {name: statements.earlier(_WANTED[name], table) for name, table in self._base.items()}
        self._own = [statements.STREAMS, statements.BODIES, statements.FOUND, *self._earlier.values()]
        for table in self._own:
            engine.create(table)

    def add(self, pairs: Sequence[Pair]) -> None:
        """Note what differs between those streams of two runs, at least one."""
        chosen, before = pairs[0].chosen, pairs[0].before
        runs = statements.Runs(chosen.run, before.run, before.period)
        rows = 0
        for pair in pairs:
            read = self._read(pair)
            if read is None:
                self._forget(pair.before.stream)
                continue
            rows += read
            self._remember(pair)
            if rows >= _ROWS:
                self._compare(runs)
                rows = 0
        self._compare(runs)

    def close(self) -> None:
        """Put what was noted into `late_changes` and leave no table behind."""
        conclude(self._engine)
        for table in self._own:
            self._engine.derive(f'drop table "{table.name}"')

    def _read(self, pair: Pair) -> int | None:
        """Insert the rows of the earlier bodies; how many there were, None when a body is not understood."""
        same = self._same(pair)
        waiting: dict[str, list[Mapping[str, Json]]] = defaultdict(list)
        count = 0
        for item in self._stored[_before(pair)]:
            if item.digest in same:
                continue
            body = self._vault.read(item.digest)
            try:
                for name, row in self._rows(pair, item, body):
                    count += 1
                    waiting[name].append(row)
                    if len(waiting[name]) >= _BUFFER:
                        self._engine.insert(self._earlier[name], waiting.pop(name))
            except bodies.UNREADABLE:
                return None
        for name, rows in waiting.items():
            self._engine.insert(self._earlier[name], rows)
        return count

    def _rows(self, pair: Pair, item: EvidenceItem, body: bytes) -> Iterator[tuple[str, Mapping[str, Json]]]:
        stream = bodies.stream_named(pair.before.stream)
        for name, row in stream.rows(item, body) if stream else ():
            if name in self._earlier:
                columns = {column.name for column in self._earlier[name].columns}
                kept = {column: value for column, value in row.items() if column in columns}
                yield name, {**kept, "stream": pair.before.stream, "evidence": item.digest}

    def _same(self, pair: Pair) -> set[str]:
        """Digests of the bodies that both got, as answers to the same questions: their rows are the same."""
        before, chosen = _questions(self._stored[_before(pair)]), _questions(self._stored[_chosen(pair)])
        return {digest for digest, asked in before.items() if chosen.get(digest) == asked}

    def _remember(self, pair: Pair) -> None:
        """Which streams are compared, and which of the chosen bodies need no second reading."""
        stream, same = pair.before.stream, self._same(pair)
        times = {"first_at": pair.before.collected_at, "last_at": pair.chosen.collected_at, "closed": pair.closed}
        self._engine.insert(statements.STREAMS, [{"stream": stream, **times}])
        digests = dict.fromkeys(item.digest for item in self._stored[_chosen(pair)])
        rows = [{"stream": stream, "digest": digest, "same": digest in same} for digest in digests]
        self._engine.insert(statements.BODIES, rows)

    def _forget(self, stream: str) -> None:
        for table in self._earlier.values():
            self._engine.derive(f'delete from "{table.name}" where stream = {statements.literal(stream)}')  # noqa: S608

    def _compare(self, runs: statements.Runs) -> None:
        for name, table in self._base.items():
            self._engine.derive(statements.keep_same(_WANTED[name], table, runs))
        for name, table in self._base.items():
            if _WANTED[name].fields:
                for sql in statements.compare(_WANTED[name], table, runs):
                    self._engine.derive(sql)
        for table in (*self._earlier.values(), statements.STREAMS, statements.BODIES):
            self._engine.derive(f'delete from "{table.name}"')  # noqa: S608  our own names


def _stored(vault: Vault, pairs: Iterable[Pair]) -> dict[Key, list[EvidenceItem]]:
    """The bodies of both sides."""
    wanted = {key for pair in pairs for key in (_before(pair), _chosen(pair))}
    found: dict[Key, list[EvidenceItem]] = {key: [] for key in wanted}
    for item in vault.items():
        if (item.run, item.stream) in wanted:
            found[(item.run, item.stream)].append(item)
    return found


def _by_runs(pairs: Iterable[Pair]) -> dict[Key, list[Pair]]:
    """By the run that answers and the one before it; both in the order in which they came."""
    found: dict[Key, list[Pair]] = defaultdict(list)
    for pair in pairs:
        found[(pair.chosen.run, pair.before.run)].append(pair)
    return found


def _tables_of(pair: Pair) -> list[Table]:
    stream = bodies.stream_named(pair.before.stream)
    return [table for table in stream.tables if table.name in _WANTED] if stream else []


def _questions(items: Iterable[EvidenceItem]) -> dict[str, set[str]]:
    """What was asked for each answer, by the digest of the answer."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        found[item.digest].add(json.dumps(item.request, sort_keys=True, default=str))
    return dict(found)


def _before(pair: Pair) -> Key:
    return pair.before.run, pair.before.stream


def _chosen(pair: Pair) -> Key:
    return pair.chosen.run, pair.chosen.stream


__all__ = ["derive"]
