"""One change, with all that is known about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from soc2ev.tables.facts.evidence.deployments import Deployments
from soc2ev.tables.facts.evidence.requests import Account, Commit, PullRequest, Tests
from soc2ev.tables.facts.evidence.rules import Bypass, Rules
from soc2ev.tables.facts.evidence.tickets import Tickets


@dataclass(frozen=True, slots=True)
class SelfReview:
    """A record of the register that a maker looked at the own change again."""

    reviewer: str
    at: datetime | None
    checked: str


@dataclass(frozen=True, slots=True)
class Change:
    """One move of a production ref."""

    item: str
    repository: str
    ref: str
    sha: str
    """What the ref held afterwards."""
    integration: str
    """pr_merge, queue_merge, direct_push, force_push or rollback."""
    at: datetime | None
    """The server's time of the move; None when only the clients' clocks tell."""
    actor: Account | None
    """Who moved the ref, as the server recorded it."""
    actor_known: bool
    """The server told who moved it: an actor of None is then an account that is gone."""
    requests: tuple[PullRequest, ...]
    """Pull requests that landed with this move; several for a merge queue's group; empty for a push."""
    commits: tuple[Commit, ...]
    """Commits that the move brought."""
    tested: tuple[Tests, ...]
    """By commit that could have been tested: heads of the requests, the commit that landed."""
    rules: Rules
    bypass: Bypass
    deployments: Deployments
    tickets: Tickets
    kinds: tuple[str, ...] | None
    """Kinds of production change by the register's path rules; None when files or rules are not known."""
    high_risk: tuple[str, ...] | None
    """Kinds among them that the register calls high-risk; None when not known."""
    reverts: tuple[str, ...]
    collected_at: datetime | None
    """When the evidence was collected: deadlines that end later are still running."""
    unseen_requests: int = 0
    """How many pull requests landed with this move and were not obtained."""
    requests_known: bool = True
    """All pull requests were listed, so that what none of them holds was pushed past them."""
    self_reviews: tuple[SelfReview, ...] | None = ()
    """Records that its makers looked at it again; None when the register could not be read."""

    @property
    def may_have_request(self) -> bool:
        """Whether a pull request may hold what is taken for a push, since not all were listed."""
        return not (self.requests or self.requests_known) and self.integration in ("direct_push", "rollback")

    def alone(self, request: PullRequest) -> Change:
        """The change as far as that one of its requests brought it: what another one names or says does not count."""
        landed = {request.merge_sha, request.landed.sha if request.landed else None, request.head_sha}
        own = landed | {one.sha for one in request.commits}
        links = self.tickets.of.get(request.number, ()) if self.tickets.of else self.tickets.links
        return replace(
            self,
            requests=(request,),
            commits=tuple(one for one in self.commits if one.sha in own),
            tickets=replace(self.tickets, links=links),
        )
