"""What an interrupted run had stored is not asked for again."""

import contextlib
import json
from datetime import timedelta

import pytest

from soc2ev.errors import VaultError
from soc2ev.fetch import Credential
from tests.fetch.serving import SECRET, START, reply

BEFORE = START - timedelta(days=7)


@pytest.fixture
def killed(opened):
    """A run that ended without its last line, as a killed one does."""

    def run(work, **more):
        with opened(**more) as desk:
            work(desk.fetch())
            desk.vault.finish = lambda *_, **__: None

    return run


def again(opened, ask, **more):
    """Ask in a new run that may resume; the desk."""
    with opened() as desk:
        ask(desk.fetch(**{"resume_after": BEFORE, **more}))
        return desk


def test_a_page_is_given_again(opened, killed, server, get):
    """The body, its count and where it came from are in the new run; nothing is asked."""
    server.answer = [reply([1, 2])]
    killed(lambda fetch: get(fetch, json=True), run="first")
    asked = get_counted(get)
    desk = again(opened, asked)
    [old, new] = desk.stored()
    assert 1 == len(server.asked)
    assert (old.digest, 2, "first") == (new.digest, new.count, new.response["replayed_from"])
    assert new.run == desk.vault.run != old.run
    assert old.received_at.isoformat() == new.response["received_at"].replace("Z", "+00:00").replace(".000000", "")
    assert old.request["url"] == new.request["url"]
    assert old.response["headers"]["date"] == new.response["headers"]["date"]


def get_counted(get):
    return lambda fetch: get(fetch, json=True, reuse=True, count=lambda body: len(json.loads(body)))


def test_lists_and_queries_are_given_again(opened, killed, server, get, query):
    """Links lead from page to page; variables and the text of a query tell queries apart."""
    numbers = {"/x": 2, "/x?page=2": 3}

    def answer(asked):
        if asked.method == "POST":
            return reply({"data": {"a": asked.json["variables"]}})
        more = {"Link": f"</x?page={numbers[asked.path]}>; rel=next"} if asked.path in numbers else {}
        return reply([asked.path], **more)

    def work(fetch):
        found = [fetch.json(page) for page in get(fetch, method="pages", reuse=True)]
        found += [
            query(fetch, text, variables=given, reuse=True).data for text in "ab" for given in ({"n": 1}, {"n": 2})
        ]
        assert [["/x"], ["/x?page=2"], ["/x?page=3"], *[{"a": {"n": 1}}, {"a": {"n": 2}}] * 2] == found

    server.answer = answer
    killed(work)
    assert 7 == len(server.asked)
    again(opened, work)
    assert 7 == len(server.asked)
    again(opened, lambda fetch: query(fetch, "c", variables={"n": 1}, reuse=True))
    again(opened, lambda fetch: query(fetch, "a", variables={"n": 3}, reuse=True))
    assert 9 == len(server.asked)


def test_an_answer_may_be_given_again_twice(opened, killed, server, get, clock):
    """A second interruption costs nothing either, but the answer does not become younger by it."""
    server.answer = [reply([1, 2])]
    asked = get_counted(get)
    killed(asked)
    for hours, expected in ((13, 1), (10, 1), (2, 2)):
        clock.at += timedelta(hours=hours)
        with opened() as desk:
            asked(desk.fetch(resume_after=BEFORE))
            desk.vault.finish = lambda *_, **__: None
        assert expected == len(server.asked)


def failed(opened, work):
    """A run that ended in an error after its work."""
    run = contextlib.ExitStack()
    work(run.enter_context(opened()).fetch())
    with pytest.raises(VaultError), run:
        raise VaultError("stop")


def test_a_run_that_ended_in_an_error_counts_as_interrupted(opened, server, get):
    """Ctrl-C and errors leave a last line that says that the run did not end well."""
    server.answer = [reply([1])]
    asked = get_counted(get)
    failed(opened, asked)
    again(opened, asked)
    assert 1 == len(server.asked)


