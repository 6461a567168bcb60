"""
What a month of a large project costs to collect and judge, beside a plain loop of requests, in one run.

A loopback GitHub serves the same month to both: soc2ev collects all of it; the loop asks as usual tools do (a page of
the list, then the request, its reviews, its commits and the checks of its head one by one) for a share of it. Requests
are counted at the server. What the loop saw has to be among what soc2ev judged before a ratio is printed.

The wall time of the collection is compared with the least that its requests can take: requests x latency / workers. The
server needs time of its own for each answer, mostly on one core: what its answers really took is printed beside it, and
how long it was between the first request and the last answer, without the start and the end of the process. The modules
are compiled before, as those of an installed package are.

    python benchmarks/github_month.py [--requests 10000] [--latency 0.5] [--repositories 4] [--loop 100]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECRET = "large-secret"
LOOP = 100
"""Pull requests that the plain loop asks about unless told otherwise; it grows in proportion."""
WORKERS = 4
"""How many requests a collection has under way at a time: what `Fetch` allows unless told otherwise."""
LIMITS = {"points an hour": 5000, "per pull request": 0.05, "per repository": 15, "wall": 1.25, "megabytes": 400}
SERVER = """
import json, sys, time
from tests.fakes.github.large import large
from tests.fakes.github.server import GitHub
took, spans = [], []
class Timed(GitHub):
    def respond(self, *asked):
        began = time.monotonic()
        try:
            return super().respond(*asked)
        finally:
            ended = time.monotonic() + self.latency
            took.append(ended - began)
            spans.append((began, ended))
requests, repositories, latency = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
story = large(requests, 7, repositories)
for repo in story.repos.values():
    repo.it.collaborators["root"] = "admin"
with Timed(story.world, latency=latency) as host:
    print(json.dumps({"url": host.url, "graphql": host.graphql_url}), flush=True)
    for line in sys.stdin:
        asking = max(ended for _, ended in spans) - min(began for began, _ in spans) if spans else 0.0
        spans.clear()
        points = host.points()["/graphql"]
        told = {"requests": len(host.requests), "seconds": sum(took), "asking": asking, "points": points}
        print(json.dumps(told), flush=True)
"""


@dataclass(frozen=True)
class Cost:
    """One finished command."""

    seconds: float
    cpu: float
    megabytes: float
    output: bytes
    requests: int
    answering: float
    """Seconds that the server took for all answers together."""
    asking: float
    """Seconds from the first request to the last answer."""
    points: int
    """Points that its GraphQL questions cost."""


class Host:
    """The server, in a process of its own so that its work is not counted as ours."""

    def __init__(self, requests: int, repositories: int, latency: float) -> None:
        words = [sys.executable, "-c", SERVER, str(requests), str(repositories), str(latency)]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addresses = self._answer()

    def requests(self) -> int:
        """How many requests have arrived so far."""
        return int(self.spent()["requests"])

    def spent(self) -> dict[str, float]:
        """Requests so far, the seconds that their answers took, and from first to last since this was asked before."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return {name: float(value) for name, value in self._answer().items()}

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()

    def _answer(self) -> dict[str, str]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


