"""
Ticket keys that a change names, in the order in which they count.

What people wrote on purpose counts before what only mentions a key: trailer or template line, title, branch,
description, commit messages. Of several keys in such lines the one that the title names too comes first. Text inside
template comments, code and quotes is no statement of the author, and descriptions that machines write quote foreign
change logs: of those only trailers and template lines count, and nothing that is folded away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from soc2ev import ticket_keys

if TYPE_CHECKING:
    from soc2ev.tables.facts.evidence import Commit, PullRequest

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|```.*?(?:```|\Z)|`[^`\n]*`|^>.*$", re.DOTALL | re.MULTILINE)
_FOLDED = re.compile(r"<details>.*?(?:</details>|\Z)", re.DOTALL | re.IGNORECASE)
_TRAILER = re.compile(
    r"^[ \t*-]*(?:ticket|issue|jira|refs?|references|story|task)[ \t]*:[ \t]*(.+)$", re.IGNORECASE | re.MULTILINE
)
_DENIED = re.compile(
    r"\b(?:not related to|unrelated to|follow-?up (?:in|to)|reverts?|see also|blocked by)\b[^\n.;]*", re.IGNORECASE
)
# A title that calls a change the follow-up or the revert of a ticket's is still about that ticket.
_DISOWNED = re.compile(r"\b(?:not related to|unrelated to|see also|blocked by)\b[^\n.;]*", re.IGNORECASE)
_ADDRESS = re.compile(r"\bhttps?://([^\s/?#<>\"'`]+)([^\s<>\"'`]*)", re.IGNORECASE)
_OF_TICKETS = re.compile(r"/browse/|[?&]selectedIssue=|/(?:issues|portal/\d+|requests?)/", re.IGNORECASE)
_GATEWAY, _SITES = "api.atlassian.com", ".atlassian.net"
_HERE = frozenset({"localhost", "127.0.0.1", "::1", ""})
PRECEDENCE = ("trailer", "title", "branch", "body", "commit message")


def keys(
    requests: Iterable[PullRequest],
    commits: Iterable[Commit],
    projects: Collection[str],
    hosts: Collection[str] = (),
) -> list[tuple[str, str]]:
    """
    (key, source) of every ticket that the change names, by precedence, each key once.

    `hosts` are those of the ticket systems: an address of another host, or of no ticket, names none. Without any, or
    where one is reached by its gateway or on this machine only, people's addresses of it are not known, so that every
    host's count.
    """
    requests = list(requests)
    found = [pair for request in requests for pair in _of_request(request, projects, hosts)]
    found += [(key, "commit message") for one in commits for key in _in(_plain(one.message, hosts), projects)]
    ordered = sorted(enumerate(found), key=lambda pair: (PRECEDENCE.index(pair[1][1]), pair[0]))
    first: dict[str, str] = {}
    # What a title names only since the merge comes last, whatever it names.
    late = [(key, "title") for one in requests for key in _in(_plain(one.title, hosts), projects)]
    for key, source in [*(pair for _, pair in ordered), *late]:
        first.setdefault(key, source)
    return list(first.items())


def lost(request: PullRequest, projects: Collection[str]) -> bool | None:
    """Whether its description had named tickets that it does not name now; None when its edits are not known."""
    if request.edits is None:
        return None
    now = set(_in(request.body, projects))
    return any(set(_in(text, projects)) - now for text in request.edits)


def _of_request(request: PullRequest, projects: Collection[str], hosts: Collection[str]) -> Iterator[tuple[str, str]]:
    machine = request.author is not None and request.author.kind == "Bot"
    body = _addressed(_HIDDEN.sub(" ", _FOLDED.sub(" ", request.body) if machine else request.body), hosts)
    then = request.title_then
    titled = _in(_plain(request.title if then is None else then, hosts), projects)
    written = [key for trailer in _TRAILER.findall(body) for key in _in(trailer, projects)]
    # A line of references names others beside the change's own ticket, which the title names too.
    yield from ((key, "trailer") for key in sorted(written, key=lambda key: key not in titled))
    yield from ((key, "title") for key in titled)
    # Branches are often in lower case; Jira itself would not link those.
    yield from ((key, "branch") for key in _in(request.head_ref or "", projects, fold=True))
    yield from ((key, "body") for key in _in(_DENIED.sub(" ", "" if machine else body), projects))
    yield from ((key, "commit message") for one in request.commits for key in _in(_plain(one.message, hosts), projects))


def _plain(text: str, hosts: Collection[str]) -> str:
    """The text without what names tickets to say that the change is not theirs."""
    return _DISOWNED.sub(" ", _addressed(text, hosts))


def _addressed(text: str, hosts: Collection[str]) -> str:
    """The text without addresses that lead to no ticket of those hosts."""
    return _ADDRESS.sub(lambda found: found[0] if _of_ours(found[1], found[2], hosts) else " ", text)


def _of_ours(authority: str, path: str, hosts: Collection[str]) -> bool:
    if not _OF_TICKETS.search(path):
        return False
    host = authority.rpartition("@")[2].partition(":")[0].lower()
    if not hosts or host in hosts or _HERE & {*hosts}:
        return True
    return _GATEWAY in hosts and host.endswith(_SITES)


def _in(text: str, projects: Collection[str], *, fold: bool = False) -> list[str]:
    """The keys in their order in the text."""
    if fold:
        text = text.upper().replace("/", " ").replace("_", " ") if projects else text
    found = ticket_keys.find(text, projects)
    return sorted(found, key=text.find)
