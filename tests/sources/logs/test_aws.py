"""Connectors for AWS against moto's server: what is planted there, what is off, what is refused."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from soc2ev.sources.logs.facts_aws import alarm_route, exported_logs, trail_exclusions, waf_group_limits
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


def _rated(name, action, limit=600):
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    statement = {"RateBasedStatement": {"Limit": limit, "AggregateKeyType": "IP"}}
    return {"Name": name, "Priority": 1, "Statement": statement, "Action": {action: {}}, "VisibilityConfig": seen}


@pytest.fixture
def edge(aws, moto):
    """Web ACLs of both scopes in us-east-1, each with a group of rules with a rate; the first one's group only counts."""
    waf = boto3.client("wafv2", region_name="us-east-1", endpoint_url=moto, **KEYS)
    seen = _rated("x", "Block")["VisibilityConfig"]
    for scope, name, override in (("REGIONAL", "api", "Count"), ("CLOUDFRONT", "site", "None")):
        common = {"Scope": scope, "VisibilityConfig": seen}
        group = waf.create_rule_group(Name=f"g-{name}", Capacity=2, Rules=[_rated("slow", "Block")], **common)
        refers = {
            "Name": "refers",
            "Priority": 2,
            "Statement": {"RuleGroupReferenceStatement": {"ARN": group["Summary"]["ARN"]}},
            "OverrideAction": {override: {}},
            "VisibilityConfig": seen,
        }
        waf.create_web_acl(Name=name, DefaultAction={"Allow": {}}, Rules=[_rated("own", "Block"), refers], **common)
    yield
    for scope in ("REGIONAL", "CLOUDFRONT"):
        for acl in waf.list_web_acls(Scope=scope)["WebACLs"]:
            waf.delete_web_acl(Name=acl["Name"], Id=acl["Id"], Scope=scope, LockToken=acl["LockToken"])
        for group in waf.list_rule_groups(Scope=scope)["RuleGroups"]:
            waf.delete_rule_group(Name=group["Name"], Id=group["Id"], Scope=scope, LockToken=group["LockToken"])


def test_web_acls_of_both_scopes_and_the_limits_of_their_rule_groups(team, edge):
    """In us-east-1 those before CloudFront belong to it; a group that is overridden to count enforces nothing."""
    found = team.collect(entry("aws-wafv2", region="us-east-1"))
    assert {"aws-wafv2:api": False, "aws-wafv2:site": False} == {
        key: row["enabled"] for key, row in found.sources.items()
    }
    limits = {(row["source_key"], row["scope"]): row["enforced"] for row in found.rows["collected_rate_limits"]}
    assert {
        ("aws-wafv2:api", "own"): True,
        ("aws-wafv2:api", "g-api/slow"): False,
        ("aws-wafv2:site", "own"): True,
        ("aws-wafv2:site", "g-site/slow"): True,
    } == limits
    assert (True, None) == (found.claim.complete, found.claim.reason)


def test_the_scope_of_the_entry_is_asked_for_in_the_region_that_has_it(team, edge):
    """CLOUDFRONT is answered in us-east-1 only, whatever the region of the entry; other regions have no part in it."""
    assert ["aws-wafv2:site"] == list(team.collect(entry("aws-wafv2", scope="CLOUDFRONT")).sources)
    asked = [item.request for item, _ in team.collect(entry("aws-wafv2", scope="CLOUDFRONT")).stored]
    assert {"us-east-1"} == {one["region"] for one in asked if "wafv2" in one.get("op", "")}
    assert {"aws-wafv2:logged", "aws-wafv2:silent"} == set(team.collect(entry("aws-wafv2")).sources)


def test_a_rule_group_that_is_refused_leaves_the_own_limits(team, edge, refusing):
    """What was read stays; that there may be more limits is told."""
    refusing["GetRuleGroup"] = 403
    found = team.collect(entry("aws-wafv2", region="us-east-1"))
    assert ["own"] == [row["scope"] for row in found.of("aws-wafv2:api", "collected_rate_limits")]
    assert ["rate_limits"] == found.sources["aws-wafv2:api"]["unknown"]
    assert (False, "missing") == (found.claim.complete, found.claim.scope["access"])


