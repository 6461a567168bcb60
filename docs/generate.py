"""
The references that are made from the code: commands, controls, tables, questions.

`python docs/generate.py` rewrites the four pages beside this file; a test compares them with `pages()`. The text
depends on the code alone: not on the terminal, the machine or the day.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import typer

from soc2ev import controls
from soc2ev.checklist.questions import Checklist, Question, Reference
from soc2ev.checklist.questions import builtin as checklists
from soc2ev.cli import app
from soc2ev.model import Attribute, Control, Stream, Table
from soc2ev.sources import SOURCES
from soc2ev.tables import documented
from soc2ev.tables.standard import DERIVED

FOLDER = Path(__file__).parent
_MADE = "<!-- Made by docs/generate.py (`make docs`). Edit the code that it reads, not this page. -->"


def pages() -> dict[str, str]:
    """The text of each generated page, by file name."""
    return {
        "cli.md": _page("Commands", _commands()),
        "controls.md": _page("Controls", _controls()),
        "tables.md": _page("Tables", _tables()),
        "questions.md": _page("Questions", _questions()),
    }


def main() -> None:
    """Rewrite the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _page(title: str, lines: Iterable[str]) -> str:
    text = "\n".join([f"# {title}", "", _MADE, "", *lines])
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"


def _grid(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"
    yield ""


def _cell(value: object) -> str:
    """One line that ends neither its cell nor begins a tag; code spans stay as they are."""
    parts = " ".join(str(value).split()).replace("|", "\\|").split("`")
    return "`".join(part if at % 2 else part.replace("<", "\\<") for at, part in enumerate(parts))


def _code(text: object) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[object]) -> str:
    return ", ".join(map(_code, texts))


# Commands


def _commands() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield "Data goes to standard output, messages to standard error."
    yield "[Exit codes](exit-codes.md) mean the same everywhere."
    yield "`--help` after any command prints what stands here."
    yield ""
    yield "## soc2ev"
    yield ""
    yield from _help(root.help)
    yield from _parameters(root)
    for name, command in root.commands.items():
        yield from _command(f"soc2ev {name}", command)


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield from _help(command.help)
    yield from _parameters(command)
    for inner, below in getattr(command, "commands", {}).items():
        yield from _command(f"{name} {inner}", below)


def _help(text: str | None) -> Iterator[str]:
    """The prose of a command's help, with its examples as a block."""
    # A lone backspace tells the command line to keep the lines that follow.
    whole = inspect.cleandoc(text or "").replace("\b\n", "").replace("Examples:", "Example:")
    prose, _, examples = whole.partition("Example:")
    yield from prose.strip().splitlines()
    yield ""
    if examples.strip():
        yield "```sh"
        yield from inspect.cleandoc(examples).splitlines()
        yield "```"
        yield ""


def _parameters(command: Any) -> Iterator[str]:
    rows = [(_spelled(one), one.help or "", _default(one)) for one in command.params if not one.hidden and one.help]
    if rows:
        yield from _grid(("argument or option", "meaning", "default"), rows)


