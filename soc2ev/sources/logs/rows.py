"""A record becomes rows of the declared tables: facts, and names and reasons of those that are not known."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from soc2ev.errors import TamperedError
from soc2ev.model import EvidenceItem, Json, Stream
from soc2ev.sources.logs import record as records
from soc2ev.sources.logs import tables
from soc2ev.sources.logs.answers import Outcome
from soc2ev.sources.logs.expressions import Expression
from soc2ev.sources.logs.manifest import Source
from soc2ev.sources.logs.record import Record

Row = tuple[str, Mapping[str, Json]]
_ROLE = "record"
_LISTS_OF_ALL = ("each", tables.ALERTS)
"""Lists of all that there is: one that is not in the answer is not an empty one."""
_NAMES = ("within", "same")
"""What a record says beside the columns."""
_SILENCE = "muted_until"
_SEALED = ("validation_files", "worm_governance", "worm_compliance", "hmac")
"""Integrity of the source itself, whatever else its sinks do."""
_LARGEST = 1 << 63
"""What a BIGINT does not hold."""
_MOST = 100_000
"""Elements that one record may have."""


@dataclass
class _Facts:
    """Evaluates expressions around one element, and notes what is not known."""

    record: Record
    joined: Mapping[str, Outcome | None]
    extra: dict[str, Json]
    lets: dict[str, list[str]] = field(default_factory=dict)
    """By name of `let`: why it is not known; empty when it is."""
    unknown: dict[str, list[str]] = field(default_factory=dict)
    """By name of a fact: why it is not known."""

    def bind(self, lets: Mapping[str, Json]) -> None:
        """Evaluate `let` in order; later ones may use earlier ones."""
        for name, text in lets.items():
            value, doubts = self._evaluated(text)
            self.extra[name], self.lets[name] = value, doubts

    def value(self, name: str, text: Json, kind: str) -> Json:
        """The fact as that type; None when it is not known, and then it is noted under its name."""
        value, doubts = self._evaluated(text)
        if not doubts and value is not None:
            try:
                return _typed(value, kind)
            except (TypeError, ValueError):
                doubts = [f"the answer holds no {kind} for it"]
        self._note(name, doubts)
        return None

    def elements(self, name: str, text: str | None) -> list[Json]:
        """The elements of a list's `each`; one when there is none; no element when they are not known."""
        if text is None:
            return [None]
        value, doubts = self._evaluated(f"={text.removeprefix('=')}")
        if not doubts and not isinstance(value, list) and (value is not None or name in _LISTS_OF_ALL):
            doubts = ["the answer holds no list for it"]
        self._note(name, doubts)
        return [] if doubts else (value or [])[:_MOST]

    def holds(self, name: str, text: str | None) -> bool:
        """Whether an entry is to be listed."""
        if text is None:
            return True
        value, doubts = self._evaluated(f"={text.removeprefix('=')}")
        self._note(name, doubts)
        return not doubts and value is True

    def _note(self, name: str, doubts: Sequence[str]) -> None:
        if doubts:
            self.unknown[name] = list(dict.fromkeys([*self.unknown.get(name, []), *doubts]))

    def _evaluated(self, text: Json) -> tuple[Json, list[str]]:
        if not isinstance(text, str) or not text.startswith("="):
            return text, []
        expression = Expression(text[1:])
        doubts = self.record.answers.doubts(sorted(expression.needs), self.joined)
        doubts += [doubt for name in sorted(expression.needs) for doubt in self.lets.get(name, ())]
        if doubts:
            return None, doubts
        try:
            surroundings = self.record.answers.surroundings(self.extra, self.joined)
            return expression.value(surroundings, self.record.observed_at), []
        except ValueError as problem:
            return None, [f"the answer is not understood: {problem}"]


def of_record(record: Record) -> Iterator[Row]:
    """
    The rows of a record.

    When it cannot be told which sources there are, one row stands for all: under the entry's name, with every fact
    unknown. A native name that stands for several sources gets `within` before it, or the entry's name behind it when
    another entry has used it. A source that another entry has told of, by what it calls `same`, is left out.
    """
    found, _ = told(record)
    yield from found