def test_a_scope_that_is_refused_is_one_unknown_source_beside_the_others(team, edge, refusing):
    """The web ACLs of the other scope stay known; without any list there is still an unknown source for each."""
    refusing['"Scope": "CLOUDFRONT"'] = 403
    found = team.collect(entry("aws-wafv2", region="us-east-1")).sources
    assert {"aws-wafv2:api": False, "aws-wafv2:aws-wafv2": None} == {key: row["enabled"] for key, row in found.items()}
    assert {"enabled", "rate_limits"} == set(found["aws-wafv2:aws-wafv2"]["unknown"])
    refusing["ListWebACLs"] = 500
    found = team.collect(entry("aws-wafv2", region="us-east-1")).sources
    assert {"aws-wafv2:REGIONAL/aws-wafv2": None, "aws-wafv2:CLOUDFRONT/aws-wafv2": None} == {
        key: row["enabled"] for key, row in found.items()
    }


def test_rules_of_a_group_that_an_acl_excludes_or_overrides_only_count():
    """Excluded, overridden to count, overridden to block: the web ACL decides."""
    rules = [_rated("excluded", "Block"), _rated("counted", "Block"), _rated("blocks", "Count")]
    overrides = [{"Name": "counted", "ActionToUse": {"Count": {}}}, {"Name": "blocks", "ActionToUse": {"Block": {}}}]
    given = {"ARN": "arn:g", "ExcludedRules": [{"Name": "excluded"}], "RuleActionOverrides": overrides}
    acl = {"WebACL": {"Rules": [{"Statement": {"RuleGroupReferenceStatement": given}, "OverrideAction": {"None": {}}}]}}
    group = {"for": "arn:g", "state": "ok", "answer": {"RuleGroup": {"Name": "g", "Rules": rules}}}
    assert {"g/excluded": (2.0, False), "g/counted": (2.0, False), "g/blocks": (2.0, True)} == {
        one["scope"]: (one["per_second"], one["enforced"]) for one in waf_group_limits(acl, [group])
    }


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


