"""From the messages of commits to the tickets that they name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc2ev import config, period, sources
from soc2ev.fetch import Fetch
from soc2ev.vault import Vault, writer
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import World
from tests.fakes.repositories import ENVIRONMENT, Change, Repository
from tests.sources.jira.runs import LATER, SECRET

AT = int(datetime(2026, 10, 5, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(("projects", "expected"), [("[API]", {"API-1"}), ("[]", {"API-1", "OPS-9"})])
def test_keys_in_messages_are_asked_for(projects: str, expected: set[str], tmp_path: Path) -> None:
    """Jira comes after git, and is asked for each key of the period's commits, of the configured projects only."""
    repository = Repository.init(tmp_path / "repo")
    repository.make([Change("one", at=AT, message="API-1: do it\n\nSee OPS-9 and SHA-256")])
    world = World()
    world.token(SECRET)
    world.ticket("API-1", at=datetime(2020, 1, 1, tzinfo=UTC))
    file = tmp_path / "soc2ev.yaml"
    with Jira(world) as host:
        site = f"{{url: '{host.url}', token: {{env: JIRA_TOKEN}}, projects: {projects}}}"
        git = "[{path: repo, repository: acme/api}]"
        file.write_text(
            f"version: 1\norganisation: E\nregisters: null\nsources:\n  git: {git}\n  jira: [{site}]\n",
            encoding="utf-8",
        )
        with writer(tmp_path / "vault", origin="soc2ev/example/evidence", now=lambda: LATER, tool="tests 1") as vault:
            fetch = Fetch(vault, environment={**ENVIRONMENT, "JIRA_TOKEN": SECRET}, now=lambda: LATER)
            claims = list(sources.collect(fetch, config.load(file), period.parse("2026-10")))
    assert [] == [one for one in claims if one.stream.startswith("jira") and not one.complete]
    items = Vault.open(tmp_path / "vault").items()
    asked = {key for item in items if item.request.get("role") == "keys" for key in item.request["keys"]}
    assert expected == asked
