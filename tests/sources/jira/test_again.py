"""Collections of a period that was collected before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soc2ev.sources.jira import remembered
from tests.fakes.github import faults
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import Person, World
from tests.sources.jira.runs import LATER, SECRET, USER, Run, collect

ANN = Person("ann")
OCTOBER = datetime(2026, 10, 5, 8, tzinfo=UTC)
SOON = LATER + timedelta(hours=1)


def world(*, cloud: bool = True) -> World:
    """Three tickets of one project."""
    made = World(cloud=cloud)
    made.token(SECRET, user=USER)
    for number in (1, 2, 3):
        made.move(made.ticket(f"API-{number}", at=OCTOBER), "Approved", ANN)
    return made


Collect = Callable[..., Run]


@pytest.fixture
def collecting(tmp_path: Path) -> Iterator[Callable[[World], Collect]]:
    """Collections of one world, which stays at one address."""
    with ExitStack() as stack:

        def serve(made: World) -> Collect:
            host = stack.enter_context(Jira(made))
            return lambda **more: collect(tmp_path, made, host=host, **more)

        yield serve


@pytest.mark.parametrize("cloud", [True, False])
def test_an_unchanged_month_costs_three_questions(cloud: bool, collecting: Callable[[World], Collect]) -> None:
    """Nothing is stated again, with or without the keys being mentioned again."""
    made = world(cloud=cloud)
    run = collecting(made)
    run(mention=["API-1"], projects="[API]")
    for mention in ((), ("API-1",)):
        again = run(mention=mention, projects="[API]", clock=SOON)
        assert [] == again.claims
        assert 3 == sum(again.asked.values())
        assert any("unchanged" in line for line in again.said)


def test_a_new_key_is_asked_for_with_the_earlier_ones(collecting: Callable[[World], Collect]) -> None:
    """A run that mentions more than before asks for all: one run answers for the period."""
    made = world()
    made.ticket("API-50", at=datetime(2025, 1, 1, tzinfo=UTC))
    made.ticket("API-51", at=datetime(2025, 1, 1, tzinfo=UTC))
    run = collecting(made)
    run(mention=["API-50"], projects="[API]")
    again = run(mention=["API-51"], projects="[API]", clock=SOON)
    assert {} == again.incomplete
    assert {"API-50": "API-50", "API-51": "API-51"} == again.lookups()
    assert {"API": "50-51"} == again.of("tickets").details["keys"]


def test_a_change_is_collected(collecting: Callable[[World], Collect]) -> None:
    """Whatever is newer than what was seen makes the whole collection again, with the earlier keys."""
    made = world()
    run = collecting(made)
    run(mention=["API-1"], projects="[API]")
    made.move(made.tickets[2], "Done", ANN)
    again = run(projects="[API]", clock=SOON)
    assert 4 == len(again.claims)
    assert "Done" in {row["status"] for row in again.rows("jira_tickets")}


@pytest.mark.parametrize(
    "why", ["open", "incomplete", "unknown key", "other project", "policy", "other period", "no projects", "moved away"]
)
def test_what_makes_it_ask_again(why: str, collecting: Callable[[World], Collect]) -> None:
    """Nothing is skipped after a run before the close, an incomplete one, or where changes could not be noticed."""
    made = world()
    first: dict[str, Any] = {"projects": "[API]", "mention": ["API-1"]}
    then: dict[str, Any] = {"projects": "[API]", "clock": SOON}
    if why == "open":
        first["clock"] = datetime(2026, 10, 20, tzinfo=UTC)
    if why == "incomplete":
        first["faults"] = [faults.status(500, on="POST /rest/api/3/changelog/bulkfetch", times=None)]
    if why == "unknown key":
        first["mention"] = ["API-99"]
    if why == "other project":
        first["projects"], then["projects"] = "[API]", "[API, WEB]"
    if why == "policy":
        then["more"] = "policy: {ticket: {mode: service_management}}\n"
    if why == "other period":
        first["months"] = "2026-09"
    if why == "no projects":
        first["projects"] = then["projects"] = "[]"
    if why == "moved away":
        made.rename(made.tickets[0], "WEB-1")
    run = collecting(made)
    run(**first)
    again = run(**then)
    assert 4 == len(again.claims)
    assert {} == again.incomplete


def test_keys_are_kept_in_little_room() -> None:
    """Ranges of numbers by project, and nothing when even these do not fit."""
    keys = {"API-1", "API-2", "API-3", "API-7", "WEB-10"}
    assert {"API": "1-3,7", "WEB": "10"} == remembered.packed(keys)
    assert keys == remembered.unpacked({"API": "1-3,7", "WEB": "10"})
    assert set() == remembered.unpacked(remembered.packed(()) or {})
    assert remembered.packed(f"API-{number}" for number in range(1, 40_000, 2)) is None


def test_forgotten_keys_are_said(collecting: Callable[[World], Collect], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an earlier run had more keys than fit, the next one says that it does not know them."""
    monkeypatch.setattr(remembered, "_ROOM", 3)
    made = world()
    run = collecting(made)
    run(mention=["API-1"], projects="[API]")
    again = run(mention=["API-2"], projects="[API]", clock=SOON)
    assert any("an earlier run asked for more keys" in line for line in again.of("tickets").details["warnings"])
