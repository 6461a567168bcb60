"""What answers of AWS tell about a bucket: how long it keeps logs, and who may read or stop them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from soc2ev.model import Json
from soc2ev.sources.logs.facts_iam import Policy, may

_YEAR = 365
_READING = ("s3:GetObject", "s3:GetObjectVersion")
_STOPPING = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:DeleteBucket",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketPolicy",
)
"""What ends the keeping of logs: deleting them, letting them expire, or letting others do so."""
_OWNING = ("WRITE_ACP", "FULL_CONTROL")
"""Who may change an ACL may grant himself the rest."""
_WILD = re.compile(r"\$\{[^}]*\}|[*?]")


def policy_principals(document: str | None) -> list[Json]:
    """Who the Allow statements of a policy name, each with its actions; [] without a policy."""
    try:
        parsed = json.loads(document or "{}")
    except ValueError:
        raise TypeError("the policy is no JSON") from None
    return [
        {"principal": name, "kind": kind, "actions": _listed(statement.get("Action"))}
        for statement in _listed(parsed.get("Statement"))
        if isinstance(statement, dict) and statement.get("Effect") == "Allow"
        for kind, name in _principals(statement.get("Principal"))
    ]


def _principals(principal: Json) -> Iterator[tuple[str, str]]:
    if principal == "*":
        yield "anyone", "*"
    elif isinstance(principal, dict):
        for kind, names in principal.items():
            for name in _listed(names):
                yield str(kind), str(name)


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def bucket_access(document: str | None, bucket: str) -> list[Json]:
    """
    Whom a policy of a bucket (its ARN) lets read logs or stop them: `principal`, `kind`, `can_read` and `can_stop`.

    Null where a condition decides. Wildcards, `NotAction` and `NotPrincipal` count as IAM has them, and so does a Deny
    that is for the principal or for everybody. [] without a policy; TypeError for what is none.
    """
    statements = _policy(document)
    allowed = [one for one in statements if one.get("Effect") == "Allow"]
    named = dict.fromkeys(found for one in allowed for found in _named(one))
    return [
        {"principal": name, "kind": kind, **_rights([one for one in statements if _is_for(one, kind, name)], bucket)}
        for kind, name in named
    ]


def bucket_grants(acl: Json, ownership: Json) -> list[Json]:
    """
    What the ACL of a bucket grants others than its owner: `principal`, `kind`, `can_read` and `can_stop`.

    Everybody is `*` of the kind `anyone`; [] where the owner of the bucket owns all objects, for then ACLs are off.
    READ lists what there is, and each object has an ACL of its own: it counts as reading, as the most that it may give.
    The group with which S3 itself delivers logs writes, and stops nothing.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
    """
    rules = ((ownership or {}).get("OwnershipControls") or {}).get("Rules") or ()
    if any(one.get("ObjectOwnership") == "BucketOwnerEnforced" for one in rules):
        return []
    owner = ((acl or {}).get("Owner") or {}).get("ID")
    granted: dict[tuple[str, str], set[str]] = {}
    for one in (acl or {}).get("Grants") or ():
        given = one.get("Grantee") or {}
        if owner is None or given.get("ID") != owner:
            granted.setdefault(_grantee(given), set()).add(str(one.get("Permission")))
    return [
        {
            "principal": name,
            "kind": kind,
            "can_read": bool(rights & {"READ", *_OWNING}),
            "can_stop": bool(rights & {*(() if name == "LogDelivery" else ("WRITE",)), *_OWNING}),
        }
        for (kind, name), rights in granted.items()
    ]


def _grantee(given: Mapping[str, Json]) -> tuple[str, str]:
    group = str(given.get("URI") or "").rpartition("/")[2]
    if group in ("AllUsers", "AuthenticatedUsers"):
        return "anyone", "*" if group == "AllUsers" else group
    if group:
        return "group", group
    return "canonical user", str(given.get("ID") or given.get("EmailAddress") or "somebody")


def _policy(document: str | None) -> list[Mapping[str, Json]]:
    try:
        parsed = json.loads(document or "{}")
    except ValueError:
        raise TypeError("the policy is no JSON") from None
    if not isinstance(parsed, dict):
        raise TypeError("the policy is no object")
    return [one for one in _listed(parsed.get("Statement")) if isinstance(one, dict)]


def _named(statement: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    if "NotPrincipal" in statement:
        others = sorted(name for _, name in _principals(statement["NotPrincipal"]))
        yield "anyone", f"* but {', '.join(others)}"
    yield from (("anyone" if name == "*" else kind, name) for kind, name in _principals(statement.get("Principal")))


def _is_for(statement: Mapping[str, Json], kind: str, name: str) -> bool:
    named = list(_named(statement))
    if statement.get("Effect") == "Deny" and "NotPrincipal" in statement:
        return name not in (other for _, other in _principals(statement["NotPrincipal"]))
    return (kind, name) in named or ("anyone", "*") in named


def _rights(statements: Policy, bucket: str) -> dict[str, Json]:
    # A part of the bucket counts: each form is tried with one key that it fits.
    forms = [str(form) for one in statements for form in _listed(one.get("Resource"))]
    tried = [found for form in forms if (found := _WILD.sub("any", form)).startswith(f"{bucket}/")]
    places = list(dict.fromkeys([bucket, f"{bucket}/any", *tried]))
    return {
        "can_read": may([statements], None, _READING, places),
        "can_stop": may([statements], None, _STOPPING, places),
    }


def trail_prefix(trail: Json) -> str:
    """
    Below what a trail writes its logs: `[PREFIX/]AWSLogs/ACCOUNT/CloudTrail/`.

    A trail of an organisation writes below its id and every account: then `[PREFIX/]AWSLogs/` is what all share.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html
    """
    given = trail or {}
    account = str(given.get("TrailARN") or "").split(":")[4:5]
    own = f"{account[0]}/CloudTrail/" if account and account[0] and not given.get("IsOrganizationTrail") else ""
    return f"{_below(given.get('S3KeyPrefix'))}AWSLogs/{own}"


def _below(prefix: Json) -> str:
    return f"{prefix}/" if prefix else ""


def bucket_retention(versioning: Json, lifecycle: Json, lock: Json, prefixes: Json) -> Json:
    """
    For how long the logs in a bucket are kept: `days`, `infinite`, `worm` and `integrity`.

    Without an expiration that reaches the logs nothing is ever deleted. Under versioning an expiration only hides the
    object; it is gone when a rule for non-current versions runs as well, that many days later. A rule for a part of the
    logs shortens what is promised for all. Object Lock may keep longer than the lifecycle. `prefixes` are those below
    which AWS writes its `AWSLogs/`, or with that in them the whole way to the logs. Without an answer about versioning
    there is no such bucket, and nothing is kept.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    if versioning is None:
        return {"days": 0, "infinite": False, "worm": "none", "integrity": "none", "lock_days": 0}
    enabled = [rule for rule in (lifecycle or {}).get("Rules") or () if rule.get("Status") == "Enabled"]
    logs = [
        str(prefix) if "AWSLogs/" in str(prefix) else f"{_below(prefix)}AWSLogs/" for prefix in (prefixes or [None])
    ]
    rules = [rule for rule in enabled if _reaches_logs(rule, logs)]
    # While it is suspended, what expires overwrites itself: both have the version id null.
    versioned = versioning.get("Status") == "Enabled"
    current = [_days(rule.get("Expiration")) for rule in rules]
    later = [_noncurrent(rule) for rule in rules]
    expires = least(current)
    if expires is not None and versioned:
        gone = least(later)
        expires = None if gone is None else expires + gone
    held, mode = _locked(lock)
    days = None if expires is None else max(expires, held)
    integrity = {"COMPLIANCE": "worm_compliance", "GOVERNANCE": "worm_governance"}.get(mode, "none")
    return {"days": days, "infinite": days is None, "worm": mode or "none", "integrity": integrity, "lock_days": held}


