"""
Who may ask, and when: one governor for all threads.

A source that limits us limits the credential, not the thread: when one is told to wait, all wait. GitHub's guide to its
secondary limits says that clients which go on asking may be banned.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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


@dataclass(slots=True)
class _Place:
    """What is known of one origin with one credential."""

    free: threading.Condition
    workers: int
    asking: int = 0
    until: datetime = _LONG_AGO
    why: str = ""
    said: datetime | None = None
    allowed: int = field(init=False)
    calm: datetime = _LONG_AGO
    strikes: int = 0

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
        self._lock = threading.Lock()
        self._places: dict[Hashable, _Place] = {}

    @contextmanager
    def turn(self, key: Hashable, source: str) -> Iterator[None]:
        """
        A turn to ask: when no wait is on and fewer than the allowed workers are asking.

        CollectError, and no turn, when the wait is longer than 15 minutes.
        """
        place = self._place(key)
        self._take(place, source)
        try:
            yield
        finally:
            with self._lock:
                place.asking -= 1
                place.free.notify_all()

    def heed(self, key: Hashable, exchange: Exchange, verdict: Verdict) -> None:
        """Take from an answer how long everybody has to wait, and how many may ask after that."""
        place, now = self._place(key), self.now()
        pause = told(exchange.headers, now)
        with self._lock:
            if verdict.kind is Kind.SECONDARY:
                # Several that were on their way get the same answer; it is one limit.
                if now >= place.until:
                    place.allowed, place.calm = max(self._allowed(place, now) // 2, 1), now + _CALM
                    place.strikes += 1
                pause = pause or float(_SECONDARY_WAIT * 2 ** (place.strikes - 1))
            elif verdict.kind is Kind.WHOLE:
                place.strikes = 0
            why = Kind.PRIMARY if exhausted(exchange.headers) and not verdict.limit else verdict.says
            if verdict.kind is Kind.PRIMARY and pause is None:
                pause = float(_SECONDARY_WAIT)
            heeded = verdict.kind in _ASKING or exhausted(exchange.headers)
            if heeded and pause is not None and now + timedelta(seconds=pause) > place.until:
                place.until, place.why = now + timedelta(seconds=pause), str(why)

    def pause(self, source: str, why: str, seconds: float) -> None:
        """Wait on one's own, and say so."""
        self._say(_waiting(source, why, self.now() + timedelta(seconds=seconds)))
        self._sleep(seconds)

    def _place(self, key: Hashable) -> _Place:
        with self._lock:
            if key not in self._places:
                self._places[key] = _Place(threading.Condition(self._lock), self._workers)
            return self._places[key]

    def _take(self, place: _Place, source: str) -> None:
        while True:
            with self._lock:
                now = self.now()
                wait = (place.until - now).total_seconds()
                if wait <= 0:
                    if place.asking < self._allowed(place, now):
                        place.asking += 1
                        return
                    place.free.wait()
                    continue
                until, why = place.until, place.why
                news, place.said = place.said != until, until
            if wait > _MAX_WAIT:
                raise CollectError(
                    f"{source}: {why}; the limit lasts until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
                    hint="what arrived is stored; collect again after that time to continue",
                )
            if news:
                self._say(_waiting(source, why, until))
            self._sleep(wait)

    @staticmethod
    def _allowed(place: _Place, now: datetime) -> int:
        if now >= place.calm:
            place.allowed = place.workers
        return place.allowed


def _waiting(source: str, why: str, until: datetime) -> str:
    return f"{source}: {why}: waiting until {until.astimezone(UTC):%H:%M:%S} UTC"
