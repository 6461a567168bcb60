"""Repositories, refs, commits and what a repository demands."""

from __future__ import annotations

from typing import Any

from tests.fakes.github import codeowners, graph
from tests.fakes.github import world as w
from tests.fakes.github.gitobjects import SIGNATURE, blob
from tests.fakes.github.names import opaque, when
from tests.fakes.github.resolvers.shared import (
    FieldRefusedError,
    Info,
    Resolver,
    connection,
    demand,
    living,
    ordered,
    session,
    url,
)
from tests.fakes.github.rules import Protection

_ORDER = {
    "CREATED_AT": lambda one: one.created_at,
    "UPDATED_AT": lambda one: (one.updated_at, one.id),
    "COMMENTS": lambda one: one.number,
}


def reference(repository: w.Repository, qualified: str) -> dict[str, Any] | None:
    """A ref as GraphQL shows it; None when there is none of that name."""
    short = qualified.removeprefix("refs/heads/").removeprefix("refs/tags/")
    tag = qualified.startswith("refs/tags/") or short not in repository.branches
    sha = (repository.tags if tag else repository.branches).get(short)
    if sha is None:
        return None
    prefix = "refs/tags/" if tag else "refs/heads/"
    made = {"__typename": "Ref", "id": opaque("Ref", repository.id, prefix + short), "name": short, "prefix": prefix}
    return {**made, "repository": repository, "target": repository.commits[sha], "sha": sha}


def ref(repository: w.Repository, info: Info, *, qualified_name: str) -> dict[str, Any] | None:
    """A branch or tag; it needs Contents read."""
    demand(info, repository, "contents")
    return reference(repository, qualified_name)


def refs(repository: w.Repository, info: Info, *, ref_prefix: str, **page: Any) -> dict[str, Any]:
    """Branches or tags by prefix, by name."""
    demand(info, repository, "contents")
    names = repository.tags if ref_prefix == "refs/tags/" else repository.branches
    return connection([reference(repository, ref_prefix + name) for name in sorted(names)], **page)


def obj(repository: w.Repository, info: Info, *, oid: str | None = None, expression: str | None = None) -> Any:
    """A commit by name or expression, or a file by `commit:path`; it needs Contents read."""
    demand(info, repository, "contents")
    if oid is not None:
        return repository.commits.get(oid)
    base, colon, path = (expression or "").partition(":")
    commit = graph.find(repository, repository.default_branch if base == "HEAD" else base)
    return _blob(repository, commit, path) if colon and commit else commit


def _blob(repository: w.Repository, commit: w.Commit, path: str) -> dict[str, Any] | None:
    text = repository.contents.get(commit.tree, {}).get(path)
    if text is None:
        return None
    sha = blob(text)
    made = {"__typename": "Blob", "id": opaque("Blob", repository.id, sha), "oid": sha, "abbreviatedOid": sha[:7]}
    return {**made, "repository": repository, "text": text, "byteSize": len(text.encode()), "isBinary": False, "isTruncated": False, "commitUrl": commit.sha}  # fmt: skip


