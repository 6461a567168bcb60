"""When the server held a commit, and who pushed it, as far as its records tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.tables.facts.evidence import Account, Commit


class Receipt:
    """When the server held a commit at the latest, and since when exactly, as far as records tell."""

    def __init__(self) -> None:
        self.exact: datetime | None = None
        self.close: datetime | None = None
        self.bound: datetime | None = None
        self.pushers: dict[int | str, Account] = {}
        self._held: dict[int | str, set[str]] = defaultdict(set)
        """By pusher what the branch held before, where a record tells."""

    def exactly(self, at: datetime | None, who: Account | None, before: str | None = None) -> None:
        """A record of the push itself."""
        self.exact = _earlier(self.exact, at)
        self._pushed_by(who, before)

    def at_most(self, at: datetime | None, who: Account | None, before: str | None = None, *, close: bool) -> None:
        """A check suite: made when a push starts a workflow (`close`), but other Apps make theirs at any later time."""
        self.bound = _earlier(self.bound, at)
        if close:
            self.close = _earlier(self.close, at)
        self._pushed_by(who, before)

    def time(self, approvals: Iterable[datetime]) -> datetime | None:
        """When the server first held it; a mere upper bound only where it lies before every approval."""
        if found := _earlier(self.exact, self.close):
            return found
        approved = list(approvals)
        return self.bound if self.bound and approved and self.bound <= min(approved) else None

    def updaters(self, merge: Commit) -> Mapping[int | str, Account]:
        """Of its pushers those who pushed that merge and nothing besides: the branch held its first parent before."""
        only = {key for key, held in self._held.items() if held == {merge.parents[0]}}
        return {key: who for key, who in self.pushers.items() if key in only}

    def _pushed_by(self, who: Account | None, before: str | None) -> None:
        if who and who.number is not None:
            self.pushers[who.number] = who
            if before:
                self._held[who.number].add(before)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at), default=None)
