"""One text, taken apart: running text, JSON leaf by leaf, JSON within strings, base64 bodies."""

from __future__ import annotations

import base64
import binascii
import html
import re
import string
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from soc2ev.logs.leaks import argued
from soc2ev.logs.leaks import text as running
from soc2ev.logs.leaks.keys import personal_of
from soc2ev.logs.leaks.kinds import Hit, settle
from soc2ev.logs.leaks.values import names_message
from soc2ev.logs.leaks.walk import Leaf, leaves, unescape
from soc2ev.logs.leaks.wrapped import Wrapped, key_before, wrapped

_DEPTH = 4
BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_\-.])(?:[A-Za-f][A-Za-z0-9+/_\-]{3}){5,}[A-Za-z0-9+/_\-]{0,3}={0,2}(?![A-Za-z0-9+/_\-.])"
)
# Written so that there is one way to match: a pattern that can divide a run in many ways takes forever to fail.
_READABLE = re.compile(rb"^[\t\n\r\x20-\x7e]{4,}(?:[\x80-\xff]{1,4}[\t\n\r\x20-\x7e]{4,})*[\x80-\xff]{0,4}$")
_JSON_AT = re.compile(r"\{\s*(?:\"|$)|\[\s*(?:[\"\[]|\{\s*(?:[\"}]|$)|$)")
_DUMPED = re.compile(r'\["[^"]{1,80}"\]\s?=>')
"""An entry of an array as PHP's var_dump prints it."""
_JOURNAL = "MESSAGE="
"""How journalctl -o export begins what a program said: its words are no value of a key."""
_OF_GO = "[]string{"
"""A list as Go prints it by `%#v`, whose braces are none of JSON's."""
_OF_BASE64 = string.ascii_letters + string.digits + "+/_-"
_BODY = bytes(ord("a" if chr(code) in _OF_BASE64 else " ") for code in range(256))
_LEAST_BODY = b"a" * 20
SHORTEST, _SHORTEST_BODY, _SHORTEST_MEMBER = 6, 12, 16
_LONGEST_BLOB = 4 << 20
# What nothing can hide in: instants, ids in hexadecimal, short numbers, addresses of machines, small words and paths.
_DULL = re.compile(
    r"(?=[0-9-]*[a-f])[0-9a-f-]{6,64}|\d{4}-\d\d-\d\d[T ][\d:.,]{5,18}(?:Z|[+-]\d\d:?\d\d)?|-?\d{1,11}(?:\.\d{1,9})?|"
    r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|[a-z_]{1,40}(?:[./][a-z_]{1,40}){0,6}"
)
_OF_CARD = re.compile(
    r"(?i)cv[cvn]2?$|csc$|exp(?:iry|iration|ires)?_?(?:month|year|date|m|y)?$|.*card|security_?code$|"
    r"verification_?(?:value|code)$|valid_?(?:thru|through|until|to)$|name_?on_?card$|brand$|(?:issuing_?)?network$|bin$"
)
_OF_PAYMENT = re.compile(
    r"(?i)payment(?:s|_?(?:method|source|instrument|details|info))?$|instrument$|funding(?:_?source)?$"
)
_IDENTIFIED_BY = "userIdentity.accessKeyId"
"""CloudTrail says with which key a request was signed: of a key this is its name."""
_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{16}")
_SHORT, _MOST_CLEAN = 240, 20_000
_clean: set[tuple[str, str]] = set()


def find(text: str, path: str = "$", depth: int = 0, key: str = "") -> list[Hit]:
    """
    The settled hits of a text in Latin-1 (one character a byte), each with its path; `key` is the one above its JSON.

    A text that begins like JSON, or ends in JSON after a prefix, is walked; everything else is read as running text.
    """
    if depth > _DEPTH:
        return []
    if text.startswith(_JOURNAL):
        text = text.replace("=", " ", 1)
    start = json_start(text)
    if start is None:
        return _running(text, "" if path == "$" else path, depth)
    found = _running(text[:start], "" if path == "$" else path, depth) if start else []
    key = key or key_before(text, start)
    end = _behind(text, start)
    if end < len(text):
        rest = _running(text[end:], "" if path == "$" else path, depth)
        found.extend(hit.at(end, hit.path) for hit in rest)
    for leaf in leaves(text[start:end], path, key):
        found.extend(of_leaf(leaf, start, depth))
    return with_commands(found, text, start, path)


