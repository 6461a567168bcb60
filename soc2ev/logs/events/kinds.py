"""The canonical events."""

from __future__ import annotations

CANONICAL = (
    "auth.success",
    "auth.failure",
    "authz.failure",
    "token.created",
    "token.revoked",
    "admin.action",
    "sensitive.read",
    "rate_limit",
    "webhook.failure",
)
"""The kinds that the logging checklist asks for."""
LIFECYCLE = (
    "mfa.changed",
    "user.created",
    "user.invited",
    "user.accepted",
    "role.changed",
    "user.deactivated",
    "user.deleted",
    "credential.rotated",
    "permission.revoked",
    "session.revoked",
    "key.revoked",
    "data.export",
    "logging.changed",
)
"""What accounts and access go through: CC6.1, CC6.2, CC6.3."""
KINDS = (*CANONICAL, *LIFECYCLE)
