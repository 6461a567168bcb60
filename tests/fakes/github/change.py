"""A pull request in which things happen: pushes, reviews, labels, and every way to be merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.github import world as w
from tests.fakes.github.builder import Repo
from tests.fakes.github.graph import between, merge_base

QUEUE = "github-merge-queue[bot]"


class Change:
    """A pull request of a story. `it` is what the server shows."""

    def __init__(self, repo: Repo, it: w.PullRequest) -> None:
        self.repo, self.it, self.company = repo, it, repo.company
        self.credited: tuple[w.Account, ...] = ()

    @classmethod
    def open(
        cls,
        repo: Repo,
        by: w.Account,
        title: str,
        *,
        branch: str = "",
        base: str = "",
        files: Mapping[str, str | None] | None = None,
        body: str = "What and why.",
        message: str = "",
        draft: bool = False,
        head: str = "",
        author: w.Account | None = None,
        fork: w.Repository | None = None,
    ) -> Change:
        """A branch with one commit (or the existing commit `head`) and a pull request from it; `author` opens it."""
        number = max(repo.it.pulls, default=0) + 1
        target, name, now = base or repo.it.default_branch, branch or f"change-{number}", repo.company.tick()
        start = repo.head(target)
        sha = head or repo.commit(by, files or {f"src/{name}.py": title}, [start], message or title).sha
        if repo.it.branches.get(name) != sha:
            repo.move(name, sha, by)
        fresh = repo.company.world.fresh
        it = w.PullRequest(fresh(), number, repo.it, title, body, author or by, now, now, target, start, name, sha, fork or repo.it, draft=draft)  # fmt: skip
        repo.it.pulls[number] = it
        made = cls(repo, it)
        for one in between(repo.it, start, sha):
            made._event("PullRequestCommit", None, commit=one.sha)
        made._refresh()
        return made

    def _event(self, kind: str, actor: w.Account | None, **data: Any) -> w.Event:
        made = w.Event(self.company.world.fresh(), kind, self.company.now, actor, data, pull=self.it)
        self.it.timeline.append(made)
        self.it.updated_at = self.company.now
        return made

    def _refresh(self) -> None:
        it, repo = self.it, self.repo.it
        ancestor = merge_base(repo, it.base_sha, it.head_sha)
        it.commits = [one.sha for one in between(repo, repo.branches.get(it.base_ref, it.base_sha), it.head_sha)]
        before = repo.contents[ancestor.tree] if ancestor else {}
        after = repo.contents[repo.commits[it.head_sha].tree]
        it.files = [
            w.FileChange(path, "ADDED" if path not in before else "DELETED" if path not in after else "MODIFIED")
            for path in sorted({*before, *after})
            if before.get(path) != after.get(path)
        ]

    def _land(self, sha: str, pusher: w.Account | None) -> None:
        row = self.repo.move(self.it.head_ref, sha, pusher)
        self.it.head_sha = sha
        if row.kind == "force_push":
            self._event("HeadRefForcePushedEvent", pusher, beforeCommit=row.before, afterCommit=sha)
        else:
            self._event("PullRequestCommit", None, commit=sha)
        self._refresh()

    def push(
        self, by: w.Account, files: Mapping[str, str | None] | None = None, message: str = "", **facts: Any
    ) -> w.Commit:
        """One more commit on the head; `author` when another person wrote it."""
        self.company.tick()
        author = facts.pop("author", by)
        wanted = files or {f"src/more-{len(self.it.commits)}.py": "more"}
        made = self.repo.commit(author, wanted, [self.it.head_sha], message, **facts)
        self._land(made.sha, by)
        return made

    def rebase(self, by: w.Account, files: Mapping[str, str | None] | None = None) -> str:
        """A force-push of the same patch on the newest base, or of another patch when `files` is given."""
        self.company.tick()
        tip, last = self.repo.head(self.it.base_ref), ""
        for sha in self.it.commits:
            old = self.repo.it.commits[sha]
            patch = self._patch(old)
            tip = last = self.repo.commit(by, {**patch, **(files or {})}, [tip], old.message).sha
        self._land(last, by)
        return last

    def _patch(self, one: w.Commit) -> dict[str, str | None]:
        after = self.repo.it.contents[one.tree]
        return {file.path: after.get(file.path) for file in one.files}

    def reset(self, by: w.Account, sha: str) -> None:
        """A force-push of the head back to a commit."""
        self.company.tick()
        self._land(sha, by)

    def update_branch(self, by: w.Account, resolving: Mapping[str, str | None] | None = None) -> w.Commit:
        """The base merged into the head with the button, or by hand with files that resolve a conflict."""
        self.company.tick()
        base = self.repo.head(self.it.base_ref)
        brought = {p: t for p, t in self.repo.files(base).items() if p not in {f.path for f in self.it.files}}
        words = f"Merge branch '{self.it.base_ref}' into {self.it.head_ref}"
        web = resolving is None
        platform = self.company.platform if web else None
        made = self.repo.commit(by, {**brought, **(resolving or {})}, [self.it.head_sha, base], words, committer=platform, web=web)  # fmt: skip
        self._land(made.sha, by)
        return made

    def review(self, by: w.Account, state: str, *, sha: str = "", body: str = "", **facts: Any) -> w.Review:
        """A review of the head, or of another commit."""
        at = self.company.tick()
        looked = sha or self.it.head_sha
        role = self.repo.it.collaborators.get(by.login, "none")
        can_push = facts.pop("can_push", role in ("write", "maintain", "admin"))
        made = w.Review(
            self.company.world.fresh(), by, state, state, at, looked, looked, body, can_push, pull=self.it, **facts
        )
        self.it.reviews.append(made)
        self.it.timeline.append(made)
        self.it.updated_at = at
        if self.repo.it.rulesets or self.repo.it.protections:
            self.it.decision = {"APPROVED": "APPROVED", "CHANGES_REQUESTED": "CHANGES_REQUESTED"}.get(
                state, self.it.decision
            )
        return made

    def approve(self, by: w.Account, **facts: Any) -> w.Review:
        """An approval."""
        return self.review(by, "APPROVED", **facts)

    def dismiss(self, review: w.Review, by: w.Account, message: str = "outdated") -> None:
        """A review dismissed: it reads DISMISSED from now on, and only the timeline says what it was."""
        self.company.tick()
        was, review.state = review.state, "DISMISSED"
        self._event("ReviewDismissedEvent", by, previousReviewState=was, dismissalMessage=message, review=review)

    def check(self, name: str = "test", conclusion: str | None = "SUCCESS", **facts: Any) -> w.CheckRun:
        """A check on the head."""
        return self.repo.check(self.it.head_sha, name, conclusion, **{"event": "pull_request", **facts})

    def label(self, name: str, by: w.Account) -> None:
        """A label added."""
        self.company.tick()
        self.it.labels.append(name)
        self._event("LabeledEvent", by, label=name)

    def unlabel(self, name: str, by: w.Account) -> None:
        """A label removed."""
        self.company.tick()
        self.it.labels.remove(name)
        self._event("UnlabeledEvent", by, label=name)

    def edit(self, by: w.Account, *, title: str = "", body: str = "") -> None:
        """The title or the body edited."""
        at = self.company.tick()
        if title:
            self._event("RenamedTitleEvent", by, previousTitle=self.it.title, currentTitle=title)
            self.it.title = title
        if body:
            if not self.it.edits:  # the history of a text begins with what it was made with
                first = w.Edit(self.company.world.fresh(), self.it.author, self.it.created_at, self.it.body)
                self.it.edits.append(first)
            self.it.body, self.it.edited_at, self.it.updated_at = body, at, at
            self.it.edits.append(w.Edit(self.company.world.fresh(), by, at, body))

    def auto_merge(self, by: w.Account, how: str = "SQUASH") -> None:
        """Auto-merge enabled."""
        at = self.company.tick()
        self.it.auto_merge = w.AutoMerge(by, at, how)
        self._event("AutoMergeEnabledEvent", by, enabler=by)

    def merge(self, by: w.Account, how: str = "merge", *, result: str = "pass", credit: Any = ()) -> w.Commit:
        """
        Merged with the button: `merge`, `squash` or `rebase`; `result` is what the rules said, if there are any.

        `credit` are accounts that whoever merges adds to the co-authors of a squash.
        """
        self.company.tick()
        self.credited = tuple(credit)
        base = self.repo.head(self.it.base_ref)
        made: w.Commit = getattr(self, f"_by_{how}")(by, base)
        row = self.repo.move(self.it.base_ref, made.sha, by, "pr_merge")
        if self.repo.it.rulesets:
            self.repo.judged(row, result, *(("pull_request",) if result == "bypass" else ()))
        self._merged(by, base, made.sha)
        return made

    def _content(self) -> dict[str, str | None]:
        after = self.repo.it.contents[self.repo.it.commits[self.it.head_sha].tree]
        return {file.path: after.get(file.path) for file in self.it.files}

    def _by_merge(self, by: w.Account, base: str) -> w.Commit:
        words = f"Merge pull request #{self.it.number} from {self.repo.it.owner.login}/{self.it.head_ref}\n\n{self.it.title}"
        return self.repo.commit(
            by, self._content(), [base, self.it.head_sha], words, committer=self.company.platform, web=True
        )

    def _by_squash(self, by: w.Account, base: str) -> w.Commit:
        author = self.it.author or by
        others = {self.repo.it.commits[sha].author.email: self.repo.it.commits[sha].author for sha in self.it.commits}
        others.pop(author.email, None)
        others |= {one.email: one for one in self.credited}
        trailers = "".join(f"\nCo-authored-by: {one.name} <{one.email}>" for one in others.values())
        words = f"{self.it.title} (#{self.it.number})" + (f"\n{trailers}" if trailers else "")
        return self.repo.commit(author, self._content(), [base], words, committer=self.company.platform, web=True)

    def _by_rebase(self, by: w.Account, base: str) -> w.Commit:
        made = self.repo.it.commits[base]
        for sha in self.it.commits:
            old = self.repo.it.commits[sha]
            made = self.repo.commit(by, self._patch(old), [made.sha], old.message, committer=by, signer=old.author)
        return made

    def _merged(self, by: w.Account, base: str, sha: str, *, last: str = "") -> None:
        it, repo = self.it, self.repo.it
        it.state, it.merged_at, it.closed_at, it.merged_by = "MERGED", self.company.now, self.company.now, by
        it.merge_sha, it.base_sha = sha, base
        self._event("MergedEvent", by, commit=sha, mergeRefName=it.base_ref)
        self._event("ClosedEvent", by)
        for one in between(repo, base, last or sha):
            known = repo.introduced.setdefault(one.sha, [])
            if it not in known:
                known.append(it)

    def merge_by_push(self, by: w.Account) -> None:
        """The head pushed to the base: GitHub marks it merged, nobody pressed a button."""
        self.company.tick()
        base = self.repo.head(self.it.base_ref)
        self.repo.move(self.it.base_ref, self.it.head_sha, by)
        self._merged(by, base, self.it.head_sha)

    def enqueue(self, by: w.Account) -> None:
        """Added to the merge queue."""
        self.company.tick()
        self._event("AddedToMergeQueueEvent", by, enqueuer=by)


def merge_queue(changes: Sequence[Change], conclusion: str = "SUCCESS", *, check_each: bool = True) -> list[w.Commit]:
    """A group of queued pull requests lands in one move of the base, tested on its merge-group commits."""
    first = changes[0]
    repo, company = first.repo, first.company
    bot, base = company.bot(QUEUE), repo.head(first.it.base_ref)
    tip, made = base, []
    for change in changes:
        company.tick()
        commit = change._by_squash(bot, tip)
        group = f"gh-readonly-queue/{change.it.base_ref}/pr-{change.it.number}-{tip}"
        repo.move(group, commit.sha, bot)
        if check_each or change is changes[-1]:
            repo.check(commit.sha, "test", conclusion, event="merge_group")
        repo.delete(group, bot)
        made.append(commit)
        tip = commit.sha
    repo.move(first.it.base_ref, tip, bot, "merge_queue_merge")
    before = base
    for change, commit in zip(changes, made, strict=True):
        change._merged(bot, before, commit.sha)
        before = commit.sha
    return made
