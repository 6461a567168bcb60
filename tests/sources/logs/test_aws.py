"""Connectors for AWS against moto's server: what is planted there, what is off, what is refused."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from soc2ev.sources.logs.facts_aws import alarm_route, trail_exclusions
from tests.sources.logs.conftest import answers, free_port, running

REGION = "eu-central-1"
KEYS = {"aws_access_key_id": "AKIAS3NTINEL", "aws_secret_access_key": "S3NTINEL-secret-key"}


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """An AWS on the loopback, with things planted; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(argv, answers(f"{url}/moto-api/"), tmp_path_factory.mktemp("moto") / "log"):
        _plant(lambda service: boto3.client(service, region_name=REGION, endpoint_url=url, **KEYS))
        yield url


def _plant(client):
    s3, trails, logs = client("s3"), client("cloudtrail"), client("logs")
    where = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket="forever", **where)
    s3.put_bucket_versioning(Bucket="forever", VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket="forever", LifecycleConfiguration={"Rules": [rule]})
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True, **where)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
    gone = {**rule, "NoncurrentVersionExpiration": {"NoncurrentDays": 10}}
    other = {"ID": "b", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="locked", LifecycleConfiguration={"Rules": [gone, other]})
    s3.create_bucket(Bucket="short", **where)
    s3.put_bucket_lifecycle_configuration(Bucket="short", LifecycleConfiguration={"Rules": [rule]})
    s3.create_bucket(Bucket="photos", **where)
    for name, bucket, valid in (("main", "locked", True), ("stopped", "forever", False), ("brief", "short", True)):
        trails.create_trail(
            Name=name, S3BucketName=bucket, IsMultiRegionTrail=name == "main", EnableLogFileValidation=valid
        )
        if name != "stopped":
            trails.start_logging(Name=name)
    for number in range(60):
        logs.create_log_group(logGroupName=f"/app/{number:02}")
    logs.put_retention_policy(logGroupName="/app/07", retentionInDays=30)
    _plant_alarms(client)
    _plant_edge(client)
    _plant_people(client("iam"))


def _plant_people(iam):
    document = lambda **given: json.dumps({"Version": "2012-10-17", "Statement": [given]})  # noqa: E731
    iam.create_user(UserName="auditor")
    read = document(Effect="Allow", Action=["cloudtrail:Lookup*", "logs:FilterLogEvents"], Resource="*")
    iam.put_user_policy(UserName="auditor", PolicyName="read", PolicyDocument=read)
    iam.create_group(GroupName="operators")
    iam.create_user(UserName="operator")
    iam.add_user_to_group(GroupName="operators", UserName="operator")
    trail = f"arn:aws:cloudtrail:{REGION}:123456789012:trail/main"
    stop = iam.create_policy(
        PolicyName="stop", PolicyDocument=document(Effect="Allow", Action="cloudtrail:*", Resource=trail)
    )
    iam.attach_group_policy(GroupName="operators", PolicyArn=stop["Policy"]["Arn"])
    iam.create_role(
        RoleName="deploy", AssumeRolePolicyDocument=document(Effect="Allow", Principal="*", Action="sts:AssumeRole")
    )
    group = f"arn:aws:logs:{REGION}:123456789012:log-group:/app/07:*"
    iam.put_role_policy(RoleName="deploy", PolicyName="cut", PolicyDocument=document(Effect="Allow", Action="logs:PutRetentionPolicy", Resource=group))  # fmt: skip


