"""Stencils for lines that begin with a time and end in an object of JSON, as CRI's and Monolog's do."""

from __future__ import annotations

import re

from soc2ev.logs.formats import text
from soc2ev.logs.formats.fixed import DATED
from soc2ev.logs.formats.stencil import Reader, Stencil, given, members_of_json

_BEGINNING = re.compile(rf"\[?{DATED}")


def stencil_of_trailing(line: str) -> Stencil | None:
    """
    The stencil of such a line; None for any other.

    What the line itself says wins over a member of that name, so that lines with and without a level are two kinds.
    """
    line = line.strip()
    start = line.find("{")
    begins = _BEGINNING.match(line)
    found = members_of_json(line[start:]) if begins and start > 0 else None
    if begins is None or found is None:
        return None
    leveled = begins["level"] is not None
    bracket, level = r"\[" if line[0] == "[" else "", "(?(level)|(?!))" if leveled else "(?(level)(?!))"
    body = rf"(?>{bracket}{DATED}){level}(?P<message>[^{{\n]*+{found.body})$"
    own = ("time", "level", "message") if leveled else ("time", "message")
    outer = {name: place - 1 for name, place in re.compile(body).groupindex.items()}
    first = outer["message"] + 1
    told = [(name, read) for name, (leaf, read) in zip(found.names, found.kinds, strict=True) if leaf != "null"]
    groups: dict[str, tuple[int, Reader]] = {name: (first + at, read) for at, (name, read) in enumerate(told)}
    groups.update((name, (outer[name], given)) for name in own)
    return Stencil("text", tuple(dict.fromkeys((*found.names, *own))), groups, body, text.dated)
