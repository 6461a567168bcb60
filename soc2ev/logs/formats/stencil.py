"""
Patterns for lines that differ only in their values: one search over a block gives the fields of all of them.

A stencil is strict. What it fits, the reader of that format reads to the very same fields, and no other text format
fits; anything odd (escapes, marks within values, numbers of many digits) it leaves to the readers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from soc2ev.logs.formats import text
from soc2ev.logs.formats.parser import Form, is_wrapped, shape
from soc2ev.logs.formats.record import flatten

Reader = Callable[[str], Any] | None
"""Makes a value of its text; None where the text is the value."""
_LONGEST, _MOST_FIELDS = 4096, 60
_FEWEST_PAIRS = 3
_END = r"[ \t\r]*$"
_TOKEN = re.compile(r'[ \t]*(?:("(?:[^"\\\x00-\x1f]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+))')
_KEY = re.compile(r'"[^"\\]*"')
_COLON = re.compile(r"[ \t]*:")
NAME, QUOTED, BARE = r"[A-Za-z_@][\w.@\-]{0,60}", r'([^"\\\n]{0,999}+)', r"([^\s,\"']{0,999}+)"
"""Of a pair: its name, and its value between quotes or without; a line of all that a stencil has is none too long."""
_PAIR = re.compile(rf"({NAME})=(\"[^\"\\]*\"|[^\s,\"']*)(?: |$)", re.ASCII)
_LEAVES: dict[type, tuple[str, Reader]] = {
    str: (r'"([^"\\\x00-\x1f]*+)"', None),
    int: (r"(0|-?[1-9][0-9]{0,17})", int),
    float: (r"(-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18})", float),
    bool: (r"(true|false)", "true".__eq__),
    type(None): (r"null", None),
}


@dataclass(frozen=True, slots=True, eq=False)
class Stencil:
    """A kind of line: the format of its records, their fields, and where in a match each is found."""

    shape: str
    names: tuple[str, ...]
    groups: Mapping[str, tuple[int, Reader]]
    """For each field its place in a match; a field without is null."""
    body: str
    form: Form | None = None
    """The text format that fits; None for JSON."""

    # Which of the two is needed shows itself; making one takes as long as reading hundreds of lines.
    @property
    def whole(self) -> re.Pattern[str]:
        """Finds lines of this kind, one a match."""
        return re.compile(f"^{self.body}", re.MULTILINE)

    @property
    def either(self) -> re.Pattern[str]:
        """Finds every line; where it is of another kind, the first group is empty."""
        return re.compile(f"^(?:{self.body}|.*$)", re.MULTILINE)


def given(value: str) -> str | None:
    """The value in a format that writes what is missing as a dash, or as nothing."""
    return None if value in ("-", "") else value


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Lines of one kind: which of the lines they were, and what the stencil found in them."""

    stencil: Stencil
    at: Sequence[int]
    rows: list[tuple[str, ...]] = field(repr=False)

    def column(self, path: str) -> list[Any]:
        """The values of a field."""
        if path not in self.stencil.groups:
            return [None] * len(self.rows)
        place, read = self.stencil.groups[path]
        found: list[Any] = list(map(itemgetter(place), self.rows))
        if read is None or (read is given and "-" not in found and "" not in found):
            return found
        return list(map(read, found))

    def fields(self, at: int) -> dict[str, Any]:
        """The fields of one of the lines."""
        row, groups = self.rows[at], self.stencil.groups
        return {name: _value(row, groups.get(name)) for name in self.stencil.names}


def _value(row: tuple[str, ...], group: tuple[int, Reader] | None) -> Any:
    if group is None:
        return None
    place, read = group
    return row[place] if read is None else read(row[place])


def stencil_of_json(line: str) -> Stencil | None:
    """The stencil of a line with one JSON object; None for one that cannot have any."""
    line = line.rstrip(" \t\r")
    found = members_of_json(line)
    if found is None or is_wrapped(found.value):
        return None
    return _stencil(shape(found.value), found.names, found.body, found.kinds, None)


class Members(NamedTuple):
    """An object of JSON: itself, the names of its leaves, how each of them is written and read, and a pattern."""

    value: dict[str, Any]
    names: tuple[str, ...]
    kinds: Sequence[tuple[str, Reader]]
    body: str
    """With a group for each leaf that is no null."""


def members_of_json(line: str) -> Members | None:
    """What a line that is one object says of others of its kind; None for an object that no stencil can read."""
    if len(line) > _LONGEST:
        return None
    try:
        value = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not value:
        return None
    nested = any(isinstance(one, dict | list) for one in value.values())
    fields = flatten(value) if nested else value
    body, leaves = _body(line)
    if not fields or len(fields) > _MOST_FIELDS or leaves != list(fields.values()):
        return None
    kinds = [_LEAVES[type(one)] for one in leaves]
    return Members(value, tuple(fields), kinds, body.format(*(leaf for leaf, _ in kinds)))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key comes twice")
    return made


def _body(line: str) -> tuple[str, list[Any]]:
    """A pattern with `{}` for each value of the line, and the values; no values for a line with odd keys."""
    parts: list[str] = []
    leaves: list[Any] = []
    place = 0
    for match in _TOKEN.finditer(line):
        token = match.group().lstrip(" \t")
        key = bool(match.group(1)) and _COLON.match(line, match.end())
        if match.start() != place or (key and not _KEY.fullmatch(token)):
            return "", []
        place = match.end()
        parts.append(_literal(match.group().removesuffix(token)))
        if key or match.group(2):
            parts.append(_literal(token))
        else:
            parts.append("{}")
            leaves.append(json.loads(token))
    return ("".join(parts), leaves) if place == len(line) else ("", [])


def _literal(shown: str) -> str:
    return re.escape(shown).replace("{", "{{").replace("}", "}}")


def stencil_of_pairs(line: str) -> Stencil | None:
    """The stencil of a line that is key=value from its beginning to its end; None for any other."""
    line = line.rstrip(" \t\r")
    found = list(_PAIR.finditer(line)) if len(line) <= _LONGEST else []
    names = [match.group(1) for match in found]
    gapless = "".join(match.group() for match in found) == line and not line.endswith(" ")
    if not gapless or not _FEWEST_PAIRS <= len(set(names)) == len(names) <= _MOST_FIELDS or "message" in names:
        return None
    values = [f'"{QUOTED}"' if match.group(2)[:1] == '"' else BARE for match in found]
    body = " ".join(f"{re.escape(name)}={value}" for name, value in zip(names, values, strict=True))
    return _stencil("pairs", tuple(names), body, [("", None)] * len(names), text.pairs)


def _stencil(
    shaped: str, names: tuple[str, ...], body: str, kinds: Sequence[tuple[str, Reader]], form: Form | None
) -> Stencil:
    groups: dict[str, tuple[int, Reader]] = {}
    for name, (leaf, read) in zip(names, kinds, strict=True):
        if leaf != "null":
            groups[name] = (1 + len(groups), read)
    start = 2 if body[0] == "\\" else 1
    return Stencil(shaped, names, groups, f"({body[:start]}){body[start:]}{_END}", form)
