"""Requests whose commits another one brought along."""

from __future__ import annotations

from soc2ev.tables.facts.evidence import PullRequest
from soc2ev.tables.hosted.indirect import apart
from tests.tables.facts.evidence_made import ANN, BOB, CAT, commit, request, review

BOTH = (commit("a"), commit("b"))


def numbers(*requests: PullRequest) -> list[int]:
    """Those that stand on their own."""
    return [one.number for one in apart(requests)]


def test_a_request_that_another_one_holds_whole_is_a_part_of_that_one() -> None:
    """Its author and whoever pushed to it made a part of the other."""
    part = request(16, author=CAT, commits=BOTH[:1], pushers=(BOB,), reviews=())
    (whole,) = apart([part, request(15, commits=BOTH)])
    assert (15, (ANN, CAT, BOB)) == (whole.number, whole.pushers)


def test_what_is_not_held_whole_stands_on_its_own() -> None:
    """Other commits, the same ones, commits that are not all known, and an objection."""
    other = request(15, commits=BOTH)
    assert [16, 15] == numbers(request(16, commits=(commit("a"), commit("c"))), other)
    assert [16, 15] == numbers(request(16, commits=BOTH), other)
    assert [16, 15] == numbers(request(16, commits=()), other)
    for part in ("commits", "reviews", "events"):
        assert [16, 15] == numbers(request(16, commits=BOTH[:1], missing=frozenset({part})), other)
    assert [16, 15] == numbers(request(16, commits=BOTH[:1], replaced=(commit("c"),)), other)
    assert [16, 15] == numbers(request(16, commits=BOTH[:1]), request(15, commits=BOTH, missing=frozenset({"commits"})))
    assert [16, 15] == numbers(request(16, commits=BOTH[:1], reviews=(review(state="CHANGES_REQUESTED"),)), other)
