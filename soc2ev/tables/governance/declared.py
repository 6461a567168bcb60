"""The tables about what stands around changes: bypasses, emergencies, rules, access and settings."""

from __future__ import annotations

from soc2ev.model import Column, Table

_EVIDENCE = Column("evidence", "TEXT[]", "digests of the stored bodies behind the row", required=True)

BYPASSES = Table(
    name="bypasses",
    doc="Changes that went beside the rules, and those of which nobody can tell whether they did.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "the change"),
        Column("how", "TEXT[]", "direct push, force push, recorded bypass, flagged, or not known", required=True),
        Column("declared", "BOOLEAN", "declared as an emergency, or approved, by the time it went out"),
        Column("declared_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("explained", "BOOLEAN", "a ticket, a description or a commit's message says why"),
        Column("explained_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        _EVIDENCE,
    ),
)

EMERGENCIES = Table(
    name="emergencies",
    doc="Emergency changes by the evidence and entries of the emergency log, joined where one names the other.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "the change; for an entry of the log that names none, emergency:<record>/<emergency>"),
        Column("kind", "TEXT", "change, or record for an entry of the log without a change", required=True),
        Column("title", "TEXT", "title of the change, or reason of the entry"),
        Column("url", "TEXT", "where a person can look at the change"),
        Column("at", "TIMESTAMP", "when the change went out, or when the entry says that it was allowed"),
        Column("repository", "TEXT", "repository of the change"),
        Column("ref", "TEXT", "production branch of the change"),
        Column(
            "emergency", "BOOLEAN", "the evidence shows an emergency; NULL when that is not known, and for an entry"
        ),
        Column("records", "TEXT[]", "entries of the log that name the change, or the entry itself", required=True),
        Column("declared", "BOOLEAN", "a label, branch or ticket declared it before it went out"),
        Column("declared_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("handled", "BOOLEAN", "reasoned, approved, and reviewed afterwards in time"),
        Column("handled_reason", "TEXT", "what the evidence says about it, or why nothing does"),
        Column("recorded", "BOOLEAN", "an approved log tells reason, approver, systems, testing and rollback"),
        Column("recorded_reason", "TEXT", "what the log says, or why it says nothing"),
        Column("agrees", "BOOLEAN", "log and evidence name the same emergency"),
        Column("agrees_reason", "TEXT", "what contradicts what, or why that cannot be told"),
        _EVIDENCE,
    ),
)

RULE_DAYS = Table(
    name="rule_days",
    doc="On how many days of the period the rules of a production ref are proven, by every collection in the vault.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "<repository>:<branch>"),
        Column("repository", "TEXT", "full name", required=True),
        Column("ref", "TEXT", "production branch", required=True),
        Column("read_at", "TIMESTAMP", "the reading at or after the period's end, else the last one within it"),
        Column("approvals", "BIGINT", "most approvals that a rule of that reading asks for"),
        Column("checks", "TEXT[]", "checks that its rules require"),
        Column("no_force_push", "BOOLEAN", "a rule refuses force pushes"),
        Column(
            "required", "BOOLEAN", "approvals of the policy, a check, and no force push; NULL when not all was seen"
        ),
        Column("required_reason", "TEXT", "what the rules ask for, or lack, or why that is not known"),
        Column("days", "BIGINT", "days of the period", required=True),
        Column("days_proven", "BIGINT", "days on which all three are proven to have been required"),
        Column("days_between", "BIGINT", "of these, days proven only by equal readings before and after"),
        Column("first_gap", "DATE", "first day that is not proven; NULL when there is none"),
        Column(
            "shown_less",
            "BOOLEAN",
            "a whole reading in the period, or a ruleset's history, shows less than required",
        ),
        Column("shown_less_at", "TIMESTAMP", "when that was first so"),
        Column("always_bypass", "TEXT[]", "people who may always pass the rules, as User:<number>; NULL: not visible"),
        Column("admins_included", "BOOLEAN", "the rules bind administrators; NULL when there are none, or not told"),
        _EVIDENCE,
    ),
)

REPOSITORY_ACCESS = Table(
    name="repository_access",
    doc="Accounts that may write to a repository of GitHub: whose they are, and whether that was reviewed.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "<repository>#<number of the account>"),
        Column("repository", "TEXT", "full name", required=True),
        Column("account", "TEXT", "login now"),
        Column("account_id", "BIGINT", "number of the account", required=True),
        Column("role", "TEXT", "write, maintain, admin or a custom role", required=True),
        Column("person", "TEXT", "whose it is by the people register"),
        Column("machine", "BOOLEAN", "it is a machine by the people register or the policy"),
        Column("known", "BOOLEAN", "it belongs to a person or machine that is known"),
        Column("known_reason", "TEXT", "who says so, or why nobody does"),
        Column("employed", "BOOLEAN", "that person was still employed when the period ended; NULL for a machine"),
        Column("employed_reason", "TEXT", "what the people register says, or why it says nothing"),
        Column(
            "reviewed", "BOOLEAN", "an approved access review of the period decided on it, and it fits the decision"
        ),
        Column("reviewed_reason", "TEXT", "what was decided, or why that is not known"),
        _EVIDENCE,
    ),
)

