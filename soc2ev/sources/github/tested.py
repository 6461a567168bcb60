"""
Checks of commits that no detailed request tells: what was pushed, every attempt where a later one hides it, and the
rest of long lists.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.model import Json
from soc2ev.sources.github import documents, fragments, refusals, shapes
from soc2ev.sources.github.capabilities import Capabilities
from soc2ev.sources.github.claims import Repository, Tallies, Tally
from soc2ev.sources.github.details import TestCut
from soc2ev.sources.github.opening import Opening
from soc2ev.sources.github.refusals import DeniedError

if TYPE_CHECKING:
    from soc2ev.fetch import GraphAnswer
    from soc2ev.sources.github.host import Host

_Document = Callable[[int, frozenset[str]], str]
_MOST_PAGES = 50
_ODD = (AttributeError, LookupError, TypeError, ValueError)
"""Of another form than GitHub's own: null where nothing can be null, text for a number."""
OPTIONAL = (fragments.CHECKS, fragments.RUNS, fragments.STATUSES, fragments.ISSUES, fragments.PUSHES)
"""The parts that tokens are often refused."""


def probe(host: Host, repository: Repository) -> frozenset[str]:
    """The optional parts that the token may see, asked of the tip of a default branch."""
    granted = frozenset(OPTIONAL)
    variables = {**repository.variables, "oid": repository.tip}
    asked = {"repository": repository.name, "role": "probe"}
    try:
        host.query(documents.PROBE, variables, stream=repository.stream("checks"), asked=asked)
    except DeniedError as problem:
        return granted - problem.parts
    except CollectError:
        # Whether checks can be had is found out with the first requests: this question only saves asking twice.
        return granted
    return granted


class Granted:
    """
    What the token of a host may see, asked once of the first repository that has commits; nothing without one.

    Where that is the first of all, its opening asks it along.
    """

    def __init__(self, host: Host, fresh: Sequence[tuple[Host, Repository]]) -> None:
        """`fresh` are those that are collected, in their order."""
        self._host, self._lock = host, threading.Lock()
        self._fresh = [one for home, one in fresh if home is host]
        self._opening: Opening | None = None
        self._found: frozenset[str] | None = None

    def open(self, repository: Repository) -> Opening:
        """The first question about a repository. Whoever asks for more of it may wait for that of the first one."""
        # Another would wait for one that may begin only after it.
        probes = repository is self._fresh[0] and repository.tip is not None if self._fresh else False
        opening = Opening(self._host, repository, probes=probes)
        if probes:
            self._opening = opening
        return opening

    def __call__(self) -> frozenset[str]:
        """The optional parts; others wait while the first one asks."""
        with self._lock:
            if self._found is None:
                self._found = self._ask()
            return self._found

    def _ask(self) -> frozenset[str]:
        first = next((one for one in self._fresh if one.tip is not None), None)
        denied = self._opening.denied() if self._opening else None
        if denied is not None:
            return frozenset(OPTIONAL) - denied
        return frozenset() if first is None else probe(self._host, first)


@dataclass(frozen=True, slots=True)
class _SuiteCut:
    """A suite whose attempts go on behind that cursor."""

    id: str
    sha: str
    number: int
    cursor: str


