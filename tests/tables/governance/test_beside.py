"""Bypasses and emergencies: what is among them, what was declared and explained, and what log and evidence deny each other."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from soc2ev.tables.governance import bypasses, emergencies
from tests.tables.governance.made import OCTOBER, at, coverage, table

PUSH = {"item": "acme/api@p", "repository": "acme/api", "ref": "main", "sha": "p" * 40, "integration": "direct_push"}
PUSH |= {"flags": [], "commits": ["p" * 40], "pull_requests": [], "tickets": []}
MERGE = {"item": "acme/api@abcdef1", "repository": "acme/api", "ref": "main", "sha": "abcdef1" + "0" * 33, "flags": []}
MERGE |= {
    "integration": "pr_merge",
    "pull_requests": ["412"],
    "tickets": [],
    "url": "https://github.com/acme/api/pull/412",
}
ORDINARY = {"item": MERGE["item"], "emergency": False}
WHOLE = [coverage(name) for name in ("github:acme/api:commits", "github:acme/api:pull-requests", "registers:all")]


def beside(changes: list[dict[str, Any]], facts: list[dict[str, Any]], **more: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of bypasses."""
    return table("bypasses", {"changes": changes, "change_facts": facts, **more}, bypasses.derive)


@pytest.mark.parametrize(
    ("change", "fact", "how"),
    [
        (MERGE, ORDINARY, None),
        (MERGE, {"item": MERGE["item"]}, ["not known"]),
        (MERGE, {"item": "another"}, ["not known"]),
        (MERGE, {"item": MERGE["item"], "emergency": True}, ["declared or shown by the evidence"]),
        (MERGE | {"flags": ["DECLARED_LATE"]}, ORDINARY, ["flagged"]),
        (PUSH, {"item": PUSH["item"], "emergency": False}, ["direct push"]),
        (PUSH | {"integration": "force_push", "flags": ["UNDOCUMENTED_BYPASS"]}, ORDINARY, ["force push", "flagged"]),
    ],
)
def test_what_is_a_bypass(change: dict[str, Any], fact: dict[str, Any], how: list[str] | None) -> None:
    """Pushes, what is flagged, emergencies, and what nobody can tell; an ordinary merge is none."""
    rows = beside([change], [fact])
    assert ([] if how is None else [how]) == [row["how"] for row in rows.values()]


def test_the_ledger_of_bypasses_counts() -> None:
    """A merge that the host says went past its rules is one; another result and another branch are none."""
    suite = {"repository": "acme/api", "id": 1, "ref": "main", "after": MERGE["sha"], "result": "bypass"}
    (row,) = beside([MERGE], [ORDINARY], github_rule_suites=[suite | {"evidence": "sha256:s"}]).values()
    assert (["recorded bypass"], True) == (row["how"], "sha256:s" in row["evidence"])
    for other in ({"result": "pass"}, {"ref": "dev"}, {"repository": "acme/web"}):
        assert {} == beside([MERGE], [ORDINARY], github_rule_suites=[suite | other])


@pytest.mark.parametrize(
    ("flags", "emergency", "handled", "declared"),
    [
        (["UNDOCUMENTED_BYPASS"], True, False, False),
        (["DECLARED_LATE", "UNDOCUMENTED_BYPASS"], True, False, False),
        (["DECLARED_LATE"], True, None, False),
        (["STANDARD_CHANGE"], False, None, True),
        ([], True, True, True),
        (["POST_REVIEW_MISSING"], True, False, True),
        ([], True, None, None),
        ([], None, None, None),
        (None, True, True, None),
    ],
)
def test_what_was_declared(
    flags: list[str] | None, emergency: bool | None, handled: bool | None, declared: bool | None
) -> None:
    """Flags tell what was not; what was handled, badly even, had been declared."""
    fact = {"item": PUSH["item"], "emergency": emergency, "emergency_handled": handled}
    (row,) = beside([PUSH | {"flags": flags}], [fact]).values()
    assert declared is row["declared"]
    assert row["declared_reason"]


KEYED = PUSH | {"tickets": ["API-7"]}
BODY = {"repository": "acme/api", "number": 412, "merged_at": at(5)}
WHY = "The export failed for all customers since noon"
COMMIT = {"repository": "acme/api", "ref": "main", "sha": "p" * 40}
LOOKUP = {"site": "s", "asked": "API-7"}


