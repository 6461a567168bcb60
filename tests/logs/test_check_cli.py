"""`soc2ev logs check` and `logs verify`, as a user runs them."""

from __future__ import annotations

import gzip
import json
import os
import stat

import pytest

from .samples import COMBINED, OTLP, app, cloudtrail, line, okta

SECRET = "hunter2-Zx9"
CARD = "4539 1488 0343 6467"


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """A folder of logs, and a home of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def write(folder, name: str, records) -> None:
    rows = [one if isinstance(one, bytes) else line(one) for one in records]
    data = b"\n".join(rows) + b"\n"
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def checked(soc2ev, folder, *words: str):
    done = soc2ev("logs", "check", *words, "--format", "json", cwd=folder)
    return json.loads(done.out), done


def test_the_answer_has_the_shape_that_others_rely_on(soc2ev, logs):
    """Every key of soc2ev.logcheck/1 is there with its type, and what was planted is counted."""
    events = ["auth.login.success"] * 3 + [
        "auth.login.failed",
        "authz.denied",
        "api_key.created",
        "data.export",
        "webhook.delivery.failed",
    ]
    records = [
        app(event, at * 10.0, request_id=f"r{at}", ingested_at=app("x", at * 10.0 + 2)["timestamp"])
        for at, event in enumerate(events)
    ]
    records[2]["body"] = {"card": CARD}
    write(logs, "api.jsonl", [*records, b"not a record", b""])
    found, done = checked(soc2ev, logs, "api.jsonl")
    assert 0 == done.code
    assert ("soc2ev.logcheck/1", 10, 1) == (found["schema"], found["lines"], found["unparsed"])
    assert ("2026-10-05T00:00:00Z", "2026-10-05T00:01:10Z") == (found["first"], found["last"])
    assert {
        "auth.success": 3,
        "auth.failure": 1,
        "authz.failure": 1,
        "token.created": 1,
        "token.revoked": 0,
        "admin.action": 0,
        "sensitive.read": 1,
        "rate_limit": 0,
        "webhook.failure": 1,
    } == found["events"]
    (leak,) = found["leaks"]
    fingerprint = leak.pop("fingerprint")
    assert {"file": "api.jsonl", "line": 3, "kind": "card_number", "field": "$.body.card"} == leak
    assert fingerprint.startswith("hmac:")
    assert {"field": "request_id", "share": 1.0} == {name: found["correlation"][name] for name in ("field", "share")}
    assert ([], [], 0) == (found["gaps"], found["error_spikes"], found["skew"]["future"])
    assert found["skew"]["p50_s"] == pytest.approx(2.0, rel=0.02)
    assert found["complete"] is True


def test_the_secret_is_in_no_output_and_its_fingerprint_stays(soc2ev, logs):
    """Two runs give the same fingerprint; another key gives another; no output has the value."""
    write(logs, "a.jsonl", [app("x", password=SECRET), app("y", password=SECRET)])
    first, done = checked(soc2ev, logs, "a.jsonl")
    again, _ = checked(soc2ev, logs, "a.jsonl")
    table = soc2ev("logs", "check", "a.jsonl", cwd=logs)
    assert SECRET not in done.out + done.err + table.out + table.err
    assert 1 == len({one["fingerprint"] for one in [*first["leaks"], *again["leaks"]]})
    key = logs.parent / "other.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    other, _ = checked(soc2ev, logs, "a.jsonl", "--key-file", str(key))
    assert other["leaks"][0]["fingerprint"] != first["leaks"][0]["fingerprint"]


def test_the_key_lies_beside_the_vault_where_only_its_owner_reads_it(soc2ev, logs):
    """With a configuration each vault has its own; it never lies within the evidence."""
    (logs / "soc2ev.yaml").write_text("version: 1\norganisation: Example Co\nregisters: null\n")
    write(logs, "a.jsonl", [app("x")])
    done = soc2ev("logs", "check", "a.jsonl", cwd=logs)
    key = logs / "evidence.fingerprint-key"
    assert str(key) in done.err
    assert 0o600 == stat.S_IMODE(key.stat().st_mode)
    assert not (logs / "evidence").exists()
    key.chmod(0o644)
    refused = soc2ev("logs", "check", "a.jsonl", cwd=logs)
    assert (2, True) == (refused.code, "others may read" in refused.err)


def test_masked_values_are_counted_and_are_no_leaks(soc2ev, logs):
    """A mask under a sensitive name shows that masking works."""
    write(logs, "a.jsonl", [app("x", at, password="[FILTERED]") for at in range(3)])
    found, _ = checked(soc2ev, logs, "a.jsonl")
    assert ([], 3, {"password": 3}) == (found["leaks"], found["masking"]["masked"], found["masking"]["by_field"])


def test_fail_on_leaks_ends_with_3(soc2ev, logs):
    """Only when there are leaks, and only when asked."""
    write(logs, "clean.jsonl", [app("x")])
    write(logs, "leaky.jsonl", [app("x", password=SECRET)])
    assert 0 == soc2ev("logs", "check", "leaky.jsonl", cwd=logs).code
    assert 3 == soc2ev("logs", "check", "leaky.jsonl", "--fail-on", "leaks", cwd=logs).code
    assert 0 == soc2ev("logs", "check", "clean.jsonl", "--fail-on", "leaks", cwd=logs).code
    assert 2 == soc2ev("logs", "check", "clean.jsonl", "--fail-on", "gaps", cwd=logs).code


def test_a_cloudtrail_file_is_read_record_by_record_and_its_name_tells_the_delivery(soc2ev, logs):
    """Records count as lines, leaks have their path, skew is told by the minute of delivery."""
    records = [cloudtrail("CreateUser"), cloudtrail("ConsoleLogin", additional={"password": SECRET})]
    name = "123456789012_CloudTrail_us-east-1_20261005T1004Z_mtW80WZjXJ8Pd6iX.json.gz"
    (logs / name).write_bytes(gzip.compress(line({"Records": records})))
    found, done = checked(soc2ev, logs, name)
    assert (0, 2, 0, {"cloudtrail": 2}) == (done.code, found["lines"], found["unparsed"], found["formats"])
    assert ["$.Records[1].additional.password"] == [one["field"] for one in found["leaks"]]
    assert ("requestID", 1.0) == (found["correlation"]["field"], found["correlation"]["share"])
    assert found["skew"]["p50_s"] == pytest.approx(299, rel=0.02)
    assert 1 == found["lifecycle"]["user.created"]


def test_exports_that_are_one_document_are_read_too(soc2ev, logs):
    """An array over many lines, as Okta's API gives it, and a pretty-printed OTLP document."""
    (logs / "okta.json").write_text(
        json.dumps([okta("user.session.start"), okta("user.session.start", "FAILURE")], indent=2)
    )
    (logs / "otlp.json").write_text(json.dumps(OTLP, indent=2))
    found, _ = checked(soc2ev, logs, ".")
    assert {"okta": 2, "otlp": 2} == found["formats"]
    assert (1, 1, 1) == tuple(found["events"][kind] for kind in ("auth.success", "auth.failure", "rate_limit"))
    assert 0 == found["unparsed"]


