"""The documents say what the code does: references are fresh, paths exist, links lead somewhere, examples run."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from soc2ev import config, errors, yamlfile
from soc2ev.checklist import SCHEMA as CHECKLIST
from soc2ev.cli.words import MEANINGS
from soc2ev.controls import AREAS
from soc2ev.controls.report import SCHEMA as FINDINGS
from soc2ev.model import Answer, Conclusion, Outcome
from soc2ev.pack import SCHEMA as PACK
from soc2ev.pack import layout
from soc2ev.vault import records
from soc2ev.vault.verdict import GRADES
from tests.conftest import Run

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GENERATED = ("cli.md", "controls.md", "tables.md", "questions.md")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_OURS = re.compile(r"(\.ci|benchmarks|docs|soc2ev|templates|tests)/[\w./*-]*|[\w.-]+\.(md|toml|yaml)|Makefile|LICENSE")
_NOT_HERE = {"soc2ev.yaml", "evidence-index.csv", "findings.json"}


def _pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _section(page: str, heading: str) -> str:
    """What stands under that heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#|\Z)", _text(page), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no section {heading}"
    return found[2]


# Generated pages


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """What `docs/generate.py` makes of the code is what the page says; `make docs` rewrites it."""
    assert _generator().pages()[name] == _text(f"docs/{name}"), "run `make docs`"


def test_generated_pages_do_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal makes the same pages."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERMINAL_WIDTH", "40")
    assert {name: _text(f"docs/{name}") for name in GENERATED} == _generator().pages()


def test_every_command_and_option_is_documented(soc2ev: Run, tmp_path: Path) -> None:
    """Whatever `--help` lists, down to the last option, stands in the section of its command."""
    waiting, seen = [[]], 0  # type: list[list[str]], int
    while waiting:
        words = waiting.pop()
        said = soc2ev(*words, "--help", cwd=tmp_path).out
        section = _section("docs/cli.md", " ".join(["soc2ev", *words]))
        options = set(re.findall(r"^ {2,}(?:-\w, )?(--[a-z-]+)", said, re.MULTILINE)) - {"--help"}
        assert set() == {one for one in options if f"`{one}`" not in section}, words
        commands = re.search(r"^Commands:\n((?:  .*\n)+)", said, re.MULTILINE)
        inner = re.findall(r"^  (\S+)", commands[1], re.MULTILINE) if commands else []
        waiting += [[*words, one] for one in inner]
        seen += 1
    assert seen > 25


def test_every_table_and_column_is_documented(soc2ev: Run, tmp_path: Path) -> None:
    """Every table that `soc2ev tables` knows has a section with every column."""
    known = json.loads(soc2ev("tables", "--format", "json", cwd=tmp_path).out)
    missing = [
        f"{table['table']}.{column['name']}"
        for table in known
        for column in table["columns"]
        if f"| `{column['name']}` |" not in _section("docs/tables.md", table["table"])
    ]
    assert [] == missing
    assert len(known) > 40


def test_every_control_is_documented_with_its_questions() -> None:
    """Every control file that ships has a section that asks each of its questions."""
    files = sorted((ROOT / "soc2ev" / "controls").glob("*.yaml"))
    assert files
    for file in files:
        control = yamlfile.read(file).data
        section = _section("docs/controls.md", file.stem)
        for attribute in control["attributes"].values():
            assert f"| `{attribute['key']}` | {attribute['asks']} |" in section
        assert [] == [one["name"] for one in control["examples"] if f"*{one['name']}*" not in section]


def test_every_question_is_documented() -> None:
    """Every question of every checklist file has a section with its words and what would answer it."""
    files = sorted((ROOT / "soc2ev" / "checklist" / "questions").glob("*.yaml"))
    assert files
    for file in files:
        for question in yamlfile.read(file).data["questions"]:
            section = _section("docs/questions.md", question["id"])
            assert question["question"] in section
            assert f"| would answer it | {question['would_answer']} |" in section


# Pages that are written by hand


def test_every_key_of_the_configuration_is_documented() -> None:
    """docs/configuration.md names every key of the schema, and none that does not exist."""
    documented = set(re.findall(r"^\| `([a-z_.\[\]]+)` \|", _text("docs/configuration.md"), re.MULTILINE))
    assert set(_keys(config.schema(), config.schema())) == documented


def _keys(schema: dict[str, Any], part: dict[str, Any], path: str = "") -> Iterator[str]:
    """Dotted names of the keys; `[]` stands for an entry of a list. Of the secrets one is opened."""
    for name, value in part.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here
        for inner in (value, *value.get("anyOf", ())):
            item = inner.get("items", {})
            named = inner.get("$ref") or item.get("$ref", "")
            known = named.rpartition("/")[2]
            if known and (known != "Secret" or here == "sources.github[].token"):
                yield from _keys(schema, schema["$defs"][known], here if "$ref" in inner else f"{here}[]")


