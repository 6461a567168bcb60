"""Who may read or stop a log by IAM: allow, deny, conditions, boundaries, groups, managed policies."""

from __future__ import annotations

from typing import Any

import pytest

from soc2ev.sources.logs.facts_iam import iam_access

TRAIL = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/main"
OTHER = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/other"
READ, STOP = ["cloudtrail:LookupEvents"], ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail"]


def statement(action: Any, effect: str = "Allow", resource: Any = "*", **more: Any) -> dict[str, Any]:
    """One statement."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Any) -> dict[str, Any]:
    """A document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def account(*statements: Any, **user: Any) -> dict[str, Any]:
    """An account with one user, who has these statements inline."""
    inline = [{"PolicyName": "p", "PolicyDocument": policy(*statements)}] if statements else []
    ann = {"Arn": "arn:aws:iam::123456789012:user/ann", "UserName": "ann", "UserPolicyList": inline, **user}
    return {"UserDetailList": [ann]}


def told(details: Any, resource: str = TRAIL) -> tuple[bool | None, bool | None]:
    """Whether Ann may read and stop."""
    found = iam_access(details, [resource], READ, STOP)
    return (found[0]["can_read"], found[0]["can_stop"]) if found else (False, False)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], (False, False)),
        ([statement("*")], (True, True)),
        ([statement("cloudtrail:*")], (True, True)),
        ([statement("CLOUDTRAIL:stop*")], (False, True)),
        ([statement(["cloudtrail:Lookup?vents"])], (True, False)),
        ([statement("s3:*")], (False, False)),
        ([statement("cloudtrail:*", resource=OTHER)], (False, False)),
        ([statement("cloudtrail:*", resource=[OTHER, TRAIL[:-4] + "*"])], (True, True)),
        # An explicit deny wins, in whatever order.
        (
            [statement("*"), statement("cloudtrail:StopLogging", "Deny"), statement("cloudtrail:Delete*", "Deny")],
            (True, False),
        ),
        ([statement("*", "Deny"), statement("*")], (False, False)),
        # A condition, or a variable in the resource, leaves it open.
        ([statement("cloudtrail:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})], (None, None)),
        ([statement("*"), statement("cloudtrail:*", "Deny", Condition={"x": {}})], (None, None)),
        ([statement("cloudtrail:*", Condition={"x": {}}), statement("cloudtrail:*")], (True, True)),
        ([statement("cloudtrail:*", resource=TRAIL[:-4] + "${aws:username}")], (None, None)),
        # Everybody can ask with TLS.
        ([statement("*"), statement("*", "Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})], (True, True)),
        ([statement("*", Condition={"Bool": {"aws:SecureTransport": "true"}})], (True, True)),
        (
            [statement("*"), statement("*", "Deny", Condition={"Bool": {"aws:SecureTransport": "false", "x": "y"}})],
            (None, None),
        ),
        # What is not named by NotAction and NotResource is.
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], (True, True)),
        ([{"Effect": "Allow", "NotAction": ["cloudtrail:*"], "Resource": "*"}], (False, False)),
        ([{"Effect": "Allow", "Action": "*", "NotResource": TRAIL}], (False, False)),
        ([{"Effect": "Allow", "Action": "*", "NotResource": OTHER}], (True, True)),
    ],
)
def test_what_policies_give(statements: list[Any], expected: tuple[bool | None, bool | None]) -> None:
    """As IAM evaluates identity policies."""
    assert expected == told(account(*statements))


def test_groups_and_managed_policies_count() -> None:
    """A right comes by the group, or by the default version of a managed policy; one that is not told may give all."""
    managed = {
        "Arn": "arn:aws:iam::aws:policy/Audit",
        "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": False, "Document": policy(statement("*"))},
            {"VersionId": "v2", "IsDefaultVersion": True, "Document": policy(statement("cloudtrail:Lookup*"))},
        ],
    }
    attached = [{"PolicyName": "Audit", "PolicyArn": managed["Arn"]}]
    assert (True, False) == told(account(AttachedManagedPolicies=attached) | {"Policies": [managed]})
    group = {"GroupName": "ops", "GroupPolicyList": [{"PolicyDocument": policy(statement("cloudtrail:StopLogging"))}]}
    assert (False, True) == told(account(GroupList=["ops"]) | {"GroupDetailList": [group]})
    assert (None, None) == told(account(AttachedManagedPolicies=attached))


def test_a_boundary_takes_away() -> None:
    """What it does not allow is not allowed; one that is not in the answer leaves it open."""
    boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": "arn:b"}}
    document = [{"IsDefaultVersion": True, "Document": policy(statement("cloudtrail:Lookup*"))}]
    known = {"Policies": [{"Arn": "arn:b", "PolicyVersionList": document}]}
    assert (True, False) == told(account(statement("*"), **boundary) | known)
    assert (None, None) == told(account(statement("*"), **boundary))


def test_roles_are_told_with_their_arn_and_nobody_without_a_right() -> None:
    """A role that may, a user who may not."""
    role = {"Arn": "arn:aws:iam::1:role/ops", "RolePolicyList": [{"PolicyDocument": policy(statement("*"))}]}
    found = iam_access(account() | {"RoleDetailList": [role]}, [TRAIL], READ, STOP)
    assert [("arn:aws:iam::1:role/ops", "role", True, True)] == [
        (one["principal"], one["kind"], one["can_read"], one["can_stop"]) for one in found
    ]


def test_what_is_no_policy_is_not_no_right() -> None:
    """A document that is not understood makes the readers unknown."""
    broken = account()
    broken["UserDetailList"][0]["UserPolicyList"] = [{"PolicyDocument": "%7B"}]
    with pytest.raises(TypeError):
        iam_access(broken, [TRAIL], READ, STOP)
