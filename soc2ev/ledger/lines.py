"""
Lines of a ledger: how they are spelled, and how they are read back from the segments.

The spelling is the vault's, but for numbers: metadata may hold fractions, spelled in the shortest way that reads
back as the same number. The leaf of the tree is the bytes of the line without its line feed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from soc2ev.errors import ConfigError, TamperedError, VaultError
from soc2ev.vault.journal import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk

_CHUNK = 1 << 20
_NEAR = 1 << 18
_ORDER = (
    "action", "actor_email", "actor_id", "id", "log", "metadata", "prev", "recorded_at", "seq", "source", "target_id",
    "target_type", "timestamp", "type", "v",
)  # fmt: skip
_SEGMENT = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))(\.kept)?\.jsonl")
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse(text: str) -> Json:
    raise ValueError(f"{text} is no number of a ledger")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class Segment:
    """A month's file. `kept`: its events were dropped by retention, what remains is no event."""

    name: str
    month: str
    kept: bool


def spell(fields: Mapping[str, Json]) -> bytes:
    """The one spelling of a line without its line feed; ConfigError when it would be too long."""
    return _short_enough(_ENCODER.encode(fields).encode())


def assemble(spelled: Mapping[str, str]) -> bytes:
    """As `spell`, from the JSON text of each field of an event: what is spelled once need not be spelled again."""
    text = ",".join([f'"{name}":{spelled[name]}' for name in _ORDER if name in spelled])
    return _short_enough(f"{{{text}}}".encode())


def _short_enough(data: bytes) -> bytes:
    if len(data) > MAX_LINE:
        raise ConfigError(
            f"not an event: its line would have {len(data)} bytes, the limit is {MAX_LINE}",
            hint="nothing of it was appended; keep long values elsewhere and name their digest",
        )
    return data


def decode(raw: bytes) -> dict[str, Json]:
    """What the line says; ValueError unless it is spelled exactly as `spell` would."""
    try:
        data = _DECODER.decode(raw.decode("utf-8"))
        if not isinstance(data, dict) or _ENCODER.encode(data).encode() != raw:
            raise ValueError("not spelled as a ledger spells lines")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return data


def segments(disk: Disk) -> list[Segment]:
    """The segments, oldest first. Where a month has both files, the drop was interrupted and the whole one counts."""
    found: dict[str, Segment] = {}
    for entry in disk.entries("journal"):
        match = _SEGMENT.fullmatch(entry.name)
        if match and (match[1] not in found or found[match[1]].kept):
            found[match[1]] = Segment(f"journal/{entry.name}", match[1], kept=match[2] is not None)
    return [found[month] for month in sorted(found)]


def read(disk: Disk, name: str, offset: int = 0) -> Iterator[bytes]:
    """
    The lines of a segment from that offset on, each with its line feed; the last one may lack it.

    Memory is bounded by one chunk and one line: VaultError for a line that is longer than a line can be.
    """
    rest = b""
    with _opened(disk, name) as file:
        file.seek(offset)
        while True:
            try:
                chunk = file.read(_CHUNK)
            except OSError as problem:
                raise VaultError(f"ledger: {name} cannot be read: {problem.strerror}") from None
            if not chunk:
                break
            parts = (rest + chunk).splitlines(keepends=True) if b"\r" not in chunk + rest else _split(rest + chunk)
            rest = b"" if parts[-1].endswith(b"\n") else parts.pop()
            yield from parts
            if len(rest) > MAX_LINE:
                break
    if rest:
        yield rest[: MAX_LINE + 1]


def seek(disk: Disk, name: str, seq: int) -> int:
    """An offset in the segment where a line begins whose number is at most `seq`, and not far before it."""
    low = 0
    with _opened(disk, name) as file:
        high = file.seek(0, 2)
        while high - low > _NEAR:
            middle = (low + high) // 2
            file.seek(middle)
            _, _, rest = file.read(2 * (MAX_LINE + 1)).partition(b"\n")
            line, ended, _ = rest.partition(b"\n")
            if ended and _number(line) <= seq:
                low = file.seek(middle) + _to_next(file)
            else:
                high = middle
    return low


def _to_next(file: BinaryIO) -> int:
    return len(file.readline(MAX_LINE + 1))


def _number(line: bytes) -> int:
    try:
        return int(decode(line)["seq"])
    except (ValueError, LookupError, TypeError):
        raise TamperedError(
            "ledger: a line is not spelled as the ledger spells lines", hint="`soc2ev ledger verify` lists all damage"
        ) from None


def _opened(disk: Disk, name: str) -> BinaryIO:
    try:
        return disk.open(name)
    except FileNotFoundError:
        raise VaultError(f"ledger: {name} went away while it was read", hint="run it again") from None


def _split(data: bytes) -> list[bytes]:
    """As bytes.splitlines, which also ends a line at a carriage return."""
    parts = [part + b"\n" for part in data.split(b"\n")]
    last = parts.pop()[:-1]
    return [*parts, last] if last else parts
