"""What is found in a line is found in whatever carries the line, and what is clean stays clean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc2ev.logs.leaks import Scanner
from soc2ev.logs.leaks.columns import columns

CORPUS = Path(__file__).parents[1] / "corpus"
CARRIERS = {
    "docker": lambda line: json.dumps({"log": line + "\n", "stream": "stdout", "time": "2026-10-05T06:15:05.349Z"}),
    "json": lambda line: json.dumps({"ts": 1, "level": "info", "msg": line}),
    "json in json": lambda line: json.dumps({"log": json.dumps({"msg": line}) + "\n", "stream": "stdout"}),
    "logfmt": lambda line: "ts=2026-10-05T06:15:05Z level=info msg=" + json.dumps(line) + " id=3",
    "csv": lambda line: '2026-10-05T06:15:05Z,web-1,"' + line.replace('"', '""') + '",200',
    "syslog": lambda line: "Oct  5 06:15:05 web-1 app[311]: " + line,
    "cri": lambda line: "2026-10-05T06:15:05.349123456Z stdout F " + line,
    "colours": lambda line: "\x1b[32mINFO\x1b[0m " + line + " \x1b[36mid=\x1b[0m3",
    "rsyslog": lambda line: "Oct  5 06:15:05 web-1 app[311]: #033[32mINFO#033[0m " + line,
}
LEAKS = (
    ("password", '<Data Name="UserId">0x5b9802</Data><Data Name="Password">TigGer12!x</Data>'),
    ("password", '<add key="Password" value="Tr0ub4dor"/>'),
    ("password", '<wsse:Password Type="#PasswordText">hunter2x9</wsse:Password>'),
    ("password", "<password><![CDATA[hunter2x9]]></password>"),
    ("password", "<password>a&amp;b12cd</password>"),
    ("password", '1791181494.216 [0 10.0.0.1:1] "HSET" "user:3" "password" "Tr0ub4dor"'),
    ("password", '1791181494.216 [0 10.0.0.1:1] "AUTH" "default" "Tr0ub4dor"'),
    ("password", "ACL SETUSER app on >Tr0ub4dor ~* +@all"),
    ("password", '  ~ password     = "(old)" -> "Tr0ub4dor"'),
    ("password", "INSERT INTO users (email, password) VALUES ('kim', 'hunter2x9')"),
    ("password", 'Config { user: "kim", password: Some("hunter2x9") }'),
    ("password", 'fields { key: "password" value { string_value: "hunter2x9" } }'),
    ("personal_data", "phone_number: (448) 972-5310 ok"),
    ("personal_data", "GET /pay?iban=GB29+NWBK+6016+1331+9268+19&amount=3 HTTP/1.1"),
    ("auth_header", "map[Authorization:[ApiKey a1b2c3d4e5f6g7] Host:[api]]"),
    ("auth_header", "C: AUTH PLAIN AGtpbQBodW50ZXIyeDk="),
)
CLEAN = (
    "password=YOUR_PASSWORD",
    "password=%DB_PASSWORD%",
    "GET /x?password=%25DB_PASSWORD%25&a=1 HTTP/1.1",
    "GET /x?token=vault%3Asecret%2Fdata%2Fprod%2Fdb%23password HTTP/1.1",
    "GET /x?secret=op%3A%2F%2Fprod%2Fdb%2Fpassword HTTP/1.1",
    "GET /search?q=invalid+token%3A+%27%7D%27+at+line+3 HTTP/1.1",
    "<Password>&lt;secret&gt;</Password>",
    '{"errors":{"password":["is too short (minimum is 12 characters)"]}}',
    '{"password":"{{ .Values.db.password }}"}',
    "usage: tool --user NAME --password PASSWORD",
    "Config(user='kim', password=SecretStr('**********'))",
    'password := os.Getenv("PW")',
    'Started GET "/login?user=u5&password=" for 10.129.185.126 at 2026-10-05 01:16:49 +0000',
)  # fmt: skip


def kinds(line: str) -> set[str]:
    """The kinds of leaks in a line, which both ways of scanning give alike."""
    found = {leak.kind for leak in Scanner(b"key").scan(line.encode())}
    assert found == {leak.kind for _, leak in Scanner(b"key").scan_block(line.encode() + b"\n")}, line
    return found


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_leak_is_found_in_every_carrier(carrier):
    """Quotes doubled and escaped, prefixes, colours: the kind stays the same."""
    for kind, line in LEAKS:
        assert {kind} == kinds(CARRIERS[carrier](line)), line


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_look_alike_stays_clean_in_every_carrier(carrier):
    """Placeholders, references, messages and usage texts."""
    for line in CLEAN:
        assert set() == kinds(CARRIERS[carrier](line)), line


HEAD = b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem cs(Cookie) sc-status\n"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2026-10-05\t06:00:00\t10.0.0.1\tGET\t/\tsession=a1b2c3d4e5f6a7b8;%20lang=en\t200", ["session_cookie"]),
        ("2026-10-05 06:00:00 10.0.0.1 GET / sid=a1b2c3d4e5f6a7b8;+lang=en 200", ["session_cookie"]),
        ("2026-10-05 06:00:00 10.0.0.1 GET / sid=a1b2c3d4e5f6a7b8;+Expires=Mon, 12 Oct 2026 200", ["session_cookie"]),
        ("2026-10-05 06:00:00 10.0.0.1 GET / lang=en;+theme=dark 200", []),
        ("2026-10-05 06:00:00 10.0.0.1 GET / - 200", []),
    ],
)
def test_cookies_are_found_in_the_column_of_a_w3c_file(row, expected):
    """CloudFront parts the columns by tabs, IIS by blanks, whatever the line of the names has."""
    table = columns(HEAD)
    assert expected == [leak.kind for leak in Scanner(b"key").scan(row.encode(), table=table)]
