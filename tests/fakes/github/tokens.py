"""
Who may see what.

A classic token sees what its user sees, within its scopes; a fine-grained token and an App installation see what their
permissions name; `GITHUB_TOKEN` is an installation token of one repository. A fine-grained token cannot be given the
Checks permission: GitHub's list of permissions for such tokens has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CLASSIC, FINE_GRAINED, INSTALLATION, ACTIONS = "classic", "fine_grained", "installation", "actions"

READ = (
    "metadata",
    "contents",
    "pull_requests",
    "checks",
    "statuses",
    "actions",
    "deployments",
    "environments",
    "issues",
    "administration",
    "vulnerability_alerts",
    "security_events",
    "members",
    "organization_administration",
    "organization_custom_properties",
)
"""Permissions of an App that can collect everything that needs no write."""

_LIMITS = {CLASSIC: 5000, FINE_GRAINED: 5000, INSTALLATION: 5000, ACTIONS: 1000}
_LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Token:
    """A credential. `repositories` None means all; `login` is the user whose eyes it has (None for an App)."""

    secret: str
    kind: str
    login: str | None = None
    scopes: tuple[str, ...] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[str] | None = None
    app: str | None = None
    sso_authorised: bool = True
    revoked: bool = False

    def __post_init__(self) -> None:
        if self.kind == FINE_GRAINED and "checks" in self.permissions:
            raise ValueError("fine-grained tokens have no Checks permission")

    @property
    def limit(self) -> int:
        """Primary points per hour."""
        return _LIMITS[self.kind]

    def has(self, permission: str, level: str = "read") -> bool:
        """Whether a fine-grained, installation or Actions token carries that permission at that level or above."""
        return _LEVELS.index(self.permissions.get(permission, "none")) >= _LEVELS.index(level)

    @property
    def refusal(self) -> str:
        """GitHub's sentence when the permission is missing."""
        kind = "personal access token" if self.kind in (CLASSIC, FINE_GRAINED) else "integration"
        return f"Resource not accessible by {kind}"


def classic(secret: str, login: str, *scopes: str, sso_authorised: bool = True) -> Token:
    """A classic personal access token; without scopes given, those of a collector."""
    return Token(
        secret, CLASSIC, login, scopes or ("repo", "read:org", "read:audit_log"), sso_authorised=sso_authorised
    )


def fine_grained(secret: str, login: str, *without: str, repositories: frozenset[str] | None = None) -> Token:
    """A fine-grained token with every read permission that exists for it, but those named."""
    granted = {name: "read" for name in READ if name not in ("checks", *without)}
    return Token(secret, FINE_GRAINED, login, permissions=granted, repositories=repositories)


def installation(secret: str, app: str, *without: str, repositories: frozenset[str] | None = None) -> Token:
    """An App installation token with every read permission but those named."""
    granted = {name: "read" for name in READ if name not in without}
    return Token(secret, INSTALLATION, permissions=granted, repositories=repositories, app=app)


def actions(secret: str, repository: str) -> Token:
    """The `GITHUB_TOKEN` of a workflow in that repository: no administration, nothing of the organisation."""
    names = ("metadata", "contents", "pull_requests", "checks", "statuses", "actions", "deployments", "issues")
    granted = dict.fromkeys(names, "read")
    return Token(secret, ACTIONS, permissions=granted, repositories=frozenset({repository}), app="github-actions")
