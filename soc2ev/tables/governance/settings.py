"""Settings of a repository that let the evidence of changes expire, or let machines stand in for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json
from soc2ev.period import Period
from soc2ev.tables import scoping
from soc2ev.tables.facts.fact import Fact
from soc2ev.tables.governance.bypasses import Told
from soc2ev.tables.governance.declared import REPOSITORY_SETTINGS
from soc2ev.tables.governance.looks import ADMINISTERED, Look, flag
from soc2ev.tables.readings import Seen, throughout

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_ENOUGH = 100
"""Days that leave time to collect a quarter after it has ended."""
_LONGEST = 9
"""Digits of a number of days."""
_DAY = timedelta(days=1)
_ADMINISTERED = f"select repository from github_capabilities where capability = '{ADMINISTERED}' and visible = 'yes'"  # noqa: S608  our own words
_HOMES = """
    select repository from github_repositories union select repository from github_settings
    union select repository from github_environments order by all
"""


def derive(
    engine: Engine, config: Config, coverages: Sequence[Coverage], others: Mapping[str, Sequence[Look]], period: Period
) -> None:
    """Fill the table. `others` are by repository the readings of all collections around the period."""
    told: dict[str, dict[str, Json]] = defaultdict(dict)
    evidence: dict[str, set[str]] = defaultdict(set)
    for row in engine.stream("select * from github_settings order by repository, name"):
        told[row["repository"]][row["name"]] = row["value"]
        evidence[row["repository"]].add(row["evidence"])
    places: dict[str, list[Row]] = defaultdict(list)
    for row in engine.stream("select * from github_environments order by repository, name"):
        places[row["repository"]].append(row)
        evidence[row["repository"]].add(row["evidence"])
    administered = {row["repository"] for row in engine.stream(_ADMINISTERED)}
    for home in [row["repository"] for row in engine.stream(_HOMES)]:
        listing = [one for one in coverages if one.stream == f"github:{home}:settings:environments" and one.run]
        whole = bool(listing) and all(one.complete for one in listing)
        now = Look(_read_at(home, coverages), told[home], places[home], whole, home in administered)
        row, digests = _row(config, home, now, others.get(home, ()), coverages, period)
        engine.insert(REPOSITORY_SETTINGS, [{**row, "evidence": sorted({*evidence[home], *digests})}])


def _read_at(home: str, coverages: Sequence[Coverage]) -> datetime | None:
    streams = (f"github:{home}:settings:settings", f"github:{home}:settings:environments")
    return max((one.collected_at for one in coverages if one.stream in streams and one.collected_at), default=None)


def _production(config: Config, home: str, places: Sequence[Row]) -> list[Row]:
    globs = [glob for entry in scoping.entries(config, home) for glob in entry.environments] or ["production"]
    return [row for row in places if any(fnmatchcase(row["name"], glob) for glob in globs)]


def _row(
    config: Config, home: str, now: Look, others: Sequence[Look], coverages: Sequence[Coverage], period: Period
) -> tuple[dict[str, Json], set[str]]:
    facts: dict[str, Callable[[Look], Fact]] = {
        "machines_kept_out": Look.unapproving,
        "gated": lambda look: look.gated(_production(config, home, look.places)),
        "alerted": Look.alerting,
    }
    answers: dict[str, Json] = {}
    digests: set[str] = set()
    for name, judge in facts.items():
        seen = Seen(now.at, judge(now)) if now.at else None
        told = throughout(seen, [Seen(one.at, judge(one), one.digests) for one in others if one.at], period)
        answers |= {name: told.fact.value, f"{name}_reason": told.fact.reason}
        digests |= {*told.digests}
    production = _production(config, home, now.places)
    days, oldest = _number(now.told.get("artifact_and_log_retention_days")), _oldest(home, coverages)
    kept, alerts = _kept(days, oldest), flag(now.told.get("vulnerability_alerts"))
    return {
        "item": home,
        "repository": home,
        "retention_days": days,
        "oldest_days": oldest,
        "kept": kept[0],
        "kept_reason": kept[1],
        "actions_may_approve": flag(now.told.get("can_approve_pull_request_reviews")),
        "environments": sorted(row["name"] for row in production) if now.listed or production else None,
        # To somebody who does not administer the repository GitHub says false whatever the switch is.
        "alerts": alerts if alerts or now.administered else None,
        "read_at": now.at,
        **answers,
    }, digests


def _number(text: Json) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) <= _LONGEST else None


def _oldest(home: str, coverages: Sequence[Coverage]) -> int | None:
    """Whole days, rounded up, from the start of each span to the collection of its checks: the most of them."""
    ages = [_age(one.collected_at, one.period.start) for one in coverages if one.stream == f"github:{home}:checks"]
    return None if not ages or None in ages else max(age for age in ages if age is not None)


def _age(at: datetime | None, start: datetime) -> int | None:
    return None if at is None else max(0, -((start - at) // _DAY))


def _kept(days: int | None, oldest: int | None) -> Told:
    if days is None:
        return None, "For how long GitHub keeps artifacts and logs is not visible."
    said = f"GitHub keeps artifacts and logs for {days} days"
    if days >= _ENOUGH:
        return True, f"{said}."
    if oldest is None:
        return None, f"{said}; when the checks of the period were collected is not known."
    if oldest < days:
        return True, f"{said}; the period's oldest were collected after {oldest} at most."
    return False, f"{said}; the period's oldest were {oldest} days old when they were collected."
