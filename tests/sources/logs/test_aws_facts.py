"""What single answers of AWS mean, without asking anybody."""

from __future__ import annotations

import json

import pytest

from soc2ev.sources.logs.facts_alarms import alarm_route
from soc2ev.sources.logs.facts_aws import method_limits, plans_of, reads_logged
from soc2ev.sources.logs.facts_buckets import bucket_access, bucket_retention, log_prefixes, trail_prefix

BUCKET = "arn:aws:s3:::logs"
EVE, ZED = "arn:aws:iam::111122223333:user/eve", "arn:aws:iam::111122223333:role/zed"
TRAIL = {"TrailARN": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main", "S3BucketName": "logs"}


def _policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _says(effect, principal, action, resource=(BUCKET, f"{BUCKET}/*"), **more):
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": list(resource), **more}


TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([_says("Allow", {"AWS": EVE}, ["s3:DeleteObject*"])], {EVE: (False, True)}),
        ([_says("Allow", {"AWS": EVE}, "s3:PutLifecycleConfiguration", [BUCKET])], {EVE: (False, True)}),
        ([_says("Allow", {"AWS": EVE}, "s3:Get*")], {EVE: (True, False)}),
        ([_says("Allow", {"AWS": EVE}, "s3:GetObject", [f"{BUCKET}/AWSLogs/1/*"])], {EVE: (True, False)}),
        ([_says("Allow", {"AWS": EVE}, "s3:*", ["arn:aws:s3:::other/*"])], {EVE: (False, False)}),
        ([_says("Allow", "*", "s3:GetObject")], {"*": (True, False)}),
        ([_says("Allow", {"AWS": "*"}, "s3:GetObject", Condition={"StringEquals": {"aws:PrincipalOrgID": "o"}})], {"*": (None, False)}),
        # What everybody has, and what nobody may have, counts for the one who is named.
        ([_says("Allow", {"AWS": EVE}, "s3:PutObject"), _says("Allow", "*", "s3:GetObject")], {EVE: (True, False), "*": (True, False)}),
        ([_says("Allow", {"AWS": [EVE, ZED]}, "s3:*"), _says("Deny", {"AWS": EVE}, "s3:Get*")], {EVE: (False, True), ZED: (True, True)}),
        ([_says("Allow", {"AWS": EVE}, "s3:GetObject*"), _says("Deny", "*", "s3:*")], {EVE: (False, False)}),
        # Without TLS nothing goes: that is no condition on who may.
        ([_says("Allow", {"AWS": EVE}, "s3:*"), _says("Deny", "*", "s3:*", Condition=TLS)], {EVE: (True, True)}),
        ([_says("Allow", {"AWS": EVE}, "s3:*"), _says("Deny", "*", "s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})], {EVE: (None, None)}),
        ([{"Effect": "Allow", "NotPrincipal": {"AWS": EVE}, "NotAction": "s3:PutObject", "Resource": f"{BUCKET}/*"}], {f"* but {EVE}": (True, True)}),
        ([_says("Allow", {"AWS": [EVE, ZED]}, "s3:GetObject"), {"Effect": "Deny", "NotPrincipal": {"AWS": ZED}, "Action": "s3:*", "Resource": "*"}], {EVE: (False, False), ZED: (True, False)}),
    ],
)  # fmt: skip
def test_a_bucket_policy_says_who_may_read_and_stop(statements, told):
    """As IAM reads it: wildcards, parts of the bucket, Deny, NotPrincipal; null where a condition decides."""
    rows = bucket_access(_policy(*statements), BUCKET)
    assert told == {row["principal"]: (row["can_read"], row["can_stop"]) for row in rows}


@pytest.mark.parametrize("text", ["{", "[]"])
def test_what_is_no_policy_is_not_a_policy_for_nobody(text):
    """Text that is no object of JSON is refused; no policy at all names nobody."""
    with pytest.raises(TypeError, match="policy"):
        bucket_access(text, BUCKET)
    assert [] == bucket_access(None, BUCKET)


@pytest.mark.parametrize(
    ("trail", "prefix", "days"),
    [
        ({}, "AWSLogs/111122223333/CloudTrail/eu-central-1/", 9),
        ({}, "AWSLogs/111122223333/", 9),
        # The logs of others, and the digests, are not those of this trail.
        ({}, "AWSLogs/111122223333/CloudTrail-Digest/", None),
        ({}, "AWSLogs/999999999999/", None),
        ({}, "AWSLogs/111122223333/Config/", None),
        ({"IsOrganizationTrail": True}, "AWSLogs/o-abc/", 9),
        ({"S3KeyPrefix": "audit"}, "audit/AWSLogs/111122223333/", 9),
        ({"S3KeyPrefix": "audit"}, "AWSLogs/", None),
    ],
)
def test_only_rules_that_reach_the_logs_of_the_trail_shorten_them(trail, prefix, days):
    """A rule for the logs of another account or service leaves these for ever."""
    rule = {"Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 9}}
    told = [
        bucket_retention({}, {"Rules": [rule]}, None, prefixes)["days"]
        for prefixes in ([trail_prefix({**TRAIL, **trail})], log_prefixes([{**TRAIL, **trail}], [], "logs"))
    ]
    assert [days, days] == told


def test_a_topic_of_another_account_is_not_known():
    """That another account shows no such topic is no dead end; that the own one has none is."""
    alarm = {"AlarmArn": "arn:aws:cloudwatch:eu-central-1:1:alarm:a", "ActionsEnabled": True}
    gone = lambda account: f"arn:aws:sns:eu-central-1:{account}:t"  # noqa: E731
    assert [None, "none"] == [
        alarm_route({**alarm, "AlarmActions": [topic]}, [{"for": topic, "state": "absent", "answer": None}])["reaches"]
        for topic in (gone(2), gone(1))
    ]


def test_single_methods_have_limits_of_their_own():
    """Beside the limit for all, in the stage and in its plans; one that only repeats it is not told twice."""
    settings = {
        "*/*": {"throttlingRateLimit": 100.0},
        "~1orders~1{id}/GET": {"throttlingRateLimit": 3.0, "throttlingBurstLimit": 6},
        "~1orders/POST": {"throttlingRateLimit": 100.0},
    }
    assert [{"scope": "stage prod GET /orders/{id}", "rateLimit": 3.0, "burstLimit": 6}] == method_limits(
        settings, "prod"
    )
    assert [] == method_limits(None, "prod")
    stage = {"apiId": "a", "stage": "prod", "throttle": {"/orders/GET": {"rateLimit": 1.0, "burstLimit": 2}}}
    plans = [{"name": "gold", "throttle": {"rateLimit": 5.0, "burstLimit": 9}, "apiStages": [stage]}]
    assert [
        {"scope": "usage plan gold", "rateLimit": 5.0, "burstLimit": 9},
        {"scope": "usage plan gold /orders/GET", "rateLimit": 1.0, "burstLimit": 2},
    ] == plans_of(plans, "a", "prod")


ALL, WRITES = {"EventSelectors": [{"ReadWriteType": "All"}]}, {"EventSelectors": [{"ReadWriteType": "WriteOnly"}]}
DATA = {"EventSelectors": [{"IncludeManagementEvents": False}]}


@pytest.mark.parametrize(
    ("trails", "told"),
    [
        ([(True, ALL)], True),
        ([(True, WRITES)], False),
        ([(True, DATA)], False),
        ([(False, ALL)], False),
        ([(True, WRITES), (True, ALL)], True),
        ([(None, ALL)], None),
        ([(True, None)], None),
        ([(None, ALL), (True, ALL)], True),
        ([], False),
    ],
)
def test_reading_a_secret_is_logged_by_a_trail_that_logs_reads(trails, told):
    """Not by one that only logs writes or data; what was refused is not known unless another trail does."""
    outcome = lambda name, answer: {"for": name, "state": "unknown" if answer is None else "ok", "answer": answer}  # noqa: E731
    states = [outcome(n, None if on is None else {"IsLogging": on}) for n, (on, _) in enumerate(trails)]
    assert told is reads_logged(states, [outcome(n, chosen) for n, (_, chosen) in enumerate(trails)])
