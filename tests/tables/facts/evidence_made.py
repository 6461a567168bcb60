"""Evidence about a change that did everything right, and ways to spoil one piece of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from soc2ev.config import Policy
from soc2ev.tables.facts.evidence import (
    Account,
    Bypass,
    Change,
    Check,
    Commit,
    Deployment,
    Deployments,
    Event,
    PullRequest,
    Review,
    Rule,
    Rules,
    Tests,
    Ticket,
    TicketEvent,
    TicketLink,
    Tickets,
)
from soc2ev.tables.facts.judge import Judgement, judge
from soc2ev.tables.facts.people import People

MERGED = datetime(2026, 10, 7, 12, 0, tzinfo=UTC)
"""A Wednesday."""
ANN, BOB, CAT, DAN = (Account(name, number) for number, name in enumerate(("ann", "bob", "cat", "dan"), 1))
PAT_JIRA, ANN_JIRA = Account("Pat", "pat-j"), Account("Ann", "ann-j")
BOT = Account("dependabot[bot]", 50, "Bot")
PLATFORM = Account("web-flow", 19864447)
REGISTER: dict[str, Any] = {
    "accounts": [
        {"person": name, "system": system, "account": account, "login": None}
        for name, number in (("ann", "1"), ("bob", "2"), ("cat", "3"), ("dan", "4"), ("pat", "9"))
        for system, account in (("github", number), ("jira", f"{name}-j"), ("email", f"{name}@example.com"))
    ],
    "people": [{"person": name, "machine": False} for name in ("ann", "bob", "cat", "dan", "pat")],
}
BODY = "Adds the export of invoices.\n\n## Rollback\nRevert this commit and deploy again.\n"
CI = 15368


def ago(minutes: float = 0) -> datetime:
    """Minutes before the merge; negative ones are after it."""
    return MERGED - timedelta(minutes=minutes)


def commit(sha: str = "h1", *, by: Account | None = ANN, parents: tuple[str, ...] = ("base",), **facts: Any) -> Commit:
    """A commit that its author made and committed, an hour before the merge."""
    name = by.login if by else "Somebody"
    address = f"{name}@example.com" if by else "me@laptop.local"
    values: dict[str, Any] = {
        "message": "Change\n",
        "author": by,
        "author_name": name,
        "author_email": address,
        "committer": by,
        "committer_name": name,
        "committer_email": address,
        "authored_at": ago(60),
        "committed_at": ago(60),
        "via_web": False,
        "signed_by_github": False,
    }
    return Commit(sha=sha, parents=parents, **(values | facts))


def base_merge(sha: str = "h2", *, by: Account = ANN, **facts: Any) -> Commit:
    """What the button that updates a branch makes."""
    values: dict[str, Any] = {
        "parents": ("h1", "base2"),
        "message": "Merge branch 'main' into work",
        "committer": PLATFORM,
        "committer_email": "noreply@github.com",
        "via_web": True,
        "signed_by_github": True,
    }
    return commit(sha, by=by, **(values | facts))


def review(by: Account | None = BOB, minutes: float = 30, *, state: str = "APPROVED", **facts: Any) -> Review:
    """An approval of the head by somebody who may write, half an hour before the merge."""
    values: dict[str, Any] = {"id": f"r{minutes}", "commit": "h1", "can_push": True}
    return Review(reviewer=by, state=state, submitted_at=ago(minutes), **(values | facts))


def event(kind: str, minutes: float, by: Account | None = CAT, **facts: Any) -> Event:
    """An entry of the time line, some minutes before the merge."""
    return Event(kind, ago(minutes), by, **facts)


def check(conclusion: str | None = "SUCCESS", minutes: float = 40, **facts: Any) -> Check:
    """An attempt of the required check that ended before the merge."""
    values: dict[str, Any] = {
        "kind": "check",
        "name": "test",
        "app_id": CI,
        "status": "COMPLETED" if conclusion else "IN_PROGRESS",
        "started_at": ago(minutes + 5),
        "completed_at": ago(minutes) if conclusion else None,
    }
    return Check(conclusion=conclusion, **(values | facts))


def request(number: int = 412, **facts: Any) -> PullRequest:
    """A pull request by Ann, approved on its head by Bob, merged by Bob."""
    values: dict[str, Any] = {
        "title": "ABC-1 Export invoices",
        "body": BODY,
        "author": ANN,
        "created_at": ago(90),
        "merged_at": MERGED,
        "edited_at": None,
        "merger": BOB,
        "enabler": None,
        "merge_sha": "m1",
        "base_ref": "main",
        "base_sha": "base",
        "head_ref": "work",
        "head_sha": "h1",
        "cross_repository": False,
        "additions": 1,
        "deletions": 0,
        "changed_files": 1,
        "labels": (),
        "issues": (),
        "commits": (commit(),),
        "reviews": (review(),),
        "events": (),
        "files": ("src/app.py",),
        "received": {"h1": ago(59)},
        "pushers": (ANN,),
    }
    return PullRequest(number=number, **(values | facts))


def moved(status: str, minutes: float, by: Account | None = PAT_JIRA, before: str = "Open") -> TicketEvent:
    """A ticket's move to a status."""
    return TicketEvent(ago(minutes), by, "status", before, status)


