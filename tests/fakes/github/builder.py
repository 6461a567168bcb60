"""
Worlds in few lines: a company, its people and repositories, and what happens in them on a clock of its own.

Every verb takes one minute of that clock. Commits have the names that git would give them, pushes leave rows in the
activity and check suites with the server's time, and merges do what the button does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.github import gitobjects, tokens
from tests.fakes.github import world as w
from tests.fakes.github.graph import is_ancestor
from tests.fakes.github.rules import Environment, Protection, Ruleset, RulesetVersion, RuleSuite

if TYPE_CHECKING:
    from tests.fakes.github.change import Change

START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


class Company:
    """A fictional organisation with a clock. `world` is what the server serves; close the story with `finish`."""

    def __init__(self, name: str = "acme", start: datetime = START) -> None:
        self.world = w.World(w.Account(100, name, "Organization", name.title()), start)
        self.actions = self.app("github-actions", 15368)
        self.platform = w.Account(19864447, "web-flow", "User", "GitHub", "noreply@github.com")
        self.repos: dict[str, Repo] = {}

    @property
    def now(self) -> datetime:
        """The story's clock."""
        return self.world.now

    def tick(self, **span: float) -> datetime:
        """Let time pass, one minute unless said otherwise; the new time."""
        self.world.now += timedelta(**(span or {"minutes": 1}))
        return self.world.now

    def person(self, login: str, role: str = "write", kind: str = "User") -> w.Account:
        """Somebody with that role in every repository of the company, made at the first mention."""
        if login not in self.world.accounts:
            email = f"{login.removesuffix('[bot]')}@{self.world.organisation.login}.example"
            self.world.accounts[login] = w.Account(self.world.fresh(), login, kind, login.title(), email)
        for repo in self.repos.values():
            repo.it.collaborators.setdefault(login, role)
        return self.world.accounts[login]

    def bot(self, login: str) -> w.Account:
        """A bot account, as Apps act; its commits carry the address that GitHub gives it."""
        made = self.person(login, kind="Bot")
        made.email = f"{made.id}+{login}@users.noreply.github.com"
        return made

    def app(self, slug: str, number: int | None = None) -> w.App:
        """An App that reports checks."""
        made = self.world.apps.get(slug) or w.App(number or self.world.fresh(), slug, slug.title())
        self.world.apps[slug] = made
        return made

    def token(self, token: tokens.Token) -> str:
        """Let that token in; its secret."""
        self.world.tokens[token.secret] = token
        return token.secret

    def repository(self, name: str = "api", **facts: Any) -> Repo:
        """A repository with a first commit on its default branch, or an empty one."""
        empty = facts.pop("empty", False)
        made = w.Repository(self.world.fresh(), self.world.organisation, name, self.now, pushed_at=self.now, **facts)
        self.world.repositories[made.full_name] = made
        made.collaborators = dict.fromkeys(self.world.accounts, "write")
        self.repos[name] = Repo(self, made)
        if not empty:
            self.repos[name].push(self.person("root", "admin"), {"README.md": name, "src/app.py": "print()\n"})
        return self.repos[name]


