"""
One HTTP answer: what of it is stored, and what it means.

Headers are kept by allow-list, because every system has another header for its secrets.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from soc2ev.errors import AccessError, CollectError, ConfigError
from soc2ev.fetch.decode import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests  # noqa: TID251 - types of the package that reaches the network

    from soc2ev.model import Json

_MAX_HEADER = 4_000
_SENT = re.compile(r"accept|accept-encoding|if-none-match|if-modified-since|user-agent|x-github-api-version")
_KEPT = re.compile(r"date|etag|link|content-type|retry-after|x-github-request-id|x-ratelimit-[a-z-]+")
_SECRET_QUERY = re.compile(
    r"([?&;](?:access_|auth_|id_|private_|refresh_)?"
    r"(?:api[_-]?key|auth|code|jwt|key|password|secret|client_secret|sig|signature|token|x-amz-[a-z-]+)=)[^&;#>\s\"]+",
    re.IGNORECASE,
)
_MASK = "***"


@dataclass(frozen=True, slots=True)
class Credential:
    """A header that proves who asks. Neither repr nor messages show it."""

    header: str
    value: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must never be stored: the header's value and the token in it."""

    def __post_init__(self) -> None:
        if not self.value or not self.value.isascii() or not self.value.isprintable():
            raise ConfigError("a token is empty or holds characters that no token has", hint="copy it again")

    @classmethod
    def bearer(cls, token: str) -> Credential:
        """`Authorization: Bearer`; ConfigError when the token cannot be one."""
        return cls("Authorization", f"Bearer {token}", (token,))

    @classmethod
    def basic(cls, user: str, token: str) -> Credential:
        """`Authorization: Basic` of user and token (RFC 7617, UTF-8)."""
        packed = base64.b64encode(f"{user}:{token}".encode()).decode()
        return cls("Authorization", f"Basic {packed}", (packed, token))


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked."""

    url: str
    origin: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    auth: Credential | None

    def mask(self, text: str) -> str:
        """The text without secrets: those of the credential, and of query parameters named like one."""
        for secret in self.auth.secrets if self.auth else ():
            text = text.replace(secret, _MASK).replace(quote(secret, safe=""), _MASK)
        return _SECRET_QUERY.sub(rf"\g<1>{_MASK}", text)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer, ready to be stored."""

    shown: str
    """The address without its query, for messages."""
    url: str
    request: Mapping[str, Json]
    response: Mapping[str, Json]
    status: int
    headers: Mapping[str, str]
    body: bytes
    """Decoded; as it came when it is damaged."""
    damage: str = ""
    """Why the body is not whole; empty when it is."""

    @property
    def good(self) -> bool:
        """Whether this is a whole answer: 202 is none yet, 206 is a part."""
        return not self.damage and self.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT)

    def refuse(self) -> None:
        """AccessError or CollectError unless the answer is good or says that nothing has changed (304)."""
        if self.damage:
            raise CollectError(
                f"{self.shown}: the answer {self.damage}; what arrived is stored",
                hint="run again; ask for smaller pages when it stays too large",
            )
        if self.good or self.status == HTTPStatus.NOT_MODIFIED:
            return
        says = f"{self.shown} answered {self.status} {phrase(self.status)}".rstrip()
        if self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise AccessError(says, hint="check that the token is valid and may read this; the answer is stored")
        raise CollectError(says, hint="the answer is stored; run again later")


def exchange_of(
    call: Call, prepared: requests.PreparedRequest, reply: requests.Response, wire: bytes, damage: str
) -> Exchange:
    """The answer with its body decoded; `wire` are the bytes as they came, `damage` what is wrong so far."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    encoding = headers.get("content-encoding", "").strip().lower()
    body = wire
    if not damage and (wire or reply.status_code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)):
        try:
            body = decode(wire, encoding)
        except ValueError as problem:
            damage = str(problem)
    body, redacted = _redacted(body, call.auth)
    response: dict[str, Json] = {"status": reply.status_code, "headers": _kept(call, headers, _KEPT)}
    response |= {"encoding": encoding[:80]} if encoding else {}
    response |= {"truncated": True, "damage": damage} if damage else {}
    response |= {"redacted": redacted} if redacted else {}
    if "content-length" not in headers and "transfer-encoding" not in headers:
        response["unverified_length"] = True
    url = str(prepared.url)
    sent = {name.lower(): value for name, value in prepared.headers.items()}
    request = {"method": "GET", "url": call.mask(url), "headers": _kept(call, sent, _SENT)}
    shown = call.mask(url.split("?", 1)[0])
    return Exchange(shown, url, request, response, reply.status_code, headers, body, damage)


def _redacted(body: bytes, auth: Credential | None) -> tuple[bytes, int]:
    """The body without our own secrets, which an echoing server repeats, and how many there were."""
    found = 0
    for secret in auth.secrets if auth else ():
        found += body.count(secret.encode())
        body = body.replace(secret.encode(), _MASK.encode())
    return body, found


def _kept(call: Call, headers: Mapping[str, str], names: re.Pattern[str]) -> dict[str, str]:
    return {name: call.mask(headers[name])[:_MAX_HEADER] for name in sorted(headers) if names.fullmatch(name)}


def phrase(status: int) -> str:
    """What RFC 9110 calls the status; nothing for a number of the server's own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
