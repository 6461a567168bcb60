"""Alert rules with whom they reach, and which high-risk events they watch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.period import Period
from soc2ev.tables.facts.fact import Fact, every, listed, moment, no, shown, some, unknown, yes
from soc2ev.tables.logs.declared import ALERT_COVERAGE, ALERT_RULES
from soc2ev.tables.logs.readings import MISSING, Judge, Readings, named
from soc2ev.tables.readings import Throughout

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_RULES = "select * from collected_alert_rules order by source_key, position"
_SOURCES = "select * from collected_log_sources order by key"
# A test, or what a rule watches, on the word of one person alone is none.
_TESTS = """
    select s.rule, list(s.tested_on) filter (s.tested_on is not null) as tested,
      list_sort(flatten(list(coalesce(s.events, [])))) as events, list(distinct s.evidence) as evidence
    from register_abuse_scenarios s join register_approvals a on a.file = s.file and a.record = s.record
    where a.approved and s.status is distinct from 'retired' and s.rule is not null group by s.rule order by s.rule
"""
# A register that cannot be read may say what a rule watches.
_DOUBTS = """
    select
      count(*) filter (list_has_any("unknown", ['alert_rules', 'alert_rules.event_kinds', 'alert_rules.rule']))
        + (select count(*) from registers
           where problem is not null and coalesce(kind, 'abuse_monitoring') = 'abuse_monitoring') as open
    from collected_log_sources
"""
_YEAR = timedelta(days=365)
_DAYLIGHT = timedelta(minutes=610)
"""A period ends at somebody's midnight; so far before it lies its last day from Honolulu to the Chatham Islands."""
HIGH_RISK = {
    "auth.failure": "Repeated failed logins",
    "authz.failure": "Refused requests",
    "mfa.changed": "Second factors switched off",
    "role.changed": "Privileges granted, permissions or policies changed",
    "admin.action": "Administrative actions",
    "data.export": "Exports of data",
    "token.created": "New tokens and keys",
    "rate_limit": "Rate limits exceeded",
    "webhook.failure": "Failed webhook deliveries",
    "logging.changed": "Logging changed or switched off",
}
"""Kinds of events that somebody has to be told of, with words for people."""

# Names of operations as cloud audit logs write them, and the words that rules for other logs use.
_WORDS = {
    event: re.compile(form, re.IGNORECASE)
    for event, form in {
        "auth.failure": r"(log[io]n|signin|auth(entication)?)[ _.-]?fail|fail\w*[ _.-]?(login|auth)",
        "authz.failure": r"AccessDenied|UnauthorizedOperation|permission[ _.-]?denied",
        "mfa.changed": r"DeactivateMFADevice|mfa[ _.-]?(disabled|changed|removed)",
        "role.changed": r"Attach(Role|User|Group)Policy|Put(Role|User|Group)Policy|CreatePolicyVersion|role.?changed",
        "admin.action": r"userIdentity\.type\s*=\s*.?Root|admin[ _.-]?action|root[ _.-]?(login|usage)",
        "data.export": r"data[ _.-]?export|bulk[ _.-]?(export|download)",
        "token.created": r"CreateAccessKey|(token|api[ _.-]?key)[ _.-]?created",
        "rate_limit": r"rate[ _.-]?limit|throttl|\b429\b",
        "webhook.failure": r"webhook[ _.-]?\w*[ _.-]?fail",
        "logging.changed": r"StopLogging|DeleteTrail|UpdateTrail|PutEventSelectors|logging.?(changed|stopped|disabled)",
    }.items()
}


def derive(engine: Engine, readings: Readings) -> None:
    """Fill both tables: what a rule is, by the reading that answers; each yes and no, by all of the period."""
    tested = {row["rule"]: row for row in engine.stream(_TESTS)}
    sources = {row["key"]: row for row in engine.stream(_SOURCES)}
    found = readings.entries("collected_alert_rules", "rule", list(engine.stream(_RULES)), sources)
    items = named([row for row, _ in found], "rule")
    told = {
        name: readings.over_entries(
            "collected_alert_rules", "rule", found, judge, _AWAY if name == "active" else MISSING
        )
        for name, judge in _FACTS.items()
    }
    rules = [
        _rule(row, {name: facts[at] for name, facts in told.items()}, source, tested)
        | _tried_in(row, tested, readings.period)
        | {"item": items[at]}
        for at, (row, source) in enumerate(found)
    ]
    engine.insert(ALERT_RULES, rules)
    doubts = next(iter(engine.stream(_DOUBTS)))
    # Without a single rule nobody asked the place where the alerts are.
    whole = bool(rules) and not doubts["open"]
    engine.insert(ALERT_COVERAGE, list(_coverage(rules, whole=whole)))


def _rule(row: Row, told: Mapping[str, Throughout], source: Row | None, tested: Mapping[str, Row]) -> dict[str, Json]:
    test = _test(row, tested)
    answers: dict[str, Json] = {}
    for name, one in told.items():
        answers |= {name: one.fact.value, f"{name}_reason": one.fact.reason}
    digests = {digest for one in told.values() for digest in one.digests}
    return {
        **{column.name: row[column.name] for column in ALERT_RULES.columns if column.name in row},
        **answers,
        "event_kinds": _watched(row, test["events"] if test else ()),
        "observed_at": source["observed_at"] if source else None,
        "evidence": sorted({row["evidence"], *digests, *(test["evidence"] if test else ())}),
    }


