"""
HTTP GET: one origin, no surprises.

Redirects, retries and decoding are done here and not by `requests`, because there a redirect carries
headers to other hosts, a retry is invisible to the person who waits, and a body that was cut short comes
back as whole.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from soc2ev.errors import CollectError
from soc2ev.fetch.decode import MAX_BYTES
from soc2ev.fetch.exchange import Call, Exchange, exchange_of, phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests  # noqa: TID251 - types of the package that reaches the network


_CONNECT_SECONDS, _READ_SECONDS, _TOTAL_SECONDS = 10, 60, 600
_CHUNK = 64 * 1024
_MAX_URL = 8_000
_MAX_HOPS = 5
_MAX_TRIES = 5
_MAX_WAIT = 900
_AGAIN = (429, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)


class Web:
    """Asks over HTTP. Proxies and CA bundle come from `environment`; a `.netrc` is never looked at."""

    def __init__(
        self,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
    ) -> None:
        self._environment, self._say, self._sleep, self._now = environment, say, sleep, now
        self._session: requests.Session | None = None

    def answers(self, call: Call) -> Iterator[Exchange]:
        """
        Every answer on the way, the last of them final; the caller stores each before it asks for the next.

        CollectError when an address lies outside the origin, nothing answers, redirects do not end or waiting
        would take too long.
        """
        hops, tries, waited = 0, 1, 0.0
        while True:
            exchange = self._ask(call)
            yield exchange
            if exchange.damage:
                return
            if exchange.status in _REDIRECTS and "location" in exchange.headers:
                hops += 1
                if hops > _MAX_HOPS:
                    raise CollectError(f"{exchange.shown} redirects without end", hint="check the configured url")
                call = replace(call, url=urljoin(exchange.url, exchange.headers["location"]), params={})
                continue
            pause = self._pause(exchange, tries)
            if pause is None:
                return
            waited += pause
            self._refuse_waiting(exchange, tries, waited)
            self._wait(exchange, pause)
            tries += 1

    def _ask(self, call: Call) -> Exchange:
        import requests  # noqa: TID251 - this package is the one that reaches the network
        import urllib3

        prepared = _prepared(call)
        shown = call.mask(str(prepared.url).split("?", 1)[0])
        try:
            with self._send(prepared) as reply:
                wire, damage = _wire(reply)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            # Its text holds the address with the query, and may hold a proxy's password.
            raise CollectError(
                f"{shown} cannot be reached ({type(problem).__name__})",
                hint="check network, proxy and address",
            ) from None
        return exchange_of(call, prepared, reply, wire, damage)

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        import requests  # noqa: TID251 - this package is the one that reaches the network

        if self._session is None:
            self._session = requests.Session()
            self._session.trust_env = False
        return self._session.send(
            prepared,
            stream=True,
            allow_redirects=False,
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            proxies=self._proxies(str(prepared.url)),
            verify=self._variable("REQUESTS_CA_BUNDLE") or self._variable("CURL_CA_BUNDLE") or True,
        )

    def _proxies(self, url: str) -> dict[str, str]:
        from requests.utils import should_bypass_proxies  # noqa: TID251 - see above

        if should_bypass_proxies(url, no_proxy=self._variable("NO_PROXY")):
            return {}
        found = {name: self._variable(f"{name.upper()}_PROXY") for name in ("http", "https", "all")}
        return {name: address for name, address in found.items() if address}

    def _variable(self, name: str) -> str:
        return self._environment.get(name.lower()) or self._environment.get(name, "")

    def _pause(self, exchange: Exchange, tries: int) -> float | None:
        """Seconds until asking again makes sense; None when it does not."""
        headers = exchange.headers
        exhausted = headers.get("x-ratelimit-remaining") == "0"
        limited = exchange.status == HTTPStatus.FORBIDDEN and ("retry-after" in headers or exhausted)
        if exchange.status not in _AGAIN and not limited:
            return None
        after = headers.get("retry-after", "")
        if re.fullmatch(r"\d{1,9}", after):
            return float(after)
        until = _date(after)
        if until is None and exhausted and re.fullmatch(r"\d{1,10}", headers.get("x-ratelimit-reset", "")):
            until = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
        return float(2**tries) if until is None else max((until - self._now()).total_seconds(), 1.0)

    @staticmethod
    def _refuse_waiting(exchange: Exchange, tries: int, waited: float) -> None:
        if tries >= _MAX_TRIES or waited > _MAX_WAIT:
            raise CollectError(
                f"{exchange.shown} answered {exchange.status} {phrase(exchange.status)} {tries} times"
                f" and asks to wait {waited:.0f} s",
                hint="the answers are stored; run again later",
            )

    def _wait(self, exchange: Exchange, pause: float) -> None:
        until = (self._now() + timedelta(seconds=pause)).astimezone(UTC)
        self._say(f"{exchange.shown} answered {exchange.status}: waiting until {until:%H:%M:%S} UTC")
        self._sleep(pause)


def _prepared(call: Call) -> requests.PreparedRequest:
    """The request, once the very address that will be connected to is known to lie in the origin."""
    import requests  # noqa: TID251 - this package is the one that reaches the network

    headers = {"User-Agent": "soc2ev", "Accept-Encoding": "gzip", **call.headers}
    try:
        prepared = requests.Request("GET", call.url, headers, params=dict(call.params)).prepare()
        clean = len(call.url) <= _MAX_URL and not re.search(r"[\x00-\x20\x7f\\]", call.url)
        inside = clean and _origin(str(prepared.url)) == _origin(call.origin)
    except ValueError:  # requests and urllib3 derive theirs from it
        inside = False
    if not inside:
        raise CollectError(
            f"an address leads away from {call.mask(call.origin)}; nothing was asked there",
            hint="check the configured url; a source may send its credentials to one host only",
        )
    if call.auth:
        prepared.headers[call.auth.header] = call.auth.value
    return prepared


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, by the parser that also makes the connection; ValueError when there are none."""
    from urllib3.util import parse_url

    found = parse_url(url)
    ports = {"http": 80, "https": 443}
    if found.scheme not in ports or not found.host or found.auth:
        raise ValueError("no address of the web")
    return found.scheme, found.host.lower(), found.port or ports[found.scheme]


def _wire(reply: requests.Response) -> tuple[bytes, str]:
    """The bytes as they came, and why they are not all (empty when they are)."""
    import urllib3

    parts, size, deadline = [], 0, time.monotonic() + _TOTAL_SECONDS
    damage = ""
    try:
        while chunk := reply.raw.read(_CHUNK, decode_content=False):
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES or time.monotonic() > deadline:
                damage = "is too large" if size > MAX_BYTES else "takes too long"
                break
    except (urllib3.exceptions.HTTPError, OSError):
        damage = "is cut short"
    promised = reply.headers.get("Content-Length")
    if not damage and promised is not None and promised != str(size):
        damage = "is cut short"
    return b"".join(parts)[:MAX_BYTES], damage


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