@pytest.mark.parametrize(
    ("change", "rows", "explained"),
    [
        (KEYED, {"jira_lookups": [LOOKUP | {"ticket": "10007"}]}, True),
        (KEYED, {"jira_tickets": [{"site": "s", "ticket": "10007", "key": "API-7", "part": "list 1"}]}, True),
        (KEYED, {"github_commits": [COMMIT | {"message": "fix"}]}, None),
        (KEYED, {"github_commits": [COMMIT | {"message": "fix"}], "jira_lookups": [LOOKUP]}, False),
        (PUSH, {"github_commits": [COMMIT | {"message": f"fix\n\n{WHY}"}]}, True),
        (PUSH, {"git_commits": [COMMIT | {"message": f"fix\n\n{WHY}"}]}, True),
        (PUSH, {"github_commits": [COMMIT | {"message": "fix\n\nn/a"}]}, False),
        (PUSH, {}, None),
        (MERGE, {"github_pull_requests": [BODY | {"body": WHY}]}, True),
        (MERGE, {"github_pull_requests": [BODY | {"body": "## Why\n<!-- say why -->"}]}, False),
        (MERGE, {"github_pull_requests": [BODY | {"body": WHY, "edited_at": at(6)}]}, None),
        (MERGE, {"github_pull_requests": [BODY | {"body": WHY, "edited_at": at(4)}]}, True),
        (MERGE | {"flags": ["STANDARD_CHANGE"]}, {"github_pull_requests": [BODY | {"body": ""}]}, True),
    ],
)
def test_who_wrote_why(change: dict[str, Any], rows: dict[str, Any], explained: bool | None) -> None:
    """A ticket that exists, a description as it was merged, or more of a message than its first line."""
    (row,) = beside([change], [{"item": change["item"], "emergency": True}], **rows).values()
    assert explained is row["explained"]
    assert row["explained_reason"]


def test_what_may_be_no_bypass_is_accused_of_nothing() -> None:
    """Of a push that only the history of git shows, a bare message says nothing about rules."""
    rows = beside([PUSH], [], git_commits=[COMMIT | {"message": "fix"}])
    assert [None] == [row["explained"] for row in rows.values()]


ENTRY = {
    "file": "log.yaml",
    "record": "log",
    "status": "approved",
    "entry": 1,
    "emergency": "E-1",
    "change": MERGE["item"],
}
ENTRY |= {"reason": WHY, "approver": "Ann", "approved_at": at(14), "systems": ["api"], "testing": "by hand"}
ENTRY |= {"rollback": "revert it", "reviewed_by": "Bo", "reviewed_on": date(2026, 10, 15)}
LOG = {"file": "log.yaml", "record": "log", "kind": "emergency_change", "status": "approved"}
APPROVED = {"file": "log.yaml", "record": "log", "approved": True}
DECLARED = {"item": MERGE["item"], "emergency": True, "emergency_handled": True}


def logged(
    entry: dict[str, Any] | None = ENTRY, fact: dict[str, Any] = DECLARED, claims: Any = WHOLE, **more: Any
) -> dict[str, Any]:
    """The rows of emergencies for one merge and at most one entry of the log."""
    rows = {"changes": [MERGE], "change_facts": [fact], "registers": [LOG], "register_approvals": [APPROVED]}
    rows |= {"register_emergencies": [entry] if entry else [], **more}
    return table("emergencies", rows, lambda engine: emergencies.derive(engine, OCTOBER, claims, 2))


def told(row: dict[str, Any]) -> tuple[bool | None, ...]:
    """The answers of a row."""
    assert all(row[f"{name}_reason"] for name in ("declared", "recorded", "agrees"))
    return tuple(row[name] for name in ("declared", "handled", "recorded", "agrees"))


@pytest.mark.parametrize(
    "named",
    [
        MERGE["item"],
        MERGE["sha"],
        "abcdef1",
        "412",
        "#412",
        "acme/api#412",
        "Acme/API#412",
        MERGE["url"],
        f" {MERGE['item']} ",
    ],
)
def test_an_entry_names_its_change(named: str) -> None:
    """By item, commit, number or address."""
    rows = logged(ENTRY | {"change": named})
    assert {MERGE["item"]: (True, True, True, True)} == {item: told(row) for item, row in rows.items()}
    assert ["log/E-1"] == rows[MERGE["item"]]["records"]


