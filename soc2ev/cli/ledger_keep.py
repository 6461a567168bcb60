"""Keeping a ledger: its server, webhooks, retention, legal holds and API keys."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soc2ev.cli import console, session
from soc2ev.cli.ledger_options import Action, Actor, Log, Meta, Since, Target, Until, filter_of, opened
from soc2ev.cli.options import Format
from soc2ev.errors import CollectError, ConfigError

if TYPE_CHECKING:
    from soc2ev.ledger import Ledger

_keys = typer.Typer(help="API keys of a ledger: new, list, revoke.", no_args_is_help=True, rich_markup_mode=None)
_hold = typer.Typer(help="Legal holds: add, list, remove.", no_args_is_help=True, rich_markup_mode=None)


def register(ledger: typer.Typer) -> None:
    """Add the commands."""
    ledger.command("serve")(serve)
    ledger.command("notify")(notify)
    ledger.command("retain")(retain)
    ledger.add_typer(_hold, name="hold")
    ledger.add_typer(_keys, name="keys")


def serve(
    log: Log,
    port: Annotated[int, typer.Option("--port", help="Where to listen; 0 takes a free one.", min=0, max=65535)],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    rate: Annotated[float, typer.Option("--rate", help="Requests a second for each key.", min=0.1)] = 200.0,
    connections: Annotated[int, typer.Option("--connections", help="Connections at a time.", min=1)] = 64,
) -> None:
    """
    Take events over HTTP: POST /v1/events, GET /v1/events, /v1/checkpoint, /v1/proofs/SEQ, each with an API key.

    There is no TLS here: keep it on this machine, or behind a proxy that has it. Ends in good order on Ctrl-C.

    Example:
      soc2ev ledger keys new --log audit --role append --environment production
      soc2ev ledger serve --log audit --port 8080
    """
    from soc2ev.ledger.serve import Running
    from soc2ev.ledger.web import Limits

    if host not in ("127.0.0.1", "localhost", "::1"):
        console.say("warning: keys and events travel unencrypted; put a proxy with TLS in front, or stay on 127.0.0.1")
    ledger = opened(log)
    hooks = _hooks(ledger)
    try:
        limits = Limits(connections=connections)
        running = Running(ledger, host, port, hooks=hooks, per_second=rate, limits=limits, say=_say_safe)
    except OSError as problem:
        raise ConfigError(f"cannot listen on {host}:{port}: {problem.strerror}", hint="give another port") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: running.stop())
    console.say(f"listening on http://{host}:{running.port}")
    running.run()
    console.say("stopped; everything that was acknowledged is in the log")


def notify(log: Log) -> None:
    """
    Tell the webhooks of ledger.yaml what they were not told yet, once; `serve` does so by itself.

    Example:
      soc2ev ledger notify --log audit
    """
    import time

    ledger = opened(log)
    hooks = _hooks(ledger)
    if hooks is None:
        raise ConfigError(f"{log / 'ledger.yaml'} names no webhook", hint="docs/ledger.md shows one")
    told = hooks.deliver(time.monotonic())
    ledger.close()
    console.say(f"{told} events told")
    if hooks.waiting:
        raise CollectError(
            f"{hooks.waiting} webhooks did not take an event", hint="run it again; it goes on where it stopped"
        )


def retain(
    log: Log,
    keep: Annotated[str, typer.Option("--keep", help="How long events are kept, as 365d.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be dropped.")] = False,  # noqa: FBT002
    format_: Format = "table",
) -> None:
    """
    Drop the events of months that ended longer ago; their leaf hashes stay, so that proofs and checkpoints hold.

    The drop is recorded in the log. A legal hold keeps months from it.

    Example:
      soc2ev ledger retain --log audit --keep 1095d
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.ledger.retention import retain as drop
    from soc2ev.ledger.settings import duration

    try:
        time = duration(keep)
    except ValueError as problem:
        raise ConfigError(f"--keep {keep!r:.20} {problem}") from None
    with _existing(log) as ledger:
        found = drop(ledger.log, ledger.disk, time, keep, session.now(), dry=dry_run)
    dropped = [{"month": m.month, "first": m.first, "end": m.end, "events": m.events} for m in found.dropped]
    if format_ == "json":
        console.put_json({"dropped": dropped, "held": dict(found.held), "dry_run": dry_run})
        return
    for month in dropped:
        console.put(f"{month['month']}: {month['events']} events {'would be ' if dry_run else ''}dropped")
    for month_, name in sorted(found.held.items()):
        console.put(f"{month_}: kept by the hold {console.safe(name)}")
    console.say(f"{len(dropped)} months dropped, {len(found.held)} held" + (" (dry run)" if dry_run else ""))


