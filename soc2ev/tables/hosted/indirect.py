"""
Requests that GitHub counts as merged because another one brought all their commits.

https://docs.github.com/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/about-pull-request-merges#indirect-merges
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from soc2ev.tables.facts.evidence import PullRequest

_OBJECTION = "CHANGES_REQUESTED"


def apart(requests: Sequence[PullRequest]) -> list[PullRequest]:
    """
    The requests that were merged themselves, each with the makers of those that it brought along.

    Whoever approves the one looked at all commits of the other. One that somebody asked to change, whose commits
    were replaced, or of which not all is known stays on its own.
    """
    brought = {one.number: whole for one in requests if (whole := _bringing(one, requests))}
    kept = [one for one in requests if one.number not in brought]
    return [_with_makers(one, [two for two in requests if brought.get(two.number) is one]) for one in kept]


def _bringing(one: PullRequest, requests: Sequence[PullRequest]) -> PullRequest | None:
    """The request whose commits are all of that one's and more."""
    own = {commit.sha for commit in one.commits}
    unknown = one.missing & {"commits", "reviews", "events"}
    if not own or unknown or one.replaced or any(review.state == _OBJECTION for review in one.reviews):
        return None
    wider = [
        other for other in requests if "commits" not in other.missing and own < {each.sha for each in other.commits}
    ]
    return max(wider, key=lambda other: len(other.commits), default=None)


def _with_makers(request: PullRequest, along: Sequence[PullRequest]) -> PullRequest:
    pushers = [who for one in along for who in (one.author, *one.pushers)]
    return replace(request, pushers=(*request.pushers, *pushers)) if pushers else request
