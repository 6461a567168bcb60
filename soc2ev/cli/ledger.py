"""`soc2ev ledger`: append, import, query, export, verify, prove. What keeps a ledger is in `ledger_keep`."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soc2ev.cli import console, session
from soc2ev.cli.deliver import Key, key_text
from soc2ev.cli.ledger_options import Action, Actor, Log, Meta, Since, Target, Until, filter_of, opened
from soc2ev.cli.options import Format
from soc2ev.errors import CollectError, ConfigError, TamperedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soc2ev.ledger import Filter, Imported, Ledger, Receipt
    from soc2ev.ledger.query import Reading, Row

_ledger = typer.Typer(
    help="The team's own audit events: append, import, query, export, verify, prove, serve.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ROWS = ("json", "csv", "jsonl")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from soc2ev.cli import ledger_keep

    ledger_keep.register(_ledger)
    app.add_typer(_ledger, name="ledger")


@_ledger.command("append")
def append(
    log: Log,
    action: Annotated[str, typer.Option("--action", help="What happened, as resource.sub.verb.")] = "",
    actor_id: Annotated[str, typer.Option("--actor-id", help="Who did it.")] = "",
    actor_email: Annotated[str, typer.Option("--actor-email", help="Their e-mail address.")] = "",
    target: Annotated[str, typer.Option("--target", help="What it was done to, as type:id.")] = "",
    meta: Meta = None,
    event_id: Annotated[str, typer.Option("--id", help="A name for the event; repeating it adds nothing.")] = "",
    timestamp: Annotated[str, typer.Option("--timestamp", help="When it happened, as 2026-11-21T23:33:40Z.")] = "",
) -> None:
    """
    Append an event; without --action, events come as JSON lines on standard input.

    Prints number and leaf hash once the event is on the disk. The command ends with a checkpoint, signed when
    SOC2EV_SIGNING_KEY is set.

    Examples:
      soc2ev ledger append --log audit --action user.role.updated --actor-id u1 --target user:u2 --meta role=admin
      jq -c . events.json | soc2ev ledger append --log audit
    """
    if not action and (actor_id or actor_email or target or meta or event_id or timestamp):
        raise ConfigError("--action is missing", hint="without any option, events come on standard input")
    events: Iterable[dict[str, Any]] = (
        [_event(action, actor_id, actor_email, target, meta, event_id, timestamp)] if action else _standard_input()
    )
    with opened(log) as ledger:
        for event in events:
            _put_receipt(event, ledger.append(event))


@_ledger.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file of JSON lines.")],
    log: Log,
    skip_bad: Annotated[  # noqa: FBT002 - typer gives it by name
        bool, typer.Option("--skip-bad", help="Import the good lines; exit 5 tells of bad ones.")
    ] = False,
    format_: Format = "table",
) -> None:
    """
    Append many events from a file. When a line is bad, nothing is imported, and all bad lines are named.

    Importing a file again adds nothing: events are known by their id, and those without one by file and line.

    Examples:
      soc2ev ledger import events.jsonl --log audit
      soc2ev ledger import events.jsonl --log audit --skip-bad --format json
    """
    session.chosen_format(format_, ("table", "json"))
    gc.disable()  # millions of small objects and no cycles: looking for those costs a tenth of the time
    try:
        with opened(log) as ledger:
            found = ledger.import_(file, skip_bad=skip_bad)
    finally:
        gc.enable()
    for says in found.complaints:
        console.say(console.safe(says))
    if found.bad > len(found.complaints):
        console.say(f"... and {found.bad - len(found.complaints)} more")
    for says in found.doubts:
        console.say(f"warning: {console.safe(says)}")
    _put_imported(found, format_)
    if found.bad:
        raise typer.Exit(CollectError.exit_code if skip_bad else ConfigError.exit_code)


@_ledger.command("query")
def query(
    log: Log,
    since: Since = "",
    until: Until = "",
    actor: Actor = "",
    action: Action = "",
    target: Target = "",
    meta: Meta = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many events; 0 for all.", min=0)] = 0,
    format_: Annotated[str, typer.Option("--format", "-f", help="table, json, csv or jsonl.")] = "table",
) -> None:
    """
    Find events by time, actor, action, target and metadata; all that is given must fit.

    Examples:
      soc2ev ledger query --log audit --action 'user.*' --since 2026-10-01 --until 2026-11-01
      soc2ev ledger query --log audit --actor ann@example.com --meta role=admin --format jsonl
    """
    session.chosen_format(format_, ("table", *_ROWS))
    reading = opened(log).reading(filter_of(since, until, actor, action, target, meta))
    if format_ == "table":
        _put_table(reading.rows(limit=limit))
    else:
        console.put_parts(_rendered(reading.rows(limit=limit), format_))
    console.say(f"{reading.count} events")
    _say_dropped(reading)


@_ledger.command("export")
def export(
    log: Log,
    since: Since = "",
    until: Until = "",
    actor: Actor = "",
    action: Action = "",
    target: Target = "",
    meta: Meta = None,
    format_: Annotated[str, typer.Option("--format", "-f", help="json, csv or jsonl.")] = "json",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; FILE.meta.json says what it holds.")
    ] = None,
) -> None:
    """
    Export events, with a record of filter, count and checkpoint beside the file, or on standard error without one.

    CSV is made safe for spreadsheets: a cell that could be a formula begins with an apostrophe. JSON loses nothing.

    Examples:
      soc2ev ledger export --log audit --since 2026-10-01 --until 2026-11-01 --format csv --output october.csv
      soc2ev ledger export --log audit --format jsonl > all.jsonl
    """
    session.chosen_format(format_, _ROWS)
    ledger = opened(log)
    wanted = filter_of(since, until, actor, action, target, meta)
    reading = ledger.reading(wanted)
    parts = _rendered(reading.rows(), format_)
    if output is None:
        console.put_parts(parts)
        console.say(json.dumps(_sidecar(ledger, wanted, reading, format_, ""), ensure_ascii=True))
    else:
        digest = _write(output, parts)
        beside = output.with_name(output.name + ".meta.json")
        said = _sidecar(ledger, wanted, reading, format_, digest)
        _write(beside, [json.dumps(said, indent=2, ensure_ascii=False) + "\n"])
        console.put(str(output))
        console.say(f"{reading.count} events; {beside} says which, and under which checkpoint")
    _say_dropped(reading)


@_ledger.command("verify")
def verify(
    log: Log,
    key: Key = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A checkpoint that was kept elsewhere; the log must continue it."),
    ] = None,
    format_: Format = "table",
) -> None:
    """
    Read the whole ledger again: every line, the tree, every checkpoint. Exit 6 when it is not what was recorded.

    Examples:
      soc2ev ledger verify --log audit
      soc2ev ledger verify --log audit --key acme.vkey --checkpoint last-month.note
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.vault import VerifierKey

    keys = [VerifierKey.parse(key_text(one)) for one in key or []]
    found = opened(log).verify(keys, pinned=_read(checkpoint) if checkpoint else None)
    if format_ == "json":
        names = ("ok", "grade", "lines", "events", "dropped", "covered", "root", "signed_by", "problems", "notes")
        said = {name: getattr(found, name) for name in names}
        console.put_json({"schema": "soc2ev.ledger-verification/1", **said})
    else:
        for problem in found.problems:
            console.put(f"{console.glyph('missing')} {console.safe(problem)}")
        for note in found.notes:
            console.put(f"  note: {console.safe(note)}")
        state = "holds" if found.ok else "DOES NOT VERIFY"
        console.put(f"{state}: {found.lines} lines, {found.covered} of them under a checkpoint, root {found.root}")
        console.put(f"grade: {found.grade}")
        console.say(f"It proves: {found.proves}")
        console.say(f"It does not prove: {found.does_not_prove}")
    if not found.ok:
        raise typer.Exit(TamperedError.exit_code)


