"""Facts of logging that changed between two collections, and the changes that explain them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from soc2ev.model import Coverage, EvidenceItem
from soc2ev.tables.logs import drift, readings
from soc2ev.vault import Vault
from tests.tables.logs.collected import OCTOBER, claim, filled

STREAM = "logs:loki:prod:sources"
WHOLE = Coverage(
    "git:acme/api:main:commits", OCTOBER, 1, 1, complete=True, run="g", collected_at=datetime(2026, 11, 2, tzinfo=UTC)
)
CHANGE = {"item": "acme/api@1", "integrated_at": datetime(2026, 10, 8, tzinfo=UTC), "kinds": [], "title": "Limits"}
APPROVED = {"item": "acme/api@1", "review_applies": True, "final_content_approved": True, "emergency": False}
Row = Mapping[str, Any]


@dataclass
class Kept:
    """A vault with one body for each run: its rows as JSON."""

    bodies: Mapping[str, list[tuple[str, Row]]]

    def items(self) -> Iterator[EvidenceItem]:
        """One body a run."""
        for run in self.bodies:
            body = json.dumps(self.bodies[run]).encode()
            digest = f"sha256:{hashlib.sha256(run.encode()).hexdigest()}"
            yield cast("EvidenceItem", _Item("logs", run, STREAM, digest, body))

    def read(self, digest: str) -> bytes:
        """The body of that digest."""
        return next(cast("_Item", item).body for item in self.items() if item.digest == digest)


@dataclass
class _Item:
    source: str
    run: str
    stream: str
    digest: str
    body: bytes


@pytest.fixture(autouse=True)
def _plain_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are rows as they are: how a record becomes rows is not the matter of these tests."""
    monkeypatch.setattr(readings, "rows", lambda _, body: [(table, row) for table, row in json.loads(body)])


def read(**facts: Any) -> tuple[str, Row]:
    """A source with these facts."""
    return "collected_log_sources", {"key": "loki:prod", **facts}


def drifted(*read_: list[tuple[str, Row]], changes: tuple[Row, ...] = (), **given: Any) -> list[dict[str, Any]]:
    """What drifted between readings on the 5th, 10th, 15th ... of October."""
    bodies = {f"r{at}": rows for at, rows in enumerate(read_, 1)}
    whole = given.get("whole", WHOLE)
    claims = [
        replace(
            claim(STREAM, complete=given.get("complete", True)),
            run=run,
            collected_at=datetime(2026, 10, 5 * at, tzinfo=UTC),
        )
        for at, run in enumerate(bodies, 1)
    ]
    vault = cast("Vault", Kept(bodies))
    rows = {"changes": changes, "change_facts": given.get("facts", (APPROVED,)), **given.get("more", {})}
    made = filled(rows, lambda engine: drift.derive(engine, readings.read(vault, claims, OCTOBER), [whole]))
    return made["log_drift"]


def test_equal_readings_drift_nowhere() -> None:
    """The same facts twice are no change, and nor is a fact that one reading does not know."""
    assert [] == drifted([read(enabled=True)], [read(enabled=True)])
    assert [] == drifted([read(enabled=True)], [read(enabled=None)], [read(enabled=True)])


def test_a_change_that_nothing_explains_is_a_deviation() -> None:
    """Logging went off, all changes are known, and none is about logging."""
    (row,) = drifted([read(enabled=True)], [read(enabled=False)], changes=(CHANGE,))
    assert ("enabled", "true", "false", False) == (row["field"], row["before"], row["after"], row["authorised"])


@pytest.mark.parametrize(
    ("more", "authorised"),
    [({"title": "Shorter retention for loki:prod"}, True), ({"kinds": ["logging"]}, None), ({"title": "prod"}, False)],
)
def test_only_a_change_that_names_the_source_explains_it(more: Row, authorised: bool | None) -> None:
    """Another change of logging may be meant or not; a word of the source's own name in a title says nothing."""
    (row,) = drifted([read(retention_days=90)], [read(retention_days=30)], changes=({**CHANGE, **more},))
    assert ([] if authorised is False else ["acme/api@1"], authorised) == (row["changes"], row["authorised"])


