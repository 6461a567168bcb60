"""The loopback Jira does what the vendor documents, so that tests against it mean something."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import START, Person, World

TOKEN = "t0ken"


def world(**more: Any) -> World:
    """Five tickets, one of them moved, one hidden."""
    made = World(**more)
    made.token(TOKEN, user="ann@example.com" if made.cloud else None, hidden={"WEB"})
    for number in range(1, 6):
        made.ticket(f"API-{number}", at=START + timedelta(hours=number))
    made.rename(made.tickets[0], "API-90")
    made.ticket("WEB-1")
    for _ in range(45):
        made.edit(made.tickets[1], "summary", "a", "b", Person("ann"))
    return made


def ask(host: Jira, path: str, body: Any = None, *, token: str = TOKEN) -> tuple[int, Any]:
    """Status and JSON of one question."""
    sent = None if body is None else json.dumps(body).encode()
    basic = base64.b64encode(f"ann@example.com:{token}".encode()).decode()
    header = f"Basic {basic}" if host.world.cloud else f"Bearer {token}"
    request = urllib.request.Request(host.url + path, sent, {"Authorization": header})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def test_cloud_lists_by_tokens() -> None:
    """Ids only unless fields are named, smaller pages with fields, and no token on the last page."""
    with Jira(world(page=2)) as host:
        query = {"jql": 'project in ("API") ORDER BY created ASC, key ASC', "maxResults": 50}
        _, bare = ask(host, "/rest/api/3/search/jql", query)
        assert ([{"id"}] * 5, True) == ([set(one) for one in bare["issues"]], bare["isLast"])
        seen, token = [], None
        while token or not seen:
            _, page = ask(host, "/rest/api/3/search/jql", {**query, "fields": ["created"], "nextPageToken": token})
            seen.append([one["key"] for one in page["issues"]])
            token = page.get("nextPageToken")
        assert [["API-90", "API-2"], ["API-3", "API-4"], ["API-5"]] == seen


def test_cloud_leaves_out_silently() -> None:
    """Fetching by key follows moves, answers by id, and says nothing of what is missing or hidden; histories are cut there."""
    with Jira(world()) as host:
        body = {"issueIdsOrKeys": ["WEB-1", "API-99", "api-2", "API-1"], "fields": ["status"], "expand": ["changelog"]}
        status, told = ask(host, "/rest/api/3/issue/bulkfetch", body)
        assert (200, ["API-90", "API-2"], []) == (status, [one["key"] for one in told["issues"]], told["issueErrors"])
        assert 40 == len(told["issues"][1]["changelog"]["histories"])
        assert 400 == ask(host, "/rest/api/3/issue/bulkfetch", {"issueIdsOrKeys": ["A-1"] * 101})[0]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rest/api/3/search", {"jql": ""}, 410),
        ("/rest/api/3/search/jql", {"jql": 'project in ("WEB")'}, 400),
        ("/rest/api/3/issue/WEB-1", None, 404),
        ("/rest/servicedeskapi/request/API-2/approval", None, 404),
        ("/rest/api/3/nothing", None, 404),
    ],
)
def test_cloud_refuses(path: str, body: Any, status: int) -> None:
    """The removed search, projects and tickets that cannot be seen, tickets that are no requests."""
    with Jira(world()) as host:
        assert status == ask(host, path, body)[0]


def test_strangers_learn_only_which_jira_it_is() -> None:
    """A wrong token is answered by serverInfo, and refused by everything else."""
    with Jira(world()) as host:
        assert 200 == ask(host, "/rest/api/2/serverInfo", token="other")[0]
        assert 401 == ask(host, "/rest/api/3/myself", token="other")[0]


def test_data_center_lists_by_place() -> None:
    """Total and places below the context path; unknown keys are refused unless the query is not validated."""
    with Jira(world(cloud=False, context="/jira", expand=10)) as host:
        query = {"jql": 'key in ("API-2","API-99")', "fields": ["status"], "expand": ["changelog"]}
        assert 400 == ask(host, "/rest/api/2/search", query)[0]
        _, told = ask(host, "/rest/api/2/search", {**query, "validateQuery": False})
        [one] = told["issues"]
        assert (1, "API-2", 10, 45) == (
            told["total"],
            one["key"],
            len(one["changelog"]["histories"]),
            one["changelog"]["total"],
        )
        assert "API-90" == ask(host, "/rest/api/2/issue/API-1")[1]["key"]
