"""
What commit statuses said before they were set again, and which App stands behind the bot that set one.

GraphQL tells the newest status of each name alone; the list of all of them is a question for each commit, so that it is
asked only where a newer one hides what counted:
https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference
A rule may name the App that has to report a status. A status names the App's bot, whose login is the App's slug with a
suffix: https://docs.github.com/en/rest/apps/apps#get-an-app
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError

if TYPE_CHECKING:
    from soc2ev.sources.github.claims import Repository, Tally
    from soc2ev.sources.github.host import Host

BOT = "[bot]"
_MOST_APPS = 10
_HIDDEN = (401, 403, 404)
"""An App that the token may not see; its statuses are then those of nobody known."""


class Statuses:
    """Questions about the commit statuses of one repository."""

    def __init__(self, host: Host, repository: Repository, tally: Tally) -> None:
        self.host, self.repository, self.tally = host, repository, tally
        self._commits: set[tuple[str, int]] = set()
        self._slugs: set[str] = set()

    def histories(self, commits: Iterable[tuple[str, int]], most: int) -> None:
        """Every status that was ever set on these commits (with the request they are asked for), `most` in all."""
        for sha, number in sorted(set(commits) - self._commits)[: max(most - len(self._commits), 0)]:
            self._commits.add((sha, number))
            try:
                self._history(sha, number)
            except AccessError as problem:
                self.tally.failed(problem, "earlier statuses")
                return
            except CollectError as problem:
                self.tally.failed(problem, f"the earlier statuses of {sha[:12]}")

    def _history(self, sha: str, number: int) -> None:
        asked = {"repository": self.repository.name, "role": "statuses of", "sha": sha, "number": number}
        path = f"{self.repository.path}/commits/{sha}/statuses"
        pages = self.host.walk(path, stream=self.repository.stream("checks"), asked=asked, params={"per_page": "100"})
        for _ in pages:
            pass

    def apps(self, logins: Iterable[str]) -> None:
        """The numbers of the Apps behind these bots, a few at the most; what stays unknown decides nothing."""
        slugs = {login.removesuffix(BOT) for login in logins if login.endswith(BOT)} - self._slugs
        for slug in sorted(slugs)[: _MOST_APPS - len(self._slugs)]:
            self._slugs.add(slug)
            asked = {"repository": self.repository.name, "role": "app"}
            try:
                self.host.get(f"/apps/{slug}", stream=self.repository.stream("checks"), asked=asked, accept=_HIDDEN)
            except CollectError as problem:
                self.tally.failed(problem, f"the App {slug}")
