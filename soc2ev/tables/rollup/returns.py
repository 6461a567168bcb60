"""Deliveries that brought nothing new: an older state that was deployed again, or the same one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from soc2ev import ticket_keys
from soc2ev.tables.facts import approvals
from soc2ev.tables.facts.evidence import Bypass, Change, Deployments
from soc2ev.tables.facts.judge import Judgement, judge
from soc2ev.tables.facts.makers import Makers
from soc2ev.tables.rollup.parts import nothing_new

if TYPE_CHECKING:
    from soc2ev.config import Policy
    from soc2ev.model import Json
    from soc2ev.tables.facts.people import People
    from soc2ev.tables.hosted.gather import Gatherer
    from soc2ev.tables.rollup.delivery import Delivery
    from soc2ev.tables.rollup.home import Home

_AGAIN = "It brought nothing that had not reached production before."


def rolled_back(home: Home, ref: str, one: Delivery, gatherer: Gatherer, policy: Policy, people: People) -> Judgement:
    """The facts of a deployment of an older state; whether that was tested, the change that had landed it tells."""
    return judge(_change(home, ref, one, gatherer, "rollback"), policy, people)


def tested(home: Home, one: Delivery) -> dict[str, Json]:
    """Columns of attribute B from the change that had landed the state; none when that is not known."""
    landed = home.landed.get(home.history.items.get(one.sha or "", ""))
    if landed is None:
        return {}
    row = landed.facts
    told = f"When that state had landed ({landed.name}): {row['checks_reason']}"
    return {"checks_passed": row["checks_passed"], "checks_reason": told}


def repeated(home: Home, ref: str, one: Delivery, gatherer: Gatherer, people: People) -> Mapping[str, Json]:
    """Columns for a delivery of what was there already: only the gate of its environment is asked about."""
    row = nothing_new(_AGAIN)
    if one.deployment is None:
        return row
    gate = approvals.at_gate(_change(home, ref, one, gatherer, "rollback"), Makers((), frozenset(), whole=True), people)
    if gate is None:
        return row
    return row | {"approved_before_production": gate.value, "approval_applies": True, "approval_reason": gate.reason}


def _change(home: Home, ref: str, one: Delivery, gatherer: Gatherer, integration: str) -> Change:
    """The delivery as a change without content."""
    basis, deployment = home.bases[ref], one.deployment
    found = home.collections.get(deployment.id) if deployment else None
    entry = found.coverages.get("deployments") if found else None
    seen = Deployments(
        containing=(deployment,) if deployment else (),
        unplaced=0,
        total=len(home.deployments),
        visible=entry is not None and entry.complete,
        reason=entry.reason if entry else None,
        gated=basis.gated,
        collected_at=entry.collected_at if entry else None,
    )
    tests = found.requests.tests([one.sha]) if found and one.sha else {}
    written = [
        row["comment"] or ""
        for row in (found.requests.rows("github_gate_answers") if found and deployment else ())
        if deployment and str(row["deployment"]) == deployment.id
    ]
    keys = dict.fromkeys(key for text in written for key in ticket_keys.find(text, gatherer.projects()))
    tickets, _ = gatherer.tickets().about([(key, "gate") for key in keys])
    return Change(
        item=one.item,
        repository=home.repository,
        ref=ref,
        sha=one.sha or "",
        integration=integration,
        at=one.at,
        actor=one.actor,
        actor_known=True,
        requests=(),
        commits=(),
        tested=tuple(tests.values()),
        rules=basis.rules,
        bypass=Bypass(visible=False, bypassed=False),
        deployments=seen,
        tickets=tickets,
        kinds=None,
        high_risk=(),
        reverts=(),
        collected_at=seen.collected_at,
    )
