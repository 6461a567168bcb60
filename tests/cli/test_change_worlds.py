"""Small worlds of GitHub and Jira from collection to verified pack: what looks in order and is not, and the other way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc2ev import config, period, sources
from soc2ev.fetch import Fetch
from soc2ev.vault import writer
from tests.conftest import Run
from tests.fakes.github.faults import Fault, Wire, status
from tests.fakes.github.scenarios.story import SECRET, Story
from tests.fakes.github.server import GitHub
from tests.fakes.jira.server import Jira
from tests.fakes.jira.world import START, Person, World
from tests.sources.github.runs import Clock

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
CHANGES, DEPLOYMENTS, SIGNS = "change-authorised-tested-approved", "deployment-traceable", "change-warning-signs"
MONTH = ("--period", "2026-10")
HEADER = """id: people
kind: people
schema: 1
title: Who is who
owner: Cat Lead
criteria: [CC6.1]
prepared_by: Cat Lead
reviewed_by: Dana Roth
reviewed_on: 2026-09-01
status: approved
people:
  - {name: Lena Lead, github: [{login: lena, id: 999999}], jira: [id-lena]}
"""
Tell = Callable[[Story], object]


def collected(
    folder: Path,
    tell: Tell,
    faults: Sequence[Fault] = (),
    of_jira: Sequence[Fault] = (),
    scope: str = "[{repository: acme/api}]",
    months: Sequence[str] = ("2026-10",),
) -> None:
    """Evidence about that story, and about the ticket API-1, which Lena approved before it began."""
    story, tickets = Story(), World()
    tickets.token("jira-secret", user="me@acme.example")
    tickets.move(tickets.ticket("API-1", at=START), "Approved", Person("lena"))
    tell(story)
    story.world.now = max(story.now, NOW)
    people = [
        f"  - {{name: {one.name}, github: [{{login: {one.login}, id: {one.id}}}], jira: [id-{one.login}]}}\n"
        for one in story.world.accounts.values()
        if one.kind == "User"
    ]
    (folder / "registers").mkdir()
    (folder / "registers" / "people.yaml").write_text(HEADER + "".join(people), encoding="utf-8")
    with GitHub(story.world, faults=list(faults)) as host, Jira(tickets, faults=list(of_jira)) as jira:
        text = (
            f"version: 1\norganisation: Example Co\nvault: ./evidence\nscope: {scope}\nsources:\n"
            f"  github: [{{url: '{host.url}', graphql_url: '{host.graphql_url}', token: {{env: GH}}}}]\n"
            f"  jira: [{{url: '{jira.url}', user: {{env: WHO}}, token: {{env: JIRA}}, projects: [API]}}]\n"
        )
        (folder / "soc2ev.yaml").write_text(text, encoding="utf-8")
        found, clock = config.load(folder / "soc2ev.yaml"), Clock(story.now)
        known = {"GH": SECRET, "WHO": "me@acme.example", "JIRA": "jira-secret"}
        for month in months:
            with writer(folder / "evidence", origin="soc2ev/example/evidence", now=clock.now, tool="tests 1") as vault:
                fetch = Fetch(vault, environment=known, sleep=clock.sleep, now=clock.now, folder=folder)
                list(sources.collect(fetch, found, period.parse(month, "UTC", now=NOW)))


def checked(soc2ev: Run, folder: Path, control: str) -> list[dict[str, Any]]:
    """The items of a control, as `check --format json` prints them."""
    document = json.loads(soc2ev("check", *MONTH, "--format", "json", cwd=folder).out)
    (found,) = (one["items"] for one in document["findings"] if one["control"] == control)
    return list(found)


def outcomes(item: dict[str, Any]) -> dict[str, str]:
    """By letter."""
    return {letter: one["outcome"] for letter, one in item["outcomes"].items()}


def of_request(items: Sequence[dict[str, Any]], number: int) -> dict[str, str]:
    """The outcomes of the change that a pull request brought."""
    (found,) = (outcomes(one) for one in items if one["facts"]["pull_request"] == number)
    return found


@pytest.mark.parametrize("how", ["squash", "merge", "rebase"])
def test_who_let_a_fix_into_a_release_may_approve_its_way_back(soc2ev: Run, tmp_path: Path, how: str) -> None:
    """Pressing the button of an approved request makes nobody a maker; the pack re-performs to the same answer."""

    def tell(story: Story) -> None:
        story.api.move("release/1", story.api.head(), story.cat)
        fix = story.open(title="API-1 Fix", base="release/1", branch="fix")
        fix.push(story.ann, {"more.py": "1"}, "API-1 More")
        fix.check()
        fix.approve(story.cat)
        fix.merge(story.bob, how)
        head = story.api.head("release/1")
        back = story.api.open(story.cat, "API-1 Back to main", head=head, branch="release/1")
        back.check()
        back.approve(story.bob)
        back.merge(story.cat, "merge")
        story.deploy()

    collected(tmp_path, tell)
    found = of_request(checked(soc2ev, tmp_path, CHANGES), 2)
    assert dict.fromkeys("ABCDE", "met") == {letter: found[letter] for letter in "ABCDE"}
    if how != "merge":
        return
    packed = soc2ev("pack", *MONTH, "--format", "json", cwd=tmp_path)
    verified = json.loads(soc2ev("verify", json.loads(packed.out)["pack"], "--format", "json", cwd=tmp_path).out)
    assert (True, True, []) == (verified["ok"], verified["findings_reproduced"], verified["problems"])


def test_a_branch_and_what_it_was_renamed_to_share_nothing_out_twice(soc2ev: Run, tmp_path: Path) -> None:
    """With both names in the scope each change is of the name that the branch had then, with its own commits."""

    def tell(story: Story) -> None:
        story.clean(title="API-1 Before")
        held = story.api.head()
        story.api.move("trunk", held, story.cat)
        story.api.delete("main", story.cat)
        story.api.it.default_branch = "trunk"
        story.clean(title="API-1 After")

    collected(tmp_path, tell, scope="[{repository: acme/api, branches: [main, trunk]}]")
    found = checked(soc2ev, tmp_path, CHANGES)
    told = sorted(
        (one["facts"]["ref"], one["facts"]["pull_request"] or 0, len(one["facts"]["commits"])) for one in found
    )
    assert [("main", 0, 1), ("main", 1, 1), ("trunk", 2, 1)] == told


def test_an_approval_of_a_maker_is_no_bypass(soc2ev: Run, tmp_path: Path) -> None:
    """GitHub counts whoever may write: the change was not reviewed independently, and no rule was broken."""

    def tell(story: Story) -> None:
        made = story.open(title="API-1 Change")
        made.push(story.bob, {"more.py": "1"}, "API-1 More")
        made.check()
        made.approve(story.bob)
        made.merge(story.cat, "squash")

    collected(tmp_path, tell)
    found = of_request(checked(soc2ev, tmp_path, CHANGES), 1)
    assert {"C": "deviation", "E": "deviation", "F": "not applicable"} == {letter: found[letter] for letter in "CEF"}


def test_keys_that_stand_for_nothing_authorise_nothing(soc2ev: Run, tmp_path: Path) -> None:
    """A key in an address of something else, or named only to say that the change is not its, is no ticket."""
    titles = [
        "Follow https://wiki.example/pages/API-1.html",
        "Typo (not related to API-1)",
        "See https://acme.atlassian.net/browse/API-1",
        "Work of https://acme.atlassian.net/jira/boards/1?selectedIssue=API-1",
        "API-1 and https://wiki.example/pages/API-9.html",
    ]

    def tell(story: Story) -> None:
        for title in titles:
            story.reviewed(title=title).merge(story.bob, "squash")

    collected(tmp_path, tell)
    items = checked(soc2ev, tmp_path, CHANGES)
    expected = ["deviation", "deviation", "met", "met", "met"]
    assert expected == [of_request(items, number)["A"] for number, _ in enumerate(titles, 1)]


def test_a_commit_of_the_browser_comes_along_with_an_approved_request(soc2ev: Run, tmp_path: Path) -> None:
    """Its signature is GitHub's, and nobody looked at it."""

    def tell(story: Story) -> None:
        made = story.reviewed(title="API-1 Change")
        base, head = story.api.head(), made.it.head_sha
        edit = story.api.commit(story.ann, {"extra.py": "1"}, [head], "Edit", committer=story.platform, web=True)
        story.tick()
        story.api.move("main", edit.sha, story.ann)
        made._merged(story.ann, base, head)

    collected(tmp_path, tell)
    (found,) = (one for one in checked(soc2ev, tmp_path, CHANGES) if 1 == one["facts"]["pull_request"])
    assert dict.fromkeys("CDE", "deviation") == {letter: outcomes(found)[letter] for letter in "CDE"}
    assert found["id"] in soc2ev("show", found["id"], *MONTH, cwd=tmp_path).out


