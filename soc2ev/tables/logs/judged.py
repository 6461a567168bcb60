"""What a platform's description of one log source says to each question that is asked of it; not known stays so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from soc2ev.model import Json
from soc2ev.tables.facts.fact import Fact, listed, moment, no, shown, unknown, yes
from soc2ev.tables.logs.required import Demand

Row = Mapping[str, Json]
_QUIET = timedelta(days=7)
_SILENT = timedelta(days=30)
_AHEAD = timedelta(days=1)
"""Clocks and zones differ by so much; what lies further ahead is no time at which something arrived."""
_YEAR = 365
_SEALS = {
    "validation_files": "signed digests would show a change",
    "worm_governance": "write-once storage that only a special right lifts",
    "worm_compliance": "write-once storage that nobody lifts",
    "hmac": "keyed digests would show a change",
}
_OWN_WORD = "declared"


class Kept(NamedTuple):
    """For how long a source is kept, over all its sinks."""

    days: int | None
    infinite: bool | None
    basis: str | None
    partly: bool
    """A sink does not tell, so that the number is the least and not the most."""


class About(NamedTuple):
    """What does not depend on the reading: what is required of a source, whether it is listed, what samples hold."""

    demand: Demand
    listed: Fact
    required_events: Sequence[str] | None
    observed_events: frozenset[str]
    declared_events: frozenset[str] = frozenset()
    """What only an imported aggregation counts."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers about one source."""

    listed: Fact
    logs: Fact
    arrives: Fact
    kept: Fact
    kept_year: Fact
    sealed: Fact
    encrypted: Fact
    whole: Fact
    events: Fact

    def status(self) -> tuple[str, list[str]]:
        """ok, deviation or unknown, and the sentences that say why; only what is known to be fine is ok."""
        counted = (self.listed, self.logs, self.arrives, self.kept)
        # A platform that never tells whether events arrive is no reason for doubt; one that was not let tell is.
        bad = [one.reason for one in counted if one.value is False]
        open_ = [one.reason for one in counted if one.value is None and "SILENT_PLATFORM" not in one.flags]
        return ("deviation" if bad else "unknown" if open_ else "ok"), list(dict.fromkeys([*bad, *open_]))


def kept_by(row: Row, sinks: Sequence[Row]) -> Kept:
    """
    The longest of the source and its sinks, since one copy is enough to show what happened.

    A sink that holds a part of the events only is no copy: of such the source itself tells.
    """
    sinks = [sink for sink in sinks if sink.get("part") is not True]
    told = (row["retention_days"], *(sink["retention_days"] for sink in sinks))
    # Less than no days is how some systems write what they do not tell.
    known = [one for one in told if one is not None and one >= 0]
    infinite = [row["retention_infinite"], *(sink["retention_infinite"] for sink in sinks)]
    ever = True if True in infinite else (row["retention_infinite"] if known or not sinks else None)
    partly = any((sink["retention_days"] or -1) < 0 and sink["retention_infinite"] is not True for sink in sinks)
    days = None if ever or not known else max(known)
    basis = row["retention_basis"]
    if (days is not None or ever) and basis in (None, "unknown"):
        basis = "configured"
    return Kept(days, ever, basis, partly or "retention_days" in row["unknown"])


def logs(row: Row) -> Fact:
    """Whether it logs now."""
    if row["enabled"] is None:
        return unknown(_why(row, "Whether it logs is not known"))
    return yes("It is logging.") if row["enabled"] else no("It is switched off, or is not set to log.")


def arrives(row: Row) -> Fact:
    """Whether what it logs arrives; a month without an event is a deviation, a week a doubt."""
    last: datetime | None = row["last_event_at"]
    said = f" Last error: {shown(row['last_error'])}." if row["last_error"] else ""
    if row["delivering"] is False:
        return no(f"What it logs does not arrive.{said}")
    if last is not None and last - row["observed_at"] > _AHEAD:
        return unknown(f"The last event is said to have arrived {moment(last)}, after it was asked.")
    if last is not None and row["observed_at"] - last > _SILENT:
        return no(f"Silent: the last event arrived {moment(last)}.")
    if last is not None and row["observed_at"] - last > _QUIET:
        return unknown(f"Quiet: the last event arrived {moment(last)}.")
    if row["delivering"] is None and last is None:
        flags = () if {"delivering", "last_event_at"} & set(row["unknown"]) else ("SILENT_PLATFORM",)
        return unknown(_why(row, "Whether events arrive is not known"), *flags)
    if row["delivering"] is None and "delivering" in row["unknown"]:
        # The newest event that the platform itself holds says nothing of the deliveries that it did not show.
        return unknown(_why(row, "Whether events arrive is not known"))
    return yes("Events arrive.") if last is None else yes(f"The last event arrived {moment(last)}.")


