"""
Log samples and exports on this machine: what they hold, checked at collection. The lines themselves are never stored.

What is stored of a source is the result of the check: each file's name, size and SHA-256, counts, gaps and spikes, and
what leaks by kind, place and keyed fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.sources.files.collect import NAME, collect
from soc2ev.sources.files.tables import STREAM

if TYPE_CHECKING:
    from soc2ev.config import Settings

STREAMS = (STREAM,)

__all__ = ["NAME", "STREAMS", "collect", "expects"]


def expects(settings: Settings) -> tuple[str, ...]:
    """The beginnings of the stream names of each configured source."""
    return tuple(dict.fromkeys(f"{NAME}:{entry.source}:" for entry in settings.config.sources.files))
