"""Repositories that attack whoever reads them, and commits that no tool makes."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.fakes.repositories import ONE, Change, Repository, collect

if TYPE_CHECKING:
    from pathlib import Path

OCTOBER = 1_759_276_800
WHO = b"Ann <ann@example.com> 1759276900 +0000\n"


def two(folder: Path) -> Repository:
    made = Repository.init(folder)
    made.make(
        [
            Change("a", at=OCTOBER - 5),
            Change("b", ["a"], at=OCTOBER + 5, message="b\n\nRefs: A-1\n", files={"x.bin": "1"}),
        ]
    )
    return made


def script(tmp_path: Path) -> tuple[str, Path]:
    """A program that leaves a mark when it is run."""
    marker, program = tmp_path / "marker", tmp_path / "evil.sh"
    program.write_text(f"#!/bin/sh\necho run >> {marker}\ncat\n")
    program.chmod(0o755)
    return str(program), marker


def test_nothing_that_a_repository_configures_is_run(tmp_path: Path) -> None:
    """Monitors, pagers, signature programs, drivers, hooks, helpers and aliases stay untouched."""
    evil, marker = script(tmp_path)
    repository = two(tmp_path / "repo")
    repository.git("checkout", "-q", "main")
    signed = repository.git_bytes("cat-file", "commit", "main").replace(
        b"\n\n", b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n", 1
    )
    repository.branch("main", repository.raw(signed))
    (repository.path / ".gitattributes").write_text("* diff=evil filter=evil merge=evil\n")
    (repository.path / ".git/info/attributes").write_text("* diff=evil filter=evil\n")
    hooks = repository.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        (hooks / hook).write_text(f"#!/bin/sh\n{evil}\n")
        (hooks / hook).chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy"),
        *("core.alternateRefsCommand", "gpg.program", "gpg.ssh.program", "gpg.x509.program", "diff.external"),
        *(
            "diff.evil.command",
            "diff.evil.textconv",
            "filter.evil.clean",
            "filter.evil.smudge",
            "credential.helper",
        ),
        *("pager.log", "pager.shortlog", "interactive.diffFilter", "sequence.editor", "trailer.x.command"),
    ):
        repository.git("config", key, evil)
    for command in ("log", "rev-list", "cat-file", "shortlog", "diff-tree", "rev-parse", "for-each-ref"):
        repository.git("config", f"alias.{command}", f"!{evil}")
    repository.git("config", "core.hooksPath", str(hooks))
    for key in ("log.showSignature", "diff.renames", "log.follow", "color.ui"):
        repository.git("config", key, "always" if key == "color.ui" else "true")
    marker.unlink(missing_ok=True)
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert [row["signature"] for row in found.rows("git_commits")] == ["openpgp"]
    assert not marker.exists()


def test_a_repository_cannot_change_what_its_commands_print(tmp_path: Path) -> None:
    """Settings that alter answers are overruled: the same rows come out with and without them."""
    plain, bent = two(tmp_path / "plain"), two(tmp_path / "repo")
    for key, value in {
        "log.diffMerges": "off",
        "log.showRoot": "false",
        "log.date": "relative",
        "format.pretty": "raw",
        "diff.renames": "copies",
        "diff.relative": "true",
        "diff.orderFile": "/nowhere",
        "diff.ignoreSubmodules": "all",
        "trailer.separators": "%",
        "mailmap.file": str(tmp_path / "mailmap"),
        "i18n.logOutputEncoding": "UTF-16",
        "core.quotePath": "true",
        "core.abbrev": "4",
        "log.mailmap": "false",
        "rev-list.x": "y",
    }.items():
        bent.git("config", key, value)
    (tmp_path / "mailmap").write_text("Forged <forged@x> <ann@example.com>\n")
    assert plain.shas == bent.shas
    found = collect(tmp_path)
    other = collect(tmp_path, "sources: {git: [{path: plain, repository: acme/api}]}\n")
    assert found.incomplete == other.incomplete == {}
    for table in (
        "git_commits",
        "git_people",
        "git_trailers",
        "git_shortlog",
        "git_paths",
        "git_integrations",
    ):
        assert other.rows(table) == found.rows(table)


def test_a_clone_with_holes_fetches_nothing(tmp_path: Path) -> None:
    """Missing objects of a partial clone are never asked for: neither a transport nor its program is started."""
    evil, marker = script(tmp_path)
    origin = two(tmp_path / "origin")
    origin.git("config", "uploadpack.allowFilter", "true")
    Repository(tmp_path).git("clone", "-q", "--bare", "--filter=tree:0", f"file://{tmp_path}/origin", "repo")
    clone = Repository(tmp_path / "repo")
    for url in (f"file://{tmp_path}/origin", f"ext::{evil}"):
        clone.git("config", "remote.origin.url", url)
        clone.git("config", "remote.origin.uploadpack", evil)
        clone.git("config", "protocol.allow", "always")
        assert "paths" in collect(tmp_path).incomplete
        assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["-x", "--output=pwned", "-", "a..b"[:1] + "/--upload-pack=x", "ü/名", "a'b\"c$(id)", "{x}"]
)
def test_branch_names_are_only_names(tmp_path: Path, name: str) -> None:
    """A name like an option, a path or a command is looked up and nothing else."""
    repository = two(tmp_path / "repo")
    repository.ref(f"refs/heads/{name}", "b")
    quoted = name.replace("'", "''")
    found = collect(tmp_path, f"scope: [{{repository: acme/api, branches: ['{quoted}']}}]\n" + ONE)
    assert found.incomplete == {}
    assert [row["ref"] for row in found.rows("git_commits")] == [name]
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    "name",
    ["main^", "main~1", "HEAD", "@", "main:x.bin", "refs/heads/main", ":/b", "--all", "main..main", ""],
)
def test_an_expression_is_no_branch(tmp_path: Path, name: str) -> None:
    """Only names of branches select branches; git's revision language does not."""
    two(tmp_path / "repo")
    found = collect(tmp_path, f"scope: [{{repository: acme/api, branches: ['{name}']}}]\n" + ONE)
    assert set(found.incomplete) == {"heads", "integrations", "commits", "trailers", "shortlog", "paths"}
    assert "there is no branch" in found.incomplete["commits"]


