"""
Whether a REST list ends where it seems to end.

GitHub names the next page in a header and has none on a list of one page. A proxy that takes headers away would make
every list end with its first page, so that a first page that is full, and comes without the header, is asked for again
with one row less: then there is more for sure, and a host that names next pages names one.

On a later page GitHub's header names at least the page before it. One that comes without and is as full as the first
is the last only if the page with the next number is empty.
https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from __future__ import annotations

from collections.abc import Mapping

from soc2ev.errors import CollectError
from soc2ev.model import Json

ROLE = "end"
"""Of the stored answer to that question, which holds no rows."""
_HINT = "something between here and GitHub takes the Link header away; let it pass"


def rows(data: Json) -> int:
    """How many rows that page holds: of the longest list in it."""
    lists = [one for one in (data.values() if isinstance(data, dict) else [data]) if isinstance(one, list)]
    return max(map(len, lists), default=0)


def doubtful(held: int, headers: Mapping[str, str], params: Mapping[str, str]) -> Mapping[str, str] | None:
    """What to ask for instead when a first page of so many rows may not be the last; None when it is."""
    size = int(params.get("per_page", "0"))
    # One row less than two would be no page; more rows than were asked for come from a host without pages.
    if "link" in headers or size < 2 or held != size:  # noqa: PLR2004
        return None
    return {**params, "per_page": str(size - 1)}


def refuse(headers: Mapping[str, str], shown: str) -> None:
    """CollectError when the answer to that question names no next page."""
    if "link" not in headers:
        raise CollectError(f"the list {shown} goes on after its first page and names no next one", hint=_HINT)


def is_cut(held: int, first: int, headers: Mapping[str, str], shown: str) -> bool:
    """Whether a last page beyond the first may not be the last. CollectError for an empty one: it was named as next."""
    if not held:
        raise CollectError(f"the last page of the list {shown} holds nothing", hint="run again later")
    return "link" not in headers and held >= first


def refuse_more(held: int, number: int, shown: str) -> None:
    """CollectError when the page with the next number holds rows."""
    if held:
        raise CollectError(f"the list {shown} goes on after page {number}, which names no next one", hint=_HINT)
