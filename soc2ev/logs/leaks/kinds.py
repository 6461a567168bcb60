"""What a leak is, and which of two leaks at one place is reported."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "api_key",
    "token",
    "private_key",
    "password",
    "auth_header",
    "session_cookie",
    "card_number",
    "connection_string",
    "email",
    "personal_data",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_RANK: dict[str, int] = {
    "private_key": 0,
    "connection_string": 1,
    "auth_header": 2,
    "session_cookie": 3,
    "api_key": 5,
    "token": 5,
    "password": 6,
    "card_number": 7,
    "email": 8,
    "personal_data": 9,
}
# A vendor's form says more than the name of a key, and the checksum of an IBAN more than that of a card within it.
_BY_VALUE: dict[str, int] = {"api_key": 3, "token": 3, "personal_data": 5}


@dataclass(frozen=True, slots=True)
class Leak:
    """
    One secret or piece of personal data at one place; it never holds the value itself.

    `field` is a path such as `$.body.card`, a bare key such as `password`, or empty in running text; what was inside a
    base64 body has `(base64)` in its path. `start` and `end` are byte offsets in the line that was given; for
    base64 and escaped text they span the value that carries it.
    """

    kind: Kind
    field: str
    start: int
    end: int
    fingerprint: str
    """`hmac:` and 16 hexadecimal digits: the same value of the same kind under the same key has the same one."""


@dataclass(slots=True)
class Hit:
    """
    A leak before it has a fingerprint: the only object that holds the value, and its repr does not.

    Nobody changes one; it is not frozen since making a frozen one takes three times as long.
    """

    kind: Kind
    start: int
    end: int
    secret: str = field(repr=False)
    path: str = ""
    by_value: bool = False
    """Recognised by its own form (a vendor's prefix), which says more than the name of a key."""

    def at(self, by: int, path: str) -> Hit:
        """The same so many characters further, with that path."""
        return Hit(self.kind, self.start + by, self.end + by, self.secret, path, self.by_value)

    def between(self, start: int, end: int, path: str) -> Hit:
        """The same at another place, with that path."""
        return Hit(self.kind, start, end, self.secret, path, self.by_value)

    @property
    def rank(self) -> int:
        """Smaller wins. Headers and connection strings swallow what they carry; then form, then key, then people."""
        return _RANK[self.kind] * 2 - (_BY_VALUE.get(self.kind, 0) if self.by_value else 0)


def settle(hits: Iterable[Hit]) -> list[Hit]:
    """The hits that stay when of any two that overlap the more specific one wins, in order of place."""
    found = list(hits)
    if len(found) <= 1:
        return found
    kept: list[Hit] = []
    starts: list[int] = []
    for hit in sorted(found, key=lambda hit: (hit.rank, hit.start, hit.start - hit.end)):
        at = bisect_right(starts, hit.start)
        if (not at or kept[at - 1].end <= hit.start) and (at == len(kept) or hit.end <= starts[at]):
            kept.insert(at, hit)
            starts.insert(at, hit.start)
    return kept
