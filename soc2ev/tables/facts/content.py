"""
Whether an approval was of the content that was merged.

GitHub points a review at a new head after a force push, so that the commit it names proves nothing by itself: what
counts is that the server held that commit when the review was submitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from soc2ev.config import ApprovalPolicy
from soc2ev.tables.facts.evidence import Commit, Event, PullRequest, Review
from soc2ev.tables.facts.fact import Fact, moment, no, short, unknown, yes
from soc2ev.tables.facts.makers import is_merge, merges_base

BASE_MERGED, REBOUND, STALE = "BASE_MERGE_AFTER_APPROVAL", "APPROVAL_REBOUND", "STALE_APPROVAL"
WROTE_REPLACED = "APPROVER_WROTE_REPLACED_COMMITS"


def approved(review: Review, request: PullRequest, policy: ApprovalPolicy) -> Fact:
    """Whether that approval is of the request's final content; the reason continues a sentence about it."""
    if review.commit is None or request.head_sha is None or review.submitted_at is None:
        return unknown("but which commit was approved, or merged, is not known")
    if (base := _base_then(request, review.submitted_at)) is not None:
        return no(f"but against {base}: the request was pointed at {request.base_ref or 'another branch'} later", STALE)
    if review.commit == request.head_sha:
        return _held(review, request, policy)
    if "commits" in request.missing or not request.commits:
        return unknown(f"but its commits were not all obtained, so what followed {short(review.commit)} is not known")
    if all(one.sha != review.commit for one in request.commits):
        return _replaced(review, request, policy)
    later = _after(review.commit, request)
    merges = list(_base_merges(later, request))
    if not later or False in merges or not policy.ignore_clean_base_merges:
        more = f"{len(later)} more commit{'s' * (len(later) > 1)} followed" if later else "it is not what was merged"
        return no(f"but only {short(review.commit)}, and {more}", STALE)
    held = _held(review, request, policy)
    if held.value is False:
        return held
    if held.value is None or None in merges:
        reason = held.reason if held.value is None else "but the base was merged in afterwards, perhaps with conflicts"
        return Fact(None, reason, held.flags | {BASE_MERGED})
    return yes("and only clean merges of the base followed", BASE_MERGED)


def _base_then(request: PullRequest, given: datetime) -> str | None:
    """The other branch that the request was to be merged into when it was approved; None when it was the same."""
    moved = [one for one in request.events if one.kind == "BaseRefChangedEvent" and one.at and one.at > given]
    first = min(moved, key=lambda one: one.at or given, default=None)
    before = (first.before or first.name) if first else None
    return before if before and before != request.base_ref else None


def _held(review: Review, request: PullRequest, policy: ApprovalPolicy) -> Fact:
    """Whether the server held the commit that the review names when it was submitted."""
    given, received = review.submitted_at, request.received.get(review.commit or "")
    if given is None:
        return unknown("but when it was submitted is not known")
    if received is None:
        return _by_clock(review, request, given)
    if received <= given:
        if received == given and review.commit in _forced(request, given):
            return unknown("but a force push came in the same second, so what was looked at is not known", REBOUND)
        return yes("which is what was merged")
    if not policy.accept_equal_patch:
        return no(f"but the server received {short(review.commit)} only afterwards ({moment(received)})", REBOUND)
    if _replaced_equal(request, given):
        return yes("whose patch comparing both sides proved to be the one that was merged", REBOUND)
    return unknown("but before a force push, and nothing proves that the patch stayed the same", REBOUND)


def _forced(request: PullRequest, at: datetime) -> list[str | None]:
    """What force pushes of that very second brought: GitHub may point a review at them afterwards."""
    return [one.after for one in _force_pushes(request) if one.at == at]


def _force_pushes(request: PullRequest) -> list[Event]:
    return [one for one in request.events if one.kind == "HeadRefForcePushedEvent"]


def _by_clock(review: Review, request: PullRequest, given: datetime) -> Fact:
    """The weak way, where no record of the server tells when it received the commit."""
    if "events" in request.missing:
        return unknown("but when the server received that commit is not known")
    if any(one.at is None or one.at > given for one in _force_pushes(request)):
        return unknown("but the branch was force-pushed afterwards", REBOUND)
    made = next((one.committed_at for one in request.commits if one.sha == review.commit), None)
    if made is None or made > given:
        return unknown("but no record shows that the server held that commit then")
    return yes("which is what was merged, by the committer's clock")


def _replaced(review: Review, request: PullRequest, policy: ApprovalPolicy) -> Fact:
    """The approved commit is no longer among the request's."""
    if policy.accept_equal_patch and review.commit in request.equal_patches:
        return yes("whose patch comparing both sides proved to be the one that was merged", REBOUND)
    replaced = f"but {short(review.commit)} was replaced before the merge"
    if not policy.accept_equal_patch or review.commit in request.other_patches:
        return no(replaced, STALE)
    if "events" in request.missing or any(review.commit == one.before for one in _force_pushes(request)):
        return unknown(f"{replaced}, and nothing proves whether the patch stayed the same", REBOUND)
    # What was pushed on top of it, before it was replaced, had been looked at by nobody.
    return no(replaced, STALE)


def _replaced_equal(request: PullRequest, given: datetime) -> bool:
    """Whether the head at that time is proven to carry the same patch as the merged one."""
    forced = _force_pushes(request)
    if "events" in request.missing or any(one.at is None for one in forced):
        return False
    later = sorted((one.at, one.before) for one in forced if one.at and one.at > given and one.before)
    if not later:
        return False
    before = later[0][1]
    held = request.received.get(before)
    return before in request.equal_patches and held is not None and held <= given


def _after(sha: str, request: PullRequest) -> list[Commit]:
    """The request's commits that are not part of what that one builds on."""
    parents = {one.sha: one.parents for one in request.commits}
    seen, waiting = set(), [sha]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += parents.get(at, ())
    return [one for one in request.commits if one.sha not in seen]


def _base_merges(commits: Iterable[Commit], request: PullRequest) -> Iterator[bool | None]:
    """For each, whether it only merged the base: True when proven, None when it looks like it, else False."""
    own = {one.sha for one in request.commits}
    for one in commits:
        proven = one.sha in request.clean_merges and is_merge(one, own)
        yield proven or (False if merges_base(one, own, request.base_ref) is False else None)
