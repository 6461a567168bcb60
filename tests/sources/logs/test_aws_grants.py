"""What the ACLs of log buckets grant, and what two entries see of one AWS."""

from __future__ import annotations

import boto3
import pytest

from soc2ev.sources.logs.facts_buckets import bucket_grants
from tests.sources.logs.aws_account import KEYS, REGION, entry

_GROUPS = "http://acs.amazonaws.com/groups/"


def _acl(*grants):
    made = [{"Grantee": {"Type": "Group", "URI": _GROUPS + who}, "Permission": may} for who, may in grants]
    own = {"Grantee": {"Type": "CanonicalUser", "ID": "me"}, "Permission": "FULL_CONTROL"}
    return {"Owner": {"ID": "me"}, "Grants": [own, *made]}


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ([("global/AllUsers", "READ")], [("*", "anyone", True, False)]),
        ([("global/AllUsers", "WRITE")], [("*", "anyone", False, True)]),
        ([("global/AuthenticatedUsers", "READ_ACP")], [("AuthenticatedUsers", "anyone", False, False)]),
        ([("s3/LogDelivery", "WRITE"), ("s3/LogDelivery", "READ_ACP")], [("LogDelivery", "group", False, False)]),
        ([("s3/LogDelivery", "WRITE_ACP")], [("LogDelivery", "group", True, True)]),
        ([], []),
    ],
)
def test_grants_of_an_acl_are_told_but_those_of_the_owner_and_of_delivery(grants, told):
    """Everybody by READ and WRITE; the group that delivers logs stops nothing by writing; the owner is no other."""
    rows = bucket_grants(_acl(*grants), None)
    assert told == [(one["principal"], one["kind"], one["can_read"], one["can_stop"]) for one in rows]


def test_another_account_is_told_by_its_id_and_acls_that_are_off_grant_nothing():
    """WRITE_ACP grants itself the rest; where the bucket's owner owns all objects nothing of it holds."""
    acl = _acl()
    acl["Grants"].append({"Grantee": {"Type": "CanonicalUser", "ID": "other"}, "Permission": "WRITE_ACP"})
    (row,) = bucket_grants(acl, None)
    assert {"principal": "other", "kind": "canonical user", "can_read": True, "can_stop": True} == row
    off = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    assert [] == bucket_grants(acl, off)


@pytest.fixture
def public(aws, moto):
    """The log bucket `short` is open to everybody by its ACL; a function that ignores that."""
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=moto, **KEYS)
    s3.put_bucket_acl(Bucket="short", ACL="public-read")
    flags = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    yield lambda: s3.put_public_access_block(Bucket="short", PublicAccessBlockConfiguration=flags)
    s3.put_bucket_acl(Bucket="short", ACL="private")
    s3.delete_public_access_block(Bucket="short")


def _by_acl(found):
    rows = found.of("aws-s3-log-buckets:short", "collected_log_readers")
    return [(row["principal"], row["can_read"], row["can_stop"]) for row in rows if row["via"] == "bucket ACL"]


def test_a_public_acl_of_a_log_bucket_is_told_until_it_is_ignored(team, public, refusing):
    """Everybody reads until public ACLs are ignored; an ACL that is refused leaves only the readers unknown."""
    assert [("*", True, False)] == _by_acl(team.collect(entry("aws-s3-log-buckets")))
    refusing["?acl"] = 403
    row = team.collect(entry("aws-s3-log-buckets")).sources["aws-s3-log-buckets:short"]
    assert (["readers"], True) == (row["unknown"], row["enabled"])
    refusing.clear()
    public()
    assert [] == _by_acl(team.collect(entry("aws-s3-log-buckets")))


def test_one_trail_that_two_regions_show_is_one_source(team, aws):
    """A trail of all regions and its bucket are told once; a group of another region with the name is another one."""
    both = [entry("aws-cloudtrail", name=f"trails-{region}", region=region) for region in (REGION, "us-east-1")]
    alone, found = team.collect(entry("aws-cloudtrail")).sources, team.collect(*both)
    assert set(alone) == {key for key in found.sources if "@" not in key}
    assert all(claim.complete for claim in found.claims.values())


def test_the_same_groups_by_two_entries_are_told_once(team, aws):
    """One region twice is no second source of each log group; counts stay those of the rows."""
    twice = [entry("aws-cloudwatch-logs", name=name) for name in ("one", "two")]
    found = team.collect(*twice)
    assert set(team.collect(entry("aws-cloudwatch-logs")).sources) == set(found.sources)
    assert [60, 0] == [claim.fetched for claim in found.claims.values()]
