"""
Tables as files: CSV that people open in a spreadsheet, JSON that loses nothing.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, quoted or not. In the CSV such a
cell gets an apostrophe in front, which the reader sees; the JSON beside it holds the text as it was.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from soc2ev.controls.report import instant
from soc2ev.model import Finding, Item, Json

_ROWS_A_PART = 500
# Full-width forms are folded to the ASCII ones by some spreadsheets.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def population_csv(finding: Finding) -> Iterator[bytes]:
    """One row per item, in parts: id, title, time, outcome and reason of every attribute, facts."""
    letters = [attribute.letter for attribute in finding.control.attributes]
    facts = sorted({name for item in finding.population.items for name in item.facts})
    head = ["item", "title", "url", "at_utc"]
    head += (
        [name for letter in letters for name in (letter, f"{letter}_reason")]
        + ["waiver"]
        + [f"fact_{name}" for name in facts]
    )
    return table_csv(head, (_row(item, letters, facts) for item in finding.population.items))


def table_csv(columns: Sequence[str], rows: Iterable[Sequence[Json]]) -> Iterator[bytes]:
    """The rows as guarded CSV in parts: UTF-8 with a byte order mark, as Excel wants it."""
    text = io.StringIO("\ufeff")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for at, row in enumerate(rows, start=1):
        writer.writerow([guarded(cell) for cell in row])
        if at % _ROWS_A_PART == 0:
            yield text.getvalue().encode("utf-8", "replace")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("utf-8", "replace")


def as_json(value: Json) -> bytes:
    """The value as sorted, indented JSON with a last line feed: the same value gives the same bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8", "replace")


def encoded(parts: Iterable[str]) -> Iterator[bytes]:
    """Text in parts as UTF-8."""
    for part in parts:
        yield part.encode("utf-8", "replace")


def guarded(value: Json) -> str:
    """The value as one cell that no spreadsheet takes for a formula."""
    text = _shown(value)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def _row(item: Item, letters: Sequence[str], facts: Sequence[str]) -> list[Json]:
    row: list[Json] = [item.id, item.title, item.url, item.at]
    for letter in letters:
        row += [item.outcomes[letter].outcome.value, item.outcomes[letter].reason]
    return [*row, item.waiver.id if item.waiver else None, *(item.facts.get(name) for name in facts)]


def _shown(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(_shown(part) for part in value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return "".join(" " if character in "\x00\r\n\t" else character for character in str(value))
