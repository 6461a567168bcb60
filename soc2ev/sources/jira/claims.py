"""What the streams of one site come to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.model import Coverage, Json
from soc2ev.sources.jira import shapes
from soc2ev.sources.jira.agreement import Told

if TYPE_CHECKING:
    from soc2ev.period import Period

STREAMS = ("site", "tickets", "histories", "approvals")
"""The streams of each site, in the order in which they are stated."""
_MOST = 20
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that was told, as far as the collection has to know it."""

    id: str
    key: str
    project: str | None
    told: Told
    """What its history has to agree with."""


@dataclass
class Tally:
    """What one stream came to so far; safe to add to from several threads."""

    stream: str
    expected: int | None = None
    fetched: int = 0
    reasons: list[str] = field(default_factory=list)
    details: dict[str, Json] = field(default_factory=dict)
    denied: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, rows: int) -> None:
        """So many rows were obtained."""
        with self._lock:
            self.fetched += rows

    def lacks(self, reason: str) -> None:
        """Something is missing, and why."""
        with self._lock:
            if reason not in self.reasons:
                self.reasons.append(reason[:_LONGEST])

    def failed(self, problem: CollectError, what: str = "") -> None:
        """Something is missing since a question failed."""
        with self._lock:
            self.denied = self.denied or isinstance(problem, AccessError)
        said = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        self.lacks(f"{what}: {said}" if what else said)

    @contextmanager
    def guard(self, what: str = "") -> Iterator[None]:
        """A failure of what is done inside is stated, and the rest goes on."""
        try:
            yield
        except CollectError as problem:
            self.failed(problem, what)

    def claim(self, stream: str, site: str, period: Period) -> Coverage:
        """The coverage that it amounts to, under the full name of the stream."""
        reasons = list(dict.fromkeys(self.reasons))
        if not reasons and self.expected not in (None, self.fetched):
            reasons.append(f"{self.fetched} of {self.expected} were obtained")
        more = [f"and {len(reasons) - _MOST} more"] if len(reasons) > _MOST else []
        scope = {"site": site, **({"access": "missing"} if self.denied else {})}
        said = "; ".join([*reasons[:_MOST], *more])
        return Coverage(stream, period, self.expected, self.fetched, not said, said or None, scope, self.details)


Tallies = Mapping[str, Tally]
"""A tally for each stream of a site, so that none is left unstated."""


def tallies() -> Tallies:
    """Nothing collected yet."""
    return {name: Tally(name) for name in STREAMS}


def tickets_of(values: Iterable[Json]) -> list[Ticket]:
    """The tickets of an answer whose rows were counted. CollectError for what no row holds and has an odd form."""
    try:
        return [_ticket(value) for value in values]
    except (AttributeError, KeyError, TypeError) as problem:
        raise CollectError(f"a ticket is not understood: {problem!r}"[:300], hint="the answer is stored") from None


def _ticket(value: Json) -> Ticket:
    fields = value["fields"]
    status = (shapes.text(fields["status"].get("id", "")), fields["status"].get("name"))
    times = (shapes.dated(fields, name) for name in ("created", "updated", "resolutiondate"))
    told, project = Told(status, *times), (fields.get("project") or {}).get("key")
    return Ticket(shapes.text(value["id"]), value["key"], project, told)
