"""
Harbour Payments as it lives through twelve months: two repositories on GitHub and a Jira project.

Most changes do everything right. What does not is in PLANTED, each in its month; the register of people in the demo's
folder names the accounts of everybody.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc2ev.demo import collected_at
from soc2ev.demo.hosts import TOKENS
from soc2ev.period import Period
from tests.fakes.github import tokens
from tests.fakes.github import world as w
from tests.fakes.github.builder import Company, Repo
from tests.fakes.github.change import Change
from tests.fakes.github.names import opaque
from tests.fakes.jira.world import Person, Ticket
from tests.fakes.jira.world import World as Jira

FOUNDED = datetime.fromisoformat("2025-09-01T08:00:00+00:00")
_SEED = 20261102
_NAMES = {
    "dana": ("Dana Roth", 2001),
    "ann": ("Ann Berg", 2002),
    "bo": ("Bo Lind", 2003),
    "cem": ("Cem Aydin", 2004),
    "eli": ("Eli Moss", 2005),
    "ann-second": ("Ann Berg", 2006),
}
_DEVELOPERS = ("ann", "bo", "cem")
_APPROVERS = ("dana", "eli")
_WORK = {
    "payments-api": (
        ("Refuse refunds above the captured amount", "src/refunds/limits.py"),
        ("Retry webhook deliveries with back-off", "src/webhooks/delivery.py"),
        ("Add an index on payments.created_at", "db/migrate/payments_created_at.sql"),
        ("Ask for a scope in every token", "src/auth/scopes.py"),
        ("Round amounts half to even", "src/money/round.py"),
        ("Close idle database connections", "src/db/pool.py"),
        ("Explain declined cards in plain words", "src/cards/messages.py"),
        ("Show settlement dates in the ledger", "src/ledger/view.py"),
        ("Mask card numbers in debug logs", "src/logging/mask.py"),
    ),
    "web": (
        ("Show the fee before a payout is confirmed", "src/payouts/confirm.tsx"),
        ("Keep the language after signing in", "src/session/language.ts"),
        ("Print statements on one page", "src/statements/print.css"),
        ("Read amounts out to screen readers", "src/money/amount.tsx"),
        ("Upgrade the component library", "package.json"),
    ),
}
_ANSWERS = """
## High-risk review
- Authentication: unchanged, the tests of signing in pass
- Authorisation: checked with each of the three roles
- Transactions: none is processed differently
- Uptime or performance: no change in the load test
- Logs and monitoring: the new events are on the dashboard
- Customer data: none is stored or shown that was not before
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change to come."""

    at: datetime
    repository: str
    kind: str = "clean"


CHANGES, DEPLOYMENTS, RELEASES = "change-authorised-tested-approved", "deployment-traceable", "releases-documented"
RULES, BYPASSES, EMERGENCIES, SIGNS = (
    "rules-in-force",
    "bypasses-declared-and-reviewed",
    "emergencies-handled",
    "change-warning-signs",
)


@dataclass(frozen=True, slots=True)
class Planted:
    """Something out of the ordinary, and the letters in which it deviates, by control."""

    repository: str
    day: str
    """Empty: all the time."""
    deviates: Mapping[str, str]


PLANTED: dict[str, Planted] = {
    "administrators may pass the rules": Planted("payments-api", "", {RULES: "D"}),
    "backfilled ticket": Planted("web", "2025-11-12", {CHANGES: "A", SIGNS: "E"}),
    "push at night": Planted(
        "payments-api",
        "2025-12-16",
        {CHANGES: "ABCDEFG", DEPLOYMENTS: "B", BYPASSES: "ABC", EMERGENCIES: "AB", SIGNS: "AF"},
    ),
    "stale approval": Planted("payments-api", "2026-01-15", {CHANGES: "CD", DEPLOYMENTS: "B", SIGNS: "C"}),
    "check after the merge": Planted("web", "2026-02-18", {CHANGES: "B", SIGNS: "D"}),
    "second account": Planted("payments-api", "2026-04-14", {CHANGES: "CDE", DEPLOYMENTS: "B", SIGNS: "B"}),
    "ticket approved by its maker": Planted("web", "2026-05-13", {CHANGES: "A"}),
    "undeclared emergency": Planted(
        "payments-api",
        "2026-06-16",
        {CHANGES: "CDEF", DEPLOYMENTS: "B", BYPASSES: "AB", EMERGENCIES: "AB", SIGNS: "F"},
    ),
    "emergency reviewed too late": Planted(
        "payments-api", "2026-07-14", {CHANGES: "CDF", DEPLOYMENTS: "B", BYPASSES: "B", EMERGENCIES: "B"}
    ),
    "emergency handled": Planted("payments-api", "2026-08-18", {}),
    "deployment of an unapproved change": Planted("web", "2026-09-16", {DEPLOYMENTS: "A"}),
    "release without notes": Planted("web", "2026-10-14", {RELEASES: "A"}),
}
"""Everything that is not as it should be on GitHub and in Jira, and one emergency that is."""


class Harbour:
    """The company; `live` goes on with the story."""

    def __init__(self) -> None:
        self.github = Company("harbour", FOUNDED)
        self.jira = Jira(projects=["PAY"], now=FOUNDED)
        self.items: dict[tuple[str, str], str] = {}
        """By what was planted and the control: the item in which it shows."""
        self._chance = random.Random(_SEED)
        self._number = 0
        self._people = {login: self._hire(login) for login in _NAMES}
        self._jira_people = {login: Person(login) for login in _NAMES}
        self._pipeline = w.Account(2010, "deploy-pipeline[bot]", "Bot", "deploy-pipeline[bot]")
        self.github.world.accounts[self._pipeline.login] = self._pipeline
        self.github.token(tokens.classic(TOKENS["FICTIONAL_GITHUB_TOKEN"], "dana"))
        self.jira.token(TOKENS["FICTIONAL_JIRA_TOKEN"])
        self.repos = {name: self._found(name) for name in _WORK}

    def _hire(self, login: str) -> w.Account:
        name, number = _NAMES[login]
        made = w.Account(number, login, "User", name, f"{login}@harbour.example")
        self.github.world.accounts[login] = made
        return made

    def _found(self, name: str) -> Repo:
        made = self.github.repository(name, empty=True)
        made.it.collaborators |= {"dana": "admin", "eli": "maintain"}
        files = {"README.md": name, ".github/CODEOWNERS": "* @dana @eli\n"}
        made.push(self._people["dana"], {**files, **{path: "0" for _, path in _WORK[name]}})
        rules = made.ruleset(approvals=1, checks=("test",))
        rules.rules += [{"type": "non_fast_forward"}, {"type": "deletion"}]
        if name == PLANTED["administrators may pass the rules"].repository:
            rules.bypass.append({"actor_type": "RepositoryRole", "actor_id": 5, "bypass_mode": "always"})
            self.items["administrators may pass the rules", RULES] = f"{made.it.full_name}:main"
        made.environment("production")
        made.deploy(made.head(), self._pipeline)
        return made

    def live(self, month: Period) -> None:
        """Everything that happens in a month, up to the moment when it is collected."""
        for plan in sorted(self._plans(month), key=lambda one: one.at):
            self.github.world.now = plan.at
            repo = self.repos[plan.repository]
            getattr(self, f"_{plan.kind.replace(' ', '_')}")(repo)
            self._note(plan.kind, repo)
        for name, repo in self.repos.items():
            self.github.world.now = month.end - timedelta(days=1, hours=10)
            repo.release(f"v{month.name.replace('-', '.')}", self._people["dana"], body=self._notes(name, month))
        self.github.world.now = self.jira.now = collected_at(month)

    def _note(self, kind: str, repo: Repo) -> None:
        """Remember in which items it shows: what happened last in that repository."""
        home = repo.it.full_name
        shows = {DEPLOYMENTS: f"{home}#deployment-{repo.it.deployments[-1].id}"}
        if repo.it.releases:
            shows[RELEASES] = f"{home}#release-{opaque('Release', repo.it.releases[-1].id)}"
        for control in PLANTED[kind].deviates if kind in PLANTED else ():
            self.items.setdefault((kind, control), shows.get(control, f"{home}@{repo.head()}"))

    def deviating(self) -> dict[str, dict[str, list[str]]]:
        """Letters by control and item: what `soc2ev check` has to find of the story so far."""
        found: dict[str, dict[str, list[str]]] = {}
        for (kind, control), item in self.items.items():
            found.setdefault(control, {})[item] = list(PLANTED[kind].deviates[control])
        return found

    def _plans(self, month: Period) -> Iterator[Plan]:
        planted = {(one.repository, one.day): kind for kind, one in PLANTED.items()}
        days = (month.end - month.start).days
        for day in range(3, days - 2):
            at = month.start + timedelta(days=day, hours=9)
            for name, weekdays in (("payments-api", (1, 3)), ("web", (2,))):
                kind = planted.get((name, f"{at:%Y-%m-%d}"))
                if at.weekday() in weekdays or kind:
                    hours = -6 if kind == "push at night" else self._chance.randrange(1, 5)
                    yield Plan(at + timedelta(hours=hours), name, kind or "clean")

    @staticmethod
    def _notes(name: str, month: Period) -> str:
        return f"What is new in {name} in {month.name}: see the tickets of the month in project PAY."

    # What happens: each takes a change from its ticket to production.

    def _ticket(self, title: str, by: str, *, kind: str = "Change", before: float = 48) -> Ticket:
        """A ticket of so many hours ago."""
        self._number += 1
        at = self.github.now - timedelta(hours=before)
        words = f"{title}. Wanted by support and finance."
        reporter = self._jira_people[by]
        return self.jira.ticket(f"PAY-{2000 + self._number}", at=at, summary=title, description=words, type=kind, reporter=reporter)  # fmt: skip

    def _approved(self, title: str, approver: str, by: str) -> Ticket:
        found = self._ticket(title, by)
        self.jira.move(found, "Approved", self._jira_people[approver], after=20)
        return found

    def _close(self, ticket: Ticket, by: str) -> None:
        hours = (self.github.now - ticket.updated).total_seconds() / 3600
        self.jira.move(ticket, "Done", self._jira_people[by], after=hours)

    def _cast(self, repo: Repo) -> tuple[str, str, str, tuple[str, str]]:
        """Author, reviewer, approver of the ticket, and the work."""
        author, reviewer = self._chance.sample(_DEVELOPERS, 2)
        return author, reviewer, self._chance.choice(_APPROVERS), self._chance.choice(_WORK[repo.it.name])

    def _open(self, repo: Repo, author: str, ticket: Ticket, work: tuple[str, str], **facts: str) -> Change:
        title, path = work
        risky = path.startswith(("src/webhooks/", "src/auth/"))
        body = (
            f"As {ticket.key} asks: {title.lower()}.\n\n## Rollback plan\nDeploy the release before this one again.\n"
        )
        named = {"branch": f"{ticket.key.lower()}-{title.split()[0].lower()}", **facts}
        files: dict[str, str | None] = {path: f"{self._number}"}
        return repo.open(self._people[author], f"{ticket.key} {title}", files=files, body=body + _ANSWERS * risky, **named)  # fmt: skip

    def _deploy(self, repo: Repo) -> w.Deployment:
        return repo.deploy(repo.head(), self._pipeline)

    def _land(self, change: Change, ticket: Ticket, merger: str, **facts: str) -> None:
        """Merge, deploy, close the ticket."""
        change.merge(self._people[merger], self._chance.choice(("squash", "merge", "rebase")), **facts)
        change.repo.delete(change.it.head_ref, self._people[merger])
        self._deploy(change.repo)
        self._close(ticket, merger)

    def _clean(self, repo: Repo) -> None:
        author, reviewer, approver, work = self._cast(repo)
        ticket = self._approved(work[0], approver, author)
        change = self._open(repo, author, ticket, work)
        if self._chance.random() < 0.25:  # a round of review
            change.check()
            change.review(self._people[reviewer], "CHANGES_REQUESTED", body="A test is missing.")
            change.push(
                self._people[author], {f"tests/{work[1].rpartition('/')[2]}.txt": "tested"}, "Answer the review"
            )
        change.check()
        change.approve(self._people[reviewer])
        self._land(change, ticket, reviewer)

    def _ready(self, repo: Repo, ticket: Ticket | None = None, **facts: str) -> tuple[Change, Ticket, str]:
        """A change with a green check, its ticket, and who is to review it."""
        author, reviewer, approver, work = self._cast(repo)
        ticket = ticket or self._approved(work[0], approver, author)
        change = self._open(repo, author, ticket, work, **facts)
        change.check()
        return change, ticket, reviewer

    def _backfilled_ticket(self, repo: Repo) -> None:
        """The ticket was made and approved when the change had been live for an hour."""
        author, reviewer, approver, work = self._cast(repo)
        ticket = self._ticket(work[0], author, before=-3)
        change = self._open(repo, author, ticket, work)
        change.check()
        change.approve(self._people[reviewer])
        change.merge(self._people[reviewer], "squash")
        self._deploy(repo)
        self.jira.move(ticket, "Approved", self._jira_people[approver], after=1)
        self.jira.move(ticket, "Done", self._jira_people[author], after=1)

    def _push_at_night(self, repo: Repo) -> None:
        """The administrator pushes to the branch at three in the morning, past the rules."""
        dana = self._people["dana"]
        repo.push(dana, {"src/db/pool.py": "night"}, "Raise the number of connections")
        repo.judged(repo.it.activity[-1], "bypass", "pull_request", "required_status_checks")
        self._deploy(repo)

    def _stale_approval(self, repo: Repo) -> None:
        """Approved first, then pushed to once more."""
        change, ticket, reviewer = self._ready(repo)
        change.approve(self._people[reviewer])
        assert change.it.author
        change.push(change.it.author, {"src/money/round.py": "once more"}, "One more thing")
        change.check()
        self._land(change, ticket, reviewer)

    def _check_after_the_merge(self, repo: Repo) -> None:
        """The required check ended an hour after the merge."""
        author, reviewer, approver, work = self._cast(repo)
        ticket = self._approved(work[0], approver, author)
        change = self._open(repo, author, ticket, work)
        change.approve(self._people[reviewer])
        run = change.check(conclusion=None)
        change.merge(self._people[reviewer], "squash")
        self.github.tick(hours=1)
        run.status, run.conclusion, run.completed_at = "COMPLETED", "SUCCESS", self.github.now
        self._deploy(repo)
        self._close(ticket, reviewer)

    def _second_account(self, repo: Repo) -> None:
        """Ann approves her own change with her other account."""
        work = _WORK["payments-api"][4]
        ticket = self._approved(work[0], "eli", "ann")
        change = self._open(repo, "ann", ticket, work)
        change.check()
        change.approve(self._people["ann-second"])
        self._land(change, ticket, "ann")

    def _ticket_approved_by_its_maker(self, repo: Repo) -> None:
        author, reviewer, _, work = self._cast(repo)
        ticket = self._approved(work[0], author, reviewer)
        change = self._open(repo, author, ticket, work)
        change.check()
        change.approve(self._people[reviewer])
        self._land(change, ticket, reviewer)

    def _undeclared_emergency(self, repo: Repo) -> None:
        """Merged without a review by bypassing the rules; nobody called it an emergency."""
        change, ticket, _ = self._ready(repo)
        self._land(change, ticket, "dana", result="bypass")

    def _emergency(self, repo: Repo, hours: float) -> None:
        """A declared emergency that is reviewed so many hours after the merge; before it when they are none."""
        author, reviewer, approver, work = self._cast(repo)
        ticket = self._ticket(f"Payments fail: {work[0].lower()}", author, kind="Emergency", before=2)
        self.jira.move(ticket, "Approved", self._jira_people[approver], after=1)
        change = self._open(repo, author, ticket, work, branch=f"hotfix/{ticket.key.lower()}")
        change.label("emergency", self._people[author])
        change.check()
        if not hours:
            change.approve(self._people[reviewer])
        self._land(change, ticket, "dana", result="bypass" if hours else "pass")
        if hours:
            self.github.tick(hours=hours)
            change.approve(self._people[reviewer], body="Reviewed afterwards.")

    def _emergency_reviewed_too_late(self, repo: Repo) -> None:
        self._emergency(repo, 24 * 9)

    def _emergency_handled(self, repo: Repo) -> None:
        self._emergency(repo, 0)

    def _deployment_of_an_unapproved_change(self, repo: Repo) -> None:
        """A branch that nobody has approved is deployed by hand; the change itself is finished properly afterwards."""
        change, ticket, reviewer = self._ready(repo)
        assert change.it.author
        made = repo.deploy(change.it.head_sha, change.it.author, ref=f"refs/heads/{change.it.head_ref}")
        self.items["deployment of an unapproved change", DEPLOYMENTS] = f"{repo.it.full_name}#deployment-{made.id}"
        self.github.tick(hours=1)
        change.approve(self._people[reviewer])
        self._land(change, ticket, reviewer)

    def _release_without_notes(self, repo: Repo) -> None:
        self._clean(repo)
        repo.release("v2026.10-fix", self._people["dana"])
