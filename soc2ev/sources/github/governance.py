"""
What GitHub's answers about rules, people and settings say, as rows of the declared tables.

As in `streams`: each function turns one body into rows and uses nothing but that body and its own request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from soc2ev.model import Json
from soc2ev.sources.github import strict, tables
from soc2ev.sources.github.shapes import ZERO, account

Row = tuple[str, Mapping[str, Json]]
Asked = Mapping[str, Json]

ACTIVE = "active"
"""The enforcement of a ruleset that binds; those in `evaluate` and `disabled` ask for nothing."""
_ADMINISTRATORS = (("RepositoryRole", 5), ("OrganizationAdmin", None))
"""Bypass actors that mean every administrator: 5 is GitHub's number of the repository role `admin`."""
_UNPROTECTED, _NO_BRANCH = "Branch not protected", "Branch not found"
OVERRIDE = "protected_branch.policy_override"
"""What the audit log calls a merge or push in spite of classic protection."""
_BLANK: Mapping[str, Json] = dict.fromkeys(column.name for column in tables.RULES.columns)


def ruleset_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_rules: a ruleset that is enforced, for each production ref that it binds as the request says."""
    if strict.text(data["enforcement"]) != ACTIVE:
        return
    for ref in asked["refs"]:
        yield tables.RULES.name, {**_BLANK, **_of_ref(asked, ref), **_ruleset(data)}


def _ruleset(value: Json) -> dict[str, Json]:
    actors = value.get("bypass_actors")
    return {
        "origin": f"ruleset:{value['id']}",
        "name": value["name"],
        "level": value.get("source_type"),
        "changed_at": value.get("updated_at"),
        **asked_of(value),
        "admins_included": None if actors is None else not any(_is_administrators(one) for one in actors),
        "bypass_visible": actors is not None,
        "bypass": None if actors is None else [_actor(one) for one in actors],
    }


def asked_of(value: Json) -> dict[str, Json]:
    """What a ruleset asks of the refs that it binds."""
    reviews = _parameters(value, "pull_request")
    queues = _parameters(value, "merge_queue")
    return {
        "approvals": max((strict.number(one["required_approving_review_count"]) for one in reviews), default=None),
        "dismiss_stale": strict.is_any(reviews, "dismiss_stale_reviews_on_push"),
        "code_owners": strict.is_any(reviews, "require_code_owner_review"),
        "last_push_approval": strict.is_any(reviews, "require_last_push_approval"),
        **_required(_parameters(value, "required_status_checks")),
        "workflows": _workflows(_parameters(value, "workflows")),
        "merge_queue": bool(queues),
        "grouping": next((one.get("grouping_strategy") for one in queues), None),
        "no_force_push": bool(_parameters(value, "non_fast_forward")),
        "no_deletion": bool(_parameters(value, "deletion")),
    }


def _parameters(value: Json, kind: str) -> list[Json]:
    return [rule.get("parameters") or {} for rule in value["rules"] if strict.text(rule["type"]) == kind]


def _workflows(rules: Sequence[Json]) -> list[str] | None:
    return [strict.text(one["path"]) for rule in rules for one in rule["workflows"]] if rules else None


def _required(rules: Sequence[Json]) -> dict[str, Json]:
    """The required checks of a ruleset; None for the lists when it has no such rule. TypeError when it names none."""
    found = [one for rule in rules for one in rule["required_status_checks"]]
    if rules and not found:
        raise TypeError("a rule asks for checks and names none")
    return {
        "checks": [strict.text(one["context"]) for one in found] if rules else None,
        "check_apps": [app_number(one.get("integration_id")) for one in found] if rules else None,
        "strict": strict.is_any(rules, "strict_required_status_checks_policy"),
    }


def app_number(value: Json) -> str:
    """The number of an App as a text; empty for any App. Classic protection writes any App as -1 too."""
    return "" if value is None or value == -1 else str(strict.number(value))


def _is_administrators(actor: Json) -> bool:
    always = strict.text(actor["bypass_mode"]) != "pull_request"
    kind = strict.text(actor["actor_type"])
    role = strict.number(actor["actor_id"]) if kind == "RepositoryRole" else None
    return always and (kind, role) in _ADMINISTRATORS


def _actor(actor: Json) -> str:
    return f"{actor['actor_type']}:{'' if actor.get('actor_id') is None else actor['actor_id']}:{actor['bypass_mode']}"


def protection_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """
    github_rules: the classic protection of a branch, which does not tell when it was changed.

    Where there is none, and no ruleset binds the branch either (`bound` of the request), a row says so.
    """
    if "message" in data:
        if is_unprotected(data) and not asked["bound"]:
            yield tables.RULES.name, {**_BLANK, **_of_ref(asked, asked["ref"]), "origin": "none"}
        return
    if "enforce_admins" not in data:
        raise KeyError("enforce_admins")  # An object without what every protection has is none.
    reviews = _part(data, "required_pull_request_reviews")
    reviewing = reviews or {}
    approvals = None if reviews is None else strict.number(reviews["required_approving_review_count"])
    forced, deleted = _enabled(data, "allow_force_pushes"), _enabled(data, "allow_deletions")
    row = {
        "origin": "protection",
        "name": asked["ref"],
        "level": "Repository",
        "approvals": approvals,
        "dismiss_stale": bool(reviewing.get("dismiss_stale_reviews")),
        "code_owners": bool(reviewing.get("require_code_owner_reviews")),
        "last_push_approval": bool(reviewing.get("require_last_push_approval")),
        **_protected_checks(_part(data, "required_status_checks")),
        "merge_queue": False,
        "no_force_push": None if forced is None else not forced,
        "no_deletion": None if deleted is None else not deleted,
        "admins_included": _enabled(data, "enforce_admins"),
        "bypass_visible": True,
        "bypass": _allowances(data, reviewing),
    }
    yield tables.RULES.name, {**_BLANK, **_of_ref(asked, asked["ref"]), **row}


def _part(data: Json, name: str) -> Json:
    """What protection asks for in one respect; None where it was left out, which says that it asks for nothing."""
    found = data.get(name)
    if name in data and not isinstance(found, dict):
        raise TypeError(f"{name} is neither told nor left out")
    return found


def _protected_checks(value: Json) -> dict[str, Json]:
    """The required checks of classic protection: by App where GitHub tells it, else by name alone."""
    if value is None or value.get("enforcement_level") == "off":
        return {"checks": None, "check_apps": None, "strict": False}
    listed = value.get("checks") or [{"context": name} for name in value["contexts"]]
    if not all(isinstance(one["context"], str) for one in listed):
        raise TypeError("a required check has no name")
    return {
        "checks": [one["context"] for one in listed],
        "check_apps": [app_number(one.get("app_id")) for one in listed],
        "strict": value.get("strict"),
    }


def _enabled(data: Json, name: str) -> bool | None:
    """Whether that is switched on; None where it was left out, as older servers do."""
    return strict.flag(data[name]["enabled"]) if name in data else None


def _allowances(data: Json, reviewing: Json) -> list[str]:
    """Who is exempt from reviews, and administrators unless they are included."""
    allowed = reviewing.get("bypass_pull_request_allowances") or {}
    kinds = (("users", "User"), ("teams", "Team"), ("apps", "Integration"))
    found = [f"{kind}:{one['id']}:pull_request" for name, kind in kinds for one in allowed.get(name) or ()]
    return found if _enabled(data, "enforce_admins") else [*found, "RepositoryRole:5:always"]


def branch_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """
    github_rules, from what everybody may see of a branch: that nothing binds it, or the names of the required checks.

    The request says whether rulesets bind it (`bound`).
    """
    row = {**_BLANK, **_of_ref(asked, asked["ref"])}
    if is_protected(data):
        checks = _protected_checks((data.get("protection") or {}).get("required_status_checks"))
        told = {"origin": "protection", "name": asked["ref"], "level": "Repository", "bypass_visible": False}
        yield tables.RULES.name, {**row, **told, **checks, "strict": None}
    elif not asked["bound"]:
        yield tables.RULES.name, {**row, "origin": "none"}


def is_unprotected(data: Json) -> bool:
    """Whether a 404 says that a branch has no classic protection; to those who may not know it says `Not Found`."""
    return bool(data.get("message") == _UNPROTECTED)


def is_gone(data: Json) -> bool:
    """Whether a 404 says that there is no such branch now."""
    return bool(data.get("message") == _NO_BRANCH)


def is_protected(data: Json) -> bool:
    """Whether a branch may have classic protection. `protected` alone says as little as that some ruleset binds it."""
    return bool(data["protected"]) and (data.get("protection") or {}).get("enabled") is not False


def suite_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_rule_suites."""
    for value in data:
        actor = {"login": value["actor_name"], "id": value["actor_id"]}
        row = {
            "repository": asked["repository"],
            "id": value["id"],
            "ref": value["ref"].removeprefix("refs/heads/"),
            "before": _commit(value["before_sha"]),
            "after": _commit(value["after_sha"]),
            **account("actor", actor),
            "at": value["pushed_at"],
            "result": strict.text(value["result"]),
        }
        yield tables.BYPASSES.name, row


