"""Edge cases 1, 2 and 16 to 30: how commits reach the branch, and what the checks said then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.fakes.github.builder import rules
from tests.fakes.github.change import merge_queue
from tests.fakes.github.rules import RulesetVersion
from tests.fakes.github.scenarios import matrix
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_APPLICABLE, NOT_TESTED, Story, scenario

scenario("edge-01-direct-push", "UNDOCUMENTED_BYPASS", C=DEVIATION, E=DEVIATION)(matrix.direct_push)


@scenario("edge-02-merged-by-push", C=DEVIATION)
def merged_by_push(s: Story) -> None:
    """The head of an unreviewed pull request pushed to main: merged, and no button was pressed."""
    change = s.open()
    change.merge_by_push(s.cat)


@scenario("edge-16-queue-group", B=MET, C=MET)
def queue_group(s: Story) -> None:
    """Three pull requests land in one move of main; the queue's bot merged, and only the group's last commit was tested."""
    changes = [s.reviewed(title=f"ABC-{number} Part") for number in (1, 2, 3)]
    for change in changes:
        change.enqueue(s.bob)
    merge_queue(changes, check_each=False)


@scenario("edge-17-auto-merge", C=MET, D=MET)
def auto_merge(s: Story) -> None:
    """Auto-merge enabled by Ann before Bob approved: she decided, GitHub carried it out."""
    change = s.open()
    change.auto_merge(s.ann)
    change.check()
    change.approve(s.bob)
    change.merge(s.ann, "squash")


@scenario("indirect-merge", B=MET, C=MET, D=MET, E=MET)
def merged_along(s: Story) -> None:
    """Ann's approved request held all commits of another one, which GitHub marked as merged along with it."""
    first = s.open(title="ABC-2 Part")
    whole = s.open(title="ABC-1 Whole")
    whole.it.head_sha = first.it.head_sha
    whole.push(s.ann, {"src/more.py": "more"})
    whole.check()
    whole.approve(s.bob)
    whole.merge(s.bob, "merge")
    first._merged(s.bob, s.api.it.commits[s.api.head()].parents[0], first.it.head_sha)


@scenario("indirect-merge-approved-by-its-maker", C=DEVIATION, E=DEVIATION)
def merged_along_by_its_maker(s: Story) -> None:
    """The same, where the other request was opened by whoever approved."""
    first = s.open(s.bob, title="ABC-2 Part")
    whole = s.open(title="ABC-1 Whole")
    whole.it.head_sha = first.it.head_sha
    whole.push(s.ann, {"src/more.py": "more"})
    whole.check()
    whole.approve(s.bob)
    whole.merge(s.cat, "merge")
    first._merged(s.cat, s.api.it.commits[s.api.head()].parents[0], first.it.head_sha)


@scenario("edge-18-squash", C=MET)
def squash(s: Story) -> None:
    """Two authors squashed into one commit: the second survives in a trailer only."""
    change = s.open()
    change.push(s.cat, {"src/second.py": "second"})
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("edge-19-rebase", C=MET)
def rebase(s: Story) -> None:
    """Three commits merged by rebase: three new names, and `mergeCommit` is the last of them only."""
    change = s.open()
    change.push(s.ann, {"src/two.py": "2"}, "Second")
    change.push(s.ann, {"src/three.py": "3"}, "Third")
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "rebase")
    for sha in list(s.api.it.introduced):
        if sha != change.it.merge_sha:
            del s.api.it.introduced[sha]


scenario("edge-20-promotion", "CONSTITUENT_FAILED", C=DEVIATION)(matrix.promotion)


@scenario("edge-21-production-branch", C=MET)
def other_branch(s: Story) -> None:
    """Production is `release`, not the default branch, and the default branch is renamed in the period."""
    s.api.move("release", s.api.head(), s.cat)
    s.clean(base="release")
    s.api.move("trunk", s.api.head(), s.cat)
    s.api.delete("main", s.cat)
    s.api.it.default_branch = "trunk"


@scenario("edge-21-bypass-before-the-rename", "UNDOCUMENTED_BYPASS", C=DEVIATION, E=DEVIATION)
def bypassed_before_the_rename(s: Story) -> None:
    """An administrator merged past the rules of main, and main was renamed afterwards."""
    change = s.open()
    change.check()
    change.merge(s.cat, "squash", result="bypass")
    s.api.move("trunk", s.api.head(), s.cat)
    s.api.delete("main", s.cat)
    s.api.it.default_branch = "trunk"


@scenario("edge-21-kept-before-the-rename", C=MET, E=MET, F=NOT_APPLICABLE)
def kept_before_the_rename(s: Story) -> None:
    """The same of a change that kept the rules: the ledger is asked for under the old name, too."""
    s.clean()
    s.api.move("trunk", s.api.head(), s.cat)
    s.api.delete("main", s.cat)
    s.api.it.default_branch = "trunk"


@scenario("edge-21-branch-cut", C=MET)
def cut(s: Story) -> None:
    """A release branch, which is a production branch too, is cut from main after a reviewed merge, and gets its own."""
    s.clean()
    s.api.move("release/1", s.api.head(), s.cat)
    s.clean(title="ABC-2 Fix", base="release/1")


