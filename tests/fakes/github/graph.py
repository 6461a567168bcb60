"""Questions about the commits of a repository: what is reachable, in which order, and what lies between two commits."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from functools import lru_cache

from tests.fakes.github.world import CheckRun, CheckSuite, Commit, PullRequest, Repository, World


@lru_cache(maxsize=16)
def history(repository: Repository, sha: str) -> tuple[Commit, ...]:
    """Every commit reachable from `sha`, newest committer date first, as `git log` walks."""
    start = repository.commits[sha]
    heap = [(-start.committer.at.timestamp(), 0, start)]
    seen, ordered = {sha}, []
    while heap:
        _, _, commit = heapq.heappop(heap)
        ordered.append(commit)
        for parent in commit.parents:
            if parent not in seen and parent in repository.commits:
                seen.add(parent)
                found = repository.commits[parent]
                heapq.heappush(heap, (-found.committer.at.timestamp(), len(seen), found))
    return tuple(ordered)


def _colours(repository: Repository, one: str, other: str) -> Iterator[tuple[Commit, int]]:
    """
    Commits from the youngest generation on, with 1 for those that `one` reaches, 2 for `other`, 3 for both.

    A commit comes after everything that reaches it, whatever its dates say; the walk ends when only common commits are left.
    """
    seen: dict[str, int] = {}
    heap: list[tuple[int, str]] = []

    def meet(sha: str, colour: int) -> None:
        if sha not in seen:
            heapq.heappush(heap, (-repository.commits[sha].generation, sha))
        seen[sha] = seen.get(sha, 0) | colour

    meet(one, 1)
    meet(other, 2)
    while any(seen[sha] != 3 for _, sha in heap):
        sha = heapq.heappop(heap)[1]
        yield repository.commits[sha], seen[sha]
        for parent in repository.commits[sha].parents:
            meet(parent, seen[sha])
    if heap:
        yield repository.commits[heap[0][1]], 3


def is_ancestor(repository: Repository, old: str, new: str) -> bool:
    """Whether `new` reaches `old`."""
    return not any(commit.sha == old and colour == 1 for commit, colour in _colours(repository, old, new))


def between(repository: Repository, base: str, head: str) -> list[Commit]:
    """Commits reachable from `head` and not from `base`, oldest first: `git rev-list --reverse base..head`."""
    if base not in repository.commits:
        return list(reversed(history(repository, head)))
    found = [commit for commit, colour in _colours(repository, base, head) if colour == 2]
    return sorted(found, key=lambda commit: (commit.generation, commit.committer.at))


def merge_base(repository: Repository, one: str, other: str) -> Commit | None:
    """The youngest commit that both reach."""
    return next((commit for commit, colour in _colours(repository, one, other) if colour == 3), None)


def find(repository: Repository, expression: str) -> Commit | None:
    """The commit that a branch, tag, full ref, full name or unique abbreviation (7 or more digits) names."""
    short = expression.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("heads/")
    sha = repository.branches.get(short) or repository.tags.get(short) or expression
    if sha in repository.commits:
        return repository.commits[sha]
    if len(sha) >= 7:
        matching = [commit for name, commit in repository.commits.items() if name.startswith(sha)]
        return matching[0] if len(matching) == 1 else None
    return None


def suites(world: World, repository: Repository, sha: str) -> list[CheckSuite]:
    """The check suites of a commit that the retention setting still keeps."""
    limit = repository.settings.retention_days
    return [suite for suite in repository.suites.get(sha, ()) if (world.now - suite.created_at).days < limit]


def latest(runs: list[CheckRun]) -> list[CheckRun]:
    """The newest run of each name: what `filter=latest` and GraphQL's `LATEST` give."""
    newest: dict[str, CheckRun] = {}
    for run in runs:
        if run.name not in newest or run.started_at >= newest[run.name].started_at:
            newest[run.name] = run
    return list(newest.values())


def associated(world: World, repository: Repository, sha: str) -> list[PullRequest]:
    """What `associatedPullRequests` knows: nothing yet of merges younger than the index lag."""
    edge = world.now - world.index_lag
    known = repository.introduced.get(sha, ())
    return [pull for pull in known if pull.merged_at is None or pull.merged_at <= edge]
