"""The controls that are shipped: their examples, their needs, and that erasing a fact never helps."""

from __future__ import annotations

import re

import pytest

from soc2ev.controls import AREAS, builtin, examples
from soc2ev.controls.catalog import BUILTIN
from soc2ev.model import Control
from soc2ev.tables import documented

CRITERIA = {"CC6.1", "CC6.2", "CC6.3", "CC7.2", "CC7.3", "CC7.4", "CC7.5", "CC8.1", "A1.2", "PI1.1", "C1.1"}
EACH = pytest.mark.parametrize("control", builtin(), ids=lambda control: control.id)


@EACH
def test_examples_come_out_as_they_say(control: Control) -> None:
    """Every example is judged as expected, and erasing any fact moves outcomes to not tested only."""
    assert [] == list(examples.test(control))


@EACH
def test_every_attribute_shows_met_and_a_deviation(control: Control) -> None:
    """But for those that no collected table can answer yet, whose SQL is a constant NULL."""
    shown = {
        (letter, outcome)
        for example in control.examples
        for row in example["expect"].values()
        for letter, outcome in row.items()
    }
    asked = [part.letter for part in control.attributes if part.sql.lower() != "null::boolean"]
    # Nothing that is collected shows that evidence is missing rather than not collected.
    never = {("change-evidence-kept", "A"), ("change-evidence-kept", "B")}
    wanted = {(letter, "met") for letter in asked}
    wanted |= {(letter, "deviation") for letter in asked if (control.id, letter) not in never}
    assert set() == wanted - shown


@EACH
def test_needs_cover_every_table_that_the_sql_names(control: Control) -> None:
    """A table that is queried and not needed could be missing without anyone noticing."""
    known = {table.name for table in documented()}
    texts = [
        control.population,
        *(text for part in control.attributes for text in (part.sql, part.applies_when or "", part.evidence or "")),
    ]
    named = {word for text in texts for word in re.findall(r"\b(?:from|join)\s+(\w+)", text.lower()) if word in known}
    assert named
    assert named - {"policy"} <= set(control.needs)


@EACH
def test_attributes_need_no_more_than_their_control(control: Control) -> None:
    """Else the finding would be complete over something that an attribute calls incomplete."""
    assert all(set(part.needs) <= set(control.needs) for part in control.attributes)


@EACH
def test_names_and_words(control: Control) -> None:
    """The id is the file's name, criteria and area are known, letters run from A, and no word is the auditor's."""
    assert (BUILTIN / f"{control.id}.yaml").read_text(encoding="utf-8") == control.text
    assert set(control.criteria) <= CRITERIA
    assert control.area in AREAS
    letters = [part.letter for part in control.attributes]
    assert [chr(ord("A") + at) for at in range(len(letters))] == letters
    assert not re.search(r"\b(compliant|certified|attested|exception noted)\b", control.text, re.IGNORECASE)


def test_every_file_is_a_control() -> None:
    """No file beside the code is left out, and none is there twice."""
    assert sorted(path.stem for path in BUILTIN.glob("*.yaml")) == [control.id for control in builtin()]
    assert len(builtin()) >= 11
