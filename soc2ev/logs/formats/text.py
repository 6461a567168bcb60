"""Lines that are no JSON: access logs, syslog, key=value, and text that begins with a time."""

from __future__ import annotations

import re

from soc2ev.logs.formats.record import Value

Found = tuple[str, dict[str, Value]]

# nginx ngx_http_log_module "combined", Apache mod_log_config "common" and "combined"; more fields may follow.
_ACCESS = re.compile(
    r"^(?:[\w.\-:]+ )?(?P<remote_addr>\S+) (?P<ident>\S+) (?P<user>.+?) \[(?P<time_local>[^\]]{20,30})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?(?P<rest>.*)$'
)
# RFC 5424 6: <PRI>VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG]
_RFC_5424 = re.compile(
    r"^<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<procid>\S+) (?P<msgid>\S+) "
    r"(?P<data>-|(?:\[(?:[^\]\\\"]++|\\.|\"(?:[^\"\\]++|\\.)*+\")*+\])++)(?: (?:\ufeff)?(?P<message>.*))?$",
    re.DOTALL,
)
# RFC 3164 4.1, and the same as rsyslog writes it into files: without PRI, or with an RFC 3339 time.
_RFC_3164 = re.compile(
    r"^(?:<(?P<pri>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) "
    r"(?P<host>[\w.:\-]+) (?P<app>[\w./\-]{1,48}(?:\([\w.\-]{1,32}\))?)(?:\[(?P<procid>\d+)\])?: (?P<message>.*)$",
    re.DOTALL,
)
_RAILS = re.compile(
    r"^(?P<letter>[DIWEFA]), \[(?P<time>\d{4}-\d\d-\d\dT[\d:.]+)(?: #(?P<pid>\d+))?\] +(?P<level>[A-Z]+) -- [^:]*: "
    r"(?:\[(?P<request_id>[0-9a-fA-F-]{8,36})\] ?)?(?P<message>.*)$"
)
_DATED = re.compile(
    r"^\[?(?P<time>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)\]?"
    r"(?:, |[ :|]+)(?:\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|crit|emerg|alert|error|"
    r"warn|notice|info|debug)\]?[ :|]+)?(?P<message>.*)$",
    re.DOTALL,
)
# Apache's ErrorLog: https://httpd.apache.org/docs/2.4/logs.html#errorlog, and as 2.2 wrote it, without module and pid.
_APACHE_ERROR = re.compile(
    r"^\[(?P<time>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4})\] "
    r"\[(?:(?P<module>\w*):)?(?P<level>emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])\] "
    r"(?:\[pid (?P<pid>\d+)(?::tid (?P<tid>\d+))?\] )?"
    r"(?:\[client (?:(?P<client>\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?|[^\]\s]+)\] )?(?P<message>.*)$",
    re.DOTALL,
)
_PAIR = re.compile(r'(?<![^\s,])([A-Za-z_@][\w.@\-]{0,60})=("(?:[^"\\]++|\\.)*+"|\'[^\']*\'|[^\s,"]*)')
_NAME = re.compile(r"[A-Za-z_@][\w.@\-]{0,60}")
_ELEMENT = re.compile(r'\[([^\s="\]]++)((?: [^\s="\]]++="(?:[^"\\\]]++|\\.)*+")*+)\]')
_PARAMETER = re.compile(r'([^\s="\]]+)="((?:[^"\\\]]++|\\.)*+)"')
_MOST_REMEMBERED = 5_000
_LONGEST_NAME = 61
_is_name: dict[str, bool] = {}
_FEWEST_PAIRS = 3
_LONGEST_PAIRS = 64 << 10
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_REQUEST = re.compile(r"^([A-Z]{3,10}) (\S+)")
_ACCESS_NAMES = tuple(_ACCESS.groupindex)
_PARTS = 7
_DATE_MARKS = ("-", "/")
_QUOTES = ('"', "'")
_BEGINNING = re.compile(r"<\d|[A-Z][a-z]{2} |\[?\d{4}[-/]|[DIWEFA], \[|\[[A-Z][a-z]{2} ")
"""How all begin but access logs and key=value: a priority, a month or a day and a blank, a year, Ruby's letter."""
_HOST = re.compile(r"[\w.\-:]+")
_EXTRA = re.compile(r"^ (?:\"?(\d+\.\d{1,6})\"?)(?:$| )")


def may_fit(line: str) -> bool:
    """Whether the line has what any of these formats needs at the least; asked of those not of the usual one."""
    return _BEGINNING.match(line) is not None or '] "' in line or _may_be_pairs(line)


def access(line: str) -> Found | None:
    """A line of an access log in the common or combined format; what follows as key=value is taken too."""
    if '] "' not in line:
        return None
    found = _plain_access(line)
    if found is None:
        match = _ACCESS.match(line)
        if match is None:
            return None
        found = match.groups("")
    fields: dict[str, Value] = {
        name: value for name, value in zip(_ACCESS_NAMES, found, strict=True) if value and value != "-"
    }
    rest = found[-1]
    fields.pop("rest", None)
    if request := _REQUEST.match(str(fields.get("request", ""))):
        fields["method"], fields["path"] = request.groups()
    if not rest:
        return "access", fields
    if (took := seconds(rest)) is not None:
        fields["request_time"] = took
    return "access", {**_pairs(rest), **fields} if "=" in rest else fields


