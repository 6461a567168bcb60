"""A plain client for tests of the server itself: it follows nothing, retries nothing and hides nothing."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.fakes.github.server import GitHub


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it arrived; `headers` answers names in any case."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body, unpacked when it came packed."""
        packed = self.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)

    @property
    def links(self) -> dict[str, str]:
        """The addresses of the Link header by their relation."""
        parts = (one.split("; rel=") for one in self.headers.get("Link", "").split(", ") if one)
        return {name.strip('"'): address.strip("<>") for address, name in parts}


def ask(
    host: GitHub,
    target: str,
    secret: str | None,
    query: Mapping[str, Any] | None = None,
    *,
    body: Any = None,
    **headers: str,
) -> Reply:
    """One request to a path below the REST root, or to a whole address; a `body` makes it a POST to that address."""
    address = urlsplit(target if target.startswith("http") else host.url + target)
    path = address.path + (f"?{address.query}" if address.query else f"?{urlencode(query)}" if query else "")
    sent = {"User-Agent": "test", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if secret is not None:
        sent["Authorization"] = f"Bearer {secret}"
    wire = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        wire.request("POST" if body is not None else "GET", path, json.dumps(body) if body is not None else None, sent)
        answer = wire.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        wire.close()


def query(host: GitHub, secret: str | None, document: str, **variables: Any) -> Reply:
    """One GraphQL request."""
    return ask(host, host.graphql_url, secret, body={"query": document, "variables": variables})
