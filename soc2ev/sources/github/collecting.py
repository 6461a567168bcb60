"""
The collection of one repository of GitHub.

Independent chains run side by side, each with tallies of its own, so that what they come to does not depend on which is
the faster: the record of moves with the commits between the heads; the index of merged requests, whose details are
asked for while it is read on; deployments; the settings. What fails for good ends in a reason of its own stream; the
other streams go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Coverage
from soc2ev.sources.github import assigned, bypasses, edits, fragments, gates, tested, workflow_runs
from soc2ev.sources.github import heads as heads_
from soc2ev.sources.github import moves as moves_
from soc2ev.sources.github.along import Along
from soc2ev.sources.github.capabilities import Capabilities
from soc2ev.sources.github.claims import STREAMS, Repository, tallies
from soc2ev.sources.github.comparing import Comparing
from soc2ev.sources.github.deliveries import Deliveries
from soc2ev.sources.github.details import Details
from soc2ev.sources.github.graph import Graph
from soc2ev.sources.github.heads import Heads
from soc2ev.sources.github.host import Host
from soc2ev.sources.github.merged import Index, Merged, named_requests
from soc2ev.sources.github.moves import Line
from soc2ev.sources.github.notes import Notes
from soc2ev.sources.github.placing import Placing
from soc2ev.sources.github.reconcile import Explained, pushed_to, pushes, reconcile, rename
from soc2ev.sources.github.requested import Commit
from soc2ev.sources.github.settings import Governance
from soc2ev.sources.github.statuses import Statuses

if TYPE_CHECKING:
    from soc2ev.period import Period

_NO_RECORD = "the record of the ref's moves cannot be read"
_DEEP, _EDITED = 5, 20
"""How far requests within requests are followed: feature into develop into release into main."""
_MANY_COMMITS = 500
"""Commits for which GitHub's index of requests is asked, at most."""


