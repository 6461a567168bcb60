"""Stencils that need no line to be made of: access logs, syslog, Ruby's Logger, and text that begins with a time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from soc2ev.logs.formats import text
from soc2ev.logs.formats.accesses import access
from soc2ev.logs.formats.parser import Form
from soc2ev.logs.formats.stencil import Reader, Stencil, given


def _fixed(shaped: str, names: str, body: str, form: Form, **readers: Reader) -> Stencil:
    """A stencil of a format that leaves out what is empty or a dash; `names` in the order of a record's fields."""
    places = {name: place - 1 for name, place in re.compile(body).groupindex.items()}
    groups = {name: (place, readers.get(name, given)) for name, place in places.items()}
    return Stencil(shaped, tuple(names.split()), groups, body, form)


# What a message adds to a record the reader knows, and which line with `] "` is one of an access log: such lines are
# left to it. A message is looked through for key=value when its first word may be a key; for JSON when it ends with a
# brace and its first brace may begin an object. What comes before a message is taken as a reader takes it, or not at
# all. A time with a T may also be one of syslog, when a host and a program follow it, or the first word of key=value.
_NO_ACCESS = r'(?!(?=.*\] ").* \[[^\]\n]{20,30}\] ")'
_NO_PAIRS = r"(?= *+[^\s=]++ ++[^\s=]|[^=\n]{80}|[^=\n]*+$)"
_OBJECT = r'\{[ \t\r]*+(?:\}|"(?:[^"\\\n]++|\\.)*+"[ \t\r]*+:)'
_MESSAGE = rf"{_NO_PAIRS}(?P<message>.*+(?<![}}\s])|[^{{\n]*+(?:(?!{_OBJECT})\{{.*+)?(?<=\}}))$"
_WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_CLOCK = r"\d\d:\d\d:\d\d"
_HOST_AND_APP = r"(?P<host>[\w.:\-]+) (?P<app>[\w./\-]{1,48}(?:\([\w.\-]{1,32}\))?)(?:\[(?P<procid>\d+)\])?: "
_BSD = rf"(?P<time>[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}) {_HOST_AND_APP}"
_IETF = r"(?P<time>\S++) (?P<host>\S++) (?P<app>\S++) (?P<procid>\S++) (?P<msgid>\S++)"
"""The header of RFC 5424; lines with structured data are left to the reader."""
_NO_SYSLOG = rf"(?!{_CLOCK}\S*+ [\w.:\-]+ [\w./\-]{{1,48}}(?:\([\w.\-]{{1,32}}\))?(?:\[\d+\])?: )"
DATED = (
    rf"(?P<time>[0-9]{{4}}[-/]\d\d[-/]\d\d(?: |T(?=[^\s=]*+ ++[^\s=]){_NO_SYSLOG}){_CLOCK}"
    rf"(?:[.,]\d{{1,9}})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)\]?{_NO_ACCESS}"
    r"[ :|]+(?:\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|crit|emerg|alert|error|"
    r"warn|notice|info|debug)\]?[ :|]+)?"
)
FIXED: Mapping[str, tuple[Stencil, ...]] = {
    "0": (access(), _fixed("text", "time level message", f"(?>{DATED}){_MESSAGE}", text.dated)),
    "[": (
        _fixed("text", "time level message", rf"(?>\[{DATED}){_MESSAGE}", text.dated),
        _fixed(
            "text",
            "time module level pid tid client message",
            rf"(?>\[(?P<time>{_WEEKDAY} [A-Z][a-z]{{2}} [ \d]\d {_CLOCK}(?:\.\d{{1,6}})? \d{{4}})\] "
            r"\[(?:(?P<module>\w*):)?(?P<level>emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])\] "
            r"(?:\[pid (?P<pid>\d+)(?::tid (?P<tid>\d+))?\] )?"
            r"(?:\[client (?P<client>\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?\] )?(?!\[(?:pid|client) )"
            rf"{_NO_ACCESS}){_MESSAGE}",
            text.apache_error,
        ),
    ),
    "a": (
        _fixed("syslog", "time host app procid message", f"(?>{_BSD}{_NO_ACCESS}){_MESSAGE}", text.syslog_3164),
        _fixed(
            "pairs",
            "letter time pid level request_id message",
            r"(?>(?P<letter>[DIWEFA]), \[(?P<time>\d{4}-\d\d-\d\dT[\d:.]+)(?: #(?P<pid>\d+))?\] +(?P<level>[A-Z]+) -- "
            rf"[^:\n]*: (?:\[(?P<request_id>[0-9a-fA-F-]{{8,36}})\] ?)?{_NO_ACCESS}){_MESSAGE}",
            text.rails,
        ),
    ),
    "<": (
        _fixed(
            "syslog",
            "pri time host app procid message level",
            rf"(?><(?=(?P<level>[0-9]{{1,3}}+))(?P<pri>[0-9]{{1,3}}+)>{_BSD}{_NO_ACCESS}){_MESSAGE}",
            text.syslog_3164,
            level=text.severity,
        ),
        _fixed(
            "syslog",
            "pri time host app procid msgid message level",
            rf"(?><(?=(?P<level>[0-9]{{1,3}}+))(?P<pri>[0-9]{{1,3}}+)>1 {_IETF} -{_NO_ACCESS} \ufeff?){_MESSAGE}",
            text.syslog_5424,
            level=text.severity,
        ),
    ),
}
"""
By what lines begin with; 0 is any digit, a any letter. An access log begins with an address, as no other format does;
a date with a space instead of its T, and a month's name, say which of the formats with messages it is.
"""
