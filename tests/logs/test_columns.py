"""Records of whatever fields, taken together by column, are what each of them is alone."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from soc2ev.logs import measuring, reading, sorting
from soc2ev.logs.alike import Plan
from soc2ev.logs.events import Matcher, packs
from soc2ev.logs.formats import Parser, text
from soc2ev.logs.formats import columns as columns_module
from soc2ev.logs.formats.columns import Columns
from soc2ev.logs.formats.record import flatten, known
from soc2ev.logs.instants import instant, stamps
from soc2ev.logs.measures import Distinct
from soc2ev.logs.measuring import measure
from tests.logs.test_fast_routes import HOSTILE, NOW, mixture, one_by_one, shown, written

KEYS = ("a", "b", "a.b", "", "[0]", "user", "id", "x.y", "status", "n")
SCALARS = (None, True, False, 0, 1, 1.0, -0.0, 401, 401.5, "", "-", "x", "401")
MEMBERS: dict[str, tuple[Any, ...]] = {
    "user": ("ann", {"id": 7, "name": "ann"}, {"id": "", "email": "a@example.com"}, None),
    "userId": ("u1", 7, "-"),
    "user_id": ("u2", 8.0, ""),
    "http": ({"status": 401, "method": "POST"}, {"status": "200", "headers": {"x-request-id": "q"}}, {}),
    "status": (200, "200", True, 1, 1.0, -0.0, 401, 503, None),
    "outcome": (True, "success", "Failed password", 0, 1),
    "event": ("user.login", "user.login.failed", {"action": "login", "outcome": "failure"}, "invoice.sent"),
    "message": ("user.login.failed", "GET /x 200", "Accepted password for bob", 5),
    "request": ("GET /login HTTP/1.1", {"method": "GET", "url": "/oauth/token"}, "nothing"),
    "path": ("/login", "/oauth/token?a=1", "-"),
    "trace_id": ("t1", "t2", "", 5),
    "meta": ({"requestId": "r1", "password": "***"}, {"user": "eve", "tags": ["a", {"ip": "10.0.0.1"}]}, [{"status": 500}]),
    "password": ("[REDACTED]", "****", 5, {"old": "***"}),
    "level": ("error", "info", 30, 50.0),
    "mfa": (True, "totp", ""),
    "ts": ("2026-10-05T10:00:00Z", 1_790_000_000, 1_790_000_000_123, "05/Oct/2026:10:00:00 +0200"),
    "received_at": ("2026-10-05T10:00:01+02:00", 1_790_000_001.5, "never"),
    "controller": ("Sessions", 5),
    "action": ("create", "login"),
    "eventType": ("user.session.start",),
    "@timestamp": ("2026-10-05T10:00:00,5", "2026/10/05 10:00:00"),
}  # fmt: skip


def document(r: random.Random, depth: int) -> Any:
    kind = r.randrange(6) if depth else 0
    if kind == 1:
        return [document(r, depth - 1) for _ in range(r.randrange(11))]
    if kind in (2, 3):
        return {r.choice(KEYS): document(r, depth - 1) for _ in range(r.randrange(5))}
    return r.choice(SCALARS)


def sparse(r: random.Random) -> dict[str, Any]:
    """A record that has a few of many members, in any order."""
    names = r.sample(sorted(MEMBERS), r.randrange(1, 7))
    return {name: r.choice(MEMBERS[name]) for name in names}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(packs())


@pytest.mark.parametrize("seed", range(30))
def test_a_column_has_what_each_object_has_there(monkeypatch, seed):
    """Also with dots and brackets in keys, two ways to one path, empty keys, long lists, and objects at some places."""
    monkeypatch.setattr(columns_module, "_MOST", 1 << 30)
    r = random.Random(seed)
    rows = [{r.choice(KEYS): document(r, 4) for _ in range(r.randrange(6))} for _ in range(r.randrange(1, 40))]
    columns, flat = Columns(rows, lambda _: True), [flatten(row) for row in rows]
    assert {path for one in flat for path in one} <= set(columns.paths)
    for path in [*columns.paths, "nowhere"]:
        assert repr([one.get(path) for one in flat]) == repr(columns.values(path))


def test_a_column_ends_where_a_record_does(monkeypatch):
    """At the twelfth level, the four hundredth name of an object and the eighth entry of a list."""
    monkeypatch.setattr(columns_module, "_MOST", 1 << 30)
    deep: Any = 1
    for _ in range(14):
        deep = {"d": deep, "e": [deep, 2]}
    wide = {f"k{at}": {"v": at} if at % 2 else at for at in range(450)}
    for rows in ([deep, {}, deep], [{"w": wide}, wide, {}], [{"l": list(range(12))}, {"l": [[1] * 10] * 10}]):
        flat = [flatten(row) for row in rows]
        columns = Columns(rows, lambda _: True)
        for path in columns.paths:
            assert [one.get(path) for one in flat] == columns.values(path)
        assert {path for one in flat for path in one} <= set(columns.paths)


@pytest.mark.parametrize("seed", range(8))
def test_the_best_field_is_that_of_a_record(matcher, seed):
    """Of several fields that say the same, whatever their order, types and places; of equal ones the first."""
    r = random.Random(seed)
    plan = Plan("json", matcher.rules("json"), wrapped=False)
    rows = [sparse(r) for _ in range(200)]
    for at, row in enumerate(rows):
        plan.add(at, row)
    [part] = plan.parts()
    for name in ("actor", "action", "ip", "method", "path", "message", "level"):
        single = [getattr(known("json", flatten(row), NOW), name) for row in rows]
        found = part.requested()[0] if name == "path" else part.best(name)
        if name not in ("action", "method"):  # of which the message, the controller and the request tell too
            assert single == [None if one is None else str(one) for one in found]
    assert [part.fields(at) for at in range(200)] == [flatten(row) for row in rows]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("few", [8, 1 << 30])
def test_sparse_records_count_as_single_ones_do(tmp_path, matcher, monkeypatch, seed, few):
    """Batch after batch, so that what one of them told is remembered in the next; by stencil or without."""
    monkeypatch.setattr(reading, "BLOCK", 4096)
    monkeypatch.setattr(measuring, "_BATCH", 10_000)
    monkeypatch.setattr(sorting, "_FEW", few)
    r = random.Random(seed)
    lines = [json.dumps(sparse(r)) for _ in range(1200)]
    lines += [" ".join(f"{name}={r.choice('abc')}" for name in r.sample(sorted(MEMBERS), 5)) for _ in range(300)]
    file = written(tmp_path, "\n".join(["one", *lines]).encode())
    assert shown(one_by_one(file, matcher)) == shown(measure(file, NOW, matcher, lambda _: None))


def wrapped(r: random.Random, line: str, depth: int = 0) -> str:
    told = r.choice(("2026-10-05T10:00:00.5Z", "2026-10-05T10:00:07Z", "-", "", None, 1_790_000_000, [1]))
    outer = json.dumps({"log": line + r.choice(("\n", "")), "stream": "stdout", "time": told})
    return wrapped(r, outer, depth + 1) if depth < 3 and r.random() < 0.1 else outer


@pytest.mark.parametrize("seed", range(4))
def test_wrapped_records_count_as_single_ones_do(tmp_path, matcher, seed):
    """Docker's wrapper says when a record was received, and when it was if that says nothing; also one in another."""
    r = random.Random(seed)
    inner = [line.decode("utf-8", "replace") for line in mixture(seed, 500).splitlines()]
    inner += (
        [json.dumps(sparse(r)) for _ in range(300)] + [line.decode("latin-1") for line in HOSTILE] + ["", " ", "\ud800"]
    )
    file = written(tmp_path, "\n".join(["one", *(wrapped(r, line) for line in inner)]).encode())
    assert shown(one_by_one(file, matcher)) == shown(measure(file, NOW, matcher, lambda _: None))


