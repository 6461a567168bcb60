"""The short way of lines that the sieve chose: the same leaks as the long way, whatever stands beside them."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc2ev.logs.leaks import Scanner
from soc2ev.logs.leaks.find import find
from soc2ev.logs.leaks.near import find_near
from soc2ev.logs.leaks.sieve import CODED, MARK, NUMBER, RUN, WORD, Sieve
from soc2ev.logs.leaks.text import hits
from soc2ev.logs.leaks.values import VENDOR, forms
from tests.logs import heldout, made

CORPUS = Path(__file__).parents[1] / "corpus"
WRITTEN = [row.partition("\t")[2] for row in (CORPUS / "leaks.tsv").read_text("utf-8").splitlines()]
CLEAN = (CORPUS / "clean.log").read_text("utf-8").splitlines()
ODD = (
    "4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "4111111111111112", "378282246310005", "123-45-6789", "078-05-1120",
    "+49 151 23456789", "+14155550132", "GB29NWBK60161331926819", "NL67RABO1108150129", "ann@acme.io", "a/ann@acme.io", "kim%40acme.io",
    "postgres://svc:s3cr3tpw@db.acme.io/x", "ghp_" + "a1B2c3D4" * 5, "s." + "a1b2c3d4" * 3, "r8_" + "a1b2c3" * 6, "SG." + "a1B2" * 5 + "." + "c3D4" * 10,
    "1//0" + "a1B2" * 9, "ya29." + "a1B2" * 8, "sq0atp-" + "a1B2" * 6, "12345678:AA" + "a1B" * 11, "eyJwYXNzd29yZCI6ImEifQ==", "AKIAQ3EGRX2LBNQ5T7WM",
    "SK" + "0a" * 16, "hooks.slack.com/services/T0AB12C/B0AB12C/" + "a1B2" * 6, "curl -u kim:s3cr3tpw", "curl -b sid=a1b2c3d4e5f6", "password is hunter2x",
    "Bearer a1b2c3d4e5f6", "token=a1b2c3d4e5f6", "sessionid=a1b2c3d4e5f6; x=1", "%70assword=hunter2x", '{"password":"hunter2x"}', '["token","a1b2c3d4e5"]',
    "ord_" + "a1B2" * 6, "0af7651916cd43dd8448eb211c80319c", "5d251874-f2e9-4580-84ff-f5f54ddee7c3", "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=", "x@y", "msg", "skip",
    "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", "curl/8.5.0", "&sig=abc", "é", "\\u0070assword", "***", "[FILTERED]", "phone", "dob", "",
    "cookie=[REDACTED] sid=a1b2c3d4e5f6", "authorization=*** x=1", 'password"=>"[FILTERED]", "a"=>"b"', "hmac-sha256:" + "0a1b" * 16, "https://registry.npmjs.org/@babel/core",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-1a2b3c", "password reset requested by kim", "password changed to hunter2x", "Failed password for invalid user bob from 10.0.0.4 port 22 ssh2", "curl/8",
)  # fmt: skip
KEYS = (
    "msg", "password", "user", "card", "number", "cookies", "sid", "auth", "authorization", "token", "key", "value", "name", "headers", "phone", "pan",
    "a b", "userIdentity", "accessKeyId", "exp_month", "url", "X-Api-Key", "first_name", "ids", "contact", "body", "connect.sid", "note",
)  # fmt: skip


def same(line: str) -> bool:
    """Whether both ways give the same leaks of a line in UTF-8; a line that the sieve refuses has none."""
    data = line.replace("\n", " ").encode()
    scanner = Scanner(b"key")
    return list(scanner.scan(data)) == [leak for _, leak in scanner.scan_block(b"x\n" + data + b"\nx\n")]


def some(r: random.Random, parts: list[str], depth: int = 0) -> object:
    """A value of a log line: a text of some parts, a number, or an object or list of such values."""
    kind = r.randrange(12)
    if kind < 2 and depth < 3:
        return {r.choice(KEYS): some(r, parts, depth + 1) for _ in range(r.randrange(1, 4))}
    if kind == 2 and depth < 3:
        return [some(r, parts, depth + 1) for _ in range(r.randrange(1, 4))]
    if kind == 3:
        return r.choice([4111111111111111, 200, 1.5, None, True, 378282246310005, 123456789])
    return r.choice(["", " ", "for ", "id="]).join(r.choice(parts) for _ in range(r.randrange(1, 4)))


@pytest.mark.parametrize("seed", range(4))
def test_any_line_gives_the_same_both_ways(seed):
    """JSON, JSON behind a prefix, cut JSON, and running text of leaks, look-alikes and odd parts."""
    r = random.Random(seed)
    parts = [*ODD, *ODD, *WRITTEN, *CLEAN]
    for _ in range(500):
        line = json.dumps(
            {r.choice(KEYS): some(r, parts) for _ in range(r.randrange(1, 6))}, ensure_ascii=r.random() < 0.5
        )
        text = " ".join(r.choice([*ODD, *KEYS, "=", ":", '"']) for _ in range(r.randrange(1, 8)))
        for one in (
            line,
            "INFO saved " + line,
            line[: r.randrange(len(line) + 1)],
            text,
            f"{r.choice(WRITTEN)} {text}",
        ):
            assert same(one), one


@pytest.mark.parametrize(
    "around", ['{{"a": 1, "m": {}, "password": "hunter2x"}}', '{{"to": "ann@acme.io", "c": {{"m": [{}]}}}}']
)
def test_a_leak_is_found_beside_another_that_chose_the_line(around):
    """Each written leak as a value of an object that has a leak elsewhere."""
    for line in (*WRITTEN, *CLEAN, *(case.line.decode("latin-1") for case in heldout.corpus(rounds=1))):
        assert same(around.format(json.dumps(line))), line


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("9ccurl -u kim:s3cr3tpwGB29NWBK60161331926819", 1),
        ("http -u kim:hunter2x9z https://acme.io", 1),
        ("wget --user=kim:hunter2x9z https://acme.io", 1),
        ("docker run -u 1000:1000 acme/api", 0),
        ("docker exec -u www-data:www-data web sh", 0),
    ],
)
def test_whoever_is_told_a_name_and_a_password(line, found):
    """Any command may be; a user with a group is none. Both ways agree without any other word that tells."""
    assert same(line)
    assert found == len(list(Scanner(b"key").scan(line.encode())))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(ODD), st.sampled_from(KEYS), st.sampled_from(list("{}[]:,\"' =\\&%"))), max_size=16
    )
)
def test_hostile_lines_give_the_same_both_ways(parts):
    """Broken JSON, brackets that do not close, quotes without an end."""
    assert same("".join(parts))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("to ann@acme.io", MARK),
        ("pay 4111111111111111 now", NUMBER),
        ("key ghp_" + "a1B2c3D4" * 5, WORD | RUN),
        ('{"@timestamp":"2026-10-01","user":"app@shop"}', 0),
        ("vue@latest [meta@32473 x]", 0),
        ("imei 353398435510327, batch 4817700389660837", 0),
        ("order ord_a1B2a1B2a1B2a1B2a1B2a1B2 done", 0),
        ("id x-sg-1 msg=ok skip pass-dp", 0),
        ("-----BEGIN CERTIFICATE-----", 0),
        ('GET / "curl/8.5.0"', 0),
        ("card %204111111111111111", NUMBER),
        ("%70assword=hunter2x", CODED),
        ("q=%7Bord_a1B2a1B2a1B2a1B2a1B2a1B2", RUN),
        ('{"userIdentity":{"type":"Role","accessKeyId":"ASIAQ3EGRX2LBNQ5T7WM"},"eventName":"x"}', 0),
        ('{"responseElements":{"accessKeyId":"ASIAQ3EGRX2LBNQ5T7WM"},"userIdentity":{"type":"Role"}}', WORD | RUN),
        ('{"userIdentity":{"type":"Role"},"accessKey":{"accessKeyId":"ASIAQ3EGRX2LBNQ5T7WM"}}', WORD | RUN),
        ('told {"userIdentity":{"type":"Role","accessKeyId":"ASIAQ3EGRX2LBNQ5T7WM"}} twice', WORD | RUN),
        ('"GET /a%20b HTTP/1.1" 200 "curl/8.5.0"', 0),
        ("+ curl -u kim:s3cr3tpw https://acme.io", WORD),
        ('{"path":"/oauth/token","method":"POST"}', 0),
        ('{"token":"a1b2c3d4e5f6"}', WORD),
        ('"POST /login?password=*** HTTP/1.1"', 0),
        ('authorization: Bearer xxxxx"', 0),
        ('~ password = "*****" -> "hunter2x"', WORD),
        ("sshd[12]: Failed password for invalid user bob from 10.0.0.4 port 22 ssh2", 0),
        ("sshd[12]: Failed password for bob from 10.0.0.4 port 22 ssh2 password=hunter2x", WORD),
        ('{"message":"password reset requested by kim","other":1}', 0),
        ('{"path":"secret/data/app","operation":"read"}', 0),
        ('{"name":"secret/data/app","secret":"a1b2c3d4e5f6"}', WORD),
        ('{"resource":"secrets","namespace":"a"}', 0),
        ('{"name":"token","value":"a1b2c3d4e5f6"}', WORD),
        ('{"token":"hmac-sha256:' + "0a1b2c3d" * 8 + '"}', WORD),
        ('{"accessor":"hmac-sha256:' + "0a1b2c3d" * 8 + '"}', 0),
        ('"user"=>{"password"=>"[FILTERED]"}, "commit"=>"Log in"', 0),
        ("cookie=[REDACTED] authorization=*** path=/", 0),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-1a2b3c", 0),
        ("https://registry.npmjs.org/@babel/core", 0),
        ("https://kim:hunter2x/@db", MARK),
        ('{"id":1,"message":"password reset requested by kim"}', 0),
        ("password changed to hunter2x by kim", WORD),
        ('GET / "curl/8" "10.0.0.4"', 0),
        ("+ curl/8 -u kim:s3cr3tpw https://acme.io", WORD),
        ("+ curl curl/8.5.0 -u kim:s3cr3tpw https://acme.io", WORD),
        ("user login done for client 7 of customer 9", 0),
        ("client's name: Ann Lee", WORD),
        ("client%20id: 4711", WORD),
        ("C: a1 LOGIN kim hunter2x", WORD),
        ("Login incorrect: [kim/hunter2x]", WORD),
    ],
)
def test_the_sieve_refuses_what_only_looks_alike(line, why):
    """Mere marks, numbers without a check digit, long ids, words of ids; what may be encoded it does not refuse."""
    found = 0
    for *_, spots in Sieve().chosen(f"clean\n{line}\nclean".encode()):
        for _, reason in spots:
            found |= reason
    assert why == found & (why | MARK | NUMBER | RUN)
    assert bool(why) == bool(found)


def test_only_what_may_tell_is_read_of_a_json_line(monkeypatch):
    """Values in which the sieve found nothing, under keys that promise nothing, are passed over."""
    seen = []
    monkeypatch.setattr("soc2ev.logs.leaks.text.hits", lambda text, key="": seen.append(text) or hits(text, key))
    line = '{"message":"Flushed the 3 streams","user":"Kim and ann@acme.io","token":"a1b2c3d4x5y6","other":"Plain Words 12"}'
    ((_, _, spots),) = Sieve().chosen(line.encode())
    assert ["email", "token"] == [hit.kind for hit in find_near(line, spots)]
    assert ["Kim and ann@acme.io", "a1b2c3d4x5y6"] == seen
    assert ["email", "token"] == [hit.kind for hit in find(line)]


def test_vendors_forms_are_found_where_the_plain_search_finds_them():
    """The search by pieces leaves out no form, wherever it stands and whatever joins it."""
    r = random.Random(3)
    joined = [" ", "/", ".", "=", ":", "-", "_", "é", '"', "+", "a", "1"]
    for _ in range(3000):
        text = "".join(r.choice([*ODD, made.jwt(r)]) + r.choice(joined) for _ in range(r.randrange(1, 5)))
        assert [one.span() for one in VENDOR.finditer(text)] == [one.span() for one in forms(text)], text
    assert re.compile(VENDOR.pattern).groups > 0
