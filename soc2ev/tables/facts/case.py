"""One change with what was found out about it so far: what the later attributes are decided by."""

from __future__ import annotations

from dataclasses import dataclass

from soc2ev.config import Policy
from soc2ev.tables.facts import approvals, checks, makers, reviews, rulebook, standard_changes
from soc2ev.tables.facts.evidence import Change
from soc2ev.tables.facts.fact import Fact
from soc2ev.tables.facts.makers import Makers
from soc2ev.tables.facts.people import People
from soc2ev.tables.facts.reviews import Reviewed


@dataclass(frozen=True, slots=True)
class Case:
    """A change, the company's policy and people, and the facts that others build on."""

    change: Change
    policy: Policy
    people: People
    makers: Makers
    """Of all requests that landed with it, and of what was pushed."""
    reviewed: tuple[Reviewed, ...]
    standard: Fact
    """A pre-approval of the policy covers it."""
    tested: Fact
    """Attribute B."""
    review: Fact
    """Attribute C, before anything takes its place."""


def build(change: Change, policy: Policy, people: People) -> Case:
    """The case of that change."""
    needed = rulebook.needed_approvals(change, policy)
    reviewed = tuple(reviews.review(one, needed, policy, people) for one in change.requests)
    return Case(
        change=change,
        policy=policy,
        people=people,
        makers=_makers(change, reviewed, people),
        reviewed=reviewed,
        standard=standard_changes.judge(change, policy, people),
        tested=checks.judge(change, policy),
        review=approvals.final_content(change, reviewed, people),
    )


def _makers(change: Change, reviewed: tuple[Reviewed, ...], people: People) -> Makers:
    parts = [one.makers for one in reviewed]
    if change.integration in ("direct_push", "force_push") or (change.integration == "rollback" and change.commits):
        parts.append(makers.of_push(change, people))
    known = {party.key: party for part in parts for party in part.parties}
    whole = all(part.whole for part in parts) and not change.unseen_requests
    seen = bool(parts) or approvals.brings_nothing(change)
    possible = frozenset().union(*(part.possible for part in parts))
    replaced = frozenset().union(*(part.replaced for part in parts))
    return Makers(tuple(known.values()), possible, whole and seen, replaced)
