"""What the git source collects from a repository, and how it says how complete that is."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from soc2ev import config, period
from soc2ev.errors import CollectError, ConfigError, TamperedError
from soc2ev.fetch import Fetch
from soc2ev.sources import git
from soc2ev.sources.git import history
from soc2ev.vault import writer
from tests.fakes.repositories import Change, Repository, collect

if TYPE_CHECKING:
    from pathlib import Path

SEPTEMBER = 1_758_000_000
OCTOBER = 1_759_276_800  # 2025-10-01T00:00:00Z
NOVEMBER = 1_761_955_200
ALL = {"heads", "integrations", "commits", "trailers", "shortlog", "paths"}


def merged(folder: Path, **init: object) -> Repository:
    """Two commits before October; in it a merge of two commits, a direct commit; one in November."""
    repository = Repository.init(folder, **init)  # type: ignore[arg-type]
    repository.make(
        [
            Change("root", at=SEPTEMBER),
            Change("before", ["root"], at=OCTOBER - 1),
            Change(
                "side1",
                ["root"],
                at=SEPTEMBER + 5,
                message="Add it\n\nReviewed-by: Rita <rita@example.com>\nRefs: API-1,\n API-2\n",
            ),
            Change("side2", ["side1"], at=OCTOBER + 50),
            Change(
                "merge",
                ["before", "side2"],
                at=OCTOBER,
                files={"a b/ü.txt": "x", "side1.txt": "side1", "side2.txt": "side2"},
            ),
            Change("direct", ["merge"], at=NOVEMBER - 1),
            Change("after", ["direct"], at=NOVEMBER),
        ]
    )
    return repository


@pytest.mark.parametrize("init", [{}, {"bare": True}, {"object_format": "sha256"}])
def test_a_period_holds_what_the_first_parent_line_brought_in_it(tmp_path: Path, init: dict[str, object]) -> None:
    """Old commits that a merge brings belong to the merge's period; plain, bare and SHA-256 repositories alike."""
    repository = merged(tmp_path / "repo", **init)
    found = collect(tmp_path)
    shas = repository.shas
    assert found.incomplete == {}
    assert {shas[name] for name in ("side1", "side2", "merge", "direct")} == {
        row["sha"] for row in found.rows("git_commits")
    }
    line = {row["position"]: row["sha"] for row in found.rows("git_integrations")}
    assert {0: shas["merge"], 1: shas["direct"]} == line
    heads = {row["role"]: row["sha"] for row in found.rows("git_heads")}
    assert {"tip": shas["after"], "start": shas["before"], "end": shas["direct"]} == heads
    assert (found.of("commits").expected, found.of("commits").fetched) == (4, 4)
    assert [init.get("object_format", "sha1")] == [row["object_format"] for row in found.rows("git_repositories")]
    assert [init.get("bare", False)] == [row["bare"] for row in found.rows("git_repositories")]


def test_the_rows_say_what_the_commits_say(tmp_path: Path) -> None:
    """A commit's row, its people, trailers, paths and the shortlog hold git's facts with aware UTC instants."""
    shas = merged(tmp_path / "repo").shas
    found = collect(tmp_path)
    row = next(row for row in found.rows("git_commits") if row["sha"] == shas["side1"])
    assert ([shas["root"]], "Ann Author", "carl@example.com") == (
        row["parents"],
        row["author_name"],
        row["committer_email"],
    )
    assert datetime.fromtimestamp(SEPTEMBER + 5, UTC) == row["committed_at"]
    assert (row["repository"], row["ref"], row["subject"]) == ("acme/api", "main", "Add it")
    trailers = [(row["sha"], row["position"], row["key"], row["value"]) for row in found.rows("git_trailers")]
    assert [
        (shas["side1"], 0, "Reviewed-by", "Rita <rita@example.com>"),
        (shas["side1"], 1, "Refs", "API-1, API-2"),
    ] == trailers
    assert len(found.rows("git_people")) == 4
    tally = [(row["name"], row["email"], row["commits"]) for row in found.rows("git_shortlog")]
    assert tally == [("Ann Author", "ann@example.com", 4)]
    paths = {(row["sha"], row["status"], row["path"]) for row in found.rows("git_paths")}
    brought = {(shas["merge"], "A", path) for path in ("a b/ü.txt", "side1.txt", "side2.txt")}
    assert brought | {(shas["direct"], "A", "direct.txt")} == paths


