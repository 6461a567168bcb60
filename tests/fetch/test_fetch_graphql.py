"""Queries: what is stored of them, which answers are whole, which ask for less."""

import gzip
import hashlib
import threading

import pytest

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import GraphError, PageTooLargeError
from tests.fetch.serving import SECRET, reply

OK = reply({"data": {"viewer": {"login": "ann"}}})


def errors(*found, data=None, **headers):
    return reply({"data": data, "errors": list(found)}, **headers)


def test_a_query_is_posted_stored_and_counted(desk, fetch, server, query):
    """Method, variables and digest of the query are on the line, its text is a body; the count is that of the data."""
    server.answer = [OK]
    answer = query(fetch, variables={"n": 1}, request={"page": 7}, count=lambda data: len(data["viewer"]))
    [item], [text] = desk.stored(), desk.stored("web:x:query")
    assert {"query": "{viewer{login}}", "variables": {"n": 1}} == server.asked[0].json
    assert ("POST", "application/json") == (server.asked[0].method, server.asked[0].headers["Content-Type"])
    assert ({"viewer": {"login": "ann"}}, (), item) == (answer.data, answer.errors, answer.item)
    assert ("POST", {"n": 1}, text.digest, 7, 1) == (
        item.request["method"],
        item.request["variables"],
        item.request["query_sha256"],
        item.request["page"],
        item.count,
    )
    assert "query" not in item.request
    assert b"{viewer{login}}" == desk.vault.read(text.digest)
    assert f"sha256:{hashlib.sha256(b'{viewer{login}}').hexdigest()}" == text.digest


def test_the_text_of_a_query_is_stored_once_in_a_run(desk, fetch, opened, server, query):
    """Thousands of pages share one text, however long; another text is another body, another run has its own."""
    server.answer = [OK]
    long = "query{" + "a" * 70_000 + "}"
    for text in (long, long, "{b}", long):
        query(fetch, text)
    assert [70_007, 3] == [item.size for item in desk.stored("web:x:query")]
    assert 2 == len({item.request["query_sha256"] for item in desk.stored()})


def test_the_next_run_stores_the_text_again(opened, server, query):
    """A pack of one run holds the questions of that run."""
    server.answer = [OK]
    for expected in (1, 2):
        with opened() as desk:
            query(desk.fetch())
            assert expected == len(desk.stored("web:x:query"))


def test_a_partial_answer_comes_with_its_errors(desk, fetch, server, query):
    """Data with errors is returned with them, never without; each says where, of which kind, and what."""
    server.answer = [
        errors(
            {"type": "FORBIDDEN", "path": ["a", 0], "message": "Resource not accessible by integration"},
            {"type": "NOT_FOUND", "path": ["b"], "message": "Could not resolve\x1b[31m"},
            {"extensions": {"code": "undefinedField"}, "message": 7},
            "odd",
            data={"a": [None], "b": None},
        )
    ]
    answer = query(fetch)
    assert {"a": [None], "b": None} == answer.data
    assert (
        GraphError(("a", 0), "FORBIDDEN", "Resource not accessible by integration"),
        GraphError(("b",), "NOT_FOUND", "Could not resolve\ufffd[31m"),
        GraphError((), "undefinedField", ""),
        GraphError((), "", "an error that is no object"),
    ) == answer.errors
    assert (True, True) == (answer.denied, answer.absent)
    assert [""] == desk.unusable()


@pytest.mark.parametrize(
    ("error", "denied", "absent"),
    [
        ({"type": "FORBIDDEN"}, True, False),
        ({"type": "INSUFFICIENT_SCOPES"}, True, False),
        ({"message": "Resource not accessible by personal access token"}, True, False),
        ({"message": "Resource protected by organization SAML enforcement."}, True, False),
        ({"type": "NOT_FOUND"}, False, True),
    ],
)
def test_without_data_only_denied_and_absent_things_are_an_answer(fetch, server, query, error, denied, absent):
    """Data is an empty object then, and the errors say why."""
    server.answer = [errors(error)]
    answer = query(fetch)
    assert ({}, denied, absent) == (answer.data, answer.denied, answer.absent)


def test_a_refused_query_is_an_error(desk, fetch, server, query):
    """A query that the source does not understand is refused with its sentence, and not repeated."""
    server.answer = [errors({"message": "Field 'x' doesn't exist on type 'Query'"})]
    with pytest.raises(CollectError, match="Field 'x' doesn't exist") as caught:
        query(fetch)
    assert not isinstance(caught.value, PageTooLargeError)
    assert 1 == len(server.asked)
    assert "Field 'x'" in desk.unusable()[0]