def test_replace_refs_and_grafts_change_nothing(tmp_path: Path) -> None:
    """History is what the objects say, not what a local override shows."""
    repository = Repository.init(tmp_path / "repo")
    repository.make(
        [
            Change("a", at=OCTOBER - 5),
            Change("evil", ["a"], at=OCTOBER + 5),
            Change("tip", ["evil"], at=OCTOBER + 9),
        ]
    )
    shas = repository.shas
    clean = repository.raw(
        repository.git_bytes("cat-file", "commit", "main").replace(shas["evil"].encode(), shas["a"].encode())
    )
    repository.git("replace", shas["tip"], clean)
    (repository.path / ".git/info/grafts").write_text(f"{shas['tip']} {shas['a']}\n")
    assert repository.git("rev-list", "--count", "main") == "2"
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert {row["sha"] for row in found.rows("git_commits")} == {shas["evil"], shas["tip"]}
    assert next(row for row in found.rows("git_commits") if row["sha"] == shas["tip"])["parents"] == [shas["evil"]]


def chain(repository: Repository, contents: list[bytes]) -> list[str]:
    """Raw commits on top of each other, and a decent one on top of them; `PARENT` and `TREE` are filled in."""
    tree, parent, made = repository.empty_tree().encode(), repository.shas["b"].encode(), []
    for content in contents:
        made.append(repository.raw(content.replace(b"PARENT", parent).replace(b"TREE", tree)))
        parent = made[-1].encode()
    repository.make([Change("top", [made[-1]], at=OCTOBER + 100)])
    return made


