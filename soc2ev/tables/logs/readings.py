"""
What every collection that has to do with a period read of log sources: not only the one that answers for it.

A month is collected after it has ended, and how logging was set then says nothing about the month. So earlier and later
readings are looked at as well, by source and list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from soc2ev.model import Coverage, EvidenceItem, Json, Table
from soc2ev.period import Period
from soc2ev.sources.logs import NAME
from soc2ev.sources.logs import tables as collected
from soc2ev.sources.logs.rows import STREAM, rows
from soc2ev.tables.facts.fact import Fact, together, unknown
from soc2ev.tables.readings import GONE, Seen, Throughout, near, throughout

if TYPE_CHECKING:
    from soc2ev.vault import Vault

Row = Mapping[str, Json]
Key = tuple[str, str]
"""Run and stream."""
Judge = Callable[[Row, Row], Fact]
"""What an entry of a list and its source say."""
_SOURCES = "collected_log_sources"
_TABLES: Mapping[str, Table] = {table.name: table for table in STREAM.tables}
_LISTS = {table.name: name for name, table in collected.BY_LIST.items()}
_LARGEST = 1 << 63
"""What a BIGINT does not hold."""
MISSING = unknown("It was not there any more.", GONE)
"""What a reading says of something that an earlier one showed."""


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

    def lists(self, table: str, key: str) -> bool:
        """Whether it shows all entries of that list of that source, so that others were not there."""
        source, name = self.source(key), _LISTS[table]
        refused = () if source is None else source["unknown"] or ()
        return self.whole and not any(one == name or one.startswith(f"{name}.") for one in refused)


class Entry(NamedTuple):
    """An entry of a list, and its source as the same reading shows it; None when it shows none."""

    row: Row
    source: Row | None


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

    def over(self, now: Seen | None, judged: Iterable[Seen]) -> Throughout:
        """The answer for the period about a source, from the reading that answers and what others say."""
        return throughout(now, judged, self.period)

    def touches(self, first: datetime | None, last: datetime | None) -> bool:
        """Whether something from `first` to `last` has to do with the period; what has no time is taken at its word."""
        return first is None or last is None or (first < self.period.end and last >= self.period.start)

    def missed(self, key: str) -> Iterator[Reading]:
        """Each whole reading within the period that does not show a source which an earlier one of its entry showed."""
        for series in self.series:
            seen = False
            for one in series:
                if seen and one.whole and self.period.contains(one.at) and one.source(key) is None:
                    yield one
                seen = seen or one.source(key) is not None

    def gone(self, shown: Collection[str]) -> dict[str, Row]:
        """By key the sources that were there within the period and are not among `shown`, as they were read last."""
        inside = [one for series in self.series for one in series if self.period.contains(one.at)]
        found: dict[str, Row] = {}
        for one in sorted(inside, key=lambda reading: reading.at):
            for key in one.tables.get(_SOURCES, {}):
                source = one.source(key)
                if source is not None and source["native"] is not None and key not in shown:
                    found[key] = source
        return found

    def entries(self, table: str, naming: str, rows: Sequence[Row], sources: Mapping[str, Row]) -> list[Entry]:
        """These entries of a list, and behind them those that were there within the period and are no longer."""
        found = [Entry(row, sources.get(row["source_key"])) for row in rows]
        shown = {(row["source_key"], row[naming]) for row in rows}
        inside = [one for series in self.series for one in series if self.period.contains(one.at)]
        for one in sorted(inside, key=lambda reading: reading.at, reverse=True):
            fresh = [
                Entry({**row, "evidence": one.digests[0]}, one.source(key))
                for key, listed in one.tables.get(table, {}).items()
                for row in listed
                if (key, row[naming]) not in shown
            ]
            found += fresh
            shown |= {(entry.row["source_key"], entry.row[naming]) for entry in fresh}
        return found

    def over_entries(
        self, table: str, naming: str, entries: Sequence[Entry], judge: Judge, missing: Fact = MISSING
    ) -> list[Throughout]:
        """
        The answers for the period about the entries of a list, in their order.

        An entry is the same in another reading when its source and the column `naming` are; of several that are named
        alike, the one at the same place among them, and where there are more or fewer of them, all. `missing` is said
        of one that a whole reading within the period lacks, between others that show it.
        """
        found, used, about = [], Counter[tuple[str, Json]](), dict[str, list[Reading]]()
        alike = Counter((row["source_key"], row[naming]) for row, _ in entries)
        for row, now in entries:
            mine = (row["source_key"], row[naming])
            seen = Seen(now["observed_at"], judge(row, now)) if now else None
            if mine[0] not in about:
                about[mine[0]] = self._about(mine[0])
            others = _others(about[mine[0]], (table, naming), mine, (used[mine], alike[mine]), judge)
            used[mine] += 1
            found.append(self.over(seen, self._filled(others, seen, missing)))
        return found

    def _about(self, key: str) -> list[Reading]:
        """The readings of what shows the source, in the order of time, with those that do not show it."""
        mine = [series for series in self.series if any(one.source(key) is not None for one in series)]
        return sorted((one for series in mine for one in series), key=lambda reading: reading.at)

    def _filled(self, told: Sequence[tuple[Seen, bool]], now: Seen | None, missing: Fact) -> Iterator[Seen]:
        """What was there, and then was not within the period; `missing` where it came back."""
        shown = [one.at for one, there in told if there] + ([now.at] if now else [])
        for one, there in told:
            if there:
                yield one
            elif self.period.contains(one.at) and any(at < one.at for at in shown):
                back = any(at > one.at for at in shown)
                yield Seen(one.at, missing if back else MISSING, one.digests)


def _others(
    readings: Iterable[Reading],
    of: tuple[str, str],
    mine: tuple[str, Json],
    place: tuple[int, int],
    judge: Judge,
) -> list[tuple[Seen, bool]]:
    """
    What each reading says of an entry, and whether it shows it.

    `of` is a table and what names its entries, `mine` source and name, `place` the number among those that are named
    alike, and how many these are.
    """
    found: list[tuple[Seen, bool]] = []
    for one in readings:
        source = one.source(mine[0])
        alike = [entry for entry in one.entries(of[0], mine[0]) if entry[of[1]] == mine[1]]
        if source is not None and alike:
            same = alike[place[0] : place[0] + 1] if len(alike) == place[1] else alike
            fact = together(judge(entry, source) for entry in same)
            found.append((Seen(source["observed_at"], fact, one.digests), True))
        elif one.lists(of[0], mine[0]):
            found.append((Seen(one.at, MISSING, one.digests), False))
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
            whole[column.name] = _instant(value)
        elif column.type == "BIGINT" and isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
            whole[column.name] = None
    return whole


def _instant(text: str) -> datetime | None:
    """None for one that lies outside the years 1 to 9999 of UTC."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        return None


__all__ = ["MISSING", "Entry", "Judge", "Reading", "Readings", "named", "read"]
