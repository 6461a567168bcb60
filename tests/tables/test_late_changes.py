"""What changed at GitHub and Jira after a period was first collected, from whole collections of loopback worlds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev import config, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.sources.jira import remembered
from soc2ev.tables.late_changes.compared import COMPARED
from soc2ev.tables.time_line import time_line
from soc2ev.vault import Vault, writer
from tests.fakes.github import faults
from tests.fakes.github.change import Change
from tests.fakes.github.scenarios.story import SECRET, Story
from tests.fakes.github.server import GitHub
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import Person, Ticket, World
from tests.sources.github.runs import Clock

EARLY = datetime(2026, 10, 20, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (3, 10, 20))
VARIABLES = {"GH": SECRET, "WHO": "me@acme.example", "JIRA": "jira-secret"}
LENA = Person("lena")
Rows = list[Mapping[str, Any]]


class Place:
    """A folder with a vault, and the two worlds that are collected into it."""

    def __init__(self, folder: Path, host: GitHub, site: Jira, story: Story) -> None:
        self.folder, self.host, self.site, self.story = folder, host, site, story
        self.month = period.parse("2026-10")

    def collect(self, at: datetime, *trouble: faults.Fault, branches: str = "[main]") -> None:
        """Collect October at that time."""
        world = self.story.world
        world.now = self.site.world.now = max(at, world.now)
        self.host.faults = list(trouble)
        clock = Clock(at)
        with writer(self.folder / "vault", origin="test", now=clock.now, tool="test") as vault:
            fetch = Fetch(vault, environment=VARIABLES, sleep=clock.sleep, now=clock.now)
            list(sources.collect(fetch, self.configured(branches), self.month))

    def configured(self, branches: str = "[main]") -> config.Settings:
        """The configuration for both hosts."""
        text = (
            f"version: 1\norganisation: Example Co\nregisters: null\n"
            f"scope: [{{repository: acme/api, branches: {branches}}}]\nsources:\n"
            f"  github: [{{url: '{self.host.url}', graphql_url: '{self.host.graphql_url}', token: {{env: GH}}}}]\n"
            f"  jira: [{{url: '{self.site.url}', user: {{env: WHO}}, token: {{env: JIRA}}, projects: [API]}}]\n"
        )
        (self.folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        return config.load(self.folder / "soc2ev.yaml")

    @contextmanager
    def loaded(self) -> Iterator[tables.Tables]:
        """The tables of October."""
        with tables.load(Vault.open(self.folder / "vault"), self.configured(), self.month) as loaded:
            yield loaded

    def late(self, table: str = "") -> Rows:
        """The rows of late_changes, or those of one table."""
        with self.loaded() as loaded:
            rows = list(loaded.select("select * from late_changes order by all"))
        return [row for row in rows if table in ("", row["table"])]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder of its own, with both hosts running."""
    story, world = Story(), World()
    world.token("jira-secret", user="me@acme.example")
    with GitHub(story.world) as host, Jira(world) as site:
        yield Place(tmp_path, host, site, story)


@pytest.fixture
def change(place: Place) -> Change:
    """A change of October that did everything right and names the ticket API-1."""
    return place.story.clean(title="API-1 Change")


@pytest.fixture
def ticket(place: Place) -> Ticket:
    """The ticket API-1, approved in October."""
    made = place.site.world.ticket("API-1")
    place.site.world.move(made, "Approved", LENA)
    return made


def item(change: Change) -> str:
    """The id of the change."""
    return f"acme/api@{change.it.merge_sha}"


def told(rows: Rows) -> list[tuple[Any, ...]]:
    """Kind, field, before and after of each."""
    return [(row["kind"], row["field"], row["before"], row["after"]) for row in rows]


def later(ticket: Ticket, at: datetime, status: str, world: World) -> None:
    """Move the ticket at that time."""
    ticket.updated = at
    world.move(ticket, status, LENA)


def test_an_unchanged_second_run_shows_nothing(place: Place, change: Change, ticket: Ticket) -> None:
    """Two collections of the same facts differ in nothing, though the host was asked again."""
    place.collect(FIRST)
    place.story.open(title="API-2 of November")
    place.collect(THIRD)
    with place.loaded() as loaded:
        again = loaded.select("select * from superseded_collections where stream = 'github:acme/api:pull-requests'")
        assert 1 == len(again)
        assert [] == list(loaded.select("select * from late_changes"))


def test_a_period_that_was_collected_once(place: Place, change: Change) -> None:
    """There is nothing to compare, and no further body stands behind the tables."""
    place.collect(FIRST)
    with place.loaded() as loaded:
        runs = {run for run, _ in loaded.behind}
        assert [] == list(loaded.select("select * from late_changes"))
    assert 1 == len(runs)