LANDED = {**CHANGE, "repository": "acme/api", "pull_requests": ["7"], "commits": ["aaa"]}
BODY = {"repository": "acme/api", "number": 7, "merged_at": datetime(2026, 10, 8, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("more", "authorised"),
    [
        ({"github_pull_requests": [{**BODY, "body": "Keeps loki:prod for a month."}]}, True),
        ({"github_commits": [{"repository": "acme/api", "sha": "aaa", "message": "Shorter\n\nof Loki:Prod"}]}, True),
        ({"git_commits": [{"repository": "acme/api", "sha": "aaa", "message": "loki:prod for a month"}]}, True),
        ({"github_commits": [{"repository": "acme/web", "sha": "aaa", "message": "of loki:prod"}]}, False),
        ({"github_pull_requests": [{**BODY, "body": "loki:prod", "edited_at": BODY["merged_at"]}]}, True),
        (
            {"github_pull_requests": [{**BODY, "body": "loki:prod", "edited_at": datetime(2026, 10, 9, tzinfo=UTC)}]},
            None,
        ),
    ],
)
def test_a_change_names_the_source_in_its_description_or_message_too(more: Row, authorised: bool | None) -> None:
    """A description that was edited after the merge may not have said so then."""
    (row,) = drifted([read(retention_days=90)], [read(retention_days=30)], changes=(LANDED,), more=more)
    assert ([] if authorised is False else ["acme/api@1"], authorised) == (row["changes"], row["authorised"])


@pytest.mark.parametrize(
    ("facts", "authorised"),
    [
        ({"final_content_approved": False}, False),
        ({"final_content_approved": None}, None),
        ({"review_applies": False, "final_content_approved": None}, True),
        ({"review_applies": False, "emergency": True, "emergency_handled": True}, True),
        ({"review_applies": False, "emergency": True, "emergency_handled": False}, False),
        ({"review_applies": False, "emergency": None}, None),
        ({"item": "acme/api@2"}, None),
    ],
)
def test_a_change_that_nobody_approved_explains_nothing(facts: Row, authorised: bool | None) -> None:
    """Its title names the source, but a review, or the procedure for emergencies, has to stand behind it."""
    named = {**CHANGE, "title": "Switch off loki:prod"}
    (row,) = drifted([read(enabled=True)], [read(enabled=False)], changes=(named,), facts=(APPROVED | facts,))
    assert authorised is row["authorised"]


def test_a_change_outside_of_the_readings_explains_nothing() -> None:
    """One that went out after the later reading is not its cause."""
    late = {**CHANGE, "kinds": ["logging"], "integrated_at": datetime(2026, 10, 20, tzinfo=UTC)}
    (row,) = drifted([read(enabled=True)], [read(enabled=False)], changes=(late,))
    assert row["authorised"] is False


def test_what_is_not_known_of_changes_leaves_it_open() -> None:
    """Changes whose kinds nobody knows, or that were not all collected, accuse nobody."""
    (row,) = drifted([read(enabled=True)], [read(enabled=False)], changes=({**CHANGE, "kinds": None},))
    assert row["authorised"] is None
    (row,) = drifted([read(enabled=True)], [read(enabled=False)], whole=replace(WHOLE, complete=False, reason="denied"))
    assert row["authorised"] is None


def test_sources_limits_and_rules_that_come_and_go_are_told() -> None:
    """A source that vanished, a limit that was raised, a rule that is gone."""
    limit = {"source_key": "loki:prod", "scope": "api"}
    rule = ("collected_alert_rules", {"source_key": "loki:prod", "rule": "logins", "enabled": True})
    first = [read(), ("collected_rate_limits", {**limit, "limit_per_second": 10.0}), rule]
    found = drifted(first, [read(), ("collected_rate_limits", {**limit, "limit_per_second": 20.0})], [])
    fields = [(row["field"], row["before"], row["after"]) for row in found]
    assert ("rate_limits api limit_per_second", "10.0", "20.0") in fields
    assert ("alert_rules logins enabled", "true", None) in fields
    assert ("source", "loki:prod", None) in fields


def test_a_reading_that_was_not_whole_is_not_compared() -> None:
    """What a refused reading does not show has not vanished."""
    assert [] == drifted([read(enabled=True)], [], complete=False)
