"""The strict YAML reader: what it refuses, what stays text, and where its complaints point."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from soc2ev import yamlfile
from soc2ev.errors import ConfigError


def data(text: str | bytes) -> object:
    return yamlfile.parse(text.encode() if isinstance(text, str) else text, "f.yaml").data


def refusal(text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        data(text)
    return caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "on",
        "yes",
        "off",
        "y",
        "n",
        "No",
        "TRUE",
        "True",
        "NULL",
        "010",
        "00",
        "0o7",
        "0x1F",
        "12:30",
        "12:30:45",
        "1.10",
        "1.0.0",
        ".5",
        "1.",
        "1e5",
        "1_000",
        ".inf",
        "NaN",
        "2026-10-01",
        "2026-10-01T10:00:00Z",
        "=",
        "<<",
    ],
)
def test_what_older_yaml_converts_stays_text(text: str) -> None:
    """Words, octals, times, dates, versions and exponents are the text that stands there."""
    assert {"a": text} == data(f"a: {text}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+5", 5),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("9" * 18, int("9" * 18)),
        ("9" * 19, "9" * 19),
        ("9" * 5000, "9" * 5000),
        ("9" * 400 + ".0", "9" * 400 + ".0"),
        ("0.12345678901234567890", "0.12345678901234567890"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        (">-\n  null\n", "null"),
    ],
)
def test_only_plain_numbers_and_three_words_are_converted(text: str, value: object) -> None:
    """true, false, null and decimals that come back as written are values; quoted and over-long ones are text."""
    found = data(f"a: {text}")
    assert {"a": value} == found
    assert type(value) is type(found["a"])


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "4:3", "stands here twice"),
        ("{a: 1, a: 2}", "1:8", "stands here twice"),
        ('1: a\n"1": b', "2:1", "stands here twice"),
        ("a: &x [1]\nb: *x\n", "2:4", "aliases"),
        ("&x a: *x", "1:7", "aliases"),
        ("a: &x {<<: *x}", "1:12", "aliases"),
        ("a: !!python/object/apply:os.system [id]", "1:4", "tags"),
        ("a: !!str 12", "1:4", "tags"),
        ("a: ! 12", "1:4", "tags"),
        ("a: !mine {b: 1}", "1:4", "tags"),
        ("!!set {a, b}", "1:1", "tags"),
        ("? [a]\n: b", "1:3", "a key is text"),
        ("? {a: 1}\n: b", "1:3", "a key is text"),
        ("a: 1\n---\nb: 2", "2:1", "another document"),
        ("a:\n\tb: 1", "2:1", "\\t"),
        ("a: [1, 2", "1:9", "expected"),
        ('a: "x', "1:6", "end of stream"),
        ("a: 1\nb: \0", "2:4", "special characters"),
        ("a: \x1b[31m", "1:4", "special characters"),
        ('a: "\\ud800"', "1:4", "cannot be written"),
        ('"\\udfff": 1', "1:1", "cannot be written"),
        ('a: "x\\0y"', "1:4", "cannot be written"),
        ("[" * 100_000, "1:61", "too deeply"),
        ("- " * 61 + "a", "1:121", "too deeply"),
    ],
)
def test_a_refusal_names_the_place(text: str, place: str, says: str) -> None:
    """What is not strict YAML is refused with file:line:column and the reason."""
    message = refusal(text)
    assert message.startswith(f"f.yaml:{place}: ")
    assert says in message


def test_an_escape_beyond_unicode_is_refused() -> None:
    """PyYAML lets a ValueError out of its own reader; here it is a complaint about the file."""
    assert refusal('a: "\\U00110000"').startswith("f.yaml: ")


def test_sixty_levels_are_read() -> None:
    """The limit on depth leaves room for what people write."""
    assert "1" in str(data("[" * 60 + "1" + "]" * 60))


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    """Latin-1 and UTF-16 are refused with the byte's position; a byte-order mark of UTF-8 is passed over."""
    assert "f.yaml: not UTF-8 at byte 3" == refusal(b"a: \xff")
    assert "f.yaml: not UTF-8 at byte 0" == refusal("a: 1".encode("utf-16"))
    assert {"a": 1} == data(b"\xef\xbb\xbfa: 1\r\n")


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    """More than four mebibytes are no configuration."""
    assert "larger than" in refusal(b"#" * (4 * 1024 * 1024 + 1))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file and a folder are complaints, with the name that was given."""
    with pytest.raises(ConfigError, match=r"^shown\.yaml: No such file"):
        yamlfile.read(tmp_path / "none.yaml", "shown.yaml")
    with pytest.raises(ConfigError, match="directory"):
        yamlfile.read(tmp_path)


def test_an_empty_file_says_nothing() -> None:
    """Nothing, a comment or an empty document is None."""
    assert [None] * 3 == [data(text) for text in ("", "# a\n", "---\n...\n")]


def test_places_of_nested_values() -> None:
    """A value in a mapping is found at its key, one in a list at itself, an unknown path at what is around it."""
    document = yamlfile.parse(b"a:\n  - b: 1\n  - c:\n      d: [x,\n        y]\n", "f.yaml")
    paths = [(), ("a",), ("a", 0), ("a", 0, "b"), ("a", 1, "c", "d"), ("a", 1, "c", "d", 1), ("a", 1, "z", 9)]
    expected = ["1:1", "1:1", "2:5", "2:5", "4:7", "5:9", "3:5"]
    assert [f"f.yaml:{place}" for place in expected] == [document.place(path) for path in paths]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    number: int = 0
    words: list[str] = []


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    inner: Inner = Inner()
    many: list[Inner] = []
    either: list[str] | None = None


def complaints(text: str, model: type[BaseModel] = Outer) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        yamlfile.parse(text.encode(), "f.yaml").validate(model)
    return caught.value.message.split("\n")


def test_a_complaint_names_place_key_and_a_suggestion() -> None:
    """Each wrong value gives a line of its own; a misspelt key gets the nearest key of the whole form."""
    found = complaints("inner:\n  numbr: 1\n  number: x\nmany:\n- words: [1]\nzzzz: 1\n")
    assert [
        "f.yaml:3:3: inner.number: Input should be a valid integer",
        "f.yaml:2:3: inner.numbr: unknown key; did you mean 'number'?",
        "f.yaml:5:11: many.0.words.0: Input should be a valid string",
        "f.yaml:6:1: zzzz: unknown key",
    ] == found


def test_text_in_place_of_a_mapping_is_a_complaint() -> None:
    """A file that is a list or a word is complained about at its beginning."""
    assert complaints("- 1")[0].startswith("f.yaml:1:1: file: ")


def test_complaints_are_capped() -> None:
    """Fifty complaints are shown and the rest is counted."""
    found = complaints("".join(f"k{at}: 1\n" for at in range(70)))
    assert 51 == len(found)
    assert "f.yaml: and 20 more" == found[-1]


def test_valid_data_is_the_model() -> None:
    """What fits comes back as the model."""
    assert Inner(number=3, words=["no"]) == yamlfile.parse(b"number: 3\nwords: [no]", "f.yaml").validate(Inner)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(st.sampled_from("ab:-?[]{}&*!|>'\"%@ \n\t#,01.\\x~<"), max_size=40), st.binary(max_size=30)))
def test_any_bytes_are_read_or_refused(text: str | bytes) -> None:
    """No input gets anything but a document or a ConfigError, and what is read can be written."""
    try:
        found = data(text)
    except ConfigError:
        return
    assert f"{found}" == f"{found}".encode().decode()
