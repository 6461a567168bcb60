"""From a vault to tables: what does not add up makes the coverage incomplete, and nothing of it is ever met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev import config, controls, period, tables
from soc2ev.errors import TamperedError
from soc2ev.model import Conclusion, Control, Coverage, EvidenceItem, Finding, Outcome
from soc2ev.tables import bodies
from soc2ev.vault import Vault, writer
from tests.fakes.repositories import Change, Repository, collect

OCTOBER = period.parse("2025-10")
FIRST = 1_759_276_800
ORIGIN = "soc2ev/example/evidence"
MORE = "registers: null\nsources: {git: [{path: repo, repository: acme/api}]}\n"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
Forge = Callable[[EvidenceItem, bytes], list[tuple[bytes, int | None]]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A repository with a push, a change of documents and a merge of two commits in October, collected in November."""
    Repository.init(tmp_path / "repo").make(
        [
            Change("root", at=FIRST - 9),
            Change("push", ["root"], at=FIRST + 1, message="API-1: push"),
            Change("docs", ["push"], at=FIRST + 2, files={"docs/a.md": "x"}),
            Change("one", ["root"], at=FIRST + 3),
            Change("two", ["one"], at=FIRST + 4),
            Change("merge", ["docs", "two"], at=FIRST + 5, message="Merge pull request #7 from acme/t\n"),
        ]
    )
    collect(tmp_path, MORE)
    return tmp_path


def load(home: Path, more: str = MORE, over: period.Period = OCTOBER) -> tables.Tables:
    file = home / "soc2ev.yaml"
    file.write_text("version: 1\norganisation: Example Co\n" + more)
    return tables.load(Vault.open(home / "vault"), config.load(file), over)


def reasons(made: tables.Tables) -> dict[str, str]:
    return {one.stream.rpartition(":")[2]: one.reason or "" for one in made.coverage() if not one.complete}


def seen_control() -> Control:
    """A control that is met for every change as soon as its tables are whole."""
    (control,) = (one for one in controls.builtin() if one.id == "change-authorised-tested-approved")
    asks = replace(control.attributes[0], sql="sha is not null", applies_when=None, needs=("changes",))
    return replace(control, attributes=(asks,))


def judged(made: tables.Tables) -> Finding:
    return controls.judge(seen_control(), made)


def forged(home: Path, forge: Forge, *, claims: Callable[[Coverage], Coverage] = lambda claim: claim) -> Path:
    """A vault that was honestly written, of bodies that a source would not have given."""
    old = Vault.open(home / "vault")
    (home / "vault").rename(home / "old")
    old = Vault.open(home / "old")
    with writer(home / "vault", origin=ORIGIN, now=lambda: NEW_YEAR, tool="tests 1") as vault:
        for item in old.items():
            for body, count in forge(item, old.read(item.digest)):
                vault.put(
                    body,
                    count=count,
                    source=item.source,
                    stream=item.stream,
                    request=item.request,
                    response=item.response,
                )
        for claim in old.coverages():
            vault.state(claims(claim))
    return home


def unchanged(item: EvidenceItem, body: bytes) -> list[tuple[bytes, int | None]]:
    return [(body, item.count)]


def only(stream: str, change: Forge) -> Forge:
    """Forge the counted bodies of one stream."""
    return lambda item, body: (
        change(item, body) if item.count and item.stream.rpartition(":")[2] == stream else [(body, item.count)]
    )


def test_what_was_collected_whole_is_loaded_whole(home: Path) -> None:
    """Four commits more than before became three changes, and every one was met."""
    with load(home) as made:
        assert {} == reasons(made)
        assert 5 == len(made.select("select * from change_commits"))
        assert [1, 1, 3] == [row["n"] for row in made.select("select len(commits) n from changes order by n")]
        assert [("acme/api", 7)] == [
            (row["repository"], row["pull_request"]) for row in made.select("from changes where len(commits) = 3")
        ]
        finding = judged(made)
    assert (Conclusion.NO_DEVIATIONS, True) == (finding.conclusion, finding.population.complete)


