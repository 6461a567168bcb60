"""
Events over time in buckets of five minutes: stretches without any that are improbable, and spikes of errors.

A stretch is a gap when the usual volume of its hours of the week makes it improbable that nothing came. The usual
volume is the median of the same hour in other weeks; in shorter samples that of the same hour on other days of its kind
(working days, weekend); else what the hours next to the stretch had. Counts vary more than a Poisson process
would, so expectations are divided by the index of dispersion (quasi-Poisson; McCullagh and Nelder 1989, 6.2.3). With
few events nothing is improbable, so that a source of low volume never alarms.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

BUCKET = 300
_HOUR, _DAY, _WEEK = 3600, 86_400, 604_800
_MOST_BUCKETS = 200_000
_WIDEST = 1200
"""Seconds: the widest bucket of which an hour has a whole number; some seven and a half years then."""
_SURE = math.log(100)
"""Together, all stretches of a sample without a gap raise a false alarm once in a hundred samples."""
_SURE_NEARBY = 2 * _SURE
_STRAY = 0.001
"""Times that hold less than this share of events, a month away from all others, are broken clocks."""
_MONTH = 30 * _DAY
_THURSDAY = 3
"""1970-01-01 was a Thursday."""
_SATURDAY = 5
_MEDIAN_CHI_SQUARED = 0.4549
_ENOUGH, _FEWEST_ERRORS, _LEAST_RISE = 10, 5, 0.05
_DEVIATIONS, _NORMAL_MAD = 6.0, 1.4826


@dataclass(frozen=True, slots=True)
class Span:
    """From one event to the next, in seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spike:
    """A time in which far more failed than usual; `share` of the records that tell."""

    start: float
    end: float
    share: float


@dataclass(slots=True)
class _Bucket:
    first: float
    last: float
    count: int = 0
    telling: int = 0
    failed: int = 0


