"""CloudTrail says with which key a request was signed: of a key that is its name, and no leak."""

from __future__ import annotations

import re

_SIGNER = re.compile(rb'"userIdentity":\s?\{[^{}\\]{0,2000}?"accessKeyId":\s?"A[KS]IA[A-Z0-9]{16}"')


def is_signed(block: bytes, place: int) -> bool:
    """Whether what stands there is the id of the key that signed a request, in a line of JSON."""
    start = block.rfind(b"\n", 0, place) + 1
    return block.startswith(b"{", start) and _is_signer(block, start, place)


def _is_signer(block: bytes, start: int, place: int) -> bool:
    """Whether the key id there is a member of `userIdentity` itself, in a line of JSON that begins there."""
    owner = block.rfind(b'"userIdentity"', start, place)
    if owner < 0 or block.find(b"\\", start, place) >= 0:
        return False
    signer = _SIGNER.match(block, owner)
    return signer is not None and place < signer.end()
