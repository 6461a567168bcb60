"""Repositories, commits, ref updates and pull requests over REST."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from tests.fakes.github import graph, requirements, search
from tests.fakes.github import world as w
from tests.fakes.github.access import RefusedError
from tests.fakes.github.gitobjects import blob
from tests.fakes.github.names import opaque, when
from tests.fakes.github.rest.asking import Ask, Listing, Route

_PERIODS = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}
_COMMITS_OF_A_PULL, _FILES_OF_A_PULL, _FILES_OF_A_COMMIT = 250, 3000, 3000


def commit_of(ask: Ask, name: str) -> w.Commit:
    """The commit that the address names; 422 when it names none."""
    found = graph.find(ask.repository, name)
    if found is None:
        raise RefusedError(422, f"No commit found for SHA: {name}")
    return found


def pull_of(ask: Ask) -> w.PullRequest:
    """The pull request of the address; 404 without it."""
    found = ask.repository.pulls.get(int(ask.parts["number"]))
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


def activity(ask: Ask) -> Listing:
    """Ref updates, newest first unless asked otherwise; `time_period` counts back from now."""
    rows = list(ask.repository.activity)
    if period := ask.query.get("time_period"):
        if period not in _PERIODS:
            raise RefusedError(422, "Validation Failed")
        since = ask.world.now - timedelta(days=_PERIODS[period])
        rows = [row for row in rows if row.at >= since]
    if ref := ask.query.get("ref"):
        wanted = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        rows = [row for row in rows if row.ref == wanted]
    if kind := ask.query.get("activity_type"):
        rows = [row for row in rows if row.kind == kind]
    if actor := ask.query.get("actor"):
        rows = [row for row in rows if row.actor and row.actor.login == actor]
    rows.sort(key=lambda row: (row.at, row.id), reverse=ask.query.get("direction", "desc") == "desc")
    return Listing(rows, ask.shapes.activity, cursor=True)


def commits(ask: Ask) -> Listing:
    """Commits from a ref; 409 in an empty repository; `since` and `until` compare the committer's date."""
    home = ask.repository
    if not home.commits:
        raise RefusedError(409, "Git Repository is empty.")
    start = graph.find(home, ask.query.get("sha", home.default_branch))
    if start is None:
        raise RefusedError(404, "Not Found")
    since, until, path = ask.moment("since"), ask.moment("until"), ask.query.get("path")
    rows = [
        one
        for one in graph.history(home, start.sha)
        if (since is None or one.committer.at >= since)
        and (until is None or one.committer.at <= until)
        and (path is None or any(file.path == path for file in one.files))
    ]
    return Listing(rows, ask.shapes.commit)


def commit(ask: Ask) -> Listing:
    """One commit; its files come in pages."""
    found = commit_of(ask, ask.parts["ref"])
    files = list(found.files[:_FILES_OF_A_COMMIT])
    whole = {**ask.shapes.commit_whole(found, []), "files": None}
    return Listing(
        files,
        lambda f: ask.shapes.file(ask.repository, found.sha, f),
        "files",
        whole,
        counted=False,
        size=300,
        biggest=300,
    )


