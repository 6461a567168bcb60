"""
Findings become answers: yes, no, partly, not known, each with its reason, its evidence and what to do next.

A pure function of findings and sign-offs. A question that no evidence answers is *not known* and says which
evidence would answer it; a *yes* needs a complete, closed population without a deviation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from soc2ev.checklist.questions import Checklist, Question, Reference, builtin
from soc2ev.model import Answer, Finding, Item, Json, Outcome, Result, unwaived

SCHEMA = "soc2ev.checklist/1"
_WORTH = {Answer.YES: 1.0, Answer.PARTLY: 0.5, Answer.NO: 0.0, Answer.NOT_KNOWN: 0.0}
_EVIDENCE_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its answer."""

    question: Question
    answer: Answer
    reason: str
    evidence: tuple[str, ...]
    """Digests of stored bodies, the first few."""
    next: str
    """What would turn the answer into yes; empty when nothing is to be done."""

    @property
    def raised(self) -> bool | None:
        """For a warning sign: whether it shows; None when that is not known. None for other questions."""
        if not self.question.warning or self.answer is Answer.NOT_KNOWN:
            return None
        return self.answer in (Answer.NO, Answer.PARTLY)


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do, with the questions that it moves and the points of the score that they are worth."""

    text: str
    questions: tuple[str, ...]
    gain: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """Where a team stands: the answers, a score from 0 to 100, and the next best actions."""

    score: int
    answers: tuple[Answered, ...]
    next: tuple[Action, ...]

    def of(self, checklist: str) -> tuple[Answered, ...]:
        """The answers of one checklist, in its order."""
        return tuple(entry for entry in self.answers if entry.question.checklist == checklist)


def answer(
    findings: Sequence[Finding],
    sign_offs: Sequence[Mapping[str, Json]] = (),
    checklists: Sequence[Checklist] | None = None,
) -> Readiness:
    """
    The readiness that the findings show.

    `sign_offs` are rows of the table of that name. The score is the share of applicable questions answered yes, partly
    counting half, *not known* counting nothing; warning signs repeat what other questions ask and do not count.
    """
    by_id = {finding.control.id: finding for finding in findings}
    asked = [one for checklist in (builtin() if checklists is None else checklists) for one in checklist.questions]
    answers = tuple(_answer(one, by_id, sign_offs) for one in asked)
    counted = [entry for entry in answers if not entry.question.warning and entry.answer is not Answer.NOT_APPLICABLE]
    score = round(100 * sum(_WORTH[entry.answer] for entry in counted) / len(counted)) if counted else 0
    return Readiness(score, answers, _actions(counted))


def as_json(readiness: Readiness, period_name: str) -> dict[str, Json]:
    """The readiness as `soc2ev.checklist/1`."""
    return {
        "schema": SCHEMA,
        "period": period_name,
        "score": readiness.score,
        "questions": [
            {
                "id": entry.question.id,
                "checklist": entry.question.checklist,
                "question": entry.question.question,
                "answer": entry.answer.value,
                "reason": entry.reason,
                "evidence": list(entry.evidence),
                "criteria": list(entry.question.criteria),
                "controls": [reference.control for reference in entry.question.answered_by],
                "next": entry.next,
                **({"raised": entry.raised, "warning": entry.question.warning} if entry.question.warning else {}),
            }
            for entry in readiness.answers
        ],
        "next": [
            {"action": action.text, "questions": list(action.questions), "gain": action.gain}
            for action in readiness.next
        ],
    }


def _answer(question: Question, findings: Mapping[str, Finding], sign_offs: Sequence[Mapping[str, Json]]) -> Answered:
    parts = [_by_finding(reference, findings.get(reference.control)) for reference in question.answered_by]
    if question.sign_off:
        parts.append(_by_sign_off(question, sign_offs))
    if not parts:
        return Answered(question, Answer.NOT_KNOWN, "No evidence answers this yet.", (), question.would_answer)
    verdict = _combine([part.answer for part in parts])
    deciding = [part for part in parts if part.answer is verdict] or [
        part for part in parts if part.answer in (Answer.NO, Answer.PARTLY)
    ]
    evidence = tuple(sorted({digest for part in parts for digest in part.evidence}))[:_EVIDENCE_SHOWN]
    reason = " ".join(dict.fromkeys(part.reason for part in deciding))
    follow = "" if verdict in (Answer.YES, Answer.NOT_APPLICABLE) else deciding[0].next or question.would_answer
    return Answered(question, verdict, reason, evidence, follow)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one finding or sign-off says about a question."""

    answer: Answer
    reason: str
    evidence: tuple[str, ...] = ()
    next: str = ""


def _combine(answers: Iterable[Answer]) -> Answer:
    """A no stays visible, and a part that is not known keeps the whole from being yes."""
    given = set(answers)
    if given & {Answer.NO, Answer.PARTLY}:
        return Answer.PARTLY if given & {Answer.YES, Answer.PARTLY} else Answer.NO
    for one in (Answer.NOT_KNOWN, Answer.YES):
        if one in given:
            return one
    return Answer.NOT_APPLICABLE


