"""Real register files through the front door: what turns a control green, and what must not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

Judged = dict[str, dict[str, tuple[str, str]]]
Judge = Callable[..., Judged]

_SOURCE = """\
sources:
  - {key: "loki:prod", owner: platform, purpose: api, events: [auth.failure], access_group: readers,
     alert_rules: [root-login], review_frequency: monthly, required_retention_days: DAYS, retention_reason: policy}
"""
_CLASSES = 'classes: [{class: all, searchable_days: 90, archive_days: 365, applies_to: ["FORM"]}]\n'
_PROMISE = "commitments: [{customer: Bank, retention_days: 180, source: contract}]\n"
_SCENARIO = """\
scenarios:
  - {id: token_misuse, detects: {rule: two-countries}, runbook: runbook.md, client_suspension: runbook.md,
     tested_on: TESTED, owner: security}
"""
_PROCEDURE = """\
procedures:
  - {key: rollback, title: Rollback, document: runbook.md, approved_by: Cleo, approved_on: 2025-02-01}
"""
_EXCEPTION = """\
type: retention
applies_to: "loki:prod"
requirement: {field: retention_days, required: 365, actual: 90}
reason: cost
risk: low
approved_by: "platform <cleo@example.com>"
approved_on: 2025-08-02
expires_on: 2025-10-31
"""
_KINDS = "kinds: [{kind: database, included: true, description: every migration}]\n"
_OWNERS = "owners: [{scope: alerts, owner: Ann}]\n"
_ACCESS = """\
period: 2025-Q4
system: "loki:prod"
decisions: [DECISIONS]
"""


def register(
    kind: str, body: str, *, name: str = "one", status: str = "approved", on: str = "2025-09-05", **more: Any
) -> str:
    """A register of that kind with its header; `more` are further keys of the header."""
    head = {"id": name, "kind": kind, "schema": 1, "owner": "Platform", "prepared_by": "Ann", "reviewed_by": "Bo"}
    head |= {"reviewed_on": on, "status": status, **more}
    return "".join(f"{key}: {value}\n" for key, value in head.items()) + body


def alerts(alerts: int, reviewed: int, on: str, *, month: str = "2025-10", **more: Any) -> str:
    """The review of a month's alerts, of which the first ones have a verdict."""
    verdicts = ", ".join(f"{{alert: A-{at}, verdict: expected}}" for at in range(reviewed))
    why = f"unreviewed_reason: {more.pop('why')}\n" if "why" in more else ""
    body = f"period: {month}\npopulation: {{alerts: {alerts}, from: export}}\nreviewed: [{verdicts}]\n{why}"
    return register("alert_review", body, on=on, **more)


@pytest.fixture
def judge(soc2ev: Run, tmp_path: Path) -> Judge:
    """Outcome and reason by item and letter of one control over these files for October 2025."""

    def run(control: str, *files: str, document: str = "what to do\n", zone: str = "UTC") -> Judged:
        head = f"version: 1\norganisation: Example Co\nregisters: ./registers\ntimezone: {zone}\n"
        (tmp_path / "soc2ev.yaml").write_text(head, encoding="utf-8")
        folder = tmp_path / "registers"
        folder.mkdir()
        (folder / "runbook.md").write_text(document, encoding="utf-8")
        for at, text in enumerate(files):
            (folder / f"{at}.yaml").write_text(text, encoding="utf-8")
        collected = soc2ev("collect", "--period", "2025-10", cwd=tmp_path)
        words = ("check", "--period", "2025-10", "--format", "json", "--control", control)
        answer = soc2ev(*words, cwd=tmp_path)
        assert 0 == answer.code, collected.err + answer.err
        (finding,) = json.loads(answer.out)["findings"]
        return {
            item["id"]: {letter: (one["outcome"], one["reason"]) for letter, one in item["outcomes"].items()}
            for item in finding["items"]
        }

    return run


def outcomes(judged: Judged, item: str, letters: str) -> list[str]:
    """The outcomes of one item in those letters."""
    return [judged[item][letter][0] for letter in letters]


EXPIRED: dict[str, Any] = {"valid_until": "2025-10-30"}
LAST_DAY: dict[str, Any] = {"valid_until": "2025-10-31"}
BY_VALIDITY = [
    ("log-sources-inventoried", "loki:prod", "A", "log_sources", _SOURCE.replace("DAYS", "365")),
    ("abuse-scenarios-covered", "token_misuse", "A", "abuse_monitoring", _SCENARIO.replace("TESTED", "2025-08-01")),
    ("procedures-approved-and-current", "rollback", "A", "procedures", _PROCEDURE),
    ("log-retention-documented", "retention", "A", "retention_policy", _CLASSES.replace("FORM", "*")),
    ("production-change-defined", "0.yaml#one", "B", "production_change", _KINDS),
    ("alerts-reviewed-monthly", "2025-10", "D", "monitoring_owner", _OWNERS),
    ("logging-exceptions-in-force", "0.yaml#one", "B", "exception", _EXCEPTION),
]


