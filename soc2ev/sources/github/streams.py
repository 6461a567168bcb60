"""
How the stored answers of GitHub are read again, as rows of the declared tables.

Each body stands under a stream and a role (both in its request); the functions here turn one body into rows and use
nothing but that body and its own request, so that a pack is re-performed without GitHub. Only answers that were counted
are read; what an error beside the data says is refused is never read as absent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from soc2ev.errors import TamperedError
from soc2ev.model import EvidenceItem, Json, Stream
from soc2ev.sources.github import agreement, check_rows, delivery_rows, governance, rule_versions, shapes, tables

Row = tuple[str, Mapping[str, Json]]
Asked = Mapping[str, Json]
"""The request as it was stored: what we told about it, such as repository and role, stands beside the variables."""
_ROOTS = ("repository", "repositoryOwner")
"""Null as a whole when GitHub refuses what cannot be null below: no rows then, and the errors say why."""
Reader = Callable[[Asked, Json], Iterator[Row]]
_MOST_COMPARED = 300
"""So many files GitHub lists at most: https://docs.github.com/en/rest/commits/commits#compare-two-commits"""
_ODD = (AttributeError, IndexError, KeyError, RecursionError, TypeError)


def named_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_repositories, from repositories that were asked for by name."""
    for number, value in shapes.objects(data, "r"):
        if value is not None:
            yield tables.REPOSITORIES.name, {"repository": asked["names"][number], **shapes.repository(value)}


def owned_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_repositories, from a page of an owner's repositories: those that the globs name, without forks."""
    for value in data["repositoryOwner"]["repositories"]["nodes"]:
        if globbed(asked, value):
            yield tables.REPOSITORIES.name, {"repository": value["nameWithOwner"], **shapes.repository(value)}


def globbed(asked: Asked, value: Json) -> bool:
    """Whether a repository of an owner's list is one that the globs of the request name and nothing else did."""
    name = value["nameWithOwner"]
    wanted = any(fnmatchcase(name, glob) for glob in asked["globs"])
    return wanted and not value["isFork"] and name not in asked["without"]


def move_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_ref_updates, but those of refs that other requests ask for by name."""
    for value in data:
        row = shapes.move(value)
        if row["ref"] not in asked.get("without", ()):
            yield tables.REF_UPDATES.name, {"repository": asked["repository"], **row}


def head_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_heads: one row; the count of commits is that of the comparison where the branch was rewritten."""
    home = data["repository"]
    start, end = asked["start"], asked["end"]
    counted = asked.get("ahead_by")
    yield (
        tables.HEADS.name,
        {
            "repository": asked["repository"],
            "ref": asked["ref"],
            "start_sha": start,
            "end_sha": end,
            "start_basis": asked["start_basis"],
            "end_basis": asked["end_basis"],
            "commits": between(home) if counted is None else counted,
            "below_sha": asked.get("below"),
            "tip": ((home.get("ref") or {}).get("target") or {}).get("oid"),
        },
    )


def between(home: Json) -> int | None:
    """Commits that the end has and the start has not, provided that the end descends from it; None when not told."""
    counts = [_reachable(home, name) for name in ("start", "end")]
    if "end" not in home:
        return 0
    if counts[1] is None or ("start" in home and counts[0] is None):
        return None
    return counts[1] - (counts[0] or 0)


def _reachable(home: Json, name: str) -> int | None:
    total: int | None = ((home.get(name) or {}).get("history") or {}).get("totalCount")
    return total


def history_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_commits, from a page of a commit's history, but those that other requests asked for by name."""
    for value in data["repository"]["object"]["history"]["nodes"]:
        if value["oid"] not in asked.get("without", ()):
            yield tables.COMMITS.name, {**_of_ref(asked), **shapes.commit(value)}


