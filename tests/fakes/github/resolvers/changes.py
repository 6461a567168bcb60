"""Pull requests, their reviews and their timelines."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.github import world as w
from tests.fakes.github.names import node_id, opaque, typename
from tests.fakes.github.resolvers.repositories import reference
from tests.fakes.github.resolvers.shared import Info, Resolver, connection, living, url

_COMMIT_LIMIT = 250
_FILE_LIMIT = 3000


def item_type(item: w.Event | w.Review) -> str:
    """The name of an item's kind in PullRequestTimelineItemsItemType: LabeledEvent is LABELED_EVENT."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", typename(item)).upper()


def timeline(
    pull: w.PullRequest,
    _: Info,
    *,
    item_types: Any = None,
    **page: Any,
) -> dict[str, Any]:
    """What happened, in the order of the server; `filteredCount` counts the asked kinds, `totalCount` everything."""
    chosen = [item for item in pull.timeline if not item_types or item_type(item) in item_types]
    made = connection([_item(item) for item in chosen], **page)
    return {**made, "filteredCount": len(chosen), "totalCount": len(pull.timeline)}


def _item(item: w.Event | w.Review) -> Any:
    if isinstance(item, w.Event) and item.kind == "PullRequestCommit":
        return pull_commit(item.pull, item.data["commit"])
    return item


def pull_commit(pull: w.PullRequest, sha: str) -> dict[str, Any]:
    """A commit as part of a pull request."""
    path = f"/{pull.repository.full_name}/pull/{pull.number}/commits/{sha}"
    made = {"__typename": "PullRequestCommit", "id": opaque("PullRequestCommit", pull.id, sha), "resourcePath": path}
    return {**made, "url": "https://github.com" + path, "pullRequest": pull, "commit": pull.repository.commits[sha]}


def reviews(pull: w.PullRequest, _: Info, *, states: Any = None, author: Any = None, **page: Any) -> dict[str, Any]:
    """The reviews with their state of now: a dismissed approval is DISMISSED."""
    found = [
        one
        for one in pull.reviews
        if (not states or one.state in states) and (author is None or (one.author and one.author.login == author))
    ]
    return connection(found, **page)


def opinionated(
    pull: w.PullRequest,
    _: Info,
    *,
    writers_only: bool = False,
    **page: Any,
) -> dict[str, Any]:
    """Each person's newest review that approves, asks for changes or was dismissed."""
    newest: dict[Any, w.Review] = {}
    for one in pull.reviews:
        if one.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and (one.can_push or not writers_only):
            newest[one.author and one.author.id] = one
    return connection(list(newest.values()), **page)


def commits(pull: w.PullRequest, _: Info, **page: Any) -> dict[str, Any]:
    """The commits of the head; GitHub lists no more than 250."""
    shown = [pull_commit(pull, sha) for sha in pull.commits[:_COMMIT_LIMIT]]
    return {**connection(shown, **page), "totalCount": len(pull.commits)}


def files(pull: w.PullRequest, _: Info, **page: Any) -> dict[str, Any]:
    """The changed files; GitHub lists no more than 3,000."""
    shown = [
        {"path": one.path, "changeType": one.kind, "additions": one.additions, "deletions": one.deletions}
        for one in pull.files[:_FILE_LIMIT]
    ]
    return {**connection(shown, **page), "totalCount": len(pull.files)}


def label(name: str) -> dict[str, Any]:
    """A label by name."""
    return {"__typename": "Label", "id": opaque("Label", name), "name": name}


def auto_merge(pull: w.PullRequest, _: Info) -> dict[str, Any] | None:
    """The auto-merge request while it is set; merging keeps it readable."""
    wish = pull.auto_merge
    if wish is None:
        return None
    return {"enabledAt": wish.at, "enabledBy": living(wish.enabler), "mergeMethod": wish.method, "pullRequest": pull}


