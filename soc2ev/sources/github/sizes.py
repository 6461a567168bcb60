"""How much fits into one question: learnt from the answers, as GitHub gives each ten seconds."""

from __future__ import annotations

import threading

_QUICK = 4.0
_GOOD_BEFORE_GROWTH = 5
MOST = 100
_STARTS = {
    "parents": 30,
    "gates": 50,
    "run": 1,
    "details": 50,
    "tested": 50,
    "rest": 20,
    "named requests": 20,
    "attempts": 20,
}


class Sizes:
    """How much of each kind fits into one question; shared by threads, remembered for the run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._good: dict[str, int] = {}

    def of(self, name: str) -> int:
        """The size to ask for now."""
        return self._sizes.get(name, _STARTS.get(name, MOST))

    def grow(self, name: str, seconds: float) -> None:
        """An answer came after so many seconds: five quick ones let the size grow by half."""
        with self._lock:
            self._good[name] = self._good.get(name, 0) + 1 if seconds < _QUICK else 0
            if self._good[name] >= _GOOD_BEFORE_GROWTH:
                self._sizes[name] = min(MOST, self.of(name) * 3 // 2 + 1)
                self._good[name] = 0

    def shrink(self, name: str, asked: int) -> None:
        """So many were too much: half of it from now on."""
        with self._lock:
            self._sizes[name] = max(1, min(self.of(name), asked // 2))
            self._good[name] = 0
