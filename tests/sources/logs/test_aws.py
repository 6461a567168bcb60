"""Connectors for AWS against moto's server: trails, buckets, groups, and what is refused."""

from __future__ import annotations

import boto3
import pytest

from soc2ev.sources.logs.facts_aws import trail_exclusions
from tests.sources.logs.aws_account import KEYS, REGION, entry
from tests.sources.logs.conftest import free_port


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


def test_recorders_and_detectors_that_do_not_run_are_off(team, aws):
    """A recorder that was never started and a disabled detector are off, by what they say themselves."""
    assert [False] == [row["enabled"] for row in team.collect(entry("aws-config")).sources.values()]
    found = team.collect(entry("aws-guardduty"))
    (row,) = found.sources.values()
    assert (False, 90, "plan") == (row["enabled"], row["retention_days"], row["retention_basis"])


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
