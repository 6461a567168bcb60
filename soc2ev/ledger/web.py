"""
HTTP for the ledger, on the standard library's socket server, with the limits that it lacks.

A thin layer that can be exchanged: it reads a request, hands it to `Service`, and writes the response. Limits: size
of the head and of the body, time for a whole request however slowly it trickles in, connections at a time.
"""

from __future__ import annotations

import io
import socket
import socketserver
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from soc2ev.ledger.service import Refused, Request, Response, Service

if TYPE_CHECKING:
    from collections.abc import Callable


_ONCE = ("authorization", "content-length", "host", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take."""

    body: int = 1024 * 1024
    head: int = 16 * 1024
    seconds: float = 15.0
    """For a whole request, and for waiting for the next one."""
    connections: int = 64


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A server that listens; `serve_forever` answers until `shutdown`."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, host: str, port: int, service: Service, *, limits: Limits, log: Callable[[str], None] = lambda _: None
    ) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.service, self.limits, self.log = service, limits, log
        self._free = threading.BoundedSemaphore(limits.connections)
        self._busy = 0
        self._idle = threading.Condition()
        super().__init__((host, port), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take the connection, or say at once that there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        refused = Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "too many connections", {"Retry-After": "1"})
        try:
            request.settimeout(1)
            request.sendall(_spelled(refused.response, close=True))
        except OSError:
            self.log("a connection was refused and had gone")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """A client that went away is no news; a bug is told by its kind, without what it held."""
        import sys

        kind = sys.exc_info()[0]
        if kind is not None and not issubclass(kind, OSError):
            self.log(f"a request ended with {kind.__name__}")

    def enter(self) -> None:
        """A request has arrived whole."""
        with self._idle:
            self._busy += 1

    def leave(self) -> None:
        """Its response was sent."""
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until every request that has arrived is answered; whether that came about in time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, seconds)


class _Patient(io.RawIOBase):
    """The bytes of a connection, up to a deadline: a client that trickles has no more time than one that does not."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(socketserver.StreamRequestHandler):
    """One connection: requests one after another until either side has had enough."""

    server: Server
    _open = True
    _wants_close = True

    def setup(self) -> None:
        super().setup()
        self._patient = _Patient(self.connection)
        self.rfile.close()
        self.rfile = io.BufferedReader(self._patient)
        self.connection.settimeout(self.server.limits.seconds)

    def handle(self) -> None:
        while self._open:
            self._patient.deadline = time.monotonic() + self.server.limits.seconds
            self._open = False
            try:
                self._answer()
            except TimeoutError:
                self._open = False

    def _answer(self) -> None:
        try:
            request = self._request()
        except Refused as refused:
            self._send(refused.response, close=True)
            return
        if request is None:
            return
        self.server.enter()
        try:
            response = self.server.service.answer(request)
            self.connection.settimeout(self.server.limits.seconds)
            self._send(response, close=self._wants_close)
        finally:
            self.server.leave()

    def _request(self) -> Request | None:
        """The next request; None when the client has gone."""
        lines, size = [], 0
        while True:
            line = self.rfile.readline(self.server.limits.head + 1 - size)
            size += len(line)
            if size > self.server.limits.head:
                raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head", "the head is too large")
            if not line.endswith(b"\n"):
                return None
            if line in (b"\r\n", b"\n"):
                break
            lines.append(line.rstrip(b"\r\n").decode("latin-1"))
        if not lines:
            return None
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):  # noqa: PLR2004 - method, target, version
            raise Refused(HTTPStatus.BAD_REQUEST, "request", "this is no HTTP/1.1 request")
        headers = _headers(lines[1:])
        asked = headers.get("connection", "").lower()
        self._wants_close = asked == "close" or (words[2] == "HTTP/1.0" and asked != "keep-alive")
        return Request(words[0], words[1], headers, self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "length", "give Content-Length; chunks are not taken")
        given = headers.get("content-length", "0")
        if not given.isascii() or not given.isdigit():
            raise Refused(HTTPStatus.BAD_REQUEST, "length", "Content-Length is no number")
        if len(given) > 12 or int(given) > self.server.limits.body:  # noqa: PLR2004 - larger than any limit
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body", "the body is too large")
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(given))
        if len(body) != int(given):
            raise Refused(HTTPStatus.BAD_REQUEST, "body", "the body ended early")
        return body

    def _send(self, response: Response, *, close: bool) -> None:
        self._open = not close
        self.wfile.write(_spelled(response, close=close))


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        known = name.lower()
        # A name with a space, a folded line or a second length is how requests are smuggled past proxies.
        if not colon or not name or name != name.strip() or (known in headers and known in _ONCE):
            raise Refused(HTTPStatus.BAD_REQUEST, "header", "a header cannot be understood or stands there twice")
        headers[known] = f"{headers[known]}, {value.strip()}" if known in headers else value.strip()
    return headers


def _spelled(response: Response, *, close: bool) -> bytes:
    status = HTTPStatus(response.status)
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {response.kind}",
        f"Content-Length: {len(response.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        *(["Connection: close"] if close else []),
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + response.body
