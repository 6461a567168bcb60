"""
Emergency changes beside the emergency log: each contradicts the other where one of them is silent.

An accusation needs everything on the table: where changes or registers were not collected whole, or an entry of the
log cannot be placed, nobody can tell which is missing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json
from soc2ev.sources.registers.fields import same_person
from soc2ev.tables.contained import LANDED
from soc2ev.tables.facts.business_days import deadline
from soc2ev.tables.facts.fact import listed, moment, shown
from soc2ev.tables.governance.bypasses import Told, declared
from soc2ev.tables.governance.claims import changes_whole, whole
from soc2ev.tables.governance.declared import EMERGENCIES

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_SHORTEST_SHA = 7
_NUMBER = re.compile(r"(?:(?P<repository>[^\s#]+/[^\s#]+))?(?:#|/pull/|!)?(?P<number>[0-9]{1,9})")
_NEAR = timedelta(days=2)
"""So near to the period's edges the change of an entry may belong to the period beside it."""
_NO_LOG = "No register of kind emergency_change is kept."
_CHANGES = f"""
    select c.item, c.repository, c.ref, c.sha, c.title, c.url, c.integrated_at as at, c.flags, c.evidence,
        c.pull_requests, f.emergency, f.emergency_handled, f.emergency_reason, f.evidence as fact_evidence
    from {LANDED} c left join change_facts f on f.item = c.item order by c.item
"""  # noqa: S608  our own text
_RECORDS = """
    select e.*, a.approved, a.reason as approval_reason, a.evidence as approval_evidence
    from register_emergencies e left join register_approvals a on a.file = e.file and a.record = e.record
    where e.status <> 'retired' order by e.file, e.record, e.entry
"""
_LOGS = (
    "select kind, problem, evidence from registers where kind = 'emergency_change' or problem is not null order by all"
)
_TOLD = ("reason", "approver", "systems", "testing", "rollback")


@dataclass(frozen=True, slots=True)
class _Log:
    """The emergency log as a whole."""

    kept: bool
    whole: bool
    """Every register could be read."""
    evidence: tuple[str, ...]


def derive(engine: Engine, period: Period, coverages: Sequence[Coverage], days: int) -> None:
    """Fill the table; `days` are the business days within which an emergency is reviewed afterwards."""
    changes = list(engine.stream(_CHANGES))
    records = list(engine.stream(_RECORDS))
    places = [_places(record, changes) for record in records]
    of_change: dict[str, list[Row]] = defaultdict(list)
    for record, found in zip(records, places, strict=True):
        for item in found:
            of_change[item].append(record)
    loose = [one for one, found in zip(records, places, strict=True) if not found and _touches(one, period)]
    log = _log(engine, coverages)
    wanted = [row for row in changes if row["emergency"] is not False or of_change[row["item"]]]
    engine.insert(EMERGENCIES, (_change_row(row, of_change[row["item"]], loose, log) for row in wanted))
    read = [one.collected_at for one in coverages if one.stream.startswith("registers") and one.collected_at]
    engine.insert(
        EMERGENCIES, _record_rows(loose, period, days, min(read, default=None), whole=changes_whole(coverages))
    )


def _log(engine: Engine, coverages: Sequence[Coverage]) -> _Log:
    rows = list(engine.stream(_LOGS))
    kept = any(row["kind"] == "emergency_change" for row in rows)
    read = not any(row["problem"] for row in rows) and whole(coverages, ("registers",))
    return _Log(kept, read, tuple(sorted({row["evidence"] for row in rows})))


def _touches(record: Row, period: Period) -> bool:
    return record["approved_at"] is None or period.contains(record["approved_at"])


def _places(record: Row, changes: Sequence[Row]) -> list[str]:
    """Items of the changes that an entry names: by item, commit, address or pull request."""
    named = (record["change"] or "").strip()
    found = [row["item"] for row in changes if named and _names(named, row)]
    # A number alone names a pull request of any repository, and so perhaps none of these.
    return found if len(found) == 1 or "/" in named else []


def _names(named: str, row: Row) -> bool:
    if named in (row["item"], row["url"]):
        return True
    sha = named.rpartition("@")[2].lower()
    if len(sha) >= _SHORTEST_SHA and str(row["sha"]).lower().startswith(sha):
        return True
    found = _NUMBER.fullmatch(named)
    if not found or found["number"] not in (row["pull_requests"] or ()):
        return False
    home = found["repository"]
    return (
        home is None
        or home.lower() == row["repository"].lower()
        or home.lower().endswith(f"/{row['repository']}".lower())
    )


