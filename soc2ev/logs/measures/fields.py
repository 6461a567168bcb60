"""How often records say who, what, when and where, and whether an id joins them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import combinations

from soc2ev.logs.formats import Record
from soc2ev.logs.measures.sketch import Distinct

_MOST_IDS = 12
_MOST_FILES = 12
_FEW = 100
_TOO_CONSTANT = 0.01
ASKED = ("who", "what", "when", "where", "target")


@dataclass(frozen=True, slots=True)
class Correlation:
    """The best correlation id: its path, the share of records that have it, and how many different ones there are."""

    field: str | None
    share: float
    distinct: int
    joinable: float | None = None
    """The share of ids of the smaller file that the other has too, over the best pair; None with one file."""


@dataclass(slots=True)
class _Id:
    """One id: how many records have it, its values, and those of each of the first files."""

    count: int = 0
    values: Distinct = field(default_factory=Distinct)
    files: list[Distinct] = field(default_factory=list)


class Fields:
    """Counts fields record by record, for one file; `merge` adds up files. At most so many ids are followed."""

    def __init__(self, most: int = _MOST_IDS) -> None:
        self._most = most
        self.records = 0
        self.present: Counter[str] = Counter()
        self._ids: dict[str, _Id] = {}

    def add(self, record: Record) -> None:
        """Count one record."""
        self.records += 1
        self.present.update(named(record))
        self.present["when"] += record.at is not None
        for path, value in record.ids.items():
            self.add_ids(path, (value,))

    def add_ids(self, path: str, values: Collection[object]) -> None:
        """Count the values of one id, of as many records."""
        if path in self._ids or len(self._ids) < self._most:
            found = self._ids.setdefault(path, _Id())
            found.count += len(values)
            found.values.update({one if isinstance(one, str) else str(one) for one in values})

    def merge(self, other: Fields) -> None:
        """Add what was counted in another file."""
        self.records += other.records
        self.present.update(other.present)
        for path, one in other._ids.items():
            if path in self._ids or len(self._ids) < _MOST_IDS:
                into = self._ids.setdefault(path, _Id())
                into.count += one.count
                into.values.merge(one.values)
                into.files.extend([one.values][: _MOST_FILES - len(into.files)])

    def follow(self, other: Fields) -> None:
        """Add what was counted in the next part of the same file."""
        self.records += other.records
        self.present.update(other.present)
        for path, one in other._ids.items():
            if path in self._ids or len(self._ids) < self._most:
                into = self._ids.setdefault(path, _Id())
                into.count += one.count
                into.values.merge(one.values)

    def shares(self) -> dict[str, float | None]:
        """The share of records with each of who, what, when, where and target; None without records."""
        return {asked: self.present[asked] / self.records if self.records else None for asked in ASKED}

    def correlation(self) -> Correlation:
        """The id that most records have; a constant is none, and an event's own id comes last."""
        fit = {path: one for path, one in self._ids.items() if not _constant(one)}
        if not fit:
            return Correlation(None, 0.0, 0)
        path = max(fit, key=lambda name: (name.lower() != "eventid", fit[name].count))
        return Correlation(path, fit[path].count / self.records, fit[path].values.count(), _joinable(fit[path].files))

    def constants(self) -> list[str]:
        """Ids that are the same in nearly all records: they look like correlation, and join everything."""
        return sorted(path for path, one in self._ids.items() if _constant(one))


def named(record: Record) -> tuple[str, ...]:
    """What a record says of who, what, where and target; a request says what by verb and path."""
    said = {"who": record.actor, "what": record.action or record.path, "where": record.ip, "target": record.target}
    return tuple(asked for asked, value in said.items() if value is not None)


def _constant(one: _Id) -> bool:
    distinct = one.values.count()
    return one.count > 1 and (distinct <= 1 or (one.count >= _FEW and distinct < one.count * _TOO_CONSTANT))


def _joinable(files: list[Distinct]) -> float | None:
    return max((first.shared(second) for first, second in combinations(files, 2)), default=None)