def _by_finding(reference: Reference, finding: Finding | None) -> _Part:
    if finding is None:
        return _Part(Answer.NOT_KNOWN, f"The control {reference.control} is not among the controls in use.")
    items = [item for item in finding.population.items if _named(reference, item)]
    if missing := _absent(reference, finding):
        return _Part(Answer.NOT_KNOWN, f"The control {reference.control} does not judge {', '.join(missing)}.")
    results = [
        (item, letter, result)
        for item in items
        for letter, result in item.outcomes.items()
        if _asked(reference, letter)
    ]
    evidence = tuple(sorted({digest for _, _, result in results for digest in result.evidence}))
    deviating = [(item, letter, result) for item, letter, result in results if letter in unwaived(item)]
    count = Counter(result.outcome for _, _, result in results)
    if deviating:
        verdict = Answer.PARTLY if count[Outcome.MET] else Answer.NO
        return _Part(verdict, _deviations(deviating, len(items)), evidence, finding.control.remediation)
    if shortfall := _shortfall(finding, results):
        return _Part(Answer.NOT_KNOWN, shortfall, evidence)
    waived = count[Outcome.DEVIATION]
    if not count[Outcome.MET] and not waived:
        reason = "Nothing of the kind occurred in the period." if not items else results[0][2].reason
        return _Part(Answer.NOT_APPLICABLE, reason, evidence)
    met = (
        f"{len(items)} of {len(items)} in order" if not waived else f"{waived} deviations are waived, the rest in order"
    )
    return _Part(Answer.YES, f"{finding.control.title}: {met}.", evidence)


def _named(reference: Reference, item: Item) -> bool:
    return not reference.items or any(fnmatchcase(item.id, form) for form in reference.items)


def _absent(reference: Reference, finding: Finding) -> list[str]:
    """What the question relies on and a control of the team's own under that name lacks."""
    letters = {attribute.letter for attribute in finding.control.attributes}
    known = {item.id for item in finding.population.items}
    # An empty population judges nothing because nothing occurred; the finding says whether that is known.
    named = [name for name in reference.items if known and "*" not in name and name not in known]
    return [f"attribute {letter}" for letter in reference.attributes if letter not in letters] + named


def _asked(reference: Reference, letter: str) -> bool:
    return not reference.attributes or letter in reference.attributes


def _deviations(deviating: Sequence[tuple[Item, str, Result]], size: int) -> str:
    ids = list(dict.fromkeys(item.id for item, _, _ in deviating))
    item, _, result = deviating[0]
    more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
    return f"{len(ids)} of {size} deviate: {item.title}{more}. {result.reason}"


def _shortfall(finding: Finding, results: Sequence[tuple[Item, str, Result]]) -> str | None:
    """Why the finding cannot say yes; None when it can."""
    untested = Counter(result.reason for _, _, result in results if result.outcome is Outcome.NOT_TESTED)
    if untested:
        # The commonest reason; of equals the first in the alphabet, so that two runs say the same.
        reason, count = min(untested.items(), key=lambda entry: (-entry[1], entry[0]))
        return f"{sum(untested.values())} not tested: {reason}" if count > 1 else f"Not tested: {reason}"
    if finding.population.provisional:
        ends = f"{finding.period.end:%Y-%m-%d %H:%M}Z"
        return f"Provisional: collected before the period closes at {ends}; collect again after that."
    for entry in finding.population.coverage:
        if not entry.complete:
            return f"Not collected whole: {entry.stream}: {entry.reason}"
    return None if finding.population.coverage else "Nothing was collected."


def _by_sign_off(question: Question, sign_offs: Sequence[Mapping[str, Json]]) -> _Part:
    for row in sign_offs:
        if question.id in (row.get("question"), row.get("control")) and row.get("status") == "approved":
            day = f"{row['signed_at']:%Y-%m-%d}" if row.get("signed_at") else "an unknown day"
            said = f"Signed off by {row.get('person')} on {day}: {row.get('note') or 'no note'}."
            return _Part(Answer.YES, said, (str(row["evidence"]),) if row.get("evidence") else ())
    return _Part(Answer.NOT_KNOWN, "Nobody has signed this off for the period.", (), question.would_answer)


def _actions(counted: Sequence[Answered]) -> tuple[Action, ...]:
    """Actions by what they gain; equal ones in the order of the checklist."""
    moved: dict[str, list[Answered]] = {}
    for entry in counted:
        if entry.next:
            moved.setdefault(entry.next, []).append(entry)
    actions = [
        Action(
            text,
            tuple(entry.question.id for entry in entries),
            round(100 * sum(1 - _WORTH[entry.answer] for entry in entries) / len(counted)),
        )
        for text, entries in moved.items()
    ]
    return tuple(sorted(actions, key=lambda action: -action.gain))


__all__ = ["SCHEMA", "Action", "Answered", "Checklist", "Question", "Readiness", "answer", "as_json", "builtin"]
