"""`Link` headers as RFC 8288 lays them down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from soc2ev.errors import CollectError
from soc2ev.fetch.web import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINK = re.compile(r"[\s,]*<([^>]*)>")
_PARAMETER = re.compile(
    r"\s*;\s*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]*)))?)?", re.ASCII
)


def next_page(header: str, url: str) -> str | None:
    """
    The address with relation `next` in a Link header that came with `url`; None when there is none.

    It lies in the origin of `url` and ends in the same word of the path. The path before that may differ: GitHub
    answers a list of /repos/acme/api/... with links below /repositories/1/..., the same list by number. CollectError
    for any other address, for two different ones, and for a header that cannot be read.
    """
    found = {urljoin(url, target) for target, relations in _links(header) if "next" in relations}
    if len(found) > 1:
        raise _wrong("names two next pages")
    for address in found:
        if not _continues(address, url):
            raise _wrong("leads away from the list that was asked for")
        return address
    return None


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    position = 0
    while match := _LINK.match(header, position):
        position, relations = match.end(), None
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            # Only the first `rel` counts (RFC 8288, 3.3); relations compare without case.
            if relations is None and (parameter[1] or "").lower() == "rel":
                relations = re.sub(r"\\(.)", r"\1", parameter[2] or parameter[3] or "").lower().split()
        yield match[1], relations or []
    if header[position:].strip(" \t,"):
        raise _wrong("cannot be read")


def _continues(address: str, url: str) -> bool:
    try:
        inside = origin_of(address) == origin_of(url)
    except ValueError:
        return False
    return inside and urlsplit(address).path.rpartition("/")[2] == urlsplit(url).path.rpartition("/")[2]


def _wrong(says: str) -> CollectError:
    return CollectError(
        f"the Link to the next page {says}; no further page was asked for", hint="the pages so far are stored"
    )
