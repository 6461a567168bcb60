"""Secrets that were given to a command, to SQL or to a configuration file by one of their own forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc2ev.logs.leaks import masks
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.kinds import Hit

_FLAG = re.compile(
    r"(?<![\w])--?(?P<flag>(?:[a-z][\w\-]*?)?(?:password|passwd|pass|pwd|passphrase|token|secret|api-?key|"
    r"secret-?key|access-?key|auth-?key|key)(?:[\-_]confirm(?:ation)?)?)[ =](?:"
    r"(?P<q>[\"'])(?P<phrase>[^\s\"'\\=]{1,40}(?: [^\s\"'\\=\-][^\s\"'\\=]{0,40}){0,7})(?P=q)(?=\s|$)|"
    r"(?P<v>(?:(?!</)[^\s\"']){3,}))"
)
_CURL = re.compile(r"(?<![\w-])(?:-u|--user)[ =]['\"]?([\w.@\-]{1,64}:[^\s'\"]{3,80})")
_MYSQL = re.compile(r"\bmysql(?:dump|admin)?\b[^\n]{0,120}?[ \"']-p['\"]?([^\s'\"]{4,})")
_SSHPASS = re.compile(r"\bsshpass -p ?['\"]?([^\s'\"]{3,})")
_SQL = re.compile(
    r"(?i)\bIDENTIFIED (?:WITH [\w'\"`]+ )?(?:BY|AS) (?:PASSWORD )?'([^']{3,100})'|"
    r"(?-i:\bIDENTIFIED BY )(?!(?:VALUES|(?:RANDOM )?PASSWORD|RANDOM)\b)\"?([^\s'\";,<]{3,100})|"
    r"\bPASSWORD(?:\s+|\s*\(\s*)'([^']{3,100})'|"
    r"\b(?:crypt|md5|sha1?|sha2|sha224|sha256|sha384|sha512|encrypt|old_password)\s?\(\s?'([^']{3,100})'|"
    r"\bSET PASSWORD(?: FOR [^=\n]{1,80}?)?\s?=\s?'([^']{3,100})'"
)
_LOGIN = re.compile(r"\b(?:docker|podman|nerdctl|buildah|skopeo) login\b[^\n|;&]{0,120}? -p ?['\"]?([^\s'\"]{3,})")
_LDAP = re.compile(
    r"\bldap(?:search|modify|add|delete|passwd|whoami|compare)\b[^\n|;&]{0,160}? -w ?['\"]?([^\s'\"]{3,})"
)
_REDIS = re.compile(r"\bredis-cli\b[^\n|;&]{0,120}? -a ?['\"]?([^\s'\"]{3,})")
_ACL = re.compile(r"(?i)\bsetuser\b[^\n]{1,200}?[ \"'](?<=[ \"'])>([^\s\"']{3,})")
"""A user of Redis gets a password by `>`: https://redis.io/docs/latest/commands/acl-setuser/"""
_AUTH = re.compile(r"(?:^|\] |> |\"HELLO\" \"\d\" )\"(?i:AUTH)\"(?: \"[^\"\n]{1,64}\")? \"([^\"\n]{3,200})\"")
_CONFIG = re.compile(r"(?i)\b(?:requirepass|masterauth|primaryauth)\b[\"']? [\"']?([^\s\"']{3,})")
_WINDOWS = re.compile(
    r"(?i)\bnet1? user (?:\"[^\"]{1,64}\"|[^\s/]{1,64}) ([^\s/*\"][^\s\"]{2,})|\bsqlcmd\b[^\n|;&]{0,120}? "
    r"-(?-i:P) ?['\"]?([^\s'\"]{3,})|"
    r"\bnet1? use (?:[A-Z*]: )?(?:\\{2,4}|https?:)\S{3,200} "
    r"(?:/user:\S{1,80} )?([^\s/*\"<][^\s\"<]{2,})(?= /|[\"'<&\s]|$)|"
    r"\bpsexec(?:64)?(?:\.exe)?\b[^\n|;&]{0,120}? -p ['\"]?([^\s'\"]{3,})|"
    r"\bConvertTo-SecureString (?:-(?:String|AsPlainText|Force) ){0,3}['\"]([^'\"$]{3,100}\$?)['\"]"
)
_REFUSED = re.compile(r"\bLogin (?:incorrect|OK)\b[^\n\[]{0,80}\[[^\]/\n]{1,64}/([^\]\n]{3,100})\]")
"""FreeRADIUS with `auth_badpass` or `auth_goodpass`: `Login incorrect: [kim/hunter2x] (from client ...)`."""
_HTPASSWD = re.compile(r"\bhtpasswd -[A-Za-z]{0,6}b[A-Za-z]{0,6} \S{1,200} \S{1,64} ['\"]?([^\s'\"]{3,})")
_TOOLS = re.compile(
    r"\b(?:ipmitool|mosquitto_[ps]ub|unzip|zip|zipcloak)\b[^\n|;&]{0,160}? -P ?['\"]?([^\s'\"]{3,})|"
    r"\bmongo(?:sh|dump|restore|export|import)?\b[^\n|;&]{0,160}? -p ?['\"]?([^\s'\"]{3,})|"
    r"--password-command[ =]['\"]?echo ([^\s'\"]{3,})|"
    r"\bexpect\b[^\n]{0,400}?[ '\"]send (?:-- )?\\*['\"]([^\s'\"\\]{3,})\\+r|"
    r"\brabbitmqctl (?:add_user|change_password|authenticate_user) \S{1,64} ['\"]?([^\s'\"]{3,})|"
    r"\bsmbclient\b[^\n|;&]{0,160}? -U ?['\"]?[^\s%'\"]{1,64}%([^\s'\"]{3,})|"
    r"\becho (?:-n )?['\"]?(?:[\w.\-]{1,64}:)?([^\s'\"|$`]{3,100})['\"]? ?\| ?"
    r"(?:sudo -S|(?:sudo )?chpasswd|[a-z/]{2,30} [^\n|]{0,80}--password-stdin)"
)
"""Commands that take a password as they say it: as a flag, as a word of its own, or from a pipe."""
_MORE_TOOLS = re.compile(
    r"\b(?:[xw]|wl)?freerdp\d?(?:\.exe)?\b[^\n|;&]{0,200}? /p:['\"]?([^\s'\"]{3,})|"
    r"\bcmdkey(?:\.exe)?\b[^\n|;&]{0,200}? /pass:['\"]?([^\s'\"]{3,})|"
    r"\bschtasks(?:\.exe)?\b[^\n|;&]{0,300}? /rp ['\"]?([^\s'\"]{3,})|"
    r"\bopenssl (?:enc|aes|des|chacha)[^\n|;&]{0,160}? -k ['\"]?([^\s'\"\-][^\s'\"]{2,})|"
    r"\bsnmp(?:walk|get|getnext|bulkwalk|bulkget|set|table|trap|inform|status|test|df)\b[^\n|;&]{0,200}? "
    r"-[AXc] ?['\"]?([^\s'\"]{3,})|"
    r"\b(?:plink|pscp|psftp|putty|kitty)(?:\.exe)?\b[^\n|;&]{0,160}? -pw ['\"]?([^\s'\"]{3,})|"
    r"\blftp\b[^\n|;&]{0,160}? -u ['\"]?[^\s,'\"]{1,64},([^\s'\"]{3,})|"
    r"\b(?:sqlplus|sqlldr|expdp|impdp|rman target)(?: -[A-Za-z]{1,2})* ['\"]?[\w$#]{1,64}/([^\s'\"/@]{3,64})@|"
    r"\b(?:7z[ar]?|7zz) [a-z][^\n|;&]{0,200}? -p([^\s'\"]{4,})|\b(?:un)?rar [a-z][^\n|;&]{0,200}? -h?p([^\s'\"]{4,})|"
    r"\b(?:hdbsql|isql|tsql|bcp)\b[^\n|;&]{0,160}? -(?:p|P) ['\"]?([^\s'\"\-][^\s'\"]{2,})|"
    r"\bssh-keygen\b[^\n|;&]{0,160}? -N ['\"]?([^\s'\"]{3,})"
)
"""The same, of programs for desktops, boxes and files elsewhere."""
_AZURE = re.compile(r"\baz login\b[^\n|;&]{0,160}? -p ['\"]?([^\s'\"]{3,})")
_MAIL = re.compile(
    r"(?:\b[Cc]: |[<>\"] ?|[Cc]ommand:? \"?|[Ss]ent: )(?:PASS|[A-Za-z]{0,4}\d{1,6} LOGIN [^\s\"]{1,100}) "
    r"\"?([^\s\"/]{3,100})|"
    r"(?<= )(?:[aA]\d{1,5}|\*) LOGIN \\*\"?[^\s\"\\]{1,100}\\*\"? (?:\\*\"([^\s\"\\]{3,100})|([^\s\"/]{3,100}))|"
    r"\bUSER [^\s\"]{1,100} PASS ([^\s\"/]{3,100})|"
    r"\bftp> ?(?:quote )?(?:[uU][sS][eE][rR] \S{1,100}|[pP][aA][sS][sS]) ([^\s\"/]{3,100})"
)
"""POP3, FTP and IMAP write them openly: RFC 1939 section 7, RFC 959 section 4.1.1, RFC 3501 section 6.2.3."""
_GENERATED = re.compile(r"\btemporary password is generated for \S{1,80}: ([^\s\"]{3,64})")
"""MySQL says so once: https://dev.mysql.com/doc/refman/8.4/en/data-directory-initialization.html"""
_OF_TOOLS = (
    "password-command",
    "expect ",
    "ipmitool",
    "mosquitto_",
    "zip",
    "mongo",
    "rabbitmqctl",
    "smbclient",
    "echo ",
)
_OF_MORE_TOOLS = (
    "freerdp",
    "cmdkey",
    "schtasks",
    "openssl ",
    "snmp",
    "plink",
    "pscp",
    "psftp",
    "putty",
    "lftp",
    "sqlplus",
    "sqlldr",
    "expdp",
    "impdp",
    "rman",
    "7z",
    "rar ",
    "hdbsql",
    "isql",
    "tsql",
    "bcp",
    "ssh-keygen",
)
_COMMANDS = (
    *(
        (_CURL, "-u"),
        (_MYSQL, "mysql"),
        (_SSHPASS, "sshpass"),
        (_SQL, "'"),
        (_SQL, "IDENTIFIED BY "),
        (_LOGIN, " login"),
        (_LDAP, "ldap"),
    ),
    *((_REDIS, "redis-cli"), (_GENERATED, "generated for"), (_AUTH, '" "')),
    *(
        (_HTPASSWD, "htpasswd"),
        (_AZURE, "az login"),
        *((_TOOLS, sign) for sign in _OF_TOOLS),
        *((_MORE_TOOLS, sign) for sign in _OF_MORE_TOOLS),
        (_MAIL, "PASS "),
        (_MAIL, " LOGIN "),
        (_MAIL, "ftp>"),
    ),
    *((_REFUSED, "Login incorrect"), (_REFUSED, "Login OK")),
)
"""With what a text needs to have in any case."""
_IN_ANY_CASE = (
    *((_ACL, "setuser"), (_CONFIG, "requirepass"), (_CONFIG, "masterauth"), (_CONFIG, "primaryauth")),
    *(
        (_WINDOWS, "net user"),
        (_WINDOWS, "net1 user"),
        (_WINDOWS, "net use "),
        (_WINDOWS, "psexec"),
        (_WINDOWS, "sqlcmd"),
        (_WINDOWS, "securestring"),
    ),
)
"""The same, in small letters."""
_CONFIGURED = re.compile(r"(?<![\w\-])(aws_secret_access_key|aws_session_token|_authToken)[ \t]{1,4}([\w/+=\-]{30,})")


