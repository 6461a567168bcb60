"""Who may write to a repository, whose account that is, and whether somebody looked at it in the period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import ConfigError
from soc2ev.model import Coverage, Json
from soc2ev.period import Period, parse, zone
from soc2ev.tables.facts.fact import shown
from soc2ev.tables.governance.bypasses import Told
from soc2ev.tables.governance.claims import whole
from soc2ev.tables.governance.declared import REPOSITORY_ACCESS

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_HOST = ("github", "github.com")
_HOLDERS = """
    select a.account, a.person, a.status, p.machine, p.employed_until, g.approved, g.in_force, g.reason, a.evidence
    from accounts a
    left join people p on p.file = a.file and p.record = a.record and p.person = a.person
    left join register_approvals g on g.file = a.file and g.record = a.record
    where a.system = 'github' and a.status <> 'retired' order by a.file, a.record, a.account
"""
_REVIEWS = """
    select r.system, r.period, r.file, r.record, g.approved, g.reason, r.evidence
    from register_access_reviews r left join register_approvals g on g.file = r.file and g.record = r.record
    where r.status <> 'retired' order by r.file, r.record
"""
_DECISIONS = (
    "select file, record, principal, decision, why, done_on, evidence from register_access_decisions order by all"
)
_GRANTS = "select * from github_permissions where role not in ('read', 'triage') order by repository, account_id"
_PEOPLE = "select count(*) as n from registers where kind = 'people' and status = 'approved'"
_UNREADABLE = "select count(*) as n from registers where problem is not null"


@dataclass(frozen=True, slots=True)
class _Review:
    """An approved review of access to GitHub that covers a part of the period."""

    systems: str
    name: str
    decisions: Mapping[str, Row]
    """By principal, in lower case."""
    evidence: tuple[str, ...]


class _Registers:
    """What the registers say about people and reviews."""

    def __init__(self, engine: Engine, period: Period, zone_name: str, *, whole: bool) -> None:
        self.last = (period.end - timedelta(microseconds=1)).astimezone(zone(zone_name)).date()
        self.holders = {row["account"]: row for row in engine.stream(_HOLDERS)}
        approved = next(iter(engine.stream(_PEOPLE)))["n"] > 0
        self.complete = approved and whole and next(iter(engine.stream(_UNREADABLE)))["n"] == 0
        self.reviews = list(_reviews(engine, period, zone_name))


def derive(
    engine: Engine, period: Period, zone_name: str, services: Collection[str], coverages: Sequence[Coverage]
) -> None:
    """Fill the table; `services` are the logins that the policy calls machines."""
    registers = _Registers(engine, period, zone_name, whole=whole(coverages, ("registers",)))
    machines = {login.lower() for login in services}
    engine.insert(REPOSITORY_ACCESS, (_row(row, registers, machines) for row in engine.stream(_GRANTS)))


def _row(grant: Row, registers: _Registers, machines: set[str]) -> dict[str, Json]:
    holder = registers.holders.get(str(grant["account_id"]))
    service = (grant["account"] or "").lower() in machines
    machine = service or bool(holder and holder["machine"])
    known = _known(holder, registers, service=service)
    employed = (None, "A machine.") if machine else _employed(holder, registers.last)
    review = _review(grant, registers.reviews)
    reviewed = _reviewed(grant, holder, review, told=holder is not None or registers.complete)
    digests = {grant["evidence"], *([holder["evidence"]] if holder else []), *(review.evidence if review else ())}
    return {
        "item": f"{grant['repository']}#{grant['account_id']}",
        **{name: grant[name] for name in ("repository", "account", "account_id", "role")},
        "person": holder["person"] if holder else None,
        "machine": machine,
        **_told("known", known),
        **_told("employed", employed),
        **_told("reviewed", reviewed),
        "evidence": sorted(digests),
    }


def _told(name: str, answer: Told) -> dict[str, Json]:
    return {name: answer[0], f"{name}_reason": answer[1]}


def _known(holder: Row | None, registers: _Registers, *, service: bool) -> Told:
    if service:
        return True, "The policy names it as a service account."
    if holder is None:
        if registers.complete:
            return False, "The people register names nobody with this account."
        return None, "No approved people register that could be read as a whole names this account."
    if holder["approved"] is not True:
        return None, f"The people register names {shown(holder['person'])}. {holder['reason'] or ''}".strip()
    return True, f"It belongs to {shown(holder['person'])}."


def _employed(holder: Row | None, last: date) -> Told:
    """The last day of work, where a register names it; an approved one that names none says that there is none yet."""
    if holder is None:
        return None, "Whose account it is is not known."
    who, until = shown(holder["person"]), holder["employed_until"]
    if until is not None and until < last:
        return False, f"{who} worked until {until} and still has access."
    if holder["in_force"] is not True:
        return None, holder["reason"] or "Whether the people register is in force is not known."
    return True, f"{who} works here, by the people register." if until is None else f"{who} worked until {until}."


def _reviews(engine: Engine, period: Period, zone_name: str) -> Iterator[_Review]:
    by_record: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in engine.stream(_DECISIONS):
        by_record[(row["file"], row["record"])].append(row)
    for row in engine.stream(_REVIEWS):
        mine = by_record[(row["file"], row["record"])]
        if row["approved"] is True and _covers(row["period"], zone_name, period):
            decided = {str(one["principal"]).strip().lower(): one for one in mine}
            digests = {row["evidence"], *(one["evidence"] for one in mine)}
            yield _Review((row["system"] or "").strip().lower(), row["record"], decided, tuple(sorted(digests)))


def _covers(named: str | None, zone_name: str, period: Period) -> bool:
    try:
        return named is not None and parse(named, zone_name).overlaps(period)
    except ConfigError:
        return False


def _review(grant: Row, reviews: Sequence[_Review]) -> _Review | None:
    """The review of that repository, else of its owner, else of GitHub."""
    home = grant["repository"].lower()
    owner = home.partition("/")[0]
    for wanted in ((home, f"github:{home}"), (f"github:{owner}",), _HOST):
        if found := next((one for one in reviews if one.systems in wanted), None):
            return found
    return None


def _reviewed(grant: Row, holder: Row | None, review: _Review | None, *, told: bool) -> Told:
    """`told` says whether it is known under which name the review would have it."""
    if review is None:
        return None, "No approved access review of GitHub covers the period."
    names = [grant["account"], str(grant["account_id"]), *([holder["person"]] if holder else [])]
    made = next(
        (review.decisions[one] for one in (str(name).strip().lower() for name in names) if one in review.decisions),
        None,
    )
    if made is None and not told:
        return None, f"Whether the access review {review.name} decided about it under another name is not known."
    if made is None:
        return False, f"The access review {review.name} decided nothing about it."
    if made["decision"] == "remove":
        if made["done_on"] is None:
            return None, f"The access review {review.name} decided to remove it; whether that was done is not known."
        return False, f"The access review {review.name} removed it on {made['done_on']}, and it is still there."
    if made["decision"] == "keep":
        return True, f"The access review {review.name} decided to keep it: {shown(made['why'])}."
    return None, f"The access review {review.name} decided to reduce it; whether {grant['role']} is less is not known."
