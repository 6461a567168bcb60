"""
The fictional company's GitHub, Jira and monitoring: a proxy on the loopback that answers for hosts which do not exist.

The sources ask `https://github.harbour.example` as they would ask a real one, through a proxy and with a certificate
authority of their own, both of which live as long as the demo runs. What it answers is a recording; nothing is asked
of the network.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import ssl
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from soc2ev.demo.authority import certify

GITHUB, JIRA = "github.harbour.example", "jira.harbour.example"
PROMETHEUS, ALERTMANAGER = "prometheus.harbour.example", "alertmanager.harbour.example"
"""The name `example` is reserved (RFC 2606), so that no such host can ever exist."""
PAGERDUTY = "pagerduty.harbour.example"
NAMES = (GITHUB, JIRA, PROMETHEUS, ALERTMANAGER, PAGERDUTY)
TOKENS = {
    "FICTIONAL_GITHUB_TOKEN": "of-no-use-github",
    "FICTIONAL_JIRA_TOKEN": "of-no-use-jira",
    "FICTIONAL_PAGERDUTY_TOKEN": "of-no-use-pagerduty",
}
"""What the environment of a collection holds while the hosts run."""
KEPT = ("content-type", "date", "etag", "link", "x-oauth-scopes")
"""Headers that a recording keeps: those that the sources look at."""
STALE = "the recording of the demo's hosts holds no answer to this; `make demo-record` makes a new one"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `month` is the one that the demo is collecting, `target` the path with its query."""

    month: str
    host: str
    method: str
    target: str
    body: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        return f"{self.month}: {self.method} https://{self.host}{self.target}"

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from other requests: a query of GraphQL by the digest of its text and its variables."""
        return (self.month, self.host, self.method, self.target, self._says())

    def _says(self) -> str:
        if not self.body:
            return ""
        said = json.loads(self.body)
        if "query" in said:
            digest = hashlib.sha256(said.pop("query").encode()).hexdigest()
            said = {"query_sha256": digest, **said}
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; only the headers in KEPT."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


Answer = Callable[[Asked], Reply]


class Replay:
    """Answers from a recording: the same question in the same month gets its answers in the order of the recording."""

    def __init__(self, recording: Path) -> None:
        self._replies: dict[tuple[str, ...], list[Reply]] = defaultdict(list)
        self.missed: list[Asked] = []
        """Questions that the recording holds no answer to."""
        for key, reply in read(recording.read_bytes()):
            self._replies[key].append(reply)

    def __call__(self, asked: Asked) -> Reply:
        """The answer; 404 when there is none, which says what to do."""
        found = self._replies.get(asked.key)
        if not found:
            self.missed.append(asked)
            return Reply(HTTPStatus.NOT_FOUND, {"content-type": "application/json"}, _json({"message": STALE}))
        return found.pop(0) if len(found) > 1 else found[0]


def read(packed: bytes) -> Iterator[tuple[tuple[str, ...], Reply]]:
    """The exchanges of a recording, as (key, reply)."""
    for line in gzip.decompress(packed).splitlines():
        row = json.loads(line)
        yield tuple(row["asked"]), Reply(row["status"], row["headers"], row["body"].encode())


def write(exchanges: Iterable[tuple[Asked, Reply]]) -> bytes:
    """A recording: sorted by key, then in the order given, so that the same exchanges give the same bytes."""
    rows = [
        {
            "asked": asked.key,
            "status": int(reply.status),
            "headers": {name: reply.headers[name] for name in KEPT if name in reply.headers},
            "body": reply.body.decode(),
        }
        for asked, reply in sorted(exchanges, key=lambda one: one[0].key)
    ]
    lines = (_json(row) + b"\n" for row in rows)
    return gzip.compress(b"".join(lines), compresslevel=9, mtime=0)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Hosts:
    """
    `with Hosts(answer) as hosts:` and give `hosts.environment` to whatever collects; set `hosts.month` before.

    It listens on 127.0.0.1 alone, and answers for the names in NAMES alone.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.month = ""
        self._folder = tempfile.TemporaryDirectory(prefix="soc2ev-demo-")
        self._authority = Path(self._folder.name) / "authority.pem"
        self.tls = certify(NAMES, self._authority)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hosts": self}))
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
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """Proxy, certificate authority and tokens, as a person would set them."""
        proxy = f"http://127.0.0.1:{self._server.server_port}"
        return {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(self._authority), **TOKENS}


class _Handler(BaseHTTPRequestHandler):
    """A proxy that never leads anywhere: behind CONNECT it speaks for the host itself."""

    hosts: Hosts
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _host = ""
    _tunnel: ssl.SSLSocket | None = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """Nothing is printed."""

    def do_CONNECT(self) -> None:
        """Open the tunnel, and go on with the requests in it (RFC 9110, 9.3.6)."""
        name = self.path.rpartition(":")[0]
        if self._tunnel or name not in NAMES:
            self.send_error(HTTPStatus.FORBIDDEN, "This proxy speaks for hosts of the demo alone")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            tunnel = self.hosts.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            # The client left or trusts another authority; it says so itself.
            self.close_connection = True
            return
        self._host, self._tunnel, self.connection = name, tunnel, tunnel
        self.rfile, self.wfile = tunnel.makefile("rb"), tunnel.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a POST; other methods are refused with 501."""
        # urllib3 leaves Nagle's algorithm on for proxies, so that the body waits until TCP says that the headers came,
        # which may take 40 ms; this says so at once. Every client takes it, asked for or not (RFC 9110, 15.2).
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.hosts.month, self._host, self.command, self.path, body)
        reply = self.hosts.answer(asked)
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            lines.append(f"content-length: {len(reply.body)}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body)

    def finish(self) -> None:
        """Close the tunnel too, which the server does not know."""
        super().finish()
        if self._tunnel:
            self._tunnel.close()
