"""Digits in groups, as cards and numbers of persons are written, and long ones together: where a block has them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from soc2ev.logs.leaks.alphabets import classes
from soc2ev.logs.leaks.numbers import issued

_TO_DIGITS = classes(d=string.digits, s=" -.+")
_GROUPS = (b"d" * 13, b"ddddsddddsd", b"ddddsddddddsdddd", b"dddsddsdddd")
_SHORT_GROUP = _GROUPS[1]
_OF_CARD = b"ddddsddddsddddsd"
_BEFORE_GROUPS = re.compile(rb"[A-Z]{2}\d\d[ +](?:[A-Z0-9]{4}[ +]){0,3}$")
_BEFORE_DIGITS = re.compile(rb"(?<![A-Za-z0-9])[A-Z]{2}$")
_FIRST = (b"2", b"3", b"4", b"5", b"6")
_NEAR, _MOST_OF_CARD, _ZERO = 8, 19, ord("0")
_TWICE = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_GROUPED = re.compile(rb"(?:\d{4}[ \-.+]\d{4}[ \-.+]\d{4}[ \-.+]\d{1,7}|\d{4}[ \-.+]\d{6}[ \-.+]\d{4,5})(?![\d%\\])")
"""All digits of a card in groups; what is encoded behind them may go on."""


def grouped(block: bytes) -> Iterator[int]:
    """Places where digits stand in the groups of a number that means money or a person and may be one."""
    digits = block.translate(_TO_DIGITS)
    for group in _GROUPS:
        place = digits.find(group)
        while place >= 0:
            if _promises(block, digits, place, group):
                yield place
            place = digits.find(group, place + 1 if b"s" in group else _run_end(digits, place, b"d"))


def _promises(block: bytes, digits: bytes, place: int, group: bytes) -> bool:
    """Whether digits in these groups can be a number of a card, of a person or, behind its country, of an account."""
    if group[3:4] == b"s":
        return True
    may_begin = block[place : place + 1] in _FIRST
    if group[4:5] == b"d":
        if may_begin:
            return not _is_none(block, place, _run_end(digits, place, b"d"))
        return block[place - 1 : place].isupper() and _BEFORE_DIGITS.search(block, max(0, place - 2), place) is not None
    if may_begin and (len(group) != len(_SHORT_GROUP) or digits.startswith(_OF_CARD, place)):
        return not _is_no_card(block, place) or _BEFORE_GROUPS.search(block, max(0, place - 20), place) is not None
    return _BEFORE_GROUPS.search(block, max(0, place - 20), place) is not None


def _is_no_card(block: bytes, place: int) -> bool:
    """Whether the digits in groups there, of which every one is seen, are no card's."""
    written = _GROUPED.match(block, place)
    return written is not None and not _is_encoded(block, place) and not _is_issued(_bare(written.group()))


def _is_none(block: bytes, place: int, end: int) -> bool:
    """Whether digits written together are no card's, nor those of an account behind its country."""
    if _is_encoded(block, place) or _BEFORE_DIGITS.search(block, max(0, place - _NEAR), place):
        return False
    return end - place > _MOST_OF_CARD or not _is_issued(block[place:end])


def _is_encoded(block: bytes, place: int) -> bool:
    """Whether what is encoded before the digits there may end with others of theirs."""
    before = block[max(0, place - _NEAR) : place]
    return b"%" in before or b"\\" in before


def _bare(written: bytes) -> bytes:
    return written.translate(None, b" -.+")


def _is_issued(run: bytes) -> bool:
    """Whether digits have the length, the beginning and the check digit of a card."""
    twice = run[-2::-2].translate(_TWICE)
    checked = (sum(run[-1::-2]) - _ZERO * ((len(run) + 1) // 2) + sum(twice)) % 10 == 0
    return checked and issued(run.decode("ascii"))


def _run_end(digits: bytes, place: int, member: bytes) -> int:
    end = place + 13
    while digits[end : end + 1] == member:
        end += 1
    return end
