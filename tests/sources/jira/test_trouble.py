"""Nothing that goes wrong between us and Jira makes a gap that nobody states."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import faults
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.jira.world import Person, World
from tests.sources.jira.runs import SECRET, USER, Run, collect

ANN = Person("ann")
OCTOBER = datetime(2026, 10, 5, 8, tzinfo=UTC)
MORE = "policy: {ticket: {mode: service_management}}\n"
LIST, KEYS = "POST /rest/api/3/search/jql", "POST /rest/api/3/issue/bulkfetch"
CHANGES, APPROVALS = "POST /rest/api/3/changelog/bulkfetch", "GET /rest/servicedeskapi/*"
ME, INFO = "GET /rest/api/3/myself", "GET /rest/api/2/serverInfo"
SEARCH = "POST /rest/api/2/search"
MENTIONED = ["API-1", "API-2", "WEB-1", "WEB-9"]
TABLES = ("jira_tickets", "jira_lookups", "jira_events", "jira_histories", "jira_approvals", "jira_approval_lookups")


def world(*, cloud: bool = True) -> World:
    """Tickets on several pages, with histories and approvals."""
    made = World(cloud=cloud, page=3, changes_page=4, expand=3)
    made.token(SECRET, user=USER)
    for number in range(1, 9):
        one = made.ticket(f"API-{number}", at=OCTOBER + timedelta(hours=number))
        made.move(one, "In Review", ANN)
        made.move(one, "Approved", ANN)
        if number == 2:
            made.move(one, "Open", ANN)
            made.move(one, "Approved", ANN)
    made.approve(made.tickets[0], "approved", (ANN, "approved"))
    made.ticket("WEB-1", at=OCTOBER)
    return made


def run_of(folder: Path, *hitting: Fault, cloud: bool = True) -> Run:
    """A collection of that world with these faults."""
    folder.mkdir(exist_ok=True)
    return collect(
        folder,
        world(cloud=cloud),
        mention=MENTIONED,
        faults=hitting,
        projects="[API, WEB]",
        more=MORE,
        months="2026-10",
    )


def facts(run: Run) -> dict[str, list[str]]:
    """What the rows say, apart from the question that told them."""
    tables = run.tables()
    return {
        name: sorted(
            json.dumps(
                {key: str(value) for key, value in row.items() if key not in ("part", "site", "url")}, sort_keys=True
            )
            for row in tables.get(name, [])
        )
        for name in TABLES
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[str, list[str]]]:
    """What a collection without trouble finds, on Cloud (True) and on Data Center."""
    found = {}
    for cloud in (True, False):
        run = run_of(tmp_path_factory.mktemp("whole"), cloud=cloud)
        assert {} == run.incomplete
        found[cloud] = facts(run)
    return found


OTHERS = {"secondary_graphql", "primary_graphql", "partial", "resource_limits", "timeout", "elsewhere"}
"""Faults of GraphQL and of lists by `Link`; what comes too late is not waited for in tests."""
OTHERS |= {"endless", "repeated_cursor"}
NAMES = [name for name in faults.ALL if name not in OTHERS]
FEW = ["status_403", "status_404", "status_500", "dropped", "html", "short_body", "duplicated_page", "inserted_row"]
FEW += ["removed_row"]
LASTING = {"status_401", "status_403", "status_404", "status_410", "status_451", "redirect"}
STREAM_OF = {
    "jira_tickets": "tickets",
    "jira_lookups": "tickets",
    "jira_events": "histories",
    "jira_histories": "histories",
    "jira_approvals": "approvals",
    "jira_approval_lookups": "approvals",
}
CASES = [(name, on, on == LIST) for on in (LIST, SEARCH) for name in NAMES]
CASES += [(name, on, True) for on in (KEYS, CHANGES, APPROVALS) for name in FEW]
CASES += [(name, "GET /rest/api/2/issue/*", False) for name in FEW]


@pytest.mark.parametrize(("name", "on", "cloud"), CASES)
def test_trouble_that_stays_is_stated(
    name: str, on: str, cloud: bool, tmp_path: Path, whole: dict[bool, dict[str, list[str]]]
) -> None:
    """Whatever an endpoint does for good: bodies stay readable, and what is claimed complete is what there is."""
    run = run_of(tmp_path, faults.ALL[name](on=on, times=None), cloud=cloud)
    # On Cloud nothing but its own estimate tells that a row is missing from a page.
    if not (name == "removed_row" and cloud):
        assert_honest(run, whole[cloud])
    if name in LASTING - {"status_404"}:
        assert run.incomplete


@pytest.mark.parametrize(("name", "on", "cloud"), CASES)
def test_trouble_that_passes_costs_nothing(
    name: str, on: str, cloud: bool, tmp_path: Path, whole: dict[bool, dict[str, list[str]]]
) -> None:
    """One bad answer is stored and asked for again: the rows are those of a collection without it, or the gap is stated."""
    run = run_of(tmp_path, faults.ALL[name](on=on, at=2, times=1), cloud=cloud)
    if name == "removed_row" and cloud:
        return
    assert_honest(run, whole[cloud])
    if name not in LASTING:
        assert {} == run.incomplete


def assert_honest(run: Run, expected: dict[str, list[str]]) -> None:
    """Complete streams hold all that there is."""
    found = facts(run)
    complete = {one.stream.rpartition(":")[2] for one in run.claims if one.complete}
    for table, stream in STREAM_OF.items():
        if stream in complete:
            assert set(expected[table]) == set(found[table]), (table, run.incomplete)
    assert 4 == len(run.claims)


def changed(on: str, change: Any, **where: Any) -> Fault:
    """A fault that changes the JSON of an answer."""

    def apply(wire: Wire, _: Wire | None) -> Wire:
        body = wire.json
        change(body)
        return Wire(wire.status, wire.headers, json.dumps(body).encode())

    return Fault("changed", apply, on=on, **where)


def test_a_token_that_comes_again(tmp_path: Path) -> None:
    """A list that names the same next page again and again ends, and is not whole."""
    loop = changed(LIST, lambda body: body.update(nextPageToken="Mw=="), at=2, times=None)
    run = run_of(tmp_path, loop)
    assert {"tickets", "histories", "approvals"} == set(run.incomplete)
    assert sum(run.asked.values()) < 40


def test_histories_that_never_end(tmp_path: Path) -> None:
    """The same for changes: no ticket of that list is taken for whole."""
    loop = changed(CHANGES, lambda body: body.update(nextPageToken="0"), times=None)
    run = run_of(tmp_path, loop)
    assert ["histories"] == list(run.incomplete)
    assert [] == run.rows("jira_histories")


def test_an_empty_page_before_the_end(tmp_path: Path) -> None:
    """A page without tickets that names a next one is no end."""
    empty = changed(LIST, lambda body: body.update(issues=[], nextPageToken="more"), at=3, times=None)
    assert "empty page before its end" in run_of(tmp_path, empty).incomplete["tickets"]


def test_a_page_that_is_not_the_last_and_names_none(tmp_path: Path) -> None:
    """`isLast` false without a next page is a list cut short."""
    cut = changed(LIST, lambda body: (body.update(isLast=False), body.pop("nextPageToken", None)), at=2)
    assert "names no next one" in run_of(tmp_path, cut).incomplete["tickets"]


def test_warnings_are_gaps(tmp_path: Path) -> None:
    """What Jira warns of is stated."""
    warned = changed(LIST, lambda body: body.update(warnings=["results were truncated"]), at=2)
    assert "results were truncated" in run_of(tmp_path, warned).incomplete["tickets"]


def test_tickets_that_could_not_be_read_this_time(tmp_path: Path) -> None:
    """Errors that bulkfetch tells are no answer for those tickets: asked again, then stated."""
    error = {"issueErrors": [{"id": "10001", "errorMessage": "timeout"}]}
    once = run_of(tmp_path / "a", changed(KEYS, lambda body: body.update(error)))
    assert {} == once.incomplete
    ever = run_of(tmp_path / "b", changed(KEYS, lambda body: body.update(error), times=None))
    assert "could not read some" in ever.incomplete["tickets"]
    assert {} == ever.lookups()


def test_limits_are_waited_for(tmp_path: Path) -> None:
    """429 with its reason: waited as long as it says, said to the person, and kept."""
    limit = faults.too_many(7, on=LIST, at=2)
    run = run_of(tmp_path, limit)
    assert {} == run.incomplete
    assert any("waiting until" in line for line in run.said)


def test_the_reason_of_a_limit_is_kept(tmp_path: Path) -> None:
    """Which of Jira's limits it was stands in the stored answer."""
    headers = {"Retry-After": "3", "RateLimit-Reason": "jira-burst-based"}
    run = run_of(tmp_path, Fault("limit", lambda wire, _: Wire(429, headers, b"{}"), on=CHANGES))
    assert {} == run.incomplete
    kept = [item.response["headers"].get("ratelimit-reason") for item, _ in run.stored if "unusable" in item.response]
    assert ["jira-burst-based"] == kept


