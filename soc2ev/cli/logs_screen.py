"""The screen of `soc2ev logs check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soc2ev.cli import console
from soc2ev.logs.events import CANONICAL, KINDS
from soc2ev.logs.instants import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soc2ev.logs.check import Check

_SHOWN = 10


def show(made: Check, source: str, most_leaks: int) -> None:
    """Events, then measures, then leaks by place."""
    whole = made.whole
    times = f"{iso(whole.times.first) or 'no times'} to {iso(whole.times.last) or '?'}"
    console.heading(f"{source or 'logs'}: {whole.lines} lines, {whole.unparsed} not understood, {times}")
    console.table(("event", "seen", "first", "last"), _events(made), right=(1,))
    console.put("")
    console.table(("measure", "value", "note"), _measures(made))
    console.put("")
    console.table(("leak", "count"), sorted(made.leak_counts.items()) or [("none found", "")], right=(1,))
    shown = made.leaks if not most_leaks else made.leaks[:most_leaks]
    if shown:
        console.put("")
        rows = [(one.file, one.line, one.leak.kind, one.leak.field, one.leak.fingerprint) for one in shown]
        console.table(("file", "line", "kind", "field", "fingerprint"), rows, right=(1,))
    if (more := made.leak_counts.total() - len(shown)) > 0:
        console.say(f"and {more} more leaks: --leaks 0 or --format json lists them")
    for note in made.notes:
        console.say(f"note: {console.safe(note)}")


def _events(made: Check) -> Iterator[tuple[object, ...]]:
    for kind in KINDS:
        seen = made.whole.events.get(kind)
        if seen is not None:
            yield kind, seen.count, iso(seen.first) or "", iso(seen.last) or ""
        elif kind in CANONICAL:
            yield kind, "not observed", "", ""


def _measures(made: Check) -> Iterator[tuple[str, str, str]]:
    whole, times = made.whole, made.whole.times
    found = whole.fields.correlation()
    joins = "" if found.joinable is None else f"{found.joinable:.0%} joinable between files"
    yield "correlation id", f"{found.share:.1%} {found.field}" if found.field else "none", joins
    shares = whole.fields.shares()
    yield (
        "who / what / when / where",
        " / ".join("?" if one is None else f"{one:.0%}" for one in shares.values()),
        ("and target last"),
    )
    if whole.logins.records:
        said = ", ".join(f"{asked} {share or 0:.0%}" for asked, share in whole.logins.shares().items())
        yield "authentications", f"{whole.logins.records} records", said
    zone = f"{times.zoned} with a zone, {times.ordered} of {times.pairs} in order"
    yield "times", f"{times.parsed} of {times.records} records", zone
    if times.skew.count:
        median, high = times.skew.at(0.5) or 0.0, times.skew.at(0.99) or 0.0
        yield "skew", f"p50 {median:.2f} s, p99 {high:.2f} s", f"{times.negative} negative"
    yield "in the future", str(times.future), "over 60 s ahead" if times.future else ""
    yield "masked values", str(whole.masked.total()), ", ".join(name for name, _ in whole.masked.most_common(3))
    yield from _stretches(made)


def _stretches(made: Check) -> Iterator[tuple[str, str, str]]:
    gaps = [f"{iso(gap.start)} to {iso(gap.end)}" for gap in made.gaps]
    yield "gaps", str(len(gaps)), "; ".join(gaps[:_SHOWN]) + ("; ..." if len(gaps) > _SHOWN else "")
    spikes = [f"{iso(one.start)} {one.share:.0%}" for one in made.spikes]
    yield "error spikes", str(len(spikes)), "; ".join(spikes[:_SHOWN]) + ("; ..." if len(spikes) > _SHOWN else "")
