"""
The tables that the stored answers of GitHub fill, declared column by column.

Everything in them is as GitHub stated it when it was asked. Times are the server's, but for the dates of commits,
which the clients that made them set. Accounts are known by their number: a login can be given to somebody else.
"""

from __future__ import annotations

from soc2ev.model import Column, Table
from soc2ev.sources.github.checked import APPS, CHECKS, TESTED, WORKFLOW_RUNS
from soc2ev.sources.github.columns import REPOSITORY as _REPOSITORY
from soc2ev.sources.github.columns import account as _account
from soc2ev.sources.github.columns import flag as _flag
from soc2ev.sources.github.columns import must as _must
from soc2ev.sources.github.columns import number as _number
from soc2ev.sources.github.columns import text as _text
from soc2ev.sources.github.columns import time as _time
from soc2ev.sources.github.delivered import DEPLOYMENT_STATUSES, DEPLOYMENTS, GATE_ANSWERS, GATES, PARENTS, RELEASES
from soc2ev.sources.github.ruling import (
    BYPASSES,
    CAPABILITIES,
    ENVIRONMENTS,
    OVERRIDES,
    PERMISSIONS,
    RULE_VERSIONS,
    RULES,
    RULESETS,
    SETTINGS,
)

_SHA = _must("sha", "The full id of the commit.")
_PULL = _must("number", "Number of the pull request.", "BIGINT")
_POSITION = _must("position", "Place in the answer, from 0.", "BIGINT")

_COMMIT = (
    Column("parents", "TEXT[]", "The parents, first parent first."),
    _text("author_name", "The author, as stated by the client."),
    _text("author_email", "The author's address, as stated."),
    *_account("author", "The account that GitHub links to the author's address"),
    _text("committer_name", "The committer, as stated by the client."),
    _text("committer_email", "The committer's address, as stated."),
    *_account("committer", "The account that GitHub links to the committer's address"),
    _time("authored_at", "Author date, set by the client."),
    _time("committed_at", "Committer date, set by the client."),
    _text("message", "The whole message."),
    _flag("via_web", "Committed through GitHub's web interface or by its merge button."),
    _flag("signed_by_github", "Carries GitHub's own valid signature."),
)

