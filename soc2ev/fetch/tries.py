"""Asking until there is an answer, a refusal, or nothing left to try."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from soc2ev.errors import CollectError
from soc2ev.fetch.graphql import PageTooLargeError
from soc2ev.fetch.trouble import Kind, told
from soc2ev.fetch.web import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from soc2ev.fetch.exchange import Call, Exchange
    from soc2ev.fetch.governor import Governor
    from soc2ev.fetch.trouble import Verdict
    from soc2ev.fetch.web import Web

_MAX_HOPS = 5


def answers(
    web: Web, governor: Governor, call: Call, judge: Callable[[Exchange], Verdict]
) -> Iterator[tuple[Exchange, Verdict]]:
    """
    Every answer on the way with its meaning, the last of them whole; the caller stores each before it goes on.

    Otherwise it ends in AccessError, PageTooLargeError or CollectError, with everything that came stored by then.
    """
    hops = troubles = 0
    for tries in count(1):
        exchange, found = _ask(web, governor, call, judge)
        yield exchange, found
        if found.kind is Kind.WHOLE:
            return
        if found.kind is Kind.ELSEWHERE:
            hops += 1
            call = _hop(exchange, hops)
            continue
        if found.kind is Kind.FINAL or tries - hops >= found.tries:
            _refuse(exchange, found, tries)
        if not found.limit and told(exchange.headers, governor.now()) is None:
            governor.pause(call.source, f"{exchange.shown} {found.says}", float(2**troubles))
            troubles += 1


def _ask(web: Web, governor: Governor, call: Call, judge: Callable[[Exchange], Verdict]) -> tuple[Exchange, Verdict]:
    key = _key(call)
    with governor.turn(key, call.source):
        exchange = web.ask(call)
        found = judge(exchange)
        governor.heed(key, exchange, found)
    return exchange, found


def _key(call: Call) -> Hashable:
    try:
        origin: Hashable = origin_of(call.origin)
    except ValueError:  # the request itself refuses it, with a message
        origin = call.origin
    return origin, call.auth.value if call.auth else ""


def _hop(exchange: Exchange, hops: int) -> Call:
    if hops > _MAX_HOPS:
        raise CollectError(f"{exchange.shown} redirects without end", hint="check the configured url")
    return replace(exchange.call, url=urljoin(exchange.url, exchange.headers["location"]), params={})


def _refuse(exchange: Exchange, found: Verdict, tries: int) -> None:
    again = f" {tries} times" if tries > 1 else ""
    if found.kind is Kind.LARGE:
        raise PageTooLargeError(
            f"{exchange.shown}: {found.says}{again}", hint="the answers are stored; a smaller page may be answered"
        )
    if found.kind is Kind.FINAL or exchange.failure or exchange.damage:
        exchange.refuse()
    raise CollectError(
        f"{exchange.shown} {found.says}{again}"
        if found.says.startswith("answered")
        else f"{exchange.shown}: {found.says}{again}",
        hint="the answers are stored; collect again later",
    )
