"""
Lines that the sieve chose for nothing but an `@`: ordinary in real logs, and cheap to read.

No word, number or run in them promises anything, so only what has an `@` is looked for (mail addresses, and addresses
of services with a password), and only in the values that have one. Whatever is not plain goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from soc2ev.logs.leaks import text as running
from soc2ev.logs.leaks.find import SHORTEST, find, has_body, json_start
from soc2ev.logs.leaks.kinds import Hit, settle
from soc2ev.logs.leaks.values import names_message
from soc2ev.logs.leaks.walk import LONGEST_PATH, PLAIN
from soc2ev.logs.leaks.wrapped import wrapped

_BRACKET = re.compile(r"[{}\[\]]")
_OTHER = re.compile(r'[^{}\[\],:"]+')
_A_KEY = (-1,)
_TOP = -1
# Escapes, and what the second stage finds even where no word, number or run gives it away to the sieve.
LONG_WAY = ("/services/", "/webhooks/", "-b ", "-b=", "--cookie")


def find_mails(text: str, root: str = "$") -> list[Hit]:
    """What `find` finds in a line of which the sieve told that only an `@` may give something away."""
    if _is_odd(text) or has_body(text):
        return find(text, root)
    start = json_start(text)
    if start is None and wrapped(text):
        return find(text, root)
    if start is None:
        return _within(text, "" if root == "$" else root)
    if start and _marked(text[:start]):
        return find(text, root)
    found: list[Hit] = []
    for path, at, value in _values(text, start, root):
        if path is None or value.lstrip()[:1] in ("{", "[") or wrapped(value):
            return find(text, root)
        if len(value) >= SHORTEST:
            found += _within(value, path, at)
    return found


def _is_odd(text: str) -> bool:
    for sign in ("\\", *LONG_WAY):  # noqa: SIM110  asked of every line, and any() takes three times as long
        if sign in text:
            return True
    return False


def _marked(text: str) -> bool:
    return "@" in text or "%" in text


def _within(text: str, path: str, at: int = 0) -> list[Hit]:
    """The hits of a value that stands at that place of the line."""
    found = settle(running.marked(text))
    if found and path and names_message(path):
        found = [hit for hit in found if hit.kind != "email"]
    if not path:
        return found
    return [hit.at(at, f"{path}.{hit.path}" if hit.path else path) for hit in found]


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
        if ("@" in part or "%" in part) and not _is_key(parts, index):
            yield _path(parts, index, root), start + sum(map(len, parts[:index])) + index, part


def _nested(parts: list[str], start: int, root: str) -> Iterator[tuple[str | None, int, str]]:
    sketch = _OTHER.sub("x", "".join('"'.join(parts[::2]).split()))
    keys = _paths(sketch)
    if keys is None:
        yield None, start, ""
        return
    for index in range(1, len(parts), 2):
        part = parts[index]
        if ("@" in part or "%" in part) and (above := keys[index // 2]) is not _A_KEY:
            place = start + sum(map(len, parts[:index])) + index
            yield None if above is None else _spelled([parts[at] for at in above], root), place, part


@lru_cache(2048)
def _paths(sketch: str) -> tuple[tuple[int, ...] | None, ...] | None:
    """
    For each string of a JSON of that form the strings that are the keys above it, the highest first.

    `_A_KEY` for one that is a key itself, None for one that no plain keys lead to; None for what is no plain JSON.
    """
    parts = [part for one in sketch.split('"') for part in (one, "")][:-1]
    stack: list[int | None] = []
    found: list[tuple[int, ...] | None] = []
    closed = False
    for index, part in enumerate(parts):
        if index % 2 == 0:
            if closed:
                return None
            for match in _BRACKET.finditer(part):
                _move(stack, parts, index, match.start(), match.group())
            closed = not stack
        else:
            found.append(_A_KEY if _is_key(parts, index) else _keys_above(parts, index, stack))
    return None if stack else tuple(found)


def _keys_above(parts: list[str], index: int, stack: list[int | None]) -> tuple[int, ...] | None:
    plain = index > 1 and parts[index - 1] == ":" and _is_key(parts, index - 2)
    return (*[at for at in stack[1:] if at is not None], index - 2) if plain and stack and None not in stack else None


def _move(stack: list[int | None], parts: list[str], index: int, at: int, bracket: str) -> None:
    """Open an object under its key (None where that is no plain key, so in arrays) or close one."""
    if bracket in "}]":
        if stack:
            stack.pop()
        return
    before = parts[index][:at]
    key = index - 1 if index and before == ":" and _is_key(parts, index - 1) else None
    stack.append(_TOP if not stack and not before and bracket == "{" and not index else key if bracket == "{" else None)


def _is_key(parts: list[str], index: int) -> bool:
    """Whether the string at that index is the key of an object."""
    before, after = parts[index - 1].rstrip()[-1:], parts[index + 1].lstrip()[:1] if index + 1 < len(parts) else ""
    return before in ("{", ",") and after == ":"


def _path(parts: list[str], index: int, root: str) -> str | None:
    """The path of a string in an object without others within."""
    plain = index > 1 and parts[index - 1].strip() == ":" and _is_key(parts, index - 2)
    return _spelled([parts[index - 2]], root) if plain else None


def _spelled(keys: list[str], root: str) -> str | None:
    path = root
    for key in keys:
        path = f"{path}.{key}" if PLAIN.match(key) else f"{path}['{key}']"
    return path if len(path) <= LONGEST_PATH else None
