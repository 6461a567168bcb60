"""Addresses and connection strings that carry a password: URLs, JDBC, ADO.NET and Azure pairs, libpq, drivers' own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from soc2ev.logs.leaks.kinds import Hit
from soc2ev.logs.leaks.masks import is_masked

_URL = re.compile(
    r"(?<![A-Za-z0-9])[a-z][a-z0-9+.\-]{1,40}://([^\s:/@\"'<>?#,;]*):([^\s\"'<>/]{1,200}?|"
    r"[^\s\"'<>]{1,200}?)@(?=[\w\[(./])[^\s\"'<>,;)\]}|\\]*",
    re.IGNORECASE,
)
_URL_ENCODED = re.compile(
    r"(?<![A-Za-z0-9%])[a-z][a-z0-9+.\-]{1,40}%3A%2F%2F(?:(?!%3A|%2F|%40)[^\s\"'<>&])*%3A((?:(?!%40)[^\s\"'<>&]){1,200})"
    r"%40[\w.\-]+[^\s\"'<>&,;)]*",
    re.IGNORECASE,
)
_PAIRS = re.compile(
    r"(?i)(?:\b(?:jdbc:[a-z0-9:]+//?|Server|Data Source|Host(?:Name)?|"
    r"(?:Account|Blob|Queue|Table|File)?Endpoint|DefaultEndpointsProtocol|"
    r"AccountName|User Id|Uid|Addr(?:ess)?|"
    r"Database|Initial Catalog|Driver)\s?[=:/][^\s\"'<>]?(?:[^\"'<>\n]{0,300}?))[;?&]\s?"
    r"(?:password|pwd|AccountKey|(?:Shared)?AccessKey|Secret)\s?=\s?([^;\s\"'<>&]+)[^\s\"'<>]{0,120}"
)
_BEFORE_PAIR = re.compile(r"[;?&]\s?(?:password|pwd|accountkey|(?:shared)?accesskey|secret)")
_JDBC = re.compile(
    r"(?i)jdbc:[a-z0-9]+:[^\s\"'<>]*?[?&;](?:password|pwd)=([^;\s\"'<>&]+)[^\s\"'<>]*|"
    r"jdbc:oracle:thin:[\w.$-]+/([^@\s\"']+)@[^\s\"'<>]+"
)
_LIBPQ = re.compile(
    r"(?i)(?<![\w=])(?:[a-z_]{2,20}=(?:'[^']{0,80}'|[^\s'\"]{1,80}) +){1,8}password=('[^']{1,100}'|[^\s\"']{1,100})"
    r"(?: +[a-z_]{2,20}=[^\s\"']{1,80}){0,6}"
)
_GO_MYSQL = re.compile(
    r"(?<![\w.\-:/])[\w.\-]{1,64}:([^\s:@/\"'<>]{3,100})@(?:tcp|unix)\([^\s()\"'<>]{1,200}\)/[^\s\"'<>,;)]*"
)
"""A data source name of Go's driver for MySQL: https://github.com/go-sql-driver/mysql#dsn-data-source-name"""
_OF_LIBPQ = re.compile(r"(?i)\b(?:dbname|sslmode)=")
_QUERIED = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?:tcp|tls|rediss?|unix|amqps?|mongodb(?:\+srv)?|postgres(?:ql)?|mysql|mariadb|sqlserver|clickhouse|"
    r"cockroachdb|oracle|nats|mqtts?)://[^\s\"'<>]{1,200}?[?&](?:password|pwd|pass)=(?P<v>[^\s\"'<>&;,]{3,200})[^\s\"'<>]*"
)
"""An address of a store that has the password among its parameters."""
_STACKEXCHANGE = re.compile(
    r"(?i)(?<![\w.\-])[\w.\-]{1,200}:\d{2,5}(?:,[\w.\-]{1,100}:\d{2,5})*(?:,[a-z]{2,30}=[^,\s\"']{0,100}){0,8}?,password="
    r"(?P<v>[^,\s\"']{3,200})(?:,[a-z]{2,30}=[^,\s\"']{0,100}){0,12}"
)
"""The settings of StackExchange.Redis: https://stackexchange.github.io/StackExchange.Redis/Configuration"""
_SHORTEST = 3


def hits(text: str) -> Iterator[Hit]:
    """Those of a text, each whole."""
    low = text.lower()
    for match in _urls(text) if "://" in text and "@" in text else ():
        if _is_secret(match.group(2)):
            address = match.group().rstrip(":.")
            yield Hit("connection_string", match.start(), match.start() + len(address), address)
    for match in _URL_ENCODED.finditer(text) if "%3a%2f%2f" in low and "%40" in text else ():
        if _is_secret(unquote(match.group(1))):
            yield Hit("connection_string", match.start(), match.end(), unquote(match.group()))
    for match in _GO_MYSQL.finditer(text) if "@tcp(" in low or "@unix(" in low else ():
        if _is_secret(match.group(1)):
            yield Hit("connection_string", match.start(), match.end(), match.group())
    named = "password" in low or "pwd" in low
    paired = named or "accountkey" in low or "accesskey" in low or ";secret" in low
    jdbc, libpq = "jdbc:" in low, "password=" in low and ("dbname" in low or "sslmode" in low)
    for pattern, possible in ((_JDBC, jdbc), (_PAIRS, paired and _BEFORE_PAIR.search(low)), (_LIBPQ, libpq)):
        for match in pattern.finditer(text) if possible else ():
            whole = pattern is not _LIBPQ or _OF_LIBPQ.search(match.group())
            if whole and _is_secret(next((part for part in match.groups() if part), "")):
                yield Hit("connection_string", match.start(), match.end(), match.group())
    queried, listed = "://" in text and "?" in text and "=" in text, ",password=" in low
    for pattern, possible in ((_QUERIED, queried), (_STACKEXCHANGE, listed)):
        for match in pattern.finditer(text) if possible else ():
            if _is_secret(match["v"]):
                yield Hit("connection_string", match.start(), match.end(), match.group())


def _urls(text: str) -> Iterator[re.Match[str]]:
    """Addresses with a password; one of the web whose port and path only look like one may have another behind it."""
    place = 0
    while match := _URL.search(text, place):
        plain = "/" not in match.group(2) or not (
            match.group().lower().startswith("http") or match.group(2)[0].isdigit()
        )
        if plain:
            yield match
        place = match.end() if plain else match.start(2)


def _is_secret(value: str) -> bool:
    value = value.strip("'")
    return (
        len(value) >= _SHORTEST
        and not is_masked(value)
        and value.lower() not in {"password", "pass", "pwd", "null", "none", "secret]"}
    )
