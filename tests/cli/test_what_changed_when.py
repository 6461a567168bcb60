"""Late changes and what to run when, through the front door: collect, check, show, query, pack, verify, status."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook  # noqa: TID251  reading only

from soc2ev.cli import session
from tests.conftest import Result, Run
from tests.fakes.github.change import Change
from tests.fakes.github.scenarios.story import SECRET, Story
from tests.fakes.github.server import GitHub

INSIDE, FIRST, SECOND = (datetime(2026, *day, 12, tzinfo=UTC) for day in ((10, 20), (11, 3), (11, 20)))
PERIOD = ("--period", "2026-10")


@dataclass
class Desk:
    """Somebody at a terminal whose clock can be set, and the GitHub that they collect from."""

    run: Run
    folder: Path
    story: Story
    change: Change
    patch: pytest.MonkeyPatch

    def at(self, moment: datetime, *words: str) -> Result:
        """The command at that time."""
        self.story.world.now = max(moment, self.story.world.now)
        self.patch.setattr(session, "now", lambda: moment)
        return self.run(*words, cwd=self.folder)

    def collect_twice(self) -> None:
        """Collect October, dismiss a review, edit the title, delete the deployment, collect October again."""
        assert self.at(FIRST, "collect", *PERIOD).code in (0, 4, 5)
        self.change.dismiss(self.change.it.reviews[0], self.story.cat)
        self.change.edit(self.story.ann, title="ABC-1 [red]Other[/red]")
        self.story.api.it.deployments.pop()
        assert self.at(SECOND, "collect", *PERIOD).code in (0, 4, 5)

    @property
    def item(self) -> str:
        """The id of the change."""
        return f"acme/api@{self.change.it.merge_sha}"


@pytest.fixture
def desk(tmp_path: Path, soc2ev: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A change of October that did everything right."""
    story = Story()
    change = story.clean()
    monkeypatch.setenv("GH_TOKEN", SECRET)
    with GitHub(story.world) as host:
        (tmp_path / "soc2ev.yaml").write_text(
            "version: 1\norganisation: Example Co\nregisters: null\nscope: [{repository: acme/api}]\nsources:\n"
            f"  github: [{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: GH_TOKEN}}}}]\n",
            encoding="utf-8",
        )
        yield Desk(soc2ev, tmp_path, story, change, monkeypatch)


def test_the_screens_say_what_changed_later(desk: Desk) -> None:
    """`check` counts and leads to the table, `query` shows it, `show` has it in the time line and in JSON."""
    desk.collect_twice()
    checked = desk.at(SECOND, "check", *PERIOD)
    assert "5 facts changed after they were first collected, 1 of them vanished; see them:" in checked.err
    assert 'soc2ev query "SELECT * FROM late_changes" --period 2026-10' in checked.err
    rows = json.loads(desk.at(SECOND, "query", "SELECT * FROM late_changes", *PERIOD, "--format", "json").out)
    assert 5 == len(rows)
    desk.patch.setenv("COLUMNS", "400")
    shown = desk.at(SECOND, "show", desk.item, *PERIOD).out
    assert "2026-11-20 12:00:00 (collection)" in shown
    assert "state seen on 2026-11-03 as APPROVED, on 2026-11-20 as DISMISSED" in shown
    assert "title seen on 2026-11-03 as ABC-1 Change, on 2026-11-20 as ABC-1 [red]Other[/red]" in shown
    assert "gone on 2026-11-20" in shown
    document = json.loads(desk.at(SECOND, "show", desk.item, *PERIOD, "--format", "json").out)
    assert 5 == len(document["late_changes"])


