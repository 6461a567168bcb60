"""Edge cases of change evidence 1 to 25: who approved what, when, and how it landed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from evidence_made import (
    ANN,
    BOB,
    BOT,
    CAT,
    DAN,
    MERGED,
    PLATFORM,
    REGISTER,
    ago,
    base_merge,
    change,
    check,
    commit,
    event,
    judged,
    letters,
    people,
    policy,
    pushed,
    request,
    review,
    rule,
)

from soc2ev.tables.facts.evidence import Account, Bypass, Rules
from soc2ev.tables.facts.evidence import Tests as ChecksOf

CO_AUTHORED = "Change\n\nCo-authored-by: Bob <bob@example.com>\n"


def test_direct_push() -> None:
    """Edge 1: a direct push without a pull request has no review, and is a bypass that nobody declared."""
    found = judged(pushed())
    assert {"C": "deviation", "D": "deviation", "E": "deviation", "F": "deviation"} == {
        letter: outcome for letter, outcome in letters(found).items() if letter in "CDEF"
    }
    assert "cat pushed it to main (2026-10-07 12:00 UTC)" in found.row["review_reason"]


def test_merged_by_push() -> None:
    """Edge 2: an unreviewed request whose head was pushed to main is a deviation, and past the rules."""
    found = letters(judged(change(request(reviews=()), integration="direct_push", actor=CAT)))
    assert ("deviation", "deviation", "deviation") == (found["C"], found["E"], found["F"])


def test_later_push() -> None:
    """Edge 3: an approval of an earlier commit is stale, and its reason names that commit."""
    later = request(head_sha="h2", commits=(commit(), commit("h2", parents=("h1",))), received={"h1": ago(59)})
    found = judged(later)
    assert "deviation" == letters(found)["C"]
    assert (
        "bob approved h1 (2026-10-07 11:30 UTC), but only h1, and 1 more commit followed." == found.row["review_reason"]
    )


def rebound(**facts: object) -> object:
    forced = event("HeadRefForcePushedEvent", 20, ANN, before="old", after="h1")
    return request(**({"events": (forced,), "received": {"h1": ago(20), "old": ago(50)}} | facts))


def test_rebound_without_proof() -> None:
    """Edge 4: a review that GitHub pointed at a newer head proves nothing about it."""
    found = judged(rebound())
    assert ("not tested", True) == (letters(found)["C"], "APPROVAL_REBOUND" in found.flags)


def test_rebound_strict() -> None:
    """Edge 4: where the policy accepts no equal patch, the same is a deviation."""
    assert "deviation" == letters(judged(rebound(), policy(approval={"accept_equal_patch": False})))["C"]


def test_rebound_proof_of_another_commit() -> None:
    """Edge 4: a proof about a commit that the server did not hold at the review counts for nothing."""
    late = rebound(equal_patches=frozenset({"old"}), received={"h1": ago(20), "old": ago(25)})
    assert "not tested" == letters(judged(late))["C"]


def test_replaced_commit() -> None:
    """Edge 4: a review that still names a replaced commit is stale, unless a clone proved the patch equal."""
    stale = request(reviews=(review(commit="old"),))
    proven = replace(stale, equal_patches=frozenset({"old"}))
    assert ("deviation", "met") == (letters(judged(stale))["C"], letters(judged(proven))["C"])
    assert "deviation" == letters(judged(proven, policy(approval={"accept_equal_patch": False})))["C"]


def test_replaced_by_a_force_push_that_nobody_compared() -> None:
    """Edge 4: whether the patch stayed the same is not known then; once compared, another one is a deviation."""
    forced = event("HeadRefForcePushedEvent", 20, ANN, before="old", after="h1")
    open_ = request(reviews=(review(commit="old"),), events=(forced,))
    found = judged(open_)
    assert ("not tested", True) == (letters(found)["C"], "APPROVAL_REBOUND" in found.flags)
    assert "deviation" == letters(judged(replace(open_, other_patches=frozenset({"old"}))))["C"]
    assert "deviation" == letters(judged(open_, policy(approval={"accept_equal_patch": False})))["C"]


def test_replaced_without_the_events() -> None:
    """Edge 4: where the events were not obtained a force push may have replaced what was approved."""
    blind = request(reviews=(review(commit="old"),), missing=frozenset({"events"}))
    assert "not tested" == letters(judged(blind))["C"]


def test_clocks_alone() -> None:
    """Edge 4: without a record of the push the committer's clock counts, and the reason says so."""
    found = judged(request(received={}))
    assert "met" == letters(found)["C"]
    assert "by the committer's clock" in found.row["review_reason"]