@pytest.mark.parametrize(("control", "item", "letter", "kind", "body"), BY_VALIDITY)
@pytest.mark.parametrize(("header", "outcome"), [(EXPIRED, "deviation"), (LAST_DAY, "met")])
def test_an_expired_register_counts_no_more(
    judge: Judge, control: str, item: str, letter: str, kind: str, body: str, header: dict[str, Any], outcome: str
) -> None:
    """One that ends on the period's last day still holds; one that ended the day before does not."""
    assert [outcome] == outcomes(judge(control, register(kind, body, **header)), item, letter)


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Honolulu", "Europe/Berlin", "Pacific/Auckland"])
def test_the_last_day_is_the_one_of_the_companys_calendar(judge: Judge, zone: str) -> None:
    """An exception and a register that end on 31 October hold through October, wherever the clock stands."""
    judged = judge("logging-exceptions-in-force", register("exception", _EXCEPTION, **LAST_DAY), zone=zone)
    assert ["met"] == outcomes(judged, "0.yaml#one", "B")


@pytest.mark.parametrize(
    ("kind", "control", "item", "body"),
    [(kind, control, item, body) for control, item, letter, kind, body in BY_VALIDITY if letter == "A"],
)
def test_an_approval_after_the_period_is_none(judge: Judge, kind: str, control: str, item: str, body: str) -> None:
    """A register that was approved in November was not in force in October, and the reason says so."""
    outcome, reason = judge(control, register(kind, body, on="2025-11-01"))[item]["A"]
    assert "deviation" == outcome
    assert "approved on 2025-11-01, after the period" in reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (alerts(2, 2, "2025-11-04"), ["met", "met"]),
        (alerts(2, 2, "2025-10-31"), ["met", "met"]),
        (alerts(2, 2, "2025-10-30"), ["deviation", "not tested"]),
        (alerts(2, 2, "2025-12-01"), ["deviation", "met"]),
        (alerts(2, 2, "2025-11-04", status="draft"), ["deviation", "not tested"]),
        (alerts(5, 0, "2025-11-04", why="n/a"), ["met", "not tested"]),
        (alerts(5, 0, "2025-11-04"), ["met", "deviation"]),
    ],
)
def test_reviews_of_alerts(judge: Judge, text: str, expected: list[str]) -> None:
    """Approved, after the month had ended and in time; a reason for missing verdicts is for a person to weigh."""
    assert expected == outcomes(judge("alerts-reviewed-monthly", text), "2025-10", "AB")


def test_a_reason_for_missing_verdicts_is_shown(judge: Judge) -> None:
    """Whoever weighs the reason reads it beside the outcome."""
    judged = judge("alerts-reviewed-monthly", alerts(5, 0, "2025-11-04", why="nobody was there"))
    assert "nobody was there" in judged["2025-10"]["B"][1]


@pytest.mark.parametrize("owner", ["platform", " PLATFORM ", '"Platform <ops@example.com>"'])
def test_an_exception_approved_by_its_owner_deviates(judge: Judge, owner: str) -> None:
    """Case, spaces and a mail in brackets do not make two of one."""
    body = register("exception", _EXCEPTION).replace("owner: Platform", f"owner: {owner}")
    assert ["deviation"] == outcomes(judge("logging-exceptions-in-force", body), "0.yaml#one", "A")


def test_an_exception_approved_by_somebody_else_is_met(judge: Judge) -> None:
    """The owner asks, another accepts."""
    body = register("exception", _EXCEPTION).replace("owner: Platform", "owner: payments")
    assert ["met"] == outcomes(judge("logging-exceptions-in-force", body), "0.yaml#one", "A")


@pytest.mark.parametrize(
    ("control", "item", "letters", "kind", "body", "other"),
    [
        ("log-sources-inventoried", "loki:prod", "AB", "log_sources", _SOURCE.replace("DAYS", "365"), ("365", "30")),
        (
            "abuse-scenarios-covered",
            "token_misuse",
            "ABC",
            "abuse_monitoring",
            _SCENARIO.replace("TESTED", "2025-08-01"),
            ("2025-08-01", "2023-08-01"),
        ),
        ("procedures-approved-and-current", "rollback", "ABC", "procedures", _PROCEDURE, ("2025-02-01", "2023-02-01")),
    ],
)
def test_contradictions_between_files_are_not_decided_by_their_names(
    judge: Judge, control: str, item: str, letters: str, kind: str, body: str, other: tuple[str, str]
) -> None:
    """What is listed twice is not tested, and the reason says how often."""
    files = [register(kind, body), register(kind, body.replace(*other), name="two")]
    judged = judge(control, *files)
    assert ["not tested"] * len(letters) == outcomes(judged, item, letters)
    assert all("listed 2 times" in judged[item][letter][1] for letter in letters)


