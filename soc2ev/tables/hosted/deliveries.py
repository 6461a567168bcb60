"""Production deployments as items of their own: what each brought, who deployed it, and what became of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection as Collected
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
    # One that was not listed may have brought what seems to be another's.
    listed, untold, heights = found.complete("deployments"), _untold(found), _Heights(ref, delivered)
    for place, deployment in enumerate(delivered.found):
        if not found.period.start <= deployment.created_at < found.period.end:
            continue
        earlier = _last_success(delivered.found[:place], deployment)
        # What became of one in between is not known: what that one brought this one may not have.
        doubtful = _between(delivered.found[:place], deployment, earlier, untold)
        brought, known = _brought(heights, delivered, deployment, doubtful or earlier)
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
            "succeeded": _succeeded(deployment, untold),
            "followed_by": _next_success(delivered.found[place + 1 :], deployment),
            "later_known": listed and not any(one.id in untold for one in _later(delivered.found[place:], deployment)),
            # Without the record of its moves nobody knows what the branch holds, only what was once merged into it.
            "commit_known": delivered.placed(deployment) if found.complete("activity") else None,
            "brought": [items[move] for move in brought] if listed else [],
            "brought_known": known and whole and listed and doubtful is None,
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


class _Heights:
    """The moves of a ref by the place of what they brought on its line."""

    def __init__(self, ref: RefMoves, delivered: Delivered) -> None:
        known = ((delivered.height_of_change(move.after), place) for place, move in enumerate(ref.moves))
        self._sorted = sorted((height, place) for height, place in known if height is not None)
        self.first = self._sorted[0][0] if self._sorted else None
        """The lowest of them; None when none is on the line."""

    def between(self, lower: int | None, upper: int) -> list[int]:
        """The moves above the one place up to the other, in their own order."""
        start = 0 if lower is None else bisect_right(self._sorted, lower, key=lambda one: one[0])
        return sorted(
            place for _, place in self._sorted[start : bisect_right(self._sorted, upper, key=lambda one: one[0])]
        )


def _brought(
    heights: _Heights, delivered: Delivered, deployment: Deployment, earlier: Deployment | None
) -> tuple[list[int], bool]:
    """Changes between the last successful deployment and this one, by their moves, and whether these are all."""
    upper = delivered.height(deployment)
    lower = delivered.height(earlier) if earlier else None
    if upper is None:
        return [], False
    first = heights.first
    # What lies between the last deployment and the first change of the period was merged before it.
    whole = lower is not None and (first is None or lower >= first - 1 or upper <= lower)
    return heights.between(lower, upper), whole


def _untold(found: Collection) -> set[str]:
    """The deployments whose statuses did not all arrive."""
    ended = {row["number"] for row in found.requests.rows("github_completions", "part = 'statuses'")}
    rows = found.requests.rows("github_deployments", "whole is not true")
    return {str(row["id"]) for row in rows if row["id"] not in ended}


def _between(
    before: Sequence[Deployment], deployment: Deployment, earlier: Deployment | None, untold: Collected[str]
) -> Deployment | None:
    """The last deployment to that environment after the `earlier` one that may have succeeded unseen."""
    for one in reversed(before):
        if one is earlier:
            return None
        if one.environment == deployment.environment and one.id in untold:
            return one
    return None


def _last_success(before: Sequence[Deployment], deployment: Deployment) -> Deployment | None:
    for one in reversed(before):
        if one.environment == deployment.environment and _succeeded(one):
            return one
    return None


def _next_success(after: Sequence[Deployment], deployment: Deployment) -> datetime | None:
    """When the next deployment to the same environment succeeded; None when none did."""
    found = (at for one in _later(after, deployment) for state, at in one.statuses if state == "SUCCESS" and at)
    return next(found, None)


def _later(after: Sequence[Deployment], deployment: Deployment) -> Iterator[Deployment]:
    return (one for one in after if one.environment == deployment.environment)


def _succeeded(deployment: Deployment, untold: Collected[str] = ()) -> bool | None:
    """Whether it ever succeeded (it reads inactive once another follows); None while nobody can tell."""
    states = [state for state, _ in deployment.statuses]
    if "SUCCESS" in states:
        return True
    if deployment.id in untold:
        return None
    return False if any(state in _FAILED for state in states) else None


def _is_rollback(delivered: Delivered, deployment: Deployment, earlier: Deployment | None) -> bool | None:
    if earlier is None:
        return None
    now, before = delivered.height(deployment), delivered.height(earlier)
    return None if now is None or before is None else now < before