def test_rows_that_are_packed_as_they_come_are_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often they are."""
    names = ("changes", "change_commits", "git_commits", "collections")
    asked = [f"select * from {name} order by all" for name in names]
    usual = [list(load(home).select(sql)) for sql in asked]
    monkeypatch.setattr(bodies, "_MOST_LOOSE", 1)
    assert usual == [list(load(home).select(sql)) for sql in asked]
    assert all(usual)


def test_a_copy_of_the_bodies_is_as_good(home: Path) -> None:
    """The forging of the other tests by itself changes nothing."""
    with load(forged(home, unchanged)) as made:
        assert Conclusion.NO_DEVIATIONS is judged(made).conclusion


CASES: dict[str, tuple[str, Forge, str]] = {
    "a row more was counted": (
        "commits",
        only("commits", lambda item, body: [(body, (item.count or 0) + 1)]),
        "counted",
    ),
    "a row fewer was counted": (
        "trailers",
        only("trailers", lambda item, body: [(body, (item.count or 0) - 1)]),
        "counted",
    ),
    "a body is empty": ("commits", only("commits", lambda item, body: [(b"", item.count)]), "counted"),
    "a body is cut": ("commits", only("commits", lambda item, body: [(body[:-9], item.count)]), "cannot be read"),
    "a body is an error page": (
        "paths",
        only("paths", lambda item, body: [(b"<html>sorry", item.count)]),
        "cannot be read",
    ),
    "a line is no id": ("integrations", only("integrations", lambda item, body: [(b"sorry\n", 1)]), "cannot be read"),
    "bytes of a commit changed": (
        "commits",
        only("commits", lambda item, body: [(body.replace(b"API-1", b"API-2"), item.count)]),
        "cannot be read",
    ),
    "a body stands twice": ("commits", only("commits", lambda item, body: [(body, item.count)] * 2), " 2 times"),
    "a list stands twice": (
        "integrations",
        only("integrations", lambda item, body: [(body, item.count)] * 2),
        " 2 times",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_add_up_is_never_met(home: Path, case: str) -> None:
    """The stream's coverage becomes incomplete with the reason, the finding incomplete, and no item is met."""
    stream, forge, says = CASES[case]
    with load(forged(home, forge)) as made:
        found = reasons(made)
        finding = judged(made)
        collected = made.select("select reason from collections where not complete")
    assert says in found[stream]
    assert Conclusion.INCOMPLETE is finding.conclusion
    assert {Outcome.NOT_TESTED} >= {item.outcomes["A"].outcome for item in finding.population.items}
    assert any(says in row["reason"] for row in collected)


def test_an_incomplete_claim_keeps_its_own_reason(home: Path) -> None:
    """What the collection said stands before what loading found."""
    short = lambda claim: replace(claim, complete=False, reason="denied", expected=None)  # noqa: E731
    with load(forged(home, CASES["a row more was counted"][1], claims=short)) as made:
        assert reasons(made)["commits"].startswith("denied; sha256:")


def test_a_line_without_its_commits_leaves_nothing_met(home: Path) -> None:
    """Commits that no integration brought are unexplained, and the population is not closed."""
    nothing = only("integrations", lambda item, body: [(b"", 0)])
    with load(forged(home, nothing)) as made:
        assert "5 commits belong to no change of main" in reasons(made)["commits"]
        assert Conclusion.INCOMPLETE is judged(made).conclusion


@pytest.mark.parametrize("keep", ["heads", "commits", "integrations"])
def test_streams_that_nobody_mentions_are_missed(home: Path, keep: str) -> None:
    """A vault with one stream of a branch only says nothing about the rest, and must not look like an empty month."""
    old = Vault.open(home / "vault")
    claims = [one for one in old.coverages() if one.stream.endswith(keep)]
    with writer(home / "other", origin=ORIGIN, now=lambda: NEW_YEAR, tool="tests 1") as vault:
        for claim in claims:
            vault.state(claim)
    (home / "vault").rename(home / "old")
    (home / "other").rename(home / "vault")
    with load(home) as made:
        finding = judged(made)
    assert (Conclusion.INCOMPLETE, False) == (finding.conclusion, finding.population.complete)
    assert any("no collection says anything about" in (one.reason or "") for one in finding.population.coverage)