def test_a_record_without_any_move_does_not_empty_a_deployment(soc2ev: Run, tmp_path: Path) -> None:
    """Where the merges of the month are missing from the record, no deployment is said to have brought nothing."""

    def tell(story: Story) -> None:
        story.deploy()
        story.open(title="API-1 Unseen").merge(story.ann, "squash", result="bypass")
        story.deploy()

    def without_rows(wire: Wire, _: Wire | None) -> Wire:
        return Wire(200, {name: value for name, value in wire.headers.items() if name != "Link"}, b"[]")

    emptied = Fault("no rows", without_rows, on="GET /repos/acme/api/activity", times=None)
    collected(tmp_path, tell, [emptied])
    found = [outcomes(one)["B"] for one in checked(soc2ev, tmp_path, DEPLOYMENTS)]
    assert ["not tested", "not tested"] == found


def test_a_ticket_without_the_history_of_its_approval(soc2ev: Run, tmp_path: Path) -> None:
    """One that was changed since it was made, of which no change is told, was approved by nobody knows whom."""

    def without_changes(wire: Wire, _: Wire | None) -> Wire:
        return Wire(200, wire.headers, b'{"issueChangeLogs": []}')

    emptied = Fault("no changes", without_changes, on="POST /rest/api/3/changelog/bulkfetch", times=None)
    collected(
        tmp_path, lambda story: story.reviewed(title="API-1 Change").merge(story.bob, "squash"), of_jira=[emptied]
    )
    assert "not tested" == of_request(checked(soc2ev, tmp_path, CHANGES), 1)["A"]


