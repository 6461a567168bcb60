"""What a branch held at the edges of a period: recorded, estimated, rewritten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from soc2ev.model import Coverage
from soc2ev.period import parse as period_of
from soc2ev.sources.git import heads, parse
from tests.fakes.repositories import ONE, Change, Collection, Repository, collect

if TYPE_CHECKING:
    from pathlib import Path

OCTOBER = 1_759_276_800
NOVEMBER = 1_761_955_200
DAY = 86_400
ESTIMATE = "estimate: committer dates on the first-parent line"
LATE_OCTOBER, EARLY_NOVEMBER, DECEMBER = (
    "2025-10-31T20:00:00Z",
    "2025-11-02T08:00:00Z",
    "2025-12-05T08:00:00Z",
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.init(tmp_path / "repo")
    made.make([Change("old", at=OCTOBER - DAY), Change("october", ["old"], at=OCTOBER + DAY)])
    return made


def edges(found: Collection) -> tuple[object, object, object, object]:
    details = found.of("heads").details
    return details["start"]["sha"], details["start"]["basis"], details["end"]["sha"], details["end"]["basis"]


def test_neighbouring_periods_share_their_boundary(tmp_path: Path, repository: Repository) -> None:
    """A commit dated in October and pushed after October was collected belongs to November: none is lost or doubled."""
    first = collect(tmp_path, now=EARLY_NOVEMBER)
    repository.make(
        [
            Change("backdated", ["october"], at=OCTOBER + 2 * DAY),
            Change("november", ["backdated"], at=NOVEMBER + DAY),
        ]
    )
    second = collect(tmp_path, months="2025-11", now=DECEMBER)
    shas = repository.shas
    assert edges(second) == (shas["october"], ESTIMATE, shas["november"], ESTIMATE)
    assert [row["sha"] for row in first.rows("git_commits")] == [shas["october"]]
    assert {row["sha"] for row in second.rows("git_commits")} == {shas["backdated"], shas["november"]}


def test_the_boundary_of_a_first_collection_goes_by_dates_alone(tmp_path: Path, repository: Repository) -> None:
    """Without memory the backdated commit is October's, and the coverage calls that an estimate."""
    repository.make(
        [
            Change("backdated", ["october"], at=OCTOBER + 2 * DAY),
            Change("november", ["backdated"], at=NOVEMBER + DAY),
        ]
    )
    found = collect(tmp_path, months="2025-11", now=DECEMBER)
    assert edges(found)[:2] == (repository.shas["backdated"], ESTIMATE)
    assert found.of("commits").details["estimated"] is True


def test_two_sightings_that_agree_are_a_record(tmp_path: Path, repository: Repository) -> None:
    """The same tip shortly before and after the edge leaves no room for another head: no estimate."""
    collect(tmp_path, now=LATE_OCTOBER)
    found = collect(tmp_path, now=EARLY_NOVEMBER)
    assert edges(found)[2:] == (repository.shas["october"], "recorded")
    later = collect(tmp_path, now=DECEMBER)
    assert edges(later)[2:] == (repository.shas["october"], "recorded")


def test_the_walk_stops_at_the_last_sighting_before_the_edge(tmp_path: Path, repository: Repository) -> None:
    """What was seen before the edge holds, when nothing above it is dated before the edge; its own date is moot."""
    repository.make([Change("fast clock", ["october"], at=NOVEMBER + 3 * DAY)])
    collect(tmp_path, now=LATE_OCTOBER)
    repository.make([Change("later", ["fast clock"], at=NOVEMBER + 4 * DAY)])
    found = collect(tmp_path, now=DECEMBER)
    assert edges(found)[2:] == (repository.shas["fast clock"], ESTIMATE)
    assert {row["sha"] for row in found.rows("git_heads") if row["role"] == "end"} == {repository.shas["fast clock"]}


def test_the_walk_begins_at_the_first_sighting_after_the_edge(tmp_path: Path, repository: Repository) -> None:
    """A backdated commit that came after a sighting in November cannot have been there at the end of October."""
    repository.make([Change("november", ["october"], at=NOVEMBER + DAY)])
    collect(tmp_path, months="2025-11", now="2025-11-03T00:00:00Z")
    repository.make([Change("backdated", ["november"], at=OCTOBER + 2 * DAY)])
    found = collect(tmp_path, now=DECEMBER)
    assert edges(found)[2:] == (repository.shas["october"], ESTIMATE)


