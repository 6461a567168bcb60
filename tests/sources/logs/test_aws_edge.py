"""Web ACLs and stages of AWS against moto's server: limits, where they write, and for how long that is kept."""

from __future__ import annotations

import boto3
import pytest

from soc2ev.sources.logs.facts_aws import waf_group_limits
from tests.sources.logs.aws_account import KEPT, KEYS, entry


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


def test_a_stage_keeps_as_long_as_the_log_group_that_it_writes_to(team, stages):
    """Days or for ever by the group of exactly that name; what becomes of a stream, or where no group is, nobody knows."""
    found = team.collect(entry("aws-apigateway", region="eu-west-3"))
    assert {
        "finite": (True, 90, False, "configured"),
        "ever": (True, None, True, "configured"),
        "gone": (True, None, None, "unknown"),
        "stream": (True, None, None, "unknown"),
        "web": (True, 90, False, "configured"),
    } == {key.rpartition(":")[2]: tuple(row[name] for name in KEPT) for key, row in found.sources.items()}
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
    assert (True, None, None, None) == tuple(row[name] for name in KEPT)
    assert {"retention_days", "retention_infinite", "retention_basis"} == {
        name for name in row["unknown"] if not name.startswith("sinks")
    }
    assert ["/api/a"] == [one["target"] for one in found.of(row["key"], "collected_log_sinks")]
    assert [] == found.sources["aws-apigateway:stream"]["unknown"]


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


def test_a_versioning_that_is_refused_leaves_how_the_bucket_of_a_web_acl_is_encrypted(team, written, refusing):
    """Whether the bucket is there is not known then; its encryption has an answer of its own."""
    refusing["?versioning"] = 403
    rows = {row["native"]: row for row in team.collect(entry("aws-wafv2", region="eu-north-1")).sources.values()}
    assert (None, None, None, "worm_compliance", "provider_managed") == _kept(rows["locked"])


def test_groups_that_firewall_manager_put_before_and_behind_an_acl_limit_too():
    """Groups of the administrator stand beside the rules of the ACL; one that counts enforces nothing."""
    groups = [
        {"for": f"arn:{n}", "state": "ok", "answer": {"RuleGroup": {"Name": n, "Rules": [_rated("rate", "Block")]}}}
        for n in ("first", "last")
    ]
    refers = lambda name, action: {  # noqa: E731
        "FirewallManagerStatement": {"RuleGroupReferenceStatement": {"ARN": f"arn:{name}"}},
        "OverrideAction": {action: {}},
    }
    acl = {"PreProcessFirewallManagerRuleGroups": [refers("first", "None")], "Rules": []}
    acl |= {"PostProcessFirewallManagerRuleGroups": [refers("last", "Count")]}
    assert [("first/rate", True), ("last/rate", False)] == [
        (one["scope"], one["enforced"]) for one in waf_group_limits({"WebACL": acl}, groups)
    ]
    with pytest.raises(TypeError, match="arn:last"):
        waf_group_limits({"WebACL": acl}, groups[:1])
