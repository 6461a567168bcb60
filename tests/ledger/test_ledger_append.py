"""Appending: receipts, ids, what is refused, and that nothing depends on caches or on who writes."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import time

import pytest
from ledger_checks import Clock, event, leaf, stored_lines

from soc2ev.errors import ConfigError, TamperedError, VaultError
from soc2ev.ledger import ConflictError, Filter, Ledger

CHILD = """
import sys
from pathlib import Path
from soc2ev.ledger import Ledger
ledger = Ledger.open(Path(sys.argv[1]))
for number in range(100000):
    receipt = ledger.append({"action": "a.b.c", "actor_id": "u", "metadata": {"pad": "x" * 300}})
    print(receipt.seq, receipt.leaf, flush=True)
"""


def test_a_receipt_is_number_and_leaf_of_the_stored_line(ledger):
    """Numbers count the lines, and the leaf is the RFC 6962 leaf hash of the bytes that lie in the file."""
    with ledger:
        receipts = [ledger.append(event(number)) for number in range(5)]
    assert list(range(5)) == [one.seq for one in receipts]
    assert [leaf(raw).hex() for raw in stored_lines(ledger.path)] == [one.leaf for one in receipts]
    assert {**event(3)}.items() <= json.loads(stored_lines(ledger.path)[3]).items()


def test_a_repeated_id_is_answered_with_the_first_receipt(ledger):
    """Same id and content: nothing is appended. Other content: an error, and nothing is appended."""
    with ledger:
        first = ledger.append(event(1, id="k"))
        ledger.append(event(2))
        again = ledger.append(event(1, id="k"))
        assert (first.seq, first.leaf, True) == (again.seq, again.leaf, again.known)
        with pytest.raises(ConflictError, match="event 0"):
            ledger.append(event(2, id="k"))
    assert 2 == len(stored_lines(ledger.path))


@pytest.mark.parametrize("lost", ["nothing", "index", "tree", "both", "garbage"])
def test_ids_and_tree_outlive_their_caches(tmp_path, lost):
    """A new process knows old ids and proofs, also when the caches are gone or hold nonsense."""
    path = tmp_path / "audit"
    with Ledger.open(path) as ledger:
        receipts = ledger.append_all([event(number, id=f"k{number}") for number in range(700)])
    if lost in ("index", "both"):
        (path / "index.sqlite").unlink()
    if lost in ("tree", "both"):
        (path / "tree").unlink()
    if lost == "garbage":
        (path / "index.sqlite").write_bytes(b"no database" * 100)
        (path / "tree").write_bytes(bytes(40_000))
    with Ledger.open(path) as ledger:
        assert receipts[5].leaf == ledger.append(event(5, id="k5")).leaf
        assert 700 == ledger.append(event(1)).seq
    assert Ledger.open(path).verify().ok
    assert 701 == len(stored_lines(path))


def test_a_list_is_appended_whole_or_not_at_all(ledger):
    """One conflict among three events: none is appended, and the ids of the others stay free."""
    with ledger:
        ledger.append(event(1, id="k"))
        with pytest.raises(ConflictError):
            ledger.append_all([event(7, id="new"), event(2, id="k")])
        assert 1 == ledger.append(event(8, id="new")).seq


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"actor_id": "u"}, "action is missing"),
        ({"action": "a.b.c"}, "actor_id is missing"),
        ({"action": 3, "actor_id": "u"}, "action is no text"),
        ({"action": "", "actor_id": "u"}, "action is empty"),
        ({"action": "a\x1b[2J", "actor_id": "u"}, "cannot be shown"),
        ({"action": "a.b.c", "actor_id": "u" * 513}, "longer than"),
        ({"action": "a.b.c", "actor_id": "u", "seq": 3}, "unknown field 'seq'"),
        ({"action": "a.b.c", "actor_id": "u", "metadata": []}, "metadata is no object"),
        ({"action": "a.b.c", "actor_id": "u", "metadata": {"a": float("inf")}}, "number that is none"),
        ({"action": "a.b.c", "actor_id": "u", "metadata": {"a": "\ud800"}}, "surrogate"),
        ({"action": "a.b.c", "actor_id": "u", "metadata": {"a": "x" * 70_000}}, "the limit is 65535"),
        ({"action": "a.b.c", "actor_id": "u", "timestamp": "2026-10-01T10:00:00"}, "with a zone"),
        ({"action": "a.b.c", "actor_id": "u", "timestamp": "2026-13-01T10:00:00Z"}, "no time that exists"),
    ],
)
def test_what_is_no_event_is_refused(ledger, given, says):
    """Each refusal names the field, and nothing is appended."""
    with pytest.raises(ConfigError, match=says):
        ledger.append(given)
    ledger.append(event(1))
    assert 1 == len(stored_lines(ledger.path))


def test_deep_metadata_is_refused(ledger):
    """Metadata that would overflow a reader's stack is refused."""
    deep: dict = {}
    for _ in range(30):
        deep = {"a": deep}
    with pytest.raises(ConfigError, match="nested deeper"):
        ledger.append(event(1, metadata=deep))


def test_the_clock_may_go_back(tmp_path):
    """Times of recording never decrease, whatever the clock says."""
    clock = Clock()
    with Ledger.open(tmp_path / "audit", now=clock) as ledger:
        ledger.append(event(1))
        clock.at = clock.at.replace(year=2025)
        ledger.append(event(2))
    times = [json.loads(raw)["recorded_at"] for raw in stored_lines(ledger.path)]
    assert sorted(times) == times
    assert ledger.verify().ok


