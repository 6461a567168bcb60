"""
What every answer of a system holds: members with their types and known words, as its documents have them.

To JMESPath a member that is missing, of another type or of a new word is just not what it is compared with, and looks
like "off" or like no row. So an answer in which one of these is not as declared is none that we understand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from soc2ev.sources.logs.sieve import parts

if TYPE_CHECKING:
    from soc2ev.model import Json

Wanted = str | list[str | int | float | bool | None]
"""
Names of types, joined by `or`; `null` among them when it may be null, and a question mark behind them when it may be
absent: where documents let it be absent, null still is none of their answers. Or the known words, null among them when
it may be null or absent.
"""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "list": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_GONE = object()
_OTHER = object()
Steps = tuple[str, ...]


def refuse(path: str, wanted: Wanted) -> None:
    """ValueError unless it says which type or words."""
    if not parts(path):
        raise ValueError(f"holds: {path!r} is no path")
    if isinstance(wanted, list) and not wanted:
        raise ValueError(f"holds: {path} has no words")
    if isinstance(wanted, str) and not set(_types(wanted)) <= _TYPES.keys():
        raise ValueError(f"holds: {path} is {wanted!r}; types are {', '.join(_TYPES)}, or write a list of words")


def optional(wanted: Wanted) -> bool:
    """Whether the member may be absent."""
    return None in wanted if isinstance(wanted, list) else wanted.endswith("?")


def nullable(wanted: Wanted) -> bool:
    """Whether the member may be null."""
    return None in wanted if isinstance(wanted, list) else "null" in _types(wanted)


def misfit(value: Json, holds: Mapping[str, Wanted]) -> str | None:
    """
    What is not as declared, in words; None when all is.

    A list that is not there has no rows of which anything could be missing, and neither has an object that may be
    absent or null, and is. Values are not told: they may be secrets.
    """
    may = {tuple(parts(path)) for path, wanted in holds.items() if optional(wanted) or nullable(wanted)}
    for path, wanted in holds.items():
        for found in _found(value, tuple(parts(path)), (), may):
            if not _fits(found, wanted):
                says = "missing" if found is _GONE else "null" if found is None else "not as documented"
                return f"{path} is {says}: {_named(wanted)}"
    return None


def _named(wanted: Wanted) -> str:
    if isinstance(wanted, str):
        return f"expected is {' or '.join(_types(wanted))}"
    return f"known are {', '.join(str(word) for word in wanted if word is not None)}"


def _types(wanted: str) -> list[str]:
    return wanted.removesuffix("?").split(" or ")


def _found(value: Json, path: Steps, at: Steps, may: AbstractSet[Steps]) -> Iterator[Json]:
    """
    The members there; `_GONE` for each that is missing, none below what may be missing.

    `_OTHER` where something else stands than what has members or rows: that fits nothing, also where all may be absent.
    """
    if not path:
        yield value
    elif value is None or value is _GONE:
        yield from () if at in may or path[0] in ("[]", "*") else (_GONE,)
    elif path[0] in ("[]", "*"):
        kind = list if path[0] == "[]" else dict
        rows = value.values() if isinstance(value, dict) else value
        for row in rows if isinstance(value, kind) else ():
            yield from _found(row, path[1:], (*at, path[0]), may)
        if not isinstance(value, kind):
            yield _OTHER
    else:
        inside = value.get(path[0], _GONE) if isinstance(value, dict) else _OTHER
        yield from (inside,) if inside is _OTHER else _found(inside, path[1:], (*at, path[0]), may)


def _fits(value: Json, wanted: Wanted) -> bool:
    if value is _OTHER:
        return False
    if value is _GONE:
        return optional(wanted)
    if isinstance(wanted, list):
        return any(type(word) is type(value) and word == value for word in wanted)
    if value is None:
        return nullable(wanted)
    if isinstance(value, bool):
        return "boolean" in _types(wanted)
    return any(isinstance(value, _TYPES[name]) for name in _types(wanted))
