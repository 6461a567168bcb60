"""CODEOWNERS as GitHub checks it: three places, the first wins, owners have to exist and be able to write."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import graph
from tests.fakes.github.world import Repository, World

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def errors(world: World, repository: Repository, ref: str) -> list[dict[str, Any]] | None:
    """One entry for each owner that is unknown or cannot write; None when no such file exists at the ref."""
    commit = graph.find(repository, ref)
    files = repository.contents.get(commit.tree, {}) if commit else {}
    place = next((path for path in PLACES if path in files), None)
    if place is None:
        return None
    found = []
    for line, text in enumerate(files[place].splitlines(), 1):
        for owner in text.split("#")[0].split()[1:]:
            if owner.startswith("@") and not _owns(world, repository, owner[1:]):
                kind = "Unknown owner"
                message = f"{kind} on line {line}: make sure {owner} exists and has write access to the repository"
                made = {"line": line, "column": text.index(owner) + 1, "kind": kind, "source": text, "path": place}
                found.append({**made, "suggestion": None, "message": message})
    return found


def _owns(world: World, repository: Repository, owner: str) -> bool:
    _, slash, slug = owner.partition("/")
    if slash:
        return any(team.slug == slug and repository.name in team.repositories for team in world.teams)
    account = world.accounts.get(owner)
    can_write = repository.collaborators.get(owner) in ("write", "maintain", "admin")
    return account is not None and not account.deleted and can_write
