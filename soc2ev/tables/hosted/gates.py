"""Who let deployments through the gates of their environments, from the tables of one collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from soc2ev.tables.facts.evidence import GateApproval
from soc2ev.tables.hosted.requests import account

if TYPE_CHECKING:
    from soc2ev.model import Json
    from soc2ev.tables.hosted.requests import Requests

_STARTED = frozenset({"IN_PROGRESS", "SUCCESS"})
States = Sequence[tuple[str, datetime | None]]


@dataclass(frozen=True, slots=True)
class Gates:
    """The answers at gates by deployment; one that is not there was not asked about, or not all its answers came."""

    found: Mapping[int, Sequence[Mapping[str, Json]]]

    def answers(self, deployment: int, environment: str, states: States) -> tuple[GateApproval, ...] | None:
        """
        The answers for that environment; None when nobody can tell, empty when nobody answered.

        GitHub tells no time of an answer. Nothing is deployed behind a gate before somebody let it through, so that
        the time at which the deployment began is the latest that an answer can have.
        """
        if deployment not in self.found:
            return None
        began = min((at for state, at in states if state in _STARTED and at), default=None)
        return tuple(
            GateApproval(account(row, "approver"), row["state"] == "APPROVED", began)
            for row in self.found[deployment]
            if environment in (row["environments"] or ())
        )


def of(requests: Requests) -> Gates:
    """The gates of one repository from one run."""
    rows: dict[int, list[Mapping[str, Json]]] = defaultdict(list)
    for row in requests.rows("github_gate_answers"):
        rows[row["deployment"]].append(row)
    return Gates({row["deployment"]: rows[row["deployment"]] for row in requests.rows("github_gates") if row["whole"]})
