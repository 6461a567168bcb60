"""
HTTP for the ledger, spoken by waitress; the only module that imports it.

It hands whole requests to `Service`, so that a slow client keeps no thread. Limits: size of the head and of the body,
time for a whole request however slowly it trickles in, connections at a time.
https://docs.pylonsproject.org/projects/waitress/en/stable/arguments.html
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from soc2ev.ledger.service import Refused, Request, Response, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_OWN_SOCKETS = 2
"""What waitress itself has open beside its connections: where it listens, and what wakes it."""
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take."""

    body: int = 1024 * 1024
    head: int = 16 * 1024
    seconds: float = 15.0
    """For a whole request, and for waiting for the next one."""
    connections: int = 64
    """Further clients wait until one of these has gone."""
    threads: int = 32
    """So many share one wait for the disk."""


class Server:
    """A server that listens; `serve_forever` answers until `shutdown`."""

    def __init__(
        self, host: str, port: int, service: Service, *, limits: Limits, log: Callable[[str], None] = lambda _: None
    ) -> None:
        self.service, self.limits, self.log = service, limits, log
        self._map: dict[int, Any] = {}
        self._ended = threading.Event()
        self._began: dict[int, float] = {}
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        self._server = create_server(
            self._application,
            map=self._map,
            host=host,
            port=port,
            threads=limits.threads,
            connection_limit=limits.connections + _OWN_SOCKETS,
            channel_timeout=max(1, round(limits.seconds)),
            cleanup_interval=1,
            max_request_header_size=limits.head,
            max_request_body_size=limits.body,
            ident=None,
            asyncore_use_poll=True,
        )
        self._server.channel_class = _Channel

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.effective_port)

    def serve_forever(self) -> None:
        """Answer until `shutdown`."""
        while not self._ended.is_set():
            wasyncore.loop(timeout=_POLL, use_poll=True, map=self._map, count=1)
            self._cut_off(time.monotonic())

    def shutdown(self) -> None:
        """End soon; may be called from another thread."""
        self._ended.set()

    def drain(self, seconds: float) -> None:
        """Answer the requests that had arrived and are being worked on, then close everything."""
        self._server.accepting = False
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=seconds)
        until = time.monotonic() + seconds
        while self._unsent() and time.monotonic() < until:
            wasyncore.loop(timeout=_POLL, use_poll=True, map=self._map, count=1)
        wasyncore.close_all(self._map)

    def _unsent(self) -> bool:
        return any(channel.total_outbufs_len for channel in self._server.active_channels.values())

    def _cut_off(self, now: float) -> None:
        """Close connections whose request takes longer than allowed: to waitress each byte is a sign of life."""
        waiting = {number: one for number, one in self._server.active_channels.items() if one.request is not None}
        self._began = {number: self._began.get(number, now) for number in waiting}
        for number, channel in waiting.items():
            if now - self._began[number] > self.limits.seconds:
                channel.will_close = True

    def _application(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            response = self.service.answer(_request(environ))
        except Exception as problem:  # noqa: BLE001  told by its kind, without what it held
            self.log(f"a request ended with {type(problem).__name__}")
            response = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "that went wrong here").response
        status = HTTPStatus(response.status)
        start(f"{status.value} {status.phrase}", _headers(response))
        return [response.body]


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What waitress itself refuses, said as everything else that is refused."""

    def execute(self) -> None:
        """Send it, and end the connection."""
        error = self.request.error
        response = Refused(HTTPStatus(error.code), "request", str(error.reason)).response
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(_headers(response))
        self.set_close_on_finish()
        self.content_length = len(response.body)
        self.write(response.body)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    error_task_class = _Refusal


def _request(environ: Mapping[str, Any]) -> Request:
    """The request, its body read: waitress has received it whole."""
    headers = {name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name[:5] == "HTTP_"}
    query = environ.get("QUERY_STRING") or ""
    # The path comes decoded: a question mark in it is no query, and must not become one.
    target = quote(environ["PATH_INFO"].encode("latin-1", "replace")) + (f"?{query}" if query else "")
    return Request(environ["REQUEST_METHOD"], target, headers, environ["wsgi.input"].read())


def _headers(response: Response) -> list[tuple[str, str]]:
    return [
        ("Content-Type", response.kind),
        ("Content-Length", str(len(response.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *response.headers.items(),
    ]
