"""The acceptance matrix: one scenario for each of its rows, with the letters that it decides."""

from __future__ import annotations

from tests.fakes.github import faults, tokens
from tests.fakes.github.change import merge_queue
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_APPLICABLE, NOT_TESTED, Story, scenario
from tests.fakes.github.world import Approval, WorkflowRun

_LOCK = {"poetry.lock": "requests 2.32.1"}


@scenario("matrix-clean", B=MET, C=MET, D=MET, E=MET, F=NOT_APPLICABLE)
def clean(s: Story) -> None:
    """A clean pull request, approved on its head, green, deployed by the pipeline."""
    s.clean()


@scenario("matrix-stale-approval", "STALE_APPROVAL", B=MET, C=DEVIATION, D=DEVIATION, E=MET, F=NOT_APPLICABLE)
def stale(s: Story) -> None:
    """Approved, then a content push, then merged."""
    change = s.reviewed()
    change.push(s.ann, {"src/late.py": "late"})
    change.check()
    change.merge(s.cat, "squash")


@scenario("matrix-rebased-same-patch", "APPROVAL_REBOUND", B=MET, C=MET, D=MET, E=MET, F=NOT_APPLICABLE)
def rebased(s: Story) -> None:
    """Approved, then the same patch force-pushed on a newer base; GitHub points the review at the new head."""
    change = s.reviewed()
    other = s.clean(title="ABC-2 Other")
    assert other.it.merge_sha
    change.it.reviews[0].commit = change.rebase(s.ann)
    change.check()
    change.merge(s.bob, "squash")


@scenario("matrix-rebased-no-clone", "APPROVAL_REBOUND", B=MET, C=NOT_TESTED, D=NOT_TESTED, E=MET, F=NOT_APPLICABLE)
def rebased_unknown(s: Story) -> None:
    """The same, and GitHub cannot compare the commits, so that nobody can say whether the patch is the same."""
    rebased(s)
    s.faults = [faults.status(404, on="GET /repos/*/compare/*", times=None)]


@scenario("matrix-base-merged", "BASE_MERGE_AFTER_APPROVAL", B=MET, C=MET, D=MET, E=MET, F=NOT_APPLICABLE)
def base_merged(s: Story) -> None:
    """Approved, then a conflict-free merge of the base, then merged."""
    change = s.reviewed()
    s.clean(title="ABC-2 Other")
    change.update_branch(s.ann)
    change.check()
    change.merge(s.bob)


@scenario(
    "matrix-reviewer-is-maker", "REVIEWER_IS_MAKER", B=MET, C=DEVIATION, D=DEVIATION, E=DEVIATION, F=NOT_APPLICABLE
)
def reviewer_is_maker(s: Story) -> None:
    """The reviewer pushed a fix and then approved; nobody else looked."""
    change = s.open()
    change.push(s.bob, {"src/fix.py": "fix"})
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")


@scenario("matrix-emergency-reviewed-after", "POST_REVIEW", B=MET, C=NOT_APPLICABLE, D=DEVIATION, E=MET, F=MET)
def emergency(s: Story) -> None:
    """Labelled an emergency before the merge, approved only afterwards and inside the deadline."""
    why = "The pool of connections is exhausted, and nobody can sign in."
    change = s.open(title="ABC-1 Stop the outage", branch="hotfix/outage", body=why)
    change.label("emergency", s.ann)
    change.check()
    change.merge(s.cat, "squash", result="bypass")
    s.tick(hours=3)
    change.approve(s.bob)


@scenario("matrix-direct-push-bypass", "UNDOCUMENTED_BYPASS", C=DEVIATION, D=DEVIATION, E=DEVIATION, F=DEVIATION)
def direct_push(s: Story) -> None:
    """A direct push without any label; the rules recorded a bypass."""
    made = s.api.push(s.cat, {"src/app.py": "hotfix"}, "Fix it now")
    s.api.judged(s.api.it.activity[-1], "bypass", "pull_request")
    s.api.check(made.sha)


@scenario(
    "matrix-direct-push-checks-expired", "CI_EVIDENCE_EXPIRED", B=NOT_TESTED, C=DEVIATION, D=DEVIATION, E=DEVIATION, F=DEVIATION
)  # fmt: skip
def expired(s: Story) -> None:
    """A direct push whose checks the retention setting has deleted."""
    direct_push(s)
    s.api.it.settings.retention_days = 30
    s.tick(days=60)


