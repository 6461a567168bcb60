"""
What every collection that has to do with a period read of log sources: not only the one that answers for it.

A month is collected after it has ended, and how logging was set then says nothing about the month. So earlier and later
readings are looked at as well, by source and list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, EvidenceItem, Json, Table
from soc2ev.period import Period
from soc2ev.sources.logs import NAME
from soc2ev.sources.logs.rows import STREAM, rows
from soc2ev.tables.facts.fact import Fact
from soc2ev.tables.readings import Seen, Throughout, near, throughout

if TYPE_CHECKING:
    from soc2ev.vault import Vault

Row = Mapping[str, Json]
Key = tuple[str, str]
"""Run and stream."""
Judge = Callable[[Row, Row], Fact]
"""What an entry of a list and its source say."""
_SOURCES = "collected_log_sources"
_TABLES: Mapping[str, Table] = {table.name: table for table in STREAM.tables}


@dataclass(frozen=True, slots=True)
class Reading:
    """What one collection of one entry said, by table and source."""

    key: Key
    at: datetime
    whole: bool
    """Nothing is missing, so that what it does not show was not there."""
    digests: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Sequence[Row]]]

    def source(self, key: str) -> Row | None:
        """The source of that key; None when it does not show it."""
        found = self.tables.get(_SOURCES, {}).get(key, ())
        return found[0] if found else None

    def entries(self, table: str, key: str) -> Sequence[Row]:
        """The entries of a list of that source, in order."""
        return self.tables.get(table, {}).get(key, ())


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings around a period: those within, and the nearest before and after it."""

    period: Period
    series: Sequence[Sequence[Reading]] = ()
    """By entry, each in the order of time."""
    used: set[Key] = field(default_factory=set)

    def of(self, key: str) -> Iterator[tuple[Reading, Row]]:
        """Each reading that shows the source, with what it shows."""
        for series in self.series:
            for one in series:
                source = one.source(key)
                if source is not None:
                    yield one, source

    def over(self, now: Seen | None, judged: Iterable[tuple[Reading, Row, Fact]]) -> Throughout:
        """The answer for the period about a source, from the reading that answers and what others say."""
        others = [Seen(row["observed_at"], fact, one.digests) for one, row, fact in judged]
        return throughout(now, others, self.period)

    def over_entries(
        self, table: str, naming: str, rows: Sequence[Row], sources: Mapping[str, Row], judge: Judge
    ) -> list[Throughout]:
        """
        The answers for the period about the entries of a list, in their order.

        An entry is the same in another reading when its source and the column `naming` are; of several that are named
        alike, the one at the same place among them.
        """
        found, used = [], Counter[tuple[str, Json]]()
        for row in rows:
            key, name = row["source_key"], row[naming]
            now, place = sources.get(key), used[(key, name)]
            used[(key, name)] += 1
            others = []
            for one, source in self.of(key):
                alike = [entry for entry in one.entries(table, key) if entry[naming] == name]
                others += [(one, source, judge(entry, source)) for entry in alike[place : place + 1]]
            seen = Seen(now["observed_at"], judge(row, now)) if now else None
            found.append(self.over(seen, others))
        return found


def named(rows: Sequence[Row], naming: str) -> list[str]:
    """
    The id of each entry of a list: its source and name, whatever its place; of several alike the later ones numbered.

    A waiver names it, and a rule that is added must not take the id of another.
    """
    used, found = Counter[str](), dict[str, None]()
    for row in rows:
        name = row["source_key"] if row[naming] is None else f"{row['source_key']}/{row[naming]}"
        made = name
        while made in found:
            used[name] += 1
            made = f"{name}#{used[name] + 1}"
        found[made] = None
    return list(found)


def read(vault: Vault, claims: Iterable[Coverage], period: Period) -> Readings:
    """The readings of all collections. TamperedError for a body that was altered."""
    wanted = _relevant(claims, period)
    bodies: dict[Key, list[EvidenceItem]] = defaultdict(list)
    for item in vault.items():
        if item.source == NAME and item.stream.endswith(f":{STREAM.name}"):
            bodies[(item.run, item.stream)].append(item)
    series = [[_reading(one, bodies[(one.run, one.stream)], vault) for one in found] for found in wanted]
    return Readings(period, series, {(one.run, one.stream) for found in wanted for one in found})


def _relevant(claims: Iterable[Coverage], period: Period) -> list[list[Coverage]]:
    by_stream: dict[str, list[Coverage]] = defaultdict(list)
    for claim in claims:
        if _is_reading(claim) and claim.run and claim.collected_at:
            by_stream[claim.stream].append(claim)
    return [_near(sorted(by_stream[name], key=lambda one: (_at(one), one.run)), period) for name in sorted(by_stream)]


def _is_reading(claim: Coverage) -> bool:
    return claim.stream.startswith(f"{NAME}:") and claim.stream.endswith(f":{STREAM.name}")


def _near(series: Sequence[Coverage], period: Period) -> list[Coverage]:
    """A month is collected after it has ended: the collections that were made of it later count as well."""
    chosen = near(series, _at, lambda one: one.complete, period)
    late = [one for one in series if _at(one) >= period.end and one.period.overlaps(period)]
    return [one for one in series if one in chosen or one in late]


def _at(claim: Coverage) -> datetime:
    return claim.collected_at or claim.period.end


def _reading(claim: Coverage, items: Sequence[EvidenceItem], vault: Vault) -> Reading:
    tables: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    used: dict[str, None] = {}
    for item in items:
        for table, row in rows(item, vault.read(item.digest)):
            used[item.digest] = None
            key = row["key" if table == _SOURCES else "source_key"]
            tables[table][key].append(_typed(table, row))
    return Reading((claim.run, claim.stream), _at(claim), claim.complete, tuple(used), tables)


def _typed(table: str, row: Row) -> Row:
    """The row as the tables give it back: every column, and times as instants."""
    whole = dict.fromkeys((column.name for column in _TABLES[table].columns), None) | dict(row)
    for column in _TABLES[table].columns:
        value = whole[column.name]
        if column.type == "TIMESTAMP" and isinstance(value, str):
            whole[column.name] = datetime.fromisoformat(value).astimezone(UTC)
    return whole


__all__ = ["Judge", "Reading", "Readings", "named", "read"]
