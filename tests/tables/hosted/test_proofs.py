"""What comparisons, graphs, gates and records of a renamed branch prove, and what they leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soc2ev.tables.engine import Engine
from soc2ev.tables.facts.evidence import Account, Commit, Deployment
from soc2ev.tables.facts.people import People
from soc2ev.tables.hosted import addresses, gates, moves, rebased
from soc2ev.tables.hosted.collection import RefMoves
from soc2ev.tables.hosted.comparisons import Comparisons
from soc2ev.tables.hosted.deployments import Delivered
from soc2ev.tables.hosted.gates import Gates
from soc2ev.tables.hosted.graph import Graph

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
ANN, BOB = Account("ann", 1), Account("bob", 2)


def commit(sha: str, *parents: str) -> Commit:
    """A commit of nobody in particular."""
    return Commit(sha, parents, "", None, None, None, None, None, None, None, None)


def compared(listed: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], whole: bool = True) -> Comparisons:
    """Comparisons with their files by base and head; those that are not whole are not handed over."""
    rows = [{"base": base, "head": head} for base, head in listed if whole]
    files = [{"base": base, "head": head, **one} for (base, head), several in listed.items() for one in several]
    return Comparisons(rows, files)


def file(path: str, blob: str = "b1", patch: str | None = "p1", status: str = "modified") -> dict[str, Any]:
    """A file of a comparison."""
    return {"path": path, "previous": None, "status": status, "blob": blob, "patch": patch}


BRANCH = [commit("reviewed", "old"), commit("merge", "reviewed", "base")]
"""A request whose branch took in the base after it was approved."""
OF_BASE = file("lib.py")


@pytest.mark.parametrize(
    ("of_merge", "of_base", "proven"),
    [
        ([OF_BASE], [OF_BASE], True),
        ([OF_BASE, file("smuggled.py")], [OF_BASE], False),
        ([], [OF_BASE], False),
        ([file("lib.py", blob="b2")], [OF_BASE], False),
        ([file("lib.py", patch="p2")], [OF_BASE], False),
        ([file("lib.bin", patch=None)], [file("lib.bin", patch=None)], False),
        ([file("lib.bin", patch=None, status="added")], [file("lib.bin", patch=None, status="added")], True),
        ([file("lib.py", status="removed")], [OF_BASE], False),
    ],
    ids=["clean", "smuggled", "left out", "other content", "own work lost", "unseen", "new as a whole", "removed"],
)
def test_a_merge_of_the_base_is_clean_when_it_brings_just_what_the_base_did(
    of_merge: Sequence[Mapping[str, Any]], of_base: Sequence[Mapping[str, Any]], proven: bool
) -> None:
    """Same files with the same content and patches; anything more, less or otherwise, or not to be seen, proves nothing."""
    found = compared({("reviewed", "merge"): of_merge, ("reviewed", "base"): of_base})
    assert ({"merge"} if proven else set()) == found.clean_merges(BRANCH, "merge")


def test_a_cut_comparison_proves_nothing() -> None:
    """GitHub lists 300 files: what may go on beyond them is no proof, neither of a merge nor of a patch."""
    pairs = {
        ("reviewed", "merge"): [OF_BASE],
        ("reviewed", "base"): [OF_BASE],
        ("b", "x"): [OF_BASE],
        ("b", "y"): [OF_BASE],
    }
    found = compared(pairs, whole=False)
    assert (set(), set()) == (found.clean_merges(BRANCH, "merge"), found.equal_patches("b", ["x"], "y"))


def test_a_commit_between_the_merges_is_never_clean() -> None:
    """Where anything but merges of the base followed the approval, no comparison makes it clean."""
    branch = [commit("reviewed", "old"), commit("more", "reviewed"), commit("merge", "more", "base")]
    found = compared({("reviewed", "merge"): [OF_BASE], ("reviewed", "base"): [OF_BASE]})
    assert set() == found.clean_merges(branch, "merge")


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        ([file("a.py", blob="b1")], [file("a.py", blob="b2")], True),
        ([file("a.py")], [file("a.py", patch="p2")], False),
        ([file("a.py")], [file("a.py"), file("b.py")], False),
        ([file("a.bin", patch=None)], [file("a.bin", patch=None)], False),
        ([], [], False),
    ],
    ids=["equal", "other patch", "one more file", "unseen", "nothing"],
)
def test_a_force_push_keeps_the_patch_when_every_file_has_the_same_one(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], equal: bool
) -> None:
    """The content around may differ; the patches may not, and all of them must be there to look at."""
    found = compared({("base", "before"): before, ("base", "after"): after})
    assert ({"before"} if equal else set()) == found.equal_patches("base", ["before"], "after")


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [
        ([file("a.py", blob="b1")], [file("a.py", blob="b2")], False),
        ([file("a.py")], [file("a.py", patch="p2")], True),
        ([file("a.py"), file("b.py")], [file("a.py")], True),
        ([file("a.bin", patch=None)], [file("a.bin", patch=None, blob="b2")], False),
        ([file("a.bin", patch=None), file("a.py")], [file("a.bin", patch=None), file("a.py", patch="p2")], True),
        ([file("a.py", patch=None)], [file("a.py")], False),
        ([], [file("a.py")], True),
    ],
    ids=["equal", "other patch", "one file less", "unseen", "one of two seen", "one side unseen", "had nothing"],
)
def test_a_force_push_brings_another_patch_where_a_file_shows_it(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], other: bool
) -> None:
    """What has no patch to look at tells nothing; what was not compared neither."""
    found = compared({("base", "before"): before, ("base", "after"): after})
    assert ({"before"} if other else set()) == found.other_patches("base", ["before", "elsewhere"], "after")
    assert set() == found.other_patches("base", ["before"], "elsewhere")


def placed(young: set[str], sha: str) -> bool | None:
    """Whether a deployed commit is of the branch start <- m1 <- tip, beside which `side` builds on m1."""
    graph = Graph({"tip": ("m1",), "m1": ("start",), "side": ("m1",), "older": ("long-ago",)})
    rows = [{"id": 7, "environment": "production", "sha": sha, "created_at": NOON, "creator": None}]
    rows = [{**row, "creator_id": None, "creator_type": None} for row in rows]
    ref = RefMoves("main", [], "tip", ("main",), frozenset(young))
    delivered = Delivered(rows, {}, ["production"], graph, ref, Gates({}))
    return delivered.placed(delivered.found[0])


def test_a_deployed_commit_is_beside_the_branch_only_when_it_builds_on_the_periods_commits() -> None:
    """What the graph shows on the branch is on it; what is old may be on it too; what nobody told about is not known."""
    young = {"tip", "m1", "start"}
    answers = {sha: placed(young, sha) for sha in ("tip", "side", "older", "unheard-of")}
    assert {"tip": True, "side": False, "older": None, "unheard-of": None} == answers
    assert placed(set(), "side") is None


def test_an_answer_at_a_gate_is_dated_by_the_start_of_the_deployment() -> None:
    """Answers for other environments do not count; a deployment that nobody asked about has no answer, not none."""
    rows = [
        {
            "approver": "bob",
            "approver_id": 2,
            "approver_type": "User",
            "state": "APPROVED",
            "environments": ["production"],
        },
        {
            "approver": "ann",
            "approver_id": 1,
            "approver_type": "User",
            "state": "APPROVED",
            "environments": ["staging"],
        },
    ]
    states = [("WAITING", NOON), ("IN_PROGRESS", NOON + timedelta(hours=1)), ("SUCCESS", NOON + timedelta(hours=2))]
    found = Gates({7: rows, 8: []})
    (answer,) = found.answers(7, "production", states) or ()
    assert (BOB, True, NOON + timedelta(hours=1)) == (answer.approver, answer.approved, answer.at)
    assert ((), None) == (found.answers(8, "production", states), found.answers(9, "production", states))
    assert (None,) == tuple(one.at for one in found.answers(7, "production", [("WAITING", NOON)]) or ())


def test_a_gate_whose_answers_did_not_all_come_is_not_known() -> None:
    """Twenty answers of a run are read: with more, whoever approved may be missing."""

    class Told:
        def rows(self, table: str) -> list[dict[str, Any]]:
            whole = [{"deployment": 1, "whole": True}, {"deployment": 2, "whole": False}]
            return whole if table == "github_gates" else []

    found = gates.of(Told())  # type: ignore[arg-type]
    assert ((), None) == (found.answers(1, "production", ()), found.answers(2, "production", ()))


def record(number: int, before: str | None, after: str | None) -> dict[str, Any]:
    """A record of a ref, dated by its number."""
    return {"id": number, "at": NOON + timedelta(minutes=number), "before": before, "after": after}


def test_the_records_of_a_renamed_branch_go_on_under_its_new_name() -> None:
    """The moves before the rename are the new ref's; the rename itself is no move, and what `main` did later neither."""
    rows = {
        "main": [record(1, None, "a"), record(2, "a", "b"), record(4, "b", None), record(9, None, "x")],
        "trunk": [record(3, None, "b"), record(5, "b", "c")],
    }
    assert [1, 2, 5] == [row["id"] for row in moves.continued(rows, ["trunk", "main"])]
    assert [3, 5] == [row["id"] for row in moves.continued(rows, ["trunk"])]


