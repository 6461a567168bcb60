"""Kill it, fill the disk, tear the last line, write from eight sides: what was acknowledged is there."""

import contextlib
import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from vault_fixtures import ORIGIN, Clock, fill

from soc2ev.errors import TamperedError, VaultError
from soc2ev.vault import Vault, writer

CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from soc2ev.vault import writer
with writer(Path(sys.argv[1]), origin="soc2ev/acme/evidence", now=lambda: datetime.now(UTC), tool="t") as vault:
    for number in range(100000):
        item = vault.put(b"%s %d" % (vault.run.encode(), number), source="git", stream="a", request={})
        print(item.seq, item.digest, flush=True)
"""
WAITING = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from soc2ev.errors import VaultError
from soc2ev.vault import writer
while True:
    try:
        with writer(Path(sys.argv[1]), origin="soc2ev/acme/evidence", now=lambda: datetime.now(UTC), tool="t") as vault:
            for number in range(5):
                vault.put(b"%d" % number, source="git", stream=sys.argv[2], request={})
        break
    except VaultError as problem:
        if "another soc2ev" not in problem.message:
            raise
        time.sleep(0.005)
"""
CHANGES = ("open", "write", "fsync", "mkdir", "rename", "fchmod", "ftruncate")


def snapshot(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_what_was_acknowledged_survives_being_killed(tmp_path):
    """Twenty-five runs killed at random moments; every sequence number that was printed is there, with its body."""
    chance, path = random.Random(20261031), tmp_path / "vault"
    promised: dict[int, str] = {}
    for _ in range(25):
        child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True)
        with child:
            lines = [child.stdout.readline() for _ in range(chance.randrange(6))]
            time.sleep(chance.random() * 0.01)
            child.kill()
            lines += child.stdout.readlines()
        promised |= {int(seq): digest for seq, digest in (line.split() for line in lines if line.endswith("\n"))}
    with writer(path, origin=ORIGIN, now=Clock(), tool="t"):
        pass
    vault = Vault.open(path)
    found = {item.seq: item.digest for item in vault.items()}
    assert len(promised) > 25
    assert promised.items() <= found.items()
    result = vault.verify()
    assert (True, ()) == (result.ok, result.problems)


def test_eight_writers_take_turns(tmp_path):
    """Eight processes want to write at once: each gets its turn, numbers are contiguous, nothing is lost."""
    path = tmp_path / "vault"
    children = [subprocess.Popen([sys.executable, "-c", WAITING, path, str(number)]) for number in range(8)]
    assert [0] * 8 == [child.wait(30) for child in children]
    vault = Vault.open(path)
    assert list(range(8 * 7)) == [line.seq for line in vault.lines()]
    assert {str(number): 5 for number in range(8)} == {
        stream: len(list(vault.items(stream=stream))) for stream in map(str, range(8))
    }
    assert vault.verify().ok


class Faulty:
    """Makes the n-th call that may change the disk fail, once or from then on."""

    def __init__(self, monkeypatch, number, code, *, lasting):
        self.left, self.code, self.lasting = number, code, lasting
        for name in CHANGES:
            monkeypatch.setattr(os, name, self.wrap(name, getattr(os, name)))

    def wrap(self, name, real):
        def call(*given, **more):
            self.left -= 1
            if self.left == 0 or (self.lasting and self.left < 0):
                raise OSError(self.code, os.strerror(self.code))
            return real(*given, **more)

        return call