def test_every_exit_code_is_documented() -> None:
    """docs/exit-codes.md has a row for each code that an error, a gate or a signal ends with."""
    known = (getattr(one, "exit_code", None) for one in vars(errors).values())
    raised = {str(code) for code in known if code is not None}
    explained = {word for word in MEANINGS if word.isdigit()}
    rows = set(re.findall(r"^\| (\d+) \|", _text("docs/exit-codes.md"), re.MULTILINE))
    assert explained | raised == rows


def test_the_glossary_has_every_outcome_conclusion_and_answer() -> None:
    """Whatever word a verdict uses stands in the glossary, once; only yes and no need no explanation."""
    entries = re.findall(r"^\*\*([^*]+)\*\* - ", _text("docs/glossary.md"), re.MULTILINE)
    words = {one.value for one in (*Outcome, *Conclusion, *Answer)} - {"yes", "no", "deviations"}
    assert set() == words - set(entries)
    assert sorted(set(entries)) == sorted(entries)


def test_the_floors_are_those_of_the_contract() -> None:
    """The table of floors in ARCHITECTURE.md is the import contract, floor by floor."""
    linter = tomllib.loads(_text("pyproject.toml"))["tool"]["importlinter"]
    (layers,) = (one["layers"] for one in linter["contracts"] if one["type"] == "layers")
    told = re.findall(r"^\| `(soc2ev\.[^`]+)` \|", _text("ARCHITECTURE.md"), re.MULTILINE)
    assert layers == [one.replace("\\|", "|") for one in told]


def test_the_vault_format_names_every_field_of_every_line() -> None:
    """docs/vault-format.md has a row for each field of each type of line."""
    page = _text("docs/vault-format.md")
    fields = {*records.COMMON, "clock_clamped", *(name for body in records.KINDS.values() for name in body)}
    assert set() == {name for name in fields if f"\n| `{name}` |" not in page}
    assert set() == {kind for kind in records.KINDS if f"`{kind}`" not in page}


def test_the_pack_format_names_every_schema_folder_and_key() -> None:
    """docs/pack-format.md names the schemas, the areas' folders and the fixed files."""
    page = _text("docs/pack-format.md")
    names = (PACK, FINDINGS, CHECKLIST, *layout.AREAS.values(), layout.INTEGRITY, layout.START, layout.INDEX)
    assert [] == [name for name in names if name not in page]


def test_every_grade_is_explained() -> None:
    """docs/security-model.md has a row for each grade that a verification can have."""
    rows = re.findall(r"^\| (G\d) \|", _text("docs/security-model.md"), re.MULTILINE)
    assert sorted(GRADES) == rows


def test_decisions_are_numbered_and_whole() -> None:
    """Each decision has its number, context, options, choice and consequences, and stands in the list."""
    pages = sorted((DOCS / "adr").glob("0*.md"))
    assert [f"{at:04}" for at in range(1, len(pages) + 1)] == [page.name[:4] for page in pages]
    for page in pages:
        headings = _HEADING.findall(page.read_text(encoding="utf-8"))
        assert headings[0].startswith(f"{page.name[:4]} ")
        assert ["Context", "Options", "Choice", "Consequences"] == headings[1:]
        assert f"({page.name})" in _text("docs/adr/README.md")


# Paths, links, form


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/adding-a-source.md"])
def test_every_path_that_is_named_exists(name: str) -> None:
    """A file, folder or glob named there exists, and after a colon a function or class in it."""
    seen = 0
    for span in _SPAN.findall(_text(name)):
        path, _, member = span.partition(":")
        if not _OURS.fullmatch(path) or path in _NOT_HERE:
            continue
        seen += 1
        found = sorted(ROOT.glob(path.rstrip("/"))) if "*" in path else [ROOT / path]
        assert found, f"{span} is nothing"
        assert found[0].exists(), f"{span} does not exist"
        if member:
            defines = re.search(rf"^ *(def|class) {re.escape(member)}\b", found[0].read_text("utf-8"), re.MULTILINE)
            assert defines, f"{path} defines no {member}"
    assert seen > 2


def test_names_in_architecture_stand_where_it_says() -> None:
    """The lists that new things are entered in exist under these names."""
    for name, file in re.findall(r"`(_?[A-Z]+|_payload)` in `([^`]+)`", _text("ARCHITECTURE.md")):
        assert re.search(rf"^(def )?{name}\b", _text(file), re.MULTILINE), f"{name} in {file}"


def test_every_make_target_that_is_named_exists() -> None:
    """Whatever the documents tell people to make can be made."""
    targets = set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    told = {one for page in _pages() for one in re.findall(r"`make ([a-z-]+)`", page.read_text("utf-8"))}
    assert told
    assert set() == told - targets


