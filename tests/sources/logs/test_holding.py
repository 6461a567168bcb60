"""Answers that are none as the system documents them: members that are missing, of another type, or of an unknown word."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from soc2ev.sources.logs import holding, library
from soc2ev.sources.logs.expressions import Expression
from tests.campaign.places import instances
from tests.sources.logs.runs import Collected, Team
from tests.sources.logs.test_shipped_connectors import FIXTURES, NAMES, Vendor, as_told, manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug import Request, Response

_HEAD = """
id: acme
title: Acme
category: application
transport: http
base_url: ${config.url}
config: {url: {}}
requires: [reading]
docs: https://example.com
verified: today
"""
_NO = object()


@pytest.fixture
def told(httpserver, tmp_path):
    """Collect from a vendor of whose JSON each answer is changed."""

    def start(name: str, change: Any) -> Collected:
        vendor = Vendor(name, httpserver.url_for("").rstrip("/"))

        def answer(request: Request) -> Response:
            given = vendor.answer(request)
            try:
                body = json.loads(given.get_data())
            except ValueError:
                return given
            given.set_data(json.dumps(change(request.path, body)))
            return given

        httpserver.clear()
        httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
        team = Team(tmp_path / "team", now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
        return team.collect(vendor.entry)

    return start


def _put(value: Any, path: str, new: Any) -> bool:
    """Change each member there; whether there was one."""
    at = [*instances(value, tuple("*" if step == "[]" else step for step in holding.parts(path)))]
    for *way, last in at:
        inside = value
        for step in way:
            inside = inside[step]
        if new is _NO:
            del inside[last]
        else:
            inside[last] = new
    return bool(at)


@pytest.mark.parametrize(
    ("name", "lie"),
    [(name, lie) for name in NAMES for lie in ("missing", "other", "word")],
)
def test_each_held_member_that_is_not_as_documented_is_noticed(name, lie):
    """In every answer of the fixtures: gone where it must be there, of another type, or a word that nobody knows."""
    struck = 0
    for request in manifest_of(name).requests:
        files = sorted(Vendor(name, "").file_of(request.id))
        for body in (json.loads((FIXTURES / name / file).read_text()) for file in files if file.endswith(".json")):
            assert holding.misfit(body, request.holds) is None
            for path, wanted in request.holds.items():
                broken = copy.deepcopy(body)
                new = {"missing": _NO, "other": {"other": 1}, "word": "weird"}[lie]
                fits = (lie == "missing" and holding.optional(wanted)) or (lie == "other" and "object" in str(wanted))
                fits = fits or (lie == "word" and isinstance(wanted, str)) or path.endswith(("[]", "*"))
                if not fits and _put(broken, path, new):
                    struck += 1
                    assert holding.misfit(broken, request.holds), (request.id, path)
    assert struck or lie == "word"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "loki"])
def test_rows_whose_members_are_gone_are_not_called_off_or_left_out(told, name):
    """Every row of every list is an object of another kind: nothing is said of them, and the claim says why."""

    def foreign(value: Any) -> Any:
        if isinstance(value, list):
            return [{"kind": "notice"} if isinstance(row, dict) else row for row in value]
        return {key: foreign(part) for key, part in value.items()} if isinstance(value, dict) else value

    clean = told(name, lambda _, body: body)
    found = told(name, lambda _, body: foreign(body))
    assert not found.claim.complete
    assert "is not understood" in found.claim.reason
    assert [] == [key for key, row in found.sources.items() if row["enabled"] is False]
    assert [] == [verdict for verdict in _bad(found) if verdict not in _bad(clean)]


@pytest.mark.parametrize(
    ("name", "path", "member", "new", "says"),
    [
        ("okta", "/api/v1/logStreams", "[].status", "weird", "known are ACTIVE, INACTIVE"),
        ("okta", "/api/v1/eventHooks", "[].verificationStatus", _NO, "is missing"),
        ("auth0", "/api/v2/log-streams", "[].status", "weird", "known are active, paused, suspended"),
        ("azure-monitor", "/providers/Microsoft.Insights/diagnosticSettings", "value[].properties.logs[].enabled", "yes", "expected is boolean"),
        ("azure-monitor", "/actionGroups", "value[].properties.emailReceivers[].status", "weird", "known are Enabled, Disabled, NotSpecified"),
        ("entra", "/diagnosticSettings", "value[].properties.logs[].enabled", _NO, "is missing"),
        ("pagerduty", "/services", "services[].last_incident_timestamp", 7, "expected is text"),
        ("github-audit-log", "/audit-log/streams", "[].paused_at", _NO, "is missing"),
        ("grafana", "/alert-rules", "[].isPaused", "yes", "expected is boolean"),
        ("sentry", "/workflows/", "[].actionFilters[].actions[].config", _NO, "is missing"),
        ("sentry", "/workflows/", "[].lastTriggered", 7, "expected is text"),
        ("splunk", "/saved/searches", "entry[].content.is_scheduled", "weird", "known are True, False"),
        ("splunk", "/data/indexes", "entry[].content.maxTime", 7, "expected is text"),
        ("splunk", "/saved/searches", 'entry[].content."action.email.to"', 7, "expected is text"),
        ("stripe-webhooks", "/v1/webhook_endpoints", "data[].status", _NO, "known are enabled, disabled"),
        ("zendesk", "/api/v2/users", "users[].suspended", "yes", "expected is boolean"),
        ("kong", "/plugins", "data[].enabled", "yes", "expected is boolean"),
        ("opensearch", "/api/audit", "config.audit.disabled_rest_categories", _NO, "is missing"),
    ],
)  # fmt: skip
def test_what_is_off_or_missing_by_such_a_member_is_unknown(told, name, path, member, new, says):
    """The whole answer is not understood: the facts of it are unknown, and the reason names the member."""

    def change(asked: str, body: Any) -> Any:
        if asked.endswith(path):
            _put(body, member, new)
        return body

    found = told(name, change)
    assert not found.claim.complete
    assert f"{member} is" in found.claim.reason
    assert says in found.claim.reason
    assert any(row["unknown"] for row in found.sources.values())


@pytest.mark.parametrize(
    ("name", "path", "member", "table", "fact"),
    [
        ("cloudflare", "/rulesets/r1", "result.rules[].action", "collected_rate_limits", "enforced"),
        ("pagerduty", "/services", "services[].status", "collected_alert_rules", "enabled"),
        ("pagerduty", "/services", "services[].escalation_policy.id", "collected_alert_rules", "reaches"),
        ("loki", "/prometheus/api/v1/rules", "data.groups[].rules[].health", "collected_alert_rules", "enabled"),
        ("grafana", "/policies", "receiver", "collected_alert_rules", "reaches"),
        ("google-cloud-monitoring", "/notificationChannels", "notificationChannels[].name", "collected_alert_rules", "reaches"),
        ("datadog", "/archives", "data[].attributes.state", "collected_log_sources", "delivering"),
        ("sentry", "/workflows/", "[].actionFilters[].actions[].status", "collected_alert_rules", "reaches"),
    ],
)  # fmt: skip
def test_a_new_word_leaves_the_fact_of_its_row_unknown(told, name, path, member, table, fact):
    """Rows stay; of a word that nobody knows, and of a name that leads nowhere, nothing follows."""
    clean = told(name, lambda _, body: body)

    def change(asked: str, body: Any) -> Any:
        if asked.endswith(path):
            _put(body, member, "weird")
        return body

    found = told(name, change)
    before, after = [row.get(fact) for row in clean.rows[table]], [row.get(fact) for row in found.rows[table]]
    assert len(before) == len(after)
    assert before != after
    assert [] == [(was, now) for was, now in zip(before, after, strict=True) if now not in (None, was)]
    assert found.claim.complete


@pytest.mark.parametrize(
    ("name", "path", "member", "table", "fact"),
    [
        ("auth0", "/brute-force-protection", "max_attempts", "collected_rate_limits", "burst"),
        ("azure-monitor", "/scheduledQueryRules", "value[].properties.enabled", "collected_alert_rules", "enabled"),
        ("azure-monitor", "/workspaces", "value[].properties.workspaceCapping.dataIngestionStatus", "collected_log_sources", "delivering"),
        ("cloudflare", "/logpush/jobs", "result[].enabled", "collected_log_sources", "enabled"),
        ("cloudflare", "/logpush/jobs", "result[].last_error", "collected_log_sources", "delivering"),
        ("cloudflare", "/rulesets/r1", "result.rules[].enabled", "collected_rate_limits", "enforced"),
        ("cloudflare", "/rulesets/r1", "result.rules[].ratelimit.requests_per_period", "collected_rate_limits", "limit_per_second"),
        ("cloudflare", "/policies", "result[].enabled", "collected_alert_rules", "enabled"),
        ("datadog", "/archives", "data[].attributes.state", "collected_log_sources", "delivering"),
        ("datadog", "/indexes", "indexes[].num_retention_days", "collected_log_sources", "retention_days"),
        ("datadog", "/monitor", "[].message", "collected_alert_rules", "reaches"),
        ("elasticsearch", "/_data_stream", "data_streams[].lifecycle", "collected_log_sources", "retention_infinite"),
        ("entra", "/diagnosticSettings", "value[].properties.logs[].category", "collected_log_sources", "exclusions"),
        ("grafana", "/alert-rules", "[].isPaused", "collected_alert_rules", "enabled"),
        ("loki", "/prometheus/api/v1/rules", "data.groups[].rules[].health", "collected_alert_rules", "enabled"),
        ("opensearch", "/api/audit", "config.audit.exclude_sensitive_headers", "collected_log_sources", "masking"),
        ("pagerduty", "/webhook_subscriptions", "webhook_subscriptions[].active", "collected_log_webhooks", "enabled"),
        ("sentry", "/workflows/", "[].enabled", "collected_alert_rules", "enabled"),
        ("splunk", "/data/indexes", "entry[].content.frozenTimePeriodInSecs", "collected_log_sources", "retention_days"),
        ("splunk", "/authorization/roles", "entry[].content.capabilities", "collected_log_readers", "can_stop"),
    ],
)  # fmt: skip
def test_a_member_that_may_be_absent_costs_the_fact_of_its_row(told, name, path, member, table, fact):
    """Rows stay and nothing else is unknown; what cannot be told without it is neither off nor none."""
    clean, struck = told(name, lambda _, body: body), []

    def change(asked: str, body: Any) -> Any:
        if asked.endswith(path):
            struck.append(_put(body, member, _NO))
        return body

    found = told(name, change)
    before, after = [row.get(fact) for row in clean.rows[table]], [row.get(fact) for row in found.rows[table]]
    assert any(struck)
    assert len(before) == len(after)
    assert before != after
    assert [] == [(was, now) for was, now in zip(before, after, strict=True) if now not in (None, was, [], ())]
    assert found.claim.complete


@pytest.mark.parametrize(
    ("name", "path", "members"),
    [
        ("elasticsearch", "/_data_stream", ["data_streams[].lifecycle.enabled"]),
        ("kong", "/plugins", ["data[].consumer"]),
        ("azure-monitor", "/workspaces", ["value[].properties.workspaceCapping.dailyQuotaGb"]),
    ],
)
def test_what_the_vendors_examples_leave_out_takes_nothing_from_the_rest(told, name, path, members):
    """Every source, whether it is on, and every rule is told as with all members."""
    clean = told(name, lambda _, body: body)
    found = told(name, _changed(path, dict.fromkeys(members, _NO)))
    assert found.claim.complete
    for fact in ("enabled", "delivering", "retention_days", "unknown"):
        before, after = ({key: row.get(fact) for key, row in one.sources.items()} for one in (clean, found))
        assert before == after
    before, after = ([(row["rule"], row["reaches"]) for row in one.rows["collected_alert_rules"]] for one in (clean, found))  # fmt: skip
    assert before == after


def _changed(path: str, members: Mapping[str, Any]) -> Callable[[str, Any], Any]:
    def change(asked: str, body: Any) -> Any:
        for member, new in members.items() if asked.endswith(path) else ():
            _put(body, member, new)
        return body

    return change


def test_the_shortest_answers_of_the_documents_are_understood(told):
    """No template of a policy, no mark of an interruption, administrators with a number and a name, a plugin's defaults."""
    found = told("opensearch", _changed("/policies", {"policies[].policy.ism_template": _NO}))
    assert found.claim.complete
    assert 365 == found.sources["opensearch:policy/logs-365d"]["retention_days"]
    mark = "webhook_subscriptions[].delivery_method.temporarily_disabled"
    found = told("pagerduty", _changed("/webhook_subscriptions", {mark: _NO}))
    assert found.claim.complete
    users = {f"users[].{name}": _NO for name in ("email", "role", "suspended")}
    found = told("zendesk", _changed("/users", users))
    assert found.claim.complete
    assert ["1", "2", "3"] == [row["principal"] for row in found.rows["collected_log_readers"]]
    bare = {f"data[].{name}": _NO for name in ("service", "route", "consumer")}
    found = told("kong", _changed("/plugins", bare))
    assert found.claim.complete
    assert [] == [row for row in found.rows["collected_rate_limits"] if "global" in row["scope"]]