def test_a_run_that_was_killed_is_incomplete(home: Path) -> None:
    """Without its last line a run may have left out a branch; the next whole run answers instead."""
    claims = list(Vault.open(home / "vault").coverages())
    journal = max((home / "vault" / "journal").iterdir())
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"finish"' in lines[-1]
    journal.write_bytes(b"".join(lines[:-1]))
    for checkpoint in (home / "vault" / "checkpoints").iterdir():
        checkpoint.unlink()
    with load(home) as made:
        assert {"interrupted"} <= {
            word for reason in reasons(made).values() for word in reason.replace(";", "").split()
        }
        assert Conclusion.INCOMPLETE is judged(made).conclusion
    with writer(home / "vault", origin=ORIGIN, now=lambda: NEW_YEAR, tool="tests 1") as vault:
        for claim in claims:
            vault.state(claim)
    with load(home) as made:
        assert "interrupted" not in " ".join(reasons(made).values())


def test_a_missing_object_is_tampering(home: Path) -> None:
    """A body that the journal names and that is gone stops everything."""
    item = next(one for one in Vault.open(home / "vault").items() if one.count)
    (found,) = (home / "vault" / "objects").rglob(f"*{item.digest[-20:]}*")
    found.unlink()
    with pytest.raises(TamperedError, match="missing"):
        load(home)


def test_a_swapped_object_is_tampering(home: Path) -> None:
    """A body under another body's name stops everything, even if it could be read."""
    items = {item.digest: item for item in Vault.open(home / "vault").items() if item.count}
    paths = [next((home / "vault" / "objects").rglob(f"*{digest[-20:]}*")) for digest in sorted(items)[:2]]
    paths[0].chmod(0o644)
    paths[0].write_bytes(paths[1].read_bytes())
    with pytest.raises(TamperedError):
        load(home)


def test_commits_that_path_rules_leave_out_are_named(home: Path) -> None:
    """They stand with the coverage of their stream, with the reason, and items and they add up."""
    scope = MORE + "scope: [{repository: acme/api, paths: {exclude: ['docs/**']}}]\n"
    with load(home, scope) as made:
        finding = judged(made)
    ((stream, outside),) = finding.population.outside.items()
    assert "git:acme/api:main:commits" == stream
    assert [Repository(home / "repo").git("rev-parse", "main^1")] == [one["commit"] for one in outside]
    assert "left out by the path rules" in outside[0]["reason"]
    assert 5 == len(outside) + sum(len(item.facts["commits"]) for item in finding.population.items)


def test_collections_say_how_the_tables_were_made(home: Path) -> None:
    """One row per stream with its claim, its period and the digests of its bodies; other attempts are kept apart."""
    collect(home, MORE)
    with load(home) as made:
        rows = {row["kind"]: row for row in made.select("select * from collections")}
        others = list(made.select("select * from superseded_collections"))
    assert {"repository", "heads", "integrations", "commits", "trailers", "shortlog", "paths"} == set(rows)
    commits = rows["commits"]
    assert ("acme/api", "main", 5, 5, True, False, None) == tuple(
        commits[name] for name in ("repository", "ref", "expected", "fetched", "complete", "provisional", "reason")
    )
    assert (OCTOBER.start, OCTOBER.end) == (commits["starts"], commits["ends"])
    stored = {item.digest for item in Vault.open(home / "vault").items()}
    assert commits["evidence"]
    assert all(set(row["evidence"]) <= stored for row in rows.values())
    assert 7 == len(others)


