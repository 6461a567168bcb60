"""Credentials, and the spellings in which a server may repeat them to us."""

from __future__ import annotations

import base64
import functools
import re
from dataclasses import dataclass, field

from soc2ev.errors import ConfigError

MASK = "***"


@dataclass(frozen=True, slots=True)
class Credential:
    """A header that proves who asks. Neither repr nor messages show it."""

    header: str
    value: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must never be stored, such as the token in the header's value; empty: the value itself."""

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

    def mask(self, text: str) -> str:
        """The text without the secrets, also where they are percent-encoded or escaped as JSON may escape them."""
        return _pattern(self.secrets or (self.value,)).sub(MASK, text)

    def mask_bytes(self, body: bytes) -> tuple[bytes, int]:
        """As `mask`, and how many there were."""
        return _pattern_of_bytes(self.secrets or (self.value,)).subn(MASK.encode(), body)


@functools.lru_cache(64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_spellings(secret) for secret in sorted(secrets, key=len, reverse=True)))


@functools.lru_cache(64)
def _pattern_of_bytes(secrets: tuple[str, ...]) -> re.Pattern[bytes]:
    return re.compile(_pattern(secrets).pattern.encode())


def _spellings(secret: str) -> str:
    return "".join(_spelling(letter) for letter in secret)


def _spelling(letter: str) -> str:
    """A pattern for one character: letters and digits stand for themselves, encoders escape all others."""
    plain = re.escape(letter)
    if letter.isascii() and letter.isalnum():
        return plain
    hexadecimal = [f"{byte:02x}" for byte in letter.encode()]
    percent = "".join(rf"%(?:25)?(?i:{pair})" for pair in hexadecimal)
    return rf"(?:\\?{plain}|{percent}|\\u(?i:{ord(letter):04x}))"
