"""Values in another spelling: what is unwrapped, where it lies, and that nothing is told twice."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from soc2ev.logs.leaks import Scanner
from soc2ev.logs.leaks.wrapped import wrapped


def leaks(line: str) -> list[tuple[str, str]]:
    """(kind, field) of one line."""
    return [(leak.kind, leak.field) for leak in Scanner(b"key").scan(line.encode())]


BODY = json.dumps({"user": "kim", "password": "Tr0ub4dor"})


@pytest.mark.parametrize(
    ("text", "key", "plain"),
    [
        (f"GET /x?body={quote(BODY, safe='')}&n=1", "body", BODY),
        (f"msg={json.dumps(BODY)} n=1", "msg", BODY),
        ('1,"' + BODY.replace('"', '""') + '",2', "", BODY),
        ('hdr="' + BODY.replace('"', "\\x22") + '"', "hdr", BODY),
        (f"saved body={BODY} in 3 ms", "body", None),
    ],
)
def test_every_spelling_is_unwrapped_with_the_key_that_it_stands_under(text, key, plain):
    """Percent-encoded, quoted with escapes, a CSV's cell, nginx's bytes, and JSON in a sentence, which stays as it is."""
    assert [(key, plain)] == [(part.key, part.plain) for part in wrapped(text)]
    assert ["password"] == [kind for kind, _ in leaks(text)]


def test_templates_and_cut_json():
    """Double braces are no JSON; JSON that is cut ends with its text."""
    assert [] == wrapped("password={{ vault_password }} left")
    (part,) = wrapped('saved {"user": "kim", "password": "Tr0')
    assert (6, 38) == (part.start, part.end)


def test_the_outermost_wrapping_is_taken_first():
    """What lies within another wrapping is found when that one is unwrapped, and told once."""
    inner = quote("https://app.acme.io/cb?email=" + quote("kim@acme.io", safe=""), safe="")
    assert [("email", "next")] == leaks(f"GET /go?next={inner} HTTP/1.1")
    assert 1 == len(wrapped(f"GET /go?next={inner} HTTP/1.1"))


def test_a_secret_that_both_spellings_show_is_told_once_with_its_plain_fingerprint():
    """The encoded value and the value have one leak, and the fingerprint is that of the value."""
    (plain,) = Scanner(b"key").scan(b'{"password":"Tr0ub+4dor"}')
    (encoded,) = Scanner(b"key").scan(b"GET /x?password=Tr0ub%2B4dor HTTP/1.1")
    assert plain.fingerprint == encoded.fingerprint


def test_two_secrets_in_one_wrapping_are_both_told():
    """Different values of one kind, and of different kinds, all stay."""
    body = json.dumps({"to": ["ann@acme.io", "kim@acme.io"], "password": "Tr0ub4dor"})
    assert ["email", "email", "password"] == sorted(
        kind for kind, _ in leaks(f"GET /x?b={quote(body, safe='')} HTTP/1.1")
    )


def test_json_in_a_sentence_has_exact_places_and_paths():
    """Nothing was decoded, so a leak spans the value alone."""
    line = b'env=[{"name":"DB_PASSWORD","value":"Spring2025?"}] ok'
    (leak,) = Scanner(b"key").scan(line)
    assert b"Spring2025?" == line[leak.start : leak.end]
    assert "env[0].value" == leak.field