def test_a_service_that_is_away_for_a_moment(tmp_path: Path) -> None:
    """503 with Retry-After is waited for."""
    assert {} == run_of(tmp_path, faults.status(503, headers={"Retry-After": "20"}, on=KEYS, times=2)).incomplete


@pytest.mark.parametrize("header", [{"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, {"X-AUSERNAME": "anonymous"}])
def test_answers_for_strangers(header: dict[str, str], tmp_path: Path) -> None:
    """A token that ends on the way: Jira answers 200 with what strangers may see, and nothing of it counts as all."""

    def strange(wire: Wire, _: Wire | None) -> Wire:
        return Wire(200, {**wire.headers, **header}, b'{"issues": [], "isLast": true}')

    run = run_of(tmp_path, Fault("stranger", strange, on=KEYS, times=None))
    assert "as to a stranger" in run.incomplete["tickets"]
    assert "missing" == run.of("tickets").scope["access"]


@pytest.mark.parametrize("code", [401, 403])
def test_refusals_are_told_apart(code: int, tmp_path: Path) -> None:
    """An unusable token and a missing right are both missing access, with different advice."""
    run = run_of(tmp_path, faults.status(code, on=ME, times=None))
    assert {"site", "tickets", "histories", "approvals"} == set(run.incomplete)
    assert {401: "has expired", 403: "lacks the right"}[code] in run.incomplete["site"]
    assert {"missing"} == {one.scope.get("access") for one in run.claims}


def test_a_login_page_behind_a_redirect(tmp_path: Path) -> None:
    """A question that leads to a login is no answer, and the reason says so."""
    run = run_of(tmp_path, Fault("login", lambda *_: Wire(302, {"Location": "/login"}, b""), on=LIST, times=None))
    assert "as when a login is asked for" in run.incomplete["tickets"]


def test_a_page_for_people(tmp_path: Path) -> None:
    """HTML with status 200 instead of the site's own description."""
    run = run_of(tmp_path, faults.html(on=INFO, times=None))
    assert "no usable JSON" in run.incomplete["site"] or "not usable JSON" in run.incomplete["site"]


def test_something_else_than_jira(tmp_path: Path) -> None:
    """JSON of another system is no Jira."""
    run = run_of(tmp_path, changed(INFO, lambda body: body.clear(), times=None))
    assert "does not say that it is Jira" in run.incomplete["site"]


@pytest.mark.parametrize("field", ["id", "key", "fields"])
def test_tickets_of_another_form(field: str, tmp_path: Path) -> None:
    """A ticket that lacks what every ticket has is refused; the page is asked for again, then stated."""
    run = run_of(tmp_path, changed(LIST, lambda body: body["issues"][0].pop(field), at=2, times=None))
    assert "tickets" in run.incomplete
    assert facts(run)


ODD: dict[str, tuple[bool, str, str, Callable[[Any], Any]]] = {
    "status without id": (True, LIST, "tickets", lambda body: body["issues"][0]["fields"]["status"].update(id=None)),
    "no category": (True, LIST, "tickets", lambda body: body["issues"][0]["fields"]["status"].pop("statusCategory")),
    "no type": (True, LIST, "tickets", lambda body: body["issues"][0]["fields"].update(issuetype=None)),
    "created never": (True, LIST, "tickets", lambda body: body["issues"][0]["fields"].update(created=None)),
    "changed never": (False, SEARCH, "histories", lambda body: first_change(body).update(created=None)),
    "no account's id": (False, SEARCH, "histories", lambda body: first_change(body)["author"].update(key=None)),
    "no decision": (True, APPROVALS, "approvals", lambda body: body["values"][0].update(finalDecision=None)),
    "decided never": (True, APPROVALS, "approvals", lambda body: body["values"][0].update(completedDate=None)),
    "changed nothing": (
        True,
        CHANGES,
        "histories",
        lambda body: body["issueChangeLogs"][0]["changeHistories"][0].update(items=[]),
    ),
    "no zone": (True, ME, "site", lambda body: body.update(timeZone=7)),
    "kept back": (True, APPROVALS, "approvals", lambda body: body.update(values=[])),
    "no approvers": (True, APPROVALS, "approvals", lambda body: body["values"][0].update(approvers=None)),
}


def first_change(body: Any) -> Any:
    """The first change in an answer of Data Center; one of no ticket in an answer without changes."""
    told = [one["changelog"]["histories"] for one in body["issues"] if one.get("changelog", {}).get("histories")]
    return told[0][0] if told else {"author": {"key": ""}}


def test_an_account_without_a_key_is_told_by_its_name(tmp_path: Path) -> None:
    """Data Center told names before it told keys; such a name stands apart from keys."""
    unkeyed = changed(SEARCH, lambda body: first_change(body)["author"].pop("key"), at=1, times=None)
    run = run_of(tmp_path, unkeyed, cloud=False)
    assert "histories" not in run.incomplete
    assert any(str(row["actor_id"]).startswith("name:") for row in run.rows("jira_events"))


@pytest.mark.parametrize("name", ODD)
def test_what_jira_always_tells(name: str, tmp_path: Path) -> None:
    """Null where every Jira has a value ends in no exception, and is a gap of the stream that would hold it."""
    cloud, place, stream, change = ODD[name]
    told = APPROVALS.replace("*", "request/10000/approval") if place == APPROVALS else place
    first = 2 if place == LIST else 1
    run = run_of(tmp_path, changed(told, change, at=first, times=None), cloud=cloud)
    assert stream in run.incomplete
    assert facts(run)


def test_a_list_that_moves_on_data_center(tmp_path: Path) -> None:
    """A total that changes between pages means that rows may have moved: read again once, then stated."""
    moved = changed(SEARCH, lambda body: body.update(total=body["total"] + 1), at=3)
    assert {} == run_of(tmp_path / "a", moved, cloud=False).incomplete
    totals = iter(range(20, 99))
    ever = changed(SEARCH, lambda body: body.update(total=next(totals)), times=None)
    assert "tickets" in run_of(tmp_path / "b", ever, cloud=False).incomplete


def test_an_estimate_far_from_the_list(tmp_path: Path) -> None:
    """Cloud's estimate is a plausibility: it warns, and proves nothing."""
    far = changed("POST /rest/api/3/search/approximate-count", lambda body: body.update(count=500))
    run = run_of(tmp_path, far)
    assert {} == run.incomplete
    assert ["the list held 9 tickets where Jira estimates 500"] == run.of("tickets").details["warnings"]


@pytest.mark.parametrize("on", [SEARCH, "GET /rest/api/2/issue/*"])
def test_a_change_of_nothing_leaves_its_history_open(on: str, tmp_path: Path) -> None:
    """It may have been the status that changed: with the ticket and by pages, that ticket is not taken for whole."""

    def emptied(body: Any) -> None:
        for one in body.get("issues", ()):
            for history in one.get("changelog", {}).get("histories", ())[:1] if one["key"] == "API-1" else ():
                history["items"] = []
        for history in body.get("values", ())[:1]:
            history["items"] = []

    run = run_of(tmp_path, changed(on, emptied, times=None), cloud=False)
    whole = {row["ticket"] for row in run.rows("jira_histories")}
    told = {row["ticket"] for row in run.rows("jira_tickets")}
    assert (["histories"], 1) == (list(run.incomplete), len(told - whole))
    assert "a change of nothing" in run.incomplete["histories"]


@pytest.mark.parametrize("cloud", [True, False])
def test_histories_without_any_change_of_a_resolved_ticket(cloud: bool, tmp_path: Path) -> None:
    """A ticket that was resolved after it was made has changed: histories that tell of no change at all are a gap."""
    made = World(cloud=cloud)
    made.token(SECRET, user=USER)
    made.move(made.ticket("API-1", at=OCTOBER), "Done", ANN)
    place = CHANGES if cloud else SEARCH

    def emptied(body: Any) -> None:
        for one in body.get("issues", ()):
            if "changelog" in one:
                one["changelog"] |= {"histories": [], "total": 0}
        if "issueChangeLogs" in body:
            body["issueChangeLogs"] = []

    run = collect(
        tmp_path,
        made,
        mention=["API-1"],
        faults=(changed(place, emptied, times=None),),
        projects="[API]",
        months="2026-10",
    )
    assert "was resolved after it was created" in run.incomplete["histories"]


def test_one_id_for_two_tickets(tmp_path: Path) -> None:
    """An id that comes with one key in the list and with another by key says nothing of either."""
    made = world()
    made.ticket("OPS-1", at=OCTOBER - timedelta(days=60))

    def doubled(body: Any) -> None:
        for one in body["issues"]:
            one["id"] = made.tickets[0].id

    more: dict[str, Any] = {"projects": "[API, OPS]", "months": "2026-10"}
    run = collect(tmp_path, made, mention=["API-1", "OPS-1"], faults=(changed(KEYS, doubled, times=None),), **more)
    assert {"tickets", "histories"} == set(run.incomplete)
    assert "'OPS-1'" in run.incomplete["tickets"] or "'API-1'" in run.incomplete["tickets"]


def test_approvals_of_another_request(tmp_path: Path) -> None:
    """The same approvals for two requests say nothing of the second."""
    made = world()
    for ticket in made.tickets[1:3]:
        made.approve(ticket, "approved", (ANN, "approved"))
    kept: list[bytes] = []

    def repeated(wire: Wire, _: Wire | None) -> Wire:
        kept.append(wire.body)
        return Wire(wire.status, wire.headers, kept[0])

    fault = Fault("repeated", repeated, on=APPROVALS, times=None)
    run = collect(tmp_path, made, mention=["API-1", "API-2", "API-3"], faults=(fault,), more=MORE, months="2026-10")
    assert ["approvals"] == list(run.incomplete)
    assert "approvals of another request" in run.incomplete["approvals"]
    assert 1 == len({row["ticket"] for row in run.rows("jira_approvals")})
