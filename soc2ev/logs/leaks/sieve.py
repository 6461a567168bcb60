"""
The first stage: which lines of a block can hold a leak at all.

Almost every line of a log is made of words that were seen before. So the words of a block are collected into a set (C
does the work), only new ones are looked at, and only words that promise something are looked up in the block.
What has no telling word (mail addresses, digits, long runs) is found by single searches. The sieve may let clean lines
pass; it must never hold back a line in which the second stage finds something.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from itertools import repeat

from soc2ev.logs.leaks.find import BASE64, decoded
from soc2ev.logs.leaks.numbers import issued
from soc2ev.logs.leaks.said import OWNERS
from soc2ev.logs.leaks.values import forms
from soc2ev.logs.leaks.words import Words

WORD, RUN, NUMBER, PHONE, CODED, MARK = 1, 2, 4, 8, 16, 32
"""Why a place promises something: a telling word, a long run, digits in groups, a plus, an encoding, an `@`."""
Spot = tuple[int, int]
"""A place, and why it promises something."""


def _table(**classes: str) -> bytes:
    """A translation that turns the members of each class into the class's letter and everything else into a space."""
    table = bytearray(b" " * 256)
    for target, members in classes.items():
        for char in members:
            table[ord(char)] = ord(target)
    return bytes(table)


def _folded() -> bytes:
    table = bytearray(b" " * 256)
    for char in string.ascii_lowercase + "_-":
        table[ord(char)] = table[ord(char.upper())] = ord(char)
    return bytes(table)


_TO_WORDS = _folded()
_TO_DIGITS = _table(d=string.digits, s=" -.+")
_TO_RUNS = _table(a=string.ascii_letters + string.digits)

_AS_KEY = re.compile(
    rb"[\w.\-]{0,30}(?:[\"'\\\])`]|%22|%5[CD]|x22){0,5}(?:\s|%20|\+){0,24}"
    rb"(?:=|:|[vV](?:alue|ALUE)=|[vV](?:alues|ALUES)\s{0,3}\(|[cC]ontent=|\" \"|%3|,|%2C|\(|>|\\+r?\\*n)"
)
# A key whose whole value is masked says nothing, and in well-kept logs it stands in every line; nor does one with none.
_MASKED = re.compile(
    rb"\":\s{0,3}null\s{0,3}[,}]|=\"-\"(?:[ \r\n]|$)|"
    rb"(?:[\"']?\s{0,3}[:=]\s{0,3}|\s)[\"']?(?:(?:[Bb]earer|[Bb]asic|[Tt]oken) )?"
    rb"(?:\*{3,40}|[xX]{5,40}|REDACTED|\[[A-Za-z_ ]{4,20}\]|<[a-z_ ]{4,20}>)(?:[\"',;}&)\]\r\n]| HTTP/|$)(?! ?[\-=]>)"
)
_GROUPS = (b"d" * 13, b"ddddsddddsd", b"ddddsddddddsdddd", b"dddsddsdddd")
_SHORT_GROUP = _GROUPS[1]
_OF_CARD = b"ddddsddddsddddsd"
# The groups of cards with `%20` between them, the marks and signs that addresses encode, and letters, which nobody
# needs to encode: a word that tells may be among them.
_ENCODED = re.compile(
    rb"%(?:[46][1-9A-Fa-f]|[57][0-9Aa]|40|2540|2[Bb][1-9](?:(?:%2[089]|[ .\-()]){0,2}\d){9}|20\d{4,6}%20\d{4,5})"
)
_BEFORE_GROUPS = re.compile(rb"[A-Z]{2}\d\d[ +](?:[A-Z0-9]{4}[ +]){0,3}$")
_BEFORE_DIGITS = re.compile(rb"(?<![A-Za-z0-9])[A-Z]{2}$")
_DUTCH = re.compile(rb"NL\d\d[A-Z]{4}\d{10}(?![A-Za-z0-9])")
_PHONE = re.compile(rb"\+[1-9](?:[ .\-()]{0,2}\d){9}")
_HOOK = b"discord.com/api/"
# The key of a bot has no telling word and seldom a long run.
_BOT = b":AA"
_RUN = 20
_LONG = re.compile(rb"(?:[A-Za-f][A-Za-z0-9+/_\-]{3}){5}|[A-Z]{2}\d\d|AKIA|ASIA|SK|eyJ|EAAA|AIza")
_FEW_WORDS = 3


def _followed(pattern: bytes) -> Callable[[bytes, int, bytes], bool]:
    form = re.compile(pattern)
    return lambda block, place, word: form.match(block, place + len(word)) is not None