def log_prefixes(trails: Json, channels: Json, bucket: str) -> list[str]:
    """Below what trails and delivery channels of AWS Config write to that bucket; empty for its root."""
    found = [trail_prefix(one) for one in trails or () if one.get("S3BucketName") == bucket]
    return found + [one.get("s3KeyPrefix") or "" for one in channels or () if one.get("s3BucketName") == bucket]


def _reaches_logs(rule: Mapping[str, Json], logs: list[str]) -> bool:
    """Whether the rule's filter lets any log through; AWS writes logs without tags."""
    chosen = rule.get("Filter") or {}
    both = chosen.get("And") or {}
    if chosen.get("Tag") or both.get("Tags"):
        return False
    prefix = str(rule.get("Prefix") or chosen.get("Prefix") or both.get("Prefix") or "")
    return any(log.startswith(prefix) or prefix.startswith(log) for log in logs)


def _days(expiration: Json) -> int | None:
    if not isinstance(expiration, dict):
        return None
    # A date in the rule deletes everything on that day: nothing is promised beyond it.
    return 0 if expiration.get("Date") else expiration.get("Days")


def _noncurrent(rule: Mapping[str, Json]) -> int | None:
    found = rule.get("NoncurrentVersionExpiration")
    # A log has one non-current version: a rule that leaves the newest ones never deletes it.
    return found.get("NoncurrentDays") if isinstance(found, dict) and not found.get("NewerNoncurrentVersions") else None


def least(days: list[int | None]) -> int | None:
    """The smallest of those that are known; None when none is."""
    return min((day for day in days if day is not None), default=None)


def _locked(lock: Json) -> tuple[int, str]:
    found = (lock or {}).get("ObjectLockConfiguration") or {}
    rule = (found.get("Rule") or {}).get("DefaultRetention") or {}
    if found.get("ObjectLockEnabled") != "Enabled" or not rule.get("Mode"):
        return 0, ""
    return int(rule.get("Days") or 0) + _YEAR * int(rule.get("Years") or 0), str(rule["Mode"])
