"""Commands and files of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended. `code` is None when it was stopped because it took too long."""

    code: int | None
    out: bytes
    err: bytes


def run(argv: Sequence[str], cwd: Path, stdin: bytes | None, environment: Mapping[str, str], timeout: float) -> Done:
    """Run it, without a shell and with that environment only. CollectError when it cannot be started."""
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as problem:
        says = problem.strerror if isinstance(problem, OSError) else "an argument holds a NUL"
        raise CollectError(
            f"`{shown(argv)}` cannot be started in {cwd}: {says}", hint=f"is {argv[0]} installed and on PATH?"
        ) from None
    with process:
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            # The whole session: a grandchild that keeps the pipe open would make us wait for ever.
            _kill(process)
            out, err = process.communicate()
            return Done(None, out, err)
        except BaseException:
            _kill(process)
            raise
    return Done(process.returncode, out, err)


def refuse(argv: Sequence[str], code: int | None, stderr: str, *, good: bool, timeout: float) -> None:
    """CollectError unless the command ended as it should; its output is stored by now."""
    if code is None:
        raise CollectError(
            f"`{shown(argv)}` did not finish within {timeout:g} s; what it printed is stored",
            hint="run the command by hand to see what it waits for",
        )
    if not good:
        first = printable(stderr.strip().split("\n", 1)[0])[:300] or "it gave no reason"
        raise CollectError(
            f"`{shown(argv)}` failed with exit code {code}: {first}",
            hint="run the command by hand; what it printed is stored",
        )


def read(path: Path) -> bytes:
    """The bytes of a regular file of at most 64 MiB; CollectError for anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                raise CollectError(f"{path} is no regular file", hint="name the file itself")
            body = file.read(MAX_BYTES + 1)
            after = os.fstat(handle)
    except OSError as problem:
        raise CollectError(
            f"{path} cannot be read: {problem.strerror}",
            hint="check path and permissions; symbolic links are not followed",
        ) from None
    if len(body) > MAX_BYTES:
        raise CollectError(f"{path} is larger than {MAX_BYTES} bytes", hint="split it")
    if len(body) != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise CollectError(f"{path} changed while it was read", hint="run again when nobody writes it")
    return body


def shown(argv: Sequence[str]) -> str:
    """The command as a message names it: short, and without what could steer a terminal."""
    return printable(" ".join(argv))[:120]


def printable(text: str) -> str:
    """The text with every control character replaced."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
