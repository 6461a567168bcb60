"""A repository that is being collected, and what its streams come to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.model import Coverage, Json

if TYPE_CHECKING:
    from soc2ev.period import Period

POPULATION = (
    "activity",
    "heads",
    "commits",
    "merged",
    "pull-requests",
    "checks",
    "deployments",
    "releases",
    "rule-suites",
)
"""The streams of each repository that tell what happened in a period."""
SNAPSHOTS = (
    "settings:rules",
    "settings:environments",
    "settings:permissions",
    "settings:settings",
    "settings:capabilities",
)
"""The streams of each repository that tell how it is governed when it is collected."""
STREAMS = (*POPULATION, *SNAPSHOTS)
"""All of them, in the order in which they are stated."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as GitHub described it at the start of the collection."""

    name: str
    """Full name as it was asked for: what every row says."""
    current: str
    """Full name now."""
    default: str | None
    """Default branch; None when it is empty."""
    tip: str | None
    branches: tuple[str, ...]
    """Production branches."""
    fingerprint: str
    """Changes whenever anything that is collected may have changed; empty when that cannot be told."""
    created_at: datetime
    seen_at: datetime
    """The server's time of that description."""
    warnings: tuple[str, ...] = ()
    environments: tuple[str, ...] = ("production",)
    """Names or globs of its production environments."""
    delivers: bool = False
    """Its deployments are the changes."""

    def stream(self, name: str) -> str:
        """The full name of one of its streams."""
        return f"github:{self.name}:{name}"

    @property
    def variables(self) -> dict[str, Json]:
        """Owner and name, for a GraphQL document."""
        owner, _, name = self.current.partition("/")
        return {"owner": owner, "name": name}

    @property
    def path(self) -> str:
        """Where its REST interface begins."""
        return f"/repos/{self.current}"


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

    def add(self, *, expected: int = 0, fetched: int = 0) -> None:
        """So many more were expected or obtained."""
        with self._lock:
            self.expected = self.expected + expected if self.expected is not None else expected or None
            self.fetched += fetched

    def lacks(self, reason: str) -> None:
        """Something is missing, and why."""
        with self._lock:
            if reason not in self.reasons:
                self.reasons.append(reason)

    def failed(self, problem: CollectError, what: str = "") -> None:
        """Something is missing since a question failed."""
        said = explain(problem)
        with self._lock:
            self.denied = self.denied or isinstance(problem, AccessError)
        self.lacks(f"{what}: {said}" if what else said)

    def claim(self, repository: Repository, period: Period) -> Coverage:
        """The coverage that it amounts to: complete without a reason and with all that was expected."""
        reasons = list(self.reasons)
        if not reasons and self.expected not in (None, self.fetched):
            reasons.append(f"{self.fetched} of {self.expected} were obtained")
        scope = {"repository": repository.name, **({"access": "missing"} if self.denied else {})}
        return Coverage(
            stream=repository.stream(self.stream),
            period=period,
            expected=self.expected,
            fetched=self.fetched,
            complete=not reasons,
            reason=shorten(reasons) or None,
            scope=scope,
            details=self.details,
        )


Tallies = Mapping[str, Tally]
"""A tally for each stream of a repository, so that none is left unstated."""


def tallies() -> Tallies:
    """Nothing collected yet."""
    return {name: Tally(name) for name in STREAMS}


def explain(problem: CollectError) -> str:
    """Message and hint as one sentence, for the reason of a coverage."""
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message


def shorten(reasons: Iterable[str]) -> str:
    """All reasons in one text; beyond twenty only their number."""
    found = list(dict.fromkeys(reasons))
    more = [f"and {len(found) - 20} more"] if len(found) > 20 else []  # noqa: PLR2004  what a person reads
    return "; ".join([*found[:20], *more])
