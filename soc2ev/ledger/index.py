"""
What makes an append cost the same however long the log is: where the log ended last time, and which ids it holds.

A cache in SQLite. It may be deleted or lag behind: whoever opens the log reads the lines behind its position, and
makes it again when it does not fit the lines.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from soc2ev.vault.journal import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

NAME = "index.sqlite"
_AT_ONCE = 500
_TABLES = """
create table if not exists place (one integer primary key check (one = 1), size integer not null, prev text not null,
  recorded_at text not null, segment text not null, started integer not null, offset integer not null);
create table if not exists ids (key blob primary key, seq integer not null, content blob not null) without rowid;
create table if not exists marks (seq integer primary key, line blob not null);
"""


class Place(NamedTuple):
    """Where a log ends: its size, hash and time of the last line, and where that line lies."""

    size: int = 0
    prev: str = FIRST
    recorded_at: str = ""
    segment: str = ""
    started: int = 0
    """Offset of the last line."""
    offset: int = 0
    """Offset behind its line feed."""


Known = tuple[int, bytes]
"""The number of the event with an id, and the fingerprint of its content."""


class Index:
    """The cache, open. sqlite3.Error, from every method, means that it cannot be used."""

    def __init__(self, path: Path, *, write: bool) -> None:
        mode = "rwc" if write else "ro"
        # Autocommit is off only within `store`. Any thread may ask: the ledger lets one in at a time.
        self._db = sqlite3.connect(
            f"file:{_quoted(path)}?mode={mode}", uri=True, timeout=30, isolation_level=None, check_same_thread=False
        )
        try:
            if write:
                self._db.execute("pragma synchronous = full")
                self._db.executescript(_TABLES)
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def place(self) -> Place:
        """Up to where the cache knows the log."""
        row = self._db.execute("select size, prev, recorded_at, segment, started, offset from place").fetchone()
        return Place(*row) if row else Place()

    def known_of(self, keys: Sequence[bytes]) -> dict[bytes, Known]:
        """The events with these ids."""
        found: dict[bytes, Known] = {}
        for at in range(0, len(keys), _AT_ONCE):
            some = keys[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(f"select key, seq, content from ids where key in ({marks})", some)  # noqa: S608 - marks
            found |= {bytes(key): (int(seq), bytes(content)) for key, seq, content in rows}
        return found

    def marks(self) -> list[tuple[int, bytes]]:
        """Number and bytes of every line that is no event."""
        return [(int(seq), bytes(line)) for seq, line in self._db.execute("select * from marks order by seq")]

    def store(self, place: Place, ids: Mapping[bytes, Known], marks: Iterable[tuple[int, bytes]]) -> None:
        """Go forward to that place, in one transaction."""
        self._db.execute("begin immediate")
        try:
            rows = sorted((key, seq, content) for key, (seq, content) in ids.items())
            self._db.executemany("insert or ignore into ids values (?, ?, ?)", rows)
            self._db.executemany("insert or ignore into marks values (?, ?)", marks)
            self._db.execute(
                "insert or replace into place values (1, ?, ?, ?, ?, ?, ?)",
                (place.size, place.prev, place.recorded_at, place.segment, place.started, place.offset),
            )
            self._db.execute("commit")
        except BaseException:
            self._db.execute("rollback")
            raise


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))
