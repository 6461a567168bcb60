"""The optional parts of questions that a token may be refused."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from soc2ev.sources.github import fragments
from soc2ev.sources.github.claims import Tallies
from soc2ev.sources.github.refusals import refused

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer

SAYS = {
    fragments.CHECKS: "GitHub refuses to show checks to this token, which needs Checks and Commit statuses (read)",
    fragments.RUNS: "GitHub refuses to show workflow runs to this token, which needs Actions (read)",
    fragments.STATUSES: "GitHub refuses to show commit statuses to this token, which needs Commit statuses (read)",
    fragments.PUSHES: "GitHub refuses to show the check suites of commits to this token, which needs Checks (read)",
    fragments.ISSUES: "GitHub refuses to show issues to this token, which needs Issues (read)",
}
"""What each optional part costs when it is refused."""


class Capabilities:
    """The optional parts that a token has been granted so far in one repository; they only ever become fewer."""

    def __init__(self, granted: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self.granted = frozenset(granted)

    def narrow(self, answer: GraphAnswer, tallies: Tallies) -> None:
        """Leave out from now on what an answer refused."""
        with self._lock:
            lost = refused(answer) & self.granted
            self.granted -= lost
        for part in sorted(part for part in lost if part):
            self.say(part, tallies)

    def say(self, part: str, tallies: Tallies) -> None:
        """State what the missing part costs."""
        tally = tallies["pull-requests" if part == fragments.ISSUES else "checks"]
        tally.denied = True
        tally.lacks(SAYS[part])

    @property
    def reason(self) -> str | None:
        """Why the checks of commits are not whole, for their rows; None when the token may see them."""
        return None if fragments.CHECKS in self.granted else SAYS[fragments.CHECKS]
