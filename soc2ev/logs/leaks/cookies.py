"""Session cookies: in headers, in dictionaries of cookies, given to curl, and in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.keys import is_session_cookie, names_session_id, squash
from soc2ev.logs.leaks.kinds import Hit
from soc2ev.logs.leaks.said import is_random

JARS = frozenset({"cookies", "cookie", "cookieparams", "setcookies"})
"""Keys of objects that hold cookies, as `squash` gives them."""
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COOKIE_PAIR = re.compile(
    r"([!#$%&'*+\-.^`|~\w]+)=(\d{1,10}\|[0-9a-f]{32,128}(?![0-9a-z])|2\|\d:\d\|[\w:|/+=\-]{40,}|[^;,\s\"\\'}|]*)"
)
"""
Values have no pipe, which ends a cell of a table, but for two: `7|0a1b...` of Flask-Login
(https://flask-login.readthedocs.io/) and `2|1:0|10:...` of Tornado.
"""
_JAR = re.compile(r"(?i)(?<![\w.\-])(?:sessionid|sessid|sid)=([\w.%\-]{8,})(?=; ?[\w.\-]+=)")
_JARRED = re.compile(r"""(?i)\bcookies?["']?\s{0,2}(?:=>|[=:])\s{0,2}\{(?P<pairs>[^{}\n]{1,4000})\}""")
_JAR_PAIR = re.compile(
    r"""["']?(?P<key>[\w.\-]{2,60})["']?\s{0,2}(?:=>|[=:])\s{0,2}["'](?P<value>[^"'\n]{8,2000})["']"""
)
_CURL_JAR = re.compile(r"""(?:^|\s)(?:-b|--cookie)[ =]["']?(?P<pairs>[\w.\-]{2,60}=[^\s"']{8,2000})""")
_WITH_COOKIE = re.compile(r"(?i)(?<![\w\-])cookie (?P<key>[\w.\-]{2,60})=(?P<value>[^\s;,\"']{16,2000})")
_FIRST = re.compile(r"[;,\s\"'&|]|%3[Bb]|%26")
_OF_ASPNET = re.compile(
    r"(?<![\w\-])(?P<name>\.AspNetCore\.(?:Identity\.[\w.]{1,60}|Cookies(?:C\d)?|Session)|\.AspNet\.ApplicationCookie|"
    r"\.ASPXAUTH|ASP\.NET_SessionId)=(?P<v>[\w%.\-]{16,8000})"
)
"""Cookies that begin with a dot: https://learn.microsoft.com/aspnet/core/security/authentication/cookie"""
_OF_TOMCAT = re.compile(r"(?<![\w.\-])session=(?P<v>[0-9A-F]{32}(?:\.[\w\-]{1,40})?)(?![\w\-])")
"""The id of a session as Tomcat makes them, told by Spring's filter that logs requests."""
_SESSION_WORD = re.compile(r"(?i)[;?&](?:jsessionid|phpsessid)=([\w.!\-]{8,})")
_SHORTEST, _SHORTEST_SESSION, _SHORTEST_OPAQUE = 8, 20, 24
_UPPER_OR_LOWER = re.compile(r"[^a-z]+|[^A-Z]+")
"""What is written in letters of one case is likelier an identifier: a UUID, a ULID, a digest."""


def hits(text: str, low: str) -> Iterator[Hit]:
    """Sessions in a text of which the header's name is missing; `low` is the text in lower case."""
    for match in _SESSION_WORD.finditer(text) if "sessionid=" in low or "phpsessid=" in low else ():
        if is_value(match.group(1)):
            yield Hit("session_cookie", match.start(1), match.end(1), match.group(1))
    for match in _OF_ASPNET.finditer(text) if "aspnet" in low or "aspxauth" in low or "asp.net_" in low else ():
        if is_value(match["v"]):
            yield Hit("session_cookie", match.start("v"), match.end("v"), match["v"], match["name"])
    for match in _OF_TOMCAT.finditer(text) if "session=" in low else ():
        yield Hit("session_cookie", match.start("v"), match.end("v"), match["v"])
    yield from _of_jars(text, low) if "cookie" in low or "-b" in text else ()
    for match in _JAR.finditer(text) if "sid=" in low or "sessionid=" in low or "sessid=" in low else ():
        if is_value(match.group(1)):
            yield Hit("session_cookie", match.start(1), match.end(1), match.group(1))


def _of_jars(text: str, low: str) -> Iterator[Hit]:
    """Cookies in a dictionary of cookies, or given to curl."""
    found = [(pairs, _JAR_PAIR) for pairs in (_JARRED.finditer(text) if "{" in text else ())]
    found += [(pairs, _COOKIE_PAIR) for pairs in (_CURL_JAR.finditer(text) if "-b" in text or "--c" in text else ())]
    for told in _WITH_COOKIE.finditer(text) if "cookie " in low else ():
        if is_session_cookie(told["key"]) and is_value(told["value"]):
            yield Hit("session_cookie", told.start("value"), told.end("value"), told["value"], told["key"])
    for pairs, form in found:
        for pair in form.finditer(pairs["pairs"]):
            key, value = pair.groups()
            if is_session_cookie(key) and is_value(value):
                start = pairs.start("pairs") + pair.start(2)
                yield Hit("session_cookie", start, start + len(value), value, key)


def of_header(key: str, value: str) -> Iterator[Hit]:
    """The session values of a Cookie or Set-Cookie header, or the value itself when the key is the cookie's name."""
    if names_session_id(key):
        own = _FIRST.split(value, maxsplit=1)[0]
        if (
            len(own) >= _SHORTEST_OPAQUE
            and is_random(own)
            and is_value(own)
            and masks.is_token(own)
            and not _UPPER_OR_LOWER.fullmatch(own)
        ):
            yield Hit("session_cookie", 0, len(own), own)
        return
    named = squash(key.rsplit(".", 1)[-1])
    if "cookie" not in named or named in ("sessioncookie", "sesscookie", "authcookie"):
        pairs = list(_COOKIE_PAIR.finditer(value)) if "=" in value[:-2] else []
        own = _FIRST.split(value, maxsplit=1)[0]
        if "=" not in own[:-2]:
            pairs = []  # those of `session_cookie=x GET /y?a=b` stand behind it
        if named in ("sessionid", "sessid", "authsession", "usersession", "ssid") and (
            len(own) < _SHORTEST_SESSION or _UUID.fullmatch(own)
        ):
            return
        if (is_value(own) and "cookie" not in named) or (not pairs and is_value(own)):
            yield Hit("session_cookie", 0, len(own), own)
        if not pairs:
            return
    for pair in _COOKIE_PAIR.finditer(value):
        if is_session_cookie(pair.group(1)) and is_value(pair.group(2)):
            yield Hit("session_cookie", pair.start(2), pair.end(2), pair.group(2))


def is_value(value: str) -> bool:
    """Whether the value of a session's cookie is one: no mask, no state, no word."""
    return (
        len(value) >= _SHORTEST
        and not masks.is_masked(value)
        and value.lower() not in masks.STATES
        and " " not in value
        and (not value.isalpha() or masks.mixed(value))
    )
