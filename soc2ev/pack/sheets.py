"""
Workbooks that cannot hurt their reader: the only place that knows the spreadsheet library.

Text from anywhere stays text: no cell is a formula or an error, whatever it begins with, and a link goes to a file of
the pack or to an https address, else it is plain text. Characters that a workbook cannot hold are shown as their
number and counted. The same calls give the same bytes.
"""
# ruff: noqa: TID251 - this is the one importer of openpyxl

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from soc2ev.pack.cells import (
    MEASURED_ROWS,
    Cell,
    Chart,
    Column,
    Link,
    fitted,
    head_style,
    lines_of,
    unique_titles,
)
from soc2ev.pack.marks import Badge, Tone, https, local, shown, visible

# The library writes through lxml where that happens to be installed, and then other bytes.
os.environ.setdefault("OPENPYXL_LXML", "False")

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.chart import BarChart, Reference
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableColumn
from openpyxl.writer.excel import ExcelWriter

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell as Made
    from openpyxl.worksheet.worksheet import Worksheet

ROWS_A_SHEET = 20_000
"""A longer table goes on over sheets named `Name (2)`, `Name (3)` ..."""
_LONGEST_TEXT = 32_767
_MOST_LINKS = 65_000
_LARGEST_INTEGER = 2**53
_FIRST_YEAR = 1901  # Excel counts days from 1900, and takes that year for a leap year.
_SHEET_NAME = 31
_HEAD = 4
_PAGE_WIDTH = 230
_LINE, _MOST_LINES, _MOST_TABLE_LINES = 13.5, 29, 6
_INK, _NAVY, _SOFT = "1F2A37", "14304F", "56606B"
_TONES = {  # ink, paper, bar
    Tone.GOOD: ("1E6B3A", "E4F1E8", "5FA37E"),
    Tone.BAD: ("9B1C1C", "FBE4E2", "C2473F"),
    Tone.UNKNOWN: ("7A5200", "FDF0D2", "E6B450"),
    Tone.ACCEPTED: ("3B4F7A", "E6EAF4", "7E93C0"),
    Tone.QUIET: ("56606B", "EEF0F3", "C9CED5"),
}
# ECMA-376 part 1, 22.9.2.19 (ST_Xstring): a reader turns _x0041_ into A, so a literal one escapes its underscore.
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class Book:
    """
    A workbook in the making. `path` is its place in the payload folder: links are written relative to it.

    Sheets stand in the order in which they are made; one that is made `first` goes before all. `replaced` counts the
    characters that could not be written as they were.
    """

    def __init__(self, path: str, title: str, author: str, at: datetime) -> None:
        self.replaced = 0
        self._folder = posixpath.dirname(path) or "."
        self._book = Workbook(write_only=True)
        self._at = at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        properties = self._book.properties
        properties.title, properties.created = self._clean(title), self._at
        properties.creator = properties.lastModifiedBy = self._clean(author)
        self._names = {"history"}
        self._tables = 0
        self._rows: Counter[str] = Counter()
        self._links: Counter[str] = Counter()
        for style in _styles():
            self._book.add_named_style(style)

    def table(self, name: str, note: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> list[str]:
        """
        A filterable table under a title and a line that says what it shows; the names of the sheets that it took.

        A table without rows says `none`.
        """
        waiting = iter(rows)
        part = list(islice(waiting, ROWS_A_SHEET))
        made: list[str] = []
        while part or not made:
            sheet = self._sheet(f"{name} ({len(made) + 1})" if made else name)
            self._fill(sheet, note, columns, part)
            made.append(str(sheet.title))
            part = list(islice(waiting, ROWS_A_SHEET))
        return made

    def page(self, name: str, title: str, widths: Sequence[int], *, first: bool = False) -> Page:
        """A sheet of headings, facts, lines and small grids, whose columns have these widths in characters."""
        return Page(self, self._sheet(name, first=first), title, widths)

    def render(self) -> bytes:
        """The workbook's bytes. The book cannot be written to any more."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            # The library's own `save` would write the time of saving here.
            self._book.properties.modified = self._at
            ExcelWriter(self._book, archive).save()
        return _settled(made.getvalue())

    def append(
        self, sheet: Worksheet, cells: Sequence[tuple[Cell, str]], widths: Sequence[float], most: int = _MOST_LINES
    ) -> None:
        """One row of values, each with its style, as high as its longest wrapped text needs, at most so many lines."""
        self._rows[sheet.title] += 1
        lines = max((lines_of(value, width) for (value, _), width in zip(cells, widths, strict=False)), default=1)
        large = bool(cells) and cells[0][1] == "title"
        if lines > 1 or large:
            # Not every reader fits the height of a row to its text by itself.
            sheet.row_dimensions[self._rows[sheet.title]].height = 26 if large else _LINE * min(lines, most) + 2
        sheet.append([self._cell(sheet, value, style) for value, style in cells])

    def _sheet(self, name: str, *, first: bool = False) -> Worksheet:
        # A write-only sheet has what is used here, though its type does not say so.
        sheet = cast("Worksheet", self._book.create_sheet(self._unique(name), 0 if first else None))
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.page_margins.left = sheet.page_margins.right = 0.5
        sheet.page_margins.top = sheet.page_margins.bottom = 0.7
        if (footer := sheet.oddFooter) is not None:
            footer.left.text, footer.right.text = "&F", "&A: page &P of &N"
        sheet.sheet_view.showGridLines = False
        return sheet

    def _unique(self, name: str) -> str:
        """A name that Excel takes: short, without its special characters, not `History`, not there yet."""
        plain = re.sub(r"[\[\]:*?/\\\s]+", " ", visible(name)[0].replace("\\", " ")).strip(" '") or "Sheet"
        for ending in chain([""], (f" {number}" for number in range(2, 10_000))):
            tried = plain[: _SHEET_NAME - len(ending)].rstrip(" '") + ending
            if tried.casefold() not in self._names:
                break
        self._names.add(tried.casefold())
        return tried

    def _fill(self, sheet: Worksheet, note: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        titles = unique_titles(column.title for column in columns)
        widths = [fitted(at, titles[at], column, rows[:MEASURED_ROWS]) for at, column in enumerate(columns)]
        _set_widths(sheet, widths)
        sheet.page_setup.fitToWidth = -(-int(sum(widths)) // _PAGE_WIDTH)
        sheet.freeze_panes = f"B{_HEAD + 1}"
        sheet.print_title_rows, sheet.print_title_cols = f"{_HEAD}:{_HEAD}", "A:A"
        self.append(sheet, [(sheet.title, "title")], ())
        self.append(sheet, [(note[:1].upper() + note[1:], "note")], ())
        self.append(sheet, [], ())
        heads = [head_style(at, column, rows) for at, column in enumerate(columns)]
        self.append(sheet, list(zip(titles, heads, strict=True)), widths)
        for row in rows:
            self.append(sheet, [(value, "body") for value in row], widths, _MOST_TABLE_LINES)
        if rows:
            self._finish(sheet, titles, columns, _HEAD + len(rows))
        else:
            self.append(sheet, [("none", "note")], ())

    def _finish(self, sheet: Worksheet, titles: Sequence[str], columns: Sequence[Column], last: int) -> None:
        self._tables += 1
        area = f"A{_HEAD}:{get_column_letter(len(columns))}{last}"
        table = Table(displayName=f"Table{self._tables}", ref=area, autoFilter=AutoFilter(ref=area))
        # Rows are gone once written, so the library cannot read the head itself.
        table.tableColumns = [TableColumn(id=at, name=self._clean(title)) for at, title in enumerate(titles, 1)]
        sheet.tables.add(table)
        for at, column in enumerate(columns, 1):
            if column.choices:
                letter = get_column_letter(at)
                _offer(sheet, f"{letter}{_HEAD + 1}:{letter}{last}", column.choices)

    def _cell(self, sheet: Worksheet, value: Cell, style: str) -> Made:
        if isinstance(value, Badge):
            return self._text(sheet, value.text, value.tone.value)
        if isinstance(value, Link):
            return self._link(sheet, value, style)
        if isinstance(value, bool) or not isinstance(value, int | float | date):
            return self._text(sheet, shown(value), style)
        return self._value(sheet, value, style)

    def _text(self, sheet: Worksheet, text: str, style: str) -> Made:
        made = WriteOnlyCell(sheet)
        made.style = style
        if clean := self._clean(text):
            made.value = clean
            # The library takes text that begins with = for a formula, and #N/A for an error.
            made.data_type = "s"
            # Keeps it text when somebody edits the cell.
            made.quotePrefix = True
        return made

    def _value(self, sheet: Worksheet, value: float | date, style: str) -> Made:
        moment = value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        if isinstance(moment, date):
            if moment.year < _FIRST_YEAR:
                return self._text(sheet, shown(value), style)
            kind = "instant" if isinstance(moment, datetime) else "day"
        elif -_LARGEST_INTEGER < moment < _LARGEST_INTEGER:
            kind = "number" if style == "body" else style
        else:
            return self._text(sheet, shown(value), style)
        made = WriteOnlyCell(sheet, cast("Any", moment))
        made.style = kind
        return made

    def _link(self, sheet: Worksheet, link: Link, style: str) -> Made:
        made = self._text(sheet, link.text, style)
        target = https(link.url) or self._relative(link.file)
        if not link.text or not (target or link.sheet) or self._links[sheet.title] >= _MOST_LINKS:
            return made
        self._links[sheet.title] += 1
        inside = "'" + link.sheet.replace("'", "''") + "'!A1" if link.sheet else None
        made.hyperlink = Hyperlink(ref="A1", target=target or None, location=inside)
        made.style = "link"
        made.quotePrefix = True
        return made

    def _relative(self, file: str) -> str:
        return posixpath.relpath(file, self._folder) if local(file) else ""

    def _clean(self, text: str) -> str:
        safe, count = visible(text)
        self.replaced += count
        escaped = _ESCAPED.sub("_x005F_", safe)
        # Excel counts UTF-16 units; the library cuts silently at the same number of characters.
        units = escaped.encode("utf-16-le")
        if len(units) <= 2 * _LONGEST_TEXT:
            return escaped
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        marker = f" … [cut here: {len(text)} characters in all, SHA-256 of the whole {digest}]"
        return units[: 2 * (_LONGEST_TEXT - len(marker))].decode("utf-16-le", "ignore") + marker


class Page:
    """A sheet that is read from top to bottom."""

    def __init__(self, book: Book, sheet: Worksheet, title: str, widths: Sequence[int]) -> None:
        self._book, self._sheet, self._widths, self._row = book, sheet, widths, 0
        _set_widths(sheet, widths)
        self._append([(title, "title")])

    @property
    def name(self) -> str:
        """The sheet's name, for links to it."""
        return str(self._sheet.title)

    def section(self, title: str, note: str = "") -> None:
        """A heading with room above it, and a line that explains it."""
        self._append([])
        self._append([(title, "section"), *[(None, "section")] * (len(self._widths) - 1)])
        if note:
            self._append([(note, "note")])

    def facts(self, facts: Iterable[tuple[str, Cell]]) -> None:
        """One row a fact: its name, its value."""
        for name, value in facts:
            self._append([(name, "label"), (value, "value")])

    def lines(self, lines: Iterable[str]) -> None:
        """One numbered row a line."""
        self.facts((str(number), line) for number, line in enumerate(lines, 1))

    def boxes(self, names: Sequence[str], rows: Sequence[str]) -> None:
        """Empty boxes for people to fill: a row for each of `rows`, a column for each of `names`."""
        self._append([(name, "human") for name in ("", *names)])
        for row in rows:
            self._append([(row, "label"), *[(None, "value")] * len(names)])

    def grid(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]], chart: Chart | None = None) -> None:
        """A small table with a chart of it below; it says `none` when there are no rows."""
        given = list(rows)
        heads = [head_style(at, Column(title), given) for at, title in enumerate(columns)]
        head = self._append(list(zip(columns, heads, strict=True)))
        for row in given:
            self._append([(value, "body") for value in row])
        if not given:
            self._append([("none", "note")])
        elif chart:
            drawn, height = _bars(self._sheet, chart, head, self._row)
            self._sheet.add_chart(drawn, f"A{self._row + 2}")
            for _ in range(int(height * 1.9) + 3):
                self._append([])

    def _append(self, cells: Sequence[tuple[Cell, str]]) -> int:
        flowing = cells and cells[0][1] in ("title", "section", "note")
        self._book.append(self._sheet, cells, () if flowing else self._widths)
        self._row += 1
        return self._row


