"""Retention and holds, alerts and webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from ledger_checks import Clock, check_proof, event, leaf, stored_lines

from soc2ev.errors import ConfigError, TamperedError
from soc2ev.ledger import Filter, Ledger
from soc2ev.ledger.hooks import SIGNATURE, TIMESTAMP, Hooks
from soc2ev.ledger.retention import hold, holds, release, retain
from soc2ev.ledger.settings import load

KEEP = timedelta(days=30)


@pytest.fixture
def months(tmp_path, signer):
    """Three events in each of January to April 2026, and the ledger still open in April."""
    clock = Clock()
    ledger = Ledger.open(tmp_path / "audit", signer=signer, now=clock)
    for month in range(1, 5):
        clock.at = datetime(2026, month, 10, tzinfo=UTC)
        ledger.append_all(
            [event(month * 10 + n, timestamp=f"2026-0{month}-10T00:00:00Z", id=f"{month}-{n}") for n in range(3)]
        )
        ledger.checkpoint()
    return ledger, clock


def test_old_months_are_dropped_and_everything_else_holds(months, keys):
    """Bodies go, leaves stay: verify, older proofs, proofs of dropped and later events, ids, queries that say so."""
    ledger, clock = months
    lines, before = stored_lines(ledger.path), ledger.prove(1).text()
    found = retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    assert ["2026-01", "2026-02"] == [one.month for one in found.dropped]
    verdict = ledger.verify()
    assert (True, 6, 13) == (verdict.ok, verdict.dropped, verdict.lines)
    assert "dropped by retention" in " ".join(verdict.notes)
    for seq in (0, 5, 6, 11):
        assert check_proof(ledger.prove(seq).text(), lines[seq], ledger.origin, keys[1])
    assert check_proof(before, lines[1], ledger.origin, keys[1])
    reading = ledger.reading(Filter())
    assert [*range(6, 12)] == [row["seq"] for row in reading.rows()]
    assert [(0, 6)] == reading.dropped
    assert b"u11@" not in b"".join(file.read_bytes() for file in (ledger.path / "journal").iterdir())
    assert 0 == ledger.append(event(10, timestamp="2026-01-10T00:00:00Z", id="1-0")).seq


@pytest.mark.parametrize("lost", ["index.sqlite", "nothing"])
def test_a_dropped_log_goes_on(months, lost):
    """A new process appends behind a drop, also without the index; dropping again drops no more."""
    ledger, clock = months
    retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    ledger.close()
    (ledger.path / lost).unlink(missing_ok=True)
    with Ledger.open(ledger.path, now=clock) as again:
        assert 13 == again.append(event(1)).seq
        assert () == retain(again.log, again.disk, KEEP, "30d", clock()).dropped
    assert again.verify().ok


def test_a_drop_that_was_not_recorded_is_found(months):
    """Somebody removes a month by hand, or the tree with it: verification and reading fail."""
    ledger, _ = months
    ledger.log.flush()
    ledger.close()
    (ledger.path / "journal" / "2026-02.jsonl").unlink()
    found = ledger.verify()
    assert "lines 3 to 5 are missing, and no retention was recorded" in " ".join(found.problems)
    with pytest.raises(TamperedError, match="no retention was recorded"):
        list(ledger.query())
    (ledger.path / "tree").unlink()
    assert not ledger.verify().ok
    with pytest.raises(TamperedError):
        list(ledger.query())


def test_a_change_of_what_was_kept_is_found(months):
    """Kept lines of a dropped month, and the leaves of its events, cannot be changed."""
    ledger, clock = months
    clock.at = datetime(2026, 4, 11, tzinfo=UTC)
    retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    clock.at = datetime(2026, 7, 1, tzinfo=UTC)
    ledger.append(event(1))
    retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    ledger.close()
    assert ledger.verify().ok
    kept = ledger.path / "journal" / "2026-04.kept.jsonl"
    whole = kept.read_bytes()
    assert b'"type":"retention"' in whole
    for damaged in (whole.replace(b'"keep":"30d"', b'"keep":"31d"'), b""):
        kept.write_bytes(damaged)
        assert not ledger.verify().ok
    kept.write_bytes(whole)
    tree = ledger.path / "tree"
    hashes = bytearray(tree.read_bytes())
    hashes[40] ^= 1
    tree.write_bytes(bytes(hashes))
    assert not ledger.verify().ok


def test_an_interrupted_drop_is_finished(months, monkeypatch):
    """Killed between the record and the removal: nothing is wrong, and the next call removes without a new record."""
    from soc2ev.ledger import retention

    ledger, clock = months
    monkeypatch.setattr(retention, "_drop", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    monkeypatch.undo()
    assert ledger.verify().ok
    assert 2 == len(retain(ledger.log, ledger.disk, KEEP, "30d", clock()).dropped)
    assert (True, 13) == (ledger.verify().ok, ledger.verify().lines)


def test_holds_keep_months(months):
    """A hold on a month, or a filter that fits an event in it, keeps it; released, it goes. All is in the log."""
    ledger, clock = months
    hold(ledger.log, "case-1", month="2026-01", reason="case")
    hold(ledger.log, "case-2", wanted=Filter(actor="u21"), reason="case")
    found = retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    assert ((), {"2026-01": "case-1", "2026-02": "case-2"}) == (found.dropped, dict(found.held))
    assert ["case-1", "case-2"] == [one.name for one in holds(ledger.log)]
    with pytest.raises(ConfigError, match="already"):
        hold(ledger.log, "case-1", month="2026-03")
    release(ledger.log, "case-1")
    found = retain(ledger.log, ledger.disk, KEEP, "30d", clock(), dry=True)
    assert ["2026-01"] == [one.month for one in found.dropped]
    found = retain(ledger.log, ledger.disk, KEEP, "30d", clock())
    assert (["2026-01"], {"2026-02": "case-2"}) == ([one.month for one in found.dropped], dict(found.held))
    with pytest.raises(ConfigError, match="no hold"):
        release(ledger.log, "case-1")
    assert ledger.verify().ok


def test_a_hold_is_about_something(ledger):
    """Neither month nor filter, both, or a month that is none: refused."""
    for more in ({}, {"month": "2026-01", "wanted": Filter(actor="u")}, {"month": "2026-13"}):
        with pytest.raises(ConfigError):
            hold(ledger.log, "case", **more)


def configure(ledger: Ledger, text: str) -> None:
    ledger.path.mkdir(exist_ok=True)
    (ledger.path / "ledger.yaml").write_text(text)


def test_a_burst_raises_an_alert_in_the_log(tmp_path, clock):
    """Three events of one actor in five minutes: one alert, by whom and from where to where; others do not count."""
    ledger = Ledger.open(tmp_path / "audit", now=clock)
    configure(ledger, "alerts:\n- {name: burst, action: '*.login.failed', by: actor_id, count: 3, within: 5m}\n")
    for minute, actor in ((0, "a"), (1, "b"), (2, "a"), (9, "a"), (10, "a"), (11, "a"), (12, "a")):
        ledger.append(event(1, action="auth.login.failed", actor_id=actor, timestamp=f"2026-10-31T10:{minute:02}:00Z"))
    ledger.checkpoint()
    (alert,) = ledger.query(Filter(action="ledger.alert.raised"))
    assert ("burst", 6, 3, "a") == (
        alert["target_id"], alert["seq"], alert["metadata"]["count"], alert["metadata"]["value"],
    )  # fmt: skip
    assert (3, 5) == (alert["metadata"]["first_seq"], alert["metadata"]["last_seq"])


def test_an_alert_is_seen_where_what_raised_it_is_seen(tmp_path, clock):
    """It names who did it: keys of other environments do not read that; no key made it."""
    ledger = Ledger.open(tmp_path / "audit", now=clock)
    configure(ledger, "alerts:\n- {name: burst, action: '*.login.failed', count: 2, within: 5m}\n")
    events = [event(1, action="auth.login.failed", actor_id="kim", timestamp="2026-10-31T10:00:00Z") for _ in range(2)]
    ledger.append_all(events, source={"environment": "prod", "key": "k1"})
    wanted = {name: Filter(action="ledger.alert.raised", environment=name) for name in ("prod", "staging")}
    assert {"prod": 1, "staging": 0} == {name: len(list(ledger.query(one))) for name, one in wanted.items()}
    (alert,) = ledger.query(wanted["prod"])
    assert {"environment": "prod"} == alert["source"]


def test_windows_outlive_the_process(tmp_path, clock):
    """Single appends from a shell add up as well."""
    configure(
        Ledger.open(tmp_path / "audit"),
        "alerts:\n- {name: grants, action: '*.granted', count: 2, within: 1h, by: all}\n",
    )
    for number in range(4):
        with Ledger.open(tmp_path / "audit", now=clock) as ledger:
            ledger.append({"action": "user.role.granted", "actor_id": f"u{number}"})
    assert [2, 5] == [row["seq"] for row in ledger.query(Filter(action="ledger.alert.*"))]


def test_shipped_alerts_apply_when_none_are_named(tmp_path, clock):
    """A ledger.yaml without alerts has the shipped ones; none without the file, none with an empty list."""
    raised = []
    for number, text in enumerate((None, "version: 1\n", "alerts: []\n")):
        ledger = Ledger.open(tmp_path / str(number), now=clock)
        if text:
            configure(ledger, text)
        ledger.append({"action": "user.role.granted", "actor_id": "u"})
        ledger.append_all([{"action": "auth.login.failed", "actor_id": "u"} for _ in range(10)])
        ledger.append_all([{"action": "report.data.exported", "actor_id": "u"} for _ in range(20)])
        ledger.checkpoint()
        raised.append([row["target_id"] for row in ledger.query(Filter(action="ledger.alert.raised"))])
    assert [[], ["privilege-grant", "failed-login-burst", "bulk-export"], []] == raised


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("webhooks: [{url: 'http://example.com/x', secret: {env: A}}]\n", "not https"),
        ("webhooks: [{url: 'https://example.com/x', secret: hunter2}]\n", "secret"),
        ("alerts: [{name: a, action: x, count: 0}]\n", "count"),
        ("alerts: [{name: a, action: x, within: soon}]\n", "no time such as"),
        ("alert: []\n", "unknown key"),
        ("alerts: [{name: a, action: x}, {name: a, action: y}]\n", "one name"),
    ],
)
def test_wrong_settings_are_refused_with_their_place(tmp_path, text, says):
    """Errors name file, line and column."""
    ledger = Ledger.open(tmp_path / "audit")
    configure(ledger, text)
    with pytest.raises(ConfigError, match=rf"ledger.yaml:1:\d+: .*{says}"):
        load(ledger.disk)


class Receiver:
    """What a webhook's receiver sees, and how it answers."""

    def __init__(self):
        self.got, self.status = [], 200

    def __call__(self, url, body, headers):
        if self.status == 200:
            self.got.append((url, body, headers))
        return self.status

    def seqs(self):
        return [json.loads(body)["event"]["seq"] for _, body, _ in self.got]


