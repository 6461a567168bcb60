"""
Commits that GitHub made when it rebased a merged request onto a branch.

A rebase merge makes new commits that keep author, date and message, and whose committer is whoever pressed the button:
https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/about-merge-methods-on-github
They carry what the request held, so that pressing the button makes nobody a maker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc2ev.tables.facts.evidence import Account, Commit

_SOON = timedelta(minutes=10)
"""A rebase of many commits is made shortly before its request counts as merged."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A request that was merged into the branch of another one."""

    merge_sha: str
    merged_at: datetime | None
    merger: Account | None
    commits: tuple[Commit, ...]
    """Its own, oldest first; empty when not all were obtained."""


def made(commits: Iterable[Commit], landed: Iterable[Landed], pushed: Mapping[str, object]) -> frozenset[str]:
    """
    Those of the commits that rebases made of what those requests held.

    `pushed` are commits of which a record says who pushed them: below its tip a rebase leaves no such record, and a
    commit that somebody put there first to look like the request's own does.
    """
    known = {one.sha: one for one in commits}
    return frozenset(sha for one in landed for sha in _of(one, known, pushed))


def _of(one: Landed, known: Mapping[str, Commit], pushed: Mapping[str, object]) -> Iterator[str]:
    line = list(_line(one.merge_sha, len(one.commits), known))
    if len(line) != len(one.commits) or any(entry.sha in pushed for entry in line[1:]):
        return
    pairs = list(zip(line, reversed(one.commits), strict=True))
    if pairs and all(_is_copy(new, old, one) for new, old in pairs):
        yield from (new.sha for new, _ in pairs)


def _line(tip: str, length: int, known: Mapping[str, Commit]) -> Iterator[Commit]:
    """So many commits from the tip down, as long as each has one parent."""
    at: str | None = tip
    for _ in range(length):
        found = known.get(at or "")
        if found is None or len(found.parents) != 1:
            return
        yield found
        at = found.parents[0]


def _is_copy(new: Commit, old: Commit, one: Landed) -> bool:
    when = (new.committed_at, one.merged_at)
    in_time = when[0] is not None and when[1] is not None and abs(when[1] - when[0]) <= _SOON
    same = _written(new) == _written(old) and new.sha != old.sha
    return same and in_time and one.merger is not None and _number(new.committer) == one.merger.number


def _written(one: Commit) -> Sequence[object]:
    return one.author_name, one.author_email, one.authored_at, one.message, one.author


def _number(who: Account | None) -> int | str | None:
    return who.number if who else None
