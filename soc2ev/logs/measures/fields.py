"""How often records say who, what, when and where, and whether an id joins them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

from soc2ev.logs.formats import Record
from soc2ev.logs.measures.sketch import Distinct

_MOST_IDS = 12
_MOST_FILES = 12
_FEW = 100
_TOO_CONSTANT = 0.01
ASKED = {"who": "actor", "what": "action", "when": "at", "where": "ip", "target": "target"}


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
    """Counts fields record by record, for one file; `merge` adds up files."""

    def __init__(self) -> None:
        self.records = 0
        self.present: Counter[str] = Counter()
        self._ids: dict[str, _Id] = {}

    def add(self, record: Record) -> None:
        """Count one record."""
        self.records += 1
        for asked, name in ASKED.items():
            if getattr(record, name) is not None:
                self.present[asked] += 1
        if record.path is not None and record.action is None:
            self.present["what"] += 1  # a request says what by verb and path
        for path, value in record.ids.items():
            if path in self._ids or len(self._ids) < _MOST_IDS:
                found = self._ids.setdefault(path, _Id())
                found.count += 1
                found.values.add(value)

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


def _constant(one: _Id) -> bool:
    distinct = one.values.count()
    return one.count > 1 and (distinct <= 1 or (one.count >= _FEW and distinct < one.count * _TOO_CONSTANT))


def _joinable(files: list[Distinct]) -> float | None:
    return max((first.shared(second) for first, second in combinations(files, 2)), default=None)