def test_clocks_against() -> None:
    """Edge 4: without a record of the push, a commit made after the review or a later force push is not tested."""
    younger = request(received={}, commits=(commit(committed_at=ago(10)),))
    forced = request(received={}, events=(event("HeadRefForcePushedEvent", 20, ANN, before="x", after="h1"),))
    undated = request(received={}, commits=(commit(committed_at=None),))
    assert ["not tested"] * 3 == [letters(judged(one))["C"] for one in (younger, forced, undated)]


def updated(**facts: object) -> object:
    """Approved, then the base merged in."""
    merge = base_merge(**facts)
    return request(head_sha="h2", commits=(commit(), merge), received={"h1": ago(59), "h2": ago(10)})


def test_base_merge_unproven() -> None:
    """Edge 5: a merge of the base by the platform is not tested until a clone shows that it had no conflicts."""
    found = judged(updated())
    assert ("not tested", True) == (letters(found)["C"], "BASE_MERGE_AFTER_APPROVAL" in found.flags)


def test_base_merge_by_hand() -> None:
    """Edge 5: a merge made on somebody's machine may hold anything, so that the approval is stale."""
    found = judged(updated(via_web=False, signed_by_github=False, committer=ANN))
    assert ("deviation", True) == (letters(found)["C"], "STALE_APPROVAL" in found.flags)


def test_base_merge_of_another_branch() -> None:
    """Edge 5: a merge whose second parent is one of the request's own commits is content."""
    other = commit("x1", parents=("base",))
    made = request(head_sha="h2", commits=(commit(), other, base_merge(parents=("h1", "x1"))), received={"h1": ago(59)})
    assert "deviation" == letters(judged(made))["C"]


def test_base_merge_not_ignored() -> None:
    """Edge 5: the policy can ask for a new approval after every merge of the base."""
    clean = replace(updated(), clean_merges=frozenset({"h2"}))
    rules = policy(approval={"ignore_clean_base_merges": False})
    assert ("met", "deviation") == (letters(judged(clean))["C"], letters(judged(clean, rules))["C"])


def test_base_merge_after_rebound() -> None:
    """Edge 5: a clean merge of the base does not heal an approval that was pointed at a newer commit before it."""
    made = replace(updated(), clean_merges=frozenset({"h2"}), received={"h1": ago(20), "h2": ago(10)})
    assert "not tested" == letters(judged(made))["C"]


def test_base_merge_after_rebound_strict() -> None:
    """Edge 5: nor does it where the policy accepts no equal patch: then it is a deviation."""
    made = replace(updated(), clean_merges=frozenset({"h2"}), received={"h1": ago(20), "h2": ago(10)})
    assert "deviation" == letters(judged(made, policy(approval={"accept_equal_patch": False})))["C"]


def test_commits_cut_off() -> None:
    """Edge 30: an approval of a commit that is not among those obtained is not tested while commits are missing."""
    cut = request(reviews=(review(commit="h0"),), missing=frozenset({"commits"}))
    assert "not tested" == letters(judged(cut))["C"]


def test_head_not_among_commits() -> None:
    """An approval of the last commit that is listed is none of another head."""
    assert "deviation" == letters(judged(request(head_sha="h9")))["C"]


def test_forced_before_the_review() -> None:
    """Edge 4: without a record of the push, a force push before the review does no harm."""
    forced = event("HeadRefForcePushedEvent", 50, ANN, before="x", after="h1")
    untimed = replace(forced, at=None)
    outcomes = [letters(judged(request(received={}, events=(one,))))["C"] for one in (forced, untimed)]
    assert ["met", "not tested"] == outcomes


def test_base_merge_by_reviewer() -> None:
    """Edge 5: a reviewer who merged the base may have resolved conflicts, and is no certain approver of the result."""
    made = replace(updated(by=BOB), reviews=(review(BOB, 5, commit="h2"),))
    assert "not tested" == letters(judged(made))["C"]