def hooks_of(ledger, receiver, clock):
    return Hooks(ledger, load(ledger.disk).webhooks, environment={"HOOK": "s3cret"}, send=receiver, now=clock)


def test_webhooks_are_told_in_order_signed_and_without_metadata(tmp_path, clock):
    """Only what fits, each with a signature over time and body that the receiver can compute; no metadata, no e-mail."""
    ledger, receiver = Ledger.open(tmp_path / "audit", now=clock), Receiver()
    configure(
        ledger,
        "webhooks: [{url: 'https://example.com/x', secret: {env: HOOK}, on: {action: 'user.role.*'}}]\nalerts: []\n",
    )
    ledger.append(event(0))
    hooks = hooks_of(ledger, receiver, clock)
    ledger.append_all([event(1), event(2, action="other.thing.done"), event(3)])
    assert 2 == hooks.deliver(0.0)
    assert 0 == hooks.deliver(0.0)
    assert [1, 3] == receiver.seqs()
    _, body, headers = receiver.got[0]
    expected = hmac.new(b"s3cret", headers[TIMESTAMP].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert f"sha256={expected}" == headers[SIGNATURE]
    assert leaf(stored_lines(ledger.path)[1]).hex() == json.loads(body)["event"]["leaf"]
    assert (False, False) == (b"metadata" in body, b"@example.com" in body)


def test_a_failing_webhook_is_told_later_and_loses_nothing(tmp_path, clock):
    """It waits twice as long each time, a restart goes on where it stopped, and the order is kept."""
    ledger, receiver = Ledger.open(tmp_path / "audit", now=clock), Receiver()
    configure(ledger, "webhooks: [{url: 'https://example.com/x', secret: {env: HOOK}}]\nalerts: []\n")
    hooks = hooks_of(ledger, receiver, clock)
    ledger.append_all([event(1), event(2)])
    receiver.status = 500
    assert (0, 0) == (hooks.deliver(0.0), hooks.deliver(0.5))
    assert (0, 1) == (hooks.deliver(1.0), hooks.waiting)
    receiver.status = 200
    assert 0 == hooks.deliver(2.9)
    again = hooks_of(ledger, receiver, clock)
    assert 2 == again.deliver(0.0)
    assert [0, 1] == receiver.seqs()


def test_a_missing_secret_is_told_by_its_name(tmp_path, clock):
    """The variable's name, before anything is sent."""
    ledger = Ledger.open(tmp_path / "audit", now=clock)
    configure(ledger, "webhooks: [{url: 'https://example.com/x', secret: {env: HOOK}}]\n")
    with pytest.raises(ConfigError, match="HOOK is not set"):
        Hooks(ledger, load(ledger.disk).webhooks, environment={}, send=Receiver(), now=clock)


def test_notify_over_http(soc2ev, tmp_path, monkeypatch, httpserver):
    """The command tells what was not told, once; a receiver that fails or redirects is exit 5, and nothing is lost."""
    monkeypatch.setenv("HOOK", "s3cret")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    ledger = Ledger.open(tmp_path / "audit")
    configure(ledger, f"webhooks: [{{url: '{httpserver.url_for('/hook')}', secret: {{env: HOOK}}}}]\nalerts: []\n")
    words = ("ledger", "notify", "--log", "audit")
    assert 0 == soc2ev(*words, cwd=tmp_path).code
    with ledger:
        ledger.append_all([event(1), event(2)])
    httpserver.expect_ordered_request("/hook").respond_with_data("", status=302, headers={"Location": "/other"})
    done = soc2ev(*words, cwd=tmp_path)
    assert (5, True) == (done.code, "did not take an event" in done.err)
    httpserver.clear()
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    assert [0, 0] == [soc2ev(*words, cwd=tmp_path).code for _ in range(2)]
    assert [0, 1] == [request.get_json()["event"]["seq"] for request, _ in httpserver.log]
    assert b"s3cret" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
