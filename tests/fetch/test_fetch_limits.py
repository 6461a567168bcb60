"""What is asked again, how often, and who waits."""

import gzip
import threading
import time
from datetime import timedelta

import pytest
from urllib3.util import connection

from soc2ev.errors import CollectError
from tests.fetch.serving import DROP, SECRET, START, reply

OK = reply([1])
CUT = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"[1]" * 99)[:-9])
SHORT = (200, {"Content-Length": "50", "Connection": "close"}, b"[1, 2")
EXCEEDED = {"message": "API rate limit exceeded for user ID 1."}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


def reset(seconds):
    return str(int(START.timestamp()) + seconds)


@pytest.mark.parametrize(
    "made",
    [
        reply({}, 500),
        reply({}, 502),
        reply({}, 503),
        reply({}, 504),
        DROP,
        CUT,
        SHORT,
        (200, {}, b""),
        (200, {}, b"[1"),
        (200, {}, b"<html>log in</html>"),
    ],
)
def test_what_may_pass_is_asked_again(desk, server, get, made):
    """Three times more, after 1, 2 and 4 seconds; each answer is stored, the bad ones with the reason and uncounted."""
    fetch = desk.fetch()
    server.answer = [made, made, made, OK]
    assert [1] == fetch.json(get(fetch, json=True, count=lambda _: 1))
    assert [1.0, 2.0, 4.0] == desk.clock.slept
    assert [True, True, True, False] == [bool(text) for text in desk.unusable()]
    assert [None, None, None, 1] == [item.count for item in desk.stored()]
    assert 3 == len([text for text in desk.said if text.startswith("web: ")])
    server.asked.clear()
    server.answer = [*[made] * 4, OK]
    with pytest.raises(CollectError):
        get(fetch, json=True)
    assert 4 == len(server.asked)


def test_without_a_promise_of_json_any_body_is_an_answer(fetch, server, get):
    """Not every answer is JSON: a file may be empty."""
    server.answer = [(200, {}, b"")]
    assert b"" == get(fetch).body
    assert 1 == len(server.asked)


def test_no_content_is_an_answer_where_json_was_promised(fetch, server, get):
    """204 says that there is nothing to read."""
    server.answer = [(204, {}, b"")]
    assert 204 == get(fetch, json=True).status


def test_a_connection_refused_once_is_asked_again(desk, fetch, server, get, monkeypatch):
    """A server that restarts is there a second later."""
    real, refused = connection.create_connection, []

    def connect(address, *rest, **more):
        if not refused:
            refused.append(address)
            raise ConnectionRefusedError(111, "Connection refused")
        return real(address, *rest, **more)

    monkeypatch.setattr(connection, "create_connection", connect)
    server.answer = [OK]
    assert [1] == fetch.json(get(fetch))
    assert [("ConnectionError", 0), (None, 200)] == [
        (item.response.get("failure"), item.response["status"]) for item in desk.stored()
    ]


def test_nobody_there_is_an_error_after_four_tries(desk, fetch, server, get):
    """The message names the address and the kind of error, and not its text, which may hold a secret."""
    server.close()
    server.close = lambda: None
    with pytest.raises(CollectError, match=r"cannot be reached \(ConnectionError\)"):
        get(fetch, f"/?token={SECRET}")
    assert 4 == len(desk.stored())


def test_a_certificate_that_is_not_trusted_is_not_tried_again(desk, fetch, server, get):
    """No further try cures it."""
    with pytest.raises(CollectError, match="SSLError"):
        fetch.get(
            server.url.replace("http:", "https:"),
            origin=server.url.replace("http:", "https:"),
            source="w",
            stream="web:x",
        )
    assert 1 == len(desk.stored())


