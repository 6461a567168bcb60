"""Fast routes give the answers of the slow ones: by column and line by line, with orjson and without, on processes."""

from __future__ import annotations

import base64
import gzip
import json
import random
from pathlib import Path

import pytest

from soc2ev.logs import check as checks
from soc2ev.logs import jsontext, measuring, together
from soc2ev.logs.events import Matcher, packs
from soc2ev.logs.formats import Parser
from soc2ev.logs.formats.layout import layout
from soc2ev.logs.instants import instant, stamps
from soc2ev.logs.leaks import Scanner
from soc2ev.logs.leaks.find import decoded, find
from soc2ev.logs.leaks.mails import find_mails
from soc2ev.logs.measured import Measured
from soc2ev.logs.measures import Timeline
from soc2ev.logs.measuring import measure, read

NOW = 1_795_000_000.0
KEY = b"k" * 32
CORPUS = Path(__file__).parent / "corpus"
HOSTILE = [
    b"{", b"[", b"{}", b"[]", b'{"a":1', b'{"a":1}}', b'{"a":1,"a":2,"status":401,"status":200}', b'{"status":NaN}',
    b'{"status":Infinity,"event":"login"}', b'{"status":18446744073709551616,"request_id":18446744073709551617}',
    b'{"request_id":' + b"9" * 30 + b"}", b'{"request_id":' + b"9" * 19 + b',"trace_id":[-9223372036854775809,18446744073709551615]}', b'{"a":' + b"9" * 5000 + b"}", b'{"event":"\\ud800","user":"x"}', b'{"a":"\x00"}',
    b'{"event":"login.failed","user":"\xff\xfe"}', b"\xef\xbb\xbf" + b'{"event":"login"}', b'{"status":-0.0}', b'{"status":1.0}',
    b'{"status":true,"outcome":false}', b'{"status":1,"outcome":0}', b'{"status":401.0}', b'{"status":"401"}', b" \t ", b"\x0b\x0c",
    b"\x00\x00", b"\r", b'{"event":null,"message":"user.login.failed"}', b'{"msg":"user.login.failed","level":"error"}',
    b'{"time":"-","ts":"2026-10-05T10:00:00Z","user":"","actor":"-"}', b'{"time":1e400}', b'{"ts":-1}', b'{"ts":1790000000123}',
    b'{"a":' * 30 + b"1" + b"}" * 30, b'{"a":' + b"[" * 990 + b"]" * 990 + b"}", b"[" * 5000, b'{"x":[1,{"event":"login"},[2]]}',
    b'{"Records":[{"eventSource":"iam","eventName":"CreateUser","eventTime":"2026-10-05T10:00:00Z"}]}', b'{"Records":[]}',
    b'{"log":"10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] \\"GET /login HTTP/1.1\\" 401 5\\n","stream":"stdout","time":"2026-10-05T10:00:01Z"}',
    b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1790000000000000000","body":{"stringValue":"x"}}]}]}]}',
    b'{"request":"GET /admin/users HTTP/1.1","status":200}', b'{"request":"nothing","path":"/x","status":200}',
    b'{"controller":"Sessions","action":"create","status":200}', b'{"errorCode":"x","eventSource":"s","eventName":"ConsoleLogin"}',
    b'{"password":"[REDACTED]","token":"***","event":"x","n":{"api_key":"****"}}', b'{"class_uid":3002,"status_id":2,"activity_id":1}',
    b'{"' + b"k" * 300 + b'":"' + b"v" * 9000 + b'"}', b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(450)) + b"}",
    b"<34>1 2026-10-05T10:00:00Z host app - - - Failed password for root from 1.2.3.4", b"2026-10-05T10:00:00+00:00 host sshd[1]: Accepted password for bob from 10.0.0.1",
    b"Oct  5 10:00:00 host sudo[12]:  bob : COMMAND=/bin/ls", b"2026-10-05 10:00:00,123 ERROR worker: it failed", b"2026-10-05T10:00:00Z INFO main: hello",
    b'I, [2026-10-05T10:00:00.123456 #12]  INFO -- : [1234abcd-1234] {"method":"GET","path":"/login","status":401}',
    b'10.0.0.1 - bob [05/Oct/2026:10:00:00 +0000] "GET /login HTTP/1.1" 401 12 "-" "curl" request_time=0.1 a=b c=d',
    b'10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "ref [aaaaaaaaaaaaaaaaaaaaaaaaa] " "x"',
    b'v.host 10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 -', b'10.0.0.1 - a b [05/Oct/2026:10:00:00 +0000] "G\\"ET /" 200 1 "" ""',
    b'a=b c=d e=f ts=2026-10-05T10:00:00Z level=error msg="it \\"x\\" failed" q=\'z\'', b"a=1,b=2,c=3", b"plain words and no more",
]  # fmt: skip


