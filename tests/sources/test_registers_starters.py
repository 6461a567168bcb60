"""Starters, the page about registers, and lint: what a team has to begin with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from soc2ev import templates, yamlfile
from soc2ev.errors import ConfigError
from soc2ev.sources.registers import Problem, kinds, lint, starter, write_starters
from soc2ev.sources.registers.reading import read
from soc2ev.sources.registers.tables import rows

KINDS = [kind.kind for kind in kinds()]
PAGE = (Path(__file__).parents[2] / "docs" / "registers.md").read_text(encoding="utf-8")
PEOPLE = "id: people\nkind: people\nschema: 1\nstatus: draft\npeople: []\n"


def example_of(text):
    """The starter with its commented example in place of the empty list, and with the people filled in."""
    example = [
        line.removeprefix("# ")
        for line in text.split("tickets: []")[-1].split("counts\n")[-1].splitlines()
        if line.startswith("# ")
    ]
    first = next(at for at, line in enumerate(example) if re.fullmatch(r"[a-z]+:", line))
    lines = [line for line in text.splitlines() if not re.fullmatch(r"[a-z]+: \[\]", line)]
    filled = "\n".join(lines + example[first:]) + "\n"
    for key, value in (
        ("owner", "team"),
        ("prepared_by", "Dee Dyer"),
        ("reviewed_by", "Eve Ellis"),
        ("reviewed_on", "2026-12-01"),
    ):
        filled = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", filled)
    return filled


@pytest.mark.parametrize("kind", KINDS)
def test_every_starter_is_valid_and_answers_nothing(kind):
    """A starter is a register of its kind in draft, and holds no entry that could answer a question."""
    reading = read(starter(kind).encode(), f"{kind}.yaml")
    assert reading.problems == ()
    assert reading.kind == kind
    assert [name for name, _ in rows("x", reading)] in ([], ["registers"])
    assert yamlfile.parse(starter(kind).encode(), kind).data["status"] == "draft"
    assert [record.status for record in reading.records] in ([], ["draft"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_in_every_starter_is_valid(kind):
    """The commented example of a starter is a complete entry: without its marks it validates and gives rows."""
    reading = read(example_of(starter(kind)).encode(), kind)
    assert [str(problem) for problem in reading.problems] == []
    assert len(list(rows("x", reading))) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_on_the_page_with_an_example(kind):
    """docs/registers.md has a section for each kind: what for, kept by whom, and an approved example."""
    section = re.split(r"(?m)^## ", PAGE.split(f"\n## {kind}\n", 1)[1])[0]
    assert "Kept by: " in section
    (example,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    reading = read(example.encode(), kind)
    assert [str(problem) for problem in reading.problems] == []
    assert (reading.kind, reading.records[0].status) == (kind, "approved")


def test_the_page_shows_nothing_that_is_wrong():
    """Every example of the page can be copied, and every section about a kind is about one that exists."""
    for example in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        assert read(example.encode(), "page").problems == ()
    sections = re.findall(r"(?m)^## ([a-z_]+)$", PAGE)
    assert sections == KINDS


def test_there_is_no_starter_without_a_kind():
    """The folder of starters holds one file for each kind and nothing else."""
    names = sorted(path.name for path in templates.folder("registers").iterdir())
    assert names == sorted(f"{kind.replace('_', '-')}.yaml" for kind in KINDS)


def test_each_kind_is_described_with_its_fields():
    """`registers list` has a sentence and the fields of each kind, nested ones with their way."""
    found = {kind.kind: kind for kind in kinds()}
    assert found["people"].fields[:3] == ("people[].name", "people[].machine", "people[].github[].login")
    assert "requirement.actual" in found["exception"].fields
    assert all(kind.description.endswith(".") and "\n" not in kind.description for kind in found.values())


def test_starters_never_overwrite(tmp_path):
    """A kind that the folder has already, as a file or as a folder of files, gets no starter."""
    folder = tmp_path / "registers"
    folder.mkdir()
    (folder / "people.yml").write_text("mine")
    (folder / "waiver.yaml").symlink_to("nowhere")
    (folder / "alert-review").mkdir()
    written = {path.name for path in write_starters(folder)}
    assert len(written) == len(KINDS) - 3
    assert {"people.yaml", "waiver.yaml", "alert-review.yaml"} & written == set()
    assert (folder / "people.yml").read_text() == "mine"
    assert write_starters(folder) == []


def test_starters_are_fine_together(tmp_path):
    """All starters in one folder have nothing that lint complains about."""
    assert len(write_starters(tmp_path / "registers")) == len(KINDS)
    assert lint(tmp_path / "registers") == []


def test_a_folder_that_cannot_be_written(tmp_path):
    """A file in the place of the folder is refused with its name."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="file: File exists"):
        write_starters(tmp_path / "file")


def test_an_unknown_kind_has_no_starter():
    """A misspelt kind is refused with a suggestion."""
    with pytest.raises(ConfigError, match="did you mean 'waiver'"):
        starter("waivr")
    with pytest.raises(ConfigError, match="is no kind of register"):
        starter("../people")


def test_lint_tells_what_a_collection_would_tell(tmp_path):
    """Lint names wrong lines, ids used twice, missing documents and links, each with its place."""
    folder = tmp_path / "registers"
    folder.mkdir()
    (folder / "a.yaml").write_text(PEOPLE + "evidence: [gone.pdf, ../../x]\n")
    (folder / "b.yaml").write_text(PEOPLE)
    (folder / "c.yaml").write_text(PEOPLE + "ownr: x\n")
    (folder / "d.yaml").symlink_to(folder / "a.yaml")
    assert lint(folder) == [
        Problem("registers/d.yaml", "a symbolic link is not followed; put the file itself here"),
        Problem("registers/a.yaml", "document 'gone.pdf': no such file"),
        Problem("registers/a.yaml", "document '../../x': it lies outside the folder of soc2ev.yaml"),
        Problem("registers/c.yaml:6:1", "ownr: unknown key; did you mean 'owner'?"),
        Problem("registers/b.yaml", "id people already stands in registers/a.yaml"),
    ]


def test_lint_of_a_folder_that_is_not_there(tmp_path):
    """A folder that does not exist is a problem and not a folder without problems."""
    assert [str(one) for one in lint(tmp_path / "none")] == ["none: cannot be listed: No such file or directory"]


def test_lint_allows_documents_below_the_given_root(tmp_path):
    """With the folder of soc2ev.yaml given, documents anywhere below it are fine."""
    folder = tmp_path / "compliance" / "registers"
    folder.mkdir(parents=True)
    (tmp_path / "doc.md").write_text("x")
    (folder / "a.yaml").write_text(PEOPLE + "evidence: [../../doc.md]\n")
    assert lint(folder, root=tmp_path) == []
    assert len(lint(folder)) == 1