def compare(ask: Ask) -> Listing:
    """`base...head`: the commits between in pages of 250, oldest first, and the files on the first page."""
    base_name, dots, head_name = ask.parts["basehead"].partition("...")
    base, head = graph.find(ask.repository, base_name), graph.find(ask.repository, head_name)
    if not dots or base is None or head is None:
        raise RefusedError(404, "Not Found")
    ancestor = graph.merge_base(ask.repository, base.sha, head.sha)
    if ancestor is None:
        raise RefusedError(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead = graph.between(ask.repository, base.sha, head.sha)
    behind = graph.between(ask.repository, head.sha, base.sha)
    words = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    url = f"{ask.shapes.api}/repos/{ask.repository.full_name}/compare/{base.sha}...{head.sha}"
    changed = _difference(ask, ancestor, head, ahead)[:300]
    first = ask.query.get("page", "1") == "1"
    whole = {
        "url": url,
        **{f"{name}_url": url for name in ("html", "permalink", "diff", "patch")},
        "base_commit": ask.shapes.commit(base),
        "merge_base_commit": ask.shapes.commit(ancestor),
        "status": words.get((bool(ahead), bool(behind)), "diverged"),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "files": changed if first else [],
    }
    return Listing(ahead, ask.shapes.commit, "commits", whole, counted=False, size=250, biggest=250)


def _difference(ask: Ask, ancestor: w.Commit, head: w.Commit, ahead: list[w.Commit]) -> list[dict[str, Any]]:
    """The files in which two commits differ, as `diff-entry`; a large world keeps no contents to compare."""
    known = ask.repository.contents
    if ancestor.tree not in known or head.tree not in known:
        return [ask.shapes.file(ask.repository, head.sha, file) for one in ahead for file in one.files]
    before, after = known[ancestor.tree], known[head.tree]
    made = []
    for path in sorted({path for path in {*before, *after} if before.get(path) != after.get(path)}):
        kind = "ADDED" if path not in before else "DELETED" if path not in after else "MODIFIED"
        old, new = before.get(path), after.get(path)
        lines = [f"-{old}" if old is not None else "", f"+{new}" if new is not None else ""]
        entry = ask.shapes.file(ask.repository, head.sha, w.FileChange(path, kind))
        text = new if new is not None else old
        made.append({**entry, "sha": blob(text or ""), "patch": "\n".join(["@@ -1 +1 @@", *filter(None, lines)])})
    return made


def pulls(ask: Ask) -> Listing:
    """Pull requests by state, base and head; newest created first unless sorted otherwise."""
    state = ask.query.get("state", "open")
    rows = [
        one
        for one in ask.repository.pulls.values()
        if (state == "all" or (one.state == "OPEN") == (state == "open"))
        and ask.query.get("base", one.base_ref) == one.base_ref
        and ask.query.get("head", f"{ask.repository.owner.login}:{one.head_ref}").endswith(f":{one.head_ref}")
    ]
    by_update = ask.query.get("sort") == "updated"
    rising = ask.query.get("direction", "desc") == "asc"
    rows.sort(key=lambda one: (one.updated_at if by_update else one.created_at, one.id), reverse=not rising)
    return Listing(rows, ask.shapes.pull)


def reviews(ask: Ask) -> Listing:
    """Reviews in the order in which they were submitted."""
    return Listing(pull_of(ask).reviews, ask.shapes.review)


def pull_commits(ask: Ask) -> Listing:
    """Commits of a pull request; at most 250 are ever listed."""
    found = pull_of(ask)
    rows = [ask.repository.commits[sha] for sha in found.commits]
    return Listing(rows, ask.shapes.commit, most=_COMMITS_OF_A_PULL)


def pull_files(ask: Ask) -> Listing:
    """Files of a pull request; at most 3,000 are ever listed."""
    found = pull_of(ask)
    return Listing(found.files, lambda f: ask.shapes.file(ask.repository, found.head_sha, f), most=_FILES_OF_A_PULL)


def pulls_of_commit(ask: Ask) -> Listing:
    """Pull requests of a commit. This list has no lag, which makes it the way round that of GraphQL."""
    found = commit_of(ask, ask.parts["sha"])
    return Listing(ask.repository.introduced.get(found.sha, []), ask.shapes.pull)


def branch(ask: Ask) -> dict[str, Any]:
    """A branch and whether anything protects it; the details are for administrators."""
    return _branch(ask, ask.parts["branch"])


def _branch(ask: Ask, name: str) -> dict[str, Any]:
    home = ask.repository
    if name not in home.branches:
        raise RefusedError(404, "Branch not found")
    url = f"{ask.shapes.api}/repos/{home.full_name}/branches/{name}"
    guarded = requirements.protection(home, name) or requirements.effective(home, ask.world.rulesets, name)
    return {
        "name": name,
        "commit": ask.shapes.commit(home.commits[home.branches[name]]),
        "_links": {"html": f"{ask.shapes.web}/{home.full_name}/tree/{name}", "self": url},
        "protected": bool(guarded),
        "protection": {"enabled": bool(requirements.protection(home, name))},
        "protection_url": f"{url}/protection",
    }


def branches(ask: Ask) -> Listing:
    """Branches by name."""
    return Listing(sorted(ask.repository.branches), lambda name: _branch(ask, name))


def _ref(ask: Ask, full: str, sha: str) -> dict[str, Any]:
    place = f"{ask.shapes.api}/repos/{ask.repository.full_name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{place}/commits/{sha}"}
    return {"ref": full, "node_id": opaque("Ref", full), "url": f"{place}/{full}", "object": target}