ROLES_THEN = Table(
    name="roles_then",
    doc="Which role each person who deployed or released had in the repository, by the readings nearest to that time.",
    key=("repository", "account_id", "at"),
    columns=(
        Column("repository", "TEXT", "full name"),
        Column("account_id", "BIGINT", "number of the account"),
        Column("at", "TIMESTAMP", "when it deployed or released"),
        Column("role", "TEXT", "the role in the first reading after that, else in the last before; NULL for no access"),
        Column("may_write", "BOOLEAN", "what that role may do; NULL where it is not known, or another was read before"),
        Column("reason", "TEXT", "what was read, and when"),
        _EVIDENCE,
    ),
)

REPOSITORY_SETTINGS = Table(
    name="repository_settings",
    doc="Settings of a repository of GitHub on which the evidence of changes depends, as they were when collected.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "full name of the repository"),
        Column("repository", "TEXT", "the same", required=True),
        Column("retention_days", "BIGINT", "days for which GitHub keeps artifacts and logs; NULL when not visible"),
        Column("oldest_days", "BIGINT", "age in days of the period's oldest checks when they were collected"),
        Column("kept", "BOOLEAN", "they are kept for longer than it took to collect them"),
        Column("kept_reason", "TEXT", "the numbers, or why they are not known"),
        Column("actions_may_approve", "BOOLEAN", "Actions can approve pull requests; NULL when not visible"),
        Column("environments", "TEXT[]", "production environments by the scope; NULL when the list was not obtained"),
        Column("alerts", "BOOLEAN", "alerts about vulnerable dependencies are on; NULL when not visible"),
        Column("read_at", "TIMESTAMP", "when the collection that answers read them"),
        Column("machines_kept_out", "BOOLEAN", "Actions could not approve, in the readings that speak for the period"),
        Column("machines_kept_out_reason", "TEXT", "what was read, and when if outside of the period"),
        Column("gated", "BOOLEAN", "each environment asks for an approval or takes protected branches, read likewise"),
        Column("gated_reason", "TEXT", "which does not, or why that is not known"),
        Column("alerted", "BOOLEAN", "alerts about vulnerable dependencies were on, read likewise"),
        Column("alerted_reason", "TEXT", "what was read, and when if outside of the period"),
        _EVIDENCE,
    ),
)

FINISHED_TICKETS = Table(
    name="finished_tickets",
    doc="Tickets of the types that authorise changes (of all types when the policy names none), done in the period.",
    key=("item",),
    columns=(
        Column("item", "TEXT", "the ticket's key; with several sites, <site>/<key>"),
        Column("site", "TEXT", "address of the Jira site", required=True),
        Column("key", "TEXT", "the key that it has now", required=True),
        Column("title", "TEXT", "key and first line"),
        Column("url", "TEXT", "where a person can look at it"),
        Column("type", "TEXT", "type of the ticket"),
        Column("status", "TEXT", "status now"),
        Column("resolution", "TEXT", "resolution now"),
        Column("created_at", "TIMESTAMP", "when it was created"),
        Column("done_at", "TIMESTAMP", "when it was resolved, or moved to the status that it has; NULL: not known"),
        Column("given_up", "BOOLEAN", "its resolution says that nothing was done: Duplicate, Won't Do ..."),
        Column("changes", "TEXT[]", "changes of the period that name it"),
        Column(
            "named", "BOOLEAN", "a change of the period names it; NULL where another period's may, or not all are known"
        ),
        Column("named_reason", "TEXT", "which change, or why none is known"),
        Column("approved", "BOOLEAN", "it was in an approved status before it was done"),
        Column("approved_reason", "TEXT", "what its history says, or why it says nothing"),
        _EVIDENCE,
    ),
)

TABLES: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (
        BYPASSES,
        ("changes", "change_facts", "github_rule_suites", "github_pull_requests", "github_commits"),
    ),
    (EMERGENCIES, ("changes", "change_facts", "registers", "register_emergencies")),
    (FINISHED_TICKETS, ("jira_tickets", "jira_lookups", "jira_events", "jira_histories", "changes")),
    (RULE_DAYS, ("github_repositories", "github_rules", "github_heads")),
    (
        REPOSITORY_ACCESS,
        ("github_repositories", "github_permissions", "people", "accounts", "register_access_decisions"),
    ),
    (ROLES_THEN, ("deployments", "github_releases", "github_permissions")),
    (
        REPOSITORY_SETTINGS,
        ("github_repositories", "github_settings", "github_environments", "github_capabilities", "github_checks"),
    ),
)
"""The tables in the order in which they are made, with what each is made from."""
