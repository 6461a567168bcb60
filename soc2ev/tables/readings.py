"""
What readings of a setting say about a period.

A setting can be seen only when somebody looks. One reading inside the period shows how it was there; one from outside
says nothing by itself, and two near ones, before and after, speak for the time between when both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from soc2ev.period import Period
from soc2ev.tables.facts.fact import Fact, moment, no, unknown, yes

T = TypeVar("T")
GONE = "GONE"
"""The flag of what a whole reading does not show although an earlier one did."""
_NEAR = timedelta(days=35)
"""A monthly collection, and some days of delay."""
_SPAN = timedelta(days=105)
"""A month with so much on both sides; what was between readings further apart nobody can say."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one reading shows, when, and the digests of the bodies that say so."""

    at: datetime
    fact: Fact
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Throughout:
    """The answer for a period, with the digests of the other readings that decided it."""

    fact: Fact
    digests: tuple[str, ...] = ()


def near(series: Sequence[T], at: Callable[[T], datetime], whole: Callable[[T], bool], period: Period) -> list[T]:
    """
    Of readings in the order of time those that have to do with the period.

    They are all within it, and on each side the nearest, and the nearest that is whole. Further ones say nothing.
    """
    before = [one for one in series if at(one) < period.start]
    after = [one for one in series if at(one) >= period.end]
    edges = [*before[-1:], *[one for one in before if whole(one)][-1:]]
    edges += [*after[:1], *[one for one in after if whole(one)][:1]]
    return [one for one in series if period.contains(at(one)) or any(one is edge for edge in edges)]


def throughout(now: Seen | None, others: Iterable[Seen], period: Period) -> Throughout:
    """
    The answer for the period. `now` is the reading that the tables show, `others` are further ones.

    A reading inside that denies it decides; then one inside in which it is GONE, so that it is not known; then one
    inside that affirms it; then near readings on both sides that affirm it. Without any of these, what is wrong in a
    reading from outside is told as wrong, with its time, and what is right in it is not known of the period. None for
    `now` is a reading of an unknown time.
    """
    seen = sorted((*others, *((now,) if now else ())), key=lambda one: one.at)
    inside = [one for one in seen if period.contains(one.at)]
    gone = [one for one in inside if one.fact.value is None and GONE in one.fact.flags]
    for found in ([one for one in inside if one.fact.value is False], gone, [one for one in inside if one.fact.value]):
        if found:
            return _said(found[-1], now)
    if now is None:
        return Throughout(unknown("When it was read is not known."))
    around = _around(seen, period)
    if around and now.fact.value is not False:
        before, after = around
        reason = f"{after.fact.reason} So it was on both sides of the period, {moment(before.at)} and"
        return Throughout(yes(f"{reason} {moment(after.at)}."), (*before.digests, *after.digests))
    return Throughout(_outside(now, period))


def _said(one: Seen, now: Seen | None) -> Throughout:
    if now is not None and (one.at, one.fact.value) == (now.at, now.fact.value):
        return Throughout(now.fact)
    reason = f"{one.fact.reason} So it was read {moment(one.at)}."
    return Throughout(Fact(one.fact.value, reason, one.fact.flags), one.digests)


def _around(seen: Iterable[Seen], period: Period) -> tuple[Seen, Seen] | None:
    """The nearest readings before and after, when both are near and affirm it."""
    told = [one for one in seen if one.fact.value is not None]
    before = [one for one in told if period.start - _NEAR <= one.at < period.start][-1:]
    after = [one for one in told if period.end <= one.at < period.end + _NEAR][:1]
    good = before and after and before[0].fact.value and after[0].fact.value
    return (before[0], after[0]) if good and after[0].at - before[0].at <= _SPAN else None


def _outside(now: Seen, period: Period) -> Fact:
    if period.contains(now.at) or now.fact.value is None:
        return now.fact
    when = f"{moment(now.at)}, {'after' if now.at >= period.end else 'before'} the period"
    if now.fact.value is False:
        return no(f"{now.fact.reason} It was read {when}.")
    said = f"It was read {when}, which says nothing about the period; collect inside it, or before and after it."
    return unknown(f"{now.fact.reason} {said}", *now.fact.flags)


__all__ = ["GONE", "Seen", "Throughout", "near", "throughout"]