def test_the_page_and_the_pack_show_it(desk: Desk) -> None:
    """The page of the item, the index, a list beside the populations, and the same bytes when it is re-performed."""
    desk.collect_twice()
    page = desk.folder / "change.html"
    assert 0 == desk.at(SECOND, "show", desk.item, *PERIOD, "--page", str(page)).code
    text = page.read_text(encoding="utf-8")
    assert '<li class="late-change">' in text
    assert "as APPROVED, on 2026-11-20 as DISMISSED" in text
    made = desk.at(SECOND, "pack", *PERIOD, "--format", "json")
    pack = desk.folder / json.loads(made.out)["pack"]
    listed = (pack / "data" / "03_Change-Management" / "late-changes_2026-10.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(listed)))
    assert {"changed": 2, "appeared": 2, "vanished": 1} == {
        kind: sum(row["kind"] == kind for row in rows) for kind in ("changed", "appeared", "vanished")
    }
    sheet = load_workbook(pack / "data" / "00_Index.xlsx")["Late changes"]
    assert any("DISMISSED" in [cell.value for cell in row] for row in sheet.iter_rows())
    verified = json.loads(desk.at(SECOND, "verify", str(pack), "--format", "json").out)
    assert ([], True, True) == (
        verified["problems"], verified["findings_reproduced"], verified["rendered_identically"],
    )  # fmt: skip


def test_a_pack_without_late_changes(desk: Desk) -> None:
    """There is neither list nor sheet, and `check` says nothing of them."""
    desk.at(FIRST, "collect", *PERIOD)
    desk.at(SECOND, "collect", *PERIOD)
    assert "changed after" not in desk.at(SECOND, "check", *PERIOD).err
    pack = desk.folder / json.loads(desk.at(SECOND, "pack", *PERIOD, "--format", "json").out)["pack"]
    assert [] == list((pack / "data" / "03_Change-Management").glob("late-changes*"))
    assert "Late changes" not in load_workbook(pack / "data" / "00_Index.xlsx").sheetnames


def test_an_open_period_is_told_when_it_can_be_completed(desk: Desk) -> None:
    """The population is provisional until a date, and the settings were seen at the right time."""
    done = desk.at(INSIDE, "collect", *PERIOD)
    assert "2026-10 is open: its population is provisional; collect it again from 2026-11-01 01:00Z on" in done.err
    assert "settings were observed inside 2026-10, as they have to be" in done.err
    timing = json.loads(desk.at(INSIDE, "collect", *PERIOD, "--format", "json").out)["timing"]
    assert (True, "2026-11-01T01:00:00Z", True) == (
        timing["open"],
        timing["complete_from"],
        timing["settings_observed"],
    )


def test_a_closed_period_whose_settings_nobody_saw(desk: Desk) -> None:
    """Which were missed, that they can no longer be had, and what prevents it."""
    done = desk.at(FIRST, "collect", *PERIOD)
    assert (
        "settings not observed whole inside 2026-10: acme/api (environments, permissions, rules, settings)" in done.err
    )
    assert "that can no longer be had, and a scheduled run each month prevents it" in done.err
    assert "is open" not in done.err
    [row] = json.loads(desk.at(FIRST, "status", "--format", "json").out)
    assert {"acme/api": ["environments", "permissions", "rules", "settings"]} == row["timing"]["settings_not_observed"]


def test_status_says_what_to_run(desk: Desk) -> None:
    """A period that was collected while it was open is to be collected again; once it is, its settings stay seen."""
    desk.at(INSIDE, "collect", *PERIOD)
    assert "collect it again now" in desk.at(FIRST, "status").err
    desk.at(FIRST, "collect", *PERIOD)
    said = desk.at(FIRST, "status").err
    assert "collect it again" not in said
    assert "settings were observed inside 2026-10" in said


def test_evidence_that_will_be_deleted_is_told_until_it_is_collected(desk: Desk) -> None:
    """The day on which GitHub deletes the first checks, while the period is not collected whole."""
    desk.story.api.it.settings.retention_days = 30
    done = desk.at(INSIDE, "collect", *PERIOD)
    assert "evidence expires: GitHub keeps checks and logs of acme/api for 30 days" in done.err
    assert "are deleted on 2026-10-31" in done.err
    desk.at(FIRST, "collect", *PERIOD)
    assert "evidence expires" not in desk.at(FIRST, "status").err
