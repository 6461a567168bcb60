"""Production deployments as items of their own: what each brought, who deployed it, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.tables.facts import deliveries, watching

if TYPE_CHECKING:
    from datetime import datetime

    from soc2ev.config import WatchPolicy
    from soc2ev.model import Json
    from soc2ev.tables.facts.evidence import Deployment
    from soc2ev.tables.hosted.collection import Collection, RefMoves
    from soc2ev.tables.hosted.deployments import Delivered

_FAILED = ("FAILURE", "ERROR")
_CHANGES = ("activity", "commits", "merged")
"""Streams that tell what reached the branch."""


def deployment_rows(
    found: Collection, ref: RefMoves, delivered: Delivered, items: Mapping[int, str], policy: WatchPolicy
) -> Iterator[dict[str, Json]]:
    """Rows of `deployments` for the collection's span; `items` are the change items by the move's place."""
    evidence = {row["id"]: row["evidence"] for row in found.requests.rows("github_deployments")}
    # A deployment brings nothing where all of its changes are missing from the record.
    whole = all(map(found.complete, _CHANGES)) and not ref.problems and not ref.unexplained
    for place, deployment in enumerate(delivered.found):
        if not found.period.start <= deployment.created_at < found.period.end:
            continue
        earlier = _last_success(delivered.found[:place], deployment)
        brought, known = _brought(ref, delivered, deployment, earlier, items)
        yield {
            "item": f"{found.repository}#deployment-{deployment.id}",
            "repository": found.repository,
            "ref": ref.ref,
            "environment": deployment.environment,
            "sha": deployment.sha,
            "created_at": deployment.created_at,
            "creator": deployment.creator.login if deployment.creator else None,
            "creator_id": deployment.creator.number if deployment.creator else None,
            "creator_type": deployment.creator.kind if deployment.creator else None,
            "state": deployment.statuses[-1][0].lower() if deployment.statuses else None,
            "succeeded": _succeeded(deployment),
            "followed_by": _next_success(delivered.found[place + 1 :], deployment),
            # Without the record of its moves nobody knows what the branch holds, only what was once merged into it.
            "commit_known": delivered.placed(deployment) if found.complete("activity") else None,
            "brought": brought,
            "brought_known": known and whole,
            "rollback": _is_rollback(delivered, deployment, earlier),
            **_watched(deployment, policy),
            "evidence": [evidence[int(deployment.id)]],
        }


def _watched(deployment: Deployment, policy: WatchPolicy) -> dict[str, Json]:
    """What came after it; nothing is asked of one that never succeeded."""
    arrived = deliveries.succeeded(deployment)
    if arrived is None:
        return {"watch_asked": False, "watch_reason": "It never succeeded, so there was nothing to watch."}
    fact = watching.watched(deployment.watch, arrived, policy)
    told = {"watched": fact.value, "watch_reason": fact.reason}
    return {"arrived_at": arrived, "watch_asked": policy.required, **told}


def _brought(
    ref: RefMoves,
    delivered: Delivered,
    deployment: Deployment,
    earlier: Deployment | None,
    items: Mapping[int, str],
) -> tuple[list[str], bool]:
    """Changes between the last successful deployment and this one, and whether these are all."""
    upper = delivered.height(deployment)
    lower = delivered.height(earlier) if earlier else None
    if upper is None:
        return [], False
    found = [
        items[place]
        for place, move in enumerate(ref.moves)
        if (height := delivered.height_of_change(move.after)) is not None
        and height <= upper
        and (lower is None or height > lower)
    ]
    first = min(
        (one for move in ref.moves if (one := delivered.height_of_change(move.after)) is not None), default=None
    )
    # What lies between the last deployment and the first change of the period was merged before it.
    whole = lower is not None and (first is None or lower >= first - 1 or upper <= lower)
    return found, whole


def _last_success(before: Sequence[Deployment], deployment: Deployment) -> Deployment | None:
    for one in reversed(before):
        if one.environment == deployment.environment and _succeeded(one):
            return one
    return None


def _next_success(after: Sequence[Deployment], deployment: Deployment) -> datetime | None:
    """When the next deployment to the same environment succeeded; None when none did."""
    for one in after:
        if one.environment == deployment.environment:
            times = [at for state, at in one.statuses if state == "SUCCESS" and at]
            if times:
                return times[0]
    return None


def _succeeded(deployment: Deployment) -> bool | None:
    """Whether it ever succeeded (it reads inactive once another follows); None while nobody can tell."""
    states = [state for state, _ in deployment.statuses]
    if "SUCCESS" in states:
        return True
    return False if any(state in _FAILED for state in states) else None


def _is_rollback(delivered: Delivered, deployment: Deployment, earlier: Deployment | None) -> bool | None:
    if earlier is None:
        return None
    now, before = delivered.height(deployment), delivered.height(earlier)
    return None if now is None or before is None else now < before
