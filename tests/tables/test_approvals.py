"""Which records of registers count: two people, the period's last day, and what nobody knows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from soc2ev.period import parse
from soc2ev.tables import approvals, documented
from soc2ev.tables.engine import Engine
from soc2ev.tables.standard import REGISTER_APPROVALS

WHOLE: dict[str, Any] = {
    "file": "a.yaml",
    "record": "a",
    "kind": "waiver",
    "status": "approved",
    "prepared_by": "Ann",
    "reviewed_by": "Bo",
    "reviewed_on": date(2025, 10, 31),
    "run": "r1",
    "evidence": "sha256:1",
}


def judged(zone: str = "UTC", **values: Any) -> dict[str, Any]:
    """The one row that such a register gives for October 2025."""
    engine = Engine()
    try:
        for table in documented():
            engine.create(table)
            if table.name == "registers":
                engine.insert(table, [WHOLE | values])
        approvals.derive(engine, parse("2025-10", zone), zone)
        (row,) = engine.select(f"select * from {REGISTER_APPROVALS.name}")
    finally:
        engine.close()
    return dict(row)


@pytest.mark.parametrize(
    ("values", "approved", "in_force", "says"),
    [
        ({}, True, True, "Prepared by Ann, approved by Bo on 2025-10-31."),
        ({"valid_until": date(2025, 10, 31)}, True, True, "valid until 2025-10-31"),
        ({"valid_until": date(2025, 10, 30)}, True, False, "expired: it was valid until 2025-10-30"),
        ({"reviewed_on": date(2025, 11, 1)}, True, False, "approved on 2025-11-01, after the period"),
        ({"reviewed_on": None}, True, None, "Prepared by Ann"),
        ({"status": "draft"}, False, False, "The register is draft."),
        ({"status": "retired"}, False, False, "The register is retired."),
        ({"status": None}, None, None, "unknown status"),
        ({"status": None, "problem": "line 3: no"}, None, None, "cannot be read: line 3: no"),
        ({"reviewed_by": "Ann <ann@example.com>"}, False, False, "that takes two people"),
        ({"reviewed_by": None}, None, None, "does not say who"),
        ({"prepared_by": None, "valid_until": date(2025, 10, 30)}, None, False, "does not say who"),
    ],
)
def test_what_counts(values: dict[str, Any], approved: bool | None, in_force: bool | None, says: str) -> None:
    """Every part may be unknown; one that is false settles it, and the reason says which."""
    row = judged(**values)
    assert (approved, in_force) == (row["approved"], row["in_force"])
    assert says in row["reason"]
    assert ["sha256:1"] == row["evidence"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Europe/Berlin"])
def test_the_last_day_is_that_of_the_calendar(zone: str) -> None:
    """31 October is the last day of October, wherever its last midnight falls in UTC."""
    assert judged(zone, valid_until=date(2025, 10, 31))["in_force"] is True
    assert judged(zone, reviewed_on=date(2025, 11, 1))["in_force"] is False
