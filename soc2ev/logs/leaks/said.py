"""
Sentences that give a secret or a fact about a person under a name of two words: `API key: x`, `full name: Ann Lee`.

In a sentence a name promises less than in a pair, so that the value has to look like one by itself: long, of letters
and digits without order. An id, a version, a host and words joined by hyphens do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.keys import kind_of, personal_of
from soc2ev.logs.leaks.kinds import Hit, Kind

_SECRET = re.compile(
    r"(?ia)(?P<last>keys?|secret|token|cookie|jwt)(?:\\*[\"'])?"
    r"(?P<sep>\s?(?::|=|=>)\s{0,3}|\s)(?:(?:for|of) (?:[\w.@+\-]{1,60} ){1,3}(?=(?:is|was)\b))?"
    r"(?:(?P<verb>is|was|to|value|given|provided|received):? |(?:is|was): ?)?"
    r"(?P<q>\\*[\"'`]|[\[(<])?(?P<v>[A-Za-z0-9+][\w+/.~\-]{15,400}+={0,2}+)(?![\w=@:(%*])"
)
_WORDS_BEFORE = re.compile(r"(?:(?<![\w.\-/=&?#%+:])([A-Za-z]{2,20}) |(?<![A-Za-z_\-/.=&?#%+:]))([A-Za-z_\-]{0,24})$")
_LONGEST_BEFORE = 48
_EVENT_WORDS = """
    invalid expired missing new old public client previous issued bad malformed input output the this with using for
"""
_OF_EVENTS = frozenset(_EVENT_WORDS.split())
"""What `token` may be without another meaning; before a name of a field some of these say that it is none."""
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_RUN = re.compile(r"[a-z0-9]{20,}|[A-Z0-9]{20,}")
_FEWEST_ONCE, _NEVER = 40, 1_000
_FEWEST, _FEWEST_HEX, _FEWEST_DIGITS, _FOURTH, _LONG = 2, 32, 4, 4, 24

_FACT = re.compile(r"(?ia)(?<= )(?:name|number|no|id|licen[cs]e)\s?[:=]\s{0,3}(?=[\"'(]?[A-Za-z0-9\xc3])")
_FACT_BEFORE = re.compile(r"(?i)(?<![\w.\-/=&?#])(?:([a-z]{2,16}) )?([a-z]{2,16})'?s? $")
_PERSON = re.compile(r"[A-Z\xc3][\w'.\-\x80-\xff]*(?: [A-Z\xc3][\w'.\-\x80-\xff]*){0,3}")
_NUMBER = re.compile(r"[A-Za-z0-9][\w\-./]{4,19}(?![\w=:@])")
_OWNER_WORDS = """
    full first last given family middle maiden legal customer patient holder employee applicant person recipient
    beneficiary client guest passenger contact subscriber member student cardholder tax national driver drivers driving
    social insurance identity medicare nhs passport license licence security
