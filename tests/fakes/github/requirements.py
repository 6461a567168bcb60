"""The rules that are in force for a branch now, from rulesets of both levels and from classic protection."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any

from tests.fakes.github.rules import Protection, Ruleset
from tests.fakes.github.world import Repository

Required = tuple[str, int | None]


def effective(repository: Repository, shared: Iterable[Ruleset], branch: str) -> list[tuple[Ruleset, dict[str, Any]]]:
    """Every rule of an active ruleset that reaches the branch; evaluate and disabled ones are not in force."""
    return [
        (ruleset, rule)
        for ruleset in (*repository.rulesets, *shared)
        if ruleset.enforcement == "active" and ruleset.reaches(branch, repository.default_branch, repository.properties)
        for rule in ruleset.rules
    ]


def protection(repository: Repository, branch: str) -> Protection | None:
    """The classic protection of the branch; an exact pattern before a wildcard."""
    exact = [one for one in repository.protections if one.pattern == branch]
    return next(iter(exact), None) or next(
        (one for one in repository.protections if fnmatch.fnmatch(branch, one.pattern)), None
    )


def required_here(repository: Repository, branch: str) -> list[Required]:
    """The required checks of the branch as (context, App id or None), both systems together."""
    classic = protection(repository, branch)
    found: list[Required] = list(classic.checks) if classic else []
    for _, rule in effective(repository, (), branch):
        if rule["type"] == "required_status_checks":
            listed = rule["parameters"]["required_status_checks"]
            found += [(one["context"], one.get("integration_id")) for one in listed]
    return found


def is_required(required: Iterable[Required], name: str, app: int | None) -> bool:
    """Whether that check, reported by that App, is one of them."""
    return any(name == wanted and owner in (None, app) for wanted, owner in required)
