"""What every collection in the vault read of the rules on production refs: those that have to do with a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError
from soc2ev.model import Coverage, EvidenceItem, Json
from soc2ev.sources.github import STREAMS
from soc2ev.sources.github.streams import rows
from soc2ev.tables.engine import typed

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.vault import Vault

Rule = Mapping[str, Json]
"""A row of github_rules, github_rule_versions or github_rulesets, with times as instants."""
Key = tuple[str, str]
"""Run and stream."""

_STREAM = ":settings:rules"
_LIST = "rulesets"
_TYPES = {
    table.name: {column.name: column.type for column in table.columns} for stream in STREAMS for table in stream.tables
}
_TIMES = frozenset({"changed_at", "made_at", "since", "until"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What one collection read of the rules of a repository."""

    key: Key
    repository: str
    since: datetime
    """When the first of its answers came; what they say held then or later."""
    until: datetime
    whole: bool
    """Nothing is missing, so that what it does not show was not there."""
    items: tuple[EvidenceItem, ...]
    rules: Mapping[str, tuple[Rule, ...]]
    """By branch; a branch that it does not know was not asked for."""
    versions: Mapping[str, tuple[Rule, ...]]
    """By branch: what rulesets that were changed had been."""
    rulesets: tuple[Rule, ...] | None
    """All rulesets for branches; None when they were not listed."""


def read(vault: Vault, claims: Iterable[Coverage], period: Period) -> list[Reading]:
    """
    The readings that have to do with the period, in the order of time.

    `claims` are those of all runs. Which readings count is told by the journal alone, so that a pack need carry the
    bodies of these only. TamperedError for a body that was altered.
    """
    return [_with_rules(one, vault) for one in relevant(of(claims, vault.items()), period)]


def of(claims: Iterable[Coverage], items: Iterable[EvidenceItem]) -> list[Reading]:
    """The readings of all collections in the order of time, without what they say."""
    bodies: dict[Key, list[EvidenceItem]] = defaultdict(list)
    for item in items:
        if item.source == "github" and item.stream.endswith(_STREAM):
            bodies[(item.run, item.stream)].append(item)
    whole = {(one.run, one.stream): one.complete for one in claims if one.stream.endswith(_STREAM)}
    return sorted((_reading(key, found, whole=whole.get(key, False)) for key, found in bodies.items()), key=in_time)


def relevant(readings: Sequence[Reading], period: Period) -> list[Reading]:
    """Of each repository those within the period, and the nearest before and after it, whole ones and others."""
    found: dict[Key, Reading] = {}
    for home in sorted({one.repository for one in readings}):
        mine = [one for one in readings if one.repository == home]
        before = [one for one in mine if one.until < period.start]
        after = [one for one in mine if one.since >= period.end]
        within = [one for one in mine if one not in before and one not in after]
        edges = [*before[-1:], *[one for one in before if one.whole][-1:]]
        edges += [*after[:1], *[one for one in after if one.whole][:1]]
        found |= {one.key: one for one in (*edges, *within)}
    return sorted(found.values(), key=in_time)


def in_time(one: Reading) -> tuple[datetime, Key]:
    """What orders readings."""
    return one.since, one.key


def _reading(key: Key, items: list[EvidenceItem], *, whole: bool) -> Reading:
    """The reading without what its bodies say."""
    repository = key[1].removeprefix("github:").removesuffix(_STREAM)
    times = [item.received_at for item in items]
    return Reading(key, repository, min(times), max(times), whole, tuple(items), {}, {}, None)


def _with_rules(one: Reading, vault: Vault) -> Reading:
    """The reading with what its bodies say; one that cannot be read, or holds other rows than counted, is not whole."""
    found: dict[str, list[Rule]] = defaultdict(list)
    whole = one.whole
    listed = any(item.request.get("role") == _LIST and item.count is not None for item in one.items)
    for item in one.items:
        body = vault.read(item.digest)
        try:
            told = list(rows(item, body))
            _refuse_odd(told)
        except (TamperedError, ValueError):
            whole = False
            continue
        whole = whole and item.count in (None, len(told))
        for table, row in told:
            found[table].append({**row, **{name: _instant(row[name]) for name in _TIMES & row.keys()}})
    return replace(
        one,
        whole=whole,
        rules=_by_ref(found["github_rules"]),
        versions=_by_ref(found["github_rule_versions"]),
        rulesets=tuple(found["github_rulesets"]) if listed else None,
    )


def _refuse_odd(told: Iterable[tuple[str, Rule]]) -> None:
    """ValueError for values of another type than the table's columns have."""
    for name, row in told:
        typed(name, _TYPES[name], row)


def _by_ref(found: Iterable[Rule]) -> dict[str, tuple[Rule, ...]]:
    by_ref: dict[str, list[Rule]] = defaultdict(list)
    for row in found:
        by_ref[row["ref"]].append(row)
    return {ref: tuple(several) for ref, several in by_ref.items()}


def _instant(text: Json) -> datetime | None:
    """GitHub writes rulesets' times with an offset or Z; one that cannot be read is not known."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return None if at.tzinfo is None else at


__all__ = ["Key", "Reading", "Rule", "in_time", "read"]
