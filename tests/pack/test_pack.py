"""Packs through the front door: the same bytes twice, and every change of a byte is found."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from soc2ev import config, period
from soc2ev import pack as packs
from soc2ev.checklist.assessment import assess
from soc2ev.pack import verify as standalone
from soc2ev.pack.reperform import verify_pack
from soc2ev.vault import Signer, Vault, new_key
from tests.conftest import Run, Workplace


@pytest.fixture
def collected(workplace: Workplace, soc2ev: Run) -> Workplace:
    """A workplace with a register and October collected."""
    workplace.configure("registers: ./registers\n")
    (workplace.path / "registers").mkdir()
    assert 0 == soc2ev("registers", "new", "procedures", cwd=workplace.path).code
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=workplace.path).code
    return workplace


@pytest.fixture
def pack(collected: Workplace, soc2ev: Run) -> Path:
    """The pack of October."""
    done = soc2ev("pack", "--period", "2026-10", "--format", "json", cwd=collected.path)
    assert 0 == done.code
    return collected.path / json.loads(done.out)["pack"]


def _write(folder: Path, target: Path, signer: Signer | None = None) -> Path:
    settings = config.load(folder / "soc2ev.yaml")
    vault = Vault.open(folder / "evidence")
    with assess(vault, settings, period.parse("2026-10")) as made:
        return packs.write(made, vault, target, signer).path


def _files(pack: Path) -> list[Path]:
    return sorted(path for path in pack.rglob("*") if path.is_file())


def _reseal(pack: Path) -> None:
    """What an owner of the files can do: make the manifests fit again."""
    for name, root in (("manifest-sha256.txt", "data"), ("tagmanifest-sha256.txt", "")):
        lines = []
        for path in _files(pack / root if root else pack):
            relative = path.relative_to(pack).as_posix()
            tag = not relative.startswith("data/") and relative not in ("tagmanifest-sha256.txt", "pack.note")
            if root or tag:
                lines.append((relative, hashlib.sha256(path.read_bytes()).hexdigest()))
        (pack / name).write_text("".join(f"{digest}  {path}\n" for path, digest in sorted(lines)), encoding="utf-8")


def test_a_pack_holds_what_was_promised(pack: Path) -> None:
    """Page, index, one workbook with CSV and JSON per control, raw evidence, results, inputs, journal."""
    assert "example-co-soc2-2026-10" == pack.name
    data = pack / "data"
    assert (data / "00_START-HERE.html").is_file()
    assert (data / "00_Index.xlsx").is_file()
    for ending in ("xlsx", "csv", "json"):
        name = f"CC8.1_change-authorised-tested-approved_2026-10.{ending}"
        assert (data / "03_Change-Management" / name).is_file()
    assert list((data / "03_Change-Management" / "raw").glob("git-acme-api-main-commits_*.txt"))
    assert (data / "99_Integrity" / "results" / "findings.json").is_file()
    assert (data / "99_Integrity" / "vault" / "format").is_file()
    assert (data / "99_Integrity" / "inputs" / "soc2ev.yaml").is_file()
    assert all(len(str(path.relative_to(pack))) <= 160 for path in _files(pack))
    assert all(path.relative_to(pack).as_posix().isascii() for path in _files(pack))


def test_an_independent_reader_accepts_the_bag(pack: Path) -> None:
    """The bagit package finds a valid bag of version 1.0."""
    bag = bagit.Bag(str(pack))
    assert bag.is_valid()
    assert (1, 0) == bag.version_info


def test_rendered_twice_it_is_the_same(collected: Workplace, tmp_path: Path) -> None:
    """Two renderings differ in no byte."""
    first, second = _write(collected.path, tmp_path / "a" / "p"), _write(collected.path, tmp_path / "b" / "p")
    assert [path.relative_to(first) for path in _files(first)] == [path.relative_to(second) for path in _files(second)]
    for path in _files(first):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path.name


def test_it_verifies_and_reproduces_its_findings(soc2ev: Run, pack: Path, tmp_path: Path) -> None:
    """`soc2ev verify` needs the pack alone, and says that nobody's signature was trusted."""
    moved = shutil.move(pack, tmp_path / "elsewhere")
    done = soc2ev("verify", str(moved), "--format", "json", cwd=tmp_path)
    found = json.loads(done.out)
    assert 0 == done.code
    assert found["ok"]
    assert found["findings_reproduced"]
    assert found["rendered_identically"]
    assert "unauthenticated" in found["grade"]
    assert [] == found["problems"]


