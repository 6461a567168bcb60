"""
Who may read or stop a log by the policies of IAM, from `get_account_authorization_details`. Pure.

Identity policies only: policies of organisations and sessions can take rights away that these give, so that a row says
who may by IAM. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from soc2ev.model import Json

Policy = Sequence[Mapping[str, Json]]
"""Its statements."""
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def iam_access(details: Json, resources: Json, reading: Sequence[str], stopping: Sequence[str]) -> list[Json]:
    """
    Users and roles that may do one of the actions on one of the resources (ARNs), by name.

    `can_read` and `can_stop` are null where a condition, or a boundary that is not in the answer, decides. Whoever may
    do nothing is left out. TypeError for what is no such answer.
    """
    wanted = [str(one) for one in resources or () if one]
    if not isinstance(details, dict) or not wanted:
        return []
    account = _Account(details)
    found = []
    for kind, name, policies, boundary in account.principals():
        read, stop = (may(policies, boundary, actions, wanted) for actions in (reading, stopping))
        if read is not False or stop is not False:
            found.append({"principal": name, "kind": kind, "can_read": read, "can_stop": stop, "via": "IAM"})
    return found


class _Account:
    """The answer by name."""

    def __init__(self, details: Mapping[str, Json]) -> None:
        self._details = details
        self._managed = {one["Arn"]: _default(one) for one in details.get("Policies") or ()}
        self._groups = {
            one["GroupName"]: list(self._of(one, "GroupPolicyList")) for one in details.get("GroupDetailList") or ()
        }

    def principals(self) -> Iterator[tuple[str, str, list[Policy], list[Policy] | None]]:
        """Kind, ARN, policies, and the boundary: None without one, empty when it is not known."""
        for user in self._details.get("UserDetailList") or ():
            policies = list(self._of(user, "UserPolicyList"))
            for group in user.get("GroupList") or ():
                policies += self._groups.get(group, ())
            yield "user", str(user["Arn"]), policies, self._boundary(user)
        for role in self._details.get("RoleDetailList") or ():
            yield "role", str(role["Arn"]), list(self._of(role, "RolePolicyList")), self._boundary(role)

    def _of(self, one: Mapping[str, Json], inline: str) -> Iterator[Policy]:
        for policy in one.get(inline) or ():
            yield _statements(policy.get("PolicyDocument"))
        for attached in one.get("AttachedManagedPolicies") or ():
            # One that is attached and not in the answer may allow anything.
            yield self._managed.get(attached["PolicyArn"], _ANYTHING)

    def _boundary(self, one: Mapping[str, Json]) -> list[Policy] | None:
        named = (one.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        if not named:
            return None
        return [self._managed[named]] if named in self._managed else []


_ANYTHING: Policy = ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"unknown": {}}},)


def _default(policy: Mapping[str, Json]) -> Policy:
    versions = [one for one in policy.get("PolicyVersionList") or () if one.get("IsDefaultVersion")]
    return _statements(versions[0].get("Document")) if versions else _ANYTHING


def _statements(document: Json) -> Policy:
    if not isinstance(document, dict):
        raise TypeError("a policy of IAM is not understood")
    return [one for one in _listed(document.get("Statement")) if isinstance(one, dict)]


def may(
    policies: Iterable[Policy], boundary: list[Policy] | None, actions: Iterable[str], resources: Iterable[str]
) -> bool | None:
    """
    True when one of the actions is allowed on one of the resources (ARNs), null when a condition decides about the best
    of them. A `boundary` without statements is one that is not known.
    """
    told = [_allowed(policies, boundary, action, one) for action in actions for one in resources]
    return True if True in told else None if None in told else False


def _allowed(policies: Iterable[Policy], boundary: list[Policy] | None, action: str, resource: str) -> bool | None:
    own = _by_policies(policies, action, resource)
    if own is False or boundary is None:
        return own
    within = _by_policies(boundary, action, resource) if boundary else None
    return False if within is False else own if within else None


def _by_policies(policies: Iterable[Policy], action: str, resource: str) -> bool | None:
    """An explicit deny wins; one with a condition leaves it open."""
    allowed: bool | None = False
    doubtful = False
    for statement in (one for policy in policies for one in policy):
        if not _concerns(statement, action, resource):
            continue
        tls = _asks_for_tls(statement)
        conditional = (bool(statement.get("Condition")) and not tls) or _VARIABLE.search(
            str(statement.get("Resource"))
        ) is not None
        if statement.get("Effect") == "Deny":
            if tls:
                continue
            if not conditional:
                return False
            doubtful = True
        elif statement.get("Effect") == "Allow":
            allowed = True if not conditional or allowed is True else None
    return None if allowed and doubtful else allowed


def _asks_for_tls(statement: Mapping[str, Json]) -> bool:
    """Whether the only condition is how the connection is encrypted, which everybody can choose."""
    tests = [one for one in (statement.get("Condition") or {}).values() if isinstance(one, dict)]
    keys = {str(key).lower() for one in tests for key in one}
    return bool(keys) and keys <= {"aws:securetransport", "s3:tlsversion"}


def _concerns(statement: Mapping[str, Json], action: str, resource: str) -> bool:
    named = _any(statement.get("Action"), action.lower(), lower=True)
    if "NotAction" in statement:
        named = not _any(statement["NotAction"], action.lower(), lower=True)
    placed = _any(statement.get("Resource"), resource)
    if "NotResource" in statement:
        placed = not _any(statement["NotResource"], resource)
    return named and placed


def _any(forms: Json, text: str, *, lower: bool = False) -> bool:
    return any(_form(str(one).lower() if lower else str(one)).fullmatch(text) for one in _listed(forms))


@lru_cache(10_000)
def _form(text: str) -> re.Pattern[str]:
    """`*` and `?` as IAM has them; a variable stands for anything, and makes the statement conditional."""
    parts = re.split(r"([*?])", _VARIABLE.sub("*", text))
    return re.compile("".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


__all__ = ["iam_access", "may"]
