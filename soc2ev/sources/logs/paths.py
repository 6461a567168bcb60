"""Places in an answer, named by a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Json


def at(value: Json, path: str) -> Json:
    """The value at a path of names with dots, of lists by number (-1 is the last); None when there is none."""
    for name in path.split("."):
        if isinstance(value, list) and name.removeprefix("-").isdecimal():
            value = next(iter(value[int(name) :][:1]), None)
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value
