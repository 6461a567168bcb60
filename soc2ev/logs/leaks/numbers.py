"""Numbers that stand for money or people: payment cards, IBANs, US social security numbers, telephone numbers."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from soc2ev.logs.leaks.keys import kind_of, names_identifier
from soc2ev.logs.leaks.kinds import Hit

_CARD = re.compile(
    r"(?<![0-9A-Za-z._/#\-])(?:[2-6]\d{12,18}|[2-6]\d{3}(?P<s>[ \-.+])\d{4}(?P=s)\d{4}(?P=s)\d{1,7}|"
    r"3\d{3}(?P<a>[ \-.+])\d{6}(?P=a)\d{4,5})(?![0-9A-Za-z_\-]|\.\d)"
)
_TO_DIGITS = bytes(
    ord("d" if chr(code) in "0123456789" else "s" if chr(code) in " -.+" else " ") for code in range(256)
)
_CARDS = (b"d" * 13, b"ddddsdddds", b"ddddsdddddds")
_TO_KINDS = bytes(
    ord("d" if chr(code) in string.digits else "U" if chr(code) in string.ascii_uppercase else " ")
    for code in range(256)
)
_IBAN_BEGINS = b"UUdd"
_TRACK = re.compile(r"(?<=%[Bb])[2-6]\d{12,18}(?=\^)|(?<=;)[2-6]\d{12,18}(?==\d{7})")
"""Tracks 1 and 2 of a magnetic stripe (ISO/IEC 7813): a format code or a start, the number, a separator."""
_IN_PATH = re.compile(r"(?<=/)[2-6]\d{12,18}(?![0-9A-Za-z_\-])")
_CARD_CONTEXT = re.compile(
    r"(?i)\b(?:card|pan|visa|master ?card|amex|maestro|diners|discover|jcb|credit|debit|cc)s?[\b_ :=/#\"'.-]|card|"
    r"(?<![a-z])cc$"
)
_KEY_BEFORE = re.compile(
    r"([A-Za-z_][\w.\-]*)(?:\\*[\"']){0,2}\s{0,2}(?:=>|[:=#])\s{0,2}(?:\\*[\"']){0,2}$|"
    r"([A-Za-z_][\w.\-]*)(?: (?:#|no\.? ?)?|\" \")$"
)
_SSN = re.compile(r"(?<![0-9A-Za-z\-._/])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![0-9A-Za-z\-_]|\.\d)")
_IBAN = re.compile(
    r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|"
    r"(?P<s>[ +])[A-Z0-9]{4}(?:(?P=s)[A-Z0-9]{4}){1,6}(?:(?P=s)[A-Z0-9]{1,4})?)(?![0-9A-Za-z])"
)
_PHONE = re.compile(
    r"(?i)\b(?:phone|tel|cell|sms|msisdn|whatsapp|telephone)\b[^\n0-9+]{0,24}"
    r"((?:\+|00)[1-9](?:[ .\-()]{0,2}\d){7,14}|\(?[2-9]\d{2}\)?[ .\-]\d{3}[ .\-]\d{4})(?![0-9A-Za-z])"
)
_INTERNATIONAL = re.compile(
    r"(?<![\w.+\-*/)%])\+[1-9]\d{0,2}[ .\-]?(?:\(\d{1,4}\)[ .\-]?)?\d{1,12}(?:[ .\-]\d{2,8}){0,4}(?![\w+*/]|[.,:]\d)"
)
"""E.164 with its plus sign, written together or in groups."""
_AREA = re.compile(r"(?<![\w)\-])\([2-9]\d\d\) ?[2-9]\d\d[ .\-]\d{4}(?![\w\-])")
"""North America's, with the area in brackets, as nothing else is written."""
_BORN = re.compile(
    r"(?i)\b(?:dob|date of birth|born(?: on)?|birthdate|birthday)\b[\"' :=]{1,4}"
    r"((?:19|20)\d\d[-/.]\d\d[-/.]\d\d|\d\d?[-/.]\d\d?[-/.](?:19|20)\d\d)(?!\d)"
)
_PASSPORT = re.compile(
    r"(?i)\bpassport(?: (?:no|number|num|id))?[.:#= ]{1,3}"
    r"([A-Z]{0,2}\d{6,9}|(?-i:(?=[A-Z0-9]{0,7}\d)[A-Z][A-Z0-9]{8}))(?![0-9A-Za-z])"
)
_WORDS = (
    (_PHONE, ("phone", "tel", "cell", "sms", "msisdn", "whatsapp")),
    (_BORN, ("dob", "born", "birth")),
    (_PASSPORT, ("passport",)),
)
# Visa, Mastercard (two ranges), American Express, Diners, Discover, UnionPay, JCB, Maestro with 16 digits.
_SHORTEST_IBAN = 15
_FEWEST_TOGETHER, _FEWEST_GROUPED, _MOST_DIGITS, _FEWEST_KINDS = 11, 10, 15, 2
_ISSUED = re.compile(
    r"(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"3(?:0[0-5]|[689]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}|60\d{14}|35(?:2[89]|[3-8]\d)\d{12}|"
    r"(?:5018|5020|5038|6304|6759|676[13])\d{12})$"
)
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "BR": 29, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
    "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25,
    "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}  # fmt: skip


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def issued(digits: str) -> bool:
    """Whether a payment network issues numbers that begin like this with this length."""
    return bool(_ISSUED.match(digits))


