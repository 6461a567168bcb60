"""Which fields of records with the same names and types say what: looked up once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from soc2ev.logs.formats.roles import CORRELATION, role

Signature = tuple[object, ...]
"""The names of a record's fields in order, then the types of their values."""
_NONE = type(None)


@dataclass(frozen=True, slots=True)
class Layout:
    """
    The fields that may say each thing, the best first; a record takes the first of them that is not empty.

    Fields whose value is null in all records of the layout are among none of them.
    """

    names: tuple[str, ...]
    types: Mapping[str, type]
    roles: Mapping[str, tuple[str, ...]]
    ids: tuple[str, ...]
    """Correlation ids in the order in which a record has them."""

    def of(self, name: str) -> tuple[str, ...]:
        """The fields that may have that role."""
        return self.roles.get(name, ())


def signature(fields: Mapping[str, Any]) -> Signature:
    """What records must share to have one layout."""
    return (*fields, *map(type, fields.values()))


def layout(signed: Signature) -> Layout:
    """The layout of all records with that signature."""
    half = len(signed) // 2
    names, types = signed[:half], signed[half:]
    ranked: dict[str, list[tuple[int, int, str]]] = {}
    for at, (path, kind) in enumerate(zip(names, types, strict=True)):
        found = role(str(path)) if kind is not _NONE else None
        if found:
            ranked.setdefault(found.name, []).append((found.rank, at, str(path)))
    ids = sorted((rank, path) for rank, _, path in ranked.pop(CORRELATION, []))
    roles = {name: tuple(path for _, _, path in sorted(listed)) for name, listed in ranked.items()}
    kinds = {str(path): kind for path, kind in zip(names, types, strict=True) if isinstance(kind, type)}
    return Layout(tuple(map(str, names)), kinds, roles, tuple(path for _, path in ids))


def best(values: Callable[[str], list[Any]], paths: tuple[str, ...]) -> list[Any] | None:
    """
    Of each record the value of the first of these fields that is not empty, None where all are; None without fields.

    `values` gives one field of all the records.
    """
    if not paths:
        return None
    found = _present(values(paths[0]))
    for path in paths[1:]:
        if None not in found:
            break
        found = [one if one is not None else other for one, other in zip(found, _present(values(path)), strict=True)]
    return found


def _present(found: list[Any]) -> list[Any]:
    """The values of one field; None instead of the ways to write that there is none."""
    if "" in found or "-" in found:
        return [None if one in ("", "-") else one for one in found]
    return found
