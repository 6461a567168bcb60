"""From commits to changes: every commit one fate, on histories of every shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc2ev import yamlfile
from soc2ev.config import Config
from soc2ev.errors import ConfigError
from soc2ev.tables import changes, documented
from soc2ev.tables.engine import Engine

START = datetime(2026, 10, 1, tzinfo=UTC)
Dag = Mapping[str, Sequence[str]]


def reachable(dag: Dag, *heads: str) -> set[str]:
    """Every commit of the graph that can be reached, the heads included."""
    found: set[str] = set()
    waiting = list(heads)
    while waiting:
        if (sha := waiting.pop()) in dag and sha not in found:
            found.add(sha)
            waiting += dag[sha]
    return found


def line(dag: Dag, tip: str, below: set[str]) -> list[str]:
    """First-parent commits from the tip that are not below, oldest first."""
    found, sha = [], tip
    while sha in dag and sha not in below:
        found.append(sha)
        sha = dag[sha][0] if dag[sha] else ""
    return found[::-1]


@dataclass
class History:
    """Rows of one or more collections of plain git."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    starts: dict[str, datetime] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.rows.setdefault(table, []).append({"run": "r", "evidence": f"sha256:{table}", **row})

    def collect(
        self, dag: Dag, tip: str, start: str = "", *, ref: str = "main", month: int = 0, repository: str = "a/b"
    ) -> None:
        """One collection: what reached the ref after `start`, with its first-parent line."""
        run, at = f"r{month}", {"repository": repository, "ref": ref}
        self.starts[run] = START + timedelta(days=31 * month)
        below = reachable(dag, start)
        for sha in sorted(reachable(dag, tip) - below):
            self.add("git_commits", **at, sha=sha, parents=list(dag[sha]), run=run, committed_at=START)
        for position, sha in enumerate(line(dag, tip, below)):
            self.add("git_integrations", **at, sha=sha, position=position, run=run)
        self.add("git_heads", **at, role="tip", sha=tip, run=run)

    def change(self, sha: str, **values: Any) -> None:
        """Set values of a commit's row."""
        for row in self.rows["git_commits"]:
            if row["sha"] == sha:
                row.update(values)

    def derive(self, config: str = "") -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """Changes by item, fates by commit (with the ref before it when it is not main)."""
        given = {"version": 1, "organisation": "X", **(yamlfile.parse(config.encode(), "config").data or {})}
        engine = Engine()
        for table in documented():
            engine.create(table)
            engine.insert(table, self.rows.get(table.name, []))
        try:
            changes.derive(engine, Config.model_validate(given), self.starts)
            made = {row["item"]: dict(row) for row in engine.select("select * from changes")}
            fates = list(engine.select("select * from change_commits"))
        finally:
            engine.close()
        named = {row["sha"] if row["ref"] == "main" else f"{row['ref']} {row['sha']}": dict(row) for row in fates}
        assert len(fates) == len(named)
        return made, named


def brought(dag: Dag, tip: str, start: str = "") -> dict[str, list[str]]:
    """Commits by the change that brought them."""
    history = History()
    history.collect(dag, tip, start)
    made, fates = history.derive()
    assert {row["fate"] for row in fates.values()} <= {"in a change"}
    found = {row["sha"]: row["commits"] for row in made.values()}
    assert sorted(fates) == sorted(sha for commits in found.values() for sha in commits)
    assert all(fates[sha]["item"] == f"a/b@{by}" for by, commits in found.items() for sha in commits)
    return found


LINEAR = {"a": [], "b": ["a"], "c": ["b"]}
MERGE = {"a": [], "s": ["a"], "t": ["s"], "b": ["a"], "m": ["b", "t"], "c": ["m"]}
OCTOPUS = {"a": [], "x": ["a"], "y": ["a"], "z": ["y"], "m": ["a", "x", "z"]}
CRISS = {"a": [], "b": ["a"], "s": ["a"], "m": ["b", "s"], "n": ["s", "b"], "o": ["m", "n"]}
FOXTROT = {"a": [], "b": ["a"], "c": ["b"], "t": ["a"], "f": ["t", "c"], "g": ["f"]}
ROOTS = {"a": [], "o": [], "p": ["o"], "m": ["a", "p"]}