def _edits(pull: w.PullRequest, _: Info, **page: Any) -> dict[str, Any]:
    made = [
        {
            "__typename": "UserContentEdit",
            "id": opaque("UserContentEdit", one.id),
            "createdAt": one.at,
            "editedAt": one.at,
            "editor": living(one.editor),
            "diff": one.diff,
        }
        for one in pull.edits
    ]
    return connection(made, **page)


def _event(name: str) -> Resolver:
    def resolve(event: w.Event, _: Info) -> Any:
        value = event.data.get(name)
        if name in ("beforeCommit", "afterCommit", "commit") and isinstance(value, str):
            return event.pull.repository.commits.get(value)
        if name == "pullRequestCommit" and isinstance(value, str):
            return pull_commit(event.pull, value)
        return living(value) if isinstance(value, w.Account) else value

    return resolve


_EVENT_FIELDS = {
    "AddedToMergeQueueEvent": ("enqueuer",),
    "RemovedFromMergeQueueEvent": ("enqueuer", "reason", "beforeCommit"),
    "AutoMergeEnabledEvent": ("enabler",),
    "AutoRebaseEnabledEvent": ("enabler",),
    "AutoSquashEnabledEvent": ("enabler",),
    "AutoMergeDisabledEvent": ("disabler", "reason"),
    "BaseRefChangedEvent": ("currentRefName", "previousRefName"),
    "BaseRefForcePushedEvent": ("beforeCommit", "afterCommit"),
    "HeadRefForcePushedEvent": ("beforeCommit", "afterCommit"),
    "ConnectedEvent": ("isCrossRepository", "source", "subject"),
    "DisconnectedEvent": ("isCrossRepository", "source", "subject"),
    "ConvertToDraftEvent": (),
    "ReadyForReviewEvent": (),
    "DeployedEvent": ("deployment",),
    "LabeledEvent": ("label",),
    "UnlabeledEvent": ("label",),
    "MergedEvent": ("commit", "mergeRefName"),
    "RenamedTitleEvent": ("currentTitle", "previousTitle"),
    "ReopenedEvent": (),
    "ClosedEvent": (),
    "ReviewDismissedEvent": ("previousReviewState", "dismissalMessage", "review", "pullRequestCommit"),
}


def _events() -> dict[tuple[str, str], Resolver]:
    made: dict[tuple[str, str], Resolver] = {}
    for kind, names in _EVENT_FIELDS.items():
        made[kind, "createdAt"] = lambda event, _: event.at
        made[kind, "actor"] = lambda event, _: living(event.actor)
        made[kind, "pullRequest"] = lambda event, _: event.pull
        made[kind, "databaseId"] = lambda event, _: event.id
        made |= {(kind, name): _event(name) for name in names}
    for kind in ("LabeledEvent", "UnlabeledEvent"):
        made[kind, "label"] = lambda event, _: label(event.data["label"])
    return made


def _page_path(pull: w.PullRequest, _: Any = None) -> str:
    return f"/{pull.repository.full_name}/pull/{pull.number}"


