"""Violations that look like reviewed changes, and changes that look like violations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_made import (
    ANN,
    BOB,
    CAT,
    DAN,
    ago,
    base_merge,
    change,
    check,
    commit,
    deployment,
    deployments,
    event,
    judged,
    letters,
    policy,
    pushed,
    request,
    review,
    rule,
)

from soc2ev.tables.facts.evidence import Bypass, GateApproval, Rules
from soc2ev.tables.facts.evidence import Tests as ChecksOf
from soc2ev.tables.hosted import mentions


def checked(*found: object) -> tuple[ChecksOf, ...]:
    """The checks of the head, all of them."""
    return (ChecksOf("h1", tuple(found), whole=True),)  # type: ignore[arg-type]


def test_a_commit_pushed_along_with_a_request() -> None:
    """Who pushes an approved request together with another commit has nobody's approval of that commit."""
    clean = change()
    along = replace(
        pushed(), requests=clean.requests, commits=(*clean.commits, commit("h9", by=BOB)), tested=clean.tested
    )
    found = letters(judged(along))
    assert ("deviation", "deviation", "deviation") == (found["C"], found["D"], found["E"])


def test_a_commit_of_the_browser_pushed_along() -> None:
    """GitHub's signature tells where a commit was made, not that anybody looked at it; a merge may hold conflicts."""
    clean = change()
    written, merged = commit("h9", by=CAT, signed_by_github=True, via_web=True), base_merge("h8", by=CAT)
    found = []
    for extra in (written, merged):
        along = replace(pushed(), requests=clean.requests, commits=(*request().commits, extra), tested=clean.tested)
        found.append(letters(judged(along)))
    assert [("deviation", "deviation"), ("not tested", "not tested")] == [(one["C"], one["D"]) for one in found]


def test_a_declaration_that_nobody_obtained() -> None:
    """A bypass by a pull request that was not obtained may have been declared, so it is not undocumented."""
    unseen = replace(change(), requests=(), unseen_requests=1, bypass=Bypass(visible=True, bypassed=True))
    found = judged(unseen)
    assert ("not tested", "not tested") == (letters(found)["E"], letters(found)["F"])
    assert ("DECLARATION_NOT_KNOWN",) == tuple(flag for flag in found.flags if "DECLAR" in flag or "BYPASS" in flag)


def test_a_gate_whose_deployments_nobody_obtained() -> None:
    """Where production is gated and its deployments could not be read, the approval of the request is not enough."""
    unread = deployments(visible=False, reason="403", gated=True)
    unasked = deployments(visible=False, reason="403", gated=None)
    unplaced, none = deployments(gated=True, unplaced=1), deployments(gated=True)
    found = [letters(judged(change(deployments=one)))["D"] for one in (unread, unasked, unplaced, none)]
    assert ["not tested", "not tested", "not tested", "met"] == found


def test_a_gate_that_stayed_shut() -> None:
    """What was refused at the gate and never began did not reach production: the next deployment is the first one."""
    refusal, approval = GateApproval(DAN, approved=False, at=ago(-50)), GateApproval(DAN, approved=True, at=ago(-59))
    shut = deployment("WAITING", "FAILURE", id="d0", gate=(refusal,), created_at=ago(-45))
    begun = deployment("IN_PROGRESS", "FAILURE", id="d0", gate=(refusal,), created_at=ago(-45))
    given_up = deployment("WAITING", "INACTIVE", id="d0", gate=(), created_at=ago(-45))
    untold = deployment("FAILURE", id="d0", gate=(), created_at=ago(-45))
    passed = deployment(gate=(approval,))
    outcomes = [
        letters(judged(change(deployments=deployments(one, passed, gated=True))))["D"]
        for one in (shut, given_up, begun, untold)
    ]
    assert ["met", "met", "deviation", "deviation"] == outcomes
    unread = deployments(shut, passed, gated=True, visible=False, reason="403")
    assert "not tested" == letters(judged(change(deployments=unread)))["D"]
    assert "met" == letters(judged(change(deployments=deployments(shut, gated=True))))["D"], "approved, never deployed"


def test_a_gate_that_was_passed_for_a_deployment_that_failed() -> None:
    """That approval is none of the next deployment, which reached production past the gate."""
    approval = GateApproval(DAN, approved=True, at=ago(-44))
    failed = deployment("IN_PROGRESS", "FAILURE", id="d0", gate=(approval,), created_at=ago(-45))
    outcomes = [
        letters(judged(change(deployments=deployments(failed, deployment(gate=gate), gated=True))))["D"]
        for gate in ((), None, (GateApproval(DAN, approved=True, at=ago(-59)),))
    ]
    assert ["deviation", "not tested", "met"] == outcomes


def test_a_gate_of_another_environment() -> None:
    """What was deployed first where nobody is asked is judged by the gate of the environment that asks."""
    free = deployment(id="d0", environment="prod-us", gate=(), asked=False, created_at=ago(-50))
    refused = deployment(environment="prod-eu", gate=())
    passed = deployment(environment="prod-eu", gate=(GateApproval(DAN, approved=True, at=ago(-59)),))
    found = [
        letters(judged(change(deployments=deployments(*places, gated=True))))["D"]
        for places in ((free,), (free, refused), (free, passed))
    ]
    assert ["met", "deviation", "met"] == found


