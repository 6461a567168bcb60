"""Reviews of one's own changes from the register, by the change that each names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import SelfReview

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.model import Coverage
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.facts.evidence import Change

_SHORTEST = 7


class SelfReviews:
    """
    The entries of all registers of that kind that are no drafts.

    A team of one has nobody who could approve its register, so that one in review counts as well.
    """

    def __init__(self, engine: Engine, config: Config, coverages: Sequence[Coverage]) -> None:
        sql = "select * from register_self_reviews where status in ('in review', 'approved') order by all"
        self._rows = list(engine.stream(sql))
        kept = [one for one in coverages if one.stream.startswith("registers")]
        unread = list(engine.stream("select file from registers where problem is not null"))
        self._whole = config.registers is None or (bool(kept) and all(one.complete for one in kept) and not unread)

    def of(self, change: Change) -> tuple[SelfReview, ...] | None:
        """Those that name the change: by item, commit or pull request; None when the registers were not read whole."""
        names = {change.item, *(f"{change.repository}#{one.number}" for one in change.requests)}
        found = tuple(
            SelfReview(row["reviewer"] or "", row["reviewed_at"], row["checked"] or "")
            for row in self._rows
            if row["change"] in names or _is_commit(row["change"] or "", change.sha)
        )
        return found if found or self._whole else None


def _is_commit(named: str, sha: str) -> bool:
    return len(named) >= _SHORTEST and sha.startswith(named.lower())
