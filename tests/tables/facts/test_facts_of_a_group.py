"""Requests that a queue landed together: what one of them has excuses no other one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_made import (
    ANN,
    ANN_JIRA,
    BOB,
    BODY,
    CAT,
    MERGED,
    ago,
    change,
    check,
    commit,
    event,
    judged,
    letters,
    moved,
    request,
    review,
    ticket,
)

from soc2ev.tables.facts.evidence import Bypass, Change, PullRequest, Rules, Ticket, TicketLink, Tickets
from soc2ev.tables.facts.evidence import Tests as ChecksOf

PLAN = "It makes exports faster.\n\n## Rollback\nRevert the merge and redeploy the version before it.\n"


def second(**facts: Any) -> PullRequest:
    """Cat's request, which landed with Ann's: its own ticket, approved by Ann."""
    values: dict[str, Any] = {
        "title": "ABC-2 Import invoices",
        "author": CAT,
        "head_sha": "h2",
        "merge_sha": "m2",
        "commits": (commit("h2", by=CAT),),
        "reviews": (review(ANN, commit="h2", id="r2"),),
        "received": {"h2": ago(59)},
        "pushers": (CAT,),
        "body": BODY,
    }
    return request(413, **(values | facts))


def group(other: PullRequest, held: Ticket | None, **facts: Any) -> Change:
    """Ann's clean request and the other one in one move, each naming its own ticket."""
    links = (TicketLink("ABC-1", "title", ticket()),)
    theirs = (TicketLink("ABC-2", "title", held),) if held else ()
    values: dict[str, Any] = {
        "integration": "queue_merge",
        "commits": (commit("m1"), commit("m2", by=CAT)),
        "tested": tuple(ChecksOf(sha, (check(),), whole=True) for sha in ("h1", "h2", "m1", "m2")),
        "tickets": Tickets((*links, *theirs), configured=True, visible=True, of={412: links, 413: theirs}),
    }
    return replace(change(request(), other), **(values | facts))


@pytest.mark.parametrize(
    ("held", "outcome"),
    [
        (ticket(key="ABC-2"), "met"),
        (ticket(key="ABC-2", events=(), status="Open"), "deviation"),
        (ticket(key="ABC-2", events=(moved("Approved", -60),)), "deviation"),
        (None, "deviation"),
        (ticket(key="ABC-2", whole=False), "not tested"),
        # Ann made the other request of the group, not this one.
        (ticket(key="ABC-2", events=(moved("Approved", 1440, ANN_JIRA),)), "met"),
    ],
    ids=["approved", "open", "late", "none", "cut", "by a maker of the other"],
)
def test_each_needs_its_own_approved_ticket(held: Ticket | None, outcome: str) -> None:
    """The approved ticket of one says nothing of another one."""
    assert outcome == letters(judged(group(second(), held)))["A"]


def test_each_needs_its_own_plan() -> None:
    """The rollback plan in the ticket of one is none of another one's."""
    bare = second(body="It makes imports faster, at last.")
    planned = ticket(key="ABC-1", description=PLAN)
    own, theirs = (TicketLink("ABC-1", "title", planned),), (TicketLink("ABC-2", "title", ticket(key="ABC-2")),)
    told = Tickets((*own, *theirs), configured=True, visible=True, of={412: own, 413: theirs})
    assert "deviation" == letters(judged(group(bare, None, tickets=told)))["G"]
    swapped = (TicketLink("ABC-2", "title", replace(planned, key="ABC-2")),)
    told = Tickets((*own, *swapped), configured=True, visible=True, of={412: own, 413: swapped})
    assert "met" == letters(judged(group(bare, None, tickets=told)))["G"]


def test_an_emergency_excuses_only_its_own_request() -> None:
    """One was labelled and reviewed afterwards; the other one, unlabelled, was reviewed by nobody before the merge."""
    labelled = {"labels": ("emergency",), "events": (event("LabeledEvent", 60, name="emergency"),)}
    after = (review(BOB, -60, commit="h2", id="r2"),)
    hot = replace(request(**labelled), reviews=(review(BOB, -60),))
    both = group(second(reviews=after, **labelled), ticket(key="ABC-2"))
    both = replace(both, requests=(hot, both.requests[1]))
    assert "met" == letters(judged(both))["F"]
    one = replace(both, requests=(hot, second(reviews=after)))
    found = letters(judged(one))
    assert "deviation" == found["C"]
    assert "met" != found["F"]
    approved = replace(both, requests=(hot, second()))
    assert "met" == letters(judged(approved))["F"]


def test_an_account_that_is_gone_may_have_written() -> None:
    """An approval that the branch's rules asked for, by somebody who was deleted since, shows no bypass."""
    unread = {"bypass": Bypass(visible=False, bypassed=False), "at": MERGED}
    gone = replace(change(request(reviews=(review(None, can_push=False),))), **unread)
    nobody = replace(change(request(reviews=(review(CAT, can_push=False),))), **unread)
    assert isinstance(gone.rules, Rules)
    assert ["not tested", "deviation"] == [letters(judged(one))["F"] for one in (gone, nobody)]


def test_a_request_that_was_not_obtained_may_have_named_no_ticket() -> None:
    """Of a group of two and of one of which only one came: the approved ticket says nothing of the other."""
    whole = group(second(), ticket(key="ABC-2"))
    alone = replace(change(request()), integration="queue_merge")
    found = [letters(judged(replace(one, unseen_requests=1)))["A"] for one in (whole, alone)]
    assert ["not tested", "not tested"] == found
    refused = group(second(), ticket(key="ABC-2", events=(), status="Open"), unseen_requests=1)
    assert "deviation" == letters(judged(refused))["A"]


def test_a_title_that_is_not_known_may_have_named_another_ticket() -> None:
    """Without the events nobody knows what the title was, also where a commit names an approved ticket."""
    named = (commit(message="ABC-1 Export"),)
    found = [
        letters(judged(request(commits=named, missing=lost)))["A"] for lost in (frozenset(), frozenset({"events"}))
    ]
    assert ["met", "not tested"] == found