def test_a_plugin_that_logs_for_some_only_leaves_the_others_out(told):
    """For a group of consumers, or under a condition: what it does not log is left out. Metrics and traces are no logs."""
    for member, new in (("consumer_group", {"id": "gold"}), ("condition", "http.method == 'GET'")):

        def change(asked: str, body: Any, member: str = member, new: Any = new) -> Any:
            if asked.endswith("/plugins"):
                body["data"] = [{**row, member: new} for row in body["data"] if row["name"] != "opentelemetry"]
            return body

        found = told("kong", change)
        assert found.claim.complete
        assert ["what no logging plugin is bound to"] == list(found.sources["kong:main"]["exclusions"])

    def without(asked: str, body: Any) -> Any:
        if asked.endswith("/plugins"):
            body["data"] = [row for row in body["data"] if row["id"] in ("p2", "p5", "p6")]
        return body

    assert None is told("kong", without).sources["kong:main"]["enabled"]

    def older(asked: str, body: Any) -> Any:
        if not asked.endswith("/plugins"):
            return body
        rows = without(asked, body)["data"]
        traced = {"config": {"access_logs_endpoint": "https://otel.example.com/v1/logs"}}
        return {**body, "data": [{**row, **traced} if row["id"] == "p6" else row for row in rows]}

    assert told("kong", older).sources["kong:main"]["enabled"] is True