def test_a_file_that_is_cut_makes_the_answer_incomplete(soc2ev, logs):
    """What was read is shown, exit 1 says that it is not all."""
    whole = gzip.compress(b"\n".join(line(app("x", at)) for at in range(5000)))
    (logs / "cut.gz").write_bytes(whole[: len(whole) // 2])
    found, done = checked(soc2ev, logs, "cut.gz")
    assert (1, False) == (done.code, found["complete"])
    assert 0 < found["lines"] < 5000
    assert "ends too early" in found["problems"][0]["reason"]
    assert "cut.gz" in done.err


def test_what_is_not_there_is_refused(soc2ev, logs):
    """A path that names nothing, and a folder without files, never look like clean logs."""
    assert 2 == soc2ev("logs", "check", "nothing.jsonl", cwd=logs).code
    assert 2 == soc2ev("logs", "check", ".", cwd=logs).code


def test_lines_that_nobody_understands_are_said(soc2ev, logs):
    """Counted as unparsed; that nothing was seen says nothing then."""
    write(logs, "odd.txt", [b"hello", b"world"])
    found, done = checked(soc2ev, logs, "odd.txt")
    assert (0, 2, 2, None) == (done.code, found["lines"], found["unparsed"], found["first"])
    assert any("no line was understood" in note for note in found["notes"])


def test_a_line_over_a_mebibyte_is_one_line(soc2ev, logs):
    """It is counted once, as not understood, and the lines around it are read."""
    write(logs, "long.jsonl", [app("user.login"), b'{"a": "' + b"x" * (3 << 20) + b'"}', app("user.login", 1.0)])
    found, _ = checked(soc2ev, logs, "long.jsonl")
    assert (3, 1, 2) == (found["lines"], found["unparsed"], found["events"]["auth.success"])


def test_another_streams_events_hide_no_gap(soc2ev, logs):
    """Rotated files are one stream; a stream that stops is told though another goes on."""
    for hour in range(48):
        if not 20 <= hour < 24:
            write(
                logs,
                f"api-2026-10-{5 + hour // 24:02}-{hour % 24:02}.jsonl",
                [app("x", hour * 3600 + at * 30) for at in range(120)],
            )
    write(logs, "worker.jsonl", [app("y", at * 60.0) for at in range(48 * 60)])
    found, _ = checked(soc2ev, logs, ".")
    (gap,) = found["gaps"]
    assert ("2026-10-05T19:59:30Z", "2026-10-06T00:00:00Z") == (gap["from"], gap["to"])


def test_the_screen_says_not_observed_and_never_not_logged(soc2ev, logs):
    """A compact table: events, measures, leaks with their places."""
    write(
        logs, "a.log", [COMBINED.encode(), COMBINED.replace(" 200 ", " 429 ").encode(), line(app("x", password=SECRET))]
    )
    done = soc2ev("logs", "check", "a.log", "--source", "edge", cwd=logs)
    assert 0 == done.code
    for words in (
        "edge: 3 lines",
        "token.revoked",
        "not observed",
        "rate_limit",
        "password",
        "hmac:",
        "correlation id",
    ):
        assert words in done.out
    assert "not logged" not in done.out


def test_names_of_files_cannot_repaint_the_screen(soc2ev, logs):
    """Escape sequences in names and fields are shown as such."""
    write(logs, "a\x1b[31m.jsonl", [{**app("x"), "pass\x1b[2Jword": SECRET, "password": SECRET}])
    done = soc2ev("logs", "check", ".", cwd=logs)
    assert "\x1b" not in done.out + done.err


def test_a_teams_events_count(soc2ev, logs):
    """Packs in .soc2ev/events of the working folder are used; one that is wrong stops with exit 2."""
    folder = logs / ".soc2ev" / "events"
    folder.mkdir(parents=True)
    pack = folder / "own.yaml"
    pack.write_text("pack: own\nrules:\n  - {event: admin.action, when: {'@action': 'root.*'}}\n")
    write(logs, "a.jsonl", [app("root.shell")])
    found, _ = checked(soc2ev, logs, "a.jsonl")
    assert 1 == found["events"]["admin.action"]
    pack.write_text("pack: own\nrules:\n  - {event: admin, when: {a: b}}\n")
    assert 2 == soc2ev("logs", "check", "a.jsonl", cwd=logs).code


def test_a_pipe_in_the_folder_does_not_hang_the_check(soc2ev, logs):
    """It is told as not read."""
    write(logs, "a.jsonl", [app("x")])
    os.mkfifo(logs / "pipe")
    found, done = checked(soc2ev, logs, ".")
    assert (1, 1) == (done.code, found["lines"])


HOSTILE = [
    b'{"timestamp": %s, "event": "x", "status": %s}' % (b"9" * 400, b"9" * 400),
    b'{"timestamp": "9999-12-31T23:59:59-12:00", "ingested_at": "0001-01-01T00:00:00+12:00"}',
    b'{"timestamp": -1e308, "duration": 1e999, "event": {"a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}',
    b'{"timestamp": {"a": 1}, "event": ["x"], "status": {"code": []}, "outcome": true, "request_id": [1, 2]}',
    b'{"resourceLogs": [1, {"resource": null, "scopeLogs": [1, {"logRecords": [null, {"attributes": [{"key": 1}]}]}]}]}',
    b'{"resourceLogs": [{"resource": 7, "scopeLogs": 7}, {"scopeLogs": [{"logRecords": [{"body": {"kvlistValue": 7}}]}]}]}',
    b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"arrayValue": {"values": 7}}, "timeUnixNano": []}]}]}]}',
    b'{"Records": [{"Records": [{"Records": [{"Records": []}]}]}], "log": 1, "stream": 2}',
    b'{"log": "{}", "stream": "stdout", "time": null}',
    b"<999>1 - - - - - -",
    b"<34>Feb 30 25:61:61 host app: x",
    b"=" * 5000 + b" a=b c=d e=f",
    rb'{"a\u0000b": "\ud800", "password": "\u0000"}',
]


def test_hostile_records_are_survived_and_counted(soc2ev, logs):
    """Numbers without end, years out of range, wrong types and nesting end no check."""
    write(logs, "odd.jsonl", [app("user.login"), *HOSTILE, app("user.login", 1.0)])
    found, done = checked(soc2ev, logs, "odd.jsonl")
    assert (0, len(HOSTILE) + 2, 2) == (done.code, found["lines"], found["events"]["auth.success"])
    assert 0 == soc2ev("logs", "check", "odd.jsonl", cwd=logs).code
