"""A repository that is collected as often as one likes, and judged in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from soc2ev import config, controls, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.vault import Vault, writer
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.server import GitHub

AFTER = datetime(2026, 11, 3, 12, tzinfo=UTC)


class Watched:
    """A story that is collected as often as one likes into one vault, and judged in the end."""

    def __init__(self, folder: Path, story: Story) -> None:
        self.folder, self.story = folder, story

    def collect(self) -> config.Settings:
        """Collect October at the world's present time."""
        now = self.story.now
        with GitHub(self.story.world) as host:
            source = f"{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: TOKEN}}}}"
            text = "version: 1\norganisation: Example Co\nregisters: null\nscope: [{repository: acme/api}]\n"
            (self.folder / "soc2ev.yaml").write_text(f"{text}sources: {{github: [{source}]}}\n", encoding="utf-8")
            found, month = config.load(self.folder / "soc2ev.yaml"), period.parse("2026-10", "UTC", now=AFTER)
            with writer(self.folder / "evidence", origin="test", now=lambda: now, tool="test") as vault:
                fetch = Fetch(
                    vault,
                    environment={"TOKEN": self.story.secret},
                    sleep=lambda _: None,
                    now=lambda: now,
                    workers=1,
                )
                list(sources.collect(fetch, found, month))
        return found

    def tested(self) -> tuple[str, str]:
        """Collect after the month; outcome and reason of attribute B of the only change."""
        return self.judged("B")

    def judged(self, attribute: str) -> tuple[str, str]:
        """The same of any attribute."""
        self.story.world.now = max(AFTER, self.story.world.now)
        found = self.collect()
        judging = [one for one in controls.builtin() if one.id == "change-authorised-tested-approved"]
        month = period.parse("2026-10", "UTC", now=AFTER)
        with tables.load(Vault.open(self.folder / "evidence"), found, month) as loaded:
            (finding,) = controls.judge_all(judging, loaded)
        (item,) = [one for one in finding.population.items if one.facts["pull_requests"]]
        return item.outcomes[attribute].outcome.value, item.outcomes[attribute].reason


def landed(story: Story, conclusion: str = "SUCCESS", *checks: str) -> None:
    """An approved change whose check `test` ended so, and others well."""
    change = story.open()
    change.check(conclusion=conclusion)
    for name in checks:
        change.check(name)
    change.approve(story.bob)
    change.merge(story.bob, "squash")