def compiled(folder: Path) -> dict[str, str]:
    """An environment in which the modules are compiled already, into that folder."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = {**kept, "TOKEN": SECRET, "PYTHONPYCACHEPREFIX": str(folder)}
    whole = ("soc2ev", "annotated_types", "click", "pydantic", "requests", "rich", "typer", "urllib3", "yaml")
    folders = [str(Path(spec.origin).parent) for name in whole if (spec := find_spec(name)) and spec.origin]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], cwd=ROOT, env=found, check=True)
    # Those of the standard library, and single modules of other packages, are compiled as they are imported.
    words = [
        sys.executable,
        "-c",
        "import soc2ev.sources.github.collect, soc2ev.cli, soc2ev.vault, requests, rich.table",
    ]
    subprocess.run(words, cwd=ROOT, env=found, check=True)
    return found


def run(words: list[str], folder: Path, host: Host, environment: dict[str, str]) -> Cost:
    """Run a command to its end; what it took of time, memory and requests. Exit 5 is an answer too."""
    before, started = host.spent(), time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(words, cwd=folder, stdout=output, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"{' '.join(words[2:])} ended with {os.waitstatus_to_exitcode(status)}")
        cpu = usage.ru_utime + usage.ru_stime
        after = host.spent()
        asked, answering = int(after["requests"] - before["requests"]), after["seconds"] - before["seconds"]
        points = int(after["points"] - before["points"])
        return Cost(seconds, cpu, usage.ru_maxrss / 1024, output.read(), asked, answering, after["asking"], points)


def loop(host: Host, repositories: int, most: int) -> tuple[set[str], float, int]:
    """A plain loop over the first pull requests of each repository: what it saw, its seconds and requests."""
    import requests  # noqa: TID251  the peer that is measured

    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {SECRET}"
    before, started, seen = host.requests(), time.perf_counter(), set()

    def get(path: str) -> list[dict[str, object]] | dict[str, object]:
        reply = session.get(f"{host.addresses['url']}/repos/acme/{path}", timeout=60)
        reply.raise_for_status()
        found: list[dict[str, object]] | dict[str, object] = reply.json()
        return found

    for number in range(repositories):
        name = f"service-{number}"
        listed = get(f"{name}/pulls?state=closed&direction=asc&per_page={max(most // repositories, 1)}")
        for one in listed if isinstance(listed, list) else []:
            whole = get(f"{name}/pulls/{one['number']}")
            get(f"{name}/pulls/{one['number']}/reviews?per_page=100")
            get(f"{name}/pulls/{one['number']}/commits?per_page=100")
            head = whole["head"] if isinstance(whole, dict) else {}
            get(f"{name}/commits/{head['sha']}/check-runs?per_page=100")  # type: ignore[index]
            seen.add(f"acme/{name}#{one['number']}")
    return seen, time.perf_counter() - started, host.requests() - before


def judged(output: bytes) -> set[str]:
    """The pull requests that `check` judged."""
    control = "change-authorised-tested-approved"
    finding = next(one for one in json.loads(output)["findings"] if one["control"] == control)
    if not finding["population"]["complete"]:
        raise SystemExit("the population is not complete: a ratio would say nothing")
    return {
        f"{item['facts']['repository']}#{number}"
        for item in finding["items"]
        for number in item["facts"]["pull_requests"] or ()
    }


def report(count: int, repositories: int, latency: float, most: int) -> None:
    """Measure and print."""
    host = Host(count, repositories, latency)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder, environment = Path(name), compiled(Path(name) / "compiled")
            source = (
                f"{{url: '{host.addresses['url']}', graphql_url: '{host.addresses['graphql']}', token: {{env: TOKEN}}}}"
            )
            text = "version: 1\norganisation: Benchmark\nregisters: null\nscope: [{repository: 'acme/*'}]\n"
            (folder / "soc2ev.yaml").write_text(f"{text}sources: {{github: [{source}]}}\n", encoding="utf-8")
            soc2ev = [sys.executable, "-m", "soc2ev"]
            month = ["--period", "2026-10"]
            collected = run([*soc2ev, "collect", *month], folder, host, environment)
            again = run([*soc2ev, "collect", *month], folder, host, environment)
            checked = run([*soc2ev, "check", *month, "--format", "json"], folder, host, environment)
        seen, seconds, asked = loop(host, repositories, most)
    finally:
        host.close()
    found = judged(checked.output)
    if missing := sorted(seen - found):
        raise SystemExit(f"the loop saw {missing[:3]} and soc2ev did not")
    allowed = LIMITS["per pull request"] * len(found) + LIMITS["per repository"] * repositories
    ideal = collected.requests * latency / WORKERS
    print(f"{len(found)} pull requests in {repositories} repositories, {latency * 1000:.0f} ms for each request")
    share = collected.requests / len(found)
    print(f"collect       {collected.requests} requests, {share:.4f} each; allowed {allowed:.0f}")
    print(f"              {collected.points} points of GraphQL; a user has {LIMITS['points an hour']} an hour")
    print(f"              {collected.seconds:.1f} s wall, {collected.cpu:.1f} s CPU, {collected.megabytes:.0f} MB")
    if latency:
        ratio, limit = collected.seconds / ideal, LIMITS["wall"]
        print(f"              {ratio:.2f} x (requests x latency / {WORKERS} at a time = {ideal:.1f} s); limit {limit}")
        asking = collected.asking
        print(f"              {asking / ideal:.2f} x (from the first request to the last answer = {asking:.1f} s)")
        least = collected.answering / WORKERS
        print(f"              {collected.seconds / least:.2f} x (what the answers took / {WORKERS} = {least:.1f} s)")
    print(f"collect again {again.requests} requests, {again.seconds:.1f} s")
    print(f"check         {checked.seconds:.1f} s wall, {checked.megabytes:.0f} MB (limit {LIMITS['megabytes']})")
    each = asked / len(seen)
    print(f"plain loop    {each:.2f} requests for each: {each / share:.0f} times as many;")
    print(f"              {seconds / len(seen) * len(found):.0f} s for all of them at this pace")


def main() -> None:
    """Parse the command line and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--repositories", type=int, default=4)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that the server waits before each answer")
    parser.add_argument("--loop", type=int, default=LOOP, help="pull requests that the plain loop asks about")
    given = parser.parse_args()
    report(given.requests, given.repositories, given.latency, given.loop)


if __name__ == "__main__":
    main()
