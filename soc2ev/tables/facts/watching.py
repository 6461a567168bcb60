"""
Whether production was watched after a deployment: a check that looks at it, or a person who wrote down what was seen.

Only what happened within the policy's time counts. Trouble in that time takes nothing away: a deployment that was
rolled back, or that an incident was opened for, was watched by somebody; the reason tells of it. A check that failed
counts when somebody reacted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from soc2ev.config import WatchPolicy
from soc2ev.tables.facts.evidence import Look, Trouble, Watch
from soc2ev.tables.facts.fact import Fact, moment, no, shown, unknown, yes

UNWATCHED = "NOT_WATCHED"
_FLAGS = {
    "failure": "FAILED_AFTERWARDS",
    "rollback": "ROLLED_BACK",
    "revert": "REVERTED",
    "incident": "INCIDENT_AFTERWARDS",
}
_REACTIONS = frozenset({"rollback", "revert", "incident"})
_UNASKED = "No watching afterwards was asked for (policy.watch)."


def judge(watch: Watch | None, arrived: datetime, policy: WatchPolicy) -> Fact:
    """Whether it was watched as the policy asks; where it asks for nothing, that holds, and the reason says so."""
    found = watched(watch, arrived, policy)
    if policy.required:
        return found
    reason = f"{_UNASKED} {found.reason}" if found.value else _UNASKED
    return Fact(value=True, reason=reason, flags=found.flags - {UNWATCHED})


def watched(watch: Watch | None, arrived: datetime, policy: WatchPolicy) -> Fact:
    """Whether it was watched in time, whatever the policy asks."""
    until = arrived + timedelta(hours=policy.within_hours)
    if watch is None:
        return unknown("What was done after the deployment was not collected.")
    troubles = [one for one in watch.troubles if _inside(one.at, arrived, until)]
    told = "".join(f" {_told(one)}" for one in troubles[:3])
    flags = [_FLAGS[one.kind] for one in troubles]
    looks = [one for one in watch.looks if _inside(one.at, arrived, until)]
    good = next((one for one in looks if one.person or one.good), None)
    if good is not None:
        return yes(f"{_seen(good)}{told}", *flags)
    failed = next((one for one in looks if one.good is False), None)
    reaction = next((one for one in troubles if one.kind in _REACTIONS), None)
    if failed is not None and reaction is not None:
        return yes(f"{_seen(failed)}{told}", *flags)
    return _unseen(watch, looks, until, told, flags)


def _unseen(watch: Watch, looks: list[Look], until: datetime, told: str, flags: list[str]) -> Fact:
    if watch.collected_at is None or watch.collected_at < until:
        return unknown(
            f"Watching it was pending when evidence was collected: there was time until {moment(until)}.{told}"
        )
    if watch.gaps:
        return unknown(f"Whether it was watched is not known: {'; '.join(shown(one) for one in watch.gaps[:3])}.{told}")
    undated = any(one.at is None and one.good is not False for one in watch.looks)
    if undated or any(one.good is None for one in looks):
        return unknown(f"Something looked at it, and when, or with what result, is not known.{told}")
    if failed := next((one for one in looks if one.good is False), None):
        return no(f"{_seen(failed)} Nothing shows that anybody reacted.{told}", UNWATCHED, *flags)
    return no(f"Nothing shows that anybody looked at it before {moment(until)}.{told}", UNWATCHED, *flags)


def _inside(at: datetime | None, arrived: datetime, until: datetime) -> bool:
    return at is not None and arrived <= at <= until


def _seen(one: Look) -> str:
    verdict = {True: "fine", False: "not fine", None: "of unknown result"}[one.good]
    return f"{shown(one.who)} looked at it ({moment(one.at)}): {shown(one.what) or verdict}."


def _told(one: Trouble) -> str:
    return f"Afterwards: {shown(one.what)} ({moment(one.at)})."
