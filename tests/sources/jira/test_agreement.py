"""A ticket and its history are answers of their own, and either may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from soc2ev.sources.jira.agreement import Moved, Told, disagreement

MADE = datetime(2026, 10, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN, APPROVED, DONE = "1", "3", "4"
TICKET = Told((APPROVED, "S3"), MADE, MADE + 3 * HOUR, None)


def moved(hours: float, before: str | None, after: str | None, event: str = "10") -> Moved:
    return Moved(MADE + hours * HOUR, event, (before, before and f"S{before}"), (after, after and f"S{after}"))


def said(told: Told, *moves: Moved) -> str | None:
    return disagreement(told, [one.at for one in moves], moves)


def test_what_agrees() -> None:
    """No change at all, changes that follow one another to the status that it has, and any after it was read."""
    assert said(TICKET) is None
    assert said(TICKET, moved(2, DONE, APPROVED), moved(1, OPEN, DONE)) is None
    assert said(TICKET, moved(1, OPEN, APPROVED), moved(4, APPROVED, DONE)) is None


def test_changes_at_one_instant_follow_their_numbers() -> None:
    """Automation makes several at once; their numbers say which came first."""
    assert said(TICKET, moved(1, DONE, APPROVED, "10"), moved(1, OPEN, DONE, "9")) is None
    assert said(TICKET, moved(1, DONE, APPROVED, "9"), moved(1, OPEN, DONE, "10")) is not None


def test_statuses_that_are_told_oddly() -> None:
    """A status that was renamed, ids that mean nothing and ids that are left out contradict nothing."""
    renamed = Moved(MADE + 2 * HOUR, "11", (DONE, "Ready"), (APPROVED, "Approved"))
    assert said(TICKET, moved(1, OPEN, DONE), renamed) is None
    alike = [Moved(MADE + n * HOUR, str(n), ("7", a), (APPROVED, b)) for n, (a, b) in enumerate(("ab", "bc"), 1)]
    assert said(TICKET, *alike) is None
    without = Moved(MADE + HOUR, "11", (None, "Open"), (None, "Done"))
    assert said(TICKET, without, moved(2, DONE, APPROVED)) is None


def test_tickets_that_were_moved_to_another_site() -> None:
    """Histories keep the ids of the site that they come from, or have none: the name says which status it is."""
    here = Told(("10004", "S3"), MADE, MADE + 3 * HOUR, None)
    assert said(here, moved(1, OPEN, APPROVED)) is None
    without = Moved(MADE + HOUR, "11", (None, "Open"), (None, "S3"))
    assert said(TICKET, without) is None
    assert said(TICKET, Moved(MADE + HOUR, "11", (None, "Open"), (None, "S4"))) is not None


def test_what_was_resolved_later_changed() -> None:
    """A ticket that was created as resolved need not have changed."""
    made = [Told((DONE, "S4"), MADE, None, MADE + hours * HOUR).resolved_later for hours in (0, 1)]
    assert [False, True] == [*made]


@pytest.mark.parametrize(
    ("told", "moves", "about"),
    [
        (TICKET, [moved(1, OPEN, DONE)], "does not lead to"),
        (TICKET, [moved(1, OPEN, DONE), moved(2, OPEN, APPROVED)], "do not follow one another"),
        (TICKET, [moved(-48, OPEN, APPROVED)], "before it was created"),
    ],
    ids=["another status", "a change left out", "before its time"],
)
def test_what_disagrees(told: Told, moves: list[Moved], about: str) -> None:
    """Each contradiction is told in words."""
    assert about in (said(told, *moves) or "")
