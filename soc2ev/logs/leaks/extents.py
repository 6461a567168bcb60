"""Where the value behind a key begins and ends in running text, and whether what stands there may be prose."""

from __future__ import annotations

import re

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.keys import squash

_BARE = re.compile(r"[^\s,;&|\"'<>)}\]\\`]+")
_BRACKETED = re.compile(
    r"(?:<[^<>\"]{0,40}>|\[[A-Za-z _*.\-]{2,40}\]|\{\{?[^{}\"]{0,40}\}?\}|\*+(?![\w\-+.!#@])|\([A-Za-z _]{2,40}\))"
)
_ROW_END = re.compile(
    r"[\"\n`]|</|\\n|\\r| \| |' |'$|\\\"|, [A-Za-z][\w-]+[:=]|\}|"
    r"(?<=[A-Za-z0-9=])(?<![Tt]oken) [A-Za-z_][\w.]{1,30}=(?!=)|\|(?=\w+=)|(?<=\w)\)|&(?=[\w.\-%\[\]]+=)| HTTP/\d|"
    r"[\^;] ?(?=[a-z_]\w*=\S+\^)|\^(?=\w+=)|>(?!=)|\x27, \x27"
)
_AREA = re.compile(r"\(\d{1,5}\)[ .\-]?\d[\d .\-]{4,14}\d")
"""A telephone number that begins with its area in brackets."""
_DIGITS = re.compile(r"[+(]?\d[\d ().\-/]{5,22}\d(?=[\t|;])")
"""A telephone number or a date in a cell of a table."""
_MANY_PARTS = re.compile(r"(?i)(?:digest|oauth|hawk|aws4-hmac-sha256) \w+=")
_SIGNED = re.compile(r"(?i)aws4-hmac-sha256 [^\n\"']{0,800}?signature=[0-9a-f]{64}(?![0-9a-f])")
"""Signature is the last part of it: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html"""
_QUOTED_PARTS = re.compile(r"(?i)(?:digest|oauth|hawk) \w+=\"")
_LISTED = re.compile(
    r"\[(?:(?P<q>[\"'])(?P<value>(?:(?!(?P=q)).){3,400})(?P=q)|(?!\[)(?P<plain>[^\[\]\"'{}]{3,400}(?=\])))"
)
"""A list of one value, as Go and Ruby print headers and forms."""
_LINE_END = re.compile(r"[\n']|\\[nr]|\"$")
_LISTED_BEFORE, _FAR = re.compile(r"(?<![\w.\-])[A-Za-z][\w.\-]{1,60}: [^\s,|]{1,100}(?:, | \| )$"), 200
_LISTS_ON = re.compile(r"(?:, | \| )[A-Za-z][\w.\-]{1,60}: ")
"""What stands behind a value of a list of names and values."""


def extent(text: str, match: re.Match[str], *, wide: bool) -> tuple[int, int]:
    """Where the value behind a key begins and ends: to its quote, its separator, or for headers the end of the row."""
    start, quote = match.end(), match["q"]
    if quote and text[match.start() - 1 : match.start()] == quote and text[match.end("key")] != quote:
        return start, start  # `"password="`: it closes what was opened before the key
    if quote in _OPENING and _closes(text, quote, match.start("q")):
        return start, start  # `"Enter password: ",17`: it closes what was opened long before
    if quote and not (wide and _QUOTED_PARTS.match(text, start)):
        end = text.find(quote, start)
        while end > 0 and len(quote) == 1 and text[end - 1] == "\\" and text[end - 2] != "\\":
            end = text.find(quote, end + 1)
        return start, end if end >= 0 else len(text)
    bracketed = _BRACKETED.match(text, start)
    if bracketed and not (wide and _is_person(bracketed.group())):
        return start, bracketed.end()
    if text.startswith("[", start) and (listed := _LISTED.match(text, start)):
        return listed.span("value" if listed["q"] else "plain")
    if wide and text.startswith("[", start) and _MANY_PARTS.match(text, start + 1):
        last = text.find("]", start)
        return start + 1, last if last >= 0 else len(text)
    if wide and _MANY_PARTS.match(text, start):
        signed = _SIGNED.match(text, start)
        if signed:
            return start, signed.end()
        stop = _LINE_END.search(text, start)
        return start, stop.start() if stop else len(text)
    if wide and (numbered := _AREA.match(text, start) or _DIGITS.match(text, start)):
        return start, numbered.end()
    if wide:
        stop = _ROW_END.search(text, start)
        return start, stop.start() if stop else len(text)
    return start, _bare_end(text, match, start)


def _bare_end(text: str, match: re.Match[str], start: int) -> int:
    """Where a value without quotes ends; one in an address or a form ends at any `&`, others where it parts pairs."""
    bare = _BARE.match(text, start)
    if not bare:
        return start
    end = bare.end()
    if match["sep"] in _PAIRED and not text.endswith(("?", "&"), 0, match.start()):
        while more := _GOES_ON.match(text, end):
            end = more.end()
    return end


_PAIRED = ("=", ":", ": ")
_GOES_ON = re.compile(
    r"(?<=\w)&(?!(?:amp|quot|lt|gt|apos|nbsp|#\w{1,5});|[\w.\-%\[\]]*=)(?=[\w!@#$%^*+])[^\s,;&|\"'<>)}\]\\`]+(?=[\s\"'}\])]|$)"
)
"""An `&` with no pair behind it: what is left of a password."""
_PERSON = re.compile(r"\[[A-Z][a-z]+(?: [A-Z][a-z'\-]+){1,3}\]")


def _is_person(bracketed: str) -> bool:
    """Whether it is a name as Go prints a header, `[Ann Lee]`, and not what stands for one, `[Not Provided]`."""
    return bool(_PERSON.fullmatch(bracketed)) and masks.STATES.isdisjoint(bracketed[1:-1].lower().split())


_LONGEST_PROMPT = 20_000
_OPENING = ('"', '\\"')


def _closes(text: str, quote: str, place: int) -> bool:
    """Whether that quote ends a string: one is open, and what follows is what follows strings."""
    behind = place + len(quote)
    ends = behind >= len(text) or text[behind] in ",;)]} \t\r\n\\"
    return ends and place < _LONGEST_PROMPT and text.count(quote, 0, place) % 2 == 1


def is_prose(text: str, match: re.Match[str], end: int) -> bool:
    """
    Whether the value of that pair, which ends there, may be a word of a sentence: `Password: must be changed`.

    It is none behind a quote, in a line of YAML, and under a name that no sentence has in a list of such.
    """
    if match["q"]:
        return False
    key, sep = match["key"], match["sep"]
    if not ((sep.strip() == ":" and sep[-1:] == " " and squash(key) != key) or sep.endswith(" ")):
        return False
    return sep != ": " or key == key.title() or not _is_listed(text, match, end)


def _is_listed(text: str, match: re.Match[str], end: int) -> bool:
    """Whether it is a line of YAML, or a name of two words, `db_password`, in a list of names and values."""
    key, start = match["key"], match.start()
    joined = "_" in key.strip("_") or key not in (key.lower(), key.upper())
    if (joined or start > 1) and text[:start].strip() in ("", "-") and not text[end:].strip():
        return True
    return joined and bool(_LISTS_ON.match(text, end) or _LISTED_BEFORE.search(text, max(0, start - _FAR), start))