def test_what_nobody_collected_is_incomplete(home: Path) -> None:
    """Another month, another repository and registers that were asked for are gaps with a reason."""
    with load(home, over=period.parse("2025-09")) as made:
        assert "nothing was collected" in " ".join(reasons(made).values())
        assert Conclusion.INCOMPLETE is judged(made).conclusion
    web = "sources: {git: [{path: repo, repository: acme/api}, {path: web, repository: acme/web}]}\n"
    with load(home, web) as made:
        assert {"web", "registers"} == {name.rpartition("/")[2] for name in reasons(made)}
        assert Conclusion.INCOMPLETE is judged(made).conclusion


def test_tables_that_no_source_delivers_say_so(home: Path) -> None:
    """A control over registers that are not configured gets coverage that says what to configure."""
    with load(home) as made:
        (entry,) = made.coverage(["registers"])
        assert (False, "registers") == (entry.complete, entry.stream)
        assert "no registers are configured" in (entry.reason or "")
        with pytest.raises(ValueError, match="there is no table x"):
            made.coverage(["x"])
        behind = {one.stream for one in made.coverage(["changes"])}
        assert {one.stream for one in made.coverage()} - behind == {"git:acme/api:repository"}


def test_before_the_close_everything_is_provisional(home: Path) -> None:
    """A collection of a month that still runs is marked, and its finding incomplete."""
    collect(home, MORE, months="2025-11", now="2025-11-20T12:00:00Z")
    with load(home, over=period.parse("2025-11")) as made:
        finding = judged(made)
        assert {True} == {row["provisional"] for row in made.select("select provisional from collections")}
    assert (True, Conclusion.INCOMPLETE) == (finding.population.provisional, finding.conclusion)


def kept(home: Path, over: str) -> tuple[bool | None, Conclusion]:
    """What the history control says about the branch in that period."""
    (control,) = (one for one in controls.builtin() if one.id == "production-history-kept")
    with load(home, over=period.parse(over)) as made:
        (row,) = made.select("select * from history_checks")
        return row["kept"], controls.judge(control, made).conclusion


@pytest.fixture
def lost(tmp_path: Path) -> Repository:
    """October is collected on 2 November; its last commit is replaced; October is collected on the next two days."""
    repository = Repository.init(tmp_path / "repo")
    repository.make([Change("a", at=FIRST + 1), Change("secret", ["a"], at=FIRST + 2)])
    collect(tmp_path, MORE, now="2025-11-02T08:00:00Z")
    assert (None, Conclusion.INCOMPLETE) == kept(tmp_path, "2025-10")
    repository.make([Change("instead", ["a"], at=FIRST + 3)])
    collect(tmp_path, MORE, now="2025-11-03T08:00:00Z")
    assert (False, Conclusion.DEVIATIONS) == kept(tmp_path, "2025-10")
    collect(tmp_path, MORE, now="2025-11-04T08:00:00Z")
    return repository


def test_a_lost_commit_stays_lost(tmp_path: Path, lost: Repository) -> None:
    """Collecting once more undoes nothing: the commit's month deviates, and the month in which it was lost."""
    deviates = (False, Conclusion.DEVIATIONS)
    assert [deviates] * 2 == [kept(tmp_path, month) for month in ("2025-10", "2025-11")]
    lost.make([Change("more", ["instead"], at=FIRST + 3)])
    collect(tmp_path, MORE, months="2025-11", now="2025-12-05T08:00:00Z")
    collect(tmp_path, MORE, months="2025-12", now="2026-01-05T08:00:00Z")
    assert [deviates] * 2 == [kept(tmp_path, month) for month in ("2025-11", "2025-Q4")]
    assert (True, Conclusion.NO_DEVIATIONS) == kept(tmp_path, "2025-12")


def test_sightings_of_other_months_speak_for_the_time_between(home: Path) -> None:
    """Two collections around a month say that its branch was kept; their heads stand behind the tables, no commits."""
    collect(home, MORE, months="2025-12", now="2026-01-05T08:00:00Z")
    assert True is kept(home, "2025-12")[0]
    with load(home, over=period.parse("2025-12")) as made:
        seen = made.select("select run, kept, seen_before from git_sightings order by observed_at")
        here = {entry.run for entry in made.coverage()}
        behind = made.behind
        named = {digest for row in made.select("select evidence from history_checks") for digest in row["evidence"]}
    assert [(None, None), (True, datetime(2025, 11, 20, 12, tzinfo=UTC))] == [
        (row["kept"], row["seen_before"]) for row in seen
    ]
    assert {"git:acme/api:main:heads"} == {stream for run, stream in behind if run not in here}
    carried = {item.digest for item in Vault.open(home / "vault").items() if (item.run, item.stream) in behind}
    assert named <= carried


