"""
GitHub, cloud or Enterprise Server: what moved production refs, and what was reviewed, tested and deployed.

Needs a token that may read; it never writes. Times are the server's. What the token may not see is stated, never
taken for absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.sources.github.collect import collect
from soc2ev.sources.github.scope import is_glob, wanted
from soc2ev.sources.github.streams import STREAMS

if TYPE_CHECKING:
    from soc2ev.config import Settings

NAME = "github"


def expects(settings: Settings) -> tuple[str, ...]:
    """The repositories that the scope names, and the list of them; what a glob names is known to GitHub alone."""
    if not settings.config.sources.github:
        return ()
    named = [f"{NAME}:{name}:" for name in wanted(settings) if not is_glob(name)]
    return (f"{NAME}:repositories", *named)


__all__ = ["NAME", "STREAMS", "collect", "expects"]
