"""
The journal: one line of canonical JSON per event, in a segment per UTC month, each naming the hash of the
one before.

The leaf of the tree is the bytes of the line without its line feed; nothing is ever serialised again to be
checked. A line has at most 65,535 bytes, so that it fits the length prefix of a C2SP tlog-tiles entry.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import TamperedError, VaultError
from soc2ev.vault import records
from soc2ev.vault.merkle import Frontier, leaf_hash

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.vault.disk import Disk
    from soc2ev.vault.note import Checkpoint

MAX_LINE = 65_535
FIRST = "0" * 64
_SEGMENT = re.compile(r"\d{4}-(0[1-9]|1[0-2])\.jsonl")


@dataclass(frozen=True, slots=True)
class Line:
    """One event: its position, its exact bytes without the line feed, and what they say."""

    seq: int
    raw: bytes
    data: Mapping[str, Json]

    @property
    def type(self) -> str:
        """`run`, `exchange`, `collection`, `recovery` or `finish`."""
        return str(self.data["type"])


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a line where they lie. Not `ended`: no line feed follows. `last`: nothing follows."""

    segment: str
    offset: int
    bytes: bytes
    ended: bool
    last: bool


def encode(fields: Mapping[str, Json]) -> bytes:
    """
    The one spelling of a line: sorted keys, no spaces, UTF-8 as it is.

    VaultError for what has no such spelling: floats, lone surrogates, other types, more than 65,535 bytes.
    """
    try:
        data = _spell(_plain(fields))
    except UnicodeEncodeError:
        raise VaultError(
            "this cannot be recorded: a text holds half of a surrogate pair", hint="nothing was recorded"
        ) from None
    except RecursionError:
        raise VaultError("this cannot be recorded: nested too deeply", hint="nothing was recorded") from None
    if len(data) > MAX_LINE:
        raise VaultError(
            f"this cannot be recorded: its line would have {len(data)} bytes, the limit is {MAX_LINE}",
            hint="store long values as a body; nothing was recorded",
        )
    return data


def decode(raw: bytes) -> dict[str, Json]:
    """What the line says; ValueError unless it is spelled exactly as `encode` would."""
    try:
        data = _DECODER.decode(raw.decode("utf-8"))
        if not isinstance(data, dict) or _spell(data) != raw:
            raise ValueError("not spelled as the journal spells it")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return data


def segment_of(recorded_at: str) -> str:
    """The file that holds lines of that time."""
    return f"journal/{recorded_at[:7]}.jsonl"


def scan(disk: Disk) -> Iterator[Raw]:
    """Every line of every segment as it lies there, unchecked, holding no more than two lines in memory."""
    waiting: Raw | None = None
    for name in segments(disk):
        offset = 0
        with disk.open(name) as file:
            while data := disk.line(file, MAX_LINE + 1):
                if waiting:
                    yield waiting
                ended = data.endswith(b"\n")
                waiting = Raw(name, offset, data[:-1] if ended else data, ended, last=False)
                offset += len(data)
    if waiting:
        yield Raw(waiting.segment, waiting.offset, waiting.bytes, waiting.ended, last=True)


def segments(disk: Disk) -> list[str]:
    """The names of the segments, oldest first; opening one that is no file is an error."""
    return [f"journal/{entry.name}" for entry in disk.entries("journal") if _SEGMENT.fullmatch(entry.name)]


class Replay:
    """The state of a log after some of its lines: position, last hash and time, tree."""

    def __init__(self, origin: str, newest: Checkpoint | None = None) -> None:
        self.tree = Frontier()
        self.recorded_at = ""
        self.prev = FIRST
        self._origin = origin
        self._newest = newest

    def take(self, raw: Raw) -> Line:
        """The next line. TamperedError, and no change of state, when it does not belong here."""
        data, problems = self.judge(raw)
        if data is None or problems:
            raise self._tampered(f"line {self.tree.size} in {raw.segment} {problems[0]}")
        line = Line(self.tree.size, raw.bytes, data)
        self.advance(raw.bytes, data["recorded_at"])
        newest = self._newest
        if newest and newest.size == self.tree.size and newest.root != self.tree.root():
            raise self._tampered(f"the first {newest.size} lines are not those of checkpoint {newest.size}")
        return line

    def judge(self, raw: Raw) -> tuple[dict[str, Json] | None, list[str]]:
        """What the next line says (None when nothing can be read), and everything that is wrong with it."""
        if not raw.ended:
            return None, ["is cut short or too long"]
        try:
            data = decode(raw.bytes)
        except ValueError:
            return None, ["is not spelled as the journal spells lines"]
        problems = records.complaints(data)
        if problems:
            return None, problems
        return data, self._misplaced(data, raw)

    def advance(self, raw: bytes, recorded_at: str) -> None:
        """Go on behind these bytes, whatever they say."""
        self.prev = hashlib.sha256(raw).hexdigest()
        self.recorded_at = recorded_at
        self.tree.append(leaf_hash(raw))

    def finish(self) -> None:
        """TamperedError when the log ends before its newest checkpoint."""
        if self._newest and self.tree.size < self._newest.size:
            raise self._tampered(f"the journal has {self.tree.size} lines, its checkpoint {self._newest.size}")

    def _misplaced(self, data: Mapping[str, Json], raw: Raw) -> list[str]:
        try:
            records.instant(data["recorded_at"])
        except ValueError:
            return ["has no time as the journal writes it"]
        wrong = {
            "belongs to another log": data["log"] != self._origin,
            "has another number": data["seq"] != self.tree.size,
            "does not follow the line before it": data["prev"] != self.prev,
            "is older than the line before it": data["recorded_at"] < self.recorded_at,
            "lies in the wrong segment": segment_of(data["recorded_at"]) != raw.segment,
        }
        return [says for says, applies in wrong.items() if applies]

    @staticmethod
    def _tampered(says: str) -> TamperedError:
        return TamperedError(
            f"vault: {says}",
            hint="`soc2ev vault verify` lists all damage; restore the vault from a copy, nothing was changed",
        )


def _spell(fields: Mapping[str, Json]) -> bytes:
    return _ENCODER.encode(fields).encode()


def _plain(value: Json) -> Json:
    """The value in JSON's own types; VaultError for a float, whose spelling differs between writers."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise VaultError("this cannot be recorded: a key is no text", hint="nothing was recorded")
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    raise VaultError(f"this cannot be recorded: a value of type {type(value).__name__}", hint="nothing was recorded")


def _refuse(text: str) -> Json:
    raise ValueError(f"{text} is no number of a journal")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)
