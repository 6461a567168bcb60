"""
Which facts are compared between two collections of one period: by table, the columns that somebody judges.

Left out is what moves without anybody touching the fact: times of the last change, counters, who may push today,
logins (the number of an account stays), and what follows from later deployments.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Compared:
    """
    The facts of one table. All texts below are columns of it, or SQL over a row of it that is called `r`.

    `told` is what is said of a row that appeared or vanished. A row below a parent that is itself new or gone is not
    told again.
    """

    table: str
    key: tuple[str, ...]
    """Columns that name the same thing in both collections."""
    fields: tuple[str, ...] = ()
    """Columns whose change is told."""
    told: tuple[str, ...] = ()
    parent: tuple[str, tuple[str, ...]] | None = None
    """Table of the same stream, and the columns here that hold its key."""
    of: str = "true"
    """Rows that count; `$start` and `$end` are those of the period, beyond which the one run may have read further."""
    named: str = ""
    """What a person calls the row; empty for the values of the key."""
    appears: bool = True
    """Whether a row that was not there before is told."""
    vanishes: str = "true"
    """When a row that is not there any more was surely asked for again; `$run` is the run that asked."""
    request: str = "null"
    """Number of the pull request that it belongs to."""
    sha: str = "null"
    """Commit that it belongs to."""
    deployment: str = "null"
    """Number of the deployment."""
    ticket: str = "null"
    """Key of the ticket."""


_OF_REQUEST = ("github_pull_requests", ("repository", "number"))
_OF_DEPLOYMENT = ("github_deployments", ("repository", "deployment"))
_KEY_OF = "coalesce((select max(t.key) from jira_tickets t where t.site = r.site and t.ticket = r.ticket), r.ticket)"
_ASKED = "r.listed or exists (select 1 from jira_lookups l where l.run = $run and l.site = r.site and l.asked = r.key)"

COMPARED: tuple[Compared, ...] = (
    Compared(
        "github_pull_requests",
        ("repository", "number"),
        (
            *("title", "body", "author_id", "created_at", "merged_at", "merger_id", "enabler_id", "merge_sha"),
            *("base_ref", "head_ref", "head_sha", "labels", "issues"),
        ),
        ("title", "author", "merged_at", "merger", "merge_sha", "base_ref"),
        request="r.number",
        sha="r.merge_sha",
    ),
    Compared(
        "github_reviews",
        ("repository", "number", "id"),
        ("state", "reviewer_id", "submitted_at", "commit_sha", "body"),
        ("state", "reviewer", "submitted_at", "commit_sha"),
        _OF_REQUEST,
        request="r.number",
    ),
    Compared(
        "github_events",
        ("repository", "number", "id"),
        ("kind", "at", "actor_id", "name", "before", "after", "review", "state", "text"),
        ("kind", "at", "actor", "name", "before", "after", "review", "state", "text"),
        _OF_REQUEST,
        request="r.number",
    ),
    # Which question told a check may differ from run to run; what it told may not.
    Compared("github_tested_commits", ("repository", "sha"), appears=False, vanishes="false"),
    Compared(
        "github_checks",
        ("repository", "sha", "id"),
        ("name", "app_id", "status", "conclusion", "started_at", "completed_at"),
        ("name", "app", "status", "conclusion", "completed_at"),
        ("github_tested_commits", ("repository", "sha")),
        request="nullif(r.number, 0)",
        sha="r.sha",
    ),
    Compared(
        "github_deployments",
        ("repository", "id"),
        ("environment", "sha", "ref", "task", "creator_id", "created_at"),
        ("environment", "sha", "creator", "created_at"),
        of="r.created_at >= $start and r.created_at < $end",
        sha="r.sha",
        deployment="r.id",
    ),
    Compared(
        "github_deployment_statuses",
        ("repository", "deployment", "id"),
        ("state", "at", "creator_id"),
        ("state", "at", "creator"),
        _OF_DEPLOYMENT,
        # The next deployment to the same place makes this one inactive, whoever made it and in whatever month.
        of="r.state <> 'INACTIVE'",
        deployment="r.deployment",
    ),
    Compared(
        "github_gate_answers",
        ("repository", "deployment", "position"),
        ("approver_id", "state", "environments", "comment"),
        ("state", "approver", "environments", "comment"),
        _OF_DEPLOYMENT,
        deployment="r.deployment",
    ),
    Compared(
        "github_ref_updates",
        ("repository", "id"),
        ("ref", "before", "after", "kind", "at", "actor_id"),
        ("ref", "before", "after", "kind", "at", "actor"),
        of="r.at >= $start and r.at < $end",
        sha="r.after",
    ),
    Compared(
        "github_overrides",
        ("repository", "id"),
        ("ref", "actor", "actor_id", "at"),
        ("ref", "actor", "at"),
        of="r.at >= $start and r.at < $end",
    ),
    Compared(
        "github_rule_suites",
        ("repository", "id"),
        ("ref", "before", "after", "result", "actor_id", "at"),
        ("ref", "after", "result", "actor", "at"),
        of="r.at >= $start and r.at < $end",
        sha="r.after",
    ),
    Compared(
        "github_releases",
        ("repository", "id"),
        ("tag", "sha", "author_id", "published_at", "draft", "prerelease", "notes"),
        ("tag", "sha", "author", "published_at"),
        of="r.published_at >= $start and r.published_at < $end",
        sha="r.sha",
    ),
    # Tickets are listed by their last change, so that any touch brings one into a later list.
    Compared(
        "jira_tickets",
        ("site", "ticket"),
        ("key", "type", "summary", "description", "status", "resolution", "resolved_at", "reporter_id", "labels"),
        ("key", "type", "status", "summary"),
        named="r.key",
        appears=False,
        vanishes=_ASKED,
        ticket="r.key",
    ),
    Compared("jira_histories", ("site", "ticket"), appears=False, vanishes="false"),
    Compared(
        "jira_events",
        ("site", "ticket", "event", "position"),
        ("at", "actor_id", "field", "before", "after"),
        ("field", "before", "after", "at", "actor"),
        ("jira_histories", ("site", "ticket")),
        named=f"concat_ws(' ', {_KEY_OF}, r.event, r.position)",
        ticket=_KEY_OF,
    ),
    Compared("jira_approval_lookups", ("site", "ticket"), appears=False, vanishes="false"),
    Compared(
        "jira_approvals",
        ("site", "ticket", "approval", "position"),
        ("name", "decision", "created_at", "completed_at", "approver_id", "approver_decision"),
        ("name", "decision", "completed_at", "approver", "approver_decision"),
        ("jira_approval_lookups", ("site", "ticket")),
        named=f"concat_ws(' ', {_KEY_OF}, r.approval, r.position)",
        ticket=_KEY_OF,
    ),
)
"""What is compared; entries without fields only say which parents were asked for."""

ANNOUNCED = tuple(one.table for one in COMPARED if one.fields)
"""Tables whose changes are told."""