def is_card(digits: str) -> bool:
    """Whether the bare digits can be a card: network, length, check digit and not one digit over and over."""
    return len(set(digits)) > 1 and luhn(digits) and issued(digits)


def sketch(text: str) -> bytes:
    """The text with `d` for each digit, `s` for what parts groups of digits, and a space for anything else."""
    return text.encode("latin-1", "replace").translate(_TO_DIGITS)


def cards(text: str, key: str = "") -> Iterator[Hit]:
    """Card numbers in running text; in paths, and with 13, 14 or 19 digits in one group, a word has to say so."""
    seen = sketch(text)
    if not any(group in seen for group in _CARDS):
        return
    for match in _TRACK.finditer(text) if "^" in text or ";" in text else ():
        if is_card(match.group()):
            yield Hit("card_number", match.start(), match.end(), match.group())
    for pattern in (_CARD, _IN_PATH):
        for match in pattern.finditer(text):
            digits = re.sub(r"\D", "", match.group())
            if is_card(digits) and _stands_for_card(
                text,
                match,
                key,
                pattern is _IN_PATH or len(digits) == _OLD or (len(digits) in (14, 19) and match.group() == digits),
            ):
                yield Hit("card_number", match.start(), match.end(), digits)


_OLD = 13
"""Visa's cards of long ago; four numbers of a line that are parted by blanks are likelier."""
_LIST_BEFORE = re.compile(r"([A-Za-z_][\w.\-]*)[\"']?\s?[:=]\s?\[[^\[\]{}=:]*$")
"""The key of a list is that of each of its entries."""
_NEAR, _NEAR_LIST = 40, 400
_UNIT = re.compile(
    r"(?i)[ ]?(?:bytes?|octets?|[kmgt]i?b|bits?|[mnu]s|msecs?|usecs?|nsecs?|(?:milli|micro|nano)?sec(?:ond)?s?|ticks|"
    r"cycles|rows?|records?|lines?|messages?|events?|items?|entries|keys|times|tokens)(?![\w\-=:])"
)
"""What is counted or measured: 16 digits before it are no card's."""


def _stands_for_card(text: str, match: re.Match[str], key: str, strict: bool) -> bool:  # noqa: FBT001  one caller
    if _UNIT.match(text, match.end()):
        return False
    before = text[max(0, match.start() - _NEAR) : match.start()]
    listed = before[-1:] in "\"' ," and _LIST_BEFORE.search(text, max(0, match.start() - _NEAR_LIST), match.start())
    named = listed or _KEY_BEFORE.search(before)
    name = next((part for part in named.groups() if part), "") if named else key if not match.start() else ""
    if (
        _MATCHED.match(text, match.end())
        or _CARD_CONTEXT.search(before)
        or _CARD_CONTEXT.search(name)
        or kind_of(name) == "card_number"
    ):
        return True
    if name.rpartition(".")[2].lower() in _OF_PARTS and is_beside_parts(
        text[max(0, match.start() - _BESIDE) : match.start()], text[match.end() : match.end() + _BESIDE]
    ):
        return True
    return not strict and not names_identifier(name)


