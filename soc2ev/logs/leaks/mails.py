"""
Lines that the sieve chose for nothing but an `@`: ordinary in real logs, and cheap to read.

No word, number or run in them promises anything, so only what has an `@` is looked for (mail addresses, and addresses
of services with a password), and only in the values that have one. Whatever is not plain goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import text as running
from soc2ev.logs.leaks.find import BASE64, SHORTEST, find, json_start
from soc2ev.logs.leaks.kinds import Hit, settle
from soc2ev.logs.leaks.walk import LONGEST_PATH, PLAIN

_BRACKET = re.compile(r"[{}\[\]]")
# Escapes, and what the second stage finds even where no word, number or run gives it away to the sieve.
_LONG_WAY = ("\\", "/services/", "/webhooks/", "-b ", "-b=", "--cookie")


def find_mails(text: str, root: str = "$") -> list[Hit]:
    """What `find` finds in a line of which the sieve told that only an `@` may give something away."""
    if any(sign in text for sign in _LONG_WAY) or BASE64.search(text):
        return find(text, root)
    start = json_start(text)
    if start is None:
        return _within(text, "" if root == "$" else root)
    if start and _marked(text[:start]):
        return find(text, root)
    found: list[Hit] = []
    for path, at, value in _values(text, start, root):
        if path is None or value.lstrip()[:1] in ("{", "["):
            return find(text, root)
        if len(value) >= SHORTEST:
            found += _within(value, path, at)
    return found


def _marked(text: str) -> bool:
    return "@" in text or "%40" in text


def _within(text: str, path: str, at: int = 0) -> list[Hit]:
    """The hits of a value that stands at that place of the line."""
    return [
        Hit(
            hit.kind,
            hit.start + at,
            hit.end + at,
            hit.secret,
            f"{path}.{hit.path}" if path and hit.path else path or hit.path,
            hit.by_value,
        )
        for hit in settle(running.marked(text))
    ]


def _values(text: str, start: int, root: str) -> Iterator[tuple[str | None, int, str]]:
    """(path, place, value) of every string with a mark; a path of None says that this JSON is not a plain one."""
    parts = text[start:].split('"')
    between = "".join(parts[::2])
    if len(parts) % 2 == 0 or _marked(between):
        yield None, start, ""
    elif _BRACKET.findall(between) == ["{", "}"] and parts[0].strip() == "{" and parts[-1].strip()[-1:] == "}":
        yield from _flat(parts, start, root)
    else:
        yield from _nested(parts, start, root)


def _flat(parts: list[str], start: int, root: str) -> Iterator[tuple[str | None, int, str]]:
    """The same of one object without others within."""
    for index in range(1, len(parts), 2):
        part = parts[index]
        if ("@" in part or "%40" in part) and not _is_key(parts, index):
            yield _path(parts, index, [""], root), start + sum(map(len, parts[:index])) + index, part


def _nested(parts: list[str], start: int, root: str) -> Iterator[tuple[str | None, int, str]]:
    stack: list[str | None] = []
    place = start
    closed = False
    for index, part in enumerate(parts):
        if index % 2 == 0:
            if closed:
                yield None, place, part
                return
            for match in _BRACKET.finditer(part):
                _move(stack, parts, index, match.start(), match.group())
            closed = not stack
        elif _marked(part) and not _is_key(parts, index):
            yield _path(parts, index, stack, root), place, part
        place += len(part) + 1
    if stack:
        yield None, place, ""


def _move(stack: list[str | None], parts: list[str], index: int, at: int, bracket: str) -> None:
    """Open an object under its key (None where that is no plain key, so in arrays) or close one."""
    if bracket in "}]":
        if stack:
            stack.pop()
        return
    before = parts[index][:at].strip()
    key = parts[index - 1] if index and before == ":" and _is_key(parts, index - 1) else None
    stack.append("" if not stack and not before and bracket == "{" and not index else key if bracket == "{" else None)


def _is_key(parts: list[str], index: int) -> bool:
    """Whether the string at that index is the key of an object."""
    before, after = parts[index - 1].rstrip()[-1:], parts[index + 1].lstrip()[:1] if index + 1 < len(parts) else ""
    return before in ("{", ",") and after == ":"


def _path(parts: list[str], index: int, stack: list[str | None], root: str) -> str | None:
    plain = index > 1 and parts[index - 1].strip() == ":" and _is_key(parts, index - 2)
    if not plain or not stack or None in stack:
        return None
    path = root
    for key in (*stack[1:], parts[index - 2]):
        path = f"{path}.{key}" if PLAIN.match(str(key)) else f"{path}['{key}']"
    return path if len(path) <= LONGEST_PATH else None