class Timeline:
    """The events of one source over time; buckets become wider when there are too many of them."""

    def __init__(self) -> None:
        self._width = BUCKET
        self._buckets: dict[int, _Bucket] = {}

    def add(self, at: float, failed: bool | None) -> None:  # noqa: FBT001  called for every record
        """Count an event; `failed` is None when it does not tell."""
        key = int(at // self._width)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._widen()
                key = int(at // self._width)
            bucket = self._buckets.setdefault(key, _Bucket(at, at))
        bucket.count += 1
        if at < bucket.first:
            bucket.first = at
        elif at > bucket.last:
            bucket.last = at
        if failed is not None:
            bucket.telling += 1
            bucket.failed += failed

    def add_many(self, told: list[tuple[float, bool | None]]) -> None:
        """Count events; those of one bucket at once, as they mostly come."""
        ats = [at for at, _ in told]
        if not ats:
            return
        if min(ats) // BUCKET == max(ats) // BUCKET:
            self._add_part(ats, [failed for _, failed in told])
            return
        failures = [failed for _, failed in told]
        keys = [at // BUCKET for at in ats]
        changes = [place for place, (one, other) in enumerate(pairwise(keys), 1) if one != other]
        parts: dict[float, tuple[list[float], list[bool | None]]] = {}
        for start, end in pairwise([0, *changes, len(keys)]):
            part = parts.setdefault(keys[start], ([], []))
            part[0].extend(ats[start:end])
            part[1].extend(failures[start:end])
        for part in parts.values():
            self._add_part(*part)

    def _add_part(self, ats: list[float], failures: list[bool | None]) -> None:
        self.add(ats[0], failures[0])  # makes room for them
        bucket = self._buckets[int(ats[0] // self._width)]
        bucket.count += len(ats) - 1
        first, last = min(ats), max(ats)
        bucket.first, bucket.last = min(bucket.first, first), max(bucket.last, last)
        silent = failures.count(None) - (failures[0] is None)
        bucket.telling += len(ats) - 1 - silent
        bucket.failed += failures.count(True) - (failures[0] is True)

    @property
    def too_long(self) -> bool:
        """More years than gaps can be looked for in; the times of the records are probably wrong."""
        return self._width > _WIDEST

    def merge(self, other: Timeline) -> None:
        """Add what another one counted."""
        while other._width < self._width:
            other._widen()
        while self._width < other._width:
            self._widen()
        for key, one in other._buckets.items():
            self._put(self._buckets, key, one)
        while len(self._buckets) > _MOST_BUCKETS:
            self._widen()

    def follow(self, other: Timeline) -> None:
        """Add what was counted in the next, short part of the same file, as if it had been counted here."""
        for one in other._buckets.values():
            key = int(one.first // self._width)
            if key not in self._buckets and len(self._buckets) >= _MOST_BUCKETS:
                self._widen()
                key = int(one.first // self._width)
            self._put(self._buckets, key, one)

    @staticmethod
    def _put(buckets: dict[int, _Bucket], key: int, one: _Bucket) -> None:
        into = buckets.setdefault(key, _Bucket(one.first, one.last))
        into.first, into.last = min(into.first, one.first), max(into.last, one.last)
        into.count += one.count
        into.telling += one.telling
        into.failed += one.failed

    def gaps(self) -> list[Span]:
        """Stretches in which nothing came and something should have, in order; none when the time is too long."""
        keys = self._without_strays()
        if len(keys) < _ENOUGH or self.too_long:
            return []
        usual = _Usual({key: self._buckets[key].count for key in keys}, self._width)
        return [
            Span(self._buckets[before].last, self._buckets[after].first)
            for before, after in pairwise(keys)
            if after - before > 1 and usual.improbable(before + 1, after)
        ]

    def spikes(self) -> list[Spike]:
        """Times in which the share of failures is far above the usual one, joined where they touch."""
        told = {key: one for key, one in sorted(self._buckets.items()) if one.telling >= _ENOUGH}
        shares = [one.failed / one.telling for one in told.values()]
        if not shares:
            return []
        middle = median(shares)
        spread = _NORMAL_MAD * median(abs(share - middle) for share in shares)
        hot = [key for key, one in told.items() if _is_hot(one, middle, spread)]
        return [self._spike(run) for run in _runs(hot)]

    def _spike(self, keys: list[int]) -> Spike:
        found = [self._buckets[key] for key in keys]
        share = sum(one.failed for one in found) / sum(one.telling for one in found)
        return Spike(float(keys[0] * self._width), float((keys[-1] + 1) * self._width), share)

    def _widen(self) -> None:
        self._width *= 2
        old, self._buckets = self._buckets, {}
        for key, one in old.items():
            self._put(self._buckets, key // 2, one)

    def _without_strays(self) -> list[int]:
        keys = sorted(self._buckets)
        total = sum(one.count for one in self._buckets.values())
        islands: list[list[int]] = []
        for key in keys:
            if islands and (key - islands[-1][-1]) * self._width < _MONTH:
                islands[-1].append(key)
            else:
                islands.append([key])
        return [
            key
            for island in islands
            if sum(self._buckets[one].count for one in island) >= total * _STRAY
            for key in island
        ]


class _Usual:
    """What usually comes in an hour of the week, in shorter samples in an hour of a kind of day."""

    def __init__(self, counts: dict[int, int], width: int) -> None:
        self._per_hour = _HOUR // width
        self._first, self._last = min(counts), max(counts)
        self._hours: dict[int, int] = defaultdict(int)
        for key, count in counts.items():
            self._hours[key // self._per_hour] += count
        # The first and last hour are cut by the sample; their counts are no whole hours.
        self._range = range(min(self._hours) + 1, max(self._hours))
        self._by_week, self._by_day = defaultdict[int, list[int]](list), defaultdict[tuple[bool, int], list[int]](list)
        for hour in self._range:
            count = self._hours.get(hour, 0)
            self._by_week[hour % (_WEEK // _HOUR)].append(count)
            self._by_day[_kind(hour)].append(count)
        self._counts, self._size = counts, self._last - self._first + 1
        self._doubt = math.log(max(2, len(counts)))
        self._sum, self._squares = sum(counts.values()), sum(count * count for count in counts.values())
        self._dispersion = self._seasonal_dispersion()

    def improbable(self, start: int, end: int) -> bool:
        """Whether it is improbable that the buckets from `start` to before `end` are empty."""
        seasonal, known = 0.0, 0
        for hour in range(start // self._per_hour, (end - 1) // self._per_hour + 1):
            expected = self._expected(hour)
            if expected is not None:
                inside = min(end, (hour + 1) * self._per_hour) - max(start, hour * self._per_hour)
                seasonal += expected * inside / self._per_hour
                known += inside
        if 2 * known >= end - start:
            return seasonal / self._dispersion > self._doubt + _SURE
        return self._nearby(start, end) > self._doubt + _SURE_NEARBY

    def _expected(self, hour: int) -> float | None:
        for samples in (self._by_week[hour % (_WEEK // _HOUR)], self._by_day[_kind(hour)]):
            own = 1 if hour in self._range else 0
            if len(samples) - own >= 2:  # noqa: PLR2004  one other sample is no usual volume
                others = list(samples)
                if own:
                    others.remove(self._hours.get(hour, 0))
                return float(median(others))
        return None

    def _nearby(self, start: int, end: int) -> float:
        """Events that the poorer of the two neighbouring hours would have had in this time, over the dispersion."""
        before = sum(self._counts.get(key, 0) for key in range(start - self._per_hour, start))
        after = sum(self._counts.get(key, 0) for key in range(end, end + self._per_hour))
        size = self._size - (end - start)
        mean = self._sum / size
        variance = self._squares / size - mean * mean
        return min(before, after) * (end - start) / self._per_hour / max(1.0, variance / mean)

    def _seasonal_dispersion(self) -> float:
        found = []
        for hour in self._range:
            expected, count = self._expected(hour), self._hours.get(hour, 0)
            if expected and count:
                found.append((count - expected) ** 2 / expected)
        return max(1.0, median(found) / _MEDIAN_CHI_SQUARED) if found else 1.0


def _kind(hour: int) -> tuple[bool, int]:
    """Working day or weekend (UTC), and the hour of the day."""
    weekday = (hour * _HOUR // _DAY + _THURSDAY) % 7
    return weekday >= _SATURDAY, hour % 24


def _is_hot(one: _Bucket, middle: float, spread: float) -> bool:
    """Above the median by six robust deviations and by four standard errors of a share of so few."""
    share = one.failed / one.telling
    chance = 4 * math.sqrt(max(middle * (1 - middle), 1 / one.telling) / one.telling) if middle < 1 else 1.0
    return one.failed >= _FEWEST_ERRORS and share > middle + max(_DEVIATIONS * spread, _LEAST_RISE, min(chance, 0.5))


def _runs(keys: list[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for key in keys:
        if run and key != run[-1] + 1:
            yield run
            run = []
        run.append(key)
    if run:
        yield run