def test_commits_that_no_tool_makes_are_rows_all_the_same(tmp_path: Path) -> None:
    """Absurd dates, empty and doubled headers, signatures with tags inside, raw bytes: kept, and still all counted."""
    repository = two(tmp_path / "repo")
    head = b"tree TREE\nparent PARENT\n"
    tag = b"mergetag object " + b"0" * 40 + b"\n type commit\n tag v1\n tagger T <t@x> 1 +0000\n \n x\n"
    collect(tmp_path, now="2025-10-01T00:00:00Z")  # git takes two authors for the year 1970: pin the start
    made = chain(
        repository,
        [
            head + b"author Ann <ann@example.com> -5 +0000\ncommitter C <c@x> 1759276950 +9999\n\nnegative\n",
            head
            + b"author Ann <ann@example.com> 99999999999999999999 +0000\ncommitter C <c@x> 4102444800 -0000\n\nlate\n",
            head + b"author <> 0 +0000\ncommitter <c@x> 1759276950 +0000\n\n",
            head + b"author " + WHO + b"author Eve <eve@x> 1759276900 +0000\ncommitter " + WHO + b"\ntwo authors\n",
            head
            + b"author "
            + WHO
            + b"committer "
            + WHO
            + tag
            + b"gpgsig -----BEGIN SSH SIGNATURE-----\n \n x\n\nsigned\n",
            head + b"author J\xf6rg <j@x> 1759276900 +0000\ncommitter " + WHO + b"encoding ISO-8859-1\n\nGr\xfc\xdfe\n",
            head + b"author J\xf6rg <j@x> 1759276900 +0000\ncommitter " + WHO + b"\nGr\xfc\xdfe\n",
            head + b"author " + WHO + b"committer " + WHO + b"encoding unicode_escape\n\n\\x41\\N{x}\n",
            head + b"author " + WHO + b"committer " + WHO + b"\nno line feed and a bell \x07\x1b[2J",
        ],
    )
    found = collect(tmp_path)
    assert found.incomplete == {}
    rows = {row["sha"]: row for row in found.rows("git_commits")}
    assert set(rows) == {*made, repository.shas["top"]}
    negative, late, empty, doubled, signed, latin, raw, escape, bell = (rows[sha] for sha in made)
    assert (negative["authored_at"], negative["committed_at"]) == (
        None,
        datetime.fromtimestamp(1_759_276_950, UTC),
    )
    assert (late["authored_at"], late["committed_at"]) == (None, datetime(2100, 1, 1, tzinfo=UTC))
    assert (empty["author_name"], empty["author_email"], empty["subject"]) == ("", "", "")
    assert (doubled["author_name"], doubled["committer_name"]) == (None, "Ann")
    assert (signed["signature"], signed["subject"]) == ("ssh", "signed")
    assert (latin["author_name"], latin["message"], latin["encoding"]) == ("Jörg", "Grüße\n", "ISO-8859-1")
    assert (raw["author_name"], raw["message"]) == ("J\ufffdrg", "Gr\ufffd\ufffde\n")
    assert escape["message"] == "\\x41\\N{x}\n"
    assert bell["message"].endswith("\x1b[2J")
    people = {row["sha"]: row for row in found.rows("git_people")}
    assert people[made[5]]["author_name"] == "Jörg"


@pytest.mark.parametrize("cut", [b"author", b"committer"])
def test_a_commit_without_a_person_is_not_lost_quietly(tmp_path: Path, cut: bytes) -> None:
    """The commit is a row with NULLs; should git's own tally drop it, the coverage says so."""
    repository = two(tmp_path / "repo")
    lines = [b"tree TREE\n", b"parent PARENT\n", b"author " + WHO, b"committer " + WHO, b"\nx\n"]
    collect(tmp_path, now="2025-10-01T00:00:00Z")  # git takes such a commit for one of 1970: pin the start
    (made,) = chain(repository, [b"".join(line for line in lines if not line.startswith(cut))])
    found = collect(tmp_path)
    row = next(row for row in found.rows("git_commits") if row["sha"] == made)
    assert row[f"{cut.decode()}_name"] is None
    person = next(row for row in found.rows("git_people") if row["sha"] == made)
    assert (person[f"{cut.decode()}_name"], person[f"{cut.decode()}_email"]) == (None, None)
    total = sum(row["commits"] for row in found.rows("git_shortlog"))
    assert total == 2 or "shortlog adds up to" in found.incomplete["commits"]


def test_names_that_are_not_utf_8_stay_apart(tmp_path: Path) -> None:
    """Two refs, two files, two authors with different bytes never become one row."""
    repository = two(tmp_path / "repo")
    sha = repository.shas["b"].encode()
    packed = b"".join(sha + b" refs/heads/" + name + b"\n" for name in (b"\xfe", b"\xff"))
    (repository.path / ".git/packed-refs").write_bytes(b"# pack-refs with: peeled fully-peeled sorted \n" + packed)
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"x").encode()
    tree = repository.git_bytes(
        "mktree",
        "-z",
        stdin=b"".join(b"100644 blob " + blob + b"\t" + name + b"\0" for name in (b"\xfe", b"\xff")),
    )
    content = (
        b"tree "
        + tree.strip()
        + b"\nparent "
        + sha
        + b"\nauthor \xff <a@x> 1759276900 +0000\ncommitter "
        + WHO
        + b"\nx\n"
    )
    repository.branch("main", repository.raw(content))
    found = collect(tmp_path)
    assert found.incomplete == {}
    assert {"refs/heads/\\xfe", "refs/heads/\\xff"} <= {row["ref"] for row in found.rows("git_refs")}
    assert {"\\xfe", "\\xff"} <= {row["path"] for row in found.rows("git_paths")}
    assert {"\ufffd", "Ann Author"} == {row["name"] for row in found.rows("git_shortlog")}


