"""Deployments that succeeded and releases that were published, in the order of time, each with what came before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.tables.facts import deliveries
from soc2ev.tables.facts.evidence import Account, Deployment

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.period import Period

Row = Mapping[str, "Json"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that reached production."""

    item: str
    line: str
    """The environment; empty for releases."""
    sha: str | None
    at: datetime
    """When it had reached production."""
    began: datetime
    """When it began: what was approved later was approved too late."""
    clock: str
    title: str
    url: str | None
    actor: Account | None
    evidence: frozenset[str]
    deployment: Deployment | None = None
    """None for a release."""
    moved: bool = False
    """Its tag names something else than it did when it was published."""


def of_deployment(repository: str, found: Deployment, row: Row, evidence: Iterable[str]) -> Delivery | None:
    """The delivery of a deployment; None for one that never succeeded."""
    at = deliveries.succeeded(found)
    if at is None:
        return None
    began = [when for state, when in found.statuses if state.upper() == "IN_PROGRESS" and when]
    return Delivery(
        item=f"{repository}#deployment-{found.id}",
        line=found.environment,
        sha=found.sha,
        at=at,
        began=min(began, default=found.created_at),
        clock="the server's record of the deployment's first success",
        title=f"{found.environment} {found.sha[:12]}",
        url=row["url"],
        actor=found.creator,
        evidence=frozenset({row["evidence"], *evidence}),
        deployment=found,
    )


def of_release(repository: str, row: Row, actor: Account | None) -> Delivery | None:
    """The delivery of a published release; None for a draft, and for one that is marked as no final release."""
    at = row["published_at"]
    if row["draft"] or row["prerelease"] or at is None:
        return None
    return Delivery(
        item=f"{repository}#release-{row['tag'] or row['id']}",
        line="",
        sha=row["sha"],
        at=at,
        began=at,
        clock="the server's record of when the release was published",
        title=f"{row['name'] or row['tag'] or row['id']}",
        url=row["url"],
        actor=actor,
        evidence=frozenset({row["evidence"]}),
    )


def final_since(found: Delivery, seen: datetime, latest: datetime) -> Delivery:
    """
    The delivery of a release that was published earlier and had not been final when somebody looked.

    Where the time of the publication stays when the mark of a pre-release is taken away, no other one is told; that
    GitHub keeps it was not found in its documents. `latest` is the latest time that it can have here.
    """
    clock = "after the period before had been collected, where it was no final release; GitHub tells no time of that"
    return replace(found, at=min(seen, latest), began=seen, clock=clock)


def of_tag(repository: str, row: Row) -> Delivery | None:
    """The delivery of a tag, where a repository has no releases; None for one without a date."""
    at = row["created_at"]
    if at is None:
        return None
    tag = row["ref"].removeprefix("refs/tags/")
    clock = "the tagger's own clock, or the commit's"
    seen = frozenset({row["evidence"]})
    return Delivery(f"{repository}#release-{tag}", "", row["commit_sha"], at, at, clock, tag, None, None, seen)


def named_apart(found: Sequence[Delivery]) -> list[Delivery]:
    """Oldest first, with ids that differ: a tag may have been released again."""
    seen: dict[str, int] = {}
    apart = []
    for one in sorted(found, key=lambda one: (one.at, one.item)):
        seen[one.item] = seen.get(one.item, 0) + 1
        apart.append(one if seen[one.item] == 1 else replace(one, item=f"{one.item}~{seen[one.item]}"))
    return apart


def within(found: Iterable[Delivery], periods: Sequence[Period]) -> Iterator[Delivery]:
    """Those of the periods."""
    return (one for one in found if any(period.contains(one.at) for period in periods))
