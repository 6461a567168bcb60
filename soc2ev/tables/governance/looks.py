"""How each collection that has to do with a period found the settings of a repository, and what that says of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.model import Coverage, EvidenceItem, Json
from soc2ev.period import Period
from soc2ev.sources.github.streams import rows
from soc2ev.tables.facts.fact import Fact, listed, no, shown, unknown, yes
from soc2ev.tables.readings import near

if TYPE_CHECKING:
    from soc2ev.vault import Vault

Row = Mapping[str, Json]
Key = tuple[str, str]
"""Run and stream."""
_SETTINGS, _PLACES = ":settings:settings", ":settings:environments"
ADMINISTERED = "workflow permissions"
"""What somebody who administers a repository may read, and nobody else."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one collection read. `at` is None when nobody knows when."""

    at: datetime | None
    told: Mapping[str, Json]
    """Settings by name; what was not visible is missing."""
    places: Sequence[Row]
    """Environments, of production and others."""
    listed: bool
    """These are all."""
    administered: bool
    """The token may see every switch."""
    digests: tuple[str, ...] = ()

    def unapproving(self) -> Fact:
        """Actions cannot approve pull requests."""
        may = flag(self.told.get("can_approve_pull_request_reviews"))
        if may is None:
            return unknown("Whether Actions can approve pull requests is not visible to the token.")
        return no("Actions can approve pull requests.") if may else yes("Actions cannot approve pull requests.")

    def alerting(self) -> Fact:
        """Alerts about vulnerable dependencies are on. To others than administrators GitHub says false either way."""
        on = flag(self.told.get("vulnerability_alerts"))
        if on:
            return yes("Alerts about vulnerable dependencies are switched on.")
        if on is None or not self.administered:
            return unknown("Whether alerts about vulnerable dependencies are on is not visible to the token.")
        return no("Alerts about vulnerable dependencies are switched off.")

    def gated(self, production: Sequence[Row]) -> Fact:
        """Each of these environments asks for an approval or takes protected branches only."""
        if not production:
            missing = "No production environment is there." if self.listed else "The environments were not obtained."
            return unknown(missing)
        open_ = [row["name"] for row in production if row["reviewers"] == [] and row["branches"] is None]
        unclear = [row["name"] for row in production if not row["reviewers"] and row["branches"] != "protected"]
        if open_:
            return no(f"Anything can be deployed to {shown(listed(open_))} without an approval.")
        if unclear:
            return unknown(f"Which branches may be deployed to {shown(listed(unclear))} is not known.")
        if not self.listed:
            return unknown("Not all environments were obtained.")
        return yes("Each asks for an approval or takes protected branches only.")


def flag(text: Json) -> bool | None:
    """A setting that is on or off; None for anything else."""
    return {"true": True, "false": False}.get(text) if isinstance(text, str) else None


def looks(vault: Vault, claims: Iterable[Coverage], period: Period) -> tuple[Mapping[str, Sequence[Look]], set[Key]]:
    """
    By repository what the collections around the period read, and the runs and streams behind that.

    TamperedError for a body that was altered.
    """
    bodies: dict[Key, list[EvidenceItem]] = defaultdict(list)
    for item in vault.items():
        if item.source == "github" and item.stream.endswith((_SETTINGS, _PLACES)):
            bodies[(item.run, item.stream)].append(item)
    by_home: dict[str, list[Coverage]] = defaultdict(list)
    whole = {(one.run, one.stream): one.complete for one in claims}
    for one in claims:
        if one.stream.endswith(_SETTINGS) and one.run and one.collected_at:
            by_home[one.stream.removeprefix("github:").removesuffix(_SETTINGS)].append(one)
    found, used = {}, set()
    for home, mine in sorted(by_home.items()):
        chosen = near(sorted(mine, key=_order), _at, lambda one: one.complete, period)
        found[home] = [_look(home, one, bodies, whole, vault) for one in chosen]
        used |= {(one.run, stream) for one in chosen for stream in _streams(home) if (one.run, stream) in bodies}
    return found, used


def _at(one: Coverage) -> datetime:
    return one.collected_at or one.period.end


def _order(one: Coverage) -> tuple[datetime, str]:
    return _at(one), one.run


def _streams(home: str) -> tuple[str, str]:
    return f"github:{home}{_SETTINGS}", f"github:{home}{_PLACES}"


def _look(
    home: str,
    claim: Coverage,
    bodies: Mapping[Key, Sequence[EvidenceItem]],
    whole: Mapping[Key, bool],
    vault: Vault,
) -> Look:
    told: dict[str, Json] = {}
    places: list[Row] = []
    administered, digests = False, []
    for stream in _streams(home):
        for item in bodies.get((claim.run, stream), ()):
            for table, row in rows(item, vault.read(item.digest)):
                if table == "github_settings":
                    told[row["name"]] = row["value"]
                elif table == "github_environments" and isinstance(row["name"], str):
                    places.append({"reviewers": None, "branches": None, **row})
                elif table == "github_capabilities":
                    administered |= row["capability"] == ADMINISTERED and row["visible"] == "yes"
            digests.append(item.digest)
    complete = whole.get((claim.run, _streams(home)[1]), False)
    return Look(claim.collected_at, told, places, complete, administered, tuple(dict.fromkeys(digests)))


__all__ = ["ADMINISTERED", "Look", "flag", "looks"]