def ordinary(r: random.Random, number: int) -> bytes:
    at = f"2026-10-{1 + number // 4000 % 28:02}T{number // 200 % 24:02}:{r.randrange(60):02}:{r.randrange(60):02}.{r.randrange(1000):03}Z"
    status, user = r.choice((200, 201, 401, 403, 500)), f"u{r.randrange(50)}@example.com"
    common = {
        "timestamp": at,
        "level": r.choice(("info", "error")),
        "event": r.choice(("user.login.failed", "invoice.sent", "x")),
    }
    return r.choice((
        lambda: json.dumps({**common, "status": status, "request_id": f"{r.getrandbits(64):x}", "path": f"/a/{number}"}),
        lambda: json.dumps({**common, "user": {"email": user, "id": number}, "http": {"status": status}, "tags": ["a", "b"]}),
        lambda: json.dumps({**common, "password": r.choice(("hunter2x9", "***", "[REDACTED]")), "received_at": at, "ip": "10.0.0.1"}),
        lambda: f'10.0.0.{number % 255} - {user} [05/Oct/2026:10:11:{number % 60:02} +0000] "GET /login HTTP/1.1" {status} 5 "-" "x"',
        lambda: f'ts={at} level=info method=GET path=/export status={status} msg="all done" trace_id={number}',
        lambda: f"{at[:10]} {at[11:19]},{number % 1000:03} ERROR [main] worker failed for {user}",
        lambda: f"{at} host sshd[1]: Failed password for bob from 10.0.0.1 port {number}",
        lambda: f"<134>1 {at} web-{number % 9} api {number} ID7 - Failed password for bob from 10.0.0.1",
        lambda: f"{at} stdout F {json.dumps({**common, 'status': status, 'request_id': number})}",
        lambda: f"[{at[:10]} {at[11:19]}] local.INFO: {common['event']} {json.dumps({'id': number, 'ip': '10.0.0.1'})}",
    ))().encode()  # fmt: skip


def wrapped(r: random.Random, line: bytes) -> bytes:
    """The line as Docker writes it, also with another one behind it, and with odd times."""
    told = line.decode("utf-8", "replace") + r.choice(("\n", "\n", "\n", "", "\n  at x\n", "\r\n"))
    time = r.choice((*["2026-10-05T10:00:01.123456789Z"] * 6, "-", "", None, 5))
    return json.dumps({"log": told, "stream": r.choice(("stdout", "stderr")), "time": time}).encode()


def mixture(seed: int, count: int) -> bytes:
    r = random.Random(seed)
    known = [line for file in sorted(CORPUS.iterdir()) for line in file.read_bytes().splitlines()]
    lines = [r.choice((r.choice(HOSTILE), r.choice(known), *[ordinary(r, n)] * 6)) for n in range(count)]
    lines = [wrapped(r, line) if r.random() < 0.25 else line for line in lines]
    return b"".join(line.replace(b"\n", b" ") + r.choice((b"\n", b"\n", b"\n", b"\r\n")) for line in lines)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(packs())