def test_forced_back() -> None:
    """Edge 6: an approved commit that was forced away and back counts: the server held it first before the review."""
    moves = (
        event("HeadRefForcePushedEvent", 20, ANN, before="h1", after="h2"),
        event("HeadRefForcePushedEvent", 10, ANN, before="h2", after="h1"),
    )
    assert "met" == letters(judged(request(events=moves)))["C"]


def dismissed(minutes: float, by: Account | None = CAT, state: str = "APPROVED") -> object:
    """The only review was dismissed."""
    gone = review(state="DISMISSED", id="r1")
    return request(reviews=(gone,), events=(event("ReviewDismissedEvent", minutes, by, review="r1", state=state),))


def test_dismissed_after() -> None:
    """Edge 7: a dismissal after the merge does not erase the approval."""
    assert "met" == letters(judged(dismissed(-60)))["C"]


def test_dismissed_before() -> None:
    """Edge 7: a dismissal before the merge does."""
    found = judged(dismissed(10))
    assert "deviation" == letters(found)["C"]
    assert "dismissed before the merge" in found.row["review_reason"]


def test_dismissed_comment() -> None:
    """Edge 7: what was only a comment before it was dismissed is neither approval nor objection."""
    gone = review(CAT, 20, state="DISMISSED", id="x")
    moves = (event("ReviewDismissedEvent", -5, DAN, review="x", state="COMMENTED"),)
    assert "met" == letters(judged(request(reviews=(review(), gone), events=moves)))["C"]


def test_dismissed_without_event() -> None:
    """Edge 7: a dismissed review whose dismissal nobody recorded is not tested."""
    assert "not tested" == letters(judged(request(reviews=(review(state="DISMISSED"),))))["C"]


def test_approved_after_merge() -> None:
    """Edge 8: an approval after the merge is none before it: C and D deviate, and C says when it came."""
    found = judged(request(reviews=(review(minutes=-60),)))
    assert ("deviation", "deviation") == (letters(found)["C"], letters(found)["D"])
    assert "Approved only after the merge" in found.row["review_reason"]
    assert "bob (2026-10-07 13:00 UTC)" in found.row["review_reason"]


def test_approved_at_the_merge() -> None:
    """Edge 8: an approval in the second of the merge counts."""
    assert "met" == letters(judged(request(reviews=(review(minutes=0),))))["C"]


def test_changes_requested_later() -> None:
    """Edge 9: the same person's later request for changes takes the approval back."""
    found = judged(request(reviews=(review(), review(minutes=10, state="CHANGES_REQUESTED"))))
    assert "deviation" == letters(found)["C"]
    assert "bob asked for changes (2026-10-07 11:50 UTC)" in found.row["review_reason"]


def test_two_opinions_in_one_second() -> None:
    """Edge 9: of an approval and an objection in the same second the objection holds."""
    for first, second in (("a", "b"), ("b", "a")):
        both = (review(id=first), review(id=second, state="CHANGES_REQUESTED"))
        assert "deviation" == letters(judged(request(reviews=both)))["C"]


def test_opinion_without_time() -> None:
    """Edge 9: an opinion of nobody knows when leaves all of that person's open."""
    for state in ("APPROVED", "CHANGES_REQUESTED"):
        timeless = replace(review(state=state, id="t"), submitted_at=None)
        assert "not tested" == letters(judged(request(reviews=(review(), timeless))))["C"]


def test_comment_takes_nothing_back() -> None:
    """Edge 9: a later comment of the same person leaves the approval standing."""
    assert "met" == letters(judged(request(reviews=(review(), review(minutes=10, state="COMMENTED")))))["C"]


def test_objection_of_another() -> None:
    """Edge 9: an open request for changes of a writer blocks; one of an account that may not write is only told."""
    blocked = request(reviews=(review(), review(CAT, 10, state="CHANGES_REQUESTED")))
    reader = judged(request(reviews=(review(), review(DAN, 10, state="CHANGES_REQUESTED", can_push=False))))
    assert ("deviation", "met") == (letters(judged(blocked))["C"], letters(reader)["C"])
    assert "may not write to the repository, so that it holds up no merge" in str(reader.row["review_reason"])
    assert "OBJECTION_WITHOUT_WRITE_ACCESS" in reader.flags


def test_objection_of_somebody_who_is_gone() -> None:
    """Edge 9: nobody is told whether an account that is gone could write when it asked for changes."""
    gone = request(
        reviews=(review(), replace(review(CAT, 10, state="CHANGES_REQUESTED", can_push=False), reviewer=None))
    )
    assert "not tested" == letters(judged(gone))["C"]


