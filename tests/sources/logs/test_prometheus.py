"""A real Prometheus and a real Alertmanager: retention, rules, and whom each alert reaches."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soc2ev.period import Period
from soc2ev.sources.logs.routes import routed
from soc2ev.sources.logs.silences import UNREAD
from tests.sources.logs.conftest import answers, binary, free_port, running

ROUTES = """
route:
  receiver: nobody
  routes:
    - matchers: ['severity="critical"']
      receiver: pager
      continue: true
    - matchers: ['severity=~"critical|warning"', 'service!="test"']
      receiver: mail
    - match: {severity: info}
      receiver: nobody
    - matchers: ['team="db"', 'severity="none"']
      receiver: mail
    - matchers: ['severity="windows"']
      routes:
        - {matchers: ['window="always"'], receiver: pager, mute_time_intervals: [always]}
        - {matchers: ['window="past"'], receiver: pager, active_time_intervals: [past]}
        - {matchers: ['window="every"'], receiver: pager, mute_time_intervals: [past], active_time_intervals: [every]}
        - {matchers: ['window="local"'], receiver: pager, mute_time_intervals: [local]}
time_intervals:
  - {name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
  - {name: past, time_intervals: [{years: ['2020:2021', '2023']}]}
  - name: every
    time_intervals:
      - {weekdays: ['monday:wednesday', saturday], months: ['1:3', 'may:december'], days_of_month: ['1:20', '-12:-1'], location: Europe/Berlin}
      - {weekdays: ['sunday:saturday'], days_of_month: ['-31:-1'], months: ['january:december'], years: ['2020:2099']}
  - {name: local, time_intervals: [{times: [{start_time: '08:00', end_time: '17:00'}], location: Local}]}
receivers:
  - name: nobody
  - name: pager
    webhook_configs: [{url: 'http://127.0.0.1:9/S3NTINEL-of-a-hook'}]
  - name: mail
    email_configs: [{to: 'oncall@example.com', from: 'a@example.com', smarthost: 'localhost:25', auth_password: 'S3NTINEL'}]
"""
RULES = """
groups:
  - name: api
    rules:
      - {alert: Down, expr: 'vector(1)', labels: {severity: critical, service: api}, annotations: {runbook_url: 'https://example.com/down'}}
      - {alert: Slow, expr: 'vector(1)', labels: {severity: warning, service: test}}
      - {alert: Chatty, expr: 'vector(0) > 1', labels: {severity: info}}
      - {alert: Full, expr: 'up >= 0', labels: {severity: warning}}
      - {alert: Odd, expr: 'up >= 0', labels: {severity: none}}
      - {record: job:up, expr: 'up'}
  - name: more
    rules:
      - {alert: Down, expr: 'vector(2)', labels: {severity: critical, service: api}}
"""


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    """Alertmanager with a tree of routes, and a silence for the alert Down; its address."""
    folder, port = tmp_path_factory.mktemp("alertmanager"), free_port()
    (folder / "am.yml").write_text(ROUTES)
    url = f"http://127.0.0.1:{port}"
    argv = [binary("prometheus-alertmanager"), f"--config.file={folder}/am.yml", f"--storage.path={folder}/data"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with running(argv, answers(f"{url}/-/ready"), folder / "log"):
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "alertname", "value": "Full", "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=5)).isoformat(),
            "createdBy": "ann",
            "comment": "known",
        }
        asked = urllib.request.Request(
            f"{url}/api/v2/silences", json.dumps(silence).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(asked, timeout=5).close()
        yield url


def _prometheus(folder, alertmanagers):
    port = free_port()
    targets = f"alerting: {{alertmanagers: [{{static_configs: [{{targets: {json.dumps(alertmanagers)}}}]}}]}}"
    own = f"scrape_configs: [{{job_name: self, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]"
    (folder / "rules.yml").write_text(RULES)
    text = f"global: {{evaluation_interval: 1s}}\nrule_files: [{folder}/rules.yml]\n{targets}\n{own}\n"
    (folder / "prometheus.yml").write_text(text)
    argv = [binary("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=400d"]
    return argv, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, alertmanager):
    """Prometheus that sends to that Alertmanager and scrapes itself; its address."""
    folder = tmp_path_factory.mktemp("prometheus")
    argv, url = _prometheus(folder, [alertmanager.removeprefix("http://")])
    with running(argv, answers(f"{url}/-/ready"), folder / "log"):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not _settled(url):
            time.sleep(0.1)
        yield url


def _settled(url):
    ask = lambda path: json.load(urllib.request.urlopen(f"{url}{path}", timeout=5))["data"]  # noqa: E731
    up = ask("/api/v1/query?query=up")["result"]
    return ask("/api/v1/alertmanagers")["activeAlertmanagers"] and up and up[0]["value"][1] == "1"


def test_rules_are_followed_to_receivers_through_continue_and_matchers(team, prometheus, alertmanager):
    """Each rule reaches what the tree of routes says: people, a dead end, or nobody can tell."""
    found = team.collect(
        {"connector": "prometheus", "url": prometheus}, {"connector": "alertmanager", "url": alertmanager}
    )
    rules = found.of("prometheus:prometheus")
    assert [
        ("Down", "pager, mail", "pager, oncall@example.com"),
        ("Slow", "nobody", "none"),
        ("Chatty", "nobody", "none"),
        # A series may carry service="test", which the route to mail leaves out.
        ("Full", "mail, nobody", None),
        ("Odd", "mail, nobody", None),
        ("Down", "pager, mail", "pager, oncall@example.com"),
    ] == [(row["rule"], row["receiver"], row["reaches"]) for row in rules]
    assert "https://example.com/down" == rules[0]["runbook"]
    assert all(row["enabled"] is True for row in rules)
    assert {} == {stream: claim.reason for stream, claim in found.claims.items() if not claim.complete}


def test_a_silence_mutes_the_rule_until_it_ends(team, prometheus, alertmanager):
    """Only the silenced rule is muted."""
    found = team.collect(
        {"connector": "alertmanager", "url": alertmanager}, {"connector": "prometheus", "url": prometheus}
    )
    muted = {
        rule: row["muted_until"] for rule, row in found.rules("prometheus:prometheus").items() if row["muted_until"]
    }
    assert ["Full"] == list(muted)
    assert datetime.now(UTC) < datetime.fromisoformat(muted["Full"])


RECORDED = sorted((Path(__file__).parent / "fixtures" / "prometheus").glob("*.json"))
ASKS = {"flags": "/api/v1/status/flags", "runtime": "/api/v1/status/runtimeinfo", "rules": "/api/v1/rules"}
ASKS |= {"up": "/api/v1/query", "senders": "/api/v1/alertmanagers", "written": "/api/v1/status/config"}
ASKS |= {name: f"/api/v2/{name}" for name in ("status", "receivers", "silences", "alerts")}
ASKED = {"groups": [{"name": "g", "rules": [{"type": "alerting", "name": "Full", "labels": {"severity": "warning"}}]}]}
MAIL = """
route: {receiver: nobody, routes: [{matchers: ['team="db"', 'zone="eu"'], receiver: mail}]}
receivers: [{name: nobody}, {name: mail, email_configs: [{to: a@example.com}]}]
"""
STATIC = "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9093']}]}]}"
DROPS = "alerting: {alert_relabel_configs: [{source_labels: [%s], regex: %s, action: %s}]}"


@pytest.mark.parametrize(
    ("query", "labels", "config", "reaches"),
    [
        ("up == 0", {"team": "db", "zone": "eu"}, "{}", "a@example.com"),
        # A series may bring the label, an aggregation brings only those that it names.
        ("up == 0", {"team": "db"}, "{}", None),
        ("sum(rate(up[5m])) > 3", {"team": "db"}, "{}", "none"),
        ("sum by (job, zone) (rate(up[5m])) > 3", {"team": "db"}, "{}", None),
        ("count(up{zone='a)b'} == 0) by (job) >= 1", {"team": "db"}, "{}", "none"),
        ("sum(up) / on() group_left(zone) up", {"team": "db"}, "{}", None),
        ("vector(1)", {"team": "db"}, "global: {external_labels: {zone: eu}}", "a@example.com"),
        ("up == 0", {"team": "db"}, "global: {external_labels: {zone: eu}}", None),
        ("vector(1)", {"team": "db", "zone": "eu"}, DROPS % ("team", "db", "drop"), "none"),
        ("vector(1)", {"team": "db", "zone": "eu"}, DROPS % ("team", "d.", "keep"), "a@example.com"),
        ("up", {"team": "db", "zone": "eu"}, DROPS % ("job", "x", "drop"), None),
        ("vector(1)", {"team": "db", "zone": "eu"}, "alerting: {alert_relabel_configs: [{regex: zone, action: labeldrop}]}", "none"),
        ("vector(1)", {"team": "db"}, "alerting: {alert_relabel_configs: [{target_label: zone, replacement: eu}]}", "a@example.com"),
        ("vector(1)", {"team": "db"}, "alerting: {alert_relabel_configs: [{source_labels: [job], target_label: zone}]}", None),
    ],
)  # fmt: skip
def test_labels_are_those_with_which_prometheus_sends(query, labels, config, reaches):
    """External labels, relabelling and what the expression leaves of a series decide which route an alert takes."""
    rule = {"type": "alerting", "name": "R", "query": query, "labels": labels}
    peer = {"url": "http://127.0.0.1:9093", "status": {"config": {"original": MAIL}}}
    active = [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]
    (row,) = routed([{"rules": [rule]}], active, [peer], "2026-11-22T00:00:00Z", config)
    assert reaches == row["reaches"]


HOURS = """
route:
  receiver: root
  routes:
    - {matchers: ['severity="warning"'], receiver: first, %s}
    - {matchers: ['severity="warning"'], receiver: second, %s}
%s: [{name: t, time_intervals: [%s]}]
receivers:
  - {name: root, email_configs: [{to: root@example.com}]}
  - {name: first, email_configs: [{to: first@example.com}]}
  - {name: second, email_configs: [{to: second@example.com}]}
"""
MUTED, ACTIVE, ON = "mute_time_intervals: [t]", "active_time_intervals: [t]", "continue: true"
FIRST, BOTH = "first@example.com", "first@example.com, second@example.com"
NEVER, WORK = "years: ['2020:2022']", "times: [{start_time: '09:00', end_time: '17:00'}]"


def muted(now, interval, first=MUTED, second="receiver: second", key="time_intervals", config=HOURS):
    """Whom a warning reaches at an instant, and until when it is muted: by hours of that kind on two routes."""
    text = config % (first, second.replace("receiver: second", ""), key, f"{{{interval}}}")
    peer = {"url": "http://127.0.0.1:9093", "status": {"config": {"original": text.replace(", }", "}")}}}
    active = [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]
    (row,) = routed(ASKED["groups"], active, [peer], now, "{}")
    return row["reaches"], row["muted_until"]


@pytest.mark.parametrize(
    ("now", "interval", "until"),
    [
        # 22 November 2026 is a Sunday.
        ("2026-11-22T09:00:00Z", WORK, "2026-11-22T17:00:00Z"),
        ("2026-11-22T08:59:59Z", WORK, None),
        ("2026-11-22T17:00:00Z", WORK, None),
        ("2026-11-22T16:30:00Z", f"{WORK}, location: Europe/Berlin", None),
        ("2026-11-22T15:30:00Z", f"{WORK}, location: Europe/Berlin", "2026-11-22T16:00:00Z"),
        ("2026-11-22T15:30:00Z", "weekdays: [sunday, 'thursday:friday']", "2026-11-23T00:00:00Z"),
        ("2026-11-19T15:30:00Z", "weekdays: [sunday, 'thursday:friday']", "2026-11-21T00:00:00Z"),
        ("2026-11-22T15:30:00Z", "days_of_month: ['-9:-1']", "2026-12-01T00:00:00Z"),
        ("2026-11-22T15:30:00Z", "days_of_month: ['-8:-1']", None),
        ("2028-02-29T15:30:00Z", "days_of_month: ['-1', '1:5']", "2028-03-06T00:00:00Z"),
        ("2026-11-22T15:30:00Z", "months: ['11:december'], location: America/New_York", "2027-01-01T05:00:00Z"),
        ("2026-11-22T15:30:00Z", "years: ['2025:2026']", "2027-01-01T00:00:00Z"),
        # On the day on which clocks are set back the hour from two to three comes twice; set forth, there is none.
        ("2026-10-25T00:10:00Z", "times: [{start_time: '00:00', end_time: '02:30'}], location: Europe/Berlin", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:10:00Z", "times: [{start_time: '00:00', end_time: '02:30'}], location: Europe/Berlin", "2026-10-25T01:30:00Z"),
        ("2026-03-29T00:10:00Z", "times: [{start_time: '00:00', end_time: '02:30'}], location: Europe/Berlin", "2026-03-29T01:00:00Z"),
    ],
)  # fmt: skip
def test_a_route_is_muted_within_its_times_until_they_end(now, interval, until):
    """Minutes, weekdays, days of the month from both ends, months and years, in the interval's own zone."""
    assert (FIRST, until) == muted(now, interval)
    assert (FIRST, until) == muted(now, interval, key="mute_time_intervals")


@pytest.mark.parametrize(
    ("interval", "first", "second", "told"),
    [
        ("", MUTED, "", ("none", None)),
        ("times: [{start_time: '00:00', end_time: '24:00'}]", MUTED, "", ("none", None)),
        ("years: ['2020:2030']", MUTED, "", ("none", None)),
        (NEVER, ACTIVE, "", ("none", None)),
        (WORK, ACTIVE, "", (FIRST, "2026-11-23T09:00:00Z")),
        ("years: ['2020:2030']", ACTIVE, "", (FIRST, None)),
        # The way goes on to the second route only by `continue`, not by a mute.
        ("", f"{MUTED}, {ON}", "", ("second@example.com", None)),
        ("weekdays: [sunday]", f"{MUTED}, {ON}", "", (BOTH, None)),
        ("weekdays: [sunday]", f"{MUTED}, {ON}", MUTED, (BOTH, "2026-11-23T00:00:00Z")),
        # Children do not inherit it.
        ("", f"{MUTED}, routes: [{{receiver: second}}]", "", ("second@example.com", None)),
        # The zone of Alertmanager's machine is not told.
        (f"{WORK}, location: Local", MUTED, "", (None, None)),
        ("location: Local", MUTED, "", ("none", None)),
    ],
)
def test_a_route_that_is_muted_for_good_reaches_nobody(interval, first, second, told):
    """Always muted or never active is a dead end; one of several that is open still tells somebody."""
    assert told == muted("2026-11-22T18:00:00Z", interval, first, second)


@pytest.mark.parametrize(
    ("active", "config", "reaches"),
    [
        ([], STATIC, "nobody@example.com"),
        ([], "alerting: {alertmanagers: [{dns_sd_configs: [{names: [a]}]}]}", None),
        ([], "{}", "none"),
        ([{"url": "http://other:9093/api/v2/alerts"}, {"url": "http://127.0.0.1:9093/api/v2/alerts"}], STATIC, "nobody@example.com"),
        ([{"url": "http://other:9093/api/v2/alerts"}], STATIC, None),
    ],
)  # fmt: skip
def test_alertmanagers_are_those_in_use_or_else_those_that_are_configured(active, config, reaches):
    """Just started it has found none yet: no dead end. Each gets every alert: one that reaches somebody is enough."""
    mail = "route: {receiver: m}\nreceivers: [{name: m, email_configs: [{to: nobody@example.com}]}]"
    peer = {"url": "http://127.0.0.1:9093", "status": {"config": {"original": mail}}}
    (row,) = routed(ASKED["groups"], active, [peer], "2026-11-22T00:00:00Z", config)
    assert reaches == row["reaches"]


INHIBITS = """
route: {receiver: m, routes: [{matchers: ['quiet="1"'], receiver: nobody}]}
receivers: [{name: nobody}, {name: m, email_configs: [{to: a@example.com}]}]
inhibit_rules:
  - {source_match: {severity: critical}, target_matchers: ['severity="warning"']}
"""


def _alert(name, by=(), to="m", silenced=(), **labels):
    status = {"state": "active", "inhibitedBy": list(by), "silencedBy": list(silenced)}
    receivers = [{"name": to}]
    return {"labels": {"alertname": name, **labels}, "fingerprint": name, "status": status, "receivers": receivers}


HIDDEN = _alert("Full", ["Cause"], severity="warning")


@pytest.mark.parametrize(
    ("alerts", "reaches"),
    [
        ([], "a@example.com"),
        ([_alert("Full", severity="warning")], "a@example.com"),
        # Who gets the cause hears of that; whether of this one as well nobody can tell.
        ([HIDDEN, _alert("Cause")], None),
        ([HIDDEN, _alert("Cause", to="nobody")], "none"),
        ([HIDDEN, _alert("Cause", silenced=["s"])], "none"),
        ([HIDDEN], None),
        # One that is not hidden reaches them, and alerts of others say nothing of this rule.
        ([HIDDEN, _alert("Full", severity="warning", zone="b"), _alert("Cause", to="nobody")], "a@example.com"),
        ([_alert("Full", ["Cause"], severity="info"), _alert("Cause", to="nobody")], "a@example.com"),
        # Refused: an inhibit rule may hide it.
        (None, None),
    ],
)
def test_an_alert_that_others_inhibit_does_not_reach_its_receiver(alerts, reaches):
    """Whom the alerts reach that inhibit it decides: nobody, then this one reaches none; somebody, then nobody knows."""
    peer = {"url": "http://127.0.0.1:9093", "status": {"config": {"original": INHIBITS}}, "alerts": alerts}
    rule = {"type": "alerting", "name": "Full", "query": "vector(1)", "labels": {"severity": "warning"}}
    active = [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]
    (row,) = routed([{"name": "g", "rules": [rule]}], active, [peer], "2026-11-22T00:00:00Z")
    assert ("m", reaches) == (row["receiver"], row["reaches"])


def test_alerts_that_were_refused_matter_only_where_an_inhibit_rule_may_apply():
    """A rule whose labels no inhibit rule names reaches its receiver all the same."""
    peer = {"url": "http://127.0.0.1:9093", "status": {"config": {"original": INHIBITS}}, "alerts": None}
    rule = {"type": "alerting", "name": "Down", "query": "vector(1)", "labels": {"severity": "critical"}}
    active = [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]
    (row,) = routed([{"name": "g", "rules": [rule]}], active, [peer], "2026-11-22T00:00:00Z")
    assert "a@example.com" == row["reaches"]


def test_an_agent_keeps_nothing_of_which_it_could_tell(team, tmp_path):
    """As an agent Prometheus only hands on: neither the default retention nor any other is claimed."""
    argv, url = _prometheus(tmp_path, [])
    own = tmp_path / "prometheus.yml"
    own.write_text("scrape_configs: " + own.read_text().split("scrape_configs: ")[1])
    argv = [one for one in argv if "storage.tsdb" not in one]
    argv += ["--enable-feature=agent", f"--storage.agent.path={tmp_path}/agent"]
    with running(argv, answers(f"{url}/-/ready"), tmp_path / "log"):
        row = team.collect({"connector": "prometheus", "url": url}).sources["prometheus:prometheus"]
    assert (True, None, None, "unknown") == (
        row["enabled"],
        row["retention_days"],
        row["retention_infinite"],
        row["retention_basis"],
    )


def test_the_older_flag_of_retention_counts_where_the_newer_is_not_set(team, tmp_path):
    """--storage.tsdb.retention still held in version 2."""
    argv, url = _prometheus(tmp_path, [])
    argv[-1] = "--storage.tsdb.retention=60d"
    with running(argv, answers(f"{url}/-/ready"), tmp_path / "log"):
        row = team.collect({"connector": "prometheus", "url": url}).sources["prometheus:prometheus"]
    assert (60, False, "configured") == (row["retention_days"], row["retention_infinite"], row["retention_basis"])


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("7d", (7, False, "configured")),
        ("1y", (365, False, "configured")),
        ("15d or 1GiB", (None, False, "unknown")),
        ("1GiB or 80%", (None, False, "unknown")),
        ("", (None, None, "unknown")),
        (None, (None, None, None)),
    ],
)
def test_the_retention_of_the_configuration_goes_before_that_of_the_flags(team, httpserver, kept, told):
    """As the documents of version 3.14 have it: the flag still says 400d, and runtimeinfo what holds."""
    flags = {"storage.tsdb.retention.time": "400d", "storage.tsdb.retention.size": "0B", "storage.tsdb.path": "data/"}
    flags |= {"enable-feature": "", "agent": "false"}
    runtime = {"reloadConfigSuccess": True, **({"storageRetention": kept} if kept is not None else {})}
    data = {"status/flags": flags, "status/runtimeinfo": runtime, "rules": {"groups": []}}
    data |= {"query": {"resultType": "vector", "result": []}, "status/config": {"yaml": "{}"}}
    data |= {"alertmanagers": {"activeAlertmanagers": [], "droppedAlertmanagers": []}}
    for path, value in data.items():
        httpserver.expect_request(f"/api/v1/{path}").respond_with_json({"status": "success", "data": value})
    entry = {"connector": "prometheus", "url": httpserver.url_for("").rstrip("/"), "alerts": True}
    found = team.collect(entry)
    row = found.sources["prometheus:prometheus"]
    assert told == (row["retention_days"], row["retention_infinite"], row["retention_basis"])
    assert [told[0]] == [sink["retention_days"] for sink in found.of("prometheus:prometheus", "collected_log_sinks")]


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, True),
        ({"status": "success", "data": {"resultType": "matrix", "result": None}}, False),
        ({"status": "success", "data": {"resultType": "matrix"}}, False),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, False),
        ({"status": "success", "data": {}}, False),
        ({"data": {"resultType": "matrix", "result": []}}, False),
        ({}, False),
    ],
)
def test_an_answer_without_series_is_no_month_without_alerts(team, httpserver, body, whole):
    """Only a matrix that is empty says that none fired."""
    runtime = {"status": "success", "data": {"storageRetention": "400d"}}
    httpserver.expect_request("/api/v1/status/runtimeinfo").respond_with_json(runtime)
    httpserver.expect_request("/api/v1/query_range").respond_with_json(body)
    entry = {"connector": "prometheus", "url": httpserver.url_for("").rstrip("/"), "alerts": True}
    found = team.collect(entry)
    claim = found.claims["logs:prometheus:prometheus:history:alerts"]
    assert ([], whole) == (found.rows["collected_alert_events"], claim.complete)


