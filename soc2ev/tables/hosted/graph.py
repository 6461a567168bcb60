"""
The commit graph of a production ref, as far as it is known: parents by commit.

A commit whose parents nobody told is an open end: either it lies before the period, or something is missing. Only an
independent count can tell which, so nothing here calls a graph closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


class Graph:
    """Who has which parents. Walks are iterative: histories are longer than any stack."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self._parents = parents

    def with_more(self, parents: Mapping[str, Sequence[str]]) -> Graph:
        """The same graph with further commits."""
        return Graph({**parents, **self._parents})

    def __contains__(self, sha: object) -> bool:
        return sha in self._parents

    def parents(self, sha: str) -> Sequence[str]:
        """Its parents; none for a root and for a commit that nobody told about."""
        return self._parents.get(sha, ())

    def reach(self, tips: Iterable[str | None], stop: Callable[[str], bool] = lambda _: False) -> set[str]:
        """The commits that can be reached from the tips, tips included, not going through those that `stop` names."""
        found: set[str] = set()
        open_ends = [tip for tip in tips if tip and not stop(tip)]
        while open_ends:
            sha = open_ends.pop()
            if sha not in found:
                found.add(sha)
                open_ends += [parent for parent in self.parents(sha) if parent not in found and not stop(parent)]
        return found

    def line(self, tip: str | None, end: str | None = None) -> Iterator[str]:
        """First parents from the tip down to, not including, `end`; it stops where nobody told about parents."""
        sha = tip
        seen: set[str] = set()
        while sha and sha != end and sha not in seen:
            seen.add(sha)
            yield sha
            sha = next(iter(self.parents(sha)), None)

    def known(self, commits: Iterable[str]) -> set[str]:
        """Those of the commits whose parents are known."""
        return {sha for sha in commits if sha in self._parents}
