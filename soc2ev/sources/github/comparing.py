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

_LEAST = 10
_SHARE = 0.004
"""So many comparisons for each detailed request, at most."""
_PARENTS = 2
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
        """The first force push after the last approval replaced what was approved: both against the base."""
        approved = max((at for at, _ in one.approvals), default=None)
        before = [sha for at, sha in sorted(one.forced) if approved and at > approved]
        if not before:
            return []
        self.replaced.add(one.number)
        return [(one.base_sha, before[0]), (one.base_sha, one.head_sha)]

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
    """What was approved last against the head, and against the base that the head merged; empty otherwise."""
    own = {commit.sha: commit for commit in one.commits}
    head = own.get(one.head_sha)
    reviewed = max(one.approvals, default=(None, None))[1]
    if head is None or reviewed == head.sha or reviewed not in own or not _joins_base(head, own):
        return []
    later = _after(reviewed, own)
    if not all(_joins_base(commit, own) for commit in later):
        return []
    return [(reviewed, head.sha), (reviewed, head.parents[1])]


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
