"""A server that a test scripts, a clock that never waits, and everything that a vault holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "s3ntinel/+0123456789=abc"
"""With the characters that encoders escape."""
START = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


Reply = tuple[int, Mapping[str, str], bytes]
DROP: Reply = (0, {}, b"")
"""Close the connection without an answer."""


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; underscores in the names of headers stand for dashes."""
    return status, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(value).encode()


@dataclass
class Server:
    """Answers with `answer(asked)`, or each request with the next of a list, the last for ever."""

    answer: Any = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer, self._lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._serve(self)

            do_POST = do_GET  # noqa: N815  the name is http.server's

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a second time does nothing."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        asked = Asked(handler.command, handler.path, dict(handler.headers), body)
        with self._lock:
            self.asked.append(asked)
            number = len(self.asked)
        script = self.answer
        made: Reply = script(asked) if callable(script) else script[min(number, len(script)) - 1]
        if made == DROP:
            handler.close_connection = True
            return
        status, headers, content = made
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


class Clock:
    """Sleeping moves it; `slept` says how long."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        with self._lock:
            self.slept.append(seconds)
            self.at += timedelta(seconds=seconds)


def everything(folder: Path) -> bytes:
    """All bytes of all files below the folder."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


Make = Callable[..., Any]
