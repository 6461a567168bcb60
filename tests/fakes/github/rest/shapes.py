"""JSON of the REST interface: each value of the world with every field that the published description requires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.github import world as w
from tests.fakes.github.gitobjects import blob
from tests.fakes.github.names import node_id, opaque, when

Json = dict[str, Any]
_USER = "followers following gists starred subscriptions organizations repos events received_events"
_REPOSITORY = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags "
    "teams trees"
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """How values look below an API root and a web root."""

    api: str
    web: str

    def user(self, account: w.Account | None) -> Json | None:
        """A `simple-user`; None for a deleted account."""
        if account is None or account.deleted:
            return None
        url = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id(account),
            "type": account.kind,
            "site_admin": False,
            "gravatar_id": "",
            "avatar_url": f"{self.web}/avatars/{account.id}",
            "url": url,
            "html_url": f"{self.web}/{account.login}",
            **{f"{name}_url": f"{url}/{name}" for name in _USER.split()},
        }

    def app(self, app: w.App) -> Json:
        """An `integration`."""
        return {
            "id": app.id,
            "slug": app.slug,
            "node_id": opaque("App", app.id),
            "name": app.name,
            "owner": self.user(w.Account(9919, "github", "Organization")),
            "description": "",
            "external_url": f"{self.web}/apps/{app.slug}",
            "html_url": f"{self.web}/apps/{app.slug}",
            "created_at": "2020-01-01T00:00:00Z",
            "updated_at": "2020-01-01T00:00:00Z",
            "permissions": {},
            "events": [],
        }

    def repository(self, one: w.Repository) -> Json:
        """A `full-repository`, which every smaller form of a repository is part of."""
        url = f"{self.api}/repos/{one.full_name}"
        changed = when(one.pushed_at or one.created_at)
        web = f"{self.web}/{one.full_name}"
        return {
            "id": one.id,
            "node_id": node_id(one),
            "name": one.name,
            "full_name": one.full_name,
            "owner": self.user(one.owner),
            "private": one.visibility != "public",
            "visibility": one.visibility,
            "fork": one.fork,
            "archived": one.archived,
            "disabled": False,
            "default_branch": one.default_branch,
            "description": None,
            "language": None,
            "license": None,
            "mirror_url": None,
            "homepage": None,
            "url": url,
            "html_url": web,
            "clone_url": f"{web}.git",
            "git_url": f"git://{web.partition('//')[2]}.git",
            "ssh_url": f"git@{web.partition('//')[2]}.git",
            "svn_url": web,
            "created_at": when(one.created_at),
            "updated_at": changed,
            "pushed_at": when(one.pushed_at) if one.commits else None,
            "size": len(one.commits),
            **{f"{name}_url": f"{url}/{name}" for name in _REPOSITORY.split()},
            **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads"), True),
            **dict.fromkeys(("has_pages", "has_discussions"), False),
            **dict.fromkeys(("forks", "forks_count", "network_count", "open_issues", "open_issues_count"), 0),
            **dict.fromkeys(("stargazers_count", "subscribers_count", "watchers", "watchers_count"), 0),
            "allow_squash_merge": one.settings.squash,
            "allow_merge_commit": one.settings.merge,
            "allow_rebase_merge": one.settings.rebase,
            "allow_auto_merge": one.settings.auto_merge,
        }

    def commit(self, one: w.Commit) -> Json:
        """A `commit` as lists carry it."""
        place = one.repository.full_name
        url = f"{self.api}/repos/{place}/commits/{one.sha}"
        return {
            "sha": one.sha,
            "node_id": node_id(one),
            "url": url,
            "html_url": f"{self.web}/{place}/commit/{one.sha}",
            "comments_url": f"{url}/comments",
            "author": self.user(one.author.account),
            "committer": self.user(one.committer.account),
            "parents": [{"sha": sha, "url": url, "html_url": url} for sha in one.parents],
            "commit": {
                "url": url,
                "author": {"name": one.author.name, "email": one.author.email, "date": when(one.author.at)},
                "committer": {
                    "name": one.committer.name,
                    "email": one.committer.email,
                    "date": when(one.committer.at),
                },
                "message": one.message,
                "tree": {"sha": one.tree, "url": f"{self.api}/repos/{place}/git/trees/{one.tree}"},
                "comment_count": 0,
                "verification": {
                    "verified": one.signature is not None,
                    "reason": "valid" if one.signature else "unsigned",
                    "payload": None,
                    "signature": None,
                    "verified_at": when(one.committer.at) if one.signature else None,
                },
            },
        }

    def commit_whole(self, one: w.Commit, files: list[w.FileChange]) -> Json:
        """A `commit` as the single answer carries it: with a page of its files."""
        added, removed = (sum(getattr(f, name) for f in one.files) for name in ("additions", "deletions"))
        stats = {"additions": added, "deletions": removed, "total": added + removed}
        return {**self.commit(one), "stats": stats, "files": [self.file(one.repository, one.sha, f) for f in files]}

    def file(self, repository: w.Repository, sha: str, one: w.FileChange) -> Json:
        """A `diff-entry`."""
        words = {"DELETED": "removed"}
        made: Json = {
            "sha": blob(one.path),
            "filename": one.path,
            "status": words.get(one.kind, one.kind.lower()),
            "additions": one.additions,
            "deletions": one.deletions,
            "changes": one.additions + one.deletions,
            "blob_url": f"{self.web}/{repository.full_name}/blob/{sha}/{one.path}",
            "raw_url": f"{self.web}/{repository.full_name}/raw/{sha}/{one.path}",
            "contents_url": f"{self.api}/repos/{repository.full_name}/contents/{one.path}?ref={sha}",
        }
        return {**made, "previous_filename": one.previous} if one.previous else made

    def activity(self, one: w.RefUpdate) -> Json:
        """An `activity`: one move of a ref."""
        return {
            "id": one.id,
            "node_id": opaque("PSH", one.id),
            "before": one.before,
            "after": one.after,
            "ref": one.ref,
            "timestamp": when(one.at),
            "activity_type": one.kind,
            "actor": self.user(one.actor),
        }

    def pull(self, one: w.PullRequest) -> Json:
        """A `pull-request-simple`."""
        place = f"{self.api}/repos/{one.repository.full_name}"
        url, issue = f"{place}/pulls/{one.number}", f"{place}/issues/{one.number}"
        html = f"{self.web}/{one.repository.full_name}/pull/{one.number}"
        links = {"self": url, "html": html, "issue": issue, "comments": f"{issue}/comments"}
        links |= {"review_comments": f"{url}/comments", "review_comment": f"{place}/pulls/comments{{/number}}"}
        links |= {"commits": f"{url}/commits", "statuses": f"{place}/statuses/{one.head_sha}"}
        wish = one.auto_merge
        return {
            "id": one.id,
            "node_id": node_id(one),
            "number": one.number,
            "url": url,
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": issue,
            **{f"{name}_url": links[name] for name in ("comments", "review_comments", "review_comment", "commits")},
            "statuses_url": links["statuses"],
            "_links": {name: {"href": href} for name, href in links.items()},
            "state": "open" if one.state == "OPEN" else "closed",
            "locked": False,
            "draft": one.draft,
            "title": one.title,
            "body": one.body or None,
            "user": self.user(one.author),
            "labels": [self.label(one.repository, name) for name in one.labels],
            "assignee": None,
            "milestone": None,
            "created_at": when(one.created_at),
            "updated_at": when(one.updated_at),
            "closed_at": when(one.closed_at or one.merged_at),
            "merged_at": when(one.merged_at),
            "merge_commit_sha": one.merge_sha,
            "author_association": one.association,
            "auto_merge": wish
            and {
                "enabled_by": self.user(wish.enabler),
                "merge_method": wish.method.lower(),
                "commit_title": None,
                "commit_message": None,
            },
            "head": self._side(one.head_repository, one.head_ref, one.head_sha),
            "base": self._side(one.repository, one.base_ref, one.base_sha),
        }

    def _side(self, repository: w.Repository | None, ref: str, sha: str) -> Json:
        # The head's repository is null once a fork is deleted.
        owner = repository.owner if repository else None
        label = f"{owner.login if owner else 'unknown'}:{ref}"
        shown = self.repository(repository) if repository else None
        return {"label": label, "ref": ref, "sha": sha, "user": self.user(owner), "repo": shown}

    def label(self, repository: w.Repository, name: str) -> Json:
        """A label of a pull request."""
        url = f"{self.api}/repos/{repository.full_name}/labels/{name}"
        return {"id": 1, "node_id": opaque("Label", name), "url": url, "name": name, "description": None, "color": "ededed", "default": False}  # fmt: skip

    def pull_whole(self, one: w.PullRequest) -> Json:
        """A `pull-request`."""
        return {
            **self.pull(one),
            "additions": sum(file.additions for file in one.files),
            "deletions": sum(file.deletions for file in one.files),
            "changed_files": len(one.files),
            "comments": 0,
            "review_comments": 0,
            "commits": len(one.commits),
            "mergeable": None,
            "mergeable_state": "unknown",
            "merged": one.merged_at is not None,
            "maintainer_can_modify": False,
            "merged_by": self.user(one.merged_by),
        }

    def review(self, one: w.Review) -> Json:
        """A `pull-request-review` with its state of now."""
        pull = f"{self.api}/repos/{one.pull.repository.full_name}/pulls/{one.pull.number}"
        html = f"{self.web}/{one.pull.repository.full_name}/pull/{one.pull.number}#pullrequestreview-{one.id}"
        made: Json = {
            "id": one.id,
            "node_id": node_id(one),
            "user": self.user(one.author),
            "body": one.body,
            "state": one.state,
            "commit_id": one.commit,
            "html_url": html,
            "pull_request_url": pull,
            "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
            "author_association": one.association,
        }
        return {**made, "submitted_at": when(one.at)} if one.at else made
