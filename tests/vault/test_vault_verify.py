"""Everything that can be done to a vault behind its back, and the verdict on it."""

import shutil
from datetime import timedelta

import pytest
from vault_fixtures import ORIGIN, fill

from soc2ev.errors import Soc2evError
from soc2ev.vault import Signer, Vault, VerifierKey, new_key, writer
from soc2ev.vault.journal import decode, encode
from soc2ev.vault.merkle import Frontier, leaf_hash
from soc2ev.vault.note import Checkpoint, sign


def verdict(path, keys=(), **more):
    """The verification, or the error that already opening it gives."""
    return Vault.open(path).verify(keys, **more)


def holds(path, keys=()):
    """Whether somebody who checks this vault would believe it."""
    try:
        return verdict(path, keys).ok
    except Soc2evError:
        return False


def files(path):
    return sorted(file for file in path.rglob("*") if file.is_file())


def overwrite(path, data):
    path.chmod(0o644)
    path.write_bytes(data)


def test_an_untouched_vault_holds(small, keys):
    """Nothing is wrong with what only we wrote: the figures count lines and bodies, the key is named."""
    result = verdict(small, [keys[1]])
    assert (True, (), (), 9, 3, ("acme/ci",)) == (
        result.ok,
        result.problems,
        result.notes,
        result.lines,
        result.objects,
        result.signed_by,
    )


def test_without_a_key_the_grade_says_unauthenticated(small):
    """A vault that vouches for itself never has a better grade than G1, and its key is only a claim."""
    result = verdict(small)
    assert (True, "G1 consistent, unauthenticated", ("acme/ci (claimed)",)) == (
        result.ok,
        result.grade,
        result.signed_by,
    )
    assert "rewritten" in result.does_not_prove


def test_an_unsigned_vault_is_g1_and_says_so(run, tmp_path):
    """Without any signature the note says unsigned, and a wanted key is missing."""
    with run() as vault:
        fill(vault, [b"one"])
    result = verdict(tmp_path / "vault")
    assert (True, "G1 consistent, unauthenticated", ()) == (result.ok, result.grade, result.signed_by)
    assert any("unsigned" in note for note in result.notes)
    wanted = verdict(tmp_path / "vault", [VerifierKey.parse(new_key("acme/ci")[1])])
    assert not wanted.ok
    assert wanted.grade.startswith("G0")


def test_grades_rise_with_key_and_anchor(small, keys):
    """A pinned key makes G2, a checkpoint kept elsewhere makes G3, and only with the key."""
    kept = (small / "checkpoints" / "5.note").read_bytes()
    assert verdict(small, [keys[1]]).grade.startswith("G2")
    assert verdict(small, [keys[1]], pinned=kept).grade.startswith("G3")
    assert verdict(small, pinned=kept).grade.startswith("G1")


@pytest.mark.parametrize("pinned", [b"", b"nonsense", b"other/log\n1\n" + b"A" * 43 + b"=\n"])
def test_an_unusable_pinned_checkpoint_is_a_problem(small, keys, pinned):
    """A pinned checkpoint that cannot be compared never passes for compared."""
    result = verdict(small, [keys[1]], pinned=pinned)
    assert not result.ok
    assert any("kept elsewhere" in problem for problem in result.problems)


def test_every_flipped_bit_is_noticed(small, keys):
    """One bit of every byte of every file."""
    for path in files(small):
        data = path.read_bytes()
        for position in range(len(data)):
            flipped = data[position] ^ 1 << position % 8
            overwrite(path, data[:position] + bytes([flipped]) + data[position + 1 :])
            assert not holds(small, [keys[1]]), (path.name, position)
        overwrite(path, data)
    assert holds(small, [keys[1]])


def test_every_flipped_bit_of_proofs_is_noticed_without_a_key(small):
    """Notes and public keys vouch for one another even when nobody pinned a key."""
    for path in files(small / "checkpoints") + files(small / "keys"):
        data = path.read_bytes()
        for position in range(len(data)):
            overwrite(path, data[:position] + bytes([data[position] ^ 0x01]) + data[position + 1 :])
            assert not holds(small), (path.name, position)
        overwrite(path, data)
    assert holds(small)


