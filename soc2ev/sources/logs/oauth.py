"""
Access tokens by client credentials (RFC 6749, 4.4), for systems that take no lasting token.

One token serves a source until a minute before it ends, and one more when the system refuses it earlier. What is stored
says that a token was obtained, never the token or the answer that held it.
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from soc2ev.errors import CollectError, ConfigError
from soc2ev.fetch import Credential
from soc2ev.sources.logs.keeping import NAME, lay_down

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from soc2ev.fetch import Fetch
    from soc2ev.model import Json

_EARLY = timedelta(minutes=1)
_LONGEST = 10 * 366 * 86_400
_ASSERTION_SECONDS = 300
_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_P256_BYTES = 32
_SHOWN = 500
Sign = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for tokens, where and for what."""

    url: str
    client_id: str
    scope: str = ""
    audience: str = ""
    secret: str = field(default="", repr=False)
    in_body: bool = False
    """The secret is sent in the form; otherwise by HTTP Basic, which every server has to take (RFC 6749, 2.3.1)."""
    sign: Sign | None = field(default=None, repr=False)
    """Makes the assertion that takes the place of a secret (RFC 7523, 2.2)."""

    def form(self, now: datetime) -> dict[str, str]:
        """What is sent."""
        asked = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        if self.sign is not None:
            asked |= {"client_id": self.client_id, "client_assertion_type": _JWT, "client_assertion": self.sign(now)}
        elif self.in_body:
            asked |= {"client_id": self.client_id, "client_secret": self.secret}
        return {name: value for name, value in asked.items() if value}

    def proof(self) -> Credential | None:
        """The header that proves who asks; None where the form does."""
        if self.sign is not None or self.in_body:
            return None
        made = Credential.basic(quote_plus(self.client_id), quote_plus(self.secret))
        return Credential(made.header, made.value, (*made.secrets, self.secret))


class Tokens:
    """The token of one source, from any number of threads."""

    def __init__(self, fetch: Fetch, stream: str, client: Client, secrets: tuple[str, ...] = ()) -> None:
        """`secrets` are further texts that are masked wherever the system repeats them."""
        self._fetch, self._stream, self._client, self._secrets = fetch, stream, client, secrets
        self._lock = threading.Lock()
        self._current: Credential | None = None
        self._expires_at: datetime | None = None
        self._refused_once = False
        self._failure: CollectError | None = None

    def credential(self) -> Credential:
        """The token, a new one when it ends within a minute. CollectError, the same each time, when there is none."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            soon = self._expires_at is not None and self._fetch.now() >= self._expires_at - _EARLY
            if self._current is None or soon:
                self._current = self._issued()
            return self._current

    def renewed(self, refused: Credential) -> bool:
        """Whether there is another token than the refused one; asks for one only once, so that it never goes on."""
        with self._lock:
            if self._failure is not None or self._current is not refused:
                return self._failure is None
            if self._refused_once:
                return False
            self._refused_once = True
            try:
                self._current = self._issued()
            except CollectError:
                return False
            return True

    def _issued(self) -> Credential:
        try:
            return self._asked()
        except CollectError as problem:
            # A client that goes on asking with a wrong secret may be locked out.
            self._failure = problem
            raise

    def _asked(self) -> Credential:
        now, client = self._fetch.now(), self._client
        answer, token = self._fetch.grant(client.url, client.form(now), source=NAME, auth=client.proof())
        told: Mapping[str, Json] = answer if isinstance(answer, dict) else {}
        if str(told.get("token_type", "")).lower() != "bearer":
            raise CollectError(f"{client.url} gave a token that is no bearer token", hint="ask for one without DPoP")
        self._expires_at = _end(told.get("expires_in"), now)
        try:
            made = Credential.bearer(token)
        except ConfigError:
            raise CollectError(f"{client.url} gave a token that cannot be one", hint="check token_url") from None
        lay_down(self._fetch, self._fact(told), stream=self._stream, request={"method": "token", "role": "token"})
        return Credential(made.header, made.value, (token, *filter(None, (client.secret, *self._secrets))))

    def _fact(self, told: Mapping[str, Json]) -> dict[str, Json]:
        client, granted = self._client, told.get("scope")
        mask = Credential.bearer(client.secret).mask if client.secret else str
        return {
            "obtained": "access token",
            "type": "Bearer",
            "from": client.url,
            "grant": "client_credentials",
            "client": client.client_id,
            "scope_asked": client.scope or None,
            # RFC 6749, 5.1: without it the scope is the one that was asked for.
            "scope": mask(granted)[:_SHOWN] if isinstance(granted, str) else client.scope or None,
            "audience": client.audience or None,
            "expires_at": self._expires_at.isoformat() if self._expires_at else None,
        }


def signer(client_id: str, url: str, pem: str, key_id: str = "") -> Sign:
    """
    Signs assertions of the client for the server at `url`: RS256 with an RSA key, ES256 with one on P-256.

    ConfigError, which shows nothing of it, when the key is neither in PEM without a password.
    """
    key = _key(pem)
    header = {"alg": "RS256" if not hasattr(key, "curve") else "ES256", "typ": "JWT"} | (
        {"kid": key_id} if key_id else {}
    )

    def sign(now: datetime) -> str:
        at = int(now.timestamp())
        # RFC 7523, 3: who asks is issuer and subject, the server of tokens the audience; each assertion serves once.
        claims = {"iss": client_id, "sub": client_id, "aud": url, "iat": at, "exp": at + _ASSERTION_SECONDS}
        parts = (header, {**claims, "jti": str(uuid.uuid4())})
        text = b".".join(_packed(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        return b".".join((text, _packed(_signature(key, text)))).decode()

    return sign


def _key(pem: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        found = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        found = None
    if isinstance(found, rsa.RSAPrivateKey):
        return found
    if isinstance(found, ec.EllipticCurvePrivateKey) and isinstance(found.curve, ec.SECP256R1):
        return found
    raise ConfigError(
        "the private key of a client is no RSA or P-256 key in PEM without a password",
        hint="export it as PEM (PKCS #8); a JSON Web Key has to be converted",
    )


def _signature(key: RSAPrivateKey | EllipticCurvePrivateKey, text: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    # RFC 7518, 3.4: the two numbers behind one another, not in DER.
    numbers = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return b"".join(one.to_bytes(_P256_BYTES, "big") for one in numbers)


def _packed(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _end(seconds: Json, now: datetime) -> datetime | None:
    """When a token ends; None when the server does not say, as it may (RFC 6749, 5.1)."""
    try:
        number = float(seconds)
    except (TypeError, ValueError):
        return None
    return (now + timedelta(seconds=number)).astimezone(UTC).replace(microsecond=0) if 0 < number <= _LONGEST else None