def test_the_coverage_says_on_what_it_rests(tmp_path: Path) -> None:
    """Heads, their basis, clocks and scope stand in the details of every stream of the branch."""
    shas = merged(tmp_path / "repo").shas
    found = collect(tmp_path)
    details = found.of("commits").details
    estimate = "estimate: committer dates on the first-parent line"
    assert {"sha": shas["before"], "basis": estimate} == details["start"]
    assert {"sha": shas["direct"], "basis": estimate} == details["end"]
    assert (details["estimated"], details["rewritten"], details["ref"]) == (True, None, "refs/heads/main")
    assert dict(found.of("commits").scope) == {"repository": "acme/api", "ref": "main"}
    assert details == found.of("heads").details
    assert details["tip_seen_at"] == "2025-11-20T12:00:00+00:00"


def test_tags_and_branches_are_listed_with_their_commits(tmp_path: Path) -> None:
    """Annotated tags name their commit and tagger; symbolic refs name their target; an odd tag names no commit."""
    repository = merged(tmp_path / "repo")
    repository.git(
        "tag",
        "-a",
        "-m",
        "First release",
        "v1",
        repository.shas["merge"],
        GIT_COMMITTER_DATE=f"{OCTOBER} +0000",
    )
    repository.git("tag", "tree", f"{repository.shas['merge']}^{{tree}}")
    repository.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    refs = {row["ref"]: row for row in collect(tmp_path).rows("git_refs")}
    tag = refs["refs/tags/v1"]
    assert (repository.shas["merge"], "tag", "Carl Committer") == (
        tag["commit_sha"],
        tag["kind"],
        tag["tagger_name"],
    )
    assert (tag["tagger_email"], tag["subject"]) == ("carl@example.com", "First release")
    assert datetime.fromtimestamp(OCTOBER, UTC) == tag["created_at"]
    assert (refs["refs/tags/tree"]["kind"], refs["refs/tags/tree"]["commit_sha"]) == ("tree", None)
    assert refs["refs/heads/alias"]["target"] == "refs/heads/main"


@pytest.mark.parametrize("more", ["", "scope: [{repository: acme/api, branches: [main]}]\n"])
def test_an_empty_repository_is_complete_with_nothing(tmp_path: Path, more: str) -> None:
    """Nothing was ever committed, and that is known; the details have the same keys as ever."""
    Repository.init(tmp_path / "repo")
    found = collect(tmp_path, more + "sources: {git: [{path: repo, repository: acme/api}]}\n")
    assert found.incomplete == {}
    assert (found.of("commits").expected, found.of("commits").fetched) == (0, 0)
    Repository.init(tmp_path / "other").make([Change("a")])
    other = collect(tmp_path, "sources: {git: [{path: other, repository: acme/api}]}\n")
    assert set(other.of("commits").details) == set(found.of("commits").details)


def test_an_unborn_default_branch_beside_others_is_not_complete(tmp_path: Path) -> None:
    """A HEAD that points nowhere must not make a repository with commits look empty."""
    repository = merged(tmp_path / "repo", branch="trunk")
    assert repository.shas
    found = collect(tmp_path)
    assert found.incomplete["commits"] == "there is no branch 'trunk' (existing branches: main)"


def test_a_branch_that_began_in_the_period_has_no_start(tmp_path: Path) -> None:
    """Without a commit before the period its start is NULL and the whole history is the population."""
    Repository.init(tmp_path / "repo").make([Change("a", at=OCTOBER), Change("b", ["a"], at=OCTOBER + 1)])
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert [row["sha"] for row in found.rows("git_heads") if row["role"] == "start"] == [None]
    assert len(found.rows("git_commits")) == 2
    roots = [row for row in found.rows("git_paths") if row["path"] == "a.txt"]
    assert [row["status"] for row in roots] == ["A"]


def test_a_period_before_the_repository_is_empty_and_complete(tmp_path: Path) -> None:
    """When the branch began after the period, nothing happened in it."""
    Repository.init(tmp_path / "repo").make([Change("a", at=NOVEMBER)])
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert found.of("commits").expected == 0


def test_a_quiet_period_is_empty_and_complete(tmp_path: Path) -> None:
    """The same head at both ends is an empty population with zero expected."""
    Repository.init(tmp_path / "repo").make([Change("a", at=SEPTEMBER)])
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert (found.of("commits").expected, found.of("integrations").expected) == (0, 0)


