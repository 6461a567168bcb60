"""Which format a line has, and its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from soc2ev.logs import jsontext
from soc2ev.logs.formats import text
from soc2ev.logs.formats.record import Record, Value, flatten, known
from soc2ev.logs.instants import instant

_DEEPEST = 3
_WRAPPERS = frozenset(("resourceLogs", "Records", "log"))
Form = Callable[[str], tuple[str, dict[str, Value]] | None]
_TEXT: tuple[Form, ...] = (
    text.access,
    text.syslog_5424,
    text.syslog_3164,
    text.rails,
    text.pairs,
    text.dated,
)


_OKTA = frozenset({"published", "legacyEventType", "displayMessage", "debugContext"})
_GITHUB_PLACES = frozenset({"org", "org_id", "repo", "repository", "business", "business_id", "enterprise"})
Entry = tuple[str, dict[str, Value]]
"""A record's format and its flat fields."""


class Parser:
    """
    Reads the lines of one file; `reference` is about when it was written (its modification time, say).

    A parser remembers the last text format that fitted, and tries it first.
    """

    def __init__(self, reference: float) -> None:
        self.reference = reference
        self.order = tuple(range(len(_TEXT)))
        self.ambiguous = True  # nobody asks before an order is set

    @property
    def order(self) -> tuple[int, ...]:
        """The text formats in the order in which they are tried; setting it begins a new part of the file."""
        return tuple(map(_TEXT.index, self._order))

    @order.setter
    def order(self, given: Iterable[int]) -> None:
        self._order = [_TEXT[at] for at in given]
        self._used: set[Form] = set()
        self.ambiguous = False
        """Whether a line since then fitted several formats, so that the order mattered."""

    def following(self, before: tuple[int, ...]) -> tuple[int, ...]:
        """The order after this part if it had been `before` at its beginning."""
        used = [_TEXT.index(form) for form in self._order[: len(self._used)]]
        return (*used, *(at for at in before if at not in used))

    def used(self, form: Form) -> None:
        """Remember that a line was of that text format, and of no other."""
        if self._order[0] is not form:
            self._order.remove(form)
            self._order.insert(0, form)
        self._used.add(form)

    def records(self, line: bytes) -> list[Record]:
        """The records of a line: one, or several where the format nests them; none when the line is not understood."""
        return [self.finished(entry) for entry in self.entries(line)]

    def entries(self, line: bytes) -> list[Entry | Record]:
        """The same as `records`, most of it before its fields are looked through: `finished` does that for one."""
        stripped = line.strip()
        if stripped[:1] in (b"{", b"["):
            return self._of_json(stripped, 0) or self._of_text(stripped, 0)
        return self._of_text(stripped, 0)

    def of_text(self, line: bytes) -> Entry | None:
        """The entry of a line, without white space around it, that does not begin like JSON."""
        return self._fitting(line, 0)

    def finished(self, entry: Entry | Record) -> Record:
        """The record of an entry."""
        return entry if isinstance(entry, Record) else known(*entry, self.reference)

    def documents(self, value: Any) -> list[Record]:
        """The records of a whole parsed document, such as an exported array."""
        return [self.finished(entry) for entry in self.parsed(value)]

    def parsed(self, value: Any) -> Iterator[Entry | Record]:
        """The entries of a parsed document."""
        return self._of_value(value, 0)

    def _of_json(self, line: bytes, depth: int) -> list[Entry | Record]:
        try:
            value = jsontext.loads(line)
        except ValueError:
            return []
        return list(self._of_value(value, depth))

    def _of_value(self, value: Any, depth: int) -> Iterator[Entry | Record]:
        if isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    yield from self._of_value(one, depth + 1) if depth < _DEEPEST else ()
        elif isinstance(value, dict):
            yield from self._of_object(value, depth)

    def _of_object(self, value: dict[str, Any], depth: int) -> Iterator[Entry | Record]:
        if isinstance(nested := value.get("resourceLogs"), list):
            yield from (("otlp", fields) for fields in _otlp(nested))
        elif isinstance(nested := value.get("Records"), list) and depth < _DEEPEST:
            yield from self._of_value(nested, depth + 1)
        elif isinstance(inner := value.get("log"), str) and "stream" in value and depth < _DEEPEST:
            yield from self._of_docker(value, inner, depth)
        elif value:
            yield shape(value), flatten(value)

    def _of_docker(self, value: dict[str, Any], inner: str, depth: int) -> Iterator[Record]:
        """Docker's json-file wraps what the program wrote; its `time` is when the daemon received it."""
        line = inner.strip().encode("utf-8", "replace")
        found = self._of_json(line, depth + 1) if line[:1] == b"{" else self._of_text(line, depth + 1)
        told = value.get("time")
        received = instant(told, self.reference) if told not in ("", "-") else None
        for entry in found or [("text", {"message": inner.strip()})]:
            one = self.finished(entry)
            if one.at is not None:
                one.arrival = received and received.at
            elif received:
                one.at, one.zoned = received
            yield one

    def _of_text(self, line: bytes, depth: int) -> list[Entry | Record]:
        found = self._fitting(line, depth)
        return [found] if found else []

    def _fitting(self, line: bytes, depth: int) -> Entry | None:
        shown = line.decode("utf-8", "replace")
        for at, form in enumerate(self._order):
            if (found := form(shown)) is not None:
                if at:
                    self._order.insert(0, self._order.pop(at))
                self._used.add(form)
                self.ambiguous = self.ambiguous or _has_rival(form, shown)
                return self._of_form(*found, depth) if "message" in found[1] else found
        return None

    def _of_form(self, shape: str, fields: dict[str, Value], depth: int) -> Entry:
        """A message that is JSON or key=value itself adds its fields; the outer ones say when it was."""
        message = fields["message"]
        if isinstance(message, str) and depth < _DEEPEST:
            start = message.find("{")
            if start >= 0 and message.rstrip().endswith("}"):
                fields = {**_inner(message[start:]), **fields}
            elif (found := text.pairs(message)) is not None:
                fields = {**found[1], **fields}
        return shape, fields


