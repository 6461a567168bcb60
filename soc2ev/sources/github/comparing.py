"""
Comparisons that can prove an approval to be of the merged content although the branch changed afterwards.

Two things leave what was reviewed as it was: merging the base into the branch without adding anything, and pushing the
same patch anew. GitHub compares any two commits, also those that no branch has any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

from soc2ev.errors import CollectError
from soc2ev.sources.github.claims import Repository, Tally, explain
from soc2ev.sources.github.requested import Commit, Request

if TYPE_CHECKING:
    from soc2ev.sources.github.host import Host

_LEAST = 24
_SHARE = 0.004
"""So many comparisons for each detailed request, at most."""
_PARENTS = 2
_SEVERAL = 2
"""So many replaced commits of one request are looked at, those that were approved last."""
Pair = tuple[str, str]


class Comparing:
    """The comparisons of one repository."""

    def __init__(self, host: Host, repository: Repository, tally: Tally) -> None:
        self.host, self.repository, self.tally = host, repository, tally
        self.replaced: set[int] = set()
        """Requests whose approved commit was force-pushed away: it counts when that one was received."""
        self._asked: set[Pair] = set()

    def ask(self, requests: Collection[Request]) -> None:
        """
        Compare what these requests need, in the order of their numbers and as many as the budget allows.

        What is not compared proves nothing; the tally notes how many requests that concerns.
        """
        left, skipped, chosen = int(_LEAST + _SHARE * len(requests)), 0, list[Pair]()
        for one in sorted(requests, key=lambda one: one.number):
            pairs = [pair for pair in _merged_base(one) or self._pushed_anew(one) if pair not in self._asked]
            if len(pairs) > left:
                skipped += 1
                continue
            left -= len(pairs)
            chosen += pairs
            self._asked.update(pairs)
        problems = self.host.fetch.together([partial(self._compare, pair) for pair in dict.fromkeys(chosen)])
        if failed := [problem for problem in problems if problem]:
            self.tally.details["comparisons"] = f"not all could be had: {explain(failed[-1])}"[:300]
        if skipped:
            self.tally.details["requests that were not compared"] = skipped

    def _pushed_anew(self, one: Request) -> list[Pair]:
        """The first force push after an approval replaced what was approved: both against the base."""
        replaced = [next((sha for at, sha in sorted(one.forced) if at > given), None) for given, _ in one.approvals]
        before = [sha for sha in dict.fromkeys(reversed(replaced)) if sha is not None]
        if not before:
            return []
        self.replaced.add(one.number)
        return [(one.base_sha, sha) for sha in (*before[:_SEVERAL], one.head_sha)]

    def _compare(self, pair: Pair) -> CollectError | None:
        """What went wrong, if anything did."""
        base, head = pair
        asked = {"repository": self.repository.name, "role": "comparison", "base": base, "head": head}
        stream = self.repository.stream("pull-requests")
        try:
            # The files stand on the first page, however few commits it holds.
            path, params = f"{self.repository.path}/compare/{base}...{head}", {"per_page": "1", "page": "1"}
            self.host.get(path, params=params, stream=stream, asked=asked)
        except CollectError as problem:
            return problem
        return None


def _merged_base(one: Request) -> list[Pair]:
    """Approved commits that only merges of the base followed: against the head, and against the base that it merged."""
    own = {commit.sha: commit for commit in one.commits}
    head = own.get(one.head_sha)
    if head is None or not _joins_base(head, own):
        return []
    approved = [sha for sha in dict.fromkeys(sha for _, sha in sorted(one.approvals)) if sha in own and sha != head.sha]
    followed = [sha for sha in approved if all(_joins_base(commit, own) for commit in _after(sha, own))]
    # From the first on, all merges may be clean; if not, those from the last on.
    chosen = dict.fromkeys([*followed[:1], *followed[-1:]])
    return [(sha, other) for sha in chosen for other in (head.sha, head.parents[1])]


def _joins_base(commit: Commit, own: Collection[str]) -> bool:
    return len(commit.parents) == _PARENTS and commit.parents[1] not in own


def _after(sha: str, own: dict[str, Commit]) -> Iterable[Commit]:
    """The request's commits that this one does not build on."""
    seen, waiting = set(), [sha]
    while waiting:
        at = waiting.pop()
        if at in own and at not in seen:
            seen.add(at)
            waiting += own[at].parents
    return [commit for commit in own.values() if commit.sha not in seen]