def ticket(**facts: Any) -> Ticket:
    """A ticket that Pat approved the day before the merge."""
    values: dict[str, Any] = {
        "key": "ABC-1",
        "type": "Story",
        "status": "Approved",
        "created_at": ago(5000),
        "reporter": PAT_JIRA,
        "summary": "Invoices",
        "description": "",
        "events": (moved("Approved", 1440),),
        "approvals": None,
        "whole": True,
    }
    return Ticket(**(values | facts))


def linked(held: Ticket | None = None, source: str = "title", **facts: Any) -> Tickets:
    """The change names ABC-1 and the ticket system answered."""
    values: dict[str, Any] = {"configured": True, "visible": True}
    return Tickets((TicketLink("ABC-1", source, held or ticket()),), **(values | facts))


def rule(**facts: Any) -> Rule:
    """One approval and the check `test` by the CI's App."""
    values: dict[str, Any] = {
        "origin": "ruleset main",
        "changed_at": ago(100000),
        "approvals": 1,
        "last_push_approval": False,
        "checks": (("test", CI),),
    }
    return Rule(**(values | facts))


def deployment(*states: str, **facts: Any) -> Deployment:
    """A deployment to production an hour after the merge."""
    values: dict[str, Any] = {"id": "d1", "environment": "production", "sha": "m1", "creator": BOT, "asked": True}
    statuses = tuple((state, ago(-60 - place)) for place, state in enumerate(states or ("SUCCESS",)))
    return Deployment(statuses=statuses, **({"created_at": ago(-60)} | values | facts))


def deployments(*found: Deployment, **facts: Any) -> Deployments:
    """The deployments of the repository; they were looked at a month later."""
    values: dict[str, Any] = {
        "unplaced": 0,
        "total": 10,
        "visible": True,
        "gated": False,
        "collected_at": MERGED + timedelta(days=30),
    }
    return Deployments(containing=found, **(values | facts))


def change(*requests: PullRequest, **facts: Any) -> Change:
    """A clean change, collected a month after its merge."""
    values: dict[str, Any] = {
        "integration": "pr_merge",
        "at": MERGED,
        "actor": BOB,
        "actor_known": True,
        "requests": requests or (request(),),
        "commits": (commit("m1"),),
        "tested": (Tests("h1", (check(),), whole=True), Tests("m1", (check(minutes=-10),), whole=True)),
        "rules": Rules((rule(),), visible=True),
        "bypass": Bypass(visible=True, bypassed=False),
        "deployments": deployments(deployment()),
        "tickets": linked(),
        "kinds": (),
        "high_risk": (),
        "reverts": (),
        "collected_at": MERGED + timedelta(days=30),
    }
    return Change(item="acme/api@m1", repository="acme/api", ref="main", sha="m1", **(values | facts))


def pushed(**facts: Any) -> Change:
    """A push by Cat past any pull request, which the host recorded as a bypass."""
    values: dict[str, Any] = {
        "integration": "direct_push",
        "actor": CAT,
        "requests": (),
        "commits": (commit("m1", by=CAT),),
        "bypass": Bypass(visible=True, bypassed=True),
        "tickets": Tickets((), configured=True, visible=True),
    }
    return replace(change(), **(values | facts))


def policy(**parts: Any) -> Policy:
    """The default policy, with parts of it changed."""
    return Policy.model_validate(parts)


def people(**facts: Any) -> People:
    """The register of people."""
    return People(**(REGISTER | facts))


def judged(given: Change | PullRequest, rules: Policy | None = None, who: People | None = None) -> Judgement:
    """The facts about a change, or about a clean change with that pull request."""
    found = given if isinstance(given, Change) else change(given)
    return judge(found, rules or policy(), who or people())


def letters(found: Judgement) -> dict[str, str]:
    """Outcomes by letter, as the control derives them from the row."""
    row = found.row
    words = {True: "met", False: "deviation", None: "not tested"}
    columns = {
        "A": "ticket_authorised",
        "B": "checks_passed",
        "C": "final_content_approved",
        "D": "approved_before_production",
        "E": "duties_separated",
        "F": "emergency_handled",
        "G": "documented",
        "H": "deployed",
    }
    result = {letter: words[row[column]] for letter, column in columns.items()}
    for letter, column in (("C", "review_applies"), ("D", "approval_applies"), ("F", "emergency")):
        if row[column] is False:
            result[letter] = "not applicable"
    return result
