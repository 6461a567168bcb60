"""Columns of access logs without a name that hold a header: `"Token x"`, `"Digest username=.."`, `"sid=x; lang=de"`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import cookies, masks
from soc2ev.logs.leaks.keys import is_session_cookie
from soc2ev.logs.leaks.kinds import Hit

_QUOTE = r"(?:\\x22|\\*\")"
_SCHEME = re.compile(
    rf"(?i)(?:(?<= )|(?<=auth=)|(?<=authorization=)){_QUOTE}(?:token|api-?key) "
    rf"(?:token=)?(?P<cred>[\w.~+/\-]{{16,400}}+={{0,2}}+){_QUOTE}"
)
_DIGEST = re.compile(
    rf"(?i)(?<![\w\-])Digest username=(?=[^\n]{{0,800}}?\bresponse={_QUOTE}?(?P<proof>[0-9a-f]{{32,128}})(?![0-9a-z]))"
)
"""The answer to a challenge opens one address until its nonce is old: RFC 7616 section 3.4."""
_REQUEST = re.compile(r" HTTP/\d(?:\.\d)?\\?\"")
_COLUMN = re.compile(
    r"(?<= )\\?\"(?P<pairs>[\w.\-]{1,60}=[^\s\";\\]{1,4000}(?:; ?[\w.\-]{1,60}=[^\s\";\\]{0,4000}){0,60})\\?\"(?=\s|$)"
)
_PAIR = re.compile(r"([\w.\-]{1,60})=([^\s\";\\]*)")


def hits(text: str, low: str) -> Iterator[Hit]:
    """What such columns hold; `low` is the text in lower case."""
    for match in _DIGEST.finditer(text) if "digest username=" in low else ():
        yield Hit("auth_header", match.start(), match.end("proof"), match["proof"])
    request = _REQUEST.search(text) if " http/" in low else None
    if request:
        yield from _columns(text, request.end(), low)


def _columns(text: str, start: int, low: str) -> Iterator[Hit]:
    """What stands behind the request."""
    for match in _SCHEME.finditer(text, start) if "token " in low or "key " in low else ():
        if masks.is_token(match["cred"]):
            yield Hit("auth_header", match.start("cred"), match.end("cred"), match["cred"])
    for column in _COLUMN.finditer(text, start):
        for pair in _PAIR.finditer(column["pairs"]):
            name, value = pair.groups()
            if is_session_cookie(name) and cookies.is_value(value):
                place = column.start("pairs") + pair.start(2)
                yield Hit("session_cookie", place, place + len(value), value, name)