def _plant_alarms(client):
    sns, alarms = client("sns"), client("cloudwatch")
    empty, told = (sns.create_topic(Name=name)["TopicArn"] for name in ("empty", "told"))
    sns.subscribe(TopicArn=told, Protocol="email", Endpoint="oncall@example.com")
    sns.subscribe(TopicArn=told, Protocol="https", Endpoint="https://hooks.example.com/S3NTINEL/of-a-hook")
    common = {"MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    common |= {"ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
    for name, topic, acts in (("tells", told, True), ("mute", told, False), ("dead", empty, True)):
        alarms.put_metric_alarm(AlarmName=name, AlarmActions=[topic], ActionsEnabled=acts, **common)
    alarms.put_metric_alarm(AlarmName="alone", **common)
    for number in range(120):
        alarms.put_metric_alarm(AlarmName=f"many-{number:03}", AlarmActions=[told], ActionsEnabled=True, **common)


def _plant_edge(client):
    waf = client("wafv2")
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    limit = lambda action: {  # noqa: E731
        "Name": f"limit-{action}".lower(),
        "Priority": 1 if action == "Block" else 2,
        "Statement": {"RateBasedStatement": {"Limit": 3000, "AggregateKeyType": "IP"}},
        "Action": {action: {}},
        "VisibilityConfig": seen,
    }
    shape = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": seen}
    logged = waf.create_web_acl(Name="logged", Rules=[limit("Block"), limit("Count")], **shape)["Summary"]["ARN"]
    waf.create_web_acl(Name="silent", Rules=[], **shape)
    target = f"arn:aws:firehose:{REGION}:123456789012:deliverystream/aws-waf-logs-x"
    waf.put_logging_configuration(LoggingConfiguration={"ResourceArn": logged, "LogDestinationConfigs": [target]})
    config = client("config")
    config.put_configuration_recorder(ConfigurationRecorder={"name": "default", "roleARN": "arn:aws:iam::1:role/r"})
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "short"})
    client("guardduty").create_detector(Enable=False)
    api = client("apigateway")
    for name in ("one", "two"):
        of = api.create_rest_api(name=name)["id"]
        root = api.get_resources(restApiId=of)["items"][0]["id"]
        api.put_method(restApiId=of, resourceId=root, httpMethod="GET", authorizationType="NONE")
        api.put_integration(restApiId=of, resourceId=root, httpMethod="GET", type="MOCK")
        api.create_deployment(restApiId=of, stageName="prod", variables={"secret": "S3NTINEL-variable"})
    rds = client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="pg", DBParameterGroupFamily="postgres15", Description="x")
    audit = {"ParameterName": "pgaudit.log", "ParameterValue": "ddl", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="pg", Parameters=[audit])
    common = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 10,
        "DBParameterGroupName": "pg",
    }
    common |= {"MasterUsername": "u", "MasterUserPassword": "S3NTINEL-master"}
    rds.create_db_instance(DBInstanceIdentifier="orders", EnableCloudwatchLogsExports=["postgresql"], **common)
    rds.create_db_instance(DBInstanceIdentifier="silent", **common)
    client("secretsmanager").create_secret(Name="db", SecretString="S3NTINEL-value")


@pytest.fixture
def aws(monkeypatch, moto):
    """The environment of somebody who uses that AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["aws_secret_access_key"])
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def refusing(aws, moto):
    """A stub before moto: the operations in the list it refuses, with 403 or by breaking down."""
    refused: dict[str, int] = {}

    class Stub(BaseHTTPRequestHandler):
        def _pass(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            named = f"{self.headers.get('X-Amz-Target', '')} {self.path} {body[:200].decode(errors='replace')}"
            status = next((code for word, code in refused.items() if word in named), None)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            if status is None:
                request = urllib.request.Request(moto + self.path, body or None, headers, method=self.command)
                try:
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        status, found, kind = answer.status, answer.read(), answer.headers["Content-Type"]
                except urllib.error.HTTPError as problem:
                    status, found, kind = problem.code, problem.read(), problem.headers["Content-Type"]
            else:
                code = "AccessDeniedException" if status == 403 else "InternalFailure"
                found, kind = json.dumps({"__type": code, "message": "no"}).encode(), "application/x-amz-json-1.1"
                if not self.headers.get("X-Amz-Target"):
                    found = f"<Error><Code>{code[:12]}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = _pass  # noqa: N815

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield refused
    server.shutdown()
    server.server_close()


def entry(connector, **more):
    return {"connector": connector, "region": REGION, **more}


def test_a_trail_that_is_stopped_is_off_and_one_that_logs_is_on(team, aws):
    """The status decides, not that the trail is there; retention and lock are those of each trail's own bucket."""
    found = team.collect(entry("aws-cloudtrail"))
    told = {
        key.rpartition(":")[2]: (row["enabled"], row["retention_days"], row["retention_infinite"], row["integrity"])
        for key, row in found.sources.items()
    }
    assert {
        "main": (True, 400, False, "worm_compliance"),
        "stopped": (False, None, True, "none"),
        "brief": (True, 30, False, "validation_files"),
    } == told
    assert (True, None) == (found.claim.complete, found.claim.reason)
    assert "123456789012" == found.sources["aws-cloudtrail:main"]["account"]
    assert ["locked"] == [row["target"] for row in found.of("aws-cloudtrail:main", "collected_log_sinks")]
    assert ["regions other than eu-central-1"] == found.sources["aws-cloudtrail:brief"]["exclusions"]
    assert "admin.action" in {row["event"] for row in found.of("aws-cloudtrail:main", "collected_log_events")}


