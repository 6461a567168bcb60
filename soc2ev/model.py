"""
The words of the field, as frozen values.

A *control* is what the company says it does, mapped to *criteria*. It acts on a *population* of *items*; each
lettered *attribute* is one yes-or-no question about an item, and its answer is an *outcome*. *Evidence items* are
bodies stored as received; *coverage* is what a collection claims to be complete about. The *finding* is the
conclusion for a period. docs/glossary.md says more about each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from soc2ev.period import Period

Json = Any
"""A value as `json.loads` gives it, before anyone has validated it."""


class Outcome(StrEnum):
    """The answer to one attribute for one item."""

    MET = "met"
    DEVIATION = "deviation"
    NOT_TESTED = "not tested"
    NOT_APPLICABLE = "not applicable"

    @classmethod
    def of(cls, answer: bool | None) -> Outcome:  # noqa: FBT001  the one conversion
        """The only conversion from three-valued logic: an unknown answer is never met."""
        if answer is None:
            return cls.NOT_TESTED
        return cls.MET if answer else cls.DEVIATION


class Conclusion(StrEnum):
    """What a control's outcomes add up to in a period."""

    NO_DEVIATIONS = "no deviations"
    DEVIATIONS = "deviations"
    INCOMPLETE = "incomplete"
    NO_OCCURRENCE = "no occurrence"


class Answer(StrEnum):
    """The answer to a question of the checklist."""

    YES = "yes"
    NO = "no"
    PARTLY = "partly"
    NOT_KNOWN = "not known"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One stored body: what was asked, when, and the digest of the bytes that came back."""

    digest: str
    """`sha256:` and the hexadecimal SHA-256 of the body."""
    source: str
    """The source's name: `git`, `registers`, `github` ..."""
    stream: str
    """What kind of body of which scope, for example `git:acme/api:main:commits`."""
    request: Mapping[str, Json]
    """Method, address or command and parameters, without secrets: enough to ask again."""
    response: Mapping[str, Json]
    """Status or exit code and the kept headers."""
    received_at: datetime
    size: int
    count: int | None
    """Rows that the collector counted in the body; None when the body is no list."""
    run: str
    seq: int
    """Position of its line in the journal."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """A collection's own claim to completeness for one stream and period; never assumed by anyone else."""

    stream: str
    period: Period
    expected: int | None
    """Rows that an independent count promised; None when nobody could tell."""
    fetched: int
    complete: bool
    reason: str | None = None
    """Why it is not complete; None only when it is."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """What was looked at: repository, ref, folder ..."""
    details: Mapping[str, Json] = field(default_factory=dict)
    """Further facts of the collection: heads and their basis, warnings, versions."""
    run: str = ""
    collected_at: datetime | None = None
    """When the vault recorded the claim; None before that."""

    def __post_init__(self) -> None:
        if self.complete == (self.reason is not None):
            raise ValueError("a coverage is complete, or it has a reason")
        if self.complete and self.expected is not None and self.expected != self.fetched:
            raise ValueError("a complete coverage fetched what was expected")

    @property
    def provisional(self) -> bool:
        """Collected before its period closed, so that more can still come."""
        return self.collected_at is not None and self.collected_at < self.period.end


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column of a table. `type` is one of TEXT, BOOLEAN, BIGINT, DOUBLE, DATE, TIMESTAMP (UTC), TEXT[]."""

    name: str
    type: str
    doc: str
    required: bool = False
    """Whether NULL is refused; an unknown fact is NULL, so most columns allow it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A declared table: what `soc2ev tables` documents and controls may query."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Columns that identify a row; none of them may be NULL."""