@pytest.fixture
def stages(aws, moto):
    """Stages in eu-west-3 that write to a log group, to one without retention, and to a stream; REST and HTTP."""
    here = lambda service: boto3.client(service, region_name="eu-west-3", endpoint_url=moto, **KEYS)  # noqa: E731
    logs, api, http = here("logs"), here("apigateway"), here("apigatewayv2")
    for name in ("/api/a", "/api/a-older", "/api/b"):
        logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName="/api/a", retentionInDays=90)
    arn = "arn:aws:logs:eu-west-3:123456789012:log-group:"
    targets = {"finite": f"{arn}/api/a", "ever": f"{arn}/api/b:*", "gone": f"{arn}/api/c"}
    targets["stream"] = "arn:aws:firehose:eu-west-3:123456789012:deliverystream/amazon-apigateway-x"
    of = api.create_rest_api(name="rest")["id"]
    root = api.get_resources(restApiId=of)["items"][0]["id"]
    api.put_method(restApiId=of, resourceId=root, httpMethod="GET", authorizationType="NONE")
    api.put_integration(restApiId=of, resourceId=root, httpMethod="GET", type="MOCK")
    for name, target in targets.items():
        api.create_deployment(restApiId=of, stageName=name)
        change = {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": target}
        api.update_stage(restApiId=of, stageName=name, patchOperations=[change])
    of2 = http.create_api(Name="http", ProtocolType="HTTP")["ApiId"]
    http.create_stage(ApiId=of2, StageName="web", AccessLogSettings={"DestinationArn": f"{arn}/api/a"})
    yield
    api.delete_rest_api(restApiId=of)
    http.delete_api(ApiId=of2)
    for name in ("/api/a", "/api/a-older", "/api/b"):
        logs.delete_log_group(logGroupName=name)


_KEPT = ("enabled", "retention_days", "retention_infinite", "retention_basis")


def test_a_stage_keeps_as_long_as_the_log_group_that_it_writes_to(team, stages):
    """Days or for ever by the group of exactly that name; what becomes of a stream, or where no group is, nobody knows."""
    found = team.collect(entry("aws-apigateway", region="eu-west-3"))
    assert {
        "finite": (True, 90, False, "configured"),
        "ever": (True, None, True, "configured"),
        "gone": (True, None, None, "unknown"),
        "stream": (True, None, None, "unknown"),
        "web": (True, 90, False, "configured"),
    } == {key.rpartition(":")[2]: tuple(row[name] for name in _KEPT) for key, row in found.sources.items()}
    sinks = {row["source_key"].rpartition(":")[2]: row for row in found.rows["collected_log_sinks"]}
    assert ("log_group", "/api/b", True) == tuple(sinks["ever"][k] for k in ("type", "target", "retention_infinite"))
    assert ("log_group", "/api/a", 90) == tuple(sinks["web"][name] for name in ("type", "target", "retention_days"))
    assert ("stream", None) == tuple(sinks["stream"][name] for name in ("type", "retention_infinite"))
    assert (True, None) == (found.claim.complete, found.claim.reason)


def test_log_groups_that_are_refused_leave_only_the_retention_of_stages_unknown(team, stages, refusing):
    """Whether it logs, and where to, was read."""
    refusing["DescribeLogGroups"] = 403
    found = team.collect(entry("aws-apigateway", region="eu-west-3"))
    row = found.sources["aws-apigateway:finite"]
    assert (True, None, None, None) == tuple(row[name] for name in _KEPT)
    assert {"retention_days", "retention_infinite", "retention_basis"} == {
        name for name in row["unknown"] if not name.startswith("sinks")
    }
    assert ["/api/a"] == [one["target"] for one in found.of(row["key"], "collected_log_sinks")]
    assert [] == found.sources["aws-apigateway:stream"]["unknown"]


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


def test_a_database_keeps_as_long_as_the_log_groups_that_it_writes_to(team, aws, moto, request):
    """Each kind of log has its own group; one that nobody has written to yet is not known."""
    row = team.collect(entry("aws-rds")).sources["aws-rds:orders"]
    assert (True, None, None, "unknown") == tuple(row[name] for name in _KEPT)
    logs, name = (
        boto3.client("logs", region_name=REGION, endpoint_url=moto, **KEYS),
        "/aws/rds/instance/orders/postgresql",
    )
    logs.create_log_group(logGroupName=name)
    request.addfinalizer(lambda: logs.delete_log_group(logGroupName=name))
    row = team.collect(entry("aws-rds")).sources["aws-rds:orders"]
    assert (True, None, True, "configured") == tuple(row[name] for name in _KEPT)
    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    found = team.collect(entry("aws-rds"))
    assert (True, 30, False, "configured") == tuple(found.sources["aws-rds:orders"][name] for name in _KEPT)
    assert [("log_group", name, 30)] == [
        (one["type"], one["target"], one["retention_days"]) for one in found.of("aws-rds:orders", "collected_log_sinks")
    ]
    assert ("unknown", "") == tuple(found.sources["aws-rds:silent"][name] for name in ("retention_basis", "reasons"))


def test_log_groups_that_are_refused_leave_only_the_retention_of_databases_unknown(team, refusing):
    """An instance that exports nothing needs no group."""
    refusing["DescribeLogGroups"] = 403
    rows = team.collect(entry("aws-rds")).sources
    assert (True, None, None, None) == tuple(rows["aws-rds:orders"][name] for name in _KEPT)
    assert {"retention_days", "retention_infinite", "retention_basis"} == {
        name for name in rows["aws-rds:orders"]["unknown"] if not name.startswith("sinks")
    }
    assert [] == rows["aws-rds:silent"]["unknown"]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"audit": 400, "error": 30}, (True, 30, False)),
        ({"audit": None, "error": 30}, (True, 30, False)),
        ({"audit": None, "error": None}, (True, None, True)),
        ({"audit": 400}, (False, None, None)),
    ],
)
def test_of_several_kinds_of_logs_the_shortest_retention_holds(kept, told):
    """Each group holds other logs; one that is not there leaves all unknown."""
    groups = [
        {"logGroupName": f"/h/{name}", **({"retentionInDays": days} if days else {})} for name, days in kept.items()
    ]
    found = exported_logs(["audit", "error"], "/h/", groups)
    assert told == (found["known"], found["days"], found["infinite"])


