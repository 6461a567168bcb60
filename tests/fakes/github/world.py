"""
A fictional GitHub as plain values: what the server reads and the builder writes.

Every instant is an aware UTC datetime; every `id` is the number that REST calls `id` and GraphQL `databaseId`.
Nothing here knows about HTTP, JSON or permissions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.fakes.github.rules import DeployKey, Environment, Protection, Ruleset, RuleSuite, Settings
from tests.fakes.github.tokens import Token


@dataclass(slots=True, eq=False)
class Account:
    """A user, bot or organisation. `deleted` accounts read as null wherever they acted ("ghost")."""

    id: int
    login: str
    kind: str = "User"
    name: str = ""
    email: str = ""
    deleted: bool = False


@dataclass(slots=True, eq=False)
class App:
    """A GitHub App: the author of check runs, and what an installation token belongs to."""

    id: int
    slug: str
    name: str


@dataclass(slots=True)
class Signer:
    """The author or committer of a commit; `account` is None when the address is linked to nobody."""

    name: str
    email: str
    at: datetime
    account: Account | None


@dataclass(slots=True)
class FileChange:
    """One file of a change. `kind` as GraphQL's PatchStatus: ADDED, CHANGED, COPIED, DELETED, MODIFIED, RENAMED."""

    path: str
    kind: str = "MODIFIED"
    additions: int = 1
    deletions: int = 0
    previous: str | None = None


@dataclass(slots=True, eq=False)
class Commit:
    """A commit of a repository. `signature` is None, `web-flow` (signed by GitHub) or `user`."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signer
    committer: Signer
    message: str
    files: tuple[FileChange, ...] = ()
    signature: str | None = None
    via_web: bool = False
    repository: Repository = field(repr=False, kw_only=True)
    generation: int = 1
    """One more than the highest of its parents'."""


@dataclass(slots=True, eq=False)
class RefUpdate:
    """A row of the repository's activity. `kind`: push, force_push, branch_creation, branch_deletion, pr_merge ..."""

    id: int
    ref: str
    before: str
    after: str
    at: datetime
    kind: str
    actor: Account | None


@dataclass(slots=True, eq=False)
class Review:
    """
    A review. `state` is how it reads now, `original` how it was submitted: a dismissed approval reads DISMISSED.

    `commit` is what the API says now; `reviewed` is the commit that the person looked at.
    """

    id: int
    author: Account | None
    state: str
    original: str
    at: datetime | None
    commit: str | None
    reviewed: str
    body: str = ""
    can_push: bool = True
    association: str = "MEMBER"
    pull: PullRequest = field(repr=False, kw_only=True)


@dataclass(slots=True, eq=False)
class Event:
    """An item of a pull request's timeline that is no review. `kind` is the GraphQL type, `data` its own fields."""

    id: int
    kind: str
    at: datetime
    actor: Account | None
    data: dict[str, Any] = field(default_factory=dict)
    pull: PullRequest = field(repr=False, kw_only=True)


@dataclass(slots=True)
class AutoMerge:
    """A pending or used auto-merge. `method`: MERGE, SQUASH or REBASE."""

    enabler: Account
    at: datetime
    method: str


@dataclass(slots=True, eq=False)
class Issue:
    """An issue of a repository, or one elsewhere that pull requests close."""

    id: int
    number: int
    title: str
    repository: Repository = field(repr=False)


@dataclass(slots=True)
class Edit:
    """One edit of a body: who, when and the text afterwards."""

    id: int
    editor: Account | None
    at: datetime
    diff: str


@dataclass(slots=True, eq=False)
class PullRequest:
    """A pull request as GitHub shows it now, with the timeline that led there."""

    id: int
    number: int
    repository: Repository = field(repr=False)
    title: str
    body: str
    author: Account | None
    created_at: datetime
    updated_at: datetime
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_repository: Repository | None = field(repr=False)
    state: str = "OPEN"
    draft: bool = False
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merged_by: Account | None = None
    merge_sha: str | None = None
    auto_merge: AutoMerge | None = None
    edited_at: datetime | None = None
    edits: list[Edit] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    files: list[FileChange] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    assignees: list[Account] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    timeline: list[Event | Review] = field(default_factory=list)
    closes: list[Issue] = field(default_factory=list)
    decision: str | None = None
    association: str = "MEMBER"


@dataclass(slots=True, eq=False)
class CheckRun:
    """One attempt of one check. Re-runs add rows of the same name; the newest one is what `latest` means."""

    id: int
    name: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    suite: CheckSuite = field(repr=False)


@dataclass(slots=True, eq=False)
class CheckSuite:
    """All checks of one App for one pushed commit; `created_at` is the server's time of the push."""

    id: int
    sha: str
    branch: str
    app: App
    created_at: datetime
    pusher: Account | None
    before: str
    repository: Repository = field(repr=False)
    runs: list[CheckRun] = field(default_factory=list)
    workflow_run: WorkflowRun | None = None


