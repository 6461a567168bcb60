"""What GitHub's answers about deployments and releases say, as rows of the declared tables; see `streams`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from soc2ev.model import Json
from soc2ev.sources.github import delivery_shapes, shapes, tables

Row = tuple[str, Mapping[str, Json]]
Asked = Mapping[str, Json]


def page_rows(of: Mapping[str, Json], page: int, *, whole: bool) -> Iterator[Row]:
    """github_list_pages: a further page of a list of `of`, and that the list is whole when it ends there."""
    yield tables.LIST_PAGES.name, {**of, "page": page, "whole": whole}
    if whole:
        yield tables.COMPLETIONS.name, of


def deployment_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """Deployments and what became of them; the first page holds releases as well."""
    for value in data["repository"]["deployments"]["nodes"]:
        yield tables.DEPLOYMENTS.name, {"repository": asked["repository"], **delivery_shapes.deployment(value)}
        yield from _status_rows(asked, value)
    yield from release_rows(asked, data)


def status_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """Further pages of the statuses of deployments, and whether they end with it."""
    for number, value in shapes.objects(data, "p"):
        whole = not value["statuses"]["pageInfo"]["hasNextPage"]
        of = {"repository": asked["repository"], "number": value["databaseId"], "part": "statuses"}
        yield from page_rows(of, asked["pages"][number], whole=whole)
        yield from _status_rows(asked, value)


def _status_rows(asked: Asked, value: Json) -> Iterator[Row]:
    of = {"repository": asked["repository"], "deployment": value["databaseId"]}
    for status in value["statuses"]["nodes"]:
        yield tables.DEPLOYMENT_STATUSES.name, {**of, **delivery_shapes.deployment_status(status)}


def parent_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_parents: each commit once, although one may build on another."""
    seen: set[str] = set()
    for _, value in shapes.objects(data["repository"], asked.get("alias", "c")):
        for one in value["history"]["nodes"] if value else ():
            if one["oid"] not in seen and one["oid"] not in asked["without"]:
                seen.add(one["oid"])
                row = {"repository": asked["repository"], "sha": one["oid"], "parents": shapes.parents(one)}
                yield tables.PARENTS.name, row


def gate_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """github_gates and github_gate_answers, from workflow runs by their addresses."""
    for number, value in shapes.objects(data, "g"):
        if value:
            found = value["deploymentReviews"]
            yield from _gate(asked, number, found["nodes"], found["totalCount"])


def run_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """The same from the list of one workflow run."""
    yield from _gate(asked, 0, data, len(data))


def _gate(asked: Asked, number: int, answers: Json, counted: int) -> Iterator[Row]:
    """The answers for each deployment of a run."""
    run = asked["runs"][number]
    for deployment in asked["deployments"][number]:
        of = {"repository": asked["repository"], "deployment": deployment}
        whole = counted == len(answers)
        yield tables.GATES.name, {**of, "workflow_run": run, "answers": len(answers), "whole": whole}
        for position, one in enumerate(answers):
            yield tables.GATE_ANSWERS.name, {**of, "position": position, **delivery_shapes.gate_answer(one)}


def release_rows(asked: Asked, data: Json) -> Iterator[Row]:
    """Releases."""
    for value in data["repository"].get("releases", {"nodes": ()})["nodes"]:
        yield tables.RELEASES.name, {"repository": asked["repository"], **delivery_shapes.release(value)}