def _commit(sha: str) -> str | None:
    return None if sha == ZERO else sha


def override_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_overrides: a page of the audit log; what else the search found is left out."""
    for value in data:
        if not isinstance(value["action"], str) or not isinstance(value.get("repo"), str | None):
            raise TypeError("an event has no action, or is of no repository")
        if value["action"] != OVERRIDE or (value.get("repo") or "").lower() != asked["current"].lower():
            continue
        at = datetime.fromtimestamp(strict.number(value["created_at"]) / 1000, UTC).isoformat()
        branch = value.get("branch")
        row = {
            "repository": asked["repository"],
            "id": value.get("_document_id") or f"{value.get('actor')}@{value['created_at']}",
            "ref": branch.removeprefix("refs/heads/") if isinstance(branch, str) else None,
            "actor": value.get("actor"),
            "actor_id": value.get("actor_id"),
            "at": at,
        }
        yield tables.OVERRIDES.name, row


def environment_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_environments."""
    for value in data["environments"]:
        gates = [one for one in value["protection_rules"] if one["type"] == "required_reviewers"]
        row = {
            "repository": asked["repository"],
            "name": strict.text(value["name"]),
            "reviewers": [f"{one['type']}:{one['reviewer']['id']}" for gate in gates for one in gate["reviewers"]],
            "prevent_self_review": any(gate.get("prevent_self_review") for gate in gates),
            "admins_bypass": value.get("can_admins_bypass"),
            "branches": _branches(value.get("deployment_branch_policy")),
            "updated_at": value.get("updated_at"),
        }
        yield tables.ENVIRONMENTS.name, row