def commit_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_commits, from commits that were asked for by name."""
    for _, value in shapes.objects(data["repository"], "c"):
        if value:
            yield tables.COMMITS.name, {**_of_ref(asked), **shapes.commit(value)}


def compared_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_commits, from a page of a comparison."""
    for value in data["commits"]:
        if value["sha"] not in asked.get("without", ()):
            yield tables.COMMITS.name, {**_of_ref(asked), **shapes.compared(value)}


def index_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_merged_index."""
    for value in data["repository"]["pullRequests"]["nodes"]:
        row = {"repository": asked["repository"], "page": asked["page"]}
        yield tables.INDEX.name, {**row, **shapes.indexed(value)}


def detail_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """Pull requests, their commits, reviews, events and files, and the checks of their heads and merges."""
    for value in data["nodes"]:
        if value is None:
            continue
        agreement.refuse_request(value)
        of = {"repository": asked["repository"], "number": value["number"]}
        yield tables.PULL_REQUESTS.name, {**of, **shapes.request(value)}
        for part in PARTS:
            yield from _part_rows(of, part, value, 0)
        for node in (value.get("pushed") or {"nodes": ()})["nodes"]:
            yield from _push_rows(of, node["commit"])
        landed = value.get("mergeCommit")
        if landed:
            yield tables.LANDED.name, {**of, "ref": value["baseRefName"], **shapes.commit(landed)}
        for part, tested in (("heads", _head(value)), ("merges", landed)):
            if tested and asked.get("tests", True):
                yield from check_rows.of_commit(asked, tested, part, value["number"], 1)


def _head(value: Json) -> Json:
    return value["head"]["nodes"][0]["commit"] if value["head"]["nodes"] else None


PARTS: Mapping[str, tuple[str, str, Callable[[Json], Mapping[str, Json]]]] = {
    "reviews": ("reviews", tables.REVIEWS.name, shapes.review),
    "commits": ("commits", tables.PULL_REQUEST_COMMITS.name, lambda value: shapes.commit(value["commit"])),
    "files": ("files", tables.FILES.name, shapes.file),
    "events": ("timelineItems", tables.EVENTS.name, shapes.event),
    "replaced": ("replaced", tables.REPLACED_COMMITS.name, shapes.replaced),
}
"""The lists of a pull request: GitHub's name, our table, and how one entry reads."""


def _part_rows(of: Mapping[str, Json], part: str, value: Json, first: int) -> Iterator[Row]:
    field, table, read = PARTS[part]
    for position, entry in enumerate(value[field]["nodes"], first):
        placed = {"position": position} if part == "commits" else {}
        if columns := read(entry):
            yield table, {**of, **placed, **columns}


def _push_rows(of: Mapping[str, Json], commit: Json) -> Iterator[Row]:
    for position, suite in enumerate(shapes.pushes(commit)):
        yield tables.PUSHES.name, {**of, "sha": commit["oid"], "position": position, **shapes.push(suite)}


def rest_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """Further pages of lists of pull requests, and whether they end with it."""
    for number, value in shapes.objects(data, "p"):
        part, page = asked["parts"][number], asked["pages"][number]
        of = {"repository": asked["repository"], "number": value["number"]}
        whole = shapes.ends(value[PARTS[part][0]], asked["firsts"][number])
        yield from delivery_rows.page_rows({**of, "part": part}, page, whole=whole)
        yield from _part_rows(of, part, value, asked["firsts"][number])


def author_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_commit_authors, from commits that were asked for by name."""
    for _, value in shapes.objects(data["repository"], "c"):
        if value:
            of = {"repository": asked["repository"], "sha": value["oid"]}
            for position, one in enumerate(value["authors"]["nodes"]):
                yield tables.COMMIT_AUTHORS.name, {**of, "position": position, **shapes.co_author(one)}


def pusher_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_pushes, from commits that were asked for by name."""
    for place, value in shapes.objects(data["repository"], "c"):
        if value:
            yield from _push_rows({"repository": asked["repository"], "number": asked["numbers"][place]}, value)