@_ledger.command("prove")
def prove(
    seq: Annotated[int, typer.Argument(help="The event's number.", min=0)],
    log: Log,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File (default: SEQ.tlog-proof here).")] = None,
    with_event: Annotated[bool, typer.Option("--with-event", help="Let the stored line travel in the proof.")] = False,  # noqa: FBT002
    format_: Format = "table",
) -> None:
    """
    Write the proof that one event is in the ledger, without showing any other: a C2SP tlog-proof.

    Example:
      soc2ev ledger prove 73894 --log audit
    """
    session.chosen_format(format_, ("table", "json"))
    ledger = opened(log)
    try:
        proof = ledger.prove(seq, with_event=with_event)
    finally:
        ledger.close()
    path = output or Path(f"{seq}.tlog-proof")
    _write(path, [proof.text()])
    if format_ == "json":
        size = proof.note.checkpoint.size
        console.put_json({"proof": str(path), "seq": seq, "leaf": proof.leaf.hex(), "size": size})
    else:
        console.put(str(path))


def _event(
    action: str, actor_id: str, actor_email: str, target: str, meta: list[str] | None, event_id: str, timestamp: str
) -> dict[str, Any]:
    from soc2ev.ledger.service import pairs

    kind, colon, name = target.partition(":")
    if target and not (kind and colon and name):
        raise ConfigError(f"--target {target!r:.60} is not type:id", hint="for example user:u2")
    given = {
        "action": action,
        "actor_id": actor_id,
        "actor_email": actor_email,
        "target_type": kind,
        "target_id": name,
        "metadata": pairs(iter(meta or [])),
        "id": event_id,
        "timestamp": timestamp,
    }
    return {key: value for key, value in given.items() if value not in ("", {})}


