"""Edge cases of change evidence 26 to 36: checks, rules and deployments as they were at the merge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from evidence_made import (
    ANN,
    CAT,
    MERGED,
    ago,
    change,
    check,
    commit,
    deployment,
    deployments,
    judged,
    letters,
    policy,
    pushed,
    request,
    review,
    rule,
)

from soc2ev.tables.facts.evidence import Account, Bypass, Change, Check, Deployments, GateApproval, Rules
from soc2ev.tables.facts.evidence import Tests as ChecksOf

HIDDEN = Bypass(visible=False, bypassed=False)


def ran(*checks: Check, **facts: object) -> Change:
    """A clean change whose head has these checks."""
    whole = bool(facts.pop("whole", True))
    return change(tested=(ChecksOf("h1", checks, whole=whole),), **facts)


def test_rule_changed_later() -> None:
    """Edge 26: a rule that was changed after the merge does not tell what was required then, whatever passed."""
    later = Rules((rule(changed_at=ago(-10)),), visible=True)
    found = [judged(ran(one, rules=later)) for one in (check(), check("FAILURE"))]
    assert ["not tested"] * 2 == [letters(one)["B"] for one in found]
    assert "test, required today, had not passed" in found[1].row["checks_reason"]


def test_rule_that_stood_failed() -> None:
    """Edge 26: a failed check of a rule that still stands is a deviation, although another rule was changed since."""
    both = Rules((rule(), rule(changed_at=ago(-10), checks=())), visible=True)
    assert "deviation" == letters(judged(ran(check("FAILURE"), rules=both)))["B"]


def test_skipped_or_neutral() -> None:
    """Edge 27: skipped and neutral pass only where the policy accepts them; skipped tests are flagged."""
    strict = policy(checks={"accept": ["success"]})
    for conclusion, flagged in (("SKIPPED", True), ("NEUTRAL", False)):
        lax, hard = judged(ran(check(conclusion))), judged(ran(check(conclusion)), strict)
        assert ("met", "deviation") == (letters(lax)["B"], letters(hard)["B"])
        assert flagged == ("SKIPPED_TESTS" in lax.flags) == ("SKIPPED_TESTS" in hard.flags)


def test_forged() -> None:
    """Edge 27: a check of the name from another App, and a status, are not the required check."""
    status = check(kind="status", app_id=None, status="SUCCESS", creator=ANN)
    found = judged(ran(check(app_id=99), status))
    assert ("deviation", ("CHECK_OF_OTHER_APP",)) == (letters(found)["B"], found.flags)


def test_app_not_known() -> None:
    """Edge 27: a check whose App nobody told is not tested."""
    assert "not tested" == letters(judged(ran(check(app_id=None))))["B"]


def test_any_app() -> None:
    """A rule that names no App is met by a status too, whose conclusion may stand in its state."""
    anybody = Rules((rule(checks=(("test", None),)),), visible=True)
    status = check(None, kind="status", app_id=None, status="SUCCESS", completed_at=ago(30))
    pending = replace(status, status="PENDING")
    outcomes = [letters(judged(ran(one, rules=anybody)))["B"] for one in (status, pending)]
    assert ["met", "deviation"] == outcomes


def test_rerun_to_green() -> None:
    """Edge 28: red, then green before the merge is met and flagged."""
    found = judged(ran(check("FAILURE", 50), check("SUCCESS", 20)))
    assert ("met", ("RERUN_TO_GREEN",)) == (letters(found)["B"], found.flags)


def test_last_attempt_decides() -> None:
    """Edge 28: green, then red before the merge is a deviation; red only after the merge changes nothing."""
    red = judged(ran(check("SUCCESS", 50), check("FAILURE", 20)))
    later = judged(ran(check("SUCCESS", 50), check("FAILURE", -20)))
    assert ("deviation", "met") == (letters(red)["B"], letters(later)["B"])


def test_after_merge() -> None:
    """Edge 28: a check that ended only after the merge, or never, is a deviation."""
    for late in (check(minutes=-10), check(None)):
        found = judged(ran(late))
        assert ("deviation", True) == (letters(found)["B"], "CHECK_AFTER_MERGE" in found.flags)


def test_pushed_long_before_the_merge() -> None:
    """Edge 29: checks ran when the head was pushed; those are deleted by the time of that, whatever ran later stays."""
    early = request(received={"h1": MERGED - timedelta(days=20)})
    only_lint = (ChecksOf("h1", (check(name="lint"),), whole=True),)
    for tested in ((ChecksOf("h1", (), whole=True),), only_lint):
        late = judged(change(early, tested=tested, bypass=HIDDEN, collected_at=MERGED + timedelta(days=71)))
        soon = judged(change(early, tested=tested, bypass=HIDDEN, collected_at=MERGED + timedelta(days=69)))
        assert ("not tested", True) == (letters(late)["B"], "CI_EVIDENCE_EXPIRED" in late.flags)
        assert ("deviation", True) == (letters(soon)["B"], "CHECK_MISSING" in soon.flags)


def test_ended_without_a_word() -> None:
    """A check that is said to have ended, and not how, tells nothing; beside one that failed it excuses nothing."""
    mute = check(None, status="COMPLETED", completed_at=ago(40))
    assert "not tested" == letters(judged(ran(mute)))["B"]
    assert "not tested" == letters(judged(ran(check(minutes=90), mute)))["B"]
    assert "deviation" == letters(judged(ran(check("FAILURE"), mute)))["B"]


def test_attempt_without_time() -> None:
    """Edge 28: an attempt of another result whose end nobody told may have been the last."""
    assert "not tested" == letters(judged(ran(check(), check("FAILURE", completed_at=None))))["B"]
    assert "not tested" == letters(judged(ran(check(completed_at=None))))["B"]


def test_expired() -> None:
    """Edge 29: no checks at all, long after the merge, is no proof that none ran."""
    old = MERGED + timedelta(days=91)
    found = judged(ran(collected_at=old))
    assert ("not tested", True) == (letters(found)["B"], "CI_EVIDENCE_EXPIRED" in found.flags)


def test_expired_by_setting() -> None:
    """Edge 29: a repository that keeps checks for a shorter time loses them earlier."""
    short = pushed(tested=(ChecksOf("m1", (), whole=True, kept_days=20),))
    usual = pushed(tested=(ChecksOf("m1", (), whole=True),))
    assert ("not tested", "deviation") == (letters(judged(short))["B"], letters(judged(usual))["B"])


def test_run_deleted() -> None:
    """Edge 29: no checks, although the host let the change pass its rules, were deleted; else they never ran."""
    kept, untold = judged(ran()), judged(ran(bypass=HIDDEN))
    assert ("not tested", "deviation") == (letters(kept)["B"], letters(untold)["B"])
    assert ("CHECK_MISSING" in untold.flags, "CI_EVIDENCE_EXPIRED" in kept.flags) == (True, True)
    assert "they were deleted since" in kept.row["checks_reason"]


def test_push_never_tested() -> None:
    """Edge 29: a push without any check was never tested: no rule had let it pass on their account."""
    made = pushed(tested=(ChecksOf("m1", (), whole=True),), bypass=Bypass(visible=True, bypassed=False))
    assert "deviation" == letters(judged(made))["B"]


def test_cut_off() -> None:
    """Edge 30: in a list that was cut off a missing or passed check is not tested; a failed one is a deviation."""
    outcomes = [letters(judged(ran(*found, whole=False)))["B"] for found in ((), (check(),), (check("FAILURE"),))]
    assert ["not tested", "not tested", "deviation"] == outcomes


@pytest.mark.parametrize("part", ["reviews", "commits", "events"])
def test_parts_missing(part: str) -> None:
    """Edge 30 and 31: reviews, commits or events that were cut off leave C, D and E not tested."""
    found = letters(judged(request(missing=frozenset({part}))))
    assert {"not tested"} == {found[letter] for letter in "CDE"}


def test_absence_in_what_is_missing() -> None:
    """Edge 31: no approval among reviews that were cut off is no deviation."""
    found = letters(judged(request(reviews=(), missing=frozenset({"reviews"}))))
    assert ("not tested", "not tested") == (found["C"], found["E"])


def test_rules_denied() -> None:
    """Edge 32: without the rules only what the host calls required today can show a failure, never a pass."""
    denied = Rules((), visible=False, reason="403")
    outcomes = [
        letters(judged(ran(one, rules=denied)))["B"]
        for one in (
            check(required=True),
            check("FAILURE", required=True),
            check("FAILURE", required=None),
            check(minutes=-10, required=True),
        )
    ]
    assert ["not tested", "deviation", "not tested", "not tested"] == outcomes


def test_nothing_required() -> None:
    """Edge 35: where no rule asks for checks, none at all is a deviation, and some are not tested until they are named."""
    bare = Rules((rule(checks=None),), visible=True)
    none, some = judged(ran(rules=bare)), judged(ran(check(), rules=bare))
    assert ("deviation", "not tested") == (letters(none)["B"], letters(some)["B"])
    assert "name the required ones in policy.checks.required" in some.row["checks_reason"]


def test_required_by_policy() -> None:
    """The policy's own list of checks takes the place of the rules."""
    rules = policy(checks={"required": ["lint"]})
    missing, there = ran(check()), ran(check(), check("SUCCESS", name="lint", app_id=7))
    assert ("deviation", "met") == (letters(judged(missing, rules))["B"], letters(judged(there, rules))["B"])


