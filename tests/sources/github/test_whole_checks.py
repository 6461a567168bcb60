"""Which answers hold all checks of a commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from soc2ev.sources.github import shapes
from tests.fakes.github.faults import Fault, Wire
from tests.fakes.github.scenarios.story import Story
from tests.sources.github.runs import collect

ONE = {"__typename": "StatusContext"}


def commit(nodes: list[Any], total: int, *, more: bool = False) -> dict[str, Any]:
    """A commit whose checks came so."""
    contexts = {"totalCount": total, "pageInfo": {"hasNextPage": more, "endCursor": "x"}, "nodes": nodes}
    return {"statusCheckRollup": {"contexts": contexts}}


@pytest.mark.parametrize(
    ("value", "page", "whole"),
    [
        (commit([ONE], 1), 1, True),
        (commit([], 1), 1, False),
        (commit([ONE], 2), 1, False),
        (commit([ONE], 2, more=True), 1, False),
        (commit([ONE], 101), 2, True),
        ({"statusCheckRollup": None}, 1, True),
        ({"statusCheckRollup": {"contexts": None}}, 1, False),
    ],
    ids=["all", "none of one", "one of two", "more follow", "a later page", "no checks", "no list"],
)
def test_checks_that_are_counted_and_not_listed_are_missing(value: dict[str, Any], page: int, whole: bool) -> None:
    """An empty list beside a count is not a commit without checks."""
    assert whole is shapes.contexts(value, page)[2]


def test_a_request_whose_last_commit_is_kept_back(tmp_path: Path) -> None:
    """Its checks stand with that commit: a request that counts commits and shows none has checks that nobody saw."""
    story = Story()
    story.clean()

    def emptied(wire: Wire, _: Wire | None) -> Wire:
        body = wire.json
        for one in (body.get("data") or {}).get("nodes") or ():
            if one and "head" in one:
                one["head"]["nodes"] = []
        return Wire(wire.status, wire.headers, json.dumps(body).encode())

    broken = [Fault("emptied", emptied, on="POST /graphql", times=None)]
    run = collect(tmp_path, story, faults=broken, secret=story.secret)
    assert "does not tell its last commit" in run.incomplete["checks"]