@pytest.mark.parametrize(("code", "lasting"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_every_failing_operation_is_survived(tmp_path, code, lasting):
    """Fail the first, second, ... operation until a run succeeds: a VaultError, and nothing acknowledged is lost."""
    number, failed = 0, True
    while failed:
        number += 1
        path, promised, clock = tmp_path / str(number), [], Clock()
        with writer(path, origin=ORIGIN, now=clock, tool="t") as vault:
            promised.append(vault.put(b"before", source="git", stream="a", request={}))
        with pytest.MonkeyPatch.context() as patch:
            faulty = Faulty(patch, number, code, lasting=lasting)
            with contextlib.suppress(VaultError), writer(path, origin=ORIGIN, now=clock, tool="t") as vault:
                promised += [vault.put(b"one", source="git", stream="a", request={})]
                promised += [vault.put(b"before", source="git", stream="a", request={})]
        failed = faulty.left <= 0
        with writer(path, origin=ORIGIN, now=clock, tool="t") as vault:
            fill(vault, [b"after"])
        vault = Vault.open(path)
        assert {item.seq for item in promised} <= {item.seq for item in vault.items()}
        assert [vault.read(item.digest) for item in promised]
        assert vault.verify().ok, number
    assert number > 40


def test_a_first_run_may_fail_anywhere(tmp_path):
    """Making the vault is interrupted at each operation; the next run makes it."""
    number, failed = 0, True
    while failed:
        number += 1
        path, failed = tmp_path / str(number), False
        with pytest.MonkeyPatch.context() as patch:
            Faulty(patch, number, errno.ENOSPC, lasting=True)
            try:
                with writer(path, origin=ORIGIN, now=Clock(), tool="t"):
                    pass
            except VaultError:
                failed = True
        with writer(path, origin=ORIGIN, now=Clock(), tool="t"):
            pass
        assert Vault.open(path).verify().ok, number
    assert number > 20


def test_after_a_failed_fsync_the_run_writes_no_more(run, tmp_path):
    """The line may or may not be on the disk; nothing is built on it, and fsync is not called again for it."""
    before = {}

    def use():
        with run() as vault:
            vault.put(b"one", source="git", stream="a", request={})
            vault.put(b"two", source="git", stream="a", request={})
            with pytest.MonkeyPatch.context() as patch:
                real = os.fsync

                def fail(handle):
                    if "journal" in str(Path(f"/proc/self/fd/{handle}").readlink()):
                        raise OSError(errno.EIO, "Input/output error")
                    real(handle)

                patch.setattr(os, "fsync", fail)
                with pytest.raises(VaultError, match="cannot be written"):
                    vault.put(b"two", source="git", stream="a", request={})
            before.update(snapshot(tmp_path / "vault"))
            with pytest.raises(VaultError, match="cannot write any more"):
                vault.put(b"three", source="git", stream="a", request={})

    with pytest.raises(VaultError):
        use()
    assert [name for name in before if name.startswith("journal")]
    assert {name: data for name, data in before.items() if "journal" in name} == {
        name: data for name, data in snapshot(tmp_path / "vault").items() if "journal" in name
    }
    with run() as vault:
        assert [b"one", b"two"] == [vault.read(item.digest) for item in vault.items()][:2]
    assert Vault.open(tmp_path / "vault").verify().ok


def test_a_short_write_is_not_acknowledged(run, tmp_path):
    """The system may write a part of a line and say so; that is a torn tail and an error."""

    def use():
        with run() as vault:
            vault.put(b"one", source="git", stream="a", request={})
            with pytest.MonkeyPatch.context() as patch:
                real = os.write
                patch.setattr(os, "write", lambda handle, data: real(handle, data[: max(1, len(data) // 2)]))
                vault.put(b"two", source="git", stream="a", request={})

    with pytest.raises(VaultError):
        use()
    with run() as vault:
        assert [b"one"] == [vault.read(item.digest) for item in vault.items()]
    lines = [line.data for line in Vault.open(tmp_path / "vault").lines()]
    assert [True] == [line["cut"]["size"] > 50 for line in lines if line["type"] == "recovery"]


@pytest.mark.parametrize("tail", [b"x", b'{"v":1', b"garbage\n", b"\x00" * 300, b"\n", b'{"v":1}\n'])
def test_a_torn_tail_is_cut_kept_and_recorded(small, run, keys, tail):
    """Bytes behind the last whole line go to an object, and a recovery line names it."""
    path = max((small / "journal").iterdir())
    path.write_bytes(path.read_bytes() + tail)
    assert not Vault.open(small).verify([keys[1]]).ok
    with run(keys[0]) as vault:
        found = [line.data for line in vault.lines() if line.type == "recovery"]
    assert [(len(tail), 0)] == [(data["cut"]["size"], data["uncheckpointed"]) for data in found]
    assert tail == Vault.open(small).read(found[0]["cut"]["sha256"])
    assert Vault.open(small).verify([keys[1]]).ok


def test_a_tail_torn_anywhere_is_recovered(small, run):
    """The last lines of a run without a checkpoint, cut at many lengths: whole lines stay, the rest is kept."""
    (small / "checkpoints" / "9.note").unlink()
    path = max((small / "journal").iterdir())
    whole, rest = path.read_bytes(), snapshot(small)
    lines = whole.count(b"\n")
    for length in range(len(whole) - 1, len(whole) - 700, -23):
        path.write_bytes(whole[:length])
        kept = whole[:length].count(b"\n")
        with run() as vault:
            assert kept + 9 - lines == next(line.seq for line in vault.lines() if line.type == "run" and line.seq > 5)
        assert Vault.open(small).verify().ok
        for file in list(small.rglob("*")):
            if file.is_file() and str(file.relative_to(small)) not in rest:
                file.unlink()


@pytest.mark.parametrize("cut", [1, 10, 400])
def test_damage_inside_the_checkpointed_range_stops_the_writer(small, run, cut):
    """What a checkpoint covers is never repaired: the writer refuses and changes nothing."""
    path = max((small / "journal").iterdir())
    path.write_bytes(path.read_bytes()[:-cut])
    before = snapshot(small)
    with pytest.raises(TamperedError), run():
        pass
    assert before == snapshot(small)


def test_a_changed_line_stops_the_writer(small, run):
    """A line in the middle that does not fit is damage, whether it is covered or not."""
    (small / "checkpoints" / "9.note").unlink()
    path = max((small / "journal").iterdir())
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"fetched":1', b'"fetched":2'))
    assert data != path.read_bytes()
    before = snapshot(small)
    with pytest.raises(TamperedError), run():
        pass
    assert before == snapshot(small)


def test_the_next_run_notes_what_a_killed_one_left(run, tmp_path):
    """Whole lines without a checkpoint are kept and counted in a recovery line."""
    with run() as vault:
        fill(vault, [b"one"])
    (tmp_path / "vault" / "checkpoints" / "4.note").unlink()
    with run():
        pass
    with run():
        pass
    found = [line.data for line in Vault.open(tmp_path / "vault").lines() if line.type == "recovery"]
    assert [(None, 4)] == [(data["cut"], data["uncheckpointed"]) for data in found]


def test_bodies_and_lines_are_durable_in_order(run):
    """The body is synced and named before its line is written, and the line is synced before put returns."""
    events = []
    with run() as vault, pytest.MonkeyPatch.context() as patch:
        for name in ("write", "fsync"):
            real = getattr(os, name)

            def spy(handle, *more, real=real, name=name):
                where = str(Path(f"/proc/self/fd/{handle}").readlink()).split("/vault")[1].split("/")[1]
                events.append(f"{name} {where}")
                return real(handle, *more)

            patch.setattr(os, name, spy)
        vault.put(b"one", source="git", stream="a", request={})
    assert ["fsync objects", "write tmp", "fsync tmp", "fsync objects", "write journal", "fsync journal"] == events
