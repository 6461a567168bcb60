"""
Changes that went beside the rules: how each did, whether that was declared, and whether somebody wrote why.

A change of which nobody can tell whether it kept the rules is among them: left out, it would look as if it had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.tables.contained import LANDED
from soc2ev.tables.facts import answers
from soc2ev.tables.facts.fact import shown
from soc2ev.tables.governance.declared import BYPASSES

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
Told = tuple[bool | None, str]
"""An answer and its reason."""

UNDECLARED, LATE, STANDARD = "UNDOCUMENTED_BYPASS", "DECLARED_LATE", "STANDARD_CHANGE"
_PUSHES = {"direct_push": "direct push", "force_push": "force push"}
_CHANGES = f"""
    select c.item, c.integration, c.flags, c.title, c.tickets, c.pull_requests, c.evidence, f.emergency,
        f.emergency_handled, f.emergency_reason, f.evidence as fact_evidence
    from {LANDED} c left join change_facts f on f.item = c.item
    where c.integration in ('direct_push', 'force_push') or f.emergency is not false
        or list_has_any(c.flags, ['UNDOCUMENTED_BYPASS', 'DECLARED_LATE'])
        or exists (select 1 from github_rule_suites s
            where s.repository = c.repository and s.ref = c.ref and s.after = c.sha and s.result = 'bypass')
        or exists (select 1 from github_overrides o
            where o.repository = c.repository and list_contains(c.evidence, o.evidence)
            and abs(date_diff('second', o.at, c.integrated_at)) <= 120)
    order by c.item
"""  # noqa: S608  our own text
_LEDGER = f"""
    select c.item, s.evidence from {LANDED} c join github_rule_suites s
        on s.repository = c.repository and s.ref = c.ref and s.after = c.sha and s.result = 'bypass'
    union
    select c.item, o.evidence from {LANDED} c join github_overrides o
        on o.repository = c.repository and list_contains(c.evidence, o.evidence)
        and abs(date_diff('second', o.at, c.integrated_at)) <= 120
    order by all
"""  # noqa: S608  our own text
_BODIES = f"""
    select c.item, p.body as text, p.edited_at, p.merged_at
    from (select item, repository, unnest(pull_requests) as number from {LANDED}) c
    join github_pull_requests p on p.repository = c.repository and p.number::varchar = c.number
    order by all
"""  # noqa: S608  our own text
_MESSAGES = f"""
    select c.item, m.message as text from (select item, repository, unnest(commits) as sha from {LANDED}) c
    join (select distinct repository, sha, message from github_commits
        union select distinct repository, sha, message from git_commits) m
        on m.repository = c.repository and m.sha = c.sha
    where c.item in (select item from {LANDED} where len(coalesce(pull_requests, [])) = 0)
    order by all
"""  # noqa: S608  our own text
_TICKETS = f"""
    select c.item, l.asked, l.ticket from (select item, unnest(tickets) as named from {LANDED}) c
    join jira_lookups l on l.asked = c.named
    union
    select c.item, t.key, t.ticket from (select item, unnest(tickets) as named from {LANDED}) c
    join jira_tickets t on t.key = c.named
    order by all
"""  # noqa: S608  our own text


@dataclass(slots=True)
class _Texts:
    """What could say why a change was made."""

    certain: list[str] = field(default_factory=list)
    edited: bool = False
    """A description was edited after the merge, so that nobody knows what it said."""
    tickets: dict[str, bool] = field(default_factory=dict)
    """Whether a named ticket exists, for those that were asked for."""


def derive(engine: Engine) -> None:
    """Fill the table."""
    rows = list(engine.stream(_CHANGES))
    texts = _texts(engine, {row["item"] for row in rows})
    ledger: dict[str, list[str]] = defaultdict(list)
    for row in engine.stream(_LEDGER):
        ledger[row["item"]].append(row["evidence"])
    engine.insert(BYPASSES, (_row(row, texts[row["item"]], ledger.get(row["item"], [])) for row in rows))


def declared(row: Row) -> Told:
    """Whether a change beside the rules was declared by the time it went out; `row` holds its flags and facts."""
    flags, said = row["flags"], row["emergency_reason"] or "No evidence tells whether it went beside the rules."
    if flags is None:
        return None, said
    if UNDECLARED in flags:
        return False, said
    if LATE in flags:
        return False, f"It was declared only after the merge. {said}"
    if STANDARD in flags:
        return True, "A document approved such changes beforehand."
    # What is handled, well or badly, was declared: an undeclared one has its flag.
    return (None if row["emergency_handled"] is None or not row["emergency"] else True), said


def _row(row: Row, texts: _Texts, ledger: list[str]) -> dict[str, Json]:
    said, why = declared(row), _explained(row, texts)
    return {
        "item": row["item"],
        "how": _how(row, recorded=bool(ledger)),
        "declared": said[0],
        "declared_reason": said[1],
        "explained": why[0],
        "explained_reason": why[1],
        "evidence": sorted({*row["evidence"], *(row["fact_evidence"] or ()), *ledger}),
    }


def _how(row: Row, *, recorded: bool) -> list[str]:
    found = [_PUSHES[row["integration"]]] if row["integration"] in _PUSHES else []
    found += ["recorded bypass"] if recorded else []
    found += ["flagged"] if {UNDECLARED, LATE} & set(row["flags"] or ()) else []
    if not found:
        found = ["declared or shown by the evidence"] if row["emergency"] else ["not known"]
    return found


def _texts(engine: Engine, items: set[str]) -> dict[str, _Texts]:
    """The texts of the named changes."""
    found = {item: _Texts() for item in items}
    for row in _of(engine, _BODIES, items):
        if row["edited_at"] is None or _not_after(row["edited_at"], row["merged_at"]):
            found[row["item"]].certain.append(row["text"] or "")
        else:
            found[row["item"]].edited = True
    for row in _of(engine, _MESSAGES, items):
        found[row["item"]].certain.append((row["text"] or "").partition("\n")[2])
    for row in _of(engine, _TICKETS, items):
        tickets = found[row["item"]].tickets
        tickets[row["asked"]] = tickets.get(row["asked"], False) or row["ticket"] is not None
    return found


def _of(engine: Engine, sql: str, items: set[str]) -> Iterator[Row]:
    return (row for row in engine.stream(sql) if row["item"] in items)


def _not_after(at: datetime, merged: datetime | None) -> bool:
    return merged is not None and at <= merged


def _explained(row: Row, texts: _Texts) -> Told:
    """Somebody wrote why: in a ticket that exists, in the description, or in a commit's message."""
    if named := sorted(key for key, there in texts.tickets.items() if there):
        return True, f"The ticket {shown(named[0])} tells why."
    if any(answers.described(text) for text in texts.certain):
        return True, "Its description or a commit's message tells why."
    if STANDARD in (row["flags"] or ()):
        return True, "A document approved such changes beforehand."
    if texts.edited:
        return None, "The description that could tell why was edited after the merge."
    if unread := sorted(set(row["tickets"] or ()) - texts.tickets.keys()):
        return None, f"{shown(unread[0])}, which could tell why, was not read."
    if not texts.certain:
        return None, "The texts that could tell why were not obtained."
    if row["emergency"] is None:
        return None, "Nothing that was collected tells why; whether it went beside the rules is not known."
    return False, "No ticket, description or commit message tells why."
