"""From findings to answers: yes only from complete, closed findings; score, warnings and next actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from soc2ev import checklist, controls, period
from soc2ev.checklist import Answered, Checklist, Question
from soc2ev.checklist.questions import Reference
from soc2ev.model import (
    Answer,
    Attribute,
    Conclusion,
    Control,
    Coverage,
    Finding,
    Item,
    Outcome,
    Pattern,
    Population,
    Result,
    Waiver,
)

OCTOBER = period.parse("2026-10")
WHOLE = Coverage("git:a/b:main:commits", OCTOBER, 1, 1, complete=True, collected_at=OCTOBER.end)
CUT = replace(WHOLE, complete=False, reason="denied")
EARLY = replace(WHOLE, collected_at=OCTOBER.end - timedelta(1))
WAIVER = Waiver("w", "c", ("*",), ("A",), "r", "boss", date(2026, 1, 1), date(2026, 12, 31))
M, D, T, X = Outcome.MET, Outcome.DEVIATION, Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE


def control(name: str = "c", letters: str = "AB", remediation: str = "Do it.") -> Control:
    attributes = tuple(Attribute(letter, letter.lower(), "?", "null") for letter in letters)
    return replace(controls.builtin()[0], id=name, title="All", attributes=attributes, remediation=remediation)


def item(name: str = "x", waiver: Waiver | None = None, **outcomes: Outcome) -> Item:
    results = {letter: Result(one, f"{letter} {one}", (f"sha256:{name}{letter}",)) for letter, one in outcomes.items()}
    return Item(name, f"Title {name}", None, None, {}, results, waiver)


def finding(*items: Item, coverage: Sequence[Coverage] = (WHOLE,), of: Control | None = None) -> Finding:
    population = Population(items, tuple(coverage))
    return Finding(of or control(), OCTOBER, population, Conclusion.INCOMPLETE, Pattern(0, ()))


def question(
    *references: Reference, name: str = "q", sign_off: bool = False, warning: str = "", listed: str = "l"
) -> Question:
    return Question(name, listed, "Is it?", ("CC8.1",), references, sign_off, "Collect it.", warning)


ALL = Reference("c", (), ())


def answers(*questions: Question, findings: Sequence[Finding] = (), sign_offs: Sequence[dict[str, Any]] = ()) -> Any:
    return checklist.answer(findings, sign_offs, [Checklist("l", "L", questions)])


def one(*findings: Finding, reference: Reference = ALL) -> Answered:
    found: Answered
    (found,) = answers(question(reference), findings=findings).answers
    return found


@pytest.mark.parametrize(
    ("items", "coverage", "expected"),
    [
        ([item(A=M, B=M)], [WHOLE], Answer.YES),
        ([item(A=M, B=X)], [WHOLE], Answer.YES),
        ([item(A=M)], [CUT], Answer.NOT_KNOWN),
        ([item(A=M)], [WHOLE, CUT], Answer.NOT_KNOWN),
        ([item(A=M)], [EARLY], Answer.NOT_KNOWN),
        ([item(A=M)], [], Answer.NOT_KNOWN),
        ([item(A=M, B=T)], [WHOLE], Answer.NOT_KNOWN),
        ([item(A=M), item("y", A=T)], [WHOLE], Answer.NOT_KNOWN),
        ([item(A=D)], [WHOLE], Answer.NO),
        ([item(A=D)], [CUT], Answer.NO),
        ([item(A=D, B=T)], [EARLY], Answer.NO),
        ([item(A=D, B=M)], [WHOLE], Answer.PARTLY),
        ([item(A=M), item("y", A=D)], [CUT], Answer.PARTLY),
        ([item(A=X)], [WHOLE], Answer.NOT_APPLICABLE),
        ([item(A=X)], [CUT], Answer.NOT_KNOWN),
        ([], [WHOLE], Answer.NOT_APPLICABLE),
        ([], [CUT], Answer.NOT_KNOWN),
        ([], [EARLY], Answer.NOT_KNOWN),
        ([], [], Answer.NOT_KNOWN),
        ([item(waiver=WAIVER, A=D)], [WHOLE], Answer.YES),
        ([item(waiver=WAIVER, A=D)], [CUT], Answer.NOT_KNOWN),
        ([item(waiver=WAIVER, A=D, B=D)], [WHOLE], Answer.NO),
    ],
)
def test_answers_of_one_finding(items: list[Item], coverage: list[Coverage], expected: Answer) -> None:
    """Yes needs a complete, closed population without a deviation; a deviation shows whatever is missing."""
    found = one(finding(*items, coverage=coverage))
    assert expected is found.answer
    assert found.reason
    assert (expected in (Answer.YES, Answer.NOT_APPLICABLE)) == (found.next == "")


def test_reasons_say_what_is_missing() -> None:
    """The commonest cause of not tested, the stream that is not whole, the day on which it can be collected."""
    assert "Not tested: A not tested" == one(finding(item(A=T))).reason
    assert "3 not tested: A not tested" == one(finding(item(A=T, B=T), item("y", A=T))).reason
    assert "Not collected whole: git:a/b:main:commits: denied" == one(finding(coverage=[CUT])).reason
    assert "2026-11-01 00:00Z" in one(finding(coverage=[EARLY])).reason
    assert (
        "2 of 3 deviate: Title x and 1 more. A deviation"
        == one(finding(item(A=D), item("y", B=D), item("z", A=M))).reason
    )
    assert "waived" in one(finding(item(waiver=WAIVER, A=D))).reason


def test_a_control_that_is_not_in_use_answers_nothing() -> None:
    """Not known, with what would answer it."""
    found = one(reference=Reference("gone", (), ()))
    assert (Answer.NOT_KNOWN, "Collect it.") == (found.answer, found.next)
    assert "gone" in found.reason


def test_a_question_looks_at_its_letters_and_items_only() -> None:
    """Other attributes and items do not answer it."""
    both = finding(item(A=M, B=D), item("y", A=D, B=M))
    assert Answer.YES is one(both, reference=Reference("c", ("A",), ("x",))).answer
    assert Answer.NO is one(both, reference=Reference("c", ("B",), ("x*",))).answer
    assert Answer.PARTLY is one(both, reference=Reference("c", ("A",), ())).answer
    assert ("sha256:xA",) == one(both, reference=Reference("c", ("A",), ("x",))).evidence


def test_a_control_that_lacks_what_is_asked_is_not_known() -> None:
    """A team's own control under a shipped name may have other letters or items; that is no yes and no crash."""
    given = finding(item(A=M), of=control(letters="A"))
    found = one(given, reference=Reference("c", ("A", "D"), ()))
    assert (Answer.NOT_KNOWN, True) == (found.answer, "attribute D" in found.reason)
    found = one(given, reference=Reference("c", (), ("x", "z")))
    assert (Answer.NOT_KNOWN, True) == (found.answer, "z" in found.reason)
    assert Answer.NOT_APPLICABLE is one(given, reference=Reference("c", (), ("hotfix*",))).answer
    assert Answer.NOT_KNOWN is one(given, reference=Reference("c", ("Z",), ())).answer