def with_commands(found: list[Hit], text: str, start: int, path: str) -> list[Hit]:
    """These and those of the commands that the JSON which begins there has as lists, where nothing was found."""
    fresh = [hit for hit in argued.hits(text) if all(hit.end <= one.start or one.end <= hit.start for one in found)]
    if not fresh:
        return found
    paths = {leaf.end: leaf.path for leaf in leaves(text[start:], path)}
    return [*found, *(hit.at(0, paths.get(hit.end - start, path)) for hit in fresh)]


def _behind(text: str, start: int) -> int:
    """Where a dictionary that is no JSON stands behind the JSON of a line, or the end of the text."""
    place = text.find(DICTIONARY, start) if start else -1
    if place < 0 or text.count('"', start, place) % 2 or text.count("{", start, place) != text.count("}", start, place):
        return len(text)
    return place


DICTIONARY = "{'"
"""How a dictionary of Python's begins, or an object of JavaScript's."""


def of_leaf(leaf: Leaf, start: int = 0, depth: int = 0) -> list[Hit]:
    """The hits of a value of the JSON that begins there in its text, each at its place in the text."""
    return [hit.at(start + leaf.start, hit.path or leaf.path) for hit in _leaf(leaf, depth)]


def of_running(text: str, path: str) -> list[Hit]:
    """The hits of a text as `find` gives them that is known to be no JSON."""
    return _running(text, path, 0)


def json_start(text: str) -> int | None:
    """Where the JSON of a line begins; None when the line is running text."""
    if _OF_GO in text:
        return None
    head = text.lstrip()
    if head[:1] in "{[" and _JSON_AT.match(head) and not _DUMPED.match(head):
        return len(text) - len(head)
    place = text.find('{"')
    if place > 0 and text.rstrip().endswith("}"):
        return place
    return None


def _leaf(leaf: Leaf, depth: int) -> list[Hit]:
    if _KEY_ID.fullmatch(leaf.raw) and leaf.path.endswith(_IDENTIFIED_BY):
        return []
    value, places = unescape(leaf.raw) if "\\" in leaf.raw else (leaf.raw, None)
    within = leaf.frame.key if not leaf.frame.array else ""
    # In a list the entry before may be a name, or stand for something else: `["password", "aws_secret_key"]`.
    listed = leaf.frame.array and leaf.key != leaf.frame.key
    own = settle(running.by_key(promised(leaf), value, quoted=leaf.quoted, prose=listed, within=within))
    if is_private_member(leaf) and len(value) >= _SHORTEST_MEMBER:
        own = [Hit("private_key", 0, len(value), value)]
    if len(value) < SHORTEST or _covers(own, value):
        inner = own
    elif value.lstrip()[:1] in ("{", "[") and _JSON_AT.match(value.lstrip()):
        inner = find(value, leaf.path, depth + 1, leaf.name)
    else:
        inner = _running(value, leaf.path, depth, _context(leaf), own)
    if inner and names_message(leaf.name):
        inner = [hit for hit in inner if hit.kind != "email"]
    if leaf.path.endswith(_IDENTIFIED_BY):
        inner = [hit for hit in inner if hit.kind != "api_key"]
    if places:
        return [hit.between(places[hit.start], places[hit.end], hit.path or leaf.path) for hit in inner]
    return inner


def promised(leaf: Leaf) -> str:
    """The name that says what a value is: its own, or what it means beside or below others."""
    name = leaf.name
    if name in _LINES and personal_of(leaf.frame.key) == "address":
        return "address"
    if (of_others := _MEANT.get(leaf.key)) and (beside := of_others(leaf.frame.names)):
        return beside
    if name == "holder" and any(_OF_HOLDER.match(one) for one in leaf.frame.names):
        return "cardholder"
    return name


