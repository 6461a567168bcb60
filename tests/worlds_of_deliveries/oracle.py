"""
What has to come out, from the story alone: for each delivery and letter the outcomes that may be right.

One outcome where the story decides; several where the documents leave it open, or where evidence was gone when somebody
looked. Where a violation reached production and what shows it was collected, *met* is never among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from tests.fakes.github import world as w
from tests.worlds_of_deliveries.delivering import Tale
from tests.worlds_of_deliveries.stories import (
    ANY,
    DEV,
    LETTERS,
    MET,
    MONTHS,
    NA,
    NT,
    Allowed,
    House,
    Look,
    Move,
    Published,
    approval,
    began,
    one_of,
    succeeded,
    verdicts,
)

_RANK = (DEV, NT, MET, NA)


@dataclass(frozen=True)
class Wanted:
    """One item that has to be there."""

    item: str
    at: datetime
    letters: dict[str, Allowed]
    brought: tuple[Move, ...] = ()
    fresh: frozenset[str] | None = None
    """The commits that it has to list; None where the story leaves that open."""

    def doubted(self) -> Wanted:
        """The same where not everything was collected."""
        return replace(self, letters={key: found | {NT} for key, found in self.letters.items()}, fresh=None)


def _worst(parts: Sequence[Allowed]) -> Allowed:
    """Every outcome that the worst of one choice from each can be."""
    return reduce(lambda a, b: frozenset(min(x, y, key=_RANK.index) for x in a for y in b), parts, frozenset({NA}))


class Oracle:
    """Answers for one span of months."""

    def __init__(self, tale: Tale, names: Sequence[str]) -> None:
        self.tale, self.names = tale, list(names)
        self.looks = {name: look for name in names if (look := self._best([name]))}
        place = tale.months.index(names[0])
        before = self._best([tale.months[place - 1]]) if place else None
        self.known = {**self.looks, **({before.month: before} if before and not before.early else {})}
        self.reading = self._best(names)

    def _best(self, names: Iterable[str]) -> Look | None:
        return max((one for one in self.tale.looks if one.month in names), key=lambda one: (not one.early, one.at), default=None)  # fmt: skip

    @property
    def whole(self) -> bool:
        """Whether every month was looked at after it had ended."""
        return all(not one.early for one in self.looks.values())

    def seen(self, at: datetime) -> datetime | None:
        """When what happened then was looked at; None when it was not."""
        look = next((one for name, one in self.known.items() if MONTHS[name][0] <= at < MONTHS[name][1]), None)
        return look.at if look and at < look.at - timedelta(minutes=1) else None

    def mine(self, at: datetime) -> bool:
        """Whether that is in the span, and had been when somebody looked."""
        return any(MONTHS[name][0] <= at < MONTHS[name][1] for name in self.names) and self.seen(at) is not None

    def wanted(self, house: House) -> Iterator[Wanted]:
        """The items of that repository."""
        yield from {"deploy": self._deployments, "release": self._releases, "merge": self._merges}[house.mode](house)

    def _first(self, house: House) -> dict[str, Move]:
        """The move that brought a commit first."""
        found: dict[str, Move] = {}
        for one in sorted(house.moves, key=lambda one: one.at):
            for sha in one.brought:
                found.setdefault(sha, one)
        return found

    def _parts(self, house: House, commits: Iterable[str]) -> tuple[list[Move], bool]:
        """The moves that brought those commits, and whether anything came by none that was looked at."""
        first = self._first(house)
        moves = {first[sha]: None for sha in commits if sha in first}
        known = [one for one in moves if self.seen(one.at)]
        return known, len(known) < len(moves) or any(sha not in first for sha in commits)

    def _doubtful(self, house: House, *shas: str | None) -> bool:
        """Whether a commit is neither of a move that was looked at nor where a branch stood before."""
        heads = {max(old, key=lambda one: one.at).sha for start in (MONTHS[name][0] for name in self.known) for ref in house.branches if (old := [one for one in house.moves if one.ref == ref and one.at < start])}  # fmt: skip
        held = heads.union(*(one.brought for one in house.moves if self.seen(one.at)))
        return any(sha is not None and sha not in held for sha in shas)

    def _deployments(self, house: House) -> Iterator[Wanted]:
        done = [(at, f"{house.name}#deployment-{one.id}", one) for one in house.repo.it.deployments if one.environment in house.environments and (at := succeeded(one))]  # fmt: skip
        last: dict[str, str] = {}
        told: set[str] = set()
        old: set[str] = set()
        for at, item, one in sorted(done, key=lambda found: found[:2]):
            previous, last[one.environment] = last.get(one.environment), one.sha
            content = house.reach([one.sha]) - (house.reach([previous]) if previous else set())
            if not self.mine(at):
                old |= house.reach([one.sha])
                continue
            moves, hidden = self._parts(house, content)
            doubt = self._doubtful(house, one.sha, previous)
            letters = self._rolled_up(house, moves, content, one, began(one), hidden=hidden)
            if not content and previous != one.sha:
                letters = self._rollback(house, one)
            if doubt:
                letters = {key: found | {NT} for key, found in letters.items()}
            first = self._first(house)
            landed = {sha for sha in content if sha in first and first[sha] in moves and not first[sha].outside}
            young = {sha for move in house.moves if self.mine(move.at) for sha in move.brought}
            fresh = frozenset(sha for sha in landed - told if sha in young or sha not in old)
            told |= fresh
            yield Wanted(item, at, letters, tuple(moves), None if doubt else fresh)

    def _rolled_up(
        self,
        house: House,
        moves: Sequence[Move],
        content: Iterable[str],
        deployed: w.Deployment | None,
        start: datetime,
        *,
        hidden: bool,
    ) -> dict[str, Allowed]:
        inside = [one for one in moves if not one.outside]
        rest = [one_of(NT)] if hidden else []
        judged = [verdicts(one, self.seen(one.at) or one.at) for one in inside]
        letters = {key: _worst([*(one[key] for one in judged), *rest]) for key in "ABCEFG"}
        told = [
            _worst([approval(one, self.seen(one.at) or one.at, start), self._gate(house, deployed, one.maker)])
            for one in inside
        ]
        letters["D"] = _worst([*told, *rest]) if told or rest else self._gate(house, deployed, "")
        return letters | {"H": one_of(MET)}

    def _gate(self, house: House, one: w.Deployment | None, maker: str) -> Allowed:
        """What the gate adds to attribute D."""
        asked = self.reading.gated[house.name] if self.reading and one else frozenset()
        if one is None or one.environment not in asked or self._looked_before(house.gates[one.environment], one.at):
            return one_of(NA)
        if one.run is None:
            return one_of(NT)
        given = [answer.user.login for answer in one.run.approvals if answer.state == "approved"]
        if any(login != maker for login in given):
            answer = one_of(MET)
        else:
            answer = one_of(DEV) if house.gates[one.environment] < one.at else one_of(NT, NA)
        # Answers are asked for with the month in which it was created.
        away = not any(MONTHS[name][0] <= one.at < MONTHS[name][1] for name in self.names)
        return answer | one_of(NT) if away else answer

    def _looked_before(self, gate: datetime, at: datetime) -> bool:
        """Whether somebody saw, after that time, that there was no gate yet."""
        return any(at <= look.at < gate for look in self.tale.looks)

    def _rollback(self, house: House, one: w.Deployment) -> dict[str, Allowed]:
        gate = self._gate(house, one, "")
        allowed = frozenset(NT if word == NA else word for word in gate)
        landed = self._first(house).get(one.sha)
        seen = self.seen(landed.at) if landed else None
        tested = verdicts(landed, seen)["B"] if landed and seen and not landed.outside else ANY
        fixed = {"B": tested, "C": one_of(NA), "D": allowed, "E": allowed, "F": one_of(DEV), "H": one_of(MET)}
        return dict.fromkeys("AG", ANY) | fixed

    def _releases(self, house: House) -> Iterator[Wanted]:
        ids = set().union(*(look.tags for look in self.known.values()))
        mine = set().union(*(look.tags for look in self.looks.values()))
        shown = [one for one in house.releases if one.it.id in ids and one.it.published_at]
        shown.sort(key=lambda one: (one.it.published_at, one.it.tag))
        count: dict[str, int] = {}
        for place, one in enumerate(shown):
            at = one.it.published_at or self.tale.now
            count[one.it.tag] = count.get(one.it.tag, 0) + 1
            if one.it.id not in mine or not self.mine(at):
                continue
            suffix = f"~{count[one.it.tag]}" if count[one.it.tag] > 1 else ""
            yield self._release(house, one, f"{house.name}#release-{one.it.tag}{suffix}", shown[:place])

    def _release(self, house: House, one: Published, item: str, earlier: Sequence[Published]) -> Wanted:
        at = one.it.published_at or self.tale.now
        moved = {look.tags[one.it.id] for look in self.known.values() if one.it.id in look.tags} - {one.sha}
        sure = [old.sha for old in earlier if old.final_from == old.it.published_at]
        shown = {old: look.tags.get(old.it.id, old.sha) for look in self.known.values() for old in earlier}
        held = (sure, [old.sha for old in earlier], [old.sha for old in earlier if not old.moved_at], shown.values())
        letters, brought = dict.fromkeys(LETTERS, frozenset[str]()), list[Move]()
        for sha in (one.sha, *moved):
            for before in held:
                tips = [old for old in before if old in house.reach([sha])]
                content = house.reach([sha]) - house.reach(tips)
                moves, hidden = self._parts(house, content)
                found = self._rolled_up(house, moves, content, None, at, hidden=hidden)
                doubt = one_of(NT) if self._doubtful(house, sha, *tips) else frozenset()
                same = sha == one.sha
                letters = {
                    key: said | found[key] | doubt if same else (said | found[key] | {NT}) - ({MET} - said)
                    for key, said in letters.items()
                }
                brought = moves if same and before is sure else brought
        lenient = bool(moved) or any(old.moved_at or old.gone_at for old in earlier)
        letters["H"] = one_of(MET)
        if lenient:
            letters = {key: said | {NT} for key, said in letters.items()}
        return Wanted(item, at, letters, tuple(brought))

    def violations(self, house: House) -> set[str]:
        """Moves without a review that a final release of the span published, and no release that still shows before it."""
        given: set[str] = set()
        found: set[str] = set()
        first = self._first(house)
        done = [(one.final_from, one) for one in house.releases if one.final_from and not one.gone_at]
        for at, one in sorted(done, key=lambda pair: pair[0]):
            content = house.reach([one.sha]) - given
            given |= content
            moves = {first[sha] for sha in content if sha in first}
            if self.mine(at) and not one.moved_at:
                found |= {move.sha for move in moves if (seen := self.seen(move.at)) and not move.outside and verdicts(move, seen)["C"] == {DEV}}  # fmt: skip
        return found

    def _merges(self, house: House) -> Iterator[Wanted]:
        for one in house.moves:
            if not one.brought or one.outside or not self.mine(one.at):
                continue
            letters = verdicts(one, self.seen(one.at) or one.at)
            letters |= {"D": ANY if house.gates else approval(one, one.at, one.at), "H": ANY}
            yield Wanted(f"{house.name}@{one.sha}", one.at, letters, (one,))