def test_a_zip_of_it_verifies_too(soc2ev: Run, pack: Path, tmp_path: Path) -> None:
    """The archive is read within bounds and judged again."""
    archive = shutil.make_archive(str(tmp_path / "pack"), "zip", pack.parent, pack.name)
    assert 0 == soc2ev("verify", archive, cwd=tmp_path).code


def test_the_script_inside_needs_nothing_but_python(pack: Path) -> None:
    """`python verify.py .` in an isolated interpreter gives 0, and 6 after a change."""
    words = [sys.executable, "-I", "-S", "verify.py", "."]
    assert 0 == subprocess.run(words, cwd=pack, capture_output=True, check=False).returncode
    (pack / "data" / "00_START-HERE.html").write_text("all is well", encoding="utf-8")
    done = subprocess.run(words, cwd=pack, capture_output=True, check=False)
    assert 6 == done.returncode
    assert b"00_START-HERE.html: changed" in done.stdout


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize("harm", [_flip, _truncate, _append, Path.unlink], ids=["flip", "truncate", "append", "delete"])
def test_no_file_can_be_harmed(pack: Path, harm: Callable[[Path], None]) -> None:
    """A flipped bit, a missing byte, an added byte or a missing file is found, for every file of the pack."""
    for path in _files(pack):
        whole = path.read_bytes()
        if whole:
            harm(path)
            assert not standalone.check(pack, [])["ok"], path.relative_to(pack)
            path.write_bytes(whole)
    assert standalone.check(pack, [])["ok"]


def test_swapped_and_added_files_are_found(pack: Path) -> None:
    """Two files with each other's content, and a file too many."""
    first, second = sorted((pack / "data" / "03_Change-Management" / "raw").glob("*"))[:2]
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert not standalone.check(pack, [])["ok"]
    first.write_bytes(one)
    second.write_bytes(two)
    (pack / "data" / "extra.txt").write_text("x", encoding="utf-8")
    assert not standalone.check(pack, [])["ok"]


def test_a_link_in_a_pack_is_refused(pack: Path) -> None:
    """A pack holds regular files only."""
    (pack / "data" / "link").symlink_to("/etc/hostname")
    assert not standalone.check(pack, [])["ok"]


@pytest.mark.parametrize("name", ["findings.json", "checklist.json"])
def test_resealed_results_are_not_reproduced(pack: Path, name: str) -> None:
    """Who edits a result and makes all manifests fit is found by judging again."""
    path = pack / "data" / "99_Integrity" / "results" / name
    path.write_text(
        path.read_text(encoding="utf-8").replace("not tested", "met").replace("not known", "yes"), encoding="utf-8"
    )
    _reseal(pack)
    assert standalone.check(pack, [])["ok"]
    found = verify_pack(pack)
    assert not found.ok
    assert not found.findings_reproduced


def test_a_resealed_workbook_is_not_rendered_again(pack: Path) -> None:
    """A rendition that the evidence does not give is found, though all hashes fit."""
    sheets = (pack / "data" / "03_Change-Management").glob("*.csv")
    path = next(one for one in sheets if b"not tested" in one.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"not tested", b"met"))
    _reseal(pack)
    found = verify_pack(pack)
    assert not found.ok
    assert found.findings_reproduced
    assert not found.rendered_identically


def test_resealed_raw_evidence_does_not_fit_the_journal(pack: Path) -> None:
    """A raw body that was edited stands in no line of the journal."""
    bodies = (pack / "data" / "03_Change-Management" / "raw").glob("git-acme-api-main-commits_*.txt")
    path = next(one for one in bodies if b"API-2" in one.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"API-2", b"API-7"))
    _reseal(pack)
    assert any("stands in no line" in problem for problem in standalone.check(pack, [])["problems"])