def written(folder: Path, data: bytes, name: str = "a.log") -> Path:
    # A first line that opens no document, so that the file is read line by line.
    file = folder / name
    file.write_bytes(data)
    return file


def one_by_one(file: Path, matcher: Matcher) -> Measured:
    made = Measured(NOW)
    for lines, records in read(file, NOW, lambda _: None):
        made.lines += lines
        made.unparsed += lines > 0 and records is None
        for record in records or ():
            if record.shape == "cloudtrail" and record.arrival is None:
                record.arrival = measuring.delivered(file)
            made.add(record, matcher.events(record))
    return made


def shown(made: Measured) -> str:
    """Everything that was measured, as text; of sets and heaps what they hold."""
    ids = {path: (one.count, sorted(one.values._kept)) for path, one in made.fields._ids.items()}
    times = {name: value for name, value in vars(made.times).items() if name != "skew"}
    line = sorted((key, str(one)) for key, one in made.timeline._buckets.items())
    return repr([
        made.lines, made.unparsed, sorted(made.shapes.items()), sorted((k, str(v)) for k, v in made.events.items()),
        list(made.masked.items()), made.fields.records, made.fields.shares(), list(ids.items()), times,
        sorted(made.times.skew._buckets.items()), made.timeline._width, line,
    ])  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_columns_count_as_single_records_do(tmp_path, matcher, seed):
    """Also among broken JSON, odd numbers and types, marks, NUL, half surrogates and all kinds of formats."""
    file = written(tmp_path, b"one\n" + mixture(seed, 1500))
    assert shown(one_by_one(file, matcher)) == shown(measure(file, NOW, matcher, lambda _: None))


@pytest.mark.parametrize("line", HOSTILE)
def test_a_hostile_line_counts_the_same_many_times_over(tmp_path, matcher, line):
    """Lines that come in dozens are counted by column, and each tells what it tells alone."""
    file = written(tmp_path, b"one\n" + (line + b"\n") * 12)
    assert shown(one_by_one(file, matcher)) == shown(measure(file, NOW, matcher, lambda _: None))


@pytest.mark.parametrize("name", ["x_CloudTrail_us-east-1_20261005T1000Z_a.json", "a.log.gz", "long.log"])
def test_files_of_other_shapes_count_the_same(tmp_path, matcher, name):
    """CloudTrail's file with its delivery in its name, gzip, and lines over 1 MiB between others."""
    event = {"eventTime": "2026-10-05T09:55:00Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser"}
    body = {
        "a": json.dumps({"Records": [event] * 40}).encode(),
        "z": gzip.compress(mixture(9, 300)),
        "g": b"x\n" + b'{"a":"' + b"y" * (3 << 20) + b'"}\n' + mixture(3, 200),
    }["z" if name.endswith("gz") else "g" if name == "long.log" else "a"]
    file = written(tmp_path, body, name)
    assert shown(one_by_one(file, matcher)) == shown(measure(file, NOW, matcher, lambda _: None))


def test_both_readers_of_json_agree(monkeypatch):
    """Whatever is installed: numbers over 64 bits stay whole, and what one of them refuses the other decides."""
    lines = [*HOSTILE, *mixture(4, 800).splitlines()]

    def answers() -> list[str]:
        found = []
        for line in lines:
            for loads in (jsontext.loads, jsontext.reader(line)):
                try:
                    found.append(repr(loads(line)))
                except ValueError:
                    found.append("refused")
        return found

    fast = answers()
    monkeypatch.setattr(jsontext, "_quick", None)
    assert fast == answers()


