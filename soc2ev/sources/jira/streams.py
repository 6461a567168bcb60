"""
How the stored answers of Jira are read again, as rows of the declared tables.

Each body stands under a stream and a role (both in its request); the functions here turn one body into rows and use
nothing but that body and its own request, so that a pack is re-performed without Jira.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from soc2ev.errors import TamperedError
from soc2ev.model import EvidenceItem, Json, Stream
from soc2ev.sources.jira import shapes, tables

Row = tuple[str, Mapping[str, Json]]
Asked = Mapping[str, Json]
"""The request as it was stored: what we told about it, such as site and role, stands beside its body."""
Reader = Callable[[Asked, Json], Iterator[Row]]
_ODD = (AttributeError, ArithmeticError, IndexError, KeyError, OSError, RecursionError, TypeError, ValueError)


def site_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_sites, from the account that asks; the request repeats what the site said of itself."""
    told = {name: asked[name] for name in ("site", "deployment", "version", "skew_seconds")}
    if not isinstance(data.get("timeZone"), str | None):
        raise TypeError("the time zone of the account is no name")
    yield tables.SITES.name, {**told, "time_zone": data.get("timeZone")}


def list_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_tickets, from a page of the list of the period."""
    yield from (_ticket(asked, value, listed=True) for value in data["issues"])


def key_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_tickets and jira_lookups, from tickets that were asked for by key: those keys that the answer settles."""
    told = settled(asked, data)
    values = {shapes.text(value["id"]): value for value in told.values() if value is not None}
    yield from (_ticket(asked, value, listed=False) for value in values.values())
    for key, value in told.items():
        yield tables.LOOKUPS.name, _lookup(asked, key, value)


def settled(asked: Asked, data: Json) -> dict[str, Json]:
    """
    What an answer says of the keys that it was asked for; None for one that names no ticket.

    Jira leaves out what it does not know, answers with the present key of a ticket that was moved, and answers once
    when two of the keys lead to one ticket. So a key that is left out is unknown only when nothing else came, and one
    that was not asked for belongs to the only key that is left. Other keys are not settled: they are asked for again.
    A ticket of the same project under another number is no answer: what is moved gets a key of another project.
    """
    keys = list(asked["keys"])
    if asked["role"] == "key":
        if "fields" not in data and not data["errorMessages"] and not data["errors"]:
            raise ValueError("neither a ticket nor the reason why there is none")
        if "fields" in data:
            return {keys[0]: data} if _may_lead(keys[0], data["key"]) else {}
        return {keys[0]: None} if asked.get("final", True) else {}
    found = {value["key"].upper(): value for value in data["issues"]}
    told: dict[str, Json] = {key: found.pop(key.upper()) for key in keys if key.upper() in found}
    left = [key for key in keys if key not in told]
    if len(left) == 1 and len(found) == 1 and _may_lead(left[0], next(iter(found))):
        told[left[0]] = found.popitem()[1]
    elif not told and not found and asked["final"]:
        told = dict.fromkeys(keys)
    return told


def _may_lead(asked: str, now: str) -> bool:
    """Whether a ticket that was asked for by that key may have the other one now."""
    asked, now = asked.upper(), now.upper()
    return asked == now or asked.rpartition("-")[0] != now.rpartition("-")[0]


def change_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_events, from a page of changes of many tickets; jira_histories once the last page is there."""
    for value in data["issueChangeLogs"]:
        yield from _events(asked, value["issueId"], value["changeHistories"])
    if data.get("nextPageToken") is None:
        for ticket in asked["body"]["issueIdsOrKeys"]:
            yield tables.HISTORIES.name, {"site": asked["site"], "ticket": ticket}


def expanded_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_events and jira_histories, from tickets with their changes; those that were cut short are left out."""
    for value in data["issues"]:
        if not cut(value):
            told = value["changelog"]["histories"]
            yield from _events(asked, value["id"], told)
            # What a change changed may have been left out, and it may have been the status.
            if all(one["items"] for one in told):
                yield tables.HISTORIES.name, {"site": asked["site"], "ticket": shapes.text(value["id"])}


def cut(value: Json) -> bool:
    """Whether a ticket has more changes than came with it."""
    found = value["changelog"]
    return bool(found["total"] != len(found["histories"]))


