"""
Values that GitHub always tells, and in one form: whatever else stands there was not told.

A null that was read as `no` would say that a rule asks for nothing. TypeError for a value of another type.
"""

from __future__ import annotations

from collections.abc import Iterable

from soc2ev.model import Json


def text(value: Json) -> str:
    """A word; an empty one is none."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def number(value: Json) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return value


def flag(value: Json) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither yes nor no")
    return value


def rows(value: Json) -> list[Json]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def actor(value: Json) -> Json:
    """An account of REST with its login and number; None for one that was deleted."""
    if value is not None:
        text(value["login"])
        number(value["id"])
    return value


def is_any(values: Iterable[Json], name: str) -> bool:
    """Whether that flag is set in any of them; hosts that do not know it leave it out."""
    return True in {flag(one[name]) for one in values if name in one}