def test_a_way_of_notifying_that_nobody_knows_may_reach_somebody(told):
    """Cloudflare's policy without e-mail, PagerDuty and webhook tells nobody; with another mechanism nobody knows."""
    found = told("cloudflare", _changed("/policies", {"result[].mechanisms": {"email": [], "pigeon": [{"id": "p"}]}}))
    assert {None} == {row["reaches"] for row in found.rows["collected_alert_rules"]}
    found = told("cloudflare", _changed("/policies", {"result[].mechanisms": {"email": [], "webhooks": []}}))
    assert {"none"} == {row["reaches"] for row in found.rows["collected_alert_rules"]}


@pytest.mark.parametrize(
    ("old", "new", "days", "endless", "left_out"),
    [
        ("", "", 400, False, ["older than 1w on arrival", '{namespace="dev"} after 30d']),
        ("retention_period: 400d", "retention_period: 0s", None, True, ["older than 1w on arrival", '{namespace="dev"} after 30d']),
        ("period: 30d", "period: 0s", 400, False, ["older than 1w on arrival"]),
        ("retention_enabled: true", "retention_enabled: false", None, True, ["older than 1w on arrival"]),
        ("retention_deletes_enabled: false", "retention_deletes_enabled: true", None, None, []),
    ],
)  # fmt: skip
def test_what_deletes_logs_of_loki(httpserver, tmp_path, old, new, days, endless, left_out):
    """A stream's own period counts where the others stay for ever; with the old Table Manager nobody knows."""
    vendor = Vendor("loki", httpserver.url_for("").rstrip("/"))

    def answer(request: Request) -> Response:
        given = vendor.answer(request)
        body = given.get_data(as_text=True)
        assert old in body or request.path != "/config"
        given.set_data(body.replace(old, new) if request.path == "/config" else body)
        return given

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    found = Team(tmp_path / "team", now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC)).collect(vendor.entry)
    row = found.sources["loki:main"]
    assert found.claim.complete
    assert (days, endless, left_out) == (
        row["retention_days"],
        row["retention_infinite"],
        list(row["exclusions"] or ()),
    )


