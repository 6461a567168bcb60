"""What happened to an item, in the order of time, with what its sources said otherwise at another time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.tables.opened import Tables

STEP = "late change"
"""The step of an entry that tells of two collections which do not agree."""
_CUSTODY = "select * from custody where item = $item order by all"
_LATE = """
    select * from late_changes where list_contains(items, $item)
    order by last_collected_at, "table", key, field, kind, first_collected_at, stream, run
"""


def time_line(tables: Tables, item: str) -> list[Mapping[str, Json]]:
    """
    The rows of `custody` of the item, then one like them for each late change that concerns it.

    Of the latter `at` is when the present reading was collected, `who` is None: a source that answers otherwise does
    not say who changed it; the entry of the change itself does, where there is one. `clock` is `collection`.
    """
    late = [_step(row) for row in tables.select(_LATE, {"item": item})]
    return [*tables.select(_CUSTODY, {"item": item}), *late]


def told(row: Mapping[str, Json]) -> str:
    """A row of `late_changes` as a sentence: what was seen when."""
    first, last = _days(row["first_collected_at"], row["last_collected_at"])
    what = f"{row['table']} {row['key']}"
    if row["kind"] == "vanished":
        return f"{what}: seen on {first} ({row['before']}), gone on {last}"
    if row["kind"] == "appeared":
        return f"{what}: not there on {first}, seen on {last} ({row['after']})"
    return f"{what}: {row['field']} seen on {first} as {_value(row['before'])}, on {last} as {_value(row['after'])}"


def _step(row: Mapping[str, Json]) -> Mapping[str, Json]:
    return {
        "item": row["item"],
        "at": row["last_collected_at"],
        "step": STEP,
        "who": None,
        "what": told(row),
        "clock": "collection",
    }


def _days(first: datetime, last: datetime) -> tuple[str, str]:
    """The two days; with the time of day when they are the same."""
    form = "%Y-%m-%d %H:%MZ" if first.date() == last.date() else "%Y-%m-%d"
    return first.strftime(form), last.strftime(form)


def _value(text: str | None) -> str:
    return "nothing" if text in (None, "") else str(text)


__all__ = ["STEP", "time_line", "told"]
