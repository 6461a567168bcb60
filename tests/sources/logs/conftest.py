"""Real systems on the loopback, started for a module, and teams that collect from them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from tests.sources.logs.aws_account import KEYS, REGION, plant
from tests.sources.logs.runs import Team

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soc2ev-peers"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postgresql/15/bin:{_CACHE}/servers/bin"


def binary(name: str) -> str:
    """Where the program is. CI has it: without it the tests fail there; elsewhere they are left out, and say so."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        says = f"{name} is not installed: run tests/peers/install.sh as root"
        if os.environ.get("CI"):
            pytest.fail(says)
        pytest.skip(says)
    return found


def free_port() -> int:
    """A port of the loopback on which nobody listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(argv: Sequence[str], ready: Callable[[], bool], log: Path, **options: object) -> Iterator[None]:
    """The program, from when it is ready until it is stopped."""
    with log.open("wb") as out:
        process = subprocess.Popen(list(argv), stdout=out, stderr=out, **options)  # type: ignore[call-overload]
        try:
            deadline = time.monotonic() + 30
            while not ready():
                assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
                assert time.monotonic() < deadline, (
                    f"{argv[0]} is not ready: {log.read_text(errors='replace')[-2_000:]}"
                )
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(20)


def answers(url: str) -> Callable[[], bool]:
    """Whether an address answers with 200."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ask


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """A team without any entry yet."""
    return Team(tmp_path / "team")


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """An AWS on the loopback, with things planted; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(argv, answers(f"{url}/moto-api/"), tmp_path_factory.mktemp("moto") / "log"):
        plant(lambda service: boto3.client(service, region_name=REGION, endpoint_url=url, **KEYS))
        yield url


@pytest.fixture
def aws(monkeypatch, moto):
    """The environment of somebody who uses that AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["aws_secret_access_key"])
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def refusing(aws, moto):
    """A stub before moto: the operations in the list it refuses, with 403 or by breaking down."""
    refused: dict[str, int] = {}

    class Stub(BaseHTTPRequestHandler):
        def _pass(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            named = f"{self.headers.get('X-Amz-Target', '')} {self.path} {body[:200].decode(errors='replace')}"
            status = next((code for word, code in refused.items() if word in named), None)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            if status is None:
                request = urllib.request.Request(moto + self.path, body or None, headers, method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        status, found, kind = answer.status, answer.read(), answer.headers["Content-Type"]
                except urllib.error.HTTPError as problem:
                    status, found, kind = problem.code, problem.read(), problem.headers["Content-Type"]
            else:
                code = "AccessDeniedException" if status == 403 else "InternalFailure"
                found, kind = json.dumps({"__type": code, "message": "no"}).encode(), "application/x-amz-json-1.1"
                if not self.headers.get("X-Amz-Target"):
                    found = f"<Error><Code>{code[:12]}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = _pass  # noqa: N815

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield refused
    server.shutdown()
    server.server_close()
