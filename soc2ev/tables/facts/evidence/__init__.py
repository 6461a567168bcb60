"""
What is known about one change, gathered from all sources, before anybody judges it.

None means "not known", an empty tuple means "known, and there is none". What was denied, cut off or not asked for is
never written as empty: `missing`, `visible` and `whole` say so.
"""

from __future__ import annotations

from soc2ev.tables.facts.evidence.change import Change, SelfReview
from soc2ev.tables.facts.evidence.deployments import Deployment, Deployments, GateApproval, Look, Trouble, Watch
from soc2ev.tables.facts.evidence.requests import Account, Check, Commit, Event, PullRequest, Review, Tests, WorkflowRun
from soc2ev.tables.facts.evidence.rules import Bypass, Earlier, Rule, Rules
from soc2ev.tables.facts.evidence.tickets import Ticket, TicketApproval, TicketEvent, TicketLink, Tickets

__all__ = [
    "Account",
    "Bypass",
    "Change",
    "Check",
    "Commit",
    "Deployment",
    "Deployments",
    "Earlier",
    "Event",
    "GateApproval",
    "Look",
    "PullRequest",
    "Review",
    "Rule",
    "Rules",
    "SelfReview",
    "Tests",
    "Ticket",
    "TicketApproval",
    "TicketEvent",
    "TicketLink",
    "Tickets",
    "Trouble",
    "Watch",
    "WorkflowRun",
]