def test_somebody_on_call_without_a_name_is_still_somebody(told):
    """The documents let the name be null: the id says whom an incident calls, and not that it calls nobody."""
    clean = told("pagerduty", lambda _, body: body)
    found = told("pagerduty", _changed("/oncalls", {"oncalls[].user.summary": None}))
    reached = [[row["reaches"] == "none" for row in one.rows["collected_alert_rules"]] for one in (clean, found)]
    assert reached[0] == reached[1]
    assert found.claim.complete


@pytest.mark.parametrize(
    ("status", "delivering"),
    [
        ("ForceOn", True),
        ("ApproachingQuota", True),
        ("ForceOff", False),
        ("SubscriptionSuspended", False),
        ("New", None),
    ],
)
def test_a_workspace_that_takes_nothing_in_any_more_says_so(told, status, delivering):
    """Whether logs still come is told for each documented word, with why not; of a new word nothing follows."""
    member = "value[].properties.workspaceCapping.dataIngestionStatus"
    found = told("azure-monitor", _changed("/workspaces", {member: status}))
    rows = [row for row in found.sources.values() if row["native"] in ("main", "small")]
    assert {(delivering, delivering is False)} == {(row["delivering"], bool(row["last_error"])) for row in rows}
    assert found.claim.complete


def test_a_retention_of_minus_one_is_no_number_of_days(told):
    """It stands for no end: nothing is kept too short, and nobody is told for how long."""
    found = told("azure-monitor", _changed("/workspaces", {"value[].properties.retentionInDays": -1}))
    rows = [row for row in found.sources.values() if row["native"] in ("main", "small")]
    assert {(None, None, None)} == {
        (row["retention_days"], row["searchable_days"], row["retention_infinite"]) for row in rows
    }
    assert not any((row.get("retention_days") or 1) < 0 for row in found.rows["collected_log_sinks"])


