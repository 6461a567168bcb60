"""What is known of the time right before a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soc2ev.tables.rollup.home import Home

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine


@dataclass(frozen=True, slots=True)
class Before:
    """Changes that landed before a period and may be delivered in it; of nothing where nobody collected that time."""

    homes: Mapping[tuple[str, str], Home] = field(default_factory=dict)
    """By repository and mode; those alone whose collection was whole."""
    engine: Engine | None = None
    """The tables with their own rows."""
    behind: frozenset[tuple[str, str]] = frozenset()
    """Run and stream of the bodies that all this was read from."""

    @property
    def items(self) -> Iterator[str]:
        """The ids of those changes."""
        return (item for home in self.homes.values() for item in home.landed)
