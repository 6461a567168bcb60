"""
Who made a part of a change: whoever did cannot approve it.

Makers are whoever opened the request, wrote, co-wrote, committed or pushed its commits. A merge of the base into the
branch makes nobody a maker when it is known to add nothing; its author may have resolved conflicts otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from soc2ev.tables.facts.evidence import Change, Commit, PullRequest
from soc2ev.tables.facts.fact import listed
from soc2ev.tables.facts.people import Party, People

_CO_AUTHOR = re.compile(r"^co-authored-by:[ \t]*([^<\n]{0,200})(?:<([^<>\n]{0,320})>)?", re.IGNORECASE | re.MULTILINE)
_ASKED_FOR = re.compile(
    r"(?:requested|triggered|initiated|prompted|started|asked for|on behalf) (?:by|of):?\s{0,3}"
    r"[*_`]{0,2}@([A-Za-z0-9][A-Za-z0-9-]{0,38})",
    re.IGNORECASE,
)
"""How machines say in a description for whom they opened a request."""
_LOOKED_AT = 20_000
_BASE_MERGES = ("Merge branch '{}'", "Merge remote-tracking branch", "Merge {}")


@dataclass(frozen=True, slots=True)
class Makers:
    """Those who made a part of a change, as far as that is known."""

    parties: tuple[Party, ...]
    possible: frozenset[str]
    """Keys of those who merged the base into the branch by the platform: with conflicts they made something."""
    whole: bool
    """All commits and records of pushes were seen."""
    replaced: frozenset[str] = frozenset()
    """Keys of those who wrote what a force push replaced: a part of it may live on under another's name."""

    @property
    def unresolved(self) -> str:
        """Names that belong to nobody known; empty when all are placed."""
        return listed(party.name for party in self.parties if not party.known)

    @property
    def certain(self) -> bool:
        """Everybody who made a part of it is known."""
        return self.whole and not self.unresolved

    def namesake(self, party: Party) -> Party | None:
        """A maker whose second account that may be, by its name; None for none."""
        return next((maker for maker in self.parties if not maker.machine and party.may_be(maker)), None)

    def include(self, party: Party) -> bool | None:
        """Whether that party made a part of it; None when that cannot be told."""
        if party.known and any(party.key == maker.key for maker in self.parties):
            return True
        perhaps = party.key in self.possible or party.key in self.replaced or self.namesake(party) is not None
        return False if self.certain and party.known and not perhaps else None


def of_request(request: PullRequest, people: People) -> Makers:
    """Makers of a pull request."""
    pushed = list(map(people.account, request.pushers))
    # Whoever merged another request into the branch is told as having pushed to it, and made no part of it by that.
    landed = pushed if request.unseen_constituents else []
    found = [people.account(request.author), *(() if landed else pushed)]
    found += [people.account(event.actor) for event in request.events if event.kind == "HeadRefForcePushedEvent"]
    possible = {party.key for party in (*landed, *map(people.account, request.updaters))}
    own = {commit.sha for commit in request.commits}
    merged: set[str] = set()
    for commit in request.commits:
        if commit.sha in request.clean_merges and is_merge(commit, own):
            merged |= _named(commit, people)
            continue
        if commit.sha in request.buttoned and len(commit.parents) == 2:  # noqa: PLR2004  its content is its parents'
            continue
        if commit.sha in request.rebased:
            found += _writers(commit, people)
        elif merges_base(commit, own, request.base_ref) is False:
            found += _of_commit(commit, people)
        else:
            merged |= _named(commit, people)
            possible |= {party.key for party in _of_commit(commit, people)}
    found += _asked_for(request, people)
    # A squash credits whoever had the platform merge the base into the branch, too.
    found += [party for party in _credited(request, people) if party.key not in merged]
    gone = [party for commit in request.replaced if commit.sha not in own for party in _of_replaced(commit, people)]
    found += [party for party in gone if not party.known]
    told = request.assignees is not None or not people.account(request.author).machine
    whole = told and bool(request.commits) and not request.missing & {"commits", "events", "replaced"}
    return Makers(_once(found), frozenset(possible), whole, frozenset(party.key for party in gone))


def _named(commit: Commit, people: People) -> set[str]:
    """Keys of its author, by account and by address."""
    written = people.commit_author(commit).key
    return {written, people.address(commit.author_name or "", commit.author_email or "").key}


def _credited(request: PullRequest, people: People) -> Iterator[Party]:
    """Co-authors whom only the squash names."""
    if request.landed and len(request.landed.parents) == 1:
        yield from _co_authors(request.landed, people)


def _asked_for(request: PullRequest, people: People) -> Iterator[Party]:
    """People for whom a machine opened the request."""
    if people.account(request.author).machine:
        yield from map(people.account, request.assignees or ())
        named = {login.lower() for login in _ASKED_FOR.findall(request.body[:_LOOKED_AT])}
        accounts = [one.reviewer for one in request.reviews]
        yield from (people.account(one) for one in accounts if one and (one.login or "").lower() in named)


def of_push(change: Change, people: People) -> Makers:
    """Makers of what was pushed: whoever wrote the commits, and whoever pushed them."""
    found = [party for commit in change.commits for party in _of_commit(commit, people)]
    if change.actor or change.actor_known:
        found.append(people.account(change.actor))
    return Makers(_once(found), frozenset(), change.actor_known and bool(change.commits))


def is_merge(commit: Commit, own: Collection[str]) -> bool:
    """Whether it joins two lines, of which the second is none of the request's own commits."""
    return len(commit.parents) == 2 and commit.parents[1] not in own  # noqa: PLR2004  an octopus merge is none


def merges_base(commit: Commit, own: Collection[str], base: str | None) -> bool | None:
    """Whether the platform made it by merging the base; None when nobody told who made it."""
    if not is_merge(commit, own):
        return False
    if base is None:
        return None
    if not commit.message.startswith(tuple(form.format(base) for form in _BASE_MERGES)):
        return False
    if commit.via_web is False or commit.signed_by_github is False:
        return False
    return True if commit.via_web and commit.signed_by_github else None


def _of_replaced(commit: Commit, people: People) -> Iterator[Party]:
    """Whoever made a commit that a force push replaced; the platform's own merges have only what their parents have."""
    if not (len(commit.parents) > 1 and commit.via_web and commit.signed_by_github):
        yield from _of_commit(commit, people)


def _of_commit(commit: Commit, people: People) -> Iterator[Party]:
    yield from _writers(commit, people)
    if committer := people.committer(commit):
        yield committer


def _writers(commit: Commit, people: People) -> Iterator[Party]:
    yield people.commit_author(commit)
    yield from _co_authors(commit, people)


def _co_authors(commit: Commit, people: People) -> Iterator[Party]:
    for name, address in _CO_AUTHOR.findall(commit.message):
        yield people.address(name.strip(), address)


def _once(parties: Iterable[Party]) -> tuple[Party, ...]:
    """Each party once, those that are known first, in order of their names."""
    found = {party.key: party for party in parties}
    return tuple(sorted(found.values(), key=lambda party: (not party.known, party.name, party.key)))
