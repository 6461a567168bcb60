"""Control files: a whole one is read, an incomplete one is refused with its place."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from soc2ev import config, controls
from soc2ev.errors import ControlError

TEXT = """\
id: mine
title: A title
statement: A statement.
why: A reason.
criteria: [CC8.1]
area: change-management
owner: somebody
frequency: per change
needs: [changes]
population: select * from changes;
attributes:
  B: {key: second, asks: "Is it?", sql: "true", deviation: No., unknown: Unknown., needs: []}
  A: {key: first, asks: "Is it?", sql: "true", deviation: No., unknown: Unknown.}
remediation: Do it.
examples:
  - name: all of them
    given: {changes: [{item: x}]}
    expect: {x: {A: met}, y: {A: deviation}, z: {A: not tested}}
"""


def refusal(text: str, name: str = "mine") -> str:
    with pytest.raises(ControlError) as caught:
        controls.parse(text.encode(), name, "here")
    return caught.value.message


def test_a_whole_file_is_a_control() -> None:
    """Attributes stand in the order of their letters and need what the control needs unless they say otherwise."""
    found = controls.parse(TEXT.encode(), "mine", "here")
    assert ("mine", "here", ("CC8.1",), "select * from changes") == (
        found.id,
        found.origin,
        found.criteria,
        found.population,
    )
    assert [("A", ("changes",)), ("B", ())] == [(part.letter, part.needs) for part in found.attributes]
    assert f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()}" == found.digest
    assert (TEXT, "2026-10") == (found.text, found.examples[0]["period"])


@pytest.mark.parametrize("key", [line.partition(":")[0] for line in TEXT.splitlines() if line[0].isalpha()])
def test_every_part_is_needed(key: str) -> None:
    """A control without its reasons, remediation or examples is refused."""
    text = TEXT.replace(f"\n{key}:", f"\nx-{key}:", 1) if key != "id" else TEXT.replace("id: mine\n", "")
    message = refusal(text)
    assert f"mine.yaml:1:1: {key}: missing" in message


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("id: mine", "id: other", "1:1", "the id is the file's name"),
        ("title: A title", "title: ' '", "2:1", "must not be empty"),
        ("[CC8.1]", "[CC8]", "5:12", "a criterion is written as"),
        ("[CC8.1]", "[]", "5:1", "criteria"),
        ("change-management", "changes", "6:1", "area"),
        ("needs: [changes]", "needs: [chnges]", "9:9", "there is no table 'chnges'; did you mean 'changes'?"),
        ("needs: []", "needs: [x]", "12:", "there is no table 'x'"),
        ("B: {", "b: {", "1:1", "lettered A to Z, not 'b'"),
        ("key: first", "key: First", "13:", "attributes.A.key"),
        (
            'asks: "Is it?", sql: "true", deviation: No., unknown: Unknown.}',
            "asks: x, sql: '', deviation: x, unknown: x}",
            "13:",
            "sql",
        ),
        ("deviation: No., unknown: Unknown.}", "deviation: No., unknown: ''}", "13:", "must not be empty"),
        ("unknown: Unknown.}", "unknown: x, applies_when: x}", "13:", "says in not_applicable why"),
        ("z: {A: not tested}", "z: {A: met}", "1:1", "no worked example shows: not tested"),
        ("y: {A: deviation}", "y: {A: bad}", "18:", "expect"),
        ("remediation:", "remedation:", "14:1", "did you mean 'remediation'?"),
        ("population:", "population: &x", "10:", ""),
    ],
)
def test_each_mistake_names_its_place(old: str, new: str, place: str, says: str) -> None:
    """File, line and column of what is wrong."""
    if not says:
        assert controls.parse(TEXT.replace(old, new).encode(), "mine", "x")
        return
    message = refusal(TEXT.replace(old, new, 1))
    assert f"mine.yaml:{place}" in message
    assert says in message


def test_a_name_with_other_letters_is_refused() -> None:
    """The id stands in file names, links and sheets."""
    for name in ("Mine", "my control", "mine_", "-x"):
        assert "lower-case-with-dashes" in refusal(TEXT.replace("id: mine", f"id: {name!r}"), name)


def load(folder: Path, *entries: str) -> list[str]:
    file = folder / "soc2ev.yaml"
    file.write_text(f"version: 1\norganisation: X\ncontrols: [{', '.join(entries)}]\n")
    return [control.id for control in controls.load(config.load(file))]


def test_folders_and_builtin_are_loaded_together(tmp_path: Path) -> None:
    """Sorted by id; other files are no controls."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_text(TEXT)
    (tmp_path / "own" / "notes.md").write_text("x")
    assert ["mine"] == load(tmp_path, "./own")
    assert sorted(["mine", *(control.id for control in controls.builtin())]) == load(tmp_path, "builtin", "./own")


def test_one_id_in_two_files_is_refused(tmp_path: Path) -> None:
    """A team's control does not silently replace a shipped one, nor another of its own."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.yaml").write_text(TEXT)
    with pytest.raises(ControlError, match=r"two/mine\.yaml: the id mine is taken by ./one"):
        load(tmp_path, "./one", "./two")
    shipped = controls.builtin()[0]
    (tmp_path / "one" / f"{shipped.id}.yaml").write_text(shipped.text)
    with pytest.raises(ControlError, match="is taken by builtin"):
        load(tmp_path, "builtin", "./one")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The rest is loaded; whoever shows results can say what was missing."""
    assert [] == load(tmp_path, "./none")
    assert ["./none"] == controls.missing_folders(config.load(tmp_path / "soc2ev.yaml"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """As a control error, with the path."""
    with pytest.raises(ControlError, match="No such file"):
        controls.read(tmp_path / "none.yaml")
