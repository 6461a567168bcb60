"""Log files as streams: what is read, what is refused, and that nothing is lost without a word."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from soc2ev.errors import CollectError
from soc2ev.logs.reading import LONGEST_LINE, Problem, blocks, files, lines


def read(file: Path) -> tuple[list[tuple[int, bytes]], list[str]]:
    """The lines with their numbers, and the reasons of what was told."""
    told: list[Problem] = []
    return [(number, row) for _, number, row in lines(file, told.append)], [problem.reason for problem in told]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(1, b"a"), (2, b"b")]),
        (b"a\n\nb\n", [(1, b"a"), (2, b""), (3, b"b")]),
        (b"\xff\x00\xfe\nb\n", [(1, b"\xff\x00\xfe"), (2, b"b")]),
        (b"\xef\xbb\xbfa\n", [(1, b"a")]),
        ("ä\nb\n".encode("utf-16"), [(1, "ä".encode()), (2, b"b")]),
        (b"", []),
    ],
)
def test_every_line_comes_with_its_physical_number(tmp_path, body, expected):
    """Line ends, marks and broken text do not change what a line is."""
    file = tmp_path / "a.log"
    file.write_bytes(body)
    assert (expected, []) == read(file)


def test_gzip_of_several_members_is_one_text(tmp_path):
    """Rotated files are appended to one another; all members are read."""
    file = tmp_path / "a.log.gz"
    file.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"o\nthree\n"))
    assert ([(1, b"one"), (2, b"two"), (3, b"three")], []) == read(file)


def test_a_gzip_file_cut_short_is_told(tmp_path):
    """What arrived before the cut is given, and the cut is stated."""
    file = tmp_path / "a.log.gz"
    file.write_bytes(gzip.compress(os.urandom(3000).hex().encode())[:-400])
    rows, reasons = read(file)
    assert 1 == len(rows)
    assert 1 == len(reasons)
    assert "ends too early" in reasons[0]


def test_damaged_gzip_is_told(tmp_path):
    """A wrong checksum is no end of file."""
    file = tmp_path / "a.log.gz"
    body = bytearray(gzip.compress(b"one\ntwo\n"))
    body[-6] ^= 255
    file.write_bytes(body)
    assert ["the gzip data is damaged"] == [reason[:24] for reason in read(file)[1]]


def test_bytes_behind_the_gzip_data_are_told(tmp_path):
    """Something that was appended without compression is not passed over in silence."""
    file = tmp_path / "a.log.gz"
    file.write_bytes(gzip.compress(b"one\n") + b"password=hunter2x\n")
    assert ([(1, b"one")], ["bytes after the end of the gzip data were not read"]) == read(file)


def test_a_gzip_bomb_stops_with_its_count(tmp_path, monkeypatch):
    """A file that inflates beyond the cap ends, and the reason says after how much."""
    monkeypatch.setattr("soc2ev.logs.reading.LARGEST", 1 << 20)
    file = tmp_path / "bomb.gz"
    file.write_bytes(gzip.compress(b"\n" * (8 << 20)))
    rows, reasons = read(file)
    assert len(rows) < 2 << 20
    assert ["this looks like a gzip bomb"] == [reason.rpartition(": ")[2] for reason in reasons]


def test_zstd_without_its_library_is_told(tmp_path, monkeypatch):
    """A format that cannot be read here is a stated problem."""
    monkeypatch.setattr("soc2ev.logs.reading._zstd", lambda: None)
    file = tmp_path / "a.zst"
    file.write_bytes(b"\x28\xb5\x2f\xfd\x00")
    rows, reasons = read(file)
    assert [] == rows
    assert ["zstd data needs the Python package zstandard; nothing of this file was read"] == reasons


def test_a_long_line_comes_in_windows_that_overlap(tmp_path):
    """A line over the cap is not skipped, and memory stays bounded."""
    file = tmp_path / "a.log"
    file.write_bytes(b"first\n" + b"x" * (3 * LONGEST_LINE) + b"END\nlast\n")
    made = list(blocks(file, lambda problem: pytest.fail(problem.reason)))
    assert all(len(block.data) < 2 * LONGEST_LINE for block in made)
    assert {1, 2} == {block.line for block in made}
    assert b"END\nlast\n" == made[-1].data[-9:]
    assert 3 * LONGEST_LINE + 3 + 12 == sum(len(block.data) - block.window for block in made)


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Forty megabytes pass through a few."""
    file = tmp_path / "a.log"
    with file.open("wb") as out:
        for _ in range(400):
            out.write(b"a line of a log that says nothing\n" * 3000)
    tracemalloc.start()
    count = sum(len(block.data) for block in blocks(file, lambda problem: pytest.fail(problem.reason)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file.stat().st_size == count
    assert peak < 4 << 20


def test_cloudtrail_comes_record_by_record(tmp_path):
    """Each record has its index and the line on which it begins."""
    file = tmp_path / "ct.json"
    file.write_text(
        json.dumps({"Records": [{"n": index, "t": "}]ä"} for index in range(3)]}, indent=1, ensure_ascii=False), "utf-8"
    )
    told: list[Problem] = []
    made = list(blocks(file, told.append))
    assert ([], ["$.Records[0]", "$.Records[1]", "$.Records[2]"], [3, 7, 11]) == (
        told,
        [b.root for b in made],
        [b.line for b in made],
    )
    assert [0, 1, 2] == [json.loads(block.data)["n"] for block in made]


def test_a_cut_cloudtrail_file_is_told(tmp_path):
    """The records before the cut are given, the rest comes as text, and the cut is stated."""
    file = tmp_path / "ct.json"
    file.write_bytes(b'{"Records":[{"a":1},{"password":"hun')
    told: list[Problem] = []
    assert [b'{"a":1}', b'{"password":"hun'] == [block.data for block in blocks(file, told.append)]
    assert ["record 1 does not end: the file is cut or broken"] == [problem.reason for problem in told]


def test_folders_globs_and_files_are_found_once(tmp_path):
    """A file that is named twice is read once."""
    (tmp_path / "sub").mkdir()
    for name in ("a.log", "sub/b.log"):
        (tmp_path / name).write_text("x")
    told: list[Problem] = []
    found = list(files([tmp_path, str(tmp_path / "*.log"), tmp_path / "a.log"], told.append))
    assert ([tmp_path / "a.log", tmp_path / "sub/b.log"], []) == (found, told)


def test_links_out_and_pipes_are_refused(tmp_path):
    """A folder of logs cannot make us read elsewhere or wait for ever."""
    outside = tmp_path / "outside.txt"
    outside.write_text("x")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "link.log").symlink_to(outside)
    os.mkfifo(folder / "pipe.log")
    told: list[Problem] = []
    assert [] == list(files([folder], told.append))
    assert [
        "a link that leads out of the folder is not followed",
        "no regular file: pipes, sockets and devices are not read",
    ] == [p.reason for p in told]


def test_a_path_that_names_nothing_is_an_error(tmp_path):
    """A misspelt path never looks like a clean log."""
    with pytest.raises(CollectError, match="there is no"):
        list(files([tmp_path / "nothing"], lambda problem: None))
