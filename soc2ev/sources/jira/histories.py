"""
What changed in tickets, and when: the history without which nobody knows what a ticket was at the time of a merge.

Cloud gives the changes of many tickets at once; `expand=changelog` is cut there after 40 entries. Data Center gives
them with its tickets, cut when there are many, and newer versions by pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch import RefusedError
from soc2ev.sources.jira import shapes, streams, tables
from soc2ev.sources.jira.agreement import Moved, disagreement
from soc2ev.sources.jira.claims import Tally, Ticket

if TYPE_CHECKING:
    from soc2ev.fetch import Answer
    from soc2ev.model import Json
    from soc2ev.sources.jira.site import Site

_BATCH, _CHANGES = 1_000, 5_000
_EXPANDED, _PAGE = 200, 100
_NOT_FOUND = 404
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Histories:
    """The histories of one collection."""

    site: Site
    tally: Tally

    def ask(self, tickets: Sequence[Ticket]) -> None:
        """Ask for the changes of these tickets; what cannot be had is stated."""
        size, read = (_BATCH, self._bulk) if self.site.cloud else (_EXPANDED, self._expanded)
        chunks = [tickets[start : start + size] for start in range(0, len(tickets), size)]
        self.site.fetch.together([partial(self._guarded, read, chunk) for chunk in chunks])

    def _guarded(self, read: Callable[[Sequence[Ticket]], None], chunk: Sequence[Ticket]) -> None:
        with self.tally.guard(f"histories of {len(chunk)} tickets, {chunk[0].key} among them"):
            read(chunk)

    def _bulk(self, tickets: Sequence[Ticket]) -> None:
        """The pages of Cloud; one ticket's changes may stand on several of them."""
        ids = [ticket.id for ticket in tickets]
        body: dict[str, Json] = {"issueIdsOrKeys": ids, "fieldIds": list(shapes.HISTORY), "maxResults": _CHANGES}
        trail = _Trail(frozenset(ids))
        tokens: set[str] = set()
        while True:
            answer = self.site.post(
                f"{self.site.api}/changelog/bulkfetch",
                body,
                stream="histories",
                role="changes",
                check=trail.refuse_odd,
                reuse=True,
            )
            data = self._keep(answer)
            for value in data["issueChangeLogs"]:
                trail.follow(shapes.text(value["issueId"]), value["changeHistories"])
            token = data.get("nextPageToken")
            if token is None:
                self._compare(tickets, trail)
                return
            if token in tokens or not data["issueChangeLogs"]:
                raise CollectError(
                    "the pages of the histories do not end", hint="collect again; all answers are stored"
                )
            tokens.add(token)
            body = {**body, "nextPageToken": token}

    def _expanded(self, tickets: Sequence[Ticket]) -> None:
        """Tickets of Data Center with their changes, as many at once as it gives; and the pages of those cut short."""
        left = {ticket.id: ticket for ticket in tickets}
        while left:
            trail = _Trail(frozenset(left))
            told = self._with_changes(sorted(left), trail)
            if not told:
                self.tally.lacks(f"the histories of {len(left)} tickets were not answered, {min(left)} among them")
                return
            for value in told:
                ticket = left.pop(shapes.text(value["id"]))
                if streams.cut(value):
                    with self.tally.guard(f"the history of {ticket.key}"):
                        self._paged(ticket, trail)
                else:
                    trail.follow(ticket.id, value["changelog"]["histories"])
            self._compare(tickets, trail)

    def _with_changes(self, ids: Sequence[str], trail: _Trail) -> list[Json]:
        jql = f"id in ({', '.join(ids)}) ORDER BY key ASC"
        body = {"jql": jql, "fields": ["status"], "expand": ["changelog"], "startAt": 0, "maxResults": _EXPANDED}
        answer = self.site.post(
            f"{self.site.api}/search",
            {**body, "validateQuery": False},
            stream="histories",
            role="expanded",
            check=trail.refuse_odd_tickets,
            reuse=True,
        )
        found: list[Json] = self._keep(answer)["issues"]
        return found

    def _paged(self, ticket: Ticket, trail: _Trail) -> None:
        start, total = 0, 1
        while start < total:
            data = self._history_page(ticket, start)
            total = data["total"]
            trail.follow(ticket.id, data["values"])
            start += len(data["values"])
            if not data["values"] and start < total:
                raise CollectError(f"it ends after {start} of {total} changes", hint="collect again")

    def _history_page(self, ticket: Ticket, start: int) -> Json:
        def check(data: Json) -> None:
            if not isinstance(data, dict) or data.get("startAt") != start or type(data.get("total")) is not int:
                raise ValueError("no page of changes, or another one than was asked for")
            with _understood():
                _refuse_hollow(data["values"])

        try:
            answer = self.site.get(
                f"{self.site.api}/issue/{ticket.id}/changelog",
                stream="histories",
                role="history",
                asked={"ticket": ticket.id},
                params={"startAt": str(start), "maxResults": str(_PAGE)},
                check=check,
                reuse=True,
            )
        except RefusedError as problem:
            if problem.status == _NOT_FOUND:
                hint = "an administrator can export it; the answer is stored"
                raise CollectError("it is cut short, and this version of Jira gives it no further", hint=hint) from None
            raise
        return self._keep(answer)

    def _keep(self, answer: Answer) -> Json:
        data = self.site.fetch.json(answer)
        found = streams.tally(answer.item.request, data)
        self.tally.add(found[tables.EVENTS.name])
        return data

    def _compare(self, tickets: Sequence[Ticket], trail: _Trail) -> None:
        """Each history has to agree with what its ticket is; else changes of it are missing."""
        if not any(trail.changes.values()) and (changed := [one.key for one in tickets if one.told.resolved_later]):
            self.tally.lacks(f"no change of any ticket was told, and {changed[0]} was resolved after it was created")
        for ticket in tickets:
            odd = disagreement(ticket.told, trail.changes[ticket.id], trail.moves[ticket.id])
            if odd or ticket.id in trail.hollow:
                self.tally.lacks(f"the history of {ticket.key} {odd or 'has a change of nothing'}")