@pytest.mark.parametrize("method", ["get", "graphql"])
@pytest.mark.parametrize(
    ("made", "waits", "why"),
    [
        (reply({}, 429, Retry_After="90"), 90.0, "secondary"),
        (reply(SECONDARY, 403), 60.0, "secondary"),
        (reply(SECONDARY, 403, Retry_After="7"), 7.0, "secondary"),
        (reply({}, 403, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset(1800 // 60)), 30.0, "primary"),
        (reply({}, 429, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset(30)), 30.0, "primary"),
        (reply(EXCEEDED, 403, X_RateLimit_Remaining="13", X_RateLimit_Reset=reset(30)), 30.0, "primary"),
        (reply({}, 429, Retry_After="Sat, 31 Oct 2026 12:01:00 GMT"), 60.0, "secondary"),
        (reply({}, 429, Retry_After="Sat, 31 Oct 2026 11:01:00 GMT"), 1.0, "secondary"),
        (reply({}, 429, Retry_After="0"), 1.0, "secondary"),
        (reply({}, 429), 60.0, "secondary"),
    ],
)
def test_limits_are_waited_for_as_long_as_they_last(desk, fetch, server, get, query, method, made, waits, why):
    """429 or 403, by Retry-After in seconds or as a date, by the reset, or a minute; a person is told until when."""
    server.answer = [made, reply({"data": {"a": 1}})]
    (get if method == "get" else query)(fetch)
    assert [waits] == desk.clock.slept
    until = START + timedelta(seconds=waits)
    assert [f"web: {why} limit reached: waiting until {until:%H:%M:%S} UTC"] == desk.said
    assert [f"{why} limit reached", ""] == desk.unusable()


@pytest.mark.parametrize(
    ("error", "headers", "waits"),
    [
        ({"type": "RATE_LIMITED", "message": "x"}, {}, 60.0),
        ({"type": "RATE_LIMIT", "message": "API rate limit already exceeded for user ID 1"}, {}, 60.0),
        ({"message": SECONDARY["message"]}, {"Retry_After": "7"}, 7.0),
        ({"type": "RATE_LIMITED"}, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset(30)}, 30.0),
        ({**EXCEEDED, "type": "RATE_LIMITED"}, {"X_RateLimit_Remaining": "13", "X_RateLimit_Reset": reset(30)}, 30.0),
    ],
)
def test_limits_of_graphql_come_with_status_200(desk, fetch, server, query, error, headers, waits):
    """The body tells, with data beside it or not; a question may cost more points than remain."""
    for data in (None, {"a": None}):
        desk.clock.slept.clear()
        desk.clock.at = START
        server.asked.clear()
        server.answer = [reply({"data": data, "errors": [error]}, **headers), reply({"data": {"a": 1}})]
        assert {"a": 1} == query(desk.fetch()).data
        assert [waits] == desk.clock.slept


def test_waits_without_a_word_grow_and_eight_tries_are_enough(desk, fetch, server, get):
    """A source that says nothing is given a minute, then twice as long, up to the longest wait there is."""
    server.answer = [reply({}, 429, Retry_After="2")]
    with pytest.raises(CollectError, match="8 times"):
        get(fetch)
    assert ([2.0] * 7, 8) == (desk.clock.slept, len(desk.stored()))
    desk.clock.slept.clear()
    server.answer = [reply({}, 429)]
    with pytest.raises(CollectError, match="limit lasts until"):
        get(desk.fetch())
    assert [60.0, 120.0, 240.0, 480.0] == desk.clock.slept


def test_a_limit_that_lasts_too_long_is_not_waited_for(desk, fetch, server, get):
    """The message says until when; neither this request nor the next one is sent in vain."""
    server.answer = [reply({}, 403, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset(901))]
    for _ in range(2):
        with pytest.raises(CollectError, match="until 2026-10-31 12:15:01 UTC") as caught:
            get(fetch)
    assert "collect again" in caught.value.hint
    assert ([], 1, 1) == (desk.clock.slept, len(server.asked), len(desk.stored()))


def test_nobody_asks_when_nothing_remains(desk, fetch, server, get, query):
    """The last good answer of the hour says so: the next request waits, by REST or GraphQL; another credential asks."""
    server.answer = [
        reply([1], X_RateLimit_Remaining="0", X_RateLimit_Reset=reset(30)),
        reply([2]),
        reply({"data": {}}),
    ]
    assert [1] == fetch.json(get(fetch))
    assert [] == desk.clock.slept
    get(fetch, auth=None)
    assert [] == desk.clock.slept
    query(fetch)
    assert [30.0] == desk.clock.slept
    assert ["web: primary limit reached: waiting until 12:00:30 UTC"] == desk.said


def test_a_retry_after_with_503_is_obeyed(desk, fetch, server, get):
    """A server that is down for maintenance says for how long."""
    server.answer = [reply({}, 503, Retry_After="20"), OK]
    get(fetch)
    assert [20.0] == desk.clock.slept


def test_a_retry_after_that_means_nothing_holds_nobody_back(desk, fetch, server, get):
    """Beside a good answer or an unreadable one it is passed over; trouble is still waited out."""
    server.answer = [(200, {"Retry-After": "9999"}, b"[]"), reply({}, 503, Retry_After="soon"), OK]
    get(fetch)
    get(fetch)
    assert [1.0] == desk.clock.slept


def test_permissions_and_notices_are_kept(desk, fetch, server, get):
    """Which permission is missing, which scopes there are, and what will go away."""
    kept = {"X-OAuth-Scopes": "repo", "Sunset": "Sat, 31 Oct 2027 23:59:59 GMT", "Deprecation": "@1688169599"}
    server.answer = [(200, {**kept, "X-Accepted-GitHub-Permissions": "checks=read", "Set-Cookie": "a=b"}, b"[]")]
    get(fetch)
    found = desk.stored()[0].response["headers"]
    assert {**{name.lower(): text for name, text in kept.items()}, "x-accepted-github-permissions": "checks=read"} == {
        name: text for name, text in found.items() if name != "date"
    }


class Busy:
    """Counts how many requests are under way at a time."""

    def __init__(self, script=lambda number: OK):
        self.lock, self.now, self.most, self.number, self.script = threading.Lock(), 0, 0, 0, script

    def __call__(self, _):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.number += 1
            made = self.script(self.number)
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        return made


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_than_the_workers_ask_at_a_time(desk, server, get, workers):
    """Whatever number of tasks there is, and all of the workers are used."""
    server.answer = busy = Busy()
    fetch = desk.fetch(workers=workers)
    fetch.together([lambda: get(fetch)] * 12)
    assert workers == busy.most


def test_a_secondary_limit_halves_the_workers_for_a_while(desk, server, get):
    """Fewer ask for ten minutes, then all again."""
    server.answer = busy = Busy(lambda number: reply({}, 429, Retry_After="5") if number == 1 else OK)
    fetch = desk.fetch(workers=4)
    get(fetch)
    fetch.together([lambda: get(fetch)] * 12)
    assert 2 == busy.most
    desk.clock.at += timedelta(minutes=10)
    fetch.together([lambda: get(fetch)] * 12)
    assert 4 == busy.most


def test_a_wait_is_said_once(desk, server, get):
    """However many threads wait for the same limit."""
    server.answer = [reply([1], X_RateLimit_Remaining="0", X_RateLimit_Reset=reset(30)), OK]
    move = desk.clock.sleep
    both = threading.Barrier(2, action=lambda: move(30), timeout=5)
    desk.clock.sleep = lambda _: both.wait()
    fetch = desk.fetch(workers=2)
    get(fetch)
    fetch.together([lambda: get(fetch)] * 2)
    assert ["web: primary limit reached: waiting until 12:00:30 UTC"] == desk.said


def test_when_one_is_told_to_wait_all_wait(desk, server, get):
    """No request of another thread is sent while the wait lasts, and the wait is said once."""
    times = []
    server.answer = lambda _: (times.append(desk.clock.at), OK if len(times) > 1 else reply({}, 429, Retry_After="50"))[
        1
    ]
    fetch = desk.fetch(workers=4)
    with pytest.MonkeyPatch.context() as patch:
        told = threading.Event()
        real = fetch._talk._governor.heed
        patch.setattr(fetch._talk._governor, "heed", lambda *given: (real(*given), told.set())[0])
        fetch.together([lambda: get(fetch), *[lambda: (told.wait(5), get(fetch))] * 3])
    assert START == times[0]
    assert all(at >= START + timedelta(seconds=50) for at in times[1:])
    assert ["web: secondary limit reached: waiting until 12:00:50 UTC"] == desk.said


@pytest.mark.parametrize(
    ("path", "resource", "held"),
    [
        ("/search/issues", "search", {"/search/commits"}),
        ("/api/v3/search/issues", "search", {"/search/commits"}),
        ("/search/code", "code_search", {"/search/code"}),
        ("/repos/a/b", "core", {"/repos/a/c"}),
        ("/odd", "audit_log", {"/repos/a/c"}),
    ],
)
def test_a_primary_limit_holds_back_its_own_resource_alone(desk, server, get, query, path, resource, held):
    """Search, core and graphql have budgets of their own; one that is used up costs the others nothing."""
    spent = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset(30), "X_RateLimit_Resource": resource}
    server.answer = lambda asked: reply({"data": {}}, **(spent if asked.path == path else {}))
    fetch, waited = desk.fetch(), set()
    get(fetch, path)
    others = {"/graphql": lambda: query(fetch)}
    others |= {
        other: lambda other=other: get(fetch, other) for other in ("/repos/a/c", "/search/commits", "/search/code")
    }
    for other in sorted(others, key=lambda other: other in held):
        before = len(desk.clock.slept)
        others[other]()
        waited |= {other} if len(desk.clock.slept) > before else set()
    assert held == waited
    assert [30.0] == desk.clock.slept


def test_a_used_up_budget_of_graphql_leaves_rest_alone(desk, server, get, query):
    """And the next query waits until it is given anew."""
    spent = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset(30), "X_RateLimit_Resource": "graphql"}
    server.answer = lambda asked: reply({"data": {}}, **(spent if asked.path == "/graphql" else {}))
    fetch = desk.fetch()
    query(fetch)
    get(fetch, "/repos/a/b")
    assert [] == desk.clock.slept
    query(fetch)
    assert [30.0] == desk.clock.slept