@scenario("matrix-standard-change", "STANDARD_CHANGE", B=MET, C=NOT_APPLICABLE, D=MET, E=MET, F=NOT_APPLICABLE)
def standard(s: Story) -> None:
    """
    A patch bump by Dependabot: a lock file only, green, merged by itself; the policy allows it.

    It was approved beforehand, so that nobody has to look at this one.
    """
    bot = s.bot("dependabot[bot]")
    change = s.open(bot, "Bump requests from 2.32.0 to 2.32.1", branch="dependabot/pip/requests-2.32.1", files=_LOCK)
    change.auto_merge(s.cat)
    change.check()
    change.merge(s.bot("github-actions[bot]"), "squash")


@scenario(
    "matrix-standard-change-void",
    "STANDARD_CHANGE_VOID",
    B=MET,
    C=DEVIATION,
    D=DEVIATION,
    E=DEVIATION,
    F=NOT_APPLICABLE,
)
def standard_void(s: Story) -> None:
    """The same with a commit by a person on the branch."""
    bot = s.bot("dependabot[bot]")
    change = s.open(bot, "Bump requests from 2.32.0 to 2.32.1", branch="dependabot/pip/requests-2.32.1", files=_LOCK)
    change.push(s.ann, {"src/app.py": "adapted"}, "Adapt to requests 2.32.1")
    change.check()
    change.merge(s.bot("github-actions[bot]"), "squash")


@scenario("matrix-merge-queue", "TESTED_IN_QUEUE", B=MET, C=MET, D=MET, E=MET, F=NOT_APPLICABLE)
def queue(s: Story) -> None:
    """A merge queue: red on the head of the pull request, green on the commit that landed."""
    change = s.open()
    change.check(conclusion="FAILURE")
    change.approve(s.bob)
    change.enqueue(s.bob)
    merge_queue([change])


@scenario("matrix-skipped-check", "SKIPPED_TESTS", B=DEVIATION, C=MET, D=MET, E=MET, F=NOT_APPLICABLE)
def skipped(s: Story) -> None:
    """The required check was skipped by a path filter, and the policy does not accept that."""
    change = s.open()
    change.check(conclusion="SKIPPED", seconds=0)
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario(
    "matrix-token-without-checks", "EVIDENCE_PARTIAL", B=NOT_TESTED, C=MET, D=MET, E=NOT_TESTED, F=NOT_TESTED
)  # fmt: skip
def without_checks(s: Story) -> None:
    """
    A fine-grained token, which cannot read checks; the workflow runs of the head are green.

    It cannot read the record of bypasses either, so that nobody knows whether one was used.
    """
    s.secret = s.token(tokens.fine_grained("fine-grained-secret", "cat"))
    s.clean()


@scenario("matrix-ticket-backfilled", "TICKET_BACKFILLED", A=DEVIATION, B=MET, C=MET, D=MET, E=MET, F=NOT_APPLICABLE)
def backfilled(s: Story) -> None:
    """Clean here; the ticket that the title names was created after the merge."""
    s.clean(title="ABC-99 Change")


@scenario("matrix-promotion", "CONSTITUENT_FAILED", C=DEVIATION, D=DEVIATION, E=DEVIATION, F=NOT_APPLICABLE)
def promotion(s: Story) -> None:
    """A promotion from develop to main that carries 30 pull requests, two of them never reviewed."""
    s.api.move("develop", s.api.head(), s.cat)
    for number in range(30):
        part = s.open(title=f"ABC-{number + 2} Part", base="develop")
        part.check()
        if number not in (7, 19):
            part.approve(s.bob)
        part.merge(s.bob, "squash")
    change = s.open(s.cat, "ABC-1 Release", branch="develop", head=s.api.head("develop"))
    change.check()
    change.approve(s.bob)
    change.merge(s.cat)


@scenario("matrix-rollback", "ROLLBACK", B=MET, C=NOT_APPLICABLE, D=MET, E=MET, F=MET)
def rollback(s: Story) -> None:
    """An older commit deployed again after an incident, through the gate of the environment."""
    s.api.environment("production", s.bob, s.cat, prevent_self_review=True)
    first = s.clean()
    s.clean(title="ABC-2 Broken")
    assert first.it.merge_sha
    s.tick(hours=1)
    run = approve_run(s, first.it.merge_sha)
    s.deploy(first.it.merge_sha, states=("waiting", "in_progress", "success"), run=run)


def approve_run(s: Story, sha: str) -> WorkflowRun:
    """A deployment run of that commit which Bob approved for production."""
    run = s.api.run(sha, event="workflow_dispatch", name="Deploy", path=".github/workflows/deploy.yml", actor=s.cat)
    run.approvals.append(Approval(("production",), "approved", s.bob, "INC-1"))
    return run