@contextmanager
def _understood() -> Iterator[None]:
    """ValueError for a page that has not the form of one."""
    try:
        yield
    except (KeyError, TypeError) as problem:
        raise ValueError(f"no page of changes: {problem!r}") from None


def _refuse_hollow(histories: Json) -> None:
    """ValueError for a change that does not say of what: it may have been the status that changed."""
    if not all(one["items"] for one in histories):
        raise ValueError("it holds a change of nothing")


class _Trail:
    """What one chunk's pages told so far, so that nothing comes twice."""

    def __init__(self, asked: frozenset[str]) -> None:
        self._asked = asked
        self._seen: set[tuple[str, str]] = set()
        self.changes: defaultdict[str, list[datetime]] = defaultdict(list)
        """By ticket: when it changed."""
        self.moves: defaultdict[str, list[Moved]] = defaultdict(list)
        """By ticket: the changes of its status."""
        self.hollow: set[str] = set()
        """Tickets with a change that does not say of what."""

    def refuse_odd(self, data: Json) -> None:
        """ValueError for changes that came before, or of tickets that were not asked for."""
        found: set[tuple[str, str]] = set()
        with _understood():
            for value in data["issueChangeLogs"]:
                ticket = self._known(value["issueId"])
                for history in value["changeHistories"]:
                    one = (ticket, shapes.text(history["id"]))
                    if one in self._seen or one in found:
                        raise ValueError("it repeats changes of an earlier page")
                    found.add(one)
                _refuse_hollow(value["changeHistories"])

    def refuse_odd_tickets(self, data: Json) -> None:
        """ValueError for tickets that come twice, or were not asked for."""
        try:
            found = [self._known(value["id"]) for value in data["issues"]]
        except (KeyError, TypeError) as problem:
            raise ValueError(f"no tickets with changes: {problem!r}") from None
        if len(set(found)) != len(found):
            raise ValueError("it holds a ticket twice")

    def follow(self, ticket: str, histories: Json) -> None:
        """Take note of changes that were counted."""
        for history in histories:
            number = shapes.text(history["id"])
            self._seen.add((ticket, number))
            at = shapes.instant(history["created"]) or _LONG_AGO
            self.changes[ticket].append(at)
            if not history["items"]:
                self.hollow.add(ticket)
            for item in history["items"]:
                if item["field"].lower() == "status":
                    before, after = ((item.get(name), item.get(f"{name}String")) for name in ("from", "to"))
                    self.moves[ticket].append(Moved(at, number, before, after))

    def _known(self, ticket: Json) -> str:
        found = shapes.text(ticket)
        if found not in self._asked:
            raise ValueError("it holds a ticket that was not asked for")
        return found