def _refs(ask: Ask) -> dict[str, str]:
    heads = {f"refs/heads/{name}": sha for name, sha in ask.repository.branches.items()}
    return {**heads, **{f"refs/tags/{name}": sha for name, sha in ask.repository.tags.items()}}


def one_ref(ask: Ask) -> dict[str, Any]:
    """A ref by its full name without `refs/`."""
    full = f"refs/{ask.parts['ref']}"
    if full not in _refs(ask):
        raise RefusedError(404, "Not Found")
    return _ref(ask, full, _refs(ask)[full])


def matching_refs(ask: Ask) -> Listing:
    """Refs whose names begin so."""
    rows = [(name, sha) for name, sha in sorted(_refs(ask).items()) if name.startswith(f"refs/{ask.parts['ref']}")]
    return Listing(rows, lambda row: _ref(ask, *row))


def tags(ask: Ask) -> Listing:
    """Tags, newest name first."""
    place = f"{ask.shapes.api}/repos/{ask.repository.full_name}"
    rows = sorted(ask.repository.tags.items(), reverse=True)

    def show(row: tuple[str, str]) -> dict[str, Any]:
        name, sha = row
        links = {f"{kind}_url": f"{place}/{kind}/refs/tags/{name}" for kind in ("zipball", "tarball")}
        return {
            "name": name,
            "node_id": opaque("Ref", name),
            **links,
            "commit": {"sha": sha, "url": f"{place}/commits/{sha}"},
        }

    return Listing(rows, show)


def contents(ask: Ask) -> dict[str, Any]:
    """A file at a ref, in base64."""
    found = graph.find(ask.repository, ask.query.get("ref", ask.repository.default_branch))
    path = ask.parts["path"]
    text = ask.repository.contents.get(found.tree, {}).get(path) if found else None
    if text is None:
        raise RefusedError(404, "Not Found")
    url = f"{ask.shapes.api}/repos/{ask.repository.full_name}/contents/{path}"
    made = {"type": "file", "encoding": "base64", "size": len(text.encode()), "name": path.rpartition("/")[2]}
    links = dict.fromkeys(("url", "html_url", "git_url", "download_url"), url)
    encoded = base64.encodebytes(text.encode()).decode()
    return {**made, **links, "path": path, "sha": blob(text), "content": encoded, "_links": {"self": url, "git": url, "html": url}}  # fmt: skip


def timeline(ask: Ask) -> Listing:
    """The events of a pull request as REST names them, with reviews as `reviewed`."""
    found = pull_of(ask)
    return Listing(found.timeline, lambda item: _event(ask, item))