def test_a_group_of_categories_that_is_off_does_not_say_that_nothing_is_left_out(told):
    """Which categories belong to it is not told: what does not go out is not known then."""
    logs = [{"category": "Administrative", "enabled": True}, {"categoryGroup": "audit", "enabled": False}]
    found = told("azure-monitor", _changed("/diagnosticSettings", {"value[].properties.logs": logs}))
    assert (None, True) == (found.sources["azure-monitor:subscription/s1"]["exclusions"], found.claim.complete)
    logs[1] = {"category": "Security", "enabled": False}
    found = told("azure-monitor", _changed("/diagnosticSettings", {"value[].properties.logs": logs}))
    assert ["Security"] == list(found.sources["azure-monitor:subscription/s1"]["exclusions"])


def _opensearch(told, members: Mapping[str, Any], *, path: str = "/api/audit") -> tuple[Any, ...]:
    found = told("opensearch", _changed(path, members))
    row = found.sources["opensearch:audit"]
    return row["enabled"], [one["event"] for one in found.rows["collected_log_events"]], list(row["exclusions"] or ())


def test_authorisation_failures_are_logged_by_the_transport_layer(told):
    """Whether they are logged is said by that layer's categories; a layer that is off, and requests left out, are told."""
    assert ["auth.failure", "authz.failure"] == _opensearch(told, {})[1]
    for member, new in (("enable_transport", False), ("disabled_transport_categories", ["MISSING_PRIVILEGES"])):
        _, events, exclusions = _opensearch(told, {f"config.audit.{member}": new})
        assert ["auth.failure"] == events
        assert {"the transport layer", "MISSING_PRIVILEGES"} & set(exclusions)
    _, events, exclusions = _opensearch(told, {"config.audit.enable_rest": False})
    assert (["authz.failure"], True) == (events, "the REST layer" in exclusions)
    ignored = _opensearch(told, {"config.audit.ignore_requests": ["indices:data/read/*"]})[2]
    assert "requests indices:data/read/*" in ignored


