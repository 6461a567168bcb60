"""
What to run when, from the claims in the vault and the clock: the rules are those by which an auditor takes evidence.

A population is complete only after its period has closed. How something is configured can be seen only while the
period is open; nobody can go back. So the state over a period is an observation inside it, and the record of what
changed to its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.period import Period

# What happened in the last minutes reaches the interfaces of GitHub and Jira a little later; neither says how much.
_LAG = timedelta(hours=1)
_SETTINGS = {"rules", "environments", "permissions", "settings"}
_LOGS = "sources"
"""The stream that says how a log platform is set."""
_MOST = 3
"""Names that a line lists before it only counts."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What is still to be done for a period, and what can no longer be done."""

    period: Period
    open: bool
    """The period has not ended yet."""
    complete_from: datetime
    """When a collection can be complete: the period's end, and the time that the sources' records may lag."""
    settled: bool
    """Its populations were collected after it had closed, as far as they were collected at all."""
    unseen: tuple[tuple[str, tuple[str, ...]], ...]
    """Repositories and log platforms with the settings of theirs that no collection saw whole inside the period."""
    observed: bool
    """There are settings to observe, and all were, inside the period."""
    expiring: tuple[str, ...]
    """When sources delete what was not collected yet, in their words; empty once it was collected."""

    def lines(self) -> list[str]:
        """The same in a few sentences."""
        return [*self._of_population(), *self._of_settings(), *(f"evidence expires: {one}" for one in self.expiring)]

    def as_json(self) -> dict[str, Json]:
        """The same as JSON values."""
        return {
            "open": self.open,
            "complete_from": self.complete_from.isoformat().replace("+00:00", "Z"),
            "settled": self.settled,
            "settings_observed": self.observed,
            "settings_not_observed": {repository: list(names) for repository, names in self.unseen},
            "expiring": list(self.expiring),
        }

    def _of_population(self) -> list[str]:
        name, when = self.period.name, f"{self.complete_from:%Y-%m-%d %H:%M}Z"
        if self.open:
            return [f"{name} is open: its population is provisional; collect it again from {when} on"]
        return [] if self.settled else [f"{name} has closed and was collected before that: collect it again now"]

    def _of_settings(self) -> list[str]:
        name = self.period.name
        if self.observed:
            return [f"settings were observed inside {name}, as they have to be"]
        if not self.unseen:
            return []
        named = [f"{repository} ({', '.join(names)})" for repository, names in self.unseen[:_MOST]]
        more = [f"and {len(self.unseen) - _MOST} more"] if len(self.unseen) > _MOST else []
        said = f"settings not observed whole inside {name}: {', '.join([*named, *more])}"
        if self.open:
            return [f"{said}; collect before {self.period.end:%Y-%m-%d %H:%M}Z, afterwards it is too late"]
        return [f"{said}; that can no longer be had, and a scheduled run each month prevents it"]


def timing(coverages: Iterable[Coverage], period: Period, now: datetime) -> Timing:
    """What the claims of all runs mean for the period at that moment."""
    claims = list(coverages)
    here = [one for one in claims if (one.period.start, one.period.end) == (period.start, period.end)]
    seen: dict[str, set[str]] = defaultdict(set)
    for one in claims:
        if one.complete and one.collected_at and period.contains(one.collected_at) and _setting(one):
            seen[_home(one)].add(_last(one))
    wanted = {_home(one): _SETTINGS for one in here if one.stream.startswith("github:") and "repository" in one.scope}
    wanted |= {_home(one): {_LOGS} for one in here if _of_logs(one)}
    unseen = {name: tuple(sorted(wanted[name] - seen[name])) for name in sorted(wanted)}
    return Timing(
        period=period,
        open=now < period.end,
        complete_from=period.end + _LAG,
        settled=_settled(here),
        unseen=tuple((name, missing) for name, missing in unseen.items() if missing),
        observed=bool(wanted) and not any(unseen.values()),
        expiring=_expiring(here),
    )


def _settled(here: Iterable[Coverage]) -> bool:
    """Whether every stream that tells what happened has a collection from after the close."""
    late: dict[str, bool] = defaultdict(bool)
    for one in here:
        if not _setting(one):
            late[one.stream] |= not one.provisional
    return all(late.values())


def _expiring(here: Iterable[Coverage]) -> tuple[str, ...]:
    """Warnings of the settings about repositories whose checks were not yet collected whole after the close."""
    claims = list(here)
    safe = {
        one.scope.get("repository") for one in claims if _last(one) == "checks" and one.complete and not one.provisional
    }
    told = [
        str(warning)
        for one in claims
        if _of_repository(one) and one.scope["repository"] not in safe
        for warning in one.details.get("warnings") or ()
        if "are deleted on" in str(warning)
    ]
    return tuple(dict.fromkeys(told))


def _setting(one: Coverage) -> bool:
    return _of_logs(one) or _of_repository(one)


def _of_repository(one: Coverage) -> bool:
    return one.stream.startswith("github:") and ":settings:" in one.stream and "repository" in one.scope


def _of_logs(one: Coverage) -> bool:
    return one.stream.startswith("logs:") and one.stream.endswith(f":{_LOGS}")


def _home(one: Coverage) -> str:
    """The repository, or the connector and name of a log platform."""
    return one.stream.removeprefix("logs:").removesuffix(f":{_LOGS}") if _of_logs(one) else one.scope["repository"]


def _last(one: Coverage) -> str:
    return one.stream.rpartition(":")[2]


__all__ = ["Timing", "timing"]
