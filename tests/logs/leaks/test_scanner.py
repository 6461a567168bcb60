"""One line at a time: kinds, fields, places, masks, and that the value itself never comes out."""

from __future__ import annotations

import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc2ev.errors import CollectError
from soc2ev.logs.leaks import Scanner, scan_files
from soc2ev.logs.leaks.keys import kind_of
from soc2ev.logs.leaks.sieve import Sieve
from soc2ev.logs.reading import LONGEST_LINE, Problem
from tests.logs import heldout, made


def leaks(line: str | bytes) -> list[tuple[str, str]]:
    """(kind, field) of one line."""
    return [
        (leak.kind, leak.field) for leak in Scanner(b"key").scan(line if isinstance(line, bytes) else line.encode())
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"body":{"card":"4111111111111111"}}', [("card_number", "$.body.card")]),
        ('{"h":[["Authorization","Bearer a1b2c3d4e5f6"]]}', [("auth_header", "$.h[0][1]")]),
        ("level=info password=hunter2x", [("password", "password")]),
        ('{"log":"{\\"password\\":\\"hunter2x\\"}\\n"}', [("password", "$.log.password")]),
        ('{"a":"x","password":"hunter2x', [("password", "password")]),
        ('{"card":{"number":"5555555555554444"}}', [("card_number", "$.card.number")]),
        ("<user><password>Tr0ub4dor</password></user>", [("password", "password")]),
        ("sessionid=38afes7a8x9s8d7f6g5h; csrftoken=u32t4o3tb3gg43", [("session_cookie", "sessionid")]),
        ("kim changed password from Old1234! today", [("password", "")]),
        ("mail to ann@acme.test", [("email", "")]),
    ],
)
def test_the_field_says_where(line, expected):
    """JSON has a path, pairs have a key, running text has none."""
    found = leaks(line)
    assert [kind for kind, _ in expected] == [kind for kind, _ in found]
    if not line.endswith("hunter2x"):
        assert expected == found


@pytest.mark.parametrize("depth", [1, 2])
def test_base64_bodies_are_looked_into(depth):
    """One level and two, with the path inside."""
    body = json.dumps({"password": "hunter2x"})
    for _ in range(depth - 1):
        body = json.dumps({"data": base64.b64encode(body.encode()).decode()})
    line = json.dumps({"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True})
    inside = ".data(base64)" * (depth - 1)
    assert [("password", f"$.body(base64){inside}.password")] == leaks(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"Authorization: Bearer {made.jwt(random.Random(1))}", "auth_header"),
        ('{"password":"postgres://a:s3cr3tpw@db/x"}', "connection_string"),
        ("api_key=ghp_" + "a1B2c3D4" * 5, "token"),
        ("Cookie: sessionid=" + "a1b2c3d4" * 4, "session_cookie"),
    ],
)
def test_one_place_has_one_leak_of_the_most_specific_kind(line, kind):
    """Headers and connection strings swallow what they carry; a vendor's form says more than a key."""
    assert [kind] == [found for found, _ in leaks(line)]


@pytest.mark.parametrize(
    "mask",
    [
        "[FILTERED]",
        "***",
        "<redacted>",
        "[REDACTED]",
        "xxxxxxxx",
        "hmac-sha256:0a1b2c3d",
        "${DB_PASSWORD}",
        "%5BFILTERED%5D",
        "null",
        "sk_live_****4242",
        "{{ secret }}",
    ],
)
@pytest.mark.parametrize(
    "shape",
    ['{{"{key}":"{mask}"}}', "{key}={mask}", '"{key}"=>"{mask}"', "GET /x?{key}={mask} HTTP/1.1", "{key}: {mask}"],
)
@pytest.mark.parametrize("key", ["password", "api_key", "access_token", "authorization", "cookie", "ssn"])
def test_masked_values_are_no_leaks(mask, shape, key):
    """Whatever the mask and the shape."""
    assert [] == leaks(shape.format(key=key, mask=mask))


def test_the_access_key_id_of_cloudtrails_identity_is_no_leak_but_others_are():
    """`userIdentity.accessKeyId` says who called; the same id elsewhere is half a credential."""
    key_id = "AKIAQ3EGRX2LBNQ5T7WM"
    assert [] == leaks(json.dumps({"userIdentity": {"accessKeyId": key_id}}))
    assert ["api_key"] == [kind for kind, _ in leaks(json.dumps({"note": f"used {key_id}"}))]


