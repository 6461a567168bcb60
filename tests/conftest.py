"""The front door: `soc2ev` run in this process, with its output and exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from soc2ev.cli import session

_CLOSED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann Berg",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann Berg",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def soc2ev(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command line as a user does: `soc2ev("check", "--period", "2026-10", cwd=folder)`."""
    from soc2ev.__main__ import main

    # A limit on the process would stay with the tests after this one.
    monkeypatch.setattr(session, "bound_memory", lambda: None)
    for name in ("SOC2EV_CONFIG", "SOC2EV_SIGNING_KEY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, cwd: Path) -> Result:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["soc2ev", *words])
        monkeypatch.setattr(session, "_chosen", None)
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        out, err = capfd.readouterr()
        return Result(code, out, err)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@dataclass(frozen=True)
class Workplace:
    """A folder with a git repository and a configuration, as a team has it."""

    path: Path

    def git(self, *words: str, at: str = "2026-10-05T10:00:00Z") -> str:
        """Run git there; commits get that date from both clocks."""
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        environment = {"PATH": os.environ["PATH"], **_CLOSED, **dates}
        done = subprocess.run(["git", *words], cwd=self.path, env=environment, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def commit(self, message: str, *, at: str, path: str = "src/a.py") -> str:
        """A commit that changes that file; its id."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{at} {message}\n", encoding="utf-8")
        self.git("add", "--", path)
        self.git("commit", "-q", "-m", message, at=at)
        return self.git("rev-parse", "HEAD")

    def configure(self, text: str = "") -> None:
        """Write soc2ev.yaml: one repository, no registers unless the text says so."""
        registers = "" if "registers:" in text else "registers: null\n"
        head = "version: 1\norganisation: Example Co\nsources:\n  git: [{path: ., repository: acme/api}]\n"
        (self.path / "soc2ev.yaml").write_text(head + registers + text, encoding="utf-8")


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """Three changes in October 2026: one push, one squash, one merge of two commits."""
    made = Workplace(tmp_path / "work")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit("start", at="2026-09-20T10:00:00Z")
    made.commit("API-1: push", at="2026-10-02T10:00:00Z")
    made.commit("API-2: squash (#12)\n\nReviewed-by: Bo <bo@example.com>", at="2026-10-03T10:00:00Z")
    made.git("checkout", "-q", "-b", "topic")
    made.commit("API-3: one", at="2026-10-04T10:00:00Z", path="docs/one.md")
    made.commit("API-3: two", at="2026-10-05T10:00:00Z", path="docs/two.md")
    made.git("checkout", "-q", "main")
    made.git(
        "merge", "-q", "--no-ff", "-m", "Merge pull request #13 from acme/topic", "topic", at="2026-10-06T10:00:00Z"
    )
    made.commit("API-4: november", at="2026-11-02T10:00:00Z")
    made.configure()
    return made
