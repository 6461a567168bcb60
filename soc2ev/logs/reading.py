"""
Log files as a stream of blocks of whole lines, in bounded memory, with everything that was not read as stated problems.

Plain text, gzip (RFC 1952, also of several members) and zstd where a library is there; UTF-16 becomes UTF-8.
A CloudTrail file (`{"Records": [...]}`) comes record by record.
"""

from __future__ import annotations

import codecs
import json
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from soc2ev.errors import CollectError
from soc2ev.logs.colours import plain

BLOCK = 128 << 10
LONGEST_LINE = 1 << 20
OVERLAP = 8 << 10
_OPENING = 64
"""Bytes in which `{"Records": [` shows itself."""
LARGEST = 64 << 30
"""Inflated bytes of one file after which we stop."""
HIGHEST_RATIO = 1000
"""Inflated bytes for each byte read; text stays far below (deflate itself ends at 1032), bombs do not."""
_RATIO_FROM = 256 << 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not read, or not to its end."""

    file: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file, a window of a line that is too long, or one record of a CloudTrail file."""

    file: Path
    line: int
    """Physical number of the first line, from 1."""
    data: bytes
    root: str = "$"
    window: int = 0
    """Bytes at the beginning that the previous window had already."""
    cut: bool = False
    """The line goes on in the next window."""
    record: bool = False
    """One record, which may stretch over several lines."""


Told = Callable[[Problem], None]


def files(paths: Iterable[str | Path], told: Told) -> Iterator[Path]:
    """
    The regular files of paths, folders and globs, each once, in order of name within a folder.

    Links out of a named folder are not followed; devices, pipes and sockets are refused; each is told.
    CollectError when a path or glob names nothing.
    """
    seen: set[Path] = set()
    for path in paths:
        for file in _named(Path(path), told):
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield file


def _named(path: Path, told: Told) -> Iterator[Path]:
    if path.is_dir():
        yield from _below(path, told)
        return
    found = [path] if path.exists() else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    if not found:
        raise CollectError(f"there is no {path}; nothing of it was read", hint="name a file, a folder or a pattern")
    for file in found:
        if file.is_dir():
            yield from _below(file, told)
        elif _regular(file, told):
            yield file


def _below(folder: Path, told: Told) -> Iterator[Path]:
    root = folder.resolve()
    try:
        entries = sorted(folder.rglob("*"))
    except OSError as problem:
        told(Problem(folder, f"the folder cannot be listed ({problem.strerror})"))
        return
    for entry in entries:
        if entry.is_symlink() and not entry.resolve().is_relative_to(root):
            told(Problem(entry, "a link that leads out of the folder is not followed"))
        elif not entry.is_dir() and _regular(entry, told):
            yield entry


def _regular(file: Path, told: Told) -> bool:
    try:
        mode = file.stat().st_mode
    except OSError as problem:
        told(Problem(file, f"cannot be opened ({problem.strerror})"))
        return False
    if not stat.S_ISREG(mode):
        told(Problem(file, "no regular file: pipes, sockets and devices are not read"))
    return stat.S_ISREG(mode)


def blocks(file: Path, told: Told) -> Iterator[Block]:
    """
    The file's blocks in order; whatever stops the reading early is told, and what came before it is given.

    Lines over 1 MiB come as windows that overlap, so that nothing at a seam is missed.
    """
    try:
        with file.open("rb") as stream:
            yield from _shaped(file, _text(_inflated(file, stream, told)), told)
    except OSError as problem:
        told(Problem(file, f"cannot be read to its end ({problem.strerror})"))


def lines(file: Path, told: Told) -> Iterator[tuple[Path, int, bytes]]:
    """(file, physical line number, bytes without line end) of every line; one over 1 MiB comes in several windows."""
    for block in blocks(file, told):
        rows = [block.data] if block.record else block.data.removesuffix(b"\n").split(b"\n")
        for offset, row in enumerate(rows):
            yield file, block.line + offset, row.removesuffix(b"\r")


def whole_lines(block: Block) -> tuple[int, list[bytes]]:
    """How many lines of a block are too long for a record (each counts once), and the others, without colours."""
    clear = plain(block.data)
    rows = (clear.data if clear else block.data).removesuffix(b"\n").split(b"\n")
    if not block.window and not block.cut:
        return 0, rows
    # Of a line over 1 MiB the last window may have whole lines behind it.
    return 0 if block.window else 1, [] if block.cut else rows[1:]


