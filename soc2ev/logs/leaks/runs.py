"""Long unbroken runs of letters and digits: which of them are a credential by their form, an IBAN or base64."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks.alphabets import LETTERS_AND_DIGITS, classes
from soc2ev.logs.leaks.find import BASE64, decoded
from soc2ev.logs.leaks.signers import is_signed
from soc2ev.logs.leaks.values import forms

_TO_RUNS = classes(a=LETTERS_AND_DIGITS)
# Every character of the forms is one of a chunk, and so are the escapes that may hide one.
_TO_CHUNKS = classes(a=LETTERS_AND_DIGITS + "+/_-=.:%~\\")
_RUN = 20
_NEEDLE = b"a" * _RUN
_LONG = re.compile(
    rb"(?:[A-Za-f][A-Za-z0-9+/_\-]{3}){5}|[A-Z]{2}\d\d|AKIA|ASIA|SK|AC[0-9a-f]{32}:|eyJ|EAA[A-Z]|AIza|APA91b|LTAI|AQVN|AKCp|ATBB"
)
_SEPARATORS = (b"_", b"-", b".", b"/", b"+", b"~")
_BEFORE_SMALL = (b"s.", b"r8_", b"fo1_", b"p8e-", b"1//")
_OF_MAILGUN = re.compile(rb"-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9A-Za-z\-])")
_OF_CLOUDFLARE = 146
_ESCAPED = re.compile(rb"%[0-9A-Fa-f]{2}|\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
_KEY_IDS = (b"AKIA", b"ASIA")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}[A-Z0-9]{11}")
_ENDED = re.compile(r"\\+(?:[nrt]|$)")
"""An escape that ends what stands before it: a blank, or the quote that ends the chunk."""


def telling_runs(block: bytes) -> Iterator[int]:
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
        if tells and not (block.startswith(_KEY_IDS, place) and is_signed(block, place)):
            yield place


def _tells(chunk: str) -> bool:
    """Whether a piece without spaces and quotes holds a credential by its form, or may when it is decoded."""
    if "%" in chunk:
        return True
    if "\\" not in chunk:
        return _says(chunk)
    plain = _ENDED.sub(" ", chunk)
    # As it is written the letter of an escape is part of what follows, and as it is meant it is not.
    return "\\" in plain or _says(plain) or _says(chunk)


def _says(chunk: str) -> bool:
    return (
        _IBAN.search(chunk) is not None
        or next(forms(chunk), None) is not None
        or any(decoded(match.group()) is not None for match in BASE64.finditer(chunk))
    )


def _runs(block: bytes) -> Iterator[int]:
    """Long unbroken runs that look like a credential, an IBAN or the base64 of a text; not hexadecimal ids."""
    runs = block.translate(_TO_RUNS)
    place = runs.find(_NEEDLE)
    while place >= 0:
        head = block[place : place + _RUN]
        end = runs.find(b" ", place + _RUN)
        if head.islower() or head.isdigit():
            # `pat`: a token of 14 characters, a dot, 64 in hexadecimal; hexadecimal and the number of a data centre
            if (
                block[place - 18 : place - 15] == b"pat"
                or block.startswith(b"-us", end)
                or block.startswith(b"oy2", place)
                or end - place == _OF_CLOUDFLARE
                or _OF_MAILGUN.match(block, end)
                or block.endswith(_BEFORE_SMALL, max(0, place - 4), place)
            ):
                yield place
        elif _begins(block, place):
            yield place
        place = runs.find(_NEEDLE, end) if end >= 0 else -1


def _begins(block: bytes, place: int) -> bool:
    """Whether a run begins like a credential; the digits of an escaped quote before it are not its own."""
    if block[place - 1 : place] == b"|" and block[place - 2 : place - 1].isdigit():
        return True  # `334|...`: what Laravel Sanctum gives out has the number of its row before it
    if block[place - 1 : place] in _SEPARATORS or _LONG.match(block, place):
        return True
    escape = _ESCAPED.match(block, max(0, place - 1))
    return bool(escape and (escape.group() == b"%2F" or _LONG.match(block, escape.end())))
