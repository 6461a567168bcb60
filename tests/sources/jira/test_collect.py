"""What a collection of Jira finds, claims and asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soc2ev.errors import ConfigError
from tests.fakes.github import faults as made
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.jira.world import Person, World
from tests.sources.jira.runs import LATER, SECRET, USER, collect

ANN, ROB = Person("ann"), Person("robot", "app")
OCTOBER = datetime(2026, 10, 5, 8, tzinfo=UTC)


def cloud() -> World:
    """Cloud with three tickets and a token."""
    world = World()
    world.token(SECRET, user=USER)
    for number in (1, 2, 3):
        world.ticket(f"API-{number}", at=OCTOBER + timedelta(hours=number))
    return world


def server(**more: object) -> World:
    """Data Center below a context path with three tickets and a personal token."""
    world = World(cloud=False, context="/jira", **more)  # type: ignore[arg-type]
    world.token(SECRET)
    for number in (1, 2, 3):
        world.ticket(f"API-{number}", at=OCTOBER + timedelta(hours=number))
    return world


def test_a_ticket_is_told_with_all_that_matters(tmp_path: Path) -> None:
    """Each column of a ticket holds what Jira says, times in UTC, the description as plain text."""
    world = cloud()
    one = world.tickets[0]
    world.tokens[0].zone = "Europe/Berlin"
    one.description = {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Why"}]}]}
    one.labels, one.links, one.assignee = ["urgent"], [("blocks", "API-2")], ROB
    world.move(one, "Approved", ANN)
    run = collect(tmp_path, world, mention=["API-1"])
    assert {} == run.incomplete
    (row,) = run.rows("jira_tickets")
    assert {
        "key": "API-1",
        "project": "API",
        "type": "Change",
        "summary": "A change",
        "description": "Why",
        "status": "Approved",
        "status_id": "3",
        "status_category": "indeterminate",
        "resolution": None,
        "created_at": OCTOBER + timedelta(hours=1),
        "updated_at": OCTOBER + timedelta(hours=2),
        "resolved_at": None,
        "reporter": "Rita",
        "reporter_id": "id-rita",
        "reporter_type": "User",
        "assignee": "Robot",
        "assignee_id": "id-robot",
        "assignee_type": "Bot",
        "labels": ["urgent"],
        "fix_versions": ["1.0"],
        "links": ["blocks API-2"],
        "listed": False,
        "url": "https://acme.atlassian.net/browse/API-1",
    } == {name: value for name, value in row.items() if name not in ("site", "ticket", "part")}


def test_the_site_is_told(tmp_path: Path) -> None:
    """Which Jira it is, its clock against ours and the zone in which it reads dates."""
    world = cloud()
    world.now = LATER + timedelta(seconds=90)
    world.tokens[0].zone = "Asia/Tokyo"
    (row,) = collect(tmp_path, world).rows("jira_sites")
    shown = (row["deployment"], row["version"], row["time_zone"], row["skew_seconds"])
    assert ("Cloud", "1001.0.0", "Asia/Tokyo", 90) == shown


def test_all_four_streams_are_stated(tmp_path: Path) -> None:
    """Also when nothing is mentioned and nothing configured, each stream of the site has a coverage."""
    run = collect(tmp_path, cloud())
    assert ["site", "tickets", "histories", "approvals"] == [one.stream.rpartition(":")[2] for one in run.claims]
    assert {} == run.incomplete
    assert all(one.stream.startswith("jira:127.0.0.1:") for one in run.claims)


@pytest.mark.parametrize("make", [cloud, server])
def test_histories_are_whole(make: type[World], tmp_path: Path) -> None:
    """Every change of the fields that are asked for, with who made it; tickets without any are whole as well."""
    world = make()
    world.move(world.tickets[0], "In Review", ANN)
    world.move(world.tickets[0], "Approved", ROB)
    world.edit(world.tickets[1], "summary", "Old", "A change", ANN)
    world.edit(world.tickets[1], "Rank", "1", "2", ANN)
    run = collect(tmp_path, world, mention=["API-1", "API-2", "API-3"], user=world.cloud)
    assert {} == run.incomplete
    ids = {row["ticket"]: row["key"] for row in run.rows("jira_tickets")}
    assert {"API-1", "API-2", "API-3"} == {ids[row["ticket"]] for row in run.rows("jira_histories")}
    told = [
        (ids[row["ticket"]], row["field"], row["before"], row["after"], row["actor"]) for row in run.rows("jira_events")
    ]
    assert [
        ("API-1", "status", "In Review", "Approved", "Robot"),
        ("API-1", "status", "Open", "In Review", "Ann"),
        ("API-2", "summary", "Old", "A change", "Ann"),
    ] == sorted(told)
    types = {row["actor"]: row["actor_type"] for row in run.rows("jira_events")}
    assert {"Ann": "User", "Robot": "Bot" if world.cloud else "User"} == types
    first = min(row["at"] for row in run.rows("jira_events"))
    assert OCTOBER + timedelta(hours=2) == first


@pytest.mark.parametrize("make", [cloud, server])
def test_keys_that_nothing_answers_are_told(make: type[World], tmp_path: Path) -> None:
    """A key that Jira silently leaves out has a lookup without ticket, whether it is missing or hidden."""
    world = make()
    world.ticket("WEB-1")
    world.tokens[0].hidden = {"WEB"}
    run = collect(tmp_path, world, mention=["API-1", "API-99", "WEB-1"], user=world.cloud)
    assert {} == run.incomplete
    assert {"API-1": "API-1", "API-99": None, "WEB-1": None} == run.lookups()


@pytest.mark.parametrize("make", [cloud, server])
def test_moved_tickets_are_found_by_their_old_keys(make: type[World], tmp_path: Path) -> None:
    """Several moved tickets among unknown keys: each old key leads to the very ticket it belongs to."""
    world = make()
    world.rename(world.tickets[0], "WEB-70")
    world.rename(world.tickets[2], "WEB-50")
    run = collect(tmp_path, world, mention=["API-1", "API-2", "API-3", "API-98", "API-99"], user=world.cloud)
    assert {} == run.incomplete
    expected = {"API-1": "WEB-70", "API-2": "API-2", "API-3": "WEB-50", "API-98": None, "API-99": None}
    assert expected == run.lookups()
    assert 2 == run.of("tickets").details["moved"]


def test_one_moved_ticket_needs_no_further_question(tmp_path: Path) -> None:
    """An unasked key that comes back belongs to the only key that is left."""
    world = cloud()
    world.rename(world.tickets[0], "WEB-70")
    run = collect(tmp_path, world, mention=["API-1", "API-2"])
    assert {"API-1": "WEB-70", "API-2": "API-2"} == run.lookups()
    assert 1 == run.asked["POST /api/3/issue/bulkfetch"]


def test_a_moved_ticket_that_is_not_found_once(tmp_path: Path) -> None:
    """Data Center says once that there is no such ticket, and then follows the old key after all."""
    world = server()
    world.rename(world.tickets[0], "WEB-70")
    told = json.dumps({"errorMessages": ["Issue Does Not Exist"], "errors": {}}).encode()
    away = Fault("away", lambda wire, _: Wire(404, wire.headers, told), on="GET /rest/api/2/issue/*", times=1)
    run = collect(tmp_path, world, faults=[away], mention=["API-1", "API-99"], user=False)
    assert {} == run.incomplete
    assert {"API-1": "WEB-70", "API-99": None} == run.lookups()


@pytest.mark.parametrize("make", [cloud, server])
def test_another_ticket_of_the_same_project_is_no_answer(make: type[World], tmp_path: Path) -> None:
    """Who asks for API-99 and gets API-1 got the answer to another question: moving gives a key of another project."""
    world = make()
    world.tickets[0].old_keys.append("API-99")
    run = collect(tmp_path, world, mention=["API-2", "API-99"], user=world.cloud)
    assert {"tickets", "histories"} == set(run.incomplete)
    assert "API-99" in run.incomplete["tickets"]
    assert {"API-2": "API-2"} == run.lookups()


@pytest.mark.parametrize("make", [cloud, server])
def test_two_numbers_of_one_project_for_one_ticket(make: type[World], tmp_path: Path) -> None:
    """No ticket has had both, so that one of the answers is to another question."""
    world = make()
    world.rename(world.tickets[0], "WEB-70")
    world.tickets[0].old_keys.append("API-99")
    run = collect(tmp_path, world, mention=["API-1", "API-99"], user=world.cloud)
    assert {"tickets", "histories"} == set(run.incomplete)
    assert "contradicts" in run.incomplete["tickets"]


def test_two_keys_of_one_ticket(tmp_path: Path) -> None:
    """Jira answers once for the old and the new key of a ticket; neither is taken for unknown."""
    world = cloud()
    world.rename(world.tickets[0], "WEB-70")
    run = collect(tmp_path, world, mention=["API-1", "WEB-70"])
    assert {} == run.incomplete
    assert {"API-1": "WEB-70", "WEB-70": "WEB-70"} == run.lookups()


def test_two_old_keys_of_one_ticket(tmp_path: Path) -> None:
    """A ticket that was moved twice is found by both of its former keys."""
    world = cloud()
    world.rename(world.tickets[0], "WEB-70")
    world.rename(world.tickets[0], "OPS-5")
    run = collect(tmp_path, world, mention=["API-1", "WEB-70", "API-3"])
    assert {} == run.incomplete
    assert {"API-1": "OPS-5", "WEB-70": "OPS-5", "API-3": "API-3"} == run.lookups()


def test_too_many_moved_tickets_are_stated(tmp_path: Path) -> None:
    """What cannot be told apart within some questions is not told at all, and the stream is incomplete."""
    world = cloud()
    for number in range(100, 160):
        world.rename(world.ticket(f"API-{number}"), f"WEB-{number}")
    run = collect(tmp_path, world, mention=[f"API-{number}" for number in range(100, 160)])
    assert {"tickets", "histories"} == set(run.incomplete)
    assert "could not be told apart" in run.incomplete["tickets"]
    assert run.asked["POST /api/3/issue/bulkfetch"] < 60
    assert None not in run.lookups().values()


def test_the_list_of_the_period(tmp_path: Path) -> None:
    """Tickets of the projects that changed in the period or later, but none created long after it."""
    world = cloud()
    world.ticket("API-10", at=datetime(2026, 8, 1, tzinfo=UTC))
    world.ticket("API-11", at=datetime(2026, 8, 1, tzinfo=UTC)).updated = datetime(2026, 11, 2, tzinfo=UTC)
    world.ticket("API-12", at=datetime(2026, 11, 2, 12, tzinfo=UTC))
    world.ticket("WEB-1", at=OCTOBER)
    run = collect(tmp_path, world, mention=["API-10"], projects="[API]")
    assert {} == run.incomplete
    listed = {row["key"] for row in run.rows("jira_tickets") if row["listed"]}
    assert {"API-1", "API-2", "API-3", "API-11"} == listed
    assert {"API-10": "API-10"} == run.lookups()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "Mars/Olympus"])
@pytest.mark.parametrize("make", [cloud, server])
def test_no_zone_loses_tickets_at_the_edges(
    make: type[World], zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tickets of the period's first and last instants are listed wherever the account that asks lives."""
    world = make()
    known = zone != "Mars/Olympus"
    world.tokens[0].zone = zone if known else "Pacific/Kiritimati"
    if not known:
        monkeypatch.setattr("soc2ev.sources.jira.site._zone", lambda _: None)
    world.ticket("API-20", at=datetime(2026, 10, 1, tzinfo=UTC))
    world.ticket("API-21", at=datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    run = collect(tmp_path, world, projects="[API]", user=world.cloud)
    assert {} == run.incomplete
    assert {"API-20", "API-21"} <= run.keys()


@pytest.mark.parametrize("make", [cloud, server])
def test_a_project_that_cannot_be_seen_is_stated(make: type[World], tmp_path: Path) -> None:
    """A list that Jira refuses for one of its projects is asked for by project, and what is missing is named."""
    world = make()
    run = collect(tmp_path, world, projects="[API, SECRET]", user=world.cloud)
    assert {"API-1", "API-2", "API-3"} == run.keys()
    assert {"tickets", "histories"} == set(run.incomplete)
    assert "project SECRET" in run.incomplete["tickets"]
    assert "400 Bad Request" in run.incomplete["tickets"]


def test_listed_tickets_are_not_asked_for_again(tmp_path: Path) -> None:
    """A key that the list holds costs no further question."""
    run = collect(tmp_path, cloud(), mention=["API-1"], projects="[API]")
    assert 0 == run.asked["POST /api/3/issue/bulkfetch"]
    assert {} == run.lookups()


def test_a_moved_ticket_that_is_listed_too(tmp_path: Path) -> None:
    """It stands once for each question that told it, and its history once."""
    world = cloud()
    world.rename(world.tickets[0], "WEB-70")
    world.move(world.tickets[0], "Approved", ANN)
    run = collect(tmp_path, world, mention=["API-1"], projects="[API, WEB]")
    assert {} == run.incomplete
    assert 2 == sum(row["key"] == "WEB-70" for row in run.rows("jira_tickets"))
    assert 1 == len(run.rows("jira_events"))


@pytest.mark.parametrize("make", [cloud, server])
def test_pages_that_the_server_makes_smaller(make: type[World], tmp_path: Path) -> None:
    """However many a page holds, the list is read to its end."""
    world = make()
    world.page = 2
    run = collect(tmp_path, world, projects="[API]", user=world.cloud)
    assert {} == run.incomplete
    assert {"API-1", "API-2", "API-3"} == run.keys()


def test_histories_over_several_pages(tmp_path: Path) -> None:
    """The changes of one ticket may stand on several pages; only the last one makes them whole."""
    world = cloud()
    world.changes_page = 2
    for status in ("In Review", "Open", "In Review", "Approved", "Done"):
        world.move(world.tickets[0], status, ANN)
    run = collect(tmp_path, world, mention=["API-1", "API-2"])
    assert {} == run.incomplete
    assert 5 == len(run.rows("jira_events")) == run.of("histories").fetched
    assert 2 == len(run.rows("jira_histories"))
    assert 3 == run.asked["POST /api/3/changelog/bulkfetch"]


def test_a_history_that_does_not_lead_to_the_status(tmp_path: Path) -> None:
    """A change that Jira does not tell leaves the histories incomplete."""
    world = cloud()
    world.move(world.tickets[0], "In Review", ANN)
    world.tickets[0].status = "Approved"
    run = collect(tmp_path, world, mention=["API-1"])
    assert ["histories"] == list(run.incomplete)
    assert "API-1 does not lead to the status" in run.incomplete["histories"]


def test_data_center_pages_what_it_cut_short(tmp_path: Path) -> None:
    """A ticket with more changes than come with it is read by pages, and none stands twice."""
    world = server(expand=3)
    for status in ("In Review", "Open", "In Review", "Approved", "Done"):
        world.move(world.tickets[0], status, ANN)
    run = collect(tmp_path, world, mention=["API-1", "API-2"], user=False)
    assert {} == run.incomplete
    assert 5 == len(run.rows("jira_events"))
    assert 2 == len(run.rows("jira_histories"))


def test_data_center_that_cannot_page_histories(tmp_path: Path) -> None:
    """Where an old version gives no more, that history is not whole and the stream says so."""
    world = server(expand=3, paged_history=False)
    for status in ("In Review", "Open", "In Review", "Approved", "Done"):
        world.move(world.tickets[0], status, ANN)
    run = collect(tmp_path, world, mention=["API-1", "API-2"], user=False)
    assert ["histories"] == list(run.incomplete)
    assert "the history of API-1: it is cut short" in run.incomplete["histories"]
    assert 1 == len(run.rows("jira_histories"))


def test_data_center_that_refuses_unknown_keys(tmp_path: Path) -> None:
    """Versions that answer 400 for a list with an unknown key are asked in halves."""
    world = server(strict_keys=True)
    run = collect(tmp_path, world, mention=["API-1", "API-2", "API-3", "API-99"], user=False)
    assert {} == run.incomplete
    assert {"API-1": "API-1", "API-2": "API-2", "API-3": "API-3", "API-99": None} == run.lookups()


def test_data_center_lists_beyond_its_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is longer than the window is read in ranges of creation, each ticket of it."""
    monkeypatch.setattr("soc2ev.sources.jira.listed._WINDOW", 200)
    world = server(window=200)
    for number in range(10, 400):
        world.ticket(f"API-{number}", at=OCTOBER + timedelta(minutes=number))
    run = collect(tmp_path, world, projects="[API]", user=False)
    assert {} == run.incomplete
    assert {one.key for one in world.tickets} == run.keys()


def test_approvals_of_service_management(tmp_path: Path) -> None:
    """Each approver is a row; a ticket that is no request is looked up and has none."""
    world = cloud()
    world.page = 1
    world.approve(world.tickets[0], "approved", (ANN, "approved"), (ROB, "pending"))
    world.approve(world.tickets[0], "pending")
    more = "policy: {ticket: {mode: service_management}}\n"
    run = collect(tmp_path, world, mention=["API-1", "API-2"], more=more)
    assert {} == run.incomplete
    ids = {row["ticket"]: row["key"] for row in run.rows("jira_tickets")}
    assert {"API-1": True, "API-2": False} == {
        ids[one["ticket"]]: one["seen"] for one in run.rows("jira_approval_lookups")
    }
    told = [(row["decision"], row["approver"], row["approver_decision"]) for row in run.rows("jira_approvals")]
    assert [("approved", "Ann", "approved"), ("approved", "Robot", "pending"), ("pending", None, None)] == told
    first = run.rows("jira_approvals")[0]
    assert OCTOBER + timedelta(hours=3) == first["completed_at"]
    assert "Bot" == run.rows("jira_approvals")[1]["approver_type"]


@pytest.mark.parametrize(("requests", "told"), [(3, True), (2, False)])
def test_requests_none_of_which_has_an_approval(tmp_path: Path, requests: int, *, told: bool) -> None:
    """Several empty lists look like those of an account that may not see approvals; one alone does not."""
    made = World()
    made.token(SECRET, user=USER)
    for number in range(1, requests + 1):
        made.ticket(f"API-{number}", at=OCTOBER, request=True)
    keys = [one.key for one in made.tickets]
    run = collect(tmp_path, made, mention=keys, more="policy: {ticket: {mode: service_management}}\n")
    assert (["approvals"] if told else []) == list(run.incomplete)


def test_approvals_are_asked_for_by_policy_only(tmp_path: Path) -> None:
    """Another policy costs no questions, and the stream says that it was not asked."""
    run = collect(tmp_path, cloud(), mention=["API-1"])
    assert "service_management" in run.of("approvals").details["asked"]
    assert [] == [one for one in run.asked if "servicedesk" in one]


def test_approvals_that_are_refused(tmp_path: Path) -> None:
    """A refusal is stated as missing access, and others are not asked for after it."""
    world = cloud()
    world.tokens[0].agent = False
    more = "policy: {ticket: {mode: service_management}}\n"
    run = collect(tmp_path, world, mention=["API-1", "API-2", "API-3"], more=more)
    assert ["approvals"] == list(run.incomplete)
    assert "missing" == run.of("approvals").scope["access"]
    assert [] == run.rows("jira_approval_lookups")


def test_a_request_that_is_restricted_costs_its_own_approvals(tmp_path: Path) -> None:
    """Who may see a request is said of each: the others are asked for all the same."""
    more = "policy: {ticket: {mode: service_management}}\n"
    hidden = made.status(403, on="GET */rest/servicedeskapi/request/*", times=1)
    keys = ["API-1", "API-2", "API-3"]
    run = collect(tmp_path, cloud(), mention=keys, more=more, faults=[hidden])
    assert "were not asked for any more" not in run.incomplete["approvals"]
    assert len(keys) == sum(times for one, times in run.asked.items() if "servicedesk" in one)


def test_the_gateway_takes_scoped_tokens(tmp_path: Path) -> None:
    """An address with a path is a site of its own; links lead to the pages for people."""
    world = cloud()
    world.tokens[0].gateway, world.tokens[0].user = True, None
    run = collect(tmp_path, world, mention=["API-1"], gateway=True, user=False)
    assert {} == run.incomplete
    assert run.claims[0].stream.endswith("/ex/jira/cloud-1:site")
    assert "https://acme.atlassian.net/browse/API-1" == run.rows("jira_tickets")[0]["url"]


def test_a_scoped_token_at_the_site(tmp_path: Path) -> None:
    """401 says what else the token may be: expired, or one for the gateway."""
    world = cloud()
    world.tokens[0].gateway = True
    run = collect(tmp_path, world, mention=["API-1"])
    assert {"site", "tickets", "histories", "approvals"} == set(run.incomplete)
    assert "https://api.atlassian.com/ex/jira/<cloud id> only" in run.incomplete["tickets"]
    assert "missing" == run.of("tickets").scope["access"]
    assert [] == run.rows("jira_tickets")


def test_an_address_without_jira(tmp_path: Path) -> None:
    """404 points to the address, not to the token."""
    run = collect(tmp_path, server(), path="/wrong", user=False)
    assert "context path" in run.incomplete["site"]
    assert "access" not in run.of("site").scope


def test_keys_of_other_projects_are_not_asked_for(tmp_path: Path) -> None:
    """A site with projects is asked for keys of those alone."""
    run = collect(tmp_path, cloud(), mention=["API-99", "OPS-1"], projects="[API]")
    assert {"API-99": None} == run.lookups()


def test_one_site_twice_is_refused(tmp_path: Path) -> None:
    """Two entries for one address would answer under the same names."""
    site = "{url: 'https://a.example', token: {env: JIRA_TOKEN}}"
    (tmp_path / "soc2ev.yaml").write_text(f"version: 1\norganisation: E\nsources: {{jira: [{site}, {site}]}}\n")
    from soc2ev import config, period
    from soc2ev.fetch import Fetch
    from soc2ev.sources import jira
    from soc2ev.vault import writer

    with writer(tmp_path / "vault", origin="soc2ev/example/evidence", now=lambda: LATER, tool="tests 1") as vault:
        fetch = Fetch(vault, environment={"JIRA_TOKEN": SECRET})
        with pytest.raises(ConfigError, match=r"a\.example is configured twice"):
            list(jira.collect(fetch, config.load(tmp_path / "soc2ev.yaml"), period.parse("2026-10")))


@pytest.mark.parametrize("make", [cloud, server])
def test_no_secret_is_stored(make: type[World], tmp_path: Path) -> None:
    """Neither token nor user reach the vault, also when the server repeats them."""
    import base64

    world = make()
    world.tickets[0].summary = f"{SECRET} {base64.b64encode(f'{USER}:{SECRET}'.encode()).decode()}"
    run = collect(tmp_path, world, mention=["API-1"], projects="[API]", user=world.cloud)
    assert {} == run.incomplete
    packed = base64.b64encode(f"{USER}:{SECRET}".encode())
    for file in (tmp_path / "vault").rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert SECRET.encode() not in content
        assert not world.cloud or packed not in content
    assert SECRET not in repr(run.claims) + repr(run.said)
    assert all(one.signed for one in run.requests)


@pytest.mark.parametrize("make", [cloud, server])
def test_what_it_costs(make: type[World], tmp_path: Path) -> None:
    """2,000 tickets with five changes each: at most 0.02 requests for each on Cloud, 0.04 on Data Center, and a few more."""
    world = make()
    world.tickets.clear()
    for number in range(1, 2_001):
        one = world.ticket(f"API-{number}", at=OCTOBER + timedelta(minutes=number))
        for status in ("In Review", "Open", "In Review", "Approved", "Done"):
            world.move(one, status, ANN)
    run = collect(
        tmp_path, world, mention=[f"API-{number}" for number in range(1, 2_001)], projects="[API]", user=world.cloud
    )
    assert {} == run.incomplete
    assert 2_000 == run.of("tickets").fetched == len(run.rows("jira_tickets"))
    assert 10_000 == run.of("histories").fetched == len(run.rows("jira_events"))
    assert sum(run.asked.values()) <= 2_000 * (0.02 if world.cloud else 0.04) + 6
