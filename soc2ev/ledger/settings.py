"""What a team sets for its ledger, in `ledger.yaml` beside the log: alerts and webhooks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from soc2ev import yamlfile

if TYPE_CHECKING:
    from soc2ev.vault.disk import Disk

NAME = "ledger.yaml"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=31)


def duration(text: str) -> timedelta:
    """A time such as 30s, 5m, 24h or 365d; ValueError for anything else."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if not match:
        raise ValueError("is no time such as 30s, 5m, 24h or 365d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


class Strict(BaseModel):
    """A part of the file: unknown keys are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SecretName(Strict):
    """Where the secret of a webhook is: an environment variable, never the file."""

    env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")


class On(Strict):
    """Which events are told: those whose action fits."""

    action: str = "*"


class Webhook(Strict):
    """Who is told."""

    url: str
    secret: SecretName
    on: On = On()
    include_metadata: bool = False

    @field_validator("url")
    @classmethod
    def _safe(cls, url: str) -> str:
        from soc2ev.fetch.web import origin_of

        scheme, host, _ = origin_of(url)
        if scheme != "https" and host not in ("localhost", "127.0.0.1", "[::1]"):
            raise ValueError("is not https; http is for this machine only")
        return url


class Alert(Strict):
    """So many events of an action, of one actor (or all), within a time."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    action: str
    by: Literal["actor_id", "actor_email", "target_id", "all"] = "actor_id"
    count: int = Field(default=1, ge=1, le=10_000)
    within: str = "5m"

    @field_validator("within")
    @classmethod
    def _known(cls, text: str) -> str:
        if duration(text) > _LONGEST:
            raise ValueError("is longer than 31 days")
        return text


DEFAULT_ALERTS = (
    Alert(name="failed-login-burst", action="*.login.failed", count=10, within="5m"),
    Alert(name="bulk-export", action="*.export*", count=20, within="10m"),
    Alert(name="privilege-grant", action="*.role.granted", count=1, within="5m"),
)
"""Those of a ledger.yaml that names none."""


class Settings(Strict):
    """The file."""

    version: Literal[1] = 1
    webhooks: list[Webhook] = []
    alerts: list[Alert] = list(DEFAULT_ALERTS)

    @field_validator("alerts")
    @classmethod
    def _unique(cls, alerts: list[Alert]) -> list[Alert]:
        if len({alert.name for alert in alerts}) != len(alerts):
            raise ValueError("two alerts have one name")
        return alerts


def load(disk: Disk) -> Settings:
    """The settings of the ledger; without a file nobody is told anything. ConfigError with file:line:column."""
    path = disk.root / NAME
    if not path.exists():
        return Settings(alerts=[])
    document = yamlfile.read(path)
    if document.data is None:
        return Settings()
    return document.validate(Settings)
