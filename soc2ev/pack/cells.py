"""What a sheet is made of before any library writes it: links, columns, charts, and how much room their text takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from soc2ev.pack.marks import Badge, Tone, shown, visible

MEASURED_ROWS = 400
"""Rows that are looked at to fit a table's columns."""
_HEAD_WIDTH = 18

Cell = Any
"""Text, number, instant, day, list or mapping of these, Badge or Link; None and empty text leave it empty."""


@dataclass(frozen=True, slots=True)
class Link:
    """
    Text that leads to a `file` of the pack (a path in the payload), an https `url` or a `sheet` of the workbook.

    A target that is none of these, or not safe to follow, leaves plain text.
    """

    text: str
    file: str = ""
    url: str = ""
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `width` is the most it takes, in characters."""

    title: str
    width: int = 44
    human: bool = False
    """Kept by people: its head is light yellow, and it is wide enough to write in."""
    choices: Mapping[str, Tone] = field(default_factory=dict)
    """The words of a drop-down, each with its colour."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars over a grid: one bar a row, named by its first column, one piece for each coloured column."""

    title: str
    pieces: Mapping[int, Tone]
    """By column of the grid, counted from 0."""
    shares: bool = False
    """Whether every bar is drawn as a whole of 100 %."""


def unique_titles(titles: Iterable[str]) -> list[str]:
    """Heads of a table as Excel wants them: one line each, not empty, unique whatever the case."""
    made: list[str] = []
    for title in titles:
        plain = " ".join(visible(title)[0].split())[:200] or "column"
        number, tried = 1, plain
        while tried.casefold() in (one.casefold() for one in made):
            number += 1
            tried = f"{plain} {number}"
        made.append(tried)
    return made


def head_style(at: int, column: Column, rows: Sequence[Sequence[Cell]]) -> str:
    """Over numbers the head stands on the right, as they do."""
    numbers = [isinstance(row[at], int | float) and not isinstance(row[at], bool) for row in rows[:MEASURED_ROWS]]
    return "human" if column.human else "head right" if numbers and all(numbers) else "head"


def fitted(at: int, title: str, column: Column, rows: Sequence[Sequence[Cell]]) -> float:
    """The width of a column in characters: its longest line, at most `column.width`; that, when people write there."""
    longest = max((len(line) for row in rows for line in text_of(row[at]).splitlines()), default=0)
    least = column.width if column.human else min(len(title) + 4, _HEAD_WIDTH)
    return min(max(least, longest + 2), column.width)


def lines_of(value: Cell, width: float) -> int:
    """How many lines the value takes when wrapped at that width, a little too many rather than too few."""
    return sum(-(-len(line) // max(int(width * 1.2), 1)) or 1 for line in text_of(value).splitlines()) or 1


def text_of(value: Cell) -> str:
    """What a reader will see of the value."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return value.text if isinstance(value, Badge | Link) else shown(value)
