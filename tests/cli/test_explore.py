"""Looking around, keys, the vault and deviations through the front door."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import Run, Workplace

_EXCEPTION = """
id: RET-001
kind: exception
schema: 1
owner: Ann
criteria: [CC7.2]
prepared_by: Ann
reviewed_by: Bo
reviewed_on: 2025-08-02
status: approved
type: retention
applies_to: "loki:prod"
requirement: {field: retention_days, required: 365, actual: 90}
reason: cost
risk: low
approved_by: Bo
approved_on: 2025-08-02
expires_on: 2026-08-01
"""


@pytest.fixture
def deviating(workplace: Workplace, soc2ev: Run) -> Workplace:
    """A workplace whose register holds an expired exception, collected for October 2026."""
    workplace.configure("registers: ./registers\n")
    (workplace.path / "registers").mkdir()
    (workplace.path / "registers" / "exception.yaml").write_text(_EXCEPTION, encoding="utf-8")
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=workplace.path).code
    return workplace


def test_query_runs_one_select(soc2ev: Run, deviating: Workplace) -> None:
    """Rows as a table, JSON or CSV."""
    sql = "select integration, count(*) as n from changes group by all order by n"
    rows = json.loads(soc2ev("query", sql, "--period", "2026-10", "--format", "json", cwd=deviating.path).out)
    assert [{"integration": "direct_push", "n": 1}, {"integration": "pr_merge", "n": 2}] == rows
    assert '"direct_push","1"' in soc2ev("query", sql, "--period", "2026-10", "--format", "csv", cwd=deviating.path).out
    assert "direct_push" in soc2ev("query", sql, "--period", "2026-10", cwd=deviating.path).out


@pytest.mark.parametrize(
    "sql", ["delete from changes", "select 1; select 2", "copy changes to 'x.csv'", "select now()"]
)
def test_query_refuses_anything_else(soc2ev: Run, deviating: Workplace, sql: str) -> None:
    """Exit 2 and nothing written."""
    assert 2 == soc2ev("query", sql, "--period", "2026-10", cwd=deviating.path).code
    assert not (deviating.path / "x.csv").exists()


def test_a_query_cannot_take_the_machine(deviating: Workplace) -> None:
    """Text that no memory holds ends in a message, soon, and not in a dead machine."""
    words = [sys.executable, "-m", "soc2ev", "query", "select repeat('x', 8000000000) as x", "--period", "2026-10"]
    done = subprocess.run(words, cwd=deviating.path, capture_output=True, text=True, check=False, timeout=60)
    assert 2 == done.returncode
    assert "Traceback" not in done.stderr


def test_query_columns_that_others_rely_on(soc2ev: Run, deviating: Workplace) -> None:
    """The contract's columns of `changes` exist."""
    sql = "select item, repository, ref, sha, integration, integrated_at, pull_request, title, url from changes"
    assert 3 == len(json.loads(soc2ev("query", sql, "--period", "2026-10", "--format", "json", cwd=deviating.path).out))


def test_tables_documents_each(soc2ev: Run, tmp_path: Path) -> None:
    """Every table has a sentence and every column a meaning; a misspelt name gets a suggestion."""
    documented = json.loads(soc2ev("tables", "--format", "json", cwd=tmp_path).out)
    assert {"changes", "change_facts", "registers", "git_commits"} <= {table["table"] for table in documented}
    assert all(column["doc"] for table in documented for column in table["columns"])
    assert "pull_request" in soc2ev("tables", "changes", cwd=tmp_path).out
    assert "did you mean 'changes'" in soc2ev("tables", "chnages", cwd=tmp_path).err


def test_controls_are_listed_shown_and_tested(soc2ev: Run, tmp_path: Path) -> None:
    """Without a configuration the shipped controls are meant."""
    listed = json.loads(soc2ev("controls", "list", "--format", "json", cwd=tmp_path).out)
    assert "change-authorised-tested-approved" in {one["id"] for one in listed}
    assert "statement:" in soc2ev("controls", "show", "production-history-kept", cwd=tmp_path).out
    tested = soc2ev("controls", "test", "production-history-kept", cwd=tmp_path)
    assert 0 == tested.code
    assert "3 examples" in tested.out


def test_a_control_of_ones_own_that_is_unsound_is_named(soc2ev: Run, workplace: Workplace, tmp_path: Path) -> None:
    """`controls test` exits 3 when an erased fact turns into met."""
    folder = workplace.path / "controls"
    folder.mkdir()
    shipped = soc2ev("controls", "show", "production-history-kept", cwd=tmp_path).out
    unsound = shipped.replace("production-history-kept", "my-control").replace("sql: kept", "sql: kept is not false")
    (folder / "my-control.yaml").write_text(unsound, encoding="utf-8")
    workplace.configure("controls: [./controls]\n")
    tested = soc2ev("controls", "test", cwd=workplace.path)
    assert 3 == tested.code
    assert "my-control" in tested.out


def test_show_tells_all_about_an_item(soc2ev: Run, deviating: Workplace) -> None:
    """Facts, outcomes with reasons and evidence; the beginning of the id is enough."""
    sha = deviating.git("rev-parse", "main~1")
    shown = soc2ev("show", f"acme/api@{sha[:10]}", "--period", "2026-10", cwd=deviating.path)
    assert 0 == shown.code
    assert "Merge pull request #13" in shown.out
    assert "sha256:" in shown.out
    assert 2 == soc2ev("show", "nothing", "--period", "2026-10", cwd=deviating.path).code


