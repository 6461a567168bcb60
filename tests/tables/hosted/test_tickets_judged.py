"""Attribute A through the whole road: GitHub's changes name tickets, Jira is asked for them, as of the merge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soc2ev import config, controls, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.vault import Vault, writer
from tests.fakes.github.scenarios.story import SECRET, Story
from tests.fakes.github.server import GitHub
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import Person, Ticket, World

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
CREATED = datetime(2026, 10, 1, 8, tzinfo=UTC)
LEAD, ANN = Person("lena"), Person("ann")
PEOPLE = """
id: people
kind: people
schema: 1
title: Who is who
owner: Cat Lead
criteria: [CC6.1]
prepared_by: Cat Lead
reviewed_by: Dana Roth
reviewed_on: 2026-09-01
status: approved
people:
  - {name: Ann Archer, github: [{login: ann, id: %(ann)s}], jira: [id-ann], emails: [ann@acme.example]}
  - {name: Bob Baker, github: [{login: bob, id: %(bob)s}], jira: [id-bob], emails: [bob@acme.example]}
  - {name: Lena Lead, github: [{login: lena, id: 999999}], jira: [id-lena]}
"""


def approved(world: World, key: str = "API-1", by: Person | None = LEAD, **facts: object) -> Ticket:
    """A ticket that was approved on the day it was made."""
    made = world.ticket(key, at=CREATED, **facts)
    world.move(made, "Approved", by)
    return made


def judged(
    folder: Path, tell: Callable[[World], object], title: str = "API-1 Change", policy: str = ""
) -> tuple[str, set[str]]:
    """The outcome of A for one reviewed change of 5 October, and its flags."""
    story, world = Story(), World()
    story.clean(title=title)
    world.token("jira-secret", user="me@acme.example")
    tell(world)
    (folder / "registers").mkdir()
    register = PEOPLE % {"ann": story.ann.id, "bob": story.bob.id}
    (folder / "registers" / "people.yaml").write_text(register, encoding="utf-8")
    with GitHub(story.world) as host, Jira(world) as jira:
        text = (
            "version: 1\norganisation: Example Co\nscope: [{repository: acme/api}]\nsources:\n"
            f"  github: [{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: GH}}}}]\n"
            f"  jira: [{{url: '{jira.url}', user: {{env: WHO}}, token: {{env: JIRA}}, projects: [API]}}]\n{policy}"
        )
        (folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        found, month = config.load(folder / "soc2ev.yaml"), period.parse("2026-10", "UTC", now=NOW)
        known = {"GH": SECRET, "WHO": "me@acme.example", "JIRA": "jira-secret", "PATH": "/usr/bin:/bin"}
        with writer(folder / "evidence", origin="test", now=lambda: NOW, tool="test") as vault:
            fetch = Fetch(vault, environment=known, sleep=lambda _: None, now=lambda: NOW, folder=folder)
            list(sources.collect(fetch, found, month))
    control = next(one for one in controls.builtin() if one.id == "change-authorised-tested-approved")
    with tables.load(Vault.open(folder / "evidence"), found, month) as loaded:
        item = next(
            one for one in controls.judge_all([control], loaded)[0].population.items if one.facts["pull_request"]
        )
    assert item.outcomes["A"].reason
    return item.outcomes["A"].outcome.value, set(item.facts["flags"])


def late(world: World) -> None:
    """A ticket that was made on the day after the merge."""
    made = world.ticket("API-1", at=CREATED + timedelta(days=6))
    world.move(made, "Approved", LEAD)


def undone(world: World) -> None:
    """Approved, and taken back before the merge."""
    made = approved(world)
    world.move(made, "Open", LEAD)


def afterwards(world: World) -> None:
    """Made before the merge and approved days after it."""
    world.move(world.ticket("API-1", at=CREATED), "Approved", LEAD, after=24 * 8)


def moved(world: World) -> None:
    """Approved, and moved to another key since."""
    approved(world, "WEB-9", old_keys=["API-1"])


def done_since(world: World) -> None:
    """Approved before the merge and done after it: its status now is not the one that counts."""
    made = approved(world)
    world.move(made, "Done", LEAD, after=24 * 10)


@pytest.mark.parametrize(
    ("tell", "outcome", "flag"),
    [
        (approved, "met", ""),
        (done_since, "met", ""),
        (moved, "met", ""),
        (late, "deviation", "TICKET_BACKFILLED"),
        (undone, "deviation", ""),
        (afterwards, "deviation", "TICKET_APPROVED_LATE"),
        (lambda world: approved(world, by=ANN), "deviation", "TICKET_APPROVED_BY_MAKER"),
        (lambda world: approved(world, by=Person("rule", kind="app")), "deviation", "TICKET_APPROVED_BY_AUTOMATION"),
        (lambda world: world.ticket("API-1", at=CREATED), "deviation", ""),
    ],
    ids=[
        "approved",
        "done since",
        "moved",
        "back-filled",
        "undone",
        "approved late",
        "by maker",
        "by automation",
        "open",
    ],
)
def test_a_ticket_counts_as_it_was_at_the_merge(
    tmp_path: Path, tell: Callable[[World], object], outcome: str, flag: str
) -> None:
    """Created and approved before the merge, by a person who made no part of it; nothing later changes that."""
    found, flags = judged(tmp_path, tell)
    assert outcome == found
    assert not flag or flag in flags


def test_a_ticket_that_nobody_shows_is_never_met(tmp_path: Path) -> None:
    """One that does not exist and one that may not be read look alike."""
    found, flags = judged(tmp_path, lambda world: approved(world, "API-2"))
    assert found in ("deviation", "not tested")
    assert "NO_TICKET_NAMED" not in flags


def test_words_that_look_like_tickets_are_none(tmp_path: Path) -> None:
    """An advisory, an encoding and a digest are no tickets."""
    found, flags = judged(tmp_path, approved, title="Fix CVE-2024-1 with UTF-8 and SHA-256")
    assert "deviation" == found
    assert "NO_TICKET_NAMED" in flags


def test_the_existence_of_a_ticket_is_enough_where_the_policy_says_so(tmp_path: Path) -> None:
    """With mode exists nobody has to approve it."""
    policy = "policy: {ticket: {mode: exists}}\n"
    assert "met" == judged(tmp_path, lambda world: world.ticket("API-1", at=CREATED), policy=policy)[0]


def test_a_ticket_of_another_type_does_not_authorise(tmp_path: Path) -> None:
    """The policy names the types that do."""
    policy = "policy: {ticket: {types: [Change]}}\n"
    found, flags = judged(tmp_path, lambda world: approved(world, type="Epic"), policy=policy)
    assert ("deviation", True) == (found, "TICKET_WRONG_TYPE" in flags)
