"""
How fast the ledger is, as ratios against what the same disk and machine do without it.

    python benchmarks/ledger.py [EVENTS]      (default: a million)

Printed are: durable single appends against a plain write-and-fsync loop, in one process and over HTTP; a single append
from a fresh process at the end of the log; bulk import; verification; query; proof. The pairs run by turns, so that a
busy disk slows both.
"""

from __future__ import annotations

import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from soc2ev.ledger import Filter, Ledger, access
from soc2ev.ledger.serve import Running

ROUNDS, APPENDS, CLIENTS = 7, 300, 8


def event(number: int) -> dict[str, object]:
    return {
        "id": f"e{number}",
        "action": "user.role.updated",
        "actor_id": f"u{number % 1000}",
        "actor_email": f"ann{number % 1000}@example.com",
        "target_type": "user",
        "target_id": f"t{number}",
        "metadata": {"role": "admin", "ip": "10.0.0.1"},
        "timestamp": f"2026-10-{1 + number % 28:02}T10:00:00Z",
    }


def timed(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bulk(folder: Path, count: int) -> Path:
    source, log = folder / "in.jsonl", folder / "audit"
    with source.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(event(number)) + "\n")

    def import_() -> None:
        words = [sys.executable, "-m", "soc2ev", "ledger", "import", source, "--log", log]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    print(f"import    {count / timed(import_):>9,.0f} events/s, start of the command included")
    print(f"again     {count / timed(import_):>9,.0f} events/s, nothing appended")
    return log


def reading(log: Path, count: int) -> None:
    ledger = Ledger.open(log)
    print(f"verify    {count / timed(lambda: _holds(ledger)):>9,.0f} events/s")
    print(
        f"query     {count / timed(lambda: list(ledger.query(Filter(actor='u7')))):>9,.0f} events/s, one actor of 1,000"
    )
    print(f"export    {count / timed(lambda: sum(1 for _ in ledger.query())):>9,.0f} events/s, all rows")
    print(f"proof     {timed(lambda: ledger.prove(count // 3)) * 1000:>9.1f} ms")
    print(f"memory    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:>9.0f} MB at most while reading")


def _holds(ledger: Ledger) -> None:
    assert ledger.verify().ok


def single(log: Path, folder: Path) -> None:
    line = b"x" * 420 + b"\n"
    handle = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    ratios, rates = [], []
    with Ledger.open(log) as ledger:
        ledger.append(event(-1))
        for turn in range(ROUNDS):
            plain = timed(lambda: [(os.write(handle, line), os.fsync(handle)) for _ in range(APPENDS)])
            ours = timed(lambda t=turn: [ledger.append(event(-2 - t * APPENDS - n)) for n in range(APPENDS)])
            ratios.append(ours / plain)
            rates.append(APPENDS / ours)
    print(
        f"append    {statistics.median(rates):>9,.0f} events/s, each durable: "
        f"{statistics.median(ratios):.2f} x write-and-fsync"
    )
    os.close(handle)


def fresh(log: Path, folder: Path) -> None:
    words = [sys.executable, "-m", "soc2ev", "ledger", "append", "--action", "a.b.c", "--actor-id", "u", "--log"]
    took = {}
    for name, path in (("a new log", folder / "new"), ("this log", log)):
        runs = [
            timed(lambda p=path: subprocess.run([*words, p], check=True, stdout=subprocess.DEVNULL)) for _ in range(6)
        ]
        took[name] = statistics.median(runs[1:])
    print(f"shell     {took['this log'] * 1000:>9.0f} ms an append; {took['a new log'] * 1000:.0f} ms in a new log: "
          f"{took['this log'] / took['a new log']:.2f} x")  # fmt: skip


def served(log: Path) -> None:
    ledger = Ledger.open(log)
    key, _ = access.new(ledger.disk, "append", "bench", datetime.now(UTC))
    running = Running(ledger, "127.0.0.1", 0, per_second=1e6)
    thread = threading.Thread(target=running.run)
    thread.start()

    def post(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port)
        for number in range(APPENDS):
            body = json.dumps({**event(number), "id": f"{client}-{number}-{time.time()}"})
            connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {key}"})
            assert connection.getresponse().read()
        connection.close()

    one = timed(lambda: post(0))
    with ThreadPoolExecutor(CLIENTS) as pool:
        many = timed(lambda: list(pool.map(post, range(CLIENTS))))
    running.stop()
    thread.join()
    print(f"http      {APPENDS / one:>9,.0f} events/s from one client, {APPENDS * CLIENTS / many:,.0f} from {CLIENTS}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = bulk(folder, count)
        reading(log, count)
        single(log, folder)
        fresh(log, folder)
        served(log)


if __name__ == "__main__":
    main()
