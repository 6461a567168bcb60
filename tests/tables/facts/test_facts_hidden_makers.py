"""Makers whom the commits of a request do not name, and reporters of checks who are not whom the rules ask for."""

from __future__ import annotations

from dataclasses import replace

from evidence_made import (
    ANN,
    BOB,
    BOT,
    CAT,
    CI,
    ago,
    base_merge,
    change,
    check,
    commit,
    judged,
    letters,
    policy,
    request,
    review,
)

from soc2ev.tables.facts.evidence import Account, Check, PullRequest, WorkflowRun
from soc2ev.tables.facts.evidence import Tests as ChecksOf

AGENT = Account("coding-agent[bot]", 60, "Bot")
CREDIT = "Export (#412)\n\nCo-authored-by: Bob <bob@example.com>"


def reviewed(one: PullRequest) -> str:
    """Letter C of a change with that request."""
    return letters(judged(change(one)))["C"]


def agents(**facts: object) -> PullRequest:
    """A request that an agent opened and whose commits it made."""
    return request(author=AGENT, commits=(commit(by=AGENT),), pushers=(AGENT,), **facts)


def test_a_co_author_whom_the_squash_alone_names() -> None:
    """A co-author in the message of the squash made a part; a merge commit's message credits nobody."""
    squash = commit("m1", message=CREDIT)
    merge = replace(squash, parents=("base", "h1"))
    assert ["deviation", "met", "met"] == [
        reviewed(request(landed=one)) for one in (squash, merge, commit("m1", message="Export (#412)"))
    ]


def test_an_approver_who_bears_a_makers_name() -> None:
    """A second account that nobody listed may be hers; names that only share some letters say nothing."""
    others = ("ann-admin", "admin_ann", "Ann", "annika", "ann-b", "zoe-admin", "admin")
    given = [request(reviews=(review(by=Account(login, 90)),)) for login in others]
    assert [*["not tested"] * 3, *["met"] * 4] == [reviewed(one) for one in given]
    reason = judged(change(given[0])).row["review_reason"]
    assert "may be an account of ann: the register of people has to say whose it is" in reason


def test_whoever_wrote_what_a_force_push_replaced() -> None:
    """The approver may live on in the folded commit; another approver does not, nor a merge of the base by a button."""
    own, by_hand = commit("old", by=BOB), commit("old", by=BOB, parents=("h0", "b1"))
    button = base_merge("old", by=BOB)
    shared = commit("old", by=ANN, message="Fix\n\nCo-authored-by: Bob <bob@example.com>")
    found = [reviewed(request(replaced=(one,))) for one in (own, by_hand, button, shared, commit("old", by=ANN))]
    assert ["not tested", "not tested", "met", "not tested", "met"] == found
    assert "met" == reviewed(request(replaced=(own,), reviews=(review(by=CAT),)))


def test_what_was_replaced_by_somebody_unknown_may_be_anybodys() -> None:
    """Neither an author whom nobody can place nor a commit that GitHub does not tell leaves an approver independent."""
    nobody = replace(commit("old"), author=None, author_email="x@nowhere.example")
    found = [reviewed(request(replaced=(nobody,))), reviewed(request(missing=frozenset({"replaced"})))]
    assert ["not tested", "not tested"] == found


def test_a_replaced_commit_that_came_back_counts_as_one_of_the_request() -> None:
    """A force push back to a commit of the approver's makes him a maker, as any commit of the request does."""
    own = commit("h1", by=BOB)
    assert "deviation" == reviewed(request(commits=(own,), replaced=(own,)))


def test_an_agents_request_is_assigned_to_whoever_asked_for_it() -> None:
    """The assignee of a machine's request made a part of it; somebody else's assignment, and a person's, say nothing."""
    assert ["deviation", "met", "not tested"] == [reviewed(agents(assignees=given)) for given in ((BOB,), (CAT,), None)]
    assert ["met", "met"] == [reviewed(request(assignees=given)) for given in ((BOB,), None)]


def test_an_agents_description_names_whoever_asked_for_it() -> None:
    """The reviewer whom a machine's description says to have asked for it made a part; a mention alone says nothing."""
    words = ("Requested by @bob", "On behalf of: @BOB.", "Started by **@bob**", "Thanks to @bob", "requested by @bobby")
    expected = ["deviation", "deviation", "deviation", "met", "met"]
    assert expected == [reviewed(agents(body=one)) for one in words]
    assert "met" == reviewed(request(body="Requested by @bob"))


def test_a_machine_without_approvals_needs_no_assignees() -> None:
    """Nobody is asked for whom a machine worked when nobody approved: that deviates anyway."""
    assert "deviation" == reviewed(agents(assignees=None, reviews=()))


def status(by: Account | None, app: int | None = None) -> Check:
    """A green commit status of the required name."""
    return check(kind="status", status="SUCCESS", app_id=app, creator=by)


def checked_by(*found: Check) -> str:
    """Letter B of a change whose head has these checks."""
    return letters(judged(change(tested=(ChecksOf("h1", found, whole=True),))))["B"]


def test_a_status_of_the_app_that_the_rule_names() -> None:
    """A status counts for the App whose bot set it; one by a person never does, and an unknown bot's is not tested."""
    found = [checked_by(status(*given)) for given in ((BOT, CI), (BOT, 99), (ANN, None), (BOT, None), (None, None))]
    assert ["met", "deviation", "deviation", "not tested", "not tested"] == found


def test_every_status_that_was_ever_set() -> None:
    """With the history of statuses the one before the merge decides, and none before it is a failure."""
    named = policy(checks={"required": ["test"]})
    late = replace(status(BOT, CI), completed_at=check(minutes=-60).completed_at)
    red = replace(late, status="FAILURE", conclusion="FAILURE", completed_at=check(minutes=30).completed_at)

    def judge(*found: Check, ever: bool) -> str:
        checks = (ChecksOf("h1", found, whole=True, all_statuses=ever),)
        return letters(judged(change(tested=checks), named))["B"]

    assert ["not tested", "deviation"] == [judge(late, ever=ever) for ever in (False, True)]
    assert "deviation" == judge(red, late, ever=True)
    assert "met" == judge(status(BOT, CI), late, ever=True)


def test_reviews_of_others_still_count() -> None:
    """A second approval by somebody independent makes up for the one of a maker."""
    assert "met" == reviewed(agents(assignees=(BOB,), reviews=(review(), review(CAT, 20))))


def test_workflow_runs_are_told_and_prove_nothing() -> None:
    """Where checks were refused, the runs on the head are named in the reason and flagged; nothing becomes met."""
    runs = (WorkflowRun("CI", "success", ago(40)), WorkflowRun("Lint", None, None))
    refused = ChecksOf("h1", (), whole=False, reason="refused", runs=runs)
    found = judged(change(tested=(refused,)))
    assert "not tested" == letters(found)["B"]
    assert "CI success (2026-10-07 11:20 UTC) and Lint had not ended" in found.row["checks_reason"]
    assert "WORKFLOW_RUNS_ALONE" in found.flags