def _bars(sheet: Worksheet, chart: Chart, head: int, last: int) -> tuple[BarChart, float]:
    made = BarChart()
    made.type, made.overlap, made.gapWidth = "bar", 100, 45
    made.grouping = "percentStacked" if chart.shares else "stacked"
    made.title, made.height, made.width = chart.title, min(0.6 * (last - head) + 3.6, 18.0), 26
    for column, tone in chart.pieces.items():
        made.add_data(Reference(sheet, min_col=column + 1, min_row=head, max_row=last), titles_from_data=True)
        made.series[-1].graphicalProperties.solidFill = _TONES[tone][2]
    made.set_categories(Reference(sheet, min_col=1, min_row=head + 1, max_row=last))
    # Without these, readers draw no axes; the first row stands on top, and the counts below.
    made.x_axis.delete = made.y_axis.delete = False
    made.x_axis.scaling.orientation, made.y_axis.crosses = "maxMin", "max"
    made.y_axis.number_format, made.y_axis.majorGridlines = "0%" if chart.shares else "0", None
    made.legend.position = "b"
    return made, made.height


def _offer(sheet: Worksheet, area: str, choices: Mapping[str, Tone]) -> None:
    """A drop-down in that area, coloured by what is chosen."""
    offered = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
    offered.add(area)
    sheet.data_validations.append(offered)
    for word, tone in choices.items():
        ink, paper, _ = _TONES[tone]
        look = DifferentialStyle(font=Font(color=ink, bold=True), fill=PatternFill(bgColor=paper))
        sheet.conditional_formatting.add(area, Rule(type="cellIs", operator="equal", formula=[f'"{word}"'], dxf=look))


