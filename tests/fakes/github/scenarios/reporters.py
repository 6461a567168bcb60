"""Who reported a check, when, and what was said before: statuses, Apps, attempts."""

from __future__ import annotations

from typing import Any

from tests.fakes.github.change import merge_queue
from tests.fakes.github.scenarios.story import DEVIATION, MET, Story, scenario


def _require(s: Story, **check: Any) -> None:
    """The rules ask for that check instead of `test`."""
    for rule in s.rules.rules:
        if rule["type"] == "required_status_checks":
            rule["parameters"]["required_status_checks"] = [check]


@scenario("status-by-the-app-that-must", B=MET)
def by_app(s: Story) -> None:
    """The rule names an App that reports commit statuses, and its bot set the status."""
    app = s.app("circle-ci", 777)
    _require(s, context="ci/test", integration_id=app.id)
    change = s.open()
    s.api.status(change.it.head_sha, "ci/test", by=s.bot("circle-ci[bot]"))
    change.approve(s.bob)
    change.merge(s.bob, "squash")


@scenario("status-by-a-person-where-an-app-must", "CHECK_OF_OTHER_APP", B=DEVIATION)
def by_person(s: Story) -> None:
    """The rule names an App, and a person set a status of that name."""
    app = s.app("circle-ci", 777)
    _require(s, context="ci/test", integration_id=app.id)
    change = s.open()
    s.api.status(change.it.head_sha, "ci/test", by=s.ann)
    change.approve(s.bob)
    change.merge(s.bob, "squash", result="bypass")


@scenario("status-by-another-app", "CHECK_OF_OTHER_APP", B=DEVIATION)
def by_other_app(s: Story) -> None:
    """The rule names an App, and another App's bot set a status of that name."""
    app = s.app("circle-ci", 777)
    s.app("forger", 778)
    _require(s, context="ci/test", integration_id=app.id)
    change = s.open()
    s.api.status(change.it.head_sha, "ci/test", by=s.bot("forger[bot]"))
    change.approve(s.bob)
    change.merge(s.bob, "squash", result="bypass")


@scenario("status-set-again-after-the-merge", B=MET)
def set_again(s: Story) -> None:
    """A required status was green before the merge and was set again afterwards."""
    _require(s, context="ci/test")
    change = s.open()
    s.api.status(change.it.head_sha, "ci/test", by=s.ann)
    change.approve(s.bob)
    change.merge(s.bob, "squash")
    s.tick(hours=1)
    s.api.status(change.it.head_sha, "ci/test", "FAILURE", by=s.ann)


@scenario("status-green-only-after-the-merge", B=DEVIATION)
def green_late(s: Story) -> None:
    """A required status was red at the merge and was made green afterwards."""
    _require(s, context="ci/test")
    change = s.open()
    s.api.status(change.it.head_sha, "ci/test", "FAILURE", by=s.ann)
    change.approve(s.bob)
    change.merge(s.cat, "squash", result="bypass")
    s.tick(hours=1)
    s.api.status(change.it.head_sha, "ci/test", by=s.ann)


@scenario("check-dated-back-by-its-app", "CHECK_AFTER_MERGE", B=DEVIATION)
def dated_back(s: Story) -> None:
    """An App reported a check the day after the merge and stated that it had ended before."""
    _require(s, context="test")
    change = s.open()
    change.approve(s.bob)
    before = s.now
    change.merge(s.cat, "squash", result="bypass")
    s.tick(days=1)
    late = change.check(app=s.app("forger"))
    late.started_at = late.completed_at = before


@scenario("queue-tested-again-after-the-merge", B=MET)
def queue_again(s: Story) -> None:
    """What the queue landed was green, and its test ran once more the day after."""
    change = s.reviewed()
    change.enqueue(s.bob)
    landed = merge_queue([change])
    s.tick(days=1)
    s.api.check(landed[-1].sha, event="merge_group")
