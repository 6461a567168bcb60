"""What the commands of `soc2ev ledger` share: options, the filter that they ask for, and the opened ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc2ev.cli import session

if TYPE_CHECKING:
    from soc2ev.ledger import Filter, Ledger

Log = Annotated[Path, typer.Option("--log", help="The ledger's folder; the first append makes it.")]
Since = Annotated[str, typer.Option("--since", help="From this day or time on, UTC unless it names a zone.")]
Until = Annotated[str, typer.Option("--until", help="Before this day or time.")]
Actor = Annotated[str, typer.Option("--actor", help="Id or e-mail address of who acted.")]
Action = Annotated[str, typer.Option("--action", help="The action; `*` stands for any text, dots included.")]
Target = Annotated[str, typer.Option("--target", help="type:id, or the type alone; `*` stands for any text.")]
Meta = Annotated[list[str] | None, typer.Option("--meta", help="key=value of the metadata; may be repeated.")]


def opened(log: Path) -> Ledger:
    """The ledger of a command, with its clock and signing key."""
    from soc2ev.ledger import Ledger

    return Ledger.open(log, signer=session.signer(), now=session.now)


def filter_of(since: str, until: str, actor: str, action: str, target: str, meta: list[str] | None) -> Filter:
    """What the options of a filter ask for."""
    from soc2ev.ledger import Filter
    from soc2ev.ledger.query import moment
    from soc2ev.ledger.service import pairs

    return Filter(moment(since, "--since"), moment(until, "--until"), actor, action, target, pairs(iter(meta or [])))
