"""Lists that come in pages: what is asked for next, and the pages as one answer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from soc2ev.sources.logs.paths import at

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.sources.logs.manifest import Paging


def merged(pages: Sequence[Json], paging: Paging | None) -> Json:
    """
    The pages as one answer: the first one, with its lists as long as all of them.

    ValueError when a page does not hold the lists that it should: it is not the list that was asked for.
    """
    if not pages:
        return None
    if paging is None or paging.type == "none":
        return pages[0]
    if not paging.items:
        return [row for page in pages for row in _list(page, "a page")]
    whole = copy.deepcopy(pages[0])
    for path in paging.items:
        parent, _, name = path.rpartition(".")
        holder = at(whole, parent) if parent else whole
        if not isinstance(holder, dict):
            raise ValueError(f"a page has no {path}")  # noqa: TRY004  the answer is wrong, not the call
        # Systems leave an empty list out.
        holder[name] = [row for page in pages for row in _rows(page, path, paging)]
    return whole


def _rows(page: Json, path: str, paging: Paging) -> list[Json]:
    found = at(page, path)
    return [] if found is None and not paging.always else _list(found, f"{path} of a page")


def _list(value: Json, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is no list")  # noqa: TRY004  the answer is wrong, not the call
    return value


def count(page: Json, paging: Paging) -> int:
    """The rows of a page."""
    if not paging.items:
        return len(_list(page, "a page"))
    return sum(len(_rows(page, path, paging)) for path in paging.items)


def following(paging: Paging, page: Json, number: int, seen: int) -> Json:
    """
    The value that asks for the page after this one, the `number`th with `seen` rows so far; None at the end.

    A page that says nothing of more is the last one only when it is empty: servers may send fewer rows than asked for.
    """
    if paging.type in ("cursor", "next_url", "token"):
        # Zendesk names a next page behind the last one, and Stripe's cursor is the last row: there only `more` tells.
        ended = bool(paging.more) and at(page, paging.more) is not True
        return None if ended else at(page, paging.next) or None
    if paging.type not in ("offset", "page"):
        return None
    goes_on = at(page, paging.more) is True if paging.more else count(page, paging) > 0
    if not goes_on:
        return None
    return paging.start + (seen if paging.type == "offset" else number)