def _has_rival(fitting: Form, line: str) -> bool:
    """Whether another text format fits too; what each one needs at the least is asked first."""
    third, fourth, fifth = line[3:4], line[4:5], line[5:6]
    equals = line.find("=", 0, 80)
    possible = (
        '] "' in line,
        line[:1] == "<",
        line[:1] == "<" or third == " " or fourth == "-",
        line[1:4] == ", [",
        equals >= 0 and " " not in line[:equals].strip(),
        fourth in ("-", "/") or fifth in ("-", "/"),
    )
    for may, form in zip(possible, _TEXT, strict=True):
        if may and form is not fitting and form(line) is not None:
            return True
    return False


def _inner(message: str) -> dict[str, Value]:
    try:
        value = jsontext.loads(message.encode("utf-8", "replace"))
    except ValueError:
        return {}
    return flatten(value) if isinstance(value, dict) else {}


def is_wrapped(value: dict[str, Any]) -> bool:
    """Whether the object may hold other records, or a line that another program wrote."""
    return not _WRAPPERS.isdisjoint(value)


def shape(value: dict[str, Any]) -> str:
    """The vendor's format, by the fields that its documentation promises."""
    if "eventSource" in value and "eventName" in value:
        return "cloudtrail"
    if "class_uid" in value:
        return "ocsf"
    if "eventType" in value and not _OKTA.isdisjoint(value):
        return "okta"
    if "action" in value and ("_document_id" in value or _is_github(value)):
        return "github"
    if "@timestamp" in value and ("ecs" in value or "ecs.version" in value or isinstance(value.get("event"), dict)):
        return "ecs"
    return "ecs" if "event.category" in value else "json"


def _is_github(value: dict[str, Any]) -> bool:
    """An entry of an audit log, also of one that was handed on without the document's id: times are in milliseconds."""
    if not isinstance(value["action"], str):
        return False
    handed_on = "actor" in value and isinstance(value.get("created_at"), int) and not _GITHUB_PLACES.isdisjoint(value)
    return "@timestamp" in value or handed_on


def _otlp(resources: Iterable[Any]) -> Iterator[dict[str, Value]]:
    """Each logRecord with the attributes of its resource (OTLP 1.x, JSON encoding of logs/v1)."""
    for resource in _objects(resources):
        described = resource.get("resource")
        about = _attributes(described.get("attributes"), "resource.") if isinstance(described, dict) else {}
        for scope in _objects(resource.get("scopeLogs") or resource.get("instrumentationLibraryLogs")):
            for entry in _objects(scope.get("logRecords")):
                yield {**about, **_otlp_record(entry)}


def _objects(listed: Any) -> Iterator[dict[str, Any]]:
    """The objects of what should be a list of objects."""
    return (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else iter(())


def _otlp_record(entry: dict[str, Any]) -> dict[str, Value]:
    fields = {name: value for name, value in entry.items() if not isinstance(value, dict | list)}
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        if str(fields.get(name)) == "0":
            fields.pop(name)  # the specification writes "unknown" as zero
    body = _any_value(entry.get("body"))
    inner = flatten(body, "body") if isinstance(body, dict | list) else {"body": body}
    return {**inner, **_attributes(entry.get("attributes"), ""), **fields}


def _attributes(listed: Any, prefix: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in _objects(listed):
        if isinstance(one.get("key"), str):
            value = _any_value(one.get("value"))
            name = prefix + one["key"]
            found.update(flatten(value, name) if isinstance(value, dict | list) else {name: value})
    return found


def _any_value(value: Any) -> Any:
    """What an AnyValue holds; 64-bit numbers come as strings in this encoding."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    kind, inner = next(iter(value.items()))
    if kind in ("arrayValue", "kvlistValue"):
        values = inner.get("values") if isinstance(inner, dict) else None
        if kind == "arrayValue":
            return [_any_value(one) for one in values] if isinstance(values, list) else []
        return {one["key"]: _any_value(one.get("value")) for one in _objects(values) if isinstance(one.get("key"), str)}
    return None if isinstance(inner, dict | list) else inner