"""
OWNERS = frozenset(_OWNER_WORDS.split())
"""Which words before `name`, `number`, `no`, `id` and `license` make the name of a fact: the sieve asks for them."""
_ONE_WORD = frozenset({"first", "last", "given", "family", "middle", "maiden"})


_HEADER = re.compile(
    r"(?i)\bauthorization header(?: (?:value|is|was|sent|of|received)){0,3}:? ?"
    r"(?P<q>\\*[\"'`])(?P<v>(?:(?!(?P=q))[^\n]){8,2000})(?P=q)"
)
"""A header of which a sentence tells: `Authorization header was 'Token x'`."""


def headers(text: str, low: str) -> Iterator[re.Match[str]]:
    """The values `v` of Authorization headers in sentences; `low` is the text in lower case."""
    return _HEADER.finditer(text) if "authorization header" in low else iter(())


def hits(text: str, low: str) -> Iterator[Hit]:
    """Keys, tokens and sessions that a sentence names and gives; `low` is the text in lower case."""
    told = "key" in low or "token" in low or "secret" in low or "cookie" in low or "jwt" in low
    for match in _SECRET.finditer(text) if told else ():
        words = _WORDS_BEFORE.search(text, max(0, match.start() - _LONGEST_BEFORE), match.start())
        value = match["v"].rstrip(".")
        paired = bool(match["sep"].strip())
        kind = _meant(words, match["last"], paired=paired) if words else None
        if kind and _is_given(kind, value, paired=paired or match["q"] in _QUOTES, once=_is_once(words)):
            yield Hit(kind, match.start("v"), match.start("v") + len(value), value)
    for word in _PASSWORD.finditer(low) if "pass" in low or "pwd" in low else ():
        offered = _OFFERED.match(text, word.start())
        if not offered or (offered["bare"] and not _JOINED.search(low, max(0, word.start() - 40), word.start())):
            continue
        group = offered.lastgroup or "bare"
        if masks.is_password(offered[group], prose=True, numeric=False):
            yield Hit("password", offered.start(group), offered.end(group), offered[group])


_QUOTES = ("'", '"', '\\"')
_PASSWORD = re.compile(r"(?<![a-z\d\-/=.#+])pass(?:word|wd|phrase|code)|(?<![a-z\d\-/=.#+])pwd")
_JOINED = re.compile(r"(?<![\w\-/=.#+])(?:[a-z]{1,20}_){1,3}$")
"""What makes a name of a field of it: `db_password is hunter2X`."""
_OFFERED = re.compile(
    r"(?i)(?:password|passwd|passphrase|passcode|pwd)"
    r"(?: (?:for|of) [\w.@+\-]{1,40})?"
    r"(?: (?:was|is|given|entered|used|tried|attempted|supplied|received|provided|now|set|sent|typed|offered)){0,3}"
    r"(?: ?\((?P<round>[^\s()]{6,64})\)|:? ?\[(?P<square>[^\s\[\]]{6,64})\]|"
    r":? ?(?:\\*\"(?P<double>[^\s\"\\]{6,64})\\*\"|'(?P<single>[^\s'\\]{6,64})'|`(?P<code>[^\s`]{6,64})`)|"
    r"(?:(?<= is)|(?<= to)|(?<= was)) (?P<bare>[^\s\"'`,;)|(\[\\]{6,64}))"
)
"""What a sentence gives in brackets or quotes: `wrong password (hunter2X) for kim`."""


def _meant(words: re.Match[str], last: str, *, paired: bool) -> Kind | None:
    """The kind that the words before the last one and that one promise; names of one word have pairs of their own."""
    first, stem = (words.group(1) or "").lower(), words.group(2)
    name = f"{stem}{last}"
    alone = kind_of(name) if not paired and (stem or last.lower() != "cookie") else None
    if stem or first in _OF_EVENTS or not first:
        return alone
    joined = kind_of(f"{first}_{name}") if first != "routing" else None  # queues have names under that one
    return joined or (alone if last.lower() == "secret" else None)


def _is_once(words: re.Match[str] | None) -> bool:
    """Whether it is a token to be handed in once, which no log has by its digest: `refresh token 0a1b...`."""
    return words is not None and (words.group(1) or "").lower() in ("refresh", "reset")


def _is_given(kind: Kind, value: str, *, paired: bool, once: bool = False) -> bool:
    """Whether the value is one: in a pair of hexadecimal digits, too, of which ids and digests consist as well."""
    if kind not in ("api_key", "token", "session_cookie") or not masks.is_token(value):
        return False
    if _UUID.fullmatch(value):
        return paired and kind == "api_key"
    if _HEX.fullmatch(value):
        return len(value) >= (_FEWEST_HEX if paired or kind != "token" else _FEWEST_ONCE if once else _NEVER)
    return is_random(value)


def is_random(value: str) -> bool:
    """Whether letters and digits stand without order, as no word, name of a machine or version has them."""
    digits = sum(char.isdigit() for char in value)
    small, large = sum(char.islower() for char in value), sum(char.isupper() for char in value)
    if small >= _FEWEST and large >= _FEWEST:
        changes = sum(_class(one) != _class(other) for one, other in pairwise(value))
        if digits >= _FEWEST:
            return changes >= len(value) // _FOURTH
        return len(value) >= _LONG and changes >= len(value) * 2 // 5
    run = _RUN.search(value) if "/" not in value else None
    return bool(run) and digits >= _FEWEST_DIGITS and small + large >= _FEWEST_DIGITS


def _class(char: str) -> int:
    return 1 if char.isdigit() else 2 if char.islower() else 3 if char.isupper() else 4


def facts(text: str, low: str) -> Iterator[tuple[str, int, str]]:
    """(name as of a field, place, value) of what a sentence says of a person; the value may still be none."""
    told = " name" in low or " number" in low or " no" in low or " id" in low or " licen" in low
    for match in _FACT.finditer(text) if told else ():
        words = _FACT_BEFORE.search(text, max(0, match.start() - _LONGEST_BEFORE), match.start())
        last = match.group().rstrip(" :=\t").lower()
        for name in _names(words, last) if words and words.group(2).lower() in OWNERS else ():
            if fact := personal_of(name):
                yield from _value(text, match.end(), name, fact)
                break


def _names(words: re.Match[str], last: str) -> tuple[str, ...]:
    """The last word with two and with one before it, as one name."""
    two = f"{words.group(2)}_{last}".lower()
    return (f"{words.group(1)}_{two}".lower(), two) if words.group(1) else (two,)


def _value(text: str, place: int, name: str, fact: str) -> Iterator[tuple[str, int, str]]:
    start = place + (text[place] in "\"'(")
    found = (_PERSON if fact == "name" else _NUMBER).match(text, start)
    if found and (fact != "name" or " " in found.group() or name.split("_", 1)[0] in _ONE_WORD):
        yield name, start, found.group().rstrip(".")