def test_records_go_on_where_nothing_recorded_the_rename() -> None:
    """The first record under the new name begins with what the last one under the old name left."""
    rows = {"main": [record(1, None, "a"), record(2, "a", "b"), record(9, "x", "y")], "trunk": [record(5, "b", "c")]}
    assert [1, 2, 5] == [row["id"] for row in moves.continued(rows, ["trunk", "main"])]
    assert [1, 2, 9] == [row["id"] for row in moves.continued({"main": rows["main"]}, ["trunk", "main"])]
    assert [5] == [row["id"] for row in moves.continued({**rows, "main": rows["main"][2:]}, ["trunk", "main"])]


def test_a_merge_into_another_name_is_no_push() -> None:
    """Without records a commit that landed some request is not taken for a push: the branch may have been renamed."""
    graph = Graph({"merge": ("base",), "push": ("merge",)})
    found = moves.inferred(graph, "push", "base", {}, lambda _: None, {"merge": NOON})
    assert [("pr_merge", NOON), ("direct_push", None)] == [(one.integration, one.at) for one in found]


def test_what_a_ref_held() -> None:
    """By its last record until then; a deleted one what it held until then; without a record what it began with."""
    rows = [record(2, "a", "b"), record(4, "b", None)]
    found = [moves.held(rows, NOON + timedelta(minutes=at), "a") for at in (1, 3, 5)]
    assert (["a", "b", "b"], None) == (found, moves.held([], NOON, None))


