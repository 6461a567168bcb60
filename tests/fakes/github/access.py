"""What one token may do in one repository: seen, refused or granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from tests.fakes.github.tokens import ACTIONS, CLASSIC, INSTALLATION, Token
from tests.fakes.github.world import Account, Repository, World

_ROLES = ("none", "read", "triage", "write", "maintain", "admin")


class RefusedError(Exception):
    """GitHub said no: the status and the sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Viewer:
    """A token in a world. Questions about it answer yes or no; `demand` and `see` raise RefusedError."""

    world: World
    token: Token

    @property
    def account(self) -> Account | None:
        """The user behind a personal token; None for an App."""
        return self.world.accounts.get(self.token.login or "")

    def role(self, repository: Repository) -> str:
        """The role of the token's user there; `none` when it has no user."""
        return repository.collaborators.get(self.token.login or "", "none")

    def is_at_least(self, repository: Repository, role: str) -> bool:
        """Whether the token's user has that role or a higher one."""
        return _ROLES.index(self.role(repository)) >= _ROLES.index(role)

    def sees(self, repository: Repository) -> bool:
        """Whether the repository exists for this token: what it may not see is 404, never 403."""
        token = self.token
        if token.repositories is not None and repository.full_name not in token.repositories:
            return repository.visibility == "public" and token.kind != INSTALLATION
        if token.kind == CLASSIC and not token.sso_authorised:
            return repository.visibility == "public"
        if token.kind == CLASSIC and "repo" not in token.scopes:
            return repository.visibility == "public"
        by_app = token.kind in (INSTALLATION, ACTIONS)
        return by_app or repository.visibility == "public" or self.role(repository) != "none"

    def may(self, repository: Repository, permission: str, level: str = "read") -> bool:
        """Whether an answer that needs this permission is given for that repository."""
        if self.token.kind == CLASSIC:
            return permission != "administration" or self.is_at_least(repository, "admin")
        if not self.token.has(permission, level):
            return False
        by_user = self.token.login is not None
        return permission != "administration" or not by_user or self.is_at_least(repository, "admin")

    def edits_rules(self, repository: Repository) -> bool:
        """Whether bypass lists and the history of rulesets are shown: they need write access to the ruleset."""
        if self.token.kind == CLASSIC:
            return self.is_at_least(repository, "admin")
        return self.token.has("administration", "write")

    def owns_organisation(self) -> bool:
        """Whether organisation endpoints for owners answer: members with `admin` in any repository count here."""
        if self.token.kind != CLASSIC:
            return self.token.has("organization_administration")
        return any(self.is_at_least(one, "admin") for one in self.world.repositories.values())

    def see(self, full_name: str) -> Repository:
        """The repository of that name; 404 when it is not there or not for this token."""
        repository = self.world.repository(full_name)
        if repository is None or not self.sees(repository):
            raise RefusedError(404, "Not Found")
        return repository

    def demand(self, repository: Repository, permission: str, level: str = "read") -> None:
        """Go on only with that permission; 404 for a classic token and 403 for the others."""
        if not self.may(repository, permission, level):
            self.refuse()

    def refuse(self) -> NoReturn:
        """Refuse as GitHub does for this kind of token."""
        if self.token.kind == CLASSIC:
            raise RefusedError(404, "Not Found")
        raise RefusedError(403, self.token.refusal)
