"""The index and the population workbooks: what they say, that nothing hostile gets through, and that nothing is left out."""

import dataclasses
import hashlib
import io
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hostile import ALL
from made import content
from openpyxl import load_workbook  # noqa: TID251  an independent reading of what was written

from soc2ev import model
from soc2ev.checklist import Action, Answered
from soc2ev.checklist.questions import Question
from soc2ev.pack import content as content_
from soc2ev.pack import index, pages, population, sheets
from soc2ev.pack.marks import visible

HARMLESS = content()


def opened(body):
    return load_workbook(io.BytesIO(body))


def index_of(given=HARMLESS):
    return opened(index.render(given))


def population_of(given=HARMLESS):
    return opened(population.render(given, given.assessment.findings[0]))


def dump(sheet, columns=99):
    """The sheet as text: one line a row, cells parted by bars, empty ones at the end left out."""
    rows = []
    for row in sheet.iter_rows(max_col=columns, values_only=True):
        cells = ["" if cell is None else str(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        rows.append(" | ".join(cells))
    return "\n".join(rows).rstrip().splitlines()


def section(sheet, title, columns=99):
    """The rows of a page from one heading to the next blank row."""
    lines = dump(sheet, columns)
    rest = lines[lines.index(title) + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def texts(book):
    return {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}


def test_the_sheets_of_the_index():
    """Every sheet is there, in the order in which people need them."""
    names = [
        "Cover", "Dashboard", "Controls", "Evidence Index", "Audit Requests", "Deviations", "Coverage", "Left out", "Checklist",
        "Next actions", "Procedures & marks", "Dictionary",
    ]  # fmt: skip
    assert names == index_of().sheetnames


def test_the_sheets_of_a_population():
    """Lead first; what does not exist has no sheet."""
    names = [
        "Lead", "IPE", "IPE Bodies", "Population", "Left out", "Sample", "Deviations", "Not tested", "Not tested items", "Dictionary",
    ]  # fmt: skip
    assert names == population_of().sheetnames


def test_every_sheet_of_the_index_is_one_click_away():
    """The cover links to all others, to the start page, and to nothing that is not there."""
    book = index_of()
    links = [cell.hyperlink for row in book["Cover"].iter_rows() for cell in row if cell.hyperlink]
    inside = [link.location.rpartition("!")[0].strip("'") for link in links if link.location]
    assert book.sheetnames[1:] == inside
    assert ["00_START-HERE.html"] == [link.target for link in links if link.target]


def test_the_cover_says_what_is_missing():
    """Provisional and incomplete collections, the zone, the instants and the signature stand on the first sheet."""
    assert [
        "Example Co: SOC 2 evidence",
        "Period | 2026-10 in the calendar of UTC",
        "Begins (UTC) | 2026-10-01 00:00:00",
        "Ends before (UTC) | 2026-11-01 00:00:00",
        "Prepared at (UTC) | 2026-11-02 04:17:00",
        "Collections | ? 1 of 3 collections are provisional, made before their period closed; 1 of 3 collections are incomplete",
        "Production changes | acme/api, branches: main, paths: **",
        "Sources | git, registers",
        "Criteria | CC8.1",
    ] == dump(index_of()["Cover"])[:9]
    assert "Signed by | P ann-2026" in dump(index_of()["Cover"])
    unsigned = dataclasses.replace(HARMLESS, signed_by=())
    assert "Signed by | ? nobody: an unsigned checkpoint shows consistency, not who made it" in dump(
        index_of(unsigned)["Cover"]
    )


def test_the_cover_says_what_the_pack_does_not_prove():
    """Each limit stands there in the words that every rendition uses."""
    numbered = [f"{number} | {limit}" for number, limit in enumerate(content_.LIMITS, 1)]
    assert numbered == section(index_of()["Cover"], "What this pack proves, and what it does not")


def test_the_counts_tell_waived_and_untested_apart():
    """A waived deviation is no open one, and what was not tested is counted."""
    assert [
        "Readiness of 100 | 42",
        "Controls | 1",
        "Items | 4",
        "Deviations | 1",
        "Waived | 1",
        "Not tested | 1",
        "Evidence files | 1",
    ] == section(index_of()["Cover"], "Counts")


def test_the_dashboard_shows_outcomes_answers_and_gaps():
    """Conclusions with their marks, answers by checklist, and every collection that is not whole and closed."""
    sheet = index_of()["Dashboard"]
    assert [
        "Outcomes are counted by item and attribute; a waived deviation is counted as waived.",
        "Control | Conclusion | met | deviation | waived | not tested | not applicable",
        "changes-reviewed | X deviations | 1 | 1 | 1 | 1 | 4",
    ] == section(sheet, "Controls")
    assert "Change management | change-management | 1 | 1 | 1 | 1 | 1" in dump(sheet)
    assert [
        "What was not collected whole, or before its period had closed.",
        "Stream | State | Expected | Fetched",
        "registers:files | ? incomplete | 3 | 2",
        "registers:history | ? provisional | unknown | 2",
    ] == section(sheet, "Coverage gaps")


def test_coverage_tells_what_was_not_collected():
    """Each collection with its expected and fetched rows, its state and its reason."""
    assert [
        "git:acme/api:main:commits | 9 | 9 | P complete | no | ",
        "registers:files | 3 | 2 | ? incomplete | no | the server closed the connection",
        "registers:history | unknown | 2 | ? provisional | yes | ",
    ] == [" | ".join(str(row[at] or "") for at in (0, 3, 4, 5, 6, 7)) for row in rows_of(index_of()["Coverage"])]


def rows_of(sheet):
    return list(sheet.iter_rows(min_row=5, values_only=True))


def test_the_evidence_index_has_the_eight_fields():
    """Criteria, owner, source, period, status, ticket, incident and request stand in front; the file is a link."""
    sheet = index_of()["Evidence Index"]
    row = rows_of(sheet)[0]
    assert ("EV-000007", "CC8.1", "Eli Moss", "git", "2026-10", "Collected", "API-7", None, None) == row[:9]
    assert ("git log main", "git log main", 9, 1234, "ab" * 32) == (row[9], row[10], row[12], row[13], row[15])
    assert "03_Change-Management/raw/git-commits_000007.txt" == sheet["O5"].hyperlink.target


def test_deviations_keep_their_id_and_wait_for_people():
    """The id depends on control, item and letter only; a waived deviation stays in the list."""
    named = "DEV-" + hashlib.sha256(b"changes-reviewed|acme/api@deviating|A").hexdigest()[:8]
    rows = rows_of(index_of()["Deviations"])
    assert (named, "acme/api@deviating", "Nobody approved it.", None, "Open") == tuple(
        rows[0][at] for at in (0, 2, 6, 8, 14)
    )
    assert ("acme/api@waived", "Accepted", "Dana Roth") == (rows[1][2], rows[1][14], rows[1][15])
    assert "W-1: accepted until the rewrite (approved by Dana Roth on 2026-09-01, expires on 2026-12-31)" == rows[1][8]
    assert 2 == len(rows)


def test_columns_for_people_are_yellow_and_offer_words():
    """Review status, deviations and requests are filled by people, from drop-downs where words are fixed."""
    book = index_of()
    yellow = {
        name: [cell.value for cell in book[name][4] if cell.fill.start_color.rgb.endswith("FFF4C2")]
        for name in ("Evidence Index", "Deviations", "Coverage")
    }
    assert ["Review status", "Related incident", "Audit request ID"] == yellow["Evidence Index"]
    assert ["Cause", "Compensating control", "Owner", "Due", "Ticket", "Status", "Approved by"] == yellow["Deviations"]
    assert [] == yellow["Coverage"]
    assert 3 == len(book["Audit Requests"].data_validations.dataValidation)


def test_the_checklist_has_every_question_with_its_mark():
    """Each answer with its reason and what to do next."""
    rows = rows_of(index_of()["Checklist"])
    assert ["P yes", "X no", "~ partly", "? not known", "– not applicable"] == [row[3] for row in rows]
    assert ("Because yes.", "changes-reviewed A", "Ask for reviews.") == (rows[0][4], rows[0][6], rows[0][7])


def test_the_lead_says_how_whole_the_population_is():
    """Conclusion, size, gaps, lane and rate stand together, before any count."""
    assert [
        "Conclusion | X deviations",
        "Population size | 4",
        "Collections | ? 1 of 3 collections are provisional, made before their period closed; 1 of 3 collections are incomplete",
        "Lane | census: every item was tested",
        "Deviation rate | 50.0% of 3 tested",
        "Not covered | Consoles.",
    ] == section(population_of()["Lead"], "Conclusion")
    assert [
        "Items with each outcome; a waived deviation is counted as waived.",
        "Attribute | Asks | met | deviation | waived | not tested | not applicable",
        "A  reviewed | Was it reviewed? | 1 | 1 | 1 | 1 | 0",
        "B-tested  tested | Was it tested? | 0 | 0 | 0 | 0 | 4",
    ] == section(population_of()["Lead"], "Outcomes by attribute")


def test_the_pattern_is_advice():
    """Markers are shown as the auditor's business, never as a verdict."""
    lines = section(population_of()["Lead"], "How the deviations are spread")
    assert lines[0].startswith("Advice to the auditor, not a verdict")
    assert ["Marker | ! rate: 50% of 4 items tested", "By month | 2026-10: 2"] == lines[1:]


def test_the_ipe_sheet_reconciles_commits():
    """Commits of the items and those left out make what was counted; a difference is loud."""
    assert "git:acme/api:main:commits | 8 + 1 = 9 | 4 | 9 | P adds up" in dump(population_of()["IPE"])
    finding = HARMLESS.assessment.findings[0]
    fewer = dataclasses.replace(finding, population=dataclasses.replace(finding.population, outside={}))
    assert "git:acme/api:main:commits | 8 + 0 = 8 | 4 | 9 | X differs by -1" in dump(
        opened(population.render(HARMLESS, fewer))["IPE"]
    )


def test_an_unknown_count_is_not_reconciled():
    """Where nobody could tell how many commits there were, nothing is said to add up."""
    finding = HARMLESS.assessment.findings[0]
    first, *rest = finding.population.coverage
    unknown = (dataclasses.replace(first, expected=None), *rest)
    changed = dataclasses.replace(finding, population=dataclasses.replace(finding.population, coverage=unknown))
    assert "git:acme/api:main:commits | 8 + 1 = 9 | 4 | unknown | ? not reconciled" in dump(
        opened(population.render(HARMLESS, changed))["IPE"]
    )


def test_an_empty_population_of_counted_commits_does_not_add_up():
    """No items where nine commits were counted is a difference, not a silence."""
    finding = HARMLESS.assessment.findings[0]
    empty = dataclasses.replace(finding, population=dataclasses.replace(finding.population, items=(), outside={}))
    book = opened(population.render(HARMLESS, empty))
    assert "git:acme/api:main:commits | 0 + 0 = 0 | 0 | 9 | X differs by -9" in dump(book["IPE"])
    assert "none" == dump(book["Population"])[4]


def test_each_stored_body_can_be_asked_again():
    """The exact command, its answer and the raw file, relative to the workbook's own folder."""
    sheet = population_of()["IPE Bodies"]
    row = rows_of(sheet)[0]
    assert ("git -c core.pager=cat log main", "exit: 0\nstderr: warning: none", 9, 1234, "ab" * 32) == (
        row[1],
        row[4],
        *row[5:8],
    )
    assert "raw/git-commits_000007.txt" == sheet["A5"].hyperlink.target


def test_the_population_has_every_item_with_every_outcome():
    """One row an item: link, time in UTC, a mark for each attribute, then the facts."""
    sheet = population_of()["Population"]
    heads = [
        "Item",
        "Title",
        "At (UTC)",
        "A",
        "B-tested",
        "Waiver",
        "repository",
        "ref",
        "commits",
        "makers",
        "pull_request",
        "made_up",
    ]
    assert heads == [cell.value for cell in sheet[4]]
    assert ["P met", "X deviation", "W waived", "? not tested"] == [row[3] for row in rows_of(sheet)]
    assert (None, None, "W-1", None) == tuple(row[5] for row in rows_of(sheet))
    assert [None, "https://code.example/deviating"] == [
        cell.hyperlink and cell.hyperlink.target for cell in (sheet["A5"], sheet["A6"])
    ]
    assert "2026-10-04 10:11:12.346000 | c1, c2 | 412" == " | ".join(str(rows_of(sheet)[0][at]) for at in (2, 8, 10))


def test_what_was_not_tested_is_grouped_by_reason():
    """Reasons with their counts first, then each item."""
    book = population_of()
    assert "A  reviewed | Plain git holds no reviews. | 1" in dump(book["Not tested"])
    assert [("acme/api@untested", "Plain git holds no reviews.")] == [
        (row[0], row[3]) for row in rows_of(book["Not tested items"])
    ]


def test_the_dictionary_takes_its_words_from_the_tables():
    """Facts are explained by the columns that they come from; the SQL's own are said to be so."""
    meanings = {row[0]: row[1] for row in rows_of(population_of()["Dictionary"])}
    assert "(table changes)" in meanings["pull_request"]
    assert "made by the control's SQL, which stands on the lead" == meanings["made_up"]
    assert "reviewed: Was it reviewed?" == meanings["A"]


def test_a_long_population_says_where_the_whole_is(monkeypatch):
    """The lead names every sheet of the population and the CSV."""
    monkeypatch.setattr(sheets, "ROWS_A_SHEET", 3)
    book = population_of()
    assert {"Population", "Population (2)"} <= set(book.sheetnames)
    assert "Long population | It goes on over 2 sheets; the CSV beside this workbook holds it in one piece." in dump(
        book["Lead"]
    )


@pytest.mark.parametrize("text", ALL)
def test_no_hostile_text_becomes_anything_else(text):
    """In every field at once: no formula, no error, no link but into the pack, the workbook opens, the text is there."""
    given = content(lambda name, _: text)
    for body in (index.render(given), population.render(given, given.assessment.findings[0])):
        for name, xml in parts(body):
            assert not re.search(r"<f[ >/]", xml), name
            assert 't="e"' not in xml, name
            assert [] == [
                target for target in re.findall('Target="(.*?)" TargetMode="External"', xml) if not harmless(target)
            ]
        seen = {found.replace("_x005F_", "_") for found in texts(opened(body))}
        assert any(visible(text)[0].strip() in one for one in seen)


def parts(body):
    archive = zipfile.ZipFile(io.BytesIO(body))
    return [(name, archive.read(name).decode()) for name in archive.namelist() if name.startswith("xl/worksheets/")]


def harmless(target):
    return re.fullmatch(r"https://code\.example/[a-z]+|(\.\./)?[0-9A-Za-z._-]+(/[0-9A-Za-z._-]+)*", target)


SHOWN_ELSEWHERE = {
    "Control.area": "decides the folder",
    "Control.text": "stands in the pack as a file",
    "Control.examples": "stand in the control's file",
    "Item.outcomes": "its letters are those of the attributes",
    "Control.needs": "decides which coverage is shown",
    "Waiver.control": "its deviation names the control",
    "Waiver.items": "its deviations are the items",
    "Waiver.attributes": "its deviations are the attributes",
    "EvidenceItem.run": "as Coverage.run",
    "EvidenceItem.stream": "as Coverage.stream",
    "EvidenceFile.path": "is a link",
    "Item.url": "is a link",
    "Content.workbooks": "is a link",
    "Attribute.met": "is a form of Result.reason",
    "Attribute.deviation": "is a form of Result.reason",
    "Attribute.unknown": "is a form of Result.reason",
    "Attribute.not_applicable": "is a form of Result.reason",
    "Attribute.evidence": "is part of the SQL on the lead",
    "Attribute.needs": "decides which coverage counts",
    "Question.would_answer": "is a form of Answered.next",
    "Answered.evidence": "stands in the evidence index",
    "Population.outside": "as outside.commit and outside.reason",
}
"""Fields with text that no rendition writes out, each with the reason."""


def test_every_text_of_the_content_reaches_a_reader():
    """A new field must be written by a rendition and attacked by the corpus, or be named here with a reason."""
    said = {}
    given = content(lambda name, text: said.setdefault(name, text if name == "Item.url" else f"SAYS {name}."))
    classes = [
        getattr(model, name)
        for name in ("Attribute", "Control", "Coverage", "EvidenceItem", "Item", "Population", "Result", "Waiver")
    ]
    classes += [content_.Content, content_.EvidenceFile, Question, Answered, Action]
    fields = {
        f"{one.__name__}.{field.name}"
        for one in classes
        for field in dataclasses.fields(one)
        if re.search(r"\bstr\b", str(field.type))
    }
    assert [] == sorted(fields - set(said) - set(SHOWN_ELSEWHERE))
    finding = given.assessment.findings[0]
    everything = "\n".join([*texts(index_of(given)), *texts(population_of(given)), pages.start_here(given)])
    assert finding.control.title in everything
    unseen = [name for name in said if f"SAYS {name}." not in everything]
    assert [] == [name for name in unseen if name not in SHOWN_ELSEWHERE]


def renditions(given):
    return [
        index.render(given),
        population.render(given, given.assessment.findings[0]),
        pages.start_here(given).encode(),
    ]


def test_the_same_content_gives_the_same_bytes():
    """Later, and from a second content that is equal, every rendition is the same."""
    first = renditions(HARMLESS)
    time.sleep(1.1)
    assert first == renditions(content())


def test_neither_hash_seed_nor_zone_nor_locale_shows():
    """Two processes with other seeds, zones and locales write the same bytes."""
    program = "import hashlib, test_workbooks as t; print([hashlib.sha256(one).hexdigest() for one in t.renditions(t.content())])"
    worlds = (
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, **world},
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
        )
        for world in worlds
    ]
    first, second = (process.communicate(timeout=60)[0] for process in running)
    assert first == second
    assert str([hashlib.sha256(one).hexdigest() for one in renditions(HARMLESS)]) == first.decode().strip()


def test_a_waiver_covers_only_the_attributes_that_it_names():
    """A deviation in another attribute stays open in every sheet and on the page, whatever its item's waiver says."""
    finding = HARMLESS.assessment.findings[0]
    waived = next(item for item in finding.population.items if item.waiver)
    narrow = dataclasses.replace(waived, waiver=dataclasses.replace(waived.waiver, attributes=("B-tested",)))
    changed = dataclasses.replace(finding, population=dataclasses.replace(finding.population, items=(narrow,)))
    given = dataclasses.replace(
        HARMLESS,
        assessment=dataclasses.replace(HARMLESS.assessment, findings=(changed,)),
        workbooks=((changed, HARMLESS.workbooks[0][1]),),
    )
    (row,) = rows_of(index_of(given)["Deviations"])
    assert (None, "Open", None) == (row[8], row[14], row[15])
    assert ["X deviation"] == [row[3] for row in rows_of(population_of(given)["Population"])]
    assert ["Deviations | 1", "Waived | 0"] == section(index_of(given)["Cover"], "Counts")[3:5]
    assert "Waived:" not in pages.start_here(given)
