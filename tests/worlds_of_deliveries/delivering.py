"""A story that writes itself, drawn by its seed: what is deployed and released, and when somebody collects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests.fakes.github import world as w
from tests.worlds_of_deliveries.stories import MONTHS, House, Look, Published
from tests.worlds_of_deliveries.telling import Changing


class Tale(Changing):
    """A story with its collections: `looks`, each made by `collect`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.looks = list[Look]()
        self.collect: Callable[[str], object] = lambda _: None

    def ship(self, house: House) -> None:
        """Something goes to an environment, or tries to: the tip, an older state, the same again, a request, a stray."""
        dice, repo = self.dice, house.repo
        old = [one.sha for one in house.moves if one.brought][-6:]
        again = [one.sha for one in repo.it.deployments[-1:]]
        ahead = [change.it.head_sha for change, _ in house.waiting]
        x = dice.random()
        picks = old if x < 0.12 else again if x < 0.2 else ahead if x < 0.27 else []
        sha = dice.choice(picks or [repo.head(dice.choice(house.branches))])
        if x > 0.97:
            self.number += 1
            sha = repo.push(self.cat, {f"src/{self.number}.py": "hot"}, "hot", branch=f"stray-{self.number}").sha
        place = dice.choice((*house.environments, *house.environments, "staging"))
        if place in house.environments and len(house.environments) > 1 and dice.random() < 0.3:
            self._deployed(house, sha, house.environments[0])
            place = house.environments[1]
        self._deployed(house, sha, place)

    def _deployed(self, house: House, sha: str, place: str) -> None:
        dice, repo = self.dice, house.repo
        gated = place in house.gates
        end = dice.choice(("success",) * 9 + ("failure", "in_progress"))
        run = None
        if gated or dice.random() < 0.3:
            run = repo.run(sha, event="push", name="Deploy", path=".github/workflows/deploy.yml", actor=self.cat)
        made = repo.deploy(sha, self.bot("github-actions[bot]"), place, ("waiting",) if gated else (), run=run)
        if gated and run:
            self._at_gate(house, made, run)
            if run.approvals and run.approvals[-1].state == "rejected":
                end = "failure"
            elif not run.approvals:
                return
        for state in ("in_progress", end)[: 1 if end == "in_progress" or (gated and end == "failure") else 2]:
            word = "failure" if gated and end == "failure" else state
            made.statuses.append(w.DeploymentStatus(self.world.fresh(), word, self.tick(minutes=5), made.creator))
        self.say(house.name, "deploys", sha[:8], place, made.id, end)

    def _at_gate(self, house: House, made: w.Deployment, run: w.WorkflowRun) -> None:
        dice = self.dice
        for _ in range(dice.choice((0, 0, 0, 1, 2, 5))):
            self.tick(days=dice.choice((1, 3)))
            if dice.random() < 0.5:
                self.request(house)
        who, state = dice.choice(((self.gil, "approved"),) * 6 + ((self.ann, "approved"), (self.bob, "approved"), (self.gil, "rejected"), (None, "")))  # fmt: skip
        if who:
            run.approvals.append(w.Approval((made.environment,), state, who))
        self.say(house.name, "gate of", made.id, state or "nobody", who.login if who else "")

    def gate(self, house: House) -> None:
        """A gate is put up where there was none."""
        free = [one for one in house.repo.it.environments if not one.reviewers]
        if free:
            it = self.dice.choice(free)
            self.tick()
            it.reviewers, it.at, house.gates[it.name] = (self.gil, self.ann, self.bob), self.now, self.now
            self.say(house.name, "puts up a gate", it.name)

    def release(self, house: House) -> None:
        """A release of a tip, which may be a draft or a pre-release."""
        dice = self.dice
        tag = f"v{len(house.releases)}"
        sha = house.repo.head(dice.choice(house.branches))
        it = house.repo.release(tag, self.cat, sha)
        kind = dice.choice(("final",) * 6 + ("draft", "prerelease"))
        it.draft, it.prerelease = kind == "draft", kind == "prerelease"
        if it.draft:
            it.published_at = None
        house.releases.append(Published(it, sha, self.now if kind == "final" else None))
        self.say(house.name, "releases", kind, tag, sha[:8])

    def rerelease(self, house: House) -> None:
        """A tag is moved, a pre-release or draft becomes final, or a release is deleted and made again."""
        there = [one for one in house.releases if one.gone_at is None]
        if not there:
            return
        one, x = self.dice.choice(there[-3:]), self.dice.random()
        self.tick()
        if one.final_from is None:
            one.it.draft, one.it.prerelease, one.final_from = False, False, self.now
            one.it.published_at = one.it.published_at or self.now
            one.sha = house.repo.it.tags[one.it.tag]
            self.say(house.name, "makes final", one.it.tag)
        elif x < 0.5:
            house.repo.it.tags[one.it.tag] = house.repo.head()
            one.moved_at.append(self.now)
            self.say(house.name, "moves the tag", one.it.tag, house.repo.head()[:8])
        else:
            one.gone_at = self.now
            house.repo.it.releases.remove(one.it)
            it = house.repo.release(one.it.tag, self.cat, house.repo.head())
            house.releases.append(Published(it, house.repo.head(), self.now))
            self.say(house.name, "makes again", it.tag, house.repo.head()[:8])

    def tell(self) -> None:
        """The whole story, with its collections."""
        end = MONTHS[self.months[-1]][1]
        closing = [MONTHS[month][1] for month in self.months[:-1]]
        while self.now < end:
            self._pass()
            if closing and self.now > closing[0] + timedelta(days=2):
                month = self.months[len(self.months) - 1 - len(closing)]
                closing.pop(0)
                if self.dice.random() < 0.6:
                    self.look(month)
            if self.now < end:
                self._step(self.dice.choice(self.houses))
        self.world.now = max(self.now, end + timedelta(days=1))
        self.tick(days=self.dice.randint(0, 5))
        for month in self.dice.sample(self.months, len(self.months)):
            if self.dice.random() < 0.85:
                self.look(month)

    def _pass(self) -> None:
        edge = min(stop for _, stop in MONTHS.values() if stop > self.now)
        if self.dice.random() < 0.12 and edge - self.now < timedelta(days=12):
            self.world.now = max(self.now, edge - timedelta(minutes=self.dice.randint(1, 25)))
        elif self.dice.random() < 0.65:
            self.tick(minutes=self.dice.randint(1, 900))
        else:
            self.tick(hours=self.dice.randint(10, 90))

    def _step(self, house: House) -> None:
        x = self.dice.random()
        deliver = {"deploy": self.ship, "release": self.release}.get(house.mode, self.request)
        others = self.rerelease if house.mode == "release" else self.gate
        does = [(0.42, self.request), (0.47, self.standard), (0.51, self.push), (0.54, self.back), (0.56, others)]
        does += [(0.565, self.reset), (0.60, self.rerelease if house.mode == "release" else deliver)]
        if 0.60 <= x < 0.68 and house.waiting:
            self.merge(house)
        else:
            next((does for limit, does in does if x < limit), deliver)(house)

    def look(self, month: str) -> None:
        """Collect a month as it is now."""
        if self.now < MONTHS[month][0] + timedelta(days=1):
            return
        gated = {house.name: frozenset(house.gates) for house in self.houses}
        shown = [
            one
            for house in self.houses
            for one in house.releases
            if not (one.gone_at or one.it.draft or one.it.prerelease)
        ]
        tags = {one.it.id: one.it.repository.tags[one.it.tag] for one in shown}
        self.looks.append(Look(month, self.now, gated, tags))
        self.say("COLLECTS", month)
        self.collect(month)
