"""
The tables that the stored answers of Jira fill, declared column by column.

Everything in them is as Jira stated it when it was asked. A ticket that does not exist and one that the token may not
read look alike: both are merely not answered.
"""

from __future__ import annotations

from soc2ev.model import Column, Table


def _text(name: str, doc: str) -> Column:
    return Column(name, "TEXT", doc)


def _must(name: str, doc: str, kind: str = "TEXT") -> Column:
    return Column(name, kind, doc, required=True)


def _account(name: str, doc: str) -> tuple[Column, ...]:
    """An account: name, id (accountId of Cloud; key of Data Center) and type, all NULL when Jira names nobody."""
    return (
        _text(name, f"{doc}: name shown."),
        _text(f"{name}_id", f"{doc}: account id."),
        _text(f"{name}_type", f"{doc}: User, or Bot for an app or automation account."),
    )


_SITE = _must("site", "Address of the Jira site.")
_TICKET = _must("ticket", "Jira's own id of the ticket, behind its key.")

TICKETS = Table(
    "jira_tickets",
    "Tickets as they were when collected.",
    (
        _SITE,
        _TICKET,
        _must("key", "The key that it has now."),
        _text("project", "Key of its project."),
        _text("type", "Type of the ticket."),
        _text("summary", "First line."),
        _text("description", "Description as plain text."),
        _text("status", "Status now."),
        _text("status_id", "Jira's id of that status."),
        _text("status_category", "new, indeterminate or done, now."),
        _text("resolution", "Resolution now."),
        Column("created_at", "TIMESTAMP", "When it was created."),
        Column("updated_at", "TIMESTAMP", "When anything about it last changed."),
        Column("resolved_at", "TIMESTAMP", "When it was resolved; NULL while it is not."),
        *_account("reporter", "Who reported it"),
        *_account("assignee", "Who works on it"),
        Column("labels", "TEXT[]", "Labels now."),
        Column("fix_versions", "TEXT[]", "Versions that it is planned for, now."),
        Column("links", "TEXT[]", "Linked tickets, as <kind of link> <key>."),
        _must("part", "The question that told it: several may tell the same ticket."),
        Column("listed", "BOOLEAN", "It was found by the list of the period, not only by its key."),
        _text("url", "Where a person can look at it."),
    ),
    ("site", "ticket", "part"),
)
LOOKUPS = Table(
    "jira_lookups",
    "Keys that changes name, and the tickets that Jira answered with.",
    (
        _SITE,
        _must("asked", "The key as a change names it."),
        _text("ticket", "Id of the ticket; NULL when Jira answered nothing."),
        _text("key", "The key that the ticket has now; another one when it was moved."),
    ),
    ("site", "asked"),
)
EVENTS = Table(
    "jira_events",
    "Changes of tickets' fields, oldest first.",
    (
        _SITE,
        _TICKET,
        _must("event", "Jira's id of the change."),
        _must("position", "Place of the field within the change, from 0.", "BIGINT"),
        Column("at", "TIMESTAMP", "When."),
        *_account("actor", "Who did it"),
        _must("field", "The field: status, issuetype, summary, description ..."),
        _text("before", "Its value before, as shown."),
        _text("after", "Its value after, as shown."),
        _text("before_id", "Jira's id of the value before, where the value has one."),
        _text("after_id", "Jira's id of the value after."),
    ),
    ("site", "ticket", "event", "position"),
)
HISTORIES = Table(
    "jira_histories",
    "Tickets of which all changes of the fields that were asked for are in jira_events, even when there are none.",
    (_SITE, _TICKET),
    ("site", "ticket"),
)
APPROVALS = Table(
    "jira_approvals",
    "Approvals of Jira Service Management, one row for each approver.",
    (
        _SITE,
        _TICKET,
        _must("approval", "Jira's id of the approval."),
        _must("position", "Place of the approver, from 0.", "BIGINT"),
        _text("name", "Name of the approval."),
        _text("decision", "approved, declined or pending."),
        Column("created_at", "TIMESTAMP", "When it was asked for."),
        Column("completed_at", "TIMESTAMP", "When it was decided; NULL while it is not."),
        *_account("approver", "Who was asked"),
        _text("approver_decision", "What that person decided; Jira gives it no time of its own."),
    ),
    ("site", "ticket", "approval", "position"),
)
APPROVAL_LOOKUPS = Table(
    "jira_approval_lookups",
    "Tickets whose approvals were asked for.",
    (
        _SITE,
        _TICKET,
        Column(
            "seen",
            "BOOLEAN",
            "All its approvals are in jira_approvals; false when Service Management knows no such request.",
            required=True,
        ),
    ),
    ("site", "ticket"),
)
SITES = Table(
    "jira_sites",
    "Jira sites as they were when collected.",
    (
        _SITE,
        _text("deployment", "Cloud or Server (Data Center)."),
        _text("version", "Version that it states."),
        _text("time_zone", "Time zone of the account that asked: JQL dates are read in it."),
        Column("skew_seconds", "BIGINT", "Server's clock minus ours."),
    ),
    ("site",),
)
