"""
Facts of logging that read otherwise from one collection to the next, and the changes that may explain them.

Only what two whole collections of one entry both say is compared: what a platform did not let be read was not changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json
from soc2ev.period import Period
from soc2ev.tables.facts.fact import Fact, listed, no, shown, unknown, yes
from soc2ev.tables.governance.claims import changes_whole
from soc2ev.tables.logs.declared import LOG_DRIFT
from soc2ev.tables.logs.readings import Reading, Readings

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_SOURCES = "collected_log_sources"
_FIELDS = (
    *("enabled", "retention_days", "retention_infinite", "integrity", "encryption", "masking", "sampling"),
    *("exclusions", "searchable_days", "archive_days"),
)
_LISTS = {
    "collected_alert_rules": ("rule", ("enabled", "expression", "receiver", "reaches")),
    "collected_rate_limits": ("scope", ("limit_per_second", "burst", "period_s", "enforced")),
    "collected_log_sinks": ("target", ("type", "retention_days", "retention_infinite", "worm_mode")),
}
_KINDS = {"logging", "rate_limit"}
_SHOWN = 5
_BEFORE = timedelta(days=7)
"""A change may go out some days before what it says is carried out."""
# An emergency, and a change that was approved beforehand, have no review; an emergency has to have been handled.
_CHANGES = """
    select c.item, c.title, c.kinds, c.integrated_at,
      list_distinct(list_concat(c.evidence, coalesce(f.evidence, []))) as evidence,
      case when f.review_applies is false then f.emergency is false or f.emergency_handled
        else f.final_content_approved end as approved
    from changes c left join change_facts f on f.item = c.item order by c.item
"""


# What a change says of itself; a description that was edited after the merge may have said something else.
_TEXTS = """
    select c.item, p.body as text, p.edited_at > p.merged_at as later
    from (select item, repository, unnest(pull_requests) as number from changes) c
    join github_pull_requests p on p.repository = c.repository and p.number::varchar = c.number
    where p.body is not null
    union all
    select c.item, m.message, false
    from (select item, repository, unnest(commits) as sha from changes) c
    join (select distinct repository, sha, message from github_commits
        union select distinct repository, sha, message from git_commits) m
        on m.repository = c.repository and m.sha = c.sha
    where m.message is not null
    order by all
"""


@dataclass(frozen=True, slots=True)
class _Texts:
    """What changes say of themselves, in lower case, by item."""

    certain: Mapping[str, Sequence[str]]
    edited: Mapping[str, Sequence[str]]
    """Descriptions as they are now, edited after the merge."""

    def names(self, row: Row, key: str) -> bool | None:
        """
        Whether the change names the source by its whole key: a name of its own may be a word of anything.

        None when only a description does that was edited after the merge.
        """
        told = [(row["title"] or "").lower(), *self.certain.get(row["item"], ())]
        if any(key.lower() in text for text in told):
            return True
        return None if any(key.lower() in text for text in self.edited.get(row["item"], ())) else False


@dataclass(frozen=True, slots=True)
class _Compared:
    """What one whole collection of one entry said: values by source and field."""

    at: datetime
    values: Mapping[tuple[str, str], Json]
    known: frozenset[str]
    """Keys of the sources that it shows."""
    digests: tuple[str, ...]


def derive(engine: Engine, readings: Readings, coverages: Sequence[Coverage]) -> None:
    """Fill the table. Compared are the whole collections within the period, and the nearest before and after it."""
    found: list[dict[str, Json]] = []
    changes, texts = list(engine.stream(_CHANGES)), _texts(engine) if any(readings.series) else _Texts({}, {})
    whole = changes_whole(coverages)
    for series in readings.series:
        for before, after in pairwise([_compared(one) for one in series if one.whole]):
            found += [
                _row(one, before, after, changes, texts, readings.period, whole=whole)
                for one in _differences(before, after)
            ]
    engine.insert(LOG_DRIFT, _numbered(sorted(found, key=lambda row: (str(row["item"]), str(row["before"])))))


def _texts(engine: Engine) -> _Texts:
    found: tuple[dict[str, list[str]], dict[str, list[str]]] = defaultdict(list), defaultdict(list)
    for row in engine.stream(_TEXTS):
        found[bool(row["later"])][row["item"]].append(row["text"].lower())
    return _Texts(*found)


def _numbered(rows: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Two entries may show a source of one name, of which one appears as the other vanishes: each is an item."""
    used = Counter[Json]()
    for row in rows:
        used[row["item"]] += 1
        row["item"] = f"{row['item']}#{used[row['item']]}" if used[row["item"]] > 1 else row["item"]
    return list(rows)


