"""
Bodies from the wire: whole, decoded, of bounded size, or refused.

`requests` returns a gzip body that was cut short as if it were whole, so nothing of its decoding is used.
"""

from __future__ import annotations

import zlib

MAX_BYTES = 64 * 1024 * 1024
_MAX_MEMBERS = 1_000
_GZIP = 31
"""`wbits` of zlib for gzip with the largest window."""
CUT, DAMAGED = "is cut short", "is damaged"
"""What happens to bodies on the way, and need not happen to the next one."""


def decode(wire: bytes, encoding: str) -> bytes:
    """The body in that Content-Encoding; ValueError, with the reason, when it is not whole or too large."""
    if encoding in ("", "identity"):
        return wire
    if encoding not in ("gzip", "x-gzip"):
        raise ValueError("came in an encoding that nobody asked for")
    parts: list[bytes] = []
    room, rest = MAX_BYTES, wire
    # A gzip body is a series of members (RFC 1952, 2.2); each has to reach its own end and checksum.
    while True:
        reader = zlib.decompressobj(_GZIP)
        try:
            parts.append(reader.decompress(rest, room + 1))
        except zlib.error:
            raise ValueError(DAMAGED) from None
        room -= len(parts[-1])
        if room < 0 or len(parts) > _MAX_MEMBERS:
            raise ValueError(f"is larger than {MAX_BYTES} bytes")
        if not reader.eof:
            raise ValueError(CUT)
        rest = reader.unused_data
        if not rest:
            return b"".join(parts)


def prefix(wire: bytes) -> bytes:
    """What can be read of a damaged gzip body, up to the limit; nothing when it is none."""
    try:
        return zlib.decompressobj(_GZIP).decompress(wire, MAX_BYTES)
    except zlib.error:
        return b""
