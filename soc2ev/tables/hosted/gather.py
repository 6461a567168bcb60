"""Everything that is known about the moves of a production ref, put together for the rules that judge them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Some
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from soc2ev.tables import commit_text, scoping
from soc2ev.tables.facts import rulebook
from soc2ev.tables.facts.evidence import Bypass, Change, Commit, PullRequest, Rule, Tests, TicketLink
from soc2ev.tables.hosted import environments, gates, indirect, mentions
from soc2ev.tables.hosted.deployments import Delivered
from soc2ev.tables.hosted.overrides import Overrides
from soc2ev.tables.hosted.requests import commit, listed

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.model import Coverage, Json
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.hosted.collection import Collection, RefMoves
    from soc2ev.tables.hosted.environments import Environments
    from soc2ev.tables.hosted.moves import Move
    from soc2ev.tables.hosted.rules import RulesThen
    from soc2ev.tables.hosted.tickets import TicketSystem
    from soc2ev.tables.hosted.watched import Watchers

_BATCH = 400
"""Moves whose evidence is in memory at the same time."""
_HIGH_RISK_KINDS = frozenset({"permission_model", "rate_limit", "webhook"})
_HIGH_RISK_LABELS = frozenset({"high-risk", "high risk", "risk: high", "risk/high"})
_LONG_LIVED = ("develop", "dev", "development", "staging", "integration", "next", "trunk", "release/*", "releases/*")
_MANY = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One move, what is known about it, and the digests of the bodies that told."""

    move: Move
    change: Change
    evidence: frozenset[str]
    paths: tuple[str, ...] | None
    """Files that it changed; None when they are not all known."""


class Gatherer:
    """Puts cases together, some hundred at a time, so that memory does not grow with the month."""

    def __init__(
        self,
        engine: Engine,
        config: Config,
        settings: Mapping[tuple[str, str], Coverage],
        tickets: TicketSystem,
        watchers: Watchers,
        rules: RulesThen,
    ) -> None:
        """`settings` are the coverages of settings, by repository and stream."""
        self._engine, self._config, self._settings, self._tickets = engine, config, settings, tickets
        self._kinds = scoping.kinds(engine)
        self._watchers, self.rules = watchers, rules

    def cases(self, found: Collection, ref: RefMoves, item: Mapping[int, str]) -> Iterator[Case]:
        """A case for each move of the ref, oldest first; `item` are the item ids by the move's place."""
        shared = _Shared(self, found, ref)
        for start in range(0, len(ref.moves), _BATCH):
            batch = ref.moves[start : start + _BATCH]
            yield from shared.batch(batch, [item[place] for place in range(start, start + len(batch))])

    def places(self, repository: str, ref: str) -> Environments:
        """The production environments for that ref."""
        sql = f"select * from github_environments where repository in {listed([repository])}"  # noqa: S608
        coverage = self._settings.get((repository, "environments"))
        return environments.of(self._engine.stream(sql), coverage, self.environments(repository, ref))

    def delivered(self, found: Collection, ref: RefMoves) -> Delivered:
        """The production deployments of the repository, placed on that ref."""
        statuses: dict[int, list[Mapping[str, Json]]] = defaultdict(list)
        for row in found.requests.rows("github_deployment_statuses"):
            statuses[row["deployment"]].append(row)
        rows, names = found.requests.rows("github_deployments"), self.environments(found.repository, ref.ref)
        whole = found.complete("commits") and not ref.problems
        told = Delivered(rows, statuses, names, found.wider, ref, gates.of(found.requests), whole=whole)
        told.watch(self._watchers.after(found, told.found, told.heights))
        told.ask(self.places(found.repository, ref.ref))
        return told

    def kept_days(self, repository: str) -> int | None:
        """For how many days the repository keeps what its workflows leave, by the last reading of its settings."""
        named = "name = 'artifact_and_log_retention_days' and value is not null"
        sql = f"select value from github_settings where repository in {listed([repository])} and {named} order by all"  # noqa: S608
        values = [row["value"] for row in self._engine.stream(sql)]
        return next((int(value) for value in values if value.isascii() and value.isdigit()), None)

    def environments(self, repository: str, ref: str) -> list[str]:
        """Names or globs of the production environments, from the scope."""
        scope = scoping.scope_of(self._config, repository, ref)
        return list(scope.environments) if scope else ["production"]

    def projects(self) -> list[str]:
        """Project keys whose tickets count; empty when the configuration names none."""
        return [project for jira in self._config.sources.jira for project in jira.projects]

    def ticket_hosts(self) -> set[str]:
        """Hosts of the ticket systems."""
        return {urlsplit(jira.url).hostname or "" for jira in self._config.sources.jira}

    def kinds(self, paths: Sequence[str] | None, labels: Some[str]) -> tuple[list[str] | None, list[str] | None]:
        """Kinds of production change, and what makes it high-risk; None when the files are not known."""
        marked = sorted(label for label in labels if label.lower() in _HIGH_RISK_LABELS)
        if self._kinds is not None and not self._kinds:
            return [], marked
        kinds = scoping.kinds_of(self._kinds, paths)
        return kinds, None if kinds is None else [*(kind for kind in kinds if kind in _HIGH_RISK_KINDS), *marked]

    def tickets(self) -> TicketSystem:
        """What the ticket system told."""
        return self._tickets


