"""
Whether a REST list ends where it seems to end.

GitHub names the next page in a header and has none on a list of one page. A proxy that takes headers away would make
every list end with its first page, so that a first page that is full, and comes without the header, is asked for again
with one row less: then there is more for sure, and a host that names next pages names one.
"""

from __future__ import annotations

from collections.abc import Mapping

from soc2ev.errors import CollectError
from soc2ev.model import Json

ROLE = "end"
"""Of the stored answer to that question, which holds no rows."""


def doubtful(data: Json, headers: Mapping[str, str], params: Mapping[str, str]) -> Mapping[str, str] | None:
    """What to ask for instead when that first page, asked for with these, may not be the last; None when it is."""
    lists = [one for one in (data.values() if isinstance(data, dict) else [data]) if isinstance(one, list)]
    rows, size = max(map(len, lists), default=0), int(params.get("per_page", "0"))
    # One row less than two would be no page; more rows than were asked for come from a host without pages.
    if "link" in headers or size < 2 or rows != size:  # noqa: PLR2004
        return None
    return {**params, "per_page": str(size - 1)}


def refuse(headers: Mapping[str, str], shown: str) -> None:
    """CollectError when the answer to that question names no next page."""
    if "link" not in headers:
        raise CollectError(
            f"the list {shown} goes on after its first page and names no next one",
            hint="something between here and GitHub takes the Link header away; let it pass",
        )
