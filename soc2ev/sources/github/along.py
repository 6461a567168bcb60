"""
What the first question for the heads of a production ref asks along: small things that are known by then.

These are the checks of commits that were pushed straight to the ref, and what deployed commits build on that landed
after the period. A repository with little in a month has one question less for each. What does not come whole, or is
too much to be asked along, is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.sources.github import ref_documents

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.sources.github.placing import Placing
    from soc2ev.sources.github.tested import Tested

_MOST = 20
"""Of either, so that the heads need not wait for a large answer."""


class Along:
    """What is asked along, once."""

    def __init__(self, tested: Tested, placing: Placing, pushed: Collection[str], later: Sequence[str]) -> None:
        """Commits that were `pushed`, and deployed ones that landed `later`, which nobody else asks for meanwhile."""
        self._tested, self._placing = tested, placing
        self._pushed = sorted(pushed) if len(pushed) <= _MOST else []
        self._later = placing.reserve(later) if len(set(later)) <= _MOST else []
        self._asked = False

    def question(self) -> tuple[str, dict[str, Json]]:
        """The document for heads with a history, and its further variables: with all that once, bare from then on."""
        pushed, later = ([], []) if self._asked else (self._pushed, self._later)
        self._asked = True
        variables: dict[str, Json] = {f"s{n}": sha for n, sha in enumerate(pushed)}
        variables |= {f"d{n}": sha for n, sha in enumerate(later)}
        return ref_documents.opened(len(pushed), len(later), self._tested.capabilities.granted), variables

    def take(self, answer: GraphAnswer) -> None:
        """Keep what came along with the heads, in the answer to the question with all that."""
        if self._pushed:
            self._tested.take(answer, self._pushed)
        if self._later:
            self._placing.take(answer, self._later)
