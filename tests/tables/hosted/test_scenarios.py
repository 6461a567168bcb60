"""Every named world on the whole road: collected, stored, loaded and judged, with the outcomes that its case asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from soc2ev import config, controls, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.model import Control, Item
from soc2ev.vault import Vault, writer
from tests.fakes.github.scenarios import SCENARIOS, Story
from tests.fakes.github.server import GitHub
from tests.sources.github.runs import Clock

TICKETS = frozenset("A")
"""Letters that need a ticket system beside GitHub: the tests of Jira's evidence judge them."""
TICKET_FLAGS = frozenset({"TICKET_BACKFILLED"})
"""Flags that only tickets give."""
ELSEWHERE = {
    "matrix-rollback": "a deployment of an older state is an item of the control of deployments where changes are merges"
}
"""Cases that are no change of a production branch, with the reason: their worlds are judged without their letters."""
STRICT = "checks: {accept: [success]}"
STANDARD = "bots: {standard_change: [{authors: ['dependabot[bot]'], paths: [poetry.lock], document: STD-1}]}"
POLICIES = {
    "matrix-skipped-check": STRICT,
    "edge-27-skipped-check": STRICT,
    "edge-27-neutral-check": STRICT,
    "matrix-standard-change": STANDARD,
    "matrix-standard-change-void": STANDARD,
    "edge-43-bot-with-human-commit": STANDARD,
}
"""Where a case is about another policy than the default one."""
BRANCHES = {"edge-21-production-branch": "[release]", "edge-45-same-patch-twice": "[main, release/1]"}
"""Where production is not the default branch alone."""
PEOPLE = {"edge-10-second-account": {"Ann": ("ann", "ann-private"), "Bob": ("bob",)}}
"""Where the register of people says whose an account is: logins by person."""
HEADER = """id: people
kind: people
schema: 1
title: Who is who
owner: Cleo
criteria: [CC6.1]
prepared_by: Cleo
reviewed_by: Dora
reviewed_on: 2026-09-30
status: approved
"""
LETTERED = [name for name, one in SCENARIOS.items() if set(one.expects) - TICKETS and name not in ELSEWHERE]


@pytest.fixture(scope="module")
def control() -> Control:
    """The control of changes."""
    (file,) = Path(controls.__file__).parent.glob("change-authorised-tested-approved.yaml")
    return controls.read(file, origin="builtin")


def registered(folder: Path, story: Story, people: Mapping[str, Sequence[str]]) -> None:
    """The register of people."""
    lines = [HEADER, "people:"]
    for person, logins in people.items():
        known = [f"{{login: {login}, id: {story.person(login).id}}}" for login in logins]
        lines.append(f"  - {{name: {person}, github: [{', '.join(known)}]}}")
    (folder / "registers").mkdir()
    (folder / "registers" / "people.yaml").write_text("\n".join(lines), encoding="utf-8")


def configured(folder: Path, host: GitHub, name: str, branches: str) -> config.Settings:
    """The configuration for a scenario."""
    registers = "./registers" if name in PEOPLE else "null"
    scope = f"{{repository: 'acme/*', branches: {branches}, environments: ['prod*']}}"
    told = f"{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: TOKEN}}}}"
    policy = f"{{{POLICIES[name]}}}" if name in POLICIES else "{}"
    text = f"version: 1\norganisation: Example Co\nregisters: {registers}\nscope: [{scope}]\nsources: {{github: [{told}]}}\n"
    (folder / "soc2ev.yaml").write_text(f"{text}policy: {policy}\n", encoding="utf-8")
    return config.load(folder / "soc2ev.yaml")


def collected(folder: Path, story: Story, found: config.Settings, month: period.Period) -> None:
    """A run, in a world whose time goes on only while the run waits."""
    clock = Clock(story.world.now)
    with writer(folder / "evidence", origin="soc2ev/example/evidence", now=clock.now, tool="tests 1") as vault:
        fetch = Fetch(vault, environment={"TOKEN": story.secret}, sleep=clock.sleep, now=clock.now)
        for _ in sources.collect(fetch, found, month):
            pass


def judged(folder: Path, name: str, control: Control, branches: str = "") -> list[Item]:
    """The items of a scenario's world, but for the commits that repositories were founded with."""
    story = SCENARIOS[name].build()
    if name in PEOPLE:
        registered(folder, story, PEOPLE[name])
    month = period.parse("2026-10", "UTC", now=story.world.now)
    with GitHub(story.world, faults=story.faults) as host:
        found = configured(folder, host, name, branches or BRANCHES.get(name, "[]"))
        collected(folder, story, found, month)
    with tables.load(Vault.open(folder / "evidence"), found, month) as loaded:
        (finding,) = controls.judge_all([control], loaded)
    commits = [one for home in story.world.repositories.values() for one in home.commits.values()]
    founding = {one.sha for one in commits if not one.parents}
    return [
        one for one in finding.population.items if not {*one.facts["commits"]} <= founding or not one.facts["commits"]
    ]


@pytest.mark.parametrize("name", LETTERED)
def test_the_case_has_its_outcomes(name: str, tmp_path: Path, control: Control) -> None:
    """Some change of the world has all letters that the case decides, and all its flags."""
    case = SCENARIOS[name]
    letters = {letter: outcome for letter, outcome in case.expects.items() if letter not in TICKETS}
    flags = set(case.flags) - TICKET_FLAGS
    found = [
        ({letter: one.outcomes[letter].outcome.value for letter in letters}, flags & {*one.facts["flags"]})
        for one in judged(tmp_path, name, control)
    ]
    assert (letters, flags) in found


@pytest.mark.parametrize("branches", ["[]", "[trunk]"])
def test_a_renamed_branch_keeps_what_it_held(branches: str, tmp_path: Path, control: Control) -> None:
    """The branch that the default one was renamed to brings nothing new, whether the scope names it or follows."""
    assert [] == judged(tmp_path, "edge-21-production-branch", control, branches)


def test_a_branch_cut_from_another_begins_with_what_that_held(tmp_path: Path, control: Control) -> None:
    """Cutting a release branch brings nothing that the other production branch had not, so it is no change."""
    found = judged(tmp_path, "edge-21-branch-cut", control, "[main, release/1]")
    assert [("main", 1), ("release/1", 2)] == sorted((one.facts["ref"], one.facts["pull_request"]) for one in found)


def test_every_case_is_judged_or_left_with_a_reason() -> None:
    """What is left to other tests decides letters of tickets alone, or is named with its reason."""
    left = set(SCENARIOS) - set(LETTERED) - set(ELSEWHERE)
    assert {name for name in left if set(SCENARIOS[name].expects) <= TICKETS} == left
    assert all(ELSEWHERE.values())