def rebased_onto(**facts: Any) -> dict[str, Any]:
    """A commit of Ann's, as a rebase by Bob leaves it, or with other facts."""
    values = {"author": ANN, "author_name": "Ann", "author_email": "ann@example.com", "authored_at": NOON}
    made = {"committer": BOB, "committer_name": "Bob", "committer_email": "bob@example.com", "message": "Work"}
    return {**values, **made, "committed_at": NOON, "parents": ("base",), **facts}


def copies(pushed: tuple[str, ...] = (), merger: Account | None = BOB, **facts: Any) -> frozenset[str]:
    """What a request of two commits left on the branch, the lower copy with those facts."""
    own = [Commit(**rebased_onto(sha=sha, committer=ANN)) for sha in ("o1", "o2")]
    lower = Commit(**rebased_onto(sha="n1", **facts))
    upper = Commit(**rebased_onto(sha="n2", parents=("n1",)))
    landed = rebased.Landed("n2", NOON, merger, tuple(own))
    return rebased.made([lower, upper], [landed], dict.fromkeys(pushed))


def test_what_a_rebase_left_is_the_requests_own() -> None:
    """Author, date, message and time agree, and the committer is whoever merged: only the tip was pushed."""
    assert [frozenset({"n1", "n2"})] * 2 == [copies(), copies(pushed=("n2",))]