def test_an_audit_log_of_which_nothing_is_there_is_not_called_on(told):
    """It says that it is on before anybody gave it a place; off is off, and then nobody looks for an index."""
    found = told("opensearch", lambda asked, body: {} if "security-auditlog" in asked else body)
    row = found.sources["opensearch:audit"]
    assert (None, "enabled" in row["unknown"], False) == (row["enabled"], True, found.claim.complete)
    assert [] == found.rows["collected_log_events"]
    found = told("opensearch", _changed("/api/audit", {"config.enabled": False}))
    assert (False, True) == (found.sources["opensearch:audit"]["enabled"], found.claim.complete)


@pytest.mark.parametrize("condition", [{"min_size": "50gb"}, {"min_doc_count": 5}, {"min_rollover_age": "1d"}, None])
def test_another_way_to_the_end_takes_the_retention_away(told, condition):
    """An index that may also go by its size, or at once, is not kept for the age that the other way waits for."""

    def change(asked: str, body: Any) -> Any:
        more = {"state_name": "gone", **({"conditions": condition} if condition else {})}
        states = (
            [state for one in body["policies"] for state in one["policy"]["states"]]
            if asked.endswith("/policies")
            else []
        )
        for state in states:
            if state.get("transitions"):
                state["transitions"].append(more)
        return body

    assert 365 == told("opensearch", lambda _, body: body).sources["opensearch:policy/logs-365d"]["retention_days"]
    row = told("opensearch", change).sources["opensearch:policy/logs-365d"]
    assert (None, False) == (row["retention_days"], row["retention_infinite"])


def test_an_action_that_nobody_knows_may_delete(told):
    """A policy in which none is known to delete is not said to keep for ever then; one that deletes is as before."""
    key = "opensearch:policy/keep"
    assert True is told("opensearch", lambda _, body: body).sources[key]["retention_infinite"]

    def change(asked: str, body: Any) -> Any:
        for one in body["policies"] if asked.endswith("/policies") else ():
            one["policy"]["states"][0]["actions"].append({"purge": {}})
        return body

    found = told("opensearch", change)
    assert (None, "unknown") == (found.sources[key]["retention_infinite"], found.sources[key]["retention_basis"])
    assert (365, False) == tuple(
        found.sources["opensearch:policy/logs-365d"][fact] for fact in ("retention_days", "retention_infinite")
    )


@pytest.mark.parametrize("right", ["view_index_metadata", "monitor"])
def test_a_key_that_may_not_see_every_data_stream_does_not_say_that_there_are_no_more(told, right):
    """Lists leave out what the key may not see: they are told, and the collection is not whole."""
    clean = told("elasticsearch", lambda _, body: body)
    without = {f"index.*.{right}": False, "has_all_requested": False}
    found = told("elasticsearch", _changed("/_has_privileges", without))
    assert (True, False) == (clean.claim.complete, found.claim.complete)
    assert f"index.*.{right}" in found.claim.reason
    assert list(clean.sources) == list(found.sources)


def test_receivers_that_were_left_are_told_nothing(told):
    """An action group whose only address was unsubscribed reaches the others, or nobody."""
    group = "value[].properties.emailReceivers[].status"
    clean = told("azure-monitor", lambda _, body: body)
    found = told("azure-monitor", _changed("/actionGroups", {group: "Disabled"}))
    before, after = ([row["reaches"] for row in one.rows["collected_alert_rules"]] for one in (clean, found))
    assert ["pager" if who == "oncall@example.com, pager" else who for who in before] == after
    assert "pager" in after


def test_a_data_stream_without_documents_has_no_last_event(told):
    """Its highest timestamp is 0: that is no event of 1970."""
    key = "data_streams[].maximum_timestamp"
    found = told("elasticsearch", _changed("/_stats", {key: 0}))
    assert {None} == {row["last_event_at"] for row in found.sources.values()}
    assert found.claim.complete