def test_a_force_push_in_the_second_of_the_approval() -> None:
    """Edge 4: GitHub may have pointed the review at what came in the same second; without a force push it could not."""
    at = review().submitted_at
    pushed = request(received={"h1": at})
    forced = request(
        received={"h1": at}, events=(replace(event("HeadRefForcePushedEvent", 0, ANN, before="x", after="h1"), at=at),)
    )
    assert ("met", "not tested") == (letters(judged(pushed))["C"], letters(judged(forced))["C"])


def test_objection_dismissed_by_maker() -> None:
    """Edge 9: an objection that a maker dismissed is still open; one that somebody else dismissed is not."""
    objection = review(CAT, 20, state="DISMISSED", id="x")
    outcomes = []
    for by in (ANN, DAN):
        moves = (event("ReviewDismissedEvent", 10, by, review="x", state="CHANGES_REQUESTED"),)
        outcomes.append(judged(request(reviews=(review(), objection), events=moves)))
    assert ["deviation", "met"] == [letters(one)["C"] for one in outcomes]
    assert "DISMISSED_BY_MAKER" in outcomes[0].flags


def test_objection_in_doubt() -> None:
    """Edge 9: an objection of an account that may or may not write, or that a ghost dismissed, leaves C open."""
    unsure = request(reviews=(review(), review(CAT, 10, state="CHANGES_REQUESTED", can_push=None)))
    moves = (event("ReviewDismissedEvent", 10, None, review="x", state="CHANGES_REQUESTED"),)
    by_ghost = request(reviews=(review(), review(CAT, 20, state="DISMISSED", id="x")), events=moves)
    assert ["not tested"] * 2 == [letters(judged(one))["C"] for one in (unsure, by_ghost)]


def test_second_account() -> None:
    """Edge 10: the author's second account is the author."""
    second = {"person": "ann", "system": "github", "account": "77", "login": "ann-private"}
    who = people(accounts=[*REGISTER["accounts"], second])
    found = judged(request(reviews=(review(Account("ann-private", 77)),)), who=who)
    assert ("deviation", "deviation") == (letters(found)["C"], letters(found)["E"])


def test_co_author_approves() -> None:
    """Edge 10: a co-author named in a trailer is a maker."""
    found = judged(request(commits=(commit(message=CO_AUTHORED),)))
    assert ("deviation", True) == (letters(found)["C"], "REVIEWER_IS_MAKER" in found.flags)


def test_pusher_approves() -> None:
    """Edge 10: whoever pushed to the branch is a maker, force pushes included."""
    forced = (event("HeadRefForcePushedEvent", 45, BOB, before="x", after="h1"),)
    for made in (request(pushers=(ANN, BOB)), request(events=forced)):
        assert "deviation" == letters(judged(made))["E"]


def test_second_approver_suffices() -> None:
    """Edge 10: besides a maker, one independent person is enough."""
    found = judged(request(commits=(commit(message=CO_AUTHORED),), reviews=(review(), review(CAT, 20))))
    assert ("met", "met", False) == (letters(found)["C"], letters(found)["E"], "REVIEWER_IS_MAKER" in found.flags)


def test_accepted_suggestion() -> None:
    """Edge 11: whose suggestion was committed in the browser is a maker; the platform that committed it is none."""
    accepted = commit("h2", message=CO_AUTHORED, committer=PLATFORM, parents=("h1",))
    found = judged(
        request(head_sha="h2", commits=(commit(), accepted), received={"h2": ago(50)}, reviews=(review(commit="h2"),))
    )
    assert (("ann", "bob"), "deviation") == (found.makers, letters(found)["C"])


def test_no_write_access() -> None:
    """Edge 12: a reviewer who may not write approves nothing; where nobody told, it is not tested."""
    refused, unsure = (request(reviews=(review(can_push=value),)) for value in (False, None))
    assert ("deviation", "not tested") == (letters(judged(refused))["C"], letters(judged(unsure))["C"])


def test_write_access_not_asked() -> None:
    """Edge 12: the policy can accept reviewers who may not write."""
    rules = policy(approval={"writers_only": False})
    reviews = (review(can_push=value) for value in (None, False))
    assert ["met", "met"] == [letters(judged(request(reviews=(one,)), rules))["C"] for one in reviews]