class Repo:
    """A repository in which things happen."""

    def __init__(self, company: Company, it: w.Repository) -> None:
        self.company, self.it = company, it

    def files(self, sha: str) -> dict[str, str]:
        """The files at a commit."""
        return dict(self.it.contents[self.it.commits[sha].tree])

    def head(self, branch: str = "") -> str:
        """The commit at the tip of a branch (the default branch without one)."""
        return self.it.branches[branch or self.it.default_branch]

    def commit(
        self,
        author: w.Account,
        files: Mapping[str, str | None],
        parents: Sequence[str],
        message: str = "",
        *,
        committer: w.Account | None = None,
        at: datetime | None = None,
        dated: datetime | None = None,
        signer: w.Signer | None = None,
        web: bool = False,
    ) -> w.Commit:
        """A commit on those parents with those files changed (None removes one); it belongs to no branch yet."""
        before = self.files(parents[0]) if parents else {}
        after = {path: text for path, text in {**before, **files}.items() if text is not None}
        moment = dated or at or self.company.now
        wrote = signer or w.Signer(author.name, author.email, moment, author)
        by = committer or author
        done = w.Signer(by.name, by.email, moment, by) if signer is None or committer else wrote
        tree, words = gitobjects.tree(after), message or f"Change {', '.join(files) or 'nothing'}"
        author_line, committer_line = (gitobjects.person(one.name, one.email, one.at) for one in (wrote, done))
        sealed = gitobjects.SIGNATURE if web else None
        sha = gitobjects.name(
            "commit", gitobjects.raw_commit(tree, parents, author_line, committer_line, words, sealed)
        )
        signature = "web-flow" if web else None
        changed = _difference(before, after)
        self.it.contents[tree] = after
        age = 1 + max((self.it.commits[one].generation for one in parents), default=0)
        made = w.Commit(sha, tree, tuple(parents), wrote, done, words, changed, signature, web, age, repository=self.it)
        return self.it.commits.setdefault(sha, made)

    def move(self, branch: str, after: str, actor: w.Account | None, kind: str = "") -> w.RefUpdate:
        """Let a branch point elsewhere: a row in the activity and a check suite with the server's time."""
        it, ref = self.it, f"refs/heads/{branch}"
        before = it.branches.get(branch, gitobjects.ZERO)
        forced = before in it.commits and not is_ancestor(it, before, after)
        natural = "branch_creation" if before == gitobjects.ZERO else "force_push" if forced else "push"
        row = w.RefUpdate(self.company.world.fresh(), ref, before, after, self.company.now, kind or natural, actor)
        it.activity.append(row)
        it.branches[branch], it.pushed_at = after, self.company.now
        self.suite(after, branch, actor, before)
        return row

    def delete(self, branch: str, actor: w.Account | None) -> None:
        """Delete a branch."""
        before = self.it.branches.pop(branch)
        row = w.RefUpdate(self.company.world.fresh(), f"refs/heads/{branch}", before, gitobjects.ZERO, self.company.now, "branch_deletion", actor)  # fmt: skip
        self.it.activity.append(row)

    def suite(self, sha: str, branch: str, pusher: w.Account | None, before: str) -> w.CheckSuite:
        """The check suite of GitHub Actions for a pushed commit; one per commit."""
        known = self.it.suites.setdefault(sha, [])
        if not known:
            fresh = self.company.world.fresh()
            known.append(
                w.CheckSuite(fresh, sha, branch, self.company.actions, self.company.now, pusher, before, self.it)
            )
        return known[0]

    def push(
        self,
        by: w.Account,
        files: Mapping[str, str | None],
        message: str = "",
        *,
        branch: str = "",
        dated: datetime | None = None,
    ) -> w.Commit:
        """A commit pushed straight to a branch, dated otherwise than pushed when `dated` says so."""
        self.company.tick()
        name = branch or self.it.default_branch
        tip = self.it.branches.get(name) or self.it.branches.get(self.it.default_branch)
        made = self.commit(by, files, [tip] if tip else [], message, dated=dated)
        self.move(name, made.sha, by)
        return made

    def open(self, by: w.Account, title: str = "Change", **facts: Any) -> Change:
        """A pull request with one commit; see `Change.open`."""
        from tests.fakes.github.change import Change

        return Change.open(self, by, title, **facts)

    def check(
        self,
        sha: str,
        name: str = "test",
        conclusion: str | None = "SUCCESS",
        *,
        app: w.App | None = None,
        seconds: int = 60,
        event: str = "push",
    ) -> w.CheckRun:
        """A check on a commit that starts now and ends after `seconds`; None as conclusion leaves it running."""
        started = self.company.tick()
        suites = self.it.suites.setdefault(sha, [])
        suite = next((one for one in suites if app is None or one.app is app), None)
        fresh = self.company.world.fresh
        if suite is None:
            suite = w.CheckSuite(fresh(), sha, "", app or self.company.actions, started, None, gitobjects.ZERO, self.it)
            suites.append(suite)
        if app is None and suite.workflow_run is None:
            suite.workflow_run = self.run(sha, suite, event)
        if suite.workflow_run is not None:
            run = suite.workflow_run
            run.attempt = 1 + sum(1 for one in suite.runs if one.name == name)
            run.conclusion = conclusion and conclusion.lower()
            run.status = "completed" if conclusion else "in_progress"
            run.updated_at = started + timedelta(seconds=seconds)
        done = self.company.tick(seconds=seconds) if conclusion else None
        made = w.CheckRun(fresh(), name, "COMPLETED" if conclusion else "IN_PROGRESS", conclusion, started, done, suite)
        suite.runs.append(made)
        return made

    def run(self, sha: str, suite: w.CheckSuite | None = None, event: str = "push", **facts: Any) -> w.WorkflowRun:
        """A workflow run on a commit."""
        now, number = self.company.now, len(self.it.runs) + 1
        actor = (suite and suite.pusher) or self.company.person("root")
        made = w.WorkflowRun(self.company.world.fresh(), "CI", ".github/workflows/ci.yml", event, sha, suite.branch if suite else "main", number, actor, now, now, now, self.it, suite=suite)  # fmt: skip
        for name, value in facts.items():
            setattr(made, name, value)
        self.it.runs[made.id] = made
        return made

    def status(self, sha: str, context: str, state: str = "SUCCESS", by: w.Account | None = None) -> w.CommitStatus:
        """A commit status."""
        at = self.company.tick()
        made = w.CommitStatus(self.company.world.fresh(), sha, context, state, at, by, self.it)
        self.it.statuses.setdefault(sha, []).append(made)
        return made

    def deploy(
        self,
        sha: str,
        by: w.Account,
        environment: str = "production",
        states: Sequence[str] = ("in_progress", "success"),
        **facts: Any,
    ) -> w.Deployment:
        """A deployment of a commit that goes through those states, five minutes apart; it supersedes the one before."""
        company = self.company
        before = [one for one in self.it.deployments if one.environment == environment and one.statuses]
        ref = facts.pop("ref", f"refs/heads/{self.it.default_branch}")
        made = w.Deployment(company.world.fresh(), sha, ref, environment, by, company.tick(), self.it, **facts)
        for state in states:
            made.statuses.append(w.DeploymentStatus(company.world.fresh(), state, company.tick(minutes=5), by))
        if states and states[-1] == "success" and before and before[-1].statuses[-1].state == "success":
            before[-1].statuses.append(w.DeploymentStatus(company.world.fresh(), "inactive", company.now, by))
        self.it.deployments.append(made)
        return made

    def environment(self, name: str = "production", *reviewers: w.Account, **facts: Any) -> Environment:
        """An environment whose deployments those people approve."""
        made = Environment(self.company.world.fresh(), name, self.company.now, reviewers, **facts)
        self.it.environments.append(made)
        return made

    def protect(self, pattern: str = "", **facts: Any) -> Protection:
        """Classic protection of the default branch, or of a pattern."""
        made = Protection(self.company.world.fresh(), pattern or self.it.default_branch, **facts)
        self.it.protections.append(made)
        return made

    def ruleset(self, *, approvals: int | None = 1, checks: Sequence[str] = ("test",), **facts: Any) -> Ruleset:
        """A ruleset that asks for reviews and checks."""
        now, fresh = self.company.now, self.company.world.fresh
        made = Ruleset(fresh(), "main", "Repository", self.it.full_name, now, now, rules(approvals, checks), **facts)
        self.it.rulesets.append(made)
        return made

    def edit_rules(self, one: Ruleset, by: w.Account, **changes: Any) -> None:
        """Change a ruleset an hour later; its history holds it as it was made and as it is from then on."""
        fresh = self.company.world.fresh
        if not one.history:
            one.history.append(RulesetVersion(fresh(), one.created_at, by, _state(one)))
        for name, value in changes.items():
            setattr(one, name, value)
        one.updated_at = self.company.tick(hours=1)
        one.history.append(RulesetVersion(fresh(), one.updated_at, by, _state(one)))

    def judged(self, row: w.RefUpdate, result: str, *failed: str) -> RuleSuite:
        """What the rules said about a move of a ref."""
        actor = row.actor or self.company.person("root")
        made = RuleSuite(self.company.world.fresh(), row.ref, row.before, row.after, row.at, actor, result, failed)
        self.it.rule_suites.append(made)
        return made

    def release(self, tag: str, by: w.Account, sha: str = "", body: str = "") -> w.Release:
        """A published release of a commit."""
        at = self.company.tick()
        self.it.tags[tag] = sha or self.head()
        made = w.Release(self.company.world.fresh(), tag, tag, by, at, at, self.it, body)
        self.it.releases.append(made)
        return made


