"""Tickets that were done in the period: which change each led to, and whether it was approved before it was done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json
from soc2ev.tables.facts.fact import listed, moment, shown
from soc2ev.tables.facts.ticket_history import folded
from soc2ev.tables.governance.bypasses import Told
from soc2ev.tables.governance.claims import changes_whole
from soc2ev.tables.governance.declared import FINISHED_TICKETS
from soc2ev.tables.hosted.tickets import history_disagrees

if TYPE_CHECKING:
    from soc2ev.config import TicketPolicy
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
Id = tuple[str, str]
"""Site and ticket."""

_GIVEN_UP = frozenset(
    {
        *("won't do", "won't fix", "wont do", "wont fix", "duplicate", "cannot reproduce", "declined", "rejected"),
        *("invalid", "incomplete", "not a bug", "abandoned", "canceled", "cancelled", "obsolete"),
    }
)
"""Resolutions that need no change, by the names that Jira ships and teams commonly add."""
_TICKETS = "select * from jira_tickets order by updated_at nulls first, run, part, site, ticket"
_EVENTS = 'select * from jira_events order by "at" nulls first, event, position'


@dataclass(frozen=True, slots=True)
class _Told:
    """What Jira and the changes say about tickets."""

    events: Mapping[Id, Sequence[Row]]
    """Changes, oldest first."""
    histories: frozenset[Id]
    """Tickets all of whose changes are known."""
    asked: Mapping[Id, set[str]]
    """Keys that led to a ticket, beside its own."""
    items: Mapping[str, list[str]]
    """Items of the changes that name a key."""
    whole: bool
    """All changes of the period are known."""


def derive(engine: Engine, policy: TicketPolicy, period: Period, coverages: Sequence[Coverage]) -> None:
    """Fill the table with the tickets of the policy's types; without any, with those of all types."""
    newest = {(row["site"], row["ticket"]): row for row in engine.stream(_TICKETS)}
    if not newest:
        return
    told = _gather(engine, whole=changes_whole(coverages))
    several = len({site for site, _ in newest}) > 1
    rows = (_row(at, row, told, policy, period, several=several) for at, row in sorted(newest.items()))
    engine.insert(FINISHED_TICKETS, [row for row in rows if row is not None])


def _gather(engine: Engine, *, whole: bool) -> _Told:
    events: dict[Id, dict[tuple[str, int], Row]] = defaultdict(dict)
    for row in engine.stream(_EVENTS):
        events[(row["site"], row["ticket"])][(row["event"], row["position"])] = row
    asked: dict[Id, set[str]] = defaultdict(set)
    for row in engine.stream("select site, asked, ticket from jira_lookups where ticket is not null"):
        asked[(row["site"], row["ticket"])].add(row["asked"])
    items: dict[str, list[str]] = defaultdict(list)
    for row in engine.stream("select item, unnest(tickets) as key from changes order by item"):
        items[row["key"]].append(row["item"])
    histories = frozenset((row["site"], row["ticket"]) for row in engine.stream("select * from jira_histories"))
    moves = {at: list(found.values()) for at, found in events.items()}
    return _Told(moves, histories, asked, items, whole)


def _row(
    at: Id, row: Row, told: _Told, policy: TicketPolicy, period: Period, *, several: bool
) -> dict[str, Json] | None:
    """The row of a ticket; None for one that was not done in the period, or of a type that authorises nothing."""
    types = {folded(one) for one in policy.types}
    if types and row["type"] is not None and folded(row["type"]) not in types:
        return None
    changed = told.events.get(at, ())
    events = [one for one in changed if folded(one["field"]) == "status"]
    whole = at in told.histories and not history_disagrees(row, changed)
    if row["resolved_at"] is None and row["status_category"] not in ("done", None):
        return None
    done = row["resolved_at"] or _moved(row, events, whole=whole)
    if done is not None and not period.contains(done):
        return None
    changes = sorted({item for key in (row["key"], *told.asked.get(at, ())) for item in told.items.get(key, ())})
    named = _named(row, changes, told, period, typed=bool(types))
    approved = _approved(events, policy, done, whole=whole)
    same = ("site", "key", "type", "status", "resolution", "created_at", "url")
    return {
        "item": f"{row['site']}/{row['key']}" if several else row["key"],
        **{name: row[name] for name in same},
        "title": f"{row['key']} {row['summary'] or ''}".strip(),
        "done_at": done,
        "given_up": None if row["resolution"] is None and done is None else folded(row["resolution"]) in _GIVEN_UP,
        "changes": changes,
        "named": named[0],
        "named_reason": named[1],
        "approved": approved[0],
        "approved_reason": approved[1],
        "evidence": sorted({row["evidence"], *(one["evidence"] for one in events)}),
    }


def _moved(row: Row, events: Sequence[Row], *, whole: bool) -> datetime | None:
    """When it came to the status that it has: Jira leaves out the time of resolving where a workflow sets none."""
    entered: list[datetime] = [
        one["at"] for one in events if one["at"] and folded(one["after"]) == folded(row["status"])
    ]
    if not whole:
        return None
    return entered[-1] if entered else row["created_at"]


def _named(row: Row, changes: Sequence[str], told: _Told, period: Period, *, typed: bool) -> Told:
    if changes:
        return True, f"{listed(changes)} names it."
    if not told.whole:
        return None, "No change that was collected names it, and not all were collected."
    if row["created_at"] is None or row["created_at"] < period.start:
        return None, "No change of the period names it; one of an earlier period may have."
    if not typed:
        return None, "No change names it; policy.ticket.types does not say which tickets need one."
    return False, "No change of the period names it."


def _approved(events: Sequence[Row], policy: TicketPolicy, done: datetime | None, *, whole: bool) -> Told:
    """Whether it was in an approved status before it was done."""
    wanted = {folded(one) for one in policy.approved_statuses}
    known = [one for one in events if one["at"] is not None]
    before = [one for one in known if done is not None and one["at"] < done and folded(one["after"]) in wanted]
    if before:
        return True, f"It was moved to {shown(before[-1]['after'])} on {moment(before[-1]['at'])}, before it was done."
    if not whole or done is None or len(known) != len(events):
        return None, "Not all of its history was obtained, or when it was done is not known."
    first = next(iter(known), None)
    if first is not None and folded(first["before"]) in wanted:
        return True, f"It was {shown(first['before'])} from the start."
    return False, f"It was never {' or '.join(map(shown, policy.approved_statuses)) or 'approved'} before it was done."
