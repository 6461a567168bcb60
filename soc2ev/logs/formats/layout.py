"""Which of the fields that records of one format have say what, the better ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from soc2ev.logs.formats.roles import CORRELATION, role

Tier = tuple[str, ...]
"""Fields that say the same thing equally well: a record takes the first of them that it has."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields that may say each thing, the best first; a record takes the first of them that is not empty."""

    roles: Mapping[str, tuple[Tier, ...]]
    ids: tuple[str, ...]
    """Correlation ids in the order in which a record has them."""

    def of(self, name: str) -> tuple[Tier, ...]:
        """The fields that may have that role."""
        return self.roles.get(name, ())


def layout(paths: Iterable[str]) -> Layout:
    """The layout of records that have some or all of these fields, in whatever order."""
    ranked: dict[str, dict[int, list[str]]] = {}
    for path in sorted(paths):
        if found := role(path):
            ranked.setdefault(found.name, {}).setdefault(found.rank, []).append(path)
    roles = {name: tuple(tuple(tier) for _, tier in sorted(tiers.items())) for name, tiers in ranked.items()}
    return Layout(roles, tuple(path for tier in roles.pop(CORRELATION, ()) for path in tier))


def best(
    values: Callable[[str], list[Any]], tiers: Iterable[Tier], first: Callable[[int, Tier], Any]
) -> list[Any] | None:
    """
    Of each record the value of the best of these fields that is not empty, None where all are; None without fields.

    `values` gives one field of all the records, `first` what one record has in the first of equal fields.
    """
    found: list[Any] | None = None
    for tier in tiers:
        if found is not None and None not in found:
            break
        column = _of_tier(values, tier, first)
        if found is not None:
            column = [one if one is not None else other for one, other in zip(found, column, strict=True)]
        found = column
    return found


def _of_tier(values: Callable[[str], list[Any]], tier: Tier, first: Callable[[int, Tier], Any]) -> list[Any]:
    columns = [_present(values(path)) for path in tier]
    found = columns[0]
    for column in columns[1:]:
        found = [
            one if other is None else other if one is None else first(at, tier)
            for at, (one, other) in enumerate(zip(found, column, strict=True))
        ]
    return found


def _present(found: list[Any]) -> list[Any]:
    """The values of one field; None instead of the ways to write that there is none."""
    if "" in found or "-" in found:
        return [None if one in ("", "-") else one for one in found]
    return found


def is_present(value: Any) -> bool:
    """Whether a field says anything."""
    return value is not None and value not in ("", "-")
