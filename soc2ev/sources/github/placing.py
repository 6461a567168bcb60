"""
What deployed commits build on, when neither the production branch nor a request tells.

A deployment from a tag, a release branch or a feature branch names a commit that the branch need not have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.deliveries import Deployed

if TYPE_CHECKING:
    from soc2ev.sources.github.host import Host

_MOST = 60


def ask(host: Host, repository: Repository, deployed: Iterable[Deployed], known: Collection[str], tally: Tally) -> None:
    """Ask for the parents of the newest deployed commits that are not `known`; failures are told to the tally."""
    wanted = list(dict.fromkeys(one.sha for one in deployed if one.sha not in known))
    if len(wanted) > _MOST:
        tally.details["deployed commits that were not placed"] = len(wanted) - _MOST
    told: set[str] = set()

    def lose(chunk: Sequence[str], problem: CollectError) -> None:
        tally.failed(problem, f"what {', '.join(sha[:12] for sha in chunk[:3])} builds on")

    def read(chunk: Sequence[str]) -> None:
        variables = {**repository.variables, **{f"s{n}": sha for n, sha in enumerate(chunk)}}
        asked = {"repository": repository.name, "role": "parents", "without": sorted(told)}
        document, stream = documents.parents(len(chunk)), repository.stream("deployments")
        answer = host.query(document, variables, stream=stream, asked=asked, reuse=True)
        told.update(one["oid"] for value in _found(answer.data) for one in value["history"]["nodes"])

    host.in_batches("parents", wanted[:_MOST], read, lose)


def _found(data: Json) -> list[Json]:
    """The commits that GitHub still has; a deployed one may be gone."""
    return [value for _, value in shapes.objects(data["repository"], "c") if value]