def test_every_truncation_is_noticed(small, keys):
    """Any file cut at any of several lengths, and any file gone."""
    for path in files(small):
        data = path.read_bytes()
        for length in {0, 1, len(data) // 3, len(data) // 2, len(data) - 2, len(data) - 1} - {len(data)}:
            overwrite(path, data[: max(length, 0)])
            assert not holds(small, [keys[1]]), (path.name, length)
        path.unlink()
        assert not holds(small, [keys[1]]), path.name
        overwrite_new(path, data)
    assert holds(small, [keys[1]])


def overwrite_new(path, data):
    path.write_bytes(data)


def test_appended_bytes_are_noticed(small, keys):
    """Nothing may stand behind the end of a file."""
    for path in files(small):
        data = path.read_bytes()
        for more in (b"\n", b"\x00", data):
            overwrite(path, data + more)
            assert not holds(small, [keys[1]]), path.name
        overwrite(path, data)


def test_swapped_objects_are_noticed(small, keys):
    """Each body belongs to its name."""
    first, second = files(small / "objects")[:2]
    one, two = first.read_bytes(), second.read_bytes()
    overwrite(first, two)
    overwrite(second, one)
    result = verdict(small, [keys[1]])
    assert 2 == sum("other bytes" in problem for problem in result.problems)


def test_swapped_repeated_and_removed_lines_are_noticed(small, keys):
    """The order of lines is part of what was recorded."""
    path = small / "journal" / "2026-10.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for changed in (
        [lines[0], lines[2], lines[1], *lines[3:]],
        [lines[0], lines[1], lines[1], *lines[2:]],
        [lines[0], *lines[2:]],
        lines[:-1],
    ):
        path.write_bytes(b"".join(changed))
        assert not holds(small, [keys[1]])


def test_a_line_in_the_wrong_month_is_noticed(small, keys):
    """A segment holds the lines of its month; moved lines keep the chain and are found all the same."""
    october, november = small / "journal" / "2026-10.jsonl", small / "journal" / "2026-11.jsonl"
    november.write_bytes(october.read_bytes() + november.read_bytes())
    october.unlink()
    result = verdict(small, [keys[1]])
    assert any("wrong segment" in problem for problem in result.problems)


@pytest.mark.parametrize(
    "name",
    [
        "extra",
        "journal/notes.txt",
        "journal/2026-13.jsonl",
        "checkpoints/latest.note",
        "checkpoints/05.note",
        "checkpoints/\u00b2.note",
        "keys/x.vkey",
        "objects/zz",
        "objects/ab/cdef",
        "tmp/visible",
    ],
)
def test_unknown_files_are_problems(small, keys, name):
    """A file that we would not have made was put there by somebody."""
    (small / name).parent.mkdir(exist_ok=True)
    (small / name).write_bytes(b"")
    result = verdict(small, [keys[1]])
    assert any(name in problem for problem in result.problems)


def test_a_symbolic_link_is_a_problem_and_not_an_error(small, tmp_path, keys):
    """Verification reports links wherever they are and goes on."""
    for name in ("objects", "journal", "checkpoints", "keys", "tmp"):
        shutil.copytree(small, tmp_path / name)
        shutil.move(tmp_path / name / name, tmp_path / name / "moved")
        (tmp_path / name / name).symlink_to(tmp_path / name / "moved")
        assert not verdict(tmp_path / name, [keys[1]]).ok


def test_leftovers_of_an_interrupted_run_are_notes(small, keys, run):
    """A temporary file and an object without a line are harmless, and named."""
    (small / "tmp" / ("0" * 32)).write_bytes(b"half")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (small / "objects" / "ba").mkdir(exist_ok=True)
    (small / "objects" / "ba" / digest).write_bytes(b"abc")
    result = verdict(small, [keys[1]])
    assert result.ok
    assert 2 == sum("interrupted run" in note for note in result.notes)


def test_lines_beyond_the_newest_checkpoint_are_a_problem(small, keys, run):
    """A deleted checkpoint looks like an interruption, is reported as both, and settled by the next run."""
    (small / "checkpoints" / "9.note").unlink()
    result = verdict(small, [keys[1]])
    assert any("4 lines are not covered" in problem for problem in result.problems)
    with run(keys[0]):
        pass
    assert holds(small, [keys[1]])
    recovery = [line.data for line in Vault.open(small).lines() if line.type == "recovery"]
    assert [(None, 4)] == [(data["cut"], data["uncheckpointed"]) for data in recovery]


def test_an_older_checkpoint_cannot_be_taken_away(small, keys):
    """Each run names the checkpoint before it, so that the record of them has no gaps."""
    (small / "checkpoints" / "5.note").unlink()
    result = verdict(small, [keys[1]])
    assert any("checkpoint before this run" in problem for problem in result.problems)


