"""
A name and its password in one: `creds: app/hunter2X`, `SMTP login mailer/hunter2X`, `auth: 'app:hunter2X'`.

Between them stands a slash or a colon, as between the parts of many other things, so that the password has to look
like one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.kinds import Hit

_USER = r"[\"'(\[]?[A-Za-z0-9][\w.@+\-]{0,63}"
_ENDS = r"(?=[\"')\]]?(?:[\s,;<]|\.(?:\s|$)|\\|@[\w.\-]|$|[\"')\]]))"
_GIVEN = rf"(?P<v>[^\s\"'/,:;(){{}}\[\]\\@]{{6,64}}){_ENDS}"
_CREDENTIALS = re.compile(
    r"(?i)(?<![\w.\-/])(?:invalid|bad|wrong|incorrect|rejected|with|using|trying|tried) credentials:? "
    r"[\"'(]?[A-Za-z0-9][\w@+\-]{0,40}(?:/|:|, ?|: )(?P<v>[^\s\"'/,:;(){}\[\]]{6,64})(?=[\"')]?(?:[\s,;.\"<]|\\|$))"
)
"""A name and its password in one: `invalid credentials alice/Winter2025`."""
_BARE = re.compile(
    rf"(?<![\w.\-/])cred(?:ential)?s?(?: (?:received|used|sent|given|provided|are|were))?:\s{{1,3}}"
    rf"{_USER}(?: ?/ ?|:){_GIVEN}"
)
_LOGGING_IN = re.compile(r"(?:login|signin|authenticat(?:e|ing|ed)|(?:logg|sign)(?:ing|ed) in (?:as|with|user)):? ")
_LOGIN = re.compile(
    r"(?<![\w.\-/])(?:(?:login|signin|authenticat(?:e|ing|ed))(?: (?:as|with|user|for))?|"
    rf"(?:logg|sign)(?:ing|ed) in (?:as|with|user)(?: user)?):? {_USER}(?: ?/ ?|:){_GIVEN}"
)
_BUNDLER = re.compile(
    r"\b(?:bundle config (?:set )?(?:--\w+ )?[\w.:/\-]{3,200} |BUNDLE_[A-Z0-9_]{3,120}(?:=|: )[\"']?)"
    r"[\w.@\-]{1,64}:(?P<v>[^\s\"'/:@]{3,100})"
)
"""Bundler keeps the user and password of a source in one setting: https://bundler.io/man/bundle-config.1.html"""
_BASIC = re.compile(r"[A-Za-z0-9+/]{12,1000}={0,2}")
_VALUE = re.compile(r"[\w.@+\-]{1,64}:(?P<v>[^\s:/@]{6,100})")


def hits(text: str, low: str) -> Iterator[Hit]:
    """The passwords of such pairs in a text; `low` is the text in lower case."""
    for match in _CREDENTIALS.finditer(text) if "credentials" in low else ():
        if masks.is_password(match["v"], prose=True, numeric=True):
            yield Hit("password", match.start("v"), match.end("v"), match["v"])
    found = list(_BARE.finditer(low)) if "cred" in low else []
    told = (
        "login" in low
        or "in as" in low
        or "in with" in low
        or "signin" in low
        or "authenticat" in low
        or "in user" in low
    )
    if told and ("/" in text or ":" in text) and _LOGGING_IN.search(low):
        found += _LOGIN.finditer(low)
    for match in found:
        value = text[match.start("v") : match.end("v")]
        if masks.is_strong(value):
            yield Hit("password", match.start("v"), match.end("v"), value)
    for match in _BUNDLER.finditer(text) if "bundle config " in text or "BUNDLE_" in text else ():
        if masks.is_password(match["v"], prose=False, numeric=False):
            yield Hit("password", match.start("v"), match.end("v"), match["v"])


def of_value(value: str) -> Iterator[Hit]:
    """The password of a pair that is the whole value of a key such as `auth`; or both in base64, as Docker has it."""
    if _BASIC.fullmatch(value) and (plain := _decoded(value)) and _VALUE.fullmatch(plain):
        yield Hit("auth_header", 0, len(value), value)
        return
    match = _VALUE.fullmatch(value)
    if match and masks.is_password(match["v"], prose=True, numeric=False):
        yield Hit("password", match.start("v"), match.end("v"), match["v"])


def _decoded(value: str) -> str:
    """What a body in base64 says; nothing when that is no text in ASCII."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("ascii")
    except ValueError:
        return ""