@pytest.mark.parametrize("name", ["x[first_name", "a]phone", "user[phone", "x.y[ssn"])
def test_brackets_of_a_name_that_do_not_close_end_no_scan(name):
    """What counts of such a name is what counts of it elsewhere, and whatever it is the scan goes on."""
    line = f'{{"{name}": "+49 151 23456789", "password": "hunter2x9"}}'.encode()
    assert "password" in {leak.kind for leak in Scanner(b"key").scan(line)}


def test_offsets_are_those_of_the_line():
    """The span holds the value, also behind bytes that are no ASCII."""
    line = "é level=info password=hunter2x ok".encode()
    (leak,) = Scanner(b"key").scan(line)
    assert b"hunter2x" == line[leak.start : leak.end]


def test_the_value_never_comes_out():
    """No repr, text or error of anything that is handed out holds a secret."""
    scanner = Scanner(b"key")
    for case in heldout.corpus(rounds=1):
        for leak in scanner.scan(case.line):
            value = case.line[leak.start : leak.end].decode("latin-1")
            assert len(value) < 3 or value not in f"{leak!r} {leak} {scanner!r} {vars(scanner).keys()}".replace(
                leak.field, ""
            )


def test_fingerprints_are_keyed():
    """The same value has the same fingerprint under one key, another under another."""
    first, second = (next(Scanner(key).scan(b"password=hunter2x")).fingerprint for key in (b"a", b"b"))
    (again,) = Scanner(b"a").scan(b'{"x":{"password":"hunter2x"}}')
    assert first == again.fingerprint
    assert first != second
    with pytest.raises(ValueError, match="need a key"):
        Scanner(b"")


WORDS = st.sampled_from(
    ["password", "Password2", "api_key", "X-Api-Key", "user[pwd]", "token", "db.secret", "p3password", "cookie", "phone", "dob",
     "mobile", "first_name", "card", "address", "authorization", "hunter2x", "a1b2c3d4e5f6g7h8", "4111 1111 1111 1111", "4111111111111111",
     "123-45-6789", "ann@acme.io", "kim%40acme.io", "+14155550132", "1980-01-02", "Anna", "ghp_" + "a1B2c3D4" * 5, "Bearer", "Basic",
     "AKIAIOSFODNN7EXAMPLE", "eyJwYXNzd29yZCI6ImEifQ==", "GB29NWBK60161331926819", "jsessionid", "x", "12", "%22", "%3D", "%2B4915123456789", "\\u0040", "\\n", "+49 151 23456789", "NL67RABO1108150129", "sk-ant-api03-" + "a1B2" * 8]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(WORDS, st.sampled_from(list("=:\"',;&{}[] /\\|<>.-_@%\t")), st.text("aZ09-_", max_size=5)),
        max_size=14,
    )
)
def test_the_sieve_never_holds_back_a_leak(parts):
    """Whatever the second stage finds in a line, the first stage lets through."""
    line = "".join(parts).replace("\n", "").encode()
    scanner = Scanner(b"key")
    assert list(scanner.scan(line)) == [leak for _, leak in scanner.scan_block(b"clean\n" + line + b"\nclean\n", 1)]


NAMES = """password userPassword db_pwd smtp_pass passcode contrasena api_key X-Api-Key secret_key client_secret credentials
accessKey signing-key token jwt bearer access_token authorization proxy-authorization auth_header cookie set-cookie phpsessid
JSESSIONID connect.sid laravel_session _acme_session private_key ssh_key pan card_number ccnum account_number ssn sin dob
birthdate passport national_id nino tax_id license_number personnummer nhs_number aadhaar cpf curp medicare_id dni bsn pesel
phone mobile tel cell msisdn whatsapp fax first_name surname cardholder street_address addr_line iban bank_account contact_name
oauth2_token p3password s3_secret2 user[password] spring.datasource.password customer.phone2"""