def _commands(block: bytes, place: int, _: bytes) -> bool:
    """Whether curl is called in this line with a name or a cookie, and not named by its own agent."""
    if _AGENT.match(block, place + len(b"curl")):
        return False
    start = block.rfind(b"\n", 0, place) + 1
    end = block.find(b"\n", place)
    return _OF_CURL.search(block, start, len(block) if end < 0 else end) is not None


def _tagged(block: bytes, place: int, _: bytes) -> bool:
    """Whether it is IMAP's command, behind a tag."""
    return block.startswith(b"LOGIN ", place) and block[place - 2 : place - 1].isdigit()


def _foreign(block: bytes, place: int, _: bytes) -> bool:
    """Whether it is anything but what CloudTrail says of who signed a request, which is no leak."""
    return not _is_signed(block, place)


def _is_signer(block: bytes, start: int, place: int) -> bool:
    """Whether the key id there is a member of `userIdentity` itself, in a line of JSON that begins there."""
    owner = block.rfind(b'"userIdentity"', start, place)
    if owner < 0 or block.find(b"\\", start, place) >= 0:
        return False
    signer = _SIGNER.match(block, owner)
    return signer is not None and place < signer.end()


_SIGNER = re.compile(rb'"userIdentity":\s?\{[^{}\\]{0,2000}?"accessKeyId":\s?"A[KS]IA[A-Z2-7]{16}"')


def _no_path(block: bytes, place: int, _: bytes) -> bool:
    """Whether the word is more than the end of a path in a request: `/oauth/token?page=2`, `/oauth/token HTTP/1.1`."""
    return block[place - 1 : place] != b"/" or not _BEHIND_PATH.match(block, place + len(b"token"))


def _is_spoken(block: bytes, place: int, word: bytes) -> bool:
    """Whether it is the last word of a name in a sentence and a long value follows: `API key: x`, `api key x`."""
    return block[place - 1 : place] in _BLANKS and _VALUE.match(block, place + len(word)) is not None


def _fills_column(block: bytes, place: int, word: bytes) -> bool:
    """Whether it is a cookie in a column of its own, `"session=x; lang=de"`, or named like those of Rails."""
    return word[:1] == b"_" or _COLUMN.match(block, place + len(word)) is not None


_COLUMN = re.compile(rb"=[^\s\";\\]{8,4000}[\";\\]")
_BLANKS = (b" ", b"+", b"0")  # before the last word of a name; the last one is that of `%20`
_VALUE = re.compile(
    rb"(?:\\*[\"'`])?(?:[\s+]|%20|%3[AD]|=>|[:=]){1,5}(?:(?:is|was|value|given|provided|received)[ +:%203A]{1,7})?"
    rb"(?:\\*[\"'`]|%2[27]|%5B|[\[(<])?[A-Za-z0-9][\w+/.~%\-]{15}"
)
_BEHIND_PATH = re.compile(rb"\?| HTTP/\d|\"\s{0,3}[,}\]]| -> \d| [a-z_]{2,20}=[^=>]")
_FACT = rb"(?:'?s|%27s)?(?:\s|\+|%20)(?i:name|number|no|id|licen[cs]e)(?![A-Za-z])"
_AGENT = re.compile(rb"/\d{1,3}\.")
_OF_CURL = re.compile(rb"-u|--user|-b|--cookie|\\|%")
# Short words that begin a credential only with what has to follow; random ids are full of such words.
_FOLLOWED: dict[bytes, Callable[[bytes, int, bytes], bool]] = {
    **dict.fromkeys((b"sg", b"dp", b"hvs", b"hvb", b"hvr"), _followed(rb"[.\\%]")),
    **dict.fromkeys((b"sk", b"ska", b"skb", b"skc", b"skd", b"ske", b"skf"), _followed(rb"[0-9\\%]")),
    b"ya": _followed(rb"29"),
    b"sq": _followed(rb"0"),
    b"-us": _followed(rb"\d{1,2}(?![0-9A-Za-z])"),
    **dict.fromkeys((b"docker", b"podman", b"nerdctl", b"buildah", b"skopeo"), _followed(rb"(?: |%20|\+| *\\)login")),
    b"curl": _commands,
    **dict.fromkeys((b"-u", b"--user"), _followed(rb"[ =][\\'\"]{0,3}[\w.@\-%]{1,64}(?::|%3[Aa])|[%+\\]")),
    b"auth": _followed(rb"[\\\"]{1,8} [\\\"]| (?:PLAIN|LOGIN) [A-Za-z0-9+/]{8}"),
    b"net": _followed(rb"1? [uU][sS][eE][rR] "),
    **dict.fromkeys((b"key", b"keys"), _is_spoken),
    **dict.fromkeys((word.encode() for word in OWNERS - {"passport"}), _followed(_FACT)),
    b"cardholder": _followed(_FACT + b"|" + _AS_KEY.pattern),
    b"digest": _followed(rb"(?: |\+|%20)username(?:=|%3[Dd])"),
    **dict.fromkeys((b"sess", b"session", b"session_id", b"session-id"), _fills_column),
    b"az": _followed(rb" login "),
    b"login": _tagged,
    b"token": _no_path,
    b"accesskey": _foreign,
    b"x-amz": _followed(rb"(?![Nn]-[Tt]race-[Ii]d)"),
    **dict.fromkeys((b"begin", b"n-----begin", b"r-----begin"), _followed(rb"(?!(?: (?!PRIVATE)[A-Z0-9]+){1,4}-----)")),
}