def test_who_may_read_and_stop_by_iam(team, aws):
    """By user, group and role, for the resource that the policy names."""

    def told(connector, key):
        rows = team.collect({"connector": connector, "region": REGION}).of(key, "collected_log_readers")
        return {
            row["principal"].rpartition("/")[2]: (row["can_read"], row["can_stop"])
            for row in rows
            if row["via"] == "IAM"
        }

    assert {"auditor": (True, False), "operator": (True, True)} == told("aws-cloudtrail", "aws-cloudtrail:main")
    assert {"auditor": (True, False)} == told("aws-cloudtrail", "aws-cloudtrail:stopped")
    assert {"auditor": (True, False), "deploy": (False, True)} == told(
        "aws-cloudwatch-logs", "aws-cloudwatch-logs:/app/07"
    )
    assert {"auditor": (True, False)} == told("aws-cloudwatch-logs", "aws-cloudwatch-logs:/app/08")
    assert {} == told("aws-s3-log-buckets", "aws-s3-log-buckets:locked")


def test_log_groups_of_every_page_are_there_and_none_without_retention_is_finite(team, aws):
    """Sixty groups come in two pages; one has 30 days, all others are kept for ever."""
    found = team.collect(entry("aws-cloudwatch-logs"))
    assert 60 == len(found.sources)
    pages = [item for item, _ in found.stored if item.request.get("request") == "groups"]
    assert [1, 2] == [item.request["page"] for item in pages]
    kept = found.sources["aws-cloudwatch-logs:/app/07"]
    assert (30, False) == (kept["retention_days"], kept["retention_infinite"])
    assert 59 == sum(row["retention_infinite"] is True for row in found.sources.values())


def test_log_buckets_are_those_that_trails_and_config_name(team, aws):
    """A bucket of photos is none; a versioned bucket without non-current expiry keeps for ever."""
    rows = team.collect(entry("aws-s3-log-buckets")).sources
    assert {"forever", "locked", "short"} == {key.rpartition(":")[2] for key in rows}
    assert (None, True) == tuple(
        rows["aws-s3-log-buckets:forever"][name] for name in ("retention_days", "retention_infinite")
    )
    assert (400, "worm_compliance") == tuple(
        rows["aws-s3-log-buckets:locked"][name] for name in ("retention_days", "integrity")
    )
    assert 30 == rows["aws-s3-log-buckets:short"]["retention_days"]


