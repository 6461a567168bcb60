"""What a pack says in numbers: counted once here, so that no two renditions can disagree."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from soc2ev.checklist import builtin
from soc2ev.config import Scope
from soc2ev.model import (
    Answer,
    Attribute,
    Control,
    Coverage,
    EvidenceItem,
    Finding,
    Item,
    Outcome,
    Result,
    Waiver,
    unwaived,
)
from soc2ev.pack.content import Content, EvidenceFile
from soc2ev.pack.marks import PIECES, Badge, Tone


@dataclass(frozen=True, slots=True)
class Noted:
    """One deviation of one item in one attribute."""

    control: Control
    item: Item
    attribute: Attribute
    result: Result
    waiver: Waiver | None
    """The waiver that covers it; None when none does."""

    @property
    def id(self) -> str:
        """`DEV-` and eight digits that stay the same from run to run."""
        named = f"{self.control.id}|{self.item.id}|{self.attribute.letter}"
        return f"DEV-{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Sum:
    """Commits of a stream, as the items hold them and as they were counted independently."""

    stream: str
    items: int
    commits: int
    outside: int
    """Commits that path rules left out of the population."""
    expected: int | None
    """None when nobody could tell."""

    @property
    def result(self) -> Badge:
        """Whether it adds up; what could not be counted is not reconciled."""
        if self.expected is None:
            return Badge("? not reconciled", Tone.UNKNOWN)
        off = self.commits + self.outside - self.expected
        return Badge(f"X differs by {off:+d}", Tone.BAD) if off else Badge("P adds up", Tone.GOOD)


def tally(finding: Finding) -> list[tuple[Attribute, tuple[int, ...]]]:
    """Each attribute with how many items had which outcome, in the order of `PIECES`."""
    found: Counter[tuple[str, str]] = Counter()
    for item in finding.population.items:
        still_open = unwaived(item)
        for letter, result in item.outcomes.items():
            waived = result.outcome is Outcome.DEVIATION and letter not in still_open
            found[letter, "waived" if waived else result.outcome.value] += 1
    return [(part, tuple(found[part.letter, name] for name in PIECES)) for part in finding.control.attributes]


def totals(finding: Finding) -> tuple[int, ...]:
    """Outcomes of a finding over all its attributes, in the order of `PIECES`."""
    return tuple(sum(column) for column in zip(*(counts for _, counts in tally(finding)), strict=True)) or (0,) * len(
        PIECES
    )


def deviations(finding: Finding) -> list[Noted]:
    """Every deviation, waived or not, by item and letter."""
    attributes = {part.letter: part for part in finding.control.attributes}
    return [
        Noted(finding.control, item, attributes[letter], result, None if letter in unwaived(item) else item.waiver)
        for item in finding.population.items
        for letter, result in item.outcomes.items()
        if result.outcome is Outcome.DEVIATION
    ]


def rate(finding: Finding) -> str:
    """The share of deviating items among those with an answer; says so when nothing was answered."""
    answered = {Outcome.MET, Outcome.DEVIATION}
    items = finding.population.items
    tested = sum(any(result.outcome in answered for result in item.outcomes.values()) for item in items)
    return f"{finding.pattern.rate:.1%} of {tested} tested" if tested else "nothing was tested"


def wholeness(coverage: Sequence[Coverage]) -> Badge:
    """Whether everything that the coverage speaks of was collected whole and after its period had closed."""
    if not coverage:
        return Badge("? nothing was collected", Tone.UNKNOWN)
    early, short = sum(entry.provisional for entry in coverage), sum(not entry.complete for entry in coverage)
    words = (
        [f"{early} of {len(coverage)} collections are provisional, made before their period closed"] if early else []
    )
    words += [f"{short} of {len(coverage)} collections are incomplete"] if short else []
    return Badge(f"? {'; '.join(words)}", Tone.UNKNOWN) if words else Badge("P complete and closed", Tone.GOOD)


def signed(content: Content) -> Badge:
    """Whose keys signed the checkpoint; loud when none did."""
    if content.signed_by:
        return Badge(f"P {', '.join(content.signed_by)}", Tone.GOOD)
    return Badge("? nobody: an unsigned checkpoint shows consistency, not who made it", Tone.UNKNOWN)


def scope(content: Content) -> list[tuple[str, str]]:
    """What the configuration puts into scope, which sources were asked, which criteria are served."""
    config = content.assessment.settings.config
    sources = sorted({entry.stream.partition(":")[0] for entry in content.assessment.tables.coverage()})
    named = [_scope(entry) for entry in config.scope]
    criteria = sorted({one for finding in content.assessment.findings for one in finding.control.criteria})
    return [
        (
            "Production changes",
            "\n".join(named) or "no scope is named: the default branch of each configured repository",
        ),
        ("Sources", ", ".join(sources) or "none"),
        ("Criteria", ", ".join(criteria)),
    ]


def _scope(entry: Scope) -> str:
    branches, paths = ", ".join(entry.branches) or "default", ", ".join(entry.paths.include)
    left_out = f", not {', '.join(entry.paths.exclude)}" if entry.paths.exclude else ""
    return f"{entry.repository}, branches: {branches}, paths: {paths}{left_out}"


def counts(content: Content) -> list[tuple[str, int]]:
    """The numbers that people ask for first."""
    findings = content.assessment.findings
    noted = [one for finding in findings for one in deviations(finding)]
    return [
        ("Readiness of 100", content.assessment.readiness.score),
        ("Controls", len(findings)),
        ("Items", sum(len(finding.population.items) for finding in findings)),
        ("Deviations", sum(one.waiver is None for one in noted)),
        ("Waived", sum(one.waiver is not None for one in noted)),
        ("Not tested", sum(totals(finding)[list(PIECES).index("not tested")] for finding in findings)),
        ("Evidence files", len({one.path for one in content.evidence})),
    ]


def checklists(content: Content) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """By checklist: its title, and its answers counted in the order of `Answer`."""
    titles = {one.name: one.title for one in builtin()}
    answers = content.assessment.readiness.answers
    found = Counter((entry.question.checklist, entry.answer) for entry in answers)
    names = dict.fromkeys(entry.question.checklist for entry in answers)
    return {name: (titles.get(name, name), tuple(found[name, answer] for answer in Answer)) for name in names}


def bodies(content: Content, finding: Finding) -> list[EvidenceFile]:
    """The stored bodies behind the finding's coverage, in the order of the journal."""
    behind = {(entry.run, entry.stream) for entry in finding.population.coverage}
    return [one for one in content.evidence if (one.item.run, one.item.stream) in behind]