def test_a_review_that_is_dismissed_later(place: Place, change: Change) -> None:
    """Both states are told with the time of each, the change that they concern, and the bodies behind them."""
    place.collect(FIRST)
    change.dismiss(change.it.reviews[0], place.story.cat)
    place.collect(THIRD)
    [row] = place.late("github_reviews")
    assert [("changed", "state", "APPROVED", "DISMISSED")] == told([row])
    assert (FIRST, THIRD) == (row["first_collected_at"], row["last_collected_at"])
    assert (item(change), [item(change)]) == (row["item"], row["items"])
    assert "github:acme/api:pull-requests" == row["stream"]
    assert row["key"].startswith("acme/api 1 ")
    vault = Vault.open(place.folder / "vault")
    before, after = (vault.read(digest) for digest in row["evidence"])
    assert b"DISMISSED" not in before
    assert b"DISMISSED" in after
    [event] = place.late("github_events")
    assert "appeared" == event["kind"]
    assert "ReviewDismissedEvent" in event["after"]
    assert "actor cat" in event["after"]


def test_a_title_and_a_label_that_changed(place: Place, change: Change) -> None:
    """Each fact is a row; what did not change is none."""
    change.label("emergency", place.story.ann)
    place.collect(FIRST)
    change.edit(place.story.ann, title="API-1 Other")
    change.unlabel("emergency", place.story.ann)
    place.collect(THIRD)
    rows = place.late("github_pull_requests")
    expected = [("changed", "labels", "emergency", ""), ("changed", "title", "API-1 Change", "API-1 Other")]
    assert expected == sorted(told(rows))
    assert {"acme/api 1"} == {row["key"] for row in rows}


def test_a_deployment_that_is_deleted(place: Place, change: Change) -> None:
    """It vanished, and so its statuses are not told one by one; the change that it brought is named."""
    place.collect(FIRST)
    gone = place.story.api.it.deployments.pop()
    place.story.open()
    place.collect(THIRD)
    [row] = [row for row in place.late() if row["stream"].endswith(":deployments")]
    assert ("vanished", "github_deployments", "row", None) == (row["kind"], row["table"], row["field"], row["after"])
    assert f"environment production; sha {gone.sha}" in row["before"]
    assert item(change) == row["item"]


def test_a_review_that_is_deleted(place: Place, change: Change) -> None:
    """It vanished: what it said is kept."""
    place.collect(FIRST)
    gone = change.it.reviews.pop()
    change.it.timeline.remove(gone)
    place.story.open()
    place.collect(THIRD)
    [row] = place.late("github_reviews")
    assert "vanished" == row["kind"]
    assert "state APPROVED; reviewer bob" in row["before"]


def test_a_check_that_is_run_again(place: Place, change: Change) -> None:
    """Another conclusion of the same check is a change of the change that was tested."""
    place.collect(FIRST)
    [suite] = place.story.api.it.suites[change.it.head_sha]
    suite.runs[0].conclusion = "FAILURE"
    place.story.open()
    place.collect(THIRD)
    rows = [row for row in place.late("github_checks") if row["field"] == "conclusion"]
    assert {("changed", "conclusion", "SUCCESS", "FAILURE")} == set(told(rows))
    assert {item(change)} == {row["item"] for row in rows}


def test_what_a_later_deployment_does_to_this_one(place: Place, change: Change) -> None:
    """A deployment that another one supersedes becomes inactive; nobody touched it."""
    place.collect(FIRST)
    place.story.clean(title="API-2 of November")
    place.collect(THIRD)
    assert [] == place.late()


def test_a_ticket_that_moves_later(place: Place, change: Change, ticket: Ticket) -> None:
    """Its status now and then, and the entry of its history, concern the change that names it."""
    place.collect(FIRST)
    later(ticket, SECOND, "Done", place.site.world)
    place.collect(THIRD)
    [status] = [row for row in place.late("jira_tickets") if row["field"] == "status"]
    assert [("changed", "status", "Approved", "Done")] == told([status])
    assert ("API-1", item(change)) == (status["key"], status["item"])
    [event] = place.late("jira_events")
    assert event["key"].startswith("API-1 ")
    assert "field status; before Approved; after Done" in event["after"]


def test_a_ticket_that_is_deleted(place: Place, change: Change, ticket: Ticket) -> None:
    """It vanished, since it was asked for again and Jira told nothing; its history is not told line by line."""
    place.collect(FIRST)
    place.site.world.tickets.remove(ticket)
    place.collect(THIRD)
    [row] = [row for row in place.late() if row["stream"].startswith("jira:")]
    assert ("jira_tickets", "API-1", "vanished", item(change)) == (row["table"], row["key"], row["kind"], row["item"])
    with place.loaded() as loaded:
        sql = "select ticket_authorised, ticket_reason from change_facts where ticket_reason like '%API-1%'"
        [facts] = loaded.select(sql)
    assert "API-1 was moved to Approved" in facts["ticket_reason"]