def test_odd_dates_follow_the_line_from_the_tip(tmp_path: Path, repository: Repository) -> None:
    """The head is the first commit from the tip that is dated before the edge, whatever older ones say."""
    repository.make(
        [
            Change("slow clock", ["october"], at=OCTOBER - 9 * DAY),
            Change("tip", ["slow clock"], at=OCTOBER + 2 * DAY),
        ]
    )
    found = collect(tmp_path)
    assert edges(found)[0] == repository.shas["slow clock"]
    assert [row["sha"] for row in found.rows("git_commits")] == [repository.shas["tip"]]


def test_a_backdated_commit_makes_the_start_doubtful(tmp_path: Path, repository: Repository) -> None:
    """One wrong clock can hide what came before it in the period: the coverage warns."""
    assert collect(tmp_path).of("commits").details["warnings"] == []
    changes = [
        Change("slow clock", ["october"], at=OCTOBER - 9 * DAY),
        Change("tip", ["slow clock"], at=OCTOBER + 2 * DAY),
    ]
    (tmp_path / "other").mkdir()
    other = Repository.init(tmp_path / "other" / "repo")
    other.make([Change("old", at=OCTOBER - DAY), Change("october", ["old"], at=OCTOBER + DAY), *changes])
    found = collect(tmp_path / "other")
    warning = "the start is doubtful: 1 commit(s) below it on the line are dated after it"
    assert found.of("commits").details["warnings"] == [warning]


def test_a_period_that_has_not_ended_holds_the_tip(tmp_path: Path, repository: Repository) -> None:
    """The end is the tip, and the basis says that more can come; the claim is provisional."""
    found = collect(tmp_path, now=LATE_OCTOBER)
    assert edges(found)[2:] == (
        repository.shas["october"],
        "the tip when collected; the period had not ended",
    )
    assert found.of("commits").provisional


def test_a_provisional_end_is_never_remembered(tmp_path: Path, repository: Repository) -> None:
    """What was pushed after a collection in mid-period is in the period when it is collected again."""
    collect(tmp_path, now="2025-10-20T00:00:00Z")
    repository.make([Change("more", ["october"], at=OCTOBER + 25 * DAY)])
    found = collect(tmp_path, now=EARLY_NOVEMBER)
    assert edges(found)[2:] == (repository.shas["more"], ESTIMATE)
    assert found.of("commits").fetched == 2


def test_a_force_push_is_told(tmp_path: Path, repository: Repository) -> None:
    """The old tip is no longer on the branch: answer false, both tips named, and old sightings count no more."""
    collect(tmp_path, now=LATE_OCTOBER)
    old = repository.shas["october"]
    repository.make([Change("rewritten", ["old"], at=OCTOBER + 5 * DAY)])
    found = collect(tmp_path, now=EARLY_NOVEMBER)
    new = repository.shas["rewritten"]
    assert found.of("commits").details["rewritten"] == {"from": old, "to": new}
    assert "rewritten" in found.of("commits").details["warnings"][0]
    kept = [row for row in found.rows("git_heads") if row["role"] == "kept"]
    assert [(row["sha"], row["other"], row["answer"]) for row in kept] == [(new, old, False)]
    assert edges(found)[2:] == (new, ESTIMATE)


def test_a_fast_forward_keeps_the_old_tip(tmp_path: Path, repository: Repository) -> None:
    """An ordinary push is no rewriting, and neither is a merge that swaps the parents: the sighting holds as well."""
    collect(tmp_path, now=LATE_OCTOBER)
    repository.make(
        [
            Change("side", ["old"], at=NOVEMBER + 60),
            Change("foxtrot", ["side", "october"], at=NOVEMBER + DAY),
        ]
    )
    found = collect(tmp_path, now=EARLY_NOVEMBER)
    assert [row["answer"] for row in found.rows("git_heads") if row["role"] == "kept"] == [True]
    assert found.of("commits").details["rewritten"] is None
    assert edges(found)[2:] == (repository.shas["october"], ESTIMATE)


def clean_up(repository: Repository) -> None:
    """Delete what no ref reaches, as git does by itself after some weeks and as a fresh clone never has it."""
    repository.git("-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--all")
    repository.git("repack", "-adq")
    repository.git("prune", "--expire=now")


def commits(found: Collection) -> set[object]:
    return {row["sha"] for row in found.rows("git_commits")}