def told(record: Record) -> tuple[list[Row], set[str]]:
    """The rows of a record, and what its sources that are known to be on or off call `same`."""
    made = [one for source in record.manifest.sources for one in _sources(record, source)]
    made = [one for one in made if one.same not in record.told]
    names = Counter(one.native for one in made)
    used: Counter[str] = Counter()
    found: list[Row] = []
    for one in made:
        name = f"{one.within}/{one.native}" if names[one.native] > 1 and one.within else one.native
        name = f"{name}@{record.entry}" if name in record.taken else name
        used[name] += 1
        key = f"{record.connector}:{name}" + (f"#{used[name]}" if used[name] > 1 else "")
        found.append((tables.SOURCES.name, {"key": key, **one.facts}))
        found += [(table, {"source_key": key, **row}) for table, row in one.lists]
    return found, {one.same for one in made if one.same and one.facts.get("enabled") is not None}


def natives(rows: Sequence[Row], connector: str) -> set[str]:
    """The names after the connector in the keys of these rows."""
    return {row["key"].removeprefix(f"{connector}:") for table, row in rows if table == tables.SOURCES.name}


@dataclass(frozen=True, slots=True)
class _Made:
    """One source with the rows of its lists."""

    native: str
    within: str
    same: str
    facts: dict[str, Json]
    lists: list[Row]


def _sources(record: Record, source: Source) -> Iterator[_Made]:
    around = _Facts(record, {}, {})
    found = around.elements("each", source.each)
    if "each" in around.unknown:
        yield _all_unknown(record, source, around.unknown["each"])
        return
    if not found and source.when_empty:
        yield _made(record, source.when_empty, _Facts(record, {}, {}))
    for item in found:
        extra = {"item": item}
        facts = _Facts(record, record.answers.joined(source.join, extra), extra)
        facts.bind(source.let)
        yield _made(record, source.record, facts)


def _all_unknown(record: Record, source: Source, reasons: Sequence[str]) -> _Made:
    blank = {name: None for name in tables.FIELDS if name not in _NAMES}
    row = {**blank, "title": record.manifest.title, "category": record.manifest.category}
    unknown = [name for name in source.record if name not in ("native", "title", "category", *_NAMES)]
    return _Made(record.entry, "", "", {**row, **_about(record, sorted(unknown), reasons)}, [])


def _made(record: Record, template: Mapping[str, Json], facts: _Facts) -> _Made:
    row: dict[str, Json] = {"category": record.manifest.category, "title": record.manifest.title}
    for name, kind in tables.FIELDS.items():
        if name in template:
            row[name] = facts.value(name, template[name], kind)
    lists = [found for name in tables.LISTS if name in template for found in _entries(name, template[name], facts)]
    if "sinks" in facts.unknown:
        _without_sinks(row, facts)
    if any(_SILENCE not in one for one in template.get("alert_rules") or ()):
        # NULL says that no silence hides a rule, and here nobody asked.
        facts.unknown.setdefault(f"alert_rules.{_SILENCE}", ["silences are not asked for"])
    native, (within, same) = row.get("native") or record.entry, (row.pop(name, None) or "" for name in _NAMES)
    row["native"] = native
    if template.get("enabled") is not None and row.get("enabled") is None and "enabled" not in facts.unknown:
        facts.unknown["enabled"] = ["the answers do not say whether it is on"]
    reasons = list(dict.fromkeys(reason for found in facts.unknown.values() for reason in found))
    about = _about(record, sorted(facts.unknown), reasons)
    return _Made(str(native), str(within), str(same), {**row, **about}, lists)


def _without_sinks(row: dict[str, Json], facts: _Facts) -> None:
    """
    Where else it is kept is not known: its own days are the least, and nothing tells of all places.

    The days stay and are named as unknown, which is how a number that may be larger is told.
    """
    reasons = facts.unknown["sinks"]
    for name in ("retention_days", "integrity", "encryption"):
        if row.get(name) is not None and row[name] not in _SEALED:
            facts.unknown.setdefault(name, list(reasons))
            row[name] = row[name] if name == "retention_days" else None


def _about(record: Record, unknown: Sequence[str], reasons: Sequence[str]) -> dict[str, Json]:
    return {
        "connector": record.connector,
        "entry": record.entry,
        "unknown": list(unknown),
        "reasons": "; ".join(reasons)[:2_000],
        "observed_at": record.observed_at,
    }


