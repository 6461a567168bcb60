"""Which format a line has, and its records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from soc2ev.logs import jsontext
from soc2ev.logs.formats import text
from soc2ev.logs.formats.record import NESTED, Record, Value, flatten, known
from soc2ev.logs.instants import instant

_DEEPEST = 3
_WRAPPERS = frozenset(("resourceLogs", "Records", "log"))
TELLING = _WRAPPERS | {"eventSource", "class_uid", "eventType", "action", "@timestamp", "event.category"}
"""Members that tell a format, or a wrapper: an object without any is a record of JSON as such."""
Form = Callable[[str], tuple[str, dict[str, Value]] | None]
_TEXT: tuple[Form, ...] = (
    text.access,
    text.syslog_5424,
    text.syslog_3164,
    text.rails,
    text.pairs,
    text.dated,
    text.apache_error,
)


_DATED = re.compile(rb"\[[0-9]{4}[-/]")
"""A date in brackets, which no list of JSON can begin with."""
_LISTS = frozenset(("arrayValue", "kvlistValue"))
_OBJECT = re.compile(r'\{[ \t\r\n]*(?:\}|"(?:[^"\\]++|\\.)*+"[ \t\r\n]*:)')
"""How an object of JSON begins (RFC 8259, 4)."""
_OKTA = frozenset({"published", "legacyEventType", "displayMessage", "debugContext"})
_GITHUB_PLACES = frozenset({"org", "org_id", "repo", "repository", "business", "business_id", "enterprise"})
Entry = tuple[str, dict[str, Value]]
"""A record's format and its flat fields."""


class Carried(NamedTuple):
    """The same of a record in a wrapper, and what this says of when it was received."""

    shape: str
    fields: dict[str, Value]
    received: Any


Given = Entry | Carried | Record


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

    def is_settled(self, form: Form) -> bool:
        """Whether it would change nothing that another line is of that text format."""
        return self._order[0] is form and form in self._used

    def used(self, form: Form) -> None:
        """Remember that a line was of that text format, and of no other."""
        if self._order[0] is not form:
            self._order.remove(form)
            self._order.insert(0, form)
        self._used.add(form)

    def records(self, line: bytes) -> list[Record]:
        """The records of a line: one, or several where the format nests them; none when the line is not understood."""
        return [self.finished(entry) for entry in self.entries(line)]

    def entries(self, line: bytes) -> list[Given]:
        """The same as `records`, most of it before its fields are looked through: `finished` does that for one."""
        stripped = line.strip()
        if stripped[:1] in (b"{", b"[") and not _DATED.match(stripped):
            return self._of_json(stripped, 0) or self._of_text(stripped.decode("utf-8", "replace"), 0)
        return self._of_text(stripped.decode("utf-8", "replace"), 0)

    def of_text(self, line: bytes) -> Entry | None:
        """The entry of a line, without white space around it, that does not begin like JSON."""
        return self._fitting(line.decode("utf-8", "replace"), 0)

    def finished(self, entry: Given) -> Record:
        """The record of an entry."""
        if isinstance(entry, Record):
            return entry
        made = known(entry[0], entry[1], self.reference)
        if isinstance(entry, Carried):
            receive(made, entry.received, self.reference)
        return made

    def documents(self, value: Any) -> list[Record]:
        """The records of a whole parsed document, such as an exported array."""
        return [self.finished(entry) for entry in self.parsed(value)]

    def parsed(self, value: Any) -> Iterator[Given]:
        """The entries of a parsed document."""
        return self._of_value(value, 0)

    def _of_json(self, line: bytes, depth: int) -> list[Given]:
        try:
            value = jsontext.loads(line)
        except ValueError:
            return []
        return list(self._of_value(value, depth))

    def _of_value(self, value: Any, depth: int) -> Iterator[Given]:
        if isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    yield from self._of_value(one, depth + 1) if depth < _DEEPEST else ()
        elif isinstance(value, dict):
            yield from self._of_object(value, depth)

    def _of_object(self, value: dict[str, Any], depth: int) -> Iterator[Given]:
        if isinstance(nested := value.get("resourceLogs"), list):
            yield from (("otlp", fields) for fields in _otlp(nested))
        elif isinstance(nested := value.get("Records"), list) and depth < _DEEPEST:
            yield from self._of_value(nested, depth + 1)
        elif depth < _DEEPEST and (inner := carried(value)) is not None:
            yield from self._of_docker(value, inner, depth)
        elif value:
            yield shape(value), flatten(value)

    def _of_docker(self, value: dict[str, Any], line: str, depth: int) -> Iterator[Given]:
        """Docker's json-file wraps what the program wrote; its `time` is when the daemon received it."""
        found = self._of_json(line.encode(), depth + 1) if line[:1] == "{" else self._of_text(line, depth + 1)
        received = value.get("time")
        plain: Entry = ("text", {"message": value["log"].strip()})
        for entry in found or [plain]:
            if isinstance(entry, Carried | Record):
                one = self.finished(entry)
                receive(one, received, self.reference)
                yield one
            else:
                yield Carried(*entry, received)

    def _of_text(self, line: str, depth: int) -> list[Given]:
        found = self._fitting(line, depth)
        return [found] if found else []

    def _fitting(self, line: str, depth: int) -> Entry | None:
        for at, form in enumerate(self._order):
            if at == 1 and not text.may_fit(line):
                return None
            if (found := form(line)) is not None:
                if at:
                    self._order.insert(0, self._order.pop(at))
                self._used.add(form)
                self.ambiguous = self.ambiguous or _has_rival(form, line)
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


