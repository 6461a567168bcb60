"""Faults hit the call that they are set for, and look on the wire as they do in life."""

from __future__ import annotations

import http.client
import json
import zlib

import pytest

from tests.fakes.github import faults
from tests.fakes.github.client import ask, query
from tests.fakes.github.scenarios import Story
from tests.fakes.github.server import GitHub

R = "/repos/acme/api"
PULLS = """query($after:String){repository(owner:"acme",name:"api"){pullRequests(first:2,after:$after){
pageInfo{hasNextPage endCursor} nodes{number}}}}"""


@pytest.fixture(scope="module")
def story():
    """Six pull requests, so that lists have pages."""
    made = Story()
    for number in range(6):
        made.clean(title=f"ABC-{number} Part")
    return made


def numbers(host, story, after=None):
    """One page of pull requests: their numbers and the page's facts."""
    page = query(host, story.secret, PULLS, after=after).json["data"]["repository"]["pullRequests"]
    return [one and one["number"] for one in page["nodes"]], page["pageInfo"]


def test_only_the_chosen_calls_of_the_chosen_endpoint_fail(story):
    """`on`, `at` and `times` choose; every hit is recorded by name."""
    with GitHub(story.world, [faults.status(502, on=f"GET {R}/pulls", at=2, times=2)]) as host:
        assert 200 == ask(host, f"{R}/commits", story.secret).status
        assert [200, 502, 502, 200] == [ask(host, f"{R}/pulls", story.secret).status for _ in range(4)]
        assert ["", "", "status 502", "status 502", ""] == [seen.fault for seen in host.requests]


@pytest.mark.parametrize("code", [401, 403, 404, 410, 451, 500, 502, 503, 504])
def test_status_faults_say_githubs_sentence(story, code):
    """The status comes with a message, and without the list's Link."""
    with GitHub(story.world, [faults.status(code)]) as host:
        reply = ask(host, f"{R}/commits", story.secret, {"per_page": 1})
    assert (code, {}) == (reply.status, reply.links)
    assert reply.json["message"]


def test_limits_come_in_four_shapes(story):
    """429 and 403 over REST, and 200 without data over GraphQL for both limits."""
    made = [faults.too_many(7), faults.secondary(at=2), faults.secondary_graphql(at=3), faults.primary_graphql(at=4)]
    with GitHub(story.world, made) as host:
        first, second = ask(host, R, story.secret), ask(host, R, story.secret)
        third, fourth = (query(host, story.secret, PULLS) for _ in range(2))
    assert (429, "7") == (first.status, first.headers["Retry-After"])
    assert (403, None) == (second.status, second.headers["Retry-After"])
    assert "secondary rate limit" in second.json["message"]
    assert [(200, "RATE_LIMITED")] * 2 == [(one.status, one.json["errors"][0]["type"]) for one in (third, fourth)]
    assert "0" == fourth.headers["X-RateLimit-Remaining"]


def test_truncated_gzip_has_the_right_length(story):
    """The bytes are all there by Content-Length, and the stream has no end."""
    with GitHub(story.world, [faults.truncated_gzip()]) as host:
        reply = ask(host, f"{R}/commits", story.secret, None, Accept_Encoding="gzip")
    assert len(reply.body) == int(reply.headers["Content-Length"])
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(reply.body)
    assert not reader.eof


def test_short_body_promises_more_than_it_sends(story):
    """Content-Length is larger than what arrives before the connection ends."""
    with GitHub(story.world, [faults.short_body()]) as host, pytest.raises(http.client.IncompleteRead):
        ask(host, R, story.secret)


def test_late_and_lost_answers(story):
    """A timeout holds the answer back; a dropped connection gives none."""
    with GitHub(story.world, [faults.timeout(0.05), faults.dropped(at=2)]) as host:
        assert 200 == ask(host, R, story.secret).status
        with pytest.raises(http.client.RemoteDisconnected):
            ask(host, R, story.secret)


