"""What the registers ask of log sources: the inventory, the policy in force, and promises to customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_LISTED = """
    select s.*, a.in_force, a.reason as approval_reason from register_log_sources s
    left join register_approvals a on a.file = s.file and a.record = s.record
    where s.status is distinct from 'retired' and s.key is not null
    order by s.file, s.record, s.entry
"""
_POLICY = """
    select c.*, a.in_force from register_retention c
    left join register_approvals a on a.file = c.file and a.record = c.record
    where c.status is distinct from 'retired' order by all
"""
_PROMISES = """
    select customer, retention_days, evidence from register_commitments where status is distinct from 'retired'
    order by all
"""
_UNREADABLE = """
    select
      count(*) filter (kind is null or kind = 'log_sources') as lists,
      count(*) filter (kind is null or kind in ('log_sources', 'retention_policy', 'customer_commitments')) as demands
    from registers where problem is not null
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """How long a source has to be kept. `days` is None when nothing says so."""

    days: int | None
    by: str
    evidence: frozenset[str]
    doubt: str = ""
    """Why more may be required; empty when nothing says so."""
    unread: bool = False
    """A register that may require more cannot be read."""


class Required:
    """The registers about logging, read once."""

    def __init__(self, engine: Engine, coverages: Sequence[Coverage]) -> None:
        self.listed: dict[str, Row] = {}
        self._entries: dict[str, list[Row]] = defaultdict(list)
        for row in engine.stream(_LISTED):
            self._entries[row["key"]].append(row)
            self.listed.setdefault(row["key"], row)
        self._classes = [row for row in engine.stream(_POLICY) if row["in_force"]]
        self._promises = list(engine.stream(_PROMISES))
        files = [one for one in coverages if one.stream in ("registers", "registers:files")]
        unreadable = next(iter(engine.stream(_UNREADABLE)))
        self._open = bool(unreadable["demands"])
        self.whole = all(one.complete for one in files) and not unreadable["lists"]
        """Whether every register could be read, so that what is not listed is not in the inventory."""

    def of(self, key: str) -> Demand:
        """The longest demand on that source."""
        found: list[tuple[int, str, str]] = [
            (entry["required_retention_days"], "the inventory", entry["evidence"])
            for entry in self._entries.get(key, ())
        ]
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
        return Demand(longest[0], longest[1], frozenset(one[2] for one in known), self._doubt(key), self._open)

    def events(self, key: str) -> list[str] | None:
        """The kinds of events that any entry about that source requires; None when none is about it."""
        if key not in self._entries:
            return None
        return sorted({event for entry in self._entries[key] for event in entry["required_events"] or ()})

    def _doubt(self, key: str) -> str:
        if self._open:
            return "A register that may require more cannot be read."
        refused = [entry for entry in self._entries.get(key, ()) if entry["in_force"] is False]
        return f"What the inventory requires does not count: {refused[0]['approval_reason']}" if refused else ""
