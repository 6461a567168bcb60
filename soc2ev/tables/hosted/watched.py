"""What happened after deployments: checks that look at production, entries of the register, rollbacks, incidents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from soc2ev.tables import commit_text
from soc2ev.tables.facts import deliveries
from soc2ev.tables.facts.evidence import Check, Deployment, Look, Tests, Trouble, Watch

if TYPE_CHECKING:
    from soc2ev.config import Config
    from soc2ev.model import Coverage, Json
    from soc2ev.tables.engine import Engine
    from soc2ev.tables.hosted.collection import Collection

Row = Mapping[str, "Json"]
_GOOD = {"fine": True, "issues found": False, "rolled back": False}
_SHORTEST = 7
_FAILED = frozenset({"failure", "error"})


@dataclass(frozen=True, slots=True)
class _Told:
    """What one collection tells beside the deployments themselves."""

    tests: Mapping[str, Tests]
    reverts: Mapping[str, Sequence[tuple[str, datetime | None]]]
    """By commit: what says that it reverts it, and when that was committed."""
    evidence_at: datetime | None
    gaps: tuple[str, ...]


class Watchers:
    """Puts together what came after each deployment."""

    def __init__(self, engine: Engine, config: Config, coverages: Sequence[Coverage]) -> None:
        self._policy = config.policy.watch
        types = {one.lower() for one in self._policy.incident_types}
        self._incidents = [row for row in _newest(engine) if (row["type"] or "").lower() in types]
        looks = "select * from register_deployment_looks where status = 'approved' order by all"
        self._looks = list(engine.stream(looks))
        problems = "select file from registers where problem is not null order by all"
        unread = [f"the register {row['file']} cannot be read" for row in engine.stream(problems)]
        kept = [one for one in coverages if one.stream.startswith("registers")] if config.registers else []
        unread += [f"registers were not read whole: {one.reason}" for one in kept if not one.complete]
        self._unread = tuple(unread or (["no registers were collected"] if config.registers and not kept else []))

    def after(
        self, found: Collection, deployments: Sequence[Deployment], heights: Mapping[str, int | None]
    ) -> dict[str, Watch]:
        """By deployment what came after it; `heights` are places on the branch, the tip being highest."""
        told = self._told(found, deployments)
        by_place: dict[str, list[Deployment]] = defaultdict(list)
        for one in deployments:
            by_place[one.environment].append(one)
        watches = {}
        for row in by_place.values():
            for place, one in enumerate(row):
                looks = (*self._checks(told.tests.get(one.sha)), *self._written(found.repository, one))
                gaps = (*told.gaps, *self._unread, *self._unseen(told.tests.get(one.sha), one))
                troubles = (*_failures(one), *_went_back(one, row[place + 1 :], heights), *_reverted(one, told))
                incidents = tuple(self._named(found.repository, one))
                watches[one.id] = Watch(looks, (*troubles, *incidents), gaps, told.evidence_at)
        return watches

    def _told(self, found: Collection, deployments: Sequence[Deployment]) -> _Told:
        tests = found.requests.tests({one.sha for one in deployments}) if self._policy.checks and deployments else {}
        reverts: dict[str, list[tuple[str, datetime | None]]] = defaultdict(list)
        for row in found.requests.rows("github_commits", "contains(message, 'This reverts commit')"):
            for sha in commit_text.reverts(row["message"]):
                reverts[sha].append((row["sha"], row["committed_at"]))
        times = [one.collected_at for one in found.coverages.values() if one.collected_at]
        return _Told(tests, reverts, min(times, default=None), _gaps(found.coverages.get("deployments")))

    def _checks(self, tests: Tests | None) -> Iterator[Look]:
        for one in tests.checks if tests else ():
            if self._matches(one.name):
                yield Look(
                    f"the check {one.name}", one.completed_at, _passed(one), (one.conclusion or "running").lower()
                )

    def _unseen(self, tests: Tests | None, deployment: Deployment) -> Iterator[str]:
        """Checks that could have looked at it, and were not read."""
        if not self._policy.checks:
            return
        if tests is None:
            yield f"the checks of {deployment.sha[:10]} were not asked for"
        elif not tests.whole:
            yield tests.reason or f"not all checks of {deployment.sha[:10]} were obtained"
        elif not tests.all_statuses and any(one.kind == "status" and self._matches(one.name) for one in tests.checks):
            yield f"of the statuses of {deployment.sha[:10]} the newest alone were read"

    def _matches(self, name: str) -> bool:
        return any(fnmatchcase(name, form) for form in self._policy.checks)

    def _written(self, repository: str, deployment: Deployment) -> Iterator[Look]:
        names = (deployment.id, f"{repository}#deployment-{deployment.id}")
        for row in self._looks:
            if row["deployment"] in names:
                yield Look(row["looked_by"], row["looked_at"], _GOOD.get(row["result"]), row["seen"] or "", person=True)

    def _named(self, repository: str, deployment: Deployment) -> Iterator[Trouble]:
        """Incidents whose text names the deployment or its commit."""
        for row in self._incidents:
            text = f"{row['summary'] or ''}\n{row['description'] or ''}"
            if f"{repository}#deployment-{deployment.id}" in text or deployment.sha[:_SHORTEST] in text:
                yield Trouble("incident", row["created_at"], f"{row['key']} {row['summary'] or ''}")


def _gaps(entry: Coverage | None) -> tuple[str, ...]:
    if entry is not None and entry.complete:
        return ()
    return (f"deployments were not collected whole: {entry.reason if entry else 'nobody asked for them'}",)


def _passed(check: Check) -> bool | None:
    """Whether it ended well; None while it runs."""
    return None if check.conclusion is None else check.conclusion.upper() == "SUCCESS"


def _failures(one: Deployment) -> Iterator[Trouble]:
    arrived = deliveries.succeeded(one)
    for state, at in one.statuses:
        if arrived and at and at >= arrived and state.lower() in _FAILED:
            yield Trouble("failure", at, f"its deployment was reported as {state.lower()}")


def _went_back(one: Deployment, later: Sequence[Deployment], heights: Mapping[str, int | None]) -> Iterator[Trouble]:
    """The next deployment to the environment that succeeded, when it was of an older state."""
    following = next((other for other in later if deliveries.succeeded(other) is not None), None)
    if following is None:
        return
    now, then = heights.get(following.id), heights.get(one.id)
    if now is not None and then is not None and now < then:
        what = f"deployment {following.id} went back to {following.sha[:10]}"
        yield Trouble("rollback", deliveries.succeeded(following), what)


def _reverted(one: Deployment, told: _Told) -> Iterator[Trouble]:
    for sha, at in told.reverts.get(one.sha, ()):
        yield Trouble("revert", at, f"{sha[:10]} reverts it")


def _newest(engine: Engine) -> list[Row]:
    """The tickets as they were last told."""
    found: dict[tuple[str, str], Row] = {}
    for row in engine.stream("select * from jira_tickets order by updated_at nulls first, run, part, site, ticket"):
        found[(row["site"], row["ticket"])] = row
    return list(found.values())
