"""Lines read by pattern give what the readers of their formats give; what is odd is left to those."""

from __future__ import annotations

import random

import pytest

from soc2ev.logs import jsontext, together
from soc2ev.logs.formats import Parser
from soc2ev.logs.formats.accesses import stencil_of_access
from soc2ev.logs.formats.fixed import FIXED
from soc2ev.logs.formats.stencil import Stencil, Table, stencil_of_json, stencil_of_pairs
from soc2ev.logs.formats.trailing import stencil_of_trailing
from soc2ev.logs.sorting import Sorter
from tests.logs.test_fast_routes import HOSTILE, NOW, mixture

KNOWN = [one for known in FIXED.values() for one in known]

SAMPLES = (
    '{"time": "2026-10-05T10:00:00Z", "a": {"b": [1, 2.5, {"c": null}], "d": true}, "e": "", "request_id": "x"}',
    '{"timestamp":"2026-10-05T10:00:00.123Z","status":401,"event":"login","user":"-","share":0.25,"ok":false}',
    'ts=2026-10-05T10:00:00Z level=info msg="all done" status=200 empty= quoted="" dash=- a.b=c',
    '10.0.0.1 - bob [05/Oct/2026:10:00:00 +0000] "GET /login?a=1 HTTP/1.1" 401 12 "-" "curl (x; y)"',
    'v.host:443 10.0.0.1 - - [05/Oct/2026:10:00:00 +0200] "GET /x?a=1 HTTP/2.0" 401 12 "-" "curl" cookie="-" a.b="c d" n=1',
    '10.0.0.1 - bob [05/Oct/2026:10:00:00 +0200] "GET /x HTTP/2.0" 200 - "r" "x" user_id=7 level="-" empty=',
    "2001:db8::1 - - [05/Oct/2026:10:00:00 +0000] \"POST /x HTTP/2\" 200 - \"\" \"'\"",
    "2026-10-05 10:00:00,123 ERROR worker: it failed", "2026/10/05 10:00:00 [error] 12#0: *1 upstream timed out",
    "2026-10-05 10:00:00 INFO", "2026-10-05 10:00:00 INFO:", "[x", "2026-10-05 10:00:00 - ", "2026-10-05 10:00:00 +02:00 | WARN | x",
    '2026/10/05 06:07:20 [error] 31#31: *93 too large body: 10 bytes, request: "GET /a?b=1 HTTP/1.1", host: "x"',
    "2026-10-05 10:00:00 INFO worker: took {'a': 1} of n=3 q=4", "<134>Oct  5 10:00:00 web-02 postfix/smtp[44]: no queue a=b c=d",
    "2026-10-05 10:00:00 INFO a=1 b=2 c=3 d", "<13>Oct 15 10:00:00 h app: ", "Oct  5 10:00:00 h app: x a=1 b=2 c=3",
    "2026-10-05T10:00:00.5+02:00  INFO 1 --- [a] b=c : took {d=1, e=2}", "2026-10-05T10:00:00Z [info     ] x a='1'", '[2026-10-05 10:00:00] a.INFO: b {"c"=>1} {}',
    '[2026-10-05T10:00:00.1Z] "GET /x HTTP/2" 200 - "-" 3 "10.0.0.1" a="-" b="-"', "2026-10-05T10:00:00 host app[12]: x", "2026-10-05T10:00:00Z a=1 b=2 c=3", "2026-10-05T10:00:00Z|x a=1",
    'I, [2026-10-05T10:00:00.742000 #109]  INFO -- : [1a328578-745e] Started GET "/a?b=1" for 10.0.0.1', 'I, [2026-10-05T10:00:00 #9]  WARN -- x: Parameters: {"a"=>1, "b"=>{}}',
    "Oct  5 10:00:00 host sshd[1]: Accepted password for bob from 10.0.0.1 port 22 ssh2", "Oct 15 10:00:00 h-1 cron: x",
    "<165>1 2026-10-05T10:00:00.003Z web-02 api 44 ID47 - took 3 of b=c", "<13>1 2026-10-05T10:00:00+02:00 - api - - - \ufeffended {a=1}",
    "[Thu Jun 09 06:07:04 2005] [notice] LDAP: SSL support unavailable", "2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack",
    "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:4711] File does not exist: /x", "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; uid=0",
    '2026-10-05T10:00:00.123456789Z stdout F {"level":"info","msg":"done","n":[1,{"b":null}],"time":"x"}', '2026-10-05 10:00:00 ERROR x: it failed {"a": 1.5, "level": "info"}',
    '[2026-10-05 10:00:00] local.INFO: b=1 c=2 {"id": 4, "level": "warn"}', '2026-10-05 10:00:00 {"a":true}', '2026-10-05T10:00:00Z INFO {"user":{"name":"bob"},"message":"m"}',
)  # fmt: skip
ODD = (
    *tuple("\"\\{}[]:,= -+.0919eE'ab\t\r\x00\x1c\x85\xa0é%<>|#/"),
    "null",
    "true",
    "-0",
    "1e5",
    '\\"',
    "  ",
    '] "',
    " [",
    "x=1 ",
)


