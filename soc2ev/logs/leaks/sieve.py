"""
The first stage: which lines of a block can hold a leak at all.

Almost every line of a log is made of words that were seen before. So the words of a block are collected into a set (C
does the work), only new ones are looked at, and only words that promise something are looked up in the block.
What has no telling word (mail addresses, digits, long runs) is found by single searches. The sieve may let clean lines
pass; it must never hold back a line in which the second stage finds something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import repeat

from soc2ev.logs.leaks import alphabets
from soc2ev.logs.leaks.following import FOLLOWED, is_key, is_masked, is_value, may_tell
from soc2ev.logs.leaks.groups import grouped
from soc2ev.logs.leaks.marks import marks
from soc2ev.logs.leaks.runs import telling_runs
from soc2ev.logs.leaks.words import Words

WORD, RUN, NUMBER, PHONE, CODED, MARK = 1, 2, 4, 8, 16, 32
"""Why a place promises something: a telling word, a long run, digits in groups, a plus, an encoding, an `@`."""
Spot = tuple[int, int]
"""A place, and why it promises something."""
Chosen = tuple[int, int, list[Spot]]
"""Start and end of a line, and the places in it that promise something."""

_TO_WORDS = alphabets.words()
# The groups of cards with `%20` between them (also encoded twice), the marks and signs that addresses encode, and
# letters, which nobody needs to encode: a word that tells may be among them.
_ENCODED = re.compile(
    rb"%(?:[46][1-9A-Fa-f]|[57][0-9Aa]|40|2540|2[Bb][1-9](?:(?:%2[089]|[ .\-()]){0,2}\d){9}|"
    rb"20\d{4,6}%20\d{4,5}|2520\d{4}%2520(?:\d{4}|\d{6})%2520\d{4})"
)
_ENCODED_MARKS = (b"%40", b"%2540")
_DUTCH = re.compile(rb"NL\d\d[A-Z]{4}\d{10}(?![A-Za-z0-9])")
_PHONE = re.compile(rb"\+[1-9](?:[ .\-()]{0,2}\d){9}")
_AREA = re.compile(rb"\([2-9]\d\d\) ?[2-9]\d\d[ .\-]\d{4}")
_HOOK = b"discord.com/api/"
# The key of a bot has no telling word and seldom a long run.
_BOT = b":AA"
# A program whose name is no word of letters.
_ARCHIVER = re.compile(rb"7z[arz]?(?: |%20|\+)[a-z]{1,2}[ %+]")
_FEW_WORDS = 3


class Sieve:
    """Remembers which words are harmless; one for each scanner."""

    def __init__(self) -> None:
        self._told = Words()

    def lines(self, block: bytes) -> list[tuple[int, int]]:
        """Start and end (without line end) of each line that the second stage has to read, in order."""
        return [(start, end) for start, end, _ in self.chosen(block)]

    def chosen(self, block: bytes) -> list[Chosen]:
        """The same with what chose each line: places in it, in order, and for what reason each promises something."""
        chosen: list[Chosen] = []
        start = covered = 0
        for place, why in sorted(self._places(block)):
            if place >= covered:
                start = block.rfind(b"\n", 0, place) + 1
                end = block.find(b"\n", place)
                end = len(block) if end < 0 else end
                chosen.append((start, end, []))
                covered = end + 1
            chosen[-1][2].append((place - start, why))
        return chosen

    def _places(self, block: bytes) -> Iterator[Spot]:
        yield from zip(self._words(block), repeat(WORD))
        yield from zip(grouped(block), repeat(NUMBER))
        yield from zip(_each(block, _BOT), repeat(RUN))
        yield from ((match.start(), PHONE) for match in _PHONE.finditer(block))
        yield from ((match.start(), PHONE) for match in _AREA.finditer(block))
        if b"%" in block:
            for match in _ENCODED.finditer(block):
                yield match.start(), MARK if match.group() in _ENCODED_MARKS else CODED
        yield from zip(telling_runs(block), repeat(RUN))
        yield from zip(marks(block), repeat(MARK))

    def _words(self, block: bytes) -> Iterator[int]:
        folded = b" " + block.translate(_TO_WORDS) + b" "
        listed = folded.split()
        words = set(listed)
        told = self._told
        told.learn(words - told.known)
        strong = told.strong
        wanted = {word for word in words & strong.keys() if may_tell(word, block, folded)} | (words & told.weak)
        for start, word in _occurrences(folded, listed, wanted):
            end = start + len(word)
            if word not in strong:
                if is_key(block, end):
                    yield start
            elif not is_masked(block, end) and not is_value(block, start, end):
                for at, part in strong[word]:
                    follows = FOLLOWED.get(part.lstrip(b"-_"))
                    if not follows or follows(block, start + at, part):
                        yield start + at
        if b"webhooks" in words:
            yield from (place for place in _each(folded[1:], b"webhooks") if block.endswith(_HOOK, 0, place))
        if not told.flagged.isdisjoint(words):
            yield from (place for place in _each(block, b"7z") if _ARCHIVER.match(block, place))
        if not told.dutch.isdisjoint(words):
            yield from (place for place in _each(folded[1:], b"nl") if _DUTCH.match(block, place))


def _each(block: bytes, word: bytes, end: bytes = b"") -> Iterator[int]:
    """Every place of the word where that end follows."""
    whole = word + end
    place = block.find(whole)
    while place >= 0:
        yield place
        place = block.find(whole, place + len(word))


def _occurrences(folded: bytes, listed: list[bytes], wanted: set[bytes]) -> Iterator[tuple[int, bytes]]:
    """
    Where in the block each of the wanted words stands, wherever it does; `listed` are all words in order.

    What was folded has one byte more at its beginning than the block. Many words are searched at once: as all that
    are wanted come in the order of the list, each search ends where the next begins.
    """
    if len(wanted) <= _FEW_WORDS:
        for word in wanted:
            yield from ((place, word) for place in _each(folded, b" " + word, b" "))
        return
    spaced = {word: b" " + word + b" " for word in wanted}
    place = 0
    for word in filter(spaced.__contains__, listed):
        place = folded.find(spaced[word], place)
        yield place, word
        place += len(word) + 1