def test_the_retention_that_prometheus_runs_with_is_read(team, prometheus, alertmanager):
    """400d of the flags, never infinite; enabled, and a target answers."""
    row = team.collect({"connector": "prometheus", "url": prometheus, "name": "main"}).sources["prometheus:main"]
    assert (400, False, "configured", True, True) == (
        row["retention_days"],
        row["retention_infinite"],
        row["retention_basis"],
        row["enabled"],
        row["delivering"],
    )


def test_without_the_alertmanagers_configuration_nobody_knows_whom_alerts_reach(team, prometheus):
    """An Alertmanager that was not collected leaves `reaches` unknown, never none."""
    rules = team.collect({"connector": "prometheus", "url": prometheus}).of("prometheus:prometheus")
    assert 6 == len(rules)
    assert {None} == {row["reaches"] for row in rules}


def test_alerts_that_are_sent_nowhere_reach_none(team, tmp_path):
    """A Prometheus without Alertmanager raises alerts for nobody."""
    argv, url = _prometheus(tmp_path, [])
    with running(argv, answers(f"{url}/-/ready"), tmp_path / "log"):
        rules = team.collect({"connector": "prometheus", "url": url}).of("prometheus:prometheus")
    assert {"none"} == {row["reaches"] for row in rules}


def test_the_routes_of_alertmanager_show_dead_ends(team, alertmanager):
    """Every route is listed with its receiver; secrets of receivers are nowhere in what was stored."""
    found = team.collect({"connector": "alertmanager", "url": alertmanager, "name": "am"})
    routes = {row["rule"]: (row["receiver"], row["reaches"]) for row in found.of("alertmanager:am")}
    assert ("nobody", "none") == routes["default route"]
    assert ("pager", "pager") == routes["severity='critical'"]
    # Alertmanager gives its configuration back in its own spelling of these intervals.
    assert {"always": "none", "past": "none", "every": "pager", "local": None} == {
        window: routes[f"severity='windows' and window='{window}'"][1]
        for window in ("always", "past", "every", "local")
    }
    assert 10 == found.sources["alertmanager:am"]["rule_count"]
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]


