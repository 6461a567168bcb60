"""What is noted of a world: repositories, moves of branches, releases, and looks; and what each move deserves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.fakes.github import world as w
from tests.fakes.github.builder import Repo
from tests.fakes.github.change import Change

MONTHS = {
    "2026-10": (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    "2026-11": (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
    "2026-12": (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
}
MET, DEV, NT, NA = "met", "deviation", "not tested", "not applicable"
LETTERS = "ABCDEFGH"
ANY = frozenset({MET, DEV, NT, NA})
_OLD, _DEADLINE = timedelta(days=80), timedelta(days=6)
_LEDGER = timedelta(days=28)
"""So long GitHub keeps its record of bypasses."""
Allowed = frozenset[str]


@dataclass(eq=False)
class Move:
    """One move of a production branch, and how well it was made."""

    ref: str
    sha: str
    at: datetime
    brought: frozenset[str]
    kind: str = "push"
    """push, founding, request, standard, or back: a branch that is merged back."""
    maker: str = ""
    began: datetime | None = None
    """When its request was opened."""
    ticket: str = "none"
    """good, open, late, maker or none."""
    green: bool = False
    text: str = ""
    risky: bool = False
    emergency: bool = False
    approvals: list[datetime] = field(default_factory=list)
    outside: bool = False


@dataclass(eq=False)
class Published:
    """A release: what its tag named when it was published, and what became of it."""

    it: w.Release
    sha: str
    final_from: datetime | None
    moved_at: list[datetime] = field(default_factory=list)
    gone_at: datetime | None = None


@dataclass(eq=False)
class House:
    """One repository, its scope, and what happened in it."""

    repo: Repo
    mode: str
    environments: tuple[str, ...] = ("production",)
    branches: tuple[str, ...] = ("main",)
    paths: bool = False
    moves: list[Move] = field(default_factory=list)
    held: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    waiting: list[tuple[Change, Move]] = field(default_factory=list)
    gates: dict[str, datetime] = field(default_factory=dict)
    """Since when an environment asks somebody."""
    releases: list[Published] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its full name."""
        return self.repo.it.full_name

    def reach(self, tips: Iterable[str]) -> set[str]:
        """Everything that those commits descend from, themselves included."""
        found: set[str] = set()
        waiting = list(tips)
        while waiting:
            sha = waiting.pop()
            if sha not in found:
                found.add(sha)
                waiting += self.repo.it.commits[sha].parents
        return found

    def scope(self) -> str:
        """Its entry in the configuration."""
        paths = ", paths: {exclude: ['docs/**']}" if self.paths else ""
        places = ", ".join(self.environments)
        return f"{{repository: {self.name}, mode: {self.mode}, environments: [{places}], branches: [{', '.join(self.branches)}]{paths}}}"


@dataclass(frozen=True)
class Look:
    """One collection of a month: when, what gates there were, and what the tags named."""

    month: str
    at: datetime
    gated: dict[str, frozenset[str]]
    """By repository, the environments that asked somebody then."""
    tags: dict[int, str]
    """By the id of a release that was there and final."""

    @property
    def early(self) -> bool:
        """Before the month was over."""
        return self.at < MONTHS[self.month][1]


def one_of(*words: str) -> Allowed:
    """Outcomes that may be right."""
    return frozenset(words)


def approval(one: Move, seen: datetime, start: datetime) -> Allowed:
    """Attribute D of a move for what began then, without any gate."""
    if one.kind == "standard":
        return one_of(MET, NT)
    if one.kind == "back":
        return one_of(MET, DEV, NT)
    if one.kind != "request":
        return one_of(DEV)
    in_time = [at for at in one.approvals if at < start]
    if in_time and in_time[0] <= seen:
        return one_of(MET)
    approved = any(at < one.at for at in one.approvals)
    return one_of(NT) if not approved and seen < start else one_of(DEV)


def verdicts(one: Move, seen: datetime) -> dict[str, Allowed]:
    """Attributes A, B, C, E, F and G of a move, as they stood when somebody looked."""
    late = one_of(NT) if seen - (one.began or one.at) > _OLD else frozenset()
    tested = one_of(MET) if one.green else one_of(DEV)
    if one.kind == "standard":
        # Whether all pushes to its branch were by the machine is not always told.
        found = {"A": one_of(MET, NT), "C": one_of(NA, NT), "E": one_of(MET), "F": one_of(NA), "G": one_of(MET)}
        late = one_of(NT)
    elif one.kind == "back":
        some = one_of(MET, DEV, NT)
        found = {"A": some, "C": some, "E": some, "F": one_of(NA, NT, DEV), "G": one_of(MET)}
    elif one.kind != "request":
        found = dict.fromkeys("ACEFG", one_of(DEV))
        tested = ANY if one.kind == "founding" else tested
    else:
        found = _of_request(one, seen)
    return {
        **found,
        "B": tested | late,
        "E": found["E"] | late,
        "F": found["F"] | (one_of(NT) if seen - one.at >= _LEDGER and found["F"] == {NA} else late),
    }


def _of_request(one: Move, seen: datetime) -> dict[str, Allowed]:
    told = one.text == "answered" or (one.text == "whole" and not one.risky)
    found = {"A": one_of(MET) if one.ticket == "good" else one_of(DEV), "G": one_of(MET) if told else one_of(DEV)}
    before = any(at < one.at for at in one.approvals)
    fine = before and one.green
    reviewed = one_of(MET) if before else one_of(DEV)
    if not one.emergency:
        return found | {
            "C": reviewed,
            "E": one_of(MET) if fine else one_of(DEV),
            "F": one_of(NA) if fine else one_of(DEV),
        }
    if fine:
        return found | dict.fromkeys("CEF", one_of(MET))
    after = [at for at in one.approvals if one.at < at <= seen]
    if after and after[0] - one.at < _DEADLINE:
        return found | {"C": reviewed if before else one_of(NA), "E": one_of(MET), "F": one_of(MET)}
    pending = one_of(NT) if seen - one.at < _DEADLINE else frozenset()
    apart = one_of(MET) if before else one_of(MET, DEV) if after else one_of(DEV) | pending
    failed = pending if seen - one.at < timedelta(days=1, hours=12) else pending | {DEV}
    return found | {"C": reviewed | (pending if not before else frozenset()), "E": apart, "F": failed}


def succeeded(one: w.Deployment) -> datetime | None:
    """When it succeeded first."""
    return next((status.at for status in one.statuses if status.state == "success"), None)


def began(one: w.Deployment) -> datetime:
    """When it began."""
    return next((status.at for status in one.statuses if status.state == "in_progress"), one.at)
