"""
`00_START-HERE.html`: what a newcomer needs to know in two minutes, on one page, without script.

The only place that renders templates. Everything that is written into one is escaped, whatever it says, and leads
nowhere but to files of the pack and to https addresses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: TID251  the one importer

from soc2ev.checklist import Answered
from soc2ev.model import Answer, Coverage, Finding, Item, Json
from soc2ev.pack import layout
from soc2ev.pack.content import LIMITS, Content
from soc2ev.pack.marks import LEGEND, PIECES, Badge, Tone, https, local, mark, state, visible
from soc2ev.pack.summary import (
    Noted,
    checklists,
    counts,
    deviations,
    scope,
    signed,
    tally,
    waiver_text,
    wholeness,
)
from soc2ev.templates import folder

_MOST_DEVIATIONS = 200
_MOST_STREAMS = 100
_MOST_ACTIONS = 10
_MOST_REASONS = 3
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: where it begins and how long it is, in hundredths of the bar, and what it says."""

    begins: float
    length: float
    tone: str
    label: str


def start_here(content: Content) -> str:
    """The page as HTML. The same content gives the same text."""
    findings = content.assessment.findings
    noted = [one for finding in findings for one in deviations(finding)]
    return _environment().get_template("start-here.html.j2").render(
        content=content,
        organisation=content.assessment.settings.config.organisation,
        timezone=content.assessment.settings.config.timezone,
        period=content.assessment.period,
        closed=wholeness(content.assessment.tables.coverage()),
        signed=signed(content),
        counts=counts(content),
        scope=scope(content),
        streams=list(_streams(content.assessment.tables.coverage()))[:_MOST_STREAMS],
        streams_in_all=len({entry.stream for entry in content.assessment.tables.coverage()}),
        controls=[_control(finding, path) for finding, path in content.workbooks],
        noted=[_noted(one) for one in sorted(noted, key=lambda one: one.waiver is not None)[:_MOST_DEVIATIONS]],
        noted_in_all=len(noted),
        checklists=list(_checklists(content)),
        actions=content.assessment.readiness.next[:_MOST_ACTIONS],
        areas=list(_areas(content)),
        limits=LIMITS,
        legend=LEGEND,
        index=layout.INDEX,
    )  # fmt: skip


def item_card(
    organisation: str, period: str, found: Sequence[tuple[Finding, Item]], custody: Iterable[Mapping[str, Json]]
) -> str:
    """
    One item on a page: its outcomes in every control that judged it, and its chain of custody as a time line.

    `found` are the findings that hold the item, at least one; `custody` are its rows of the table of that name.
    """
    item = found[0][1]
    digests = {digest for _, one in found for result in one.outcomes.values() for digest in result.evidence}
    return (
        _environment()
        .get_template("item.html.j2")
        .render(
            organisation=organisation,
            period=period,
            item=item,
            url=https(item.url),
            judged=[(finding, list(_outcomes(finding, one))) for finding, one in found],
            steps=list(custody),
            evidence=sorted(digests),
        )
    )


def _outcomes(finding: Finding, item: Item) -> Iterator[tuple[str, str, Badge, str]]:
    for part in finding.control.attributes:
        if part.letter in item.outcomes:
            result = item.outcomes[part.letter]
            yield part.letter, part.asks, mark(result.outcome), result.reason


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder("pack")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_plain,
    )
    made.filters["short"] = _short
    made.filters["utc"] = lambda moment: f"{moment:%Y-%m-%d %H:%M}Z"
    return made


def _plain(value: Any) -> Any:
    """Text without characters that HTML forbids or that hide others; what a macro made is text of ours already."""
    return visible(value)[0] if isinstance(value, str) and not hasattr(value, "__html__") else value


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … (cut here; the workbooks hold the whole)"


