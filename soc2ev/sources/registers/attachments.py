"""
The documents that registers name: procedures, runbooks, samples, whatever stands under `evidence`.

One exchange for each document that a register names. When it cannot be had, the register that names it is
stored again as the body, so that the missing document is a row with evidence and not a gap that nobody
sees.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Column, Coverage, EvidenceItem, Json, Stream, Table
from soc2ev.sources.registers.fields import attachments
from soc2ev.sources.registers.files import stated
from soc2ev.sources.registers.reading import Problem, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from soc2ev.fetch import Fetch
    from soc2ev.period import Period
    from soc2ev.sources.registers.folder import Folder

NAME = "registers:attachments"
_RECORDS_AT_ONCE = 200
"""Ids have at most 100 characters, and a line of the journal at most 65,535 bytes."""

ATTACHMENTS = Table(
    "register_attachments",
    "One row for each document that a record names, found or not.",
    (
        Column("file", "TEXT", "register below the registers folder", required=True),
        Column("record", "TEXT", "id of the record", required=True),
        Column("path", "TEXT", "the document as the record names it", required=True),
        Column("digest", "TEXT", "digest of the stored document; NULL when it was not found"),
        Column("size", "BIGINT", "bytes of the document; NULL when it was not found"),
        Column("found", "BOOLEAN", "whether the document was there and is stored", required=True),
    ),
    ("file", "record", "path"),
)


def collect(fetch: Fetch, folder: Folder, period: Period, readings: Mapping[str, Reading]) -> Coverage:
    """
    Store every document that the registers name.

    Incomplete when one is missing, too large, hidden, a link or outside; and when a register cannot be
    used, since nobody knows then what it names.
    """
    problems: list[Problem | str] = []
    expected = fetched = 0
    for file, reading in readings.items():
        for path, records in _named(reading).items():
            expected += 1
            why = _keep(fetch, folder, file, path, records)
            fetched += why is None
            problems += [] if why is None else [Problem(folder.shown(file), f"document {path!r}: {why}")]
    unusable = sum(bool(reading.problems) for reading in readings.values())
    if unusable:
        problems.append(f"{unusable} registers cannot be used, so the documents that they name are not known")
    known = None if unusable else expected
    return stated(NAME, period, folder, expected=known, fetched=fetched, problems=problems)


def _named(reading: Reading) -> dict[str, list[str]]:
    """Each document of a register with the records that name it."""
    found: dict[str, list[str]] = {}
    for record in reading.records:
        for path in dict.fromkeys(attachments(record)):
            found.setdefault(str(path), []).append(record.id)
    return found


def _keep(fetch: Fetch, folder: Folder, file: str, path: str, records: list[str]) -> str | None:
    """Store the document; why it could not be had, or None."""
    document = folder.document(file, path)
    why = document if isinstance(document, str) else None
    if not isinstance(document, str):
        try:
            _store(fetch, document, file=file, path=path, records=records)
        except CollectError as error:
            why = error.message
    if why is not None:
        try:
            _store(fetch, folder.path / file, file=file, path=path, records=records, why=why)
        except CollectError as error:
            return f"{why}; and the register has gone since: {error.message}"
    return why


def _store(fetch: Fetch, source: Path, *, file: str, path: str, records: list[str], why: str | None = None) -> None:
    for at in range(0, len(records), _RECORDS_AT_ONCE):
        some = records[at : at + _RECORDS_AT_ONCE]
        request = {"path": path, "register": file, "records": some, "found": why is None, "why": why}
        rows = len(some)
        fetch.file(source, source="registers", stream=NAME, request=request, count=partial(_as_many, rows))


def _as_many(rows: int, _body: bytes) -> int:
    return rows


def _rows(item: EvidenceItem, body: bytes) -> Iterator[tuple[str, Mapping[str, Json]]]:
    found = bool(item.request["found"])
    for record in item.request["records"]:
        yield (
            ATTACHMENTS.name,
            {
                "file": item.request["register"],
                "record": record,
                "path": item.request["path"],
                "digest": item.digest if found else None,
                "size": len(body) if found else None,
                "found": found,
            },
        )


STREAM = Stream("attachments", (ATTACHMENTS,), _rows, snapshot=True)
