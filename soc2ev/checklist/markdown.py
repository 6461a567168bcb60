"""The checklist as Markdown, for a job summary, an issue or a wiki. Text from outside cannot leave its cell."""

from __future__ import annotations

import re
import unicodedata

from soc2ev.checklist import Answered, Readiness, builtin

_MARKS = {"yes": "✅", "no": "❌", "partly": "🟡", "not known": "❔", "not applicable": "➖"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|@~$:&-])")
_WWW = re.compile(r"(www)\.", re.IGNORECASE)
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_REASON = 300


def render(readiness: Readiness, organisation: str, period_name: str) -> str:
    """The whole checklist; headings start at level three so that it can stand inside another page."""
    lines = [f"### SOC 2 readiness: {escape(organisation)}, {escape(period_name)}: {readiness.score} / 100", ""]
    if readiness.next:
        lines += ["**Next best actions**", ""]
        lines += [f"{at}. {escape(one.text)} (+{one.gain})" for at, one in enumerate(readiness.next[:5], start=1)]
        lines.append("")
    for checklist in builtin():
        answers = readiness.of(checklist.name)
        if answers:
            lines += [f"#### {escape(checklist.title)}", "", "| | question | answer | reason |", "|---|---|---|---|"]
            lines += [_row(entry) for entry in answers]
            lines.append("")
    return "\n".join(lines).rstrip()


def escape(text: object) -> str:
    """The text as literal words of one line: no markup, no link, no mention, no workflow command."""
    one_line = "".join(" " if unicodedata.category(part) in _UNSEEN else part for part in str(text))
    # GitHub makes a link of `www.` without being asked.
    return _WWW.sub(r"\1\\.", _SPECIAL.sub(r"\\\1", one_line))


def _row(entry: Answered) -> str:
    reason = entry.reason if len(entry.reason) <= _REASON else entry.reason[: _REASON - 1] + "…"
    answer = entry.answer.value
    return f"| {_MARKS[answer]} | {escape(entry.question.question)} | {answer} | {escape(reason)} |"
