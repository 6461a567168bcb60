"""
Passwords that functions take by their place, as stack traces and dumps print calls.

A function to log in has it second, one to connect third: PDO, mysqli and JDBC's DriverManager have them behind the
source and the user of PDO::__construct and DriverManager.getConnection, behind the host and the user of mysqli_connect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.kinds import Hit

_QUOTE = r"\\*[\"']"
_GIVEN = rf"{_QUOTE}[^\"'\n\\]{{0,200}}{_QUOTE},\s{{0,3}}"
_CALL = re.compile(
    r"(?:\bPDO(?:->|::)__construct|\bnew PDO|\bmysqli?_p?connect|\bmysqli(?:->|::)(?:__construct|real_connect)|"
    rf"\bnew mysqli|\bgetConnection)\(\s?{_GIVEN}{_GIVEN}{_QUOTE}(?P<v>[^\"'\n\\]{{3,100}})"
)
_ARGUMENT = rf"(?:{_QUOTE}[^\"'\n\\]{{0,200}}{_QUOTE}|[^\"'(),\n]{{0,60}}(?:\([^()\n]{{0,60}}\))?)"
_NAMED = re.compile(
    r"(?i)(?:(?P<second>log_?in|authenticate|sign_?in|attempt|bind(?:_s)?)|(?P<third>connect)|check|password_verify)"
    rf"\((?P<all>{_ARGUMENT}(?:,\s{{0,3}}{_ARGUMENT}){{1,7}})\)"
)
_NAMES = (
    *("login(", "log_in(", "authenticate(", "signin(", "sign_in(", "attempt(", "bind(", "bind_s(", "connect("),
    *("check(", "password_verify("),
)
_STRING = re.compile(rf"{_QUOTE}(?P<v>[^\"'\n\\]{{0,200}}){_QUOTE}")
_HASHED = re.compile(r"\$(?:2[abxy]|argon2\w*|[156])\$")
_PAIR = re.compile(rf"\bauth=\(\s?{_QUOTE}[^\"'\n\\]{{1,64}}{_QUOTE},\s{{0,3}}{_QUOTE}(?P<v>[^\"'\n\\]{{3,100}})")
"""A name and its password as requests and httpx take them."""
_CALLED = ("__construct(", "new PDO(", "connect(", "new mysqli(", "getConnection(")


def hits(text: str, low: str) -> Iterator[Hit]:
    """The passwords in such calls; `low` is the text in lower case."""
    if "(" not in text:
        return
    found = list(_CALL.finditer(text)) if any(name in text for name in _CALLED) else []
    for match in (*found, *_PAIR.finditer(text)) if "auth=(" in text else found:
        if masks.is_password(match["v"], prose=False, numeric=True):
            yield Hit("password", match.start("v"), match.end("v"), match["v"])
    named = ("'" in text or '"' in text) and any(name in low for name in _NAMES)
    for match in _NAMED.finditer(text) if named else ():
        given = _given(match, list(_STRING.finditer(text, match.start("all"), match.end("all"))))
        if given and (masks.is_strong if match["third"] else _is_password)(given["v"]):
            yield Hit("password", given.start("v"), given.end("v"), given["v"])


def _is_password(value: str) -> bool:
    return masks.is_password(value, prose=True, numeric=False)


def _given(called: re.Match[str], strings: list[re.Match[str]]) -> re.Match[str] | None:
    """The string that a function takes for a password by its place, or holds against a hash."""
    if len(strings) > 1 and _HASHED.match(strings[1]["v"]):
        return strings[0]
    which = 1 if called["second"] else 2 if called["third"] else len(strings)
    return strings[which] if which < len(strings) else None
