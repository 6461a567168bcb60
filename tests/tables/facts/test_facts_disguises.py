"""Violations that look like reviewed changes, and changes that look like violations."""

from __future__ import annotations

from dataclasses import replace

from evidence_made import ANN, BOB, change, check, commit, event, judged, letters, policy, pushed, request, rule

from soc2ev.tables.facts.evidence import Rules
from soc2ev.tables.facts.evidence import Tests as ChecksOf


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
