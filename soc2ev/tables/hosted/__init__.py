"""
Changes from hosts that record what happens to a branch: moves of production refs, and what is known about each.

GitHub's record of ref updates, the commit graph and the merged pull requests are three routes to one population; what
they do not agree on is a problem of the coverage, never a guess.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from soc2ev.tables import scoping
from soc2ev.tables.facts.fact import shown
from soc2ev.tables.facts.judge import judge
from soc2ev.tables.facts.people import People
from soc2ev.tables.hosted import addresses
from soc2ev.tables.hosted.collection import Collection, RefMoves
from soc2ev.tables.hosted.custody import custody_rows
from soc2ev.tables.hosted.deliveries import deployment_rows
from soc2ev.tables.hosted.gather import Case, Gatherer
from soc2ev.tables.hosted.requests import listed
from soc2ev.tables.hosted.rows import change_row, fact_row, fate_rows
from soc2ev.tables.hosted.rules import RulesThen
from soc2ev.tables.hosted.self_reviews import SelfReviews
from soc2ev.tables.hosted.tickets import TicketSystem
from soc2ev.tables.hosted.watched import Watchers
from soc2ev.tables.rollup import Before, Home, Landed, Rollup, landed
from soc2ev.tables.standard import CHANGE_COMMITS, CHANGE_FACTS, CHANGES, CONTAINED_CHANGES, CUSTODY, DEPLOYMENTS

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.model import Coverage, Json, Table
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.rule_readings import Reading

_BATCH = 400
_POPULATION = ("commits", "merged", "pull-requests")
"""The streams that tell which changes there were."""
Problems = dict[tuple[str, str], list[str]]
"""Complaints by run and stream."""


def derive(
    engine: Engine, config: Config, coverages: Sequence[Coverage], readings: Sequence[Reading], before: Before
) -> tuple[set[str], Problems]:
    """
    Add GitHub's changes, their commits and their facts to the tables.

    `readings` are what all collections read of rules; `before` tells of the time before the period. Gives the
    repositories that it delivers, and what does not add up, by run and stream. ConfigError for path rules that cannot
    be read.
    """
    writer, problems = _written(engine, config, coverages, readings, before)
    writer.finish(before)
    return {stream.split(":")[1] for _, stream in problems}, problems


def homes(
    engine: Engine, config: Config, coverages: Sequence[Coverage], readings: Sequence[Reading]
) -> Mapping[tuple[str, str], Home]:
    """
    What a roll-up of a later period may use of these collections, by repository and mode.

    The tables get the contained changes as `derive` makes them. A repository is left out whose population was not
    collected whole, or does not add up.
    """
    writer, problems = _written(engine, config, coverages, readings, Before())
    told = [(one, repository) for one, repository, stream in _of_github(coverages) if stream in _POPULATION]
    doubtful = {repository for one, repository in told if not one.complete}
    doubtful |= {stream.split(":")[1] for (_, stream), told in problems.items() if told}
    return {key: home for key, home in writer.homes.items() if home.repository not in doubtful}


def _written(
    engine: Engine, config: Config, coverages: Sequence[Coverage], readings: Sequence[Reading], before: Before
) -> tuple[_Writer, Problems]:
    """The writer that took all moves, with complaints for each repository that it delivers."""
    tickets = TicketSystem(engine, coverages, configured=bool(config.sources.jira))
    settings = _settings(coverages)
    rules = RulesThen(engine, settings, readings)
    gatherer = Gatherer(engine, config, settings, tickets, Watchers(engine, config, coverages), rules)
    writer = _Writer(engine, config, gatherer, SelfReviews(engine, config, coverages))
    writer.tell_apart(before.items)
    problems: Problems = defaultdict(list)
    for (repository, run), streams in sorted(_collections(coverages).items()):
        found = Collection(engine, repository, run, streams)
        for ref in found.refs():
            flaws = writer.add(found, ref)
            problems[(run, f"github:{repository}:commits")] += [*ref.problems, *flaws]
    return writer, problems


class _Writer:
    """Judges the moves of one ref after another and writes their rows."""

    def __init__(self, engine: Engine, config: Config, gatherer: Gatherer, self_reviews: SelfReviews) -> None:
        self._self_reviews = self_reviews
        self._engine, self._config, self._gatherer = engine, config, gatherer
        machines = config.policy.bots.service_accounts
        accounts, people = engine.stream("select * from accounts"), engine.stream("select * from people")
        self._registered = (list(accounts), list(people), machines)
        self._people: tuple[str, People] = ("", People(*self._registered))
        """Of the run that was judged last: what its answers say of addresses holds for that run."""
        self._seen: Counter[str] = Counter()
        self._deployments: dict[str, dict[str, Json]] = {}
        self._rollup = Rollup(engine, config.policy, gatherer)

    def tell_apart(self, items: Iterable[str]) -> None:
        """Give these ids to nothing else."""
        self._seen.update(item.partition("~")[0] for item in items)

    def add(self, found: Collection, ref: RefMoves) -> list[str]:
        """All rows of that ref's moves; what else keeps its population from being whole."""
        items = self._items(found, ref)
        mode = scoping.mode_of(self._config, found.repository, ref.ref)
        table, parts = CHANGES if mode == "merge" else CONTAINED_CHANGES, list[Landed]()
        outside: dict[int, str] = {}
        changes: list[dict[str, Json]] = []
        facts: list[dict[str, Json]] = []
        steps: list[dict[str, Json]] = []
        url, people = self._url(found), self._people_of(found.run)
        for place, case in enumerate(self._gatherer.cases(found, ref, items)):
            if reason := scoping.outside(self._config, found.repository, ref.ref, case.paths):
                outside[place] = reason
                continue
            change = replace(case.change, self_reviews=self._self_reviews.of(case.change))
            judged = judge(change, self._config.policy, people)
            changes.append(change_row(case, judged, url))
            facts.append(fact_row(case, judged))
            steps += custody_rows(case.change)
            if mode != "merge":
                parts.append(landed(_name(changes[-1]), changes[-1], facts[-1], judged))
            if len(changes) >= _BATCH:
                self._flush(table, changes, facts, steps)
        self._flush(table, changes, facts, steps)
        flaws = []
        if mode == "merge":
            self._engine.insert(CHANGE_COMMITS, fate_rows(found.repository, ref, items, outside))
        else:
            flaws = self._rollup.take(mode, found, ref, items, outside, parts, people)
        delivered = self._gatherer.delivered(found, ref)
        for row in deployment_rows(found, ref, delivered, items, self._config.policy.watch):
            known = self._deployments.get(row["item"])
            # With several production refs a deployment belongs to the one whose history holds its commit.
            if known is None or (row["commit_known"] and not known["commit_known"]):
                self._deployments[row["item"]] = row
        return flaws

    def _people_of(self, run: str) -> People:
        if self._people[0] != run:
            self._people = (run, People(*self._registered, addresses.linked(self._engine, run)))
        return self._people[1]

    @property
    def homes(self) -> Mapping[tuple[str, str], Home]:
        """What the roll-up gathered."""
        return self._rollup.homes

    def finish(self, before: Before) -> None:
        """The rows that need all refs."""
        used = self._rollup.finish(before.homes)
        for table in (CONTAINED_CHANGES, CHANGE_FACTS, CUSTODY) if before.engine and used else ():
            sql = f'select * from "{table.name}" where item in {listed(used)} order by all'  # noqa: S608  our own names
            self._engine.insert(table, before.engine.stream(sql) if before.engine else ())
        self._engine.insert(DEPLOYMENTS, self._deployments.values())

    def _flush(self, changes: Table, *waiting: list[dict[str, Json]]) -> None:
        for table, rows in zip((changes, CHANGE_FACTS, CUSTODY), waiting, strict=True):
            self._engine.insert(table, rows)
            rows.clear()

    def _items(self, found: Collection, ref: RefMoves) -> dict[int, str]:
        """Item ids by place; a ref that comes back to a commit it held before gives that commit a second item."""
        several = len(self._refs(found.repository)) > 1
        name = f"{found.repository}:{ref.ref}" if several else found.repository
        items = {}
        for place, move in enumerate(ref.moves):
            item = f"{name}@{move.after}"
            self._seen[item] += 1
            items[place] = item if self._seen[item] == 1 else f"{item}~{self._seen[item]}"
        return items

    def _refs(self, repository: str) -> set[str]:
        sql = "select repository, ref from github_heads union select repository, ref from git_heads"
        refs = {row["ref"] for row in self._engine.stream(sql) if row["repository"] == repository}
        return refs.union(*(entry.branches for entry in scoping.entries(self._config, repository)))

    def _url(self, found: Collection) -> str | None:
        sql = "select repository, url from github_repositories where url is not null order by all"
        return next((row["url"] for row in self._engine.stream(sql) if row["repository"] == found.repository), None)


