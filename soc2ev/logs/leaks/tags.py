"""What stands before a colon and only looks like the name of a secret: tags of programs, verdicts of tests, digests."""

from __future__ import annotations

import re


def names_otherwise(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a key is part of another name, the tag of a program, or the verdict of a test."""
    key, start = match["key"], match.start()
    if key == "secret" and text[start - 1 : start] == ":":
        return True  # `arn:aws:secretsmanager:region:account:secret:name`
    if text.endswith("checksum/", 0, start):
        return True  # Helm's: `checksum/secret: 0a1b...`
    if match["q"] or match["sep"] != ": ":
        return False
    return bool(_TAG.fullmatch(key) or _MODULE.match(text, match.end()) or (key == "PASS" and _is_test(text, match)))


_TAG = re.compile(r"[a-z]+\[\d{2,}\]")
"""A program and its process in syslog: `passwd[2073]: password changed for kim`."""
_MODULE = re.compile(r"pam_\w{1,30}\(")
_TEST = re.compile(r"(?i)test[\w/.:\-]|[\w./\-]{0,200}[/._](?:test|spec)s?[/._]")


def _is_test(text: str, match: re.Match[str]) -> bool:
    return text.endswith("--- ", 0, match.start()) or _TEST.match(text, match.end()) is not None
