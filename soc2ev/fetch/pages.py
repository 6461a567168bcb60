"""Lists by pages, to their end or to an error, and never round in circles."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeVar

from soc2ev.errors import CollectError
from soc2ev.fetch.links import next_page
from soc2ev.fetch.web import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from soc2ev.fetch.exchange import Call
    from soc2ev.model import EvidenceItem

_MAX_PAGES = 10_000
_EMPTY = 2
"""Bytes of an empty list."""


class _Page(Protocol):
    @property
    def item(self) -> EvidenceItem: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


P = TypeVar("P", bound=_Page)


def walk(call: Call, ask: Callable[[Call, int], P]) -> Iterator[P]:
    """The pages from that call on; CollectError when they do not end, or one of them comes twice."""
    addresses, bodies = {address_of(call)}, set()
    for number in count(1):
        if number > _MAX_PAGES:
            raise _endless(call, f"has more than {_MAX_PAGES} pages")
        page = ask(call, number)
        # The same rows under another address: an endless list, or a page that was lost behind a copy of another.
        if page.item.size > _EMPTY and page.item.count != 0 and page.item.digest in bodies:
            raise _endless(call, f"has the same rows on page {number} as on a page before it")
        bodies.add(page.item.digest)
        yield page
        url = next_page(page.headers.get("link", ""), address_of(call))
        if url is None:
            return
        if url in addresses:
            raise _endless(call, "names a page as the next that was read before")
        addresses.add(url)
        call = replace(call, url=url, params={})


def _endless(call: Call, says: str) -> CollectError:
    shown = call.mask(call.url.split("?", 1)[0])
    return CollectError(f"the list {shown} {says}", hint="the pages so far are stored; it is not complete")