def test_an_unreachable_system_is_unknown_and_never_off(team):
    """Nothing answers: one row with every fact NULL, named as unknown, and an incomplete coverage."""
    found = team.collect({"connector": "prometheus", "url": f"http://127.0.0.1:{free_port()}"})
    row = found.sources["prometheus:prometheus"]
    assert (None, None, None) == (row["enabled"], row["retention_days"], row["retention_infinite"])
    assert (None, None) == (row["integrity"], row["encryption"])
    assert {"enabled", "retention_days", "alert_rules"} <= set(row["unknown"])
    assert "cannot be reached" in row["reasons"]
    assert not found.claim.complete
    assert "missing" != found.claim.scope.get("access")


def test_alerts_that_fired_are_told_and_what_it_may_have_deleted_is_missed(team, prometheus):
    """With alerts: true the firing rules of this month; a period before its retention is incomplete."""
    entry = {"connector": "prometheus", "url": prometheus, "alerts": True}
    deadline = time.monotonic() + 20
    rules = set()
    # The samples of an alert that has just begun to fire come a little later.
    while time.monotonic() < deadline and len(rules) < 4:
        now = datetime.now(UTC)
        period = Period(now - timedelta(hours=2), now + timedelta(seconds=1), "two hours")
        found = team.collect(entry, period=period)
        rules = {row["rule"] for row in found.rows["collected_alert_events"]}
        time.sleep(0.5)
    assert {"Down", "Slow", "Full", "Odd"} == rules
    assert all(row["closed_at"] is None for row in found.rows["collected_alert_events"])
    claim = found.claims["logs:prometheus:prometheus:history:alerts"]
    assert (True, None) == (claim.complete, claim.reason)
    old = Period(now - timedelta(days=420), now - timedelta(days=390), "long ago")
    claim = team.collect(entry, period=old).claims["logs:prometheus:prometheus:history:alerts"]
    assert (False, "the system remembers alerts for 400 days only, and the period began earlier") == (
        claim.complete,
        claim.reason,
    )