def test_a_push_of_which_nobody_knows_when(soc2ev: Run, tmp_path: Path) -> None:
    """Without the record of moves nobody can tell whether a ticket had declared it an emergency by then."""
    collected(
        tmp_path,
        lambda story: story.api.push(story.ann, {"src/app.py": "2"}, "API-1 Quick fix"),
        [status(403, on="GET /repos/acme/api/activity", times=None)],
    )
    found = {one["facts"]["integration"]: outcomes(one)["F"] for one in checked(soc2ev, tmp_path, SIGNS)}
    assert {"direct_push": "not tested"} == found


def test_a_pack_carries_the_month_before_that_its_deployments_brought(soc2ev: Run, tmp_path: Path) -> None:
    """What October merged and November deployed is judged in November, and again from the pack alone."""

    def tell(story: Story) -> None:
        story.deploy()
        story.tick(days=25)
        story.reviewed(title="API-1 Late").merge(story.bob, "squash")
        story.tick(days=10)
        story.deploy()
        story.tick(days=40)

    scope = "[{repository: acme/api, mode: deploy}]"
    collected(tmp_path, tell, scope=scope, months=("2026-10", "2026-11"))
    november = ("--period", "2026-11")
    document = json.loads(soc2ev("check", *november, "--format", "json", cwd=tmp_path).out)
    (item,) = next(one["items"] for one in document["findings"] if one["control"] == CHANGES)
    assert ({"A": "met", "C": "met"}, ["1"]) == (
        {letter: item["outcomes"][letter]["outcome"] for letter in "AC"},
        item["facts"]["pull_requests"],
    )
    shown = soc2ev("show", item["id"], *november, cwd=tmp_path)
    assert ("API-1 Late" in shown.out, shown.err) == (True, "")
    packed = soc2ev("pack", *november, "--format", "json", cwd=tmp_path)
    verified = soc2ev("verify", json.loads(packed.out)["pack"], "--format", "json", cwd=tmp_path)
    told = json.loads(verified.out)
    assert (True, True, []) == (told["ok"], told["findings_reproduced"], told["problems"])
