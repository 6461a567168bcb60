"""Values that stand in the line below their name, as PHP's var_dump prints the entries of an array."""

from __future__ import annotations

import re

from soc2ev.logs.leaks.kinds import Hit, settle
from soc2ev.logs.leaks.text import by_key

_NAME = re.compile(r"\[\"(?P<key>[\w.\-]{1,60})\"(?::[\w\":\\]{1,120})?\]\s?=>\s?$")
"""`["password"]=>`, and of an object `["password":protected]=>`: https://www.php.net/var_dump"""
_VALUE = re.compile(rb"\s{0,80}string\(\d{1,7}\) \"(?P<value>[^\n]{3,4000})\"\s?$")


def value_below(block: bytes, end: int, text: str) -> tuple[int, list[Hit]] | None:
    """
    Where the line below begins, and what its value holds by a name that the line `text`, which ends at `end`, gives.

    None where that line is no such name, or the next one no such value.
    """
    if "=>" not in text[-3:]:
        return None
    start = end + 1
    stop = block.find(b"\n", start)
    name, value = _NAME.search(text), _VALUE.match(block[start : len(block) if stop < 0 else stop])
    if not name or not value:
        return None
    found = settle(by_key(name["key"], value["value"].decode("latin-1")))
    return (start, [hit.at(value.start("value"), name["key"]) for hit in found]) if found else None
