"""One repository is asked about many things at a time, and what comes of it does not depend on which comes first."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from soc2ev.sources.github import sizes
from tests.fakes.github import faults, tokens
from tests.fakes.github.builder import Company
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.github.large import large
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import World
from tests.sources.github.runs import SECRET, Run, collect

EVERYWHERE = "[{repository: 'acme/*'}]"


@dataclass
class Late(GitHub):
    """Takes its time with each answer, another one for each seed, and notes how many it is asked for at a time."""

    seed: int = 0
    most: int = 0
    under_way: int = 0

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Wire:
        """The answer, late."""
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        words = body + target.encode() + bytes([self.seed])
        time.sleep(random.Random(hashlib.sha256(words).digest()).random() * 0.02)
        try:
            return super().respond(method, target, headers, body)
        finally:
            with self._lock:
                self.under_way -= 1


@dataclass
class Hosts:
    """What the runs of a test are collected from."""

    seed: int = 0
    started: list[Late] = field(default_factory=list)

    def start(self, world: World, faults: Sequence[Fault] = ()) -> Late:
        """In place of the prompt one."""
        self.started.append(Late(world, faults, seed=self.seed))
        return self.started[-1]


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """Late servers, and pages and pieces so small that a small world takes many of each."""
    for name, size in {"details": 4, "merged": 8, "rest": 2}.items():
        monkeypatch.setitem(sizes._STARTS, name, size)
    monkeypatch.setattr(sizes, "_GOOD_BEFORE_GROWTH", 1_000)
    made = Hosts()
    monkeypatch.setattr("tests.sources.github.runs.GitHub", made.start)
    return made


def month() -> Company:
    """40 requests in one repository."""
    story = large(40, 3, 1)
    story.token(tokens.classic(SECRET, "root"))
    return story


def month_of(folder: Path, story: Company, **more: Any) -> Run:
    """A run in a folder of its own."""
    folder.mkdir(exist_ok=True)
    return collect(folder, story, **{"scope": EVERYWHERE, **more})


def contents(run: Run, server: GitHub) -> dict[str, str]:
    """What each stream and each table holds, in the order in which it is stored, and what was claimed."""
    found: dict[str, list[Any]] = {}
    for item, body in run.stored:
        if item.request.get("method") != "input":
            found.setdefault(item.stream, []).append((item.request, body, item.count))
    claims = [replace(one, run="", collected_at=None) for one in run.coverages.values()]
    port = str(server._server.server_port)
    return {name: str(value).replace(port, "") for name, value in {**found, **run.tables(), "": claims}.items()}


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_one_repository_keeps_all_workers_busy(tmp_path: Path, late: Hosts, workers: int) -> None:
    """And never are more requests under way."""
    run = month_of(tmp_path, month(), workers=workers)
    assert {} == run.incomplete
    (server,) = late.started
    # On a machine that is busy itself, the fourth may just miss the three others.
    assert workers - workers // 4 <= server.most <= workers


def test_more_workers_ask_nothing_more(tmp_path: Path, late: Hosts) -> None:
    """The same questions, in the same sizes, as one worker asks."""
    alone, beside = (month_of(tmp_path / str(workers), month(), workers=workers) for workers in (1, 4))
    assert alone.asked == beside.asked
    assert 7 < sum(item.request.get("role") == "details" for item, _ in beside.stored)


def test_what_comes_first_changes_nothing(tmp_path: Path, late: Hosts) -> None:
    """However long each answer takes: the same bodies in the same order in every stream, the same rows and claims."""
    found = []
    for late.seed in (1, 2, 3):
        run = month_of(tmp_path / str(late.seed), month())
        found.append(contents(run, late.started[-1]))
    assert [] == [name for name in found[0] if not found[0][name] == found[1][name] == found[2][name]]
    assert {"github:acme/service-0:pull-requests", "github_pull_requests", "github_commits"} <= found[0].keys()


@pytest.mark.parametrize("at", [1, 2, 9])
def test_an_answer_that_fails_is_asked_for_in_halves_and_the_others_count(tmp_path: Path, late: Hosts, at: int) -> None:
    """Of pieces that are under way beside it nothing is lost or asked for again."""
    story = month()
    calm = month_of(tmp_path / "calm", story)
    numbers = {row["number"] for row in calm.rows("github_pull_requests")}
    bad = faults.partial(("nodes", 0), on="POST /graphql")
    failing = Fault(bad.name, _nth_details(at, bad), on="POST /graphql", times=None)
    run = month_of(tmp_path / "bad", story, faults=[failing])
    assert {} == run.incomplete
    assert numbers == {row["number"] for row in run.rows("github_pull_requests")}
    assert 0 < run.requests - calm.requests <= 4


def _nth_details(number: int, fault: Fault) -> faults.Change:
    """That fault at so many answers with details, whatever else is asked beside them."""
    seen: list[int] = []

    def change(wire: Wire, previous: Wire | None) -> Wire:
        data = wire.json.get("data") or {}
        if not data.get("nodes") or "reviews" not in (data["nodes"][0] or {}):
            return wire
        seen.append(1)
        return fault.change(wire, previous) if len(seen) == number else wire

    return change


def test_an_endpoint_that_fails_for_good_is_soon_left_alone(tmp_path: Path, late: Hosts) -> None:
    """The first piece goes alone: once it shows that nothing comes, hardly anything more is asked; all that is stated."""
    story = month()
    calm = month_of(tmp_path / "calm", story)
    always = faults.status(502, on="POST /graphql", times=None)
    failing = Fault("no details", _all_details(always), on="POST /graphql", times=None)
    run = month_of(tmp_path / "bad", story, faults=[failing])
    entry = run.of("pull-requests", "acme/service-0")
    assert (False, 0, calm.of("pull-requests", "acme/service-0").expected) == (
        entry.complete,
        entry.fetched,
        entry.expected,
    )
    asked = [item for item, _ in run.stored if item.request.get("role") == "details"]
    assert 8 < len(asked) <= 40
    assert [] == [item for item in asked if item.count]


def _all_details(fault: Fault) -> faults.Change:
    def change(wire: Wire, previous: Wire | None) -> Wire:
        nodes = (wire.json.get("data") or {}).get("nodes")
        return fault.change(wire, previous) if nodes and "reviews" in nodes[0] else wire

    return change


def test_reasons_stand_in_an_order_of_their_own(tmp_path: Path, late: Hosts) -> None:
    """Not in that in which they were found."""
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    for number in range(12):
        story.clean(title=f"ABC-{number}")
    wrong = Fault("cut lists", _cut_short, on="POST /graphql", times=None)
    found = set()
    for late.seed in (1, 2, 3):
        run = month_of(tmp_path / str(late.seed), story, scope="[{repository: acme/api}]", faults=[wrong])
        found.add(run.of("pull-requests").reason)
    (reason,) = found
    assert 12 == (reason or "").count("GitHub does not list all its reviews")


def _cut_short(wire: Wire, _: Wire | None) -> Wire:
    """Every list of reviews names one more than it holds."""
    body = wire.json
    nodes = (body.get("data") or {}).get("nodes") or []
    for value in nodes:
        if "reviews" in (value or {}):
            value["reviews"]["totalCount"] += 1
    return replace(wire, body=faults.json.dumps(body).encode())


def test_the_longest_chains_begin_before_the_settings(late: Hosts, tmp_path: Path) -> None:
    """The rules may take a place that is free then; the other settings are asked for once these have answered."""
    month_of(tmp_path / "a", month())
    asked = list(late.started[-1].requests)
    index = [number for number, one in enumerate(asked) if {"owner", "name", "after", "first"} <= one.query.keys()]
    (moves, rules, others) = (
        [number for number, one in enumerate(asked) if part in one.path]
        for part in ("/activity", "/rules/branches/", "/environments")
    )
    assert max(index[0], moves[0], rules[0]) <= 4 < others[0] < index[-1]


def test_settings_are_read_where_nothing_was_merged(late: Hosts, tmp_path: Path) -> None:
    """Without any page of the index the rules are asked for as well."""
    story = Story()
    story.token(tokens.classic(SECRET, "cat"))
    run = month_of(tmp_path / "a", story)
    assert run.of("settings:rules").complete