def _inflated(file: Path, stream: BinaryIO, told: Told) -> Iterator[bytes]:
    magic = stream.read(4)
    stream.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return _gunzip(file, stream, told)
    if magic == b"\x28\xb5\x2f\xfd":
        return _unzstd(file, stream, told)
    return iter(lambda: stream.read(BLOCK), b"")


def _gunzip(file: Path, stream: BinaryIO, told: Told) -> Iterator[bytes]:
    """Member after member; a missing end, damage and bombs are told. Zeros after the end are tape padding (gzip(1))."""
    inflater, read, made, pending = zlib.decompressobj(31), 0, 0, b""
    try:
        while data := pending or stream.read(BLOCK):
            read += 0 if pending else len(data)
            if inflater.eof:
                data = data.lstrip(b"\0")
                if data and not data.startswith(b"\x1f"):
                    told(Problem(file, "bytes after the end of the gzip data were not read"))
                    return
                if not data:
                    pending = b""
                    continue
                inflater = zlib.decompressobj(31)
            out = inflater.decompress(data, BLOCK)
            pending = inflater.unconsumed_tail or inflater.unused_data
            made += len(out)
            yield out
            if made > LARGEST or (made > _RATIO_FROM and made > read * HIGHEST_RATIO):
                told(Problem(file, f"stopped after {made} inflated bytes out of {read}: this looks like a gzip bomb"))
                return
    except zlib.error as problem:
        told(Problem(file, f"the gzip data is damaged after {made} inflated bytes ({problem})"))
        return
    if not inflater.eof:
        told(Problem(file, f"the gzip data ends too early, after {made} inflated bytes: the rest is missing"))


def _unzstd(file: Path, stream: BinaryIO, told: Told) -> Iterator[bytes]:
    library = _zstd()
    if library is None:
        told(Problem(file, "zstd data needs the Python package zstandard; nothing of this file was read"))
        return
    made = 0
    try:
        with library.ZstdDecompressor().stream_reader(stream, read_across_frames=True) as reader:
            while out := reader.read(BLOCK):
                made += len(out)
                yield out
    except library.ZstdError as problem:
        told(Problem(file, f"the zstd data is damaged after {made} bytes ({problem})"))


def _zstd() -> Any | None:
    try:
        return import_module("zstandard")
    except ImportError:
        return None


def _text(parts: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-16 with its mark becomes UTF-8, the mark of UTF-8 goes; everything else stays as it is."""
    first = next((part for part in parts if part), b"")
    if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        yield decoder.decode(first).encode("utf-8", "replace")
        yield from (decoder.decode(part).encode("utf-8", "replace") for part in parts)
    else:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from parts


_RECORDS = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[')


def _shaped(file: Path, parts: Iterator[bytes], told: Told) -> Iterator[Block]:
    first = b""
    for part in parts:
        first += part
        if len(first) >= _OPENING:
            break
    opening = _RECORDS.match(first)
    if opening:
        return _records(file, first, opening.end(), parts, told)
    return _rows(file, first, parts)


def _rows(file: Path, first: bytes, parts: Iterator[bytes], line: int = 1) -> Iterator[Block]:
    """Blocks that end with a line end; a line that does not end for 1 MiB is cut into windows."""
    held, window = first, 0
    for part in parts:
        held += part
        end = held.rfind(b"\n") + 1
        if end:
            yield Block(file, line, held[:end], window=window)
            line += held.count(b"\n", 0, end)
            held, window = held[end:], 0
        elif len(held) > LONGEST_LINE:
            yield Block(file, line, held, window=window, cut=True)
            held, window = held[-OVERLAP:], OVERLAP
    if held:
        yield Block(file, line, held, window=window)


def _records(file: Path, first: bytes, start: int, parts: Iterator[bytes], told: Told) -> Iterator[Block]:
    """One block for each element of `Records`; a record that never ends comes as it is, and the cut is told."""
    decoder, index = json.JSONDecoder(), 0
    line = 1 + first.count(b"\n", 0, start)
    held = first[start:].decode("latin-1")
    while True:
        plain = held.lstrip(" \t\r\n,")
        line += held.count("\n", 0, len(held) - len(plain))
        held = plain
        if held.startswith("]"):
            break
        try:
            _, end = decoder.raw_decode(held)
        except (ValueError, RecursionError):
            more = next(parts, b"")
            if more and len(held) < 32 * LONGEST_LINE:
                held += more.decode("latin-1")
                continue
            told(Problem(file, f"record {index} does not end: the file is cut or broken"))
            yield from _rows(file, held.encode("latin-1"), parts, line)
            return
        yield Block(file, line, held[:end].encode("latin-1"), f"$.Records[{index}]", record=True)
        line += held.count("\n", 0, end)
        held, index = held[end:], index + 1
