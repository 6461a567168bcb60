"""Looking around: tables, queries, controls, registers, error codes, the schema of the configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format, Period
from soc2ev.errors import ConfigError

_controls = typer.Typer(help="The controls: list, show, test.", no_args_is_help=True, rich_markup_mode=None)
_registers = typer.Typer(
    help="What the team keeps by hand: list, new, lint.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("query")(query)
    app.command("tables")(tables)
    app.command("explain")(explain)
    app.command("schema")(schema)
    app.add_typer(_controls, name="controls")
    app.add_typer(_registers, name="registers")


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over the tables that `soc2ev tables` documents.")],
    period: Period = "last-month",
    format_: Annotated[str, typer.Option("--format", "-f", help="table, json or csv.")] = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Run one SELECT over the tables of a period, locked in as a control is.

    Examples:
      soc2ev query "select integration, count(*) from changes group by all" --period 2026-10
      soc2ev query "select * from change_commits where fate = 'outside'" --format csv
    """
    session.chosen_format(format_, ("table", "json", "csv"))
    from soc2ev.tables import load

    session.bound_memory()
    found = session.settings()
    with load(session.vault(found), found, session.period(period, found.config.timezone)) as opened:
        rows = opened.select(sql)
    if format_ == "json":
        from soc2ev.controls.report import plain

        console.put_json([plain(row) for row in rows])
    elif format_ == "csv":
        from soc2ev.pack.export import table_csv

        parts = table_csv(rows.columns, (list(row.values()) for row in rows))
        console.put_parts(part.decode().replace("\r\n", "\n").removeprefix("\ufeff") for part in parts)
    else:
        console.table(rows.columns, [[_cell(value) for value in row.values()] for row in rows])


def tables(
    name: Annotated[str | None, typer.Argument(help="A table; without it all are listed.")] = None,
    format_: Format = "table",
) -> None:
    """
    Document the tables that controls and queries read.

    Examples:
      soc2ev tables
      soc2ev tables changes
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.tables import documented
    from soc2ev.yamlfile import suggest

    known = {table.name: table for table in documented()}
    if name and name not in known:
        raise ConfigError(
            f"there is no table {name!r}{suggest(name, sorted(known))}", hint="`soc2ev tables` lists them"
        )
    chosen = [known[name]] if name else [known[one] for one in sorted(known)]
    if format_ == "json":
        console.put_json(
            [{"table": one.name, "doc": one.doc, "key": list(one.key), "columns": _columns(one)} for one in chosen]
        )
    elif name:
        console.put(chosen[0].doc)
        console.table(
            ("column", "type", "meaning"), [(part["name"], part["type"], part["doc"]) for part in _columns(chosen[0])]
        )
    else:
        console.table(
            ("table", "columns", "what it holds"), [(one.name, len(one.columns), one.doc) for one in chosen], right=(1,)
        )


def explain(
    code: Annotated[str, typer.Argument(help="An exit code, an outcome, a conclusion, a grade or a flag.")],
) -> None:
    """
    Say what a word or number of ours means, and what to do about it.

    Examples:
      soc2ev explain 5
      soc2ev explain "not tested"
    """
    from soc2ev.cli.words import MEANINGS
    from soc2ev.yamlfile import suggest

    meaning = MEANINGS.get(code) or MEANINGS.get(code.lower()) or MEANINGS.get(code.upper())
    if meaning is None:
        raise ConfigError(
            f"nothing here is called {code!r}{suggest(code, sorted(MEANINGS))}", hint=", ".join(sorted(MEANINGS))
        )
    console.put(meaning)


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
) -> None:
    """
    Print the JSON Schema of soc2ev.yaml, for completion and checks in an editor.

    Example:
      soc2ev schema --output soc2ev.schema.json
    """
    from soc2ev.config import schema as made

    text = json.dumps(made(), indent=2)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    else:
        console.put(text)


@_controls.command("list")
def controls_list(format_: Format = "table", config: Config = None) -> None:  # noqa: ARG001
    """
    List the controls in use: those of the configuration, or the ones that are shipped when there is none.

    Example:
      soc2ev controls list --format json
    """
    session.chosen_format(format_, ("table", "json"))
    found = _in_use()
    if format_ == "json":
        console.put_json([_about(control) for control in found])
    else:
        console.table(
            ("control", "criteria", "area", "attributes", "title"),
            [(c.id, ", ".join(c.criteria), c.area, "".join(a.letter for a in c.attributes), c.title) for c in found],
        )


@_controls.command("show")
def controls_show(name: Annotated[str, typer.Argument(help="The control's id.")], config: Config = None) -> None:  # noqa: ARG001
    """
    Print one control file: statement, population, attributes, examples.

    Example:
      soc2ev controls show production-history-kept > controls/my-control.yaml
    """
    console.put(_named(name).text.rstrip())


@_controls.command("test")
def controls_test(
    name: Annotated[str | None, typer.Argument(help="A control's id; without it all are tested.")] = None,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Run worked examples, then erase each fact in turn: an outcome may only move to not tested. Exit 3 when one fails.

    Example:
      soc2ev controls test my-control
    """
    from soc2ev.controls import examples

    chosen = [_named(name)] if name else _in_use()
    failed = 0
    for control in chosen:
        problems = list(examples.test(control))
        failed += bool(problems)
        console.put(f"{console.glyph('missing' if problems else 'ok')} {control.id}: {len(control.examples)} examples")
        for problem in problems:
            console.put(f"    {console.safe(problem)}")
    if failed:
        raise typer.Exit(3)


