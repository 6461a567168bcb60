"""Secrets that were given to a command, to SQL or to a configuration file by one of their own forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.kinds import Hit

_FLAG = re.compile(
    r"(?<![\w])--?(?P<flag>(?:[a-z][\w\-]*?)?(?:password|passwd|pass|pwd|passphrase|token|secret|api-?key|"
    r"secret-?key|access-?key|auth-?key|key))[ =](?P<v>[^\s\"']{3,})"
)
_CURL = re.compile(r"(?<![\w-])(?:-u|--user)[ =]['\"]?([\w.@\-]{1,64}:[^\s'\"]{3,80})")
_MYSQL = re.compile(r"\bmysql(?:dump|admin)?\b[^\n]{0,120}? -p([^\s'\"]{4,})")
_SSHPASS = re.compile(r"\bsshpass -p ?['\"]?([^\s'\"]{3,})")
_SQL = re.compile(
    r"(?i)\bIDENTIFIED (?:WITH [\w'\"`]+ )?(?:BY|AS) (?:PASSWORD )?'([^']{3,100})'|"
    r"\bPASSWORD(?:\s+|\s*\(\s*)'([^']{3,100})'|"
    r"\bcrypt\s?\(\s?'([^']{3,100})'|"
    r"\bSET PASSWORD(?: FOR [^=\n]{1,80}?)?\s?=\s?'([^']{3,100})'"
)
_LOGIN = re.compile(r"\b(?:docker|podman|nerdctl|buildah|skopeo) login\b[^\n|;&]{0,120}? -p ?['\"]?([^\s'\"]{3,})")
_LDAP = re.compile(
    r"\bldap(?:search|modify|add|delete|passwd|whoami|compare)\b[^\n|;&]{0,160}? -w ?['\"]?([^\s'\"]{3,})"
)
_REDIS = re.compile(r"\bredis-cli\b[^\n|;&]{0,120}? -a ?['\"]?([^\s'\"]{3,})")
_GENERATED = re.compile(r"\btemporary password is generated for \S{1,80}: (\S{3,64})")
"""MySQL says so once: https://dev.mysql.com/doc/refman/8.4/en/data-directory-initialization.html"""
_COMMANDS = (
    *((_CURL, "-u"), (_MYSQL, "mysql"), (_SSHPASS, "sshpass"), (_SQL, "'"), (_LOGIN, " login"), (_LDAP, "ldap")),
    *((_REDIS, "redis-cli"), (_GENERATED, "generated for")),
)
"""With what a text needs to have in any case."""
_CONFIGURED = re.compile(r"(?<![\w\-])(aws_secret_access_key|aws_session_token|_authToken)[ \t]{1,4}([\w/+=\-]{30,})")


def hits(text: str, low: str) -> Iterator[Hit]:
    """What stands open in flags, commands, statements and settings; `low` is the text in lower case."""
    spoken = "pass" in low or "pwd" in low
    flagged = "-" in text and (spoken or "token" in text or "secret" in text or "key" in text)
    for match in _FLAG.finditer(text) if flagged else ():
        kind = kind_of(match["flag"])
        value = match["v"]
        if (
            kind
            and not value.startswith("-")
            and (masks.is_password(value, prose=False, numeric=True) if kind == "password" else masks.is_token(value))
        ):
            yield Hit(kind, match.start("v"), match.end("v"), value, match["flag"])
    for pattern, sign in _COMMANDS:
        for match in pattern.finditer(text) if sign in text else ():
            group = next(index for index, part in enumerate(match.groups(), 1) if part)
            value = match.group(group)
            if masks.is_password(value.rsplit(":", 1)[-1] if pattern is _CURL else value, prose=False, numeric=True):
                yield Hit("password", match.start(group), match.end(group), value)
    for match in _CONFIGURED.finditer(text) if "aws_s" in text or "_authToken" in text else ():
        if masks.is_token(match.group(2)):
            kind = kind_of(match.group(1)) or "token"
            yield Hit(kind, match.start(2), match.end(2), match.group(2), match.group(1))
