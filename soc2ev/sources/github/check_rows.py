"""How the stored answers about checks, statuses and workflow runs are read again, as rows of the declared tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from soc2ev.model import Json
from soc2ev.sources.github import shapes, tables

Row = tuple[str, Mapping[str, Json]]
Asked = Mapping[str, Json]
_MOST_STATUSES = 100
"""So many statuses a page holds at most: a full one says nothing of its being the last."""


def tested_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_tested_commits and github_checks, from commits that were asked for by name."""
    for number, value in shapes.objects(data["repository"], "c"):
        if value:
            part, through, page = asked["parts"][number], asked["numbers"][number], asked["pages"][number]
            yield from of_commit(asked, value, part, through, page)


def of_commit(asked: Asked, commit: Json, part: str, through: int, page: int) -> Iterator[Row]:
    """The same for a commit in an answer: for which question, through which request, which page."""
    of = {"repository": asked["repository"], "sha": commit["oid"], "part": part, "number": through}
    found, counted, whole = shapes.suites(commit) if "checkSuites" in commit else shapes.contexts(commit, page)
    if commit.get("statusCheckRollup") is None and asked.get("refused"):
        counted, whole = None, False
    reason = None if whole else asked.get("reason") or "more checks than one answer holds"
    yield tables.TESTED.name, {**of, "page": page, "checks": counted, "whole": whole, "reason": reason}
    for value in found:
        yield tables.CHECKS.name, {**of, **shapes.check(value)}


def attempt_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_checks, from further pages of the attempts in suites."""
    for place, value in shapes.objects(data, "p"):
        of = {"repository": asked["repository"], "sha": value["commit"]["oid"], "part": "attempts"}
        for one in value["checkRuns"]["nodes"]:
            yield tables.CHECKS.name, {**of, "number": asked["numbers"][place], **shapes.check(one)}


def status_history_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_tested_commits and github_checks, from a page of every status that a commit was ever given."""
    of = {"repository": asked["repository"], "sha": asked["sha"], "part": "statuses", "number": asked["number"]}
    whole = len(data) < _MOST_STATUSES
    reason = None if whole else "more statuses than one answer holds"
    yield (
        tables.TESTED.name,
        {**of, "page": asked.get("page", 1), "checks": len(data), "whole": whole, "reason": reason},
    )
    for value in data:
        yield tables.CHECKS.name, {**of, **shapes.earlier_status(value)}


def workflow_run_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_workflow_runs, of the commits that were asked about."""
    shas = frozenset(asked["shas"])
    for value in data["workflow_runs"]:
        if value["head_sha"] in shas:
            yield tables.WORKFLOW_RUNS.name, {"repository": asked["repository"], **shapes.workflow_run(value)}


def app_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_apps; none when the App cannot be seen."""
    if "slug" in data:
        row = {"repository": asked["repository"], "slug": data["slug"], "id": data["id"]}
        yield tables.APPS.name, row