def test_times_by_the_thousand_are_those_of_single_ones():
    """Remembered halves of a time add up to the very same number, whatever the fraction and zone."""
    r = random.Random(2)
    ends = ("Z", "", "+00:00", "+0530", "-08:00", " UTC", ",5", ".123Z", ".123456Z", ".123456789+02:00", ".9")
    values = [
        f"{r.choice((1969, 1970, 2026, 9999, 10000))}-{r.randrange(14):02}-{r.randrange(33):02}{r.choice('T t')}"
        f"{r.randrange(25):02}:{r.randrange(61):02}:{r.randrange(61):02}{r.choice(ends)}"
        for _ in range(20_000)
    ]
    values += [None, 1, True, 1.5, 1_790_000_000, "05/Oct/2026:10:00:00 +0000", "Oct  5 10:00:00", "", "x" * 50] * 2
    single = [instant(value, NOW) for value in values for _ in (1, 2)]
    ats, zoned = stamps([value for value in values for _ in (1, 2)], NOW)
    assert [one and one.at for one in single] == ats
    assert sum(one is not None and one.zoned for one in single) == zoned


def test_events_in_bulk_lie_in_the_same_buckets():
    """Also when buckets have to become wider."""
    r = random.Random(3)
    told = [(r.random() * 4e8, r.choice((None, True, False))) for _ in range(250_000)]
    one, many, joined = Timeline(), Timeline(), Timeline()
    for at, failed in told:
        one.add(at, failed)
    for at in range(0, len(told), 5000):
        many.add_many(told[at : at + 5000])
        part = Timeline()
        part.add_many(told[at : at + 5000])
        joined.follow(part)
    assert one._width == many._width == joined._width
    assert one._buckets == many._buckets == joined._buckets


def test_a_layout_prefers_what_a_record_prefers():
    """The same fields in the same order of preference, and ids in the order of the record."""
    fields = {
        "x_request_id": "a",
        "user": "u",
        "actor": "v",
        "trace_id": "t",
        "request_id": "b",
        "meta.user": "w",
        "ip": None,
    }
    laid = layout(reversed(fields))
    assert (("actor",), ("user",), ("meta.user",)) == laid.of("actor")
    assert () == laid.of("target")
    assert tuple(Parser(NOW).records(json.dumps(fields).encode())[0].ids) == laid.ids


