"""
Who let deployments through the gates of their environments.

GitHub keeps the answers with the workflow run that deploys, and the address of its log leads there. It tells no time of
an answer. Hosts that cannot be asked by address are asked run by run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soc2ev.errors import AccessError, CollectError
from soc2ev.fetch import RefusedError
from soc2ev.model import Json
from soc2ev.sources.github import documents, shapes
from soc2ev.sources.github.claims import Repository, Tally, explain
from soc2ev.sources.github.deliveries import Deployed
from soc2ev.sources.github.refusals import FlawedError

if TYPE_CHECKING:
    from soc2ev.period import Period
    from soc2ev.sources.github.host import Host

_FEW = 50
"""So many runs are asked for even when nothing shows that they waited: one question."""
_MOST_ALONE = 100
_FORBIDDEN = 403
_LASTING = (_FORBIDDEN, 404, 410, 451)
"""Statuses of what the token may not see, and of runs that are gone; anything else may be had another time."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A workflow run and the deployments that it made."""

    address: str
    deployments: tuple[int, ...]

    @property
    def number(self) -> int:
        return int(self.address.rpartition("/")[2])


def ask(host: Host, repository: Repository, deployed: Iterable[Deployed], period: Period, tally: Tally) -> None:
    """
    Ask who answered at the gates of the period's deployments: of all that waited, and of the others when they are few.

    What is refused for good leaves those deployments without an answer, which whoever judges has to know; it is no
    deployment that is missing, so that the tally only notes it. What fails otherwise is missing.
    """
    wanted = _runs([one for one in deployed if one.runs and one.began_at >= period.start])
    left: list[tuple[_Run, CollectError]] = []
    asking = _Asking(host, repository, tally)
    host.in_batches(
        "gates", wanted, asking.together, lambda chunk, problem: left.extend((one, problem) for one in chunk)
    )
    refused: list[CollectError] = [problem for _, problem in left if isinstance(problem, AccessError)]
    if left and not refused:
        # Where the errors stand beside answers that count, those would stand twice.
        alone = [one for one, problem in left[:_MOST_ALONE] if not isinstance(problem, FlawedError)]
        lost: list[CollectError] = []
        host.in_batches("run", alone, asking.alone, lambda _, problem: lost.append(problem))
        lost += [problem for _, problem in left if isinstance(problem, FlawedError)]
        refused = lost or [problem for _, problem in left[_MOST_ALONE:]]
    for problem in refused:
        if getattr(problem, "status", _FORBIDDEN) not in _LASTING or not isinstance(
            problem, (AccessError, RefusedError)
        ):
            tally.failed(problem, "who let deployments through their gates")
            return
    if refused:
        tally.details["gates"] = f"not all could be read: {explain(refused[0])}"[:300]


def _runs(deployed: Sequence[Deployed]) -> list[_Run]:
    chosen = (
        deployed
        if len({run for one in deployed for run in one.runs}) <= _FEW
        else [one for one in deployed if one.waited]
    )
    # A deployment's last status stands first; should they lead to several runs, the first one made it.
    found: dict[str, list[int]] = {}
    for one in chosen:
        found.setdefault(one.runs[-1], []).append(one.number)
    return [_Run(address, tuple(numbers)) for address, numbers in found.items()]


class _Asking:
    """The two ways to ask."""

    def __init__(self, host: Host, repository: Repository, tally: Tally) -> None:
        self.host, self.repository, self.tally = host, repository, tally

    def together(self, chunk: Sequence[_Run]) -> None:
        variables = {f"u{n}": one.address for n, one in enumerate(chunk)}

        def check(data: Json) -> None:
            if sum(1 for _ in shapes.objects(data, "g")) != len(chunk):
                raise ValueError("it holds other runs than were asked for")

        asked = self._asked("gates", chunk)
        found = self.host.query(documents.gates(len(chunk)), variables, stream=self._stream, asked=asked, check=check)
        for one, (_, value) in zip(chunk, shapes.objects(found.data, "g"), strict=True):
            answers: Json = value and value["deploymentReviews"]
            if answers and answers["totalCount"] != len(answers["nodes"]):
                self.tally.lacks(f"GitHub does not list all answers at the gates of run {one.number} that it counts")

    def alone(self, chunk: Sequence[_Run]) -> None:
        for one in chunk:
            path = f"{self.repository.path}/actions/runs/{one.number}/approvals"
            self.host.get(path, stream=self._stream, asked=self._asked("run", [one]))

    @property
    def _stream(self) -> str:
        return self.repository.stream("deployments")

    def _asked(self, role: str, chunk: Sequence[_Run]) -> dict[str, Json]:
        asked: dict[str, Json] = {"repository": self.repository.name, "role": role}
        return asked | {"runs": [one.number for one in chunk], "deployments": [list(one.deployments) for one in chunk]}