def test_ghosts() -> None:
    """Edge 12: an account that is gone may have been anybody: as reviewer, author or pusher it leaves C and E untested."""
    for made in (request(reviews=(review(None),)), request(author=None), request(pushers=(ANN, None))):
        found = letters(judged(made))
        assert ("not tested", "not tested") == (found["C"], found["E"])


def test_two_ghosts() -> None:
    """Edge 12: two approvals by accounts that are gone may be two people's."""
    made = request(reviews=(review(None), review(None, 20)))
    assert "not tested" == letters(judged(made, policy(required_approvals=2)))["C"]


def test_login_reused() -> None:
    """Edge 13: a login that somebody else has now is told apart by the account's number."""
    renamed = review(Account("robert", 2))
    found = judged(
        request(author=Account("bob", 99), commits=(commit(by=Account("bob", 99)),), pushers=(), reviews=(renamed,))
    )
    assert ("met", ("bob",), ("bob",)) == (letters(found)["C"], found.makers, found.approvers)


def test_machine_approves() -> None:
    """Edge 14: an App, a registered machine and a service account approve nothing."""
    register = people(people=[{"person": "bob", "machine": True}])
    found = [judged(request(reviews=(review(Account("github-actions[bot]", 60, "Bot")),)))]
    found += [judged(request(), who=register), judged(request(), who=people(service_accounts=["Bob"]))]
    for one in found:
        assert ("deviation", True) == (letters(one)["C"], "APPROVED_BY_MACHINE" in one.flags)


def test_agent_and_requester() -> None:
    """Edge 15: whoever asked an agent for a change, and is its co-author, cannot approve it."""
    made = commit(by=BOT, message=CO_AUTHORED)
    assert "deviation" == letters(judged(request(author=BOT, commits=(made,), pushers=(BOT,))))["C"]


def test_queue_group() -> None:
    """Edge 16: requests of a queue's group land in one move; each needs its review, and the last commit is tested."""
    tested = (ChecksOf("m1", (check(),), whole=True),)
    good, bad = request(), request(413, reviews=())
    whole = judged(change(good, request(413), integration="queue_merge", tested=tested))
    part = judged(change(good, bad, integration="queue_merge", tested=tested))
    assert (("met", "met"), "deviation") == ((letters(whole)["B"], letters(whole)["C"]), letters(part)["C"])


def test_group_not_whole() -> None:
    """Edge 16: a request of the group that was not obtained leaves nothing met that it could change."""
    found = letters(judged(change(unseen_requests=1)))
    assert {"not tested"} == {found[letter] for letter in "BCDEG"}


def test_auto_merge() -> None:
    """Edge 17: that somebody enabled auto-merge before the approval changes nothing."""
    assert "met" == letters(judged(request(enabler=ANN, merger=ANN)))["D"]


def test_squash() -> None:
    """Edge 18: the makers of a squash are those of the request's commits, not the platform that made the squash."""
    two = (commit(), commit("h2", by=CAT, parents=("h1",)))
    made = request(head_sha="h2", commits=two, received={"h2": ago(50)}, reviews=(review(commit="h2"),))
    landed = commit("m1", committer=PLATFORM, committer_email="noreply@github.com", signed_by_github=True)
    assert ("ann", "cat") == judged(change(made, commits=(landed,))).makers


def test_constituent_unseen() -> None:
    """Edge 20: a promotion whose constituents were not all obtained is not tested in C, D and E."""
    found = letters(judged(request(constituents=(request(7),), unseen_constituents=1)))
    assert {"not tested"} == {found[letter] for letter in "CDE"}


def test_force_push() -> None:
    """Edge 22: a force push on a production branch deviates whoever reviewed what it holds."""
    found = letters(judged(change(integration="force_push", actor=CAT)))
    assert ("deviation",) * 4 == tuple(found[letter] for letter in "CDEF")


def test_request_not_obtained() -> None:
    """Edge 25: a merge whose pull request was not obtained is not tested, and no direct push."""
    found = letters(judged(replace(change(), requests=())))
    assert {"not tested"} == {found[letter] for letter in "BCDEG"}


