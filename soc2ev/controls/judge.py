"""
Judging: one SELECT per control gives every item with the answers to its attributes.

SQL's NULL is *not tested*; so is a *met* with no stored evidence behind it, and a *met* over tables that were not
collected whole: rows that are missing cannot be told from rows that do not exist.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from soc2ev.controls import pattern
from soc2ev.errors import ControlError
from soc2ev.model import (
    Attribute,
    Control,
    Coverage,
    Finding,
    Item,
    Json,
    Outcome,
    Population,
    Result,
    Waiver,
    conclude,
)
from soc2ev.tables.row import Names

if TYPE_CHECKING:
    from soc2ev.tables import Tables

_PLACE = re.compile(r"\{(\w+)\}")
_RESERVED = frozenset({"item", "title", "url", "at", "evidence"})


def judge(control: Control, tables: Tables, waivers: Sequence[Waiver] = ()) -> Finding:
    """
    The finding of one control for the period of the tables.

    Every item of the population is judged in every attribute. ControlError, with the control's name, when its SQL does
    not run, gives an item twice or without an id, or answers something else than true, false or NULL.
    """
    coverage = tables.coverage(control.needs)
    waiting = deque(_rows(control, tables))
    named = _facts(waiting[0]) if waiting else Names(())
    # Each row goes as soon as its item stands: a large population is not held twice.
    items = [_item(control, waiting.popleft(), named, coverage, tables) for _ in range(len(waiting))]
    judged_on = max((entry.collected_at for entry in coverage if entry.collected_at), default=None)
    settled = tuple(_with_waiver(control, item, waivers, judged_on) for item in items)
    outside = {entry.stream: tables.outside[entry.stream] for entry in coverage if tables.outside.get(entry.stream)}
    population = Population(settled, coverage, outside)
    return Finding(
        control,
        tables.period,
        population,
        conclude(settled, complete=population.complete),
        pattern.of(settled, tables.period),
    )


def waivers(tables: Tables) -> list[Waiver]:
    """
    The waivers of the registers, approved ones only, in the order of their ids.

    One counts from the day on which the second person signed it, until it or its register expires. Nobody waives what
    they wrote themselves.
    """
    rows = tables.select(_WAIVERS)
    return [
        Waiver(
            id=row["id"],
            control=row["control"],
            items=tuple(row["items"] or ()),
            attributes=tuple(row["attributes"] or ()),
            reason=row["reason"] or "",
            approver=row["approver"] or "",
            approved_on=max(row["approved_on"], row["reviewed_on"] or row["approved_on"]),
            expires_on=min(row["expires_on"], row["valid_until"] or row["expires_on"]),
        )
        for row in rows
        if row["approved_on"] and row["expires_on"]
    ]


_WAIVERS = """
    select w.*, r.reviewed_on, r.valid_until
    from waivers w left join registers r on r.file = w.file and r.record = w.id
    where w.status = 'approved' and lower(trim(w.approver)) is distinct from lower(trim(r.prepared_by))
    order by w.id
"""


def _rows(control: Control, tables: Tables) -> list[Mapping[str, Json]]:
    try:
        rows = list(tables.select(statement(control)))
    except ControlError as problem:
        raise ControlError(f"{control.id}: {problem.message}", hint=problem.hint) from None
    seen: set[str] = set()
    for row in rows:
        if "item" not in row:
            raise ControlError(f"{control.id}: its population has no column item, written like that")
        if not isinstance(row["item"], str) or not row["item"]:
            raise ControlError(f"{control.id}: its population has an item without an id")
        if row["item"] in seen:
            raise ControlError(f"{control.id}: its population has the item {row['item']} twice")
        seen.add(row["item"])
    return rows


def statement(control: Control) -> str:
    """The control's one SELECT: its population, and beside each item the answers to its attributes."""
    asked = []
    for attribute in control.attributes:
        # The line feeds close a comment that ends the text.
        asked.append(f'({attribute.sql}\n) as "outcome {attribute.letter}"')
        if attribute.applies_when:
            asked.append(f'({attribute.applies_when}\n) as "applies {attribute.letter}"')
        if attribute.evidence:
            asked.append(f'({attribute.evidence}\n) as "evidence {attribute.letter}"')
    columns = ",\n  ".join(asked)
    population = f"with population as (\n{control.population}\n)"
    return f"{population}\nselect population.*,\n  {columns}\nfrom population\norder by item"


def _facts(row: Mapping[str, Json]) -> Names:
    """The columns that are facts. What ends in _reason is the wording of an answer, and stands there."""
    return Names([name for name in row if name not in _RESERVED and " " not in name and not name.endswith("_reason")])