@pytest.mark.parametrize("page", _pages(), ids=_named)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file that exists, and a heading in it when it names one."""
    for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Headings as the code hosts turn them into anchors: lower case, words with dashes."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return frozenset(re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings)


@pytest.mark.parametrize("page", _pages(), ids=_named)
def test_a_page_has_a_clean_form(page: Path) -> None:
    """No trailing blanks, no tabs, one line feed at the end, one title."""
    text = page.read_text(encoding="utf-8")
    assert [] == [line for line in text.splitlines() if line != line.rstrip() or "\t" in line]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert 1 == len(re.findall(r"^# ", _BLOCK.sub("", text), re.MULTILINE))


def test_every_area_is_told_to_authors_of_controls() -> None:
    """docs/writing-controls.md names every area that a control can have."""
    assert [] == [area for area in AREAS if f"`{area}`" not in _text("docs/writing-controls.md")]


# The tutorial


def _blocks(page: str) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in _BLOCK.finditer(_text(page))]


def _tutorial() -> str:
    """The control that the tutorial writes."""
    whole = [text for kind, text in _blocks("docs/writing-controls.md") if kind == "yaml" and text.startswith("id:")]
    assert 1 == len(whole)
    return whole[0]


def _mistakes() -> list[tuple[str, str, str]]:
    """(line that is there, what stands in its place, what the command says) of each mistake."""
    blocks = _blocks("docs/writing-controls.md")
    pairs = [(one, after) for (kind, one), (_, after) in pairwise(blocks) if kind == "diff"]
    return [
        (
            "".join(f"{line[1:]}\n" for line in change.splitlines() if line.startswith("-")),
            "".join(f"{line[1:]}\n" for line in change.splitlines() if line.startswith("+")),
            said,
        )
        for change, said in pairs
    ]


@pytest.fixture
def author(tmp_path: Path) -> Path:
    """A folder with a configuration that uses the controls beside it."""
    (tmp_path / "controls").mkdir()
    (tmp_path / "soc2ev.yaml").write_text("version: 1\norganisation: Example Co\ncontrols: [./controls]\n")
    return tmp_path


def _tested(soc2ev: Run, author: Path, text: str) -> str:
    (author / "controls" / "no-weekend-changes.yaml").write_text(text, encoding="utf-8")
    done = soc2ev("controls", "test", "no-weekend-changes", cwd=author)
    return _without_engine(done.out + done.err)


def _without_engine(text: str) -> str:
    """The engine's own words differ between its versions."""
    return re.sub(r"(SQL (?:cannot be read|does not run): ).*", r"\1", text).strip()


def test_the_tutorial_s_control_passes_its_examples(soc2ev: Run, author: Path) -> None:
    """The control as printed is whole and sound, and the page shows what the command says of it."""
    said = _tested(soc2ev, author, _tutorial())
    shown = [text for _, text in _blocks("docs/writing-controls.md") if "$ soc2ev controls test" in text]
    assert [said] == [text.partition("\n")[2].strip() for text in shown]


@pytest.mark.parametrize("mistake", _mistakes(), ids=lambda one: one[1].strip()[:40] or one[0].strip()[:40])
def test_each_mistake_gives_what_the_tutorial_says(soc2ev: Run, author: Path, mistake: tuple[str, str, str]) -> None:
    """Each change of the tutorial's control is refused, in the very words that stand below it."""
    there, instead, said = mistake
    assert 1 == _tutorial().count(there)
    assert _without_engine(said) == _tested(soc2ev, author, _tutorial().replace(there, instead))


def test_the_tutorial_shows_mistakes() -> None:
    """Every block that changes the control is followed by the answer to it, and there are more than ten."""
    kinds = [kind for kind, _ in _blocks("docs/writing-controls.md")]
    assert {"text"} == {after for kind, after in pairwise(kinds) if kind == "diff"}
    assert kinds.count("diff") == len(_mistakes()) > 10


def test_the_configuration_that_is_shown_loads(tmp_path: Path) -> None:
    """The example of docs/configuration.md is a configuration."""
    (shown,) = [text for kind, text in _blocks("docs/configuration.md") if kind == "yaml"]
    file = tmp_path / "soc2ev.yaml"
    file.write_text(shown, encoding="utf-8")
    assert "Example Co" == config.load(file).config.organisation


def test_no_page_tells_where_it_was_written() -> None:
    """No page names a folder of the machine that it was written on."""
    told = [_named(page) for page in _pages() if re.search(r"/(tmp|work|home|root)/", page.read_text("utf-8"))]
    assert [] == told


def test_the_generator_writes_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python docs/generate.py` puts each page where it belongs."""
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("*.md"))
    monkeypatch.setattr(_generator(), "FOLDER", tmp_path / "docs")
    _generator().main()
    assert sorted(GENERATED) == sorted(page.name for page in (tmp_path / "docs").glob("*.md"))
