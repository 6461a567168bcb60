"""Erase one piece of evidence after the other: what is not known never helps a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from evidence_made import ago, change, deployment, deployments, judged, letters, linked, policy, request, rule, ticket
from test_facts_edges_reviews import dismissed
from test_facts_matrix import ROWS

from soc2ev.tables.facts.evidence import Account, Bypass, Rules

MEANT = {
    *(("PullRequest", name) for name in ("edited_at", "enabler")),
    *(("Rule", name) for name in ("changed_at", "approvals", "checks", "last_push_approval", "observed_at")),
    *(("TicketEvent", name) for name in ("before", "after")),
    *(("Event", name) for name in ("name", "before", "after", "text")),
    ("Bypass", "reaches_back_to"),
    ("Check", "conclusion"),
    ("Tests", "kept_days"),
}
"""Fields whose None is an answer: never edited, no such rule, no limit, still running."""
PARTS = ("reviews", "commits", "events", "files")


def erasures(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every copy of the evidence in which one piece is not known."""
    if isinstance(value, tuple):
        for place, part in enumerate(value):
            if isinstance(part, Account):
                yield f"{path}[{place}]", (*value[:place], None, *value[place + 1 :])
            for name, less in erasures(part, f"{path}[{place}]"):
                yield name, (*value[:place], less, *value[place + 1 :])
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            held, name = getattr(value, one.name), f"{path}.{one.name}"
            for less in losses(type(value).__name__, one.name, str(one.type), held):
                yield name, replace(value, **{one.name: less})
            for inner, less in erasures(held, name):
                yield inner, replace(value, **{one.name: less})


def losses(kind: str, name: str, declared: str, held: Any) -> Iterator[Any]:
    """What a field holds when it is not known."""
    if name in ("visible", "whole", "actor_known") and held:
        yield False
    elif name == "missing":
        yield from (held | {part} for part in PARTS if part not in held)
    elif name.startswith("unseen_"):
        yield held + 1
    elif name == "received" and held:
        yield {}
    elif declared.endswith("| None") and held is not None and (kind, name) not in MEANT:
        yield None


SMALL = {
    "promotion": (change(request(constituents=(request(7), request(19, reviews=())))), policy()),
    "promotion approved": (change(request(constituents=(request(7),))), policy()),
    "dismissed": (change(dismissed(10)), policy()),
    "gate refused": (change(deployments=deployments(deployment(gate=()), gated=True)), policy()),
    "rules changed later": (change(rules=Rules((rule(changed_at=ago(-5)),), visible=True)), policy()),
    "two tickets": (
        change(tickets=replace(linked(), links=(*linked().links, replace(linked().links[0], key="ABC-2")))), policy()),
}  # fmt: skip
SCENARIOS = SMALL | {name: row[:2] for name, row in ROWS.items() if name != "promotion"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_turns_met(name: str) -> None:
    """In no scenario does erasing a piece make an outcome met, inapplicable, or turn a met one into a deviation."""
    given, rules = SCENARIOS[name]
    before = letters(judged(given, rules))
    wrong = [
        f"{path}: {letter} {before[letter]} -> {outcome}"
        for path, less in erasures(given)
        for letter, outcome in letters(judged(less, rules)).items()
        if outcome not in {before[letter], "not tested"}
        and (before[letter], outcome) != ("not applicable", "deviation")
    ]
    assert [] == wrong


NEEDED = {
    "A": (".tickets.visible", ".tickets.links[0].ticket", ".ticket.whole", ".ticket.created_at",
          ".ticket.status", ".events[0].actor"),
    "B": (".tested[0].whole", ".checks[0].completed_at", ".checks[0].app_id", ".rules.visible", "requests[0].merged_at",
          ".requests[0].head_sha", ".unseen_requests"),
    "C": (".reviews[0].reviewer", ".reviews[0].reviewer.number", ".reviews[0].submitted_at", ".reviews[0].commit",
          ".reviews[0].can_push", ".requests[0].author", ".requests[0].missing", ".requests[0].merged_at",
          ".requests[0].head_sha", ".unseen_requests", ".unseen_constituents"),
    "D": (".reviews[0].reviewer", ".reviews[0].submitted_at", ".requests[0].merged_at", ".deployments.gated"),
    "E": (".reviews[0].reviewer", ".requests[0].author", ".bypass.visible", ".unseen_requests", ".unseen_constituents"),
    "G": (".high_risk", ".unseen_requests"),
    "H": (".deployments.visible",),
}  # fmt: skip


@pytest.mark.parametrize("letter", NEEDED)
def test_what_was_needed(letter: str) -> None:
    """A clean change loses an attribute with each piece that the attribute rests on."""
    found: dict[str, set[str]] = {}
    for path, less in erasures(change()):
        found.setdefault(path, set()).add(letters(judged(less))[letter])
    for end in NEEDED[letter]:
        outcomes = [outcome for path, seen in found.items() if path.endswith(end) for outcome in seen]
        assert "not tested" in outcomes, end


def test_each_part_missing() -> None:
    """Each part of a request that is missing takes what rests on it."""
    lost = {part: letters(judged(request(missing=frozenset({part})))) for part in PARTS}
    assert {"reviews": "CDE", "commits": "CDE", "events": "CDE", "files": ""} == {
        part: "".join(letter for letter in "CDE" if outcomes[letter] == "not tested") for part, outcomes in lost.items()
    }


def test_makers_missing_from_ticket() -> None:
    """Who approved a ticket cannot be told from the makers while commits are missing."""
    cut = change(request(missing=frozenset({"commits"})))
    counts = policy(ticket={"approval_by_maker_counts": True})
    assert ("not tested", "met") == (letters(judged(cut))["A"], letters(judged(cut, counts))["A"])


def test_two_things_hidden() -> None:
    """Rules and ledger hidden together leave B, E and F open however clean the rest is."""
    hidden = change(rules=Rules((), visible=False), bypass=Bypass(visible=False, bypassed=False))
    found = letters(judged(hidden))
    assert ("not tested",) * 3 == tuple(found[letter] for letter in "BEF")


def test_no_time_of_the_move() -> None:
    """Without the server's time of the move the merge of the request tells when a rule was in force."""
    assert "met" == letters(judged(change(at=None)))["B"]
    unknown = change(request(merged_at=None), at=None, rules=Rules((rule(),), visible=True), tickets=linked(ticket()))
    assert {"not tested"} == {letters(judged(unknown))[letter] for letter in "ABCD"}
