"""Times of records: how many can be read, have a zone, come in order; how late they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at
        if record.arrival is not None:
            late = record.arrival - at
            self.skew.add(late)
            self.negative += late < _NEGATIVE
        self.future += at > (self.now if record.arrival is None else min(record.arrival, self.now)) + _AHEAD

    def merge(self, other: Times) -> None:
        """Add what was counted in another file; its first record follows nothing here."""
        for name in ("records", "parsed", "zoned", "pairs", "ordered", "future", "negative"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skew.merge(other.skew)
        self.first = min((one for one in (self.first, other.first) if one is not None), default=None)
        self.last = max((one for one in (self.last, other.last) if one is not None), default=None)
