"""POST of JSON, statuses that are answers, and what sources tell one another."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import DeniedError, RefusedError
from tests.fetch.serving import SECRET, START, reply


def test_a_question_in_a_body(desk, server, get):
    """What was sent is stored beside the address, the answer is counted and parsed."""
    server.answer = [reply({"issues": [1, 2]})]
    answer = get(
        desk.fetch(), method="post", body={"keys": ["A-1"]}, count=lambda body: len(json.loads(body)["issues"])
    )
    [asked], [item] = server.asked, desk.stored()
    assert ("POST", {"keys": ["A-1"]}) == (asked.method, asked.json)
    assert "application/json" == asked.headers["Content-Type"]
    assert ("POST", {"keys": ["A-1"]}, 2) == (item.request["method"], item.request["body"], item.count)
    assert {"issues": [1, 2]} == answer.parsed


def test_secrets_in_a_body_are_masked(desk, server, get):
    """The token reaches neither the stored question nor the stored answer."""
    server.answer = [reply({"you": SECRET})]
    get(desk.fetch(), method="post", body={"token": SECRET})
    [item] = desk.stored()
    assert {"token": "***"} == item.request["body"]
    assert SECRET.encode() not in desk.vault.read(item.digest)


@pytest.mark.parametrize("bad", [(200, {}, b"<html>"), reply({}, 503), reply({}, 429, Retry_After="5")])
def test_a_post_is_asked_again(desk, server, get, bad):
    """What may pass is stored as unusable and asked again, as for a GET."""
    server.answer = [bad, reply({"ok": True})]
    assert {"ok": True} == get(desk.fetch(), method="post", body={}).parsed
    assert [True, False] == [bool(says) for says in desk.unusable()]


@pytest.mark.parametrize(("status", "access"), [(400, False), (401, True), (403, True), (404, False), (410, False)])
def test_a_refusal_says_its_status(desk, server, get, status, access):
    """The exception has the status; 401 and 403 are missing access."""
    server.answer = [reply({}, status)]
    with pytest.raises(RefusedError) as caught:
        get(desk.fetch(), method="post", body={})
    assert status == caught.value.status
    assert access == isinstance(caught.value, AccessError) == isinstance(caught.value, DeniedError)
    assert (4 if access else 5) == caught.value.exit_code


def test_a_redirect_of_a_post_is_not_followed(desk, server, get):
    """It would be another question."""
    server.answer = [(302, {"Location": "/login"}, b"")]
    with pytest.raises(RefusedError) as caught:
        get(desk.fetch(), method="post", body={})
    assert (302, 1) == (caught.value.status, len(server.asked))


def test_a_status_that_is_an_answer(desk, server, get):
    """With `accept` a 404 is counted and returned; one that is no JSON is not."""
    server.answer = [reply({"error": "none"}, 404)]
    answer = get(desk.fetch(), json=True, accept=(404,), count=lambda _: 0)
    assert (404, 0, None) == (answer.status, answer.item.count, answer.item.response.get("unusable"))
    server.answer = [(404, {}, b"<html>")]
    with pytest.raises(CollectError):
        get(desk.fetch(), json=True, accept=(404,), count=lambda _: 0)


def test_other_bodies_are_not_replayed(opened, server, get):
    """Only the very same question is answered from an interrupted run."""
    server.answer = [reply({"n": 1}), reply({"n": 2})]
    with opened() as desk:
        get(desk.fetch(), method="post", body={"page": 1})
        desk.vault.finish = lambda *_, **__: None
    with opened() as desk:
        fetch = desk.fetch(resume_after=START - timedelta(days=1))
        assert {"n": 2} == get(fetch, method="post", body={"page": 2}, reuse=True).parsed
        assert {"n": 1} == get(fetch, method="post", body={"page": 1}, reuse=True).parsed
    assert 2 == len(server.asked)


def test_mentions_are_of_one_kind_and_run(desk):
    """What was mentioned comes back by kind; another run's Fetch knows nothing of it."""
    fetch = desk.fetch()
    fetch.mention("ticket", ["A-1", "A-2"])
    fetch.mention("ticket", iter(["A-2", "A-3"]))
    fetch.mention("person", ["ann"])
    assert {"A-1", "A-2", "A-3"} == fetch.mentions("ticket")
    assert frozenset() == fetch.mentions("branch")
    assert frozenset() == desk.fetch().mentions("ticket")


def test_mentions_from_several_threads(desk):
    """None is lost."""
    fetch = desk.fetch()
    fetch.together([lambda part=part: fetch.mention("ticket", [f"A-{part}"]) for part in range(200)])
    assert 200 == len(fetch.mentions("ticket"))