def test_a_deleted_bucket_keeps_nothing_and_a_prefix_is_that_of_its_own_trail(team, aws, moto):
    """A trail to a bucket that is gone delivers nothing; the shortest rule below the trail's prefix is what is kept."""
    here = lambda service: boto3.client(service, region_name="eu-west-2", endpoint_url=moto, **KEYS)  # noqa: E731
    s3, trails, where = (
        here("s3"),
        here("cloudtrail"),
        {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-2"}},
    )
    for name in ("vanished", "prefixed", "rooted"):
        s3.create_bucket(Bucket=name, **where)
    rules = [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 400}},
        {"ID": "b", "Status": "Enabled", "Filter": {"Prefix": "AWSLogs/"}, "Expiration": {"Days": 90}},
    ]
    for name in ("prefixed", "rooted"):
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    for name, prefix in (("vanished", {}), ("prefixed", {"S3KeyPrefix": "audit"}), ("rooted", {})):
        trails.create_trail(Name=f"to-{name}", S3BucketName=name, **prefix)
        trails.start_logging(Name=f"to-{name}")
    s3.delete_bucket(Bucket="vanished")
    kept = [team.collect(entry(name, region="eu-west-2")) for name in ("aws-cloudtrail", "aws-s3-log-buckets")]
    for name in ("vanished", "prefixed", "rooted"):
        trails.delete_trail(Name=f"to-{name}")
    lost = kept[0].sources["aws-cloudtrail:to-vanished"]
    assert (True, False, 0, False, "NoSuchBucket") == tuple(
        lost[name] for name in ("enabled", "delivering", "retention_days", "retention_infinite", "last_error")
    )
    buckets = {key.rpartition(":")[2]: (row["enabled"], row["retention_days"]) for key, row in kept[1].sources.items()}
    assert ((False, 0), (True, 400), (True, 90)) == tuple(buckets[name] for name in ("vanished", "prefixed", "rooted"))