class Sieve:
    """Remembers which words are harmless; one for each scanner."""

    def __init__(self) -> None:
        self._told = Words()

    def lines(self, block: bytes) -> list[tuple[int, int]]:
        """Start and end (without line end) of each line that the second stage has to read, in order."""
        return [(start, end) for start, end, _ in self.chosen(block)]

    def chosen(self, block: bytes) -> list[tuple[int, int, list[Spot]]]:
        """The same with what chose each line: places in it, in order, and for what reason each promises something."""
        chosen: list[tuple[int, int, list[Spot]]] = []
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
        digits = block.translate(_TO_DIGITS)
        for group in _GROUPS:
            yield from zip(_grouped(block, digits, group), repeat(NUMBER))
        yield from zip(_each(block, _BOT), repeat(RUN))
        yield from ((match.start(), PHONE) for match in _PHONE.finditer(block))
        if b"%" in block:
            marked = _ENCODED.finditer(block)
            yield from ((match.start(), CODED) for match in marked if match.group() not in _ENCODED_MARKS)
        yield from zip(_telling_runs(block), repeat(RUN))
        yield from zip(_marks(block), repeat(MARK))

    def _words(self, block: bytes) -> Iterator[int]:
        folded = b" " + block.translate(_TO_WORDS) + b" "
        listed = folded.split()
        words = set(listed)
        told = self._told
        told.learn(words - told.known)
        strong = told.strong
        for start, word in _occurrences(folded, listed, (words & strong.keys()) | (words & told.weak)):
            end = start + len(word)
            if word not in strong:
                if _AS_KEY.match(block, end):
                    yield start
            elif not _MASKED.match(block, end):
                for at, part in strong[word]:
                    follows = _FOLLOWED.get(part.lstrip(b"-_"))
                    if not follows or follows(block, start + at, part):
                        yield start + at
        if b"webhooks" in words:
            yield from (place for place in _each(folded[1:], b"webhooks") if block.endswith(_HOOK, 0, place))
        if not told.dutch.isdisjoint(words):
            yield from (place for place in _each(folded[1:], b"nl") if _DUTCH.match(block, place))


def _is_user(block: bytes, place: int) -> bool:
    """Whether the `@` may part a service from its user: an address or a name of Oracle's stands before it."""
    start = block.rfind(b"\n", 0, place) + 1
    return block.find(b":", start, place) >= 0 and _SERVICE.search(block, start, place) is not None


# What has digits and dots to its end is the version of a package.
_DOMAIN = re.compile(rb"(?!\d+(?:\.\d+)+[\s:\"',)])[A-Za-z0-9][A-Za-z0-9\-]{0,62}(?:\.|\\|%)|(?:tcp|unix)\(")
_SERVICE = re.compile(rb"://|(?i:jdbc|%3A%2F%2F)|\\|%25")
# Nothing stands before `@timestamp`.
_NO_LOCAL = frozenset(b" \t\r\n\"'<>")
_ENCODED_MARKS = (b"%40", b"%2540")


def _marks(block: bytes) -> Iterator[int]:
    """Places of an `@`, also where it is written by its number."""
    for place in _each(block, b"@"):
        if place and block[place - 1] not in _NO_LOCAL and (_DOMAIN.match(block, place + 1) or _is_user(block, place)):
            yield place
    if b"%" in block:
        yield from (match.start() for match in _ENCODED.finditer(block) if match.group() in _ENCODED_MARKS)
    if b"\\" in block:
        yield from _each(block, b"\\u0040")


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


def _grouped(block: bytes, digits: bytes, group: bytes) -> Iterator[int]:
    """Places where digits stand in these groups and, for cards, begin as cards do."""
    place = digits.find(group)
    while place >= 0:
        if _promises(block, digits, place, group):
            yield place
        place = digits.find(group, place + 1 if b"s" in group else _run_end(digits, place, b"d"))


