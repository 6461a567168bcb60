"""What configurations and samples of logs show: which kinds of events are logged, and how clean the logs are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json
from soc2ev.tables.facts.fact import Fact, listed, no, shown, unknown, yes
from soc2ev.tables.logs.declared import LOG_SAMPLES, LOGGED_EVENTS
from soc2ev.tables.logs.imported import BASIS, CLAIM, NONE, SHARES, Import, Imports, count
from soc2ev.tables.logs.readings import Readings
from soc2ev.tables.readings import Throughout

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_CONFIGURED = "select * from collected_log_events order by source_key, position"
_SOURCES = "select * from collected_log_sources order by key"
_OBSERVED = """
    select event, source, sum("count")::bigint as "count", min(first_at) as first_at, max(last_at) as last_at,
      list(distinct evidence) as evidence
    from log_content_events group by event, source, evidence order by all
"""
_FILES = "select * from log_contents order by source, file"
_LEAKS = "select source, kind, count(*) as n from log_leaks group by all order by all"
_GAPS = "select source, count(*) as n from log_gaps group by all order by all"
EVENTS = {
    "auth.success": "Successful authentication",
    "auth.failure": "Failed authentication",
    "authz.failure": "Refused requests",
    "token.created": "Creation of tokens and keys",
    "token.revoked": "Revocation of tokens and keys",
    "admin.action": "Administrative actions",
    "sensitive.read": "Access to sensitive data",
    "rate_limit": "Rate limits exceeded",
    "webhook.failure": "Failed webhook deliveries",
    "mfa.changed": "Changes of second factors",
    "user.created": "Registration of users",
    "user.invited": "Invitations",
    "user.accepted": "Acceptance of invitations",
    "role.changed": "Changes of roles",
    "user.deactivated": "Deactivation of users",
    "user.deleted": "Deletion of users",
    "credential.rotated": "Rotation of credentials",
    "permission.revoked": "Revocation of permissions",
    "session.revoked": "Revocation of sessions",
    "key.revoked": "Revocation of keys",
    "data.export": "Exports of data",
    "logging.changed": "Changes of logging",
}
"""The canonical kinds of events, with words for people."""
_PERSONAL = {"email", "personal_data"}
"""Kinds of leaks that are no secrets. Some logs need an address to say who acted."""
_NOTHING = "The sample holds no lines, or could not be read to its end."
_HALF = 0.5
_ASKED = ("who", "what", "when", "where")
_SAID = {"when": "time", "who": "user", "where": "address", "outcome": "outcome", "how": "method"}
_ENOUGH = 0.9
"""Share of lines with an id above which requests can be followed; health checks and start-up lines have none."""


def derive(engine: Engine, readings: Readings, coverages: Sequence[Coverage] = (), imports: Imports = NONE) -> None:
    """Fill both tables; `coverages` say of which samples a file could not be read, `imports` are by somebody's word."""
    observed = list(engine.stream(_OBSERVED))
    sources = {row["key"]: row for row in engine.stream(_SOURCES)}
    configured = readings.entries("collected_log_events", "event", list(engine.stream(_CONFIGURED)), sources)
    told = readings.over_entries("collected_log_events", "event", configured, _working)
    shown = list(zip((row for row, _ in configured), told, strict=True))
    engine.insert(LOGGED_EVENTS, list(_events(shown, observed, readings, imports)))
    partial = {one.scope.get("source") for one in coverages if one.stream.startswith("files:") and not one.complete}
    samples = list(_samples(engine, readings, partial))
    there = {row["source"].lower() for row in samples}
    counted = [_counted(found) for key, found in sorted(imports.by_source.items()) if key not in there]
    engine.insert(LOG_SAMPLES, [*samples, *counted])


def _working(_: Row, source: Row) -> Fact:
    if source["enabled"] is None:
        return unknown(f"Whether {shown(source['key'])} logs is not known.")
    key = shown(source["key"])
    return (
        yes(f"Logged by the configuration of {key}.") if source["enabled"] else no(f"What would log it, {key}, is off.")
    )


def _events(
    configured: Sequence[tuple[Row, Throughout]], observed: Sequence[Row], readings: Readings, imports: Imports
) -> Iterator[dict[str, Json]]:
    for event, title in EVENTS.items():
        on = [(row, told) for row, told in configured if row["event"] == event]
        seen = [row for row in observed if row["event"] == event and row["count"] and _of_period(row, readings)]
        fact = _claimed(_logged(on, seen), imports.said(event))
        claims = [one for found in imports.by_source.values() for one in found if count([one], event.replace(".", "_"))]
        yield {
            "event": event,
            "title": title,
            "sources": sorted(
                {row["source_key"] for row, told in on if told.fact.value} | {row["source"] for row in seen}
            ),
            "observed": sum(row["count"] for row in seen) if observed else None,
            "declared": count(claims, event.replace(".", "_")) if imports.by_source else None,
            "logged": fact.value,
            "logged_reason": fact.reason,
            "evidence": sorted(
                {one for row, told in on for one in (row["evidence"], *told.digests)}
                | {one for row in seen for one in row["evidence"]}
                | {one.item.digest for one in claims}
            ),
        }


