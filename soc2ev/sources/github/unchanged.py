"""What is left to collect of a repository, by what earlier runs stated of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from soc2ev.sources.github.claims import POPULATION, SNAPSHOTS, STREAMS, Repository

if TYPE_CHECKING:
    from soc2ev.fetch import Fetch
    from soc2ev.model import Coverage
    from soc2ev.period import Period

_FRESH = timedelta(hours=12)
"""So long settings count as seen just now, where nothing else is to be collected."""


def left(fetch: Fetch, repository: Repository, period: Period) -> tuple[str, ...]:
    """The streams to collect: all, the settings alone, or none."""
    if not _unchanged(fetch, repository, period):
        return STREAMS
    fetch.say(f"github: {repository.name}: unchanged since it was collected")
    return () if _fresh(fetch, repository) else SNAPSHOTS


def _unchanged(fetch: Fetch, repository: Repository, period: Period) -> bool:
    """Whether an earlier run had the whole population after the period had closed, and nothing moved since."""
    runs: list[set[str]] = []
    for stream in POPULATION:
        earlier = fetch.earlier(repository.stream(stream))
        runs.append({entry.run for entry in earlier if _settles(entry, repository, period)})
    return bool(set.intersection(*runs))


def _fresh(fetch: Fetch, repository: Repository) -> bool:
    """Whether an earlier run read all settings a short while ago, by the clock that stamps the vault."""
    runs: list[set[str]] = []
    for stream in SNAPSHOTS:
        earlier = [entry for entry in fetch.earlier(repository.stream(stream)) if entry.complete]
        ages = [(entry.run, fetch.now() - (entry.collected_at or entry.period.start)) for entry in earlier]
        runs.append({run for run, age in ages if abs(age) < _FRESH})
    return bool(set.intersection(*runs))


def _settles(entry: Coverage, repository: Repository, period: Period) -> bool:
    same = (entry.period.start, entry.period.end) == (period.start, period.end)
    seen = entry.details.get("fingerprint") == repository.fingerprint
    refs = entry.details.get("refs") == list(repository.branches)
    return same and seen and repository.fingerprint != "" and refs and entry.complete and not entry.provisional
