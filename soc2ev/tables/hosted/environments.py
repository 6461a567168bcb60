"""
Which production environment asked somebody to approve when something was deployed to it.

GitHub tells how an environment is set when it is asked, and when it was changed last. The first reading after a
deployment is the nearest to what was; where the environment was changed between, an earlier one can contradict it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json

BEFORE = "read before"
"""The detail of a coverage that holds what earlier collections read, oldest first."""


@dataclass(frozen=True, slots=True)
class Place:
    """An environment in one reading."""

    asks: bool
    changed: datetime | None
    """When it, or what protects it, was changed last; None when that is not told."""


@dataclass(frozen=True, slots=True)
class _Reading:
    at: datetime
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Environments:
    """The production environments of one repository, by every whole reading that counts, oldest first."""

    readings: Sequence[_Reading] = ()
    """Empty when they could not be read."""

    @property
    def gated(self) -> bool | None:
        """Whether any asks somebody to approve, or did; None when that could not be read."""
        if not self.readings:
            return None
        return any(place.asks for one in self.readings for place in one.places.values())

    def asked(self, name: str, at: datetime) -> bool | None:
        """Whether that environment asked somebody at that time; None when nobody can tell."""
        then, now = self._around(name, at)
        if now is not None and now.changed is not None and now.changed <= at:
            return now.asks
        told = {place.asks for place in (then, now) if place is not None}
        return None if now is None or len(told) > 1 else now.asks

    def uncertain(self, name: str, at: datetime) -> bool:
        """Whether its gate may be younger: it was changed after that time, and no reading shows one before."""
        then, now = self._around(name, at)
        if now is None or now.changed is None or now.changed <= at:
            return False
        return then is None or not then.asks

    def _around(self, name: str, at: datetime) -> tuple[Place | None, Place | None]:
        """The environment in the last reading before that time, and in the first after it, else again in the last."""
        before = [one for one in self.readings if one.at < at]
        after = [one for one in self.readings if one.at >= at] or before[-1:]
        return (before[-1].places.get(name) if before else None), (after[0].places.get(name) if after else None)


def of(rows: Iterable[Mapping[str, Json]], coverage: Coverage | None, patterns: Sequence[str]) -> Environments:
    """
    The environments whose names match, by the collection that answers and by what its coverage has of others.

    Without a whole and dated collection nothing is known of any.
    """
    if coverage is None or not coverage.complete or coverage.collected_at is None:
        return Environments()
    now = {row["name"]: Place(bool(row["reviewers"]), row["updated_at"]) for row in rows}
    told = [(datetime.fromisoformat(one["at"]), _places(one["places"])) for one in coverage.details.get(BEFORE, ())]
    told.append((coverage.collected_at, now))
    return Environments([_Reading(at, _matching(places, patterns)) for at, places in told])


def detail(at: datetime, rows: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """One entry of what was read before, from the rows of an earlier collection. ValueError for a time that is none."""
    places = {row["name"]: [bool(row["reviewers"]), row["updated_at"]] for row in rows}
    _places(places)
    return {"at": at.isoformat(), "places": places}


def _places(told: Mapping[str, Sequence[Json]]) -> dict[str, Place]:
    return {name: Place(asks, _instant(at)) for name, (asks, at) in told.items()}


def _instant(text: str | None) -> datetime | None:
    """An instant as GitHub writes it."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} is no instant")
    return at


def _matching(places: Mapping[str, Place], patterns: Sequence[str]) -> dict[str, Place]:
    return {name: one for name, one in places.items() if any(fnmatchcase(name, pattern) for pattern in patterns)}