@pytest.mark.parametrize(
    ("selectors", "left"),
    [
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly"}, {"ReadWriteType": "WriteOnly"}]}, []),
        ({"EventSelectors": [{"IncludeManagementEvents": False}, {"ReadWriteType": "WriteOnly"}]}, ["reads"]),
        ({"EventSelectors": [{"IncludeManagementEvents": False}]}, ["management events"]),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}, ["management events"]),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["false"]}, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]}]},
            ["eventSource kms.amazonaws.com", "reads"],
        ),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "eventName", "StartsWith": ["Put"]}]}]},
            ["eventName other than Put"],
        ),
        (None, []),
    ],
)  # fmt: skip
def test_what_selectors_leave_out_is_named(selectors, left):
    """What no selector lets through: a way of calling, all management events, or a source by name."""
    assert left == trail_exclusions({"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True}, selectors)


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


def test_web_acls_are_logged_or_not_and_rules_that_count_enforce_nothing(team, aws):
    """An ACL absent from the logging configurations is off; a rate rule in COUNT is not enforced."""
    found = team.collect(entry("aws-wafv2"))
    assert {"aws-wafv2:logged": True, "aws-wafv2:silent": False} == {
        key: row["enabled"] for key, row in found.sources.items()
    }
    limits = {row["scope"]: (row["limit_per_second"], row["enforced"]) for row in found.rows["collected_rate_limits"]}
    assert {"limit-block": (10.0, True), "limit-count": (10.0, False)} == limits


def test_recorders_and_detectors_that_do_not_run_are_off(team, aws):
    """A recorder that was never started and a disabled detector are off, by what they say themselves."""
    assert [False] == [row["enabled"] for row in team.collect(entry("aws-config")).sources.values()]
    found = team.collect(entry("aws-guardduty"))
    (row,) = found.sources.values()
    assert (False, 90, "plan") == (row["enabled"], row["retention_days"], row["retention_basis"])


def test_stages_of_one_name_are_told_apart_by_their_api(team, aws):
    """Two APIs have a stage prod: two keys; without access log both are off, and their variables are not kept."""
    found = team.collect(entry("aws-apigateway"))
    assert 2 == len(found.sources)
    assert all(key.endswith("/prod") for key in found.sources)
    assert {False} == {row["enabled"] for row in found.sources.values()}
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]


def test_secrets_are_counted_and_never_read(team, aws):
    """Reads of secrets are logged as long as some trail logs; no value of a secret is asked for."""
    found = team.collect(entry("aws-secretsmanager"))
    assert [True] == [row["enabled"] for row in found.sources.values()]
    assert [] == [item.request for item, body in found.stored if b"S3NTINEL" in body]
    assert not any("get_secret_value" in str(item.request) for item, _ in found.stored)


def test_databases_log_when_they_export_logs(team, aws):
    """An instance that exports nothing is off; pgaudit's classes of the parameter group are its events."""
    found = team.collect(entry("aws-rds"))
    assert {"aws-rds:orders": True, "aws-rds:silent": False} == {
        key: row["enabled"] for key, row in found.sources.items()
    }
    assert ["admin.action"] == [row["event"] for row in found.of("aws-rds:orders", "collected_log_events")]


def test_no_trail_is_off_and_not_silence(team, aws):
    """A region in which there is no trail, recorder or detector has one source each, and it is off."""
    found = team.collect(*(entry(name, region="us-west-1") for name in ("aws-config", "aws-guardduty")))
    assert {"aws-config:aws-config": False, "aws-guardduty:aws-guardduty": False} == {
        key: row["enabled"] for key, row in found.sources.items()
    }


def test_no_credential_is_stored(team, aws):
    """Neither key stands in any request or body."""
    found = team.collect(entry("aws-cloudtrail"))
    assert [] == [item.request for item, body in found.stored if "S3NTINEL" in f"{item.request}{body!r}"]


def test_a_refused_question_leaves_only_its_facts_unknown(team, refusing):
    """The status is refused: enabled is NULL and named with the reason, the bucket's facts stay; access is missing."""
    refusing["GetTrailStatus"] = 403
    found = team.collect(entry("aws-cloudtrail"))
    row = found.sources["aws-cloudtrail:main"]
    assert (None, None, 400) == (row["enabled"], row["delivering"], row["retention_days"])
    assert {"enabled", "delivering"} <= set(row["unknown"])
    assert not {"retention_days", "integrity"} & set(row["unknown"])
    assert "AccessDenied" in row["reasons"]
    assert (False, "missing") == (found.claim.complete, found.claim.scope["access"])


def test_a_bucket_that_refuses_hides_its_own_facts_only(team, refusing):
    """A bucket of another account: its retention is not known, and the trail still says whether it delivers."""
    refusing["/locked"] = 403
    row = team.collect(entry("aws-cloudtrail")).sources["aws-cloudtrail:main"]
    assert (True, True, None, None) == tuple(
        row[name] for name in ("enabled", "delivering", "retention_days", "retention_infinite")
    )
    assert "delivering" not in row["unknown"]


def test_a_refused_list_is_one_unknown_source_and_never_none(team, refusing):
    """No trail can be listed: that is not the same as there being none."""
    refusing["DescribeTrails"] = 403
    (row,) = team.collect(entry("aws-cloudtrail", name="prod")).sources.values()
    assert ("aws-cloudtrail:prod", None) == (row["key"], row["enabled"])
    assert "enabled" in row["unknown"]


def test_a_service_that_breaks_down_is_not_off(team, refusing):
    """Internal errors leave facts unknown without claiming that access is missing."""
    refusing["ListLoggingConfigurations"] = 500
    found = team.collect(entry("aws-wafv2"))
    assert {None} == {row["enabled"] for row in found.sources.values()}
    assert (False, None) == (found.claim.complete, found.claim.scope.get("access"))


def test_a_topic_that_is_refused_leaves_only_its_alarms_unknown(team, refusing):
    """Alarms with the refused topic reach nobody knows whom; those without actions still reach none."""
    refusing["told"] = 403
    rules = team.collect(entry("aws-alarms")).rules("aws-alarms:aws-alarms")
    assert {"tells": None, "dead": "none", "alone": "none"} == {
        name: rules[name]["reaches"] for name in ("tells", "dead", "alone")
    }


def test_two_regions_with_sources_of_one_name_have_keys_of_their_own(team, aws):
    """The second entry's sources get its name behind theirs; nothing is lost."""
    found = team.collect(entry("aws-config", name="a"), entry("aws-config", name="b"))
    assert {"aws-config:default", "aws-config:default@b"} == set(found.sources)


def test_no_credentials_is_missing_access(team, monkeypatch):
    """Without credentials nothing is asked, and every fact is unknown."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    found = team.collect(entry("aws-cloudtrail"))
    assert "missing" == found.claim.scope["access"]
    assert [None] == [row["enabled"] for row in found.sources.values()]


def test_an_endpoint_in_the_clear_is_refused(team, aws):
    """http:// to another host would show what is asked: nothing is sent."""
    aws.setenv("AWS_ENDPOINT_URL", "http://aws.example.com")
    found = team.collect(entry("aws-guardduty"))
    assert "https" in (found.claim.reason or "")