def test_problems_are_listed_and_their_number_is_bounded(run, tmp_path):
    """Verification does not stop at the first problem, and does not drown the reader."""
    with run() as vault:
        fill(vault, [b"%d" % number for number in range(150)])
    for path in files(tmp_path / "vault" / "objects"):
        path.unlink()
    result = verdict(tmp_path / "vault")
    assert 100 == len(result.problems)
    assert "... and 51 more" == result.problems[-1]


def test_a_subset_names_what_has_to_be_here(small, keys):
    """Bodies outside the subset may be absent, bodies in it may not, and it cannot name what nobody recorded."""
    items = list(Vault.open(small).items())
    (small / "objects" / items[0].digest[7:9] / items[0].digest[7:]).unlink()
    assert verdict(small, [keys[1]], subset={item.digest for item in items[1:]}).ok
    assert not verdict(small, [keys[1]], subset={items[0].digest}).ok
    assert not verdict(small, [keys[1]], subset={"sha256:" + "0" * 64}).ok


def test_bodies_may_come_from_elsewhere(small, keys):
    """A pack supplies bodies itself; without a folder of objects the same verification holds."""
    bodies = {item.digest[7:]: Vault.open(small).read(item.digest) for item in Vault.open(small).items()}

    class Elsewhere:
        def read(self, digest):
            return bodies[digest]

        def digests(self):
            return iter(bodies)

    shutil.rmtree(small / "objects")
    vault = Vault.open(small, objects=Elsewhere())
    assert vault.verify([keys[1]]).ok
    assert b"one" == vault.read(next(vault.items()).digest)
    bodies[next(iter(bodies))] = b"other"
    assert not vault.verify([keys[1]]).ok


# Attacks by name


def reseal(path, lines, signer):
    """What an owner of the folder can do: write lines anew with a fresh chain, tree and checkpoint."""
    for folder in ("journal", "checkpoints", "keys"):
        shutil.rmtree(path / folder)
        (path / folder).mkdir()
    prev, tree = "0" * 64, Frontier()
    import hashlib

    for seq, data in enumerate(lines):
        raw = encode({**data, "seq": seq, "prev": prev})
        prev = hashlib.sha256(raw).hexdigest()
        tree.append(leaf_hash(raw))
        with (path / "journal" / f"{data['recorded_at'][:7]}.jsonl").open("ab") as file:
            file.write(raw + b"\n")
    note = sign(Checkpoint(ORIGIN, tree.size, tree.root()), signer)
    (path / "checkpoints" / f"{tree.size}.note").write_bytes(note)


def stripped(path):
    """The lines without what ties them to checkpoints and keys."""
    return [
        {**line.data, **({"previous": None, "key": None} if line.type == "run" else {})}
        for line in Vault.open(path).lines()
    ]


def test_attacker_reseals_with_own_key(small, keys):
    """A perfect forgery under another key: consistent and unauthenticated for those without a key, else refused."""
    (private, public), kept = new_key("acme/ci"), (small / "checkpoints" / "9.note").read_bytes()
    lines = [line for line in stripped(small) if line["type"] != "exchange" and line["run"] == "run-2"]
    shutil.rmtree(small / "objects")
    (small / "objects").mkdir()
    reseal(small, lines, Signer.parse(private))
    key = VerifierKey.parse(public)
    (small / "keys" / f"acme%2Fci+{key.key_id.hex()}.vkey").write_bytes(f"{public}\n".encode())
    assert verdict(small).grade.startswith("G1")
    assert not verdict(small, [keys[1]]).ok
    assert not verdict(small, pinned=kept).ok


def test_attacker_removes_the_signatures(small, keys):
    """A missing signature never means that the vault is from before there were any."""
    for path in files(small / "checkpoints"):
        path.write_bytes(path.read_bytes().split(b"\n\n")[0] + b"\n")
    assert not verdict(small, [keys[1]]).ok


