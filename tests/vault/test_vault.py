"""The vault through its front door: put, items, coverages, read, head, and who may write."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from vault_fixtures import OCTOBER, ORIGIN, fill

from soc2ev.errors import TamperedError, VaultError
from soc2ev.model import Coverage
from soc2ev.vault import Vault, new_key
from soc2ev.vault.note import Signer


def test_what_was_put_is_found_and_read(run, tmp_path):
    """Every field of an item survives, in the order of the journal, with the bytes as they were."""
    request, response = {"method": "run", "argv": ["git", "log"]}, {"exit": 0, "stderr": ""}
    with run() as vault:
        first = vault.put(b"\x00\xff", source="git", stream="a", request=request, response=response, count=2)
        second = vault.put(b"", source="git", stream="b", request={"method": "run"})
    found = list(Vault.open(tmp_path / "vault").items())
    assert [first, second] == found
    assert [b"\x00\xff", b""] == [Vault.open(tmp_path / "vault").read(item.digest) for item in found]
    assert (2, 0) == (first.size, second.size)
    assert (2, None) == (first.count, second.count)


def test_items_are_chosen_by_stream_and_run(small):
    """Both choices narrow, and both together narrow twice."""
    vault = Vault.open(small)
    assert 3 == len(list(vault.items()))
    assert [b"three"] == [vault.read(item.digest) for item in vault.items(run="run-1")]
    assert 2 == len(list(vault.items(stream="git:a:commits", run="run-2")))
    assert [] == list(vault.items(stream="git:b:commits"))


def test_coverages_carry_run_and_time(run, tmp_path):
    """A stated coverage comes back as stated, with the run and the time at which it was recorded."""
    claim = Coverage(
        "git:a:commits", OCTOBER, None, 3, complete=False, reason="no", scope={"ref": "main"}, details={"heads": [None]}
    )
    with run(run="first") as vault:
        stated = vault.state(claim)
    assert [stated] == list(Vault.open(tmp_path / "vault").coverages())
    assert "first" == stated.run
    assert datetime(2026, 11, 1, tzinfo=UTC) > stated.collected_at > datetime(2026, 10, 31, tzinfo=UTC)


def test_a_writer_reads_what_it_wrote_and_what_was_there(small, run):
    """The write side is a read side too, while it writes."""
    with run() as vault:
        vault.put(b"four", source="git", stream="x", request={})
        assert 4 == len(list(vault.items()))
        assert 2 == len(list(vault.coverages()))


def test_equal_bodies_are_stored_once_and_read_only(run, tmp_path):
    """Two exchanges with one answer share an object that nobody may write."""
    with run() as vault:
        for stream in ("a", "b"):
            vault.put(b"same", source="git", stream=stream, request={})
    objects = [path for path in (tmp_path / "vault" / "objects").rglob("*") if path.is_file()]
    assert 1 == len(objects)
    assert 0o444 == stat.S_IMODE(objects[0].stat().st_mode)


def test_a_run_begins_and_ends_with_its_own_lines(small):
    """Each run is framed; the second names the checkpoint of the first, the last line counts."""
    lines = list(Vault.open(small).lines())
    assert ["run", "exchange", "exchange", "collection", "finish"] == [line.type for line in lines[:5]]
    assert lines[0].data["previous"] is None
    assert 5 == lines[5].data["previous"]["size"]
    assert {"exchange": 1, "collection": 1} == lines[-1].data["counts"]
    assert lines[-1].data["ok"] is True


def test_segments_are_months_of_utc(small):
    """A run over the turn of a month is in two files, by the time of each line."""
    assert ["2026-10.jsonl", "2026-11.jsonl"] == sorted(path.name for path in (small / "journal").iterdir())


def test_a_failed_run_is_recorded_as_one(run, tmp_path):
    """An exception leaves a finish line that says so, a checkpoint, and itself."""

    def fails():
        with run() as vault:
            vault.put(b"one", source="git", stream="a", request={})
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    vault = Vault.open(tmp_path / "vault")
    assert [False] == [line.data["ok"] for line in vault.lines() if line.type == "finish"]
    assert 3 == vault.head().checkpoint


def test_the_clock_may_go_back_and_time_does_not(run, clock, tmp_path):
    """A line is never older than the line before it; the clamp is marked on the line."""
    with run() as vault:
        first = vault.put(b"1", source="git", stream="a", request={})
        clock.at -= timedelta(days=3)
        second = vault.put(b"2", source="git", stream="a", request={})
    assert first.received_at == second.received_at
    vault = Vault.open(tmp_path / "vault")
    assert ["clock_clamped" in line.data for line in vault.lines()] == [False, False, True, True]
    assert vault.verify().ok


def test_head_says_where_the_log_stands(small, keys, tmp_path):
    """Size, root, time and checkpoint are those of the last line and the newest checkpoint."""
    vault = Vault.open(small)
    head, lines = vault.head(), list(vault.lines())
    assert (9, 9, ("acme/ci",)) == (head.size, head.checkpoint, head.signed_by)
    assert vault.verify().root == head.root
    assert lines[-1].data["recorded_at"] == head.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_an_unsigned_head_names_nobody(run, tmp_path):
    """Without a signer there is a checkpoint, and no name on it."""
    with run():
        pass
    assert () == Vault.open(tmp_path / "vault").head().signed_by


def test_a_second_writer_is_turned_away(run):
    """Two writers at once would break the chain; the second is told, and nothing of the first is lost."""
    with run() as vault:
        with pytest.raises(VaultError, match="another soc2ev"), run():
            pass
        vault.put(b"one", source="git", stream="a", request={})
    with run():
        pass


@pytest.mark.parametrize(
    "text", [None, b"", b"soc2ev vault 2\no\n", b"soc2ev vault 1\n", b"soc2ev vault 1\no\nx", b"\xff"]
)
def test_a_folder_that_is_no_vault_is_refused(tmp_path, text, clock):
    """Neither side takes a foreign folder for a vault, and the writer leaves it as it is."""
    from soc2ev.vault import writer

    (tmp_path / "other").write_bytes(b"mine")
    if text is not None:
        (tmp_path / "format").write_bytes(text)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(VaultError, match="vault") as caught:
        Vault.open(tmp_path)
    assert caught.value.hint
    with pytest.raises(VaultError), writer(tmp_path, origin=ORIGIN, now=clock, tool="t"):
        pass
    assert before == sorted(path.name for path in tmp_path.iterdir())


def test_a_vault_has_one_origin(run, small):
    """Another organisation's collection does not end up in this vault."""
    with pytest.raises(VaultError, match="belongs to"), run(origin="soc2ev/other/evidence"):
        pass


