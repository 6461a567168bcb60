"""Edge cases 3 to 15: whose approval it was, of what, and when."""

from __future__ import annotations

from tests.fakes.github.change import Change
from tests.fakes.github.scenarios import matrix
from tests.fakes.github.scenarios.story import DEVIATION, MET, NOT_TESTED, Story, scenario

scenario("edge-03-approval-then-push", "STALE_APPROVAL", C=DEVIATION, D=DEVIATION)(matrix.stale)
scenario("edge-04-approval-rebound", "APPROVAL_REBOUND", C=NOT_TESTED, D=NOT_TESTED)(matrix.rebased_unknown)
scenario("edge-05-base-merge-clean", "BASE_MERGE_AFTER_APPROVAL", C=MET, D=MET)(matrix.base_merged)


@scenario("edge-05-base-merge-conflict", "STALE_APPROVAL", C=DEVIATION, D=DEVIATION)
def conflict(s: Story) -> None:
    """Approved, then the base merged by hand with a conflict resolved in code that nobody saw."""
    change = s.reviewed(files={"src/app.py": "ann"})
    s.clean(title="ABC-2 Other", files={"src/app.py": "other"})
    change.update_branch(s.ann, {"src/app.py": "resolved, and something more"})
    change.check()
    change.merge(s.cat)


@scenario("edge-06-forced-back", C=MET, D=MET)
def forced_back(s: Story) -> None:
    """Approved, another commit pushed, then the head forced back to the approved one."""
    change = s.reviewed()
    approved = change.it.head_sha
    change.push(s.ann)
    change.reset(s.ann, approved)
    change.merge(s.bob, "squash")


@scenario("edge-06-replaced-by-approver", "APPROVER_WROTE_REPLACED_COMMITS", C=NOT_TESTED, D=NOT_TESTED)
def replaced_by_approver(s: Story) -> None:
    """Bob pushed a commit, Ann folded it into hers and forced that over it, Bob approved what may be half his own."""
    change = _folded(s)
    change.approve(s.bob)
    change.merge(s.cat, "squash")


@scenario("edge-06-replaced-by-approver-after-many", "APPROVER_WROTE_REPLACED_COMMITS", C=NOT_TESTED, D=NOT_TESTED)
def replaced_by_approver_after_many(s: Story) -> None:
    """The same after Ann had forced over her own commits four times: more than one answer has room for."""
    change = s.open()
    for _ in range(4):
        change.rebase(s.ann)
    change.push(s.bob, {"src/fix.py": "fix"})
    change.rebase(s.ann)
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")


@scenario("edge-06-replaced-by-another", C=MET, D=MET)
def replaced_by_another(s: Story) -> None:
    """The same, and Cat approved, who wrote nothing of either."""
    change = _folded(s)
    change.approve(s.cat)
    change.merge(s.bob, "squash")


@scenario("edge-06-replaced-base-merge", C=MET, D=MET)
def replaced_base_merge(s: Story) -> None:
    """Bob pressed the button that merges the base, Ann rebased that away, Bob approved: he wrote nothing."""
    change = s.open()
    s.clean(title="ABC-2 Other")
    own = change.it.commits
    change.update_branch(s.bob)
    change.it.commits = own
    change.rebase(s.ann)
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")


@scenario("edge-05-approver-updated-the-branch", "BASE_MERGE_AFTER_APPROVAL", C=MET, D=MET, E=MET)
def approver_updated(s: Story) -> None:
    """Bob approved and then pressed the button that merges the base, so that the squash names him as a co-author."""
    change = s.reviewed()
    s.clean(title="ABC-2 Other")
    change.update_branch(s.bob)
    change.check()
    change.merge(s.cat, "squash")


@scenario("edge-10-approver-pushed-untold", "REVIEWER_IS_MAKER", C=DEVIATION, D=DEVIATION, E=DEVIATION)
def approver_pushed(s: Story) -> None:
    """Bob pushed Ann's commit and approved it, and no check suite names the push: only the branch's record does."""
    change = s.open()
    made = change.push(s.bob, {"src/fix.py": "fix"}, "Fix", author=s.ann)
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")
    for suite in s.api.it.suites[made.sha]:
        suite.pusher = None


def _folded(s: Story) -> Change:
    """Ann's request, with a commit of Bob's that she forced over under her own name."""
    change = s.open()
    change.push(s.bob, {"src/fix.py": "fix"})
    change.rebase(s.ann)
    change.check()
    return change


@scenario("edge-07-dismissed-before", C=DEVIATION, D=DEVIATION)
def dismissed_before(s: Story) -> None:
    """An approval that was dismissed before the merge."""
    change = s.reviewed()
    change.dismiss(change.it.reviews[0], s.cat)
    change.merge(s.cat, "squash", result="bypass")


@scenario("edge-07-dismissed-after", C=MET, D=MET)
def dismissed_after(s: Story) -> None:
    """An approval that was in force at the merge and dismissed a day later: it reads DISMISSED now."""
    change = s.clean()
    s.tick(days=1)
    change.dismiss(change.it.reviews[0], s.cat)


@scenario("edge-08-approved-after-merge", D=DEVIATION)
def after_merge(s: Story) -> None:
    """The only approval came after the merge."""
    change = s.open()
    change.check()
    change.merge(s.cat, "squash", result="bypass")
    change.approve(s.bob)


