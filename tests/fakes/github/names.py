"""Opaque node ids, as REST's `node_id` and GraphQL's `id` share them, and the way back from one to its object."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from tests.fakes.github import world as w

_PREFIX = {"User": "U", "Bot": "BOT", "Organization": "O", "Repository": "R", "Commit": "C", "PullRequest": "PR"}


def typename(value: Any) -> str:
    """The GraphQL type of a value of the world."""
    if isinstance(value, dict):
        return str(value["__typename"])
    if isinstance(value, (w.Account, w.Event)):
        return value.kind
    renamed = {"Review": "PullRequestReview", "CommitStatus": "StatusContext", "Ruleset": "RepositoryRuleset"}
    kind = type(value).__name__
    return {**renamed, "Protection": "BranchProtectionRule"}.get(kind, kind)


def node_id(value: Any) -> str:
    """Its node id: stable, opaque to clients, the same in REST and GraphQL."""
    kind = typename(value)
    return opaque(kind, *_place(value))


def opaque(kind: str, *parts: object) -> str:
    """An id of that type made of those parts."""
    packed = base64.urlsafe_b64encode(":".join([kind, *map(str, parts)]).encode()).decode().rstrip("=")
    return f"{_PREFIX.get(kind, kind[:4].upper())}_{packed}"


def _place(value: Any) -> tuple[object, ...]:
    if isinstance(value, w.Commit):
        return (value.repository.id, value.sha)
    if isinstance(value, w.PullRequest):
        return (value.repository.id, value.number)
    if isinstance(value, w.Review):
        return (value.pull.repository.id, value.pull.number, value.id)
    if isinstance(value, w.CheckSuite):
        return (value.repository.id, value.sha, value.id)
    if isinstance(value, w.Deployment):
        return (value.repository.id, value.id)
    return (value.id,)


def resolve(world: w.World, text: str) -> Any | None:
    """The account, repository, commit, pull request, review, suite or deployment of that id; None without one."""
    _, _, packed = text.partition("_")
    try:
        kind, *parts = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode().split(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if kind in ("User", "Bot", "Organization"):
        people = (world.organisation, *world.accounts.values())
        return next((one for one in people if str(one.id) == parts[0] and not one.deleted), None)
    repository = next((one for one in world.repositories.values() if parts and str(one.id) == parts[0]), None)
    return repository and (repository if kind == "Repository" else _inside(repository, kind, parts[1:]))


def _inside(repository: w.Repository, kind: str, parts: list[str]) -> Any | None:
    if kind == "Commit":
        return repository.commits.get(parts[0])
    if kind == "Deployment":
        return next((one for one in repository.deployments if str(one.id) == parts[0]), None)
    if kind == "CheckSuite":
        return next((one for one in repository.suites.get(parts[0], ()) if str(one.id) == parts[1]), None)
    pull = repository.pulls.get(int(parts[0])) if kind in ("PullRequest", "PullRequestReview") else None
    if pull and kind == "PullRequestReview":
        return next((one for one in pull.reviews if str(one.id) == parts[1]), None)
    return pull


def when(at: datetime | None) -> str | None:
    """An instant as both interfaces write it: whole seconds, UTC, `Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
