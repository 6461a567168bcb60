"""
Ticket keys that a change names, in the order in which they count.

What people wrote on purpose counts before what only mentions a key: trailer or template line, title, branch,
description, commit messages. Text inside template comments, code and quotes is no statement of the author, and
descriptions that machines write quote foreign change logs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from soc2ev import ticket_keys

if TYPE_CHECKING:
    from soc2ev.tables.facts.evidence import Commit, PullRequest

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|```.*?(?:```|\Z)|`[^`\n]*`|^>.*$", re.DOTALL | re.MULTILINE)
_TRAILER = re.compile(
    r"^[ \t*-]*(?:ticket|issue|jira|refs?|references|story|task)[ \t]*:[ \t]*(.+)$", re.IGNORECASE | re.MULTILINE
)
_DENIED = re.compile(
    r"\b(?:not related to|unrelated to|follow-?up (?:in|to)|reverts?|see also|blocked by)\b[^\n.;]*", re.IGNORECASE
)
PRECEDENCE = ("trailer", "title", "branch", "body", "commit message")


def keys(
    requests: Iterable[PullRequest], commits: Iterable[Commit], projects: Collection[str]
) -> list[tuple[str, str]]:
    """(key, source) of every ticket that the change names, by precedence, each key once."""
    found = [pair for request in requests for pair in _of_request(request, projects)]
    found += [(key, "commit message") for one in commits for key in _in(one.message, projects)]
    ordered = sorted(enumerate(found), key=lambda pair: (PRECEDENCE.index(pair[1][1]), pair[0]))
    first: dict[str, str] = {}
    for _, (key, source) in ordered:
        first.setdefault(key, source)
    return list(first.items())


def _of_request(request: PullRequest, projects: Collection[str]) -> Iterator[tuple[str, str]]:
    machine = request.author is not None and request.author.kind == "Bot"
    body = "" if machine else _HIDDEN.sub(" ", request.body)
    for trailer in _TRAILER.findall(body):
        yield from ((key, "trailer") for key in _in(trailer, projects))
    yield from ((key, "title") for key in _in(request.title, projects))
    # Branches are often in lower case; Jira itself would not link those.
    yield from ((key, "branch") for key in _in(request.head_ref or "", projects, fold=True))
    yield from ((key, "body") for key in _in(_DENIED.sub(" ", body), projects))
    yield from ((key, "commit message") for one in request.commits for key in _in(one.message, projects))


def _in(text: str, projects: Collection[str], *, fold: bool = False) -> list[str]:
    """The keys in their order in the text."""
    if fold:
        text = text.upper().replace("/", " ").replace("_", " ") if projects else text
    found = ticket_keys.find(text, projects)
    return sorted(found, key=text.find)