def receive(record: Record, told: Any, reference: float) -> None:
    """A record's wrapper told when it was received: that is when it was, too, if the record itself does not say."""
    received = instant(told, reference) if told not in ("", "-") else None
    if record.at is not None:
        record.arrival = received and received.at
    elif received:
        record.at, record.zoned = received


def _has_rival(fitting: Form, line: str) -> bool:
    """Whether another text format fits too; each of them asks first for what it needs at the least."""
    return any(form(line) is not None for form in _TEXT if form is not fitting)


def _inner(message: str) -> dict[str, Value]:
    if not _OBJECT.match(message):
        return {}
    try:
        value = jsontext.loads(message.encode("utf-8", "replace"))
    except ValueError:
        return {}
    return flatten(value) if isinstance(value, dict) else {}


def is_wrapped(value: dict[str, Any]) -> bool:
    """Whether the object may hold other records, or a line that another program wrote."""
    return not _WRAPPERS.isdisjoint(value)


def carried(value: dict[str, Any]) -> str | None:
    """The line of another program in an object of Docker's json-file, without white space around it; None elsewhere."""
    inner = value.get("log")
    if not isinstance(inner, str) or "stream" not in value:
        return None
    if isinstance(value.get("resourceLogs"), list) or isinstance(value.get("Records"), list):
        return None
    line = inner.strip()
    return line if line.isascii() else line.encode("utf-8", "replace").decode()


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


def _objects(listed: Any) -> list[dict[str, Any]]:
    """The objects of what should be a list of objects."""
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _otlp_record(entry: dict[str, Any]) -> dict[str, Value]:
    fields: dict[str, Value] = {name: value for name, value in entry.items() if type(value) not in NESTED}
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        if str(fields.get(name)) == "0":
            fields.pop(name)  # the specification writes "unknown" as zero
    body = _any_value(entry.get("body"))
    inner = flatten(body, "body") if type(body) in NESTED else {"body": body}
    return {**inner, **_attributes(entry.get("attributes"), ""), **fields}


def _attributes(listed: Any, prefix: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(key := one.get("key"), str):
            value = _any_value(one.get("value"))
            if type(value) in NESTED:
                found.update(flatten(value, prefix + key))
            else:
                found[prefix + key] = value
    return found


def _any_value(value: Any) -> Any:
    """What an AnyValue holds; 64-bit numbers come as strings in this encoding."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(kind, inner)] = value.items()
    if kind in _LISTS:
        values = inner.get("values") if isinstance(inner, dict) else None
        if kind == "arrayValue":
            return [_any_value(one) for one in values] if isinstance(values, list) else []
        return {one["key"]: _any_value(one.get("value")) for one in _objects(values) if isinstance(one.get("key"), str)}
    return None if type(inner) in NESTED else inner
