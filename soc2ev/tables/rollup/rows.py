"""Rows of the standard tables for deployments and releases that are changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from soc2ev.tables.facts.fact import Fact
from soc2ev.tables.rollup.contents import Content
from soc2ev.tables.rollup.delivery import Delivery

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.tables.rollup.home import Home, Landed

_ONLY_OF_ALL = frozenset({"STANDARD_CHANGE", "POST_REVIEW", "MERGE_COMMIT"})
"""Flags that say something good or plain: they hold for the whole when they hold for every part."""


_Step = tuple[datetime | None, str, str | None, str, str]
"""When, which step, who, what, whose clock."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A delivery with what it brought and what is known of it."""

    delivery: Delivery
    ref: str
    content: Content
    parts: tuple[Landed, ...]
    fresh: tuple[str, ...]
    """Commits that it was the first to deliver."""
    facts: Mapping[str, Json]
    watched: Fact
    """Attribute H."""
    flags: frozenset[str]

    @property
    def evidence(self) -> list[str]:
        """Digests of the bodies behind it and its parts."""
        return sorted(self.delivery.evidence.union(*(one.change["evidence"] for one in self.parts)))


def change_row(home: Home, one: Judged) -> dict[str, Json]:
    """The row of `changes`."""
    delivery, parts = one.delivery, one.parts
    kind = "deployment" if home.mode == "deploy" else "release"
    numbers = list(dict.fromkeys(number for part in parts for number in part.change["pull_requests"]))
    kinds = [part.change["kinds"] for part in parts]
    return {
        "item": delivery.item,
        "repository": home.repository,
        "ref": one.ref,
        "sha": delivery.sha or "",
        "integration": "rollback" if one.content.returns else kind,
        "integration_basis": f"the server's record of the {kind}"
        if delivery.actor or home.mode == "deploy"
        else "a tag",
        "integrated_at": delivery.at,
        "integrated_at_basis": delivery.clock,
        "pull_request": int(numbers[0]) if len(numbers) == 1 else None,
        "pull_request_basis": "the only one among what it brought" if len(numbers) == 1 else None,
        "pull_requests": numbers,
        "title": _title(one),
        "url": delivery.url,
        "commits": sorted(one.fresh),
        "tickets": _union(parts, "tickets"),
        "makers": sorted(_union(parts, "makers")),
        "approvers": sorted(_union(parts, "approvers")),
        "claimed_reviewers": [],
        "kinds": None if None in kinds or one.content.unjudged else sorted({kind for own in kinds for kind in own}),
        "reverts": _union(parts, "reverts"),
        "cherry_picked_from": _union(parts, "cherry_picked_from"),
        "paths_changed": None,
        "flags": sorted(_flags(one)),
        "releases": [],
        "evidence": one.evidence,
    }


def fact_row(one: Judged) -> dict[str, Json]:
    """The row of `change_facts`."""
    told = {"deployed": one.watched.value, "deployment_reason": one.watched.reason}
    return {"item": one.delivery.item, **one.facts, **told, "evidence": one.evidence}


def part_rows(one: Judged) -> Iterator[dict[str, Json]]:
    """The rows of `change_parts`."""
    found = [(part.change["item"], part.change["title"] or part.name) for part in one.parts]
    for position, (part, what) in enumerate([*found, *((None, why) for why in one.content.unjudged)]):
        yield {"item": one.delivery.item, "position": position, "part": part, "what": what}


def custody_rows(one: Judged) -> Iterator[dict[str, Json]]:
    """The rows of `custody`: when its parts landed, and what became of it; each part has a chain of its own."""
    steps: list[_Step] = [
        (part.change["integrated_at"], "merge", None, f"landed: {part.name} ({part.change['item']})", "server")
        for part in one.parts
    ]
    delivery, deployment = one.delivery, one.delivery.deployment
    who = delivery.actor.login if delivery.actor else None
    if deployment is None:
        steps.append((delivery.at, "deployment", who, f"published {delivery.title}", "server"))
    else:
        name = f"deployment {deployment.id} of {deployment.sha[:10]} to {deployment.environment}"
        steps.append((deployment.created_at, "deployment", who, f"started {name}", "server"))
        steps += [(at, "deployment", None, f"{name}: {state.lower()}", "server") for state, at in deployment.statuses]
        steps += [
            (
                given.at,
                "deployment",
                given.approver.login if given.approver else None,
                _answer(given.approved),
                "server",
            )
            for given in deployment.gate or ()
        ]
    steps.sort(key=lambda step: step[0] or datetime.min.replace(tzinfo=UTC))
    for position, (at, step, by, what, clock) in enumerate(steps):
        row = {"item": delivery.item, "position": position, "at": at, "step": step, "who": by}
        yield {**row, "what": what, "clock": clock}


def fate_rows(home: Home, first: Mapping[str, str]) -> Iterator[dict[str, Json]]:
    """The fate of every commit that reached a branch; `first` is the item that was the first to deliver it."""
    word = "deployed" if home.mode == "deploy" else "released"
    doubt = f"; {home.history.flaws[0]}" if home.history.flaws else ""
    for ref, sha, outside in home.commits:
        row = {"repository": home.repository, "ref": ref, "sha": sha}
        if outside is None and sha in first:
            yield row | {"item": first[sha], "fate": "in a change"}
        else:
            yield row | {"fate": "outside", "reason": outside or f"not {word} in the period{doubt}"}
    for ref, sha in home.carried:
        if sha in first:
            yield {"repository": home.repository, "ref": ref, "sha": sha, "item": first[sha], "fate": "in a change"}
    for ref, sha in home.unexplained:
        row = {"repository": home.repository, "ref": ref, "sha": sha, "fate": "unexplained"}
        yield row | {"reason": "it lies on the branch, and no recorded move of the branch brought it"}


def _title(one: Judged) -> str:
    if one.content.returns:
        return f"{one.delivery.title}: back to an older state"
    known = "; ".join(part.name for part in one.parts[:3])
    more = f" and {len(one.parts) - 3} more" if len(one.parts) > 3 else ""  # noqa: PLR2004  what fits a line
    rest = " and content that cannot be judged" if one.content.unjudged else ""
    return f"{one.delivery.title}: {known or 'nothing new'}{more}{rest}"


def _flags(one: Judged) -> Iterable[str]:
    own = [set(part.change["flags"]) for part in one.parts]
    everywhere = set.intersection(*own) if own and not one.content.unjudged else set()
    yield from set().union(*own) - (_ONLY_OF_ALL - everywhere)
    yield from one.flags
    if one.content.unjudged:
        yield "CONTENT_UNKNOWN"


def _union(parts: Sequence[Landed], name: str) -> list[str]:
    return list(dict.fromkeys(value for part in parts for value in part.change[name] or ()))


def _answer(approved: bool) -> str:  # noqa: FBT001  what was answered
    return "let it through the gate of its environment" if approved else "refused it at the gate of its environment"
