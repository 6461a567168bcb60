"""Killed at any moment, the next run goes on and nothing acknowledged is lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

from tests.conftest import Run, Workplace


def test_kill_nine_at_random_moments(soc2ev: Run, workplace: Workplace) -> None:
    """After eight killed collections the ninth is complete, the vault verifies, and the population is whole."""
    chance = random.Random(4711)
    words = [sys.executable, "-m", "soc2ev", "collect", "--period", "2026-10"]
    for _ in range(8):
        process = subprocess.Popen(words, cwd=workplace.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.15, 0.7))
        process.kill()
        process.wait()
    assert 0 == soc2ev("collect", "--period", "2026-10", cwd=workplace.path).code
    assert 0 == soc2ev("vault", "verify", cwd=workplace.path).code
    document = json.loads(soc2ev("check", "--period", "2026-10", "--format", "json", cwd=workplace.path).out)
    change = next(one for one in document["findings"] if one["control"] == "change-authorised-tested-approved")
    assert change["population"]["complete"]
    assert 3 == change["population"]["size"]


def test_what_a_killed_run_left_is_no_complete_collection(soc2ev: Run, workplace: Workplace) -> None:
    """A vault whose newest lines have no checkpoint does not verify until the next run has settled it."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    newest = max((workplace.path / "evidence" / "checkpoints").iterdir(), key=lambda path: int(path.stem))
    newest.unlink()
    assert 6 == soc2ev("vault", "verify", cwd=workplace.path).code
    packed = soc2ev("pack", "--period", "2026-10", cwd=workplace.path)
    assert 0 != packed.code
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    assert 0 == soc2ev("vault", "verify", cwd=workplace.path).code


def test_two_writers_at_once(workplace: Workplace) -> None:
    """The second writer is told that another is at it; neither damages the vault."""
    words = [sys.executable, "-m", "soc2ev", "collect", "--period", "2026-10"]
    running = [
        subprocess.Popen(words, cwd=workplace.path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in running]
    assert 0 in [code for _, code in ended]
    for message, code in ended:
        assert code in (0, 1)
        assert code == 0 or "writing" in message
    verified = subprocess.run([sys.executable, "-m", "soc2ev", "vault", "verify"], cwd=workplace.path, check=False)
    assert 0 == verified.returncode


def test_a_stopped_collection_exits_130(workplace: Workplace) -> None:
    """SIGINT and SIGTERM both end in 130, and the next run goes on."""
    words = [sys.executable, "-m", "soc2ev", "collect", "--period", "2026-10"]
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            words, cwd=workplace.path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        process.stderr.readline()  # it has begun
        process.send_signal(number)
        message = process.communicate()[1]
        assert 130 == process.returncode
        assert "interrupted" in message
    assert 0 == subprocess.run(words, cwd=workplace.path, capture_output=True, check=False).returncode


def test_a_damaged_format_file_is_tampering(soc2ev: Run, workplace: Workplace) -> None:
    """Also the smallest file of the vault cannot be changed, cut or removed."""
    soc2ev("collect", "--period", "2026-10", cwd=workplace.path)
    file = workplace.path / "evidence" / "format"
    whole = file.read_bytes()
    for damage in (whole[:-1], b"", whole.replace(b"vault", b"vaulu")):
        file.write_bytes(damage)
        assert 6 == soc2ev("vault", "verify", cwd=workplace.path).code
    file.unlink()
    assert 6 == soc2ev("vault", "verify", cwd=workplace.path).code
