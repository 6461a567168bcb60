"""The campaign runs: its matrix reaches both sides, it takes a loss of evidence for what it is, and it sees a lie."""

from __future__ import annotations

from dataclasses import replace

from tests.campaign.__main__ import Run, clean, matrix, run
from tests.campaign.places import Place
from tests.campaign.roads import wrongs


def test_matrix() -> None:
    """Every kind has places in a world with both sides, and each place is of the side that answered there."""
    runs = list(matrix(["e1"], ["once-401", "member-null", "graphql-null-all", "lie-twice"]))
    sides = {(one.kind, one.place.side) for one in runs}
    both = {(kind, side) for kind in ("once-401", "member-null", "lie-twice") for side in ("github", "jira")}
    assert {*both, ("graphql-null-all", "github")} == sides
    assert len(set(runs)) == len(runs)


def test_run() -> None:
    """A search of Jira that fails once is nothing wrong."""
    assert clean("e1").whole
    assert [] == run(Run("e1", "once-502", Place("jira", "POST /rest/api/N/search/jql", 1)))


def test_wrongs() -> None:
    """An outcome that became met, one that became a deviation, one that left, and a change that nothing tells of."""
    seen = clean("e1")
    met = next(key for key, (word, _) in seen.outcomes.items() if word == "met")
    failed = next(key for key, (word, _) in seen.outcomes.items() if word == "deviation")
    other = next(key for key, (word, _) in seen.outcomes.items() if word == "not applicable")
    outcomes = {**seen.outcomes, met: ("deviation", ""), failed: ("met", "")}
    del outcomes[other]
    found = {one.what for one in wrongs(seen, replace(seen, outcomes=outcomes))}
    assert {"met", "deviation", "left", "silent"} == found
