"""
The tickets of the configured projects that something happened to in the period or later.

Sorted by what cannot move while the pages are read. JQL reads dates in the zone of the account that asks, to the
minute, so that the list is a day wider at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch import RefusedError
from soc2ev.sources.jira import shapes
from soc2ev.sources.jira.claims import Tally, Ticket, tickets_of
from soc2ev.sources.jira.named import quoted
from soc2ev.sources.jira.site import OddError, jql_time

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.model import Json
    from soc2ev.period import Period
    from soc2ev.sources.jira.site import Site

_PAGE = 100
_PLACES = 200
"""Data Center gives up to 1,000 unless an administrator allows fewer; this many with their descriptions is quick."""
_WINDOW = 10_000
"""Data Center answers with an error beyond it (`jira.search.maxresults` and the index's window)."""
_WIDER = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_MOST_PAGES = 100_000
_TRIES = 2
_BAD_REQUEST = 400
_DOUBT, _DOUBT_SHARE = 10, 20


class _ShiftedError(CollectError):
    """The list changed while its pages were read."""


@dataclass
class Listing:
    """The list of one collection."""

    site: Site
    period: Period
    tally: Tally
    found: dict[str, Ticket] = field(default_factory=dict)
    """By id."""
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _reuse: bool = True

    def read(self, projects: Sequence[str]) -> None:
        """Read the list of those projects. One that Jira refuses is stated and costs no other one."""
        try:
            self._read(projects)
        except RefusedError as problem:
            if problem.status != _BAD_REQUEST or len(projects) == 1:
                raise
            for project in projects:
                with self.tally.guard(f"project {project}"):
                    self._read([project])
        self.tally.details["listed"] = len(self.found)

    def _read(self, projects: Sequence[str]) -> None:
        since = jql_time(self.period.start - _WIDER, self.site.zone)
        wanted = f'{of_projects(projects)} AND updated >= "{since}"'
        if self.site.cloud:
            until = jql_time(self.period.end + _WIDER, self.site.zone)
            self._walk_tokens(f'{wanted} AND created <= "{until}"')
        else:
            self._walk_range(wanted, None, self.period.end + _WIDER)

    def _walk_tokens(self, jql: str) -> None:
        """Pages of Cloud, which end with the page that names no next one."""
        self._doubt(jql)
        body = {"jql": f"{jql} ORDER BY created ASC, key ASC", "fields": list(shapes.FIELDS), "maxResults": _PAGE}
        tokens: set[str] = set()
        while len(tokens) < _MOST_PAGES:
            data = self._page("/search/jql", body, self.found)
            self._keep(data)
            if data.get("warnings"):
                self.tally.lacks(f"Jira warns of its list: {str(data['warnings'])[:300]}")
            token = data.get("nextPageToken")
            if token is None:
                if data.get("isLast") is False:
                    self.tally.lacks("a page of the list names no next one, and is not the last")
                return
            if not data["issues"]:
                raise CollectError("the list has an empty page before its end", hint="collect again")
            if token in tokens:
                break
            tokens.add(token)
            body = {**body, "nextPageToken": token}
        raise CollectError("the list names a page as the next that was read before", hint="collect again")

    def _doubt(self, jql: str) -> None:
        """Ask Cloud how many there are about; it promises nothing, so that it proves nothing either."""
        try:
            answer = self.site.post(
                f"{self.site.api}/search/approximate-count", {"jql": jql}, stream="tickets", role="count"
            )
            told = self.site.fetch.json(answer)["count"]
        except (CollectError, KeyError, TypeError):
            told = None
        counts: list[Json] = self.tally.details.setdefault("approximate", [])
        counts.append(told if isinstance(told, int) else None)

    def _walk_range(self, wanted: str, since: datetime | None, until: datetime) -> None:
        """Pages of Data Center for tickets created in [since, until), by halves when they are too many for one list."""
        for tries in range(1, _TRIES + 1):
            self._reuse = tries == 1
            try:
                split = self._walk_places(wanted, since, until)
                break
            except (_ShiftedError, OddError):
                if tries == _TRIES:
                    raise
        if split is not None:
            middle = split + (until - split) / 2
            if until - split < 2 * _MINUTE:
                raise CollectError(
                    f"more than {_WINDOW} tickets were created within two minutes", hint="name fewer projects"
                )
            self._walk_range(wanted, since, middle)
            self._walk_range(wanted, middle, until)

    def _walk_places(self, wanted: str, since: datetime | None, until: datetime) -> datetime | None:
        """All pages of that range; or, when there are too many, when the oldest of them was created."""
        edges = f' AND created < "{jql_time(until, self.site.zone)}"'
        edges += f' AND created >= "{jql_time(since, self.site.zone)}"' if since else ""
        body = {"jql": f"{wanted}{edges} ORDER BY created ASC, key ASC", "fields": list(shapes.FIELDS)}
        seen: dict[str, Ticket] = {}
        promised = None
        while promised is None or len(seen) < promised:
            most = min(_PLACES, max(_WINDOW - len(seen), 1))
            data = self._page("/search", {**body, "startAt": len(seen), "maxResults": most}, seen)
            total = data["total"]
            if promised is not None and total != promised:
                raise _ShiftedError("the list changed while it was read", hint="collect again")
            promised = total
            seen |= self._keep(data)
            if not data["issues"] and len(seen) < promised:
                raise _ShiftedError(f"the list ends after {len(seen)} of {promised} tickets", hint="collect again")
            if promised > _WINDOW:
                return since or shapes.instant(data["issues"][0]["fields"]["created"])
        if len(seen) != promised:
            raise _ShiftedError(f"the list holds {len(seen)} tickets, not {promised}", hint="collect again")
        return None

    def _page(self, path: str, body: Json, seen: dict[str, Ticket]) -> Json:
        def check(data: Json) -> None:
            try:
                ids = [shapes.text(value["id"]) for value in data["issues"]]
            except (KeyError, TypeError) as problem:
                raise ValueError(f"no page of tickets: {problem!r}") from None
            if len(set(ids)) != len(ids) or any(one in seen for one in ids):
                raise ValueError("it repeats tickets of an earlier page")
            if not self.site.cloud and (type(data.get("total")) is not int or data["total"] < 0):
                raise ValueError("it does not say how many there are")

        part = {"part": f"list {next(self._numbers)}"}
        answer = self.site.post(
            self.site.api + path, body, stream="tickets", role="list", asked=part, check=check, reuse=self._reuse
        )
        return self.site.fetch.json(answer)

    def _keep(self, data: Json) -> dict[str, Ticket]:
        told = {ticket.id: ticket for ticket in tickets_of(data["issues"])}
        self.tally.add(len(told))
        self.found |= told
        return told


def of_projects(projects: Sequence[str]) -> str:
    """The JQL that names them."""
    return f"project in ({', '.join(map(quoted, projects))})"


def doubts(tally: Tally, listed: int) -> list[str]:
    """Warnings where Cloud's own estimate lies far from what its list held."""
    told = [one for one in tally.details.get("approximate", ()) if one is not None]
    if not told or abs(sum(told) - listed) <= max(_DOUBT, listed // _DOUBT_SHARE):
        return []
    return [f"the list held {listed} tickets where Jira estimates {sum(told)}"]