def test_a_clone_that_was_cut_off_tells_nothing_about_lost_commits(tmp_path: Path) -> None:
    """A shallow clone cannot know an earlier tip: its answer is no deviation, and the next whole clone is asked."""
    origin = Repository.init(tmp_path / "origin")
    origin.make([Change("a", at=FIRST + 1)])
    here = Repository(tmp_path)
    here.git("clone", "-q", "origin", "repo")
    collect(tmp_path, MORE, now="2025-11-02T08:00:00Z")
    origin.make([Change("b", ["a"], at=FIRST + 99)])
    (tmp_path / "repo").rename(tmp_path / "whole")
    here.git("clone", "-q", "--depth", "1", f"file://{tmp_path}/origin", "repo")
    found = collect(tmp_path, MORE, months="2025-11", now="2025-11-03T08:00:00Z")
    assert [False] == [row["answer"] for row in found.rows("git_heads") if row["role"] == "kept"]
    assert None is kept(tmp_path, "2025-11")[0]
    Repository(tmp_path / "repo").git("fetch", "-q", "--unshallow")
    collect(tmp_path, MORE, months="2025-11", now="2025-12-04T08:00:00Z")
    assert (True, Conclusion.NO_DEVIATIONS) == kept(tmp_path, "2025-11")


def test_a_quarter_holds_each_commit_once_after_a_swapped_merge(tmp_path: Path) -> None:
    """Three months that were collected one by one add up to the branch, although a merge swapped its parents."""
    repository = Repository.init(tmp_path / "repo")
    repository.make([Change("old", at=FIRST - 9), Change("october", ["old"], at=FIRST + 1)])
    collect(tmp_path, MORE, now="2025-11-02T08:00:00Z")
    side = [Change("side", ["old"], at=FIRST + 2), Change("foxtrot", ["side", "october"], at=FIRST + 40 * 86_400)]
    repository.make(side)
    collect(tmp_path, MORE, months="2025-11", now="2025-12-02T08:00:00Z")
    repository.make([Change("december", ["foxtrot"], at=FIRST + 70 * 86_400)])
    collect(tmp_path, MORE, months="2025-12", now="2026-01-02T08:00:00Z")
    with load(tmp_path, over=period.parse("2025-Q4")) as made:
        fates = [(row["sha"], row["fate"]) for row in made.select("select * from change_commits")]
        assert {} == reasons(made)
    expected = {repository.shas[name] for name in ("october", "side", "foxtrot", "december")}
    assert sorted((sha, "in a change") for sha in expected) == sorted(fates)


def test_an_example_holds_just_its_rows() -> None:
    """Required columns that an example leaves out are filled; wrong tables, columns and types are refused."""
    with tables.example({"changes": [{"item": "x"}]}, OCTOBER) as made:
        (row,) = made.select("select * from changes")
        assert ("x", "-", None, ["sha256:example"]) == (row["item"], row["sha"], row["title"], row["evidence"])
        assert ((), ()) == (made.coverage(), made.coverage(["changes"]))
    wrong: list[dict[str, list[dict[str, Any]]]] = [{"x": []}, {"changes": [{"x": 1}]}, {"changes": [{"item": 1}]}]
    for rows in wrong:
        with pytest.raises(ValueError, match=r"no table|no column|holds no"):
            tables.example(rows, OCTOBER)


def test_every_table_is_documented() -> None:
    """Each has a key of its own columns, a sentence for itself and for every column."""
    for table in tables.documented():
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert set(table.key) <= set(names)
        assert table.doc
        assert all(column.doc for column in table.columns)
