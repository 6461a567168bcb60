"""
The audit log of an organisation: GitHub's ledger of merges and pushes that overrode classic branch protection.

Organisations of Enterprise Cloud and Enterprise Server have it, and their owners may read it:
https://docs.github.com/en/enterprise-cloud@latest/rest/orgs/orgs#get-the-audit-log-for-an-organization
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.sources.github.access import Access, is_absent
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.governance import OVERRIDE

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host

CAPABILITY = "audit log"
LEDGER = "ledger of protection"
"""The member of the tally's details that says how far back it reaches; it is there when the audit log was read."""
_MONTHS_KEPT = 6
"""Beside the present one, by GitHub's page on reviewing the audit log of an organisation."""


def read(host: Host, repository: Repository, period: Period, tally: Tally, access: Access) -> bool:
    """
    The overrides on the repository since the period began; whether the audit log was read.

    A refusal is no gap: the rules are then judged by the evidence. Any other failure is told to the tally. An event
    names the account, the repository and the time, but neither the commit nor, in most cases, the branch.
    """
    since = (period.start - timedelta(days=1)).date()
    phrase = f"action:{OVERRIDE} repo:{repository.current} created:>={since.isoformat()}"
    asked = {"repository": repository.name, "role": "overrides", "current": repository.current}
    try:
        for page in host.walk(
            f"/orgs/{repository.current.partition('/')[0]}/audit-log",
            params={"phrase": phrase, "include": "web", "per_page": "100"},
            stream=repository.stream(tally.stream),
            asked=asked,
        ):
            tally.fetched += page.item.count or 0
    except CollectError as problem:
        if is_absent(problem) or isinstance(problem, AccessError):
            access.refused(CAPABILITY, problem)
        else:
            access.failed(tally, CAPABILITY, problem, "overrides of branch protection")
        return False
    access.saw(CAPABILITY)
    reach = _kept_since(repository.seen_at)
    tally.details[LEDGER] = {"reaches_back_to": reach.isoformat() if reach > period.start else None}
    return True


def _kept_since(now: datetime) -> datetime:
    month = now.year * 12 + now.month - 1 - _MONTHS_KEPT
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
