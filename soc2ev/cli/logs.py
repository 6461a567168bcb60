"""`soc2ev logs`: what log files hold, whether they were changed, and the same aggregation for engines elsewhere."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format
from soc2ev.errors import CollectError, ConfigError, Soc2evError, TamperedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from soc2ev.logs.digests import Complaint


_logs = typer.Typer(
    help="Log files: check what they hold, verify their chains, plan the same for an engine elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_EVERY_LINES = 200_000
_MUCH = 16 << 20
_FEW = 5
_NAMED = ("altered", "missing", "broken")
_FAILED = 3

Paths = Annotated[list[str], typer.Argument(help="Files, folders or patterns; all of them written by one source.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_logs, name="logs")


@_logs.command("check")
def check(
    paths: Paths,
    source: Annotated[str, typer.Option("--source", help="What the source is called in the answer.")] = "",
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="Key of the fingerprints (default: the one beside the vault).")
    ] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help="leaks: exit 3 when there are any.")] = "",
    leaks: Annotated[int, typer.Option("--leaks", help="Leaks to show in the table; 0 shows all.", min=0)] = 20,
    format_: Format = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Tell what log files hold: events seen, what leaks, correlation, gaps, error spikes, times.

    A leak is shown by kind, place and keyed fingerprint, never by value. An event that was not observed may still be
    logged. Exit 1 when a file could not be read to its end (what was read is shown), 2 when a path names nothing.

    Examples:
      soc2ev logs check logs/api.jsonl
      soc2ev logs check 'logs/2026-10-*.gz' --format json --fail-on leaks
    """
    session.chosen_format(format_, ("table", "json"))
    if fail_on not in ("", "leaks"):
        raise ConfigError(f"unknown --fail-on {fail_on!r}", hint="use leaks")
    from soc2ev.logs.check import check as checked
    from soc2ev.logs.events import Matcher, packs

    try:
        workers = _workers(paths)
    except CollectError as nothing:
        raise ConfigError(nothing.message, hint=nothing.hint) from None
    made = checked(
        paths,
        key=_key(key_file),
        now=session.now().timestamp(),
        matcher=Matcher(packs(Path.cwd())),
        on_progress=_progress(),
        workers=workers,
    )
    if format_ == "json":
        console.put_json({**made.as_json(), **({"source": source} if source else {})})
    else:
        from soc2ev.cli.logs_screen import show

        show(made, source, leaks)
    for problem in made.problems:
        console.say(f"not read: {console.safe(problem.file)}: {console.safe(problem.reason)}")
    if fail_on and made.leak_counts:
        raise typer.Exit(_FAILED)
    if made.problems:
        raise typer.Exit(Soc2evError.exit_code)


@_logs.command("verify")
def verify(
    path: Annotated[Path, typer.Argument(help="A copy of a CloudTrail bucket, or a file of chained JSON lines.")],
    keys: Annotated[Path | None, typer.Option("--keys", help="What `aws cloudtrail list-public-keys` printed.")] = None,
    hashed: Annotated[str, typer.Option("--hashed", help="What a chain's hashes are of: json or line.")] = "json",
    previous: Annotated[
        str, typer.Option("--previous", help="Field with the hash of the record before.")
    ] = "prev_hash",
    own: Annotated[str, typer.Option("--own", help="Field with the record's own hash.")] = "hash",
    format_: Format = "table",
) -> None:
    """
    Verify that logs are what was written: CloudTrail's digest files, or a chain of hashes in JSON lines.

    Exit 6 when something was altered, is missing or breaks the chain; 5 when not all of it is proven.

    Examples:
      soc2ev logs verify ./trail-copy --keys public-keys.json
      soc2ev logs verify audit.jsonl --previous prev_hash --hashed line
    """
    session.chosen_format(format_, ("table", "json"))
    if path.is_dir():
        _verify_digests(path, keys, format_)
    else:
        _verify_chain(path, hashed, previous, own, format_)


