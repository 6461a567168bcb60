"""The source `files`: at collection the check runs, and its result is the evidence; the lines never are."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest

from soc2ev.vault import Vault

from .samples import app, line

SECRET = "hunter2-Zx9"


@pytest.fixture
def team(tmp_path):
    """A folder with a configuration that names two sources, and their logs."""
    (tmp_path / "soc2ev.yaml").write_text(
        "version: 1\norganisation: Example Co\nregisters: null\nsources:\n  files:\n"
        "    - {path: 'logs/api-*.jsonl', format: jsonl, source: api}\n"
        "    - {path: logs/worker.jsonl.gz, format: jsonl, source: worker}\n"
    )
    (tmp_path / "logs").mkdir()
    rows = [
        app("auth.login.success", at * 60.0, request_id=f"r{at}", ingested_at=app("x", at * 60.0 + 3)["timestamp"])
        for at in range(600)
    ]
    rows[40]["password"] = SECRET
    for part in range(2):
        text = b"".join(line(one) + b"\n" for one in rows[part * 300 : part * 300 + 300])
        (tmp_path / "logs" / f"api-{part}.jsonl").write_bytes(text + b"odd\n" * part)
    (tmp_path / "logs" / "worker.jsonl.gz").write_bytes(gzip.compress(line(app("webhook.delivery.failed"))))
    return tmp_path


def collect(soc2ev, team):
    done = soc2ev("collect", "--period", "2026-10", "--format", "json", cwd=team)
    claims = {one["stream"]: one for one in json.loads(done.out)["coverage"]}
    return done, claims


def query(soc2ev, team, sql: str):
    done = soc2ev("query", sql, "--period", "2026-10", "--format", "json", cwd=team)
    assert 0 == done.code, done.err
    answer = json.loads(done.out)
    return answer["rows"] if isinstance(answer, dict) else answer


def test_what_the_files_hold_becomes_tables(soc2ev, team):
    """Contents by file, events by source, leaks by place; complete coverage for each source."""
    done, claims = collect(soc2ev, team)
    assert 0 == done.code
    assert {"files:api:content": (2, True), "files:worker:content": (1, True)} == {
        name: (one["fetched"], one["complete"]) for name, one in claims.items()
    }
    rows = query(
        soc2ev,
        team,
        "select file, sha256, lines, unparsed, whole, correlation_field, skew_p50 from log_contents order by source, file",
    )
    first = team / "logs" / "api-0.jsonl"
    assert ("api-0.jsonl", hashlib.sha256(first.read_bytes()).hexdigest(), 300, 0, True, "request_id") == tuple(
        rows[0][name] for name in ("file", "sha256", "lines", "unparsed", "whole", "correlation_field")
    )
    assert rows[0]["skew_p50"] == pytest.approx(3.0, rel=0.02)
    assert ["api-1.jsonl", 301, 1] == [rows[1][name] for name in ("file", "lines", "unparsed")]
    seen = query(soc2ev, team, "select source, event, count from log_content_events where count > 0 order by all")
    assert [("api", "auth.success", 600), ("worker", "webhook.failure", 1)] == [
        (r["source"], r["event"], r["count"]) for r in seen
    ]
    zero = query(soc2ev, team, "select count(*) as n from log_content_events where source = 'api' and count = 0")
    assert 21 == zero[0]["n"]
    leaks = query(soc2ev, team, "select source, file, line, kind, field from log_leaks")
    assert [("api", "api-0.jsonl", 41, "password", "$.password")] == [
        tuple(leak[k] for k in ("source", "file", "line", "kind", "field")) for leak in leaks
    ]


def test_no_line_and_no_secret_is_in_the_vault(soc2ev, team):
    """Neither the value nor any field of a record is stored; the fingerprint's key lies outside."""
    collect(soc2ev, team)
    vault = Vault.open(team / "evidence")
    bodies = [vault.read(item.digest) for item in vault.items()]
    assert 2 == len(bodies)
    for body in bodies:
        assert SECRET.encode() not in body
        assert b"r17" not in body
    assert vault.verify().ok
    assert (team / "evidence.fingerprint-key").is_file()
    assert not list((team / "evidence").rglob("*fingerprint*"))


def test_gaps_and_spikes_come_with_their_times(soc2ev, team):
    """Hours without events and times of errors are rows."""
    rows = [
        app("http.request", at * 10.0, status=500 if 36_000 <= at * 10 < 36_600 else 200)
        for at in range(2 * 8640)
        if not 12 <= at // 360 % 48 < 15 or at >= 8640
    ]
    (team / "logs" / "worker.jsonl.gz").write_bytes(gzip.compress(b"\n".join(line(one) for one in rows)))
    collect(soc2ev, team)
    gaps = query(soc2ev, team, "select source, from_at, to_at from log_gaps")
    spikes = query(soc2ev, team, "select source, from_at, to_at, share from log_error_spikes")
    assert [("worker", "2026-10-05T11:59:50", "2026-10-05T15:00:00")] == [
        (g["source"], g["from_at"][:19], g["to_at"][:19]) for g in gaps
    ]
    assert [("worker", "2026-10-05T10:00:00", "2026-10-05T10:10:00", 1.0)] == [
        (s["source"], s["from_at"][:19], s["to_at"][:19], s["share"]) for s in spikes
    ]


def test_files_that_are_missing_or_cut_make_the_coverage_incomplete(soc2ev, team):
    """Exit 5; the other source goes on; a file that was not read to its end says so in its row."""
    whole = gzip.compress(b"\n".join(line(app("x", at)) for at in range(4000)))
    (team / "logs" / "worker.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    for file in (team / "logs").glob("api-*"):
        file.unlink()
    done, claims = collect(soc2ev, team)
    assert 5 == done.code
    assert {"files:api:content": False, "files:worker:content": False} == {
        name: one["complete"] for name, one in claims.items()
    }
    assert "there is no" in claims["files:api:content"]["reason"]
    assert "ends too early" in claims["files:worker:content"]["reason"]
    rows = query(soc2ev, team, "select file, whole from log_contents")
    assert [("worker.jsonl.gz", False)] == [(row["file"], row["whole"]) for row in rows]


def test_without_files_nothing_is_claimed(soc2ev, team):
    """No entry, no stream, no key."""
    (team / "soc2ev.yaml").write_text("version: 1\norganisation: Example Co\nregisters: null\n")
    _, claims = collect(soc2ev, team)
    assert {} == claims
    assert not (team / "evidence.fingerprint-key").exists()


def test_a_leak_of_an_earlier_month_stays_a_leak_of_the_quarter(soc2ev, team):
    """The next month's clean sample in the same file takes nothing back; a month without a sample is missed."""
    assert 0 == soc2ev("collect", "--period", "2026-09", cwd=team).code
    for file in (team / "logs").glob("api-*"):
        file.write_bytes(line(app("auth.login", 5)) + b"\n")
    collect(soc2ev, team)
    sql, quarter = "select file, kind from log_leaks", ("--period", "2026-09-01..2026-10-31", "--format", "json")
    assert [{"file": "api-0.jsonl", "kind": "password"}] == json.loads(soc2ev("query", sql, *quarter, cwd=team).out)
    assert [] == query(soc2ev, team, sql)
    told = "select source, clean from log_samples order by source"
    assert [False, True] == [row["clean"] for row in json.loads(soc2ev("query", told, *quarter, cwd=team).out)]
    done = soc2ev("query", "select complete from collections where source = 'files' order by 1", "--period", "2026-Q3", "--format", "json", cwd=team)  # fmt: skip
    assert False in [row["complete"] for row in json.loads(done.out)]