def history_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_events, from a page of the changes of one ticket; jira_histories once the last page is there."""
    yield from _events(asked, asked["ticket"], data["values"])
    if data["startAt"] + len(data["values"]) >= data["total"]:
        yield tables.HISTORIES.name, {"site": asked["site"], "ticket": asked["ticket"]}


def approval_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """jira_approvals, from a page of the approvals of one ticket; jira_approval_lookups once the last page is there."""
    of = {"site": asked["site"], "ticket": asked["ticket"]}
    if "values" not in data:
        if not data["errorMessage"]:
            raise ValueError("neither approvals nor the reason why there are none")
        yield tables.APPROVAL_LOOKUPS.name, {**of, "seen": False}
        return
    for value in data["values"]:
        yield from ((tables.APPROVALS.name, row) for row in shapes.approval(of, value))
    if data["isLastPage"]:
        yield tables.APPROVAL_LOOKUPS.name, {**of, "seen": True}


def _ticket(asked: Asked, value: Json, *, listed: bool) -> Row:
    row = {"site": asked["site"], "part": asked["part"], "listed": listed}
    return tables.TICKETS.name, {**row, **shapes.ticket(value, asked["web"])}


def _lookup(asked: Asked, key: str, value: Json) -> dict[str, Json]:
    told = {"ticket": None, "key": None} if value is None else {"ticket": shapes.text(value["id"]), "key": value["key"]}
    return {"site": asked["site"], "asked": key, **told}


def _events(asked: Asked, ticket: Json, histories: Json) -> Iterator[Row]:
    of = {"site": asked["site"], "ticket": shapes.text(ticket)}
    for history in histories:
        yield from ((tables.EVENTS.name, row) for row in shapes.events(of, history))


ROLES: Mapping[str, tuple[Reader, str]] = {
    "self": (site_rows, tables.SITES.name),
    "list": (list_rows, tables.TICKETS.name),
    "keys": (key_rows, tables.LOOKUPS.name),
    "key": (key_rows, tables.LOOKUPS.name),
    "changes": (change_rows, tables.EVENTS.name),
    "expanded": (expanded_rows, tables.HISTORIES.name),
    "history": (history_rows, tables.EVENTS.name),
    "approvals": (approval_rows, tables.APPROVALS.name),
}
"""By role: who reads the body, and the table whose rows are its count. Bodies of other roles hold no rows."""


def tally(asked: Asked, data: Json) -> Counter[str]:
    """The rows that the data hold, by table; TamperedError when they cannot be read."""
    return Counter(name for name, _ in _guarded(ROLES[asked["role"]][0], asked, data))


def count(asked: Asked, data: Json) -> int:
    """The rows of the role's own table, or of another one that the data fill when they hold none of those."""
    found = tally(asked, data)
    return found[ROLES[asked["role"]][1]] or max(found.values(), default=0)


def rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """The rows of a body; none when nobody counted it. TamperedError for what Jira cannot have answered."""
    reader, _ = ROLES.get(item.request.get("role", ""), (None, ""))
    if item.count is None or reader is None:
        return
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise TamperedError(f"an answer of Jira is no JSON: {problem}"[:300]) from None
    yield from _guarded(reader, item.request, data)


def _guarded(reader: Reader, asked: Asked, data: Json) -> Iterator[Row]:
    try:
        for name, row in reader(asked, data):
            _refuse_odd(name, row)
            yield name, row
    except _ODD as problem:
        raise TamperedError(f"an answer of Jira is not understood: {problem!r}"[:300]) from None


def _refuse_odd(name: str, row: Mapping[str, Json]) -> None:
    """TypeError for a value of another type than its column has, which only loading the answer would notice."""
    for column in _COLUMNS[name]:
        value = row.get(column.name)
        texts = value if column.type == "TEXT[]" and isinstance(value, list) else [value]
        if column.type.startswith("TEXT") and not all(isinstance(one, str | None) for one in texts):
            raise TypeError(f"{column.name} is {value!r}")


STREAMS: tuple[Stream, ...] = (
    Stream("site", (tables.SITES,), rows, per_run=True),
    Stream("tickets", (tables.TICKETS, tables.LOOKUPS), rows, per_run=True),
    Stream("histories", (tables.EVENTS, tables.HISTORIES), rows, per_run=True),
    Stream("approvals", (tables.APPROVALS, tables.APPROVAL_LOOKUPS), rows, per_run=True),
)
_COLUMNS = {table.name: table.columns for stream in STREAMS for table in stream.tables}
