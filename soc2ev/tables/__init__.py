"""
Raw bodies become typed tables in memory, reconciled with what the collection counted, then locked.

Nothing is taken from a stored body on trust: rows are counted against the count noted at collection, keys may not be
NULL or repeat, and what does not add up makes the coverage incomplete. Everything is rebuilt from the vault each
time, so that a pack can be re-performed from its raw evidence alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from soc2ev.errors import Soc2evError
from soc2ev.model import Column, Coverage, EvidenceItem, Json, Stream, Table
from soc2ev.sources import SOURCES
from soc2ev.tables import approvals, changes, governance, hosted, plan, sightings
from soc2ev.tables.engine import Engine, Rows
from soc2ev.tables.standard import (
    ALTERNATIVES,
    CHANGE_FACTS,
    COLLECTIONS,
    DERIVED,
    ONLY_FROM,
    OPTIONAL,
    POLICY,
    RELEASES,
    SUPERSEDED,
)

if TYPE_CHECKING:
    from types import TracebackType

    from soc2ev.config import Config, Settings
    from soc2ev.period import Period
    from soc2ev.vault import Vault

_EVIDENCE = Column("evidence", "TEXT", "digest of the stored body that the row was read from", required=True)
_RUN = Column("run", "TEXT", "run that collected it", required=True)
_BUFFER = 2_000
_BY_SQL = (CHANGE_FACTS, RELEASES)
"""Derived tables that a file of their name fills."""


class Tables:
    """The locked tables of one period. Use it as a context manager: leaving it gives the memory back."""

    def __init__(
        self,
        engine: Engine,
        period: Period,
        coverage: Sequence[Coverage] | None,
        behind: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._engine = engine
        self.period = period
        self.behind = frozenset(behind)
        """Run and stream of all bodies behind the tables: the chosen collections, and sightings of other months."""
        self._coverage = None if coverage is None else tuple(coverage)
        self.outside = {} if coverage is None else _outside_by_stream(engine, coverage)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()

    def select(self, sql: str, parameters: Mapping[str, Json] | None = None) -> Rows:
        """The rows of one SELECT; `$start` and `$end` are the period's instants. ControlError for anything else."""
        return self._engine.select(sql, {"start": self.period.start, "end": self.period.end, **(parameters or {})})

    def coverage(self, needs: Iterable[str] | None = None) -> tuple[Coverage, ...]:
        """
        The collections behind the named tables, and behind the tables that those are derived from; None means all.

        What the configuration asks for and nobody collected is among them, incomplete. A table that no configured
        source delivers has a coverage that says so. Worked examples have no coverage: their rows are all there is.
        """
        if needs is None or self._coverage is None:
            return self._coverage or ()
        found: list[Coverage] = []
        wanted = sorted(set(needs))
        for source, names in sorted(_behind(wanted).items()):
            here = [entry for entry in self._coverage if _belongs(entry, source, names)]
            silent = [name for name in sorted(names) if not any(_belongs(entry, source, {name}) for entry in here)]
            found += here
            if silent and (here or not self._is_told_elsewhere(source, wanted)):
                found.append(_undelivered(source, self.period, wanted) if not here else _silent(here[0], silent))
        return tuple(found)

    def _is_told_elsewhere(self, source: str, wanted: Iterable[str]) -> bool:
        """Whether the facts say what the absence of the source means, or another source tells the same."""
        own = {table.name for one in SOURCES if source == one.NAME for stream in one.STREAMS for table in stream.tables}
        if any(name in own or ONLY_FROM.get(name) == source for name in wanted):
            return False
        others = {entry.stream.partition(":")[0] for entry in self._coverage or ()}
        return source in OPTIONAL and (source not in ALTERNATIVES or bool(others & ALTERNATIVES))


def load(vault: Vault, settings: Settings, period: Period) -> Tables:
    """
    The tables of the period from the collections in the vault that answer for it.

    TamperedError when a stored body is not what was stored.
    """
    expects = [prefix for source in SOURCES for prefix in source.expects(settings)]
    finished = {line.data["run"] for line in vault.lines() if line.type == "finish"}
    claims = [entry if entry.run in finished else _interrupted(entry) for entry in vault.coverages()]
    coverages = plan.choose(claims, streams(), period, expects)
    engine = Engine()
    for table in _base_tables():
        engine.create(table)
    for table, _ in DERIVED.values():
        engine.create(table)
    problems, bodies = _load_bodies(engine, vault, coverages)
    settled = [_with_problems(entry, problems.get((entry.run, entry.stream), ())) for entry in coverages]
    settled = _refuse_repeated_keys(engine, settled)
    problems = _derive(engine, settings.config, settled)
    settled = [_with_problems(entry, problems.get((entry.run, entry.stream), ())) for entry in settled]
    seen = sightings.derive(engine, sightings.of(vault.coverages(), vault.items()), period)
    approvals.derive(engine, period, settings.config.timezone)
    settled = _refuse_unexplained(engine, settled)
    seen |= governance.derive(engine, vault, settings.config, period, settled, claims)
    answering = {(entry.run, entry.stream) for entry in coverages}
    others = [one for one in claims if one.period.overlaps(period) and (one.run, one.stream) not in answering]
    engine.insert(SUPERSEDED, [_superseded(entry) for entry in others])
    engine.insert(COLLECTIONS, [_collection(entry, bodies[(entry.run, entry.stream)]) for entry in settled])
    engine.lock()
    return Tables(engine, period, settled, answering | seen)


