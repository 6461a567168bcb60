"""Verification and proofs: nothing changed goes unnoticed, and a second implementation agrees."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest
from ledger_checks import Clock, check_proof, event, leaf, stored_lines, tree_hash

from soc2ev.errors import ConfigError, Soc2evError
from soc2ev.ledger import Ledger
from soc2ev.vault import Signer, VerifierKey, new_key

EVIDENCE = ("format", "journal", "checkpoints", "keys", "tree")


@pytest.fixture(scope="module")
def small(tmp_path_factory, signer) -> Path:
    """Five signed events over the turn of a month, with two checkpoints and the tree on the disk."""
    path, clock = tmp_path_factory.mktemp("small") / "audit", Clock()
    for number in range(2):
        with Ledger.open(path, signer=signer, now=clock) as ledger:
            ledger.append_all([event(number * 3 + one) for one in range(3 - number)])
            ledger.log.flush()
        clock.at = clock.at.replace(month=11, day=2)
    return path


def broken(path: Path, key: VerifierKey) -> bool:
    """Whether verification says no, in one of its two ways."""
    try:
        return not Ledger.open(path).verify([key]).ok
    except Soc2evError:
        return True


def test_every_changed_byte_is_found(small, keys, tmp_path):
    """Each byte of every file but the caches, changed in one bit: never accepted."""
    key, path = VerifierKey.parse(keys[1]), tmp_path / "copy"
    shutil.copytree(small, path)
    assert not broken(path, key)
    missed, tried = [], 0
    for file in sorted(one for name in EVIDENCE for one in [path / name, *(path / name).glob("*")] if one.is_file()):
        whole = file.read_bytes()
        for at in range(0, len(whole), 1):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
            tried += 1
            if not broken(path, key):
                missed.append((file.name, at))
        file.write_bytes(whole)
    assert [] == missed
    assert tried > 2500


def test_every_truncation_is_found(small, keys, tmp_path):
    """Every evidence file at every shorter length: never accepted, but for the tree, which can be made again."""
    key, path = VerifierKey.parse(keys[1]), tmp_path / "copy"
    shutil.copytree(small, path)
    files = [one for name in EVIDENCE[:-1] for one in [path / name, *(path / name).glob("*")] if one.is_file()]
    for file in files:
        whole = file.read_bytes()
        for size in range(0, len(whole), 3):
            if whole[:size].endswith(b"=\n") and file == min((path / "checkpoints").iterdir()):
                continue  # an older checkpoint without its signature is one that was made without a key
            file.write_bytes(whole[:size])
            assert broken(path, key), (file.name, size)
        file.write_bytes(whole)
    assert not broken(path, key)


def test_lines_cannot_be_moved(small, keys, tmp_path):
    """Deleting, swapping and repeating whole lines is found, without any key."""
    segment = min((small / "journal").iterdir()).name
    whole = (small / "journal" / segment).read_bytes().splitlines(keepends=True)
    for number, lines in enumerate((whole[1:], whole[:-1], [whole[1], whole[0], whole[2]], [*whole, whole[-1]])):
        path = tmp_path / str(number)
        shutil.copytree(small, path)
        (path / "journal" / segment).write_bytes(b"".join(lines))
        assert not Ledger.open(path).verify().ok


def test_a_rewritten_log_needs_the_key(tmp_path, keys, signer):
    """A log that its owner wrote anew is consistent; the pinned key, or a checkpoint kept elsewhere, tells."""
    path = tmp_path / "audit"
    with Ledger.open(path, signer=signer, now=Clock()) as ledger:
        ledger.append_all([event(1), event(2)])
    kept, name = ledger.latest().data(), (path / "format").read_bytes()
    shutil.rmtree(path)
    path.mkdir()
    (path / "format").write_bytes(name)
    other, _ = new_key("acme/ledger")
    with Ledger.open(path, signer=Signer.parse(other), now=Clock()) as ledger:
        ledger.append_all([event(1), event(3), event(4)])
    assert ("G1", True) == (ledger.verify().grade[:2], ledger.verify().ok)
    assert not ledger.verify([VerifierKey.parse(keys[1])]).ok
    found = ledger.verify(pinned=kept)
    assert "the checkpoint kept elsewhere: rewritten" in " ".join(found.problems)


def test_the_grade_says_what_was_pinned(small, keys):
    """No key: unauthenticated. A key: signed. A checkpoint kept elsewhere too: anchored."""
    key, ledger = VerifierKey.parse(keys[1]), Ledger.open(small)
    first = min((small / "checkpoints").iterdir()).read_bytes()
    found = [ledger.verify(), ledger.verify([key]), ledger.verify([key], pinned=first)]
    assert ["G1", "G2", "G3"] == [one.grade[:2] for one in found]
    assert [(True, 5, 5)] * 3 == [(one.ok, one.lines, one.covered) for one in found]
    assert tree_hash([leaf(raw) for raw in stored_lines(small)]).hex() == found[0].root


def test_a_log_cut_back_to_an_older_checkpoint_is_told_by_a_newer_one(small, keys, tmp_path):
    """Rollback: consistent by itself; the checkpoint that somebody kept says that lines are missing."""
    path = tmp_path / "copy"
    shutil.copytree(small, path)
    newest = max((path / "checkpoints").iterdir())
    kept = newest.read_bytes()
    newest.unlink()
    max((path / "journal").iterdir()).unlink()
    for cache in ("index.sqlite", "tree"):
        (path / cache).unlink()
    assert Ledger.open(path).verify([VerifierKey.parse(keys[1])]).ok
    found = Ledger.open(path).verify([VerifierKey.parse(keys[1])], pinned=kept)
    assert "truncated, it covers 5 lines and the log has 3" in " ".join(found.problems)


def test_proofs_hold_for_every_event_at_every_size(tmp_path, keys, signer):
    """For logs of 1 to 40 events, each event's proof convinces a checker that shares no code with us, and no other."""
    path = tmp_path / "audit"
    with Ledger.open(path, signer=signer) as ledger:
        for size in range(1, 41):
            ledger.append(event(size))
            ledger.checkpoint()
            if size % 7 == 0:
                ledger.log.flush()
            lines = stored_lines(path)
            for seq in range(size):
                text = ledger.prove(seq).text()
                assert check_proof(text, lines[seq], ledger.origin, keys[1])
                assert not check_proof(text, lines[seq] + b" ", ledger.origin, keys[1])


