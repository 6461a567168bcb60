"""`00_Index.xlsx`: the workbook that people live in, from which every other file of the pack is one click away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from soc2ev.checklist import Answered
from soc2ev.model import Answer, Attribute, Coverage, EvidenceItem, Finding
from soc2ev.pack import layout
from soc2ev.pack.cells import Cell, Chart, Column, Link
from soc2ev.pack.content import LIMITS, Content, EvidenceFile
from soc2ev.pack.marks import LEGEND, PIECES, Tone, mark, state
from soc2ev.pack.sheets import Book, Page
from soc2ev.pack.summary import (
    Noted,
    asked,
    checklists,
    counts,
    deviations,
    rate,
    scope,
    signed,
    totals,
    waiver_text,
    wholeness,
)

_REVIEW = {
    "Collected": Tone.QUIET, "Draft": Tone.UNKNOWN, "In review": Tone.UNKNOWN, "Approved": Tone.GOOD,
    "Accepted": Tone.GOOD, "Rejected": Tone.BAD, "Retired": Tone.QUIET,
}  # fmt: skip
_RESPONSE = {
    "Open": Tone.BAD, "Explained": Tone.UNKNOWN, "In progress": Tone.UNKNOWN, "Fixed": Tone.GOOD,
    "Accepted": Tone.ACCEPTED,
}  # fmt: skip
_INTERNAL = {"Open": Tone.UNKNOWN, "In progress": Tone.UNKNOWN, "Ready": Tone.GOOD, "Not applicable": Tone.QUIET}
_AUDITOR = {"Submitted": Tone.UNKNOWN, "Accepted": Tone.GOOD, "Follow-up": Tone.BAD, "Withdrawn": Tone.QUIET}
_PRIORITY = {"High": Tone.BAD, "Normal": Tone.UNKNOWN, "Low": Tone.QUIET}
_REQUESTS = (
    Column("Request ID", 14, human=True), Column("Auditor's wording", 60, human=True),
    Column("Criteria", 14, human=True), Column("Period", 16, human=True), Column("Format", 14, human=True),
    Column("Priority", 12, human=True, choices=_PRIORITY), Column("Owner", 20, human=True),
    Column("Due", 14, human=True), Column("Internal status", 18, human=True, choices=_INTERNAL),
    Column("Auditor status", 18, human=True, choices=_AUDITOR), Column("Evidence IDs", 30, human=True),
    Column("Notes", 50, human=True),
)  # fmt: skip
_EMPTY_REQUESTS = 60
_MEANINGS = (
    ("Evidence Index", "Evidence ID", "EV- and the line of the journal that records the body"),
    ("Evidence Index", "SOC 2 criteria", "criteria of the controls that the evidence serves"),
    ("Evidence Index", "Evidence owner", "who answers for it by its register; empty when nobody is named"),
    ("Evidence Index", "Source system", "source that delivered it"),
    ("Evidence Index", "Period covered", "period that its collection answers for"),
    ("Evidence Index", "Review status", "status of the register, else Collected; yours to change"),
    ("Evidence Index", "Related change ticket", "tickets that the register names"),
    ("Evidence Index", "Related incident", "yours to fill"),
    ("Evidence Index", "Audit request ID", "request that it answers; yours to fill"),
    ("Evidence Index", "Rows", "rows that the collector counted in the body; empty when it is no list"),
    ("Evidence Index", "SHA-256", "of the file's bytes, as in the journal"),
    ("Controls", "Deviation rate", "items with a deviation, waived or not, among the items with an answer"),
    ("Controls", "Markers", "signs that deviations are systematic: advice to the auditor, never a verdict"),
    (
        "Deviations",
        "Deviation",
        "DEV- and eight digits of the SHA-256 of control|item|attribute: the same in every run",
    ),
    ("Deviations", "Expected", "what the attribute asks"),
    ("Deviations", "Seen", "why the answer is no"),
    ("Coverage", "Expected", "rows that an independent count promised; unknown when nobody could tell"),
    ("Coverage", "Fetched", "rows that were stored"),
    ("Coverage", "Provisional", "whether it was collected before its period closed"),
    ("Checklist", "Answer", "yes needs a complete, closed population without a deviation that nobody waived"),
    ("Next actions", "Points", "what the readiness score gains at most"),
)

Sheet = tuple[str, str, Sequence[Column], Iterator[Sequence[Cell]]]
"""Name, what it shows, columns, rows."""


def render(content: Content) -> bytes:
    """The index workbook. The same content gives the same bytes."""
    title = f"SOC 2 evidence of {content.assessment.settings.config.organisation}, {content.assessment.period.name}"
    book = Book(layout.INDEX, title, content.tool, content.prepared_at)
    made = [(_dashboard(book, content).name, "readiness, conclusions, outcomes and gaps at a glance")]
    for name, says, columns, rows in _tables(content):
        made += [(sheet, says) for sheet in book.table(name, says, columns, rows)]
    made.append((_procedures(book, content).name, "what each control says and how it is tested; the legend of marks"))
    says = "what each column means; columns under a yellow head are kept by people"
    columns = (Column("Sheet", 20), Column("Column", 26), Column("Meaning", 110))
    made += [(sheet, says) for sheet in book.table("Dictionary", says, columns, _MEANINGS)]
    _cover(book, content, made)
    return book.render()


def _tables(content: Content) -> Iterator[Sheet]:
    yield _controls(content)
    yield _evidence(content)
    empty: Iterator[Sequence[Cell]] = ((None,) * len(_REQUESTS) for _ in range(_EMPTY_REQUESTS))
    yield (
        "Audit Requests",
        "the auditor's requests, for you to fill; name the evidence IDs that answer",
        _REQUESTS,
        empty,
    )
    yield _deviations(content)
    yield _coverage(content)
    if any(finding.population.outside for finding in content.assessment.findings):
        yield _left_out(content)
    if content.late_changes:
        yield _late_changes(content)
    yield _checklist(content)
    yield _next(content)


def _cover(book: Book, content: Content, made: Sequence[tuple[str, str]]) -> None:
    """The first sheet, made last: it leads to all others and says which characters were replaced."""
    config, period = content.assessment.settings.config, content.assessment.period
    page = book.page("Cover", f"{config.organisation}: SOC 2 evidence", (28, 92, 16, 16), first=True)
    page.facts(
        [
            ("Period", f"{period.name} in the calendar of {config.timezone}"),
            ("Begins (UTC)", period.start),
            ("Ends before (UTC)", period.end),
            ("Prepared at (UTC)", content.prepared_at),
            ("Collections", wholeness(content.assessment.tables.coverage())),
            *scope(content),
        ]
    )
    page.section("Contents")
    page.facts([("Start page", Link(layout.START, file=layout.START))])
    page.facts((sheet, Link(says[:1].upper() + says[1:], sheet=sheet)) for sheet, says in made)
    page.section("Counts")
    page.facts(counts(content))
    page.section("What this pack proves, and what it does not")
    page.lines(LIMITS)
    page.section("How it was made")
    page.facts([("Tool", content.tool), ("Configuration", content.configuration), ("Checkpoint", content.checkpoint)])
    page.facts([("Signed by", signed(content))])
    if book.replaced:
        page.facts([("Characters", f"{book.replaced} that cannot be held or seen are shown as \\u and their number.")])
    page.section("Marks")
    page.grid(("Mark", "Meaning"), LEGEND)
    page.section("Sign-off")
    page.boxes(("Name and role", "Date", "Initials"), ("Prepared by", "Reviewed by"))


def _dashboard(book: Book, content: Content) -> Page:
    coverage = content.assessment.tables.coverage()
    page = book.page("Dashboard", "Dashboard", (48, 28, 13, 13, 13, 13, 16))
    page.facts([("Readiness of 100", content.assessment.readiness.score), ("Collections", wholeness(coverage))])
    page.section("Controls", "Outcomes are counted by item and attribute; a waived deviation is counted as waived.")
    rows = [(one.control.id, mark(one.conclusion), *totals(one)) for one in content.assessment.findings]
    drawn = Chart("Shares of outcomes by control", dict(enumerate(PIECES.values(), 2)), shares=True)
    page.grid(("Control", "Conclusion", *PIECES), rows, drawn)
    page.section("Checklists", "Readiness is the share of applicable questions answered yes; partly counts half.")
    answers = ((title, name, *given) for name, (title, given) in checklists(content).items())
    page.grid(("Checklist", "Name", *(answer.value for answer in Answer)), answers)
    page.section("Coverage gaps", "What was not collected whole, or before its period had closed.")
    gaps = (entry for entry in coverage if entry.provisional or not entry.complete)
    page.grid(("Stream", "State", "Expected", "Fetched"), map(_gap, gaps))
    return page


def _gap(entry: Coverage) -> Sequence[Cell]:
    return (entry.stream, state(entry), "unknown" if entry.expected is None else entry.expected, entry.fetched)


def _controls(content: Content) -> Sheet:
    columns = (
        Column("Control", 40), Column("Title", 50), Column("Criteria", 14), Column("Owner", 18),
        Column("Frequency", 14), Column("Population size", 12), *(Column(name, 12) for name in PIECES),
        Column("Deviation rate", 22),
        Column("Conclusion", 18), Column("Markers", 50), Column("Workbook", 60),
    )  # fmt: skip
    rows = (_control(finding, path) for finding, path in content.workbooks)
    return "Controls", "each control with its population, outcomes and conclusion", columns, rows


def _control(finding: Finding, path: str) -> Sequence[Cell]:
    control, size = finding.control, len(finding.population.items)
    return (
        control.id, control.title, ", ".join(control.criteria), control.owner, control.frequency, size,
        *totals(finding), rate(finding), mark(finding.conclusion), "\n".join(finding.pattern.markers),
        Link(path.rpartition("/")[2], file=path),
    )  # fmt: skip


def _evidence(content: Content) -> Sheet:
    columns = (
        Column("Evidence ID", 13), Column("SOC 2 criteria", 18), Column("Evidence owner", 20),
        Column("Source system", 14), Column("Period covered", 24),
        Column("Review status", 16, human=True, choices=_REVIEW),
        Column("Related change ticket", 18), Column("Related incident", 18, human=True),
        Column("Audit request ID", 18, human=True), Column("Title", 50), Column("What was asked", 70),
        Column("Collected at (UTC)", 20), Column("Rows", 9), Column("Bytes", 11), Column("File", 50),
        Column("SHA-256", 68),
    )  # fmt: skip
    periods = {(entry.run, entry.stream): entry.period.name for entry in content.assessment.tables.coverage()}
    rows = (_evidence_row(one, periods) for one in content.evidence)
    return (
        "Evidence Index",
        "every stored body: what was asked, when, and the file that holds the answer",
        columns,
        rows,
    )


def _evidence_row(one: EvidenceFile, periods: Mapping[tuple[str, str], str]) -> Sequence[Cell]:
    item = one.item
    return (
        evidence_id(item), ", ".join(one.criteria), one.owner, item.source, periods.get((item.run, item.stream)),
        one.status[:1].upper() + one.status[1:], ", ".join(one.tickets), None, None, one.title, asked(item, short=True),
        item.received_at, item.count, item.size, Link(one.path.rpartition("/")[2], file=one.path),
        item.digest.removeprefix("sha256:"),
    )  # fmt: skip


def evidence_id(item: EvidenceItem) -> str:
    """`EV-` and the line of the journal: the same in every pack that is made from the vault."""
    return f"EV-{item.seq:06d}"


def _deviations(content: Content) -> Sheet:
    columns = (
        Column("Deviation", 15), Column("Control", 36), Column("Item", 44), Column("Title", 44),
        Column("Attribute", 26), Column("Expected", 44), Column("Seen", 54), Column("At (UTC)", 20),
        Column("Waiver", 44),
        Column("Cause", 24, human=True), Column("Compensating control", 24, human=True),
        Column("Owner", 18, human=True), Column("Due", 12, human=True), Column("Ticket", 14, human=True),
        Column("Status", 14, human=True, choices=_RESPONSE), Column("Approved by", 18, human=True),
    )  # fmt: skip
    rows = (_deviation(one) for finding in content.assessment.findings for one in deviations(finding))
    return "Deviations", "every deviation, waived or not; columns under a yellow head are yours to fill", columns, rows


def _deviation(one: Noted) -> Sequence[Cell]:
    status, approver = ("Accepted", one.waiver.approver) if one.waiver else ("Open", None)
    return (
        one.id, one.control.id, Link(one.item.id, url=one.item.url or ""), one.item.title,
        f"{one.attribute.letter}  {one.attribute.key}", one.attribute.asks, one.result.reason, one.item.at,
        waiver_text(one.waiver), *[None] * 5, status, approver,
    )  # fmt: skip


def _coverage(content: Content) -> Sheet:
    columns = (
        Column("Stream", 46), Column("Scope", 40), Column("Period", 24), Column("Expected", 12), Column("Fetched", 12),
        Column("State", 28), Column("Provisional", 13), Column("Reason", 70), Column("Collected at (UTC)", 20),
        Column("Run", 24),
    )  # fmt: skip
    rows = (_collection(entry) for entry in content.assessment.tables.coverage())
    return "Coverage", "what was collected and what was not: each collection's own claim to be whole", columns, rows


def _collection(entry: Coverage) -> Sequence[Cell]:
    return (
        entry.stream, ", ".join(f"{name} {value}" for name, value in entry.scope.items()), entry.period.name,
        "unknown" if entry.expected is None else entry.expected, entry.fetched, state(entry),
        "yes" if entry.provisional else "no", entry.reason, entry.collected_at or "never", entry.run or "none",
    )  # fmt: skip


def _left_out(content: Content) -> Sheet:
    seen: dict[tuple[str, str], str] = {}
    for finding in content.assessment.findings:
        for stream, commits in finding.population.outside.items():
            seen |= {(stream, one.get("commit", "")): one.get("reason", "") for one in commits}
    rows = ((stream, commit, reason) for (stream, commit), reason in sorted(seen.items()))
    columns = (Column("Stream", 50), Column("Commit", 46), Column("Reason", 90))
    return "Left out", "commits that path rules of the configuration leave out of the populations", columns, rows


def _late_changes(content: Content) -> Sheet:
    columns = (
        Column("Item", 44), Column("Kind", 12), Column("Table", 28), Column("Key", 44), Column("Field", 18),
        Column("Before", 44), Column("After", 44), Column("First collected (UTC)", 20),
        Column("Last collected (UTC)", 20), Column("Stream", 40),
    )  # fmt: skip
    names = (
        "item",
        "kind",
        "table",
        "key",
        "field",
        "before",
        "after",
        "first_collected_at",
        "last_collected_at",
        "stream",
    )
    rows = (tuple(row[name] for name in names) for row in content.late_changes)
    return "Late changes", "what a source answered otherwise when it was asked again; the last is judged", columns, rows


def _checklist(content: Content) -> Sheet:
    columns = (
        Column("Checklist", 22), Column("Question ID", 34), Column("Question", 56), Column("Answer", 18),
        Column("Reason", 64), Column("Criteria", 14), Column("Controls", 40), Column("Next", 56),
    )  # fmt: skip
    rows = (_question(entry) for entry in content.assessment.readiness.answers)
    return "Checklist", "every question with its answer and reason", columns, rows


def _question(entry: Answered) -> Sequence[Cell]:
    one = entry.question
    controls = [" ".join((given.control, *given.attributes)) for given in one.answered_by]
    asks = f"{one.question}\nWarning sign: {one.warning}" if one.warning else one.question
    return (
        one.checklist, one.id, asks, mark(entry.answer), entry.reason, ", ".join(one.criteria),
        "\n".join(controls), entry.next,
    )  # fmt: skip


def _next(content: Content) -> Sheet:
    columns = (Column("Points", 10), Column("Action", 110), Column("Questions that it moves", 60))
    rows = ((one.gain, one.text, "\n".join(one.questions)) for one in content.assessment.readiness.next)
    return "Next actions", "what to do next, the most points of the readiness score first", columns, rows


def _procedures(book: Book, content: Content) -> Page:
    page = book.page("Procedures & marks", "Procedures and marks", (34, 120))
    page.grid(("Mark", "Meaning"), LEGEND)
    for finding in content.assessment.findings:
        control = finding.control
        page.section(control.title)
        page.facts([("Control", control.id), ("Statement", control.statement), ("Why", control.why)])
        page.facts(_procedure(number, part) for number, part in enumerate(control.attributes, 1))
        page.facts([("Remediation", control.remediation), ("Control file", f"{control.origin}, {control.digest}")])
    return page


def _procedure(number: int, part: Attribute) -> tuple[str, str]:
    when = f"\nApplies when: {part.applies_when.strip()}" if part.applies_when else ""
    return f"{number}. {part.letter}  {part.key}", f"{part.asks}\nTest: {part.sql.strip()}{when}"
