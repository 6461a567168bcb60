"""What every test of the vault needs: an origin, a period, a clock that ticks, and a way to fill a vault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from soc2ev.model import Coverage
from soc2ev.period import Period
from soc2ev.vault import Writer

ORIGIN = "soc2ev/acme/evidence"
OCTOBER = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), "2026-10")


class Clock:
    """Each look is a millisecond after the one before; tests may set it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 10, 31, 23, 59, 59, 994_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


def fill(vault: Writer, bodies: list[bytes]) -> None:
    """Put each body into the stream `git:a:commits` and claim to be complete."""
    for body in bodies:
        vault.put(body, source="git", stream="git:a:commits", request={"method": "run"}, count=1)
    vault.state(Coverage("git:a:commits", OCTOBER, len(bodies), len(bodies), complete=True))