def test_a_trail_of_all_regions_is_asked_about_at_its_home(team, aws, moto, request):
    """Shown in every region, it answers in its own; so does the log group that it writes to."""
    home = lambda service: boto3.client(service, region_name="us-east-2", endpoint_url=moto, **KEYS)  # noqa: E731
    logs, trails = home("logs"), home("cloudtrail")
    logs.create_log_group(logGroupName="trail")
    logs.put_retention_policy(logGroupName="trail", retentionInDays=731)
    group = {"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-2:123456789012:log-group:trail:*"}
    role = {"CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/r"}
    trails.create_trail(Name="everywhere", S3BucketName="short", IsMultiRegionTrail=True, **group, **role)
    request.addfinalizer(lambda: trails.delete_trail(Name="everywhere"))
    trails.start_logging(Name="everywhere")
    found = team.collect(entry("aws-cloudtrail"))
    row = found.sources["aws-cloudtrail:everywhere"]
    assert (True, "us-east-2", 731, "") == tuple(row[k] for k in ("enabled", "region", "retention_days", "reasons"))
    asked = [item.request for item, _ in found.stored if item.request.get("request") in ("status", "selectors")]
    assert {("everywhere", "us-east-2"), ("main", REGION), ("stopped", REGION), ("brief", REGION)} == {
        (one["for"]["arn"].rpartition("/")[2], one["region"]) for one in asked
    }
    assert (True, None) == (found.claim.complete, found.claim.reason)
    assert team.collect(entry("aws-secretsmanager")).claim.complete


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


@pytest.fixture(scope="module")
def written(moto):
    """Web ACLs in eu-north-1 that write to buckets, log groups and a stream, to some that are gone, and nowhere."""
    here = lambda service: boto3.client(service, region_name="eu-north-1", endpoint_url=moto, **KEYS)  # noqa: E731
    waf, s3, logs = here("wafv2"), here("s3"), here("logs")
    where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-north-1"}}
    s3.create_bucket(Bucket="aws-waf-logs-locked", ObjectLockEnabledForBucket=True, **where)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}}
    s3.put_object_lock_configuration(Bucket="aws-waf-logs-locked", ObjectLockConfiguration=lock)
    s3.create_bucket(Bucket="aws-waf-logs-brief", **where)
    rules = [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "edge/AWSLogs/"}, "Expiration": {"Days": 45}},
        {"ID": "b", "Status": "Enabled", "Filter": {"Prefix": "AWSLogs/"}, "Expiration": {"Days": 5}},
    ]
    s3.put_bucket_lifecycle_configuration(Bucket="aws-waf-logs-brief", LifecycleConfiguration={"Rules": rules})
    logs.create_log_group(logGroupName="aws-waf-logs-group", kmsKeyId="arn:aws:kms:eu-north-1:1:key/k")
    logs.put_retention_policy(logGroupName="aws-waf-logs-group", retentionInDays=180)
    group = "arn:aws:logs:eu-north-1:123456789012:log-group:aws-waf-logs"
    targets = {
        "locked": "arn:aws:s3:::aws-waf-logs-locked",
        "brief": "arn:aws:s3:::aws-waf-logs-brief/edge",
        "group": f"{group}-group",
        "stream": "arn:aws:firehose:eu-north-1:123456789012:deliverystream/aws-waf-logs-s",
        "lost": "arn:aws:s3:::aws-waf-logs-lost",
        "lost-group": f"{group}-lost",
        "nowhere": None,
    }
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    for name, target in targets.items():
        shape = {"Name": name, "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": seen}
        acl = waf.create_web_acl(Rules=[], **shape)["Summary"]
        given = {"ResourceArn": acl["ARN"], "LogDestinationConfigs": [target]}
        if target:
            waf.put_logging_configuration(LoggingConfiguration=given)


