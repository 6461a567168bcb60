"""H, and was watched: who looked at production after a deployment, in time, and what nothing tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from evidence_made import MERGED, change, deployment, deployments, judged, letters, policy

from soc2ev.config import WatchPolicy
from soc2ev.tables.facts.evidence import Look, Trouble, Watch
from soc2ev.tables.facts.watching import judge, watched

REQUIRED = WatchPolicy(required=True, within_hours=24)
MONTH = MERGED + timedelta(days=30)


def after(hours: float) -> datetime:
    """So long after the deployment arrived."""
    return MERGED + timedelta(hours=hours)


def smoke(hours: float | None = 1, *, good: bool | None = True) -> Look:
    """The smoke check's run on production."""
    return Look("the check smoke", None if hours is None else after(hours), good, "success" if good else "failure")


def person(hours: float, *, good: bool = True) -> Look:
    """An entry of the register."""
    return Look("Cleo", after(hours), good, "error rate for an hour", person=True)


def watch(*looks: Look, **facts: Any) -> Watch:
    """What was found a month later, everything having been read."""
    return Watch(looks, **({"collected_at": MONTH} | facts))


BACK = Trouble("rollback", after(2), "deployment 9 went back to an older state")


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (watch(smoke()), True),
        (watch(person(3)), True),
        (watch(person(3, good=False)), True),
        (watch(smoke(0)), True),
        (watch(smoke(24)), True),
        (watch(smoke(24.1)), False),
        (watch(person(-1)), False),
        (watch(), False),
        (watch(smoke(good=False)), False),
        (watch(smoke(good=False), troubles=(BACK,)), True),
        (watch(troubles=(BACK,)), False),
        (watch(smoke(good=False), troubles=(replace(BACK, at=after(30)),)), False),
        (watch(smoke(good=False), troubles=(replace(BACK, kind="failure"),)), False),
        (watch(smoke(good=None)), None),
        (watch(smoke(None)), None),
        (watch(gaps=("checks were refused",)), None),
        (watch(smoke(good=False), gaps=("checks were refused",)), None),
        (watch(smoke(), gaps=("checks were refused",)), True),
        (watch(collected_at=after(23)), None),
        (watch(collected_at=None), None),
        (watch(smoke(), collected_at=after(23)), True),
        (None, None),
    ],
)
def test_what_counts_as_watching(given: Watch | None, value: bool | None) -> None:
    """A look within the time; a failed check when somebody reacted; nothing unread or still running is a deviation."""
    found = watched(given, MERGED, REQUIRED)
    assert (value, value, True) == (found.value, judge(given, MERGED, REQUIRED).value, bool(found.reason))


@pytest.mark.parametrize("given", [None, watch(), watch(smoke()), watch(gaps=("refused",))])
def test_a_policy_that_asks_for_nothing_says_so(given: Watch | None) -> None:
    """Without the policy H holds by the deployment alone, and the reason says that no watching was asked for."""
    found = judge(given, MERGED, WatchPolicy())
    assert (True, True) == (found.value, "No watching afterwards was asked for" in found.reason)


def test_trouble_is_told_and_flagged() -> None:
    """A rollback in time stands in the reason and in the flags, and takes nothing away."""
    found = watched(watch(smoke(), troubles=(BACK,)), MERGED, REQUIRED)
    assert (True, {"ROLLED_BACK"}, True) == (found.value, set(found.flags), "went back" in found.reason)


@pytest.mark.parametrize(
    ("given", "outcome"), [(watch(smoke(2)), "met"), (watch(), "deviation"), (watch(gaps=("refused",)), "not tested")]
)
def test_the_letter_of_a_change_asks_for_it(given: Watch, outcome: str) -> None:
    """With the policy a change's H needs both: a deployment that succeeded and a look."""
    seen = deployments(deployment(watch=given))
    strict = policy(watch={"required": True})
    assert {"H": outcome} == {"H": letters(judged(change(deployments=seen), strict))["H"]}
    assert "met" == letters(judged(change(deployments=seen)))["H"]
