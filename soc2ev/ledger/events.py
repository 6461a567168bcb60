"""What an event is: the fields that a caller gives, and when two events with one id say the same."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from soc2ev.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soc2ev.model import Json

FIELDS = ("action", "actor_email", "actor_id", "id", "metadata", "target_id", "target_type", "timestamp")
"""What an event may say; `action` and `actor_id` it must."""
MAX_TEXT = 512
MAX_DEPTH = 20
_CONVENTION = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*){1,4}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_TEXTS = tuple(name for name in FIELDS if name != "metadata")
_CONTENT = tuple(name for name in FIELDS if name != "id")
_TEXT = json.encoder.encode_basestring
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class ConflictError(ConfigError):
    """An id was used before, for an event that says something else; nothing was appended."""


@dataclass(frozen=True, slots=True)
class Event:
    """A checked event: its fields as they will be stored, without those that were not given."""

    fields: Mapping[str, Json]

    @classmethod
    def read(cls, given: Any) -> Event:
        """The event in this mapping; ConfigError, naming the field, when it is none."""
        if not isinstance(given, dict):
            raise _wrong("an event is an object with action and actor_id")
        if unknown := sorted(set(given) - _KNOWN):
            raise _wrong(f"unknown field {unknown[0]!r:.80}; put what you know besides into metadata")
        fields = {name: value for name, value in given.items() if value is not None}
        for name, value in fields.items():
            # The usual case first: this runs for every field of every event of an import.
            usual = type(value) is str and 0 < len(value) <= MAX_TEXT and value.isprintable()
            if not usual and name != "metadata":
                _check_text(name, value)
        for name in ("action", "actor_id"):
            if name not in fields:
                raise _wrong(f"{name} is missing")
        _check_metadata(fields.setdefault("metadata", {}))
        if "timestamp" in fields:
            instant(fields["timestamp"])
        return cls(fields)

    @property
    def id(self) -> str | None:
        """The caller's name for the event, by which a repetition is known; None when there is none."""
        found = self.fields.get("id")
        return None if found is None else str(found)


_KNOWN = frozenset(FIELDS)


def doubt(action: str) -> str:
    """Why the action does not look like `resource.sub.verb`; empty when it does. It is stored either way."""
    if _CONVENTION.fullmatch(action):
        return ""
    return f"the action {action!r:.80} is not written as resource.sub.verb, for example user.role.updated"


def pieces(fields: Mapping[str, Json]) -> dict[str, str]:
    """The JSON text of every field of the event that is there, by name."""
    found = {name: _TEXT(fields[name]) for name in _TEXTS if name in fields}
    found["metadata"] = _ENCODER.encode(fields["metadata"]) if fields["metadata"] else "{}"
    return found


def fingerprint(spelled: Mapping[str, str]) -> bytes:
    """Sixteen bytes that are equal for events with equal content, whatever their ids; of what `pieces` gives."""
    content = ",".join(f"{name}:{spelled[name]}" for name in _CONTENT if name in spelled)
    return hashlib.sha256(content.encode()).digest()[:16]


def environment_of(source: Json) -> str:
    """The environment of the key that an event came with; empty for one that came without a key."""
    return str(source.get("environment") or "") if isinstance(source, dict) else ""


def key_of(event_id: str, environment: str = "") -> bytes:
    """Sixteen bytes that stand for the id: each environment has ids of its own."""
    named = f"{environment}\0{event_id}" if environment else event_id
    return hashlib.sha256(named.encode()).digest()[:16]


def instant(text: str) -> datetime:
    """The instant of an RFC 3339 text with its zone; ConfigError for anything else."""
    if not _INSTANT.fullmatch(text):
        raise _wrong("timestamp is no RFC 3339 time with a zone, such as 2026-11-21T23:33:40Z")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise _wrong("timestamp is no time that exists") from None


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise _wrong(f"{name} is no text")
    if not value or len(value) > MAX_TEXT:
        raise _wrong(f"{name} is empty" if not value else f"{name} is longer than {MAX_TEXT} characters")
    if not value.isprintable():
        raise _wrong(f"{name} holds characters that cannot be shown")


def _check_metadata(value: Any) -> None:
    if not isinstance(value, dict):
        raise _wrong("metadata is no object")
    if value:
        _check_part(value, MAX_DEPTH)


def _check_part(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if not value.isascii():
            _check_unicode(value)
    elif value is None or isinstance(value, int):
        pass
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _wrong("metadata holds a number that is none")
    elif depth == 0:
        raise _wrong(f"metadata is nested deeper than {MAX_DEPTH}")
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise _wrong("metadata has a key that is no text")
            _check_part(key, depth - 1)
            _check_part(part, depth - 1)
    elif isinstance(value, list | tuple):
        for part in value:
            _check_part(part, depth - 1)
    else:
        raise _wrong(f"metadata holds a value of type {type(value).__name__}")


def _check_unicode(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong("metadata holds half of a surrogate pair") from None


def _wrong(says: str) -> ConfigError:
    return ConfigError(f"not an event: {says}", hint="nothing of it was appended; docs/ledger.md lists the fields")
