"""GitHub's ledger of moves for which somebody bypassed the rulesets. It reaches back a month at most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.sources.github.access import UNKNOWN, Access
from soc2ev.sources.github.claims import Repository, Tally
from soc2ev.sources.github.moves import span_for
from soc2ev.sources.github.scope import server_time

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host
    from soc2ev.sources.github.rules import Bound

_SHORT = ("day", "week")
_LONGEST = "month"
_REACH = timedelta(days=28)
"""GitHub does not say how long its month is; in March it may be as long as February."""


def read(host: Host, repository: Repository, period: Period, bound: Bound, tally: Tally, access: Access) -> None:
    """
    The bypasses on production refs, as far back as GitHub tells; a ref that no ruleset binds is not asked for.

    Of classic branch protection GitHub keeps no such ledger.

    `asked` in the tally's details are the refs that were asked for; `reaches_back_to` is the instant before which
    nothing is told, when that lies in the period.
    """
    asked = [ref for ref, rulesets in bound.items() if rulesets is None or rulesets]
    tally.details["asked"] = asked
    if not asked:
        access.missed("rule suites", "no ruleset binds a production branch", UNKNOWN)
    for ref in asked:
        try:
            _read(host, repository, period, ref, tally)
        except CollectError as problem:
            access.failed(tally, "rule suites", problem, f"bypasses of the rules of {ref}")
        else:
            access.saw("rule suites")


def read_old(host: Host, repository: Repository, period: Period, names: Sequence[str], tally: Tally) -> None:
    """
    The bypasses under names that production refs had before; `old names` in the tally's details are those asked for.

    GitHub keeps them under the name of the time.
    """
    for name in names:
        try:
            _read(host, repository, period, name, tally)
        except CollectError as problem:
            tally.failed(problem, f"bypasses of the rules of {name}")
        else:
            tally.details["old names"] = [*tally.details.get("old names", ()), name]


def _read(host: Host, repository: Repository, period: Period, ref: str, tally: Tally) -> None:
    span = span_for(repository.seen_at - period.start)
    span = span if span in _SHORT else _LONGEST
    asked = {"repository": repository.name, "role": "suites"}
    params = {"ref": f"refs/heads/{ref}", "time_period": span, "rule_suite_result": "bypass", "per_page": "100"}
    for page in host.walk(
        f"{repository.path}/rulesets/rule-suites",
        params=params,
        stream=repository.stream(tally.stream),
        asked=asked,
    ):
        tally.fetched += page.item.count or 0
        if span == _LONGEST:
            _note_reach(server_time(page.item.response) - _REACH, period, tally)


def _note_reach(reach: datetime, period: Period, tally: Tally) -> None:
    """The latest instant of all refs and pages counts."""
    known = tally.details.get("reaches_back_to")
    if reach > period.start and (known is None or reach > datetime.fromisoformat(known)):
        tally.details["reaches_back_to"] = reach.isoformat()
