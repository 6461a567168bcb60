"""
What GitHub's JSON says, as columns of the declared tables.

The functions take one value of an answer and give the columns that it fills. They trust nothing: a value of another
shape ends in an exception that the reader of the body turns into TamperedError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from soc2ev.errors import TamperedError
from soc2ev.model import Json
from soc2ev.sources.github import documents, strict

_AT_ONCE = timedelta(minutes=1)

Columns = dict[str, Json]
ZERO = "0" * 40
"""What GitHub writes for no commit: before a branch was created, and after it was deleted."""


GHOST = "ghost"


def account(name: str, value: Json) -> Columns:
    """
    The three columns of an account; all None for a deleted one. REST calls the number `id`, GraphQL `databaseId`.

    Where null is not allowed GitHub puts its placeholder for accounts that are gone: https://github.com/ghost
    """
    found = value if value and value.get("login") != GHOST else {}
    number = found.get("databaseId", found.get("id") if isinstance(found.get("id"), int) else None)
    kind = found.get("__typename") or found.get("type")
    return {name: found.get("login"), f"{name}_id": number, f"{name}_type": kind}


def commit(value: Json) -> Columns:
    """Sha and the columns of a commit of GraphQL; TamperedError when it has more parents than arrived."""
    signature = value.get("signature")
    return {
        "sha": value["oid"],
        "parents": parents(value),
        **_person("author", value.get("author")),
        **_person("committer", value.get("committer")),
        "authored_at": value["authoredDate"],
        "committed_at": value["committedDate"],
        "message": value["message"],
        "via_web": value["committedViaWeb"],
        "signed_by_github": bool(signature and signature["wasSignedByGitHub"] and signature["isValid"]),
    }


def parents(value: Json) -> list[str]:
    """The parents of a commit of GraphQL; TamperedError when it has more than arrived."""
    found: list[str] = [one["oid"] for one in value["parents"]["nodes"]]
    if value["parents"]["totalCount"] != len(found):
        raise TamperedError(
            f"commit {value['oid']} has {value['parents']['totalCount']} parents, not all of which arrived"
        )
    return found


def _person(name: str, value: Json) -> Columns:
    user = {"__typename": "User", **found["user"]} if (found := value or {}).get("user") else None
    return {f"{name}_name": found.get("name"), f"{name}_email": found.get("email"), **account(name, user)}


def co_author(value: Json) -> Columns:
    """One of the authors of a commit."""
    user = {"__typename": "User", **value["user"]} if value.get("user") else None
    return {"name": value["name"], "email": value["email"], **account("account", user)}


def compared(value: Json) -> Columns:
    """Sha and the columns of a commit of REST, where the accounts stand beside the commit."""
    inner, committer = value["commit"], value.get("committer") or {}
    proof, by_github = inner.get("verification") or {}, committer.get("login") == "web-flow"
    made: Columns = {"sha": value["sha"], "parents": [one["sha"] for one in value["parents"]]}
    for name in ("author", "committer"):
        who = inner.get(name) or {}
        made |= {f"{name}_name": who.get("name"), f"{name}_email": who.get("email"), **account(name, value.get(name))}
    made |= {"authored_at": inner["author"]["date"], "committed_at": inner["committer"]["date"]}
    signed = bool(by_github and proof.get("verified"))
    return {**made, "message": inner["message"], "via_web": by_github, "signed_by_github": signed}


def repository(value: Json) -> Columns:
    """The columns of github_repositories, without the name that was asked for."""
    branch = value.get("defaultBranchRef") or {}
    return {
        "id": value["databaseId"],
        "full_name": value["nameWithOwner"],
        "url": value["url"],
        "visibility": value["visibility"].lower(),
        "archived": value["isArchived"],
        "fork": value["isFork"],
        "empty": value["isEmpty"],
        "default_branch": branch.get("name"),
        "head": (branch.get("target") or {}).get("oid"),
        "created_at": value["createdAt"],
        "pushed_at": value["pushedAt"],
        "squash_allowed": value["squashMergeAllowed"],
        "merge_allowed": value["mergeCommitAllowed"],
        "rebase_allowed": value["rebaseMergeAllowed"],
        "auto_merge_allowed": value["autoMergeAllowed"],
        "alerts_enabled": None,
    }


def move(value: Json) -> Columns:
    """One record of the activity; `before` and `after` are None where there was no commit."""
    return {
        "id": value["id"],
        "ref": value["ref"].removeprefix("refs/heads/"),
        "before": sha(strict.text(value["before"])),
        "after": sha(strict.text(value["after"])),
        "kind": strict.text(value["activity_type"]),
        "at": value["timestamp"],
        **account("actor", strict.actor(value["actor"])),
    }


def sha(text: str | None) -> str | None:
    """The name of a commit; None for the zeros that stand for none."""
    return None if not text or not text.strip("0") else text


def indexed(value: Json) -> Columns:
    """A merged request as the index has it."""
    return {
        "number": value["number"],
        "updated_at": value["updatedAt"],
        "merged_at": value["mergedAt"],
        "merge_sha": (value.get("mergeCommit") or {}).get("oid"),
        "base_ref": value["baseRefName"],
        "head_ref": value["headRefName"],
    }


def request(value: Json) -> Columns:
    """The columns of github_pull_requests; `missing` names the lists that go on beyond this answer."""
    landed = value.get("mergeCommit") or {}
    issues = value.get("closingIssuesReferences")
    waiting = value.get("autoMergeRequest") or {}
    return {
        "number": value["number"],
        "title": value["title"],
        "body": value["body"],
        "url": value["url"],
        **account("author", value.get("author")),
        "created_at": value["createdAt"],
        "merged_at": value["mergedAt"],
        "edited_at": value["lastEditedAt"],
        "updated_at": value["updatedAt"],
        **account("merger", value.get("mergedBy")),
        **account("enabler", waiting.get("enabledBy")),
        "merge_sha": landed.get("oid"),
        "merge_parents": [one["oid"] for one in landed["parents"]["nodes"]] if landed else None,
        "base_ref": value["baseRefName"],
        "base_sha": value["baseRefOid"],
        "head_ref": value["headRefName"],
        "head_sha": value["headRefOid"],
        "cross_repository": value["isCrossRepository"],
        "changed_files": value["changedFiles"],
        "additions": value["additions"],
        "deletions": value["deletions"],
        "labels": [one["name"] for one in value["labels"]["nodes"]],
        "issues": None if issues is None else [_issue(one) for one in issues["nodes"]],
        "missing": ",".join(missing(value)) or None,
    }


def assigned(value: Json) -> Columns:
    """Whom a request is assigned to."""
    found = value["assignees"]["nodes"]
    told = {"logins": [one["login"] for one in found], "ids": [str(one["databaseId"]) for one in found]}
    return {"number": value["number"], **told, "whole": value["assignees"]["totalCount"] == len(found)}


def edited(value: Json) -> Columns:
    """
    What the edits of a request's description tell; GitHub forgets the text of one that somebody deleted.

    They are all when the first of them is as old as the request: what it said at the beginning.
    """
    told = value["userContentEdits"] or {"totalCount": None, "nodes": []}
    found = [one for one in told["nodes"] if one and one["diff"] is not None]
    begun = datetime.fromisoformat(value["createdAt"]) + _AT_ONCE
    whole = told["totalCount"] == len(found) and any(datetime.fromisoformat(one["editedAt"]) <= begun for one in found)
    return {"number": value["number"], "texts": [one["diff"] for one in found], "whole": whole}


def missing(value: Json) -> list[str]:
    """The parts of a request that this answer does not hold whole."""
    cut = [name for name, field in documents.FIELDS.items() if not ends(value[field], 0)]
    # Without a page to go on with: GitHub allows a hundred labels, and nobody closes a hundred issues at once.
    for name, field in (("labels", "labels"), ("issues", "closingIssuesReferences")):
        found = value.get(field)
        cut += [name] if found is None or found["totalCount"] != len(found["nodes"]) else []
    return cut


def ends(connection: Json, before: int) -> bool:
    """
    Whether a list ends with this page, `before` entries having come with earlier ones, with all that GitHub counts.

    GitHub lists 250 commits and 3,000 files of a request and says no more than that there is no next page.
    """
    counted = connection.get("totalCount")
    held = before + len(connection["nodes"])
    return not connection["pageInfo"]["hasNextPage"] and counted in (None, held)


def _issue(value: Json) -> str:
    return f"{value['repository']['nameWithOwner']}#{value['number']}"


def review(value: Json) -> Columns:
    """A review as it stands now."""
    return {
        "id": value["id"],
        **account("reviewer", value.get("author")),
        "state": value["state"],
        "submitted_at": value["submittedAt"],
        "commit_sha": (value.get("commit") or {}).get("oid"),
        "can_push": value["authorCanPushToRepository"],
        "body": value["body"],
    }


def event(value: Json) -> Columns:
    """An entry of a time line; which columns are filled depends on its kind."""
    before, after = value.get("beforeCommit") or {}, value.get("afterCommit") or value.get("landed") or {}
    return {
        "id": value["id"],
        "kind": value["__typename"],
        "at": value["createdAt"],
        **account("actor", value.get("actor")),
        "name": (value.get("label") or {}).get("name") or value.get("previousRefName"),
        "before": before.get("oid") or value.get("previousTitle"),
        "after": after.get("oid") or value.get("currentTitle") or value.get("currentRefName"),
        "review": (value.get("review") or {}).get("id"),
        "state": value.get("previousReviewState"),
        "text": value.get("dismissalMessage") or value.get("reason"),
    }


def replaced(value: Json) -> Columns:
    """The commit that a force push replaced; nothing where GitHub no longer tells it."""
    return commit(value["beforeCommit"]) if value["beforeCommit"] else {}


def file(value: Json) -> Columns:
    """A changed file."""
    return {"path": value["path"], "change": value["changeType"]}


def compared_file(value: Json) -> Columns:
    """A file that differs in a comparison; of the patch its digest, which is enough to tell whether two are equal."""
    patch = value.get("patch")
    return {
        "path": value["filename"],
        "previous": value.get("previous_filename"),
        "status": value["status"],
        "blob": value["sha"],
        "changes": value["changes"],
        "patch": None if patch is None else hashlib.sha256(patch.encode("utf-8", "surrogatepass")).hexdigest(),
    }


def check(value: Json) -> Columns:
    """A check run or a commit status."""
    if value["__typename"] == "StatusContext":
        made = dict.fromkeys(("app", "app_id", "started_at", "required", "received_at", "run_id", "event"))
        made |= account("creator", value.get("creator"))
        state = value["state"]
        made |= {"id": f"status:{value['context']}", "kind": "status", "name": value["context"], "status": state}
        done = {"conclusion": state, "completed_at": value["createdAt"], "url": value["targetUrl"]}
        return {**made, **done, **account("pusher", None)}
    suite = value["checkSuite"]
    app, run = suite.get("app") or {}, suite.get("workflowRun") or {}
    return {
        "id": f"check:{value['databaseId']}",
        "kind": "check",
        "name": value["name"],
        "app": app.get("slug"),
        "app_id": app.get("databaseId"),
        "status": value["status"],
        "conclusion": value["conclusion"],
        "started_at": value["startedAt"],
        "completed_at": value["completedAt"],
        "required": None,
        "url": value["url"],
        "received_at": suite["createdAt"],
        **account("pusher", (suite.get("push") or {}).get("pusher")),
        **account("creator", None),
        "run_id": run.get("databaseId"),
        "event": run.get("event"),
    }


def earlier_status(value: Json) -> Columns:
    """One of all the statuses that a commit was given, as REST tells it."""
    made = dict.fromkeys(("app", "app_id", "started_at", "required", "received_at", "run_id", "event"))
    state = value["state"].upper()
    made |= {"id": f"status:{value['id']}", "kind": "status", "name": value["context"], "status": state}
    done = {"conclusion": state, "completed_at": value["created_at"], "url": value["target_url"]}
    return {**made, **done, **account("pusher", None), **account("creator", value.get("creator"))}


def workflow_run(value: Json) -> Columns:
    """A workflow run at its newest attempt."""
    return {
        "sha": value["head_sha"],
        "id": value["id"],
        "name": value["name"],
        "event": value["event"],
        "attempt": value["run_attempt"],
        "status": value["status"],
        "conclusion": value["conclusion"],
        "started_at": value["run_started_at"],
        "updated_at": value["updated_at"],
        "url": value["html_url"],
    }


def pushes(commit_: Mapping[str, Json]) -> list[Json]:
    """The check suites of a request's commit, as far as they were asked for: each may tell who pushed it."""
    return [one for one in (commit_.get("pushes") or {}).get("nodes") or () if one]