@pytest.mark.parametrize(
    ("peers", "doubt"),
    [
        ([{"silences": []}], None),
        ([{"silences": None}], UNREAD),
        ([], UNREAD),
        ([{"silences": [], "status": None}], UNREAD),
    ],
)
def test_without_the_silences_nobody_says_that_a_rule_is_heard(peers, doubt):
    """Of an Alertmanager that was not collected, or let its silences not be read, nothing is known."""
    known = {"url": "http://127.0.0.1:9093", "status": {"config": {"original": MAIL}}}
    active = [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]
    (row,) = routed(ASKED["groups"], active, [{**known, **one} for one in peers], "2026-11-22T00:00:00Z", "{}")
    assert (None, doubt) == (row["muted_until"], row["doubt"])


@pytest.fixture
def recorded(httpserver, team):
    """Prometheus and its Alertmanager as they answered once, with one answer changed."""

    def start(name="", change=None):
        httpserver.clear()
        url = httpserver.url_for("").rstrip("/")
        for path in RECORDED:
            body = json.loads(path.read_text().replace("@BASE", url))
            body = change(body) if path.stem == name else body
            httpserver.expect_request(ASKS[path.stem]).respond_with_json(body)
        return team.collect({"connector": "prometheus", "url": url}, {"connector": "alertmanager", "url": url})

    return start