def _claimed(fact: Fact, said: str) -> Fact:
    """The same answer; beside one that is not yes it says what somebody's word adds, which decides nothing."""
    return fact if fact.value or not said else Fact(fact.value, f"{fact.reason} {said}", fact.flags)


def _of_period(row: Row, readings: Readings) -> bool:
    """Whether a sample, or what it holds, is of the period; what has no time is taken at its word."""
    return readings.touches(row["first_at"], row["last_at"])


def _logged(on: Sequence[tuple[Row, Throughout]], seen: Sequence[Row]) -> Fact:
    """That something was not observed never says that it would not be logged."""
    if seen:
        return yes(
            f"Samples hold {sum(row['count'] for row in seen)} of {shown(listed(row['source'] for row in seen))}."
        )
    facts = [told.fact for _, told in on]
    working = [row["source_key"] for row, told in on if told.fact.value]
    if working:
        good = [fact.reason for fact in facts if fact.value]
        return yes(good[0] if len(good) == 1 else f"Logged by the configuration of {shown(listed(working))}.")
    if facts and all(fact.value is False for fact in facts):
        return no(facts[0].reason)
    if open_ := [fact.reason for fact in facts if fact.value is None]:
        return unknown(open_[0])
    return unknown("No configuration names it, and it was not observed in any sample.")


def _samples(engine: Engine, readings: Readings, partial: Container[str | None]) -> Iterator[dict[str, Json]]:
    files: dict[str, list[Row]] = defaultdict(list)
    leaks: dict[str, dict[str, int]] = defaultdict(dict)
    for row in engine.stream(_FILES):
        files[row["source"]].append(row)
    for row in engine.stream(_LEAKS):
        leaks[row["source"]][row["kind"]] = row["n"]
    gaps = {row["source"]: row["n"] for row in engine.stream(_GAPS)}
    for source, found in files.items():
        elsewhere = not any(_of_period(row, readings) for row in found)
        cut = source in partial or any(not one["whole"] for one in found)
        yield _sample(source, found, leaks[source], gaps.get(source, 0), cut=cut, elsewhere=elsewhere)


def _sample(
    source: str, files: Sequence[Row], leaks: Mapping[str, int], gaps: int, *, cut: bool, elsewhere: bool
) -> dict[str, Json]:
    lines, unparsed = sum(row["lines"] or 0 for row in files), sum(row["unparsed"] or 0 for row in files)
    # What follows the place at which the reading broke off was not looked at.
    read = lines if all(row["whole"] for row in files) else 0
    secrets = {kind: count for kind, count in leaks.items() if kind not in _PERSONAL}
    personal = {kind: count for kind, count in leaks.items() if kind in _PERSONAL}
    facts = {
        "clean": _clean(read, secrets),
        "impersonal": _clean(read, personal),
        "correlated": _correlated(files),
        "context": _context(files),
        "authentication": _authentication(files),
        "clocks": _clocks(files),
        "continuous": _continuous(read, gaps, files),
    }
    # What follows the place at which the reading broke off may be otherwise, as may a file that could not be opened.
    facts = {name: _reserved(fact, cut=cut, elsewhere=elsewhere) for name, fact in facts.items()}
    row: dict[str, Json] = {"source": source, "basis": "observed", "files": len(files), "lines": lines}
    row |= {"unparsed": unparsed}
    row |= {"leaks": sum(leaks.values()), "gaps": gaps, "auth_records": _total(files, "auth_records")}
    for name, fact in facts.items():
        row |= {name: fact.value, f"{name}_reason": fact.reason}
    return row | {"evidence": sorted({one["evidence"] for one in files})}


def _counted(found: Sequence[Import]) -> dict[str, Json]:
    """The row of a source of which an engine elsewhere counted the records: nothing in it is answered."""
    facts = dict.fromkeys(("clean", "impersonal"), "The query looks for nothing that must not stand in a log.")
    facts |= {"correlated": _said(found, ("correlation",)), "context": _said(found, ("who", "what", "where"))}
    facts |= {"authentication": "The query does not count what records of authentications say."}
    facts |= {"clocks": "The query does not compare when an event happened with when it arrived."}
    facts |= {"continuous": "The query does not tell which hours without records are unusual."}
    row: dict[str, Json] = {"source": found[0].source, "basis": BASIS, "files": 0, "lines": count(found, "records")}
    row |= {f"{name}_reason": reason for name, reason in facts.items()}
    return row | {"evidence": sorted({one.item.digest for one in found})}