class _Shared:
    """What all moves of one ref have in common."""

    def __init__(self, gatherer: Gatherer, found: Collection, ref: RefMoves) -> None:
        self.gatherer, self.found, self.ref = gatherer, found, ref
        self.rules = gatherer.rules.of(found.repository, ref.ref)
        self.gated = gatherer.places(found.repository, ref.ref).gated
        self.bypassed = self._bypassed()
        self.befores: dict[str | None, set[str | None]] = defaultdict(set)
        for move in ref.moves:
            self.befores[move.after].add(move.before)
        self.ledger = found.coverages.get("rule-suites")
        index = found.coverages.get("merged")
        self.listed = index is not None and index.complete
        self.overrides = Overrides(found.requests.rows("github_overrides"), self.ledger, ref.ref)
        self.delivered = gatherer.delivered(found, ref)
        self.bases = self._bases()
        self.kept_days = gatherer.kept_days(found.repository)
        coverages = found.coverages.values()
        times = [entry.collected_at for entry in coverages if entry.collected_at]
        self.collected_at = min(times) if times else None

    def batch(self, moves: Sequence[Move], items: Sequence[str]) -> Iterator[Case]:
        numbers = {number for move in moves for number in move.numbers}
        requests = self.found.requests.get(numbers)
        inner = {number: self._constituents(requests[number]) for number in requests}
        parts = self.found.requests.get({one for numbers in inner.values() for one in numbers})
        for number, below in inner.items():
            constituents = tuple(self._without_others(parts[one]) for one in below if one in parts)
            request = self._without_others(requests[number])
            request = replace(request, lost_keys=mentions.lost(request, self.gatherer.projects()))
            unseen = len(below) - len(constituents) + self._hidden(request)
            requests[number] = replace(request, constituents=constituents, unseen_constituents=unseen)
        commits = self._commits({sha for move in moves for sha in move.brought})
        asked = self.found.requests.tests(_testable(moves, [*requests.values(), *parts.values()]))
        tests = {sha: replace(one, kept_days=self.kept_days) for sha, one in asked.items()}
        told = self.found.requests.evidence([*numbers, *parts], [*tests])
        for move, item in zip(moves, items, strict=True):
            mine = [requests[number] for number in move.numbers if number in requests]
            unseen = len(move.numbers) - len(mine)
            if move.integration == "pr_merge":
                mine = indirect.apart(mine)
            yield self._case(move, item, mine, unseen, commits, tests, told)

    def _case(
        self,
        move: Move,
        item: str,
        requests: Sequence[PullRequest],
        unseen: int,
        commits: Mapping[str, Commit],
        tests: Mapping[str, Tests],
        told: Mapping[int | str, set[str]],
    ) -> Case:
        found, gatherer = self.found, self.gatherer
        brought = tuple(commits[sha] for sha in move.brought if sha in commits)
        shas = _testable([move], [*requests, *(part for one in requests for part in one.constituents)])
        paths = _paths(move, requests)
        kinds, risky = gatherer.kinds(paths, {label for one in requests for label in one.labels})
        queued = not move.recorded and any(_was_queued(one) for one in requests)
        if queued:
            move.integration = "queue_merge"
        named = mentions.keys(requests, brought, gatherer.projects(), gatherer.ticket_hosts())
        tickets, seen = gatherer.tickets().about(named)
        if len(requests) > 1:
            tickets = replace(tickets, of={one.number: self._named_alone(one, brought) for one in requests})
        at = move.at
        change = Change(
            item=item,
            repository=found.repository,
            ref=self.ref.ref,
            sha=move.after,
            integration=move.integration,
            at=at,
            actor=move.actor,
            actor_known=move.recorded,
            requests=tuple(requests),
            commits=brought,
            tested=tuple(_alone(tests[sha]) if queued else tests[sha] for sha in shas if sha in tests),
            rules=self.rules.now,
            bypass=self._bypass(move),
            deployments=self.delivered.about(move.after, at, found.coverages.get("deployments"), gated=self.gated),
            tickets=tickets,
            kinds=None if kinds is None else tuple(kinds),
            high_risk=None if risky is None else tuple(risky),
            reverts=tuple(dict.fromkeys(sha for one in brought for sha in commit_text.reverts(one.message))),
            collected_at=self.collected_at,
            requests_known=self.listed,
            unseen_requests=unseen + _unwitnessed(move, commits.get(move.after)),
        )
        change = replace(change, rules=self.rules.at(rulebook.landed_at(change)))
        keys: list[int | str] = [*(one.number for one in requests), *shas, *move.brought]
        digests = {digest for key in keys for digest in told.get(key, ())}
        return Case(move, change, frozenset(move.evidence | digests | seen), paths)

    def _named_alone(self, request: PullRequest, brought: Sequence[Commit]) -> tuple[TicketLink, ...]:
        """The tickets that the request and the commit which landed it name, whatever landed with it."""
        landed = {request.merge_sha, request.landed.sha if request.landed else None}
        own = [one for one in brought if one.sha in landed]
        named = mentions.keys([request], own, self.gatherer.projects(), self.gatherer.ticket_hosts())
        return self.gatherer.tickets().about(named)[0].links

    def _without_others(self, request: PullRequest) -> PullRequest:
        """The request without replaced commits of which nothing can live on in it: other changes had landed them."""
        if not any(one.sha in self.found.graph for one in request.replaced):
            return request
        # A branch that was reset to its base holds the base's last commit, until the next force push.
        landed = self.found.graph.reach([request.base_sha])
        return replace(request, replaced=tuple(one for one in request.replaced if one.sha not in landed))

    def _commits(self, shas: set[str]) -> dict[str, Commit]:
        found = {}
        for table in ("github_pull_request_commits", "github_commits"):
            for row in self.found.requests.rows(table, f"sha in {listed(shas)}"):
                found[row["sha"]] = commit(row)
        return found

    def _bases(self) -> dict[str, int]:
        """How many merged pull requests each branch received: what receives several lives long."""
        counts: dict[str, set[int]] = defaultdict(set)
        for row in self.found.requests.rows("github_merged_index"):
            counts[row["base_ref"] or ""].add(row["number"])
        return {base: len(numbers) for base, numbers in counts.items()}

    def _hidden(self, request: PullRequest) -> int:
        """1 for what may be a promotion that carries more than is known, as not all requests were obtained."""
        if request.cross_repository or (self.found.complete("merged") and self.found.complete("pull-requests")):
            return 0
        unknown = (one.message for one in request.commits if one.sha not in self.found.landings)
        told = (found[0] for message in unknown if (found := commit_text.pull_request(message)))
        claimed = any(number != request.number for number in told)
        return int(claimed or self.bases.get(request.head_ref or "", 0) > 0 or self._long_lived(request))

    def _long_lived(self, request: PullRequest) -> bool:
        head = request.head_ref or ""
        return self.bases.get(head, 0) >= _MANY or _matches(head, _LONG_LIVED)

    def _constituents(self, request: PullRequest) -> list[int]:
        """Pull requests that a promotion of a long-lived branch carries."""
        if not self._long_lived(request) or request.cross_repository:
            return []
        landed = (one for entry in request.commits for one in self.found.landings.get(entry.sha, ()))
        return sorted(
            {one.number for one in landed if one.number != request.number and one.base_ref not in self.ref.names}
        )

    def _bypassed(self) -> dict[str, list[tuple[str | None, str]]]:
        """By the commit that a bypassing push left: what the branch had before, and the evidence."""
        found: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
        for row in self.found.requests.rows("github_rule_suites", "result = 'bypass'"):
            if row["ref"] in self.ref.names and row["after"]:
                found[row["after"]].append((row["before"], row["evidence"]))
        return found

    def _bypasses(self, move: Move) -> set[str]:
        """
        The evidence of bypasses by that move; a branch that was reset came to the same commit by another one.

        A bypass that does not tell what the branch had before may be of any of them.
        """
        others = self.befores[move.after] - {move.before, None}
        return {evidence for before, evidence in self.bypassed.get(move.after, ()) if before not in others}

    def _bypass(self, move: Move) -> Bypass:
        by_suites = self._bypasses(move)
        move.evidence |= by_suites
        overridden = self.overrides.of(move)
        move.evidence |= overridden.evidence
        # Where not all rules could be read, classic protection may be among the others.
        now, then = self.rules.now, self.rules.at(move.at)
        protected = not now.visible or any(rule.origin == "protection" for rule in (*now.rules, *then.rules))
        # Of a name that the ref had before the ledger tells what was asked for by that name.
        names = self.ledger.details.get("old names", ()) if self.ledger else ()
        asked = bool(self.ledger and self.ledger.complete) and move.ref in (None, self.ref.ref, *names)
        asked = asked and (self._was_asked() or not any(_is_ruleset(rule) for rule in then.rules))
        return Bypass(
            visible=asked,
            bypassed=bool(by_suites) or overridden.sure,
            reaches_back_to=self._reach(protected=protected),
            covers=not overridden.unclear and (not protected or self.overrides.visible),
        )

    def _was_asked(self) -> bool:
        """Whether the ledger was asked about the ref; it is not where no ruleset bound it when it was collected."""
        told = self.ledger.details.get("asked") if self.ledger else None
        return told is None or self.ref.ref in told

    def _reach(self, *, protected: bool) -> datetime | None:
        """Since when the ledgers that the branch needs tell of every bypass; None when of all in the period."""
        told = [self.ledger.details.get("reaches_back_to") if self.ledger else None]
        told += [self.overrides.reaches_back_to] if protected else []
        return max((datetime.fromisoformat(one) for one in told if isinstance(one, str)), default=None)


