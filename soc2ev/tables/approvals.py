"""
Which records of registers count: approved by two people, and in force on the last day of a period.

Every part may be unknown, and then so is the answer, unless another part settles it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from soc2ev.model import Json
from soc2ev.period import Period, zone
from soc2ev.sources.registers.fields import same_person
from soc2ev.tables.standard import REGISTER_APPROVALS

if TYPE_CHECKING:
    from soc2ev.tables.engine import Engine

_ROWS = "select * from registers order by file, record"


def derive(engine: Engine, period: Period, zone_name: str) -> None:
    """Fill the table of approvals from the registers; `zone_name` is the calendar of the period's last day."""
    last = (period.end - timedelta(microseconds=1)).astimezone(zone(zone_name)).date()
    engine.insert(REGISTER_APPROVALS, list(_approvals(engine, last)))


def _approvals(engine: Engine, last: date) -> Iterator[Mapping[str, Json]]:
    for row in engine.stream(_ROWS):
        approved = _approved(row)
        yield {
            **{name: row[name] for name in ("file", "record", "kind")},
            "approved": approved,
            "in_force": _all(approved, _reviewed_by(row, last), _unexpired(row, last)),
            "reason": _reason(row, last, approved=approved),
            "evidence": [row["evidence"]],
        }


def _approved(row: Mapping[str, Json]) -> bool | None:
    status, author, reviewer = (row[name] for name in ("status", "prepared_by", "reviewed_by"))
    two = None if author is None or reviewer is None else not same_person(author, reviewer)
    return _all(None if status is None else status == "approved", two)


def _reviewed_by(row: Mapping[str, Json], last: date) -> bool | None:
    return None if row["reviewed_on"] is None else bool(row["reviewed_on"] <= last)


def _unexpired(row: Mapping[str, Json], last: date) -> bool | None:
    if row["valid_until"] is None:
        # Left out, it holds until it is retired; in a file that cannot be read, nobody knows.
        return None if row["problem"] else True
    return bool(row["valid_until"] >= last)


def _all(*parts: bool | None) -> bool | None:
    """AND as SQL has it: one false settles it, else one unknown does."""
    if False in parts:
        return False
    return None if None in parts else True


def _reason(row: Mapping[str, Json], last: date, *, approved: bool | None) -> str:
    if row["problem"]:
        return f"The register cannot be read: {row['problem']}"
    if row["status"] != "approved":
        return f"The register is {row['status'] or 'of unknown status'}."
    if approved is None:
        return "The register does not say who prepared and who reviewed it."
    if not approved:
        return f"{row['prepared_by']} prepared and reviewed the register; that takes two people."
    if _unexpired(row, last) is False:
        return f"The register expired: it was valid until {row['valid_until']}."
    if _reviewed_by(row, last) is False:
        return f"The register was approved on {row['reviewed_on']}, after the period."
    until = f", valid until {row['valid_until']}" if row["valid_until"] else ""
    return f"Prepared by {row['prepared_by']}, approved by {row['reviewed_by']} on {row['reviewed_on']}{until}."
