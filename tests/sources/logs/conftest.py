"""Real systems on the loopback, started for a module, and teams that collect from them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sources.logs.runs import Team

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postgresql/15/bin"


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
