"""
The standard tables that are derived from what sources deliver: their columns, and what they are derived from.

Sources declare their own tables; controls may query both. Names and meanings that other programs rely on are never
changed, only added to.
"""

from __future__ import annotations

from soc2ev.model import Column, Table
from soc2ev.tables.contained import CHANGE_PARTS, contained
from soc2ev.tables.governance.declared import TABLES as GOVERNANCE
from soc2ev.tables.late_changes.compared import ANNOUNCED
from soc2ev.tables.logs.declared import TABLES as LOGS

POLICY = Table(
    name="policy",
    doc="The company's policy from the configuration: one row.",
    key=("organisation",),
    columns=(
        Column("organisation", "TEXT", "the name in the configuration"),
        Column("required_approvals", "BIGINT", "independent approvals that a change needs"),
        Column("ticket_mode", "TEXT", "status, service_management, exists or none"),
        Column("team", "TEXT", "normal, small or solo"),
        Column("review_within_business_days", "BIGINT", "time to review an emergency afterwards"),
        Column("ticket_types", "TEXT[]", "types of the tickets that authorise changes; empty means any"),
        Column("ticket_statuses", "TEXT[]", "statuses in which a ticket is approved"),
    ),
)

CHANGES = Table(
    name="changes",
    doc="Every production change of the period: one move of a production ref (plain git: one first-parent commit), or "
    "one deployment or release where the scope's mode says so.",
    key=("item",),
    columns=(
        Column(
            "item",
            "TEXT",
            "<repository>@<sha>, or <repository>:<branch>@<sha> with several production refs;"
            " <repository>#deployment-<id> and <repository>#release-<tag> in the modes deploy and release",
        ),
        Column("repository", "TEXT", "name from the configuration", required=True),
        Column("ref", "TEXT", "production branch", required=True),
        Column("sha", "TEXT", "the commit that the production ref moved to", required=True),
        Column(
            "integration",
            "TEXT",
            "pr_merge, queue_merge, direct_push, force_push, rollback, release, deployment, manual",
        ),
        Column("integration_basis", "TEXT", "who says so: a server's record, or only the commit's message"),
        Column("integrated_at", "TIMESTAMP", "when the ref moved (UTC); NULL when no date can be read"),
        Column("integrated_at_basis", "TEXT", "server record, or the committer's own clock"),
        Column("pull_request", "BIGINT", "number of the pull request"),
        Column("pull_request_basis", "TEXT", "who says so"),
        Column("pull_requests", "TEXT[]", "numbers of all pull requests that landed with the move, as a queue's group"),
        Column("title", "TEXT", "title of the pull request or first line of the commit message"),
        Column("url", "TEXT", "where a person can look at it"),
        Column("commits", "TEXT[]", "ids of the commits that this move brought, sorted"),
        Column("tickets", "TEXT[]", "ticket keys that the change names"),
        Column("makers", "TEXT[]", "people who made a part of it; a name from the people register, else name and mail"),
        Column("approvers", "TEXT[]", "people whose approval a server recorded; never taken from commit messages"),
        Column(
            "claimed_reviewers", "TEXT[]", "people that trailers such as Reviewed-by name; a claim of the committer"
        ),
        Column("kinds", "TEXT[]", "kinds of production change by the path rules of the production_change register"),
        Column("reverts", "TEXT[]", "commits that its message says it reverts"),
        Column("cherry_picked_from", "TEXT[]", "commits that its message says it copies"),
        Column("releases", "TEXT[]", "tags that point at one of its commits"),
        Column("paths_changed", "BIGINT", "files changed against the first parent; NULL when that is not known"),
        Column("flags", "TEXT[]", "what a reader should know: MERGE_COMMIT, REVERT, INTEGRATION_INFERRED, ..."),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

CONTAINED_CHANGES = contained(CHANGES)

CHANGE_COMMITS = Table(
    name="change_commits",
    doc="The fate of every commit that reached a production ref in the period: exactly one row each.",
    key=("repository", "ref", "sha"),
    columns=(
        Column("repository", "TEXT", "name from the configuration"),
        Column("ref", "TEXT", "production branch"),
        Column("sha", "TEXT", "the commit"),
        Column("item", "TEXT", "the change that brought it; NULL when it is outside of all"),
        Column("fate", "TEXT", "in a change, outside, or unexplained", required=True),
        Column("reason", "TEXT", "why it is outside or unexplained"),
    ),
)

CHANGE_FACTS = Table(
    name="change_facts",
    doc="What is known about each change for attributes A-I. NULL means that no evidence tells; the reason says why.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "the change"),
        Column("ticket_authorised", "BOOLEAN", "a ticket of the right type, approved before the merge, not by a maker"),
        Column("ticket_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("checks_passed", "BOOLEAN", "the required checks ran on the merged content and passed before the merge"),
        Column("checks_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column(
            "final_content_approved", "BOOLEAN", "an independent person approved what was merged, and it still stood"
        ),
        Column("review_applies", "BOOLEAN", "false for a handled emergency and for a change approved beforehand"),
        Column("review_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("approved_before_production", "BOOLEAN", "approved before the merge, and before deployment where gated"),
        Column("approval_applies", "BOOLEAN", "false where the emergency procedure, followed, took its place"),
        Column("approval_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column(
            "duties_separated", "BOOLEAN", "nobody approved their own work and no rule was bypassed without a record"
        ),
        Column("duties_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("emergency", "BOOLEAN", "declared as an emergency, or shown to be one by a bypass"),
        Column("emergency_handled", "BOOLEAN", "declared, reasoned, approved, and reviewed afterwards in time"),
        Column("emergency_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("documented", "BOOLEAN", "description, rollback plan and, when high-risk, the seven answers"),
        Column("documentation_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("deployed", "BOOLEAN", "reached production by a deployment that succeeded and was watched"),
        Column("deployment_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the facts"),
        Column("content_applies", "BOOLEAN", "false for a deployment or release that brought nothing new"),
        Column(
            "compensated", "BOOLEAN", "checks passed, and it was looked at again, where a team is small (policy.team)"
        ),
        Column("compensation_applies", "BOOLEAN", "the team is small, and nobody independent approved the change"),
        Column("compensation_reason", "TEXT", "what the evidence says about it, or why nothing does"),
    ),
)

CUSTODY = Table(
    name="custody",
    doc="The chain of custody of each change: who did what to it, and when, as the servers recorded it.",
    key=("item", "position"),
    columns=(
        Column("item", "TEXT", "the change"),
        Column("position", "BIGINT", "place in time, from 0; what has no time comes first"),
        Column("at", "TIMESTAMP", "when; NULL when no record tells"),
        Column("step", "TEXT", "ticket, commit, push, review, check, rule, merge, deployment", required=True),
        Column("who", "TEXT", "who did it, as the server names the account; NULL for a machine or when not known"),
        Column("what", "TEXT", "what happened", required=True),
        Column("clock", "TEXT", "server, or client for dates that a client's clock set", required=True),
    ),
)

DEPLOYMENTS = Table(
    name="deployments",
    doc="Deployments to production environments in the period, as the host recorded them.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "<repository>#deployment-<id>"),
        Column("repository", "TEXT", "full name", required=True),
        Column("ref", "TEXT", "production branch on whose history its commit was looked for"),
        Column("environment", "TEXT", "where to"),
        Column("sha", "TEXT", "the commit that was deployed", required=True),
        Column("created_at", "TIMESTAMP", "when it was created, by the server"),
        Column("creator", "TEXT", "login of who or what created it; NULL for an account that is gone"),
        Column("creator_id", "BIGINT", "number of that account"),
        Column("creator_type", "TEXT", "User or Bot"),
        Column("state", "TEXT", "last status, in lower case; inactive once another deployment followed"),
        Column("succeeded", "BOOLEAN", "it succeeded at some time; NULL while it runs or nothing was reported"),
        Column("followed_by", "TIMESTAMP", "when the next deployment to the same environment succeeded"),
        Column(
            "later_known", "BOOLEAN", "the deployments to that environment from this one on are known with outcomes"
        ),
        Column("commit_known", "BOOLEAN", "its commit is of the branch's history; NULL when nobody told about it"),
        Column("brought", "TEXT[]", "changes that it brought since the last successful one"),
        Column("brought_known", "BOOLEAN", "these are all: the last successful deployment is known and in the history"),
        Column("rollback", "BOOLEAN", "it went back to an older commit; NULL when that cannot be told"),
        Column("arrived_at", "TIMESTAMP", "when it first succeeded; NULL when it never did"),
        Column("watch_asked", "BOOLEAN", "it succeeded, and policy.watch asks for watching"),
        Column("watched", "BOOLEAN", "somebody or a check looked at production within the policy's time afterwards"),
        Column("watch_reason", "TEXT", "who looked and what was seen, or why nothing tells; trouble afterwards"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

SIGHTINGS = Table(
    name="git_sightings",
    doc="What each collection in the vault saw at the tip of a production ref, whatever period it was made for.",
    key=("repository", "ref", "run"),
    columns=(
        Column("repository", "TEXT", "name from the configuration"),
        Column("ref", "TEXT", "production branch"),
        Column("run", "TEXT", "the run that looked"),
        Column("sha", "TEXT", "the commit at the tip", required=True),
        Column("observed_at", "TIMESTAMP", "when it was seen", required=True),
        Column("earlier_sha", "TEXT", "the tip that the collection before it saw; NULL at a first collection"),
        Column("seen_before", "TIMESTAMP", "when that was seen; NULL when no collection on record saw it"),
        Column("kept", "BOOLEAN", "whether the earlier tip is an ancestor of the tip; NULL at a first collection"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

HISTORY_CHECKS = Table(
    name="history_checks",
    doc="For each production ref: did each collection around the period still find the tip that the one before saw?",
    key=("item",),
    columns=(
        Column("item", "TEXT", "<repository>:<branch>"),
        Column("repository", "TEXT", "name from the configuration", required=True),
        Column("ref", "TEXT", "production branch", required=True),
        Column("earlier_tip", "TEXT", "the commit seen before; NULL when the period has no pair of collections"),
        Column("seen_before", "TIMESTAMP", "when the earlier tip was seen"),
        Column("tip", "TEXT", "the commit seen after it"),
        Column(
            "kept",
            "BOOLEAN",
            "false when any two collections in a row around the period lost a commit; NULL when there are no two",
        ),
        Column("observed_at", "TIMESTAMP", "when the tip was seen"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

RELEASES = Table(
    name="releases",
    doc="Tags that point at commits of the period's changes.",
    key=("repository", "tag"),
    columns=(
        Column("repository", "TEXT", "name from the configuration"),
        Column("tag", "TEXT", "the tag's name"),
        Column("sha", "TEXT", "the commit it points at, as collected", required=True),
        Column("item", "TEXT", "the change that brought this commit"),
        Column("created_at", "TIMESTAMP", "the tagger's own clock, or the commit's date for a lightweight tag"),
        Column("tagger", "TEXT", "name and mail of the tagger; NULL for a lightweight tag"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

COLLECTIONS = Table(
    name="collections",
    doc="What was collected for the period: one row per stream, with the collection's own claim to completeness.",
    key=("stream", "starts"),
    columns=(
        Column("stream", "TEXT", "the stream, for example git:acme/api:main:commits"),
        Column("starts", "TIMESTAMP", "start of the period that was asked for"),
        Column("ends", "TIMESTAMP", "its end", required=True),
        Column("source", "TEXT", "git, registers ...", required=True),
        Column("kind", "TEXT", "the last part of the stream's name: commits, refs ..."),
        Column("repository", "TEXT", "the repository, where the stream has one"),
        Column("ref", "TEXT", "the production branch, where the stream has one"),
        Column("expected", "BIGINT", "rows that an independent count promised"),
        Column("fetched", "BIGINT", "rows that arrived"),
        Column("complete", "BOOLEAN", "whether everything asked for arrived and adds up"),
        Column("provisional", "BOOLEAN", "whether it was collected before the period closed"),
        Column("reason", "TEXT", "why it is not complete"),
        Column("collected_at", "TIMESTAMP", "when the claim was recorded; NULL when nothing was collected"),
        Column("evidence", "TEXT[]", "digests of the stored bodies", required=True),
    ),
)

SUPERSEDED = Table(
    name="superseded_collections",
    doc="Other collections that touch the period and do not answer for it: earlier attempts stay on record.",
    key=("stream", "run"),
    columns=(
        Column("stream", "TEXT", "the stream"),
        Column("run", "TEXT", "the run that collected it"),
        Column("starts", "TIMESTAMP", "start of the period that was asked for", required=True),
        Column("ends", "TIMESTAMP", "its end", required=True),
        Column("expected", "BIGINT", "rows that an independent count promised"),
        Column("fetched", "BIGINT", "rows that arrived"),
        Column("complete", "BOOLEAN", "whether everything asked for arrived and added up"),
        Column("reason", "TEXT", "why it was not complete"),
        Column("collected_at", "TIMESTAMP", "when the claim was recorded"),
    ),
)

LATE_CHANGES = Table(
    name="late_changes",
    doc=(
        "Facts of the period that read otherwise when it was collected again: what is judged against each complete "
        "collection before. Of those made before the period closed the last one, and only what vanished since."
    ),
    key=("stream", "table", "key", "field", "run", "kind"),
    columns=(
        Column("item", "TEXT", "the change that it concerns, the first of several; NULL if none"),
        Column("items", "TEXT[]", "all items that it concerns: changes, the deployment, the ticket", required=True),
        Column("stream", "TEXT", "the stream that told it"),
        Column("table", "TEXT", "table of the row; write it in double quotes, since SQL has a word like it"),
        Column("key", "TEXT", "what identifies the row: repository, request number, review id; key of a ticket ..."),
        Column("field", "TEXT", "column that changed; row when the whole row appeared or vanished"),
        Column("before", "TEXT", "the value that was collected first; NULL when it was empty, or the row not there"),
        Column("after", "TEXT", "the value that is judged; NULL when it is empty, or the row is gone"),
        Column("kind", "TEXT", "changed, appeared or vanished"),
        Column("first_collected_at", "TIMESTAMP", "when what was before was collected", required=True),
        Column("last_collected_at", "TIMESTAMP", "when what is judged was collected", required=True),
        Column("run", "TEXT", "run that collected what was before"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

REGISTER_APPROVALS = Table(
    name="register_approvals",
    doc="Whether each record of a register is approved, and whether it held on the last day of the period.",
    key=("file", "record"),
    columns=(
        Column("file", "TEXT", "file below the registers folder"),
        Column("record", "TEXT", "id of the record"),
        Column("kind", "TEXT", "kind of register; NULL when it cannot be read"),
        Column("approved", "BOOLEAN", "its status is approved, and two people prepared and reviewed it"),
        Column(
            "in_force",
            "BOOLEAN",
            "approved, reviewed before the period ended, and not expired on the period's last day",
        ),
        Column("reason", "TEXT", "who approved it and until when it holds, or why it does not count"),
        Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True),
    ),
)

DERIVED: dict[str, tuple[Table, tuple[str, ...]]] = {
    table.name: (table, needs)
    for table, needs in (
        (POLICY, ()),
        (COLLECTIONS, ()),
        (SUPERSEDED, ()),
        (
            CHANGES,
            (
                *("git_commits", "git_people", "git_trailers", "git_integrations", "git_heads", "git_shortlog"),
                *("git_paths", "github_repositories", "github_ref_updates", "github_heads", "github_commits"),
                *("github_merged_index", "github_pull_requests"),
            ),
        ),
        (CHANGE_COMMITS, ("changes",)),
        (CONTAINED_CHANGES, ("changes",)),
        (CHANGE_PARTS, ("changes",)),
        (CHANGE_FACTS, ("changes", "github_checks", "github_deployments")),
        (CUSTODY, ("changes",)),
        (DEPLOYMENTS, ("changes", "github_deployments", "github_deployment_statuses")),
        (SIGHTINGS, ("git_heads",)),
        (HISTORY_CHECKS, ("git_sightings", "git_commits")),
        (RELEASES, ("changes", "git_refs")),
        (REGISTER_APPROVALS, ("registers",)),
        *GOVERNANCE,
        *LOGS,
        (LATE_CHANGES, ("changes", *ANNOUNCED)),
    )
}
"""Derived tables in the order in which they are made, with the tables that each is made from."""

ALTERNATIVES = frozenset({"git", "github"})
"""Sources of the same tables: where one of them delivers, another that is not configured is no gap."""
OPTIONAL = ALTERNATIVES | {"jira", "logs", "files"}
"""Sources that may be absent: the facts themselves say what their absence leaves unknown."""
ONLY_FROM = {
    **dict.fromkeys(("deployments", "custody"), "github"),
    **dict.fromkeys(("rule_days", "repository_access", "roles_then", "repository_settings"), "github"),
    "finished_tickets": "jira",
    # A configuration or a sample can show that an event is logged; all else about platforms they alone can tell.
    **{table.name: "logs" for table, _ in LOGS if table.name not in ("logged_events", "log_samples")},
    "log_samples": "files",
}
"""Derived tables that one source alone can fill: without it their emptiness says nothing."""