def test_a_ticket_that_was_never_approved_and_is_deleted(place: Place, change: Change) -> None:
    """What was seen of it counts against the change, too; without an earlier collection nobody can tell."""
    made = place.site.world.ticket("API-1")
    place.collect(FIRST)
    place.site.world.tickets.remove(made)
    place.collect(THIRD)
    with place.loaded() as loaded:
        sql = "select ticket_authorised, ticket_reason from change_facts where ticket_reason like '%API-1%'"
        [facts] = loaded.select(sql)
    assert (False, False) == (facts["ticket_authorised"], "does not exist" in facts["ticket_reason"])


def test_a_ticket_that_nobody_asks_for_any_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A description that stops naming a ticket does not make it vanish, where earlier keys are no longer on record."""
    old = place.site.world.ticket("API-1", at=datetime(2025, 1, 5, tzinfo=UTC))
    place.site.world.move(old, "Done", LENA)
    named = place.story.clean(title="Change", body="Ticket: API-1")
    place.collect(EARLY)
    named.edit(place.story.ann, body="No ticket")
    monkeypatch.setattr(remembered.Earlier, "keys", set())
    place.collect(THIRD)
    with place.loaded() as loaded:
        assert [] == list(loaded.select("select key from jira_tickets"))
    assert [] == place.late("jira_tickets")


def test_several_collections_before(place: Place, change: Change) -> None:
    """What two of them saw alike is told from the first; each other value is a row of its own."""
    place.collect(FIRST)
    place.story.open()
    place.collect(SECOND)
    change.edit(place.story.ann, title="API-1 Other")
    place.collect(THIRD)
    [row] = place.late("github_pull_requests")
    assert FIRST == row["first_collected_at"]
    change.edit(place.story.ann, title="API-1 Third")
    place.collect(datetime(2026, 11, 25, tzinfo=UTC))
    rows = place.late("github_pull_requests")
    expected = [("API-1 Change", FIRST), ("API-1 Other", THIRD)]
    assert expected == sorted((row["before"], row["first_collected_at"]) for row in rows)
    assert {"API-1 Third"} == {row["after"] for row in rows}


def test_an_open_period_goes_on(place: Place, change: Change) -> None:
    """Against a collection from before the close only what vanished counts: everything else was still to come."""
    place.collect(EARLY)
    change.edit(place.story.ann, title="API-1 Other")
    place.story.clean(title="API-2 Next")
    change.it.timeline.remove(change.it.reviews[0])
    change.it.reviews.clear()
    place.collect(THIRD)
    assert {("github_reviews", "vanished")} == {(row["table"], row["kind"]) for row in place.late()}


def test_a_collection_that_failed_shows_nothing(place: Place, change: Change) -> None:
    """The complete run before it goes on to answer, and what only the failed one saw is no observation before that."""
    place.collect(FIRST)
    change.edit(place.story.ann, title="API-1 Other")
    place.collect(THIRD, faults.html(on="*/activity", times=None))
    with place.loaded() as loaded:
        other = {row["stream"]: row["complete"] for row in loaded.select("select * from superseded_collections")}
        assert (False, True) == (other["github:acme/api:activity"], other["github:acme/api:pull-requests"])
    assert [] == place.late()


def test_another_question_is_not_compared(place: Place, change: Change) -> None:
    """With other production branches other facts are asked for, so that nothing can be said to have vanished."""
    place.story.api.push(place.story.ann, {"x": "1"}, branch="release")
    place.collect(FIRST, branches="[main, release]")
    place.collect(THIRD, branches="[release]")
    assert [] == place.late()


def test_the_time_line_of_the_change(place: Place, change: Change) -> None:
    """After the chain of custody stands what was seen when."""
    place.collect(FIRST)
    change.dismiss(change.it.reviews[0], place.story.cat)
    place.collect(THIRD)
    with place.loaded() as loaded:
        steps = time_line(loaded, item(change))
        assert [] == time_line(loaded, "acme/api@other")
    late = [step for step in steps if step["step"] == "late change"]
    assert steps[-len(late) :] == late
    assert any("state seen on 2026-11-03 as APPROVED, on 2026-11-20 as DISMISSED" in step["what"] for step in late)
    assert {THIRD} == {step["at"] for step in late}


def test_what_is_compared_exists() -> None:
    """Every column that is named is one of its table, and every parent is compared too."""
    known = {table.name: {column.name for column in table.columns} for table in tables.documented()}
    parents = {one.table for one in COMPARED}
    for one in COMPARED:
        assert set() == {*one.key, *one.fields, *one.told} - known[one.table], one.table
        if one.parent:
            assert one.parent[0] in parents
            assert set() == set(one.parent[1]) - known[one.table]


def test_no_table_is_left_behind(place: Place, change: Change) -> None:
    """What was needed to compare cannot be queried."""
    place.collect(FIRST)
    change.edit(place.story.ann, title="API-1 Other")
    place.collect(THIRD)
    declared = {table.name for table in tables.documented()}
    with place.loaded() as loaded:
        found = {row["table_name"] for row in loaded.select("select table_name from information_schema.tables")}
    assert declared == found, json.dumps(sorted(found ^ declared))
