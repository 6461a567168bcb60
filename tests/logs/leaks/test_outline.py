"""Shortcuts of the leak scan on ordinary lines: by their outline, and words that the sieve knows to promise nothing."""

from __future__ import annotations

import json
import random
import re

import pytest

from soc2ev.logs.leaks import Scanner, outline
from soc2ev.logs.leaks.near import _walked
from soc2ev.logs.leaks.outline import telling_leaves
from soc2ev.logs.leaks.sieve import Sieve, _occurrences
from soc2ev.logs.leaks.walk import leaves
from soc2ev.logs.leaks.words import _TELLING, _WITHIN, Words
from tests.logs.leaks.test_near import KEYS, ODD, same, some

PAIRS = (
    '{"attributes":[{"key":"%s","value":{"stringValue":"%s"}},{"key":"n","value":{"intValue":"7"}}]}',
    '{"headers":[["%s","%s"],["x","y"]]}',
    '{"args":["run","--%s","%s"],"n":1}',
    '{"a":{"name":"%s","value":"%s"},"b":[1,"x",{"value":2}]}',
    '{"cookies":{"%s":"%s"},"kty":"EC","d":"x"}',
    '{"%s":["a","%s"],"v":null}',
)
BREAKS = ['"', "\\", "{", "}", "[", "]", ",", ":", " ", "%", "\0", '\\"', '"",', "x", ""]


def seen(leaf):
    """What the second stage may ask of a leaf."""
    frame = leaf.frame
    return (leaf.path, leaf.name, leaf.key, leaf.start, leaf.end, leaf.raw, leaf.quoted, frame.key, frame.array, frame.naming, *frame.names)  # fmt: skip


def differs(text: str, r: random.Random) -> bool:
    """Whether the outline gives other leaves of the text than walking it; a text without outline differs in nothing."""
    places, key = sorted(r.randrange(len(text) + 2) for _ in range(r.randrange(3))), r.choice(["", "auth"])
    found = telling_leaves(text, "$", key, places)
    return found is not None and list(map(seen, found)) != list(map(seen, _walked(text, "$", key, places)))


@pytest.mark.parametrize("seed", range(3))
def test_an_outline_gives_the_leaves_that_walking_gives(seed):
    """Whole, cut and broken JSON of any nesting, one after the other, so that outlines are lent again and again."""
    r = random.Random(seed)
    for _ in range(700):
        line = json.dumps({r.choice(KEYS): some(r, list(ODD)) for _ in range(r.randrange(1, 6))})
        at = r.randrange(len(line))
        for one in (line, line, line[:at], line[:at] + r.choice(BREAKS) + line[at + r.randrange(3) :]):
            assert not differs(one, r), one


@pytest.mark.parametrize("form", PAIRS)
def test_names_that_are_values_are_asked_of_each_line(form):
    """Lines of one outline whose pairs and lists name something else each time give the leaks of their own names."""
    r = random.Random(1)
    for name in ("note", "password", "x", "authorization", "token", "--", "sid", "a b", "db_password"):
        line = form % (name, "s3cr3tPw" + str(r.randrange(9)))
        assert same(line), line
        assert not differs(line, r), line


def test_lines_of_one_outline_are_walked_once(monkeypatch):
    """Of a thousand lines that differ only in their values one is walked."""
    walked = []
    monkeypatch.setattr(outline, "leaves", lambda *given: walked.append(given) or leaves(*given))
    monkeypatch.setattr(outline, "_outlines", {})
    for n in range(1000):
        telling_leaves(f'{{"level":"info","n":{n},"of a new outline":"{n * 7}"}}', "$", "", ())
    assert len([given for given in walked if len(given) == 3]) == 1


def test_outlines_are_bounded(monkeypatch):
    """Keys that an enemy makes up do not fill the memory."""
    monkeypatch.setattr(outline, "_outlines", {})
    monkeypatch.setattr(outline, "_MOST_OUTLINES", 10)
    for n in range(100):
        telling_leaves(f'{{"k{n}":"v"}}', "$", "", ())
    assert len(outline._outlines) <= 10


@pytest.mark.parametrize(
    "line",
    [
        '{"identity":{"accessKey":null}}',
        '{"password": null, "n":1}',
        'GET / 200 authorization="-" cookie="-"',
        '"X-Amzn-Trace-Id":"Root=1-62efff58-4da3f904984b91c1d2908f23"',
        "GET /oauth/token?page=2&per_page=50 HTTP/1.1",
        '"POST /oauth/token HTTP/1.1" 200 512',
        "DELETE /oauth/token -> 204 in 45ms",
        "path=/oauth/token format=html",
        "npm warn deprecated glob@7.2.0: Glob versions",
    ],
)
def test_the_sieve_refuses_names_with_nothing_in_them(line):
    """A field without a value, the path of a request and the version of a package choose no line."""
    assert Sieve().lines(line.encode()) == []
    assert same(line)


