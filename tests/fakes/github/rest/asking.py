"""A REST request as handlers see it, and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.github.access import RefusedError, Viewer
from tests.fakes.github.rest.shapes import Shapes
from tests.fakes.github.world import Repository, World


@dataclass(slots=True)
class Ask:
    """A request to one endpoint: who asks, for what, below which roots."""

    viewer: Viewer
    shapes: Shapes
    query: Mapping[str, str]
    parts: Mapping[str, str]
    home: Repository | None = None
    rate: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""

    @property
    def world(self) -> World:
        """The world that is asked about."""
        return self.viewer.world

    @property
    def repository(self) -> Repository:
        """The repository of the address, which the token sees."""
        if self.home is None:
            raise RefusedError(404, "Not Found")
        return self.home

    def moment(self, name: str) -> datetime | None:
        """A parameter that is an ISO 8601 instant; None without it."""
        text = self.query.get(name)
        return datetime.fromisoformat(text) if text else None


@dataclass(slots=True)
class Listing:
    """
    A list that is answered page by page.

    `envelope` is the key of an object with `total_count` around the rows; `whole` adds to it, and `counted` False leaves the count out. `cursor` makes the pages
    follow opaque cursors instead of numbers; `most` is where GitHub stops giving more.
    """

    rows: Sequence[Any]
    show: Callable[[Any], Any]
    envelope: str | None = None
    whole: Mapping[str, Any] = field(default_factory=dict)
    cursor: bool = False
    most: int | None = None
    total: int | None = None
    counted: bool = True
    size: int = 30
    biggest: int = 100


Handler = Callable[[Ask], Any]
NOTHING = object()
"""An answer without a body: 204."""


@dataclass(frozen=True, slots=True)
class Route:
    """
    An endpoint of the description: its path, the permission that it needs and who answers.

    `permission` is `name` or `name=write`; several separated by `|` are alternatives; empty means that any token may ask.
    """

    path: str
    permission: str
    handler: Handler

    @property
    def accepted(self) -> str:
        """The value of X-Accepted-GitHub-Permissions."""
        return "; ".join(one if "=" in one else f"{one}=read" for one in self.permission.split("|") if one)