def _change_row(row: Row, records: Sequence[Row], loose: Sequence[Row], log: _Log) -> dict[str, Json]:
    answers = {
        "declared": declared(row) if row["emergency"] is not False else (None, row["emergency_reason"]),
        "handled": (row["emergency_handled"], row["emergency_reason"]),
        "recorded": _recorded(records) if records else (None, _silent(log)),
        "agrees": _agrees(row, records, loose, log),
    }
    digests = {*row["evidence"], *(row["fact_evidence"] or ()), *(one["evidence"] for one in records), *log.evidence}
    same = ("item", "title", "url", "at", "repository", "ref", "emergency")
    return {
        **{name: row[name] for name in same},
        "kind": "change",
        "records": [_id(one) for one in records],
        **_columns(answers),
        "evidence": sorted(digests),
    }


def _record_rows(
    loose: Sequence[Row], period: Period, days: int, read: datetime | None, *, whole: bool
) -> Iterator[dict[str, Json]]:
    """Rows of entries without a change; `read` is when the registers were read."""
    for record in loose:
        reviewed = _reviewed(record, days, read)
        answers = {
            "declared": (None, "An entry of the log; no change of the period is known for it."),
            "handled": reviewed,
            "recorded": _recorded([record]),
            "agrees": _placed(record, period, whole=whole),
        }
        yield {
            "item": f"emergency:{_id(record)}",
            "kind": "record",
            "title": record["reason"] or _id(record),
            "at": record["approved_at"],
            "records": [_id(record)],
            **_columns(answers),
            "evidence": sorted({record["evidence"], *(record["approval_evidence"] or ())}),
        }


def _columns(answers: Mapping[str, Told]) -> dict[str, Json]:
    return {
        **{name: value for name, (value, _) in answers.items()},
        **{f"{name}_reason": reason for name, (_, reason) in answers.items()},
    }


def _id(record: Row) -> str:
    return f"{record['record']}/{record['emergency'] or record['entry']}"


def _silent(log: _Log) -> str:
    return "No entry of the emergency log names it." if log.kept else _NO_LOG


def _recorded(records: Sequence[Row]) -> Told:
    """One of the entries tells everything and is approved; else the first one that falls short."""
    told = [_record_told(one) for one in records]
    return next((one for one in told if one[0]), None) or next((one for one in told if one[0] is False), told[0])


def _record_told(record: Row) -> Told:
    empty = [name for name in _TOLD if record[name] is not None and not _said(record[name])]
    if empty:
        return False, f"The entry {_id(record)} leaves {listed(empty)} empty."
    if unknown := [name for name in _TOLD if record[name] is None]:
        return None, f"What {_id(record)} says about {listed(unknown)} is not known."
    if record["approved"] is not True:
        return None, record["approval_reason"] or f"Whether {_id(record)} is approved is not known."
    return True, f"The entry {_id(record)} tells it: allowed by {shown(record['approver'])}."


def _said(value: Json) -> bool:
    return bool(value.strip()) if isinstance(value, str) else any(str(one).strip() for one in value)


def _agrees(row: Row, records: Sequence[Row], loose: Sequence[Row], log: _Log) -> Told:
    if records:
        other = "" if row["emergency"] else " The evidence itself shows no emergency."
        return True, f"The emergency log names it ({listed(map(_id, records))}).{other}"
    if not log.kept:
        return None, _NO_LOG
    if not log.whole:
        return None, "No entry of the emergency log names it, but not all registers could be read."
    if loose:
        return (
            None,
            f"No entry of the emergency log names it, unless it is {_id(loose[0])}, which names no known change.",
        )
    if row["emergency"] is None:
        return None, "The emergency log does not name it; whether it was an emergency is not known."
    return False, "It was an emergency, and the emergency log does not name it."


def _placed(record: Row, period: Period, *, whole: bool) -> Told:
    """Of an entry that names no change of the period: whether that contradicts the evidence."""
    named, at = shown(record["change"]), record["approved_at"]
    said = f"It names {named or 'nothing'}, which is no change that was collected for the period"
    if record["change"] is None or at is None or not whole:
        return None, f"{said}; not everything that could tell was collected."
    if not period.start + _NEAR <= at < period.end - _NEAR:
        return None, f"{said}; it may belong to the period beside it."
    return False, f"{said}."


def _reviewed(record: Row, days: int, read: datetime | None) -> Told:
    """Reviewed afterwards, in time, by somebody else than whoever allowed it; the log knows days, not hours."""
    who, on, at = record["reviewed_by"], record["reviewed_on"], record["approved_at"]
    if at is None:
        return None, "When it was allowed is not known, so neither is the deadline of its review."
    until = deadline(at, days)
    if who is None or on is None:
        if read is not None and until <= read:
            return False, f"The log names no review afterwards; it was due before {moment(until)}."
        return None, f"The log names no review afterwards; it is due before {moment(until)}."
    if record["approver"] is None or same_person(who, record["approver"]):
        who_else = None if record["approver"] is None else False
        return who_else, f"{shown(who)} reviewed it, and nobody else is known to have allowed it."
    if datetime.combine(on, time.min, tzinfo=UTC) >= until:
        return False, f"{shown(who)} reviewed it on {on}; that was due before {moment(until)}."
    return True, f"{shown(who)} reviewed it on {on}, before {moment(until)}."
