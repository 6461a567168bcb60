"""How one thing of Jira reads as values of our columns; whatever has another form than Jira gives it is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from soc2ev.sources.jira import adf

if TYPE_CHECKING:
    from soc2ev.model import Json

FIELDS = (
    "summary",
    "description",
    "issuetype",
    "project",
    "status",
    "resolution",
    "resolutiondate",
    "created",
    "updated",
    "reporter",
    "assignee",
    "labels",
    "fixVersions",
    "issuelinks",
)
"""Fields of tickets that are asked for."""
HISTORY = ("status", "issuetype", "summary", "description", "resolution", "project")
"""Fields whose changes are asked for; bulkfetch takes ten at most."""
_KEPT = frozenset({*HISTORY, "key"})
"""The same, as Data Center names them in a history, which cannot be asked for less."""
_ALWAYS = frozenset({"status", "issuetype"})
_MILLISECONDS = 10**11


def ticket(value: Json, web: str) -> dict[str, Json]:
    """The columns of jira_tickets that tell of the ticket itself; `web` is the address of the pages for people."""
    fields = value["fields"]
    status = fields["status"]
    # No ticket is without these, so that one whose answer lacks them was not answered whole.
    told = (value["key"], status["name"], status["statusCategory"]["key"], fields["issuetype"]["name"])
    if not all(isinstance(one, str) and one for one in (*told, fields["created"])):
        raise TypeError("a ticket without key, type, status or the time at which it was created")
    return {
        "ticket": text(value["id"]),
        "key": value["key"],
        "project": _in(fields.get("project"), "key"),
        "type": fields["issuetype"]["name"],
        "summary": fields.get("summary"),
        "description": adf.plain(fields.get("description")),
        "status": status["name"],
        "status_id": None if status.get("id") is None else text(status["id"]),
        "status_category": status["statusCategory"]["key"],
        "resolution": _in(fields.get("resolution"), "name"),
        "created_at": instant(fields["created"]),
        "updated_at": dated(fields, "updated"),
        "resolved_at": dated(fields, "resolutiondate"),
        **account("reporter", fields.get("reporter")),
        **account("assignee", fields.get("assignee")),
        "labels": fields.get("labels") or [],
        "fix_versions": [version["name"] for version in fields.get("fixVersions") or ()],
        "links": [_link(link) for link in fields.get("issuelinks") or ()],
        "url": f"{web}/browse/{value['key']}",
    }


def events(of: Mapping[str, Json], history: Json) -> Iterator[dict[str, Json]]:
    """The rows of jira_events for one change of a ticket."""
    at = instant(history["created"])
    if at is None:
        raise ValueError("a change that was made at no time")
    for position, item in enumerate(history["items"]):
        if item["field"].lower() in _KEPT:
            # No ticket is without these, neither before a change nor after it.
            if item["field"].lower() in _ALWAYS and not (item["fromString"] and item["toString"]):
                raise ValueError(f"a change of the {item['field']} from nothing, or to nothing")
            yield {
                **of,
                "event": text(history["id"]),
                "position": position,
                "at": at,
                **account("actor", history.get("author")),
                "field": item["field"],
                "before": _words(item.get("fromString")),
                "after": _words(item.get("toString")),
                "before_id": _words(item.get("from")),
                "after_id": _words(item.get("to")),
            }


def approval(of: Mapping[str, Json], value: Json) -> Iterator[dict[str, Json]]:
    """The rows of jira_approvals for one approval; one of nobody still is a row."""
    done = _date(value.get("completedDate"))
    if not isinstance(value["finalDecision"], str) or not isinstance(value["approvers"], list):
        raise TypeError("an approval without its decision or the list of its approvers")
    if done is None and value["finalDecision"].lower() != "pending":
        raise ValueError("an approval that was decided on at no time")
    if not all(isinstance(one["approverDecision"], str) for one in value["approvers"]):
        raise TypeError("an approver without a decision, although one that is awaited is called pending")
    for position, one in enumerate(value["approvers"] or [{}]):
        yield {
            **of,
            "approval": text(value["id"]),
            "position": position,
            "name": value.get("name"),
            "decision": value["finalDecision"],
            "created_at": _date(value.get("createdDate")),
            "completed_at": done,
            **account("approver", one.get("approver")),
            "approver_decision": one.get("approverDecision"),
        }


def account(name: str, value: Json) -> dict[str, Json]:
    """
    The three columns of an account. Data Center has no accountId and no types: everybody is a User there.

    Where it tells no key either, the id is `name:` and the name that somebody signs in with. That can change and be
    given away: only a register that names it says who it is.
    """
    if not value:
        return {name: None, f"{name}_id": None, f"{name}_type": None}
    kind = "Bot" if value.get("accountType") == "app" else "User"
    known = value.get("accountId") or (value["key"] if "key" in value else f"name:{value['name']}")
    if not isinstance(known, str) or not known:
        raise TypeError("an account without its id")
    return {name: value.get("displayName"), f"{name}_id": known, f"{name}_type": kind}


def text(value: Json) -> str:
    """An id, which Jira writes as text here and as a number there."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{value!r} is no id")
    return str(value)


def dated(fields: Mapping[str, Json], name: str) -> datetime | None:
    """A time of a ticket itself, which Jira writes as text. TypeError for anything else."""
    if not isinstance(fields.get(name), str | None):
        raise TypeError(f"{name} of a ticket is no time")
    return instant(fields.get(name))


def instant(value: Json) -> datetime | None:
    """
    An instant as Jira writes it: 2026-10-05T12:00:00.000+0200, or seconds or milliseconds since 1970.

    bulkfetch of histories answers with numbers, in seconds in Atlassian's example and in milliseconds in practice.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment.astimezone(UTC)


def _date(value: Json) -> datetime | None:
    """A date of Service Management, in several spellings side by side."""
    if value is None:
        return None
    return instant(value["iso8601"] if value.get("iso8601") else value["epochMillis"])


def _words(value: Json) -> str | None:
    """A value before or after a change, as text."""
    if not isinstance(value, str | None):
        raise TypeError(f"{value!r} is no text of a change")
    return value


def _in(value: Json, name: str) -> Json:
    return None if value is None else value.get(name)


def _link(value: Json) -> str:
    outward = value.get("outwardIssue")
    end = outward or value["inwardIssue"]
    return f"{value['type']['outward' if outward else 'inward']} {end['key']}"
