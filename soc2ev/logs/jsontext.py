"""JSON text to values: orjson where it is installed (`pip install soc2ev[fast]`), the standard library otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any


def _fast() -> Callable[[bytes], Any] | None:
    try:
        found: Callable[[bytes], Any] = import_module("orjson").loads
    except ImportError:
        return None
    return found


_quick = _fast()


def loads(text: bytes) -> Any:
    """
    The value of a JSON text; ValueError when it is none, or nested deeper than can be read.

    What orjson refuses and JSON writers make all the same (NaN, broken UTF-8, half a surrogate pair) is read by the
    standard library, so that the answer does not depend on what is installed; whole
    numbers over 64 bits may come as floats.
    """
    if _quick is not None:
        try:
            return _quick(text)
        except ValueError:
            pass  # the slower reader below decides
    try:
        return json.loads(text.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