def test_a_secondary_limit_holds_back_every_resource(desk, fetch, server, get, query):
    """It is of the credential, whatever resource the answer names."""
    server.answer = [reply({}, 429, Retry_After="9999", X_RateLimit_Remaining="0", X_RateLimit_Resource="core")]
    for ask in (lambda: get(fetch, "/repos/a/b"), lambda: query(fetch), lambda: get(fetch, "/search/issues")):
        with pytest.raises(CollectError, match="secondary limit reached; the limit lasts until"):
            ask()
    assert (1, []) == (len(server.asked), desk.clock.slept)


def test_a_chain_that_goes_ahead_waits_for_nobody_behind_it(desk, server, get):
    """With one turn for all, its questions are answered before those that came earlier and wait."""
    order, waiting = [], threading.Event()

    def answer(asked):
        order.append(asked.path)
        if asked.path == "/first":
            waiting.wait(5)
        return OK

    server.answer = answer
    fetch = desk.fetch(workers=2)
    governor = fetch._talk._governor

    def waits():
        return sum(len(place.waiting) for place in governor._places.values())

    def first():
        get(fetch, "/first")

    def behind(path):
        while not order:
            time.sleep(0.001)
        get(fetch, path)

    def ahead():
        while waits() < 2:
            time.sleep(0.001)
        with fetch.ahead():
            threading.Timer(0.05, waiting.set).start()
            get(fetch, "/ahead")

    governor._workers = 1
    behind_all = [lambda: behind("/behind"), lambda: behind("/behind")]
    fetch.together([lambda: fetch.together([first, ahead]), lambda: fetch.together(behind_all)])
    assert ["/first", "/ahead", "/behind", "/behind"] == order
