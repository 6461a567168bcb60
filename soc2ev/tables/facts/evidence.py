"""
What is known about one change, gathered from all sources, before anybody judges it.

None means "not known", an empty tuple means "known, and there is none". What was denied, cut off or not asked for is
never written as empty: `missing`, `visible` and `whole` say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Account:
    """An account of GitHub or Jira as the server names it."""

    login: str | None
    number: int | str | None
    """GitHub's number, or Jira's account id; logins are given away again."""
    kind: str | None = "User"
    """User, Bot, Mannequin, Organization, EnterpriseUserAccount."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. Dates, names and addresses are claims of the client that made it."""

    sha: str
    parents: tuple[str, ...]
    message: str
    author: Account | None
    author_name: str | None
    author_email: str | None
    committer: Account | None
    committer_name: str | None
    committer_email: str | None
    authored_at: datetime | None
    committed_at: datetime | None
    via_web: bool | None = None
    signed_by_github: bool | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands now; DISMISSED ones have their first state in the event that dismissed them."""

    id: str
    reviewer: Account | None
    """None for an account that is gone."""
    state: str
    submitted_at: datetime | None
    commit: str | None
    can_push: bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a pull request's time line; which fields are filled depends on `kind` (the GraphQL type)."""

    kind: str
    at: datetime | None
    actor: Account | None
    name: str | None = None
    """Label, or branch before a change of base."""
    before: str | None = None
    """Commit before a force push, title before a change of title."""
    after: str | None = None
    review: str | None = None
    state: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One attempt of a check run, or a commit status (whose `completed_at` is when it was set)."""

    kind: str
    """check or status."""
    name: str
    app_id: int | None
    status: str | None
    """COMPLETED, IN_PROGRESS, QUEUED ...; for a status its state."""
    conclusion: str | None
    """SUCCESS, FAILURE, NEUTRAL, SKIPPED, ...; for a status SUCCESS, FAILURE, ERROR, PENDING; None while it runs."""
    started_at: datetime | None
    completed_at: datetime | None
    required: bool | None = None
    """What GitHub says today; None when it was not asked."""
    creator: Account | None = None
    """Who set a status; None for a check, and when that is not told."""


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A workflow run on a commit, at its newest attempt; which of the required checks were its jobs is not known."""

    name: str
    conclusion: str | None
    """success, failure, ...; None while it runs."""
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tests:
    """The checks of one commit."""

    sha: str
    checks: tuple[Check, ...]
    whole: bool
    """Every check that exists for the commit is here. False: denied, cut off or never asked."""
    reason: str | None = None
    """Why it is not whole."""
    all_statuses: bool = False
    """Every status that was ever set is here, not the newest of each name alone."""
    runs: tuple[WorkflowRun, ...] = ()
    """Workflow runs, obtained where checks were refused."""
    kept_days: int | None = None
    """For how long the host keeps checks; None when nobody told (90 days are usual)."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A merged pull request."""

    number: int
    title: str
    body: str
    author: Account | None
    created_at: datetime | None
    merged_at: datetime | None
    edited_at: datetime | None
    merger: Account | None
    enabler: Account | None
    merge_sha: str | None
    base_ref: str | None
    base_sha: str | None
    head_ref: str | None
    head_sha: str | None
    cross_repository: bool | None
    additions: int | None
    deletions: int | None
    changed_files: int | None
    labels: tuple[str, ...]
    """Labels now; when they were set is in the events."""
    issues: tuple[str, ...]
    commits: tuple[Commit, ...]
    reviews: tuple[Review, ...]
    events: tuple[Event, ...]
    files: tuple[str, ...]
    missing: frozenset[str] = frozenset()
    """Parts that were not obtained whole: reviews, commits, events, files."""
    received: dict[str, datetime] = field(default_factory=dict)
    """By commit: when the server first held it, as far as its records of pushes and check suites tell."""
    pushers: tuple[Account | None, ...] = ()
    """Who pushed to its branch, as far as records tell; None for an account that is gone."""
    constituents: tuple[PullRequest, ...] = ()
    """Pull requests that its own commits had been merged by before, as in a promotion of a long-lived branch."""
    unseen_constituents: int = 0
    """How many of those were not obtained."""
    clean_merges: frozenset[str] = frozenset()
    """Merges of the base into its branch that comparing both sides proved to add nothing of their own."""
    assignees: tuple[Account, ...] | None = ()
    """Whom it is assigned to now, which matters only where a machine opened it; None when that is not known."""
    landed: Commit | None = None
    """The commit that its merge made, or the last of them; None when it was not obtained."""
    equal_patches: frozenset[str] = frozenset()
    """Commits that a force push replaced and that comparing proved to carry the same patch as the head."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one ruleset, or the branch protection, asked of the production ref when it was read."""

    origin: str
    changed_at: datetime | None
    """When it was last changed; None when that is not told."""
    approvals: int | None
    """None when it has no such rule."""
    last_push_approval: bool | None
    checks: tuple[tuple[str, int | None], ...] | None
    """Required checks and the App that must report each (None: any); None when it has no such rule."""
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules on a production ref, as far as they could be read."""

    rules: tuple[Rule, ...]
    visible: bool
    """Everything that can bind the ref was read; False: denied, failed or never asked."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bypass:
    """What the host recorded of bypassed rules for the change's move of the ref."""

    visible: bool
    """The host's ledger of bypasses was read."""
    bypassed: bool
    """It names this move."""
    reaches_back_to: datetime | None = None
    """The ledger says nothing about earlier moves; None when it has no such limit."""
    covers: bool = True
    """It records bypasses of all rules on the ref. GitHub records those of rulesets and none of branch protection."""


