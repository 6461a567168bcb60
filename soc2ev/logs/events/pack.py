"""
Event packs: YAML files of rules over the fields of a record.

A rule names an `event` and `when` it holds: a mapping of fields to what they may be, of which all must hold; a list of
such mappings holds when one does; `unless` is the same, and must not. Fields are paths as the log writes them, or what
is known of a record: `@action` (as words: lower case, `.` between them), `@outcome`, `@status`, `@method`, `@path`,
`@actor`, `@target`, `@message`, `@level`. What a field may be: a text, in which `*` stands for anything and case does
not count, a number, true or false, a list of these, `{from: 400, to: 499}`, or `{present: true}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from soc2ev import yamlfile
from soc2ev.errors import ConfigError
from soc2ev.logs.events.kinds import KINDS

FOLDER = Path(".soc2ev") / "events"
SHAPES = ("cloudtrail", "okta", "github", "ocsf", "ecs", "otlp", "json", "access", "syslog", "pairs", "text")
KNOWN = ("action", "outcome", "status", "method", "path", "actor", "target", "message", "level")
_SHIPPED = Path(__file__).parent / "packs"
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
_GAPS = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Test:
    """One field, and what it may be: any of the texts (patterns), a number in the range, or merely present."""

    field: str
    texts: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A record tells of the event when all tests of one alternative hold, and those of no exception."""

    event: str
    when: tuple[tuple[Test, ...], ...]
    unless: tuple[tuple[Test, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules for records of these shapes."""

    name: str
    shapes: tuple[str, ...]
    rules: tuple[Rule, ...]


@lru_cache(8192)
def words(action: str) -> str:
    """An action as its words: `LoginFailed`, `login_failed` and `login-failed` are `login.failed`."""
    return _GAPS.sub(".", _CAMEL.sub(r"\1.\2", action)).lower()


def packs(folder: Path | None = None) -> tuple[Pack, ...]:
    """The shipped packs and those of `.soc2ev/events` below the folder; ConfigError for one that is wrong."""
    own = sorted((folder / FOLDER).glob("*.yaml")) if folder else []
    return (*_shipped(), *(parse(yamlfile.read(file)) for file in own))


@lru_cache(1)
def _shipped() -> tuple[Pack, ...]:
    return tuple(parse(yamlfile.read(file, file.name)) for file in sorted(_SHIPPED.glob("*.yaml")))


def parse(document: yamlfile.Document) -> Pack:
    """The pack in a YAML document; ConfigError with file:line:column for what is wrong with it."""
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("pack"), str) or not isinstance(data.get("rules"), list):
        raise ConfigError(f"{document.name}:1:1: expected pack: NAME, shapes: [...], rules: [...]")
    _refuse(document, (), data, ("pack", "shapes", "rules"))
    shapes = data.get("shapes") or list(SHAPES)
    for shape in shapes if isinstance(shapes, list) else [shapes]:
        if shape not in SHAPES:
            raise ConfigError(f"{document.place(('shapes',))}: unknown shape {shape!r}", hint=", ".join(SHAPES))
    rules = tuple(_rule(document, at, one) for at, one in enumerate(data["rules"]))
    return Pack(data["pack"], tuple(shapes), rules)


def _rule(document: yamlfile.Document, at: int, data: Any) -> Rule:
    place = ("rules", at)
    if not isinstance(data, dict) or not data.get("when"):
        raise ConfigError(f"{document.place(place)}: expected event: NAME and when: {{field: value}}")
    _refuse(document, place, data, ("event", "when", "unless"))
    if data.get("event") not in KINDS:
        raise ConfigError(f"{document.place(place)}: unknown event {data.get('event')!r}", hint=", ".join(KINDS))
    return Rule(
        data["event"],
        _alternatives(document, (*place, "when"), data["when"]),
        _alternatives(document, (*place, "unless"), data.get("unless") or []),
    )


def _alternatives(document: yamlfile.Document, place: tuple[str | int, ...], data: Any) -> tuple[tuple[Test, ...], ...]:
    listed = data if isinstance(data, list) else [data]
    if not all(isinstance(one, dict) and one for one in listed):
        raise ConfigError(f"{document.place(place)}: expected {{field: value}}, or a list of them")
    return tuple(tuple(_test(document, (*place, name), name, value) for name, value in one.items()) for one in listed)


def _test(document: yamlfile.Document, place: tuple[str | int, ...], name: str, value: Any) -> Test:
    if name.startswith("@") and name[1:] not in KNOWN:
        raise ConfigError(f"{document.place(place)}: unknown field {name}", hint=", ".join(f"@{one}" for one in KNOWN))
    if isinstance(value, dict):
        _refuse(document, place, value, ("from", "to", "present"))
        if isinstance(value.get("present"), bool):
            return Test(name, present=value["present"])
        low, high = value.get("from", float("-inf")), value.get("to", float("inf"))
        if all(isinstance(one, int | float) for one in (low, high)):
            return Test(name, range=(float(low), float(high)))
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(one, str | int | float | bool) for one in texts):
        raise ConfigError(f"{document.place(place)}: expected a text, a number, a list of them, from/to or present")
    return Test(name, tuple(spelled(one) for one in texts))


def spelled(value: Any) -> str:
    """A field's value as tests compare it: text in lower case; true and false as JSON writes them."""
    if value is True:
        return "true"
    return "false" if value is False else str(value).lower()


def _refuse(
    document: yamlfile.Document, place: tuple[str | int, ...], data: Mapping[str, Any], known: Iterable[str]
) -> None:
    for name in data:
        if name not in known:
            raise ConfigError(f"{document.place((*place, name))}: unknown key {name!r}", hint=", ".join(known))
