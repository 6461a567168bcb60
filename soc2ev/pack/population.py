"""One workbook per control: its lead, where its population came from, every item and outcome, what stands out."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from soc2ev.controls.judge import statement
from soc2ev.model import Control, Coverage, Finding, Item, Outcome, Result, unwaived
from soc2ev.pack import layout
from soc2ev.pack.cells import Cell, Chart, Column, Link
from soc2ev.pack.content import Content, EvidenceFile
from soc2ev.pack.marks import PIECES, WAIVED, Badge, Tone, mark, shown, state
from soc2ev.pack.sheets import Book, Page
from soc2ev.pack.summary import (
    asked,
    bodies,
    deviations,
    rate,
    reconciliation,
    signed,
    tally,
    waiver_text,
    wholeness,
)
from soc2ev.tables import documented

_UNTESTED_LISTED = 1_000
_ADVICE = "Advice to the auditor, not a verdict: whether the control was effective is the auditor's conclusion."
_AGAIN = (
    "`soc2ev verify PACK` checks every file and judges the raw evidence again; every outcome must be the same.",
    "`python3 verify.py PACK` checks every file and the journal with nothing but Python.",
    "The sheet IPE Bodies names each command or request, and the file that holds its unedited answer.",
)
_DRAWING = (
    "Choose a seed, for example the number of your engagement, and write it down.",
    "For each item take the SHA-256 of the seed, a vertical bar and the item's id, as UTF-8; the CSV has the ids.",
    "Sort the items by that digest and take as many from the top as you want.",
)


def render(content: Content, finding: Finding) -> bytes:
    """The workbook of that finding. The same content gives the same bytes."""
    path = layout.workbook(finding.control, finding.period, "xlsx")
    book = Book(path, f"{finding.control.title}, {finding.period.name}", content.tool, content.prepared_at)
    _ipe(book, content, finding)
    _bodies(book, content, finding)
    made = _population(book, finding)
    _left_out(book, finding)
    _sample(book, finding)
    _deviations(book, finding)
    _not_tested(book, finding)
    _dictionary(book, finding)
    _lead(book, content, finding, made)
    return book.render()


def _lead(book: Book, content: Content, finding: Finding, made: Sequence[str]) -> None:
    """The first sheet, made last: it says where the population goes on and which characters were replaced."""
    control, period = finding.control, finding.period
    page = book.page("Lead", control.title, (28, 78, 12, 12, 12, 12, 15), first=True)
    page.facts(
        [
            ("Control", control.id),
            ("Statement", control.statement),
            ("Why", control.why),
            ("Criteria", ", ".join(control.criteria)),
            ("Owner", control.owner),
            ("Frequency", control.frequency),
            ("Organisation", content.assessment.settings.config.organisation),
            ("Period", f"{period.name} in the calendar of {content.assessment.settings.config.timezone}"),
            ("Begins (UTC)", period.start),
            ("Ends before (UTC)", period.end),
            ("Prepared at (UTC)", content.prepared_at),
        ]
    )
    _conclusion(page, finding)
    _pattern(page, finding)
    page.section("How the population is defined")
    page.facts([("SQL", statement(control)), ("Control file", f"{control.origin}, {control.digest}")])
    _contents(page, book, made)
    page.section("Review")
    page.boxes(("Name and role", "Date", "Initials"), ("Prepared by", "Reviewed by"))


def _conclusion(page: Page, finding: Finding) -> None:
    page.section("Conclusion")
    page.facts(
        [
            ("Conclusion", mark(finding.conclusion)),
            ("Population size", len(finding.population.items)),
            ("Collections", wholeness(finding.population.coverage)),
            ("Lane", "census: every item was tested" if finding.lane == "census" else finding.lane),
            ("Deviation rate", rate(finding)),
            ("Not covered", finding.control.not_covered or "The control's author names nothing that it leaves out."),
        ]
    )
    page.section("Outcomes by attribute", "Items with each outcome; a waived deviation is counted as waived.")
    rows = [(f"{part.letter}  {part.key}", part.asks, *counts) for part, counts in tally(finding)]
    drawn = Chart("Outcomes by attribute (items)", dict(enumerate(PIECES.values(), 2)))
    page.grid(("Attribute", "Asks", *PIECES), rows, drawn)


def _pattern(page: Page, finding: Finding) -> None:
    pattern = finding.pattern
    if not pattern.rate:
        return
    page.section("How the deviations are spread", _ADVICE)
    page.facts([("Marker", Badge(f"! {marker}", Tone.UNKNOWN)) for marker in pattern.markers] or [("Markers", "none")])
    page.facts(
        (f"By {name}", ", ".join(f"{which}: {count}" for which, count in counts.items()))
        for name, counts in pattern.by.items()
    )


def _contents(page: Page, book: Book, made: Sequence[str]) -> None:
    page.section("In this workbook")
    page.facts(
        [
            ("IPE", Link("Where the population came from, and how to check it", sheet="IPE")),
            *((name, Link("Every item with every outcome", sheet=name)) for name in made),
            ("Deviations", Link("What deviated, and why", sheet="Deviations")),
            ("Not tested", Link("What could not be answered, and why", sheet="Not tested")),
            ("Dictionary", Link("What each column means", sheet="Dictionary")),
        ]
    )
    if len(made) > 1:
        whole = f"It goes on over {len(made)} sheets; the CSV beside this workbook holds it in one piece."
        page.facts([("Long population", whole)])
    if book.replaced:
        replaced = f"{book.replaced} that cannot be held or seen are shown as \\u and their number."
        page.facts([("Characters", replaced)])


def _ipe(book: Book, content: Content, finding: Finding) -> None:
    title = "Information produced by the entity: where this population came from"
    page = book.page("IPE", title, (36, 44, 10, 10, 24, 44, 20, 56))
    page.facts(
        [
            ("Made by", content.tool),
            ("Configuration", content.configuration),
            ("Checkpoint", content.checkpoint),
            ("Signed by", signed(content)),
        ]
    )
    page.section("Reconciliation", "Commits of the items and commits left out, against an independent count.")
    sums = [
        (one.stream, f"{one.commits} + {one.outside} = {one.commits + one.outside}", one.items,
         "unknown" if one.expected is None else one.expected, one.result)
        for one in reconciliation(finding)
    ]  # fmt: skip
    page.grid(("Stream", "Commits + left out", "Items", "Counted", "Result"), sums)
    page.section("Collections", "Each says itself how whole it is; over one that is not, no outcome is met.")
    heads = ("Stream", "Scope", "Expected", "Fetched", "State", "Reason", "Collected at (UTC)", "Details")
    page.grid(heads, map(_collection, finding.population.coverage))
    page.section("How to perform it again")
    page.lines(_AGAIN)


def _collection(entry: Coverage) -> Sequence[Cell]:
    scope = [("period", entry.period.name), *entry.scope.items()]
    return (
        entry.stream,
        "\n".join(f"{name}: {value}" for name, value in scope),
        "unknown" if entry.expected is None else entry.expected,
        entry.fetched,
        state(entry),
        entry.reason,
        entry.collected_at or "never",
        "\n".join(f"{name}: {shown(value)}" for name, value in sorted(entry.details.items())),
    )


def _bodies(book: Book, content: Content, finding: Finding) -> None:
    columns = (
        Column("Stored body", 44), Column("Command or request", 80), Column("Parameters", 60),
        Column("Asked at (UTC)", 20), Column("Answer", 30), Column("Rows counted", 14), Column("Bytes", 12),
        Column("SHA-256", 68), Column("Stream", 44), Column("Run", 30),
    )  # fmt: skip
    note = "Each answer behind the population, as received. One that came more than once stands where it came first."
    book.table("IPE Bodies", note, columns, (_body(one) for one in bodies(content, finding)))


def _body(one: EvidenceFile) -> Sequence[Cell]:
    item = one.item
    said = {name: value for name, value in item.request.items() if name not in ("argv", "method") and value is not None}
    return (
        Link(one.path.rpartition("/")[2], file=one.path),
        asked(item),
        "\n".join(f"{name}: {shown(value)}" for name, value in sorted(said.items())),
        item.received_at,
        "\n".join(f"{name}: {shown(value)}" for name, value in sorted(item.response.items()) if value != ""),
        "no list" if item.count is None else item.count,
        item.size,
        item.digest.removeprefix("sha256:"),
        item.stream,
        item.run,
    )


def _population(book: Book, finding: Finding) -> list[str]:
    facts = _fact_names(finding)
    columns = [
        Column("Item", 50), Column("Title", 50), Column("At (UTC)", 20),
        *(Column(part.letter, 18) for part in finding.control.attributes),
        Column("Waiver", 20), *(Column(name, 36) for name in facts),
    ]  # fmt: skip
    note = "Every item, and its outcome in each attribute; the lead says what the letters ask, and the facts follow."
    rows = (_item(finding.control, item, facts) for item in finding.population.items)
    return book.table("Population", note, columns, rows)


def _item(control: Control, item: Item, facts: Sequence[str]) -> Sequence[Cell]:
    still_open = unwaived(item)
    outcomes = [
        WAIVED if item.outcomes[letter].outcome is Outcome.DEVIATION and letter not in still_open
        else mark(item.outcomes[letter].outcome)
        for letter in (part.letter for part in control.attributes)
    ]  # fmt: skip
    waiver = item.waiver.id if item.waiver else ""
    return (_item_link(item), item.title, item.at, *outcomes, waiver, *(item.facts.get(name) for name in facts))


def _item_link(item: Item) -> Link:
    return Link(item.id, url=item.url or "")


def _fact_names(finding: Finding) -> list[str]:
    """The facts of the population, in the order in which its SQL names them."""
    return list(dict.fromkeys(name for item in finding.population.items for name in item.facts))


def _left_out(book: Book, finding: Finding) -> None:
    outside = sorted(finding.population.outside.items())
    rows = [(stream, one.get("commit"), one.get("reason")) for stream, commits in outside for one in commits]
    if rows:
        note = "Commits that path rules of the configuration leave out of the population, each with the reason."
        book.table("Left out", note, (Column("Stream", 50), Column("Commit", 46), Column("Reason", 80)), rows)


def _sample(book: Book, finding: Finding) -> None:
    page = book.page("Sample", "Sample", (28, 110))
    census = "Every item was tested, so no sample was drawn."
    page.facts([("In this pack", census if finding.lane == "census" else finding.lane)])
    page.section("To draw your own", "Nobody picks: anyone who knows the seed draws the same items again.")
    page.lines(_DRAWING)


def _deviations(book: Book, finding: Finding) -> None:
    columns = (
        Column("Deviation", 15), Column("Item", 50), Column("Title", 44), Column("At (UTC)", 20),
        Column("Attribute", 28), Column("Expected", 50), Column("Seen", 60), Column("Waiver", 50),
        Column("Evidence", 74),
    )  # fmt: skip
    rows = (
        (
            one.id, _item_link(one.item), one.item.title, one.item.at, f"{one.attribute.letter}  {one.attribute.key}",
            one.attribute.asks, one.result.reason, waiver_text(one.waiver), "\n".join(one.result.evidence),
        )
        for one in deviations(finding)
    )  # fmt: skip
    book.table("Deviations", "Every deviation, waived or not: a waiver never removes a row.", columns, rows)


def _untested(finding: Finding) -> Iterator[tuple[Item, str, Result]]:
    for item in finding.population.items:
        for letter, result in item.outcomes.items():
            if result.outcome is Outcome.NOT_TESTED:
                yield item, letter, result


def _not_tested(book: Book, finding: Finding) -> None:
    keys = {part.letter: f"{part.letter}  {part.key}" for part in finding.control.attributes}
    page = book.page("Not tested", "Not tested: what could not be answered, and why", (32, 110, 12))
    page.section("By reason", "Not tested is never taken for met. The sheet Not tested items names each item.")
    counts = Counter((letter, result.reason) for _, letter, result in _untested(finding))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    page.grid(("Attribute", "Reason", "Items"), ((keys[letter], reason, count) for (letter, reason), count in ordered))
    columns = (Column("Item", 50), Column("Title", 50), Column("Attribute", 30), Column("Reason", 90))
    listed = list(itertools.islice(_untested(finding), _UNTESTED_LISTED + 1))
    rows = [(_item_link(item), item.title, keys[letter], result.reason) for item, letter, result in listed]
    note = "Each item and attribute without an answer."
    if len(rows) > _UNTESTED_LISTED:
        note = f"The first {_UNTESTED_LISTED} without an answer; the CSV beside this workbook has all."
    book.table("Not tested items", note, columns, rows[:_UNTESTED_LISTED])


def _dictionary(book: Book, finding: Finding) -> None:
    rows: list[Sequence[Cell]] = [
        ("Item", "id of the item; it leads to the item where that has an https address"),
        ("Title", "what its source calls it"),
        ("At (UTC)", "when it happened, or the day that places it in the period"),
        *((part.letter, f"{part.key}: {part.asks}") for part in finding.control.attributes),
        ("Waiver", "id of the approved, dated, expiring acceptance of its deviations"),
        *((name, _meaning(name, finding.control)) for name in _fact_names(finding)),
    ]
    book.table(
        "Dictionary", "What the columns of the population mean.", (Column("Column", 34), Column("Meaning", 120)), rows
    )


def _meaning(column: str, control: Control) -> str:
    """What the tables that the control reads say about a column of that name."""
    for table in documented():
        for one in table.columns if table.name in control.needs else ():
            if one.name == column:
                return f"{one.doc} (table {table.name})"
    return "made by the control's SQL, which stands on the lead"
