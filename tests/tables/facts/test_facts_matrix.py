"""The acceptance matrix: one scenario for each of its rows, through the one function that judges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from evidence_made import (
    ANN,
    BOB,
    BOT,
    CAT,
    MERGED,
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
    linked,
    policy,
    pushed,
    request,
    review,
    ticket,
)

from soc2ev.tables.facts.evidence import Change, GateApproval
from soc2ev.tables.facts.evidence import Tests as ChecksOf

LOCK = {"authors": ["dependabot[bot]"], "paths": ["poetry.lock"], "document": "SC-7"}
STANDARD = policy(bots={"standard_change": [LOCK]})
STRICT = policy(checks={"accept": ["success"]})


def bump(**facts: Any) -> Any:
    """A pull request of a machine that touches a lock file and that nobody reviewed."""
    made = commit(by=BOT, signed_by_github=True)
    values = {"author": BOT, "commits": (made,), "pushers": (BOT,), "reviews": (), "files": ("poetry.lock",)}
    return request(**(values | facts))


def rebased(**facts: Any) -> Any:
    """Approved, then force-pushed; GitHub points the review at the new head."""
    forced = event("HeadRefForcePushedEvent", 20, ANN, before="old", after="h1")
    values = {"events": (forced,), "received": {"h1": ago(20), "old": ago(50)}}
    return request(**(values | facts))


def promotion() -> Change:
    """A promotion of 30 pull requests, two of which nobody approved."""
    parts = tuple(
        request(number, base_ref="develop", reviews=() if number in (7, 19) else (review(),)) for number in range(1, 31)
    )
    return change(request(constituents=parts))


def rollback(**facts: Any) -> Change:
    """An older state deployed again through the gate of the environment, with an incident as its ticket."""
    gate = (GateApproval(BOB, approved=True, at=ago(5)),)
    made = deployments(deployment(creator=CAT, gate=gate), gated=True)
    earlier = ChecksOf("m1", (check(minutes=9000),), whole=True)
    values: dict[str, Any] = {"deployments": made, "tickets": linked(ticket(type="Incident")), "tested": (earlier,)}
    return replace(change(), integration="rollback", requests=(), commits=(), **(values | facts))


def skipped() -> Change:
    """The required check was skipped by a path filter."""
    return change(tested=(ChecksOf("h1", (check("SKIPPED"),), whole=True),))


QUEUED = change(
    integration="queue_merge",
    actor=BOT,
    tested=(ChecksOf("h1", (check("FAILURE"),), whole=True), ChecksOf("m1", (check(minutes=2),), whole=True)),
)
DECLARED = request(
    reviews=(review(minutes=-180),), labels=("emergency",), events=(event("LabeledEvent", 50, ANN, name="emergency"),)
)
LATE_PUSH = request(
    head_sha="h2", commits=(commit(), commit("h2", parents=("h1",))), received={"h1": ago(59), "h2": ago(10)}
)
UPDATED = request(
    head_sha="h2",
    commits=(commit(), base_merge()),
    received={"h1": ago(59), "h2": ago(10)},
    clean_merges=frozenset({"h2"}),
)
FIXED = request(
    head_sha="h2",
    commits=(commit(), commit("h2", by=BOB, parents=("h1",))),
    received={"h2": ago(50)},
    reviews=(review(commit="h2"),),
    pushers=(ANN, BOB),
)
EXPIRED = pushed(tested=(ChecksOf("m1", (), whole=True),), collected_at=MERGED + timedelta(days=120))
H2_TESTED = (ChecksOf("h2", (check(minutes=5),), whole=True),)

ROWS = {
    "clean": (change(), policy(), "met met met met n/a", ""),
    "approved, then a content push": (
        change(LATE_PUSH, tested=H2_TESTED), policy(), "met deviation deviation met n/a", "STALE_APPROVAL"),
    "same patch rebased, proven": (
        change(rebased(equal_patches=frozenset({"old"}))), policy(), "met met met met n/a", "APPROVAL_REBOUND"),
    "same patch rebased, no clone": (change(rebased()), policy(), "met ? ? met n/a", "APPROVAL_REBOUND"),
    "base merged without conflicts": (
        change(UPDATED, tested=H2_TESTED), policy(), "met met met met n/a", "BASE_MERGE_AFTER_APPROVAL"),
    "reviewer pushed a fix": (
        change(FIXED, tested=H2_TESTED), policy(), "met deviation deviation deviation n/a", "REVIEWER_IS_MAKER"),
    "declared emergency, reviewed in time": (change(DECLARED), policy(), "met n/a deviation met met", "POST_REVIEW"),
    "direct push, bypass, no label": (
        pushed(tested=(ChecksOf("m1", (check(),), whole=True),)), policy(),
        "met deviation deviation deviation deviation", "UNDOCUMENTED_BYPASS"),
    "direct push, checks expired": (
        EXPIRED, policy(), "? deviation deviation deviation deviation", "CI_EVIDENCE_EXPIRED UNDOCUMENTED_BYPASS"),
    "standard change": (change(bump()), STANDARD, "met n/a met met n/a", "STANDARD_CHANGE"),
    "standard change with a human commit": (
        change(bump(commits=(commit(by=BOT, signed_by_github=True), commit("h2", parents=("h1",))), pushers=(BOT, ANN))),
        STANDARD, "met deviation deviation deviation n/a", "STANDARD_CHANGE_VOID"),
    "merge queue": (QUEUED, policy(), "met met met met n/a", "TESTED_IN_QUEUE"),
    "required check skipped, strict": (skipped(), STRICT, "deviation met met met n/a", "SKIPPED_TESTS"),
    "required check skipped, accepted": (skipped(), policy(), "met met met met n/a", "SKIPPED_TESTS"),
    "token without checks": (
        change(tested=(ChecksOf("h1", (), whole=False, reason="403"),)), policy(), "? met met met n/a", "EVIDENCE_PARTIAL"),
    "ticket created after the merge": (
        change(tickets=linked(ticket(created_at=ago(-60)))), policy(), "met met met met n/a", "TICKET_BACKFILLED"),
    "promotion": (promotion(), policy(), "met deviation deviation deviation n/a", "CONSTITUENT_FAILED"),
    "rollback through the gate": (rollback(), policy(), "met n/a met met met", "ROLLBACK"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_matrix(name: str) -> None:
    """Each row of the acceptance matrix gives its outcomes for B to F, its flags and no others."""
    given, rules, outcomes, flags = ROWS[name]
    found = judged(given, rules)
    short = {"?": "not tested", "n/a": "not applicable"}
    expected = dict(zip("BCDEF", (short.get(one, one) for one in outcomes.split()), strict=True))
    assert expected == {letter: outcome for letter, outcome in letters(found).items() if letter in "BCDEF"}, found
    assert tuple(sorted(flags.split())) == found.flags


def test_matrix_ticket_backfilled() -> None:
    """A ticket that was created after the merge is a deviation in A."""
    assert letters(judged(change(tickets=linked(ticket(created_at=ago(-60))))))["A"] == "deviation"


def test_promotion_counts() -> None:
    """The reason says how many constituents failed and which."""
    assert "2 of 30 constituent pull requests were not approved (#7, #19)." in judged(promotion()).row["review_reason"]


def test_rollback_without_gate() -> None:
    """A rollback that no gate had to allow is not tested in D to F."""
    found = letters(judged(rollback(deployments=deployments(deployment(creator=CAT)))))
    assert ("not tested",) * 3 == tuple(found[letter] for letter in "DEF")


def test_rollback_gated_by_deployer() -> None:
    """Whoever starts a rollback cannot let it through the gate."""
    gate = (GateApproval(CAT, approved=True, at=ago(5)),)
    found = letters(judged(rollback(deployments=deployments(deployment(creator=CAT, gate=gate), gated=True))))
    assert ("deviation",) * 3 == tuple(found[letter] for letter in "DEF")


def test_everything_has_a_reason() -> None:
    """Every scenario has a readable reason for every attribute, met ones too, and the columns of the table."""
    for given, rules, _, _ in ROWS.values():
        row = judged(given, rules).row
        assert [] == [name for name, value in row.items() if name.endswith("_reason") and len(value) < 15]


def test_columns() -> None:
    """The row has the columns of the table but for the item and its evidence."""
    from soc2ev.tables.standard import CHANGE_FACTS

    assert {one.name for one in CHANGE_FACTS.columns} - {"item", "evidence"} == set(judged(change()).row)


def test_makers_and_approvers() -> None:
    """Makers and approvers are named as the register names them."""
    found = judged(change())
    assert (("ann",), ("bob",)) == (found.makers, found.approvers)