@_logs.command("plan")
def plan(
    engine: Annotated[
        str, typer.Option("--engine", help="duckdb, athena, trino, bigquery, snowflake, spark, clickhouse.")
    ],
    table: Annotated[str, typer.Option("--table", help="The table's name, with its schema where it has one.")],
    columns: Annotated[
        str, typer.Option("--columns", help="Where the fields are: time=ts,action=event,ip= (empty: nowhere).")
    ] = "",
    json_column: Annotated[
        str, typer.Option("--json-column", help="The column of JSON text in which the fields are paths.")
    ] = "",
    time_type: Annotated[
        str, typer.Option("--time-type", help="What the time is stored as: text or timestamp.")
    ] = "text",
) -> None:
    """
    Print the query that brings logs of any size down to one row an hour, for the engine where they lie.

    Run it there and give the result to `soc2ev logs import`. Times in text without a zone are UTC; with
    `--time-type timestamp` the engine's own meaning counts, so set the session's zone to UTC.

    Examples:
      soc2ev logs plan --engine athena --table logs.api --columns time=ts,action=event
      soc2ev logs plan --engine bigquery --table acme.logs.raw --json-column payload
    """
    from soc2ev.logs.events import packs
    from soc2ev.logs.plan import plan as planned

    if time_type not in ("text", "timestamp"):
        raise ConfigError(f"unknown --time-type {time_type!r}", hint="use text or timestamp")
    query = planned(
        engine,
        table,
        packs(Path.cwd()),
        columns=_columns(columns),
        json_column=json_column,
        text_time=time_type == "text",
    )
    console.put(query.rstrip())