def test_octopus_foxtrot_and_unrelated_merges_are_whole(tmp_path: Path) -> None:
    """Every commit that any parent brought is in; the line is the first-parent one whatever the dates say."""
    repository = Repository.init(tmp_path / "repo")
    repository.make(
        [
            Change("root", at=SEPTEMBER),
            Change("a", ["root"], at=OCTOBER + 1),
            Change("b", ["root"], at=OCTOBER + 2),
            Change("octopus", ["root", "a", "b"], at=OCTOBER + 3),
            Change("alien", at=SEPTEMBER - 1_000_000),
            Change("unrelated", ["octopus", "alien"], at=OCTOBER + 4),
            Change("local", ["octopus"], at=OCTOBER + 5),
            Change("foxtrot", ["local", "unrelated"], at=OCTOBER + 6),
        ]
    )
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert set(repository.shas.values()) - {repository.shas["root"]} == {
        row["sha"] for row in found.rows("git_commits")
    }
    line = [row["sha"] for row in found.rows("git_integrations")]
    assert [repository.shas[name] for name in ("octopus", "local", "foxtrot")] == line
    octopus = next(row for row in found.rows("git_commits") if row["sha"] == repository.shas["octopus"])
    assert [repository.shas[name] for name in ("root", "a", "b")] == octopus["parents"]


def test_removals_renames_and_odd_names_are_paths(tmp_path: Path) -> None:
    """A rename is a removal and an addition; line feeds, quotes and tabs in names survive."""
    repository = Repository.init(tmp_path / "repo")
    odd = 'new\nline "q"\t.txt'
    repository.make(
        [
            Change("a", at=SEPTEMBER, files={"old.txt": "same", "M": "m"}),
            Change("b", ["a"], at=OCTOBER, files={odd: "x"}),
        ]
    )
    repository.git("checkout", "-q", "main")
    repository.git("mv", "old.txt", "new.txt")
    repository.git("commit", "-qam", "rename", GIT_COMMITTER_DATE=f"{OCTOBER + 9} +0000")
    paths = [(row["status"], row["path"]) for row in collect(tmp_path).rows("git_paths")]
    assert [("A", odd), ("A", "new.txt"), ("D", "old.txt")] == sorted(paths, key=lambda pair: (pair[0], pair[1] != odd))


def test_a_moved_submodule_is_a_changed_path(tmp_path: Path) -> None:
    """Settings that hide submodules from people do not hide them from the evidence."""
    repository = Repository.init(tmp_path / "repo")
    repository.make([Change("a", at=SEPTEMBER), Change("b", ["a"], at=SEPTEMBER + 1)])
    modules = b'[submodule "vendor"]\n\tpath = vendor\n\turl = ../x\n\tignore = all\n'
    blob = repository.git("hash-object", "-w", "--stdin", stdin=modules)
    for target, at in (("a", SEPTEMBER + 2), ("b", OCTOBER + 2)):
        listing = f"160000 commit {repository.shas[target]}\tvendor\n100644 blob {blob}\t.gitmodules\n"
        tree = repository.git("mktree", "--missing", stdin=listing.encode())
        date = f"{at} +0000"
        made = repository.git("commit-tree", "-p", "main", "-m", target, tree, GIT_COMMITTER_DATE=date)
        repository.branch("main", made)
    repository.git("config", "diff.ignoreSubmodules", "all")
    repository.git("config", "submodule.vendor.ignore", "all")
    assert [(row["status"], row["path"]) for row in collect(tmp_path).rows("git_paths")] == [("M", "vendor")]


def test_an_empty_commit_changes_no_path_and_is_still_counted(tmp_path: Path) -> None:
    """Git answers for a commit without changes too, so that a silent gap would be noticed."""
    repository = Repository.init(tmp_path / "repo")
    repository.make([Change("a", at=SEPTEMBER)])
    repository.git("checkout", "-q", "main")
    repository.git("commit", "-q", "--allow-empty", "-m", "nothing", GIT_COMMITTER_DATE=f"{OCTOBER} +0000")
    found = collect(tmp_path)
    assert (found.incomplete, found.rows("git_paths"), found.of("commits").fetched) == ({}, [], 1)