def bar(counted: Iterable[tuple[str, int, Tone]]) -> list[Piece]:
    """The pieces of a stacked bar of 100; those that count nothing are left out."""
    given = [(name, count, tone) for name, count, tone in counted if count]
    whole = sum(count for _, count, _ in given)
    pieces, begins = [], 0.0
    for name, count, tone in given:
        length = round(100 * count / whole, 3)
        pieces.append(Piece(round(begins, 3), length, tone.value, f"{count} {name}{_plural(name, count)}"))
        begins += length
    return pieces


def _plural(name: str, count: int) -> str:
    return "s" if name == "deviation" and count > 1 else ""


def _streams(coverage: Sequence[Coverage]) -> Iterator[Mapping[str, Any]]:
    """Collections summed up by stream, those that are not whole first."""
    by_stream: dict[str, list[Coverage]] = defaultdict(list)
    for entry in coverage:
        by_stream[entry.stream].append(entry)
    ordered = sorted(by_stream.items(), key=lambda given: (all(_whole(entry) for entry in given[1]), given[0]))
    for stream, entries in ordered:
        reasons = list(dict.fromkeys(entry.reason for entry in entries if entry.reason))
        yield {
            "name": stream,
            "collections": len(entries),
            "expected": None
            if any(entry.expected is None for entry in entries)
            else sum(entry.expected or 0 for entry in entries),
            "fetched": sum(entry.fetched for entry in entries),
            "states": _states(entries),
            "reasons": reasons[:_MOST_REASONS],
            "more": max(0, len(reasons) - _MOST_REASONS),
        }


def _whole(entry: Coverage) -> bool:
    return entry.complete and not entry.provisional


def _states(entries: Sequence[Coverage]) -> list[Badge]:
    """Each state once, with how many collections are in it when they differ."""
    found: dict[Badge, int] = defaultdict(int)
    for entry in entries:
        found[state(entry)] += 1
    worst_first = sorted(found.items(), key=lambda given: (given[0].tone is Tone.GOOD, given[0].text))
    return [Badge(f"{badge.text} ({count})", badge.tone) if len(found) > 1 else badge for badge, count in worst_first]


def _control(finding: Finding, path: str) -> Mapping[str, Any]:
    return {
        "control": finding.control,
        "conclusion": mark(finding.conclusion),
        "size": len(finding.population.items),
        "provisional": finding.population.provisional,
        "complete": finding.population.complete,
        "markers": finding.pattern.markers,
        "attributes": [
            (part, bar(zip(PIECES, counted, PIECES.values(), strict=True))) for part, counted in tally(finding)
        ],
        "workbook": local(path),
    }


def _noted(one: Noted) -> Mapping[str, Any]:
    return {
        "id": one.id,
        "control": one.control.id,
        "item": one.item,
        "url": https(one.item.url),
        "attribute": one.attribute,
        "reason": one.result.reason,
        "waiver": waiver_text(one.waiver),
    }


def _checklists(content: Content) -> Iterator[Mapping[str, Any]]:
    by_name: dict[str, list[Answered]] = defaultdict(list)
    for entry in content.assessment.readiness.answers:
        by_name[entry.question.checklist].append(entry)
    for name, (title, given) in checklists(content).items():
        pieces = bar((answer.value, count, mark(answer).tone) for answer, count in zip(Answer, given, strict=True))
        yield {"title": title, "bar": pieces, "questions": [(entry, mark(entry.answer)) for entry in by_name[name]]}


def _areas(content: Content) -> Iterator[Mapping[str, Any]]:
    """Folders of the pack that hold something, in its order."""
    for place in (*layout.AREAS.values(), layout.INTEGRITY):
        workbooks = [
            (one.control.title, local(path)) for one, path in content.workbooks if path.startswith(f"{place}/")
        ]
        raw = len({one.path for one in content.evidence if one.path.startswith(f"{place}/raw/")})
        if workbooks or raw or place == layout.INTEGRITY:
            yield {"folder": place, "workbooks": workbooks, "raw": raw}