def _name(row: Mapping[str, Json]) -> str:
    """What a reader calls a change inside of another."""
    number = row["pull_request"]
    return f"#{number} {shown(row['title'])}" if number else f"{row['sha'][:10]} {shown(row['title'])}"


def _collections(coverages: Iterable[Coverage]) -> dict[tuple[str, str], dict[str, Coverage]]:
    """By repository and run, then by the last part of the stream's name."""
    found: dict[tuple[str, str], dict[str, Coverage]] = defaultdict(dict)
    for entry, repository, stream in _of_github(coverages):
        if entry.stream == f"github:{repository}:{stream}" and entry.run:
            found[(repository, entry.run)][stream] = entry
    return dict(found)


def _settings(coverages: Iterable[Coverage]) -> Mapping[tuple[str, str], Coverage]:
    """Coverages of settings by repository and stream."""
    return {
        (repository, stream): entry
        for entry, repository, stream in _of_github(coverages)
        if entry.stream == f"github:{repository}:settings:{stream}"
    }


def _of_github(coverages: Iterable[Coverage]) -> Iterator[tuple[Coverage, str, str]]:
    for entry in coverages:
        if entry.stream.startswith("github:") and entry.scope.get("repository"):
            yield entry, entry.scope["repository"], entry.stream.rpartition(":")[2]


__all__ = ["Case", "derive"]
