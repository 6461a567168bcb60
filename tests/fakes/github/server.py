"""
A GitHub on the loopback: `with GitHub(world) as host:` and ask `host.url` (REST) or `host.graphql_url`.

It serves any number of threads, counts requests and points by endpoint, and records who asked what (never a credential).
Every request needs a token, also for public repositories, which GitHub would show to anybody at 60 requests an hour.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.github import graphql, rest
from tests.fakes.github.access import Viewer
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.github.names import when
from tests.fakes.github.resolvers.shared import Session
from tests.fakes.github.rest.shapes import Shapes
from tests.fakes.github.tokens import CLASSIC, Token
from tests.fakes.github.world import World

_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived: `route` is the endpoint's template (`/graphql` for GraphQL), `points` what it cost."""

    number: int
    method: str
    path: str
    query: Mapping[str, Any]
    authorised: bool
    route: str
    status: int
    points: int
    fault: str = ""


@dataclass(slots=True)
class Meter:
    """The primary limit of one token for one resource."""

    limit: int
    used: int = 0

    def take(self, points: int) -> bool:
        """Whether so many were left; they are taken then."""
        if self.used + points > self.limit:
            return False
        self.used += points
        return True


@dataclass
class GitHub:
    """The server. `limit` overrides the primary limit of every token; `latency` is added to each answer, in seconds."""

    world: World
    faults: Sequence[Fault] = ()
    latency: float = 0.0
    limit: int | None = None
    requests: list[Seen] = field(default_factory=list)
    crashes: list[Exception] = field(default_factory=list)
    """Faults of the fake itself: each is answered with 500, and the first is raised when the server closes."""
    _meters: dict[tuple[str, str], Meter] = field(default_factory=dict)
    _previous: dict[str, Wire] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        handler = type("Handler", (_Handler,), {"github": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self.crashes and problem is None:
            raise self.crashes[0]

    @property
    def web(self) -> str:
        """The root of the pages for people."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The REST root; below `/api/v3` on Enterprise Server."""
        return self.web + ("/api/v3" if self.world.enterprise else "")

    @property
    def graphql_url(self) -> str:
        """The GraphQL endpoint; `/api/graphql` on Enterprise Server."""
        return self.web + ("/api/graphql" if self.world.enterprise else "/graphql")

    def counts(self) -> Counter[str]:
        """Requests by endpoint."""
        return Counter(seen.route for seen in list(self.requests))

    def points(self) -> Counter[str]:
        """Points by endpoint."""
        made: Counter[str] = Counter()
        for seen in list(self.requests):
            made[seen.route] += seen.points
        return made

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Wire:
        """The answer to one request, with whatever the faults make of it; the request is recorded."""
        address = urlsplit(target)
        path = address.path.removeprefix("/api/v3").replace("/api/graphql", "/graphql")
        query: dict[str, Any] = dict(parse_qsl(address.query))
        with self._lock:
            hitting = [fault for fault in self.faults if fault.hits(method, path)]
        wire, route, points, asked = self._answer(method, path, query, headers, body, hitting)
        for fault in (one for one in hitting if not one.after_encoding):
            wire = fault.change(wire, self._previous.get(route))
        # A copy, since encoding changes the answer itself.
        self._previous[route] = replace(wire, headers=dict(wire.headers))
        wire = _encode(wire, headers)
        for fault in (one for one in hitting if one.after_encoding):
            wire = fault.change(wire, None)
        names = ", ".join(fault.name for fault in hitting)
        known = "Authorization" in headers
        with self._lock:
            number = next(self._numbers)
            self.requests.append(Seen(number, method, path, asked, known, route, wire.status, points, names))
        return wire

    def _answer(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        headers: Mapping[str, str],
        body: bytes,
        hitting: Sequence[Fault],
    ) -> tuple[Wire, str, int, Mapping[str, Any]]:
        token = _token(self.world, headers.get("Authorization", ""))
        if not headers.get("User-Agent"):
            text = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            return self._wire(403, {"message": text}, {}, token, "core"), path, 0, query
        if token is None and path != "/meta":
            text = "Bad credentials" if "Authorization" in headers else "Requires authentication"
            return self._wire(401, {"message": text}, {}, None, "core"), path, 0, query
        if path == "/graphql" and method == "POST":
            return self._graphql(token or _NOBODY, body, hitting)
        if method != "GET":
            return self._wire(404, {"message": "Not Found"}, {}, token, "core"), path, 0, query
        for fault in hitting:
            query = {name: value for name, value in (fault.asked(query) if fault.asked else query).items() if value}
        return (*self._rest(token or _NOBODY, path, query, headers), query)

    def _rest(
        self, token: Token, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[Wire, str, int]:
        resource = "search" if path.startswith("/search/") else "core"
        shapes, viewer = Shapes(self.url, self.web), Viewer(self.world, token)
        made = rest.answer(viewer, shapes, path, query, self._rates(token), headers.get("If-None-Match"))
        # An answer of 304 and the rate limit itself cost nothing.
        points = 0 if made.status == 304 or path == "/rate_limit" else 1
        with self._lock:
            allowed = self._meter(token, resource).take(points)
        if not allowed:
            text = "API rate limit exceeded for user ID 1."
            return self._wire(403, {"message": text}, {}, token, resource), made.route or path, 0
        return self._wire(made.status, made.body, made.headers, token, resource), made.route or path, points

    def _graphql(self, token: Token, body: bytes, hitting: Sequence[Fault]) -> tuple[Wire, str, int, Mapping[str, Any]]:
        try:
            sent = json.loads(body)
            request = graphql.Request(str(sent["query"]), sent.get("variables") or {}, sent.get("operationName"))
        except (ValueError, KeyError, TypeError):
            wrong = {"message": "Problems parsing JSON", "documentation_url": "https://docs.github.com/graphql"}
            return self._wire(400, wrong, {}, token, "graphql"), "/graphql", 1, {}
        for fault in hitting:
            request.variables = fault.asked(dict(request.variables)) if fault.asked else request.variables
        document, price, errors = graphql.read(request)
        if document is None or price is None:
            return self._wire(200, {"errors": errors}, {}, token, "graphql"), "/graphql", 1, request.variables
        with self._lock:
            meter = self._meter(token, "graphql")
            allowed = meter.take(price.cost)
            used = meter.used
        if not allowed:
            error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
            return self._wire(200, {"errors": [error]}, {}, token, "graphql"), "/graphql", 0, request.variables
        reset = when(self.world.now + timedelta(hours=1))
        rate = {"limit": meter.limit, "used": used, "remaining": meter.limit - used, "resetAt": reset}
        rate |= {"cost": price.cost, "nodeCount": price.nodes}
        session = Session(self.world, Viewer(self.world, token), self.web, rate)
        made = graphql.answer(request, document, session)
        return self._wire(200, made, {}, token, "graphql"), "/graphql", price.cost, request.variables

    def _meter(self, token: Token, resource: str) -> Meter:
        most = 30 if resource == "search" else token.limit
        return self._meters.setdefault((token.secret, resource), Meter(most if self.limit is None else self.limit))

    def _rates(self, token: Token) -> dict[str, Any]:
        reset = int((self.world.now + timedelta(hours=1)).timestamp())
        made = {}
        for name in ("core", "search", "graphql"):
            meter = self._meter(token, name)
            made[name] = {
                "limit": meter.limit,
                "used": meter.used,
                "remaining": meter.limit - meter.used,
                "reset": reset,
            }
        return {"resources": made, "rate": made["core"]}

    def _wire(self, status: int, body: Any, headers: Mapping[str, str], token: Token | None, resource: str) -> Wire:
        sent = {
            "Date": format_datetime(self.world.now, usegmt=True),
            "X-GitHub-Request-Id": f"FAKE:{id(body) & 0xFFFF:04X}:{len(self.requests):X}",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "x-github-api-version-selected": "2022-11-28",
            "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding",
        }
        if token is not None and self.world.enterprise is None:
            meter = self._meter(token, resource)
            spent = {"Limit": meter.limit, "Remaining": meter.limit - meter.used, "Used": meter.used}
            spent["Reset"] = int((self.world.now + timedelta(hours=1)).timestamp())
            sent |= {f"X-RateLimit-{name}": str(value) for name, value in spent.items()}
            sent["X-RateLimit-Resource"] = resource
        if token is not None and token.kind == CLASSIC:
            sent["X-OAuth-Scopes"] = ", ".join(token.scopes)
        if body is None:
            return Wire(status, {**sent, **headers}, b"")
        return Wire(status, {**sent, "Content-Type": _JSON, **headers}, json.dumps(body, default=when).encode())


_NOBODY = Token("", CLASSIC)


def _token(world: World, header: str) -> Token | None:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() == "basic":
        secret = base64.b64decode(secret).decode(errors="replace").partition(":")[2]
    found = world.tokens.get(secret.strip())
    return None if found is None or found.revoked else found


def _encode(wire: Wire, headers: Mapping[str, str]) -> Wire:
    if wire.body and "gzip" in headers.get("Accept-Encoding", "") and "Content-Encoding" not in wire.headers:
        wire.headers = {**wire.headers, "Content-Encoding": "gzip"}
        wire.body = gzip.compress(wire.body, compresslevel=1, mtime=0)
    return wire


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the server that it belongs to and writes the answer in one piece."""

    github: GitHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """Nothing is printed: the record of requests says it all."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a POST; other methods are refused with 501, since nothing here may write."""
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.title(): value for name, value in self.headers.items()}
        try:
            wire = self.github.respond(self.command, self.path, headers, body)
        except Exception as crash:  # noqa: BLE001  a test has to see it, whatever it is
            self.github.crashes.append(crash)
            wire = Wire(500, {"Content-Type": _JSON}, b'{"message": "The fake itself failed."}')
        time.sleep(self.github.latency + wire.delay)
        if wire.drop:
            self.close_connection = True
            return
        reason = self.responses.get(wire.status, ("",))[0]
        length = len(wire.body) if wire.declared is None else wire.declared
        lines = [f"HTTP/1.1 {wire.status} {reason}", *(f"{name}: {value}" for name, value in wire.headers.items())]
        if wire.status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        if wire.declared is not None:
            self.close_connection = True
        try:
            self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + wire.body)
        except (BrokenPipeError, ConnectionResetError):
            # A client that gave up waiting is what the timeout fault is for.
            self.close_connection = True