def test_the_mailmap_is_the_one_committed_at_the_end(tmp_path: Path) -> None:
    """People are resolved by the mailmap of the period's end, never by a file in the working tree."""
    repository = Repository.init(tmp_path / "repo")
    mailmap = {".mailmap": "Ann Proper <ann@proper.example> <ann@example.com>\n"}
    repository.make(
        [
            Change("a", at=OCTOBER, files=mailmap),
            Change("b", ["a"], at=NOVEMBER, files={".mailmap": "Late <late@x> <ann@example.com>\n"}),
        ]
    )
    (repository.path / ".mailmap").write_text("Forged <forged@x> <ann@example.com>\n")
    found = collect(tmp_path)
    assert [row["author_name"] for row in found.rows("git_people")] == ["Ann Proper"]
    assert [(row["name"], row["email"]) for row in found.rows("git_shortlog")] == [("Ann Proper", "ann@proper.example")]
    assert [row["author_name"] for row in found.rows("git_commits")] == ["Ann Author"]


def test_chunks_lose_and_double_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Populations larger than one body are whole, in several bodies."""
    monkeypatch.setattr(history, "CHUNK", 3)
    repository = Repository.init(tmp_path / "repo")
    repository.make([Change("c0", at=OCTOBER)] + [Change(f"c{n}", [f"c{n - 1}"], at=OCTOBER + n) for n in range(1, 10)])
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert sorted(repository.shas.values()) == sorted(row["sha"] for row in found.rows("git_commits"))
    assert sum(item.request.get("role") == "objects" for item, _body in found.stored) == 4
    assert 10 == len(found.rows("git_paths")) == len(found.rows("git_people"))


def test_every_body_carries_where_it_belongs(tmp_path: Path) -> None:
    """Repository, branch and role stand in each request, so that rows need nothing else."""
    merged(tmp_path / "repo")
    asked = [
        item.request
        for item, _body in collect(tmp_path).stored
        if item.request["method"] == "run" and item.stream != "git:version"
    ]
    assert {"acme/api"} == {request["repository"] for request in asked}
    assert {None, "main"} == {request["branch"] for request in asked}
    assert all(request["role"] for request in asked)


def test_a_declared_column_for_every_value_and_no_null_in_keys(tmp_path: Path) -> None:
    """Rows have exactly the declared columns; keys are unique and never NULL; instants are aware."""
    merged(tmp_path / "repo").git("tag", "-a", "-m", "x", "v1")
    found = collect(tmp_path)
    for table in (table for stream in git.STREAMS for table in stream.tables):
        rows = found.rows(table.name)
        assert rows, table.name
        assert {frozenset(column.name for column in table.columns)} == {frozenset(row) for row in rows}
        keys = [tuple(row[part] for part in table.key) for row in rows]
        assert len(keys) == len(set(keys))
        assert not any(part is None for key in keys for part in key)
        for column in table.columns:
            values = [row[column.name] for row in rows if row[column.name] is not None]
            assert not column.required or len(values) == len(rows)
            if column.type == "TIMESTAMP":
                assert all(value.utcoffset() == timedelta(0) for value in values)


# Which repositories and branches.


def test_branches_of_all_matching_scope_entries_are_collected_once(tmp_path: Path) -> None:
    """Globs match names; branches of several entries add up; a default branch named twice is collected once."""
    repository = merged(tmp_path / "repo")
    repository.branch("release/1-ü", "merge")
    scope = 'scope: [{repository: "acme/*", branches: [main, "release/1-ü"]}, {repository: acme/api}]\n'
    found = collect(tmp_path, scope + "sources: {git: [{path: repo, repository: acme/api}]}\n")
    assert found.incomplete == {}
    assert {"main", "release/1-ü"} == {claim.scope["ref"] for claim in found.coverages.values() if "ref" in claim.scope}
    rows = [row for row in found.rows("git_commits") if row["ref"] == "release/1-ü"]
    assert len(rows) == 3


def test_a_source_outside_the_scope_is_said_and_left_out(tmp_path: Path) -> None:
    """No coverage, one line for the person."""
    merged(tmp_path / "repo")
    found = collect(tmp_path, "scope: [{repository: acme/web}]\nsources: {git: [{path: repo, repository: acme/api}]}\n")
    assert found.coverages == {}
    assert "acme/api is in no scope entry" in " ".join(found.said)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    """They would be mixed into one population."""
    with pytest.raises(ConfigError, match="two git sources are called 'acme/api'"):
        collect(tmp_path, "sources: {git: [{path: a, repository: acme/api}, {path: b, repository: acme/api}]}\n")


def test_the_default_branch_is_what_origin_says(tmp_path: Path) -> None:
    """A clone standing on a feature branch still collects origin's default branch."""
    merged(tmp_path / "origin")
    Repository(tmp_path).git("clone", "-q", "origin", "repo")
    Repository(tmp_path / "repo").git("checkout", "-q", "-b", "feature")
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert found.of("commits").details["ref"] == "refs/heads/main"


