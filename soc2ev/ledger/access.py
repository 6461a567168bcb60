"""
API keys of a ledger: who may append, read or administer over HTTP, in which environment.

A key is 256 random bits, so that a plain hash of it gives nothing away and slow hashing would only slow the server.
The text is shown once and never stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError, VaultError
from soc2ev.vault.records import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.vault.disk import Disk

NAME = "access.json"
ROLES = {"append": frozenset(("append",)), "read": frozenset(("read",)), "admin": frozenset(("append", "read"))}
"""What each role may do."""
_KEY = re.compile(r"soc2ev_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: everything but the key."""

    id: str
    role: str
    environment: str
    sha256: str
    created_at: str
    revoked_at: str | None = None

    def may(self, what: str) -> bool:
        """Whether its role includes `append` or `read`."""
        return what in ROLES[self.role]


def new(disk: Disk, role: str, environment: str, now: datetime) -> tuple[str, ApiKey]:
    """A fresh key: its text, which exists nowhere else, and what is stored. ConfigError for an unknown role."""
    if role not in ROLES:
        raise ConfigError(f"unknown role {role!r:.40}", hint=f"use one of: {', '.join(ROLES)}")
    if not _ENVIRONMENT.fullmatch(environment):
        raise ConfigError(
            "an environment is named with letters, digits, dots and dashes", hint="for example production"
        )
    identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    text = f"soc2ev_{identity}_{secret}"
    made = ApiKey(identity, role, environment, _digest(text), stamp(now))
    with disk.lock(wait=True):
        _store(disk, [*known(disk), made])
    return text, made


def revoke(disk: Disk, identity: str, now: datetime) -> ApiKey:
    """End a key, from the next request on; ConfigError when there is none with that id."""
    with disk.lock(wait=True):
        keys = known(disk)
        for at, key in enumerate(keys):
            if key.id == identity:
                ended = key.revoked_at or stamp(now)
                keys[at] = ApiKey(key.id, key.role, key.environment, key.sha256, key.created_at, ended)
                _store(disk, keys)
                return keys[at]
    raise ConfigError(f"there is no key {identity!r:.40}", hint="`soc2ev ledger keys list` names them")


def known(disk: Disk) -> list[ApiKey]:
    """All keys, the revoked ones too; VaultError when the file cannot be understood: then nobody is let in."""
    try:
        keys = [ApiKey(**entry) for entry in json.loads(disk.read(NAME))["keys"]]
    except FileNotFoundError:
        return []
    except (ValueError, LookupError, TypeError):
        keys = None
    if keys is None or not all(key.role in ROLES for key in keys):
        raise VaultError(f"ledger: {NAME} cannot be understood; no key is accepted", hint="restore it from a copy")
    return keys


def find(keys: list[ApiKey], text: str) -> ApiKey | None:
    """The key with that text; None for any other text, and for a revoked one."""
    match = _KEY.fullmatch(text)
    digest = _digest(text)
    found = None
    for key in keys:
        same = hmac.compare_digest(key.sha256, digest)
        if same and match and key.id == match[1] and key.revoked_at is None:
            found = key
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _store(disk: Disk, keys: list[ApiKey]) -> None:
    text = json.dumps({"schema": "soc2ev.ledger-access/1", "keys": [asdict(key) for key in keys]}, indent=1)
    disk.make("tmp")
    disk.create(NAME, text.encode() + b"\n", mode=0o600)
