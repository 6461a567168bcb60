"""Stencils for lines of access logs, in the combined format or with a host before it and key=value behind it."""

from __future__ import annotations

import re

from soc2ev.logs.formats import text
from soc2ev.logs.formats.stencil import BARE, NAME, QUOTED, Reader, Stencil, given

_NAMES = (
    "remote_addr",
    "ident",
    "user",
    "time_local",
    "request",
    "status",
    "bytes",
    "referer",
    "agent",
    "method",
    "path",
)
"""The fields in the order in which a record has them."""
_COMBINED = (
    r'(?P<remote_addr>[0-9][0-9a-fA-F.:]{6,44}+) (?P<ident>[^\s"\[\\]++) (?P<user>[^\s"\[\\]++) '
    r'\[(?P<time_local>[^\]\s\["\\]{14,24} [+-][0-9]{4})\] '
    r'"(?P<request>(?P<method>[A-Z]{3,10}+) (?P<path>[^\s"\\\[]++)[^"\\\n\[]*+)" '
    r'(?P<status>[0-9]{3}) (?P<bytes>[0-9]++|-) "(?P<referer>[^"\\\n\[]*+)" "(?P<agent>[^"\\\n\[]*+)"'
)
_HOST = r"[A-Za-z][\w.\-:]*+ "
"""A name that cannot be taken for a date, as a whole one may be (`%v` of Apache's mod_log_config)."""
_PAIR = rf"({NAME})=(?:(\"){QUOTED}\"|{BARE})"
_WITH_PAIRS = re.compile(rf"(?P<host>{_HOST})?{_COMBINED}(?P<pairs>(?: {_PAIR})+)", re.ASCII)
_EACH = re.compile(rf" {_PAIR}", re.ASCII)
_MOST_PAIRS = 40


def access() -> Stencil:
    """The stencil of the combined format, with whatever follows it but key=value."""
    return _stencil(_COMBINED + r"(?P<request_time>[^=\\\n\[]*+)$", (), request_time=text.seconds)


def stencil_of_access(line: str) -> Stencil | None:
    """The stencil of a line with a host before the combined format, or key=value behind it; None for any other."""
    match = _WITH_PAIRS.fullmatch(line.rstrip(" \t\r"))
    pairs = _EACH.findall(match["pairs"]) if match else []
    names = tuple(pair[0] for pair in pairs)
    if match is None or len({*names, *_NAMES}) < len(names) + len(_NAMES) or len(names) > _MOST_PAIRS:
        return None
    values = [f'"{QUOTED}"' if quote else BARE for _, quote, *_ in pairs]
    tail = "".join(f" {re.escape(name)}={value}" for name, value in zip(names, values, strict=True))
    return _stencil((_HOST if match["host"] else "") + _COMBINED + tail + "$", names)


def _stencil(body: str, more: tuple[str, ...], **readers: Reader) -> Stencil:
    places = {name: place - 1 for name, place in re.compile(body).groupindex.items()}
    groups: dict[str, tuple[int, Reader]] = {name: (place, readers.get(name, given)) for name, place in places.items()}
    groups.update((name, (len(places) + at, None)) for at, name in enumerate(more))
    return Stencil("access", (*more, *_NAMES, *readers), groups, body, text.access)
