"""
What `soc2ev logs check` and its search for leaks cost beside a plain search for the same kinds of things, in one run.

Writes logs of the given size into a temporary folder: a uniform one (JSON lines, access log and logfmt in turn, one
leak in a thousand lines), a varied one (ten shapes, three lines in a hundred with a leak, six with what only looks
like one), and a folder with a file for each of twenty shapes (one line in a hundred with a leak). Each is checked with
one and with two processes, with the extra `fast` and without, each time in a fresh interpreter; ripgrep (or grep -E
where there is none) counts the lines that match some forty rules of the same kinds.
Absolute times of a shared machine mean little; seconds of the processor and ratios do.

    python benchmarks/log_leaks.py [--megabytes 200]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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


VARIED = (
    (
        '{{"eventTime":"2026-10-12T10:11:12Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":'
        '{{"type":"AssumedRole","accessKeyId":"ASIA{upper}","arn":"arn:aws:sts::{n:012d}:assumed-role/ci/run"}},'
        '"sourceIPAddress":"10.2.0.{host}","requestParameters":{{"bucketName":"b-{short}","note":{told}}},"resources":null}}'
    ),
    (
        '{{"level":30,"time":17600000{ms:03d}00,"pid":{host},"reqId":"{trace}","req":{{"method":"GET","url":"/orders/{n}",'
        '"headers":{{"host":"api.acme.test","authorization":null}}}},"msg":{told}}}'
    ),
    (
        '{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"api"}}}}]}},'
        '"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"17600000{ms:03d}00000000","severityNumber":9,"body":'
        '{{"stringValue":{told}}},"traceId":"{trace}"}}]}}]}}]}}'
    ),
    (
        '10.2.0.{host} - - [12/Oct/2026:10:11:12 +0000] "GET /orders/{n}?page=2 HTTP/1.1" {code} {n} "-" "curl/8.5.0" '
        'rt=0.{ms:03d} authorization="-" cookie="-" body={told}'
    ),
    "ts=2026-10-12T10:11:12.{ms:03d}Z level=info caller=push.go:{host} traceID={short} msg={told}",
    "<134>Oct 12 10:11:12 web-{host} api[{n}]: {plain}",
    "<134>1 2026-10-12T10:11:12.{ms:03d}Z web-{host} api {n} ID7 - {plain}",
    "2026-10-12 10:11:12,{ms:03d} INFO [shop.orders:{host}] {plain}",
    "2026-10-12T10:11:12.{ms:03d}456789Z stdout F {plain}",
    "I1012 10:11:12.{ms:03d}456   {n} orders.go:{host}] {plain}",
)
OTHERS = (
    '{{"log":{wrapped},"stream":"stdout","time":"2026-10-12T10:11:12.{ms:03d}456789Z"}}',
    '{{"log":"{{\\"level\\":\\"info\\",\\"trace\\":\\"{trace}\\"}}\\n","stream":"stderr","note":{told}}}',
    '2026-10-12T10:11:12.{ms:03d}456Z stdout F {{"level":"info","msg":{told},"request_id":"{trace}"}}',
    "Oct 12 10:11:12 web-{host} sshd[{n}]: Failed password for invalid user eve from 10.2.0.{host} port {n} ssh2{tail}",
    "method=GET path=/orders/{n} format=html controller=Orders action=show status={code} duration=12.{ms} note={told}",
    '[2026-10-12 10:11:12] production.INFO: {plain} {{"id":{n},"user":{host}}}',
    (
        '{{"@timestamp":"2026-10-12T10:11:12.{ms:03d}Z","ecs":{{"version":"8.0"}},"event":{{"action":"login",'
        '"outcome":"success"}},"source":{{"ip":"10.2.0.{host}"}},"message":{told}}}'
    ),
    (
        '[2026-10-12T10:11:12.{ms:03d}Z] "GET /orders/{n} HTTP/1.1" {code} - via_upstream - "-" 0 {n} 4 3 "-" "curl/8" '
        '"{trace}" {told}'
    ),
    "2026-10-12 10:11:12.{ms:03d} UTC [{n}] app@shop LOG:  duration: 1.{ms} ms  statement: SELECT 1 /* {plain} */",
    "2026-10-12 10:11:12.{ms:03d} INFO  [http-nio-8080-exec-{host}] c.a.s.OrderService - {plain}",
)
LEAKS = (
    "connecting with password=Hunter2x{n}",
    "payment with 4111 1111 1111 1111 failed",
    "user kim{n}@acme.io signed in",
    "header Authorization: Bearer {trace}",
    "SSN 219-09-{ssn}",
    "token ghp_{trace}{short} was given",
    "postgres://app:s3cr3t{n}@db.acme.io:5432/orders",
    "Cookie: sessionid={trace}",
    "call +49 151 2345{ssn}",
    "api_key={trace}",
)
ALIKE = (
    "password: [FILTERED]",
    "GET /oauth/token?page={n} 200",
    "token refresh succeeded",
    "order {n}-4242-4242-4242",
    "etag {trace}",
    "asset logo@2x.png",
    "glob@7.2.0: old",
    "Basic realm=api",
    "password_reset_requested=true",
    "user a***@acme.io",
    "phone=mobile",
)
ORDINARY = (
    "processed batch {n} of {code} rows in 12.5ms",
    "cache miss for api:{n}:v4",
    "GET /static/app-{short}.js {code}",
    "retrying in 17s: dial tcp 10.2.0.{host}:5432: connection refused",
    "deployed {short} to production",
    "gc pause 1.{ms}ms",
)


LEAKY, LOOKING = (13, 46, 79), (5, 21, 37, 53, 69, 85)
"""Which of a hundred lines leak, and which only look like it."""


def filled(shape: str, r: random.Random, number: int, leaky: tuple[int, ...]) -> str:
    """A line of that shape."""
    trace = f"{r.getrandbits(128):032x}"
    words: dict[str, object] = {
        "n": r.randrange(1, 99_999),
        "ms": number % 1000,
        "host": number % 255,
        "trace": trace,
        "short": trace[:8],
        "code": r.choice((200, 201, 404)),
        "ssn": r.randrange(1000, 9999),
        "upper": "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
    }
    drawn = number % 100
    plain = r.choice(LEAKS if drawn in leaky else ALIKE if drawn in LOOKING else ORDINARY).format(**words)
    wrapped = json.dumps(f"2026-10-12T10:11:12Z INFO {plain}\n")
    tail = f": {plain}" if drawn in leaky else ""
    return shape.format(**words, plain=plain, told=json.dumps(plain), wrapped=wrapped, tail=tail) + "\n"


def varied(r: random.Random, number: int) -> str:
    # Shapes come in stretches, as programs do that write into one stream.
    return filled(VARIED[number // 4000 % len(VARIED)], r, number, LEAKY)


def line(r: random.Random, number: int) -> str:
    if number % 1000 == 0:
        return f'{{"level":"info","password":"hunter2x{number}","n":{number}}}\n'
    trace, code = f"{r.getrandbits(128):032x}", r.choice((200, 201, 404))
    return SHAPES[number % 3].format(
        n=number, ms=number % 1000, host=number % 255, trace=trace, short=trace[:8], code=code
    )


def write_each(folder: Path, size: int) -> int:
    """A file for each shape, all of them together of that size; how many leaks were planted."""
    folder.mkdir()
    shapes = (*VARIED, *OTHERS)
    return sum(
        write(
            folder / f"{at}.log", size // len(shapes), lambda r, number, of=shape: filled(of, r, number, LEAKY[:1]), 10
        )
        for at, shape in enumerate(shapes)
    )


def write(file: Path, size: int, made: Callable[[random.Random, int], str], leaks_in_1000: int) -> int:
    r, number = random.Random(1), 0
    with file.open("w") as out:
        while out.tell() < size:
            out.write("".join(made(r, number + step) for step in range(1, 3001)))
            number += 3000
    return number // 1000 * leaks_in_1000


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


def measured(job: str, workers: int, extra: str, file: Path) -> float:
    words = [sys.executable, __file__, "--once", job, str(workers), extra, str(file)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    found, took, busy, own, child = map(float, told)
    size = size_of(file) / 1e6
    print(
        f"{job:6} {workers} process(es), {extra:5}: {size / took:6.1f} MB/s, {100 * busy / size:5.2f} processor seconds"
        f" for 100 MB, {found:.0f} leaks, at most {own:.0f} MB, a child {child:.0f} MB"
    )
    return took


def size_of(file: Path) -> int:
    return sum(one.stat().st_size for one in (file.iterdir() if file.is_dir() else [file]))


def searched(file: Path) -> float:
    import resource

    tool = shutil.which("rg") or "grep"
    words = [
        tool,
        "-c",
        *(["-r"] if file.is_dir() and tool == "grep" else []),
        *([] if tool != "grep" else ["-E"]),
        "-i",
        "-e",
        "|".join(RULES).replace('\\"', '"'),
        str(file),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=True)
    took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = size_of(file) / 1e6
    lines = sum(int(one.rpartition(":")[2]) for one in done.stdout.split())
    print(
        f"{Path(tool).name}, {len(RULES)} rules: {size / took:6.1f} MB/s, {100 * busy / size:5.2f} processor seconds"
        f" for 100 MB, {lines} lines"
    )
    return took


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
        for name, made, leaks in (("uniform", line, 1), ("varied", varied, 30), ("shapes", None, 10)):
            file = Path(folder) / f"{name}.log"
            size = given.megabytes * 1_000_000
            planted = write(file, size, made, leaks) if made else write_each(file, size)
            print(f"{name}: {planted} leaks planted in {size_of(file) / 1e6:.0f} MB")
            for job in ("leaks", "check"):
                for workers in (1, 2):
                    for extra in ("plain", "fast"):
                        took = measured(job, workers, extra, file)
            print(f"the last took {took / searched(file):.1f} times as long as this search")
            shutil.rmtree(file) if file.is_dir() else file.unlink()


if __name__ == "__main__":
    main()