class Tested:
    """Questions about the checks of commits of one repository."""

    def __init__(self, host: Host, repository: Repository, tallies: Tallies, capabilities: Capabilities) -> None:
        self.host, self.repository, self.capabilities, self.tallies = host, repository, capabilities, tallies
        self.tally: Tally = tallies["checks"]
        self._asked: set[tuple[str, str, int]] = set()
        self._suites: list[_SuiteCut] = []
        self._cut: list[TestCut] = []
        self._along: tuple[GraphAnswer, Sequence[str]] | None = None

    def take(self, answer: GraphAnswer, shas: Sequence[str]) -> None:
        """An answer that may tell the checks of pushed commits, under aliases c0 and so on."""
        self._along = answer, shas

    def settle(self) -> None:
        """Keep what was taken, where all of it came whole; `pushes` asks for the rest again."""
        if self._along is None:
            return
        (answer, shas), self._along = self._along, None
        if refusals.lacks(answer, *(f"c{n}" for n in range(len(shas)))):
            return
        told = [TestCut(sha, "pushes", 0, "", 1) for sha in shas]
        try:
            self.host.again(answer, stream=self.repository.stream("checks"), asked=self._told(told))
            self._fresh("pushes", [(sha, 0) for sha in shas])
            for number, one in enumerate(told):
                self._note(one, answer.data["repository"][f"c{number}"], self._cut)
        except CollectError:
            return
        except _ODD as problem:
            self.tally.lacks(f"an answer is not understood: {problem!r}"[:300])

    def pushes(self, shas: Sequence[str]) -> None:
        """The checks of commits that were pushed straight to a production ref."""
        cut, self._cut = self._cut, []
        wanted = self._fresh("pushes", [(sha, 0) for sha in shas])
        self.host.side_by_side("tested", wanted, lambda chunk: self._ask(chunk, documents.tested, cut), self._lose)
        self.rest(cut)

    def attempts(self, heads: Sequence[tuple[str, int]]) -> None:
        """Every attempt of every check on these heads of requests."""
        if fragments.CHECKS not in self.capabilities.granted:
            return
        wanted = self._fresh("attempts", heads)
        self.host.side_by_side("attempts", wanted, lambda chunk: self._ask(chunk, documents.attempts, []), self._lose)
        while self._suites:
            cut, self._suites = self._suites, []
            self.host.in_batches("rest", cut, self._ask_suites, self._lose_suites)

    def _ask_suites(self, chunk: Sequence[_SuiteCut]) -> None:
        variables: dict[str, Json] = {f"i{n}": one.id for n, one in enumerate(chunk)}
        variables |= {f"c{n}": one.cursor for n, one in enumerate(chunk)}
        asked = {"repository": self.repository.name, "role": "attempts", "numbers": [one.number for one in chunk]}
        document = documents.more_attempts(len(chunk), self.capabilities.granted)
        answer = self.host.query(document, variables, stream=self.repository.stream("checks"), asked=asked)
        self.capabilities.narrow(answer, self.tallies)
        for one, (_, value) in zip(chunk, shapes.objects(answer.data, "p"), strict=True):
            self._follow(one.sha, one.number, one.id, value["checkRuns"], one.cursor)

    def _lose_suites(self, chunk: Sequence[_SuiteCut], problem: CollectError) -> None:
        for one in chunk:
            self.tally.failed(problem, f"the rest of the attempts of checks of {one.sha[:12]}")

    def _follow(self, sha: str, number: int, suite: str, runs: Json, cursor: str = "") -> None:
        """Go on with the attempts of a suite, as long as its pages do."""
        page = runs["pageInfo"]
        if page["hasNextPage"] and runs["nodes"] and page["endCursor"] != cursor:
            self._suites.append(_SuiteCut(suite, sha, number, page["endCursor"]))
        elif page["hasNextPage"] or (not cursor and runs["totalCount"] != len(runs["nodes"])):
            self.tally.lacks(f"GitHub does not list all attempts of checks of {sha[:12]} that it counts")

    def rest(self, cut: list[TestCut]) -> None:
        """The further pages of the checks of commits, until every list has ended."""
        while cut:
            following: list[TestCut] = []
            self._rest_once(cut, following)
            cut = following

    def _rest_once(self, cut: list[TestCut], following: list[TestCut]) -> None:
        def ask(chunk: Sequence[TestCut]) -> None:
            self._ask(chunk, documents.more_tested, following, paged=True)

        def lose(chunk: Sequence[TestCut], problem: CollectError) -> None:
            for one in chunk:
                self.tally.failed(problem, f"the rest of the checks of {one.sha[:12]}")

        self.host.in_batches("rest", cut, ask, lose)

    def _fresh(self, part: str, commits: Sequence[tuple[str, int]]) -> list[TestCut]:
        """Those not asked for before."""
        fresh = [one for one in commits if (part, *one) not in self._asked]
        self._asked |= {(part, *one) for one in fresh}
        self.tally.add(expected=len(fresh))
        return [TestCut(sha, part, number, "", 1) for sha, number in fresh]

    def _ask(
        self, chunk: Sequence[TestCut], document: _Document, following: list[TestCut], *, paged: bool = False
    ) -> None:
        variables = {**self.repository.variables, **{f"s{n}": one.sha for n, one in enumerate(chunk)}}
        variables |= {f"a{n}": one.cursor for n, one in enumerate(chunk)} if paged else {}
        answer = self.host.query(
            document(len(chunk), self.capabilities.granted),
            variables,
            stream=self.repository.stream("checks"),
            asked=self._told(chunk),
            reuse=True,
        )
        self.capabilities.narrow(answer, self.tallies)
        for one, (_, value) in zip(chunk, shapes.objects(answer.data["repository"], "c"), strict=True):
            self._note(one, value, following)

    def _told(self, chunk: Sequence[TestCut]) -> dict[str, Json]:
        reason = self.capabilities.reason
        asked: dict[str, Json] = {"repository": self.repository.name, "role": "tested"}
        asked |= {"parts": [one.part for one in chunk], "numbers": [one.number for one in chunk]}
        return asked | {"pages": [one.page for one in chunk], **({"reason": reason} if reason else {})}

    def _note(self, one: TestCut, value: Json, following: list[TestCut]) -> None:
        if value is None:
            self.tally.lacks(f"GitHub does not know the commit {one.sha[:12]} any more")
            return
        self.tally.add(fetched=one.page == 1)
        if "checkSuites" in value:
            suites = value["checkSuites"]
            if suites["totalCount"] != len(suites["nodes"]):
                self.tally.lacks(f"{one.sha[:12]} has more suites of checks than one answer holds")
            for suite in suites["nodes"]:
                self._follow(one.sha, one.number, suite["id"], suite["checkRuns"])
            return
        if not value.get("statusCheckRollup"):
            return
        contexts = value["statusCheckRollup"]["contexts"]
        if contexts and None in contexts["nodes"] and fragments.CHECKS in self.capabilities.granted:
            self.tally.lacks(f"GitHub tells nothing of some checks of {one.sha[:12]} that it lists")
        if contexts is None or not contexts["pageInfo"]["hasNextPage"]:
            if contexts is None or (one.page == 1 and not shapes.ends(contexts, 0)):
                self.tally.lacks(f"GitHub does not list all checks of {one.sha[:12]} that it counts")
            return
        cursor = contexts["pageInfo"]["endCursor"]
        if not contexts["nodes"] or cursor == one.cursor or one.page > _MOST_PAGES:
            self.tally.lacks(f"the pages of the checks of {one.sha[:12]} repeat")
            return
        following.append(TestCut(one.sha, one.part, one.number, cursor, one.page + 1))

    def _lose(self, chunk: Sequence[TestCut], problem: CollectError) -> None:
        for one in chunk:
            self.tally.failed(problem, f"the checks of {one.sha[:12]}")