@pytest.mark.parametrize(
    ("dag", "tip", "start", "expected"),
    [
        (LINEAR, "c", "", {"a": ["a"], "b": ["b"], "c": ["c"]}),
        (LINEAR, "c", "b", {"c": ["c"]}),
        (LINEAR, "c", "c", {}),
        (MERGE, "c", "a", {"b": ["b"], "m": ["m", "s", "t"], "c": ["c"]}),
        (MERGE, "m", "b", {"m": ["m", "s", "t"]}),
        (OCTOPUS, "m", "a", {"m": ["m", "x", "y", "z"]}),
        (CRISS, "o", "a", {"b": ["b"], "m": ["m", "s"], "o": ["n", "o"]}),
        (FOXTROT, "g", "a", {"t": ["t"], "f": ["b", "c", "f"], "g": ["g"]}),
        (ROOTS, "m", "", {"a": ["a"], "m": ["m", "o", "p"]}),
        (ROOTS, "m", "a", {"m": ["m", "o", "p"]}),
    ],
)
def test_each_change_brought_what_the_one_before_lacked(dag: Dag, tip: str, start: str, expected: object) -> None:
    """Linear pushes, merges, octopus, criss-cross and foxtrot merges and several roots: no commit twice, none missing."""
    assert expected == brought(dag, tip, start)


@st.composite
def dags(draw: st.DrawFn) -> dict[str, list[str]]:
    size = draw(st.integers(1, 14))
    made: dict[str, list[str]] = {}
    for at in range(size):
        parents = st.lists(st.sampled_from(sorted(made)), max_size=3, unique=True) if made else st.just([])
        made[f"{at:02}"] = draw(parents)
    return made


@settings(max_examples=40, deadline=None)
@given(dags(), st.data())
def test_any_history_is_shared_out_as_git_would(dag: Dag, data: st.DataObject) -> None:
    """On random graphs each first-parent commit brought exactly `rev-list commit ^parent`, and each commit has one fate."""
    tip = max(dag)
    on_line = line(dag, tip, set())
    start = data.draw(st.sampled_from([*on_line, ""]))
    below = reachable(dag, start)
    expected = {
        sha: sorted(reachable(dag, sha) - reachable(dag, *dag[sha][:1]) - below) for sha in line(dag, tip, below)
    }
    assert expected == brought(dag, tip, start)


def test_months_in_a_row_are_one_line() -> None:
    """Stitched collections share out the commits as one collection of the whole would."""
    history = History()
    history.collect(MERGE, "b", "a", month=0)
    history.collect(MERGE, "c", "b", month=1)
    made, _ = history.derive()
    assert {"b": ["b"], "m": ["m", "s", "t"], "c": ["c"]} == {row["sha"]: row["commits"] for row in made.values()}


GAP = {"j": [], "s": ["j"], "k": ["j", "s"], "f": ["k"], "t": ["s"], "m": ["f", "t"], "u": ["k"], "n": ["m", "u"]}


@pytest.mark.parametrize("names", ["jskftmun", "zyxwvuts", "mnutfksj"])
def test_a_later_month_takes_nothing_from_an_earlier_one(names: str) -> None:
    """
    Between two collected months one is missing; a topic of the last month began on a side commit of the first. The
    first month's merge keeps its commits, whatever their ids sort like.
    """
    name = dict(zip("jskftmun", names, strict=True))
    dag = {name[sha]: [name[parent] for parent in parents] for sha, parents in GAP.items()}
    history = History()
    history.collect(dag, name["n"], name["f"], month=2)
    history.collect(dag, name["k"], month=0)
    made, fates = history.derive()
    expected = {"j": "j", "k": "ks", "m": "mt", "n": "nu"}
    found = {row["sha"]: row["commits"] for row in made.values()}
    assert {name[sha]: sorted(name[one] for one in ones) for sha, ones in expected.items()} == found
    assert 7 == len(fates)


def test_a_rewritten_branch_is_two_lines() -> None:
    """After a force push both lines are in the population, each with its own commits."""
    dag = {"a": [], "b": ["a"], "x": ["a"], "y": ["x"]}
    history = History()
    history.collect(dag, "b", "a", month=0)
    history.collect(dag, "y", "a", month=1)
    made, _ = history.derive()
    assert {"b": ["b"], "x": ["x"], "y": ["y"]} == {row["sha"]: row["commits"] for row in made.values()}


