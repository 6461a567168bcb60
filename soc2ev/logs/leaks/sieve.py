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
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.numbers import issued
from soc2ev.logs.leaks.values import forms

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

# Prefixes of vendors and words of the second stage's sentences, in lower case and without digits.
_TELLING = re.compile(
    r"^[-_]*(?:eyj|aiza|xox|xapp|ya$|hv[sbr]$|sg$|sk[a-f]?$|sk-|pypi-|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-|key-|pul-|pmak|"
    r"nrak|figd_|ntn_|sbp_|pplx-|cfpat-|hrku-|ez[at]k|gocspx-|xai-|nvapi-|tskey-|sgp_|rdme_|phc_|gsk_|r_|atatt|dapi|xkeysib|bearer|basic$|ssws|geniekey|negotiate$|zoho-oauth|sig$|x-amz|identified$|crypt$|"
    r"sshpass|mysql|curl$|dp$|sq$|sid$|(?:docker|podman|nerdctl|buildah|skopeo)$|ldap(?:search|modify|add|delete|passwd|whoami|compare)$|redis-cli$|kty$|-us$|re_)|"
    r"gh[pousr]_|github_pat|[sr]k_(?:live|test)|whsec_|npm_|rubygems_|dckr_|do[opr]_v|shp(?:at|ca|pa|ss)_|hf_|glsa_|lin_api|"
    r"sntry|fo_|[a-z]_(?:live|test|tkn|token|pat|oauth|secret|api)_|age-secret-key|private-lines|secret_|atlasv|password|passwd|passphrase|passcode|pwd|-begin|hmac-sha|sessid|sessionid|accountkey|accesskey"
)
# Words that only count as a key: they are frequent in user agents and messages.
_SPOKEN = re.compile(
    r"^[-_]*(?:phone|telephone|tel|cell|sms|msisdn|whatsapp|dob|born|birth|birthday|birthdate|passport)$"
)
_AS_KEY = re.compile(
    rb"[\w.\-]{0,30}(?:[\"'\\\])`]|%22|%5[CD]|x22){0,5}(?:\s|%20|\+){0,3}(?:=|:|%3|,|%2C|\(|>|\\+r?\\*n)"
)
# A key whose whole value is masked says nothing, and in well-kept logs it stands in every line.
_MASKED = re.compile(
    rb"(?:[\"']?\s{0,3}[:=]\s{0,3}|\s)[\"']?(?:(?:[Bb]earer|[Bb]asic|[Tt]oken) )?"
    rb"(?:\*{3,40}|\[[A-Za-z_ ]{4,20}\]|<[a-z_ ]{4,20}>)(?:[\"',;}&)\]\r\n]|$)"
)
_GROUPS = (b"d" * 13, b"ddddsddddsd", b"ddddsddddddsdddd", b"dddsddsdddd")
_SHORT_GROUP = _GROUPS[1]
_OF_CARD = b"ddddsddddsddddsd"
# The groups of cards with `%20` between them, the marks and signs that addresses encode, and letters, which nobody
# needs to encode: a word that tells may be among them.
_ENCODED = re.compile(
    rb"%(?:[46][1-9A-Fa-f]|[57][0-9Aa]|40|2540|2[Bb][1-9](?:(?:%2[089]|[ .\-()]){0,2}\d){9}|20\d{4,6}%20\d{4,5})"
)
_BEFORE_GROUPS = re.compile(rb"[A-Z]{2}\d\d (?:[A-Z0-9]{4} ){0,3}$")
_BEFORE_DIGITS = re.compile(rb"(?<![A-Za-z0-9])[A-Z]{2}$")
_DUTCH = re.compile(rb"NL\d\d[A-Z]{4}\d{10}(?![A-Za-z0-9])")
_PHONE = re.compile(rb"\+[1-9](?:[ .\-()]{0,2}\d){9}")
_HOOK = b"discord.com/api/"
# The key of a bot has no telling word and seldom a long run.
_BOT = b":AA"
_RUN = 20
_LONG = re.compile(rb"(?:[A-Za-f][A-Za-z0-9+/_\-]{3}){5}|[A-Z]{2}\d\d|AKIA|ASIA|SK|eyJ|EAAA|AIza")
_KNOWN_LIMIT = 300_000
# A cheap superset of the names of keys, so that the thousands of fragments of ids cost little; no name is hexadecimal.
_HEX = re.compile(r"[a-f_-]+$")
_STEM = re.compile(
    r"pass|pwd|pw|psw|wachtwoord|kennwort|contrasena|motdepasse|key|secret|cred|token|jwt|bearer|pat$|signature|author|"
    r"authheader|cookie|sess|sid|cfid|aspx|aspnet|symfony|cakephp|wordpress|pem|identity|pan$|card|ccn|account|ssn|sin|"
    r"social|taxpayer|dob|birth|born|geburt|passport|national|nino|tax|licen|personnummer|nhs|aadhaar|cpf|curp|medicare|"
    r"steuer|dni|bsn|pesel|codice|phone|mobile|tel|cell|msisdn|contact|sms|whatsapp|fax|name|holder|street|addr|iban"
)


