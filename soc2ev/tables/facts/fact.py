"""
A fact: true, false or not known, with the sentence that says why.

Three-valued logic (Kleene): what is not known decides nothing, and nothing turns it into yes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer. `value` is None when an input that could change it is denied or missing."""

    value: bool | None
    reason: str
    """One or two sentences; never empty."""
    flags: frozenset[str] = frozenset()


def yes(reason: str, *flags: str) -> Fact:
    """It holds, and everything that was needed to say so was seen."""
    return Fact(value=True, reason=reason, flags=frozenset(flags))


def no(reason: str, *flags: str) -> Fact:
    """It does not hold."""
    return Fact(value=False, reason=reason, flags=frozenset(flags))


def unknown(reason: str, *flags: str) -> Fact:
    """Nothing tells; the reason names what is missing."""
    return Fact(value=None, reason=reason, flags=frozenset(flags))


def every(values: Iterable[bool | None]) -> bool | None:
    """False when any is false, else None when any is not known, else True."""
    seen = list(values)
    if any(value is False for value in seen):
        return False
    return None if None in seen else True


def some(values: Iterable[bool | None]) -> bool | None:
    """True when any is true, else None when any is not known, else False."""
    seen = list(values)
    if any(value is True for value in seen):
        return True
    return None if None in seen else False


def together(facts: Iterable[Fact], flags: Iterable[str] = ()) -> Fact:
    """All of them hold; the reasons are of those that decide the answer, each once. There is at least one."""
    seen = list(facts)
    value = every(one.value for one in seen)
    reasons = dict.fromkeys(one.reason for one in seen if one.value is value)
    return Fact(value, " ".join(reasons), frozenset(flags).union(*(one.flags for one in seen)))


def moment(at: datetime | None) -> str:
    """The instant in UTC to the minute, for people."""
    if at is None:
        return "at a time that nobody recorded"
    return f"{at.astimezone(UTC) if at.tzinfo else at:%Y-%m-%d %H:%M} UTC"


def shown(text: str | None) -> str:
    """Text of others on one line and of bounded length: it must not pretend to be a sentence of ours."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in (text or "")[: 4 * _SHOWN]).split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def listed(names: Iterable[str]) -> str:
    """`ann`, `ann and bob`, `ann, bob and cat`, in order of the alphabet, each once."""
    *most, last = sorted(set(names)) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def short(sha: str | None) -> str:
    """The first digits of a commit's id."""
    return shown(sha)[:10] if sha else "an unknown commit"