class Collecting:
    """One repository: what it is to be asked for, in the order in which answers lead to questions."""

    def __init__(
        self,
        host: Host,
        repository: Repository,
        period: Period,
        streams: Sequence[str],
        granted: tested.Granted,
        projects: frozenset[str] | None,
    ) -> None:
        """`streams` are all or the settings alone; `granted` tells the optional parts that the token may see."""
        self.host, self.repository, self.period, self.streams = host, repository, period, streams
        self.tallies = tallies()
        self._whole = streams == STREAMS
        self.opening = granted.open(repository)
        self.governance = Governance(self.opening, period, self.tallies, ledger=self._whole)
        self.capabilities, self._granted = Capabilities(()), granted
        self._learned, self._learning = False, threading.Lock()
        self.notes = Notes(host, repository, self.tallies["pull-requests"], projects)
        self.details = Details(host, repository, self.tallies, self.capabilities, self.notes)
        self.tested = tested.Tested(host, repository, self.tallies, self.capabilities)
        self.statuses = Statuses(host, repository, self.tallies["checks"])
        self.placing = Placing(host, repository, self.tallies["deployments"])
        self._along, self._planned = Along(self.tested, self.placing, (), ()), threading.Event()
        self.deliveries = Deliveries(host, repository, period, self.tallies)
        self.index: dict[int, Merged] = {}
        self._indexed = threading.Event()
        self.lines: list[Line] = []
        self.graphs: dict[str, Graph] = {}
        """By production ref, for those whose heads are known."""
        self.gained: dict[str, frozenset[str] | None] = {}
        self.explained: list[Explained] = []

    def run(self) -> list[Coverage]:
        """Everything in the streams, and what it came to."""
        self.host.fetch.say(f"github: {self.repository.name}")
        chains: list[Callable[[], None]] = [self.governance.read]
        if self._whole and self.repository.branches and (self.repository.tip or self.repository.default) is not None:
            chains = [self._collect, self.governance.read]
        else:
            self.opening.close()
            self.governance.begin()
        self.governance.around(chains)
        if self._whole:
            old = sorted(self._names() - {*self.repository.branches})
            bypasses.read_old(self.host, self.repository, self.period, old, self.tallies["rule-suites"])
        for tally in self.tallies.values():
            tally.details |= {"fingerprint": self.repository.fingerprint, "refs": list(self.repository.branches)}
            if self.repository.warnings:
                tally.details["warnings"] = [*tally.details.get("warnings", ()), *self.repository.warnings]
        return [self.tallies[name].claim(self.repository, self.period) for name in self.streams]

    def _learn(self) -> None:
        """What the token may see, before the first details are asked for; what it may not is said."""
        with self._learning:
            if not self._learned:
                self.capabilities.granted = self._granted()
                for part in sorted(frozenset(tested.OPTIONAL) - self.capabilities.granted):
                    self.capabilities.say(part, self.tallies)
                self._learned = True

    def _collect(self) -> None:
        together = self.host.fetch.together
        # Who waits for the index begins after who reads it, for whom there is a thread then; so below.
        together([self._populate, self._deliver])
        last = [self._compare, self._ask_accounts]
        together([self._testing(one.pushed for one in self.explained), self._place, lambda: self._in_turn(last)])
        if fragments.CHECKS not in self.capabilities.granted:
            self._ask_runs()
        reconcile(self.explained, self._unsettled(), self.details, self.index, self.period, self.tallies)

    def _populate(self) -> None:
        """The moves, commits and requests, and the tests of most of them."""
        pages: SimpleQueue[list[Merged] | None] = SimpleQueue()
        index = Index(self.opening, self.period, self.tallies["merged"])
        read, follow = partial(self._read_index, index, pages), partial(self.details.follow, self._landing(pages))
        chains: list[Callable[[], None]] = [read, self._learn, self._read_lines, follow]
        self.host.fetch.together(chains)
        # Tests of what requests and moves alone name are asked for beside what settles the commits.
        pushed = (pushed_to(line, self.details, self.period) for line in self.lines)
        self.host.fetch.together([self._settle, self._testing(pushed)])

    def _read_index(self, index: Index, pages: SimpleQueue[list[Merged] | None]) -> None:
        """The index, with its pages for whoever follows it, who need not keep up; None ends them."""
        try:
            for page in index.read():
                self.governance.begin()
                pages.put(page)
        finally:
            # Without any page too.
            self.governance.begin()
            pages.put(None)
        try:
            index.read_front()
        finally:
            self.index = index.found
            self._indexed.set()

    def _landing(self, pages: SimpleQueue[list[Merged] | None]) -> Iterator[list[Merged]]:
        """What surely has to be detailed of the index, page by page."""
        while (page := pages.get()) is not None:
            self._learn()
            yield [one for one in page if one.base in self.repository.branches and self.period.contains(one.merged_at)]
        self._learn()

    def _deliver(self) -> None:
        self.deliveries.read(self.opening.deliveries())
        gates.ask(self.host, self.repository, self.deliveries.found, self.period, self.tallies["deployments"])
        self._indexed.wait()
        # Some of it may be asked along with the heads.
        self._planned.wait()
        # What was merged after the period is part of nothing that was merged in it, and of no head of it.
        later = {one.merge_sha for one in self.index.values() if one.merged_at >= self.period.end}
        self.placing.ask([one for one in self.deliveries.found if one.sha in later], frozenset())

    def _place(self) -> None:
        self.placing.settle()
        known = frozenset(commit.sha for commit in self._told()).union(*(one.known for one in self.graphs.values()))
        self.placing.ask(self.deliveries.found, known)

    def _read_lines(self) -> None:
        """The record of moves; with the heads that it tells, and what they gained where few pages hold that."""
        with self.host.fetch.ahead():
            try:
                self._read_moves()
                self._plan()
            finally:
                self._planned.set()
            self._begin(line for line in self.lines if line.known)
            for ref, graph in self.graphs.items():
                if graph.worth_naming(0):
                    graph.read_old()
                else:
                    self.gained[ref] = graph.gained((), by_name=False)

    def _plan(self) -> None:
        """What the heads are asked with."""
        self._learn()
        landed = self.opening.landed()
        pushed = {sha for line in self.lines if line.known for sha in pushes(line, self.period)} - landed.keys()
        after = {sha for sha, at in landed.items() if at >= self.period.end}
        with suppress(AttributeError, KeyError, TypeError):
            deployed = [one["commitOid"] for one in self.opening.deployed() if self.deliveries.counts(one)]
            self._along = Along(self.tested, self.placing, pushed, [sha for sha in deployed if sha in after])

    def _begin(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if (heads := self._heads(line)) is not None:
                self.graphs[line.ref] = self._graph(heads)

    def _settle(self) -> None:
        """What every ref gained, the requests that this names, and what explains it all."""
        activity = self.tallies["activity"]
        self.lines = [rename(one, self.index, self.repository, self.period, activity) for one in self.lines]
        self._begin(line for line in self.lines if not line.known)
        graphs = [(line, self.graphs[line.ref]) for line in self.lines if line.ref in self.graphs]
        self._gain(graphs)
        known = {commit.sha for commit in self._told()}
        for line, graph in graphs:
            graph.recover(pushed_to(line, self.details, self.period) - graph.known.keys() - known)
        self.explained = [self._explain(line, graph, self.gained[graph.heads.ref]) for line, graph in graphs]

    def _gain(self, graphs: Sequence[tuple[Line, Graph]]) -> None:
        left = [(line, graph) for line, graph in graphs if line.ref not in self.gained]
        named = [graph for line, graph in left if graph.worth_naming(self._landed_in(line))]
        for _, graph in left:
            if graph not in named:
                self.gained[graph.heads.ref] = graph.gained((), by_name=False)
        self._detail(self.gained)
        for graph in named:
            self.gained[graph.heads.ref] = graph.gained(self._told(), by_name=True)
        self._detail(self.gained)

    def _compare(self) -> None:
        comparing = Comparing(self.host, self.repository, self.tallies["pull-requests"])
        names = self._names()
        comparing.ask([one for one in self.details.found.values() if one.base in names])
        self._ask_pushes(comparing.replaced | self.details.pushers.ask(self.details.found))

    def _ask_accounts(self) -> None:
        self.notes.ask()
        self._ask_assignees()
        self._ask_edits()

    def _read_moves(self) -> None:
        read = partial(moves_.read, self.host, self.repository, period=self.period, tally=self.tallies["activity"])
        self.lines = [read(ref) for ref in self.repository.branches]

    def _heads(self, line: Line) -> Heads | None:
        tally = self.tallies["heads"]
        tally.expected = len(self.lines)
        return heads_.determine(self.host, self.repository, line, self.index.values(), self.period, tally, self._along)

    def _graph(self, heads: Heads) -> Graph:
        tally = self.tallies["commits"]
        if heads.commits is not None:
            tally.expected = (tally.expected or 0) + heads.commits
        return Graph(self.host, self.repository, heads, tally, self.notes)

    def _landed_in(self, line: Line) -> int:
        return sum(1 for one in self.index.values() if one.base in line.names and self.period.contains(one.merged_at))

    def _names(self) -> set[str]:
        """All production refs, by their old names too."""
        return {name for line in self.lines for name in line.names}

    def _told(self) -> list[Commit]:
        """The commits that detailed requests told: their own, and those that landed them."""
        found = [commit for one in self.details.found.values() for commit in one.commits]
        return found + [one.landed for one in self.details.found.values() if one.landed]

    def _detail(self, gained: dict[str, frozenset[str] | None]) -> None:
        """Detail what landed in the period, what the difference names, and what had been merged into those."""
        reached = {sha for found in gained.values() for sha in found or ()}
        refs = self._names()
        landed = [
            one
            for one in self.index.values()
            if one.base in refs and (self.period.contains(one.merged_at) or one.merge_sha in reached)
        ]
        self.details.ask(landed)
        for _ in range(_DEEP):
            inner = self._constituents()
            if not inner:
                return
            self.details.ask(inner)
        self.tallies["pull-requests"].lacks("requests within requests go deeper than they are followed")

    def _constituents(self) -> list[Merged]:
        """Requests, into whatever branch, whose merge is among the commits of a detailed request with another base."""
        bases: dict[str, set[str]] = {}
        for one in self.details.found.values():
            for commit in one.commits:
                bases.setdefault(commit.sha, set()).add(one.base)
        return [
            one
            for one in self.index.values()
            if one.number not in self.details.asked and bases.get(one.merge_sha or "", set()) - {one.base}
        ]

    def _explain(self, line: Line, graph: Graph, gained: frozenset[str] | None) -> Explained:
        """What the commits of a ref are explained by; GitHub's index is asked for those that nothing explains."""
        made = Explained.of(line, graph, gained, self.details, self.period)
        asked = sorted(made.unexplained | made.promoted)[:_MANY_COMMITS]
        if not asked:
            return made
        tally = self.tallies["merged"]

        def lose(_: Sequence[str], problem: CollectError) -> None:
            tally.failed(problem, "GitHub's index of the requests of commits")

        index = named_requests(self.host, self.repository, asked, "pull-requests", lose)
        firsts = {sha: found[0] for sha, found in index.items() if found}
        firsts = {sha: one for sha, one in firsts.items() if one.base in line.names or made.promotes(one)}
        fresh = sorted({one.number for one in firsts.values()} - self.details.asked)
        if fresh:
            self.details.ask(firsts.values())
            tally.details["found by commit"] = fresh
        named = {sha for sha, one in firsts.items() if one.number in self.details.found and one.base in line.names}
        return Explained.of(line, graph, gained, self.details, self.period, named)

    def _testing(self, pushed: Iterable[frozenset[str]]) -> Callable[[], None]:
        """What asks for the tests of all that is known by now, and of what was pushed; nothing is asked for twice."""
        self.tested.settle()
        requests = list(self.details.found.values())
        again = [(sha, one.number) for one in requests for sha in one.again]
        restated = [(sha, one.number) for one in requests for sha in one.restated]
        asking: list[Callable[[], None]] = [
            partial(self.tested.rest, self.details.take_cut_tests()),
            partial(self.tested.pushes, sorted(frozenset().union(*pushed))),
            partial(self.tested.attempts, again),
            partial(self.statuses.histories, restated, self._few()),
            partial(self.statuses.apps, sorted(self.details.bots)),
        ]
        return partial(self._in_turn, asking)

    def _in_turn(self, tasks: Sequence[Callable[[], None]]) -> None:
        self.host.fetch.together(tasks, in_turn=True)

    def _ask_runs(self) -> None:
        requests = self.details.found.values()
        shas = {one.head_sha for one in requests} | {one.landed.sha for one in requests if one.landed}
        since = min((one.created_at for one in requests), default=self.period.start)
        workflow_runs.ask(self.host, self.repository, shas, since, self.tallies["checks"])

    def _few(self) -> int:
        """How many questions about single things are asked at the most."""
        return max(moves_.FEW, len(self.details.found) // 100)

    def _ask_assignees(self) -> None:
        """For whom machines opened requests that somebody approved."""
        machines = [one for one in self.details.found.values() if one.by_machine and one.approved]
        asked = sorted(((one.id, one.number) for one in machines), key=lambda one: one[1])
        assigned.ask(self.host, self.repository, asked, self.tallies["pull-requests"])

    def _ask_edits(self) -> None:
        """What descriptions had said that were edited after the merge; of the rest nobody knows what they said then."""
        edited = sorted((one.number, one.id) for one in self.details.found.values() if one.edited)
        wanted = [(id_, number) for number, id_ in edited[: self._few() * _EDITED]]
        edits.ask(self.host, self.repository, wanted, self.tallies["pull-requests"])

    def _ask_pushes(self, replaced: Collection[int]) -> None:
        """Who pushed heads, and when, where no check suite tells, for approved requests; so for those replaced."""
        approved = [one for one in self.details.found.values() if one.approved]
        undated = [one for one in approved if not one.pushed or one.number in replaced]
        if not undated:
            return
        refs = sorted({one.head_ref for one in undated} - self._names())
        since = min(one.created_at for one in undated)
        moves_.read_pushes(
            self.host, self.repository, refs, sorted(self._names()), self._few(), since, self.tallies["activity"]
        )

    def _unsettled(self) -> list[str]:
        lost = [line.ref for line in self.lines if line.ref not in self.graphs]
        for line in self.lines:
            if not line.known:
                self.tallies["commits"].lacks(
                    f"{line.ref}: pushes beside the merged requests may be missing: {_NO_RECORD}"
                )
        for ref in lost:
            self.tallies["commits"].lacks(f"{ref}: what it held at the period's start and end is not known")
        return lost