_Part = tuple[bytes, bool, bool]
"""What of a word tells, whether the word begins with it, and whether it ends with it."""
_SPACE = ord(" ")


def _followed(pattern: bytes) -> Callable[[bytes, int, bytes], bool]:
    form = re.compile(pattern)
    return lambda block, place, word: form.match(block, place + len(word)) is not None


def _commands(block: bytes, place: int, _: bytes) -> bool:
    """Whether curl is called in this line with a name or a cookie, and not named by its own agent."""
    start = block.rfind(b"\n", 0, place) + 1
    end = block.find(b"\n", place)
    return _OF_CURL.search(block, start, len(block) if end < 0 else end) is not None


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
    **dict.fromkeys((b"begin", b"n-----begin", b"r-----begin"), _followed(rb"(?!(?: (?!PRIVATE)[A-Z0-9]+){1,4}-----)")),
}


class Sieve:
    """Remembers which words are harmless; one for each scanner."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._strong: dict[bytes, _Part] = {}
        self._weak: set[bytes] = set()
        self._dutch: set[bytes] = set()

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
        words = set(folded.split())
        self._learn(words - self._known)
        for telling in {self._strong[word] for word in words & self._strong.keys()}:
            yield from _telling_words(block, folded, telling)
        if b"webhooks" in words:
            yield from (place for place in _each(folded[1:], b"webhooks") if block.endswith(_HOOK, 0, place))
        if not self._dutch.isdisjoint(words):
            yield from (place for place in _each(folded[1:], b"nl") if _DUTCH.match(block, place))
        for word in words & self._weak:
            yield from (place for place, end in _each_word(folded, (word, True, True)) if _AS_KEY.match(block, end))

    def _learn(self, fresh: set[bytes]) -> None:
        if len(self._known) > _KNOWN_LIMIT:
            self._known = self._strong.keys() | self._weak | self._dutch
        self._known |= fresh
        for word in fresh:
            text = word.decode("ascii")
            if _HEX.match(text):
                continue
            if text == "nl" or text.endswith(("-nl", "_nl")):
                self._dutch.add(word)
            kind = None
            if _STEM.search(text.replace("_", "").replace("-", "") if "_" in text or "-" in text else text):
                kind = kind_of(text)
                if text[0] in "nrt":  # `\nCookie:`
                    kind = kind or kind_of(text[1:])
            telling = _TELLING.search(text)
            if telling:
                part = telling.group().encode()
                self._strong[word] = part, telling.start() == 0, telling.end() == len(text)
            elif _SPOKEN.match(text) or kind not in (None, "personal_data", "card_number"):
                self._strong[word] = word, True, True
            elif kind:
                self._weak.add(word)


def _is_user(block: bytes, place: int) -> bool:
    """Whether the `@` may part a service from its user: an address or a name of Oracle's stands before it."""
    start = block.rfind(b"\n", 0, place) + 1
    return block.find(b":", start, place) >= 0 and _SERVICE.search(block, start, place) is not None


_DOMAIN = re.compile(rb"[A-Za-z0-9][A-Za-z0-9\-]{0,62}(?:\.|\\|%)|(?:tcp|unix)\(")
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


def _each(block: bytes, word: bytes) -> Iterator[int]:
    """A place of the word in every line that has it."""
    place = block.find(word)
    while place >= 0:
        yield place
        place = block.find(word, place + len(word))


def _each_word(folded: bytes, word: _Part) -> Iterator[tuple[int, int]]:
    """
    Every place of that part of words, and where the word ends; of the words of random ids most share their beginning.

    Of what was folded the first and the last byte are spaces that the block does not have.
    """
    part, begins, ends = word
    place = folded.find(part)
    while place >= 0:
        end = place + len(part)
        if not begins or folded[place - 1] == _SPACE:
            if folded[end] == _SPACE:
                yield place - 1, end - 1
            elif not ends:
                yield place - 1, folded.find(b" ", end) - 1
        place = folded.find(part, end)


def _telling_words(block: bytes, folded: bytes, word: _Part) -> Iterator[int]:
    part = word[0]
    follows = _FOLLOWED.get(part.lstrip(b"-_"))
    for place, end in _each_word(folded, word):
        if not _MASKED.match(block, end) and (not follows or follows(block, place, part)):
            yield place


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
        if tells:
            yield place


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
        if head.islower() or head.isdigit():
            # `pat`: a token of 14 characters, a dot, 64 in hexadecimal
            if block[place - 18 : place - 15] == b"pat" or block.endswith(_BEFORE_SMALL, max(0, place - 4), place):
                yield place
        elif _begins(block, place):
            yield place
        end = runs.find(b" ", place + _RUN)
        place = runs.find(needle, end) if end >= 0 else -1