@pytest.mark.parametrize(
    "facts",
    [
        {"pushed": ("n1",)},
        {"merger": ANN},
        {"merger": None},
        {"committer": ANN},
        {"message": "Other work"},
        {"author_email": "eve@example.com"},
        {"author": BOB},
        {"authored_at": NOON - timedelta(seconds=1)},
        {"committed_at": NOON - timedelta(minutes=11)},
        {"committed_at": None},
        {"parents": ("base", "side")},
    ],
)
def test_a_commit_that_only_looks_like_a_rebased_one_keeps_its_committer(facts: dict[str, Any]) -> None:
    """Whatever differs, or was pushed by itself, leaves nothing of the request a copy."""
    assert frozenset() == copies(**facts)


def test_a_request_that_was_not_obtained_left_nothing() -> None:
    """Without its own commits nothing can be compared."""
    found = rebased.made([Commit(**rebased_onto(sha="n2"))], [rebased.Landed("n2", NOON, BOB, ())], {})
    assert frozenset() == found


def test_a_deletion_of_something_else_is_no_rename() -> None:
    """A ref that held another commit did not become the new one, whatever the collection says."""
    rows = {"main": [record(1, None, "a"), record(4, "z", None)], "trunk": [record(3, None, "b")]}
    assert [3] == [row["id"] for row in moves.continued(rows, ["trunk", "main"])]


def test_an_address_counts_for_the_one_account_that_github_links_it_with() -> None:
    """Case does not matter; the register goes first; an address of two accounts, and the platform's own, is nobody's."""
    people = People([], [], addresses={"bob@example.com": BOB})
    assert ("github:2", True) == (
        people.address("Bob", "Bob@Example.com").key,
        people.address("B", "bob@example.com").known,
    )
    assert not people.address("Bob", "other@example.com").known
    person = {"person": "Ann", "system": "email", "account": "bob@example.com", "login": None}
    assert "Ann" == People([person], [], addresses={"bob@example.com": BOB}).address("Bob", "bob@example.com").key


class Answers(Engine):
    """An engine that answers with those rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def stream(self, sql: str) -> Any:
        return iter(self.rows)


def test_an_address_with_two_accounts_is_nobodys() -> None:
    """GitHub linked it with one and then the other, or one answer is wrong: neither is taken."""
    told = [("both@example.com", ANN), ("both@example.com", BOB), ("ann@example.com", ANN), ("noreply@github.com", BOB)]
    rows = [{"address": text, "login": who.login, "id": who.number, "kind": who.kind} for text, who in told]
    assert {"ann@example.com": ANN} == addresses.linked(Answers(rows), "run-1")


def test_a_deployment_keeps_the_answers_at_its_gate() -> None:
    """What was answered stands with the deployment; nobody asked: not known."""
    ref = RefMoves("main", [], "tip", ("main",))
    row = {"environment": "production", "sha": "tip", "created_at": NOON}
    row |= {"creator": None, "creator_id": None, "creator_type": None}
    rows = [{"id": 7, **row}, {"id": 8, **row}]
    delivered = Delivered(rows, {}, ["production"], Graph({"tip": ()}), ref, Gates({7: []}))
    found: list[Deployment] = delivered.found
    assert [(), None] == [one.gate for one in found]


def test_a_deployment_may_contain_what_missing_commits_hide() -> None:
    """Where commits of the branch are missing, a later deployment that does not seem to hold a change cannot be placed."""
    ref = RefMoves("main", [], "tip", ("main",))
    row = {"id": 7, "environment": "production", "sha": "tip", "created_at": NOON}
    rows = [{**row, "creator": None, "creator_id": None, "creator_type": None}]
    unplaced = {}
    for whole in (True, False):
        delivered = Delivered(rows, {}, ["production"], Graph({"tip": ()}), ref, Gates({}), whole=whole)
        unplaced[whole] = delivered.about("change", NOON, None, gated=False).unplaced
    assert {True: 0, False: 1} == unplaced