def test_required_by_policy_whatever_rules() -> None:
    """The policy's list holds although rules were changed since, or could not be read."""
    rules = policy(checks={"required": ["test"]})
    held = (Rules((rule(changed_at=ago(-10)),), visible=True), Rules((), visible=False))
    assert ["met", "met"] == [letters(judged(change(rules=one), rules))["B"] for one in held]


def test_push_tested_before() -> None:
    """A push is tested by the checks of the commit that landed, when they ended before it."""
    for minutes, outcome in ((10, "met"), (-10, "deviation")):
        made = pushed(tested=(ChecksOf("m1", (check(minutes=minutes),), whole=True),))
        assert outcome == letters(judged(made))["B"]


def broken(**facts: object) -> Change:
    """A change whose ledger was not read."""
    return change(bypass=HIDDEN, **facts)


def test_bypass_by_evidence() -> None:
    """Without the ledger, missing approvals or failed checks that a rule in force asked for show a bypass."""
    unapproved = replace(broken(), requests=(request(reviews=()),))
    failed = broken(tested=(ChecksOf("h1", (check("FAILURE"),), whole=True),))
    skipped = broken(tested=(ChecksOf("h1", (check("SKIPPED"),), whole=True),))
    found = [judged(one).row["emergency"] for one in (broken(), unapproved, failed, skipped)]
    assert [False, True, True, False] == found


