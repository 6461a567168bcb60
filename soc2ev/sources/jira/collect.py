"""The collection of Jira: every configured site, one coverage for each of its streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError, ConfigError
from soc2ev.sources.jira.approvals import Approvals
from soc2ev.sources.jira.claims import Ticket, tallies
from soc2ev.sources.jira.histories import Histories
from soc2ev.sources.jira.listed import Listing, doubts, of_projects
from soc2ev.sources.jira.named import Names
from soc2ev.sources.jira.remembered import Earlier, fingerprint, packed
from soc2ev.sources.jira.site import Site, scope

if TYPE_CHECKING:
    from soc2ev.config import JiraSource, Settings
    from soc2ev.fetch import Fetch
    from soc2ev.model import Coverage, Json
    from soc2ev.period import Period

_NOT_ALL = "not all tickets were obtained, and what was not is missing here too"
_FORGOTTEN = "an earlier run asked for more keys than are kept; keys that this run does not mention were not asked for"


def collect(fetch: Fetch, settings: Settings, period: Period) -> Iterator[Coverage]:
    """
    Collect the tickets that were mentioned in this run and earlier ones, and those of the configured projects.

    A site in which nothing changed since it was collected whole for the closed period is not collected again, and
    nothing is stated for it. ConfigError when two sites have one address or a secret is missing.
    """
    sources = settings.config.sources.jira
    doubled = [name for name, times in Counter(map(scope, sources)).items() if times > 1]
    if doubled:
        hint = "give all its projects in one entry of sources.jira"
        raise ConfigError(f"{doubled[0].partition(':')[2]} is configured twice", hint=hint)
    approvals = settings.config.policy.ticket.mode == "service_management"
    sites = [Site.of(fetch, source) for source in sources]
    tasks = [partial(_Collection(site, period, approvals=approvals).run) for site in sites]
    for coverages in fetch.together(tasks):
        yield from coverages


class _Collection:
    """One site."""

    def __init__(self, site: Site, period: Period, *, approvals: bool) -> None:
        self.site, self.period, self.approvals = site, period, approvals
        self.projects = [project.upper() for project in site.settings.projects]
        self.tallies = tallies()
        self.earlier = Earlier(site, period)
        self.mentioned = _about(site.settings, site.fetch.mentions("ticket"))
        self.keys = sorted(self.mentioned | self.earlier.keys, key=_in_order)
        self.names = Names(site, self.tallies["tickets"])

    def run(self) -> list[Coverage]:
        """Everything, and what it came to; nothing when it is known already."""
        self.site.fetch.say(f"jira: {self.site.url}")
        try:
            self.tallies["site"].expected = 1
            self.tallies["site"].add(self.site.identify())
            newest = self._newest()
            if self.earlier.settles(newest, self.mentioned):
                self.site.fetch.say(f"jira: {self.site.url}: unchanged since it was collected")
                return []
            self._collect(newest)
        except CollectError as problem:
            for tally in self.tallies.values():
                tally.failed(problem)
        claims = self.tallies.values()
        return [one.claim(self.site.stream(one.stream), self.site.url, self.period) for one in claims]

    def _newest(self) -> str:
        """A digest of the newest change in the projects; empty when there are none to tell it by."""
        if not self.projects:
            return ""
        body: dict[str, Json] = {"jql": f"{of_projects(self.projects)} ORDER BY updated DESC", "fields": ["updated"]}
        path = f"{self.site.api}{'/search/jql' if self.site.cloud else '/search'}"
        try:
            answer = self.site.post(path, {**body, "maxResults": 1}, stream="tickets", role="newest")
            newest = [(value["id"], value["fields"]["updated"]) for value in self.site.fetch.json(answer)["issues"]]
        except (CollectError, KeyError, TypeError):
            # What is wrong with the projects, the list of their tickets will say.
            return ""
        return fingerprint(newest, sorted(self.projects), self.site.account, self.approvals) if newest else ""

    def _collect(self, newest: str) -> None:
        found = self._tickets()
        named = [ticket for ticket in self.names.settled.values() if ticket]
        by_key = {ticket.key: ticket for ticket in found}
        listed = [by_key[key] for key in self.keys if key in by_key]
        mentioned = {ticket.id: ticket for ticket in (*named, *listed)}
        Histories(self.site, self.tallies["histories"]).ask(found)
        if self.approvals:
            Approvals(self.site, self.tallies["approvals"]).ask(list(mentioned.values()))
        else:
            self.tallies["approvals"].details["asked"] = "no: policy.ticket.mode is not service_management"
        if self.tallies["tickets"].reasons:
            for name in ("histories", *(("approvals",) if self.approvals else ())):
                self.tallies[name].lacks(_NOT_ALL)
        self._describe(newest, found)

    def _tickets(self) -> list[Ticket]:
        """All tickets, each once: the list of the period, then by key what it does not hold."""
        tally = self.tallies["tickets"]
        listing = Listing(self.site, self.period, tally)
        if self.projects:
            with tally.guard("the list of the period"):
                listing.read(self.projects)
        listed = {ticket.key for ticket in listing.found.values()}
        self.names.ask([key for key in self.keys if key not in listed])
        tally.details["warnings"] = doubts(tally, len(listing.found))
        told = [*(ticket for ticket in self.names.settled.values() if ticket), *listing.found.values()]
        for one in (*_contradicted(told), *_doubled(self.names.settled)):
            tally.lacks(f"what Jira told of {one!r:.60} contradicts what it told of another key; collect again")
        return list({ticket.id: ticket for ticket in told}.values())

    def _describe(self, newest: str, found: list[Ticket]) -> None:
        details = self.tallies["tickets"].details
        settled = self.names.settled
        unknown = [key for key, ticket in settled.items() if ticket is None]
        details["keys"] = packed(self.keys)
        details["unknown"] = len(unknown)
        details["moved"] = sum(1 for key, ticket in settled.items() if ticket and ticket.key != key)
        if self.earlier.forgotten:
            details["warnings"] = [*details["warnings"], _FORGOTTEN]
        # What cannot be seen now may be shown later without any ticket's being changed, and what lies in other projects
        # changes without the newest of these.
        told = not unknown and all(ticket.project in self.projects for ticket in found)
        details["fingerprint"] = newest if told else ""


def _about(source: JiraSource, keys: frozenset[str]) -> set[str]:
    """The keys that this site is asked for: those of its projects, where it has any."""
    projects = {project.upper() for project in source.projects}
    return {key for key in keys if not projects or key.rpartition("-")[0] in projects}


def _contradicted(told: Sequence[Ticket]) -> Iterator[str]:
    """Keys of tickets whose id was told with another key before: an answer gives the key that a ticket has now."""
    keys: dict[str, str] = {}
    return (ticket.key for ticket in told if keys.setdefault(ticket.id, ticket.key) != ticket.key)


def _doubled(settled: Mapping[str, Ticket | None]) -> Iterator[str]:
    """Keys that led to a ticket to which another key of the same project led: no ticket has two numbers of one."""
    keys: dict[tuple[str, str], str] = {}
    for key, ticket in settled.items():
        if ticket and keys.setdefault((ticket.id, key.rpartition("-")[0]), key) != key:
            yield key


def _in_order(key: str) -> tuple[str, int]:
    project, _, number = key.rpartition("-")
    return project, int(number)
