"""
Lines of which the sieve told where something may be: only what lies there, or under a telling key, is looked at.

The sieve's promise (what it holds back has nothing) is taken here for each value of a JSON line, and for each group of
rules in running text. What the second stage finds beyond that promise is asked for first, and whatever is not plain
(escapes, encodings) goes the long way.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from soc2ev.logs.leaks import numbers, values
from soc2ev.logs.leaks import text as running
from soc2ev.logs.leaks.find import (
    BASE64,
    DICTIONARY,
    find,
    has_body,
    json_start,
    of_leaf,
    of_running,
    with_commands,
)
from soc2ev.logs.leaks.kinds import Hit, settle
from soc2ev.logs.leaks.mails import LONG_WAY, find_mails
from soc2ev.logs.leaks.outline import is_telling, telling_leaves
from soc2ev.logs.leaks.sieve import CODED, MARK, WORD, Spot
from soc2ev.logs.leaks.walk import Leaf, leaves
from soc2ev.logs.leaks.wrapped import key_before, wrapped

_OF_COMMANDS = ("-u ", "-u=", "--user", *LONG_WAY)


def find_near(text: str, spots: list[Spot], root: str = "$") -> list[Hit]:
    """What `find` finds in a line in which the sieve found these spots and no others."""
    why = 0
    for _, reason in spots:
        why |= reason
    if why == MARK:
        return find_mails(text, root)
    start = json_start(text)
    if start is not None:
        return _of_json(text, start, spots, root)
    if why & (WORD | CODED) or _is_odd(text, "\\") or has_body(text) or wrapped(text):
        return find(text, root)
    return _of_plain(text, why, "" if root == "$" else root)


def _is_odd(text: str, *signs: str) -> bool:
    for sign in (*signs, *_OF_COMMANDS):  # noqa: SIM110  asked of every line, and any() takes three times as long
        if sign in text:
            return True
    return False


def _of_plain(text: str, why: int, path: str) -> list[Hit]:
    """Running text without a telling word: forms of vendors, numbers, and what has an `@`."""
    hits = list(values.vendors(text))
    if why & MARK:
        hits += running.marked(text)
    hits += numbers.cards(text)
    hits += numbers.people(text, text.lower())
    return [hit.at(0, path) if path else hit for hit in settle(hits)]


def _of_json(text: str, start: int, spots: list[Spot], root: str) -> list[Hit]:
    if _is_odd(text, DICTIONARY):
        return find(text, root)
    places = [place for place, _ in spots] + [match.start() for match in values.forms(text)]
    if has_body(text):
        places += [match.start() for match in BASE64.finditer(text)]
    places.sort()
    found: list[Hit] = []
    if start and (places[0] < start or "\\" in text[:start] or "%" in text[:start]):
        found = of_running(text[:start], "" if root == "$" else root)
    body, key = text[start:], key_before(text, start) if start else ""
    within = [place - start for place in places]
    for leaf in telling_leaves(body, root, key, within) or _walked(body, root, key, within):
        found += of_leaf(leaf, start)
    return with_commands(found, text, start, root)


def _walked(text: str, root: str, key: str, places: list[int]) -> Iterator[Leaf]:
    """What `telling_leaves` gives, of any text; the places are in order."""
    coded = "\\" in text or "%" in text
    last = len(places)
    for leaf in leaves(text, root, key):
        at = bisect_left(places, leaf.start)
        if (
            (at < last and places[at] < leaf.end)
            or is_telling(leaf)
            or (coded and ("\\" in leaf.raw or "%" in leaf.raw))
        ):
            yield leaf