_GONE = object()


def _every(member, value):
    """A change of that member of every rule or silence; `_GONE` takes it away."""

    def change(body):
        rows = body if isinstance(body, list) else [row for group in body["data"]["groups"] for row in group["rules"]]
        *way, last = member.split(".")
        for row in rows:
            for step in way:
                row = row.get(step) or {}  # noqa: PLW2901  a recording rule has no labels
                row = row[0] if isinstance(row, list) else row  # noqa: PLW2901
            row[last] = value
            if value is _GONE:
                del row[last]
        return body

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rules", _every("labels", None)),
        ("rules", _every("labels.severity", None)),
        ("written", lambda body: {**body, "data": {"yaml": None}}),
        ("silences", _every("status.state", "weird")),
        ("silences", _every("endsAt", None)),
        ("silences", _every("endsAt", "weird")),
        ("silences", _every("matchers", None)),
        ("silences", _every("matchers.isEqual", None)),
    ],
)
def test_what_is_not_as_documented_reaches_nobody_new(recorded, name, change):
    """Whom a rule reaches, and that no silence hides it, is said of whole answers only."""
    rules = recorded().rules("prometheus:prometheus")
    found = recorded(name, change)
    told = found.rules("prometheus:prometheus")
    assert [] == [one for one, row in told.items() if row["reaches"] not in (None, rules[one]["reaches"])]
    unknown = found.sources["prometheus:prometheus"]["unknown"]
    named = {"alert_rules", "alert_rules.reaches", "alert_rules.muted_until"} & set(unknown)
    assert named or any(row["silence_doubt"] for row in told.values())


def test_a_matcher_without_is_equal_is_one_that_equals(recorded):
    """`isEqual` is true by default: only the rule that is named is muted."""
    later = _every("endsAt", "2099-01-01T00:00:00.000Z")
    for change in (_every("matchers.isEqual", _GONE), _every("matchers.isEqual", True)):
        rules = recorded("silences", lambda body, change=change: change(later(body))).rules("prometheus:prometheus")
        assert ["Full"] == [one for one, row in rules.items() if row["muted_until"]]


def test_rules_whose_silences_are_refused_are_named_as_unknown(httpserver, team):
    """Prometheus alone: its rules are there, and whether they are muted is not known."""
    for path in RECORDED:
        body = json.loads(path.read_text().replace("@BASE", "http://127.0.0.1:9093"))
        httpserver.expect_request(ASKS[path.stem]).respond_with_json(body)
    found = team.collect({"connector": "prometheus", "url": httpserver.url_for("").rstrip("/")})
    (source,) = found.sources.values()
    assert {(None, UNREAD)} == {(row["muted_until"], row["silence_doubt"]) for row in found.of(source["key"])}