def test_a_remote_branch_without_a_local_one_is_found(tmp_path: Path) -> None:
    """`main` means origin's when there is no local one, and `origin/main` names it too."""
    merged(tmp_path / "origin")
    Repository(tmp_path).git("clone", "-q", "origin", "repo")
    clone = Repository(tmp_path / "repo")
    clone.git("checkout", "-q", "--detach")
    clone.git("branch", "-q", "-D", "main")
    scope = "scope: [{repository: acme/api, branches: [main, origin/main]}]\n"
    found = collect(tmp_path, scope + "sources: {git: [{path: repo, repository: acme/api}]}\n")
    assert found.incomplete == {}
    assert {"refs/remotes/origin/main"} == {
        found.of("commits", name).details["ref"] for name in ("main", "origin/main")
    }


def test_a_detached_head_without_origin_asks_for_a_name(tmp_path: Path) -> None:
    """Nobody guesses a production branch."""
    merged(tmp_path / "repo").git("checkout", "-q", "--detach", "main")
    found = collect(tmp_path)
    assert set(found.incomplete) == ALL
    assert "name the production branches" in found.incomplete["commits"]


def test_a_missing_branch_names_the_closest(tmp_path: Path) -> None:
    """A typing mistake is one message away from its cure; the other branch is collected."""
    merged(tmp_path / "repo")
    scope = "scope: [{repository: acme/api, branches: [mian, main]}]\n"
    found = collect(tmp_path, scope + "sources: {git: [{path: repo, repository: acme/api}]}\n")
    assert found.of("commits", "mian").reason == "there is no branch 'mian' (existing branches: main)"
    assert found.of("commits").complete


def test_a_tag_of_the_same_name_does_not_stand_in_for_the_branch(tmp_path: Path) -> None:
    """Refs are used by full name, so that a tag called main moves nothing."""
    repository = merged(tmp_path / "repo")
    repository.git("tag", "main", repository.shas["root"])
    repository.git("tag", "only", repository.shas["root"])
    scope = "scope: [{repository: acme/api, branches: [main, only]}]\n"
    found = collect(tmp_path, scope + "sources: {git: [{path: repo, repository: acme/api}]}\n")
    assert repository.shas["after"] == found.of("commits").details["tip"]
    assert "there is no branch 'only'" in str(found.of("commits", "only").reason)


def test_a_linked_worktree_is_its_repository(tmp_path: Path) -> None:
    """A worktree beside the clone gives the same population."""
    repository = merged(tmp_path / "elsewhere")
    repository.git("worktree", "add", "-q", str(tmp_path / "repo"), "-b", "linked", "main")
    found = collect(
        tmp_path,
        "scope: [{repository: acme/api, branches: [main]}]\nsources: {git: [{path: repo, repository: acme/api}]}\n",
    )
    assert (found.incomplete, found.of("commits").fetched) == ({}, 4)


# What is not whole says so.


def test_a_clone_behind_its_origin_is_incomplete(tmp_path: Path) -> None:
    """Commits of the period that were fetched but not pulled are not silently left out."""
    origin = merged(tmp_path / "origin")
    Repository(tmp_path).git("clone", "-q", "origin", "repo")
    origin.make([Change("late", ["after"], at=NOVEMBER - 5)])
    Repository(tmp_path / "repo").git("fetch", "-q")
    found = collect(tmp_path)
    assert set(found.incomplete) == ALL
    assert (
        "origin/main, as last fetched, has 1 commit(s) that main lacks: run `git pull`" in found.incomplete["commits"]
    )


def test_commits_after_the_period_do_not_make_a_clone_outdated(tmp_path: Path) -> None:
    """What origin has beyond the period's end is no part of it."""
    origin = merged(tmp_path / "origin")
    Repository(tmp_path).git("clone", "-q", "origin", "repo")
    origin.make([Change("late", ["after"], at=NOVEMBER)])
    Repository(tmp_path / "repo").git("fetch", "-q")
    assert collect(tmp_path).incomplete == {}