def _said(found: Sequence[Import], names: Sequence[str]) -> str:
    told = {name: [one.share(name) for one in found] for name in names}
    known = {name: min(one for one in shares if one is not None) for name, shares in told.items() if None not in shares}
    if not known:
        return f"The query did not ask for {shown(listed(SHARES[name][0] for name in names))}."
    said = ", ".join(f"{name} in {share:.0%}" for name, share in known.items())
    runs = listed(one.run for one in found)
    return f"Of {count(found, 'records')} records an imported aggregation ({runs}) counts {said}; {CLAIM}"


def _reserved(fact: Fact, *, cut: bool, elsewhere: bool) -> Fact:
    """What is wrong in a part of a sample is wrong; that all is well takes the whole of one of the period."""
    if fact.value and cut:
        return unknown(_NOTHING)
    if fact.value and elsewhere:
        return unknown(f"{fact.reason} But nothing in the sample is of the period.")
    return fact


def _tells(row: Row) -> bool:
    """Whether something of it was read: one that is no text has lines by chance."""
    return bool(row["lines"]) and (row["whole"] or (row["unparsed"] or 0) < row["lines"])


def _share(row: Row, name: str) -> float | None:
    """The share of all lines: one that no format fits carries nothing that could be found again."""
    share = row[f"{name}_share"]
    return None if share is None else share * (row["lines"] - min(row["unparsed"] or 0, row["lines"])) / row["lines"]


def _clean(lines: int, leaks: Mapping[str, int]) -> Fact:
    if leaks:
        return no("Found: " + ", ".join(f"{count} {kind}" for kind, count in sorted(leaks.items())) + ".")
    return yes(f"Nothing was found in {lines} lines.") if lines else unknown(_NOTHING)


def _correlated(files: Sequence[Row]) -> Fact:
    told = [_share(row, "correlation") for row in files if _tells(row)]
    shares = [one for one in told if one is not None]
    if not shares or len(shares) < len(told):
        return unknown("Whether lines carry an id of their request is not known.")
    worst = min(shares)
    said = f"At least {worst:.0%} of the lines carry an id by which a request can be followed."
    return yes(said) if worst >= _ENOUGH else no(f"Only {worst:.0%} of the lines carry an id of their request.")


def _context(files: Sequence[Row]) -> Fact:
    """Some lines tell of no act: between half and nine in ten, a person has to look which they are."""
    worst: dict[str, float] = {}
    for name in _ASKED:
        told = [_share(row, name) for row in files if _tells(row)]
        shares = [one for one in told if one is not None]
        if not shares or len(shares) < len(told):
            return unknown("Whether lines say who did what, when and from where is not known.")
        worst[name] = min(shares)
    said = ", ".join(f"{name} in {share:.0%}" for name, share in worst.items())
    if min(worst.values()) >= _ENOUGH:
        return yes(f"At least so many lines say: {said}.")
    if min(worst.values()) < _HALF:
        return no(f"Only so many lines say: {said}.")
    return unknown(f"Not all lines say: {said}; whether the others need to is for a person to see.")


def _authentication(files: Sequence[Row]) -> Fact:
    """What records of authentications say, over all files: there are few of them, and a file may have none."""
    records = _total(files, "auth_records")
    if records is None:
        return unknown("What records of authentications say was not counted; collect again.")
    if not records:
        return unknown("No record of an authentication is in the sample.")
    shares = {name: (_total(files, f"auth_{name}") or 0) / records for name in _SAID}
    said = ", ".join(f"{_SAID[name]} in {share:.0%}" for name, share in shares.items())
    if min(shares.values()) >= _ENOUGH:
        return yes(f"Of {records} records of authentications at least so many say: {said}.")
    if min(shares.values()) < _HALF:
        return no(f"Of {records} records of authentications only so many say: {said}.")
    return unknown(f"Not all {records} records of authentications say: {said}; a person has to look at the others.")


def _total(files: Iterable[Row], column: str) -> int | None:
    """The sum over the files; None when one of them was not counted."""
    counts = [row[column] for row in files]
    return None if None in counts else sum(counts)


def _clocks(files: Sequence[Row]) -> Fact:
    ahead = sum(row["future"] or 0 for row in files)
    if ahead:
        return no(f"{ahead} events lie more than a minute ahead of their arrival: a clock is wrong.")
    if any(row["skew_p50"] is None or row["future"] is None for row in files):
        return unknown("The lines do not carry both the time of the event and the time of its arrival.")
    return yes(
        f"No event lies ahead of its arrival; 99 of 100 arrive within {max(r['skew_p99'] or 0 for r in files):g} s."
    )


def _continuous(lines: int, gaps: int, files: Sequence[Row]) -> Fact:
    if not gaps and lines and any(row["lines"] and row["first_at"] is None for row in files):
        return unknown("Not all lines say when, so that a gap would not be seen.")
    if gaps:
        return no(f"{gaps} gaps that its usual volume does not explain.")
    return yes("No gap that its usual volume does not explain.") if lines else unknown(_NOTHING)
