"""Runs of the GitHub source against the loopback GitHub, with a real vault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from soc2ev import config, period, sources
from soc2ev.fetch import Fetch
from soc2ev.model import Coverage, EvidenceItem, Table
from soc2ev.sources import github
from soc2ev.vault import Vault, writer
from tests.fakes.github.builder import Company
from tests.fakes.github.faults import Fault
from tests.fakes.github.server import GitHub

LATER = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
SECRET = "secret-of-a-token"
CHANGES = ("activity", "heads", "commits", "merged", "pull-requests", "checks", "deployments", "releases")
"""The streams of a repository that tell of changes; those of its settings have tests of their own."""


class Clock:
    """A clock that waits without taking time."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """What it shows."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let that time be over."""
        self.at += timedelta(seconds=seconds)


@dataclass
class Run:
    """What one collection claimed, said, stored and asked."""

    coverages: dict[str, Coverage]
    said: list[str]
    stored: list[tuple[EvidenceItem, bytes]]
    asked: Counter[str]
    run: str

    def of(self, stream: str, repository: str = "acme/api") -> Coverage:
        """The coverage of a stream of a repository."""
        return self.coverages[f"github:{repository}:{stream}"]

    @property
    def incomplete(self) -> dict[str, str]:
        """Reasons by stream, without the repository's name where there is one only."""
        return {
            name.removeprefix("github:acme/api:"): one.reason or ""
            for name, one in self.coverages.items()
            if not one.complete and name.rpartition(":")[2] in (*CHANGES, "repositories")
        }

    @property
    def requests(self) -> int:
        """How many requests the streams of changes took."""
        return sum(
            times
            for route, times in self.asked.items()
            if route.endswith(("/graphql", "/activity", "/{basehead}", "/approvals"))
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table, as the stored bodies hold them; their keys are unique and their counts right."""
        return self.tables().get(table, [])

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """All rows; every counted body yields as many rows as were counted, and no key stands twice."""
        streams = {stream.name: stream for stream in github.STREAMS}
        known = {table.name: table for stream in github.STREAMS for table in stream.tables}
        found: dict[str, list[dict[str, Any]]] = {}
        for item, body in self.stored:
            stream = streams.get(item.stream.rpartition(":")[2])
            if item.source != "github" or stream is None:
                continue
            counts: Counter[str] = Counter()
            for name, row in stream.rows(item, body):
                counts[name] += 1
                found.setdefault(name, []).append(dict(row))
            assert item.count is None or item.count in (counts.values() or (0,)), (item.request, counts, item.count)
            assert item.count is not None or not counts, item.request
        for name, rows in found.items():
            _check(known[name], rows)
        return found


def _check(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    keys = Counter(tuple(row[name] for name in table.key) for row in rows)
    assert [] == [key for key, times in keys.items() if times > 1], table.name
    names = {column.name for column in table.columns}
    for row in rows:
        assert names == set(row), (table.name, names ^ set(row))
        assert all(row[column.name] is not None for column in table.columns if column.required), (table.name, row)


def settings(folder: Path, host: GitHub, scope: str = "[{repository: acme/api}]", more: str = "") -> config.Settings:
    """The configuration of a folder for that host."""
    file = folder / "soc2ev.yaml"
    text = f"version: 1\norganisation: Example Co\nregisters: null\nscope: {scope}\n"
    text += f"sources:\n  github: [{{url: '{host.url}', token: {{env: TOKEN}}}}]\n{more}"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


def collect(
    folder: Path,
    story: Company,
    *,
    scope: str = "[{repository: acme/api}]",
    faults: Sequence[Fault] = (),
    secret: str = SECRET,
    months: str = "2026-10",
    now: datetime | None = LATER,
    workers: int = 4,
    more: str = "",
    clock: datetime = LATER,
) -> Run:
    """Collect a period from a world, which is moved on to `now` first; runs in one folder share a vault."""
    if now is not None:
        story.world.now = max(now, story.world.now)
    said: list[str] = []
    with GitHub(story.world, faults=faults) as host:
        found = settings(folder, host, scope, more)
        with writer(folder / "vault", origin="soc2ev/example/evidence", now=lambda: clock, tool="tests 1") as vault:
            wait = Clock(clock)
            fetch = Fetch(
                vault,
                say=said.append,
                environment={"TOKEN": secret},
                sleep=wait.sleep,
                now=wait.now,
                workers=workers,
            )
            claims = list(sources.collect(fetch, found, period.parse(months)))
            run = vault.run
        asked = host.counts()
    read = Vault.open(folder / "vault")
    stored = [(item, read.read(item.digest)) for item in read.items(run=run)]
    assert len(claims) == len({claim.stream for claim in claims})
    return Run({claim.stream: claim for claim in claims}, said, stored, asked, run)