def _compared(reading: Reading) -> _Compared:
    values: dict[tuple[str, str], Json] = {}
    known = frozenset(reading.tables.get(_SOURCES, {}))
    for key in known:
        for row in reading.entries(_SOURCES, key):
            values |= {(key, name): row[name] for name in _FIELDS}
    for table, (naming, columns) in _LISTS.items():
        for key, entries in reading.tables.get(table, {}).items():
            for row in entries:
                words = f"{table.removeprefix('collected_')} {row[naming]}"
                values |= {(key, f"{words} {name}"): row[name] for name in columns}
    return _Compared(reading.at, values, known, reading.digests)


_Difference = tuple[str, str, Json, Json]
"""Source, field, and the values before and after."""


def _differences(before: _Compared, after: _Compared) -> Iterator[_Difference]:
    for key in sorted(before.known - after.known):
        yield key, "source", key, None
    for key in sorted(after.known - before.known):
        yield key, "source", None, key
    both = before.known & after.known
    for key, name in sorted(before.values.keys() | after.values.keys()):
        first, then = before.values.get((key, name)), after.values.get((key, name))
        listed_once = " " in name and ((key, name) in before.values) != ((key, name) in after.values)
        if key in both and first != then and (listed_once or (first is not None and then is not None)):
            yield key, name, first, then


def _row(
    found: _Difference,
    before: _Compared,
    after: _Compared,
    changes: Sequence[Row],
    texts: _Texts,
    period: Period,
    *,
    whole: bool,
) -> dict[str, Json]:
    key, name, first, then = found
    near = [row for row in changes if _is_near(row, before, after)]
    said = {row["item"]: texts.names(row, key) for row in near}
    named = [row for row in near if said[row["item"]]]
    perhaps = [row for row in near if said[row["item"]] is None]
    fact = _authorised(named, perhaps, near, inside=period.start <= before.at and after.at < period.end, whole=whole)
    explaining = [*named, *perhaps] or [row for row in near if _KINDS & set(row["kinds"] or ())]
    return {
        "item": f"{key}/{name}@{after.at:%Y-%m-%dT%H:%M:%SZ}",
        "source_key": key,
        "field": name,
        "before": _text(first),
        "after": _text(then),
        "seen_before": before.at,
        "seen_at": after.at,
        "changes": [row["item"] for row in explaining],
        "authorised": fact.value,
        "authorised_reason": fact.reason,
        "evidence": sorted({*before.digests, *after.digests, *(one for row in explaining for one in row["evidence"])}),
    }


def _is_near(row: Row, before: _Compared, after: _Compared) -> bool:
    when: datetime | None = row["integrated_at"]
    return when is None or before.at - _BEFORE <= when <= after.at


def _authorised(
    named: Sequence[Row], perhaps: Sequence[Row], near: Sequence[Row], *, inside: bool, whole: bool
) -> Fact:
    if named and (found := _approved(named)).value is not False:
        return found
    if perhaps:
        items = shown(listed(row["item"] for row in perhaps))
        return unknown(f"Named in the description of {items}, which was edited after the merge.")
    if named:
        return found
    if logging := [row["item"] for row in near if _KINDS & set(row["kinds"] or ())]:
        return unknown(
            f"No change names it; of the kind logging or rate limit went out: {shown(listed(logging[:_SHOWN]))}."
        )
    if any(row["kinds"] is None for row in near):
        return unknown(
            "No change names it; which changes concern logging is not known (registers/production-change.yaml)."
        )
    if not whole:
        return unknown("No change names it, and not all changes of the period are known.")
    if not inside:
        return unknown("No change of the period names it; it may have been made by one before or after the period.")
    return no("No change between both readings names it or is of the kind logging.")


def _approved(named: Sequence[Row]) -> Fact:
    """Whoever switches a log off can write the title of a change, too: somebody else has to have approved it."""
    good, open_ = ([row["item"] for row in named if row["approved"] is value] for value in (True, None))
    if good:
        return yes(f"Named by {shown(listed(good))}, which was approved.")
    if open_:
        return unknown(f"Named by {shown(listed(open_))}; whether that was approved is not known.")
    return no(f"Named by {shown(listed(row['item'] for row in named))}, which nobody independent approved.")


def _text(value: Json) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