def assigned_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_assignees, from pull requests that were asked for by id."""
    for _, value in shapes.objects(data, "p"):
        if value:
            yield tables.ASSIGNEES.name, {"repository": asked["repository"], **shapes.assigned(value)}


def edited_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_body_edits, from pull requests that were asked for by id."""
    for _, value in shapes.objects(data, "p"):
        if value:
            yield tables.BODY_EDITS.name, {"repository": asked["repository"], **shapes.edited(value)}


def comparison_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_compared and github_comparisons."""
    of = {"repository": asked["repository"], "base": asked["base"], "head": asked["head"]}
    files, common = data["files"], data["merge_base_commit"]["sha"]
    whole = len(files) < _MOST_COMPARED
    yield tables.COMPARED.name, {**of, "merge_base": common, "files": len(files), "whole": whole}
    for value in files:
        yield tables.COMPARISONS.name, {**of, **shapes.compared_file(value)}


def _of_ref(asked: Asked) -> dict[str, Json]:
    return {"repository": asked["repository"], "ref": asked["ref"]}


ROLES: Mapping[str, tuple[Reader, str]] = {
    "names": (named_rows, tables.REPOSITORIES.name),
    "owner": (owned_rows, tables.REPOSITORIES.name),
    "moves": (move_rows, tables.REF_UPDATES.name),
    "heads": (head_rows, tables.HEADS.name),
    "history": (history_rows, tables.COMMITS.name),
    "named": (commit_rows, tables.COMMITS.name),
    "compared": (compared_rows, tables.COMMITS.name),
    "index": (index_rows, tables.INDEX.name),
    "details": (detail_rows, tables.PULL_REQUESTS.name),
    "rest": (rest_rows, tables.LIST_PAGES.name),
    "authors": (author_rows, tables.COMMIT_AUTHORS.name),
    "pushers": (pusher_rows, tables.PUSHES.name),
    "assigned": (assigned_rows, tables.ASSIGNEES.name),
    "edited": (edited_rows, tables.BODY_EDITS.name),
    "comparison": (comparison_rows, tables.COMPARED.name),
    "tested": (check_rows.tested_rows, tables.TESTED.name),
    "attempts": (check_rows.attempt_rows, tables.CHECKS.name),
    "statuses of": (check_rows.status_history_rows, tables.TESTED.name),
    "runs": (check_rows.workflow_run_rows, tables.WORKFLOW_RUNS.name),
    "app": (check_rows.app_rows, tables.APPS.name),
    "deployments": (delivery_rows.deployment_rows, tables.DEPLOYMENTS.name),
    "statuses": (delivery_rows.status_rows, tables.LIST_PAGES.name),
    "parents": (delivery_rows.parent_rows, tables.PARENTS.name),
    "gates": (delivery_rows.gate_rows, tables.GATES.name),
    "run": (delivery_rows.run_rows, tables.GATES.name),
    "releases": (delivery_rows.release_rows, tables.RELEASES.name),
    "suites": (governance.suite_rows, tables.BYPASSES.name),
    "overrides": (governance.override_rows, tables.OVERRIDES.name),
    "ruleset": (governance.ruleset_rows, tables.RULES.name),
    "rulesets": (rule_versions.listed_rows, tables.RULESETS.name),
    "ruleset version": (rule_versions.version_rows, tables.RULE_VERSIONS.name),
    "protection": (governance.protection_rows, tables.RULES.name),
    "branch": (governance.branch_rows, tables.RULES.name),
    "environments": (governance.environment_rows, tables.ENVIRONMENTS.name),
    "collaborators": (governance.permission_rows, tables.PERMISSIONS.name),
    "values": (governance.value_rows, tables.SETTINGS.name),
    "keys": (governance.key_rows, tables.SETTINGS.name),
    "settings": (governance.settings_rows, tables.SETTINGS.name),
}
"""By role: who reads the body, and the table whose rows are its count. Bodies of other roles hold no rows."""


def count(asked: Asked, data: Json) -> int:
    """The rows of the role's own table that the data hold; TamperedError when they cannot be read."""
    reader, table = ROLES[asked["role"]]
    return sum(name == table for name, _ in _guarded(reader, asked, data))


