"""Tables in text: which columns of a CSV or W3C file hold secrets, by the names in its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from soc2ev.logs.leaks.keys import kind_of, names_identifier, squash
from soc2ev.logs.leaks.kinds import Hit
from soc2ev.logs.leaks.text import by_key

_FEWEST_COLUMNS = 3
_NAME = re.compile(r"^[\"']?[A-Za-z_][\w .\-()]{0,60}[\"']?$")
_EMPTY = (b"-", b"", b"-\r", b"\r")
"""A cell in which nothing stands, also the last of its row."""
_W3C_COOKIE = re.compile(r"^[cs]{1,2}\((.+)\)$")


@dataclass(frozen=True, slots=True)
class Columns:
    """The separator of a table's rows and the names of its columns; `telling` are those that promise a secret."""

    separator: str
    names: tuple[str, ...]
    telling: tuple[int, ...]

    def is_empty(self, row: bytes) -> bool:
        """Whether a plain row has nothing in any of the telling columns; of others it is not known without more ado."""
        if self.separator == " ":
            separator = b"\t" if b"\t" in row else b" "
        elif b'"' in row:
            return False
        else:
            separator = self.separator.encode()
        cells = row.split(separator, self.telling[-1] + 1)
        return len(cells) <= self.telling[-1] or all(cells[index] in _EMPTY for index in self.telling)

    def without_ids(self, line: str, hits: list[Hit]) -> list[Hit]:
        """The hits without numbers like those of cards in columns named after orders, instants and the like."""
        if all(hit.kind != "card_number" for hit in hits):
            return hits
        cells = list(_cells(line, "\t" if self.separator == " " and "\t" in line else self.separator))
        if len(cells) != len(self.names):
            return hits
        ids = {
            start
            for (start, _), name in zip(cells, self.names, strict=True)
            if kind_of(name) is None and names_identifier(name)
        }
        return [hit for hit in hits if hit.kind != "card_number" or hit.start not in ids]

    def hits(self, line: str) -> Iterator[Hit]:
        """What the telling columns of a row hold."""
        separator = "\t" if self.separator == " " and "\t" in line else self.separator
        cells = list(_cells(line, separator))
        if len(cells) < len(self.names) or (len(cells) > len(self.names) and self.separator != " "):
            return
        for index in self.telling:
            start, value = cells[index]
            name = self.names[index]
            if value == name:
                continue  # the header line itself
            if len(cells) > len(self.names) and "=" not in value:
                continue  # values with blanks move what follows
            shown = value.replace("+", " ") if self.separator == " " and "cookie" not in squash(name) else value
            for hit in by_key(name, shown.replace(";+", "; ").replace(";%20", ";   ")):
                yield Hit(hit.kind, start + hit.start, start + hit.end, hit.secret, name, hit.by_value)


def columns(head: bytes) -> Columns | None:
    """The columns that the beginning of a file declares: a CSV header line or a W3C `#Fields:` directive."""
    for line in head.decode("latin-1").splitlines()[:8]:
        if line.startswith("#Fields:"):
            return _telling(" ", [_w3c(name) for name in line.removeprefix("#Fields:").split()])
    first = head.decode("latin-1").split("\n", 1)[0].rstrip("\r")
    for separator in ",;\t|":
        names = [cell.strip() for cell in first.split(separator)]
        if len(names) >= _FEWEST_COLUMNS and all(_NAME.match(name) for name in names) and len(set(names)) == len(names):
            return _telling(separator, [name.strip("\"'") for name in names])
    return None


def _w3c(name: str) -> str:
    inner = _W3C_COOKIE.match(name)
    return inner.group(1) if inner else name


def _telling(separator: str, names: list[str]) -> Columns | None:
    telling = tuple(index for index, name in enumerate(names) if kind_of(name.replace(" ", "_")))
    return Columns(separator, tuple(name.replace(" ", "_") for name in names), telling) if telling else None


def _cells(line: str, separator: str) -> Iterator[tuple[int, str]]:
    """The cells of a row with their places; quoted cells as in RFC 4180."""
    line = line.rstrip("\r")
    at = 0
    while at <= len(line):
        if line[at : at + 1] == '"' and separator != " ":
            end = at + 1
            while (end := line.find('"', end)) >= 0 and line[end + 1 : end + 2] == '"':
                end += 2
            end = len(line) if end < 0 else end
            yield at + 1, line[at + 1 : end]
            at = end + 2
        else:
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            yield at, line[at:end]
            at = end + 1
