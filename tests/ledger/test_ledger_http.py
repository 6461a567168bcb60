"""The server on a real loopback socket: routes, keys, limits, many clients, and an end in good order."""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledger_checks import check_proof, event, leaf, stored_lines

from soc2ev.errors import ConfigError
from soc2ev.ledger import Ledger, access
from soc2ev.ledger.events import Event
from soc2ev.ledger.serve import Running
from soc2ev.ledger.web import Limits


class Client:
    """One server and its keys."""

    def __init__(self, ledger: Ledger, **more) -> None:
        self.ledger = ledger
        _ = ledger.log
        now = ledger._now
        self.keys = {role: access.new(ledger.disk, role, "prod", now()) for role in access.ROLES}
        self.said: list[str] = []
        self.running = Running(ledger, "127.0.0.1", 0, say=self.said.append, **more)
        self.thread = threading.Thread(target=self.running.run)
        self.thread.start()

    def ask(self, method, target, role="admin", body=None, headers=None, key=None):
        """Status and decoded body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=10)
        secret = key if key is not None else self.keys[role][0]
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            connection.request(method, target, data, {"Authorization": f"Bearer {secret}", **(headers or {})})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        kind = response.getheader("Content-Type")
        return response.status, json.loads(text) if kind == "application/json" else text.decode()

    def raw(self, data: bytes, seconds: float = 5.0) -> bytes:
        """What comes back for these bytes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.running.port), timeout=seconds) as connection:
            connection.sendall(data)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def stop(self) -> None:
        self.running.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def client(ledger: Ledger) -> Iterator[Client]:
    made = Client(ledger, limits=Limits(seconds=1.0, body=20_000, head=4_000, connections=12))
    yield made
    made.stop()


def test_an_event_goes_in_and_its_proof_comes_out(client):
    """POST gives number and leaf; GET gives the event, a checkpoint that covers it, and a proof that holds."""
    status, receipt = client.ask("POST", "/v1/events", "append", event(1))
    assert (201, 0) == (status, receipt["seq"])
    raw = stored_lines(client.ledger.path)[0]
    assert leaf(raw).hex() == receipt["leaf"]
    assert {"environment": "prod", "key": client.keys["append"][1].id} == json.loads(raw)["source"]
    status, found = client.ask("GET", "/v1/events?actor=u1&action=user.*", "read")
    assert (200, [0], False) == (status, [row["seq"] for row in found["events"]], found["more"])
    status, checkpoint = client.ask("GET", "/v1/checkpoint", "read")
    assert (200, [client.ledger.origin, "1"]) == (status, checkpoint.split("\n")[:2])
    status, proof = client.ask("GET", "/v1/proofs/0", "read")
    assert 200 == status
    assert check_proof(proof, raw, client.ledger.origin)
    assert 404 == client.ask("GET", "/v1/proofs/1", "read")[0]


def test_a_list_goes_in_whole(client):
    """A list is answered with a list; one bad event among them and nothing is appended."""
    status, receipts = client.ask("POST", "/v1/events", "append", [event(1), event(2)])
    assert (201, [0, 1]) == (status, [one["seq"] for one in receipts])
    assert 400 == client.ask("POST", "/v1/events", "append", [event(3), {"action": "x"}])[0]
    assert 400 == client.ask("POST", "/v1/events", "append", [])[0]
    assert 2 == len(stored_lines(client.ledger.path))


def test_a_repeated_id_is_answered_as_before_and_a_conflict_with_409(client):
    """Retries are safe; another content under the same id is an error."""
    first = client.ask("POST", "/v1/events", "append", event(1, id="k"))
    again = client.ask("POST", "/v1/events", "append", event(1, id="k"))
    assert (201, 200, first[1]) == (first[0], again[0], again[1])
    status, said = client.ask("POST", "/v1/events", "append", event(2, id="k"))
    assert (409, "conflict") == (status, said["error"]["code"])
    assert 1 == len(stored_lines(client.ledger.path))


def test_parameters_are_the_flags(client):
    """since, until, actor, action, target, meta, limit, after, format; anything else is an error."""
    client.ask("POST", "/v1/events", body=[event(n) for n in range(6)])

    def seqs(query):
        return [row["seq"] for row in client.ask("GET", f"/v1/events?{query}")[1]["events"]]

    assert [2, 3] == seqs("since=2026-10-03&until=2026-10-05")
    assert [4] == seqs("actor=u4@example.com") == seqs("target=user:t4") == seqs("meta=n=4&meta=role=admin")
    assert [1, 2] == seqs("limit=2&after=0")
    text = client.ask("GET", "/v1/events?format=jsonl&limit=3")[1]
    assert [0, 1, 2] == [json.loads(line)["seq"] for line in text.splitlines()]
    for wrong in ("sinse=2026", "limit=0", "limit=x", "since=soon", "format=xml", "meta=x", "after=-1"):
        assert 400 == client.ask("GET", f"/v1/events?{wrong}")[0], wrong


