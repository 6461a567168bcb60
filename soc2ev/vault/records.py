"""What the lines of a journal say, to and from the words of the field."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError
from soc2ev.model import Coverage, EvidenceItem, Json
from soc2ev.period import Period
from soc2ev.vault.objects import HEX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Types = type | tuple[type, ...]

COMMON: Mapping[str, Types] = MappingProxyType(
    {"v": int, "log": str, "seq": int, "prev": str, "recorded_at": str, "type": str, "run": str}
)
KINDS: Mapping[str, Mapping[str, Types]] = MappingProxyType(
    {
        "run": {"tool": str, "previous": (dict, NoneType), "key": (str, NoneType)},
        "exchange": {
            "source": str,
            "stream": str,
            "request": dict,
            "response": dict,
            "body": dict,
            "count": (int, NoneType),
        },
        "collection": {
            "stream": str,
            "period": dict,
            "expected": (int, NoneType),
            "fetched": int,
            "complete": bool,
            "reason": (str, NoneType),
            "scope": dict,
            "details": dict,
        },
        "recovery": {"cut": (dict, NoneType), "uncheckpointed": int},
        "finish": {"ok": bool, "counts": dict},
    }
)
_WANTED: Mapping[str, Mapping[str, tuple[type, ...]]] = MappingProxyType(
    {
        kind: {name: types if isinstance(types, tuple) else (types,) for name, types in {**COMMON, **body}.items()}
        for kind, body in KINDS.items()
    }
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def stamp(instant: datetime) -> str:
    """The instant in UTC with microseconds and Z: fixed width, so that text order is time order."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant(text: str) -> datetime:
    """The inverse of `stamp`; ValueError for any other spelling."""
    if not _STAMP.fullmatch(text):
        raise ValueError("not a time as the journal writes it")
    return datetime.fromisoformat(text)


def complaints(data: Mapping[str, Json]) -> list[str]:
    """What is wrong with the fields of a line; nothing when it is one that we would write."""
    kind = data.get("type")
    wanted = _WANTED.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        return ["has a type that this version does not know"]
    found = [f"field {name} is missing" for name in wanted if name not in data]
    found += [f"field {name!r} is unknown" for name in data if name not in wanted and name != "clock_clamped"]
    # `type` and not isinstance, because true and false are no numbers.
    found += [
        f"field {name} has the wrong type"
        for name, types in wanted.items()
        if name in data and type(data[name]) not in types
    ]
    return found or _inner(data)


def of_item(item: EvidenceItem) -> dict[str, Json]:
    """The body of an exchange line."""
    return {
        "source": item.source,
        "stream": item.stream,
        "request": item.request,
        "response": item.response,
        "body": {"sha256": item.digest.removeprefix("sha256:"), "size": item.size},
        "count": item.count,
    }


def item(data: Mapping[str, Json]) -> EvidenceItem:
    """The evidence item of an exchange line whose fields were checked."""
    return EvidenceItem(
        digest=f"sha256:{data['body']['sha256']}",
        source=data["source"],
        stream=data["stream"],
        request=data["request"],
        response=data["response"],
        received_at=instant(data["recorded_at"]),
        size=data["body"]["size"],
        count=data["count"],
        run=data["run"],
        seq=data["seq"],
    )


def of_coverage(coverage: Coverage) -> dict[str, Json]:
    """The body of a collection line."""
    period = coverage.period
    return {
        "stream": coverage.stream,
        "period": {"name": period.name, "start": stamp(period.start), "end": stamp(period.end)},
        "expected": coverage.expected,
        "fetched": coverage.fetched,
        "complete": coverage.complete,
        "reason": coverage.reason,
        "scope": coverage.scope,
        "details": coverage.details,
    }


def coverage(data: Mapping[str, Json]) -> Coverage:
    """The coverage of a collection line; TamperedError when it claims what no coverage can."""
    try:
        named = data["period"]
        return Coverage(
            stream=data["stream"],
            period=Period(instant(named["start"]), instant(named["end"]), named["name"]),
            expected=data["expected"],
            fetched=data["fetched"],
            complete=data["complete"],
            reason=data["reason"],
            scope=data["scope"],
            details=data["details"],
            run=data["run"],
            collected_at=instant(data["recorded_at"]),
        )
    except ValueError as problem:
        raise TamperedError(
            f"vault: line {data['seq']} is no coverage: {problem}",
            hint="`soc2ev vault verify` lists all damage",
        ) from None


def _inner(data: Mapping[str, Json]) -> list[str]:
    """What is wrong one level further down."""
    found = [] if _CHECKS[data["type"]](data) else [f"is no {data['type']} as we write it"]
    if data["v"] != 1:
        found.append("has a version that this version does not know")
    if data.get("clock_clamped", True) is not True:
        found.append("is no line as we write it")
    return found


def _is_period(value: Mapping[str, Json]) -> bool:
    return _fields(value, {"name": str, "start": str, "end": str})


def _is_body(value: Mapping[str, Json]) -> bool:
    return _fields(value, {"sha256": str, "size": int}) and _hex(value["sha256"])


def _is_head(value: Mapping[str, Json]) -> bool:
    return _fields(value, {"size": int, "root": str}) and _hex(value["root"])


def _fields(value: Mapping[str, Json], wanted: Mapping[str, type]) -> bool:
    return set(value) == set(wanted) and all(type(value[name]) is kind for name, kind in wanted.items())


def _hex(text: str) -> bool:
    return HEX.fullmatch(text) is not None


_CHECKS: Mapping[str, Callable[[Mapping[str, Json]], bool]] = MappingProxyType(
    {
        "run": lambda data: data["previous"] is None or _is_head(data["previous"]),
        "exchange": lambda data: _is_body(data["body"]),
        "collection": lambda data: (
            _is_period(data["period"]) and all(type(value) is str for value in data["scope"].values())
        ),
        "recovery": lambda data: data["cut"] is None or _is_body(data["cut"]),
        "finish": lambda data: all(type(value) is int for value in data["counts"].values()),
    }
)
