"""Settings of a repository that let the evidence of changes expire, or let machines stand in for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, Json
from soc2ev.tables import scoping
from soc2ev.tables.facts.fact import listed, shown
from soc2ev.tables.governance.bypasses import Told
from soc2ev.tables.governance.declared import REPOSITORY_SETTINGS

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.tables.engine import Engine

Row = Mapping[str, Json]
_ENOUGH = 100
"""Days that leave time to collect a quarter after it has ended."""
_LONGEST = 9
"""Digits of a number of days."""
_DAY = timedelta(days=1)
_HOMES = """
    select repository from github_repositories union select repository from github_settings
    union select repository from github_environments order by all
"""


def derive(engine: Engine, config: Config, coverages: Sequence[Coverage]) -> None:
    """Fill the table."""
    told: dict[str, dict[str, Json]] = defaultdict(dict)
    evidence: dict[str, set[str]] = defaultdict(set)
    for row in engine.stream("select * from github_settings order by repository, name"):
        told[row["repository"]][row["name"]] = row["value"]
        evidence[row["repository"]].add(row["evidence"])
    places: dict[str, list[Row]] = defaultdict(list)
    for row in engine.stream("select * from github_environments order by repository, name"):
        places[row["repository"]].append(row)
        evidence[row["repository"]].add(row["evidence"])
    homes = [row["repository"] for row in engine.stream(_HOMES)]
    seen = "select repository from github_capabilities where capability = 'workflow permissions' and visible = 'yes'"
    administered = {row["repository"] for row in engine.stream(seen)}
    for home in homes:
        row = _row(
            home, told[home], _production(config, home, places[home]), coverages, administered=home in administered
        )
        engine.insert(REPOSITORY_SETTINGS, [{**row, "evidence": sorted(evidence[home])}])


def _production(config: Config, home: str, places: Sequence[Row]) -> list[Row]:
    globs = [glob for entry in scoping.entries(config, home) for glob in entry.environments] or ["production"]
    return [row for row in places if any(fnmatchcase(row["name"], glob) for glob in globs)]


def _row(
    home: str, told: Mapping[str, Json], places: Sequence[Row], coverages: Sequence[Coverage], *, administered: bool
) -> dict[str, Json]:
    listing = [one for one in coverages if one.stream == f"github:{home}:settings:environments" and one.run]
    whole = bool(listing) and all(one.complete for one in listing)
    days, oldest = _number(told.get("artifact_and_log_retention_days")), _oldest(home, coverages)
    kept, gated = _kept(days, oldest), _gated(places, whole=whole)
    alerts = _flag(told.get("vulnerability_alerts"))
    return {
        "item": home,
        "repository": home,
        "retention_days": days,
        "oldest_days": oldest,
        "kept": kept[0],
        "kept_reason": kept[1],
        "actions_may_approve": _flag(told.get("can_approve_pull_request_reviews")),
        "environments": sorted(row["name"] for row in places) if whole or places else None,
        "gated": gated[0],
        "gated_reason": gated[1],
        # To somebody who does not administer the repository GitHub says false whatever the switch is.
        "alerts": alerts if alerts or administered else None,
    }


def _number(text: Json) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) <= _LONGEST else None


def _flag(text: Json) -> bool | None:
    return {"true": True, "false": False}.get(text) if isinstance(text, str) else None


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


def _gated(places: Sequence[Row], *, whole: bool) -> Told:
    if not places:
        return None, "No production environment is there." if whole else "The environments were not obtained."
    open_ = [row["name"] for row in places if row["reviewers"] == [] and row["branches"] is None]
    unclear = [row["name"] for row in places if not row["reviewers"] and row["branches"] != "protected"]
    if open_:
        return False, f"Anything can be deployed to {shown(listed(open_))} without an approval."
    if unclear:
        return None, f"Which branches may be deployed to {shown(listed(unclear))} is not known."
    if not whole:
        return None, "Not all environments were obtained."
    return True, "Each asks for an approval or takes protected branches only."
