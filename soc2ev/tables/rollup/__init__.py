"""
Scopes in which a production change is a deployment or a release: what each contains is judged, and the worst wins.

A deployment brings the commits since the last one to the same environment that succeeded; a release those since the
releases that it builds on. Contained changes are judged as they are where a change is a merge, but for the time of
approval: an approval after the merge and before the deployment is in time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from soc2ev.tables.contained import CHANGE_PARTS
from soc2ev.tables.facts import deliveries, production
from soc2ev.tables.facts.fact import Fact, moment, shown, unknown, yes
from soc2ev.tables.rollup import parts as parts_of
from soc2ev.tables.rollup import returns, rows
from soc2ev.tables.rollup.before import Before
from soc2ev.tables.rollup.contents import Content, Contents
from soc2ev.tables.rollup.delivery import Delivery, within
from soc2ev.tables.rollup.home import Basis, Home, Landed
from soc2ev.tables.rollup.parts import Part
from soc2ev.tables.rollup.rows import Judged
from soc2ev.tables.standard import CHANGE_COMMITS, CHANGE_FACTS, CHANGES, CUSTODY

if TYPE_CHECKING:
    from soc2ev.config import Policy
    from soc2ev.model import Json
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.facts.judge import Judgement
    from soc2ev.tables.facts.people import People
    from soc2ev.tables.hosted.collection import Collection, RefMoves
    from soc2ev.tables.hosted.gather import Gatherer

_MOVED = "Its tag was moved: the commit that it names is younger than the release, and what was published is not known."
_COMPENSATED = " The emergency procedure, which was followed, compensates it."


class Rollup:
    """Gathers judged moves, and turns them into deployments or releases when all are there."""

    def __init__(self, engine: Engine, policy: Policy, gatherer: Gatherer) -> None:
        self._engine, self._policy, self._gatherer = engine, policy, gatherer
        self.homes: dict[tuple[str, str], Home] = {}
        """By repository and mode."""
        self._people: People | None = None

    def take(
        self,
        mode: str,
        found: Collection,
        ref: RefMoves,
        items: Mapping[int, str],
        outside: Mapping[int, str],
        landed: Sequence[Landed],
        people: People,
    ) -> list[str]:
        """Add the judged moves of one branch from one collection; what keeps the population from being whole."""
        self._people = people
        home = self.homes.setdefault((found.repository, mode), Home(found.repository, mode))
        rules = self._gatherer.rules.of(found.repository, ref.ref).now
        home.bases[ref.ref] = Basis(rules, self._gatherer.places(found.repository, ref.ref).gated)
        return home.take(found, ref, items, outside, landed, self._gatherer.delivered(found, ref))

    def finish(self, before: Mapping[tuple[str, str], Home]) -> set[str]:
        """
        Write all rows; `before` holds what is known of the time before the periods.

        Gives the changes of that time which were delivered in the periods: their own rows are left to the caller.
        """
        used: set[str] = set()
        for key, home in sorted(self.homes.items()):
            if key in before:
                home.precede(before[key])
            if home.mode == "release":
                sql = "select * from git_refs where ref like 'refs/tags/%' order by all"
                home.tag(row for row in self._engine.stream(sql) if row["repository"] == home.repository)
            first: dict[str, str] = {}
            judged = list(self._judged(home, first))
            insert = self._engine.insert
            insert(CHANGES, (rows.change_row(home, one) for one in judged))
            insert(CHANGE_FACTS, (rows.fact_row(one) for one in judged))
            insert(CHANGE_PARTS, (row for one in judged for row in rows.part_rows(one)))
            insert(CUSTODY, (row for one in judged for row in rows.custody_rows(one)))
            insert(CHANGE_COMMITS, rows.fate_rows(home, first))
            used |= {item for one in judged for item in one.content.items if item in home.preceding}
        return used

    def _judged(self, home: Home, first: dict[str, str]) -> Iterator[Judged]:
        """Each delivery of the periods, oldest first; `first` learns which was the first to deliver a commit."""
        contents = Contents(home.history, home.order())
        earlier: dict[str, list[Delivery]] = defaultdict(list)
        # What came before the periods may have been delivered before them too.
        young, old = {sha for _, sha, _ in home.commits}, set[str]()
        for one in home.delivered():
            content = _certain(one, contents.brought(one.sha, _before(one, earlier[one.line], contents)))
            earlier[one.line].append(one)
            if not any(within([one], home.periods)):
                old |= set() if one.moved else home.history.reach([one.sha] if one.sha else [], old)
                continue
            known = home.history.outside | (content.commits & old - young)
            fresh = sorted(sha for sha in content.commits if sha not in first and sha not in known)
            first |= dict.fromkeys(fresh, one.item)
            yield self._judge(home, one, content, fresh)

    def _judge(self, home: Home, one: Delivery, content: Content, fresh: Sequence[str]) -> Judged:
        ref = self._ref(home, one)
        found = tuple(home.landed[item] for item in content.items)
        facts, flags = self._facts(home, ref, one, content, found)
        arrived = _arrived(one, self._policy)
        return Judged(one, ref, content, found, tuple(fresh), facts, arrived, flags | arrived.flags)

    def _facts(
        self, home: Home, ref: str, one: Delivery, content: Content, found: Sequence[Landed]
    ) -> tuple[Mapping[str, Json], frozenset[str]]:
        people = self._people
        if people is None:
            raise ValueError("nothing was taken")
        basis = home.bases[ref]
        judged = [*(_part(landed, one, basis) for landed in found), *map(parts_of.unjudged, content.unjudged)]
        if judged:
            return parts_of.worst(judged), frozenset()
        if content.returns and one.deployment is not None:
            back = returns.rolled_back(home, ref, one, self._gatherer, self._policy, people)
            return {**back.row, **returns.tested(home, one)}, frozenset(back.flags)
        return returns.repeated(home, ref, one, self._gatherer, people), frozenset()

    @staticmethod
    def _ref(home: Home, one: Delivery) -> str:
        """The branch whose history holds the commit; the first one when none or several do."""
        landed = home.landed.get(home.history.items.get(one.sha or "", ""))
        ref = str(landed.change["ref"]) if landed else ""
        # Before the period the branch may have had another name.
        return ref if ref in home.bases else next(iter(sorted(home.bases)))


def landed(name: str, change: Mapping[str, Json], facts: Mapping[str, Json], judged: Judgement) -> Landed:
    """A judged move, to be taken by a roll-up."""
    return Landed(name, change, facts, production.trail(judged.case, str(facts["approval_reason"])))


def _before(one: Delivery, earlier: Sequence[Delivery], contents: Contents) -> list[str]:
    """The commits that had been delivered on the same line: the environment, or what a release builds on."""
    if one.deployment is not None:
        return [last.sha for last in earlier[-1:] if last.sha]
    below = contents.reachable(one.sha) if one.sha else set()
    return [other.sha for other in earlier if other.sha in below and other.sha and not other.moved]


def _certain(one: Delivery, content: Content) -> Content:
    """The content, and a doubt where the tag of a release was moved: nobody knows what had been published."""
    return replace(content, unjudged=(*content.unjudged, _MOVED)) if one.moved else content


def _part(landed: Landed, one: Delivery, basis: Basis) -> Part:
    """A contained change as its delivery has to be judged: D is about the delivery's time, the rest about the merge."""
    gate = production.Gate(one.deployment, basis.gated)
    fact = production.before_delivery(landed.trail, one.began, gate)
    handled = landed.facts["emergency_handled"] and landed.facts["final_content_approved"] is not True
    reason = fact.reason + (_COMPENSATED if handled and fact.value is not True else "")
    asked = {"approved_before_production": fact.value, "approval_reason": reason}
    return Part(landed.name, {**landed.facts, **asked})


def _arrived(one: Delivery, policy: Policy) -> Fact:
    """Attribute H of the delivery."""
    if one.deployment is None:
        said = f"Released as {shown(one.title)} ({moment(one.at)})."
        if policy.watch.required:
            return unknown(f"{said} Whether it was watched is not known: watching is told of deployments alone.")
        return yes(f"{said} No watching afterwards was asked for (policy.watch).")
    return deliveries.arrived(one.deployment, one.at, policy.watch)


__all__ = ["Before", "Home", "Landed", "Rollup", "landed"]
