"""The findings as `soc2ev.findings/1`: a frozen format of its own, so that inner types may change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from soc2ev.model import Coverage, Finding, Item, Json, Waiver
from soc2ev.period import Period

SCHEMA = "soc2ev.findings/1"


def findings(found: Sequence[Finding], period: Period) -> dict[str, Any]:
    """The findings as JSON values, in the order given."""
    listed = [{**_finding(finding), "items": [_item(item) for item in finding.population.items]} for finding in found]
    return {"schema": SCHEMA, "period": _period(period), "findings": listed}


def text(found: Sequence[Finding], period: Period) -> Iterator[str]:
    """
    The same as JSON text in parts, an item a line: a population of any size passes through little memory.

    The same findings give the same text.
    """
    yield f'{{"schema": {_json(SCHEMA)}, "period": {_json(_period(period))}, "findings": ['
    for at, finding in enumerate(found):
        yield f'{"," if at else ""}\n{_json(_finding(finding))[:-1]}, "items": ['
        for position, item in enumerate(finding.population.items):
            yield f"{',' if position else ''}\n {_json(_item(item))}"
        yield "]}"
    yield "]}\n"


def instant(moment: datetime) -> str:
    """An instant as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _period(period: Period) -> dict[str, str]:
    return {"name": period.name, "start": instant(period.start), "end": instant(period.end)}


def _finding(finding: Finding) -> dict[str, Any]:
    control, population = finding.control, finding.population
    return {
        "control": control.id,
        "title": control.title,
        "criteria": list(control.criteria),
        "area": control.area,
        "control_digest": control.digest,
        "conclusion": finding.conclusion.value,
        "lane": finding.lane,
        "pattern": {
            "rate": finding.pattern.rate,
            "markers": list(finding.pattern.markers),
            "by": {name: dict(counts) for name, counts in finding.pattern.by.items()},
        },
        "attributes": {part.letter: {"key": part.key, "asks": part.asks} for part in control.attributes},
        "population": {
            "size": len(population.items),
            "complete": population.complete,
            "provisional": population.provisional,
            "coverage": [coverage(entry, population.outside.get(entry.stream, ())) for entry in population.coverage],
        },
    }


def coverage(entry: Coverage, outside: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """One coverage entry as JSON values; `outside` only where path rules left commits out."""
    made: dict[str, Any] = {
        "stream": entry.stream,
        "expected": entry.expected,
        "fetched": entry.fetched,
        "complete": entry.complete,
        "reason": entry.reason,
        "provisional": entry.provisional,
        "collected_at": instant(entry.collected_at) if entry.collected_at else None,
        "period": _period(entry.period),
        "scope": dict(entry.scope),
        "details": plain(entry.details),
    }
    return made | ({"outside": [dict(one) for one in outside]} if outside else {})


def _json(value: Json) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "url": item.url,
        "at": instant(item.at) if item.at else None,
        "facts": plain(item.facts),
        "outcomes": {
            letter: {"outcome": result.outcome.value, "reason": result.reason, "evidence": list(result.evidence)}
            for letter, result in item.outcomes.items()
        },
        "waiver": _waiver(item.waiver) if item.waiver else None,
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.id,
        "attributes": list(waiver.attributes),
        "reason": waiver.reason,
        "approver": waiver.approver,
        "approved_on": waiver.approved_on.isoformat(),
        "expires_on": waiver.expires_on.isoformat(),
    }


def plain(value: Json) -> Json:
    """The value with instants and dates as text and tuples as lists."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return instant(value)
    return value.isoformat() if isinstance(value, date) else value
