"""The first stage for an `@`: it may stand in a mail address, or part a service from its user."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks.values import NO_DOMAIN_END

_NO_LOCAL = frozenset(b" \t\r\n\"'<>")
"""Nothing stands before `@timestamp`."""
# What has digits and dots to its end is the version of a package.
_DOMAIN = re.compile(rb"(?!\d+(?:\.\d+)+[\s:\"',)])[A-Za-z0-9][A-Za-z0-9\-]{0,62}(?:\.|\\|%)|(?:tcp|unix)\(")
_SERVICE = re.compile(rb"://|(?i:jdbc|%3A%2F%2F)|\\|%25")
# What follows it can neither be part of a domain nor be decoded into one.
_FILE = re.compile(
    rb"(?:sha256:[0-9a-f]{64}|[A-Za-z0-9][A-Za-z0-9\-]{0,62}(?:\.[A-Za-z0-9\-]{1,62}){0,3}\."
    rb"(?i:" + "|".join(sorted(NO_DOMAIN_END)).encode() + rb"))(?=[\s\"',;)?<}\]]|\\+[\"'nrt]|$)"
)
"""The name of a file or a unit behind the mark, `logo@2x.png`, `getty@tty1.service`, or the digest of an image."""
# In the address of a web page no user is named behind the first slash.
_OF_PAGE = re.compile(rb"(?:[\w.\-]{1,60}=)?https?://[\w.\-]{1,200}(?::\d{1,5})?/[\w./\-]*")
_OF_SERVICE = re.compile(rb"://|[\\%]|(?i:jdbc)")
_PARTING = (b" ", b"\t", b"\n", b'"', b"'")
_LONGEST_PATH = 200


def marks(block: bytes) -> Iterator[int]:
    """Places of an `@` that may give something away; those that are encoded are not looked for here."""
    place = block.find(b"@")
    while place >= 0:
        if place and block[place - 1] not in _NO_LOCAL and _may_tell(block, place):
            yield place
        place = block.find(b"@", place + 1)
    if b"\\" in block:
        place = block.find(b"\\u0040")
        while place >= 0:
            yield place
            place = block.find(b"\\u0040", place + 1)


def _may_tell(block: bytes, place: int) -> bool:
    if _FILE.match(block, place + 1) and _is_in_path(block, place):
        return False
    if _DOMAIN.match(block, place + 1):
        return True
    return _is_user(block, place) and not (block[place - 1 : place] == b"/" and _is_in_path(block, place))


def _is_in_path(block: bytes, place: int) -> bool:
    """Whether what stands before the mark there is no service with its user, as far as a blank or a quote."""
    first = max(0, place - _LONGEST_PATH)
    start = max(block.rfind(sign, first, place) for sign in _PARTING) + 1
    if start <= first:
        return False
    return not _OF_SERVICE.search(block, start, place) or _OF_PAGE.fullmatch(block, start, place) is not None


def _is_user(block: bytes, place: int) -> bool:
    """Whether the `@` may part a service from its user: an address or a name of Oracle's stands before it."""
    start = block.rfind(b"\n", 0, place) + 1
    return block.find(b":", start, place) >= 0 and _SERVICE.search(block, start, place) is not None
