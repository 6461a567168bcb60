"""The table alerts: what was raised, who answered, in which ticket it was handled, and how that ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from soc2ev import ticket_keys
from soc2ev.model import Coverage, Json
from soc2ev.tables.facts.fact import Fact, listed, moment, no, shown, unknown, yes
from soc2ev.tables.logs.declared import ALERTS

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_EVENTS = "select * from collected_alert_events order by source_key, event"
_VERDICTS = """
    select v.alert, v.verdict, v.ticket, v.evidence, r.reviewed_by, r.reviewed_on, a.approved
    from register_alert_verdicts v
    left join registers r on r.file = v.file and r.record = v.record
    left join register_approvals a on a.file = v.file and a.record = v.record
    where v.status is distinct from 'retired' order by v.file, v.record, v.entry
"""
_TICKETS = """
    select key, project, summary, description, status, status_category, resolved_at, url, evidence from jira_tickets
    qualify row_number() over (partition by site, ticket order by listed desc nulls last, part) = 1 order by key
"""
_LONG = timedelta(days=30)
_SHORTEST = 6
"""Letters of an id of an alert below which it may stand in a text by chance."""
_NO_ALERT = {"false_positive", "expected", "duplicate"}
_AHEAD = timedelta(days=1)
"""Clocks and zones differ by so much; an end that lies further ahead of the reading is none."""


_APART = "Approved reviews say different things about it."


class _Link(NamedTuple):
    """A ticket about an alert: its key, how it is known, and the ticket; None when it was not collected."""

    key: str
    basis: str
    ticket: Row | None


def derive(engine: Engine, coverages: Sequence[Coverage]) -> None:
    """Fill the table; verdicts count only from a review that was approved after the alert, and one that none denies."""
    verdicts: dict[str, list[Row]] = defaultdict(list)
    for row in engine.stream(_VERDICTS):
        verdicts[row["alert"]].append(row)
    tickets = list(engine.stream(_TICKETS))
    read = {one.stream: one.collected_at for one in coverages}
    made = [
        _row(row, verdicts[row["event"]], tickets, read.get(f"logs:{row['source_key']}:history:alerts"))
        for row in engine.stream(_EVENTS)
    ]
    engine.insert(ALERTS, made)


def _row(row: Row, verdicts: Sequence[Row], tickets: Sequence[Row], read_at: datetime | None) -> dict[str, Json]:
    approved = [one for one in verdicts if one["approved"] and _is_later(one, row)]
    # Two reviews that say different things say nothing.
    agreed = len({one["verdict"] in _NO_ALERT for one in approved}) == 1
    verdict = max(reversed(approved), key=lambda one: bool(one["ticket"])) if agreed else None
    link = _linked(row, verdict, tickets)
    told_apart = len(approved) > 0 and not agreed
    facts = {
        "answered": _answered(row, verdict, told_apart=told_apart),
        "ticketed": _ticketed(verdict, link, told_apart=told_apart),
        "ended": _ended(row, read_at),
        "followed_up": _followed_up(link),
    }
    told: dict[str, Json] = {}
    for name, fact in facts.items():
        told |= {name: fact.value, f"{name}_reason": fact.reason}
    evidence = {row["evidence"], *(one["evidence"] for one in verdicts)}
    evidence |= {link.ticket["evidence"]} if link and link.ticket else set()
    return {
        **{
            column.name: row[column.name]
            for column in ALERTS.columns
            if column.name in row and column.name != "evidence"
        },
        "item": f"{row['source_key']}/{row['event']}",
        "verdict": verdict["verdict"] if verdict else None,
        "ticket": link.key if link else None,
        "ticket_basis": link.basis if link else None,
        "ticket_status": link.ticket["status"] if link and link.ticket else None,
        "minutes_to_answer": _minutes(row["opened_at"], row["acknowledged_at"]),
        "minutes_to_end": _minutes(row["opened_at"], row["closed_at"]),
        **told,
        "evidence": sorted(evidence),
    }


def _is_later(verdict: Row, row: Row) -> bool:
    """Nobody can have reviewed what was yet to come; a day begins somewhere half a day before it does in UTC."""
    opened, day = row["opened_at"], verdict["reviewed_on"]
    return opened is None or day is None or bool(day >= (opened - _AHEAD).date())


def _linked(row: Row, verdict: Row | None, tickets: Sequence[Row]) -> _Link | None:
    """By strength: what the approved review names, a ticket that names the alert, a key in the alert's own words."""
    by_key = {one["key"]: one for one in tickets}
    if verdict and verdict["ticket"]:
        return _Link(verdict["ticket"], "review", by_key.get(verdict["ticket"]))
    for one in tickets:
        if _names(f"{one['summary']}\n{one['description']}", row):
            return _Link(one["key"], "ticket", one)
    projects = sorted({one["project"] for one in tickets if one["project"]})
    for key in sorted(ticket_keys.find(f"{row['title']}\n{row['notes']}", projects)):
        return _Link(key, "alert", by_key.get(key))
    return None