_ARGUMENT = re.compile(r"(?<= )\"(?P<key>[A-Za-z][\w.\-]{1,60})\" \"(?P<value>[^\"\n]{3,4000})\"")
"""Arguments of a command as Redis's MONITOR prints them: `"HSET" "user:3" "password" "x"`."""
_FIELDS = re.compile(r"\bH(?:MSET|SETNX|SET)\s\S{1,200}(?P<pairs>(?:\s[^\s\"']{1,400}){2,60})")


_SET = re.compile(r"\b(?:ENV|ARG) (?P<key>[A-Za-z_]\w{1,60}) [\"']?(?P<value>[^\s\"']{3,400})")
"""A line of a Dockerfile, as builds print it."""
_TUPLE = re.compile(r"\{(?P<key>[a-z]\w{1,60}),\s?(?:<<)?\"(?P<value>[^\"\n]{3,400})\"")
_INSERT = re.compile(
    r"(?i)\b(?:INSERT|REPLACE) (?:IGNORE )?INTO [^\s(]{1,120}\s?\((?P<names>[^()]{1,2000})\)\s{0,3}VALUES\s{0,3}"
    r"(?P<rows>\((?:[^'()]|'(?:[^'\\]|''|\\.)*+'|\([^()']{0,200}\)){1,2000}\))"
)
_CELL = re.compile(r"\s*(?:'(?P<text>(?:[^'\\]|''|\\.)*+)'|[^',]+(?:\([^()]*\))?)(?:::\w+)?\s*(?:,|$)")