def test_roles_are_kept_apart(client):
    """An append key reads nothing, a read key appends nothing, no key learns nothing."""
    assert 403 == client.ask("GET", "/v1/events", "append")[0]
    assert 403 == client.ask("GET", "/v1/checkpoint", "append")[0]
    assert 403 == client.ask("GET", "/v1/proofs/0", "append")[0]
    assert 403 == client.ask("POST", "/v1/events", "read", event(1))[0]
    good, made = client.keys["admin"]
    wrong = ["", "x", good[:-1], good + "x", good.swapcase(), made.sha256, f"soc2ev_{made.id}_{'A' * 43}", "\u00e9" * 9]
    for key in wrong:
        for target in ("/v1/events", "/nothing"):
            status, said = client.ask("GET", target, key=key.encode("utf-8").decode("latin-1"))
            assert (401, "unauthorized") == (status, said["error"]["code"]), key
    assert 404 == client.ask("GET", "/nothing")[0]
    assert 405 == client.ask("DELETE", "/v1/events")[0]
    assert [] == stored_lines(client.ledger.path)


def test_a_revoked_key_ends(client):
    """Within a second or so of its end, a running server refuses it."""
    assert 200 == client.ask("GET", "/v1/events", "read")[0]
    access.revoke(client.ledger.disk, client.keys["read"][1].id, client.ledger._now())
    time.sleep(1.1)
    assert 401 == client.ask("GET", "/v1/events", "read")[0]
    assert 200 == client.ask("GET", "/v1/events", "admin")[0]


HEAD = b"POST /v1/events HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"Content-Length: 20001\r\n\r\n", 413),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4e21\r\n" + b"x" * 20001 + b"\r\n0\r\n\r\n", 413),
        (HEAD + b"X-A: " + b"a" * 5000 + b"\r\n\r\n", 431),
        (b"GET " + b"/" * 5000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/9\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (HEAD + b"Bad Header\r\n\r\n", 400),
        (HEAD + b" folded: x\r\nConnection: close\r\n\r\n", 401),
    ],
)
def test_requests_beyond_the_limits_are_refused(client, data, status):
    """Each with its status, as JSON, and the connection ends."""
    answer = client.raw(data)
    assert str(status).encode() == answer.split(b" ")[1]
    assert "error" in json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"\xff", b"[" * 9000, b'{"action":"a","action":"b","actor_id":"u"}', b"3"]
)
def test_bodies_that_are_no_events_are_refused(client, body):
    """400, and the server goes on."""
    assert 400 == client.ask("POST", "/v1/events", body=body)[0]
    assert 201 == client.ask("POST", "/v1/events", body=event(1))[0]


def test_slow_clients_do_not_keep_a_connection(client):
    """Who sends a byte now and then is cut off when the time for a request is over."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", client.running.port), timeout=5) as connection:
        try:
            for letter in b"GET /v1/events HTTP/1.1\r\nX-Long: abcdefghijklmnopqrstuvwxyz":
                connection.sendall(bytes([letter]))
                time.sleep(0.1)
        except OSError:
            pass
    assert time.monotonic() - started < 4


def test_connections_are_counted(client):
    """Beyond the limit a client waits; when others leave there is room again."""
    held = [socket.create_connection(("127.0.0.1", client.running.port)) for _ in range(12)]
    time.sleep(0.3)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.ask, "GET", "/v1/events")
        time.sleep(0.3)
        assert not answer.done()
        for one in held:
            one.close()
        assert 200 == answer.result(timeout=5)[0]


def test_a_connection_may_be_used_again(client):
    """HTTP/1.1 keep-alive: two requests over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", client.running.port, timeout=5)
    headers = {"Authorization": f"Bearer {client.keys['admin'][0]}"}
    for number in range(2):
        connection.request("POST", "/v1/events", json.dumps(event(number)), headers)
        assert number == json.loads(connection.getresponse().read())["seq"]
    connection.close()


def test_rates_are_for_each_key(ledger):
    """Who asks too often is told to wait; another key is not."""
    client = Client(ledger, per_second=0.5)
    try:
        statuses = [client.ask("GET", "/v1/checkpoint", "read")[0] for _ in range(7)]
        assert [200] * 5 + [429] * 2 == statuses
        assert 200 == client.ask("GET", "/v1/checkpoint", "admin")[0]
    finally:
        client.stop()


def test_many_clients_share_a_wait_for_the_disk(ledger, monkeypatch):
    """Eight clients, two hundred events: every one is acknowledged once, with fewer waits than events."""
    client = Client(ledger)
    waits, real = [], os.fsync

    def slow(handle):
        waits.append(handle)
        time.sleep(0.01)
        real(handle)

    monkeypatch.setattr(os, "fsync", slow)
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: client.ask("POST", "/v1/events", "append", event(n)), range(200)))
    finally:
        client.stop()
    assert {201} == {status for status, _ in answers}
    assert list(range(200)) == sorted(said["seq"] for _, said in answers)
    assert len(waits) < 120
    found = ledger.verify()
    assert (True, 200, 200) == (found.ok, found.lines, found.covered)


