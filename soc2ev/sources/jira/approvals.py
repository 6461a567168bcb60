"""Approvals of Jira Service Management, asked for ticket by ticket: it offers no other way."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.sources.jira import streams, tables
from soc2ev.sources.jira.claims import Tally, Ticket

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.sources.jira.site import Site

_PAGE = 50
_MOST_PAGES = 200
_NOT_FOUND = 404
_SEVERAL = 3
"""Of so many requests some were approved, or one is shown, unless the account may see none."""


@dataclass
class Approvals:
    """The approvals of one collection."""

    site: Site
    tally: Tally
    _refused: threading.Event = field(default_factory=threading.Event)
    _refusals: list[str] = field(default_factory=list)
    _owners: dict[str, str] = field(default_factory=dict)
    """The ticket of an approval, by its id and when it was asked for: an answer does not say of which it is."""
    _lengths: list[int] = field(default_factory=list)
    """How many approvals each request has, for those that were answered whole."""

    def ask(self, tickets: Sequence[Ticket]) -> None:
        """Ask for the approvals of these tickets; after several refusals and no answer no further one is asked for."""
        self.site.fetch.together([partial(self._one, ticket) for ticket in tickets])
        if len(self._lengths) >= _SEVERAL and not any(self._lengths):
            self.tally.lacks(
                f"Service Management told of no approval of any of {len(self._lengths)} requests: "
                "an empty list and one that the account may not see look alike"
            )

    def _one(self, ticket: Ticket) -> None:
        if self._refused.is_set():
            self.tally.lacks("others were not asked for any more after that")
            return
        try:
            self._read(ticket)
        except CollectError as problem:
            if isinstance(problem, AccessError):
                # A single request may be restricted; where nothing is shown at all, asking on tells nothing more.
                self._refusals.append(ticket.key)
                if len(self._refusals) >= _SEVERAL and not self._lengths:
                    self._refused.set()
            self.tally.failed(problem, f"approvals of {ticket.key}")

    def _read(self, ticket: Ticket) -> None:
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            data = self._page(ticket, len(seen), seen)
            # No such request of Service Management: a ticket of another project, or one not shown to the account.
            if "values" in data and data["isLastPage"]:
                self._lengths.append(len(seen) + len(data["values"]))
            if "values" not in data or data["isLastPage"]:
                return
            if not data["values"]:
                break
            seen |= {str(value["id"]) for value in data["values"]}
        raise CollectError("the pages do not end", hint="collect again; all answers are stored")

    def _page(self, ticket: Ticket, start: int, seen: set[str]) -> Json:
        def check(data: Json) -> None:
            try:
                ids = [str(value["id"]) for value in data.get("values", ())]
            except (AttributeError, KeyError, TypeError) as problem:
                raise ValueError(f"no page of approvals: {problem!r}") from None
            if data.get("size", len(ids)) != len(ids) and "values" in data:
                raise ValueError("it counts other approvals than it holds")
            if len(set(ids)) != len(ids) or seen & set(ids):
                raise ValueError("it repeats approvals of an earlier page")
            told = [f"{value['id']} {value.get('createdDate')}" for value in data.get("values", ())]
            if any(self._owners.setdefault(one, ticket.id) != ticket.id for one in told):
                raise ValueError("it holds approvals of another request")

        answer = self.site.get(
            f"/rest/servicedeskapi/request/{ticket.id}/approval",
            stream="approvals",
            role="approvals",
            asked={"ticket": ticket.id},
            params={"start": str(start), "limit": str(_PAGE)},
            accept=(_NOT_FOUND,),
            check=check,
            reuse=True,
        )
        data = self.site.fetch.json(answer)
        self.tally.add(streams.tally(answer.item.request, data)[tables.APPROVALS.name])
        return data