def test_what_was_acknowledged_survives_being_killed(tmp_path):
    """Killed at random moments, twenty times; every receipt that was printed is in the log, which verifies."""
    chance, path = random.Random(20261122), tmp_path / "audit"
    promised: dict[int, str] = {}
    for _ in range(20):
        child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True)
        with child:
            lines = [child.stdout.readline() for _ in range(chance.randrange(1, 6))]
            time.sleep(chance.random() * 0.01)
            child.kill()
            lines += child.stdout.readlines()
        promised |= {int(seq): digest for seq, digest in (line.split() for line in lines if line.endswith("\n"))}
        assert Ledger.open(path).verify().ok
    with Ledger.open(path) as ledger:
        ledger.append(event(1))
    found = {at: leaf(raw).hex() for at, raw in enumerate(stored_lines(path))}
    assert len(promised) > 25
    assert promised.items() <= found.items()
    assert ledger.verify().ok


def test_a_torn_tail_is_cut_and_recorded(tmp_path):
    """Part of a line behind the last checkpoint was never acknowledged: it is cut, and its bytes are kept in a line."""
    path = tmp_path / "audit"
    with Ledger.open(path) as ledger:
        ledger.append(event(1))
    segment = next((path / "journal").iterdir())
    segment.write_bytes(segment.read_bytes() + b'{"action":"torn')
    assert [0] == [row["seq"] for row in Ledger.open(path).query()]
    assert Ledger.open(path).verify().ok
    with Ledger.open(path) as ledger:
        assert 2 == ledger.append(event(2)).seq
    recovery = json.loads(stored_lines(path)[1])
    assert ("recovery", 15) == (recovery["type"], recovery["cut"]["size"])
    assert ledger.verify().ok


def test_damage_under_a_checkpoint_is_never_repaired(tmp_path):
    """A line that was cut inside the checkpoint, or changed, refuses every append; nothing is written."""
    path = tmp_path / "audit"
    with Ledger.open(path) as ledger:
        ledger.append_all([event(number) for number in range(3)])
    segment = next((path / "journal").iterdir())
    whole = segment.read_bytes()
    for damaged in (whole[:-5], whole.replace(b"u1", b"u9"), whole.split(b"\n", 1)[1]):
        segment.write_bytes(damaged)
        with pytest.raises(TamperedError):
            Ledger.open(path).append(event(9))
        assert damaged == segment.read_bytes()


def test_eight_writers_all_succeed(tmp_path):
    """Eight processes append at once: each waits for its turn, numbers are contiguous, nothing is lost."""
    path = tmp_path / "audit"
    code = (
        "import sys; from pathlib import Path; from soc2ev.ledger import Ledger\n"
        "with Ledger.open(Path(sys.argv[1])) as ledger:\n"
        "    for n in range(25): ledger.append({'action': 'a.b.c', 'actor_id': sys.argv[2], 'id': f'{sys.argv[2]}-{n}'})\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, path, str(number)]) for number in range(8)]
    assert [0] * 8 == [child.wait(60) for child in children]
    assert list(range(200)) == [json.loads(raw)["seq"] for raw in stored_lines(path)]
    ledger = Ledger.open(path)
    assert {str(n): 25 for n in range(8)} == {str(n): len(list(ledger.query(Filter(actor=str(n))))) for n in range(8)}
    assert ledger.verify().ok


def test_two_objects_share_a_log(tmp_path):
    """Whoever appends knows what others appended in between, ids too."""
    one, two = Ledger.open(tmp_path / "audit"), Ledger.open(tmp_path / "audit")
    assert [0, 1, 2] == [one.append(event(1, id="a")).seq, two.append(event(2)).seq, one.append(event(3)).seq]
    assert 0 == two.append(event(1, id="a")).seq
    one.checkpoint()
    assert two.verify().ok


def test_a_full_disk_acknowledges_nothing(tmp_path, monkeypatch):
    """When the line cannot be made durable there is an error, and the object writes no more; a new one goes on."""
    ledger = Ledger.open(tmp_path / "audit")
    ledger.append(event(1))
    with monkeypatch.context() as patch:

        def fail(handle):
            raise OSError(errno.EIO, "Input/output error")

        patch.setattr(os, "fsync", fail)
        with pytest.raises(VaultError, match="cannot be written"):
            ledger.append(event(2))
    with pytest.raises(VaultError, match="did not become durable"):
        ledger.append(event(3))
    with Ledger.open(tmp_path / "audit") as again:
        again.append(event(4))
    assert again.verify().ok


def test_other_folders_are_left_alone(tmp_path):
    """A folder with something else in it becomes no ledger; reading where none is says so."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(VaultError, match=r"holds notes\.txt"):
        Ledger.open(tmp_path).append(event(1))
    with pytest.raises(VaultError, match="no ledger"):
        Ledger.open(tmp_path / "none").verify()


def test_a_replaced_segment_is_not_written_behind_its_back(tmp_path):
    """Somebody puts a copy in place of the file: what is acknowledged afterwards is in the file that is there."""
    ledger = Ledger.open(tmp_path / "audit")
    ledger.append(event(1))
    (segment,) = (tmp_path / "audit" / "journal").iterdir()
    copy = tmp_path / "copy"
    copy.write_bytes(segment.read_bytes())
    copy.replace(segment)
    ledger.append(event(2))
    assert 2 == len(stored_lines(tmp_path / "audit"))
    ledger.checkpoint()
    assert ledger.verify().ok
