"""What stands around changes: bypasses, emergencies, rules in force, access, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.model import Coverage
    from soc2ev.period import Period
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.rule_readings import Reading
    from soc2ev.vault import Vault


def derive(
    engine: Engine,
    vault: Vault,
    config: Config,
    period: Period,
    coverages: Sequence[Coverage],
    claims: Sequence[Coverage],
    readings: Sequence[Reading],
) -> set[tuple[str, str]]:
    """
    Fill the tables; runs and streams of the bodies behind them that other collections than the chosen ones stored.

    `coverages` answer for the period; `claims` are those of all runs, and `readings` what they read of rules. Changes,
    their facts and the approvals of registers are there already. TamperedError for a body that was altered.
    """
    # The tables are declared in this package, and whoever lists them must not load what fills them.
    from soc2ev.tables.governance import access, bypasses, emergencies, looks, roles, rulebooks, settings, tickets

    policy = config.policy
    bypasses.derive(engine)
    emergencies.derive(engine, period, coverages, policy.emergency.review_within_business_days)
    tickets.derive(engine, policy.ticket, period, coverages)
    access.derive(engine, period, config.timezone, policy.bots.service_accounts, coverages)
    found, seen = looks.looks(vault, claims, period)
    settings.derive(engine, config, coverages, found, period)
    seen |= roles.derive(engine, vault, claims, period)
    return seen | rulebooks.derive(engine, readings, period, config.timezone, policy.required_approvals)


__all__ = ["derive"]
