"""
Log sources as their systems describe them: what is logged, for how long, who may stop it, whom alerts reach.

Each connector is a manifest: a list of read-only questions, and how facts are taken from the answers. `soc2ev sources
explain NAME` prints it without asking anything. What a system refuses or does not say is unknown, never off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.sources.logs.collect import collect, run_once, scope
from soc2ev.sources.logs.keeping import NAME
from soc2ev.sources.logs.library import lint, load, names, write_template
from soc2ev.sources.logs.rows import HISTORY, STREAM

if TYPE_CHECKING:
    from soc2ev.config import Settings

STREAMS = (STREAM, HISTORY)

__all__ = ["NAME", "STREAMS", "collect", "expects", "lint", "load", "names", "run_once", "write_template"]


def expects(settings: Settings) -> tuple[str, ...]:
    """The beginnings of the stream names of each configured entry."""
    return tuple(f"{scope(entry)}:" for entry in settings.config.sources.logs)