def test_fields_without_end_stay_linear_and_right(tmp_path, matcher):
    """A hostile file of which each line has telling fields that no other has is taken in small parts."""
    lines = [
        json.dumps({f"meta_{at}": {f"password_{at}": "***"}, f"x{at}": {"status": at % 600}, "user": "u"})
        for at in range(2500)
    ]
    plain = [json.dumps({"time": "2026-10-05T10:00:00Z", "level": "info", "status": at}) for at in range(50)]
    file = written(tmp_path, "\n".join(["one", *lines, *plain]).encode())
    plan = Plan("json", matcher.rules("json"), wrapped=False)
    for at, line in enumerate(lines):
        plan.add(at, json.loads(line))
    parts = list(plan.parts())
    assert len(parts) > 10
    assert list(range(2500)) == [place for part in parts for place in part.places]
    assert shown(one_by_one(file, matcher)) == shown(measure(file, NOW, matcher, lambda _: None))


def test_the_format_that_fitted_last_is_known_between_lines_by_the_thousand(tmp_path, matcher, monkeypatch):
    """A line that fits two formats is of the one before it, be that a line by stencil or one by the reader."""
    monkeypatch.setattr(reading, "BLOCK", 4096)
    dated, either = "2026-10-05 10:00:00 INFO main: hello", "2026-10-05T10:00:00Z INFO main: hello"
    syslog = "<34>Oct  5 10:00:00 host app: a=1 b=2 c=3"
    lines = [dated] * 200 + [syslog, either, dated, either] * 100 + [dated] * 200 + [syslog, dated, either] * 100
    file = written(tmp_path, "\n".join(lines).encode())
    single = one_by_one(file, matcher)
    assert {"text": 800, "syslog": 300} == dict(single.shapes)
    assert shown(single) == shown(measure(file, NOW, matcher, lambda _: None))


