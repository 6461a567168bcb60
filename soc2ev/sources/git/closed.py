"""
How git is run: with a closed environment, and with every setting pinned that could run a program or change
an answer.

A repository's own configuration is data from outside. It may name programs (core.fsmonitor, core.pager,
gpg.program, diff.external, core.hooksPath, remote.*.uploadpack) and may change what a command prints
(trailer.separators, mailmap.file, i18n.logOutputEncoding). Settings on the command line win over it, and
plumbing is used where there is a choice, since plumbing reads few settings in the first place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OLDEST = (2, 30)
"""The oldest git that prints what the parsers expect."""

_SETTINGS = (
    "advice.graftFileDeprecated=false",  # git advises against the empty graft file that keeps others out
    "safe.directory=*",  # the user pointed at it; nothing of it is run
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "core.warnAmbiguousRefs=false",
    "diff.external=",
    "i18n.logOutputEncoding=UTF-8",
    "log.showSignature=false",
    "mailmap.file=",
    "trailer.separators=:",
    "color.ui=false",
)

# A commit-graph is a cache beside the objects: whoever reads first parents and counts whole histories reads
# objects.
_OBJECTS_ONLY = "core.commitGraph=false"

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
}


def command_line(*arguments: str, settings: tuple[str, ...] = (), cached_graph: bool = False) -> list[str]:
    """
    `git` with its pinned settings, followed by the command and its arguments.

    `cached_graph` lets git use the repository's commit-graph file, which range walks need to be right in
    histories with odd dates; what it says must then be checked against the objects.
    """
    pinned = (*_SETTINGS, *settings) if cached_graph else (*_SETTINGS, _OBJECTS_ONLY, *settings)
    return ["git", "--no-pager", *(part for setting in pinned for part in ("-c", setting)), *arguments]


def environment(path: Path) -> dict[str, str]:
    """
    The variables for git in that repository; nothing of the caller's environment is in them.

    The repository is the folder itself (or its `.git`), never one found in a folder above: a missing clone
    inside another repository must not be answered for by its neighbour.
    """
    inner = path / ".git"
    return {**_ENVIRONMENT, "GIT_DIR": str(inner if inner.exists() else path)}


def discovering() -> dict[str, str]:
    """The same variables for a search upward from the working folder: a first look at an unknown place."""
    return dict(_ENVIRONMENT)