@pytest.mark.parametrize(
    "line",
    [
        'password="-hunter2x"',
        '{"password":"null1234"}',
        "token=a1b2c3d4e5f6a7b8",
        "/oauth/token?access_token=a1b2c3d4e5f6a7b8",
        "/token = a1b2c3d4e5f6a7b8",
        "X-Amz-Security-Token: a1b2C3d4e5f6a7b8",
        "mail to ann@7up.com now",
        "postgres://svc:s3cr3tpw@10.2.3.4:5432/x",
        "key=3dbfb2f9d519f1413c7ffaf29deea3de-us3&attempt=5",
        "Incorrect API key provided: 00cf87cf249dab1eb91aa1e32495f82d-us2.",
    ],
)
def test_what_is_like_them_and_leaks_is_found(line):
    """The same signs with a value behind them choose the line."""
    assert same(line)
    assert list(Scanner(b"key").scan_block(line.encode()))


@pytest.mark.parametrize("seed", range(2))
def test_refusals_beside_anything_give_the_same_both_ways(seed):
    """What is refused, put together with names, values and marks, changes nothing of what is found."""
    r = random.Random(seed)
    refused = [
        'authorization="-"', 'cookie="-"', '"accessKey":null,', '"password":null}', "/oauth/token?a=1", "/token HTTP/1.1", "/token -> 204",
        "/token format=html", "X-Amzn-Trace-Id", "glob@7.2.0:", "@10.2.3.4:", "token", "-us3", "0af7651916cd43dd8448eb211c80319c", '"-"', "null",
    ]  # fmt: skip
    for _ in range(3000):
        line = " ".join(
            r.choice([*refused, *refused, *ODD, *KEYS, "=", ":", '"', " ", "/"]) for _ in range(r.randrange(1, 9))
        )
        assert same(line), line


@pytest.mark.parametrize("few", [0, 3])
def test_words_are_found_at_each_place_whether_few_or_many(monkeypatch, few):
    """Searching for many words at once finds each occurrence, as searching for one after the other does."""
    r = random.Random(few)
    words = ["a", "b-c", "_", "ab", "abc", "--", "token"]
    for _ in range(300):
        listed = [r.choice(words) for _ in range(r.randrange(30))]
        folded = b" " + b"".join(word.encode() + b" " * r.randrange(1, 3) for word in listed)
        wanted = {word.encode() for word in r.sample(words, r.randrange(1, 7))}
        monkeypatch.setattr("soc2ev.logs.leaks.sieve._FEW_WORDS", few)
        expected, place = [], 0
        for word in folded.split():
            place = folded.index(b" " + word + b" ", place)
            expected += [(place, word)] * (word in wanted)
            place += 1
        assert expected == sorted(_occurrences(folded, folded.split(), wanted))


def test_a_key_id_that_names_who_signed_is_none_of_a_leak():
    """CloudTrail's id of a key counts elsewhere, and its place counts for nothing but an id."""
    key = "ASIAQ3EGRX2LBNQ5T7WM"
    found = {
        line: [(one.kind, one.field) for _, one in Scanner(b"key").scan_block(line.encode())]
        for line in (
            f'{{"userIdentity":{{"accessKeyId":"{key}"}}}}',
            f'{{"userIdentity":{{"note":"{key}"}}}}',
            f'{{"userIdentity":{{"accessKeyId":"{key} ann@acme.io"}}}}',
        )
    }
    assert [[], [("api_key", "$.userIdentity.note")], [("email", "$.userIdentity.accessKeyId")]] == list(found.values())


def test_words_that_tell_are_learnt_as_one_search_for_all_signs_finds_them():
    """Whatever stands before and behind a sign, alone or with other letters, and words of random letters."""
    r = random.Random(7)
    signs = (
        re.sub(r"\[([^\]])[^\]]*\]", r"\1", _WITHIN).replace("(?:", "(").replace("(", "").replace(")", "").split("|")
    )
    words = {
        r.choice(["", "x", "q-", "z_", "xy"]) + sign + r.choice(["", "w", "-z", "_q"])
        for sign in signs
        for _ in range(9)
    }
    words |= {"".join(r.choices("abcdefghijklmnopqrstuvwxyz_-", k=r.randrange(1, 12))) for _ in range(20_000)}
    words |= {
        start + rest for start in ("eyj", "sk", "hvs", "-key-", "bearer", "basic", "curl") for rest in ("", "x", "-y")
    }
    told = Words()
    told.learn({word.encode() for word in words})
    telling = {word.encode() for word in words if _TELLING.search(word) and re.search("[g-z]", word)}
    assert telling <= told.strong.keys()
    assert all(
        tuple((one.start(), one.group().encode()) for one in _TELLING.finditer(word.decode())) == told.strong[word]
        for word in telling
    )