@_logs.command("import")
def import_(
    result: Annotated[Path, typer.Argument(help="The result of the planned query, as CSV or JSON.")],
    query_text: Annotated[Path, typer.Option("--query-text", help="The query that was run.")],
    query_id: Annotated[str, typer.Option("--query-id", help="The engine's id of that run.")],
    at: Annotated[str, typer.Option("--at", help="When it was run, as 2026-11-02T09:00:00Z.")],
    engine: Annotated[str, typer.Option("--engine", help="The engine that ran it.")],
    name: Annotated[str, typer.Option("--name", help="The stream's name; default: the result file's.")] = "",
    source: Annotated[
        str, typer.Option("--source", help="Key of the log source, as the inventory has it; default: the name.")
    ] = "",
    format_: Format = "table",
    config: Config = None,  # noqa: ARG001
) -> None:
    """
    Store the result of a planned query in the vault, with the query's text, its id and when it ran.

    That the engine gave this result to this query is your claim; its id lets an auditor look it up there. So what it
    counts is shown as declared, beside what samples show, and turns nothing met. A query that `soc2ev logs plan` does
    not print for that engine supports nothing. The same result again changes nothing; over one table of a source, the
    newest run answers for an hour.

    Examples:
      soc2ev logs import october.csv --query-text october.sql --query-id 3f0c --at 2026-11-02T09:00:00Z --engine athena
      soc2ev logs import r.json --query-text q.sql --query-id 7 --at 2026-11-02T09:00:00Z --engine trino --source api
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.cli.logs_import import show, store

    stored = store(result, query_text, query_id=query_id, at=at, engine=engine, name=name or result.stem, source=source)
    if format_ == "json":
        console.put_json(stored)
    else:
        show(stored)


def _columns(text: str) -> dict[str, str]:
    found = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = one.partition("=")
        if not equals:
            raise ConfigError(f"--columns: {one!r} is no field=column", hint="for example time=ts,action=event")
        found[field.strip()] = column.strip()
    return found


def _key(given: Path | None) -> bytes:
    from soc2ev.logs.key import beside, fingerprint_key, given_key

    if given is not None:
        return given_key(given)
    try:
        found = session.settings()
        file = beside(found.path(found.config.vault))
    except ConfigError as problem:
        if not problem.message.startswith("no soc2ev.yaml"):
            raise
        file = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "soc2ev" / "fingerprint-key"
    key, made = fingerprint_key(file)
    if made:
        console.say(f"made {file}: the key of the fingerprints. Keep it, out of version control.")
    return key


def _workers(paths: list[str]) -> int:
    """More than one where there is much to read: starting them and sending them lines has its price."""
    from soc2ev.logs.reading import files

    found = list(files(paths, lambda _: None))
    if not found:
        raise CollectError("there is no file to read", hint="name log files, or a folder that holds some")
    size = sum(file.stat().st_size for file in found)
    return max(1, os.cpu_count() or 1) if size > _MUCH else 1


def _progress() -> Callable[[Path, int], None]:
    told = 0

    def say(file: Path, lines: int) -> None:
        nonlocal told
        if lines // _EVERY_LINES != told:
            told = lines // _EVERY_LINES
            if told:
                console.say(f"  {console.safe(file.name)}: {lines} lines")

    return say


def _verify_digests(folder: Path, keys: Path | None, format_: str) -> None:
    from soc2ev.logs import digests

    given = digests.keys(_read(keys)) if keys else digests.Keys()
    found = digests.verify_digests(folder, given)
    if format_ == "json":
        console.put_json(
            {
                "schema": "soc2ev.logverification/1",
                "ok": found.ok,
                "proven": found.proven,
                "digests": found.digests,
                "signed": found.signed,
                "logs": found.logs,
                "from": found.first,
                "to": found.last,
                "trails": [asdict(one) for one in found.trails],
                "problems": [{"kind": one.kind, "name": one.name, "says": one.says} for one in found.complaints],
            }
        )
    else:
        console.table(("what", "object", "note"), list(_told(found.complaints)))
        state = "holds" if found.ok else "DOES NOT VERIFY"
        for one in found.trails:
            whose = f"{one.bucket} {one.account} {one.region} {one.name}{' (backfill)' if one.backfill else ''}"
            console.put(
                f"{console.safe(whose)}: {one.digests} digests, {console.safe(one.first)} to {console.safe(one.last)}"
            )
        console.put(f"{state}: {found.digests} digests ({found.signed} signed), {found.logs} log files as delivered")
    if not found.digests:
        raise CollectError(f"there is no digest file below {folder}", hint="copy the bucket's CloudTrail-Digest too")
    if not found.ok:
        raise typer.Exit(TamperedError.exit_code)
    if not found.proven:
        if found.signed < found.digests:
            console.say("not every signature was checked: give --keys, and <digest>.meta.json beside each digest")
        else:
            console.say("not everything is proven: files that no digest names, or time that no digest speaks of")
        raise typer.Exit(CollectError.exit_code)


def _told(complaints: Sequence[Complaint]) -> Iterator[tuple[str, str, str]]:
    """Rows for people: what was changed is named, of many other objects with one note the first ones are."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in complaints:
        alike.setdefault((one.kind, one.says), []).append(one.name)
    for (kind, says), names in alike.items():
        shown = names if len(names) <= _FEW or kind in _NAMED else names[: _FEW - 1]
        yield from ((kind, name, says) for name in shown)
        if len(shown) < len(names):
            yield kind, f"and {len(names) - len(shown)} more", says


def _verify_chain(path: Path, hashed: str, previous: str, own: str, format_: str) -> None:
    from soc2ev.logs.chains import Form, verify_chain

    if hashed not in ("json", "line"):
        raise ConfigError(f"unknown --hashed {hashed!r}", hint="use json or line")
    if not path.is_file():
        raise ConfigError(f"there is no file {path}", hint="name a file of JSON lines, or a folder with digest files")
    found = verify_chain(path, Form(previous, own, "line" if hashed == "line" else "json"))
    if format_ == "json":
        console.put_json(
            {
                "schema": "soc2ev.logverification/1",
                "ok": found.ok,
                "records": found.records,
                "head": found.head,
                "problems": [{"line": line, "says": says} for line, says in found.broken]
                + [{"line": None, "says": problem.reason} for problem in found.problems],
            }
        )
    else:
        for line, says in found.broken:
            console.put(f"{console.glyph('missing')} {console.safe(path.name)}:{line}: {console.safe(says)}")
        for problem in found.problems:
            console.put(f"{console.glyph('missing')} {console.safe(problem.reason)}")
        console.put(f"{'holds' if found.ok else 'DOES NOT VERIFY'}: {found.records} records, head {found.head}")
    if not found.ok:
        raise typer.Exit(TamperedError.exit_code)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{file}: {problem.strerror}") from None