_ARGUMENTS = re.compile(
    r"[\"']--?(?P<key>[A-Za-z][\w\-]{1,60})[\"'](?:,\s?|\sa\d{1,3}=)[\"'](?P<value>[^\"'\n]{3,400})[\"']"
)
"""A flag and its value in a list, as Python and the Linux audit (`a1="--password" a2="x"`) print commands."""


def inserted(text: str) -> Iterator[tuple[str, int, str]]:
    """(column, place, value) of the texts that a statement puts into a table."""
    for match in _INSERT.finditer(text) if "VALUES" in text or "values" in text else ():
        names = [name.strip(" \t\"`[]'\\") for name in match["names"].split(",")]
        start, end = match.start("rows") + 1, match.end("rows") - 1
        for name, cell in zip(names, _CELL.finditer(text, start, end), strict=False):
            if cell["text"]:
                yield name, cell.start("text"), cell["text"]


def arguments(text: str) -> Iterator[tuple[str, int, str]]:
    """(name, place, value) of the arguments of a command that may be a name and its value."""
    for match in _ARGUMENT.finditer(text) if '" "' in text else ():
        yield match["key"], match.start("value"), match["value"]
    for pattern, sign in (
        (_SET, "ENV "),
        (_SET, "ARG "),
        (_TUPLE, ',"'),
        (_TUPLE, ',<<"'),
        (_TUPLE, ', "'),
        (_ARGUMENTS, "'-"),
        (_ARGUMENTS, '"-'),
    ):
        for match in pattern.finditer(text) if sign in text else ():
            yield match["key"], match.start("value"), match["value"]
    yield from inserted(text)
    for fields in _FIELDS.finditer(text) if "HSET" in text or "HMSET" in text else ():
        words = list(_WORD.finditer(fields["pairs"]))
        for key, value in zip(words[::2], words[1::2], strict=False):
            yield key.group(), fields.start("pairs") + value.start(), value.group()


