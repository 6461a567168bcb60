"""What addresses carry that opens something: signatures of objects, and tokens of links that are sent by mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.kinds import Hit
from soc2ev.logs.leaks.said import is_random

_SIGNATURE = re.compile(
    r"(?<=[?&])(?:sig=(?P<a>[A-Za-z0-9%+/=]{30,90})|X-Amz-Signature=(?P<b>[0-9a-f]{64})|"
    r"X-Goog-Signature=(?P<c>[0-9a-f]{64,1024}))|(?<=&amp;)sig=(?P<d>[A-Za-z0-9%+/=]{30,90})"
)
_AZURE_SAS = re.compile(r"(?i)[?&;](?:sv|se|sp|sr)=")
_SIGNED = re.compile(r"(?<![\w.\-])Signature=(?P<v>[\w~%+/=\-]{27,800})")
_SIGNER = re.compile(r"(?<![\w.\-])(?:Key-Pair-Id|GoogleAccessId|AWSAccessKeyId|OSSAccessKeyId)=")
"""Signed addresses of CloudFront, and of the older schemes of S3, Google's and Alibaba's storage."""
_PROTECTED = re.compile(r"(?<=[?&]code=)CfDJ8[\w%+/=\-]{20,4000}")
"""What ASP.NET Core's data protection gave out, of which the first bytes are known: the code of a link to confirm."""
_KEY = re.compile(r"(?<=[?&])key=(?P<v>[\w\-]{24,200})(?![\w\-./%])")
"""`key` alone is a key of anything, also of what is cached or stored, so that its value has to look like a secret."""
_WORD = (
    r"(?:(?:password[_-]?)?reset(?:[_-]?password)?|(?:set|new|forgot|change|recover)[_-]?password|recover|"
    r"(?P<other>activat(?:e|ion)|verif(?:y|ication)|confirm(?:ation)?|invit(?:e|ation)s?|magic(?:[_-]?link)?|unlock))"
)
_LINK = re.compile(
    rf"/{_WORD}(?:/(?:confirm|password|verify|token|email|key|complete|[\w\-]{{1,12}}))?/"
    r"(?P<v>[\w\-]{20,200})(?=[/?\s\"'<>&)\],;\\]|$)"
)
_OF_DJANGO = re.compile(r"[0-9a-z]{3,8}-(?:[0-9a-f]{20}|[0-9a-f]{32})")
"""An instant in base 36 and the half of a digest: django.contrib.auth.tokens.PasswordResetTokenGenerator."""


def hits(text: str) -> Iterator[Hit]:
    """The signatures and tokens in the addresses of a text."""
    for match in _SIGNATURE.finditer(text) if "sig=" in text or "-Signature=" in text else ():
        value = match[match.lastgroup or 0]
        if (match["b"] or match["c"] or _AZURE_SAS.search(text)) and not masks.is_masked(value):
            yield Hit("token", match.start(), match.end(), value)
    signed = "Signature=" in text and _SIGNER.search(text)
    for match in _SIGNED.finditer(text) if signed else ():
        if not masks.is_masked(match["v"]):
            yield Hit("token", match.start("v"), match.end("v"), match["v"])
    for match in _PROTECTED.finditer(text) if "code=CfDJ8" in text else ():
        yield Hit("token", match.start(), match.end(), match.group())
    for match in _KEY.finditer(text) if "?key=" in text or "&key=" in text else ():
        if is_random(match["v"]) and match["v"] not in (match["v"].lower(), match["v"].upper()):
            yield Hit("api_key", match.start("v"), match.end("v"), match["v"], "key")
    if "/" in text:
        yield from of_path(text)


def of_path(text: str) -> Iterator[Hit]:
    """The tokens of links in a text: the last step of a path behind a word such as `reset`."""
    for match in _LINK.finditer(text):
        if _opens(match["v"], strict=bool(match["other"])):
            yield Hit("token", match.start("v"), match.end("v"), match["v"])


def _opens(value: str, *, strict: bool) -> bool:
    """Whether a step of a path is a token: behind any but the word of a reset it may be an id, too."""
    if _OF_DJANGO.fullmatch(value):
        return True
    return is_random(value) and (not strict or value not in (value.lower(), value.upper()))
