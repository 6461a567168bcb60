"""
How deviations are spread over people, repositories, months and causes: advice to the auditor.

Auditors tell isolated deviations from systematic ones by a few markers. They are computed here and never decide
anything: whether a control was effective is the auditor's conclusion. A waiver does not change the pattern.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from soc2ev.model import Item, Outcome, Pattern
from soc2ev.period import Period

_RATE = 0.05
_ENOUGH_FOR_RATES = 10
_ENOUGH_FOR_CONCENTRATION = 3


def of(items: Sequence[Item], period: Period) -> Pattern:
    """The pattern of the deviating items; rate 0 and no markers when there are none."""
    tested = [item for item in items if _outcomes(item) & {Outcome.MET, Outcome.DEVIATION}]
    deviating = [item for item in tested if Outcome.DEVIATION in _outcomes(item)]
    if not deviating:
        return Pattern(0.0, ())
    causes = Counter(
        letter for item in deviating for letter, result in item.outcomes.items() if result.outcome is Outcome.DEVIATION
    )
    by = {
        "attribute": causes,
        "person": Counter(_people(deviating)),
        "repository": Counter(str(item.facts["repository"]) for item in deviating if item.facts.get("repository")),
        "month": Counter(f"{item.at + _offset(period):%Y-%m}" for item in deviating if item.at),
    }
    rate = round(len(deviating) / len(tested), 4)
    spread = {name: dict(sorted(counts.items())) for name, counts in by.items() if counts}
    return Pattern(rate, tuple(_markers(rate, len(tested), len(deviating), by, period)), spread)


def _markers(rate: float, tested: int, deviating: int, by: dict[str, Counter[str]], period: Period) -> Iterable[str]:
    if tested >= _ENOUGH_FOR_RATES and rate > _RATE:
        yield f"rate: {rate:.0%} of {tested} items tested, above {_RATE:.0%}"
    for letter, count in sorted(by["attribute"].items()):
        if count > 1:
            yield f"recurring cause: attribute {letter} in {count} items"
    for name in ("person", "repository"):
        if deviating >= _ENOUGH_FOR_CONCENTRATION and len(by[name]) > 1:
            who, count = max(by[name].items(), key=lambda entry: (entry[1], entry[0]))
            if count * 2 > deviating:
                yield f"concentration: {count} of {deviating} in {name} {who}"
    spanned = _months(period)
    if spanned > 1 and len(by["month"]) * 2 > spanned:
        yield f"persistence: in {len(by['month'])} of {spanned} months"


def _offset(period: Period) -> timedelta:
    """How far the zone is ahead of UTC at the period's start, which is somebody's midnight, from UTC-10 to +13:59."""
    past = period.start - period.start.replace(hour=0, minute=0, second=0, microsecond=0)
    return timedelta(days=1) - past if past > timedelta(hours=10) else -past


def _months(period: Period) -> int:
    """How many calendar months of its zone the period touches."""
    # Half a day inward, since daylight saving may have moved the end against the start.
    first, last = period.start + _offset(period), period.end + _offset(period) - timedelta(hours=12)
    return (last.year - first.year) * 12 + last.month - first.month + 1


def _people(items: Iterable[Item]) -> Iterable[str]:
    for item in items:
        yield from item.facts.get("makers") or ()


def _outcomes(item: Item) -> set[Outcome]:
    return {result.outcome for result in item.outcomes.values()}
