"""Edge cases 31 to 35 and 50 to 55: what the collector may see, what the rules were, and what changed meanwhile."""

from __future__ import annotations

from tests.fakes.github import faults, tokens
from tests.fakes.github.builder import rules
from tests.fakes.github.rules import Ruleset, RulesetVersion
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story, scenario
from tests.fakes.github.world import Signer


@scenario("edge-31-partial-answers", C=MET)
def partial(s: Story) -> None:
    """
    GraphQL answers with errors beside data, a 502 on the seventh call, and a secondary limit with status 200.

    Each of them passes when it is asked again, so that nothing is missing in the end.
    """
    for number in range(10):
        s.clean(title=f"ABC-{number + 1} Part")
    where = "POST /graphql"
    s.faults = [
        faults.partial(on=where, at=2),
        faults.status(502, on=where, at=7),
        faults.secondary_graphql(on=where, at=3),
    ]


@scenario("edge-32-protection-denied", E=NOT_TESTED)
def denied(s: Story) -> None:
    """A GITHUB_TOKEN, which cannot read protection: 403 is not `no protection`."""
    s.secret = s.token(tokens.actions("actions-secret", s.api.it.full_name))
    s.api.protect(checks=(("test", None),))
    s.clean()


@scenario("edge-32-bypass-list-hidden", E=MET)
def hidden(s: Story) -> None:
    """
    An App that may read everything sees no bypass actors: they are shown to those who may edit the ruleset.

    Who could bypass the rules is hidden; that nobody did stands in the record of bypasses, which it may read.
    """
    s.app("collector")
    s.secret = s.token(tokens.installation("installation-secret", "collector"))
    s.rules.bypass = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    s.clean()


@scenario("edge-33-bypass-allowed-unused", E=MET)
def unused(s: Story) -> None:
    """Administrators may bypass the rules; nobody did."""
    s.rules.bypass = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    s.clean()


@scenario("edge-33-bypass-used", "UNDOCUMENTED_BYPASS", E=DEVIATION)
def used(s: Story) -> None:
    """An administrator used the bypass to merge without review; the audit log says so."""
    s.rules.bypass = [{"actor_id": 1, "actor_type": "OrganizationAdmin", "bypass_mode": "always"}]
    change = s.open()
    change.check()
    change.merge(s.cat, "squash", result="bypass")
    at = int(s.now.timestamp() * 1000)
    row = {"@timestamp": at, "created_at": at, "action": "protected_branch.policy_override", "actor": "cat"}
    s.world.audit.append({**row, "repo": "acme/api", "org": "acme", "_document_id": "override-1"})


@scenario("edge-34-evaluate-only", E=MET)
def evaluate(s: Story) -> None:
    """The ruleset is in `evaluate` mode: nothing was in force."""
    s.rules.enforcement = "evaluate"
    s.clean()


@scenario("edge-34-disabled-for-an-hour")
def disabled(s: Story) -> None:
    """The ruleset was off for an hour between two looks at it; its history says so."""
    for enforcement in ("active", "disabled", "active"):
        state = {"id": s.rules.id, "name": s.rules.name, "enforcement": enforcement, "rules": s.rules.rules}
        s.rules.history.append(RulesetVersion(s.world.fresh(), s.tick(hours=1), s.cat, state))
    s.rules.updated_at = s.now
    s.clean()


@scenario("edge-35-production-excluded", E=MET)
def excluded(s: Story) -> None:
    """A ruleset for every branch but the production branch, and an organisation's ruleset chosen by property."""
    s.rules.include, s.rules.exclude = ("~ALL",), ("refs/heads/main",)
    now = s.now
    shared = Ruleset(s.world.fresh(), "all", "Organization", "acme", now, now, rules(1, ()), properties={"tier": "1"})
    s.world.rulesets.append(shared)
    s.api.it.properties = {"tier": "2"}
    s.clean()


@scenario("edge-50-outside-git")
def outside(s: Story) -> None:
    """A clean change, and another in a console that no commit shows."""
    s.clean()


@scenario("edge-51-repositories-come-and-go")
def come_and_go(s: Story) -> None:
    """One archived, one empty, one private fork, one renamed and one deleted in the period."""
    s.clean()
    s.repository("old", archived=True)
    s.repository("empty", empty=True)
    s.repository("api-fork", fork=True)
    renamed = s.repository("billing")
    renamed.it.former = ("acme/invoices",)
    s.repository("gone")
    del s.world.repositories["acme/gone"]


@scenario("edge-51-single-sign-on")
def single_sign_on(s: Story) -> None:
    """A classic token that nobody authorised for the organisation's single sign-on: everything is 404."""
    s.clean()
    s.secret = s.token(tokens.classic("unauthorised-secret", "cat", sso_authorised=False))


@scenario("edge-52-workflow-changed", B=MET)
def workflow_changed(s: Story) -> None:
    """The pull request makes its own required check trivially green."""
    s.clean(files={".github/workflows/ci.yml": "run: true", "src/app.py": "untested"})


@scenario("edge-52-fork", C=MET)
def fork(s: Story) -> None:
    """A pull request from a fork that was deleted afterwards."""
    stranger = s.person("eve", "read")
    other = s.repository("api-eve", fork=True).it
    change = s.open(stranger, fork=other)
    change.check(event="pull_request_target")
    change.approve(s.bob)
    change.merge(s.bob, "squash")
    change.it.head_repository = None


@scenario("edge-53-submodule", C=MET)
def submodule(s: Story) -> None:
    """A change of a submodule's commit alone: what it brings was never reviewed here."""
    s.clean(files={"vendor/library": "0123456789abcdef0123456789abcdef01234567"})


@scenario("edge-54-unlinked-address", C=NOT_TESTED, E=NOT_TESTED)
def unlinked(s: Story) -> None:
    """A commit whose address belongs to no account: its author may be the approver."""
    change = s.open()
    signer = Signer("Somebody", "me@laptop.local", s.now, None)
    change.push(s.ann, {"src/unknown.py": "x"}, "By whom?", signer=signer)
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("edge-55-edited-after-merge", A=DEVIATION)
def edited(s: Story) -> None:
    """Title, body and labels were changed a week after the merge to look better."""
    change = s.clean(title="Quick fix", body="")
    s.tick(days=7)
    change.edit(s.ann, title="ABC-1 Quick fix", body="Rollback: revert.")
    change.label("emergency", s.ann)