@dataclass(frozen=True, slots=True)
class GateApproval:
    """What somebody answered when an environment asked before a deployment."""

    approver: Account | None
    approved: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody, or a check, looked at production after a deployment."""

    who: str
    at: datetime | None
    good: bool | None
    """What was seen is fine; None when that is not known, or it still runs."""
    what: str
    person: bool = False
    """A person, by the register; False: a check or a status."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that went wrong after a deployment, or was undone."""

    kind: str
    """failure, rollback, revert or incident."""
    at: datetime | None
    what: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of production after a deployment."""

    looks: tuple[Look, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    gaps: tuple[str, ...] = ()
    """What could tell of a look and was not read."""
    collected_at: datetime | None = None
    """When that was looked for; None when nobody knows."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment to a production environment that contains the change."""

    id: str
    environment: str
    sha: str
    creator: Account | None
    created_at: datetime
    statuses: tuple[tuple[str, datetime | None], ...]
    """State and time of each, oldest first."""
    gate: tuple[GateApproval, ...] | None = None
    """Answers at the gate of its environment; None when nobody asked for them."""
    watch: Watch | None = None
    """What came after it; None when nobody asked."""


@dataclass(frozen=True, slots=True)
class Deployments:
    """The production deployments of a change's repository, as far as they concern the change."""

    containing: tuple[Deployment, ...]
    """Those whose commit is the change's or descends from it, oldest first."""
    unplaced: int
    """Later deployments whose commit could not be placed in the history."""
    total: int
    """Production deployments of the repository between the period's start and the collection."""
    visible: bool
    reason: str | None = None
    gated: bool | None = None
    """A production environment asks for an approval before it is deployed to; None when that is not known."""
    collected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """A change of a ticket's field."""

    at: datetime
    actor: Account | None
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class TicketApproval:
    """An approval of Jira Service Management; approvers have no times of their own."""

    name: str
    decision: str
    """approved, declined or pending."""
    completed_at: datetime | None
    approvers: tuple[tuple[Account | None, str], ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it is now, with its history."""

    key: str
    """Its key now: a moved ticket has another than the change names."""
    type: str | None
    status: str | None
    created_at: datetime | None
    reporter: Account | None
    summary: str
    description: str
    events: tuple[TicketEvent, ...]
    approvals: tuple[TicketApproval, ...] | None
    """None when approvals were not asked for or refused."""
    whole: bool
    """All of its history is here."""


@dataclass(frozen=True, slots=True)
class TicketLink:
    """A ticket key that the change names, and what the ticket system answered."""

    key: str
    source: str
    """trailer, title, branch, body, commit message, in order of precedence."""
    ticket: Ticket | None
    reason: str | None = None
    """Why there is no ticket: it does not exist or cannot be read (a client cannot tell), or was never asked for."""


@dataclass(frozen=True, slots=True)
class Tickets:
    """The tickets that a change names."""

    links: tuple[TicketLink, ...]
    """In order of precedence; the first is the primary one."""
    configured: bool
    """A ticket system is configured at all."""
    visible: bool
    """It answered; False: every answer about tickets is unknown."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SelfReview:
    """A record of the register that a maker looked at the own change again."""

    reviewer: str
    at: datetime | None
    checked: str


@dataclass(frozen=True, slots=True)
class Change:
    """One move of a production ref."""

    item: str
    repository: str
    ref: str
    sha: str
    """What the ref held afterwards."""
    integration: str
    """pr_merge, queue_merge, direct_push, force_push or rollback."""
    at: datetime | None
    """The server's time of the move; None when only the clients' clocks tell."""
    actor: Account | None
    """Who moved the ref, as the server recorded it."""
    actor_known: bool
    """The server told who moved it: an actor of None is then an account that is gone."""
    requests: tuple[PullRequest, ...]
    """Pull requests that landed with this move; several for a merge queue's group; empty for a push."""
    commits: tuple[Commit, ...]
    """Commits that the move brought."""
    tested: tuple[Tests, ...]
    """By commit that could have been tested: heads of the requests, the commit that landed."""
    rules: Rules
    bypass: Bypass
    deployments: Deployments
    tickets: Tickets
    kinds: tuple[str, ...] | None
    """Kinds of production change by the register's path rules; None when files or rules are not known."""
    high_risk: tuple[str, ...] | None
    """Kinds among them that the register calls high-risk; None when not known."""
    reverts: tuple[str, ...]
    collected_at: datetime | None
    """When the evidence was collected: deadlines that end later are still running."""
    unseen_requests: int = 0
    """How many pull requests landed with this move and were not obtained."""
    self_reviews: tuple[SelfReview, ...] | None = ()
    """Records that its makers looked at it again; None when the register could not be read."""