def test_bodies_that_are_no_json(story):
    """HTML, half of a JSON text and nothing at all, each with status 200."""
    with GitHub(story.world, [faults.html(), faults.wrong_json(at=2), faults.empty(at=3)]) as host:
        page, half, nothing = (ask(host, R, story.secret) for _ in range(3))
    assert [200] * 3 == [one.status for one in (page, half, nothing)]
    assert page.headers["Content-Type"].startswith("text/html")
    with pytest.raises(json.JSONDecodeError):
        half.json  # noqa: B018  reading it is the test
    assert b"" == nothing.body


def test_other_hosts_are_offered(story):
    """Link and Location may lead to another host."""
    with GitHub(story.world, [faults.elsewhere(), faults.redirect(at=2)]) as host:
        assert ask(host, f"{R}/commits", story.secret).links["next"].startswith("http://127.0.0.2:9/")
        moved = ask(host, R, story.secret)
    assert (302, "http://127.0.0.2:9/elsewhere") == (moved.status, moved.headers["Location"])


def test_partial_graphql_answers(story):
    """A node lost with an error on its path; half of a list lost with RESOURCE_LIMITS_EXCEEDED."""
    with GitHub(story.world, [faults.partial(), faults.resource_limits(at=2)]) as host:
        lost, cut = (query(host, story.secret, PULLS).json for _ in range(2))
    assert [None, {"number": 2}] == lost["data"]["repository"]["pullRequests"]["nodes"]
    assert ["repository", "pullRequests", "nodes", 0] == lost["errors"][0]["path"]
    assert [{"number": 1}] == cut["data"]["repository"]["pullRequests"]["nodes"]
    assert "RESOURCE_LIMITS_EXCEEDED" == cut["errors"][0]["type"]


def test_partial_at_a_chosen_path(story):
    """A path of response keys names the value that is lost."""
    path = ("repository", "pullRequests")
    with GitHub(story.world, [faults.partial(path)]) as host:
        body = query(host, story.secret, PULLS).json
    assert {"repository": {"pullRequests": None}} == body["data"]
    assert list(path) == body["errors"][0]["path"]


def test_cursor_that_repeats(story):
    """There is always a next page, and it is always the same."""
    with GitHub(story.world, [faults.repeated_cursor()]) as host:
        first = numbers(host, story)[1]
        assert first["hasNextPage"]
        assert first == numbers(host, story, first["endCursor"])[1]
        links = [
            ask(host, f"{R}/commits", story.secret, {"per_page": 2, "page": page}).links["next"] for page in (1, 2)
        ]
    assert links[0] == links[1]


def test_pages_without_end(story):
    """There is always a next page with a new cursor, and with the first rows again."""
    with GitHub(story.world, [faults.endless()]) as host:
        rows, page = numbers(host, story)
        again, later = numbers(host, story, page["endCursor"])
        assert (rows, True) == (again, later["hasNextPage"])
        assert page["endCursor"] != later["endCursor"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(faults.duplicated_page, [1, 2]), (faults.inserted_row, [2, 3]), (faults.removed_row, [4])],
    ids=["duplicated", "inserted", "removed"],
)
def test_pages_that_shift(story, fault, expected):
    """The second page repeats the first, begins with its last row, or misses its own first row."""
    with GitHub(story.world, [fault(at=2)]) as host:
        _, page = numbers(host, story)
        assert expected == numbers(host, story, page["endCursor"])[0]
    with GitHub(story.world, [fault(at=2)]) as host:
        query_of = {"per_page": 2, "state": "all", "direction": "asc"}
        ask(host, f"{R}/pulls", story.secret, query_of)
        second = ask(host, f"{R}/pulls", story.secret, {**query_of, "page": 2}).json
        assert expected == [row["number"] for row in second]


def test_every_fault_can_be_made_for_every_endpoint():
    """The list by name holds them all, and each takes the same words."""
    assert 29 == len(faults.ALL)
    for name, make in faults.ALL.items():
        assert "POST /graphql" == make(on="POST /graphql", at=3).on, name