COMBINED = {
    "Y Y": Answer.YES,
    "Y N": Answer.PARTLY,
    "Y K": Answer.NOT_KNOWN,
    "Y X": Answer.YES,
    "Y P": Answer.PARTLY,
    "N N": Answer.NO,
    "N K": Answer.NO,
    "N X": Answer.NO,
    "N P": Answer.PARTLY,
    "K K": Answer.NOT_KNOWN,
    "K X": Answer.NOT_KNOWN,
    "K P": Answer.PARTLY,
    "X X": Answer.NOT_APPLICABLE,
    "X P": Answer.PARTLY,
    "P P": Answer.PARTLY,
    "Y N K": Answer.PARTLY,
    "N K X": Answer.NO,
}
KINDS = {"Y": item(A=M), "N": item(A=D), "K": item(A=T), "X": item(A=X), "P": item(A=D, B=M)}


@pytest.mark.parametrize("kinds", COMBINED)
def test_answers_of_several_findings(kinds: str) -> None:
    """A no stays visible, and a part that is not known keeps the whole from being yes, in any order."""
    parts = kinds.split()
    for order in (parts, parts[::-1]):
        given = [finding(KINDS[kind], of=control(f"c{at}")) for at, kind in enumerate(order)]
        asked = question(*(Reference(f"c{at}", (), ()) for at in range(len(order))))
        assert COMBINED[kinds] is answers(asked, findings=given).answers[0].answer


def test_evidence_is_the_first_ten() -> None:
    """Sorted, each once."""
    found = one(finding(*(item(f"{at:02}", A=M) for at in range(20))))
    assert tuple(f"sha256:{at:02}A" for at in range(10)) == found.evidence


def asked(*kinds: str, warning: str = "") -> list[Question]:
    return [question(Reference(kind, (), ()), name=f"q{at}", warning=warning) for at, kind in enumerate(kinds)]