def _spelled(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return _code(parameter.name.upper()) + ("" if parameter.required else " (optional)")
    more = ["required"] * parameter.required + ["may be repeated"] * parameter.multiple
    return _codes(parameter.opts) + (f" ({', '.join(more)})" if more else "")


def _default(parameter: Any) -> str:
    given = parameter.default
    if given is None or isinstance(given, bool) or given in ("", (), []):
        return ""
    return _code(given.as_posix() if isinstance(given, PurePath) else given)


# Controls


def _controls() -> Iterator[str]:
    shipped = sorted(controls.builtin(), key=lambda one: (controls.AREAS.index(one.area), one.id))
    yield "The controls that are shipped, in the order of the pack's areas."
    yield "[How to write your own](writing-controls.md)."
    yield ""
    listed = [(f"[{one.id}](#{one.id})", ", ".join(one.criteria), one.title) for one in shipped]
    yield from _grid(("control", "criteria", "title"), listed)
    for control in shipped:
        yield from _control(control)


def _control(control: Control) -> Iterator[str]:
    yield f"## {control.id}"
    yield ""
    yield f"**{control.title}.**"
    yield control.statement
    yield ""
    yield f"Why: {control.why}"
    yield ""
    facts = (
        ("criteria", ", ".join(control.criteria)),
        ("area", _code(control.area)),
        ("owner", control.owner),
        ("frequency", control.frequency),
        ("needs", ", ".join(_table_link(name) for name in control.needs)),
    )
    yield from _grid(("", ""), facts)
    asked = [(one.letter, _code(one.key), one.asks) for one in control.attributes]
    yield from _grid(("", "attribute", "question"), asked)
    yield "What it says, where `{column}` stands for the item's value:"
    yield ""
    yield from _grid(("", "outcome", "reason"), _reasons(control.attributes))
    yield f"To put it right: {control.remediation}"
    yield ""
    if control.not_covered.strip():
        yield f"Not covered: {' '.join(control.not_covered.split())}"
        yield ""
    yield "Worked examples:"
    yield ""
    for example in control.examples:
        yield from _example(example, [one.letter for one in control.attributes])


def _reasons(attributes: Iterable[Attribute]) -> Iterator[tuple[str, str, str]]:
    for one in attributes:
        said = (
            ("met", one.met),
            ("deviation", one.deviation),
            ("not tested", one.unknown),
            ("not applicable", one.not_applicable),
        )
        yield from ((one.letter, outcome, text) for outcome, text in said if text)


def _example(example: Mapping[str, Any], letters: Sequence[str]) -> Iterator[str]:
    yield f"*{example['name']}*"
    yield ""
    given = [
        (_table_link(table), "; ".join(f"{column}: {_shown(value)}" for column, value in row.items()))
        for table, rows in example["given"].items()
        for row in rows
    ]
    yield from _grid(("given in", "row"), given or [("nothing", "")])
    expected = [
        (_code(item), *(outcomes.get(letter, "") for letter in letters)) for item, outcomes in example["expect"].items()
    ]
    yield from _grid(("item", *letters), expected)


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)


# Tables


def _tables() -> Iterator[str]:
    yield "The tables that controls and `soc2ev query` read. Times are UTC. NULL means that nothing tells."
    yield "`soc2ev tables NAME` prints the same."
    yield ""
    known = sorted(documented(), key=lambda one: one.name)
    yield from _grid(("table", "what it holds"), [(_table_link(one.name, here=True), one.doc) for one in known])
    origins = _origins()
    for table in known:
        yield from _table(table, origins[table.name])


def _origins() -> dict[str, str]:
    """Where the rows of each table come from."""
    found = {
        table.name: f"Source `{source.NAME}`, stream `{stream.name}`{_kind(stream)}."
        for source in SOURCES
        for stream in source.STREAMS
        for table in stream.tables
    }
    for name, (_, needs) in DERIVED.items():
        derived = f"Derived from {', '.join(_table_link(one, here=True) for one in needs)}." if needs else ""
        found[name] = derived or "Made from the configuration and the collections themselves."
    return found


def _kind(stream: Stream) -> str:
    if stream.snapshot:
        return ", as it was at one moment"
    return ", one set of rows for each collection" if stream.per_run else ""


def _table(table: Table, origin: str) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    yield f"{table.doc}"
    yield f"{origin} Key: {_codes(table.key)}."
    yield ""
    rows = [
        (_code(one.name), one.type, "never" if one.required or one.name in table.key else "", one.doc)
        for one in table.columns
    ]
    yield from _grid(("column", "type", "NULL", "meaning"), rows)


def _table_link(name: str, *, here: bool = False) -> str:
    return f"[{name}]({'' if here else 'tables.md'}#{name})"


# Questions


def _questions() -> Iterator[str]:
    yield "What the checklists ask, what answers each question today, and which evidence would."
    yield "[How answers and the score come about](checklist.md)."
    yield ""
    for checklist in checklists():
        yield from _checklist(checklist)


def _checklist(checklist: Checklist) -> Iterator[str]:
    yield f"## {checklist.name}"
    yield ""
    yield f"{checklist.title}."
    yield ""
    for question in checklist.questions:
        yield f"### {question.id}"
        yield ""
        yield question.question
        yield ""
        yield from _grid(("", ""), _about(question))


def _about(question: Question) -> Iterator[tuple[str, str]]:
    yield "criteria", ", ".join(question.criteria)
    by = [_answers(reference) for reference in question.answered_by]
    if question.sign_off:
        by.append("a sign-off in the registers")
    yield "answered by", "; ".join(by) or "nothing yet, so the answer is *not known*"
    yield "would answer it", question.would_answer
    if question.warning:
        yield "raised as", question.warning


def _answers(reference: Reference) -> str:
    text = f"[{reference.control}](controls.md#{reference.control})"
    if reference.attributes:
        text += f", attributes {', '.join(reference.attributes)}"
    if reference.items:
        text += f", items {_codes(reference.items)}"
    return text


if __name__ == "__main__":
    main()
