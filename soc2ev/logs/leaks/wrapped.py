"""
Values that a text carries in another spelling: percent-encoded, quoted with escapes, in cells of a CSV, as JSON.

Each stands for what it means; the rules for secrets then see it as if the log had written it plainly. Of wrappings
within each other the outermost is given, so that every character is taken apart once.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from soc2ev.logs.leaks.audited import commands
from soc2ev.logs.leaks.markup import coded
from soc2ev.logs.leaks.walk import unescape

_PARAMETER = re.compile(
    r"(?:[?&#]|(?<![^\s\"'(\[{]))(?P<key>[\w.\-\[\]%:]{1,60})=(?P<value>[^&?\s\"'<>]*%[0-9A-Fa-f]{2}[^&\s\"'<>]*)"
)
_SEARCH = re.compile(
    r"[?&](?P<key>[\w.\-]{1,60})=(?P<value>[^&?\s\"'<>%+]{1,60}(?:\+[^&?\s\"'<>%+]{1,80}){2,40})(?=[&\s\"'#]|$)"
)
_VARIABLE = re.compile(r"%{1,2}[A-Za-z_]\w*%{1,2}")
"""A variable of Windows: `%DB_PASSWORD%`, doubled where it is to be read later."""
_QUOTED = re.compile(r'(?<!\\)"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPED_QUOTE = re.compile(r'\\"|\\x22')
_BYTE = re.compile(r"\\x([0-9A-Fa-f]{2})")
_CELL = re.compile(r'(?:(?<=[,;\t|])|^)"((?:[^"]|"")*+)"(?=[,;\t|\r]|$)')
_KEY_BEFORE = re.compile(r"([A-Za-z_][\w.\-]{0,60})[\"']?\s?(?:=>|[:=])\s?$")
_OPENING = re.compile(r"\{(?=\s{0,3}\")|\[(?=\s{0,3}[\"{\[])")
_PART = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
_NEAR = 64


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A part of a text, the key that it stands under (or nothing), and what it means; None: it is JSON as it stands."""

    start: int
    end: int
    key: str
    plain: str | None = field(repr=False)


def wrapped(text: str) -> list[Wrapped]:
    """The parts that have to be unwrapped, the outermost of each place."""
    found: list[Wrapped] = []
    for sign, parts in (
        ("proctitle=", _audited),
        ("cmd=", _audited),
        (" a0=", _audited),
        ('""', _cells),
        ("\\", _strings),
        ('"', _documents),
        ("%", _parameters),
        ("+", _searches),
        ("&", _entities),
    ):
        if sign in text:
            found = sorted([*found, *_apart(parts(text), found)], key=lambda part: part.start)
    return found


def _apart(parts: Iterator[Wrapped], taken: list[Wrapped]) -> Iterator[Wrapped]:
    """Those that overlap nothing of what is taken, which is in order of place."""
    for part in parts:
        after = bisect_left(taken, part.end, key=lambda other: other.start)
        if not after or taken[after - 1].end <= part.start:
            yield part


def _audited(text: str) -> Iterator[Wrapped]:
    """Commands in records of the Linux audit."""
    for start, end, plain in commands(text):
        yield Wrapped(start, end, "", plain)


def _cells(text: str) -> Iterator[Wrapped]:
    """Quoted cells with doubled quotes within (RFC 4180 section 2, rule 7)."""
    for match in _CELL.finditer(text):
        if '""' in match.group(1):
            yield Wrapped(match.start(1), match.end(1), "", match.group(1).replace('""', '"'))


def _strings(text: str) -> Iterator[Wrapped]:
    """Strings with quotes escaped within, as logfmt, Ruby and JSON write them, or as nginx does by their number."""
    for match in _QUOTED.finditer(text):
        if _ESCAPED_QUOTE.search(match.group(1)):
            plain = unescape(_BYTE.sub(lambda code: chr(int("0x" + code.group(1), 0)), match.group(1)))[0]
            yield Wrapped(match.start(1), match.end(1), key_before(text, match.start()), plain)


def _documents(text: str) -> Iterator[Wrapped]:
    """JSON in the midst of a text; one that is cut ends with the text."""
    place = 0
    while opening := _OPENING.search(text, place):
        place = _end(text, opening.start())
        yield Wrapped(opening.start(), place, key_before(text, opening.start()), None)


def _end(text: str, start: int) -> int:
    depth = 0
    for part in _PART.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(part.group(), 0)
        if depth == 0:
            return part.end()
    return len(text)


def _parameters(text: str) -> Iterator[Wrapped]:
    """Parameters of addresses and forms whose values are percent-encoded."""
    for match in _PARAMETER.finditer(text):
        if _VARIABLE.fullmatch(match["value"].rstrip(",;)]")):
            continue
        plain = unquote_plus(match["value"], encoding="latin-1")
        yield Wrapped(match.start("value"), match.end("value"), unquote_plus(match["key"]).rpartition(":")[2], plain)


def _searches(text: str) -> Iterator[Wrapped]:
    """Parameters of addresses in which a plus sign stands for each blank of a sentence."""
    for match in _SEARCH.finditer(text):
        yield Wrapped(match.start("value"), match.end("value"), match["key"], match["value"].replace("+", " "))


def _entities(text: str) -> Iterator[Wrapped]:
    """Values of markup in which characters are written as entities."""
    for one in coded(text):
        yield Wrapped(one.start, one.start + len(one.value), one.key, html.unescape(one.value))


def key_before(text: str, start: int) -> str:
    """The key that what begins there stands under, or nothing."""
    named = _KEY_BEFORE.search(text[max(0, start - _NEAR) : start])
    return named.group(1) if named else ""