def _event(ask: Ask, item: w.Event | w.Review) -> dict[str, Any]:
    if isinstance(item, w.Review):
        return {**ask.shapes.review(item), "event": "reviewed"}
    if item.kind == "PullRequestCommit":
        return {**ask.shapes.commit(ask.repository.commits[item.data["commit"]])["commit"], "event": "committed", "sha": item.data["commit"]}  # fmt: skip
    words = {"LabeledEvent": "labeled", "UnlabeledEvent": "unlabeled", "RenamedTitleEvent": "renamed"}
    words |= {"HeadRefForcePushedEvent": "head_ref_force_pushed", "ReviewDismissedEvent": "review_dismissed"}
    name = words.get(item.kind, item.kind.removesuffix("Event").lower())
    url = f"{ask.shapes.api}/repos/{ask.repository.full_name}/issues/events/{item.id}"
    made = {"id": item.id, "node_id": opaque(item.kind, item.id), "url": url, "actor": ask.shapes.user(item.actor)}
    shown = {
        **made,
        "event": name,
        "commit_id": item.data.get("commit"),
        "commit_url": None,
        "created_at": when(item.at),
    }
    return {**shown, "label": {"name": item.data["label"], "color": "ededed"}} if "label" in item.data else shown


def search_issues(ask: Ask) -> Listing:
    """Pull requests by search: 1,000 at most, and 422 beyond them."""
    rows = search.pulls(ask.viewer, ask.query.get("q", ""))
    page, size = int(ask.query.get("page", "1")), min(int(ask.query.get("per_page", "30")), 100)
    if (page - 1) * size >= search.LIMIT:
        raise RefusedError(422, "Only the first 1000 search results are available")

    whole: dict[str, Any] = {"incomplete_results": False, "search_type": "lexical"}
    return Listing(rows, lambda one: _found(ask, one), "items", whole, most=search.LIMIT)


def _found(ask: Ask, one: w.PullRequest) -> dict[str, Any]:
    place, shown = f"{ask.shapes.api}/repos/{one.repository.full_name}", ask.shapes.pull(one)
    kept = ("id", "node_id", "number", "title", "body", "user", "labels", "state", "locked", "assignee", "milestone")
    dates = ("created_at", "updated_at", "closed_at", "author_association", "comments_url", "html_url")
    issue = f"{place}/issues/{one.number}"
    links = {
        "url": issue,
        "repository_url": place,
        "events_url": f"{issue}/events",
        "labels_url": f"{issue}/labels{{/name}}",
    }
    marked = {name: shown[name] for name in ("url", "html_url", "diff_url", "patch_url", "merged_at")}
    counts = {"comments": 0, "score": 1.0, "pull_request": marked}
    return {**{name: shown[name] for name in (*kept, *dates)}, **links, **counts}


_R = "/repos/{owner}/{repo}"
ROUTES = (
    Route(_R, "metadata", lambda ask: ask.shapes.repository(ask.repository)),
    Route(f"{_R}/activity", "contents", activity),
    Route(f"{_R}/commits", "contents", commits),
    Route(f"{_R}/commits/{{ref}}", "contents", commit),
    Route(f"{_R}/commits/{{sha}}/pulls", "pull_requests", pulls_of_commit),
    Route(f"{_R}/compare/{{basehead}}", "contents", compare),
    Route(f"{_R}/pulls", "pull_requests", pulls),
    Route(f"{_R}/pulls/{{number}}", "pull_requests", lambda ask: ask.shapes.pull_whole(pull_of(ask))),
    Route(f"{_R}/pulls/{{number}}/reviews", "pull_requests", reviews),
    Route(f"{_R}/pulls/{{number}}/commits", "pull_requests", pull_commits),
    Route(f"{_R}/pulls/{{number}}/files", "pull_requests", pull_files),
    Route(f"{_R}/issues/{{number}}/timeline", "issues|pull_requests", timeline),
    Route(f"{_R}/branches", "contents", branches),
    Route(f"{_R}/branches/{{branch}}", "contents", branch),
    Route(f"{_R}/git/ref/{{ref}}", "contents", one_ref),
    Route(f"{_R}/git/matching-refs/{{ref}}", "contents", matching_refs),
    Route(f"{_R}/tags", "contents", tags),
    Route(f"{_R}/contents/{{path}}", "contents", contents),
    Route("/search/issues", "", search_issues),
)
