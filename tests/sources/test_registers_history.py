"""The history of the registers folder: from git, and from git that somebody else configured."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime

import pytest

from soc2ev.errors import CollectError
from soc2ev.fetch import Fetch
from soc2ev.model import EvidenceItem
from soc2ev.period import parse
from soc2ev.sources.registers import history
from soc2ev.sources.registers.folder import Folder
from soc2ev.vault import writer

PERIOD = parse("2026-10", "UTC")
WHEN = {"GIT_AUTHOR_DATE": "2026-10-01T10:00:00Z", "GIT_COMMITTER_DATE": "2026-10-01T12:00:00+02:00"}


class Repository:
    """A git repository with a registers folder, and what a collection of its history gives."""

    def __init__(self, folder):
        self.root = folder / "repo"
        self.registers = self.root / "registers"
        self.registers.mkdir(parents=True)
        self.vault = folder / "vault"

    def git(self, *arguments, **environment):
        closed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": os.environ["PATH"]}
        names = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Ann"), ("EMAIL", "a@x"))
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**closed, **names, **WHEN, **environment},
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()

    def commit(self, message, **files):
        for name, text in files.items():
            (self.registers / f"{name}.yaml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def collect(self):
        now = lambda: datetime(2026, 11, 2, tzinfo=UTC)  # noqa: E731
        self.said = []
        with writer(self.vault, origin="soc2ev/example/evidence", now=now, tool="soc2ev test") as vault:
            fetch = Fetch(vault, say=self.said.append, environment=dict(os.environ))
            coverage = fetch.state(history.collect(fetch, Folder(self.registers, self.root), PERIOD))
            self.items = [(item, vault.read(item.digest)) for item in vault.items(run=vault.run)]
        return coverage

    def rows(self, table):
        made = []
        for item, body in self.items:
            rows = list(history.STREAM.rows(item, body))
            assert item.count in (None, len(rows))
            made += [dict(row) for name, row in rows if name == table]
        return made


@pytest.fixture
def bare(tmp_path):
    return Repository(tmp_path)


@pytest.fixture
def repo(bare):
    bare.git("init", "-q", "-b", "main")
    return bare


def test_a_folder_without_git_is_no_failure(bare):
    """Not to be under version control is a fact, told in the details, and runs no command."""
    coverage = bare.collect()
    assert (coverage.complete, coverage.details["versioned"], bare.items) == (True, False, [])


def test_commits_and_their_reviewers(repo):
    """Each file of each commit is a row with who wrote it, when in UTC, and the reviewers of its message."""
    sha = repo.commit("first\n\nReviewed-by: Bo <b@x>\nApproved-by: Cy <c@x>", a="1", b="1")
    (repo.root / "other.txt").write_text("x")
    repo.commit("elsewhere")
    coverage = repo.collect()
    assert (coverage.complete, coverage.expected, coverage.fetched) == (True, 1, 1)
    assert coverage.details["versioned"]
    assert coverage.details["uncommitted"] == 0
    first, second = repo.rows("register_changes")
    assert first == {
        "file": "a.yaml",
        "commit_sha": sha,
        "merge": False,
        "author": "Ann",
        "committer": "Ann",
        "committed_at": datetime(2026, 10, 1, 10, tzinfo=UTC),
        "reviewers": ["Bo <b@x>", "Cy <c@x>"],
    }
    assert second["file"] == "b.yaml"


def test_merges_tell_what_they_brought(repo):
    """A merge that combines two changes is a commit of its own with the files that it brought in."""
    repo.commit("first", a="1\n", b="1\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", a="2\n")
    repo.git("checkout", "-q", "main")
    repo.commit("main", b="2\n")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    coverage = repo.collect()
    assert (coverage.complete, coverage.expected) == (True, 4)
    changed = repo.rows("register_changes")
    assert [row["file"] for row in changed if row["merge"]] == ["a.yaml"]
    assert sorted(row["file"] for row in changed if not row["merge"]) == [
        "a.yaml",
        "a.yaml",
        "b.yaml",
        "b.yaml",
    ]


def test_names_cannot_forge_a_commit(repo):
    """Names of people and files with separators, hashes and line feeds stay what they are."""
    name = "\n" + "a" * 40
    (repo.registers / name).write_text("x")
    (repo.registers / "b\x1fc").write_text("x")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "x\n\nReviewed-by: /" + "b" * 40, GIT_AUTHOR_NAME="/" + "c" * 40)
    coverage = repo.collect()
    assert (coverage.complete, coverage.fetched) == (True, 1)
    assert {row["file"] for row in repo.rows("register_changes")} == {name, "b\x1fc"}
    assert {row["author"] for row in repo.rows("register_changes")} == {"/" + "c" * 40}


def test_what_is_not_committed_is_said(repo):
    """Changed, new and ignored files are told in the details, in a table and to the person at the terminal."""
    (repo.root / ".gitignore").write_text("secret.yaml\n")
    repo.commit("first", changed="1")
    for name in ("changed", "new", "secret"):
        (repo.registers / f"{name}.yaml").write_text("2")
    coverage = repo.collect()
    assert coverage.complete
    assert coverage.details["uncommitted_files"] == ["changed.yaml", "new.yaml", "secret.yaml"]
    assert {row["file"]: row["state"] for row in repo.rows("register_uncommitted")} == {
        "changed.yaml": " M",
        "new.yaml": "??",
        "secret.yaml": "!!",
    }
    assert repo.said == ["registers: 3 files differ from the last commit"]


def test_a_repository_without_commits(repo):
    """Before the first commit nothing is versioned, and what lies there is uncommitted."""
    (repo.registers / "a.yaml").write_text("1")
    coverage = repo.collect()
    assert (coverage.complete, coverage.details["versioned"]) == (True, False)
    assert coverage.details["uncommitted_files"] == ["a.yaml"]


def test_a_shallow_clone_is_incomplete(repo, tmp_path):
    """History that was cut off is not taken for all of it."""
    repo.commit("first", a="1")
    repo.commit("second", a="2")
    clone = Repository(tmp_path / "clone")
    clone.root.rename(tmp_path / "empty")
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", f"file://{repo.root}", str(clone.root)],
        check=True,
        capture_output=True,
    )
    coverage = clone.collect()
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 1, 1)
    assert "shallow" in coverage.reason


def test_a_broken_repository_is_a_failure(bare):
    """A folder that says it is under git and is not readable is refused, not called unversioned."""
    (bare.root / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(CollectError, match="not a git repository"):
        bare.collect()


def test_a_hostile_configuration_runs_nothing(repo, tmp_path):
    """Filters, monitors, hooks, pagers and signature programs of the repository stay unused."""
    trap = tmp_path / "trap"
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\necho run >> {trap}\ncat\n")
    program.chmod(0o755)
    (repo.root / ".gitattributes").write_text("*.yaml filter=evil.one diff=evil\nb.yaml filter=Other\n")
    sha = repo.commit("first", a="1", b="1")
    later = repo.commit("second", a="2")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "pager.log",
        "pager.status",
        "gpg.program",
        "filter.evil.one.clean",
        "filter.evil.one.smudge",
        "filter.Other.process",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.sshCommand",
        "trailer.reviewed-by.command",
        "trailer.reviewed-by.cmd",
    ):
        repo.git("config", key, str(program))
    repo.git("config", "filter.evil.one.required", "true")
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "core.hooksPath", str(tmp_path / "hooks"))
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "post-index-change").symlink_to(program)
    signed = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=repo.root,
        check=True,
        capture_output=True,
        input=(
            f"tree {repo.git('rev-parse', later + '^{tree}')}\nparent {sha}\nauthor A <a@x> 1 +0000\n"
            "committer A <a@x> 1 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\nm\n"
        ).encode(),
    ).stdout.decode()
    repo.git("update-ref", "HEAD", signed.strip())
    (repo.registers / "a.yaml").write_text("3")
    (repo.registers / "b.yaml").write_text("3")
    coverage = repo.collect()
    assert (coverage.complete, coverage.fetched) == (True, 2)
    assert coverage.details["uncommitted_files"] == ["a.yaml", "b.yaml"]
    assert not trap.exists()
    repo.git("-c", "core.fsmonitor=false", "-c", "core.pager=cat", "add", "-A")
    assert trap.exists(), "the trap would have shown a filter that runs"


def test_a_log_of_another_shape_is_refused():
    """A stored log that cannot be taken apart gives no rows at all."""
    item = EvidenceItem(
        "sha256:0",
        "registers",
        history.NAME,
        {"what": "log"},
        {"exit": 0},
        datetime.now(UTC),
        1,
        None,
        "r",
        1,
    )
    for body in (b"x\0", b"/" + b"a" * 40 + b"\0", b"/abc\0" + b"x\0" * 9):
        with pytest.raises(CollectError, match="unknown shape"):
            list(history.STREAM.rows(item, body))


def test_a_date_that_is_none_is_unknown(repo):
    """A commit whose date no calendar holds has no date; it is not taken for an early one."""
    tree = repo.git("rev-parse", repo.commit("first", a="1") + "^{tree}")
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=repo.root,
        check=True,
        capture_output=True,
        input=f"tree {tree}\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 99999999999999 +0000\n\nm\n".encode(),
    ).stdout.decode()
    repo.git("update-ref", "HEAD", made.strip())
    repo.collect()
    assert [row["committed_at"] for row in repo.rows("register_changes")] == [None]


def test_a_log_that_lacks_commits_is_incomplete(repo, monkeypatch):
    """The log is compared with git's own count; one commit less is told and not taken for all of them."""
    repo.commit("first", a="1")
    repo.commit("second", a="2")
    parse_all = history._changes
    monkeypatch.setattr(history, "_changes", lambda body: list(parse_all(body))[:1])
    coverage = repo.collect()
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 2, 1)
    assert coverage.reason == "git counts 2 commits and lists 1"


def test_a_git_that_does_not_know_shallow_clones_is_refused():
    """Git before 2.15 prints the option back: then nobody knows whether the history is whole."""
    with pytest.raises(CollectError, match="does not tell whether the clone is shallow"):
        history._standing(b"--is-shallow-repository\nregisters/\n")


def test_changes_that_were_undone_before_a_merge_are_kept(repo):
    """A branch that changed a register and changed it back still has its commits in the history."""
    repo.commit("first", a="1\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("loosened", a="2\n")
    repo.commit("undone", a="1\n")
    repo.git("checkout", "-q", "main")
    repo.commit("main", b="1\n")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    coverage = repo.collect()
    assert (coverage.complete, coverage.expected) == (True, 5)
    assert [row["file"] for row in repo.rows("register_changes")].count("a.yaml") == 3
