"""
Commands as the Linux audit records them: arguments one by one, and in hexadecimal where they hold a blank or a zero.

`man ausearch` calls it interpreting; the fields are those of `EXECVE`, `PROCTITLE`, `USER_CMD` and `USER_TTY`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEXADECIMAL = re.compile(r"(?<![\w.\-])(?:proctitle|cmd|data)=(?P<v>(?:[0-9A-F]{2}){6,4096})(?![\w.\-])")
_ARGUMENTS = re.compile(r"\bargc=\d{1,4}(?P<all>(?: a\d{1,4}=(?:\"[^\"\n]*\"|[0-9A-F]+)){2,400})")
_ARGUMENT = re.compile(r" a\d{1,4}=(?:\"([^\"\n]*)\"|([0-9A-F]+))")
_READABLE = re.compile(r"[\t\n\r -~\x80-\xff]{4,}")


def commands(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, command) of each part of a record that stands for one."""
    for match in _HEXADECIMAL.finditer(text):
        if plain := _plain(match["v"]):
            yield match.start("v"), match.end("v"), plain
    for match in _ARGUMENTS.finditer(text) if "argc=" in text else ():
        parts = [_quoted(quoted or _plain(coded)) for quoted, coded in _ARGUMENT.findall(match["all"])]
        yield match.start("all"), match.end("all"), " ".join(parts)


def _plain(coded: str) -> str:
    """What hexadecimal digits say, with a blank for each zero between arguments; nothing when that is no text."""
    if len(coded) % 2:
        return ""
    plain = bytes.fromhex(coded).rstrip(b"\0").replace(b"\0", b" ").decode("latin-1")
    return plain if _READABLE.fullmatch(plain) else ""


def _quoted(argument: str) -> str:
    """An argument as a shell would need it, so that a blank within is no end of it."""
    return f"'{argument}'" if " " in argument and "'" not in argument else argument