def _entries(name: str, templates: Sequence[Mapping[str, Json]], facts: _Facts) -> Iterator[Row]:
    for position, row in enumerate(_listed(name, templates, facts)):
        yield tables.BY_LIST[name].name, {"position": position, **row}


def _listed(name: str, templates: Sequence[Mapping[str, Json]], facts: _Facts) -> Iterator[dict[str, Json]]:
    """The entries of a list, column by column."""
    for template in templates:
        for entry in facts.elements(name, template.get("each")):
            facts.extra["entry"] = entry
            if facts.holds(name, template.get("when")):
                yield {
                    column: facts.value(f"{name}.{column}", template[column], kind)
                    for column, kind in tables.LISTS[name].items()
                    if column in template
                }
        facts.extra.pop("entry", None)


def _typed(value: Json, kind: str) -> Json:
    """The value as the column's type; TypeError or ValueError when it is of another one."""
    if kind == "TEXT" and isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if kind == "BOOLEAN" and isinstance(value, bool):
        return value
    if kind in ("BIGINT", "DOUBLE") and isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, kind)
    if kind == "TIMESTAMP" and isinstance(value, str) and _in_calendar(value):
        return value
    if kind == "TEXT[]" and isinstance(value, list):
        return [part if isinstance(part, str) else json.dumps(part, sort_keys=True) for part in value]
    raise TypeError(kind)


def _number(value: float, kind: str) -> Json:
    """ValueError for what the column does not hold."""
    if not math.isfinite(value) or (kind == "BIGINT" and (value != int(value) or not -_LARGEST <= value < _LARGEST)):
        raise ValueError(value)
    return int(value) if kind == "BIGINT" else float(value)


def _in_calendar(text: str) -> bool:
    """Whether it is an instant of UTC's years 1 to 9999; ValueError for what is no time at all."""
    read = datetime.fromisoformat(text)
    try:
        return read.tzinfo is not None and read.astimezone(UTC) is not None
    except OverflowError:
        return False


def of_history(record: Record) -> tuple[list[dict[str, Json]], list[str]]:
    """The alerts of a record that were raised in its period, and why these may not be all of them."""
    start, end = (datetime.fromisoformat(record.answers.period[name]) for name in ("start", "end"))
    (source,) = record.manifest.sources
    facts = _Facts(record, record.answers.joined(source.join, {}), {})
    facts.bind(source.let)
    found, nameless = [], 0
    for row in _listed(tables.ALERTS, source.record[tables.ALERTS], facts):
        opened = row.get("opened_at")
        if opened is None or start <= datetime.fromisoformat(opened) < end:
            nameless += not row.get("event")
            found.append({"source_key": f"{record.connector}:{record.entry}", **row})
    doubts = list(facts.unknown.get(tables.ALERTS, ()))
    doubts += [f"{nameless} alerts have no id in the answers"] if nameless else []
    rows = [row for row in found if row["event"]]
    twice = len(rows) - len({row["event"] for row in rows})
    doubts += [f"{twice} alerts have the id of another in the answers"] if twice else []
    return rows, doubts


def count_alerts(body: bytes) -> int:
    """The alerts of the period that a record tells of."""
    return len(of_history(records.read(body))[0])


def alert_rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """The rows of a record about a period, as `rows` gives those of a record of settings."""
    if item.request.get("role") != _ROLE or item.count is None:
        return
    made = records.read(body)
    try:
        for row in of_history(made)[0]:
            yield tables.ALERT_EVENTS.name, row
    except (AttributeError, KeyError, IndexError, RecursionError, TypeError, ValueError) as problem:
        raise TamperedError(f"a record of alerts is not understood: {problem!r}"[:300]) from None


def count(body: bytes) -> int:
    """The log sources that a record tells of."""
    return sum(table == tables.SOURCES.name for table, _ in of_record(records.read(body)))


def rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """The rows of a body of the stream; answers have none, for the record repeats them. TamperedError for a bad one."""
    if item.request.get("role") != _ROLE or item.count is None:
        return
    made = records.read(body)
    try:
        yield from of_record(made)
    except (AttributeError, KeyError, IndexError, RecursionError, TypeError, ValueError) as problem:
        raise TamperedError(f"a record of log sources is not understood: {problem!r}"[:300]) from None


STREAM = Stream("sources", tables.TABLES, rows, snapshot=True)
HISTORY = Stream("alerts", (tables.ALERT_EVENTS,), alert_rows)
