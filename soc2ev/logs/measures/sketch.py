"""Quantiles and distinct counts in fixed memory, with their error stated."""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

_GROWTH = math.log(1.02)
_SMALLEST = 0.001
_KEPT = 1024
_MANY = 64
_SPACE = 2.0**64
_ENDLESS = b"\xff" * 9
_whole = int.from_bytes


class Quantiles:
    """
    Quantiles of numbers of either sign.

    Logarithmic buckets (as in DDSketch, Masson et al. 2019) that each grow by 2 %: an answer differs from the true
    quantile by at most 1 % of it, or by 1 ms near zero. At most some 3,500 buckets are kept, whatever comes.
    """

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0

    def add(self, value: float) -> None:
        """Count a finite number."""
        size = abs(value)
        at = 0 if size < _SMALLEST else 1 + int(math.log(size / _SMALLEST) / _GROWTH)
        self._buckets[-at if value < 0 else at] += 1
        self.count += 1

    def merge(self, other: Quantiles) -> None:
        """Add what another one counted."""
        self._buckets.update(other._buckets)
        self.count += other.count

    def at(self, share: float) -> float | None:
        """The number below which that share of them lies; None when there are none."""
        rank, seen = share * (self.count - 1), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen > rank:
                return _middle(bucket)
        return None


def _middle(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    return math.copysign(_SMALLEST * math.exp((abs(bucket) - 0.5) * _GROWTH), bucket)


class Distinct:
    """
    How many different texts there were, and how many two collections share.

    The 1,024 smallest hashes are kept (bottom-k, Beyer et al. 2007): exact below that, standard error 3 % above.
    """

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._kept: set[int] = set()

    def __getstate__(self) -> bytes:
        return array("Q", self._kept).tobytes()

    def __setstate__(self, state: bytes) -> None:
        self._kept = set(array("Q", state))
        self._heap = [-one for one in self._kept]
        heapq.heapify(self._heap)

    def add(self, text: str) -> None:
        """Count a text."""
        self.update((text,))

    def update(self, texts: Iterable[str]) -> None:
        """Count several texts."""
        limit = (-self._heap[0]).to_bytes(8) if len(self._heap) >= _KEPT else _ENDLESS
        digests = [blake2b(text.encode("utf-8", "replace"), digest_size=8).digest() for text in texts]
        smaller = [digest for digest in digests if digest < limit]  # the order of their numbers
        if len(smaller) > _MANY:
            self._keep(self._kept.union(map(_whole, smaller)))
        else:
            for digest in smaller:
                self._add(_whole(digest))

    def merge(self, other: Distinct) -> None:
        """Add what another one counted."""
        self._keep(self._kept | other._kept)

    def _keep(self, found: set[int]) -> None:
        smallest = sorted(found)[:_KEPT]
        self._kept = set(smallest)
        self._heap = [-hashed for hashed in reversed(smallest)]  # in order, as a heap may be

    def _add(self, hashed: int) -> None:
        if hashed in self._kept or (len(self._heap) >= _KEPT and hashed >= -self._heap[0]):
            return
        self._kept.add(hashed)
        if len(self._heap) < _KEPT:
            heapq.heappush(self._heap, -hashed)
        else:
            self._kept.discard(-heapq.heappushpop(self._heap, -hashed))

    def count(self) -> int:
        """The number of different texts."""
        return _estimate(sorted(self._kept))

    def shared(self, other: Distinct) -> float:
        """The share of the smaller collection's texts that the other has too; 0 when one is empty."""
        union = sorted(self._kept | other._kept)[:_KEPT]
        both = sum(one in self._kept and one in other._kept for one in union)
        smaller = min(self.count(), other.count())
        return min(1.0, both / len(union) * _estimate(union) / smaller) if smaller else 0.0


def _estimate(kept: list[int]) -> int:
    return len(kept) if len(kept) < _KEPT else round((_KEPT - 1) / (kept[-1] / _SPACE))
