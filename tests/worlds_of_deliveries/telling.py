"""The changes of a story that writes itself: requests, machines, pushes, second branches, resets."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from tests.fakes.github.change import Change
from tests.fakes.github.scenarios.story import Story
from tests.fakes.jira.world import Person, World
from tests.worlds_of_deliveries.stories import MONTHS, House, Move

JIRA_SECRET, JIRA_USER = "jira-secret", "me@acme.example"
_PLAN = (
    "Customers see their invoices as a list now.\n\n## Rollback\nRevert the commit and deploy the version before it.\n"
)
_QUESTIONS = ("Authentication", "Authorisation", "Transactions", "Uptime or performance", "Logs or monitoring", "Customer data")  # fmt: skip
_ANSWERS = "".join(f"\n## {one}\nNothing of it changes by this, as the tests show.\n" for one in _QUESTIONS)
_TEXTS = {"whole": _PLAN, "answered": _PLAN + _ANSWERS, "bare": "Some words on why this was made at last."}


class Changing(Story):
    """A company whose repositories change as the dice fall."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice, self.log = random.Random(seed), list[str]()
        self.jira = World(now=self.now)
        self.jira.token(JIRA_SECRET, user=JIRA_USER)
        self.gil, self.deps = self.person("gil"), self.bot("dependabot[bot]")
        self.number = 0
        self.months = list(MONTHS)[: self.dice.choice((2, 2, 3))]
        self.houses = [self._house(name) for name in ("api", "web", "ops")[: self.dice.choice((1, 1, 2, 3))]]

    def _house(self, name: str) -> House:
        dice, first = self.dice, name == "api"
        repo = self.api if first else self.repository(name)
        repo.it.collaborators |= {"cat": "admin"}
        rules = self.rules if first else repo.ruleset()
        rules.include = ("~DEFAULT_BRANCH", "refs/heads/stable")
        mode = dice.choice(
            ("deploy", "deploy", "deploy", "release", "release") if first else ("deploy", "release", "merge")
        )
        places = dice.choice((("production",), ("production",), ("prod-eu", "prod-us")))
        two = mode != "merge" and dice.random() < 0.3
        house = House(repo, mode, places, ("main", "stable") if two else ("main",), dice.random() < 0.25)
        for place in places:
            reviewers = (self.gil, self.ann, self.bob) if dice.random() < 0.45 else ()
            repo.environment(place, *reviewers)
            if reviewers:
                house.gates[place] = self.now
        self.landed(house, "main", "founding", "root", at=repo.it.activity[0].at)
        if two:
            self.tick()
            repo.move("stable", repo.head(), self.cat)
            self.landed(house, "stable", "cut", "cat")
        return house

    def say(self, *words: object) -> None:
        """Note it for a reader."""
        self.log.append(f"{self.now:%m-%d %H:%M} " + " ".join(map(str, words)))

    def landed(self, house: House, ref: str, kind: str, maker: str, at: datetime | None = None) -> Move:
        """Note where a branch points now."""
        sha = house.repo.head(ref)
        new = house.reach([sha]) - house.held[ref]
        house.held[ref] |= new
        made = Move(ref, sha, at or house.repo.it.activity[-1].at, frozenset(new), kind, maker)
        if kind != "cut":
            house.moves.append(made)
        self.say(house.name, kind, ref, sha[:8])
        return made

    def request(self, house: House) -> None:
        """A request, made well or badly, which may wait before it is merged."""
        dice, self.number = self.dice, self.number + 1
        author = dice.choice((self.ann, self.bob))
        made = Move(dice.choice(house.branches), "", self.now, frozenset(), "request", author.login, self.now)
        made.outside = house.paths and dice.random() < 0.3
        made.ticket = dice.choice(("good",) * 8 + ("open", "late", "maker", "none"))
        made.text = dice.choice(("whole",) * 8 + ("bare",))
        made.risky = dice.random() < 0.12
        if made.risky and dice.random() < 0.6:
            made.text = "answered"
        key = self._ticket(made)
        file = f"docs/{self.number}.md" if made.outside else f"src/{self.number}.py"
        change = house.repo.open(author, f"{key} Change".strip(), files={file: str(self.number)}, base=made.ref, body=_TEXTS[made.text], branch=f"work-{self.number}")  # fmt: skip
        for label, given in (("high-risk", made.risky), ("emergency", dice.random() < 0.12)):
            if given:
                change.label(label, author)
        made.emergency = "emergency" in change.it.labels
        if dice.random() > 0.06:
            made.green = dice.random() > 0.06
            change.check(conclusion="SUCCESS" if made.green else "FAILURE")
        if dice.random() > (0.7 if made.emergency else 0.15):
            self.approve(change, made)
        self.say(house.name, "opens", f"#{change.it.number}", made.ref, made.ticket, made.text, "risky" * made.risky, "emergency" * made.emergency, "green" * made.green, "approved" * bool(made.approvals))  # fmt: skip
        house.waiting.append((change, made))
        if dice.random() > 0.15:
            self.merge(house)

    def _ticket(self, made: Move) -> str:
        if made.ticket == "none":
            return ""
        key, lead = f"API-{self.number}", Person("lena")
        it = self.jira.ticket(key, at=self.now - timedelta(hours=9), description=None)
        if made.ticket in ("good", "maker"):
            self.jira.move(it, "Approved", Person(made.maker) if made.ticket == "maker" else lead)
        return key

    def approve(self, change: Change, made: Move) -> None:
        """Somebody who made no part of it approves."""
        change.approve(self.bob if made.maker == "ann" else self.ann)
        made.approvals.append(self.now)

    def merge(self, house: House) -> None:
        """Merge one of the requests that wait; some are looked at afterwards."""
        change, made = house.waiting.pop(self.dice.randrange(len(house.waiting)))
        if made.ticket == "late":
            it = next(one for one in self.jira.tickets if change.it.title.startswith(f"{one.key} "))
            self.jira.move(it, "Approved", Person("lena"), after=(self.now - it.updated) / timedelta(hours=1) + 2)
        fine = made.green and bool(made.approvals)
        how = self.dice.choice(("squash", "merge", "rebase"))
        change.merge(self.gil if fine else self.cat, how, result="pass" if fine else "bypass")
        done = self.landed(house, made.ref, "request", made.maker)
        made.sha, made.at, made.brought = done.sha, done.at, done.brought
        house.moves[-1] = made
        self.say(house.name, "merges", f"#{change.it.number}", how)
        if not made.approvals and self.dice.random() < 0.5:
            self.tick(hours=self.dice.choice((3, 6, 24 * 8)))
            self.approve(change, made)
            self.say(house.name, "approves afterwards", f"#{change.it.number}")

    def standard(self, house: House) -> None:
        """A bump by a machine, which was approved once for all."""
        self.number += 1
        start = self.now
        change = house.repo.open(self.deps, f"Bump x to {self.number}", branch=f"dependabot/{self.number}", files={"deps.lock": str(self.number)}, body=_PLAN)  # fmt: skip
        change.check()
        change.merge(self.bot("github-actions[bot]"), "squash")
        made = self.landed(house, "main", "standard", "dependabot[bot]")
        made.began, made.green, made.text = start, True, "whole"

    def push(self, house: House) -> None:
        """A push past any request."""
        self.number += 1
        ref = self.dice.choice(house.branches)
        house.repo.push(self.cat, {f"src/{self.number}.py": "x"}, f"direct {self.number}", branch=ref)
        house.repo.judged(house.repo.it.activity[-1], "bypass", "pull_request")
        self.landed(house, ref, "push", "cat")

    def back(self, house: House) -> None:
        """The second branch is merged back by a request."""
        repo = house.repo
        head = repo.head("stable") if "stable" in house.branches else ""
        if not head or head in house.reach([repo.head()]):
            return
        self.number += 1
        start = self.now
        change = repo.open(self.ann, "Merge stable back", head=head, branch="stable", body=_PLAN)
        change.check()
        change.approve(self.gil)
        change.merge(self.gil, "merge")
        made = self.landed(house, "main", "back", "ann")
        made.began, made.green, made.text = start, True, "whole"
        made.approvals = [one.at for one in change.it.reviews if one.at]

    def reset(self, house: House) -> None:
        """The branch goes back to what it held before."""
        old = [one for one in house.moves if one.ref == "main" and one.sha in house.reach([house.repo.head()])][-3:]
        to = self.dice.choice(old).sha
        if to != house.repo.head():
            self.tick()
            house.repo.move("main", to, self.cat)
            house.repo.judged(house.repo.it.activity[-1], "bypass", "non_fast_forward")
            self.landed(house, "main", "push", "cat")
