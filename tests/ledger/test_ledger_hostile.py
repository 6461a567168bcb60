"""What a caller may get wrong, or mean ill by: odd times in alerts, odd requests over HTTP."""

from __future__ import annotations

import http.client
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from soc2ev.errors import Soc2evError
from soc2ev.ledger import Filter, Ledger, access
from soc2ev.ledger.retention import retain
from soc2ev.ledger.serve import Running

RULE = "alerts: [{{name: burst, action: 'auth.login.failed', count: {count}, within: 5m}}]\n"


def failed(*times: str) -> list[dict[str, str]]:
    return [{"action": "auth.login.failed", "actor_id": "u1", "timestamp": time} for time in times]


def raised(tmp_path, clock, times: list[str], *, count: int = 3) -> list[dict]:
    """The metadata of the alerts that these events raise."""
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "ledger.yaml").write_text("version: 1\n" + RULE.format(count=count))
    with Ledger.open(tmp_path / "audit", now=clock) as ledger:
        for one in failed(*times):
            ledger.append(one)
        return [row["metadata"] for row in ledger.query(Filter(action="ledger.alert.raised"))]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["2026-11-20T10:00:00Z", "2026-11-20T10:02:00Z", "2026-11-20T10:04:59Z"], [(0, 2)]),
        (["2026-11-20T10:00:00Z", "2026-11-20T10:02:00Z", "2026-11-20T10:05:00Z"], []),
        (["2026-11-20T10:04:59Z", "2026-11-20T10:00:00Z", "2026-11-20T10:02:00Z"], [(0, 2)]),
        (["2026-11-20T10:00:00Z", "2026-11-19T10:00:00Z", "2026-11-18T10:00:00Z", "2026-11-17T10:00:00Z"], []),
        (["2026-11-20T10:00:00Z", "2099-01-01T00:00:00Z", "2026-11-20T10:01:00Z", "2098-01-01T00:00:00Z", "2026-11-20T10:02:00Z"], [(0, 4)]),
        (["2026-11-20T12:00:00+02:00", "2026-11-20T10:01:00Z", "2026-11-20T05:02:00-05:00"], [(0, 2)]),
        (["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-20T10:02:00Z"], []),
    ],
)  # fmt: skip
def test_an_alert_counts_by_the_times_that_events_give(tmp_path, clock, times, expected):
    """Less than the window apart, in whatever order they come; an event that claims another century hides none."""
    found = raised(tmp_path, clock, times)
    assert expected == [(one["first_seq"], one["last_seq"]) for one in found]


def test_many_events_in_a_long_window_raise_one_alert_for_each_count(tmp_path, clock):
    """Four bursts of five; each event belongs to one alert."""
    found = raised(tmp_path, clock, [f"2026-11-20T10:00:{second:02}Z" for second in range(20)], count=5)
    assert [(0, 4), (6, 10), (12, 16), (18, 22)] == [(one["first_seq"], one["last_seq"]) for one in found]


def test_what_is_remembered_for_an_alert_is_bounded(tmp_path, clock):
    """Events too far apart to count are given up, the latest last: what comes close together is still seen."""
    apart = [f"20{year:02}-01-01T00:00:00Z" for year in range(40, 99)]
    found = raised(tmp_path, clock, [*apart, *(f"2026-11-20T10:00:0{second}Z" for second in range(3))])
    assert [(59, 61)] == [(one["first_seq"], one["last_seq"]) for one in found]


@pytest.fixture
def ask(ledger):
    """A server with one event; GET with a key that may read."""
    ledger.append({"action": "user.role.updated", "actor_id": "u1"})
    secret, _ = access.new(ledger.disk, "read", "prod", ledger._now())
    running = Running(ledger, "127.0.0.1", 0)
    thread = threading.Thread(target=running.run)
    thread.start()

    def get(target: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        connection.request("GET", target, headers={"Authorization": f"Bearer {secret}"})
        response = connection.getresponse()
        body = json.loads(response.read())
        connection.close()
        return response.status, body.get("error", {}).get("code", "")

    yield get
    running.stop()
    thread.join()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/events?limit=1&actor=u1", (200, "")),
        ("/v1/events?limit=1&limit=2", (400, "invalid")),
        ("/v1/events?since=2026-01-01&since=2026-02-01", (400, "invalid")),
        ("/v1/events?meta=a=1&meta=b=2", (200, "")),
        ("/v1/events?" + "&".join(f"meta=k{at}=1" for at in range(51)), (400, "invalid")),
        ("/v1/events?" + "&" * 60, (400, "invalid")),
        ("/v1/events%3flimit=1", (404, "not-found")),
        ("/v1/events%23x", (404, "not-found")),
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(ask, target, expected):
    """A parameter that is there twice, too many of them, and a question mark that is part of the path."""
    assert expected == ask(target)


def test_every_byte_of_a_record_of_retention_counts(tmp_path, clock):
    """Wherever the line that says what was dropped is changed, verification says so, and does not stop at it."""
    ledger = Ledger.open(tmp_path / "audit", now=clock)
    for month in (1, 2, 6):
        clock.at = datetime(2026, month, 10, tzinfo=UTC)
        ledger.append({"action": "user.role.updated", "actor_id": "u1"})
        ledger.checkpoint()
    retain(ledger.log, ledger.disk, timedelta(days=30), "30d", clock())
    ledger.close()
    assert ledger.verify().ok
    segment = ledger.path / "journal" / "2026-06.jsonl"
    whole = segment.read_bytes()
    begin = whole.index(b'"months"')
    for at in range(begin, whole.index(b'"prev"', begin)):
        segment.write_bytes(bytes([*whole[:at], whole[at] ^ 1, *whole[at + 1 :]]))
        assert not ledger.verify().ok
        with pytest.raises(Soc2evError):
            list(ledger.query())
