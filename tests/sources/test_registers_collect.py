"""Collecting the registers folder: bytes first, then coverage that tells everything that is wrong."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from soc2ev import config
from soc2ev.fetch import Fetch
from soc2ev.period import parse
from soc2ev.sources import registers
from soc2ev.sources.registers import attachments
from soc2ev.vault import writer

PERIOD = parse("2026-10", "UTC")
HEADER = "schema: 1\nowner: o\nprepared_by: a\nreviewed_by: b\nreviewed_on: 2026-11-01\nstatus: approved\n"
PEOPLE = f"id: people\nkind: people\n{HEADER}people: [{{name: Ann}}]\n"


class Team:
    """A folder with soc2ev.yaml and registers, and what a collection of it stored and stated."""

    def __init__(self, folder):
        self.root = folder / "company"
        self.registers = self.root / "registers"
        self.registers.mkdir(parents=True)
        self.vault = folder / "vault"
        self.text = "version: 1\norganisation: Example Co\nregisters: ./registers\n"

    def write(self, name, text, *, root=False):
        file = (self.root if root else self.registers) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def collect(self):
        """Coverage by stream, items by stream, rows by table."""
        settings = config.load(self.write("soc2ev.yaml", self.text, root=True))
        now = lambda: datetime(2026, 11, 2, tzinfo=UTC)  # noqa: E731
        coverage, self.said = {}, []
        with writer(self.vault, origin="soc2ev/example/evidence", now=now, tool="soc2ev test") as vault:
            fetch = Fetch(vault, say=self.said.append, environment=dict(os.environ))
            for one in registers.collect(fetch, settings, PERIOD):
                coverage[one.stream] = fetch.state(one)
            self.items = list(vault.items(run=vault.run))
            self.bodies = {item.digest: vault.read(item.digest) for item in self.items}
        return coverage

    def rows(self, table):
        streams = {f"registers:{stream.name}": stream for stream in registers.STREAMS}
        return [
            dict(row)
            for item in self.items
            for name, row in streams[item.stream].rows(item, self.bodies[item.digest])
            if name == table
        ]


@pytest.fixture
def team(tmp_path):
    return Team(tmp_path)


def test_registers_are_stored_as_they_are(team):
    """Each register is stored byte for byte, in sorted order, whatever its folder, and the coverage counts them."""
    texts = {"b.yml": PEOPLE.replace("id: people", "id: other"), "a/x.YAML": PEOPLE}
    for name, text in texts.items():
        team.write(name, text)
    coverage = team.collect()["registers:files"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (True, 2, 2)
    stored = {item.request["path"]: team.bodies[item.digest] for item in team.items}
    assert list(stored) == ["a/x.YAML", "b.yml"]
    assert stored == {name: text.encode() for name, text in texts.items()}
    assert [row["file"] for row in team.rows("registers")] == ["a/x.YAML", "b.yml"]


def test_hidden_files_and_other_files_are_no_registers(team):
    """Hidden files and folders and files with another ending are neither stored nor missed."""
    for name in (".hidden.yaml", ".folder/x.yaml", "notes.md", "sub/.x/y.yaml"):
        team.write(name, "not: a register")
    coverage = team.collect()["registers:files"]
    assert (coverage.complete, coverage.expected, team.items) == (True, 0, [])


def test_a_wrong_register_is_stored_and_makes_the_coverage_incomplete(team):
    """A file that does not validate is kept, told with its line, and visible as a row with its problem."""
    team.write("people.yaml", PEOPLE)
    team.write("wrong.yaml", PEOPLE.replace("id: people", "id: wrong").replace("owner", "ownr"))
    coverage = team.collect()
    files = coverage["registers:files"]
    assert (files.complete, files.expected, files.fetched) == (False, 2, 2)
    assert "registers/wrong.yaml:4:1: ownr: unknown key; did you mean 'owner'?" in files.reason
    assert {row["record"]: bool(row["problem"]) for row in team.rows("registers")} == {
        "people": False,
        "wrong": True,
    }
    attachments = coverage["registers:attachments"]
    assert (attachments.complete, attachments.expected) == (False, None)
    assert "1 registers cannot be used" in attachments.reason


def test_more_than_ten_complaints_are_counted(team):
    """The reason names ten complaints and says how many more there are."""
    for at in range(13):
        team.write(f"{at:02}.yaml", "no register")
    reason = team.collect()["registers:files"].reason
    assert reason.count("a register is a mapping") == 10
    assert reason.endswith("; and 3 more")


def test_an_id_in_two_files_makes_the_coverage_incomplete(team):
    """Two records with one id cannot be told apart, so neither can be relied on."""
    team.write("a.yaml", PEOPLE)
    team.write("b.yaml", PEOPLE)
    assert team.collect()["registers:files"].reason == (
        "registers/b.yaml: id people already stands in registers/a.yaml"
    )


def test_links_and_pipes_are_refused_and_told(team):
    """A register behind a symbolic link, a linked folder or a pipe is not read, and its absence is told."""
    outside = team.write("outside.yaml", PEOPLE, root=True)
    (team.registers / "link.yaml").symlink_to(outside)
    (team.registers / "folder").symlink_to(team.root)
    (team.registers / "dangling.yml").symlink_to("nowhere")
    (team.registers / "note.md").symlink_to(outside)
    os.mkfifo(team.registers / "pipe.yaml")
    coverage = team.collect()["registers:files"]
    assert (coverage.expected, coverage.fetched, coverage.complete) == (4, 0, False)
    assert coverage.reason.count("a symbolic link is not followed") == 3
    assert "registers/pipe.yaml: no regular file" in coverage.reason
    assert [item for item in team.items if item.stream == "registers:files"] == []


def test_a_name_that_cannot_be_shown_is_told(team):
    """A register whose name is no printable UTF-8 is not stored under another name, and its absence is told."""
    team.write(os.fsdecode(b"\xff\x1b.yaml"), PEOPLE)
    coverage = team.collect()["registers:files"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 1, 0)
    assert coverage.reason.isprintable()


def test_a_register_that_cannot_be_stored_is_missing(team):
    """A file beyond the size that can be stored leaves the coverage one short."""
    with team.write("huge.yaml", "").open("r+b") as file:
        file.truncate(65 * 1024 * 1024)
    coverage = team.collect()["registers:files"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 1, 0)
    assert "registers/huge.yaml: not stored" in coverage.reason


def test_attached_documents_are_stored_and_linked(team):
    """Each document that a record names is stored, and a row links it with its digest and size."""
    team.write("docs/change.md", "# How we change\n", root=True)
    team.write("proof.txt", "proof")
    procedures = "procedures: [{key: k, title: t, document: ../docs/change.md}]\nevidence: [proof.txt]\n"
    team.write("procedures.yaml", f"id: p\nkind: procedures\n{HEADER}{procedures}")
    coverage = team.collect()["registers:attachments"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (True, 2, 2)
    found = {row["path"]: row for row in team.rows("register_attachments")}
    assert team.bodies[found["../docs/change.md"]["digest"]] == b"# How we change\n"
    assert found["proof.txt"] == {
        "file": "procedures.yaml",
        "record": "p",
        "path": "proof.txt",
        "digest": found["proof.txt"]["digest"],
        "size": 5,
        "found": True,
    }
    (row,) = team.rows("register_procedures")
    assert row["document"] == "../docs/change.md"
    assert type(row["document"]) is str


def test_a_missing_document_is_a_row_and_makes_the_coverage_incomplete(team):
    """A document that is not there is told, counted as missing, and a row says that it was not found."""
    team.write("people.yaml", PEOPLE + "evidence: [gone.pdf]\n")
    coverage = team.collect()["registers:attachments"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 1, 0)
    assert coverage.reason == "registers/people.yaml: document 'gone.pdf': no such file"
    (row,) = team.rows("register_attachments")
    assert (row["found"], row["digest"], row["size"]) == (False, None, None)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../../secret.txt", "it lies outside the folder of soc2ev.yaml"),
        ("../../company2/x.txt", "it lies outside the folder of soc2ev.yaml"),
        ("../.env", "hidden files are never attached"),
        ("../.git/config", "hidden files are never attached"),
        ("link.txt", "a symbolic link is not followed"),
        ("linked/secret.txt", "a symbolic link is not followed"),
        ("../docs", "no regular file"),
        ("pipe", "no regular file"),
    ],
)
def test_documents_that_nobody_may_attach(team, path, why):
    """No register reaches a file outside, behind a link or hidden: it could put a secret into the vault."""
    secret = team.write("../secret.txt", "s3cret", root=True)
    for name in ("../company2/x.txt", ".env", ".git/config", "docs/x"):
        team.write(name, "s3cret", root=True)
    (team.registers / "link.txt").symlink_to(secret)
    (team.registers / "linked").symlink_to(secret.parent)
    os.mkfifo(team.registers / "pipe")
    team.write("people.yaml", PEOPLE + f"evidence: [{path}]\n")
    coverage = team.collect()["registers:attachments"]
    assert coverage.reason == f"registers/people.yaml: document {path!r}: {why}"
    assert [body for body in team.bodies.values() if b"s3cret" in body] == []


def test_a_workflow_may_be_attached(team):
    """Of hidden folders only those of code hosts may hold attached documents."""
    team.write(".github/workflows/ci.yml", "on: push\n", root=True)
    team.write("people.yaml", PEOPLE + "evidence: [../.github/workflows/ci.yml]\n")
    assert team.collect()["registers:attachments"].complete


def test_many_records_that_share_a_document(team):
    """A document that hundreds of records name is linked to every one of them."""
    team.write("proof.txt", "proof")
    one = "{id: W%d, control: c, items: [x], reason: r, approver: c, approved_on: 2026-01-01, expires_on: 2026-06-01}"
    records = ", ".join(one % at for at in range(450))
    team.write("w.yaml", f"id: w\nkind: waiver\n{HEADER}evidence: [proof.txt]\nrecords: [{records}]\n")
    assert team.collect()["registers:attachments"].complete
    rows = team.rows("register_attachments")
    assert [row["record"] for row in rows] == [f"W{at}" for at in range(450)]
    assert len(team.rows("waivers")) == 450


def test_no_registers_by_configuration(team):
    """`registers: null` says that there are none: nothing is collected and nothing claimed."""
    team.text = "version: 1\norganisation: Example Co\nregisters: null\n"
    assert team.collect() == {}


def test_a_folder_that_was_asked_for_and_is_not_there(team):
    """A folder that the configuration names and that is missing makes every stream incomplete."""
    team.registers.rmdir()
    coverage = team.collect()
    assert [one.complete for one in coverage.values()] == [False, False, False]
    assert "there is no folder registers" in coverage["registers:files"].reason


def test_the_folder_of_the_default_may_be_absent(team):
    """Nobody asked for the default folder: without it there are no registers, and that is said."""
    team.registers.rmdir()
    team.text = "version: 1\norganisation: Example Co\n"
    coverage = team.collect()
    assert [(one.complete, one.details["folder"]) for one in coverage.values()] == [(True, "absent")] * 3


def test_rows_are_read_from_stored_bytes_only(team):
    """The tables come from the vault: they are the same after the folder has gone."""
    file = team.write("people.yaml", PEOPLE)
    team.collect()
    before = team.rows("people")
    file.unlink()
    assert [row["person"] for row in before] == ["Ann"]
    assert team.rows("people") == before


def test_a_document_that_cannot_be_stored_is_missing(team):
    """A document beyond the size that can be stored counts as not found, with the reason."""
    with team.write("huge.pdf", "").open("r+b") as file:
        file.truncate(65 * 1024 * 1024)
    team.write("people.yaml", PEOPLE + "evidence: [huge.pdf]\n")
    coverage = team.collect()["registers:attachments"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 1, 0)
    assert [row["found"] for row in team.rows("register_attachments")] == [False]


def test_a_failing_git_leaves_the_other_streams(team):
    """A repository that git cannot read makes the history incomplete and nothing else."""
    team.write("people.yaml", PEOPLE)
    team.write(".git", "gitdir: /nowhere\n", root=True)
    coverage = team.collect()
    assert [coverage[f"registers:{one}"].complete for one in ("files", "attachments", "history")] == [
        True,
        True,
        False,
    ]
    assert "not a git repository" in coverage["registers:history"].reason


def test_a_register_that_goes_away_while_it_is_collected(team, monkeypatch):
    """When the register itself has gone before its missing document is recorded, that is told as well."""
    team.write("people.yaml", PEOPLE + "evidence: [gone.pdf]\n")
    found = attachments._named

    def remove(reading):
        (team.registers / "people.yaml").unlink()
        return found(reading)

    monkeypatch.setattr(attachments, "_named", remove)
    coverage = team.collect()["registers:attachments"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (False, 1, 0)
    assert "the register has gone since" in coverage.reason


def test_long_names_do_not_break_the_journal(team):
    """Complaints about very long paths are cut, so that the coverage can always be recorded."""
    deep = "/".join(["d" * 200] * 15)
    for at in range(12):
        team.write(f"{deep}/{at:02}.yaml", PEOPLE)
    coverage = team.collect()["registers:files"]
    assert (coverage.complete, coverage.fetched) == (False, 12)
    assert len(coverage.reason) < 10_000


def test_a_document_named_twice_is_one_row(team):
    """A record that names a document twice has one row for it, so that the table's key holds."""
    team.write("proof.txt", "proof")
    team.write("people.yaml", PEOPLE + "evidence: [proof.txt, proof.txt]\n")
    coverage = team.collect()["registers:attachments"]
    assert (coverage.complete, coverage.expected, coverage.fetched) == (True, 1, 1)
    assert [row["record"] for row in team.rows("register_attachments")] == ["people"]