def _is_ruleset(rule: Rule) -> bool:
    """Whether it is a ruleset that bound the ref by some reading."""
    return rule.bound and rule.origin.startswith("ruleset")


def _unwitnessed(move: Move, landed: Commit | None) -> int:
    """
    1 for a landing that nobody but its maker witnessed, so that it may hold more than the request.

    Without the record of the move only GitHub's signature tells its own merge from one that was made elsewhere.
    """
    if move.recorded or not move.numbers:
        return 0
    return 0 if landed is not None and landed.signed_by_github else 1


def _was_queued(request: PullRequest) -> bool:
    """Whether it last went into a merge queue, and did not come out of it again."""
    moves = [event.kind for event in request.events if event.kind.endswith("MergeQueueEvent")]
    return bool(moves) and moves[-1] == "AddedToMergeQueueEvent"


def _alone(tests: Tests) -> Tests:
    """A queue may test one commit for several requests: without the record of the move nobody can tell which."""
    if not tests.whole:
        return tests
    return replace(tests, whole=False, reason="which requests the queue merged together is not known")


def _testable(moves: Iterable[Move], requests: Iterable[PullRequest]) -> list[str]:
    """Commits whose checks may count: heads of requests, and what landed."""
    shas = [move.after for move in moves]
    for one in requests:
        shas += [sha for sha in (one.head_sha, one.merge_sha) if sha]
    return list(dict.fromkeys(shas))


def _paths(move: Move, requests: Sequence[PullRequest]) -> tuple[str, ...] | None:
    """The files of the requests, when they are all of the move's content."""
    whole = requests and all("files" not in one.missing for one in requests)
    if not whole or len(requests) != len(move.numbers) or move.integration not in ("pr_merge", "queue_merge"):
        return None
    return tuple(sorted({path for one in requests for path in one.files}))


def _matches(name: str | None, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name or "", pattern) for pattern in patterns)