def test_rollback_to_an_older_checkpoint(small, keys):
    """Cut back to a state that was once true: signed and consistent, found only by who kept a newer checkpoint."""
    kept = (small / "checkpoints" / "9.note").read_bytes()
    lines = [line.raw for line in Vault.open(small).lines()][:5]
    (small / "journal" / "2026-11.jsonl").unlink(missing_ok=True)
    (small / "journal" / "2026-10.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    (small / "checkpoints" / "9.note").unlink()
    assert verdict(small, [keys[1]]).grade.startswith("G2")
    result = verdict(small, [keys[1]], pinned=kept)
    assert any("truncated" in problem for problem in result.problems)


def test_key_holder_rewrites_history(small, keys):
    """Even the key's holder cannot change what somebody else keeps a checkpoint of."""
    kept = (small / "checkpoints" / "5.note").read_bytes()
    lines = stripped(small)
    lines[1]["count"] = 7
    reseal(small, lines, keys[0])
    assert verdict(small, [keys[1]]).grade.startswith("G2")
    result = verdict(small, [keys[1]], pinned=kept)
    assert any("rewritten" in problem for problem in result.problems)


def test_linear_fake_two_histories_one_chain(small, keys):
    """A line changed with its chain mended, the checkpoint left alone: chain and tree are one structure."""
    kept = {path: path.read_bytes() for path in files(small / "checkpoints") + files(small / "keys")}
    lines = [dict(line.data) for line in Vault.open(small).lines()]
    lines[1]["count"] = 7
    reseal(small, lines, keys[0])
    for path, data in kept.items():
        path.write_bytes(data)
    result = verdict(small, [keys[1]])
    assert any("rewritten" in problem for problem in result.problems)


def test_journal_line_as_object_and_checkpoint_as_object(small, keys, run):
    """A body that is a valid line or checkpoint stays a body."""
    line, note = next(Vault.open(small).lines()).raw, (small / "checkpoints" / "5.note").read_bytes()
    with run(keys[0]) as vault:
        fill(vault, [line, note])
    result = verdict(small, [keys[1]])
    assert (True, 5) == (result.ok, result.objects)


def test_object_as_journal_line(small, keys, run):
    """A body that was accepted as evidence cannot be spliced in as a line of its own."""
    data = dict(next(iter(Vault.open(small).lines())).data)
    path = small / "journal" / "2026-11.jsonl"
    path.write_bytes(path.read_bytes() + encode({**data, "seq": 9}) + b"\n")
    result = verdict(small, [keys[1]])
    assert any("does not follow" in problem for problem in result.problems)


def test_checkpoint_of_another_log(small, keys, tmp_path, clock):
    """A true checkpoint of the same key, but of another log, is not one of this log."""
    with writer(tmp_path / "other", origin="soc2ev/other/evidence", now=clock, tool="t", signer=keys[0]) as vault:
        fill(vault, [b"1", b"2", b"3", b"4", b"5", b"6"])
    (small / "checkpoints" / "9.note").write_bytes((tmp_path / "other" / "checkpoints" / "9.note").read_bytes())
    result = verdict(small, [keys[1]])
    assert any("another log" in problem for problem in result.problems)


def test_mixed_vaults_of_one_origin(small, keys, tmp_path, clock):
    """Lines of one vault with checkpoints of another, same origin and key."""
    clock.at -= timedelta(days=1)
    with writer(tmp_path / "twin", origin=ORIGIN, now=clock, tool="t", signer=keys[0]) as vault:
        fill(vault, [b"one", b"two"])
    (small / "checkpoints" / "5.note").write_bytes((tmp_path / "twin" / "checkpoints" / "5.note").read_bytes())
    assert not holds(small, [keys[1]])


@pytest.mark.parametrize(
    "change",
    [
        {"complete": True, "reason": "because"},
        {"period": {"name": "x", "start": "2026-11-01T00:00:00.000000Z", "end": "2026-10-01T00:00:00.000000Z"}},
        {"fetched": True},
        {"scope": {"ref": 1}},
        {"extra": 1},
        {"v": 2},
        {"type": "event"},
        {"recorded_at": "2026-10-31 23:59:59"},
        {"clock_clamped": False},
    ],
)
def test_a_resealed_line_must_still_be_one_that_we_would_write(small, change):
    """An attacker who may rewrite everything still cannot bring in lines that our readers would stumble over."""
    lines = stripped(small)
    lines[3] = {**lines[3], **change}
    reseal(small, lines, None)
    assert not verdict(small).ok
    with pytest.raises(Soc2evError):
        list(Vault.open(small).coverages())


def test_decoded_lines_are_what_was_encoded(small):
    """The reader's data are those of the bytes that were hashed."""
    for line in Vault.open(small).lines():
        assert line.data == decode(line.raw)