@pytest.fixture
def rewritten(tmp_path: Path, repository: Repository) -> Collection:
    """October as collected on 2 November; then its last commit is replaced by another one dated in October."""
    repository.make([Change("secret", ["october"], at=OCTOBER + 9 * DAY)])
    first = collect(tmp_path, now=EARLY_NOVEMBER)
    repository.make([Change("replacement", ["october"], at=OCTOBER + 11 * DAY)])
    return first


def test_a_closed_month_keeps_its_commits_after_a_force_push(
    tmp_path: Path, repository: Repository, rewritten: Collection
) -> None:
    """Collected again, and once more, October holds what it held: the lost commit stays, the late one stays out."""
    shas = repository.shas
    assert {shas["october"], shas["secret"]} == commits(rewritten)
    for day, lost in (("03", True), ("04", False)):
        found = collect(tmp_path, now=f"2025-11-{day}T08:00:00Z")
        assert ({}, commits(rewritten)) == (found.incomplete, commits(found))
        assert edges(rewritten) == edges(found)
        assert lost is bool(found.of("commits").details["rewritten"])


def test_what_replaced_a_lost_commit_is_in_the_next_month(
    tmp_path: Path, repository: Repository, rewritten: Collection
) -> None:
    """November begins at the head recorded for its start, which is no ancestor any more: nothing falls between."""
    repository.make([Change("november", ["replacement"], at=NOVEMBER + 5 * DAY)])
    found = collect(tmp_path, months="2025-11", now=DECEMBER)
    shas = repository.shas
    assert {} == found.incomplete
    assert (shas["secret"], shas["november"]) == (edges(found)[0], edges(found)[2])
    assert {shas["replacement"], shas["november"]} == commits(found)
    line = {row["position"]: row["sha"] for row in found.rows("git_integrations")}
    assert {0: shas["replacement"], 1: shas["november"]} == line


def test_a_whole_new_history_is_the_next_month_to_its_root(
    tmp_path: Path, repository: Repository, rewritten: Collection
) -> None:
    """A branch that was replaced by an unrelated one brings every commit of that, down to its root."""
    repository.make([Change("other root", at=OCTOBER - 9 * DAY), Change("top", ["other root"], at=NOVEMBER + DAY)])
    found = collect(tmp_path, months="2025-11", now=DECEMBER)
    shas = repository.shas
    assert ({}, {shas["other root"], shas["top"]}) == (found.incomplete, commits(found))


def test_a_swapped_merge_counts_no_commit_twice(tmp_path: Path, repository: Repository) -> None:
    """When the recorded tip becomes a second parent, November holds the swapped side and nothing of October."""
    first = collect(tmp_path, now=EARLY_NOVEMBER)
    repository.make(
        [Change("side", ["old"], at=OCTOBER + 3 * DAY), Change("foxtrot", ["side", "october"], at=NOVEMBER + DAY)]
    )
    again, second = collect(tmp_path, now=DECEMBER), collect(tmp_path, months="2025-11", now=DECEMBER)
    shas = repository.shas
    assert ({}, {}) == (again.incomplete, second.incomplete)
    assert {shas["october"]} == commits(first) == commits(again)
    assert {shas["side"], shas["foxtrot"]} == commits(second)


def test_a_recorded_head_that_is_gone_leaves_the_month_incomplete(
    tmp_path: Path, repository: Repository, rewritten: Collection
) -> None:
    """A fresh clone lacks the lost commit: November says which, and that the branch was rewritten; December goes on."""
    clean_up(repository)
    repository.make([Change("november", ["replacement"], at=NOVEMBER + 5 * DAY)])
    found = collect(tmp_path, months="2025-11", now="2025-11-30T23:00:00Z")
    secret = repository.shas["secret"]
    assert {"heads", "integrations", "commits", "trailers", "shortlog", "paths"} == set(found.incomplete)
    assert all("rewritten" in says and secret in says for says in found.incomplete.values())
    assert ([], secret) == (found.rows("git_commits"), edges(found)[0])
    repository.make([Change("december", ["november"], at=NOVEMBER + 40 * DAY)])
    later = collect(tmp_path, months="2025-12", now="2026-01-02T00:00:00Z")
    assert ({}, {repository.shas["december"]}) == (later.incomplete, commits(later))