def test_bypass_by_missing_checks() -> None:
    """Without the ledger, checks that nobody asked about, or that are gone, leave open whether rules were kept."""
    unasked = broken(tested=())
    gone = broken(tested=(ChecksOf("h1", (), whole=True),), collected_at=MERGED + timedelta(days=120))
    assert [None, None] == [judged(one).row["emergency"] for one in (unasked, gone)]


def test_bypass_not_told() -> None:
    """Without ledger and rules, or with rules that were changed since, whether it was an emergency is not known."""
    denied = broken(rules=Rules((), visible=False))
    assert judged(broken(unseen_requests=1)).row["emergency"] is None
    changed = broken(rules=Rules((rule(changed_at=ago(-5)),), visible=True))
    assert [None, None] == [judged(one).row["emergency"] for one in (denied, changed)]


def test_deployed_states() -> None:
    """Edge 36 and 38: inactive after success is no failure; a retry heals; failures alone deviate; running is not known."""
    cases = {
        "met": [deployment("SUCCESS", "INACTIVE"), deployment("failure", "success")],
        "deviation": [deployment("FAILURE"), deployment("ERROR")],
        "not tested": [deployment("IN_PROGRESS"), deployment("INACTIVE")],
    }
    for outcome, found in cases.items():
        assert [outcome] * 2 == [letters(judged(change(deployments=deployments(one))))["H"] for one in found]


def test_first_success() -> None:
    """Edge 38: the first deployment that succeeded is the change's."""
    later = deployment(id="d2", environment="prod-eu")
    both = deployments(replace(later, statuses=(("SUCCESS", ago(-90)),)), deployment())
    said = "Deployed to production (2026-10-07 13:00 UTC). No watching afterwards was asked for (policy.watch)."
    assert said == judged(change(deployments=both)).row["deployment_reason"]


def test_nowhere_deployed() -> None:
    """Edge 36 and 37: no deployment contains it: another tool, an unplaced commit or a fresh merge leave that open."""
    soon = MERGED + timedelta(hours=20)
    found: list[Deployments] = [
        deployments(),
        deployments(total=0),
        deployments(unplaced=2),
        deployments(collected_at=soon),
        deployments(visible=False),
        deployments(deployment("FAILURE"), unplaced=1),
    ]
    outcomes = [letters(judged(change(deployments=one)))["H"] for one in found]
    assert ["deviation", *["not tested"] * 5] == outcomes