def _bad(found: Collected) -> list[tuple[Any, ...]]:
    """Limits that are only counted, and rules that reach nobody."""
    rows = [row for table, rows in found.rows.items() if table != "collected_log_sources" for row in rows]
    said = [
        (row.get("scope"), row.get("rule"), row.get("reaches") == "none", row.get("enforced") is False) for row in rows
    ]
    return [one for one in said if True in one]


def _one(team: Team, httpserver: Any, requests: str, record: str, body: Any) -> Collected:
    folder = team.root / ".soc2ev" / "sources"
    folder.mkdir(parents=True)
    (folder / "acme.yaml").write_text(f"{_HEAD}requests: [{requests}]\nsources: [{{record: {record}}}]\n")
    httpserver.expect_request("/list").respond_with_json(body)
    return team.collect({"connector": "acme", "url": httpserver.url_for("")})


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ("list.on == `true`", {"on": "yes"}),
        ("length(list.rows[?on == `true`]) > `0`", {"rows": [{"on": "yes"}]}),
        ("choose(list.on, `true`, `false`)", {"on": "no"}),
        ("length(not_null(list.rows[?on], `[]`)) > `0`", {"rows": {"on": True}}),
        ("length(not_null(list.rows[].on, `[]`)) > `0`", {"rows": "none"}),
        ("length(not_null(list.*.on, `[]`)) > `0`", ["a"]),
        ("length(list.rows[?count > `3`]) > `0`", {"rows": [{"count": "7"}]}),
        ("list.on == `true` || list.on == `1`", {"on": "yes"}),
    ],
)
def test_values_of_two_types_do_not_compare(team, httpserver, expression, body):
    """Text for a boolean, an object for a list: the fact is unknown with the reason, where JMESPath says false."""
    record = f'{{native: a, enabled: "={expression}"}}'
    row = _one(team, httpserver, "{id: list, path: /list}", record, body).sources["acme:a"]
    assert (None, ["enabled"]) == (row["enabled"], row["unknown"])
    assert "the answer is not understood" in row["reasons"]


@pytest.mark.parametrize(
    ("text", "on", "expected"),
    [
        ("on == `true` || on == '1'", "1", True),
        ("on == `true` || on == '1'", "0", False),
        ("on == `true` || on == '1'", True, True),
        ("on == `true` || on == '1'", False, False),
        ("on == 'yes' || on == `true`", "no", False),
        ("on == `true`", None, False),
        ("on != `null`", "x", True),
        ("on == `1.0`", 1, True),
    ],
)
def test_alternatives_of_several_types_and_null_compare_as_before(text, on, expected):
    """One alternative has to fit; what is missing is null, and null is a value of every type."""
    assert expected is Expression(text).value({"on": on}, "")


def test_an_error_with_200_is_no_answer(team, httpserver):
    """An `error` beside nothing else leaves the facts unknown, also where a list may be left out."""
    record = "{native: a, enabled: '=length(not_null(list.rows, `[]`)) > `0`'}"
    found = _one(team, httpserver, "{id: list, path: /list}", record, {"error": "session expired"})
    assert (None, "list: the answer is an error, sent with 200") == (
        found.sources["acme:a"]["enabled"],
        found.claim.reason,
    )


@pytest.mark.parametrize(
    ("wanted", "fits", "others"),
    [
        ("text", ["a", ""], [None, _NO, 1, True, [], {}]),
        ("text?", ["a", _NO], [None, 1]),
        ("text or null?", ["a", None, _NO], [1]),
        ("text or null", ["a", None], [_NO, 1]),
        ("text or number", ["a", 1, 1.5], [True, None, _NO]),
        ("boolean", [True, False], [1, "true", None]),
        (["on", "off"], ["on"], ["weird", None, _NO, True]),
        ([True, "1", None], [True, "1", None, _NO], [1, False]),
    ],
)
def test_types_and_words(wanted, fits, others):
    """What fits and what does not, absent and null told apart."""
    body = [{} if value is _NO else {"a": value} for value in (*fits, *others)]
    said = [holding.misfit([row], {"[].a": wanted}) is None for row in body]
    assert [True] * len(fits) + [False] * len(others) == said


