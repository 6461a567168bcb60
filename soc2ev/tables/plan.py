"""
Which collections answer for a period.

One run's streams of one scope belong together: commits of one run never meet the integrations of another. A period
that was collected as such is answered by its best run; otherwise smaller periods that follow one another without a
gap may answer together, as twelve months do for a year. What nobody collected becomes a coverage that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from soc2ev.model import Coverage, Stream
from soc2ev.period import Period

_NAMELESS = "HEAD"
"""What the streams of a branch are called while nobody can tell which branch it is."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The coverages of one scope from one run."""

    period: Period
    coverages: tuple[Coverage, ...]

    @property
    def worth(self) -> tuple[bool, bool, datetime]:
        """Complete and made after the close, complete, newest: in this order."""
        complete = all(entry.complete for entry in self.coverages)
        settled = complete and not any(entry.provisional for entry in self.coverages)
        return settled, complete, max(entry.collected_at for entry in self.coverages if entry.collected_at)


def choose(
    coverages: Iterable[Coverage], streams: Mapping[str, Mapping[str, Stream]], period: Period, expects: Sequence[str]
) -> list[Coverage]:
    """
    The coverages to load for the period, followed by one for each gap.

    `streams` is by source and stream name. `expects` are the beginnings of stream names that the configuration asks
    for: `git:acme/api:` or `registers:`; one that nothing answers becomes a gap.
    """
    attempts: dict[str, dict[str, list[Coverage]]] = {}
    for entry in coverages:
        if entry.period.overlaps(period):
            scope = entry.stream.rpartition(":")[0] or entry.stream
            attempts.setdefault(scope, {}).setdefault(entry.run, []).append(entry)
    chosen: list[Coverage] = []
    for scope in sorted(attempts):
        runs = [_Attempt(found[0].period, tuple(found)) for found in attempts[scope].values()]
        if _is_snapshot(runs[0], streams):
            best = max(runs, key=lambda attempt: attempt.worth)
            chosen += [replace(entry, period=period) for entry in best.coverages]
        else:
            chosen += _tile(scope, runs, period)
    chosen = [entry for entry in chosen if not _overtaken(entry, chosen, expects)]
    return chosen + [_gap(prefix.rstrip(":"), period) for prefix in expects if not _answered(prefix, chosen)]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two complete collections of one stream for the same span: the one that answers, and one before it."""

    before: Coverage
    chosen: Coverage

    @property
    def closed(self) -> bool:
        """Whether the earlier one was made after the period had closed, so that nothing of it was still to come."""
        return not self.before.provisional


def pairs(
    claims: Iterable[Coverage], chosen: Iterable[Coverage], streams: Mapping[str, Mapping[str, Stream]]
) -> list[Pair]:
    """
    What can be compared with what the chosen collections say, the oldest first.

    Only complete collections that asked the same question count: for the same span, scope and refs. Of those made
    before the period closed there is only the last: each new day of an open period tells more. Settings are left
    out: they are read as often as somebody likes, and `rule_days` compares the readings.
    """
    answering = {(one.stream, one.period.start, one.period.end): one for one in chosen if one.run and one.complete}
    found: dict[tuple[str, bool], list[Pair]] = {}
    for entry in claims:
        one = answering.get((entry.stream, entry.period.start, entry.period.end))
        if one is not None and _comparable(entry, one) and not _is_snapshot(_Attempt(entry.period, (entry,)), streams):
            found.setdefault((f"{one.run} {one.stream}", entry.provisional), []).append(Pair(entry, one))
    kept = [pair for (_, early), listed in found.items() for pair in (_newest(listed) if early else listed)]
    return sorted(kept, key=lambda pair: (pair.before.collected_at or pair.before.period.end, pair.before.stream))


def _comparable(before: Coverage, chosen: Coverage) -> bool:
    """Whether it was complete, came first and asked the same."""
    if not before.complete or before.run == chosen.run or before.collected_at is None or chosen.collected_at is None:
        return False
    same = (before.scope, before.details.get("refs")) == (chosen.scope, chosen.details.get("refs"))
    return same and before.collected_at < chosen.collected_at


def _newest(listed: Sequence[Pair]) -> Sequence[Pair]:
    return [max(listed, key=lambda pair: pair.before.collected_at or pair.before.period.start)]


def _overtaken(entry: Coverage, chosen: Sequence[Coverage], expects: Iterable[str]) -> bool:
    """
    Whether it is a failure without a scope of its own (a whole source, a branch that nobody could name), and another
    run had everything in which it failed. One bad run would else spoil the period for ever.
    """
    scope = entry.stream.rpartition(":")[0]
    if entry.complete or (scope and not scope.endswith(f":{_NAMELESS}")):
        return False
    start = scope.removesuffix(_NAMELESS) if scope else f"{entry.stream}:"
    others = [one.stream for one in chosen if one.run not in ("", entry.run)]
    if scope:
        return any(one.startswith(start) and one.count(":") > start.count(":") for one in others)
    asked = [prefix for prefix in expects if prefix.startswith(start)]
    own = any(one.stream.startswith(start) for one in chosen if one.run == entry.run)
    return bool(asked) and not own and all(any(one.startswith(prefix) for one in others) for prefix in asked)


def _answered(prefix: str, chosen: Iterable[Coverage]) -> bool:
    # A source that failed as a whole left one coverage under its bare name.
    return any(entry.stream.startswith(prefix) or entry.stream == prefix.partition(":")[0] for entry in chosen)


def _is_snapshot(attempt: _Attempt, streams: Mapping[str, Mapping[str, Stream]]) -> bool:
    for entry in attempt.coverages:
        source, _, _ = entry.stream.partition(":")
        stream = streams.get(source, {}).get(entry.stream.rpartition(":")[2])
        if stream is not None and stream.snapshot:
            return True
    return False


def _tile(scope: str, runs: Sequence[_Attempt], period: Period) -> list[Coverage]:
    """The exact period when it was collected well, else smaller periods in a row with the gaps between them."""
    exact = [run for run in runs if (run.period.start, run.period.end) == (period.start, period.end)]
    best = max(exact, key=lambda attempt: attempt.worth, default=None)
    row = _row([run for run in runs if run not in exact], period)
    row_is_whole = bool(row) and all(isinstance(part, _Attempt) and part.worth[0] for part in row)
    if best is not None and (best.worth[0] or not row_is_whole):
        return list(best.coverages)
    found: list[Coverage] = []
    for part in row:
        found += part.coverages if isinstance(part, _Attempt) else [_gap(scope, part)]
    return found or [_gap(scope, period)]


def _row(runs: Sequence[_Attempt], period: Period) -> list[_Attempt | Period]:
    """From the start of the period to its end: at each point the longest, best attempt that lies within, or a gap."""
    inside = [run for run in runs if period.start <= run.period.start and run.period.end <= period.end]
    row: list[_Attempt | Period] = []
    cursor = period.start
    while cursor < period.end:
        here = [run for run in inside if run.period.start == cursor]
        if here:
            best = max(here, key=lambda attempt: (*attempt.worth[:2], attempt.period.end, attempt.worth[2]))
            row.append(best)
            cursor = best.period.end
            continue
        later = min((run.period.start for run in inside if run.period.start > cursor), default=period.end)
        # Both instants are somebody's midnight; so far inward lies the right day from Honolulu to the Chatham Islands.
        first, last = cursor + timedelta(hours=13, minutes=59), later - timedelta(hours=10, minutes=1)
        row.append(Period(cursor, later, f"{first:%Y-%m-%d}..{last:%Y-%m-%d}"))
        cursor = later
    return row if any(isinstance(part, _Attempt) for part in row) else []


def _gap(stream: str, period: Period) -> Coverage:
    reason = (
        f"nothing was collected for {period.start:%Y-%m-%d %H:%M}Z to {period.end:%Y-%m-%d %H:%M}Z; "
        f"run `soc2ev collect --period {period.name}`"
    )
    return Coverage(stream, period, None, 0, complete=False, reason=reason)
