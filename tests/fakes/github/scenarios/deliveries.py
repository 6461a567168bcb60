"""Edge cases 36 to 49: deployments, tickets, bots, reverts, emergencies and repositories with several products."""

from __future__ import annotations

from tests.fakes.github.scenarios import matrix
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story, scenario
from tests.fakes.github.world import Approval


@scenario("edge-36-superseded-deployment", H=MET)
def superseded(s: Story) -> None:
    """A successful deployment reads INACTIVE because another followed; odd names, a preview marked as production."""
    for environment in ("prod-eu", "production/api", "production"):
        change = s.reviewed(title=f"ABC-1 To {environment}")
        change.merge(s.bob, "squash")
        s.deploy(environment=environment)
    s.deploy(environment="production")
    s.deploy(environment="preview-17", transient=True, production=True)


@scenario("edge-37-other-sha-deployed", H=MET)
def other_sha(s: Story) -> None:
    """
    What was deployed is a cherry-pick on a release branch, not the merged commit.

    The release branch was cut after the merge, so that the graph of commits shows the change to be in what was deployed.
    """
    change = s.reviewed()
    merged = change.merge(s.bob, "squash")
    words = f"Pick\n\n(cherry picked from commit {merged.sha})"
    picked = s.api.push(s.cat, {"src/change-1.py": "ABC-1 Change"}, words, branch="release/1")
    s.api.release("v1.0.0", s.cat, picked.sha)
    s.deploy(picked.sha, ref="refs/tags/v1.0.0")


@scenario("edge-38-failed-then-retried", H=MET)
def retried(s: Story) -> None:
    """One deployment of three changes fails, is retried, with a rollback between."""
    before = s.clean(title="ABC-9 Before").it.merge_sha or ""
    for number in range(3):
        s.reviewed(title=f"ABC-{number + 1} Part").merge(s.bob, "squash")
    s.deploy(states=("in_progress", "failure"))
    s.deploy(before)
    s.deploy()


@scenario("edge-39-author-approves-deployment", D=DEVIATION)
def self_approved(s: Story) -> None:
    """The author let her own change through the gate of the environment, which allows that; a timer is no approval."""
    s.api.environment("production", s.ann, s.bob, wait_minutes=30)
    change = s.reviewed()
    merged = change.merge(s.bob, "squash")
    run = s.api.run(merged.sha, name="Deploy", path=".github/workflows/deploy.yml", actor=s.ann)
    run.approvals.append(Approval(("production",), "approved", s.ann))
    s.deploy(states=("waiting", "in_progress", "success"), run=run)


scenario("edge-40-ticket-backfilled", "TICKET_BACKFILLED", A=DEVIATION)(matrix.backfilled)


@scenario("edge-40-look-alike-keys", A=DEVIATION)
def look_alikes(s: Story) -> None:
    """Words that look like tickets and are none, and a key inside a template comment."""
    s.clean(title="Fix CVE-2024-1 with UTF-8 and SHA-256", body="<!-- e.g. ABC-1 -->\nNothing to add.")


@scenario("edge-40-key-in-branch", A=MET)
def branch_key(s: Story) -> None:
    """The key stands in the branch alone, in lower case."""
    s.clean(title="Change", branch="feature/abc-1-change")


@scenario("edge-41-umbrella-ticket", A=MET)
def umbrella(s: Story) -> None:
    """One epic for many pull requests."""
    for _ in range(5):
        s.clean(title="ABC-100 Miscellaneous maintenance")


@scenario("edge-42-service-management-approval", A=MET)
def service_management(s: Story) -> None:
    """The code side of a change whose ticket needed one of several approvers, declined first."""
    s.clean(title="CHG-7 Change")


@scenario("edge-43-bot-with-human-commit", "STANDARD_CHANGE_VOID", C=DEVIATION)
def bot_and_person(s: Story) -> None:
    """A Dependabot pull request with a person's commit on top."""
    matrix.standard_void(s)


@scenario("edge-43-renovate-body", A=DEVIATION)
def renovate(s: Story) -> None:
    """Renovate's body is full of other projects' keys, and the bump is a major one."""
    bot = s.bot("renovate[bot]")
    body = "### Release notes\n- ABC-1 fixed\n- XYZ-9 fixed (#12)"
    s.clean(
        bot, "Update dependency left-pad to v2", files={"package-lock.json": "2"}, branch="renovate/left-pad", body=body
    )