@dataclass(frozen=True, slots=True)
class Stream:
    """
    One kind of body that a source stores, and how to read it again.

    `rows(item, body)` yields (table name, row) for every row of the body, in order; it is pure, so that a pack
    can be re-performed from its raw evidence. An item's count is the number of rows that its body yields for
    one of the tables.
    """

    name: str
    """The last part of the names of its coverages, for example `commits`."""
    tables: tuple[Table, ...]
    rows: Callable[[EvidenceItem, bytes], Iterable[tuple[str, Mapping[str, Json]]]]
    snapshot: bool = False
    """A setting or document as it was at one moment, rather than a population of a period."""
    per_run: bool = False
    """Rows sum up one collection, so that several runs may each have the same key."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One yes-or-no question about an item, lettered as in a work paper."""

    letter: str
    key: str
    asks: str
    sql: str
    applies_when: str | None = None
    met: str = ""
    """Reason text when met (may be empty); `{column}` is replaced by the item's value."""
    deviation: str = ""
    """Reason text for a deviation."""
    unknown: str = ""
    """Reason text for not tested."""
    not_applicable: str = ""
    evidence: str | None = None
    """SQL for further evidence digests (TEXT[]); the item's own evidence always counts."""
    needs: tuple[str, ...] = ()
    """Tables that must have been collected whole before the answer can be met: rows that are missing cannot be NULL."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the company says it does, how it is tested, and worked examples of each outcome."""

    id: str
    title: str
    statement: str
    why: str
    criteria: tuple[str, ...]
    area: str
    owner: str
    frequency: str
    needs: tuple[str, ...]
    population: str
    attributes: tuple[Attribute, ...]
    remediation: str
    examples: tuple[Mapping[str, Json], ...]
    origin: str
    """`builtin` or the file that it was read from."""
    digest: str
    """SHA-256 of the file's bytes: a changed control is another control."""
    text: str = field(repr=False, default="")
    """The file as read, so that a pack can carry it."""
    not_covered: str = ""
    """What the control cannot tell, for the reader."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one attribute for one item; a reason for anything but met, and evidence always."""

    outcome: Outcome
    reason: str
    evidence: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.outcome is not Outcome.MET and not self.reason.strip():
            raise ValueError("an outcome that is not met has a reason")


@dataclass(frozen=True, slots=True)
class Waiver:
    """An approved, dated, expiring acceptance of deviations. It never removes a row."""

    id: str
    control: str
    items: tuple[str, ...]
    """Item ids; `*` matches any run of characters."""
    attributes: tuple[str, ...]
    """Letters; empty means every attribute."""
    reason: str
    approver: str
    approved_on: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a population with its outcomes by attribute letter."""

    id: str
    title: str
    url: str | None
    at: datetime | None
    facts: Mapping[str, Json]
    outcomes: Mapping[str, Result]
    waiver: Waiver | None = None


@dataclass(frozen=True, slots=True)
class Population:
    """All items that a control should have acted on in the period, with the coverage behind that claim."""

    items: tuple[Item, ...]
    coverage: tuple[Coverage, ...]
    outside: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    """By stream: commits that path rules left out of the population, each with its reason."""

    @property
    def provisional(self) -> bool:
        """Some of it was collected before the period had closed."""
        return any(entry.provisional for entry in self.coverage)

    @property
    def complete(self) -> bool:
        """Every collection behind it was complete and made after the period closed; no coverage claims nothing."""
        return bool(self.coverage) and not self.provisional and all(entry.complete for entry in self.coverage)


@dataclass(frozen=True, slots=True)
class Pattern:
    """How deviations are spread: advice to the auditor, never our verdict on the control."""

    rate: float
    """Unwaived and waived deviating items divided by items tested."""
    markers: tuple[str, ...]
    by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Deviating items by `attribute`, `person`, `repository`, `month`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The conclusion of a control for a period."""

    control: Control
    period: Period
    population: Population
    conclusion: Conclusion
    pattern: Pattern
    lane: str = "census"
    """`census` when every item was tested, `sample` otherwise."""


def conclude(items: Sequence[Item], *, complete: bool) -> Conclusion:
    """
    What outcomes add up to. Unwaived deviation > incomplete > no occurrence > no deviations.

    A waiver covers an item's deviations in the attributes that it names; an item that was not tested in any
    attribute leaves the finding incomplete, as does an incomplete population.
    """
    if any(unwaived(item) for item in items):
        return Conclusion.DEVIATIONS
    untested = any(result.outcome is Outcome.NOT_TESTED for item in items for result in item.outcomes.values())
    if untested or not complete:
        return Conclusion.INCOMPLETE
    return Conclusion.NO_DEVIATIONS if items else Conclusion.NO_OCCURRENCE


def unwaived(item: Item) -> tuple[str, ...]:
    """The letters in which the item deviates and no waiver covers it."""
    waived = item.waiver
    return tuple(
        letter
        for letter, result in item.outcomes.items()
        if result.outcome is Outcome.DEVIATION
        and (waived is None or bool(waived.attributes and letter not in waived.attributes))
    )