_PULL = "PullRequest"
RESOLVERS: dict[tuple[str, str], Resolver] = {
    **_events(),
    (_PULL, "databaseId"): lambda one, _: one.id,
    (_PULL, "fullDatabaseId"): lambda one, _: str(one.id),
    (_PULL, "bodyText"): lambda one, _: one.body,
    (_PULL, "url"): lambda one, info: url(info, _page_path(one)),
    (_PULL, "resourcePath"): _page_path,
    (_PULL, "isDraft"): lambda one, _: one.draft,
    (_PULL, "publishedAt"): lambda one, _: one.created_at,
    (_PULL, "lastEditedAt"): lambda one, _: one.edited_at,
    (_PULL, "editor"): lambda one, _: living(one.edits[-1].editor) if one.edits else None,
    (_PULL, "closed"): lambda one, _: one.state != "OPEN",
    (_PULL, "merged"): lambda one, _: one.state == "MERGED",
    (_PULL, "author"): lambda one, _: living(one.author),
    (_PULL, "mergedBy"): lambda one, _: living(one.merged_by),
    (_PULL, "mergeCommit"): lambda one, _: one.repository.commits.get(one.merge_sha or ""),
    (_PULL, "baseRefName"): lambda one, _: one.base_ref,
    (_PULL, "baseRefOid"): lambda one, _: one.base_sha,
    (_PULL, "baseRef"): lambda one, _: reference(one.repository, f"refs/heads/{one.base_ref}"),
    (_PULL, "headRefName"): lambda one, _: one.head_ref,
    (_PULL, "headRefOid"): lambda one, _: one.head_sha,
    (_PULL, "headRef"): lambda one, _: reference(one.repository, f"refs/heads/{one.head_ref}"),
    (_PULL, "baseRepository"): lambda one, _: one.repository,
    (_PULL, "isCrossRepository"): lambda one, _: one.head_repository is not one.repository,
    (_PULL, "additions"): lambda one, _: sum(file.additions for file in one.files),
    (_PULL, "deletions"): lambda one, _: sum(file.deletions for file in one.files),
    (_PULL, "changedFiles"): lambda one, _: len(one.files),
    (_PULL, "reviewDecision"): lambda one, _: one.decision,
    (_PULL, "authorAssociation"): lambda one, _: one.association,
    (_PULL, "autoMergeRequest"): auto_merge,
    (_PULL, "isInMergeQueue"): lambda *_: False,
    (_PULL, "locked"): lambda *_: False,
    (_PULL, "labels"): lambda one, _, **page: connection([label(name) for name in one.labels], **page),
    (_PULL, "assignees"): lambda one, _, **page: connection([who for who in one.assignees if living(who)], **page),
    (_PULL, "closingIssuesReferences"): lambda one, _, **page: connection(one.closes, **page),
    (_PULL, "reviews"): reviews,
    (_PULL, "latestOpinionatedReviews"): opinionated,
    (_PULL, "commits"): commits,
    (_PULL, "files"): files,
    (_PULL, "timelineItems"): timeline,
    (_PULL, "userContentEdits"): _edits,
    ("PullRequestReview", "databaseId"): lambda one, _: one.id,
    ("PullRequestReview", "fullDatabaseId"): lambda one, _: str(one.id),
    ("PullRequestReview", "submittedAt"): lambda one, _: one.at,
    ("PullRequestReview", "createdAt"): lambda one, _: one.at or one.pull.created_at,
    ("PullRequestReview", "updatedAt"): lambda one, _: one.at or one.pull.created_at,
    ("PullRequestReview", "authorCanPushToRepository"): lambda one, _: one.can_push and living(one.author) is not None,
    ("PullRequestReview", "authorAssociation"): lambda one, _: one.association,
    ("PullRequestReview", "author"): lambda one, _: living(one.author),
    ("PullRequestReview", "commit"): lambda one, _: one.pull.repository.commits.get(one.commit or ""),
    ("PullRequestReview", "bodyText"): lambda one, _: one.body,
    ("PullRequestReview", "resourcePath"): lambda one, _: f"{_page_path(one.pull)}#pullrequestreview-{one.id}",
    ("PullRequestReview", "url"): lambda one, info: url(info, f"{_page_path(one.pull)}#pullrequestreview-{one.id}"),
    ("PullRequestReview", "pullRequest"): lambda one, _: one.pull,
    ("Issue", "databaseId"): lambda one, _: one.id,
    ("Issue", "resourcePath"): lambda one, _: f"/{one.repository.full_name}/issues/{one.number}",
    ("Issue", "url"): lambda one, info: url(info, f"/{one.repository.full_name}/issues/{one.number}"),
    ("Issue", "id"): lambda one, _: node_id(one),
}