def _standard_input() -> Iterator[dict[str, Any]]:
    from soc2ev.ledger.intake import MAX_LINE, read

    number = 0
    while raw := sys.stdin.buffer.readline(MAX_LINE + 1):
        number += 1
        if raw.strip():
            try:
                yield dict(read(raw).fields)
            except ConfigError as problem:
                raise ConfigError(
                    f"standard input:{number}: {problem.message}", hint="the lines before it were appended"
                ) from None


def _put_receipt(event: dict[str, Any], receipt: Receipt) -> None:
    from soc2ev.ledger.events import doubt

    console.put(json.dumps({"seq": receipt.seq, "leaf": receipt.leaf}))
    if says := doubt(str(event["action"])):
        console.say(f"warning: {console.safe(says)}")
    if receipt.known:
        console.say(f"the event {receipt.seq} with this id was there before; nothing was appended")


def _put_imported(found: Imported, format_: str) -> None:
    if format_ == "json":
        names = ("appended", "known", "bad", "first", "last", "complaints")
        console.put_json({name: getattr(found, name) for name in names})
        return
    console.put(f"{found.appended} events appended, {found.known} were there before, {found.bad} lines are bad")


def _put_table(rows: Iterator[Row]) -> None:
    """One line an event, as they come: a table of a million rows would have to be measured first."""
    for row in rows:
        target = f"{row['target_type'] or ''}:{row['target_id'] or ''}".strip(":")
        cells = (row["seq"], row["timestamp"], row["action"], row["actor_id"], target, json.dumps(row["metadata"]))
        console.put("  ".join(console.safe(cell) for cell in cells))


def _rendered(rows: Iterator[Row], format_: str) -> Iterator[str]:
    from soc2ev.ledger.query import COLUMNS
    from soc2ev.pack.export import table_csv

    if format_ == "csv":
        for part in table_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows)):
            yield part.decode()
    elif format_ == "jsonl":
        for row in rows:
            yield json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n"
    else:
        yield '{"schema": "soc2ev.ledger-events/1", "events": ['
        count = 0
        for count, row in enumerate(rows, start=1):
            yield ("\n" if count == 1 else ",\n") + json.dumps(row, ensure_ascii=True, allow_nan=False)
        yield f'\n], "count": {count}}}\n'


def _sidecar(ledger: Ledger, wanted: Filter, reading: Reading, format_: str, digest: str) -> dict[str, Any]:
    point = reading.checkpoint
    return {
        "schema": "soc2ev.ledger-export/1",
        "log": ledger.origin,
        "filter": wanted.said(),
        "format": format_,
        "count": reading.count,
        "lines_read": reading.size,
        "dropped_by_retention": [{"first": first, "end": end} for first, end in reading.dropped],
        "checkpoint": {"size": point.size, "root": point.root.hex()} if point else None,
        "sha256": digest or None,
    }


def _say_dropped(reading: Reading) -> None:
    for first, end in reading.dropped:
        console.say(f"note: lines {first} to {end - 1} were dropped by retention and could not be looked at")


def _write(path: Path, parts: Iterable[str]) -> str:
    """The parts as a file, which is there whole or not at all; the hash of its bytes."""
    import hashlib
    import os
    import secrets

    digest = hashlib.sha256()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                data = part.encode("utf-8", "replace")
                digest.update(data)
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}", hint="nothing was written") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None
