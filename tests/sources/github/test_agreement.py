"""Answers that contradict themselves are not read."""

from __future__ import annotations

from typing import Any

import pytest

from soc2ev.errors import TamperedError
from soc2ev.sources.github import agreement

HEAD, OTHER = "a" * 40, "c" * 40


def request(*commits: str, total: int | None = None, more: bool = False) -> dict[str, Any]:
    """A merged request with these commits."""
    nodes = [{"commit": {"oid": one}} for one in commits]
    listed = {"totalCount": len(nodes) if total is None else total, "pageInfo": {"hasNextPage": more}, "nodes": nodes}
    return {"number": 7, "headRefOid": HEAD, "commits": listed}


def test_a_request_whose_head_is_told() -> None:
    """Among its commits in whatever order, among those that are still to come, or beyond those that GitHub lists."""
    rights = [
        request(HEAD, OTHER),
        request(OTHER, more=True),
        request(OTHER, total=300),
        request(*[OTHER] * 250),
        request(),
    ]
    assert [None] * 5 == [agreement.refuse_request(one) for one in rights]


def test_the_commits_of_another_request() -> None:
    """Its number is told."""
    with pytest.raises(TamperedError, match="#7: its head is none of its commits"):
        agreement.refuse_request(request(OTHER))


def test_other_things_than_were_asked_for() -> None:
    """Commits, repositories and runs are those of the variables; a repository may have been renamed."""
    asked = {
        "s0": HEAD,
        "o0": "acme",
        "n0": "api",
        "o1": "acme",
        "n1": "web",
        "u0": "https://x/acme/api/actions/runs/5",
    }
    for right in (
        None,
        {"repository": None},
        {"repository": {"c0": {"oid": HEAD}, "ref": None}, "g0": {"databaseId": 5}},
        {"r0": {"nameWithOwner": "acme/core"}, "r1": None},
    ):
        agreement.refuse_others(right, asked)
    for wrong in (
        {"repository": {"c0": {"oid": OTHER}}},
        {"r0": {"nameWithOwner": "acme/web"}, "r1": {"nameWithOwner": "acme/api"}},
        {"g0": {"databaseId": 6}},
    ):
        with pytest.raises(TamperedError, match="was asked for"):
            agreement.refuse_others(wrong, asked)
