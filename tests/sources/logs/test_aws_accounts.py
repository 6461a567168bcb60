"""Several accounts of AWS in one run: each entry with the profile of its own."""

from __future__ import annotations

import boto3
import pytest

from soc2ev.errors import ConfigError
from tests.sources.logs.aws_account import KEYS, REGION, entry

ARCHIVE = "210987654321"
PROFILES = f"""
[profile archive]
role_arn = arn:aws:iam::{ARCHIVE}:role/reader
source_profile = base
region = {REGION}
"""


@pytest.fixture
def archive(aws, moto, tmp_path):
    """A second account with a trail named as one of the first, and one of its own; a profile that assumes its role."""
    sts = boto3.client("sts", region_name=REGION, endpoint_url=moto, **KEYS)
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{ARCHIVE}:role/reader", RoleSessionName="test")["Credentials"]
    theirs = {
        "aws_access_key_id": role["AccessKeyId"],
        "aws_secret_access_key": role["SecretAccessKey"],
        "aws_session_token": role["SessionToken"],
    }
    client = {
        name: boto3.client(name, region_name=REGION, endpoint_url=moto, **theirs) for name in ("s3", "cloudtrail")
    }
    client["s3"].create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in ("main", "archived"):
        client["cloudtrail"].create_trail(Name=name, S3BucketName="theirs")
    client["cloudtrail"].start_logging(Name="archived")
    (tmp_path / "config").write_text(PROFILES, encoding="utf-8")
    base = "\n".join(f"{name} = {value}" for name, value in KEYS.items())
    (tmp_path / "credentials").write_text(f"[base]\n{base}\n", encoding="utf-8")
    aws.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    yield aws
    for name in ("main", "archived"):
        client["cloudtrail"].delete_trail(Name=name)
    client["s3"].delete_bucket(Bucket="theirs")


def test_each_entry_asks_the_account_of_its_profile(team, archive):
    """Two trails with one name in two accounts are two sources; each tells of its own account alone."""
    found = team.collect(entry("aws-cloudtrail", name="own"), entry("aws-cloudtrail", name="theirs", profile="archive"))
    states = {key: row["enabled"] for key, row in found.sources.items()}
    assert {
        "aws-cloudtrail:main": True,
        "aws-cloudtrail:stopped": False,
        "aws-cloudtrail:brief": True,
        "aws-cloudtrail:archived": True,
        "aws-cloudtrail:main@theirs": False,
    } == states


@pytest.mark.parametrize("by_name", [True, False])
def test_a_profile_that_is_not_there_is_refused_before_anything_is_asked(team, archive, by_name):
    """In the entry or in the environment: the error names it, and says where profiles stand."""
    if not by_name:
        archive.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(ConfigError, match="nowhere") as found:
        team.collect(entry("aws-cloudtrail", **({"profile": "nowhere"} if by_name else {})))
    assert "~/.aws/config" in found.value.hint
