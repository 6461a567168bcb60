"""Where evidence comes from: sources and connectors; what they ask, whether they work, and new ones."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format
from soc2ev.errors import AccessError, CollectError, ConfigError

if TYPE_CHECKING:
    from soc2ev.config import LogSource, Settings
    from soc2ev.model import EvidenceItem, Json

_sources = typer.Typer(
    help="Where evidence comes from: list, explain, test, lint, new.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(_sources, name="sources")


def _folder() -> Path:
    """Beside which the team's own manifests lie: that of soc2ev.yaml, else the working folder."""
    try:
        return session.settings().file.parent
    except ConfigError:
        return Path.cwd()


@_sources.command("list")
def sources_list(format_: Format = "table", config: Config = None) -> None:  # noqa: ARG001
    """
    List the sources with their streams and tables, and the connectors of log sources.

    Example:
      soc2ev sources list
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.sources import SOURCES, logs

    folder, names = _folder(), ("source", "stream", "tables", "kind")
    rows = [
        (one.NAME, stream.name, ", ".join(table.name for table in stream.tables), _kind(snapshot=stream.snapshot))
        for one in SOURCES
        for stream in one.STREAMS
    ]
    found = [logs.load(name, folder) for name in sorted(logs.names(folder))]
    if format_ == "json":
        connectors = [
            {"source": logs.NAME, "connector": one.manifest.id, "title": one.manifest.title, "kind": "connector"}
            for one in found
        ]
        console.put_json([*(dict(zip(names, row, strict=True)) for row in rows), *connectors])
        return
    console.table(names, rows)
    shown = [
        (one.manifest.id, one.manifest.title, one.manifest.category, "shipped" if one.shipped else one.name)
        for one in found
    ]
    console.table(("connector", "system", "category", "manifest"), shown)


def _kind(*, snapshot: bool) -> str:
    return "setting" if snapshot else "period"


@_sources.command("explain")
def sources_explain(
    name: Annotated[str, typer.Argument(help="A source's or connector's name.")],
    format_: Format = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Say what a source or connector asks, the least right for that, what it keeps, and what it cannot see.

    Nothing is asked for it.

    Examples:
      soc2ev sources explain git
      soc2ev sources explain aws-cloudtrail --format json
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.sources import SOURCES, logs
    from soc2ev.sources.logs import explain

    known = {source.NAME: source for source in SOURCES}
    connectors = logs.names(_folder())
    if name not in known and name not in connectors:
        hint = f"there are: {', '.join([*sorted(known), *sorted(connectors)])}"
        raise ConfigError(f"there is no source {name!r}", hint=hint)
    if name in known:
        text = known[name].about
        if format_ == "json":
            console.put_json({"source": name, "text": text})
        else:
            console.put(text)
        return
    read = logs.load(name, _folder())
    if format_ == "json":
        console.put_json(explain.as_json(read))
    else:
        for line in explain.in_words(read):
            console.put(line)


@_sources.command("test")
def sources_test(
    name: Annotated[str, typer.Argument(help="The connector, or the name of its entry under sources.logs.")],
    record: Annotated[
        Path | None, typer.Option("--record", help="Write the answers, as they would be stored, into this folder.")
    ] = None,
    format_: Format = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Ask once what an entry of sources.logs asks; show the facts, and which stay empty. The vault is not touched.

    Exit 4 when access is missing, 5 when something else was not obtained.

    Example:
      soc2ev sources test prometheus --record tests/fixtures/prometheus
    """
    session.chosen_format(format_, ("table", "json"))
    found = session.settings()
    entry = _entry(found, name)
    rows, failures, denied, bodies = _asked_once(found, entry)
    if record:
        _write(record, bodies)
    if format_ == "json":
        listed = [{"table": table, **row} for table, row in rows]
        console.put_json({"schema": "soc2ev.source-test/1", "rows": listed, "problems": failures})
    else:
        _show(rows)
        for failure in failures:
            console.say(f"not obtained: {console.safe(failure)}")
    if failures:
        raise typer.Exit(AccessError.exit_code if denied else CollectError.exit_code)


def _entry(found: Settings, name: str) -> LogSource:
    for one in found.config.sources.logs:
        if name in (one.named, one.connector):
            return one
    named = ", ".join(one.named for one in found.config.sources.logs) or "none"
    raise ConfigError(f"sources.logs has no entry {name!r}", hint=f"there are: {named}")


Rows = list[tuple[str, "Mapping[str, Json]"]]
Bodies = list[tuple["EvidenceItem", bytes]]


def _asked_once(found: Settings, entry: LogSource) -> tuple[Rows, list[str], bool, Bodies]:
    from soc2ev import vault as vaults
    from soc2ev.sources import logs

    with tempfile.TemporaryDirectory(prefix="soc2ev-") as folder:
        origin = "soc2ev/test/evidence"
        with vaults.writer(Path(folder) / "vault", origin=origin, now=session.now, tool="soc2ev sources test") as vault:
            rows, failures, denied = logs.run_once(session.fetch(found, vault), found, entry)
            bodies = [(item, vault.read(item.digest)) for item in vault.items(run=vault.run)]
    return rows, failures, denied, bodies


def _write(folder: Path, bodies: Bodies) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (item, body) in enumerate(bodies, 1):
        (folder / f"{number:03}-{item.request.get('request') or item.request.get('role')}.json").write_bytes(body)
    console.say(f"{len(bodies)} answers written to {folder}; read them before you commit them")


def _show(rows: Rows) -> None:
    from soc2ev.sources import logs

    columns = logs.STREAMS[0].tables[0].columns
    for table, row in rows:
        if table == "collected_log_sources":
            console.heading(str(row["key"]))
            told = {name: value for name, value in row.items() if value not in (None, [], "")}
            console.table(("fact", "value"), [(name, console.safe(value)) for name, value in told.items()])
            empty = [column.name for column in columns if row.get(column.name) is None]
            console.put(f"empty: {', '.join(empty) or 'nothing'}")
    counts: dict[str, int] = {}
    for table, _ in rows:
        counts[table] = counts.get(table, 0) + 1
    console.table(("table", "rows"), sorted(counts.items()), right=(1,))


@_sources.command("lint")
def sources_lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Manifests; without any all that are found.")] = None,
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Check manifests: read-only questions, no secret in an address, expressions that compile. Exit 2 when one is wrong.

    Example:
      soc2ev sources lint .soc2ev/sources/intercom.yaml
    """
    from soc2ev.sources import logs

    _refuse(list(logs.lint(_folder(), files or None)))
    console.say("every manifest only reads, and every expression compiles")


def _refuse(problems: Sequence[str]) -> None:
    for problem in problems:
        console.put(console.safe(problem))
    if problems:
        raise typer.Exit(ConfigError.exit_code)


@_sources.command("new")
def sources_new(
    name: Annotated[str, typer.Argument(help="The connector's id: small letters, digits and dashes.")],
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Write a manifest to begin with into .soc2ev/sources beside soc2ev.yaml. An existing file stays.

    Example:
      soc2ev sources new intercom
    """
    from soc2ev.sources import logs

    file = logs.write_template(_folder(), name)
    console.put(str(file))
    console.say(f"next: fill it, `soc2ev sources lint {file}`, `soc2ev sources test {name}`")
