"""
H: whether the change can be traced to a deployment to production that succeeded and was watched.

Another tool may deploy without telling the host, so that no deployment at all proves nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from soc2ev.config import WatchPolicy
from soc2ev.tables.facts import rulebook, watching
from soc2ev.tables.facts.evidence import Change, Deployment
from soc2ev.tables.facts.fact import Fact, moment, no, shown, unknown

_FAILED = frozenset({"failure", "error"})
_SETTLING = timedelta(days=1)


def judge(change: Change, policy: WatchPolicy) -> Fact:
    """Attribute H of the change: it arrived by a deployment that succeeded, and that was watched where it has to be."""
    seen = change.deployments
    if not seen.visible:
        return unknown(f"Deployments could not be read: {shown(seen.reason) or 'they were not obtained'}.")
    if not seen.containing:
        return _nowhere(change)
    done = [(at, one) for one in seen.containing if (at := succeeded(one)) is not None]
    if done:
        at, first = min(done, key=lambda pair: (pair[0], pair[1].id))
        return arrived(first, at, policy)
    places = f"deployment to {shown(seen.containing[0].environment)}"
    failed = all(_FAILED & {state.lower() for state, _ in one.statuses} for one in seen.containing)
    if failed and not seen.unplaced:
        return no(f"Every {places} that contains it failed, and nothing shows a later one that succeeded.")
    return unknown(
        f"The {places} that contains it had neither succeeded nor failed for good when evidence was collected."
    )


def arrived(deployment: Deployment, at: datetime, policy: WatchPolicy) -> Fact:
    """Attribute H by a deployment that first succeeded then."""
    seen = watching.judge(deployment.watch, at, policy)
    return Fact(seen.value, f"Deployed to {shown(deployment.environment)} ({moment(at)}). {seen.reason}", seen.flags)


def succeeded(deployment: Deployment) -> datetime | None:
    """When it first succeeded; a later `inactive` only says that another one took its place."""
    times = [at or deployment.created_at for state, at in deployment.statuses if state.lower() == "success"]
    return min(times, default=None)


def _nowhere(change: Change) -> Fact:
    seen, at = change.deployments, rulebook.landed_at(change)
    if seen.total == 0:
        return unknown("No deployment to production is recorded at all; another tool may deploy.")
    if seen.unplaced:
        return unknown(f"{seen.unplaced} later deployments are of commits that cannot be placed in the history.")
    looked = seen.collected_at or change.collected_at
    if at is None or looked is None:
        return unknown("When it was merged, or when deployments were looked at, is not known.")
    if looked - at <= _SETTLING:
        return unknown(
            f"Not deployed yet when deployments were looked at ({moment(looked)}), within a day of the merge."
        )
    return no(f"No deployment to production contains it; they were looked at {moment(looked)}.")
