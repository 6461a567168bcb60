"""The worlds of the campaign: between them they hold every kind of evidence about changes, and most outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.github import world as w
from tests.fakes.github.builder import Repo, rules
from tests.fakes.github.change import merge_queue
from tests.fakes.github.scenarios.story import Story
from tests.fakes.jira.world import Person, Ticket, World

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
"""When the collection begins: the period is over."""
_CREATED = datetime(2026, 10, 1, 8, tzinfo=UTC)
LEAD = Person("lena")
DEPLOY = ".github/workflows/deploy.yml"
API = "[{repository: acme/api, environments: ['prod*']}]"
JIRA_SECRET, JIRA_USER = "jira-secret", "me@acme.example"


class Stage(Story):
    """A GitHub and a Jira of one company."""

    def __init__(self, *, cloud: bool = True) -> None:
        super().__init__()
        self.cloud = cloud
        self.jira = World(cloud=cloud, context="" if cloud else "/jira", expand=100 if cloud else 2)
        self.jira.token(JIRA_SECRET, **({"user": JIRA_USER} if cloud else {}))

    def ticket(self, key: str = "API-1", at: datetime = _CREATED, by: Person = LEAD, after: float = 1.0) -> Ticket:
        """A ticket that was approved so many hours after it was made."""
        made = self.jira.ticket(key, at=at)
        self.jira.move(made, "Approved", by, after=after)
        return made

    def bypassed(self, title: str, conclusion: str = "SUCCESS", approved: bool = False) -> None:
        """A change that Cat merged although the rules refused it."""
        change = self.open(title=title)
        change.check(conclusion=conclusion)
        if approved:
            change.approve(self.bob)
        change.merge(self.cat, "squash", result="bypass")

    def released(self, **facts: Any) -> None:
        """The tip goes to production by a workflow that Cat let through the gate."""
        run = self.api.run(self.api.head(), name="Deploy", path=DEPLOY, **facts)
        run.approvals.append(w.Approval(("production",), "approved", self.cat))
        self.deploy(states=("waiting", "in_progress", "success"), run=run)

    def overridden(self, repo: Repo) -> None:
        """What the audit log of the organisation says when protection was overridden just now."""
        at = int((self.now + timedelta(seconds=2)).timestamp() * 1000)
        row = {"@timestamp": at, "created_at": at, "action": "protected_branch.policy_override", "actor": "cat"}
        self.world.audit.append({**row, "repo": f"acme/{repo.it.name}", "org": "acme", "_document_id": "o-1"})


def orderly() -> Stage:
    """Two changes that did everything right, each deployed through a gate."""
    stage = Stage()
    stage.api.environment("production", stage.bob, stage.cat, prevent_self_review=True)
    for key in ("API-1", "API-2"):
        stage.ticket(key)
        change = stage.reviewed(title=f"{key} Change")
        stage.api.status(change.it.head_sha, "ci/x", "SUCCESS", stage.bot("ci[bot]"))
        change.merge(stage.bob, "squash")
        stage.api.check(stage.api.head())
        stage.released(event="push", actor=stage.bot("github-actions[bot]"))
    stage.api.release("v1", stage.bob, body="Notes of many things: API-1 and API-2")
    return stage


def disorderly() -> Stage:
    """Changes without approval, with a stale or dismissed one, red, pushed, overridden; two repositories."""
    stage = Stage()
    stage.ticket()
    stage.api.environment("production", stage.bob, stage.cat)
    stage.rules.bypass = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    stage.bypassed("API-1 unapproved")
    stale = stage.reviewed(title="API-1 stale")
    stale.push(stage.ann, {"late": "1"})
    stale.check()
    stale.merge(stage.bob, "squash")
    stage.bypassed("API-1 red", "FAILURE", approved=True)
    dismissed = stage.reviewed(title="API-1 dismissed")
    dismissed.dismiss(dismissed.it.reviews[0], stage.cat)
    dismissed.merge(stage.cat, "squash", result="bypass")
    objection = stage.open(title="API-1 objection")
    objection.check("test", "FAILURE")
    objection.check()
    objection.approve(stage.bob)
    objection.review(stage.cat, "CHANGES_REQUESTED")
    objection.merge(stage.bob, "squash")
    hot = stage.open(title="API-1 hot")
    hot.label("hotfix", stage.ann)
    hot.unlabel("hotfix", stage.ann)
    hot.check()
    hot.merge(stage.ann, "squash", result="bypass")
    made = stage.api.push(stage.cat, {"d": "1"}, "API-1 direct")
    stage.api.judged(stage.api.it.activity[-1], "bypass", "pull_request")
    stage.api.check(made.sha)
    stage.released(event="workflow_dispatch", actor=stage.cat)
    stage.deploy(states=("in_progress", "failure"))
    _second_repository(stage)
    return stage


def _second_repository(stage: Stage) -> None:
    web = stage.repository("web")
    web.protect(checks=(("test", None),))
    web.it.collaborators |= {"cat": "admin"}
    red = web.open(stage.ann, "API-1 override")
    red.check(conclusion="FAILURE")
    red.approve(stage.bob)
    red.merge(stage.cat, "squash")
    stage.overridden(web)
    fine = web.open(stage.ann, "API-1 fine")
    fine.check()
    fine.approve(stage.bob)
    fine.merge(stage.bob, "squash")


def ruled() -> Stage:
    """A ruleset that was edited, switched off for a change, and switched on again."""
    stage = Stage()
    stage.ticket()
    stage.reviewed(title="API-1 one").merge(stage.bob, "squash")
    red = stage.reviewed(title="API-1 lint red")
    red.check("lint", "FAILURE")
    stage.api.edit_rules(stage.rules, stage.cat, rules=rules(1, ("test", "lint")))
    red.merge(stage.bob, "squash", result="bypass")
    stage.api.edit_rules(stage.rules, stage.cat, enforcement="disabled")
    stage.open(title="API-1 off").merge(stage.ann, "squash")
    stage.api.edit_rules(stage.rules, stage.cat, enforcement="active", rules=rules(1, ("test",)))
    stage.reviewed(title="API-1 three").merge(stage.bob, "squash")
    stage.deploy()
    return stage


def stepwise() -> Stage:
    """A merge queue, rebased requests, and a promotion of what had landed on another branch."""
    stage = Stage()
    stage.ticket()
    stage.ticket("API-2")
    red = stage.open(title="API-1 q")
    red.check(conclusion="FAILURE")
    red.approve(stage.bob)
    red.enqueue(stage.bob)
    green = stage.open(stage.bob, title="API-2 q")
    green.check()
    green.approve(stage.ann)
    green.enqueue(stage.ann)
    merge_queue([red, green])
    rebased = stage.open(title="API-1 reb")
    rebased.push(stage.ann, {"second": "1"}, "API-1 two")
    rebased.check()
    rebased.approve(stage.bob)
    rebased.merge(stage.bob, "rebase")
    alone = stage.open(title="API-2 reb bad")
    alone.push(stage.ann, {"third": "1"}, "API-2 x")
    alone.merge(stage.ann, "rebase", result="bypass")
    _promoted(stage)
    stage.deploy()
    return stage


def _promoted(stage: Stage) -> None:
    stage.api.move("develop", stage.api.head(), stage.cat)
    for title, approved in (("API-1 part", True), ("API-2 part", False)):
        part = stage.open(title=title, base="develop")
        part.check()
        if approved:
            part.approve(stage.bob)
        part.merge(stage.bob, "squash")
    whole = stage.open(stage.cat, "API-1 Release", branch="develop", head=stage.api.head("develop"))
    whole.check()
    whole.approve(stage.bob)
    whole.merge(stage.cat)


def ticketed(*, cloud: bool) -> Stage:
    """Changes whose tickets were approved, withdrawn, declined, approved too late or by the maker, moved, or are unknown."""
    stage = Stage(cloud=cloud)
    jira, late = stage.jira, 24 * 20
    stage.ticket()
    jira.move(stage.ticket("API-2"), "Open", LEAD)
    jira.move(stage.ticket("API-3"), "Done", LEAD, after=late)
    jira.approve(jira.ticket("API-4", at=_CREATED, type="Change"), "approved", (LEAD, "approved"))
    jira.approve(jira.ticket("API-5", at=_CREATED), "declined", (LEAD, "declined"))
    stage.ticket("API-6", by=Person("ann"))
    stage.ticket("API-7", at=_CREATED + timedelta(days=25))
    jira.rename(stage.ticket("API-8"), "WEB-8")
    busy = stage.ticket("API-9")
    for number in range(4):
        jira.edit(busy, "summary", f"{number}", f"{number + 1}", LEAD)
    stage.ticket("API-10", after=late)
    sudden = jira.ticket("WEB-1", at=_CREATED + timedelta(days=6), type="Emergency")
    jira.approve(sudden, "pending", (LEAD, "pending"))
    for key in (*(f"API-{number}" for number in range(1, 11)), "API-77"):
        stage.reviewed(title=f"{key} Change").merge(stage.bob, "squash")
    stage.deploy()
    return stage


@dataclass(frozen=True)
class Scene:
    """How a world is built and configured."""

    build: Callable[[], Stage]
    scope: str = API
    policy: str = ""


_SERVICE = "policy: {ticket: {mode: service_management}}\n"
WORLDS: Mapping[str, Scene] = {
    "a": Scene(orderly),
    "b": Scene(disorderly, "[{repository: acme/api, environments: ['prod*']}, {repository: acme/web}]"),
    "c": Scene(ruled),
    "d": Scene(stepwise),
    "e1": Scene(lambda: ticketed(cloud=True)),
    "e2": Scene(lambda: ticketed(cloud=False)),
    "e3": Scene(lambda: ticketed(cloud=True), policy=_SERVICE),
    "e4": Scene(lambda: ticketed(cloud=False), policy=_SERVICE),
}
"""By name: a all is well, b hardly anything is, c rules change, d indirect ways, e tickets (Cloud, Data Center, and both again with approvals of Service Management)."""