def test_a_proof_may_carry_its_event(tmp_path):
    """With the event, the stored line is the extra data, and the leaf is that of the receipt."""
    with Ledger.open(tmp_path / "audit") as ledger:
        receipts = ledger.append_all([event(number) for number in range(9)])
        proof = ledger.prove(4, with_event=True)
    assert receipts[4].leaf == proof.leaf.hex()
    assert base64.b64encode(stored_lines(ledger.path)[4]).decode() in proof.text()
    assert check_proof(proof.text(), stored_lines(ledger.path)[4], ledger.origin)


def test_what_is_not_there_cannot_be_proved(ledger):
    """A number beyond the log is an error of the caller."""
    with ledger:
        ledger.append(event(1))
        with pytest.raises(ConfigError, match="there is no event 1"):
            ledger.prove(1)


def test_a_false_tree_gives_no_false_proof(tmp_path):
    """Whoever edits the file of hashes gets an error instead of a proof."""
    with Ledger.open(tmp_path / "audit") as ledger:
        ledger.append_all([event(number) for number in range(600)])
    tree = tmp_path / "audit" / "tree"
    whole = bytearray(tree.read_bytes())
    whole[7] ^= 1
    tree.write_bytes(bytes(whole))
    with pytest.raises(Soc2evError, match="does not lead to the root"):
        Ledger.open(tmp_path / "audit").prove(0)
    assert "the file tree holds other hashes" in " ".join(Ledger.open(tmp_path / "audit").verify().problems)


def test_foreign_files_are_told(small, tmp_path):
    """What we would not have made, where lines and keys lie, is a problem; elsewhere it is worth a word."""
    path = tmp_path / "copy"
    shutil.copytree(small, path)
    (path / "notes.txt").write_text("mine")
    assert "notes.txt: not a part of the ledger" in Ledger.open(path).verify().notes
    assert Ledger.open(path).verify().ok
    (path / "journal" / "2026-12.jsonl.bak").write_text("mine")
    assert not Ledger.open(path).verify().ok
