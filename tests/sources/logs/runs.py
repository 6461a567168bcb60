"""Collections of log sources with a real vault, read back as the tables would be."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from soc2ev import config, yamlfile
from soc2ev.fetch import Fetch
from soc2ev.model import Coverage, EvidenceItem, Table
from soc2ev.period import Period, parse
from soc2ev.sources import logs
from soc2ev.tables.engine import Engine
from soc2ev.vault import writer

PERIOD = parse("2026-10", "UTC")
SECRET = "S3NTINEL-of-a-password"


@dataclass
class Collected:
    """What one collection claimed and stored."""

    claims: dict[str, Coverage]
    stored: list[tuple[EvidenceItem, bytes]]
    rows: dict[str, list[dict[str, Any]]]
    said: list[str]

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        """The log sources by key."""
        return {row["key"]: row for row in self.rows["collected_log_sources"]}

    def of(self, key: str, table: str = "collected_alert_rules") -> list[dict[str, Any]]:
        """Rows of a list of that source, in order."""
        return [row for row in self.rows[table] if row["source_key"] == key]

    def rules(self, key: str) -> dict[str, dict[str, Any]]:
        """Its alert rules by name."""
        return {row["rule"]: row for row in self.of(key)}

    @property
    def claim(self) -> Coverage:
        """The only coverage."""
        (one,) = self.claims.values()
        return one


@dataclass
class Team:
    """A folder with soc2ev.yaml."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=lambda: {**os.environ, "PASSWORD": SECRET, "TOKEN": SECRET})
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def collect(self, *entries: Mapping[str, Any], period: Period = PERIOD) -> Collected:
        """Collect these entries of sources.logs."""
        self.root.mkdir(parents=True, exist_ok=True)
        file = self.root / "soc2ev.yaml"
        document = {"version": 1, "organisation": "Example Co", "sources": {"logs": [dict(one) for one in entries]}}
        file.write_text(yamlfile.dump(document), encoding="utf-8")
        settings, said = config.load(file), []
        with writer(self.root / "vault", origin="soc2ev/example/evidence", now=self.now, tool="soc2ev test") as vault:
            fetch = Fetch(
                vault,
                say=said.append,
                environment=self.environment,
                now=self.now,
                sleep=lambda _: None,
                folder=self.root,
            )
            claims = {one.stream: fetch.state(one) for one in logs.collect(fetch, settings, period)}
            stored = [(item, vault.read(item.digest)) for item in vault.items(run=vault.run)]
        return Collected(claims, stored, read_back(stored), said)


def read_back(stored: list[tuple[EvidenceItem, bytes]]) -> dict[str, list[dict[str, Any]]]:
    """All rows, through the engine: types hold, keys do not repeat, each count is that of the rows."""
    tables: dict[str, Table] = {table.name: table for stream in logs.STREAMS for table in stream.tables}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item, body in stored:
        (stream,) = [one for one in logs.STREAMS if item.stream.endswith(f":{one.name}")]
        rows = list(stream.rows(item, body))
        counts = {name: sum(name == table for table, _ in rows) for name, _ in rows}
        assert item.count is None or item.count in (counts.values() or (0,))
        for name, row in rows:
            found[name].append(dict(row))
    engine = Engine()
    for name, table in tables.items():
        engine.create(table)
        engine.insert(table, found[name])
        keys = [tuple(row[key] for key in table.key) for row in found[name]]
        assert len(set(keys)) == len(keys), name
    engine.close()
    return found