@pytest.mark.parametrize("named", ["acme/api#41", "acme/web#412", "abcdef2", "abc", "payments", "api-412"])
def test_an_entry_that_names_something_else_contradicts_the_evidence(named: str) -> None:
    """It stands alone, and whether the change is missing from the log cannot be told any more."""
    rows = logged(ENTRY | {"change": named})
    assert (None, True, True, False) == told(rows["emergency:log/E-1"])
    assert (True, True, None, None) == told(rows[MERGE["item"]])


def test_a_number_of_several_repositories_names_none() -> None:
    """Two repositories have a pull request of that number."""
    other = MERGE | {"item": "acme/web@1", "repository": "acme/web", "sha": "1" * 40, "url": None}
    rows = logged(
        ENTRY | {"change": "#412"},
        changes=[MERGE, other],
        change_facts=[DECLARED, {"item": "acme/web@1", "emergency": False}],
    )
    assert ["acme/api@abcdef1", "emergency:log/E-1"] == sorted(rows)


def test_an_emergency_that_the_log_leaves_out() -> None:
    """It deviates only where the log is kept, was read whole, and the emergency is certain."""
    assert False is logged(None)[MERGE["item"]]["agrees"]
    assert None is logged(None, registers=[])[MERGE["item"]]["agrees"]
    assert (
        None
        is logged(None, registers=[LOG, {"file": "x", "record": "x", "problem": "no YAML"}])[MERGE["item"]]["agrees"]
    )
    failed = [*WHOLE[:2], coverage("registers:all", complete=False)]
    assert None is logged(None, claims=failed)[MERGE["item"]]["agrees"]
    assert None is logged(None, {"item": MERGE["item"]})[MERGE["item"]]["agrees"]


def test_an_entry_without_its_change_accuses_nobody_before_all_is_known() -> None:
    """Changes that were not collected whole, and the edges of the period, may hide it."""
    lost = ENTRY | {"change": "payments"}
    rest = coverage("github:acme/api:commits", complete=False)
    for entry, claims in ((lost, [rest, WHOLE[2]]), (lost, []), (lost | {"approved_at": at(31)}, WHOLE)):
        assert None is logged(entry, claims=claims)["emergency:log/E-1"]["agrees"]
    assert [MERGE["item"]] == list(logged(lost | {"approved_at": at(2, month=11)}))
    assert [MERGE["item"]] == list(logged(lost | {"status": "retired"}))


def test_an_ordinary_change_that_the_log_calls_an_emergency() -> None:
    """It is among the emergencies, and the reason says that the evidence shows none."""
    row = logged(fact=ORDINARY)[MERGE["item"]]
    assert (False, True, True) == (row["emergency"], row["recorded"], row["agrees"])
    assert "shows no emergency" in row["agrees_reason"]
    assert {} == logged(None, ORDINARY)


@pytest.mark.parametrize(
    ("entry", "approved", "recorded"),
    [
        ({}, True, True),
        ({}, False, None),
        ({}, None, None),
        ({"testing": ""}, True, False),
        ({"testing": None}, True, None),
        ({"systems": []}, False, False),
    ],
)
def test_what_the_log_has_to_tell(entry: dict[str, Any], approved: bool | None, recorded: bool | None) -> None:
    """Reason, approver, systems, testing and rollback, in a log that two people signed."""
    row = logged(ENTRY | entry, register_approvals=[APPROVED | {"approved": approved}])[MERGE["item"]]
    assert recorded is row["recorded"]


@pytest.mark.parametrize(
    ("entry", "handled"),
    [
        ({"reviewed_on": date(2026, 10, 16)}, True),
        ({"reviewed_on": date(2026, 10, 17)}, False),
        ({"reviewed_by": "Ann"}, False),
        ({"reviewed_by": None, "reviewed_on": None}, False),
        ({"reviewed_by": None, "reviewed_on": None, "approved_at": at(29)}, False),
        ({"approved_at": None}, None),
        ({"approver": None}, None),
    ],
)
def test_the_review_of_an_entry(entry: dict[str, Any], handled: bool | None) -> None:
    """Within two business days, by somebody else than whoever allowed it; 14 October 2026 is a Wednesday."""
    row = logged(ENTRY | {"change": "payments"} | entry)["emergency:log/E-1"]
    assert handled is row["handled"]


def test_a_review_that_is_not_yet_due_is_not_missed() -> None:
    """The registers were read before the deadline had passed."""
    early = [coverage("registers:all", seen=at(15))]
    entry = ENTRY | {"change": "payments", "reviewed_by": None, "reviewed_on": None}
    assert None is logged(entry, claims=early)["emergency:log/E-1"]["handled"]