def test_a_retired_duplicate_is_no_contradiction(judge: Judge) -> None:
    """Retiring one of two is the way out."""
    body = _SOURCE.replace("DAYS", "365")
    files = [register("log_sources", body), register("log_sources", body, name="two", status="retired")]
    assert ["met", "met"] == outcomes(judge("log-sources-inventoried", *files), "loki:prod", "AB")


def _retention(days: str, *, form: str = "loki:*", **policy: Any) -> list[str]:
    return [
        register("log_sources", _SOURCE.replace("DAYS", days)),
        register("retention_policy", _CLASSES.replace("FORM", form), name="two", **policy),
        register("customer_commitments", _PROMISE, name="three"),
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (_retention("365"), ["met", "met"]),
        (_retention("200"), ["met", "deviation"]),
        (_retention("365", form="okta:*"), ["met", "not tested"]),
        (_retention("365", **EXPIRED), ["deviation", "not tested"]),
        (_retention("90", **EXPIRED), ["deviation", "deviation"]),
        (_retention("365")[:2], ["met", "not tested"]),
        (
            [*_retention("365")[:2], register("customer_commitments", _PROMISE, name="x", **EXPIRED)],
            ["met", "not tested"],
        ),
        ([*_retention("365"), register("retention_policy", _CLASSES, name="x")], ["not tested", "not tested"]),
        ([*_retention("365"), register("retention_policy", _CLASSES, name="x", status="draft")], ["met", "met"]),
        ([*_retention("365"), register("log_sources", _SOURCE.replace("DAYS", "30"), name="x")], ["met", "not tested"]),
    ],
)
def test_retention_meets_the_policy_and_the_promises(judge: Judge, files: list[str], expected: list[str]) -> None:
    """The days required of a source are compared with the one policy in force and with every promise."""
    assert expected == outcomes(judge("log-retention-documented", *files), "loki:prod", "AB")


def test_two_policies_in_force_are_told(judge: Judge) -> None:
    """The reason says that there are two."""
    files = [*_retention("365"), register("retention_policy", _CLASSES, name="x")]
    judged = judge("log-retention-documented", *files)
    assert "There are 2 retention policies in force" in judged["loki:prod"]["A"][1]


_GONE = "{principal: eve, decision: remove, why: left, done_on: DAY}"


@pytest.mark.parametrize(
    ("decisions", "header", "expected"),
    [
        (_GONE.replace("DAY", "2025-09-06"), {}, ["met", "met"]),
        (_GONE.replace("DAY", "2025-08-05"), {}, ["met", "met"]),
        (_GONE.replace("DAY", "2025-08-04"), {}, ["met", "not tested"]),
        (_GONE.replace("DAY", "2025-11-01"), {}, ["met", "deviation"]),
        (_GONE.replace(", done_on: DAY", ""), {}, ["met", "not tested"]),
        (_GONE.replace("DAY", "2025-09-06"), {"status": "draft"}, ["deviation", "not tested"]),
        ("", {}, ["deviation", "not tested"]),
    ],
)
def test_reviews_of_log_access(judge: Judge, decisions: str, header: dict[str, Any], expected: list[str]) -> None:
    """Approved, with a decision about somebody; carried out at most 31 days before the approval, or later."""
    source = register("log_sources", _SOURCE.replace("DAYS", "365"))
    review = register("log_access_review", _ACCESS.replace("DECISIONS", decisions), name="review", **header)
    assert expected == outcomes(judge("log-access-reviewed", source, review), "loki:prod", "AB")


@pytest.mark.parametrize(
    ("control", "item", "letter", "kind", "body"),
    [
        ("abuse-scenarios-covered", "token_misuse", "B", "abuse_monitoring", _SCENARIO.replace("TESTED", "2025-08-01")),
        ("procedures-approved-and-current", "rollback", "C", "procedures", _PROCEDURE),
    ],
)
@pytest.mark.parametrize(("document", "outcome"), [("", "deviation"), ("what to do\n", "met")])
def test_an_empty_document_is_not_kept(
    judge: Judge, control: str, item: str, letter: str, kind: str, body: str, document: str, outcome: str
) -> None:
    """A file of no bytes tells nobody what to do."""
    assert [outcome] == outcomes(judge(control, register(kind, body), document=document), item, letter)
