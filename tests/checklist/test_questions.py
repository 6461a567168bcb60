"""The shipped questions: ids that others rely on, and references to controls that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc2ev import controls
from soc2ev.checklist import builtin
from soc2ev.checklist.questions import read
from soc2ev.errors import ConfigError, ControlError

IDS = {
    "api-logging": "log-source-inventory authentication-attempts-logged authorisation-failures-logged"
    " admin-actions-logged token-events-logged rate-limit-events-logged webhook-failures-logged"
    " sensitive-fields-masked retention-documented log-access-reviewed incident-logs-retrievable",
    "change-management": "production-change-defined changes-linked-to-tickets pull-requests-approved tests-documented"
    " deployments-traceable emergencies-recorded high-risk-changes-reviewed rollback-plans-documented"
    " evidence-stored-centrally",
}
NAMES = [
    "change-management",
    "api-logging",
    "cc6.1",
    "cc6.2",
    "cc6.3",
    "cc7.2",
    "cc7.3",
    "cc8.1",
    "monitoring",
    "warning-signs",
]


@pytest.mark.parametrize("name", IDS)
def test_ids_that_others_rely_on(name: str) -> None:
    """Each question of the two checklists is there, in this order."""
    (found,) = (one for one in builtin() if one.name == name)
    assert IDS[name].split() == [question.id for question in found.questions]


def test_checklists_stand_in_the_order_in_which_people_read_them() -> None:
    """All ten, none twice; ids are unique over all of them."""
    assert NAMES == [one.name for one in builtin()]
    ids = [question.id for one in builtin() for question in one.questions]
    assert sorted(set(ids)) == sorted(ids)


def test_references_name_controls_letters_and_items_that_exist() -> None:
    """A question that looks for what no control judges would stay unanswered for ever."""
    known = {control.id: control for control in controls.builtin()}
    references = [part for one in builtin() for question in one.questions for part in question.answered_by]
    assert references
    for part in references:
        control = known[part.control]
        assert set(part.attributes) <= {attribute.letter for attribute in control.attributes}
        shown = {item for example in control.examples for item in example["expect"]}
        assert set(part.items) <= shown


def test_warnings_belong_to_warning_signs() -> None:
    """Each warning sign has its words, and no other question has any."""
    for one in builtin():
        assert {one.name == "warning-signs"} == {bool(question.warning) for question in one.questions}
        assert all(question.checklist == one.name and question.criteria for question in one.questions)


FILE = """\
checklist: mine
title: Mine
questions:
  - id: first
    question: Is it?
    criteria: [CC8.1]
    answered_by: [{control: c, attributes: [A]}]
    would_answer: Collect it.
"""


def test_a_checklist_is_read(tmp_path: Path) -> None:
    """With defaults for what a question may leave out."""
    (tmp_path / "mine.yaml").write_text(FILE)
    (question,) = read(tmp_path / "mine.yaml").questions
    assert ("first", "mine", False, "") == (question.id, question.checklist, question.sign_off, question.warning)
    assert ("c", ("A",), ()) == (
        question.answered_by[0].control,
        question.answered_by[0].attributes,
        question.answered_by[0].items,
    )


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("id: first", "id: First", "4:"),
        ("question: Is it?", "question: ''", "5:5"),
        ("[CC8.1]", "[]", "6:5"),
        ("would_answer: Collect it.", "", "4:"),
        ("control: c, ", "", "7:"),
        ("title: Mine", "titel: Mine", "2:1"),
        ("attributes: [A]", "attributes: A", "7:"),
    ],
)
def test_an_incomplete_file_is_refused(tmp_path: Path, old: str, new: str, place: str) -> None:
    """With the file's name and the place."""
    (tmp_path / "mine.yaml").write_text(FILE.replace(old, new))
    with pytest.raises(ControlError) as caught:
        read(tmp_path / "mine.yaml")
    assert f"mine.yaml:{place}" in caught.value.message
    with pytest.raises(ConfigError, match="No such file"):
        read(tmp_path / "none.yaml")
