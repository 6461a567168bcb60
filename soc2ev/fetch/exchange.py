"""
One HTTP answer: what of it is stored, and what it means.

Headers are kept by allow-list, because every system has another header for its secrets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from soc2ev.errors import AccessError, CollectError, ConfigError
from soc2ev.fetch.credential import MASK, Credential
from soc2ev.fetch.decode import decode, prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests  # noqa: TID251 - types of the package that reaches the network

    from soc2ev.model import Json

MAX_HEADER = 4_000
_SENT = re.compile(r"accept|accept-encoding|if-none-match|if-modified-since|user-agent|x-github-api-version")
_KEPT = re.compile(
    r"date|etag|link|content-type|retry-after|sunset|deprecation|x-github-request-id|x-ratelimit-[a-z-]+"
    r"|x-accepted-github-permissions|x-accepted-oauth-scopes|x-oauth-scopes|x-github-sso"
    r"|ratelimit-reason|x-seraph-loginreason|x-arequestid"
)
_SECRET_QUERY = re.compile(
    r"([?&;](?:access_|auth_|id_|private_|refresh_)?(?:api[_-]?key|auth|authorization_request|code|jwt|key|password"
    r"|secret|client_secret|sig|signature|token|x-amz-[a-z-]+)=)[^&;#>\s\"]+",
    re.IGNORECASE,
)


class RefusedError(CollectError):
    """The source answered with a status that is no answer; it is stored."""

    def __init__(self, message: str, status: int, *, hint: str = "", body: bytes = b"") -> None:
        super().__init__(message, hint=hint)
        self.status, self.body = status, body


class DeniedError(RefusedError, AccessError):
    """The source answered 401 or 403."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked."""

    url: str
    origin: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Credential | None = None
    body: bytes | None = field(default=None, repr=False)
    """JSON that is sent with POST, or a form; None for a GET."""
    form: bool = False
    source: str = ""
    good: tuple[int, ...] = (HTTPStatus.OK, HTTPStatus.NO_CONTENT)
    """Statuses of a whole answer: 202 is none yet, 206 is a part."""
    issues: str = ""
    """The member of the JSON answer that holds a new secret, which is masked before anything is stored."""

    @property
    def method(self) -> str:
        """GET or POST."""
        return "GET" if self.body is None else "POST"

    def mask(self, text: str) -> str:
        """The text without secrets: those of the credential, and of query parameters named like one."""
        return _SECRET_QUERY.sub(rf"\g<1>{MASK}", self.auth.mask(text) if self.auth else text)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer, or one try that got none, ready to be stored."""

    call: Call
    shown: str
    """The address without its query, for messages."""
    url: str
    request: Mapping[str, Json]
    response: Mapping[str, Json]
    status: int
    """0 when nothing came."""
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    """Decoded; as it came when it is damaged."""
    damage: str = ""
    """Why the body is not whole; empty when it is."""
    failure: str = ""
    """The name of the error when nothing came; empty when something did."""
    issued: str = field(default="", repr=False)
    """The new secret that the answer held."""

    @property
    def good(self) -> bool:
        """Whether this is a whole answer."""
        return not self.damage and not self.failure and self.status in self.call.good

    def refuse(self) -> None:
        """AccessError or CollectError unless the answer is good or says that nothing has changed (304)."""
        if self.failure:
            raise CollectError(
                f"{self.shown} cannot be reached ({self.failure})", hint="check network, proxy and address"
            )
        if self.damage:
            raise CollectError(
                f"{self.shown}: the answer {self.damage}; what arrived is stored",
                hint="run again; ask for smaller pages when it stays too large",
            )
        if self.good or self.status == HTTPStatus.NOT_MODIFIED:
            return
        says = f"{self.shown} answered {self.status} {phrase(self.status)}".rstrip()
        if self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise DeniedError(says, self.status, hint=self._what_is_missing(), body=self.body)
        raise RefusedError(says, self.status, hint="the answer is stored; run again later", body=self.body)

    def _what_is_missing(self) -> str:
        wanted = self.response["headers"].get("x-accepted-github-permissions", "")
        if re.fullmatch(r"[a-z_=,; ]{1,200}", wanted):
            return f"the token needs one of these permissions: {wanted}; the answer is stored"
        return "check that the token is valid and may read this; the answer is stored"


def refuse_grant(came: Exchange | None, problem: CollectError) -> NoReturn:
    """
    AccessError when a server of tokens refused us, with the error that it names (RFC 6749, 5.2); else CollectError.

    Nothing else of its answer is shown: a sentence of the server may repeat what was sent.
    """
    if came is None:
        raise problem
    if came.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise CollectError(problem.message, hint="nothing else was asked, and the answer is not stored") from None
    try:
        code = json.loads(came.body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        code = ""
    named = f" ({code})" if isinstance(code, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,59}", code) else ""
    raise AccessError(
        f"{came.shown} gave no token: it answered {came.status} {phrase(came.status)}{named}",
        hint="check client_id, its secret or key, and the scopes that it may ask for; the answer is not stored",
    ) from None


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
    issued, body, withheld = _without_issued(call, reply.status_code, body)
    body, redacted = _redacted(body, call.auth, encoding if damage else "")
    response: dict[str, Json] = {"status": reply.status_code, "headers": _kept(call, headers, _KEPT)}
    response |= {"encoding": encoding[:80]} if encoding else {}
    response |= {"truncated": True, "damage": damage} if damage else {}
    response |= {"redacted": redacted + withheld} if redacted + withheld else {}
    if "content-length" not in headers and "transfer-encoding" not in headers:
        response["unverified_length"] = True
    shown, request = _asked(call, prepared)
    url = str(prepared.url)
    return Exchange(call, shown, url, request, response, reply.status_code, headers, body, damage=damage, issued=issued)


def unanswered(call: Call, prepared: requests.PreparedRequest, failure: str) -> Exchange:
    """The try that got no answer at all; `failure` is the name of an error and nothing of its text."""
    shown, request = _asked(call, prepared)
    response = {"status": 0, "headers": {}, "truncated": True, "failure": failure}
    return Exchange(call, shown, str(prepared.url), request, response, 0, {}, b"", failure=failure)


def _asked(call: Call, prepared: requests.PreparedRequest) -> tuple[str, dict[str, Json]]:
    """The address without its query, and what is stored of the request."""
    url = str(prepared.url)
    sent = {name.lower(): value for name, value in prepared.headers.items()}
    request: dict[str, Json] = {"method": call.method, "url": call.mask(url), "headers": _kept(call, sent, _SENT)}
    return call.mask(url.split("?", 1)[0]), request


def _without_issued(call: Call, status: int, body: bytes) -> tuple[str, bytes, int]:
    """
    The new secret of the answer, the body without it, and how many there were.

    A body in which it cannot be found by its place is not stored at all: it may be anywhere.
    """
    if not call.issues or status not in call.good:
        return "", body, 0
    try:
        secret = json.loads(body)[call.issues]
        masked, found = Credential.bearer(secret).mask_bytes(body)
    except (ValueError, LookupError, TypeError, RecursionError, ConfigError):
        return "", b"", 1
    return secret, masked, found


def _redacted(body: bytes, auth: Credential | None, encoding: str) -> tuple[bytes, int]:
    """The body without our own secrets, which an echoing server repeats, and how many there were."""
    if auth is None:
        return body, 0
    if encoding:
        # Bytes that could not be decoded to their end may still hold the secret, packed, before that.
        readable, found = auth.mask_bytes(prefix(body))
        if found:
            return readable, found
    return auth.mask_bytes(body)


def _kept(call: Call, headers: Mapping[str, str], names: re.Pattern[str]) -> dict[str, str]:
    return {name: call.mask(headers[name])[:MAX_HEADER] for name in sorted(headers) if names.fullmatch(name)}


def phrase(status: int) -> str:
    """What RFC 9110 calls the status; nothing for a number of the server's own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
