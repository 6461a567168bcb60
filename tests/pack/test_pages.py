"""The start page: what it says, that no text from outside becomes markup, and that it stays small and alone."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hostile import ADDRESSES, ALL
from jinja2 import UndefinedError  # noqa: TID251  what the template engine raises
from made import content

from soc2ev.model import Coverage
from soc2ev.pack import layout, pages
from soc2ev.pack.marks import Tone

VOID = {"meta", "rect", "path", "br", "img", "link", "input"}


class Seen(HTMLParser):
    """Elements with the names of their attributes in order, links, text, and whether elements close as they open."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.links, self.ids, self.open, self.words = [], [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value for name, value in attrs if name in ("href", "src", "action", "xlink:href")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


PAGE = pages.start_here(content())
SEEN = Seen(PAGE)
HARMLESS = Seen(pages.start_here(content(lambda name, _: "plain"))).elements


def test_the_page_is_well_formed():
    """Every element that opens closes, ids are unique, and links inside the page arrive."""
    assert [] == SEEN.open
    assert len(SEEN.ids) == len(set(SEEN.ids))
    assert {link[1:] for link in SEEN.links if link.startswith("#")} <= set(SEEN.ids)


def test_the_page_stands_alone():
    """No script, no style sheet, no picture, no form; a policy that forbids what is not there; nothing is fetched."""
    assert set() == {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & {
        tag for tag, _ in SEEN.elements
    }
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in PAGE.replace("&#39;", "'")
    assert set() == set(re.findall(r"@import|url\((?!#)[^)]*\)|expression\(", PAGE))
    assert [] == [name for _, names in SEEN.elements for name in names if name.startswith("on") or name == "style"]


def test_every_attribute_is_quoted():
    """An unquoted attribute would let a blank in a title begin another one."""
    for tag in re.findall(r"<[a-z][^>]*>", re.sub(r"(?s)<style>.*?</style>", "", PAGE)):
        assert re.fullmatch(r'<[a-z0-9]+( [a-zA-Z:-]+="[^"]*")*/?>', tag), tag


def test_in_two_minutes():
    """Organisation, period, gaps, conclusion, deviations, next step, the way on, checks and limits are all said."""
    for words in (
        "SOC 2 evidence pack Example Co 2026-10, from 2026-10-01 00:00Z until before 2026-11-01 00:00Z",
        "? 1 of 3 collections are provisional, made before their period closed; 1 of 3 collections are incomplete",
        "acme/api, branches: main, paths: **",
        "registers:files ? incomplete 1 3 2 the server closed the connection",
        "registers:history ? provisional 1 unknown 2",
        "Changes are reviewed X deviations CC8.1 · 4 items · provisional · population not complete",
        "1 met, 1 deviation, 1 waived, 1 not tested",
        "Nobody approved it.",
        "Waived: W-1: accepted until the rewrite",
        "+7 points Require reviews.",
        "python3 verify.py .",
        "sha256sum -c manifest-sha256.txt",
        "soc2ev verify .",
        "Whether a control was effective is the conclusion of the CPA who examines it, never of this tool.",
    ):
        assert words in SEEN.text
    assert SEEN.text.index("provisional") < SEEN.text.index("Results by control")


def test_the_way_on():
    """The index, each workbook and the raw evidence are links relative to the page."""
    relative = {link for link in SEEN.links if not link.startswith(("#", "https://"))}
    workbook = "03_Change-Management/CC8.1_changes-reviewed_2026-10.xlsx"
    assert {layout.INDEX, workbook, "03_Change-Management/raw/"} == relative


def test_a_whole_pack_says_so_calmly():
    """Only when every collection is complete and closed does the first line say so."""
    given = content()
    first = given.assessment.tables.entries[0]
    tables = replace(given.assessment.tables, entries=(first,))
    page = pages.start_here(replace(given, assessment=replace(given.assessment, tables=tables)))
    assert '<div class="call good"><strong>P complete and closed</strong>' in page


def test_nothing_collected_is_loud():
    """No coverage claims nothing, so nothing looks complete."""
    given = content()
    tables = replace(given.assessment.tables, entries=())
    page = pages.start_here(replace(given, assessment=replace(given.assessment, tables=tables)))
    assert '<div class="call unknown"><strong>? nothing was collected</strong>' in page
    assert "Nothing was collected." in page


def test_an_unsigned_checkpoint_is_loud():
    """Consistency is not authorship."""
    assert "? nobody: an unsigned checkpoint" in pages.start_here(replace(content(), signed_by=()))


@pytest.mark.parametrize("text", ALL)
def test_no_hostile_text_becomes_markup(text):
    """In every field at once: the same elements with the same attributes as for a harmless word, and no new link."""
    page = pages.start_here(content(lambda name, _: text))
    seen = Seen(page)
    assert HARMLESS == seen.elements
    assert [] == [link for link in seen.links if not re.fullmatch(r"#[a-z]+|[A-Za-z0-9_./-]+", link)]
    page.encode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_dangerous_address_is_no_link(address):
    """An item whose address is not a plain https one is shown without a link."""
    page = pages.start_here(content(lambda name, text: address if name == "Item.url" else text))
    assert [] == [link for link in Seen(page).links if ":" in link]
    assert "https://code.example/deviating" in SEEN.links


def test_characters_that_hide_are_shown():
    """A turned reading direction and control characters appear as their numbers."""
    page = pages.start_here(content(lambda name, text: "a\u202eb\x1bc" if name == "Item.title" else text))
    assert "a\\u202eb\\u001bc" in page


def test_templates_are_never_made_of_data():
    """A title that is a template stays as it was typed, and a field that is missing is an error, not a blank."""
    page = pages.start_here(content(lambda name, text: "{{ 7 * 7 }}" if name == "Control.title" else text))
    assert "{{ 7 * 7 }}" in page
    with pytest.raises(UndefinedError):
        pages._environment().from_string("{{ missing }}").render()


def test_a_thousand_items_fit():
    """At most 200 deviations are listed, the page says where the rest is, and it stays below 300 kB."""
    page = pages.start_here(
        content(lambda name, text: text + " and so on" * 10 if name.startswith("Result.reason") else text, size=250)
    )
    assert 200 == len(set(re.findall(r"<code>(DEV-[0-9a-f]{8})</code>", page)))
    assert "500 in all; the first 200 are listed here, the rest on the sheet Deviations" in page
    assert len(page.encode()) < 300_000


def test_open_deviations_come_before_waived_ones():
    """What nobody has accepted is what a reader must see first."""
    rows = re.findall(r"(?s)<code>DEV-.*?</tr>", pages.start_here(content(size=5)))
    assert [False] * 5 + [True] * 5 == ["Waived:" in row for row in rows]


def test_long_text_is_cut_and_says_so():
    """A long reason does not drown the page; the workbooks hold the whole."""
    page = pages.start_here(content(lambda name, text: "y" * 5000 if name == "Result.reason" else text))
    assert "y" * 401 not in page
    assert "… (cut here; the workbooks hold the whole)" in page


def test_streams_that_are_not_whole_come_first():
    """Of many streams the first hundred are listed, the gaps among them, and the page says how many there are."""
    given = content()
    closed = datetime(2026, 11, 2, tzinfo=UTC)
    period = given.assessment.period
    whole = [Coverage(f"git:a{at:03d}:commits", period, 1, 1, complete=True, collected_at=closed) for at in range(150)]
    gap = Coverage("git:zzz:commits", period, 2, 1, complete=False, reason="cut", collected_at=closed)
    tables = replace(given.assessment.tables, entries=(*whole, gap))
    page = Seen(pages.start_here(replace(given, assessment=replace(given.assessment, tables=tables)))).text
    assert page.index("git:zzz:commits ? incomplete") < page.index("git:a000:commits")
    assert "100 of 151 streams are listed here" in page


def test_collections_of_a_stream_are_summed():
    """Months in different states are told apart; an unknown count makes the sum unknown; reasons come once."""
    period, closed = content().assessment.period, datetime(2026, 11, 2, tzinfo=UTC)
    entries = [
        Coverage("git:a:commits", period, 5, 5, complete=True, collected_at=closed),
        Coverage("git:a:commits", period, 5, 3, complete=False, reason="cut", collected_at=closed),
        Coverage("git:a:commits", period, 5, 4, complete=False, reason="cut", collected_at=closed),
    ]
    (summed,) = pages._streams(entries)
    assert ["? incomplete (2)", "P complete (1)"] == [badge.text for badge in summed["states"]]
    assert (15, 12, ["cut"]) == (summed["expected"], summed["fetched"], summed["reasons"])
    unknown = Coverage("git:a:commits", period, None, 4, complete=True, collected_at=closed)
    assert [None] == [one["expected"] for one in pages._streams([*entries, unknown])]


def test_a_bar_is_full_and_leaves_out_nothing():
    """Pieces follow one another up to a hundred; a single item among thousands still has its piece."""
    pieces = pages.bar([("met", 4999, Tone.GOOD), ("deviation", 1, Tone.BAD), ("waived", 0, Tone.ACCEPTED)])
    assert [("4999 met", 0.0, 99.98), ("1 deviation", 99.98, 0.02)] == [
        (one.label, one.begins, one.length) for one in pieces
    ]
    assert ["2 deviations"] == [one.label for one in pages.bar([("deviation", 2, Tone.BAD)])]
    assert [] == pages.bar([("met", 0, Tone.GOOD)])


def test_charts_say_in_words_what_they_draw():
    """Each picture has a role and a title."""
    charts = re.findall(r'(?s)<svg class="bar" role="img"[^>]*><title>(.*?)</title>', PAGE)
    assert PAGE.count('<svg class="bar"') == len(charts)
    assert "A: 1 met, 1 deviation, 1 waived, 1 not tested" in charts


def test_a_workbook_outside_the_pack_is_no_link():
    """A path that is not ours is named, and not followed."""
    given = content()
    moved = replace(given, workbooks=((given.assessment.findings[0], "03_Change-Management/../../x.xlsx"),))
    assert [] == [link for link in Seen(pages.start_here(moved)).links if ".xlsx" in link and link != layout.INDEX]