@scenario("edge-44-revert-unreviewed", C=DEVIATION)
def revert(s: Story) -> None:
    """A revert with the button, merged without review; then the revert reverted."""
    change = s.clean()
    number, words = change.it.number, f'Revert "{change.it.title}"'
    body = f"Reverts acme/api#{number}"
    message = f"{words}\n\nThis reverts commit {change.it.merge_sha}."
    undone = s.open(
        s.cat, words, branch=f"revert-{number}-change-1", files={"src/change-1.py": None}, body=body, message=message
    )
    undone.check()
    undone.merge(s.cat, "squash", result="bypass")
    again = s.open(s.cat, f'Revert "{words}"', files={"src/change-1.py": "ABC-1 Change"}, body="Reverts acme/api#2")
    again.check()
    again.approve(s.bob)
    again.merge(s.cat, "squash")


@scenario("edge-45-same-patch-twice", C=MET)
def backport(s: Story) -> None:
    """A hotfix on the release branch, later the same patch on main: two changes, one review."""
    s.api.move("release/1", s.api.head(), s.cat)
    first = s.clean(base="release/1", branch="hotfix/one", files={"src/fix.py": "fix"})
    second = s.open(title="ABC-1 Forward", branch="backport/one", files={"src/fix.py": "fix"}, message=f"Fix\n\n(cherry picked from commit {first.it.merge_sha})")  # fmt: skip
    second.check()
    second.merge(s.cat, "squash", result="bypass")


@scenario("edge-46-label-after-the-fact", F=DEVIATION)
def late_label(s: Story) -> None:
    """The label `emergency` came after the merge, and nobody ever reviewed it."""
    change = s.open()
    change.check()
    change.merge(s.cat, "squash", result="bypass")
    s.tick(days=1)
    change.label("emergency", s.cat)
    s.tick(days=20)


@scenario("edge-46-reviewed-by-maker", F=DEVIATION)
def reviewed_by_maker(s: Story) -> None:
    """An emergency that its own maker reviewed afterwards."""
    change = s.open(branch="hotfix/own")
    change.label("emergency", s.ann)
    change.push(s.bob, {"src/fix.py": "fix"})
    change.check()
    change.merge(s.cat, "squash", result="bypass")
    change.approve(s.bob)
    s.tick(days=7)


@scenario("edge-46-deadline-running", F=NOT_TESTED)
def running(s: Story) -> None:
    """An emergency merged an hour before the collection: its review is pending, not late."""
    s.tick(days=20)
    change = s.open(branch="hotfix/now")
    change.label("emergency", s.ann)
    change.check()
    change.merge(s.cat, "squash", result="bypass")


@scenario("edge-47-renamed-out-of-scope", C=MET)
def renamed(s: Story) -> None:
    """Documentation only, and a file of the product that was renamed out of the filtered folder."""
    s.clean(title="ABC-2 Words", files={"docs/guide.md": "guide"})
    change = s.clean(files={"src/app.py": None, "legacy/app.py": "print()\n"})
    change.it.files[0].kind, change.it.files[0].path = "RENAMED", "legacy/app.py"
    change.it.files[0].previous = "src/app.py"
    del change.it.files[1:]


@scenario("edge-48-two-products", C=MET)
def two_products(s: Story) -> None:
    """One pull request touches two products with their own owners and environments."""
    s.api.push(s.cat, {".github/CODEOWNERS": "/shop/ @ann\n/bank/ @bob @acme/nobody\n"}, "Owners")
    s.clean(files={"shop/app.py": "shop", "bank/app.py": "bank"})
    s.deploy(environment="shop-production")
    s.deploy(environment="bank-production")


@scenario("edge-49-deployment-by-commit", H=NOT_TESTED)
def gitops(s: Story) -> None:
    """
    Another repository's bot commits the image's digest: that commit is the deployment of the reviewed change.

    No record of GitHub calls it a deployment, so that whether and when it succeeded is not known.
    """
    change = s.reviewed()
    merged = change.merge(s.bob, "squash")
    other = s.repository("deployments")
    other.push(s.bot("deployer[bot]"), {"api.yaml": "sha256:0"}, f"Deploy acme/api\n\nSource-commit: {merged.sha}")
