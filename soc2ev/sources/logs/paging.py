"""Lists that come in pages: what is asked for next, and the pages as one answer."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
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
    if not isinstance(page, dict):
        raise ValueError(f"a page has no {path}")  # noqa: TRY004  the answer is wrong, not the call
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


def _goes_on(page: Json, paging: Paging) -> bool:
    """Whether a page says that there is more; one that says neither has not said that it is the last."""
    said = at(page, paging.more)
    if not isinstance(said, bool):
        raise ValueError(f"{paging.more} of a page is neither true nor false")  # noqa: TRY004  the answer is wrong
    return said


def _named(page: Json, path: str) -> Json:
    """What stands there; None where nothing does, ValueError where what should hold it is no object and no list."""
    names = path.split(".")
    for depth, name in enumerate(names[1:], 1):
        holder = at(page, ".".join(names[:depth]))
        kind = list if name.removeprefix("-").isdecimal() else Mapping
        if holder is not None and not isinstance(holder, kind):
            raise ValueError(f"{path} of a page names no next one")
    return at(page, path)


def lacking(paging: Paging, page: Json, seen: int) -> str:
    """What the last page says of rows that did not come; empty when nothing is lacking, or it does not say."""
    total = at(page, paging.total) if paging.total else None
    if isinstance(total, bool) or not isinstance(total, int) or total <= seen:
        return ""
    return f"{paging.total} says {total}, and {seen} came"


def following(paging: Paging, page: Json, number: int, seen: int) -> Json:
    """
    The value that asks for the page after this one, the `number`th with `seen` rows so far; None at the end.
    ValueError when the page does not say in a way that we understand.

    A page that says nothing of more is the last one only when it is empty: servers may send fewer rows than asked for.
    """
    if paging.type in ("cursor", "next_url", "token"):
        # Zendesk names a next page behind the last one, and Stripe's cursor is the last row: there only `more` tells.
        ended = bool(paging.more) and not _goes_on(page, paging)
        after = None if ended else _named(page, paging.next)
        if paging.more and not ended and after in (None, ""):
            raise ValueError(f"a page says that there is more, and {paging.next} names no next one")
        if after is not None and (isinstance(after, bool) or not isinstance(after, str | int)):
            raise ValueError(f"{paging.next} of a page names no next one")
        return after or None
    if paging.type not in ("offset", "page"):
        return None
    goes_on = _goes_on(page, paging) if paging.more else count(page, paging) > 0
    if not goes_on:
        return None
    return paging.start + (seen if paging.type == "offset" else number)
