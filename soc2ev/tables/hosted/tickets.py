"""What the ticket system told about the keys that changes name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.sources.jira.agreement import Moved, Told, disagreement
from soc2ev.tables.facts.evidence import Account, Ticket, TicketApproval, TicketEvent, TicketLink, Tickets

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Json
    from soc2ev.tables.engine import Engine

Row = Mapping[str, "Json"]
_Id = tuple[str, str]
"""Site and ticket."""
_MISSING = "missing: {} does not exist, or the token may not read it"
_DOUBLED = "{} has the id of a ticket with another key: what Jira answered contradicts itself; collect again"
_NOT_ASKED = "{} was not asked for when the tickets were collected; collect again"


class TicketSystem:
    """The tickets of Jira, by the key that somebody asked for."""

    def __init__(self, engine: Engine, coverages: Sequence[Coverage], *, configured: bool) -> None:
        self._configured = configured
        failed = [entry for entry in coverages if entry.stream.startswith("jira") and not entry.complete]
        asked = [entry for entry in coverages if entry.stream.startswith("jira:") and entry.run]
        self._reason = None if asked and not failed else _why(failed)
        self._whole = bool(asked) and not failed
        self._found: dict[str, _Id | None] = {}
        self._tickets: dict[_Id, Ticket] = {}
        self._doubled: set[_Id] = set()
        """Tickets to which one run gave several keys, or to which several keys of one project led."""
        self._evidence: dict[str, set[str]] = defaultdict(set)
        if configured:
            self._load(engine)

    def about(self, named: Iterable[tuple[str, str]]) -> tuple[Tickets, set[str]]:
        """What is known of the named keys, and the digests of the bodies that told."""
        links, seen = [], set()
        for key, source in named:
            ticket, reason = self._look_up(key)
            links.append(TicketLink(key, source, ticket, reason))
            seen |= self._evidence.get(key, set())
        visible = self._configured and (self._whole or all(link.ticket for link in links))
        return Tickets(tuple(links), self._configured, visible, None if visible else self._reason), seen

    def _look_up(self, key: str) -> tuple[Ticket | None, str | None]:
        if not self._configured:
            return None, "no ticket system is configured"
        if key not in self._found:
            return None, _NOT_ASKED.format(key)
        now = self._found[key]
        if now is None or now not in self._tickets:
            return None, _MISSING.format(key)
        if now in self._doubled:
            return None, _DOUBLED.format(key)
        return self._tickets[now], None

    def _load(self, engine: Engine) -> None:
        events = _by_ticket(engine, "select * from jira_events order by all")
        approvals = _by_ticket(engine, "select * from jira_approvals order by all")
        whole = {(row["run"], *_id(row)) for row in engine.stream("select * from jira_histories")}
        asked = {(row["run"], *_id(row)): row["seen"] for row in engine.stream("select * from jira_approval_lookups")}
        led: dict[tuple[str, _Id, str], str] = {}
        for row in engine.stream("select * from jira_lookups order by all"):
            found = None if row["ticket"] is None else _id(row)
            # No ticket has two numbers of one project.
            if found and led.setdefault((row["run"], found, _project(row["asked"])), row["asked"]) != row["asked"]:
                self._doubled.add(found)
            self._found[row["asked"]] = found or self._found.get(row["asked"])
            self._evidence[row["asked"]].add(row["evidence"])
        # Several runs, and several questions of one run, may tell the same ticket: the newest of what they tell counts.
        keys: dict[tuple[str, _Id], str] = {}
        for row in engine.stream("select * from jira_tickets order by updated_at nulls first, run, part, site, ticket"):
            at = _id(row)
            if keys.setdefault((row["run"], at), row["key"]) != row["key"]:
                self._doubled.add(at)
            mine = {(one["event"], one["position"]): one for one in events[at]}
            given = [one for one in approvals[at] if one["run"] == row["run"]] if asked.get((row["run"], *at)) else None
            agrees = (row["run"], *at) in whole and not history_disagrees(row, list(mine.values()))
            self._tickets[at] = _ticket(row, list(mine.values()), given, whole=agrees)
            self._found[row["key"]] = at
            self._evidence[row["key"]] |= {row["evidence"], *(one["evidence"] for one in mine.values())}


def history_disagrees(row: Row, events: Sequence[Row]) -> str | None:
    """How a row of jira_tickets and all its rows of jira_events contradict each other; None when they agree."""
    if not all(one["at"] for one in events):
        return "has a change at no time"
    moves = [
        Moved(one["at"], one["event"], (one["before_id"], one["before"]), (one["after_id"], one["after"]))
        for one in events
        if one["field"].lower() == "status"
    ]
    told = Told((row["status_id"], row["status"]), row["created_at"], row["updated_at"], row["resolved_at"])
    return disagreement(told, [one["at"] for one in events], moves)


def _project(key: str) -> str:
    return key.upper().rpartition("-")[0]


def _why(failed: Sequence[Coverage]) -> str:
    return next((entry.reason for entry in failed if entry.reason), "no tickets were collected")


def _id(row: Row) -> _Id:
    return row["site"], row["ticket"]


def _by_ticket(engine: Engine, sql: str) -> dict[_Id, list[Row]]:
    found: dict[_Id, list[Row]] = defaultdict(list)
    for row in engine.stream(sql):
        found[_id(row)].append(row)
    return found


def _account(row: Row, name: str) -> Account | None:
    if row[f"{name}_id"] is None:
        return None
    return Account(row[name], row[f"{name}_id"], row[f"{name}_type"])


def _ticket(row: Row, events: Sequence[Row], approvals: Sequence[Row] | None, *, whole: bool) -> Ticket:
    given: dict[str, list[Row]] = defaultdict(list)
    for one in approvals or ():
        given[one["approval"]].append(one)
    return Ticket(
        key=row["key"],
        type=row["type"],
        status=row["status"],
        created_at=row["created_at"],
        reporter=_account(row, "reporter"),
        summary=row["summary"] or "",
        description=row["description"] or "",
        events=tuple(
            TicketEvent(one["at"], _account(one, "actor"), one["field"], one["before"], one["after"])
            for one in sorted(events, key=lambda one: (one["at"], one["position"]))
        ),
        approvals=tuple(_approval(parts) for parts in given.values()) if approvals is not None else None,
        whole=whole,
        updated_at=row["updated_at"],
    )


def _approval(parts: Sequence[Row]) -> TicketApproval:
    first = parts[0]
    people = tuple((_account(one, "approver"), one["approver_decision"] or "") for one in parts)
    return TicketApproval(first["name"] or "", first["decision"] or "", first["completed_at"], people)