def test_a_resealed_journal_breaks_its_chain(pack: Path) -> None:
    """An edited line of the journal does not fit the line after it, nor the checkpoint."""
    path = next((pack / "data" / "99_Integrity" / "vault" / "journal").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"complete":true', b'"complete":null', 1))
    _reseal(pack)
    problems = standalone.check(pack, [])["problems"]
    assert any("does not follow" in problem or "root" in problem for problem in problems)


def test_raw_evidence_left_out_is_found(pack: Path) -> None:
    """A pack without one of its bodies cannot be judged again."""
    next((pack / "data" / "03_Change-Management" / "raw").glob("git-acme-api-main-integrations_*.txt")).unlink()
    _reseal(pack)
    assert not verify_pack(pack).ok


class TestSigned:
    """Packs signed with a key that the reader was given by another way."""

    @pytest.fixture
    def keys(self) -> tuple[str, str]:
        return new_key("acme/prod")

    @pytest.fixture
    def signed(self, collected: Workplace, soc2ev: Run, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("SOC2EV_SIGNING_KEY", keys[0])
        soc2ev("collect", "--period", "2026-10", cwd=collected.path)
        monkeypatch.setenv("SOC2EV_SIGNING_KEY", keys[0])
        return _write(collected.path, collected.path / "packs" / "signed", Signer.parse(keys[0]))

    def test_it_verifies_with_the_right_key(self, signed: Path, keys: tuple[str, str]) -> None:
        """Both verifiers give grade G2 and name the key."""
        assert standalone.check(signed, [keys[1]])["ok"]
        found = verify_pack(signed, [keys[1]])
        assert found.ok, found.problems
        assert found.grade.startswith("G2")
        assert ("acme/prod",) == found.signed_by

    def test_another_key_does_not_do(self, signed: Path) -> None:
        """A key that did not sign is a problem, also one of the same name."""
        for name in ("acme/other", "acme/prod"):
            assert not standalone.check(signed, [new_key(name)[1]])["ok"]

    def test_without_a_key_it_is_unauthenticated(self, signed: Path) -> None:
        """A signature that nobody pinned gives no better grade."""
        assert verify_pack(signed).grade.startswith("G1")

    def test_attacker_reseals_with_own_key(self, signed: Path, keys: tuple[str, str]) -> None:
        """A forged pack, signed by its forger, is refused by who pinned the owner's key."""
        page = signed / "data" / "00_START-HERE.html"
        page.write_text("all is well", encoding="utf-8")
        _reseal(signed)
        forger = Signer.parse(new_key("acme/prod")[0])
        tags = hashlib.sha256((signed / "tagmanifest-sha256.txt").read_bytes()).hexdigest()
        root = (signed / "pack.note").read_text(encoding="utf-8").splitlines()[2]
        text = standalone.statement(tags, root)
        (signed / "pack.note").write_text(f"{text}\n{forger.sign(text)}", encoding="utf-8")
        assert not standalone.check(signed, [keys[1]])["ok"]

    def test_a_removed_signature_is_noticed(self, signed: Path) -> None:
        """The bag says that it was signed, so a note that is gone is missing."""
        (signed / "pack.note").unlink()
        assert not standalone.check(signed, [])["ok"]

    def test_a_broken_signature_is_noticed_without_a_key(self, signed: Path) -> None:
        """The key in the pack is only claimed, but its signature has to hold."""
        for path in (signed / "pack.note",):
            body = bytearray(path.read_bytes())
            body[-6] ^= 1
            path.write_bytes(body)
        assert not standalone.check(signed, [])["ok"]


def test_a_pack_with_a_control_of_ones_own_verifies(soc2ev: Run, collected: Workplace) -> None:
    """A user's control travels in the pack, and the pack renders the same from there."""
    folder = collected.path / "controls"
    folder.mkdir()
    shipped = soc2ev("controls", "show", "production-history-kept", cwd=collected.path).out
    own = shipped.replace("id: production-history-kept", "id: history-of-ours")
    (folder / "history-of-ours.yaml").write_text(own, encoding="utf-8")
    collected.configure("registers: ./registers\ncontrols: [builtin, ./controls]\n")
    done = soc2ev("pack", "--period", "2026-10", "--format", "json", cwd=collected.path)
    found = verify_pack(collected.path / json.loads(done.out)["pack"])
    assert found.ok, found.problems
    assert found.rendered_identically


def test_another_version_is_named_in_the_grade(pack: Path) -> None:
    """Who writes another version into a pack, so that pages are not rendered again, gets no clean grade."""
    (pack / "data" / "00_START-HERE.html").write_text("ALL GREEN", encoding="utf-8")
    about = pack / "data" / "99_Integrity" / "pack.json"
    about.write_text(about.read_text(encoding="utf-8").replace(packs.TOOL, "soc2ev 9.9.9"), encoding="utf-8")
    _reseal(pack)
    found = verify_pack(pack)
    assert found.findings_reproduced
    assert found.rendered_identically is None
    assert "not compared" in found.grade


def test_a_pack_with_copies_of_the_shipped_controls_verifies(soc2ev: Run, collected: Workplace) -> None:
    """Copied controls are the shipped ones, here and in the pack."""
    folder = collected.path / "controls"
    folder.mkdir()
    for name in ("production-history-kept", "change-evidence-kept"):
        text = soc2ev("controls", "show", name, cwd=collected.path).out
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    collected.configure("registers: ./registers\ncontrols: [./controls]\n")
    done = soc2ev("pack", "--period", "2026-10", "--format", "json", cwd=collected.path)
    found = verify_pack(collected.path / json.loads(done.out)["pack"])
    assert found.ok, found.problems


def test_an_untouched_pack_is_replaced_and_an_edited_one_is_kept(soc2ev: Run, collected: Workplace, pack: Path) -> None:
    """Somebody's entries in a pack are never overwritten."""
    soc2ev("pack", "--period", "2026-10", cwd=collected.path)
    assert [pack.name] == sorted(path.name for path in pack.parent.iterdir())
    (pack / "data" / "00_Index.xlsx").write_bytes(b"edited")
    soc2ev("pack", "--period", "2026-10", cwd=collected.path)
    assert [pack.name, f"{pack.name}.edited-1"] == sorted(path.name for path in pack.parent.iterdir())
    assert b"edited" == (pack.parent / f"{pack.name}.edited-1" / "data" / "00_Index.xlsx").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 100])
