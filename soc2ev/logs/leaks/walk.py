"""JSON as logs carry it: the strings and numbers of a text with their paths and places, also when it is cut short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\],:])|([^\s{}\[\],:"]+)')
PLAIN = re.compile(r"^[A-Za-z_@][\w\-@]*$")
_FLAG = re.compile(r"^--?[A-Za-z][\w\-]+$")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
NAMERS = frozenset(
    {
        "key",
        "name",
        "Key",
        "Name",
        "k",
        "header",
        "field",
        "Header",
        "Field",
        "label",
        "param",
        "headerName",
        "parameter",
        "parameterKey",
        "parameterName",
        "ParameterKey",
        "ParameterName",
    }
)
VALUERS = frozenset(
    {
        "value",
        "Value",
        "v",
        "val",
        "values",
        "Values",
        "stringValue",
        "string_value",
        "intValue",
        "bytesValue",
        "arrayValue",
        "kvlistValue",
        "content",
        "parameterValue",
        "ParameterValue",
    }
)
_LISTS_OF_NAMES = frozenset(
    {
        "required",
        "fields",
        "columns",
        "keys",
        "names",
        "params",
        "properties",
        "scopes",
        "permissions",
        "attributes",
        "redact",
    }
    | {
        "mask",
        "masked",
        "exclude",
        "include",
        "only",
        "except",
        "filter_parameters",
        "changed",
        "missing",
        "errors",
        "select",
    }
)
"""Keys of lists in which no entry says what the next one is: schemas and settings name fields."""
LONGEST_PATH = 1000
_WHOLE = len("\\u0000")
_HIGHEST_CLIMB = 6


@dataclass(slots=True)
class Frame:
    """An object or array that is open."""

    path: str
    array: bool
    key: str
    """The key under which it lies itself."""
    owner: Frame | None = None
    current: str = ""
    index: int = -1
    naming: str = ""
    """The string under `key` or `name`, for lists of pairs such as OTLP's attributes."""
    previous: str = ""
    names: list[str] = field(default_factory=list)
    """The keys so far, and all of them when the object is closed."""
    members: list[Frame] = field(default_factory=list)
    """What an array has of objects so far."""

    def siblings(self) -> Iterator[str]:
        """The names that the pairs beside this one have, in a list such as that of OTLP's attributes."""
        frame: Frame | None = self
        while frame and not frame.members:
            frame = frame.owner if frame.key in VALUERS or frame.array or frame.naming else None
        return (member.naming for member in frame.members if member.naming) if frame else iter(())


@dataclass(slots=True)
class Leaf:
    """A string or bare word with its place in the text; like hits they are made by the thousand, so not frozen."""

    step: str | int
    """Its own key, or its index in an array."""
    key: str
    start: int
    end: int
    raw: str = field(repr=False)
    quoted: bool
    frame: Frame = field(repr=False)

    @property
    def path(self) -> str:
        """Where it stands, such as `$.items[0].name`."""
        return _path(self.frame, self.step)

    @property
    def name(self) -> str:
        """The key that says what the value is: its own, or the `key` or `name` beside a `value`."""
        key, frame = self.key, self.frame
        for _ in range(_HIGHEST_CLIMB):
            if key and key not in VALUERS:
                break
            if frame.naming:
                return frame.naming
            if frame.owner is None:
                break
            key, frame = frame.key, frame.owner
        return key or self.key


def leaves(text: str, root: str = "$", key: str = "") -> Iterator[Leaf]:
    """
    Every value of the JSON in the text; nothing is refused, so a cut or broken text gives what it has.

    `key` is the one under which the whole text stood.
    """
    found: list[Leaf] = []
    frame = Frame(root, array=False, key=key, current="")
    expects_key = False
    for match in _TOKEN.finditer(text):
        string, mark, bare = match.groups()
        if mark:
            frame, expects_key = _move(frame, mark, root, expects_key=expects_key)
        elif expects_key and string is not None:
            frame.current, expects_key = string, False
            frame.names.append(string)
        elif string is not None or bare is not None:
            found.append(_leaf(frame, match, string, bare))
    return iter(found)


def _move(frame: Frame, mark: str, root: str, *, expects_key: bool) -> tuple[Frame, bool]:
    if mark in "{[":
        if frame.array:
            frame.index += 1
        path = _path(frame, frame.index if frame.array else frame.current) if frame.owner or frame.current else root
        key = frame.key if frame.array or frame.owner is None else frame.current
        fresh = Frame(path, mark == "[", key, frame)
        if frame.array and mark == "{":
            frame.members.append(fresh)
        return fresh, mark == "{"
    if mark in "}]":
        return frame.owner or frame, False
    if mark == ",":
        return frame, not frame.array and frame.owner is not None
    return frame, False if mark == ":" else expects_key


def _leaf(frame: Frame, match: re.Match[str], string: str | None, bare: str | None) -> Leaf:
    value = bare if string is None else string
    group = 3 if string is None else 1
    if frame.array:
        frame.index += 1
    elif frame.current in NAMERS and string is not None:
        frame.naming = string
    key = (frame.previous or frame.key) if frame.array else frame.current
    step = frame.index if frame.array else frame.current
    leaf = Leaf(step, key, match.start(group), match.end(group), value or "", string is not None, frame)
    if frame.array:
        frame.previous = naming(frame, string or "")
    return leaf


def naming(frame: Frame, string: str) -> str:
    """What an entry of an array says of the next: in pairs the first is the name; a flag of a command always is one."""
    if frame.key in _LISTS_OF_NAMES:
        return ""
    if _FLAG.match(string):
        return string.lstrip("-")
    return "" if frame.previous else string if PLAIN.match(string) else ""


def _path(frame: Frame, step: str | int) -> str:
    if len(frame.path) > LONGEST_PATH:
        return frame.path  # nested by an enemy
    if isinstance(step, int):
        return f"{frame.path}[{step}]"
    return f"{frame.path}.{step}" if PLAIN.match(step) else f"{frame.path}['{step}']"


def unescape(raw: str) -> tuple[str, list[int]]:
    """The string that a JSON literal means, and for each of its characters (and its end) the offset in the literal."""
    out: list[str] = []
    places: list[int] = []
    position = 0
    for match in _ESCAPE.finditer(raw):
        out.extend(raw[position : match.start()])
        places.extend(range(position, match.start()))
        meant = _meaning(match.group())
        out.extend(meant)
        places.extend([match.start()] * len(meant))
        position = match.end()
    out.extend(raw[position:])
    places.extend(range(position, len(raw) + 1))
    return "".join(out), places


def _meaning(escape: str) -> str:
    if len(escape) == _WHOLE:  # a cut one is what any other letter behind a backslash is
        # Latin-1 stands for bytes here: what is escaped is the same value as what is written in UTF-8.
        return chr(int(f"0x{escape[2:]}", 0)).encode("utf-8", "replace").decode("latin-1")
    return _SHORT.get(escape[1], escape[1])
