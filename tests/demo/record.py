"""
Record what the demo's hosts answer: `python -m tests.demo.record`, or `make demo-record`.

The demo itself is collected, with the fake GitHub and the fake Jira behind its hosts; every exchange goes into one file
of the demo's templates. Recorded twice, it is the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soc2ev.demo import PERIOD, RECORDING, hosts, live
from soc2ev.period import Period, months, parse
from soc2ev.templates import folder
from tests.demo import monitoring, paging
from tests.demo.company import Harbour
from tests.fakes.github.server import GitHub as FakeGitHub
from tests.fakes.jira.server import Jira as FakeJira


class GitHub(FakeGitHub):
    """The fake under the address that the demo gives it."""

    @property
    def web(self) -> str:
        """The root of the pages for people."""
        return f"https://{hosts.GITHUB}"

    @property
    def url(self) -> str:
        """The REST root."""
        return f"{self.web}/api/v3"


class Jira(FakeJira):
    """The fake under the address that the demo gives it."""

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"https://{hosts.JIRA}"


class Recorder:
    """Answers as the company's hosts would in that month, and keeps what was asked and answered."""

    def __init__(self, company: Harbour) -> None:
        self.company = company
        self.exchanges: list[tuple[hosts.Asked, hosts.Reply]] = []
        self._ahead: list[Period] = months(parse(PERIOD))
        self._month = ""

    def __call__(self, asked: hosts.Asked) -> hosts.Reply:
        """The answer of the fake."""
        if asked.month != self._month:
            self._live_until(asked.month)
        if asked.host not in (hosts.GITHUB, hosts.JIRA):
            told = paging.answer(asked) if asked.host == hosts.PAGERDUTY else monitoring.answer(asked)
            self.exchanges.append((asked, told))
            return told
        secret = hosts.TOKENS["FICTIONAL_GITHUB_TOKEN" if asked.host == hosts.GITHUB else "FICTIONAL_JIRA_TOKEN"]
        server = self._github if asked.host == hosts.GITHUB else self._jira
        sent = {"Authorization": f"Bearer {secret}", "User-Agent": "soc2ev"}
        wire = server.respond(asked.method, asked.target, sent, asked.body)
        if server.crashes:
            raise server.crashes[0]
        headers = {name.lower(): value for name, value in wire.headers.items()}
        reply = hosts.Reply(wire.status, {name: headers[name] for name in hosts.KEPT if name in headers}, wire.body)
        self.exchanges.append((asked, reply))
        return reply

    def _live_until(self, month: str) -> None:
        while self._month != month:
            ahead = self._ahead.pop(0)
            self.company.live(ahead)
            self._month = ahead.name
        # Fresh servers: the limits of a month are its own.
        self.close()
        self._github, self._jira = GitHub(self.company.github.world), Jira(self.company.jira)

    def close(self) -> None:
        """Give back the ports, which nobody uses: requests come by the demo's own hosts."""
        for name in ("_github", "_jira"):
            if hasattr(self, name):
                getattr(self, name)._server.server_close()


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A recorder of a company at its beginning."""
    made = Recorder(Harbour())
    try:
        yield made
    finally:
        made.close()


def record() -> bytes:
    """The recording of the demo's twelve months."""
    with tempfile.TemporaryDirectory() as place, recorder() as made:
        live(Path(place) / "company", made)
        return hosts.write(made.exchanges)


def main() -> None:
    """Write it where the demo looks for it."""
    packed = record()
    (folder("demo") / RECORDING).write_bytes(packed)
    print(f"{len(list(hosts.read(packed)))} answers, {len(packed):,} bytes")  # noqa: T201  whoever records wants to know


if __name__ == "__main__":
    main()