def pull(repository: w.Repository, info: Info, *, number: int) -> w.PullRequest:
    """A pull request by number; it needs Pull requests read."""
    demand(info, repository, "pull_requests")
    if number not in repository.pulls:
        raise FieldRefusedError("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    return repository.pulls[number]


def pulls(
    repository: w.Repository,
    info: Info,
    *,
    states: Any = None,
    base_ref_name: Any = None,
    head_ref_name: Any = None,
    labels: Any = None,
    order_by: Any = None,
    **page: Any,
) -> dict[str, Any]:
    """Pull requests of the repository; no order by merge date exists."""
    demand(info, repository, "pull_requests")
    found = [
        one
        for one in repository.pulls.values()
        if (not states or one.state in states)
        and base_ref_name in (None, one.base_ref)
        and head_ref_name in (None, one.head_ref)
        and (not labels or set(labels) & set(one.labels))
    ]
    return connection(ordered(found, order_by, _ORDER), **page)


def history(
    commit: w.Commit, info: Info, *, since: Any = None, until: Any = None, path: Any = None, **page: Any
) -> dict[str, Any]:
    """Commits reachable from here; `since` and `until` compare the committer's date, which the committer chose."""

    def stamp(one: w.Commit) -> str:
        return when(one.committer.at) or ""

    found = [
        one
        for one in graph.history(commit.repository, commit.sha)
        if (since is None or stamp(one) >= since)
        and (until is None or stamp(one) <= until)
        and (path is None or any(file.path == path or file.path.startswith(f"{path}/") for file in one.files))
    ]

    def read(cursor: str) -> int:
        sha, _, place = cursor.partition(" ")
        if sha != commit.sha or not place.isdigit():
            raise FieldRefusedError("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.")
        return int(place)

    return connection(found, write=lambda place: f"{commit.sha} {place}", read=read, **page)


def associated(commit: w.Commit, info: Info, **page: Any) -> dict[str, Any]:
    """Pull requests that GitHub's index connects with the commit, after its lag."""
    demand(info, commit.repository, "pull_requests")
    return connection(graph.associated(session(info).world, commit.repository, commit.sha), **page)


def compare(base: dict[str, Any], info: Info, *, head_ref: str) -> dict[str, Any] | None:
    """The distance between this ref and another; null when the other is unknown."""
    repository = base["repository"]
    head = graph.find(repository, head_ref)
    if head is None:
        return None
    ahead, behind = graph.between(repository, base["sha"], head.sha), graph.between(repository, head.sha, base["sha"])
    status = {(False, False): "IDENTICAL", (True, False): "AHEAD", (False, True): "BEHIND"}
    return {
        "__typename": "Comparison",
        "id": opaque("Comparison", base["sha"], head.sha),
        "aheadBy": len(ahead),
        "behindBy": len(behind),
        "status": status.get((bool(ahead), bool(behind)), "DIVERGED"),
        "baseTarget": base["target"],
        "headTarget": head,
        "commits": lambda _, **page: connection(ahead, **page),
    }


def signer(who: w.Signer) -> dict[str, Any]:
    """A git author or committer with the account that its address belongs to."""
    return {"name": who.name, "email": who.email, "date": when(who.at), "user": _user(who.account)}


def _user(account: w.Account | None) -> w.Account | None:
    # GitActor.user is a User: bots and ghosts read as null.
    found = living(account)
    return found if found and found.kind == "User" else None


def authors(commit: w.Commit, info: Info, **page: Any) -> dict[str, Any]:
    """The author and everyone that a `Co-authored-by` trailer names, each with the account of the address."""
    owners = {one.email.lower(): one for one in session(info).world.accounts.values()}
    made = [signer(commit.author)]
    for line in commit.message.splitlines():
        if line.lower().startswith("co-authored-by:") and "<" in line:
            name, _, address = line.split(":", 1)[1].partition("<")
            email = address.rstrip("> ")
            made.append(signer(w.Signer(name.strip(), email, commit.author.at, owners.get(email.lower()))))
    return connection(made, **page)


def signature(commit: w.Commit, _: Info) -> dict[str, Any] | None:
    """The signature of the commit; null when it has none."""
    if commit.signature is None:
        return None
    by_github = commit.signature == "web-flow"
    made = {"__typename": "GpgSignature", "email": commit.committer.email, "isValid": True, "state": "VALID"}
    signed = None if by_github else commit.committer.account
    return {**made, "wasSignedByGitHub": by_github, "signer": signed, "signature": SIGNATURE, "payload": "", "verifiedAt": None}  # fmt: skip


def protections(repository: w.Repository, info: Info, **page: Any) -> dict[str, Any]:
    """Classic protection rules; FORBIDDEN without Administration, and an empty list for a user who is no admin."""
    viewer = session(info).viewer
    if viewer.token.kind != "classic":
        demand(info, repository, "administration")
    shown = repository.protections if viewer.may(repository, "administration") else []
    return connection([protection(repository, one) for one in shown], **page)


def protection(repository: w.Repository, one: Protection) -> dict[str, Any]:
    """A classic rule as GraphQL shows it."""
    return {
        "__typename": "BranchProtectionRule",
        "id": opaque("BranchProtectionRule", one.id),
        "databaseId": one.id,
        "pattern": one.pattern,
        "repository": repository,
        "requiresApprovingReviews": one.approvals is not None,
        "requiredApprovingReviewCount": one.approvals,
        "dismissesStaleReviews": one.dismiss_stale,
        "requiresCodeOwnerReviews": one.code_owners,
        "requireLastPushApproval": one.last_push,
        "requiresStatusChecks": bool(one.checks),
        "requiresStrictStatusChecks": one.strict,
        "requiredStatusCheckContexts": [context for context, _ in one.checks],
        "requiredStatusChecks": [{"context": context} for context, _ in one.checks],
        "isAdminEnforced": one.admins,
        "allowsForcePushes": one.force_pushes,
        "allowsDeletions": one.deletions,
        **dict.fromkeys(("restrictsPushes", "requiresCommitSignatures", "lockBranch"), False),
        **dict.fromkeys(("requiresConversationResolution", "requiresLinearHistory"), False),
    }


def errors(repository: w.Repository, info: Info, *, ref_name: str | None = None) -> dict[str, Any] | None:
    """What is wrong with CODEOWNERS at a ref; null when there is no such file."""
    demand(info, repository, "contents")
    found = codeowners.errors(session(info).world, repository, ref_name or repository.default_branch)
    return None if found is None else {"errors": found}


def _collaborators(repository: w.Repository, info: Info, **page: Any) -> dict[str, Any]:
    known = session(info).world.accounts
    people = [known[login] for login in repository.collaborators if login in known and known[login].kind == "User"]
    return connection(people, edge=lambda one: {"permission": repository.collaborators[one.login].upper()}, **page)


RESOLVERS: dict[tuple[str, str], Resolver] = {
    ("Repository", "ref"): ref,
    ("Repository", "refs"): refs,
    ("Repository", "object"): obj,
    ("Repository", "pullRequest"): pull,
    ("Repository", "pullRequests"): pulls,
    ("Repository", "branchProtectionRules"): protections,
    ("Repository", "codeowners"): errors,
    ("Repository", "collaborators"): _collaborators,
    ("Repository", "databaseId"): lambda one, _: one.id,
    ("Repository", "nameWithOwner"): lambda one, _: one.full_name,
    ("Repository", "url"): lambda one, info: url(info, f"/{one.full_name}"),
    ("Repository", "resourcePath"): lambda one, _: f"/{one.full_name}",
    ("Repository", "updatedAt"): lambda one, _: one.pushed_at or one.created_at,
    ("Repository", "isArchived"): lambda one, _: one.archived,
    ("Repository", "archivedAt"): lambda one, _: one.pushed_at if one.archived else None,
    ("Repository", "isFork"): lambda one, _: one.fork,
    ("Repository", "isEmpty"): lambda one, _: not one.commits,
    ("Repository", "isPrivate"): lambda one, _: one.visibility != "public",
    ("Repository", "isDisabled"): lambda *_: False,
    ("Repository", "visibility"): lambda one, _: one.visibility.upper(),
    ("Repository", "defaultBranchRef"): lambda one, _: reference(one, f"refs/heads/{one.default_branch}"),
    ("Repository", "autoMergeAllowed"): lambda one, _: one.settings.auto_merge,
    ("Repository", "squashMergeAllowed"): lambda one, _: one.settings.squash,
    ("Repository", "mergeCommitAllowed"): lambda one, _: one.settings.merge,
    ("Repository", "rebaseMergeAllowed"): lambda one, _: one.settings.rebase,
    ("Repository", "deleteBranchOnMerge"): lambda *_: True,
    ("Repository", "webCommitSignoffRequired"): lambda *_: False,
    ("Repository", "hasVulnerabilityAlertsEnabled"): lambda one, _: one.settings.vulnerability_alerts,
    ("Repository", "viewerPermission"): lambda one, info: (
        None if session(info).viewer.role(one) == "none" else session(info).viewer.role(one).upper()
    ),
    ("Repository", "viewerCanAdminister"): lambda one, info: session(info).viewer.is_at_least(one, "admin"),
    ("Ref", "compare"): compare,
    ("Ref", "associatedPullRequests"): lambda one, info, **words: pulls(
        one["repository"], info, **{"head_ref_name": one["name"], **words}
    ),
    ("Commit", "oid"): lambda one, _: one.sha,
    ("Commit", "abbreviatedOid"): lambda one, _: one.sha[:7],
    ("Commit", "history"): history,
    ("Commit", "associatedPullRequests"): associated,
    ("Commit", "messageHeadline"): lambda one, _: one.message.partition("\n")[0],
    ("Commit", "messageBody"): lambda one, _: one.message.partition("\n")[2].strip("\n"),
    ("Commit", "committedDate"): lambda one, _: one.committer.at,
    ("Commit", "authoredDate"): lambda one, _: one.author.at,
    ("Commit", "pushedDate"): lambda *_: None,
    ("Commit", "committedViaWeb"): lambda one, _: one.via_web,
    ("Commit", "authoredByCommitter"): lambda one, _: one.author.email == one.committer.email,
    ("Commit", "additions"): lambda one, _: sum(file.additions for file in one.files),
    ("Commit", "deletions"): lambda one, _: sum(file.deletions for file in one.files),
    ("Commit", "changedFilesIfAvailable"): lambda one, _: len(one.files),
    ("Commit", "parents"): lambda one, _, **page: connection([one.repository.commits[p] for p in one.parents], **page),
    ("Commit", "author"): lambda one, _: signer(one.author),
    ("Commit", "committer"): lambda one, _: signer(one.committer),
    ("Commit", "authors"): authors,
    ("Commit", "signature"): signature,
    ("Commit", "commitUrl"): lambda one, info: url(info, f"/{one.repository.full_name}/commit/{one.sha}"),
    ("Commit", "url"): lambda one, info: url(info, f"/{one.repository.full_name}/commit/{one.sha}"),
    ("Commit", "resourcePath"): lambda one, _: f"/{one.repository.full_name}/commit/{one.sha}",
    ("Commit", "tree"): lambda one, info: {
        "__typename": "Tree",
        "id": opaque("Tree", one.tree),
        "oid": one.tree,
        "abbreviatedOid": one.tree[:7],
        "commitUrl": url(info, f"/{one.repository.full_name}/commit/{one.sha}"),
        "repository": one.repository,
    },
    ("Commit", "file"): lambda one, _, path: (
        {"name": path.rpartition("/")[2], "oid": found["oid"], "path": path, "type": "blob", "object": found}
        if (found := _blob(one.repository, one, path))
        else None
    ),
}
