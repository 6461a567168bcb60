"""The locked tables of one period, and what their collections claim about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from soc2ev.model import Coverage, Json
from soc2ev.sources import SOURCES
from soc2ev.tables.bodies import belongs
from soc2ev.tables.standard import ALTERNATIVES, DERIVED, ONLY_FROM, OPTIONAL

if TYPE_CHECKING:
    from types import TracebackType

    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine, Rows


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
            here = [entry for entry in self._coverage if belongs(entry, source, names)]
            silent = [name for name in sorted(names) if not any(belongs(entry, source, {name}) for entry in here)]
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


def is_of(entry: Coverage, repository: str, ref: str) -> bool:
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
        entry.stream: tuple(one for ref, listed in found.items() if is_of(entry, *ref) for one in listed)
        for entry in coverages
        if entry.stream.endswith(":commits")
    }
