"""A card's number in a line of its own, as documents over several lines have it: what stands by it tells what it is."""

from __future__ import annotations

import re

from soc2ev.logs.leaks.kinds import Hit
from soc2ev.logs.leaks.numbers import is_beside_parts, is_card

_NUMBER = re.compile(
    r"[ \t]*(?:\\*[\"'])?(?P<key>(?i:num(?:ber)?|no|value))(?:\\*[\"'])?\s?(?:=>|:)\s?[\"']?"
    r"(?P<v>\d[\d \-]{11,21}\d)[\"']?,?\s*"
)
_FAR = 300


def card_beside(block: bytes, start: int, end: int, text: str) -> list[Hit]:
    """The card that the line `text` between these places of the block has, if others of its parts stand by it."""
    match = _NUMBER.fullmatch(text)
    digits = re.sub(r"\D", "", match["v"]) if match else ""
    if not match or not is_card(digits):
        return []
    before = block[max(0, start - _FAR) : start].rpartition(b"}")[2]
    after = block[end : end + _FAR].partition(b"}")[0]
    if not is_beside_parts(before.decode("latin-1"), after.decode("latin-1")):
        return []
    return [Hit("card_number", match.start("v"), match.end("v"), digits, match["key"])]