@dataclass(slots=True, eq=False)
class CommitStatus:
    """A commit status. `state`: ERROR, FAILURE, PENDING or SUCCESS."""

    id: int
    sha: str
    context: str
    state: str
    at: datetime
    creator: Account | None
    repository: Repository = field(repr=False)


@dataclass(slots=True)
class Approval:
    """A decision about an environment of a workflow run; GitHub keeps no time for it."""

    environments: tuple[str, ...]
    state: str
    user: Account
    comment: str = ""


@dataclass(slots=True, eq=False)
class WorkflowRun:
    """A workflow run at its newest attempt."""

    id: int
    name: str
    path: str
    event: str
    sha: str
    branch: str
    number: int
    actor: Account
    created_at: datetime
    started_at: datetime
    updated_at: datetime
    repository: Repository = field(repr=False)
    status: str = "completed"
    conclusion: str | None = "success"
    attempt: int = 1
    triggering: Account | None = None
    suite: CheckSuite | None = field(repr=False, default=None)
    approvals: list[Approval] = field(default_factory=list)


@dataclass(slots=True)
class DeploymentStatus:
    """One state of a deployment, as REST writes it: waiting, in_progress, success, failure, inactive ..."""

    id: int
    state: str
    at: datetime
    creator: Account


@dataclass(slots=True, eq=False)
class Deployment:
    """A deployment of a commit to an environment with its whole history of statuses."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: Account
    at: datetime
    repository: Repository = field(repr=False)
    task: str = "deploy"
    production: bool = True
    transient: bool = False
    original_environment: str | None = None
    statuses: list[DeploymentStatus] = field(default_factory=list)
    app: App | None = None
    run: WorkflowRun | None = field(repr=False, default=None)
    """The workflow run that deploys, to whose log the statuses lead."""


@dataclass(slots=True, eq=False)
class Release:
    """A published release; `tag` may be moved afterwards."""

    id: int
    tag: str
    name: str
    author: Account
    created_at: datetime
    published_at: datetime | None
    repository: Repository = field(repr=False)
    body: str = ""
    draft: bool = False
    prerelease: bool = False


@dataclass(slots=True)
class Team:
    """A team of the organisation and the repositories that it reaches (name to permission)."""

    id: int
    slug: str
    members: list[Account] = field(default_factory=list)
    repositories: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Repository:
    """A repository with everything that happened in it. `former` are names that redirect to the present one."""

    id: int
    owner: Account
    name: str
    created_at: datetime
    default_branch: str = "main"
    visibility: str = "private"
    archived: bool = False
    fork: bool = False
    former: tuple[str, ...] = ()
    pushed_at: datetime | None = None
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict, repr=False)
    contents: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    activity: list[RefUpdate] = field(default_factory=list, repr=False)
    pulls: dict[int, PullRequest] = field(default_factory=dict, repr=False)
    introduced: dict[str, list[PullRequest]] = field(default_factory=dict, repr=False)
    """By commit: the pull requests that `associatedPullRequests` would find."""
    suites: dict[str, list[CheckSuite]] = field(default_factory=dict, repr=False)
    statuses: dict[str, list[CommitStatus]] = field(default_factory=dict, repr=False)
    runs: dict[int, WorkflowRun] = field(default_factory=dict, repr=False)
    deployments: list[Deployment] = field(default_factory=list, repr=False)
    environments: list[Environment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    rulesets: list[Ruleset] = field(default_factory=list)
    protections: list[Protection] = field(default_factory=list)
    rule_suites: list[RuleSuite] = field(default_factory=list)
    collaborators: dict[str, str] = field(default_factory=dict)
    """Login to role: read, triage, write, maintain, admin; a role of the company's own is `name on write`."""
    keys: list[DeployKey] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"


@dataclass(slots=True)
class World:
    """One GitHub: an organisation, its people and repositories, and the tokens that may ask. `now` is its clock."""

    organisation: Account
    now: datetime
    accounts: dict[str, Account] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    teams: list[Team] = field(default_factory=list)
    rulesets: list[Ruleset] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the audit log as the API gives them; `@timestamp` is in epoch milliseconds."""
    tokens: dict[str, Token] = field(default_factory=dict)
    index_lag: timedelta = timedelta(0)
    """How long `associatedPullRequests` and search know nothing of a merge."""
    enterprise: str | None = None
    """The version that `GET /meta` calls `installed_version`, on Enterprise Server."""
    ids: Iterator[int] = field(default_factory=lambda: count(1001), repr=False)

    def fresh(self) -> int:
        """An id that nothing has yet."""
        return next(self.ids)

    def repository(self, full_name: str) -> Repository | None:
        """The repository of that name, present or former, whatever its case."""
        wanted = full_name.lower()
        for repository in self.repositories.values():
            if wanted in (repository.full_name.lower(), *(name.lower() for name in repository.former)):
                return repository
        return None
