"""
One HTTP request and its answer: one origin, no surprises.

Redirects, retries and decoding are done in this package and not by `requests`, because there a redirect carries headers
to other hosts, a retry is invisible to the person who waits, and a body that was cut short comes back as whole.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch.decode import CUT, MAX_BYTES
from soc2ev.fetch.exchange import Call, Exchange, exchange_of, unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests  # noqa: TID251 - types of the package that reaches the network


_CONNECT_SECONDS, _READ_SECONDS, _TOTAL_SECONDS = 10, 60, 600
_CHUNK = 64 * 1024
_MAX_URL = 8_000


class Web:
    """
    Asks over HTTP, from any number of threads.

    Proxies and CA bundle come from `environment`; a `.netrc` is never looked at.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._idle: deque[requests.Session] = deque()

    def ask(self, call: Call) -> Exchange:
        """The answer, or that none came; CollectError, and nothing sent, when the address is not in the origin."""
        import requests  # noqa: TID251 - this package is the one that reaches the network
        import urllib3

        prepared = _prepared(call)
        session = self._session()
        try:
            with self._send(session, prepared) as reply:
                wire, damage = _wire(reply)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            # Its text holds the address with the query, and may hold a proxy's password.
            return unanswered(call, prepared, type(problem).__name__)
        finally:
            self._idle.append(session)
        return exchange_of(call, prepared, reply, wire, damage)

    def _session(self) -> requests.Session:
        """A session that no other thread uses: they are not made for sharing. The one used last is the warmest."""
        import requests  # noqa: TID251 - this package is the one that reaches the network

        try:
            return self._idle.pop()
        except IndexError:
            session = requests.Session()
            session.trust_env = False
            return session

    def _send(self, session: requests.Session, prepared: requests.PreparedRequest) -> requests.Response:
        # Not session.send: of a redirect it takes the body away, also when it is told not to follow it.
        return session.get_adapter(str(prepared.url)).send(
            prepared,
            stream=True,
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


def address_of(call: Call) -> str:
    """The very address that will be asked, with its parameters; CollectError when it is not in the origin."""
    return str(_prepared(call).url)


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, by the parser that also makes the connection; ValueError when there are none."""
    from urllib3.util import parse_url

    found = parse_url(url)
    ports = {"http": 80, "https": 443}
    if found.scheme not in ports or not found.host or found.auth:
        raise ValueError("no address of the web")
    return found.scheme, found.host.lower(), found.port or ports[found.scheme]


def _prepared(call: Call) -> requests.PreparedRequest:
    """The request, once the very address that will be connected to is known to lie in the origin."""
    import requests  # noqa: TID251 - this package is the one that reaches the network

    headers = {"User-Agent": "soc2ev", "Accept-Encoding": "gzip", **call.headers}
    if call.body is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded" if call.form else "application/json"}
    try:
        asked = requests.Request(call.method, call.url, headers, params=dict(call.params), data=call.body)
        prepared = asked.prepare()
        clean = len(call.url) <= _MAX_URL and not re.search(r"[\x00-\x20\x7f\\]", call.url)
        inside = clean and origin_of(str(prepared.url)) == origin_of(call.origin)
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
        damage = CUT
    promised = reply.headers.get("Content-Length")
    if not damage and promised is not None and promised != str(size):
        damage = CUT
    return b"".join(parts)[:MAX_BYTES], damage
