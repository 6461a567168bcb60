"""One spelling for every line: what can be recorded, and what is no line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc2ev.errors import VaultError
from soc2ev.vault.journal import MAX_LINE, decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=4))
def test_what_is_recorded_is_read_back(fields):
    """Every value of JSON without floats survives, in one line and one spelling."""
    raw = encode(fields)
    assert b"\n" not in raw
    assert fields == decode(raw)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1.5, "float"),
        (float("nan"), "float"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({1: 2}, "key"),
        (b"bytes", "bytes"),
        ("x" * MAX_LINE, "65535"),
    ],
)
def test_what_has_no_single_spelling_is_refused(value, says):
    """Floats, half surrogate pairs, other types and long lines are refused before anything is written."""
    with pytest.raises(VaultError, match=says):
        encode({"value": value})


def test_nesting_without_end_is_refused():
    """Deep data of a hostile source ends in an error of ours, writing and reading."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(VaultError, match="nested"):
        encode({"value": deep})
    with pytest.raises(ValueError, match="nested"):
        decode(b"[" * 60_000 + b"]" * 60_000)


def test_a_line_may_have_65535_bytes_and_no_more():
    """The limit is that of the length prefix of a tlog-tiles entry."""
    room = MAX_LINE - len(encode({"v": ""}))
    assert MAX_LINE == len(encode({"v": "x" * room}))
    with pytest.raises(VaultError):
        encode({"v": "x" * (room + 1)})


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":1}\r',
        b"[1]",
        b"",
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"9" * 5_000 + b"}",
    ],
)
def test_another_spelling_is_no_line(raw):
    """Valid JSON that we would write differently is refused, as is what is no JSON."""
    with pytest.raises(ValueError):
        decode(raw)


def test_keys_are_sorted_by_code_point():
    """The order does not depend on how a dictionary was filled."""
    assert encode({"b": 1, "a": {"d": 1, "c": 2}}) == encode({"a": {"c": 2, "d": 1}, "b": 1})
    assert {"a": {"c": 2, "d": 1}, "b": 1} == json.loads(encode({"b": 1, "a": {"d": 1, "c": 2}}))