def rows(item: EvidenceItem, body: bytes) -> Iterator[Row]:
    """The rows of a body; none when nobody counted it. TamperedError for what GitHub cannot have answered."""
    reader, _ = ROLES.get(item.request.get("role", ""), (None, ""))
    if item.count is None or reader is None:
        return
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise TamperedError(f"an answer of GitHub is no JSON: {problem}"[:300]) from None
    if item.request.get("method") != "POST":
        yield from _guarded(reader, item.request, data)
    elif isinstance(data, dict):
        yield from _guarded(reader, {**item.request, "refused": _refused(data)}, data.get("data"))


def _refused(body: Mapping[str, Json]) -> bool:
    """Whether an error of the answer leads to checks, or does not tell where: what is null there is not known."""
    paths = [one.get("path") if isinstance(one, dict) else None for one in body.get("errors") or ()]
    return any(
        not isinstance(path, list) or not path or ("statusCheckRollup" in path and "push" not in path) for path in paths
    )


def _guarded(reader: Reader, asked: Asked, data: Json) -> Iterator[Row]:
    if isinstance(data, dict) and any(data.get(root, data) is None for root in _ROOTS):
        return
    try:
        yield from reader(asked, data)
    except _ODD as problem:
        raise TamperedError(f"an answer of GitHub is not understood: {problem!r}"[:300]) from None


_DELIVERED = (
    tables.DEPLOYMENTS,
    tables.DEPLOYMENT_STATUSES,
    tables.PARENTS,
    tables.GATES,
    tables.GATE_ANSWERS,
)
STREAMS: tuple[Stream, ...] = (
    Stream("repositories", (tables.REPOSITORIES,), rows, per_run=True),
    Stream("activity", (tables.REF_UPDATES,), rows, per_run=True),
    Stream("heads", (tables.HEADS,), rows, per_run=True),
    Stream("commits", (tables.COMMITS,), rows, per_run=True),
    Stream("merged", (tables.INDEX,), rows, per_run=True),
    Stream(
        "pull-requests",
        (
            tables.PULL_REQUESTS,
            tables.LIST_PAGES,
            tables.COMPLETIONS,
            tables.LANDED,
            tables.PULL_REQUEST_COMMITS,
            tables.REPLACED_COMMITS,
            tables.PUSHES,
            tables.COMMIT_AUTHORS,
            tables.ASSIGNEES,
            tables.BODY_EDITS,
            tables.REVIEWS,
            tables.EVENTS,
            tables.FILES,
            tables.COMPARED,
            tables.COMPARISONS,
        ),
        rows,
        per_run=True,
    ),
    Stream("checks", (tables.TESTED, tables.CHECKS, tables.APPS, tables.WORKFLOW_RUNS), rows, per_run=True),
    Stream("deployments", _DELIVERED, rows, per_run=True),
    Stream("releases", (tables.RELEASES,), rows, per_run=True),
    Stream("rule-suites", (tables.BYPASSES, tables.OVERRIDES), rows, per_run=True),
    Stream("rules", (tables.RULES, tables.RULESETS, tables.RULE_VERSIONS), rows, snapshot=True),
    Stream("environments", (tables.ENVIRONMENTS,), rows, snapshot=True),
    Stream("permissions", (tables.PERMISSIONS,), rows, snapshot=True),
    # What was visible stands in the last body of the settings; its coverage says whether that could be noted.
    Stream("settings", (tables.SETTINGS, tables.CAPABILITIES), rows, snapshot=True),
    Stream("capabilities", (), rows, snapshot=True),
)
