"""How a manifest says that whoever asks proves it: a lasting secret, or tokens by client credentials."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from soc2ev.sources.logs import readonly

IN_TEXT = re.compile(r"\$\{config\.([^}]*)\}")


class Auth(BaseModel):
    """How a credential is sent. A secret never stands in an address."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    type: Literal["bearer", "header", "basic", "oauth2_client_credentials"]
    secret: str = Field(default="token")
    """Name of the setting that holds it."""
    user: str = "user"
    """basic: name of the setting with the user."""
    header: str = "Authorization"
    """header: which one."""
    prefix: str = ""
    """header: text before the secret."""
    also: dict[str, str] = {}
    """Further headers, each with the name of the setting that holds its secret."""
    token_url: str = ""
    """oauth2_client_credentials: where tokens are given; settings stand in it as `${config.NAME}`."""
    client: Literal["basic", "body", "private_key_jwt"] = "basic"
    """How the client proves who it is: HTTP Basic, its secret in the form, or an assertion that its key signs."""
    client_id: str = "client_id"
    """Name of the setting with the client's id, as for the three that follow."""
    client_secret: str = "client_secret"  # noqa: S105  the name of a setting
    private_key: str = "private_key"
    key_id: str = ""
    scope: str = ""
    """What is asked for, with blanks between; settings stand in it as in token_url."""
    audience: str = ""
    instead: Auth | None = None
    """How else: for an entry that gives the settings of this one and not those above."""

    @property
    def proves(self) -> str:
        """Name of the setting with the secret that proves who asks."""
        if self.type != "oauth2_client_credentials":
            return self.secret
        return self.private_key if self.client == "private_key_jwt" else self.client_secret

    @property
    def wants(self) -> tuple[str, ...]:
        """Names of the settings without which it does not work, the secret first."""
        if self.type == "basic":
            return self.secret, self.user
        return (self.proves, self.client_id) if self.type == "oauth2_client_credentials" else (self.secret,)

    @property
    def filled_in(self) -> list[str]:
        """Names of the settings that stand in the address of tokens, in scope and audience."""
        return IN_TEXT.findall(f"{self.token_url} {self.scope} {self.audience}")

    @model_validator(mode="after")
    def _tells_where(self) -> Auth:
        oauth = self.type == "oauth2_client_credentials"
        if oauth != bool(self.token_url):
            raise ValueError("token_url belongs to oauth2_client_credentials, which needs it")
        if oauth:
            readonly.refuse_base(self.token_url)
        if self.instead is not None and self.instead.instead is not None:
            raise ValueError("instead has none of its own")
        return self
