"""JSON text to values: orjson where it is installed (`pip install soc2ev[fast]`), the standard library otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from itertools import accumulate
from typing import Any

_AS_NINES = bytes.maketrans(b"012345678[, \t\r\n", b"9" * 9 + b":" * 6)
"""Digits, and what may stand before a number, each as one of them."""
_MANY_DIGITS = b"9" * 19
_LONG_NUMBERS = (b":" + b"9" * 20, b":-" + b"9" * 19)
_LONG_FROM, _MOST_BRACKETS = 1500, 400
_DEEPEST = 500
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_WHITE = " \t\n\r"


def _fast() -> Callable[[bytes], Any] | None:
    try:
        found: Callable[[bytes], Any] = import_module("orjson").loads
    except ImportError:
        return None
    return found


Reader = Callable[[bytes], Any]
_quick = _fast()
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]


def loads(text: bytes) -> Any:
    """
    The value of a JSON text; ValueError when it is none, or nested deeper than can be read.

    What orjson refuses and JSON writers make all the same (NaN, broken UTF-8, half a surrogate pair) and what it reads
    in its own way (whole numbers over 64 bits, deep nesting) is read by the standard library, so that the answer does
    not depend on what is installed.
    """
    if _quick is not None and not _has_long_number(text) and not _is_deep(text):
        try:
            return _quick(text)
        except ValueError:
            pass  # the slower reader below decides
    return _plain(text)


def reader(block: bytes) -> Reader:
    """What reads the single lines of that block as `loads` does, with what holds for all of them asked only once."""
    if _quick is None or _has_long_number(block):
        return loads if _quick is not None else _plain
    return _careful


def _careful(text: bytes) -> Any:
    if len(text) < _LONG_FROM or not _is_deep(text):
        try:
            return _quick(text)  # type: ignore[misc]  # `reader` looked
        except ValueError:
            pass  # the slower reader below decides
    return _plain(text)


def _has_long_number(text: bytes) -> bool:
    """Whether it may hold a whole number over 64 bits, in any place but the first."""
    nines = text.translate(_AS_NINES)
    return _MANY_DIGITS in nines and any(digits in nines for digits in _LONG_NUMBERS)


def _is_deep(text: bytes) -> bool:
    """Whether it may be nested so deeply that the two readers, whose limits differ, could disagree."""
    return len(text) >= _LONG_FROM and text.count(b"[") + text.count(b"{") > _MOST_BRACKETS


def _nesting(text: bytes) -> int:
    """How deeply it is nested: asked first, since how deeply Python can read depends on who calls it."""
    steps = (1 if mark in b"[{" else -1 for mark in _BRACKET.findall(_STRING.sub(b"", text)))
    return max(accumulate(steps), default=0)


def _plain(text: bytes) -> Any:
    """As `json.loads`, without the work that it does for other types of input."""
    if _is_deep(text) and _nesting(text) > _DEEPEST:
        raise ValueError("nested too deeply")
    shown = text.decode("utf-8", "replace").strip(_WHITE)
    try:
        value, end = _scan(shown, 0)
    except StopIteration:
        raise ValueError("no JSON") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if end != len(shown):
        raise ValueError("something follows the JSON")
    return value
