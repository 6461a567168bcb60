"""What registers decided about log access and accepted as exceptions, beside what the platforms show."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.tables.facts.fact import Fact, listed, no, shown, unknown, yes
from soc2ev.tables.logs.declared import LOG_EXCEPTIONS, LOG_REMOVALS, LOG_SOURCES

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_DECISIONS = """
    select d.*, v.system, r.reviewed_on from register_access_decisions d
    join register_access_reviews v on v.file = d.file and v.record = d.record
    left join registers r on r.file = d.file and r.record = d.record
    where d.status is distinct from 'retired' and d.decision is distinct from 'keep'
      and v.system not in ('github', 'github.com')
    order by d.file, d.record, d.can_stop, d.entry
"""
_EXCEPTIONS = "select * from register_exceptions where status is distinct from 'retired' order by file, record"
_WORDS = re.compile(r"[^\W_]+")
_COMPARABLE = {column.name for column in LOG_SOURCES.columns if not column.name.endswith("_reason")}


def derive(engine: Engine) -> None:
    """Fill both tables; log_sources is there already."""
    sources = {row["key"]: row for row in engine.stream("select * from log_sources")}
    readers: dict[str, list[Row]] = defaultdict(list)
    for row in engine.stream("select * from collected_log_readers order by source_key, position"):
        readers[row["source_key"]].append(row)
    decisions = list(engine.stream(_DECISIONS))
    engine.insert(
        LOG_REMOVALS, [_removal(row, sources.get(row["system"]), readers[row["system"]]) for row in decisions]
    )
    engine.insert(LOG_EXCEPTIONS, list(_exceptions(list(engine.stream(_EXCEPTIONS)), sources)))


def _removal(row: Row, source: Row | None, readers: Sequence[Row]) -> dict[str, Json]:
    fact = _gone(row, source, readers)
    decided: date | None = row["reviewed_on"]
    seen = source["observed_at"].date() if source and source["observed_at"] else None
    right = "stopping" if row["can_stop"] else "reading"
    return {
        "item": f"{row['file']}#{row['record']}/{right}/{row['entry']}",
        "source_key": row["system"],
        "principal": row["principal"],
        "decision": row["decision"],
        "decided_on": decided,
        "gone": fact.value,
        "gone_reason": fact.reason,
        "days": (seen - decided).days if fact.value is not None and seen and decided else None,
        "evidence": sorted(
            {row["evidence"], *(source["evidence"] if source else ()), *(r["evidence"] for r in readers)}
        ),
    }


def _gone(row: Row, source: Row | None, readers: Sequence[Row]) -> Fact:
    """A list that was read before the decision, or not whole, shows nothing; nor does one on which nobody stands."""
    who = shown(row["principal"])
    if source is None or source["observed_at"] is None:
        return unknown(f"No list of readers of {shown(row['system'])} was collected (sources.logs).")
    if row["reviewed_on"] is None or source["observed_at"].date() <= row["reviewed_on"]:
        return unknown("The list of readers was not read after the day of the review; collect again.")
    mine = [one for one in readers if _spelled(one["principal"]) == _spelled(row["principal"])]
    right = "can_stop" if row["can_stop"] else "can_read"
    reduced = row["decision"] == "reduce"
    # To reduce may leave the right to read; that the right to stop is gone is seen, anything finer is not.
    if mine and reduced and not row["can_stop"]:
        return unknown(f"{who} still stands on the list; whether with fewer rights is for a person to see.")
    if any(one[right] is not False for one in mine):
        held = [one[right] for one in mine]
        return no(f"{who} still has the right.") if True in held else unknown(f"The rights of {who} are not known.")
    if not readers or any(name.startswith("readers") for name in source["unknown"]):
        return unknown("The list of readers is empty or was not obtained whole.")
    alike = [
        one["principal"] for one in readers if one[right] is not False and _may_be(one["principal"], row["principal"])
    ]
    if alike:
        return unknown(f"The list shows {shown(listed(alike))}; whether that is {who} is for a person to see.")
    return yes(f"The list of {source['observed_at']:%Y-%m-%d} does not show {who} with that right.")


def _spelled(name: str | None) -> str:
    """One spelling of a name: letter case, forms of Unicode and spaces make no other person."""
    return " ".join(unicodedata.normalize("NFKC", name or "").casefold().split())


def _may_be(reader: str | None, name: str | None) -> bool:
    """Whether every word of one name is a word of the other: Eve Stone, eve.stone@example.com, iam::1:user/eve."""
    told = [(_spelled(one), _own(_spelled(one))) for one in (reader, name)]
    return any(
        all(words) and (words[0] <= words[1] or words[1] <= words[0])
        for words in ([{*_WORDS.findall(one[form])} for one in told] for form in (0, 1))
    )


def _own(name: str) -> str:
    """What is the person's in a name: of an address what stands before its host, of an ARN what its path ends with."""
    return name.partition("@")[0].rpartition("/")[2].rpartition(":")[2]


