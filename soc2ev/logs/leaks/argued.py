"""
Commands that are printed as lists of their arguments, `["mysql", "-uroot", "-phunter2x"]`: read as one line.

Kubernetes has them in the address of a request to run one: `exec?command=mysql&command=-phunter2x`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from soc2ev.logs.leaks import commands
from soc2ev.logs.leaks.kinds import Hit

_ENTRY = r"(?:\"[^\"\\\n]{0,400}\"|'[^'\\\n]{0,400}')"
_LIST = re.compile(rf"[\[(]\s{{0,3}}{_ENTRY}(?:,\s{{0,3}}{_ENTRY}){{2,60}}")
_STRING = re.compile(r"\"([^\"\\\n]*)\"|'([^'\\\n]*)'")


_PARAMETERS = re.compile(r"[?&]command=[^&\s\"]{0,400}(?:&command=[^&\s\"]{0,400}){1,60}")
_PARAMETER = re.compile(r"command=([^&\s\"]*)")


def hits(text: str) -> Iterator[Hit]:
    """The passwords of commands in such lists, each where its entry has it."""
    found = [(listed, _STRING) for listed in (_LIST.finditer(text) if '"-' in text or "'-" in text else ())]
    found += [(listed, _PARAMETER) for listed in (_PARAMETERS.finditer(text) if "&command=" in text else ())]
    for listed, form in found:
        entries = list(form.finditer(text, listed.start(), listed.end()))
        words = [entry.group(entry.lastindex or 0) for entry in entries]
        line = " ".join(words)
        begins = list(accumulate((len(word) + 1 for word in words), initial=0))
        for hit in commands.of_programs(line, line.lower()):
            which = bisect_right(begins, hit.start) - 1
            start = entries[which].start(entries[which].lastindex or 0) + hit.start - begins[which]
            end = start + len(hit.secret)
            if text[start:end] == hit.secret:
                yield hit.between(start, end, hit.path)
