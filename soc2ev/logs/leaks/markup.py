"""Values that markup names: elements, attributes, lists of names and values, and parts of forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_ELEMENT = re.compile(
    r"<(?:\w+:)?(?P<key>[A-Za-z][\w.\-]{1,60})(?: [\w:.\-]{1,40}=\\*[\"'](?:(?!PasswordDigest)[^<>]){0,200})?(?<!/)>"
    r"(?P<value>[^<>]{3,4000})</"
)
_NAMES = r"(?:[Nn]ame|NAME|[Kk]ey|KEY|[Ff]ield|[Ii]d)"
_NAMING = rf"{_NAMES}=\\*(?P<q>[\"'])(?P<key>[\w.\-:\[\]]{{1,80}})\\*(?P=q)"
_OPEN = rf"<[\w:.\-]{{1,40}}(?: [^<>]{{0,200}}?)? {_NAMING}[^<>/]{{0,200}}>"
_NAMED = re.compile(_OPEN + r"(?P<value>[^<>]{3,4000})</")
"""`<Data Name="Password">x</Data>`: event data of Windows, properties of Spring."""
_PAIRED = re.compile(
    rf"(?<![\w.\-]){_NAMING}(?: [\w:.\-]{{1,40}}=\\*[\"'][^\"'<>]{{0,80}}[\"'])?"
    r" (?:[Vv]alue|VALUE|[Cc]ontent|[Vv]al|[Dd]efault)=\\*(?P<v>[\"'])(?P<value>[^<>\"'\\\n]{3,4000})\\*(?P=v)"
)
"""`<add key="Password" value="x"/>`: settings of .NET, Java, Spring and Hadoop."""
_DATA = re.compile(
    r"<(?:\w+:)?(?P<key>[A-Za-z][\w.\-]{1,60})(?: [^<>]{0,200})?>\s{0,3}<!\[CDATA\[(?P<value>[^\]<>]{3,4000})\]\]>"
)
_TOLD = re.compile(
    r"\b(?:key|name|Key|Name)\s?[:=]\s?\\*[\"']?(?P<key>[A-Za-z][\w.\-]{1,60})\\*[\"']?[,;]?\s{1,3}"
    r"(?:value|Value)\s?(?:[:=]\s?|\{\s?\w{1,20}:\s?)\\*[\"']?(?P<value>[^\s\"'{},\\]{3,400})"
)
"""A name and its value side by side, as protocol buffers' text and YAML in one line have them."""
_FORM_PART = re.compile(
    r"\bname=\\*\"(?P<key>[\w.\-\[\]]{1,60})\\*\"(?:\r?\n|(?:\\+r)?\\+n){2}(?P<value>[^\r\n\\]{1,4000})"
)
"""A part of a form that is sent as multipart/form-data (RFC 7578 section 4.2)."""
_ENTITY = r"&(?:#\d{1,4}|#[xX][0-9A-Fa-f]{1,4}|amp|lt|gt|quot|apos);"
_IN_ELEMENT = rf"(?P<value>(?=[^<>]*?{_ENTITY})[^<>]{{3,20000}})</"
_IN_QUOTES = rf"(?P<v>[\"'])(?P<value>(?=[^<>\"']*?{_ENTITY})[^<>\"']{{3,20000}})(?P=v)"
_CODED = (
    re.compile(rf"<(?:\w+:)?(?P<key>[A-Za-z][\w.\-]{{1,60}})>{_IN_ELEMENT}"),
    re.compile(_OPEN + _IN_ELEMENT),
    re.compile(rf"{_NAMING} (?:[Vv]alue|VALUE|[Cc]ontent)={_IN_QUOTES}"),
    re.compile(rf"(?<=[ <])(?P<key>[A-Za-z_][\w:.\-]{{0,60}})={_IN_QUOTES}"),
)


class Named(NamedTuple):
    """A value, where it begins, and the name that its markup gives it."""

    key: str
    start: int
    value: str


def named(text: str) -> Iterator[Named]:
    """The values of elements, of attributes beside one that names them, and of forms that were sent in parts."""
    for sign, pattern in (
        ("</", _ELEMENT),
        ("</", _NAMED),
        ("alue=", _PAIRED),
        ("CDATA", _DATA),
        ("alue", _TOLD),
        ("form-data", _FORM_PART),
    ):
        for match in pattern.finditer(text) if sign in text else ():
            yield Named(match["key"], match.start("value"), match["value"])


def has_names(text: str) -> bool:
    """Whether `named` may find something."""
    return "</" in text or "alue" in text or "form-data" in text


def coded(text: str) -> Iterator[Named]:
    """Values of elements and attributes in which characters are written as entities (XML 1.0 section 4.1)."""
    for pattern in _CODED if "<" in text else ():
        for match in pattern.finditer(text):
            yield Named(match["key"], match.start("value"), match["value"])