def _promises(block: bytes, digits: bytes, place: int, group: bytes) -> bool:
    """Whether digits in these groups can be a number of a card, of a person or, behind its country, of an account."""
    if group[3:4] == b"s":
        return True
    together = group[4:5] == b"d"
    if together and _is_none(block, place, _run_end(digits, place, b"d")):
        return False
    if block[place : place + 1] in (b"2", b"3", b"4", b"5", b"6") and (
        len(group) != len(_SHORT_GROUP) or digits.startswith(_OF_CARD, place)
    ):
        return True
    before = _BEFORE_DIGITS if together else _BEFORE_GROUPS
    return bool(before.search(block, max(0, place - 20), place))


def _is_none(block: bytes, place: int, end: int) -> bool:
    """Whether digits written together are no card's, nor those of an account behind its country."""
    before = block[max(0, place - _NEAR) : place]
    if b"%" in before or b"\\" in before or _BEFORE_DIGITS.search(before):
        return False  # what is encoded before them may end with digits
    if end - place > _MOST_OF_CARD:
        return True
    run = block[place:end]
    twice = run[-2::-2].translate(_TWICE)
    checked = (sum(run[-1::-2]) - _ZERO * ((len(run) + 1) // 2) + sum(twice)) % 10 == 0
    return not checked or not issued(run.decode("ascii"))


_NEAR, _MOST_OF_CARD, _ZERO = 8, 19, ord("0")
_TWICE = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def _run_end(digits: bytes, place: int, member: bytes) -> int:
    end = place + 13
    while digits[end : end + 1] == member:
        end += 1
    return end


def _begins(block: bytes, place: int) -> bool:
    """Whether a run begins like a credential; the digits of an escaped quote before it are not its own."""
    if block[place - 1 : place] in _SEPARATORS or _LONG.match(block, place):
        return True
    escape = _ESCAPED.match(block, max(0, place - 1))
    return bool(escape and (escape.group() == b"%2F" or _LONG.match(block, escape.end())))


_SEPARATORS = (b"_", b"-", b".", b"/", b"+")
_BEFORE_SMALL = (b"s.", b"r8_", b"fo1_", b"1//")
_ESCAPED = re.compile(rb"%[0-9A-Fa-f]{2}|\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")


def _telling_runs(block: bytes) -> Iterator[int]:
    """Of the runs those that are part of a vendor's form, an IBAN or a base64 body that says something."""
    places = list(_runs(block))
    if not places:
        return
    chunks = block.translate(_TO_CHUNKS)
    covered, tells = -1, False
    for place in places:
        if place >= covered:
            start = chunks.rfind(b" ", 0, place) + 1
            covered = chunks.find(b" ", place)
            covered = len(block) if covered < 0 else covered
            tells = _tells(block[start:covered].decode("latin-1"))
        if tells and not (block.startswith(_KEY_IDS, place) and _is_signed(block, place)):
            yield place


_KEY_IDS = (b"AKIA", b"ASIA")


def _is_signed(block: bytes, place: int) -> bool:
    """Whether that run is the id of the key that signed a request, as CloudTrail says it."""
    start = block.rfind(b"\n", 0, place) + 1
    return block.startswith(b"{", start) and _is_signer(block, start, place)


def _tells(chunk: str) -> bool:
    """Whether a piece without spaces and quotes holds a credential by its form, or may when it is decoded."""
    return (
        "%" in chunk
        or "\\" in chunk
        or _IBAN.search(chunk) is not None
        or next(forms(chunk), None) is not None
        or any(decoded(match.group()) is not None for match in BASE64.finditer(chunk))
    )


_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}[A-Z0-9]{11}")
# Every character of those forms is one of a chunk, and so are the escapes that may hide one.
_TO_CHUNKS = _table(a=string.ascii_letters + string.digits + "+/_-=.:%\\")


def _runs(block: bytes) -> Iterator[int]:
    """Long unbroken runs that look like a credential, an IBAN or the base64 of a text; not hexadecimal ids."""
    runs = block.translate(_TO_RUNS)
    needle = b"a" * _RUN
    place = runs.find(needle)
    while place >= 0:
        head = block[place : place + _RUN]
        end = runs.find(b" ", place + _RUN)
        if head.islower() or head.isdigit():
            # `pat`: a token of 14 characters, a dot, 64 in hexadecimal; hexadecimal and the number of a data centre
            if (
                block[place - 18 : place - 15] == b"pat"
                or block.startswith(b"-us", end)
                or block.endswith(_BEFORE_SMALL, max(0, place - 4), place)
            ):
                yield place
        elif _begins(block, place):
            yield place
        place = runs.find(needle, end) if end >= 0 else -1
