"""
What `soc2ev logs check` and its search for leaks cost beside a plain search for the same kinds of things, in one run.

Writes a log of the given size (JSON lines, access log and logfmt in turn, one leak in a thousand lines) into a
temporary folder, checks it with one and with two processes, with the extra `fast` and without, each time in a fresh
interpreter, and lets ripgrep (or grep -E where there is none) count the lines that match some forty rules of the same
kinds. Absolute times of a shared machine mean little; seconds of the processor and ratios do.

    python benchmarks/log_leaks.py [--megabytes 200]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RULES = (
    r"(AKIA|ASIA)[A-Z0-9]{16}",
    r"gh[pousr]_[A-Za-z0-9]{30}",
    r"github_pat_[A-Za-z0-9_]{30}",
    r"glpat-[A-Za-z0-9_-]{20}",
    r"xox[abprs]-[A-Za-z0-9-]{10}",
    r"[sr]k_live_[A-Za-z0-9]{16}",
    r"whsec_[A-Za-z0-9+/=]{20}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"ya29\.[A-Za-z0-9_-]{20}",
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ",
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"SG\.[A-Za-z0-9_-]{16,}\.",
    r"SK[0-9a-f]{32}",
    r"npm_[A-Za-z0-9]{30}",
    r"pypi-[A-Za-z0-9_-]{40}",
    r"dckr_pat_[A-Za-z0-9_-]{20}",
    r"do[opr]_v1_[0-9a-f]{50}",
    r"shp(at|ca|pa|ss)_[0-9a-f]{30}",
    r"sq0(atp|csp)-[A-Za-z0-9_-]{20}",
    r"key-[0-9a-f]{32}",
    r"sk-[A-Za-z0-9_-]{20}",
    r"hv[sbr]\.[A-Za-z0-9_-]{20}",
    r"hf_[A-Za-z0-9]{30}",
    r"glsa_[A-Za-z0-9]{32}",
    r"lin_api_[A-Za-z0-9]{32}",
    r"dapi[0-9a-f]{32}",
    r"ATATT3[A-Za-z0-9_=-]{50}",
    r"NRAK-[A-Z0-9]{27}",
    r"PMAK-[0-9a-f]{24}",
    r"hooks\.slack\.com/services/T[A-Z0-9]{6,}",
    r"(password|passwd|pwd|passphrase)[\"']?[ ]?(=>|[:=])[ ]?[\"']?[^ \"',;&]{6}",
    r"(secret|api[_-]?key|token|credential)[\"']?[ ]?(=>|[:=])[ ]?[\"']?[^ \"',;&]{6}",
    r"(authorization|cookie)[\"']?[ ]?(=>|[:=])[ ]?[\"']?[^ \"',;&]{6}",
    r"(bearer|basic) [A-Za-z0-9._~+/=-]{8}",
    r"(jsessionid|phpsessid|sessionid)=[A-Za-z0-9.%-]{8}",
    r"[a-z]+://[^ :/@]*:[^ /@]+@",
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2}",
    r"[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{3}",
    r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}",
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


def once(job: str, workers: int, *, plain: bool, file: Path) -> None:
    """Do one job here, and print what it came to with seconds, seconds of processors, and largest memory in MB."""
    import resource

    from soc2ev.logs import jsontext
    from soc2ev.logs.check import check
    from soc2ev.logs.events import Matcher, packs
    from soc2ev.logs.leaks import scan_files

    if plain:
        setattr(jsontext, "_quick", None)  # noqa: B010  as if it were not installed
    started = time.perf_counter()
    if job == "leaks":
        found = sum(1 for _ in scan_files([file], b"benchmark", workers=workers))
    else:
        made = check([file], key=b"benchmark", now=time.time(), matcher=Matcher(packs()), workers=workers)
        found = made.leak_counts.total()
    took = time.perf_counter() - started
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    busy = sum(one.ru_utime + one.ru_stime for one in usage)
    print(found, took, busy, *(one.ru_maxrss / 1024 for one in usage))


def measured(job: str, workers: int, extra: str, file: Path) -> None:
    words = [sys.executable, __file__, "--once", job, str(workers), extra, str(file)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    found, took, busy, own, child = map(float, told)
    size = file.stat().st_size / 1e6
    print(
        f"{job:6} {workers} process(es), {extra:5}: {size / took:6.1f} MB/s, {100 * busy / size:5.2f} processor seconds"
        f" for 100 MB, {found:.0f} leaks, at most {own:.0f} MB, a child {child:.0f} MB"
    )


def searched(file: Path) -> None:
    import resource

    tool = shutil.which("rg") or "grep"
    words = [tool, "-c", *([] if tool != "grep" else ["-E"]), "-i", "|".join(RULES), str(file)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    hits = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False).stdout
    took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = file.stat().st_size / 1e6
    print(
        f"{Path(tool).name}, {len(RULES)} rules: {size / took:6.1f} MB/s, {100 * busy / size:5.2f} processor seconds"
        f" for 100 MB, {hits.strip()} lines"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--once", nargs=4, metavar=("JOB", "PROCESSES", "EXTRA", "FILE"), help="one job, for itself")
    given = parser.parse_args()
    if given.once:
        job, workers, extra, name = given.once
        once(job, int(workers), plain=extra == "plain", file=Path(name))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.log"
        print(f"{write(file, given.megabytes * 1_000_000)} leaks planted in {file.stat().st_size / 1e6:.0f} MB")
        for job in ("leaks", "check"):
            for workers in (1, 2):
                for extra in ("plain", "fast"):
                    measured(job, workers, extra, file)
        searched(file)


if __name__ == "__main__":
    main()