def _branches(policy: Json) -> str | None:
    if policy is None:
        return None
    return "protected" if policy["protected_branches"] else "custom"


def permission_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_permissions."""
    for value in data:
        push = (value.get("permissions") or {}).get("push")
        yield (
            tables.PERMISSIONS.name,
            {
                "repository": asked["repository"],
                **account("account", value),
                "role": strict.text(value["role_name"]),
                "may_write": None if push is None else strict.flag(push),
            },
        )


def value_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_settings: the members of an answer that the request names."""
    for member, name in asked["values"].items():
        yield _setting(asked, name, data[member])


def key_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_settings: a page of deploy keys, those that can write one by one."""
    for value in data:
        if not value["read_only"]:
            yield _setting(asked, f"deploy_key_with_write:{value['id']}", value["title"])


_SWITCHES = {
    "hasVulnerabilityAlertsEnabled": "vulnerability_alerts",
    "deleteBranchOnMerge": "delete_branch_on_merge",
    "webCommitSignoffRequired": "web_commit_signoff_required",
    "autoMergeAllowed": "auto_merge_allowed",
    "mergeCommitAllowed": "merge_commit_allowed",
    "squashMergeAllowed": "squash_merge_allowed",
    "rebaseMergeAllowed": "rebase_merge_allowed",
    "visibility": "visibility",
}
_OWNERS = {"github": ".github/CODEOWNERS", "root": "CODEOWNERS", "docs": "docs/CODEOWNERS"}
"""The places of CODEOWNERS; the first that has a file counts."""


def settings_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """
    github_settings and github_capabilities, from the last question about a repository.

    The request says what became of the questions before it: `unseen` are settings that nobody answered, `seen` the
    capabilities.
    """
    home = data["repository"]
    for member, name in _SWITCHES.items():
        yield _setting(asked, name, home[member])
    # A folder of that name is an object without a text of its own.
    files = [(path, home[name]) for name, path in _OWNERS.items() if (home[name] or {}).get("oid")]
    path, file = files[0] if files else ("", {"text": "", "isTruncated": False})
    yield _setting(asked, "codeowners_path", path)
    yield _setting(asked, "codeowners", None if file["isTruncated"] else file["text"])
    for name in asked["unseen"]:
        yield _setting(asked, name, None)
    for capability, (visible, reason) in asked["seen"].items():
        row = {"repository": asked["repository"], "capability": capability, "visible": visible, "reason": reason}
        yield tables.CAPABILITIES.name, row


def _setting(asked: Asked, name: str, value: Json) -> Row:
    text = str(value).lower() if isinstance(value, bool) else value if value is None else str(value)
    return tables.SETTINGS.name, {"repository": asked["repository"], "name": name, "value": text}


def _of_ref(asked: Asked, ref: str) -> dict[str, Json]:
    return {"repository": asked["repository"], "ref": ref}