def leaky() -> list[str]:
    known = [line for file in sorted(CORPUS.iterdir()) for line in file.read_bytes().decode("latin-1").splitlines()]
    return known[:: max(1, len(known) // 400)]


@pytest.mark.parametrize(
    "around",
    [
        "{} to bob@example.com", "ann%40example.org {}", '{{"msg": {}, "who": "bob@example.com"}}', '{{"a":{{"b":"c@example.org"}},"m":{}}}',
        '{{"u": "postgres://u:p@ssw0rdx@host/db", "l": ["d@example.com", {}]}}', '{{"m": {}, "k@example.com": 1, "x": [{{"e": "e@f.example.com"}}]}}',
        '{{"to": "/u/ann@example.com/x?q=a%20b@c.example.com", "m": {}',
    ],
)  # fmt: skip
def test_a_line_with_a_mail_address_gives_what_it_gives_the_long_way(around):
    """Whatever else the line holds: the short way is taken only where nothing else can be found."""
    scanner, short = Scanner(KEY), 0
    for line in leaky():
        text = around.format(json.dumps(line) if "{" in around.replace("{}", "") and '"' in around else line)
        data = text.encode("latin-1", "replace")
        short += any(mail for *_, mail in scanner._sieve.chosen(data))
        assert list(scanner.scan(data)) == [leak for _, leak in scanner.scan_block(data)]
    assert short


def test_the_short_way_knows_paths_and_places():
    """In flat and nested objects, in text before them, and not in keys."""
    for text in (
        '{"a": 1, "user": "ann@example.com"}', '{"a":{"b.c":{"d":"ann@example.com"}},"e":"bob@example.com"} ', 'x {"a": "b@example.com"}',
        '{"ann@example.com": "x", "n": {"m": "c@example.com"}}', '{"a": "x@example.com", "cut', '{"a": b@example.com}', '["c@example.com"]',
        'x@example.com {"a": "b@example.com"}', '{"a": "b@example.com"} {"c": "d@example.com"}', '{"a":"{b@example.com"}', "{'a@example.com'}",
    ):  # fmt: skip
        assert find(text) == find_mails(text)


def test_a_body_that_is_nearly_text_is_refused_at_once():
    """A base64 body with one byte at its end that is no text takes no longer than any other."""
    body = base64.b64encode(b"printable " * 400 + b"\0").decode()
    assert [] == find(f'{{"body": "{body}"}}')
    assert decoded(base64.b64encode(b"abcd\xc3\xa9fghi" * 3).decode())
    assert decoded(base64.b64encode(b"abcd\xc3\xa9fgh\xc3" * 3).decode()) is None


def answer(file: Path, matcher: Matcher, workers: int) -> str:
    return json.dumps(checks.check([file], key=KEY, now=NOW, matcher=matcher, workers=workers).as_json())


def test_several_processes_give_the_same_answer(tmp_path, matcher, monkeypatch):
    """Byte for byte, also where one piece leaves to the next which text format fitted last."""
    monkeypatch.setattr(together, "_PIECE", 1)
    texts = b"2026-10-05T10:00:00Z INFO main: hello\n" * 4000 + b"2026-10-05 10:00:00 INFO main: hello\n" * 4000
    written(tmp_path, b"x\n" + mixture(11, 3000) + texts + b"2026-10-05T10:00:00Z INFO main: hello\n" * 9000)
    written(tmp_path, json.dumps([{"event": "login", "password": "hunter2x9"}] * 5, indent=1).encode(), "doc.json")
    written(tmp_path, gzip.compress(mixture(12, 1000))[:-20], "cut.log.gz")
    written(tmp_path, b"time,user,password\n" + b"1,ann,hunter2x9\n" * 5, "table.csv")
    (tmp_path / "empty.log").touch()
    assert answer(tmp_path, matcher, 1) == answer(tmp_path, matcher, 2)


def test_without_processes_one_has_to_do(tmp_path, matcher, monkeypatch):
    """Where none may be started, or one is killed, the check is made here and misses nothing."""
    file = written(tmp_path, b"x\n" + mixture(5, 200))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "not permitted")

    monkeypatch.setattr(together, "ProcessPoolExecutor", refuse)
    assert answer(file, matcher, 1) == answer(file, matcher, 2)


def test_parts_of_instants_add_up_to_what_the_whole_text_says():
    """Fractions of any number of digits, with zones that exist and zones that do not."""
    r = random.Random(11)
    for _ in range(3000):
        fraction = r.choice(["", ".", ","]) + "".join(r.choices("0123456789", k=r.choice((0, 1, 3, 6, 7, 9, 20, 30))))
        zone = r.choice(("", "Z", "+01:00", "-05:30", "+24:00", "-23:59", "+12:60", " UTC", "GMT", " +0100"))
        text = f"2026-10-05T10:11:12{fraction}{zone}"
        alone = instant(text, 0.0)
        assert ([alone and alone.at], int(bool(alone and alone.zoned))) == stamps([text], 0.0), text


def test_a_single_value_and_a_column_pass_the_same_tests():
    """What rules ask of fields whose values hardly repeat, of one record and of many at once."""
    matcher = Matcher(packs())
    values = [
        None,
        "",
        True,
        7,
        "/LOGIN",
        "/oauth/token",
        "user login failed",
        "arn:aws:iam::1:root",
        "nothing",
        "Sign in",
    ]
    for shape in ("json", "access", "text", "cloudtrail"):
        for name, wide in matcher.rules(shape).wide.items():
            assert wide.masks(values) == [wide.masks([value])[0] for value in values] == list(map(wide.mask, values)), (
                name
            )