@_registers.command("list")
def registers_list(format_: Format = "table") -> None:
    """
    List the kinds of registers, and what each is for.

    Example:
      soc2ev registers list
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.sources.registers import kinds

    rows = [(entry.kind, entry.description, ", ".join(entry.fields)) for entry in kinds()]
    if format_ == "json":
        console.put_json([dict(zip(("kind", "doc", "fields"), row, strict=True)) for row in rows])
    else:
        console.table(("kind", "what it is for"), [row[:2] for row in rows])


@_registers.command("new")
def registers_new(
    kind: Annotated[
        str | None, typer.Argument(help="A kind; without it every starter that is missing is written.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder (default: that of the configuration).")
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", help="alert-review only: list the alerts of that period in it.")
    ] = None,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Write starters, which are drafts until somebody fills and reviews them. Nothing is overwritten.

    Examples:
      soc2ev registers new procedures
      soc2ev registers new alert-review --period last-month
    """
    from soc2ev.sources.registers import starter, write_starters

    folder = output or _registers_folder()
    kind = kind and kind.replace("-", "_")
    if period is not None:
        if kind != "alert_review":
            raise ConfigError("only an alert-review lists what happened in a period", hint="leave --period out")
        from soc2ev.cli.review import write_alert_review

        console.put(str(write_alert_review(folder, period)))
        return
    if kind is None:
        for path in write_starters(folder):
            console.put(str(path))
        return
    path = folder / f"{kind.replace('_', '-')}.yaml"
    text = starter(kind)
    if path.exists():
        raise ConfigError(f"{path} exists", hint="edit it, or give --output another folder")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    console.put(str(path))


@_registers.command("lint")
def registers_lint(
    folder: Annotated[Path | None, typer.Argument(help="The folder (default: that of the configuration).")] = None,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Check registers: form, dates, two people, expiry. Exit 2 when something is wrong.

    Example:
      soc2ev registers lint ./registers
    """
    from soc2ev.sources.registers import lint

    chosen = folder or _registers_folder()
    problems = lint(chosen)
    for problem in problems:
        console.put(f"{console.safe(problem.place)}: {console.safe(problem.message)}")
    console.say(f"{len(problems)} problems in {chosen}")
    if problems:
        raise typer.Exit(2)


def _registers_folder() -> Path:
    found = session.settings()
    if found.config.registers is None:
        raise ConfigError("the configuration names no registers folder", hint="set `registers: ./registers`")
    return found.path(found.config.registers)


def _in_use() -> list[Any]:
    from soc2ev import controls

    try:
        found = session.settings()
    except ConfigError as problem:
        if "no soc2ev.yaml" not in problem.message:
            raise
        return list(controls.builtin())
    return controls.load(found)


def _named(name: str) -> Any:
    from soc2ev.yamlfile import suggest

    known = {control.id: control for control in _in_use()}
    if name not in known:
        raise ConfigError(
            f"there is no control {name!r}{suggest(name, sorted(known))}", hint="`soc2ev controls list` names them"
        )
    return known[name]


def _about(control: Any) -> dict[str, Any]:
    return {
        "id": control.id,
        "title": control.title,
        "criteria": list(control.criteria),
        "area": control.area,
        "origin": control.origin,
        "digest": control.digest,
        "attributes": {part.letter: part.asks for part in control.attributes},
    }


def _columns(table: Any) -> list[dict[str, str]]:
    return [{"name": column.name, "type": column.type, "doc": column.doc} for column in table.columns]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