def test_a_commit_that_no_change_reaches_is_unexplained() -> None:
    """It is neither dropped nor given to a change."""
    history = History()
    history.collect(LINEAR, "c", "a")
    history.add("git_commits", repository="a/b", ref="main", sha="stray", parents=["a"])
    made, fates = history.derive()
    assert {"a/b@b", "a/b@c"} == set(made)
    assert ("unexplained", None) == (fates["stray"]["fate"], fates["stray"]["item"])
    assert fates["stray"]["reason"]


def test_item_ids_name_the_branch_when_there_are_several() -> None:
    """One production ref: repository@sha. Two, even when only one of them moved in the period: repository:branch@sha."""
    history = History()
    history.collect(LINEAR, "c", "b")
    assert {"a/b@c"} == set(history.derive()[0])
    scope = "{'scope': [{'repository': 'a/*', 'branches': ['main', 'release']}]}"
    assert {"a/b:main@c"} == set(history.derive(scope)[0])
    history.collect(LINEAR, "c", "c", ref="release")
    assert {"a/b:main@c"} == set(history.derive()[0])
    history.collect(LINEAR, "b", "a", ref="release", month=1)
    made, fates = history.derive()
    assert {"a/b:main@c", "a/b:release@b"} == set(made)
    assert {"c", "release b"} == set(fates)


def with_paths(files: Mapping[str, Sequence[str] | None]) -> History:
    history = History()
    history.collect(LINEAR, "c", "a")
    for sha, paths in files.items():
        for position, path in enumerate(paths or [None]):
            history.add("git_paths", repository="a/b", ref="main", sha=sha, position=position, path=path, status="M")
    return history


def scoped(include: str = "['**']", exclude: str = "[]") -> str:
    return f"{{'scope': [{{'repository': 'a/b', 'paths': {{'include': {include}, 'exclude': {exclude}}}}}]}}"


@pytest.mark.parametrize(
    ("paths", "include", "exclude", "outside"),
    [
        (["docs/a.md", "docs/b.md"], "['**']", "['docs/**']", True),
        (["docs/a.md", "src/b.py"], "['**']", "['docs/**']", False),
        (["src/b.py"], "['src/**']", "[]", False),
        (["lib/b.py"], "['src/**']", "[]", True),
        (["src/b.md"], "['src/**']", "['*.md']", True),
        (["docs/keep.md"], "['**']", "['docs/**', '!docs/keep.md']", False),
        (["docs/a.md"], "[]", "['docs/**']", True),
        (["docs/a.md"], "['**']", "[]", False),
        (None, "['src/**']", "['**']", False),
    ],
)
def test_path_rules(paths: list[str] | None, include: str, exclude: str, outside: bool) -> None:
    """A change is outside only when all its files are; one that changed no file (an empty merge) stays in."""
    made, fates = with_paths({"b": paths, "c": ["src/main.py"]}).derive(scoped(include, exclude))
    assert outside == ("a/b@b" not in made)
    assert ("outside" if outside else "in a change") == fates["b"]["fate"]
    assert outside == bool(fates["b"]["reason"])


def test_a_change_whose_files_are_not_known_stays_in() -> None:
    """Path rules leave out only what is known to be outside; the number of files and the kinds stay unknown."""
    made, _ = with_paths({"c": ["docs/a.md"]}).derive(scoped(exclude="['**']"))
    assert {"a/b@b"} == set(made)
    assert (None, None) == (made["a/b@b"]["paths_changed"], made["a/b@b"]["kinds"])


def test_the_commits_of_a_merge_that_is_outside_are_outside_with_it() -> None:
    """Every commit that it brought has the same fate and reason."""
    history = History()
    history.collect(MERGE, "m", "b")
    history.add("git_paths", repository="a/b", ref="main", sha="m", position=0, path="docs/a.md")
    made, fates = history.derive(scoped(exclude="['docs/**']"))
    assert {} == made
    assert ["outside"] * 3 == [row["fate"] for row in fates.values()]


