"""What every resolver needs: the session of the request, pages of connections and GitHub's ways to refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import GraphQLError

from tests.fakes.github import world as w
from tests.fakes.github.access import Viewer

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

Resolver = Callable[..., Any]
Info: TypeAlias = "GraphQLResolveInfo[Any]"
"""What graphql-core tells a resolver; generic from its version 3.3 on."""


@dataclass(slots=True)
class Session:
    """One request: its world, the eyes that look at it, where the service stands and what the query costs."""

    world: w.World
    viewer: Viewer
    web: str
    rate: Mapping[str, Any]


class FieldRefusedError(GraphQLError):
    """An error of one field; the field is null and the rest of the answer stands."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message, extensions={"type": kind})


def session(info: Info) -> Session:
    """The session of the request that is being answered."""
    found: Session = info.context
    return found


def demand(info: Info, repository: w.Repository, *permissions: str) -> None:
    """Refuse this field (FORBIDDEN, null, with its path) unless the token has all of these permissions."""
    viewer = session(info).viewer
    if not all(viewer.may(repository, permission) for permission in permissions):
        raise FieldRefusedError("FORBIDDEN", viewer.token.refusal)


def url(info: Info, path: str) -> str:
    """The address of a page of the service."""
    return session(info).web + path


def living(account: w.Account | None) -> w.Account | None:
    """The account, or None when it was deleted: GitHub answers null for a ghost."""
    return None if account is None or account.deleted else account


def _write(offset: int) -> str:
    return base64.b64encode(b"cursor:v2:" + json.dumps([offset]).encode()).decode()


def _read(cursor: str) -> int:
    try:
        return int(json.loads(base64.b64decode(cursor).removeprefix(b"cursor:v2:"))[0])
    except (ValueError, IndexError, TypeError):
        raise FieldRefusedError(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from None


def connection(
    items: Sequence[Any],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    write: Callable[[int], str] = _write,
    read: Callable[[str], int] = _read,
    edge: Callable[[Any], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """
    One page of a connection, by the Relay cursor rules.

    `first` or `last` has already been checked against 1-100 when the query was priced. `totalCount` is always the whole.
    """
    start = read(after) + 1 if after else 0
    stop = read(before) if before else len(items)
    if first is not None:
        stop = min(stop, start + first)
    elif last is not None:
        start = max(start, stop - last)
    page = list(items[start:stop])
    return {
        "nodes": page,
        "edges": [
            {"cursor": write(start + place), "node": item, **(edge(item) if edge else {})}
            for place, item in enumerate(page)
        ],
        "totalCount": len(items),
        "pageInfo": {
            "hasNextPage": stop < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": write(start) if page else None,
            "endCursor": write(start + len(page) - 1) if page else None,
        },
    }


def ordered(
    items: Sequence[Any], order: Mapping[str, str] | None, keys: Mapping[str, Callable[[Any], Any]]
) -> list[Any]:
    """The items in the order that `order_by` asks for; as they are without one."""
    if not order:
        return list(items)
    return sorted(items, key=keys[order["field"]], reverse=order["direction"] == "DESC")