def stencils(line: str) -> list[Stencil]:
    return [
        one
        for one in (
            stencil_of_json(line),
            stencil_of_pairs(line),
            stencil_of_access(line),
            stencil_of_trailing(line),
            *KNOWN,
        )
        if one
    ]


def read(stencil: Stencil, line: str) -> dict[str, object] | None:
    """What a stencil gives for a line; of formats that leave out what is empty, without it."""
    text = line if stencil.form is None else line.encode().strip().decode()
    found = stencil.whole.findall(text)
    assert len(found) <= 1
    either = stencil.either.findall(text + "\nplain")
    assert found == [one for one in either if one[0]]
    if not found:
        return None
    fields = Table(stencil, [0], found).fields(0)
    return (
        {name: one for name, one in fields.items() if one is not None}
        if stencil in KNOWN or stencil.shape == "access"
        else fields
    )


def agrees(stencil: Stencil, line: str) -> bool:
    """Whether a stencil fits; if so the parser must have read the same, with no doubt about the format."""
    found = read(stencil, line)
    if found is None:
        return False
    parser = Parser(NOW)
    parser.order = parser.order
    assert [(stencil.shape, repr(found))] == [(shape, repr(fields)) for shape, fields in parser.entries(line.encode())]
    assert not parser.ambiguous
    return True


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_changed_line_fits_only_with_the_same_fields(sample):
    """Whatever characters are put into a line or taken out of it."""
    r = random.Random(sample)
    fits = 0
    for _ in range(600):
        line = sample
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(line) + 1)
            line = line[:at] + r.choice((*ODD, "")) + line[at + r.randrange(3) :]
        if "\n" not in line and "\ud800" not in line:
            fits += sum(agrees(one, line) for one in stencils(sample))
    assert fits or sample in ("[x", "2026-10-05 10:00:00 - ", "2026-10-05 10:00:00 INFO a=1 b=2 c=3 d")


def test_lines_of_all_kinds_fit_their_own_stencil_or_none():
    """Hostile ones too; and most ordinary ones do fit."""
    lines = [line.decode("utf-8", "replace").strip() for line in (*HOSTILE, *mixture(21, 1500).split(b"\n"))]
    fits = [any(agrees(one, line) for one in stencils(line)) for line in lines]
    assert sum(fits) > len(lines) // 2


@pytest.mark.parametrize(
    "line",
    [
        '{"a":1,"a":2}', '{"a":{},"b":1,"a":1}', '{"log":"x","stream":"stdout"}', '{"Records":[]}', '{"a":[1,2,3,4,5,6,7,8,9]}',
        '{"a\\u0062":1}', "{}", "[1]", '{"a":1} x', '{"a":1', '{"a":1e400}', '{"a":NaN}', '{"a":' + "1" * 19 + "}", '{"a":{"b":1},"a.b":2}',
        '{"resourceLogs":[]}', '{"a":' * 20 + "1" + "}" * 20, '{"a":"' + "x" * 5000 + '"}',
    ],
)  # fmt: skip
def test_what_is_odd_has_no_stencil(line):
    """Keys that come twice or are written strangely, records within records, odd numbers, and what is cut."""
    assert stencil_of_json(line) is None or not agrees(stencil_of_json(line), line)