REPOSITORIES = Table(
    "github_repositories",
    "A repository as it was when collected.",
    (
        _REPOSITORY,
        _number("id", "GitHub's number of the repository: it stays when the name changes."),
        _text("full_name", "Its name now; differs from `repository` when it was renamed or moved."),
        _text("url", "Where a person can look at it."),
        _text("visibility", "public, private or internal."),
        _flag("archived", "Nobody can push to it."),
        _flag("fork", "It is a fork."),
        _flag("empty", "Nothing was ever pushed."),
        _text("default_branch", "The default branch now; NULL when it is empty."),
        _text("head", "The commit at the tip of the default branch now."),
        _time("created_at", "When it was created."),
        _time("pushed_at", "When it last received a push."),
        _flag("squash_allowed", "Pull requests may be squashed."),
        _flag("merge_allowed", "Pull requests may be merged with a merge commit."),
        _flag("rebase_allowed", "Pull requests may be rebased."),
        _flag("auto_merge_allowed", "Pull requests may be merged automatically."),
        _flag("alerts_enabled", "Dependabot alerts are on; NULL when the token may not see it."),
    ),
    ("repository",),
)
REF_UPDATES = Table(
    "github_ref_updates",
    "Every move of a ref that GitHub recorded (repository activity), with the server's time.",
    (
        _REPOSITORY,
        _must("id", "GitHub's number of the record.", "BIGINT"),
        _must("ref", "Branch, without refs/heads/."),
        _text("before", "What the ref held; NULL when it was created."),
        _text("after", "What it held afterwards; NULL when it was deleted."),
        _text("kind", "push, force_push, branch_creation, branch_deletion, pr_merge, merge_queue_merge."),
        _must("at", "When the server received it.", "TIMESTAMP"),
        *_account("actor", "Who did it"),
    ),
    ("repository", "id"),
)
HEADS = Table(
    "github_heads",
    "What a production ref held at the period's start and end, how many commits lie between, and on what grounds.",
    (
        _REPOSITORY,
        _must("ref", "Production branch."),
        _text("start_sha", "What it held at the start; NULL when it held nothing."),
        _text("end_sha", "What it held at the end; NULL when it held nothing."),
        _text("start_basis", "activity, pull requests, commit dates, or nothing."),
        _text("end_basis", "activity, pull requests, commit dates, or nothing."),
        _number("commits", "Commits reachable from the end and not from the start, by GitHub's own count."),
        _text("below_sha", "What both have, where the one need not descend from the other; NULL elsewhere."),
        _text("tip", "What it holds now."),
    ),
    ("repository", "ref"),
)
COMMITS = Table(
    "github_commits",
    "Commits of a production ref, from GitHub's commit graph.",
    (_REPOSITORY, _must("ref", "Production branch."), _SHA, *_COMMIT),
    ("repository", "ref", "sha"),
)
LANDED = Table(
    "github_landed_commits",
    "The commit that landed a pull request: merge commit, squash, or the last one of a rebase.",
    (_REPOSITORY, _PULL, _text("ref", "Branch it was merged into."), _SHA, *_COMMIT),
    ("repository", "number"),
)
INDEX = Table(
    "github_merged_index",
    "Merged pull requests as the list by last change names them: an independent route to what was merged.",
    (
        _REPOSITORY,
        _must("page", "Which page of the walk named it; a second look at the front names some again.", "BIGINT"),
        _PULL,
        _time("updated_at", "When anything about it last changed."),
        _time("merged_at", "When it was merged."),
        _text("merge_sha", "The commit that the base branch held after the merge."),
        _text("base_ref", "Branch it was merged into."),
        _text("head_ref", "Branch it came from."),
    ),
    ("repository", "page", "number"),
)
PULL_REQUESTS = Table(
    "github_pull_requests",
    "Merged pull requests, with what they held when collected.",
    (
        _REPOSITORY,
        _PULL,
        _text("title", "Title now."),
        _text("body", "Description now."),
        _text("url", "Where a person can look at it."),
        *_account("author", "Who opened it"),
        _time("created_at", "When it was opened."),
        _time("merged_at", "When it was merged."),
        _time("edited_at", "When its description was last edited; NULL when never."),
        _time("updated_at", "When anything about it last changed."),
        *_account("merger", "Who merged it"),
        *_account("enabler", "Who switched on that it merges by itself; NULL when nobody did"),
        _text("merge_sha", "The commit that the base branch held after the merge."),
        Column("merge_parents", "TEXT[]", "Parents of that commit."),
        _text("base_ref", "Branch it was merged into."),
        _text("base_sha", "What the base branch held, as GitHub last compared."),
        _text("head_ref", "Branch it came from."),
        _text("head_sha", "What that branch held at the end."),
        _flag("cross_repository", "It came from a fork."),
        _number("changed_files", "Files changed, by GitHub's count."),
        _number("additions", "Lines added."),
        _number("deletions", "Lines removed."),
        Column("labels", "TEXT[]", "Labels now."),
        Column("issues", "TEXT[]", "Issues that it closes, as owner/name#number."),
        _text(
            "missing",
            "Parts that this answer cut, comma separated: reviews, commits, files, events, replaced, labels, issues. "
            "The first five are whole after all when github_completions says so.",
        ),
    ),
    ("repository", "number"),
)
_LIST = _must("part", "reviews, commits, files, events or replaced; statuses, where the number is a deployment's.")
LIST_PAGES = Table(
    "github_list_pages",
    "Further pages of lists of pull requests and deployments that one answer cut.",
    (
        _REPOSITORY,
        _PULL,
        _LIST,
        _must("page", "Number of the page, from 2.", "BIGINT"),
        _must("whole", "The list ended with this page.", "BOOLEAN"),
    ),
    ("repository", "number", "part", "page"),
)
COMPLETIONS = Table(
    "github_completions",
    "Lists of pull requests and deployments that one answer cut and that further pages completed.",
    (_REPOSITORY, _PULL, _LIST),
    ("repository", "number", "part"),
)
PULL_REQUEST_COMMITS = Table(
    "github_pull_request_commits",
    "Commits of a pull request's branch, in GitHub's order.",
    (_REPOSITORY, _PULL, _SHA, _POSITION, *_COMMIT),
    ("repository", "number", "sha"),
)
REPLACED_COMMITS = Table(
    "github_replaced_commits",
    "The last commits of branches of pull requests before force pushes replaced them.",
    (_REPOSITORY, _PULL, _SHA, *_COMMIT),
    ("repository", "number", "sha"),
)
PUSHES = Table(
    "github_pushes",
    "Check suites of the commits of pull requests: when GitHub had each commit at the latest, and who pushed it.",
    (
        _REPOSITORY,
        _PULL,
        _SHA,
        _POSITION,
        _time("received_at", "When the suite was made: the server had received the commit by then."),
        _flag("pushed", "A push made the suite; otherwise a fork's commit, or an App at a time of its own."),
        _text("before", "What the branch held before that push."),
        *_account("pusher", "Who pushed it"),
    ),
    ("repository", "number", "sha", "position"),
)
COMMIT_AUTHORS = Table(
    "github_commit_authors",
    "Everybody who wrote a commit, for commits whose message names co-authors that nothing else tells the account of.",
    (
        _REPOSITORY,
        _SHA,
        _POSITION,
        _text("name", "The name, as stated by the client."),
        _text("email", "The address, as stated."),
        *_account("account", "The account that GitHub links to the address"),
    ),
    ("repository", "sha", "position"),
)
ASSIGNEES = Table(
    "github_assignees",
    "People to whom the pull requests of machines are assigned: an agent works for the person who asked it to.",
    (
        _REPOSITORY,
        _PULL,
        Column("logins", "TEXT[]", "Their logins."),
        Column("ids", "TEXT[]", "GitHub's numbers of these accounts, in the same order."),
        _must("whole", "These are all.", "BOOLEAN"),
    ),
    ("repository", "number"),
)
BODY_EDITS = Table(
    "github_body_edits",
    "How descriptions of pull requests were edited, for those that were edited after their merge.",
    (
        _REPOSITORY,
        _PULL,
        Column("texts", "TEXT[]", "What GitHub tells of each edit."),
        _must("whole", "These are all.", "BOOLEAN"),
    ),
    ("repository", "number"),
)
REVIEWS = Table(
    "github_reviews",
    "Reviews of a pull request as they stand now; a dismissed one keeps its first state in github_events.",
    (
        _REPOSITORY,
        _PULL,
        _must("id", "GitHub's id of the review."),
        *_account("reviewer", "Who reviewed"),
        _text("state", "APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING, now."),
        _time("submitted_at", "When it was submitted."),
        _text("commit_sha", "The commit that GitHub now says was reviewed; it can move after a force push."),
        _flag("can_push", "The reviewer may write to the repository, as it was when the review was first collected."),
        _text("body", "What the reviewer wrote."),
    ),
    ("repository", "number", "id"),
)
EVENTS = Table(
    "github_events",
    "What happened to a pull request, from its time line.",
    (
        _REPOSITORY,
        _PULL,
        _must("id", "GitHub's id of the event."),
        _must("kind", "Type of the event, such as HeadRefForcePushedEvent or LabeledEvent."),
        _time("at", "When it happened."),
        *_account("actor", "Who did it"),
        _text("name", "Label added or removed, or branch before a change of base."),
        _text("before", "Commit before a force push, or title before a change of title."),
        _text(
            "after", "Commit after a force push or merge, title after a change of title, branch after a change of base."
        ),
        _text("review", "Id of the review that was dismissed."),
        _text("state", "State of the review before it was dismissed."),
        _text("text", "What was written: comment or reason."),
    ),
    ("repository", "number", "id"),
)
FILES = Table(
    "github_files",
    "Files that a pull request changes.",
    (
        _REPOSITORY,
        _PULL,
        _must("path", "Path."),
        _text("change", "ADDED, MODIFIED, DELETED, RENAMED, COPIED, CHANGED."),
    ),
    ("repository", "number", "path"),
)
_SIDES = (_must("base", "The one commit."), _must("head", "The other."))
COMPARED = Table(
    "github_compared",
    "Comparisons of two commits: what the head has and the youngest commit that both build on has not.",
    (
        _REPOSITORY,
        *_SIDES,
        _text("merge_base", "The youngest commit that both build on."),
        _must("files", "How many files are listed.", "BIGINT"),
        _must("whole", "These are all: GitHub lists no more than 300.", "BOOLEAN"),
    ),
    ("repository", "base", "head"),
)
COMPARISONS = Table(
    "github_comparisons",
    "Files that differ in a comparison.",
    (
        _REPOSITORY,
        *_SIDES,
        _must("path", "Path in the head."),
        _text("previous", "Path before, when it was renamed."),
        _text("status", "added, removed, modified, renamed, copied, changed."),
        _text("blob", "The file's content in the head, or the removed content, as git names it."),
        _number("changes", "Lines added and removed."),
        _text("patch", "Digest of the patch as GitHub shows it; NULL when it shows none."),
    ),
    ("repository", "base", "head", "path"),
)

__all__ = [
    "APPS",
    "ASSIGNEES",
    "BODY_EDITS",
    "BYPASSES",
    "CAPABILITIES",
    "CHECKS",
    "COMMITS",
    "COMMIT_AUTHORS",
    "COMPARED",
    "COMPARISONS",
    "COMPLETIONS",
    "DEPLOYMENTS",
    "DEPLOYMENT_STATUSES",
    "ENVIRONMENTS",
    "EVENTS",
    "FILES",
    "GATES",
    "GATE_ANSWERS",
    "HEADS",
    "INDEX",
    "LANDED",
    "LIST_PAGES",
    "OVERRIDES",
    "PARENTS",
    "PERMISSIONS",
    "PULL_REQUESTS",
    "PULL_REQUEST_COMMITS",
    "PUSHES",
    "REF_UPDATES",
    "RELEASES",
    "REPOSITORIES",
    "REVIEWS",
    "RULES",
    "RULESETS",
    "RULE_VERSIONS",
    "SETTINGS",
    "TESTED",
    "WORKFLOW_RUNS",
]
