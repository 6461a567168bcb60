"""
What the credential of a Jira may see, with one small question for each capability.

The answers are stored like all others; no coverage is stated for them, so that they never stand for a collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import RefusedError
from soc2ev.model import Json
from soc2ev.sources.jira.site import NAME, Site, scope
from soc2ev.sources.sight import NO, UNKNOWN, YES, Sight, refused

if TYPE_CHECKING:
    from soc2ev.config import JiraSource, Settings
    from soc2ev.fetch import Answer, Fetch

_STREAM = "capabilities"
_BAD_REQUEST = 400
NEEDS = {
    "site": "a token of an account of this site (scope read:jira-user)",
    "projects": "Browse projects (scope read:jira-work)",
    "tickets": "Browse projects (scope read:jira-work)",
    "histories": "Browse projects (scope read:jira-work)",
    "service management": "an agent's licence, or to be a participant (scope read:servicedesk-request)",
}
"""The right that shows each capability."""


def probe(fetch: Fetch, settings: Settings) -> list[Sight]:
    """What each configured site shows. ConfigError when a credential is missing."""
    tasks = [_Probe(Site.of(fetch, source), source).run for source in settings.config.sources.jira]
    return [sight for sights in fetch.together(tasks) for sight in sights]


class _Probe:
    """The questions to one site."""

    def __init__(self, site: Site, source: JiraSource) -> None:
        self.site, self.projects = site, source.projects
        self.about = scope(source).removeprefix(f"{NAME}:")
        self.ticket: str | None = None

    def run(self) -> list[Sight]:
        """Its sights; only the first when the site does not answer as to somebody it knows."""
        site = self._see("site", self.site.identify)
        if site.visible != YES:
            return [site]
        return [
            site,
            *(self._see("projects", partial(self._ask_project, key), key) for key in self.projects),
            self._see("tickets", self._ask_tickets),
            self._of_ticket("histories", self._ask_history),
            self._of_ticket("service management", self._ask_approvals),
        ]

    def _of_ticket(self, capability: str, ask: Callable[[], object]) -> Sight:
        """The sight of a question about some ticket."""
        if self.ticket is None:
            return Sight(NAME, self.about, capability, UNKNOWN, "no ticket was shown to ask about")
        return self._see(capability, ask)

    def _see(self, capability: str, ask: Callable[[], object], part: str = "") -> Sight:
        about = f"{self.about} {part}".strip()
        try:
            ask()
        except CollectError as problem:
            visible = NO if self._hides(capability, problem) else UNKNOWN
            needs = NEEDS[capability] if visible == NO else ""
            return Sight(NAME, about, capability, visible, f"{problem.message}; {problem.hint}"[:500], needs)
        except (AttributeError, KeyError, TypeError, IndexError) as problem:
            return Sight(NAME, about, capability, UNKNOWN, f"the answer is not understood: {problem!r}"[:500])
        return Sight(NAME, about, capability, YES)

    @staticmethod
    def _hides(capability: str, problem: CollectError) -> bool:
        """Whether that is a refusal: JQL on a hidden project is a bad request, and most tickets have no approvals."""
        status = problem.status if isinstance(problem, RefusedError) else 0
        if capability == "service management":
            return isinstance(problem, AccessError)
        return refused(problem) or (capability == "projects" and status == _BAD_REQUEST)

    def _ask_project(self, key: str) -> None:
        self._search(f'project in ("{key}") ORDER BY created ASC, key ASC')

    def _ask_tickets(self) -> None:
        """Any ticket; of the configured projects when there are some."""
        listed = ", ".join(f'"{key}"' for key in self.projects)
        within = f"project in ({listed})" if listed else 'created >= "2000-01-01 00:00"'
        issues = self._search(f"{within} ORDER BY created ASC, key ASC")
        self.ticket = issues[0]["id"] if issues else None

    def _search(self, jql: str) -> Json:
        body: Json = {"jql": jql, "maxResults": 1, "fields": ["created"]}
        path = "/rest/api/3/search/jql" if self.site.cloud else "/rest/api/2/search"
        answer = self.site.post(path, body, stream=_STREAM, role="doctor")
        return self.site.fetch.json(answer)["issues"]

    def _ask_history(self) -> None:
        place = f"{self.site.api}/issue/{quote(str(self.ticket), safe='')}"
        if self.site.cloud:
            self._get(f"{place}/changelog", {"maxResults": "1"})
        else:
            self._get(place, {"expand": "changelog", "fields": "created"})

    def _ask_approvals(self) -> None:
        self._get(f"/rest/servicedeskapi/request/{quote(str(self.ticket), safe='')}/approval", {"limit": "1"})

    def _get(self, path: str, params: Mapping[str, str]) -> Answer:
        return self.site.get(path, stream=_STREAM, role="doctor", params=params)