def _beside(form: str, meant: str) -> Callable[[list[str]], str]:
    """What gives `meant` where a name of that form stands in the same object."""
    sought = re.compile(form)
    return lambda names: meant if any(sought.fullmatch(name) for name in names) else ""


_BANK = _beside(r"(?i)sort_?code|(?:(?:bank|aba)_?)?routing(?:_?(?:number|no))?|bsb", "bank_account_number")
_MEANT: dict[str, Callable[[list[str]], str]] = {
    **dict.fromkeys(("account_number", "accountNumber", "AccountNumber", "account_no", "accountNo"), _BANK),
    **dict.fromkeys(("secret_id", "secretId"), _beside("role_?[iI]d", "secret_token")),
    "value": _beside("keyName", "access_key"),
    "nom": _beside("prenom|pr\xc3\xa9nom", "last_name"),
    "nome": _beside("cognome|sobrenome|apelido", "first_name"),
}
"""Names that say too little by themselves: what they mean beside others."""
_OF_HOLDER = re.compile(
    r"(?i)(?:.*card|cv[cvn]2?$|csc$|exp(?:iry|iration)?_?(?:month|year|date)$|expiry$|number$|pan$|last_?(?:4|four)$)"
)
"""What cards have; locks and leases, which have a holder, too, have none of these."""
_LINES = frozenset(f"{word}{mark}{one}" for word in ("line", "street", "Line") for mark in ("", "_") for one in "12")
"""Parts of an address, as Stripe and others have them: `{"address": {"line1": "...", "city": "..."}}`."""


def is_private_member(leaf: Leaf) -> bool:
    """Whether a value is the private member of a key in JSON (RFC 7518 section 6), as far as names tell."""
    return leaf.name in ("d", "k") and "kty" in leaf.frame.names


def _context(leaf: Leaf) -> str:
    """The key of a value and the one above it; a number beside an expiry or a check code is one of a card."""
    numbered = leaf.name.lower() in ("number", "num", "no", "value")
    card = "card." if numbered and _is_of_payment(leaf) else ""
    return f"{card}{leaf.frame.key}.{leaf.name}"


def _is_of_payment(leaf: Leaf) -> bool:
    frame = leaf.frame
    if any(_OF_CARD.match(name) for name in (*frame.names, *frame.siblings())) or _OF_PAYMENT.match(frame.key):
        return True
    return frame.owner is not None and _OF_PAYMENT.match(frame.owner.key) is not None


def _covers(found: list[Hit], value: str) -> bool:
    return any(hit.kind == "personal_data" and hit.end - hit.start == len(value) for hit in found)


def _running(text: str, path: str, depth: int, key: str = "", own: list[Hit] | None = None) -> list[Hit]:
    if _DULL.fullmatch(text) or (key, text) in _clean:
        return own or []
    found = settle([*(own or ()), *running.hits(text, key)])
    # The value of a key keeps its key's path; a key within the text is added to it.
    placed = [hit.at(0, f"{path}.{hit.path}" if path and hit.path else path or hit.path) for hit in found]
    taken = [(hit.start, hit.end) for hit in placed]
    for match in BASE64.finditer(text):
        if all(match.end() <= start or end <= match.start() for start, end in taken):
            placed.extend(_inside(match, path, depth))
    for part in () if running.is_simple(text) else wrapped(text):
        placed = _joined(placed, list(_meant(part, text, path, depth)), part)
    if not placed and len(text) <= _SHORT:
        _remember_clean(key, text)
    return placed


def _meant(part: Wrapped, text: str, path: str, depth: int) -> Iterator[Hit]:
    """The hits of what a wrapped part means; of JSON that stands plainly each at its own place."""
    if depth >= _DEPTH:
        return
    root = f"{path}.{part.key}" if path and part.key else path or part.key or "$"
    if part.plain is None:
        for leaf in leaves(text[part.start : part.end], root, part.key):
            yield from of_leaf(leaf, part.start, depth + 1)
        return
    for hit in _under(part.key, part.plain, root, depth + 1):
        yield hit.between(part.start, part.end, hit.path or part.key)