def _kept(row):
    return tuple(
        row[name] for name in ("delivering", "retention_days", "retention_infinite", "integrity", "encryption")
    )


def test_a_web_acl_keeps_as_long_as_what_it_writes_to(team, aws, written):
    """Buckets by lifecycle below their prefix and by lock, log groups by retention; of a stream nothing is known."""
    found = team.collect(entry("aws-wafv2", region="eu-north-1"))
    assert {
        "locked": (None, None, True, "worm_compliance", "provider_managed"),
        "brief": (None, 45, False, "none", "provider_managed"),
        "group": (None, 180, False, "none", "arn:aws:kms:eu-north-1:1:key/k"),
        "stream": (None, None, None, None, None),
        "lost": (False, 0, False, "none", None),
        "lost-group": (False, None, None, "none", None),
        "nowhere": (None, None, None, "none", None),
    } == {row["native"]: _kept(row) for row in found.sources.values()}
    sinks = {row["target"]: (row["type"], row["worm_mode"]) for row in found.rows["collected_log_sinks"]}
    assert ("bucket", "COMPLIANCE") == sinks["aws-waf-logs-locked"]
    assert ("bucket", "none") == sinks["aws-waf-logs-brief"]
    assert ("log_group", "none") == sinks["aws-waf-logs-group"]
    assert (True, None) == (found.claim.complete, found.claim.reason)


def test_a_lifecycle_that_is_refused_leaves_the_lock_of_a_web_acls_bucket(team, written, refusing):
    """Only for how long is not known then; nothing is off, and other destinations keep their facts."""
    refusing["?lifecycle"] = 403
    rows = {row["native"]: row for row in team.collect(entry("aws-wafv2", region="eu-north-1")).sources.values()}
    assert (None, None, None, "worm_compliance", "provider_managed") == _kept(rows["locked"])
    assert (None, 180, False, "none", "arn:aws:kms:eu-north-1:1:key/k") == _kept(rows["group"])
    assert {True, False} == {row["enabled"] for row in rows.values()}


@pytest.mark.parametrize("connector", ["aws-cloudtrail", "aws-s3-log-buckets"])
def test_a_lifecycle_that_is_refused_leaves_the_lock(team, refusing, connector):
    """Whether logs can be changed does not hang on for how long they are kept."""
    refusing["?lifecycle"] = 403
    rows = {row["native"]: row for row in team.collect(entry(connector)).sources.values()}
    row = rows["main" if connector == "aws-cloudtrail" else "locked"]
    assert (None, None, "worm_compliance") == tuple(
        row[name] for name in ("retention_days", "retention_infinite", "integrity")
    )
    assert "integrity" not in row["unknown"]


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


@pytest.fixture(scope="module")
def clusters(moto):
    """In eu-south-1 a cluster that exports its audit log, with an instance, and one that exports nothing."""
    here = lambda service: boto3.client(service, region_name="eu-south-1", endpoint_url=moto, **KEYS)  # noqa: E731
    rds, logs = here("rds"), here("logs")
    common = {"Engine": "aurora-mysql", "MasterUsername": "u", "MasterUserPassword": "S3NTINEL-master"}
    rds.create_db_cluster(DBClusterIdentifier="orders", EnableCloudwatchLogsExports=["audit"], **common)
    rds.create_db_cluster(DBClusterIdentifier="quiet", **common)
    node = {"Engine": "aurora-mysql", "DBInstanceClass": "db.r5.large"}
    rds.create_db_instance(DBInstanceIdentifier="orders-1", DBClusterIdentifier="orders", **node)
    alone = {**common, "Engine": "mysql", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 10}
    rds.create_db_instance(DBInstanceIdentifier="alone", EnableCloudwatchLogsExports=["audit"], **alone)
    rds.create_db_instance(DBInstanceIdentifier="silent", **alone)
    logs.create_log_group(logGroupName="/aws/rds/cluster/orders/audit")
    logs.put_retention_policy(logGroupName="/aws/rds/cluster/orders/audit", retentionInDays=400)


def _databases(team):
    rows = team.collect(entry("aws-rds", region="eu-south-1")).sources
    return {key.rpartition(":")[2]: (row["enabled"], row["retention_days"]) for key, row in rows.items()}