def push(suite: Json) -> Columns:
    """What a check suite tells of the push that made it; one of a fork's commit names no push."""
    told = suite["push"] or {}
    return {
        "received_at": suite["createdAt"],
        "pushed": bool(told),
        "before": told.get("previousSha"),
        **account("pusher", told.get("pusher")),
    }


def contexts(commit_: Mapping[str, Json], page: int = 1) -> tuple[list[Json], int | None, bool]:
    """The checks of a commit on this page, how many GitHub counts, and whether none follow or were left out."""
    if "statusCheckRollup" in commit_:
        if (rollup := commit_["statusCheckRollup"]) is None or (found := rollup["contexts"]) is None:
            return [], 0 if rollup is None else None, rollup is None
        # A check that the token may not see is null in its place.
        told = [one for one in found["nodes"] if one is not None]
        whole = (
            not found["pageInfo"]["hasNextPage"] and (page > 1 or ends(found, 0)) and len(told) == len(found["nodes"])
        )
        return told, found["totalCount"], whole
    if "status" in commit_:
        return ((commit_["status"] or {}).get("contexts") or []), None, False
    return [], None, False


def suites(commit_: Mapping[str, Json]) -> tuple[list[Json], int, bool]:
    """Every attempt of every check of a commit in this answer, how many there are, and whether they are all here."""
    found = commit_["checkSuites"]
    lists = [suite["checkRuns"] for suite in found["nodes"]]
    whole = found["totalCount"] == len(found["nodes"]) and all(one["totalCount"] == len(one["nodes"]) for one in lists)
    return [run for one in lists for run in one["nodes"]], sum(one["totalCount"] for one in lists), whole


def objects(data: Mapping[str, Json], prefix: str) -> Iterator[tuple[int, Json]]:
    """The aliased things of an answer, such as c0, c1 and so on, by their number; None where GitHub has none."""
    number = 0
    while f"{prefix}{number}" in data:
        yield number, data[f"{prefix}{number}"]
        number += 1