def test_gate() -> None:
    """Edge 39: a gate needs an independent approval before the deployment; nobody's answer collected is not tested."""
    ann, bob, early, late = Account("ann", 1), Account("bob", 2), ago(-50), ago(-70)
    gates = {
        None: "not tested",
        (): "deviation",
        (GateApproval(bob, approved=True, at=early),): "met",
        (GateApproval(ann, approved=True, at=early),): "deviation",
        (GateApproval(bob, approved=False, at=early),): "deviation",
        (GateApproval(bob, approved=True, at=late),): "deviation",
        (GateApproval(None, approved=True, at=early),): "not tested",
    }
    for gate, outcome in gates.items():
        made = deployments(deployment(gate=gate), gated=True)
        assert outcome == letters(judged(change(deployments=made)))["D"], gate


def test_gate_not_reached() -> None:
    """Edge 39: before any deployment, or without a gate, the approval before the merge decides."""
    for held in (deployments(gated=True), deployments(deployment(gate=()))):
        assert "met" == letters(judged(change(deployments=held)))["D"]


def test_workflow_in_request() -> None:
    """Edge 52: that the request changes its own workflow is not decided here: the required check passed."""
    assert "met" == letters(judged(request(files=(".github/workflows/ci.yml",))))["B"]


def test_review_of_other_commit_unknown() -> None:
    """A review that names no commit, or a request without a head, leaves C not tested."""
    for made in (request(reviews=(review(commit=None),)), request(head_sha=None), request(merged_at=None)):
        assert "not tested" == letters(judged(made))["C"]


def test_machine_committer_counts_as_maker() -> None:
    """Whoever committed somebody else's patch is a maker too."""
    assert ("ann", "cat") == judged(request(commits=(commit(committer=Account("cat", 3)),))).makers


def test_rules_that_were_read_in_part() -> None:
    """A check that a known rule required and that failed deviates; passing it proves nothing about rules unseen."""
    partly = Rules((rule(),), visible=False, reason="403")
    red = change(rules=partly, tested=(ChecksOf("h1", (check("FAILURE"),), whole=True),))
    assert ("deviation", "not tested") == (letters(judged(red))["B"], letters(judged(change(rules=partly)))["B"])


def test_bypass_by_an_attempt_that_was_running() -> None:
    """Without the ledger: the host waits for an attempt that had begun, also where an earlier one had passed."""
    again = check(None, started_at=ago(5))
    late = check("SUCCESS", -10, started_at=ago(5))
    found = [judged(broken(tested=(ChecksOf("h1", (check(), one), whole=True),))) for one in (again, late)]
    assert [None, None] == [one.row["emergency"] for one in found]
    assert ["not tested", "not tested"] == [letters(one)["E"] for one in found]
    assert ["met", "met"] == [letters(one)["B"] for one in found]


def test_a_workflow_that_a_ruleset_requires_leaves_checks_open() -> None:
    """Which checks come from it is not told: what the others said proves no more than their failure."""
    required = Rules((rule(workflows=(".github/workflows/security.yml",)),), visible=True)
    alone = Rules((rule(workflows=(".github/workflows/security.yml",), checks=None),), visible=True)
    failed = (ChecksOf("h1", (check("FAILURE"),), whole=True),)
    outcomes = [
        letters(judged(one))["B"]
        for one in (change(rules=required), change(rules=alone), change(rules=required, tested=failed))
    ]
    assert ["not tested", "not tested", "deviation"] == outcomes
    assert "met" == letters(judged(change(rules=required), policy(checks={"required": ["test"]})))["B"]


def test_bypass_by_an_open_objection() -> None:
    """Without the ledger: the host waits for whoever may write and asked for changes, however many approved."""
    asked = review(CAT, 20, state="CHANGES_REQUESTED", id="x")
    reader = replace(asked, can_push=False)
    found = [judged(broken(requests=(request(reviews=(review(), one)),))).row["emergency"] for one in (asked, reader)]
    assert [True, False] == found


def test_rules_kept_by_the_evidence_need_checks_that_had_ended() -> None:
    """Where the ledger does not reach back: a required check that was running again at the merge leaves E open."""
    short = Bypass(visible=True, bypassed=False, reaches_back_to=MERGED + timedelta(days=1))
    again = (ChecksOf("h1", (check(), check(None, started_at=ago(5))), whole=True),)
    found = [letters(judged(one))["E"] for one in (change(bypass=short), change(bypass=short, tested=again))]
    assert ["met", "not tested"] == found