def test_a_cluster_exports_for_its_instances(team, aws, clusters):
    """A cluster is a source of its own; what its instance does not say itself the cluster says."""
    assert {
        "orders": (True, 400),
        "orders-1": (True, 400),
        "quiet": (False, None),
        "alone": (True, None),
        "silent": (False, None),
    } == _databases(team)


def test_clusters_that_are_refused_leave_the_databases_that_stand_alone(team, clusters, refusing):
    """Of an instance in a cluster it is not known then whether it logs; of the others it is."""
    refusing["Action=DescribeDBClusters&"] = 403
    told = _databases(team)
    assert (None, None) == told.pop("aws-rds")
    assert {"orders-1": (None, None), "alone": (True, None), "silent": (False, None)} == told


@pytest.mark.parametrize(
    ("group", "left"),
    [
        ({"allSupported": True, "includeGlobalResourceTypes": True}, []),
        ({"allSupported": True, "includeGlobalResourceTypes": False}, ["global resource types"]),
        (
            {
                "allSupported": False,
                "exclusionByResourceTypes": {"resourceTypes": ["AWS::IAM::User"]},
                "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
            },
            ["AWS::IAM::User"],
        ),
        ({"allSupported": False, "resourceTypes": ["AWS::S3::Bucket"]}, ["types that are not listed"]),
    ],
)
def test_what_a_recorder_leaves_out_is_named(team, aws, moto, group, left):
    """By its strategy: all but some types, or only those that are listed."""
    config = boto3.client("config", region_name="eu-west-2", endpoint_url=moto, **KEYS)
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "r", "roleARN": "arn:aws:iam::1:role/r", "recordingGroup": group}
    )
    assert left == team.collect(entry("aws-config", region="eu-west-2")).sources["aws-config:r"]["exclusions"]


def test_routes_and_methods_have_limits_of_their_own(team, aws, moto, request):
    """What an HTTP API's stage sets for one route is told beside what it sets for all."""
    http = boto3.client("apigatewayv2", region_name="ap-south-1", endpoint_url=moto, **KEYS)
    of = http.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    request.addfinalizer(lambda: http.delete_api(ApiId=of))
    limit = lambda rate: {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": 3}  # noqa: E731
    own = {"GET /x": {**limit(2.5), "DataTraceEnabled": True}}
    http.create_stage(ApiId=of, StageName="live", DefaultRouteSettings=limit(7), RouteSettings=own)
    found = team.collect(entry("aws-apigateway", region="ap-south-1"))
    assert {("stage live", 7.0), ("stage live GET /x", 2.5)} == {
        (row["scope"], row["limit_per_second"]) for row in found.rows["collected_rate_limits"]
    }
    assert "none: whole bodies are logged" == found.sources["aws-apigateway:live"]["masking"]


@pytest.mark.parametrize(("refused", "left"), [("DescribeDeliveryChannels", 3), ("DescribeTrails", 1)])
def test_buckets_that_one_service_names_are_told_when_the_other_is_refused(team, refusing, refused, left):
    """Each bucket keeps its facts, and one source of which nothing is known stands for what was refused."""
    refusing[refused] = 403
    found = team.collect(entry("aws-s3-log-buckets"))
    rows = dict(found.sources)
    assert rows.pop("aws-s3-log-buckets:aws-s3-log-buckets")["enabled"] is None
    assert (left, {True}) == (len(rows), {row["enabled"] for row in rows.values()})
    assert 30 == rows["aws-s3-log-buckets:short"]["retention_days"]
    assert (False, "missing") == (found.claim.complete, found.claim.scope["access"])


def test_a_versioning_that_is_refused_leaves_how_the_bucket_of_a_web_acl_is_encrypted(team, written, refusing):
    """Whether the bucket is there is not known then; its encryption has an answer of its own."""
    refusing["?versioning"] = 403
    rows = {row["native"]: row for row in team.collect(entry("aws-wafv2", region="eu-north-1")).sources.values()}
    assert (None, None, None, "worm_compliance", "provider_managed") == _kept(rows["locked"])