def test_a_clone_ahead_of_its_origin_is_warned_about(tmp_path: Path) -> None:
    """Commits that were never pushed are in, and the details say so."""
    origin = merged(tmp_path / "origin")
    Repository(tmp_path).git("clone", "-q", "origin", "repo")
    Repository(tmp_path / "repo").make([Change("mine", [origin.shas["after"]], at=NOVEMBER)])
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert found.of("commits").details["warnings"] == ["main has 1 commit(s) that origin/main, as last fetched, lacks"]


def test_a_shallow_clone_is_never_complete(tmp_path: Path) -> None:
    """What there is is collected, and the reason names the cure."""
    merged(tmp_path / "origin")
    Repository(tmp_path).git("clone", "-q", "--depth=2", f"file://{tmp_path}/origin", "repo")
    found = collect(tmp_path)
    assert set(found.incomplete) == ALL
    assert "git fetch --unshallow" in found.incomplete["commits"]
    assert "do not lead along git's first-parent line" in found.incomplete["integrations"]
    assert found.of("commits").fetched == len(found.rows("git_commits")) > 0


def test_missing_trees_harm_the_paths_only(tmp_path: Path) -> None:
    """A treeless clone cannot say what changed and has no mailmap; the population is whole all the same."""
    origin = merged(tmp_path / "origin")
    origin.git("config", "uploadpack.allowFilter", "true")
    Repository(tmp_path).git("clone", "-q", "--bare", "--filter=tree:0", f"file://{tmp_path}/origin", "repo")
    found = collect(tmp_path)
    assert {"paths", "trailers", "shortlog"} == set(found.incomplete)
    assert "the mailmap of the period's end cannot be read" in found.incomplete["trailers"]
    assert 4 == len(found.rows("git_people")) == sum(row["commits"] for row in found.rows("git_shortlog"))
    assert (found.of("commits").expected, len(found.rows("git_commits"))) == (4, 4)
    assert found.rows("git_paths") == []


def loose(repository: Repository, name: str) -> Path:
    sha = repository.shas[name]
    return repository.path / ".git/objects" / sha[:2] / sha[2:]


def unpack(repository: Repository) -> None:
    pack = next((repository.path / ".git/objects/pack").glob("*.pack"), None)
    if pack is not None:
        content = pack.read_bytes()
        for file in (repository.path / ".git/objects/pack").iterdir():
            file.unlink()
        repository.git("unpack-objects", "-q", stdin=content)


@pytest.mark.parametrize("lost", ["side1", "merge", "after"])
def test_a_missing_commit_is_not_passed_over(tmp_path: Path, lost: str) -> None:
    """A repository with a hole in its history is incomplete, wherever the hole is."""
    repository = merged(tmp_path / "repo")
    unpack(repository)
    loose(repository, lost).unlink()
    assert {"commits", "trailers", "shortlog", "integrations", "paths"} & set(collect(tmp_path).incomplete)


def test_a_replaced_object_is_not_believed(tmp_path: Path) -> None:
    """Bytes of another commit under a commit's id end in an incomplete coverage."""
    repository = merged(tmp_path / "repo")
    unpack(repository)
    target = loose(repository, "side1")
    target.chmod(0o644)
    target.write_bytes(loose(repository, "root").read_bytes())
    assert "commits" in collect(tmp_path).incomplete


def test_stored_objects_that_were_changed_are_refused_when_read_again(tmp_path: Path) -> None:
    """Reading a changed body from a pack raises instead of giving other rows."""
    merged(tmp_path / "repo")
    found = collect(tmp_path)
    rows = {stream.name: stream.rows for stream in git.STREAMS}["commits"]
    item, body = next((item, body) for item, body in found.stored if item.request.get("role") == "objects")
    with pytest.raises(TamperedError):
        list(rows(item, body.replace(b"Ann", b"Eve")))
    assert list(rows(replace(item, count=None), b"fatal: not a list")) == []


