"""
Jira, Cloud or Data Center: the tickets that changes name and those of the period, with their history and approvals.

Needs a token that may read; it never writes. Sources that come before it mention the keys that it asks for. A ticket
that does not exist and one that the token may not read look alike, and neither is ever taken for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.sources.jira.collect import collect
from soc2ev.sources.jira.site import NAME, scope
from soc2ev.sources.jira.streams import STREAMS

if TYPE_CHECKING:
    from soc2ev.config import Settings


def expects(settings: Settings) -> tuple[str, ...]:
    """The beginnings of the stream names of each configured site."""
    return tuple(f"{scope(source)}:" for source in settings.config.sources.jira)


__all__ = ["NAME", "STREAMS", "collect", "expects"]
