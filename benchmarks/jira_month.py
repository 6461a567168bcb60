"""
What a month of tickets costs to collect from Jira, in requests that the server counted.

A loopback Jira, Data Center and Cloud, holds tickets of two projects with their changes. Once the projects are
configured, so that the tickets are listed; once nothing but keys is known, as where changes name tickets of any
project. What was collected has to be everything that the server holds before a figure is printed.

    python benchmarks/jira_month.py [--tickets 2000 10000]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 0.02
"""Requests for each ticket, at most."""
SECRET = "benchmark-secret"
MAIN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from soc2ev import config, period
from soc2ev.fetch import Fetch
from soc2ev.sources import jira
from soc2ev.vault import writer
folder, keys = Path(sys.argv[1]), Path(sys.argv[2]).read_text().split()
now = lambda: datetime(2026, 11, 3, tzinfo=UTC)
with writer(folder / "vault", origin="soc2ev/benchmark/evidence", now=now, tool="benchmark 1") as vault:
    fetch = Fetch(vault, environment={"TOKEN": "benchmark-secret"}, now=now)
    fetch.mention("ticket", keys)
    for one in jira.collect(fetch, config.load(folder / "soc2ev.yaml"), period.parse("2026-10")):
        print(one.stream.rpartition(":")[2], one.fetched, one.complete, one.reason or "", sep="\\t")
"""
sys.path.insert(0, str(ROOT))

from tests.fakes.jira.server import Jira  # noqa: E402  the loopback server of the tests
from tests.fakes.jira.world import Person, Ticket, World  # noqa: E402


@dataclass(frozen=True)
class Cost:
    """One collection."""

    requests: int
    tickets: int
    events: int
    seconds: float


def month(tickets: int, *, cloud: bool) -> World:
    """Tickets of one month, each with one to six changes; the same for each number."""
    chance = random.Random(tickets)
    world = World(cloud=cloud)
    world.token(SECRET)
    pace, people = timedelta(days=27) / tickets, [Person(f"dev{number}") for number in range(12)]
    begun = world.ticket("API-1").created
    world.tickets.clear()
    for number in range(1, tickets + 1):
        project = "API" if number % 2 else "WEB"
        _live(world, world.ticket(f"{project}-{number}", at=begun + pace * number), people, chance)
    return world


def _live(world: World, ticket: Ticket, people: list[Person], chance: random.Random) -> None:
    ticket.description = "What and why. " * 20
    for number in range(chance.randrange(4)):
        world.edit(ticket, "summary", f"Draft {number}", f"Draft {number + 1}", chance.choice(people), hours=0.1)
    for status in ("In Review", "Approved", "Done")[: chance.randrange(1, 4)]:
        world.move(ticket, status, chance.choice(people))


def collect(world: World, *, listed: bool) -> Cost:
    """Collect everything in a process of its own."""
    with Jira(world) as host, tempfile.TemporaryDirectory() as name:
        folder, keys = Path(name), Path(name) / "keys"
        keys.write_text("" if listed else " ".join(ticket.key for ticket in world.tickets), encoding="utf-8")
        site = f"{{url: '{host.url}', token: {{env: TOKEN}}, projects: {json.dumps(['API', 'WEB'] if listed else [])}}}"
        text = f"version: 1\norganisation: Benchmark\nregisters: null\nsources: {{jira: [{site}]}}\n"
        (folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        began = time.perf_counter()
        words = [sys.executable, "-c", MAIN, str(folder), str(keys)]
        done = subprocess.run(words, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True)
        seconds, rows = time.perf_counter() - began, [line.split("\t") for line in done.stdout.splitlines()]
        if lost := [row for row in rows if row[2] != "True"]:
            raise SystemExit(f"not everything was collected: {lost}")
        fetched = {row[0]: int(row[1]) for row in rows}
        return Cost(len(host.requests), fetched["tickets"], fetched["histories"], seconds)


def report(tickets: int, *, cloud: bool, listed: bool) -> bool:
    """Measure and print; whether the limit holds."""
    world = month(tickets, cloud=cloud)
    cost = collect(world, listed=listed)
    changes = sum(1 for ticket in world.tickets for _ in ticket.events)
    if (tickets, changes) != (cost.tickets, cost.events):
        raise SystemExit(f"{cost.tickets} tickets with {cost.events} changes came, not {tickets} with {changes}")
    share, kind = cost.requests / tickets, "Cloud" if cloud else "Data Center"
    how = "listed" if listed else "by key"
    held = "holds" if share <= LIMIT else "MISSED"
    told = f"{cost.requests:>4} requests {share:.4f} each, {cost.seconds:.1f} s; {held}"
    print(f"{kind:11} {how:6} {tickets:>6} tickets {told}", flush=True)
    return share <= LIMIT


def main() -> None:
    """Parse the command line and report; exit 1 when a figure is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, nargs="+", default=[2_000, 10_000])
    given = parser.parse_args()
    cases = [
        (tickets, cloud, listed) for tickets in given.tickets for cloud in (False, True) for listed in (True, False)
    ]
    print(f"requests that the server counted; limit {LIMIT} for each ticket")
    held = [report(tickets, cloud=cloud, listed=listed) for tickets, cloud, listed in cases]
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