def test_what_was_acknowledged_before_the_end_is_there(ledger):
    """Stopped while clients post: each acknowledged event is in the log, under a checkpoint."""
    client = Client(ledger)
    acknowledged: list[int] = []

    def post(number):
        try:
            status, said = client.ask("POST", "/v1/events", "append", event(number))
        except OSError:
            return
        if status == 201:
            acknowledged.append(said["seq"])

    with ThreadPoolExecutor(8) as pool:
        for number in range(300):
            pool.submit(post, number)
        time.sleep(0.2)
        client.stop()
    found = ledger.verify()
    assert (True, found.lines) == (found.ok, found.covered)
    assert acknowledged
    assert set(acknowledged) <= set(range(found.lines))


def test_a_disk_that_fails_is_told_as_unavailable(ledger, monkeypatch):
    """503, nothing acknowledged."""
    client = Client(ledger)

    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    try:
        status, said = client.ask("POST", "/v1/events", "append", event(1))
    finally:
        monkeypatch.undo()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ledger, "checkpoint", lambda: None)
            client.stop()
    assert (503, "unavailable") == (status, said["error"]["code"])


def test_keys_are_kept_as_hashes_only(ledger, clock):
    """What lies on the disk holds no key; lists and reprs neither."""
    _ = ledger.log
    text, made = access.new(ledger.disk, "append", "prod", clock())
    assert 43 == len(text.split("_", 2)[2])
    stored = (ledger.path / access.NAME).read_bytes()
    assert (False, 0o600) == (text.encode() in stored, (ledger.path / access.NAME).stat().st_mode & 0o777)
    assert text not in repr(made)
    assert made == access.find(access.known(ledger.disk), text)


def test_keys_that_cannot_be_are_refused(ledger, clock):
    """Unknown roles, environments that are no names, ids that are not there."""
    _ = ledger.log
    for role, environment in (("root", "prod"), ("append", ""), ("append", "a b"), ("append", "x" * 64)):
        with pytest.raises(ConfigError):
            access.new(ledger.disk, role, environment, clock())
    with pytest.raises(ConfigError, match="no key"):
        access.revoke(ledger.disk, "nothing", clock())


@pytest.mark.parametrize("damage", ["{}", '{"keys": [{}]}', "x", '{"keys": 3}'])
def test_a_damaged_list_of_keys_lets_nobody_in(client, damage):
    """Nobody is served on a guess."""
    (client.ledger.path / access.NAME).write_text(damage)
    client.running._service._keys = (-1.0, [])
    assert 503 == client.ask("GET", "/v1/events")[0]


def test_a_key_of_another_environment_gets_nothing(client):
    """Neither events nor proofs, nor a word that tells whether there is one; what came without a key is everybody's."""
    ledger = client.ledger
    other = {role: access.new(ledger.disk, role, "staging", ledger._now())[0] for role in access.ROLES}
    time.sleep(1.1)
    client.ask("POST", "/v1/events", "append", event(1))
    client.ask("POST", "/v1/events", key=other["append"], body=event(2))
    ledger.append(Event.read(event(3)))
    seen = {
        name: [one["seq"] for one in client.ask("GET", "/v1/events", key=key)[1]["events"]]
        for name, key in {"prod": client.keys["read"][0], "staging": other["read"], "admin": other["admin"]}.items()
    }
    assert {"prod": [0, 2], "staging": [1, 2], "admin": [1, 2]} == seen
    asked = {seq: client.ask("GET", f"/v1/proofs/{seq}", key=other["read"]) for seq in (0, 1, 2, 9)}
    assert {0: 404, 1: 200, 2: 200, 9: 404} == {seq: status for seq, (status, _) in asked.items()}
    hidden, missing = (json.dumps(asked[seq][1]).replace(str(seq), "N") for seq in (0, 9))
    assert missing == hidden


def test_ids_are_those_of_an_environment(client):
    """The same id from elsewhere is another event, whatever it says, also after the index was read anew."""
    other = access.new(client.ledger.disk, "append", "staging", client.ledger._now())[0]
    time.sleep(1.1)
    named, changed = {**event(1), "id": "one"}, {**event(2), "id": "one"}
    assert (201, 0) == _outcome(client.ask("POST", "/v1/events", "append", named))
    assert (201, 1) == _outcome(client.ask("POST", "/v1/events", key=other, body=changed))
    client.ledger.log.close()
    assert (200, 0) == _outcome(client.ask("POST", "/v1/events", "append", named))
    assert (200, 1) == _outcome(client.ask("POST", "/v1/events", key=other, body=changed))
    assert 409 == client.ask("POST", "/v1/events", key=other, body=named)[0]


def _outcome(answer):
    return answer[0], answer[1]["seq"]