def test_unlinked_address() -> None:
    """Edge 54: an address that belongs to nobody may be the approver's; the reason names it."""
    for unknown in (commit(by=None), commit(message="Change\n\nCo-authored-by: Who <me@laptop.local>")):
        found = judged(request(commits=(unknown,)))
        assert ("not tested", "not tested") == (letters(found)["C"], letters(found)["E"])
        assert "IDENTITY_UNRESOLVED" in found.flags
        assert "nobody can place" in found.row["duties_reason"]


def test_unlinked_address_unapproved() -> None:
    """Edge 54: without any approval it deviates, whoever the maker was."""
    assert "deviation" == letters(judged(request(commits=(commit(by=None),), reviews=())))["E"]


def test_platform_address() -> None:
    """Edge 54: GitHub's own private addresses carry the account's number, and the register's addresses a person."""
    trailer = "Change\n\nCo-authored-by: B <2+old-login@users.noreply.github.com>\nCo-authored-by: C <CAT@example.com>"
    assert ("ann", "bob", "cat") == judged(request(commits=(commit(message=trailer),))).makers


def test_two_approvals_needed() -> None:
    """The policy's number, and a rule that was in force, say how many people have to approve; nobody counts twice."""
    one, same, two = (review(),), (review(), review(minutes=20)), (review(), review(CAT, 20))
    rules = policy(required_approvals=2)
    assert ["deviation", "deviation", "met"] == [
        letters(judged(request(reviews=r), rules))["C"] for r in (one, same, two)
    ]
    asked = Rules((rule(approvals=2),), visible=True)
    later = Rules((rule(approvals=2, changed_at=ago(-10)),), visible=True)
    assert ["deviation", "met"] == [letters(judged(change(rules=held)))["C"] for held in (asked, later)]


def test_zero_approvals_needed() -> None:
    """A policy that asks for none leaves C asking for one."""
    assert "deviation" == letters(judged(request(reviews=()), policy(required_approvals=0)))["C"]


def test_bypass_of_a_clean_change() -> None:
    """Edge 33: a recorded bypass that nobody declared deviates in E and F however clean the change is."""
    found = letters(judged(change(bypass=Bypass(visible=True, bypassed=True))))
    assert ("met", "deviation", "deviation") == (found["C"], found["E"], found["F"])


def test_ledger_denied() -> None:
    """Edge 32: without the ledger of bypasses E is not tested, unless the branch has no rules at all."""
    hidden = Bypass(visible=False, bypassed=False)
    bare = change(bypass=hidden, rules=Rules((), visible=True))
    denied = change(bypass=hidden, rules=Rules((), visible=False, reason="403"))
    outcomes = [letters(judged(one))["E"] for one in (change(bypass=hidden), bare, denied)]
    assert ["not tested", "met", "not tested"] == outcomes


def test_ledger_too_short() -> None:
    """Edge 33: where the ledger does not reach back, E is met only when the evidence shows that the rules were kept."""
    short = Bypass(visible=True, bypassed=False, reaches_back_to=MERGED + timedelta(days=1))
    shown = change(bypass=short)
    untold = change(bypass=short, tested=(ChecksOf("h1", (), whole=False),))
    assert ("met", "not tested") == (letters(judged(shown))["E"], letters(judged(untold))["E"])


def test_ledger_leaves_protection_out() -> None:
    """Branch protection has no ledger: an administrator who merged past a red check is found by the evidence alone."""
    blind = Bypass(visible=True, bypassed=False, covers=False)
    red = change(bypass=blind, tested=(ChecksOf("h1", (check("FAILURE"),), whole=True),))
    found = letters(judged(red))
    assert ("deviation", "deviation", "deviation") == (found["B"], found["E"], found["F"])
    assert "met" == letters(judged(change(bypass=blind)))["E"]


@pytest.mark.parametrize(
    ("blind", "why"),
    [
        (Bypass(visible=False, bypassed=False), "could not be read"),
        (Bypass(visible=True, bypassed=False, covers=False), "leaves out branch protection"),
        (
            Bypass(visible=True, bypassed=False, reaches_back_to=MERGED + timedelta(days=1)),
            "does not reach back that far",
        ),
    ],
)
def test_a_ledger_that_does_not_tell_says_why(blind: Bypass, why: str) -> None:
    """What is to be done about it depends on that: a permission, the audit log, or an earlier collection."""
    untold = change(bypass=blind, tested=(ChecksOf("h1", (), whole=False),))
    assert why in judged(untold).row["duties_reason"]