def test_dates_that_mislead_the_range_walk_are_noticed(tmp_path: Path) -> None:
    """Git's range walk gives up on commits that look old: a count that disagrees with whole histories is no count."""
    repository = Repository.init(tmp_path / "repo")
    names = ["shared", *(f"old{n}" for n in range(20))]
    old = [Change(name, [parent], at=1_000) for parent, name in itertools.pairwise(names)]
    changes = [
        Change("shared", at=OCTOBER + 100),
        *old,
        Change("before", ["old19"], at=OCTOBER - 1),
        Change("late", ["before", "shared"], at=OCTOBER + 200),
    ]
    repository.make(changes)
    truth = {repository.shas["late"]}
    found = collect(tmp_path)
    listed = {row["sha"] for row in found.rows("git_commits")}
    assert listed != truth
    assert "its whole-history counts differ by 1" in found.incomplete["commits"]
    repository.git("commit-graph", "write", "--reachable")
    again = collect(tmp_path)
    assert ({}, truth) == (again.incomplete, {row["sha"] for row in again.rows("git_commits")})


LIES = {
    "shortlog": ("shortlog", "sed 1d", {"shortlog", "commits"}, "shortlog adds up to 0 commit(s), the range holds 4"),
    "log": ("log", "head -c 0", {"trailers"}, "git log did not answer for every commit"),
    "log cut short": ("log", "head -c 70", {"trailers"}, "ends inside a record"),
    "diff-tree": ("diff-tree", "head -c 0", {"paths"}, "git diff-tree did not answer for every integration"),
    "cat-file": ("--batch", "head -c 0", {"commits"}, "0 of 4 were obtained"),
    "cat-file cut short": ("--batch", "head -c 300", {"commits"}, "cut short"),
    "count": ("--count", "sed s/4/5/", {"commits"}, "git's range holds 5 commit(s)"),
    "line": ('--first-parent "[0-9a-f]*"', "sed 1d", {"integrations"}, "do not lead along git's first-parent line"),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_is_not_whole_is_noticed(tmp_path: Path, lie: str) -> None:
    """Whatever git leaves out of any answer, another answer gives it away."""
    merged(tmp_path / "repo")
    word, filters, streams, reason = LIES[lie]
    fake, real = tmp_path / "bin" / "git", shutil.which("git")
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase " $* " in *" {word} "*) {real} "$@" | {filters};; *) exec {real} "$@";; esac\n')
    fake.chmod(0o755)
    incomplete = collect(tmp_path, path=f"{fake.parent}:").incomplete
    assert streams <= set(incomplete)
    assert all(reason in incomplete[stream] for stream in streams)


# What cannot be asked at all.


@pytest.mark.parametrize("made", ["nothing", "file", "folder", "inside another repository"])
def test_a_path_without_repository_is_incomplete(tmp_path: Path, made: str) -> None:
    """Neither a missing clone nor a plain folder is answered for by a repository above it."""
    if made == "file":
        (tmp_path / "repo").write_text("x")
    if made in ("folder", "inside another repository"):
        (tmp_path / "repo").mkdir()
    if made == "inside another repository":
        merged(tmp_path)
    found = collect(tmp_path)
    assert set(found.incomplete) == {"repository", *ALL}
    assert "repo" in found.incomplete["repository"]


def test_without_git_nothing_can_be_asked(tmp_path: Path) -> None:
    """A machine without git is told what to install."""
    merged(tmp_path / "repo")
    file = tmp_path / "soc2ev.yaml"
    file.write_text("version: 1\norganisation: Ex\nsources: {git: [{path: repo, repository: acme/api}]}\n")
    with writer(tmp_path / "vault", origin="soc2ev/ex/evidence", now=lambda: datetime.now(UTC), tool="t") as vault:
        fetch = Fetch(vault, environment={"PATH": str(tmp_path)})
        with pytest.raises(CollectError) as caught:
            list(git.collect(fetch, config.load(file), period.parse("2025-10")))
    assert "install git 2.30 or newer" in caught.value.hint


def test_an_old_git_is_refused(tmp_path: Path) -> None:
    """A git that prints other things than expected is not asked."""
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 2.29.9\n")
    fake.chmod(0o755)
    file = tmp_path / "soc2ev.yaml"
    file.write_text("version: 1\norganisation: Ex\nsources: {git: [{path: repo, repository: acme/api}]}\n")
    with writer(tmp_path / "vault", origin="soc2ev/ex/evidence", now=lambda: datetime.now(UTC), tool="t") as vault:
        fetch = Fetch(vault, environment={"PATH": f"{fake.parent}:/bin:/usr/bin"})
        with pytest.raises(CollectError, match=r"git 2\.29 is too old"):
            list(git.collect(fetch, config.load(file), period.parse("2025-10")))
