"""
What earlier collections of a period asked for, and whether anything can have changed since.

A run in which other sources skip what has not changed mentions fewer keys than the period needs; the keys of earlier
runs are asked for again with them, since one run answers for the period.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.sources.jira.claims import STREAMS

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.period import Period
    from soc2ev.sources.jira.site import Site

_ROOM = 45_000
"""Characters that fit into a coverage, whose line in the journal is limited to 65,535 bytes."""


def packed(keys: Iterable[str]) -> dict[str, str] | None:
    """The keys as ranges of numbers by project, such as {"API": "1-3,7"}; None when they are too many to be kept."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for key in keys:
        project, _, number = key.rpartition("-")
        numbers[project].append(int(number))
    found = {project: ",".join(_ranges(sorted(set(known)))) for project, known in sorted(numbers.items())}
    return found if len(json.dumps(found)) <= _ROOM else None


def _ranges(numbers: Sequence[int]) -> Iterable[str]:
    start = 0
    for place, number in enumerate(numbers):
        if place + 1 == len(numbers) or numbers[place + 1] != number + 1:
            first = numbers[start]
            yield f"{first}-{number}" if number > first else str(number)
            start = place + 1


def unpacked(value: Mapping[str, str]) -> set[str]:
    """The keys again."""
    found = set()
    for project, text in value.items():
        for part in text.split(",") if text else ():
            first, _, last = part.partition("-")
            found |= {f"{project}-{number}" for number in range(int(first), int(last or first) + 1)}
    return found


class Earlier:
    """What earlier runs stated of this site for the very same period."""

    def __init__(self, site: Site, period: Period) -> None:
        self._coverages = {
            name: [
                entry
                for entry in site.fetch.earlier(site.stream(name))
                if (entry.period.start, entry.period.end) == (period.start, period.end)
            ]
            for name in STREAMS
        }

    @property
    def keys(self) -> set[str]:
        """All keys that they asked for, as far as that was kept."""
        return set().union(*(self._keys(entry) for entry in self._coverages["tickets"]))

    @property
    def forgotten(self) -> bool:
        """Whether one of them had too many keys to keep them."""
        return any(entry.details.get("keys", {}) is None for entry in self._coverages["tickets"])

    def settles(self, fingerprint: str, keys: Iterable[str]) -> bool:
        """Whether one run had all of these keys and everything else after the close, with the same fingerprint."""
        wanted = set(keys)
        runs = [
            {entry.run for entry in found if entry.complete and not entry.provisional}
            for found in self._coverages.values()
        ]
        same = {
            entry.run
            for entry in self._coverages["tickets"]
            if entry.details.get("fingerprint") == fingerprint and wanted <= self._keys(entry)
        }
        return bool(fingerprint and set.intersection(same, *runs))

    @staticmethod
    def _keys(entry: Coverage) -> set[str]:
        return unpacked(entry.details.get("keys") or {})


def fingerprint(*facts: Json) -> str:
    """A digest of what would be different if anything had changed."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