def _names(text: str, row: Row) -> bool:
    event, url = row["event"], row["url"]
    return bool(url and _stands(url, text)) or (len(event) >= _SHORTEST and _stands(event, text))


def _stands(name: str, text: str) -> bool:
    """Whether it stands there whole: PONE11 does not stand in PONE112."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def _answered(row: Row, verdict: Row | None, *, told_apart: bool) -> Fact:
    who = [name for name in (row["acknowledged_by"], row["closed_by"]) if name and shown(name)]
    if who:
        return yes(f"Answered by {shown(listed(who))}.")
    if verdict:
        return yes(f"Reviewed by {shown(verdict['reviewed_by'])}: {verdict['verdict']}.")
    if told_apart:
        return unknown(_APART)
    if not row["people_known"]:
        return unknown("The system does not tell who answered, and no approved review gives it a verdict.")
    return no("Nobody acknowledged or resolved it, and no approved review gives it a verdict.")


def _ticketed(verdict: Row | None, link: _Link | None, *, told_apart: bool) -> Fact:
    if told_apart:
        return unknown(_APART)
    if link and (link.ticket or link.basis == "review"):
        return yes(f"Handled in {shown(link.key)}.")
    if link:
        # Anybody can write a key into a note; that the ticket exists, only Jira or a signed review says.
        return unknown(
            f"It names {shown(link.key)}, which is not among the tickets that were collected (sources.jira)."
        )
    if verdict is None:
        return unknown("Nobody said yet what it was, so that it is not known whether it needed a ticket.")
    if verdict["verdict"] in _NO_ALERT:
        return yes(f"It needed none: {verdict['verdict']}.")
    return no("It was a true alert, and no ticket is named.")


def _ended(row: Row, read_at: datetime | None) -> Fact:
    opened: datetime | None = row["opened_at"]
    closed: datetime | None = row["closed_at"]
    if closed is not None:
        early = opened is not None and closed < opened
        if early or (read_at is not None and closed - read_at > _AHEAD):
            return unknown(f"It is said to have ended {moment(closed)}, which is no time at which it can have ended.")
        return yes(f"It ended {moment(closed)}.")
    if opened is None or read_at is None or read_at - opened < _LONG:
        return unknown("It was still open when it was read.")
    return no(f"It was still open {(read_at - opened).days} days later.")


def _followed_up(link: _Link | None) -> Fact:
    """Whether the ticket was done: NULL without one, for then there is nothing to follow."""
    if link is None:
        return unknown("No ticket is linked.")
    if link.ticket is None:
        return unknown(f"{shown(link.key)} is not among the tickets that were collected (sources.jira).")
    if link.ticket["status_category"] == "done":
        return yes(f"{shown(link.key)} is done: {shown(link.ticket['status'])}.")
    return no(f"{shown(link.key)} is not done: {shown(link.ticket['status'])}.")


def _minutes(first: datetime | None, then: datetime | None) -> int | None:
    return None if first is None or then is None else max(0, int((then - first).total_seconds() // 60))
