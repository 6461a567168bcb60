"""The first stage's rules for what is harmless: they pass over what they name, and hold back no leak beside it."""

from __future__ import annotations

import pytest

from soc2ev.logs.leaks import Scanner
from soc2ev.logs.leaks.columns import columns
from soc2ev.logs.leaks.sieve import Sieve
from soc2ev.logs.leaks.words import _BEGINNING, Words

DIGEST = "sha256:" + "0a1b" * 16
CARD, NO_CARD = "4111 1111 1111 1111", "4111 1111 1111 1112"
ID = "evt_kkw1LBEbkU7NqrekLhDQuzDR"
GITHUB = "ghp_" + "a1B2c3D4" * 5


@pytest.mark.parametrize(
    "line",
    [
        "GET /password/edit HTTP/1.1",
        '"GET /api/tokens?per_page=25&id=7 HTTP/2" 200',
        '{"url":"/api/tokens?page=2","status":200}',
        '{"name":"api","url":"/password/edit","status":200}',
        'level=info url="/password/edit?v=2" status=302',
        '{"log":"level=info url=\\"/password/edit?v=2\\" status=302\\n","stream":"stdout"}',
        "{'url': '/api/tokens', 'status': 200}",
        "2026-10-05\t/password/edit\t403\t-",
        "2026-10-05,GET,/password/edit?page=2,403,-",
        "10.0.0.4 GET /password/edit v=2 443 -",
        'upstream: "http://10.0.0.3:8080/api/tokens", host: "api.acme.io"',
        '{"msg":"authorization granted policy=orders.read"}',
        "token bucket refilled: 40 of 100",
        "Access denied for user 'app'@'10.0.0.4' (using password: YES)",
        "GET /img/logo@2x.png?v=3 HTTP/1.1",
        'referer: "https://app.acme.io:8443/img/logo@2x.png"',
        f"pulled registry.internal/orders@{DIGEST} in 3 s",
        "unit getty@tty1.service started",
        f"pay {NO_CARD} now",
        'via "-" 89321 1428 1428 3 "10.0.0.1"',
        "seen 1791180005010123 and 8791180005010123",
        f'{{"log":"event_id={ID}\\n","stream":"stdout"}}',
        f'{{"log":"a \\"cursor\\":\\"{ID}\\" b"}}',
    ],
)
def test_what_is_harmless_by_its_place_is_not_read(line):
    """Steps of paths, parts of sentences, names of files, digests, digits of no card, ids before an escape."""
    assert [] == Sieve().lines(line.encode())


