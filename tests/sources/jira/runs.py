"""Runs of the Jira source against the loopback Jira, with a real vault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from soc2ev import config, period, sources
from soc2ev.fetch import Fetch
from soc2ev.model import Coverage, EvidenceItem, Table
from soc2ev.sources import jira
from soc2ev.vault import Vault, writer
from tests.fakes.github.faults import Fault
from tests.fakes.jira.server import Asked, Jira
from tests.fakes.jira.world import World

LATER = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
SECRET = "S3NTINEL/of=a+token"
USER = "ann@example.com"


@dataclass
class Run:
    """What one collection claimed, said, stored and asked."""

    claims: list[Coverage]
    said: list[str]
    stored: list[tuple[EvidenceItem, bytes]]
    asked: Counter[str]
    requests: list[Asked]

    def of(self, stream: str) -> Coverage:
        """The coverage of a stream of the only site."""
        return next(one for one in self.claims if one.stream.endswith(f":{stream}"))

    @property
    def incomplete(self) -> dict[str, str]:
        """Reasons by stream."""
        return {one.stream.rpartition(":")[2]: one.reason or "" for one in self.claims if not one.complete}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table, as the stored bodies hold them."""
        return self.tables().get(table, [])

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """All rows; every counted body yields as many rows as were counted, and no key stands twice."""
        streams = {stream.name: stream for stream in jira.STREAMS}
        known = {table.name: table for stream in jira.STREAMS for table in stream.tables}
        found: dict[str, list[dict[str, Any]]] = {}
        for item, body in self.stored:
            if item.source != "jira":
                continue
            counts: Counter[str] = Counter()
            for name, row in streams[item.stream.rpartition(":")[2]].rows(item, body):
                counts[name] += 1
                found.setdefault(name, []).append(dict(row))
            assert item.count is None or item.count in (counts.values() or (0,)), (item.request, counts, item.count)
            assert item.count is not None or not counts, item.request
        for name, rows in found.items():
            _check(known[name], rows)
        return found

    def lookups(self) -> dict[str, str | None]:
        """The present key of each key that was asked for by name."""
        return {row["asked"]: row["key"] for row in self.rows("jira_lookups")}

    def keys(self) -> set[str]:
        """The keys of all tickets."""
        return {row["key"] for row in self.rows("jira_tickets")}


def _check(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    keys = Counter(tuple(row[name] for name in table.key) for row in rows)
    assert [] == [key for key, times in keys.items() if times > 1], table.name
    names = {column.name for column in table.columns}
    for row in rows:
        assert names == set(row), (table.name, names ^ set(row))
        assert all(row[column.name] is not None for column in table.columns if column.required), (table.name, row)


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


def settings(folder: Path, url: str, *, projects: str = "[]", user: bool = True, more: str = "") -> config.Settings:
    """The configuration of a folder for that site."""
    file = folder / "soc2ev.yaml"
    who = "user: {env: JIRA_USER}, " if user else ""
    site = f"{{url: '{url}', {who}token: {{env: JIRA_TOKEN}}, projects: {projects}}}"
    text = f"version: 1\norganisation: Example Co\nregisters: null\nsources:\n  jira: [{site}]\n{more}"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


def collect(
    folder: Path,
    world: World,
    *,
    mention: Iterable[str] = (),
    faults: Sequence[Fault] = (),
    projects: str = "[]",
    user: bool = True,
    secret: str = SECRET,
    more: str = "",
    gateway: bool = False,
    path: str | None = None,
    months: str = "2026-10",
    clock: datetime = LATER,
    host: Jira | None = None,
) -> Run:
    """
    Collect a period; runs in one folder share a vault. `path` replaces that of the configured address, `host` is a server
    that is running already.
    """
    said: list[str] = []
    with nullcontext(host) if host else Jira(world, faults=faults, gateway=gateway) as server:
        server.faults, server.requests = faults, []
        url = server.url if path is None else server.url.removesuffix(server.base) + path
        found = settings(folder, url, projects=projects, user=user, more=more)
        with writer(folder / "vault", origin="soc2ev/example/evidence", now=lambda: clock, tool="tests 1") as vault:
            wait = Clock(clock)
            variables = {"JIRA_TOKEN": secret, "JIRA_USER": USER}
            fetch = Fetch(vault, say=said.append, environment=variables, sleep=wait.sleep, now=wait.now)
            fetch.mention("ticket", mention)
            claims = list(sources.collect(fetch, found, period.parse(months)))
            run = vault.run
    read = Vault.open(folder / "vault")
    stored = [(item, read.read(item.digest)) for item in read.items(run=run)]
    assert len(claims) == len({claim.stream for claim in claims})
    return Run(claims, said, stored, server.counts(), server.requests)
