"""What came of each question of a manifest, and what expressions see of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from soc2ev.model import Json
from soc2ev.sources.logs.expressions import Expression
from soc2ev.sources.logs.manifest import Request


class State(StrEnum):
    """How a question ended."""

    OK = "ok"
    ABSENT = "absent"
    """The system says that it is not configured: a known no."""
    UNKNOWN = "unknown"
    """Refused, failed, or not asked because something before it failed."""
    CUT = "cut"
    """The list did not end where we stopped: what came is true, and there is more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question, or the one about one element, ended."""

    request: str
    state: State
    about: Json = None
    """The element of `for_each`; None for a request without."""
    value: Json = None
    reason: str = ""
    denied: bool = False
    """Whether the reason is a missing right."""
    bodies: tuple[str, ...] = ()
    """Digests of the stored pages, in order."""

    def as_json(self) -> dict[str, Json]:
        """Without the value, which is in the bodies."""
        made = {"request": self.request, "state": str(self.state), "for": self.about, "reason": self.reason}
        return {**made, "denied": self.denied, "bodies": list(self.bodies)}


@dataclass(frozen=True, slots=True)
class _Listed:
    """Outcomes as rows, by element, and why some are not known."""

    rows: list[Json]
    index: Mapping[str, Outcome]
    doubts: list[str]


def _spelled(about: Json) -> str:
    return json.dumps(about, sort_keys=True)


@dataclass
class Answers:
    """The outcomes of a run of a manifest, in the order in which they came."""

    requests: Mapping[str, Request]
    settings: Mapping[str, Json]
    peers: Mapping[str, Json]
    now: str
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    period: Mapping[str, str] = field(default_factory=dict)
    """`start` and `end` as ISO 8601 in UTC, for questions about a period; empty for others."""
    _ready: dict[str, _Listed] = field(default_factory=dict, repr=False)

    def add(self, name: str, outcomes: Iterable[Outcome]) -> None:
        """The outcomes of a request; one for each element when it has for_each."""
        self.outcomes[name] = list(outcomes)

    def surroundings(self, extra: Mapping[str, Json], joined: Mapping[str, Outcome | None]) -> dict[str, Json]:
        """What expressions see: answers by request, settings, peers, and `extra`; of joined requests one answer."""
        seen: dict[str, Json] = {"config": self.settings, "peers": self.peers, "partial": {}}
        seen |= {"period": dict(self.period)} if self.period else {}
        for name, request in self.requests.items():
            if not request.for_each:
                found = self.outcomes.get(name)
                seen[name] = found[0].value if found else None
                continue
            seen["partial"][name] = self._listed(name).rows
            one = joined.get(name)
            seen[name] = (one.value if one else None) if name in joined else self._listed(name).rows
        return {**seen, **extra}

    def _listed(self, name: str) -> _Listed:
        """The outcomes of a request with for_each, made ready once: a record of thousands asks for them as often."""
        found = self.outcomes.get(name, [])
        known = self._ready.get(name)
        if known is None or len(known.rows) != len(found):
            known = self._ready[name] = _Listed(
                [
                    {"for": one.about, "state": str(one.state), "answer": one.value, "reason": one.reason}
                    for one in found
                ],
                {_spelled(one.about): one for one in reversed(found)},
                list(dict.fromkeys(f"{name}: {one.reason}" for one in found if one.state is State.UNKNOWN)),
            )
        return known

    def doubts(self, names: Iterable[str], joined: Mapping[str, Outcome | None]) -> list[str]:
        """Why facts that need these requests are not known; empty when they are."""
        found: list[str] = []
        for name in names:
            if name not in self.requests:
                continue
            if name in joined:
                one = joined[name]
                found += [f"{name}: {one.reason}"] if one and one.state is State.UNKNOWN else []
            elif name not in self.outcomes:
                found.append(f"{name}: was not asked")
            else:
                found += self._listed(name).doubts
        return list(dict.fromkeys(found))

    def joined(self, joins: Mapping[str, str], extra: Mapping[str, Json]) -> dict[str, Outcome | None]:
        """For each joined request the outcome about the element that the expression names; None when it names none."""
        found: dict[str, Outcome | None] = {}
        surroundings = self.surroundings(extra, {}) if joins else {}
        for name, text in joins.items():
            wanted = Expression(text).value(surroundings, self.now)
            index = self._listed(name).index
            # Under null stands why nothing, or not everything, was asked about.
            instead = index.get(_spelled(None)) or Outcome(name, State.UNKNOWN, reason="it was not asked about")
            found[name] = None if wanted is None else index.get(_spelled(wanted), instead)
        return found

    @property
    def failures(self) -> list[Outcome]:
        """What is not known or cut short."""
        return [one for found in self.outcomes.values() for one in found if one.state in (State.UNKNOWN, State.CUT)]
