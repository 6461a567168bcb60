"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soc2ev.cli import session


def _choose(config: Path | None) -> Path | None:
    session.choose(config)
    return config


Config = Annotated[
    Path | None,
    typer.Option("--config", "-C", help="Configuration file (default: soc2ev.yaml here or above).", callback=_choose),
]
Period = Annotated[
    str,
    typer.Option("--period", "-p", help="2026-10, 2026-Q3, 2026, 2026-01-01..2026-06-30, this-month, last-month."),
]
Format = Annotated[str, typer.Option("--format", "-f", help="table or json.")]
Limit = Annotated[int, typer.Option("--limit", help="Rows to show in a table; 0 shows all.", min=0)]
