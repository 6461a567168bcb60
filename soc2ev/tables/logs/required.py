"""What the registers ask of log sources: the inventory, the policy in force, and promises to customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_LISTED = (
    "select * from register_log_sources where status <> 'retired' and key is not null order by file, record, entry"
)
_POLICY = """
    select c.*, a.in_force from register_retention c
    left join register_approvals a on a.file = c.file and a.record = c.record where c.status <> 'retired' order by all
"""
_PROMISES = "select customer, retention_days, evidence from register_commitments where status <> 'retired' order by all"
_UNREADABLE = "select count(*) as n from registers where problem is not null and (kind is null or kind = 'log_sources')"


@dataclass(frozen=True, slots=True)
class Demand:
    """How long a source has to be kept. `days` is None when nothing says so."""

    days: int | None
    by: str
    evidence: frozenset[str]


class Required:
    """The registers about logging, read once."""

    def __init__(self, engine: Engine, coverages: Sequence[Coverage]) -> None:
        self.listed: dict[str, Row] = {}
        self.twice: set[str] = set()
        for row in engine.stream(_LISTED):
            if row["key"] in self.listed:
                self.twice.add(row["key"])
            self.listed.setdefault(row["key"], row)
        self._classes = [row for row in engine.stream(_POLICY) if row["in_force"]]
        self._promises = list(engine.stream(_PROMISES))
        files = [one for one in coverages if one.stream in ("registers", "registers:files")]
        unreadable = next(iter(engine.stream(_UNREADABLE)))["n"]
        self.whole = all(one.complete for one in files) and not unreadable
        """Whether every register could be read, so that what is not listed is not in the inventory."""

    def of(self, key: str) -> Demand:
        """The longest demand on that source."""
        found: list[tuple[int, str, str]] = []
        if entry := self.listed.get(key):
            found.append((entry["required_retention_days"], "the inventory", entry["evidence"]))
        for row in self._classes:
            if any(fnmatchcase(key, form) for form in row["applies_to"] or ()):
                days = max(row["searchable_days"] or 0, row["archive_days"] or 0)
                found.append((days, f"the policy's class {row['class']}", row["evidence"]))
        found += [
            (row["retention_days"], f"the promise to {row['customer']}", row["evidence"]) for row in self._promises
        ]
        known = [one for one in found if one[0]]
        if not known:
            return Demand(None, "nothing", frozenset())
        longest = max(known, key=lambda one: one[0])
        return Demand(longest[0], longest[1], frozenset(one[2] for one in known))
