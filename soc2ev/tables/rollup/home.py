"""What the collections of one repository tell about moves, deployments and releases, put together over the months."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import Deployment, Rules
from soc2ev.tables.hosted.requests import account
from soc2ev.tables.rollup import delivery
from soc2ev.tables.rollup.contents import History
from soc2ev.tables.rollup.delivery import Delivery

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.period import Period
    from soc2ev.tables.facts.production import Trail
    from soc2ev.tables.hosted.collection import Collection, RefMoves
    from soc2ev.tables.hosted.deployments import Delivered

Row = Mapping[str, "Json"]
Deployed = tuple[Deployment, Row, frozenset[str]]
"""A deployment, its row, and the digests of the bodies that tell what became of it."""
_BEGUN = ("in_progress", "success")
_ANY_TIME = datetime.min.replace(tzinfo=UTC)
"""When a move came of which nobody tells: it may have been the first."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A judged move of a production branch."""

    name: str
    """What a reader calls it."""
    change: Row
    """Its row of contained_changes."""
    facts: Row
    """Its row of change_facts."""
    trail: Trail


@dataclass(frozen=True, slots=True)
class Basis:
    """What holds for everything that is delivered from one branch."""

    rules: Rules
    gated: bool | None


@dataclass(slots=True)
class Home:
    """One repository whose production changes are deployments, or releases."""

    repository: str
    mode: str
    history: History = field(default_factory=History)
    landed: dict[str, Landed] = field(default_factory=dict)
    """By item."""
    periods: list[Period] = field(default_factory=list)
    commits: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Branch, commit, and why path rules leave it out; of the moves in the periods."""
    unexplained: list[tuple[str, str]] = field(default_factory=list)
    bases: dict[str, Basis] = field(default_factory=dict)
    """By branch."""
    collections: dict[str, Collection] = field(default_factory=dict)
    """The collection that told who let a deployment through its gate, by its id; else the first one that told of it."""
    deployments: dict[str, Deployed] = field(default_factory=dict)
    releases: dict[str, Delivery] = field(default_factory=dict)
    """By id, as the first reading told it: a tag can be moved afterwards."""
    read_at: dict[str, datetime] = field(default_factory=dict)
    """When that reading was, by the id of a release."""
    looked_at: datetime | None = None
    """When releases were read first."""
    dated: dict[str, datetime] = field(default_factory=dict)
    """The date of a commit that a release names."""
    preceding: frozenset[str] = frozenset()
    """Items that landed before the periods."""
    carried: list[tuple[str, str]] = field(default_factory=list)
    """Branch and commit of what came before the periods."""

    def take(
        self,
        found: Collection,
        ref: RefMoves,
        items: Mapping[int, str],
        outside: Mapping[int, str],
        landed: Sequence[Landed],
        delivered: Delivered,
    ) -> list[str]:
        """Add what one collection tells of one branch; what keeps the population from being whole."""
        self.landed |= {str(one.change["item"]): one for one in landed}
        self._take_history(found, ref, items, outside)
        if self.mode == "deploy":
            self._take_deployments(found, delivered)
        else:
            self._take_releases(found)
        stream = "deployments" if self.mode == "deploy" else "releases"
        entry = found.coverages.get(stream)
        if entry is not None and entry.complete:
            return []
        why = f"{stream} were not collected whole: {entry.reason if entry else 'nobody asked for them'}"
        self.history.flaws.append(why)
        return [f"a change is a {self.mode.replace('deploy', 'deployment')} here, and {why}"]

    def precede(self, earlier: Home) -> None:
        """Take what was known before the periods: its changes can be judged where they are delivered later."""
        mine, old = self.history, earlier.history
        mine.graphs += old.graphs
        # What had come before came first, and by the change that brought it then.
        first = old.items.keys() | old.outside
        mine.items = {**{sha: item for sha, item in mine.items.items() if sha not in first}, **old.items}
        mine.outside = (mine.outside - first) | old.outside
        mine.unexplained |= old.unexplained
        mine.starts |= old.starts
        mine.tips |= old.tips
        self.preceding = frozenset(earlier.landed.keys() - self.landed.keys())
        again = {(ref, sha) for ref, sha, _ in self.commits}
        self.carried = [
            (ref, sha) for ref, sha, outside in earlier.commits if outside is None and (ref, sha) not in again
        ]
        self.landed = {**earlier.landed, **self.landed}
        # Of deliveries that are not all known, none is known to be the last one before the period.
        if not old.flaws:
            both = earlier.deployments.keys() & self.deployments.keys()
            mended = {one: with_gate(self.deployments[one], earlier.deployments[one]) for one in both}
            self.deployments = {**earlier.deployments, **self.deployments, **mended}
            if self.mode == "release":
                self._precede_releases(earlier)

    def delivered(self) -> list[Delivery]:
        """Everything that reached production, oldest first, also outside of the periods."""
        if self.mode == "deploy":
            told = (delivery.of_deployment(self.repository, *one) for one in self.deployments.values())
            return delivery.named_apart([one for one in told if one is not None])
        shown = ((one, self.read_at[name]) for name, one in self.releases.items())
        return delivery.named_apart(
            [replace(one, moved=True, began=seen) if self._young(one) else one for one, seen in shown]
        )

    def _young(self, one: Delivery) -> bool:
        """Whether the commit that a release names was made after it, so that its tag was moved."""
        return one.sha in self.dated and self.dated[one.sha] > one.at

    def order(self) -> dict[str, int]:
        """The place of each change in time; what has no time comes last."""
        times = {item: one.change["integrated_at"] for item, one in self.landed.items()}
        known = sorted((at, place, item) for place, (item, at) in enumerate(times.items()) if at is not None)
        ordered = [item for _, _, item in known] + [item for item, at in times.items() if at is None]
        return {item: place for place, item in enumerate(ordered)}

    def tag(self, rows: Iterator[Row]) -> None:
        """Take tags for releases where there are none."""
        if not self.releases:
            told = (delivery.of_tag(self.repository, row) for row in rows)
            self.releases = {one.item: one for one in told if one is not None}
            self.read_at = dict.fromkeys(self.releases, _ANY_TIME)

    def _take_history(
        self, found: Collection, ref: RefMoves, items: Mapping[int, str], outside: Mapping[int, str]
    ) -> None:
        history = self.history
        if not any(one is found.wider for one in history.graphs):
            history.graphs.append(found.wider)
        if found.period not in self.periods:
            self.periods.append(found.period)
        heads = [row for row in found.requests.rows("github_heads") if row["ref"] == ref.ref]
        history.starts |= {row["start_sha"] for row in heads if row["start_sha"]}
        history.tips |= {sha for sha in (ref.tip, *(move.after for move in ref.moves)) if sha}
        history.unexplained |= set(ref.unexplained)
        # What a branch held when the span began came before, by what was not collected with it.
        for sha in found.wider.reach(row["start_sha"] for row in heads):
            history.is_first(sha, found.period.start - timedelta.resolution)
        for place, move in enumerate(ref.moves):
            self.commits += [(ref.ref, sha, outside.get(place)) for sha in move.brought]
            new = [sha for sha in move.brought if history.is_first(sha, move.at or _ANY_TIME)]
            if place in outside:
                history.outside |= set(new)
            else:
                history.items |= dict.fromkeys(new, items[place])
        self.unexplained += [(ref.ref, sha) for sha in ref.unexplained]
        commits = found.coverages.get("commits")
        if commits is None or not commits.complete:
            history.flaws.append((commits.reason if commits else None) or "they were not asked for")
        history.flaws += ref.problems

    def _take_deployments(self, found: Collection, delivered: Delivered) -> None:
        rows = {str(row["id"]): row for row in found.requests.rows("github_deployments")}
        told: dict[str, set[str]] = defaultdict(set)
        for row in found.requests.rows("github_deployment_statuses"):
            told[str(row["deployment"])].add(row["evidence"])
        for one in delivered.found:
            seen: Deployed = (one, rows[one.id], frozenset(told[one.id]))
            known = self.deployments.get(one.id, seen)
            fuller, other = (seen, known) if len(known[0].statuses) < len(one.statuses) else (known, seen)
            self.deployments[one.id] = with_gate(fuller, other)
            if one.id not in self.collections or one.gate is self.deployments[one.id][0].gate is not None:
                self.collections[one.id] = found

    def _precede_releases(self, earlier: Home) -> None:
        start, end = min(one.start for one in self.periods), max(one.end for one in self.periods)
        seen = earlier.looked_at
        for name, one in self.releases.items():
            if seen and name not in earlier.releases and one.at < min(seen, start):
                self.releases[name] = delivery.final_since(one, max(seen, start), end - timedelta(seconds=1))
        for name, one in earlier.releases.items():
            if name not in self.releases or earlier.read_at[name] <= self.read_at[name]:
                self.releases[name], self.read_at[name] = one, earlier.read_at[name]
        self.dated = {**earlier.dated, **self.dated}

    def _take_releases(self, found: Collection) -> None:
        entry = found.coverages.get("releases")
        seen = (entry.collected_at if entry else None) or _ANY_TIME
        self.looked_at = min(seen, self.looked_at or seen)
        named = "sha in (select sha from github_releases) and committed_at is not null"
        self.dated |= {row["sha"]: row["committed_at"] for row in found.requests.rows("github_commits", named)}
        for row in found.requests.rows("github_releases"):
            one = delivery.of_release(self.repository, row, account(row, "author"))
            if one is not None:
                if row["id"] not in self.releases or seen < self.read_at[row["id"]]:
                    self.releases[row["id"]], self.read_at[row["id"]] = one, seen
            elif row["published_at"] is None and not row["draft"] and not row["prerelease"]:
                self.history.flaws.append(f"when the release {row['tag']} was published is not known")


def with_gate(found: Deployed, other: Deployed) -> Deployed:
    """
    What was read, with who let it through its gate where another reading alone asked for that.

    Gates are asked about with the month in which a deployment began. A reading of one that still waited says
    nothing: the answer may have come afterwards.
    """
    begun = any(state.lower() in _BEGUN for state, _ in other[0].statuses)
    if found[0].gate is not None or other[0].gate is None or not begun:
        return found
    return replace(found[0], gate=other[0].gate), found[1], found[2] | other[2]
