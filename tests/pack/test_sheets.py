"""The workbook writer: text stays text, links stay harmless, names and sizes fit, and the bytes are always the same."""

import io
import re
import time
import zipfile
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import pytest
from hostile import ADDRESSES, ALL
from openpyxl import LXML, load_workbook  # noqa: TID251  an independent reading of what was written

from soc2ev.pack import sheets
from soc2ev.pack.cells import Chart, Column, Link
from soc2ev.pack.marks import Badge, Tone, https, shown, visible
from soc2ev.pack.sheets import Book

AT = datetime(2026, 11, 2, 4, 17, tzinfo=UTC)
NUMBER_OF_SURROGATES = 0xE000 - 0xD800


def book(path="03_Change-Management/x.xlsx"):
    return Book(path, "A book", "soc2ev 1.2.3", AT)


def one_column(values, **column):
    """The sheet of a workbook with one table of one column, as read again."""
    made = book()
    made.table("T", "note", [Column("C", **column)], [(value,) for value in values])
    return load_workbook(io.BytesIO(made.render()))["T"]


def members(body, form):
    archive = zipfile.ZipFile(io.BytesIO(body))
    return {name: archive.read(name).decode() for name in archive.namelist() if re.search(form, name)}


def decoded(text):
    """What a reader makes of the escapes in a cell (the library does not undo them)."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def test_no_text_becomes_a_formula_or_an_error():
    """Whatever a text begins with, its cell holds that text, marked to stay text when somebody edits it."""
    sheet = one_column(ALL)
    cells = [sheet.cell(row, 1) for row in range(5, 5 + len(ALL))]
    assert [visible(text)[0] for text in ALL] == [decoded(cell.value) for cell in cells]
    assert {("inlineStr", True)} == {(cell.data_type.replace("s", "inlineStr", 1), cell.quotePrefix) for cell in cells}


def test_no_sheet_holds_a_formula_element():
    """The XML of the sheet has neither f elements nor cells of the type e."""
    made = book()
    made.table("T", "=1", [Column("=H")], [(text,) for text in ALL])
    made.page("=P", "=T", (20, 20)).facts([(text, text) for text in ALL])
    for text in members(made.render(), "worksheets/sheet").values():
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
        assert "f" not in tags
        assert "t" in tags
        assert 't="e"' not in text


def test_every_character_can_be_written():
    """Each code point comes back as itself or as its number, and the numbers are counted."""
    points = [chr(number) for number in range(0x110000) if number < 0x3000 or 0xD7F0 < number < 0x10000]
    rows = ["a" + "a".join(points[at : at + 2000]) + "a" for at in range(0, len(points), 2000)]
    made = book()
    made.table("T", "note", [Column("C")], [(row,) for row in rows])
    sheet = load_workbook(io.BytesIO(made.render()))["T"]
    assert [visible(text)[0] for text in rows] == [sheet.cell(5 + at, 1).value for at in range(len(rows))]
    assert made.replaced == sum(visible(text)[1] for text in rows)
    assert made.replaced > NUMBER_OF_SURROGATES


def test_replaced_characters_show_their_number():
    """What cannot be held or seen is visible, and never dropped."""
    assert ("a\\u0007b\\ud800\\u202ec", 3) == visible("a\x07b\ud800\u202ec")
    assert ("a\nb\\u000dc\td", 1) == visible("a\r\nb\rc\td")


def test_a_literal_escape_is_not_decoded():
    """`_x0041_` in a title is not turned into A by the reader."""
    sheet = one_column(["_x0041_"])
    assert "_x005F_x0041_" == sheet["A5"].value


@pytest.mark.parametrize("character", ["x", "\U0001f600"])
def test_long_text_is_cut_with_the_digest_of_the_whole(character):
    """A cell takes 32,767 UTF-16 units; the cut says so and names the whole."""
    units = len(character.encode("utf-16-le")) // 2
    fits, too_long = character * (32_767 // units), character * 32_768
    sheet = one_column([fits, too_long])
    assert fits == sheet["A5"].value
    cut = sheet["A6"].value
    assert len(cut.encode("utf-16-le")) // 2 in (32_766, 32_767)
    assert re.search(r" … \[cut here: 32768 characters in all, SHA-256 of the whole [0-9a-f]{64}\]$", cut)


def test_instants_are_utc_and_say_so_without_a_zone():
    """An instant in any zone is written as the UTC time that the head promises; days and numbers stay what they are."""
    berlin = datetime.fromisoformat("2026-10-04T12:11:12+02:00")
    sheet = one_column([berlin, date(2026, 10, 4), 412, 0.5])
    got = [sheet.cell(row, 1).value for row in range(5, 9)]
    assert ["2026-10-04 10:11:12", "2026-10-04 00:00:00", "412", "0.5"] == [str(value) for value in got]
    assert ["yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"] == [sheet["A5"].number_format, sheet["A6"].number_format]


def test_what_excel_cannot_count_is_text():
    """Days before 1901, numbers of more than 15 digits, infinities and booleans are written as text."""
    values = [
        date(1899, 1, 1),
        datetime(1, 1, 1, tzinfo=UTC),
        2**60,
        float("inf"),
        float("nan"),
        True,
        None,
        ["a", 1],
        {"b": 2},
    ]
    sheet = one_column(values)
    got = [sheet.cell(row, 1).value for row in range(5, 14)]
    assert ["1899-01-01", "0001-01-01T00:00:00Z", str(2**60), "inf", "nan", "true", None, "a, 1", '{"b": 2}'] == got


def test_a_link_leads_into_the_pack_or_to_https():
    """A file of the pack is named relative to the workbook; a sheet is named inside it."""
    links = [
        Link("raw", file="03_Change-Management/raw/a.txt"),
        Link("index", file="00_Index.xlsx"),
        Link("pull", url="https://code.example/1?a=b&c=%20"),
        Link("there", sheet="T"),
    ]
    sheet = one_column(links)
    got = [(sheet.cell(row, 1).hyperlink.target, sheet.cell(row, 1).hyperlink.location) for row in range(5, 9)]
    assert [
        ("raw/a.txt", None),
        ("../00_Index.xlsx", None),
        ("https://code.example/1?a=b&c=%20", None),
        (None, "'T'!A1"),
    ] == got
    assert ["raw", "index", "pull", "there"] == [sheet.cell(row, 1).value for row in range(5, 9)]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_dangerous_address_is_no_link(address):
    """Only a plain https address is followed; the text stays."""
    assert not https(address)
    sheet = one_column([Link("text", url=address), Link("text", file=address or "/etc/passwd")])
    assert [None, None] == [sheet["A5"].hyperlink, sheet["A6"].hyperlink]
    assert ["text", "text"] == [sheet["A5"].value, sheet["A6"].value]


@pytest.mark.parametrize(
    "file", ["../secret", "a/../../b", "/etc/passwd", "C:\\x", "a//b", "a b", "a%2e", "\\\\host\\share"]
)
def test_a_path_outside_the_pack_is_no_link(file):
    """Names in a pack are ours; any other is not followed."""
    sheet = one_column([Link("text", file=file)])
    assert sheet["A5"].hyperlink is None


def test_links_stop_before_the_limit_of_a_sheet(monkeypatch):
    """Excel takes 65,530 links a sheet; further ones are text, on this sheet only."""
    monkeypatch.setattr(sheets, "_MOST_LINKS", 2)
    made = book()
    for name in ("A", "B"):
        made.table(name, "", [Column("C")], [(Link("x", url="https://code.example/"),)] * 3)
    again = load_workbook(io.BytesIO(made.render()))
    found = [[again[name].cell(row, 1).hyperlink is not None for row in (5, 6, 7)] for name in ("A", "B")]
    assert [[True, True, False]] * 2 == found


def test_sheet_names_are_legal_and_unique():
    """Excel refuses long names, some characters, quotes at the ends, History, and names that differ in case only."""
    made = book()
    asked = ["a" * 40, "A" * 40, "[x]:*?/\\y", "'quoted'", "History", "", "Not tested", "not TESTED", "\x07"]
    got = [made.page(name, "t", (10,)).name for name in asked]
    assert got == load_workbook(io.BytesIO(made.render())).sheetnames
    assert [
        "a" * 31,
        "A" * 29 + " 2",
        "x y",
        "quoted",
        "History 2",
        "Sheet",
        "Not tested",
        "not TESTED 2",
        "u0007",
    ] == got


def test_heads_are_unique_and_equal_the_table():
    """Excel offers to repair a workbook whose table heads repeat, are empty, or differ from the cells."""
    made = book()
    made.table("T", "", [Column(title) for title in ("a", "A", "", "b\nc", "_x0041_", "=1")], [range(6)])
    body = made.render()
    sheet = load_workbook(io.BytesIO(body))["T"]
    heads = [cell.value for cell in sheet[4]]
    assert ["a", "A 2", "column", "b c", "_x005F_x0041_", "=1"] == heads
    (table,) = members(body, "table1").values()
    assert heads == re.findall('tableColumn id="[1-6]" name="(.*?)"', table)
    assert ("A4:F5", "A4:F5") == (sheet.tables["Table1"].ref, sheet.tables["Table1"].autoFilter.ref)


def test_a_long_table_goes_on_over_sheets(monkeypatch):
    """No row is lost or repeated where a table breaks."""
    monkeypatch.setattr(sheets, "ROWS_A_SHEET", 3)
    made = book()
    assert ["T", "T (2)", "T (3)"] == made.table("T", "", [Column("C")], ((at,) for at in range(7)))
    assert ["U"] == made.table("U", "", [Column("C")], ((at,) for at in range(3)))
    again = load_workbook(io.BytesIO(made.render()))
    rows = [
        [row[0] for row in again[name].iter_rows(min_row=5, values_only=True)] for name in ("T", "T (2)", "T (3)", "U")
    ]
    assert [[0, 1, 2], [3, 4, 5], [6], [0, 1, 2]] == rows


def test_an_empty_table_says_so():
    """Nothing found is said, not left blank."""
    sheet = one_column([])
    assert "none" == sheet["A5"].value
    assert {} == sheet.tables


def test_a_table_prints_and_scrolls_under_its_head():
    """Head frozen and repeated, landscape, fitted to the width, pages numbered."""
    sheet = one_column(["x"])
    assert ("B5", "$4:$4", "landscape", 1, 0) == (
        sheet.freeze_panes, sheet.print_title_rows, sheet.page_setup.orientation,
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight,
    )  # fmt: skip
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert "&A: page &P of &N" == sheet.oddFooter.right.text


def test_columns_fit_their_text_up_to_a_cap():
    """A short column is narrow, a long one wraps, and its row is higher."""
    made = book()
    made.table("T", "", [Column("s", 40), Column("l", 40)], [("ab", "word " * 30)])
    sheet = load_workbook(io.BytesIO(made.render()))["T"]
    assert sheet.column_dimensions["A"].width < 10
    assert 40 == sheet.column_dimensions["B"].width
    assert sheet.row_dimensions[5].height > 40


def test_choices_are_offered_and_coloured():
    """A column that people fill has a yellow head, a drop-down, and a colour for each word."""
    sheet = one_column(["Open"], human=True, choices={"Open": Tone.BAD, "Fixed": Tone.GOOD})
    assert [('"Open,Fixed"', "A5")] == [(one.formula1, str(one.sqref)) for one in sheet.data_validations.dataValidation]
    rules = [rule.formula for area in sheet.conditional_formatting for rule in area.rules]
    assert [['"Open"'], ['"Fixed"']] == rules
    assert sheet["A4"].fill.start_color.rgb.endswith("FFF4C2")


def test_colours_come_with_a_word():
    """A badge writes its mark and word, on paper of its own."""
    sheet = one_column([Badge("X deviation", Tone.BAD)])
    assert "X deviation" == sheet["A5"].value
    assert sheet["A5"].fill.start_color.rgb.endswith("FBE4E2")


def test_a_chart_has_axes_and_a_piece_for_each_colour():
    """Readers draw no axes unless they are told that none was deleted."""
    made = book()
    page = made.page("P", "t", (20, 10, 10))
    page.grid(("Name", "met", "deviation"), [("a", 1, 2), ("b", 3, 0)], Chart("Bars", {1: Tone.GOOD, 2: Tone.BAD}))
    (chart,) = members(made.render(), "charts/chart").values()
    assert 2 == chart.count('delete val="0"')
    assert ["'P'!B2", "'P'!C2"] == re.findall(r"<tx>.*?<f>(.*?)</f>", chart)
    assert {"'P'!$A$3:$A$4"} == set(re.findall(r"<cat>.*?<f>(.*?)</f>", chart))


def test_the_same_calls_give_the_same_bytes():
    """Neither the wall clock nor the order of members shows in the file."""

    def made():
        one = book()
        one.table("T", "", [Column("C")], [(Link("x", url="https://code.example/"),)])
        one.page("P", "t", (9, 9)).grid(("a", "b"), [("x", 1)], Chart("c", {1: Tone.GOOD}))
        return one.render()

    first = made()
    time.sleep(1.1)
    assert first == made()
    infos = zipfile.ZipFile(io.BytesIO(first)).infolist()
    assert {(1980, 1, 1, 0, 0, 0)} == {info.date_time for info in infos}
    assert sorted(info.filename for info in infos) == [info.filename for info in infos]
    (core,) = members(first, "core.xml").values()
    assert ["2026-11-02T04:17:00Z"] * 2 == re.findall(r">(2026[^<]*)<", core)


def test_another_xml_library_is_not_used():
    """The library would write other bytes through lxml where that is installed."""
    assert LXML is False


def test_facts_are_shown_as_text():
    """Lists, instants, days, mappings and booleans have one form."""
    value = [AT, date(2026, 1, 2), True, None, {"b": AT, "a": 1}, "x"]
    assert '2026-11-02T04:17:00Z, 2026-01-02, true, , {"a": 1, "b": "2026-11-02T04:17:00Z"}, x' == shown(value)
