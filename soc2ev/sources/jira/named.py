"""
Tickets by the keys that changes name.

Keys that Jira leaves out are asked for again among themselves: one that was moved comes back under its present key, and
an answer does not say to which question it belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.fetch import RefusedError
from soc2ev.sources.jira import shapes, streams
from soc2ev.sources.jira.claims import Tally, Ticket, tickets_of
from soc2ev.sources.jira.site import OddError

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.sources.jira.site import Site

_BATCH = 100
"""bulkfetch takes no more."""
_MOST = 40
"""Further questions for keys that a whole list did not settle."""
_BAD_REQUEST, _NOT_FOUND = 400, 404


@dataclass
class Names:
    """The keys of one collection, and what became of them."""

    site: Site
    tally: Tally
    settled: dict[str, Ticket | None] = field(default_factory=dict)
    """By key as it was asked for; None where Jira answered nothing."""
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _further: count[int] = field(default_factory=lambda: count(1))
    _spare: int = _MOST

    def ask(self, keys: Sequence[str]) -> None:
        """Ask for these keys; what cannot be had is stated."""
        chunks = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
        left = [
            key for part in self.site.fetch.together([partial(self._guarded, one) for one in chunks]) for key in part
        ]
        self._spare = _MOST + len(left) // _BATCH
        if self.site.cloud:
            for start in range(0, len(left), _BATCH):
                self._narrow(left[start : start + _BATCH])
        else:
            self._spare *= 2
            for key in left:
                self._single(key, final=False)
            for key in left:
                self._single(key, final=True)
        unasked = [key for key in keys if key not in self.settled]
        if unasked and not self.tally.reasons:
            self.tally.lacks(
                f"{len(unasked)} keys, {unasked[0]} among them, could not be told apart within {_MOST} questions, "
                "or lead to another number of their own project"
            )

    def _guarded(self, keys: Sequence[str]) -> list[str]:
        """The keys that the first question did not settle; none when it failed, which is stated."""
        try:
            return self._batch(keys) if self.site.cloud else self._searched(keys)
        except CollectError as problem:
            self.tally.failed(problem, "tickets by key")
            return []

    def _narrow(self, keys: Sequence[str]) -> None:
        """Ask for keys that were left out, apart from others, in ever smaller lists."""
        if not self._may():
            return
        with self.tally.guard("tickets by key"):
            left = self._batch(keys)
            middle = (len(left) + 1) // 2
            for half in (left[:middle], left[middle:]):
                if half:
                    self._narrow(half)

    def _searched(self, keys: Sequence[str]) -> list[str]:
        """As `_batch`, by search; some versions refuse a list with a key that they do not know, others cut it short."""
        try:
            return self._batch(keys)
        except OddError:
            if len(keys) == 1:
                raise
        except RefusedError as problem:
            if problem.status != _BAD_REQUEST:
                raise
        if len(keys) == 1 or not self._may():
            return list(keys)
        middle = len(keys) // 2
        return self._searched(keys[:middle]) + self._searched(keys[middle:])

    def _may(self) -> bool:
        return next(self._further) <= self._spare

    def _batch(self, keys: Sequence[str]) -> list[str]:
        """Ask for all of them at once; those that are not settled by the answer."""
        asked = {"part": f"keys {next(self._numbers)}", "keys": list(keys), "final": self.site.cloud}
        body: dict[str, Json] = {"fields": list(shapes.FIELDS)}
        if self.site.cloud:
            path, body = "/issue/bulkfetch", {**body, "issueIdsOrKeys": list(keys)}
        else:
            jql = f"key in ({', '.join(map(quoted, keys))}) ORDER BY key ASC"
            path, body = "/search", {**body, "jql": jql, "startAt": 0, "maxResults": _BATCH, "validateQuery": False}

        def check(data: Json) -> None:
            _refuse_odd(data, len(keys))

        answer = self.site.post(
            self.site.api + path, body, stream="tickets", role="keys", asked=asked, check=check, reuse=True
        )
        return self._settle({**asked, "role": "keys"}, self.site.fetch.json(answer))

    def _single(self, key: str, *, final: bool) -> None:
        """
        Ask Data Center for one ticket, which follows keys of moved tickets.

        That there is none is believed when it is answered twice: a ticket that is missing counts against its change.
        """
        if key in self.settled or not self._may():
            return
        asked = {"part": f"key {next(self._numbers)}", "keys": [key], "final": final}
        with self.tally.guard(f"ticket {key}"):
            answer = self.site.get(
                f"{self.site.api}/issue/{key}",
                stream="tickets",
                role="key",
                asked=asked,
                params={"fields": ",".join(shapes.FIELDS)},
                accept=(_NOT_FOUND,),
                reuse=True,
            )
            self._settle({**asked, "role": "key"}, self.site.fetch.json(answer))

    def _settle(self, asked: dict[str, Json], data: Json) -> list[str]:
        told = streams.settled(asked, data)
        for key, value in told.items():
            self.settled[key] = None if value is None else tickets_of([value])[0]
        found = {ticket.id for key in told if (ticket := self.settled[key])}
        self.tally.add(len(found))
        return [key for key in asked["keys"] if key not in told]


def _refuse_odd(data: Json, asked: int) -> None:
    """ValueError for more tickets than were asked for, for one that comes twice, and for some that failed."""
    try:
        found = [value["id"] for value in data["issues"]]
    except (KeyError, TypeError) as problem:
        raise ValueError(f"no list of tickets: {problem!r}") from None
    if len(found) > asked or len(set(found)) != len(found):
        raise ValueError("it holds tickets twice, or more than were asked for")
    if data.get("total", len(found)) != len(found):
        raise ValueError("it is cut short")
    if data.get("issueErrors"):
        raise ValueError("Jira could not read some of the tickets at this time")


def quoted(text: str) -> str:
    """A word of JQL in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