_MATCHED = re.compile(r" found within [A-Z_]{3,30}:[\w.\-]{0,40}(?:card|pan|cc)", re.IGNORECASE)
"""ModSecurity names the field behind what it found in it."""
_OF_PARTS = frozenset({"number", "num", "no", "value"})
_PARTS = re.compile(
    r"(?i)(?<![a-z])(?:cv[cvn]2?|csc|exp(?:iry|iration|ires)?_?(?:month|year|date|m|y)|exp(?:iry|iration)?|security_?code|"
    r"verification_?(?:value|code)|valid_?(?:thru|through)|name_?on_?card|card_?(?:holder|type|brand|exp\w*|cv[cvn])\w*)"
    r"(?:\\*[\"'])?\]?\s?(?:=>|[:=])|"
    r"(?<![a-z])(?:type|method|brand)(?:\\*[\"'])?\]?\s?(?:=>|[:=])\s?(?:\\*[\"'])?"
    r"(?:(?:credit|debit|payment)?[_ ]?card|visa|mastercard|amex|credit|debit)(?![a-z])"
)
_BESIDE = 160


def is_beside_parts(before: str, after: str) -> bool:
    """Whether an expiry, a check code or the type stands near, as in `number=..&exp_month=12`."""
    return bool(_PARTS.search(before) or _PARTS.search(after))


def is_iban(value: str) -> bool:
    """Whether the letters and digits have the length of their country and the checksum of ISO 13616."""
    plain = value.replace(" ", "").replace("-", "").replace("+", "").upper()
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain) or not plain.isalnum() or not plain.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def people(text: str, low: str) -> Iterator[Hit]:
    """Numbers of persons that their form or the words before them give away; `low` is the text in lower case."""
    for match in _SSN.finditer(text) if b"dddsddsdddd" in sketch(text) else ():
        named = _KEY_BEFORE.search(text[max(0, match.start() - _NEAR) : match.start()])
        if named and named.group(1) and names_identifier(named.group(1)) and not kind_of(named.group(1)):
            continue  # `sku=869-19-3036`
        yield Hit("personal_data", match.start(), match.end(), match.group())
    for match in _IBAN.finditer(text) if _IBAN_BEGINS in text.encode("latin-1", "replace").translate(_TO_KINDS) else ():
        yield from _iban(match)
    for match in _INTERNATIONAL.finditer(text) if "+" in text else ():
        if _is_number(match.group()):
            yield Hit("personal_data", match.start(), match.end(), match.group())
    for match in _AREA.finditer(text) if "(" in text else ():
        yield Hit("personal_data", match.start(), match.end(), match.group())
    for pattern, words in _WORDS:
        for match in pattern.finditer(text) if any(word in low for word in words) else ():
            yield Hit("personal_data", match.start(1), match.end(1), match.group(1))


def _is_number(written: str) -> bool:
    """Whether the digits can be those of a country's numbers (E.164: at most 15); without groups sums look alike."""
    digits = re.sub(r"\D", "", written)
    return (_FEWEST_TOGETHER if written[1:] == digits else _FEWEST_GROUPED) <= len(digits) <= _MOST_DIGITS and len(
        set(digits)
    ) > _FEWEST_KINDS


def _iban(match: re.Match[str]) -> Iterator[Hit]:
    """The longest run of groups that is an IBAN: the groups of the next word may have been taken along."""
    found = match.group()
    while len(found) >= _SHORTEST_IBAN:
        if is_iban(found):
            plain = found.replace(" ", "").replace("+", "")
            yield Hit("personal_data", match.start(), match.start() + len(found), plain, by_value=True)
            return
        found = found.rpartition(match["s"] or " ")[0]