def _test(row: Row, tested: Mapping[str, Row]) -> Row | None:
    """The entry of the register about it: as <source>/<rule>, as <connector>:<rule>, or by the rule's bare name."""
    connector = row["source_key"].partition(":")[0]
    names = (f"{row['source_key']}/{row['rule']}", f"{connector}:{row['rule']}", row["rule"])
    return next((tested[name] for name in names if name in tested), None)


def _tried_in(row: Row, tested: Mapping[str, Row], period: Period) -> dict[str, Json]:
    test = _test(row, tested)
    fact = _tried(row["last_fired"], (test["tested"] or ()) if test else (), period)
    return {"tried": fact.value, "tried_reason": fact.reason}


def _watched(row: Row, declared: Sequence[str]) -> list[str] | None:
    """What the system, the rule's own words and the register say that it watches; None when none of them says."""
    words = f"{row['rule']} {row['title']} {row['expression']}"
    found = {event for event, form in _WORDS.items() if form.search(words)}
    found |= {*declared, *(row["event_kinds"] or ())}
    return sorted(found) if found or row["event_kinds"] is not None else None


def _active(row: Row, _: Row) -> Fact:
    if row["enabled"] is None:
        return unknown("Whether it is enabled is not known.")
    return yes("It is enabled.") if row["enabled"] else no("It is switched off.")


def _routed(row: Row, _: Row) -> Fact:
    if row["reaches"] is None:
        return unknown("Whom it reaches is not known; collect the place where alerts are routed (sources.logs).")
    if row["reaches"] in ("", "none"):
        return no(f"Its route {shown(row['receiver'])} ends at nobody.")
    return yes(f"It reaches {shown(row['reaches'])}.")


def _heard(row: Row, source: Row) -> Fact:
    """NULL is a silence that the system did not let be read, or none: only its list of unknown facts tells."""
    until: datetime | None = row["muted_until"]
    if until is not None and until > source["observed_at"]:
        return no(f"It is muted until {moment(until)}.")
    if row["silence_doubt"]:
        doubt = shown(row["silence_doubt"])
        return unknown(f"{doubt[:1].upper()}{doubt[1:]}.")
    if until is None and _UNTOLD & {*(source["unknown"] or ())}:
        return unknown("Silences could not be read.")
    return yes("No silence hides it.")


_UNTOLD = frozenset(("alert_rules.muted_until", "alert_rules.silence_doubt"))
_AWAY = no("The platform did not show it, as it did before and after.")
_FACTS: Mapping[str, Judge] = {"active": _active, "routed": _routed, "heard": _heard}


def _tried(fired: datetime | None, tested: Sequence[date], period: Period) -> Fact:
    """What happened after the period says nothing about the twelve months before its end."""
    last_day = (period.end - _DAYLIGHT).date()
    before = [day for day in tested if day <= last_day]
    day = max(before, default=None)
    late = (fired is not None and fired >= period.end) or len(before) < len(tested)
    fired = fired if fired is None or fired < period.end else None
    if fired is not None and period.end - fired <= _YEAR:
        return yes(f"It fired {moment(fired)}.")
    if day is not None and last_day - day <= _YEAR:
        return yes(f"Its scenario was tested on {day}.")
    if late:
        return unknown("It fired, or was tested, after the period; whether it was tried before is not on record.")
    if fired is not None or day is not None:
        last = max([one for one in (fired.date() if fired else None, day) if one])
        return no(f"It was last fired or tested on {last}.")
    return unknown("Neither a firing nor a test of it is on record.")


def _coverage(rules: Sequence[Row], *, whole: bool) -> Iterator[dict[str, Json]]:
    for event, title in HIGH_RISK.items():
        watching = [row for row in rules if event in (row["event_kinds"] or ())]
        fact = _covered(watching, rules, whole=whole)
        yield {
            "event": event,
            "title": title,
            "rules": [_name(row) for row in watching],
            "covered": fact.value,
            "covered_reason": fact.reason,
            "evidence": sorted({one for row in watching or rules for one in row["evidence"]}),
        }


def _covered(watching: Sequence[Row], rules: Sequence[Row], *, whole: bool) -> Fact:
    states = [every((row["active"], row["routed"], row["heard"])) for row in watching]
    good = [_name(row) for row, state in zip(watching, states, strict=True) if state]
    if good:
        return yes(f"Watched by {shown(listed(good))}.")
    vague = sum(row["event_kinds"] is None for row in rules)
    if not rules:
        return unknown("No alert rules were collected (sources.logs).")
    if some(states) is None or vague or not whole:
        why = f"{vague} rules do not say what they watch" if vague else "not all rules could be read"
        why = "whether its rules reach somebody is not known" if some(states) is None else why
        return unknown(f"No rule is known to watch it and reach somebody; {why}.")
    if watching:
        return no(f"Its rules are off, muted or reach nobody: {shown(listed(map(_name, watching)))}.")
    return no("No rule watches it.")


def _name(row: Row) -> str:
    return f"{row['source_key']}/{row['rule']}"