def kept(found: Kept, days: int | None, by: str, row: Row) -> Fact:
    """Whether it is kept for so many days; None for them means that nothing says how many."""
    if days is None:
        return unknown("Nothing says how long it has to be kept: neither inventory nor policy nor a promise.")
    wanted = f"{days} days are required by {shown(by)}"
    if found.basis == _OWN_WORD:
        return unknown(f"Its retention is only declared, not read from the platform; {wanted}.")
    if found.infinite:
        return yes(f"It is kept for ever; {wanted}.")
    if found.days is None:
        return unknown(_why(row, f"For how long it is kept is not known; {wanted}"))
    if found.days >= days:
        return yes(f"It is kept for {found.days} days; {wanted}.")
    if found.partly:
        return unknown(f"It is kept for {found.days} days, and one of its sinks does not tell; {wanted}.")
    return no(f"It is kept for {found.days} days; {wanted}.")


def sealed(row: Row, sinks: Sequence[Row]) -> Fact:
    """Whether a change of what is kept is prevented, or would show."""
    mode = row["integrity"]
    if mode in _SEALS:
        return yes(f"{_SEALS[mode].capitalize()}.")
    if any(sink["worm_mode"] in ("GOVERNANCE", "COMPLIANCE") for sink in sinks):
        return yes("A copy lies in write-once storage.")
    if mode == "none":
        unclear = any(sink["worm_mode"] is None for sink in sinks)
        said = "Nothing prevents or shows a change of what is kept"
        return unknown(f"{said}, and one of its sinks does not tell.") if unclear else no(f"{said}.")
    return unknown(_why(row, "Whether a change of what is kept would show is not known"))


def encrypted(row: Row, sinks: Sequence[Row]) -> Fact:
    """Whether every place where it is kept is encrypted."""
    told = [row["encryption"]] if not sinks or row["encryption"] else []
    told += [sink["encryption"] for sink in sinks]
    if "none" in told:
        return no("It is kept without encryption.")
    if None in told or not told:
        return unknown(_why(row, "Whether it is encrypted where it is kept is not known"))
    return yes(f"Encrypted: {shown(listed(told))}.")


def whole(row: Row) -> Fact:
    """Whether everything is kept: no sampling, nothing left out."""
    if row["sampling"] is not None and 0 <= row["sampling"] < 1:
        return no(f"Only {row['sampling']:.0%} of the events are kept.")
    if row["exclusions"]:
        return no(f"Left out: {shown(listed(row['exclusions']))}.")
    refused = bool({"exclusions", "sampling"} & set(row["unknown"]))
    absurd = row["sampling"] is not None and not 0 <= row["sampling"] <= 1
    if refused or absurd or (row["exclusions"] is None and row["sampling"] is None):
        return unknown(_why(row, "Whether something is sampled away or left out is not known"))
    return yes("Nothing is known to be sampled away or left out.")


def events(row: Row, about: About, configured: AbstractSet[str]) -> Fact:
    """Whether each required kind of event is logged, by the configuration or by a sample; an import only says so."""
    wanted, observed = about.required_events, about.observed_events
    if not wanted:
        return unknown("The inventory requires no kinds of events of it.")
    missing = sorted(set(wanted) - configured - observed)
    if not missing:
        return yes(f"Logged as required: {shown(listed(wanted))}.")
    if row["enabled"] is False:
        return no(f"It is off, so that it logs nothing of {shown(listed(missing))}.")
    # What neither a configuration names nor a sample shows may still be logged when it happens.
    said = f"Neither the configuration nor a sample shows {shown(listed(missing))}"
    if only := sorted(set(missing) & about.declared_events):
        return unknown(f"{said}; an imported aggregation counts {shown(listed(only))}, which is declared.")
    return unknown(f"{said}.")


def answered(row: Row, sinks: Sequence[Row], configured: Iterable[str], about: About) -> Facts:
    """All answers of one reading about a source that a platform shows; `configured` are the kinds that it logs."""
    found, demand = kept_by(row, sinks), about.demand
    return Facts(
        listed=about.listed,
        logs=logs(row),
        arrives=arrives(row),
        kept=kept(found, demand.days, demand.by, row),
        kept_year=kept(found, _YEAR, "the aim of a year", row),
        sealed=sealed(row, sinks),
        encrypted=encrypted(row, sinks),
        whole=whole(row),
        events=events(row, about, {*configured}),
    )


def absent(listed_: Fact, where: Fact) -> Facts:
    """The answers about a source that is listed and that no platform shows."""
    nothing = unknown(where.reason)
    return Facts(listed_, where, nothing, nothing, nothing, nothing, nothing, nothing, nothing)


def _why(row: Row, said: str) -> str:
    return f"{said}: {shown(row['reasons'])}." if row["reasons"] else f"{said}."