@pytest.mark.parametrize("name", NAMES.split())
def test_every_name_that_promises_a_secret_passes_the_sieve(name):
    """The cheap tests of the first stage cover the names of the second."""
    assert kind_of(name) is not None or name == "customer.phone2"
    assert [(6, 6 + len(name) + 4)] == Sieve().lines(f"clean\n{name}=abc\nclean".encode())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_scanner_fail(line):
    """Hostile input ends in leaks or none, never in an exception."""
    assert all(0 <= leak.start <= leak.end <= len(line) for leak in Scanner(b"key").scan(line))


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 50_000,
        b'{"a":' * 20_000,
        b"a@" * 30_000,
        b"password" * 5_000,
        b"=" * 50_000,
        b"a." * 30_000,
        b"4" * 50_000,
        b"://a:" * 10_000,
        b"x=" * 20_000 + b"password=",
        b"host=a " * 5000 + b"password=",
        b'\\"' * 30_000,
        b'""' * 30_000,
        b',"a""' * 20_000,
        b'x {"' * 20_000,
        b'a=["' * 20_000,
        b"a=%20" * 20_000,
        b"&a=%2520" * 10_000,
        b"+1 " * 20_000,
        b'name="password"' * 5_000 + b" form-data",
        b"password=" * 5_000,
        b"password:[a" * 4_000,
        b"password%3A+" * 4_000,
        b"sha512+/pw==" * 4_000,
        b"cookie: a=b;" * 4_000,
        b"setuser >" * 5_000,
        b"Authorization: Bearer " * 2_500,
        b"\x1b[31mpassword\x1b[0m=a" * 2_500,
        b'<Data Name="x">&#10;' * 3_000,
        b"api key a1B2c3D4e5F6g7H8" * 3_000,
        b"api key: " * 8_000 + b"a" * 20_000,
        b"customer full name: Ann " * 3_000,
        b'/password" a ' * 6_000,
        b'[ \\n \\n /password\\" a ' * 4_000,
        b'"name":"x" token a ' * 4_000,
        b"/x@2x.png " * 6_000,
        b"4111 " * 10_000,
        b'"GET / HTTP/1.1" ' + b' "sid=a; b=' * 6_000,
        b'"GET / HTTP/1.1" ' + b' "Token a' * 6_000,
        b"Digest username=" * 4_000,
        b"number=4539578763621486 type=" * 2_000,
        b"kim@acme.io " * 30_000,
        b"kim%40acme.io " * 30_000,
        b"sip:1001@acme.io " * 30_000,
        b"PASS: a/" * 30_000,
        b"echo a:" * 30_000,
        b"mongo -" * 30_000,
        b"IDENTIFIED BY " * 20_000,
        b'{"password":"' + b"\\\"'" * 30_000 + b'"}',
    ],
)
def test_hostile_lines_take_no_more_than_seconds(line):
    """Patterns stay near linear: in processor time, which other work on the machine does not lengthen."""
    import time

    started = time.process_time()
    list(Scanner(b"key").scan(line))
    assert time.process_time() - started < 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_set_of_files_gives_lines_and_order(tmp_path, workers):
    """Physical lines, CSV columns, W3C columns, CloudTrail paths and long lines, with one process and with two."""
    (tmp_path / "a.log").write_bytes(b"clean\n" * 30_000 + b"password=hunter2x\n")
    (tmp_path / "b.csv").write_text("id,user_password,when\n1,hunter2x,2026\n2,***,2026\n3,other9pw,2026\n")
    (tmp_path / "c.json").write_text(
        json.dumps({"Records": [{"a": 1}, {"requestParameters": {"password": "hunter2x"}}]})
    )
    seam = b"x" * (LONGEST_LINE - 5) + b" password=hunter2x " + b"y" * LONGEST_LINE
    (tmp_path / "d.log").write_bytes(seam + b"\n")
    (tmp_path / "e.log").write_text(
        "#Fields: date cs(Cookie) sc-status\n2026-10-01 theme=dark;+sessionid=a1b2c3d4e5f6 200\n"
    )
    found = [
        (file.name, line, leak.kind, leak.field) for file, line, leak in scan_files([tmp_path], b"key", workers=workers)
    ]
    assert [
        ("a.log", 30_001, "password", "password"),
        ("b.csv", 2, "password", "user_password"),
        ("b.csv", 4, "password", "user_password"),
        ("c.json", 1, "password", "$.Records[1].requestParameters.password"),
        ("d.log", 1, "password", "password"),
        ("e.log", 2, "session_cookie", "Cookie"),
    ] == found


def test_what_could_not_be_read_ends_a_scan_with_an_error(tmp_path):
    """Unless the caller takes the problems, a partial scan never looks whole."""
    (tmp_path / "a.zst").write_bytes(b"\x1f\x8bnot gzip")
    (tmp_path / "b.log").write_text("password=hunter2x\n")
    problems: list[Problem] = []
    assert ["b.log"] == [file.name for file, _, _ in scan_files([tmp_path], b"key", problems=problems)]
    assert ["a.zst"] == [problem.file.name for problem in problems]
    with pytest.raises(CollectError, match="could not be read whole"):
        list(scan_files([tmp_path], b"key"))


def test_progress_counts_bytes_and_lines(tmp_path):
    """The last report is the whole."""
    (tmp_path / "a.log").write_text("one\ntwo\n")
    seen = []
    list(scan_files([tmp_path], b"key", seen.append))
    assert [(8, 2)] == [(report.bytes, report.lines) for report in seen]
