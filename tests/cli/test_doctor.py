"""`soc2ev doctor` against a loopback GitHub: what each kind of token may see, what that costs, and what helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soc2ev.vault import Vault
from tests.conftest import Result, Run
from tests.fakes.github import tokens
from tests.fakes.github.faults import Fault, Wire, status
from tests.fakes.github.scenarios.story import Story
from tests.fakes.github.server import GitHub
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import World

SECRET = "github_pat_of_a_doctor"
ADMINISTRATION = {"protection", "rule suites", "workflow permissions"}


@pytest.fixture
def story() -> Story:
    """`acme/api` with a ruleset, one merged request and what a pipeline leaves."""
    made = Story()
    made.clean()
    return made


class Desk:
    """A folder with a configuration for a GitHub, and the command."""

    def __init__(self, soc2ev: Run, folder: Path, host: GitHub) -> None:
        self.soc2ev, self.folder, self.host = soc2ev, folder, host

    def doctor(self, *words: str, scope: str = "[{repository: acme/api}]") -> Result:
        """The command's result."""
        text = f"version: 1\norganisation: Example Co\nregisters: null\nscope: {scope}\n"
        text += f"sources: {{github: [{{url: '{self.host.url}', token: {{env: TOKEN}}}}]}}\n"
        (self.folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        return self.soc2ev("doctor", *words, cwd=self.folder)

    def told(self, code: int, **words: Any) -> dict[str, Any]:
        """What it says as JSON; the exit code is that one."""
        done = self.doctor("--format", "json", **words)
        assert code == done.code, done.err
        return json.loads(done.out)

    def seen(self, code: int, **words: Any) -> dict[str, str]:
        """What is visible of acme/api, by capability."""
        return {one["capability"]: one["visible"] for one in self.told(code, **words)["sights"]}


@pytest.fixture
def desk(soc2ev: Run, tmp_path: Path, story: Story, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose GitHub knows no token yet."""
    monkeypatch.setenv("TOKEN", SECRET)
    with GitHub(story.world) as host:
        yield Desk(soc2ev, tmp_path, host)


def refused(seen: dict[str, str]) -> set[str]:
    """The capabilities that are not visible."""
    return {name for name, visible in seen.items() if visible == "no"}


def test_an_administrator_s_classic_token_sees_everything_and_is_said_to_write(desk: Desk, story: Story) -> None:
    """Exit 0; the headers tell the token's kind, and that it can do more than read."""
    story.api.protect()
    story.token(tokens.classic(SECRET, "cat"))
    told = desk.told(0)
    assert {"yes"} == {one["visible"] for one in told["sights"]}
    assert 17 == len(told["sights"])
    (host,) = [one for one in told["parts"] if one["part"].startswith("github")]
    assert "warning" == host["state"]
    assert host["detail"].startswith("classic token; the token can write (repo)")


def test_a_reading_app_is_enough(desk: Desk, story: Story) -> None:
    """Bypass actors and histories, which reading tokens are never shown, do not make the command fail."""
    story.token(tokens.installation(SECRET, "collector"))
    assert {"bypass actors", "ruleset history"} == refused(desk.seen(0))


def test_a_fine_grained_token_lacks_checks_and_rule_suites(desk: Desk, story: Story) -> None:
    """Exit 4; each refusal names the permission of the answer, the letters that suffer and the fix."""
    story.token(tokens.fine_grained(SECRET, "cat"))
    told = desk.told(4)
    lost = {one["capability"]: one for one in told["sights"] if one["visible"] == "no"}
    assert {"checks", "rule suites", "bypass actors", "ruleset history"} == set(lost)
    assert "change-authorised-tested-approved B" == lost["checks"]["suffers"]
    assert "checks=read" == lost["checks"]["needs"]
    assert lost["checks"]["fix"].startswith("grant checks=read (fine-grained tokens cannot have it: use a GitHub App")
    (host,) = [one for one in told["parts"] if one["part"].startswith("github")]
    assert ("ok", "fine-grained token") == (host["state"], host["detail"])


def test_the_token_of_a_workflow_lacks_administration(desk: Desk, story: Story) -> None:
    """The matrix shows glyph and word, then what is not visible with letters and fix."""
    story.token(tokens.actions(SECRET, "acme/api"))
    done = desk.doctor()
    assert 4 == done.code
    lines = [line.split() for line in done.out.splitlines()]
    assert ["activity", "✓", "yes"] in lines
    assert ["protection", "✗", "no"] in lines
    assert "not visible" in done.out
    assert "administration=read" in done.out
    assert ADMINISTRATION <= refused(desk.seen(4))


def test_404_is_a_refusal_unless_it_says_that_nothing_is_there(desk: Desk, story: Story) -> None:
    """A writer's classic token gets 404 for what needs an administrator: that is no, with the known permission."""
    story.token(tokens.classic(SECRET, "ann"))
    told = desk.told(4)
    lost = {one["capability"]: one["needs"] for one in told["sights"] if one["visible"] == "no"}
    assert ADMINISTRATION <= set(lost)
    assert "administration=read" not in lost["protection"]
    assert "Administration: read" in lost["protection"]


def test_a_repository_that_is_hidden_is_the_only_question(desk: Desk, story: Story) -> None:
    """Nothing else is asked about it; the others are."""
    story.token(tokens.installation(SECRET, "collector", repositories=frozenset({"acme/api"})))
    story.repository("secret")
    told = desk.told(4, scope="[{repository: acme/api}, {repository: acme/secret}]")
    hidden = [one for one in told["sights"] if one["about"] == "acme/secret"]
    assert [("repositories", "no")] == [(one["capability"], one["visible"]) for one in hidden]
    assert "acme/secret" in hidden[0]["fix"]


def test_a_failing_endpoint_is_not_a_refusal(desk: Desk, story: Story) -> None:
    """A question that GitHub cannot answer is not known: neither seen nor refused."""
    story.token(tokens.installation(SECRET, "collector"))
    desk.host.faults = [status(410, on="GET */deployments", times=None)]
    assert "not known" == desk.seen(0)["deployments"]


def test_a_token_that_ends_is_said(desk: Desk, story: Story) -> None:
    """GitHub tells in a header when a token ends."""
    story.token(tokens.installation(SECRET, "collector"))
    header = {"github-authentication-token-expiration": "2126-12-01 10:00:00 UTC"}

    def add(wire: Wire, _: Wire | None) -> Wire:
        return Wire(wire.status, {**wire.headers, **header}, wire.body)

    desk.host.faults = [Fault("expiry", add, on="GET *", times=None)]
    (host,) = [one for one in desk.told(0)["parts"] if one["part"].startswith("github")]
    assert "the token ends on 2126-12-01" in host["detail"]


def test_the_token_is_shown_nowhere(desk: Desk, story: Story) -> None:
    """Neither the screen nor the vault holds it, whatever its kind."""
    story.token(tokens.fine_grained(SECRET, "cat"))
    done = desk.doctor()
    kept = b"".join(path.read_bytes() for path in (desk.folder / "evidence").rglob("*") if path.is_file())
    assert SECRET not in done.out + done.err
    assert SECRET.encode() not in kept


def test_answers_are_kept_and_stand_for_no_collection(desk: Desk, story: Story) -> None:
    """Every answer is evidence of what could be seen, and no coverage is stated for it."""
    story.token(tokens.installation(SECRET, "collector"))
    desk.doctor()
    vault = Vault.open(desk.folder / "evidence")
    streams = {item.stream for item in vault.items()}
    assert "github:acme/api:settings:capabilities" in streams
    assert [] == list(vault.coverages())


def test_one_small_question_for_each_capability(desk: Desk, story: Story) -> None:
    """Fifteen questions about a repository with a ruleset, each for one row."""
    story.token(tokens.installation(SECRET, "collector"))
    desk.doctor()
    asked = [seen for seen in desk.host.requests if seen.path != "/graphql"]
    assert 15 == len(asked)
    assert {"1"} == {seen.query["per_page"] for seen in asked if "per_page" in seen.query}


def test_a_missing_credential_is_a_matter_of_configuration(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and the variable is named."""
    monkeypatch.delenv("TOKEN")
    done = desk.doctor()
    assert 2 == done.code
    assert "TOKEN" in done.err


def test_a_screen_without_glyphs_has_words(desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the terminal knows ASCII only, marks fall back and the words stay."""
    from soc2ev.cli import console

    monkeypatch.setattr(console, "_ascii", lambda _: True)
    story.token(tokens.actions(SECRET, "acme/api"))
    done = desk.doctor()
    assert ["protection", "X", "no"] in [line.split() for line in done.out.splitlines()]
    assert done.out.isascii()


class Tracker:
    """A folder with a configuration for a Jira, and the command."""

    def __init__(self, soc2ev: Run, folder: Path) -> None:
        self.soc2ev, self.folder = soc2ev, folder

    def told(self, world: World, code: int, projects: str = "[API]") -> dict[str, tuple[str, str]]:
        """What is visible of the site, with the missing right, by capability; projects with their key."""
        with Jira(world) as host:
            text = "version: 1\norganisation: Example Co\nregisters: null\nsources:\n"
            text += f"  jira: [{{url: '{host.url}', token: {{env: TOKEN}}, projects: {projects}}}]\n"
            (self.folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
            done = self.soc2ev("doctor", "--format", "json", cwd=self.folder)
        assert code == done.code, done.err
        names = [(one, one["about"].rpartition(" ")[2]) for one in json.loads(done.out)["sights"]]
        return {
            f"{one['capability']} {key}" if one["capability"] == "projects" else one["capability"]: (
                one["visible"],
                one["needs"],
            )
            for one, key in names
        }


@pytest.fixture
def tracker(soc2ev: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    """A folder without GitHub."""
    monkeypatch.setenv("TOKEN", SECRET)
    return Tracker(soc2ev, tmp_path)


@pytest.mark.parametrize("cloud", [True, False])
def test_jira_shows_projects_tickets_histories_and_approvals(tracker: Tracker, *, cloud: bool) -> None:
    """Cloud and Data Center alike: a token that may read sees all of it."""
    world = World(cloud=cloud, paged_history=cloud)
    world.token(SECRET)
    ticket = world.ticket("API-1")
    world.approve(ticket, "approved")
    seen = tracker.told(world, 0)
    assert {"site", "projects API", "tickets", "histories", "service management"} == set(seen)
    assert {"yes"} == {visible for visible, _ in seen.values()}


def test_a_project_that_is_hidden_is_named(tracker: Tracker) -> None:
    """Jira calls a query about it bad: the project is not visible, and the other one is."""
    world = World()
    world.token(SECRET, hidden={"WEB"})
    world.ticket("API-1")
    seen = tracker.told(world, 4, "[API, WEB]")
    assert ("yes", "no") == (seen["projects API"][0], seen["projects WEB"][0])
    assert "Browse projects" in seen["projects WEB"][1]


def test_jira_that_does_not_know_the_token_is_asked_nothing_else(tracker: Tracker) -> None:
    """It would answer as to a stranger."""
    world = World()
    world.token("another-secret")
    assert {"site": "no"} == {name: visible for name, (visible, _) in tracker.told(world, 4).items()}


def test_approvals_need_an_agent(tracker: Tracker) -> None:
    """403 is a refusal; that an ordinary ticket has no approvals is none."""
    world = World()
    token = world.token(SECRET, agent=False)
    world.approve(world.ticket("API-1"), "approved")
    assert "no" == tracker.told(world, 4)["service management"][0]
    token.agent = True
    world.tickets[0].request = False
    assert "not known" == tracker.told(world, 0)["service management"][0]


def test_without_tickets_histories_are_not_known(tracker: Tracker) -> None:
    """Nothing to ask about is neither seen nor refused."""
    world = World()
    world.token(SECRET)
    seen = tracker.told(world, 0)
    assert ("yes", "not known") == (seen["tickets"][0], seen["histories"][0])
