"""
What the search for leaks costs beside a plain search for the same kinds of things, in one run.

Writes a log of the given size (JSON lines, access log and logfmt in turn, one leak in a thousand lines) into a
temporary folder, scans it with one and with two processes, and lets ripgrep (or grep -E where there is none) count the
lines that match a rule set of the same kinds. Absolute times of a shared machine mean little; ratios do.

    python benchmarks/log_leaks.py [--megabytes 200]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from soc2ev.logs.leaks import scan_files

RULES = (
    r"(AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30}",
    r"glpat-[A-Za-z0-9_-]{20}|xox[abprs]-[A-Za-z0-9-]{10}|sk_live_[A-Za-z0-9]{16}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY|SG\.[A-Za-z0-9_-]{16,}\.|npm_[A-Za-z0-9]{30}",
    r"(password|passwd|pwd|secret|api[_-]?key|token|authorization|cookie)[\"']?[ ]?(=>|[:=])[ ]?[\"']?[^ \"',;&]{6}",
    r"[a-z]+://[^ :/@]*:[^ /@]+@|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2}",
    r"[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{3}|[0-9]{3}-[0-9]{2}-[0-9]{4}",
)

JSON_LINE = (
    '{{"time":"2026-10-12T10:11:12.{ms:03d}Z","level":"info","service":"billing","trace_id":"{trace}",'
    '"path":"/api/v1/invoices/{n}","status":{code},"message":"request completed","tokens_used":512}}\n'
)
ACCESS = (
    '10.2.0.{host} - - [12/Oct/2026:10:11:12 +0000] "GET /static/app-{short}.js HTTP/1.1" {code} {n} '
    '"https://app.acme.test/" "Mozilla/5.0 (X11; Linux x86_64) Chrome/129.0.0.0 Safari/537.36"\n'
)
LOGFMT = (
    'ts=2026-10-12T10:11:12.{ms:03d}Z level=info caller=push.go:{host} traceID={short} msg="flushed stream" '
    "bytes={n} duration=12.5ms\n"
)
SHAPES = (JSON_LINE, ACCESS, LOGFMT)


def line(r: random.Random, number: int) -> str:
    if number % 1000 == 0:
        return f'{{"level":"info","password":"hunter2x{number}","n":{number}}}\n'
    trace, code = f"{r.getrandbits(128):032x}", r.choice((200, 201, 404))
    return SHAPES[number % 3].format(
        n=number, ms=number % 1000, host=number % 255, trace=trace, short=trace[:8], code=code
    )


def write(file: Path, size: int) -> int:
    r, number = random.Random(1), 0
    with file.open("w") as out:
        while out.tell() < size:
            out.write("".join(line(r, number + step) for step in range(1, 3001)))
            number += 3000
    return number // 1000


def peak() -> float:
    """Largest memory of this process so far, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    size = parser.parse_args().megabytes * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.log"
        planted = write(file, size)
        size = file.stat().st_size
        for workers in (1, 2):
            started = time.perf_counter()
            found = sum(1 for _ in scan_files([file], b"benchmark", workers=workers))
            took = time.perf_counter() - started
            speed = f"{size / took / 1e6:7.1f} MB/s"
            print(f"{workers} process(es): {speed}, {found} of {planted} leaks, {peak():.0f} MB at most")
        tool = shutil.which("rg") or "grep"
        words = [tool, "-c", *([] if tool != "grep" else ["-E"]), "-i", "|".join(RULES), str(file)]
        started = time.perf_counter()
        hits = subprocess.run(
            words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False
        ).stdout
        took = time.perf_counter() - started
        print(f"{Path(tool).name}: {size / took / 1e6:7.1f} MB/s, {hits.strip()} lines match the same kinds of rules")


if __name__ == "__main__":
    main()