def _item(
    control: Control, row: Mapping[str, Json], named: Names, coverage: Sequence[Coverage], tables: Tables
) -> Item:
    facts = named.row([row[name] for name in named])
    outcomes = {
        attribute.letter: _result(control, attribute, row, _shortfall(attribute, control, facts, coverage, tables))
        for attribute in control.attributes
    }
    for name, kind in (("at", datetime), ("url", str)):
        if row.get(name) is not None and not isinstance(row[name], kind):
            wanted = "a TIMESTAMP" if kind is datetime else "TEXT"
            raise ControlError(f"{control.id}: the column {name} of its population is not {wanted}")
    return Item(
        id=row["item"],
        title=str(row.get("title") or row["item"]),
        url=row.get("url"),
        at=row.get("at"),
        facts=facts,
        outcomes=outcomes,
    )


def _shortfall(
    attribute: Attribute, control: Control, facts: Mapping[str, Json], coverage: Sequence[Coverage], tables: Tables
) -> str | None:
    """Why the tables that the attribute needs are not whole for this item; None when they are."""
    relevant = (
        coverage if attribute.needs == control.needs else tables.coverage(attribute.needs) if attribute.needs else ()
    )
    for entry in relevant:
        elsewhere = any(
            name in entry.scope and facts.get(name) not in (None, entry.scope[name]) for name in ("repository", "ref")
        )
        if not entry.complete and not elsewhere:
            return f"{entry.stream}: {entry.reason}"
    return None


def _result(control: Control, attribute: Attribute, row: Mapping[str, Json], shortfall: str | None) -> Result:
    evidence = _digests(row.get("evidence")) | _digests(row.get(f"evidence {attribute.letter}"))
    answer = row[f"outcome {attribute.letter}"]
    if answer is not None and not isinstance(answer, bool):
        raise ControlError(f"{control.id}: attribute {attribute.letter} answers {answer!r}, not true, false or NULL")
    # An unknown condition counts as fulfilled: not knowing whether a question applies is no reason to drop it.
    applies = row.get(f"applies {attribute.letter}")
    if applies is not None and not isinstance(applies, bool):
        raise ControlError(f"{control.id}: applies_when of {attribute.letter} answers {applies!r}, not true or false")
    if applies is False and shortfall is None:
        return Result(
            Outcome.NOT_APPLICABLE, _say(attribute.not_applicable, row) or attribute.asks, tuple(sorted(evidence))
        )
    outcome, reason = Outcome.of(answer), ""
    if shortfall and (outcome is Outcome.MET or applies is False):
        outcome, reason = Outcome.NOT_TESTED, f"Not collected whole: {shortfall}"
    elif outcome is Outcome.MET and not evidence:
        outcome, reason = Outcome.NOT_TESTED, "No stored evidence stands behind this answer."
    else:
        text = {Outcome.MET: attribute.met, Outcome.DEVIATION: attribute.deviation}.get(outcome, attribute.unknown)
        reason = _say(text, row) or ("" if outcome is Outcome.MET else attribute.asks)
    return _shared(outcome, reason, tuple(sorted(evidence)))


@lru_cache(maxsize=4096)
def _shared(outcome: Outcome, reason: str, evidence: tuple[str, ...]) -> Result:
    """One value for equal results: thousands of items are often in the same case."""
    return Result(outcome, reason, evidence)


def _say(text: str, row: Mapping[str, Json]) -> str:
    """The reason with each `{column}` replaced by the item's value; other braces stay as they are."""
    return _PLACE.sub(lambda found: _shown(row[found[1]]) if found[1] in row else found[0], text).strip()


def _shown(value: Json) -> str:
    if value is None:
        return "not known"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "none"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _digests(value: Json) -> set[str]:
    found: Iterable[Json] = value if isinstance(value, list) else [value]
    return {one for one in found if isinstance(one, str) and one}


def _matches(form: str, name: str) -> bool:
    """Whether the name has the form, in which `*` alone is special: brackets are usual in names of branches."""
    return re.fullmatch(".*".join(map(re.escape, re.split(r"\*+", form))), name, re.DOTALL) is not None


def _with_waiver(control: Control, item: Item, given: Sequence[Waiver], judged_on: datetime | None) -> Item:
    """The item with the waiver that covers most of its deviations; one not yet begun or expired covers none."""
    letters = {letter for letter, result in item.outcomes.items() if result.outcome is Outcome.DEVIATION}
    if not letters or judged_on is None:
        return item
    today = judged_on.date()
    best, most = None, 0
    for waiver in given:
        named = waiver.control == control.id and any(_matches(form, item.id) for form in waiver.items)
        covers = len(letters & set(waiver.attributes) if waiver.attributes else letters)
        if named and waiver.approved_on <= today <= waiver.expires_on and covers > most:
            best, most = waiver, covers
    return Item(item.id, item.title, item.url, item.at, item.facts, item.outcomes, best) if best else item
