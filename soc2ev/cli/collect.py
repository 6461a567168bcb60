"""`soc2ev collect`: freeze what the sources say about a period."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from soc2ev.cli import console, session
from soc2ev.cli.options import Config, Format, Period
from soc2ev.errors import AccessError, CollectError

if TYPE_CHECKING:
    from soc2ev.model import Coverage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect")(collect)


def collect(period: Period = "last-month", format_: Format = "table", config: Config = None) -> None:  # noqa: ARG001
    """
    Freeze, byte for byte, what the sources say about a period.

    Safe to run again and again: nothing is overwritten, a killed run is continued.
    Exit 0 when everything asked for was obtained, 4 when access is missing, 5 when something else was not.

    Examples:
      soc2ev collect --period last-month
      soc2ev collect --period 2026-Q3 --format json
    """
    session.chosen_format(format_, ("table", "json"))
    from soc2ev import sources
    from soc2ev.timing import timing

    found = session.settings()
    wanted = session.period(period, found.config.timezone)
    console.say(f"collecting {wanted.name} ({wanted.start:%Y-%m-%d %H:%M}Z to {wanted.end:%Y-%m-%d %H:%M}Z)")
    with session.writer(found) as vault:
        coverages = list(sources.collect(session.fetch(found, vault, wanted.end), found, wanted))
    stored = session.vault(found)
    head = stored.head()
    advice = timing(stored.coverages(), wanted, session.now())
    if format_ == "json":
        from soc2ev.controls.report import coverage, instant

        console.put_json(
            {
                "schema": "soc2ev.collection/1",
                "period": {"name": wanted.name, "start": instant(wanted.start), "end": instant(wanted.end)},
                "coverage": [coverage(entry) for entry in coverages],
                "vault": {"size": head.size, "root": head.root},
                "timing": advice.as_json(),
            }
        )
    else:
        _show(coverages)
        console.say(f"vault: {head.size} lines, root {head.root[:16]}…, {_signature(head.signed_by)}")
        console.advise([advice])
    _leave(coverages)


def _show(coverages: Iterable[Coverage]) -> None:
    shown = list(coverages)
    rows = []
    for entry in shown:
        state = "complete" if entry.complete else "missing"
        expected = "" if entry.expected is None else entry.expected
        rows.append((console.marked(state), entry.stream, entry.fetched, expected, entry.reason or _estimate(entry)))
    console.table(("state", "stream", "fetched", "expected", "note"), rows, right=(2, 3))
    console.doubts(shown)


def _estimate(entry: Coverage) -> str:
    return "boundaries estimated from committer dates" if entry.details.get("estimated") else ""


def _signature(names: Iterable[str]) -> str:
    signed = ", ".join(names)
    return f"checkpoint signed by {signed}" if signed else "checkpoint unsigned (set SOC2EV_SIGNING_KEY)"


def _leave(coverages: Iterable[Coverage]) -> None:
    """Exit 4 or 5 when something asked for was not obtained."""
    missing = [entry for entry in coverages if not entry.complete]
    if any(entry.scope.get("access") == "missing" for entry in missing):
        raise typer.Exit(AccessError.exit_code)
    if missing:
        raise typer.Exit(CollectError.exit_code)