_WORD = re.compile(r"\S+")


def hits(text: str, low: str) -> Iterator[Hit]:
    """What stands open in flags, commands, statements and settings; `low` is the text in lower case."""
    spoken = "pass" in low or "pwd" in low
    flagged = "-" in text and (spoken or "token" in text or "secret" in text or "key" in text)
    for match in _FLAG.finditer(text) if flagged else ():
        kind = kind_of(match["flag"])
        part = "v" if match["v"] else "phrase"
        value = match[part]
        if (
            kind
            and (" " not in value or kind == "password")
            and not value.startswith("-")
            and (masks.is_password(value, prose=False, numeric=True) if kind == "password" else masks.is_token(value))
        ):
            yield Hit(kind, match.start(part), match.end(part), value, match["flag"])
    yield from of_programs(text, low)
    for match in _CONFIGURED.finditer(text) if "aws_s" in text or "_authToken" in text else ():
        if masks.is_token(match.group(2)):
            kind = kind_of(match.group(1)) or "token"
            yield Hit(kind, match.start(2), match.end(2), match.group(2), match.group(1))


def of_programs(text: str, low: str) -> Iterator[Hit]:
    """The passwords that programs and statements take each in its own way."""
    stated = "password" in low or "identified" in low or "crypt" in low
    called = [pattern for pattern, sign in _COMMANDS if sign in text and (stated or pattern is not _SQL)]
    called += [pattern for pattern, sign in _IN_ANY_CASE if sign in low]
    for pattern in dict.fromkeys(called):
        for match in pattern.finditer(text):
            group = next(index for index, part in enumerate(match.groups(), 1) if part)
            value = match.group(group)
            # Others than curl take a user and a group as well: `docker run -u 1000:1000`, `-u www-data:www-data`.
            curl = pattern is not _CURL or "curl" in low
            secret = value.rsplit(":", 1)[-1] if pattern is _CURL else value
            if masks.is_password(secret, prose=not curl, numeric=curl):
                yield Hit("password", match.start(group), match.end(group), value)
