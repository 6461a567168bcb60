"""
Stored bodies become rows of the sources' own tables, reconciled with what the collection counted.

Nothing is taken from a stored body on trust: rows are counted against the count noted at collection, keys may not be
NULL or repeat, and what does not add up makes the coverage incomplete.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from soc2ev.errors import Soc2evError
from soc2ev.model import Column, Coverage, EvidenceItem, Json, Stream, Table
from soc2ev.sources import SOURCES

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine
    from soc2ev.vault import Vault

UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, Soc2evError)
"""What reading a body raises that is no answer which the source could have given."""
_EVIDENCE = Column("evidence", "TEXT", "digest of the stored body that the row was read from", required=True)
_RUN = Column("run", "TEXT", "run that collected it", required=True)
_BUFFER = 2_000
_MOST_LOOSE = 50_000
"""Rows after which those before are packed tightly."""
ByStream = dict[tuple[str, str], list[str]]
"""Texts by run and stream."""


def streams() -> dict[str, dict[str, Stream]]:
    """Streams by source and name."""
    return {source.NAME: {stream.name: stream for stream in source.STREAMS} for source in SOURCES}


def stream_named(name: str) -> Stream | None:
    """The kind of body that a stream such as `github:acme/api:checks` holds; None when no source stores it."""
    return streams().get(name.partition(":")[0], {}).get(name.rpartition(":")[2])


def base_tables() -> list[Table]:
    """The sources' own tables, each row with the body and the run that it came from."""
    return [
        replace(table, columns=(*table.columns, _RUN, _EVIDENCE))
        for source in SOURCES
        for stream in source.STREAMS
        for table in stream.tables
    ]


def load(engine: Engine, vault: Vault, coverages: Sequence[Coverage]) -> tuple[ByStream, ByStream]:
    """
    Insert the rows of every body of the chosen collections; complaints, and digests of the bodies.

    TamperedError when a stored body is not what was stored.
    """
    wanted = {(entry.run, entry.stream) for entry in coverages if entry.run}
    tables = {table.name: table for table in base_tables()}
    problems: ByStream = defaultdict(list)
    bodies: ByStream = defaultdict(list)
    loose = 0
    for item in vault.items():
        stream = stream_named(item.stream)
        if (item.run, item.stream) not in wanted or stream is None:
            continue
        bodies[(item.run, item.stream)].append(item.digest)
        body = vault.read(item.digest)
        try:
            counts = _load_body(engine, tables, stream, item, body)
        except UNREADABLE as problem:
            # The bytes are what was stored, and they are no answer that the source could have given.
            problems[(item.run, item.stream)].append(f"{item.digest} cannot be read: {problem}")
            continue
        loose += counts.total()
        if loose >= _MOST_LOOSE:
            engine.compact()
            loose = 0
        if item.count is not None and not _adds_up(item.count, counts, stream):
            found = ", ".join(f"{count} rows for {name}" for name, count in sorted(counts.items())) or "no rows"
            problems[(item.run, item.stream)].append(
                f"{item.digest} holds {found}, {item.count} were counted when it was collected"
            )
    return problems, bodies


def _adds_up(counted: int, counts: Mapping[str, int], stream: Stream) -> bool:
    """Whether the rows are as many as the collector counted of what the body lists; it may fill further tables."""
    # The first page of deployments holds releases as well, of which another stream tells.
    own = any(counts.get(table.name) for table in stream.tables)
    return counted in counts.values() or (counted == 0 and not own)


def _load_body(
    engine: Engine, tables: Mapping[str, Table], stream: Stream, item: EvidenceItem, body: bytes
) -> Counter[str]:
    """Insert one body's rows; how many each table got."""
    waiting: dict[str, list[Mapping[str, Json]]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for name, row in stream.rows(item, body):
        counts[name] += 1
        waiting[name].append({**row, "run": item.run, "evidence": item.digest})
        if len(waiting[name]) >= _BUFFER:
            engine.insert(tables[name], waiting.pop(name))
    for name, rows in waiting.items():
        engine.insert(tables[name], rows)
    return counts


def refuse_repeated_keys(engine: Engine, coverages: list[Coverage]) -> list[Coverage]:
    """A key that stands twice was collected twice or forged: its stream is no population any more."""
    for source in SOURCES:
        for stream in source.STREAMS:
            for table in stream.tables:
                # Summaries of a collection come once a run; what happened comes once.
                key = ", ".join(f'"{name}"' for name in (*table.key, *(("run",) if stream.per_run else ())))
                sql = f'select {key}, count(*) as n from "{table.name}" group by {key}'  # noqa: S608
                sql += " having count(*) > 1 order by all limit 1"
                for row in list(engine.stream(sql)):
                    # One of each stays, so that the rest can still be judged.
                    engine.derive(
                        f'delete from "{table.name}" where rowid not in '  # noqa: S608  our own names
                        f'(select min(rowid) from "{table.name}" group by {key})'
                    )
                    named = ", ".join(str(row[name]) for name in table.key)
                    problem = f"{table.name} holds {named} {row['n']} times"
                    coverages = [
                        with_problems(entry, [problem]) if belongs(entry, source.NAME, {stream.name}) else entry
                        for entry in coverages
                    ]
    return coverages


def with_problems(entry: Coverage, problems: Sequence[str]) -> Coverage:
    """The coverage, incomplete for these reasons too; itself when there are none."""
    if not problems:
        return entry
    reason = "; ".join([*([entry.reason] if entry.reason else []), *problems])
    return replace(entry, complete=False, reason=reason)


def belongs(entry: Coverage, source: str, wanted: set[str]) -> bool:
    """Whether the coverage is of one of the streams, or says that a whole scope or source was not obtained."""
    name, _, rest = entry.stream.partition(":")
    if name != source:
        return False
    last = rest.rpartition(":")[2]
    return last in wanted or last not in streams().get(source, {})