def _set_widths(sheet: Worksheet, widths: Sequence[float]) -> None:
    for at, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width


def _settled(book: bytes) -> bytes:
    """The same archive with its members sorted and their dates fixed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(made, "w") as new:
        for name in sorted(old.namelist()):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return made.getvalue()


def _styles() -> Iterable[NamedStyle]:
    line, strong = Border(bottom=Side("thin", color="DDE2E8")), Border(bottom=Side("medium", color=_NAVY))
    wrapped = Alignment(vertical="top", wrap_text=True)
    left = Alignment(horizontal="left", vertical="top", wrap_text=True)
    right = Alignment(horizontal="right", vertical="top", wrap_text=True, indent=1)
    yield NamedStyle("title", font=_font(16, _NAVY, bold=True), alignment=Alignment(vertical="center"))
    yield NamedStyle("section", font=_font(12, _NAVY, bold=True), border=strong)
    yield NamedStyle("note", font=_font(10, _SOFT, italic=True))
    yield NamedStyle("label", font=_font(10, _SOFT), alignment=wrapped, border=line)
    yield NamedStyle("value", font=_font(10, _INK), alignment=left, border=line)
    yield NamedStyle("body", font=_font(10, _INK), alignment=wrapped, border=line)
    yield NamedStyle("number", font=_font(10, _INK), alignment=right, border=line, number_format="General")
    yield NamedStyle("link", font=_font(10, "1D4F91", underline="single"), alignment=wrapped, border=line)
    yield NamedStyle("instant", font=_font(10, _INK), alignment=left, border=line, number_format="yyyy-mm-dd hh:mm:ss")
    yield NamedStyle("day", font=_font(10, _INK), alignment=left, border=line, number_format="yyyy-mm-dd")
    for name, colour, place in (("head", "DCE6F0", left), ("head right", "DCE6F0", right), ("human", "FFF4C2", left)):
        filled = PatternFill("solid", start_color=colour, end_color=colour)
        yield NamedStyle(name, font=_font(10, _NAVY, bold=True), alignment=place, border=strong, fill=filled)
    for tone, (ink, paper, _) in _TONES.items():
        filled = PatternFill("solid", start_color=paper, end_color=paper)
        yield NamedStyle(tone.value, font=_font(10, ink, bold=True), alignment=wrapped, border=line, fill=filled)


def _font(size: int, colour: str, *, bold: bool = False, italic: bool = False, underline: Any = None) -> Font:
    return Font(name="Calibri", size=size, color=colour, bold=bold, italic=italic, underline=underline)