def asked(item: EvidenceItem, *, short: bool = False) -> str:
    """What was asked: the command line, or method and address. Exactly, unless `short`: then without `-c` options."""
    request = item.request
    if isinstance(argv := request.get("argv"), list | tuple):
        words = [str(word) for word in argv]
        return shlex.join(_without_options(words) if short else words)
    return f"{request.get('method') or ''} {request.get('url') or request.get('path') or item.stream}".strip()


def _without_options(words: Sequence[str]) -> Iterator[str]:
    """A git command line without the settings that close it off from the repository's configuration."""
    rest = iter(words)
    for word in rest:
        if word == "-c":
            next(rest, None)
        else:
            yield word


def waiver_text(waiver: Waiver | None) -> str:
    """Who accepted it, why and until when; empty without a waiver."""
    if waiver is None:
        return ""
    days = f"approved by {waiver.approver} on {waiver.approved_on}, expires on {waiver.expires_on}"
    return f"{waiver.id}: {waiver.reason} ({days})"


def reconciliation(finding: Finding) -> Iterator[Sum]:
    """One sum a stream of commits; nothing for findings whose items are no changes."""
    population = finding.population
    about_changes = not population.items or any("commits" in item.facts for item in population.items)
    if "changes" not in finding.control.needs or not about_changes:
        return
    by_stream: dict[str, list[Coverage]] = {}
    for entry in population.coverage:
        if entry.stream.endswith(":commits"):
            by_stream.setdefault(entry.stream, []).append(entry)
    for stream, entries in sorted(by_stream.items()):
        items = [item for item in population.items if _belongs(item, entries[0])]
        counted = [entry.expected for entry in entries if entry.expected is not None]
        yield Sum(
            stream,
            len(items),
            sum(len(item.facts.get("commits") or ()) for item in items),
            len(population.outside.get(stream, ())),
            sum(counted) if len(counted) == len(entries) else None,
        )


def _belongs(item: Item, entry: Coverage) -> bool:
    return all(item.facts.get(name) == entry.scope.get(name) for name in ("repository", "ref"))