def test_the_scope_entry_of_the_branch_decides() -> None:
    """Path rules of an entry for one branch do not leave out changes of another."""
    rules = (
        "{'scope': [{'repository': 'a/b', 'branches': ['release'], 'paths': {'exclude': ['**']}}, {'repository': '*'}]}"
    )
    assert 2 == len(with_paths({"b": ["x"], "c": ["y"]}).derive(rules)[0])
    assert 0 == len(with_paths({"b": ["x"], "c": ["y"]}).derive(rules.replace("release", "main"))[0])


def test_path_rules_that_cannot_be_read_are_refused() -> None:
    """A pattern that means nothing is a mistake of the configuration, not of the evidence."""
    with pytest.raises(ConfigError, match="paths"):
        with_paths({"b": ["x"]}).derive(scoped(exclude="['!']"))


def kinds_of(paths: Sequence[str], *globs: str, included: bool | None = True) -> object:
    history = with_paths({"b": paths})
    row = {"file": "p.yaml", "record": "p", "status": "approved", "kind": "database", "included": included}
    history.add("register_change_kinds", **row, entry=1, paths=list(globs))
    return history.derive()[0]["a/b@b"]["kinds"]


def test_kinds_follow_the_path_rules_of_the_register() -> None:
    """A kind is named when one file matches; a kind that is decided to be none is not; bad rules leave kinds unknown."""
    assert ["database"] == kinds_of(["src/a.py", "db/migrations/1.sql"], "migrations/**", "*.sql")
    assert [] == kinds_of(["src/a.py"], "*.sql")
    assert ["database"] == kinds_of(["a.sql"], "*.sql", included=None)
    assert [] == kinds_of(["a.sql"], "*.sql", included=False)
    assert kinds_of(["a.sql"], "*.sql", "!") is None


def told(**parts: Any) -> dict[str, Any]:
    """The change of a merge of one commit, with what its people, trailers, messages and registers say."""
    history = History()
    history.collect(MERGE, "m", "b")
    at = {"repository": "a/b", "ref": "main"}
    ann = {"author_name": "Ann", "author_email": "ann@x", "committer_name": "Ann", "committer_email": "ann@x"}
    for sha, person in {"m": {}, "s": {}, "t": {}, **parts.get("people", {})}.items():
        history.add("git_people", **at, sha=sha, **(ann | person))
    for position, (sha, key, value) in enumerate(parts.get("trailers", [])):
        history.add("git_trailers", **at, sha=sha, position=position, key=key, value=value)
    for position, (account, person) in enumerate(parts.get("accounts", {}).items()):
        row = {"file": "people.yaml", "record": f"{position}", "status": "approved", "system": "email"}
        history.add("accounts", **row, account=account, person=person)
    for sha, values in parts.get("commits", {}).items():
        history.change(sha, **values)
    for name, sha in parts.get("tags", {}).items():
        history.add("git_refs", repository="a/b", ref=name, commit_sha=sha)
    (row,) = history.derive(parts.get("config", ""))[0].values()
    return row


BOB = {"author_name": "Bob", "author_email": "Bob@X"}


def test_everybody_who_made_a_part_is_a_maker() -> None:
    """Authors and committers of all its commits, and co-authors that trailers name."""
    trailers = [("t", "CO-AUTHORED-BY", "Cy <cy@x>"), ("t", "Signed-off-by", "Di <di@x>")]
    carl = {"committer_name": "Carl", "committer_email": "carl@x"}
    assert ["Ann <ann@x>", "Bob <Bob@X>", "Carl <carl@x>", "Cy <cy@x>"] == told(
        people={"s": BOB, "m": carl}, trailers=trailers
    )["makers"]


@pytest.mark.parametrize("mail", ["noreply@github.com", "NoReply@GitHub.com", "noreply@gitlab.com"])
def test_the_platform_that_committed_is_nobody(mail: str) -> None:
    """The committer of a platform's own merge made nothing; its author counts."""
    person = {**BOB, "committer_name": "GitHub", "committer_email": mail}
    assert ["Ann <ann@x>", "Bob <Bob@X>"] == told(people={"m": person})["makers"]


