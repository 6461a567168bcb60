"""What one source found named, for the sources that come after it."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Board:
    """Names by kind, for one run, in memory only; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, set[str]] = defaultdict(set)

    def mention(self, kind: str, names: Iterable[str]) -> None:
        """Add names of that kind."""
        found = set(names)
        with self._lock:
            self._names[kind] |= found

    def mentions(self, kind: str) -> frozenset[str]:
        """All names of that kind so far."""
        with self._lock:
            return frozenset(self._names.get(kind, ()))