@_hold.command("add")
def hold_add(
    name: Annotated[str, typer.Argument(help="A name for the hold.")],
    log: Log,
    month: Annotated[str, typer.Option("--month", help="The month to keep, as 2026-01.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    since: Since = "",
    until: Until = "",
    actor: Actor = "",
    action: Action = "",
    target: Target = "",
    meta: Meta = None,
) -> None:
    """
    Keep a month, or every month with an event that fits a filter, from being dropped.

    Examples:
      soc2ev ledger hold add case-7 --log audit --month 2026-01 --reason "case 7"
      soc2ev ledger hold add case-8 --log audit --actor u1
    """
    from soc2ev.ledger.retention import hold

    wanted = filter_of(since, until, actor, action, target, meta)
    with _existing(log) as ledger:
        receipt = hold(ledger.log, name, month=month, wanted=wanted, reason=reason)
        ledger.checkpoint()
    console.put(json.dumps({"seq": receipt.seq, "leaf": receipt.leaf}))


@_hold.command("list")
def hold_list(log: Log, format_: Format = "table") -> None:
    """
    List the holds that are in force.

    Example:
      soc2ev ledger hold list --log audit
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.ledger.retention import holds

    with _existing(log) as ledger:
        found = holds(ledger.log)
    if format_ == "json":
        said = [
            {"name": h.name, "month": h.month, "filter": h.filter, "reason": h.reason, "since": h.since} for h in found
        ]
        console.put_json({"holds": said})
        return
    console.table(
        ("name", "keeps", "reason", "since"), [(h.name, h.month or h.filter, h.reason, h.since) for h in found]
    )


@_hold.command("remove")
def hold_remove(
    name: Annotated[str, typer.Argument(help="The hold's name.")],
    log: Log,
    reason: Annotated[str, typer.Option("--reason", help="Why it ends.")] = "",
) -> None:
    """
    End a hold; that it was there stays in the log.

    Example:
      soc2ev ledger hold remove case-7 --log audit --reason "case closed"
    """
    from soc2ev.ledger.retention import release

    with _existing(log) as ledger:
        receipt = release(ledger.log, name, reason)
        ledger.checkpoint()
    console.put(json.dumps({"seq": receipt.seq, "leaf": receipt.leaf}))


@_keys.command("new")
def keys_new(
    log: Log,
    role: Annotated[str, typer.Option("--role", help="append, read or admin (both).")],
    environment: Annotated[str, typer.Option("--environment", help="Where it is used, for example production.")],
) -> None:
    """
    Make an API key and print it, once. Only a hash of it is kept.

    Example:
      soc2ev ledger keys new --log audit --role append --environment production
    """
    from soc2ev.ledger import access

    ledger = opened(log)
    _ = ledger.log
    text, made = access.new(ledger.disk, role, environment, session.now())
    ledger.close()
    console.put(text)
    console.say(f"id {made.id}, role {made.role}, environment {made.environment}; it is not shown again")


@_keys.command("list")
def keys_list(log: Log, format_: Format = "table") -> None:
    """
    List the API keys: id, role, environment, since when, until when. The keys themselves are nowhere.

    Example:
      soc2ev ledger keys list --log audit
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev.ledger import access

    columns = ("id", "role", "environment", "created_at", "revoked_at")
    rows = [tuple(getattr(key, name) for name in columns) for key in access.known(opened(log).disk)]
    if format_ == "json":
        console.put_json({"keys": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        console.table(columns, [[cell or "" for cell in row] for row in rows])


@_keys.command("revoke")
def keys_revoke(identity: Annotated[str, typer.Argument(help="The key's id.")], log: Log) -> None:
    """
    End an API key; a running server learns of it within a second.

    Example:
      soc2ev ledger keys revoke 1a2b3c4d5e6f --log audit
    """
    from soc2ev.ledger import access

    made = access.revoke(opened(log).disk, identity, session.now())
    console.say(f"{made.id} was revoked at {made.revoked_at}")


def _existing(log: Path) -> Ledger:
    """As `_open`; VaultError when there is no ledger yet."""
    ledger = opened(log)
    _ = ledger.origin
    return ledger


def _hooks(ledger: Ledger) -> Any:
    import os

    from soc2ev.ledger import settings
    from soc2ev.ledger.hooks import Hooks, over_http

    webhooks = settings.load(ledger.disk).webhooks
    if not webhooks:
        return None
    environment = dict(os.environ)
    return Hooks(ledger, webhooks, environment=environment, send=over_http(environment), now=session.now)


def _say_safe(text: str) -> None:
    console.say(console.safe(text))
