"""Pull requests with their commits, reviews and checks."""

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
    """Parts that were not obtained whole: reviews, commits, events, files; replaced, what a force push replaced."""
    received: dict[str, datetime] = field(default_factory=dict)
    """By commit: when the server first held it, as far as its records of pushes and check suites tell."""
    pushers: tuple[Account | None, ...] = ()
    """Who pushed to its branch, as far as records tell; None for an account that is gone."""
    updaters: tuple[Account, ...] = ()
    """Who had the platform merge the base into its branch, where nothing proves that the merge added nothing."""
    constituents: tuple[PullRequest, ...] = ()
    """Pull requests that its own commits had been merged by before, as in a promotion of a long-lived branch."""
    unseen_constituents: int = 0
    """How many of those were not obtained."""
    clean_merges: frozenset[str] = frozenset()
    """Merges of the base into its branch that comparing both sides proved to add nothing of their own."""
    assignees: tuple[Account, ...] | None = ()
    """Whom it is assigned to now, which matters only where a machine opened it; None when that is not known."""
    edits: tuple[str, ...] | None = None
    """What is told of each edit of its description; None when not all is known."""
    lost_keys: bool | None = None
    """Whether its description had named tickets that it does not name now; None when that is not known."""
    landed: Commit | None = None
    """The commit that its merge made, or the last of them; None when it was not obtained."""
    equal_patches: frozenset[str] = frozenset()
    """Commits that a force push replaced and that comparing proved to carry the same patch as the head."""
    other_patches: frozenset[str] = frozenset()
    """Those that comparing proved to carry another one."""
    buttoned: frozenset[str] = frozenset()
    """Its commits that the platform made when it merged another request into its branch."""
    replaced: tuple[Commit, ...] = ()
    """The last commits of its branch before each force push; some may be among its commits again."""
    rebased: frozenset[str] = frozenset()
    """Those that the platform made when it rebased another request onto its branch: the committer let them in."""

    @property
    def title_then(self) -> str | None:
        """Its title at the merge; None when that is not known."""
        renamed = [one for one in self.events if one.kind == "RenamedTitleEvent"]
        if "events" in self.missing or self.merged_at is None or any(one.at is None for one in renamed):
            return None
        later = [(one.at, one.before or "") for one in renamed if one.at and one.at > self.merged_at]
        return min(later)[1] if later else self.title

    @property
    def edited_since(self) -> bool:
        """Whether its description was edited after the merge, or may have been."""
        return self.edited_at is not None and (self.merged_at is None or self.edited_at > self.merged_at)
