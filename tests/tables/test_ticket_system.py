"""What changes are told about tickets, from the rows that collections of Jira left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from soc2ev import tables
from soc2ev.tables.engine import Engine
from soc2ev.tables.facts import ticket_history
from soc2ev.tables.hosted.tickets import TicketSystem
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import Person, World
from tests.sources.jira.runs import SECRET, USER, Run, collect

if TYPE_CHECKING:
    from pathlib import Path

    from soc2ev.tables.facts.evidence import TicketLink

ANN = Person("ann")
OCTOBER = datetime(2026, 10, 5, 8, tzinfo=UTC)
MORE = "policy: {ticket: {mode: service_management}}\n"


def world() -> World:
    """A ticket that was approved and closed, one that moved, one that is hidden."""
    made = World()
    made.token(SECRET, user=USER, hidden={"WEB"})
    made.move(made.ticket("API-1", at=OCTOBER), "Approved", ANN, after=2)
    made.move(made.tickets[0], "Done", ANN, after=2)
    made.rename(made.ticket("API-2", at=OCTOBER), "OPS-7")
    made.ticket("WEB-1")
    return made


def system(*runs: Run, without: str = "") -> TicketSystem:
    """What is known from these runs; `without` is a table that stays empty."""
    engine = Engine()
    known = {table.name: table for table in tables.documented() if table.name.startswith("jira_")}
    for table in known.values():
        engine.create(table)
    for number, run in enumerate(runs):
        for name, rows in run.tables().items():
            marked: list[dict[str, Any]] = [
                {**row, "run": f"run{number}", "evidence": f"sha256:{name}"} for row in rows
            ]
            engine.insert(known[name], [] if name == without else marked)
    return TicketSystem(engine, [claim for run in runs for claim in run.claims], configured=True)


def link(found: TicketSystem, key: str) -> TicketLink:
    """What is told about a key."""
    [one] = found.about([(key, "title")])[0].links
    return one


def test_a_ticket_with_its_history(tmp_path: Path) -> None:
    """It is whole, and was what it was at each instant."""
    told = link(system(collect(tmp_path, world(), mention=["API-1"])), "API-1").ticket
    assert told is not None
    hours = [told and ticket_history.status_at(told, OCTOBER + timedelta(hours=number)) for number in (1, 3, 5)]
    assert ["Open", "Approved", "Done"] == hours
    assert told.approvals is None


def test_keys_old_hidden_and_never_asked_for(tmp_path: Path) -> None:
    """An old key leads to the ticket; a hidden one is missing; one that was not asked for is not."""
    found = system(collect(tmp_path, world(), mention=["API-2", "WEB-1"]))
    assert "OPS-7" == getattr(link(found, "API-2").ticket, "key", None)
    assert "missing" in (link(found, "WEB-1").reason or "")
    assert "not asked for" in (link(found, "API-9").reason or "")


def test_an_id_with_two_keys(tmp_path: Path) -> None:
    """Neither key is known when one run told both of one ticket."""
    run = collect(tmp_path, world(), mention=["API-1", "API-2"])
    tickets = run.tables()["jira_tickets"]
    ids = {row["key"]: row["ticket"] for row in tickets}

    class Doubled(Run):
        def tables(self) -> dict[str, list[dict[str, Any]]]:
            found = super().tables()
            for row in (*found["jira_tickets"], *found["jira_lookups"]):
                row["ticket"] = ids["API-1"]
            for row in found["jira_tickets"]:
                row["part"] += row["key"]
            return found

    told = system(Doubled(**vars(run)))
    for key in ("API-1", "API-2"):
        assert link(told, key).ticket is None
        assert "contradicts itself" in (link(told, key).reason or "")


def test_two_numbers_of_one_project(tmp_path: Path) -> None:
    """Neither is known when both led to one ticket."""
    made = world()
    made.tickets[1].old_keys.append("API-77")
    told = system(collect(tmp_path, made, mention=["API-2", "API-77"]))
    for key in ("API-2", "API-77"):
        assert "contradicts itself" in (link(told, key).reason or "")


def test_a_history_that_is_not_whole(tmp_path: Path) -> None:
    """Without the row that says so, nobody knows what the ticket was."""
    told = link(system(collect(tmp_path, world(), mention=["API-1"]), without="jira_histories"), "API-1").ticket
    assert told is not None
    assert not told.whole


def test_the_newest_of_several_runs_counts(tmp_path: Path) -> None:
    """A ticket of two months stands as the later run saw it, with each change once."""
    made = world()
    with Jira(made) as host:
        first = collect(tmp_path, made, mention=["API-1"], months="2026-09", host=host)
        made.move(made.tickets[0], "Open", ANN)
        second = collect(tmp_path, made, mention=["API-1"], host=host)
    for runs in ((first, second), (second, first)):
        told = link(system(*runs), "API-1").ticket
        assert told is not None
        assert ("Open", 3, True) == (told.status, len(told.events), told.whole)


def test_approvals_are_known_when_they_were_shown(tmp_path: Path) -> None:
    """None for a ticket that Service Management does not know, all of them for a request."""
    made = world()
    made.approve(made.tickets[0], "approved", (ANN, "approved"))
    found = system(collect(tmp_path, made, mention=["API-1", "API-2"], more=MORE))
    assert getattr(link(found, "API-2").ticket, "approvals", ()) is None
    [approval] = getattr(link(found, "API-1").ticket, "approvals", ())
    assert ("approved", "id-ann") == (approval.decision, approval.approvers[0][0].number)
