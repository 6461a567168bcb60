"""A record: the flattened fields of one event, and what they are known to mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from soc2ev.logs.formats.roles import CORRELATION, role
from soc2ev.logs.instants import instant

Value = str | int | float | bool | None
DEEPEST, MOST_FIELDS, MOST_ENTRIES = 12, 400, 8
_LAST = 1 << 30
NESTED = frozenset((dict, list))
"""Types of what is no leaf of a document."""
SUCCESS = frozenset(
    {"success", "succeeded", "successful", "ok", "allow", "allowed", "granted", "pass", "passed", "true"}
)
FAILURE = frozenset(
    {
        "failure",
        "failed",
        "fail",
        "error",
        "deny",
        "denied",
        "rejected",
        "refused",
        "unauthorized",
        "forbidden",
        "false",
        "unsuccessful",
        "invalid",
        "invalid_credentials",
        "invalid_password",
        "bad_credentials",
        "bad_password",
        "wrong_password",
        "incorrect_password",
    }
)
"""Words by which a result says how it ended; the query for engines elsewhere has the same ones."""
_ERROR_LEVELS = frozenset(
    {"error", "err", "fatal", "critical", "crit", "emergency", "emerg", "alert", "panic", "severe"}
)
NAME = re.compile(r"^[A-Za-z][\w-]*(?:[.:][\w-]+)+$")
"""A message that is the name of an event."""
REQUEST = re.compile(r"^([A-Z]{3,10}) (\S+)(?: HTTP/[\d.]+)?$")
"""The first line of a request: method and path."""
_FIRST_STATUS, _FIRST_SERVER_ERROR, _LAST_STATUS = 100, 500, 599
_OCSF_OUTCOMES = {1: "success", 2: "failure"}


@dataclass(slots=True)
class Record:
    """
    One event. `fields` has every leaf by its dotted path (`userIdentity.type`, `target[0].id`), as the log wrote it.

    The other attributes are what is known of it whatever the format; None means that it does not say.
    """

    shape: str
    """cloudtrail, okta, github, ocsf, ecs, otlp, json, access, syslog, pairs or text."""
    fields: dict[str, Value]
    at: float | None = None
    """When it happened, in seconds since 1970."""
    zoned: bool = False
    arrival: float | None = None
    """When it was received or stored."""
    action: str | None = None
    actor: str | None = None
    target: str | None = None
    ip: str | None = None
    status: int | None = None
    """Of HTTP."""
    outcome: str | None = None
    """success or failure."""
    method: str | None = None
    path: str | None = None
    latency: str | None = None
    level: str | None = None
    message: str | None = None
    ids: dict[str, str] = field(default_factory=dict)
    """Ids that join records, by the path that the log gives them."""

    def value(self, name: str) -> Value:
        """A field by its path, or what is known by `@` and its name, such as `@status`."""
        if name.startswith("@"):
            known: Value = getattr(self, name[1:])
            return known
        return self.fields.get(name)

    @property
    def failed(self) -> bool | None:
        """Whether the server failed: a 5xx, or without a status an error level; None when neither is there."""
        if self.status is not None:
            return self.status >= _FIRST_SERVER_ERROR
        return None if self.level is None else self.level.lower() in _ERROR_LEVELS


def known(shape: str, fields: dict[str, Value], reference: float) -> Record:
    """The record of flat fields."""
    ranks: dict[str, int] = {}
    values: dict[str, Value] = {}
    ids: list[tuple[int, str, str]] = []
    for path, value in fields.items():
        found = role(path)
        if found is None or value is None or value in ("", "-"):
            continue
        name, rank = found
        if name == CORRELATION:
            ids.append((rank, path, str(value)))
        elif rank < ranks.get(name, _LAST):
            ranks[name], values[name] = rank, value
    made = Record(shape, fields, ids={path: one for _, path, one in sorted(ids)} if ids else {})
    _set_times(made, values, reference)
    _set_words(made, values)
    _set_result(made, values)
    return made


def flatten(value: Any, path: str = "") -> dict[str, Value]:
    """Every leaf of a document by its path; at most 12 levels deep, 400 names and 8 entries of each list."""
    if (
        not path
        and isinstance(value, dict)
        and len(value) <= MOST_FIELDS
        and NESTED.isdisjoint(map(type, value.values()))
    ):
        return dict(value)
    fields: dict[str, Value] = {}
    _fill(fields, value, path, 0)
    return fields


def _fill(fields: dict[str, Value], value: Any, path: str, depth: int) -> None:
    if isinstance(value, dict):
        if depth < DEEPEST:
            pairs = value.items() if len(value) <= MOST_FIELDS else list(value.items())[:MOST_FIELDS]
            for key, inner in pairs:
                below = f"{path}.{key}" if path else key
                if type(inner) in NESTED:
                    _fill(fields, inner, below, depth + 1)
                else:
                    fields[below] = inner
    elif isinstance(value, list):
        for at, inner in enumerate(value[:MOST_ENTRIES] if depth < DEEPEST else ()):
            _fill(fields, inner, f"{path}[{at}]", depth + 1)
    elif path:
        fields[path] = value


def _set_times(made: Record, values: Mapping[str, Value], reference: float) -> None:
    if "at" in values and (found := instant(values["at"], reference)):
        made.at, made.zoned = found
    if "arrival" in values and (arrived := instant(values["arrival"], reference)):
        made.arrival = arrived.at


def _set_words(made: Record, values: Mapping[str, Value]) -> None:
    for name in ("actor", "target", "ip", "method", "path", "latency", "level", "message"):
        if name in values:
            setattr(made, name, str(values[name]))
    if "action" in values:
        made.action = str(values["action"])
    elif made.message and NAME.match(made.message):
        made.action = made.message
    if "request" in values and (match := REQUEST.match(str(values["request"]))):
        made.method, made.path = made.method or match.group(1), made.path or match.group(2)
    controller = made.fields.get("controller")
    if isinstance(controller, str) and made.action and "." not in made.action:
        made.action = f"{controller}#{made.action}"


def _set_result(made: Record, values: Mapping[str, Value]) -> None:
    status = values.get("status")
    number = _whole(status)
    if number is not None and _FIRST_STATUS <= number <= _LAST_STATUS:
        made.status = number
    given = values.get("outcome")
    if made.shape == "ocsf":
        made.outcome = _OCSF_OUTCOMES.get(_whole(made.fields.get("status_id")) or 0)
    elif made.shape == "cloudtrail":
        made.outcome = "failure" if made.fields.get("errorCode") else "success"
    else:
        made.outcome = _outcome(given) or (_outcome(status) if number is None else None)


def _outcome(value: Value) -> str | None:
    word = str(value).strip().lower()
    return "success" if word in SUCCESS else "failure" if word in FAILURE else None


def _whole(value: Value) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(str(value))
    except ValueError:
        return None