@pytest.mark.parametrize(
    "line", ["a=1 b=2", "a=1 b=2 a=3", "a=1, b=2, c=3", "x a=1 b=2 c=3", "a=1 b=2 message=c", "a='1' b=2 c=3"]
)
def test_pairs_that_are_odd_have_no_stencil(line):
    """Too few, one twice, other separators and quotes, and a message, which may hold more."""
    assert stencil_of_pairs(line) is None


@pytest.mark.parametrize(
    "more", ['a="1" a="2"', 'user="x"', "a='1'", '"-" a="1"', 'a="1", b="2"', 'a="\\""', "", '"-"']
)
def test_access_lines_that_are_odd_have_no_stencil(more):
    """One pair twice or by the name of a field of the format, other separators and quotes; and what needs none."""
    line = f'10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "x" {more}'.strip()
    assert stencil_of_access(line) is None


@pytest.mark.parametrize("size", [900, 70_000])
def test_a_line_too_long_to_be_looked_through_for_pairs_has_no_stencil(size):
    """As the reader of pairs gives up on it, and that of access logs in the midst of them."""
    value = "x" * size
    for sample in (
        "a=1 b=2 c=3",
        '10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "x" a="1" c=3',
    ):
        line = sample.removesuffix("3") + value
        assert (size < 1000) == any(agrees(one, line) for one in stencils(sample))


def test_kinds_that_are_rare_are_looked_for_again():
    """A file may go on with lines of a kind that it did not have for long."""
    sorter, plain = Sorter(), [b"1 plain words"] * 20
    access = [b'10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "x"'] * 20
    assert all(([], list(range(20))) == sorter.sort(plain) for _ in range(60))
    rest = [len(sorter.sort(access)[1]) for _ in range(20)]
    assert set(rest) == {0, 20}
    assert not any(rest[8:])


def test_every_line_is_sorted_once():
    """Those of known kinds into tables, all others into the rest, whatever the mixture."""
    sorter, rows = Sorter(), mixture(7, 4000).split(b"\n")
    for begin in range(0, len(rows), 500):
        tables, rest = sorter.sort(rows[begin : begin + 500])
        at = [one for table in tables for one in table.at]
        assert list(range(len(rows[begin : begin + 500]))) == sorted([*at, *rest])
        assert sorted(rest) == rest
        assert all(len(table.at) == len(table.rows) for table in tables)


def test_kinds_are_learnt_with_bounded_effort(monkeypatch):
    """Lines of which none is like another are soon left to the readers."""
    tries = []
    monkeypatch.setitem(Sorter.sort.__globals__["_LEARNT"], ord("{"), tries.append)
    sorter = Sorter()
    for block in range(100):
        sorter.sort([b'{"k%d":1}' % (1000 * block + at) for at in range(50)])
    assert 0 < len(tries) <= 12 + 100 // 4 + 1


def test_rare_kinds_give_way():
    """A kind that no line had for many blocks makes room for another."""
    sorter = Sorter()
    for kind in range(12):
        rows = [b'{"k%d":%d}' % (kind, at) for at in range(50)]
        for _ in range(20):
            tables, rest = sorter.sort(rows)
        assert not rest
        assert len(tables) == 1


def deeper(levels: int, text: bytes) -> object:
    return jsontext.loads(text) if not levels else deeper(levels - 1, text)


def test_how_deep_json_may_be_does_not_depend_on_the_caller():
    """Another process begins with another stack, and has to give the same answer."""
    for depth, fine in ((480, True), (700, False), (980, False)):
        text = b'{"a":"[[",' + b" " * 1500 + b'"b":' + b"[" * depth + b"]" * depth + b"}"
        for levels in (0, 150):
            if fine:
                assert {"a", "b"} == set(deeper(levels, text))
            else:
                with pytest.raises(ValueError, match="deep"):
                    deeper(levels, text)


def test_processes_are_copies_only_where_no_other_thread_runs(monkeypatch):
    """A lock that another thread holds would stay held in the copy."""
    monkeypatch.setattr(together.threading, "active_count", lambda: 2)
    assert "spawn" == together.context().get_start_method()
    monkeypatch.setattr(together.threading, "active_count", lambda: 1)
    monkeypatch.setattr(together.sys, "platform", "linux")
    assert "fork" == together.context().get_start_method()
    monkeypatch.setattr(together.sys, "platform", "darwin")
    assert "spawn" == together.context().get_start_method()
