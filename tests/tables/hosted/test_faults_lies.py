"""Well-formed answers that contradict themselves or each other: no verdict comes of them, and the gap is told."""

from __future__ import annotations

import pytest

from tests.campaign.__main__ import Run, run
from tests.campaign.places import Place

REQUESTS, DEPLOYMENTS = "nodes/*/", "repository/deployments"
RULESETS, APPROVALS = "GET /repos/acme/api/rulesets/N/history", "GET /rest/servicedeskapi/request/N/approval"
CHANGES, LISTED, SEARCH = (f"POST /rest/api/N/{name}" for name in ("changelog/bulkfetch", "search/jql", "search"))
GITHUB = {
    "a deployment that is counted and not listed": ("b", "lie-short", "POST /graphql", DEPLOYMENTS),
    "another commit than was asked for": ("b", "lie-exchanged", "POST /graphql", "repository/c#/oid"),
    "another repository than was asked for": ("b", "lie-exchanged", "POST /graphql", "r#"),
    "the commits of another request": ("b", "lie-exchanged", "POST /graphql", f"{REQUESTS}commits"),
    "another version of a ruleset": ("c", "lie-repeated", f"{RULESETS}/N", ""),
    "a number that is none": ("b", "member-bool", "GET /repos/acme/api/environments", "total_count"),
    "an event of several repositories": ("b", "member-list", "GET /orgs/acme/audit-log", "*/repo"),
}
ITEM = "issueChangeLogs/*/changeHistories/*/items/*"
JIRA = {
    "a ticket moved to nothing": ("e1", "member-null", CHANGES, f"{ITEM}/toString"),
    "a ticket moved from nothing": ("e1", "member-missing", CHANGES, f"{ITEM}/fromString"),
    "changes of nothing": ("e2", "member-missing", SEARCH, "issues/*/changelog/histories/*/items/*"),
    "the status of another ticket": ("e1", "lie-exchanged", LISTED, "issues/*/fields/status"),
    "a status without an id": ("e2", "member-missing", SEARCH, "issues/*/fields/status/id"),
    "changes before the ticket": ("e2", "lie-year-early", SEARCH, "issues/*/changelog/histories/*/created"),
    "an approver without a decision": ("e3", "member-null", APPROVALS, "values/*/approvers/*/approverDecision"),
    "an approval without a name": ("e3", "member-object", APPROVALS, "values/*/name"),
}


@pytest.mark.parametrize("name", GITHUB)
def test_github_contradicts_itself(name: str) -> None:
    """Nothing becomes met or a deviation, nothing leaves a whole population, and nothing changes in silence."""
    world, kind, endpoint, path = GITHUB[name]
    assert [] == run(Run(world, kind, Place("github", endpoint, path=tuple(filter(None, path.split("/"))))))


@pytest.mark.parametrize("name", JIRA)
def test_jira_contradicts_itself(name: str) -> None:
    """The same for tickets."""
    world, kind, endpoint, path = JIRA[name]
    assert [] == run(Run(world, kind, Place("jira", endpoint, path=tuple(filter(None, path.split("/"))))))


def test_a_token_that_fails_for_once() -> None:
    """401 is no refusal of what a token may not see: what was not answered then is a gap."""
    assert [] == run(Run("c", "once-401", Place("github", RULESETS, 1)))
