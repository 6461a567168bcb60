"""
What commits name besides themselves: co-authors whose accounts nobody has told yet, and tickets.

A co-author stands in the message as an address that anybody may write. GitHub says whose it is, and one commit is
enough to ask about an address.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev import ticket_keys
from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes
from soc2ev.sources.github.claims import Repository, Tally

if TYPE_CHECKING:
    from soc2ev.fetch import Fetch
    from soc2ev.sources.github.host import Host

_TRAILER = re.compile(r"^co-authored-by:[^<\n]{0,200}<([^<>\n]{1,320})>", re.IGNORECASE | re.MULTILINE)
# These carry the number of the account, so that nobody needs to be asked.
_NUMBERED = re.compile(r"[0-9]{1,18}\+[^@\s]+@users\.noreply\.github\.com")
TICKET = "ticket"


class Notes:
    """What was noted of the commits of one repository."""

    def __init__(self, host: Host, repository: Repository, tally: Tally, projects: Collection[str] | None) -> None:
        """`projects` are the keys of the ticket system's projects, empty for any; None when none is configured."""
        self.host, self.repository, self.tally, self.projects = host, repository, tally, projects
        self._linked: set[str] = set()
        self._credited: dict[str, frozenset[str]] = {}
        """By commit: the addresses of its co-authors."""

    def commit(self, row: Mapping[str, Json]) -> None:
        """Note a commit, given as the columns that describe it."""
        self._people(row)
        self._mention([row["message"] or ""])

    def replaced(self, nodes: Iterable[Json]) -> None:
        """Note who made the commits that force pushes replaced, and not their tickets: what is gone names none."""
        for row in filter(None, map(shapes.replaced, nodes)):
            self._people(row)

    def _people(self, row: Mapping[str, Json]) -> None:
        found = frozenset(one.strip().lower() for one in _TRAILER.findall(row["message"] or ""))
        if found:
            self._credited[row["sha"]] = found
        for who in ("author", "committer"):
            if row[f"{who}_id"] is not None and row[f"{who}_email"]:
                self._linked.add(row[f"{who}_email"].strip().lower())

    def request(self, value: Json) -> None:
        """Note what a merged request says of tickets: GitHub's own answer about it."""
        # Branches are often in lower case, and what stands between their parts is no part of a key.
        branch = value["headRefName"].upper().replace("/", " ").replace("_", " ")
        titles = [one["previousTitle"] for one in value["timelineItems"]["nodes"] if one and one.get("previousTitle")]
        texts = [value["title"], *titles, value["body"] or "", branch if self.projects else value["headRefName"]]
        self._mention(texts)

    def _mention(self, texts: Iterable[str]) -> None:
        if self.projects is not None:
            mention(self.host.fetch, self.projects, texts)

    def ask(self) -> None:
        """Ask for the accounts of co-authors that nothing has told; what cannot be had is told to the tally."""

        def lose(_: Sequence[str], problem: CollectError) -> None:
            self.tally.failed(problem, "the accounts of co-authors")

        self.host.in_batches("authors", self._wanted(), self._ask, lose)

    def _wanted(self) -> list[str]:
        """Commits that together name every address whose account is not known, each address once."""
        holders: dict[str, list[str]] = {}
        for sha, addresses in self._credited.items():
            for address in addresses - self._linked:
                if not _NUMBERED.fullmatch(address):
                    holders.setdefault(address, []).append(sha)
        covered: set[str] = set()
        chosen: list[str] = []
        for address in sorted(holders):
            if address not in covered:
                # GitHub lists ten authors: the fewer a commit has, the surer this one is among them.
                sha = min(holders[address], key=lambda one: (len(self._credited[one]), one))
                chosen.append(sha)
                covered |= self._credited[sha]
        return chosen

    def _ask(self, chunk: Sequence[str]) -> None:
        variables = {**self.repository.variables, **{f"s{n}": sha for n, sha in enumerate(chunk)}}
        asked = {"repository": self.repository.name, "role": "authors"}
        stream = self.repository.stream("pull-requests")
        self.host.query(documents.authors(len(chunk)), variables, stream=stream, asked=asked, reuse=True)


def mention(fetch: Fetch, projects: Collection[str], texts: Iterable[str]) -> None:
    """Tell the ticket system's source which tickets those texts name."""
    found = {key for text in texts for key in ticket_keys.find(text, projects)}
    if found:
        fetch.mention(TICKET, found)
