"""
Lines of logs to records whose fields have the same names whatever wrote them.

JSON lines (generic, ECS, OCSF, OTLP, Docker, Rails, GitHub audit, Okta, CloudTrail), combined and common access logs,
syslog (RFC 3164 and 5424), logfmt and key=value, and text that begins with a time.
"""

from soc2ev.logs.formats.parser import Parser
from soc2ev.logs.formats.record import Record

__all__ = ["Parser", "Record"]