FINDINGS = [finding(made, of=control(kind, remediation=f"Do {kind}.")) for kind, made in KINDS.items()]


@pytest.mark.parametrize(
    ("kinds", "score"),
    [("Y", 100), ("N", 0), ("K", 0), ("P", 50), ("X", 0), ("YX", 100), ("YK", 50), ("YYP", 83), ("YNKPX", 38), ("", 0)],
)
def test_the_score_is_the_share_of_applicable_questions(kinds: str, score: int) -> None:
    """Yes counts one, partly half, no and not known nothing; not applicable is left out."""
    assert score == answers(*asked(*kinds), findings=FINDINGS).score


def test_warning_signs_do_not_count() -> None:
    """They repeat what other questions ask: raised by no and partly, not raised by yes, unknown when not known."""
    made = answers(*asked("Y"), *asked("N", "P", "Y", "X", "K", warning="Bad."), findings=FINDINGS)
    assert 100 == made.score
    assert [None, True, True, False, False, None] == [one.raised for one in made.answers]
    assert () == made.next


def test_next_actions_are_ranked_by_what_they_gain() -> None:
    """One action may move several questions; equal ones stay in the order of the checklist."""
    made = answers(*asked("P", "N", "N", "K", "Y"), findings=FINDINGS)
    assert [("Do N.", ("q1", "q2"), 40), ("Collect it.", ("q3",), 20), ("Do P.", ("q0",), 10)] == [
        (one.text, one.questions, one.gain) for one in made.next
    ]
    assert 100 == made.score + sum(one.gain for one in made.next)


SIGNED = {"question": "q", "status": "approved", "person": "ann", "note": "seen", "evidence": "sha256:s"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Answer.YES),
        ({"signed_at": None}, Answer.YES),
        ({"question": None, "control": "q"}, Answer.YES),
        ({"status": "draft"}, Answer.NOT_KNOWN),
        ({"status": "retired"}, Answer.NOT_KNOWN),
        ({"question": "other"}, Answer.NOT_KNOWN),
    ],
)
def test_sign_offs(change: dict[str, Any], expected: Answer) -> None:
    """An approved sign-off of the question answers it, where the question takes one."""
    row = {**SIGNED, "signed_at": datetime(2026, 11, 3, tzinfo=UTC), **change}
    (found,) = answers(question(sign_off=True), sign_offs=[row]).answers
    assert expected is found.answer
    assert (expected is Answer.YES) == ("ann" in found.reason)
    (found,) = answers(question(), sign_offs=[row]).answers
    assert Answer.NOT_KNOWN is found.answer


def test_a_sign_off_does_not_hide_a_deviation() -> None:
    """Beside a finding it is one part of the answer."""
    row = {**SIGNED, "signed_at": datetime(2026, 11, 3, tzinfo=UTC)}
    made = answers(question(ALL, sign_off=True), findings=[finding(item(A=D))], sign_offs=[row])
    assert Answer.PARTLY is made.answers[0].answer
    made = answers(question(ALL, sign_off=True), findings=[finding(item(A=T))], sign_offs=[row])
    assert Answer.NOT_KNOWN is made.answers[0].answer


def test_the_same_findings_in_another_order_give_the_same_answers() -> None:
    """Findings are looked up by name."""
    given = asked(*"YNKPX")
    assert answers(*given, findings=FINDINGS) == answers(*given, findings=FINDINGS[::-1])


def test_the_documented_form() -> None:
    """`soc2ev.checklist/1` with warnings where there are any."""
    made = checklist.as_json(answers(*asked("P"), *asked("N", warning="Bad."), findings=FINDINGS), "2026-10")
    assert ("soc2ev.checklist/1", "2026-10", 50) == (made["schema"], made["period"], made["score"])
    first, second = made["questions"]
    wanted = {"id", "checklist", "question", "answer", "reason", "evidence", "criteria", "controls", "next"}
    assert (wanted, "partly", ["P"]) == (set(first), first["answer"], first["controls"])
    assert (True, "Bad.") == (second["raised"], second["warning"])
    assert [{"action": "Do P.", "questions": ["q0"], "gain": 50}] == made["next"]


def test_without_findings_nothing_is_known() -> None:
    """The shipped checklists over nothing: score 0, every question unanswered, each with what would answer it."""
    made = checklist.answer([])
    assert (0, {Answer.NOT_KNOWN}) == (made.score, {one.answer for one in made.answers})
    assert all(one.next for one in made.answers)
    assert made.of("cc8.1")
    assert {"cc8.1"} == {one.question.checklist for one in made.of("cc8.1")}