def test_a_line_that_ends_before_the_start_is_not_complete(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When git's list stops at a commit that the start had not reached, something was left out."""
    repository.make([Change("more", ["october"], at=OCTOBER + 2 * DAY)])
    whole = parse.ids
    monkeypatch.setattr(parse, "ids", lambda body: whole(body)[:-1])
    assert "do not lead along" in collect(tmp_path).incomplete["integrations"]


def test_an_old_tip_that_is_gone_is_a_rewriting(tmp_path: Path, repository: Repository) -> None:
    """When the old commit was pruned git cannot compare it: the answer is no, and what rested on it is not known."""
    collect(tmp_path, now=LATE_OCTOBER)
    old = repository.shas["october"]
    repository.make([Change("rewritten", ["old"], at=OCTOBER + 5 * DAY)])
    clean_up(repository)
    found = collect(tmp_path, now=EARLY_NOVEMBER)
    assert all(old in reason for reason in found.incomplete.values())
    assert edges(found)[2:] == (None, heads.LOST)
    assert found.of("commits").details["rewritten"] == {"from": old, "to": repository.shas["rewritten"]}


def test_an_incomplete_collection_is_no_memory(tmp_path: Path) -> None:
    """A clone that lagged behind did not see what the branch held."""
    origin = Repository.init(tmp_path / "origin")
    origin.make([Change("old", at=OCTOBER - DAY), Change("october", ["old"], at=OCTOBER + DAY)])
    Repository(tmp_path).git("clone", "-q", "origin", "repo")
    origin.make([Change("unpulled", ["october"], at=OCTOBER + 2 * DAY)])
    clone = Repository(tmp_path / "repo")
    clone.git("fetch", "-q")
    assert not collect(tmp_path, now=EARLY_NOVEMBER).of("heads").complete
    clone.git("merge", "-q", "--ff-only", "origin/main")
    found = collect(tmp_path, months="2025-11", now=DECEMBER)
    assert edges(found)[:2] == (origin.shas["unpulled"], ESTIMATE)


def test_memory_is_kept_by_branch(tmp_path: Path, repository: Repository) -> None:
    """What was seen of one branch says nothing about another."""
    repository.branch("release", "old")
    scope = "scope: [{repository: acme/api, branches: [main, release]}]\n" + ONE
    collect(tmp_path, scope, now=LATE_OCTOBER)
    found = collect(tmp_path, scope, now=EARLY_NOVEMBER)
    assert found.of("heads", "release").details["end"] == {"sha": repository.shas["old"], "basis": "recorded"}
    assert found.of("heads").details["end"] == {"sha": repository.shas["october"], "basis": "recorded"}


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"tip": "--output=x", "tip_seen_at": "2025-11-02T00:00:00+00:00"},
        {"tip": 7, "tip_seen_at": "2025-11-02T00:00:00+00:00"},
        {"tip": "a" * 40, "tip_seen_at": None},
    ],
)
def test_memory_that_is_no_head_is_left_alone(details: dict[str, object]) -> None:
    """Only full ids come back from a journal into a command."""
    claim = Coverage("git:a:main:heads", period_of("2025-10"), None, 3, complete=True, details=details)
    assert list(heads.remembered([claim])) == []


def test_what_a_collection_saw_counts_when_its_clone_was_whole() -> None:
    """An incomplete one is believed about the tip only when its clone was neither cut off nor behind."""
    seen = {"tip": "a" * 40, "tip_seen_at": "2025-11-02T00:00:00+00:00"}
    for whole, expected in ((True, 1), (False, 0), ("yes", 0)):
        details = {**seen, "whole": whole}
        claim = Coverage("git:a:main:heads", period_of("2025-10"), None, 3, False, "gone", {}, details)
        assert expected == len(list(heads.remembered([claim])))


def test_a_boundary_counts_only_when_it_was_over(tmp_path: Path) -> None:
    """An end that lay in the future when it was noted is no sighting; the start and the tip are."""
    seen = "2025-10-20T00:00:00+00:00"
    known = {
        "tip": "a" * 40,
        "tip_seen_at": seen,
        "start": {"sha": "b" * 40, "basis": ESTIMATE},
        "end": {"sha": "a" * 40, "basis": "x"},
    }
    claim = Coverage("git:a:main:heads", period_of("2025-10"), None, 3, complete=True, details=known)
    tip = heads.Sighting(datetime.fromisoformat(seen), "a" * 40, "recorded")
    start = heads.Sighting(datetime(2025, 10, 1, tzinfo=UTC), "b" * 40, ESTIMATE)
    assert list(heads.remembered([claim])) == [tip, start]
