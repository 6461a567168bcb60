"""
C and D: whether an independent person approved the final content, and did so before it reached production.

A push has no review that could be looked up. What reached production by a gated environment needs an approval at that
gate too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from soc2ev.tables.facts.evidence import Change, Deployment
from soc2ev.tables.facts.fact import Fact, moment, no, shown, together, unknown, yes
from soc2ev.tables.facts.makers import Makers
from soc2ev.tables.facts.people import People
from soc2ev.tables.facts.reviews import Reviewed

UNLISTED = "Not all pull requests could be listed, so whether one holds it is not known."
_BOTH = 2
"""Parents of a merge."""


def final_content(change: Change, reviewed: Sequence[Reviewed], people: People) -> Fact:
    """Attribute C of the change: all requests that landed with it were approved as they were merged."""
    if brings_nothing(change):
        return unknown("An older state was deployed again, which brings nothing new to review.")
    if change.may_have_request:
        return unknown(UNLISTED)
    if change.integration == "force_push" or (change.integration in ("direct_push", "rollback") and not reviewed):
        who = people.account(change.actor).name if change.actor or change.actor_known else "somebody"
        how = "force-pushed" if change.integration == "force_push" else "pushed"
        return no(f"{who} {how} it to {shown(change.ref)} ({moment(change.at)}), where no review is recorded.")
    if not reviewed:
        return unknown("The pull request that landed it was not obtained, so its reviews are not known.")
    answers = [one.fact for one in reviewed]
    if (along := pushed_along(change)) is not None:
        answers.append(along)
    if change.unseen_requests:
        answers.append(unknown(f"{change.unseen_requests} pull requests that landed with it were not obtained."))
    return together(answers)


def pushed_along(change: Change) -> Fact | None:
    """What a push brought beside the commits of the requests that it landed; None when it brought nothing else."""
    if change.integration not in ("direct_push", "rollback") or not change.requests:
        return None
    if any("commits" in one.missing for one in change.requests):
        return unknown("Which of the pushed commits belong to a pull request is not known.")
    own = {entry.sha for one in change.requests for entry in one.commits}
    beside = [one for one in change.commits if one.sha not in own]
    # Anybody can make a commit in the browser that GitHub signs; only a merge of its own may add nothing.
    along = [one for one in beside if not one.signed_by_github or len(one.parents) < _BOTH]
    if along:
        return no(f"{len(along)} commit{'s' * (len(along) > 1)} came with the push that no pull request holds.")
    return unknown("A merge made in the browser came with the push, perhaps with conflicts.") if beside else None


def before_production(change: Change, review: Fact, makers: Makers, people: People) -> Fact:
    """Attribute D: approved before the merge, and at the gate of the first deployment where environments are gated."""
    gate = at_gate(change, makers, people)
    if brings_nothing(change):
        return gate or unknown("No gate asks before a deployment, so who allowed this one is not known.")
    words = {True: "Approved before the merge: ", False: "Not approved before the merge: ", None: "Not known: "}
    merged = Fact(review.value, f"{words[review.value]}{review.reason}", review.flags)
    return together([merged, gate]) if gate else merged


def at_gate(change: Change, makers: Makers, people: People) -> Fact | None:
    """
    Whether somebody independent let it through the gate; None where no gate was to be passed.

    Asked of the environment to which it went first, for each deployment up to the one that succeeded: who let one
    through that failed let through no other.
    """
    told = change.deployments
    if told.gated is False or (told.visible and not told.containing and not (told.gated and told.unplaced)):
        return None
    if told.gated is None:
        return unknown("Whether production asks for an approval before a deployment could not be read.")
    if not told.containing:
        return unknown(
            "Production asks for an approval before a deployment, and not all deployments could be read or placed."
        )
    gated = [one for one in told.containing if one.asked is not False]
    asked = [one for one in gated if not _stayed_shut(one)]
    if len(asked) < len(gated) and not told.visible:
        return unknown("A gate of production seems to have stayed shut, and not all deployments could be read.")
    if not asked:
        return None
    ordered = sorted(asked, key=lambda one: (one.created_at, one.id))
    passed = [_passed(one, makers, people) for one in ordered if one.environment == ordered[0].environment]
    bad = [one for one in passed if one.value is False] or [one for one in passed if one.value is None]
    return bad[0] if bad else passed[-1]


def _passed(deployment: Deployment, makers: Makers, people: People) -> Fact:
    place = shown(deployment.environment)
    if deployment.gate is None:
        return unknown(f"{place} asks for an approval before a deployment, and who gave it was not collected.")
    answers = [_answer(deployment, index, makers, people) for index in range(len(deployment.gate))]
    good = next((one for one in answers if one.value), None)
    doubtful = next((one for one in answers if one.value is None), None)
    if deployment.asked is None and not good:
        return unknown(f"Whether {place} asked for an approval when it was deployed to is not known.")
    return good or doubtful or no(f"Nobody independent approved the deployment to {place} at its gate.")


def _stayed_shut(deployment: Deployment) -> bool:
    """Whether it was refused at the gate, or waited there and was given up: nothing of it reached production."""
    answers = [one.approved for one in deployment.gate or ()]
    waited = any(state.lower() == "waiting" for state, _ in deployment.statuses)
    return not _starts(deployment) and not any(answers) and (bool(answers) or waited)


def _starts(deployment: Deployment) -> list[datetime | None]:
    return [at for state, at in deployment.statuses if state.lower() in ("in_progress", "success")]


def brings_nothing(change: Change) -> bool:
    """A rollback to an older state: nothing new reached production."""
    return change.integration == "rollback" and not change.commits and not change.requests


def _answer(deployment: Deployment, index: int, makers: Makers, people: People) -> Fact:
    given = (deployment.gate or ())[index]
    party = people.account(given.approver)
    if not given.approved or party.machine or makers.include(party):
        return no("It was refused, or given by a machine or a maker.")
    starter = people.account(deployment.creator)
    if starter.key == party.key and not starter.machine:
        return no(f"{party.name} approved the deployment that the same person started.")
    late = given.at is not None and any(at is not None and at < given.at for at in _starts(deployment))
    if late:
        return no(f"{party.name} approved only after the deployment ({moment(given.at)}).")
    if makers.include(party) is None or given.at is None:
        return unknown(f"Whether {party.name}, who approved at the gate, was independent and in time is not known.")
    return yes(f"{party.name} approved the deployment to {shown(deployment.environment)} ({moment(given.at)}).")
