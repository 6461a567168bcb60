"""Times of records: how many can be read, have a zone, come in order; how late they arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import le

from soc2ev.logs.formats import Record
from soc2ev.logs.measures.sketch import Quantiles

_AHEAD = 60.0
"""Seconds by which clocks may differ before an event counts as being in the future."""
_NEGATIVE = -0.001


@dataclass
class Times:
    """Counts of times, and quantiles of skew: arrival minus event time, in seconds."""

    now: float
    records: int = 0
    parsed: int = 0
    zoned: int = 0
    pairs: int = 0
    ordered: int = 0
    future: int = 0
    negative: int = 0
    first: float | None = None
    last: float | None = None
    skew: Quantiles = field(default_factory=Quantiles)
    _opening: float | None = None
    _before: float | None = None

    def add(self, record: Record) -> None:
        """Count one record's times."""
        self.records += 1
        at = record.at
        if at is None:
            return
        self.parsed += 1
        self.zoned += record.zoned
        if self._before is not None:
            self.pairs += 1
            self.ordered += at >= self._before
        self._before = at
        self._opening = at if self._opening is None else self._opening
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at
        self._late(at, record.arrival)

    def add_many(self, ats: list[float | None], zoned: int, arrivals: Mapping[int, float]) -> None:
        """Count records in order: their times, how many of these had a zone, and by place when some arrived."""
        self.records += len(ats)
        dated = [at for at in ats if at is not None]
        if not dated:
            return
        self.parsed += len(dated)
        self.zoned += zoned
        line = dated if self._before is None else [self._before, *dated]
        self._opening = dated[0] if self._opening is None else self._opening
        self.pairs += len(line) - 1
        self.ordered += sum(map(le, line, line[1:]))
        self._before = dated[-1]
        first, last = min(dated), max(dated)
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)
        if arrivals or last > self.now + _AHEAD:
            self._compare(ats, arrivals)

    def _compare(self, ats: list[float | None], arrivals: Mapping[int, float]) -> None:
        for place, at in enumerate(ats):
            arrival = arrivals.get(place)
            if at is not None:
                self._late(at, arrival)

    def _late(self, at: float, arrival: float | None) -> None:
        if arrival is not None:
            late = arrival - at
            self.skew.add(late)
            self.negative += late < _NEGATIVE
        self.future += at > (self.now if arrival is None else min(arrival, self.now)) + _AHEAD

    def follow(self, other: Times) -> None:
        """Add what was counted in the next part of the same file."""
        if self._before is not None and other._opening is not None:
            self.pairs += 1
            self.ordered += other._opening >= self._before
        self._opening = other._opening if self._opening is None else self._opening
        self._before = self._before if other._before is None else other._before
        self.merge(other)

    def merge(self, other: Times) -> None:
        """Add what was counted in another file; its first record follows nothing here."""
        for name in ("records", "parsed", "zoned", "pairs", "ordered", "future", "negative"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skew.merge(other.skew)
        self.first = min((one for one in (self.first, other.first) if one is not None), default=None)
        self.last = max((one for one in (self.last, other.last) if one is not None), default=None)