# Random histories, compared with what git prints by other commands and with a model of the graph.


def random_history(seed: int, *, odd_dates: bool) -> list[Change]:
    """Merges, octopus merges, several roots, and dates that wander, or jump anywhere."""
    chance = random.Random(seed)
    changes: list[Change] = []
    for number in range(chance.randint(1, 45)):
        names = [change.name for change in changes]
        wanted = 0 if chance.random() < 0.04 else chance.choice([1, 1, 1, 2, 2, 3])
        parents = list(dict.fromkeys([*names[-1:], *chance.sample(names, min(wanted, len(names)))]))[:wanted]
        chance.shuffle(parents)
        wander = OCTOBER - 200_000 + number * 9_000 + chance.randint(-40_000, 40_000)
        at = chance.choice([0, 5, OCTOBER - 1, OCTOBER, 4_102_444_800, wander]) if odd_dates else wander
        files = {f"{chance.randint(0, 9)}.txt": str(number), "dir/é.txt": str(number)}
        message = chance.choice(
            ["one\ntwo\n\nbody\n", "\n\nx", "fix: y\n\nRefs: A-1\nCo-authored-by: B <b@x>\n", "z\n\n\n"]
        )
        changes.append(
            Change(
                f"c{number}",
                parents,
                at,
                message,
                files=files,
                zone=chance.choice(["+0000", "-0730", "+1400"]),
            )
        )
    return changes


def reachable(parents: dict[str, list[str]], tip: str | None) -> set[str]:
    found: set[str] = set()
    left = [] if tip is None else [tip]
    while left:
        sha = left.pop()
        if sha not in found:
            found.add(sha)
            left += parents[sha]
    return found


@pytest.mark.parametrize("seed", range(16))
def test_random_histories_agree_with_git_and_with_the_graph(tmp_path: Path, seed: int) -> None:
    """Population, line, fields, trailers and paths equal what other git commands and a walk in Python give."""
    repository = Repository.init(tmp_path / "repo")
    shas = repository.make(random_history(seed, odd_dates=seed % 2 == 1))
    found = collect(tmp_path, months="2025-10")
    parents = {sha: repository.git("rev-list", "--parents", "-n", "1", sha).split()[1:] for sha in shas.values()}
    details = found.of("commits").details
    start, end = details["start"]["sha"], details["end"]["sha"]
    expected = reachable(parents, end) - reachable(parents, start)
    rows = {row["sha"]: row for row in found.rows("git_commits")}
    if found.incomplete:
        assert "whole-history counts differ" in found.incomplete["commits"]
    else:
        assert set(rows) == expected
    line, at = [], end
    while at is not None and at != start:
        line.append(at)
        at = next(iter(parents[at]), None)
    assert [row["sha"] for row in found.rows("git_integrations")] == line[::-1]
    for sha, row in rows.items():
        printed = repository.git(
            "show", "-s", "--format=%P%x00%T%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%s", sha
        ).split("\0")
        told = [
            " ".join(row["parents"]),
            row["tree"],
            row["author_name"],
            row["author_email"],
            f"{row['authored_at'].timestamp():.0f}",
        ]
        told += [
            row["committer_name"],
            row["committer_email"],
            f"{row['committed_at'].timestamp():.0f}",
            row["subject"],
        ]
        assert told == printed
    paths = sorted((row["sha"], row["status"], row["path"]) for row in found.rows("git_paths"))
    by_git = []
    for sha in line:
        other = parents[sha][0] if parents[sha] else repository.git("hash-object", "-t", "tree", "--stdin", stdin=b"")
        raw = repository.git("-c", "core.quotePath=false", "diff", "--no-renames", "--name-status", other, sha)
        by_git += [(sha, *entry.split("\t")) for entry in raw.splitlines()]
    assert paths == sorted(by_git)