@pytest.mark.parametrize(
    ("later", "more"),
    [
        (timedelta(0), {"resume_after": None}),
        (timedelta(0), {"resume_after": START}),
        (timedelta(hours=24), {}),
    ],
    ids=["not asked for", "received before", "a day old"],
)
def test_what_is_too_old_is_asked_for(opened, killed, server, get, clock, later, more):
    """Never without `resume_after`, nothing of before it, nothing of a day ago."""
    server.answer = [reply([1])]
    asked = get_counted(get)
    killed(asked)
    clock.at += later
    again(opened, asked, **more)
    assert 2 == len(server.asked)


def test_just_under_a_day_is_young_enough(opened, killed, server, get, clock):
    """Twenty-four hours are the limit."""
    server.answer = [reply([1])]
    asked = get_counted(get)
    killed(asked)
    clock.at += timedelta(hours=24, seconds=-1)
    again(opened, asked)
    assert 1 == len(server.asked)


def test_a_finished_run_is_never_given_again(opened, server, get):
    """A new collection is a new look."""
    server.answer = [reply([1])]
    asked = get_counted(get)
    for expected in (1, 2):
        again(opened, asked)
        assert expected == len(server.asked)


def test_only_calls_that_allow_it_are_answered_from_the_vault(opened, killed, server, get):
    """Settings are read anew."""
    server.answer = [reply([1])]
    killed(get)
    again(opened, get)
    assert 2 == len(server.asked)


@pytest.mark.parametrize(
    "other", [{"path": "/y"}, {"params": {"a": "1"}}, {"stream": "web:y"}], ids=["address", "parameters", "stream"]
)
def test_another_request_is_another_answer(opened, killed, server, get, other):
    """Address, parameters and stream have to be the very same."""
    server.answer = [reply([1])]
    killed(lambda fetch: get(fetch, reuse=True))
    again(opened, lambda fetch: get(fetch, reuse=True, **other))
    assert 2 == len(server.asked)


def test_masked_addresses_are_not_told_apart_and_thus_asked(opened, killed, server, get):
    """Two cursors that look like secrets are stored alike; neither answers for the other."""
    server.answer = [reply([1]), reply([2])]
    killed(lambda fetch: get(fetch, params={"token": "one"}, reuse=True))
    found = []
    again(opened, lambda fetch: found.append(fetch.json(get(fetch, params={"token": "two"}, reuse=True))))
    assert [[2]] == found


@pytest.mark.parametrize(
    "bad",
    [
        (404, {}, b"{}"),
        (200, {"Content-Length": "50", "Connection": "close"}, b"[1"),
        (200, {}, b"<html>"),
        (200, {"Link": f"</x?page=2&token={SECRET}>; rel=next"}, b"[1]"),
    ],
    ids=["refused", "short", "html", "masked link"],
)
def test_only_good_answers_are_given_again(opened, killed, server, get, bad):
    """What was wrong then may be right now."""
    server.answer = [bad]

    def attempt(fetch):
        try:
            get(fetch, json=True, reuse=True)
        except Exception:  # noqa: BLE001  the run goes on
            return

    killed(attempt)
    asked = len(server.asked)
    server.answer = [reply([2])]
    found = []
    again(opened, lambda fetch: found.append(fetch.json(get(fetch, json=True, reuse=True))))
    assert (asked + 1, [[2]]) == (len(server.asked), found)


def test_a_limit_of_graphql_is_not_given_again(opened, killed, server, query):
    """It came with status 200, and is no answer."""
    server.answer = [reply({"data": None, "errors": [{"type": "RATE_LIMITED", "message": "x"}]}, Retry_After="901")]

    def attempt(fetch):
        try:
            query(fetch, reuse=True)
        except Exception:  # noqa: BLE001  the run goes on
            return

    killed(attempt)
    server.answer = [reply({"data": {"a": 1}})]
    found = []
    again(opened, lambda fetch: found.append(query(fetch, reuse=True).data))
    assert [{"a": 1}] == found


def test_the_credential_may_have_been_renewed(opened, killed, server, get):
    """Tokens of Apps end within the hour; the answers remain."""
    server.answer = [reply([1])]
    killed(lambda fetch: get(fetch, reuse=True))
    again(opened, lambda fetch: get(fetch, reuse=True, auth=Credential.bearer("another")))
    assert 1 == len(server.asked)
