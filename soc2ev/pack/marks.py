"""What every rendition of a pack has in common: marks with their words, and text and addresses made safe to show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from soc2ev.model import Answer, Conclusion, Coverage, Json, Outcome

# Not allowed in XML 1.0 and HTML, or (second line) able to turn the reading direction and so to hide who did what.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_LOCAL = re.compile(r"[A-Za-z0-9._()-]+(/[A-Za-z0-9._()-]+)*/?")
# RFC 3986 allows none of these unescaped.
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f-\U0010ffff\"<>\\^`{|}]")


class Tone(StrEnum):
    """What a colour means; it never stands without a mark or a word."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Badge:
    """A coloured word with its mark."""

    text: str
    tone: Tone


MET, DEVIATION = Badge("P met", Tone.GOOD), Badge("X deviation", Tone.BAD)
WAIVED, NOT_TESTED = Badge("W waived", Tone.ACCEPTED), Badge("? not tested", Tone.UNKNOWN)
NOT_APPLICABLE = Badge("– not applicable", Tone.QUIET)

PIECES: Mapping[str, Tone] = {
    "met": Tone.GOOD,
    "deviation": Tone.BAD,
    "waived": Tone.ACCEPTED,
    "not tested": Tone.UNKNOWN,
    "not applicable": Tone.QUIET,
}
"""What outcomes are counted as, in the order of a bar. A waived deviation is counted as waived only."""

LEGEND = (
    (MET, "The evidence answers yes."),
    (DEVIATION, "The evidence answers no. Reports call this an exception."),
    (WAIVED, "A deviation that a named person accepted, with a reason and a date on which that ends."),
    (NOT_TESTED, "Evidence is missing, denied or incomplete; never taken for met."),
    (Badge("? provisional", Tone.UNKNOWN), "Collected before the period closed: more can still come."),
    (NOT_APPLICABLE, "The question does not arise, for the reason given."),
    (Badge("~ partly", Tone.UNKNOWN), "Some of what a question asks about is in order and some is not."),
)
"""What each mark means, in the words that every rendition uses."""

_MARKS: Mapping[str, Badge] = {
    Outcome.MET: MET,
    Outcome.DEVIATION: DEVIATION,
    Outcome.NOT_TESTED: NOT_TESTED,
    Outcome.NOT_APPLICABLE: NOT_APPLICABLE,  # the answer of the same words is marked alike
    Conclusion.NO_DEVIATIONS: Badge("P no deviations", Tone.GOOD),
    Conclusion.DEVIATIONS: Badge("X deviations", Tone.BAD),
    Conclusion.INCOMPLETE: Badge("? incomplete", Tone.UNKNOWN),
    Conclusion.NO_OCCURRENCE: Badge("– no occurrence", Tone.QUIET),
    Answer.YES: Badge("P yes", Tone.GOOD),
    Answer.NO: Badge("X no", Tone.BAD),
    Answer.PARTLY: Badge("~ partly", Tone.UNKNOWN),
    Answer.NOT_KNOWN: Badge("? not known", Tone.UNKNOWN),
}


def mark(word: Outcome | Conclusion | Answer) -> Badge:
    """The word with its mark and colour."""
    return _MARKS[word]


def state(entry: Coverage) -> Badge:
    """How whole a collection is: what is provisional or incomplete never looks complete."""
    words = ["incomplete"] if not entry.complete else []
    words += ["provisional"] if entry.provisional else []
    return Badge(f"? {' and '.join(words)}", Tone.UNKNOWN) if words else Badge("P complete", Tone.GOOD)


def visible(text: str) -> tuple[str, int]:
    """The text, with characters that a file cannot hold or a reader cannot see shown as numbers, and how many."""
    return _HIDDEN.subn(lambda found: f"\\u{ord(found[0]):04x}", text.replace("\r\n", "\n"))


def https(url: str | None) -> str:
    """The address when it is a plain https one: with a host, without user, blank or odd character. Otherwise empty."""
    if not url or _NO_ADDRESS.search(url):
        return ""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return url if parts.scheme == "https" and parts.hostname and "@" not in parts.netloc else ""


def local(path: str) -> str:
    """The path when it stays inside the pack and has the plain characters that our own names have; otherwise empty."""
    return path if _LOCAL.fullmatch(path) and ".." not in path.split("/") else ""


def shown(value: Json) -> str:
    """A fact as text: lists with commas, instants and days in ISO 8601, mappings as JSON; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=shown)
    return str(value)