def _under(key: str, value: str, path: str, depth: int) -> list[Hit]:
    """The hits of a value under a key."""
    own = settle(running.by_key(key, value)) if key else []
    if json_start(value) is not None:
        return [*own, *find(value, path, depth, key)]
    found = _running(value, "" if path == "$" else path, depth, key, own)
    return [hit for hit in found if hit.kind != "email"] if key and names_message(key) else found


def _joined(placed: list[Hit], fresh: list[Hit], part: Wrapped) -> list[Hit]:
    """Both, but of the same secret at the same place only the more specific; of equal ones what was there before."""
    if not fresh:
        return placed
    near = [hit for hit in placed if hit.start < part.end and part.start < hit.end]
    for hit in fresh:
        same = [other for other in near if _is_same(other, hit)]
        if any(other.rank < hit.rank or (other.rank == hit.rank and not _means(other, hit)) for other in same):
            continue
        near = [*(other for other in near if other not in same), hit]
    return [hit for hit in placed if hit.end <= part.start or part.end <= hit.start] + near


def _is_same(one: Hit, other: Hit) -> bool:
    if one.end <= other.start or other.end <= one.start:
        return False
    if one.kind == other.kind == "private_key":
        return True  # its lines may end otherwise
    if {one.kind, other.kind} == {"email", "connection_string"}:
        mail, whole = (one, other) if one.kind == "email" else (other, one)
        return any(spelling in whole.secret.lower() for spelling in _spellings(mail))
    return any(first in second or second in first for first in _spellings(one) for second in _spellings(other))


def _means(written: Hit, hit: Hit) -> bool:
    """Whether the one is what the other says when it is decoded, so that its fingerprint is the value's."""
    return written.secret != hit.secret == unquote_plus(written.secret, encoding="latin-1")


def _spellings(hit: Hit) -> tuple[str, str]:
    plain = html.unescape(hit.secret) if "&" in hit.secret else hit.secret
    if "\\u" in plain:
        plain = unescape(_ESCAPES.sub("\\\\", plain))[0]
    return plain.replace("\\", ""), unquote_plus(plain, encoding="latin-1").replace("\\", "")


_ESCAPES = re.compile(r"\\{2,8}(?=u[0-9A-Fa-f]{4})")


def _remember_clean(key: str, text: str) -> None:
    """Most values of a log come again and again; only harmless ones are remembered."""
    if len(_clean) >= _MOST_CLEAN:
        _clean.clear()
    _clean.add((key, text))


def has_body(text: str) -> bool:
    """What a search for `BASE64` says: such a body begins where a run of its characters does."""
    runs = text.encode("latin-1", "replace").translate(_BODY)
    place = runs.find(_LEAST_BODY)
    while place >= 0:
        if BASE64.match(text, place):
            return True
        end = runs.find(b" ", place)
        place = runs.find(_LEAST_BODY, end) if end >= 0 else -1
    return False


def _inside(match: re.Match[str], path: str, depth: int) -> Iterator[Hit]:
    """The hits of a base64 body that decodes to text; each spans the whole body."""
    plain = decoded(match.group())
    if plain is None:
        return
    for hit in find(plain, "$", depth + 2):
        inner = hit.path.removeprefix("$")
        joined = f"{path}(base64){inner if inner[:1] in ('.', '[', '') else '.' + inner}"
        yield hit.between(match.start(), match.end(), joined)


def decoded(body: str) -> str | None:
    """What a base64 body (also in the URL alphabet, also without padding) says; None when that is no text."""
    if len(body) > _LONGEST_BLOB:
        body = body[:_LONGEST_BLOB]
    body = body.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        plain = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None
    return plain.decode("latin-1") if len(plain) >= _SHORTEST_BODY and _READABLE.match(plain) else None
