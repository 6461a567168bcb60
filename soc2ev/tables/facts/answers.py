"""
Answers in Markdown that people wrote, told from the template that asked for them.

Texts come from anybody and are read line by line, in time proportional to their length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENOUGH = 15
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}#{1,6}(?:\s|$)|\s{0,3}(?:\*\*|__)[^*_]{1,120}(?:\*\*|__):?\s*$")
_CHECKBOX = re.compile(r"\s*[-*+]\s+\[[ xX]\]\s")
_MARKS = " \t#>*_`~|-+=.:!?,;()[]<>–—"
_NOTHING = re.compile(r"(?:n\s?/?\s?a|none|no|not applicable|nothing)\b", re.IGNORECASE)
_REASON = re.compile(r"[\s,:;.()–—-]*(?:because|since|as|for)?\b[\s,:;–—-]*", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"(?:(?:tbd|tbc|todo)\b|to be (?:done|determined|defined|filled)|fill (?:in|out|this)"
    r"|please (?:describe|explain|fill|add|provide|write|give|list)"
    r"|(?:describe|explain) (?:here|briefly|in detail|how (?:to|you|we|this)|what|why)\b"
    r"|(?:describe|explain) (?:your|the|this) (?:change|plan|pull|pr\b)"
    r"|(?:how|what) (?:would|will|do|does|can|is|are) (?:you|we|this|the)\b"
    r"|yes ?/ ?no|lorem ipsum|your (?:answer|text|plan|description)\b)",
    re.IGNORECASE,
)
_ROLLBACK = re.compile(r"\broll(?:ing)?[ -]?back\b|\bback(?:ing)?[ -]?out\b|\brevert plan\b", re.IGNORECASE)
_LABEL_END = re.compile(r"[:|?]|,| by | [–—-] ", re.IGNORECASE)
_LEAD = re.compile(
    r"[\s>*_+|-]*(?:\[[xX]\]\s*)?(?:(?:to|how to|plan to|plan for|the|we|we can|our)\s+){0,2}", re.IGNORECASE
)
_LONGEST_LABEL = 60

QUESTIONS = {
    "authentication": re.compile(r"authenticat", re.IGNORECASE),
    "authorisation": re.compile(r"authori[sz]ation", re.IGNORECASE),
    "transactions": re.compile(r"transaction", re.IGNORECASE),
    "uptime or performance": re.compile(r"uptime|performance", re.IGNORECASE),
    "logs or monitoring": re.compile(r"\blog(?:s|ging)?\b|monitor", re.IGNORECASE),
    "customer data": re.compile(r"customer data", re.IGNORECASE),
    "rollback": _ROLLBACK,
}
"""What a high-risk change has to answer, and how a line is recognised that asks it."""


def described(text: str) -> bool:
    """Whether it says something in 15 characters or more, besides template text."""
    said = [line for line in _lines(text) if not _HEADING.match(line) and not _CHECKBOX.match(line)]
    return _enough(" ".join(said))


def rollback_planned(text: str) -> bool:
    """Whether a heading, field or line about rolling back is followed by a plan, or by a reason why none is needed."""
    lines = list(_lines(text))
    return any(_enough(_plan(lines, index)) for index in range(len(lines)))


def answered(text: str, question: re.Pattern[str]) -> bool:
    """Whether a line that asks the question has an answer behind it or, below a heading, on the next line."""
    if question is _ROLLBACK and rollback_planned(text):
        return True
    lines = list(_lines(text))
    for index, line in enumerate(lines):
        found = question.search(line[:_LONGEST_LABEL])
        if not found:
            continue
        end = re.search(r"[:|?]", line[found.end() :])
        said = line[found.end() + end.end() :] if end else ""
        if not said.strip(_MARKS) and (_HEADING.match(line) or end):
            said = next((one for one in lines[index + 1 : index + 3] if one.strip()), "")
            said = "" if _HEADING.match(said) or ":" in said[:_LONGEST_LABEL] or "?" in said else said
        if said.strip(_MARKS) and not _PLACEHOLDER.match(said.strip(_MARKS)) and not _CHECKBOX.match(line):
            return True
    return False


def _plan(lines: list[str], index: int) -> str:
    """What is written about rolling back from that line on; empty when it is about something else."""
    line = lines[index]
    if _HEADING.match(line):
        return _below(lines, index) if _ROLLBACK.search(line) else ""
    start = _LEAD.match(line)
    rest = line[start.end() if start else 0 :]
    found = _ROLLBACK.match(rest)
    if not found:
        return ""
    end = _LABEL_END.search(rest, found.end(), _LONGEST_LABEL)
    if end is None:
        return _below(lines, index) if not rest[found.end() :].strip(_MARKS).removesuffix("plan").strip() else ""
    return rest[end.end() :] if rest[end.end() :].strip(_MARKS) else _below(lines, index)


def _below(lines: list[str], index: int) -> str:
    """The text up to the next heading, without checkboxes."""
    said: list[str] = []
    for line in lines[index + 1 :]:
        if _HEADING.match(line) or len(said) > _ENOUGH:
            break
        if line.strip() and not _CHECKBOX.match(line):
            said.append(line[: 10 * _LONGEST_LABEL])
    return " ".join(said)


def _enough(text: str) -> bool:
    said = " ".join(text.split()).strip(_MARKS)
    if _PLACEHOLDER.match(said):
        return False
    if nothing := _NOTHING.match(said):
        reason = _REASON.match(said, nothing.end())
        said = said[reason.end() if reason else nothing.end() :]
    return len(said) >= _ENOUGH and any(sign.isalpha() for sign in said)


def _lines(text: str) -> Iterator[str]:
    """The lines that are neither in comments nor in code."""
    fence = ""
    for line in _without_comments(text).splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            yield line


def _without_comments(text: str) -> str:
    first, *others = text.split("<!--")
    return first + "".join(part.partition("-->")[2] for part in others)