def test_a_ledger_that_contradicts_the_checks() -> None:
    """A required check that had failed lets nobody pass without a bypass: an empty ledger is then no proof."""
    red = change(tested=checked(check("FAILURE")), bypass=Bypass(visible=True, bypassed=False))
    assert ("not tested", "deviation") == (letters(judged(red))["E"], letters(judged(red))["B"])


def test_who_merged_a_request_into_the_branch_made_nothing() -> None:
    """A promotion may be approved by who pressed the button of what it carries, unless that was no button's merge."""
    button = commit("h2", by=BOB, parents=("h1", "h0"), signed_by_github=True, via_web=True)
    side = commit("h0", by=ANN)
    given = {"commits": (commit("h1"), side, button), "head_sha": "h2", "reviews": (review(BOB, commit="h2"),)}
    held = {"received": {sha: request().received.get("h1") for sha in ("h0", "h1", "h2")}}
    tested = (replace(checked(check())[0], sha="h2"),)
    found = [
        letters(judged(change(request(**given, **held, buttoned=frozenset(known)), tested=tested)))["C"]
        for known in (("h2",), ())
    ]
    assert ["met", "deviation"] == found


def test_an_address_of_somebody_elses_tickets() -> None:
    """Where people's addresses of the ticket system are known, those of another one name nothing of ours."""
    ours, theirs = "https://acme.atlassian.net/browse/ABC-7", "https://issues.apache.org/jira/browse/ABC-7"
    known = {"site": {"acme.atlassian.net"}, "gateway": {"api.atlassian.com"}, "here": {"127.0.0.1"}}
    named = {
        name: [bool(mentions.keys([request(title="", body=text)], (), ["ABC"], hosts)) for text in (ours, theirs)]
        for name, hosts in known.items()
    }
    assert {"site": [True, False], "gateway": [True, False], "here": [True, True]} == named


def test_the_title_tells_which_reference_is_the_changes_own() -> None:
    """Of several keys in a line of references the one in the title counts first; without one the line's order does."""
    body = "What and why.\n\nRefs: ABC-2, ABC-1"
    found = [mentions.keys([request(title=title, body=body)], (), ["ABC"]) for title in ("ABC-1: Do it", "Do it")]
    assert [["ABC-1", "ABC-2"], ["ABC-2", "ABC-1"]] == [[key for key, _ in one][:2] for one in found]


def test_an_approval_against_another_base() -> None:
    """What was approved as a change of a feature branch was not approved as a change of the production branch."""
    early = event("BaseRefChangedEvent", 60 * 24, ANN, before="feature", after="main")
    base = request().base_ref or ""
    late = event("BaseRefChangedEvent", 20, ANN, before="feature", after=base)
    there = event("BaseRefChangedEvent", 21, ANN, before=base, after="feature")
    outcomes = [letters(judged(change(request(events=given))))["C"] for given in ((late,), (there, late), (early,), ())]
    assert ["deviation", "met", "met", "met"] == outcomes


def test_a_green_word_of_another_reporter() -> None:
    """A status of the same name does not make a red check green."""
    red, forged = check("FAILURE"), replace(check("SUCCESS", 35), kind="status", app_id=None)
    named = policy(checks={"required": [red.name]})
    assert "deviation" == letters(judged(change(tested=checked(red, forged)), named))["B"]


@pytest.mark.parametrize(
    ("conclusion", "minutes", "kind", "outcome"),
    [
        ("FAILURE", 35, "status", "not tested"),
        ("SUCCESS", 35, "status", "met"),
        ("FAILURE", -5, "status", "met"),
        ("FAILURE", 35, "check", "met"),
    ],
)
def test_a_red_status_beside_the_apps_check(conclusion: str, minutes: float, kind: str, outcome: str) -> None:
    """Of a check and a status of one name both may be required, also where the rule names the check's App."""
    beside = replace(check(conclusion, minutes), kind=kind, app_id=None if kind == "status" else 1)
    assert outcome == letters(judged(change(tested=checked(check("SUCCESS"), beside))))["B"]


def test_a_status_that_was_reported_again() -> None:
    """The host tells the newest status alone, so what stood at the merge is not known."""
    again = replace(check("SUCCESS", -60), kind="status", app_id=None)
    anybody = Rules((replace(rule(), checks=((again.name, None),)),), visible=True)
    assert "not tested" == letters(judged(change(tested=checked(again), rules=anybody)))["B"]


def test_a_check_of_the_queue_that_ran_again() -> None:
    """A queue merges what has passed; an attempt that ended after it is a later one."""
    queued = change(integration="queue_merge", tested=checked(check("SUCCESS", -60)))
    queued = replace(queued, tested=tuple(replace(one, sha=queued.sha) for one in queued.tested))
    assert "not tested" == letters(judged(queued))["B"]


def test_of_what_a_machine_describes_only_its_template_lines_count() -> None:
    """A coding agent fills the template in; the change logs that updates quote name tickets of others."""
    quoted = "Bumps x.\n<details>\n<summary>Release notes</summary>\nTicket: ABC-7\n</details>\nFixes ABC-8 upstream."
    agent = replace(ANN, login="coding-agent[bot]", number=77, kind="Bot")
    found = [
        mentions.keys([request(title="", body=body, author=agent, head_ref="x")], (), ["ABC"])
        for body in ("Does it.\n\nTicket: ABC-1\n", quoted)
    ]
    assert [[("ABC-1", "trailer")], []] == found