@scenario("edge-22-history-rewritten", C=DEVIATION)
def rewritten(s: Story) -> None:
    """A force-push on main removes a reviewed merge, whose commit nothing reaches any more."""
    base = s.api.head()
    s.clean()
    made = s.api.commit(s.cat, {"src/other.py": "other"}, [base], "Rewrite")
    s.tick()
    s.api.judged(s.api.move("main", made.sha, s.cat), "bypass", "non_fast_forward")


@scenario("edge-23-back-dated", C=DEVIATION)
def back_dated(s: Story) -> None:
    """A commit dated months before the period, pushed inside it; and one dated after it."""
    s.api.push(s.cat, {"src/old.py": "old"}, "Old work", dated=datetime(2026, 1, 1, tzinfo=UTC))
    s.api.push(s.cat, {"src/new.py": "new"}, "Early work", dated=datetime(2027, 1, 1, tzinfo=UTC))


@scenario("edge-24-month-boundary", C=MET)
def boundary(s: Story) -> None:
    """Merged one second before and one second after the UTC month ended."""
    first, second = s.reviewed(), s.reviewed(title="ABC-2 Next")
    s.world.now = datetime(2026, 10, 31, 23, 58, 59, tzinfo=UTC)
    first.merge(s.bob, "squash")
    s.world.now = datetime(2026, 10, 31, 23, 59, 1, tzinfo=UTC)
    second.merge(s.bob, "squash")


@scenario("edge-25-index-lag", C=MET)
def lag(s: Story) -> None:
    """`associatedPullRequests` knows nothing of the newest merge, and names a pull request of another base besides."""
    change = s.clean()
    s.world.index_lag = timedelta(days=2)
    other = s.open(title="ABC-2 Backport", base="main", branch="elsewhere")
    s.api.it.introduced[change.it.merge_sha or ""].insert(0, other.it)


@scenario("edge-26-check-renamed", B=NOT_TESTED)
def renamed_check(s: Story) -> None:
    """
    The required check was renamed after the merge: today's `isRequired` says nothing of then.

    A rule that was changed since is no proof of what was asked at the merge, and nothing else tells.
    """
    s.clean()
    state = {"id": s.rules.id, "name": "main", "enforcement": "active", "rules": s.rules.rules}
    s.rules.history.append(RulesetVersion(s.world.fresh(), s.rules.created_at, s.cat, state))
    s.rules.rules, s.rules.updated_at = rules(1, ("test-all",)), s.tick()
    state = {**state, "rules": s.rules.rules}
    s.rules.history.append(RulesetVersion(s.world.fresh(), s.now, s.cat, state))


scenario("edge-27-skipped-check", "SKIPPED_TESTS", B=DEVIATION)(matrix.skipped)


@scenario("edge-27-neutral-check", B=DEVIATION)
def neutral(s: Story) -> None:
    """The required check ended neutral, which the policy does not accept."""
    change = s.open()
    change.check(conclusion="NEUTRAL")
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("edge-27-forged-check", B=DEVIATION)
def forged(s: Story) -> None:
    """A check and a status of the required name, both from somebody else than the required App."""
    change = s.open()
    change.check(app=s.app("other-ci"))
    s.api.status(change.it.head_sha, "test", by=s.ann)
    change.approve(s.bob)
    change.merge(s.cat, "squash", result="bypass")


@scenario("edge-28-rerun-to-green", B=MET)
def rerun(s: Story) -> None:
    """
    Red, red, then green before the merge.

    The last attempt before the merge decides. Earlier ones are asked for only when one ran after the merge, so that
    they leave no flag here.
    """
    change = s.open()
    for conclusion in ("FAILURE", "FAILURE", "SUCCESS"):
        change.check(conclusion=conclusion)
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("edge-28-check-after-merge", "CHECK_AFTER_MERGE", B=DEVIATION)
def late_check(s: Story) -> None:
    """An administrator merged while the check was running; it ended green afterwards."""
    change = s.open()
    run = change.check(conclusion=None)
    change.approve(s.bob)
    change.merge(s.cat, "squash", result="bypass")
    run.status, run.conclusion, run.completed_at = "COMPLETED", "SUCCESS", s.tick(minutes=10)


@scenario("edge-29-evidence-expired", "CI_EVIDENCE_EXPIRED", B=NOT_TESTED)
def evidence_expired(s: Story) -> None:
    """A clean change whose checks the retention setting has deleted since."""
    s.clean()
    s.api.it.settings.retention_days = 1
    s.tick(days=30)


@scenario("edge-29-run-deleted", B=NOT_TESTED)
def run_deleted(s: Story) -> None:
    """A clean-up job deleted the workflow run, and its checks with it."""
    s.clean()
    s.api.it.runs.clear()
    s.api.it.suites.clear()


@scenario("edge-30-long-lists", C=NOT_TESTED)
def long_lists(s: Story) -> None:
    """
    More than 100 checks, reviews and timeline items, 250 commits and 3,000 files; what counts comes last.

    GitHub lists no more than 250 commits, so that who made the others, and whether Bob was one of them, is not known.
    """
    change = s.open(files={f"data/{number}.txt": "x" for number in range(3100)})
    tip = change.it.head_sha
    for number in range(259):
        tip = s.api.commit(s.ann, {"src/app.py": str(number)}, [tip], f"Step {number}").sha
    change._land(tip, s.ann)
    for number in range(119):
        change.check(f"extra-{number}", seconds=1)
        change.review(s.bob, "COMMENTED")
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")
