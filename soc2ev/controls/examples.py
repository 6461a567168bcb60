"""
Testing controls: their worked examples, and what becomes of them when a fact is erased.

The second is the property that keeps a control honest. Take every example, set one known value to NULL, judge
again: an outcome may only move to *not tested*, and no item may leave the population. SQL breaks it easily:
`not exists (...)` turns an unknown reviewer into met, `exists (...)` into a false accusation; `true = any
(select ...)` stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from soc2ev import period as periods
from soc2ev.controls.judge import judge
from soc2ev.errors import ConfigError
from soc2ev.model import Control, Finding, Outcome, Table
from soc2ev.tables import documented, example

_ALLOWED = {Outcome.NOT_TESTED}


def test(control: Control) -> Iterator[str]:
    """One line for each thing that is wrong with the control's examples; nothing when it is sound."""
    for given in control.examples:
        try:
            finding = _judge(control, given, given["given"])
        except (ConfigError, ValueError) as problem:
            yield f"{control.id}: {given['name']}: {problem}"
            continue
        wrong = list(_differences(control, given, finding))
        yield from wrong
        if not wrong:
            yield from _erased(control, given, finding)


test.__test__ = False  # type: ignore[attr-defined]  # pytest collects functions by this name


def _judge(control: Control, given: Mapping[str, Any], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Finding:
    with example(rows, periods.parse(given["period"]), control.needs) as tables:
        return judge(control, tables)


def _differences(control: Control, given: Mapping[str, Any], finding: Finding) -> Iterator[str]:
    judged = {item.id: item for item in finding.population.items}
    expected = given["expect"]
    for item in sorted(set(judged) ^ set(expected)):
        where = "is not in the population" if item in expected else "is in the population and not expected"
        yield f"{control.id}: {given['name']}: {item} {where}"
    for item in sorted(set(judged) & set(expected)):
        for letter, outcome in expected[item].items():
            result = judged[item].outcomes.get(letter)
            if result is None:
                yield f"{control.id}: {given['name']}: there is no attribute {letter}"
            elif result.outcome != outcome:
                yield f"{control.id}: {given['name']}: {item} {letter} is {result.outcome}, expected {outcome}"


def _erased(control: Control, given: Mapping[str, Any], whole: Finding) -> Iterator[str]:
    """What the property forbids, for each value that the example gives and that may be unknown."""
    before = {item.id: item.outcomes for item in whole.population.items}
    for table, at, column in _erasable(given["given"]):
        rows = deepcopy(dict(given["given"]))
        rows[table][at][column] = None
        try:
            after = {item.id: item.outcomes for item in _judge(control, given, rows).population.items}
        except (ConfigError, ValueError) as problem:
            yield f"{control.id}: {given['name']}: with {table}.{column} erased: {problem}"
            continue
        erased = f"with {table}.{column} of row {at + 1} erased"
        for item in sorted(set(before) - set(after)):
            yield f"{control.id}: {given['name']}: {erased}, {item} left the population"
        for item in sorted(set(before) & set(after)):
            for letter, result in after[item].items():
                was = before[item][letter].outcome
                if result.outcome not in _ALLOWED and result.outcome is not was:
                    moved = f"{item} {letter} moved from {was} to {result.outcome}"
                    yield f"{control.id}: {given['name']}: {erased}, {moved}"


def _erasable(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str, int, str]]:
    tables: dict[str, Table] = {table.name: table for table in documented()}
    for name, given in sorted(rows.items()):
        table = tables[name]
        must = {*table.key, "evidence", *(column.name for column in table.columns if column.required)}
        for at, row in enumerate(given):
            yield from ((name, at, column) for column in sorted(row) if column not in must and row[column] is not None)
