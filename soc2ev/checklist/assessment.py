"""
From a vault to answers in one call: tables, findings, readiness. Everything that a screen or a pack shows comes
from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev import checklist, controls
from soc2ev import tables as tables_
from soc2ev.model import Control, Finding
from soc2ev.period import Period, parse

if TYPE_CHECKING:
    from soc2ev.checklist import Readiness
    from soc2ev.config import Settings
    from soc2ev.tables import Tables
    from soc2ev.vault import Vault


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the evidence of a period says. `tables` is open as long as the context that made it."""

    settings: Settings
    period: Period
    tables: Tables
    findings: tuple[Finding, ...]
    readiness: Readiness

    @property
    def evidence_until(self) -> datetime | None:
        """When the newest collection behind it was recorded; None when nothing was collected."""
        return max((entry.collected_at for entry in self.tables.coverage() if entry.collected_at), default=None)


def _covers(named: str | None, zone: str, period: Period) -> bool:
    """Whether a sign-off for the named period speaks for all of this one."""
    if not named:
        return False
    signed = parse(named, zone)
    return signed.start <= period.start and period.end <= signed.end


@contextmanager
def assess(
    vault: Vault, settings: Settings, period: Period, given: Sequence[Control] | None = None
) -> Iterator[Assessment]:
    """
    The assessment of the period from that vault, by `given` controls or those that the settings name.

    The same vault, settings, controls and period give the same assessment, whenever and wherever it is made.
    """
    in_use = controls.load(settings) if given is None else given
    with tables_.load(vault, settings, period) as tables:
        findings = controls.judge_all(in_use, tables)
        signed = tables.select("select * from sign_offs order by all")
        sign_offs = [row for row in signed if _covers(row["period"], settings.config.timezone, period)]
        yield Assessment(settings, period, tables, tuple(findings), checklist.answer(findings, sign_offs))