@pytest.mark.parametrize(
    "line",
    [
        # a path that is a name
        '{"/password/edit":"hunter2x9"}',
        '{"GET /password/edit HTTP/2":"hunter2x9"}',
        '{"a":{"name":"/api/tokens","value":"a1b2c3d4e5f6"}}',
        '{"log":"{\\"key\\": \\"/api/tokens\\", \\"value\\": \\"a1b2c3d4e5f6\\"}"}',
        '{"n": "", "x /password/edit" method=hunter2x}',
        "HSET k /password/edit hunter2x",
        "INSERT INTO t (/password/edit, b) VALUES ('hunter2x', 1)",
        "/password = 'hunter2x9'",
        "/password: hunter2x9",
        "GET /x?next=/password=hunter2x9 HTTP/1.1",
        "user:/password hunter2x9 --password hunter2x9",
        # a sentence that is one
        "token is a1b2c3d4e5f6g7h8i9j0",
        "token aB3dE5gH7jK9mN1pQ3sT5",
        '{"token bucket signing key":"abcd1234efgh"}',
        'a,"{""token bucket signing key"":""abcd1234efgh""}",b',
        '{"n":{"name":"token bucket signing key","value":"abcd1234efgh"}}',
        "run --token bucket1234 now",
        "HSET k token bucket1234 x 1",
        "ENV token bucket,a1b2c3d4",
        # what only looks like MySQL's refusal
        "user 'app'@'10.0.0.4' (using password: hunter2x9)",
        "{\"user 'app'@'10.0.0.4' (using password: YES) x\":\"hunter2x9\"}",
        # marks behind which a file, a unit or a digest stands, and a service before
        "postgres://svc:s3cr3tpw@db.internal",
        "postgres://svc:s3cr3tpw@logo.png",
        f"redis://svc:s3cr3tpw@{DIGEST}",
        "jdbc:oracle:thin:scott/t1gerpw@db.service",
        "https://svc:s3cr3tpw@db.internal ",
        "to logo@2x.png@acme.io",
        "to kim@logo.png.com",
        # digits
        f"pay {CARD} now",
        "pay 1234 4111 1111 1111 1111",
        "pay 3782 822463 10005",
        "pay 4111+1111+1111+1111",
        "to GB29 NWBK 6016 1331 9268 19",
        "GET /x?q=GET%20%2Fx%3Fq%3Dpay%25204111%25201111%25201111%25201111%26page%3D2&page=2",
        f'{{"a":"pay {CARD[:-1]}\\u0031"}}',
        # runs before an escape
        f'{{"log":"got {GITHUB}\\n","stream":"stdout"}}',
        f'{{"log":"first\\n{GITHUB}\\n"}}',
        f'{{"log":"a \\"x\\":\\"{GITHUB}\\" b"}}',
        '{"log":"a \\"x\\":\\"eyJwYXNzd29yZCI6ICJodW50ZXIyeDkifQ\\" b"}',
    ],
)
def test_no_leak_is_held_back_that_stands_as_such_harmless_things_do(line):
    """The same words, marks and digits where they do name, part or make a leak: both stages agree on what there is."""
    scanner = Scanner(b"key")
    whole = list(scanner.scan(line.encode()))
    assert whole == [leak for _, leak in scanner.scan_block(b"x\n" + line.encode() + b"\nx\n")]
    assert whole


BEGINNINGS = """
    eyj aiza xox xapp ya hvs hvb hvr sg sk ska skf sk-x pypi-x glpat-x gloas-x key-x pul-x pmak nrak figd_ ntn_ sbp_ pplx-
    cfpat- hrku- ezak eztk gocspx- xai- nvapi- tskey- sgp_ rdme_ phc_ gsk_ r_ atatt dapi xkeysib bearer basic ssws
    geniekey negotiate zoho-oauth key keys digest sess session session-id sig x-amz identified crypt sshpass mysql curl dp
    sq sid docker podman nerdctl buildah skopeo ldapsearch redis-cli setuser sqlcmd convertto-securestring net az login
    requirepass masterauth auth kty -us -u --user re_
"""


def test_every_beginning_that_tells_is_learnt():
    """What begins like a credential or a command is a word that tells, whichever letters it begins with."""
    told = Words()
    beginnings = BEGINNINGS.split()
    told.learn({word.encode() for word in beginnings})
    assert all(_BEGINNING.match(word) for word in beginnings)
    assert [] == [word for word in beginnings if word.encode() not in told.strong]


HEAD = b"time,password,note,user_name\n"


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (b"2026,-,ok,", []),
        (b"2026,,ok,-\r", []),
        (b"2026,hunter2x9,ok,-", ["password"]),
        (b'2026,"-",ok,Ann', []),
        (b'"a,b",hunter2x9,ok,-', ["password"]),
        (b"2026,-,ann@acme.io,-", ["email"]),
        (b"2026,hunter2x9,ann@acme.io,-", ["password", "email"]),
        (b"2026,-,hooks.slack.com/services/T0AB12C/B0AB12C/a1B2a1B2a1B2a1B2a1B2a1B2,-", ["token"]),
        (b"2026,hunter2x9,ok", []),
        (b"2026,hunter2x9,ok,-,x", []),
    ],
)
def test_rows_of_a_table_are_read_where_the_sieve_or_a_column_tells(row, kinds):
    """A row with nothing in the telling columns and nothing for the sieve is passed over; any other gives both."""
    table = columns(HEAD)
    assert table
    found = [leak for line, leak in Scanner(b"key").scan_block(HEAD + b"x\n" + row, table=table) if line == 3]
    assert kinds == [leak.kind for leak in found]
    assert found == list(Scanner(b"key").scan(row, table=table))