def example(
    rows: Mapping[str, Sequence[Mapping[str, Json]]], period: Period, needs: Iterable[str] | None = None
) -> Tables:
    """
    Locked tables that hold just these rows, for a control's worked examples.

    With `needs` only those tables and the ones with rows exist, so that a control that names another fails here.
    ValueError for a table or column that does not exist or a value of another type.
    """
    engine = Engine()
    known = {table.name: table for table in documented()}
    wanted = set(known) if needs is None else {*needs, *rows}
    for table in (known[name] for name in sorted(wanted & set(known))):
        engine.create(table)
    for name, given in rows.items():
        if name not in known:
            raise ValueError(f"there is no table {name}")
        engine.insert(known[name], [_filled(known[name], row) for row in given])
    engine.lock()
    return Tables(engine, period, None)


def documented() -> list[Table]:
    """Every table that controls may query: the sources' own and the derived ones."""
    return [*_base_tables(), *(table for table, _ in DERIVED.values())]


def streams() -> dict[str, dict[str, Stream]]:
    """Streams by source and name."""
    return {source.NAME: {stream.name: stream for stream in source.STREAMS} for source in SOURCES}


def _base_tables() -> list[Table]:
    return [
        replace(table, columns=(*table.columns, _RUN, _EVIDENCE))
        for source in SOURCES
        for stream in source.STREAMS
        for table in stream.tables
    ]


ByStream = dict[tuple[str, str], list[str]]
"""Texts by run and stream."""


def _load_bodies(engine: Engine, vault: Vault, coverages: Sequence[Coverage]) -> tuple[ByStream, ByStream]:
    """Insert the rows of every body of the chosen collections; complaints, and digests of the bodies."""
    wanted = {(entry.run, entry.stream) for entry in coverages if entry.run}
    known = streams()
    tables = {table.name: table for table in _base_tables()}
    problems: ByStream = defaultdict(list)
    bodies: ByStream = defaultdict(list)
    for item in vault.items():
        stream = known.get(item.source, {}).get(item.stream.rpartition(":")[2])
        if (item.run, item.stream) not in wanted or stream is None:
            continue
        bodies[(item.run, item.stream)].append(item.digest)
        body = vault.read(item.digest)
        try:
            counts = _load_body(engine, tables, stream, item, body)
        except (ValueError, TypeError, LookupError, ArithmeticError, Soc2evError) as problem:
            # The bytes are what was stored, and they are no answer that the source could have given.
            problems[(item.run, item.stream)].append(f"{item.digest} cannot be read: {problem}")
            continue
        # The collector counted what the body lists; the body may fill further tables beside it.
        if item.count is not None and item.count not in (counts.values() or (0,)):
            found = ", ".join(f"{count} rows for {name}" for name, count in sorted(counts.items())) or "no rows"
            problems[(item.run, item.stream)].append(
                f"{item.digest} holds {found}, {item.count} were counted when it was collected"
            )
    return problems, bodies


def _load_body(
    engine: Engine, tables: Mapping[str, Table], stream: Stream, item: EvidenceItem, body: bytes
) -> Mapping[str, int]:
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


def _interrupted(entry: Coverage) -> Coverage:
    """A run that did not end may have left out the next stream, and nothing in the vault would say so."""
    return _with_problems(entry, ["the run that collected it was interrupted; collect again"])


def _with_problems(entry: Coverage, problems: Sequence[str]) -> Coverage:
    if not problems:
        return entry
    reason = "; ".join([*([entry.reason] if entry.reason else []), *problems])
    return replace(entry, complete=False, reason=reason)


def _refuse_repeated_keys(engine: Engine, coverages: list[Coverage]) -> list[Coverage]:
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
                        _with_problems(entry, [problem]) if _belongs(entry, source.NAME, {stream.name}) else entry
                        for entry in coverages
                    ]
    return coverages


def _collection(entry: Coverage, bodies: Sequence[str]) -> dict[str, Json]:
    source, _, rest = entry.stream.partition(":")
    return {
        "stream": entry.stream,
        "starts": entry.period.start,
        "ends": entry.period.end,
        "source": source,
        "kind": rest.rpartition(":")[2] or None,
        "repository": entry.scope.get("repository"),
        "ref": entry.scope.get("ref"),
        "expected": entry.expected,
        "fetched": entry.fetched,
        "complete": entry.complete,
        "provisional": entry.provisional,
        "reason": entry.reason,
        "collected_at": entry.collected_at,
        "evidence": sorted(set(bodies)),
    }