def test_makers_are_people_of_the_register() -> None:
    """Two addresses of one entry are one person, in any case; whoever is not listed is flagged as unresolved."""
    accounts = {"ann@x": "Ann Berg", "bob@x": "Ann Berg"}
    row = told(people={"s": BOB}, accounts=accounts)
    assert (["Ann Berg"], False) == (row["makers"], "IDENTITY_UNRESOLVED" in row["flags"])
    row = told(people={"s": BOB}, accounts={"ann@x": "Ann Berg"})
    assert (["Ann Berg", "Bob <Bob@X>"], True) == (row["makers"], "IDENTITY_UNRESOLVED" in row["flags"])
    assert "IDENTITY_UNRESOLVED" not in told(people={"s": BOB})["flags"]


def test_nobody_is_a_maker_too() -> None:
    """A commit without author leaves an empty name, which the register cannot resolve."""
    nobody = dict.fromkeys(["author_name", "author_email"])
    row = told(people={"s": nobody}, accounts={"ann@x": "Ann"})
    assert ["<>", "Ann"] == row["makers"]
    assert "IDENTITY_UNRESOLVED" in row["flags"]


def test_reviewers_in_trailers_are_claims() -> None:
    """They stand as claimed reviewers and never as approvers."""
    trailers = [("s", "Reviewed-by", "Bo <bo@x>, Cy <cy@x>"), ("m", "Acked-By", "Di"), ("m", "Tested-by", "Ed")]
    row = told(trailers=trailers)
    assert (["Bo <bo@x>", "Cy <cy@x>", "Di"], []) == (row["claimed_reviewers"], row["approvers"])


def test_messages_of_all_commits_name_tickets() -> None:
    """Keys of side commits count; with projects in the configuration only theirs."""
    commits = {
        "m": {"message": "Merge pull request #5 from a/t\n"},
        "s": {"message": "API-2"},
        "t": {"message": "X-1 WEB-3"},
    }
    row = told(commits=commits)
    assert (["API-2", "WEB-3"], "pr_merge", 5) == (row["tickets"], row["integration"], row["pull_request"])
    jira = "{'sources': {'jira': [{'url': 'https://a.example', 'token': {'env': 'T'}, 'projects': ['API']}]}}"
    assert ["API-2"] == told(commits=commits, config=jira)["tickets"]
    assert "NO_TICKET_NAMED" in told()["flags"]
    assert "NO_TICKET_NAMED" not in row["flags"]


def test_what_a_reader_should_know_is_flagged() -> None:
    """Merges, reverts, copies and unsigned commits have flags; so has everything that plain git can only infer."""
    row = told(commits={one: {"signature": "ssh"} for one in "mst"})
    assert ["INTEGRATION_INFERRED", "MERGE_COMMIT", "NO_TICKET_NAMED"] == row["flags"]
    message = f"Revert\n\nThis reverts commit {'a' * 40}.\n(cherry picked from commit {'b' * 40})"
    row = told(commits={"m": {"message": message, "parents": ["b", "t", "s"]}})
    assert {"REVERT", "CHERRY_PICK", "OCTOPUS_MERGE", "UNSIGNED"} <= set(row["flags"])
    assert (["a" * 40], ["b" * 40]) == (row["reverts"], row["cherry_picked_from"])
    assert ("direct_push", None) == (row["integration"], row["pull_request"])
    assert row["integration_basis"].startswith("inferred")


def test_a_hostile_number_does_not_stop_the_tables() -> None:
    """A message that names pull request 10^30 claims none."""
    row = told(commits={"m": {"message": f"x (#{10**30})"}})
    assert ("direct_push", None) == (row["integration"], row["pull_request"])


def test_tags_on_its_commits_are_its_releases() -> None:
    """A tag on a side commit counts; branches and tags elsewhere do not."""
    tags = {"refs/tags/v2": "m", "refs/tags/v1": "s", "refs/heads/x": "t", "refs/tags/old": "a"}
    assert ["v1", "v2"] == told(tags=tags)["releases"]


def test_evidence_is_every_body_behind_a_change() -> None:
    """Commits, people, trailers and the line that the change stands on."""
    row = told(trailers=[("s", "Reviewed-by", "Bo")])
    names = ("commits", "integrations", "people", "trailers")
    assert [f"sha256:git_{name}" for name in names] == row["evidence"]