def test_what_is_no_pack_ends_in_exit_6(soc2ev: Run, tmp_path: Path, content: bytes) -> None:
    """A broken archive or an empty folder does not verify, and does not crash."""
    (tmp_path / "x.zip").write_bytes(content)
    (tmp_path / "empty").mkdir()
    assert 6 == soc2ev("verify", str(tmp_path / "x.zip"), cwd=tmp_path).code
    assert 6 == soc2ev("verify", str(tmp_path / "empty"), cwd=tmp_path).code
    missing = soc2ev("verify", str(tmp_path / "nowhere"), cwd=tmp_path)
    assert 1 == missing.code
    assert "no pack" in missing.err


def test_a_zip_that_would_leave_its_folder_writes_nothing(soc2ev: Run, pack: Path, tmp_path: Path) -> None:
    """Member names with `..` are refused."""
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        for path in _files(pack):
            archive.write(path, f"{pack.name}/{path.relative_to(pack).as_posix()}")
        archive.writestr(f"{pack.name}/../../escaped.txt", "x")
    assert 6 == soc2ev("verify", str(evil), cwd=tmp_path).code
    assert not list(tmp_path.rglob("escaped.txt"))


def test_a_pack_of_a_wider_vault_leaves_other_months_out(soc2ev: Run, collected: Workplace) -> None:
    """Bodies of other months are not handed over; the journal's lines are, so that the tree can be checked."""
    soc2ev("collect", "--period", "2026-11", cwd=collected.path)
    pack = _write(collected.path, collected.path / "packs" / "october")
    commits = [path.read_bytes() for path in (pack / "data").rglob("raw/git-acme-api-main-commits_*")]
    assert any(b"API-2" in body for body in commits)
    assert not any(b"API-4: november" in body for body in commits)
    assert verify_pack(pack).ok
