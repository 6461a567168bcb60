"""Commands as lists, numbers of states in sentences, empty fields of Go, and one value in several spellings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc2ev.logs.leaks import Scanner, scan_files

PASSWORD, CARD = "Nttm4UY04yBjt!", "4349192176108550"
LEAKS = (
    *(("password", f'{{"cmd": {json.dumps(command)}}}') for command in (
        ["mysql", "-u", "root", f"-p{PASSWORD}", "-e", "FLUSH PRIVILEGES"],
        ["/usr/bin/mysqldump", "-uroot", f"-p{PASSWORD}", "shop"],
        ["sshpass", "-p", PASSWORD, "ssh", "web-01"],
        ["redis-cli", "-a", PASSWORD, "ping"],
        ["docker", "login", "-u", "kim", "-p", PASSWORD],
        ["curl", "-u", f"kim:{PASSWORD}", "https://x.io"],
    )),
    ("password", f'changed: [web-01] => {{"changed": true, "cmd": ["mysql", "-u", "root", "-p{PASSWORD}"], "rc": 0}}'),
    ("password", f"running ['mysqldump', '-uroot', '-p{PASSWORD}', 'shop'] now"),
    *(("password", f"{name}={PASSWORD} ansible_user=deploy") for name in ("ansible_ssh_pass", "ssh_pass")),
    *(("password", f"UPDATE users SET password={call}('{PASSWORD}') WHERE id=7") for call in ("MD5", "sha1", "SHA256")),
    ("password", "NEW_PASSWORD=A&2JVs64ssA USER_ID=5335"),
    ("password", "Login failed for app, tried password: F&Yx11aQyYSwwEvxA"),
    ("password", "GET /login?user=kim&password=hunter2x&verbose HTTP/1.1"),
    ("password", "{Id:4 Password:hunter2x Username:ann}"),
    *(("personal_data", text) for text in (
        "NINO NX732102C not found at HMRC", "no record for National Insurance number AB 12 34 56 C", "CPF 111.444.777-35 rejected",
        "DNI 12345678Z not verified", "NIE X1234567L renewed", "NHS number 943 476 5919 looked up", "nhs no 9434765919 merged",
        "personnummer 19811228-9874 unknown", "SSN 078051120 on file", "PESEL 44051401359 checked", "BSN 111222333 matched",
        "CURP GODE561231HDFRRN04 found", "codice fiscale RSSMRA85T10A562S presente", "Steuer-ID 12 345 678 903 fehlt",
        "aadhaar 2341 2341 2346 linked",
    )),
    *(("card_number", json.dumps({"PaymentMethod": {"Type": kind, "Number": CARD, "Cvc": "035"}})) for kind in ("card", "x")),
    ("card_number", json.dumps({"kvlistValue": {"values": [{"key": "number", "value": {"stringValue": CARD}}, {"key": "cvc", "value": {"stringValue": "035"}}]}})),
    ("session_cookie", '10.0.0.1 - - [12/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 8 "-" "x" ".AspNetCore.Identity.Application=CfDJ8U47aaBcDDd-k38dk3kd93kd93; lang=fr"'),
    ("session_cookie", '{shop|.AspNetCore.Cookies=CfDJ8p3KHNfk39fjf93kf93kkd-kd93kd} "GET /cart HTTP/1.1"'),
    ("token", f"unexpected credential dt0c01.WBYO7ZL5XSA72C3UROUGO7D6.{'FDPQABCD12345678' * 4} in payload"),
    ("token", "found dp.st.prd.eMaAV3EX6ImpHMk1aaaaBBBccc333444555666777889 in env"),
    ("token", f"PLANETSCALE_TOKEN=pscale_tkn_{'aB3_' * 8}"),
    ("token", f"SUPABASE_ACCESS_TOKEN=sbp_{'cba1dfd6f3' * 4}"),
    ("api_key", f"key rubygems_{'cba1dfd6f3' * 4} revoked"),
)  # fmt: skip
CLEAN = (
    '{"cmd": ["mysql", "-u", "root", "-p", "shop", "-e", "SELECT 1"]}', '{"cmd": ["mysql", "-uroot", "-p********", "shop"]}',
    '{"cmd": ["docker", "run", "-u", "1000:1000", "-p", "8080:80", "web"]}',
    "NINO not found", "NINO NX73210 not found", "nino BG123456A", "NHS trust 12 merged", "BSN 12 matched", "cpf module 111 loaded",
    "national insurance report 2026", "PESEL service 44051401359000 rows", "DNI 00000000T", "nie 4711", "aadhaar 1341 2341 2346",
    json.dumps({"kvlistValue": {"values": [{"key": "number", "value": {"stringValue": CARD}}, {"key": "abc", "value": {"stringValue": "035"}}]}}),
    "{TokenType:Bearer ExpiresIn:3600}", "{TokenType:Bearer GrantType:password TokenTtl:3600 AccessToken:xxxxx}",
    "map[token_type:Bearer grant_type:password token_ttl:3600 access_token:[secure]]",
    "{AuthToken: SessionId:54bebdf3-5d80-46b3-85a1-025bd94c587e Authenticated:false}", "{Password: Username:ann Authenticated:false}",
)  # fmt: skip


def _found(text: str) -> list[tuple[str, str]]:
    return [(leak.kind, leak.fingerprint) for _, leak in Scanner(b"k" * 32).scan_block(text.encode() + b"\n")]


@pytest.mark.parametrize(("kind", "text"), LEAKS)
def test_such_a_leak_is_found_once(kind: str, text: str) -> None:
    """Alone and as the message of a JSON line, with its kind, once."""
    for line in (text, json.dumps({"level": "info", "message": text})):
        assert [kind] == [found for found, _ in _found(line)]


@pytest.mark.parametrize("text", CLEAN)
def test_what_looks_alike_is_none(text: str) -> None:
    """Options without a value, masks, other numbers, and fields of Go that are empty."""
    assert [] == _found(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"street":"Lindenstra\\u00dfe 95"}', '{"street":"Lindenstra\u00dfe 95"}'),
        ('{"iban":"DE89 3704 0044 0532 0130 00"}', "paid to DE89370400440532013000 today"),
        ("no route to mysql://a:xq2@h:3306/billing: refused", "no route to mysql://a:xq2@h:3306/billing refused"),
        (
            'msg="A temporary password is generated for root@localhost: k3L4pWHcOIajg"',
            "A temporary password is generated for root@localhost: k3L4pWHcOIajg",
        ),
        (
            "POST https://api.telegram.org/bot2624929619:AAkdjf93kdXkd93kdf9394kd93kdf93kdf9/sendMessage",
            "token 2624929619:AAkdjf93kdXkd93kdf9394kd93kdf93kdf9",
        ),
    ],
)
def test_a_value_has_one_fingerprint_in_every_spelling(one: str, other: str) -> None:
    """Escapes, blanks of an account, and what stands around a value are no part of it."""
    assert _found(one) == _found(other)
    assert len(_found(one)) == 1


def test_a_value_told_by_its_key_and_by_its_form_is_told_once() -> None:
    """Within a document in a message as well."""
    message = json.dumps({"iban": "DE89 3704 0044 0532 0130 00", "street": "Lindenstra\u00dfe 95"})
    assert ["personal_data"] * 2 == [kind for kind, _ in _found(json.dumps({"msg": f"x {message}"}))]


def test_the_number_of_a_card_over_several_lines_is_told_by_what_stands_by_it(tmp_path: Path) -> None:
    """Only within its own braces."""
    lines = ("{", '  "order": {', f'    "number": "{CARD}",', '    "count": 3 },', '  "card": {')
    lines += (f'    "number": "{CARD}",', '    "cvc": "123"', "  }", "}")
    file = tmp_path / "app.log"
    file.write_text("INFO pays\n" + "\n".join(lines) + "\n")
    assert [(7, "card_number")] == [(line, leak.kind) for _, line, leak in scan_files([file], b"k" * 32)]
