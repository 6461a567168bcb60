"""
Plain git: the complete population of what reached a production branch, from a repository on this machine.

It needs no token and no network, and runs nothing that the repository's own configuration asks for. It
tells who made which commit, when a branch held what (recorded by earlier collections, else estimated) and
what each integration changed. It knows nothing of reviews, checks and deployments. Dates are claims of the
clients that made the commits.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.sources.git.collect import collect
from soc2ev.sources.git.repository import in_scope
from soc2ev.sources.git.streams import STREAMS

if TYPE_CHECKING:
    from soc2ev.config import Settings

NAME = "git"


def expects(settings: Settings) -> tuple[str, ...]:
    """How the names of the streams begin that are asked for; a default branch has no name before git is asked."""
    scope = [(entry.repository, tuple(entry.branches)) for entry in settings.config.scope] or [("*", ())]
    asked: list[str] = []
    for source in settings.config.sources.git:
        matching = [entry for entry in scope if fnmatchcase(source.repository, entry[0])]
        start = f"{NAME}:{source.repository}:"
        asked += [f"{start}{branch}:" if branch else start for branch in in_scope(matching)]
    return (*asked, *(f"{NAME}:{repository}:" for repository in settings.config.unmatched()))


__all__ = ["NAME", "STREAMS", "collect", "expects"]
