"""Log sources, sinks, alert rules, readers and limits: what platforms show beside what registers ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.model import Coverage, Table
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine
    from soc2ev.vault import Vault

_COPIED = ("log_sinks", "log_readers")


def derive(
    engine: Engine, vault: Vault, period: Period, coverages: Sequence[Coverage], claims: Sequence[Coverage]
) -> set[tuple[str, str]]:
    """
    Fill the tables; runs and streams of the bodies behind them that other collections than the chosen ones stored.

    `coverages` answer for the period; `claims` are those of all runs. Changes and the approvals of registers are there
    already. TamperedError for a body that was altered.
    """
    # The tables are declared in this package, and whoever lists them must not load what fills them.
    from soc2ev.tables.logs import alerts, drift, imported, limits, registered, routes, samples, sources
    from soc2ev.tables.logs.declared import TABLES
    from soc2ev.tables.logs.readings import read

    readings = read(vault, claims, period)
    imports = imported.derive(engine, vault, period)
    sources.derive(engine, coverages, readings, imports)
    for table, bases in TABLES:
        if table.name in _COPIED:
            _copy(engine, table, bases[0])
    limits.derive(engine, readings)
    routes.derive(engine, readings)
    registered.derive(engine)
    samples.derive(engine, readings, coverages, imports)
    alerts.derive(engine, coverages)
    drift.derive(engine, readings, coverages)
    return readings.used | imports.used


def _copy(engine: Engine, table: Table, base: str) -> None:
    """The collected rows as they are, each with the digests in a list and the time at which they were read."""
    told = {"evidence": "[c.evidence]", "observed_at": "s.observed_at"}
    columns = ", ".join(told.get(column.name, f'c."{column.name}"') for column in table.columns)
    engine.derive(
        f'insert into "{table.name}" select {columns} from "{base}" c '  # noqa: S608  our own names
        "left join collected_log_sources s on s.key = c.source_key"
    )


__all__ = ["derive"]