def _exceptions(rows: Sequence[Row], sources: Mapping[str, Row]) -> Iterator[dict[str, Json]]:
    for row in rows:
        fresh, made_up = _fresh(row, sources.get(row["applies_to"])), _compensated(row, sources)
        named = [sources[key] for key in (row["applies_to"], *(row["compensating"] or ())) if key in sources]
        yield {
            "item": f"{row['file']}#{row['record']}",
            "applies_to": row["applies_to"],
            "fresh": fresh.value,
            "fresh_reason": fresh.reason,
            "compensated": made_up.value,
            "compensated_reason": made_up.reason,
            "evidence": sorted({row["evidence"], *(one for source in named for one in source["evidence"])}),
        }


def _fresh(row: Row, source: Row | None) -> Fact:
    field, actual = row["field"], row["actual"]
    if source is None or field not in _COMPARABLE or actual is None:
        return unknown(f"No platform shows {shown(field)} of {shown(row['applies_to'])}.")
    value = source[field]
    if field == "retention_days" and source["retention_infinite"]:
        return no(f"It states {shown(actual)}; the platform keeps it for ever.")
    if value is None:
        return unknown(f"The platform does not tell {shown(field)}.")
    seen = str(value).lower() if isinstance(value, bool) else str(value)
    if seen == actual.strip().lower() or seen == actual.strip():
        return yes(f"The platform shows {shown(field)} {shown(seen)}, as it states.")
    return no(f"It states {shown(field)} {shown(actual)}; the platform shows {shown(seen)}: the exception is stale.")


def _compensated(row: Row, sources: Mapping[str, Row]) -> Fact:
    named = row["compensating"]
    if not named:
        return unknown("It names nothing that makes up for it.")
    missing = [key for key in named if key not in sources]
    if missing:
        return unknown(f"Not among the log sources: {shown(listed(missing))}.")
    # What is required of the source for which an exception is made is required of what takes its place.
    wanted = int(row["required"]) if row["field"] == "retention_days" and (row["required"] or "").isdecimal() else None
    facts = [_holds(sources[key], wanted) for key in named]
    for fact in facts:
        if fact.value is False:
            return fact
    return next((fact for fact in facts if fact.value is None), yes(f"{shown(listed(named))} makes up for it."))


def _holds(source: Row, days: int | None) -> Fact:
    key = shown(source["key"])
    if source["logs"] is None:
        return unknown(f"Whether {key} logs is not known: {source['logs_reason']}")
    if not source["logs"]:
        return no(f"{key} does not log.")
    if days is None or source["retention_infinite"]:
        return yes(f"{key} logs.")
    if source["retention_days"] is None:
        return unknown(f"For how long {key} is kept is not known.")
    kept = f"{key} is kept for {source['retention_days']} days, {days} are required."
    return yes(kept) if source["retention_days"] >= days else no(kept)