WENT_WRONG = "Something went wrong while executing your query. This may be the result of a timeout."


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        (reply({"message": "Server Error"}, 502), 2),
        (reply({"message": "We couldn't respond to your request in time. Sorry about that."}, 504), 2),
        (reply({"message": "We couldn\u2019t respond to your request in time."}, 500), 2),
        (errors({"message": WENT_WRONG}), 2),
        (errors({"message": WENT_WRONG, "path": ["a"]}, data={"a": None}), 2),
        (errors({"type": "TIMEOUT", "message": ""}), 2),
        (errors({"message": "timedout"}), 2),
        (errors({"type": "RESOURCE_LIMITS_EXCEEDED", "message": "x"}, data={"a": [1]}), 1),
        (errors({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "x"}), 1),
    ],
)
def test_what_is_too_much_at_once_asks_for_a_smaller_page(desk, fetch, server, query, made, asked):
    """The error is of its own kind, after one more try at most; every answer is stored, none is counted."""
    server.answer = [made]
    with pytest.raises(PageTooLargeError):
        query(fetch, count=lambda _: 1)
    assert asked == len(server.asked) == len(desk.stored())
    assert [None] * asked == [item.count for item in desk.stored()]
    assert all(desk.unusable())


def test_a_gateway_error_may_pass(fetch, server, query):
    """The second try at the same size is enough when it is answered."""
    server.answer = [reply({}, 502), OK]
    assert {"viewer": {"login": "ann"}} == query(fetch).data


def test_no_answer_in_time_asks_for_a_smaller_page(desk, fetch, server, query, monkeypatch):
    """A read timeout has cost its minute: it is stored as a try without an answer, and not repeated."""
    monkeypatch.setattr("soc2ev.fetch.web._READ_SECONDS", 0.05)
    gate = threading.Event()
    server.answer = lambda _: (gate.wait(5), OK)[1]
    with pytest.raises(PageTooLargeError, match="ReadTimeout"):
        query(fetch)
    gate.set()
    [item] = desk.stored()
    assert ("ReadTimeout", 0, 0) == (item.response["failure"], item.response["status"], item.size)


@pytest.mark.parametrize(
    "made",
    [
        reply([]),
        reply({}),
        reply({"data": None}),
        reply({"data": None, "errors": []}),
        reply({"data": {}, "errors": {"a": 1}}),
        reply({"data": [1]}),
        (200, {}, b'{"data": {"a": 1, "a": 2}}'),
        (200, {}, b'{"data": {"a": NaN}}'),
        (200, {}, b""),
        (200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"data": {}}')[:-6]),
    ],
)
def test_what_is_no_answer_to_a_query_is_asked_again(desk, fetch, server, query, made):
    """Four tries, all stored; the fifth answer would have been right, and the fourth is taken when it is."""
    server.answer = [made]
    with pytest.raises(CollectError) as caught:
        query(fetch)
    assert 4 == len(server.asked) == len([text for text in desk.unusable() if text])
    assert "stored" in f"{caught.value.message} {caught.value.hint}"
    server.answer = [*[made] * 7, OK]
    assert {"viewer": {"login": "ann"}} == query(fetch).data
    assert [1.0, 2.0, 4.0] * 2 == desk.clock.slept


@pytest.mark.parametrize(("status", "kind"), [(401, AccessError), (403, AccessError), (404, CollectError)])
def test_refusals_of_a_query(desk, fetch, server, query, status, kind):
    """Missing access names the permission when the source does."""
    server.answer = [reply({"message": "no"}, status, X_Accepted_GitHub_Permissions="checks=read")]
    with pytest.raises(kind) as caught:
        query(fetch)
    assert ("checks=read" in caught.value.hint) == (kind is AccessError)
    assert {"checks=read"} == {item.response["headers"]["x-accepted-github-permissions"] for item in desk.stored()}


def test_a_redirect_of_a_query_is_not_followed(fetch, server, query):
    """Following it would turn the question into another one."""
    server.answer = [(301, {"Location": "/elsewhere"}, b"")]
    with pytest.raises(CollectError, match="301"):
        query(fetch)
    assert 1 == len(server.asked)


def test_a_count_that_fails_costs_nothing(desk, fetch, server, query):
    """The answer is stored without a count and refused."""
    server.answer = [OK]
    with pytest.raises(CollectError, match="cannot be counted"):
        query(fetch, count=lambda data: len(data["repository"]))
    assert [None] == [item.count for item in desk.stored()]


def test_a_secret_among_the_variables_is_masked(desk, fetch, server, query):
    """What is stored of the request never holds the credential."""
    server.answer = [OK]
    query(fetch, variables={"a": [f"x {SECRET} y"]})
    assert {"a": ["x *** y"]} == desk.stored()[0].request["variables"]