def _state(one: Ruleset) -> dict[str, Any]:
    """A ruleset as a version of its history shows it."""
    named = {"id": one.id, "name": one.name, "target": "branch", "enforcement": one.enforcement, "rules": [*one.rules]}
    conditions: dict[str, Any] = {"ref_name": {"include": list(one.include), "exclude": list(one.exclude)}}
    if one.properties:
        wanted = [{"name": name, "property_values": [value]} for name, value in one.properties.items()]
        conditions["repository_property"] = {"include": wanted, "exclude": []}
    elif one.source_type == "Organization":
        conditions["repository_name"] = {"include": ["~ALL"], "exclude": []}
    whole = {"source_type": one.source_type, "source": one.source, "bypass_actors": [*one.bypass]}
    return {**named, **whole, "conditions": conditions}


def rules(approvals: int | None, checks: Sequence[str]) -> list[dict[str, Any]]:
    """REST rule objects for reviews and checks."""
    made: list[dict[str, Any]] = []
    if approvals is not None:
        switches = ("dismiss_stale_reviews_on_push", "require_code_owner_review", "require_last_push_approval")
        wanted = {"required_approving_review_count": approvals, **dict.fromkeys(switches, False)}
        made.append({"type": "pull_request", "parameters": {**wanted, "required_review_thread_resolution": False}})
    if checks:
        listed = [{"context": name, "integration_id": 15368} for name in checks]
        parameters = {"required_status_checks": listed, "strict_required_status_checks_policy": False}
        made.append({"type": "required_status_checks", "parameters": parameters})
    return made


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[w.FileChange, ...]:
    made = []
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            kind = "ADDED" if path not in before else "DELETED" if path not in after else "MODIFIED"
            lines = len(after.get(path, "").splitlines()), len(before.get(path, "").splitlines())
            made.append(w.FileChange(path, kind, *lines))
    return tuple(made)
