"""
RSA signatures with SHA-256, checked: RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2) with keys as CloudTrail gives them.

Checking needs no secret, so that plain integers do. The padded block is built and compared whole, never parsed, which
leaves no room for the forgeries that lenient parsers accept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
_SEQUENCE, _INTEGER, _LONG = 0x30, 0x02, 0x80
_SMALLEST = 2048


class PublicKey(NamedTuple):
    """The modulus and the exponent."""

    n: int
    e: int


def public_key(text: str) -> PublicKey:
    """The key in base64 of a DER RSAPublicKey (RFC 8017 A.1.1); ValueError when it is none or under 2,048 bits."""
    try:
        data = base64.b64decode(text, validate=True)
        tag, body, rest = _element(data)
        first, n, after = _element(body)
        second, e, end = _element(after)
    except (binascii.Error, IndexError):
        raise ValueError("no DER of an RSA public key") from None
    if (tag, first, second) != (_SEQUENCE, _INTEGER, _INTEGER) or rest or end:
        raise ValueError("no DER of an RSA public key")
    key = PublicKey(int.from_bytes(n), int.from_bytes(e))
    if key.n.bit_length() < _SMALLEST or key.e < 3 or key.e % 2 == 0:  # noqa: PLR2004  RFC 8017 3.1
        raise ValueError("an RSA key that is too weak")
    return key


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether the signature is one of the message under the key."""
    size = (key.n.bit_length() + 7) // 8
    number = int.from_bytes(signature)
    if len(signature) != size or number >= key.n:
        return False
    tail = _SHA256_PREFIX + hashlib.sha256(message).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
    return pow(number, key.e, key.n).to_bytes(size) == expected


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    tag, size, start = data[0], data[1], 2
    if size & _LONG:
        start += size & 0x7F
        size = int.from_bytes(data[2:start])
    if len(data) < start + size:
        raise IndexError
    return tag, data[start : start + size], data[start + size :]