def test_times_of_each_form_are_read_as_single_ones():
    """By their parts: several forms and none in one column, impossible ones, missing ones, and numbers of all units."""
    r = random.Random(5)
    forms = (
        lambda: f"{r.randrange(34):02}/{r.choice(('Oct', 'Feb', 'Nov', 'Xyz'))}/2026:{r.randrange(25):02}:11:{r.randrange(62):02}{r.choice((' +0200', '', ' -0730', ' +9900', '+0200', ' +0000 '))}",
        lambda: f"{r.choice(('Oct', 'Feb', 'Dec', 'Xyz'))} {r.randrange(1, 32):2} 10:{r.randrange(61):02}:{r.randrange(61):02}{r.choice(('', '', ' ', 'Z'))}",
        lambda: f"2026{r.choice('-/')}10{r.choice('-/')}{r.randrange(33):02}{r.choice('T t')}10:00:{r.randrange(61):02}{r.choice(('', '.5', ',123', 'Z', ' UTC', '+02:00', '.1234567890123456789012345'))}",
        lambda: r.choice((None, "", "never", "[2026-10-05 10:00:00]", "1790000000", "x" * 50, True)),
    )  # fmt: skip
    numbers = (0, 999_999, 1_790_000_000, 1_790_000_000.5, 1_790_000_000_123, 1_790_000_000_123_456, 10**19, 10**25, -1, float("inf"), float("nan"))  # fmt: skip
    columns = [[forms[at % 4]() for _ in range(300)] for at in range(8)]
    columns += [[r.choice(forms)() for _ in range(300)] for _ in range(4)]
    columns += [[r.choice(forms[:3])() for _ in range(8)] * 9 for _ in range(4)]
    columns += [r.choices(r.sample(numbers, 2), k=9) for _ in range(60)] + [
        [None],
        [],
        [None, 1_790_000_000_123],
        [True, 1_790_000_000],
    ]
    for values in columns:
        single = [instant(value, NOW) for value in values]
        assert ([one and one.at for one in single], sum(one.zoned for one in single if one)) == stamps(values, NOW)


ODD = ("", " ", "=", '"', "'", ",", "\\", "a=", '="', '" ', "b=1", "\t", "\n", "\x1c", "\x85", "é=2", "[", "] ", ' "-"', "x" * 70, "{", ".5 ")  # fmt: skip


@pytest.mark.parametrize(
    "sample",
    [
        'ts=2026-10-05T10:00:00Z level=info msg="all done" q="" e= a.b=c d@x=- _=7', "a=1 plain words b=2 1c=3 c=4=5",
        'v.host:443 10.0.0.1 - bob [05/Oct/2026:10:00:00 +0000] "GET /x HTTP/1.1" 401 12 "-" "curl" cookie="-" a="b c"',
        '10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 - "r" "curl" "-" "-" 1.872 463585fd',
        '10.0.0.1 - - [05/Oct/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 5 "-" "x" 0.5 z',
    ],
)  # fmt: skip
def test_plain_ways_to_read_text_agree_with_the_patterns(monkeypatch, sample):
    """Whatever is put into a line or taken out: the quick way gives what the pattern gives, or leaves it to that."""
    r = random.Random(sample)
    lines, plain = [sample], 0
    for _ in range(1500):
        line = sample
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(line) + 1)
            line = line[:at] + r.choice(ODD) + line[at + r.randrange(3) :]
        lines.append(line)
    quick = [repr((text.access(line), text.pairs(line))) for line in lines]
    plain += sum(text._plain_pairs(line) is not None or text._plain_access(line) is not None for line in lines)
    monkeypatch.setattr(text, "_plain_access", lambda _: None)
    monkeypatch.setattr(text, "_plain_pairs", lambda _: None)
    assert quick == [repr((text.access(line), text.pairs(line))) for line in lines]
    assert plain > 100


@pytest.mark.parametrize(
    "inner", ['{"a"=>1}', "{a: 1}", '{ "a" : 1}', "{}", "{ }", '{"a\\"":1}', '{"a', '{"a" 1}', '{\t\n"a"\r:2}']
)
def test_what_cannot_be_an_object_is_not_read_as_one(inner):
    """A message that ends with a brace is looked through for JSON only where it may be some."""
    [record] = Parser(NOW).records(f"2026-10-05 10:00:00 INFO x {inner}".encode())
    try:
        expected = json.loads(inner)
    except ValueError:
        expected = {}
    assert expected == {
        name: value for name, value in record.fields.items() if name not in ("time", "level", "message")
    }


def test_many_texts_are_counted_as_one_after_another():
    """The smallest hashes are kept, whether they come at once or one by one."""
    texts = [f"t{at % 5000}" for at in range(9000)]
    one, many, parts = Distinct(), Distinct(), Distinct()
    for at in texts:
        one.add(at)
    many.update(set(texts))
    for at in range(0, len(texts), 97):
        parts.update(texts[at : at + 97])
    assert one._kept == many._kept == parts._kept
    assert sorted(one._heap) == sorted(many._heap) == sorted(parts._heap)
