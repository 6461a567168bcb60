"""Colours and marks of a wire in the midst of lines: taken out before anything looks, with places as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc2ev.logs.colours import plain
from soc2ev.logs.leaks import Scanner
from soc2ev.logs.reading import Block, whole_lines

LINE = "{0}36mpassword{0}0m={0}35mhunter2x9{0}0m {0}1mAuthorization: Bearer a1b2c3d4e5f6{0}0m"
ESCAPES = ("\x1b[", "\\u001b[", "\\u001B[", "\\x1b[", "\\x1B[", "\\033[", "\\e[", "#033[", "^[[", "[", "\\\\u001b[")


def told(line: bytes) -> list[tuple[str, bytes]]:
    """(kind, what stands at its place) of the leaks of a line, which both ways of scanning give alike."""
    found = [(leak.kind, leak.start, leak.end) for leak in Scanner(b"key").scan(line)]
    block = b"first\n" + line + b"\nlast\n"
    assert [(2, *one) for one in found] == [
        (at, leak.kind, leak.start, leak.end) for at, leak in Scanner(b"key").scan_block(block)
    ]
    return [(kind, line[start:end]) for kind, start, end in found]


@pytest.mark.parametrize("escape", ESCAPES)
def test_names_and_values_are_found_between_colours(escape):
    """However the escape is written, and also where a collector dropped it; the place is that in the coloured line."""
    assert [("password", b"hunter2x9"), ("auth_header", b"Bearer a1b2c3d4e5f6")] == told(LINE.format(escape).encode())


def test_colours_within_a_value_are_no_part_of_it():
    """Its fingerprint is that of the plain value."""
    scanner = Scanner(b"key")
    (one,) = scanner.scan(b"password=hunt\x1b[1mer2x9\x1b[0m")
    (other,) = scanner.scan(b"password=hunter2x9")
    assert other.fingerprint == one.fingerprint


def test_colours_in_json_are_found_with_their_path():
    """As Docker writes what a console writer printed."""
    line = json.dumps({"log": "\x1b[36mpassword=\x1b[0mhunter2x9\n", "stream": "stdout"})
    ((_, leak),) = Scanner(b"key").scan_block(line.encode() + b"\n")
    assert ("$.log.password", "hunter2x9") == (leak.field, line[leak.start : leak.end])


def test_line_ends_of_a_wire_log_are_no_part_of_a_header():
    """Apache's HttpClient writes carriage return and line feed in brackets."""
    line = rb'http-outgoing-0 >> "Authorization: Bearer a1b2c3d4e5f6[\r][\n]"'
    assert [("auth_header", b"Bearer a1b2c3d4e5f6")] == told(line)
    assert [("personal_data", b"1997-02-19")] == told(rb'http-outgoing-0 >> "dateOfBirth: 1997-02-19[\r][\n]"')


@pytest.mark.parametrize(
    "line",
    [
        b"\x1b[36mpassword\x1b[0m=\x1b[35m********\x1b[0m",
        b"\x1b[31mpassword\x1b[0m is required \x1b[2mtoken\x1b[0m expired",
        b"level=info rows[0] a[0m] [main] [36] x1b[ 0x1b",
    ],
)
def test_coloured_look_alikes_stay_clean(line):
    """Masks between colours, messages in colours, brackets that are no colours."""
    assert [] == told(line)


@pytest.mark.parametrize("line", [b'{"a":"b"}', b"[main] x[0] y=1b", b"\\server\\share [1m rows", b"a[0] b[10m]"])
def test_what_has_no_colours_is_left_alone(line):
    """None tells that the text is to be taken as it is."""
    assert plain(line) is None


def test_places_are_told_for_every_byte():
    """Each byte of the plain text is the one at its place in the coloured text."""
    coloured = LINE.format("\x1b[").encode() + b"\n" + LINE.format("\\u001b[").encode()
    clear = plain(coloured)
    assert clear is not None
    assert clear.data == bytes(coloured[clear.place(at)] for at in range(len(clear.data)))
    assert len(coloured) == clear.place(len(clear.data))


def test_colours_within_colours_end():
    """What is left when a mark was taken out is not looked at again, however deeply somebody nested it."""
    assert plain(b"\x1b[" * 50_000 + b"m" * 50_000) is not None
    assert [] == list(Scanner(b"key").scan(b"\x1b[" * 2_000 + b"m" * 2_000))


def test_records_are_read_without_colours():
    """The lines that are counted, whatever their format, have none either; each line stays one."""
    data = b"\x1b[36mlevel=\x1b[0minfo \x1b[36mmsg=\x1b[0mlogin\nlevel=info\n"
    assert (0, [b"level=info msg=login", b"level=info"]) == whole_lines(Block(Path("a.log"), 1, data))


def test_large_texts_are_remembered_by_what_they_are():
    """Asked again the answer is the same one; another text of the same length has its own."""
    first, second = b"\x1b[0m" + b"a" * 20_000, b"\x1b[1m" + b"b" * 20_000
    assert plain(first) is plain(first)
    assert [b"a" * 20_000, b"b" * 20_000] == [clear.data for clear in map(plain, (first, second)) if clear]