@pytest.mark.parametrize("origin", ["", "two words", "line\nline"])
def test_an_origin_is_one_word(run, origin):
    """The origin is a line of every checkpoint, so it can hold no line feed."""
    with pytest.raises(VaultError, match="origin"), run(origin=origin):
        pass


def test_a_body_that_is_gone_or_changed_is_not_handed_out(small):
    """Reading hashes again: a missing or different object is an error, never other bytes."""
    vault = Vault.open(small)
    digest = next(vault.items()).digest
    path = small / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    path.write_bytes(b"0ne")
    with pytest.raises(TamperedError, match="other bytes"):
        vault.read(digest)
    path.unlink()
    with pytest.raises(TamperedError, match="missing"):
        vault.read(digest)
    with pytest.raises(VaultError, match="digest"):
        vault.read("../../etc/passwd")


def test_put_notices_a_damaged_object_of_the_same_body(small, run):
    """An object that lies there already is compared and not believed."""
    digest = next(Vault.open(small).items()).digest
    path = small / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    path.write_bytes(b"0ne")
    with run() as vault, pytest.raises(TamperedError, match="other bytes"):
        vault.put(b"one", source="git", stream="a", request={})


def test_reading_stops_at_the_first_line_that_does_not_fit(small):
    """An edited line, a removed one and a journal shorter than its checkpoint all stop the reader."""
    path = small / "journal" / "2026-10.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for changed in ([*lines[:1], lines[1].replace(b'"count":1', b'"count":2'), *lines[2:]], [*lines[:1], *lines[2:]]):
        path.write_bytes(b"".join(changed))
        with pytest.raises(TamperedError):
            list(Vault.open(small).items())
    path.write_bytes(b"".join(lines))
    (small / "journal" / "2026-11.jsonl").unlink()
    with pytest.raises(TamperedError, match="checkpoint"):
        list(Vault.open(small).items())


def test_a_rewritten_history_stops_the_reader_at_its_checkpoint(small, tmp_path, clock):
    """A journal that is consistent in itself but has another root than the checkpoint is not read."""
    from soc2ev.vault import writer

    with writer(tmp_path / "forged", origin=ORIGIN, now=clock, tool="t") as vault:
        fill(vault, [b"%d" % number for number in range(12)])
    for path in (small / "journal").iterdir():
        path.unlink()
    for path in (tmp_path / "forged" / "journal").iterdir():
        (small / "journal" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(TamperedError, match="not those of checkpoint"):
        list(Vault.open(small).items())


@pytest.mark.parametrize("name", ["journal", "objects", "checkpoints", "journal/2026-10.jsonl", "format", "tmp"])
def test_symbolic_links_are_refused(small, tmp_path, run, name):
    """Whoever plants a link does not choose where we read or write."""
    (small / name).rename(tmp_path / "elsewhere")
    (small / name).symlink_to(tmp_path / "elsewhere")

    def use():
        with run() as vault:
            list(vault.items())
            vault.read(next(vault.items()).digest)

    with pytest.raises(TamperedError, match="symbolic link"):
        use()


def test_a_planted_pipe_does_not_block(small):
    """Opening a named pipe would wait for ever; it is refused."""
    path = small / "checkpoints" / "9.note"
    path.unlink()
    os.mkfifo(path)
    result = Vault.open(small).verify()
    assert not result.ok
    assert any("9.note: unknown other" in problem for problem in result.problems)


def test_what_cannot_be_recorded_leaves_no_trace(run, tmp_path):
    """A refused request is refused before its body is stored, and the run goes on."""
    with run() as vault:
        with pytest.raises(VaultError, match="float"):
            vault.put(b"one", source="git", stream="a", request={"share": 0.5})
        vault.put(b"two", source="git", stream="a", request={})
    result = Vault.open(tmp_path / "vault").verify()
    assert (True, (), 1) == (
        result.ok,
        (*result.problems, *(n for n in result.notes if "unsigned" not in n)),
        result.objects,
    )


def test_two_keys_of_one_name_are_both_kept(run, tmp_path):
    """A key replaced under the same name leaves the old checkpoints verifiable."""
    for _ in range(2):
        with run(Signer.parse(new_key("acme/ci")[0])):
            pass
    result = Vault.open(tmp_path / "vault").verify()
    assert (True, ()) == (result.ok, result.problems)
    assert 2 == len(list((tmp_path / "vault" / "keys").iterdir()))
