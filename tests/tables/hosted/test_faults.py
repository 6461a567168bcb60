"""No fault at any endpoint turns an outcome into met, and none passes in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev import config, controls, period, sources, tables
from soc2ev.fetch import Fetch
from soc2ev.model import Conclusion, Finding
from soc2ev.vault import Vault, writer
from tests.fakes.github import faults
from tests.fakes.github.builder import rules
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.github.scenarios import SCENARIOS
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.server import GitHub

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
JUDGING = ("change-authorised-tested-approved", "deployment-traceable", "change-warning-signs")
Outcomes = dict[tuple[str, str], str]


def road(folder: Path, scenario: str, broken: Sequence[Fault] = ()) -> tuple[Outcomes, bool, list[str]]:
    """Outcomes by control with item and by letter, whether everything claims to be whole, and the endpoints that were asked."""
    findings, whole, asked = judged(folder, scenario, broken, JUDGING)
    outcomes = {
        (f"{finding.control.id} {item.id}", letter): result.outcome.value
        for finding in findings
        for item in finding.population.items
        for letter, result in item.outcomes.items()
    }
    return outcomes, whole, asked


def judged(
    folder: Path, scenario: str, broken: Sequence[Fault], names: Sequence[str]
) -> tuple[list[Finding], bool, list[str]]:
    """The findings of these controls, whether everything claims to be whole, and the endpoints that were asked."""
    folder.mkdir()
    story = SCENARIOS[scenario].build() if scenario in SCENARIOS else TOLD[scenario]()
    with GitHub(story.world, faults=list(broken)) as host:
        source = f"{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: TOKEN}}}}"
        text = "version: 1\norganisation: Example Co\nregisters: null\nscope: [{repository: acme/api}]\n"
        (folder / "soc2ev.yaml").write_text(f"{text}sources: {{github: [{source}]}}\n", encoding="utf-8")
        found, month = config.load(folder / "soc2ev.yaml"), period.parse("2026-10", "UTC", now=NOW)
        with writer(folder / "evidence", origin="test", now=lambda: NOW, tool="test") as vault:
            known = {"TOKEN": story.secret}
            fetch = Fetch(vault, environment=known, sleep=lambda _: None, now=lambda: NOW, workers=1)
            whole = all(entry.complete for entry in sources.collect(fetch, found, month))
        asked = [f"{seen.method} {seen.path}" for seen in host.requests]
    judging = [one for one in controls.builtin() if one.id in names]
    with tables.load(Vault.open(folder / "evidence"), found, month) as loaded:
        return list(controls.judge_all(judging, loaded)), whole, asked


def overridden() -> Story:
    """Classic protection that an administrator overrode to merge what had failed."""
    story = Story()
    story.api.it.rulesets.clear()
    story.api.protect(checks=(("test", None),))
    change = story.open()
    change.check(conclusion="FAILURE")
    change.approve(story.bob)
    change.merge(story.cat, "squash")
    at = int(story.now.timestamp() * 1000)
    event = {"@timestamp": at, "created_at": at, "action": "protected_branch.policy_override", "actor": "cat"}
    story.world.audit.append({**event, "repo": "acme/api", "org": "acme", "_document_id": "override-1"})
    return story


def pushed() -> Story:
    """A ruleset that was bypassed to merge what had failed, and by a push whose check ended after it."""
    story = Story()
    story.clean()
    story.tick(days=20)
    change = story.open(title="ABC-2 Red")
    change.check(conclusion="FAILURE")
    change.approve(story.bob)
    change.merge(story.cat, "squash", result="bypass")
    made = story.api.push(story.cat, {"src/app.py": "hotfix"}, "Fix it now")
    story.api.judged(story.api.it.activity[-1], "bypass", "pull_request")
    story.api.check(made.sha)
    story.tick(days=1)
    return story


def edited() -> Story:
    """A ruleset that was edited after a reviewed change."""
    story = Story()
    story.clean()
    story.api.edit_rules(story.rules, story.cat, rules=rules(1, ("lint",)))
    return story


def promoted() -> Story:
    """Two requests that landed on a branch of their own, of which nobody approved one, and went on from there."""
    story = Story()
    story.api.move("develop", story.api.head(), story.cat)
    for title, approved in (("ABC-1 Part", True), ("ABC-2 Part", False)):
        part = story.open(title=title, base="develop")
        part.check()
        if approved:
            part.approve(story.bob)
        part.merge(story.bob, "squash")
    whole = story.open(story.cat, "ABC-1 Release", branch="develop", head=story.api.head("develop"))
    whole.check()
    whole.approve(story.bob)
    whole.merge(story.cat)
    story.deploy()
    story.tick(days=3)
    return story


def delivered() -> Story:
    """A change that nobody reviewed, and a reviewed one, each with its deployment."""
    story = Story()
    story.open().merge(story.ann, "squash", result="bypass")
    story.deploy()
    story.clean()
    story.deploy()
    return story


def failed() -> Story:
    """A reviewed change that was deployed, and deployed again, which failed."""
    story = Story()
    story.clean()
    story.deploy(states=("in_progress", "failure"))
    return story


TOLD: dict[str, Callable[[], Story]] = {"overridden": overridden, "pushed": pushed, "edited": edited}
TOLD |= {"promoted": promoted, "delivered": delivered, "failed": failed}


def rewritten(change: Callable[[Any], Any], **where: Any) -> Fault:
    """An answer with status 200 whose content is another."""

    def apply(wire: Wire, _: Wire | None) -> Wire:
        headers = {name: value for name, value in wire.headers.items() if name != "Link"}
        return Wire(wire.status, headers, json.dumps(change(wire.json)).encode())

    return Fault("rewritten", apply, **{"times": None, **where})


def null_entries(told: Any) -> Any:
    """The first entry of every GraphQL list null, without an error."""
    if isinstance(told, dict):
        return {
            name: [None, *value[1:]] if name == "nodes" and value else null_entries(value)
            for name, value in told.items()
        }
    return [null_entries(one) for one in told] if isinstance(told, list) else told


def null_objects(told: Any, depth: int = 0) -> Any:
    """What a repository holds is null, without an error."""
    if not isinstance(told, dict):
        return told
    lost = depth > 1
    return {
        name: None if lost and isinstance(value, dict) else null_objects(value, depth + 1)
        for name, value in told.items()
    }


def within(*steps: str, is_now: Any) -> Callable[[Any], Any]:
    """What stands at the end of these names, in every entry of the lists on the way, is that value."""

    def change(told: Any, left: Sequence[str] = steps) -> Any:
        if isinstance(told, list):
            return [change(one, left) for one in told]
        if not isinstance(told, dict) or left[0] not in told:
            return told
        return {**told, left[0]: change(told[left[0]], left[1:]) if left[1:] else is_now}

    return change


def other_types(told: Any) -> Any:
    """Numbers as text, text as numbers."""
    if isinstance(told, dict):
        return {name: other_types(value) for name, value in told.items()}
    if isinstance(told, list):
        return [other_types(one) for one in told]
    return told if isinstance(told, bool) or told is None else str(told) if isinstance(told, int) else 7


def refused_branch(body: Any) -> Any:
    """FORBIDDEN for the default branch of a repository that is shown otherwise."""
    for alias, value in body["data"].items():
        if alias.startswith("r") and alias[1:].isdigit() and value:
            value["defaultBranchRef"] = None
            path = [alias, "defaultBranchRef"]
            error = {"type": "FORBIDDEN", "path": path, "message": "Resource not accessible by integration"}
            body.setdefault("errors", []).append(error)
    return body


def unchecked(told: Any) -> Any:
    """A ruleset whose rule of checks names none."""
    for rule in told["rules"]:
        if rule["type"] == "required_status_checks":
            rule["parameters"]["required_status_checks"] = []
    return told


API = "GET /repos/acme/api"
INDEX = ("data", "repository", "pullRequests", "nodes")
STATUSES = ("data", "repository", "deployments", "nodes", "statuses", "nodes")
CHECKS = ("data", "nodes", "mergeCommit", "statusCheckRollup", "contexts", "nodes")
ODD: dict[str, tuple[str, Fault]] = {
    "protection that fails": ("overridden", faults.status(500, on=f"{API}/branches/main/protection", times=None)),
    "protection without content": ("overridden", rewritten(lambda _: {}, on=f"{API}/branches/main/protection")),
    "protection of other types": ("overridden", rewritten(other_types, on=f"{API}/branches/main/protection")),
    "audit log of other types": ("overridden", rewritten(other_types, on="GET /orgs/acme/audit-log")),
    "no rules beside a ruleset": ("pushed", rewritten(lambda _: [], on=f"{API}/rules/branches/main")),
    "ruleset that asks for no checks": ("pushed", rewritten(unchecked, on=f"{API}/rulesets/[0-9]*")),
    "ruleset of other types": ("pushed", rewritten(other_types, on=f"{API}/rulesets/[0-9]*")),
    "newest move left out": ("pushed", rewritten(lambda rows: rows[1:], on=f"{API}/activity")),
    "history that fails": ("edited", faults.status(500, on=f"{API}/rulesets/*/history", times=None)),
    "branch refused": ("pushed", rewritten(refused_branch, on="POST /graphql")),
    "null entries beside the heads": ("pushed", rewritten(null_entries, on="POST /graphql", at=3)),
    "null entries of requests": ("pushed", rewritten(null_entries, on="POST /graphql", at=4)),
    "empty pages without end": ("pushed", faults.endless(on="POST /graphql", at=2)),
    "null objects": ("pushed", rewritten(null_objects, on="POST /graphql")),
    "index kept back": ("promoted", rewritten(within(*INDEX, is_now=[]), on="POST /graphql")),
    "checks of a part null": ("promoted", rewritten(within(*CHECKS, is_now=None), on="POST /graphql")),
    "statuses kept back": ("delivered", rewritten(within(*STATUSES, is_now=[]), on="POST /graphql")),
    "later deployments kept back": (
        "failed",
        rewritten(within(*STATUSES[:3], "totalCount", is_now=9), on="POST /graphql"),
    ),
    "later statuses kept back": (
        "failed",
        rewritten(within(*STATUSES[:5], "totalCount", is_now=9), on="POST /graphql"),
    ),
}
"""What a campaign over all endpoints found to be taken for met, or for nothing at all, or to end in a traceback."""


_CLEAN: dict[str, tuple[Outcomes, bool, list[str]]] = {}


@pytest.fixture
def cleanly(tmp_path: Path) -> Callable[[str], tuple[Outcomes, bool, list[str]]]:
    """What becomes of a world without a fault; asked once."""

    def ask(name: str) -> tuple[Outcomes, bool, list[str]]:
        if name not in _CLEAN:
            _CLEAN[name] = road(tmp_path / f"clean {name}", name)
        return _CLEAN[name]

    return ask


@pytest.mark.parametrize("name", ODD)
def test_no_odd_answer_is_met_or_silent(
    tmp_path: Path, cleanly: Callable[[str], tuple[Outcomes, bool, list[str]]], name: str
) -> None:
    """It only takes verdicts away, ends in no exception, and something says that it is not whole."""
    scenario, fault = ODD[name]
    clean, whole, usual = cleanly(scenario)
    assert whole
    outcomes, claimed, asked = road(tmp_path / "odd", scenario, [replace(fault)])
    assert len(asked) < 10 * len(usual)
    firm = ("met", "not applicable", "deviation")
    assert [] == [key for key, said in outcomes.items() if said in firm and clean.get(key) != said]
    assert not claimed


@pytest.mark.parametrize("name", [name for name in ODD if name.startswith("later ")])
def test_what_followed_a_failed_deployment_is_known_when_all_were_listed(
    tmp_path: Path, cleanly: Callable[[str], tuple[Outcomes, bool, list[str]]], name: str
) -> None:
    """A failure that nothing followed is a deviation; where something may be missing it is not known."""

    def fate(outcomes: Outcomes) -> list[str]:
        return [said for (item, letter), said in outcomes.items() if (item.split()[0], letter) == (JUDGING[1], "D")]

    scenario, fault = ODD[name]
    assert ["met", "deviation"] == fate(cleanly(scenario)[0])
    assert ["met", "not tested"] == fate(road(tmp_path / "odd", scenario, [replace(fault)])[0])


def test_rules_of_no_branch(tmp_path: Path) -> None:
    """A repository whose branch is not told has rules that nobody looked at: it is not without a branch of production."""
    nothing = rewritten(within("data", "r0", "defaultBranchRef", is_now=None), on="POST /graphql")
    names = ("change-authorised-tested-approved", "rules-in-force", "access-to-repositories", "evidence-settings-kept")
    findings, _, _ = judged(tmp_path / "odd", "edited", [nothing], names)
    assert {} == {
        one.control.id: one.conclusion.value for one in findings if one.conclusion is not Conclusion.INCOMPLETE
    }


def spots(asked: Sequence[str]) -> list[dict[str, Any]]:
    """Each REST endpoint for good, and each GraphQL request from there on."""
    rest = [{"on": one, "times": None} for one in dict.fromkeys(asked) if not one.endswith("/graphql")]
    return rest + [{"on": "POST /graphql", "at": place, "times": None} for place in range(1, 1 + _graphql(asked))]


def _graphql(asked: Sequence[str]) -> int:
    return sum(one.endswith("/graphql") for one in asked)


BOTH = ("matrix-clean", "matrix-stale-approval")
"""Both ask the same, so that each kind of fault breaks every other endpoint of the one and the rest of the other."""
LASTING = {"404": lambda **at: faults.status(404, **at), "html": faults.html, "gzip": faults.truncated_gzip}


def test_both_worlds_ask_the_same(cleanly: Callable[[str], tuple[Outcomes, bool, list[str]]]) -> None:
    """Then a kind of fault that is divided between them hits every endpoint."""
    (_, _, one), (_, _, other) = (cleanly(name) for name in BOTH)
    assert spots(one) == spots(other)


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("kind", LASTING)
def test_no_fault_is_met_or_silent(
    tmp_path: Path, cleanly: Callable[[str], tuple[Outcomes, bool, list[str]]], kind: str, half: int
) -> None:
    """What fails for good can only take verdicts away, and then something says that it is not whole."""
    scenario = BOTH[(half + list(LASTING).index(kind)) % 2]
    clean, whole, asked = cleanly(scenario)
    assert whole
    met = {key for key, outcome in clean.items() if outcome == "met"}
    wrong: list[Any] = []
    for number, spot in enumerate(spots(asked)[half::2]):
        outcomes, claimed, _ = road(tmp_path / str(number), scenario, [LASTING[kind](**spot)])
        wrong += [(spot, key) for key, outcome in outcomes.items() if outcome == "met" and key not in met]
        wrong += [(spot, "silent")] if claimed and outcomes != clean else []
    assert [] == wrong