def _plain_access(line: str) -> tuple[str, ...] | None:
    """The groups of the pattern for a line without surprises, several times as fast; None for any other."""
    parts = line.split('"', 6)
    if len(parts) != _PARTS or parts[4] != " " or "\\" in line or "\n" in line or line.count(" [") != 1:
        return None
    head, told = parts[0].split(), parts[2].split(" ")
    if len(told) != 4 or " ".join(head) + " " != parts[0]:  # noqa: PLR2004  the words of the format
        return None
    if len(head) == 6 and _HOST.fullmatch(head[0]):  # noqa: PLR2004
        head = head[1:]
    if len(head) != 5:  # noqa: PLR2004
        return None
    time = f"{head[3]} {head[4]}"
    if time[0] != "[" or time[-1] != "]" or "]" in time[:-1] or not 22 <= len(time) <= 32:  # noqa: PLR2004
        return None
    blank, status, size, end = told
    if blank or end or len(status) != 3 or not status.isdecimal() or not (size.isdecimal() or size == "-"):  # noqa: PLR2004
        return None
    return *head[:3], time[1:-1], parts[1], status, size, parts[3], parts[5], parts[6]


def seconds(rest: str) -> float | None:
    """How long a request took, where that follows the line of an access log at once."""
    match = _EXTRA.match(rest)
    return float(match.group(1)) if match else None


def syslog_5424(line: str) -> Found | None:
    """A message of RFC 5424; the parameters of its structured data are fields."""
    match = _RFC_5424.match(line) if line[:1] == "<" else None
    if match is None:
        return None
    fields = _syslog(match.groupdict())
    for _, parameters in _ELEMENT.findall(str(fields.pop("data", ""))):
        fields.update(_PARAMETER.findall(parameters))
    return "syslog", fields


def syslog_3164(line: str) -> Found | None:
    """A message of RFC 3164, as it was sent or as it stands in a file."""
    match = _RFC_3164.match(line) if line[:1] == "<" or line[3:4] == " " or line[4:5] == "-" else None
    return None if match is None else ("syslog", _syslog(match.groupdict()))


def rails(line: str) -> Found | None:
    """A line of Ruby's Logger with Rails' tags; a request id among them is taken."""
    match = _RAILS.match(line) if line[1:4] == ", [" else None
    return None if match is None else ("pairs", _present(match.groupdict()))


def pairs(line: str) -> Found | None:
    """key=value, quoted or not (logfmt, lograge): three pairs or more, which begin the line."""
    if not _may_be_pairs(line):
        return None
    found = _pairs(line)
    return ("pairs", found) if len(found) >= _FEWEST_PAIRS else None


def _may_be_pairs(line: str) -> bool:
    if "=" not in line[:80] or line.count("=") < _FEWEST_PAIRS or len(line) > _LONGEST_PAIRS:
        return False
    return " " not in line[: line.find("=")].strip()


def dated(line: str) -> Found | None:
    """Text that begins with a date and a time, as most loggers and nginx's error log write it."""
    match = _DATED.match(line) if line[4:5] in _DATE_MARKS or line[5:6] in _DATE_MARKS else None
    return None if match is None else ("text", _present(match.groupdict()))


def apache_error(line: str) -> Found | None:
    """A line of Apache's error log; its client without the port."""
    match = _APACHE_ERROR.match(line) if line[:1] == "[" and line[4:5] == " " else None
    return None if match is None else ("text", _present(match.groupdict()))


def _pairs(line: str) -> dict[str, Value]:
    if (plain := _plain_pairs(line)) is not None:
        return plain
    found: dict[str, Value] = dict(_PAIR.findall(line[:_LONGEST_PAIRS]))
    if '"' in line or "'" in line:
        for key, value in found.items():
            if value[:1] in _QUOTES:  # type: ignore[index]  # findall gives texts
                found[key] = _unquoted(str(value))
    return found


def _plain_pairs(line: str) -> dict[str, Value] | None:
    """The same for a line without surprises, in half of the time; None for any other."""
    if "\\" in line or "'" in line or len(line) > _LONGEST_PAIRS:
        return None
    pieces = line.split('"')
    found: dict[str, Value] = {}
    for at in range(0, len(pieces), 2):
        bare = pieces[at]
        if "," in bare or (at and bare and not bare[0].isspace()):
            return None
        name, text = "", ""
        for word in bare.split():
            name, equals, text = word.partition("=")
            if equals and _names(name):
                found[name] = text
            else:
                name = ""
        if at + 1 < len(pieces):
            # A quote is a value's when it follows `name=` at once, and when there is another one.
            if not name or text or bare[-1:] != "=":
                return None
            found[name] = pieces[at + 1]
    return found if len(pieces) % 2 else None


def _names(name: str) -> bool:
    """Whether that can be the name of a pair."""
    known = _is_name.get(name)
    if known is None and len(name) > _LONGEST_NAME:
        return False
    if known is None:
        if len(_is_name) >= _MOST_REMEMBERED:
            _is_name.clear()
        known = _is_name[name] = _NAME.fullmatch(name) is not None
    return known


def _unquoted(value: str) -> str:
    if value[:1] in "\"'" and value[-1:] == value[:1] and len(value) > 1:
        return value[1:-1].replace('\\"', '"')
    return value


def _syslog(found: dict[str, str | None]) -> dict[str, Value]:
    fields = _present(found)
    if "pri" in fields:
        fields["level"] = severity(str(fields["pri"]))
    return fields


def severity(priority: str) -> str:
    """The level in a priority (RFC 5424, 6.2.1)."""
    return _LEVELS[int(priority) % 8]


def _present(found: dict[str, str | None]) -> dict[str, Value]:
    return {name: value for name, value in found.items() if value and value != "-"}
