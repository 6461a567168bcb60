"""
Whether an independent person approved the final content of a pull request, and nobody's objection was open.

What counts is decided for every review: whose it was, whether that person made a part of the change, whether it was of
the merged content, and whether it stood when the request was merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from soc2ev.config import Policy
from soc2ev.tables.facts import content, makers, opinions
from soc2ev.tables.facts.evidence import PullRequest
from soc2ev.tables.facts.fact import Fact, every, listed, moment, no, short, together, unknown, yes
from soc2ev.tables.facts.makers import Makers
from soc2ev.tables.facts.opinions import Opinion
from soc2ev.tables.facts.people import LIST_IT, Party, People

UNRESOLVED, IS_MAKER, BY_MACHINE = "IDENTITY_UNRESOLVED", "REVIEWER_IS_MAKER", "APPROVED_BY_MACHINE"
BY_MAKER, FAILED = "DISMISSED_BY_MAKER", "CONSTITUENT_FAILED"
READER = "OBJECTION_WITHOUT_WRITE_ACCESS"
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval and what it is worth."""

    opinion: Opinion
    independent: bool | None
    """By a person who made no part of the change and may write."""
    bound: bool | None
    """Of the content that was merged."""
    reason: str
    flags: frozenset[str]

    @property
    def counts(self) -> bool | None:
        """It stood at the merge, is independent, and is of the merged content."""
        return every((self.opinion.standing, self.opinion.approves, self.independent, self.bound))


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the reviews of one pull request come to."""

    request: PullRequest
    makers: Makers
    approvals: tuple[Approval, ...]
    """Given before the merge, dismissed ones included."""
    later: tuple[Approval, ...]
    """Given after the merge and not taken back."""
    fact: Fact
    parts: tuple[Reviewed, ...]
    """The same for each request that this one promotes."""

    @property
    def whole(self) -> bool:
        """All reviews and what became of them were seen."""
        return not self.request.missing & {"reviews", "events"}

    def independents(self, *, afterwards: bool = False) -> tuple[list[Party], list[Party]]:
        """Independent people whose approval stood at the merge (or came afterwards), and people who may be such."""
        given = [*self.approvals, *(self.later if afterwards else ())]
        values = [(every((one.opinion.standing, one.opinion.approves, one.independent)), one) for one in given]
        certain = {one.opinion.party.key: one.opinion.party for value, one in values if value}
        perhaps = {one.opinion.party.key: one.opinion.party for value, one in values if value is None}
        return list(certain.values()), [party for key, party in perhaps.items() if key not in certain]

    def all(self) -> Iterator[Reviewed]:
        """Itself and the requests that it promotes."""
        yield self
        for part in self.parts:
            yield from part.all()


def review(request: PullRequest, needed: int, policy: Policy, people: People) -> Reviewed:
    """What the reviews of that request come to, when `needed` people have to approve."""
    made = makers.of_request(request, people)
    given = tuple(
        _approval(one, request, made, policy) for one in opinions.at_merge(request, people) if one.approves is not False
    )
    later = tuple(_approval(one, request, made, policy) for one in opinions.after_merge(request, people))
    parts = tuple(review(one, max(1, policy.required_approvals), policy, people) for one in request.constituents)
    found = Reviewed(request, made, given, later, unknown("Not judged yet."), parts)
    return replace(found, fact=_with_parts(found, _conclude(found, needed, people)))


def _approval(opinion: Opinion, request: PullRequest, made: Makers, policy: Policy) -> Approval:
    who = _independence(opinion, made, policy)
    what = content.approved(opinion.review, request, policy.approval)
    reason = who.reason if who.value is not True else what.reason
    if opinion.standing is not True and who.value is not False:
        reason = (
            "but it was dismissed before the merge"
            if opinion.standing is False
            else "but whether it stood is not known"
        )
    return Approval(opinion, who.value, what.value, reason, who.flags if who.value is False else who.flags | what.flags)


def _independence(opinion: Opinion, made: Makers, policy: Policy) -> Fact:
    """Whether it is by a person who made no part of the change and may write."""
    party, can_push = opinion.party, opinion.review.can_push
    maker = made.include(party)
    if party.machine:
        return no("but is a machine", BY_MACHINE)
    if maker:
        return no("but made a part of the change", IS_MAKER)
    if not party.known:
        # Nobody is told whether an account that is gone could write when it approved.
        return unknown("whom nobody can place")
    if policy.approval.writers_only and can_push is False:
        return no("but may not write to the repository")
    if party.key in made.possible:
        return unknown("but merged the base into the branch, perhaps with conflicts", content.BASE_MERGED)
    if party.key in made.replaced:
        return unknown("but wrote commits that a force push replaced", content.WROTE_REPLACED)
    if twin := made.namesake(party):
        return unknown(f"but that may be an account of {twin.name}: {LIST_IT}", UNRESOLVED)
    if maker is None:
        return unknown(f"but who made a part of the change is not fully known{_of(made.unresolved)}", UNRESOLVED)
    if policy.approval.writers_only and can_push is None:
        return unknown("but whether that account may write to the repository is not known")
    return yes("who made no part of it")


def _of(names: str) -> str:
    return f" (nobody can place {names})" if names else ""


def _conclude(found: Reviewed, needed: int, people: People) -> Fact:
    """C for the request alone."""
    request = found.request
    if request.merged_at is None:
        return unknown(f"When #{request.number} was merged is not known.")
    if not found.whole:
        return unknown(
            f"Reviews and events of #{request.number} were not all obtained, so nothing is concluded from them."
        )
    objections = [one for one in _objections(found, people) if one.value is not True]
    counting, perhaps = _people(found, counted=True), _people(found, counted=None)
    if any(one.value is False for one in objections):
        return together([one for one in objections if one.value is False])
    if len(counting | perhaps) < needed:
        return Fact(value=False, reason=_not_enough(found, needed), flags=_flags(found))
    if objections:
        return together(objections)
    if len(counting) < needed or not found.makers.certain:
        return Fact(
            None, _not_enough(found, needed), _flags(found) | ({UNRESOLVED} if found.makers.unresolved else set())
        )
    noted = [one for one in _objections(found, people) if one.value]
    flags = [*(one.flags for one in found.approvals if one.counts), *(one.flags for one in noted)]
    said = " ".join([*(_said(one) for one in found.approvals if one.counts), *(one.reason for one in noted)])
    return Fact(value=True, reason=said, flags=frozenset[str]().union(*flags))


def _people(found: Reviewed, *, counted: bool | None) -> set[str]:
    return {one.opinion.party.key for one in found.approvals if one.counts is counted}


def _objections(found: Reviewed, people: People) -> Iterator[Fact]:
    """
    Requests for changes that were open at the merge (False), may have been (None), or hold nothing up (True).

    Only who may write to the repository holds a merge up by asking for changes:
    https://docs.github.com/articles/approving-a-pull-request-with-required-reviews
    """
    merged = found.request.merged_at
    for one in opinions.at_merge(found.request, people):
        if one.approves is True or one.party.machine:
            continue
        by, name = one.dismissed, one.party.name
        asked = f"{name} asked for changes ({moment(one.review.submitted_at)})"
        if one.approves is False and one.review.can_push is False and one.party.known:
            yield yes(f"{asked}; that account may not write to the repository, so that it holds up no merge.", READER)
            continue
        if one.approves is False and one.standing is False and by:
            maker = found.makers.include(people.account(by.actor))
            if maker:
                yield no(
                    f"{asked}, and {people.account(by.actor).name}, who made a part of it, dismissed that.",
                    BY_MAKER,
                )
            elif maker is None:
                yield unknown(f"{asked}, and whether a maker dismissed that is not known.")
        elif one.approves is False and one.standing and one.review.can_push:
            yield no(f"{asked}, and that was open at the merge ({moment(merged)}).")
        elif one.approves is False and one.standing:
            yield unknown(f"{asked}; whether that account may write, which makes it count, is not known.")
        elif one.standing is not False:
            yield unknown(f"Whether {name} asked for changes that were open at the merge is not known.")


def _not_enough(found: Reviewed, needed: int) -> str:
    said = [_said(one) for one in found.approvals]
    number = found.request.number
    late = [f"{one.opinion.party.name} ({moment(one.opinion.review.submitted_at)})" for one in found.later]
    afterwards = (
        f" Approved only after the merge ({moment(found.request.merged_at)}) by {listed(late)}." if late else ""
    )
    head = f"#{number} needed {needed} independent approvals. " if needed > 1 else ""
    return head + (" ".join(said) or f"Nobody approved #{number} before the merge.") + afterwards


def _said(one: Approval) -> str:
    review = one.opinion.review
    return f"{one.opinion.party.name} approved {short(review.commit)} ({moment(review.submitted_at)}), {one.reason}."


def _flags(found: Reviewed) -> frozenset[str]:
    """What is remarkable about approvals that were not enough; who approved matters when nobody independent did."""
    flags = frozenset[str]().union(*(one.flags for one in found.approvals))
    certain, _ = found.independents()
    machines = all(one.opinion.party.machine for one in found.approvals)
    return flags - ({IS_MAKER} if certain else set()) - (set() if machines else {BY_MACHINE})


def _with_parts(found: Reviewed, own: Fact) -> Fact:
    """C with the requests that it promotes: a look at a promotion is no look at what it carries."""
    unseen = found.request.unseen_constituents
    if not found.parts and not unseen:
        return own
    failed = [part.request.number for part in found.parts if part.fact.value is False]
    unclear = [part.request.number for part in found.parts if part.fact.value is None]
    total = len(found.parts) + unseen
    if failed:
        carried = no(
            f"{len(failed)} of {total} constituent pull requests were not approved {_numbers(failed)}.", FAILED
        )
    elif unclear or unseen:
        carried = unknown(
            f"Of {total} constituent pull requests {len(unclear) + unseen} cannot be judged {_numbers(unclear)}."
        )
    else:
        carried = yes(f"All {total} constituent pull requests were approved.")
    return together([own, carried])


def _numbers(numbers: list[int]) -> str:
    """The first of them in brackets; there may be hundreds."""
    first = ", ".join(f"#{one}" for one in sorted(numbers)[:SHOWN])
    more = f", and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"({first}{more})" if numbers else "(they were not obtained)"