def test_deviations_keep_their_id_and_can_be_waived(soc2ev: Run, deviating: Workplace) -> None:
    """The waiver that is printed, once approved, covers the deviation, which stays listed."""
    listed = json.loads(soc2ev("deviations", "list", "--period", "2026-10", "--format", "json", cwd=deviating.path).out)
    expired = next(one for one in listed["deviations"] if one["control"] == "logging-exceptions-in-force")
    assert "B" == expired["attribute"]
    assert expired["waiver"] is None
    words = (
        "--reason",
        "being renewed",
        "--approver",
        "Cleo",
        "--approved-on",
        "2026-11-01",
        "--expires-on",
        "2027-06-01",
    )
    printed = soc2ev("deviations", "waive", expired["id"], *words, "--period", "2026-10", cwd=deviating.path)
    record = yaml.safe_load(printed.out)
    assert "draft" == record["status"]
    record |= {"status": "approved", "prepared_by": "Ann", "reviewed_by": "Bo", "reviewed_on": "2026-11-02"}
    record = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in record.items()}
    (deviating.path / "registers" / "waiver.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")
    assert 0 == soc2ev("registers", "lint", cwd=deviating.path).code
    soc2ev("collect", "--period", "2026-10", cwd=deviating.path)
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=deviating.path).out)
    finding = next(one for one in document["findings"] if one["control"] == "logging-exceptions-in-force")
    assert "no deviations" == finding["conclusion"]
    assert "deviation" == finding["items"][0]["outcomes"]["B"]["outcome"]
    assert "being renewed" == finding["items"][0]["waiver"]["reason"]


def test_a_corrective_action_gives_a_deviation_its_owner(soc2ev: Run, deviating: Workplace) -> None:
    """The record that `assign` prints is a register that lint accepts, and the list then names the owner."""
    listed = json.loads(soc2ev("deviations", "list", "--period", "2026-10", "--format", "json", cwd=deviating.path).out)
    name = listed["deviations"][0]["id"]
    printed = soc2ev(
        "deviations", "assign", name, "--owner", "Cem", "--due", "2026-12-31", "--period", "2026-10", cwd=deviating.path
    )
    (deviating.path / "registers" / "action.yaml").write_text(printed.out, encoding="utf-8")
    assert "" == soc2ev("registers", "lint", cwd=deviating.path).out
    soc2ev("collect", "--period", "2026-10", cwd=deviating.path)
    listed = json.loads(soc2ev("deviations", "list", "--period", "2026-10", "--format", "json", cwd=deviating.path).out)
    assert "Cem" == next(one for one in listed["deviations"] if one["id"] == name)["owner"]


def test_registers_new_writes_a_starter_once(soc2ev: Run, workplace: Workplace) -> None:
    """A starter is written, and never over an existing file."""
    workplace.configure("registers: ./registers\n")
    assert 0 == soc2ev("registers", "new", "procedures", cwd=workplace.path).code
    assert 2 == soc2ev("registers", "new", "procedures", cwd=workplace.path).code
    assert "procedures" in soc2ev("registers", "list", cwd=workplace.path).out


def test_a_broken_register_is_stored_and_said(soc2ev: Run, workplace: Workplace) -> None:
    """`collect` exits 5, `lint` exits 2, both name the place."""
    workplace.configure("registers: ./registers\n")
    (workplace.path / "registers").mkdir()
    (workplace.path / "registers" / "waiver.yaml").write_text("id: x\nkind: waiver\nshema: 1\n", encoding="utf-8")
    collected = soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 5 == collected.code
    linted = soc2ev("registers", "lint", cwd=workplace.path)
    assert 2 == linted.code
    assert "waiver.yaml:3:1" in linted.out


def test_keys_sign_checkpoints_that_verify(soc2ev: Run, workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SOC2EV_SIGNING_KEY the vault verifies against the public key, and against no other."""
    made = soc2ev("keys", "new", "--name", "acme/prod", "--out", "k.key", cwd=workplace.path)
    assert 0 == made.code
    assert 0o600 == stat.S_IMODE((workplace.path / "k.key").stat().st_mode)
    monkeypatch.setenv("SOC2EV_SIGNING_KEY", (workplace.path / "k.key").read_text(encoding="utf-8"))
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=workplace.path).code
    verified = soc2ev("vault", "verify", "--key", "k.key.vkey", cwd=workplace.path)
    assert 0 == verified.code
    assert "G2" in verified.out
    soc2ev("keys", "new", "--name", "acme/other", "--out", "o.key", cwd=workplace.path)
    assert 6 == soc2ev("vault", "verify", "--key", "o.key.vkey", cwd=workplace.path).code
    assert 2 == soc2ev("keys", "new", "--name", "acme/prod", "--out", "k.key", cwd=workplace.path).code


def test_a_changed_object_is_found(soc2ev: Run, workplace: Workplace) -> None:
    """`vault verify` and `check` both refuse a body that is not what was stored, exit 6."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 0 == soc2ev("vault", "fsck", cwd=workplace.path).code
    victim = max(
        (workplace.path / "evidence" / "objects").rglob("*"),
        key=lambda path: path.stat().st_size if path.is_file() else 0,
    )
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes().replace(b"ann", b"bob"))
    assert 6 == soc2ev("vault", "verify", cwd=workplace.path).code
    assert 6 == soc2ev("check", "--period", "2026-10", cwd=workplace.path).code


def test_the_signing_key_never_shows(soc2ev: Run, workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken key is refused without being echoed."""
    monkeypatch.setenv("SOC2EV_SIGNING_KEY", "PRIVATE+KEY+SENTINEL-4711")
    done = soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 2 == done.code
    assert "SENTINEL" not in done.out + done.err
