"""
What the whole road costs beside git itself, in one run.

For histories of several sizes: `git log` of the month alone, then collect, check and pack of the same month, in
alternation. Both have to give the same commits before a ratio is printed. Absolute times of a shared machine mean
little; ratios and growth do.

    python benchmarks/git_history.py [--sizes 1000,10000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MONTH = "2026-10"
CONFIG = """
version: 1
organisation: Benchmark
registers: null
sources:
  git: [{path: repository.git, repository: bench/one}]
"""
CLOSED = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


@dataclass(frozen=True)
class Cost:
    """One finished command."""

    seconds: float
    megabytes: float
    output: bytes


def run(words: list[str], folder: Path) -> Cost:
    """Run a command to its end; its wall time and the largest memory of the process itself."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, cwd=folder, stdout=output, stderr=subprocess.DEVNULL, env={**os.environ, **CLOSED}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"{' '.join(words)} failed")
        return Cost(seconds, usage.ru_maxrss / 1024, output.read())


def history(size: int) -> bytes:
    """A stream of `size` commits in October 2026: every tenth a merge of two, with trailers and tickets."""
    lines, tip = ["feature done"], ""
    start = 1790812800  # 2026-10-01T00:00:00Z
    for mark in range(1, size + 1):
        when = start + mark * 2_600_000 // size
        text = f"API-{mark}: change {mark} (#{mark})\n\nReviewed-by: Bo <bo@example.com>\n"
        body = f"{mark}\n"
        lines += ["commit refs/heads/main", f"mark :{mark}", f"author Ann <ann@example.com> {when} +0000"]
        lines += [f"committer Ann <ann@example.com> {when} +0000", f"data {len(text)}", text]
        lines += [f"from {tip}"] if tip else []
        lines += [f"merge :{mark - 2}"] if tip and mark % 10 == 0 and mark > 3 else []
        lines += [f"M 100644 inline src/{mark % 200}.py", f"data {len(body)}", body]
        tip = f":{mark}"
    return "\n".join([*lines, "done", ""]).encode()


def measure(size: int, rounds: int) -> dict[str, list[Cost]]:
    """The costs of each step over the rounds; the steps take turns."""
    soc2ev = [sys.executable, "-m", "soc2ev"]
    steps = {
        "git log": ["git", "--git-dir=repository.git", "log", "--format=%H%x00%P%x00%an%x00%ae%x00%cI%x00%B", "main"],
        "collect": [*soc2ev, "collect", "--period", MONTH],
        "check": [*soc2ev, "check", "--period", MONTH, "--format", "json"],
        "pack": [*soc2ev, "pack", "--period", MONTH],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in steps}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "soc2ev.yaml").write_text(CONFIG, encoding="utf-8")
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", "repository.git"], cwd=folder, check=True)
        subprocess.run(
            ["git", "fast-import", "--quiet"], cwd=folder / "repository.git", input=history(size), check=True
        )
        for _ in range(rounds):
            for name, words in steps.items():
                costs[name].append(run(words, folder))
        found = json.loads(costs["check"][-1].output)
        change = next(one for one in found["findings"] if one["control"] == "change-authorised-tested-approved")
        brought = {sha for item in change["items"] for sha in item["facts"]["commits"]}
        counted = run(["git", "--git-dir=repository.git", "rev-list", "main"], folder).output.decode().split()
        if brought != set(counted):
            raise SystemExit("the population is not what git has; no ratio is worth printing")
    return costs


def main() -> None:
    """Print one table for all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{'commits':>8} {'step':<8} {'median s':>9} {'x git log':>10} {'ms/commit':>10} {'peak MB':>8}")
    for size in map(int, given.sizes.split(",")):
        costs = measure(size, given.rounds)
        base = statistics.median(cost.seconds for cost in costs["git log"])
        for name, found in costs.items():
            median = statistics.median(cost.seconds for cost in found)
            peak = max(cost.megabytes for cost in found)
            print(
                f"{size:>8} {name:<8} {median:>9.3f} {median / base:>9.1f}x {1000 * median / size:>10.3f} {peak:>8.0f}"
            )


if __name__ == "__main__":
    main()