def _superseded(entry: Coverage) -> dict[str, Json]:
    return {
        "stream": entry.stream,
        "run": entry.run,
        "starts": entry.period.start,
        "ends": entry.period.end,
        "expected": entry.expected,
        "fetched": entry.fetched,
        "complete": entry.complete,
        "reason": entry.reason,
        "collected_at": entry.collected_at,
    }


def _derive(engine: Engine, config: Config, coverages: Sequence[Coverage]) -> hosted.Problems:
    """Fill the derived tables; what does not add up, by run and stream."""
    policy = config.policy
    row = {
        "organisation": config.organisation,
        "required_approvals": policy.required_approvals,
        "ticket_mode": policy.ticket.mode,
        "team": policy.team,
        "review_within_business_days": policy.emergency.review_within_business_days,
        "ticket_types": policy.ticket.types,
        "ticket_statuses": policy.ticket.approved_statuses,
    }
    engine.insert(POLICY, [row])
    delivered, problems = hosted.derive(engine, config, coverages)
    starts = {entry.run: entry.period.start for entry in coverages if _is_line(entry)}
    changes.derive(engine, config, starts, delivered)
    for table in _BY_SQL:
        engine.derive((Path(__file__).parent / f"{table.name}.sql").read_text(encoding="utf-8"))
    return problems


def _refuse_unexplained(engine: Engine, coverages: list[Coverage]) -> list[Coverage]:
    """A commit without a fate means that the population is not closed."""
    sql = (
        "select repository, ref, count(*) as n from change_commits where fate = 'unexplained' group by all order by all"
    )
    for row in engine.stream(sql):
        problem = f"{row['n']} commits belong to no change of {row['ref']}"
        coverages = [
            _with_problems(entry, [problem]) if _is_of(entry, row["repository"], row["ref"]) else entry
            for entry in coverages
        ]
    return coverages


def _is_of(entry: Coverage, repository: str, ref: str) -> bool:
    """Whether it claims the commits of that ref; GitHub's claim is for all production refs of a repository."""
    of_ref = entry.scope.get("ref") in (ref, None) and entry.scope.get("repository") == repository
    return entry.stream.endswith(":commits") and of_ref


def _behind(needs: Iterable[str]) -> dict[str, set[str]]:
    """The streams behind the tables, by source."""
    open_ends, seen = list(needs), set()
    found: dict[str, set[str]] = defaultdict(set)
    delivered = {
        table.name: (source.NAME, stream.name)
        for source in SOURCES
        for stream in source.STREAMS
        for table in stream.tables
    }
    while open_ends:
        name = open_ends.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in delivered:
            source_name, stream_name = delivered[name]
            found[source_name].add(stream_name)
        elif name in DERIVED:
            open_ends.extend(DERIVED[name][1])
        else:
            raise ValueError(f"there is no table {name}")
    return dict(found)


def _is_line(entry: Coverage) -> bool:
    return entry.stream.endswith(":integrations")


def _belongs(entry: Coverage, source: str, wanted: set[str]) -> bool:
    """Whether the coverage is of one of the streams, or says that a whole scope or source was not obtained."""
    name, _, rest = entry.stream.partition(":")
    if name != source:
        return False
    last = rest.rpartition(":")[2]
    return last in wanted or last not in streams().get(source, {})


def _undelivered(source: str, period: Period, needs: Sequence[str]) -> Coverage:
    reason = f"no configured source delivers {', '.join(needs)}; add sources.{source} to the configuration"
    if source == "registers":
        reason = "no registers are configured; `soc2ev registers new` writes starters"
    return Coverage(source, period, None, 0, complete=False, reason=reason)


def _silent(entry: Coverage, names: Sequence[str]) -> Coverage:
    """Some streams of a source were claimed and others never mentioned, as an older version may have done."""
    source = entry.stream.partition(":")[0]
    reason = f"no collection says anything about {', '.join(names)}; collect again"
    return Coverage(source, entry.period, None, 0, complete=False, reason=reason)


def _outside_by_stream(engine: Engine, coverages: Iterable[Coverage]) -> dict[str, tuple[Mapping[str, str], ...]]:
    """Commits that path rules leave out, by the stream that collected them."""
    sql = "select * from change_commits where fate = 'outside' order by repository, ref, sha"
    found: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in engine.select(sql):
        found[(row["repository"], row["ref"])].append({"commit": row["sha"], "reason": row["reason"]})
    return {
        entry.stream: tuple(one for ref, listed in found.items() if _is_of(entry, *ref) for one in listed)
        for entry in coverages
        if entry.stream.endswith(":commits")
    }


def _filled(table: Table, row: Mapping[str, Json]) -> dict[str, Json]:
    """An example names only what matters: required columns that it leaves out get a value that stands for nothing."""
    blank: dict[str, Json] = {"TEXT": "-", "TEXT[]": ["sha256:example"], "BOOLEAN": False, "BIGINT": 0}
    must = {*table.key, *(column.name for column in table.columns if column.required)}
    filled = {column.name: blank.get(column.type) for column in table.columns if column.name in must}
    return {**filled, **({"evidence": "sha256:example"} if filled.get("evidence") == "-" else {}), **row}


__all__ = ["Tables", "documented", "example", "load", "streams"]
