"""`soc2ev ledger` through the front door."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from ledger_checks import check_proof, event, leaf, stored_lines

from soc2ev.ledger import Ledger

BASE = ("--log", "audit")
APPEND = ("ledger", "append", *BASE, "--action", "user.role.updated", "--actor-id")


def test_append_prints_number_and_leaf(soc2ev, tmp_path):
    """One JSON line with the number and the leaf of the stored line; a checkpoint covers it."""
    done = soc2ev(*APPEND, "u1", "--target", "user:u2:x", "--meta", "role=admin", "--meta", "a=b=c", cwd=tmp_path)
    assert (0, 1) == (done.code, len(done.out.splitlines()))
    (raw,) = stored_lines(tmp_path / "audit")
    assert {"seq": 0, "leaf": leaf(raw).hex()} == json.loads(done.out)
    stored = json.loads(raw)
    assert ("user", "u2:x", {"role": "admin", "a": "b=c"}) == (
        stored["target_type"], stored["target_id"], stored["metadata"],
    )  # fmt: skip
    done = soc2ev("ledger", "verify", *BASE, "--format", "json", cwd=tmp_path)
    found = json.loads(done.out)
    assert (0, True, 1, 1) == (done.code, found["ok"], found["lines"], found["covered"])


def test_an_id_is_accepted_once(soc2ev, tmp_path):
    """The same again: the same answer. Something else: exit 2 and nothing appended."""
    first = soc2ev(*APPEND, "u1", "--id", "k", cwd=tmp_path)
    again = soc2ev(*APPEND, "u1", "--id", "k", cwd=tmp_path)
    other = soc2ev(*APPEND, "u2", "--id", "k", cwd=tmp_path)
    assert (0, first.out, 2, "") == (again.code, again.out, other.code, other.out)
    assert 1 == len(stored_lines(tmp_path / "audit"))


def test_an_odd_action_is_stored_and_doubted(soc2ev, tmp_path):
    """The convention is advice."""
    done = soc2ev("ledger", "append", *BASE, "--action", "Login", "--actor-id", "u", cwd=tmp_path)
    assert (0, True) == (done.code, "warning: the action 'Login'" in done.err)


@pytest.mark.parametrize(
    "words",
    [
        ("--actor-id", "u"),
        ("--action", "a.b.c"),
        ("--action", "a.b.c", "--actor-id", "u", "--target", "u2"),
        ("--action", "a.b.c", "--actor-id", "u", "--meta", "x"),
        ("--action", "a.b.c", "--actor-id", "u", "--meta", "x=1", "--meta", "x=2"),
        ("--action", "a.b.c", "--actor-id", "u", "--timestamp", "yesterday"),
    ],
)
def test_wrong_options_end_with_2(soc2ev, tmp_path, words):
    """Nothing is made."""
    done = soc2ev("ledger", "append", *BASE, *words, cwd=tmp_path)
    assert (2, "") == (done.code, done.out)
    assert not (tmp_path / "audit").exists() or [] == stored_lines(tmp_path / "audit")


def shell(tmp_path: Path, *words: str, given: str = "", **environment: str) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "soc2ev", *words],
        cwd=tmp_path, input=given, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_events_come_on_standard_input(tmp_path):
    """A receipt for each line; a bad one ends it with its number, after those before it."""
    given = "".join(json.dumps(event(n)) + "\n" for n in range(3)) + "\nnope\n" + json.dumps(event(9)) + "\n"
    done = shell(tmp_path, "ledger", "append", *BASE, given=given)
    assert (2, [0, 1, 2]) == (done.returncode, [json.loads(line)["seq"] for line in done.stdout.splitlines()])
    assert "standard input:5:" in done.stderr
    assert 3 == len(stored_lines(tmp_path / "audit"))


def test_signing_query_export_prove(soc2ev, tmp_path, keys, monkeypatch):
    """The whole road: signed appends, a verified log, rows in every format, a sidecar, and a proof that holds."""
    monkeypatch.setenv("SOC2EV_SIGNING_KEY", keys[0])
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(event(n, actor_id="=cmd()" if n == 2 else f"u{n}")) + "\n" for n in range(5)))
    assert 0 == soc2ev("ledger", "import", "in.jsonl", *BASE, cwd=tmp_path).code
    found = soc2ev("ledger", "import", *BASE, "in.jsonl", "--format", "json", cwd=tmp_path)
    assert (0, 5) == (json.loads(found.out)["appended"], json.loads(found.out)["known"])
    (tmp_path / "key.vkey").write_text(keys[1] + "\n")
    note = next((tmp_path / "audit" / "checkpoints").iterdir())
    verified = soc2ev("ledger", "verify", *BASE, "--key", "key.vkey", "--checkpoint", str(note), cwd=tmp_path)
    assert (0, True) == (verified.code, "grade: G3" in verified.out)

    window = ("--since", "2026-10-02", "--until", "2026-10-05", "--action", "user.*")
    rows = json.loads(soc2ev("ledger", "query", *BASE, *window, "--format", "json", cwd=tmp_path).out)
    assert ([1, 2, 3], 3) == ([row["seq"] for row in rows["events"]], rows["count"])
    lines = soc2ev("ledger", "query", *BASE, *window, "--format", "jsonl", cwd=tmp_path).out.splitlines()
    assert rows["events"] == [json.loads(line) for line in lines]
    assert 3 == len(soc2ev("ledger", "query", *BASE, *window, cwd=tmp_path).out.splitlines())
    done = soc2ev("ledger", "export", *BASE, *window, "--format", "csv", cwd=tmp_path)
    table = list(csv.DictReader(io.StringIO(done.out.lstrip("\ufeff"))))
    assert (["1", "2", "3"], "'=cmd()") == ([row["seq"] for row in table], table[1]["actor_id"])
    assert 3 == json.loads(done.err.splitlines()[0])["count"]
    done = soc2ev("ledger", "export", *BASE, *window, "--format", "jsonl", "--output", "out.jsonl", cwd=tmp_path)
    beside = json.loads((tmp_path / "out.jsonl.meta.json").read_text())
    assert (3, 5, "user.*") == (beside["count"], beside["checkpoint"]["size"], beside["filter"]["action"])
    assert lines == (tmp_path / "out.jsonl").read_text().splitlines()

    done = soc2ev("ledger", "prove", *BASE, "3", cwd=tmp_path)
    assert (0, "3.tlog-proof\n") == (done.code, done.out)
    origin = Ledger.open(tmp_path / "audit").origin
    proof = (tmp_path / "3.tlog-proof").read_text()
    assert check_proof(proof, stored_lines(tmp_path / "audit")[3], origin, keys[1])
    assert 2 == soc2ev("ledger", "prove", *BASE, "5", cwd=tmp_path).code


def test_a_changed_line_ends_verify_with_6(soc2ev, tmp_path):
    """And query and export as well: what they found is nothing to rely on, and no file is left."""
    for number in range(3):
        soc2ev(*APPEND, f"u{number}", cwd=tmp_path)
    (segment,) = (tmp_path / "audit" / "journal").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b'"u1"', b'"u9"'))
    done = soc2ev("ledger", "verify", *BASE, cwd=tmp_path)
    assert (6, True) == (done.code, "DOES NOT VERIFY" in done.out)
    assert 6 == soc2ev("ledger", "query", *BASE, cwd=tmp_path).code
    assert 6 == soc2ev("ledger", "export", *BASE, "--output", "out.json", cwd=tmp_path).code
    assert ["audit"] == sorted(path.name for path in tmp_path.iterdir())
    assert 6 == soc2ev(*APPEND, "u1", cwd=tmp_path).code


def test_bad_lines_of_an_import_are_named(soc2ev, tmp_path):
    """Exit 2 and nothing imported; with --skip-bad the good ones, and exit 5."""
    (tmp_path / "in.jsonl").write_text(json.dumps(event(1)) + "\nnope\n")
    done = soc2ev("ledger", "import", "in.jsonl", *BASE, cwd=tmp_path)
    assert (2, True) == (done.code, "in.jsonl:2: not an event" in done.err)
    assert not (tmp_path / "audit").exists() or [] == stored_lines(tmp_path / "audit")
    done = soc2ev("ledger", "import", "in.jsonl", *BASE, "--skip-bad", cwd=tmp_path)
    assert (5, 1) == (done.code, len(stored_lines(tmp_path / "audit")))
    assert 2 == soc2ev("ledger", "import", "none.jsonl", *BASE, cwd=tmp_path).code


def test_where_no_ledger_is_nothing_is_made(soc2ev, tmp_path):
    """Reading commands end with 1 and leave no folder behind."""
    for words in (("query",), ("export",), ("verify",), ("prove", "0"), ("hold", "list"), ("retain", "--keep", "30d")):
        done = soc2ev("ledger", *words, *BASE, cwd=tmp_path)
        assert (1, True) == (done.code, "no ledger in" in done.err), words
    assert [] == list(tmp_path.iterdir())


def test_holds_and_retention(soc2ev, tmp_path):
    """A hold is added, listed and removed; the retention of a young log drops nothing."""
    soc2ev(*APPEND, "u1", cwd=tmp_path)
    assert 0 == soc2ev("ledger", "hold", "add", "case", *BASE, "--month", "2026-01", "--reason", "r", cwd=tmp_path).code
    listed = json.loads(soc2ev("ledger", "hold", "list", *BASE, "--format", "json", cwd=tmp_path).out)
    assert [("case", "2026-01")] == [(one["name"], one["month"]) for one in listed["holds"]]
    assert 0 == soc2ev("ledger", "hold", "remove", "case", *BASE, cwd=tmp_path).code
    done = soc2ev("ledger", "retain", *BASE, "--keep", "30d", "--format", "json", cwd=tmp_path)
    assert {"dropped": [], "held": {}, "dry_run": False} == json.loads(done.out)
    assert 2 == soc2ev("ledger", "retain", *BASE, "--keep", "soon", cwd=tmp_path).code
    assert 0 == soc2ev("ledger", "verify", *BASE, cwd=tmp_path).code


def test_a_server_from_the_command_line(soc2ev, tmp_path, keys):
    """Keys, a served event, an end by signal with exit 0, and a signed log; secrets are nowhere."""
    key = soc2ev("ledger", "keys", "new", *BASE, "--role", "admin", "--environment", "prod", cwd=tmp_path).out.strip()
    command = [sys.executable, "-m", "soc2ev", "ledger", "serve", *BASE, "--port", "0"]
    environment = {**os.environ, "SOC2EV_SIGNING_KEY": keys[0]}
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment) as server:
        said = server.stderr.readline()
        address = said.split()[-1]
        headers = {"Authorization": f"Bearer {key}"}
        body = json.dumps(event(1)).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{address}/v1/events", body, headers), timeout=10
        ) as answer:
            assert 0 == json.loads(answer.read())["seq"]
        # Another process appends while the server runs.
        assert 0 == soc2ev(*APPEND, "u2", cwd=tmp_path).code
        server.send_signal(signal.SIGTERM)
        said += server.stderr.read()
        assert 0 == server.wait(20)
    done = soc2ev("ledger", "verify", *BASE, "--key", keys[1], cwd=tmp_path)
    assert (0, True) == (done.code, "2 lines, 2 of them" in done.out)
    everything = said.encode() + b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    secret = keys[0].split("+", 4)[4]  # base64, which may hold a plus itself
    assert [False, False, False] == [one.encode() in everything for one in (key, key.split("_", 2)[2], secret)]
    identity = key.split("_")[1]
    assert 0 == soc2ev("ledger", "keys", "revoke", identity, *BASE, cwd=tmp_path).code
    listed = json.loads(soc2ev("ledger", "keys", "list", *BASE, "--format", "json", cwd=tmp_path).out)["keys"]
    assert [(identity, "admin", "prod", True)] == [
        (one["id"], one["role"], one["environment"], one["revoked_at"] is not None) for one in listed
    ]


def test_a_wrong_signing_key_is_not_repeated(soc2ev, tmp_path, keys, monkeypatch):
    """The message says that it is no key, and nothing of it."""
    monkeypatch.setenv("SOC2EV_SIGNING_KEY", keys[0][:-4] + "AAAA")
    done = soc2ev(*APPEND, "u1", cwd=tmp_path)
    assert 2 == done.code
    assert keys[0].split("+", 4)[4][:20] not in done.out + done.err
