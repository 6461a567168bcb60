"""Alarms of AWS against moto's server: whom they tell."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from soc2ev.period import Period
from soc2ev.sources.logs.facts_alarms import alarm_route, sets_off
from tests.sources.logs.aws_account import KEYS, REGION, entry


def test_queues_and_deleted_topics_are_dead_ends_and_functions_are_not_known():
    """A queue keeps and tells nobody; a deleted topic of the same region reaches none; a function may tell somebody."""
    topic = "arn:aws:sns:eu-central-1:1:t"
    alarm = {"AlarmArn": "arn:aws:cloudwatch:eu-central-1:1:alarm:a", "ActionsEnabled": True, "AlarmActions": [topic]}
    queue = {"Protocol": "sqs", "Endpoint": "arn:aws:sqs:eu-central-1:1:q", "SubscriptionArn": f"{topic}:1"}
    lambda_ = {**queue, "Protocol": "lambda"}
    ok = lambda *subscriptions: [{"for": topic, "state": "ok", "answer": {"Subscriptions": list(subscriptions)}}]  # noqa: E731
    gone = [{"for": topic, "state": "absent", "answer": None}]
    assert ["none", None, None, "none"] == [
        alarm_route(alarm, topics)["reaches"] for topics in (ok(queue), ok(lambda_), ok(queue, lambda_), gone)
    ]
    assert alarm_route({**alarm, "AlarmArn": "arn:aws:cloudwatch:us-east-1:1:alarm:a"}, gone)["reaches"] is None
    assert alarm_route({**alarm, "AlarmActions": ["arn:aws:lambda:eu-central-1:1:function:f"]}, [])["reaches"] is None


def test_alarms_are_followed_to_those_who_confirmed(team, aws):
    """Disabled actions, a topic without subscribers and no action at all reach none; secrets of webhooks are not kept."""
    found = team.collect(entry("aws-alarms", name="alarms"))
    rules = found.rules("aws-alarms:alarms")
    assert 124 == len(rules)
    wanted = {"tells": "oncall@example.com, hooks.example.com", "mute": "none", "dead": "none", "alone": "none"}
    assert wanted == {name: rules[name]["reaches"] for name in wanted}
    assert [False, True] == [rules[name]["enabled"] for name in ("mute", "dead")]
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]


def test_a_topic_that_is_refused_leaves_only_its_alarms_unknown(team, refusing):
    """Alarms with the refused topic reach nobody knows whom; those without actions still reach none."""
    refusing["told"] = 403
    rules = team.collect(entry("aws-alarms")).rules("aws-alarms:aws-alarms")
    assert {"tells": None, "dead": "none", "alone": "none"} == {
        name: rules[name]["reaches"] for name in ("tells", "dead", "alone")
    }


def test_a_topic_is_asked_about_in_its_own_region(team, aws, moto, request):
    """An alarm may tell a topic elsewhere: its subscribers are those of that region."""
    far = boto3.client("sns", region_name="us-west-2", endpoint_url=moto, **KEYS)
    topic = far.create_topic(Name="far")["TopicArn"]
    far.subscribe(TopicArn=topic, Protocol="email", Endpoint="far@example.com")
    alarms = boto3.client("cloudwatch", region_name="ca-central-1", endpoint_url=moto, **KEYS)
    request.addfinalizer(lambda: alarms.delete_alarms(AlarmNames=["far"]))
    common = {"MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    alarms.put_metric_alarm(
        AlarmName="far", AlarmActions=[topic], ComparisonOperator="GreaterThanThreshold", Statistic="Sum", **common
    )
    found = team.collect(entry("aws-alarms", region="ca-central-1"))
    assert "far@example.com" == found.rules("aws-alarms:aws-alarms")["far"]["reaches"]


@pytest.mark.parametrize(
    ("rule", "sets"),
    [
        ('ALARM("a") OR ALARM(b)', True),
        ("(ALARM(a) AND TRUE)", True),
        ('ALARM(a) AND NOT ALARM("b")', True),
        ('ALARM("arn:aws:cloudwatch:eu-central-1:1:alarm:a")', True),
        ("not ok(a)", True),
        ("ALARM(a) AND ALARM(b)", False),
        ("ALARM(b) AND (OK(b) OR ALARM(a))", False),
        ("ALARM(a) AND (", False),
        ("something of a", False),
        ("NOT ALARM(a)", None),
        ("OK(a) AND INSUFFICIENT_DATA(a)", None),
        ("ALARM(ab) OR ALARM(b)", None),
    ],
)
def test_the_rule_of_a_composite_tells_which_alarms_set_it_off(rule, sets):
    """By itself, only together with others, or not at all; a rule that is not understood may."""
    assert sets is sets_off(rule, "a")


def _alarm(name, *actions, rule=None, on=True):
    made = {"AlarmName": name, "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:1:alarm:{name}", "ActionsEnabled": on}
    return {**made, "AlarmActions": list(actions), **({"AlarmRule": rule} if rule else {})}


def _topic(name, *endpoints):
    rows = [{"SubscriptionArn": f"arn:{one}", "Protocol": "email", "Endpoint": one} for one in endpoints]
    return {"for": f"arn:aws:sns:eu-central-1:1:{name}", "state": "ok", "answer": {"Subscriptions": rows}}


def test_an_alarm_reaches_whom_its_composites_tell():
    """Through several and over steps, whether its own actions are on; not through one that is off, or needs others."""
    topics = [_topic("sec", "sec@x.example"), _topic("ops", "ops@x.example"), _topic("empty")]
    sec, ops, empty = (one["for"] for one in topics)
    composites = [
        _alarm("told", sec, rule="ALARM(fed) OR ALARM(off)"),
        _alarm("inner", rule="ALARM(deep)"),
        _alarm("outer", ops, rule="ALARM(inner) OR ALARM(fed)"),
        _alarm("quiet", sec, rule="ALARM(muted)", on=False),
        _alarm("pair", sec, rule="ALARM(one) AND ALARM(two)"),
        _alarm("dead", empty, rule="ALARM(lost) AND ALARM(two)"),
        _alarm("round", rule="ALARM(again)"),
        _alarm("again", rule="ALARM(round)"),
    ]
    told = lambda alarm: tuple(alarm_route(alarm, topics, composites)[name] for name in ("receiver", "reaches"))  # noqa: E731
    assert ("told, outer", "sec@x.example, ops@x.example") == told(_alarm("fed"))
    assert ("told", "sec@x.example") == told(_alarm("off", on=False))
    assert ("inner, outer", "ops@x.example") == told(_alarm("deep"))
    assert ("quiet", "none") == told(_alarm("muted"))
    assert ("pair", None) == told(_alarm("one"))
    assert ("ops", "ops@x.example") == told(_alarm("one", ops))
    assert ("dead", "none") == told(_alarm("lost"))
    assert (None, "none") == told(_alarm("alone"))
    assert ("round, again", "none") == told(_alarm("again"))


CHANGE = {"AlarmName": "Full", "Timestamp": 1_763_000_000.0, "HistorySummary": "Alarm updated from OK to ALARM"}


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        ({"AlarmHistoryItems": []}, True),
        ({"AlarmHistoryItems": [CHANGE]}, True),
        ({}, False),
        ({"AlarmHistoryItems": [{**CHANGE, "HistorySummary": None}]}, False),
        ({"AlarmHistoryItems": [{**CHANGE, "Timestamp": None}]}, False),
    ],
)
def test_a_history_without_its_list_is_no_month_without_alarms(monkeypatch, httpserver, team, body, complete):
    """Changes of state that are not told, and ones that do not say which or when, leave the month open."""
    httpserver.expect_request(re.compile(".*")).respond_with_data(
        json.dumps(body), content_type="application/x-amz-json-1.0"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for("").rstrip("/"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["aws_secret_access_key"])
    now = datetime.now(UTC)
    lately = Period(now - timedelta(days=9), now - timedelta(days=2), "a week")
    found = team.collect({"connector": "aws-alarms", "region": REGION, "alerts": True}, period=lately)
    claim = found.claims["logs:aws-alarms:aws-alarms:history:alerts"]
    assert (complete, []) == (claim.complete, found.rows["collected_alert_events"]), claim.reason
