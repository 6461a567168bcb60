"""The JSON of things, as Jira writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.jira.world import STATUSES, Approval, Event, Person, Ticket, Token, World

DEFAULT = ("id",)


def when(at: datetime, zone: str = "UTC") -> str:
    """2026-10-05T12:00:00.000+0200."""
    local = at.astimezone(ZoneInfo(zone))
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")


def person(world: World, one: Person | None) -> dict[str, Any] | None:
    """An account; Cloud names neither login nor address."""
    if one is None:
        return None
    shown = {"displayName": one.name.title(), "active": True}
    if world.cloud:
        return {**shown, "accountId": one.id, "accountType": one.kind}
    return {**shown, "name": one.name, "key": one.id, "emailAddress": f"{one.name}@example.com"}


def fields(world: World, token: Token, ticket: Ticket) -> dict[str, Any]:
    """All fields of a ticket."""
    numbers = {name: str(number) for number, name in enumerate(STATUSES, 1)}
    category = {"key": STATUSES[ticket.status], "name": "Some"}
    links = [
        {
            "id": "1",
            "type": {"name": "Relates", "inward": "is related to", "outward": words},
            "outwardIssue": {"key": key},
        }
        for words, key in ticket.links
    ]
    return {
        "summary": ticket.summary,
        "description": ticket.description,
        "issuetype": {"id": "3", "name": ticket.type, "subtask": False},
        "project": {"id": "1", "key": ticket.project, "name": ticket.project.title()},
        "status": {"id": numbers[ticket.status], "name": ticket.status, "statusCategory": category},
        "resolution": {"id": "1", "name": "Done"} if ticket.status == "Done" else None,
        "resolutiondate": when(ticket.updated, token.zone) if ticket.status == "Done" else None,
        "created": when(ticket.created, token.zone),
        "updated": when(ticket.updated, token.zone),
        "reporter": person(world, ticket.reporter),
        "assignee": person(world, ticket.assignee),
        "labels": ticket.labels,
        "fixVersions": [{"id": "1", "name": "1.0", "released": True}],
        "issuelinks": links,
    }


def ticket(world: World, token: Token, one: Ticket, wanted: list[str], base: str) -> dict[str, Any]:
    """A ticket with the fields that were asked for; without any only its id."""
    if not wanted and world.cloud:
        return {"id": str(one.id)}
    known = fields(world, token, one)
    shown = known if not wanted or "*all" in wanted else {name: known[name] for name in wanted if name in known}
    return {
        "expand": "",
        "id": str(one.id),
        "self": f"{base}/rest/api/2/issue/{one.id}",
        "key": one.key,
        "fields": shown,
    }


def change(world: World, token: Token, event: Event, *, bulk: bool, only: set[str] | None = None) -> dict[str, Any]:
    """A change; the bulk interface writes its time as a number."""
    items = [
        {
            "field": name,
            "fieldtype": "jira",
            "fieldId": name,
            "from": old,
            "fromString": old_text,
            "to": new,
            "toString": text,
        }
        for name, old, old_text, new, text in event.items
        if only is None or name in only
    ]
    at: Any = int(event.at.timestamp() * 1000) if bulk else when(event.at, token.zone)
    return {"id": str(event.id), "author": person(world, event.by), "created": at, "items": items}


def approval(world: World, token: Token, one: Approval) -> dict[str, Any]:
    """An approval as Service Management writes it."""

    def date(at: datetime | None) -> dict[str, Any] | None:
        if at is None:
            return None
        return {"iso8601": when(at, token.zone), "epochMillis": int(at.astimezone(UTC).timestamp() * 1000)}

    return {
        "id": str(one.id),
        "name": one.name,
        "finalDecision": one.decision,
        "canAnswerApproval": False,
        "approvers": [{"approver": person(world, who), "approverDecision": said} for who, said in one.approvers],
        "createdDate": date(one.asked_at),
        **({"completedDate": date(one.done_at)} if one.done_at else {}),
    }