@scenario("edge-09-changes-requested", C=DEVIATION, D=DEVIATION)
def changes_requested(s: Story) -> None:
    """The same reviewer approved, then asked for changes, and an administrator merged."""
    change = s.reviewed()
    change.review(s.bob, "CHANGES_REQUESTED")
    change.merge(s.cat, "squash", result="bypass")


@scenario("edge-10-second-account", C=DEVIATION)
def second_account(s: Story) -> None:
    """Ann approves with her second account; the register of people says that both are hers."""
    change = s.open()
    change.check()
    change.approve(s.person("ann-private"))
    change.merge(s.cat, "squash")


@scenario("edge-10-coauthor-approves", "REVIEWER_IS_MAKER", C=DEVIATION)
def coauthor(s: Story) -> None:
    """The only approver is named as co-author in a trailer."""
    change = s.open(message=f"Change\n\nCo-authored-by: Bob <{s.bob.email}>")
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")


scenario("edge-10-reviewer-pushed", "REVIEWER_IS_MAKER", C=DEVIATION)(matrix.reviewer_is_maker)


@scenario("edge-11-accepted-suggestion", "REVIEWER_IS_MAKER", C=DEVIATION)
def suggestion(s: Story) -> None:
    """The reviewer's suggestion was committed with the button: he becomes a co-author and approves."""
    change = s.open()
    words = f"Update src/change-1.py\n\nCo-authored-by: Bob <{s.bob.email}>"
    change.push(s.ann, {"src/change-1.py": "suggested"}, words, committer=s.platform, web=True)
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")


@scenario("edge-12-no-write-access", C=DEVIATION)
def no_write(s: Story) -> None:
    """The only approver may only read."""
    change = s.open()
    change.check()
    change.approve(s.dan)
    change.merge(s.cat, "squash", result="bypass")


@scenario("edge-12-external-contributor", C=DEVIATION)
def external(s: Story) -> None:
    """The only approver has no role here at all."""
    change = s.open()
    change.check()
    stranger = s.person("eve")
    s.api.it.collaborators["eve"] = "none"
    change.approve(stranger, association="NONE")
    change.merge(s.cat, "squash", result="bypass")


@scenario("edge-12-ghost-approver", C=NOT_TESTED)
def ghost(s: Story) -> None:
    """The approver's account was deleted since: author null."""
    change = s.open()
    change.check()
    left = s.person("gus")
    change.approve(left)
    change.merge(s.bob, "squash")
    left.deleted = True


@scenario("edge-13-login-reused", C=MET)
def reused(s: Story) -> None:
    """Bob approved, was renamed, and another person took his login: only the numeric ids tell them apart."""
    s.clean()
    del s.world.accounts["bob"]
    s.bob.login = "robert"
    s.world.accounts["robert"] = s.bob
    s.person("bob")


@scenario("edge-14-actions-approves", C=DEVIATION)
def actions_approves(s: Story) -> None:
    """GitHub Actions approved, in a repository where it may."""
    s.api.it.settings.actions_can_approve = True
    change = s.open()
    change.check()
    change.approve(s.bot("github-actions[bot]"))
    change.merge(s.cat, "squash")


@scenario("edge-15-agent-and-requester", C=DEVIATION)
def agent(s: Story) -> None:
    """An AI agent opened the pull request for Bob, and Bob approved it."""
    bot = s.bot("coding-agent[bot]")
    change = s.open(bot, message=f"Change\n\nCo-authored-by: Bob <{s.bob.email}>", body="Requested by @bob")
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("edge-15-agent-named-in-the-description", C=DEVIATION)
def named(s: Story) -> None:
    """An AI agent opened the pull request, whose description alone names Bob, and Bob approved it."""
    change = s.open(s.bot("coding-agent[bot]"), body="Adds a field.\n\nRequested by @bob")
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("edge-15-agent-and-assignee", C=DEVIATION)
def assigned(s: Story) -> None:
    """An AI agent opened the pull request, which is assigned to Bob, and Bob approved it."""
    change = s.open(s.bot("coding-agent[bot]"))
    change.it.assignees = [s.bob]
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("machine-request-assigned-to-another", C=MET)
def assigned_to_another(s: Story) -> None:
    """A machine's pull request is assigned to Ann, and Bob approved it."""
    change = s.open(s.bot("updates[bot]"))
    change.it.assignees = [s.ann]
    change.check()
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("pushed-under-anothers-name", "REVIEWER_IS_MAKER", C=DEVIATION)
def pushed_as_author(s: Story) -> None:
    """Bob pushed a commit that names Ann as its author, Ann pushed the next one, and Bob approved."""
    change = s.open()
    change.push(s.bob, {"src/b.py": "b"}, "Change", author=s.ann)
    change.push(s.ann, {"src/c.py": "c"})
    change.check()
    change.approve(s.bob)
    change.merge(s.cat, "squash")


@scenario("co-author-in-the-squash-alone", "REVIEWER_IS_MAKER", C=DEVIATION)
def credited_in_squash(s: Story) -> None:
    """Whoever merged wrote into the squash that Bob made it as well, and Bob approved it."""
    change = s.reviewed()
    change.merge(s.cat, "squash", credit=[s.bob])