@pytest.mark.parametrize(
    ("name", "path", "fact"),
    [
        ("auth0", "[].filters", "exclusions"),
        ("pagerduty", "webhook_subscriptions[].delivery_method.temporarily_disabled", "state"),
        ("google-cloud-logging", "sinks[].exclusions", "exclusions"),
        ("elasticsearch", "data_streams[].lifecycle.enabled", "retention_infinite"),
    ],
)
def test_what_may_be_absent_but_is_null_is_no_answer(told, name, path, fact):
    """Absent means what the documents say; null they do not know, so nobody can tell whether it stands for a no."""

    def change(asked: str, body: Any) -> Any:
        _put(body, path, None)
        return body

    found = told(name, change)
    assert f"{path} is null" in found.claim.reason
    assert {None} == {row.get(fact) for row in found.sources.values()}


@pytest.mark.parametrize("other", [7, "x", ["x"], True])
def test_what_is_sifted_is_still_seen_to_be_another(told, other):
    """A number for an object of which one member is kept is not an object that is absent: the sampling is unknown."""

    def change(asked: str, body: Any) -> Any:
        if asked.endswith("/logpush/jobs"):
            _put(body, "result[].output_options", other)
        return body

    found = told("cloudflare", change)
    assert "result[].output_options is not as documented" in found.claim.reason
    assert {None} == {row.get("sampling") for row in found.sources.values()}
    assert [] == [item.request for item, body in found.stored if b'"output_options":"x"' in body]


def test_what_lies_below_something_that_may_be_absent_may_be_absent_too():
    """A list that is not there has no rows; an object that may be null has no members then; one that is there has."""
    holds = {"a": "object or null?", "a.b": "text", "rows[].c": "text", "more.*.d": "number?"}
    fine = [{}, {"a": None}, {"a": {"b": "x"}}, {"rows": []}, {"rows": None}]
    assert [None] * len(fine) == [holding.misfit(one, holds) for one in fine]
    bad = [{"a": {}}, {"rows": [{}]}, {"rows": ["x"]}, {"rows": {}}]
    assert [] == [one for one in bad if holding.misfit(one, holds) is None]
    assert "S3CRET" not in str(holding.misfit({"a": {"b": ["S3CRET"]}}, holds))


@pytest.mark.parametrize("rows", [[[]], ["on"], [7], {"on": True}, "none"])
def test_what_is_no_object_fits_nothing_also_where_all_may_be_absent(rows):
    """A list, a text or a number for a row, and something else for the list: its members are not absent."""
    assert holding.misfit({"rows": rows}, {"rows[].on": "boolean?"})
    assert holding.misfit({"rows": [{}]}, {"rows[].on": "boolean?"}) is None


@pytest.mark.parametrize("holds", ["{a: txt}", "{a: []}", "{'': text}"])
def test_a_manifest_with_an_unknown_type_is_refused(tmp_path, holds):
    """Lint names the file; nothing is asked with it."""
    folder = tmp_path / ".soc2ev" / "sources"
    folder.mkdir(parents=True)
    request = f"{{id: list, path: /list, holds: {holds}}}"
    (folder / "acme.yaml").write_text(f"{_HEAD}requests: [{request}]\nsources: [{{record: {{native: a}}}}]\n")
    assert any("holds" in str(one) for one in library.lint(tmp_path, [Path(folder / "acme.yaml")]))


def test_sinks_that_are_refused_make_no_retention_too_short(httpserver, tmp_path):
    """Days that one place keeps are the least where others are not known: named as unknown, and still told."""
    vendor = Vendor("okta", httpserver.url_for("").rstrip("/"), dict.fromkeys(["streams-1.json"], 403))
    httpserver.expect_request(re.compile(".*")).respond_with_handler(vendor.answer)
    found = Team(tmp_path / "team", now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC)).collect(vendor.entry)
    row = found.sources["okta:main"]
    assert (90, ["retention_days", "sinks"]) == (row["retention_days"], row["unknown"])
    assert "log_sinks" not in as_told(found)["okta:main"]
