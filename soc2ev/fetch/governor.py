"""
Who may ask, and when: one governor for all threads.

A source that limits us limits the credential, not the thread: when one is told to wait, all wait. GitHub's guide to its
secondary limits says that clients which go on asking may be banned. Only a primary limit that names its resource
(core, graphql, search ...) holds nobody back who asks for another one: each has a budget of its own.
"""

from __future__ import annotations

import copy
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch.trouble import Kind, exhausted, told

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from soc2ev.fetch.exchange import Exchange
    from soc2ev.fetch.trouble import Verdict

_MAX_WAIT = 900
_SECONDARY_WAIT = 60
"""GitHub, "Rate limits for the REST API": without a header wait at least one minute, then longer each time."""
_ASKING = (Kind.PRIMARY, Kind.SECONDARY, Kind.TROUBLE, Kind.LARGE)
"""With these, `Retry-After` holds everybody back; beside any other answer it means nothing (RFC 9110, 10.2.3)."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_CALM = timedelta(minutes=10)
"""How long fewer workers ask after a secondary limit."""
_ALL = ""
"""Not one resource but all of them."""
_AHEAD, _USUAL, _BEHIND = range(3)
_KEPT_SECONDS = 0.05
"""So long the place of a question that goes ahead is kept for the next of its chain."""
_SHARED = 2
"""So many places are kept for nobody."""


@dataclass(slots=True)
class _Pause:
    """Until when nobody asks, and why."""

    until: datetime = _LONG_AGO
    why: str = ""
    said: datetime | None = None


@dataclass(slots=True)
class _Place:
    """What is known of one origin with one credential."""

    workers: int
    asking: int = 0
    waiting: set[tuple[int, int]] = field(default_factory=set)
    """Those who wait for a turn, by how soon they go."""
    pauses: dict[str, _Pause] = field(default_factory=dict)
    """By resource."""
    allowed: int = field(init=False)
    calm: datetime = _LONG_AGO
    strikes: int = 0
    kept: list[float] = field(default_factory=list)
    """Until when places are kept for chains that go ahead, by the clock of `time.monotonic`."""

    def __post_init__(self) -> None:
        self.allowed = self.workers


class Governor:
    """Gives turns. Keys are whatever tells origins and credentials apart."""

    def __init__(
        self,
        workers: int,
        say: Callable[[str], None],
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
    ) -> None:
        self._workers, self._say, self._sleep, self.now = workers, say, sleep, now
        self._free = threading.Condition()
        self._places: dict[Hashable, _Place] = {}
        self._came, self._order, self._waited = count(), threading.local(), threading.local()
        self._resource = _ALL

    def about(self, resource: str) -> Governor:
        """The same governor, for questions that count against that resource's limit."""
        other = copy.copy(self)
        other._resource = resource  # noqa: SLF001  another view of the same
        return other

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Within it, this thread's questions go before those of others that wait, one right after another."""
        with self._in_order(_AHEAD):
            yield

    @contextmanager
    def behind(self) -> Iterator[None]:
        """Within it, this thread's questions go after those of others that wait for a turn."""
        with self._in_order(_BEHIND):
            yield

    @contextmanager
    def _in_order(self, order: int) -> Iterator[None]:
        before, self._order.of = self._mine, order
        try:
            yield
        finally:
            self._order.of = before

    @property
    def _mine(self) -> int:
        """How soon this thread goes."""
        return int(getattr(self._order, "of", _USUAL))

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What this thread does within it is no work but waiting for others, as `waited` tells."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._waited.seconds = self.waited + time.monotonic() - began

    @property
    def waited(self) -> float:
        """The seconds that this thread has waited so far."""
        return float(getattr(self._waited, "seconds", 0.0))

    @contextmanager
    def turn(self, key: Hashable, source: str) -> Iterator[None]:
        """
        A turn to ask: when no wait is on and fewer than the allowed workers are asking, of this place and of all.

        CollectError, and no turn, when the wait is longer than 15 minutes.
        """
        place = self._place(key)
        with self.waiting():
            self._take(place, source)
        try:
            yield
        finally:
            with self._free:
                place.asking -= 1
                self._keep(place)
                self._free.notify_all()

    def heed(self, key: Hashable, exchange: Exchange, verdict: Verdict) -> None:
        """Take from an answer how long everybody has to wait, and how many may ask after that."""
        place, now = self._place(key), self.now()
        pause = told(exchange.headers, now, spent=verdict.kind is Kind.PRIMARY)
        with self._free:
            if verdict.kind is Kind.SECONDARY:
                # Several that were on their way get the same answer; it is one limit.
                if now >= place.pauses.setdefault(_ALL, _Pause()).until:
                    place.allowed, place.calm = max(self._allowed(place, now) // 2, 1), now + _CALM
                    place.strikes += 1
                pause = pause or float(_SECONDARY_WAIT * 2 ** (place.strikes - 1))
            elif verdict.kind is Kind.WHOLE:
                place.strikes = 0
            why = Kind.PRIMARY if exhausted(exchange.headers) and not verdict.limit else verdict.says
            if verdict.kind is Kind.PRIMARY and pause is None:
                pause = float(_SECONDARY_WAIT)
            heeded = verdict.kind in _ASKING or exhausted(exchange.headers)
            if heeded and pause is not None:
                for name in self._held(exchange, verdict):
                    held = place.pauses.setdefault(name, _Pause())
                    if now + timedelta(seconds=pause) > held.until:
                        held.until, held.why = now + timedelta(seconds=pause), str(why)

    def _held(self, exchange: Exchange, verdict: Verdict) -> set[str]:
        """
        The resources that a limit is about: the one that the answer names, and what we took the question for.

        https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit
        """
        named = exchange.headers.get("x-ratelimit-resource", "").strip()
        spent = verdict.kind is Kind.PRIMARY or exhausted(exchange.headers)
        primary = spent and "retry-after" not in exchange.headers
        return {named, self._resource} if named and primary and verdict.kind is not Kind.SECONDARY else {_ALL}

    def pause(self, source: str, why: str, seconds: float) -> None:
        """Wait on one's own, and say so."""
        self._say(_waiting(source, why, self.now() + timedelta(seconds=seconds)))
        self._sleep(seconds)

    def _place(self, key: Hashable) -> _Place:
        with self._free:
            return self._places.setdefault(key, _Place(self._workers))

    def _take(self, place: _Place, source: str) -> None:
        """Come to a turn: those ahead first, those behind last, else in the order in which they came."""
        mine = (self._mine, next(self._came))
        while (pause := self._queue(place, mine)) is not None:
            self._sit_out(pause, source)

    def _queue(self, place: _Place, mine: tuple[int, int]) -> _Pause | None:
        """Wait for a free turn and take it; the pause that has to be waited out instead, when there is one."""
        with self._free:
            place.waiting.add(mine)
            try:
                while (pause := self._pausing(place)) is None:
                    if min(place.waiting) == mine and self._has_turn(place):
                        place.asking += 1
                        del place.kept[: self._mine == _AHEAD]
                        return None
                    self._free.wait(self._kept_for(place))
                return pause
            finally:
                place.waiting.discard(mine)
                self._free.notify_all()

    def _pausing(self, place: _Place) -> _Pause | None:
        """A copy of the pause that ends last among those that are on."""
        now = self.now()
        found = [place.pauses[name] for name in {_ALL, self._resource} if name in place.pauses]
        longest = max((one for one in found if one.until > now), key=lambda one: one.until, default=None)
        if longest is None:
            return None
        kept = copy.copy(longest)
        longest.said = longest.until
        return kept

    def _has_turn(self, place: _Place) -> bool:
        """Whether there is a place; one that is kept for a chain that goes ahead is there for these alone."""
        kept = 0 if self._mine == _AHEAD else self._kept(place)
        everywhere = sum(one.asking for one in self._places.values()) + kept
        return everywhere < self._workers and place.asking + kept < self._allowed(place, self.now())

    def _keep(self, place: _Place) -> None:
        """
        Keep the place of a question that went ahead for the next one of its chain.

        Otherwise those who wait would take it while the answer is read, and the chain would wait after every question.
        """
        if self._mine == _AHEAD and self._kept(place) < self._allowed(place, self.now()) - _SHARED:
            place.kept.append(time.monotonic() + _KEPT_SECONDS)

    @staticmethod
    def _kept(place: _Place) -> int:
        now = time.monotonic()
        place.kept[:] = [until for until in place.kept if until > now]
        return len(place.kept)

    def _kept_for(self, place: _Place) -> float | None:
        """The seconds after which a place is kept no longer; None when none is kept."""
        return max(place.kept[0] - time.monotonic(), 0.001) if self._kept(place) else None

    def _sit_out(self, pause: _Pause, source: str) -> None:
        wait = (pause.until - self.now()).total_seconds()
        if wait > _MAX_WAIT:
            raise CollectError(
                f"{source}: {pause.why}; the limit lasts until {pause.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
                hint="what arrived is stored; collect again after that time to continue",
            )
        if pause.said != pause.until:
            self._say(_waiting(source, pause.why, pause.until))
        if wait > 0:
            self._sleep(wait)

    @staticmethod
    def _allowed(place: _Place, now: datetime) -> int:
        if now >= place.calm:
            place.allowed = place.workers
        return place.allowed


def _waiting(source: str, why: str, until: datetime) -> str:
    return f"{source}: {why}: waiting until {until.astimezone(UTC):%H:%M:%S} UTC"
